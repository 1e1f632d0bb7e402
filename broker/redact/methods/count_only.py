"""Count: of a list, the recipient learns how many values it has, and none of them."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from broker.keys import RecipientKey
from broker.model.incident import Shape
from broker.redact.methods.method import Method, no_options


class CountOnly(Method):
    """A list becomes its length; a value by itself, a list of one."""

    name: ClassVar = "count_only"
    accepts: ClassVar = frozenset(
        {Shape.TEXT, Shape.NAME, Shape.PHONE, Shape.ACCOUNT, Shape.EMAIL, Shape.URL}
    )
    returns: ClassVar = Shape.TEXT
    whole_list: ClassVar = True

    @classmethod
    def of(cls, options: dict[str, Any]) -> Self:
        """Make it; there are no options."""
        no_options(cls.name, options)
        return cls()

    def apply(self, value: Any, key: RecipientKey) -> Any:  # noqa: ARG002
        """Return the number in words that no system takes for a value."""
        if isinstance(value, list):
            return [f"[{len(value)} withheld]"]
        return "[1 withheld]"

    def kind_after(self, kind: str, shape: Shape) -> str:  # noqa: ARG002
        """What is left of an observable is a plain text."""
        return "text"
