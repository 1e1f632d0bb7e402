"""Which observable a MISP attribute is: the reverse of the observables table.

Attribute type and value -> kinds of ``mappings/observables.yaml`` with their values.

Invariant: a type that leads back to no kind, or to several, gives nothing; nothing here
guesses a kind from what a value looks like, except the version of an IP address.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from broker.model.mapping import ObservableKind

# Names of MISP's attribute types (describeTypes of MISP 2.5) are public words; only
# these may stand in a note, because a sender can write anything where a type belongs.
KNOWN: Final = frozenset(
    """
    AS aba-rtn anonymised attachment authentihash azure-application-id bank-account-nr
    bic bin boolean bro btc campaign-id campaign-name cc-number cdhash
    chrome-extension-id comment community-id cookie cortex counter country-of-residence
    cpe dash date-of-birth datetime dkim dkim-signature dns-soa-email dom-hash domain
    domain|ip edge-extension-id email email-attachment email-body email-dst
    email-dst-display-name email-header email-message-id email-mime-boundary
    email-reply-to email-src email-src-display-name email-subject email-thread-index
    email-x-mailer eppn favicon-mmh3 filename filename-pattern filename|authentihash
    filename|impfuzzy filename|imphash filename|md5 filename|pehash filename|sha1
    filename|sha224 filename|sha256 filename|sha3-224 filename|sha3-256
    filename|sha3-384 filename|sha3-512 filename|sha384 filename|sha512
    filename|sha512/224 filename|sha512/256 filename|ssdeep filename|tlsh
    filename|vhash first-name float frequent-flyer-number full-name gender gene
    git-commit-id github-organisation github-repository github-username hassh-md5
    hasshserver-md5 hex hostname hostname|port http-method iban identity-card-number
    impfuzzy imphash integer ip-dst ip-dst|port ip-src ip-src|port
    issue-date-of-the-visa ja3-fingerprint-md5 jabber-id jarm-fingerprint kusto-query
    last-name link mac-address mac-eui-64 malware-sample malware-type md5 middle-name
    mime-type mobile-application-id mutex nationality onion-address other
    passenger-name-record-locator-number passport-country passport-expiration
    passport-number pattern-in-file pattern-in-memory pattern-in-traffic
    payment-details pdb pehash pgp-private-key pgp-public-key phone-number
    place-of-birth place-port-of-clearance place-port-of-onward-foreign-destination
    place-port-of-original-embarkation port primary-residence process-state prtn
    redress-number regkey regkey|value sha1 sha224 sha256 sha3-224 sha3-256 sha3-384
    sha3-512 sha384 sha512 sha512/224 sha512/256 sigma size-in-bytes snort
    special-service-request ssdeep ssh-fingerprint stix2-pattern suricata
    target-email target-external target-location target-machine target-org target-user
    telfhash text threat-actor tlsh travel-details twitter-id uri url user-agent uuid
    vhash visa-number vulnerability weakness whois-creation-date whois-registrant-email
    whois-registrant-name whois-registrant-org whois-registrant-phone whois-registrar
    windows-scheduled-task windows-service-displayname windows-service-name
    x509-fingerprint-md5 x509-fingerprint-sha1 x509-fingerprint-sha256 xmr yara zeek
    """.split()  # noqa: SIM905 - a list of 190 words is read more easily as words
) | {"named pipe"}

# What is said about a thing differs, the thing is the same: each type with the types
# that stand for it when the table does not have it.
_SAME: Final = {
    "ip": ("ip-dst", "ip-src"),
    "ip-src": ("ip-dst",),
    "ip-dst": ("ip-src",),
    "hostname": ("domain",),
    "domain": ("hostname",),
    "uri": ("url",),
    "email": ("email-src", "email-dst"),
    "email-src": ("email", "email-dst"),
    "email-dst": ("email", "email-src"),
    "email-reply-to": ("email", "email-src"),
    "target-email": ("email", "email-dst", "email-src"),
    "whois-registrant-email": ("email", "email-src"),
    "dns-soa-email": ("email", "email-src"),
    "whois-registrant-phone": ("phone-number",),
}

# What stands in one of these can be anything: the type does not say what.
_ANYTHING: Final = frozenset(
    {"text", "other", "comment", "anonymised", "hex", "uuid", "boolean", "integer"}
    | {"counter", "float", "datetime"}
)

_IP_VERSIONS: Final = {"ipv4-addr": False, "ipv6-addr": True}

Index = Mapping[str, tuple[ObservableKind, ...]]


def index(kinds: Mapping[str, ObservableKind]) -> Index:
    """Return the kinds that each MISP type leads back to."""
    found: dict[str, list[ObservableKind]] = {}
    for kind in kinds.values():
        by_role = (other.type for other in kind.misp.by_role.values())
        for name in {kind.misp.type, *by_role} - _ANYTHING:
            found.setdefault(name, []).append(kind)
    return {name: tuple(fitting) for name, fitting in found.items()}


def kinds_of(
    types: Index, name: str, value: str
) -> tuple[list[tuple[ObservableKind, str]], bool]:
    """Return (kind, value) for a MISP attribute, and whether that is all of it.

    A composite such as ``filename|sha256`` gives each part that has a kind, unless the
    composite itself has one.
    """
    whole = _kind(types, name, value)
    if whole is not None:
        return [(whole, value)], True
    names = name.split("|", 1)
    # Of a file name and its hash the name can hold the separator; of a registry key and
    # what stands there, the latter.
    values = value.split("|", 1) if names[0] == "regkey" else value.rsplit("|", 1)
    if len(names) != 2 or len(values) != 2:
        return [], False
    parts = [
        (kind, text)
        for part, text in zip(names, values, strict=True)
        if (kind := _kind(types, part, text)) is not None
    ]
    return parts, len(parts) == 2


def _kind(types: Index, name: str, value: str) -> ObservableKind | None:
    for candidate in (name, *_SAME.get(name, ())):
        fitting = [
            kind
            for kind in types.get(candidate, ())
            if _IP_VERSIONS.get(kind.stix.type, ":" in value) is (":" in value)
        ]
        if fitting:
            return fitting[0] if len(fitting) == 1 else None
    return None
