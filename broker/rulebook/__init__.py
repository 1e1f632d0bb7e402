"""Everything that decides what is shared, as one checked and unchangeable snapshot.

The bytes of ``policies/`` and ``mappings/`` -> `Rulebook`, or every problem found.

Invariants: a rulebook exists only when all of it is right; its digest stands for the
content of every file that can change a disclosure; no file is read without being known,
so that a misspelt folder cannot silently switch an agreement off.
"""

from __future__ import annotations

from broker.rulebook.build import build
from broker.rulebook.lapse import Lapse, lapses
from broker.rulebook.snapshot import Route, Rulebook
from broker.rulebook.tables import tables

__all__ = ["Lapse", "Route", "Rulebook", "build", "lapses", "tables"]
