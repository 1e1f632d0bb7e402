"""Incidents that touch everything, and what each recipient would get of them.

Readable demo and policy-case incidents + some made here -> `Sample`s, which the oracle
tests of both formats share. Beside the three recipients stand three more: one gets
``everything`` as it is, so that what the agreements withhold is converted and rendered
too; one gets ``nothing`` but the markings; from one an incident is ``taken-back``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker import convert, pipeline, redact, render
from broker.errors import IntakeError
from broker.keys import Keys, recipient_key
from broker.model.agreement import FieldRule, Profile
from broker.model.incident import Role, declarations
from broker.model.sharing import Bundle, Edition, Redacted, Wire
from broker.pipeline import Received
from broker.redact import Plan, compile_plan
from broker.rulebook import Rulebook, build
from broker.seal import SigningKey
from broker.settings import read_rulebook_files
from broker.strict_yaml import parse

ROOT: Final = Path(__file__).parents[2]
NOW: Final = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
EVERYTHING: Final = "everything"
SECRET: Final = sha256(b"of the tests, protects nothing").digest()

VALUES: Final = {
    "ada": "addr1qxexampleexampleexample",
    "asn": "64496",
    "authentihash": "0123456789abcdef" * 4,
    "azure-app-id": "00000000-0000-4000-8000-000000000001",
    "bank-account": "1200000000000123",
    "bch": "qexampleexampleexampleexampleexampleexampl",
    "bic": "BSHMXKPR",
    "booking": "X1Y2Z3",
    "btc": "1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
    "campaign": "Fatura e vonuar",
    "card-bin": "411111",
    "cdhash": "0123456789abcdef0123456789abcdef01234567",
    "chrome-extension-id": "abcdefghijklmnopabcdefghijklmnop",
    "community-id": "1:hO+sN4H+MG5MY/8hIrXPqc4ZQz0=",
    "cookie": "session=e7d705a3; HttpOnly",
    "cpe": "cpe:2.3:a:example:mail:1.0:*:*:*:*:*:*:*",
    "crypto-transaction": "0123456789abcdef" * 4,
    "cve": "CVE-2026-0001",
    "dash": "XexampLeexampLeexampLeexampLeexamp",
    "date-of-birth": "1990-01-31",
    "dkim": "v=DKIM1; k=rsa; p=MIGf",
    "dkim-signature": "v=1; a=rsa-sha256; d=verify.example; s=one",
    "dns-soa-email": "hostmaster@verify.example",
    "doge": "DexampLeexampLeexampLeexampLeexamp",
    "domain": "verify.example",
    "driving-licence": "KS 0001234",
    "email": "somebody@mail.example",
    "email-attachment": "Fatura.zip",
    "email-boundary": "----=_Part_1",
    "email-header": "Received: from mail.example (203.0.113.9)\nX-Besa: 1",
    "email-mailer": "The Mailer 2.0",
    "email-message-id": "<1@mail.example>",
    "email-recipient-name": "Besnik",
    "email-sender-name": "Banka e Shembullit",
    "email-thread-index": "AdB1",
    "eth": "0x52908400098527886e0f7030069857d2e4169ee7",
    "favicon-hash": "-1234567890",
    "file-size": "1048576",
    "filename": "Fatura 'e re' (2).pdf.exe",
    "first-name": "Вера",
    "gender": "Female",
    "git-commit": "0123456789abcdef0123456789abcdef01234567",
    "github-account": "shembull-dev",
    "github-repository": "shembull-dev/kit",
    "hassh": "0123456789abcdef0123456789abcdef",
    "hassh-server": "fedcba9876543210fedcba9876543210",
    "hostname": "www.verify.example",
    "http-method": "POST",
    "iban": "XK051212012345678906",
    "iccid": "89383000000000000012",
    "identity-card": "1234567892",
    "imei": "490154203237518",
    "impfuzzy": "24:abc:def",
    "imphash": "0123456789abcdef0123456789abcdef",
    "imsi": "221010123456789",
    "ipv4": "203.0.113.7",
    "ipv6": "2001:db8::7",
    "ja3-fingerprint": "e7d705a3286e19ea42f587b344ee6865",
    "jabber-id": "dikush@chat.example",
    "jarm": "29d29d00029d29d21c42d43d00041d" + "0" * 32,
    "last-name": "Shembulli",
    "ltc": "LexampLeexampLeexampLeexampLeexamp",
    "mac": "00:00:5e:00:53:01",
    "malware-family": "Besaloader",
    "md5": "d41d8cd98f00b204e9800998ecf8427e",
    "middle-name": "A.",
    "mime-type": "application/x-dosexec",
    "mobile-app-id": "com.example.bank",
    "mutex": r"Global\Besa 'test'",
    "named-pipe": "\\\\.\\pipe\\besa",
    "nationality": "Kosovo",
    "onion": "besatestbesatestbesatestbesatestbesatestbesatestbesatest.onion",
    "passport": "P00000000",
    "passport-country": "XK",
    "passport-expiry": "2030-01-31",
    "password": "Kumanova#2026",
    "payment-card": "4111111111111111",
    "pdb-path": "C:\\kit\\loader.pdb",
    "pehash": "0123456789abcdef0123456789abcdef01234567",
    "person-name": "Вера Оштећена",
    "pgp-key": "-----BEGIN PGP PUBLIC KEY BLOCK-----\nmDME",
    "phone": "+383 44 000 900",
    "place-of-birth": "Prishtinë",
    "port": "8443",
    "premium-number": "+383900000900",
    "pseudonym": "p-3k7qxyz2",
    "registry-key": r"HKCU\Software\Microsoft\Windows\CurrentVersion\Run",
    "residence": "Rruga 1, Prishtinë",
    "residence-country": "Kosovo",
    "routing-number": "021000021",
    "scheduled-task": "\\Besa\\Update",
    "service-display-name": "Besa Update",
    "service-name": "besasvc",
    "sha1": "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "sha224": "0123456789abcdef0123456789abcdef0123456789abcdef01234567",
    "sha256": "464bbcd871980a9bb529a35a1d752c2165c9546faf4ee4faf50f430518735fe8",
    "sha3-224": "76543210fedcba98" * 3 + "76543210",
    "sha3-256": "fedcba9876543210" * 4,
    "sha3-384": "fedcba9876543210" * 6,
    "sha3-512": "fedcba9876543210" * 8,
    "sha384": "0123456789abcdef" * 6,
    "sha512": "cf83e1357eefb8bd" * 8,
    "sha512-224": "0123456789abcdef0123456789abcdef0123456789abcdef01234560",
    "sha512-256": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde0",
    "sigma": "title: Besa\ndetection:\n  condition: one",
    "snort": 'alert tcp any any -> any 443 (msg:"besa"; sid:1;)',
    "social-account": "@shembull.i.rreme",
    "sol": "So11111111111111111111111111111111111111112",
    "ssdeep": "96:s4Ud1Lj96tHHlZDrwciQmA+4uy:Sa",
    "ssh-fingerprint": "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "subject": "Llogaria juaj u mbyll 😀",
    "target-external": "Shoqata e Shembullit",
    "target-location": "Prizren",
    "target-machine": "KONTABILITETI-3",
    "target-organisation": "Komuna e Shembullit",
    "tax-number": "330000001",
    "telfhash": "0123456789abcdef" * 4 + "012345",
    "text": "said “come at once” \\ 'now'",
    "threat-actor": "Grupi i Shembullit",
    "tlsh": "0123456789abcdef" * 4 + "012345",
    "trx": "TexampLeexampLeexampLeexampLeexamp",
    "twitter-account": "shembull_rrejs",
    "url": "https://verify.example/in?q='x'&r=%20",
    "user-account": "jsmith",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64)",
    "vehicle-plate": "01-234-AB",
    "vehicle-vin": "WVWZZZ1KZAW000001",
    "vhash": "015056655d15z1bz1fz",
    "visa": "V0000001",
    "weakness": "CWE-79",
    "whois-creation-date": "2026-11-01",
    "whois-registrant-email": "owner@mail.example",
    "whois-registrant-name": "Emër Rremë",
    "whois-registrant-org": "Firma e Rreme",
    "whois-registrant-phone": "+38344000901",
    "whois-registrar": "Regjistruesi",
    "x509-md5": "0123456789abcdef0123456789abcdef",
    "x509-sha1": "0123456789abcdef0123456789abcdef01234567",
    "x509-sha256": "0123456789abcdef" * 4,
    "xmr": "4" + "8" * 94,
    "xrp": "rExampLeexampLeexampLeexampLeexamp",
    "yara": 'rule besa { strings: $a = "besa" condition: $a }',
    "zec": "t1exampLeexampLeexampLeexampLeexamp",
}
"""A value of every kind of observable."""

_FULL: Final[dict[str, Any]] = {
    "revision": 3,
    "revised_at": "2026-11-20T09:30:00Z",
    "title": "Faqe që marrin fjalëkalime 😀 of a bank's “customers”",
    "description": "A letter 📨 told them\nthat their accounts were blocked.\r\nSo.",
    "language": "sq",
    "classification": "fraud/phishing",
    "confidence": 85,
    "severity": "high",
    "tlp": "amber",
    "pap": "green",
    "handling_caveats": ["Answer before Friday", "Not for use in court ⚖️ 🏛"],
    "times": {
        "occurred_from": "2026-11-18T22:14:05Z",
        "occurred_until": "2026-11-19T03:45:55Z",
        "detected": "2026-11-19T06:07:08Z",
        "reported": "2026-11-19T07:08:09Z",
    },
    "reporter": {"name": "Shpresa", "organisation": "Kooperativa Dëshmitare"},
    "victims": [
        {
            "kind": "person",
            "name": "Вера Оштећена",
            "sector": "retail",
            "country": "XK",
            "contacts": {
                "email": "Vera.O@posta.example",
                "phone": "+383 45 333 444",
                "address": "Ulica Tišine 3 🏠",
            },
            "personal_number": "1177338855",
            "consent": "given",
        },
        {"kind": "person"},
        {
            "kind": "organisation",
            "name": "Çmimi i Drejtë sh.p.k.",
            "sector": "banking",
            "country": "XK",
            "contacts": {
                "email": "zyra@cmimi.example",
                "phone": "038 200 100",
                "address": "Sheshi 1",
            },
            "personal_number": "811223344",
            "consent": "given",
        },
    ],
    "suspects": [
        {
            "kind": "person",
            "name": "Gazmend Dyshuari",
            "sector": "none",
            "country": "AL",
            "contacts": {
                "email": "gazi.d@qendra.example",
                "phone": "00355 (69) 555-66",
                "address": "Rruga 2",
            },
            "personal_number": "J51224099K",
            "accounts": ["XK051212012345678906", "@gazi"],
        },
        {
            "kind": "organisation",
            "name": "Firma Fantazmë",
            "sector": "trade",
            "country": "RS",
            "contacts": {"email": "info@fantazme.example"},
            "personal_number": "71000000",
            "accounts": ["1200000000000123"],
        },
    ],
    "evidence": [
        {
            "name": "pamje nga faqja 📷.png",
            "sha256": "7c" * 32,
            "size": 48213,
            "media_type": "image/png",
            "collected_at": "2026-11-19T08:00:00Z",
            "collected_by": "Teuta Mbledhësja",
            "kept_at": "cupboard nine",
        },
        {"name": "log.txt", "sha256": "7d" * 32},
    ],
    "financial_loss": {
        "amount": "18750.40",
        "currency": "EUR",
        "accounts": ["XK051212012345678906", "1200000000000123", "cash desk 4"],
    },
    "affected_systems": [
        {
            "name": "FINANCA-03",
            "function": "payments of salaries",
            "address": "198.51.100.8",
        },
        {"name": "web", "address": "konto.example"},
    ],
    "relations": [{"uid": "KOS-CERT-2026-6990", "kind": "related-to"}],
    "references": ["https://tiketat.example/7001"],
    "case_reference": "PPN-2026-000321",
}


_SEEN: Final = {"first_seen": "2026-11-18T22:14:05Z", "comment": "first"}
_TWICE: Final[list[dict[str, Any]]] = [
    {"kind": "ipv4", "value": "203.0.113.7", "role": "attacker", "to_ids": True}
    | _SEEN,
    {"kind": "ipv4", "value": "203.0.113.7", "role": "victim", "comment": "second"},
    {"kind": "ipv4", "value": "198.51.100.7", "role": "victim"},
    {"kind": "ipv4", "value": "198.51.100.8", "role": "victim", **_SEEN},
    {"kind": "password", "value": "Kumanova#2026"},
    {"kind": "password", "value": "Kumanova#2027"},
    {"kind": "phone", "value": "+383 (0)44 000 900"},
    {"kind": "registry-key", "value": r"hklm\Software\Besa"},
]
"""Values that are there more than once, or become the same on the way."""


def _together() -> list[dict[str, Any]]:
    """Return observables in groups: one for each object that they can become."""
    found: list[dict[str, Any]] = []
    for number, row in enumerate(rulebook().tables.composed, 1):
        kinds = {
            kind: relation.roles[0].value
            for relation in reversed(row.relations)
            for kind in relation.kinds
        }
        if row.name == "network-connection":
            # With a name, it would be a name and its addresses.
            del kinds["hostname"]
            kinds |= {"ipv6": "victim", "port": "victim"}
        if row.name == "email":
            kinds |= {"filename": "attacker", "sha512": "attacker"}
        for kind, role in kinds.items():
            # A value stands in one group only: the last letters differ between groups.
            value = _TOLD_APART.get(kind, VALUES[kind]).replace("{}", str(number))
            seen = {"kind": kind, "value": value, "role": role, "group": number}
            found.append(seen | {"to_ids": True})
    # What is in a group with nothing that it could be put together with.
    found.append({"kind": "iban", "value": "XK051212012345678907", "group": 90})
    found.append({"kind": "btc", "value": VALUES["btc"], "group": 90})
    return found


# Kinds that more than one object takes.
_TOLD_APART: Final = {
    "domain": "verify{}.example",
    "hostname": "www{}.verify.example",
    "ipv4": "203.0.113.{}",
    "ipv6": "2001:db8::{}",
    "port": "844{}",
    "email": "dikush{}@posta.example",
    "email-attachment": "fatura{}.pdf",
    "phone": "+3834400090{}",
    "filename": "fatura{}.exe",
    "sha512": "{}" + "0f" * 63 + "0",
}


@dataclass(frozen=True)
class Sample:
    """What one recipient would get of one incident."""

    name: str
    bundle: dict[str, Any]
    event: dict[str, Any]  # what stands under "Event"
    wires: dict[Wire, bytes]
    classification: str  # as this recipient sees it; may be empty

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The objects of the bundle."""
        found: list[dict[str, Any]] = self.bundle["objects"]
        return found


