"""`besa publish`: incidents into Kafka, or into a folder.

Files, patterns, folders or standard input -> one message for each incident in them.
Each is read first, so that whoever publishes hears what is wrong and where; the others
are published all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol, Self

import typer

from broker.cli import terminal
from broker.cli.input_files import (
    found_in,
    in_its_place,
    named,
    pieces_of,
    place_of,
    read_tables,
    shown,
)
from broker.cli.look import FormatOption
from broker.cli.terminal import AsJson, ExitCode

if TYPE_CHECKING:
    from types import TracebackType

    from broker.errors import IntakeError
    from broker.intake.split import Piece
    from broker.model.intake import Position
    from broker.publish import Numbering
    from broker.settings import Settings

# Kafka confirms this many together.
_TOGETHER: Final = 500


class _Publisher(Protocol):
    def publish(
        self, body: bytes, content_type: str | None = None, key: str | None = None
    ) -> None: ...

    def flush(self) -> list[Position]: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


@dataclass(slots=True)
class _Result:
    """What was published and what was refused, in the order of the files."""

    told: list[dict[str, Any]] = field(default_factory=list)
    waiting: list[dict[str, Any]] = field(default_factory=list)
    refused: int = 0


def publish(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            parser=named,
            help="Files, patterns or folders; - reads from standard input. A file may "
            "hold many incidents: JSON Lines, a list, a table.",
        ),
    ],
    format_name: FormatOption = None,
    spool: Annotated[
        Path | None,
        typer.Option("--spool", help="Publish to this folder and not to Kafka."),
    ] = None,
    topic: Annotated[
        str | None,
        typer.Option(
            "--topic", help="Publish to this topic of BESA_TOPIC, not to the first."
        ),
    ] = None,
    unchecked: Annotated[
        bool,
        typer.Option(
            "--unchecked", help="Publish files as they are, also what cannot be read."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Publish incidents to Kafka, or to a folder.

    To Kafka when BESA_KAFKA is set (the first topic of BESA_TOPIC, or the one that
    --topic names), else to the folder that BESA_SPOOL names. What cannot be read is
    refused with its file and line, and the others are published; the command then ends
    with 1. Your user name goes along, so that you are not asked to approve your own
    incident. When the command ends, all of it is stored safely.
    """
    from broker.settings import read_settings

    settings = read_settings()
    paths = found_in(files)
    result = _Result()
    with _publisher(settings, _topic(settings, topic, spool), spool) as publisher:
        if unchecked:
            _as_they_are(paths, format_name, publisher, result)
        else:
            _checked(paths, format_name, topic, publisher, result)
        _settle(publisher, result)
    if as_json:
        terminal.print_json(result.told)
    else:
        _show(result)
    if result.refused:
        terminal.stop(
            ExitCode.NO,
            f"{len(result.told) - result.refused} published, {result.refused} refused",
        )


def _topic(settings: Settings, wanted: str | None, spool: Path | None) -> str:
    """Return the topic to publish to; nobody would read what stands in another one."""
    if wanted is None:
        return settings.topics[0]
    if spool is not None or not settings.kafka:
        terminal.wrong_usage("--topic is for Kafka; a folder has no topics")
    if wanted not in settings.topics:
        names = ", ".join(settings.topics)
        terminal.wrong_usage(f"BESA_TOPIC does not name {wanted}; it names {names}")
    return wanted


def _publisher(settings: Settings, topic: str, spool: Path | None) -> _Publisher:
    from broker.cli.person import person
    from broker.kafka_access import cluster_of
    from broker.publish import KafkaPublisher, SpoolPublisher

    who = person()
    if settings.kafka and spool is None:
        numbering = _numbering(settings, topic, who)
        return KafkaPublisher(cluster_of(settings), topic, who, numbering)
    return SpoolPublisher(spool or settings.spool_folder, publisher=who)


def _numbering(settings: Settings, topic: str, who: str) -> Numbering | None:
    """Return what numbers this user's messages; nothing without a home to keep it in.

    Each topic is counted by itself: whoever reads one must not miss what is in another.
    Whoever publishes from elsewhere may have no folder of ours.
    """
    import os
    import socket
    from hashlib import sha256

    from broker.publish import Numbering
    from broker.source import SourceError

    if not settings.home.is_dir():
        return None
    name = sha256(topic.encode()).hexdigest()[:12]
    file = settings.home / f"producer-{os.getuid()}-{name}"
    try:
        return Numbering(file, f"{who or 'besa'}@{socket.gethostname()}")
    except SourceError as error:
        terminal.warn(f"the messages are not numbered: {error}")
        return None


def _as_they_are(
    paths: list[Path], format_name: str | None, publisher: _Publisher, result: _Result
) -> None:
    from broker.model.intake import CONTENT_TYPES

    kind = CONTENT_TYPES[format_name] if format_name else None
    for path in paths:
        publisher.publish(terminal.read_input(path), kind)
        result.waiting.append({"file": str(path), "where": ""})


def _checked(
    paths: list[Path],
    format_name: str | None,
    topic: str | None,
    publisher: _Publisher,
    result: _Result,
) -> None:
    from datetime import UTC, datetime

    from broker.errors import IntakeError
    from broker.intake import read, refuse_future
    from broker.model.intake import CONTENT_TYPES

    tables, now = read_tables(), datetime.now(UTC)
    said = CONTENT_TYPES[format_name] if format_name else None
    for path, piece in pieces_of(paths, tables, format_name):
        try:
            if piece.problem is not None:
                raise piece.problem
            name, parsed = read(piece.body, said, tables, topic)
            refuse_future(parsed.incident, now)
        except IntakeError as problem:
            _settle(publisher, result)
            _refuse(path, piece, problem, result)
            continue
        uid = parsed.incident.uid
        publisher.publish(piece.body, CONTENT_TYPES[name], uid)
        told = {"file": str(path), "where": piece.where, "uid": uid, "format": name}
        result.waiting.append(told)
        if len(result.waiting) >= _TOGETHER:
            _settle(publisher, result)


def _refuse(path: Path, piece: Piece, problem: IntakeError, result: _Result) -> None:
    problem = in_its_place(problem, piece)
    terminal.warn(f"{place_of(path, piece)}: {problem}")
    result.refused += 1
    result.told.append(
        {
            "file": str(path),
            "where": piece.where,
            "path": problem.path,
            "problem": problem.problem,
            "advice": problem.advice,
        }
    )


def _settle(publisher: _Publisher, result: _Result) -> None:
    """Wait until all that waits is stored, and note where each of it stands."""
    if not result.waiting:
        return
    positions = publisher.flush()
    for told, position in zip(result.waiting, positions, strict=True):
        stands = {
            "source": position.source,
            "topic": position.topic,
            "partition": position.partition,
            "offset": position.offset,
        }
        result.told.append({**told, **stands})
    result.waiting.clear()


def _show(result: _Result) -> None:
    out = terminal.stdout()
    for line in _lines(result):
        out.print(line, soft_wrap=True)


def _lines(result: _Result) -> Iterator[str]:
    for told in result.told:
        if "problem" in told:
            continue
        file = shown(Path(told["file"]))
        place = f"{file}:{told['where']}" if told["where"] else file
        position = (
            f"{told['source']}:{told['topic']}[{told['partition']}]@{told['offset']}"
        )
        what = (
            f" ({told['format']})" if told.get("format", "native") != "native" else ""
        )
        yield f"published {place}{what} as {position}"
