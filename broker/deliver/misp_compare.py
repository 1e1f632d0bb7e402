"""What a MISP holds against what it should hold.

Edition's event + the server's event -> `Difference`: what is missing, stored otherwise,
kept although it is no longer in the edition, or left over inside something kept.

Things are matched by UUID, never by value, because MISP rewrites values on the way in
(seen with MISP 2.5.1). Values are compared in MISP's normal form.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from broker.model.sharing import Loss

Thing = Mapping[str, Any]

_EVENT_FIELDS: Final = ("info", "date", "threat_level_id", "analysis", "distribution")
_FIELDS: Final = {
    "Attribute": (
        "type",
        "category",
        "value",
        "to_ids",
        "comment",
        "distribution",
        "object_relation",
        "first_seen",
        "last_seen",
    ),
    "Object": (
        "name",
        "meta-category",
        "description",
        "template_uuid",
        "template_version",
        "distribution",
        "comment",
    ),
    "EventReport": ("name", "content", "distribution"),
    "ObjectReference": ("referenced_uuid", "relationship_type"),
}
LISTS: Final = tuple(_FIELDS)
# What stands within an object.
INNER: Final = ("Attribute", "ObjectReference")
# An update that says nothing of these leaves the server's old ones in place.
_KEPT_WHEN_OMITTED: Final = ("comment", "first_seen", "last_seen")
_LOWER: Final = re.compile(
    r"domain|hostname|email|md5|sha\d|ssdeep|imphash|mac-|dns-soa|jabber|ja3"
)
_HXXP: Final = re.compile(r"^h(xx|tt)p(s?)://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Difference:
    """How the server's event differs from the edition; all empty when it does not.

    Each names UUIDs. ``strays`` are on the server and not in the edition, ``leftovers``
    are things of the edition on which the server still has a field of an older one.
    """

    missing: tuple[str, ...] = ()
    altered: tuple[Loss, ...] = ()
    strays: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()
    stray_tags: tuple[str, ...] = ()
    missing_tags: tuple[str, ...] = ()
    unpublished: bool = False

    @property
    def in_content(self) -> bool:
        """Whether the server holds something else than the edition says."""
        return bool(
            self.missing
            or self.altered
            or self.strays
            or self.leftovers
            or self.stray_tags
            or self.missing_tags
        )

    @property
    def not_taken_back(self) -> bool:
        """Whether the server keeps something that the edition no longer discloses."""
        return bool(self.strays or self.leftovers)

    def losses(self, event: str) -> tuple[Loss, ...]:
        """Return what the recipient does not have as it was sent."""
        return (
            *(Loss(uuid, "dropped by the server") for uuid in self.missing),
            *self.altered,
            *(Loss(event, "a tag was not kept") for _ in self.missing_tags),
            *(Loss(event, "a tag was not removed") for _ in self.stray_tags),
            *([Loss(event, "stored, and not published")] if self.unpublished else ()),
        )


def compare(event: Thing, held: Thing) -> Difference:
    """Compare an edition's event with the server's, deleted things included."""
    missing: list[str] = []
    altered = [
        Loss(uuid_of(event), f"its {name} is stored otherwise")
        for name in _EVENT_FIELDS
        if name in event and not _same_field("", name, event, held)
    ]
    if uuid_of(event.get("SharingGroup") or {}) != uuid_of(
        held.get("SharingGroup") or {}
    ):
        altered.append(Loss(uuid_of(event), "its sharing group is stored otherwise"))
    strays: list[str] = []
    leftovers: list[str] = []
    for kind, own, there in pairs(event, held):
        if own is None:
            if there is not None and not is_gone(kind, there):
                strays.append(uuid_of(there))
        elif there is None or is_deleted(there):
            missing.append(uuid_of(own))
        elif left_over(kind, own, there):
            leftovers.append(uuid_of(own))
        elif what := differs(kind, own, there):
            altered.append(Loss(uuid_of(own), f"its {what} is stored otherwise"))
    ours, theirs = tag_names(event), tag_names(held)
    return Difference(
        tuple(missing),
        tuple(altered),
        tuple(strays),
        tuple(leftovers),
        tuple(sorted(theirs - ours)),
        tuple(sorted(ours - theirs)),
        bool(event.get("published")) and not held.get("published"),
    )


def pairs(
    event: Thing, held: Thing
) -> Iterator[tuple[str, Thing | None, Thing | None]]:
    """Yield each thing of an event with its counterpart on the server.

    Things are attributes, objects, what is in them, and reports.
    """
    for kind in LISTS:
        there = by_uuid(held, kind)
        for own in event.get(kind, ()):
            found = there.pop(uuid_of(own), None)
            yield kind, own, found
            if kind == "Object":
                yield from pairs(_only(own), _only(found or {}))
        for stray in there.values():
            yield kind, None, stray


def _only(thing: Thing) -> Thing:
    return {kind: thing.get(kind) or () for kind in INNER}


def by_uuid(thing: Thing, kind: str) -> dict[str, Thing]:
    """Return the attributes, objects or reports of something by their UUID."""
    return {uuid_of(part): part for part in thing.get(kind) or ()}


def uuid_of(thing: Thing) -> str:
    """Return a thing's UUID as MISP stores it, in lower case."""
    return str(thing.get("uuid", "")).lower()


