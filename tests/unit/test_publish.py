"""Facts about publishing; what needs a real Kafka is in the contract tests."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.model.intake import (
    CONTENT_TYPES,
    NATIVE,
    PRODUCER_HEADER,
    SEQUENCE_HEADER,
)
from broker.publish import Numbering, SpoolPublisher, incident_key, publish_spool
from broker.source import SourceError
from broker.source.spool import SpoolSource

UUID = "2603987b-4b19-58b3-893b-2c4feff8e5d4"


def test_a_spool_has_what_was_published(tmp_path: Path) -> None:
    """What `publish_spool` returns is where the message is read."""
    position = publish_spool(tmp_path / "s", b"{}", NATIVE, "key")
    source = SpoolSource(tmp_path / "s")
    message = source.poll(1, 0)[0]
    source.close()

    assert (b"{}", NATIVE, position) == (
        message.body,
        message.content_type,
        message.position,
    )


@pytest.mark.parametrize("content_type", sorted(CONTENT_TYPES.values()))
def test_a_spool_keeps_the_format(tmp_path: Path, content_type: str) -> None:
    """Whatever the format, the reader of a spool is told what the publisher said."""
    with SpoolPublisher(tmp_path / "s") as publisher:
        publisher.publish(b"{}", content_type)
        [position] = publisher.flush()
        assert [] == publisher.flush()
    source = SpoolSource(tmp_path / "s")
    [message] = source.poll(1, 0)
    source.close()

    assert (content_type, position) == (message.content_type, message.position)


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ({"uid": "INC-1", "title": "x"}, "INC-1"),
        ({"Event": {"uuid": UUID.upper()}}, UUID),
        ({"response": [{"Event": {"uuid": UUID}}]}, UUID),
        ([{"uuid": UUID}], UUID),
    ],
)
def test_key(value: Any, key: str) -> None:
    """The key is the incident's uid or the event's uuid, however it is wrapped."""
    assert key == incident_key(json.dumps(value).encode())


@pytest.mark.parametrize(
    "body",
    [b"", b"garbage", b"7", b"[]", b'{"uid": 7}', b'{"uid": ""}', b'{"Event": [1]}'],
)
def test_key_of_anything_else(body: bytes) -> None:
    """What has no uid has the digest of its bytes for a key."""
    assert sha256(body).hexdigest() == incident_key(body)


@given(st.binary(max_size=100))
def test_any_bytes_have_a_key(body: bytes) -> None:
    """Publishing never fails for want of a key."""
    assert 0 < len(incident_key(body)) <= 128


class TestNumbering:
    def test_numbers_go_on_over_runs(self, tmp_path: Path) -> None:
        """The next run of a producer goes on where everything was confirmed."""
        file = tmp_path / "producer"
        first = Numbering(file, "Arta Ç./x@host")
        given = [first.next() for _ in range(3)]
        first.keep()
        first.close()
        second = Numbering(file, "somebody else")

        name = dict(given[0])[PRODUCER_HEADER]
        assert ["1", "2", "3"] == [dict(one)[SEQUENCE_HEADER] for one in given]
        assert {PRODUCER_HEADER: name, SEQUENCE_HEADER: "4"} == dict(second.next())
        assert name.startswith("Arta-.-x@host-")
        second.close()

    def test_what_was_not_confirmed_gets_its_number_again(self, tmp_path: Path) -> None:
        """A run that died before Kafka confirmed leaves no gap behind."""
        file = tmp_path / "producer"
        died = Numbering(file, "a")
        died.next()
        died.keep()
        died.next()
        died.close()

        again = Numbering(file, "a")
        assert "2" == dict(again.next())[SEQUENCE_HEADER]
        again.close()

    def test_a_file_that_cannot_be_used_is_explained(self, tmp_path: Path) -> None:
        """A folder in the file's place is told, without a traceback."""
        with pytest.raises(SourceError, match="cannot be used"):
            Numbering(tmp_path, "a")
