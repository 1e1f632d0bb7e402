"""Dispatch with real stores, real servers and a real kill -9."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any

import pytest
import requests
from sqlalchemy import update

from broker.canonical import dumps
from broker.deliver import Credential, Timeouts
from broker.dispatch import Dispatcher, Patience
from broker.errors import SettingsError
from broker.model.agreement import Clearance, Recipient
from broker.model.marking import Pap, Tlp
from broker.model.sharing import Receipt, Sealed
from broker.sandbox.misp import Knobs, MispSandbox
from broker.store import Status, open_store, worker
from broker.store.connect import open_database
from broker.store.tables import outbox
from tests.unit.deliver.events import attribute, event
from tests.unit.store import samples
from tests.unit.store.samples import AGREEMENTS, KEY, KEYS, at, outcome, queued
from tests.waiting import eventually

KP = "kp-cybercrime"
QUICK = Patience(first=0.05, longest=0.4)
WAITS = Timeouts(connect=5.0, answer=20.0, total=60.0)


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def recipient(name: str, url: str, kind: str = "misp", **fields: Any) -> Recipient:
    """Return a recipient at an address."""
    return Recipient(
        recipient=name,
        authority=name,
        kind=kind,
        url=url,
        credential=name,
        clearance=Clearance(tlp=Tlp.AMBER, pap=Pap.AMBER),
        **fields,
    )


def incident(uid: str, number: int, *, retracts: bool = False) -> dict[str, bytes]:
    """Return the body of an edition for every recipient: one attribute each."""
    bodies = {}
    for name in AGREEMENTS.values():
        share = samples.share_of(uid, name)
        part = attribute(
            f"203.0.113.{number}",
            uuid=samples.share_of(share, "1"),
            timestamp=str(1_780_000_000 + number),
        )
        made = event(
            *([] if retracts else [part]), uuid=share, info=f"edition {number}"
        )
        made["timestamp"] = str(1_780_000_000 + number)
        bodies[name] = dumps({"Event": made})
    return bodies


def commit(url: str, uid: str, number: int = 1, agreements: Any = AGREEMENTS) -> None:
    """Store an edition of an incident for every agreement."""
    bodies = incident(uid, number)
    shares = [
        queued(uid, name, number, body=bodies[AGREEMENTS[name]]) for name in agreements
    ]
    with open_store(url) as store:
        store.commit([(at(number), outcome(uid, number, *shares))], now(), KEY)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Return the URL of an empty store."""
    return samples.url_of(tmp_path)


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, MispSandbox]]:
    """Start one stand-in MISP per recipient."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(MispSandbox(tmp_path_factory.mktemp(name)))
            for name in AGREEMENTS.values()
        }


@pytest.fixture
def servers(shared: dict[str, MispSandbox]) -> Iterator[dict[str, MispSandbox]]:
    """Give the three MISPs, well and reachable."""
    yield shared
    for server in shared.values():
        server.faults = Knobs()


@pytest.fixture
def uid(request: pytest.FixtureRequest) -> str:
    """Return the uid of an incident of this test's own."""
    return f"{request.node.name}"


def dispatcher(url: str, servers: dict[str, MispSandbox], **more: Any) -> Dispatcher:
    """Return a dispatcher to the given servers."""
    recipients = [recipient(name, server.url) for name, server in servers.items()]
    credentials = {
        name: Credential(name, server.keys["sync"]) for name, server in servers.items()
    }
    settings = {"clock": now, "patience": QUICK, "timeouts": WAITS, "chance": Random(1)}
    return Dispatcher(url, recipients, credentials, KEYS, **settings | more)


def status(url: str) -> Status:
    """Return the store's status, after its register was checked."""
    with open_store(url) as store:
        store.check_register(KEYS)
        return store.status(now())


def lanes(url: str) -> dict[str, tuple[int, int, int]]:
    """Return per recipient how many were delivered, are not yet, and failed."""
    return {
        lane.recipient: (lane.delivered, lane.queued + lane.leased, lane.failed)
        for lane in status(url).lanes
    }


def delivered(url: str) -> int:
    """Return how many editions were delivered to all recipients together."""
    with open_store(url) as store:
        return sum(lane.delivered for lane in store.status(now()).lanes)


def shown(server: MispSandbox, uid: str, name: str) -> Any:
    """Return an incident's event at a recipient, or None."""
    answer = requests.get(
        f"{server.url}/events/view/{samples.share_of(uid, name)}",
        headers={"Authorization": server.keys["sync"], "Accept": "application/json"},
        timeout=20,
    )
    return answer.json().get("Event")


