"""What the commands that only look have in common: rulebook, incident and keys.

Files named on the command line -> a `Rulebook`, a `Received` incident, `Keys` and the
previews of every recipient. No network and no store.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from shlex import quote
from typing import Final

from broker import keyring, pipeline, strict_yaml
from broker.cli import terminal
from broker.cli.input_files import by_ending, read_tables, shown
from broker.cli.moment import words
from broker.cli.terminal import ExitCode
from broker.errors import IntakeError
from broker.intake import FORMATS, MAX_BYTES, is_future, refuse_future
from broker.intake.split import pieces
from broker.keys import Keys
from broker.model.agreement import Safeguards
from broker.pipeline import Previewed, Received
from broker.prove.never import proved
from broker.rulebook import Rulebook
from broker.settings import Settings, read_rulebook_files, read_settings

_SAFEGUARDS: Final = "policies/safeguards.yaml"


@dataclass(frozen=True, slots=True)
class Looked:
    """An incident and what each recipient would get of it."""

    received: Received
    rulebook: Rulebook
    keys: Keys
    previews: tuple[Previewed, ...]
    safeguards: Safeguards
    now: datetime


def look_at(
    file: Path,
    format_name: str | None,
    recipient: str | None,
    at: datetime | None = None,
) -> Looked:
    """Read an incident and find out what it would become, for one recipient or all.

    ``at`` is the moment to look at it, instead of now.

    Ends the command when the file is no incident.

    Raises:
        RulebookError: the policies or mappings are wrong.
        SettingsError: a folder or key is missing or wrong.
    """
    # One byte more than is taken: a file of many gigabytes must not fill the memory.
    raw = terminal.read_input(file, most=MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        problem = f"it has more than {MAX_BYTES} bytes, and no more are taken"
        terminal.stop(ExitCode.NO, f"{shown(file)}: {problem}")
    said = format_name or by_ending(file, raw)
    try:
        return look_at_bytes(raw, read_settings(), said, recipient, at)
    except IntakeError as problem:
        seen = f"; seen from {words(at)}" if at and is_future(problem) else ""
        seen += _one_of_several(file, raw, said)
        terminal.stop(ExitCode.NO, f"{shown(file)}: {problem}{seen}")


def _one_of_several(file: Path, raw: bytes, format_name: str | None) -> str:
    """Return how to look at one incident of a file, if it holds several."""
    several = list(islice(pieces(raw, read_tables(), format_name), 2))
    if len(several) < 2 or shown(file) != str(file):
        return ""
    one = f"besa convert {quote(str(file))} | sed -n 1p | besa preview -"
    return f"; to look at the first: {one}"


def look_at_bytes(
    raw: bytes,
    settings: Settings,
    format_name: str | None = None,
    recipient: str | None = None,
    at: datetime | None = None,
) -> Looked:
    """Find out what an incident would become; see `look_at`.

    Raises:
        IntakeError: it is no incident.
        RulebookError, SettingsError: as `look_at`.
    """
    files = _rulebook_files(settings)
    book = proved(files)
    known = sorted({route.recipient.recipient for route in book.routes})
    if recipient is not None and recipient not in known:
        terminal.wrong_usage(
            f"no agreement names the recipient {recipient}; "
            f"there are {', '.join(known)}"
        )
    content_type = FORMATS[format_name][0] if format_name else None
    clock = datetime.now(UTC)
    now = at or clock
    received = pipeline.receive(raw, content_type, rulebook=book, now=now)
    keys = _keys(settings, known)
    previews = pipeline.preview(received, rulebook=book, keys=keys, now=now)
    # A recipient has one agreement at a time: one that another follows has no say.
    chosen = tuple(
        shown
        for shown in previews
        if recipient in (None, shown.route.recipient.recipient)
        and not shown.share.aside
    )
    if at is not None:
        _note_future(received, clock)
    return Looked(received, book, keys, chosen, _safeguards(files), now)


def _note_future(received: Received, clock: datetime) -> None:
    """Say so when a revision would not be taken yet, only at the moment looked at."""
    try:
        refuse_future(received.incident, clock)
    except IntakeError as problem:
        terminal.note(f"if it were published now, it would be refused: {problem}")


def read_rulebook() -> Rulebook:
    """Read the rulebook that the settings point to.

    Raises:
        RulebookError: it has mistakes; carries all of them.
        SettingsError: a folder is missing.
    """
    return proved(_rulebook_files(read_settings()))


def _rulebook_files(settings: Settings) -> dict[str, bytes]:
    return read_rulebook_files(settings.policies_folder, settings.mappings_folder)


def _safeguards(files: dict[str, bytes]) -> Safeguards:
    """Return the safeguards in words; the rulebook holds them ready to be asked."""
    document = strict_yaml.parse(_SAFEGUARDS, files[_SAFEGUARDS])
    return strict_yaml.load(document, Safeguards)


def _keys(settings: Settings, recipients: list[str]) -> Keys:
    if keyring.are_closed(settings.keys_folder):
        # An analyst need not hold the keys of the consume zone in order to look.
        why = f"you may not read the keys in {settings.keys_folder}"
        remedy = "they belong to the consume zone"
    elif keyring.exist(settings.keys_folder):
        return keyring.read_keys(settings.keys_folder, recipients)
    else:
        why, remedy = "there are no keys yet", "`besa keys create` makes keys"
    terminal.note(f"{why}, so pseudonyms and ids are samples ({remedy})")
    return keyring.sample_keys(recipients)
