"""`besa check` finds every mistake in the policies; `besa schema` is a real schema."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

Besa = Callable[..., Any]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the shipped policies and mappings."""
    for name in ("policies", "mappings"):
        shutil.copytree(ROOT / name, tmp_path / "rules" / name)
    return tmp_path / "rules"


def test_the_shipped_rulebook_is_right(besa: Besa) -> None:
    """The policies that come with Besa have no problem, and all their cases hold."""
    ended = besa("check", "--json")

    assert (0, True, []) == (ended.code, ended.json["ok"], ended.json["problems"])
    assert ended.json["cases"]["run"] == ended.json["cases"]["hold"] > 0


def test_a_copy_has_the_same_digest(besa: Besa, folder: Path) -> None:
    """A rulebook is known by its content, not by where it lies."""
    assert (
        besa("check", "--json").json["rulebook"]
        == besa("check", folder, "--json").json["rulebook"]
        == besa("check", folder / "policies", "--json").json["rulebook"]
    )


def test_a_mistake_is_found_with_file_and_line(besa: Besa, folder: Path) -> None:
    """A misspelt word is the answer no, with its place and the word that was meant."""
    file = folder / "policies" / "recipients" / "kp-misp.yaml"
    text = file.read_text("utf-8")
    file.write_text(text.replace("kind: misp", "kind: mips"), "utf-8")
    line = text[: text.index("kind: misp")].count("\n") + 1

    ended = besa("check", folder)
    problems = besa("check", folder, "--json").json["problems"]

    assert 1 == ended.code
    assert f"policies/recipients/kp-misp.yaml:{line}:" in ended.text
    assert line in {problem["line"] for problem in problems}


def test_a_case_that_does_not_hold_is_the_answer_no(besa: Besa, folder: Path) -> None:
    """An agreement that shares less than its cases expect fails the check."""
    file = folder / "policies" / "safeguards.yaml"
    text = file.read_text("utf-8")
    file.write_text(text.replace("effect: review", "effect: withhold"), "utf-8")

    ended = besa("check", folder, "--json")

    assert 1 == ended.code
    assert ended.json["cases"]["hold"] < ended.json["cases"]["run"]


def test_a_folder_without_policies_is_a_fault(besa: Besa, tmp_path: Path) -> None:
    """An empty folder is not an empty rulebook."""
    ended = besa("check", tmp_path)

    assert 3 == ended.code
    assert "BESA_POLICIES" in ended.err


def test_schema_accepts_the_demo_incidents(besa: Besa, incidents: Path) -> None:
    """The printed JSON Schema is valid, and the demo's own incidents fit it."""
    schema = besa("schema").json
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)

    for file in sorted(incidents.glob("[0-2]*.json")):
        if "misp" not in file.name:
            assert [] == list(validator.iter_errors(json.loads(file.read_bytes())))


def test_schema_refuses_unknown_fields(besa: Besa) -> None:
    """A field that the model does not have is not part of the schema either."""
    validator = Draft202012Validator(besa("schema").json)

    assert not validator.is_valid({"uid": "T-1", "shoe_size": 42})
