"""Which values of an incident must not be found in what leaves.

A profile + the incident itself -> the values that no rule keeps. Written apart from
redaction on purpose: a mistake there is then not repeated here.

A value that a clause withholds because it is listed is in thousands of incidents, and
no breach where it is a part of another observable that leaves, or stands in every
document by chance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from ipaddress import ip_address, ip_network
from typing import Any, Final, NamedTuple

from broker.guard.telling import (
    DECLARED,
    TOLD_APART,
    Fields,
    Place,
    Telling,
    is_telling,
    is_told,
    name_within,
    owner_of,
    reader,
    sorter,
    texts_of,
)
from broker.model.agreement import FieldRule, Profile, Selector
from broker.model.decision import BY_LISTING, ItemKey
from broker.model.incident import Incident, named_by_content
from broker.model.known_good import NO_LISTS, Listed
from broker.model.mapping import ObservableKind
from broker.model.marking import DataClass

# RFC 6454, section 4: scheme, host and port; here without user and password.
_ORIGIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#@\\\s]+/?")
_VALUE: Final = "observables[].value"


class Secret(NamedTuple):
    """A value that must not leave, and the field that it comes from."""

    field: str
    value: str
    data_class: str
    # Says whether the value is no more than the recipient may see of it.
    harmless: Callable[[str], bool] | None = None
    always: bool = False  # even where the same value is kept elsewhere
    listed: bool = False  # withheld because lists say that it is in many incidents


class _Field(NamedTuple):
    """A field that holds telling values: how it is read in an item, and its class."""

    path: str
    read: Callable[[Fields], Any]
    data_class: str
    harmless: Callable[[str], bool] | None
    always: bool = False
    listed: bool = False


@dataclass(frozen=True)
class _Split:
    """The telling fields of items of one sort: hidden, kept, and cut values out of."""

    hidden: tuple[_Field, ...]
    kept: tuple[_Field, ...]
    # Texts that values are cut out of. Where there is none, the text stays as it is;
    # the values are looked for by the fields that they are withheld in.
    cut: tuple[_Field, ...]

    @cached_property
    def all_hidden(self) -> _Split:
        """The same fields, none of which may be seen, in whatever form."""
        fields = (
            field._replace(harmless=None, always=field.path == _VALUE)
            for field in (*self.hidden, *self.kept, *self.cut)
        )
        return _Split(tuple(fields), (), ())


class _Hidden(dict[Place, bool | None]):
    """Which fields are hidden; each is decided when it is first asked for."""

    def __init__(self, decide: Callable[[Place], bool | None]) -> None:
        self._decide = decide

    def __missing__(self, place: Place) -> bool | None:
        decided = self[place] = self._decide(place)
        return decided


class Secrets:
    """Knows which values of an incident one profile keeps from its recipients."""

    def __init__(
        self,
        profile: Profile,
        kinds: Mapping[str, ObservableKind],
        listed: Listed = NO_LISTS,
    ) -> None:
        self._kinds, self._listed = kinds, listed
        self._rules: dict[str, dict[str, tuple[FieldRule, ...]]] = {}
        for path, rules in profile.fields.items():
            self._rules.setdefault(owner_of(path), {})[path] = rules
        # By list, and by what tells its items apart.
        self._splits: dict[str, dict[tuple[Any, ...], _Split]] = {
            owner: {} for owner in self._rules
        }
        self._hidden = _Hidden(self._is_hidden)

    def values(
        self,
        telling: Telling,
        incident: Incident,
        withheld: Collection[ItemKey] = (),
    ) -> set[str]:
        """Return the values of all that `of` returns, of what an incident tells."""
        if BY_LISTING in withheld:
            # Each item has to be looked up by itself.
            return {secret.value for secret in self.of(incident, withheld)}
        hidden = self._hidden
        found = {text for text, place in telling.texts if hidden[place]}
        if withheld:
            for text, place in telling.texts:
                if place.sort in withheld and hidden[place] is not None:
                    found.add(text)
        if telling.digest:
            found.add(telling.digest)
        return found

    def of(
        self, incident: Incident, withheld: Collection[ItemKey] = ()
    ) -> list[Secret]:
        """Return every value that no rule of the profile keeps.

        ``withheld`` are sorts of items of which the agreement keeps everything back. A
        digest that a message was numbered by is one of them whatever the profile
        says of the uid: it confirms a guess of what is withheld.
        """
        hidden = [
            Secret(path, text, data_class, harmless, always, listed)
            for fields, split in self._items(incident, withheld)
            for path, read, data_class, harmless, always, listed in split.hidden
            if (value := read(fields))
            # Nearly all of them are one text.
            for text in ((value,) if type(value) is str else texts_of(value))
            if is_telling(text)
        ]
        if named_by_content(incident.uid):
            digest = incident.uid.rpartition(":")[2]
            hidden.append(Secret("uid", digest, DataClass.TECHNICAL))
        return hidden

    def unkept(
        self,
        secrets: list[Secret],
        incident: Incident,
        withheld: Collection[ItemKey] = (),
    ) -> list[Secret]:
        """Return those secrets that the policy does not share all the same.

        Where it shares the very same value elsewhere, in the same data class, finding
        it is no breach: a reporter who is hidden may also be a victim who is named. Nor
        is finding what is no more than the recipient may see of it, such as a wide
        network. An observable that the agreement keeps back stays a secret: one value
        in two roles is one value. But one that is kept back for being listed, such as
        the site that a page is on, is seen in every longer one that is shared.
        """
        whole = (
            [
                text.casefold()
                for fields, split in self._items(incident, withheld)
                for text in _seen_of(fields, split)
            ]
            if any(secret.listed for secret in secrets)
            else []
        )
        kept = {
            (field.data_class, text.casefold())
            for fields, split in self._items(incident, withheld)
            for field in split.kept
            for text in texts_of(field.read(fields))
        }
        return [
            secret
            for secret in secrets
            if (
                (secret.data_class, secret.value.casefold()) not in kept
                or secret.always
            )
            and not (secret.harmless and secret.harmless(secret.value))
            and not (secret.listed and _is_part(secret.value.casefold(), whole))
        ]

    def _items(
        self, incident: Incident, withheld: Collection[ItemKey]
    ) -> Iterator[tuple[Fields, _Split]]:
        by_listing = BY_LISTING in withheld
        for owner, splits in self._splits.items():
            told_apart = sorter(owner)
            for item in getattr(incident, owner) if owner else (incident,):
                fields = item.__dict__
                told = told_apart(fields)
                split = splits.get(told) or self._split(owner, told)
                if withheld and (owner, told) in withheld:
                    split = split.all_hidden
                elif by_listing and self._is_listed(owner, fields, told, withheld):
                    split = _hidden_as_listed(split.all_hidden)
                yield fields, split

    def _is_listed(
        self,
        owner: str,
        fields: Fields,
        told: tuple[Any, ...],
        withheld: Collection[ItemKey],
    ) -> bool:
        """Say whether an item is kept back by what lists say of its value.

        What cannot be looked up is kept back by either answer.
        """
        if owner != "observables":
            return False
        answer = self._listed.holds(self._kinds[told[0]].shape, fields["value"])
        either = (True, False) if answer is None else (answer,)
        return any((owner, (*told, state)) in withheld for state in either)

    def _is_hidden(self, place: Place) -> bool | None:
        """Say whether a field is hidden; none where the profile has no such field."""
        owner, told = place.sort
        if place.path not in self._rules.get(owner, ()):
            return None
        split = self._splits[owner].get(told) or self._split(owner, told)
        return any(field.path == place.path for field in split.hidden)

    def _split(self, owner: str, told: tuple[Any, ...]) -> _Split:
        """Sort the telling fields of such an item by the rule that speaks of it."""
        names = TOLD_APART.get(owner, ())
        facts = dict(zip(names, told, strict=True))
        hidden: list[_Field] = []
        kept: list[_Field] = []
        cut: list[_Field] = []
        for path, rules in self._rules[owner].items():
            if not is_told(path):
                continue
            first = next(rule for rule in rules if self._about(rule.only, facts))
            read = reader(name_within(owner, path))
            data_class = self._data_class(path, facts)
            field = _Field(path, read, data_class, _harmless(first))
            among = {"keep": kept, "scrub_text": cut}.get(first.method, hidden)
            among.append(field)
        split = _Split(tuple(hidden), tuple(kept), tuple(cut))
        self._splits[owner][told] = split
        return split

    def _data_class(self, path: str, facts: Mapping[str, Any]) -> str:
        if path == "observables[].value" and facts["kind"] in self._kinds:
            return self._kinds[facts["kind"]].data_class
        return DECLARED[path].data_class

    def _about(self, only: Selector, facts: Mapping[str, Any]) -> bool:
        """Say whether a rule speaks of such an item; unknown facts never fit."""
        for name, value in facts.items():
            wanted = getattr(only, name)
            if wanted is None:
                continue
            if isinstance(wanted, bool):
                if wanted is not value:
                    return False
            elif value not in wanted:
                return False
        if only.data_class is not None:
            row = self._kinds.get(facts.get("kind", ""))
            return row is not None and row.data_class in only.data_class
        return True


def _hidden_as_listed(split: _Split) -> _Split:
    """Return the same hidden fields, the value as one that is in many incidents."""
    fields = (
        field._replace(harmless=_is_by_chance, listed=True)
        if field.path == _VALUE
        else field
        for field in split.hidden
    )
    return _Split(tuple(fields), (), ())


def _is_by_chance(value: str) -> bool:
    """Say whether a value is in every document: an address that is all zeros but one.

    Such as ``::1``, which others end in, or ``0.0.0.0``, which as a number is 0.
    """
    try:
        address = ip_address(value)
    except ValueError:
        return False
    return int(address) < (1 << 24 if address.version == 4 else 1 << 16)


def _seen_of(fields: Fields, split: _Split) -> Iterator[str]:
    """Yield as much of an observable's value as the recipient sees word for word."""
    for field in (*split.kept, *split.hidden):
        if field.path != _VALUE:
            continue
        for text in texts_of(field.read(fields)):
            if field in split.kept:
                yield text
            elif field.harmless is _is_origin and (origin := _ORIGIN.match(text)):
                yield origin[0]


