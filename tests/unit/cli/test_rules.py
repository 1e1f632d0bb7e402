"""`besa check` finds every mistake in the policies; `besa schema` is a real schema."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
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


def test_a_file_that_may_be_half_written_is_found(besa: Besa, folder: Path) -> None:
    """What `besa run` will refuse, the check refuses before."""
    file = folder / "policies/agreements/fiu.yaml"
    file.write_bytes(file.read_bytes().rstrip(b"\n"))

    ended = besa("check", folder, "--json")

    (problem,) = ended.json["problems"]
    assert (1, False) == (ended.code, ended.json["ok"])
    assert ("policies/agreements/fiu.yaml", "the last line has no end") == (
        problem["file"],
        problem["message"],
    )


def test_the_line_that_is_meant_is_shown(besa: Besa, folder: Path) -> None:
    """Below a problem stands the line of the file, and a sign below the word."""
    file = folder / "policies" / "recipients" / "kp-misp.yaml"
    text = file.read_text("utf-8")
    file.write_text(text.replace("kind: misp", "kind: mips"), "utf-8")

    [said, shown, sign, *_] = besa("check", folder).text.splitlines()
    [problem] = besa("check", folder, "--json").json["problems"]

    assert "did you mean misp?" in said
    assert "    kind: mips" == shown
    assert shown.index("mips") == sign.index("^")
    assert ("kind: mips", 7) == (problem["text"], problem["column"])


def test_no_line_of_a_case_is_shown(besa: Besa, folder: Path) -> None:
    """What a case says about an incident stays in its file."""
    case = sorted((folder / "policies" / "cases" / "fiu").iterdir())[0]
    text = case.read_text("utf-8")
    case.write_text(text.replace("  title: ", "  titel: Ana Shembulli "), "utf-8")

    problems = besa("check", folder, "--json").json["problems"]

    assert {f"policies/cases/fiu/{case.name}"} == {each["file"] for each in problems}
    assert {""} == {each["text"] for each in problems}
    assert "Shembulli" not in besa("check", folder).text


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


def edit(file: Path, old: str, new: str) -> tuple[int, int]:
    """Replace one text in a file; return the line and column where it stood."""
    text = file.read_text("utf-8")
    assert old in text
    before = text[: text.index(old)]
    file.write_text(text.replace(old, new, 1), "utf-8")
    return before.count("\n") + 1, len(before) - before.rfind("\n")


@pytest.mark.parametrize(
    ("file", "old", "new", "message", "advice"),
    [
        pytest.param(
            "agreements/kp-cybercrime.yaml",
            "fraud/phishing\n",
            "fraud/fishing\n",
            "not one of the 39 RSIT types, written category/type: `fraud/fishing`",
            "did you mean fraud/phishing?",
            id="a misspelt RSIT type",
        ),
        pytest.param(
            "agreements/kp-cybercrime.yaml",
            "retention_days: 1825",
            "retention_day: 1825",
            "there is no key `retention_day`",
            "did you mean retention_days?",
            id="an unknown field",
        ),
        pytest.param(
            "agreements/fiu.yaml",
            "retention_days: 1825\n",
            "",
            "`retention_days` is missing",
            "",
            id="a recipient without retention",
        ),
        pytest.param(
            "agreements/fiu.yaml",
            "financial_loss: false",
            "financial_loss: maybe",
            "true or false is needed here",
            "",
            id="a value of another sort",
        ),
        pytest.param(
            "profiles/financial.yaml",
            "  severity: keep\n",
            "",
            "the profile forgets the field severity",
            "add a line such as 'severity: withhold'",
            id="a profile that forgets a field",
        ),
        pytest.param(
            "recipients/kp-misp.yaml",
            "tlp: amber+strict",
            "tlp: green",
            "shares up to amber, but kp-misp is cleared to green only",
            "lower the one or, if the MoU allows it, raise the other",
            id="a clearance below a clause",
        ),
    ],
)
def test_each_mistake_has_a_place_and_advice(
    besa: Besa, folder: Path, file: str, old: str, new: str, message: str, advice: str
) -> None:
    """What an operator may get wrong is said with file, line, column and a way out."""
    edit(folder / "policies" / file, old, new)

    ended = besa("check", folder, "--json")

    found = [p for p in ended.json["problems"] if p["message"] == message]
    assert 1 == ended.code
    assert found
    assert {advice} == {problem["advice"] for problem in found}
    assert all(problem["line"] and problem["column"] for problem in found)


def test_an_agreement_that_has_lapsed_is_told(besa: Besa, folder: Path) -> None:
    """That nothing more is shared is a warning at the last day, and no mistake."""
    file = folder / "policies" / "agreements" / "fiu.yaml"
    shutil.rmtree(folder / "policies" / "cases")
    line, column = edit(
        file, "2026-01-01, until: 2028-12-31", "2020-01-01, until: 2020-12-31"
    )

    ended = besa("check", folder, "--json")

    [warning] = ended.json["warnings"]
    assert 0 == ended.code
    assert warning["message"].startswith("not in force since 2020-12-31")
    assert (line, column + len("2020-01-01, until: ")) == (
        warning["line"],
        warning["column"],
    )


def test_a_guardrail_narrower_than_its_profile_is_told(
    besa: Besa, folder: Path
) -> None:
    """What would always be held is known before the first incident is."""
    shutil.rmtree(folder / "policies" / "cases")
    edit(folder / "policies/guardrails/misp-police.yaml", "mutex|", "")

    ended = besa("check", folder, "--json")

    [warning] = ended.json["warnings"]
    start = "the profile investigation lets through mutex (attacker), mutex ("
    assert warning["message"].startswith(start)
    assert "(wrong-shape at Event.Attribute[].type)" in warning["message"]
    assert "policies/guardrails/misp-police.yaml" == warning["file"]
    assert warning["line"] > 1


def test_the_examples_beside_the_shipped_rulebook_hold(besa: Besa) -> None:
    """The four further agreements are right, with six cases each at least."""
    ended = besa("check", ROOT / "policies" / "examples", "--json")

    assert (0, []) == (ended.code, ended.json["problems"])
    assert 4 == len(ended.json["agreements"])
    for name in ended.json["agreements"]:
        cases = list((ROOT / "policies/examples/cases" / name).glob("*.yaml"))
        assert len(cases) >= 6


def test_the_examples_are_no_part_of_the_shipped_rulebook(besa: Besa) -> None:
    """Nothing is shared with an example by accident."""
    shipped = besa("check", "--json").json["agreements"]
    examples = besa("check", ROOT / "policies" / "examples", "--json")

    assert not set(shipped) & set(examples.json["agreements"])


def test_watch_checks_again_after_each_save(folder: Path) -> None:
    """A mistake is shown when it is saved, and gone when it is mended."""
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("BESA_")},
        "BESA_HOME": str(folder),
        "PYTHONUNBUFFERED": "1",
    }
    shutil.rmtree(folder / "policies" / "cases")
    command = [sys.executable, "-m", "broker.cli", "check", str(folder), "--watch"]
    file = folder / "policies" / "recipients" / "kp-misp.yaml"
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        text=True,
        cwd=ROOT,
    ) as watching:
        try:
            assert watching.stdout is not None
            lines = iter(watching.stdout)
            assert any("checked at" in line for line in lines)
            edit(file, "kind: misp", "kind: mips")
            assert any("`mips` is not known here" in line for line in lines)
            edit(file, "kind: mips", "kind: misp")
            assert any("There are no cases." in line for line in lines)
        finally:
            watching.send_signal(signal.SIGINT)
    assert 130 == watching.returncode


def test_watch_is_for_a_person(besa: Besa) -> None:
    """A program would wait for ever for the end of the JSON."""
    assert 2 == besa("check", "--watch", "--json").code
