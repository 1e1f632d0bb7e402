"""Bytes of one YAML file, read without guessing.

Bytes -> `Document`: plain values that know the line and column they stand at.

Invariants: every problem has file, line and column, counted from 1 (0 when the whole
file is meant); any bytes whatever give a `Document` or a `RulebookError`, never another
exception.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import yaml

from broker.errors import Problem, RulebookError
from broker.strict_yaml.document import Document, Place, Spot, Spots

MAX_BYTES: Final = 1_000_000
MAX_DEPTH: Final = 40
MAX_ENTRIES: Final = 100_000
_MAX_PROBLEMS: Final = 50
_MAX_DIGITS: Final = (
    18  # fits the 64-bit integers of every database and of JSON readers
)

# The C parser is some thirty times faster and gives the same events.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)\Z")
_CONSTANTS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
# Characters that show nothing, that reorder the text around them (U+202A to U+202E,
# U+2066 to U+2069), or that YAML, but not an editor, takes for the end of a line.
_UNSEEN: Final = re.compile(
    "[^\n -~\u00a1-\ud7ff\uf900-\ufffd\U00010000-\U0003ffff]"
    "|[\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
# What may be a comment, or text that was meant and is lost: "MoU #4".
_HASH: Final = re.compile(r"(?<=\S) #([^\W_])")
# Keys whose values are sentences. Elsewhere only a number after # is no comment's word.
_PROSE: Final = frozenset(
    {"act", "authority", "citation", "cites", "contact", "name", "note", "source"}
    | {"title", "why"}
)
_FORBIDDEN_IN_VALUES: Final = re.compile("[\x00\ud800-\udfff]")


def parse(file: str, data: bytes) -> Document:
    """Read one file, as `broker.strict_yaml.parse` says."""
    text = _text(file, data)
    # Hardly any file has such a comment; then no line is looked at.
    reading = _Reading(file, text.split("\n") if _HASH.search(text) else None)
    try:
        # `yaml.parse` asks for each event twice; the last one is followed by None.
        for event in iter(_LOADER(text).get_event, None):
            reading.take(event)
    except yaml.MarkedYAMLError as error:
        raise RulebookError((*reading.problems, _syntax(file, error))) from None
    except yaml.YAMLError:
        raise RulebookError((Problem(file, 0, 0, "this is not YAML"),)) from None
    if not reading.documents:
        reading.report((1, 1), "the file is empty")
    if reading.problems:
        raise RulebookError(tuple(reading.problems))
    doubts = tuple(reading.doubts)
    return Document(file, reading.value, reading.spot, doubts=doubts)


def _text(file: str, data: bytes) -> str:
    """Decode a file and refuse characters that a reader cannot see."""
    if len(data) > MAX_BYTES:
        raise _failed(file, (0, 0), f"larger than {MAX_BYTES} bytes")
    if data.startswith(b"\xef\xbb\xbf"):
        advice = "save the file as UTF-8 without BOM"
        raise _failed(file, (1, 1), "starts with a byte order mark", advice)
    try:
        text = data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        place = _place(before, len(before))
        raise _failed(file, place, "not UTF-8 text", "save as UTF-8") from None
    unseen = _UNSEEN.search(text)
    if unseen is None:
        return text
    place = _place(text, unseen.start())
    if unseen.group() == "\t":
        raise _failed(file, place, "a tab", "use spaces, or \\t within double quotes")
    message = f"the character U+{ord(unseen.group()):04X}, which cannot be seen"
    raise _failed(file, place, message, "remove it")


def _place(text: str, offset: int) -> Place:
    start = text.rfind("\n", 0, offset) + 1
    return text.count("\n", 0, offset) + 1, offset - start + 1


def _failed(file: str, place: Place, message: str, advice: str = "") -> RulebookError:
    return RulebookError((Problem(file, *place, message, advice),))


def _syntax(file: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    words = " ".join(filter(None, (error.context, error.problem)))
    advice = "is the indentation right, and is text with ': ' or ' #' in quotes?"
    return Problem(file, *place, f"not valid YAML: {words}", advice)


def _mark(event: Any) -> Place:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1


class _Open:
    """A list or mapping whose end has not come yet."""

    __slots__ = ("awaits_key", "items", "key", "key_place", "spots")

    def __init__(self, items: dict[str, Any] | list[Any], spots: Spots) -> None:
        self.items, self.spots = items, spots
        self.awaits_key = isinstance(items, dict)
        self.key = ""  # of a mapping: the key whose value comes next
        self.key_place = (0, 0)

    def put(self, place: Place, value: Any, inner: Spots | None) -> None:
        if isinstance(self.items, list):
            self.spots[len(self.items)] = (place, place, inner)
            self.items.append(value)
        else:
            self.items[self.key] = value
            # Of a key that is there twice the first place is the one that is named.
            self.spots.setdefault(self.key, (place, self.key_place, inner))
            self.awaits_key = True


class _Reading:
    """Turns the parser's events into values and keeps the place of each."""

    def __init__(self, file: str, lines: list[str] | None) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.doubts: list[Problem] = []
        self._lines = lines
        self.documents = 0
        self.value: Any = None
        self.spot: Spot = ((1, 1), (1, 1), None)
        self._entries = 0
        self._open: list[_Open] = []
        self._steps: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self._take_scalar,
            yaml.MappingStartEvent: self._start_mapping,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceStartEvent: self._start_list,
            yaml.SequenceEndEvent: self._end,
            yaml.DocumentStartEvent: self._start_document,
            yaml.AliasEvent: self._refuse_alias,
        }

    def report(self, place: Place, message: str, advice: str = "") -> None:
        """Note a problem; too many of them end the reading."""
        self.problems.append(Problem(self.file, *place, message, advice))
        if len(self.problems) >= _MAX_PROBLEMS:
            raise RulebookError(tuple(self.problems))

    def take(self, event: Any) -> None:
        """Take the next event of the parser."""
        step = self._steps.get(type(event))
        if step is not None:
            step(event)

    def _start_mapping(self, event: Any) -> None:
        self._refuse_extras(event)
        self._start(event, {})

    def _start_list(self, event: Any) -> None:
        self._refuse_extras(event)
        self._start(event, [])

    def _end(self, _: Any) -> None:
        self._open.pop()

    def _refuse_alias(self, event: Any) -> None:
        advice = "write it out; put text that starts with * in quotes"
        self.report(_mark(event), "an alias (a word after *)", advice)
        self._add(_mark(event), None)

    def _start_document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            self.report(_mark(event), "a second document", "one file, one document")
            # What follows is not what anybody will use.
            raise RulebookError(tuple(self.problems))
        if event.version or event.tags:
            self.report((1, 1), "a % directive", "remove the line")

    def _refuse_extras(self, event: Any) -> None:
        if event.anchor is not None:
            advice = "remove it; put text that starts with & in quotes"
            self.report(_mark(event), "an anchor (a word after &)", advice)
        # libyaml hides the lone "!" of a plain value behind an implicit flag.
        if event.tag is not None:
            advice = "remove it; put text that starts with ! in quotes"
            self.report(_mark(event), "a tag (a word after !)", advice)

    def _start(self, event: Any, items: dict[str, Any] | list[Any]) -> None:
        if len(self._open) >= MAX_DEPTH:
            self.report(_mark(event), f"nested deeper than {MAX_DEPTH} levels")
            raise RulebookError(tuple(self.problems))
        spots: Spots = {}
        self._add(_mark(event), items, spots)
        self._open.append(_Open(items, spots))

    def _take_scalar(self, event: Any) -> None:
        if event.anchor is not None or event.tag is not None:
            self._refuse_extras(event)
        style, text, place = event.style, event.value, _mark(event)
        # Only within double quotes can a character be written by its number; all others
        # have been seen already.
        if style == '"' and _FORBIDDEN_IN_VALUES.search(text):
            self.report(
                place, "an escaped character that no text may hold", "remove it"
            )
        if self._open and self._open[-1].awaits_key:
            self._take_key(place, text, plain=not style)
        else:
            value = text if style else self._scalar(place, text)
            if self._lines and not style and isinstance(value, str):
                self._doubt(self._lines, event.end_mark)
            self._add(place, value)

    def _doubt(self, lines: list[str], end: Any) -> None:
        """Note a comment right behind a text that may have been meant to go on."""
        found = _HASH.match(lines[end.line], end.column)
        if found is None or len(self.doubts) >= _MAX_PROBLEMS:
            return
        key = self._open[-1].key if self._open else ""
        if key in _PROSE or found[1].isdecimal():
            place = end.line + 1, end.column + 2
            message = "here begins a comment, and the text ends before it"
            advice = "put the text in quotes; or, for a comment, a blank after #"
            self.doubts.append(Problem(self.file, *place, message, advice))

    def _scalar(self, place: Place, text: str) -> Any:
        """Return what a plain word means."""
        if not text:
            advice = 'write null, "", [] or {}, whichever is meant'
            self.report(place, "there is no value here", advice)
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        return self._number(place, text) if _NUMBER.match(text) else text

    def _number(self, place: Place, text: str) -> int:
        if len(text) <= _MAX_DIGITS:
            return int(text)
        self.report(place, "a number with too many digits", "text goes in quotes")
        return 0

    def _take_key(self, place: Place, key: str, *, plain: bool) -> None:
        holder = self._open[-1]
        if plain and key == "<<":
            self.report(place, "a merge key", "write the entries out")
        elif plain and (not key or key in _CONSTANTS or _NUMBER.match(key)):
            self.report(place, "a key that is not text", "put it in quotes")
        elif key in holder.items:
            first = holder.spots[key][1][0]
            self.report(place, f"the key {_short(key)} again", f"first in line {first}")
        holder.key, holder.key_place, holder.awaits_key = key, place, False

    def _add(self, place: Place, value: Any, inner: Spots | None = None) -> None:
        """Put a value where it belongs."""
        if self._entries >= MAX_ENTRIES:
            self.report(place, f"more than {MAX_ENTRIES} entries")
            raise RulebookError(tuple(self.problems))
        self._entries += 1
        if not self._open:
            self.value, self.spot = value, (place, place, inner)
            return
        holder = self._open[-1]
        if holder.awaits_key:
            self.report(place, "a key that is not text", "put it in quotes")
            raise RulebookError(tuple(self.problems))
        holder.put(place, value, inner)


def _short(text: str) -> str:
    return f"`{text}`" if len(text) <= 60 else f"`{text[:57]}...`"
