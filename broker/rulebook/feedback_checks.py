"""Checks of the tags by which units answer.

`Sources` -> problems, each at the line that would have to change.
"""

from __future__ import annotations

from collections.abc import Iterator

from broker.errors import Problem
from broker.model.feedback import AgreedTags
from broker.model.mapping import Markings
from broker.rulebook.sources import RsitTable, Sources


def problems(sources: Sources) -> Iterator[Problem]:
    """Yield tags that say two things, or that the CSIRT itself sends."""
    sent = _sent(sources)
    seen: dict[str, str] = {}
    for name, source in sorted(sources.all_of("feedback", AgreedTags).items()):
        for index, row in enumerate(source.model.tags):
            at, tag = ("tags", index, "tag"), row.tag.casefold()
            # Compared as MISP does: a tag is the same in any case of letters.
            if tag in seen:
                message = f"the file {seen[tag]} says already what this tag means"
                yield source.document.problem(at, message, "remove one of the two")
            seen.setdefault(tag, name)
            if tag in sent or (row.value != "none" and _begins(tag, sent)):
                message = "the CSIRT sends this tag itself, so it is nobody's answer"
                yield source.document.problem(at, message, "choose another tag")


def _begins(tag: str, sent: frozenset[str]) -> bool:
    return any(one.partition("=")[0] == tag for one in sent)


def _sent(sources: Sources) -> frozenset[str]:
    """Return the tags that go out with cases, as the mapping tables name them."""
    found: set[str] = set()
    markings = sources.one("mappings/markings.yaml", Markings)
    if markings is not None:
        table = markings.model
        found |= {row.tag for row in (*table.tlp.values(), *table.pap.values())}
        found |= {tag for row in table.confidence for tag in row.tags}
        found |= {row.tag for row in table.retention} | set(table.states.values())
    rsit = sources.one("mappings/taxonomy/rsit.yaml", RsitTable)
    for row in rsit.model.rsit if rsit is not None else ():
        category, _, kind = row.rsit.partition("/")
        found.add(f'rsit:{category}="{kind}"')
        found |= {row.common_taxonomy, row.europol_incident, *row.europol_event}
    return frozenset(tag.casefold() for tag in found - {""})
