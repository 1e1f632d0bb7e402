"""Dispatch within a recipient's limits, to every kind of recipient, and not at all."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

import pytest
import requests

from broker.canonical import dumps
from broker.deliver import Credential, open_recipient
from broker.deliver.file_drop import check
from broker.deliver.patience import Pace
from broker.dispatch import Dispatcher, Patience
from broker.errors import SettingsError
from broker.model.agreement import Clearance, Limits, Organisation, Recipient
from broker.model.marking import Pap, Tlp
from broker.sandbox.misp import Knobs, MispSandbox
from broker.store import open_store, operate
from broker.store.connect import open_database
from broker.store.operate import Waiting
from tests.e2e.test_dispatch import QUICK, WAITS, commit, incident, now, recipient
from tests.unit.store import samples
from tests.unit.store.samples import KEY, KEYS, at, outcome, queued

AGREEMENT, KP = "kp-cybercrime", "kp-misp"
ORGANISATION = Organisation(
    name="KOS-CERT", uuid="0b8c5a52-6d3f-4c0e-9a57-2f7d1c9e4b10"
)
DEAD = "http://127.0.0.1:9"


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Return the URL of an empty store."""
    return samples.url_of(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MispSandbox]:
    """Start one stand-in MISP."""
    with MispSandbox(tmp_path_factory.mktemp("misp")) as sandbox:
        yield sandbox


@pytest.fixture
def misp(shared: MispSandbox) -> Iterator[MispSandbox]:
    """Give the MISP, well at the beginning and in the end."""
    yield shared
    shared.faults = Knobs()


def dispatcher(url: str, to: Recipient, key: str = "k", **more: Any) -> Dispatcher:
    """Return a dispatcher to one recipient."""
    credentials = {to.credential: Credential(to.credential, key)}
    settings: dict[str, Any] = {
        "clock": now,
        "patience": QUICK,
        "timeouts": WAITS,
        "chance": Random(1),
    }
    return Dispatcher(url, [to], credentials, KEYS, **settings | more)


def rows(url: str) -> list[Waiting]:
    """Return all rows of the outbox."""
    database = open_database(url)
    try:
        every = ("queued", "leased", "held", "delivered", "superseded", "failed")
        return list(operate.listed(database, states=every))
    finally:
        database.close()


def recall(url: str, uid: str, number: int) -> None:
    """Store an edition that takes everything back."""
    event = json.loads(incident(uid, number, retracts=True)[KP])
    event["Event"]["published"] = False  # MISP publishes nothing that is empty
    body = dumps(event)
    share = queued(uid, AGREEMENT, number, retracts=True, body=body)
    with open_store(url) as store:
        store.commit([(at(number), outcome(uid, number, share))], now(), KEY)


def exists(misp: MispSandbox, uid: str) -> bool:
    """Say whether the MISP has an incident's event."""
    answer = requests.get(
        f"{misp.url}/events/view/{samples.share_of(uid, KP)}",
        headers={"Authorization": misp.keys["sync"], "Accept": "application/json"},
        timeout=20,
    )
    return answer.status_code == 200


# --- a recall of what never left ---


def test_a_recall_of_what_was_never_sent_is_closed(url: str, misp: MispSandbox) -> None:
    """When nothing ever left, the recipient is not told that there was something."""
    commit(url, "never-sent", agreements=[AGREEMENT])
    recall(url, "never-sent", 2)

    totals = dispatcher(url, recipient(KP, misp.url), misp.keys["sync"]).run(
        until_idle=True
    )

    first, second = rows(url)
    assert ("superseded", "superseded", 0) == (
        first.state,
        second.state,
        totals.delivered,
    )
    assert "nothing was ever sent, so nothing is to be taken back" == second.last_reason
    assert not exists(misp, "never-sent")
    with open_store(url) as store:
        store.check_register(KEYS)
        assert 2 == len(store.unpublished_receipts())


def test_a_recall_of_what_may_have_left_is_sent(url: str, misp: MispSandbox) -> None:
    """An attempt that failed half-way may have left something: the recall goes out."""
    commit(url, "half", agreements=[AGREEMENT])
    dispatcher(url, recipient(KP, DEAD)).run(until_idle=True, grace=0.0)
    recall(url, "half", 2)

    dispatcher(url, recipient(KP, misp.url), misp.keys["sync"]).run(until_idle=True)

    assert ["superseded", "delivered"] == [row.state for row in rows(url)]
    assert exists(misp, "half")


