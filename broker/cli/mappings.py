"""`besa mappings`: what things are called in STIX, MISP and the police's taxonomies.

The mapping files in use -> tables, or the same as JSON.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.cli import terminal
from broker.cli.listing import Listing
from broker.cli.terminal import AsJson

if TYPE_CHECKING:
    from broker.model.mapping import Tables

app = typer.Typer(
    cls=Listing,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Show what things are called in other systems.",
)


class Which(StrEnum):
    """The mapping tables that can be shown."""

    OBSERVABLES = "observables"
    TAXONOMY = "taxonomy"
    MARKINGS = "markings"
    OBJECTS = "objects"


@app.callback()
def _mappings() -> None:
    """Show what things are called in other systems."""


@app.command()
def show(
    table: Annotated[
        Which | None,
        typer.Argument(metavar="TABLE", help="One of the tables; else all of them."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the mapping tables: observables, taxonomy, markings, objects.

    They are checked as they are read. Exit code 1 when a row is wrong.
    """
    from broker.rulebook import tables
    from broker.settings import read_mapping_files, read_settings

    found = tables(read_mapping_files(read_settings().mappings_folder))
    wanted = [table] if table else list(Which)
    if as_json:
        terminal.print_json({which.value: rows(which, found) for which in wanted})
        return
    from broker.cli.status_view import table as new_table

    out = terminal.stdout()
    for which in wanted:
        lines = rows(which, found)
        drawn = new_table(_HEADS[which][0])
        for head in _HEADS[which][1:]:
            drawn.add_column(head, overflow="fold")
        for line in lines:
            drawn.add_row(*(_text(cell) for cell in line.values()))
        out.print(f"{which.value}: {len(lines)} rows")
        out.print(drawn)


@app.command("take-over")
def take_over(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="The warning list's name; else all names."),
    ] = None,
) -> None:
    """Print one of MISP's warning lists as a file for mappings/known-good.

    Without NAME, prints the names of all. Needs the extra `warninglists`. What has no
    place in such a file is left out and counted on standard error.
    """
    from broker.cli.warning_lists import lists, written

    found = lists()
    if name is None:
        for each in sorted(found):
            typer.echo(each)
        return
    if name not in found:
        terminal.wrong_usage(f"there is no warning list {name!r}")
    text, file, left_out = written(found[name])
    typer.echo(text, nl=False)
    terminal.note(f"keep it as mappings/known-good/{file}")
    if left_out:
        entries = terminal.counted(left_out, "entry", "entries")
        terminal.note(f"left out, for want of a place in such a file: {entries}")


_HEADS = {
    Which.OBSERVABLES: ("kind", "class", "STIX", "MISP", "category", "to_ids"),
    Which.TAXONOMY: ("RSIT", "label", "relevance", "tags", "offences"),
    Which.MARKINGS: ("name", "MISP tag", "STIX id"),
    Which.OBJECTS: ("part", "party", "MISP object", "version", "relations"),
}


def rows(which: Which, tables: Tables) -> list[dict[str, Any]]:
    """Return the rows of one table, each as what its columns say."""
    match which:
        case Which.OBSERVABLES:
            return _observables(tables)
        case Which.TAXONOMY:
            return _taxonomy(tables)
        case Which.MARKINGS:
            markings = (*tables.markings.tlp.values(), *tables.markings.pap.values())
            return [
                {"name": row.name, "tag": row.tag, "stix_id": row.stix_id}
                for row in markings
            ]
        case Which.OBJECTS:
            return _objects(tables)


def _observables(tables: Tables) -> list[dict[str, Any]]:
    return [
        {
            "kind": row.kind,
            "data_class": row.data_class.value,
            "stix": f"{row.stix.type}:{row.stix.property}"
            + "".join(f" ({name}: {value})" for name, value in row.stix.fixed.items()),
            "misp": [
                row.misp.type,
                *(
                    f"{target.type} ({role.value})"
                    for role, target in row.misp.by_role.items()
                ),
            ],
            "category": row.misp.category,
            "to_ids": row.misp.to_ids,
        }
        for row in tables.kinds.values()
    ]


def _taxonomy(tables: Tables) -> list[dict[str, Any]]:
    return [
        {
            "rsit": row.rsit,
            "label": row.label,
            "relevance": row.relevance,
            "tags": [
                tag
                for tag in (
                    row.common_taxonomy,
                    row.europol_incident,
                    *row.europol_event,
                )
                if tag
            ],
            "offences": [
                f"{each.act}, {each.articles}"
                + ("" if each.confirmed_by else " (to be confirmed by a lawyer)")
                for each in row.offences
            ],
        }
        for row in tables.rsit.values()
    ]


def _objects(tables: Tables) -> list[dict[str, Any]]:
    """Return a row for each object of a part, then for each composed one."""
    return [*_of_parts(tables), *_composed(tables)]


def _composed(tables: Tables) -> list[dict[str, Any]]:
    return [
        {
            "part": "observables",
            "party": "",
            "name": row.name,
            "version": row.template_version,
            "relations": [
                f"{', '.join(each.kinds)} as {each.relation}" for each in row.relations
            ],
        }
        for row in tables.composed
    ]


def _of_parts(tables: Tables) -> list[dict[str, Any]]:
    return [
        {
            "part": row.part,
            "party": row.party,
            "name": row.name,
            "version": row.template_version,
            "relations": [
                *(f"{each.field} as {each.relation}" for each in row.attributes),
                *(f"{each.relation}: {value}" for each, value in row.fixed),
            ],
        }
        for row in tables.objects
    ]


def _text(cell: Any) -> str:
    """Return what stands in a cell; of several things each is a line."""
    match cell:
        case bool():
            return "yes" if cell else ""
        case list():
            return "\n".join(map(terminal.plain, cell))
    return terminal.plain(str(cell))
