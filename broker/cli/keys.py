"""`besa keys`: make and list the keys of the seal, and begin epochs of pseudonyms."""

from __future__ import annotations

from typing import Annotated

import typer

from broker.cli import terminal
from broker.cli.listing import Listing
from broker.cli.terminal import AsJson

app = typer.Typer(
    cls=Listing,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Make and list the keys of the seal.",
)


@app.command()
def create(
    rotate: Annotated[
        bool,
        typer.Option(
            "--rotate", help="Make a new seal key; old seals stay verifiable."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make the seal's key pair and the master secret of pseudonyms and ids.

    Private files get mode 0600 and stay in the consume zone. The public key lies in a
    folder of its own: it is all that the dispatch zone needs. Keep a copy of
    master.secret in a safe: without it, pseudonyms and ids start anew.
    """
    from broker import keyring
    from broker.settings import read_settings

    settings = read_settings()
    private, public = settings.keys_folder, settings.public_keys_folder
    made = keyring.create(private, public, rotate=rotate)
    if as_json:
        terminal.print_json(
            {"key": made, "private": str(private), "public": str(public)}
        )
        return
    out = terminal.stdout()
    out.print(f"Seal key {made} is ready.")
    out.print(f"  secret: {private}  (consume zone only; keep a copy in a safe)")
    out.print(f"  public: {public}  (for the dispatch zone, auditors and courts)")


@app.command()
def rotate(as_json: AsJson = False) -> None:
    """Begin a new epoch of pseudonyms: from now on each value has another one.

    Seal keys and ids stay. Pseudonyms name their epoch, and the secrets of earlier
    epochs stay in the consume zone, so that every pseudonym that a recipient holds can
    still be looked up. Restart `besa consume` for it to take effect. Keep a copy of the
    new file in a safe; delete the file of an old epoch when nobody may look up its
    pseudonyms any more.
    """
    from broker import keyring
    from broker.settings import read_settings

    private = read_settings().keys_folder
    epoch = keyring.rotate_pseudonyms(private)
    if as_json:
        terminal.print_json({"epoch": epoch, "private": str(private)})
        return
    out = terminal.stdout()
    out.print(f"Epoch {epoch} of pseudonyms begins: they are written p{epoch}-...")
    out.print(f"  secret: {private}  (consume zone only; keep a copy in a safe)")
    out.print("  restart `besa consume` for it to take effect")


@app.command()
def vault(
    rotate: Annotated[
        bool,
        typer.Option(
            "--rotate", help="Make a further key; what older ones locked stays open."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make the key of the vault, where it is kept whom pseudonyms stand for.

    Needed only where an agreement has `reveal`. Restart `besa consume` for a new key to
    take effect. Keep a copy in a safe; whoever deletes a key's file has made unreadable
    for ever what was locked with it.
    """
    from broker import keyring
    from broker.settings import read_settings

    folder = read_settings().vault_keys_folder
    number = keyring.create_vault_key(folder, rotate=rotate)
    file = folder / f"vault-{number}.secret"
    if as_json:
        terminal.print_json({"number": number, "file": str(file)})
        return
    out = terminal.stdout()
    out.print(f"Key {number} of the vault is ready.")
    out.print(f"  secret: {file}  (consume zone only; keep a copy in a safe)")


@app.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List the public keys that seals are verified with."""
    from broker import keyring
    from broker.settings import Zone, read_settings

    settings = read_settings()
    public = keyring.read_public_keys(settings.public_keys_folder)
    current = ""
    if settings.zone is not Zone.DISPATCH and keyring.exist(settings.keys_folder):
        current = keyring.read_signing_key(settings.keys_folder).id
    if as_json:
        terminal.print_json(
            [{"key": key, "current": key == current} for key in sorted(public)]
        )
        return
    out = terminal.stdout()
    for key in sorted(public):
        use = "seals new editions" if key == current else "verifies old seals"
        out.print(f"{key}  {use}")
