"""What delivering costs beside bare requests, and what a dead recipient costs others.

Sealed events + stand-in MISP in a process of its own -> seconds per push, by the clock:
the whole dispatcher (lease, seal, add, read back, compare, receipt) beside a loop that
makes the same two requests with the same bodies and does nothing else. The stand-in
answers as late as a real MISP 2.5.1 took for such an event (docs/delivery.md).
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any, Final

import requests

from broker.canonical import dumps
from broker.deliver import Credential
from broker.dispatch import Dispatcher, Patience
from broker.model.agreement import Recipient
from broker.store import LeasedRow, open_store
from tests.bench.measure import Timed
from tests.unit.deliver.events import attribute, event
from tests.unit.store import samples
from tests.unit.store.samples import KEY, KEYS, at, outcome, queued

ATTRIBUTES: Final = 10
REAL_MISP: Final = 0.150  # seconds, of which each of the two requests takes a half
TURNS: Final = 4
EACH: Final = 12
_KP: Final = "kp-cybercrime"
_LANE: Final = "kp-misp"
_DEAD: Final = "sprk-misp"


@dataclass(frozen=True, slots=True)
class Server:
    """A stand-in MISP in another process."""

    url: str
    key: str


def overhead() -> tuple[Timed, Timed]:
    """Return seconds per push: the dispatcher, and the bare loop, in turns."""
    ours: list[float] = []
    bare: list[float] = []
    with _stage() as (home, server):
        for turn in range(TURNS):
            bare.append(_bare(server, _bodies(f"bare-{turn}")))
            url = f"sqlite:///{home}/{turn}.sqlite"
            ours.append(_dispatched(url, server, _bodies(f"ours-{turn}")))
    # The first turn opens connections and loads what is loaded once.
    return Timed(tuple(ours[1:])), Timed(tuple(bare[1:]))


def dead() -> tuple[Timed, Timed]:
    """Return seconds per push to a living recipient: beside a dead one, and alone."""
    beside: list[float] = []
    alone: list[float] = []
    with _stage() as (home, server):
        for turn in range(TURNS):
            for found, with_dead in ((alone, False), (beside, True)):
                name = f"dead-{turn}-{with_dead}"
                url = f"sqlite:///{home}/{name}.sqlite"
                seconds = _dispatched(url, server, _bodies(name), with_dead=with_dead)
                found.append(seconds)
    return Timed(tuple(beside[1:])), Timed(tuple(alone[1:]))


@contextmanager
def _stage() -> Iterator[tuple[str, Server]]:
    with (
        tempfile.TemporaryDirectory(prefix="besa-bench-") as home,
        _misp(Path(home) / "misp", REAL_MISP / 2) as server,
    ):
        yield home, server


def _bodies(prefix: str) -> list[tuple[str, str, bytes]]:
    """Return (uid, share, body) of new events."""
    uids = [f"{prefix}-{number}" for number in range(EACH)]
    return [(uid, samples.share_of(uid, _LANE), _body(uid, _LANE)) for uid in uids]


def _body(uid: str, recipient: str) -> bytes:
    parts = [attribute(f"203.0.113.{n}") for n in range(ATTRIBUTES)]
    share = samples.share_of(uid, recipient)
    return dumps({"Event": event(*parts, uuid=share, info=f"case {uid}")})


def _bare(server: Server, bodies: Sequence[tuple[str, str, bytes]]) -> float:
    with requests.Session() as http:
        http.headers.update(
            {
                "Authorization": server.key,
                "Accept": "application/json",
                "Content-Type": "application/json",
            }
        )
        start = time.perf_counter()
        for _, share, body in bodies:
            http.post(f"{server.url}/events/add", data=body, timeout=60).json()
            view = f"{server.url}/events/view/{share}/deleted:1"
            http.get(view, timeout=60).json()
        return (time.perf_counter() - start) / len(bodies)


def _dispatched(
    url: str,
    server: Server,
    bodies: Sequence[tuple[str, str, bytes]],
    *,
    with_dead: bool = False,
) -> float:
    """Deliver all; return the seconds per push, from the first end to the last."""
    to = [_recipient(_LANE, server.url)]
    if with_dead:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        to.append(_recipient(_DEAD, f"http://127.0.0.1:{port}"))
    with open_store(url) as store:
        for number, (uid, _, body) in enumerate(bodies):
            shares = [queued(uid, _KP, 1, body=body)]
            if with_dead:
                other = _body(uid, _DEAD)
                shares.append(queued(uid, "sprk", 1, body=other))
            store.commit([(at(number), outcome(uid, 1, *shares))], samples.START, KEY)
    ends: list[float] = []
    done = Event()

    def note(row: LeasedRow, _: object) -> None:
        if row.sealed.recipient == _LANE:
            ends.append(time.perf_counter())
            if len(ends) == len(bodies):
                done.set()

    dispatcher = Dispatcher(
        url,
        to,
        {one.credential: Credential(one.credential, server.key) for one in to},
        KEYS,
        clock=lambda: datetime.now(UTC),
        patience=Patience(),
        on_receipt=note,
        watch=lambda _: dispatcher.stop() if done.is_set() else None,
    )
    dispatcher.run()
    return (ends[-1] - ends[0]) / (len(ends) - 1)


def _recipient(name: str, url: str) -> Recipient:
    return Recipient.model_validate(
        {
            "recipient": name,
            "authority": name,
            "kind": "misp",
            "url": url,
            "credential": name,
            "clearance": {"tlp": "amber", "pap": "amber"},
        }
    )


@contextmanager
def _misp(home: Path, delay: float) -> Iterator[Server]:
    home.mkdir()
    ready = home / "ready.json"
    command: list[Any] = [
        *(sys.executable, "-m", "broker.sandbox.misp", "--home", home),
        *("--faults", json.dumps({"delay": delay}), "--ready-file", ready),
        *("--org", "KOS-CERT:0b8c5a52-6d3f-4c0e-9a57-2f7d1c9e4b10:sync:csirt"),
        "--exit-with-parent",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not ready.exists():
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError("the stand-in MISP did not start")
            time.sleep(0.05)
        told = json.loads(ready.read_bytes())
        yield Server(told["url"], told["keys"]["csirt"])
    finally:
        process.terminate()
        process.wait(20)
