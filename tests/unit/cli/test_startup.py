"""The command answers at once and imports only what it needs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from typer.main import get_command

from broker import __version__
from broker.cli.app import app_for
from broker.cli.listing import Listing

Besa = Callable[..., Any]

HEAVY = (
    "cryptography",
    "kafka",
    "orjson",
    "pydantic",
    "pymisp",
    "requests",
    "rich",
    "sqlalchemy",
    "yaml",
)


def test_importing_the_commands_imports_nothing_heavy() -> None:
    """The commands, all of them, leave every large library alone."""
    code = (
        "import sys, json; from broker.cli.app import app_for; app_for('');"
        "print(json.dumps(sorted(sys.modules)))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        timeout=30,
    ).stdout

    loaded = {name.partition(".")[0] for name in json.loads(said)}

    assert set() == loaded & set(HEAVY)
    assert "typer" in loaded


def test_ctrl_c_before_anything_is_there_ends_quietly() -> None:
    """Whoever presses Ctrl-C while Besa is still being loaded sees no traceback."""
    code = (
        "import sys\n"
        "class Pressed:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'broker.cli.app':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Pressed())\n"
        "from broker.cli import main\n"
        "main()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=30, check=False
    )

    assert (130, b"", b"") == (ended.returncode, ended.stdout, ended.stderr)


def test_help_lists_every_command_under_a_heading(besa: Besa) -> None:
    """`besa --help` names all commands, grouped by what one wants to do."""
    ended = besa("--help")

    assert 0 == ended.code
    for word in ("Look before you share:", "preview", "publish", "audit", "sandbox"):
        assert word in ended.text


def test_help_fits_into_80_columns(besa: Besa) -> None:
    """No line of the help is wider than a small terminal, and none is cut off."""
    lines = besa("--help").text.splitlines()[1:]

    assert max(map(len, lines)) <= 80
    assert [] == [line for line in lines if line.endswith("...")]


def test_version_is_printed(besa: Besa) -> None:
    """`besa --version` prints the version of the package."""
    assert f"besa {__version__}\n" == besa("--version").text


def test_a_misspelt_command_is_wrong_usage(besa: Besa) -> None:
    """An unknown command ends with exit code 2 and the nearest one."""
    ended = besa("previw")

    assert 2 == ended.code
    assert "preview" in ended.err


@pytest.mark.parametrize("first", ["check", "policy", "dead-letters"])
def test_only_the_command_that_is_called_is_made_ready(first: str) -> None:
    """Of all commands only the one that the first word names is looked at."""
    group = get_command(app_for(first))

    assert isinstance(group, Listing)
    assert [first] == list(group.commands)


def test_only_the_command_that_is_called_is_imported() -> None:
    """What other commands are made of costs the one that is called nothing."""
    code = (
        "import sys, json; from broker.cli.app import app_for; app_for('check');"
        "print(json.dumps(sorted(n for n in sys.modules if n.startswith('broker'))))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, timeout=30
    ).stdout

    loaded = set(json.loads(said))

    assert "broker.cli.rules" in loaded
    assert set() == loaded & {"broker.cli.serve", "broker.cli.policy"}


@pytest.mark.parametrize("first", ["", "--help", "chekc", "recall-x"])
def test_no_command_is_left_out_where_none_is_named(first: str) -> None:
    """Help, and a misspelt command, need all of them."""
    every = get_command(app_for(first))

    assert isinstance(every, Listing)
    assert {"check", "run", "audit", "sandbox"} < set(every.commands)


def test_the_path_imports_what_scrubs_texts_with_a_profile_that_asks_for_it() -> None:
    """Where no profile scrubs texts or reads places, nothing that does is imported."""
    code = (
        "import sys, json; import broker.cases;"
        "from broker.redact.methods import method_of;"
        "loaded = lambda: [name for name in sys.modules"
        " if name.startswith('broker.redact.scrub') or name == 'yaml'];"
        "before = loaded(); method_of('scrub_text', {});"
        "print(json.dumps([before, loaded()]))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, timeout=30
    ).stdout

    before, after = json.loads(said)

    assert [] == before
    assert "broker.redact.scrub.scrubber" in after


@pytest.mark.parametrize(("first", "collects"), [("schema", True), ("check", False)])
def test_what_is_imported_is_not_looked_through(first: str, collects: bool) -> None:
    """A command starts with a collector that looks at what is made from then on."""
    code = (
        "import gc; from broker.cli import rules, main;"
        "say = lambda: print(gc.isenabled(), gc.get_freeze_count() > 10_000);"
        f"rules.{first} = say; import sys; sys.argv = ['besa', '{first}']; main()"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, timeout=30
    ).stdout

    assert f"{collects} {collects}\n" == said.decode()