def is_deleted(thing: Thing) -> bool:
    """Say whether a thing on the server is soft-deleted: there, and not shown."""
    return thing.get("deleted") in (True, 1, "1")


def is_gone(kind: str, thing: Thing) -> bool:
    """Say whether nobody is shown anything of a thing any more.

    MISP 2.5.1 shows the text of a deleted report to every client that reads the event,
    asked for or not; so such a text must be empty, too.
    """
    return is_deleted(thing) and not (kind == "EventReport" and thing.get("content"))


def stamp_of(thing: Thing) -> int:
    """Return a thing's timestamp, 0 when it has none."""
    found = str(thing.get("timestamp") or "0")
    return int(found) if found.isdigit() else 0


def tag_names(event: Thing) -> set[str]:
    """Return an event's tags; not the local ones, which are the recipient's own."""
    return {
        str(tag["name"]).casefold()
        for tag in event.get("Tag") or ()
        if not tag.get("local")
    }


def left_over(kind: str, own: Thing, there: Thing) -> bool:
    """Say whether the server has a field of an older edition that this one lacks."""
    return kind == "Attribute" and any(
        there.get(name) and own.get(name) is None for name in _KEPT_WHEN_OMITTED
    )


def differs(kind: str, own: Thing, there: Thing) -> str:
    """Return the first field that the server stores otherwise; empty when none."""
    of_type = str(own.get("type", ""))
    for name in _FIELDS[kind]:
        if name in own and not _same_field(of_type, name, own, there):
            return name
    return ""


def is_same(kind: str, own: Thing, there: Thing | None) -> bool:
    """Say whether the server holds a thing, and all within it, as the edition does."""
    if there is None or is_deleted(there):
        return False
    if own.get("Tag") or left_over(kind, own, there) or differs(kind, own, there):
        return False
    for inner in INNER:
        left = by_uuid(there, inner)
        for part in own.get(inner) or ():
            if not is_same(inner, part, left.pop(uuid_of(part), None)):
                return False
        if any(not is_deleted(stray) for stray in left.values()):
            return False
    return True


def _same_field(of_type: str, name: str, own: Thing, there: Thing) -> bool:
    ours, theirs = own.get(name), there.get(name)
    if ours == theirs:
        return True
    if name == "to_ids":
        return _is_true(ours) == _is_true(theirs)
    a, b = _text(ours), _text(theirs)
    if a == b:
        return True
    if name in ("first_seen", "last_seen"):
        return _moment(a) == _moment(b)
    return name == "value" and normal(of_type, a) == normal(of_type, b)


def _text(value: Any) -> str:
    return "" if value is None else str(value).replace("\r\n", "\n").strip()


def _is_true(value: Any) -> bool:
    return value in (True, 1, "1")


def _moment(text: str) -> datetime | str:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def normal(of_type: str, value: str) -> str:
    """Return a value as MISP 2.5.1 would store it, near enough to compare."""
    value = _HXXP.sub(r"http\2://", value.strip()).replace("[.]", ".")
    if "|" in of_type:
        if "|" not in value:
            value = "|".join(value.rsplit(":", 1))
        types, values = of_type.split("|"), value.split("|")
        if len(types) == len(values):
            return "|".join(map(normal, types, values))
    if of_type.startswith("ip-"):
        return _address(value)
    if of_type == "AS":
        return value.upper().removeprefix("AS")
    if of_type in ("vulnerability", "cve"):
        return value.upper()
    if of_type in ("datetime", "date-of-birth"):
        return str(_moment(value))
    if _LOWER.match(of_type):
        return _host(value) if of_type in ("domain", "hostname") else value.lower()
    return value


def _address(value: str) -> str:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return value.lower()
    whole = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if whole else str(network)


def _host(value: str) -> str:
    value = value.rstrip(".").lower()
    try:
        return value.encode("idna").decode()
    except UnicodeError:
        return value
