"""Files that a person names: patterns and folders, and the messages in them.

Arguments -> files in order -> `Piece` by `Piece`, with a progress bar where somebody
looks and there is enough to wait for.
"""

from __future__ import annotations

import glob
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from broker.cli import terminal
from broker.cli.progress import bar

if TYPE_CHECKING:
    from broker.intake.split import Piece
    from broker.model.mapping import Tables

_SUFFIXES: Final = frozenset({".json", ".jsonl", ".ndjson", ".xml", ".csv", ".stix"})
_STDIN: Final = Path("-")
# Shorter ones are done before a bar could be read.
_WORTH_A_BAR: Final = 1_000_000
# A file of many messages is read whole, so there is an end to it.
_MOST: Final = 1 << 30


def read_tables() -> Tables:
    """Return the mapping tables that the settings point to; policies are not needed.

    Raises:
        RulebookError: a table is wrong.
        SettingsError: the folder is missing.
    """
    from broker.rulebook import tables
    from broker.settings import read_mapping_files, read_settings

    return tables(read_mapping_files(read_settings().mappings_folder))


def named(text: str) -> Path:
    """Return the path that a person wrote.

    An empty one would mean the folder that they happen to stand in: `besa publish
    "$FILE"`, where nothing has set FILE, would publish all that lies there.

    Raises:
        BadParameter: it is empty.
    """
    if not text:
        raise typer.BadParameter("the name of a file is empty")
    return Path(text)


def found_in(given: list[Path]) -> list[Path]:
    """Return the files that were named: themselves, by pattern, or in a folder.

    Of a folder, the files whose ending is that of a format, also in folders within,
    in the order of their names. What is hidden there was not meant: a version control's
    files, a program's own. Ends the command as wrongly used when nothing is there.
    """
    found: list[Path] = []
    for path in given:
        if path == _STDIN or path.is_file():
            found.append(path)
        elif path.is_dir():
            inside = [
                one
                for one in sorted(path.rglob("*"))
                if one.suffix.lower() in _SUFFIXES
                and not any(
                    part.startswith(".") for part in one.relative_to(path).parts
                )
                and one.is_file()
            ]
            found += inside or _nothing(path, "holds no file of a known ending")
        else:
            matched = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207
            files = [one for one in map(Path, matched) if one.is_file()]
            found += files or _nothing(path, "no such file")
    return found


def _nothing(path: Path, problem: str) -> list[Path]:
    terminal.wrong_usage(f"{path}: {problem}")


def pieces_of(
    paths: list[Path], tables: Tables, format_name: str | None
) -> Iterator[tuple[Path, Piece]]:
    """Yield every message of every file, with a bar on a terminal."""
    from broker.errors import IntakeError
    from broker.intake.split import Piece, pieces

    sizes = [path.stat().st_size if path != _STDIN else 0 for path in paths]
    whole = sum(sizes)
    shown = sys.stderr.isatty() and (whole >= _WORTH_A_BAR or len(paths) > 50)
    done = 0
    with bar(shown=shown) as tell:
        for path in paths:
            raw = terminal.read_input(path, most=_MOST + 1)
            if len(raw) > _MOST:
                problem = IntakeError("", f"more than {_MOST} bytes", "take it apart")
                yield path, Piece("", b"", problem)
                continue
            for piece in pieces(raw, tables, format_name):
                yield path, piece
                done += len(piece.body)
                tell("reading", done, whole)
