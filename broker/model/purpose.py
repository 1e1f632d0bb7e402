"""What a recipient may use an incident for: the duties that ENISA tells apart.

A closed vocabulary, and which body has which duty. An agreement names the duties that
its recipient needs the information for, and every document that it leads to repeats
them: purpose limitation.

Source: ENISA, segregation of duties matrix for CSIRTs, law enforcement and the
judiciary (2021), as the MISP galaxy ``sod-matrix`` has it; worded shorter here. The
last three are no duties of that matrix: it has no column for the bodies that have them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Purpose(StrEnum):
    """A duty in the fight against cybercrime."""

    DISCOVERY = "discovery"
    CLASSIFICATION = "identification and classification"
    COLLECTION = "evidence collection"
    EXPERTISE = "technical expertise"
    PRESERVATION = "evidence preservation"
    ADVICE = "advising the victim"
    INFORMING_VICTIM = "informing the victim"
    INFORMING_OTHERS = "informing other authorities"
    CONTACT_POINT = "contact with other states"
    MITIGATION = "mitigation"
    INVESTIGATION = "criminal investigation"
    LEADING = "leading the investigation"
    AUTHORISING = "authorising the investigation"
    RIGHTS = "protection of fundamental rights"
    ANALYSIS = "evidence analysis"
    TESTIMONY = "requesting testimony"
    ADMISSION = "admission of evidence"
    DAMAGE = "assessment of damage"
    RECOVERY = "recovery"
    MONEY_LAUNDERING = "detection of money laundering"
    FREEZING = "freezing of proceeds"
    SUPERVISION = "data protection supervision"


_OF: Final[dict[str, str]] = {
    "csirt": "discovery, identification and classification, evidence collection, "
    "technical expertise, evidence preservation, advising the victim, informing the "
    "victim, informing other authorities, contact with other states, mitigation, "
    "protection of fundamental rights, assessment of damage, recovery",
    "police": "discovery, identification and classification, evidence collection, "
    "evidence preservation, informing the victim, criminal investigation, "
    "authorising the investigation, protection of fundamental rights, "
    "evidence analysis, assessment of damage",
    "prosecutor": "identification and classification, evidence collection, "
    "evidence preservation, advising the victim, informing the victim, "
    "criminal investigation, leading the investigation, "
    "authorising the investigation, protection of fundamental rights, "
    "evidence analysis, requesting testimony, admission of evidence, "
    "assessment of damage",
    "fiu": "detection of money laundering, freezing of proceeds",
    "dpa": "data protection supervision, protection of fundamental rights",
}
DUTIES: Final[dict[str, frozenset[Purpose]]] = {
    role: frozenset(Purpose(word) for word in words.split(", "))
    for role, words in _OF.items()
}
"""The duties of each sort of party, where they are known."""
