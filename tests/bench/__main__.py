"""`make bench`: how fast Besa is, against budgets that are ratios.

Everything that is compared runs side by side in this one run, in small turns, because
machines are noisy. Prints a table, and with ``--json`` one JSON object per line.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter

from rich.console import Console
from rich.table import Table

from broker.sandbox.kafka import available
from tests import postgresql
from tests.bench import (
    agreements,
    consume,
    deliver,
    formats,
    machines,
    path,
    size,
    written,
)
from tests.bench.measure import Timed, ratio


@dataclass(frozen=True, slots=True)
class Line:
    """One measured figure beside its budget; ``ok`` is None where there is none."""

    name: str
    measured: str
    budget: str
    ok: bool | None


def compared(turns: int) -> Iterator[Line]:
    """Measure the pure path against the plain way and against the floor."""
    found = path.compare(turns)
    slow = ratio(found.plain, found.path_with_plain)
    low = ratio(found.path, found.floor)
    alone = ratio(found.alone, found.floor)
    yield Line(
        "plain way / pure path in batches, per output",
        f"{slow.of_medians:.1f} x (minima: {slow.of_minima:.1f} x)",
        ">= 30 x",
        slow.of_medians >= 30,
    )
    yield Line(
        "pure path in batches / floor, per output",
        f"{low.of_medians:.1f} x (minima: {low.of_minima:.1f} x)",
        "<= 5 x",
        low.of_medians <= 5,
    )
    yield Line(
        "one incident alone / floor, per output",
        f"{alone.of_medians:.1f} x (minima: {alone.of_minima:.1f} x)",
        "",
        None,
    )
    for name, timed in (
        ("plain way", found.plain),
        (f"pure path, in batches of {path.BATCH}", found.path),
        ("pure path, one incident alone", found.alone),
        ("floor", found.floor),
    ):
        measured = f"{timed.median * 1e6:,.0f} us (best {timed.best * 1e6:,.0f} us)"
        yield Line(f"{name}, per output", measured, "", None)
    yield Line(
        "pure path, outputs/s, one core", f"{1 / found.path.best:,.0f}", "", None
    )
    told = f"{found.ids:.0f} ids, {found.size:,.0f} bytes"
    yield Line("an output has", told, "", None)


def stored(name: str, measure: Callable[[], tuple[Timed, Timed]]) -> Line:
    """Measure what a source and the store add to the pure path."""
    whole, alone = measure()
    added = ratio(whole, alone)
    percent = (added.of_medians - 1) * 100
    measured = f"+{percent:.0f} % (minima: +{(added.of_minima - 1) * 100:.0f} %)"
    return Line(f"{name} to outbox, 3 recipients", measured, "<= +30 %", percent <= 30)


def deliveries() -> Iterator[Line]:
    """Measure what delivering adds to the bare requests, and what a dead one costs."""
    ours, bare = deliver.overhead()
    added = (ratio(ours, bare).of_medians - 1) * 100
    yield Line(
        f"a push of {deliver.ATTRIBUTES} attributes / the same requests, bare",
        f"{added:+.1f} % ({bare.median * 1e3:.0f} ms bare)",
        "<= +5 %",
        added <= 5,
    )
    beside, alone = deliver.dead()
    change = (ratio(beside, alone).of_medians - 1) * 100
    yield Line(
        "a push while another recipient is dead / without it",
        f"{change:+.1f} %",
        "within 5 %",
        change <= 5,
    )


def several() -> Iterator[Line]:
    """Measure one and two consumers on PostgreSQL."""
    why_not = available() or ("" if postgresql.is_there() else postgresql.MISSING)
    if why_not:
        yield Line("consumers on PostgreSQL", why_not, "", None)
        return
    for number, rate in machines.per_second():
        name = (
            f"{number} consumer{'s' if number > 1 else ''} on PostgreSQL, incidents/s"
        )
        yield Line(name, f"{rate:,.0f}", "", None)


def help_time() -> Line:
    """Measure how long a person waits for `besa --help`."""
    times = []
    for _ in range(10):
        start = perf_counter()
        subprocess.run(
            [sys.executable, "-m", "broker.cli", "--help"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        times.append(perf_counter() - start)
    middle = median(times)
    return Line("besa --help", f"{middle:.2f} s", "<= 0.3 s", middle <= 0.3)


def grown() -> Iterator[Line]:
    """Measure how memory and cost grow."""
    # Memory first: what a large incident took is given back to nobody but us.
    (first, before), (last, after) = size.memory((1_000, 10_000))
    change = (after / before - 1) * 100
    yield Line(
        f"memory after {first:,} and {last:,} incidents",
        f"{before:.0f} MB, {after:.0f} MB ({change:+.0f} %)",
        "within 10 %",
        abs(change) <= 10,
    )
    for one in size.growth((10, 100, 1_000, 10_000, 100_000)):
        share = one.guard / one.path * 100
        yield Line(
            f"{one.observables:,} observables: the guard's part of the path",
            f"{share:.0f} % of {one.path:,.0f} us per observable and output",
            "<= 35 %",
            share <= 35,
        )


def silent(turns: int) -> Iterator[Line]:
    """Measure what agreements cost that say nothing of an incident."""
    found = agreements.grow(turns)
    whole = ratio(found.path_of_all, found.path_of_three)
    yield Line(
        f"{agreements.ALL} agreements of which 3 match / 3, per incident",
        f"{whole.of_medians:.2f} x (minima: {whole.of_minima:.2f} x)",
        "<= 1.3 x",
        whole.of_medians <= 1.3,
    )
    more = found.deciding_of_all.best - found.deciding_of_three.best
    each = more / (agreements.ALL - 3) * 1e6
    yield Line(
        "deciding, 3 that match and each that does not",
        f"{found.deciding_of_three.best * 1e6:.0f} us, {each:.1f} us",
        "",
        None,
    )


def checked() -> Iterator[Line]:
    """Measure how long a person waits for `besa check` of many agreements."""
    wall, busy = written.check_times(written.MANY, turns=5)
    yield Line(
        f"besa check, {written.MANY} agreements",
        f"{wall.median:.2f} s (processor {busy.median:.2f} s)",
        "<= 1 s",
        wall.median <= 1,
    )


def formats_read() -> Iterator[Line]:
    """Measure how fast messages of each format are read."""
    for one in formats.speeds():
        yield Line(
            f"{one.format}, {one.size:,} bytes, read per second, one core",
            f"{one.per_second:,.0f}",
            "",
            None,
        )
    for count, each in formats.growth():
        yield Line(f"n6, {count:,} observables, each", f"{each:.1f} us", "", None)


def lines(turns: int) -> Iterator[Line]:
    """Measure everything."""
    yield from compared(turns)
    yield stored("spool", consume.spool)
    why_not = available()
    if why_not:
        yield Line("Kafka to outbox, 3 recipients", why_not, "<= +30 %", None)
    else:
        yield stored("Kafka", consume.kafka)
    yield from silent(max(10, turns // 4))
    yield from deliveries()
    yield from several()
    yield help_time()
    yield from checked()
    yield from grown()
    yield from formats_read()


def main() -> int:
    """Measure, print, and say by the exit code whether all budgets are kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    parser.add_argument("--turns", type=int, default=60, help="turns of the path")
    chosen = parser.parse_args()
    table = Table("What", "Measured", "Budget", "")
    missed = False
    for line in lines(chosen.turns):
        missed = missed or line.ok is False
        if chosen.json:
            sys.stdout.write(json.dumps(asdict(line)) + "\n")
            sys.stdout.flush()
        else:
            mark = {True: "kept", False: "missed", None: ""}[line.ok]
            table.add_row(line.name, line.measured, line.budget, mark)
    if not chosen.json:
        console = Console()
        console.print(f"Python {platform.python_version()} on {platform.machine()}")
        console.print(table)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
