"""Messages in every format that is read, and what is expected of each.

The messages in ``samples`` are our own: invented persons, addresses that are reserved
for documentation. `python -m tests.formats` writes what is generated from them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

SAMPLES: Final = Path(__file__).parent / "samples"


def samples() -> list[Path]:
    """Return our own messages, by name."""
    return sorted(SAMPLES.iterdir())
