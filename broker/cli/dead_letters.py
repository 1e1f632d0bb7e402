"""`besa dead-letters`: messages that are no incidents, and a second try for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.cli import terminal
from broker.cli.listing import Listing
from broker.cli.terminal import AsJson, ExitCode

if TYPE_CHECKING:
    from broker.settings import Settings
    from broker.source.dead import Found
    from broker.store.letters import StoredLetter

app = typer.Typer(
    cls=Listing,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Look at messages that are no incidents, and publish them again.",
)

Number = Annotated[
    int,
    typer.Argument(metavar="NUMBER", help="Its number in `besa dead-letters list`."),
]
_MOST = 200


@app.callback()
def _dead_letters() -> None:
    """Look at messages that are no incidents, and publish them again."""


@app.command("list")
def list_(
    most: Annotated[
        int, typer.Option("--most", min=1, help="At most so many.")
    ] = _MOST,
    as_json: AsJson = False,
) -> None:
    """List messages that could not be read as incidents, oldest first."""
    from datetime import UTC, datetime

    from broker.cli.outbox import opened
    from broker.cli.status_view import ago, table
    from broker.store import letters

    with opened() as database:
        found = letters.listed(database, most=most)
    if as_json:
        terminal.print_json([_value(each) for each in found])
        return
    out = terminal.stdout()
    if not found:
        out.print("Every message could be read.")
        return
    rows = table("No.")
    rows.add_column("position", overflow="fold")
    rows.add_column("what is wrong", overflow="fold")
    rows.add_column("refused")
    now = datetime.now(UTC)
    for each in found:
        letter = each.letter
        where = f"{letter.path}: " if letter.path else ""
        rows.add_row(
            str(each.id),
            str(letter.position),
            terminal.plain(f"{where}{letter.problem}"),
            ago(each.at, now),
        )
    out.print(rows)


@app.command()
def show(
    number: Number,
    body: Annotated[
        bool,
        typer.Option("--body", help="Print the exact bytes that were published."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is wrong with one message, and what its sender can do.

    With --body: the message itself, from where it was published. It may hold anything
    that an incident can hold.
    """
    stored = _stored(number)
    if body:
        from broker.settings import read_settings

        terminal.write(_found(read_settings(), stored).message.body)
        return
    value = _value(stored)
    if as_json:
        terminal.print_json(value)
        return
    out = terminal.stdout()
    for name, said in value.items():
        if said != "":
            out.print(f"{name:<10}{terminal.plain(str(said))}", soft_wrap=True)


@app.command()
def replay(
    numbers: Annotated[
        list[int] | None, typer.Argument(metavar="[NUMBER]...", help="Which.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All that are in the list.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Publish messages again, byte for byte, after the cause is mended.

    For example after an update that reads a new field. What is still no incident
    becomes a new dead letter; what was read before is recognised and changes nothing.
    """
    if bool(numbers) == everything:
        terminal.wrong_usage("name numbers, or all with --all")
    from broker.cli.outbox import opened
    from broker.errors import BesaError
    from broker.settings import read_settings
    from broker.store import letters

    settings, missing = read_settings(), list[int]()
    if everything:
        with opened() as database:
            wanted = letters.listed(database, most=1_000_000)
    else:
        with opened() as database:
            # Each once: what was published again is on the list no more.
            asked = {one: letters.shown(database, one) for one in numbers or ()}
        wanted = tuple(stored for stored in asked.values() if stored)
        missing = [number for number, stored in asked.items() if stored is None]
    done: list[dict[str, Any]] = []
    for stored in wanted:
        try:
            done.append({"number": stored.id, "again_at": _again(settings, stored)})
        except BesaError as error:
            done.append({"number": stored.id, "problem": str(error)})
    # One that is not there keeps no other back.
    done += [
        {"number": one, "problem": "there is no such dead letter"} for one in missing
    ]
    if as_json:
        terminal.print_json(done)
    elif not done:
        terminal.stdout().print("Nothing is on the list.")
    for each in done if not as_json else ():
        said = each.get("problem") or f"published again, at {each['again_at']}"
        terminal.stdout().print(f"{each['number']}: {said}", soft_wrap=True)
    if any("problem" in each for each in done):
        terminal.stop(ExitCode.NO)


def _stored(number: int) -> StoredLetter:
    from broker.cli.outbox import opened
    from broker.store import letters

    with opened() as database:
        found = letters.shown(database, number)
    if found is None:
        terminal.stop(ExitCode.NO, f"there is no dead letter {number}")
    return found


def _found(settings: Settings, stored: StoredLetter) -> Found:
    from broker.errors import SettingsError
    from broker.kafka_access import cluster_of
    from broker.source import dead

    if stored.letter.position.source == "spool":
        return dead.from_spool(settings.spool_folder, stored.letter)
    if not settings.kafka:
        raise SettingsError("the message stands in Kafka; set BESA_KAFKA")
    return dead.from_kafka(cluster_of(settings), stored.letter)


def _again(settings: Settings, stored: StoredLetter) -> str:
    """Publish one message again; return where it stands now."""
    from datetime import UTC, datetime

    from broker.cli.outbox import opened
    from broker.cli.person import person
    from broker.model.intake import PUBLISHER_HEADER
    from broker.source.spool import Spool
    from broker.store import letters

    found = _found(settings, stored)
    message = found.message
    if stored.letter.position.source == "spool":
        spool = Spool(settings.spool_folder)
        place = str(
            spool.publish(message.body, message.content_type, message.publisher)
        )
    else:
        from broker.kafka_access import cluster_of
        from broker.source.kafka_writer import KafkaWriter

        said = {
            "content-type": message.content_type or "",
            PUBLISHER_HEADER: message.publisher,
        }
        headers = [(name, value) for name, value in said.items() if value]
        writer = KafkaWriter(cluster_of(settings))
        try:
            topic = stored.letter.position.topic
            writer.write(topic, message.body, message.key, headers)
            ((topic, partition, offset),) = writer.settle()
        finally:
            writer.close()
        place = f"kafka:{topic}[{partition}]@{offset}"
    with opened() as database:
        now = datetime.now(UTC)
        letters.replayed(database, stored, person() or "unknown", place, now)
    found.remove()
    return place


def _value(stored: StoredLetter) -> dict[str, Any]:
    letter = stored.letter
    return {
        "number": stored.id,
        "position": str(letter.position),
        "path": letter.path,
        "problem": letter.problem,
        "advice": letter.advice,
        "sha256": letter.sha256,
        "size": letter.size,
        "at": terminal.as_json(stored.at),
    }
