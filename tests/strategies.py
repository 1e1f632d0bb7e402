"""Incidents, profiles and facts for property tests: every field, every kind, all valid.

Two sorts of incidents: `incidents()` may hold any text that the model allows;
`realistic()` reads like what a CSIRT writes, with the repetitions that people make.
"""

from __future__ import annotations

import base64
import string
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

from broker.model.agreement import ConsentFact, SourceFact, When
from broker.model.incident import Consent, PartyKind, Role, Shape, Status, Urgency
from broker.model.mapping import ObservableKind
from broker.model.marking import Pap, Severity, Tlp
from broker.model.presence import OPTIONAL_FIELDS
from broker.model.rsit import RSIT_CATEGORIES, RSIT_TYPES, rsit_category
from broker.policy import Facts, Loss
from broker.rulebook.sources import ObservableTable
from broker.strict_yaml import load, parse

ROOT: Final = Path(__file__).parents[1]
KINDS: Final[dict[str, ObservableKind]] = {
    row.kind: row
    for row in load(
        parse("observables.yaml", (ROOT / "mappings/observables.yaml").read_bytes()),
        ObservableTable,
    ).observables
}

_HEX = "0123456789abcdef"
_ALNUM = string.ascii_lowercase + string.digits
_FIRST = (
    "Arta",
    "Blerim",
    "Çelik",
    "Dafina",
    "Ëngjëll",
    "Fatmir",
    "Јована",
    "Милан",
    "Zoran",
    "Šefika",
)
_LAST = (
    "Trilluari",
    "Përmetë",
    "Sajuari",
    "Примерић",
    "Ђорђевић",
    "Shtjefanaku",
    "Żółć",
    "O'Brien",
)
_ORGANISATIONS = (
    "Banka Shembull",
    "Komuna e Trilluar",
    "Измишљена градња д.о.о.",
    "Spitali Rajonal Shembull",
    "KOS-CERT",
    "Telekomi Shembull sh.a.",
)
_SECTORS = (
    "banking",
    "government",
    "health",
    "energy",
    "education",
    "telecom",
    "construction",
)
_COUNTRIES = ("XK", "AL", "RS", "DE")
_SYSTEMS = (
    "mail-01",
    "dc.internal",
    "WS-FINANCE-07",
    "scada-gw",
    "erp.local",
    "laptop-arta",
)
_FUNCTIONS = ("mail server", "domain controller", "workstation", "web server", "router")
_TITLES = (
    "Phishing",
    "DDoS",
    "Mesazhe SMS të rreme në emër të një banke",
    "Превара у име директора",
    "Ransomware in a hospital",
    "Account takeover with a payment",
    "Malware distribution from a compromised site",
)
_SENTENCES = (
    "The victim opened an attachment and entered a password.",
    "Paratë kalojnë brenda minutash nëpër tri llogari.",
    "Рачуноводство је добило поруку са адресе која личи на директорову.",
    "Traffic to the server began in the night.",
)
_CAVEATS = (
    "Do not contact the account holders",
    "Funds may still be frozen: answer today",
    "Not for use in court",
)


def _letters(alphabet: str, least: int, most: int) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=least, max_size=most)


def hexes(length: int) -> st.SearchStrategy[str]:
    """Lower-case hexadecimal of one length."""
    return _letters(_HEX, length, length)


words = _letters(string.ascii_lowercase, 4, 10)
names = st.builds("{} {}".format, st.sampled_from(_FIRST), st.sampled_from(_LAST))
domains = st.builds("{}.{}.example".format, words, _letters(_ALNUM, 3, 8))
idn_domains = st.sampled_from(
    ["bankë-shembull.example", "измишљена.example", "façade.example"]
)
emails = st.builds("{}.{}@{}".format, words, words, domains)
ipv4 = st.integers(1, 2**24 - 2).map(
    lambda n: f"{(n >> 16) % 223 + 1}.{(n >> 8) % 256}.{n % 256}.{n % 253 + 1}"
)
ipv6 = st.builds("2001:db8:{:x}::{:x}".format, *[st.integers(1, 65535)] * 2)
phones = st.integers(0, 999_999).map(lambda n: f"+383 44 {n // 1000:03} {n % 1000:03}")
personal_numbers = st.integers(10**9, 10**10 - 1).map(str)
ibans = st.builds(
    "XK{:02}{:016}".format, st.integers(2, 98), st.integers(0, 10**16 - 1)
)
urls = st.builds(
    "https://{}/{}?{}={}".format, domains, words, words, _letters(_ALNUM, 6, 20)
)
lines = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\x00"),
    min_size=1,
    max_size=30,
).filter(str.strip)
texts = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\x00"),
    min_size=1,
    max_size=120,
).filter(str.strip)


