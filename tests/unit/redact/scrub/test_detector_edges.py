"""What is just one sort of personal data, and what just is not."""

from __future__ import annotations

import pytest

from broker.redact.scrub import Scrubber
from broker.redact.scrub.detectors import DETECTORS
from broker.redact.scrub.detectors.personal_number import is_jmbg
from broker.redact.scrub.reading import read

ALL = "all of the text"
BY_NAME = {detector.name: detector for detector in DETECTORS}


def found(name: str, text: str) -> list[str]:
    """Return what one detector finds, in its order."""
    reading = read(text)
    places = [reading.place(*place) for place in BY_NAME[name].find(reading)]
    return [text[start:end] for start, end in places]


@pytest.mark.parametrize(
    "iban",
    [
        "NO9386011117947",
        "BE68539007547034",
        "DK5000400440116243",
        "MK07250120000058984",
        "AT611904300234573201",
        "CH9300762011623852957",
        "GB29NWBK60161331926819",
        "AE070331234567890123456",
        "CZ6508000000192000145399",
        "PT50000201231234567890154",
        "TR330006100519786457841326",
        "FR1420041010050500013M02606",
        "AL47212110090000000235698741",
        "BR1800360305000010009795493C1",
        "KW81CBKU0000000000001234560101",
        "MT84MALT011000012345MTLCAST001S",
        "LC55HEMM000100010012001200023015",
        "RU0304452522540817810538091310419",
    ],
)
def test_an_iban_has_the_length_of_its_country(iban: str) -> None:
    """The examples of the registry (ISO 13616) are found, no letter more or less."""
    assert [iban] == found("account number", iban)
    assert [iban] == found("account number", f"2. {iban}, 14 dhe {iban[:11]}")
    assert [] == found("account number", f"{iban}7")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        # Mistyped, it goes as far as its digits do.
        ("account number", "llogaria ZZ12 3456 7890 1234 i tij", "ZZ12 3456 7890 1234"),
        ("account number", "llogaria XK0512120123456789061", "XK0512120123456789061"),
        ("account number", "pjesa ZZ12 3456 7890 1234 i tij", None),
        ("wallet", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", ALL),
        ("wallet", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", None),
        ("wallet", "3" + "1" * 34, None),
        ("wallet", "1" + "z" * 33, None),
        ("wallet", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", ALL),
        ("wallet", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", None),
        ("device number", "221011234567890", ALL),
        ("device number", "2210112345678901", None),
        ("device number", "22101123456789", None),
        ("device number", "356938035643809", ALL),
        ("device number", "356938035643808", None),
        ("e-mail", "@posta.example arta@posta.example", "arta@posta.example"),
        ("e-mail", "*arta@posta.example*", "arta@posta.example"),
        ("e-mail", "**arta@posta.example", "arta@posta.example"),
        ("e-mail", "**@posta.example", "*@posta.example"),
        ("e-mail", "arta.gashi et posta pike example", ALL),
        ("e-mail", "arta_1 at posta.example", ALL),
        # Who logs in where is a secret, and no mailbox.
        ("e-mail", "://arta:x@posta.example", None),
        ("e-mail", "https://arta@posta.example/", None),
        ("e-mail", "https:///arta@posta.example", "arta@posta.example"),
        ("e-mail", "https://a.example arta@posta.example", "arta@posta.example"),
        ("IP address", "ip 10 . 20 . 30 . 40", "10 . 20 . 30 . 40"),
        ("IP address", "hapi 10 . 20 . 30 . 40", None),
        ("IP address", "nga ::1 dhe ::", None),
        ("IP address", "nga 2001:db8::1", "2001:db8::1"),
        ("IP address", "std::cafe::bad", None),
        ("IP address", "1:2:3:4:5:6:7:8:9", None),
        ("card number", "4222222222222", ALL),
        ("card number", "378282246310005", ALL),
        ("card number", "6011111111111117", ALL),
        ("card number", "6011111111111118", None),
        ("card number", "3530111333300000", ALL),
        ("card number", "30569309025904", None),
        ("card number", "karta 30569309025904", "30569309025904"),
        # The number is far from the word, so that its last digit has to say it.
        ("personal number", "ID number and a line beside: 9012345678", "9012345678"),
        ("personal number", "ID number and a line beside: 1000000007", "1000000007"),
        ("personal number", "ID number and a line beside: 1000000008", None),
        ("personal number", "ID number and a line beside: 1900000001", None),
        ("personal number", "ID number and a line beside: 1040000000", "1040000000"),
        ("phone number", "2026 044 123 456 u thirr", "044 123 456"),
        ("phone number", "1 2 044 123 456", "044 123 456"),
        ("phone number", "044 123 456 2026", "044 123 456"),
        ("phone number", "tel 3834412 3456", "3834412 3456"),
        ("phone number", "tel 44 123 456", "44 123 456"),
        ("phone number", "tel 44.123.456", "44.123.456"),
        ("phone number", "tel 123 456", None),
        ("phone number", "shuma 44 123 456", None),
        ("phone number", "tel 12.11.2026", None),
        ("phone number", "tel 1234567", "1234567"),
        ("phone number", "tel 123456", None),
        ("phone number", "+999123456", ALL),
        ("phone number", "+99912345", None),
        ("phone number", "+123456789012345", ALL),
        ("phone number", "+1234567890123456", None),
        ("phone number", "tel 009991234567", "009991234567"),
        ("phone number", "044123456", ALL),
        ("phone number", "0691234567", None),  # of Albania, and not said to be one
        ("phone number", "069 123 4567", ALL),
        ("secret", "password: 'two words' here", "two words"),
        ("secret", 'password: "two words" here', "two words"),
    ],
)
def test_what_just_is_and_what_just_is_not(
    name: str, text: str, expected: str | None
) -> None:
    """One digit or word decides; what is found is all of it and nothing else."""
    whole = [text if expected is ALL else expected] if expected else []

    assert whole == found(name, text)


BIRTHDAYS = {
    "0101890": True,
    "3112050": True,
    "3112999": True,
    "0001990": False,
    "3201990": False,
    "0100990": False,
    "0113990": False,
    "0101889": False,
    "0101051": False,
}


@pytest.mark.parametrize("birthday", BIRTHDAYS)
def test_a_jmbg_begins_with_a_birthday(birthday: str) -> None:
    """From 1890 to 2050, and one last digit of ten at most is right."""
    for serial in range(0, 100_000, 997):
        digits = [int(digit) for digit in f"{birthday}{serial:05}"]
        pairs = zip((7, 6, 5, 4, 3, 2), digits[:6], digits[6:], strict=True)
        last = -sum(weight * (one + other) for weight, one, other in pairs) % 11
        accepted = [
            check for check in range(10) if is_jmbg(f"{birthday}{serial:05}{check}")
        ]

        # Where 10 would be left, 0 is written.
        assert accepted == ([last % 10] if BIRTHDAYS[birthday] else [])


BEGIN, END = "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{BEGIN}\nMIIE\n{END} pas", [f"{BEGIN}\nMIIE\n{END}"]),
        (f"para {BEGIN}\nMIIE\nAAAA", [f"{BEGIN}\nMIIE\nAAAA"]),
        (f"{BEGIN}a{END} dhe {BEGIN}b{END}.", [f"{BEGIN}a{END}", f"{BEGIN}b{END}"]),
        (f"{END} pas", []),
    ],
)
def test_a_private_key_goes_as_a_block(text: str, expected: list[str]) -> None:
    """From its first line to its last; without a last line, all that follows."""
    assert expected == found("secret", text)


def test_what_stands_where_a_secret_was_is_none() -> None:
    """A text that was scrubbed before says the same after."""
    text = "password: [secret removed], pin: [secret removed]"

    assert text == Scrubber().scrub(text)
