"""Dead letters are found again in a real Kafka, byte for byte, or not at all."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from hashlib import sha256

import pytest

from broker.model.intake import NATIVE, DeadLetter, Position
from broker.sandbox.kafka import KafkaSandbox
from broker.source import dead
from broker.source.cluster import Cluster
from broker.source.kafka import DEAD_LETTERS
from broker.source.kafka_writer import KafkaWriter
from broker.source.protocol import Gone
from tests.contract.kafka_fixtures import make_topic

pytest_plugins = ["tests.contract.kafka_fixtures"]
pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

BODY = b'{"uid": "x"}'


def written(kafka: KafkaSandbox, topic: str, headers: dict[str, str]) -> Position:
    """Write the message to a topic; return where it stands."""
    with closing(KafkaWriter(Cluster(kafka.address))) as writer:
        writer.write(topic, BODY, "key", list(headers.items()))
        ((name, partition, offset),) = writer.settle()
    return Position("kafka", name, partition, offset)


def letter_of(position: Position) -> DeadLetter:
    """Return the dead letter of the message at a place."""
    return DeadLetter(
        position, "uid", "too short", "", sha256(BODY).hexdigest(), len(BODY)
    )


def test_a_dead_letter_is_read_where_it_was_published(kafka: KafkaSandbox) -> None:
    """The bytes, the key and the content type are those of the message."""
    place = written(kafka, make_topic(kafka), {"content-type": NATIVE})

    message = dead.from_kafka(Cluster(kafka.address), letter_of(place)).message

    assert (BODY, "key", NATIVE, place) == (
        message.body,
        message.key,
        message.content_type,
        message.position,
    )


def test_when_it_is_gone_the_topic_of_dead_letters_has_it(
    own_kafka: KafkaSandbox,
) -> None:
    """Of a message that Kafka has deleted, the copy among the dead letters is taken."""
    kafka = own_kafka
    kafka.start()
    kafka.create_topics([DEAD_LETTERS])
    gone = Position("kafka", make_topic(kafka), 0, 77)
    letter = letter_of(gone)
    headers = {
        "besa-topic": gone.topic,
        "besa-partition": "0",
        "besa-offset": "77",
        "besa-sha256": letter.sha256,
    }
    written(kafka, DEAD_LETTERS, {**headers, "besa-offset": "76"})
    written(kafka, DEAD_LETTERS, headers)

    message = dead.from_kafka(Cluster(kafka.address), letter).message

    assert (BODY, gone) == (message.body, message.position)


def test_another_message_at_that_place_is_not_taken(kafka: KafkaSandbox) -> None:
    """When other bytes stand there by now, and no copy is kept, nothing is found."""
    kafka.create_topics([DEAD_LETTERS])
    letter = letter_of(written(kafka, make_topic(kafka), {}))

    with pytest.raises(Gone):
        dead.from_kafka(Cluster(kafka.address), replace(letter, sha256="0" * 64))