def test_a_recall_of_what_was_delivered_is_sent(url: str, misp: MispSandbox) -> None:
    """What arrived is taken back."""
    to = recipient(KP, misp.url)
    commit(url, "arrived", agreements=[AGREEMENT])
    dispatcher(url, to, misp.keys["sync"]).run(until_idle=True)
    recall(url, "arrived", 2)

    dispatcher(url, to, misp.keys["sync"]).run(until_idle=True)

    assert ["delivered", "delivered"] == [row.state for row in rows(url)]


def test_after_a_closed_recall_the_incident_can_be_shared(
    url: str, misp: MispSandbox
) -> None:
    """A later edition of the incident is delivered as if it were the first."""
    commit(url, "again", agreements=[AGREEMENT])
    recall(url, "again", 2)
    to = recipient(KP, misp.url)
    dispatcher(url, to, misp.keys["sync"]).run(until_idle=True)
    commit(url, "again", 3, [AGREEMENT])

    dispatcher(url, to, misp.keys["sync"]).run(until_idle=True)

    assert "delivered" == rows(url)[-1].state
    assert exists(misp, "again")


# --- limits ---


def test_what_is_larger_than_a_recipient_takes_is_not_sent(
    url: str, misp: MispSandbox
) -> None:
    """An edition above the limit ends with an alarm, and nothing is sent."""
    with open_store(url) as store:
        share = queued("big", AGREEMENT, 1, size=2_000)
        store.commit([(at(1), outcome("big", 1, share))], now(), KEY)
    to = recipient(KP, misp.url, limits=Limits(max_bytes=1_000))

    totals = dispatcher(url, to, misp.keys["sync"]).run(until_idle=True)

    (row,) = rows(url)
    assert (1, "failed") == (totals.failed, row.state)
    assert "larger than the recipient takes" == row.last_reason
    assert not exists(misp, "big")


def test_a_minute_has_so_many_attempts_and_no_more() -> None:
    """Within any sixty seconds no more attempts begin than the limit says."""
    start = datetime(2026, 6, 1, tzinfo=UTC)
    pace = Pace(3)
    begun = []
    for second in range(180):
        moment = start + timedelta(seconds=second)
        if pace.allows(moment):
            pace.note(moment)
            begun.append(second)

    assert [0, 1, 2, 60, 61, 62, 120, 121, 122] == begun


def test_without_a_limit_nothing_waits() -> None:
    """Zero stands for no limit."""
    pace = Pace(0)
    moment = datetime(2026, 6, 1, tzinfo=UTC)
    for _ in range(10_000):
        assert pace.allows(moment)
        pace.note(moment)


def test_a_lane_keeps_to_its_limit(url: str, tmp_path: Path) -> None:
    """Of three editions only two leave in the first minute; the third one waits."""
    (tmp_path / "drop").mkdir()
    for n in range(3):
        commit(url, f"paced-{n}", agreements=[AGREEMENT])
    to = folder(tmp_path / "drop", kind="file-drop", limits=Limits(per_minute=2))
    moment = [now()]
    work = dispatcher(url, to, clock=lambda: moment[0])
    left: list[int] = []

    def later(*_: Any) -> None:
        left.append(len(left))
        if len(left) == 2:
            states.extend(row.state for row in rows(url))
            moment[0] += timedelta(seconds=61)

    states: list[str] = []
    work = dispatcher(url, to, clock=lambda: moment[0], on_receipt=later)
    work.run(until_idle=True)

    assert ["delivered", "delivered", "queued"] == states
    assert 3 == len(left)


@pytest.mark.parametrize("database", samples.DATABASES)
def test_two_dispatchers_keep_to_one_limit(database: str, tmp_path: Path) -> None:
    """Of six editions only three leave in a minute, however many dispatchers there are.

    Each has lanes and connections of its own, as on two machines; to a MISP, so that
    nothing but the limit keeps them from sending at the same time.
    """
    store = samples.empty(database, tmp_path)
    with MispSandbox(tmp_path / "misp") as server:
        for n in range(6):
            commit(store, f"paced-{n}", agreements=[AGREEMENT])
        to = recipient(KP, server.url, limits=Limits(per_minute=3))
        moment = [now()]
        works = [
            dispatcher(store, to, server.keys["sync"], clock=lambda: moment[0])
            for _ in range(2)
        ]
        threads = [Thread(target=work.run) for work in works]
        for thread in threads:
            thread.start()
        first = settled(store)
        moment[0] += timedelta(seconds=61)
        second = settled(store)
        for work in works:
            work.stop()
        for thread in threads:
            thread.join()

    assert (3, 6) == (first, second)


