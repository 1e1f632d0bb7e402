"""What can be said of clauses before any incident: never true, or never decisive.

The clauses of one file -> problems (it can never apply) and warnings (another clause
always decides instead). Every finding is certain; what is not found may still be so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from broker.errors import Problem
from broker.model.agreement import Clause, ConsentFact, Items, SourceFact, When
from broker.model.decision import OWN_NAMES, Effect
from broker.model.incident import Status
from broker.model.known_good import LOOKED_UP
from broker.model.mapping import ObservableKind
from broker.model.rsit import RSIT_CATEGORIES, RSIT_TYPES, rsit_category
from broker.policy.items import without_sense
from broker.strict_yaml import Document, Path, nearest

_PAIRS: Final = (
    ("tlp_at_least", "tlp_at_most"),
    ("pap_at_least", "pap_at_most"),
    ("confidence_at_least", "confidence_at_most"),
    ("age_days_at_least", "age_days_at_most"),
)
_OF_OBSERVABLES: Final = ("has_observable_kind_in", "has_observable_role_in")
_OF_A_LOSS: Final = ("loss_at_least", "loss_at_most")
_WITHDRAWN: Final = frozenset({Status.WITHDRAWN})
_NO_VICTIM: Final = frozenset({ConsentFact.NO_VICTIM})
_OWN: Final = frozenset({SourceFact.OWN})
_TYPES: Final = frozenset(RSIT_TYPES)
_TYPES_OF: Final = {
    category: frozenset(name for name in RSIT_TYPES if rsit_category(name) == category)
    for category in RSIT_CATEGORIES
}
_NOBODY_SAYS: Final = frozenset({SourceFact.OWN, SourceFact.UNKNOWN})
_TIMES: Final = (
    "times.occurred_from",
    "times.occurred_until",
    "times.detected",
    "times.reported",
)
# A condition that holds only when one of some fields is there.
_NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "victim_kind_in": ("victims[]",),
    "victim_sector_in": ("victims[].sector",),
    "victim_country_in": ("victims[].country",),
    **dict.fromkeys(_OF_OBSERVABLES, ("observables[]",)),
    **dict.fromkeys(_OF_A_LOSS, ("financial_loss",)),
    "confidence_at_least": ("confidence",),
    **dict.fromkeys(("age_days_at_least", "age_days_at_most"), _TIMES),
}


def problems(
    document: Document,
    key: str,
    clauses: Iterable[Clause],
    kinds: Mapping[str, ObservableKind],
) -> Iterator[Problem]:
    """Yield what is wrong with the clauses of one file, each by itself."""
    seen: dict[str, int] = {}
    for index, clause in enumerate(clauses):
        at: Path = (key, index)
        if clause.id in seen:
            message = f"the clause {clause.id} again"
            advice = f"first in line {seen[clause.id]}"
            yield document.problem((*at, "id"), message, advice)
        seen.setdefault(clause.id, document.at((*at, "id"))[0])
        # What was taken back, or waits, is told by it from what a clause says.
        if clause.id in OWN_NAMES:
            message = f"{clause.id} is what Besa calls a finding of its own"
            yield document.problem((*at, "id"), message, "choose another id")
        when = clause.when
        named = when.has_observable_kind_in or frozenset()
        where = (*at, "when", "has_observable_kind_in")
        yield from unknown_kinds(document, where, named, kinds)
        for name, why, advice in _never(clause):
            yield document.problem((*at, "when", name), why, advice)
        yield from _items(document, at, clause, kinds)
        if clause.fast_lane and clause.effect is not Effect.REVIEW:
            message = (
                f"fast_lane is about a review, and this clause is a {clause.effect}"
            )
            yield document.problem((*at, "fast_lane"), message, "remove the line")


def unknown_kinds(
    document: Document,
    at: Path,
    named: Iterable[str],
    kinds: Mapping[str, ObservableKind],
) -> Iterator[Problem]:
    """Yield every kind of observable that is named and does not exist."""
    if not kinds:
        return  # the table itself is wrong, and says so
    for kind in sorted(set(named) - set(kinds)):
        message = f"there is no kind of observable {kind}"
        yield document.problem(document.item(at, kind), message, nearest(kind, kinds))


def _items(
    document: Document,
    at: Path,
    clause: Clause,
    kinds: Mapping[str, ObservableKind],
) -> Iterator[Problem]:
    for number, items in enumerate(clause.withhold_items):
        here: Path = (*at, "withhold_items", number)
        yield from unknown_kinds(document, (*here, "kind"), items.kind or (), kinds)
        for name in without_sense(items):
            message = f"{items.of} cannot be told apart by {name}"
            yield document.problem((*here, name), message)
        for name, value in items:
            if value == frozenset():
                message = f"{name} is empty, so it is about no item"
                yield document.problem((*here, name), message, "remove the line")
        if items.listed and not _some_can_be_listed(items, kinds):
            message = "no value of these kinds is ever on a list"
            advice = "lists hold addresses, domains, URLs and hashes"
            yield document.problem((*here, "listed"), message, advice)
    if clause.withhold_items and clause.effect is Effect.WITHHOLD:
        message = "the clause withholds the whole incident, so also its items"
        yield document.problem((*at, "withhold_items"), message, "remove the lines")


def _some_can_be_listed(items: Items, kinds: Mapping[str, ObservableKind]) -> bool:
    if items.of != "observables" or not kinds:
        return True  # that is wrong in another way, and said
    return any(
        row.shape in LOOKED_UP
        and (items.kind is None or kind in items.kind)
        and (items.data_class is None or row.data_class in items.data_class)
        for kind, row in kinds.items()
    )


def _never(clause: Clause) -> Iterator[tuple[str, str, str]]:
    """Yield conditions because of which a clause never applies: which, why, advice."""
    when = clause.when
    yield from never_holds(when)
    if clause.effect is not Effect.WITHHOLD and when.status_in == _WITHDRAWN:
        message = "a withdrawn incident is never shared, so the clause never applies"
        yield "status_in", message, "see on_withdrawal"


def never_holds(when: When) -> Iterator[tuple[str, str, str]]:
    """Yield conditions that no incident fulfils: which, why, and what to do.

    Nothing is yielded if, and only if, some incident fulfils them all.
    """
    for name, value in when.written():
        if value == frozenset():
            yield name, f"{name} is empty, so the clause never applies", "name some"
    for least, most in _PAIRS:
        low, high = getattr(when, least), getattr(when, most)
        if low is not None and high is not None and _rank(low) > _rank(high):
            yield least, f"{least} is above {most}, so it never applies", ""
    if when.classification_in and when.category_in and not _types(when):
        message = "none of these types is of a category in category_in"
        advice = "one of the two lines is enough"
        yield "classification_in", f"{message}, so it never applies", advice
    yield from _never_losses(when)
    yield from _never_fields(when)


def _rank(level: Any) -> int:
    return int(level) if isinstance(level, int) else int(level.rank)


def _never_losses(when: When) -> Iterator[tuple[str, str, str]]:
    least, most = when.loss_at_least, when.loss_at_most
    if (
        least
        and most
        and all(
            currency not in most or least[currency] > most[currency]
            for currency in least
        )
    ):
        message = "loss_at_least and loss_at_most have no amount in common"
        yield "loss_at_least", f"{message}, so it never applies", ""
    if when.financial_loss is False:
        for name in _OF_A_LOSS:
            if getattr(when, name) is not None:
                message = f"{name} needs a loss, and financial_loss says there is none"
                yield name, f"{message}, so it never applies", ""


def _never_fields(when: When) -> Iterator[tuple[str, str, str]]:
    """Yield conditions on a part that another condition says is not there."""
    absent = set(when.has_no_field_in or ())
    if when.victim_consent_in == _NO_VICTIM:
        absent.add("victims[]")
    if when.financial_loss is False:
        absent.add("financial_loss")
    if when.source_in:
        left = when.source_in & _NOBODY_SAYS
        is_said = left < when.source_in and "reporter.kind" not in absent
        absent |= {"reporter.kind"} if not is_said else set()
        absent |= {"reporter"} if not is_said and left == _OWN else set()
    if not absent:
        return
    for name, fields in _needs(when):
        # A loss that is said not to be is told of by its own words, above.
        spoken = name in _OF_A_LOSS and when.financial_loss is False
        if not spoken and all(_is_within(field, absent) for field in fields):
            missing = " or ".join(fields)
            message = f"{name} needs {missing}, which another line says is not there"
            yield name, f"{message}, so it never applies", ""
    wanted = when.has_field_in or frozenset()
    if wanted and all(_is_within(path, absent) for path in wanted):
        message = "another line says that none of these fields is there"
        yield "has_field_in", f"{message}, so it never applies", ""


def _needs(when: When) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield every condition that needs a field, with those of which one will do."""
    for name, fields in _NEEDS.items():
        if getattr(when, name) is not None:
            yield name, fields
    if when.financial_loss:
        yield "financial_loss", ("financial_loss",)
    if when.minor_involved:
        yield "minor_involved", ("victims[]", "suspects[]")
    if when.victim_consent_in and _NO_VICTIM.isdisjoint(when.victim_consent_in):
        yield "victim_consent_in", ("victims[]",)
    if when.source_in and _OWN.isdisjoint(when.source_in):
        is_said = _NOBODY_SAYS.isdisjoint(when.source_in)
        yield "source_in", ("reporter.kind" if is_said else "reporter",)


