"""Passwords, keys and tokens: in URLs, as key and value, and by their own form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from broker.redact.scrub.detectors.detector import Detector
from broker.redact.scrub.reading import Reading

_URL: Final = re.compile(r"(?<=://)[^\s/@?#'\"<>]{1,256}(?=@)")
_KEY: Final = (
    r"(?:pass(?:word|wd|phrase|code)?|pwd|pin|cvv2?|cvc|secret|token|api[_-]?key"
    r"|access[_-]?key|client[_-]?secret|auth(?:orization|[_-]?key)?|session(?:id|[_-]id)?"
    r"|jsessionid|phpsessid|sid|otp|pw|fjal[ei]?kalim\w*|kodi?|lozink\w*|sifr\w*)"
)
# After an equals sign or a colon anything is the value; after a word only what could
# not be a word itself.
_PAIR: Final = re.compile(
    rf"(?<![a-z0-9]){_KEY}[\"']? ?(?:=>?|:|->) ?"
    r"(?:bearer |basic |\"([^\"\n]{1,256})\"|'([^'\n]{1,256})')?"
    r"([^\s,;&\"'<>)\]]{1,256})?"
)
_SAID: Final = re.compile(
    rf"(?<![a-z0-9]){_KEY}(?!\w)(?:-\w{{1,3}}\b)?"
    r"(?: (?:is|was|eshte|ishte|je|bila|bio|glasi))? ?[\"']?"
    r"((?=[^\s\"']{0,40}[0-9#$%&*!@?+])[^\s\"',;=:>-][^\s\"',;]{3,63})"
)
# With a word or two between: then it must look like nothing else.
_FAR: Final = re.compile(
    rf"(?<![a-z0-9]){_KEY}(?!\w)(?:-\w{{1,3}}\b)?(?: [a-z-]{{1,12}}){{1,3}} "
    r"((?=[^\s]{0,30}[a-z])(?=[^\s]{0,30}\d)[^\s\"',;=:]{6,40})"
)
_PIN: Final = re.compile(r"\bpin(?!\w)[^\d\n]{0,20}(\d{4,8})\b")
_WORDS: Final = frozenset(
    """e i te me ne se the is a an for of must and or to dhe nuk u je za od i ili
    required reset policy change changed weak unknown none null empty missing invalid
    wrong expired leaked stolen true false yes no""".split()  # noqa: SIM905
)
_FORMS: Final = re.compile(
    r"(?<!\w)(?:eyJ[\w-]{8,2000}\.[\w-]{8,4000}\.[\w-]{0,1000}"  # JSON Web Token
    r"|(?:AKIA|ASIA)[0-9A-Z]{16}"
    r"|gh[pousr]_[0-9A-Za-z]{36,255}"
    r"|xox[abprs]-[0-9A-Za-z-]{10,200}"
    r"|glpat-[\w-]{20,40}"
    r"|sk_live_[0-9A-Za-z]{16,64})(?!\w)"
)
# What stands where a secret was.
_GONE: Final = re.compile(r"\[[a-z -]{1,20} removed")
_BLOCK: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----")
_BLOCK_END: Final = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----")


class Secret(Detector):
    """A secret: whoever has it can act as somebody else."""

    name: ClassVar = "secret"

    def find(self, reading: Reading) -> Iterator[tuple[int, int]]:
        """Yield the secret itself; the word that says what it is stays."""
        lower = reading.lower
        for found in _URL.finditer(reading.text):
            yield found.span()
        for found in _PAIR.finditer(lower):
            yield from _value(found)
        for pattern in (_SAID, _FAR, _PIN):
            for found in pattern.finditer(lower):
                yield found.span(1)
        for found in _FORMS.finditer(reading.text):
            yield found.span()
        yield from _blocks(reading.text)


def _value(found: re.Match[str]) -> Iterator[tuple[int, int]]:
    for group in (1, 2):
        if found[group]:
            yield found.span(group)
    bare = found[3]
    if bare and _GONE.match(found.string, found.start(3)):
        return
    # A full stop ends the sentence; any other sign may belong to a password.
    if bare and bare.rstrip(".") and bare.rstrip(".!?") not in _WORDS:
        start, end = found.span(3)
        yield start, end - (len(bare) - len(bare.rstrip(".")))


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    place = 0
    while begin := _BLOCK.search(text, place):
        end = _BLOCK_END.search(text, begin.end())
        # Without its end, everything that follows may be key.
        place = end.end() if end else len(text)
        yield begin.start(), place
