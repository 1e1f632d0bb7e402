"""Which of a recipient's agreements decides, and how its editions are numbered."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from broker.errors import RulebookError
from broker.model.agreement import OnExpiry, Validity
from broker.model.sharing import NO_HISTORY, History, Outcome, Share, State
from broker.rulebook import Route, Rulebook
from tests.unit import given
from tests.unit.given import KP

SECOND, LANE = "kp-second", "kp-misp"


def renamed(route: Route, name: str, start: date, until: date, **more: Any) -> Route:
    """Return an agreement under another name and of other dates."""
    valid = Validity(**{"from": start, "until": until})
    changed = {"agreement": name, "valid": valid, **more}
    return replace(
        route,
        agreement=route.agreement.model_copy(update=changed),
        rules=replace(route.rules, agreement=name, start=start, until=until),
    )


def book(first: tuple[date, date], second: tuple[date, date], **more: Any) -> Rulebook:
    """Return the shipped policies with two agreements with the police."""
    police = given.route()
    others = [r for r in given.shipped().routes if r is not police]
    two = (
        renamed(police, KP, *first),
        renamed(police, SECOND, *second, **more),
    )
    return replace(given.shipped(), routes=(*two, *others))


# The unit tests' day is 2026-11-21.
ENDED = (date(2026, 1, 1), date(2026, 11, 20))
NOW = (date(2026, 11, 21), date(2028, 12, 31))
LATER = (date(2026, 12, 1), date(2028, 12, 31))
LONG_ENDED = (date(2025, 1, 1), date(2025, 12, 31))
ALWAYS = (date(2026, 1, 1), date(2028, 12, 31))


def speaks(rules: Rulebook) -> str:
    """Return the agreement that decides about the police's cases."""
    route = rules.speaks_for(LANE, given.NOW.date())
    return route.agreement.agreement if route else ""


def police(outcome: Outcome) -> dict[str, Share]:
    """Return what became of an incident under the agreements with the police."""
    return {
        share.decision.agreement: share
        for share in outcome.shares
        if share.decision.recipient == LANE
    }


def after(history: History, rules: Rulebook, **changes: Any) -> History:
    """Return the history once a revision was decided."""
    return history.after(given.disclose(history, rules, **changes))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (ENDED, NOW, SECOND),
        (NOW, ENDED, KP),
        (ENDED, LATER, KP),
        (LONG_ENDED, ENDED, SECOND),
        (ENDED, LONG_ENDED, KP),
    ],
)
def test_one_agreement_decides(
    first: tuple[date, date], second: tuple[date, date], expected: str
) -> None:
    """The one in force; else the one that ended last; and never two."""
    assert expected == speaks(book(first, second))


def test_of_agreements_to_come_the_next_decides() -> None:
    """Before any of them began, the one that begins first speaks: it withholds."""
    rules = book(LATER, (date(2029, 1, 1), date(2030, 1, 1)))

    assert KP == speaks(rules)
    assert {State.WITHHELD} == {
        share.state for share in police(given.disclose(book=rules)).values()
    }


def test_nobody_decides_for_whom_nothing_is_agreed() -> None:
    """A recipient without an agreement has none that speaks."""
    assert given.shipped().speaks_for("nobody", given.NOW.date()) is None


def test_two_in_force_share_nothing() -> None:
    """The files are not read like that; if it happened, a person would have to look."""
    rules = book(ALWAYS, NOW)
    shares = police(given.disclose(book=rules))

    with pytest.raises(RulebookError, match="two agreements in force"):
        speaks(rules)
    assert {State.HELD} == {share.state for share in shares.values()}
    assert {None} == {share.sealed for share in shares.values()}


def test_a_successor_counts_on() -> None:
    """Number and creation go on; what shows the same is not made again."""
    before = after(NO_HISTORY, book(NOW, LATER))
    rules = book(ENDED, NOW)
    same = police(given.disclose(before, rules, revision=2))
    other = police(given.disclose(before, rules, revision=2, title="Another"))
    edition = other[SECOND].edition

    assert edition is not None
    assert State.UNCHANGED == same[SECOND].state
    assert (2, before.editions[LANE].created) == (edition.number, edition.created)
    assert (State.WITHHELD, True) == (other[KP].state, other[KP].aside)
    assert not other[SECOND].aside


def test_the_agreement_that_ended_takes_nothing_back() -> None:
    """One edition takes back what the successor withholds, and not the one before."""
    before = after(NO_HISTORY, book(NOW, LATER))
    gone = {"classification": "information-gathering/scanner", "severity": "low"}
    shares = police(given.disclose(before, book(ENDED, NOW), revision=2, **gone))
    sealed = shares[SECOND].sealed

    assert sealed is not None
    assert (2, True) == (sealed.edition, sealed.retracts)
    assert shares[KP].sealed is None


@pytest.mark.parametrize("last", OnExpiry)
def test_when_all_have_ended_the_stricter_counts(last: OnExpiry) -> None:
    """What it was shared under has a say beside what was agreed last."""
    before = after(NO_HISTORY, book(NOW, LATER))
    rules = book(LONG_ENDED, ENDED, on_expiry=last)
    shares = police(given.disclose(before, rules, revision=2))

    assert (State.QUEUED, True) == (shares[SECOND].state, shares[KP].aside)


def test_what_the_last_agreement_shared_and_lets_keep_stays() -> None:
    """Where both the last one and the one that it was shared under say so."""
    rules = book(LONG_ENDED, NOW, on_expiry=OnExpiry.KEEP)
    before = after(NO_HISTORY, rules)
    ended = book(LONG_ENDED, ENDED, on_expiry=OnExpiry.KEEP)
    shares = police(given.disclose(before, ended, revision=2))

    assert (1, SECOND) == (before.editions[LANE].number, before.under[LANE])
    assert State.WITHHELD == shares[SECOND].state