def _is_within(path: str, absent: set[str]) -> bool:
    return any(path == each or path.startswith(f"{each}.") for each in absent)


def _types(when: When) -> frozenset[str]:
    """Return the types of incident that a clause is about."""
    found = _TYPES
    if when.classification_in is not None:
        found &= when.classification_in
    if when.category_in is not None:
        found &= frozenset().union(*map(_TYPES_OF.__getitem__, when.category_in))
    return found


@dataclass(frozen=True, slots=True)
class _Placed:
    clause: Clause
    name: str
    where: str
    at: Path
    types: frozenset[str]
    asks: tuple[tuple[str, Any], ...]  # of all but the type


def _placed(clause: Clause, name: str, where: str, at: Path) -> _Placed:
    return _Placed(clause, name, where, at, _types(clause.when), _asks(clause.when))


def _asks(when: When) -> tuple[tuple[str, Any], ...]:
    return tuple(
        (condition, bound)
        for condition, bound in when.written()
        if condition not in ("classification_in", "category_in")
    )


def shadowed(
    document: Document,
    clauses: Iterable[Clause],
    safeguards: Iterable[tuple[Clause, str]],
) -> Iterator[Problem]:
    """Yield every clause that never decides, because another always does.

    ``safeguards`` come with their ``file:line``. A clause that withholds single items,
    or has another word for the fast lane, says something of its own.
    """
    own = [
        _placed(clause, clause.id, document.where(at), at)
        for index, clause in enumerate(clauses)
        for at in [("clauses", index)]
    ]
    others = [
        _placed(clause, f"the safeguard {clause.id}", where, ())
        for clause, where in safeguards
    ]
    every = [*own, *others]
    for number, one in enumerate(own):
        rank = one.clause.effect.rank
        for position, other in enumerate(every):
            above = other.clause.effect.rank
            if above < rank or other is one or not _covers(other, one):
                continue
            same = above == rank and position < len(own) and not _says_more(one, other)
            # Of two that say the same, the later one is told of.
            twins = same and _covers(one, other) and position > number
            if above > rank:
                message = (
                    f"{one.name} never decides: for every incident that it is about, "
                    f"{other.name} says {other.clause.effect}"
                )
            elif same and not twins:
                message = f"{one.name} says nothing that {other.name} does not say"
            else:
                continue
            yield document.problem((*one.at, "id"), message, f"see {other.where}")
            break


