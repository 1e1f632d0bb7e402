"""The disclosure register: an append-only chain that anybody can verify offline.

Facts about disclosures -> linked entries. Each entry's hash covers the hash before it,
so that a change, a gap or a swap anywhere breaks every later link. From time to time
the consume zone signs the head (a checkpoint): a chain rewritten from the start then
fails.

Invariant: an entry holds who, what class of thing, under which clause and when; never
an incident's value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature

from broker.canonical import dumps, quoted, sha256_hex
from broker.errors import AuditError
from broker.seal import SigningKey, VerifyingKey

GENESIS: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class Entry:
    """One link: number from 1, time (RFC 3339), kind, facts, and the two hashes."""

    number: int
    at: str
    kind: str
    facts: Mapping[str, Any]
    previous: str
    digest: str


def link(
    number: int, at: str, kind: str, facts: Mapping[str, Any], previous: str
) -> Entry:
    """Make the next entry of a chain whose last hash is ``previous``."""
    return Entry(
        number, at, kind, facts, previous, _digest(number, at, kind, facts, previous)
    )


def digest_of(number: int, at: str, kind: str, told: str, previous: str) -> str:
    """Return the hash of an entry whose facts are canonical JSON already.

    The same that `link` gives it: a register is written far more often than it is
    looked at, and needs the facts as JSON anyway.
    """
    body = (
        f'{{"at":{quoted(at)},"facts":{told},"kind":{quoted(kind)},'
        f'"number":{number},"previous":{quoted(previous)}}}'
    )
    return sha256_hex(body.encode())


def _digest(
    number: int, at: str, kind: str, facts: Mapping[str, Any], previous: str
) -> str:
    body = dumps(
        {"at": at, "facts": facts, "kind": kind, "number": number, "previous": previous}
    )
    return sha256_hex(body)


def sign_head(head: str, number: int, key: SigningKey) -> dict[str, Any]:
    """Return the facts of a checkpoint: the head so far, signed with the seal key."""
    return {
        "head": head,
        "entries": number,
        "key_id": key.id,
        "signature": key.private.sign(_head_statement(head, number)).hex(),
    }


def _head_statement(head: str, number: int) -> bytes:
    return f"besa register 1\n{number}\n{head}".encode()


@dataclass(frozen=True, slots=True)
class Verified:
    """What was seen: entries, signed checkpoints, entries since the last one."""

    entries: int
    checkpoints: int
    unsigned: int
    head: str


def verify(entries: Iterable[Entry], keys: Mapping[str, VerifyingKey]) -> Verified:
    """Walk the chain from its first entry and check every link and signature.

    Raises:
        AuditError: an entry was altered, is missing or stands in the wrong place, or a
            checkpoint's signature does not hold; says which entry.
    """
    previous, count, checkpoints, signed_at = GENESIS, 0, 0, 0
    for entry in entries:
        count += 1
        if entry.number != count:
            raise AuditError(f"entry {count} is missing: the next is {entry.number}")
        if entry.previous != previous:
            raise AuditError(f"entry {count} does not follow the one before it")
        if entry.digest != _digest_of(entry):
            raise AuditError(f"entry {count} was altered after it was written")
        if entry.kind == "checkpoint":
            _check_signature(entry, previous, keys)
            checkpoints, signed_at = checkpoints + 1, count
        previous = entry.digest
    return Verified(count, checkpoints, count - signed_at, previous)


def _digest_of(entry: Entry) -> str | None:
    """Return the hash that an entry should have; none fits what is not JSON."""
    try:
        return _digest(entry.number, entry.at, entry.kind, entry.facts, entry.previous)
    except TypeError:
        return None


def _check_signature(entry: Entry, head: str, keys: Mapping[str, VerifyingKey]) -> None:
    facts = entry.facts
    key = keys.get(str(facts.get("key_id")))
    if key is None:
        raise AuditError(f"checkpoint {entry.number} is signed with an unknown key")
    if facts.get("head") != head or facts.get("entries") != entry.number - 1:
        raise AuditError(f"checkpoint {entry.number} does not name the head before it")
    try:
        key.public.verify(
            bytes.fromhex(str(facts.get("signature"))),
            _head_statement(head, entry.number - 1),
        )
    except (InvalidSignature, ValueError) as error:
        raise AuditError(
            f"the signature of checkpoint {entry.number} is false"
        ) from error
