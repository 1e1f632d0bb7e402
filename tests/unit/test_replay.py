"""What is kept of a decision holds no value, and decides the same once more."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import policy
from broker.model.decision import Effect
from broker.policy import Facts, facts_of
from broker.replay import Past, Replayed, coarse, noted, read, replay, written
from tests import world
from tests.strategies import incidents

# Each fact, and why it may be kept.
KEPT = {
    "classification": "a word of the RSIT",
    "category": "a word of the RSIT",
    "severity": "a closed list",
    "confidence": "0 to 100",
    "tlp": "a closed list",
    "pap": "a closed list",
    "urgency": "a closed list",
    "status": "a closed list",
    "source": "a closed list",
    "victim_consent": "a closed list",
    "victim_kinds": "a closed list",
    "victim_sectors": "free words, kept only when written like a word",
    "victim_countries": "ISO 3166",
    "minor_involved": "yes or no",
    "loss": "a currency, and two digits",
    "observable_kinds": "a closed list",
    "observable_roles": "a closed list",
    "fields": "names of fields",
    "age_days": "a number of days",
    "embargo_until": "a moment that the CSIRT chose",
}


def facts(**changes: Any) -> Facts:
    """Return the facts of a full incident."""
    return facts_of(world.receive(world.incident(**changes)).incident, world.NOW)


def test_every_fact_was_considered() -> None:
    """A fact that nobody has weighed yet is not kept without this test failing."""
    assert set(KEPT) == {field.name for field in fields(Facts)}


def test_no_value_of_an_incident_is_kept() -> None:
    """Of an incident in which every value is its own, none is in what is kept."""
    made = world.incident()
    text = written(facts()).casefold()
    # A word of a closed list has neither a space nor a digit nor a sign in it.
    own = [value for value in _texts(made) if not value.replace("-", "").isalpha()]
    kinds = {one["kind"] for one in made["observables"]}
    own = [value for value in own if value not in {made["classification"], *kinds}]

    assert len(own) > 40
    assert [] == [value for value in own if value.casefold() in text]
    assert "18750" not in text


def _texts(value: Any) -> list[str]:
    match value:
        case dict():
            return [text for inner in value.values() for text in _texts(inner)]
        case list():
            return [text for inner in value for text in _texts(inner)]
        case str():
            return [value]
    return []


@pytest.mark.parametrize(
    ("sector", "kept"),
    [
        ("Banking", ["banking"]),
        ("public administration", ["public administration"]),
        ("Arben Krasniqi, 1177338855", []),
        ("arben@bank.example", []),
        ("x" * 60, []),
    ],
)
def test_a_sector_is_kept_if_it_is_a_word(sector: str, kept: list[str]) -> None:
    """Free text that is no plain word stays out."""
    victim = {"kind": "organisation", "sector": sector}
    text = written(facts(victims=[victim]))

    assert kept == json.loads(text)["victim_sectors"]


@given(st.integers(0, 10**14), st.integers(1, 99), st.integers(0, 12))
def test_money_stays_on_its_side_of_a_bound(amount: int, lead: int, zeros: int) -> None:
    """Cut to two digits, an amount meets and misses the bounds that it met and missed.

    Of bounds with two digits, as thresholds of agreements are.
    """
    bound = lead * 10**zeros
    kept = coarse(amount)

    assert (amount >= bound, amount <= bound) == (kept >= bound, kept <= bound)


@given(incidents())
def test_what_is_kept_decides_the_same(made: dict[str, Any]) -> None:
    """For every agreement, the facts from the store lead to the verdict of before."""
    before = facts_of(world.receive(made).incident, world.NOW)
    after = read(written(before))

    assert after is not None
    for route in world.rulebook().routes:
        expected = policy.decide(before, route.rules, world.NOW)
        assert expected == policy.decide(after, route.rules, world.NOW)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"tlp":"amber"}'])
def test_incomplete_facts_are_no_facts(text: str) -> None:
    """What an older or newer Besa kept otherwise is not guessed at."""
    assert read(text) is None


def past(uid: str = "a", effect: str = "share", text: str = "", **more: Any) -> Past:
    """Return a decision of the past about a full incident."""
    kp = {"agreement": "kp-cybercrime", "recipient": "kp-misp", **more}
    return Past(uid, 1, effect=effect, facts=text, at=world.NOW, **kp)


def test_a_replay_tells_what_would_have_been_otherwise() -> None:
    """A verdict that differs is told with both effects; others are only counted."""
    text = written(facts())
    rules = world.route("kp-misp").rules
    effect = policy.decide(facts(), rules, world.NOW).effect
    other = Effect.WITHHOLD if effect is Effect.SHARE else Effect.SHARE
    book = replace(world.rulebook(), routes=(world.route("kp-misp"),))
    counted = Replayed()
    found = list(
        replay(
            [past("a", effect, text), past("b", other, text), past("c", other)],
            book,
            counted,
        )
    )

    assert [("b", other.value, effect)] == [
        (one.past.uid, one.past.effect, one.effect) for one in found
    ]
    assert (3, 2, 1) == (counted.incidents, counted.decisions, counted.without_facts)


def test_an_agreement_that_is_gone_shares_nothing() -> None:
    """Without its agreement, what was shared would have been withheld."""
    book = replace(world.rulebook(), routes=())
    found = list(replay([past(text=written(facts()))], book, Replayed()))

    assert ["no longer shared"] == [one.change.value for one in found]


def test_a_successor_that_says_the_same_changes_nothing() -> None:
    """A renewal under another name is no difference, whatever ended beside it."""
    text, route = written(facts()), world.route("kp-misp")
    effect = policy.decide(facts(), route.rules, world.NOW).effect
    renamed = route.agreement.model_copy(update={"agreement": "kp-second"})
    book = replace(world.rulebook(), routes=(replace(route, agreement=renamed),))
    before = [
        past("a", effect, text),
        past("a", "withhold", text, agreement="kp-first"),
        past("b", "withhold", text, agreement="kp-first"),
        past("b", effect, text),
    ]
    counted = Replayed()

    assert effect is not Effect.WITHHOLD
    assert [] == list(replay(before, book, counted))
    assert (2, 2) == (counted.incidents, counted.decisions)


def test_a_new_agreement_is_asked_about_everything() -> None:
    """An agreement that did not exist is compared with sharing nothing."""
    text = written(facts())
    one = past(text=text, agreement="other", recipient="other", effect="withhold")
    found = list(replay([one], world.rulebook(), Replayed()))

    assert {"kp-misp", "fiu-misp", "spo-misp"} == {
        each.past.recipient for each in found
    }
    assert all(each.past.effect == Effect.WITHHOLD for each in found)


def test_what_time_holds_back_is_noted_with_its_end() -> None:
    """An outcome knows until when an embargo, and nothing else, holds a share."""
    end = (world.NOW + timedelta(days=3)).replace(microsecond=0)
    made = world.incident(embargo_until=end.isoformat(), tlp="green")
    received = world.receive(made)
    outcome = noted(
        world.disclose(made), received, world.rulebook(), "u-erza", world.NOW
    )
    held = {
        share.decision.agreement
        for share in outcome.shares
        if share.decision.clauses == ("embargo",)
    }

    assert held
    assert dict.fromkeys(held, end) == outcome.waits_until
    assert "u-erza" == outcome.publisher
