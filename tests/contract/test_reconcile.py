"""What recipients hold against what we believe: stand-in MISP, medallion, folders."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from kafka import TopicPartition

from broker.canonical import dumps
from broker.deliver import Credential
from broker.dispatch import Dispatcher
from broker.errors import Unavailable
from broker.model.agreement import Recipient
from broker.model.sharing import Draft, ReceiptState, Wire
from broker.reconcile import Finding, RecipientReport, compare_recipient, recipients
from broker.reconcile.holdings import open_holdings
from broker.reconcile.recipients import Progress, Repair, untold
from broker.reconcile.source import partition
from broker.sandbox.misp import MispSandbox
from broker.seal import seal
from broker.store import open_store
from broker.store.believed import believed, queue_again, sealed_of
from broker.store.connect import Database, open_database
from tests.contract.taxii_server import OURS, PASSWORD, USER, Taxii, running
from tests.e2e.test_dispatch import QUICK, WAITS, commit, recipient
from tests.unit.store import samples
from tests.unit.store.samples import KEY, KEYS, RULEBOOK, at, outcome, queued, withheld

KP = "kp-cybercrime"
NAME = "kp-misp"


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


@pytest.fixture
def misp(tmp_path: Path) -> Iterator[MispSandbox]:
    """Give an empty stand-in MISP."""
    with MispSandbox(tmp_path / "misp") as sandbox:
        yield sandbox


class Desk:
    """One recipient, its store and how to look at both."""

    def __init__(self, url: str, to: Recipient, key: str) -> None:
        self.url, self.to = url, to
        self.credential = Credential(to.credential, key)
        self.database: Database = open_database(url)

    def deliver(self) -> None:
        """Deliver whatever waits."""
        credentials = {self.to.credential: self.credential}
        more: Any = {"clock": now, "patience": QUICK, "timeouts": WAITS}
        Dispatcher(self.url, [self.to], credentials, KEYS, **more).run(until_idle=True)

    def compare(
        self, repair: Repair | None = None, progress: Progress = untold
    ) -> RecipientReport:
        """Compare."""
        holdings = open_holdings(self.to, self.credential, clock=now, timeouts=WAITS)
        return compare_recipient(
            self.database, self.to, holdings, KEYS, repair, progress
        )

    def repair(self) -> RecipientReport:
        """Compare, and queue again what differs."""
        return self.compare(
            lambda belief: queue_again(self.database, belief, "arta", "a test", now())
        )

    def register_is_whole(self) -> bool:
        """Check the register."""
        with open_store(self.url) as store:
            return store.check_register(KEYS).entries > 0


@pytest.fixture
def desk(url: str, misp: MispSandbox) -> Desk:
    """Give one MISP to which three incidents were delivered."""
    made = Desk(url, recipient(NAME, misp.url), misp.keys["sync"])
    for n in range(3):
        commit(url, f"I-{n}", agreements=[KP])
    made.deliver()
    return made


def told(report: RecipientReport) -> list[tuple[Finding, str, str]]:
    """Return the differences without their phrases."""
    return [(row.finding, row.uid, row.id) for row in report.rows]


def share(uid: str) -> str:
    """Return the event's UUID."""
    return samples.share_of(uid, NAME)


def admin(misp: MispSandbox, path: str, body: Any = None) -> Any:
    """Do something at the MISP as its administrator."""
    answer = requests.post(
        f"{misp.url}/{path}",
        headers={"Authorization": misp.keys["admin"], "Accept": "application/json"},
        json=body or {},
        timeout=20,
    )
    assert answer.ok, answer.text
    return answer.json()


