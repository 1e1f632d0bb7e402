"""Which of two outcomes of redaction shows more: an order of disclosure, where one is.

Two outcomes of one field -> whether the new one may show what the old one did not.

Invariant: an outcome counts as showing no more than another only where whoever has what
the other leaves could make of it what the one leaves, for every value. What cannot be
ordered counts as more, in both directions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from broker.model.sharing import KEPT
from broker.prove.outcome import Outcome

# A method -> what shows no more than it does. They leave something of every value, so
# that a constant in its place tells nothing new: neither that there is a value nor how
# many a list has. What may leave nothing of a value (an age, a place, a domain that is
# not recognised) is not among them: a mask would tell that there is one.
_WITHIN: Final[Mapping[str, frozenset[str]]] = {
    "pseudonym": frozenset({"mask", "count_only"}),
    "scrub_text": frozenset({"mask", "count_only"}),
    # Both tell how many values there are, and nothing else.
    "mask": frozenset({"count_only"}),
    "count_only": frozenset({"mask"}),
}
_TIMES: Final = ("month", "day", "hour")
_PLACES: Final = ("region", "municipality")


def _no_finer(scale: tuple[str, ...]) -> Callable[[Any, Any], bool]:
    return lambda was, now: (
        was in scale and now in scale and scale.index(now) <= scale.index(was)
    )


def _no_longer(was: Any, now: Any) -> bool:
    return bool(now <= was)


def _joined(was: Any, now: Any) -> bool:
    """Say whether the new bands are old ones put together: no bound is a new one."""
    return set(now) <= set(was)


# How an option of a method is seen to show no more than another.
_OPTIONS: Final[Mapping[tuple[str, str], Callable[[Any, Any], bool]]] = {
    ("coarsen_time", "to"): _no_finer(_TIMES),
    ("coarsen_place", "to"): _no_finer(_PLACES),
    ("truncate_ip", "v4"): _no_longer,
    ("truncate_ip", "v6"): _no_longer,
    ("age_band", "bounds"): _joined,
    ("amount_band", "bounds"): _joined,
}


def shows_more(old: Outcome, new: Outcome) -> bool:
    """Say whether the new outcome may show something that the old one did not."""
    if old.same_as(new) or new.is_withheld or old.method == KEPT:
        return False
    if old.method != new.method:
        return new.method not in _WITHIN.get(old.method, ())
    was, now = dict(old.options), dict(new.options)
    if was.keys() != now.keys():
        return True
    return not all(
        was[name] == now[name] or _narrows(old.method, name, was[name], now[name])
        for name in was
    )


def unordered(old: Outcome, new: Outcome) -> bool:
    """Say whether each of two outcomes may show something that the other does not."""
    return shows_more(old, new) and shows_more(new, old)


def _narrows(method: str, option: str, was: Any, now: Any) -> bool:
    narrower = _OPTIONS.get((method, option))
    return narrower is not None and narrower(was, now)
