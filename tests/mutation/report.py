"""What is said of mutants: the survivors, why some do the same, and the numbers.

What `--json` printed + `verdicts.yaml` -> a text, and the lists in the documentation.

A verdict names a mutant by its file, the text of its line and the change, so that it
holds until that line changes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from tests.mutation.mutants import mutants
from tests.mutation.trial import KILLED, SURVIVED, TIMED_OUT

Said = Mapping[str, Any]
Verdicts = dict[tuple[str, str, str], str]
_VERDICTS: Final = Path(__file__).parent / "verdicts.yaml"
_PAGES: Final = {
    "broker/guard": "docs/guard.md",
    "broker/policy": "docs/proofs.md",
    "broker/prove": "docs/proofs.md",
    "broker/redact": "docs/redaction.md",
}
_BEGIN: Final = "<!-- mutants: made by python -m tests.mutation --write -->"
# Where a page is that of several folders.
_BEGIN_OF: Final = "<!-- mutants of {}: made by python -m tests.mutation --write -->"
_END: Final = "<!-- /mutants -->"


def read(files: Iterable[Path]) -> list[Said]:
    """Return what earlier runs printed; of one mutant, what the last of them says."""
    found: dict[tuple[Any, ...], Said] = {}
    for file in files:
        for line in file.read_text("utf-8").splitlines():
            one = json.loads(line)
            found[one["file"], one["number"]] = one
    return list(found.values())


def survivors(file: Path) -> set[tuple[str, int]]:
    """Return which mutants survived an earlier run, by file and number."""
    found = read([file])
    return {(one["file"], one["number"]) for one in found if _lives(one)}


def verdicts(folder: str) -> Verdicts:
    """Return why mutants of a folder do the same, by file, line and change."""
    found: Verdicts = {}
    for said in yaml.safe_load(_VERDICTS.read_text("utf-8")):
        for file, lines in said["mutants"].items():
            for text, changes in lines.items():
                for change in changes:
                    found[file, text, change] = said["because"]
    return {key: why for key, why in found.items() if key[0].startswith(folder)}


def unexplained(said: Iterable[Said], known: Verdicts) -> list[Said]:
    """Return the survivors that no verdict explains."""
    return [one for one in said if _lives(one) and _key(one) not in known]


def as_text(said: list[Said], left: list[Said]) -> str:
    """Return what was found, for people."""
    lines = [f"{one['file']}:{one['line']}: {one['change']}" for one in left]
    return "\n".join((*lines, _numbers(said, left))) + "\n"


def write(root: Path, folder: str, said: list[Said], commit: str) -> None:
    """Put numbers and survivors between the two marks of the folder's page.

    Raises:
        ValueError: the page has no such marks.
    """
    page = root / _PAGES[folder]
    known = verdicts(folder)
    left = unexplained(said, known)
    lines = [f"At commit {commit}: {_numbers(said, left)}.", ""]
    lines += _by_file(root, folder, said, left)
    same: dict[str, list[Said]] = {}
    for one in said:
        if _lives(one) and _key(one) in known:
            same.setdefault(known[_key(one)], []).append(one)
    if same:
        lines += ["| Do the same | Because |", "|---|---|"]
        lines += [f"| {_all_of(which)} | {why} |" for why, which in same.items()]
        lines += [""]
    if left:
        lines += ["| Left: survives in | Lines |", "|---|---|"]
        lines += [f"| {place} | {where} |" for place, where in _lines(left).items()]
        lines += [""]
    text = page.read_text("utf-8")
    own = _BEGIN_OF.format(folder)
    before, begin, rest = text.partition(own if own in text else _BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise ValueError(f"{page} has no place for the survivors")
    made = "\n".join(lines)
    page.write_text(f"{before}{begin}\n{made}{end}{after}", "utf-8")


def _by_file(root: Path, folder: str, said: list[Said], left: list[Said]) -> list[str]:
    """Return a table of what became of each file's mutants."""
    heads = ("File", "Mutants", "Tried", "Killed", "Timed out", "Left")
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    endings = Counter((one["file"], one["ending"]) for one in said)
    tried = Counter(one["file"] for one in said)
    unsaid = Counter(one["file"] for one in left)
    for file in sorted((root / folder).rglob("*.py")):
        name = str(file.relative_to(root))
        if not (there := sum(1 for _ in mutants(file.read_text("utf-8")))):
            continue
        ended = [endings[name, how] for how in (KILLED, TIMED_OUT)]
        numbers = (there, tried[name], *ended, unsaid[name])
        short = name.removeprefix(f"{folder}/")
        lines.append(f"| `{short}` | {' | '.join(map(str, numbers))} |")
    return [*lines, ""]


def _lives(one: Said) -> bool:
    return bool(one["ending"] == SURVIVED)


def _key(one: Said) -> tuple[str, str, str]:
    return one["file"], one["text"], one["change"]


def _numbers(said: list[Said], left: list[Said]) -> str:
    by = Counter(one["ending"] for one in said)
    same = by[SURVIVED] - len(left)
    return (
        f"{len(said)} tried: {by[KILLED]} killed, {by[TIMED_OUT]} timed out, "
        f"{same} do the same, {len(left)} left"
    )


def _all_of(which: list[Said]) -> str:
    by_place = Counter(_where(one) for one in which)
    return ", ".join(
        f"{place} ({number})" if number > 1 else place
        for place, number in by_place.items()
    )


def _where(one: Said) -> str:
    place = f"{Path(one['file']).name}, {one['in']}" if one["in"] else one["file"]
    return f"`{place}`"


def _lines(left: list[Said]) -> dict[str, str]:
    """Return the lines with survivors by their function; how many, if several."""
    found: dict[str, Counter[int]] = {}
    for one in left:
        found.setdefault(_where(one), Counter())[one["line"]] += 1
    return {
        place: ", ".join(
            f"{line} ({many})" if many > 1 else str(line)
            for line, many in sorted(by_line.items())
        )
        for place, by_line in found.items()
    }
