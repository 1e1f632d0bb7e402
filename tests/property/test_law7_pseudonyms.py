"""Law 7: what two recipients hold cannot be joined by comparing it."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from broker.convert.ids import Ids
from broker.keys import RecipientKey, recipient_key
from broker.model.sharing import State, Wire
from broker.pipeline import preview
from broker.redact.methods.pseudonym import Pseudonym
from tests import world
from tests.strategies import incidents, names, shared_markings, uids

PSEUDONYM = Pseudonym()
# Published constants and names of templates: the same for the whole world.
CONSTANT = ("marking-definition--", "extension-definition--", "identity--0b8c5a52")
# What STIX 2.1 (2.9) prescribes: the same value has the same id everywhere. Both
# recipients see the value itself beside it.
PUBLIC = (
    "autonomous-system--",
    "domain-name--",
    "email-addr--",
    "email-message--",
    "file--",
    "ipv4-addr--",
    "ipv6-addr--",
    "mac-addr--",
    "mutex--",
    "software--",
    "url--",
    "user-account--",
    "windows-registry-key--",
    "x509-certificate--",
)
secrets = st.binary(min_size=32, max_size=64)
values = st.text(st.characters(exclude_categories=("Cs",)), min_size=1)


def ids_in(value: Any, key: str = "") -> Iterator[str]:
    """Yield every id of a document, without the templates that objects follow."""
    match value:
        case dict():
            for name, inner in value.items():
                if name != "template_uuid":
                    yield from ids_in(inner, name)
        case list():
            for inner in value:
                yield from ids_in(inner, key)
        case str() if key in ("id", "uuid") or key.endswith(("_ref", "_refs")):
            if not value.startswith(CONSTANT):
                yield value


@given(incidents(**shared_markings))
def test_two_recipients_share_no_id(incident: dict[str, Any]) -> None:
    """No id that Besa makes is the same at two recipients, in either wire."""
    shown = [
        {wire: set(ids_in(json.loads(body))) for wire, body in each.wires.items()}
        for each in preview(
            world.receive(incident),
            rulebook=world.rulebook(),
            keys=world.keys(),
            now=world.NOW,
        )
        if each.wires
    ]
    for one, other in combinations(shown, 2):
        assert set() == one[Wire.MISP_EVENT] & other[Wire.MISP_EVENT]
        common = one[Wire.STIX_BUNDLE] & other[Wire.STIX_BUNDLE]
        assert [] == [made for made in common if not made.startswith(PUBLIC)]


@given(secrets, values)
def test_two_recipients_have_no_pseudonym_in_common(secret: bytes, value: str) -> None:
    """One value has another pseudonym for each recipient, and none is the value."""
    made = [
        PSEUDONYM.apply(value, recipient_key(secret, name)) for name in world.RECIPIENTS
    ]

    assert 3 == len({*made})
    assert value not in made


@given(secrets, values)
def test_one_recipient_can_tell_that_two_values_are_the_same(
    secret: bytes, value: str
) -> None:
    """The same value has the same pseudonym for one recipient, however it is typed."""
    key = recipient_key(secret, "kp-misp")

    first = PSEUDONYM.apply(value, key)

    assert first == PSEUDONYM.apply(f"  {value} ", recipient_key(secret, "kp-misp"))
    for form in ("NFC", "NFD"):
        typed = unicodedata.normalize(form, value)
        assert first == PSEUDONYM.apply(typed, key)
    if value.isascii():
        assert first == PSEUDONYM.apply(value.upper(), key)


@given(secrets, st.lists(values.map(str.casefold).map(str.strip), unique=True))
def test_different_values_have_different_pseudonyms(
    secret: bytes, several: list[str]
) -> None:
    """Eighty bits are enough that two values do not fall together."""
    key = recipient_key(secret, "kp-misp")
    different = {unicodedata.normalize("NFC", value) for value in several}

    assert len(different) == len({PSEUDONYM.apply(value, key) for value in different})


@given(names, uids, uids)
def test_a_victim_is_recognised_in_the_next_incident(
    name: str, first: str, second: str
) -> None:
    """The same unnamed victim of two incidents has one pseudonym at the police."""
    victims = [{"kind": "person", "name": name, "consent": "unknown"}]
    seen = []
    for uid in (first, f"{second}-b"):
        share = world.share(world.incident(uid=uid, victims=victims, suspects=None))
        assert share.redacted
        seen.append(share.redacted.view["victims"][0]["name"])

    assert seen[0] == seen[1]
    assert seen[0] != name


@given(st.binary(min_size=16, max_size=16), uids, uids, st.text(), st.text())
def test_ids_tell_incidents_and_roles_apart(
    namespace: bytes, one: str, two: str, first: str, second: str
) -> None:
    """Within one recipient, another incident or another role has another id."""
    if (one, first) == (two, second):
        return
    made = Ids(namespace, one).uuid(first)

    assert made != Ids(namespace, two).uuid(second)
    assert made == Ids(namespace, one).uuid(first)


@given(secrets, st.integers(1, 99), st.integers(1, 99))
def test_a_new_epoch_changes_pseudonyms_and_not_ids(
    secret: bytes, one: int, two: int
) -> None:
    """Ids outlive an epoch, pseudonyms do not."""
    first, second = (
        recipient_key(secret, "kp-misp", epoch=epoch) for epoch in (one, two)
    )

    assert first.ids == second.ids
    assert (one == two) == (first.pseudonyms == second.pseudonyms)


def test_keys_do_not_show_themselves() -> None:
    """Printing keys shows no secret."""
    key = RecipientKey(b"p" * 32, b"i" * 16)

    assert "ppp" not in repr(key)
    assert "iii" not in repr(key)


def test_the_full_incident_goes_to_all_three() -> None:
    """The tests above compare something: all three recipients get the incident."""
    states = [share.state for share in world.disclose(world.FULL).shares]

    assert [State.QUEUED] * 3 == states
