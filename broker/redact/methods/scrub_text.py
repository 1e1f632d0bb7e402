"""Scrub a text: what is withheld elsewhere goes, and what looks like personal data.

How a text is searched: `broker.redact.scrub`; how well: docs/redaction.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Self

from broker.keys import RecipientKey
from broker.model.incident import Shape
from broker.redact.methods.method import Method, no_options

if TYPE_CHECKING:
    from broker.redact.scrub import Scrubber


@cache
def _alone() -> Scrubber:
    """Return what knows no incident, but what looks like personal data."""
    # A tenth of all that the path imports, for the profiles that scrub texts.
    from broker.redact.scrub import Scrubber

    return Scrubber()


@dataclass(frozen=True, slots=True)
class KeyWithin(RecipientKey):
    """A recipient's key within one incident: it knows what else of it is withheld."""

    scrubber: Scrubber = field(kw_only=True, repr=False)


class ScrubText(Method):
    """The recipient sees the text, with a word for everything that was cut out."""

    name: ClassVar = "scrub_text"
    accepts: ClassVar = frozenset({Shape.TEXT, Shape.URL})

    @classmethod
    def of(cls, options: dict[str, Any]) -> Self:
        """Make it; there are no options."""
        no_options(cls.name, options)
        _alone()  # imported with the profile, and not with the first incident
        return cls()

    def apply(self, value: Any, key: RecipientKey) -> str:
        """Return the scrubbed text; a key within an incident knows what is withheld."""
        scrubber = key.scrubber if isinstance(key, KeyWithin) else _alone()
        return scrubber.scrub(str(value))
