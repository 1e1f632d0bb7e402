"""Facts about the whole path: states, editions, retractions, and what errors hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, Final

import pytest

from broker import convert, leaving, pipeline, policy, redact, render
from broker.errors import ConversionError, IntakeError
from broker.keys import Keys
from broker.model.agreement import Limits, OnExpiry, OnWithdrawal
from broker.model.decision import Effect
from broker.model.sharing import NO_HISTORY, History, Outcome, Share, State, Wire
from broker.rulebook import Route, Rulebook
from broker.seal import verify
from tests.unit import given
from tests.unit.given import KP, NOW, share_of

# Shared with all three recipients: a loss for one, a severity for another.
FOR_ALL: Final[dict[str, Any]] = {
    "financial_loss": {"amount": "18750.40"},
    "observables": [
        {"kind": "ipv4", "value": "198.51.100.201", "role": "attacker", "to_ids": True}
    ],
}
T1, T2 = "2026-11-20T09:30:00Z", "2026-11-20T10:00:00Z"


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _book(**changes: Any) -> Rulebook:
    """Return the shipped rulebook with the police's route changed."""
    routes = [
        replace(route, **changes) if route.agreement.agreement == KP else route
        for route in given.shipped().routes
    ]
    return replace(given.shipped(), routes=tuple(routes))


def _story(
    *revisions: dict[str, Any], book: Rulebook | None = None
) -> tuple[list[Share], History]:
    """Take revisions one after the other; return what the police got each time."""
    history, shares = NO_HISTORY, []
    for number, changes in enumerate(revisions, 1):
        fields = {**FOR_ALL, "revision": number, **changes}
        outcome = given.disclose(history, book, **fields)
        shares.append(share_of(outcome))
        history = pipeline.advance(history, outcome)
    return shares, history


def _event(share: Share) -> dict[str, Any]:
    assert share.sealed is not None
    event: dict[str, Any] = json.loads(share.sealed.body)["Event"]
    return event


# --- States


def test_shared_with_every_agreement() -> None:
    """An incident that every agreement covers is sealed once for each recipient."""
    outcome = given.disclose(**FOR_ALL)

    assert [State.QUEUED] * 3 == [share.state for share in outcome.shares]
    for share in outcome.shares:
        assert share.sealed is not None
        assert share.edition is not None
        verify(share.sealed, given.public())
        assert share.decision.recipient == share.sealed.recipient
        assert (1, outcome.rulebook) == (share.sealed.edition, share.sealed.rulebook)


def test_withheld_has_no_bytes() -> None:
    """Of a withheld incident neither view, draft nor seal exists."""
    share = share_of(given.disclose(classification="vulnerable/weak-crypto"))

    assert State.WITHHELD is share.state
    assert (None, None, None, None) == (
        share.redacted,
        share.edition,
        share.draft,
        share.sealed,
    )


def test_review_is_held_with_its_draft() -> None:
    """What a person must look at is held: with the draft to look at, and no seal."""
    share = share_of(given.disclose(classification="other/undetermined", tlp="amber"))

    assert (State.HELD, Effect.REVIEW) == (share.state, share.decision.effect)
    assert share.draft is not None
    assert None is share.sealed


def test_breach_is_held() -> None:
    """A draft in which the guard finds a withheld value is held, with the breach."""
    victim = {"kind": "person", "name": "Shpresa Kallëzuesja", "consent": "unknown"}

    share = share_of(
        given.disclose(title="Letter to Shpresa Kallëzuesja", victims=[victim])
    )

    assert (State.HELD, Effect.SHARE) == (share.state, share.decision.effect)
    assert "victims[].name" in {breach.about for breach in share.breaches}
    assert None is share.sealed


def test_too_large_is_held() -> None:
    """A draft that is larger than the recipient takes is held."""
    recipient = given.route().recipient
    small = recipient.model_copy(update={"limits": Limits(max_bytes=1_000)})

    share = share_of(given.disclose(book=_book(recipient=small)))

    assert State.HELD is share.state
    assert ["too-large-for-recipient"] == [breach.rule for breach in share.breaches]


def test_same_content_is_unchanged() -> None:
    """A revision in which the recipient would see nothing new makes no edition."""
    [_, second], _ = _story({}, {"revised_at": T2, "description": "Only for us."})

    assert (State.UNCHANGED, None) == (second.state, second.sealed)


