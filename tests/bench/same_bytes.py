"""Prove that a change for speed changed not one byte: two trees, the same incidents.

``python -m tests.bench.same_bytes OTHER`` takes the same odd incidents
through the pure path of this tree and of the tree OTHER (say, ``git archive`` of the
last commit), and compares everything that comes out: sealed bytes, drafts, decisions,
ledgers, editions, breaches, errors, and what the guard says to drafts that were
tampered with.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Compare two trees; exit with 1 and the first difference if there is one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", type=Path, nargs="?", help="the tree to compare with")
    parser.add_argument("--count", type=int, default=100, help="incidents (100)")
    parser.add_argument("--print", dest="tree", type=Path, help="print one tree's")
    options = parser.parse_args()
    if options.tree:
        # Before anything of `broker` is imported, so that it comes from that tree.
        sys.path.insert(0, str(options.tree.resolve()))
        for line in records(options.count):
            print(line)  # noqa: T201
        return 0
    if not options.other:
        parser.error("name the tree to compare with")
    here, there = (_output(tree, options.count) for tree in (ROOT, options.other))
    for number, (mine, other) in enumerate(zip(here, there, strict=True), 1):
        if mine != other:
            print(f"record {number} differs:\n  {mine}\n  {other}")  # noqa: T201
            return 1
    print(f"{len(here)} records, not one byte different")  # noqa: T201
    return 0


def _output(tree: Path, count: int) -> list[str]:
    command = [sys.executable, "-m", "tests.bench.same_bytes", "--print", str(tree)]
    done = subprocess.run(
        [*command, "--count", str(count)],
        cwd=ROOT,
        # Sets of texts then have one order in both trees.
        env={**os.environ, "PYTHONHASHSEED": "0"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=600,
    )
    return done.stdout.splitlines()


def records(count: int) -> Iterator[str]:
    """Yield one line for each thing that came out."""
    from broker import pipeline
    from broker.errors import BesaError
    from tests.bench import odd, world

    for rulebook in (world.rulebook(), odd.open_rulebook()):
        for raw in islice(odd.messages(seed=len(rulebook.digest)), count):
            try:
                received = pipeline.receive(raw, rulebook=rulebook, now=world.NOW)
            except BesaError as error:
                yield f"refused {error}"
                continue
            yield f"received {received.sha256} {received.left_behind}"
            yield from _disclosed(received, rulebook)


def _disclosed(received: Any, rulebook: Any) -> Iterator[str]:
    """Yield what comes out of one incident, and out of its next revision."""
    from broker import pipeline
    from broker.model.sharing import NO_HISTORY
    from tests.bench import world

    given = {"rulebook": rulebook, "keys": world.keys(), "now": world.NOW}
    first = pipeline.disclose(received, history=NO_HISTORY, **given)
    yield from map(_share, first.shares)
    for shown in pipeline.preview(received, **given):
        for wire, body in sorted(shown.wires.items()):
            yield f"preview {wire} {hashlib.sha256(body).hexdigest()}"
    yield from _tampered(received, first, rulebook)
    history = pipeline.advance(NO_HISTORY, first)
    changed = {"revision": received.incident.revision + 1, "status": "closed"}
    later = received.incident.model_copy(update=changed)
    again = pipeline.Received(later, received.sha256, received.format)
    second = pipeline.disclose(again, history=history, **given)
    yield from map(_share, second.shares)


def _share(share: Any) -> str:
    ledger = share.redacted.ledger() if share.redacted else ()
    counts = share.redacted.counts() if share.redacted else {}
    return repr(
        (
            share.decision,
            share.state,
            share.edition,
            ledger,
            counts,
            share.sealed,
            share.draft,
            share.breaches,
            share.failure,
        )
    )


def _tampered(received: Any, outcome: Any, rulebook: Any) -> Iterator[str]:
    """Yield what the guard says to drafts in which something was changed."""
    from broker import guard
    from broker.model.sharing import Draft, Wire
    from tests.bench import odd

    for share, route in zip(outcome.shares, rulebook.routes, strict=True):
        made = share.sealed or share.draft
        if made is None:
            continue
        for body in odd.tampered(made.body, received.incident):
            draft = Draft(made.recipient, Wire.MISP_EVENT, body)
            try:
                found = guard.inspect(draft, received.incident, route.guard)
            except Exception as error:
                found = type(error).__name__
            yield f"tampered {json.dumps(str(found))}"


if __name__ == "__main__":
    raise SystemExit(main())
