"""Facts about numbers of persons and accounts, by their check digits alone."""

from __future__ import annotations

import pytest

from broker.guard.tripwires import TRIPWIRES, _is_jmbg


@pytest.mark.parametrize("birthday", ["0101890", "3112999", "0101005", "1505990"])
def test_a_number_of_thirteen_digits_has_one_right_last_digit(birthday: str) -> None:
    """Eleven less the weighted sum modulo 11; where that is ten, there is none."""
    wanted = birthday[4] in "09"
    for serial in range(0, 100_000, 997):
        digits = [int(digit) for digit in f"{birthday}{serial:05}"]
        pairs = zip((7, 6, 5, 4, 3, 2), digits[:6], digits[6:], strict=True)
        last = -sum(weight * (one + other) for weight, one, other in pairs) % 11
        right = [last] if wanted and last < 10 else []

        assert right == [
            check for check in range(10) if _is_jmbg(f"{birthday}{serial:05}{check}")
        ]


@pytest.mark.parametrize(
    ("text", "tripped"),
    [
        ("ch93 0076 2011 6238 5295 7", True),
        ("ch93-0076-2011-6238-5295-7.", True),
        ("ch9300762011623852957", True),
        ("ch9300762011623852957x", False),
        ("ch9300762011623852957x y", False),
        ("ch93 0076 2011 6238 5295 8", False),
        ("ch93 0076 2011 6238, 5295 7", False),
        ("ch93 0076 2011 6238 5295,7", False),
        ("ch93 0076 2011 6238", False),
        ("zz93 0076 2011 6238 5295 7", False),
    ],
)
def test_an_account_in_groups(text: str, tripped: bool) -> None:
    """Groups of four and a last one that may be short, and no other sign between."""
    assert tripped == TRIPWIRES["iban"](text)
