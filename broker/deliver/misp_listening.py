"""What a unit said in its MISP: sightings, proposals, opinions, notes and agreed tags.

An event as the server shows it -> `Said`, one for each thing that somebody else said.

Where the shapes come from: sightings and proposals as recorded with MISP 2.5.1; analyst
data (notes, opinions) and local tags as MISP 2.5.1 shows them in ``events/view``. A
sighting changes neither an event's time nor its publication, and a note or a local tag
changes nothing at all, so that only looking at the event finds everything.

Invariant: what cannot be understood is left out, never guessed, and never an error: it
is somebody else's text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from broker.deliver.misp import MispRecipient
from broker.deliver.misp_compare import uuid_of
from broker.errors import Refused
from broker.model.feedback import (
    FeedbackKind,
    FeedbackWord,
    Said,
    Vocabulary,
    opinion_word,
)

Thing = Mapping[str, Any]

_LONGEST_TEXT: Final = 20_000
_CUT: Final = " [cut]"
_DEEPEST: Final = 5  # notes on notes
_SIGHTINGS: Final[Mapping[str, FeedbackWord]] = {
    "0": FeedbackWord.SEEN,
    "1": FeedbackWord.FALSE_POSITIVE,
    "2": FeedbackWord.EXPIRED,
}
_PROPOSED: Final = ("type", "category", "value", "comment", "first_seen", "last_seen")


class MispListening:
    """One MISP that is asked what was said there."""

    def __init__(self, misp: MispRecipient, vocabulary: Vocabulary) -> None:
        self._misp = misp
        self._vocabulary = vocabulary

    def begin(self, since: datetime, now: datetime) -> frozenset[str]:
        """Ask for new sightings and proposals on the whole server: two requests."""
        start, end = int(since.timestamp()), int(now.timestamp()) + 86_400
        # With ``from`` alone MISP 2.5.1 takes the last 30 days instead.
        search = {
            "returnFormat": "json",
            "from": str(start),
            "to": str(end),
            "includeUuid": True,
        }
        found: set[str] = set()
        try:
            sightings = self._misp.ask(
                lambda misp: misp.direct_call("sightings/restSearch", search)
            )
            found |= _named(sightings, "Sighting")
            proposals = self._misp.ask(
                lambda misp: misp.direct_call(
                    f"shadow_attributes/index/timestamp:{start}"
                )
            )
            found |= _named(proposals, "ShadowAttribute")
        except Refused as refused:
            if refused.status in (401, 403):
                raise
            # A server that has no such search: every case is looked at in its turn.
        return frozenset(found)

    def said(self, share: str) -> tuple[Said, ...]:
        """Return what others said about one event of ours, and about its parts."""
        event = self._misp.look(share)
        if event is None:
            return ()
        ours = self._misp.ask(lambda misp: misp.organisation).lower()
        return said_in(event, self._vocabulary, ours)

    def close(self) -> None:
        """Give up the connection."""
        self._misp.close()


def said_in(event: Thing, vocabulary: Vocabulary, ours: str) -> tuple[Said, ...]:
    """Return what is said in an event and its parts by others than ``ours``."""
    about = uuid_of(event)
    found = [
        *_tags(event, about, vocabulary),
        *_analysts(event, about, 0),
        *_proposals(event, about, FeedbackWord.ADD),
    ]
    attributes = _things(event, "Attribute")
    for held in _things(event, "Object"):
        found += _analysts(held, uuid_of(held), 0)
        attributes += _things(held, "Attribute")
    for report in _things(event, "EventReport"):
        found += _analysts(report, uuid_of(report), 0)
    for attribute in attributes:
        about = uuid_of(attribute)
        found += _tags(attribute, about, vocabulary)
        found += _sightings(attribute, about)
        found += _proposals(attribute, about, FeedbackWord.CHANGE)
        found += _analysts(attribute, about, 0)
    unique = {one.key: one for one in found if one.organisation != ours}
    return tuple(unique.values())


def _named(answer: Any, kind: str) -> set[str]:
    """Return the events that a list of sightings or proposals is about."""
    listed = answer if isinstance(answer, list) else []
    inner = (one.get(kind) for one in listed if isinstance(one, dict))
    named = (one.get("event_uuid") for one in inner if isinstance(one, dict))
    return {str(uuid).lower() for uuid in named if uuid}


def _things(holder: Thing, name: str) -> list[Thing]:
    found = holder.get(name)
    listed = found if isinstance(found, list) else []
    return [one for one in listed if isinstance(one, dict)]


def _tags(thing: Thing, about: str, vocabulary: Vocabulary) -> Iterator[Said]:
    for tag in _things(thing, "Tag"):
        name = str(tag.get("name") or "")
        read = vocabulary.read(name)
        if read is not None:
            word, value, until = read
            words = {"value": _text(value)} if value else {}
            key = f"tag/{about}/{name.casefold()}"
            yield Said(FeedbackKind.TAG, word, about, key, until=until, words=words)


def _sightings(attribute: Thing, about: str) -> Iterator[Said]:
    for one in _things(attribute, "Sighting"):
        word = _SIGHTINGS.get(str(one.get("type", "0")))
        if word is not None and uuid_of(one):
            yield Said(
                FeedbackKind.SIGHTING,
                word,
                about,
                f"sighting/{uuid_of(one)}",
                _epoch(one.get("date_sighting")),
                _organisation(one, "Organisation"),
                words=_words(one, ("source",)),
            )


def _proposals(thing: Thing, about: str, word: FeedbackWord) -> Iterator[Said]:
    for one in _things(thing, "ShadowAttribute"):
        stamp = str(one.get("timestamp", ""))
        deletes = one.get("proposal_to_delete") in (True, 1, "1")
        yield Said(
            FeedbackKind.PROPOSAL,
            FeedbackWord.DELETE if deletes else word,
            about,
            # A proposed change has the UUID of the attribute that it would change.
            f"proposal/{uuid_of(one)}/{one.get('id', '')}/{stamp}",
            _epoch(stamp),
            _organisation(one, "Org"),
            words=_words(one, _PROPOSED),
        )


def _analysts(thing: Thing, about: str, depth: int) -> Iterator[Said]:
    """Return the notes and opinions on a thing, and those on them in turn."""
    if depth == _DEEPEST:
        return
    for one in _things(thing, "Note"):
        yield _analyst(one, about, FeedbackKind.NOTE, FeedbackWord.REMARK)
        yield from _analysts(one, about, depth + 1)
    for one in _things(thing, "Opinion"):
        try:
            word = opinion_word(int(one.get("opinion", "")))
        except (TypeError, ValueError):
            continue
        yield _analyst(one, about, FeedbackKind.OPINION, word)
        yield from _analysts(one, about, depth + 1)


def _analyst(one: Thing, about: str, kind: FeedbackKind, word: FeedbackWord) -> Said:
    # The author's address is a person's and nobody needs it here.
    changed = str(one.get("modified") or one.get("created") or "")
    names = ("note",) if kind is FeedbackKind.NOTE else ("opinion", "comment")
    return Said(
        kind,
        word,
        about,
        f"{kind}/{uuid_of(one)}/{changed}",
        _moment(changed),
        str(one.get("orgc_uuid") or "").lower(),
        words=_words(one, names),
    )


def _words(thing: Thing, names: tuple[str, ...]) -> dict[str, str]:
    said = {name: _text(thing[name]) for name in names if thing.get(name)}
    return {name: text for name, text in said.items() if text}


def _text(value: Any) -> str:
    text = str(value)
    # Half a character outside the basic plane is no text that can be stored.
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + _CUT


def _organisation(thing: Thing, name: str) -> str:
    named = thing.get(name)
    return uuid_of(named) if isinstance(named, dict) else ""


def _epoch(value: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(str(value)), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None
