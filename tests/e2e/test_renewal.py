"""A memorandum is renewed under another name: its recipient sees one story of a case.

A consume zone in one process, real stores, and the real ways to a stand-in MISP, a feed
and a file drop. In whatever order things happen, a recipient ends with the newest
disclosure and nothing else, and its editions are numbered on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests

from broker import rulebook
from broker.deliver import Delivery, Timeouts
from broker.deliver.feed import FeedRecipient
from broker.deliver.file_drop import FileDrop
from broker.deliver.misp import MispRecipient
from broker.model.recipient import Organisation
from broker.model.reviewer import Reviewers
from broker.recall import GONE_ALARM
from broker.rulebook import Rulebook
from broker.sandbox.misp import MispSandbox
from broker.settings import read_rulebook_files
from broker.store import LeasedRow, Store, open_store
from broker.store.believed import believed, cases
from broker.store.recall_orders import Kind
from broker.sweep import Sweep
from tests.contract.recall_desk import KP, UID, Desk
from tests.unit import given
from tests.unit.store import samples

SECOND = "kp-second"
LANE = "kp-misp"
OLD_FILE = f"policies/agreements/{KP}.yaml"
VALID = "valid: {from: 2026-01-01, until: 2028-12-31}"
LAST_DAY = "valid: {from: 2026-01-01, until: 2026-11-30}"
FOLLOWS = "valid: {from: 2026-12-01, until: 2028-12-31}"
ONE, TWO, THREE = "198.51.100.1", "198.51.100.2", "198.51.100.3"


def address(value: str) -> list[dict[str, Any]]:
    """Return the observables of an incident with one attacker's address."""
    return [{"kind": "ipv4", "value": value, "role": "attacker"}]


@cache
def renewed(*changes: tuple[str, str], keeps_old_file: bool = True) -> Rulebook:
    """Return the shipped policies with the police's agreement under a second name."""
    files = dict(read_rulebook_files(given.ROOT / "policies", given.ROOT / "mappings"))
    text = files[OLD_FILE].decode()
    second = text.replace(f"agreement: {KP}", f"agreement: {SECOND}")
    for old, new in ((VALID, FOLLOWS), *changes):
        assert old in second
        second = second.replace(old, new)
    files[f"policies/agreements/{SECOND}.yaml"] = second.encode()
    if keeps_old_file:
        files[OLD_FILE] = text.replace(VALID, LAST_DAY).encode()
    else:
        del files[OLD_FILE]
    return rulebook.build(files)


# The second agreement does not share phishing.
NARROWER = ("        - fraud/phishing\n", "")


@dataclass
class Office:
    """A desk whose police are reached by a real adapter."""

    desk: Desk
    way: Delivery
    shown: Callable[[str], set[str]]
    sent: list[LeasedRow] = field(default_factory=list)

    @property
    def store(self) -> Store:
        """The store of both zones."""
        return self.desk.store

    def publish(self, revision: int, value: str) -> None:
        """Publish a revision with one address."""
        self.desk.publish(revision=revision, observables=address(value))

    def deliver(self) -> None:
        """Send what waits, as a dispatcher does."""
        desk = self.desk
        while (row := desk.lease(LANE)) is not None:
            if not desk.store.close_needless(row, desk.now):
                assert desk.store.finish(row, self.way.deliver(row.sealed))
                self.sent.append(row)

    def lapse(self) -> None:
        """Let the day come on which the first agreement is no longer in force."""
        self.desk.later(days=12)

    def holds(self) -> set[str]:
        """Return the addresses that the recipient's system shows of the case."""
        return self.shown(samples_share(self.sent))

    def told(self) -> list[tuple[int, str, bool]]:
        """Return what was sent: number, agreement, and whether it took all back."""
        return [(r.sealed.edition, r.agreement, r.sealed.retracts) for r in self.sent]

    def check(self) -> None:
        """Register, belief and numbers agree."""
        self.store.check_register(given.public())
        database = self.store.database
        beliefs = believed(database, LANE, cases(database, LANE))
        last = self.sent[-1].sealed
        assert [(UID, last.edition)] == [(one.uid, one.edition) for one in beliefs]


