"""The last steps of a disclosure: inspect the drafts of an incident, seal or hold them.

Drafts as they would leave, with what decided on each -> a share for each recipient.

Invariants: nothing is sealed that the guard has not seen; what fails here holds that
one draft, and leaves the others alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from broker import guard
from broker.abreast import Way
from broker.errors import BesaError
from broker.keys import Keys
from broker.model.decision import Decision, Effect, Finding
from broker.model.incident import Incident
from broker.model.sharing import (
    Breach,
    Draft,
    Edition,
    Redacted,
    Share,
    State,
)
from broker.rulebook import Route, Rulebook
from broker.seal import seal

# Modules that every stage is called from.
_ON_THE_WAY: Final = frozenset({"pipeline", "leaving", "abreast"})


@dataclass(frozen=True, slots=True)
class Made:
    """A draft that is ready to be inspected, and all that its share will say."""

    decision: Decision
    redacted: Redacted | None
    edition: Edition
    route: Route
    share: str  # the case's id at the recipient
    draft: Draft


def inspected(
    made: Sequence[Share | Made], incident: Incident, rulebook: Rulebook, keys: Keys
) -> Way[list[Share]]:
    """Inspect all drafts of an incident together, and seal those that may leave.

    Where no draft was made, because nothing is shared, the share stays as it is.
    """
    looks = [
        guard.Look(each.draft, each.route.guard, each.decision.withheld_items)
        for each in made
        if isinstance(each, Made)
    ]
    yield
    found = iter((yield from guard.inspecting(looks, incident)))
    yield
    return [
        each if isinstance(each, Share) else _sealed(each, next(found), rulebook, keys)
        for each in made
    ]


def _sealed(
    made: Made, found: guard.Found | Exception, rulebook: Rulebook, keys: Keys
) -> Share:
    """Seal a draft; what must wait, or must not leave, is held instead."""
    decision, redacted, edition = made.decision, made.redacted, made.edition
    draft = made.draft
    try:
        if isinstance(found, Exception):
            raise found
        if len(draft.body) > made.route.recipient.limits.max_bytes:
            found += (Breach("too-large-for-recipient", ""),)
        if found or decision.effect is Effect.REVIEW:
            return Share(
                decision, State.HELD, redacted, edition, draft=draft, breaches=found
            )
        sealed = seal(
            draft,
            share=made.share,
            edition=edition,
            rulebook=rulebook.digest,
            key=keys.signing,
        )
    except Exception as error:
        return failed(decision, error, "disclose")
    return Share(decision, State.QUEUED, redacted, edition, sealed)


def failed(decision: Decision, error: Exception, stage: str) -> Share:
    """Hold what an error stopped.

    INVARIANT: an error never shares. Only the sort of error is kept: its message could
    hold what it stumbled over.
    """
    why = str(error) if isinstance(error, BesaError) else type(error).__name__
    stage = _stage_of(error) or stage
    finding = Finding(
        "error", Effect.REVIEW, True, "", f"an error in the stage {stage}"
    )
    stopped = replace(
        decision,
        effect=Effect.strictest([decision.effect, Effect.REVIEW]),
        findings=(*decision.findings, finding),
    )
    return Share(stopped, State.HELD, failure=f"{stage}: {why}")


def _stage_of(error: Exception) -> str:
    """Return the stage whose code an error came out of, if it was one."""
    trace = error.__traceback__
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", "")).split(".")
        if module[0] == "broker" and module[-1] not in _ON_THE_WAY:
            return module[1]
        trace = trace.tb_next
    return ""