def _moments(first: str, last: str) -> st.SearchStrategy[datetime]:
    # Hypothesis takes the bounds of aware datetimes without a zone.
    start, end = (datetime.fromisoformat(day) for day in (first, last))
    return st.datetimes(start, end, timezones=st.just(UTC)).map(
        lambda moment: moment.replace(microsecond=0)
    )


times = _moments("2020-01-01", "2026-11-20").map(
    lambda moment: moment.isoformat()[:19] + "Z"
)
uids = st.builds(
    "KOS-CERT-{}-{:04}".format, st.integers(2020, 2026), st.integers(0, 9999)
)

# Digits of the hashes and fingerprints that are not as long as SHA-256.
_DIGITS: Final = {
    "md5": 32, "sha1": 40, "sha224": 56, "sha384": 96, "sha512": 128, "sha512-224": 56,
    "sha3-224": 56, "sha3-384": 96, "sha3-512": 128, "imphash": 32, "pehash": 40,
    "tlsh": 70, "x509-md5": 32, "x509-sha1": 40, "hassh": 32, "hassh-server": 32,
    "git-commit": 40, "ja3-fingerprint": 32, "jarm": 62,
}  # fmt: skip
_BY_KIND: Final[dict[str, st.SearchStrategy[str]]] = {
    **{kind: hexes(length) for kind, length in _DIGITS.items()},
    "card-bin": st.integers(10**5, 10**8 - 1).map(str),
    "pseudonym": _letters(string.ascii_lowercase + "234567", 16, 16).map("p-{}".format),
    "http-method": st.sampled_from(["GET", "POST", "CONNECT"]),
    "vhash": _letters(_ALNUM.lower(), 20, 20),
    "weakness": st.integers(1, 9_999).map("CWE-{}".format),
    "ipv4": ipv4 | st.builds("10.{}.{}.0/24".format, *[st.integers(0, 255)] * 2),
    "ipv6": ipv6,
    "onion": _letters(string.ascii_lowercase + "234567", 56, 56).map("{}.onion".format),
    "asn": st.integers(1, 2**32 - 1).map(str),
    "port": st.integers(1, 65535).map(str),
    "mac": st.lists(hexes(2), min_size=6, max_size=6).map(":".join),
    "cve": st.builds(
        "CVE-{}-{:05}".format, st.integers(1999, 2026), st.integers(1, 99999)
    ),
    "iban": ibans,
    "bic": st.builds("{}XKPR".format, _letters(string.ascii_uppercase, 4, 4)),
    "bank-account": st.integers(10**9, 10**15).map(str),
    "payment-card": st.just("4242424242424242"),
    "btc": _letters(string.ascii_letters + "123456789", 33, 33).map("1{}".format),
    "eth": hexes(40).map("0x{}".format),
    "imei": st.integers(10**14, 10**15 - 1).map(str),
    "imsi": st.integers(10**14, 10**15 - 1).map(str),
    "filename": st.builds("{}_{}.pdf.exe".format, words, words),
    "registry-key": words.map(r"HKCU\Software\{}".format),
    "user-agent": words.map("Mozilla/5.0 ({})".format),
    "password": _letters(string.ascii_letters + "!$%&", 8, 14),
}
_BY_SHAPE: Final[dict[Shape, st.SearchStrategy[str]]] = {
    Shape.DOMAIN: domains | idn_domains,
    Shape.EMAIL: emails,
    Shape.URL: urls,
    Shape.NAME: names,
    Shape.PHONE: phones.map(lambda written: written.replace(" ", "")),
    Shape.ACCOUNT: words,
    Shape.CODE: words,
    Shape.NUMBER: st.integers(1, 999).map(str),
    Shape.HASH: hexes(64),
    Shape.IP: ipv4,
    Shape.TEXT: words,
}


def values_of(kind: str) -> st.SearchStrategy[str]:
    """Return valid values of one kind of observable, in their normal form."""
    found = _BY_KIND.get(kind)
    return _BY_SHAPE[KINDS[kind].shape] if found is None else found