def _is_part(value: str, whole: Collection[str]) -> bool:
    """Say whether a value is a part, and not all, of another one.

    An address is none of a longer address that merely begins or ends alike.
    """
    before = r"(?<!\d)" if value[:1].isdigit() else ""
    after = r"(?!\d)" if value[-1:].isdigit() else ""
    part = re.compile(f"{before}{re.escape(value)}{after}")
    return any(value != text and part.search(text) for text in whole)


def _harmless(rule: FieldRule) -> Callable[[str], bool] | None:
    """Return what says that a value is no more than the recipient may see of it."""
    if rule.method == "truncate_ip":
        v4, v6 = rule.options.get("v4", 24), rule.options.get("v6", 48)
        return partial(_is_wide, v4=v4, v6=v6)
    if rule.method == "url_origin":
        return _is_origin
    return None


def _is_origin(value: str) -> bool:
    """Say whether a URL names a machine and nothing on it."""
    return _ORIGIN.fullmatch(value) is not None


def _is_wide(value: str, v4: int, v6: int) -> bool:
    """Say whether an address range is no smaller than the network that may be seen.

    The first address of such a network counts as the network: it reads the same.
    """
    try:
        network = ip_network(value)
    except ValueError:
        return False
    allowed = v4 if network.version == 4 else v6
    if network.prefixlen == network.max_prefixlen:
        network = ip_network(f"{value}/{allowed}", strict=False)
        return str(network.network_address) == value
    return network.prefixlen <= allowed
