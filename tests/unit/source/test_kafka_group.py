"""Facts about which offsets may be committed; no Kafka needed."""

from __future__ import annotations

from kafka import TopicPartition

from broker.model.intake import Message, Position
from broker.source.kafka_group import Held

P0, P1 = TopicPartition("t", 0), TopicPartition("t", 1)


def message(partition: int, offset: int) -> Message:
    """Return a message at a place of the topic."""
    return Message(b"", None, None, Position("kafka", "t", partition, offset))


def holding(*partitions: TopicPartition) -> Held:
    """Return a member that holds partitions and has read from all of them."""
    held = Held()
    held.on_partitions_assigned(partitions)
    held.read(partitions)
    return held


def test_the_next_offset_is_committed() -> None:
    """What is committed is the offset behind the last message of each partition."""
    held = holding(P0, P1)

    assert {P0: 8, P1: 3} == held.to_commit(
        [message(0, 6), message(0, 7), message(1, 2)]
    )


def test_offsets_never_go_backwards() -> None:
    """An older message does not take a commit back."""
    held = holding(P0)
    held.committed(held.to_commit([message(0, 7)]))

    assert {} == held.to_commit([message(0, 3)])
    assert {P0: 9} == held.to_commit([message(0, 8)])


def test_what_was_taken_away_is_not_committed() -> None:
    """After a partition was revoked or lost, what was read of it does not count."""
    for taken in (Held.on_partitions_revoked, Held.on_partitions_lost):
        held = holding(P0, P1)
        taken(held, {P0})

        assert {P1: 2} == held.to_commit([message(0, 7), message(1, 1)])


def test_what_came_back_is_new() -> None:
    """A partition that was away in between: what was read before is not committed."""
    held = holding(P0)
    held.on_partitions_revoked({P0})
    held.on_partitions_assigned({P0})

    assert {} == held.to_commit([message(0, 7)])
    held.read([P0])
    assert {P0: 8} == held.to_commit([message(0, 7)])


def test_a_commit_that_did_not_go_through_is_made_up_for() -> None:
    """Offsets stay noted until Kafka has them, and the next commit takes them along."""
    held = holding(P0, P1)
    held.to_commit([message(0, 4)])

    assert {P0: 5, P1: 2} == held.to_commit([message(1, 1)])
    held.committed({P0: 5, P1: 2})
    assert {} == held.to_commit([])
    assert {P0: 5, P1: 2} == held.last_committed()


def test_what_kafka_refuses_is_forgotten() -> None:
    """Offsets that another member will commit are not sent again."""
    held = holding(P0)
    held.drop(held.to_commit([message(0, 4)]))

    assert {} == held.to_commit([])


def test_the_first_read() -> None:
    """Reading tells which partitions are read for the first time since they came."""
    held = Held()
    held.on_partitions_assigned({P0})

    assert [P0] == held.read([P0, P1])
    assert [] == held.read([P0])
    held.on_partitions_lost({P0})
    held.on_partitions_assigned({P0})
    assert [P0] == held.read([P0])


def test_joining() -> None:
    """A member has joined once it was told its partitions, even if there are none."""
    held = Held()
    before = held.joined
    held.on_partitions_assigned(())

    assert (False, True) == (before, held.joined)
