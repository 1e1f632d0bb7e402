"""What one share is in the store: plain rows, and what its link in the register tells.

`Outcome` and `Share` -> rows of `decisions`, `editions`, `outbox` and `held`; a letter
-> its row of `dead_letters`. Pure.

Invariant: of an incident's content only redacted bytes go into a row: a sealed body, or
the draft of what is held.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from broker.canonical import dumps, sha256_hex
from broker.errors import StoreError
from broker.model.decision import RECALLED
from broker.model.intake import DeadLetter
from broker.model.sharing import KEPT, WITHHELD, Edition, Outcome, Sealed, Share
from broker.store.register import millis
from broker.store.tables import Place

_NO_COUNTS: Final = {KEPT: 0, "changed": 0, WITHHELD: 0}
GUARD_FOUND: Final = "the guard found: "
"""How the reason of a share begins that the guard holds."""
_SHOWN: Final = 5  # breaches named in a reason; all are in the table of decisions


def decision_row(facts: Mapping[str, Any], share: Share, at: int) -> dict[str, Any]:
    """Return the row of `decisions`; ``facts`` are what the register tells of it."""
    counts = facts["counts"]
    return {
        "uid": facts["uid"],
        "revision": facts["revision"],
        "agreement": facts["agreement"],
        "recipient": facts["recipient"],
        "effect": facts["effect"],
        "state": facts["state"],
        "clauses": dumps(facts["clauses"]).decode(),
        "rulebook": facts["rulebook"],
        "edition": share.edition.number if share.edition else None,
        "kept": counts[KEPT],
        "changed": counts["changed"],
        "withheld": counts[WITHHELD],
        "breaches": dumps([str(breach) for breach in share.breaches]).decode(),
        "failure": share.failure,
        "at": at,
    }


def decision_facts(outcome: Outcome, share: Share) -> dict[str, Any]:
    """Return what the register tells of every decision."""
    decision = share.decision
    return {
        "uid": outcome.uid,
        "revision": outcome.revision,
        "incident_sha256": outcome.incident_sha256,
        "agreement": decision.agreement,
        "recipient": decision.recipient,
        "effect": decision.effect.value,
        "state": share.state.value,
        "clauses": list(decision.clauses),
        "rulebook": outcome.rulebook,
        "counts": share.redacted.counts() if share.redacted else _NO_COUNTS,
    }


def letter_row(letter: DeadLetter, at: int) -> dict[str, Any]:
    """Return the row of `dead_letters`."""
    place = letter.position
    return {
        "source": place.source,
        "topic": place.topic,
        "partition": place.partition,
        "offset": place.offset,
        "sha256": letter.sha256,
        "path": letter.path,
        "problem": letter.problem,
        "advice": letter.advice,
        "size": letter.size,
        "at": at,
    }


def edition_row(uid: str, share: Share) -> dict[str, Any]:
    """Return the row of `editions`.

    Raises:
        StoreError: the share is not sealed.
    """
    sealed, edition = _sealed(share)
    return {
        "uid": uid,
        "agreement": share.decision.agreement,
        "number": edition.number,
        "created": int(edition.created.timestamp()),
        "modified": int(edition.modified.timestamp()),
        "content": edition.content,
        "retracts": edition.retracts,
        "share": sealed.share,
        "recipient": sealed.recipient,
    }


def outbox_row(uid: str, share: Share, at: int) -> dict[str, Any]:
    """Return the row of `outbox`, ready to be leased.

    Raises:
        StoreError: the share is not sealed.
    """
    sealed, edition = _sealed(share)
    return {
        "uid": uid,
        "agreement": share.decision.agreement,
        "edition": edition.number,
        "recipient": sealed.recipient,
        "state": Place.QUEUED.value,
        "overtaken": False,
        "attempts": 0,
        "next_attempt_at": at,
        "lease_until": 0,
        "leased_by": "",
        "enqueued_at": at,
        "last_reason": "",
        "share": sealed.share,
        "wire": sealed.wire.value,
        "sha256": sealed.sha256,
        "rulebook": sealed.rulebook,
        "key_id": sealed.key_id,
        "signature": sealed.signature,
        "retracts": sealed.retracts,
        "body": sealed.body,
    }


def sent_facts(row: dict[str, Any]) -> dict[str, Any]:
    """Return what the register tells of a row that was just put into the outbox."""
    return {
        "edition": row["edition"],
        "share": row["share"],
        "wire": row["wire"],
        "body_sha256": row["sha256"],
        "retracts": row["retracts"],
    }


def held_row(outcome: Outcome, share: Share, at: int) -> dict[str, Any]:
    """Return the row of `held`, with the redacted draft and nothing else."""
    decision = share.decision
    ends = outcome.waits_until.get(decision.agreement)
    until = None if share.breaches or share.failure else ends
    return {
        "uid": outcome.uid,
        "revision": outcome.revision,
        "agreement": decision.agreement,
        "recipient": decision.recipient,
        "why": reason(share, until),
        "rulebook": outcome.rulebook,
        "waiting": True,
        "at": at,
        "ended": "",
        "note": "",
        "embargo_until": millis(until) if until else None,
        "ended_at": None,
        **draft_columns(share),
    }


def draft_columns(share: Share) -> dict[str, Any]:
    """Return the columns of `held` that hold the draft; empty when there is none."""
    draft = share.draft or share.sealed
    return {
        "wire": draft.wire.value if draft else "",
        "sha256": sha256_hex(draft.body) if draft else "",
        "body": draft.body if draft else b"",
    }


def reason(share: Share, until: datetime | None) -> str:
    """Say why a share is held, naming rules and places and never a value.

    ``until`` is when it goes out by itself, if nothing but time holds it.
    """
    if until is not None:
        return "nothing but time holds it back"
    if share.failure:
        return f"{share.failure} failed"
    if share.breaches:
        return GUARD_FOUND + "; ".join(map(str, share.breaches[:_SHOWN]))
    said = [
        finding.because
        for finding in share.decision.findings
        if finding.clause == RECALLED
    ]
    asking = ", ".join(each for each in share.decision.clauses if each != RECALLED)
    if asking:
        said.append(f"the agreement asks for review: {asking}")
    return "; ".join(said)


def _sealed(share: Share) -> tuple[Sealed, Edition]:
    if share.sealed is None or share.edition is None:
        raise StoreError("a share that is queued must be sealed")
    return share.sealed, share.edition