def settled(url: str) -> int:
    """Wait until nothing has been delivered for two seconds; return how much was."""
    last, since = -1, time.monotonic()
    while time.monotonic() - since < 2:
        done = sum(row.state == "delivered" for row in rows(url))
        under_way = any(row.state == "leased" for row in rows(url))
        if done != last or under_way or not done:
            last, since = done, time.monotonic()
        time.sleep(0.1)
    return last


def test_a_held_row_lets_the_run_end(url: str, tmp_path: Path) -> None:
    """What an operator holds is neither sent nor waited for."""
    (tmp_path / "drop").mkdir()
    commit(url, "held", agreements=[AGREEMENT])
    database = open_database(url)
    operate.hold(database, rows(url)[0].id, "ana", "wait", now())
    database.close()

    totals = dispatcher(url, folder(tmp_path / "drop", kind="file-drop")).run(
        until_idle=True
    )

    assert 0 == totals.delivered
    assert ["held"] == [row.state for row in rows(url)]


def test_giving_up_has_an_end(url: str) -> None:
    """After as many attempts as are allowed an edition fails, with an alarm."""
    commit(url, "given-up", agreements=[AGREEMENT])
    patience = Patience(first=0.01, longest=0.02, most_attempts=3)

    dispatcher(url, recipient(KP, DEAD), patience=patience).run(
        until_idle=True, grace=2.0
    )

    (row,) = rows(url)
    with open_store(url) as store:
        kinds = {alarm.kind for alarm in store.status(now()).alarms}
    assert ("failed", 3) == (row.state, row.attempts)
    assert "given-up" in kinds


# --- folders ---


def folder(place: Path, *, kind: str, **more: Any) -> Recipient:
    """Return a recipient that is a folder."""
    return Recipient(
        recipient=KP,
        authority=KP,
        kind=kind,
        url=f"file://{place}",
        clearance=Clearance(tlp=Tlp.AMBER, pap=Pap.AMBER),
        **{"organisation": ORGANISATION if kind == "feed" else None} | more,
    )


def test_a_feed_and_a_drop_are_filled(url: str, tmp_path: Path) -> None:
    """The same editions go to a feed's folder, and to one that is carried over."""
    for name in ("feed", "drop"):
        (tmp_path / name).mkdir()
    commit(url, "A", agreements=[AGREEMENT])
    dispatcher(url, folder(tmp_path / "feed", kind="feed")).run(until_idle=True)
    commit(url, "A", 2, [AGREEMENT])
    dispatcher(url, folder(tmp_path / "drop", kind="file-drop")).run(until_idle=True)

    share = samples.share_of("A", KP)
    manifest = json.loads((tmp_path / "feed" / "manifest.json").read_bytes())
    (found,) = check(tmp_path / "drop", KEYS)
    assert [share] == list(manifest)
    assert ("", share, 2) == (found.problem, found.share, found.edition)


def test_a_disk_that_is_missing_is_waited_for(url: str, tmp_path: Path) -> None:
    """When the folder comes back, what waited is delivered; nothing failed."""
    commit(url, "A", agreements=[AGREEMENT])
    to = folder(tmp_path / "stick", kind="file-drop")
    dispatcher(url, to).run(until_idle=True, grace=0.0)
    during = [row.state for row in rows(url)]
    (tmp_path / "stick").mkdir()

    dispatcher(url, to).run(until_idle=True)

    assert (["queued"], ["delivered"]) == (during, [row.state for row in rows(url)])


@pytest.mark.parametrize("wrong", ["file:///", "file://host/x", "/srv/x"])
def test_the_address_of_a_folder_must_be_one(wrong: str) -> None:
    """An address that names no folder is refused before anything starts."""
    with pytest.raises((SettingsError, ValueError), match="file:///"):
        open_recipient(
            Recipient(
                recipient=KP,
                authority=KP,
                kind="file-drop",
                url=wrong,
                clearance=Clearance(tlp=Tlp.AMBER, pap=Pap.AMBER),
            ),
            Credential("", ""),
            clock=now,
        )


def test_a_disclosure_is_never_needless(url: str) -> None:
    """The verb that closes needless recalls leaves disclosures alone."""
    commit(url, "A", agreements=[AGREEMENT])
    with open_store(url) as store:
        row = store.lease(KP, "w", now(), now() + timedelta(minutes=1))
        assert row is not None
        assert not store.close_needless(row, now())
