"""Inspect the exact bytes that would leave, believing nothing that came before.

`Draft` + the incident as it came in + `Guard` -> breaches; none means that it may be
sealed. The guard shares no code with redaction and reads the draft with another parser.

Invariants: whatever is not allowed by name is a breach; whatever the profile does not
keep is looked for in every encoding; an error in here counts as a breach.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from broker.canonical import dumps
from broker.errors import GuardError, Problem, RulebookError
from broker.guard.search import Searched
from broker.guard.secrets import Secrets
from broker.guard.shapes import (
    Check,
    UnknownShapeError,
    compile_shapes,
    read,
    shape_names,
)
from broker.guard.texts import fold
from broker.guard.tripwires import TRIPWIRES
from broker.model.agreement import Guardrail, Profile
from broker.model.decision import ItemKey
from broker.model.incident import Incident
from broker.model.mapping import ObservableKind
from broker.model.marking import Pap, Tlp
from broker.model.sharing import Breach, Draft, Wire
from broker.strict_yaml import Document

# Values times letters: more would take the guard longer than a queue can wait.
_MOST_WORK: Final = 10**12
_STIX_NAMESPACE: Final = bytes.fromhex("00abedb4aa42466c9c01fed23315a9b7")


@dataclass(frozen=True, slots=True)
class Known:
    """What every reader of a recipient's documents knows anyway.

    ``lines`` stand word for word in every document under the agreement, so that finding
    something in them tells nothing. ``names`` are those of the CSIRT itself: it signs
    everything, so that it is no secret as a reporter.
    """

    lines: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Guard:
    """One guardrail for the recipients of one profile, ready to inspect."""

    name: str
    wire: Wire
    max_bytes: int
    tlp: int
    pap: int
    shapes: Check
    secrets: Secrets
    tripwires: frozenset[str]
    known: Known


_NOTHING: Final = Known()


def compile_guard(
    guardrail: Guardrail,
    profile: Profile,
    kinds: Mapping[str, ObservableKind],
    doc: Document,
    known: Known = _NOTHING,
) -> Guard:
    """Prepare a guardrail; ``doc`` is the file it was read from.

    Raises:
        RulebookError: an unknown shape or tripwire, or a path that cannot be read.
    """
    problems: list[Problem] = []
    for path, shape in guardrail.paths.items():
        try:
            compile_shapes({path: shape})
        except UnknownShapeError as error:
            advice = f"shapes are {', '.join(shape_names())}"
            problems.append(doc.problem(("paths", path), str(error), advice))
    for name in sorted(guardrail.tripwires - set(TRIPWIRES)):
        advice = f"there are {', '.join(TRIPWIRES)}"
        problems.append(doc.problem(("tripwires",), f"no tripwire {name!r}", advice))
    if problems:
        raise RulebookError(tuple(problems))
    return Guard(
        guardrail.guardrail,
        Wire(guardrail.wire),
        guardrail.max_bytes,
        guardrail.tlp_at_most.rank,
        guardrail.pap_at_most.rank,
        compile_shapes(guardrail.paths),
        Secrets(profile, kinds),
        guardrail.tripwires,
        Known(known.lines, frozenset(map(fold, known.names))),
    )


def inspect(
    draft: Draft,
    incident: Incident,
    guard: Guard,
    withheld: Collection[ItemKey] = (),
) -> tuple[Breach, ...]:
    """Return everything in a draft that must not leave; nothing means it may.

    ``withheld`` are the sorts of items that the agreement keeps back from this one.

    Raises:
        GuardError: it is too much to look into; then it must not leave either.
    """
    if draft.wire is not guard.wire:
        return (Breach("wrong-wire", ""),)
    if len(draft.body) > guard.max_bytes:
        return (Breach("too-large", ""),)
    document, texts, breaches = read(guard.shapes, draft.body)
    if document is None:
        return breaches
    if dumps(document) != draft.body:
        # Two keys of one name, or blanks: something would be read differently
        # elsewhere.
        return (Breach("not-canonical", ""),)
    found = list(_marking_breaches(document, incident, guard))
    if guard.wire is Wire.STIX_BUNDLE:
        found += _id_breaches(document["objects"])
    searched = Searched(texts, _values(document, guard.wire), guard.known.lines)
    found += _secret_breaches(searched, incident, guard, withheld)
    touched = searched.tripped(guard.tripwires)
    found += [Breach(f"tripwire-{name}", "") for name in touched]
    return tuple(found)


def _values(document: Any, wire: Wire) -> Iterator[str]:
    """Yield the values of a document that stand for one thing each, in order."""
    if wire is Wire.STIX_BUNDLE:
        for made in document["objects"]:
            for name in _ID_OF.get(made["type"], ()):
                if isinstance(made.get(name), str):
                    yield made[name]
        return
    event = document["Event"]
    for made in (event, *event.get("Object", ())):
        for attribute in made.get("Attribute", ()):
            yield attribute.get("value", "")


def _secret_breaches(
    searched: Searched,
    incident: Incident,
    guard: Guard,
    withheld: Collection[ItemKey],
) -> Iterator[Breach]:
    secrets = guard.secrets.of(incident, withheld)
    if len(secrets) * searched.size > _MOST_WORK:
        raise GuardError("too many values and too much text: split the incident")
    there = searched.holding(list({secret.value: None for secret in secrets}))
    leaked = [
        secret
        for secret in secrets
        if secret.value in there and fold(secret.value).strip() not in guard.known.names
    ]
    if leaked:
        unkept = guard.secrets.unkept(leaked, incident, withheld)
        for field in dict.fromkeys(secret.field for secret in unkept):
            yield Breach("withheld-value", "", field)


def _marking_breaches(
    document: Mapping[str, Any], incident: Incident, guard: Guard
) -> Iterator[Breach]:
    """Check that the document carries the incident's marking, within the ceiling."""
    if guard.wire is Wire.MISP_EVENT:
        tlp, pap = _marked_in_event(document)
    else:
        tlp, pap = _marked_in_bundle(document)
    # A marking above the ceiling only ever leaves with an edition that takes back, and
    # then as the ceiling itself.
    if tlp != [min(incident.tlp.rank, guard.tlp)]:
        yield Breach("tlp", "")
    if pap != [min(incident.pap.rank, guard.pap)]:
        yield Breach("pap", "")


