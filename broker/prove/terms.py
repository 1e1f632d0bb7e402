"""What stands around the clauses: endpoints, dates, retention, guardrails, mappings.

Two sides -> every such thing that is not the same, and whether it may widen what a
recipient gets or may do with it.

Invariant: what is not known to narrow or to change nothing counts as widening, so a new
key of a policy file is noticed before anybody has thought about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from broker.model.agreement import Never
from broker.model.marking import Pap, Tlp
from broker.prove.never import is_about
from broker.prove.side import Side

_NOT_THERE: Final = object()
_NOTHING: Final = (None, _NOT_THERE)
# Scales from the least to the most that a recipient gets or may do.
_UP: Final[dict[str, Sequence[Any]]] = {
    "clearance.tlp": [str(level) for level in Tlp],
    "clearance.pap": [str(level) for level in Pap],
    "tlp_at_most": [str(level) for level in Tlp],
    "pap_at_most": [str(level) for level in Pap],
    "onward": ["forbidden", "with-consent", "allowed"],
    "attribution": ["hidden", "aliased", "named"],
    "on_withdrawal": ["retract", "keep"],
    "on_expiry": ["retract", "keep"],
    "on_retention": ["retract", "keep"],
    "publish": [False, True],
    # What is taken back stays where nothing is deleted.
    "deletes": [True, False],
    "suspended": [True, False],
    "feedback.words": ["lead", "csirt", "topic"],
    "feedback.tlp": [str(level) for level in reversed(Tlp)],
}
_NUMBERS: Final = ("retention_days", "distribution", "max_bytes", "limits.max_bytes")
# How fast, and not what: everything arrives in the end.
_PACE: Final = ("limits.per_minute",)
# Words that travel with what is shared, or say why, and decide nothing.
_WORDS: Final = ("title", "parties", "legal_basis", "name", "contact", "rsit")
# Found where they matter: in the verdicts, in what is seen, and in the dates.
_PROVED: Final = (
    "clauses",
    "profile",
    "recipient",
    "agreement",
    "fast_lane",
    "embargo",
)


# What tables are called by those who write them.
_TABLES: Final = {
    "markings": "markings",
    "objects": "object templates",
    "composed": "composed objects",
    "links": "references between objects",
    "formats": "formats of messages",
    "sides": "types in other taxonomies",
    "csv": "tables that are read",
    "known_good": "lists of what is probably harmless",
    "feedback": "tags that units answer with",
}


@dataclass(frozen=True, slots=True)
class Term:
    """One thing around the clauses that is no longer the same."""

    about: str  # "recipient kp-misp", "agreement fiu", "guardrail misp-police"
    name: str
    old: str
    new: str
    widens: bool


def terms(old: Side, new: Side) -> Iterator[Term]:
    """Yield everything around the clauses that differs."""
    yield from _by_name("recipient", _recipients(old), _recipients(new))
    yield from _by_name("agreement", _agreements(old), _agreements(new))
    yield from _by_name("guardrail", _used_guardrails(old), _used_guardrails(new))
    yield from _of_models(
        "csirt", old.rulebook.csirt, new.rulebook.csirt, all_words=True
    )
    yield from _statements(old, new)
    yield from _tables(old, new)


def _recipients(side: Side) -> dict[str, BaseModel]:
    return {r.recipient.recipient: r.recipient for r in side.routes}


def _agreements(side: Side) -> dict[str, BaseModel]:
    return {r.agreement.agreement: r.agreement for r in side.routes}


def _used_guardrails(side: Side) -> dict[str, BaseModel]:
    used = {r.agreement.guardrail for r in side.routes}
    return {name: each for name, each in side.guardrails.items() if name in used}


def _by_name(
    what: str, old: Mapping[str, BaseModel], new: Mapping[str, BaseModel]
) -> Iterator[Term]:
    for name in sorted(old.keys() | new.keys()):
        about = f"{what} {name}"
        if name not in new:
            yield Term(about, "", "there", "not there", widens=False)
        elif name not in old:
            # What it discloses is shown by the verdicts; where to, only here.
            yield Term(about, "", "not there", "there", widens=True)
        else:
            yield from _of_models(about, old[name], new[name])


def _of_models(
    about: str, old: BaseModel, new: BaseModel, *, all_words: bool = False
) -> Iterator[Term]:
    was, now = _flat(old.model_dump(mode="json")), _flat(new.model_dump(mode="json"))
    for name in dict.fromkeys((*was, *now)):
        before, after = was.get(name, _NOT_THERE), now.get(name, _NOT_THERE)
        first = name.partition(".")[0]
        if before == after or first in _PROVED:
            continue
        if before in _NOTHING and after in _NOTHING:
            continue  # a part of which one side has the keys and the other has none
        widens = not all_words and _widens(name, before, after)
        yield Term(about, name, _said(before), _said(after), widens)


def _flat(value: Mapping[str, Any], start: str = "") -> dict[str, Any]:
    """Write ``{"clearance": {"tlp": ...}}`` as ``{"clearance.tlp": ...}``."""
    found: dict[str, Any] = {}
    for key, inner in value.items():
        if isinstance(inner, dict) and inner and key != "paths":
            found |= _flat(inner, f"{start}{key}.")
        elif key == "paths":
            found |= {f"paths.{path}": shape for path, shape in inner.items()}
        else:
            found[f"{start}{key}"] = sorted(inner) if key == "tripwires" else inner
    return found


def _widens(name: str, old: Any, new: Any) -> bool:
    first = name.partition(".")[0]
    if first in _WORDS or name in _PACE:
        return False
    if name in _UP and old in _UP[name] and new in _UP[name]:
        return _UP[name].index(new) > _UP[name].index(old)
    if name in _NUMBERS:
        return bool(new > old)
    if name == "valid.start":
        return bool(new < old)
    if name == "valid.until":
        return bool(new > old)
    if name == "purpose":
        return not set(new) <= set(old)
    if name == "tripwires":
        return not set(old) <= set(new)
    if first == "paths":
        return new is not _NOT_THERE
    if first == "reveal":
        return old is _NOT_THERE and new is not None
    return True


def _said(value: Any) -> str:
    if value is _NOT_THERE:
        return "not there"
    if isinstance(value, list):
        return ", ".join(map(_said, value)) or "none"
    if isinstance(value, dict):
        said = (str(inner) for inner in value.values() if inner not in (None, ""))
        return f"{' / '.join(said)}"
    return str(value)


def _statements(old: Side, new: Side) -> Iterator[Term]:
    was = {each.id: each for each in old.safeguards.model.never}
    now = {each.id: each for each in new.safeguards.model.never}
    for name in sorted(was.keys() | now.keys()):
        about = f"statement {name}"
        if name not in now:
            yield Term(about, "", "proved", "not proved any more", widens=True)
        elif name not in was:
            yield Term(about, "", "not proved", "proved", widens=False)
        elif _meaning(was[name]) != _meaning(now[name]):
            yield Term(about, "", "as it was", "says something else", widens=True)
        else:
            yield from _no_longer_about(about, was[name], old, new)


def _no_longer_about(
    about: str, statement: Never, old: Side, new: Side
) -> Iterator[Term]:
    """Yield every recipient of whom a statement is not proved any more.

    As when a party of its agreement has another role: what would let through to it what
    the statement forbids need not be in the same change.
    """
    was, now = _spoken_of(statement, old), _spoken_of(statement, new)
    there = {route.recipient.recipient for route in new.routes}
    for name in sorted((was & there) - now):
        yield Term(about, name, "proved", "not proved any more", widens=True)


def _spoken_of(statement: Never, side: Side) -> set[str]:
    return {r.recipient.recipient for r in side.routes if is_about(statement, r)}


def _meaning(statement: BaseModel) -> dict[str, Any]:
    return statement.model_dump(exclude={"cites", "note"})


def _tables(old: Side, new: Side) -> Iterator[Term]:
    was, now = old.rulebook.tables, new.rulebook.tables
    for name in sorted(was.kinds.keys() | now.kinds.keys()):
        if name not in now.kinds:
            yield Term(f"kind {name}", "", "known", "not read any more", widens=False)
        elif name not in was.kinds:
            yield Term(f"kind {name}", "", "not read", "known", widens=True)
        elif was.kinds[name] != now.kinds[name]:
            yield from _rows(f"kind {name}", was.kinds[name], now.kinds[name])
    for name in sorted(was.rsit.keys() | now.rsit.keys()):
        if was.rsit.get(name) != now.rsit.get(name):
            about = f"meaning of {name}"
            yield Term(about, "rsit", "as it was", "written otherwise", widens=False)
    # All others, also those that somebody adds next year.
    for name in type(was).model_fields:
        if name not in ("kinds", "rsit") and getattr(was, name) != getattr(now, name):
            about = _TABLES.get(name, f"table {name}")
            yield Term(about, "", "as it was", "written otherwise", widens=True)


def _rows(about: str, old: BaseModel, new: BaseModel) -> Iterator[Term]:
    for name in type(old).model_fields:
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            plain = not isinstance(was, BaseModel)
            said = (str(was), str(now)) if plain else ("as it was", "written otherwise")
            yield Term(about, name, *said, widens=True)