def test_older_revision_is_stale() -> None:
    """A revision that is older than one already processed changes nothing."""
    _, history = _story({}, {})

    outcome = given.disclose(history, revision=1, title="Old", **FOR_ALL)

    assert {State.STALE} == {share.state for share in outcome.shares}
    assert history == pipeline.advance(history, outcome)


def test_same_revision_again_is_a_duplicate() -> None:
    """The same revision with the same content is processed once."""
    _, history = _story({})

    outcome = given.disclose(history, **FOR_ALL)

    assert (True, False, ()) == (outcome.duplicate, outcome.conflict, outcome.shares)
    assert history == pipeline.advance(history, outcome)


def test_same_revision_with_other_content_is_a_conflict() -> None:
    """The same revision with other content is shared with nobody."""
    _, history = _story({})

    outcome = given.disclose(history, title="Another", **FOR_ALL)

    assert (False, True, ()) == (outcome.duplicate, outcome.conflict, outcome.shares)
    assert history == pipeline.advance(history, outcome)


# --- Editions


def test_editions_are_numbered_and_dated() -> None:
    """A second edition follows the first: same creation, later time, same case."""
    [first, second], _ = _story({"revised_at": T1}, {"revised_at": T2, "title": "New"})

    assert first.edition is not None
    assert second.edition is not None
    assert (1, _at(T1), _at(T1)) == (
        first.edition.number,
        first.edition.created,
        first.edition.modified,
    )
    assert (2, _at(T1), _at(T2)) == (
        second.edition.number,
        second.edition.created,
        second.edition.modified,
    )
    assert _event(first)["uuid"] == _event(second)["uuid"]


@pytest.mark.parametrize("revised_at", [T1, "2026-11-19T00:00:00Z"])
def test_time_never_runs_backwards(revised_at: str) -> None:
    """An edition is at least a second later than the one before, whatever is said."""
    changed = {"revised_at": revised_at, "title": "New"}

    [_, second], _ = _story({"revised_at": T1}, changed)

    assert second.edition is not None
    assert _at(T1) + timedelta(seconds=1) == second.edition.modified


def test_unchanged_revision_takes_no_number() -> None:
    """Numbers of editions have no gap for revisions that changed nothing."""
    shares, history = _story({}, {}, {"title": "New"})

    assert [1, None, 2] == [s.edition and s.edition.number for s in shares]
    assert 2 == history.editions["kp-misp"].number


def test_held_revision_takes_no_number() -> None:
    """A revision that is held does not count as sent."""
    held = {"classification": "other/undetermined", "tlp": "amber"}

    shares, history = _story({}, held, {"title": "New"})

    states = [State.QUEUED, State.HELD, State.QUEUED]
    assert states == [share.state for share in shares]
    assert (2, 3) == (history.editions["kp-misp"].number, history.revision)


def test_recipients_have_editions_of_their_own() -> None:
    """A change that one recipient does not see makes no edition for it."""
    first = given.disclose(**FOR_ALL)
    history = pipeline.advance(NO_HISTORY, first)

    second = given.disclose(history, revision=2, title="New", **FOR_ALL)

    states = {share.decision.agreement: share.state for share in second.shares}
    assert (State.UNCHANGED, State.QUEUED) == (states["fiu"], states[KP])


# --- Taking back


def test_withdrawal_takes_everything_back() -> None:
    """A withdrawn incident becomes a retraction that holds nothing of it."""
    [first, second], history = _story({}, {"status": "withdrawn"})

    assert State.QUEUED is second.state
    assert second.sealed is not None
    assert second.sealed.retracts
    verify(second.sealed, given.public())
    assert _event(first)["uuid"] == _event(second)["uuid"]
    assert ([], []) == (_event(second)["Attribute"], _event(second)["Object"])
    assert _event(second)["published"] is False
    assert b"198.51.100.201" not in second.sealed.body
    assert history.editions["kp-misp"].retracts


