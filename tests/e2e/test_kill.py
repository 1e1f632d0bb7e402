"""`besa run` is killed again and again while incidents flow through a real Kafka.

Whatever is killed and whenever: each incident arrives exactly once per agreement that
shares it, none is lost, and no recipient sees an older edition after a newer one.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from broker import keyring, rulebook
from broker.canonical import dumps
from broker.demo.stage import Stage, staged
from broker.model.sharing import NO_HISTORY, State
from broker.pipeline import advance, disclose, receive
from broker.publish import KafkaPublisher
from broker.rulebook import Rulebook
from broker.settings import Settings, read_rulebook_files
from broker.source.cluster import Cluster
from tests.contract.kafka_fixtures import needs_kafka

INCIDENTS = 500
UPDATED = 60
KILLS = 10
SEED = int(os.environ.get("BESA_TEST_SEED", "20261121"))
NATIVE = "application/vnd.besa.incident+json"

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(1200)]


def book() -> Rulebook:
    """Return the shipped rulebook."""
    settings = Settings()
    return rulebook.build(
        read_rulebook_files(settings.policies_folder, settings.mappings_folder)
    )


def incident(number: int, revision: int) -> dict[str, Any]:
    """Return an invented incident that at least one agreement shares."""
    chance = random.Random(number)
    revised = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=number)
    observables = [
        {
            "kind": "ipv4",
            "value": f"198.51.{number % 256}.{place + 1}",
            "role": "attacker",
            "to_ids": True,
        }
        for place in range(chance.randint(2, 6) + revision)
    ]
    observables.append(
        {
            "kind": "domain",
            "value": f"c{number}-r{revision}.example",
            "role": "infrastructure",
            "to_ids": True,
        }
    )
    kinds = ("malicious-code/c2-server", "fraud/phishing", "availability/ddos")
    made: dict[str, Any] = {
        "uid": f"KILL-{number:05d}",
        "revision": revision,
        "revised_at": (revised + timedelta(hours=revision)).isoformat(),
        "title": f"Invented case {number}, revision {revision}",
        "classification": kinds[number % 3],
        "severity": "high",
        "confidence": 90,
        "tlp": "amber",
        "pap": "amber",
        "observables": observables,
    }
    if number % 3 == 1:
        made["financial_loss"] = {"amount": "25000.00", "currency": "EUR"}
    return made


def messages() -> list[dict[str, Any]]:
    """Return 500 incidents, some of them revised later, in publishing order."""
    made = [incident(number, 1) for number in range(INCIDENTS)]
    for number in range(0, INCIDENTS, INCIDENTS // UPDATED):
        # An update comes some time after its first revision, between other incidents.
        at = min(len(made), made.index(incident(number, 1)) + 40)
        made.insert(at, incident(number, 2))
    return made


def expected(
    stage: Stage, rules: Rulebook, made: list[dict[str, Any]] | None = None
) -> dict[tuple[str, str], str]:
    """Return what each recipient must hold in the end: share id -> event info.

    Worked out by the pure path alone, without Kafka, store or delivery.
    """
    settings = stage.settings()
    recipients = [route.recipient.recipient for route in rules.routes]
    keys = keyring.read_keys(settings.keys_folder, recipients)
    histories: dict[str, Any] = defaultdict(lambda: NO_HISTORY)
    held: dict[tuple[str, str], str] = {}
    now = datetime.now(UTC)
    for message in made or messages():
        received = receive(dumps(message), NATIVE, rulebook=rules)
        uid = received.incident.uid
        outcome = disclose(
            received, rulebook=rules, keys=keys, history=histories[uid], now=now
        )
        histories[uid] = advance(histories[uid], outcome)
        for share in outcome.shares:
            assert share.state not in (State.HELD, State.STALE), share
            if share.sealed:
                body = json.loads(share.sealed.body)
                values = sorted(a["value"] for a in body["Event"]["Attribute"])
                name = (share.decision.recipient, share.sealed.share)
                held[name] = json.dumps([body["Event"]["info"], values])
    return held


def publish_slowly(address: str, stop: threading.Event) -> None:
    """Publish all messages over the time in which processes are killed."""
    with KafkaPublisher(Cluster(address), "csirt.incidents") as publisher:
        for message in messages():
            if stop.is_set():
                return
            publisher.publish(dumps(message), NATIVE, message["uid"])
            time.sleep(0.02)
        publisher.flush()


class Run:
    """`besa run` in a process group of its own."""

    def __init__(self, stage: Stage, *arguments: str) -> None:
        self.log = (stage.home / "run.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "broker.cli", "run", *arguments],
            env=stage.environment(),
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

    def children(self) -> list[int]:
        """Return the processes of the two zones that are alive."""
        task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in task.read_text().split()] if task.exists() else []

    def kill(self, chance: random.Random) -> str:
        """Kill the whole run, or one of its two processes; say which."""
        children = self.children()
        victim = chance.choice(["all", "all", "consume", "dispatch"])
        if victim == "all" or len(children) < 2:
            self.process.kill()
            for child in children:
                os.kill(child, signal.SIGKILL)
            self.process.wait()
            return "all"
        os.kill(children[victim == "dispatch"], signal.SIGKILL)
        return victim

    def end(self) -> None:
        """Kill what is left."""
        for child in self.children():
            os.kill(child, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        self.log.close()


def events(stage: Stage, recipient: str) -> Iterator[dict[str, Any]]:
    """Yield every event that a recipient's MISP holds, as its own analysts see it."""
    misp = stage.misps[recipient]
    answer = requests.post(
        f"{misp.url}/events/restSearch",
        headers={"Authorization": misp.reader_key, "Accept": "application/json"},
        json={"returnFormat": "json", "limit": 10_000},
        timeout=120,
    )
    answer.raise_for_status()
    for item in answer.json()["response"]:
        yield item["Event"]


