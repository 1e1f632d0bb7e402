"""A record of Kafka as a message: its bytes, its key, and what its headers say.

A record of kafka-python -> `Message`. Nothing is decoded that a sender may get wrong.

Invariant: every record becomes a message; one that may not be loaded becomes one with a
refusal that says why.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

from kafka import TopicPartition

from broker.model.intake import (
    LARGEST_MESSAGE,
    PRODUCER_HEADER,
    PUBLISHER_HEADER,
    SEQUENCE_HEADER,
    Message,
    Position,
    Refusal,
    too_large,
)

_LONGEST_HEADER: Final = 200
# What stands in alarms and reports, so no more than a name can be in it.
_PRODUCER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_SEQUENCE: Final = re.compile(r"[1-9][0-9]{0,17}")
_UNPACKABLE: Final = Refusal(
    "its record cannot be unpacked",
    "compress with gzip or not at all, and write header names in UTF-8",
)


def unpackable(tp: TopicPartition, offset: int) -> Message:
    """Return a message for a record that the library cannot unpack."""
    place = Position("kafka", tp.topic, tp.partition, offset)
    return Message(b"", None, None, place, _UNPACKABLE)


def message_of(record: Any) -> Message:
    """Return a record of the topic as a message."""
    place = Position("kafka", record.topic, record.partition, record.offset)
    body: bytes = record.value or b""
    key = None if record.key is None else record.key.decode(errors="backslashreplace")
    numbered = _number(record.headers)
    if len(body) > LARGEST_MESSAGE:
        refusal = too_large(len(body), sha256(body).hexdigest())
        return Message(b"", key, None, place, refusal, "", *numbered)
    publisher = _header(record.headers, PUBLISHER_HEADER) or ""
    kind = _header(record.headers, "content-type")
    return Message(body, key, kind, place, None, publisher, *numbered)


def _number(headers: Sequence[tuple[str, bytes | None]] | None) -> tuple[str, int]:
    """Return a producer's name and the number it gave; nothing where it gave none."""
    producer = _header(headers, PRODUCER_HEADER) or ""
    number = _header(headers, SEQUENCE_HEADER) or ""
    if not (_PRODUCER.fullmatch(producer) and _SEQUENCE.fullmatch(number)):
        return "", 0
    return producer, int(number)


def _header(
    headers: Sequence[tuple[str, bytes | None]] | None, wanted: str
) -> str | None:
    for name, value in reversed(headers or ()):
        if name.lower() == wanted and value:
            return value[:_LONGEST_HEADER].decode("ascii", "replace")
    return None
