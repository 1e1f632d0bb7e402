"""The thing on its way: redacted, drafted, sealed, delivered.

Each stage takes the type that the stage before it made, so that none can be skipped:
only `Redacted` can be converted, only a `Draft` inspected, only a `Sealed` delivered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from broker.model.decision import RECALLED, Decision, Effect, Finding
from broker.model.reveal import Deposit


class Wire(StrEnum):
    """A format in which a recipient takes an incident."""

    STIX_BUNDLE = "stix-bundle"
    STIX_MISP = "stix-misp"  # STIX 2.1 in the dialect of MISP's own converter
    MISP_EVENT = "misp-event"


class State(StrEnum):
    """How one (incident revision, agreement) ended in the broker.

    ``QUEUED`` is the only one that still moves: see `broker.store.outbox`.
    """

    QUEUED = "queued"  # sealed and waiting in the outbox
    HELD = "held"  # waits for a person: review, or a breach that the guard found
    WITHHELD = "withheld"  # not shared, and never was
    UNCHANGED = "unchanged"  # this recipient already has exactly this
    STALE = "stale"  # a newer revision was processed before


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What became of one field: ``kept``, ``withheld`` or the name of a method.

    ``where`` is the line of the profile that said so. Never holds a value.
    """

    field: str
    outcome: str
    where: str


KEPT = "kept"
WITHHELD = "withheld"

Mark = tuple[str, str, str]
"""What a plan says of a field: its path, what became of it, the profile's line."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """What one recipient may see of an incident, and what was done to each field.

    ``view`` has the shape of the incident, with only the fields that survive, as JSON
    values. An observable in it has the kind that its redacted value has, and
    ``exact: false`` when the value is no longer the one that was seen.
    """

    view: Mapping[str, Any]
    # By object: its index in the list (or -1), and what the plan says of its fields.
    # Expanded on demand: most incidents leave without anybody reading their ledger.
    marks: tuple[tuple[int, tuple[Mark, ...]], ...]

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """Return what happened to each field that the incident has."""
        return tuple(
            LedgerEntry(
                path if index < 0 else path.replace("[]", f"[{index}]", 1),
                outcome,
                line,
            )
            for index, marks in self.marks
            for path, outcome, line in marks
        )

    def counts(self) -> dict[str, int]:
        """Return how many fields were ``kept``, ``changed`` and ``withheld``."""
        said = [mark[1] for _, marks in self.marks for mark in marks]
        kept, withheld = said.count(KEPT), said.count(WITHHELD)
        changed = len(said) - kept - withheld
        return {KEPT: kept, "changed": changed, WITHHELD: withheld}


def all_withheld(marks: tuple[Mark, ...]) -> tuple[Mark, ...]:
    """Return the marks of fields that are withheld after all."""
    return tuple((path, WITHHELD, line) for path, _, line in marks)


@dataclass(frozen=True, slots=True)
class Edition:
    """One content for one (recipient, incident), numbered from 1.

    Times are UTC with whole seconds, because MISP compares whole seconds. ``retracts``
    marks an edition that takes everything back.
    """

    number: int
    created: datetime
    modified: datetime
    content: str  # SHA-256 of the redacted view, in hex
    retracts: bool = False


class Sighting(NamedTuple):
    """An observable that a recipient is told of."""

    uuid: str  # of all that is made of it
    seen: Mapping[str, Any]  # what the recipient sees of it
    text: str  # its value as STIX writes it
    listed: str  # the list of what is probably harmless that it is on, if any
    to_ids: bool  # whether it may be matched automatically
    last_seen: str | None  # never before it was first seen


class Part(NamedTuple):
    """A party, a system, a piece of evidence or a loss that a recipient is told of."""

    name: str  # of the field, such as ``victims``
    number: int  # among those of its name, from 1
    uuid: str
    said: Mapping[str, Any]  # what the recipient sees of it
    fields: Mapping[str, Any]  # the same by paths, such as ``contacts.email``


class Note(NamedTuple):
    """The text that stands beside a case: its summary."""

    uuid: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """A STIX 2.1 bundle; the case is its one ``report``.

    All that it says stands here once, with its ids. From that a MISP event is made, and
    so are the bundle's objects, which are written only when somebody asks for them:
    most recipients take MISP events.
    """

    id: str
    report: Mapping[str, Any]  # but for what it refers to, which are all others
    summary: Note
    write: Callable[[Bundle], tuple[dict[str, Any], ...]] = field(repr=False)
    # UUID of the object that stands for the incident; what is taken back has none.
    incident: str = ""
    sightings: Sequence[Sighting] = ()
    parts: Sequence[Part] = ()

    @property
    def objects(self) -> tuple[dict[str, Any], ...]:
        """Write all objects as STIX has them: each time anew, and always the same."""
        return self.write(self)


@dataclass(frozen=True, slots=True)
class Draft:
    """The exact bytes that would leave, before anybody has checked them."""

    recipient: str
    wire: Wire
    body: bytes


@dataclass(frozen=True, slots=True)
class Breach:
    """Something that the guard found in a draft. Never names a value.

    ``rule`` is the guard's rule, ``path`` the place in the draft, ``about`` the field
    of the incident whose value is there, when that is what is wrong.
    """

    rule: str
    path: str
    about: str = ""

    def __str__(self) -> str:
        about = f", a value of {self.about}" if self.about else ""
        return f"{self.rule} at {self.path or 'the whole document'}{about}"


TAKEN_BACK: Final = "[Taken back by "
"""How the name of an edition begins that takes everything back, at every recipient."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """Bytes that passed the guard, with the seal that says for whom they are.

    The seal is an Ed25519 signature over recipient, share, edition, wire, SHA-256 of
    the body and rulebook digest. Whoever changes any of these breaks it.
    """

    recipient: str
    share: str  # the event's id at the recipient, a UUID
    edition: int
    wire: Wire
    body: bytes
    sha256: str
    rulebook: str
    key_id: str
    signature: bytes
    retracts: bool = False


@dataclass(frozen=True, slots=True)
class Share:
    """Everything about one incident revision and one agreement, ready to be stored."""

    decision: Decision
    state: State
    redacted: Redacted | None = None
    edition: Edition | None = None
    sealed: Sealed | None = None
    draft: Draft | None = None  # kept for held ones: redacted, not yet approved
    breaches: tuple[Breach, ...] = ()
    failure: str = ""  # a fixed phrase: which stage failed, never a value
    # Another agreement of the recipient decides: this one neither sends nor takes back.
    aside: bool = False
    # What `broker.vault` locks away of it, where the agreement says so.
    deposits: tuple[Deposit, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one incident revision, for every agreement."""

    uid: str
    revision: int
    incident_sha256: str
    rulebook: str
    shares: tuple[Share, ...]
    duplicate: bool = False  # this very revision was processed before
    conflict: bool = False  # the same revision came before with other content
    # What the consume zone knows besides, and the store keeps beside the decisions.
    facts: str = ""  # what was decided on, as JSON: see `broker.replay`
    publisher: str = ""  # who says to have published it; empty if nobody does
    waits_until: Mapping[str, datetime] = field(default_factory=dict)  # by agreement