@cache
def rulebook() -> Rulebook:
    """Return the shipped rulebook."""
    return build(read_rulebook_files(ROOT / "policies", ROOT / "mappings"))


def keys() -> Keys:
    """Return keys that are always the same."""
    names = [route.recipient.recipient for route in rulebook().routes]
    private = Ed25519PrivateKey.from_private_bytes(SECRET)
    return Keys(
        SigningKey.of(private),
        {name: recipient_key(SECRET, name) for name in names},
    )


@cache
def plan_of(of: str, method: str) -> Plan:
    """Return the plan of a profile that treats all but the markings in one way."""
    document = parse(f"policies/profiles/{of}.yaml", b"fields: {}\n")
    fields = {path: (FieldRule(method=method),) for path in declarations()}
    fields |= {name: (FieldRule(method="keep"),) for name in ("tlp", "pap")}
    profile = Profile(profile=of, title=of, fields=fields)
    return compile_plan(profile, rulebook().tables.kinds, document)


def _extremes(received: Received) -> list[Sample]:
    """Return an incident as it would leave whole, bare, and taken back."""
    incident, route = received.incident, rulebook().routes[0]
    key = recipient_key(SECRET, EVERYTHING)
    edition = Edition(1, incident.revised_at, incident.revised_at, "")
    case = convert.Case(incident.uid, key.ids, edition)
    marking = incident.tlp.value, incident.pap.value
    found: list[Sample] = []
    for name, method in ((EVERYTHING, "keep"), ("nothing", "withhold")):
        redacted = redact.project(incident, plan_of(name, method), key)
        bundle = convert.to_stix(redacted, route.frame, case)
        found.append(_written(name, redacted, bundle))
    gone = convert.to_retraction(route.frame, case, marking, "it was withdrawn")
    return [*found, _written("taken-back", Redacted({}, ()), gone)]


