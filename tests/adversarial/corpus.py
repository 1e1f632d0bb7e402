"""Run the corpus: every telling field in every writing, to every recipient and wire.

Numbers of incidents -> what was looked at, and every leak with the number that makes it
again. One incident in eight has a canary in every field; the others in one field, so
that nothing else can hold them up.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

from broker import pipeline, redact
from broker.intake.values import normal
from broker.keys import Keys
from broker.model.incident import Incident, Shape
from broker.model.sharing import NO_HISTORY, Redacted, Share, State, Wire
from broker.rulebook import Route, Rulebook
from tests import world
from tests.adversarial.canaries import DECLARED, Chance, incident
from tests.adversarial.detector import Canary, Document, canaries
from tests.encodings import ENCODINGS
from tests.strategies import KINDS

SPLIT: Final = "split over two"
_TWIN: Final = " by STIX"
WRITINGS: Final = (*ENCODINGS, SPLIT)
_DROPPED: Final = frozenset({Shape.CODE, Shape.FLAG, Shape.NUMBER, Shape.TIME})
# Numbers of cases: every document may hold one of its own.
_NUMBERS: Final = frozenset({"uid", "relations[].uid"})
# Fields whose values tell something, each of which is planted elsewhere.
SOURCES: Final = (
    *(
        path
        for path, declared in DECLARED.items()
        if declared.shape not in _DROPPED and path not in _NUMBERS
    ),
    "financial_loss.amount",
)
# Kinds of observables whose value is a text, in which anything may stand.
_WRITTEN: Final = tuple(
    f"observables[].value:{kind}"
    for kind, row in KINDS.items()
    if row.shape in (Shape.TEXT, Shape.URL)
    and (row.shape is Shape.URL or normal("seen with 1 (any) text; of all", row))
)
PLACES: Final = (
    *(
        path
        for path, declared in DECLARED.items()
        if declared.shape in (Shape.TEXT, Shape.URL) and path not in _NUMBERS
    ),
    *_WRITTEN,
)


@dataclass(frozen=True, slots=True)
class Leak:
    """What left and should not have: the number of the incident makes it again."""

    number: int
    redacted: bool
    recipient: str
    wire: str
    fields: tuple[str, ...]
    planted: str


@dataclass(slots=True)
class Found:
    """What a run saw."""

    counts: Counter[str] = field(default_factory=Counter)
    leaks: list[Leak] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)

    def add(self, other: Found) -> None:
        """Take in what another part of the run saw."""
        self.counts += other.counts
        self.leaks += other.leaks
        self.failures += other.failures


@dataclass(frozen=True, slots=True)
class Case:
    """One incident of the corpus, and how a value of it was planted."""

    incident: dict[str, Any]
    source: str
    value: str
    writing: str
    place: str
    planted: str
    full: bool


def case(number: int) -> Case:
    """Return the incident of a number: always the same one."""
    chance = Chance(number)
    source = SOURCES[number % len(SOURCES)]
    writing = WRITINGS[number // len(SOURCES) % len(WRITINGS)]
    place = chance.choice(PLACES)
    full = chance.randrange(8) == 0
    made = incident(chance, None if full else source)
    value = _value_at(made, source)
    if writing == SPLIT:
        planted = _split(made, value)
        return Case(made, source, value, writing, "two observables", planted, full)
    planted = ENCODINGS[writing](value)
    _plant(made, place, planted)
    return Case(made, source, value, writing, place, planted, full)


def _value_at(made: dict[str, Any], path: str) -> str:
    value: Any = made
    for step in path.split("."):
        value = value[step.removesuffix("[]")]
        if step.endswith("[]"):
            value = value[0]
    return str(value)


def _plant(made: dict[str, Any], place: str, text: str) -> None:
    """Write a text into a field, beside what stands there."""
    path, _, kind = place.partition(":")
    if kind:
        there = "https://qotha.example/?q=" if kind == "url" else "seen with "
        text = "+".join(text.split()) if kind == "url" else text
        one = {"kind": kind, "value": f"{there}{text}", "role": "attacker"}
        made.setdefault("observables", []).append(one)
        return
    *steps, last = path.split(".")
    inner: Any = made
    for step in steps:
        if step.endswith("[]"):
            items = inner.setdefault(step[:-2], [])
            if not items:
                items.append(_needed(step[:-2]))
            inner = items[0]
        else:
            inner = inner.setdefault(step, {})
    if last.endswith("[]"):
        inner.setdefault(last[:-2], []).append(f"about {text}")
    else:
        inner[last] = f"{inner.get(last, 'about')} {text}"


def _needed(name: str) -> dict[str, Any]:
    """Return an item that has only what it cannot be without."""
    chance = Chance(1)
    paths = [path for path in DECLARED if path.startswith(f"{name}[].")]
    made: dict[str, Any] = incident(chance, paths[0])[name][0]
    if name == "observables":
        made |= {"kind": "domain", "value": "qotha.example", "role": "attacker"}
    return made


def _split(made: dict[str, Any], value: str) -> str:
    """Write one half of a value into an observable, and the other into the next."""
    half = len(value) // 2
    made["observables"] = [
        {"kind": "filename", "value": part, "role": "attacker"}
        for part in (value[:half], value[half:])
        if part.strip()
    ]
    return ""


def _everything(incident: Incident, *_: Any) -> Redacted:
    """Redact nothing: the view is the incident."""
    view = incident.model_dump(mode="json", exclude_none=True, exclude_defaults=False)
    for seen in view["observables"]:
        seen["exact"] = True
    return Redacted({name: view[name] for name in view if view[name] != []}, ())


@cache
def both_wires(recipient: str = "") -> Rulebook:
    """Return the shipped rulebook with every recipient twice, once for each wire.

    Or only one recipient, twice. Who takes STIX has a name of its own, because nobody
    has two agreements at the same time.
    """
    plain, stix = world.rulebook(), world.stix_rulebook()
    routes = tuple(
        route
        for route in (*plain.routes, *map(_twin, stix.routes))
        if recipient in ("", route.recipient.recipient.removesuffix(_TWIN))
    )
    return replace(plain, routes=routes)


def _twin(route: Route) -> Route:
    """Return a route to somebody who is as the recipient in all but the name."""
    name = route.recipient.recipient + _TWIN
    return replace(
        route,
        recipient=route.recipient.model_copy(update={"recipient": name}),
        rules=replace(route.rules, recipient=name),
    )


@cache
def both_keys() -> Keys:
    """Return the keys for `both_wires`: twins have the same."""
    keys = world.keys()
    twins = {name + _TWIN: key for name, key in keys.recipients.items()}
    return replace(keys, recipients={**keys.recipients, **twins})


def run(numbers: range) -> Found:
    """Take incidents the whole way, with redaction and without; look for leaks."""
    found = Found()
    for number in numbers:
        one = case(number)
        found.counts["incidents"] += 1
        wanted = {
            name: [
                each
                for each in canaries(one.incident, name)
                if DECLARED[each.path].shape != "time"
            ]
            for name in world.RECIPIENTS
        }
        _look(found, number, one, wanted, redacted=True)
        kept = redact.project
        redact.project = _everything  # type: ignore[assignment]
        try:
            _look(found, number, one, wanted, redacted=False)
        finally:
            redact.project = kept
    return found


def _look(
    found: Found,
    number: int,
    one: Case,
    wanted: dict[str, list[Canary]],
    *,
    redacted: bool,
) -> None:
    name = "redacted" if redacted else "identity"
    book = both_wires()
    received = world.receive(one.incident, book)
    outcome = pipeline.disclose(
        received, rulebook=book, keys=both_keys(), history=NO_HISTORY, now=world.NOW
    )
    for share, route in zip(outcome.shares, book.routes, strict=True):
        if share.failure:
            found.failures[share.failure] += 1
        carried = share.sealed or share.draft
        if carried is None or share.breaches:
            found.counts[f"{name}, {_state(share)}"] += 1
            continue
        # What only waits for a person counts as leaving: the guard let it through.
        found.counts[f"{name}, passed"] += 1
        found.counts[f"{name}, sealed"] += share.state is State.QUEUED
        recipient = share.decision.recipient.removesuffix(_TWIN)
        looked = Document(carried.body)
        hidden = wanted[recipient]
        secret = any(each.value == one.value for each in hidden)
        leaked = looked.leaks(hidden, one.planted if secret else "")
        if not leaked and not redacted and one.full:
            leaked = ["anything at all"]
        if leaked:
            wire = "STIX" if route.wire is Wire.STIX_BUNDLE else "MISP"
            how = f"{one.source} as {one.writing} in {one.place}"
            found.leaks.append(
                Leak(number, redacted, recipient, wire, tuple(leaked), how)
            )


def _state(share: Share) -> str:
    return "stopped by the guard" if share.breaches else str(share.state)
