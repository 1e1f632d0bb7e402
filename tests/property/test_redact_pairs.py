"""Each pseudonym that a recipient sees has its value, and nothing else has one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given

from broker.keys import RecipientKey
from broker.model.agreement import Profile
from broker.model.reveal import epoch_asked
from broker.redact import fields_of, project
from broker.redact.methods.pseudonym import Pseudonym, stands_for
from broker.redact.methods.pseudonym_ip import PseudonymIp
from broker.redact.pairs import pairs
from tests import world
from tests.profiles import places, plan_of, profiles, rule_of
from tests.strategies import incidents

METHODS = {"pseudonym": Pseudonym(), "pseudonym_ip": PseudonymIp()}


def texts(value: Any) -> Iterator[str]:
    """Yield every text in a JSON value."""
    match value:
        case dict():
            for inner in value.values():
                yield from texts(inner)
        case list():
            for inner in value:
                yield from texts(inner)
        case str():
            yield value


def key(epoch: int = 1) -> RecipientKey:
    """Return a recipient's key in an epoch."""
    one = world.keys().recipients["kp-misp"]
    return RecipientKey(one.pseudonyms, one.ids, epoch)


@given(incidents(), profiles())
def test_every_pseudonym_that_is_seen_has_its_value(
    incident: dict[str, Any], profile: Profile
) -> None:
    """What looks like a pseudonym in the view is in the pairs, and the other way."""
    fields = fields_of(world.receive(incident).incident)
    redacted = project(world.receive(incident).incident, plan_of(profile), key())
    found = list(pairs(redacted, fields, key()))
    seen = {text for text in texts(redacted.view) if epoch_asked(text) is not None}

    assert seen == {one.pseudonym for one in found}


@given(incidents(), profiles())
def test_a_value_is_the_one_that_stood_in_its_field(
    incident: dict[str, Any], profile: Profile
) -> None:
    """Each pair's value stood in a field that the profile makes a pseudonym of."""
    received = world.receive(incident).incident
    fields = fields_of(received)
    redacted = project(received, plan_of(profile), key(3))
    meant = {
        (place.path, str(value))
        for place in places(json.loads(json.dumps(fields)))
        if rule_of(profile, place.path, place.item).method in METHODS
        for value in values_at(fields, place.steps)
    }

    for one in pairs(redacted, fields, key(3)):
        assert one.field == "uid" or (one.field, one.value) in meant
        assert one.pseudonym.startswith("p3-")
        assert one.pseudonym in {m.apply(one.value, key(3)) for m in METHODS.values()}
        if "-ip" not in one.pseudonym:
            assert stands_for(one.pseudonym, one.value, {3: key(3)})


def values_at(fields: Any, steps: tuple[str | int, ...]) -> list[Any]:
    """Return what stands at a place."""
    for step in steps:
        fields = fields[step]
    return fields if isinstance(fields, list) else [fields]
