"""What is told from the words of conditions alone is what the proofs say of them."""

from __future__ import annotations

import random
from typing import Any, Final

from broker.model.agreement import Clause, Never, When
from broker.model.presence import OPTIONAL_FIELDS
from broker.prove.diagram import EMPTY
from broker.prove.domain import Domain
from broker.prove.facts import questions
from broker.prove.never import holds_plainly
from broker.rulebook.clauses import covers, never_holds
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


def _tied(rng: random.Random) -> dict[str, Any]:
    """Return conditions on few facts that hang together, often against each other."""
    fields = ("has_field_in", "has_no_field_in")
    sides = rng.choice(
        (("victims", "suspects"), ("loss",), ("observables",), ("reporter",), ("age",))
    )
    plain = [each for side in sides for each in CONDITIONS[side] if each[0] in _OWN]
    made: dict[str, Any] = {
        name: choose(rng) for name, choose in rng.sample(plain, min(2, len(plain)))
    }
    within = [path for path in OPTIONAL_FIELDS if _is_about(path, sides)]
    for name in fields:
        if rng.random() < 0.7:
            made[name] = frozenset(
                rng.sample(within, min(len(within), rng.choice((1, 4))))
            )
    return made


_OWN: Final = {*When.model_fields} - {"has_field_in", "has_no_field_in"}
_STARTS: Final = {"loss": "financial_loss", "age": "times."}


def _is_about(path: str, sides: tuple[str, ...]) -> bool:
    return path.startswith(tuple(_STARTS.get(side, side) for side in sides))


def test_what_never_holds_is_found_from_the_words_and_nothing_else() -> None:
    """Conditions are refused if, and only if, no incident there is fulfils them."""
    rng, refused = random.Random(8), 0
    for number in range(TRIES):
        when = When(**(_tied(rng) if number % 2 else _written(rng, 4)))
        domain = Domain(dict.fromkeys(questions(when)), tuple(KINDS))
        met = domain.space.both(domain.possible, domain.all_hold(questions(when)))
        found = list(never_holds(when))
        refused += bool(found)

        assert (met == EMPTY) == bool(found), (when, found)

    assert TRIES / 20 < refused < TRIES / 2


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
