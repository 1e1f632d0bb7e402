"""What Besa makes of known messages: accepted results, and the table in the manual.

Our own messages -> ``expected/NAME.json``; these and the public samples -> the tables
in ``docs/formats.md``. To accept a change, run this and review the difference::

    python -m tests.formats
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from broker import pipeline
from broker.errors import IntakeError
from broker.intake.split import pieces
from broker.pipeline import Received
from tests import world
from tests.formats import SAMPLES, round_trip, samples

EXPECTED: Final = Path(__file__).parent / "expected"
PAGE: Final = world.ROOT / "docs" / "formats.md"
# Public samples of other projects; they lie beside this project, if at all.
PUBLIC: Final = world.ROOT.parent / "shared" / "samples"

_OWN: Final = ("<!-- own samples: generated -->", "<!-- end of own samples -->")
_PUBLIC: Final = (
    "<!-- public samples: generated -->",
    "<!-- end of public samples -->",
)
_ROUND: Final = ("<!-- round trip: generated -->", "<!-- end of round trip -->")
# Vocabularies, which are no messages; and what is listed among our own.
_NO_MESSAGES: Final = frozenset({"taxonomies", "synthetic"})
_SUFFIXES: Final = frozenset({".json", ".xml", ".csv"})


def public() -> list[Path]:
    """Return the public samples that are there, by name."""
    return [
        path
        for path in sorted(PUBLIC.rglob("*"))
        if path.suffix in _SUFFIXES
        and path.relative_to(PUBLIC).parts[0] not in _NO_MESSAGES
    ]


def received(path: Path) -> list[tuple[str, Received | IntakeError]]:
    """Return what becomes of each message in a file, with its place."""
    tables = world.rulebook().tables
    found: list[tuple[str, Received | IntakeError]] = []
    for piece in pieces(path.read_bytes(), tables):
        try:
            if piece.problem is not None:
                raise piece.problem
            made = pipeline.receive(piece.body, rulebook=world.rulebook())
            found.append((piece.where, made))
        except IntakeError as refusal:
            found.append((piece.where, refusal))
    return found


def accepted_of(path: Path) -> str:
    """Return what was understood of one of our own messages, as text."""
    shown = []
    for where, made in received(path):
        assert isinstance(made, Received), made
        shown.append(
            {
                "where": where,
                "format": made.format,
                "incident": made.incident.model_dump(
                    mode="json", exclude_none=True, exclude_defaults=True
                ),
                "left_behind": list(made.left_behind),
            }
        )
    return json.dumps(shown, indent=1, ensure_ascii=False) + "\n"


def table(paths: list[Path], root: Path) -> str:
    """Return a table with a row for each file."""
    lines = ["| File | Read as | What became of it |", "|---|---|---|"]
    lines += [_row(path, root) for path in paths]
    return "\n".join(lines)


def _row(path: Path, root: Path) -> str:
    found = received(path)
    formats = {made.format for _, made in found if isinstance(made, Received)}
    what = " / ".join(dict.fromkeys(_words(made) for _, made in found))
    if len(found) > 1:
        count = sum(isinstance(made, Received) for _, made in found)
        what = f"{count} of {len(found)} messages read: {what}"
    if len(what) > 320:
        what = what[:320].rpartition(" / ")[0] + " / ..."
    name = ", ".join(sorted(formats)) or "refused"
    return f"| `{path.relative_to(root)}` | {name} | {what} |"


def _words(made: Received | IntakeError) -> str:
    if isinstance(made, IntakeError):
        return str(made).replace("|", "/")
    incident = made.incident
    # No counts: each new kind of observable would change the page.
    sides = {str(each.role) for each in incident.observables}
    parts = [f"`{incident.classification}`", f"TLP {incident.tlp}"]
    parts += [f"observables of: {', '.join(sorted(sides))}"] if sides else []
    parts += ["names victims"] if incident.victims else []
    return "; ".join(parts)


def page(text: str) -> str:
    """Return the manual's page with its tables as they should be now."""
    text = _between(text, _OWN, table(samples(), SAMPLES))
    text = _between(text, _ROUND, round_trip.table())
    if public():
        text = _between(text, _PUBLIC, table(public(), PUBLIC))
    return text


def _between(text: str, marks: tuple[str, str], content: str) -> str:
    before, _, rest = text.partition(marks[0])
    _, _, after = rest.partition(marks[1])
    assert after, f"{PAGE} has no {marks[1]}"
    return f"{before}{marks[0]}\n{content}\n{marks[1]}{after}"


def write() -> str:
    """Write everything that is generated; return what was done."""
    EXPECTED.mkdir(exist_ok=True)
    for old in EXPECTED.glob("*.json"):
        old.unlink()
    for path in samples():
        file = EXPECTED / f"{path.name}.json"
        file.write_text(accepted_of(path), encoding="utf-8")
    PAGE.write_text(page(PAGE.read_text("utf-8")), encoding="utf-8")
    return "".join(_said())


def _said() -> Iterator[str]:
    yield f"{len(samples())} accepted results in {EXPECTED}\n"
    if not public():
        yield "the public samples are not here: their table stays as it is\n"
