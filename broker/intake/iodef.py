"""Reads an IODEF 2 document, as XML (RFC 7970) and as JSON (RFC 8727), which say alike.

IODEF -> `Parsed`. The classes are those of RFC 7970, section 3; `iodef_parts` has those
that are about hosts and files.

Invariants: a part whose restriction is stricter than the incident's is left behind,
because an incident has one marking for everything in it; nobody becomes a victim
without the role of one; additional data and records can hold anything and are never
taken.
"""

from __future__ import annotations

from typing import Any, Final

from broker.errors import IntakeError
from broker.intake.draft import Draft, reporter_of
from broker.intake.iodef_parts import admit, event_data, indicators, prose
from broker.intake.iodef_xml import document_of
from broker.intake.message import draft_of, object_of
from broker.intake.n6 import CONFIDENCE
from broker.intake.node import LONGEST_TEXT, Node
from broker.intake.parsed import Parsed
from broker.intake.xarf4 import loss_of
from broker.model.incident import Contacts, PartyKind, Status, Victim
from broker.model.mapping import Tables

_TABLE: Final = "iodef"
_VICTIMS: Final = frozenset({"victim", "victim-notified"})
_TIMES: Final = {
    "occurred_from": "StartTime",
    "occurred_until": "EndTime",
    "detected": "DetectTime",
    "reported": "ReportTime",
}
_MOST_CONTACTS_DEEP: Final = 8


def read_xml(raw: bytes, tables: Tables) -> Parsed:
    """Read one IODEF document in XML (RFC 7970).

    Raises:
        IntakeError: it is not safe XML, or not one incident with an id and a time.
    """
    draft = draft_of("iodef-xml", raw, tables, _TABLE)
    return _read(document_of(raw), draft)


def read_json(raw: bytes, tables: Tables) -> Parsed:
    """Read one IODEF document in JSON (RFC 8727).

    Raises:
        IntakeError: it is not one JSON object with one incident, an id and a time.
    """
    draft = draft_of("iodef-json", raw, tables, _TABLE)
    return _read(object_of(raw), draft)


def _read(value: dict[str, Any], draft: Draft) -> Parsed:
    document = Node(value, "", draft.left)
    found = list(document.nodes("Incident"))
    if len(found) != 1:
        problem = f"it holds {len(found)} incidents instead of one"
        raise IntakeError("Incident", problem, "publish each in a document of its own")
    incident = found[0]
    draft.speak(document.line("lang"), "lang")
    document.about_the_message(
        "version", "format-id", "private-enum-name", "private-enum-id", "schemaLocation"
    )
    document.skip("can hold anything", "AdditionalData")
    document.rest()
    return _incident(incident, draft)


def _incident(incident: Node, draft: Draft) -> Parsed:
    number, place = _id(incident)
    generated = incident.moment("GenerationTime")
    reported = incident.moment("ReportTime")
    # One that is there and cannot be used, or stands twice, is no reason to guess.
    said = generated if incident.has("GenerationTime") else reported
    revised_at = incident.needed("GenerationTime", said)
    draft.speak(incident.line("lang"), incident.at("lang"))
    # RFC 7970, 3.3.1: without a restriction, the parties have agreed on one elsewhere.
    draft.mark(incident.at("restriction"), incident.word("restriction"))
    draft.when("reported", incident.at("ReportTime"), reported)
    for name, key in _TIMES.items():
        draft.when(name, incident.at(key), incident.moment(key))
    if incident.word("status") == "resolved":
        draft.status = Status.CLOSED
    _assessments(incident, draft)
    for text in prose(incident, "Description", LONGEST_TEXT):
        draft.tell(text)
    for contact in incident.nodes("Contact"):
        _contact(contact, draft, 0)
    for event in incident.nodes("EventData"):
        event_data(event, draft, 0)
    indicators(incident, draft)
    _related(incident, draft)
    _leave(incident)
    uid = draft.uid_of(number, place, _TABLE)
    path = incident.at("GenerationTime")
    return draft.finish(uid, revised_at, sender_id=number, path=path)


def _id(incident: Node) -> tuple[str, str]:
    path = incident.at("IncidentID")
    for found in incident.nodes("IncidentID"):
        number = found.line("id") or found.line("value")
        name = found.line("name")
        instance = found.line("instance")
        found.about_the_message("restriction")
        found.rest()
        if number and name:
            whole = "/".join(part for part in (name, number, instance) if part)
            return whole, path
    raise IntakeError(path, "is missing, or has no name", "RFC 7970 demands both")


