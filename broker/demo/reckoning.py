"""The reckoning: what was published against what every recipient really holds.

Published files + store + the MISPs' own API -> `Reckoning`. Nothing that Besa says
about itself is taken for granted: each edition that should be at a recipient is asked
for there and compared with the sealed bytes.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select

from broker import keyring, pipeline
from broker.audit import Verified
from broker.demo.play import status_of
from broker.demo.stage import Stage, StandIn
from broker.errors import AuditError, IntakeError
from broker.model.decision import Effect
from broker.model.incident import Incident, Status
from broker.model.intake import DeadLetter
from broker.model.sharing import State
from broker.rulebook import Rulebook
from broker.store import open_store
from broker.store.connect import open_database
from broker.store.tables import Place, decisions, outbox

_SECONDS: Final = 20
_WORDS: Final = {State.QUEUED.value: "shared"}


@dataclass(slots=True)
class Tally:
    """What became of the incidents for one recipient."""

    shared: int = 0
    held: int = 0
    withheld: int = 0
    delivered: int = 0
    retracted: int = 0
    kept_fields: int = 0
    changed_fields: int = 0
    withheld_fields: int = 0


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one published file, by recipient; nothing if unreadable."""

    file: str
    title: str
    uid: str = ""
    revision: int = 0
    outcomes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reckoning:
    """The result of a demonstration."""

    published: int
    recipients: Mapping[str, Tally]
    dead_letters: tuple[DeadLetter, ...]
    register: Verified | None
    register_problem: str
    lost: tuple[str, ...]  # one sentence for each thing that is missing
    fates: tuple[Fate, ...] = ()


@dataclass(slots=True)
class _Expected:
    """What must be there, going by the published files alone."""

    revisions: dict[tuple[str, int], Fate] = field(default_factory=dict)
    unreadable: list[Fate] = field(default_factory=list)


def reckon(stage: Stage, book: Rulebook, published: Sequence[Path]) -> Reckoning:
    """Compare what was published with what is stored and what is at the recipients."""
    expected = _expected(book, published)
    agreements = [route.agreement.agreement for route in book.routes]
    decided, sent = _stored(stage)
    found = status_of(stage)
    newest_first = found.dead_letters if found else ()
    letters = tuple(letter for letter, _ in reversed(newest_first))
    lost = [
        *_undecided(expected, agreements, decided),
        *_not_delivered(decided, sent),
        *_not_there(stage, sent),
    ]
    if len(letters) != len(expected.unreadable):
        lost.append(
            f"{len(expected.unreadable)} messages are unreadable, "
            f"and there are {len(letters)} dead letters"
        )
    register, problem = _verified(stage)
    return Reckoning(
        len(published),
        _tallies(book, decided, sent),
        letters,
        register,
        problem,
        tuple(lost),
        _fates(expected, decided),
    )


def _expected(book: Rulebook, published: Iterable[Path]) -> _Expected:
    expected = _Expected()
    for path in published:
        try:
            incident = pipeline.receive(path.read_bytes(), rulebook=book).incident
        except IntakeError:
            expected.unreadable.append(Fate(path.name, ""))
        else:
            of = (incident.uid, incident.revision)
            known = any(uid == incident.uid for uid, _ in expected.revisions)
            title = f"{_again(incident)}: {incident.title}" if known else incident.title
            expected.revisions[of] = Fate(path.name, title, *of)
    return expected


def _again(incident: Incident) -> str:
    return "withdrawn" if incident.status is Status.WITHDRAWN else "updated"


def _stored(stage: Stage) -> tuple[list[Any], list[Any]]:
    """Return every decision and every row of the outbox."""
    database = open_database(stage.settings().store_url)
    try:
        with database.read() as connection:
            decided = list(connection.execute(select(decisions)))
            sent = list(connection.execute(select(outbox).order_by(outbox.c.id)))
    finally:
        database.close()
    return decided, sent


def _undecided(
    expected: _Expected, agreements: Sequence[str], decided: Iterable[Any]
) -> Iterable[str]:
    known = {(row.uid, row.revision, row.agreement) for row in decided}
    for uid, revision in sorted(expected.revisions):
        for agreement in agreements:
            if (uid, revision, agreement) not in known:
                yield f"{uid} revision {revision} was not decided under {agreement}"


