"""An incident field by field, beside what a recipient sees of it.

`Incident` + a preview -> rows of text for tables. A row is one plain field, one group
such as ``times``, or one item of a list such as ``observables[3]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from broker import redact
from broker.errors import RedactionError
from broker.keys import RecipientKey
from broker.model.incident import Incident
from broker.model.sharing import KEPT, WITHHELD, LedgerEntry
from broker.pipeline import Previewed

NOTHING: Final = "—"
_SIGNS: Final = {KEPT: "=", WITHHELD: "✗"}
_CHANGED: Final = "≈"
# Values that say nothing without the name of their field; times are the others.
_LABELLED: Final = frozenset({"consent", "size", "confidence", "group"})
_OBSERVABLE: Final = re.compile(r"^observables\[(\d+)\]")
_TIME: Final = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)?Z$")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: a field, what the CSIRT knows, what a recipient sees."""

    field: str
    known: str
    seen: str
    outcomes: Mapping[str, str]  # by field within the row

    @property
    def kept(self) -> bool:
        """Whether everything in this row goes out as it is."""
        return set(self.outcomes.values()) <= {KEPT} and not self.withheld

    @property
    def withheld(self) -> bool:
        """Whether nothing in this row goes out.

        An item whose essential field is withheld does not go out at all, whatever the
        rules say of its other fields.
        """
        return self.seen == NOTHING


def sign(outcome: str) -> str:
    """Return the sign of an outcome: ``=`` kept, ``≈`` changed, ``✗`` withheld."""
    return _SIGNS.get(outcome, _CHANGED)


def rows(incident: Incident, shown: Previewed, key: RecipientKey) -> tuple[Row, ...]:
    """Return every field that the incident has, and what becomes of it."""
    known = incident.model_dump(mode="json", exclude_none=True)
    gets_something = bool(shown.wires)
    grouped: dict[str, dict[str, str]] = {}
    for entry in shown.redacted.ledger():
        group, leaf = _split(entry)
        grouped.setdefault(group, {})[leaf] = entry.outcome
    return tuple(
        Row(
            group,
            _text(_find(known, group)),
            _text(_seen(incident, shown, key, group)) if gets_something else NOTHING,
            outcomes,
        )
        for group, outcomes in grouped.items()
    )


def summary(row: Row) -> str:
    """Say in a few words what happens to the fields of one row."""
    if row.withheld:
        return f"{sign(WITHHELD)} {WITHHELD}"
    outcomes = row.outcomes
    different = set(outcomes.values())
    if len(different) == 1:
        only = different.pop()
        return f"{sign(only)} {only}"
    by_outcome: dict[str, list[str]] = {}
    for leaf, outcome in outcomes.items():
        by_outcome.setdefault(outcome, []).append(leaf)
    lines = [
        f"{sign(outcome)} {outcome}"
        if outcome == KEPT
        else f"{sign(outcome)} {outcome}: {', '.join(leaves)}"
        for outcome, leaves in sorted(by_outcome.items(), key=lambda item: item[0])
    ]
    return "\n".join(sorted(lines, key=lambda line: "=≈✗".index(line[0])))


def kept_back(incident: Incident, shown: Previewed) -> Iterator[tuple[str, str, str]]:
    """Yield (observable, list, line) of what a clause withholds though it is listed."""
    lines = set(shown.share.decision.withheld_items.values())
    for entry in shown.redacted.ledger():
        group, leaf = _split(entry)
        if leaf != "value" or entry.outcome != WITHHELD or entry.where not in lines:
            continue
        found = _OBSERVABLE.match(group)
        if found is None:
            continue
        observable, frame = incident.observables[int(found[1])], shown.route.frame
        shape = frame.writers[observable.kind].shape
        title = frame.listed.of(shape, observable.value)
        if title:
            yield group, title, entry.where


def _split(entry: LedgerEntry) -> tuple[str, str]:
    """Split ``victims[0].contacts.email`` into ``victims[0]`` and the rest."""
    group, _, leaf = entry.field.partition(".")
    return group.removesuffix("[]"), (leaf or group).removesuffix("[]")


def _find(known: Mapping[str, Any], group: str) -> Any:
    name, _, index = group.removesuffix("]").partition("[")
    value = known.get(name)
    return value[int(index)] if index and value is not None else value


def _seen(
    incident: Incident, shown: Previewed, key: RecipientKey, group: str
) -> Any | None:
    name, _, index = group.removesuffix("]").partition("[")
    if not index:
        return shown.redacted.view.get(name)
    # A view puts the items of a list in an order of its own and merges equal ones, so
    # the one that this item became is found by redacting it alone.
    only = (getattr(incident, name)[int(index)],)
    try:
        alone = redact.project(
            incident.model_copy(update={name: only}),
            shown.route.plan,
            key,
            withheld=shown.share.decision.withheld_items,
        )
    except RedactionError:
        return None
    return next(iter(alone.view.get(name, ())), None)


def _text(value: Any) -> str:
    """Write a value, or what an object holds, on one line."""
    words = list(_words(value))
    return " · ".join(words) if words else NOTHING


def _words(value: Any) -> Iterable[str]:
    match value:
        case None | False | "":
            return
        case dict():
            for name, inner in value.items():
                if name == "exact":
                    continue
                if inner is True:
                    yield name
                elif name in _LABELLED or (
                    isinstance(inner, str) and _TIME.match(inner)
                ):
                    yield f"{name} {' '.join(_words(inner))}"
                else:
                    yield from _words(inner)
        case list():
            for inner in value:
                yield from _words(inner)
        case str():
            time = _TIME.match(value)
            yield f"{time[1]} {time[2]}" if time else value
        case _:
            yield str(value)
