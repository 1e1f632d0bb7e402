"""What a profile lets through and its guardrail has no place for.

A rulebook -> warnings, each at the guardrail's paths. Every part of an incident, and an
observable of every kind and role, goes the way that a real one goes, up to the shapes
of the guardrail.

A guardrail may be narrower on purpose; then every incident with such a part is held,
and somebody should know before the first one is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from broker import convert, redact, render
from broker.canonical import dumps
from broker.errors import Problem
from broker.guard.shapes import read
from broker.keys import RecipientKey, recipient_key
from broker.model.incident import Incident, Role, declarations
from broker.model.mapping import ObservableKind
from broker.model.sharing import Edition, Redacted, Wire
from broker.prove import samples
from broker.rulebook import Route, Rulebook
from broker.strict_yaml import parse

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


def too_narrow(files: Mapping[str, bytes], book: Rulebook) -> Iterator[Problem]:
    """Yield what would be held always, because profile and guardrail do not agree."""
    kinds = book.tables.kinds
    probes: list[tuple[str, Incident]] = []
    seen: set[tuple[str, str, str]] = set()
    for route in book.routes:
        agreement = route.agreement
        pair = (agreement.guardrail, agreement.profile, agreement.attribution)
        if pair in seen:
            continue
        seen.add(pair)
        probes = probes or [
            (subject, Incident.model_validate_json(dumps(made)))
            for subject, made in _probes(kinds)
        ]
        held: dict[str, list[str]] = {}
        key = recipient_key(_MASTER, route.recipient.recipient)
        tried: set[bytes] = set()
        for subject, incident in probes:
            redacted = redact.project(incident, route.plan, key)
            # Of most parts a recipient sees nothing, so that the same case is left.
            if (left := dumps(redacted.view)) in tried:
                continue
            tried.add(left)
            for breach in _breaches(redacted, route, key):
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


def _breaches(redacted: Redacted, route: Route, key: RecipientKey) -> Iterator[str]:
    case = convert.Case(_UID, key.ids, _EDITION)
    bundle = convert.to_stix(redacted, route.frame, case)
    body = (
        render.misp_event(bundle, route.event_frame)
        if route.wire is Wire.MISP_EVENT
        else render.stix_bundle(bundle)
    )
    for breach in read(route.guard.shapes, body)[2]:
        yield f"{breach.rule} at {breach.path}"


def _probes(
    kinds: Mapping[str, ObservableKind],
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield incidents that hold one thing each, and what it is."""
    fields = list(declarations())
    top = {path: path for path in fields if "[]." not in path and "." not in path}
    case = _filled(top)
    case |= {"classification": "fraud/phishing", "uid": _UID, "revision": 1}
    case |= {"revised_at": _TIME, "tlp": "clear", "pap": "clear", "severity": "high"}
    case |= {"status": "open", "urgency": "normal", "times": _part(fields, "times.")}
    case.pop("embargo_until", None)
    yield "the case itself", case
    # What else is in a case has been tried, and would be said again of every part.
    case = {name: case[name] for name in _LEAST}
    for part in _PARTS:
        item = _part(fields, f"{part}[].")
        if part in ("victims", "suspects"):
            for kind in ("person", "organisation"):
                party = {**item, "kind": kind, "minor": False}
                if part == "victims":
                    party["consent"] = "given"
                yield f"{part} ({kind})", {**case, part: [party]}
        else:
            yield part, {**case, part: [item]}
    for part in ("reporter", "financial_loss"):
        yield part, {**case, part: _part(fields, f"{part}.")}
    for kind, row in kinds.items():
        for role in Role:
            item = {"kind": kind, "value": samples.of_kind(row), "role": role.value}
            item |= {"first_seen": _TIME, "last_seen": _TIME, "comment": "a remark"}
            yield f"{kind} ({role})", {**case, "observables": [item]}


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
