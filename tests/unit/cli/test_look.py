"""`besa preview` and `besa explain` show exactly what would leave, and why."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from broker import keyring, pipeline, rulebook
from broker.model.sharing import NO_HISTORY
from broker.settings import read_rulebook_files, read_settings
from tests.formats import SAMPLES

Besa = Callable[..., Any]


def recipients(ended: Any) -> dict[str, Any]:
    """Return the previews by recipient."""
    return {shown["recipient"]: shown for shown in ended.json["recipients"]}


def test_json_has_the_documented_shape(besa: Besa, incident: Path) -> None:
    """The JSON of a preview has every documented key, at every level."""
    ended = besa("preview", incident, "--json")
    shown = recipients(ended)["kp-misp"]

    assert 0 == ended.code
    assert {"incident", "revision", "rulebook", "at", "recipients"} <= set(ended.json)
    assert "KOS-CERT-2026-0412" == ended.json["incident"]
    assert {"agreement", "effect", "findings", "ledger", "breaches", "wires"} <= set(
        shown
    )
    assert {"clause", "effect", "matched", "where"} <= set(shown["findings"][0])
    assert {"field", "outcome"} <= set(shown["ledger"][0])
    assert {"stix-bundle", "stix-misp", "misp-event"} == set(shown["wires"])
    assert "bundle" == shown["wires"]["stix-bundle"]["type"]
    assert "Event" in shown["wires"]["misp-event"]


@pytest.mark.parametrize("command", [("preview",), ("explain", "-r", "kp-misp")])
def test_what_is_no_incident_is_named(
    besa: Besa, tmp_path: Path, command: tuple[str, ...]
) -> None:
    """The error says which file is no incident, and what is wrong with it."""
    file = tmp_path / "broken.json"
    file.write_bytes(b'{"uid": ')
    ended = besa(*command, file)

    assert 1 == ended.code
    problem = "it is not JSON: line 1, column 9 (send one JSON object)"
    assert f"besa: {file}: {problem}\n" == ended.err


def test_every_recipient_is_shown(besa: Besa, incident: Path) -> None:
    """A preview without --recipient has one entry for each agreement."""
    shown = recipients(besa("preview", incident, "--json"))

    assert {"kp-misp", "spo-misp", "fiu-misp"} == set(shown)


def test_nothing_is_shown_of_what_nobody_gets(besa: Besa, exercise: Path) -> None:
    """An exercise is withheld from all, and no document is made of it."""
    shown = recipients(besa("preview", exercise, "--json"))

    assert {"withhold"} == {each["effect"] for each in shown.values()}
    assert [{}, {}, {}] == [each["wires"] for each in shown.values()]
    assert {0} == {each["counts"]["kept"] for each in shown.values()}


def test_raw_bytes_are_those_that_would_be_sealed(
    besa: Besa, home: Path, incident: Path
) -> None:
    """`--wire misp-event --raw` prints the very bytes that the path seals."""
    keyring.create(home / "keys", home / "public-keys")
    settings = read_settings()
    book = rulebook.build(
        read_rulebook_files(settings.policies_folder, settings.mappings_folder)
    )
    received = pipeline.receive(incident.read_bytes(), rulebook=book)
    keys = keyring.read_keys(
        home / "keys", [route.recipient.recipient for route in book.routes]
    )
    outcome = pipeline.disclose(
        received,
        rulebook=book,
        keys=keys,
        history=NO_HISTORY,
        now=received.incident.revised_at,
    )
    sealed = {share.decision.recipient: share.sealed for share in outcome.shares}[
        "kp-misp"
    ]

    ended = besa("preview", incident, "-r", "kp-misp", "--wire", "misp-event", "--raw")

    assert sealed is not None
    assert sealed.body == ended.out


def test_raw_of_nothing_is_the_answer_no(besa: Besa, exercise: Path) -> None:
    """Where nothing would leave, --raw writes nothing and ends with exit code 1."""
    ended = besa("preview", exercise, "-r", "kp-misp", "-w", "misp-event", "--raw")

    assert (1, b"") == (ended.code, ended.out)
    assert "gets nothing" in ended.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--raw"],
        ["--wire", "misp-event"],
        ["--wire", "carrier-pigeon"],
        ["--recipient", "nobody"],
        ["--format", "fax"],
    ],
)
def test_what_makes_no_sense_is_wrong_usage(
    besa: Besa, incident: Path, arguments: list[str]
) -> None:
    """Options that do not fit together end with exit code 2 and a reason."""
    ended = besa("preview", incident, *arguments)

    assert (2, b"") == (ended.code, ended.out)
    assert ended.err


def test_an_unknown_recipient_is_answered_with_the_known_ones(
    besa: Besa, incident: Path
) -> None:
    """Who misspells a recipient is told which there are."""
    assert "fiu-misp, kp-misp, spo-misp" in besa("preview", incident, "-r", "kp").err


def test_a_file_that_is_not_there_is_wrong_usage(besa: Besa, home: Path) -> None:
    """A missing file ends with exit code 2 and its name."""
    ended = besa("preview", home / "none.json")

    assert 2 == ended.code
    assert "none.json" in ended.err


def test_an_incident_can_come_from_standard_input(besa: Besa, incident: Path) -> None:
    """`besa preview -` reads the incident from a pipe."""
    ended = besa("preview", "-", "--json", stdin=incident.read_bytes())

    assert "KOS-CERT-2026-0412" == ended.json["incident"]


def test_sample_keys_are_admitted(besa: Besa, home: Path, incident: Path) -> None:
    """Without keys a preview says that pseudonyms and ids are samples; with, not."""
    without = besa("preview", incident, "--json")
    keyring.create(home / "keys", home / "public-keys")
    with_keys = besa("preview", incident, "--json")

    assert "samples" in without.err
    assert "" == with_keys.err


@pytest.mark.parametrize("columns", ["80", "140"])
def test_tables_fit_the_terminal(
    besa: Besa, incident: Path, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    """No line of a preview is wider than the terminal."""
    monkeypatch.setenv("COLUMNS", columns)
    lines = besa("preview", incident).text.splitlines()

    assert max(map(len, lines)) <= int(columns)
    assert any("192.0.2.0/24" in line for line in lines)


def test_what_a_recipient_does_not_get_is_not_in_its_column(
    besa: Besa, incident: Path
) -> None:
    """At 80 columns only what leaves is shown, so withheld values are nowhere."""
    raw = json.loads(incident.read_bytes())
    text = besa("preview", incident, "-r", "fiu-misp").text

    assert raw["observables"][5]["value"] in text
    assert raw["reporter"]["name"] not in text
    assert raw["victims"][1]["personal_number"] not in text


def test_explain_names_every_clause_and_line(besa: Besa, incident: Path) -> None:
    """Each finding of the decision stands in the explanation, with its line."""
    text = besa("explain", incident, "-r", "kp-misp").text
    shown = recipients(besa("explain", incident, "-r", "kp-misp", "--json"))

    assert {"kp-misp"} == set(shown)
    for finding in shown["kp-misp"]["findings"]:
        assert finding["clause"] in text
        assert finding["where"] in text


def test_explain_says_what_is_not_confirmed(besa: Besa, incident: Path) -> None:
    """A law article that no lawyer has confirmed is marked as such."""
    assert (
        "to be confirmed by a lawyer" in besa("explain", incident, "-r", "kp-misp").text
    )


def test_explain_says_why_nothing_leaves(besa: Besa, exercise: Path) -> None:
    """Where an incident is withheld, the clause that does it is named."""
    text = besa("explain", exercise, "-r", "kp-misp").text

    assert "The answer: WITHHOLD" in text
    assert "safeguard:test-never withholds it" in text
    assert "Nothing of the incident leaves." in text


def test_a_hostile_title_cannot_drive_the_terminal(
    besa: Besa, incident: Path, tmp_path: Path
) -> None:
    """Escape sequences in an incident are shown, not obeyed."""
    raw = json.loads(incident.read_bytes())
    raw["title"] = "\x1b[2Jall is well\u202e"
    file = tmp_path / "hostile.json"
    file.write_text(json.dumps(raw), "utf-8")

    for command in (["preview", file], ["explain", file, "-r", "kp-misp"]):
        ended = besa(*command)

        assert b"all is well" in ended.out
        assert b"\x1b" not in ended.out
        assert "\u202e".encode() not in ended.out


def test_what_is_left_behind_is_told_line_by_line(besa: Besa) -> None:
    """The screen names what Besa leaves behind, and the format it read, before all."""
    for command in (["preview"], ["explain", "-r", "kp-misp"]):
        ended = besa(*command, SAMPLES / "n6_event_phish.json")

        assert "n6_event_phish.json: read as n6; 4 things are left behind" in ended.err
        assert "\nbesa:   expires (no place in an incident)\n" in ended.err


def test_very_much_that_is_left_behind_is_counted(besa: Besa, tmp_path: Path) -> None:
    """It does not push what recipients get off the screen; `convert` has all of it."""
    event = json.loads((SAMPLES / "n6_event_phish.json").read_bytes())
    event |= {f"custom_field_{number}": number for number in range(30)}
    file = tmp_path / "n6.json"
    file.write_text(json.dumps(event), "utf-8")
    ended = besa("preview", file, "-f", "n6", "-r", "kp-misp")

    assert "34 things are left behind" in ended.err
    assert "and 22 more; `besa convert` lists them all" in ended.err
    assert 34 == len(besa("preview", file, "-f", "n6", "--json").json["left_behind"])


def test_what_is_besas_own_leaves_nothing_to_say(
    besa: Besa, home: Path, incident: Path
) -> None:
    """Of an incident that is read whole, only the preview is printed."""
    keyring.create(home / "keys", home / "public-keys")

    assert "" == besa("preview", incident).err


def test_who_names_a_file_of_several_is_told_how_to_look_at_one(
    besa: Besa, incident: Path, tmp_path: Path
) -> None:
    """The command that is advised prints one incident, which can be looked at."""
    fields = json.loads(incident.read_bytes())
    file = tmp_path / "two of them.jsonl"
    file.write_text(f"{json.dumps(fields)}\n{{broken\n", "utf-8")
    ended = besa("preview", file)
    [first] = besa("convert", file).out.splitlines()

    assert (1, b"") == (ended.code, ended.out)
    assert f"besa convert '{file}' | sed -n 1p | besa preview -" in ended.err
    assert "KOS-CERT-2026-0412" in besa("preview", "-", stdin=first).text
