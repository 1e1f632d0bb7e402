"""What a unit said in its TAXII collection: sightings, opinions and notes of its own.

STIX objects of another creator that refer to ours -> `Said`. Sources: STIX 2.1,
sections 4.13 (note), 4.15 (opinion) and 5.2 (sighting).

An object is taken for an answer when it refers to something that the case's report
lists, or to the report, and was created by somebody else. Of the tags that were agreed
on, those in its ``labels`` count.

Invariant: what cannot be understood is left out, never guessed, and never an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from broker.deliver.taxii import TaxiiRecipient
from broker.model.feedback import FeedbackKind, FeedbackWord, Said, Vocabulary

Thing = Mapping[str, Any]

_LONGEST_TEXT: Final = 20_000
_CUT: Final = " [cut]"
_TYPES: Final = ("sighting", "opinion", "note")
_OPINIONS: Final[Mapping[str, FeedbackWord]] = {
    "strongly-disagree": FeedbackWord.DISAGREE,
    "disagree": FeedbackWord.DISAGREE,
    "neutral": FeedbackWord.NEUTRAL,
    "agree": FeedbackWord.AGREE,
    "strongly-agree": FeedbackWord.AGREE,
}
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "sighting": ("description",),
    "opinion": ("opinion", "explanation"),
    "note": ("abstract", "content"),
}


class TaxiiListening:
    """One collection that is asked what was said there."""

    def __init__(self, taxii: TaxiiRecipient, vocabulary: Vocabulary) -> None:
        self._taxii = taxii
        self._vocabulary = vocabulary
        self._answers: list[Thing] = []

    def begin(
        self,
        since: datetime,  # noqa: ARG002 - a collection is read as a whole
        now: datetime,  # noqa: ARG002
    ) -> frozenset[str]:
        """Read what there is of answers; nothing where we may not read."""
        server = self._taxii.opened()
        self._answers = []
        if server.can_read:
            for kind in _TYPES:
                self._answers += server.by_type(kind)
        return frozenset()

    def said(self, share: str) -> tuple[Said, ...]:
        """Return what others said about one case of ours."""
        if not self._answers:
            return ()
        report_id = f"report--{share}"
        reports = list(self._taxii.opened().by_ids([report_id]))
        if not reports:
            return ()
        newest = max(reports, key=lambda each: str(each.get("modified", "")))
        return said_about(newest, self._answers, self._vocabulary)

    def close(self) -> None:
        """Give up the connection."""
        self._taxii.close()


def said_about(
    report: Thing, answers: list[Thing], vocabulary: Vocabulary
) -> tuple[Said, ...]:
    """Return what is said about a report, or what it lists, by other creators."""
    ours, case = report.get("created_by_ref"), str(report.get("id", ""))
    listed = report.get("object_refs")
    refs = {case, *(listed if isinstance(listed, list) else ())} - {""}
    found: dict[str, Said] = {}
    for one in answers:
        by = one.get("created_by_ref")
        if by is not None and by != ours:
            for about in _abouts(one):
                if about in refs:
                    for said in _said(one, about.rpartition("--")[2], vocabulary):
                        found[said.key] = said
    return tuple(found.values())


def _abouts(one: Thing) -> list[str]:
    named = one.get("object_refs", [one.get("sighting_of_ref")])
    return [ref for ref in named if isinstance(ref, str)] if type(named) is list else []


def _said(one: Thing, about: str, vocabulary: Vocabulary) -> Iterator[Said]:
    kind, version = str(one.get("type")), f"{one.get('id')}/{one.get('modified')}"
    at = _moment(one.get("last_seen") or one.get("modified"))
    by = str(one.get("created_by_ref")).rpartition("--")[2].lower()
    word = _word(kind, one)
    if word is not None:
        yield Said(
            FeedbackKind(kind),
            word,
            about,
            f"{version}/{about}",
            at,
            by,
            words=_words(one, _WORDS[kind]),
        )
    labels = one.get("labels")
    for name in labels if isinstance(labels, list) else ():
        read = vocabulary.read(str(name))
        if read is not None:
            tag, value, until = read
            words = {"value": _text(value)} if value else {}
            key = f"tag/{about}/{str(name).casefold()}"
            yield Said(FeedbackKind.TAG, tag, about, key, at, by, until, words)


def _word(kind: str, one: Thing) -> FeedbackWord | None:
    if kind == "sighting":
        # STIX 2.1, 5.2: a count of 0 says that it was looked for and not seen.
        return None if one.get("count") == 0 else FeedbackWord.SEEN
    if kind == "opinion":
        return _OPINIONS.get(str(one.get("opinion")))
    return FeedbackWord.REMARK if kind == "note" else None


def _words(one: Thing, names: tuple[str, ...]) -> dict[str, str]:
    return {name: _text(one[name]) for name in names if one.get(name)}


def _text(value: Any) -> str:
    text = str(value).encode("utf-8", "replace").decode()
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + _CUT


def _moment(said: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(said))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
