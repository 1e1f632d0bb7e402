"""Processes of Besa that kill themselves at a numbered step: real parts, real kill -9.

``python -m tests.e2e.processes consume STORE SPOOL STEP``, ``... topics STORE KAFKA
STEP`` and ``... dispatch STORE RECIPIENTS STEP``. What kills lives here, in subclasses
of the store and in a wrapper of the adapter; the product knows nothing of it. Step 0
never comes.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import closing
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import Any

from broker import dispatch
from broker.consume import Consumer, Step
from broker.deliver import Credential, Delivery, Timeouts
from broker.dispatch import Dispatcher, Patience
from broker.model.agreement import Recipient
from broker.model.sharing import Receipt, Sealed
from broker.rulebook import Rulebook, build
from broker.source.cluster import Cluster
from broker.source.spool import SpoolSource
from broker.store import LeasedRow, Store
from broker.store import open_store as really_open
from tests.edited import edited


class Sending(IntEnum):
    """The steps of a delivery, numbered; see docs/delivery.md."""

    LEASED = 1  # the row is ours, nothing was sent
    SENDING = 2  # the recipient's system has got the first request
    SENT = 3  # it was read back, and nothing is written down yet
    FINISHED = 4  # the receipt is stored
    PUT_OFF = 5  # a failed attempt is stored, and its alarm is not


def die() -> None:
    """End this process as kill -9 does."""
    os.kill(os.getpid(), signal.SIGKILL)


class Fatal(Store):
    """A real store whose process dies right after one of its transactions."""

    step = 0

    def lease(self, *args: Any, **more: Any) -> LeasedRow | None:
        """Lease, and die if that is the step."""
        row = super().lease(*args, **more)
        if row is not None and self.step == Sending.LEASED:
            die()
        return row

    def finish(self, row: LeasedRow, receipt: Receipt) -> bool:
        """Die before or after the receipt is stored, if either is the step."""
        if self.step == Sending.SENT:
            die()
        done = super().finish(row, receipt)
        if self.step == Sending.FINISHED:
            die()
        return done

    def postpone(self, *args: Any, **more: Any) -> bool:
        """Put off, and die if that is the step."""
        done = super().postpone(*args, **more)
        if self.step == Sending.PUT_OFF:
            die()
        return done


class Interrupted:
    """A real adapter whose process dies in the middle of its first delivery."""

    def __init__(self, way: Delivery) -> None:
        self._way = way
        for name in ("_update", "_add", "_post_part"):
            if hasattr(way, name):
                setattr(way, name, _dying_after(getattr(way, name)))

    def deliver(self, sealed: Sealed) -> Receipt:
        """Deliver."""
        receipt = self._way.deliver(sealed)
        die()  # for adapters that send all in one piece
        return receipt

    def close(self) -> None:
        """Close."""
        self._way.close()


def _dying_after(ask: Any) -> Any:
    def asked(*args: Any, **more: Any) -> Any:
        ask(*args, **more)
        die()

    return asked


def consume(url: str, spool: str, step: int) -> None:
    """Consume until idle, with keys that are the same in every process."""
    from tests.e2e.test_consume import book, clock
    from tests.world import keys

    def watch(now: Step) -> None:
        if now == step:
            die()

    with really_open(url) as store, closing(SpoolSource(Path(spool))) as source:
        Consumer(source, store, book, keys(), clock, batch=4, watch=watch).run(
            until_idle=True
        )


def consume_topics(url: str, where: str, step: int) -> None:
    """Consume two topics until idle: ``ADDRESS NATIVE_TOPIC N6_TOPIC``."""
    from broker.source.kafka import KafkaSource
    from tests.e2e.test_consume import clock
    from tests.world import keys

    address, native, n6 = where.split()
    book = topics_rulebook(n6)

    def watch(now: Step) -> None:
        if now == step:
            die()

    source = KafkaSource(Cluster(address), (native, n6), native, member="topics")
    with really_open(url) as store, closing(source):
        consumer = Consumer(
            source, store, lambda: book, keys(), clock, batch=4, watch=watch
        )
        consumer.run(until_idle=True)


def topics_rulebook(n6: str) -> Rulebook:
    """Return the shipped rulebook, in which all messages of a topic are of n6."""
    table = "mappings/taxonomy/n6.yaml"
    return build(edited((table, "format: n6\n", f"format: n6\ntopics: [{n6}]\n")))


def deliver(url: str, recipients: str, step: int) -> None:
    """Dispatch until idle to recipients: a list of their files and keys as JSON."""
    from tests.unit.store.samples import KEYS

    told = json.loads(recipients)
    made = [Recipient.model_validate(one["file"]) for one in told]
    keys = {one["file"]["credential"]: one["key"] for one in told}
    really = dispatch.open_recipient

    def opened(*args: Any, **more: Any) -> Any:
        way = really(*args, **more)
        return Interrupted(way) if step == Sending.SENDING else way

    def fatal(where: str) -> Store:
        store = really_open(where)
        store.__class__ = Fatal
        return store

    Fatal.step = step
    dispatch.open_recipient = opened
    dispatch.open_store = fatal  # type: ignore[attr-defined]
    Dispatcher(
        url,
        made,
        {name: Credential(name, key) for name, key in keys.items()},
        KEYS,
        clock=lambda: datetime.now(UTC),
        patience=Patience(first=0.05, longest=0.3),
        timeouts=Timeouts(connect=5.0, answer=20.0, total=60.0),
    ).run(until_idle=True)


if __name__ == "__main__":
    what, store_url, where, number = sys.argv[1:]
    begin = {"consume": consume, "topics": consume_topics, "dispatch": deliver}[what]
    begin(store_url, where, int(number))
