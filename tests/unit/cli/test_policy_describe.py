"""`besa policy describe` says what the files say, and hides no exception."""

from __future__ import annotations

import inspect
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from broker.cli.policy_describe import LANGUAGES, Texts
from broker.redact.methods import METHODS
from broker.redact.methods.coarsen_place import _LEVELS
from broker.redact.methods.coarsen_time import _CUTS

Besa = Callable[..., Any]
ROOT = Path(__file__).parents[3]
OPTIONS = """  times.detected: {method: coarsen_time, options: {to: hour}}
  times.reported: {method: coarsen_time, options: {to: month}}
  affected_systems[].function: {method: coarsen_place, options: {to: region}}
"""


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the shipped rulebook, which the settings point to."""
    for name in ("policies", "mappings"):
        shutil.copytree(ROOT / name, tmp_path / name)
        monkeypatch.setenv(f"BESA_{name.upper()}", str(tmp_path / name))
    return tmp_path


def said(besa: Besa, agreement: str, language: str = "en") -> dict[str, list[str]]:
    """Return the sentences of a description, by their heading."""
    ended = besa("policy", "describe", agreement, "--language", language, "--json")
    assert 0 == ended.code, ended.err
    return {each["heading"]: each["sentences"] for each in ended.json["sections"]}


@pytest.mark.parametrize("language", LANGUAGES)
def test_options_are_said_in_the_language(
    besa: Besa, rules: Path, language: str
) -> None:
    """How far a time, place or address is made coarser is no code in any language."""
    path = rules / "policies/profiles/investigation.yaml"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    ours = tuple(line.split(":")[0] + ":" for line in OPTIONS.splitlines())
    kept = "".join(line for line in lines if not line.startswith(ours))
    path.write_text(kept.replace("fields:\n", f"fields:\n{OPTIONS}", 1), "utf-8")
    texts = Texts(language)
    seen = " ".join(said(besa, "kp-cybercrime", language)[texts("seen")])

    for level in ("hour", "month", "region"):
        assert f"({texts('option.to', value=texts.word(level))})" in seen
    assert "(IPv4 /24, IPv6 /48)" in seen
    if language != "en":
        assert not re.search(r"\b(to|hour|day|month|bounds|v4|v6)\b", seen)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_option_of_every_method_has_its_words(language: str) -> None:
    """A method that takes a new option is not described by its bare name."""
    texts = Texts(language)
    names = {
        name
        for method in METHODS.values()
        for name in re.findall(r'options\.pop\("(\w+)"', inspect.getsource(method))
    }

    assert {"to", "bounds", "v4", "v6"} <= names
    for name in names:
        assert "9" in texts(f"option.{name}", value="9")
    if language != "en":
        for level in ("hour", "day", "month", "municipality"):
            assert level in {*_CUTS, *_LEVELS}
            assert level != texts.word(level)


@pytest.mark.parametrize("language", LANGUAGES)
def test_rules_of_one_field_are_said_in_their_order(
    besa: Besa, rules: Path, language: str
) -> None:
    """A minor's name stays although consent was given: the first rule that fits."""
    texts = Texts(language)
    seen = said(besa, "kp-cybercrime", language)[texts("seen")]
    name = texts.field("victims[].name")
    [sentence] = [each for each in seen if re.search(rf"(^|, ){name}[,:]", each)]
    steps = [
        texts("outcome.withheld"),
        texts("only.minor.yes"),
        texts("outcome.kept"),
        texts.word("given"),
        texts.label("method", "pseudonym"),
        texts.word("unknown"),
    ]

    assert rules.is_dir()
    places = [sentence.index(step) for step in steps]
    assert sorted(places) == places


def test_a_safeguard_is_said_with_the_fast_lane_of_the_agreement(
    besa: Besa, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a life is in danger, a child's case is not held: the sentence says so."""
    monkeypatch.setenv("BESA_POLICIES", str(ROOT / "policies/examples"))
    monkeypatch.setenv("BESA_MAPPINGS", str(ROOT / "mappings"))
    texts = Texts("en")
    lane, plain = (
        next(s for s in said(besa, name)[texts("everybody")] if "a minor is" in s)
        for name in ("emergency-only", "data-protection")
    )

    assert texts("fast_lane") in lane
    assert texts("fast_lane") not in plain