@dataclass(frozen=True, slots=True)
class Recalled:
    """A person's word that an incident is taken back, or that it is so no more.

    An empty ``recipient`` or ``agreement`` stands for all, also for later ones.
    """

    recipient: str
    agreement: str
    at: datetime
    by: str
    lifted: bool = False


@dataclass(frozen=True, slots=True)
class Before:
    """What a recipient was given of an incident before, and how that was numbered.

    ``under`` is the agreement that its newest edition was made under, ``used`` the last
    number under the agreement that decides now, whoever it was with then.
    """

    edition: Edition | None
    under: str = ""
    used: int = 0

    def next(self, revised: datetime, content: str) -> Edition:
        """Number the next edition; a recipient never sees time run backwards."""
        last = self.edition
        if last is None:
            return Edition(self.used + 1, revised, revised, content)
        modified = max(revised, last.modified + timedelta(seconds=1))
        number = max(last.number, self.used) + 1
        return Edition(number, last.created, modified, content)


@dataclass(frozen=True, slots=True)
class History:
    """What the store remembers of one incident: enough to number the next edition.

    A case is one thing at its recipient, whichever agreement an edition of it was made
    under: so a successor counts on where the agreement before it ended.
    """

    revision: int = 0
    incident_sha256: str = ""
    editions: Mapping[str, Edition] = field(default_factory=dict)  # by recipient
    recalled: tuple[Recalled, ...] = ()  # oldest first
    # By recipient: the agreement that its newest edition was made under.
    under: Mapping[str, str] = field(default_factory=dict)
    # By agreement: the last number under it, whoever it was with then.
    used: Mapping[str, int] = field(default_factory=dict)

    def before(self, recipient: str, agreement: str) -> Before:
        """Return what a recipient was given, and how it is numbered on."""
        edition = self.editions.get(recipient)
        under = self.under.get(recipient, "")
        return Before(edition, under, self.used.get(agreement, 0))

    def after(self, outcome: Outcome) -> History:
        """Return the history once an outcome has been stored."""
        if outcome.duplicate or outcome.conflict or outcome.revision < self.revision:
            return self
        editions, under, used = dict(self.editions), dict(self.under), dict(self.used)
        for share in outcome.shares:
            if share.state is State.QUEUED and share.edition:
                decision = share.decision
                editions[decision.recipient] = share.edition
                under[decision.recipient] = decision.agreement
                used[decision.agreement] = share.edition.number
        return replace(
            self,
            revision=outcome.revision,
            incident_sha256=outcome.incident_sha256,
            editions=editions,
            under=under,
            used=used,
        )

    def recalled_from(self, recipient: str, agreement: str) -> Recalled | None:
        """Return the recall that is in force there, if any: the newest word counts."""
        for each in reversed(self.recalled):
            fits = each.recipient in ("", recipient)
            if fits and each.agreement in ("", agreement):
                return None if each.lifted else each
        return None

    def kept_back(self, decision: Decision) -> Decision:
        """Ask a person about what somebody took back, whatever the rules share."""
        word = self.recalled_from(decision.recipient, decision.agreement)
        if word is None or decision.effect is Effect.WITHHOLD:
            return decision
        because = f"recalled on {word.at:%Y-%m-%d}, by {word.by}"
        asking = Finding(RECALLED, Effect.REVIEW, True, "", because)
        findings = (*decision.findings, asking)
        return replace(decision, effect=Effect.REVIEW, findings=findings)


NO_HISTORY = History()


AS_TEXT = "written as text: MISP takes no such value as "
"""What the comment of a value says that MISP would not take as its own type."""


class ReceiptState(StrEnum):
    """How a delivery ended."""

    DELIVERED = "delivered"
    FAILED = "failed"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that the recipient's system did not keep as it was sent.

    ``id`` is the attribute's UUID there, ``what`` a fixed phrase such as ``dropped``.
    """

    id: str
    what: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a recipient's system was found to hold after a delivery."""

    recipient: str
    share: str
    edition: int
    state: ReceiptState
    at: datetime
    sha256: str
    remote_id: str = ""
    losses: tuple[Loss, ...] = ()
    reason: str = ""
