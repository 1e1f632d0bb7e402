"""`--at` shows what would be decided at another moment, on the same path."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from broker import keyring, pipeline, rulebook
from broker.cli.moment import moment
from broker.settings import read_rulebook_files, read_settings

Besa = Callable[..., Any]
AGREEMENT = "kp-cybercrime"
LAST, AFTER = "2028-12-31", "2029-01-01"


@pytest.fixture
def written(incident: Path, tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes the demo incident with fields changed."""

    def write(**changes: Any) -> Path:
        file = tmp_path / "incident.json"
        fields = json.loads(incident.read_bytes()) | changes
        file.write_text(json.dumps(fields), "utf-8")
        return file

    return write


@pytest.fixture
def followed(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: ARG001
    """Return policies in which another agreement follows that with the police."""
    folder = tmp_path / "policies"
    shutil.copytree(read_settings().policies_folder, folder)
    text = (folder / "agreements" / f"{AGREEMENT}.yaml").read_text("utf-8")
    text = text.replace(f"agreement: {AGREEMENT}", "agreement: kp-second", 1)
    text = text.replace(
        "{from: 2026-01-01, until: 2028-12-31}", "{from: 2029-01-01, until: 2031-12-31}"
    )
    (folder / "agreements" / "kp-second.yaml").write_text(text, "utf-8")
    monkeypatch.setenv("BESA_POLICIES", str(folder))
    return folder


def shown(ended: Any, recipient: str = "kp-misp") -> list[Any]:
    """Return all previews of one recipient."""
    found = ended.json["recipients"]
    return [each for each in found if each["recipient"] == recipient]


@pytest.mark.parametrize(
    ("at", "effect"),
    [
        (LAST, "share"),
        (f"{LAST}T23:59:59Z", "share"),
        (AFTER, "withhold"),
        # Half past midnight in Kosovo is still the last day in UTC.
        (f"{AFTER}T00:30:00+01:00", "share"),
    ],
)
def test_an_agreement_lapses_with_its_last_day(
    besa: Besa, incident: Path, at: str, effect: str
) -> None:
    """What is shared on the last day is withheld the day after; days are UTC's."""
    [police] = shown(besa("preview", incident, "--at", at, "--json"))

    assert effect == police["effect"]
    assert bool(police["wires"]) is (effect == "share")


@pytest.mark.parametrize(
    ("at", "state"),
    [
        ("2026-12-01", "held"),
        ("2026-12-01T10:59:59Z", "held"),
        ("2026-12-01T11:00:00Z", "queued"),
        ("2026-12-01T12:00:00+01:00", "queued"),
    ],
)
def test_an_embargo_is_over_at_its_time(
    besa: Besa, written: Callable[..., Path], at: str, state: str
) -> None:
    """A day is looked at from its first moment, a time as it is written."""
    file = written(embargo_until="2026-12-01T11:00:00Z")
    [police] = shown(besa("preview", file, "--at", at, "--json"))

    assert state == police["state"]


@pytest.mark.parametrize("command", ["preview", "explain"])
def test_the_output_says_for_which_moment_it_is(
    besa: Besa, incident: Path, command: str
) -> None:
    """Text, JSON and the note beside a document name the moment, in UTC."""
    given = (command, incident, "-r", "kp-misp", "--at", "2027-05-01T02:00:00+02:00")

    assert "as of 2027-05-01 00:00 UTC" in besa(*given).text
    assert "2027-05-01T00:00:00Z" == besa(*given, "--json").json["at"]


def test_the_moment_stands_beside_a_document(
    besa: Besa, home: Path, incident: Path
) -> None:
    """The document is printed alone; the moment is told on standard error."""
    keyring.create(home / "keys", home / "public-keys")
    given = ("preview", incident, "-r", "kp-misp", "-w", "misp-event")
    now, later = besa(*given), besa(*given, "--at", "2027-05-01")

    assert now.out == later.out
    assert "2027-05-01 00:00 UTC" in later.err
    assert "as it would be" not in now.err


def test_who_gets_nothing_then_is_explained_as_of_then(
    besa: Besa, incident: Path
) -> None:
    """The command that is advised names the same moment."""
    ended = besa(
        "preview", incident, "-r", "kp-misp", "-w", "misp-event", "--at", AFTER
    )

    assert (1, b"") == (ended.code, ended.out)
    assert f"besa explain --recipient kp-misp --at {AFTER}T00:00:00Z" in ended.err


def test_it_is_what_the_path_makes_at_that_time(
    besa: Besa, home: Path, incident: Path
) -> None:
    """The bytes are those of the pipeline with the moment as its clock."""
    keyring.create(home / "keys", home / "public-keys")
    at = moment("2027-05-01")
    assert at is not None
    settings = read_settings()
    book = rulebook.build(
        read_rulebook_files(settings.policies_folder, settings.mappings_folder)
    )
    names = [route.recipient.recipient for route in book.routes]
    keys = keyring.read_keys(home / "keys", names)
    received = pipeline.receive(incident.read_bytes(), rulebook=book, now=at)
    expected = {
        each.share.decision.recipient: each.wires
        for each in pipeline.preview(received, rulebook=book, keys=keys, now=at)
    }

    for recipient, wires in expected.items():
        for wire, body in wires.items():
            given = ("-r", recipient, "-w", wire.value, "--raw", "--at", "2027-05-01")
            assert body == besa("preview", incident, *given).out


@pytest.mark.parametrize(
    ("at", "problem"),
    [
        ("tomorrow", "is no such day or time"),
        ("2027-02-30", "is no such day or time"),
        ("", "is no such day or time"),
        ("1798761600", "is no such day or time"),
        ("2027-01-01T12:00", "has no time zone"),
        ("2027-01-01 12:00:00", "has no time zone"),
        ("1600-01-01", "is not between the years 1980 and 2100"),
        ("9999-12-31T23:59:59-23:00", "is not between the years 1980 and 2100"),
        ("\u0662027-01-01", "is no such day or time"),
    ],
)
@pytest.mark.parametrize("command", ["preview", "explain"])
def test_what_names_no_moment_is_wrong_usage(
    besa: Besa, incident: Path, command: str, at: str, problem: str
) -> None:
    """The error says what is wrong with the moment, and how to write one."""
    ended = besa(command, incident, "-r", "kp-misp", "--at", at)

    assert (2, b"") == (ended.code, ended.out)
    assert f"besa: --at {at}: {problem}; write a day such as" in ended.err
    assert 1 == ended.err.count("\n")


def test_a_hostile_moment_cannot_drive_the_terminal(besa: Besa, incident: Path) -> None:
    """What was written is shown without what moves a cursor."""
    ended = besa("preview", incident, "--at", "\x1b[2J")

    assert 2 == ended.code
    assert "\x1b" not in ended.err


def test_a_revision_after_the_moment_is_refused_as_it_would_have_been(
    besa: Besa, incident: Path
) -> None:
    """An incident of 2026 was none in 2025; the error says from when it looks."""
    ended = besa("preview", incident, "--at", "2025-06-01")

    assert (1, b"") == (ended.code, ended.out)
    assert "revised_at: it lies in the future" in ended.err
    assert "seen from 2025-06-01 00:00 UTC" in ended.err


def test_a_revision_from_the_future_is_shown_only_for_then(
    besa: Besa, written: Callable[..., Path]
) -> None:
    """What is refused now can be looked at as of then, and it is said that it is."""
    file = written(revised_at="2099-06-01T12:00:00Z", embargo_until=None)
    now = besa("preview", file)
    then = besa("preview", file, "--at", "2099-06-02", "--json")

    assert (1, b"") == (now.code, now.out)
    assert "seen from" not in now.err
    assert 0 == then.code
    assert "if it were published now, it would be refused: revised_at" in then.err


def test_what_would_be_taken_now_has_no_such_note(besa: Besa, incident: Path) -> None:
    """A moment alone is no reason to warn."""
    assert "refused" not in besa("preview", incident, "--at", "2027-05-01").err


@pytest.mark.parametrize(("at", "agreement"), [(LAST, AGREEMENT), (AFTER, "kp-second")])
def test_the_agreement_that_follows_decides_from_its_first_day(
    besa: Besa, incident: Path, followed: Path, at: str, agreement: str
) -> None:
    """A recipient has one agreement at a time, so it stands there once."""
    assert followed.is_dir()
    [police] = shown(besa("preview", incident, "--at", at, "--json"))
    given = ("preview", incident, "-r", "kp-misp", "-w", "misp-event", "--at", at)
    other = {AGREEMENT: "kp-second", "kp-second": AGREEMENT}[agreement]
    explained = besa("explain", incident, "-r", "kp-misp", "--at", at).text

    assert (agreement, "share") == (police["agreement"], police["effect"])
    assert 0 == besa(*given).code
    assert f"Has no say   {other}, 20" in explained


@pytest.mark.parametrize("command", ["preview", "explain"])
def test_what_stands_above_the_clauses_is_said_in_words(
    besa: Besa, written: Callable[..., Path], command: str
) -> None:
    """A reader learns on which day an agreement ended, and when an embargo does."""
    file = written(embargo_until="2030-12-01T11:00:00Z")
    before = besa(command, file, "-r", "kp-misp", "--at", "2027-01-01").text
    after = besa(command, file, "-r", "kp-misp", "--at", AFTER).text

    assert "The incident has an embargo until 2030-12-01 11:00 UTC." in before
    assert f"The agreement ended on {LAST}. What was shared before is taken" in after


def test_an_agreement_that_has_not_begun_names_its_first_day(
    besa: Besa, incident: Path, followed: Path
) -> None:
    """Before its first day an agreement shares nothing, and says when it begins."""
    (followed / "agreements" / f"{AGREEMENT}.yaml").unlink()
    shutil.rmtree(followed / "cases" / AGREEMENT)
    ended = besa("preview", incident, "-r", "kp-misp", "--at", "2027-01-01")

    assert "The agreement begins on 2029-01-01." in ended.text
    assert "Nothing leaves." in ended.text
