"""Turn a profile into a plan: for every field, the one thing that happens to it.

`Profile` + the kinds of observables -> `Plan`. All the choosing (by role, kind,
consent) is done here, once for every combination, when the first item of that sort
comes; redacting an incident then only looks it up.

Invariants: a field without a rule is an error, not a default; the last rule of a field
fits every item; a method accepts the shape of what it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from operator import itemgetter
from typing import Any, Final

from pydantic import BaseModel

from broker.errors import Problem, RulebookError
from broker.keys import RecipientKey
from broker.model.agreement import FieldRule, Profile, Selector
from broker.model.incident import (
    Consent,
    Incident,
    PartyKind,
    Role,
    Shape,
    declarations,
    parts_of,
)
from broker.model.known_good import NO_LISTS, Listed
from broker.model.mapping import ObservableKind
from broker.model.sharing import KEPT, WITHHELD
from broker.redact.item import Apply, Choices, Item, Items, Leaf
from broker.redact.methods import METHODS, Method, OptionError, meant_by, method_of
from broker.redact.methods.scrub_text import ScrubText
from broker.strict_yaml import Document, nearest


@dataclass(frozen=True, slots=True)
class Variants:
    """The plans of a list's items, by what tells the items apart."""

    told_apart: Callable[[Mapping[str, Any]], Any]  # an item's fields -> what it is
    items: Items


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of every field of an incident for the recipients of one profile."""

    profile: str
    top: Item
    lists: Mapping[str, Variants]
    # What a text is scrubbed of depends on the rest of its incident.
    scrubs: bool
    kinds: Mapping[str, ObservableKind]
    listed: Listed = NO_LISTS  # for clauses that withhold by it


def compile_plan(
    profile: Profile, kinds: Mapping[str, ObservableKind], doc: Document
) -> Plan:
    """Prepare a profile; ``doc`` is the file it was read from.

    Raises:
        RulebookError: with every problem, each at its line.
    """
    problems = list(_problems(profile, kinds, doc))
    if problems:
        raise RulebookError(tuple(problems))
    compiler = _Compiler(profile, kinds, doc)
    return Plan(
        profile.profile,
        compiler.item(Incident, "", ()),
        {name: compiler.variants(name) for name in _LISTS},
        any(
            rule.method == ScrubText.name
            for rules in profile.fields.values()
            for rule in rules
        ),
        kinds,
    )


# The lists whose items may be treated differently, and what an item is told apart by;
# a party is told apart by its ``kind``.
_LISTS: dict[str, tuple[str, ...]] = {
    "victims": ("party", "consent", "minor"),
    "suspects": ("party", "minor"),
    "observables": ("kind", "role"),
    "evidence": (),
    "affected_systems": (),
    "relations": (),
}


_Field = tuple[str, str, bool]  # its name and path, and whether it is a list


class _Compiler:
    def __init__(
        self, profile: Profile, kinds: Mapping[str, ObservableKind], doc: Document
    ) -> None:
        self._profile, self._kinds, self._doc = profile, kinds, doc
        self._methods: dict[tuple[str, int], Method | None] = {}
        # Items are many and rules few: most items share their fields with others.
        self._choices: dict[
            tuple[tuple[_Field, ...], tuple[int, ...]],
            tuple[Choices, Method | None],
        ] = {}

    def variants(self, name: str) -> Variants:
        """Return the plans of all combinations that tell items of a list apart."""
        model = _parts_of(Incident)[name]
        domains: dict[str, tuple[Any, ...]] = {
            "kind": tuple(self._kinds),
            "role": tuple(Role),
            "party": tuple(PartyKind),
            "consent": tuple(Consent),
            "minor": (False, True),
        }
        apart = _LISTS[name]

        def made(key: Any) -> Item:
            return self.item(model, f"{name}[].", tuple(zip(apart, key, strict=True)))

        keys = product(*(domains[told] for told in apart))
        fields = ["kind" if told == "party" else told for told in apart]
        return Variants(itemgetter(*fields) if fields else _alike, Items(keys, made))

    def item(
        self, model: type[BaseModel], prefix: str, told: tuple[tuple[str, Any], ...]
    ) -> Item:
        """Compile the plan of one object whose items are told apart by ``told``."""
        facts = dict(told)
        kind = self._kinds.get(facts.get("kind", ""))
        own, inner = _fields_of(model, prefix)
        chosen = tuple([self._chosen(path, facts, kind) for _, path, _ in own])
        choices, method = self._choices_of(own, chosen)
        about: dict[str, Any] | None = None
        if kind and method:
            kind_after = method.kind_after(kind.kind, kind.shape)
            about = {"kind": kind_after, "exact": method.name == "keep"}
        parts = tuple(
            (name, self.item(part, f"{prefix}{name}.", told)) for name, part in inner
        )
        return Item(choices, parts, about)

    def _chosen(
        self, path: str, facts: Mapping[str, Any], kind: ObservableKind | None
    ) -> int:
        """Return which of a field's rules is about an item."""
        rules = self._profile.fields[path]
        if len(rules) == 1:
            return 0
        return next(i for i, rule in enumerate(rules) if fits(rule.only, facts, kind))

    def _choices_of(
        self, own: tuple[_Field, ...], chosen: tuple[int, ...]
    ) -> tuple[Choices, Method | None]:
        """Return an object's fields under the chosen rules, and what its value meets.

        The latter is of observables, whose values are redacted by kind.
        """
        made = self._choices.get((own, chosen))
        if made is None:
            of_value: Method | None = None
            leaves: list[Leaf] = []
            for (name, path, many), index in zip(own, chosen, strict=True):
                leaf, method = self._made(name, path, many, index)
                leaves.append(leaf)
                if path == _VALUE:
                    of_value = method
            if of_value is None and any(path == _VALUE for _, path, _ in own):
                leaves = [_hidden(leaf) for leaf in leaves]
            made = self._choices[own, chosen] = Choices(tuple(leaves)), of_value
        return made

    def _made(
        self, name: str, path: str, many: bool, index: int
    ) -> tuple[Leaf, Method | None]:
        method = self._method(path, index, self._profile.fields[path][index])
        where = self._doc.where(("fields", path, index))
        withheld = (path, WITHHELD, where)
        if method is None:
            return Leaf(name, False, None, withheld, withheld), None
        mark = (path, KEPT if method.name == "keep" else method.name, where)
        apply = _apply(method, many=many)
        return Leaf(name, True, apply, mark, withheld), method

    def _method(self, path: str, index: int, rule: FieldRule) -> Method | None:
        if (path, index) not in self._methods:
            self._methods[path, index] = (
                None
                if rule.method == "withhold"
                else method_of(rule.method, rule.options)
            )
        return self._methods[path, index]


