"""One incident, made for a cell of a domain: the example that shows a difference.

A cell, and perhaps a field of one sort of item -> an incident in the native format and
the moment at which it is decided about. The real path gives it the verdict of the cell.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import zip_longest
from typing import Any, Final

from broker.model.agreement import ConsentFact, SourceFact
from broker.model.mapping import ObservableKind
from broker.prove import samples
from broker.prove.diagram import Node
from broker.prove.domain import Domain

_DAY: Final = date(2026, 6, 15)
_TIMES: Final = (
    "times.detected",
    "times.reported",
    "times.occurred_from",
    "times.occurred_until",
)
_PLAIN_KINDS: Final = ("domain", "ipv4", "url")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A field that the witness must have, and of what sort the item with it is.

    ``item`` has what tells items apart, such as ``kind`` and ``role``; ``value`` is an
    observable's, where lists tell it apart.
    """

    path: str = ""
    item: Mapping[str, Any] = field(default_factory=dict)
    value: str = ""


@dataclass(frozen=True, slots=True)
class Witness:
    """An incident in the native format, and the moment of the decision."""

    incident: dict[str, Any]
    at: datetime


def witness(
    domain: Domain,
    node: Node,
    kinds: Mapping[str, ObservableKind],
    wanted: Wanted | None = None,
) -> Witness:
    """Return an incident whose cell is in a set that is not empty."""
    wanted = wanted or Wanted()
    known = _Known(domain, node, wanted)
    moment = datetime.combine(known.one("day", _DAY), time(12), UTC)
    return Witness(_Made(known, kinds, wanted, moment).incident(), moment)