@contextmanager
def running(work: Dispatcher) -> Iterator[threading.Thread]:
    """Let a dispatcher run beside the test, and stop it in the end."""
    thread = threading.Thread(target=work.run)
    thread.start()
    try:
        yield thread
    finally:
        work.stop()
        thread.join(timeout=60)
        assert not thread.is_alive()


def test_everything_arrives_everywhere(
    url: str, servers: dict[str, MispSandbox], uid: str
) -> None:
    """Sealed editions arrive at three recipients, and the run ends by itself."""
    told: list[str] = []
    for n in range(5):
        commit(url, f"{uid}-{n}")

    totals = dispatcher(
        url, servers, on_receipt=lambda _, receipt: told.append(receipt.recipient)
    ).run(until_idle=True)

    assert dict.fromkeys(servers, (5, 0, 0)) == lanes(url)
    assert (15, 0, 0) == (totals.delivered, totals.postponed, totals.failed)
    assert sorted(list(servers) * 5) == sorted(told)
    for name, server in servers.items():
        assert "203.0.113.1" == shown(server, uid + "-4", name)["Attribute"][0]["value"]


def test_a_new_edition_is_sent_at_once(
    url: str, servers: dict[str, MispSandbox], uid: str
) -> None:
    """A dispatcher that waits notices a new edition within a second."""
    open_store(url).close()
    with running(dispatcher(url, servers)):
        time.sleep(0.3)
        began = time.monotonic()
        commit(url, uid)
        assert eventually(lambda: lanes(url).get("kp-misp") == (1, 0, 0), 10)

    assert 5.0 > time.monotonic() - began


def test_a_dead_recipient_delays_nobody(
    url: str, servers: dict[str, MispSandbox], uid: str
) -> None:
    """While one recipient is away the others get everything; later it does, too."""
    for n in range(4):
        commit(url, f"{uid}-{n}")
    servers["fiu-misp"].faults = Knobs.read({"refuse": "stop"})

    dispatcher(url, servers).run(until_idle=True, grace=0.0)
    during, alarms = lanes(url), status(url).alarms
    servers["fiu-misp"].faults = Knobs()
    dispatcher(url, servers).run(until_idle=True)

    assert {
        "kp-misp": (4, 0, 0),
        "sprk-misp": (4, 0, 0),
        "fiu-misp": (0, 4, 0),
    } == during
    assert [("unreachable", "fiu-misp")] == [(one.kind, one.place) for one in alarms]
    assert (4, 0, 0) == lanes(url)["fiu-misp"]


def test_an_alarm_ends_when_the_recipient_is_back(
    url: str, servers: dict[str, MispSandbox], uid: str
) -> None:
    """The alarm of an unreachable recipient is taken back by the next delivery."""
    one = {"fiu-misp": servers["fiu-misp"]}
    for n in range(4):
        commit(url, f"{uid}-{n}", agreements=["fiu-k"])
    one["fiu-misp"].faults = Knobs.read({"refuse": "stop"})

    with running(dispatcher(url, one)):
        assert eventually(lambda: status(url).alarm_count == 1)
        one["fiu-misp"].faults = Knobs()
        assert eventually(lambda: lanes(url)["fiu-misp"] == (4, 0, 0))

    assert 0 == status(url).alarm_count


def test_an_alarm_of_an_earlier_run_ends_too(
    url: str, servers: dict[str, MispSandbox], uid: str
) -> None:
    """A dispatcher that starts anew takes back the alarm that the one before raised."""
    one = {"fiu-misp": servers["fiu-misp"]}
    for n in range(4):
        commit(url, f"{uid}-{n}", agreements=["fiu-k"])
    one["fiu-misp"].faults = Knobs.read({"refuse": "stop"})
    dispatcher(url, one).run(until_idle=True, grace=0.0)
    raised = status(url).alarm_count
    one["fiu-misp"].faults = Knobs()

    dispatcher(url, one).run(until_idle=True)

    assert (1, 0) == (raised, status(url).alarm_count)


