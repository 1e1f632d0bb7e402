"""A band of amounts in a MISP event: its ends, as the template has room for them."""

from __future__ import annotations

import pytest

from broker.render.misp_object import _least, _most


@pytest.mark.parametrize(
    ("amount", "least", "most"),
    [
        ("18750.40", "18750.40", "18750.40"),
        ("10000-49999", "10000", "49999"),
        ("0-999", "0", "999"),
        ("10000000+", "10000000", ""),
    ],
)
def test_a_band_is_written_as_its_ends(amount: str, least: str, most: str) -> None:
    """What is least and most is told as numbers; an open end is left out."""
    assert (least, most) == (_least(amount), _most(amount))
