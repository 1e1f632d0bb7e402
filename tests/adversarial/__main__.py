"""`python -m tests.adversarial`: the leak corpus, and pairs of incidents.

Prints what was looked at and every leak, with the number that makes it again. Exit code
1 when there is one.
"""

from __future__ import annotations

import argparse
import sys
from time import perf_counter

from tests.adversarial import corpus, pairs
from tests.adversarial.spread import Part, spread

_SHOWN = 20


def main() -> int:
    """Run both, and say by the exit code whether nothing leaked."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.adversarial", description=__doc__
    )
    parser.add_argument("--count", type=int, default=20_000, help="incidents")
    parser.add_argument("--pairs", type=int, default=10_000, help="pairs")
    parser.add_argument("--first", type=int, default=0, help="number of the first")
    chosen = parser.parse_args()
    wrong: list[object] = []
    if chosen.count:
        start = perf_counter()
        found = spread(corpus.run, chosen.count, chosen.first, _told)
        _print(found, start)
        wrong += [*found.leaks, *found.failures.items()]
    if chosen.pairs:
        start = perf_counter()
        compared = spread(pairs.run, chosen.pairs, chosen.first, _told)
        _print(compared, start)
        wrong += compared.different
    for each in wrong[:_SHOWN]:
        sys.stdout.write(f"LEAK {each}\n")
    sys.stdout.write(f"{len(wrong):,} leaks\n")
    return 1 if wrong else 0


def _told(part: Part) -> None:
    if sys.stderr.isatty():
        done = part.counts["incidents"] + part.counts["pairs"]
        sys.stderr.write(f"\r{done:,} ")


def _print(part: Part, start: float) -> None:
    for name, count in sorted(part.counts.items()):
        sys.stdout.write(f"{name}: {count:,}\n")
    sys.stdout.write(f"in {perf_counter() - start:.0f} s\n\n")


if __name__ == "__main__":
    sys.exit(main())
