"""Where each tripwire begins and ends to touch."""

from __future__ import annotations

import pytest

from broker.guard.texts import fold
from broker.guard.tripwires import TRIPWIRES

# Of each length that there is, an account that the registry of ISO 13616 gives as its
# example, or one of that country with check digits worked out by its rule.
ACCOUNTS = (
    "NO9386011117947",
    "BE68539007547034",
    "DK5000400440116243",
    "SI56263300012039086",
    "AT611904300234573201",
    "CH9300762011623852957",
    "DE89370400440532013000",
    "AE070331234567890123456",
    "ES9121000418450200051332",
    "PT50000201231234567890154",
    "IS140159260076545510730339",
    "FR1420041010050500013M02606",
    "AL47212110090000000235698741",
    "BR9700360305000010009795493P1",
    "JO94CBJO0010000000000131000302",
    "MT84MALT011000012345MTLCAST001S",
    "RU0304452522540817810538091310419",
)


def _touches(name: str, text: str) -> bool:
    return TRIPWIRES[name](fold(text))


@pytest.mark.parametrize("account", ACCOUNTS)
def test_an_account_is_told_by_length_and_check_digits(account: str) -> None:
    """In one piece or in groups; not with a digit more, less or another."""
    groups = [account[at : at + 4] for at in range(0, len(account), 4)]
    other = account[:3] + str((int(account[3]) + 1) % 10) + account[4:]

    assert _touches("iban", f"to {account}")
    assert _touches("iban", f"to {' '.join(groups)}, at once")
    assert _touches("iban", f"to {'-'.join(groups)}")
    assert not _touches("iban", f"to {other}")
    assert not _touches("iban", f"to {account}0")
    assert not _touches("iban", f"to {account[:-1]}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4222222222222", True),
        ("It was card 4222222222222.", True),
        ("card no.4222222222222", True),
        ("4222222222222.5", False),
        ("1.4222222222222", False),
        ("card 4222222222222, he said", True),
        ("422222222222", False),
        ("4000000000000000007", False),
        ("4000000000000000006", True),
        ("40000000000000000006", False),
        ("x4111111111111111", False),
        ("x?4111111111111111", True),
        ("x-4111111111111111", True),
        ("4111111111111111x", False),
        ("a 4111111111111111", True),
        ("kartë 4111 1111 1111 1111", True),
        ("٤١١١ ١١١١ ١١١١ ١١١١", True),
        ("4111  1111  1111  1111", False),
        ("378282246310005", True),
        ("341111111111111", True),
        ("490154203237518", False),
        ("0000000000000000", False),
    ],
)
def test_a_card_is_told_by_its_digits(text: str, expected: bool) -> None:
    """Thirteen to nineteen digits that stand alone, with the right last one."""
    assert expected is TRIPWIRES["payment-card"](text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("password: hunter2", True),
        ("passwd=hunter2", True),
        ("pwd : hunter2", True),
        ("fjalëkalimi: hunter2", True),
        ("lozinka=hunter2", True),
        ("šifra = hunter2", True),
        ("password: abcd", True),
        ("password: abc", False),
        ("password hunter2", False),
        ("word: hunter2", False),
        ("passw: hunter2", False),
    ],
)
def test_a_password_is_told_by_the_word_before_it(text: str, expected: bool) -> None:
    """A word for it, a sign, and four letters at least."""
    assert expected is _touches("password", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-----BEGIN PRIVATE KEY-----", True),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", True),
        ("begin private key", False),
        ("----- no key", False),
    ],
)
def test_a_private_key_is_told_by_its_first_line(text: str, expected: bool) -> None:
    """The line that all such files begin with."""
    assert expected is _touches("private-key", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("His id is 1234567892.", True),
        ("Born as 1506985910124.", True),
        ("id nr.1234567892", True),
        ("id 1.1234567892", False),
        ("id 1234567892.1", False),
        ("version 1.1506985910124", False),
        ("1506985910124.2", False),
    ],
)
def test_a_sentence_may_end_after_a_number(text: str, expected: bool) -> None:
    """A full stop ends a sentence; only between digits it is part of a number."""
    assert expected is _touches("personal-number", text)


