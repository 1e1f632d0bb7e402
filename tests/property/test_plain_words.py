"""What is told from the words of conditions alone is what the proofs say of them."""

from __future__ import annotations

import random
from typing import Any, Final

from broker.model.agreement import Clause, Never, When
from broker.prove.diagram import EMPTY
from broker.prove.domain import Domain
from broker.prove.facts import questions
from broker.prove.never import holds_plainly
from broker.rulebook.clauses import covers
from tests.property.test_compare_brute_force import CONDITIONS, KINDS

TRIES: Final = 3_000


def _written(rng: random.Random, most: int) -> dict[str, Any]:
    chosen = rng.sample(sorted(CONDITIONS), rng.randint(0, most))
    return {
        name: choose(rng)
        for side in chosen
        for name, choose in [rng.choice(CONDITIONS[side])]
    }


def test_conditions_that_cover_others_do_so_for_every_incident() -> None:
    """Where words say that one condition follows from another, no incident differs."""
    rng, told = random.Random(7), 0
    for _ in range(TRIES):
        wide = _written(rng, 2)
        # Half of the time the same and more, so that it happens often.
        narrow = {**_written(rng, 2), **(wide if rng.random() < 0.5 else {})}
        first, second = When(**wide), When(**narrow)
        if not covers(first, second):
            continue
        told += len(wide) > 0
        asked = dict.fromkeys([*questions(first), *questions(second)])
        domain = Domain(asked, tuple(KINDS))
        space = domain.space
        inside = space.both(domain.possible, domain.all_hold(questions(second)))
        assert EMPTY == space.but_not(inside, domain.all_hold(questions(first)))

    assert TRIES / 20 < told


def test_a_safeguard_that_asks_a_person_is_not_one_that_withholds() -> None:
    """Only a safeguard as strict as the statement makes it hold by its words."""
    when = When(minor_involved=True)
    strict = Never(id="never", cites="art. 1", when=when)
    mild = Never(id="never", cites="art. 1", when=when, unless="review")

    def said(effect: str, fast: bool = False, **asked: Any) -> tuple[bool, bool]:
        clause = Clause(
            id="c", cites="a", effect=effect, when=When(**asked), fast_lane=fast
        )
        return holds_plainly(strict, [clause]), holds_plainly(mild, [clause])

    assert (True, True) == said("withhold", minor_involved=True)
    assert (False, True) == said("review", minor_involved=True)
    assert (False, False) == said("review", fast=True, minor_involved=True)
    assert (False, False) == said("share", minor_involved=True)
    assert (False, False) == said("withhold", minor_involved=False)
    assert (True, True) == said("withhold")
    assert (False, False) == said("withhold", minor_involved=True, tlp_at_least="red")
    assert not holds_plainly(strict, [])
