"""An agreement in sentences, to be laid beside the memorandum it was written from.

Agreement, profile and safeguards + a catalogue of texts -> sections of sentences.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from string import Formatter
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from broker.model.agreement import Agreement, Clause, FieldRule, Never, When
from broker.model.sharing import KEPT, WITHHELD
from broker.policy.conditions import CONDITIONS
from broker.rulebook import Route

if TYPE_CHECKING:
    from broker.prove.side import Side

# What a selector of a profile or a clause may ask, in the order of the sentence.
_ASKED: Final = ["kind", "data_class", "role", "listed", "party", "consent", "minor"]
LANGUAGES: Final = ("en", "sq", "sr")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with its sentences; the first section's heading is the title."""

    heading: str
    sentences: tuple[str, ...]


class Texts:
    """The catalogue of one language; what it lacks is said in English."""

    def __init__(self, language: str) -> None:
        english = import_module("broker.cli.policy_texts_en").TEXTS
        own = import_module(f"broker.cli.policy_texts_{language}").TEXTS
        labels = import_module(f"broker.cli.policy_labels_{language}").LABELS
        self._texts: Mapping[str, str] = {**english, **own}
        self._labels: Mapping[str, str] = labels

    def __call__(self, key: str, /, **values: str) -> str:
        """Return a sentence with its values."""
        return self._texts[key].format(**values)

    def word(self, code: Any) -> str:
        """Return a word of a closed list; a code that has none stays as it is."""
        return self._texts.get(f"word.{code}", str(code))

    def label(self, sort: str, code: Any) -> str:
        """Return what a type, category, method or purpose is called."""
        return self._labels.get(f"{sort}.{code}", str(code))

    def field(self, path: str) -> str:
        """Return what a field is called: its object, then the field in it."""
        steps = [step.removesuffix("[]") for step in path.split(".")]
        if steps[-1] not in ("contacts", "*"):
            # How somebody is reached is said by what it is.
            steps = [step for step in steps if step != "contacts"]
        return ": ".join(self.label("step", step) for step in steps)

    def words(self, codes: Iterable[Any], join: str = "or") -> str:
        """Return words joined with commas and a last "or"."""
        named = [self.word(code) for code in codes]
        if len(named) < 2:
            return "".join(named)
        return f"{', '.join(named[:-1])}{self(join)}{named[-1]}"


def describe(side: Side, route: Route, language: str) -> tuple[Section, ...]:
    """Return an agreement in sentences."""
    texts = Texts(language)
    agreement = route.agreement
    csirt = side.rulebook.csirt.name
    made_from = texts(
        "made_from",
        file=f"policies/agreements/{agreement.agreement}.yaml",
        digest=side.rulebook.digest[:16],
    )
    note = [texts("note")] if texts("note") else []
    return (
        Section(texts("heading", title=agreement.title), (*note, made_from)),
        Section(texts("parties"), tuple(_parties(agreement, texts))),
        Section(texts("term"), tuple(_term(agreement, texts))),
        Section(texts("where"), tuple(_where(route, csirt, texts))),
        Section(texts("what"), tuple(_what(agreement, csirt, texts))),
        Section(texts("everybody"), tuple(_everybody(side, agreement, texts))),
        *_never(side, route, texts),
        Section(texts("seen"), tuple(_seen(side, route, texts))),
        Section(texts("after"), tuple(_after(agreement, csirt, texts))),
    )


def _parties(agreement: Agreement, texts: Texts) -> Iterator[str]:
    parties = [
        texts("party", name=each.name, role=texts.word(each.role))
        for each in agreement.parties
    ]
    yield texts("between", parties=texts.words(parties, "and"))
    purposes = ", ".join(texts.label("purpose", each) for each in agreement.purpose)
    yield texts("purpose", purposes=purposes)
    for basis in agreement.legal_basis:
        said = {"act": basis.act, "citation": basis.citation}
        if basis.confirmed_by:
            on = str(basis.confirmed_on or "")
            yield texts("basis", **said, by=basis.confirmed_by, on=on)
        else:
            yield texts("basis_open", **said)


def _term(agreement: Agreement, texts: Texts) -> Iterator[str]:
    valid = agreement.valid
    yield texts("valid", start=str(valid.start), until=str(valid.until))
    yield texts(f"expiry.{agreement.on_expiry}")


