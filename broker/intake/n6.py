"""Reads an n6 event: one object of n6's REST interface or of its stream.

n6's JSON -> `Parsed`. Keys follow the description of n6's REST interface.

Invariants: addresses that n6 has anonymised are not taken. The restriction says who may
see an event in n6; what that allows is said in ``mappings/taxonomy/n6.yaml``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from broker.intake.draft import Draft
from broker.intake.message import start
from broker.intake.node import Node
from broker.intake.parsed import Parsed
from broker.model.incident import Role, Status
from broker.model.mapping import Tables

# STIX 2.1, appendix A: the middle of each step of "low, medium, high".
CONFIDENCE: Final = {"low": 15, "medium": 50, "high": 85}
_HASHES: Final = ("md5", "sha1", "sha256")
_LEAK: Final = "information-content-security/data-leak"
_ENDED: Final = frozenset({"bl-delist", "bl-expire"})


def read(raw: bytes, tables: Tables) -> Parsed:
    """Read one n6 event.

    Raises:
        IntakeError: it is not one JSON object with id and time.
    """
    event, draft = start("n6", raw, tables)
    number = event.needed("id", event.line("id"), "n6 gives each event an id")
    draft.classify("category", event.word("category"))
    occurred = event.moment("time")
    modified = event.moment("modified") or occurred
    revised_at = event.needed("time", modified)
    draft.when("occurred_from", "time", occurred)
    draft.when("occurred_until", "until", event.moment("until"))
    draft.mark("restriction", event.word("restriction"))
    draft.confidence = _confidence(event)
    if event.word("type") in _ENDED:
        draft.status = Status.CLOSED
    with draft.together():
        _source(event, draft, occurred)
    with draft.together():
        _target(event, draft)
    _people(event, draft)
    with draft.together():
        for name in _HASHES:
            draft.observe(name, event.line(name), name, Role.ATTACKER)
    draft.tell(event.line("name"))
    if replaced := event.line("replaces"):
        draft.relate(draft.uid_of(replaced, "replaces"), "replaces", "replaces")
    event.skip("about the feed", "source", "origin", "client", "rid")
    event.skip("no place in an incident", "proto", "status", "expires", "count")
    event.rest()
    return draft.finish(
        draft.uid_of(number, "id"), revised_at, sender_id=number, path="time"
    )


def _confidence(event: Node) -> int | None:
    word = event.word("confidence")
    if word and word not in CONFIDENCE:
        event.note("confidence", "not low, medium or high")
    return CONFIDENCE.get(word)


def _source(event: Node, draft: Draft, seen: datetime | None) -> None:
    role = draft.sides.source
    for address in event.nodes("address"):
        for key in ("ip", "ipv6"):
            path = address.at(key)
            draft.observe_host(address.line(key), path, role, first=seen)
        draft.observe("asn", address.line("asn"), address.at("asn"), role)
        address.skip("about the network", "cc", "dir", "rdns")
        address.rest()
    draft.observe_host(event.line("fqdn"), "fqdn", role, first=seen)
    draft.observe("url", event.text("url"), "url", role, first=seen)
    draft.observe("port", event.line("sport"), "sport", role)
    draft.observe("mac", event.line("mac_address"), "mac_address", role)
    draft.observe("user-agent", event.line("user_agent"), "user_agent", role)


def _target(event: Node, draft: Draft) -> None:
    role = draft.sides.target
    draft.observe_host(event.line("dip"), "dip", role)
    draft.observe("port", event.line("dport"), "dport", role)
    draft.name_victim(event.line("target"))
    event.skip("anonymised by n6", "adip")


def _people(event: Node, draft: Draft) -> None:
    # n6 does not say whose they are, except that what leaked was its owner's.
    role = Role.VICTIM if draft.classification == _LEAK else Role.UNKNOWN
    draft.observe("email", event.line("email"), "email", role)
    draft.observe_account(event.line("username"), "username", role)
    draft.observe("iban", event.line("iban"), "iban", role)
    draft.observe("phone", event.line("phone"), "phone", role)
