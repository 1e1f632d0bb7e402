"""Asking units, with real stores and servers that treat a client as a MISP does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import update

from broker.canonical import dumps
from broker.deliver import Credential, Timeouts
from broker.deliver.listening import open_listening
from broker.model.agreement import Clearance, Recipient
from broker.model.feedback import AgreedTag, FeedbackWord, Vocabulary
from broker.model.marking import Pap, Tlp
from broker.model.recipient import Limits, RecipientKind
from broker.poll import ALARM, Polled, Poller
from broker.sandbox.misp import Knobs, MispSandbox
from broker.store import open_store
from broker.store.feedback_tables import feedback_cursor
from broker.store.register import millis
from tests.unit.deliver.events import attribute, event
from tests.unit.store import samples
from tests.unit.store.samples import AGREEMENTS, KEY, at, outcome, queued
from tests.waiting import eventually

WORDS = Vocabulary(
    (AgreedTag(word=FeedbackWord.FALSE_POSITIVE, tag="besa:false"),), "besa:recalled"
)
TIMEOUTS = Timeouts(connect=20.0, answer=20.0, total=60.0)
EVERY = timedelta(0)


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def servers(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, MispSandbox]]:
    """Start one stand-in MISP per recipient."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(MispSandbox(tmp_path_factory.mktemp(name)))
            for name in AGREEMENTS.values()
        }


