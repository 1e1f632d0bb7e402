"""`besa recall`, from the terminal, on real stores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.store import samples

Besa = Callable[..., Any]
WHY = ("--because", "the words of a person")


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
def uid(besa: Besa, incident: Path) -> str:
    """Give the number of an incident that waits in the outbox."""
    assert besa("keys", "create").code == 0
    assert besa("publish", "--unchecked", incident).code == 0
    assert besa("consume", "--until-idle").code == 0
    return str(besa("outbox", "list", "--json").json[0]["uid"])


def test_a_word_is_stored_and_shown(besa: Besa, uid: str) -> None:
    """What waits is stopped; the order stands on the list until it is followed."""
    said = besa("recall", uid, *WHY).text
    listed = besa("recall", "list").text
    besa("consume", "--until-idle")
    after = besa("recall", "list").text

    assert "Edition 1 for" in said
    assert "is stopped" in said
    assert "Order 1 by" in listed
    assert "waits for the consuming process" in listed
    assert "the words of a person" in listed
    assert "Order 1 by" not in after
    assert "No recall waits" in after


def test_the_options_may_come_first(besa: Besa, uid: str) -> None:
    """Without a command's name take-back is meant, wherever the number stands."""
    first = besa("recall", *WHY, uid, "--json").json
    second = besa("recall", "take-back", uid, *WHY, "--json").json

    assert (uid, True) == (first["uid"], first["new"])
    assert (first["id"], False) == (second["id"], second["new"])


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (("NONE-1", *WHY), 1, "no incident of that number"),
        (("{uid}",), 2, "--because must say why"),
        (("{uid}", "--because", " "), 2, "--because must say why"),
        (("--because", "x"), 2, "say which incident"),
        (("{uid}", *WHY, "-r", "nobody"), 1, "nothing was decided for them"),
        (("{uid}", *WHY, "-a", "nothing"), 1, "nothing was decided for them"),
        (("{uid}", *WHY, "--lift"), 1, "no recall of this incident"),
        (("acknowledge", "{uid}", "-r", "kp-misp", "--by", "x"), 1, "no recall"),
        (("findings", "77"), 1, "order 77 was not an order to look"),
        (("tightened",), 2, "--because must say why"),
    ],
)
def test_what_cannot_be_done_is_said(
    besa: Besa, uid: str, arguments: tuple[str, ...], code: int, problem: str
) -> None:
    """Each mistake has its own words and exit code, and changes nothing."""
    ended = besa("recall", *(one.format(uid=uid) for one in arguments))

    assert code == ended.code
    assert problem in ended.err
    assert {"orders": [], "recalls": []} == besa("recall", "list", "--json").json


def test_a_lift_ends_a_recall_once(besa: Besa, uid: str) -> None:
    """What was lifted cannot be lifted again, but recalled."""
    besa("recall", uid, *WHY)
    first = besa("recall", uid, *WHY, "--lift")
    second = besa("recall", uid, *WHY, "--lift")
    third = besa("recall", uid, *WHY, "--json").json

    assert (0, 1) == (first.code, second.code)
    assert third["new"]


def test_a_look_says_what_it_found(besa: Besa, uid: str) -> None:
    """An order to look is with the consuming process, and then finished."""
    ordered = besa("recall", "tightened", "--dry-run", "--json").json
    before = besa("recall", "findings", ordered["id"])
    besa("consume", "--until-idle")
    after = besa("recall", "findings", ordered["id"])
    value = besa("recall", "findings", ordered["id"], "--json").json

    assert uid
    assert ("look", "") == (ordered["kind"], ordered["uid"])
    assert "Not finished" in before.text
    assert "Finished" in after.text
    assert (0, []) == (after.code, value["findings"])


def test_the_list_says_that_a_recall_is_in_force(besa: Besa, uid: str) -> None:
    """When nothing is left to confirm, newer revisions are still held, until a lift."""
    besa("recall", uid, *WHY, "-r", "kp-misp")
    besa("consume", "--until-idle")
    during = besa("recall", "list", uid).text
    besa("recall", uid, *WHY, "--lift")
    after = besa("recall", "list", uid).text

    assert f"{uid} is recalled from kp-misp: newer revisions of it are held" in during
    assert "is recalled from" not in after


def test_what_is_recalled_from_one_is_said_of_one(besa: Besa, uid: str) -> None:
    """Of others, who have something, nothing is said; nor that they have nothing."""
    first = besa("recall", uid, *WHY, "-r", "fiu-misp").text
    besa("recall", uid, *WHY, "-r", "fiu-misp", "--lift")
    again = besa("recall", uid, *WHY, "-r", "fiu-misp").text

    assert "Edition 1 for fiu-misp is stopped." in first
    assert f"fiu-misp has nothing of {uid}." in again
    assert "Newer revisions of it are held for fiu-misp." in again
    assert "No recipient has" not in first + again


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ((), "No recall waits for a confirmation."),
        (("--all",), "Nothing was taken back."),
        (("--overdue",), "No recall is overdue."),
    ],
)
def test_an_empty_list_says_what_was_asked(
    besa: Besa, uid: str, option: tuple[str, ...], said: str
) -> None:
    """Nothing of what was asked for is not the same as nothing at all."""
    assert uid
    assert f"{said}\n" == besa("recall", "list", *option).text


def test_a_number_that_never_came_is_said(besa: Besa, uid: str) -> None:
    """A number that is misspelt does not look like one that is settled."""
    assert uid
    assert "was ever received" in besa("recall", "list", "NONE-1").err
    assert "" == besa("recall", "list", uid).err
