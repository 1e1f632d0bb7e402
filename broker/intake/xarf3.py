"""Reads an X-ARF report of version 3, in both ways in which it is written.

X-ARF's JSON -> `Parsed`. Sources and targets stand flat in ``Report`` (Abusix), or in
``Report.Source`` and ``Report.AdditionalInfo`` (the schema for version 4's ancestors).

Invariants: samples and attachments are never taken, nor are hashes of passwords.
"""

from __future__ import annotations

from broker.canonical import dumps
from broker.errors import IntakeError
from broker.intake.draft import Draft, reporter_of
from broker.intake.message import start
from broker.intake.node import Node
from broker.intake.parsed import Parsed
from broker.model.incident import Role
from broker.model.mapping import Tables

_UNNAMED = "The reporter does not want to be named (X-ARF: Disclosure)"


def read(raw: bytes, tables: Tables) -> Parsed:
    """Read one X-ARF 3 report.

    Raises:
        IntakeError: it is not one JSON object with a Report that has a Date.
    """
    message, draft = start("xarf3", raw, tables)
    report = message.node("Report")
    if report is None:
        raise IntakeError("Report", "is missing", "send an X-ARF report, version 3")
    kind = report.word("ReportType")
    draft.classify("Report.ReportType", kind)
    date = report.moment("Date")
    revised_at = report.needed("Date", date)
    number = report.line("ReportID")
    draft.when("occurred_from", "Report.Date", date)
    _reporter(message, draft)
    _flat(report, draft)
    if source := report.node("Source"):
        _source(source, draft)
    if more := report.node("AdditionalInfo"):
        _more(more, draft)
    _spam(
        report, draft, "SmtpMailFromAddress", "SmtpRcptToAddress", "SmtpMessageSubject"
    )
    _words(report, draft)
    report.rest()
    message.about_the_message("Version")
    message.rest()
    if number:
        uid = draft.uid_of(number, "Report.ReportID")
    else:
        uid = draft.uid_of_content(dumps(message.value))
    return draft.finish(uid, revised_at, sender_id=number, path="Report.Date")


def _reporter(message: Node, draft: Draft) -> None:
    if who := message.node("ReporterInfo"):
        contact, general = (
            who.line("ReporterContactEmail"),
            who.line("ReporterOrgEmail"),
        )
        draft.reporter = reporter_of(
            who.line("ReporterContactName"),
            who.line("ReporterOrg"),
            contact or general,
            who.line("ReporterContactPhone"),
        )
        who.about_the_message("ReporterOrgDomain")
        who.rest()
    if message.raw("Disclosure") is False:
        draft.caveats.append(_UNNAMED)


def _flat(report: Node, draft: Draft) -> None:
    source, target = draft.sides.source, draft.sides.target
    for side, role in (("Source", source), ("Destination", target)):
        for key in (f"{side}Ip", f"{side}IP"):
            draft.observe_host(report.line(key), report.at(key), role)
        port = f"{side}Port"
        draft.observe("port", report.line(port), report.at(port), role)
    draft.observe("url", report.text("SourceUrl"), report.at("SourceUrl"), source)
    if account := report.node("Account"):
        name = account.line("AccountIdentifier")
        draft.observe_account(name, account.at("AccountIdentifier"), Role.VICTIM)
        account.rest()


def _source(source: Node, draft: Draft) -> None:
    role = draft.sides.source
    with draft.together():
        draft.observe_host(source.line("IP"), source.at("IP"), role)
        draft.observe("url", source.text("URL"), source.at("URL"), role)
        draft.observe("port", source.line("Port"), source.at("Port"), role)
    source.about_the_message("Type")
    source.rest()


def _more(more: Node, draft: Draft) -> None:
    role = draft.sides.target
    draft.observe_host(more.line("DestinationIP"), more.at("DestinationIP"), role)
    draft.observe(
        "port", more.line("DestinationPort"), more.at("DestinationPort"), role
    )
    server = more.line("C2Server")
    draft.observe_host(server, more.at("C2Server"), Role.INFRASTRUCTURE)
    draft.tell(more.line("MalwareFamily"))
    draft.name_victim(more.line("TargetBrand"))
    first, last = more.moment("FirstSeen"), more.moment("LastSeen")
    if first:
        # Better than the date of the report.
        draft.times.pop("occurred_from", None)
    draft.when("occurred_from", more.at("FirstSeen"), first)
    draft.when("occurred_until", more.at("LastSeen"), last)
    _spam(more, draft, "SMTPFrom", "SMTPTo", "Subject")
    more.rest()


def _spam(node: Node, draft: Draft, sender: str, receiver: str, subject: str) -> None:
    # Whoever stands as the sender of spam may never have heard of it.
    with draft.together():
        draft.observe("email", node.line(sender), node.at(sender), Role.UNKNOWN)
        draft.observe("email", node.line(receiver), node.at(receiver), Role.VICTIM)
        draft.observe("subject", node.line(subject), node.at(subject), Role.ATTACKER)


def _words(report: Node, draft: Draft) -> None:
    for key in ("MalwareName", "BotnetName", "ReporterNotes"):
        draft.tell(report.text(key))
    if case := report.line("ReporterCaseID"):
        draft.tell(case)
    report.skip("contents are never taken", "Samples", "Attachment")
    report.skip("credentials are never taken", "PasswordHash", "Password")
    report.skip(
        "no place in an incident", "Ongoing", "ByteCount", "PacketCount",
        "ReporterSeverity", "ReportSubType",
    )  # fmt: skip
    report.about_the_message("ReportClass")
