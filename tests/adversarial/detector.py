"""Find leaks in what leaves, by plain means and without the guard's code.

An incident + a recipient -> the values that their profile does not keep. A document ->
which of these stand in it: as they are, without case, accents and signs, or in the very
writing in which they were planted.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from broker.model.marking import DataClass
from tests import world
from tests.profiles import DECLARED, rule_of

_UNSEEN: Final = re.compile(
    "[\u00ad\u0300-\u036f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe0f\ufeff\U000e0041]"
)
_SIGNS: Final = re.compile(r"[\W_]+")
# Letters with a stroke, which no decomposition takes away.
_STROKES: Final = str.maketrans("đłøı", "dloi")
# Fewer letters stand together by chance.
_LEAST: Final = 8
_UNTELLING: Final = frozenset({"code", "flag"})


@dataclass(frozen=True, slots=True)
class Canary:
    """A withheld value, and the field that it stands in."""

    path: str
    value: str


def canaries(incident: Mapping[str, Any], recipient: str) -> list[Canary]:
    """Return the telling values of an incident that a recipient's profile changes.

    Words of closed lists and flags tell nothing by themselves, and counts neither.
    """
    return [
        Canary(path, str(one))
        for path, item, value in _values(incident)
        if _telling(path) and not kept(recipient, path, item)
        for one in (value if isinstance(value, list) else [value])
    ]


def _telling(path: str) -> bool:
    declared = DECLARED[path]
    if declared.shape == "number":
        return declared.data_class is DataClass.FINANCIAL
    return declared.shape not in _UNTELLING


def _facts(item: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    names = ("kind", "role", "consent", "minor")
    return tuple((name, item[name]) for name in names if name in item)


def kept(recipient: str, path: str, item: Mapping[str, Any]) -> bool:
    """Say whether a recipient may see a field of an item as it is."""
    return method_of(recipient, path, item) == "keep"


def method_of(recipient: str, path: str, item: Mapping[str, Any]) -> str:
    """Return the method that a recipient's profile has for a field of an item."""
    return _method(recipient, path, _facts(item))


@cache
def _method(recipient: str, path: str, facts: tuple[tuple[str, Any], ...]) -> str:
    profile = world.profile_of(recipient)
    return rule_of(profile, path, dict(facts)).method


@cache
def _steps() -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """Return every path as the list it stands in, and the steps within an item."""
    found = []
    for path in DECLARED:
        owner, bracket, inner = path.partition("[].")
        within = inner if bracket else path
        steps = tuple(within.removesuffix("[]").split("."))
        found.append((path, owner if bracket else "", steps))
    return tuple(found)


def _values(
    incident: Mapping[str, Any],
) -> Iterator[tuple[str, Mapping[str, Any], Any]]:
    for path, owner, steps in _steps():
        for item in incident.get(owner, ()) if owner else (incident,):
            value: Any = item
            for step in steps:
                value = value.get(step) if isinstance(value, dict) else None
            if value is not None:
                yield path, item, value


class Document:
    """The bytes of a document, as they are searched."""

    def __init__(self, body: bytes) -> None:
        """Read the bytes with the parser of the standard library."""
        strings: list[str] = []
        values: list[str] = []
        _collect(json.loads(body), strings, values)
        self.texts = "\n".join(strings)
        self.plain = plain(self.texts)
        self.bare = f"{bare(self.plain)} {bare(plain(''.join(values)))}"

    def leaks(self, wanted: list[Canary], planted: str = "") -> list[str]:
        """Return the fields of which a value stands here."""
        found = [one.path for one in wanted if self._holds(one.value)]
        if planted and (planted in self.texts or bare(plain(planted)) in self.bare):
            found.append("planted")
        return found

    def _holds(self, value: str) -> bool:
        folded = plain(value)
        if folded in self.plain:
            if not (folded[0].isdigit() or folded[-1].isdigit()):
                return True
            # 203.0.113.77 does not stand in 203.0.113.177, nor 5 in 1995.
            edges = rf"(?<!\d){re.escape(folded)}(?!\d)"
            if re.search(edges, self.plain):
                return True
        letters = bare(folded)
        return len(letters) >= _LEAST and not letters.isdigit() and letters in self.bare


def _collect(value: Any, strings: list[str], values: list[str]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            strings.append(key)
            if key == "value" and isinstance(inner, str):
                values.append(inner)
            _collect(inner, strings, values)
    elif isinstance(value, list):
        for inner in value:
            _collect(inner, strings, values)
    elif isinstance(value, str):
        strings.append(value)


def plain(text: str) -> str:
    """Return a text without case, accents and what nobody sees."""
    if not text.isascii():
        text = _UNSEEN.sub("", unicodedata.normalize("NFKD", text))
        text = text.casefold().translate(_STROKES)
    return text.casefold()


def bare(text: str) -> str:
    """Return a text without blanks and signs."""
    return _SIGNS.sub("", text)
