"""The files of a new agreement: agreement, recipient, profile, guardrail, first cases.

Answers + the rulebook in use -> files by name, tried before any is written.

Invariants: the profile and the guardrail are copies of those that show least; what no
answer asks for is not shared; the files pass the check together with all others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files as files_of
from typing import TYPE_CHECKING, Any, Final

from broker import pipeline
from broker.canonical import dumps
from broker.cases import run_cases
from broker.errors import Problem, RulebookError
from broker.model.agreement import Csirt, PartyRole, RecipientKind
from broker.model.decision import Effect
from broker.model.marking import Pap, Severity, Tlp
from broker.model.rsit import RSIT_TYPES
from broker.model.sharing import Wire
from broker.policy import decide, facts_of
from broker.prove.never import proved
from broker.prove.side import side_of
from broker.rulebook import Route

if TYPE_CHECKING:
    from broker.prove.side import Side

_BUNDLES: Final = files_of("broker.cli").joinpath("policy_new_taxii.yaml")
_KEY: Final = (
    "the dispatch process holds\n# for it; the key itself stands in no policy file.\n"
)
_ABOUT: Final = {
    RecipientKind.MISP: f"# `credential` is the name of the key that {_KEY}",
    RecipientKind.TAXII: (
        "# A TAXII 2.1 server, and one collection for this recipient alone. With\n"
        "# `deletes: false` what is taken back is revoked there, and stays.\n"
        f"# `credential` is the name of the key that {_KEY}"
    ),
    RecipientKind.FEED: (
        "# A folder that a web server shows to the recipient's MISP alone.\n"
        "# `organisation` is the CSIRT as MISP knows it.\n"
    ),
    RecipientKind.FILE_DROP: (
        "# A folder of sealed files that somebody carries over. Who receives them\n"
        "# checks them with `besa verify`.\n"
    ),
}
_HEADING: Final = re.compile(r"\A(?:#[^\n]*\n)+")


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered; everything else is taken from the safest that there is."""

    name: str
    title: str
    party: str
    role: PartyRole
    contact: str
    kind: RecipientKind
    url: str
    collection: str  # of a TAXII server
    act: str
    citation: str
    purposes: tuple[str, ...]
    start: date
    until: date
    tlp: Tlp
    pap: Pap
    retention_days: int
    types: tuple[str, ...]
    severity: Severity
    cites: str

    @property
    def recipient(self) -> str:
        """The name of the recipient's file."""
        return f"{self.name}-{self.kind}"


def safest(side: Side) -> Route | None:
    """Return the agreement whose profile shows least, of those that send MISP events.

    Its guardrail fits the profile; what else is sent has a guardrail of its own.
    """

    def seen(route: Route) -> tuple[int, str]:
        outcomes = side.outcomes(route).values()
        shown = sum(not o.is_withheld for fields in outcomes for o in fields.values())
        return shown, route.agreement.agreement

    events = [each for each in side.routes if each.wire is Wire.MISP_EVENT]
    return min(events, key=seen, default=None)


def files_for(
    answers: Answers, files: Mapping[str, bytes], side: Side, model: Route
) -> dict[str, bytes]:
    """Return the new files, tried together with those that there are.

    ``model`` is the agreement whose profile and guardrail are copied.

    Raises:
        RulebookError: they would not pass the check; carries every problem.
    """
    made = _rules(answers, files, side, model)
    # What the cases expect is what comes out, and a person reads what that is.
    new = side_of({**files, **made})
    made |= _cases(answers, new)
    together = {**files, **made}
    book = proved(together)
    problems: list[Problem] = []
    for result in run_cases(together, book):
        if result.file in made:
            problems += result.problems
    if problems:
        raise RulebookError(tuple(problems))
    return made


