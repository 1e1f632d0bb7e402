"""Build a rulebook: read every file, check them together, prepare each agreement.

Bytes by file name -> `Rulebook`. Pure. All problems are collected before any is raised.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from broker.canonical import dumps, sha256_hex
from broker.convert import (
    EXTENSION,
    Frame,
    frame,
    known_lines,
    known_names,
    lines_of_tables,
    withheld_lines,
)
from broker.errors import Problem, RulebookError
from broker.guard import Guard, Known, compile_guard
from broker.guard.texts import fold
from broker.model.agreement import (
    Agreement,
    Attribution,
    Csirt,
    Guardrail,
    Profile,
    Recipient,
    Safeguards,
)
from broker.model.known_good import listed_in
from broker.model.mapping import Tables
from broker.policy import Common, compile_rules, compile_safeguards
from broker.redact import Plan, compile_plan
from broker.render import EventFrame, event_frame
from broker.rulebook import checks
from broker.rulebook.attribution import attributed, narrowed
from broker.rulebook.snapshot import Route, Rulebook
from broker.rulebook.sources import (
    CASES,
    M,
    Source,
    Sources,
    read,
)
from broker.rulebook.tables import tables_of
from broker.strict_yaml import Parse, parse


def build(files: Mapping[str, bytes], parse: Parse = parse) -> Rulebook:
    """Make a rulebook of policy and mapping files.

    Args:
        files: content by name, such as ``policies/agreements/kp.yaml``.
        parse: reads one file, or knows what it says.

    Raises:
        RulebookError: something is wrong; carries every problem, in the order of files
            and lines.
    """
    sources = read(files, parse)
    problems = [*sources.problems, *checks.problems(sources)]
    plans = _plans(sources, problems)
    _try_guards(sources, problems)
    if problems:
        raise RulebookError(_in_order(problems))
    tables = tables_of(sources)
    csirt = _only(sources.one("policies/csirt.yaml", Csirt)).model
    safeguards = _only(sources.one("policies/safeguards.yaml", Safeguards))
    common = compile_safeguards(safeguards.model, safeguards.document, tables.kinds)
    making = _Making(sources, csirt, tables, plans, common)
    routes = tuple(
        making.route(source)
        for _, source in sorted(sources.all_of("agreement", Agreement).items())
    )
    warned = _in_order(list(checks.warnings(sources)))
    return Rulebook(digest_of(files), csirt, routes, tables, warned)


def digest_of(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 over name and content of every file that decides something.

    Cases are left out: they are tests, and adding one changes no disclosure.
    """
    listed = [
        [name, sha256_hex(files[name])]
        for name in sorted(files)
        if not name.startswith(CASES)
    ]
    return sha256_hex(dumps(listed))


def _in_order(problems: list[Problem]) -> tuple[Problem, ...]:
    unique = dict.fromkeys(problems)
    return tuple(sorted(unique, key=lambda each: (each.file, each.line, each.column)))


def _plans(sources: Sources, problems: list[Problem]) -> dict[str, Plan]:
    """Prepare every profile, used or not, so that each of its mistakes is found."""
    kinds, plans = checks.kinds_of(sources), {}
    for name, source in sources.all_of("profile", Profile).items():
        try:
            plans[name] = compile_plan(source.model, kinds, source.document)
        except RulebookError as error:
            problems += error.problems
    return plans


def _try_guards(sources: Sources, problems: list[Problem]) -> None:
    """Prepare every guardrail with the profiles that agreements pair it with."""
    kinds = checks.kinds_of(sources)
    for guardrail, profile in _pairs(sources):
        try:
            compile_guard(guardrail.model, profile.model, kinds, guardrail.document)
        except RulebookError as error:
            problems += error.problems
        except KeyError:
            # The profile names a field that does not exist; reported with the profile.
            continue


