"""Read Besa's own incident format: the JSON of `broker.model.incident`.

Bytes -> `Parsed`. Strict: an unknown field, a wrong type or an impossible time refuses
the message, because guessing what an analyst meant is how too much gets shared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from pydantic import ValidationError

from broker.canonical import dumps, loads
from broker.errors import IntakeError
from broker.intake.parsed import Parsed
from broker.intake.values import normal
from broker.intake.wrong import as_intake_error, not_json, path_of
from broker.model.incident import Incident, Observable
from broker.model.intake import MOST_ITEMS
from broker.model.mapping import ObservableKind

_ESCAPED: Final = re.compile(rb"\\.")
_LARGE: Final = 100_000


def read(raw: bytes, kinds: Mapping[str, ObservableKind]) -> Parsed:
    """Read one incident.

    Raises:
        IntakeError: with the path of the first field that is wrong, never its value.
    """
    if len(raw) > _LARGE:
        _refuse_too_many(raw)
    try:
        incident = Incident.model_validate_json(raw, strict=True)
    except ValidationError as error:
        if _is_no_json(error):
            _refuse_what_is_no_json(raw)
        raise as_intake_error(error) from None
    _refuse_what_is_said_twice(raw)
    return Parsed(with_normal_values(incident, kinds))


def _refuse_too_many(raw: bytes) -> None:
    """Refuse a message with so many items that saying what is wrong fills the memory.

    Raises:
        IntakeError: a list holds more than ``MOST_ITEMS``.
    """
    with suppress(ValueError):
        waiting: list[tuple[str, Any]] = [("", loads(raw))]
        while waiting:
            path, value = waiting.pop()
            if isinstance(value, dict | list) and len(value) > MOST_ITEMS:
                problem = f"it holds {len(value)} items"
                raise IntakeError(path, problem, f"at most {MOST_ITEMS} are taken")
            if isinstance(value, dict):
                for key, inner in value.items():
                    if isinstance(inner, dict | list):
                        waiting.append((path or path_of((key,)), inner))
            elif isinstance(value, list):
                waiting += [(path, each) for each in value if isinstance(each, dict)]


def _is_no_json(error: ValidationError) -> bool:
    # Then nothing else was found. A number may be too large for a parser, and JSON.
    return error.error_count() == 1 and error.errors()[0]["type"] == "json_invalid"


def _refuse_what_is_no_json(raw: bytes) -> None:
    """Say where bytes stop being JSON, in the same words as of every other format."""
    try:
        loads(raw)
    except ValueError as error:
        raise not_json(raw, error) from None


def _refuse_what_is_said_twice(raw: bytes) -> None:
    """Refuse a message in which one key stands twice in one object.

    A parser keeps one of the two, so it knows fewer texts than stand in the message.
    """
    if _texts(raw) != _texts(dumps(loads(raw))):
        json.loads(raw, object_pairs_hook=_once)


def _texts(raw: bytes) -> int:
    """Count the quotes around texts and keys: those that are not escaped."""
    plain = _ESCAPED.sub(b"", raw) if b"\\" in raw else raw
    return plain.count(b'"')


def _once(pairs: list[tuple[str, Any]]) -> None:
    """Refuse an object that says one thing twice: which of the two is meant?"""
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        twice = next(name for name in names if names.count(name) > 1)
        raise IntakeError(path_of((twice,)), "it is there twice", "say it once")


def with_normal_values(
    incident: Incident, kinds: Mapping[str, ObservableKind]
) -> Incident:
    """Return the incident with each observable's value in its normal form.

    Raises:
        IntakeError: an observable is of an unknown kind, or its value is not of it.
    """
    changed: dict[int, Observable] = {}
    for index, observable in enumerate(incident.observables):
        row = kinds.get(observable.kind)
        if row is None:
            raise IntakeError(
                f"observables[{index}].kind",
                "there is no such kind of observable",
                "'besa mappings show observables' lists them",
            )
        value = normal(observable.value, row)
        if value is None:
            raise IntakeError(
                f"observables[{index}].value",
                f"it is not a value of the kind {row.kind}",
                "correct the value, or choose the kind that fits",
            )
        if value != observable.value:
            changed[index] = observable.model_copy(update={"value": value})
    if not changed:
        return incident
    observables: list[Any] = list(incident.observables)
    for index, observable in changed.items():
        observables[index] = observable
    return incident.model_copy(update={"observables": tuple(observables)})
