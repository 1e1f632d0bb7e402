"""`besa simulate` and `besa db`, as a person uses them."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from broker.store.tables import SCHEMA

Besa = Callable[..., Any]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def decided(besa: Besa, incident: Path, exercise: Path) -> None:
    """Consume two incidents: one that is shared, and an exercise that is not."""
    assert besa("keys", "create").code == 0
    assert besa("publish", incident, exercise).code == 0
    assert besa("consume", "--until-idle").code == 0


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Return a copy of the policies that a test may change."""
    shutil.copytree(ROOT / "policies", tmp_path / "other")
    return tmp_path / "other"


@pytest.mark.usefixtures("decided")
def test_the_same_policies_decide_the_same(besa: Besa, other: Path) -> None:
    """Under the policies in force every verdict is the one that was given."""
    ended = besa("simulate", other, "--json")

    assert 0 == ended.code
    assert (2, []) == (ended.json["incidents"], ended.json["differences"])
    assert ended.json["decisions"] >= 2 * 3


@pytest.mark.usefixtures("decided")
def test_what_would_not_be_shared_is_listed(besa: Besa, other: Path) -> None:
    """A suspended recipient would have got nothing, and is listed with what."""
    recipient = other / "recipients" / "kp-misp.yaml"
    recipient.write_text(recipient.read_text("utf-8") + "suspended: true\n", "utf-8")
    ended = besa("simulate", other, "--json")
    text = besa("simulate", other).text

    assert 0 == ended.code
    assert {"kp-misp": {"no longer shared": 1}} == ended.json["counts"]
    assert "kp-misp\n  no longer shared: 1\n" in text
    assert re.search(
        r"\n    \S+ revision 1: share -> withhold, now by suspended\n", text
    )


@pytest.mark.usefixtures("decided")
def test_what_would_be_shared_newly_ends_with_one(
    besa: Besa, other: Path, tmp_path: Path
) -> None:
    """Policies that would have shared more answer with exit code 1."""
    narrow = tmp_path / "narrow"
    shutil.copytree(other, narrow)
    with sqlite3.connect(tmp_path / "home" / "besa.sqlite") as store:
        store.execute("UPDATE decisions SET effect = 'withhold'")
    ended = besa("simulate", other, "--json")

    assert 1 == ended.code
    assert {"newly shared"} == {
        change for changes in ended.json["counts"].values() for change in changes
    }


@pytest.mark.usefixtures("decided")
def test_an_older_past_is_not_replayed(besa: Besa, other: Path, tmp_path: Path) -> None:
    """What was decided before the span, and what has no facts, is left out."""
    with sqlite3.connect(tmp_path / "home" / "besa.sqlite") as store:
        store.execute("UPDATE decisions SET at = at - 3 * 86400000")
    late = besa("simulate", other, "--since", "2d", "--json").json
    said = besa("simulate", other, "--since", "2d").text
    with sqlite3.connect(tmp_path / "home" / "besa.sqlite") as store:
        store.execute("UPDATE inbox SET facts = ''")
    empty = besa("simulate", other, "--since", "1w", "--json").json

    assert 0 == late["incidents"]
    assert "nothing to decide once more" in said
    assert "the same" not in said
    assert (2, 2, 0) == (
        empty["incidents"],
        empty["without_facts"],
        empty["decisions"],
    )


def test_a_span_that_is_none_is_wrong_usage(besa: Besa, other: Path) -> None:
    """A span is a number and h, d or w."""
    assert 2 == besa("simulate", other, "--since", "yesterday").code


@pytest.mark.usefixtures("decided")
def test_a_store_is_checked_and_copied(besa: Besa, tmp_path: Path) -> None:
    """`besa db check` says that all is well, and `backup` makes a file of the same."""
    checked = besa("db", "check", "--json")
    copied = besa("db", "backup", tmp_path / "copy.sqlite", "--json")
    again = besa("db", "backup", tmp_path / "copy.sqlite")

    assert (0, True) == (checked.code, checked.json["current"])
    assert copied.json["bytes"] == (tmp_path / "copy.sqlite").stat().st_size
    assert 3 == again.code


def test_an_old_store_is_refused_until_it_is_upgraded(
    besa: Besa, home: Path, incident: Path
) -> None:
    """`besa consume` names the command to run, and runs once it was run."""
    dump = ROOT / "tests" / "contract" / "data" / "schema-1.sqlite.sql"
    home.mkdir()
    with sqlite3.connect(home / "besa.sqlite") as store:
        store.executescript(dump.read_text("utf-8"))
    besa("keys", "create")
    besa("publish", incident)
    refused = besa("consume", "--until-idle")
    checked = besa("db", "check", "--json")
    upgraded = besa("db", "upgrade", "--json")
    again = besa("consume", "--until-idle")

    assert (3, 1) == (refused.code, checked.code)
    assert "besa db upgrade" in refused.err
    assert {"before": 1, "after": SCHEMA} == upgraded.json
    assert 0 == again.code, again.err
