"""Statements of what never happens, proved of a whole rulebook when it is loaded.

``never`` in ``policies/safeguards.yaml`` + a rulebook -> every statement that does not
hold, at its line, with an incident that breaks it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from broker.canonical import dumps
from broker.errors import Problem, RulebookError
from broker.model.agreement import Attribution, Clause, Never, Only
from broker.model.decision import Effect, ItemKey
from broker.model.incident import declarations
from broker.model.known_good import LOOKED_UP
from broker.model.marking import DataClass
from broker.prove import words
from broker.prove.diagram import EMPTY, Node
from broker.prove.domain import Domain
from broker.prove.facts import Question, questions
from broker.prove.listing import Listing
from broker.prove.outcome import (
    TOLD_APART,
    Outcome,
    Sort,
    lets_through,
    outcome_of,
    part_of,
    sorts,
)
from broker.prove.shown import withheld_at
from broker.prove.side import Side, side_of, tried
from broker.prove.verdict import Verdicts, asked_by, verdicts, withheld_items
from broker.prove.witness import Wanted, Witness, can_have, witness
from broker.redact.methods import METHODS
from broker.redact.plan import fits
from broker.rulebook import Route, Rulebook, build
from broker.rulebook.clauses import covers, never_holds, unknown_kinds
from broker.strict_yaml import Parse, Path, nearest, parse


@dataclass(frozen=True, slots=True)
class Refutation:
    """A statement that does not hold, and the incident that shows it."""

    statement: str
    agreement: str
    recipient: str
    field: str  # "" when the incident as a whole must not reach the recipient
    conditions: tuple[str, ...]
    witness: Witness
    problem: Problem


def proved(files: Mapping[str, bytes], parse: Parse = parse) -> Rulebook:
    """Build a rulebook for use: what must never happen is proved of it.

    ``parse`` reads one file, or knows what it says.

    Raises:
        RulebookError: something is wrong with the files, or a statement does not hold.
    """
    book = build(files, parse)
    if problems := disproved(files, book, parse):
        raise RulebookError(problems)
    return book


def disproved(
    files: Mapping[str, bytes], book: Rulebook, parse: Parse = parse
) -> tuple[Problem, ...]:
    """Return what a rulebook does that must never happen; nothing when it is proved.

    ``files`` are the ones that it was built from; ``parse`` reads one, or knows what it
    says.
    """
    side = side_of(files, book, parse)
    problems = [*problems_of(side), *(each.problem for each in refuted(side))]
    return tuple(sorted(problems, key=lambda each: (each.line, each.column)))


def problems_of(side: Side) -> Iterator[Problem]:
    """Yield what is wrong with statements themselves.

    Names that do not exist, and words by which a statement would be about nothing: it
    would hold whatever the rulebook does.
    """
    document = side.safeguards.document
    recipients = {route.recipient.recipient for route in side.routes}
    fields, methods = declarations(), set(METHODS)
    seen: set[str] = set()
    for index, statement in enumerate(side.safeguards.model.never):
        at: Path = ("never", index)
        if statement.id in seen:
            yield document.problem((*at, "id"), f"the statement {statement.id} again")
        seen.add(statement.id)
        for name in sorted(statement.recipients - recipients):
            message = f"no agreement names the recipient {name}"
            advice = nearest(name, recipients)
            yield document.problem((*at, "recipients"), message, advice)
        for number, pattern in enumerate(statement.fields):
            if not _matching(pattern, fields):
                message = f"an incident has no field {pattern}"
                advice = nearest(pattern, fields)
                yield document.problem((*at, "fields", number), message, advice)
        for name, why, advice in never_holds(statement.when):
            yield document.problem((*at, "when", name), why, advice)
        named = statement.when.has_observable_kind_in or frozenset()
        where = (*at, "when", "has_observable_kind_in")
        yield from unknown_kinds(document, where, named, side.kinds)
        yield from _without_items(side, index)
        if "keep" in statement.except_as:
            message = "under keep a field goes as it is, so nothing is proved"
            yield document.problem((*at, "except_as"), message, "remove it")
        if statement.except_as and not statement.fields:
            message = "except_as is about fields, and no fields are named"
            yield document.problem((*at, "except_as"), message, "remove the line")
        for name in sorted(statement.except_as - methods):
            message = f"there is no redaction method {name}"
            advice = nearest(name, methods)
            yield document.problem((*at, "except_as"), message, advice)


def _without_items(side: Side, index: int) -> Iterator[Problem]:
    """Yield what ``only`` says although no item of some field is like that."""
    document, statement = side.safeguards.document, side.safeguards.model.never[index]
    only, at = statement.only, ("never", index, "only")
    unknown = [*unknown_kinds(document, (*at, "kind"), only.kind or (), side.kinds)]
    classes = {each.value for each in DataClass}
    for name in sorted((only.data_class or frozenset()) - classes):
        message = f"there is no data-protection class {name}"
        advice = nearest(name, classes)
        unknown.append(document.problem((*at, "data_class"), message, advice))
    yield from unknown
    if unknown or only == Only():
        return
    if not statement.fields:
        message = "only is about items of fields, and no fields are named"
        yield document.problem(at, message, "name fields, or remove the line")
    for number, pattern in enumerate(statement.fields):
        for path in _matching(pattern, declarations()):
            if why := _selects_nothing(side, only, path):
                advice = "other fields need a statement of their own"
                here: Path = ("never", index, "fields", number)
                yield document.problem(here, f"{why}, so nothing is proved", advice)
                break


def _selects_nothing(side: Side, only: Only, path: str) -> str:
    """Say why no item with a field is one that ``only`` selects; empty if some is."""
    told = {*TOLD_APART.get(part_of(path), ())}
    told |= {"data_class", "listed"} if "kind" in told else set()
    for name in type(only).model_fields:
        if getattr(only, name) is not None and name not in told:
            return f"items of {path} are not told apart by {name}"
    for sort in sorts(part_of(path), side.kinds):
        kind = side.kinds.get(sort.item().get("kind", ""))
        can_be = not only.listed or (kind is not None and kind.shape in LOOKED_UP)
        if can_be and fits(only, sort.item(), kind):
            return ""
    return f"only selects no item of {path}"


def _matching(pattern: str, fields: Mapping[str, object]) -> tuple[str, ...]:
    """Return the fields that a name means; only ``*`` stands for several."""
    escaped = pattern.replace("[", "[[]")
    return tuple(path for path in fields if fnmatchcase(path, escaped))


def refuted(side: Side) -> tuple[Refutation, ...]:
    """Return every statement that does not hold, with a witness; none when all do.

    Of each statement and agreement one refutation is enough.
    """
    allowed = _Allowing(side)
    found = (_of_route(side, route, allowed) for route in side.routes)
    return tuple(each for some in found for each in some)


def _of_route(side: Side, route: Route, allowed: _Allowing) -> Iterator[Refutation]:
    party = side.party(route)
    about = [
        (index, each)
        for index, each in enumerate(side.safeguards.model.never)
        if is_about(each, route)
        and not holds_plainly(each, party.safeguards)
        and (not each.fields or allowed.of(route, index))
    ]
    if not about:
        return
    asked: dict[Question, None] = dict.fromkeys(asked_by(party))
    for _, statement in about:
        asked |= dict.fromkeys(questions(statement.when))
    domain = Domain(asked, tuple(side.kinds))
    decided = verdicts(party, domain)
    withheld = withheld_items(party, domain, side.kinds)
    for index, statement in about:
        fields = allowed.of(route, index)
        broken = _broken(domain, decided, withheld, statement, fields, allowed.listing)
        if broken is not None:
            yield _refutation(side, route, domain, index, broken)


def is_about(statement: Never, route: Route) -> bool:
    """Say whether a statement speaks of the recipient of an agreement."""
    if not statement.recipients and not statement.roles:
        return True
    return route.recipient.recipient in statement.recipients or any(
        party.role in statement.roles for party in route.agreement.parties
    )


def holds_plainly(statement: Never, safeguards: Iterable[Clause]) -> bool:
    """Say whether a safeguard alone makes a statement hold, as its words show.

    Most statements repeat what a safeguard does, so that it is noticed when somebody
    takes that out; then nothing else has to be looked at.
    """
    return any(
        covers(safeguard.when, statement.when)
        and (
            safeguard.effect is Effect.WITHHOLD
            or (
                safeguard.effect is Effect.REVIEW
                and statement.unless is not None
                and not safeguard.fast_lane
            )
        )
        for safeguard in safeguards
    )


_Broken = tuple[Node, Wanted, Outcome | None]
_Allowed = tuple[Sort, str, Outcome]


def _broken(
    domain: Domain,
    decided: Verdicts,
    withheld: Mapping[ItemKey, Node],
    statement: Never,
    allowed: Iterable[_Allowed],
    listing: Listing,
) -> _Broken | None:
    """Return where a statement does not hold, or nothing when it does.

    ``allowed`` are its fields that the profile lets through all the same.
    """
    space = domain.space
    reach = decided.share
    if statement.unless is None:
        reach = space.either(reach, decided.review)
    reach = space.all_of(
        [reach, domain.possible, domain.all_hold(questions(statement.when))]
    )
    if reach == EMPTY:
        return None
    if not statement.fields:
        return reach, Wanted(), None
    for every, path, outcome in allowed:
        for sort in _told_apart(every, statement, withheld, listing):
            wanted = Wanted(path, sort.item(), listing.value(sort))
            cells = space.both(reach, can_have(domain, wanted))
            cells = space.but_not(cells, withheld_at(domain, withheld, sort, 0))
            if cells != EMPTY:
                return cells, wanted, outcome
    return None


def _told_apart(
    sort: Sort, statement: Never, withheld: Mapping[ItemKey, Node], listing: Listing
) -> Iterator[Sort]:
    """Yield the items that a statement is about, by what lists say if that counts."""
    listed = statement.only.listed
    if listed is None or sort.part != "observables":
        return listing.told_apart(sort, withheld)
    return (each for each in listing.each(sort) if each.listed == (listed,))


class _Allowing:
    """What profiles let through of statements' fields, asked once for each profile."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._known: dict[tuple[str, Attribution, int], tuple[_Allowed, ...]] = {}
        self.listing = Listing([side.listed], side.kinds)

    def of(self, route: Route, index: int) -> tuple[_Allowed, ...]:
        """Return the fields of a statement that reach the recipient of an agreement."""
        key = (route.agreement.profile, route.agreement.attribution, index)
        if key not in self._known:
            statement = self._side.safeguards.model.never[index]
            self._known[key] = tuple(_allowed(self._side, route, statement))
        return self._known[key]