@pytest.mark.parametrize(
    ("on_expiry", "also", "state"),
    [
        (OnExpiry.RETRACT, {}, State.QUEUED),
        (OnExpiry.KEEP, {}, State.WITHHELD),
        (OnExpiry.KEEP, {"tlp": "red"}, State.QUEUED),
    ],
)
def test_expiry_takes_back_unless_it_may_be_kept(
    on_expiry: OnExpiry, also: dict[str, Any], state: State
) -> None:
    """Once the agreement has ended, its own word counts, if nothing else speaks."""
    [first], history = _story({})
    route = given.route()
    ended = route.agreement.valid.until + timedelta(days=1)
    agreement = route.agreement.model_copy(update={"on_expiry": on_expiry})
    outcome = pipeline.disclose(
        given.received(revision=2, revised_at=T2, **also),
        rulebook=_book(agreement=agreement),
        keys=given.keys(),
        history=history,
        now=datetime.combine(ended, NOW.timetz()),
    )
    share = share_of(outcome)

    assert State.QUEUED is first.state
    assert state is share.state
    assert (state is State.QUEUED) is (share.sealed is not None)
    assert "validity" in share.decision.clauses


@pytest.mark.parametrize(
    "tightened",
    [{"tlp": "red"}, {"classification": "vulnerable/weak-crypto"}],
    ids=lambda changes: next(iter(changes)),
)
def test_tightening_takes_back(tightened: dict[str, Any]) -> None:
    """What may no longer be shared is taken back, within the recipient's clearance."""
    shares, _ = _story({}, tightened)

    assert shares[1].sealed is not None
    assert shares[1].sealed.retracts
    assert b"it may no longer be shared" in shares[1].sealed.body
    assert b'"tlp:red"' not in shares[1].sealed.body


def test_taken_back_once() -> None:
    """What was taken back is not taken back again."""
    gone = {"status": "withdrawn"}

    shares, _ = _story({}, gone, {**gone, "title": "New"})

    assert State.WITHHELD is shares[2].state


def test_never_shared_is_not_taken_back() -> None:
    """Of an incident that was never shared there is nothing to take back."""
    [only], _ = _story({"status": "withdrawn"})

    assert (State.WITHHELD, None) == (only.state, only.sealed)


def test_shared_again_after_a_retraction() -> None:
    """An incident that was taken back can be shared again, as a later edition."""
    shares, _ = _story({}, {"status": "withdrawn"}, {})

    assert [1, 2, 3] == [s.edition and s.edition.number for s in shares]
    assert shares[2].sealed is not None
    assert not shares[2].sealed.retracts
    assert b"198.51.100.201" in shares[2].sealed.body


def test_recipient_may_keep() -> None:
    """Where the recipient may keep what it has, nothing is taken back."""
    agreement = given.route().agreement
    kept = agreement.model_copy(update={"on_withdrawal": OnWithdrawal.KEEP})

    shares, history = _story({}, {"status": "withdrawn"}, book=_book(agreement=kept))

    assert (State.WITHHELD, None) == (shares[1].state, shares[1].sealed)
    assert 1 == history.editions["kp-misp"].number


# --- Errors

SECRET = "198.51.100.201"
Stage = tuple[Any, str, str]
STAGES: list[Stage] = [
    (policy, "decide", "decide"),
    (redact, "project", "disclose"),
    (convert, "to_stix", "disclose"),
    (render, "misp_event", "disclose"),
    (import_module("broker.guard.inspect"), "_marking_breaches", "guard"),
    (leaving, "seal", "disclose"),
]