def _says_more(one: _Placed, other: _Placed) -> bool:
    if one.clause.fast_lane != other.clause.fast_lane:
        return True
    return not set(one.clause.withhold_items) <= set(other.clause.withhold_items)


def _covers(wide: _Placed, narrow: _Placed) -> bool:
    """Say whether every incident that one clause is about is the other's too."""
    return narrow.types <= wide.types and _hold(wide.asks, narrow.clause.when)


def covers(wide: When, narrow: When) -> bool:
    """Say whether all incidents that fulfil the one conditions fulfil the other.

    Told from the words alone, so that false only means that it cannot be told so.
    """
    return _types(narrow) <= _types(wide) and _hold(_asks(wide), narrow)


def _hold(asks: Iterable[tuple[str, Any]], when: When) -> bool:
    for name, bound in asks:
        have = _implied(when, name)
        if have is None or not _STRICTER[name](have, bound):
            return False
    return True


def _implied(when: When, name: str) -> Any:
    """Return a clause's bound, or the one that follows from its other conditions."""
    have = getattr(when, name)
    if have is None and name == "financial_loss" and _has_loss(when):
        return True
    return have


def _has_loss(when: When) -> bool:
    return when.loss_at_least is not None or when.loss_at_most is not None


def _subset(have: Any, bound: Any) -> bool:
    return bool(have <= bound)


def _superset(have: Any, bound: Any) -> bool:
    return bool(have >= bound)


def _same(have: Any, bound: Any) -> bool:
    return bool(have == bound)


def _at_least(have: Any, bound: Any) -> bool:
    return _rank(have) >= _rank(bound)


def _at_most(have: Any, bound: Any) -> bool:
    return _rank(have) <= _rank(bound)


def _losses(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda have, bound: all(
        currency in bound and compare(amount, bound[currency])
        for currency, amount in have.items()
    )


def _stricter(name: str) -> Callable[[Any, Any], bool]:
    """Return how a bound of a condition is seen to imply another."""
    if name in _OF_A_LOSS:
        return _losses(_at_least if name == "loss_at_least" else _at_most)
    if name == "has_no_field_in":
        return _superset
    if name.endswith("_in"):
        return _subset
    if name.endswith("_at_least"):
        return _at_least
    return _at_most if name.endswith("_at_most") else _same


_STRICTER: Final = {name: _stricter(name) for name in When.model_fields}