def _not_delivered(decided: Iterable[Any], sent: Iterable[Any]) -> Iterable[str]:
    rows = {(row.uid, row.agreement, row.edition): row for row in sent}
    for decision in decided:
        if decision.state != State.QUEUED:
            continue
        row = rows.get((decision.uid, decision.agreement, decision.edition))
        about = f"{decision.uid} edition {decision.edition} for {decision.recipient}"
        if row is None:
            yield f"{about} is not in the outbox"
        elif row.state not in (Place.DELIVERED, Place.SUPERSEDED):
            yield f"{about} is {row.state}: {row.last_reason}"


def _not_there(stage: Stage, sent: Iterable[Any]) -> Iterable[str]:
    """Ask every recipient's MISP for the last edition of everything it should hold."""
    latest = {
        (row.uid, row.agreement): row for row in sent if row.state == Place.DELIVERED
    }
    for row in latest.values():
        event = _event(stage.misps[row.recipient], row.share)
        about = f"{row.uid} edition {row.edition} at {row.recipient}"
        if event is None:
            yield f"{about}: the event is not there"
            continue
        wanted = _uuids(json.loads(row.body)["Event"])
        there = _uuids(event)
        if missing := wanted - there:
            yield f"{about}: {len(missing)} attributes are missing"
        if strays := there - wanted:
            yield f"{about}: {len(strays)} attributes are there that should not be"


def _event(misp: StandIn, share: str) -> dict[str, Any] | None:
    request = urllib.request.Request(  # noqa: S310 - http on 127.0.0.1
        f"{misp.url}/events/view/{share}",
        headers={"Authorization": misp.reader_key, "Accept": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            event: dict[str, Any] = json.load(answer)["Event"]
    except (urllib.error.URLError, TimeoutError, ValueError, KeyError):
        return None
    return event


def _uuids(event: Mapping[str, Any]) -> set[str]:
    """Return the ids of everything in an event that is not deleted."""
    loose = [*event.get("Attribute", ()), *event.get("Object", ())]
    inner = [
        attribute
        for thing in event.get("Object", ())
        if not thing.get("deleted")
        for attribute in thing.get("Attribute", ())
    ]
    return {thing["uuid"] for thing in (*loose, *inner) if not thing.get("deleted")}


def _fates(expected: _Expected, decided: Iterable[Any]) -> tuple[Fate, ...]:
    outcomes: dict[tuple[str, int], dict[str, str]] = {}
    for row in decided:
        taken_back = row.state == State.QUEUED and row.effect == Effect.WITHHOLD
        word = "taken back" if taken_back else _WORDS.get(row.state, row.state)
        outcomes.setdefault((row.uid, row.revision), {})[row.recipient] = word
    known = [
        replace(fate, outcomes=outcomes.get(of, {}))
        for of, fate in expected.revisions.items()
    ]
    return (*known, *expected.unreadable)


def _tallies(
    book: Rulebook, decided: Iterable[Any], sent: Iterable[Any]
) -> dict[str, Tally]:
    tallies = {route.recipient.recipient: Tally() for route in book.routes}
    for row in decided:
        tally = tallies[row.recipient]
        if row.state == State.QUEUED and row.effect != Effect.WITHHOLD:
            tally.shared += 1
            tally.kept_fields += row.kept
            tally.changed_fields += row.changed
            tally.withheld_fields += row.withheld
        elif row.state == State.HELD:
            tally.held += 1
        elif row.state not in (State.QUEUED, State.UNCHANGED):
            tally.withheld += 1
    for row in sent:
        if row.state == Place.DELIVERED and row.retracts:
            tallies[row.recipient].retracted += 1
        elif row.state == Place.DELIVERED:
            tallies[row.recipient].delivered += 1
    return tallies


def _verified(stage: Stage) -> tuple[Verified | None, str]:
    keys = keyring.read_public_keys(stage.settings().public_keys_folder)
    with open_store(stage.settings().store_url) as store:
        try:
            return store.check_register(keys), ""
        except AuditError as error:
            return None, str(error)
