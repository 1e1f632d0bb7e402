"""`besa demo`: the whole job on this machine, on real parts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.cli import terminal
from broker.cli.terminal import AsJson, ExitCode

if TYPE_CHECKING:
    from broker.demo.reckoning import Reckoning
    from broker.demo.stage import Stage


def demo(
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Leave everything running, to look at it."),
    ] = False,
    spool: Annotated[
        bool,
        typer.Option("--spool", help="Use a folder even where Kafka is available."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the whole job on this machine, with invented incidents.

    Starts Apache Kafka, a stand-in MISP for every recipient, and `besa run`; publishes
    incidents; waits until all have arrived; reads every MISP back and shows what each
    recipient got. Exit code 1 when anything was lost or the register is not whole.
    """
    from broker.cli.demo_progress import Announcer
    from broker.cli.offline import read_rulebook
    from broker.demo import first_wave, play, second_wave
    from broker.demo.reckoning import reckon
    from broker.demo.stage import staged

    started = time.monotonic()
    book = read_rulebook()
    waves = (first_wave(), second_wave())
    published = [file for wave in waves for file in wave]
    with (
        terminal.ended_by_signals(),
        Announcer() as announcer,
        staged(book, spool=spool, keep=keep, tell=announcer.say) as stage,
        play.running(stage, keep=keep) as process,
    ):
        count = 0
        for number, wave in enumerate(waves, 1):
            announcer.say(f"publishing {len(wave)} messages")
            play.publish(stage, wave)
            count += len(wave)
            announcer.say(f"sharing, part {number} of {len(waves)}")
            play.wait_until_arrived(stage, process, count, announcer.show)
        announcer.say("reading every MISP back")
        found = reckon(stage, book, published)
        announcer.stop()
        _print(stage, found, time.monotonic() - started, as_json=as_json)
        if keep:
            _print_kept(stage, process.pid)
    if found.lost or found.register is None:
        raise typer.Exit(ExitCode.NO)


def _print(stage: Stage, found: Reckoning, seconds: float, *, as_json: bool) -> None:
    if as_json:
        terminal.print_json(as_json_value(stage, found, seconds))
        return
    from broker.cli.demo_view import show

    show(stage, found, seconds)


def as_json_value(stage: Stage, found: Reckoning, seconds: float) -> dict[str, Any]:
    """Return the result in the documented JSON shape (docs/commands.md)."""
    register = found.register
    return {
        "source": stage.source,
        "published": found.published,
        "recipients": {
            name: {
                "shared": tally.shared,
                "held": tally.held,
                "withheld": tally.withheld,
                "delivered": tally.delivered,
                "retracted": tally.retracted,
                "fields": {
                    "kept": tally.kept_fields,
                    "changed": tally.changed_fields,
                    "withheld": tally.withheld_fields,
                },
            }
            for name, tally in found.recipients.items()
        },
        "dead_letters": len(found.dead_letters),
        "dead_letter_list": [
            {
                "position": str(letter.position),
                "path": letter.path,
                "problem": letter.problem,
            }
            for letter in found.dead_letters
        ],
        "audit": {
            "ok": register is not None,
            "entries": register.entries if register else None,
            "checkpoints": register.checkpoints if register else None,
            "problem": found.register_problem,
        },
        "lost": len(found.lost),
        "lost_list": list(found.lost),
        "seconds": round(seconds, 1),
    }


def _print_kept(stage: Stage, pid: int) -> None:
    """Say where everything is that was left running, and how to end it."""
    err = terminal.stderr()
    err.print()
    err.print("Everything is still running. The MISPs, for a browser:")
    for name, misp in stage.misps.items():
        err.print(f"  {name:12} {misp.url}", soft_wrap=True)
    err.print("To work with it:")
    err.print(f"  export BESA_HOME={stage.home}", soft_wrap=True)
    if stage.kafka_address:
        err.print(f"  export BESA_KAFKA={stage.kafka_address}", soft_wrap=True)
    err.print("To end it:")
    pids = " ".join(str(n) for n in (pid, *(m.pid for m in stage.misps.values())))
    err.print(f"  kill {pids}", soft_wrap=True)
    if stage.kafka_address:
        err.print(
            f"  besa sandbox kafka stop --home {stage.home}/kafka", soft_wrap=True
        )
    err.print(f"  rm -r {stage.home}", soft_wrap=True)
