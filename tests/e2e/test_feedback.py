"""What a unit says in its MISP reaches the CSIRT: real commands, stores and servers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
from kafka import TopicPartition

from broker.credentials import write_credential
from broker.deliver import Credential
from broker.errors import StoreError
from broker.sandbox.kafka import KafkaSandbox
from broker.sandbox.misp import MispSandbox
from broker.source.telling import FEEDBACK
from tests.contract.kafka_fixtures import make_consumer, make_topic
from tests.e2e.office import Office, incident
from tests.waiting import eventually

pytest_plugins = ["tests.contract.kafka_fixtures"]

KP = "kp-misp"
OPENED = 'besa:feedback="case-opened"'
NUMBER = 'besa:case-number="PK-2026-0042"'
SECRET = 'besa:keep-secret-until="2999-01-31"'
OWN = "kp:surveillance-running"  # the unit's own, and nobody else's business
C2 = "203.0.113.66"
REMARK = "Seen in the phone of Agim"


@pytest.fixture
def misp(tmp_path: Path) -> Iterator[MispSandbox]:
    """Give the MISP of a unit."""
    with MispSandbox(tmp_path / "misp") as sandbox:
        yield sandbox


@pytest.fixture
def office(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
    misp: MispSandbox,
) -> Office:
    """Return an office that has delivered one case to the unit."""
    made = Office(tmp_path / "office", monkeypatch, capfdbinary)
    credential = Credential(KP, misp.keys["sync"], misp.url)
    write_credential(made.home / "credentials", credential)
    return made


def case(uid: str = "CASE-1", **changes: Any) -> dict[str, Any]:
    """Return an incident that goes to the police without anybody's review."""
    return incident(
        uid,
        classification="malicious-code/c2-server",
        observables=[
            {"kind": "domain", "value": "c2.example.net", "role": "attacker"},
            {"kind": "ipv4", "value": C2, "role": "attacker"},
        ],
        **changes,
    )


def delivered(office: Office, **changes: Any) -> str:
    """Publish a case and deliver it; return the event's UUID at the unit."""
    office.publish(case(**changes))
    office.consume()
    ended = office.besa("dispatch", "--until-idle", "--json")
    assert ended.code == 0, ended.err
    ((share,),) = office.rows(
        f"SELECT DISTINCT share FROM receipts WHERE recipient = '{KP}'"  # noqa: S608
        " AND state = 'delivered'"
    )
    return str(share)


