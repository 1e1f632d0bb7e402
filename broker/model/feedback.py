"""What a unit says back about a case that it was sent, and which of its tags count.

A recipient's system -> `Said` (as it was found there) -> `Feedback` (which incident and
which of its fields it is about).

Invariant: what the unit itself wrote, chose as a value, or named a person by, stands in
``words`` and nowhere else; everything beside it is a closed word, an id or a time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from broker.model.marking import Tlp
from broker.model.recipient import Name, PolicyFile


class FeedbackKind(StrEnum):
    """In which way something was said."""

    SIGHTING = "sighting"
    PROPOSAL = "proposal"  # of another content; it is never applied by itself
    OPINION = "opinion"
    NOTE = "note"
    TAG = "tag"  # one of those that were agreed on


class FeedbackWord(StrEnum):
    """What was said, as far as one word tells it."""

    SEEN = "seen"  # sightings
    FALSE_POSITIVE = "false-positive"  # sightings and tags
    EXPIRED = "expired"
    ADD = "add"  # proposals
    CHANGE = "change"
    DELETE = "delete"
    AGREE = "agree"  # opinions
    NEUTRAL = "neutral"
    DISAGREE = "disagree"
    REMARK = "remark"  # notes
    CASE_OPENED = "case-opened"  # tags
    CASE_NUMBER = "case-number"
    KEEP_SECRET_UNTIL = "keep-secret-until"  # noqa: S105 - no password
    NEED_MORE_DATA = "need-more-data"
    RECALL_ACKNOWLEDGED = "recall-acknowledged"


AgreedWord = Literal[
    FeedbackWord.CASE_OPENED,
    FeedbackWord.CASE_NUMBER,
    FeedbackWord.FALSE_POSITIVE,
    FeedbackWord.KEEP_SECRET_UNTIL,
    FeedbackWord.NEED_MORE_DATA,
]


class AgreedTag(PolicyFile):
    """One tag that a unit may set, and what it says by it.

    With ``value`` the tag is ``TAG="..."``: ``text`` is free, ``date`` is a day.
    Without one it is the whole tag.
    """

    word: AgreedWord
    tag: Annotated[str, Field(max_length=200)]
    value: Literal["none", "text", "date"] = "none"

    @field_validator("tag")
    @classmethod
    def _visible(cls, tag: str) -> str:
        if not tag or tag != tag.strip() or not (tag.isascii() and tag.isprintable()):
            raise ValueError("write a tag of visible ASCII characters")
        return tag

    @model_validator(mode="after")
    def _fits(self) -> Self:
        wanted = {
            FeedbackWord.CASE_NUMBER: "text",
            FeedbackWord.KEEP_SECRET_UNTIL: "date",
        }.get(self.word, "none")
        if self.value != wanted:
            raise ValueError(f"the value of {self.word} must be: {wanted}")
        if self.value != "none" and ('"' in self.tag or "=" in self.tag):
            raise ValueError('write the tag without its value: no = and no "')
        return self


class AgreedTags(PolicyFile):
    """A list of tags that were agreed on: ``mappings/feedback/*.yaml``."""

    feedback: Name
    title: str
    tags: tuple[AgreedTag, ...] = Field(min_length=1)


class ReturnPath(PolicyFile):
    """What a memorandum says about the unit's words, once they are with the CSIRT.

    ``tlp`` is the marking that they have there. ``words`` says who reads them: only the
    ``lead`` of the CSIRT, everybody in the ``csirt`` who may use the broker, or whoever
    reads the Kafka ``topic`` as well. Until the day of a keep-secret-until nobody but
    the lead does.
    """

    cites: str = ""
    tlp: Tlp = Tlp.AMBER_STRICT
    words: Literal["lead", "csirt", "topic"] = "lead"


STRICT = ReturnPath()
"""What counts where the agreement says nothing."""


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that was found at a recipient, not yet traced to the incident.

    ``about`` is the UUID of what it is said about there, ``key`` names it there once
    and for all (a later version of it has another), ``organisation`` is the UUID of who
    said it, where that is known.
    """

    kind: FeedbackKind
    word: FeedbackWord
    about: str
    key: str
    at: datetime | None = None
    organisation: str = ""
    until: date | None = None  # keep-secret-until
    words: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Feedback:
    """One thing that a unit said, and what of which incident it is about.

    ``field`` is a path within the incident, such as ``observables[2]``; empty when it
    is about the incident as a whole, or when ``note`` says why that is not known.
    """

    number: int
    id: str
    recipient: str
    share: str
    uid: str
    agreement: str
    edition: int
    kind: FeedbackKind
    word: FeedbackWord
    about: str
    at: datetime | None
    seen_at: datetime
    organisation: str
    until: date | None
    field: str
    note: str
    traced: bool
    revision: int  # that the path is about; 0 where it is not known
    tlp: str
    readers: str  # who may read the words: see `ReturnPath`
    published: bool
    has_words: bool


class Vocabulary:
    """Tags that were agreed on, ready for being recognised."""

    def __init__(self, tags: tuple[AgreedTag, ...], recall_tag: str = "") -> None:
        self._whole = {
            row.tag.casefold(): FeedbackWord(row.word)
            for row in tags
            if row.value == "none"
        }
        if recall_tag:
            self._whole[recall_tag.casefold()] = FeedbackWord.RECALL_ACKNOWLEDGED
        self._named = {row.tag.casefold(): row for row in tags if row.value != "none"}

    def read(self, name: str) -> tuple[FeedbackWord, str, date | None] | None:
        """Return what a tag says: its word, its value, and its day if it is one.

        Nothing for a tag that was not agreed on, or whose day is none: whatever else
        the unit tags for itself is not the CSIRT's business.
        """
        word = self._whole.get(name.casefold())
        if word is not None:
            return word, "", None
        head, _, rest = name.partition("=")
        row = self._named.get(head.casefold())
        value = rest.strip().strip('"').strip()
        if row is None or not value:
            return None
        if row.value == "text":
            return FeedbackWord(row.word), value, None
        try:
            return FeedbackWord(row.word), "", date.fromisoformat(value)
        except ValueError:
            return None


def opinion_word(score: int) -> FeedbackWord:
    """Return what a score between 0 (strongly disagree) and 100 says."""
    if score > 60:
        return FeedbackWord.AGREE
    return FeedbackWord.DISAGREE if score < 40 else FeedbackWord.NEUTRAL