def _written(recipient: str, redacted: Redacted, bundle: Bundle) -> Sample:
    frame = rulebook().routes[0].event_frame
    wires = {
        Wire.STIX_BUNDLE: render.stix_bundle(bundle),
        Wire.STIX_MISP: render.stix_misp(bundle, frame),
        Wire.MISP_EVENT: render.misp_event(bundle, frame),
    }
    return _sample(recipient, redacted, wires)


def _sample(recipient: str, redacted: Redacted, wires: dict[Wire, bytes]) -> Sample:
    return Sample(
        recipient,
        json.loads(wires[Wire.STIX_BUNDLE]),
        json.loads(wires[Wire.MISP_EVENT])["Event"],
        wires,
        str(redacted.view.get("classification", "")),
    )


def made() -> dict[str, dict[str, Any]]:
    """Return the incidents made here: every kind in every role, and every part."""
    found: dict[str, dict[str, Any]] = {}
    for number, role in enumerate(Role):
        seen = [
            {
                "kind": kind,
                "value": value,
                "role": role.value,
                "to_ids": number != 1,
                "first_seen": "2026-11-18T22:14:05Z",
                **({"last_seen": "2026-11-19T02:00:00Z"} if number % 2 else {}),
                "comment": f"seen 👀 {kind}",
            }
            for kind, value in VALUES.items()
        ]
        uid = f"KOS-CERT-2026-700{number}"
        found[f"every-kind-{role.value}"] = {**_FULL, "uid": uid, "observables": seen}
    found["twice"] = {**_FULL, "uid": "KOS-CERT-2026-7009", "observables": _TWICE}
    found["twice"]["suspects"] = [
        {"kind": "person", "accounts": ["XK051212012345678906"] * 2}
    ]
    found["together"] = {
        **_FULL, "uid": "KOS-CERT-2026-7011", "observables": _together()
    }  # fmt: skip
    found["least"] = {
        "uid": "KOS-CERT-2026-7010",
        "revision": 1,
        "revised_at": "2026-11-20T09:30:00Z",
        "title": "-",
        "classification": "fraud/phishing",
        "tlp": "amber",
    }
    return found


