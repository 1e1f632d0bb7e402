"""The Reference Security Incident Taxonomy (RSIT) 1003, a closed vocabulary.

Source: ENISA Reference Incident Classification Taxonomy Task Force, `machinev1`, v1003:
11 categories, 39 types. A type is written ``category/type``. What a type means for law
enforcement is data, in ``mappings/taxonomy/rsit.yaml``.
"""

from __future__ import annotations

from typing import Final

_TYPES: Final = {
    "abusive-content": "spam harmful-speech violence",
    "malicious-code": (
        "infected-system c2-server malware-distribution malware-configuration"
    ),
    "information-gathering": "scanner sniffing social-engineering",
    "intrusion-attempts": "ids-alert brute-force exploit",
    "intrusions": (
        "privileged-account-compromise unprivileged-account-compromise "
        "application-compromise system-compromise burglary"
    ),
    "availability": "dos ddos misconfiguration sabotage outage",
    "information-content-security": (
        "unauthorised-information-access unauthorised-information-modification "
        "data-loss data-leak"
    ),
    "fraud": "unauthorised-use-of-resources copyright masquerade phishing",
    "vulnerable": (
        "weak-crypto ddos-amplifier potentially-unwanted-accessible "
        "information-disclosure vulnerable-system"
    ),
    "other": "other undetermined",
    "test": "test",
}

RSIT_CATEGORIES: Final[tuple[str, ...]] = tuple(_TYPES)

RSIT_TYPES: Final[tuple[str, ...]] = tuple(
    f"{category}/{kind}" for category, kinds in _TYPES.items() for kind in kinds.split()
)

_KNOWN: Final = frozenset(RSIT_TYPES)


def rsit_type(value: str) -> str:
    """Return the value if it is one of the 39 RSIT types.

    Raises:
        ValueError: it is not.
    """
    if value not in _KNOWN:
        raise ValueError("not one of the 39 RSIT types, written category/type")
    return value


def rsit_category(value: str) -> str:
    """Return the category of an RSIT type: ``fraud`` of ``fraud/phishing``."""
    return value.partition("/")[0]
