"""`besa policy to-iep` and `from-iep`: FIRST's IEP 2.0 out and in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from broker import strict_yaml

Besa = Callable[..., Any]

POLICY = {
    "id": "0224bfdf-ea3a-49c3-96f6-66d908bb1845",
    "name": "Partner: with a colon, and # a sign",
    "iep_version": 2.0,
    "start_date": "2026-01-01T00:00:00Z",
    "end_date": None,
    "tlp": "amber",
    "permitted_actions": "internally-visible-actions",
    "attribution": "may",
    "resale": "\x1b[31mred",
}


def written(folder: Path, content: Any) -> Path:
    """Write a file of IEP policies."""
    file = folder / "iep.json"
    file.write_text(json.dumps(content), "utf-8")
    return file


def test_an_agreement_goes_out_and_comes_back(besa: Besa, tmp_path: Path) -> None:
    """What IEP can say of an agreement is there again when it is read; TLP stricter."""
    out = besa("policy", "to-iep", "fiu", "--reference", "https://kos-cert.example/mou")
    (policy,) = json.loads(out.out)["policies"]

    back = besa(
        "policy", "from-iep", written(tmp_path, {"policies": [policy]}), "--json"
    )
    (found,) = json.loads(back.out)["policies"]

    assert (0, 0) == (out.code, back.code)
    assert "https://kos-cert.example/mou" == policy["external_reference"]
    assert "IEP cannot say: parties, " in out.err
    assert {"from": "2026-01-01", "until": "2028-12-31"} == found["agreement"]["valid"]
    assert {"tlp": "amber+strict", "pap": "red"} == found["recipient"]["clearance"]
    assert "clauses" in found["missing"]


def test_lines_are_strict_yaml(besa: Besa, tmp_path: Path) -> None:
    """What is printed can be pasted into the files: no text is taken for a mark."""
    done = besa("policy", "from-iep", written(tmp_path, POLICY))
    agreement, recipient = done.out.decode().split("\n\n")[:2]

    said = strict_yaml.parse("agreement.yaml", f"{agreement}\n".encode()).value
    to = strict_yaml.parse("recipient.yaml", f"{recipient}\n".encode()).value

    assert 0 == done.code
    assert POLICY["name"] == said["title"]
    assert ("2026-01-01", "named") == (said["valid"]["from"], said["attribution"])
    assert {"tlp": "amber+strict", "pap": "amber"} == to["clearance"]
    assert "# An agreement needs besides: " in agreement
    assert "valid.until" in agreement
    assert "resale: no statement of IEP 2.0" in done.out.decode()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ([], "it holds no IEP policy"),
        ({"policies": []}, "it holds no IEP policy"),
        ({"policies": [1]}, "policies[0] is not an object"),
        ({"policies": [POLICY, {}]}, "policies[1].iep_version: only 2.0 is known"),
        ({**POLICY, "start_date": "soon"}, "policies[0].start_date: not a date"),
        ({**POLICY, "start_date": None}, "policies[0].start_date: a date and time"),
    ],
)
def test_what_is_no_policy_is_refused(
    besa: Besa, tmp_path: Path, content: Any, problem: str
) -> None:
    """The file and the field are named, and nothing is printed."""
    file = written(tmp_path, content)

    done = besa("policy", "from-iep", file)

    assert (1, b"") == (done.code, done.out)
    assert f"{file}: {problem}" in done.err


def test_what_is_not_json_is_refused_with_its_line(besa: Besa, tmp_path: Path) -> None:
    """A YAML file by mistake, or half a file."""
    file = tmp_path / "iep.json"
    file.write_text('{\n"policies": [\n')

    done = besa("policy", "from-iep", file)

    assert 1 == done.code
    assert f"{file}:3: it is not JSON" in done.err


def test_an_unknown_agreement_is_told_with_those_that_there_are(besa: Besa) -> None:
    """A misspelt name is wrong usage."""
    done = besa("policy", "to-iep", "fui", "--reference", "https://a.example")

    assert 2 == done.code
    assert "there is no agreement fui; there are: fiu" in done.err