@cache
def raw_incidents() -> dict[str, bytes]:
    """Return all incidents as messages, by name."""
    found = {
        path.stem: path.read_bytes()
        for path in sorted((ROOT / "broker/demo/incidents").glob("*.json"))
    }
    for path in sorted((ROOT / "policies/cases/incidents").glob("*.yaml")):
        value = parse(path.name, path.read_bytes()).value
        found[f"case-{path.stem}"] = json.dumps(value).encode()
    for name, incident in made().items():
        found[name] = json.dumps(incident, ensure_ascii=False).encode()
    return found


@cache
def samples() -> tuple[Sample, ...]:
    """Return what every recipient would get of every readable incident."""
    book = rulebook()
    found: list[Sample] = []
    for name, raw in raw_incidents().items():
        try:
            received = pipeline.receive(raw, rulebook=book, now=NOW)
        except IntakeError:
            continue
        shown = pipeline.preview(received, rulebook=book, keys=keys(), now=NOW)
        ones = [
            _sample(one.route.recipient.recipient, one.redacted, one.wires)
            for one in shown
            if one.wires
        ]
        # The bare and the revoked differ little from one incident to the next.
        ones += _extremes(received)[: 3 if name in made() else 1]
        found += [replace(one, name=f"{name}/{one.name}") for one in ones]
    return tuple(found)
