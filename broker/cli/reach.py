"""What a profile lets through and its guardrail has no place for.

A rulebook -> warnings, each at the guardrail's paths. Every part of an incident, and an
observable of every kind and role, goes the way that a real one goes, up to the shapes
of the guardrail.

A guardrail may be narrower on purpose; then every incident with such a part is held,
and somebody should know before the first one is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final, NamedTuple

from broker import convert, redact, render
from broker.canonical import dumps
from broker.errors import Problem
from broker.keys import recipient_key
from broker.model.incident import Incident, Role, Shape, declarations
from broker.model.mapping import ObservableKind
from broker.model.sharing import WITHHELD, Bundle, Edition, Redacted, Wire
from broker.prove import samples
from broker.rulebook import Route, Rulebook
from broker.strict_yaml import Parse, parse

_AT: Final = datetime(2026, 6, 15, 12, tzinfo=UTC)
_UID: Final = "PROBE-1"
_TIME: Final = "2026-06-14T12:00:00Z"
_PARTS: Final = ("victims", "suspects", "evidence", "affected_systems", "relations")
_LEAST: Final = (
    *("uid", "revision", "revised_at", "title", "classification", "severity"),
    *("tlp", "pap"),
)
_EDITION: Final = Edition(1, _AT, _AT, "0" * 64)
# Ids and pseudonyms of a probe reach nobody.
_MASTER: Final = b"besa check: a key that protects nothing"


class _Probe(NamedTuple):
    """An incident that holds one thing, and what that is."""

    number: int
    subject: str
    made: dict[str, Any]
    role: Role | None = None  # of an observable
    among: Mapping[str, Any] = {}  # it, with a value that no other one has


def too_narrow(
    files: Mapping[str, bytes], book: Rulebook, parse: Parse = parse
) -> Iterator[Problem]:
    """Yield what would be held always, because profile and guardrail do not agree.

    ``parse`` reads one file, or knows what it says.
    """
    probes: list[_Probe] = []
    seen: set[tuple[str, str, str]] = set()
    for route in book.routes:
        agreement = route.agreement
        pair = (agreement.guardrail, agreement.profile, agreement.attribution)
        if pair in seen:
            continue
        seen.add(pair)
        probes = probes or list(_probes(book.tables.kinds))
        held: dict[str, list[str]] = {}
        for subject, breach in _held(probes, route):
            held.setdefault(breach, []).append(subject)
        path = f"policies/guardrails/{agreement.guardrail}.yaml"
        document = parse(path, files[path])
        for breach, subjects in held.items():
            few = ", ".join(subjects[:3])
            more = f" and {len(subjects) - 3} more" if len(subjects) > 3 else ""
            message = (
                f"the profile {agreement.profile} lets through {few}{more}, and the "
                f"guardrail does not ({breach})"
            )
            advice = "an incident with it is always held: widen the one or withhold it"
            yield document.problem(("paths",), message, advice)


def _held(probes: Iterable[_Probe], route: Route) -> list[tuple[str, str]]:
    """Return what the guardrail holds and where, in the order of the probes."""
    trial = _Trial(route)
    together: dict[Role | int, list[_Probe]] = {}
    for probe in probes:
        together.setdefault(probe.role or probe.number, []).append(probe)
    found = [each for some in together.values() for each in trial.found(some)]
    # Of most things a recipient sees nothing, or the same as of another.
    unlike: dict[bytes, tuple[str, str]] = {}
    for probe, left, breach in sorted(found, key=lambda each: each[0].number):
        unlike.setdefault(left, (probe.subject, breach))
    return list(unlike.values())


class _Trial:
    """One route, and how probes fare on it."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._key = recipient_key(_MASTER, route.recipient.recipient)
        self._fine: set[bytes] = set()

    def found(self, probes: list[_Probe]) -> Iterator[tuple[_Probe, bytes, str]]:
        """Yield which of them are held, what is seen of each, and the breach.

        Tried together first. Observables are written one by one, so that each stands
        in a case with others as it stands alone, unless two fall together; then, and
        when anything of the whole is refused, the halves are tried.
        """
        redacted = redact.project(_incident(probes), self._route.plan, self._key)
        left = dumps(redacted.view)
        if left in self._fine:
            return
        bundle = convert.to_stix(redacted, self._route.frame, self._case)
        refused = self._refused(bundle)
        if len(probes) == 1:
            yield from ((probes[0], left, breach) for breach in refused)
        elif refused or not _stand_apart(redacted, bundle):
            middle = len(probes) // 2
            yield from self.found(probes[:middle])
            yield from self.found(probes[middle:])
            return
        if not refused:
            self._fine.add(left)

    @property
    def _case(self) -> convert.Case:
        return convert.Case(_UID, self._key.ids, _EDITION)

    def _refused(self, bundle: Bundle) -> list[str]:
        body = (
            render.misp_event(bundle, self._route.event_frame)
            if self._route.wire is Wire.MISP_EVENT
            else render.stix_bundle(bundle)
        )
        breaches = self._route.guard.shapes.read(body).breaches
        return [f"{breach.rule} at {breach.path}" for breach in breaches]


