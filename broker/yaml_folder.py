"""Which files of a folder are policies or mappings, whatever way they got there.

A folder -> the paths of the YAML files in it and beneath it.

Links are followed, to files and to folders: a mounted ConfigMap shows every folder as a
link, and changes all of them at once by turning another link. Passed over are hidden
files and folders, and names that nobody takes for YAML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from broker.errors import SettingsError

_ENDINGS: Final = frozenset({".yaml", ".yml"})
# Also with what some editors make of the name.
_MEANT_AS_YAML: Final = re.compile(r"\.ya?ml(\.txt)?\Z", re.IGNORECASE)


def yaml_files(folder: Path) -> list[Path]:
    """Return the YAML files in a folder and beneath it, by name.

    What looks like one and cannot be read is refused: left out, a list of what must be
    withheld would be as good as empty.

    Raises:
        SettingsError: a folder or file cannot be read, or has a name that is nearly
            right; says which.
    """
    paths = list(meant_as_yaml(folder))
    for path in paths:
        if path.suffix not in _ENDINGS:
            raise SettingsError(f"{path} is not read: its name must end in .yaml")
        if not path.is_file():
            raise SettingsError(f"{path} is no file, or a link that leads nowhere")
    return sorted(paths)


def meant_as_yaml(folder: Path) -> Iterator[Path]:
    """Yield what has the name of a YAML file, or nearly, and what it may be meant for.

    Raises:
        SettingsError: a folder cannot be read, or leads back to itself; says which.
    """
    yield from _below(folder, ())


def _below(folder: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    try:
        here = folder.resolve(strict=True)
        entries = sorted(folder.iterdir())
        folders = {each for each in entries if each.is_dir()}
    except OSError as error:
        raise SettingsError(f"{folder} cannot be read: {error.strerror}") from None
    if here in above:
        raise SettingsError(f"{folder} is a link to a folder that it lies in itself")
    for each in entries:
        if each.name.startswith("."):
            continue
        if each in folders:
            yield from _below(each, (*above, here))
        elif _MEANT_AS_YAML.search(each.name):
            yield each
        elif each.is_symlink() and not each.exists():
            # It may stand for a folder: without it, its files would be as good as gone.
            raise SettingsError(f"{each} is a link that leads nowhere")
