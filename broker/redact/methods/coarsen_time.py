"""Coarsen a time: to the hour, the day or the month in which it lies (UTC)."""

from __future__ import annotations

from typing import Any, ClassVar, Final, Self

from broker.keys import RecipientKey
from broker.model.incident import Shape
from broker.redact.methods.method import Method, OptionError, no_options

# Times arrive as YYYY-MM-DDTHH:MM:SSZ: what is kept of it, and what replaces the rest.
_CUTS: Final = {
    "hour": (13, ":00:00Z"),
    "day": (10, "T00:00:00Z"),
    "month": (7, "-01T00:00:00Z"),
}


class CoarsenTime(Method):
    """The recipient learns the hour, day or month, and not the moment."""

    name: ClassVar = "coarsen_time"
    accepts: ClassVar = frozenset({Shape.TIME})

    def __init__(self, to: str) -> None:
        self._keep, self._rest = _CUTS[to]

    @classmethod
    def of(cls, options: dict[str, Any]) -> Self:
        """Make it; option ``to``: hour, day (usual) or month."""
        to = options.pop("to", "day")
        no_options(cls.name, options)
        if to not in _CUTS:
            raise OptionError(f"to: must be one of {', '.join(_CUTS)}")
        return cls(to)

    def apply(self, value: Any, key: RecipientKey) -> str:  # noqa: ARG002
        """Return the start of the hour, day or month."""
        return str(value)[: self._keep] + self._rest
