"""`python -m tests.soak --incidents N --minutes M`: print what a soak found, and end.

Exit code 0 when nothing was lost, repeated or reordered; 1 otherwise.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests import postgresql
from tests.soak.run import Result, soak


def main() -> int:
    """Run a soak, tell how it goes on standard error, and the result on output."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    add = parser.add_argument
    add("--incidents", type=int, default=100_000)
    add("--minutes", type=float, default=10.0, help="how long processes are killed")
    add("--store", choices=("sqlite", "postgresql"), default="sqlite")
    add("--processes", type=int, default=0, help="of each kind; 1, or 2 on PostgreSQL")
    add("--seed", type=int, default=int(time.time()))
    chosen = parser.parse_args()
    several = chosen.store == "postgresql"
    home = Path(tempfile.mkdtemp(prefix="besa-soak-"))
    began = time.monotonic()

    # Ended from outside, it ends what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    def tell(line: str) -> None:
        sys.stderr.write(f"[{time.monotonic() - began:7.0f} s] {line}\n")

    result = soak(
        chosen.incidents,
        chosen.minutes,
        store=postgresql.url() if several else "",
        processes=chosen.processes or (2 if several else 1),
        seed=chosen.seed,
        home=home,
        tell=tell,
    )
    sys.stdout.write(report(result, chosen.seed))
    if result.problems:
        tell(f"everything is kept in {home}")
    return 1 if result.problems else 0


def report(result: Result, seed: int) -> str:
    """Return a result as text."""
    lines = [
        f"{result.published} messages published, {result.kills} kills (seed {seed}), "
        f"{result.seconds:.0f} s",
        f"{'recipient':<12}{'cases wanted':>14}{'delivered':>12}",
    ]
    lines += [
        f"{unit:<12}{wanted:>14}{result.delivered.get(unit, 0):>12}"
        for unit, wanted in sorted(result.wanted.items())
    ]
    register = result.register
    lines.append(
        f"register: {'whole' if register.get('ok') else 'NOT WHOLE'}, "
        f"{register.get('entries', '?')} entries"
    )
    same = result.reconcile.get("is_same")
    lines.append(f"reconcile: {'everything agrees' if same else 'DIFFERS'}")
    if not same:
        lines.append(str(result.reconcile)[:3000])
    lines += [f"problem: {problem}" for problem in result.problems]
    lines.append("SOAK FAILED" if result.problems else "SOAK PASSED")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
