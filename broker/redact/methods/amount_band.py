"""An amount of money as the band that it lies in."""

from __future__ import annotations

from bisect import bisect_right
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any, ClassVar, Final, Self

from broker.keys import RecipientKey
from broker.model.incident import Shape
from broker.redact.methods.method import Method, OptionError, no_options

_USUAL: Final = (1_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 10_000_000)


class AmountBand(Method):
    """The recipient learns how large a sum is, and not the sum."""

    name: ClassVar = "amount_band"
    accepts: ClassVar = frozenset({Shape.AMOUNT})
    returns: ClassVar = Shape.TEXT

    def __init__(self, bounds: tuple[int, ...]) -> None:
        self._bounds = bounds

    @classmethod
    def of(cls, options: dict[str, Any]) -> Self:
        """Make it; option ``bounds``: whole numbers, where each next band begins."""
        bounds = options.pop("bounds", list(_USUAL))
        no_options(cls.name, options)
        if not bounds_are_right(bounds):
            raise OptionError("bounds: must be whole numbers above 0 that grow")
        return cls(tuple(bounds))

    def apply(self, value: Any, key: RecipientKey) -> str | None:  # noqa: ARG002
        """Return ``10000-49999``, ``0-999`` or ``10000000+``."""
        try:
            amount = Decimal(str(value))
        except InvalidOperation:
            return None
        return band(int(amount), self._bounds) if amount.is_finite() else None


def bounds_are_right(bounds: Any) -> bool:
    """Say whether these are whole numbers above 0, each larger than the one before."""
    return (
        isinstance(bounds, list)
        and bool(bounds)
        and all(type(bound) is int and bound > 0 for bound in bounds)
        and all(low < high for low, high in pairwise(bounds))
    )


def band(number: int, bounds: tuple[int, ...]) -> str:
    """Return the band of a number, from its first to its last whole number."""
    place = bisect_right(bounds, number)
    low = bounds[place - 1] if place else 0
    return f"{low}-{bounds[place] - 1}" if place < len(bounds) else f"{low}+"
