"""The consume loop with the real store, the shipped rulebook, a spool and a Kafka."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from broker import consume, keyring, pipeline, rulebook
from broker.consume import Consumer, Step
from broker.errors import StoreError, StoreUnavailable
from broker.keys import Keys
from broker.model.intake import MISP_EVENT, NATIVE
from broker.model.sharing import Outcome, Receipt, ReceiptState
from broker.publish import KafkaPublisher
from broker.rulebook import Rulebook
from broker.seal import VerifyingKey
from broker.settings import read_rulebook_files
from broker.source import Source
from broker.source.cluster import Cluster
from broker.source.kafka import DEAD_LETTERS, RECEIPTS, KafkaSource
from broker.source.spool import Spool, SpoolSource
from broker.store import Committed, Processed, Store, open_store

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
pytest_plugins = ["tests.contract.kafka_fixtures"]


@cache
def book() -> Rulebook:
    """Return the shipped rulebook."""
    return rulebook.build(read_rulebook_files(ROOT / "policies", ROOT / "mappings"))


@cache
def keys() -> Keys:
    """Return keys that all runs of this module share."""
    return keyring.sample_keys(route.recipient.recipient for route in book().routes)


def clock() -> datetime:
    """Return the same time always."""
    return NOW


def incident(uid: str, revision: int = 1, **changes: Any) -> bytes:
    """Return an invented incident."""
    value = {
        "uid": uid,
        "revision": revision,
        "revised_at": (NOW - timedelta(days=9, hours=-revision)).isoformat(),
        "title": f"Invented case, take {revision}",
        "classification": "malicious-code/c2-server",
        "severity": "high",
        "confidence": 90,
        "tlp": "amber",
        "observables": [
            {"kind": "ipv4", "value": f"198.51.100.{revision}", "role": "attacker"}
        ],
    }
    return json.dumps(value | changes).encode()


@dataclass
class Bench:
    """One spool and one store, read by one consumer after another."""

    home: Path
    spool: Spool = field(init=False)
    url: str = field(init=False)

    def __post_init__(self) -> None:
        self.spool = Spool(self.home / "spool")
        self.url = f"sqlite:///{self.home}/besa.sqlite"

    def publish(self, *bodies: bytes) -> None:
        """Publish incidents in order."""
        for body in bodies:
            self.spool.publish(body, NATIVE)

    def run(
        self, wrap: Callable[[Store], Store] = lambda s: s, **more: Any
    ) -> Consumer:
        """Consume until idle, or until something is raised."""
        with open_store(self.url) as store:
            source = SpoolSource(self.spool.folder)
            with closing(source):
                consumer = Consumer(
                    source, wrap(store), book, keys(), clock, **{"batch": 4, **more}
                )
                consumer.run(until_idle=True)
        return consumer

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        """Ask the database directly."""
        engine = create_engine(self.url)
        with engine.connect() as connection:
            found = [tuple(row) for row in connection.execute(text(question))]
        engine.dispose()
        return found

    def outcome(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return everything that a recipient or an auditor would see."""
        shared = "uid, agreement, edition, sha256, state, body"
        return {
            "outbox": self.rows(f"SELECT {shared} FROM outbox ORDER BY id"),  # noqa: S608
            "decisions": self.rows(
                "SELECT uid, revision, agreement, effect, state FROM decisions "
                "ORDER BY uid, revision, agreement"
            ),
            "letters": self.rows("SELECT problem, path, sha256 FROM dead_letters"),
        }

    def verified(self) -> int:
        """Verify the register; return how many entries it has."""
        key = VerifyingKey.from_pem(keys().signing.public_pem())
        with open_store(self.url) as store:
            return store.check_register({key.id: key}).entries

    def alarms(self) -> list[tuple[Any, ...]]:
        """Return the kinds and texts of all alarms."""
        return self.rows("SELECT kind, text FROM alarms")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Give an empty spool and store."""
    return Bench(tmp_path)


class Crash(BaseException):
    """Stands for the end of the process: nothing catches it."""


def crash_at(step: Step, batch: int) -> Callable[[Step], None]:
    """Return a watch that ends everything after a step of the n-th batch."""
    seen: list[Step] = []

    def watch(now: Step) -> None:
        seen.append(now)
        if now is step and seen.count(step) == batch:
            raise Crash

    return watch


def traffic() -> list[bytes]:
    """Return incidents, revisions, duplicates and garbage in publishing order."""
    return [
        incident("CASE-1"),
        incident("CASE-2"),
        b"garbage",
        incident("CASE-1", 2),
        incident("CASE-1", 2),
        incident("CASE-3", classification="test/test"),
        incident("?"),
        incident("CASE-2", 3, status="withdrawn"),
        incident("CASE-1", 3),
        incident("CASE-2", 2),
    ]


class TestBatches:
    def test_everything_ends_somewhere(self, bench: Bench) -> None:
        """Each message is decided for every agreement, or a dead letter."""
        bench.publish(*traffic())
        totals = bench.run().totals

        assert totals.messages == 10
        assert totals.stored["dead_letters"] == 2
        assert totals.stored["duplicates"] == 1
        assert totals.stored["stale"] == len(book().routes)
        assert list(bench.spool.new.iterdir()) == []
        decided = bench.rows("SELECT count(*) FROM decisions")[0][0]
        assert decided == 7 * len(book().routes)
        assert bench.verified() > decided

    def test_revisions_within_a_batch(
        self, bench: Bench, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Revisions in one batch become consecutive editions, stored at once."""
        caplog.set_level(logging.INFO)
        bench.publish(*(incident("CASE-1", revision) for revision in (1, 2, 3)))
        bench.run(batch=50)
        editions = bench.rows("SELECT agreement, edition FROM outbox ORDER BY id")
        agreements = {agreement for agreement, _ in editions}

        assert [one.split()[0] for one in caplog.messages] == ["batch"]
        assert agreements
        for one in agreements:
            assert [n for agreement, n in editions if agreement == one] == [1, 2, 3]

    def test_one_by_one_is_the_same(self, bench: Bench, tmp_path: Path) -> None:
        """How messages fall into batches does not change what is shared."""
        (tmp_path / "other").mkdir()
        other = Bench(tmp_path / "other")
        for place, size in ((bench, 1), (other, 50)):
            place.publish(*traffic())
            place.run(batch=size)

        assert bench.outcome()["decisions"] == other.outcome()["decisions"]
        # Within a batch the store may mark as superseded what a later revision of the
        # same batch overtook; one by one it does the same a moment later.
        assert bench.outcome()["outbox"] == other.outcome()["outbox"]

    def test_formats(self, bench: Bench) -> None:
        """A MISP event and an incident without a content type are read too."""
        event = {
            "uuid": "2603987b-4b19-58b3-893b-2c4feff8e5d4",
            "timestamp": "1772359364",
            "info": "x",
        }
        bench.spool.publish(json.dumps({"Event": event}).encode(), MISP_EVENT)
        bench.spool.publish(incident("CASE-1"))
        bench.run()

        assert {event["uuid"], "CASE-1"} == {
            uid for (uid,) in bench.rows("SELECT uid FROM inbox")
        }

    def test_dead_letters(self, bench: Bench) -> None:
        """A dead letter names the field, and lies with its reason in the spool."""
        bench.publish(incident("CASE-1", classification="fraud/phishng"))
        bench.run()
        why = json.loads(next(bench.spool.dead.glob("*.why.json")).read_bytes())

        assert (why["path"], why["problem"]) == (
            "classification",
            "not one of the 39 RSIT types, written category/type",
        )

    def test_rulebook_is_asked_for_each_batch(self, bench: Bench) -> None:
        """A rulebook that was swapped counts from the next batch on."""
        bench.publish(*(incident(f"CASE-{n}") for n in range(3)))
        asked: list[str] = []

        def current() -> Rulebook:
            asked.append("")
            return book()

        with open_store(bench.url) as store:
            source = SpoolSource(bench.spool.folder)
            with closing(source):
                consumer = Consumer(source, store, current, keys(), clock, batch=1)
                consumer.run(until_idle=True)

        assert len(asked) == 3

    def test_log(self, bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
        """The log has one line of counts per batch, and nothing of any incident."""
        caplog.set_level(logging.DEBUG)
        bench.publish(incident("CASE-1", title="Agim Shembulli"), b"Agim Shembulli")
        bench.run()
        lines = [one for one in caplog.messages if one.startswith("batch ")]

        assert len(lines) == 1
        assert json.loads(lines[0].removeprefix("batch "))["messages"] == 2
        assert not any(
            value in caplog.text for value in ("Agim", "CASE-1", "198.51.100")
        )


class TestCrashes:
    @pytest.mark.parametrize("batch", [1, 2])
    @pytest.mark.parametrize("step", list(Step))
    def test_any_step(
        self, bench: Bench, tmp_path: Path, step: Step, batch: int
    ) -> None:
        """A crash after any step of any batch changes nothing of what is shared."""
        (tmp_path / "calm").mkdir()
        calm = Bench(tmp_path / "calm")
        calm.publish(*traffic())
        calm.run()
        bench.publish(*traffic())
        with pytest.raises(Crash):
            bench.run(watch=crash_at(step, batch))
        bench.run()

        assert calm.outcome() == bench.outcome()
        assert bench.verified()
        assert (
            sorted(path.read_bytes() for path in calm.spool.dead.glob("*.json")) != []
        )
        assert len(list(bench.spool.dead.iterdir())) == 4


class Refusing(Store):
    """A real store that refuses to commit when it is told to."""

    def __init__(
        self,
        store: Store,
        refuses: Callable[[Any], bool],
        error: type[StoreError] = StoreError,
    ) -> None:
        super().__init__(store._database)
        self._refuses = refuses
        self._error = error

    def commit(
        self, batch: Any, at: datetime, key: Any = None, numbers: Any = ()
    ) -> Committed:
        if self._refuses(batch):
            raise self._error("it was told to")
        return super().commit(batch, at, key, numbers)


def uids(batch: list[Processed]) -> list[str]:
    """Return the incidents of a batch."""
    return [result.uid for _, result in batch if isinstance(result, Outcome)]


class TestStoreTrouble:
    def test_for_a_while(self, bench: Bench) -> None:
        """A store that refuses everything for a while costs time and nothing else."""
        bench.publish(*traffic())
        refusals = iter(range(5))
        bench.run(
            lambda store: Refusing(store, lambda _: next(refusals, None) is not None)
        )

        assert next(refusals, None) is None
        assert bench.rows("SELECT count(*) FROM inbox") == [(7,)]
        assert len(bench.outcome()["letters"]) == 2

    def test_one_message(self, bench: Bench) -> None:
        """A message that the store always refuses becomes a dead letter and alarm."""
        bench.publish(incident("CASE-1"), incident("BAD"), incident("CASE-2"))
        bench.run(lambda store: Refusing(store, lambda batch: "BAD" in uids(batch)))

        assert bench.rows("SELECT uid FROM inbox") == [("CASE-1",), ("CASE-2",)]
        assert [letter[0] for letter in bench.outcome()["letters"]] == [
            "the store refuses it"
        ]
        assert ("refused", "the store refuses this message") in bench.alarms()

    def test_one_message_that_finds_no_room(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A message for which there is no room waits, though others are stored."""
        monkeypatch.setattr(consume, "_LONGEST_WAIT", 0.01)
        bench.publish(incident("CASE-1"), incident("BIG"), incident("CASE-2"))
        tries = iter(range(20))

        def has_no_room(batch: Any) -> bool:
            return "BIG" in uids(batch) and next(tries, None) is not None

        bench.run(lambda store: Refusing(store, has_no_room, StoreUnavailable))

        assert next(tries, None) is None
        assert bench.rows("SELECT uid FROM inbox ORDER BY uid") == [
            ("BIG",),
            ("CASE-1",),
            ("CASE-2",),
        ]
        assert [] == bench.outcome()["letters"]

    def test_another_consumer(self, bench: Bench) -> None:
        """What another process stored between reading and storing is decided anew."""
        bench.publish(incident("CASE-1", 1))
        raced: list[Step] = []

        def watch(step: Step) -> None:
            if step is Step.DECIDED and not raced:
                raced.append(step)
                received = pipeline.receive(incident("CASE-1", 2), rulebook=book())
                outcome = pipeline.disclose(
                    received,
                    rulebook=book(),
                    keys=keys(),
                    history=pipeline.NO_HISTORY,
                    now=NOW,
                )
                with open_store(bench.url) as other:
                    other.commit([(bench.spool.position(1), outcome)], NOW)

        bench.run(watch=watch)
        states = bench.rows("SELECT DISTINCT revision, state FROM decisions")

        assert (1, "stale") in states
        assert (1, "queued") not in states


class TestErrors:
    @pytest.mark.parametrize(
        ("stage", "name"), [("receive", "receive"), ("disclose", "disclosing")]
    )
    def test_of_our_own(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch, stage: str, name: str
    ) -> None:
        """An error of our own makes a dead letter and an alarm; the rest goes on."""
        real = getattr(pipeline, name)

        def failing(first: Any, *rest: Any, **named: Any) -> Any:
            if b"BAD" in (first if stage == "receive" else repr(first).encode()):
                raise LookupError("Agim Shembulli")
            return real(first, *rest, **named)

        monkeypatch.setattr(pipeline, name, failing)
        bench.publish(incident("CASE-1"), incident("BAD"), incident("CASE-2"))
        bench.run()
        problem = f"internal error in {stage} (LookupError)"

        assert bench.rows("SELECT uid FROM inbox") == [("CASE-1",), ("CASE-2",)]
        assert [letter[0] for letter in bench.outcome()["letters"]] == [problem]
        assert ("internal-error", problem) in bench.alarms()

    def test_dead_letter_that_cannot_be_forwarded(self, bench: Bench) -> None:
        """It stays where it is, with an alarm, and the incidents around it go on."""
        bench.publish(incident("CASE-1"), b"garbage", incident("CASE-2"))
        stop = threading.Event()

        def watch(step: Step) -> None:
            if step is Step.POLLED:
                bench.spool.dead.rmdir()
            if step is Step.CONFIRMED:
                stop.set()

        with open_store(bench.url) as store:
            source = SpoolSource(bench.spool.folder)
            with closing(source):
                consumer = Consumer(source, store, book, keys(), clock, watch=watch)
                consumer.run(stop=stop)

        assert bench.rows("SELECT uid FROM inbox") == [("CASE-1",), ("CASE-2",)]
        assert [b"garbage"] == [path.read_bytes() for path in bench.spool.new.iterdir()]
        assert [kind for kind, _ in bench.alarms()] == ["not-forwarded"]


class TestGaps:
    def test_what_the_source_dropped(self, bench: Bench) -> None:
        """What a source dropped before it was read is an alarm."""

        class Dropping(SpoolSource):
            def gaps(self) -> list[str]:
                return ["3 messages are gone"] if not bench.alarms() else []

        bench.publish(incident("CASE-1"))
        with open_store(bench.url) as store:
            source = Dropping(bench.spool.folder)
            with closing(source):
                Consumer(source, store, book, keys(), clock).run(until_idle=True)

        assert bench.alarms() == [("lost-in-source", "3 messages are gone")]


class TestStopping:
    def test_on_request(self, bench: Bench) -> None:
        """A consumer that is told to stop does so within a second or so."""
        stop = threading.Event()
        with open_store(bench.url) as store:
            source = SpoolSource(bench.spool.folder)
            consumer = Consumer(source, store, book, keys(), clock)
            thread = threading.Thread(target=consumer.run, kwargs={"stop": stop})
            thread.start()
            bench.publish(incident("CASE-1"))
            deadline = time.monotonic() + 20
            while list(bench.spool.new.iterdir()) and time.monotonic() < deadline:
                time.sleep(0.02)
            stop.set()
            thread.join(5)
            source.close()

        assert not thread.is_alive()
        assert consumer.totals.messages == 1

    def test_while_the_store_refuses(self, bench: Bench) -> None:
        """A consumer that waits for its store can be stopped, and loses nothing."""
        bench.publish(incident("CASE-1"))
        stop = threading.Event()
        refusing = iter([False] * 2)

        def refuses(_: Any) -> bool:
            if next(refusing, None) is None:
                stop.set()
            return True

        with open_store(bench.url) as store:
            source = SpoolSource(bench.spool.folder)
            with closing(source):
                consumer = Consumer(
                    source, Refusing(store, refuses), book, keys(), clock
                )
                consumer.run(stop=stop)

        assert len(list(bench.spool.new.iterdir())) == 1


@pytest.mark.kafka
@pytest.mark.timeout(180)
class TestKafka:
    @pytest.fixture
    def topic(self, kafka: Any) -> str:
        """Give a topic with three partitions, and those that Besa writes to."""
        kafka.create_topics([DEAD_LETTERS, RECEIPTS])
        name = f"e2e-{time.time_ns()}"
        kafka.create_topics([name], 3)
        return name

    @pytest.fixture
    def member(self, kafka: Any, topic: str) -> Iterator[Callable[[], Source]]:
        """Give a way to start a member of one group, one after another."""
        opened: list[KafkaSource] = []

        def start() -> Source:
            for old in opened:
                old.close()
            opened.append(
                KafkaSource(Cluster(kafka.address), topic, topic, member="one")
            )
            return opened[-1]

        yield start
        for old in opened:
            old.close()

    def consume(self, bench: Bench, source: Source, **more: Any) -> Consumer:
        """Consume a source until idle, or until something is raised."""
        with open_store(bench.url) as store:
            consumer = Consumer(source, store, book, keys(), clock, **more)
            consumer.run(until_idle=True)
        return consumer

    def test_crashes_at_every_step(
        self,
        bench: Bench,
        tmp_path: Path,
        kafka: Any,
        topic: str,
        member: Callable[[], Source],
    ) -> None:
        """Crashes after each step, one after another, change nothing of what is shared.

        Three partitions are read in any order, but one incident is always in one.
        """
        (tmp_path / "calm").mkdir()
        calm = Bench(tmp_path / "calm")
        calm.publish(*traffic())
        calm.run()
        with KafkaPublisher(Cluster(kafka.address), topic) as publisher:
            for body in traffic():
                publisher.publish(body, NATIVE)
            publisher.flush()
        for step in Step:
            with pytest.raises(Crash):
                self.consume(bench, member(), watch=crash_at(step, 1), batch=1)
        self.consume(bench, member())

        assert {name: sorted(rows) for name, rows in calm.outcome().items()} == {
            name: sorted(rows) for name, rows in bench.outcome().items()
        }
        assert bench.verified()

    def test_receipts(
        self, bench: Bench, kafka: Any, topic: str, member: Callable[[], Source]
    ) -> None:
        """What was delivered is told in the topic of receipts, once."""
        with KafkaPublisher(Cluster(kafka.address), topic) as publisher:
            publisher.publish(incident("RECEIPT-1"), NATIVE)
            publisher.flush()
        source = member()
        self.consume(bench, source)
        recipient = bench.rows("SELECT recipient FROM outbox")[0][0]
        with open_store(bench.url) as store:
            row = store.lease(recipient, "w", NOW, NOW + timedelta(minutes=1))
            assert row is not None
            sealed = row.sealed
            receipt = Receipt(
                recipient,
                sealed.share,
                sealed.edition,
                ReceiptState.DELIVERED,
                NOW,
                sealed.sha256,
            )
            store.finish(row, receipt)
        time.sleep(1.1)
        self.consume(bench, source)
        told = [
            json.loads(message.body)
            for message in _all(
                KafkaSource(Cluster(kafka.address), RECEIPTS, topic + "-r")
            )
            if message.key == "RECEIPT-1"
        ]

        assert [(one["recipient"], one["state"]) for one in told] == [
            (recipient, "delivered")
        ]
        assert bench.rows("SELECT count(*) FROM receipts WHERE NOT published") == [(0,)]


def _all(source: KafkaSource) -> list[Any]:
    found: list[Any] = []
    with closing(source):
        deadline = time.monotonic() + 20
        while not (found and source.lag() == 0) and time.monotonic() < deadline:
            found += source.poll(100, 0.2)
    return found
