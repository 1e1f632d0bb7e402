"""Editions: what a recipient has is replaced, taken back and shared again in order."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from broker import pipeline
from broker.model.decision import Effect
from broker.model.sharing import NO_HISTORY, History, Outcome, Share, State
from tests import world
from tests.strategies import lines, realistic, shared_markings, times

KP = "kp-cybercrime"
NO_OFFENCE = "vulnerable/vulnerable-system"


def of(outcome: Outcome) -> Share:
    """Return what became of an outcome at the police."""
    return next(s for s in outcome.shares if s.decision.agreement == KP)


def revised(number: int, **changes: Any) -> dict[str, Any]:
    """Return a revision of the full incident."""
    return world.incident(revision=number, **changes)


def after(*incidents: dict[str, Any], history: History = NO_HISTORY) -> History:
    """Return the history once all these were processed in this order."""
    for incident in incidents:
        history = pipeline.advance(history, world.disclose(incident, history))
    return history


def test_same_content_is_not_sent_again() -> None:
    """A revision that changes nothing that the police see gives them nothing new."""
    history = after(revised(1))
    share = of(world.disclose(revised(2, description="Another text."), history))

    assert State.UNCHANGED is share.state
    assert share.sealed is None


def test_new_content_is_a_new_edition() -> None:
    """A change that the police see is the next edition, at a later second."""
    history = after(revised(1))
    share = of(world.disclose(revised(2, title="Another title"), history))

    assert share.edition
    assert State.QUEUED is share.state
    assert 2 == share.edition.number
    assert share.edition.modified > history.editions["kp-misp"].modified
    assert history.editions["kp-misp"].created == share.edition.created


@st.composite
def _revisions(draw: st.DrawFn) -> list[dict[str, Any]]:
    found = []
    for number in range(1, draw(st.integers(2, 6)) + 1):
        changes: dict[str, Any] = {
            "title": draw(st.sampled_from(["One", "Two", "Three"])),
            "revised_at": draw(times),
            "classification": draw(
                st.sampled_from(["fraud/phishing", "fraud/phishing", NO_OFFENCE])
            ),
            "status": draw(st.sampled_from(["open", "open", "withdrawn"])),
        }
        found.append(revised(number, **changes))
    return found


@given(_revisions())
def test_editions_only_ever_grow(revisions: list[dict[str, Any]]) -> None:
    """Whatever is revised in whatever order of times, numbers and times only grow.

    A retraction comes only after something that was shared, and only once.
    """
    history, seen = NO_HISTORY, []
    for incident in revisions:
        outcome = world.disclose(incident, history)
        share = of(outcome)
        if share.sealed:
            assert share.edition
            seen.append(share.edition)
            assert share.sealed.edition == share.edition.number
            assert share.sealed.retracts is share.edition.retracts
        history = pipeline.advance(history, outcome)

    assert list(range(1, len(seen) + 1)) == [edition.number for edition in seen]
    for one, two in pairwise(seen):
        assert two.modified - one.modified >= timedelta(seconds=1)
        assert one.created == two.created
        assert not (one.retracts and two.retracts)
        assert one.retracts or one.content != two.content
    assert all(edition.modified.microsecond == 0 for edition in seen)
    assert not (seen and seen[0].retracts)


@given(_revisions())
def test_time_in_the_event_is_that_of_the_edition(
    revisions: list[dict[str, Any]],
) -> None:
    """The event carries the edition's time in whole seconds, so that MISP takes it."""
    history = NO_HISTORY
    for incident in revisions:
        outcome = world.disclose(incident, history)
        share = of(outcome)
        if share.sealed and share.edition:
            event = json.loads(share.sealed.body)["Event"]
            stamp = str(int(share.edition.modified.timestamp()))
            assert stamp == event["timestamp"]
        history = pipeline.advance(history, outcome)


def test_withdrawn_before_it_was_shared_is_withheld() -> None:
    """An incident that is withdrawn before anybody got it goes to nobody."""
    outcome = world.disclose(revised(1, status="withdrawn"))

    assert [State.WITHHELD] * 3 == [share.state for share in outcome.shares]


