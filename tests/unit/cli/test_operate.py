"""Publishing, consuming, looking at the state, and the register, from the terminal."""

from __future__ import annotations

import re
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
Besa = Callable[..., Any]


def consumed(besa: Besa, *files: Path) -> None:
    """Publish files to the spool and consume them, with fresh keys."""
    assert besa("keys", "create").code == 0
    assert besa("publish", "--unchecked", *files).code == 0
    assert besa("consume", "--until-idle").code == 0


def test_keys_are_made_once(besa: Besa, home: Path) -> None:
    """`besa keys create` makes keys, and a second time refuses with a fault."""
    first, second = besa("keys", "create", "--json"), besa("keys", "create")

    assert 0 == first.code
    assert 3 == second.code
    assert "--rotate" in second.err
    assert first.json["private"] == str(home / "keys")
    assert 0o600 == stat.S_IMODE((home / "keys" / "seal.pem").stat().st_mode)


def test_rotated_keys_are_all_listed(besa: Besa) -> None:
    """After a rotation both public keys are listed, the new one as current."""
    old = besa("keys", "create", "--json").json["key"]
    new = besa("keys", "create", "--rotate", "--json").json["key"]

    assert {old: False, new: True} == {
        key["key"]: key["current"] for key in besa("keys", "list", "--json").json
    }


def test_publishing_says_where_each_file_stands(
    besa: Besa, incident: Path, exercise: Path, home: Path
) -> None:
    """Each published file is answered with its position, in the order given."""
    ended = besa("publish", incident, exercise, "--spool", home / "s", "--json")

    assert [str(incident), str(exercise)] == [one["file"] for one in ended.json]
    assert ended.json[0]["offset"] < ended.json[1]["offset"]
    assert 2 == len(list((home / "s" / "new").iterdir()))


def test_what_waits_in_the_spool_is_the_lag(besa: Besa, incident: Path) -> None:
    """Before anything is read, the status counts what waits, and makes no store."""
    besa("publish", incident)
    ended = besa("status", "--json")

    assert {"source": "spool", "messages": 1, "problem": ""} == ended.json["lag"]
    assert 0 == ended.json["audit_entries"]


def test_without_keys_nothing_is_consumed(besa: Besa, incident: Path) -> None:
    """`besa consume` without keys is a fault that names the command to run."""
    besa("publish", incident)
    ended = besa("consume", "--until-idle")

    assert 3 == ended.code
    assert "besa keys create" in ended.err
    assert 1 == besa("status", "--json").json["lag"]["messages"]


def test_status_counts_what_was_decided(
    besa: Besa, incident: Path, incidents: Path
) -> None:
    """After consuming, the status shows what waits, is held, and could not be read."""
    consumed(
        besa,
        incident,
        incidents / "10-undetermined.json",
        incidents / "91-bad-not-json.json",
    )
    found = besa("status", "--json").json

    assert {"fiu-misp": 1, "kp-misp": 1, "spo-misp": 1} == {
        lane["recipient"]: lane["queued"] for lane in found["lanes"]
    }
    assert 0 == found["lag"]["messages"]
    assert found["held_count"] == len(found["held"]) > 0
    assert "it is not JSON: line 1, column 93" == found["dead_letters"][0]["problem"]
    assert found["audit_entries"] > 3


