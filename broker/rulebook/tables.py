"""The mapping tables by themselves: what reading a message needs, without any policy.

Bytes by file name -> `Tables`. Whoever publishes need not have the policies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from broker.errors import RulebookError
from broker.model.feedback import AgreedTags
from broker.model.foreign import CsvTable, FormatTable
from broker.model.known_good import KnownGood
from broker.model.mapping import Markings, Tables
from broker.rulebook.sources import (
    ObjectTable,
    ObservableTable,
    RoleTable,
    RsitTable,
    Sources,
    read,
)

_MAPPINGS: Final = "mappings/"


def tables(files: Mapping[str, bytes]) -> Tables:
    """Make the mapping tables of mapping files; what else is there is not looked at.

    Raises:
        RulebookError: a table is missing or wrong; carries every such problem.
    """
    mappings = {name: data for name, data in files.items() if _is_mapping(name)}
    sources = read(mappings)
    problems = tuple(each for each in sources.problems if _is_mapping(each.file))
    if problems:
        raise RulebookError(problems)
    return tables_of(sources)


def tables_of(sources: Sources) -> Tables:
    """Return the mapping tables of files that are there and right."""
    observables = sources.one("mappings/observables.yaml", ObservableTable)
    rsit = sources.one("mappings/taxonomy/rsit.yaml", RsitTable)
    roles = sources.one("mappings/taxonomy/roles.yaml", RoleTable)
    markings = sources.one("mappings/markings.yaml", Markings)
    objects = sources.one("mappings/objects.yaml", ObjectTable)
    if not (observables and rsit and roles and markings and objects):
        raise AssertionError("a missing file is a problem, and problems were raised")
    formats = sources.all_of("format", FormatTable)
    csv = sources.all_of("csv", CsvTable)
    known_good = sources.all_of("list", KnownGood)
    agreed = sources.all_of("feedback", AgreedTags)
    return Tables(
        kinds={row.kind: row for row in observables.model.observables},
        rsit={row.rsit: row for row in rsit.model.rsit},
        markings=markings.model,
        objects=objects.model.objects,
        composed=objects.model.composed,
        links=objects.model.links,
        formats={name: source.model for name, source in formats.items()},
        sides={row.rsit: row for row in roles.model.roles},
        csv={name: source.model for name, source in csv.items()},
        known_good=tuple(source.model for source in known_good.values()),
        feedback=tuple(tag for each in agreed.values() for tag in each.model.tags),
    )


def _is_mapping(name: str) -> bool:
    return name.startswith(_MAPPINGS)
