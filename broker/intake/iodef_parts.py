"""Hosts, files and indicators of an IODEF document, and what its restrictions allow.

Classes of RFC 7970, sections 3.14 to 3.29 -> observables of a `Draft`.

Invariants: whose a system is follows its category; a sensor and a spoofed address are
nobody's. Records of traffic and mail can hold anything and are never taken.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from typing import Final

from broker.intake.draft import Draft
from broker.intake.node import LONGEST_LINE, LONGEST_TEXT, Node
from broker.model.incident import Role

_DEEPEST: Final = 8
_HEX: Final = re.compile(r"[0-9a-fA-F]+")
_LENGTHS: Final = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}
# Categories of Address, RFC 7970, 3.18.1; those that are missing are no observables.
_ADDRESSES: Final = {
    "ipv4-addr": "ipv4", "ipv4-net": "ipv4", "ipv6-addr": "ipv6", "ipv6-net": "ipv6",
    "ipv4-net-masked": "", "ipv6-net-masked": "", "asn": "asn", "mac": "mac",
    "e-mail": "email", "site-uri": "url",
}  # fmt: skip


def prose(node: Node, key: str, most: int = LONGEST_LINE) -> list[str]:
    """Take texts that may carry a language: ``["x"]`` or ``[{"value": "x"}]``."""
    found = node.value.get(key)
    listed = found if isinstance(found, list) else [found]
    if not any(isinstance(each, dict) for each in listed):
        return [text for _, text in node.texts(key, most)]
    texts = []
    for each in listed:
        # A language or another attribute of a text is no news.
        text = each.get("value") if isinstance(each, dict) else each
        inner = Node({key: text}, node.path, node.left)
        texts += [said for _, said in inner.texts(key, most)]
    node.about_the_message(key)
    return texts


def admit(node: Node, draft: Draft) -> bool:
    """Say whether a part may travel with the incident; note it when it may not.

    Source: RFC 7970, 3.3.1: a part without a restriction has that of its parent.
    """
    word = node.word("restriction")
    node.about_the_message("ext-restriction", "observable-id")
    if not word or word == "default":
        return True
    level = draft.table.tlp.get(word)
    whole = draft.table.unmarked if draft.tlp is None else draft.tlp
    if level is not None and level.rank <= whole.rank:
        return True
    draft.left.note(node.path, "restricted more strictly than the incident")
    return False


def event_data(event: Node, draft: Draft, depth: int) -> None:
    """Take what happened: systems, files and words of an EventData class."""
    if not admit(event, draft):
        return
    for text in prose(event, "Description", LONGEST_TEXT):
        draft.tell(text)
    seen = event.moment("StartTime") or event.moment("DetectTime")
    for name, key in (
        ("detected", "DetectTime"), ("occurred_from", "StartTime"),
        ("occurred_until", "EndTime"), ("reported", "ReportTime"),
    ):  # fmt: skip
        draft.when(name, event.at(key), event.moment(key))
    for flow in event.nodes("Flow"):
        for system in flow.nodes("System"):
            _system(system, draft, seen)
        flow.rest()
    for system in event.nodes("System"):
        _system(system, draft, seen)
    for record in event.nodes("Record"):
        if admit(record, draft):
            _records(record, draft)
            record.rest()
    _records(event, draft)
    if depth < _DEEPEST:
        for inner in event.nodes("EventData"):
            event_data(inner, draft, depth + 1)
    event.skip("can hold anything", "AdditionalData")
    event.skip("what was done, not what happened", "Expectation", "History")
    event.skip(
        "no place in an incident", "Discovery", "Contact", "Assessment", "Method",
        "RecoveryTime",
    )  # fmt: skip
    event.rest()


def _records(parent: Node, draft: Draft) -> None:
    for record in parent.nodes("RecordData"):
        if not admit(record, draft):
            continue
        for files in record.nodes("FileData"):
            _files(files, draft, Role.ATTACKER)
        record.skip("records can hold anything", "RecordItem", "RecordPattern", "URL")
        record.skip(
            "no place in an incident", "DateTime", "Description", "Application",
            "EmailData", "CertificateData", "WindowsRegistryKeysModified",
        )  # fmt: skip
        record.skip("can hold anything", "AdditionalData")
        record.rest()


def _system(system: Node, draft: Draft, seen: datetime | None) -> None:
    if not admit(system, draft):
        return
    category = system.word("category")
    spoofed = system.word("spoofed") in ("yes", "true") or system.raw("spoofed") is True
    if category == "sensor" or spoofed:
        why = "spoofed: nobody's address" if spoofed else "a sensor: it only looked on"
        draft.left.note(system.path, why)
        return
    role = {
        "source": draft.sides.source,
        "target": draft.sides.target,
        "intermediate": Role.INFRASTRUCTURE,
        "infrastructure": Role.INFRASTRUCTURE,
    }.get(category, Role.UNKNOWN)
    with draft.together():
        for node in system.nodes("Node"):
            _node(node, draft, role, seen)
        for service in system.nodes("Service"):
            port = service.line("Port")
            draft.observe("port", port, service.at("Port"), role)
            service.about_the_message("ip-protocol", "ServiceName")
            service.rest()
    system.skip(
        "no place in an incident", "NodeRole", "OperatingSystem", "Counter", "AssetID",
        "Description", "ownership", "interface", "virtual",
    )  # fmt: skip
    system.skip("can hold anything", "AdditionalData")
    system.rest()


def _node(node: Node, draft: Draft, role: Role, seen: datetime | None) -> None:
    for address in node.nodes("Address"):
        category = address.word("category")
        kind = _ADDRESSES.get(category, "")
        value = address.text("value")
        if kind:
            draft.observe(kind, value, address.at("value"), role, first=seen)
        else:
            draft.left.note(address.path, "an address of a category without a kind")
        address.about_the_message("vlan-name", "vlan-num", "observable-id")
        address.rest()
    for domain in node.nodes("DomainData"):
        draft.observe_host(domain.line("Name"), domain.at("Name"), role, first=seen)
        domain.about_the_message("system-status", "domain-status", "observable-id")
        domain.rest()
    node.skip("no place in an incident", "PostalAddress", "Location", "Counter")
    node.rest()


def _files(files: Node, draft: Draft, role: Role) -> None:
    if not admit(files, draft):
        return
    for file in files.nodes("File"):
        name = file.line("FileName")
        with draft.together():
            draft.observe("filename", name, file.at("FileName"), role)
            for hashes in file.nodes("HashData"):
                for one in hashes.nodes("Hash"):
                    _hash(one, draft, role)
                hashes.about_the_message("scope", "HashTargetID")
                hashes.rest()
        for path, url in file.texts("URL"):
            draft.observe("url", url, path, role)
        file.skip(
            "no place in an incident", "FileSize", "FileType", "SignatureData",
            "AssociatedSoftware", "FileProperties",
        )  # fmt: skip
        file.about_the_message("observable-id")
        file.rest()
    files.rest()


def _hash(one: Node, draft: Draft, role: Role) -> None:
    found = one.value.get("DigestMethod")
    method = found[0] if isinstance(found, list) and found else found
    if isinstance(method, dict):
        method = method.get("Algorithm")
    one.about_the_message("DigestMethod", "CanonicalizationMethod", "Application")
    digest = next((text for _, text in one.texts("DigestValue")), "")
    kind = str(method).rpartition("#")[2].lower().replace("-", "")
    length = _LENGTHS.get(kind)
    if length is None:
        one.note("DigestMethod", "not md5, sha1, sha256 or sha512")
        return
    # XML Signature writes digests in base64; many write them in hex all the same.
    if len(digest) != length or not _HEX.fullmatch(digest):
        try:
            digest = base64.b64decode(digest, validate=True).hex()
        except (binascii.Error, ValueError):
            digest = "?"
    draft.observe(kind, digest, one.at("DigestValue"), role)
    one.rest()


def indicators(incident: Node, draft: Draft) -> None:
    """Take the observables of indicators that are written out as such."""
    for data in incident.nodes("IndicatorData"):
        for indicator in data.nodes("Indicator"):
            if not admit(indicator, draft):
                continue
            for observable in indicator.nodes("Observable"):
                if admit(observable, draft):
                    _observable(observable, draft)
            indicator.skip(
                "no place in an incident", "IndicatorExpression",
                "AlternativeIndicatorID",
                "Description", "Confidence", "Contact", "AttackPhase", "StartTime",
                "EndTime", "NodeRole", "Reference", "ObservableReference",
                "IndicatorReference", "AdditionalData",
            )  # fmt: skip
            indicator.about_the_message("IndicatorID")
            indicator.rest()
        data.rest()


def _observable(observable: Node, draft: Draft) -> None:
    role = Role.UNKNOWN
    for system in observable.nodes("System"):
        _system(system, draft, None)
    for address in observable.nodes("Address"):
        wrapped = {"Address": [address.value]}
        _node(Node(wrapped, observable.path, draft.left), draft, role, None)
    for domain in observable.nodes("DomainData"):
        draft.observe_host(domain.line("Name"), domain.at("Name"), role)
        domain.about_the_message("system-status", "domain-status")
        domain.rest()
    for files in observable.nodes("FileData"):
        _files(files, draft, role)
    observable.rest()
