"""What `besa reconcile` shows: one table for all recipients, then each difference."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.text import Text

from broker.cli import terminal
from broker.cli.status_view import table
from broker.reconcile import RecipientReport, SourceReport

_MOST: Final = 50
_NUMBERS: Final = (
    ("cases", "cases"),
    ("as they should be", "same"),
    ("of these with losses", "known_losses"),
    ("on their way", "under_way"),
    ("taken away", "taken"),
)


def show(
    reports: tuple[RecipientReport, ...], source: SourceReport | None, register: str
) -> None:
    """Print a comparison."""
    out = terminal.stdout()
    _recipients(out, reports)
    for report in reports:
        _differences(out, report)
    if source is not None:
        _source(out, source)
    if register:
        out.print(Text("The register is not whole", style="bold yellow"))
        out.print(f"  {register}")
    else:
        out.print("The register is whole.")


def _recipients(out: Console, reports: tuple[RecipientReport, ...]) -> None:
    rows = table("Recipient")
    for name, _ in _NUMBERS:
        rows.add_column(name, justify="right")
    rows.add_column("differ", justify="right")
    for report in reports:
        differ = {(row.uid, row.share) for row in report.rows}
        rows.add_row(
            report.recipient,
            *(str(getattr(report, field)) for _, field in _NUMBERS),
            "?" if report.problem else str(len(differ)),
        )
    out.print(rows)


def _differences(out: Console, report: RecipientReport) -> None:
    if report.problem:
        out.print(f"{report.recipient} could not be compared: {report.problem}")
    if not report.rows:
        return
    counts = ", ".join(f"{n} {name}" for name, n in report.counts.items() if n)
    out.print(Text(f"{report.recipient}: {counts}", style="bold yellow"))
    for row in report.rows[:_MOST]:
        uid = terminal.plain(row.uid) or "no incident of ours"
        edition = f" edition {row.edition}" if row.edition else ""
        line = f"  {row.finding.value}: {uid}{edition}: {row.what} ({row.id})"
        out.print(line, soft_wrap=True)
        if row.repair:
            out.print(f"    repair: {row.repair}", soft_wrap=True)
    if len(report.rows) > _MOST:
        out.print(f"  ... and {len(report.rows) - _MOST} more; --json shows all")
    out.print()


def _source(out: Console, source: SourceReport) -> None:
    if source.problem:
        out.print(f"The source could not be compared: {source.problem}")
    waiting = sum(row.waiting for row in source.partitions)
    if source.partitions:
        count = len(source.partitions)
        parts = terminal.counted(count, "partition")
        unread = terminal.counted(waiting, "message")
        out.print(f"Kafka: {parts}, {unread} not read yet.")
    for row in source.partitions:
        if row.problem:
            place = f"{row.topic} partition {row.partition}"
            out.print(Text(f"  {place}: {row.problem}", "yellow"))
    for gap in source.gaps:
        out.print(Text(f"  {gap}, and later ones did ({gap.since:%F %R})", "yellow"))
