"""Files that a person names: patterns and folders, and the messages in them.

Arguments -> files in order -> `Piece` by `Piece`, with a progress bar where somebody
looks and there is enough to wait for.
"""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NoReturn

import typer

from broker.cli import terminal
from broker.cli.progress import bar

if TYPE_CHECKING:
    from broker.errors import IntakeError
    from broker.intake.split import Piece
    from broker.model.mapping import Tables

_SUFFIXES: Final = frozenset({".json", ".jsonl", ".ndjson", ".xml", ".csv", ".stix"})
_ENDINGS: Final = ", ".join(sorted(_SUFFIXES))
_STDIN: Final = Path("-")
# What JSON and XML begin with.
_OTHERS: Final = (b"{", b"[", b"<")
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
        try:
            found += _of(path)
        except OSError as error:
            problem = error.strerror or "cannot be read"
            where = terminal.plain(str(error.filename or path))
            terminal.wrong_usage(f"{where}: {problem}")
    return found


def _of(path: Path) -> list[Path]:
    """Return the files that one argument names.

    Raises:
        OSError: a file or folder on the way cannot be looked into.
    """
    # A pipe or a device is read like a file: `besa publish <(command)`.
    if path == _STDIN or (path.exists() and not path.is_dir()):
        return [path]
    if path.is_dir():
        return _inside(path) or _nothing(path, f"holds no file that ends in {_ENDINGS}")
    matched = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207
    files = [one for one in map(Path, matched) if one.is_file()]
    return files or _nothing(path, "no such file")


def _inside(folder: Path) -> list[Path]:
    """Return the files of a folder that are meant; see `found_in`.

    Raises:
        OSError: a folder within cannot be opened; what is in it must not go missing.
    """

    def refuse(error: OSError) -> NoReturn:
        raise error

    found: list[Path] = []
    for here, inner, names in os.walk(folder, onerror=refuse):
        inner[:] = [name for name in inner if not name.startswith(".")]
        paths = [Path(here, name) for name in names if not name.startswith(".")]
        found += [
            one for one in paths if one.suffix.lower() in _SUFFIXES and one.is_file()
        ]
    return sorted(found)


def _nothing(path: Path, problem: str) -> NoReturn:
    terminal.wrong_usage(f"{shown(path)}: {problem}")


def shown(path: Path) -> str:
    """Return how a file is called when it is spoken of.

    Whoever sent what lies in a folder chose the names of the files, too.
    """
    return "standard input" if path == _STDIN else terminal.plain(str(path))


def place_of(path: Path, piece: Piece) -> str:
    """Return how a message of a file is called: `file.jsonl:17`."""
    return f"{shown(path)}:{piece.where}" if piece.where else shown(path)


def in_its_place(problem: IntakeError, piece: Piece) -> IntakeError:
    """Return a problem as it is told beside the line of the file that it stands in.

    Each line is read by itself, so its reader calls every one of them line 1.
    """
    if not piece.where.isdigit():
        return problem
    told = problem.problem.replace(": line 1, column ", ": column ", 1)
    return type(problem)(problem.path, told, problem.advice)


def say_what_is_left(
    place: str, name: str, left: tuple[str, ...], most: int | None = None
) -> None:
    """Tell what was left behind of a message in some format, each on its line."""
    count = f"{len(left)} things are" if len(left) != 1 else "1 thing is"
    terminal.note(
        f"{place}: read as {name}; {count if left else 'nothing is'} left behind"
    )
    for line in left[:most]:
        terminal.note(f"  {terminal.plain(line)}")
    if most is not None and len(left) > most:
        terminal.note(f"  and {len(left) - most} more; `besa convert` lists them all")


def by_ending(path: Path, raw: bytes) -> Literal["csv"] | None:
    """Return the format that a file's ending says, where its content says none.

    A table looks like nothing until a mapping fits it; without its ending, Besa would
    complain that it is no JSON.
    """
    is_table = path.suffix.lower() == ".csv" and raw.lstrip()[:1] not in _OTHERS
    return "csv" if is_table else None


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
            for piece in pieces(raw, tables, format_name or by_ending(path, raw)):
                yield path, piece
                done += len(piece.body)
                tell("reading", done, whole)