class TestMisp:
    def test_nothing_differs_after_a_delivery(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What was delivered and left alone is as it should be, page after page."""
        monkeypatch.setattr(recipients, "_PAGE", 2)
        told: list[tuple[int, int]] = []

        report = desk.compare(progress=lambda done, of: told.append((done, of)))

        assert (3, 3, ()) == (report.cases, report.same, report.rows)
        assert report.is_same
        assert [(2, 3), (3, 3)] == told

    def test_what_was_fetched_together_is_not_asked_for_again(
        self, desk: Desk, misp: MispSandbox
    ) -> None:
        """Editions that are expected are fetched at once; only a doubt asks anew."""
        page = believed(desk.database, NAME, ["I-0", "I-1", "I-2"])
        sealed = list(sealed_of(desk.database, page).values())
        admin(misp, f"attributes/delete/{samples.share_of(share('I-1'), '1')}")
        holdings = open_holdings(desk.to, desk.credential, clock=now, timeouts=WAITS)
        holdings.expect(sealed)
        misp.stop()

        same, doubtful, also_same = sealed
        assert () == holdings.differences(same, ())
        assert () == holdings.differences(also_same, ())
        with pytest.raises(Unavailable):
            holdings.differences(doubtful, ())
        holdings.close()

    def test_an_event_that_was_deleted_is_missing(
        self, desk: Desk, misp: MispSandbox
    ) -> None:
        """An event that somebody deleted is missing, and its repair says why not."""
        admin(misp, f"events/delete/{share('I-1')}")

        report = desk.repair()
        assert [(Finding.MISSING, "I-1", share("I-1"))] == told(report)
        assert "queued" == report.rows[0].repair
        desk.deliver()

        again = desk.compare()
        assert {Finding.MISSING, Finding.FAILED} >= {row.finding for row in again.rows}
        assert not again.is_same  # MISP blocks a deleted UUID for ever
        assert desk.register_is_whole()

    def test_a_deleted_attribute_comes_back(
        self, desk: Desk, misp: MispSandbox
    ) -> None:
        """An attribute that somebody deleted is told, and a repair brings it back.

        Changing anything in an event also takes its publication back.
        """
        gone = samples.share_of(share("I-0"), "1")
        admin(misp, f"attributes/delete/{gone}")

        assert {
            (Finding.DELETED, "I-0", gone),
            (Finding.ALTERED, "I-0", share("I-0")),
        } == set(told(desk.repair()))
        desk.deliver()

        assert desk.compare().is_same
        assert desk.register_is_whole()

    def test_what_others_changed_is_told(self, desk: Desk, misp: MispSandbox) -> None:
        """An altered value and an attribute more are two differences of one case."""
        changed = samples.share_of(share("I-2"), "1")
        admin(misp, f"attributes/edit/{changed}", {"comment": "x", "to_ids": False})
        more = {"type": "domain", "category": "Network activity", "value": "a.example"}
        added = admin(misp, f"attributes/add/{share('I-2')}", more)

        found = desk.compare()

        extra = added["Attribute"]["uuid"]
        assert {
            (Finding.ALTERED, "I-2", changed),
            (Finding.EXTRA, "I-2", extra),
            (Finding.ALTERED, "I-2", share("I-2")),  # it is not published any more
        } == set(told(found))
        assert 1 == found.counts["extra"]

    def test_what_was_taken_back_unknown_to_the_store_is_not_sent_again(
        self, desk: Desk, misp: MispSandbox
    ) -> None:
        """A store that was restored from a copy does not undo a later recall."""
        told_by_us = {"info": "[Taken back by KOS-CERT]"}
        admin(misp, f"events/edit/{share('I-1')}", told_by_us)
        admin(misp, f"attributes/delete/{samples.share_of(share('I-1'), '1')}")

        report = desk.repair()
        desk.deliver()

        (row,) = report.rows
        assert (Finding.RECALLED, "I-1") == (row.finding, row.uid)
        assert "recall it here as well" in row.repair
        assert [Finding.RECALLED] == [row.finding for row in desk.compare().rows]

    def test_an_event_of_ours_that_was_never_sent_is_extra(
        self, desk: Desk, misp: MispSandbox
    ) -> None:
        """What our organisation put there by other ways is told, and never deleted."""
        stray = samples.share_of("stray", NAME)
        answer = requests.post(
            f"{misp.url}/events/add",
            headers={
                "Authorization": misp.keys["sync"],
                "Accept": "application/json",
            },
            json={"Event": {"uuid": stray, "info": "by hand", "distribution": 0}},
            timeout=20,
        )
        assert answer.ok, answer.text

        (row,) = desk.repair().rows

        assert (Finding.EXTRA, "", stray) == (row.finding, row.uid, row.id)
        assert "never sent" in row.repair

    def test_what_waits_is_no_difference(self, desk: Desk) -> None:
        """A newer edition on its way is counted, and not repaired."""
        commit(desk.url, "I-0", 2, agreements=[KP])

        report = desk.repair()

        assert (3, 2, 1, ()) == (
            report.cases,
            report.same,
            report.under_way,
            report.rows,
        )

    def test_what_may_not_be_shared_any_more_is_not_sent_again(
        self, desk: Desk, misp: MispSandbox
    ) -> None:
        """A case whose newest revision is withheld is told and left alone."""
        with open_store(desk.url) as store:
            later = outcome("I-0", 2, withheld(KP))
            store.commit([(at(90), later)], now(), KEY)
        admin(misp, f"attributes/delete/{samples.share_of(share('I-0'), '1')}")

        row = desk.repair().rows[0]

        assert "withheld" in row.repair
        [belief] = believed(desk.database, NAME, ["I-0"])
        assert not belief.under_way

    def test_a_known_loss_is_no_difference(self, desk: Desk) -> None:
        """What the receipt told as lost at the delivery is not told as new."""
        body = json.loads(dumps(_event_with_a_bad_attribute("I-9")))
        with open_store(desk.url) as store:
            made = queued("I-9", KP, 1, body=dumps(body))
            store.commit([(at(91), outcome("I-9", 1, made))], now(), KEY)
        desk.deliver()

        report = desk.compare()

        assert (4, 4, 1, ()) == (
            report.cases,
            report.same,
            report.known_losses,
            report.rows,
        )

    def test_a_dead_server_is_a_problem(self, desk: Desk, misp: MispSandbox) -> None:
        """A recipient that does not answer is reported as not compared."""
        misp.stop()

        report = desk.compare()

        assert "not reachable" == report.problem
        assert not report.is_same

    def test_bytes_that_were_changed_in_the_store_are_told(self, desk: Desk) -> None:
        """Sealed bytes that no longer fit their seal are not compared with anything."""
        with desk.database.write() as connection:
            connection.exec_driver_sql(
                "UPDATE outbox SET wire = 'stix-bundle' WHERE uid = 'I-0'"
            )

        assert [(Finding.BROKEN, "I-0", share("I-0"))] == told(desk.compare())


def _event_with_a_bad_attribute(uid: str) -> dict[str, Any]:
    from tests.unit.deliver.events import attribute, event

    good = attribute("203.0.113.9", uuid=samples.share_of(share(uid), "1"))
    bad = attribute("no address", uuid=samples.share_of(share(uid), "2"))
    made = event(good, bad, uuid=share(uid), info="edition 1")
    made["timestamp"] = "1780000001"
    return {"Event": made}


def bundle(uid: str) -> bytes:
    """Return a case as a STIX bundle: one address and the report of it."""
    address = {
        "type": "ipv4-addr",
        "spec_version": "2.1",
        "id": f"ipv4-addr--{samples.share_of(uid, 'a')}",
        "value": "203.0.113.7",
    }
    report = {
        "type": "report",
        "spec_version": "2.1",
        "id": f"report--{share(uid)}",
        "created": "2026-05-01T12:00:00.000Z",
        "modified": "2026-05-01T12:00:01.000Z",
        "name": "edition 1",
        "published": "2026-05-01T12:00:00Z",
        "object_refs": [address["id"]],
    }
    objects = [address, report]
    made = {"type": "bundle", "id": f"bundle--{share(uid)}", "objects": objects}
    return dumps(made)


def commit_bundle(url: str, uid: str) -> None:
    """Store an incident that goes to a TAXII collection."""
    made = queued(uid, KP, 1)
    assert made.edition is not None
    draft = Draft(NAME, Wire.STIX_BUNDLE, bundle(uid))
    sealed = seal(
        draft, share=share(uid), edition=made.edition, rulebook=RULEBOOK, key=KEY
    )
    with open_store(url) as store:
        of = outcome(uid, 1, replace(made, sealed=sealed))
        store.commit([(at(1), of)], now(), KEY)


@pytest.fixture
def taxii(tmp_path: Path) -> Iterator[Taxii]:
    """Give an empty medallion."""
    (tmp_path / "taxii").mkdir()
    with running(tmp_path / "taxii") as server:
        yield server


def asked(taxii: Taxii, verb: str, path: str, body: Any = None) -> None:
    """Do something at the TAXII server behind our back."""
    kind = "application/taxii+json;version=2.1"
    answer = requests.request(
        verb,
        f"{taxii.root}collections/{OURS}/objects/{path}",
        headers={"Accept": kind, "Content-Type": kind},
        auth=(USER, PASSWORD),
        json=body,
        timeout=20,
    )
    assert answer.ok, answer.text


def test_a_taxii_collection_is_compared_object_by_object(
    tmp_path: Path, taxii: Taxii
) -> None:
    """Deleted objects are missing, reports of nobody extra, and a repair mends it."""
    to = recipient(NAME, taxii.root, "taxii", collection=OURS)
    desk = Desk(samples.url_of(tmp_path), to, f"{USER}:{PASSWORD}")
    for uid in ("T-1", "T-2"):
        commit_bundle(desk.url, uid)
    desk.deliver()
    assert desk.compare().is_same

    address = f"ipv4-addr--{samples.share_of('T-1', 'a')}"
    asked(taxii, "DELETE", f"{address}/")
    stray = json.loads(bundle("T-3"))["objects"][1]
    asked(taxii, "POST", "", {"objects": [stray]})

    assert {
        (Finding.MISSING, "T-1", address),
        (Finding.EXTRA, "", stray["id"]),
    } == set(told(desk.repair()))
    desk.deliver()
    asked(taxii, "DELETE", f"{stray['id']}/")
    assert desk.compare().is_same
    assert desk.register_is_whole()


def folder_desk(tmp_path: Path, kind: str, **more: Any) -> tuple[Desk, Path]:
    """Return a recipient that is a folder, with two cases delivered to it."""
    folder = tmp_path / "out"
    folder.mkdir()
    to = recipient(NAME, f"file://{folder}", kind, **more)
    desk = Desk(samples.url_of(tmp_path), to, "")
    for n in (1, 2):
        commit(desk.url, f"F-{n}", agreements=[KP])
    desk.deliver()
    assert desk.compare().is_same
    return desk, folder


def test_a_feed_is_compared_with_its_files_and_manifest(tmp_path: Path) -> None:
    """A changed event, a lost file and a stranger are told; a repair mends ours."""
    csirt = {"name": "KOS-CERT", "uuid": "0b8c5a52-6d3f-4c0e-9a57-2f7d1c9e4b10"}
    desk, folder = folder_desk(tmp_path, "feed", organisation=csirt)
    first, second = folder / f"{share('F-1')}.json", folder / f"{share('F-2')}.json"
    said = json.loads(first.read_bytes())
    said["Event"]["info"] = "somebody wrote here"
    first.write_text(json.dumps(said))
    second.unlink()
    stray = samples.share_of("stray", NAME)
    (folder / f"{stray}.json").write_text("{}")

    assert {
        (Finding.ALTERED, "F-1", share("F-1")),
        (Finding.MISSING, "F-2", share("F-2")),
        (Finding.EXTRA, "", stray),
    } == set(told(desk.repair()))
    (folder / f"{stray}.json").unlink()
    desk.deliver()
    assert desk.compare().is_same


def test_a_manifest_that_was_replaced_is_read_again(tmp_path: Path) -> None:
    """An event that the manifest stops to offer meanwhile is a difference."""
    csirt = {"name": "KOS-CERT", "uuid": "0b8c5a52-6d3f-4c0e-9a57-2f7d1c9e4b10"}
    desk, folder = folder_desk(tmp_path, "feed", organisation=csirt)
    page = believed(desk.database, NAME, ["F-1", "F-2"])
    first, second = sealed_of(desk.database, page).values()
    holdings = open_holdings(desk.to, desk.credential, clock=now)
    before = holdings.differences(first, ())
    (folder / "manifest.json").write_text("{}")

    (only,) = holdings.differences(second, ()) or ()

    assert () == before
    assert (Finding.MISSING, share("F-2")) == (only.finding, only.id)


def test_files_that_were_carried_over_are_no_difference(tmp_path: Path) -> None:
    """A case whose files are gone was taken; half of it, or another byte, is told."""
    desk, folder = folder_desk(tmp_path, "file-drop")
    for path in folder.glob(f"{share('F-1')}.*"):
        path.unlink()
    (body,) = folder.glob(f"{share('F-2')}.*.misp-event.json")
    body.write_bytes(body.read_bytes() + b" ")

    report = desk.compare()

    assert (2, 1) == (report.cases, report.taken)
    assert [(Finding.ALTERED, "F-2", body.name)] == told(report)
    desk.repair()
    desk.deliver()
    assert desk.compare().is_same


def test_an_edition_that_failed_is_told(tmp_path: Path) -> None:
    """What nobody tries any more is a difference, though an older one is there."""
    desk, _ = folder_desk(tmp_path, "file-drop")
    commit(desk.url, "F-1", 2, agreements=[KP])
    with open_store(desk.url) as store:
        row = store.lease(NAME, "w", now(), now() + timedelta(minutes=1))
        assert row is not None
        store.fail(row, "it was told to", now())

    (only,) = desk.repair().rows

    assert (Finding.FAILED, "F-1") == (only.finding, only.uid)
    assert "outbox retry" in only.repair


def test_a_repaired_edition_that_is_overtaken_is_not_lost_from_the_books(
    tmp_path: Path,
) -> None:
    """A repair that something newer overtakes leaves register and receipts in step."""
    desk, folder = folder_desk(tmp_path, "file-drop")
    (body,) = folder.glob(f"{share('F-1')}.*.misp-event.json")
    body.unlink()
    assert "queued" == desk.repair().rows[0].repair
    commit(desk.url, "F-1", 2, agreements=[KP])
    assert desk.register_is_whole()
    desk.deliver()

    assert desk.compare().is_same
    assert desk.register_is_whole()
    with open_store(desk.url) as store:
        ended = [one.receipt for one in store.unpublished_receipts()]
    states = [one.state for one in ended if share("F-1") == one.share]
    assert [
        ReceiptState.DELIVERED,
        ReceiptState.SUPERSEDED,
        ReceiptState.DELIVERED,
    ] == states


@pytest.mark.parametrize(
    ("offsets", "problem", "waiting"),
    [
        ((0, 10, 10, 10), "", 0),
        ((0, 10, 7, 7), "", 3),
        ((0, 10, 7, 5), "", 3),  # stored, and Kafka was not told yet
        ((0, 10, None, None), "", 10),
        ((4, 10, None, None), "", 6),  # deleted before anybody listened
        ((0, 10, 5, 8), "5..7 were confirmed to Kafka and never stored", 5),
        ((8, 10, 5, 5), "Kafka deleted 5..7 before they were read", 2),
        ((0, 3, 5, None), "it was made anew: it ends at 3, and 5 was read before", 0),
    ],
)
def test_offsets_tell_what_was_missed(
    offsets: tuple[int, int, int | None, int | None], problem: str, waiting: int
) -> None:
    """Offsets of Kafka, of the group and of the store are compared as told."""
    found = partition(TopicPartition("in", 0), *offsets)

    assert (problem, waiting) == (found.problem, found.waiting)
