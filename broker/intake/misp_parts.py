"""Attributes of a MISP event -> observables, victims, systems, references and texts.

`Reading.take` takes one attribute; what it cannot take, or must not, it notes.

Invariants: the contents of files are never taken. Nothing that is marked more strictly
than the event is taken, because an incident has one marking for all that is in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from broker.intake import misp_fields as fields
from broker.intake import misp_tags as tags
from broker.intake.draft import too_many
from broker.intake.groups import MOST
from broker.intake.misp_fields import Json
from broker.intake.misp_types import KNOWN, Index, kinds_of
from broker.intake.parsed import LeftBehind
from broker.intake.values import normal
from broker.model.incident import (
    AffectedSystem,
    Observable,
    PartyKind,
    Role,
    Suspect,
    Victim,
)
from broker.model.intake import MOST_ITEMS
from broker.model.marking import Pap, Tlp

LONGEST_TEXT: Final = 65_535
LONGEST_LINE: Final = 2_048

_LONGEST_NUMBER: Final = 20

_FILES: Final = frozenset({"attachment", "malware-sample"})
_PROSE: Final = frozenset({"comment", "text"})

# MISP's distribution: 0 this organisation only, 1 this community, 2 connected
# communities, 3 all, 4 a sharing group, 5 as the event or object that it is part of.
_ORGANISATION, _ALL, _GROUP, _INHERIT = 0, 3, 4, 5


@dataclass(frozen=True, slots=True)
class Frame:
    """How far something may travel: its markings, and its distribution in MISP."""

    tlp: Tlp
    pap: Pap
    distribution: int
    group: int

    def within(self, item: Json, path: str) -> Frame | str:
        """Return how far a part may travel, or why it may not travel with the whole.

        Raises:
            IntakeError: its tags or its distribution are not built as MISP builds them.
        """
        names = tag_names(item, path)
        tlp, pap = tags.tlp(names) or self.tlp, tags.pap(names) or self.pap
        if tlp.rank > self.tlp.rank or pap.rank > self.pap.rank:
            return "marked more strictly than the event"
        own = fields.number(item, "distribution", path)
        if own in (None, _INHERIT):
            return self
        group = fields.number(item, "sharing_group_id", path) or 0
        if own == _GROUP:
            far_enough = self.distribution == _GROUP and group == self.group
        elif self.distribution == _GROUP:
            far_enough = own != _ORGANISATION
        else:
            far_enough = self.distribution <= own <= _ALL
        if not far_enough:
            return "distributed more narrowly than the event"
        return replace(self, distribution=own, group=group)


def tag_names(item: Json, path: str) -> tuple[str, ...]:
    """Return the names of the tags on something, in lower case as MISP compares them.

    Raises:
        IntakeError: the tags are not a list of objects with names.
    """
    found = fields.items(item, "Tag", path)
    return tuple(
        fields.text(tag, "name", f"{path}.Tag[{number}]").lower()
        for number, tag in enumerate(found)
    )


@dataclass(slots=True)
class Reading:
    """What has been taken from an event so far."""

    types: Index
    left: LeftBehind = field(default_factory=LeftBehind)
    observables: list[Observable] = field(default_factory=list)
    victims: list[Victim] = field(default_factory=list)
    suspects: list[Suspect] = field(default_factory=list)
    systems: list[AffectedSystem] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    prose: list[str] = field(default_factory=list)
    deleted: int = 0
    group: int | None = None  # of the object that is being read
    _groups: int = 0
    _seen: set[tuple[Any, ...]] = field(default_factory=set)

    def begin_group(self) -> None:
        """Put what is observed from now on into one group: it is of one object."""
        if self._groups < MOST:
            self._groups += 1
            self.group = self._groups

    def admit(self, item: Json, path: str, frame: Frame) -> Frame | None:
        """Return how far a part may travel; nothing when it must stay, which is noted.

        Raises:
            IntakeError: it is not built as MISP builds it.
        """
        if fields.flag(item, "deleted"):
            self.deleted += 1
            return None
        if fields.items(item, "ShadowAttribute", path):
            self.left.note(f"{path}.ShadowAttribute", "proposals are not facts")
        inner = frame.within(item, path)
        if isinstance(inner, str):
            self.left.note(path, inner)
            return None
        return inner

    def content(self, item: Json, path: str) -> tuple[str, str] | None:
        """Return the type and value of an attribute that can be taken, else note why.

        Raises:
            IntakeError: it is not built like an attribute.
        """
        name = fields.text(item, "type", path)
        value = fields.text(item, "value", path)
        if name in _FILES:
            self.left.note(path, f"type {name}: files are never taken")
        elif fields.text(item, "category", path) == "Internal reference":
            self.left.note(path, "internal to the sender")
        elif not value or len(value) > LONGEST_TEXT or "\0" in value:
            self.left.note(path, "its value is empty, too long or holds a NUL")
        else:
            return name, value
        return None

    def take(self, item: Json, path: str, frame: Frame) -> None:
        """Take an attribute that is not part of an object.

        Raises:
            IntakeError: it is not built like an attribute.
        """
        if self.admit(item, path, frame) is None:
            return
        content = self.content(item, path)
        if content is None:
            return
        match content:
            case (name, value) if name in _PROSE:
                self.prose.append(value)
            case ("link", value) if item.get("category") == "External analysis":
                if self.is_line(value, path):
                    self.references.append(value)
            case ("target-machine", value):
                if self.is_line(value, path):
                    self.systems.append(AffectedSystem(name=value))
            case ("target-org", value):
                if self.is_line(value, path):
                    self.victims.append(Victim(kind=PartyKind.ORGANISATION, name=value))
            case (name, value):
                self.observe(item, path, name, value)

    def observe(
        self,
        item: Json,
        path: str,
        name: str,
        raw: str,
        about: str = "",
    ) -> None:
        """Take an attribute as the observables that its type leads back to.

        ``about`` is a comment to take when the attribute has none of its own.

        Raises:
            IntakeError: its comment is not a text, or there are too many observables.
        """
        found, complete = kinds_of(self.types, name, raw)
        if not complete:
            shown = name if name in KNOWN else "not known"
            self.left.note(path, f"type {shown}{', in part' if found else ''}")
        if not found:
            return
        first, last = self._between(item, path)
        group = self.group
        if len(found) > 1 and group is None:
            # Two values in one attribute: a name and its hash, a name and its address.
            self.begin_group()
            group, self.group = self.group, None
        said: dict[str, Any] = {
            "role": _role(item, name),
            "first_seen": first,
            "last_seen": last,
            "to_ids": fields.flag(item, "to_ids"),
            "comment": self._comment(item, path) or about or None,
            "group": group,
        }
        for row, part in found:
            # Python refuses to read a number with thousands of digits.
            hopeless = row.stix.number and len(part) > _LONGEST_NUMBER
            value = None if hopeless else normal(part, row)
            key = (row.kind, value, *said.values())
            if value is None:
                self.left.note(path, f"its value is not of the kind {row.kind}")
            elif key not in self._seen:
                self._seen.add(key)
                if len(self._seen) > MOST_ITEMS:
                    raise too_many(path)
                self.observables.append(Observable(kind=row.kind, value=value, **said))

    def is_line(self, value: str, path: str) -> bool:
        """Say whether a value is short enough for a line; note it when it is not."""
        if len(value) <= LONGEST_LINE:
            return True
        self.left.note(path, f"longer than {LONGEST_LINE} characters")
        return False

    def _comment(self, item: Json, path: str) -> str:
        comment = fields.text(item, "comment", path)
        if len(comment) <= LONGEST_TEXT and "\0" not in comment:
            return comment
        self.left.note(f"{path}.comment", "too long, or holds a NUL")
        return ""

    def _between(
        self, item: Json, path: str
    ) -> tuple[datetime | None, datetime | None]:
        first = fields.instant(item, "first_seen")
        last = fields.instant(item, "last_seen")
        for key, read in (("first_seen", first), ("last_seen", last)):
            if read is None and item.get(key) not in (None, ""):
                self.left.note(f"{path}.{key}", "not a possible time")
        if first and last and last < first:
            self.left.note(f"{path}.last_seen", "before first_seen: neither is taken")
            return None, None
        return first, last


def _role(item: Json, name: str) -> Role:
    # MISP says whose thing an attribute is only here. A source address may be the
    # attacker's or that of a hijacked machine, whose owner is a victim: not known.
    aimed_at = item.get("category") == "Targeting data" or name.startswith("target-")
    return Role.VICTIM if aimed_at else Role.UNKNOWN