def _some(**fields: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    return fields


def _lists(of: st.SearchStrategy[Any], most: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(of, max_size=most)


contacts = st.fixed_dictionaries(
    {}, optional=_some(email=emails, phone=phones, address=lines | names)
)


@st.composite
def when_things_were(draw: st.DrawFn) -> dict[str, str]:
    """Return possible times of an incident."""
    start, *later = sorted(draw(st.lists(times, min_size=4, max_size=4)))
    found = dict(
        zip(("occurred_from", "detected", "occurred_until", "reported"),
            (start, *later), strict=True)
    )  # fmt: skip
    return {name: at for name, at in found.items() if draw(st.booleans())}


def _party(
    name: st.SearchStrategy[str], text: st.SearchStrategy[str]
) -> dict[str, Any]:
    return _some(
        name=name,
        sector=st.sampled_from(_SECTORS) | text,
        country=st.sampled_from(["XK", "AL", "RS", "DE"]),
        contacts=contacts,
        personal_number=personal_numbers,
        minor=st.sampled_from([False, False, False, True]),
    )


@st.composite
def observables(
    draw: st.DrawFn, text: st.SearchStrategy[str] = texts, kinds: Any = None
) -> dict[str, Any]:
    """Return one valid observable."""
    kind = draw(st.sampled_from(sorted(kinds or KINDS)))
    found: dict[str, Any] = {"kind": kind, "value": draw(values_of(kind))}
    found["role"] = draw(st.sampled_from(Role)).value
    first, last = sorted([draw(times), draw(times)])
    for name, value in (("first_seen", first), ("last_seen", last)):
        if draw(st.booleans()):
            found[name] = value
    if draw(st.booleans()):
        found["to_ids"] = draw(st.booleans())
        found["comment"] = draw(text)
    return found


def evidence(
    line: st.SearchStrategy[str], name: st.SearchStrategy[str]
) -> st.SearchStrategy[dict[str, Any]]:
    """Return pieces of evidence."""
    return st.fixed_dictionaries(
        {"name": line, "sha256": hexes(64)},
        optional=_some(
            size=st.integers(0, 2**40),
            media_type=st.sampled_from(["application/pdf", "text/plain"]),
            collected_at=times,
            collected_by=name,
            kept_at=line,
        ),
    )


losses = st.fixed_dictionaries(
    {"amount": st.integers(0, 10**9).map(lambda cents: f"{cents / 100:.2f}")},
    optional=_some(currency=st.sampled_from(["EUR", "ALL"]), accounts=_lists(ibans, 3)),
)


def _incident(
    line: st.SearchStrategy[str],
    text: st.SearchStrategy[str],
    name: st.SearchStrategy[str],
    title: st.SearchStrategy[str],
    **narrowed: st.SearchStrategy[Any],
) -> st.SearchStrategy[dict[str, Any]]:
    party = _party(name, line)
    must = _some(
        uid=uids,
        revision=st.integers(1, 1000),
        revised_at=times,
        title=title,
        classification=st.sampled_from(RSIT_TYPES),
        tlp=st.sampled_from([level.value for level in Tlp]),
    )
    may = _some(
        status=st.sampled_from(["open", "closed", "open", "withdrawn"]),
        description=text,
        language=st.sampled_from(["en", "sq", "sr", "sr-Cyrl"]),
        confidence=st.integers(0, 100),
        severity=st.sampled_from([level.value for level in Severity]),
        pap=st.sampled_from([level.value for level in Pap]),
        handling_caveats=_lists(line, 2),
        urgency=st.sampled_from([level.value for level in Urgency]),
        embargo_until=times,
        times=when_things_were(),
        reporter=st.fixed_dictionaries(
            {}, optional=_some(name=name, organisation=name, contacts=contacts)
        ),
        victims=_lists(
            st.fixed_dictionaries(
                {"kind": st.sampled_from([kind.value for kind in PartyKind])},
                optional={
                    **party,
                    "consent": st.sampled_from([each.value for each in Consent]),
                },
            ),
            3,
        ),
        suspects=_lists(
            st.fixed_dictionaries(
                {"kind": st.sampled_from([kind.value for kind in PartyKind])},
                optional={**party, "accounts": _lists(ibans | words, 2)},
            ),
            2,
        ),
        observables=_lists(observables(text), 6),
        evidence=_lists(evidence(line, name), 2),
        financial_loss=losses,
        affected_systems=_lists(
            st.fixed_dictionaries(
                {"name": line}, optional=_some(function=line, address=ipv4 | domains)
            ),
            2,
        ),
        relations=_lists(st.fixed_dictionaries({"uid": uids}), 2),
        references=_lists(urls, 2),
        case_reference=st.builds("PPN-{}".format, st.integers(1, 99999)),
        origin=st.fixed_dictionaries(
            {
                "format": st.sampled_from(["rtir", "n6"]),
                "sha256": st.text(_HEX, min_size=64, max_size=64),
            },
            optional={"id": line},
        ),
    )
    for field, strategy in narrowed.items():
        (must if field in must else may)[field] = strategy
    return st.fixed_dictionaries(must, optional=may)


def incidents(**narrowed: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return any valid incident in the native format; named fields may be narrowed."""
    return _incident(lines, texts, names | lines, lines, **narrowed)


def realistic(**narrowed: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return incidents as a CSIRT writes them; named fields may be narrowed."""
    name = names | st.sampled_from(_ORGANISATIONS)
    line = st.sampled_from((*_SYSTEMS, *_FUNCTIONS, *_CAVEATS, *_SECTORS)) | names
    return _incident(
        line,
        st.lists(st.sampled_from(_SENTENCES), min_size=1, max_size=3).map(" ".join),
        name,
        st.sampled_from(_TITLES),
        **{"handling_caveats": _lists(st.sampled_from(_CAVEATS), 2), **narrowed},
    )


shared_markings: Final[dict[str, st.SearchStrategy[Any]]] = {
    "tlp": st.sampled_from(["clear", "green", "amber"]),
    "status": st.sampled_from(["open", "closed"]),
    "embargo_until": st.just("2020-01-01T00:00:00Z"),
}
"""Narrows an incident to what no marking, status or embargo keeps back."""


def facts() -> st.SearchStrategy[Facts]:
    """Return any facts that an incident may have."""
    return st.sampled_from(RSIT_TYPES).flatmap(
        lambda rsit: st.builds(
            Facts,
            classification=st.just(rsit),
            category=st.just(rsit_category(rsit)),
            severity=st.sampled_from(Severity),
            confidence=st.none() | st.integers(0, 100),
            tlp=st.sampled_from(Tlp),
            pap=st.sampled_from(Pap),
            urgency=st.sampled_from(Urgency),
            status=st.sampled_from(Status),
            source=st.sampled_from(SourceFact),
            victim_consent=st.sampled_from(ConsentFact),
            victim_kinds=st.frozensets(st.sampled_from(PartyKind)),
            victim_sectors=st.frozensets(st.sampled_from(_SECTORS), max_size=2),
            victim_countries=st.frozensets(st.sampled_from(_COUNTRIES), max_size=2),
            minor_involved=st.booleans(),
            loss=st.none()
            | st.builds(Loss, st.sampled_from(["EUR", "ALL"]), st.integers(0, 10**6)),
            observable_kinds=st.frozensets(st.sampled_from(sorted(KINDS)), max_size=4),
            observable_roles=st.frozensets(st.sampled_from(Role)),
            fields=st.frozensets(st.sampled_from(OPTIONAL_FIELDS)),
            age_days=st.none() | st.integers(0, 1000),
            embargo_until=st.none() | _moments("2020-01-01", "2030-01-01"),
        )
    )


_bounds = st.dictionaries(
    st.sampled_from(["EUR", "ALL"]), st.integers(0, 10**4), min_size=1
)
_optional_fields = st.frozensets(
    st.sampled_from(OPTIONAL_FIELDS), min_size=1, max_size=4
)


def conditions() -> st.SearchStrategy[When]:
    """Return any ``when`` that a clause may have."""
    chosen = {
        "classification_in": st.frozensets(st.sampled_from(RSIT_TYPES), min_size=1),
        "category_in": st.frozensets(st.sampled_from(RSIT_CATEGORIES), min_size=1),
        "severity_at_least": st.sampled_from(Severity),
        "confidence_at_least": st.integers(0, 100),
        "confidence_at_most": st.integers(0, 100),
        "tlp_at_most": st.sampled_from(Tlp),
        "tlp_at_least": st.sampled_from(Tlp),
        "pap_at_most": st.sampled_from(Pap),
        "pap_at_least": st.sampled_from(Pap),
        "urgency_in": st.frozensets(st.sampled_from(Urgency), min_size=1),
        "status_in": st.frozensets(st.sampled_from(Status), min_size=1),
        "source_in": st.frozensets(st.sampled_from(SourceFact), min_size=1),
        "victim_consent_in": st.frozensets(st.sampled_from(ConsentFact), min_size=1),
        "victim_kind_in": st.frozensets(st.sampled_from(PartyKind), min_size=1),
        "victim_sector_in": st.frozensets(st.sampled_from(_SECTORS), min_size=1),
        "victim_country_in": st.frozensets(st.sampled_from(_COUNTRIES), min_size=1),
        "minor_involved": st.booleans(),
        "financial_loss": st.booleans(),
        "loss_at_least": _bounds,
        "loss_at_most": _bounds,
        "has_observable_kind_in": st.frozensets(
            st.sampled_from(sorted(KINDS)), min_size=1, max_size=20
        ),
        "has_observable_role_in": st.frozensets(st.sampled_from(Role), min_size=1),
        "has_field_in": _optional_fields,
        "has_no_field_in": _optional_fields,
        "age_days_at_least": st.integers(0, 1000),
        "age_days_at_most": st.integers(0, 1000),
    }
    assert set(When.model_fields) == set(chosen)
    # At most three at a time: with more, hardly any clause would ever match.
    return st.lists(st.sampled_from(sorted(chosen)), max_size=3, unique=True).flatmap(
        lambda picked: st.builds(When, **{name: chosen[name] for name in picked})
    )


days = st.dates(date(2025, 1, 1), date(2029, 12, 31))


def encoded_base64(value: str) -> str:
    """Return a value in base64 without its padding."""
    return base64.b64encode(value.encode()).decode().rstrip("=")