def _pairs(sources: Sources) -> Iterator[tuple[Source[Guardrail], Source[Profile]]]:
    """Yield every guardrail with each profile that an agreement pairs it with, once."""
    guardrails = sources.all_of("guardrail", Guardrail)
    profiles = sources.all_of("profile", Profile)
    agreements = sources.all_of("agreement", Agreement).values()
    named = {(each.model.guardrail, each.model.profile) for each in agreements}
    for of_guardrail, of_profile in sorted(named):
        guardrail, profile = guardrails.get(of_guardrail), profiles.get(of_profile)
        if guardrail and profile:
            yield guardrail, profile


def _only(source: Source[M] | None) -> Source[M]:
    if source is None:
        raise AssertionError("a missing file is a problem, and problems were raised")
    return source


class _Making:
    """Prepares agreements; what several of them share is prepared once."""

    def __init__(
        self,
        sources: Sources,
        csirt: Csirt,
        tables: Tables,
        plans: Mapping[str, Plan],
        common: Common,
    ) -> None:
        self._sources, self._csirt, self._tables = sources, csirt, tables
        self._listed = listed_in(tables.known_good)
        self._common = common
        self._plans = {
            name: replace(plan, listed=self._listed) for name, plan in plans.items()
        }
        self._narrowed: dict[tuple[str, Attribution], Profile] = {}
        self._withheld: dict[tuple[str, Attribution], list[str]] = {}
        self._guards: dict[tuple[str, str, Attribution], Guard] = {}
        self._like: Frame | None = None
        self._lines: frozenset[str] | None = None
        self._event_like: EventFrame | None = None

    def route(self, source: Source[Agreement]) -> Route:
        """Prepare one agreement for every stage of the path."""
        agreement, tables = source.model, self._tables
        recipients = self._sources.all_of("recipient", Recipient)
        recipient = recipients[agreement.recipient].model
        guard = self._guard(agreement)
        withheld = self._never_shared(agreement)
        made = frame(agreement, self._csirt, tables, withheld, self._like)
        event = event_frame(recipient, tables, EXTENSION, self._event_like)
        self._like, self._event_like = made, event
        self._lines = self._lines or lines_of_tables(made)
        lines = known_lines(made, self._lines)
        names = frozenset(map(fold, known_names(made)))
        return Route(
            agreement,
            recipient,
            compile_rules(
                agreement, recipient, self._common, source.document, tables.kinds
            ),
            self._plan(source),
            replace(guard, known=Known(lines, names)),
            guard.wire,
            made,
            event,
            source.document,
        )

    def _profile(self, agreement: Agreement) -> Profile:
        key = (agreement.profile, agreement.attribution)
        if key not in self._narrowed:
            profiles = self._sources.all_of("profile", Profile)
            whole = profiles[agreement.profile].model
            self._narrowed[key] = attributed(whole, agreement.attribution)
        return self._narrowed[key]

    def _never_shared(self, agreement: Agreement) -> list[str]:
        """Return in words what the profile withholds."""
        key = (agreement.profile, agreement.attribution)
        if key not in self._withheld:
            self._withheld[key] = withheld_lines(self._profile(agreement))
        return self._withheld[key]

    def _plan(self, source: Source[Agreement]) -> Plan:
        """Return the plan of a profile, or of what the attribution makes of it."""
        agreement, profile = source.model, self._profile(source.model)
        whole = self._sources.all_of("profile", Profile)[agreement.profile]
        if profile is whole.model:
            return self._plans[agreement.profile]
        lines = narrowed(whole.document, whole.model, profile, source.document)
        made = compile_plan(profile, self._tables.kinds, lines)
        return replace(made, listed=self._listed)

    def _guard(self, agreement: Agreement) -> Guard:
        """Return the guard of a guardrail for the recipients of a profile."""
        key = (agreement.guardrail, agreement.profile, agreement.attribution)
        if key not in self._guards:
            guardrails = self._sources.all_of("guardrail", Guardrail)
            guardrail = guardrails[agreement.guardrail]
            self._guards[key] = compile_guard(
                guardrail.model,
                self._profile(agreement),
                self._tables.kinds,
                guardrail.document,
                listed=self._listed,
            )
        return self._guards[key]