def test_updates_arrive_in_order(
    url: str, servers: dict[str, MispSandbox], uid: str
) -> None:
    """While editions come faster than they leave, the recipient never goes back."""
    one = {"kp-misp": servers["kp-misp"]}
    arrived: list[int] = []
    with running(
        dispatcher(
            url, one, on_receipt=lambda _, receipt: arrived.append(receipt.edition)
        )
    ):
        for number in range(1, 13):
            commit(url, uid, number, [KP])
            time.sleep(0.02 * (number % 4))
        assert eventually(lambda: lanes(url)["kp-misp"][1] == 0)

    assert arrived == sorted(set(arrived))
    assert 12 == arrived[-1]
    assert "edition 12" == shown(one["kp-misp"], uid, "kp-misp")["info"]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("body", b'{"Event":{}}', "the body is not the one that was sealed"),
        ("share", "478fa9a5-5aac-5164-8700-174ccabbe80b", "the seal does not fit"),
        ("edition", 9, "the seal does not fit"),
        ("rulebook", "f" * 64, "the seal does not fit"),
        ("key_id", "0" * 16, "a key that is not known here"),
        ("recipient", "fiu-misp", "the seal does not fit"),
    ],
)
def test_what_does_not_fit_its_seal_is_never_sent(
    url: str,
    servers: dict[str, MispSandbox],
    uid: str,
    column: str,
    value: Any,
    reason: str,
) -> None:
    """A row of the outbox that somebody changed ends with an alarm, and is not sent."""
    uid = samples.share_of(uid, "short")
    commit(url, uid, agreements=[KP])
    database = open_database(url)
    with database.write() as connection:
        connection.execute(update(outbox).values({column: value}))
    database.close()

    totals = dispatcher(url, servers).run(until_idle=True)

    with open_store(url) as store:
        found = store.status(now())
    assert (0, 1) == (totals.delivered, totals.failed)
    assert ["seal"] == [alarm.kind for alarm in found.alarms]
    assert reason in found.alarms[0].text
    assert None is shown(servers["kp-misp"], uid, "kp-misp")


def test_a_refusal_ends_with_an_alarm(
    url: str, servers: dict[str, MispSandbox], uid: str
) -> None:
    """What a recipient will never take fails at once, and others go on."""
    one = {"kp-misp": servers["kp-misp"]}
    commit(url, uid, agreements=[KP])
    dispatcher(url, one).run(until_idle=True)
    requests.post(
        f"{one['kp-misp'].url}/events/delete/{samples.share_of(uid, 'kp-misp')}",
        headers={"Authorization": one["kp-misp"].keys["sync"]},
        timeout=20,
    )
    commit(url, uid, 2, [KP])
    commit(url, uid + "-other", agreements=[KP])

    dispatcher(url, one).run(until_idle=True)

    (alarm,) = status(url).alarms
    assert (2, 0, 1) == lanes(url)["kp-misp"]
    assert ("refused", f"kp-misp {uid} edition 2") == (alarm.kind, alarm.place)
    assert "blocks it for ever (HTTP 403)" in alarm.text


def test_failed_editions_go_out_after_the_cause_is_mended(
    url: str, servers: dict[str, MispSandbox], uid: str
) -> None:
    """With a wrong key all fails; with the right one the failed ones can be retried."""
    one = {"kp-misp": servers["kp-misp"]}
    commit(url, uid, agreements=[KP])
    Dispatcher(
        url,
        [recipient("kp-misp", one["kp-misp"].url)],
        {"kp-misp": Credential("kp-misp", "0" * 40)},
        KEYS,
        clock=now,
        patience=QUICK,
    ).run(until_idle=True)
    failed = lanes(url)["kp-misp"]

    with open_store(url) as store:
        store.retry_failed("kp-misp", now())
    dispatcher(url, one).run(until_idle=True)

    assert (0, 0, 1) == failed
    assert (1, 0, 0) == lanes(url)["kp-misp"]


@pytest.mark.parametrize(
    "patience",
    [
        Patience(first=0.01, longest=0.02, most_attempts=3),
        Patience(first=0.01, longest=0.02, give_up_after=0.5),
    ],
)
def test_patience_has_an_end(
    url: str, servers: dict[str, MispSandbox], uid: str, patience: Patience
) -> None:
    """After enough attempts, or enough time, an edition fails with an alarm."""
    one = {"kp-misp": servers["kp-misp"]}
    one["kp-misp"].faults = Knobs.read({"refuse": "stop"})
    commit(url, uid, agreements=[KP])

    dispatcher(url, one, patience=patience).run(until_idle=True)

    kinds = {alarm.kind: alarm.text for alarm in status(url).alarms}
    assert (0, 0, 1) == lanes(url)["kp-misp"]
    assert "given up: not reachable" == kinds["given-up"]


