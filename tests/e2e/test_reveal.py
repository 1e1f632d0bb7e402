"""A pseudonym is looked up: from the message to the one value, through the commands."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.office import Ended, Office, incident

KP = "kp-misp"
NAME = "Vjosa Kallëzuesja"
DOMAIN = "viktima-jone.example"
ASKED = (
    *("--case", "PPN-2026-321", "--order", "Basic Court Prishtina, PPR 12/26"),
    *("--because", "to hear the victim"),
)


@pytest.fixture
def office(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> Office:
    """Give an installation whose agreement with the police lets them ask."""
    made = Office(tmp_path / "home", monkeypatch, capsysbinary)
    allow(made)
    assert 0 == made.besa("keys", "vault").code
    return made


def allow(office: Office, agreement: str = "kp-cybercrime") -> None:
    """Let a recipient ask whom a pseudonym stands for."""
    reveal = '\nreveal: {cites: "MoU art. 9(1)"}\nclauses:\n'
    office.edit(f"agreements/{agreement}.yaml", "\nclauses:\n", reveal)


def case(uid: str = "CASE-1", **changes: Any) -> dict[str, Any]:
    """Return an incident of which the police get three pseudonyms."""
    more = {
        "classification": "fraud/phishing",
        "victims": [{"kind": "person", "name": NAME, "consent": "unknown"}],
        "affected_systems": [{"name": "FINANCA-03", "function": "salaries"}],
        "observables": [
            {"kind": "domain", "value": DOMAIN, "role": "victim"},
            {"kind": "ipv4", "value": "198.51.100.7", "role": "attacker"},
        ],
    }
    return incident(uid, **{**more, **changes})


def shared(office: Office, **changes: Any) -> str:
    """Share the incident; return the pseudonym of the victim's name."""
    office.publish(case(**changes))
    office.consume()
    return pseudonym_of(office, "victim")


def pseudonym_of(office: Office, what: str) -> str:
    """Return a pseudonym that the police received, by what stands near it."""
    (body,) = office.rows(
        f"SELECT body FROM outbox WHERE recipient = '{KP}' ORDER BY id DESC LIMIT 1"  # noqa: S608
    )[0]
    event = json.loads(body)["Event"]
    for thing in event.get("Object", []):
        said = json.dumps(thing)
        found = re.search(r'"(p[0-9]*-[a-z2-7]{16})"', said)
        if found and what in said:
            return found[1]
    raise AssertionError(f"no pseudonym near {what}")


def as_(office: Office, name: str) -> tuple[str, ...]:
    """Return the options by which a reviewer acts."""
    return ("--as", name, "--key", str(office.home / f"{name}.key"))


def ask(office: Office, pseudonym: str, *more: str, recipient: str = KP) -> Ended:
    """Ask for a pseudonym, by default as the one who published."""
    asked = ("reveal", "request", recipient, pseudonym, *ASKED)
    return office.besa(*asked, *more, "--json")


def approve(office: Office, number: int, *names: str) -> list[Ended]:
    """Approve a request as each of these people."""
    item = ("reveal", "approve", str(number))
    return [office.besa(*item, *as_(office, name), "--json") for name in names]


def show(office: Office, number: int, *more: str) -> Ended:
    """Show what a request is for."""
    return office.besa("reveal", "show", str(number), "--json", *more)


def register(office: Office) -> list[tuple[str, dict[str, Any]]]:
    """Return the register's links about reveals, oldest first."""
    found = office.rows("SELECT kind, facts FROM audit ORDER BY number")
    return [(kind, json.loads(facts)) for kind, facts in found if "reveal" in kind]