def samples_share(sent: list[LeasedRow]) -> str:
    """Return the case's id at the recipient; it is always the same."""
    [share] = {row.sealed.share for row in sent}
    return share


def addresses(event: dict[str, Any]) -> set[str]:
    """Return the addresses that an event shows and that are not deleted."""
    parts = [*event["Attribute"], *(a for o in event["Object"] for a in o["Attribute"])]
    seen = {part["value"] for part in parts if not part.get("deleted")}
    return seen & {ONE, TWO, THREE}


def in_misp(server: MispSandbox, share: str) -> set[str]:
    """Return the addresses of an event in a MISP."""
    answer = requests.get(
        f"{server.url}/events/view/{share}",
        headers={"Authorization": server.keys["sync"], "Accept": "application/json"},
        timeout=60,
    )
    answer.raise_for_status()
    return addresses(answer.json()["Event"])


def in_feed(folder: Path, share: str) -> set[str]:
    """Return the addresses of an event in a feed."""
    return addresses(json.loads((folder / f"{share}.json").read_text())["Event"])


def in_folder(folder: Path, share: str) -> set[str]:
    """Return the addresses in the one document of a case in a file drop."""
    [body] = folder.glob(f"{share}.*.misp-event.json")
    [seal] = folder.glob(f"{share}.*.seal.json")
    assert body.name.split(".")[1] == seal.name.split(".")[1]
    return addresses(json.loads(body.read_text())["Event"])


def way_to(
    kind: str, folder: Path, desk: Desk, misp: MispSandbox | None
) -> tuple[Delivery, Callable[[str], set[str]]]:
    """Return how the recipient is reached, and how to see what it has."""
    if misp is not None:
        way = MispRecipient(
            misp.url, misp.keys["sync"], timeouts=Timeouts(), clock=lambda: desk.now
        )
        return way, lambda share: in_misp(misp, share)
    folder.mkdir()
    if kind == "feed":
        csirt = Organisation(
            name="KOS-CERT", uuid="0b5a6a1e-8a7b-4c8e-9d83-5b8f0d7f2a11"
        )
        feed = FeedRecipient(folder, csirt, clock=lambda: desk.now)
        return feed, lambda share: in_feed(folder, share)
    drop = FileDrop(folder, clock=lambda: desk.now)
    return drop, lambda share: in_folder(folder, share)


