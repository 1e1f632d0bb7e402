"""Build a rulebook: read every file, check them together, prepare each agreement.

Bytes by file name -> `Rulebook`. Pure. All problems are collected before any is raised.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from broker.canonical import dumps, sha256_hex
from broker.convert import EXTENSION, frame, known_lines, known_names
from broker.errors import Problem, RulebookError
from broker.guard import Known, compile_guard
from broker.model.agreement import (
    Agreement,
    Csirt,
    Guardrail,
    Profile,
    Recipient,
    Safeguards,
)
from broker.model.mapping import Tables
from broker.model.sharing import Wire
from broker.policy import Common, compile_rules, compile_safeguards
from broker.redact import Plan, compile_plan
from broker.render import event_frame
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


def build(files: Mapping[str, bytes]) -> Rulebook:
    """Make a rulebook of policy and mapping files.

    Args:
        files: content by name, such as ``policies/agreements/kp.yaml``.

    Raises:
        RulebookError: something is wrong; carries every problem, in the order of files
            and lines.
    """
    sources = read(files)
    problems = [*sources.problems, *checks.problems(sources)]
    plans = _plans(sources, problems)
    _try_guards(sources, problems)
    if problems:
        raise RulebookError(_in_order(problems))
    tables = tables_of(sources)
    csirt = _only(sources.one("policies/csirt.yaml", Csirt)).model
    safeguards = _only(sources.one("policies/safeguards.yaml", Safeguards))
    common = compile_safeguards(safeguards.model, safeguards.document, tables.kinds)
    routes = tuple(
        _route(source, sources, csirt, tables, plans, common)
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
    guardrails = sources.all_of("guardrail", Guardrail)
    profiles = sources.all_of("profile", Profile)
    for source in sources.all_of("agreement", Agreement).values():
        guardrail = guardrails.get(source.model.guardrail)
        profile = profiles.get(source.model.profile)
        if guardrail and profile:
            yield guardrail, profile


def _only(source: Source[M] | None) -> Source[M]:
    if source is None:
        raise AssertionError("a missing file is a problem, and problems were raised")
    return source


def _route(
    source: Source[Agreement],
    sources: Sources,
    csirt: Csirt,
    tables: Tables,
    plans: Mapping[str, Plan],
    common: Common,
) -> Route:
    """Prepare one agreement for every stage of the path."""
    agreement = source.model
    recipient = sources.all_of("recipient", Recipient)[agreement.recipient].model
    of_profile = sources.all_of("profile", Profile)[agreement.profile]
    guardrail = sources.all_of("guardrail", Guardrail)[agreement.guardrail]
    profile = attributed(of_profile.model, agreement.attribution)
    plan = plans[agreement.profile]
    if profile is not of_profile.model:
        lines = narrowed(
            of_profile.document, of_profile.model, profile, source.document
        )
        plan = compile_plan(profile, tables.kinds, lines)
    made = frame(agreement, csirt, tables)
    known = Known(known_lines(made), known_names(made))
    return Route(
        agreement,
        recipient,
        compile_rules(agreement, recipient, common, source.document, tables.kinds),
        plan,
        compile_guard(
            guardrail.model, profile, tables.kinds, guardrail.document, known
        ),
        Wire(guardrail.model.wire),
        made,
        event_frame(recipient, tables, EXTENSION),
        source.document,
    )
