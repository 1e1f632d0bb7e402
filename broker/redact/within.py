"""What of one incident its free texts must not say, because it is withheld elsewhere.

The fields of an incident + `Plan` + the recipient's key -> `KeyWithin`, with which
`scrub_text` knows what to cut out.

Invariants: whatever does not leave as it is, is looked for, however it leaves, and all
that a clause keeps back; a value that the recipient sees elsewhere, in the same data-
protection class, is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from broker.keys import RecipientKey
from broker.model.decision import NO_ITEMS, ItemKey
from broker.model.incident import PartyKind, Shape, declarations
from broker.model.sharing import KEPT, WITHHELD
from broker.redact.item import Item
from broker.redact.kept_back import line_of
from broker.redact.methods.scrub_text import KeyWithin, ScrubText
from broker.redact.plan import Plan
from broker.redact.scrub import Hidden, Scrubber

_DECLARED: Final = declarations()
_VALUE: Final = "observables[].value"
# Words of closed lists are in every text; counts are in many.
_UNTELLING: Final = frozenset({Shape.CODE, Shape.FLAG, Shape.NUMBER})
# Free text is told apart from the values that may be repeated in it.
_VALUES: Final = frozenset(Shape) - _UNTELLING - {Shape.TEXT, Shape.TIME, Shape.AMOUNT}
# Names of something that is no person, whatever else the item says.
_NO_PERSON: Final = frozenset({"reporter.organisation"})


class _Value(NamedTuple):
    text: str
    shape: Shape
    data_class: str
    outcome: str
    person: bool


def key_within(
    fields: Mapping[str, Any],
    plan: Plan,
    key: RecipientKey,
    withheld: Mapping[ItemKey, str] = NO_ITEMS,
) -> KeyWithin:
    """Return the recipient's key with what its free texts are scrubbed of.

    ``withheld`` are the sorts of items that a clause keeps back.
    """
    values = [
        each for each in _values(fields, plan, withheld) if each.shape not in _UNTELLING
    ]
    kept = {(v.data_class, v.text.casefold()) for v in values if v.outcome == KEPT}
    hidden = (
        Hidden(each.text, each.shape, each.person)
        for each in values
        if each.outcome not in (KEPT, ScrubText.name)
        and (each.data_class, each.text.casefold()) not in kept
    )
    seen = (v.text for v in values if v.outcome == KEPT and v.shape in _VALUES)
    scrubber = Scrubber(hidden, seen)
    return KeyWithin(key.pseudonyms, key.ids, key.epoch, scrubber=scrubber)


def _values(
    fields: Mapping[str, Any], plan: Plan, withheld: Mapping[ItemKey, str]
) -> Iterator[_Value]:
    yield from _of_item(fields, plan.top, plan)
    for name, variants in plan.lists.items():
        for item in fields.get(name, ()):
            told = variants.told_apart(item)
            item_plan = variants.items.get(told)
            if item_plan is None:
                continue
            found = _of_item(item, item_plan, plan)
            if withheld and line_of(withheld, plan, name, told, item) is not None:
                found = (value._replace(outcome=WITHHELD) for value in found)
            yield from found


def _of_item(fields: Mapping[str, Any], item: Item, plan: Plan) -> Iterator[_Value]:
    person = fields.get("kind") != PartyKind.ORGANISATION
    there = tuple(name for name in fields if fields[name] != [])
    for leaf in item.choices[there].leaves:
        value = fields[leaf.name]
        path, outcome, _ = leaf.mark if leaf.seen else leaf.withheld
        declared = _DECLARED[path]
        shape, data_class = declared.shape, str(declared.data_class)
        if path == _VALUE:
            kind = plan.kinds[fields["kind"]]
            shape, data_class = kind.shape, str(kind.data_class)
        for text in value if isinstance(value, list) else (value,):
            yield _Value(
                str(text), shape, data_class, outcome, person and path not in _NO_PERSON
            )
    for name, part in item.parts:
        if inner := fields.get(name):
            yield from _of_item(inner, part, plan)