def test_status_names_agreements_that_end_soon(
    besa: Besa, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agreement in its last days stands in the status; the others do not."""
    policies = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", policies)
    today = datetime.now(UTC).date()
    last = today + timedelta(days=5)
    for agreement in (policies / "agreements").iterdir():
        until = last if agreement.stem == "fiu" else today + timedelta(days=500)
        text = agreement.read_text("utf-8")
        agreement.write_text(re.sub("until: [0-9-]+", f"until: {until}", text), "utf-8")
    monkeypatch.setenv("BESA_POLICIES", str(policies))
    soon = {"agreement": "fiu", "recipient": "fiu-misp", "until": str(last), "days": 5}
    assert [soon] == besa("status", "--json").json["ending"]
    assert f"fiu: ends on {last}: 5 days are left" in besa("status").text


def test_status_of_a_person_names_dead_letters(besa: Besa, incidents: Path) -> None:
    """The table for people has the place and path of each unreadable message."""
    consumed(besa, incidents / "92-bad-unknown-type.json")
    text = besa("status").text

    assert "Could not be read: 1" in text
    assert "classification: not one of the 39 RSIT types" in text
    assert "vishing" not in text


def test_a_whole_register_is_verified(besa: Besa, incident: Path) -> None:
    """`besa audit verify` ends with 0 and counts the entries."""
    consumed(besa, incident)
    ended = besa("audit", "verify", "--json")

    assert 0 == ended.code
    assert ended.json["ok"]
    assert ended.json["entries"] > 0


def test_an_altered_register_is_the_answer_no(
    besa: Besa, incident: Path, home: Path
) -> None:
    """After one changed letter, `besa audit verify` ends with 1 and names the entry."""
    consumed(besa, incident)
    with sqlite3.connect(home / "besa.sqlite") as store:
        store.execute(
            "UPDATE audit SET facts = replace(facts, 'share', 'shere') WHERE number = 2"
        )
    ended = besa("audit", "verify")
    as_json = besa("audit", "verify", "--json")

    assert 1 == ended.code
    assert "entry 2 " in ended.err
    assert (1, False) == (as_json.code, as_json.json["ok"])


def test_without_a_store_there_is_nothing_to_verify(besa: Besa) -> None:
    """An absent register is a fault, not a clean bill of health."""
    besa("keys", "create")
    ended = besa("audit", "verify")

    assert (3, b"") == (ended.code, ended.out)
    assert "no store" in ended.err


def test_a_wrong_zone_gets_no_secrets(besa: Besa, monkeypatch: Any) -> None:
    """A process of one zone cannot run the other zone's command."""
    besa("keys", "create")
    monkeypatch.setenv("BESA_ZONE", "dispatch")
    consume = besa("consume", "--until-idle")
    monkeypatch.setenv("BESA_ZONE", "consume")
    dispatch = besa("dispatch", "--until-idle")

    assert (3, 3) == (consume.code, dispatch.code)
    assert "does not get the private keys" in consume.err
    assert "does not get recipients' credentials" in dispatch.err


def test_without_credentials_nothing_is_dispatched(besa: Besa, incident: Path) -> None:
    """`besa dispatch` without any credential is a fault that says what to write."""
    consumed(besa, incident)
    ended = besa("dispatch", "--until-idle")

    assert 3 == ended.code
    assert "mode 0600" in ended.err


def test_the_dispatch_zone_loads_no_stage_of_the_path() -> None:
    """What `besa dispatch` imports has neither policies nor redaction in it."""
    code = (
        "import sys, broker.cli.serve, broker.dispatch, broker.settings, broker.keyring"
        "\nprint(' '.join(name for name in sys.modules if name.startswith('broker.')))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        timeout=60,
        text=True,
    ).stdout

    loaded = {name.split(".")[1] for name in said.split()}

    assert "deliver" in loaded
    assert set() == loaded & {"intake", "policy", "redact", "pipeline", "rulebook"}


def test_a_release_without_reviewers_says_how_to_name_them(
    besa: Besa, incidents: Path, home: Path
) -> None:
    """The set-up is not finished, so it is a fault; and the error shows what to write.

    Written as it shows, the next command goes on.
    """
    consumed(besa, incidents / "10-undetermined.json")
    ended = besa("held", "release", "1", "-")
    file = home / "reviewers.yaml"

    assert 3 == ended.code
    assert f"{file} lists nobody" in ended.err

    file.write_text(ended.err.split("`")[1])
    file.chmod(0o600)
    again = besa("held", "release", "1", "-", "--as", "arta")

    assert (1, "") == (again.code, again.text)
    assert "arta is the user arta, and you are" in again.err


@pytest.mark.parametrize(
    "command",
    [("outbox", "list"), ("held", "list"), ("dead-letters", "list"), ("status",)],
)
def test_where_there_is_no_store_it_is_said_what_makes_one(
    besa: Besa, home: Path, command: tuple[str, ...]
) -> None:
    """Nobody takes a wrong folder for an empty one; the status says it beside it."""
    ended = besa(*command)

    assert (0 if command == ("status",) else 3) == ended.code
    assert f"there is no store at sqlite:///{home}/besa.sqlite yet" in ended.err
    assert "`besa consume` makes it, and BESA_HOME or BESA_STORE says" in ended.err


def test_one_of_a_sort_is_counted_as_one(besa: Besa, incident: Path) -> None:
    """What a command counts, it says as a person would."""
    consumed(besa, incident)
    besa("publish", incident)
    ended = besa("consume", "--until-idle")

    assert "1 message read: 1 duplicate\n" == ended.text


def test_a_mistake_among_the_reviewers_is_located(
    besa: Besa, incidents: Path, home: Path
) -> None:
    """A misspelt key in the file of reviewers is named with the path of the file."""
    consumed(besa, incidents / "10-undetermined.json")
    file = home / "reviewers.yaml"
    file.write_text("reviewers:\n  - {name: arta, usr: arta}\n")
    file.chmod(0o600)
    ended = besa("held", "release", "1", "-")

    assert 3 == ended.code
    place = f"{file}:2:18: there is no key `usr` (did you mean user?)"
    assert f"besa: {place}\n" in ended.err