def _incident(probes: list[_Probe]) -> Incident:
    """Return one incident with all that is tried."""
    made = probes[0].made
    if len(probes) > 1:
        made = {**made, "observables": [probe.among for probe in probes]}
    return Incident.model_validate_json(dumps(made))


def _stand_apart(redacted: Redacted, bundle: Bundle) -> bool:
    """Say whether no two observables became one: redacted, or as a STIX object."""
    shown = sum(
        any(outcome != WITHHELD for _, outcome, _ in marks)
        for index, marks in redacted.marks
        if index >= 0
    )
    refs = [
        ref
        for made in bundle.objects
        if made["type"] == "observed-data"
        for ref in made["object_refs"]
    ]
    seen = len(redacted.view.get("observables", ()))
    return shown == seen and len(refs) == len(set(refs))


def _probes(kinds: Mapping[str, ObservableKind]) -> Iterator[_Probe]:
    """Yield every part of an incident, and an observable of every kind and role."""
    least, parts = _parts()
    numbered = count()
    for subject, made in parts:
        yield _Probe(next(numbered), subject, made)
    values: set[str] = set()
    for kind, row in kinds.items():
        value = own = samples.of_kind(row)
        while own in values:
            own = _another(own, row.shape)
        values.add(own)
        for role in Role:
            item = {"kind": kind, "value": value, "role": role.value}
            item |= {"first_seen": _TIME, "last_seen": _TIME, "comment": "a remark"}
            made = {**least, "observables": [item]}
            among = {**item, "value": own}
            yield _Probe(next(numbered), f"{kind} ({role})", made, role, among)


def _another(value: str, shape: Shape) -> str:
    """Return a value like this one: the next number or hash, else a letter longer."""
    if shape is Shape.HASH:
        return f"{int(value, 16) + 1:0{len(value)}x}"
    digits = value.removeprefix("+")
    if digits.isdecimal():
        return value.replace(digits, str(int(digits) + 1))
    return f"a{value}"


def _parts() -> tuple[dict[str, Any], list[tuple[str, dict[str, Any]]]]:
    """Return the least that a case has, and cases with one part each."""
    fields = list(declarations())
    top = {path: path for path in fields if "[]." not in path and "." not in path}
    case = _filled(top)
    case |= {"classification": "fraud/phishing", "uid": _UID, "revision": 1}
    case |= {"revised_at": _TIME, "tlp": "clear", "pap": "clear", "severity": "high"}
    case |= {"status": "open", "urgency": "normal", "times": _part(fields, "times.")}
    case.pop("embargo_until", None)
    found = [("the case itself", case)]
    # What else is in a case has been tried, and would be said again of every part.
    case = {name: case[name] for name in _LEAST}
    for part in _PARTS:
        item = _part(fields, f"{part}[].")
        if part in ("victims", "suspects"):
            for kind in ("person", "organisation"):
                party = {**item, "kind": kind, "minor": False}
                if part == "victims":
                    party["consent"] = "given"
                found.append((f"{part} ({kind})", {**case, part: [party]}))
        else:
            found.append((part, {**case, part: [item]}))
    for part in ("reporter", "financial_loss"):
        found.append((part, {**case, part: _part(fields, f"{part}.")}))
    return case, found


def _part(fields: list[str], prefix: str) -> dict[str, Any]:
    inside = {
        path.removeprefix(prefix): path for path in fields if path.startswith(prefix)
    }
    return _filled(inside)


def _filled(paths: Mapping[str, str]) -> dict[str, Any]:
    """Fill the fields of an object; paths within it make objects of their own."""
    made: dict[str, Any] = {}
    for inner, path in paths.items():
        value = _TIME if samples.is_time(path) else samples.of_field(path)
        *outer, name = inner.removesuffix("[]").split(".")
        holder = made
        for step in outer:
            holder = holder.setdefault(step, {})
        holder[name] = [value] if inner.endswith("[]") else value
    return made
