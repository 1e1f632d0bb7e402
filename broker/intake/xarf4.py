"""Reads an X-ARF report of version 4.

X-ARF's JSON -> `Parsed`. Keys follow the schemas of X-ARF 4.2.

Invariants: of evidence, the description and the hash are taken and never the payload;
``_internal`` is the sender's own and is not taken, as X-ARF demands.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

from broker.intake.draft import Draft, reporter_of
from broker.intake.message import start
from broker.intake.node import LONGEST_LINE, Node
from broker.intake.parsed import Parsed
from broker.model.incident import EvidenceItem, FinancialLoss, Role
from broker.model.mapping import Tables

_VICTIMS: Final = ("target_brand", "impersonated_entity", "affected_organization")
_TOLD: Final = (
    "description",
    "malware_family",
    "scheme_description",
    "ncmec_report_id",
)
_NUMBERS: Final = (
    "peak_pps", "peak_bps", "duration_seconds", "duration_minutes", "total_packets",
    "total_bytes", "attempt_count", "successful_logins", "victim_count",
    "record_count", "file_size",
)  # fmt: skip
_HASH_KINDS: Final = {
    "md5": "md5",
    "sha1": "sha1",
    "sha256": "sha256",
    "sha512": "sha512",
}
_SHA256_LENGTH: Final = 64


def read(raw: bytes, tables: Tables) -> Parsed:
    """Read one X-ARF 4 report.

    Raises:
        IntakeError: it is not one JSON object with report_id and timestamp.
    """
    report, draft = start("xarf4", raw, tables)
    number = report.needed("report_id", report.line("report_id"))
    sent = report.moment("timestamp")
    revised_at = report.needed("timestamp", sent)
    words = f"{report.word('category')}/{report.word('type').replace('-', '_')}"
    draft.classify("type", words)
    draft.when("reported", "timestamp", sent)
    draft.when("occurred_from", "first_seen", report.moment("first_seen"))
    draft.when("occurred_until", "last_seen", report.moment("last_seen"))
    draft.confidence = report.number("confidence", 0, 100)
    _severity(report, draft)
    _reporter(report, draft)
    _hosts(report, draft)
    _hashes(report, draft)
    _told(report, draft)
    for item in report.nodes("evidence"):
        _evidence(item, draft)
    report.skip("internal to the sender", "_internal")
    report.skip("about the report", "sender", "on_behalf_of", "tags", "evidence_source")
    report.skip("no place in an incident", *_NUMBERS)
    report.about_the_message("xarf_version", "legacy_version")
    report.rest()
    uid = draft.uid_of(number.lower(), "report_id")
    return draft.finish(uid, revised_at, sender_id=number, path="timestamp")


def _severity(report: Node, draft: Draft) -> None:
    for key in ("severity", "risk_level"):
        if word := report.word(key):
            level = draft.table.severity.get(word)
            if level is None:
                report.note(key, "not a severity")
            else:
                draft.severity = level


def _reporter(report: Node, draft: Draft) -> None:
    if who := report.node("reporter"):
        contact = who.line("contact")
        mail = contact if contact and "@" in contact else None
        draft.reporter = reporter_of(None if mail else contact, who.line("org"), mail)
        who.about_the_message("domain", "type")
        who.rest()


def _hosts(report: Node, draft: Draft) -> None:
    source, target = draft.sides.source, draft.sides.target
    for key in ("source_identifier", "url", "domain"):
        draft.observe_host(report.text(key), key, source)
    draft.observe_host(report.line("destination_ip"), "destination_ip", target)
    for side, role in (("source", source), ("destination", target)):
        key = f"{side}_port"
        draft.observe("port", report.line(key), key, role)
    for key in ("c2_server", "c2_communications"):
        for path, value in report.texts(key):
            host = value.rpartition(":")[0] if value.count(":") == 1 else value
            draft.observe_host(host, path, Role.INFRASTRUCTURE)
    # Whoever stands as the sender may never have heard of it.
    with draft.together():
        draft.observe("email", report.line("smtp_from"), "smtp_from")
        draft.observe("email", report.line("smtp_to"), "smtp_to", Role.VICTIM)
        draft.observe("subject", report.line("subject"), "subject", Role.ATTACKER)
    for key in ("cve_id", "cve_ids"):
        for path, value in report.texts(key):
            draft.observe("cve", value, path)


def _hashes(report: Node, draft: Draft) -> None:
    if value := report.line("file_hash"):
        algorithm, _, digest = value.rpartition(":")
        kind = _HASH_KINDS.get(algorithm.lower(), "sha256")
        draft.observe(kind, digest, "file_hash", Role.ATTACKER)
    if hashes := report.node("hash_values"):
        with draft.together():
            for key, kind in _HASH_KINDS.items():
                draft.observe(kind, hashes.line(key), hashes.at(key), Role.ATTACKER)
        hashes.rest()
    for path, value in report.texts("malicious_files"):
        draft.observe("filename", value, path, Role.ATTACKER)


def _told(report: Node, draft: Draft) -> None:
    for key in _TOLD:
        draft.tell(report.text(key))
    for key in _VICTIMS:
        draft.name_victim(report.line(key))
    if report.has("estimated_loss_usd"):
        amount = report.line("estimated_loss_usd")
        loss = loss_of(amount, "USD")
        if loss is None:
            report.note("estimated_loss_usd", "not an amount")
        draft.financial_loss = loss


def loss_of(amount: str | None, currency: str) -> FinancialLoss | None:
    """Return a loss of money, or nothing when the amount is none."""
    try:
        value = Decimal(amount or "").quantize(Decimal("0.01"))
    except InvalidOperation:
        return None
    if not value.is_finite() or not 0 <= value < 10**15:
        return None
    if len(currency) != 3 or not currency.isascii():
        return None
    text = f"{value:f}".removesuffix(".00")
    if not currency.isalpha():
        return None
    return FinancialLoss(amount=text, currency=currency.upper())


def _evidence(item: Node, draft: Draft) -> None:
    name = item.text("description", LONGEST_LINE)
    algorithm, _, digest = (item.word("hash")).partition(":")
    hexadecimal = len(digest) == _SHA256_LENGTH and not set(digest) - set(
        "0123456789abcdef"
    )
    media_type = item.line("content_type")
    size = item.number("size", 0, 2**53 - 1)
    if name and algorithm == "sha256" and hexadecimal:
        made = EvidenceItem(name=name, sha256=digest, size=size, media_type=media_type)
        draft.evidence.append(made)
    else:
        draft.left.note(item.path, "evidence without a description and a SHA-256")
    item.skip("contents are never taken", "payload")
    item.rest()