def test_withdrawn_after_it_was_shared_is_taken_back() -> None:
    """An incident that is withdrawn later is taken back from everybody who has it."""
    history = after(revised(1))
    outcome = world.disclose(revised(2, status="withdrawn"), history)

    for share in outcome.shares:
        assert State.QUEUED is share.state
        assert share.sealed
        assert share.sealed.retracts
        event = json.loads(share.sealed.body)["Event"]
        assert "[Taken back by KOS-CERT]" == event["info"]
        assert event["published"] is False
        assert [] == event["Attribute"] == event["Object"]


def test_what_may_no_longer_be_shared_is_taken_back() -> None:
    """An incident that turns out to be no offence is taken back."""
    history = after(revised(1))
    share = of(world.disclose(revised(2, classification=NO_OFFENCE), history))

    assert share.sealed
    assert share.sealed.retracts
    assert Effect.WITHHOLD is share.decision.effect


def test_taken_back_once_is_enough() -> None:
    """What was taken back is not taken back again."""
    history = after(revised(1), revised(2, status="withdrawn"))
    share = of(world.disclose(revised(3, status="withdrawn", title="New"), history))

    assert State.WITHHELD is share.state


def test_shared_again_after_it_was_taken_back() -> None:
    """The very content that was taken back is a new edition when it is shared again."""
    history = after(revised(1), revised(2, status="withdrawn"))
    share = of(world.disclose(revised(3), history))

    assert State.QUEUED is share.state
    assert share.edition
    assert (3, False) == (share.edition.number, share.edition.retracts)
    first = of(world.disclose(revised(1)))
    assert first.edition
    assert first.edition.content == share.edition.content


def test_ids_stay_the_same_from_edition_to_edition() -> None:
    """The event keeps its id for as long as it is shared, retractions included."""
    first = of(world.disclose(revised(1)))
    taken = of(world.disclose(revised(2, status="withdrawn"), after(revised(1))))

    assert first.sealed
    assert taken.sealed
    assert first.sealed.share == taken.sealed.share


@given(realistic(**shared_markings), st.integers(1, 50), st.integers(1, 50))
def test_an_older_revision_is_stale(
    incident: dict[str, Any], older: int, more: int
) -> None:
    """A revision that comes after a newer one gives nobody anything."""
    newer = {**incident, "revision": older + more}
    outcome = world.disclose({**incident, "revision": older}, after(newer))

    assert [State.STALE] * 3 == [share.state for share in outcome.shares]
    assert not outcome.duplicate
    assert after(newer) == pipeline.advance(after(newer), outcome)


@given(realistic(**shared_markings))
def test_the_same_revision_again_is_a_duplicate(incident: dict[str, Any]) -> None:
    """The same revision with the same content gives nobody anything."""
    outcome = world.disclose(incident, after(incident))

    assert outcome.duplicate
    assert not outcome.conflict
    assert () == outcome.shares


@given(realistic(**shared_markings), lines)
def test_the_same_revision_with_other_content_is_a_conflict(
    incident: dict[str, Any], title: str
) -> None:
    """The same revision with another content gives nobody anything, and says so."""
    other = {**incident, "title": f"{title} (other)"}
    outcome = world.disclose(other, after(incident))

    assert outcome.conflict
    assert not outcome.duplicate
    assert () == outcome.shares
    assert after(incident) == pipeline.advance(after(incident), outcome)


def test_how_it_is_written_makes_no_other_content() -> None:
    """Blanks and the order of keys in the message do not make another revision."""
    raw = json.dumps(dict(reversed(world.FULL.items())), indent=3).encode()
    received = pipeline.receive(raw, rulebook=world.rulebook(), now=world.NOW)

    assert world.receive(world.FULL).sha256 == received.sha256


def test_what_was_held_does_not_count_as_shared() -> None:
    """An edition that waits for a person does not stand in the history."""
    held = revised(1, victims=[{"kind": "person", "consent": "refused"}])

    assert {} == after(held).editions


def test_two_agreements_have_histories_of_their_own() -> None:
    """A change that only the police see is no new edition for the others."""
    history = after(revised(1))
    subject = {"kind": "subject", "value": "Urgent", "role": "attacker"}
    more = revised(2, observables=[*world.FULL["observables"], subject])
    states = {
        share.decision.agreement: share.state
        for share in world.disclose(more, history).shares
    }

    assert {
        "fiu": State.UNCHANGED,
        "kp-cybercrime": State.QUEUED,
        "special-prosecution": State.UNCHANGED,
    } == states
