"""`besa sandbox`: a stand-in MISP and a real Kafka, for training and tests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from broker.cli import terminal
from broker.cli.listing import Listing
from broker.cli.terminal import AsJson, ExitCode

app = typer.Typer(
    cls=Listing,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Start a stand-in MISP or an Apache Kafka on this machine.",
)

Home = Annotated[
    Path | None,
    typer.Option("--home", help="Its folder; by default one in BESA_HOME."),
]
Port = Annotated[
    int | None,
    typer.Option("--port", min=1, max=65_535, help="Where to listen; else any port."),
]


@app.command()
def misp(
    home: Home = None,
    port: Port = None,
    org: Annotated[
        list[str] | None,
        typer.Option(
            "--org",
            metavar="NAME[:UUID[:ROLE[:ACCOUNT]]]",
            help="An organisation with an account; the first is the CSIRT. Repeatable.",
        ),
    ] = None,
    faults: Annotated[
        str, typer.Option("--faults", help="What shall go wrong, as JSON.")
    ] = "{}",
    ready_file: Annotated[
        Path | None,
        typer.Option("--ready-file", help="Written once the server answers."),
    ] = None,
) -> None:
    """Run a stand-in MISP until Ctrl-C.

    Prints one line of JSON with its address and its accounts' keys. A page for people
    is at that address. It behaves as a MISP 2.5.1 does, and can be told to misbehave.
    """
    from broker.sandbox.misp.__main__ import options_of, serve
    from broker.sandbox.misp.store import SandboxError
    from broker.settings import read_settings

    arguments = ["--home", str(home or read_settings().home / "misp")]
    if port is not None:
        arguments += ["--port", str(port)]
    for name in org or ():
        arguments += ["--org", name]
    if ready_file is not None:
        arguments += ["--ready-file", str(ready_file)]
    try:
        options = options_of([*arguments, "--faults", faults])
    except SandboxError as error:
        terminal.wrong_usage(str(error))
    serve(options, lambda: terminal.note("the stand-in MISP runs until Ctrl-C"))


@app.command()
def kafka(
    action: Annotated[
        Literal["start", "stop", "status"], typer.Argument(help="What to do.")
    ] = "start",
    home: Home = None,
    port: Port = None,
    as_json: AsJson = False,
) -> None:
    """Start, stop or look at an Apache Kafka on this machine.

    It has the topics that Besa needs, keeps running until it is stopped, and its data
    stay in its folder. Needs Java 17 and, the first time, Maven. Exit code 1 when it
    does not run.
    """
    from broker.sandbox import kafka as sandbox
    from broker.settings import read_settings

    settings = read_settings()
    folder = home or settings.home / "kafka"
    if action == "start":
        from broker.source.kafka import DEAD_LETTERS, RECEIPTS
        from broker.source.telling import FEEDBACK

        topics = (*settings.topics, DEAD_LETTERS, RECEIPTS, FEEDBACK)
        sandbox.start_detached(folder, port, topics)
    elif action == "stop":
        sandbox.stop(folder)
    found = sandbox.status(folder)
    if as_json:
        terminal.print_json(
            {
                "running": found.running,
                "address": found.address,
                "pid": found.pid,
                "home": str(found.home),
            }
        )
    elif found.running:
        terminal.stdout().print(f"Kafka runs at {found.address} ({found.home}).")
        terminal.note(f"use it: export BESA_KAFKA={found.address}")
    else:
        terminal.stdout().print(f"Kafka does not run ({found.home}).")
    if not found.running and action == "status":
        raise typer.Exit(ExitCode.NO)
