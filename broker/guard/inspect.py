"""Inspect the exact bytes that would leave, believing nothing that came before.

`Draft` + the incident as it came in + `Guard` -> breaches; none means that it may be
sealed. The guard shares no code with redaction and reads the draft with another parser.

Invariants: whatever is not allowed by name is a breach; whatever the profile does not
keep is looked for in every encoding; an error in here counts as a breach.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, Final, NamedTuple, TypeVar

from broker.abreast import Way, side_by_side, to_its_end, tried
from broker.errors import GuardError, Problem, RulebookError
from broker.guard.beside import Beside, Row
from broker.guard.ids import VALUES_OF, id_breaches
from broker.guard.layers import Opened
from broker.guard.paths import UnknownShapeError, shape_names
from broker.guard.search import Searched, Wanted
from broker.guard.secrets import Secrets
from broker.guard.shapes import Shapes
from broker.guard.telling import Telling
from broker.guard.texts import Lines, fold, lines_of
from broker.guard.tripwires import TRIPWIRES
from broker.guard.typed import plain
from broker.model.agreement import Guardrail, Profile
from broker.model.decision import ItemKey
from broker.model.incident import Incident
from broker.model.known_good import NO_LISTS, Listed
from broker.model.mapping import ObservableKind
from broker.model.marking import Pap, Tlp
from broker.model.sharing import Breach, Draft, Wire
from broker.strict_yaml import Document

T = TypeVar("T")

# Values times letters: more would take the guard longer than a queue can wait.
_MOST_WORK: Final = 10**12
# Of an incident with more observables one draft after the other is looked at, because
# what is made of all that go abreast is in memory together.
_SMALL: Final = 256


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
    shapes: Shapes
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
    listed: Listed = NO_LISTS,
) -> Guard:
    """Prepare a guardrail; ``doc`` is the file it was read from.

    ``listed`` are the lists that items may be withheld by.

    Raises:
        RulebookError: an unknown shape or tripwire, or a path that cannot be read.
    """
    problems: list[Problem] = []
    for path, shape in guardrail.paths.items():
        try:
            Shapes({path: shape})
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
        Shapes(guardrail.paths),
        Secrets(profile, kinds, listed),
        guardrail.tripwires,
        Known(known.lines, frozenset(map(fold, known.names))),
    )


class Look(NamedTuple):
    """A draft to be looked at, and by what guardrail."""

    draft: Draft
    guard: Guard
    # The sorts of items that the agreement keeps back from this one.
    withheld: Collection[ItemKey] = ()


Found = tuple[Breach, ...]
"""Everything in a draft that must not leave; nothing means it may."""


def inspect(
    draft: Draft,
    incident: Incident,
    guard: Guard,
    withheld: Collection[ItemKey] = (),
) -> Found:
    """Return everything in a draft that must not leave; nothing means it may.

    ``withheld`` are the sorts of items that the agreement keeps back from this one.

    Raises:
        GuardError: it is too much to look into; then it must not leave either.
    """
    [found] = inspect_all([Look(draft, guard, withheld)], incident)
    if isinstance(found, Exception):
        raise found
    return found


def inspect_all(looks: Sequence[Look], incident: Incident) -> list[Found | Exception]:
    """Return what `inspect` finds in each of several drafts of one incident.

    Most of their lines are the same, and are laid open once. An error is returned
    instead of raised: it speaks of one draft only.
    """
    return to_its_end(inspecting(looks, incident))


def inspecting(
    looks: Sequence[Look], incident: Incident
) -> Way[list[Found | Exception]]:
    """Return the way of `inspect_all`, to be taken beside those of other incidents."""
    read = yield from _each(
        [partial(_read, look, incident) for look in looks], incident
    )
    together = [each for each in read if isinstance(each, _Read)]
    try:
        searched = (yield from _searched(together, incident)) if together else []
    except Exception:
        # What goes wrong with one must not hold up the others.
        searched = [_alone(each, incident) for each in together]
    left = iter(searched)
    return [next(left) if isinstance(each, _Read) else each for each in read]


def _each(
    begin: Iterable[Callable[[], Way[T]]], incident: Incident
) -> Way[list[T | Exception]]:
    """Take the ways of all drafts of an incident; an error is that draft's own."""
    numbered = dict(enumerate(map(tried, begin)))
    width = len(numbered) if len(incident.observables) <= _SMALL else 1
    made = yield from side_by_side(numbered, width)
    return list(made.values())


class _Read(NamedTuple):
    """A draft of the allowed shape, and what is to be searched in it."""

    look: Look
    lines: Lines
    row: Row
    breaches: list[Breach]  # so far


