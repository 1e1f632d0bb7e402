"""The update that brings a MISP event from what it is to an edition.

An edition's event + the server's event -> the event to send. Because MISP ignores what
is not newer and keeps what is not mentioned (seen with MISP 2.5.1), the update is the
sealed event with four kinds of change, and no other:

  - an attribute, object or report that the server holds just so is left out: MISP would
    write each once more, which is what an update costs it;
  - a ``timestamp`` is raised above the server's, where something must be applied;
  - ``deleted: false`` is added to what the server has deleted and the edition has;
  - what the server has and the edition lacks is named to it, with ``deleted: true``
    and nothing but the server's own words about it; a report with an empty text,
    because MISP goes on showing that of a deleted one.

`prove` checks exactly that on every update, on its own, before it is sent.

# INVARIANT: nothing of an incident leaves that was not sealed. An update tells the
# server nothing that is neither in the sealed bytes nor known from that very server.
"""

from __future__ import annotations

from typing import Any, Final

from broker.deliver.misp_compare import (
    INNER,
    LISTS,
    Thing,
    by_uuid,
    differs,
    is_deleted,
    is_gone,
    is_same,
    stamp_of,
    tag_names,
    uuid_of,
)
from broker.errors import Refused

# What MISP needs to find and re-save a thing that it is told to delete.
_ECHOED: Final = {
    "Attribute": ("uuid", "type", "category", "value", "object_relation"),
    "Object": (
        "uuid",
        "name",
        "meta-category",
        "description",
        "template_uuid",
        "template_version",
    ),
    "EventReport": ("uuid", "name"),
    "ObjectReference": ("uuid", "referenced_uuid", "relationship_type"),
}
_ADDED: Final = frozenset({"deleted", "timestamp", "Attribute"})


def compose(
    event: dict[str, Any], held: Thing, *, whole: bool = False
) -> dict[str, Any]:
    """Turn a fresh copy of the sealed event into the update, in place.

    Args:
        event: the sealed event, parsed anew; it is changed and returned.
        held: the server's event with its deleted things.
        whole: leave nothing out; for readers who may never have seen ``held``.
    """
    _raise_stamp(event, held)
    for kind in LISTS:
        _compose_list(kind, event, held, brief=not whole)
    ours = tag_names(event)
    removed = [
        {"name": tag["name"], "deleted": True}
        for tag in held.get("Tag") or ()
        if not tag.get("local") and str(tag["name"]).casefold() not in ours
    ]
    if removed:
        event.setdefault("Tag", []).extend(removed)
    return event


def _compose_list(
    kind: str, parent: dict[str, Any], held: Thing, *, brief: bool = False
) -> bool:
    """Bring one list of things up to date; say whether anything in it changes."""
    there = by_uuid(held, kind)
    told = []
    changes = False
    for own in parent.get(kind, ()):
        other = there.pop(uuid_of(own), None)
        if brief and is_same(kind, own, other):
            continue
        if other is None or _compose_thing(kind, own, other):
            changes = True
        told.append(own)
    strays = [
        _removal(kind, other) for other in there.values() if not is_gone(kind, other)
    ]
    if kind in parent or strays:
        parent[kind] = [*told, *strays]
    return changes or bool(strays)


def _compose_thing(kind: str, own: dict[str, Any], other: Thing) -> bool:
    changes = bool(differs(kind, own, other)) or is_deleted(other)
    if is_deleted(other):
        own["deleted"] = False
    # MISP looks into an object only when the object itself is newer.
    if kind == "Object":
        inside = [_compose_list(inner, own, other) for inner in INNER]
        changes = changes or any(inside)
    if changes:
        _raise_stamp(own, other)
    return changes


def _raise_stamp(own: dict[str, Any], other: Thing) -> None:
    own["timestamp"] = str(max(stamp_of(own), stamp_of(other) + 1))


def _removal(kind: str, other: Thing) -> dict[str, Any]:
    """Name something to the server that holds it, so that it deletes it."""
    removal = {name: other[name] for name in _ECHOED[kind] if other.get(name)}
    removal["deleted"] = True
    removal["timestamp"] = str(stamp_of(other) + 1)
    if kind == "EventReport":
        removal["content"] = ""
    if kind == "Object":
        removal["Attribute"] = [
            _removal("Attribute", inner)
            for inner in other.get("Attribute") or ()
            if not is_deleted(inner)
        ]
    return removal


def prove(sealed: Thing, update: Thing, held: Thing, *, whole: bool = False) -> None:
    """Check that an update is the sealed event with the four allowed changes only.

    Args:
        sealed: the event of the sealed bytes, parsed anew.
        update: the event that is about to be sent.
        held: the server's event with its deleted things.
        whole: nothing may be left out.

    Raises:
        Refused: something else differs; nothing may be sent.
    """
    _prove_thing(sealed, update, held, top=True, brief=not whole)


def _prove_thing(
    sealed: Thing, update: Thing, held: Thing, *, top: bool = False, brief: bool = False
) -> None:
    lists = (*LISTS, "Tag") if top else INNER
    for name in sealed.keys() | update.keys():
        if name in lists:
            _prove_list(name, sealed, update, held, brief=brief)
        elif name == "timestamp":
            _demand(stamp_of(update) >= stamp_of(sealed))
        elif name == "deleted" and name not in sealed:
            _demand(not top and update["deleted"] is False and is_deleted(held))
        else:
            _demand(name in sealed and name in update)
            _demand(_identical(sealed[name], update[name]))


def _identical(sealed: Any, update: Any) -> bool:
    return type(sealed) is type(update) and sealed == update


def _prove_list(
    name: str, sealed: Thing, update: Thing, held: Thing, *, brief: bool
) -> None:
    before, after = sealed.get(name, []), update.get(name, [])
    if name == "Tag":
        _demand(_identical(before, after[: len(before)]))
        for tag in after[len(before) :]:
            _prove_tag_removal(tag, sealed, held)
        return
    there = by_uuid(held, name)
    left = by_uuid(sealed, name)
    told = by_uuid(update, name)
    _demand(len(left) == len(before) and len(told) == len(after))
    for uuid, sent in told.items():
        other = there.get(uuid, {})
        if uuid in left:
            _prove_thing(left.pop(uuid), sent, other)
        else:
            _prove_removal(sent, other)
    for uuid, own in left.items():
        _demand(brief and is_same(name, own, there.get(uuid)))


def _prove_removal(removal: Thing, held: Thing) -> None:
    _demand(bool(held) and removal.get("deleted") is True)
    for name, value in removal.items():
        # Whatever else it says, the server said it first; or it says nothing.
        known = value == "" or _identical(held.get(name), value)
        _demand(name in _ADDED or known)
    there = by_uuid(held, "Attribute")
    for inner in removal.get("Attribute", ()):
        _prove_removal(inner, there.get(uuid_of(inner), {}))


def _prove_tag_removal(tag: Thing, sealed: Thing, held: Thing) -> None:
    _demand(tag.keys() == {"name", "deleted"} and tag["deleted"] is True)
    name = str(tag["name"]).casefold()
    _demand(name in tag_names(held) and name not in tag_names(sealed))


def _demand(fact: bool) -> None:
    if not fact:
        raise Refused("the update would tell more than was sealed; not sent")
