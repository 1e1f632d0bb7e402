"""Policy cases: an incident, a moment, and what one agreement must make of it.

``policies/cases/`` + `Rulebook` -> one `CaseResult` per case, each failure at the line
of the expectation that did not hold. `besa check` and the tests run the same cases.

Invariants: a case goes the whole path, with the guard at its end; its keys are made of
a constant, exist nowhere else and protect nothing; no result holds an incident's value.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from typing import Any, Final, NamedTuple, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import AwareDatetime, BaseModel, ConfigDict, model_validator

from broker import pipeline
from broker.canonical import dumps
from broker.errors import IntakeError, Problem, RulebookError
from broker.keys import Keys, recipient_key
from broker.model.decision import OUT_OF_DATES, Effect
from broker.model.sharing import (
    KEPT,
    NO_HISTORY,
    WITHHELD,
    LedgerEntry,
    Share,
    State,
)
from broker.rulebook import Rulebook
from broker.seal import SigningKey
from broker.strict_yaml import Document, Parse, Path, load, nearest, parse

FOLDER: Final = "policies/cases/"
INCIDENTS: Final = f"{FOLDER}incidents/"
_SECRET: Final = sha256(b"besa policy cases: keys that protect nothing").digest()
_INDEX: Final = re.compile(r"\[\d+\]")
_STEP: Final = re.compile(r"[^.\[\]]+|\[(\d+)\]")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Expect(_Part):
    """What must come out.

    ``clauses`` are those that decide; ``breaches`` the guard's rules that hold it back.
    Fields are written ``victims[0].name``, or ``victims[].name`` for all of them.
    ``absent`` and ``present`` are texts in the bytes that would leave.
    """

    effect: Effect
    clauses: frozenset[str] | None = None
    breaches: frozenset[str] = frozenset()
    retracts: bool = False
    shared: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    changed: dict[str, str] = {}
    absent: tuple[str, ...] = ()
    present: tuple[str, ...] = ()


class Case(_Part):
    """One case, as it is written in a file of the agreement's folder."""

    case: str
    why: str
    at: AwareDatetime
    incident: dict[str, Any] | None = None
    incident_file: str | None = None
    before: tuple[dict[str, Any], ...] = ()
    expect: Expect

    @model_validator(mode="after")
    def _one_incident(self) -> Self:
        if (self.incident is None) == (self.incident_file is None):
            raise ValueError("write either incident or incident_file")
        return self


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one case ended; without problems, it holds."""

    agreement: str
    case: str
    file: str
    why: str
    problems: tuple[Problem, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether everything came out as expected."""
        return not self.problems


def run_cases(
    files: Mapping[str, bytes], rulebook: Rulebook, parse: Parse = parse
) -> tuple[CaseResult, ...]:
    """Run every case; ``files`` are the ones that the rulebook was built from.

    ``parse`` reads one file, or knows what it says.

    A case that cannot be read is a case that does not hold: nothing is raised.
    """
    written = _Files(files, parse)
    return tuple(
        _run(path, written, rulebook)
        for path in sorted(files)
        if path.startswith(FOLDER) and not path.startswith(INCIDENTS)
    )


class _Files(NamedTuple):
    """Files by name, and what reads one."""

    content: Mapping[str, bytes]
    parse: Parse

    def document(self, path: str) -> Document:
        return self.parse(path, self.content[path])


def _run(path: str, files: _Files, rulebook: Rulebook) -> CaseResult:
    agreement, _, name = path.removeprefix(FOLDER).rpartition("/")
    name = name.removesuffix(".yaml")
    try:
        document = files.document(path)
        case = load(document, Case)
        problems = tuple(_problems(agreement, name, case, document, files, rulebook))
    except RulebookError as error:
        return CaseResult(agreement, name, path, "", error.problems)
    return CaseResult(agreement, name, path, case.why, problems)


def _problems(
    agreement: str,
    name: str,
    case: Case,
    document: Document,
    files: _Files,
    rulebook: Rulebook,
) -> Iterator[Problem]:
    if case.case != name:
        yield document.problem(("case",), f"the case is not called {name}, as its file")
    known = [route.agreement.agreement for route in rulebook.routes]
    if agreement not in known:
        message = f"the folder {agreement} is no agreement"
        yield document.problem((), message, nearest(agreement, known))
        return
    share = _disclosed(agreement, case, document, files, rulebook)
    yield from _verdict(case.expect, share, document)
    if share.redacted is None and share.decision.effect is not case.expect.effect:
        # The wrong verdict says it all: of no field was anything decided.
        return
    ledger = share.redacted.ledger() if share.redacted else ()
    yield from _fields(case.expect, ledger, document)
    yield from _texts(case.expect, share, document)


