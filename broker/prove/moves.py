"""Where two rulebooks decide differently, as kinds of moves between verdicts.

Two agreements over one domain -> for each move, such as "newly disclosed", the boxes of
incidents that make it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from broker.model.decision import Effect
from broker.prove.diagram import EMPTY, Box, Node
from broker.prove.domain import Domain
from broker.prove.verdict import Verdicts


class Move(StrEnum):
    """What becomes of incidents under the new rulebook that was otherwise before."""

    NEWLY_DISCLOSED = "newly disclosed"
    RELEASED = "released from hold"
    NEWLY_HELD = "newly held, was withheld"
    NOW_HELD = "now held, was disclosed"
    NO_LONGER_DISCLOSED = "no longer disclosed"
    NO_LONGER_HELD = "no longer held, now withheld"

    @property
    def widens(self) -> bool:
        """Whether more can leave than before.

        What is held may leave after a person's word, which it could not when it was
        withheld.
        """
        return self in (Move.NEWLY_DISCLOSED, Move.RELEASED, Move.NEWLY_HELD)


EFFECTS: dict[Move, tuple[Effect, Effect]] = {
    Move.NEWLY_DISCLOSED: (Effect.WITHHOLD, Effect.SHARE),
    Move.RELEASED: (Effect.REVIEW, Effect.SHARE),
    Move.NO_LONGER_DISCLOSED: (Effect.SHARE, Effect.WITHHOLD),
    Move.NOW_HELD: (Effect.SHARE, Effect.REVIEW),
    # After those whose shadow they may be.
    Move.NEWLY_HELD: (Effect.WITHHOLD, Effect.REVIEW),
    Move.NO_LONGER_HELD: (Effect.REVIEW, Effect.WITHHOLD),
}
_SHADOW_OF = {
    Move.NEWLY_HELD: Move.NEWLY_DISCLOSED,
    Move.NO_LONGER_HELD: Move.NO_LONGER_DISCLOSED,
}


@dataclass(frozen=True, slots=True)
class Moved:
    """One move: the cells, and boxes that show them.

    Boxes reach into cells that a safeguard, the clearance or an embargo overrules in
    both rulebooks alike. ``shadow`` says that the same boxes are held, or were held,
    where such a rule asks for a person.
    """

    move: Move
    cells: Node
    boxes: tuple[Box, ...]
    shadow: bool = False


def moved(
    domain: Domain, old: Verdicts, new: Verdicts, period: Node
) -> Iterator[Moved]:
    """Yield every move between two verdicts in a period; none when nothing differs."""
    space = domain.space
    possible = space.both(domain.possible, period)
    decided = space.but_not(possible, space.both(old.above, new.above))
    found: dict[Move, Moved] = {}
    for move, (was, now) in EFFECTS.items():
        cells = space.all_of([old.of(was), new.of(now), possible])
        caster = found.get(_SHADOW_OF[move]) if move in _SHADOW_OF else None
        if caster and cells != EMPTY:
            cast = space.any_of(map(space.box, caster.boxes))
            overruled = space.but_not(cells, decided)
            if space.both(overruled, cast) != EMPTY:
                found[caster.move] = Moved(
                    caster.move, caster.cells, caster.boxes, shadow=True
                )
            cells = space.but_not(cells, space.both(overruled, cast))
        if cells == EMPTY:
            continue
        # A box that may reach into what is overruled anyway is shorter to say.
        seen = space.both(cells, decided)
        boxes = list(space.cover(seen, decided)) if seen != EMPTY else []
        rest = space.but_not(cells, space.any_of(map(space.box, boxes)))
        if rest != EMPTY:
            boxes += space.cover(rest, possible)
        found[move] = Moved(move, cells, tuple(boxes))
    yield from found.values()
