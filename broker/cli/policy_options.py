"""The options of `besa policy new`; what is not given is asked for."""

from __future__ import annotations

from typing import Annotated

import typer

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="A short name, such as customs.")
]
Party = Annotated[str, typer.Option(help="The other party.")]
Role = Annotated[
    str, typer.Option(help="police, prosecutor, fiu, dpa, isp or ministry.")
]
Contact = Annotated[str, typer.Option(help="How its duty officer is reached.")]
Kind = Annotated[
    str, typer.Option(help="How it is reached: misp, taxii, feed or file-drop.")
]
Url = Annotated[
    str, typer.Option(help="Its MISP, its TAXII API root, or file:///FOLDER.")
]
Collection = Annotated[
    str, typer.Option(help="The id of its collection, on a TAXII server.")
]
Act = Annotated[str, typer.Option(help="The act on which sharing rests.")]
Citation = Annotated[str, typer.Option(help="The articles of that act.")]
Purposes = Annotated[
    list[str] | None,
    typer.Option("--purpose", help="What for; may be given several times."),
]
Start = Annotated[
    str, typer.Option("--from", metavar="DATE", help="The first day in force.")
]
Until = Annotated[str, typer.Option(metavar="DATE", help="The last day in force.")]
MostTlp = Annotated[str, typer.Option("--tlp", help="The strictest TLP it may get.")]
MostPap = Annotated[str, typer.Option("--pap", help="The strictest PAP it may get.")]
Days = Annotated[
    int | None,
    typer.Option("--retention-days", help="How long it may keep what it gets."),
]
Types = Annotated[
    list[str] | None,
    typer.Option("--type", help="An RSIT type or category that is shared; several."),
]
Least = Annotated[
    str, typer.Option("--severity", help="The least severity that is shared.")
]
Cites = Annotated[str, typer.Option(help="The article that says so.")]
