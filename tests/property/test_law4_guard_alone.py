"""Law 4: the guard stands alone.

Redaction is made to fail: wholly, or one field at a time. And a withheld value is
written, in every encoding that we know, into a text that policy lets through. Nothing
with such a value in it is ever sealed.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given

from broker import redact
from broker.model.agreement import FieldRule, Profile
from broker.model.incident import Incident, declarations
from broker.model.sharing import State
from broker.redact import Plan, compile_plan
from broker.strict_yaml import parse
from tests import world
from tests.strategies import KINDS, realistic

_KEEP = (FieldRule(method="keep"),)
_REAL = redact.project


def plan_of(fields: dict[str, tuple[FieldRule, ...]]) -> Plan:
    """Return the plan of a profile that no file holds."""
    profile = Profile(profile="made-up", title="made up", fields=fields)
    return compile_plan(profile, KINDS, parse("made-up.yaml", b"profile: made-up\n"))


def forgetting(monkeypatch: pytest.MonkeyPatch, plan: Plan) -> None:
    """Make redaction follow another plan than the profile's."""
    monkeypatch.setattr(
        redact, "project", lambda incident, _, key: _REAL(incident, plan, key)
    )


EVERYTHING = plan_of(dict.fromkeys(declarations(), _KEEP))


@pytest.mark.parametrize("recipient", world.RECIPIENTS)
def test_without_redaction_nothing_is_sealed(
    recipient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full incident that nobody redacted is held for every recipient."""
    forgetting(monkeypatch, EVERYTHING)

    share = world.share(world.incident(), recipient)

    assert State.HELD is share.state
    assert share.breaches


@given(made=realistic())
def test_no_unredacted_incident_is_sealed_with_a_withheld_value(
    made: dict[str, Any],
) -> None:
    """Whatever is sealed without redaction holds no value that a profile withholds."""
    received = world.receive(made)
    with pytest.MonkeyPatch.context() as monkeypatch:
        forgetting(monkeypatch, EVERYTHING)
        outcome = world.disclose(made)

    for share in outcome.shares:
        if share.sealed is None:
            continue
        body = json.dumps(json.loads(share.sealed.body), ensure_ascii=False)
        for value in long_names(received.incident, share.decision.recipient):
            assert value.casefold() not in body.casefold()


def long_names(incident: Incident, recipient: str) -> Iterator[str]:
    """Yield names and contacts of people that the recipient's profile never keeps."""
    never = [
        path
        for path, rules in world.profile_of(recipient).fields.items()
        if all(rule.method == "withhold" for rule in rules)
    ]
    values = {
        "reporter.contacts.email": [
            incident.reporter.contacts.email if incident.reporter else None
        ],
        "victims[].contacts.phone": [v.contacts.phone for v in incident.victims],
        "victims[].personal_number": [v.personal_number for v in incident.victims],
    }
    for path in set(never) & set(values):
        yield from (value for value in values[path] if value and len(value) > 7)


def withheld_fields() -> Iterator[tuple[str, str]]:
    """Yield each recipient with each field that its profile does not simply keep."""
    for recipient in world.RECIPIENTS:
        for path, rules in world.profile_of(recipient).fields.items():
            if path not in ("tlp", "pap") and {r.method for r in rules} != {"keep"}:
                yield recipient, path


@pytest.mark.parametrize(("recipient", "path"), list(withheld_fields()))
def test_one_forgotten_field_does_not_leave(
    recipient: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If redaction forgets one field, its values leave in no sealed document."""
    usual = world.share(world.incident(), recipient)
    fields = {**world.profile_of(recipient).fields, path: _KEEP}
    forgetting(monkeypatch, plan_of(fields))

    share = world.share(world.incident(), recipient)

    assert State.QUEUED is usual.state
    if share.sealed is not None:
        # The field has no place in this recipient's format, or is one of a closed list.
        fresh = share.sealed.body != usual.sealed.body  # type: ignore[union-attr]
        assert not fresh or declarations()[path].shape in UNTELLING


UNTELLING = ("code", "flag", "time", "number")


def base64_at(offset: int) -> Callable[[str], str]:
    """Return an encoding into base64 of a text in which the value starts later."""
    before = "xyz"[:offset]
    return lambda value: base64.b64encode(f"{before}{value} end".encode()).decode()


def letters(value: str, between: str) -> str:
    """Return a text with something between its letters."""
    return between.join(value)


NAME = "Kanarina Zverdheshi"
ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper case": str.upper,
    "lower case": str.lower,
    "percent": lambda v: quote(v, safe=""),
    "percent of every letter": lambda v: "".join(f"%{c:02x}" for c in v.encode()),
    "percent twice": lambda v: quote(quote(v, safe=""), safe=""),
    "base64": lambda v: base64.b64encode(v.encode()).decode(),
    "base64 for URLs": lambda v: base64.urlsafe_b64encode(v.encode()).decode(),
    "base64, one later": base64_at(1),
    "base64, two later": base64_at(2),
    "base64 of UTF-16": lambda v: base64.b64encode(v.encode("utf-16-le")).decode(),
    "base64 of percent": lambda v: base64.b64encode(quote(v).encode()).decode(),
    "hex": lambda v: v.encode().hex(),
    "hex, upper case": lambda v: v.encode().hex().upper(),
    "hex with blanks": lambda v: v.encode().hex(" "),
    "hex with colons": lambda v: v.encode().hex(":"),
    "entities": lambda v: "".join(f"&#x{ord(c):x};" for c in v),
    "named entities": html.escape,
    "JSON escapes": lambda v: "".join(f"\\u{ord(c):04x}" for c in v),
    "accents": lambda v: v.replace("a", "á").replace("e", "ë"),
    "zero width": lambda v: letters(v, "\u200b"),
    "soft hyphens": lambda v: letters(v, "\u00ad"),
    "spaced out": lambda v: letters(v, " "),
    "dotted": lambda v: letters(v, "."),
    "within a word": lambda v: f"x{v}x",
}


@pytest.mark.parametrize("recipient", world.RECIPIENTS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_withheld_name_is_found_in_every_encoding(
    encoding: str, recipient: str
) -> None:
    """The hidden reporter's name is found in a text that may leave, however written."""
    reporter = {"name": NAME}
    written = ENCODINGS[encoding](NAME)
    made = world.incident(reporter=reporter, handling_caveats=[f"see {written} please"])

    share = world.share(made, recipient)

    assert State.HELD is share.state
    assert ["reporter.name"] == [breach.about for breach in share.breaches]


DOMAIN = "kanarina-zverdhe.example"
ADDRESS4 = "203.0.113.199"
ADDRESS6 = "2001:db8:77:aa::c0de"
OTHERS = {
    "defanged domain": (DOMAIN, "domain", lambda v: v.replace(".", "[.]")),
    "domain with (dot)": (DOMAIN, "domain", lambda v: v.replace(".", "(dot)")),
    "defanged URL": (DOMAIN, "domain", lambda v: f"hxxps://{v}/x"),
    "punycode": (
        "kanarinë-çelës.example",
        "domain",
        lambda v: v.encode("idna").decode(),
    ),
    "reversed IPv4": (
        ADDRESS4,
        "ipv4",
        lambda v: ip_address(v).reverse_pointer,
    ),
    "defanged IPv4": (ADDRESS4, "ipv4", lambda v: v.replace(".", "[.]")),
    "long IPv6": (ADDRESS6, "ipv6", lambda v: ip_address(v).exploded),
    "reversed IPv6": (ADDRESS6, "ipv6", lambda v: ip_address(v).reverse_pointer),
}


@pytest.mark.parametrize("recipient", world.RECIPIENTS)
@pytest.mark.parametrize("case", OTHERS)
def test_a_withheld_observable_is_found_in_every_spelling(
    case: str, recipient: str
) -> None:
    """A victim's domain or address is found in a text, however it is spelled."""
    value, kind, spelled = OTHERS[case]
    observables = [{"kind": kind, "value": value, "role": "victim"}]
    caveats = [f"compare {spelled(value)} first"]
    made = world.incident(observables=observables, handling_caveats=caveats)
    usual = world.incident(observables=observables, handling_caveats=["compare"])

    share = world.share(made, recipient)

    kept = world.share(usual, recipient)
    assert kept.redacted is not None
    assert value not in json.dumps(dict(kept.redacted.view)), "this profile keeps it"
    assert State.HELD is share.state
