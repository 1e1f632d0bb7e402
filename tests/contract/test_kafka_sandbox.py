"""The sandbox keeps its promises with a real Apache Kafka."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from broker.sandbox import kafka_process
from broker.sandbox.kafka import KafkaSandbox, KafkaSandboxError
from tests.contract.kafka_fixtures import (
    await_topic,
    fill,
    make_consumer,
    read,
    require_kafka,
    upto,
)

pytest_plugins = ["tests.contract.kafka_fixtures"]
pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]
INCIDENT = ROOT / "broker/demo/incidents/01-bank-phishing.json"


def test_restart_keeps_everything(own_kafka: KafkaSandbox) -> None:
    """After a stop and a start, address, topics, messages and offsets are as before."""
    before = own_kafka.start()
    own_kafka.create_topics(["kept"], partitions=2)
    fill(before, "kept", each=3, partitions=2)
    with closing(make_consumer(before, "readers")) as consumer:
        await_topic(consumer, "kept", 2)
        consumer.subscribe(["kept"])
        assert 6 == len(read(consumer, 6))
        consumer.commit(upto("kept", p0=3, p1=1), timeout_ms=5_000)

    own_kafka.stop()
    stopped = own_kafka.status()
    after = own_kafka.start()

    with closing(make_consumer(after, "readers")) as consumer:
        await_topic(consumer, "kept", 2)
        consumer.subscribe(["kept"])
        again = read(consumer, 2)
    assert not stopped.running
    assert before == after
    assert [(1, 1), (1, 2)] == again


def test_running_broker_is_found_and_left_running(kafka: KafkaSandbox) -> None:
    """A second sandbox of the same home uses the first one's broker, and spares it."""
    started = kafka.status()

    with KafkaSandbox(kafka.home) as second:
        found = second.status()

    assert started == found
    assert started == kafka.status()


def test_running_broker_does_not_change_its_port(kafka: KafkaSandbox) -> None:
    """Asking for another port while the broker runs is refused, naming both ports."""
    port = int(kafka.address.partition(":")[2])
    other = KafkaSandbox(kafka.home, port=port + 1)

    with pytest.raises(KafkaSandboxError, match=rf"port {port} already.*{port + 1}"):
        other.start()


def test_taken_port_is_named(tmp_path: Path) -> None:
    """When another program listens on the wished port, the error says which port."""
    require_kafka()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        sandbox = KafkaSandbox(tmp_path / "home", port=port)

        with pytest.raises(KafkaSandboxError, match=f"port {port} of 127.0.0.1"):
            sandbox.start()

    assert not sandbox.status().running


def test_lost_race_for_a_port_is_run_again(
    own_kafka: KafkaSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a free port is taken before the broker has it, another one is chosen."""
    choose = kafka_process.free_port
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        offers = [taken]
        monkeypatch.setattr(
            kafka_process,
            "free_port",
            lambda avoid=0: offers.pop() if offers else choose(avoid),
        )

        address = own_kafka.start()

    assert [] == offers
    assert f"127.0.0.1:{taken}" != address
    assert own_kafka.status().running


def test_broker_that_ends_is_explained_by_its_log(own_kafka: KafkaSandbox) -> None:
    """A broker that cannot start gives an error with the last lines of its log."""
    own_kafka.start()
    own_kafka.stop()
    meta = own_kafka.home / "data" / "meta.properties"
    meta.write_text(re.sub(r"node\.id=1", "node.id=2", meta.read_text("ascii")))

    with pytest.raises(KafkaSandboxError) as caught:
        own_kafka.start()

    lines = str(caught.value).splitlines()
    assert lines[0].startswith(f"Kafka ended as it started. The end of {own_kafka.log}")
    assert any("Stored node id 2" in line for line in lines[1:])
    assert not any(line.startswith("\t") for line in lines)


def test_command_starts_a_broker_that_stays(tmp_path: Path) -> None:
    """`start` returns with the broker running; `status` finds it; `stop` ends it."""
    require_kafka()
    home = str(tmp_path / "home")
    module = [sys.executable, "-m", "broker.sandbox.kafka"]

    def command(action: str) -> tuple[int, dict[str, object]]:
        done = subprocess.run(
            [*module, action, "--home", home, "--json"],
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=100,
            check=False,
        )
        return done.returncode, json.loads(done.stdout)

    started, told = command("start")
    try:
        found, told_again = command("status")
    finally:
        stopped, last = command("stop")
    gone, _ = command("status")

    assert (0, 0, 0, 1) == (started, found, stopped, gone)
    assert told == told_again
    assert {"home": home, "running": False, "address": None, "pid": None} == last


def test_besa_can_publish_to_it_at_once(tmp_path: Path) -> None:
    """`besa sandbox kafka` makes the topics that Besa needs, so nobody has to."""
    require_kafka()
    environment = {**os.environ, "BESA_HOME": str(tmp_path), "BESA_TOPIC": "a.b,c"}

    def besa(*arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "broker.cli", *map(str, arguments)],
            env={**environment, **more},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    try:
        started = besa("sandbox", "kafka", "--json")
        kafka = json.loads(started.stdout)["address"]
        published = besa("publish", INCIDENT, "--topic", "c", BESA_KAFKA=kafka)
        with closing(KafkaAdminClient(bootstrap_servers=kafka)) as admin:
            topics = set(admin.list_topics())
    finally:
        besa("sandbox", "kafka", "stop")

    assert (0, 0) == (started.returncode, published.returncode), published.stderr
    ours = {"besa.dead-letters", "besa.receipts", "besa.feedback"}
    assert {"a.b", "c", *ours} <= topics