@pytest.fixture(autouse=True)
def well(servers: dict[str, MispSandbox]) -> Iterator[None]:
    """Leave every server well."""
    yield
    for one in servers.values():
        one.faults = Knobs()


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Return the URL of an empty store."""
    return samples.url_of(tmp_path)


def recipient(name: str, address: str, **fields: Any) -> Recipient:
    """Return a recipient at an address."""
    return Recipient(
        recipient=name,
        authority=name,
        kind="misp",
        url=address,
        credential=name,
        clearance=Clearance(tlp=Tlp.AMBER, pap=Pap.AMBER),
        **fields,
    )


def poller(
    url: str,
    servers: dict[str, MispSandbox],
    *,
    every: timedelta = EVERY,
    timeouts: Timeouts = TIMEOUTS,
    **fields: Any,
) -> Poller:
    """Return what asks all the servers."""
    recipients = [recipient(name, one.url, **fields) for name, one in servers.items()]
    credentials = {n: Credential(n, one.keys["sync"]) for n, one in servers.items()}
    return Poller(
        url,
        recipients,
        credentials,
        WORDS,
        clock=now,
        every=every,
        timeouts=timeouts,
    )


def ask(misp: MispSandbox, account: str, path: str, body: Any = None) -> Any:
    """Ask the server something with somebody's key."""
    answer = requests.request(
        "GET" if body is None else "POST",
        misp.url + path,
        json=body,
        headers={"Authorization": misp.keys[account], "Accept": "application/json"},
        timeout=20,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def delivered(url: str, servers: dict[str, MispSandbox], uid: str) -> dict[str, str]:
    """Let every unit have an incident; return its attribute's UUID by recipient."""
    inner, bodies = {}, {}
    for name, misp in servers.items():
        part = attribute("203.0.113.66")
        made = event(part, uuid=samples.share_of(uid, name), distribution="1")
        ask(misp, "sync", "/events/add", {"Event": made})
        inner[name], bodies[name] = part["uuid"], dumps({"Event": made})
    shares = [
        queued(uid, agreement, 1, body=bodies[name])
        for agreement, name in AGREEMENTS.items()
        if name in servers
    ]
    with open_store(url) as store:
        store.commit([(at(1), outcome(uid, 1, *shares))], now(), KEY)
        for name in servers:
            row = store.lease(name, "w", now(), now() + timedelta(hours=1))
            assert row is not None
            assert store.finish(row, samples.receipt(row, now()))
    return inner


def known(url: str) -> list[tuple[str, str]]:
    """Return what is known, oldest first: recipient and word."""
    with open_store(url) as store:
        found = store.hearing.listed()
    return [(one.recipient, one.word.value) for one in found[::-1]]


def test_every_unit_is_asked(url: str, servers: dict[str, MispSandbox]) -> None:
    """What each unit said is found in its own MISP, and once."""
    inner = delivered(url, servers, "all-1")
    for name, misp in servers.items():
        ask(misp, "police", f"/sightings/add/{inner[name]}", {"type": "0"})

    first, second = poller(url, servers).once(), poller(url, servers).once()

    assert {(name, 1, 1) for name in servers} == {
        (one.recipient, one.cases, one.new) for one in first
    }
    assert {0} == {one.new for one in second}
    assert sorted((name, "seen") for name in servers) == sorted(known(url))


def test_a_dead_unit_delays_no_other(url: str, servers: dict[str, MispSandbox]) -> None:
    """While one server hangs the others' words are in the store already."""
    inner = delivered(url, servers, "slow-1")
    for name, misp in servers.items():
        ask(misp, "police", f"/sightings/add/{inner[name]}", {"type": "0"})
    servers["kp-misp"].faults = Knobs(delay=60.0)
    made = poller(url, servers, timeouts=Timeouts(5.0, 120.0, 200.0))
    run = threading.Thread(target=made.once, daemon=True)
    run.start()

    others = {("sprk-misp", "seen"), ("fiu-misp", "seen")}

    assert eventually(lambda: others == set(known(url)))
    assert run.is_alive()
    servers["kp-misp"].faults = Knobs()
    made.stop()
    run.join(60)


@pytest.mark.parametrize(
    "knobs", [Knobs(error_next=50), Knobs(refuse="close"), Knobs(half_next=50)]
)
def test_a_unit_that_cannot_be_asked_is_an_alarm_until_it_can(
    url: str, servers: dict[str, MispSandbox], knobs: Knobs
) -> None:
    """A server that fails is an alarm; nothing is lost, and a good round ends it."""
    one = {"kp-misp": servers["kp-misp"]}
    inner = delivered(url, one, f"fails-{knobs.error_next}-{knobs.half_next}")
    ask(one["kp-misp"], "police", f"/sightings/add/{inner['kp-misp']}", {"type": "1"})
    one["kp-misp"].faults = knobs
    (failed,) = poller(url, one).once()
    with open_store(url) as store:
        alarms = [(alarm.kind, alarm.place) for alarm in store.status(now()).alarms]
    one["kp-misp"].faults = Knobs()
    (good,) = poller(url, one).once()

    assert (0, True) == (failed.new, bool(failed.problem))
    assert [(ALARM, "kp-misp")] == alarms
    assert (1, "") == (good.new, good.problem)
    with open_store(url) as store:
        assert () == store.status(now()).alarms


def test_a_wrong_key_is_said(url: str, servers: dict[str, MispSandbox]) -> None:
    """A key that is not accepted ends the round with a fixed phrase."""
    misp = servers["kp-misp"]
    made = Poller(
        url,
        [recipient("kp-misp", misp.url)],
        {"kp-misp": Credential("kp-misp", "x" * 40)},
        WORDS,
        clock=now,
        every=EVERY,
        timeouts=TIMEOUTS,
    )

    assert ["the key is not accepted (HTTP 403)"] == [
        one.problem for one in made.once()
    ]


def test_an_event_that_is_gone_is_no_fault(
    url: str, servers: dict[str, MispSandbox]
) -> None:
    """A unit that deleted a case has said nothing about it; the others are asked."""
    one = {"kp-misp": servers["kp-misp"]}
    delivered(url, one, "gone-1")
    inner = delivered(url, one, "gone-2")
    ask(
        one["kp-misp"],
        "sync",
        f"/events/delete/{samples.share_of('gone-1', 'kp-misp')}",
        {},
    )
    ask(one["kp-misp"], "police", f"/sightings/add/{inner['kp-misp']}", {"type": "0"})

    (found,) = poller(url, one).once()

    assert (2, 1, "") == (found.cases, found.new, found.problem)


def test_only_one_process_asks_at_a_time(
    url: str, servers: dict[str, MispSandbox]
) -> None:
    """Two dispatchers with one store ask each recipient once per interval."""
    delivered(url, servers, "two-1")
    first = poller(url, servers, every=timedelta(hours=1)).once()
    second = poller(url, servers, every=timedelta(hours=1)).once()

    assert (3, 0) == (len(first), len(second))


def test_a_recipients_limit_counts(url: str, servers: dict[str, MispSandbox]) -> None:
    """No more cases a minute are looked at than the recipient's server takes."""
    one = {"kp-misp": servers["kp-misp"]}
    for number in range(3):
        inner = delivered(url, one, f"limit-{number}")["kp-misp"]
        ask(one["kp-misp"], "police", f"/sightings/add/{inner}", {"type": "0"})
    made = poller(url, one, limits=Limits(per_minute=2))
    found: list[Polled] = []
    run = threading.Thread(target=lambda: found.extend(made.once()), daemon=True)
    run.start()

    assert eventually(lambda: 2 == len(known(url)))
    time.sleep(1.0)  # in which the third would be looked at, were there no limit
    made.stop()
    run.join(60)
    assert [(2, "stopped")] == [(each.cases, each.problem) for each in found]
    assert 2 == len(known(url))


def test_it_asks_again_and_again_until_told_to_stop(
    url: str, servers: dict[str, MispSandbox]
) -> None:
    """A poller that runs finds what is said later, and ends when it is told to."""
    one = {"kp-misp": servers["kp-misp"]}
    inner = delivered(url, one, "later-1")
    made = poller(url, one, every=timedelta(seconds=0.4))
    run = threading.Thread(target=made.run, daemon=True)
    run.start()
    time.sleep(1.0)
    ask(one["kp-misp"], "police", f"/sightings/add/{inner['kp-misp']}", {"type": "0"})
    assert eventually(lambda: known(url))
    made.stop()
    run.join(60)

    assert [("kp-misp", "seen")] == known(url)
    assert not run.is_alive()


def test_new_words_are_looked_at_first(
    url: str, servers: dict[str, MispSandbox]
) -> None:
    """A case that a search names is looked at although its turn has not come."""
    one = {"kp-misp": servers["kp-misp"]}
    inner = delivered(url, one, "old-1")
    made = poller(url, one)
    with open_store(url) as store:
        long_ago = now() - timedelta(days=100)
        share = store.hearing.shares_to_ask("kp-misp", (), now(), 1)[0]
        # As if it had arrived long ago, and been looked at just now.
        with store._database.write() as connection:
            listed = update(feedback_cursor).where(feedback_cursor.c.arrived > 0)
            connection.execute(listed.values(arrived=millis(long_ago)))
        store.hearing.record("kp-misp", share, [], now())
    before = made.once()
    ask(one["kp-misp"], "police", f"/sightings/add/{inner['kp-misp']}", {"type": "0"})
    after = made.once()

    assert [(0, 0), (1, 1)] == [(one.cases, one.new) for one in (*before, *after)]


def test_folders_have_no_way_back(tmp_path: Path) -> None:
    """A feed and a file drop cannot be asked; nobody tries."""
    folder = replace_kind(recipient("drop", "https://x.example"), tmp_path)

    assert open_listening(folder, Credential("", ""), WORDS, clock=now) is None
    made = Poller("sqlite://", [folder], {}, WORDS, clock=now, every=EVERY)
    assert () == made.recipients


def replace_kind(made: Recipient, folder: Path) -> Recipient:
    """Return a recipient as a folder of sealed files."""
    fields = {"kind": RecipientKind.FILE_DROP, "url": folder.as_uri()}
    return made.model_copy(update=fields)
