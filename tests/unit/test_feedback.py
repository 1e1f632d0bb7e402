"""Tracing and telling, with a real store and a source that may fail."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from broker import feedback
from broker.canonical import loads
from broker.errors import StoreError
from broker.feedback import (
    FAILED,
    GONE,
    NO_PART,
    NOT_TOLD_ALARM,
    Tracing,
)
from broker.model.feedback import FeedbackKind, FeedbackWord, ReturnPath, Said
from broker.model.intake import Message, Position
from broker.rulebook import Rulebook
from broker.source import Gone, SourceError
from broker.source.telling import SpoolTelling, Told
from broker.store import Store
from broker.store.rounds import AskedShare
from tests import world
from tests.unit.store import samples

AGREEMENT, TO = "kp-cybercrime", "kp-misp"
NOW = world.NOW


@dataclass
class Desk:
    """A store with one delivered incident, and everything around it."""

    store: Store
    incident: dict[str, Any] = field(default_factory=world.incident)
    told: list[Told] = field(default_factory=list)
    answer: bytes | Exception = b""
    fails: Exception | None = None
    book: Rulebook = field(default_factory=world.rulebook)

    def __post_init__(self) -> None:
        outcome = world.disclose(self.incident)
        place = Position("kafka", "csirt.incidents", 0, 7)
        self.store.commit([(place, outcome)], NOW, world.keys().signing)
        share = next(s for s in outcome.shares if s.decision.recipient == TO)
        assert share.sealed is not None
        self.event = loads(share.sealed.body)["Event"]
        self.uid = outcome.uid
        self.answer = world.raw(self.incident)
        self.tracing = Tracing(
            self.store,
            self.reread,
            lambda: self.book,
            world.keys(),
            lambda: NOW,
            self.tell,
        )

    def reread(self, position: Position) -> Message:
        """Return the incident, or fail as told to."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return Message(self.answer, None, None, position)

    def tell(self, told: Any) -> None:
        """Remember what was told, or fail as told to."""
        if self.fails is not None:
            raise self.fails
        self.told += told

    def hear(self, about: str = "", **fields: Any) -> None:
        """Store that a unit said something."""
        made = {
            "kind": FeedbackKind.SIGHTING,
            "word": FeedbackWord.SEEN,
            "about": about or self.event["uuid"],
            "key": f"k/{about}/{fields}",
            "words": {"source": "Prizren"},
        }
        share = AskedShare(self.event["uuid"], self.uid, AGREEMENT, 1)
        one = Said(**{**made, **fields})
        assert 1 == self.store.hearing.record(TO, share, [one], NOW)

    def messages(self) -> list[dict[str, Any]]:
        """Return what was told, as listeners read it."""
        return [json.loads(one.body) for one in self.told]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Give a desk with an empty day."""
    with samples.opened(tmp_path) as store:
        yield Desk(store)


def an_attribute(desk: Desk) -> str:
    """Return the UUID of an attribute that the unit has."""
    return str(desk.event["Attribute"][0]["uuid"])


def test_an_attribute_is_traced_to_its_field(desk: Desk) -> None:
    """A sighting of an attribute is told with the path of what it was made of."""
    desk.hear(an_attribute(desk))
    desk.tracing()

    (message,) = desk.messages()
    assert message["field"].startswith("observables[")
    assert (desk.uid, AGREEMENT, 1, 3, "") == tuple(
        message[name] for name in ("uid", "agreement", "edition", "revision", "note")
    )
    assert None is message["words"]


@pytest.mark.parametrize("answer", [Gone("deleted"), b"no incident", b"{}"])
def test_without_the_incident_it_is_told_all_the_same(
    desk: Desk, answer: bytes | Exception
) -> None:
    """When the source has lost the incident, listeners learn of it with a note."""
    desk.hear(an_attribute(desk))
    desk.answer = answer
    desk.tracing()

    (message,) = desk.messages()
    assert ("", GONE, None) == tuple(
        message[name] for name in ("field", "note", "revision")
    )


def test_another_incident_at_the_place_is_not_used(desk: Desk) -> None:
    """A topic made anew has another incident there; nothing is traced by that."""
    desk.hear(an_attribute(desk))
    desk.answer = world.raw(world.incident(title="Something else"))
    desk.tracing()

    assert [GONE] == [message["note"] for message in desk.messages()]


def test_what_was_never_sent_is_about_nothing(desk: Desk) -> None:
    """An answer to something that is no part of the case says so."""
    desk.hear("11111111-1111-4111-8111-111111111111")
    desk.tracing()

    assert [NO_PART] == [message["note"] for message in desk.messages()]


def test_a_source_that_does_not_answer_is_waited_for(desk: Desk) -> None:
    """While the source cannot be asked nothing is told; then it is, traced."""
    desk.hear(an_attribute(desk))
    good, desk.answer = desk.answer, SourceError("Kafka does not answer")
    desk.tracing(now=True)
    before = list(desk.told)
    desk.answer = good
    desk.tracing(now=True)

    assert [] == before
    assert ["observables"] == [m["field"].partition("[")[0] for m in desk.messages()]


def test_one_that_the_source_is_silent_about_holds_up_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A silent source ends the turn, and the next one goes on behind what it met."""
    monkeypatch.setattr(feedback, "_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(feedback, "_REFUSED_PAUSE_SECONDS", 0.0)
    for key in ("one", "another"):
        desk.hear(an_attribute(desk), key=key)
    good, desk.answer = desk.answer, SourceError("Kafka does not answer")
    desk.tracing()
    desk.answer = good
    desk.tracing()
    first = len(desk.messages())
    for _ in range(2):
        desk.tracing()

    assert (1, 2) == (first, len(desk.messages()))


def test_a_mistake_of_ours_loses_nothing(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """An error of any kind is told of by its sort, and the answer goes on untraced."""
    desk.hear(an_attribute(desk))
    desk.answer = ValueError("Agim from Prizren")
    caplog.set_level(logging.DEBUG)
    desk.tracing()

    assert [FAILED] == [message["note"] for message in desk.messages()]
    assert "ValueError" in caplog.text
    assert "Prizren" not in caplog.text


def test_nothing_is_told_twice(desk: Desk) -> None:
    """What was told is not told again, however often the desk is asked."""
    desk.hear(an_attribute(desk))
    desk.tracing(now=True)
    desk.tracing(now=True)
    desk.hear("")
    desk.tracing(now=True)

    assert 2 == len(desk.told)
    assert 2 == len({one.id for one in desk.told})


def test_a_crash_tells_once_more_with_the_same_id(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told and not marked, another process tells the same bytes once more."""
    desk.hear(an_attribute(desk))

    def crash(*_: Any) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr("broker.store.feedback.mark_published", crash)
        desk.tracing(now=True)
        desk.tracing(now=True)
    told_by_one = list(desk.told)
    desk.__post_init__()
    desk.tracing(now=True)

    assert 1 == len(told_by_one)
    assert [told_by_one[0]] * 2 == desk.told


def test_a_listener_that_is_away_is_an_alarm_that_ends(desk: Desk) -> None:
    """What cannot be told waits, with an alarm; once it is told, the alarm ends."""
    desk.hear(an_attribute(desk))
    desk.fails = SourceError("Kafka has no topic besa.feedback; create it")
    desk.tracing(now=True)
    during = [one.kind for one in desk.store.status(NOW).alarms]
    desk.fails = None
    desk.tracing(now=True)

    assert NOT_TOLD_ALARM in during
    assert NOT_TOLD_ALARM not in [one.kind for one in desk.store.status(NOW).alarms]
    assert 1 == len(desk.told)


@pytest.mark.parametrize("words", ["lead", "csirt", "topic"])
def test_words_are_told_where_the_agreement_says_so(desk: Desk, words: Any) -> None:
    """Listeners get a unit's words only under an agreement that says `topic`."""
    desk.book = with_path(desk.book, ReturnPath(words=words))
    desk.hear("")
    desk.tracing()

    expected = {"source": "Prizren"} if words == "topic" else None
    assert [expected] == [message["words"] for message in desk.messages()]


@pytest.mark.parametrize(
    ("until", "told"),
    [(date(2026, 11, 21), True), (date(2026, 11, 22), False)],
)
def test_secret_until_a_day(desk: Desk, until: date, told: bool) -> None:
    """Before the day that a unit named its words wait; on that day they may go."""
    desk.book = with_path(desk.book, ReturnPath(words="topic"))
    secret = FeedbackWord.KEEP_SECRET_UNTIL
    desk.hear("", kind=FeedbackKind.TAG, word=secret, until=until, words={})
    desk.hear("")
    desk.tracing()

    assert told == (desk.messages()[1]["words"] is not None)


def with_path(book: Rulebook, path: ReturnPath) -> Rulebook:
    """Return a rulebook whose agreements have a return path."""
    from dataclasses import replace

    routes = tuple(
        replace(route, agreement=route.agreement.model_copy(update={"feedback": path}))
        for route in book.routes
    )
    return replace(book, routes=routes)


def test_a_spool_gets_a_file_once(tmp_path: Path) -> None:
    """Without Kafka each answer is a file of its own, for its owner only."""
    telling = SpoolTelling(tmp_path / "spool")
    one = Told("id-1", "INC-1", b'{"id": "id-1"}')
    telling([one])
    telling([one])

    (file,) = (tmp_path / "spool" / "feedback").iterdir()
    assert ("id-1.json", one.body) == (file.name, file.read_bytes())
    assert 0o600 == file.stat().st_mode & 0o777


def test_a_spool_that_refuses_says_so(tmp_path: Path) -> None:
    """A folder that cannot be written is an error that names it."""
    (tmp_path / "spool").write_text("a file, not a folder")

    with pytest.raises(SourceError, match="refuses"):
        SpoolTelling(tmp_path / "spool")([Told("i", "u", b"{}")])


def test_times_are_told_in_full(desk: Desk) -> None:
    """Listeners read when something was said and seen, in RFC 3339."""
    desk.hear("", at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    desk.tracing()

    (message,) = desk.messages()
    assert ("2026-01-02T03:04:05+00:00", NOW.isoformat()) == (
        message["said_at"],
        message["seen_at"],
    )
