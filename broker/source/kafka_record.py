"""A record of Kafka as a message: its bytes, its key, and what its headers say.

A record of kafka-python -> `Message`. Nothing is decoded that a sender may get wrong.

Invariant: every record becomes a message; one that may not be loaded becomes one with a
refusal that says why.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from kafka import TopicPartition

from broker.model.intake import (
    LARGEST_MESSAGE,
    PRODUCER_HEADER,
    PUBLISHER_HEADER,
    SEQUENCE_HEADER,
    DeadLetter,
    Message,
    Position,
    Refusal,
    too_large,
)

_LONGEST_HEADER: Final = 200
# What stands in alarms and reports, so no more than a name can be in it.
_PRODUCER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_SEQUENCE: Final = re.compile(r"[1-9][0-9]{0,17}")
_READ: Final = frozenset(
    {"content-type", PUBLISHER_HEADER, PRODUCER_HEADER, SEQUENCE_HEADER}
)
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
    said = _said(record.headers)
    numbered = _number(said)
    if len(body) > LARGEST_MESSAGE:
        refusal = too_large(len(body), sha256(body).hexdigest())
        return Message(b"", key, None, place, refusal, "", *numbered)
    publisher = said.get(PUBLISHER_HEADER, "")
    kind = said.get("content-type")
    return Message(body, key, kind, place, None, publisher, *numbered)


def _number(said: Mapping[str, str]) -> tuple[str, int]:
    """Return a producer's name and the number it gave; nothing where it gave none."""
    producer, number = said.get(PRODUCER_HEADER, ""), said.get(SEQUENCE_HEADER, "")
    if not (_PRODUCER.fullmatch(producer) and _SEQUENCE.fullmatch(number)):
        return "", 0
    return producer, int(number)


def _said(headers: Sequence[tuple[str, bytes | None]] | None) -> dict[str, str]:
    """Return what those headers say that we read; of one that stands twice the last."""
    return {
        known: value[:_LONGEST_HEADER].decode("ascii", "replace")
        for name, value in headers or ()
        if value and (known := name.lower()) in _READ
    }


def headers_of(message: Message, letter: DeadLetter) -> list[tuple[str, str]]:
    """Return what a message says about itself in the topic of dead letters."""
    place = letter.position
    return [
        ("besa-topic", place.topic),
        ("besa-partition", str(place.partition)),
        ("besa-offset", str(place.offset)),
        ("besa-path", letter.path),
        ("besa-problem", letter.problem),
        ("besa-advice", letter.advice),
        ("besa-sha256", letter.sha256),
        ("besa-size", str(letter.size)),
        ("content-type", message.content_type or ""),
    ]
