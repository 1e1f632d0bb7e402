"""What a reader of a foreign format has understood so far, and the incident of it.

Facts, one by one, each with its path in the message -> `Parsed`.

Invariants: a value that is not of its kind is noted and not taken; what a format does
not say is left empty, and never guessed; a time that contradicts another is noted and
not taken; contents of files and credentials within addresses are never taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from pydantic import ValidationError

from broker.errors import IntakeError
from broker.intake.groups import MOST, settled
from broker.intake.misp_tags import UNDETERMINED
from broker.intake.node import LONGEST_LINE, LONGEST_TEXT
from broker.intake.parsed import LeftBehind, Parsed
from broker.intake.values import normal
from broker.model.foreign import FormatTable, Sides
from broker.model.incident import (
    AffectedSystem,
    Contacts,
    EvidenceItem,
    FinancialLoss,
    Incident,
    Observable,
    Origin,
    PartyKind,
    Relation,
    Reporter,
    Role,
    Status,
    Suspect,
    Times,
    Victim,
)
from broker.model.intake import MOST_ITEMS
from broker.model.mapping import Tables
from broker.model.marking import Pap, Severity, Tlp

TEST: Final = "test/test"
_SIDES: Final = Sides(source=Role.UNKNOWN, target=Role.UNKNOWN)
_LAST_REVISION: Final = 2**31
_LONGEST_UID: Final = 128
_NOT_IN_A_UID: Final = re.compile(r"[^A-Za-z0-9._/-]")
_USERINFO: Final = re.compile(r"^([a-z][a-z0-9+.-]{1,20}://)[^/?#@\s]*@", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"[0-9a-fA-F:.]+(/[0-9]{1,3})?")
UID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{2,127}")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
# From an address to an address: it would pass for a host's name otherwise.
_RANGE: Final = re.compile(r"[0-9.]+\s*-\s*[0-9.]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.\s-]*")
_ONION: Final = ".onion"


@dataclass(slots=True)
class Draft:
    """An incident in the making.

    ``format`` is the short name of the format, ``raw`` the message, ``table`` what the
    format's words mean.
    """

    format: str
    raw: bytes
    tables: Tables
    table: FormatTable
    left: LeftBehind = field(default_factory=LeftBehind)
    classification: str = UNDETERMINED
    title: str | None = None
    status: Status = Status.OPEN
    severity: Severity = Severity.MEDIUM
    tlp: Tlp | None = None
    pap: Pap | None = None
    confidence: int | None = None
    language: str = "en"
    reporter: Reporter | None = None
    financial_loss: FinancialLoss | None = None
    case_reference: str | None = None
    times: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    prose: dict[str, None] = field(default_factory=dict)
    caveats: list[str] = field(default_factory=list)
    victims: list[Victim] = field(default_factory=list)
    suspects: list[Suspect] = field(default_factory=list)
    observables: list[Observable] = field(default_factory=list)
    systems: list[AffectedSystem] = field(default_factory=list)
    evidence: list[EvidenceItem] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    _seen: set[tuple[Any, ...]] = field(default_factory=set)
    _groups: int = 0
    _group: int | None = None

    @contextmanager
    def together(self) -> Iterator[None]:
        """Put into one group what is observed meanwhile: the message says so."""
        if self._group is None and self._groups < MOST:
            self._groups += 1
            self._group = self._groups
            try:
                yield
            finally:
                self._group = None
        else:
            yield

    @property
    def sides(self) -> Sides:
        """Return whose things source and target are, by the classification."""
        own = self.table.roles.get(self.classification)
        return own or self.tables.sides.get(self.classification, _SIDES)

    def classify(self, path: str, *words: str) -> None:
        """Set the classification by the first word that has a row.

        A word that has none leaves it undetermined, which is noted.
        """
        for word in words:
            found = self.table.classification.get(word.lower())
            if found is not None:
                self.classification = found
                return
        self.left.note(path, "not a class with a meaning here: undetermined")

    def classify_by_all(self, path: str, words: list[str]) -> None:
        """Set the classification that all words agree on.

        Test is test, whatever else is said. Words that mean different things, or that
        have no row, leave it undetermined, which is noted.
        """
        found = {self.table.classification.get(word.lower()) for word in words}
        if TEST in found:
            self.classification = TEST
        elif len(found) == 1 and None not in found:
            self.classification = str(found.pop())
        else:
            self.left.note(path, "not one class with a meaning here: undetermined")

    def mark(self, path: str, word: str) -> None:
        """Take a marking into account; the strictest of several counts.

        A word that the format's table does not know counts as red.
        """
        if not word:
            return
        level = self.table.tlp.get(word.lower().removeprefix("tlp:"))
        if level is None:
            self.left.note(path, "not a marking with a meaning here: red")
        self.limit(level or Tlp.RED)

    def limit(self, level: Tlp) -> None:
        """Mark the incident at least as strictly as this."""
        if self.tlp is None or level.rank > self.tlp.rank:
            self.tlp = level

    def limit_actions(self, level: Pap) -> None:
        """Limit what may be done with it at least as strictly as this."""
        if self.pap is None or level.rank > self.pap.rank:
            self.pap = level

    def speak(self, language: str | None, path: str) -> None:
        """Set the language that the texts are in."""
        if language and _LANGUAGE.fullmatch(language):
            self.language = language
        elif language:
            self.left.note(path, "not a language code")

    def when(self, name: str, path: str, moment: datetime | None) -> None:
        """Set one of the incident's times; the first that is said counts."""
        if moment is not None:
            self.times.setdefault(name, (path, moment.replace(microsecond=0)))

    def tell(self, text: str | None) -> None:
        """Add a text to the description."""
        if text:
            self.prose.setdefault(text)

    def observe(
        self,
        kind: str,
        value: str | None,
        path: str,
        role: Role = Role.UNKNOWN,
        *,
        first: datetime | None = None,
        last: datetime | None = None,
        to_ids: bool = False,
        comment: str | None = None,
    ) -> bool:
        """Take an observable of a kind; say whether it was taken, else it is noted.

        Raises:
            IntakeError: there are more than an incident may have.
        """
        if not value:
            return False
        row = self.tables.kinds.get(kind)
        if row is None:
            self.left.note(path, f"no row for {kind} in mappings/observables.yaml")
            return False
        if "@" in value and kind == "url":
            value = self._without_credentials(value, path)
        hopeless = row.stix.number and len(value) > 20
        found = None if hopeless else normal(value, row)
        if found is None or len(found) > LONGEST_TEXT:
            self.left.note(path, f"its value is not of the kind {kind}")
            return False
        if first and last and last < first:
            self.left.note(path, "seen last before it was seen first: neither is taken")
            first = last = None
        group = self._group
        key = (kind, found, role, first, last, to_ids, comment, group)
        if key not in self._seen:
            self._seen.add(key)
            if len(self._seen) > MOST_ITEMS:
                raise too_many(path)
            self.observables.append(
                Observable(
                    kind=kind, value=found, role=role, group=group,
                    first_seen=first, last_seen=last, to_ids=to_ids, comment=comment,
                )
            )  # fmt: skip
        return True

    def observe_host(
        self, value: str | None, path: str, role: Role = Role.UNKNOWN, **said: Any
    ) -> bool:
        """Take an address, a network, a host's name or a URL, by what it looks like."""
        if not value:
            return False
        return self.observe(kind_of_host(value), value, path, role, **said)

    def observe_account(
        self, value: str | None, path: str, role: Role = Role.UNKNOWN
    ) -> bool:
        """Take an account: a mailbox if it has an @, else a name of a user."""
        kind = "email" if value and "@" in value else "user-account"
        return self.observe(kind, value, path, role)

    def relate(self, uid: str, path: str, kind: str = "related-to") -> None:
        """Take a link to another incident; what cannot be a uid is noted."""
        if UID.fullmatch(uid):
            self.relations.append(Relation(uid=uid, kind=kind))
        else:
            self.left.note(path, "not an id")

    def name_victim(self, name: str | None) -> None:
        """Take an organisation that was harmed, aimed at or impersonated."""
        if name:
            self.victims.append(Victim(kind=PartyKind.ORGANISATION, name=name))

    def _without_credentials(self, value: str, path: str) -> str:
        plain = _USERINFO.sub(r"\1", value)
        if plain != value:
            self.left.note(path, "a name or password within the address")
        return plain

    def uid_of(self, sender_id: str, path: str, prefix: str = "") -> str:
        """Return the uid for the sender's own id, which differs for each format.

        Raises:
            IntakeError: the id is too long to be one.
        """
        made = f"{prefix or self.format}:{_NOT_IN_A_UID.sub(_escaped, sender_id)}"
        if len(made) > _LONGEST_UID:
            raise IntakeError(path, "is too long for an id", "use a shorter one")
        return made

    def uid_of_content(self, content: bytes) -> str:
        """Return the uid of a message that nobody has numbered.

        It never leaves as it is (`broker.redact`): see `named_by_content`.
        """
        return f"{self.format}:sha256:{sha256(content).hexdigest()}"

    def finish(
        self, uid: str, revised_at: datetime, *, sender_id: str | None, path: str
    ) -> Parsed:
        """Return the incident.

        Args:
            uid: of `uid_of` or `uid_of_content`.
            revised_at: when the sender wrote this; also numbers the revision.
            sender_id: the sender's own id, to the letter.
            path: where the time of revision stands.

        Raises:
            IntakeError: it is not possible in an incident.
        """
        revision = int(revised_at.timestamp())
        if not 1 <= revision <= _LAST_REVISION:
            raise IntakeError(path, "lies too far in the future", "check the clock")
        origin = Origin(
            format=self.format, id=sender_id, sha256=sha256(self.raw).hexdigest()
        )
        try:
            incident = Incident(
                uid=uid,
                revision=revision,
                revised_at=revised_at,
                status=self.status,
                title=self._title(),
                description=self._description(),
                language=self.language,
                classification=self.classification,
                confidence=self.confidence,
                severity=self.severity,
                tlp=self.table.unmarked if self.tlp is None else self.tlp,
                pap=self.table.pap if self.pap is None else self.pap,
                handling_caveats=tuple(dict.fromkeys(self.caveats)),
                times=self._times(),
                reporter=self.reporter,
                victims=tuple(self.victims),
                suspects=tuple(self.suspects),
                observables=settled(self.observables),
                evidence=tuple(self.evidence),
                financial_loss=self.financial_loss,
                affected_systems=tuple(self.systems),
                relations=tuple(self.relations),
                references=tuple(dict.fromkeys(self.references)),
                case_reference=self.case_reference,
                origin=origin,
            )
        except ValidationError as error:
            # INVARIANT: every field was checked with its place in the message before.
            place = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise IntakeError(place, "is not possible in an incident") from None
        return Parsed(incident, self.left.notes())

    def _title(self) -> str:
        if self.title is None:
            # Of the class alone: a title travels, so no value may be put into it.
            row = self.tables.rsit.get(self.classification)
            return f"{row.label if row else self.classification} ({self.table.title})"
        if len(self.title) > LONGEST_LINE:
            self.prose = {self.title: None, **self.prose}
            return self.title[: LONGEST_LINE - 1] + "…"
        return self.title

    def _description(self) -> str | None:
        whole = "\n\n".join(self.prose)
        if len(whole) > LONGEST_TEXT:
            self.left.note("description", f"cut after {LONGEST_TEXT} characters")
        return whole[:LONGEST_TEXT] or None

    def _times(self) -> Times:
        start = self.times.get("occurred_from")
        for name in ("occurred_until", "detected"):
            if start and name in self.times and self.times[name][1] < start[1]:
                path, _ = self.times.pop(name)
                self.left.note(path, "before the incident began")
        return Times(**{name: moment for name, (_, moment) in self.times.items()})


def too_many(path: str) -> IntakeError:
    """Say that a message holds more observables than an incident may have."""
    problem = f"it holds more than {MOST_ITEMS} observables"
    return IntakeError(path, problem, "publish it in several incidents")


def reporter_of(
    name: str | None = None,
    organisation: str | None = None,
    email: str | None = None,
    phone: str | None = None,
) -> Reporter | None:
    """Return who told the CSIRT, if the message says anything about them."""
    if not (name or organisation or email or phone):
        return None
    contacts = Contacts(email=email, phone=phone)
    return Reporter(name=name, organisation=organisation, contacts=contacts)


def kind_of_host(value: str) -> str:
    """Return the kind of what stands for a host: an address, a name or a URL."""
    if "://" in value:
        return "url"
    if _ADDRESS.fullmatch(value) and (":" in value or value[-1:].isdigit()):
        return "ipv6" if ":" in value else "ipv4"
    if _RANGE.fullmatch(value):
        return "ipv6" if ":" in value else "ipv4"  # is none, so it is noted
    return "onion" if value.lower().rstrip(".").endswith(_ONION) else "domain"


def _escaped(char: re.Match[str]) -> str:
    return "".join(f":{byte:02x}" for byte in char[0].encode())