def _where(route: Route, csirt: str, texts: Texts) -> Iterator[str]:
    recipient = route.recipient
    kind, url = texts(f"system.{recipient.kind}"), recipient.url
    yield texts("recipient", kind=kind, authority=recipient.authority, url=url)
    yield texts(f"wire.{route.wire}")
    if recipient.collection:
        yield texts("collection", collection=recipient.collection)
    if recipient.organisation is not None:
        yield texts("maker", name=recipient.organisation.name)
    if str(route.wire) == "misp-event":
        yield _audience(route, csirt, texts)
        yield texts(f"publish.{'yes' if recipient.publish else 'no'}")
    if not recipient.deletes:
        yield texts("deletes.no")
    clearance, limits = recipient.clearance, recipient.limits
    tlp, pap = clearance.tlp.upper(), clearance.pap.upper()
    yield texts("clearance", tlp=tlp, pap=pap)
    yield texts("limit.bytes", bytes=str(limits.max_bytes))
    if limits.per_minute:
        yield texts("limit.pace", number=str(limits.per_minute))
    if recipient.suspended:
        yield texts("suspended")


def _audience(route: Route, csirt: str, texts: Texts) -> str:
    """Say who can read a case where it is sent to."""
    group = route.recipient.sharing_group
    if group is None:
        return texts(f"audience.{route.recipient.distribution}")
    names = [each.name for each in group.organisations]
    members = texts.words([*names, csirt], "and")
    return texts("audience.group", name=group.name, members=members)


def _what(agreement: Agreement, csirt: str, texts: Texts) -> Iterator[str]:
    fast = agreement.fast_lane is not None
    for clause in agreement.clauses:
        yield _clause(clause, csirt, texts, fast=fast)
    if agreement.fast_lane is not None:
        yield texts("fast_lane_open", cites=agreement.fast_lane.cites)
    if agreement.embargo is not None:
        days = str(agreement.embargo.hold_back_days)
        yield texts("hold_back", cites=agreement.embargo.cites, days=days)
    yield texts("embargo")
    yield texts("strictest")


def _clause(clause: Clause, csirt: str, texts: Texts, *, fast: bool) -> str:
    when = _when(clause.when, texts)
    said = [
        texts(f"clause.{clause.effect}", cites=clause.cites, csirt=csirt, when=when)
    ]
    if fast and clause.fast_lane:
        said.append(texts("fast_lane"))
    if clause.withhold_items:
        items = "; ".join(_items(each, texts) for each in clause.withhold_items)
        said.append(texts("items", csirt=csirt, items=items))
    if clause.note:
        said.append(f"({clause.note.strip()})")
    return " ".join(said)


def _when(when: When, texts: Texts) -> str:
    said = [
        _condition(name, getattr(when, name), texts)
        for name in CONDITIONS
        if getattr(when, name) is not None
    ]
    if not said:
        return texts("always")
    return texts("if", conditions=texts("and").join(said))


def _condition(name: str, bound: Any, texts: Texts) -> str:
    if isinstance(bound, bool):
        return texts(f"when.{name}.{'yes' if bound else 'no'}")
    if isinstance(bound, dict):
        amounts = [f"{amount} {currency}" for currency, amount in sorted(bound.items())]
        return texts(f"when.{name}", values=texts.words(amounts))
    if isinstance(bound, frozenset):
        return texts(f"when.{name}", values=_values(name, sorted(bound), texts))
    marking = name.startswith(("tlp_", "pap_"))
    value = str(bound).upper() if marking else texts.word(bound)
    return texts(f"when.{name}", values=value)


def _values(name: str, codes: list[Any], texts: Texts) -> str:
    """Say which values a condition allows, by their labels."""
    if name in ("has_field_in", "has_no_field_in"):
        return texts.words([texts.field(code) for code in codes])
    sort = {"classification_in": "type", "category_in": "category"}.get(name)
    if sort is None:
        return texts.words(codes)
    return texts.words([texts.label(sort, code) for code in codes])


def _items(items: BaseModel, texts: Texts) -> str:
    of = texts(f"items.{getattr(items, 'of', '')}")
    conditions = _only(items, texts)
    return texts("items_with", of=of, conditions=conditions) if conditions else of


def _only(selector: BaseModel, texts: Texts) -> str:
    """Say what tells items apart, of a selector of a profile or of a clause."""
    said: list[str] = []
    for name in _ASKED:
        wanted = getattr(selector, name, None)
        if isinstance(wanted, bool):
            said.append(texts(f"only.{name}.{'yes' if wanted else 'no'}"))
        elif wanted is not None:
            said.append(texts(f"only.{name}", values=texts.words(sorted(wanted))))
    return texts("and").join(said)


def _everybody(side: Side, agreement: Agreement, texts: Texts) -> Iterator[str]:
    """Say the safeguards; the agreement's fast lane counts for their reviews, too."""
    csirt, fast = side.rulebook.csirt.name, agreement.fast_lane is not None
    for clause in side.safeguards.model.safeguards:
        yield _clause(clause, csirt, texts, fast=fast)