def _read(look: Look, incident: Incident) -> Way[_Read | Found]:
    """Read a draft; what is no document of the allowed shape is not searched."""
    draft, guard, _ = look
    if draft.wire is not guard.wire:
        return (Breach("wrong-wire", ""),)
    if len(draft.body) > guard.max_bytes:
        return (Breach("too-large", ""),)
    document, texts, breaches = guard.shapes.read(draft.body)
    if breaches:
        return breaches
    yield
    if guard.wire is not Wire.MISP_EVENT:
        document = plain(document)
    found = list(_marking_breaches(document, incident, guard))
    if guard.wire is Wire.STIX_BUNDLE:
        found += id_breaches(document["objects"])
    row = Row.of(_values(document, guard.wire))
    yield
    return _Read(look, lines_of(texts, guard.known.lines), row, found)


def _alone(read: _Read, incident: Incident) -> Found | Exception:
    try:
        return to_its_end(_searched([read], incident))[0]
    except Exception as error:
        return error


def _searched(
    documents: list[_Read], incident: Incident
) -> Way[list[Found | Exception]]:
    """Look for values and tripwires in drafts of one incident.

    What is the same for several drafts is done once: the forms of the values, and what
    is encoded in each line. In each draft is then searched what stands in it.
    """
    telling = Telling(incident)
    secrets = [
        one.look.guard.secrets.values(telling, incident, one.look.withheld)
        for one in documents
    ]
    yield
    wanted = Wanted(list(set().union(*secrets)))
    yield
    opened = Opened()
    beside = Beside(opened, [one.row for one in documents])
    yield
    opened.foresee(
        chain(
            beside.whole,
            *(chain(one.lines.to_open, one.row.values) for one in documents),
        )
    )
    yield
    ways = [
        partial(_found, one, opened, beside, wanted, its, incident)
        for one, its in zip(documents, secrets, strict=True)
    ]
    return (yield from _each(ways, incident))


def _found(
    read: _Read,
    opened: Opened,
    beside: Beside,
    wanted: Wanted,
    secrets: set[str],
    incident: Incident,
) -> Way[Found]:
    """Return everything that is wrong with one draft."""
    searched = Searched(read.lines, read.row, opened, beside)
    yield
    if len(wanted) * searched.size > _MOST_WORK:
        raise GuardError("too many values and too much text: split the incident")
    there = searched.holding(wanted, secrets)
    yield
    leaked = _leaked(read.look, there, incident) if there else ()
    names = searched.tripped(read.look.guard.tripwires)
    tripped = [Breach(f"tripwire-{name}", "") for name in names]
    return (*read.breaches, *leaked, *tripped)


def _leaked(look: Look, there: set[str], incident: Incident) -> Iterator[Breach]:
    """Yield a breach for each field of which a value stands in a draft."""
    guard = look.guard
    leaked = [
        secret
        for secret in guard.secrets.of(incident, look.withheld)
        if secret.value in there and fold(secret.value).strip() not in guard.known.names
    ]
    if leaked:
        unkept = guard.secrets.unkept(leaked, incident, look.withheld)
        for field in dict.fromkeys(secret.field for secret in unkept):
            yield Breach("withheld-value", "", field)


def _values(document: Any, wire: Wire) -> Iterator[str]:
    """Yield the values of a document that stand for one thing each, in order."""
    if wire is Wire.STIX_BUNDLE:
        for made in document["objects"]:
            for name in VALUES_OF.get(made["type"], ()):
                if isinstance(made.get(name), str):
                    yield made[name]
        return
    if wire is Wire.STIX_MISP:
        for made in document["objects"]:
            yield made.get("x_misp_value", "")
            for attribute in made.get("x_misp_attributes", ()):
                yield attribute.get("value", "")
        return
    event = _of(document, "Event")
    for made in (event, *(_of(event, "Object") or ())):
        for attribute in _of(made, "Attribute") or ():
            yield _of(attribute, "value") or ""


def _of(made: Any, key: str) -> Any:
    """Return what an object of an event has at a key; none where it has none."""
    # Where a guardrail allows any key, it is a dictionary.
    return made.get(key) if type(made) is dict else getattr(made, key, None)


def _marking_breaches(
    document: Any, incident: Incident, guard: Guard
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


def _marked_in_event(document: Any) -> tuple[list[int], list[int]]:
    carried = _of(_of(document, "Event"), "Tag") or ()
    tags = [_of(tag, "name").lower() for tag in carried]
    return (
        [_TLP_TAGS.get(tag, 99) for tag in tags if tag.startswith("tlp:")],
        [_PAP_TAGS.get(tag, 99) for tag in tags if tag.startswith("pap:")],
    )


def _marked_in_bundle(document: Any) -> tuple[list[int], list[int]]:
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
