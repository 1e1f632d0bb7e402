"""The documentation names every command, option and setting that there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from broker.cli.app import app_for
from broker.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = (ROOT / "docs" / "commands.md").read_text("utf-8")


def commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield every command that can be run, with the words that run it."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield " ".join(words), command
        return
    for name, one in inner.items():
        yield from commands(one, (*words, name))


ALL = dict(commands(typer.main.get_command(app_for(""))))


def section(name: str) -> str:
    """Return what docs/commands.md says about one command."""
    found = re.search(rf"^### `besa {name}\b.*?(?=^##|\Z)", COMMANDS, re.S | re.M)
    return found[0] if found else ""


def test_there_are_commands() -> None:
    """The list that the tests below go through has the whole of the command line."""
    assert {"preview", "publish", "audit verify", "sandbox kafka"} <= set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_readme_has_the_command(name: str) -> None:
    """The README's table has a row for each command."""
    assert re.search(rf"^\| `besa {name}\b", README, re.M)


def test_readme_has_no_command_that_does_not_exist() -> None:
    """Each row of the README's table is a command."""
    rows = re.findall(r"^\| `besa ([a-z -]+?)(?= [A-Z\[-]|`)", README, re.M)

    assert set(ALL) == set(rows)


@pytest.mark.parametrize("name", ALL)
def test_every_option_is_described(name: str) -> None:
    """docs/commands.md has a section for each command, with each of its options."""
    text = section(name)
    options = [
        option
        for parameter in ALL[name].params
        if not getattr(parameter, "hidden", False)
        for option in parameter.opts
        if option.startswith("--") and option != "--help"
    ]

    assert text
    assert [] == [option for option in options if f"`{option}" not in text]


@pytest.mark.parametrize("name", ALL)
def test_no_option_is_described_that_does_not_exist(name: str) -> None:
    """Every option in a command's section is one that the command has."""
    described = re.findall(r"^\| .*?`(--[a-z-]+)", section(name), re.M)
    options = {option for one in ALL[name].params for option in one.opts}

    assert set() == set(described) - options


def test_every_setting_is_described() -> None:
    """docs/commands.md has a row for each environment variable."""
    rows = set(re.findall(r"^\| `(BESA_[A-Z_]+)`", COMMANDS, re.M))
    settings = {f"BESA_{name.upper()}" for name in Settings.model_fields}

    assert settings == rows - {"BESA_CACHE"}


def test_links_between_documents_lead_somewhere() -> None:
    """A relative link in the documentation names a file that exists."""
    broken = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in (
            *ROOT.glob("*.md"),
            *ROOT.glob("docs/*.md"),
            ROOT / "broker/README.md",
        )
        for target in re.findall(
            r"\]\((?!https?://|#)([^)#]+)", document.read_text("utf-8")
        )
        if not (document.parent / target).exists()
    ]

    assert [] == broken