DECLARED = declarations()
_VALUE: Final = "observables[].value"
_parts_of = cache(parts_of)


@cache
def _fields_of(
    model: type[BaseModel], prefix: str
) -> tuple[tuple[_Field, ...], tuple[tuple[str, type[BaseModel]], ...]]:
    """Return an object's own fields, and the objects within it."""
    inner = _parts_of(model)
    own: list[_Field] = []
    for name, info in model.model_fields.items():
        if name in inner or (prefix == "" and name in _LISTS):
            continue
        many = getattr(info.annotation, "__origin__", None) is tuple
        own.append((name, f"{prefix}{name}[]" if many else f"{prefix}{name}", many))
    parts = [
        (name, part) for name, part in inner.items() if prefix or name not in _LISTS
    ]
    return tuple(own), tuple(parts)


def _alike(_: Mapping[str, Any]) -> tuple[()]:
    """Tell nothing apart: all items of such a list are treated alike."""
    return ()


def _hidden(leaf: Leaf) -> Leaf:
    """Withhold a field of an observable whose value is withheld.

    Redacting would come to the same end, as it does for a value that its method leaves
    nothing of; this way the other fields are not even looked at.
    """
    return Leaf(leaf.name, False, None, leaf.withheld, leaf.withheld)


def _apply(method: Method, *, many: bool) -> Apply | None:
    """Return what is done to a field's value; None where it leaves as it is."""
    if method.name == "keep":
        return None
    return _of_each(method.apply) if many and not method.whole_list else method.apply


def _of_each(apply: Apply) -> Apply:
    """Apply a method to every value of a list; when nothing is left, to none."""

    def each(values: list[Any], key: RecipientKey) -> list[Any] | None:
        seen = [apply(value, key) for value in values]
        return [value for value in seen if value is not None] or None

    return each


def fits(only: Selector, facts: Mapping[str, Any], kind: ObservableKind | None) -> bool:
    """Say whether a rule is about an item that is told apart by these facts."""
    data_class = kind.data_class if kind else None
    return (
        (only.kind is None or facts.get("kind") in only.kind)
        and (only.data_class is None or data_class in only.data_class)
        and (only.role is None or facts.get("role") in only.role)
        and (only.party is None or facts.get("party") in only.party)
        and (only.consent is None or facts.get("consent") in only.consent)
        and (only.minor is None or facts.get("minor") is only.minor)
    )


