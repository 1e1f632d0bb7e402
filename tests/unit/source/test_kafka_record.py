"""What the headers of a record of Kafka say, and which of them are not believed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from broker.model.intake import Message
from broker.source.kafka_record import message_of


def message(*headers: tuple[str, bytes | None]) -> Message:
    """Return a record with headers as a message."""
    record = SimpleNamespace(
        topic="t", partition=1, offset=7, key=b"k", value=b"{}", headers=list(headers)
    )
    return message_of(record)


def test_of_a_header_that_stands_twice_the_last_with_a_value_counts() -> None:
    """A header that was added behind another one replaces it; an empty one does not."""
    made = message(
        ("Content-Type", b"text/plain"),
        ("content-type", b"application/json"),
        ("content-type", b""),
        ("besa-publisher", b"first"),
        ("BESA-PUBLISHER", b"second"),
        ("besa-publisher", None),
    )

    assert ("application/json", "second") == (made.content_type, made.publisher)


def test_a_record_without_headers_says_nothing() -> None:
    """Without headers there is no content type, no publisher and no number."""
    made = message()

    said = (made.content_type, made.publisher, made.producer, made.sequence)
    assert (None, "", "", 0) == said


@pytest.mark.parametrize(
    ("producer", "number", "expected"),
    [
        (b"siem", b"12", ("siem", 12)),
        (b"siem", b"012", ("", 0)),
        (b"siem", None, ("", 0)),
        (b"a b", b"1", ("", 0)),
        (b"", b"1", ("", 0)),
        (b"siem\xff", b"1", ("", 0)),
    ],
)
def test_a_number_counts_only_with_a_name(
    producer: bytes, number: bytes | None, expected: tuple[str, int]
) -> None:
    """Both headers must be well written, or neither is taken."""
    made = message(("besa-producer", producer), ("besa-sequence", number))

    assert expected == (made.producer, made.sequence)
