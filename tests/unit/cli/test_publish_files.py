"""Publishing and converting files, patterns, folders, lines and tables."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from broker.cli.look import Format
from broker.model.intake import CONTENT_TYPES, LARGEST_MESSAGE
from tests.formats import SAMPLES
from tests.unit import given

Besa = Callable[..., Any]
N6 = SAMPLES / "n6_event_phish.json"
SECRET = "Kanarina"


def _lines(*names: str) -> bytes:
    values = [json.loads((SAMPLES / name).read_bytes()) for name in names]
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def test_every_format_can_be_said() -> None:
    """`--format` takes every format that is read."""
    assert set(CONTENT_TYPES) == set(Format.__args__)  # type: ignore[attr-defined]


def test_a_file_is_published_as_what_it_is(besa: Besa, home: Path) -> None:
    """What is published keeps its bytes and says its format."""
    ended = besa("publish", N6, "--json")
    [file] = (home / "spool" / "new").iterdir()

    assert 0 == ended.code
    assert ["n6"] == [one["format"] for one in ended.json]
    assert file.name.endswith(".n6.in")
    assert N6.read_bytes() == file.read_bytes()


def test_each_line_is_published_or_refused(besa: Besa, tmp_path: Path) -> None:
    """Lines that cannot be read are refused with their number, the rest is stored."""
    file = tmp_path / "many.jsonl"
    lines = _lines("n6_event_phish.json", "stix_report.json")
    file.write_bytes(b'{"uid": "' + SECRET.encode() + b'"}\n' + lines + b'{"broken\n')
    ended = besa("publish", file, "--json")
    published = [one for one in ended.json if "offset" in one]

    assert 1 == ended.code
    assert ["2", "3"] == [one["where"] for one in published]
    assert ["1", "4"] == [one["where"] for one in ended.json if "problem" in one]
    assert f"{file}:1: " in ended.err
    assert f"{file}:4: it is not JSON: column 9 (" in ended.err
    assert "it is not JSON: column 9" == ended.json[-1]["problem"]
    assert SECRET not in ended.err
    assert "2 published, 2 refused" in ended.err
    assert 2 == besa("status", "--json").json["lag"]["messages"]


def test_a_folder_is_published_in_the_order_of_names(
    besa: Besa, tmp_path: Path
) -> None:
    """Of a folder all files of a known ending are published, also deeper ones.

    What is hidden is not: nobody means their version control's files.
    """
    for name in ("b", ".git"):
        (tmp_path / name).mkdir()
    for name in ("b/2.json", "1.json", "3.JSON", "notes.txt", ".git/4.json", ".5.json"):
        (tmp_path / name).write_bytes(N6.read_bytes())
    ended = besa("publish", tmp_path, "--json")

    assert ["1.json", "3.JSON", "2.json"] == [
        Path(one["file"]).name for one in ended.json
    ]


def test_the_name_of_a_file_cannot_drive_the_terminal(
    besa: Besa, tmp_path: Path
) -> None:
    """Whoever sent what lies in a folder chose the names of the files, too."""
    folder = tmp_path / "\x1b[2Jin"
    folder.mkdir()
    (folder / "a\x1b[31m\u202e.json").write_bytes(N6.read_bytes())
    (folder / "b\x1b[31m.json").write_bytes(b"{broken")
    (folder / "c\x1b[31m.jsonl").write_bytes(_lines(N6.name, N6.name))
    commands = [["publish", folder]]
    commands += [["convert", file] for file in sorted(folder.iterdir())]
    commands += [["preview", file] for file in sorted(folder.iterdir())]
    commands += [["publish", folder / "none"]]

    for command in commands:
        ended = besa(*command)
        said = ended.out.decode() + ended.err

        assert "\x1b" not in said, command
        assert "\u202e" not in said


def test_a_pattern_is_expanded(besa: Besa, tmp_path: Path) -> None:
    """A pattern that the shell left alone is expanded."""
    for number in (1, 2):
        (tmp_path / f"{number}.json").write_bytes(N6.read_bytes())
    ended = besa("publish", tmp_path / "*.json", "--json")

    assert 2 == len(ended.json)


@pytest.mark.parametrize("name", ["missing.json", "*.nothing", "empty"])
def test_nothing_there_is_wrong_usage(besa: Besa, tmp_path: Path, name: str) -> None:
    """A name, a pattern or a folder without any file is wrong usage, and is named."""
    (tmp_path / "empty").mkdir()
    ended = besa("publish", tmp_path / name)

    assert 2 == ended.code
    assert name in ended.err


@pytest.mark.parametrize("command", ["publish", "convert", "preview"])
def test_an_empty_name_is_no_file(
    besa: Besa, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    """A shell's variable that nobody has set does not mean the folder one stands in."""
    (tmp_path / "1.json").write_bytes(N6.read_bytes())
    monkeypatch.chdir(tmp_path)
    ended = besa(command, "")

    assert 2 == ended.code
    assert b"" == ended.out
    assert "the name of a file is empty" in ended.err