@pytest.mark.parametrize("number", ["1234567892", "1506985910124"])
@pytest.mark.parametrize("sign", [*" :;/-_#=+,()<>'|*@%&?!~é\n\x1f", "a", "z"])
def test_a_number_ends_where_no_digit_follows(number: str, sign: str) -> None:
    """Letters and signs beside it are no part of it, and another digit is."""
    assert _touches("personal-number", f"id {sign}{number}{sign} id")
    assert _touches("personal-number", f"personal{sign}{sign}{number}")
    assert not _touches("personal-number", f"id {sign}{number}0{sign} id")
    assert not _touches("personal-number", f"id {sign}0{number}{sign} id")


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("id", True),
        ("national_id=", True),
        ("id_nr:", True),
        ("ID-", True),
        ("paid", False),
        ("idle", False),
        ("id2", False),
        ("Leternjoftimi", True),
        ("licni broj", True),
        ("matični", True),
    ],
)
def test_a_word_says_what_ten_digits_are(named: str, expected: bool) -> None:
    """Two letters are a word of their own, also within the name of a field."""
    assert expected is _touches("personal-number", f"{named} 1234567892")
    assert expected is _touches("personal-number", f"1234567892 {named}")


@pytest.mark.parametrize("blanks", [58, 59])
def test_a_word_says_what_a_number_is_from_so_far(blanks: int) -> None:
    """It stands within sixty letters before or after the number."""
    beside = " " * blanks
    expected = blanks == 58

    assert expected is _touches("personal-number", f"id{beside}1234567892")
    assert expected is _touches("personal-number", f"xx 1234567892{beside}id")


def _ten(nine: str) -> str:
    """Return ten digits of which the last is right, if there is such a one."""
    weights = (4, 3, 2, 7, 6, 5, 4, 3, 2)
    rest = sum(int(d) * w for d, w in zip(nine, weights, strict=True)) % 11
    return nine + str(0 if rest in (0, 1) else 11 - rest)


@pytest.mark.parametrize(
    "nine",
    [
        "100000001", "000000004", "000000006", "000000001",
        "123456789", "200000000", "010203040", "112233445",
    ],
)  # fmt: skip
def test_a_personal_number_has_this_check_digit(nine: str) -> None:
    """The last of ten digits follows from the others; another one does not."""
    right = _ten(nine)
    wrong = nine + str((int(right[-1]) + 1) % 10)

    assert _touches("personal-number", f"id {right}")
    assert not _touches("personal-number", f"id {wrong}")


def test_a_number_that_begins_with_nine_has_none() -> None:
    """Numbers of foreigners begin with 9 and have no check digit."""
    numbers = [f"90000000{last:02}" for last in range(10)]

    assert all(_touches("personal-number", f"id {number}") for number in numbers)


def _jmbg(twelve: str) -> str:
    """Return thirteen digits of which the last is right."""
    weights = (7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
    rest = sum(int(d) * w for d, w in zip(twelve, weights, strict=True)) % 11
    return twelve + str((11 - rest) % 11)


@pytest.mark.parametrize(
    ("twelve", "expected"),
    [
        ("010198591012", True),
        ("310198591012", True),
        ("011298591012", True),
        ("010100391012", True),
        ("000198591012", False),
        ("320198591012", False),
        ("010098591012", False),
        ("011398591012", False),
        ("010119891012", False),
    ],
)
def test_thirteen_digits_begin_with_a_birthday(twelve: str, expected: bool) -> None:
    """Day, month and the year's last three digits; and the last digit is right."""
    right = _jmbg(twelve)
    wrong = right[:12] + str((int(right[12]) + 1) % 10)

    assert len(right) == 13
    assert expected is _touches("personal-number", right)
    assert not _touches("personal-number", wrong)
