"""Prove what a rulebook can disclose, over every incident there can be.

Rulebooks -> what differs between two of them, whether a statement of what never happens
is broken, and who gets what. Pure; nothing is sampled.
"""

from broker.prove.compare import (
    Comparison,
    FieldChange,
    Trial,
    VerdictChange,
    compare,
)
from broker.prove.never import Refutation, disproved, proved, refuted
from broker.prove.side import Side, Tried, side_of, tried
from broker.prove.terms import Term
from broker.prove.witness import Witness

__all__ = [
    "Comparison",
    "FieldChange",
    "Refutation",
    "Side",
    "Term",
    "Trial",
    "Tried",
    "VerdictChange",
    "Witness",
    "compare",
    "disproved",
    "proved",
    "refuted",
    "side_of",
    "tried",
]
