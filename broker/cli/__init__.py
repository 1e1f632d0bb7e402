"""The `besa` command: one file per group of commands.

Invariant: importing this package imports nothing heavy (no cryptography, pydantic,
SQLAlchemy, Kafka or MISP client). Each command imports what it needs when it runs, so
that ``besa --help`` answers at once.
"""

from __future__ import annotations

import gc
import os
import sys

# Pydantic looks through every installed package for plug-ins of its own. There is none
# that may see an incident, and looking takes longer than `besa --help`.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def main() -> None:
    """Run `besa` with the arguments of this process, and end it with its exit code."""
    # Of what is imported nothing is thrown away; to look for it takes a sixth of the
    # time. `broker.cli.app.besa` enables the collector for all commands but a check.
    gc.disable()
    try:
        from broker.cli import terminal
        from broker.cli.app import app_for
    except KeyboardInterrupt:
        sys.exit(130)  # as `terminal.run` ends once it is there

    first = sys.argv[1] if len(sys.argv) > 1 else ""
    code = terminal.run(app_for(first))
    # The process ends; to look through all that it made once more takes a tenth of a
    # check's time, and finds nothing that the end does not free.
    gc.freeze()
    sys.exit(code)