def test_two_people_let_the_one_who_asked_see_the_value(office: Office) -> None:
    """Asked, approved by two others, shown; every step is on record, no value is."""
    pseudonym = shared(office)
    asked = ask(office, pseudonym)
    number = asked.json["request"]
    early = show(office, number)
    first, second = approve(office, number, "arta", "besnik")
    seen, again = show(office, number), show(office, number)
    listed = office.besa("reveal", "list", "--json")

    assert 0 == asked.code, asked.err
    assert (1, "0 of 2 people approve it" in early.err) == (early.code, True)
    assert (False, True) == (first.json["complete"], second.json["complete"])
    assert (NAME, "victims[].name") == (seen.json["value"], seen.json["field"])
    assert [1, 2] == [seen.json["times"], again.json["times"]]
    assert ("open", 2) == (listed.json[0]["state"], listed.json[0]["shown"])
    links = register(office)
    assert [
        *("reveal request", "reveal refused", "reveal approval", "reveal approval"),
        *("reveal shown", "reveal shown"),
    ] == [kind for kind, _ in links]
    assert {(pseudonym, "PPN-2026-321")} == {
        (facts["pseudonym"], facts["case_number"]) for _, facts in links
    }
    assert ["arta", "besnik"] == links[-1][1]["approved_by"]
    assert "to hear the victim" not in json.dumps(links)
    assert 0 == office.besa("audit", "verify").code