def test_standard_input(besa: Besa) -> None:
    """Lines from standard input are published, and named as such."""
    stdin = _lines("n6_event_phish.json") + b"[]\n"
    ended = besa("publish", "-", "--json", stdin=stdin)

    assert 1 == ended.code
    assert [("-", "1"), ("-", "2")] == [
        (one["file"], one["where"]) for one in ended.json
    ]


def test_unchecked_publishes_anything(besa: Besa, tmp_path: Path) -> None:
    """With --unchecked what cannot be read is published too, for the dead letters."""
    file = tmp_path / "x"
    file.write_bytes(b"garbage")

    assert 0 == besa("publish", "--unchecked", file).code
    assert 1 == besa("status", "--json").json["lag"]["messages"]


def test_policies_are_not_needed(
    besa: Besa, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whoever publishes or converts need not have the policies."""
    monkeypatch.setenv("BESA_POLICIES", str(tmp_path / "nowhere"))

    assert 0 == besa("publish", N6).code
    assert 0 == besa("convert", N6).code


def test_convert_shows_what_was_understood(besa: Besa) -> None:
    """The incident goes to standard output, what was left behind to standard error."""
    ended = besa("convert", N6)

    assert "n6:0123456789abcdef0123456789abcdef" == ended.json["uid"]
    assert "read as n6; 4 things are left behind" in ended.err
    assert "address[0].cc (about the network)" in ended.err
    assert "XK321501000000000125" not in ended.err


def test_what_was_converted_can_be_published(besa: Besa, tmp_path: Path) -> None:
    """The output of convert is an incident in Besa's own format, and the same one."""
    file = tmp_path / "native.json"
    for path in sorted(SAMPLES.iterdir()):
        file.write_bytes(besa("convert", path).out)
        ended = besa("publish", file, "--json")

        assert (0, "native") == (ended.code, ended.json[0]["format"])


def test_convert_of_many(besa: Besa, tmp_path: Path) -> None:
    """Of several messages each is a line, and what cannot be read ends with 1."""
    file = tmp_path / "many.jsonl"
    file.write_bytes(_lines("n6_event_phish.json", "stix_report.json") + b"{}\n")
    ended = besa("convert", file)

    assert 1 == ended.code
    assert 2 == len([json.loads(line) for line in ended.out.splitlines()])
    assert f"{file}:3: " in ended.err


def test_of_several_each_is_a_line_also_if_only_one_can_be_read(
    besa: Besa, tmp_path: Path
) -> None:
    """What a file holds is not printed otherwise because its neighbour is broken."""
    file = tmp_path / "two.jsonl"
    file.write_bytes(_lines("n6_event_phish.json") + b'{"broken\n')
    ended = besa("convert", file)

    assert 1 == ended.code
    assert 1 == ended.out.count(b"\n")
    assert f"{file}:2: it is not JSON: column 9 (" in ended.err


def test_convert_as_json(besa: Besa) -> None:
    """With --json, the incident and what was left behind are one document."""
    [found] = besa("convert", N6, "--format", "n6", "--json").json

    assert ("", "n6") == (found["where"], found["format"])
    assert "source (about the feed)" in found["left_behind"]


def test_a_wrong_format_is_an_answer(besa: Besa) -> None:
    """A message that is not of the format that was said is refused, with its path."""
    ended = besa("convert", N6, "--format", "rtir")

    assert 1 == ended.code
    assert "Subject: is missing" in ended.err


@pytest.mark.parametrize("command", ["preview", "publish", "convert"])
def test_a_table_without_a_mapping_is_called_a_table(
    besa: Besa, tmp_path: Path, command: str
) -> None:
    """A file that ends in csv and fits no mapping is not taken for broken JSON."""
    file = tmp_path / "desk.csv"
    file.write_bytes(b"case,when\n1,today\n")
    ended = besa(command, file)

    assert 1 == ended.code
    assert f"{file}: no mapping has the columns of this table" in ended.err
    assert "add a file to mappings/csv" in ended.err


def test_json_in_a_file_of_another_ending_is_read(besa: Besa, tmp_path: Path) -> None:
    """What begins as JSON is read as that, however the file is called."""
    file = tmp_path / "n6.csv"
    file.write_bytes(N6.read_bytes())

    assert ["n6"] == [one["format"] for one in besa("publish", file, "--json").json]


def test_a_pipe_is_published(besa: Besa, tmp_path: Path) -> None:
    """What a shell's `<(command)` names is read like a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(N6.read_bytes(),))
    writer.start()
    ended = besa("publish", pipe, "--json")
    writer.join()

    assert (0, "n6") == (ended.code, ended.json[0]["format"])


def test_an_empty_list_is_no_silent_success(besa: Besa, tmp_path: Path) -> None:
    """A file that holds no incident is refused, so that nobody thinks it was sent."""
    file = tmp_path / "none.json"
    file.write_bytes(b"[]")
    ended = besa("publish", file)

    assert 1 == ended.code
    assert f"{file}: it is a list that holds no incident" in ended.err


def test_too_large_a_file_is_not_measured_by_what_was_read(
    besa: Besa, tmp_path: Path
) -> None:
    """A preview reads no more than is taken, so it cannot say how large a file is."""
    file = tmp_path / "large.json"
    with file.open("wb") as stream:
        stream.truncate(2 * LARGEST_MESSAGE)
    ended = besa("preview", file)

    assert 1 == ended.code
    assert f"{file}: it has more than {LARGEST_MESSAGE} bytes" in ended.err


# Root may read everything; without these two rights it may read what is its own.
_BOUND = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
_needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="only root can give a file to somebody else",
)


def _bound(*arguments: str | Path) -> Any:
    """Run `besa` as a user who may not read what is somebody else's."""
    command = [*_BOUND, sys.executable, "-m", "broker.cli", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False
    )


def _give_away(path: Path) -> None:
    os.chown(path, 65_534, 65_534)


@_needs_root
@pytest.mark.usefixtures("home")
def test_a_folder_that_cannot_be_opened_is_no_empty_one(tmp_path: Path) -> None:
    """What may not be looked into is named, so that nothing in it goes missing."""
    (tmp_path / "n6.json").write_bytes(N6.read_bytes())
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o700)
    _give_away(shut)
    folder, file = _bound("publish", tmp_path), _bound("publish", shut / "n6.json")

    assert (2, "") == (folder.returncode, folder.stdout)
    assert f"besa: {shut}: Permission denied\n" == folder.stderr
    assert 2 == file.returncode
    assert f"besa: {shut}/n6.json: Permission denied\n" == file.stderr


@_needs_root
def test_who_may_not_read_the_keys_may_look(
    besa: Besa, home: Path, incidents: Path
) -> None:
    """A preview needs no keys of the consume zone: it says that ids are samples."""
    assert 0 == besa("keys", "create").code
    _give_away(home / "keys/seal.pem")
    ended = _bound("preview", incidents / "01-bank-phishing.json", "--json")

    assert 0 == ended.returncode
    assert f"you may not read the keys in {home}/keys" in ended.stderr
    assert 3 == len(json.loads(ended.stdout)["recipients"])


@pytest.mark.parametrize("command", ["publish", "preview"])
def test_what_the_consumer_would_refuse_is_refused_before(
    besa: Besa, tmp_path: Path, command: str
) -> None:
    """A revision from the future is said to be one to who wrote it, not published."""
    file = tmp_path / "late.json"
    ahead = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    file.write_bytes(given.raw(revised_at=ahead))
    ended = besa(command, file)

    assert (1, "") == (ended.code, ended.text)
    assert f"{file}: revised_at: it lies in the future (check the clock)" in ended.err
