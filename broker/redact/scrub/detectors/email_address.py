"""E-mail addresses, also with blanks and words in the place of signs.

Source: RFC 5322, 3.4.1 (dot-atom) and RFC 6531 (letters beyond ASCII), read loosely:
what a person takes for an address is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from broker.redact.scrub.detectors.detector import Detector
from broker.redact.scrub.reading import Reading

# Read from the sign backwards, so that no letter is looked at from two beginnings.
_LOCAL: Final = re.compile(r" ?(?:\"[^\"\n]{1,62}\"|[\w.!#$%&'*+/=?^`{|}~-]{1,64})")
_LONGEST_LOCAL: Final = 66
_DOMAIN: Final = re.compile(
    r" ?(?:\[[0-9a-fA-F:.]{2,45}\]"
    r"|(?:\w(?:[\w-]{0,62}\w)?(?:\.| \. )){1,8}\w[\w-]{0,62}\w)"
)
_URL_ENDS: Final = re.compile(r"[\s/@]")
_SPOKEN: Final = re.compile(
    r"\b(?:[\w-]{1,64} (?:dot|pike|tacka) ){0,2}[\w.+-]{1,64} (?:at|et) "
    r"[\w-]{1,63}(?: ?(?:\.| dot | pike | tacka ) ?[\w-]{2,63})"
    r"{1,4}\b"
)
# A name with a sign in it before the word; "look at posta.example" is none.
_HALF_SPOKEN: Final = re.compile(
    r"\b(?=\w{0,40}[._\d])[\w.+-]{3,64} (?:at|et) (?:[\w-]{1,63}\.){1,4}[a-z]{2,63}\b"
)
_SPOKEN_DOT: Final = re.compile(r" (?:dot|pike|tacka) ")
# What may stand around an address and is no part of it.
_AROUND: Final = "'`*{|}=/?&#"


class EmailAddress(Detector):
    """A mailbox: somebody can be written to, and often told who it is."""

    name: ClassVar = "e-mail"

    def find(self, reading: Reading) -> Iterator[tuple[int, int]]:
        """Yield every address; the sign in its middle is what is looked for."""
        text = reading.text
        at = text.find("@")
        while at >= 0:
            domain = _DOMAIN.match(text, at + 1)
            local = domain and _LOCAL.match(
                text[max(0, at - _LONGEST_LOCAL) : at][::-1]
            )
            if domain and local and not _logs_in(text, at):
                start = at - local.end()
                while start < at - 1 and text[start] in _AROUND:
                    start += 1
                yield start, domain.end()
            at = text.find("@", domain.end() if domain else at + 1)
        if " at " not in reading.lower and " et " not in reading.lower:
            return
        for found in _SPOKEN.finditer(reading.lower):
            if _SPOKEN_DOT.search(found[0]):
                yield found.span()
        for found in _HALF_SPOKEN.finditer(reading.lower):
            yield found.span()


def _logs_in(text: str, at: int) -> bool:
    """Say whether it is who logs in where, in a URL: a secret, and no mailbox."""
    begin = text.rfind("://", max(0, at - 300), at)
    return begin >= 0 and not _URL_ENDS.search(text, begin + 3, at)
