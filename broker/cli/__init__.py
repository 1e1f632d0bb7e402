"""The `besa` command: one file per group of commands.

Invariant: importing this package imports nothing heavy (no cryptography, pydantic,
SQLAlchemy, Kafka or MISP client). Each command imports what it needs when it runs, so
that ``besa --help`` answers at once.
"""

from __future__ import annotations

import os
import sys

# Pydantic looks through every installed package for plug-ins of its own. There is none
# that may see an incident, and looking takes longer than `besa --help`.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from broker.cli import terminal
from broker.cli.app import app


def main() -> None:
    """Run `besa` with the arguments of this process, and end it with its exit code."""
    sys.exit(terminal.run(app))
