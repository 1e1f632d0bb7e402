"""A document as a typed model, with every mistake located and explained.

`Document` -> frozen pydantic model. Types are strict: a number is never taken for text
nor text for a number. A misspelt key or word is answered with the nearest known one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from broker.errors import Problem, RulebookError
from broker.model.presence import OPTIONAL_FIELDS
from broker.model.rsit import RSIT_CATEGORIES, RSIT_TYPES
from broker.strict_yaml.document import Document, Path

M = TypeVar("M", bound=BaseModel)

_MAX_SHOWN: Final = 60
_MAX_LISTED: Final = 12
# So many words of a closed list are all shown, unless one is as near as this.
_FEW: Final = 4
_CLEARLY: Final = 0.75
_QUOTED: Final = re.compile(r"'([^']*)'")

# Vocabularies that a validator of our own checks, found by what the validator says.
_VOCABULARIES: Final[dict[str, tuple[str, ...]]] = {
    "not one of the 39 RSIT types": RSIT_TYPES,
    "not an RSIT category": RSIT_CATEGORIES,
    "not a field that an incident may lack": OPTIONAL_FIELDS,
}

# What pydantic says about types, in the words of somebody who edits a file.
_PLAINLY: Final[dict[str, str]] = {
    "string_type": "a text is needed here",
    "int_type": "a whole number is needed here",
    "bool_type": "true or false is needed here",
    "tuple_type": "a list is needed here",
    "list_type": "a list is needed here",
    "frozen_set_type": "a list is needed here",
    "set_type": "a list is needed here",
    "dict_type": "a mapping (key: value) is needed here",
    "model_type": "a mapping (key: value) is needed here",
    "model_attributes_type": "a mapping (key: value) is needed here",
    "too_short": "at least one is needed here",
    "date_type": "a date such as 2026-01-31 is needed here",
    "date_from_datetime_parsing": "a date such as 2026-01-31 is needed here",
    "date_parsing": "a date such as 2026-01-31 is needed here",
    "greater_than_equal": "at least {ge} is needed here",
    "less_than_equal": "at most {le} is possible here",
    "less_than": "less than {lt} is possible here",
    "string_too_short": "a text is needed here that is not empty",
    "string_too_long": "at most {max_length} characters are possible here",
}
# The same of texts that must be written in a certain way, by how it is defined.
_WRITTEN: Final[dict[str, str]] = {
    r"^[a-z0-9][a-z0-9-]{0,62}$": "a name of small letters, digits and hyphens is "
    "needed here",
    r"^[a-z][a-z0-9-]{0,63}$": "a name of small letters, digits and hyphens is needed "
    "here",
    r"^[A-Z]{2}$": "a country as two capital letters, such as XK, is needed here",
    r"^[A-Z]{3}$": "a currency as three capital letters, such as EUR, is needed here",
}


def load(document: Document, model: type[M]) -> M:
    """Return what a file says as a typed, checked and frozen model.

    Raises:
        RulebookError: it does not say what the model needs; carries every problem with
            its place and, where a word seems misspelt, the nearest known one.
    """
    try:
        # By way of JSON, because there strict means what is wanted: lists become sets
        # and words dates, but no number becomes a text.
        return model.model_validate_json(json.dumps(document.value), strict=True)
    except ValidationError as error:
        problems = _problems(document, model, error)
        raise RulebookError(tuple(problems)) from None


def nearest(word: str, known: Iterable[str]) -> str:
    """Return advice that names the nearest known word, or lists the few that exist."""
    words = sorted(known)
    close = get_close_matches(word, words, n=1, cutoff=0.6)
    # Only the size of the letters is wrong: that is nearer than anything else.
    close = [each for each in words if each.casefold() == word.casefold()] or close
    if close:
        return f"did you mean {close[0]}?"
    listed = ", ".join(words)
    return f"one of: {listed}" if 0 < len(words) <= _MAX_LISTED else ""


def _choice(word: str, known: list[str]) -> str:
    """Return advice for a word of a closed list.

    Of a few words all are shown, unless one is clearly meant: who writes ``hold`` may
    mean a review, and is not sent to ``withhold``.
    """
    few = 0 < len(known) <= _FEW
    if few and not get_close_matches(word.casefold(), known, n=1, cutoff=_CLEARLY):
        return f"one of: {', '.join(sorted(known))}"
    return nearest(word, known)


def _problems(
    document: Document, model: type[BaseModel], error: ValidationError
) -> list[Problem]:
    found: dict[tuple[int, int, str], Problem] = {}
    errors = error.errors(include_url=False)
    for details in errors:
        if details["type"] == "too_short" and _is_explained(details["loc"], errors):
            continue
        problem = _problem(document, model, details)
        # Of a union every branch complains; the place and the words are the same.
        found.setdefault((problem.line, problem.column, problem.message), problem)
    return sorted(found.values(), key=lambda each: (each.line, each.column))


def _is_explained(loc: tuple[str | int, ...], errors: list[ErrorDetails]) -> bool:
    """Say whether a list is only empty because what stands in it is wrong."""
    size = len(loc)
    return any(
        len(other["loc"]) > size and other["loc"][:size] == loc for other in errors
    )


def _problem(
    document: Document, model: type[BaseModel], details: ErrorDetails
) -> Problem:
    kind, loc = details["type"], details["loc"]
    path = _path(document.value, loc)
    last = str(loc[-1]) if loc else ""
    if kind == "extra_forbidden":
        advice = nearest(last, _keys_of(model, loc[:-1]))
        return document.key_problem(path, f"there is no key `{_short(last)}`", advice)
    if kind == "missing":
        return document.key_problem(path, f"`{last}` is missing")
    message, advice = _explain(details)
    return document.problem(path, message, advice)


def _explain(details: ErrorDetails) -> tuple[str, str]:
    """Return what is wrong with a value and what to do about it."""
    kind, given = details["type"], details["input"]
    message = details["msg"].removeprefix("Value error, ")
    if kind in {"enum", "literal_error"}:
        known = _QUOTED.findall(str(details.get("ctx", {}).get("expected", "")))
        return f"{_shown(given)} is not known here", _choice(str(given), known)
    for start, vocabulary in _VOCABULARIES.items():
        if message.startswith(start):
            unknown = [word for word in _words(given) if word not in vocabulary]
            return f"{message}: {_shown(unknown[0])}", nearest(unknown[0], vocabulary)
    context = details.get("ctx", {})
    if kind == "string_pattern_mismatch":
        return _WRITTEN.get(str(context.get("pattern")), message), ""
    if kind in _PLAINLY:
        return _PLAINLY[kind].format_map(context), _remedy(kind, given)
    return message, ""


def _remedy(kind: str, given: Any) -> str:
    """Return how to write what was given as what is needed, where that is plain."""
    if kind == "string_type" and isinstance(given, int):
        return "put it in quotes"
    if kind == "frozen_set_type" and isinstance(given, str):
        return f"write [{_short(given)}]"
    return ""


def _words(given: Any) -> list[str]:
    return [str(word) for word in given] if isinstance(given, list) else [str(given)]


def _shown(value: Any) -> str:
    return f"`{_short(str(value))}`" if isinstance(value, str) else "this"


def _short(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 3]}..."


def _path(value: Any, loc: tuple[str | int, ...]) -> Path:
    """Return the part of pydantic's location that exists in the document.

    Pydantic also names the branches of a union, which no file knows.
    """
    path: list[str | int] = []
    for part in loc:
        inside_mapping = isinstance(value, dict) and part in value
        inside_list = isinstance(value, list) and isinstance(part, int)
        if inside_mapping or (inside_list and 0 <= int(part) < len(value)):
            value = value[part]
            path.append(part)
    return tuple(path)


def _keys_of(model: type[BaseModel], loc: tuple[str | int, ...]) -> set[str]:
    """Return the keys that the model at a location has."""
    models: list[Any] = [model]
    for part in loc:
        inner: list[Any] = []
        for each in models:
            for name, info in each.model_fields.items():
                if part in {name, info.alias}:
                    inner += _models_in(info.annotation)
        # A list's index or a mapping's key stays with the model of its values.
        models = inner or models
    return {
        info.alias or name
        for each in models
        for name, info in each.model_fields.items()
    }


def _models_in(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    inner = getattr(annotation, "__args__", ())
    return [model for argument in inner for model in _models_in(argument)]
