"""An age in years as the band that it lies in.

The usual bands end where Kosovo's juvenile law does: under 14, 14 and 15, 16 and 17 (to
be confirmed by a lawyer).
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final, Self

from broker.keys import RecipientKey
from broker.model.incident import Shape
from broker.redact.methods.amount_band import band, bounds_are_right
from broker.redact.methods.method import Method, OptionError, no_options

_USUAL: Final = (14, 16, 18, 25, 35, 45, 55, 65)
_AGE: Final = re.compile(
    r"\s*(\d{1,3})\s*(?:years?(?: old)?|vjec|vjeç|vjeçe|vjet|godina|godine|година)?\s*",
    re.IGNORECASE | re.ASCII,
)
_OLDEST: Final = 130


class AgeBand(Method):
    """The recipient learns about how old somebody is."""

    name: ClassVar = "age_band"
    accepts: ClassVar = frozenset({Shape.TEXT})
    returns: ClassVar = Shape.TEXT

    def __init__(self, bounds: tuple[int, ...]) -> None:
        self._bounds = bounds

    @classmethod
    def of(cls, options: dict[str, Any]) -> Self:
        """Make it; option ``bounds``: the ages at which each next band begins."""
        bounds = options.pop("bounds", list(_USUAL))
        no_options(cls.name, options)
        if not bounds_are_right(bounds) or bounds[-1] > _OLDEST:
            raise OptionError(f"bounds: must be ages from 1 to {_OLDEST} that grow")
        return cls(tuple(bounds))

    def apply(self, value: Any, key: RecipientKey) -> str | None:  # noqa: ARG002
        """Return ``25-34`` of ``31`` or ``31 years``; what is no age is withheld."""
        found = _AGE.fullmatch(str(value))
        if not found or int(found[1]) > _OLDEST:
            return None
        return band(int(found[1]), self._bounds)

    def kind_after(self, kind: str, shape: Shape) -> str:  # noqa: ARG002
        """What is left of an observable is a plain text."""
        return "text"
