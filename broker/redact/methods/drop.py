"""Drop: nothing is left, not even that there was a value."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from broker.keys import RecipientKey
from broker.model.incident import Shape
from broker.redact.methods.method import Method, no_options


class Drop(Method):
    """The recipient does not learn that there is a value."""

    name: ClassVar = "drop"
    accepts: ClassVar = frozenset(Shape)

    @classmethod
    def of(cls, options: dict[str, Any]) -> Self:
        """Make it; there are no options."""
        no_options(cls.name, options)
        return cls()

    def apply(self, value: Any, key: RecipientKey) -> None:  # noqa: ARG002
        """Return nothing."""
        return
