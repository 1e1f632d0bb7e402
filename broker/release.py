"""A held share goes the whole path once more, and leaves if it is what was approved.

The incident as it was read again + the rulebook in force -> a new `Share`; sealed when
its draft is, byte for byte, the one that people approved.

The pipeline seals what the rules share. What they hold for review it leaves unsealed,
as a `Draft` that its guard has just inspected: that is sealed here, and nowhere else.
Pure.

Invariants: nothing is sealed in which the guard, asked again now, finds a breach;
nothing is sealed that the rules now withhold; approval counts for one sequence of bytes
and no other.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from broker import pipeline
from broker.canonical import sha256_hex
from broker.convert.ids import Ids
from broker.keys import Keys
from broker.model.agreement import Agreement
from broker.model.decision import Decision, Effect
from broker.model.incident import Incident, Times
from broker.model.sharing import History, Share, State
from broker.pipeline import Received
from broker.rulebook import Rulebook
from broker.seal import seal

# The findings of `broker.policy` that end by themselves.
_EMBARGO: Final = "embargo"
_HOLD_BACK: Final = "hold-back"


def waits_until(
    incident: Incident, decision: Decision, agreement: Agreement
) -> datetime | None:
    """Return when a share that only time holds back may go; nothing for others.

    Time holds it back while the incident is under embargo, or is newer than the
    agreement lets out.
    """
    asking = set(decision.clauses)
    if decision.effect is not Effect.REVIEW or not asking <= {_EMBARGO, _HOLD_BACK}:
        return None
    ends: list[datetime | None] = []
    if _EMBARGO in asking:
        ends.append(incident.embargo_until)
    if _HOLD_BACK in asking:
        since, rule = _since(incident.times), agreement.embargo
        days = timedelta(days=rule.hold_back_days) if rule else None
        ends.append(since + days if since and days else None)
    known = [end for end in ends if end is not None]
    return max(known) if known and len(known) == len(ends) else None


def held_until(incident: Incident, share: Share, book: Rulebook) -> datetime | None:
    """Return when a held share may go by itself; nothing when a person must decide."""
    if share.state is not State.HELD or share.breaches or share.failure:
        return None
    for route in book.routes:
        if route.agreement.agreement == share.decision.agreement:
            return waits_until(incident, share.decision, route.agreement)
    return None


def again(
    received: Received,
    agreement: str,
    *,
    rulebook: Rulebook,
    keys: Keys,
    history: History,
    now: datetime,
) -> Share | None:
    """Decide, redact, convert, render and inspect anew, for one agreement.

    ``history`` is what the store remembers of the incident, this revision included.
    Returns nothing when the rulebook has no such agreement any more.
    """
    routes = tuple(
        route for route in rulebook.routes if route.agreement.agreement == agreement
    )
    if not routes:
        return None
    # The revision was processed before; only the editions tell what a recipient has.
    before = replace(history, revision=0, incident_sha256="")
    outcome = pipeline.disclose(
        received,
        rulebook=replace(rulebook, routes=routes),
        keys=keys,
        history=before,
        now=now,
    )
    return outcome.shares[0]


def approved(
    share: Share, uid: str, sha256: str, *, rulebook: str, keys: Keys
) -> Share:
    """Seal a share that is held for review and nothing else; others stay as they are.

    Args:
        share: as `again` returned it just now.
        uid: the incident's.
        sha256: of the draft that people approved.
        rulebook: digest of the rulebook that the share was made under.
        keys: the seal's key, and the recipients' secrets.
    """
    draft, edition = share.draft, share.edition
    if share.state is not State.HELD or draft is None or edition is None:
        return share
    if share.breaches or share.failure or sha256_hex(draft.body) != sha256:
        return share
    # The case's id at the recipient: the same that the report in the draft has.
    case = Ids(keys.recipients[draft.recipient].ids, uid).uuid("report")
    sealed = seal(
        draft, share=case, edition=edition, rulebook=rulebook, key=keys.signing
    )
    return replace(share, state=State.QUEUED, sealed=sealed)


def _since(times: Times) -> datetime | None:
    """Return the time from which `broker.policy.facts` counts an incident's age."""
    return (
        times.occurred_until or times.occurred_from or times.detected or times.reported
    )