def _breaking(
    function: Callable[..., Any], route: Route, error: Exception
) -> Callable[..., Any]:
    """Return the function, failing when it is called for one route."""
    parts = (route.rules, route.plan, route.frame, route.event_frame, route.guard)

    def called(*args: Any, **kwargs: Any) -> Any:
        ours = any(arg is part for arg in args for part in parts)
        if ours or getattr(args[0], "recipient", "") == route.recipient.recipient:
            raise error.with_traceback(None)  # that of the test before
        return function(*args, **kwargs)

    return called


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage[1])
@pytest.mark.parametrize(
    "error",
    [ValueError(SECRET), KeyError(SECRET), RecursionError(SECRET), MemoryError()],
    ids=lambda error: type(error).__name__,
)
def test_error_holds_one_recipient(
    stage: Stage, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error in any stage gives one recipient nothing, and leaves the others alone.

    What is said of it is the stage and the sort of error, never a value.
    """
    whole = given.disclose(**FOR_ALL)
    module, name, said = stage
    broken = _breaking(getattr(module, name), given.route(), error)
    monkeypatch.setattr(module, name, broken)

    outcome = given.disclose(**FOR_ALL)

    share = share_of(outcome)
    assert (State.HELD, None, None) == (share.state, share.sealed, share.draft)
    assert f"{said}: {type(error).__name__}" == share.failure
    assert SECRET not in repr(share)
    assert "error" in share.decision.clauses or share.decision.effect is Effect.WITHHOLD
    assert _others(whole) == _others(outcome)


def _others(outcome: Outcome) -> list[Share]:
    return [share for share in outcome.shares if share.decision.agreement != KP]


def test_own_error_says_its_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that Besa explains itself is told in its own words."""
    error = ConversionError("TLP or PAP is missing or has no row")
    broken = _breaking(convert.to_stix, given.route(), error)
    monkeypatch.setattr(convert, "to_stix", broken)

    share = share_of(given.disclose())

    assert "disclose: TLP or PAP is missing or has no row" == share.failure


def test_missing_key_holds_one_recipient() -> None:
    """A recipient without secrets gets nothing, and the others get theirs."""
    keys = given.keys()
    fewer = {name: key for name, key in keys.recipients.items() if name != "kp-misp"}

    outcome = pipeline.disclose(
        given.received(**FOR_ALL),
        rulebook=given.shipped(),
        keys=Keys(keys.signing, fewer),
        history=NO_HISTORY,
        now=NOW,
    )

    assert "disclose: KeyError" == share_of(outcome).failure
    assert _others(given.disclose(**FOR_ALL)) == _others(outcome)


def test_error_while_taking_back_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """A retraction that fails is held, and the verdict stays withheld."""
    history = pipeline.advance(NO_HISTORY, given.disclose(**FOR_ALL))
    broken = _breaking(convert.to_retraction, given.route(), ValueError(SECRET))
    monkeypatch.setattr(convert, "to_retraction", broken)

    outcome = given.disclose(history, revision=2, status="withdrawn", **FOR_ALL)

    share = share_of(outcome)
    assert (State.HELD, Effect.WITHHOLD) == (share.state, share.decision.effect)
    assert {State.QUEUED} == {other.state for other in _others(outcome)}


# --- The same again


def test_same_input_gives_the_same_bytes() -> None:
    """The same message, rulebook, keys, history and time give the same outcome."""
    assert given.disclose(**FOR_ALL) == given.disclose(**FOR_ALL)


def test_process_is_receive_and_disclose() -> None:
    """Taking a message the whole way is the same as taking it step by step."""
    whole = pipeline.process(
        given.raw(**FOR_ALL),
        rulebook=given.shipped(),
        keys=given.keys(),
        history=NO_HISTORY,
        now=NOW,
    )

    assert given.disclose(**FOR_ALL) == whole


def test_what_is_no_incident_is_refused() -> None:
    """Bytes that are no incident reach no stage."""
    with pytest.raises(IntakeError):
        pipeline.receive(b"{}", rulebook=given.shipped())


def test_preview_is_what_would_be_sealed() -> None:
    """The bytes of a preview are the bytes that would be sealed."""
    seen = pipeline.preview(
        given.received(**FOR_ALL), rulebook=given.shipped(), keys=given.keys(), now=NOW
    )

    sealed = [share.sealed for share in given.disclose(**FOR_ALL).shares]
    assert [one and one.body for one in sealed] == [p.wires[p.route.wire] for p in seen]
    assert [set(Wire)] * 3 == [set(previewed.wires) for previewed in seen]


def test_preview_of_what_is_withheld_shows_nothing() -> None:
    """Of what is withheld a preview shows that every field is, and no bytes."""
    seen = pipeline.preview(
        given.received(classification="vulnerable/weak-crypto"),
        rulebook=given.shipped(),
        keys=given.keys(),
        now=NOW,
    )

    police = next(one for one in seen if one.route.agreement.agreement == KP)
    assert ({}, {}) == (police.wires, police.redacted.view)
    assert {"withheld"} == {entry.outcome for entry in police.redacted.ledger()}


@pytest.mark.parametrize("stage", STAGES[:5], ids=lambda stage: stage[1])
def test_preview_survives_an_error(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stage that fails for one recipient does not hide the others' previews."""
    module, name, _ = stage
    broken = _breaking(getattr(module, name), given.route(), ValueError(SECRET))
    monkeypatch.setattr(module, name, broken)

    seen = pipeline.preview(
        given.received(**FOR_ALL), rulebook=given.shipped(), keys=given.keys(), now=NOW
    )

    states = {one.route.agreement.agreement: one.share.state for one in seen}
    assert State.HELD is states.pop(KP)
    assert {State.QUEUED} == set(states.values())
