"""Reads a MISP event, as MISP exports and publishes it, into an incident.

MISP's JSON -> `Parsed`. ``docs/sources.md`` has the table of what becomes of each part.

Invariants: without a TLP tag an event is TLP:RED, because nobody gave leave to share;
without a classification that its tags agree on it is ``other/undetermined``, which a
person must look at. Nothing is taken that is not understood; what was not is noted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from broker import canonical
from broker.errors import IntakeError
from broker.intake import misp_fields as fields
from broker.intake import misp_tags as tags
from broker.intake.groups import settled
from broker.intake.message import refuse_twice
from broker.intake.misp_fields import Json
from broker.intake.misp_galaxies import GALAXY, take_galaxies
from broker.intake.misp_parties import ABOUT_SOMEBODY, take_party
from broker.intake.misp_parts import (
    LONGEST_LINE,
    LONGEST_TEXT,
    Frame,
    Reading,
    tag_names,
)
from broker.intake.misp_types import index
from broker.intake.parsed import Parsed
from broker.intake.wrong import not_json
from broker.model.incident import Incident, Origin, Relation, Status, Times
from broker.model.mapping import ObservableKind
from broker.model.marking import Pap, Severity, Tlp

_ROOT: Final = "Event"

# threat_level_id of MISP; 4 is "undefined", which is not "low".
_SEVERITY: Final = {1: Severity.HIGH, 2: Severity.MEDIUM, 3: Severity.LOW}

_COMPLETED: Final = 2  # analysis of MISP: 0 initial, 1 ongoing, 2 completed

# Read elsewhere in this file, or about the server that the event stood on and not about
# the incident.
_SETTLED: Final = frozenset(
    """
    uuid timestamp info date threat_level_id analysis distribution sharing_group_id
    extends_uuid Tag Attribute Object Galaxy ShadowAttribute Org Orgc SharingGroup id
    org_id orgc_id published publish_timestamp sighting_timestamp attribute_count
    disable_correlation locked proposal_email_lock event_creator_email protected
    """.split()  # noqa: SIM905 - words are read more easily as words
)

# Left behind on purpose: automatic, other people's judgement, or prose without a type.
_NOT_TAKEN: Final = {
    "EventReport": "reports are not taken",
    "RelatedEvent": "correlations are MISP's own guess",
    "Feed": "correlations are MISP's own guess",
    "Sighting": "sightings are not taken",
    "CryptographicKey": "signatures are not checked",
}
_FIELD_NAME: Final = re.compile(r"[A-Za-z_]{1,40}", re.ASCII)


def read(raw: bytes, kinds: Mapping[str, ObservableKind]) -> Parsed:
    """Read one MISP event.

    Args:
        raw: the event as JSON: bare, in ``Event``, or alone in ``response``.
        kinds: the observables table.

    Raises:
        IntakeError: it is not one MISP event with uuid, timestamp and info.
    """
    event = _unwrap(raw)
    reading = Reading(index(kinds))
    names = tag_names(event, _ROOT)
    incident = _incident(event, names, reading, kinds)
    _note_the_rest(event, names, reading)
    origin = Origin(
        format="misp-event", id=incident.uid, sha256=canonical.sha256_hex(raw)
    )
    return Parsed(incident.model_copy(update={"origin": origin}), reading.left.notes())


def _unwrap(raw: bytes) -> Json:
    try:
        found = canonical.loads(raw)
    except ValueError as error:
        raise not_json(raw, error) from None
    refuse_twice(raw, found)
    if isinstance(found, dict) and "response" in found:
        found = found["response"]
    if isinstance(found, list):
        if len(found) != 1:
            problem = f"it holds {len(found)} events instead of one"
            raise IntakeError("", problem, "publish each event by itself")
        found = found[0]
    if isinstance(found, dict) and "Event" in found:
        found = found["Event"]
    if not isinstance(found, dict) or not {"info", "timestamp"} & found.keys():
        raise IntakeError("", "it is not a MISP event", "expected an object with Event")
    return found


def _incident(
    event: Json,
    names: tuple[str, ...],
    reading: Reading,
    kinds: Mapping[str, ObservableKind],
) -> Incident:
    revised_at = fields.moment(event, "timestamp", _ROOT)
    frame = Frame(
        tags.tlp(names) or Tlp.RED,
        tags.pap(names) or Pap.AMBER,
        _distribution(event),
        fields.number(event, "sharing_group_id", _ROOT) or 0,
    )
    said: dict[str, Any] = {
        "uid": fields.uuid(event, "uuid", _ROOT),
        "revision": int(revised_at.timestamp()),
        "revised_at": revised_at,
        "status": _status(event, names),
        "title": _title(event, reading),
        "classification": tags.classification(names),
        "severity": _severity(event),
        "tlp": frame.tlp,
        "pap": frame.pap,
        "times": Times(detected=fields.day(event, "date", _ROOT)),
        "relations": _relations(event),
    }
    for number, item in enumerate(fields.items(event, "Attribute", _ROOT)):
        reading.take(item, f"{_ROOT}.Attribute[{number}]", frame)
    for number, item in enumerate(fields.items(event, "Object", _ROOT)):
        _take_object(reading, item, f"{_ROOT}.Object[{number}]", frame, revised_at)
    take_galaxies(reading, event, _ROOT, frame, kinds)
    return _build(said, reading)


def _take_object(
    reading: Reading, item: Json, path: str, frame: Frame, revised_at: datetime
) -> None:
    inner = reading.admit(item, path, frame)
    if inner is None:
        return
    if fields.text(item, "name", path) in ABOUT_SOMEBODY:
        take_party(reading, item, path, inner, revised_at)
        return
    about = fields.text(item, "comment", path)
    about = about if len(about) <= LONGEST_TEXT and "\0" not in about else ""
    reading.begin_group()
    for number, attribute in enumerate(fields.items(item, "Attribute", path)):
        place = f"{path}.Attribute[{number}]"
        if reading.admit(attribute, place, inner) is None:
            continue
        content = reading.content(attribute, place)
        if content is not None:
            reading.observe(attribute, place, *content, about=about)
    reading.group = None


def _build(said: dict[str, Any], reading: Reading) -> Incident:
    prose = "\n\n".join(reading.prose)
    if len(prose) > LONGEST_TEXT:
        reading.left.note("description", f"cut after {LONGEST_TEXT} characters")
    try:
        return Incident(
            **said,
            description=prose[:LONGEST_TEXT] or None,
            victims=tuple(reading.victims),
            suspects=tuple(reading.suspects),
            observables=settled(reading.observables),
            affected_systems=tuple(reading.systems),
            references=tuple(reading.references),
        )
    except ValidationError as error:
        # INVARIANT: every field was checked with its place in the event before.
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise IntakeError(place, "is not possible in an incident") from None


def _title(event: Json, reading: Reading) -> str:
    info = fields.text(event, "info", _ROOT)
    if not info or "\0" in info:
        raise IntakeError(f"{_ROOT}.info", "is empty or holds a NUL")
    if len(info) > LONGEST_LINE:
        # The whole of it stays: the description begins with it.
        reading.prose.append(info)
        return info[: LONGEST_LINE - 1] + "…"
    return info


def _status(event: Json, names: tuple[str, ...]) -> Status:
    if tags.REJECTED in names:
        return Status.WITHDRAWN
    analysis = fields.number(event, "analysis", _ROOT)
    return Status.CLOSED if analysis == _COMPLETED else Status.OPEN


def _severity(event: Json) -> Severity:
    level = fields.number(event, "threat_level_id", _ROOT)
    return Severity.MEDIUM if level is None else _SEVERITY.get(level, Severity.MEDIUM)


def _distribution(event: Json) -> int:
    said = fields.number(event, "distribution", _ROOT)
    # An event that does not say is as wide as can be, so that every part of it that
    # does say something narrower stays behind.
    return 3 if said is None else said


def _relations(event: Json) -> tuple[Relation, ...]:
    if not event.get("extends_uuid"):
        return ()
    return (Relation(uid=fields.uuid(event, "extends_uuid", _ROOT)),)


def _note_the_rest(event: Json, names: tuple[str, ...], reading: Reading) -> None:
    left = reading.left
    if reading.deleted:
        left.note(_ROOT, f"{reading.deleted} deleted attributes or objects")
    if fields.items(event, "ShadowAttribute", _ROOT):
        left.note(f"{_ROOT}.ShadowAttribute", "proposals are not facts")
    for number, name in enumerate(names):
        if not tags.understood(name) and not name.startswith(GALAXY):
            left.note(f"{_ROOT}.Tag[{number}]", "tag without a meaning here")
    for key, value in event.items():
        if key in _SETTLED or value in (None, "", [], {}):
            continue
        shown = f"{_ROOT}.{key}" if _FIELD_NAME.fullmatch(key) else f"{_ROOT}.?"
        left.note(shown, _NOT_TAKEN.get(key, "field not known"))
