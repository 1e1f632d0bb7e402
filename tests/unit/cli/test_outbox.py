"""`besa outbox` and `besa dead-letters`, from the terminal, on real stores."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from broker.settings import read_settings
from broker.store import open_store
from tests.unit.store import samples

Besa = Callable[..., Any]


@pytest.fixture(params=samples.DATABASES, autouse=True)
def store(
    request: pytest.FixtureRequest,
    home: Path,  # noqa: ARG001 - it empties the settings first
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """Let the commands work on every database that there is."""
    if request.param == "postgresql":
        monkeypatch.setenv("BESA_STORE", samples.empty("postgresql", tmp_path))
    return str(request.param)


@pytest.fixture
def waiting(besa: Besa, incident: Path) -> int:
    """Give the row of an incident that waits in the outbox."""
    assert besa("keys", "create").code == 0
    assert besa("publish", "--unchecked", incident).code == 0
    assert besa("consume", "--until-idle").code == 0
    first: int = besa("outbox", "list", "--json").json[0]["id"]
    return first


@pytest.fixture
def refused(besa: Besa, tmp_path: Path) -> Path:
    """Give a file that became a dead letter."""
    made = tmp_path / "bad.json"
    made.write_bytes(b'{"uid": "A-1", "classification": "nothing/known"}')
    assert besa("keys", "create").code == 0
    assert besa("publish", "--unchecked", made).code == 0
    assert besa("consume", "--until-idle").code == 0
    return made


def test_without_a_store_there_is_nothing_to_see(
    besa: Besa, home: Path, store: str
) -> None:
    """Looking at the outbox makes no file, and says that there is none."""
    if store == "postgresql":
        assert "Nothing is on its way." in besa("outbox", "list").text
        return
    ended = besa("outbox", "list")

    assert 3 == ended.code
    assert "there is no store" in ended.err
    assert not home.exists()


def test_a_row_is_held_and_goes_on(besa: Besa, waiting: int) -> None:
    """A row that is held is listed so, and a retry lets it go on."""
    held = besa("outbox", "hold", waiting, "--because", "the unit moves", "--json")
    states = {row["id"]: row["state"] for row in besa("outbox", "list", "--json").json}
    again = besa("outbox", "retry", waiting, "--json")

    assert ["held"] == [row["state"] for row in held.json]
    assert "held" == states[waiting]
    assert ["queued"] == [row["state"] for row in again.json]
    assert 0 == besa("audit", "verify").code


def test_a_row_that_cannot_be_retried_stops_no_other(besa: Besa, waiting: str) -> None:
    """Of several rows those that can go out do, and each other one is named."""
    again = besa("outbox", "retry", "999", waiting, "--because", "it is mended")

    assert 1 == again.code
    assert f"Row {waiting}" in again.text
    assert "the outbox has no row 999" in again.err


@pytest.mark.parametrize("word", ["show", "retry", "hold", "drop"])
def test_a_row_that_is_not_there_is_no_fault(
    besa: Besa, waiting: str, word: str
) -> None:
    """Whatever is asked of a row that nobody knows, the answer is no, in one line."""
    because = [] if word == "show" else ["--because", "to see"]
    ended = besa("outbox", word, "999", *because)

    assert waiting
    assert 1 == ended.code
    assert "besa: the outbox has no row 999" == ended.err.strip()


def test_a_reason_is_demanded(besa: Besa, waiting: int) -> None:
    """Holding and dropping without a reason is wrong usage, and changes nothing."""
    assert 2 == besa("outbox", "drop", waiting).code
    assert 2 == besa("outbox", "hold", waiting, "--because", " ").code
    assert "queued" == besa("outbox", "show", waiting, "--json").json["state"]


def test_what_is_dropped_is_not_listed(besa: Besa, waiting: int) -> None:
    """A dropped row leaves the list, and cannot be tried again."""
    dropped = besa("outbox", "drop", waiting, "--because", "shared by mistake")

    assert 0 == dropped.code
    assert waiting not in [row["id"] for row in besa("outbox", "list", "--json").json]
    again = besa("outbox", "retry", waiting)
    assert (1, True) == (again.code, "cannot be tried again" in again.err)


def test_a_correction_is_not_dropped(
    besa: Besa, waiting: int, incident: Path, tmp_path: Path
) -> None:
    """What would leave at a recipient what must go is refused, and the answer is no."""
    row = besa("outbox", "show", waiting, "--json").json
    now = datetime.now(UTC)
    with open_store(read_settings().store_url) as store:
        leased = store.lease(row["recipient"], "w", now, now + timedelta(hours=1))
        assert leased is not None
        assert store.finish(leased, samples.receipt(leased, now))
    changed = json.loads(incident.read_bytes())
    changed |= {"revision": 99, "revised_at": now.isoformat(), "observables": []}
    newer = tmp_path / "newer.json"
    newer.write_text(json.dumps(changed))
    assert besa("publish", "--unchecked", newer).code == 0
    assert besa("consume", "--until-idle").code == 0
    rows = besa("outbox", "list", "--recipient", row["recipient"], "--json").json
    [correction] = [one["id"] for one in rows if one["uid"] == row["uid"]]
    ended = besa("outbox", "drop", correction, "--because", "a mistake")

    assert 1 == ended.code
    assert "shows less than" in ended.err
    assert "besa recall" in ended.err
    after = besa("outbox", "show", correction, "--json").json
    assert "queued" == after["state"]


def test_a_row_is_shown_with_its_bytes(besa: Besa, waiting: int) -> None:
    """The bytes that are sealed are printed as they are."""
    shown = besa("outbox", "show", waiting, "--json").json
    body = besa("outbox", "show", waiting, "--body").out

    assert shown["bytes"] == len(body)
    assert b'"Event"' in body


def test_nothing_failed_is_said(besa: Besa, waiting: int) -> None:
    """Retrying a recipient without failures says so."""
    assert waiting
    assert (
        "Nothing of kp-misp has failed."
        in besa("outbox", "retry", "--recipient", "kp-misp").text
    )


@pytest.mark.usefixtures("refused")
def test_a_dead_letter_is_listed_with_what_is_wrong(besa: Besa) -> None:
    """A message that is no incident is listed with its place and its problem."""
    (letter,) = besa("dead-letters", "list", "--json").json

    assert letter["position"].startswith("spool:")
    assert letter["problem"]
    assert letter["problem"] in besa("dead-letters", "show", letter["number"]).text


def test_a_dead_letter_comes_again_byte_for_byte(besa: Besa, refused: Path) -> None:
    """What is replayed stands in the spool as it was published, and is listed no more.

    Still no incident, it becomes a new dead letter.
    """
    (letter,) = besa("dead-letters", "list", "--json").json
    body = besa("dead-letters", "show", letter["number"], "--body").out
    replayed = besa("dead-letters", "replay", letter["number"], "--json")

    assert refused.read_bytes() == body
    assert [letter["number"]] == [each["number"] for each in replayed.json]
    assert [] == besa("dead-letters", "list", "--json").json
    assert 0 == besa("consume", "--until-idle").code
    (again,) = besa("dead-letters", "list", "--json").json
    assert letter["sha256"] == again["sha256"]
    assert letter["position"] != again["position"]
    assert 0 == besa("audit", "verify").code


@pytest.mark.usefixtures("refused")
def test_a_number_that_is_not_there_keeps_no_other_back(besa: Besa) -> None:
    """What is listed is published again, once; what is not is named, with code 1."""
    (letter,) = besa("dead-letters", "list", "--json").json
    number = letter["number"]
    ended = besa("dead-letters", "replay", 77, number, number, "--json")

    assert 1 == ended.code
    assert [(number, False), (77, True)] == [
        (each["number"], "problem" in each) for each in ended.json
    ]
    assert [] == besa("dead-letters", "list", "--json").json


@pytest.mark.usefixtures("refused")
def test_nothing_to_publish_again_is_said(besa: Besa) -> None:
    """`replay --all` of an empty list does nothing, and says so."""
    besa("dead-letters", "replay", "--all")
    again = besa("dead-letters", "replay", "--all")

    assert (0, "Nothing is on the list.\n") == (again.code, again.text)


def test_a_dead_letter_that_is_gone_stays_listed(
    besa: Besa, refused: Path, home: Path
) -> None:
    """When the bytes are gone, a replay says so, and the dead letter stays."""
    assert refused.exists()
    for path in (home / "spool" / "dead").iterdir():
        path.unlink()
    ended = besa("dead-letters", "replay", "--all")

    assert 1 == ended.code
    assert "any more" in ended.text
    assert 1 == len(besa("dead-letters", "list", "--json").json)


def test_altered_bytes_are_not_replayed(besa: Besa, refused: Path, home: Path) -> None:
    """Bytes that are not those that were refused are not published again."""
    assert refused.exists()
    (why,) = (home / "spool" / "dead").glob("*.why.json")
    path = why.with_name(why.name.removesuffix(".why.json"))
    path.write_bytes(b"{}")

    assert 1 == besa("dead-letters", "replay", "--all").code
    assert 1 == len(besa("dead-letters", "list", "--json").json)
