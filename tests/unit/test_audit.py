"""Facts about the register: every change of an entry is found, and named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from broker.audit import GENESIS, Entry, digest_of, link, sign_head, verify
from broker.canonical import dumps
from broker.errors import AuditError
from broker.seal import SigningKey, VerifyingKey

KEY = SigningKey.of(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER = SigningKey.of(Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))
KEYS = {KEY.id: VerifyingKey.from_pem(KEY.public_pem())}
AT = "2026-11-20T09:30:00Z"


def _add(chain: list[Entry], kind: str, facts: dict[str, Any]) -> None:
    previous = chain[-1].digest if chain else GENESIS
    chain.append(link(len(chain) + 1, AT, kind, facts, previous))


def _chain() -> list[Entry]:
    """Make three disclosures, a checkpoint, and one disclosure more."""
    chain: list[Entry] = []
    for number in range(3):
        _add(chain, "disclosed", {"recipient": "kp-misp", "edition": number})
    _add(chain, "checkpoint", sign_head(chain[-1].digest, 3, KEY))
    _add(chain, "disclosed", {"recipient": "kp-misp", "edition": 9})
    return chain


def _relinked(entries: list[Entry]) -> list[Entry]:
    """Write a chain anew, as somebody would who wants to hide a change."""
    chain: list[Entry] = []
    for entry in entries:
        _add(chain, entry.kind, dict(entry.facts))
    return chain


def test_untouched_chain_verifies() -> None:
    """A chain that nobody touched verifies, and says how much of it is signed."""
    chain = _chain()

    verified = verify(chain, KEYS)

    assert (5, 1, 1) == (verified.entries, verified.checkpoints, verified.unsigned)
    assert chain[-1].digest == verified.head


def test_empty_register_verifies() -> None:
    """A register without an entry is whole, and its head is sixty-four zeros."""
    verified = verify([], {})

    assert (0, 0, 0, "0" * 64) == (
        verified.entries,
        verified.checkpoints,
        verified.unsigned,
        verified.head,
    )


def test_chain_is_stable() -> None:
    """The hash of an entry stays the same from one version to the next."""
    expected = "08e5fd7fad88af13c1c731c5dfbdfe96ee9a561bf3e594b2c310332a6be94f60"

    assert expected == link(1, AT, "disclosed", {"a": 1, "b": "ë"}, GENESIS).digest


@pytest.mark.parametrize("number", range(1, 6))
@pytest.mark.parametrize(
    "change",
    [
        lambda entry: replace(entry, at="2026-11-20T09:30:01Z"),
        lambda entry: replace(entry, kind="withheld"),
        lambda entry: replace(entry, facts={**entry.facts, "more": 1}),
        lambda entry: replace(entry, digest="f" * 64),
    ],
    ids=["at", "kind", "facts", "digest"],
)
def test_changed_entry_is_named(number: int, change: Callable[[Entry], Entry]) -> None:
    """An entry that was changed is found by its number."""
    chain = _chain()
    chain[number - 1] = change(chain[number - 1])

    with pytest.raises(AuditError) as caught:
        verify(chain, KEYS)

    assert f"entry {number} was altered after it was written" == str(caught.value)


@pytest.mark.parametrize("number", range(1, 5))
def test_missing_entry_is_named(number: int) -> None:
    """An entry that was cut out is found, at the start and within."""
    chain = _chain()
    del chain[number - 1]

    with pytest.raises(AuditError) as caught:
        verify(chain, KEYS)

    expected = f"entry {number} is missing: the next is {number + 1}"
    assert expected == str(caught.value)


def test_renumbered_gap_is_named() -> None:
    """A gap is found even when the numbers after it are written anew."""
    first, _, third, *_ = _chain()

    with pytest.raises(AuditError, match=r"^entry 2 does not follow the one before it"):
        verify([first, replace(third, number=2)], KEYS)


def test_swapped_entries_are_named() -> None:
    """Two entries in the wrong order are found."""
    one, two, *rest = _chain()

    with pytest.raises(AuditError, match=r"^entry 1 is missing: the next is 2"):
        verify([two, one, *rest], KEYS)


def test_repeated_entry_is_named() -> None:
    """An entry that stands twice is found."""
    one, *rest = _chain()

    with pytest.raises(AuditError, match=r"^entry 2 is missing: the next is 1"):
        verify([one, one, *rest], KEYS)


def test_chain_written_anew_fails_at_the_checkpoint() -> None:
    """Somebody who rewrites every hash is found at the next signed checkpoint."""
    chain = _chain()
    chain[0] = replace(chain[0], facts={"recipient": "nobody", "edition": 0})

    with pytest.raises(
        AuditError, match=r"^checkpoint 4 does not name the head before"
    ):
        verify(_relinked(chain), KEYS)


def test_cut_tail_shortens_what_is_counted() -> None:
    """Cutting the end shows in the number of entries and in the head."""
    chain = _chain()

    cut = verify(chain[:4], KEYS)

    assert (4, 0) == (cut.entries, cut.unsigned)
    assert verify(chain, KEYS).head != cut.head


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({"signature": "00" * 64}, "the signature of checkpoint 4 is false"),
        ({"signature": "no hex"}, "the signature of checkpoint 4 is false"),
        ({"signature": None}, "the signature of checkpoint 4 is false"),
        ({"key_id": OTHER.id}, "checkpoint 4 is signed with an unknown key"),
        ({"key_id": None}, "checkpoint 4 is signed with an unknown key"),
        ({"entries": 2}, "checkpoint 4 does not name the head before it"),
        ({"head": GENESIS}, "checkpoint 4 does not name the head before it"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_forged_checkpoint_is_named(facts: dict[str, Any], problem: str) -> None:
    """A checkpoint that the seal's key did not sign for this head is found."""
    chain = _chain()
    chain[3] = replace(chain[3], facts={**chain[3].facts, **facts})

    with pytest.raises(AuditError) as caught:
        verify(_relinked(chain), KEYS)

    assert problem == str(caught.value)


def test_checkpoint_of_another_key_is_refused() -> None:
    """A checkpoint that names the seal's key and is signed by another is found."""
    chain = _chain()[:3]
    forged = {**sign_head(chain[-1].digest, 3, OTHER), "key_id": KEY.id}
    _add(chain, "checkpoint", forged)

    with pytest.raises(AuditError, match=r"^the signature of checkpoint 4 is false"):
        verify(chain, KEYS)


def test_checkpoint_of_another_chain_is_refused() -> None:
    """A signature does not fit the same head after another number of entries."""
    chain = _chain()[:3]
    copied = {**sign_head(chain[-1].digest, 7, KEY), "entries": 3}
    _add(chain, "checkpoint", copied)

    with pytest.raises(AuditError, match=r"^the signature of checkpoint 4 is false"):
        verify(chain, KEYS)


@given(
    st.integers(1, 10**12),
    st.text(),
    st.dictionaries(st.text(), st.none() | st.integers(-9, 9) | st.text()),
    st.text(),
)
def test_a_link_is_the_same_from_facts_that_are_json(
    number: int, kind: str, facts: dict[str, Any], previous: str
) -> None:
    """What the store writes with ready JSON has the hash that a verifier expects."""
    told = dumps(facts).decode()

    digest = digest_of(number, AT, kind, told, previous)

    assert link(number, AT, kind, facts, previous).digest == digest
