"""Reads a CSV table with a mapping file: a header and one row, which is one incident.

CSV (RFC 4180) in UTF-8 + ``mappings/csv/NAME.yaml`` -> `Parsed`. `besa publish` makes
such messages of a longer table, one per row.

Invariants: the mapping whose columns stand in the header is used, and no other; a
column without a line in it is noted and not taken; formulas are text.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from broker.errors import IntakeError
from broker.intake.draft import Draft
from broker.intake.misp_tags import UNDETERMINED
from broker.intake.node import Node
from broker.intake.parsed import Parsed
from broker.intake.xarf4 import loss_of
from broker.model.foreign import Column, CsvTable, FormatTable
from broker.model.incident import Contacts, PartyKind, Reporter, Status, Victim
from broker.model.mapping import Tables
from broker.model.marking import Pap, Severity, Tlp
from broker.model.rsit import RSIT_TYPES

_LONGEST_CELL: Final = 70_000
_MOST_COLUMNS: Final = 500
_TIMES: Final = frozenset({"occurred_from", "occurred_until", "detected", "reported"})


def read(raw: bytes, tables: Tables) -> Parsed:
    """Read a header and one row.

    Raises:
        IntakeError: it is not that, or no mapping has these columns.
    """
    header, rows = split(raw, tables)
    if len(rows) != 1:
        problem = f"it holds {len(rows)} rows instead of one"
        raise IntakeError("", problem, "'besa publish' makes one message of each row")
    table = mapping_of(header, tables)
    assert table is not None  # noqa: S101 - split has found it
    form = FormatTable(format="csv", title=table.title, unmarked=Tlp.RED)
    draft = Draft("csv", raw, tables, form)
    if len(rows[0]) != len(header):
        problem = f"the row has {len(rows[0])} cells and the header {len(header)}"
        raise IntakeError("", problem, "is it cut short, or a cell not quoted?")
    cells = dict(zip(header, rows[0], strict=True))
    said: dict[str, Any] = dict(table.defaults.items())
    row = Node(said | _fields(table, cells), "", draft.left)
    _observe(table, Node(dict(cells), "", draft.left), draft)
    for number, (name, cell) in enumerate(cells.items(), 1):
        if name not in table.columns and cell.strip():
            # Its name may be anything, so the path has its place instead.
            why = f"no line in the mapping {table.csv}"
            draft.left.note(f"column {number}", why)
    return _incident(table, row, draft)


def split(raw: bytes, tables: Tables) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of a table.

    Raises:
        IntakeError: it is no table in UTF-8, or no mapping has these columns.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise IntakeError("", "it is not UTF-8", "save the table as UTF-8") from None
    first = text.partition("\n")[0]
    for table in tables.csv.values():
        lines = _lines(text, table.delimiter) if table.delimiter in first else []
        if lines and mapping_of(lines[0], tables) is table:
            header = [name.strip() for name in lines[0]]
            return header, [line for line in lines[1:] if any(map(str.strip, line))]
    known = ", ".join(sorted(tables.csv)) or "none"
    advice = f"add a file to mappings/csv (there are: {known})"
    raise IntakeError("", "no mapping has the columns of this table", advice)


def mapping_of(header: list[str], tables: Tables) -> CsvTable | None:
    """Return the mapping whose columns all stand in a header, the longest of them."""
    names = {name.strip() for name in header}
    fitting = [table for table in tables.csv.values() if set(table.columns) <= names]
    return max(fitting, key=lambda table: len(table.columns), default=None)


def _lines(text: str, delimiter: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        lines = list(reader)
    except csv.Error as error:
        if "field limit" in str(error):
            most = csv.field_size_limit()
            problem = f"a cell of line {reader.line_num} is too long"
            advice = f"at most {most} characters are taken"
            raise IntakeError("", problem, advice) from None
        problem = f"line {reader.line_num} is no CSV"
        raise IntakeError("", problem, "see RFC 4180") from None
    if lines and (len(lines[0]) > _MOST_COLUMNS or len(set(lines[0])) != len(lines[0])):
        raise IntakeError("", "a column is there twice, or there are too many")
    return lines


def _fields(table: CsvTable, cells: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, column in table.columns.items():
        value = cells.get(name, "").strip()
        if column.field is not None and value:
            found[column.field] = _parts(column, value)
    return found


def _parts(column: Column, value: str) -> Any:
    if not column.many:
        return value
    return [part.strip() for part in value.split(column.many) if part.strip()]


def _observe(table: CsvTable, cells: Node, draft: Draft) -> None:
    for name, column in table.columns.items():
        if column.observable is None or not cells.has(name):
            continue
        parts = _parts(column, str(cells.raw(name)))
        for value in parts if isinstance(parts, list) else [parts]:
            if len(value) <= _LONGEST_CELL:
                draft.observe(
                    column.observable, value, name, column.role, to_ids=column.to_ids
                )


def _incident(table: CsvTable, row: Node, draft: Draft) -> Parsed:
    number = row.needed("uid", row.line("uid"))
    draft.title = row.needed("title", row.text("title"))
    revised_at = row.needed("revised_at", _time(row, "revised_at", table))
    draft.tell(row.text("description"))
    _class(table, row, draft)
    draft.severity = _word(row, "severity", Severity, Severity.MEDIUM)
    draft.limit(_word(row, "tlp", Tlp, Tlp.RED))
    if row.has("pap"):
        draft.limit_actions(_word(row, "pap", Pap, Pap.RED))
    draft.status = _word(row, "status", Status, Status.OPEN)
    draft.confidence = row.number("confidence", 0, 100)
    draft.speak(row.line("language"), "language")
    draft.case_reference = row.line("case_reference")
    for name in sorted(_TIMES):
        draft.when(name, f"times.{name}", _time(row, f"times.{name}", table))
    draft.reporter = _reporter(row)
    _victim(table, row, draft)
    _loss(row, draft)
    draft.references += [text for _, text in row.texts("references")]
    row.rest()
    uid = draft.uid_of(number, "uid")
    return draft.finish(uid, revised_at, sender_id=number, path="revised_at")


def _class(table: CsvTable, row: Node, draft: Draft) -> None:
    word = row.word("classification")
    found = word if word in RSIT_TYPES else table.classification.get(word)
    if found is None and word:
        row.note("classification", "not a class with a meaning here: undetermined")
    draft.classification = found or UNDETERMINED


def _word(row: Node, key: str, scale: Any, otherwise: Any) -> Any:
    """Take a word of a vocabulary; one that is not of it is noted, as the default."""
    word = row.word(key)
    if not word:
        return otherwise
    try:
        return scale(word)
    except ValueError:
        row.note(key, f"not a word that is known: {otherwise}")
        return otherwise


def _time(row: Node, key: str, table: CsvTable) -> datetime | None:
    if not table.time_format or not row.has(key):
        return row.moment(key)
    try:
        text = row.line(key) or ""
        read = datetime.strptime(text, table.time_format)  # noqa: DTZ007 - UTC below
        read = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        row.note(key, "not a time of the mapping's format")
        return None
    return read if 1980 <= read.year <= 2100 else None


def _reporter(row: Node) -> Reporter | None:
    contacts = Contacts(
        email=row.line("reporter.contacts.email"),
        phone=row.line("reporter.contacts.phone"),
    )
    name, organisation = row.line("reporter.name"), row.line("reporter.organisation")
    if not (name or organisation or contacts != Contacts()):
        return None
    return Reporter(name=name, organisation=organisation, contacts=contacts)


def _victim(table: CsvTable, row: Node, draft: Draft) -> None:
    contacts = Contacts(
        email=row.line("victim.contacts.email"),
        phone=row.line("victim.contacts.phone"),
    )
    name, number = row.line("victim.name"), row.line("victim.personal_number")
    if name or number or contacts != Contacts():
        kind = PartyKind(table.victim)
        draft.victims.append(
            Victim(kind=kind, name=name, personal_number=number, contacts=contacts)
        )


def _loss(row: Node, draft: Draft) -> None:
    amount, currency = (
        row.line("financial_loss.amount"),
        row.line("financial_loss.currency"),
    )
    if amount:
        draft.financial_loss = loss_of(amount, currency or "EUR")
        if draft.financial_loss is None:
            row.note("financial_loss.amount", "not an amount with a currency")