def _problems(
    profile: Profile, kinds: Mapping[str, ObservableKind], doc: Document
) -> Iterator[Problem]:
    for path in DECLARED:
        if path not in profile.fields:
            yield doc.problem(
                ("fields",),
                f"the profile forgets the field {path}",
                f"add a line such as '{path}: withhold'",
            )
    for path in ("tlp", "pap"):
        if [rule.method for rule in profile.fields.get(path, ())] != ["keep"]:
            yield doc.problem(
                ("fields", path),
                f"the marking {path} must travel with what it marks",
                f"write '{path}: keep'",
            )
    yield from _kind_problems(profile, doc)
    for path, rules in profile.fields.items():
        at = ("fields", path)
        if path not in DECLARED:
            advice = nearest(path, DECLARED)
            yield doc.key_problem(at, f"an incident has no field {path}", advice)
            continue
        if not rules or rules[-1].only != Selector():
            yield doc.problem(
                at,
                f"the last rule of {path} does not fit everything",
                "end with a rule without 'only', such as withhold",
            )
        for index, rule in enumerate(rules):
            yield from _rule_problems(path, rule, kinds, doc, (*at, index))


def _kind_problems(profile: Profile, doc: Document) -> Iterator[Problem]:
    """Check that no observable's value travels without its kind.

    A value that nobody says the kind of cannot be written in any format.
    """
    methods = {
        path: {rule.method for rule in profile.fields.get(path, ())}
        for path in ("observables[].kind", "observables[].value")
    }
    kind, value = methods.values()
    if kind - {"keep"} and value - {"withhold"}:
        yield doc.problem(
            ("fields", "observables[].kind"),
            "the kind of an observable must travel with its value",
            "write 'observables[].kind: keep'",
        )


def _rule_problems(
    path: str,
    rule: FieldRule,
    kinds: Mapping[str, ObservableKind],
    doc: Document,
    at: tuple[str | int, ...],
) -> Iterator[Problem]:
    for about in _selected_without_sense(path, rule.only):
        yield doc.problem(at, f"{path} cannot be told apart by {about}")
    if rule.method == "withhold":
        return
    if rule.method not in METHODS:
        problem, advice = "there is no such redaction method", meant_by(rule.method)
        yield doc.problem((*at, "method"), problem, advice)
        return
    try:
        method = method_of(rule.method, rule.options)
    except OptionError as error:
        yield doc.problem(at, str(error))
        return
    for shape, about in _shapes(path, rule, kinds):
        if shape not in method.accepts:
            yield doc.problem(
                at,
                f"{rule.method} does not accept {about}, which is of shape {shape}",
                f"it accepts {', '.join(sorted(method.accepts))}",
            )
    if DECLARED[path].shape is Shape.BY_KIND and method.returns is not None:
        yield from _result_problems(rule, method, kinds, doc, at)


def _result_problems(
    rule: FieldRule,
    method: Method,
    kinds: Mapping[str, ObservableKind],
    doc: Document,
    at: tuple[str | int, ...],
) -> Iterator[Problem]:
    """Check that what a method makes of an observable has a kind in the mapping."""
    made = {
        method.kind_after(kind.kind, kind.shape)
        for kind in kinds.values()
        if kind.shape in method.accepts
    }
    for name in sorted(made):
        row = kinds.get(name)
        if row is None or row.shape is not method.returns:
            yield doc.problem(
                at,
                f"{rule.method} makes {name}, of shape {method.returns}, of what it "
                "is given, and no kind of observables is that",
                f"add a row for {name} to mappings/observables.yaml",
            )


def _shapes(
    path: str, rule: FieldRule, kinds: Mapping[str, ObservableKind]
) -> Iterator[tuple[Shape, str]]:
    """Yield every shape that a rule may meet, and what has it."""
    if DECLARED[path].shape is not Shape.BY_KIND:
        yield DECLARED[path].shape, path
        return
    roles = rule.only.role or (None,)  # any, for a rule that names none
    for kind in kinds.values():
        if any(
            fits(rule.only, {"kind": kind.kind, "role": role}, kind) for role in roles
        ):
            yield kind.shape, f"the kind {kind.kind}"


def _selected_without_sense(path: str, only: Selector) -> Iterator[str]:
    told_apart = set(_LISTS.get(path.partition("[]")[0], ()))
    if "kind" in told_apart:
        told_apart.add("data_class")
    for name in Selector.model_fields:
        if getattr(only, name) is not None and name not in told_apart:
            yield name
