"""Markings that travel with information: TLP 2.0, PAP and the data-protection classes.

Invariant: every scale is ordered from the least to the most restrictive.
"""

from __future__ import annotations

from enum import StrEnum


class _Scale(StrEnum):
    """A vocabulary whose members stand in order of rank, lowest first."""

    @property
    def rank(self) -> int:
        """Position on the scale, 0 for the lowest."""
        return _RANKS[type(self)][self]


class Tlp(_Scale):
    """Traffic Light Protocol 2.0: how far the source lets information travel.

    Source: FIRST, TLP version 2.0 (August 2022). AMBER does not cover police: they are
    neither the recipient's own organisation nor its clients, so an agreement must say
    so.
    """

    CLEAR = "clear"
    GREEN = "green"
    AMBER = "amber"
    AMBER_STRICT = "amber+strict"
    RED = "red"


def tlp_1(word: str) -> Tlp:
    """Return what a label of TLP 1 is under TLP 2.0: where it is unsure, the stricter.

    WHITE was renamed to CLEAR. AMBER of TLP 1 meant "own organisation" to some and "and
    its clients" to others, which TLP 2.0 tells apart: so it becomes AMBER+STRICT. What
    is no label of TLP 1 becomes RED.

    Source: FIRST, TLP version 1.0 (2016) and version 2.0 (August 2022).
    """
    return _TLP_1.get(word.strip().casefold(), Tlp.RED)


_TLP_1: dict[str, Tlp] = {
    "white": Tlp.CLEAR,
    "green": Tlp.GREEN,
    "amber": Tlp.AMBER_STRICT,
    "red": Tlp.RED,
}


class Pap(_Scale):
    """Permissible Actions Protocol: what the recipient may do with the information.

    Source: MISP taxonomy PAP, version 3.
    """

    CLEAR = "clear"
    GREEN = "green"
    AMBER = "amber"
    RED = "red"


class Severity(_Scale):
    """How bad the incident is, in the CSIRT's judgement."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class DataClass(StrEnum):
    """What kind of personal or protected data a field holds (data-protection class)."""

    TECHNICAL = "technical"
    CONTACT = "contact"
    IDENTITY = "identity"
    FINANCIAL = "financial"
    CREDENTIAL = "credential"
    CONTENT = "content"


# By scale and not by word: TLP RED and PAP RED are the same word with two ranks.
_RANKS: dict[type[_Scale], dict[_Scale, int]] = {
    scale: {member: rank for rank, member in enumerate(scale)}
    for scale in (Tlp, Pap, Severity)
}
