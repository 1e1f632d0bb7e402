"""`besa sandbox` says what is wrong with how it was called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Besa = Callable[..., Any]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--org", "A:not-a-uuid"), "organisation A: the uuid is not a uuid"),
        (("--faults", "{x"), "--faults: this is not JSON"),
    ],
)
def test_a_wrong_option_of_the_stand_in_is_wrong_usage(
    besa: Besa, home: Path, options: tuple[str, ...], told: str
) -> None:
    """It ends with 2 and one line, and does not say that it runs."""
    ended = besa("sandbox", "misp", *options)

    assert 2 == ended.code
    assert f"besa: {told}\n" == ended.err
    assert not (home / "misp").exists()