def _assessments(incident: Node, draft: Draft) -> None:
    impacts: list[str] = []
    business: set[str] = set()
    for assessment in incident.nodes("Assessment"):
        if not admit(assessment, draft):
            continue
        if assessment.word("occurrence") == "potential":
            assessment.note("occurrence", "what could happen is not what happened")
            continue
        _severity(assessment, draft)
        for category in prose(assessment, "IncidentCategory"):
            impacts.append(category)
        for impact in assessment.nodes("SystemImpact"):
            if impact.word("completion") == "failed":
                impact.note("completion", "an impact that failed")
            elif word := impact.word("type"):
                impacts.append(word)
            _severity(impact, draft)
            impact.about_the_message("lang", "Description", "ext-type")
            impact.rest()
        for impact in assessment.nodes("BusinessImpact"):
            business.add(impact.word("type"))
            _severity(impact, draft)
            impact.about_the_message("lang", "Description", "ext-type")
            impact.rest()
        _loss(assessment, draft)
        _confidence(assessment, draft)
        assessment.skip(
            "no place in an incident", "TimeImpact", "IntendedImpact", "Cause",
            "Counter", "MitigatingFactor", "AdditionalData",
        )  # fmt: skip
        assessment.rest()
    _classify(incident, draft, impacts, business)


def _classify(
    incident: Node, draft: Draft, impacts: list[str], business: set[str]
) -> None:
    path = incident.at("Assessment")
    words = []
    # Only what the table has a row for: a message may name very many of both.
    ends = {row[at + 1 :] for row in draft.table.classification for at in _blanks(row)}
    others = sorted(business & ends)
    for word in impacts:
        together = [f"{word} {other}" for other in others]
        known = [both for both in together if both in draft.table.classification]
        words.append(known[0] if known else word)
    draft.classify_by_all(path, words)


def _blanks(text: str) -> list[int]:
    return [at for at, letter in enumerate(text) if letter == " "]


def _severity(node: Node, draft: Draft) -> None:
    word = node.word("severity")
    level = draft.table.severity.get(word)
    if level is not None:
        draft.severity = max(draft.severity, level, key=lambda each: each.rank)
    elif word:
        node.note("severity", "not a severity")


def _loss(assessment: Node, draft: Draft) -> None:
    for impact in assessment.nodes("MonetaryImpact"):
        _severity(impact, draft)
        amount = impact.line("value")
        loss = loss_of(amount, impact.line("currency") or "")
        if loss is None or draft.financial_loss is not None:
            impact.note("value", "not an amount with a currency, or a second one")
        else:
            draft.financial_loss = loss
        impact.rest()


def _confidence(assessment: Node, draft: Draft) -> None:
    for found in assessment.nodes("Confidence"):
        word = found.word("rating")
        if word == "numeric":
            draft.confidence = found.number("value", 0, 100)
        elif word in CONFIDENCE or word == "med":
            draft.confidence = CONFIDENCE.get(word, CONFIDENCE["medium"])
            found.about_the_message("value")
        found.rest()


def _contact(contact: Node, draft: Draft, depth: int) -> None:
    if not admit(contact, draft):
        return
    role = contact.word("role")
    person = contact.word("type") == "person"
    names = prose(contact, "ContactName")
    name = names[0] if names else None
    mail = _first(contact, "Email", "EmailTo")
    phone = _first(contact, "Telephone", "TelephoneNumber")
    address = _first(contact, "PostalAddress", "PAddress")
    if role in _VICTIMS:
        draft.victims.append(
            Victim(
                kind=PartyKind.PERSON if person else PartyKind.ORGANISATION,
                name=name,
                contacts=Contacts(email=mail, phone=phone, address=address),
            )
        )
    elif role == "reporter" and draft.reporter is None:
        draft.reporter = reporter_of(
            name if person else None, None if person else name, mail, phone
        )
    elif role != "creator":
        draft.left.note(contact.path, "neither a victim nor who reported it")
    contact.skip(
        "no place in an incident", "RegistryHandle", "Timezone", "ContactTitle"
    )
    contact.skip("can hold anything", "AdditionalData", "Description")
    if depth < _MOST_CONTACTS_DEEP:
        for inner in contact.nodes("Contact"):
            _contact(inner, draft, depth + 1)
    contact.rest()


def _first(contact: Node, key: str, inner: str) -> str | None:
    found = None
    for part in contact.nodes(key):
        texts = prose(part, inner)
        if texts and found is None:
            found = texts[0]
        elif texts:
            part.note(inner, "more than a party has room for")
        part.about_the_message("type", "Description", "ext-type")
        part.rest()
    return found


def _related(incident: Node, draft: Draft) -> None:
    for related in incident.nodes("RelatedActivity"):
        if not admit(related, draft):
            continue
        for other in related.nodes("IncidentID"):
            number, name = other.line("id") or other.line("value"), other.line("name")
            if number and name:
                path = other.path
                draft.relate(draft.uid_of(f"{name}/{number}", path, _TABLE), path)
            other.about_the_message("instance", "restriction")
            other.rest()
        related.skip(
            "no place in an incident", "URL", "ThreatActor", "Campaign", "Confidence",
            "IndicatorID", "Description", "AdditionalData", "Reference",
        )  # fmt: skip
        related.rest()


def _leave(incident: Node) -> None:
    incident.skip("can hold anything", "AdditionalData")
    incident.skip("what was done, not what happened", "History", "Expectation")
    incident.skip("no place in an incident", "Method", "Discovery", "RecoveryTime")
    incident.skip("other ids of the sender", "AlternativeID")
    incident.about_the_message(
        "purpose", "ext-purpose", "ext-status", "ext-restriction", "observable-id"
    )
    incident.rest()
