"""Reads a ticket of RTIR, as the REST interface of Request Tracker 5 (REST2) shows it.

RTIR's JSON -> `Parsed`. Custom fields are those that RTIR brings along. Older versions
of REST2 write each as a key ``CF.Name``, newer ones all as a list ``CustomFields``.

Invariants: a requestor told the CSIRT and is nobody's victim by that; of a customer
RTIR does not say on which side they are, so that they are left behind.
"""

from __future__ import annotations

from typing import Final

from broker.intake.draft import Draft, reporter_of
from broker.intake.message import start
from broker.intake.node import Node
from broker.intake.parsed import Parsed
from broker.intake.values import networks
from broker.model.incident import Status
from broker.model.mapping import Tables

_CLOSED: Final = frozenset({"resolved", "closed"})
_WITHDRAWN: Final = frozenset({"rejected", "abandoned", "deleted"})
_PREFIXES: Final = ("cf.", "customfield.")
_HOSTS: Final = frozenset({"ip", "domain", "url", "hostname"})
# What RTIR 5 calls the field, and what a CSIRT may call its own.
_CVES: Final = frozenset({"cve id", "cve"})
_LINKS: Final = ("_hyperlinks", "_url", "type", "Type", "InitialPriority",
                 "FinalPriority", "EffectiveId", "SLA")  # fmt: skip
# How RT writes a date that nobody has set.
_NEVER: Final = "1970-01-01T00:00:00Z"


def read(raw: bytes, tables: Tables) -> Parsed:
    """Read one ticket.

    Raises:
        IntakeError: it is not one JSON object with id, Subject and LastUpdated.
    """
    ticket, draft = start("rtir", raw, tables)
    number = ticket.needed("id", ticket.line("id"))
    draft.title = ticket.needed("Subject", ticket.text("Subject"))
    created = ticket.moment("Created")
    updated = ticket.moment("LastUpdated") or created
    revised_at = ticket.needed("LastUpdated", updated)
    draft.when("reported", "Created", created)
    if ticket.raw("Starts") != _NEVER:
        draft.when("occurred_from", "Starts", ticket.moment("Starts"))
    state = ticket.word("Status")
    if state in _CLOSED:
        draft.status = Status.CLOSED
    elif state in _WITHDRAWN:
        draft.status = Status.WITHDRAWN
    _requestor(ticket, draft)
    _custom_fields(ticket, draft)
    draft.tell(ticket.text("Description"))
    ticket.skip(
        "about the people who work on it", "Owner", "Creator", "LastUpdatedBy", "Cc",
        "AdminCc",
    )  # fmt: skip
    ticket.skip(
        "no place in an incident", "Queue", "Priority", "Due", "Started", "Resolved",
        "Told", "TimeWorked", "TimeLeft", "TimeEstimated",
    )  # fmt: skip
    ticket.about_the_message(*_LINKS)
    ticket.rest()
    uid = draft.uid_of(number, "id")
    return draft.finish(uid, revised_at, sender_id=number, path="LastUpdated")


def _requestor(ticket: Node, draft: Draft) -> None:
    for person in ticket.nodes("Requestor"):
        name = person.line("id") or person.line("Name")
        mail = name if name and "@" in name else None
        if person.word("type") == "group":
            # Its id is a number in RT and nobody's name.
            draft.left.note(person.path, "a group, not a person")
        elif draft.reporter is None:
            draft.reporter = reporter_of(None if mail else name, email=mail)
        else:
            draft.left.note(person.path, "a second requestor")
        person.about_the_message("type", "_url")
        person.rest()


def _custom_fields(ticket: Node, draft: Draft) -> None:
    found = []
    for field in ticket.nodes("CustomFields"):
        found.append((field.word("name"), field, "values"))
        field.about_the_message("id", "type", "_url")
    for key in [key for key in ticket.value if key.lower().startswith(_PREFIXES)]:
        name = key.partition(".")[2].strip("{}").lower()
        found.append((name, ticket, key))
    # Whose an address is follows the classification.
    _classify([each for each in found if each[0] == "classification"], draft)
    for name, field, key in found:
        if name != "classification":
            _custom_field(field, key, name, draft)
        if field is not ticket:
            field.rest()


def _classify(found: list[tuple[str, Node, str]], draft: Draft) -> None:
    words = []
    for _, field, key in found:
        words += [text for _, text in field.texts(key)]
    if words:
        draft.classify_by_all("Classification", words)


def _custom_field(field: Node, key: str, name: str, draft: Draft) -> None:
    # The name of a custom field may be anything, so the path has its place instead.
    path = f"{field.path}.{key}" if key == "values" else "CF"
    found = [
        text for _, text in Node({"v": field.raw(key)}, path, draft.left).texts("v")
    ]
    if name in _HOSTS:
        for value in found:
            for host in networks(value):
                draft.observe_host(host, path, draft.sides.source)
    elif name in _CVES:
        for value in found:
            draft.observe("cve", value, path)
    elif name == "tlp":
        for value in found:
            draft.mark(path, value)
    elif name == "description":
        for value in found:
            draft.tell(value)
    elif found:
        draft.left.note(path, _why(name))


def _why(name: str) -> str:
    if name == "customer":
        return "on which side a customer is, is not said"
    return "a custom field without a meaning here"
