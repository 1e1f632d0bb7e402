"""Odd incidents and tampered drafts: whatever the path may meet, for `same_bytes`.

A seed -> messages with any mixture of fields, scripts and mistakes; a draft -> the same
with a value of the incident planted in it, or with a changed shape.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from broker.canonical import dumps, loads
from broker.model.incident import Incident
from broker.model.rsit import RSIT_TYPES
from broker.rulebook import Rulebook, build
from broker.settings import read_rulebook_files
from tests.bench import world
from tests.bench.incidents import Inventor, phishing

_TEXTS: Final = (
    "Mesazhe të rreme në emër të bankës 📱",
    "Лажне поруке",
    "plain words",
    "two\nlines & <b>marks</b> \\u0041 100%25",
    "defanged hxxps://evil[.]example and 198[.]51[.]100[.]7",
    'quotes " and \\ and \t tab',
    "card 4111 1111 1111 1111",
    "password: hunter2222",
    "QWdpbSBCZXJpc2hh and 4167696d20426572",
    "Đorđe Łukasz Straße œuvre ıI",
    "xn--bcher-kva.example",
    "e\u0301 \u200b zero\u00adwidth",
)
_VALUES: Final = {
    "ipv4": ("198.51.100.7", "198.51.100.8", "10.0.0.0/8", "192.0.2.0/24"),
    "ipv6": ("2001:db8::1", "2001:DB8:0:0::2", "2001:db8::/32"),
    "domain": ("Evil.Example.", "bank.example", "bücher.example"),
    "hostname": ("a.b.evil.example",),
    "url": ("https://evil.example/a?b=c%20d", "hxxp://evil[.]example/x", "ftp://h/p"),
    "asn": ("AS64500", "64501"),
    "mac": ("02:00:00:00:00:01",),
    "md5": ("D" * 32,),
    "sha1": ("e" * 40,),
    "sha256": ("f" * 64, "0123456789abcdef" * 4),
    "filename": ("faktura.pdf.exe", "C:\\temp\\a'b.exe"),
    "mutex": ("Global\\x",),
    "registry-key": ("HKLM\\Software\\Run\\x",),
    "cve": ("cve-2026-0001",),
    "email": ("Arta.Hoxha@Post.example", "a@evil.example"),
    "phone": ("+383 44 123 456",),
    "user-account": ("arta", "DOMAIN\\arta"),
    "person-name": ("Agim Berisha",),
    "iban": ("XK051212012345678906", "xk589999000000000102"),
    "btc": ("bc1qexampleexampleexample",),
    "payment-card": ("4111111111111111",),
    "password": ("hunter2222",),
    "text": _TEXTS,
    "subject": ("RE: faktura",),
    "nonsense": ("x",),
}
_NAMES: Final = ("Agim Berisha", "Arta Hoxha", "Đorđe Petrović", "Ag", "Банка Е Ре")


def open_rulebook() -> Rulebook:
    """Return the shipped rulebook with far more let through, so that more is made."""
    files = read_rulebook_files(world.ROOT / "policies", world.ROOT / "mappings")
    changes = (
        (b": withhold", b": keep"),
        (b"attribution: hidden", b"attribution: named"),
    )
    for name, content in files.items():
        if name.startswith(("policies/profiles/", "policies/agreements/")):
            for old, new in changes:
                content = content.replace(old, new)
            files[name] = content.replace(b"effect: keep", b"effect: review")
    return build(files)


def messages(seed: int) -> Iterator[bytes]:
    """Yield odd messages without end; some are refused."""
    new = Inventor(seed)
    while True:
        yield json.dumps(
            _incident(new), ensure_ascii=new.chance.random() < 0.5
        ).encode()
        yield json.dumps(phishing(new, new.chance.randrange(13))).encode()


def _incident(new: Inventor) -> dict[str, Any]:
    chance = new.chance
    made: dict[str, Any] = {
        "uid": new.uid(),
        "revision": chance.randrange(1, 3),
        "revised_at": _time(new),
        "title": chance.choice((*_TEXTS, *_NAMES)),
        "classification": chance.choice((*RSIT_TYPES, *["fraud/phishing"] * 20)),
        "tlp": chance.choice(("clear", "green", "amber", "amber+strict", "red")),
    }
    optional = {
        "status": lambda: chance.choice(("open", "closed", "withdrawn")),
        "description": lambda: "\n".join(chance.choices(_TEXTS, k=3)),
        "language": lambda: chance.choice(("sq", "sr-Latn", "en")),
        "confidence": lambda: chance.randrange(101),
        "severity": lambda: chance.choice(("low", "medium", "high", "critical")),
        "pap": lambda: chance.choice(("clear", "green", "amber", "red")),
        "handling_caveats": lambda: chance.choices(_TEXTS, k=2),
        "urgency": lambda: chance.choice(("normal", "threat-to-life")),
        "embargo_until": lambda: "2027-01-01T00:00:00Z",
        "times": lambda: _times(new),
        "reporter": lambda: _some(
            chance,
            name=chance.choice(_NAMES),
            organisation="Banka Shembull",
            contacts=_contacts(chance),
        ),
        "victims": lambda: [_party(new, "victims") for _ in range(chance.randrange(4))],
        "suspects": lambda: [
            _party(new, "suspects") for _ in range(chance.randrange(3))
        ],
        "observables": lambda: [_observable(new) for _ in range(chance.randrange(14))],
        "evidence": lambda: [_evidence(new) for _ in range(chance.randrange(3))],
        "financial_loss": lambda: {
            "amount": chance.choice(("12.50", "0", "90000")),
            "currency": chance.choice(("EUR", "CHF")),
            "accounts": chance.choices(_VALUES["iban"], k=chance.randrange(3)),
        },
        "affected_systems": lambda: [
            _some(chance, required={"name": "srv-1"}, function="mail", address="r. 1")
        ],
        "relations": lambda: [{"uid": "KOS-1"}, {"uid": "KOS-2", "kind": "duplicate"}],
        "references": lambda: ["https://ref.example/1", "https://ref.example/2"],
        "case_reference": lambda: "PP/II 12/2026",
        "mistake": lambda: chance.choice((1, None)),
    }
    for name, value in optional.items():
        if chance.random() < (0.02 if name == "mistake" else 0.7):
            made[name] = value()
    return made


def _some(
    chance: random.Random, required: dict[str, Any] | None = None, **optional: Any
) -> dict[str, Any]:
    made = dict(required or {})
    made |= {name: value for name, value in optional.items() if chance.random() < 0.7}
    return made


def _time(new: Inventor) -> str:
    chance = new.chance
    return f"2026-05-{chance.randrange(10, 29)}T10:{chance.randrange(10, 60)}:00" + (
        chance.choice(("Z", ".5Z", "+02:00"))
    )


def _times(new: Inventor) -> dict[str, Any]:
    return _some(
        new.chance,
        occurred_from="2026-05-01T00:00:00Z",
        occurred_until=_time(new),
        detected=_time(new),
        reported=_time(new),
    )


def _contacts(chance: random.Random) -> dict[str, Any]:
    return _some(
        chance,
        email=chance.choice(("arta.hoxha@post.example", "Info@Bank.example")),
        phone="+383 44 123 456",
        address="Rruga B, Prishtinë",
    )


def _party(new: Inventor, sort: str) -> dict[str, Any]:
    chance = new.chance
    made = _some(
        chance,
        required={"kind": chance.choice(("person", "organisation"))},
        name=chance.choice(_NAMES),
        sector="banking",
        country="XK",
        contacts=_contacts(chance),
        personal_number=chance.choice(("1234567892", "12")),
    )
    made["minor"] = chance.random() < 0.1
    if sort == "victims":
        made["consent"] = chance.choice(("given", "given", "unknown", "refused"))
    else:
        made["accounts"] = chance.choices(_VALUES["iban"], k=chance.randrange(3))
    return made


def _observable(new: Inventor) -> dict[str, Any]:
    chance = new.chance
    kinds = tuple(_VALUES)[: -1 if chance.random() < 0.98 else None]
    kind = chance.choice(kinds)
    return _some(
        chance,
        required={"kind": kind, "value": chance.choice(_VALUES[kind])},
        role=chance.choice(("attacker", "victim", "infrastructure", "unknown")),
        first_seen="2026-05-02T01:02:03Z",
        last_seen=_time(new),
        to_ids=chance.random() < 0.7,
        comment=chance.choice(_TEXTS),
    )


def _evidence(new: Inventor) -> dict[str, Any]:
    return _some(
        new.chance,
        required={"name": new.chance.choice(_TEXTS), "sha256": "a" * 64},
        size=new.chance.randrange(9_999_999),
        media_type="text/plain",
        collected_at=_time(new),
        collected_by=new.chance.choice(_NAMES),
        kept_at="shelf 4",
    )


def tampered(body: bytes, incident: Incident) -> Iterator[bytes]:
    """Yield drafts with a value planted in every way, then drafts of wrong shape."""
    chance = random.Random(incident.uid)
    for value in chance.sample(sorted(_strings(incident.model_dump(mode="json"))), 3):
        for written in _written(value):
            document = loads(body)
            place = chance.choice(("info", "value", "comment", "Tag", "report"))
            _plant(document["Event"], place, written)
            yield dumps(document)
    event = loads(body)["Event"]
    for change in ({"date": 1}, {"surprise": "x"}, {"info": 7}, {"published": "yes"}):
        yield dumps({"Event": {**event, **change}})
    yield dumps({"Event": {**event, "Tag": [*event["Tag"], {"name": "tlp:red"}]}})
    yield dumps({"Event": {**event, "Tag": [], "timestamp": "1234567892"}})
    yield body + b" "
    yield body[:-1]
    yield json.dumps(loads(body)).encode()


def _strings(value: Any) -> set[str]:
    match value:
        case dict():
            return set().union(*(_strings(inner) for inner in value.values()))
        case list():
            return set().union(*(_strings(inner) for inner in value))
        case str() if len(value) > 1:
            return {value}
    return set()


def _written(value: str) -> Iterator[str]:
    raw = value.encode()
    yield value
    yield f"x{value}y"
    yield value.upper()
    yield " ".join(value)
    yield quote(value, safe="")
    yield quote(quote(value, safe=""), safe="")
    yield f"see {base64.b64encode(raw).decode()} there"
    yield base64.b64encode(b"ab" + raw + b"c").decode()
    yield base64.b64encode(value.encode("utf-16-le")).decode()
    yield base64.b64encode(raw.hex().encode()).decode()
    yield raw.hex()
    yield raw.hex(":")
    yield value.replace(".", "[.]")
    yield value.replace(".", "(dot)").replace("@", "[at]")
    yield "".join(f"\\u{ord(letter):04x}" for letter in value)
    yield "".join(f"&#{ord(letter)};" for letter in value)
    yield f"line one\n{value}\nline three"
    yield "\u200b".join(value)


def _plant(event: dict[str, Any], place: str, text: str) -> None:
    attributes = event["Attribute"]
    if place in ("value", "comment") and attributes:
        attributes[0][place] = text
    elif place == "Tag":
        event["Tag"].append({"name": text})
    elif place == "report" and event["EventReport"]:
        event["EventReport"][0]["content"] += text
    else:
        event["info"] = text
