"""Checks of what becomes of every field: a profile by itself.

`Source` of a profile -> problems, each at the line that would have to change. What a
method accepts is checked where plans are made of profiles (`broker.redact`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from broker.errors import Problem
from broker.model.agreement import FieldRule, Profile, Selector
from broker.model.mapping import ObservableKind
from broker.model.marking import DataClass
from broker.rulebook import clauses
from broker.rulebook.sources import Source
from broker.strict_yaml import Document, Path, nearest


def problems(
    source: Source[Profile], kinds: Mapping[str, ObservableKind]
) -> Iterator[Problem]:
    """Check what a profile says about kinds, classes and markings."""
    classes = {each.value for each in DataClass}
    for path, rules in source.model.fields.items():
        yield from _never_reached(source.document, path, rules)
        for index, rule in enumerate(rules):
            at: Path = ("fields", path, index, "only")
            named = rule.only.kind or ()
            yield from clauses.unknown_kinds(
                source.document, (*at, "kind"), named, kinds
            )
            for name in sorted((rule.only.data_class or frozenset()) - classes):
                message = f"there is no data-protection class {name}"
                advice = nearest(name, classes)
                yield source.document.problem((*at, "data_class"), message, advice)
    for path in ("tlp", "pap"):
        methods = {rule.method for rule in source.model.fields.get(path, ())}
        if methods - {"keep"}:
            message = f"{path} must be kept: what is sent must say how it is marked"
            yield source.document.problem(("fields", path), message)


def _never_reached(
    document: Document, path: str, rules: tuple[FieldRule, ...]
) -> Iterator[Problem]:
    """Yield every rule of a field that no item ever comes to, as the words show.

    A line that withholds, written below one that keeps everything, would withhold
    nothing.
    """
    for index, rule in enumerate(rules):
        at: Path = ("fields", path, index)
        if any(value == frozenset() for _, value in rule.only):
            message = "only names nothing here, so the rule never applies"
            yield document.problem((*at, "only"), message, "name some")
            continue
        for before, other in enumerate(rules[:index]):
            if _covers(other.only, rule.only):
                line = document.at(("fields", path, before))[0]
                message = f"this rule of {path} never applies: the one in line {line}"
                advice = "the first that fits counts; put what is for fewer items first"
                yield document.problem(at, f"{message} fits all of that", advice)
                break


def _covers(wide: Selector, narrow: Selector) -> bool:
    """Say whether a selector fits every item that another one fits."""
    for name, wanted in wide:
        have = getattr(narrow, name)
        if wanted is None:
            continue
        if have is None or (
            have is not wanted if isinstance(wanted, bool) else not have <= wanted
        ):
            return False
    return True
