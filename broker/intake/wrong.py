"""Says in plain words why a message is no incident, for those who wrote it.

Bytes that are no JSON, or what a validation found -> `IntakeError`.

Invariant: no error holds what the message says. A place is a path of known names, or a
line and a column; a suggestion is made for names of fields only, never for a value.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from broker.canonical import loads
from broker.errors import IntakeError
from broker.model.incident import declarations

_FIELD: Final = re.compile(r"[a-z][a-z0-9_]{0,40}")
_INDEX: Final = re.compile(r"\[\d+\]")
_QUOTED: Final = re.compile(r"'([^']*)'")
_MOST_ERRORS: Final = 10_000
_MOST_NAMED: Final = 3
# Two letters that changed places, or one that is missing; no more.
_ALIKE: Final = 0.75
_ADVICE: Final = "'besa schema' prints the fields and their types"
_TYPES: Final = "'besa mappings show taxonomy' lists them"
ONE_OBJECT: Final = "send one JSON object"
_ONE_BY_ONE: Final = (
    "'besa publish' and 'besa convert' take a list apart; elsewhere, give them one"
)
_TOO_DEEP: Final = "depth limit exceeded"  # in the parser's words
_MARK: Final = b"\xef\xbb\xbf"
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff")
_AS_UTF8: Final = "save it as UTF-8 without a byte-order mark"

# What pydantic says about a value, in the words of somebody who writes an incident.
_PLAINLY: Final[dict[str, str]] = {
    "missing": "is missing",
    "extra_forbidden": "there is no such field",
    "string_type": "is not a text",
    "int_type": "is not a whole number",
    "bool_type": "is not true or false",
    "tuple_type": "is not a list",
    "model_type": "is not an object",
    "model_attributes_type": "is not an object",
    "greater_than_equal": "is less than {ge}",
    "less_than_equal": "is more than {le}",
    "string_too_short": "has fewer than {min_length} characters",
    "string_too_long": "has more than {max_length} characters",
    "string_pattern_mismatch": "is not written as it must be: {pattern}",
    "too_long": "has more than {max_length} items",
    "timezone_aware": "has no time zone (Z is UTC)",
}


def not_json(raw: bytes, error: ValueError) -> IntakeError:
    """Return what is wrong with bytes that should be JSON and are not.

    ``error`` is what the parser raised; of its words only the place is told.
    """
    if not raw.strip():
        return IntakeError("", "it is empty", ONE_OBJECT)
    if raw.startswith((_MARK, *_WIDE)):
        return IntakeError("", "it begins with a byte-order mark", _AS_UTF8)
    try:
        raw.decode()
    except UnicodeDecodeError as wrong:
        line = raw.count(b"\n", 0, wrong.start) + 1
        return IntakeError("", f"it is not UTF-8: line {line}", _AS_UTF8)
    place = f"line {getattr(error, 'lineno', 1)}, column {getattr(error, 'colno', 1)}"
    # Line by line they are JSON: somebody meant a file of several.
    if getattr(error, "lineno", 1) > 1 and _begins_with_a_whole_line(raw):
        return IntakeError("", f"a second object begins at {place}", _ONE_BY_ONE)
    if getattr(error, "msg", "") == _TOO_DEEP:
        return IntakeError("", f"it is nested too deeply: {place}", ONE_OBJECT)
    return IntakeError("", f"it is not JSON: {place}", ONE_OBJECT)


def _begins_with_a_whole_line(raw: bytes) -> bool:
    try:
        return isinstance(loads(raw.lstrip().partition(b"\n")[0]), dict)
    except ValueError:
        return False


def not_an_object(value: Any) -> IntakeError:
    """Return what is wrong with JSON that is not one object."""
    if isinstance(value, list):
        return IntakeError("", f"it is a list of {len(value)}", _ONE_BY_ONE)
    return IntakeError("", "it is not a JSON object", ONE_OBJECT)


def as_intake_error(error: ValidationError) -> IntakeError:
    """Say what a validation found first, without the value that it found."""
    if error.error_count() > _MOST_ERRORS:
        # To list them takes a kilobyte of memory for each.
        return IntakeError("", f"{error.error_count()} fields are wrong", _ADVICE)
    first, *others = error.errors(include_url=False, include_input=False)
    path, problem = path_of(first["loc"]), _plainly(first)
    rest = dict.fromkeys(path_of(other["loc"]) for other in others)
    rest.pop(path, None)
    named = [name or "the whole" for name in rest][:_MOST_NAMED]
    if named:
        more = f" and {len(rest) - len(named)} more" if len(rest) > len(named) else ""
        problem += f"; also wrong: {', '.join(named)}{more}"
    return IntakeError(path, problem, _advice(first, path))


def _plainly(found: ErrorDetails) -> str:
    context = found.get("ctx", {})
    if found["type"] == "enum":
        known = _QUOTED.findall(str(context.get("expected", "")))
        return f"is not one of {', '.join(known)}"
    if context.get("min_length") == 1:
        return "is empty"
    if words := _PLAINLY.get(found["type"]):
        return words.format_map(context)
    return found["msg"].removeprefix("Value error, ")


def _advice(found: ErrorDetails, path: str) -> str:
    if found["type"] == "extra_forbidden":
        return _meant(path) or _ADVICE
    return _TYPES if path == "classification" else _ADVICE


def _meant(path: str) -> str:
    """Return the field that was meant by a misspelt one, if one is like it."""
    around, _, name = _INDEX.sub("[]", path).rpartition(".")
    before = f"{around}." if around else ""
    known = {
        declared.removeprefix(before).partition(".")[0].removesuffix("[]")
        for declared in declarations()
        if declared.startswith(before)
    }
    close = get_close_matches(name, sorted(known), n=1, cutoff=_ALIKE)
    return f"did you mean {close[0]}?" if close else ""


def path_of(place: tuple[int | str, ...]) -> str:
    """Return a place in a message as a path: ``victims[0].country``."""
    path = ""
    for step in place:
        if isinstance(step, int):
            path += f"[{step}]"
        else:
            # A key that looks like no field name may be a value in the wrong place.
            name = step if _FIELD.fullmatch(step) else "(unreadable name)"
            path += f".{name}" if path else name
    return path