def _rules(
    answers: Answers, files: Mapping[str, bytes], side: Side, model: Route
) -> dict[str, bytes]:
    name, like = answers.name, model.agreement
    profile = files[f"policies/profiles/{like.profile}.yaml"].decode()
    wall, guardrail = _guardrail(answers, files, model)
    texts = {
        f"policies/agreements/{name}.yaml": _agreement(
            answers, side.rulebook.csirt.name
        ),
        f"policies/recipients/{answers.recipient}.yaml": _recipient(
            answers, model, side.rulebook.csirt
        ),
        f"policies/profiles/{name}.yaml": _copied(
            profile,
            f"# What {answers.party} sees. A copy of the profile {like.profile}, which "
            "shows\n# least; widen it line by line, as far as the memorandum says.\n",
            {"profile": name, "title": _quoted(f"What {answers.party} sees")},
        ),
        f"policies/guardrails/{name}.yaml": _copied(
            guardrail,
            f"# The last wall before {answers.party}. A copy of {wall}; let somebody\n"
            "# go through it who did not write the profile.\n",
            {
                "guardrail": name,
                "tlp_at_most": str(answers.tlp),
                "pap_at_most": str(answers.pap),
            },
        ),
    }
    return {path: text.encode() for path, text in texts.items()}


def _guardrail(
    answers: Answers, files: Mapping[str, bytes], model: Route
) -> tuple[str, str]:
    """Return the guardrail that is copied: its name, and its text."""
    if answers.kind is RecipientKind.TAXII:
        return "the one that Besa brings along for TAXII", _BUNDLES.read_text("utf-8")
    name = model.agreement.guardrail
    return name, files[f"policies/guardrails/{name}.yaml"].decode()


def _copied(text: str, heading: str, changes: Mapping[str, str]) -> str:
    """Return a file under another name; its first comment speaks of the other one."""
    text = heading + _HEADING.sub("", text, count=1)
    for key, value in changes.items():
        line = f"{key}: {value}".replace("\\", r"\\")
        text = re.sub(rf"^{key}: .*$", line, text, count=1, flags=re.M)
    return text


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _listed(words: tuple[str, ...]) -> str:
    return f"[{', '.join(_quoted(word) for word in words)}]"


def _agreement(answers: Answers, csirt: str) -> str:
    types = "".join(f"        - {each}\n" for each in answers.types)
    severity = (
        f"      severity_at_least: {answers.severity}\n"
        if answers.severity is not Severity.LOW
        else ""
    )
    return f"""\
# How to go on: docs/policies.md. Every reference to a law is to be confirmed by a
# lawyer, who then writes confirmed_by and confirmed_on.
agreement: {answers.name}
title: {_quoted(answers.title)}
parties:
  - name: {_quoted(csirt)}
    role: csirt
  - name: {_quoted(answers.party)}
    role: {answers.role}
    contact: {_quoted(answers.contact)}
recipient: {answers.recipient}
legal_basis:
  - act: {_quoted(answers.act)}
    citation: {_quoted(answers.citation)}
    confirmed_by: ""
purpose: {_listed(answers.purposes)}
valid: {{from: {answers.start}, until: {answers.until}}}
profile: {answers.name}
guardrail: {answers.name}
retention_days: {answers.retention_days}
onward: forbidden
attribution: hidden
on_withdrawal: retract

# What no clause shares is not shared. Add a clause for each article of the memorandum.
clauses:
  - id: first-article
    cites: {_quoted(answers.cites)}
    effect: share
    when:
      classification_in:
{types}{severity}      tlp_at_most: {answers.tlp}
"""