@contextmanager
def too_many_requests() -> Iterator[tuple[str, list[float]]]:
    """Give a server that always says 429, come back in 30 seconds."""

    class Busy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(time.monotonic())
            self.send_response(429)
            self.send_header("Retry-After", "30")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            pass

    asked: list[float] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Busy) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def test_a_recipient_that_asks_for_patience_gets_it(url: str, uid: str) -> None:
    """After a 429 the whole lane rests for as long as it was asked to."""
    for n in range(3):
        commit(url, f"{uid}-{n}", agreements=[KP])
    with too_many_requests() as (address, asked):
        work = Dispatcher(
            url,
            [recipient("kp-misp", address)],
            {"kp-misp": Credential("kp-misp", "k" * 40)},
            KEYS,
            clock=now,
            patience=Patience(first=0.01),
        )
        work.run(until_idle=True, grace=1.0)

    closed = work._lanes[0].closed_until
    assert 1 == len(asked)
    assert closed is not None
    assert 25.0 < (closed - now()).total_seconds() <= 30.0


def test_a_dead_server_is_not_hammered(
    url: str, servers: dict[str, MispSandbox], uid: str
) -> None:
    """With many editions waiting, a dead recipient is asked once in a while only."""
    one = {"kp-misp": servers["kp-misp"]}
    one["kp-misp"].faults = Knobs.read({"refuse": "stop"})
    for n in range(30):
        commit(url, f"{uid}-{n}", agreements=[KP])

    work = dispatcher(url, one, patience=Patience(first=5.0))
    totals = work.run(until_idle=True, grace=0.5)

    assert 3 == totals.postponed


def test_one_bad_event_does_not_block_the_lane(
    url: str, servers: dict[str, MispSandbox], uid: str
) -> None:
    """An event that the server fails on every time does not keep the others back."""
    one = {"kp-misp": servers["kp-misp"]}
    for n in range(12):
        commit(url, f"{uid}-{n}", agreements=[KP])
    one["kp-misp"].faults = Knobs(error_probability=0.3, seed=7)

    totals = dispatcher(url, one).run(until_idle=True)

    assert (12, 0, 0) == lanes(url)["kp-misp"]
    assert totals.postponed > 0


class FakeBroken:
    """An adapter with a mistake in it."""

    def deliver(self, sealed: Sealed) -> Receipt:
        """Fail in a way that nobody foresaw."""
        raise KeyError(f"Ardit Krasniqi {sealed.share}")

    def close(self) -> None:
        """Do nothing."""


def test_a_mistake_in_an_adapter_ends_no_lane(
    url: str, servers: dict[str, MispSandbox], uid: str, caplog: Any
) -> None:
    """An unforeseen error is an alarm without its text; the edition stays queued."""
    commit(url, uid, agreements=[KP])
    work = dispatcher(
        url, {"kp-misp": servers["kp-misp"]}, patience=Patience(first=60.0)
    )
    work._lanes[0].delivery = FakeBroken()

    work.run(until_idle=True, grace=1.0)

    (alarm,) = status(url).alarms
    assert (0, 1, 0) == lanes(url)["kp-misp"]
    assert ("internal-error", "an error in the adapter: KeyError") == (
        alarm.kind,
        alarm.text,
    )
    assert "Ardit" not in caplog.text


def test_telling_of_a_receipt_may_fail(
    url: str, servers: dict[str, MispSandbox], uid: str
) -> None:
    """What goes wrong in the callback does not touch the delivery."""

    def tell(*_: object) -> None:
        raise RuntimeError("no")

    commit(url, uid, agreements=[KP])

    dispatcher(url, {"kp-misp": servers["kp-misp"]}, on_receipt=tell).run(
        until_idle=True
    )

    assert (1, 0, 0) == lanes(url)["kp-misp"]


def test_a_suspended_recipient_waits(
    url: str, servers: dict[str, MispSandbox], uid: str
) -> None:
    """Nothing is sent to a recipient that is suspended, and nothing is lost."""
    commit(url, uid, agreements=[KP])
    server = servers["kp-misp"]

    Dispatcher(
        url,
        [recipient("kp-misp", server.url, suspended=True)],
        {},
        KEYS,
        clock=now,
    ).run(until_idle=True)

    assert (0, 1, 0) == lanes(url)["kp-misp"]