def ask(misp: MispSandbox, account: str, path: str, body: Any = None) -> Any:
    """Ask the MISP something as one of its people; it must be done."""
    answer = requests.request(
        "GET" if body is None else "POST",
        misp.url + path,
        json=body,
        headers={"Authorization": misp.keys[account], "Accept": "application/json"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def attribute_of(misp: MispSandbox, share: str, value: str) -> str:
    """Return the UUID of the attribute that has a value."""
    event = ask(misp, "police", f"/events/view/{share}")["Event"]
    found = event["Attribute"] + [a for o in event["Object"] for a in o["Attribute"]]
    return next(str(one["uuid"]) for one in found if one["value"] == value)


def tag(misp: MispSandbox, uuid: str, name: str) -> None:
    """Set a local tag, as the unit's people do."""
    ask(misp, "admin", "/tags/add", {"name": name})
    body = {"uuid": uuid, "tag": name, "local": 1}
    ask(misp, "police", "/tags/attachTagToObject", body)


def say_everything(misp: MispSandbox, share: str) -> None:
    """Let the unit use every way of answering that there is."""
    about = attribute_of(misp, share, C2)
    sighting = {"type": "0", "source": "Prizren"}
    ask(misp, "police", f"/sightings/add/{about}", sighting)
    ask(misp, "police", f"/sightings/add/{about}", {"type": "1"})
    proposal = {"type": "domain", "value": "next.example.net", "comment": REMARK}
    ask(misp, "police", f"/shadow_attributes/add/{share}", proposal)
    note = {"note": REMARK, "distribution": "1"}
    ask(misp, "police", f"/analystData/add/Note/{share}/Event", note)
    opinion = {"opinion": 90, "comment": "fits", "distribution": "1"}
    ask(misp, "police", f"/analystData/add/Opinion/{about}/Attribute", opinion)
    for name in (OPENED, NUMBER, OWN):
        tag(misp, share, name)


def heard(office: Office) -> list[dict[str, Any]]:
    """Ask, trace and tell; return what is known then, oldest first."""
    asked = office.besa("feedback", "--json")
    assert asked.code == 0, asked.err
    office.consume()
    found: list[dict[str, Any]] = office.besa("feedback", "list", "--json").json
    return found[::-1]


def told(office: Office) -> dict[str, dict[str, Any]]:
    """Return the messages that listeners find in the spool, by file."""
    folder = office.home / "spool" / "feedback"
    return {one.name: json.loads(one.read_bytes()) for one in folder.glob("*.json")}


def records_of(kafka: KafkaSandbox) -> list[Any]:
    """Return everything that stands in the topic of feedback."""
    with closing(make_consumer(kafka.address, f"g-{uuid.uuid4().hex}")) as consumer:
        place = TopicPartition(FEEDBACK, 0)
        consumer.assign([place])
        consumer.seek(place, 0)
        end = consumer.end_offsets([place], timeout_ms=5_000)[place]
        found: list[Any] = []
        until = time.monotonic() + 30
        while len(found) < end and time.monotonic() < until:
            found += consumer.poll(1_000).get(place, [])
        return found


def test_everything_that_a_unit_says_comes_back(
    office: Office, misp: MispSandbox
) -> None:
    """Each way of answering is traced to the incident, and told once."""
    share = delivered(office)
    say_everything(misp, share)

    found = heard(office)

    assert {
        ("sighting", "seen"),
        ("sighting", "false-positive"),
        ("proposal", "add"),
        ("note", "remark"),
        ("opinion", "agree"),
        ("tag", "case-opened"),
        ("tag", "case-number"),
    } == {(one["kind"], one["word"]) for one in found}
    assert {("CASE-1", "kp-cybercrime", KP, 1, 1)} == {
        (o["uid"], o["agreement"], o["recipient"], o["edition"], o["revision"] or 1)
        for o in found
    }
    assert {one["id"] for one in found} == {one["id"] for one in told(office).values()}


def test_no_word_of_the_unit_leaves_the_store(
    office: Office, misp: MispSandbox
) -> None:
    """Unless the agreement says so, neither listeners nor the list get free text."""
    share = delivered(office)
    say_everything(misp, share)
    heard(office)

    said = json.dumps(list(told(office).values()))
    said += office.besa("feedback", "list", "--json").out.decode()
    said += office.besa("feedback", "list").out.decode()
    register = json.dumps(office.rows("SELECT facts FROM audit"))
    alarms = json.dumps(office.rows("SELECT place, text FROM alarms"))

    secrets = ("Agim", "Prizren", "PK-2026", "next.example", OWN, C2)
    for text in (said, register, alarms):
        assert [] == [word for word in secrets if word in text]
    assert 7 == len(told(office))


def test_what_was_said_once_is_told_once(office: Office, misp: MispSandbox) -> None:
    """Asking again finds nothing new, and what was told stays as it is."""
    share = delivered(office)
    say_everything(misp, share)
    first = heard(office)
    before = told(office)

    assert first == heard(office)
    assert before == told(office)
    assert [0] == [one["new"] for one in office.besa("feedback", "--json").json]


def test_what_comes_later_is_found(office: Office, misp: MispSandbox) -> None:
    """What is said later is added; a sighting that is dated back is not missed."""
    share = delivered(office)
    heard(office)
    about = attribute_of(misp, share, C2)
    old = {"type": "0", "date": "2020-01-01", "time": "10:00:00"}
    ask(misp, "police", f"/sightings/add/{about}", old)

    (one,) = heard(office)

    assert ("seen", "2020-01-01T10:00:00+00:00") == (one["word"], one["said_at"])


def test_the_lead_reads_the_words(office: Office, misp: MispSandbox) -> None:
    """Who is named a lead reads what was written; that is a link of the register."""
    share = delivered(office)
    say_everything(misp, share)
    number = next(o["number"] for o in heard(office) if o["kind"] == "note")
    nobody = office.besa("feedback", "show", str(number), "--words")
    reviewers = office.home / "reviewers.yaml"
    with reviewers.open("a") as file:
        file.write("leads: [arta]\n")
    office.monkeypatch.setattr("broker.cli.person.person", lambda: "u-besnik")
    other = office.besa("feedback", "show", str(number), "--words")
    office.monkeypatch.setattr("broker.cli.person.person", lambda: "u-arta")
    lead = office.besa("feedback", "show", str(number), "--words", "--json")

    assert (1, 1, 0) == (nobody.code, other.code, lead.code)
    assert REMARK.encode() not in nobody.out + other.out
    assert {"note": REMARK} == lead.json["words"]
    ((facts,),) = office.rows("SELECT facts FROM audit WHERE kind = 'feedback read'")
    assert ("u-arta", "CASE-1") == (json.loads(facts)["by"], json.loads(facts)["uid"])
    assert 0 == office.besa("audit", "verify").code


def test_without_the_incident_it_is_known_what_was_sent(
    office: Office, misp: MispSandbox
) -> None:
    """A spool keeps no incident; then the value as it was sent tells what is meant."""
    share = delivered(office)
    about = attribute_of(misp, share, C2)
    ask(misp, "police", f"/sightings/add/{about}", {"type": "0"})
    (one,) = heard(office)

    shown = office.besa("feedback", "show", str(one["number"]), "--value", "--json")

    assert ("", "the source does not have the incident any more") == (
        one["field"],
        one["note"],
    )
    assert C2 == shown.json["sent"]
    assert "value" not in shown.json


def test_an_agreement_may_pass_the_words_on(office: Office, misp: MispSandbox) -> None:
    """Where the memorandum lets listeners read the unit's words, they are told."""
    office.edit(
        "agreements/kp-cybercrime.yaml",
        "retention_days:",
        'feedback: {cites: "MoU art. 9", tlp: amber, words: topic}\nretention_days:',
    )
    share = delivered(office)
    say_everything(misp, share)
    heard(office)

    words = [one["words"] for one in told(office).values() if one["kind"] == "note"]
    assert [{"note": REMARK}] == words
    assert {"amber"} == {one["tlp"] for one in told(office).values()}


def test_keep_secret_until_holds_the_words_back(
    office: Office, misp: MispSandbox
) -> None:
    """Until the day that the unit named, listeners get the day and no words."""
    office.edit(
        "agreements/kp-cybercrime.yaml",
        "retention_days:",
        "feedback: {words: topic}\nretention_days:",
    )
    share = delivered(office)
    tag(misp, share, SECRET)
    say_everything(misp, share)
    heard(office)

    messages = list(told(office).values())
    assert {None} == {one["words"] for one in messages}
    assert ["2999-01-31"] == [one["until"] for one in messages if one["until"]]


def test_nothing_proposed_is_applied(office: Office, misp: MispSandbox) -> None:
    """A proposal stays a proposal: the event and the outbox are as they were."""
    share = delivered(office)
    before = ask(misp, "police", f"/events/view/{share}")["Event"]["timestamp"]
    sent = office.rows("SELECT count(*) FROM outbox")
    say_everything(misp, share)
    heard(office)

    event = ask(misp, "police", f"/events/view/{share}")["Event"]
    assert before == event["timestamp"]
    assert sent == office.rows("SELECT count(*) FROM outbox")
    assert 1 == len(event["ShadowAttribute"])


def test_a_dead_recipient_is_said_and_delays_nobody(
    office: Office, misp: MispSandbox
) -> None:
    """A MISP that does not answer is an alarm; others are asked, and it calms again."""
    delivered(office)
    port = misp.url.rpartition(":")[2]
    misp.stop()
    dead = office.besa("feedback", "--json")
    alarms = office.rows("SELECT kind, place FROM alarms WHERE kind = 'feedback'")
    again = MispSandbox(misp.home, int(port))
    with again:
        well = office.besa("feedback", "--json")

    assert (3, [("feedback", KP)]) == (dead.code, alarms)
    assert (0, []) == (
        well.code,
        office.rows("SELECT kind FROM alarms WHERE kind = 'feedback'"),
    )


def test_a_recall_is_acknowledged_by_its_tag(office: Office, misp: MispSandbox) -> None:
    """A unit that sets the agreed tag after a recall has confirmed it."""
    share = delivered(office)
    office.publish(case(revision=2, status="withdrawn"))
    office.consume()
    assert office.besa("dispatch", "--until-idle").code == 0
    heard(office)
    question = f"SELECT acknowledged_by FROM recalls WHERE recipient = '{KP}'"  # noqa: S608
    before = office.rows(question)
    tag(misp, share, 'besa:recall="acknowledged"')

    (one,) = heard(office)

    assert ([("",)], [("tag",)]) == (before, office.rows(question))
    assert "recall-acknowledged" == one["word"]


@pytest.mark.kafka
def test_kafka_gets_each_thing_once(
    office: Office, misp: MispSandbox, kafka: KafkaSandbox
) -> None:
    """With Kafka, what was said is a message under the incident's uid, once each."""
    topic = make_topic(kafka)
    kafka.create_topics(["besa.dead-letters", "besa.receipts", FEEDBACK])
    office.monkeypatch.setenv("BESA_KAFKA", kafka.address)
    office.monkeypatch.setenv("BESA_TOPIC", topic)
    office.monkeypatch.setenv("BESA_GROUP", topic)
    share = delivered(office)
    say_everything(misp, share)

    found = heard(office)
    heard(office)

    mine = {one["id"] for one in found}
    records = [r for r in records_of(kafka) if json.loads(r.value)["id"] in mine]
    bodies = [json.loads(record.value) for record in records]
    assert {one["id"] for one in found} == {one["id"] for one in bodies}
    assert len(found) == len(bodies)
    assert {b"CASE-1"} == {record.key for record in records}
    fields = {(one["kind"], one["word"]): one["field"] for one in bodies}
    assert {
        ("sighting", "seen"): "observables[1]",
        ("sighting", "false-positive"): "observables[1]",
        ("proposal", "add"): "",
        ("note", "remark"): "",
        ("opinion", "agree"): "observables[1]",
        ("tag", "case-opened"): "",
        ("tag", "case-number"): "",
    } == fields
    shown = office.besa(
        "feedback",
        "show",
        str(next(o["number"] for o in found if o["word"] == "seen")),
        "--value",
        "--json",
    )
    assert C2 == shown.json["value"]


@pytest.mark.kafka
def test_a_crash_after_telling_tells_again_with_the_same_id(
    office: Office, misp: MispSandbox, kafka: KafkaSandbox
) -> None:
    """Told and not marked: the same message, key and id comes once more, no other."""
    topic = make_topic(kafka)
    kafka.create_topics(["besa.dead-letters", "besa.receipts", FEEDBACK])
    office.monkeypatch.setenv("BESA_KAFKA", kafka.address)
    office.monkeypatch.setenv("BESA_TOPIC", topic)
    office.monkeypatch.setenv("BESA_GROUP", topic)
    share = delivered(office)
    note = {"note": "n", "distribution": "1"}
    ask(misp, "police", f"/analystData/add/Note/{share}/Event", note)

    def crash(*_: Any) -> None:
        raise StoreError("the disk is full")

    with office.monkeypatch.context() as broken:
        broken.setattr("broker.store.feedback.mark_published", crash)
        (one,) = heard(office)
    heard(office)
    heard(office)

    records = [each for each in records_of(kafka) if one["id"].encode() in each.value]
    assert [(b"CASE-1", one["id"].encode())] * 2 == [
        (record.key, dict(record.headers)["besa-id"]) for record in records
    ]
    assert records[0].value == records[1].value


def test_a_running_broker_hears_by_itself(office: Office, misp: MispSandbox) -> None:
    """`besa run` delivers, asks, traces and tells, without anybody's command."""
    office.monkeypatch.setenv("BESA_FEEDBACK_EVERY", "0.5")
    office.publish(case())
    command = [sys.executable, "-m", "broker.cli", "run"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
        try:
            share = eventually(lambda: arrived(misp))
            assert share
            note = {"note": REMARK, "distribution": "1"}
            ask(misp, "police", f"/analystData/add/Note/{share}/Event", note)
            found = eventually(lambda: told(office))
        finally:
            running.terminate()
            ended = running.wait(60)

    assert 0 == ended
    assert ["remark"] == [one["word"] for one in found.values()]


def arrived(misp: MispSandbox) -> str:
    """Return the UUID of the event that is there, if one is."""
    found = ask(misp, "police", "/events/index", {"minimal": 1})
    return str(found[0]["uuid"]) if found else ""
