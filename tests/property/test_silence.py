"""What is remembered of agreements that say nothing is what asking them would give."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from broker import pipeline, policy
from broker.model.agreement import Embargo, FastLane, Recipient, Safeguards, Validity
from broker.model.incident import Urgency
from broker.model.marking import Pap, Tlp
from broker.model.sharing import NO_HISTORY, Share, State
from broker.policy import Hearing, Rules
from broker.rulebook import Rulebook
from broker.rulebook.silence import Silence
from tests.property.test_law2_default_deny import OPEN, agreement, clauses, file
from tests.strategies import KINDS, facts
from tests.unit import given as example
from tests.unit.test_side_by_side import SHARED

_DAYS = st.dates(date(2026, 6, 1), date(2026, 6, 4))
_NOW = st.builds(
    lambda day, hour: datetime(day.year, day.month, day.day, hour, tzinfo=UTC),
    _DAYS,
    st.integers(0, 23),
)


@st.composite
def _rules(draw: st.DrawFn) -> list[Rules | None]:
    """Return the rules of some agreements under the same safeguards."""
    above = draw(clauses(most=2))
    common = policy.compile_safeguards(
        Safeguards(safeguards=above), file("safeguards"), KINDS
    )
    found: list[Rules | None] = []
    for _ in range(draw(st.integers(1, 4))):
        start, until = sorted([draw(_DAYS), draw(_DAYS)])
        changed = {
            "valid": Validity(**{"from": start, "until": until}),
            "fast_lane": draw(st.none() | st.just(FastLane(cites="art. 1"))),
            "embargo": draw(
                st.none() | st.just(Embargo(cites="art. 1", hold_back_days=2))
            ),
        }
        clearance = {
            "tlp": draw(st.sampled_from(Tlp)),
            "pap": draw(st.sampled_from(Pap)),
        }
        recipient = Recipient.model_validate(
            OPEN.model_dump(exclude_unset=True)
            | {"clearance": clearance, "suspended": draw(st.booleans())}
        )
        rules = policy.compile_rules(
            agreement(draw(clauses(most=2))).model_copy(update=changed),
            recipient,
            common,
            file("agreement"),
            KINDS,
        )
        found.append(draw(st.sampled_from([rules, rules, rules, None])))
    return found


@given(_rules(), st.lists(st.tuples(facts(), _NOW), min_size=1, max_size=6))
def test_what_is_remembered_is_what_asking_gives(
    rules: list[Rules | None], asked: list[tuple[policy.Facts, datetime]]
) -> None:
    """Whatever was asked before, on the same day or another, about any incident."""
    silence = Silence(rules)
    # The same incident with what may be forgotten in remembering.
    variants = [
        (replace(one, **change), now)
        for one, now in asked
        for change in (
            {},
            {"tlp": Tlp.AMBER, "pap": Pap.RED},
            {"tlp": Tlp.RED, "pap": Pap.AMBER},
            {"urgency": Urgency.THREAT_TO_LIFE},
            {"embargo_until": now + timedelta(hours=1)},
            {"embargo_until": now},
        )
    ]

    for one, now in variants:
        shares = silence.about(Hearing(one, now))

        assert len(rules) == len(shares)
        for share, each in zip(shares, rules, strict=True):
            if share is not None:
                assert each is not None
                decision = policy.decide(one, each, now)
                assert Share(decision, State.WITHHELD) == share


SAID_NOTHING_OF = "intrusions/burglary"
"""By one of the shipped agreements: the one with the prosecution."""


def _talkative() -> Rulebook:
    """Return the shipped policies, every agreement of which is asked every time."""
    book = replace(example.shipped())
    object.__setattr__(book, "silence", Silence([None] * len(book.routes)))
    return book


def test_shipped_agreements_are_silent() -> None:
    """Of a burglary at least one of the shipped agreements says nothing."""
    received = example.received(classification=SAID_NOTHING_OF)
    hearing = Hearing(policy.facts_of(received.incident, example.NOW), example.NOW)

    assert any(example.shipped().silence.about(hearing))


def test_a_silent_agreement_stays_an_agreement() -> None:
    """It still says that a revision is stale, and takes back what was shared before."""
    shared = example.disclose(revision=2, **SHARED)
    assert {State.QUEUED} == {share.state for share in shared.shares}
    before = pipeline.advance(NO_HISTORY, shared)

    for history, revision in ((NO_HISTORY, 3), (before, 1), (before, 3)):
        now, asked = (
            example.disclose(
                history, book, revision=revision, classification=SAID_NOTHING_OF
            )
            for book in (example.shipped(), _talkative())
        )
        assert asked == now


def test_a_day_that_is_over_is_forgotten() -> None:
    """Once an agreement has ended, what it said the day before counts no more."""
    book = example.shipped()
    facts = policy.facts_of(
        example.incident(classification=SAID_NOTHING_OF), example.NOW
    )
    rules = [replace(route.rules, until=example.NOW.date()) for route in book.routes]
    silence = Silence(rules)

    today = silence.about(Hearing(facts, example.NOW))
    tomorrow = silence.about(Hearing(facts, example.NOW + timedelta(days=1)))

    assert any(today)
    assert not any(tomorrow)
