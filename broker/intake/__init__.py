"""Intake: bytes in any known format -> an incident, or an error that says where.

The format is told by the message's content type; without one, by looking.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from broker.canonical import loads
from broker.errors import IntakeError
from broker.intake import misp_event, native
from broker.intake.parsed import Parsed
from broker.model.mapping import ObservableKind

Reader = Callable[[bytes, Mapping[str, ObservableKind]], Parsed]

# By the short name that `--format` takes.
FORMATS: Final[dict[str, tuple[str, Reader]]] = {
    "native": ("application/vnd.besa.incident+json", native.read),
    "misp-event": ("application/vnd.misp.event+json", misp_event.read),
}
_BY_CONTENT_TYPE: Final = {kind: name for name, (kind, _) in FORMATS.items()}
# Larger than any incident that a person could check before it is shared.
MAX_BYTES: Final = 16 * 1024 * 1024


def read(
    raw: bytes, content_type: str | None, kinds: Mapping[str, ObservableKind]
) -> tuple[str, Parsed]:
    """Read a message; return the short name of its format, and the incident.

    Raises:
        IntakeError: too large, of an unknown format, or wrong in a field.
    """
    if len(raw) > MAX_BYTES:
        raise IntakeError(
            "", f"the message has {len(raw)} bytes", f"at most {MAX_BYTES} are taken"
        )
    name = format_of(raw, content_type)
    return name, FORMATS[name][1](raw, kinds)


def format_of(raw: bytes, content_type: str | None) -> str:
    """Return the short name of a message's format.

    Raises:
        IntakeError: the content type is unknown, or the message is not a JSON object.
    """
    if content_type:
        plain = content_type.partition(";")[0].strip().lower()
        if plain in _BY_CONTENT_TYPE:
            return _BY_CONTENT_TYPE[plain]
        if plain not in ("application/json", "application/octet-stream"):
            raise IntakeError(
                "", "the content type is unknown", f"use {', '.join(_BY_CONTENT_TYPE)}"
            )
    return _looked_at(raw)


def _looked_at(raw: bytes) -> str:
    try:
        value = loads(raw)
    except ValueError:
        raise IntakeError("", "it is not JSON", "send one JSON object") from None
    if not isinstance(value, dict):
        raise IntakeError("", "it is not a JSON object", "send one JSON object")
    if "Event" in value or "response" in value or {"info", "uuid"} <= set(value):
        return "misp-event"
    return "native"
