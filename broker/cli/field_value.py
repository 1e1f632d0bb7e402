"""What stands in a field of an incident, read again from where it was published.

A path such as ``observables[2]`` -> the item as text. Only who may read the source can
do this: it is the incident as it came, without any redaction.
"""

from __future__ import annotations

import re
from typing import Any, Final

from broker import pipeline
from broker.canonical import dumps
from broker.cli import terminal
from broker.cli.consuming import read_again
from broker.cli.terminal import ExitCode
from broker.errors import IntakeError
from broker.model.feedback import Feedback
from broker.pipeline import Received
from broker.rulebook import build
from broker.settings import Settings, read_rulebook_files
from broker.source import Gone
from broker.store import Store

_STEP: Final = re.compile(r"([a-z_]+)(?:\[(\d+)\])?")


def field_value(settings: Settings, store: Store, one: Feedback) -> str:
    """Return the items that feedback is about; ends the command if they are gone.

    Raises:
        RulebookError: the mappings, by which messages are read, have mistakes.
        SourceError: the source does not answer.
    """
    received = _received(settings, store, one)
    if received is None:
        terminal.stop(ExitCode.NO, "the source does not have the incident any more")
    fields = received.incident.model_dump(mode="json", exclude_none=True)
    return "; ".join(_at(fields, path) for path in one.field.split(", "))


def _received(settings: Settings, store: Store, one: Feedback) -> Received | None:
    """Return the revision that feedback is about, if the source still has it."""
    known = store.hearing.revisions_of(one.uid, one.agreement, one.edition)
    revision = next((each for each in known if each.revision == one.revision), None)
    if revision is None:
        return None
    files = read_rulebook_files(settings.policies_folder, settings.mappings_folder)
    try:
        message = read_again(settings, revision.position)
        received = pipeline.receive(
            message.body,
            message.content_type,
            rulebook=build(files),
            topic=message.position.topic,
        )
    except (Gone, IntakeError):
        return None
    return received if received.sha256 == revision.incident_sha256 else None


def _at(fields: Any, path: str) -> str:
    step = _STEP.fullmatch(path)
    found = fields.get(step[1]) if step else None
    if step and step[2] and isinstance(found, list):
        found = found[int(step[2])]
    value = found.get("value") if isinstance(found, dict) else None
    return str(value) if value is not None else dumps(found).decode()
