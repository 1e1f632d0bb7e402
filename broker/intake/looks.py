"""Tells a format by looking: by the keys that every message of it has, and no other's.

Bytes -> the short name of a format. What has a field of Besa's own format and looks
like nothing else is taken for it, so that its reader says which fields are wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from broker.canonical import loads
from broker.errors import IntakeError
from broker.intake.wrong import not_an_object, not_json
from broker.model.intake import CONTENT_TYPES
from broker.model.mapping import Tables

_XML: Final = b"<"
_MARK: Final = b"\xef\xbb\xbf"
_FIRST_LINE: Final = 16_384

Message = dict[str, Any]

# Any of these: somebody meant our own format, and is told what is wrong with it.
_OWN: Final = frozenset({"uid", "revision", "revised_at", "title", "classification"})

_LOOKS: Final[tuple[tuple[str, Callable[[Message], bool]], ...]] = (
    ("stix", lambda it: it.get("type") == "bundle" and "objects" in it),
    ("idea0", lambda it: it.get("Format") == "IDEA0"),
    ("xarf4", lambda it: "xarf_version" in it),
    ("xarf3", lambda it: "ReporterInfo" in it and "Report" in it),
    ("iodef-json", lambda it: "Incident" in it and "version" in it),
    ("misp-event", lambda it: "Event" in it or "response" in it),
    ("misp-event", lambda it: "info" in it and "uuid" in it),
    ("misp-event", lambda it: {"info", "threat_level_id", "analysis"} <= it.keys()),
    ("native", lambda it: "uid" in it),
    ("intelmq", lambda it: "classification.type" in it or "time.observation" in it),
    ("intelmq", lambda it: isinstance(it.get("classification"), dict)),
    ("n6", lambda it: {"category", "restriction", "time"} <= it.keys()),
    ("rtir", lambda it: "Subject" in it and "Queue" in it),
    ("thehive", lambda it: str(it.get("_type", "")).lower() in ("case", "alert")),
    ("thehive", lambda it: "sourceRef" in it or "caseId" in it),
)


def looks_like(raw: bytes, tables: Tables | None) -> str:
    """Return the short name of the format that a message looks like.

    Raises:
        IntakeError: it looks like nothing that is known.
    """
    start = raw.removeprefix(_MARK).lstrip()[:1]
    # UTF-16 begins with a mark of two bytes; XML is the only format that may use it.
    if start == _XML or raw[:4] in (b"\xff\xfe<\0", b"\xfe\xff\0<"):
        return "iodef-xml"
    try:
        value = loads(raw)
    except ValueError as error:
        if tables is not None and _is_table(raw, tables):
            return "csv"
        raise not_json(raw, error) from None
    if not isinstance(value, dict):
        if isinstance(value, list) and any("Event" in it for it in _objects(value)):
            return "misp-event"
        raise not_an_object(value)
    found = next((name for name, fits in _LOOKS if fits(value)), None)
    if found is None and not _OWN & value.keys():
        advice = (
            f"say which with a content type or --format: {', '.join(CONTENT_TYPES)}"
        )
        raise IntakeError("", "it looks like no format that is read", advice)
    return found or "native"


def _objects(listed: list[Any]) -> list[Message]:
    return [item for item in listed if isinstance(item, dict)]


def _is_table(raw: bytes, tables: Tables) -> bool:
    # Of all the formats only this one is imported before it is known to be the one.
    from broker.intake.csv_rows import mapping_of

    first = raw[:_FIRST_LINE].removeprefix(_MARK).partition(b"\n")[0]
    line = first.decode("utf-8", "replace").rstrip("\r")
    marks = {table.delimiter for table in tables.csv.values()}
    return any(
        mapping_of([name.strip('"') for name in line.split(mark)], tables) is not None
        for mark in marks
    )
