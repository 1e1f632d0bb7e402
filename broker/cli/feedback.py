"""`besa feedback`: what units said back about what they were sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.cli import terminal
from broker.cli.listing import Listing
from broker.cli.terminal import AsJson, ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from broker.model.feedback import Feedback
    from broker.poll import Polled
    from broker.settings import Settings
    from broker.store import Store

app = typer.Typer(
    cls=Listing,
    invoke_without_command=True,
    rich_markup_mode=None,
    help="Ask units what they said back, and show it.",
)

Recipient = Annotated[
    str, typer.Option("--recipient", "-r", help="Of this recipient only.")
]
Every = Annotated[
    float,
    typer.Option(
        "--every", min=0, help="Ask again after so many seconds, until stopped."
    ),
]
_MOST = 200


@app.callback()
def _feedback(
    context: typer.Context, every: Every = 0, as_json: AsJson = False
) -> None:
    """Ask units what they said back, and show it. Without a command: ask."""
    if context.invoked_subcommand is None:
        poll(every=every, as_json=as_json)


@app.command()
def poll(recipient: Recipient = "", every: Every = 0, as_json: AsJson = False) -> None:
    """Ask every recipient that can be asked what it said, now.

    `besa run` and `besa dispatch` do so by themselves (BESA_FEEDBACK_EVERY). Holds the
    recipients' credentials. What is new is traced and told by `besa consume`.
    """
    from broker.cli.polling import poller_of
    from broker.cli.serve import reachable
    from broker.settings import read_recipients, read_settings

    settings = read_settings()
    known = read_recipients(settings.policies_folder)
    wanted = tuple(one for one in known if recipient in ("", one.recipient))
    if not wanted:
        names = ", ".join(sorted(one.recipient for one in known))
        terminal.wrong_usage(f"there is no recipient {recipient}; there are {names}")
    recipients, credentials = reachable(settings, wanted)
    terminal.log_to_stderr(settings.log_level)
    poller = poller_of(settings, recipients, credentials, every)
    if every:
        with terminal.on_stop(poller.stop):
            poller.run()
        return
    with terminal.on_stop(poller.stop):
        done = poller.once()
    _say(done, asked=poller.recipients, as_json=as_json)
    if any(one.problem for one in done):
        terminal.stop(ExitCode.FAULT)


def _say(done: Sequence[Polled], *, asked: tuple[str, ...], as_json: bool) -> None:
    if as_json:
        terminal.print_json(terminal.as_json(done))
        return
    out = terminal.stdout()
    if not asked:
        out.print("nobody can be asked: no MISP or TAXII server has a credential")
    for one in done:
        looked = terminal.counted(one.cases, "case")
        line = f"{one.recipient}: {looked} looked at, {one.new} new"
        out.print(line + (f"; {one.problem}" if one.problem else ""))


@app.command("list")
def list_(
    uid: Annotated[str, typer.Option("--uid", help="About this incident only.")] = "",
    recipient: Recipient = "",
    word: Annotated[
        list[str] | None,
        typer.Option(
            "--word", "-w", help="Only this, such as case-opened; repeatable."
        ),
    ] = None,
    most: Annotated[
        int, typer.Option("--most", min=1, help="At most so many, the newest.")
    ] = _MOST,
    as_json: AsJson = False,
) -> None:
    """List what units said, newest first: what of which field, never in what words."""
    from broker.feedback import feedback_json
    from broker.model.feedback import FeedbackWord
    from broker.settings import read_settings
    from broker.store import open_store

    words = [one.value for one in FeedbackWord]
    if wrong := [one for one in word or () if one not in words]:
        terminal.wrong_usage(
            f"{wrong[0]} is no such word; there are {', '.join(words)}"
        )
    with open_store(read_settings().store_url) as store:
        found = store.hearing.listed(
            uid=uid, recipient=recipient, words=word or (), most=most
        )
    if as_json:
        terminal.print_json(
            [{"number": one.number, **feedback_json(one)} for one in found]
        )
        return
    _print(found, all_of_it=not (uid or recipient or word))
    if len(found) == most:
        terminal.note(f"only the newest {most} are shown; --most shows more")


@app.command()
def show(
    number: Annotated[
        int, typer.Argument(metavar="NUMBER", help="Its number in the list.")
    ],
    words: Annotated[
        bool, typer.Option("--words", help="Also show the unit's own words.")
    ] = False,
    value: Annotated[
        bool,
        typer.Option(
            "--value", help="Also show what it is about: as sent, and as published."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show one thing that a unit said.

    Who may read the unit's own words, the agreement says; reading them is written into
    the register.
    """
    from broker.feedback import feedback_json
    from broker.settings import read_settings
    from broker.store import open_store

    settings = read_settings()
    with open_store(settings.store_url) as store:
        one = store.hearing.item(number)
        if one is None:
            terminal.stop(ExitCode.NO, f"there is no feedback {number}")
        told: dict[str, Any] = {"number": one.number, **feedback_json(one)}
        if value:
            told |= _value(settings, store, one)
        if words:
            told["words"] = dict(_words(settings, store, one))
    if as_json:
        terminal.print_json(told)
        return
    out = terminal.stdout()
    for name, said in told.items():
        if isinstance(said, dict):
            for part, text in said.items():
                out.print(f"{part + ':':<16}{terminal.plain(text)}", soft_wrap=True)
        elif said not in ("", None):
            label = name.replace("_", " ")
            out.print(f"{label:<16}{terminal.plain(str(said))}", soft_wrap=True)
    if one.has_words and not words:
        terminal.note("it has words of the unit; --words shows them to who may read")


