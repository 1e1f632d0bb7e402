"""Keep: the value as it is."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from broker.keys import RecipientKey
from broker.model.incident import Shape
from broker.redact.methods.method import Method, no_options


class Keep(Method):
    """The recipient sees the value as the CSIRT knows it."""

    name: ClassVar = "keep"
    accepts: ClassVar = frozenset(Shape)

    @classmethod
    def of(cls, options: dict[str, Any]) -> Self:
        """Make it; there are no options."""
        no_options(cls.name, options)
        return cls()

    def apply(self, value: Any, key: RecipientKey) -> Any:  # noqa: ARG002
        """Return the value itself."""
        return value