_TLP_TAGS: Final = {f"tlp:{level}": level.rank for level in Tlp}
_PAP_TAGS: Final = {f"pap:{level}": level.rank for level in Pap}


def _marked_in_event(document: Mapping[str, Any]) -> tuple[list[int], list[int]]:
    tags = [tag["name"].lower() for tag in document.get("Event", {}).get("Tag", ())]
    return (
        [_TLP_TAGS.get(tag, 99) for tag in tags if tag.startswith("tlp:")],
        [_PAP_TAGS.get(tag, 99) for tag in tags if tag.startswith("pap:")],
    )


def _marked_in_bundle(document: Mapping[str, Any]) -> tuple[list[int], list[int]]:
    tlp: list[int] = []
    pap: list[int] = []
    marks: set[str] = set()
    for made in document["objects"]:
        if made["type"] == "marking-definition":
            for extension in made.get("extensions", {}).values():
                if "tlp_2_0" in extension:
                    tlp.append(Tlp(extension["tlp_2_0"]).rank)
                if "pap" in extension:
                    pap.append(Pap(extension["pap"]).rank)
            marks.add(made["id"])
    for made in document["objects"]:
        carried = made.get("object_marking_refs")
        if carried is not None and set(carried) != marks:
            tlp.append(99)  # an object that is marked otherwise than the case
    return tlp, pap


# STIX 2.1, section 6: the properties of which an observable's id is made.
_ID_OF: Final = {
    "autonomous-system": ("number",),
    "domain-name": ("value",),
    "email-addr": ("value",),
    "email-message": ("from_ref", "subject", "body"),
    "file": ("hashes", "name", "parent_directory_ref", "extensions"),
    "ipv4-addr": ("value",),
    "ipv6-addr": ("value",),
    "mac-addr": ("value",),
    "mutex": ("name",),
    "software": ("name", "cpe", "swid", "vendor", "version"),
    "url": ("value",),
    "user-account": ("account_type", "user_id", "account_login"),
    "windows-registry-key": ("key", "values"),
    "x509-certificate": ("hashes", "serial_number"),
    "directory": ("path",),
}


def _id_breaches(objects: list[dict[str, Any]]) -> Iterator[Breach]:
    """Recompute each observable's id from the value that stands beside it.

    An id made from another value would give that value away: the id is a public hash.
    """
    for made in objects:
        named = _ID_OF.get(made["type"])
        if named is None:
            continue
        parts = {name: made[name] for name in named if name in made}
        if not parts and made["id"][-22] == "4":
            continue  # STIX 2.1, 2.9: made of nothing, so of no value
        if "hashes" in parts:
            order = [
                h
                for h in ("MD5", "SHA-1", "SHA-256", "SHA-512")
                if h in parts["hashes"]
            ]
            chosen = order[0] if order else min(parts["hashes"])
            parts["hashes"] = {chosen: parts["hashes"][chosen]}
        digest = bytearray(
            hashlib.sha1(
                _STIX_NAMESPACE + dumps(parts), usedforsecurity=False
            ).digest()[:16]
        )
        digest[6] = digest[6] & 0x0F | 0x50
        digest[8] = digest[8] & 0x3F | 0x80
        h = digest.hex()
        if (
            made["id"]
            != f"{made['type']}--{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
        ):
            yield Breach("id-of-another-value", f"objects[{made['type']}].id")
