"""`besa publish`: incidents into Kafka, or into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from broker.cli import terminal
from broker.cli.look import FormatOption
from broker.cli.terminal import AsJson

if TYPE_CHECKING:
    from broker.model.intake import Position


def publish(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="The incidents, one per file; - reads one from standard input.",
        ),
    ],
    format_name: FormatOption = None,
    spool: Annotated[
        Path | None,
        typer.Option("--spool", help="Publish to this folder and not to Kafka."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Publish incidents to Kafka, or to a folder.

    To Kafka when BESA_KAFKA is set, else to the folder that BESA_SPOOL names. What is
    published is not checked: `besa preview` does that, and what cannot be read later
    becomes a dead letter. When the command ends, everything is stored safely.
    """
    from broker.intake import FORMATS
    from broker.settings import read_settings

    settings = read_settings()
    content_type = FORMATS[format_name][0] if format_name else None
    bodies = [terminal.read_input(file) for file in files]
    if settings.kafka and spool is None:
        positions = _to_kafka(settings.kafka, settings.topic, bodies, content_type)
    else:
        positions = _to_spool(spool or settings.spool_folder, bodies, content_type)
    if as_json:
        terminal.print_json(
            [
                {
                    "file": str(file),
                    "source": position.source,
                    "topic": position.topic,
                    "partition": position.partition,
                    "offset": position.offset,
                }
                for file, position in zip(files, positions, strict=True)
            ]
        )
        return
    out = terminal.stdout()
    for file, position in zip(files, positions, strict=True):
        out.print(f"published {file} as {position}", soft_wrap=True)


def _to_kafka(
    address: str, topic: str, bodies: list[bytes], content_type: str | None
) -> list[Position]:
    from broker.publish import KafkaPublisher

    with KafkaPublisher(address, topic) as publisher:
        for body in bodies:
            publisher.publish(body, content_type)
        return publisher.flush()


def _to_spool(
    folder: Path, bodies: list[bytes], content_type: str | None
) -> list[Position]:
    from broker.publish import publish_spool

    return [publish_spool(folder, body, content_type) for body in bodies]