def _words(settings: Settings, store: Store, one: Feedback) -> Mapping[str, str]:
    """Return the unit's words, if this person may read them; else end with why not."""
    from datetime import UTC, datetime

    from broker.cli.person import person
    from broker.feedback import is_secret
    from broker.settings import read_reviewers

    now, who = datetime.now(UTC), person()
    open_to_all = one.readers in ("csirt", "topic")
    if not open_to_all or is_secret(store, one, now):
        reviewers = read_reviewers(settings.reviewers_file)
        if not reviewers.leads:
            terminal.stop(
                ExitCode.NO,
                "only the CSIRT's lead may read these words, and nobody is named one: "
                f"write 'leads: [NAME]' into {settings.reviewers_file}",
            )
        if not reviewers.is_lead(who):
            terminal.stop(ExitCode.NO, "only the CSIRT's lead may read these words")
    # First into the register: what cannot be written there is not shown.
    store.hearing.note_reading(one, who, now)
    return store.hearing.words(one.number)


def _value(settings: Settings, store: Store, one: Feedback) -> dict[str, str]:
    """Return what something is about: as it was sent, and as it was published."""
    from broker.cli.field_value import field_value, sent_value

    if one.about == one.share:
        terminal.stop(ExitCode.NO, "it is about the case as a whole")
    found = {"sent": sent_value(store, one), "value": field_value(settings, store, one)}
    return {name: text for name, text in found.items() if text}


def _print(found: Sequence[Feedback], *, all_of_it: bool) -> None:
    if not found:
        what = "anything yet" if all_of_it else "such a thing yet"
        terminal.stdout().print(f"No unit has said {what}.")
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("No.", "Said", "Recipient", "Incident", "What", "About", "Words"):
        table.add_column(name, overflow="fold")
    for one in found:
        at = one.at or one.seen_at
        until = f" {one.until}" if one.until else ""
        about = one.field or ("the case" if one.about == one.share else one.note)
        table.add_row(
            str(one.number),
            f"{at:%Y-%m-%d %H:%M}",
            one.recipient,
            terminal.plain(one.uid),
            f"{one.kind}: {one.word}{until}",
            about if one.traced else "not traced yet",
            "yes" if one.has_words else "",
        )
    terminal.stdout().print(table)
