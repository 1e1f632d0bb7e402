"""How fast messages of each format are read.

Our own samples, each with an id of its own every time -> messages per second, and how
the cost of one observable grows from a thousand to ten thousand.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from time import process_time

from broker.intake import read
from tests.bench import world
from tests.bench.measure import settled
from tests.formats import samples
from tests.formats.broken import SHAPES

_SECONDS = 0.4
_MANY = (1_000, 10_000)


@dataclass(frozen=True, slots=True)
class Speed:
    """One sample: its format, its size, and how many are read in a second."""

    name: str
    format: str
    size: int
    per_second: float


def speeds() -> Iterator[Speed]:
    """Measure the largest sample of every format."""
    for name, (file, raw) in sorted(largest().items()):
        yield Speed(file, name, len(raw), _per_second(raw))


def largest() -> dict[str, tuple[str, bytes]]:
    """Return the name and the bytes of the largest sample of every format."""
    tables = world.rulebook().tables
    # Of Besa's own format there is no file: it is what the others become.
    found = {"native": ("(an incident with every field)", SHAPES["native"].sample)}
    for path in samples():
        raw = path.read_bytes()
        name, _ = read(raw, None, tables)
        if len(raw) > len(found.get(name, ("", b""))[1]):
            found[name] = (path.name, raw)
    return found


def _per_second(raw: bytes) -> float:
    tables = world.rulebook().tables
    count = 0
    with settled():
        start = process_time()
        while process_time() - start < _SECONDS:
            # A blank more or less: no two messages have the same bytes.
            read(raw + b" " * (count % 64), None, tables)
            count += 1
        return count / (process_time() - start)


def growth() -> list[tuple[int, float]]:
    """Return microseconds per observable for n6 events of several sizes."""
    [path] = [path for path in samples() if path.name == "n6_event_phish.json"]
    event = json.loads(path.read_bytes())
    found = []
    for count in _MANY:
        listed = [{"ip": f"10.{n >> 8 & 255}.{n & 255}.1"} for n in range(count)]
        raw = json.dumps({**event, "address": listed}).encode()
        with settled():
            start = process_time()
            read(raw, None, world.rulebook().tables)
            found.append((count, (process_time() - start) / count * 1e6))
    return found
