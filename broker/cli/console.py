"""Rich's console, as Besa uses it: it reads nothing into texts, and knows who has gone.

Imported only by commands that print something for people.
"""

from __future__ import annotations

from typing import NoReturn

from rich.console import Console as _Console


class Console(_Console):
    """A console that reads nothing into what it prints."""

    def __init__(self, *, to_stderr: bool = False) -> None:
        super().__init__(stderr=to_stderr, highlight=False, emoji=False, markup=False)

    def on_broken_pipe(self) -> NoReturn:
        """Let the command end as every command does whose reader has gone.

        Rich would end the program with the exit code that means "the answer is no".
        """
        raise BrokenPipeError
