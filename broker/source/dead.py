"""Reads the bytes of a dead letter again, so that they can be published once more.

The position and digest that the store kept -> the very `Message`, from where it was
published, or from where dead letters are put.

Invariant: bytes with another digest than the letter's are never given out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from kafka import TopicPartition
from kafka.errors import KafkaError

from broker.model.intake import (
    CONTENT_TYPES,
    MISP_EVENT,
    NATIVE,
    DeadLetter,
    Message,
)
from broker.source import again, kafka_link
from broker.source.cluster import Cluster
from broker.source.kafka import DEAD_LETTERS, SETTINGS
from broker.source.kafka_record import message_of
from broker.source.protocol import Gone, SourceError

_SUFFIXES: Final = {f"{name}.in": kind for name, kind in CONTENT_TYPES.items()} | {
    "native.json": NATIVE,
    "misp-event.json": MISP_EVENT,
}
_NAME: Final = re.compile(r"[0-9]{20}\.(?:by-([A-Za-z0-9_-]{1,64})\.)?(.+)")
_WHY: Final = ".why.json"
_ASK_MS: Final = 5_000
_MOST_IDLE: Final = 3


@dataclass(frozen=True, slots=True)
class Found:
    """A message as it was published, and the files to remove once it is again."""

    message: Message
    files: tuple[Path, ...] = ()

    def remove(self) -> None:
        """Remove the dead letter's files; in Kafka nothing is ever removed.

        Raises:
            SourceError: the disk refused it; the message is published all the same.
        """
        for path in self.files:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise SourceError(f"{path} stays: {error.strerror}") from None


def from_spool(folder: Path, letter: DeadLetter) -> Found:
    """Find a dead letter in a spool's folder ``dead``.

    Raises:
        Gone: it is not there any more.
        SourceError: it cannot be read, or is not the one that was refused.
    """
    for why in sorted((folder / "dead").glob(f"*{_WHY}")):
        with suppress(OSError, ValueError):
            told = json.loads(why.read_bytes())
            if (told["position"], told["sha256"]) != (
                str(letter.position),
                letter.sha256,
            ):
                continue
            path = why.with_name(why.name.removesuffix(_WHY))
            return _in_file(path, why, letter)
    raise Gone(f"the spool does not have {letter.position} any more")


def _in_file(path: Path, why: Path, letter: DeadLetter) -> Found:
    try:
        body = path.read_bytes()
    except FileNotFoundError:
        raise Gone(f"the spool does not have {letter.position} any more") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from None
    name = _NAME.fullmatch(path.name)
    kind = _SUFFIXES.get(name[2]) if name else None
    by = (name[1] or "") if name else ""
    message = Message(body, None, kind, letter.position, None, by)
    return Found(_same(message, letter), (path, why))


def from_kafka(cluster: Cluster, letter: DeadLetter) -> Found:
    """Find a dead letter where it was published, else in the topic of dead letters.

    Raises:
        Gone: Kafka has neither any more.
        SourceError: Kafka does not answer.
    """
    with suppress(Gone):
        return Found(_same(again.from_kafka(cluster, letter.position), letter))
    place = letter.position
    wanted = (place.topic, str(place.partition), str(place.offset), letter.sha256)
    try:
        with closing(kafka_link.consumer(cluster, SETTINGS)) as consumer:
            for record in _records(consumer):
                said = _headers(record)
                names = ("topic", "partition", "offset", "sha256")
                if tuple(said.get(f"besa-{name}") for name in names) == wanted:
                    message = replace(message_of(record), position=place)
                    return Found(_same(message, letter))
    except kafka_link.NotReachable as error:
        raise SourceError(str(error)) from None
    except KafkaError as error:
        kind = type(error).__name__
        raise SourceError(f"Kafka did not give the dead letters ({kind})") from None
    raise Gone(f"Kafka does not have {place} any more, nor its dead letter")


def _records(consumer: Any) -> Iterator[Any]:
    """Yield all records of the topic of dead letters, as a member of no group."""
    numbers = consumer.partitions_for_topic(DEAD_LETTERS) or ()
    parts = [TopicPartition(DEAD_LETTERS, number) for number in numbers]
    if not parts:
        return
    ends = consumer.end_offsets(parts, timeout_ms=_ASK_MS)
    consumer.assign(parts)
    consumer.seek_to_beginning(*parts)
    idle = 0
    while idle < _MOST_IDLE and any(consumer.position(p) < ends[p] for p in parts):
        polled = consumer.poll(timeout_ms=_ASK_MS)
        idle = 0 if polled else idle + 1
        for records in polled.values():
            yield from records


def _headers(record: Any) -> Mapping[str, str]:
    return {
        name: value.decode("utf-8", "replace")
        for name, value in record.headers or ()
        if value
    }


def _same(message: Message, letter: DeadLetter) -> Message:
    if message.refusal is not None:
        raise SourceError(f"{letter.position} cannot be loaded: {letter.problem}")
    if sha256(message.body).hexdigest() != letter.sha256:
        raise Gone(f"what stands at {letter.position} is another message by now")
    return message
