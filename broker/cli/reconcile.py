"""`besa reconcile`: what we believe against what is, there and at the source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.cli import terminal
from broker.cli.terminal import AsJson, ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from broker.cli.progress import Tell
    from broker.model.recipient import Recipient
    from broker.reconcile import RecipientReport, SourceReport
    from broker.reconcile.recipients import Repair
    from broker.seal import VerifyingKey
    from broker.settings import Settings
    from broker.store.connect import Database


def reconcile(
    recipient: Annotated[
        list[str] | None,
        typer.Option("--recipient", "-r", help="Only this one; may be repeated."),
    ] = None,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Send editions again where they differ."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare what each recipient should hold with what it holds.

    Compares the source and the register, too. Changes nothing anywhere, unless
    --repair is given: then the sealed bytes of an edition that is missing, older or
    altered there are queued once more, or the reason why they may not be is shown. Ends
    with 1 when something differs or could not be asked.
    """
    from broker import keyring
    from broker.cli.outbox import opened
    from broker.cli.progress import bar, is_watched
    from broker.cli.reconcile_view import show
    from broker.cli.restored import refuse_restored
    from broker.settings import read_recipients, read_settings

    settings = read_settings()
    recipients = _chosen(read_recipients(settings.policies_folder), recipient)
    keys = keyring.read_public_keys(settings.public_keys_folder)
    with opened() as database, bar(shown=is_watched() and not as_json) as tell:
        if repair:
            refuse_restored(settings, database)
        mend = _mending(database) if repair else None
        reports = tuple(_reports(settings, database, recipients, keys, mend, tell))
        source = None if recipient else _source(settings, database)
        register = _register(database, keys, tell)
    same = all(report.is_same for report in reports) and not register
    same = same and (source is None or source.is_same)
    if as_json:
        terminal.print_json(_value(reports, source, register, same=same))
    else:
        show(reports, source, register)
    if not same:
        terminal.stop(ExitCode.NO, "not everything is as it should be; see above")


def _chosen(
    recipients: tuple[Recipient, ...], names: list[str] | None
) -> list[Recipient]:
    known = {each.recipient: each for each in recipients}
    unknown = sorted(set(names or ()) - known.keys())
    if unknown:
        terminal.wrong_usage(
            f"there is no recipient {unknown[0]}; there are {', '.join(sorted(known))}"
        )
    return [known[name] for name in sorted(set(names or known))]


def _reports(
    settings: Settings,
    database: Database,
    recipients: list[Recipient],
    keys: Mapping[str, VerifyingKey],
    repair: Repair | None,
    tell: Tell,
) -> Iterator[RecipientReport]:
    from datetime import UTC, datetime
    from functools import partial

    from broker.credentials import read_credential
    from broker.deliver import Credential
    from broker.errors import SettingsError
    from broker.reconcile import RecipientReport, compare_recipient
    from broker.reconcile.holdings import open_holdings

    for each in recipients:
        try:
            credential = (
                Credential("", "")
                if each.is_folder
                else read_credential(settings.credentials_folder, each.credential)
            )
            holdings = open_holdings(each, credential, clock=lambda: datetime.now(UTC))
        except SettingsError as error:
            yield RecipientReport(each.recipient, each.kind.value, problem=str(error))
            continue
        told = partial(tell, each.recipient)
        yield compare_recipient(database, each, holdings, keys, repair, told)


def _mending(database: Database) -> Repair:
    from datetime import UTC, datetime
    from functools import partial

    from broker.cli.person import person
    from broker.store.believed import Belief, queue_again

    again = partial(queue_again, by=person() or "unknown", because="besa reconcile")

    def mend(belief: Belief) -> str:
        return again(database, belief, at=datetime.now(UTC))

    return mend


def _source(settings: Settings, database: Database) -> SourceReport:
    if not settings.kafka:
        from broker.reconcile import SourceReport

        # A folder numbers nothing and drops nothing: its files are its record.
        return SourceReport("spool")
    from broker.kafka_access import cluster_of
    from broker.reconcile.source import compare_kafka

    cluster = cluster_of(settings)
    return compare_kafka(database, cluster, settings.topics, settings.group)


def _register(database: Database, keys: Mapping[str, VerifyingKey], tell: Tell) -> str:
    """Return what is wrong with the register; nothing when it is whole."""
    from functools import partial

    from broker.errors import AuditError
    from broker.store.verify import check_register

    try:
        check_register(database, keys, partial(tell, "the register"))
    except AuditError as error:
        return str(error)
    return ""


def _value(
    reports: tuple[RecipientReport, ...],
    source: SourceReport | None,
    register: str,
    *,
    same: bool,
) -> dict[str, Any]:
    recipients = [
        {**terminal.as_json(report), "counts": report.counts, "is_same": report.is_same}
        for report in reports
    ]
    told = None
    if source is not None:
        told = {**terminal.as_json(source), "is_same": source.is_same}
    return {
        "is_same": same,
        "recipients": recipients,
        "source": told,
        "register": {"ok": not register, "problem": register},
    }
