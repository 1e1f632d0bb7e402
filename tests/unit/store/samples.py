"""Outcomes as the pipeline makes them, sealed with a real key, without incidents."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import create_engine

from broker.canonical import dumps, sha256_hex
from broker.model.decision import Decision, Effect, Finding
from broker.model.intake import DeadLetter, Position
from broker.model.sharing import (
    Breach,
    Draft,
    Edition,
    Outcome,
    Receipt,
    ReceiptState,
    Redacted,
    Share,
    State,
    Wire,
)
from broker.seal import SigningKey, VerifyingKey, seal
from broker.store import LeasedRow, Store, open_store
from broker.store.tables import metadata
from tests import postgresql

# The same in every process of a test.
KEY = SigningKey.of(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
KEYS = {KEY.id: VerifyingKey(KEY.private.public_key(), KEY.id)}
RULEBOOK = "b" * 64
START = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SOON = START + MINUTE
LATER = START + 10 * MINUTE
AGREEMENTS = {"kp-cybercrime": "kp-misp", "sprk": "sprk-misp", "fiu-k": "fiu-misp"}
# With the one that follows the first of them.
_ALL_AGREEMENTS = AGREEMENTS | {"kp-second": "kp-misp"}


def opened(folder: Path, name: str = "store.db") -> Store:
    """Open a SQLite store in a folder."""
    return open_store(url_of(folder, name))


def url_of(folder: Path, name: str = "store.db") -> str:
    """Return the URL of a SQLite store in a folder."""
    return f"sqlite:///{folder / name}"


DATABASES = ["sqlite", "postgresql"] if postgresql.is_there() else ["sqlite"]


def empty(database: str, folder: Path) -> str:
    """Return the URL of an empty store: a new file, or PostgreSQL with all dropped."""
    if database == "sqlite":
        return url_of(folder)
    engine = create_engine(postgresql.url())
    metadata.drop_all(engine)
    engine.dispose()
    return postgresql.url()


def at(offset: int, topic: str = "csirt.incidents", partition: int = 0) -> Position:
    """Return a Kafka position."""
    return Position("kafka", topic, partition, offset)


def body_of(uid: str, recipient: str, number: int, size: int = 0) -> bytes:
    """Return the body of an edition: JSON that is different for each."""
    return dumps(
        {"Event": {"uuid": share_of(uid, recipient), "n": number, "x": "y" * size}}
    )


def share_of(uid: str, recipient: str) -> str:
    """Return the event's UUID at a recipient."""
    return str(uuid5(NAMESPACE_URL, f"{uid}/{recipient}"))


def decision(agreement: str, effect: Effect = Effect.SHARE) -> Decision:
    """Return a decision of one clause."""
    finding = Finding("c2-servers", effect, True, "agreements/a.yaml:12", "")
    return Decision(agreement, _ALL_AGREEMENTS[agreement], effect, (finding,))


def edition(number: int, *, content: str = "", retracts: bool = False) -> Edition:
    """Return an edition with its times and a content of its own."""
    times = START + number * timedelta(seconds=1)
    return Edition(number, START, times, content or f"{number:064d}", retracts)


def queued(
    uid: str,
    agreement: str,
    number: int,
    *,
    content: str = "",
    retracts: bool = False,
    size: int = 0,
    body: bytes | None = None,
) -> Share:
    """Return a sealed share that is ready to be sent."""
    made = edition(number, content=content, retracts=retracts)
    to = _ALL_AGREEMENTS[agreement]
    draft = Draft(to, Wire.MISP_EVENT, body or body_of(uid, to, number, size))
    sealed = seal(
        draft, share=share_of(uid, to), edition=made, rulebook=RULEBOOK, key=KEY
    )
    marks = (
        (-1, (("title", "kept", "p:3"),)),
        (0, (("victims[].name", "withheld", "p:4"),)),
    )
    effect = Effect.WITHHOLD if retracts else Effect.SHARE
    return Share(
        decision(agreement, effect), State.QUEUED, Redacted({}, marks), made, sealed
    )


def withheld(agreement: str) -> Share:
    """Return a share that was withheld."""
    return Share(decision(agreement, Effect.WITHHOLD), State.WITHHELD)


def unchanged(agreement: str) -> Share:
    """Return a share whose recipient has exactly this already."""
    return Share(decision(agreement), State.UNCHANGED)


def stale(agreement: str) -> Share:
    """Return a share of a revision that came too late."""
    return Share(decision(agreement), State.STALE)


def held(agreement: str, *, breach: bool = False, failure: str = "") -> Share:
    """Return a share that waits for a person."""
    draft = Draft(_ALL_AGREEMENTS[agreement], Wire.MISP_EVENT, b'{"Event":{}}')
    return Share(
        decision(agreement, Effect.REVIEW),
        State.HELD,
        edition=edition(1),
        draft=None if failure else draft,
        breaches=(Breach("canary", "Event.info", "victims[].name"),) if breach else (),
        failure=failure,
    )


def outcome(
    uid: str,
    revision: int,
    *shares: Share,
    content: str = "",
    conflict: bool = False,
    duplicate: bool = False,
) -> Outcome:
    """Return what became of one incident revision."""
    digest = sha256_hex(f"{uid}/{revision}/{content}".encode())
    return Outcome(
        uid, revision, digest, RULEBOOK, shares, duplicate=duplicate, conflict=conflict
    )


def letter(position: Position, sha256: str = "c" * 64) -> DeadLetter:
    """Return a message that nobody can read."""
    return DeadLetter(
        position, "classification", "unknown RSIT type", "see", sha256, 17
    )


def receipt(row: LeasedRow, when: datetime = SOON) -> Receipt:
    """Return the receipt of a delivery that went well."""
    sealed = row.sealed
    return Receipt(
        sealed.recipient,
        sealed.share,
        sealed.edition,
        ReceiptState.DELIVERED,
        when,
        sealed.sha256,
        "430",
    )