def test_a_missing_credential_is_explained(url: str) -> None:
    """A recipient without its credential is a mistake that is told before the start."""
    with pytest.raises(SettingsError, match="needs the credential kp-misp"):
        Dispatcher(url, [recipient("kp-misp", "https://a.test")], {}, KEYS, clock=now)


DISPATCH = """
import json, sys
from datetime import UTC, datetime
from broker.deliver import Credential
from broker.dispatch import Dispatcher, Patience
from tests.e2e.test_dispatch import KEYS, recipient
url, servers = sys.argv[1], json.loads(sys.argv[2])
Dispatcher(
    url,
    [recipient(name, address) for name, (address, key) in servers.items()],
    {name: Credential(name, key) for name, (address, key) in servers.items()},
    KEYS,
    clock=lambda: datetime.now(UTC),
    patience=Patience(first=0.05, longest=0.2),
).run(until_idle=len(sys.argv) > 3)
"""


def started(url: str, servers: dict[str, MispSandbox], *more: str) -> Any:
    """Start a dispatcher in a process of its own."""
    where = {
        name: (server.url, server.keys["sync"]) for name, server in servers.items()
    }
    return subprocess.Popen(
        [sys.executable, "-c", DISPATCH, url, json.dumps(where), *more]
    )


@pytest.mark.slow
def test_killed_dispatchers_lose_and_repeat_nothing(
    url: str, servers: dict[str, MispSandbox], uid: str
) -> None:
    """After several kill -9 everything has arrived once, and no lease is waited for."""
    for n in range(40):
        commit(url, f"{uid}-{n}")
    chance = Random(5)
    for life in range(1, 4):
        process = started(url, servers)
        assert eventually(lambda enough=life * 20: delivered(url) >= enough, 60)
        time.sleep(chance.uniform(0.0, 0.1))
        os.kill(process.pid, signal.SIGKILL)
        assert -signal.SIGKILL == process.wait(timeout=30)

    began = time.monotonic()
    assert 0 == started(url, servers, "until-idle").wait(timeout=120)

    assert 100 > time.monotonic() - began
    assert dict.fromkeys(servers, (40, 0, 0)) == lanes(url)
    for name, server in servers.items():
        for n in range(40):
            (only,) = shown(server, f"{uid}-{n}", name)["Attribute"]
            assert "203.0.113.1" == only["value"]


def test_two_dispatchers_send_everything_once(
    url: str, servers: dict[str, MispSandbox], uid: str
) -> None:
    """Two dispatchers on one store deliver each edition exactly once."""
    one = {"kp-misp": servers["kp-misp"]}
    for n in range(20):
        commit(url, f"{uid}-{n}", agreements=[KP])
    told: list[str] = []

    def note(row: Any, _: object) -> None:
        told.append(row.uid)

    with running(dispatcher(url, one, on_receipt=note)):
        dispatcher(url, one, on_receipt=note).run(until_idle=True)

    assert sorted(f"{uid}-{n}" for n in range(20)) == sorted(told)
    assert (20, 0, 0) == lanes(url)["kp-misp"]


def test_waits_double_up_to_a_limit() -> None:
    """The wait doubles with each failure, is cut by up to half, and has a limit."""
    patience, chance = Patience(first=1.0, longest=100.0), Random(3)

    waits = [patience.wait(n, chance) for n in (1, 2, 3, 4, 8, 50, 10_000)]

    for expected, actual in zip([1, 2, 4, 8, 100, 100, 100], waits, strict=True):
        assert expected / 2 <= actual <= expected
    assert waits != [patience.wait(n, chance) for n in (1, 2, 3, 4, 8, 50, 10_000)]


def test_a_worker_is_gone_when_its_process_is() -> None:
    """Only a process that certainly ended counts as gone."""
    mine = worker.name_worker()
    host, pid, birth, token = mine.split("/")
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    dead = f"{host}/{process.pid}/1/x"
    process.wait(timeout=30)

    assert not worker.is_gone(mine)
    assert worker.is_gone(dead)
    assert worker.is_gone(f"{host}/{pid}/1/{token}")  # an earlier life of the number
    assert not worker.is_gone(f"elsewhere/{process.pid}/1/x")
    assert not worker.is_gone("nonsense")
    assert birth


def test_a_process_that_is_dead_and_not_buried_is_gone() -> None:
    """A zombie holds no lease."""
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    assert eventually(lambda: worker.birth(process.pid) == "", 30)

    assert Path(f"/proc/{process.pid}").exists()  # still there, for its parent to see
    process.wait(timeout=30)
