"""What every redaction method is: a name, the shapes it accepts, and one function.

A value and the recipient's key -> the value that may be seen, or nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from broker.keys import RecipientKey
from broker.model.incident import Shape


class OptionError(ValueError):
    """An option in a profile is unknown or out of its range."""


class Method(ABC):
    """One way to make a value less telling."""

    name: ClassVar[str]
    accepts: ClassVar[frozenset[Shape]]
    # The shape that its results have; nothing where that is the value's own.
    returns: ClassVar[Shape | None] = None
    # Whether a list of values is one value to it, and not each by itself.
    whole_list: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def of(cls, options: dict[str, Any]) -> Method:
        """Make the method with the options that a profile gives.

        Raises:
            OptionError: an option is unknown or out of its range.
        """

    @abstractmethod
    def apply(self, value: Any, key: RecipientKey) -> Any | None:
        """Return what the recipient may see, as a JSON value; None withholds it."""

    def kind_after(self, kind: str, shape: Shape) -> str:  # noqa: ARG002
        """Return the kind that an observable has once its value went through this."""
        return kind


def no_options(name: str, options: dict[str, Any]) -> None:
    """Refuse options for a method that has none."""
    if options:
        raise OptionError(f"{name} takes no option {sorted(options)[0]!r}")
