"""What something that was said is about: as it was sent, and as it was published.

A UUID at the recipient -> the redacted value, from the outbox; a path such as
``observables[2]`` -> the item itself, from the source. The latter is for those who may
read the source: it is the incident as it came, without any redaction.
"""

from __future__ import annotations

import re
from typing import Any, Final

from broker import pipeline
from broker.canonical import dumps, loads
from broker.cli import terminal
from broker.cli.consuming import read_again
from broker.errors import IntakeError
from broker.feedback import GONE
from broker.model.feedback import Feedback
from broker.pipeline import Received
from broker.rulebook import build
from broker.settings import Settings, read_rulebook_files
from broker.source import Gone
from broker.store import Store

_STEP: Final = re.compile(r"([a-z_]+)(?:\[(\d+)\])?")


def sent_value(store: Store, one: Feedback) -> str:
    """Return what feedback is about as the recipient has it; empty if it is no value.

    Raises:
        StoreError: the store cannot be read.
    """
    sealed = store.hearing.sent(one)
    return _value_of(loads(sealed), one.about) if sealed else ""


def _value_of(thing: Any, about: str) -> str:
    """Find the thing with a UUID, in an event or a bundle, and return its value."""
    parts = thing if isinstance(thing, list) else []
    if isinstance(thing, dict):
        named = str(thing.get("uuid") or thing.get("id") or "")
        said = thing.get("value") or thing.get("pattern")
        if named.endswith(about) and said:
            return str(said)
        parts = list(thing.values())
    found = (_value_of(part, about) for part in parts if isinstance(part, dict | list))
    return next((text for text in found if text), "")


def field_value(settings: Settings, store: Store, one: Feedback) -> str:
    """Return the items that feedback is about, as published; empty if they are gone.

    Raises:
        RulebookError: the mappings, by which messages are read, have mistakes.
        SourceError: the source does not answer.
    """
    received = _received(settings, store, one) if one.field else None
    if received is None:
        terminal.note(one.note or GONE)
        return ""
    fields = received.incident.model_dump(mode="json", exclude_none=True)
    return "; ".join(_at(fields, path) for path in one.field.split(", "))


def _received(settings: Settings, store: Store, one: Feedback) -> Received | None:
    """Return the revision that feedback is about, if the source still has it."""
    known = store.hearing.revisions_of(one.uid, one.recipient, one.edition)
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