def _disclosed(
    agreement: str,
    case: Case,
    document: Document,
    files: _Files,
    rulebook: Rulebook,
) -> Share:
    """Take the case's incidents the whole path; return the last one's share."""
    # A case is about one agreement; what others make of it is theirs.
    routes = tuple(r for r in rulebook.routes if r.agreement.agreement == agreement)
    rulebook = replace(rulebook, routes=routes)
    incidents: list[tuple[Any, Document, Path]] = [
        (each, document, ("before", n)) for n, each in enumerate(case.before)
    ]
    if case.incident_file is None:
        incidents.append((case.incident, document, ("incident",)))
    else:
        source = _from_file(case.incident_file, document, files)
        incidents.append((source.value, source, ()))
    history, outcome = NO_HISTORY, None
    for content, source, root in incidents:
        if outcome is not None:
            history = pipeline.advance(history, outcome)
        try:
            received = pipeline.receive(dumps(content), rulebook=rulebook, now=case.at)
        except IntakeError as error:
            raise RulebookError(
                (source.problem((*root, *_steps(error.path)), error.problem),)
            ) from None
        outcome = pipeline.disclose(
            received,
            rulebook=rulebook,
            keys=_keys(tuple(route.recipient.recipient for route in rulebook.routes)),
            history=history,
            now=case.at,
        )
    if outcome and outcome.shares:
        return outcome.shares[0]
    message = "the last incident is the one before it again"
    raise RulebookError((document.problem(("incident",), message),))


def _from_file(name: str, document: Document, files: _Files) -> Document:
    path = f"{INCIDENTS}{name}.yaml"
    if path not in files.content:
        message = f"there is no {path}"
        raise RulebookError((document.problem(("incident_file",), message),))
    return files.document(path)


def _steps(path: str) -> Path:
    """Return a field path such as ``victims[0].country`` as steps into a document."""
    return tuple(
        int(found[1]) if found[1] else found[0] for found in _STEP.finditer(path)
    )


@cache
def _keys(recipients: tuple[str, ...]) -> Keys:
    keys = {recipient: recipient_key(_SECRET, recipient) for recipient in recipients}
    return Keys(_signing(), keys)


@cache
def _signing() -> SigningKey:
    return SigningKey.of(Ed25519PrivateKey.from_private_bytes(_SECRET))


def _verdict(expect: Expect, share: Share, document: Document) -> Iterator[Problem]:
    decision = share.decision
    if share.failure:
        yield document.problem(("expect",), f"the path failed: {share.failure}")
    if decision.effect is not expect.effect:
        because = ", ".join(map(_reason, decision.clauses)) or "no clause matched"
        message = f"the verdict is {decision.effect} ({because})"
        message = f"{message}, and {expect.effect} is expected"
        yield document.problem(("expect", "effect"), message)
    elif expect.clauses is not None and expect.clauses != set(decision.clauses):
        expected = _named(sorted(expect.clauses))
        message = f"decided by {_named(decision.clauses)}, and {expected} is expected"
        yield document.problem(("expect", "clauses"), message)
    found = {breach.rule for breach in share.breaches}
    if found != expect.breaches:
        told = "; ".join(str(breach) for breach in share.breaches) or "nothing"
        at = ("expect", "breaches") if expect.breaches else ("expect",)
        yield document.problem(at, f"the guard finds {told}")
    retracts = share.edition is not None and share.edition.retracts
    if retracts is not expect.retracts:
        message = f"what was shared before {'is' if retracts else 'is not'} taken back"
        yield document.problem(("expect", "retracts"), message)
    if not retracts and share.state is State.QUEUED and decision.effect != Effect.SHARE:
        yield document.problem(("expect", "effect"), "it would leave all the same")


def _named(clauses: Iterable[str]) -> str:
    return ", ".join(clauses) or "no clause"


def _reason(clause: str) -> str:
    """Return the name of what decided; of dates, what is wrong with them."""
    return f"{clause}: not in force at that time" if clause == OUT_OF_DATES else clause


def _fields(
    expect: Expect, ledger: tuple[LedgerEntry, ...], document: Document
) -> Iterator[Problem]:
    expected: list[tuple[Path, str, str]] = [
        *(
            (("expect", "shared", n), path, KEPT)
            for n, path in enumerate(expect.shared)
        ),
        *(
            (("expect", "withheld", n), path, WITHHELD)
            for n, path in enumerate(expect.withheld)
        ),
        *(
            (("expect", "changed", path), path, method)
            for path, method in expect.changed.items()
        ),
    ]
    about: dict[str, list[LedgerEntry]] = {}
    for entry in ledger:
        for path in {entry.field, _INDEX.sub("[]", entry.field, count=1)}:
            about.setdefault(path, []).append(entry)
    for at, path, outcome in expected:
        if path not in about:
            yield document.problem(at, f"nothing was decided about {path}")
        for entry in about.get(path, ()):
            if entry.outcome != outcome:
                message = f"{entry.field} is {entry.outcome}, by {entry.where}"
                yield document.problem(at, f"{message}, and {outcome} is expected")


def _texts(expect: Expect, share: Share, document: Document) -> Iterator[Problem]:
    leaving = share.sealed or share.draft
    text = leaving.body.decode() if leaving else ""
    for number, wanted in enumerate(expect.present):
        if wanted not in text:
            message = "this is not in what would leave"
            yield document.problem(("expect", "present", number), message)
    for number, unwanted in enumerate(expect.absent):
        if unwanted in text:
            message = "this is in what would leave"
            yield document.problem(("expect", "absent", number), message)
