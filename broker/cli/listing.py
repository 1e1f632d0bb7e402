"""How a command's help lists the commands within it: whole sentences, by heading."""

from __future__ import annotations

from typing import Any, Final

from typer.core import TyperGroup

_LONGEST: Final = 200  # a first sentence is wrapped; it is never cut off before that


class Listing(TyperGroup):
    """A command with others in it; the help shows each one's first sentence."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one list of commands per heading."""
        headings: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is None or command.hidden:
                continue
            heading = getattr(command, "rich_help_panel", None) or "Commands"
            summary = command.get_short_help_str(limit=_LONGEST)
            headings.setdefault(str(heading), []).append((name, summary))
        for heading, rows in headings.items():
            with formatter.section(heading):
                formatter.write_dl(rows)
