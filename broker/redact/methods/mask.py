"""Mask: the recipient sees that there is a value, and nothing about it."""

from __future__ import annotations

from typing import Any, ClassVar, Final, Self

from broker.keys import RecipientKey
from broker.model.incident import Shape
from broker.redact.methods.method import Method, no_options

# One constant for every value: a mask that kept the length would tell names apart.
MASK: Final = "[withheld]"


class Mask(Method):
    """Every value becomes the same constant text."""

    name: ClassVar = "mask"
    accepts: ClassVar = frozenset(
        {Shape.TEXT, Shape.NAME, Shape.PHONE, Shape.ACCOUNT, Shape.EMAIL, Shape.URL}
    )
    returns: ClassVar = Shape.TEXT

    @classmethod
    def of(cls, options: dict[str, Any]) -> Self:
        """Make it; there are no options."""
        no_options(cls.name, options)
        return cls()

    def apply(self, value: Any, key: RecipientKey) -> str:  # noqa: ARG002
        """Return the constant."""
        return MASK

    def kind_after(self, kind: str, shape: Shape) -> str:  # noqa: ARG002
        """A masked observable is a plain text."""
        return "text"