def _allowed(side: Side, route: Route, statement: Never) -> Iterator[_Allowed]:
    """Yield the fields of a statement that the profile lets through all the same."""
    profile = side.profile_of(route)
    document = side.profiles[route.agreement.profile].document
    methods = statement.except_as
    paths = [
        path
        for pattern in statement.fields
        for path in _matching(pattern, profile.fields)
        if lets_through(profile, path, methods)
    ]
    for path in paths:
        for sort in sorts(part_of(path), side.kinds):
            kind = side.kinds.get(sort.item().get("kind", ""))
            if fits(statement.only, sort.item(), kind):
                outcome = outcome_of(profile, path, sort, side.kinds, document)
                if not outcome.is_withheld and outcome.method not in methods:
                    yield sort, path, outcome


def _refutation(
    side: Side, route: Route, domain: Domain, index: int, broken: _Broken
) -> Refutation:
    cells, wanted, outcome = broken
    statement = side.safeguards.model.never[index]
    recipient, agreement = route.recipient.recipient, route.agreement.agreement
    shown = witness(domain, cells, side.kinds, wanted)
    decision = tried(side, shown, recipient)
    box = next(domain.space.boxes(cells, domain.possible))
    conditions = words.phrases(domain, box)
    by = ", ".join(
        f"{clause} ({where})"
        for clause, where in zip(decision.clauses, decision.where, strict=False)
    )
    what = "an incident"
    if outcome is not None:
        what = f"{wanted.path} ({outcome}, by {outcome.where})"
    message = (
        f"the statement {statement.id} does not hold: {agreement} lets {what} reach "
        f"{recipient}, verdict {decision.effect} by {by or 'no clause'}; for example "
        f"{dumps(shown.incident).decode()} at {shown.at:%Y-%m-%dT%H:%MZ}"
    )
    advice = "change the agreement or profile; what is stated here is never overruled"
    problem = side.safeguards.document.problem(("never", index), message, advice)
    return Refutation(
        statement.id, agreement, recipient, wanted.path, conditions, shown, problem
    )
