"""The demonstration: the whole job on this machine, on real parts, with invented data.

`stage` sets up Kafka, MISPs and keys in a temporary home; `play` publishes incidents
and runs Besa as real processes; `reckoning` reads everything back and counts what was
lost.

Invariants: every incident is invented (addresses of RFC 5737 and 3849, ``.example``
names, fictitious people), or an event of a test MISP. Nothing stays behind unless it is
asked to.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

INCIDENTS: Final = Path(__file__).parent / "incidents"
SIDE_BY_SIDE: Final = "21-bank-phishing-update.json"


def first_wave() -> list[Path]:
    """Return the incidents that are published first, in order."""
    return [path for path in _all() if not path.name.startswith("2")]


def second_wave() -> list[Path]:
    """Return what is published once the first have arrived: updates, a withdrawal."""
    return [path for path in _all() if path.name.startswith("2")]


def _all() -> list[Path]:
    return sorted(INCIDENTS.glob("*.json"))