@pytest.fixture(params=["misp", "feed", "file-drop"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    """Return an office before its agreement with the police is renewed."""
    kind = request.param
    with open_store(samples.url_of(tmp_path)) as store:
        desk = Desk(store, book=renewed())
        if kind == "misp":
            with MispSandbox(tmp_path / "misp") as server:
                yield Office(desk, *way_to(kind, tmp_path / "x", desk, server))
        else:
            yield Office(desk, *way_to(kind, tmp_path / "out", desk, None))


@pytest.fixture(params=samples.DATABASES)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """Return a desk on either database."""
    with open_store(samples.empty(request.param, tmp_path)) as store:
        yield Desk(store, book=renewed())


def narrow(office: Office | Desk) -> None:
    """Let the second agreement share less: no phishing."""
    desk = office.desk if isinstance(office, Office) else office
    desk.book = renewed(NARROWER)


def test_decided_anew_before_the_lapse_is_looked_at(office: Office) -> None:
    """The successor's edition is numbered on, and nothing is taken back behind it."""
    office.publish(1, ONE)
    office.deliver()
    office.lapse()
    office.publish(2, TWO)
    office.deliver()
    office.desk.take()
    office.deliver()

    assert [(1, KP, False), (2, SECOND, False)] == office.told()
    assert {TWO} == office.holds()
    office.check()


def test_decided_anew_after_the_lapse_was_looked_at(office: Office) -> None:
    """What the successor shares, too, stays there until there is something newer."""
    office.publish(1, ONE)
    office.deliver()
    office.lapse()
    office.desk.take()
    office.deliver()
    between = office.holds()
    office.publish(2, TWO)
    office.deliver()

    assert {ONE} == between
    assert [(1, KP, False), (2, SECOND, False)] == office.told()
    assert {TWO} == office.holds()
    office.check()


def test_a_dead_recipient_gets_the_newest_and_nothing_else(office: Office) -> None:
    """What was queued under the first agreement never follows the second's edition."""
    office.publish(1, ONE)
    office.deliver()
    office.publish(2, TWO)
    waiting = office.desk.lease(LANE)  # one attempt is under way when the day comes
    assert waiting is not None
    office.lapse()
    office.desk.take()
    office.publish(3, THREE)
    office.store.postpone(waiting, "away", office.desk.now, office.desk.now)
    office.deliver()
    office.desk.take()
    office.deliver()

    assert [(1, KP, False), (3, SECOND, False)] == office.told()
    assert {THREE} == office.holds()
    office.check()


def test_what_waits_when_it_lapses_is_still_what_is_shared(office: Office) -> None:
    """A first edition that waits goes out, because the successor shares it, too."""
    office.publish(1, ONE)
    office.lapse()
    office.desk.take()
    office.deliver()
    first = office.holds()
    office.publish(2, TWO)
    office.deliver()

    assert {ONE} == first
    assert [(1, KP, False), (2, SECOND, False)] == office.told()
    assert {TWO} == office.holds()


def test_what_the_successor_withholds_is_taken_back_once(office: Office) -> None:
    """One edition takes it back, after the last; later looks and revisions add none."""
    office.publish(1, ONE)
    office.deliver()
    narrow(office)
    office.lapse()
    for _ in range(3):
        office.desk.take()
        office.deliver()
        office.desk.restart()
    office.publish(2, TWO)
    office.deliver()

    assert [(1, KP, False), (2, SECOND, True)] == office.told()
    assert set() == office.holds()
    office.check()


def test_a_revision_that_the_successor_withholds_takes_back_once(
    office: Office,
) -> None:
    """Whether a revision or the lapse comes first, one edition takes it back."""
    office.publish(1, ONE)
    office.deliver()
    narrow(office)
    office.lapse()
    office.publish(2, TWO)
    office.desk.take()
    office.deliver()
    office.desk.take()
    office.deliver()

    assert [(1, KP, False), (2, SECOND, True)] == office.told()
    assert set() == office.holds()
    office.check()


def test_the_same_content_is_not_sent_again(desk: Desk) -> None:
    """A successor that shows the same of a revision sends nothing."""
    desk.publish()
    desk.deliver()
    desk.later(days=12)
    desk.publish(revision=2)

    assert [] == desk.deliver()
    assert 1 == desk.store.histories([UID])[UID].editions[LANE].number


def test_what_waits_under_the_first_ends_when_the_successor_withholds(
    desk: Desk,
) -> None:
    """Nothing that the successor withholds goes out because it was decided before."""
    desk.publish()
    narrow(desk)
    desk.later(days=12)
    desk.take()

    assert [] == desk.deliver()
    desk.store.check_register(given.public())


def test_the_times_of_a_case_go_on(desk: Desk) -> None:
    """When the case was made stays as it was under the first agreement."""
    desk.publish()
    first = desk.store.histories([UID])[UID].editions[LANE]
    desk.deliver()
    desk.later(days=12)
    desk.publish(revision=2, title="Another title")
    [row] = desk.deliver()
    second = desk.store.histories([UID])[UID].editions[LANE]

    assert (first.created, 2) == (second.created, row.sealed.edition)
    assert first.modified < second.modified


def test_a_successor_whose_predecessor_lost_its_file(desk: Desk) -> None:
    """A file that was renamed is a renewal: the case goes on, and can be recalled."""
    desk.publish()
    desk.deliver()
    desk.book = renewed(keeps_old_file=False)
    desk.later(days=12)
    desk.take()
    silent = desk.deliver()
    desk.order()
    desk.take()
    [row] = desk.deliver()

    assert [] == silent
    assert [] == desk.alarms(GONE_ALARM)
    assert (2, SECOND, True) == (row.sealed.edition, row.agreement, row.sealed.retracts)


def test_a_recall_by_the_first_agreement_holds_under_the_second(desk: Desk) -> None:
    """What somebody took back is not shared again because the papers changed."""
    desk.publish()
    desk.deliver()
    desk.order(agreement=KP)
    desk.take()
    desk.deliver()
    desk.later(days=12)
    desk.publish(revision=2, title="Another title")

    assert [] == desk.deliver()
    assert [SECOND] == [one.agreement for one in desk.store.held() if one.uid == UID]


def test_a_recall_by_the_first_agreement_reaches_the_second_s_edition(
    desk: Desk,
) -> None:
    """The case is one thing there: what the second shared of it goes, too."""
    desk.publish()
    desk.deliver()
    desk.later(days=12)
    desk.publish(revision=2, title="Another title")
    desk.deliver()
    desk.order(agreement=KP)
    desk.take()
    [row] = desk.deliver()
    desk.order(kind=Kind.LIFT, agreement=KP)
    desk.publish(revision=3, title="A third title")
    [again] = desk.deliver()

    assert (3, SECOND, True) == (row.sealed.edition, row.agreement, row.sealed.retracts)
    assert (4, False) == (again.sealed.edition, again.sealed.retracts)


def test_what_was_held_under_the_first_ends_with_the_second_s_decision(
    desk: Desk,
) -> None:
    """A share that waited under an agreement that is gone waits no longer."""
    desk.publish(embargo_until="2026-12-20T00:00:00Z")
    waited = [one.agreement for one in desk.store.held() if one.recipient == LANE]
    desk.book = renewed(keeps_old_file=False)
    desk.later(days=12)
    desk.publish(revision=2)

    assert [KP] == waited
    assert [] == [one for one in desk.store.held() if one.recipient == LANE]
    assert [1] == [row.sealed.edition for row in desk.deliver()]


def test_when_both_have_ended_the_stricter_counts(desk: Desk) -> None:
    """What was shared under an agreement that takes back is taken back, once."""
    desk.publish()
    desk.deliver()
    desk.book = renewed(
        ("on_withdrawal: retract", "on_withdrawal: keep\non_expiry: keep")
    )
    desk.later(days=12)
    desk.take()
    none = desk.deliver()
    desk.later(days=800)
    desk.take()
    rows = desk.deliver()
    desk.restart()
    desk.take()

    assert [] == none
    assert [(2, True)] == [(row.sealed.edition, row.sealed.retracts) for row in rows]
    assert [] == desk.deliver()


def test_an_agreement_that_goes_to_somebody_else_begins_a_case_there(
    desk: Desk,
) -> None:
    """Whoever never had a case is not told that it has it already."""
    desk.publish()
    desk.deliver()
    files = dict(read_rulebook_files(given.ROOT / "policies", given.ROOT / "mappings"))
    police, where = files[OLD_FILE], "policies/recipients/kp-misp.yaml"
    del files["policies/agreements/fiu.yaml"]
    files[OLD_FILE] = police.replace(b"recipient: kp-misp", b"recipient: fiu-misp")
    files["policies/recipients/fiu-misp.yaml"] = files[where].replace(
        b"kp-misp", b"fiu-misp"
    )
    desk.book = rulebook.build(files)
    desk.publish(revision=2)
    rows = desk.deliver("fiu-misp")

    assert [(2, KP)] == [(row.sealed.edition, row.agreement) for row in rows]


@pytest.mark.parametrize("keeps_old_file", [True, False])
def test_what_an_embargo_held_goes_out_under_the_successor(
    desk: Desk, *, keeps_old_file: bool
) -> None:
    """It was held under the first, its time came under the second: it is not lost."""
    desk.publish(embargo_until="2026-12-05T00:00:00Z")
    desk.book = renewed(keeps_old_file=keeps_old_file)
    desk.later(days=12)
    sweep = Sweep(
        desk.store,
        desk.reread,
        lambda: desk.book,
        given.keys(),
        lambda: desk.now,
        Reviewers,
        lambda _: "",
    )
    sweep(now=True)
    early = desk.deliver()
    desk.later(days=12)
    sweep(now=True)
    rows = desk.deliver()

    assert [] == early
    assert [(1, SECOND)] == [(row.sealed.edition, row.agreement) for row in rows]
    assert [] == [one for one in desk.store.held() if one.recipient == LANE]
    desk.store.check_register(given.public())
