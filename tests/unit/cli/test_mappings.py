"""`besa mappings show` prints what the mapping files say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from broker.cli.app import app_for
from broker.cli.warning_lists import written
from broker.errors import RulebookError
from broker.model.known_good import KnownGood
from broker.strict_yaml import load, parse

ROOT = Path(__file__).parents[3]
APP = app_for("mappings")


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BESA_MAPPINGS", str(ROOT / "mappings"))


def test_every_table_is_shown_as_json() -> None:
    """Without a table's name, all four are there, with a row for each kind."""
    result = CliRunner().invoke(APP, ["mappings", "show", "--json"])

    found = json.loads(result.stdout)
    assert ["observables", "taxonomy", "markings", "objects"] == list(found)
    assert {"iban", "yara", "ipv4"} <= {row["kind"] for row in found["observables"]}
    assert 39 == len(found["taxonomy"])


def test_one_table_is_shown() -> None:
    """A table reads: what a kind is in MISP stands beside it."""
    result = CliRunner().invoke(
        APP, ["mappings", "show", "observables"], env={"COLUMNS": "200"}
    )

    assert 0 == result.exit_code
    assert "bank-account-nr" in result.stdout.replace("\n", "")
    assert "taxonomy: " not in result.stdout


def test_of_several_things_in_a_cell_each_is_a_line() -> None:
    """What a type of incident is called in three taxonomies does not run together."""
    result = CliRunner().invoke(
        APP, ["mappings", "show", "taxonomy"], env={"COLUMNS": "400"}
    )
    lines = result.stdout.splitlines()

    assert any("common-taxonomy:" in line for line in lines)
    assert not any(
        "common-taxonomy:" in line and "europol-incident:" in line for line in lines
    )
    assert not any("by a lawyer) " in line.rstrip() for line in lines)


def test_a_wrong_row_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that is wrong is named with its file and line, as besa check names it."""
    shutil.copytree(ROOT / "mappings", tmp_path / "mappings")
    broken = tmp_path / "mappings/observables.yaml"
    broken.write_text(broken.read_text().replace("shape: ip", "shape: round", 1))
    monkeypatch.setenv("BESA_MAPPINGS", str(tmp_path / "mappings"))

    with pytest.raises(RulebookError) as caught:
        CliRunner().invoke(
            APP, ["mappings", "show"], catch_exceptions=False, standalone_mode=False
        )

    (problem,) = caught.value.problems
    assert "mappings/observables.yaml" == problem.file
    assert "`round` is not known here" == problem.message


def test_an_unknown_table_is_wrong_usage() -> None:
    """What is no table is refused with the names of those that are."""
    result = CliRunner().invoke(APP, ["mappings", "show", "colours"])

    assert 2 == result.exit_code


class TestTakeOver:
    @pytest.mark.parametrize(
        ("sort", "entry", "key", "kept"),
        [
            ("cidr", "10.0.0.0/8", "networks", "10.0.0.0/8"),
            ("hostname", "One.example", "names", ".one.example"),
            ("string", "one.example", "names", "one.example"),
            ("string", "0" * 32, "hashes", "0" * 32),
        ],
    )
    def test_an_entry_has_its_place(
        self, sort: str, entry: str, key: str, kept: str
    ) -> None:
        """A file that is taken over is one that the rulebook reads."""
        text, file, left_out = written(_warning_list(sort, entry))

        read = load(parse(file, text.encode()), KnownGood)
        assert (kept,) == getattr(read, key)
        assert file == f"{read.list}.yaml"
        assert 0 == left_out

    @pytest.mark.parametrize(
        ("sort", "entry"),
        [("regex", "one.*"), ("substring", "one"), ("string", "com"), ("cidr", "x")],
    )
    def test_what_has_no_place_is_counted(self, sort: str, entry: str) -> None:
        """Expressions, parts of words and whole top-level domains stay out."""
        text, _, left_out = written(_warning_list(sort, entry))

        assert 1 == left_out
        assert entry not in text.partition("source")[2]


def _warning_list(sort: str, entry: str) -> SimpleNamespace:
    return SimpleNamespace(
        name="List of known things (2026)", type=sort, version=3, list=[entry]
    )


def test_what_observables_of_a_group_become_is_shown() -> None:
    """The objects that observables are put together into stand among the objects."""
    result = CliRunner().invoke(APP, ["mappings", "show", "objects", "--json"])

    found = json.loads(result.stdout)["objects"]
    composed = {row["name"] for row in found if row["part"] == "observables"}
    assert {"domain-ip", "email", "file", "network-connection", "url"} <= composed


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("kinds: [email-message-id]", "kinds: [email-number]", "there is no kind"),
        ("target: case/incident", "target: case/accident", "there is no object"),
    ],
)
def test_a_wrong_row_of_the_objects_is_found(
    before: str, after: str, problem: str
) -> None:
    """A composed object of no kind, and a link to no object, are named with a line."""
    from broker.rulebook import build
    from broker.settings import read_rulebook_files

    files = dict(read_rulebook_files(ROOT / "policies", ROOT / "mappings"))
    name = "mappings/objects.yaml"
    files[name] = files[name].replace(before.encode(), after.encode(), 1)

    with pytest.raises(RulebookError) as caught:
        build(files)

    (found,) = caught.value.problems
    assert (name, True) == (found.file, found.line > 0)
    assert problem in found.message
