"""What a MISP says when it does not do as asked, and what that means for a delivery.

`Answer` (a status that is not 2xx) -> `Refused`, `Unavailable` or `Busy`, each with a
fixed phrase. The statuses are those seen with MISP 2.5.1; several mean something else
than in HTTP, such as 404 for "exists already" and 405 for a wrong sharing group.

Invariant: the server's own words choose the phrase and are never passed on, because a
server may quote what it was sent.
"""

from __future__ import annotations

from typing import Final

from broker.deliver import Busy
from broker.errors import DeliveryError, Refused, Unavailable


class Answer(Exception):  # noqa: N818 - an answer, which may be no error at all
    """The server's answer when it is not 2xx: status, its words, when to come back."""

    def __init__(
        self, status: int, words: str, retry_after: float | None = None
    ) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.words = words
        self.retry_after = retry_after


class NotMisp(Exception):  # noqa: N818 - reads as what it says
    """What answered does not speak as a MISP does."""


# Status, part of the words, phrase; the first that fits counts.
_REFUSALS: Final = (
    (401, "", "the key is not accepted"),
    (403, "Authentication failed", "the key is not accepted"),
    (403, "from your IP address", "the key may not be used from this address"),
    (403, "do not have permission", "the key has no right to do this"),
    (403, "not authorised to do so", "the event there belongs to another organisation"),
    (403, "blocklist", "the event was deleted there, which blocks it for ever"),
    (403, "Could not", "the server does not accept the event as valid"),
    (403, "", "the server does not allow it"),
    (405, "haring Group", "the sharing group is not known or not allowed there"),
    (405, "", "the server does not accept such a request"),
    (413, "", "the event is too large for the server"),
)
_LATER: Final = frozenset({408, 425, 429})


def refusal_of(answer: Answer) -> DeliveryError:
    """Return the error that an answer means."""
    status = answer.status
    if status >= 500 or status in _LATER:
        phrase = "it asks for patience" if status in (429, 503) else "it has a fault"
        if answer.retry_after is not None:
            return Busy(phrase, status, answer.retry_after)
        return Unavailable(phrase, status)
    for refused, words, phrase in _REFUSALS:
        if status == refused and words in answer.words:
            return Refused(phrase, status)
    if 300 <= status < 400:
        return Unavailable(
            "it points to another address, which is not followed", status
        )
    if status == 404:
        return Unavailable("there is no MISP at this address", status)
    return Refused("the server does not accept the request", status)
