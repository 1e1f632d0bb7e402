"""What every reader of an input format returns: the incident, and what was not taken.

A reader's findings -> `Parsed`. An input format may say more than an incident can
hold; whatever a reader does not take is named, so that nothing goes missing unnoticed.

Invariant: a note names a place and a reason, never a value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from broker.model.incident import Incident

MOST_NOTES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Parsed:
    """An incident, and the places in the message that were left behind.

    Each note is a path with a reason in brackets: ``Event.Attribute[3] (type other)``.
    """

    incident: Incident
    left_behind: tuple[str, ...] = ()


class LeftBehind:
    """Collects the notes of one reading; past `MOST_NOTES` it only counts."""

    def __init__(self) -> None:
        self._notes: list[str] = []
        self._more = 0

    def note(self, path: str, why: str) -> None:
        """Note that what stands at ``path`` was not taken, and why."""
        if len(self._notes) < MOST_NOTES:
            self._notes.append(f"{path} ({why})")
        else:
            self._more += 1

    def notes(self) -> tuple[str, ...]:
        """Return the notes in order; the last one tells how many were cut."""
        cut = (f"and {self._more} more",) if self._more else ()
        return (*self._notes, *cut)
