"""Reads an IntelMQ event: JSON with dotted keys, or with objects in their place.

IntelMQ's JSON -> `Parsed`. Keys follow the data harmonisation of IntelMQ 3.

Invariants: whose ``source`` and ``destination`` are depends on the class: of an
infection, the source is the victim. ``raw``, ``output`` and ``extra`` can hold anything
and are never taken. An event has no number of its own, so that its uid is made of its
content and never leaves (`broker.redact`).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from broker.canonical import dumps
from broker.intake.draft import Draft, reporter_of
from broker.intake.message import start
from broker.intake.node import Json, Node
from broker.intake.parsed import Parsed
from broker.model.incident import Role
from broker.model.mapping import Tables

_GROUPS: Final = frozenset(
    {
        "source", "destination", "classification", "event_description", "feed",
        "malware", "misp", "protocol", "time",
    }
)  # fmt: skip
_INNER_GROUPS: Final = (".geolocation", "malware.hash")
_HASHES: Final = ("md5", "sha1", "sha256")
_ABOUT_A_SIDE: Final = tuple(
    """
    abuse_contact allocated as_name geolocation.cc geolocation.city
    geolocation.country geolocation.cymru_cc geolocation.geoip_cc
    geolocation.latitude geolocation.longitude geolocation.region geolocation.state
    registry tor_node urlpath
    """.split()  # noqa: SIM905 - words are read more easily as words
)
_NAME: Final = re.compile(
    r"(source|destination|classification|event_description|feed|malware|misp|"
    r"protocol|time|extra)(\.[a-z][a-z0-9_]{0,30}){1,3}|[a-z][a-z_]{0,30}",
    re.ASCII,
)


def read(raw: bytes, tables: Tables) -> Parsed:
    """Read one IntelMQ event.

    Raises:
        IntakeError: it is not one JSON object, or has no time of observation.
    """
    message, draft = start("intelmq", raw, tables)
    event = Node(_flat(message.value), "", draft.left)
    _classify(event, draft)
    occurred = event.moment("time.source")
    observed = event.moment("time.observation") or occurred
    revised_at = event.needed(
        "time.observation", observed, "IntelMQ sets it when it collects an event"
    )
    draft.when("occurred_from", "time.source", occurred)
    draft.when("reported", "time.observation", observed)
    draft.mark("tlp", event.word("tlp"))
    draft.confidence = event.number("feed.accuracy", 0, 100)
    draft.reporter = reporter_of(organisation=event.line("feed.provider"))
    for side, role in (
        ("source", draft.sides.source),
        ("destination", draft.sides.target),
    ):
        _side(event, draft, side, role, occurred)
    _malware(event, draft)
    _described(event, draft)
    _related(event, draft)
    _leave(event)
    uid = draft.uid_of_content(dumps(event.value))
    return draft.finish(uid, revised_at, sender_id=None, path="time.observation")


def _flat(message: Json) -> Json:
    """Return an event with dotted keys, as which output bots can also write objects."""
    flat: Json = {}
    for key, value in message.items():
        if key in _GROUPS and isinstance(value, dict):
            flat |= {f"{key}.{name}": inner for name, inner in value.items()}
        else:
            flat[key] = value
    # Within them two groups have groups of their own.
    for group in [key for key in flat if key.endswith(_INNER_GROUPS)]:
        if isinstance(flat[group], dict):
            inner = flat.pop(group)
            flat |= {f"{group}.{name}": value for name, value in inner.items()}
    return flat


def _classify(event: Node, draft: Draft) -> None:
    kind = event.word("classification.type")
    named = (event.word("classification.identifier"), event.word("malware.name"))
    # An identifier often says which of two things a type stands for.
    finer = [f"{kind} {name}" for name in named if name]
    if any("ransomware" in name for name in named):
        finer.append(f"{kind} ransomware")
    draft.classify("classification.type", *finer, kind)
    draft.tell(event.line("classification.identifier"))
    event.about_the_message("classification.taxonomy")


def _side(
    event: Node, draft: Draft, side: str, role: Role, seen: datetime | None
) -> None:
    def key(name: str) -> str:
        return f"{side}.{name}"

    with draft.together():
        _place(event, draft, side, role, seen)
    draft.observe_account(event.line(key("account")), key("account"), role)
    draft.observe("asn", event.line(key("asn")), key("asn"), role)
    draft.observe_host(event.line(key("local_ip")), key("local_ip"), role)
    local = event.line(key("local_hostname"))
    if local and not (
        "." in local and draft.observe("hostname", local, key("local_hostname"), role)
    ):
        event.note(key("local_hostname"), "a name without a domain")
    event.skip("about the network", *(key(name) for name in _ABOUT_A_SIDE))


def _place(
    event: Node, draft: Draft, side: str, role: Role, seen: datetime | None
) -> None:
    """Take where a side is: its address, names, pages and port, which are one thing."""

    def key(name: str) -> str:
        return f"{side}.{name}"

    address = event.line(key("ip"))
    draft.observe_host(address, key("ip"), role, first=seen)
    if address:
        event.skip("the address says more", key("network"))
    else:
        draft.observe_host(event.line(key("network")), key("network"), role)
    draft.observe_host(event.line(key("fqdn")), key("fqdn"), role, first=seen)
    draft.observe("url", event.text(key("url")), key("url"), role, first=seen)
    draft.observe("port", event.line(key("port")), key("port"), role)
    name = event.line(key("reverse_dns"))
    draft.observe("hostname", name, key("reverse_dns"), role)


def _malware(event: Node, draft: Draft) -> None:
    with draft.together():
        for name in _HASHES:
            key = f"malware.hash.{name}"
            draft.observe(name, event.line(key), key, Role.ATTACKER)
    draft.tell(event.line("malware.name"))
    event.skip("no place in an incident", "malware.version", "malware.hash")


def _described(event: Node, draft: Draft) -> None:
    draft.tell(event.text("event_description.text"))
    draft.tell(event.text("comment"))
    for key in ("event_description.url", "screenshot_url"):
        if link := event.line(key):
            draft.references.append(link)
    draft.name_victim(event.line("event_description.target"))


def _related(event: Node, draft: Draft) -> None:
    if ticket := event.line("rtir_id"):
        draft.relate(draft.uid_of(ticket, "rtir_id", "rtir"), "rtir_id")
    if found := event.line("misp.event_uuid"):
        draft.relate(found.lower(), "misp.event_uuid")


def _leave(event: Node) -> None:
    event.skip("original data can hold anything", "raw", "output")
    extra = event.raw("extra")
    if extra:
        many = f"{len(extra)} fields" if isinstance(extra, dict) else "free data"
        event.note("extra", f"{many}: what they mean is not fixed")
    event.skip(
        "about the feed", "feed.name", "feed.code", "feed.url", "feed.documentation"
    )
    event.skip(
        "no place in an incident", "status", "protocol.transport",
        "protocol.application", "misp.attribute_uuid",
    )  # fmt: skip
    event.about_the_message("event_hash", "__type")
    event.rest(_NAME)
