"""`besa simulate`: what other policies would have decided about what really came."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.cli import terminal
from broker.cli.terminal import AsJson, ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

    from broker.replay import Difference, Past, Replayed
    from broker.rulebook import Rulebook
    from broker.store import Store

_SPAN = re.compile(r"([1-9][0-9]{0,4})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 168}


def simulate(
    new: Annotated[
        Path,
        typer.Argument(
            metavar="NEW",
            help="A folder of policies, or one with policies and mappings in it.",
            exists=True,
            file_okay=False,
        ),
    ],
    since: Annotated[
        str, typer.Option("--since", help="How far back: 12h, 30d, 8w.")
    ] = "30d",
    as_json: AsJson = False,
) -> None:
    """Decide once more, under other policies, what was decided before.

    Nothing is changed or sent. Only verdicts can be replayed, because the store keeps
    no incident; what a changed profile discloses, `besa policy compare` tells. Exit
    code 1 when something would have been shared that was not.
    """
    from datetime import UTC, datetime

    from broker.cli.held import opened
    from broker.replay import Replayed, replay

    span = _span(since)
    book = _rulebook(new)
    _, store = opened()
    counted = Replayed()
    with store:
        past = _past(store, datetime.now(UTC) - span)
        found = list(replay(past, book, counted))
    wider = any(one.change.widens for one in found)
    if as_json:
        terminal.print_json(_value(found, counted, book))
    else:
        _show(found, counted, since)
    if wider:
        raise typer.Exit(ExitCode.NO)


def _span(text: str) -> timedelta:
    from datetime import timedelta

    found = _SPAN.fullmatch(text)
    if found is None:
        terminal.wrong_usage(f"--since {text}: write 12h, 30d or 8w")
    return timedelta(hours=int(found[1]) * _HOURS[found[2]])


def _rulebook(folder: Path) -> Rulebook:
    from broker.prove.never import proved
    from broker.settings import read_rulebook_files, read_settings

    inside, beside = folder / "policies", folder / "mappings"
    policies = inside if inside.is_dir() else folder
    mappings = beside if beside.is_dir() else read_settings().mappings_folder
    return proved(read_rulebook_files(policies, mappings))


def _past(store: Store, since: datetime) -> Iterator[Past]:
    from broker.replay import Past

    for one in store.decided(since):
        yield Past(
            one.uid,
            one.revision,
            one.agreement,
            one.recipient,
            one.effect,
            one.facts,
            one.at,
        )


def _by_recipient(found: list[Difference]) -> dict[str, dict[str, list[str]]]:
    """Return incident revisions by recipient and kind of change, and what decides."""
    sorted_: dict[str, dict[str, list[str]]] = {}
    for one in sorted(found, key=lambda each: (each.past.recipient, each.change.value)):
        changes = sorted_.setdefault(one.past.recipient, {})
        by = ", ".join(one.clauses) or "no clause"
        incident = f"{one.past.uid} revision {one.past.revision}: {one.past.effect}"
        told = f"{incident} -> {one.effect.value}, now by {by}"
        changes.setdefault(one.change.value, []).append(told)
    return sorted_


def _value(
    found: list[Difference], counted: Replayed, book: Rulebook
) -> dict[str, Any]:
    return {
        "rulebook": book.digest,
        "incidents": counted.incidents,
        "decisions": counted.decisions,
        "without_facts": counted.without_facts,
        "counts": {
            recipient: {change: len(uids) for change, uids in changes.items()}
            for recipient, changes in _by_recipient(found).items()
        },
        "differences": [
            {
                "recipient": one.past.recipient,
                "agreement": one.past.agreement,
                "incident": one.past.uid,
                "revision": one.past.revision,
                "at": terminal.as_json(one.past.at),
                "change": one.change.value,
                "before": one.past.effect,
                "after": one.effect.value,
                "clauses": list(one.clauses),
            }
            for one in found
        ],
    }


def _show(found: list[Difference], counted: Replayed, since: str) -> None:
    out = terminal.stdout()
    revisions = terminal.counted(counted.incidents, "revision")
    decisions = terminal.counted(counted.decisions, "decision")
    out.print(f"{revisions} of the last {since}, {decisions} made once more.")
    if counted.without_facts:
        without = terminal.counted(counted.without_facts, "revision")
        out.print(
            f"{without} cannot be replayed: decided by an older Besa, which kept no "
            "facts."
        )
    for recipient, changes in _by_recipient(found).items():
        out.print(f"\n{recipient}")
        for change, incidents in changes.items():
            out.print(f"  {change}: {len(incidents)}")
            for incident in incidents:
                out.print(f"    {terminal.plain(incident)}", soft_wrap=True)
    if not counted.decisions:
        out.print("There is nothing to decide once more, so this shows nothing.")
    elif not found:
        out.print("Every verdict would have been the same.")
    out.print("\nOnly verdicts were replayed; fields: `besa policy compare`.")
