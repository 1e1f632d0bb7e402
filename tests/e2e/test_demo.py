"""`besa demo` shows the whole job, loses nothing, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from broker import rulebook
from broker.demo import INCIDENTS, first_wave, play, second_wave
from broker.demo.reckoning import reckon
from broker.demo.stage import Stage, staged
from broker.settings import Settings, read_rulebook_files
from tests.contract.kafka_fixtures import needs_kafka
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]

UNREADABLE = 3


def demo(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start `besa demo` with a temporary folder of its own."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("BESA_")}
    if "BESA_CACHE" in os.environ:
        env["BESA_CACHE"] = os.environ["BESA_CACHE"]
    return subprocess.Popen(
        [sys.executable, "-m", "broker.cli", "demo", *arguments],
        env={**env, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of everything that was started for a folder."""
    found: list[str] = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            surroundings = (entry.parent / "environ").read_bytes()
        except OSError:
            continue
        mine = int(entry.parent.name) == os.getpid()
        if not mine and str(folder) in command + surroundings.decode(
            "utf-8", "replace"
        ):
            found.append(command)
    return found


def check(result: dict[str, Any], source: str) -> None:
    """Check what the demonstration says about itself."""
    published = len(first_wave()) + len(second_wave())

    assert source == result["source"]
    assert published == result["published"] >= 12 + 2
    assert [] == result["lost_list"]
    assert 0 == result["lost"]
    assert UNREADABLE == result["dead_letters"] == len(result["dead_letter_list"])
    assert result["audit"]["ok"]
    for tally in result["recipients"].values():
        decided = sum(
            tally[name] for name in ("shared", "held", "withheld", "retracted")
        )
        assert published - UNREADABLE == decided
        assert tally["delivered"] == tally["shared"] > 0


@pytest.mark.kafka
@needs_kafka
def test_demo_on_a_real_kafka_loses_nothing(tmp_path: Path) -> None:
    """Everything that went through Kafka is found at its recipients, and nowhere else.

    Afterwards no process and no file of it is left.
    """
    out, err = demo(tmp_path, "--json").communicate(timeout=400)
    result = json.loads(out)

    check(result, "kafka")
    covered = result["recipients"].values()
    assert all(sum(t[name] for t in covered) > 0 for name in ("held", "retracted"))
    assert b"Traceback" not in err
    assert [] == list(tmp_path.iterdir())
    assert [] == processes_of(tmp_path)


def test_demo_without_kafka_shows_the_same(tmp_path: Path) -> None:
    """With a folder in Kafka's place the tables for people end with nothing lost."""
    process = demo(tmp_path, "--spool")
    out, err = process.communicate(timeout=400)
    text = out.decode()

    assert 0 == process.returncode, text + err.decode()
    assert "a folder in Kafka's place" in text
    assert "Nothing was lost" in text
    assert "The register is whole" in text
    assert "taken back" in text
    assert max(map(len, text.splitlines())) <= 80
    assert [] == list(tmp_path.iterdir())


def test_what_a_misp_drops_is_counted_as_lost(tmp_path: Path) -> None:
    """The reckoning asks the MISPs themselves: what one of them drops is found."""
    settings = Settings(home=tmp_path)
    book = rulebook.build(
        read_rulebook_files(settings.policies_folder, settings.mappings_folder)
    )
    published = [INCIDENTS / "03-c2-server.json"]
    with staged(book, spool=True, keep=False, tell=lambda _: None) as stage:
        forget(stage, "kp-misp", ["sha256"])
        with play.running(stage, keep=False) as process:
            play.publish(stage, published)
            play.wait_until_arrived(stage, process, 1, lambda _: None)
            found = reckon(stage, book, published)

    assert ("KOS-CERT-2026-0398 edition 1 at kp-misp: 1 attributes are missing",) == (
        found.lost
    )
    assert found.register is not None


def forget(stage: Stage, recipient: str, types: list[str]) -> None:
    """Make a stand-in MISP drop attributes of some types without a word."""
    ready = json.loads((stage.home / "misp" / recipient / "ready.json").read_bytes())
    answer = requests.post(
        f"{ready['url']}/sandbox/faults",
        headers={"Authorization": ready["keys"]["admin"]},
        json={"drop_types": types},
        timeout=20,
    )
    answer.raise_for_status()


def in_the_middle(folder: Path) -> subprocess.Popen[bytes]:
    """Start a demonstration, and return when `besa run` has begun to work."""
    process = demo(folder, "--spool")
    deadline = time.monotonic() + 180
    while not list(folder.glob("besa-demo-*/besa.sqlite")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    return process


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_tidies_up(tmp_path: Path, sent: signal.Signals) -> None:
    """Ctrl-C and SIGTERM in the middle leave no process, no file and no traceback."""
    process = in_the_middle(tmp_path)
    process.send_signal(sent)
    _, err = process.communicate(timeout=90)

    assert 130 == process.returncode
    assert b"Traceback" not in err
    assert [] == list(tmp_path.iterdir())
    assert [] == processes_of(tmp_path)


def test_a_killed_demo_leaves_no_process(tmp_path: Path) -> None:
    """After kill -9 nothing of it goes on working."""
    process = in_the_middle(tmp_path)
    assert any("broker.cli run" in each for each in processes_of(tmp_path))
    process.kill()
    process.communicate(timeout=90)

    assert eventually(lambda: not processes_of(tmp_path))
