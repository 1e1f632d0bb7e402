"""Facts about the secrets that recipients do not share."""

from __future__ import annotations

import pytest

from broker.keys import recipient_key

MASTER = b"k" * 32


def test_secrets_are_stable() -> None:
    """The secrets of a recipient stay the same from one version to the next.

    The values were computed apart from the product, by RFC 5869 with HMAC-SHA-256.
    """
    key = recipient_key(MASTER, "r")

    pseudonyms = "3d95de9ad094e3722f557cb06be5e483e8f5354502dc640735c08451f024ab0c"
    assert pseudonyms == key.pseudonyms.hex()
    assert "657950ba4e6c2c70e6d43b0960229a27" == key.ids.hex()


def test_recipients_share_no_secret() -> None:
    """Two recipients have neither pseudonyms nor ids in common."""
    keys = [recipient_key(MASTER, name) for name in ("kp-misp", "fiu-misp", "kp-mis")]

    assert 3 == len({key.pseudonyms for key in keys})
    assert 3 == len({key.ids for key in keys})


def test_masters_share_no_secret() -> None:
    """Another master secret gives other secrets."""
    other = recipient_key(b"l" * 32, "kp-misp")

    assert recipient_key(MASTER, "kp-misp").ids != other.ids
    assert recipient_key(MASTER, "kp-misp").pseudonyms != other.pseudonyms


def test_epoch_changes_pseudonyms_and_not_ids() -> None:
    """A new epoch gives new pseudonyms, and an event keeps its id."""
    first, second = (recipient_key(MASTER, "r", epoch=epoch) for epoch in (1, 2))

    assert first.ids == second.ids
    assert first.pseudonyms != second.pseudonyms


def test_pseudonyms_and_ids_are_apart() -> None:
    """The secret for ids is not the start of the one for pseudonyms."""
    key = recipient_key(MASTER, "r")

    assert (32, 16) == (len(key.pseudonyms), len(key.ids))
    assert key.ids != key.pseudonyms[:16]


@pytest.mark.parametrize("length", [0, 31])
def test_short_master_is_refused(length: int) -> None:
    """A master secret of fewer than 32 bytes is refused."""
    with pytest.raises(ValueError, match="shorter than 32 bytes"):
        recipient_key(b"k" * length, "r")


def test_secrets_are_not_shown() -> None:
    """Printing a recipient's key shows nothing of it."""
    assert "RecipientKey()" == repr(recipient_key(MASTER, "r"))
