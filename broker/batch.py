"""Take several incidents the whole way together.

Incidents, in order, and their histories -> an outcome for each. A batch of the consumer
takes less time than its incidents would take one by one: see `broker.abreast`.

Invariants: each outcome is the one that `pipeline.disclose` gives; an error with one
incident leaves all others alone; two revisions of one incident never go abreast; only
small incidents do, because what is made of all these is in memory together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Final

from broker import pipeline
from broker.abreast import side_by_side, to_its_end, tried
from broker.keys import Keys
from broker.model.sharing import NO_HISTORY, History, Outcome
from broker.pipeline import Received
from broker.rulebook import Rulebook

# So many incidents go abreast: all that the consumer takes at once.
_ABREAST: Final = 64
_SMALL: Final = 1024  # observables, of all that go abreast


def disclose_each(
    received: Iterable[Received],
    histories: Mapping[str, History],
    *,
    rulebook: Rulebook,
    keys: Keys,
    now: datetime,
) -> Iterator[Outcome | Exception]:
    """Yield, in order, what `pipeline.disclose` returns or raises for each incident.

    ``histories`` are by uid. Once an outcome is out, whoever takes it may put what
    `pipeline.advance` makes of it there: the next revision of the same incident is
    begun only after that.
    """
    for few in _few(received):
        ways = {}
        for one in few:
            uid = one.incident.uid
            history = histories.get(uid, NO_HISTORY)
            ways[uid] = tried(
                partial(pipeline.disclosing, one, rulebook, keys, history, now)
            )
        yield from to_its_end(side_by_side(ways, _ABREAST)).values()


def _few(received: Iterable[Received]) -> Iterator[list[Received]]:
    """Yield incidents, in order, as few at a time as may go abreast."""
    few: list[Received] = []
    uids: set[str] = set()
    size = 0
    for one in received:
        uid, more = one.incident.uid, len(one.incident.observables)
        if few and (len(few) == _ABREAST or size + more > _SMALL or uid in uids):
            yield few
            few, uids, size = [], set(), 0
        few.append(one)
        uids.add(uid)
        size += more
    if few:
        yield few
