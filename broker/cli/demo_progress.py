"""The demonstration's progress: a moving bar for a person, plain lines for a log."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from broker.cli import terminal
from broker.demo.play import Step


class Announcer:
    """Says on standard error what the demonstration is doing."""

    def __init__(self) -> None:
        self._err = terminal.stderr()
        self._progress: Progress | None = None
        if self._err.is_terminal:
            self._progress = Progress(
                SpinnerColumn(style="blue"),
                TextColumn("{task.description}"),
                BarColumn(complete_style="blue", pulse_style="blue"),
                TextColumn("{task.fields[count]}"),
                console=self._err,
                transient=True,
            )
            self._task = self._progress.add_task("setting up", total=None, count="")

    def __enter__(self) -> Self:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Take the bar away, so that the result has the screen for itself."""
        if self._progress is not None:
            self._progress.stop()

    def say(self, what: str) -> None:
        """Say what is being done now."""
        if self._progress is None:
            terminal.note(what)
            return
        self._progress.update(
            self._task, description=what, total=None, completed=0, count=""
        )

    def show(self, step: Step) -> None:
        """Show how many editions have been delivered."""
        if self._progress is not None and step.queued:
            self._progress.update(
                self._task,
                total=step.queued,
                completed=step.delivered,
                count=f"{step.delivered} of {step.queued} delivered",
            )
