"""Four eyes, from the held share to the recipient's MISP."""

from __future__ import annotations

import json
import os
import sqlite3
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import requests

from broker.sandbox.kafka import KafkaSandbox
from broker.sandbox.misp import MispSandbox
from tests.contract.kafka_fixtures import make_topic
from tests.e2e.office import Office, incident

KP = "kp-misp"
pytest_plugins = ["tests.contract.kafka_fixtures"]


@pytest.fixture
def office(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> Office:
    """Give an installation with three reviewers."""
    return Office(tmp_path / "home", monkeypatch, capsysbinary)


def held_case(office: Office, **changes: Any) -> dict[str, Any]:
    """Publish an incident that is held, and return the share for the police."""
    office.publish(incident(**changes))
    office.consume()
    return office.held()


def queued(office: Office) -> list[tuple[Any, ...]]:
    """Return what waits in the outbox, with the digest of its bytes."""
    return office.rows("SELECT uid, agreement, sha256 FROM outbox")


def kinds(office: Office) -> list[str]:
    """Return the kinds of the register's links about people, oldest first."""
    of_people = ("approval", "approval void", "drop", "held again", "release")
    found = office.rows("SELECT kind FROM audit ORDER BY number")
    return [kind for (kind,) in found if kind in of_people]


def turn_clock(office: Office, moment: datetime) -> None:
    """Let it be some moment wherever incidents are read."""
    office.monkeypatch.setattr("broker.cli.consuming._now", lambda: moment)


def test_what_two_people_approve_arrives(office: Office, tmp_path: Path) -> None:
    """Approved by two, the very draft that they saw is sealed, sent and on record."""
    held = held_case(office)
    first, second = office.approve("arta"), office.approve("besnik")
    before = queued(office)
    office.consume()

    assert (False, True) == (first.json["complete"], second.json["complete"])
    assert [] == before
    assert [("CASE-1", "kp-cybercrime", held["sha256"])] == queued(office)
    assert "released" == office.held()["ended"]
    assert ["approval", "approval", "release"] == kinds(office)
    with MispSandbox(tmp_path / "misp") as misp:
        credentials = office.home / "credentials"
        credentials.mkdir(mode=0o700)
        said = json.dumps({"key": misp.keys["sync"], "url": misp.url})
        handle = os.open(credentials / f"{KP}.json", os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(said)
        ended = office.besa("dispatch", "--until-idle", "--json")
        share = office.rows("SELECT share FROM outbox")[0][0]
        found = requests.get(
            f"{misp.url}/events/view/{share}",
            headers={"Authorization": misp.keys["sync"], "Accept": "application/json"},
            timeout=20,
        ).json()

    assert 1 == ended.json["delivered"], ended.err
    values = {one["value"] for one in found["Event"]["Attribute"]}
    values |= {a["value"] for o in found["Event"]["Object"] for a in o["Attribute"]}
    assert "198.51.100.1" in values
    assert 0 == office.besa("audit", "verify").code


def test_one_person_twice_is_one_person(office: Office) -> None:
    """The same reviewer's second approval replaces the first, and releases nothing."""
    held_case(office)
    office.approve("arta")
    again = office.approve("arta")
    office.consume()

    assert ["arta"] == again.json["approvals"]
    assert [] == queued(office)


def test_the_publisher_may_not_approve(office: Office) -> None:
    """Who published an incident is refused, by the name that came with the message."""
    office.publish(incident(), who="u-arta")
    office.consume()
    ended = office.approve("arta")

    assert 1 == ended.code
    assert "arta published the incident" in ended.err
    assert 0 == office.approve("besnik").code


def test_the_last_editor_of_the_agreement_may_not_approve(office: Office) -> None:
    """Who committed the agreement's last change is refused, as git knows them."""
    office.under_git("besnik@csirt.example")
    held_case(office)
    ended = office.approve("besnik")

    assert 1 == ended.code
    assert "besnik was the last to edit the agreement" in ended.err


def test_what_nobody_knows_must_be_vouched_for(office: Office) -> None:
    """Where no publisher is named, reviewers must say that it was not them."""
    office.publish(incident(), who="")
    office.consume()
    unsure, sure = office.approve("arta"), office.approve("arta", "--vouch")
    office.approve("besnik", "--vouch")
    office.consume()

    assert 1 == unsure.code
    assert "nobody knows who published the incident" in unsure.err
    assert 0 == sure.code
    assert 1 == len(queued(office))


def test_an_approval_that_was_forged_does_not_count(office: Office) -> None:
    """Who can write to the database, and has no reviewer's key, releases nothing."""
    held_case(office)
    office.approve("arta")
    with office_store(office) as store:
        store.execute(
            "INSERT INTO approvals (held, state, reviewer, sha256, at, until, "
            "statement, signature) SELECT held, state, 'besnik', sha256, at, until, "
            "replace(statement, 'arta', 'besnik'), signature FROM approvals"
        )
    office.consume()

    assert [] == queued(office)
    assert "the signature of besnik does not hold" in office.held()["note"]
    assert "approval void" in kinds(office)


def office_store(office: Office) -> Any:
    """Open the database as an administrator could."""
    return sqlite3.connect(office.home / "besa.sqlite")


def test_an_approval_expires(office: Office) -> None:
    """An approval whose time is over does not count, and is ended on record."""
    held_case(office)
    office.approve("arta")
    office.approve("besnik")
    reviewers = office.home / "reviewers.yaml"
    reviewers.write_text("approval_hours: 1\n" + reviewers.read_text())
    office.consume()

    assert [] == queued(office)
    assert "has expired" in office.held()["note"]


def test_a_newer_revision_needs_new_approvals(office: Office) -> None:
    """Approvals of one revision release neither it, once overtaken, nor the next."""
    first = held_case(office)
    office.approve("arta")
    office.approve("besnik")
    office.publish(incident(revision=2))
    office.consume()
    old = office.besa("held", "show", str(first["id"]), "--json").json
    late = office.besa(
        "held", "release", str(first["id"]), first["sha256"], "--as", "cufe"
    )

    assert ("superseded", 2) == (old["ended"], old["newest"])
    assert [] == office.held()["approvals"]
    assert (1, True) == (late.code, "superseded" in late.err)
    assert [] == queued(office)


def test_a_draft_that_changed_is_held_again(office: Office) -> None:
    """When the policies in force make other bytes of it, people must look again."""
    before = held_case(office)
    office.approve("arta")
    office.approve("besnik")
    office.edit(
        "agreements/kp-cybercrime.yaml", "retention_days: 1825", "retention_days: 30"
    )
    office.consume()
    after = office.held()

    assert [] == queued(office)
    assert before["sha256"] != after["sha256"]
    assert ([], "") == (after["approvals"], after["ended"])
    assert "held again" in kinds(office)
    assert "another since it was approved: look at it again" in after["note"]
    assert (
        1
        == office.besa(
            "held", "release", str(after["id"]), before["sha256"], "--as", "arta"
        ).code
    )


def test_what_the_source_lost_waits_until_it_is_published_again(office: Office) -> None:
    """Without the message nothing is released; the same incident again releases it."""
    held_case(office)
    office.approve("arta")
    office.approve("besnik")
    kept = list((office.home / "spool" / "held").iterdir())
    for file in kept:
        file.unlink()
    office.consume()
    lost, alarms = office.held(), office.besa("status", "--json").json["alarms"]
    found = json.loads((office.home / "incident.json").read_text())
    office.publish(found)
    office.consume()

    assert 1 == len(kept)
    assert "publish the incident again" in lost["note"]
    assert ["held-not-in-source"] == [alarm["kind"] for alarm in alarms]
    assert "released" == office.held()["ended"]


def test_the_spool_keeps_what_is_held_and_no_longer(office: Office) -> None:
    """The raw incident stays in the source while a share waits, never in the store."""
    secret = "Vjosa Kallëzuesja"
    office.publish(incident(reporter={"name": secret}))
    office.consume()
    folder = office.home / "spool" / "held"
    before = len(list(folder.iterdir()))
    in_store = secret.encode() in (office.home / "besa.sqlite").read_bytes()
    for recipient in {
        one["recipient"] for one in office.besa("held", "list", "--json").json
    }:
        office.drop("arta", recipient)
    office.publish(incident("CASE-2", classification="test/test"))
    office.consume()

    assert 1 == before
    assert not in_store
    assert [] == list(folder.iterdir())


def test_a_dropped_share_never_leaves(office: Office) -> None:
    """One person drops a share with a reason; approvals of it count no more."""
    held_case(office)
    office.approve("arta")
    office.approve("besnik")
    ended = office.drop("cufe")
    office.consume()

    assert 0 == ended.code, ended.err
    assert "dropped" == office.held()["ended"]
    assert [] == queued(office)
    assert 0 == office.besa("audit", "verify").code


def test_nothing_is_released_that_the_rules_withhold_by_now(office: Office) -> None:
    """Two approvals do not lift what the rulebook in force withholds."""
    held_case(office)
    office.approve("arta")
    office.approve("besnik")
    recipient = office.policies / "recipients" / f"{KP}.yaml"
    recipient.write_text(recipient.read_text() + "suspended: true\n")
    cases = office.policies / "cases"
    for file in cases.glob("kp-cybercrime/*.yaml"):
        file.unlink()
    office.consume()

    assert [] == queued(office)
    assert "the rulebook in force withholds it (suspended)" in office.held()["note"]


def test_an_embargo_that_ended_lets_it_out_without_anybody(office: Office) -> None:
    """What nothing but an embargo holds is sent when the embargo is over."""
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    case = {
        "classification": "malicious-code/c2-server",
        "confidence": 90,
        "embargo_until": end.isoformat(),
    }
    before = held_case(office, **case)
    turn_clock(office, end - timedelta(seconds=1))
    office.consume()
    sent_before = queued(office)
    turn_clock(office, end)
    office.consume()

    assert ("nothing but time holds it back", []) == (before["why"], sent_before)
    assert "released" == office.held()["ended"]
    assert "kp-cybercrime" in {agreement for _, agreement, _ in queued(office)}
    assert "approval" not in kinds(office)


def test_what_the_guard_holds_cannot_be_approved(office: Office) -> None:
    """No approval releases what the guard found a withheld value in."""
    held = held_case(
        office,
        classification="malicious-code/c2-server",
        confidence=90,
        title="Page on the server of Vjosa Deshmitarja",
        victims=[{"kind": "person", "name": "Vjosa Deshmitarja", "consent": "refused"}],
    )
    ended = office.approve("arta")

    assert "the guard found" in held["why"]
    assert 1 == ended.code
    assert "no approval can release that" in ended.err


@pytest.mark.kafka
def test_what_two_people_approve_is_read_again_from_kafka(
    office: Office, kafka: KafkaSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With Kafka the incident is read again from its topic, partition and offset."""
    topic = make_topic(kafka)
    monkeypatch.setenv("BESA_KAFKA", kafka.address)
    monkeypatch.setenv("BESA_TOPIC", topic)
    kafka.create_topics(["besa.dead-letters", "besa.receipts"])
    held_case(office)
    office.publish(incident("CASE-2"))
    office.consume()
    first = office.besa("held", "list", "--json").json
    chosen = next(
        one for one in first if (one["uid"], one["recipient"]) == ("CASE-1", KP)
    )
    for name in ("arta", "besnik"):
        who = ("--as", name, "--key", str(office.home / f"{name}.key"))
        item = (str(chosen["id"]), chosen["sha256"])
        assert 0 == office.besa("held", "release", *item, *who).code
    office.consume()

    assert "u-erza" == chosen["publisher"]
    assert [("CASE-1", "kp-cybercrime", chosen["sha256"])] == queued(office)


def test_people_read_what_is_held_and_why(office: Office) -> None:
    """List and item say in words what waits, who is behind it, and show the draft."""
    held = held_case(office)
    office.approve("arta")
    listed = office.besa("held", "list").out.decode()
    shown = office.besa("held", "show", str(held["id"])).out.decode()
    raw = office.besa("held", "show", str(held["id"]), "--raw").out
    status = office.besa("status").out.decode()

    assert "CASE-1" in listed
    assert "arta" in listed
    for text in ("Published by   u-erza", "dea@csirt.example", held["sha256"]):
        assert text in shown
    assert "198.51.100.1" in shown
    assert held["sha256"] == sha256(raw).hexdigest()
    assert "Held for a person" in status
    assert "since" in next(line for line in status.splitlines() if "Rulebook" in line)


def test_without_the_policies_at_hand_nobody_knows_the_editor(office: Office) -> None:
    """A folder whose link leads in a circle hides who edited it; no command dies."""
    reviewers = office.home / "reviewers.yaml"
    reviewers.write_text(reviewers.read_text().partition("editors:")[0])
    held_case(office)
    office.policies.rename(office.home / "away")
    office.policies.symlink_to(office.policies)
    shown = office.besa("held", "show", str(office.held()["id"]))
    unsure = office.approve("arta")

    assert (0, 1) == (shown.code, unsure.code)
    assert b"edited last by nobody knows whom" in shown.out
    assert "nobody knows who edited the agreement last" in unsure.err


def test_a_spoilt_file_of_reviewers_hides_nothing(office: Office) -> None:
    """Who looks sees what is held, and what is wrong; who approves is refused."""
    held = held_case(office)
    (office.home / "reviewers.yaml").write_text("reviewers: [{nme: arta}]\n")
    listed = office.besa("held", "list", "--json")
    shown = office.besa("held", "show", str(held["id"]))
    item = (str(held["id"]), held["sha256"])
    refused = office.besa("held", "release", *item, "--as", "arta")

    assert (0, 0, 3) == (listed.code, shown.code, refused.code)
    assert {""} == {one["editor"] for one in listed.json}
    assert held["sha256"].encode() in shown.out
    assert b"edited last by nobody knows whom" in shown.out
    for ended in (listed, shown, refused):
        assert 1 == ended.err.count("`name` is missing")


def test_whose_approval_does_not_count_is_told_at_once(office: Office) -> None:
    """The second person hears that the first one's approval does not count, and why."""
    held_case(office)
    office.approve("arta")
    reviewers = office.home / "reviewers.yaml"
    text = reviewers.read_text()
    reviewers.write_text(text.replace("dea@csirt.example", "arta@csirt.example"))
    second = office.approve("besnik")
    third = office.approve("cufe")
    office.consume()

    assert (["besnik"], False) == (second.json["approvals"], second.json["complete"])
    assert "does not count: arta was the last to edit the agreement" in second.err
    assert (["besnik", "cufe"], True) == (
        third.json["approvals"],
        third.json["complete"],
    )
    assert 1 == len(queued(office))


def test_an_approval_that_expired_is_shown_as_that(office: Office) -> None:
    """List and item tell until when an approval counts, and since when it does not."""
    held = held_case(office)
    office.approve("arta")
    before = office.besa("held", "list").out.decode()
    with office_store(office) as store:
        store.execute("UPDATE approvals SET until = 1000")
    listed = office.besa("held", "list").out.decode()
    shown = office.besa("held", "show", str(held["id"])).out.decode()

    assert "approved by arta (until 20" in before
    for text in (listed, shown):
        assert "arta (expired on 1970-01-01 00:00 UTC)" in text


def test_a_reviewer_sees_that_the_policies_have_changed(office: Office) -> None:
    """Beside a draft stands that a release would be made under other policies."""
    held = held_case(office)
    same = office.besa("held", "show", str(held["id"])).out.decode()
    office.edit(
        "agreements/kp-cybercrime.yaml", "retention_days: 1825", "retention_days: 30"
    )
    office.consume()
    other = office.besa("held", "show", str(held["id"])).out.decode()
    in_force = office.besa("status", "--json").json["in_force"]

    assert "is in force now" not in same
    assert f"! {in_force[:16]} is in force now" in other


def test_what_does_not_wait_any_more_says_how_it_ended(office: Office) -> None:
    """An ended share names what overtook it, and asks nobody to approve it."""
    held = held_case(office)
    office.publish(incident(revision=2))
    office.consume()
    item = str(held["id"])
    late = office.besa("held", "release", item, held["sha256"], "--as", "cufe")
    shown = office.besa("held", "show", item).out.decode()

    assert "does not wait any more: superseded by revision 2" in late.err
    assert "superseded by revision 2" in shown
    assert "its draft is not kept" in shown
    assert "nobody yet" not in shown


def test_nobody_reviews_without_being_known(office: Office) -> None:
    """A stranger, a wrong key, no key, and a digest not looked at are all refused."""
    held = held_case(office)
    item = ("held", "release", str(held["id"]))
    digest, key = held["sha256"][:12], ("--key", str(office.home / "besnik.key"))
    stranger = office.besa(*item, digest, "--as", "nobody", *key)
    unnamed = office.besa(*item, digest, *key)
    wrong = office.besa(*item, digest, "--as", "arta", *key)
    keyless = office.besa(*item, digest, "--as", "arta")
    short = office.besa(*item, digest[:5], "--as", "besnik", *key)
    unseen = office.besa(*item, "0" * 12, "--as", "besnik", *key)
    (office.home / "reviewers.yaml").chmod(0o666)
    open_list = office.besa(*item, digest, "--as", "besnik", *key)

    assert [1, 1, 1, 2, 2, 1, 3] == [
        one.code
        for one in (stranger, unnamed, wrong, keyless, short, unseen, open_list)
    ]
    assert "not the key of arta" in wrong.err
    assert "can be changed by others" in open_list.err
    assert [] == office.rows("SELECT * FROM approvals")