def test_no_other_command_nor_the_register_nor_a_log_has_the_value(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """The value is in the answer of `reveal show`, and nowhere else that is written."""
    pseudonym = shared(office)
    number = ask(office, pseudonym).json["request"]
    approve(office, number, "arta", "besnik")
    shown = show(office, number)
    others = [
        office.besa(*command)
        for command in (
            ("reveal", "list"),
            ("reveal", "list", "--json"),
            ("reveal", "purge", "--json"),
            ("status", "--json"),
            ("outbox", "list", "--json"),
            ("outbox", "show", "1", "--body"),
            ("held", "list", "--all", "--json"),
            ("audit", "verify", "--json"),
        )
    ]
    said = "".join(one.out.decode() + one.err for one in others)
    links = "".join(facts for (facts,) in office.rows("SELECT facts FROM audit"))

    assert NAME in shown.out.decode()
    for text in (said, links, caplog.text):
        assert "Vjosa" not in text
        assert json.dumps(NAME)[1:-1] not in text


@pytest.mark.parametrize("names", [("arta", "arta"), ("arta",)])
def test_one_person_is_not_two(office: Office, names: tuple[str, ...]) -> None:
    """The same person's second approval replaces the first, and shows nothing."""
    number = ask(office, shared(office)).json["request"]
    given = approve(office, number, *names)
    ended = show(office, number)

    assert [False] * len(names) == [one.json["complete"] for one in given]
    assert 1 == ended.code
    assert "1 of 2 people approve it" in ended.err


def test_who_asked_may_not_approve(office: Office) -> None:
    """A reviewer who asked is refused, by name and by account."""
    pseudonym = shared(office)
    by_name = ask(office, pseudonym, *as_(office, "arta")).json["request"]
    office.monkeypatch.setattr("broker.cli.person.person", lambda: "u-besnik")
    by_account = ask(office, pseudonym).json["request"]
    refused = [
        *approve(office, by_name, "arta"),
        *approve(office, by_account, "besnik"),
    ]

    assert [1, 1] == [one.code for one in refused]
    assert "arta asked for this" in refused[0].err
    assert "besnik asked for this" in refused[1].err
    assert 0 == approve(office, by_name, "besnik")[0].code


def deny(office: Office, number: int, name: str) -> Ended:
    """Deny a request as one of these people."""
    why = ("--because", "the order names another case")
    item = ("reveal", "deny", str(number), *why)
    return office.besa(*item, *as_(office, name), "--json")


def test_one_person_denies_for_good(office: Office) -> None:
    """Also what two have approved is shown no more, and cannot be approved again."""
    pseudonym = shared(office)
    waiting, opened = (ask(office, pseudonym).json["request"] for _ in range(2))
    approve(office, opened, "arta", "besnik")
    before = show(office, opened)
    denied = [deny(office, waiting, "cufe"), deny(office, opened, "cufe")]
    after = [show(office, number) for number in (waiting, opened)]
    again = [*approve(office, waiting, "arta"), deny(office, opened, "arta")]
    listed = office.besa("reveal", "list", "--json").json
    words = office.besa("reveal", "list").out.decode()
    links = register(office)

    assert [0, 0, 0] == [before.code, *(one.code for one in denied)]
    assert [0, 1] == [one.json["shown"] for one in denied]
    assert [1, 1, 1, 1] == [one.code for one in (*after, *again)]
    assert all("cufe denied it" in one.err for one in after)
    assert all("cufe has denied request" in one.err for one in again)
    assert ["denied", "denied"] == [one["state"] for one in listed]
    assert {("cufe", "the order names another case")} == {
        (one["denial"]["reviewer"], one["denial"]["reason"]) for one in listed
    }
    assert "denied by cufe" in words
    assert "because: the order names another case" in words
    assert 2 == sum(kind == "reveal denied" for kind, _ in links)
    assert "another case" not in json.dumps(links)
    assert 0 == office.besa("audit", "verify").code


def test_who_may_not_deny(office: Office) -> None:
    """Not who asked, nor a stranger, nor somebody without the key of that name."""
    number = ask(office, shared(office), *as_(office, "arta")).json["request"]
    item = ("reveal", "deny", str(number), "--because", "no")
    unsaid = ("reveal", "deny", str(number), "--because", " ")
    own = deny(office, number, "arta")
    nobody = office.besa(*item)
    keyless = office.besa(*item, "--as", "besnik")
    forged = office.besa(
        *item, "--as", "besnik", "--key", str(office.home / "cufe.key")
    )
    wordless = office.besa(*unsaid, *as_(office, "besnik"))
    missing = deny(office, number + 1, "besnik")

    assert [1, 1, 2, 1, 2, 1] == [
        one.code for one in (own, nobody, keyless, forged, wordless, missing)
    ]
    assert "arta asked for this: another person must deny it" in own.err
    assert "waiting" == office.besa("reveal", "list", "--json").json[0]["state"]


def test_nobody_else_sees_it(office: Office) -> None:
    """Another account, an approver included, is refused, and that is on record."""
    number = ask(office, shared(office)).json["request"]
    approve(office, number, "arta", "besnik")
    office.monkeypatch.setattr("broker.cli.person.person", lambda: "u-mallory")
    other, approver = show(office, number), show(office, number, *as_(office, "arta"))

    assert [1, 1] == [other.code, approver.code]
    assert "only u-erza, who asked, sees it" in other.err
    assert ["u-mallory", "arta"] == [
        facts["to"] for kind, facts in register(office) if kind == "reveal refused"
    ]


def test_an_approval_expires(office: Office) -> None:
    """After the approvals' time the value is refused, and no approval revives it."""
    number = ask(office, shared(office)).json["request"]
    approve(office, number, "arta", "besnik")
    with sqlite3.connect(office.home / "besa.sqlite") as store:
        store.execute("UPDATE reveals SET until = at + 1")
    late = show(office, number)
    (again,) = approve(office, number, "cufe")
    reviewers = office.home / "reviewers.yaml"
    reviewers.write_text("approval_hours: 1\n" + reviewers.read_text())
    with sqlite3.connect(office.home / "besa.sqlite") as store:
        store.execute("UPDATE reveals SET until = at + 999999999")
    shorter = show(office, number)

    assert (1, True) == (late.code, "has expired" in late.err)
    assert (1, True) == (again.code, "approved 1 already" in again.err)
    assert (1, True) == (
        shorter.code,
        "the approval of arta has expired" in shorter.err,
    )


def test_another_recipient_gets_nothing(office: Office) -> None:
    """Nobody's pseudonym is looked up for another recipient, agreed or not."""
    pseudonym = shared(office)
    unagreed = ask(office, pseudonym, recipient="fiu-misp")
    allow(office, "fiu")
    other = ask(office, pseudonym, recipient="fiu-misp")
    stranger = ask(office, "p-aaaaaaaaaaaaaaaa")
    typed = ask(office, NAME)

    assert [1, 1, 1, 2] == [one.code for one in (unagreed, other, stranger, typed)]
    assert "no agreement lets fiu-misp ask" in unagreed.err
    assert "nothing for this pseudonym at fiu-misp" in other.err
    assert "Vjosa" not in typed.err
    assert [] == register(office)


def test_what_was_altered_in_the_vault_is_refused(office: Office) -> None:
    """A row that was changed, or put in another's place, gives no value and says so."""
    number = ask(office, shared(office)).json["request"]
    approve(office, number, "arta", "besnik")
    with sqlite3.connect(office.home / "besa.sqlite") as store:
        boxes = store.execute('SELECT box, "index" FROM vault ORDER BY box').fetchall()
        for at, (_, index) in enumerate(boxes):
            store.execute(
                'UPDATE vault SET box = ? WHERE "index" = ?', (boxes[at - 1][0], index)
            )
    moved = show(office, number)
    with sqlite3.connect(office.home / "besa.sqlite") as store:
        for box, index in boxes:
            bent = bytes([*box[:-1], box[-1] ^ 1])
            store.execute('UPDATE vault SET box = ? WHERE "index" = ?', (bent, index))
    flipped = show(office, number)
    with sqlite3.connect(office.home / "besa.sqlite") as store:
        store.execute("UPDATE vault SET box = x'00'")
    cut = show(office, number)

    assert 3 == len(boxes)
    for ended in (moved, flipped, cut):
        assert 3 == ended.code
        assert "was altered, or locked with other keys" in ended.err
        assert b"" == ended.out


def test_a_request_that_was_changed_is_not_approved(office: Office) -> None:
    """Whoever exchanges the pseudonym under two approvals is shown nothing."""
    pseudonym = shared(office)
    number = ask(office, pseudonym).json["request"]
    approve(office, number, "arta", "besnik")
    with sqlite3.connect(office.home / "besa.sqlite") as store:
        store.execute("UPDATE reveals SET pseudonym = 'p-aaaaaaaaaaaaaaaa'")
    ended = show(office, number)

    assert 1 == ended.code
    assert "the statement of arta is not about this" in ended.err


def test_a_forged_approval_does_not_count(office: Office) -> None:
    """Who can write to the database, and has no reviewer's key, sees nothing."""
    number = ask(office, shared(office)).json["request"]
    approve(office, number, "arta")
    with sqlite3.connect(office.home / "besa.sqlite") as store:
        store.execute(
            "INSERT INTO reveal_approvals SELECT request, 'besnik', at, until, "
            "replace(statement, 'arta', 'besnik'), signature FROM reveal_approvals"
        )
        store.execute("UPDATE reveals SET until = at + 999999999")
    ended = show(office, number)

    assert 1 == ended.code
    assert "the signature of besnik does not hold" in ended.err


def test_without_the_key_nothing_is_shared_and_nothing_shown(office: Office) -> None:
    """A missing key of the vault stops consuming, and looking, with its remedy."""
    number = ask(office, shared(office)).json["request"]
    approve(office, number, "arta", "besnik")
    key = office.home / "keys" / "vault-1.secret"
    kept = key.read_bytes()
    key.unlink()
    shown = show(office, number)
    consumed = office.besa("consume", "--until-idle")
    key.write_bytes(kept)
    key.chmod(0o644)
    readable = show(office, number)

    assert [3, 3, 3] == [shown.code, consumed.code, readable.code]
    for ended in (shown, consumed):
        assert "has no key of the vault" in ended.err
        assert "besa keys vault" in ended.err
    assert "can be read by others" in readable.err


def test_epochs_and_keys_rotate_without_losing_look_up(office: Office) -> None:
    """Pseudonyms of an older epoch, and older keys of the vault, still open."""
    first = shared(office)
    assert 0 == office.besa("keys", "rotate").code
    assert 0 == office.besa("keys", "vault", "--rotate").code
    second = shared(office, uid="CASE-2")
    values = []
    for pseudonym in (first, second):
        number = ask(office, pseudonym).json["request"]
        approve(office, number, "arta", "besnik")
        values.append(show(office, number).json["value"])

    assert ("p-", "p2-") == (first[:2], second[:3])
    assert [NAME, NAME] == values
    assert [(1,), (2,)] == office.rows("SELECT DISTINCT number FROM vault ORDER BY 1")


def test_the_secret_of_an_epoch_ends_its_look_up(office: Office) -> None:
    """Who deletes an epoch's secret has made unreadable what was locked in it."""
    office.besa("keys", "rotate")
    pseudonym = shared(office)
    number = ask(office, pseudonym).json["request"]
    approve(office, number, "arta", "besnik")
    (office.home / "keys" / "pseudonyms-2.secret").unlink()
    ended = show(office, number)

    assert 1 == ended.code
    assert "the secret of epoch 2 is not kept here" in ended.err


def test_a_prefix_preserving_address_is_looked_up(office: Office) -> None:
    """An address that left as a Crypto-PAn pseudonym is found by its notation."""
    office.edit(
        "profiles/investigation.yaml",
        "  observables[].value:\n",
        "  observables[].value:\n"
        "    - {method: pseudonym_ip, only: {kind: [ipv4], role: [victim]}}\n",
    )
    shutil.rmtree(office.policies / "cases")  # they expect what is shipped
    victim = {"kind": "ipv4", "value": "203.0.113.77", "role": "victim"}
    office.publish(case(observables=[victim]))
    office.consume()
    (body,) = office.rows(f"SELECT body FROM outbox WHERE recipient = '{KP}'")[0]  # noqa: S608
    found = re.search(rb"p-ip4(-[0-9a-f]{2}){4}", body)
    assert found is not None
    number = ask(office, found[0].decode()).json["request"]
    approve(office, number, "arta", "besnik")

    assert "203.0.113.77" == show(office, number).json["value"]


def test_nothing_is_kept_where_no_agreement_says_so(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    """As shipped, no value is locked away, and no key of the vault is needed."""
    office = Office(tmp_path / "home", monkeypatch, capsysbinary)
    pseudonym = shared(office)

    assert [(0,)] == office.rows("SELECT count(*) FROM vault")
    assert 1 == ask(office, pseudonym).code


def test_only_what_left_is_locked_away(office: Office) -> None:
    """Of what is held nothing is kept until it is released; of what stays, nothing."""
    held = case(classification="other/undetermined")
    office.publish(held)
    office.consume()
    before = office.rows("SELECT count(*) FROM vault")
    office.approve("arta")
    office.approve("besnik")
    office.consume()
    after = office.rows("SELECT recipient, agreement, field FROM vault")

    assert [(0,)] == before
    assert {
        (KP, "kp-cybercrime", "victims[].name"),
        (KP, "kp-cybercrime", "affected_systems[].name"),
        (KP, "kp-cybercrime", "observables[].value"),
    } == set(after)


def test_retention_ends_the_look_up(office: Office) -> None:
    """Past its retention a value is found by nobody, and consuming deletes it."""
    pseudonym = shared(office)
    number = ask(office, pseudonym).json["request"]
    approve(office, number, "arta", "besnik")
    (rows,) = office.rows("SELECT count(*), min(until), max(until) FROM vault")
    with sqlite3.connect(office.home / "besa.sqlite") as store:
        store.execute("UPDATE vault SET until = 1")
    ended = show(office, number)
    office.consume()

    assert 3 == rows[0]
    assert 1 == ended.code
    assert "its retention is over" in ended.err
    assert [(0,)] == office.rows("SELECT count(*) FROM vault")
    assert ("reveal purge", {"values": 3}) == register(office)[-1]


def test_people_read_it_on_a_terminal(office: Office) -> None:
    """List and show say in words what was asked, by whom, and what it stands for."""
    pseudonym = shared(office)
    number = str(ask(office, pseudonym).json["request"])
    approve(office, int(number), "arta", "besnik")
    listed = office.besa("reveal", "list").out.decode()
    shown = office.besa("reveal", "show", number).out.decode()

    for text in (pseudonym, "PPN-2026-321", "to hear the victim", "arta, besnik"):
        assert text in listed
    assert shown.startswith(NAME)
    assert "(victims[].name)" in shown


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "broker.cli", *arguments],
        env={**os.environ, "BESA_HOME": str(home)},
        capture_output=True,
        check=False,
        timeout=180,
    )


def test_with_processes_of_their_own(office: Office) -> None:
    """Consuming, asking, approving and showing work as separate processes."""
    office.publish(case())
    consumed = run(office.home, "consume", "--until-idle")
    pseudonym = pseudonym_of(office, "victim")
    asked = run(office.home, "reveal", "request", KP, pseudonym, *ASKED, "--json")
    for name in ("arta", "cufe"):
        done = run(office.home, "reveal", "approve", "1", *as_(office, name))
        assert 0 == done.returncode, done.stderr
    shown = run(office.home, "reveal", "show", "1", "--json")

    assert 0 == consumed.returncode, consumed.stderr
    assert 0 == asked.returncode, asked.stderr
    assert NAME == json.loads(shown.stdout)["value"]
    for process in (consumed, asked, shown):
        assert b"Vjosa" not in process.stderr
    assert b"Vjosa" not in asked.stdout + consumed.stdout
