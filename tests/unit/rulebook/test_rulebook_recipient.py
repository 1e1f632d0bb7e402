"""A recipient's address: what is sent there must not be readable on the way."""

from __future__ import annotations

import pytest

from broker.rulebook import build
from tests.edited import edited

KP = "policies/recipients/kp-misp.yaml"
URL = "url: https://misp.police.example"


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://misp.police.example", True),
        ("http://192.0.2.9:8080", True),
        ("http://localhost.example", True),
        ("http://127.0.0.1:8080", False),
        ("http://[::1]:8080", False),
        ("http://localhost", False),
        ("https://misp.police.example", False),
    ],
)
def test_an_address_without_encryption_is_warned_of(url: str, *, warned: bool) -> None:
    """Plain HTTP is for a program on this machine; the warning is at the address."""
    book = build(edited((KP, URL, f"url: {url}")))
    found = [each for each in book.warnings if each.file == KP]

    assert warned == bool(found)
    for warning in found:
        assert ("write https://", 6) == (warning.advice, warning.column)
        assert "could be read on the way" in warning.message
