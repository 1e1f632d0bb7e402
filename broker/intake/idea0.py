"""Reads an IDEA0 event, as Warden and Mentat exchange it.

IDEA's JSON -> `Parsed`. Keys follow the IDEA0 definition of CESNET.

Invariants: what is spoofed or anonymised is nobody's address and is not taken;
attachments are never taken, only their hashes and names.
"""

from __future__ import annotations

from typing import Final

from broker.intake.draft import Draft
from broker.intake.message import start
from broker.intake.node import Node
from broker.intake.parsed import Parsed
from broker.intake.values import networks
from broker.model.incident import Role
from broker.model.mapping import Tables

_KINDS: Final = {
    "Hostname": "", "URL": "url", "Email": "email", "MAC": "mac", "ASN": "asn",
    "Port": "port",
}  # fmt: skip
_COUNTS: Final = (
    "ConnCount", "FlowCount", "PacketCount", "ByteCount", "AvgPacketSize",
    "InFlowCount", "OutFlowCount", "InPacketCount", "OutPacketCount", "InByteCount",
    "OutByteCount",
)  # fmt: skip


def read(raw: bytes, tables: Tables) -> Parsed:
    """Read one IDEA0 event.

    Raises:
        IntakeError: it is not one JSON object with ID and DetectTime.
    """
    event, draft = start("idea0", raw, tables)
    number = event.needed("ID", event.line("ID"), "IDEA demands an ID")
    draft.classify_by_all("Category", [word for _, word in event.texts("Category")])
    detected = event.moment("DetectTime")
    created = event.moment("CreateTime")
    revised_at = event.needed("DetectTime", created or detected)
    draft.when("detected", "DetectTime", detected)
    draft.when("occurred_from", "EventTime", event.moment("EventTime"))
    draft.when("occurred_until", "CeaseTime", event.moment("CeaseTime"))
    draft.mark("TLP", event.word("TLP"))
    draft.confidence = _percent(event)
    draft.tell(event.text("Description"))
    draft.tell(event.text("Note"))
    for side, role in (("Source", draft.sides.source), ("Target", draft.sides.target)):
        for party in event.nodes(side):
            with draft.together():
                _party(party, draft, role)
    for attached in event.nodes("Attach"):
        with draft.together():
            _attached(attached, draft)
    _references(event, draft)
    for path, other in event.texts("RelID"):
        draft.relate(draft.uid_of(other, path), path)
    event.skip("about the sensor", "Node")
    event.skip("no place in an incident", "WinStartTime", "WinEndTime", *_COUNTS)
    event.skip("other ids of the sender", "AltNames", "CorrelID", "AggrID", "PredID")
    event.about_the_message("Format")
    event.rest()
    uid = draft.uid_of(number.lower(), "ID")
    return draft.finish(uid, revised_at, sender_id=number, path="CreateTime")


def _percent(event: Node) -> int | None:
    found = event.raw("Confidence")
    if isinstance(found, int | float) and found is not True and 0 <= found <= 1:
        return round(found * 100)
    if found is not None:
        event.note("Confidence", "not a number between 0 and 1")
    return None


def _party(party: Node, draft: Draft, role: Role) -> None:
    for flag, why in (("Spoofed", "spoofed"), ("Anonymised", "anonymised")):
        if party.raw(flag):
            draft.left.note(party.path, f"{why}: nobody's address")
            return
    for key in ("IP4", "IP6"):
        for path, value in party.texts(key):
            for network in networks(value):
                draft.observe_host(network, path, role)
    for key, kind in _KINDS.items():
        for path, value in party.texts(key):
            if kind:
                draft.observe(
                    kind, value.upper() if kind == "asn" else value, path, role
                )
            else:
                draft.observe_host(value, path, role)
    party.skip("no place in an incident", "Proto", "Netname", "Ref", "Note", "Router")
    party.about_the_message("Type", "AttachHand")
    party.rest()


def _attached(attached: Node, draft: Draft) -> None:
    kinds = {word.lower() for _, word in attached.texts("Type")}
    role = Role.ATTACKER if "malware" in kinds else Role.UNKNOWN
    for path, value in attached.texts("Hash"):
        algorithm, _, digest = value.partition(":")
        draft.observe(algorithm.lower().replace("-", ""), digest, path, role)
    for path, value in attached.texts("FileName"):
        draft.observe("filename", value, path, role)
    attached.skip("contents are never taken", "Content")
    attached.skip(
        "about the attachment", "ContentType", "ContentCharset", "ContentEncoding",
        "Size", "Ref", "Note", "ContentID",
    )  # fmt: skip
    attached.about_the_message("Handle")
    attached.rest()


def _references(event: Node, draft: Draft) -> None:
    for path, value in event.texts("Ref"):
        scheme, _, rest = value.partition(":")
        if scheme.lower() == "cve":
            draft.observe("cve", rest, path)
        elif "://" in value:
            draft.references.append(value)
        else:
            draft.left.note(path, "neither a CVE nor a link")
