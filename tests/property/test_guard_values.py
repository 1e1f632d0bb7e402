"""The values that the guard looks for are those that it can name a field of."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from broker.guard.secrets import Secrets
from broker.guard.telling import Telling
from broker.model.decision import BY_LISTING, ItemKey
from broker.model.incident import Incident
from broker.model.known_good import KnownGood, Listed
from tests import world
from tests.strategies import realistic

_LISTS = Listed(
    [KnownGood(list="a", title="A", networks=("0.0.0.0/1",), names=(".example",))]
)


def _secrets() -> Iterator[Secrets]:
    """Yield what each shipped profile keeps back, with lists to look values up in."""
    for route in world.rulebook().routes:
        secrets = copy(route.guard.secrets)
        secrets._listed = _LISTS
        yield secrets


@st.composite
def _withheld(draw: st.DrawFn, incident: Incident) -> set[ItemKey]:
    """Return some sorts of an incident's items, also by what lists say of them."""
    places = {place.sort for _, place in Telling(incident).texts}
    sorts = sorted((sort for sort in places if sort[1]), key=repr)
    whole = draw(st.sets(st.sampled_from(sorts))) if sorts else set()
    seen = [told for owner, told in sorts if owner == "observables"]
    listed = draw(st.sets(st.sampled_from(seen))) if seen else set()
    state = draw(st.booleans())
    found = {*whole, *(("observables", (*told, state)) for told in listed)}
    return found | {BY_LISTING} if listed else found


@given(realistic(), st.data())
def test_values_are_those_of_the_secrets(
    raw: dict[str, Any], data: st.DataObject
) -> None:
    """Read once for all recipients, the values are those that are read for each."""
    incident = world.receive(raw).incident
    withheld = data.draw(_withheld(incident))
    telling = Telling(incident)

    for secrets in _secrets():
        expected = {secret.value for secret in secrets.of(incident, withheld)}
        assert expected == secrets.values(telling, incident, withheld)
