"""Checks that need more than one file: what is named exists, and what must agree does.

`Sources` -> problems and warnings, each at the line that would have to change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from broker.errors import Problem
from broker.model.agreement import (
    Agreement,
    Attribution,
    Guardrail,
    Profile,
    Recipient,
    Safeguards,
)
from broker.model.decision import Effect
from broker.model.incident import declarations
from broker.model.mapping import CASE, CASE_FIELDS, Markings, ObservableKind
from broker.model.marking import Pap, Tlp
from broker.model.purpose import DUTIES, Purpose
from broker.model.rsit import RSIT_TYPES
from broker.rulebook import (
    clauses,
    feedback_checks,
    intake_checks,
    profile_checks,
    recipient_checks,
)
from broker.rulebook.attribution import attributed, names_reporter
from broker.rulebook.sources import (
    ObjectTable,
    ObservableTable,
    RoleTable,
    RsitTable,
    Source,
    Sources,
)
from broker.strict_yaml import Document, Path, nearest

# Kinds that redaction methods turn values into (see broker/redact/methods).
_MADE_BY_METHODS: Final = ("domain", "pseudonym", "text")
_WIRES: Final[dict[str, tuple[str, ...]]] = {
    "misp": ("misp-event",),
    "feed": ("misp-event",),
    "taxii": ("stix-bundle", "stix-misp"),
}


def problems(sources: Sources) -> Iterator[Problem]:
    """Yield everything that is wrong between files."""
    agreements = sources.all_of("agreement", Agreement)
    kinds = kinds_of(sources)
    for source in agreements.values():
        yield from _references(source, sources)
        yield from clauses.problems(
            source.document, "clauses", source.model.clauses, kinds
        )
        yield from _ceilings(source, sources)
    yield from _overlaps(agreements)
    yield from _safeguards(sources, kinds)
    for profile in sources.all_of("profile", Profile).values():
        yield from profile_checks.problems(profile, kinds)
    yield from _kinds(sources)
    yield from _rsit(sources)
    yield from _markings(sources)
    yield from _objects(sources)
    yield from intake_checks.problems(sources, kinds)
    yield from feedback_checks.problems(sources)


def warnings(sources: Sources) -> Iterator[Problem]:
    """Yield what does no harm but is probably not meant."""
    agreements = [
        each.model for each in sources.all_of("agreement", Agreement).values()
    ]
    if not agreements:
        advice = "nothing is shared with anybody"
        yield Problem("policies/agreements", 0, 0, "there is no agreement", advice)
    for source in sources.every():
        yield from source.document.doubts
    safeguards = sources.one("policies/safeguards.yaml", Safeguards)
    for _, source in sorted(sources.all_of("agreement", Agreement).items()):
        yield from _without_effect(source, safeguards, sources)
    recipients = sources.all_of("recipient", Recipient)
    yield from recipient_checks.warnings(each for _, each in sorted(recipients.items()))
    for key in ("recipient", "profile", "guardrail"):
        used = {str(getattr(agreement, key)) for agreement in agreements}
        for name, source in sorted(sources.folders[key].items()):
            if name not in used:
                yield source.document.problem((key,), f"no agreement uses this {key}")


def _without_effect(
    source: Source[Agreement], safeguards: Source[Safeguards] | None, sources: Sources
) -> Iterator[Problem]:
    """Yield what an agreement says to no effect."""
    agreement, document = source.model, source.document
    guards = (
        [
            (clause, safeguards.document.where(("safeguards", index)))
            for index, clause in enumerate(safeguards.model.safeguards)
        ]
        if safeguards
        else []
    )
    yield from clauses.shadowed(document, agreement.clauses, guards)
    marked = [
        index for index, clause in enumerate(agreement.clauses) if clause.fast_lane
    ]
    if agreement.fast_lane is None:
        for index in marked:
            message = "the agreement has no fast_lane, so this is without effect"
            yield document.problem(("clauses", index, "fast_lane"), message)
    elif not marked and not any(clause.fast_lane for clause, _ in guards):
        message = "no clause and no safeguard lets the fast lane replace its review"
        advice = "write 'fast_lane: true' where the MoU says so"
        yield document.problem(("fast_lane",), message, advice)
    profile = sources.all_of("profile", Profile)[agreement.profile].model
    if agreement.attribution is not Attribution.HIDDEN and not names_reporter(
        attributed(profile, agreement.attribution)
    ):
        message = f"attribution is {agreement.attribution}, but the profile "
        message += f"{agreement.profile} withholds who reported"
        yield document.problem(("attribution",), message)
    yield from _duties(source)


def _duties(source: Source[Agreement]) -> Iterator[Problem]:
    """Yield purposes that are not the duty of any party but the CSIRT."""
    parties = [party for party in source.model.parties if party.role != "csirt"]
    if not parties or any(party.role not in DUTIES for party in parties):
        return  # of an ISP or a ministry nobody has written the duties down
    theirs: frozenset[Purpose] = frozenset().union(
        *(DUTIES[party.role] for party in parties)
    )
    for index, purpose in enumerate(source.model.purpose):
        if purpose not in theirs:
            roles = ", ".join(sorted({party.role for party in parties}))
            message = f"{purpose} is not a duty of: {roles}"
            advice = f"theirs are {', '.join(sorted(theirs))}"
            yield source.document.problem(("purpose", index), message, advice)


def kinds_of(sources: Sources) -> dict[str, ObservableKind]:
    """Return the rows of observables by kind."""
    table = sources.one("mappings/observables.yaml", ObservableTable)
    return {row.kind: row for row in table.model.observables} if table else {}


def _references(source: Source[Agreement], sources: Sources) -> Iterator[Problem]:
    """Check that the recipient, profile and guardrail of an agreement exist."""
    for key in ("recipient", "profile", "guardrail"):
        name = str(getattr(source.model, key))
        if name not in sources.folders[key] and (key, name) not in sources.broken:
            known = sources.folders[key]
            message = f"there is no {key} {name}"
            yield source.document.problem((key,), message, nearest(name, known))


def _ceilings(source: Source[Agreement], sources: Sources) -> Iterator[Problem]:
    """Check the markings that agreement, recipient and guardrail each speak of."""
    agreement = source.model
    recipients = sources.all_of("recipient", Recipient)
    found = recipients.get(agreement.recipient)
    if found is None:
        return
    clearance = found.model.clearance
    for index, clause in enumerate(agreement.clauses):
        at: Path = ("clauses", index, "when")
        for scale, cleared in (("tlp", clearance.tlp), ("pap", clearance.pap)):
            most = getattr(clause.when, f"{scale}_at_most")
            if clause.effect is Effect.SHARE and most and most.rank > cleared.rank:
                yield source.document.problem(
                    (*at, f"{scale}_at_most"),
                    f"shares up to {most}, but {agreement.recipient} is cleared to "
                    f"{cleared} only",
                    "lower the one or, if the MoU allows it, raise the other",
                )
            least = getattr(clause.when, f"{scale}_at_least")
            if (
                clause.effect is not Effect.WITHHOLD
                and least
                and least.rank > cleared.rank
            ):
                yield source.document.problem(
                    (*at, f"{scale}_at_least"),
                    f"never applies: from {least} on everything is withheld, because "
                    f"{agreement.recipient} is cleared to {cleared}",
                    "raise the clearance, if the MoU allows it, or remove the clause",
                )
    guardrail = sources.all_of("guardrail", Guardrail).get(agreement.guardrail)
    if guardrail is not None:
        yield from _guardrail(guardrail, found)


def _guardrail(
    guardrail: Source[Guardrail], recipient: Source[Recipient]
) -> Iterator[Problem]:
    """Check that a guardrail says the same as the recipient that it is for.

    The guard holds whatever is marked above its ceiling, and an edition that takes
    something back carries the recipient's own ceiling.
    """
    model, name = guardrail.model, recipient.model.recipient
    for key, scale in (("tlp_at_most", "tlp"), ("pap_at_most", "pap")):
        said, cleared = getattr(model, key), getattr(recipient.model.clearance, scale)
        if said is not cleared:
            message = f"the ceiling is {said}, but {name} is cleared to {cleared}"
            advice = "both must say the same"
            yield guardrail.document.problem((key,), message, advice)
    # A file that is handed over may be either.
    takes = _WIRES.get(recipient.model.kind, (model.wire,))
    if model.wire not in takes:
        message = f"{name} is of kind {recipient.model.kind}, which takes "
        yield guardrail.document.problem(("wire",), message + " or ".join(takes))


def _overlaps(agreements: Mapping[str, Source[Agreement]]) -> Iterator[Problem]:
    """Check that no recipient has two agreements in force on one day.

    A case has one id at a recipient: two agreements would overwrite each other's event.
    """
    in_order = sorted(
        agreements.values(), key=lambda each: (each.model.valid.start, each.model.title)
    )
    last: dict[str, Source[Agreement]] = {}
    for source in in_order:
        model = source.model
        if model.valid.until < model.valid.start:
            message = "it ends before it begins"
            yield source.document.problem(("valid", "until"), message)
        before = last.get(model.recipient)
        if before and before.model.valid.until >= model.valid.start:
            yield source.document.problem(
                ("valid",),
                f"{before.model.agreement} is in force for {model.recipient} as well",
                "one recipient, one agreement at a time",
            )
        last[model.recipient] = source


def _safeguards(
    sources: Sources, kinds: Mapping[str, ObservableKind]
) -> Iterator[Problem]:
    source = sources.one("policies/safeguards.yaml", Safeguards)
    if source is None:
        return
    guards = source.model.safeguards
    yield from clauses.problems(source.document, "safeguards", guards, kinds)
    for index, clause in enumerate(guards):
        if clause.effect is Effect.SHARE:
            message = "a safeguard cannot share"
            at = ("safeguards", index, "effect")
            yield source.document.problem(at, message, "withhold or review")


def _twice(
    document: Document, key: str, names: Iterable[str], field: str
) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        at: Path = (key, index, field)
        if name in seen:
            advice = f"first in line {seen[name]}"
            yield document.problem(at, f"a second row for {name}", advice)
        seen.setdefault(name, document.at(at)[0])


def _kinds(sources: Sources) -> Iterator[Problem]:
    source = sources.one("mappings/observables.yaml", ObservableTable)
    if source is None:
        return
    names = [row.kind for row in source.model.observables]
    yield from _twice(source.document, "observables", names, "kind")
    for name in sorted(set(_MADE_BY_METHODS) - set(names)):
        message = f"there is no row for {name}, which redaction makes of other kinds"
        yield source.document.problem(("observables",), message)


def _rsit(sources: Sources) -> Iterator[Problem]:
    """Check that both tables of RSIT types have each of the 39 once."""
    rsit = sources.one("mappings/taxonomy/rsit.yaml", RsitTable)
    if rsit is not None:
        types = [row.rsit for row in rsit.model.rsit]
        yield from _complete(rsit.document, "rsit", types)
    roles = sources.one("mappings/taxonomy/roles.yaml", RoleTable)
    if roles is not None:
        types = [row.rsit for row in roles.model.roles]
        yield from _complete(roles.document, "roles", types)


def _complete(document: Document, key: str, names: list[str]) -> Iterator[Problem]:
    yield from _twice(document, key, names, "rsit")
    for name in sorted(set(RSIT_TYPES) - set(names)):
        yield document.problem((key,), f"there is no row for {name}")


def _markings(sources: Sources) -> Iterator[Problem]:
    source = sources.one("mappings/markings.yaml", Markings)
    if source is None:
        return
    for key, scale in (("tlp", Tlp), ("pap", Pap)):
        rows = getattr(source.model, key)
        for level in scale:
            if level not in rows:
                message = f"there is no row for {level}"
                yield source.document.problem((key,), message)
            elif rows[level].level != level:
                at = (key, level.value, "level")
                yield source.document.problem(at, f"must be {level}, as its key is")


def _objects(sources: Sources) -> Iterator[Problem]:
    """Check that every row of the object templates names a field that exists."""
    source = sources.one("mappings/objects.yaml", ObjectTable)
    if source is None:
        return
    declared = declarations()
    for index, template in enumerate(source.model.objects):
        fields = {
            path.removeprefix(prefix)
            for prefix in (f"{template.part}[].", f"{template.part}.")
            for path in declared
            if path.startswith(prefix)
        }
        fields = set(CASE_FIELDS) if template.part == CASE else fields
        at: Path = ("objects", index)
        if not fields:
            message = f"an incident has no part {template.part}"
            yield source.document.problem((*at, "part"), message)
            continue
        fields.add(f"{CASE}.uid")
        for number, row in enumerate(template.attributes):
            if row.field not in fields:
                message = f"{template.part} have no field {row.field}"
                yield source.document.problem(
                    (*at, "attributes", number), message, nearest(row.field, fields)
                )
    yield from _composed(source, kinds_of(sources))


def _composed(
    source: Source[ObjectTable], kinds: Mapping[str, ObservableKind]
) -> Iterator[Problem]:
    """Check that composed objects are made of kinds, and links lead to objects."""
    for index, row in enumerate(source.model.composed):
        for number, relation in enumerate(row.relations):
            for kind in relation.kinds:
                if kind not in kinds:
                    at: Path = ("composed", index, "relations", number)
                    message = f"there is no kind {kind}"
                    yield source.document.problem(at, message, nearest(kind, kinds))
    there = {f"{each.part}/{each.name}" for each in source.model.objects}
    there |= {f"observables/{each.name}" for each in source.model.composed}
    for index, link in enumerate(source.model.links):
        for end in (link.source, link.target):
            if end not in there:
                message = f"there is no object {end}"
                at = ("links", index)
                yield source.document.problem(at, message, nearest(end, there))
