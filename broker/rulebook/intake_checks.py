"""Checks of the tables that messages are read by.

`Sources` -> problems, each at the line that would have to change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from broker.errors import Problem
from broker.intake import TABLES
from broker.model.foreign import CsvTable, FormatTable
from broker.model.mapping import ObservableKind
from broker.model.rsit import RSIT_TYPES
from broker.rulebook.sources import Sources
from broker.strict_yaml import nearest


def problems(
    sources: Sources, kinds: Mapping[str, ObservableKind]
) -> Iterator[Problem]:
    """Yield what is wrong in tables of formats and in mappings of CSV tables."""
    topics: dict[str, str] = {}
    for name, source in sorted(sources.all_of("format", FormatTable).items()):
        if name not in TABLES:
            message = f"there is no format {name}"
            yield source.document.problem(("format",), message, nearest(name, TABLES))
        for index, topic in enumerate(source.model.topics):
            if topic in topics:
                message = f"the topic {topic} is of the format {topics[topic]} already"
                yield source.document.problem(("topics", index), message)
            topics.setdefault(topic, name)
    for csv in sources.all_of("csv", CsvTable).values():
        for header, column in csv.model.columns.items():
            kind = column.observable
            if kind is not None and kinds and kind not in kinds:
                at = ("columns", header, "observable")
                message = f"there is no kind of observable {kind}"
                yield csv.document.problem(at, message, nearest(kind, kinds))
        said = csv.model.defaults.get("classification")
        if said and said not in RSIT_TYPES and said not in csv.model.classification:
            message = "neither an RSIT type nor a word of this mapping"
            at_default = ("defaults", "classification")
            yield csv.document.problem(at_default, message, nearest(said, RSIT_TYPES))