def _recipient(answers: Answers, model: Route, csirt: Csirt) -> str:
    like = model.recipient
    lines = {
        "recipient": answers.recipient,
        "authority": _quoted(answers.party),
        "kind": str(answers.kind),
        "url": _quoted(answers.url),
    }
    if answers.kind in (RecipientKind.MISP, RecipientKind.TAXII):
        lines["credential"] = answers.recipient
    if answers.kind is RecipientKind.TAXII:
        lines["collection"] = _quoted(answers.collection)
    else:
        # What the guardrail that was copied has a place for.
        lines["distribution"] = str(like.distribution)
        lines["publish"] = "true" if like.publish else "false"
    if answers.kind is RecipientKind.FEED:
        name = _quoted(csirt.name)
        lines["organisation"] = f"{{name: {name}, uuid: {_quoted(csirt.uuid)}}}"
    lines["clearance"] = f"{{tlp: {answers.tlp}, pap: {answers.pap}}}"
    lines["limits"] = f"{{max_bytes: {like.limits.max_bytes}}}"
    written = "".join(f"{key}: {value}\n" for key, value in lines.items())
    return f"{_ABOUT[answers.kind]}{written}"


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    why: str
    at: datetime
    changes: Mapping[str, Any]


def _cases(answers: Answers, side: Side) -> dict[str, bytes]:
    made: dict[str, bytes] = {}
    for number, case in enumerate(_borderline(answers), 1):
        incident = {
            "uid": f"CASE-{answers.name}-{number}",
            "revision": 1,
            "revised_at": f"{case.at - timedelta(hours=3):%Y-%m-%dT%H:%M:%SZ}",
            "title": "An invented incident",
            "classification": answers.types[0],
            "severity": str(answers.severity),
            "tlp": str(answers.tlp),
            "pap": str(answers.pap),
            **case.changes,
        }
        decided = _decided(side, answers, incident, case.at)
        path = f"policies/cases/{answers.name}/{case.name}.yaml"
        made[path] = _case(case, incident, *decided).encode()
    return made


def _borderline(answers: Answers) -> Iterator[_Case]:
    """Yield what is worth trying first: just inside and just outside of the clause."""
    at = datetime.combine(answers.start, time(12), UTC)
    after = datetime.combine(answers.until + timedelta(days=1), time(12), UTC)
    yield _Case("at-the-threshold", "Just inside of the first clause.", at, {})
    rank = answers.severity.rank
    if rank:
        below = tuple(Severity)[rank - 1]
        yield _Case(
            "below-the-threshold",
            f"The first clause begins at {answers.severity}.",
            at,
            {"severity": str(below)},
        )
    if answers.tlp is not Tlp.RED:
        above = tuple(Tlp)[answers.tlp.rank + 1]
        yield _Case(
            "above-the-clearance",
            f"The recipient is cleared to TLP:{answers.tlp.upper()}.",
            at,
            {"tlp": str(above)},
        )
    other = next((e for e in RSIT_TYPES if e not in answers.types), None)
    if other is not None:
        yield _Case(
            "another-type",
            "No clause speaks of this type.",
            at,
            {"classification": other},
        )
    yield _Case(
        "child",
        "A minor is involved: a person decides.",
        at,
        {"victims": [{"kind": "person", "minor": True}]},
    )
    yield _Case("after-the-agreement", "The agreement has ended.", after, {})


def _decided(
    side: Side, answers: Answers, incident: dict[str, Any], at: datetime
) -> tuple[Effect, tuple[str, ...]]:
    """Return what the agreement makes of a case, also outside of its dates."""
    route = next(r for r in side.routes if r.agreement.agreement == answers.name)
    received = pipeline.receive(dumps(incident), rulebook=side.rulebook)
    decision = decide(facts_of(received.incident, at), route.rules, at)
    return decision.effect, decision.clauses


def _case(
    case: _Case, incident: Mapping[str, Any], effect: Effect, clauses: tuple[str, ...]
) -> str:
    fields = "".join(
        f"  {name}: {json.dumps(value, ensure_ascii=False)}\n"
        for name, value in incident.items()
    )
    return f"""\
case: {case.name}
why: {_quoted(case.why)}
at: {case.at:%Y-%m-%dT%H:%M:%SZ}
incident:
{fields}expect:
  effect: {effect}
  clauses: {_listed(tuple(sorted(clauses)))}
"""