@needs_kafka
def test_ten_kills_lose_repeat_and_reorder_nothing() -> None:
    """After ten kills each MISP holds exactly what the pure path says it must."""
    rules = book()
    chance = random.Random(SEED)
    with staged(rules, spool=False, keep=False, tell=lambda _: None) as stage:
        assert stage.source == "kafka", stage.why_spool
        kill_while_publishing(stage, chance)
        finish(stage)
        check_recipients(stage, expected(stage, rules))
        check_register(stage)


def kill_while_publishing(stage: Stage, chance: random.Random) -> None:
    """Publish everything, and kill `besa run` or a part of it at random moments."""
    stop = threading.Event()
    publishing = threading.Thread(
        target=publish_slowly, args=(stage.kafka_address, stop), daemon=True
    )
    publishing.start()
    run = Run(stage)
    try:
        for _ in range(KILLS):
            time.sleep(chance.uniform(1.0, 4.0))
            if run.kill(chance) == "all":
                run = Run(stage)
        publishing.join(120)
        assert not publishing.is_alive()
    finally:
        stop.set()
        run.end()


def finish(stage: Stage) -> None:
    """Let a last run deal with whatever is left."""
    run = Run(stage, "--until-idle")
    try:
        code = run.process.wait(600)
    finally:
        run.end()
    log = (stage.home / "run.log").read_text("utf-8", "replace")
    assert code == 0, log[-3000:]


def check_recipients(stage: Stage, wanted: dict[tuple[str, str], str]) -> None:
    """Each MISP holds the newest edition of each share, once, and nothing else."""
    found: dict[tuple[str, str], str] = {}
    for recipient in stage.misps:
        for event in events(stage, recipient):
            values = sorted(attribute["value"] for attribute in event["Attribute"])
            name = (recipient, event["uuid"])
            assert name not in found, "an event is there twice"
            found[name] = json.dumps([event["info"], values])

    assert wanted == found


def check_register(stage: Stage) -> None:
    """No edition is delivered after a newer one; the register is whole."""
    database = sqlite3.connect(f"file:{stage.home / 'besa.sqlite'}?mode=ro", uri=True)
    rows = database.execute(
        "SELECT facts FROM audit WHERE kind = 'delivery' ORDER BY number"
    ).fetchall()
    delivered: dict[tuple[str, str], list[int]] = defaultdict(list)
    for (facts,) in rows:
        entry = json.loads(facts)
        if entry["state"] == "delivered":
            delivered[entry["recipient"], entry["uid"]].append(entry["edition"])
    for editions in delivered.values():
        assert sorted(set(editions)) == editions
    states = dict(
        database.execute("SELECT state, count(*) FROM outbox GROUP BY state").fetchall()
    )
    assert set(states) <= {"delivered", "superseded"}, states
    database.close()
    verified = subprocess.run(
        [sys.executable, "-m", "broker.cli", "audit", "verify"],
        env=stage.environment(),
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert verified.returncode == 0, verified.stderr.decode()
