"""Which values of an incident must not be found in what leaves.

A profile + the incident itself -> the values that no rule keeps. Written apart from
redaction on purpose: a mistake there is then not repeated here.

Not looked for: words of closed lists (sector codes, severities), flags, times and
counts. They are the same in thousands of incidents, so finding one tells nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from broker.model.agreement import FieldRule, Profile, Selector
from broker.model.incident import Incident, Shape, declarations
from broker.model.mapping import ObservableKind

# Shorter values are in every document by chance.
SHORTEST: Final = 3
_UNTELLING: Final = frozenset({Shape.CODE, Shape.FLAG, Shape.TIME})
_DECLARED: Final = declarations()


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that must not leave, and the field that it comes from."""

    field: str
    value: str
    data_class: str


@dataclass(frozen=True, slots=True)
class _Rules:
    """The rules of one field, and what the field declares."""

    path: str
    steps: tuple[str, ...]
    rules: tuple[FieldRule, ...]
    data_class: str
    many: bool


class Secrets:
    """Knows which values of an incident one profile keeps from its recipients."""

    def __init__(self, profile: Profile, kinds: Mapping[str, ObservableKind]) -> None:
        self._kinds = kinds
        self._fields: dict[str, list[_Rules]] = {}
        for path, rules in profile.fields.items():
            owner, steps = _owner(path)
            self._fields.setdefault(owner, []).append(
                _Rules(
                    path,
                    steps,
                    rules,
                    _DECLARED[path].data_class,
                    path.endswith("[]"),
                )
            )
        self._hidden: dict[tuple[Any, ...], tuple[list[_Rules], list[_Rules]]] = {}

    def of(self, incident: Incident) -> list[Secret]:
        """Return every value that no rule of the profile keeps."""
        found: list[Secret] = []
        for owner, item in self._items(incident):
            facts = _facts(owner, item)
            for rules in self._split(owner, facts)[0]:
                for value in _values(item, rules):
                    if len(value) >= SHORTEST:
                        data_class = self._data_class(rules, facts)
                        found.append(Secret(rules.path, value, data_class))
        return found

    def unkept(self, secrets: list[Secret], incident: Incident) -> list[Secret]:
        """Return those secrets that are not kept elsewhere in the same data class.

        Where the policy shares the very same value, finding it is no breach: a reporter
        who is hidden may also be a victim who is named.
        """
        kept: set[tuple[str, str]] = set()
        for owner, item in self._items(incident):
            facts = _facts(owner, item)
            for rules in self._split(owner, facts)[1]:
                data_class = self._data_class(rules, facts)
                kept.update(
                    (data_class, value.casefold()) for value in _values(item, rules)
                )
        return [
            secret
            for secret in secrets
            if (secret.data_class, secret.value.casefold()) not in kept
        ]

    def _items(self, incident: Incident) -> Iterator[tuple[str, BaseModel]]:
        for owner in self._fields:
            if owner:
                for item in getattr(incident, owner):
                    yield owner, item
            else:
                yield owner, incident

    def _data_class(self, rules: _Rules, facts: Mapping[str, Any]) -> str:
        if rules.path == "observables[].value" and facts["kind"] in self._kinds:
            return self._kinds[facts["kind"]].data_class
        return rules.data_class

    def _split(
        self, owner: str, facts: Mapping[str, Any]
    ) -> tuple[list[_Rules], list[_Rules]]:
        """Return the telling fields of such an item: the hidden, and the kept."""
        key = (owner, *facts.values())
        if key not in self._hidden:
            hidden: list[_Rules] = []
            kept: list[_Rules] = []
            for rules in self._fields[owner]:
                if _DECLARED[rules.path].shape in _UNTELLING:
                    continue
                first = next(r for r in rules.rules if self._about(r.only, facts))
                (kept if first.method == "keep" else hidden).append(rules)
            self._hidden[key] = (hidden, kept)
        return self._hidden[key]

    def _about(self, only: Selector, facts: Mapping[str, Any]) -> bool:
        """Say whether a rule speaks of such an item; unknown facts never fit."""
        for name, value in facts.items():
            wanted = getattr(only, name)
            if wanted is None:
                continue
            if isinstance(wanted, bool):
                if wanted is not value:
                    return False
            elif value not in wanted:
                return False
        if only.data_class is not None:
            row = self._kinds.get(facts.get("kind", ""))
            return row is not None and row.data_class in only.data_class
        return True


def _owner(path: str) -> tuple[str, tuple[str, ...]]:
    """Split ``victims[].contacts.email`` into its list and the steps within an item."""
    head, bracket, rest = path.partition("[].")
    if bracket:
        return head, tuple(rest.removesuffix("[]").split("."))
    return "", tuple(path.removesuffix("[]").split("."))


def _facts(owner: str, item: BaseModel) -> dict[str, Any]:
    """Return by what the rules for such an item may tell it from others."""
    fields = item.__dict__
    match owner:
        case "observables":
            return {"kind": fields["kind"], "role": fields["role"]}
        case "victims":
            names = ("consent", "minor")
            return {"party": fields["kind"], **{name: fields[name] for name in names}}
        case "suspects":
            return {"party": fields["kind"], "minor": fields["minor"]}
    return {}


def _values(item: BaseModel, rules: _Rules) -> Iterator[str]:
    value: Any = item
    for step in rules.steps:
        if value is None:
            return
        value = getattr(value, step)
    if value is None:
        return
    if rules.many:
        yield from map(str, value)
    else:
        yield str(value)