class _Known:
    """What a cell says of each fact: one value of its atom, the elements of a set."""

    def __init__(self, domain: Domain, node: Node, wanted: Wanted) -> None:
        self._ones: dict[str, Any] = {}
        self._sets: dict[str, list[Any]] = {}
        self._within = demands(wanted)
        self.absent: set[str] = set()  # optional fields that must not be there
        cell = domain.space.cell(node, {})
        for variable, atom in zip(domain.variables, cell, strict=True):
            if not variable.members:
                self._ones[variable.fact] = self._pick(
                    variable.fact, variable.atoms[atom]
                )
                continue
            chosen = self._sets.setdefault(variable.fact, [])
            if atom:
                chosen.append(self._pick(variable.fact, variable.members))
            elif variable.fact == "fields":
                self.absent.update(variable.members)

    def _pick(self, fact: str, values: Collection[Any]) -> Any:
        allowed = self._within.get(fact, values)
        nice = [value for value in values if value in allowed] or list(values)
        if fact == "observable_kinds":
            plain = [kind for kind in _PLAIN_KINDS if kind in nice]
            nice = plain or nice
        if fact in ("confidence", "age_days"):
            # Not on the edge of what the atom holds, where there is room.
            return nice[len(nice) // 2]
        return nice[0]

    def one(self, fact: str, otherwise: Any) -> Any:
        """Return the value of a fact, or what to take where nobody asks."""
        return self._ones.get(fact, otherwise)

    def set_of(self, fact: str, otherwise: Collection[Any]) -> list[Any]:
        """Return the elements of a set, or what to take where nobody asks."""
        return self._sets.get(fact, list(otherwise))

    def fields(self) -> list[str]:
        """Return the optional fields that must be there."""
        return self._sets.get("fields", [])


_WORST: Final = {
    "refused": (ConsentFact.REFUSED,),
    "unknown": (ConsentFact.REFUSED, ConsentFact.UNKNOWN),
    "given": (ConsentFact.REFUSED, ConsentFact.UNKNOWN, ConsentFact.GIVEN),
}


def demands(wanted: Wanted) -> dict[str, tuple[Any, ...]]:
    """Return which values the facts can have when an incident has such an item."""
    part, item = wanted.path.partition(".")[0], wanted.item
    found: dict[str, tuple[Any, ...]] = {}
    if part == "observables[]" and item:
        found["observable_kinds"] = (item["kind"],)
        found["observable_roles"] = (item["role"],)
    if part == "victims[]" and item:
        found["victim_kinds"] = (item["party"],)
        found["victim_consent"] = _WORST[item["consent"]]
    if item.get("minor"):
        found["minor_involved"] = (True,)
    return found


def can_have(domain: Domain, wanted: Wanted) -> Node:
    """Return the cells of incidents that can have a field of such an item."""
    space = domain.space
    nodes = [domain.some(fact, values) for fact, values in demands(wanted).items()]
    path = wanted.path
    if path.startswith("victims[]"):
        others = [each for each in ConsentFact if each is not ConsentFact.NO_VICTIM]
        nodes.append(domain.some("victim_consent", others))
    if path.startswith("reporter"):
        told = [each for each in SourceFact if each is not SourceFact.OWN]
        if path == "reporter.kind":
            told.remove(SourceFact.UNKNOWN)
        nodes.append(domain.some("source", told))
    for start, fact in (
        ("financial_loss", "loss"),
        ("confidence", "confidence"),
        ("times.", "age_days"),
    ):
        if path.startswith(start):
            nodes.append(domain.stated(fact))
    nodes += [
        domain.some_member(fact)
        for fact, of in (
            ("victim_kinds", "victims[]"),
            ("victim_sectors", "victims[].sector"),
            ("victim_countries", "victims[].country"),
            ("observable_kinds", "observables[]"),
            ("observable_roles", "observables[]"),
        )
        if path == of or path.startswith(f"{of}.")
    ]
    return space.all_of([domain.possible, domain.has(path), *nodes])


class _Made:
    """The incident that is made of what is known."""

    def __init__(
        self,
        known: _Known,
        kinds: Mapping[str, ObservableKind],
        wanted: Wanted,
        at: datetime,
    ) -> None:
        self._known, self._kinds, self._wanted, self._at = known, kinds, wanted, at
        self._paths = [*known.fields()]
        if wanted.path and wanted.path not in self._paths:
            self._paths.append(wanted.path)

    def incident(self) -> dict[str, Any]:
        known = self._known
        made: dict[str, Any] = {
            "uid": "WITNESS-1",
            "revision": 1,
            "revised_at": _text(self._at - timedelta(hours=1)),
            "status": known.one("status", "open"),
            "title": "An incident made to show a difference",
            "classification": known.one("classification", "fraud/phishing"),
            "severity": known.one("severity", "high"),
            "tlp": known.one("tlp", "clear"),
            "pap": known.one("pap", "clear"),
            "urgency": known.one("urgency", "normal"),
        }
        if known.one("confidence", None) is not None:
            made["confidence"] = known.one("confidence", None)
        if known.one("embargoed", False):
            made["embargo_until"] = _text(self._at + timedelta(days=30))
        self._reporter(made)
        self._people(made)
        self._loss(made)
        self._observables(made)
        self._times(made)
        for path in self._paths:
            self._put(made, path)
        return made

    def _reporter(self, made: dict[str, Any]) -> None:
        source = self._known.one("source", SourceFact.OWN)
        if source is not SourceFact.OWN:
            kind = {} if source is SourceFact.UNKNOWN else {"kind": str(source)}
            made["reporter"] = kind

    def _people(self, made: dict[str, Any]) -> None:
        known, item = self._known, self._wanted.item
        about = self._wanted.path.partition(".")[0]
        consent = known.one("victim_consent", None)
        parties = known.set_of("victim_kinds", ())
        there = "victims[]" in self._paths or about == "victims[]"
        victims: list[dict[str, Any]] = []
        if parties or there or consent not in (None, ConsentFact.NO_VICTIM):
            asks = str(consent or item.get("consent", "unknown"))
            victims = self._victims(parties, asks, item if about == "victims[]" else {})
        suspects: list[dict[str, Any]] = []
        if about == "suspects[]" or "suspects[]" in self._paths:
            suspects.append({"kind": str(item.get("party", "person"))})
            if about == "suspects[]" and item.get("minor"):
                suspects[0]["minor"] = True
        if known.one("minor_involved", False):
            self._minor(victims, suspects)
        if victims:
            made["victims"] = victims
        if suspects:
            made["suspects"] = suspects

    def _victims(
        self, parties: list[Any], consent: str, item: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        first = str(item.get("party", parties[0] if parties else "person"))
        victims: list[dict[str, Any]] = [
            {"kind": first, "consent": str(item.get("consent", consent))}
        ]
        if item.get("minor"):
            victims[0]["minor"] = True
        others = [str(party) for party in parties if str(party) != first]
        if victims[0]["consent"] != consent and not others:
            others = [first]
        victims += [{"kind": party, "consent": consent} for party in others]
        for name, fact in (
            ("sector", "victim_sectors"),
            ("country", "victim_countries"),
        ):
            for index, word in enumerate(self._known.set_of(fact, ())):
                if index == len(victims):
                    victims.append({"kind": first, "consent": consent})
                victims[index][name] = word
        return victims

    def _minor(
        self, victims: list[dict[str, Any]], suspects: list[dict[str, Any]]
    ) -> None:
        """Let somebody be a minor, though not whom the item says is none."""
        if any(each.get("minor") for each in (*victims, *suspects)):
            return
        if victims and not self._wanted.path.startswith("victims[]"):
            victims[-1]["minor"] = True
        elif "suspects[]" not in self._known.absent:
            suspects.append({"kind": "person", "minor": True})
        else:
            victims.append({**victims[0], "minor": True})

    def _loss(self, made: dict[str, Any]) -> None:
        loss = self._known.one("loss", None)
        if loss is not None:
            amount = f"{loss.hundredths // 100}.{loss.hundredths % 100:02}"
            made["financial_loss"] = {"amount": amount, "currency": loss.currency}

    def _observables(self, made: dict[str, Any]) -> None:
        known, item = self._known, self._wanted.item
        about = self._wanted.path.startswith("observables[]")
        there = about or "observables[]" in self._paths
        plain = next((k for k in _PLAIN_KINDS if k in self._kinds), min(self._kinds))
        kinds = known.set_of("observable_kinds", ())
        roles = [str(role) for role in known.set_of("observable_roles", ())]
        if not (kinds or roles or there):
            return
        pairs = [(item["kind"], str(item["role"]))] if about and item else []
        kinds = [kind for kind in kinds if not pairs or kind != pairs[0][0]]
        roles = [role for role in roles if not pairs or role != pairs[0][1]]
        if not pairs and not kinds:
            kinds = [plain]
        if not pairs and not roles:
            roles = ["infrastructure"]
        last = pairs[-1] if pairs else (kinds[0], roles[0])
        for kind, role in zip_longest(kinds, roles):
            pairs.append((kind or last[0], role or last[1]))
        made["observables"] = [
            {"kind": kind, "value": samples.of_kind(self._kinds[kind]), "role": role}
            for kind, role in dict.fromkeys(pairs)
        ]
        if about and item and self._wanted.value:
            made["observables"][0]["value"] = self._wanted.value

    def _times(self, made: dict[str, Any]) -> None:
        age = self._known.one("age_days", None)
        moment = _text(self._at - timedelta(days=age or 0))
        there = [path for path in _TIMES if path in self._paths]
        if age is not None and not there:
            there = [next(path for path in _TIMES if path not in self._known.absent)]
        for path in there:
            made.setdefault("times", {})[path.removeprefix("times.")] = moment

    def _put(self, made: dict[str, Any], path: str) -> None:
        """Write a value into a field, and whatever its part cannot be without."""
        holder = made
        steps = path.split(".")
        for depth, step in enumerate(steps[:-1], 1):
            holder = self._part(holder, step, ".".join(steps[:depth]))
        name = steps[-1].removesuffix("[]")
        if name in holder:
            return
        if path in samples.REQUIRED or path in ("victims[]", "suspects[]", "reporter"):
            self._part(holder, steps[-1], path)
        elif path == "embargo_until":
            holder[name] = _text(self._at - timedelta(days=30))
        elif samples.is_time(path):
            holder[name] = _text(self._at)
        else:
            value = samples.of_field(path)
            holder[name] = [value] if path.endswith("[]") else value

    def _part(self, holder: dict[str, Any], step: str, path: str) -> dict[str, Any]:
        name = step.removesuffix("[]")
        if name not in holder:
            part: dict[str, Any] = {
                required.rpartition(".")[2]: samples.of_field(required)
                for required in samples.REQUIRED.get(path, ())
            }
            if path in ("victims[]", "suspects[]"):
                part["kind"] = "person"
            holder[name] = [part] if step.endswith("[]") else part
        inner: Any = holder[name]
        found: dict[str, Any] = inner[0] if isinstance(inner, list) else inner
        return found


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