def _never(side: Side, route: Route, texts: Texts) -> Iterator[Section]:
    roles = {party.role for party in route.agreement.parties}
    about = [
        each
        for each in side.safeguards.model.never
        if (not each.recipients and not each.roles)
        or route.recipient.recipient in each.recipients
        or not roles.isdisjoint(each.roles)
    ]
    if about:
        said = tuple(_statement(each, texts) for each in about)
        yield Section(texts("never"), (texts("never_proved"), *said))


def _statement(statement: Never, texts: Texts) -> str:
    whom = [*sorted(statement.recipients), *map(texts.word, sorted(statement.roles))]
    said = {
        "when": _when(statement.when, texts),
        "whom": texts.words(whom) if whom else texts("whom.all"),
        "unless": texts("unless.review") if statement.unless else "",
    }
    if not statement.fields:
        return texts("never.whole", **said)
    fields = ", ".join(texts.field(path) for path in statement.fields)
    conditions = _only(statement.only, texts)
    if conditions:
        fields = texts("never.only", fields=fields, conditions=conditions)
    if statement.except_as:
        allowed = sorted(statement.except_as)
        methods = texts.words([texts.label("method", each) for each in allowed])
        fields = texts("never.except", fields=fields, methods=methods)
    key = "never.any" if statement.when == When() else "never.fields"
    return texts(key, **said, fields=fields)


def _seen(side: Side, route: Route, texts: Texts) -> Iterator[str]:
    """Say what becomes of every field: once per outcome, or rule by rule.

    A field with several rules is said by itself, in their order: the first that fits
    counts, and a list of what is kept beside one of what is not would hide that.
    """
    found: dict[str, list[str]] = {}
    ordered: dict[str, list[str]] = {}
    for path, rules in side.profile_of(route).fields.items():
        if len(rules) == 1:
            found.setdefault(_method(rules[0], texts), []).append(texts.field(path))
        else:
            outcomes = "; ".join(_rule(rule, texts) for rule in rules)
            ordered.setdefault(outcomes, []).append(texts.field(path))
    kept, withheld = found.pop(KEPT, []), found.pop(WITHHELD, [])
    if kept:
        yield texts("seen.kept", fields=", ".join(kept))
    for method, fields in found.items():
        yield texts("seen.method", method=method, fields=", ".join(fields))
    if withheld:
        yield texts("seen.withheld", fields=", ".join(withheld))
    for outcomes, fields in ordered.items():
        yield texts("seen.rules", fields=", ".join(fields), outcomes=outcomes)


def _rule(rule: FieldRule, texts: Texts) -> str:
    """Say what one of several rules makes of a field, and of which items."""
    method = _method(rule, texts)
    said = texts(f"outcome.{method}") if method in (KEPT, WITHHELD) else method
    only = _only(rule.only, texts)
    if only:
        return texts("seen.only", outcome=said, conditions=only)
    return texts("seen.otherwise", outcome=said)


def _method(rule: FieldRule, texts: Texts) -> str:
    """Say what becomes of a field; `KEPT` and `WITHHELD` are said elsewhere."""
    if rule.method in ("withhold", "drop"):
        return WITHHELD
    if rule.method == "keep":
        return KEPT
    options = ", ".join(_option(*each, texts) for each in rule.options.items())
    label = texts.label("method", rule.method)
    return f"{label} ({options})" if options else label


def _option(name: str, value: Any, texts: Texts) -> str:
    """Say how far a method goes: to which level, or at which bounds."""
    values = value if isinstance(value, list) else [value]
    return texts(f"option.{name}", value=", ".join(texts.word(each) for each in values))


def _after(agreement: Agreement, csirt: str, texts: Texts) -> Iterator[str]:
    yield texts("retention", days=str(agreement.retention_days))
    yield texts(f"retention.{agreement.on_retention}")
    yield texts(f"onward.{agreement.onward}", csirt=csirt)
    yield texts(f"attribution.{agreement.attribution}")
    yield texts(f"withdrawal.{agreement.on_withdrawal}", csirt=csirt)
    back = agreement.feedback
    yield texts("feedback", tlp=back.tlp.upper())
    yield texts(f"feedback.{back.words}", csirt=csirt)
    if back.cites:
        yield texts("feedback.cites", cites=back.cites)
    if agreement.reveal is None:
        yield texts("reveal_never")
    else:
        yield texts("reveal", cites=agreement.reveal.cites)


def names_in(text: str) -> frozenset[str]:
    """Return the names in braces of a text: what its sentence needs to be told."""
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name)
