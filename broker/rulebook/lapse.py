"""Agreements that end soon or have ended: sharing stops by itself, but is announced.

`Rulebook` + a day -> one `Lapse` per agreement that somebody should look after.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from broker.errors import Problem
from broker.rulebook.snapshot import Rulebook

WARNED_BEFORE: Final = (60, 30, 7)
"""On how many days before its end an agreement is spoken of with more urgency."""


@dataclass(frozen=True, slots=True)
class Lapse:
    """An agreement near or past its last day; ``days`` is negative afterwards.

    ``within`` is the smallest of 60, 30 and 7 that the days left fit in, 0 when it has
    ended.
    """

    agreement: str
    recipient: str
    until: date
    days: int
    within: int
    place: tuple[str, int, int]

    @property
    def words(self) -> str:
        """Say it in a sentence without an end."""
        if self.days < 0:
            return f"not in force since {self.until}: nothing more is shared"
        left = (
            "today is its last day" if not self.days else f"{self.days} days are left"
        )
        return f"ends on {self.until}: {left}".replace("1 days are", "1 day is")

    def problem(self) -> Problem:
        """Return it with its place in the policy files."""
        advice = "agree on a following memorandum, and write it beside this one"
        return Problem(*self.place, self.words, advice)


def lapses(book: Rulebook, today: date) -> tuple[Lapse, ...]:
    """Return every agreement that ends within 60 days or has ended, most urgent first.

    One that has ended and whose recipient has another one now is done, and left out.
    """
    in_force = {
        route.agreement.recipient
        for route in book.routes
        if route.agreement.valid.start <= today <= route.agreement.valid.until
    }
    found: list[Lapse] = []
    for route in book.routes:
        agreement = route.agreement
        days = (agreement.valid.until - today).days
        if days > max(WARNED_BEFORE) or (days < 0 and agreement.recipient in in_force):
            continue
        if days >= 0 and _is_followed(book, agreement.recipient, agreement.valid.until):
            continue
        within = min((each for each in WARNED_BEFORE if days <= each), default=0)
        document = route.document
        place = (document.file, *document.at(("valid", "until")))
        found.append(
            Lapse(
                agreement.agreement,
                agreement.recipient,
                agreement.valid.until,
                days,
                within if days >= 0 else 0,
                place,
            )
        )
    return tuple(sorted(found, key=lambda each: (each.days, each.agreement)))


def _is_followed(book: Rulebook, recipient: str, until: date) -> bool:
    """Say whether another agreement begins as soon as this one ends."""
    return any(
        route.agreement.recipient == recipient
        and 0 < (route.agreement.valid.start - until).days <= 1
        for route in book.routes
    )
