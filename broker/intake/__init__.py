"""Intake: bytes in any known format -> an incident, or an error that says where.

The format is told by the message's content type; without one, by the topic that it came
through; without that, by looking.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import import_module
from typing import Final

from broker.errors import IntakeError
from broker.intake.looks import looks_like
from broker.intake.parsed import Parsed
from broker.model.incident import Incident
from broker.model.intake import CONTENT_TYPES, LARGEST_MESSAGE
from broker.model.mapping import Tables

Reader = Callable[[bytes, Tables], Parsed]


def _in(module: str, function: str = "read", *, by_kinds: bool = False) -> Reader:
    """Return what reads a format: its module is imported with the first message."""

    def read(raw: bytes, tables: Tables) -> Parsed:
        reader = getattr(import_module(f"broker.intake.{module}"), function)
        parsed: Parsed = reader(raw, tables.kinds if by_kinds else tables)
        return parsed

    return read


_READERS: Final[dict[str, Reader]] = {
    "native": _in("native", by_kinds=True),
    "misp-event": _in("misp_event", by_kinds=True),
    "intelmq": _in("intelmq"),
    "n6": _in("n6"),
    "idea0": _in("idea0"),
    "xarf3": _in("xarf3"),
    "xarf4": _in("xarf4"),
    "iodef-xml": _in("iodef", "read_xml"),
    "iodef-json": _in("iodef", "read_json"),
    "thehive": _in("thehive"),
    "rtir": _in("rtir"),
    "stix": _in("stix"),
    "csv": _in("csv_rows"),
}
# By the short name that `--format` takes.
FORMATS: Final[dict[str, tuple[str, Reader]]] = {
    name: (CONTENT_TYPES[name], reader) for name, reader in _READERS.items()
}
# The tables in mappings/taxonomy that the readers look words up in.
TABLES: Final = frozenset(
    {
        "intelmq", "n6", "idea0", "xarf3", "xarf4", "iodef", "thehive", "rtir", "stix",
    }
)  # fmt: skip
_BY_CONTENT_TYPE: Final = {kind: name for name, kind in CONTENT_TYPES.items()}
# Types that say how it is written and not what it is.
_GENERAL: Final = frozenset(
    {
        "application/json", "application/octet-stream", "application/xml", "text/xml",
        "text/plain", "application/jsonl", "application/x-ndjson",
    }
)  # fmt: skip
# Larger than any incident that a person could check before it is shared.
MAX_BYTES: Final = LARGEST_MESSAGE
# A clock that is wrong by more than this would number editions in the far future.
_CLOCK_LEEWAY: Final = timedelta(days=1)
_FUTURE: Final = "it lies in the future"


def read(
    raw: bytes, content_type: str | None, tables: Tables, topic: str | None = None
) -> tuple[str, Parsed]:
    """Read a message; return the short name of its format, and the incident.

    Raises:
        IntakeError: too large, of an unknown format, or wrong in a field.
    """
    if len(raw) > MAX_BYTES:
        raise IntakeError(
            "", f"the message has {len(raw)} bytes", f"at most {MAX_BYTES} are taken"
        )
    name = format_of(raw, content_type, tables, topic)
    return name, _READERS[name](raw, tables)


def refuse_future(incident: Incident, now: datetime) -> None:
    """Refuse a revision from the future: a clock is wrong.

    Raises:
        IntakeError: it was revised more than a day from now.
    """
    if incident.revised_at > now + _CLOCK_LEEWAY:
        raise IntakeError("revised_at", _FUTURE, "check the clock")


def is_future(problem: IntakeError) -> bool:
    """Say whether a message was refused as a revision from the future."""
    return problem.problem == _FUTURE


def format_of(
    raw: bytes,
    content_type: str | None,
    tables: Tables | None = None,
    topic: str | None = None,
) -> str:
    """Return the short name of a message's format.

    Raises:
        IntakeError: the content type is unknown, or the message looks like nothing.
    """
    if content_type:
        plain = content_type.partition(";")[0].strip().lower()
        if plain in _BY_CONTENT_TYPE:
            return _BY_CONTENT_TYPE[plain]
        if plain not in _GENERAL:
            raise IntakeError(
                "", "the content type is unknown", f"use {', '.join(_BY_CONTENT_TYPE)}"
            )
    if topic and tables:
        for name, table in tables.formats.items():
            if topic in table.topics:
                # IODEF has one table for its two ways of writing.
                return name if name in _READERS else looks_like(raw, tables)
    return looks_like(raw, tables)
