"""The soak itself: incidents flow, processes are killed at random, and all is counted.

Numbers of incidents and minutes -> `Result`, which says what is wrong; nothing, when
every incident ended in exactly one state, every recipient has what it must have, and
register and reconcile agree.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from broker import keyring
from broker.canonical import dumps
from broker.credentials import read_credential
from broker.deliver.file_drop import check
from broker.publish import KafkaPublisher, Numbering
from broker.sandbox.kafka import KafkaSandbox
from broker.source.cluster import Cluster
from broker.store import Status, open_store
from broker.store.connect import open_database
from tests.soak.world import UNITS, Site, expected, incident, messages

NATIVE: Final = "application/vnd.besa.incident+json"
TOPIC: Final = "csirt.incidents"
PARTITIONS: Final = 4
Tell = Callable[[str], None]


@dataclass
class Result:
    """What a soak found."""

    published: int = 0
    kills: int = 0
    seconds: float = 0.0
    delivered: dict[str, int] = field(default_factory=dict)
    wanted: dict[str, int] = field(default_factory=dict)
    register: dict[str, Any] = field(default_factory=dict)
    reconcile: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def insist(start: Callable[[], object]) -> None:
    """Start something that was killed; a machine that is busy may need several tries.

    Raises:
        RuntimeError: it does not start.
    """
    for _ in range(5):
        try:
            start()
        except Exception:
            time.sleep(2)
            continue
        return
    raise RuntimeError("a service that was killed does not start again")


@dataclass
class Soak:
    """One installation under load, with everything that it talks to."""

    site: Site
    kafka: KafkaSandbox
    store: str
    chance: random.Random
    tell: Tell
    alive: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    carried: dict[tuple[str, str], int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    kills: int = 0

    def environment(self) -> dict[str, str]:
        """Return the environment of every process of Besa."""
        around = {n: v for n, v in os.environ.items() if not n.startswith("BESA_")}
        return around | {
            "BESA_HOME": str(self.site.home),
            "BESA_POLICIES": str(self.site.policies),
            "BESA_STORE": self.store,
            "BESA_KAFKA": self.kafka.address,
            "BESA_LOG_LEVEL": "warning",
        }

    def start(self, name: str) -> None:
        """Start ``consume-N`` or ``dispatch-N``."""
        env = self.environment()
        if name.startswith("consume"):
            env["BESA_MEMBER"] = name
        with (self.site.home / f"{name}.log").open("ab") as log:
            self.alive[name] = subprocess.Popen(
                [sys.executable, "-m", "broker.cli", name.partition("-")[0]],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill_something(self) -> str:
        """Kill one process with -9, and start it again; now and then another kind."""
        self.kills += 1
        what = self.chance.choice([*self.alive] * 3 + ["kafka", "unit-1", "unit-2"])
        if what in self.alive:
            self.alive[what].kill()
            self.alive[what].wait()
            time.sleep(self.chance.uniform(0, 1))
            self.start(what)
        elif what == "kafka":
            self.kafka.kill()
            insist(self.kafka.start)
        else:
            port = int(
                read_credential(self.site.home / "credentials", what).url.rpartition(
                    ":"
                )[2]
            )  # type: ignore[union-attr]
            self.site.misps[what].kill()
            self.site.misps[what].wait()
            insist(lambda: self.site.start_misp(what, port))
        return what

    def carry(self) -> None:
        """Take what lies finished in the file drops away, as a courier does."""
        keys = keyring.read_public_keys(self.site.home / "public-keys")
        for unit, (kind, _) in UNITS.items():
            if kind != "file-drop":
                continue
            folder = self.site.folder(unit)
            for seal in list(folder.glob("*.seal.json")):
                try:
                    (found,) = check(seal, keys)
                except FileNotFoundError:
                    continue  # a newer edition took it away just now
                if found.problem:
                    continue  # it is being replaced at this moment; looked at again
                key = (unit, found.share)
                if found.edition < self.carried.get(key, 0):
                    self.wrong.append(f"{unit} got an older edition after a newer one")
                self.carried[key] = max(found.edition, self.carried.get(key, 0))
                seal.unlink(missing_ok=True)
                (folder / found.file).unlink(missing_ok=True)

    def status(self) -> Status:
        """Return how things stand."""
        with open_store(self.store) as store:
            return store.status(datetime.now(UTC))

    def close(self) -> None:
        """End everything."""
        for process in self.alive.values():
            process.kill()
            process.wait()
        self.site.close()
        self.kafka.stop()


@contextmanager
def set_up(home: Path, store: str, seed: int, tell: Tell) -> Iterator[Soak]:
    """Build an installation, and take it down afterwards."""
    tell("starting Kafka, the recipients' systems, and the store")
    site = Site(home)
    kafka = KafkaSandbox(home / "kafka")
    with ExitStack() as stack:
        kafka.start()
        stack.callback(kafka.stop)
        kafka.create_topics([TOPIC], PARTITIONS)
        kafka.create_topics(["besa.receipts", "besa.dead-letters", "besa.feedback"])
        site.build()
        url = store or f"sqlite:///{home / 'besa.sqlite'}"
        open_store(url).close()
        soak = Soak(site, kafka, url, random.Random(seed), tell)
        stack.callback(soak.close)
        yield soak


def publish(soak: Soak, count: int, seconds: float, stop: threading.Event) -> None:
    """Publish all messages, evenly over some time, whatever becomes of Kafka."""
    made = messages(count)
    began = time.monotonic()
    done = 0
    while done < len(made) and not stop.is_set():
        chunk = made[done : done + 100]
        numbering = Numbering(soak.site.home / "producer-soak", "soak")
        try:
            with KafkaPublisher(
                Cluster(soak.kafka.address), TOPIC, "soak", numbering
            ) as out:
                for number, revision in chunk:
                    one = incident(number, revision)
                    out.publish(dumps(one), NATIVE, one["uid"])
                out.flush()
        except Exception as error:
            soak.tell(f"publishing again: {type(error).__name__}")
            time.sleep(1)
            continue
        done += len(chunk)
        ahead = began + seconds * done / len(made) - time.monotonic()
        stop.wait(max(0.0, ahead))


def torment(soak: Soak, seconds: float) -> None:
    """Kill at random for some time."""
    until = time.monotonic() + seconds
    longest = min(20.0, max(2.0, seconds / 8))
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, soak.chance.uniform(1.0, longest)))
        what = soak.kill_something()
        soak.carry()
        soak.tell(f"kill {soak.kills}: {what}; {_counts(soak)}")


def settle(soak: Soak, wanted: int, patience: float) -> bool:
    """Wait until everything was decided and nothing is on its way; say if it was."""
    until = time.monotonic() + patience
    told = 0.0
    while time.monotonic() < until:
        soak.carry()
        if _decided(soak) >= wanted:
            lanes = soak.status().lanes
            if not any(lane.queued + lane.leased for lane in lanes):
                soak.carry()
                return True
        for name, process in list(soak.alive.items()):
            if process.poll() is not None:
                soak.start(name)
        if time.monotonic() - told > 15:
            told = time.monotonic()
            soak.tell(f"{_decided(soak)} of {wanted} revisions; {_counts(soak)}")
        time.sleep(1)
    return False


def _decided(soak: Soak) -> int:
    return _number(soak, "SELECT count(*) FROM inbox")


def _number(soak: Soak, question: str) -> int:
    database = open_database(soak.store)
    try:
        with database.read() as connection:
            return int(connection.exec_driver_sql(question).scalar() or 0)
    finally:
        database.close()


def _counts(soak: Soak) -> str:
    lanes = soak.status().lanes
    waits = sum(lane.queued + lane.leased for lane in lanes)
    return f"{sum(lane.delivered for lane in lanes)} delivered, {waits} on their way"


def judge(soak: Soak, count: int, result: Result) -> None:
    """Count everything, and ask `besa audit verify` and `besa reconcile`."""
    wanted = len(messages(count))
    decided, decisions = _decided(soak), _number(soak, "SELECT count(*) FROM decisions")
    _demand(result, decided == wanted, f"{decided} of {wanted} revisions are stored")
    told = f"{decisions} decisions of {wanted * len(UNITS)}"
    _demand(result, decisions == wanted * len(UNITS), told)
    ended = "SELECT count(*) FROM outbox WHERE state NOT IN ('delivered','superseded')"
    _demand(
        result, _number(soak, ended) == 0, "editions that neither arrived nor ended"
    )
    question = (
        "SELECT count(DISTINCT share) FROM receipts WHERE state = 'delivered' "
        "AND recipient = '{}'"
    )
    result.wanted = expected(count)
    for unit, (kind, _) in UNITS.items():
        result.delivered[unit] = _number(soak, question.format(unit))
        if kind == "file-drop":
            carried = sum(1 for to, _ in soak.carried if to == unit)
            _demand(
                result, carried == result.wanted[unit], f"{unit}: {carried} carried"
            )
    _demand(result, result.delivered == result.wanted, "deliveries are not as wanted")
    result.problems += soak.wrong
    result.register = _asked(soak, "audit", "verify")
    _demand(result, result.register.get("ok") is True, "the register is not whole")
    result.reconcile = _asked(soak, "reconcile")
    same = result.reconcile.get("is_same") is True
    _demand(result, same, "reconcile found differences")


def _demand(result: Result, holds: bool, otherwise: str) -> None:
    if not holds:
        result.problems.append(otherwise)


def _asked(soak: Soak, *command: str) -> dict[str, Any]:
    ended = subprocess.run(
        [sys.executable, "-m", "broker.cli", *command, "--json"],
        env=soak.environment(),
        capture_output=True,
        check=False,
        timeout=7200,
    )
    try:
        found: dict[str, Any] = json.loads(ended.stdout)
    except ValueError:
        return {"said": ended.stderr.decode("utf-8", "replace")[-2000:]}
    return found


def soak(
    incidents: int,
    minutes: float,
    *,
    store: str = "",
    processes: int = 1,
    seed: int = 1,
    home: Path,
    patience: float = 14_400,
    tell: Tell = lambda _: None,
) -> Result:
    """Run a soak in an empty folder, and say what it found.

    Args:
        incidents: how many incidents; some are revised.
        minutes: for how long processes are killed.
        store: the URL of an empty store; SQLite in the folder when empty.
        processes: how many consumers and how many dispatchers.
        seed: of all that is random.
        home: a folder to work in; removed at the end, unless something was wrong.
        patience: seconds to wait for what is left when nobody is killed any more.
        tell: told how it goes.
    """
    result = Result(published=len(messages(incidents)))
    began = time.monotonic()
    try:
        with set_up(home, store, seed, tell) as run:
            for number in range(1, processes + 1):
                run.start(f"consume-{number}")
                run.start(f"dispatch-{number}")
            stop = threading.Event()
            spread = minutes * 60 * 0.8
            publishing = threading.Thread(
                target=publish, args=(run, incidents, spread, stop), daemon=True
            )
            publishing.start()
            torment(run, minutes * 60)
            publishing.join(patience)
            stop.set()
            done = settle(run, result.published, patience)
            _demand(result, done, "it did not come to an end in time")
            for process in run.alive.values():
                process.send_signal(signal.SIGTERM)
            for process in run.alive.values():
                process.wait(120)
            tell("counting")
            judge(run, incidents, result)
            result.kills = run.kills
    except Exception as error:
        result.problems.append(
            f"the soak itself failed: {type(error).__name__}: {error}"
        )
    if not result.problems:
        shutil.rmtree(home, ignore_errors=True)
    result.seconds = time.monotonic() - began
    return result
