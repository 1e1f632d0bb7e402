"""`besa held`: what waits for a person, and what two of them do about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.cli import acting, terminal
from broker.cli.listing import Listing
from broker.cli.terminal import AsJson, ExitCode

if TYPE_CHECKING:
    from datetime import datetime

    from broker.model.reviewer import Reviewer, Reviewers
    from broker.review import Behind
    from broker.settings import Settings
    from broker.store import Held, HeldDraft, Store

app = typer.Typer(
    cls=Listing,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Look at what is held for a person, and release or drop it.",
)

Item = Annotated[
    int, typer.Argument(metavar="ITEM", help="Its number in `besa held list`.")
]
Digest = Annotated[
    str,
    typer.Argument(
        metavar="DIGEST",
        help="The digest of the draft that you looked at, or its first 12 letters.",
    ),
]
As = Annotated[
    str | None,
    typer.Option("--as", help="Your name in the file of reviewers."),
]
Key = Annotated[
    Path | None,
    typer.Option("--key", help="Your private key; - reads it from standard input."),
]
_SHORTEST_DIGEST = 12


@app.callback()
def _held() -> None:
    """Look at what is held for a person, and release or drop it."""


@app.command("list")
def list_(
    everything: Annotated[
        bool, typer.Option("--all", help="Also what does not wait any more.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List what waits for a person, newest first."""
    from datetime import UTC, datetime

    settings, store = opened()
    with store:
        found = store.held(ended=everything)
    if as_json:
        editors = _editors(settings, {held.agreement for held in found})
        terminal.print_json([_value(held, editors[held.agreement]) for held in found])
        return
    from broker.cli.held_view import show_list

    show_list(found, datetime.now(UTC))


@app.command()
def show(
    item: Item,
    raw: Annotated[
        bool, typer.Option("--raw", help="Print the very bytes of the draft.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show a held share with its redacted draft: what would leave, and nothing else."""
    from datetime import UTC, datetime

    settings, store = opened()
    now = datetime.now(UTC)
    with store:
        found, in_force = _item(store, item), store.status(now).in_force
    held = found.held
    if raw:
        terminal.write(found.body)
    elif as_json:
        import json

        value = _value(held, _editors(settings, {held.agreement})[held.agreement])
        draft = json.loads(found.body) if found.body else None
        terminal.print_json({**value, "draft": draft})
    else:
        from broker.cli.held_view import show_item
        from broker.review import Behind

        editor = _editors(settings, {held.agreement})[held.agreement]
        behind = Behind(held.publisher, editor)
        show_item(found, behind, in_force, now)


@app.command()
def release(
    item: Item,
    digest: Digest,
    as_: As = None,
    key: Key = None,
    vouch: Annotated[
        bool,
        typer.Option(
            "--vouch",
            help="Say that you neither published the incident nor edited the agreement "
            "last, where Besa cannot know.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Approve the release of a held share; the second person's approval releases it.

    The consuming process then reads the incident again from its source, takes it the
    whole path under the rulebook in force, and queues it if the draft is still, byte
    for byte, the approved one.
    """
    from datetime import UTC, datetime

    from broker.review import involved, sign, statement, unknown
    from broker.settings import read_reviewers
    from broker.store import Approved

    settings, store = opened()
    reviewers = read_reviewers(settings.reviewers_file)
    reviewer = acting.reviewer(settings, reviewers, as_)
    now = datetime.now(UTC).replace(microsecond=0)
    with store:
        found = _chosen(store, item, digest)
        held = found.held
        _must_be_releasable(store, held, now)
        behind = _behind(settings, held)
        if why := involved(reviewer, behind):
            terminal.stop(ExitCode.NO, f"{why}: another person must approve")
        missing = unknown(reviewer, behind)
        if missing and not vouch:
            terminal.stop(
                ExitCode.NO, f"{'; '.join(missing)}; if you did not, say so: --vouch"
            )
        until = now + reviewers.lifetime
        text = statement(held, reviewer.name, now, until, vouches=vouch)
        mine = acting.private_key(reviewer, key) if reviewer.key else None
        signature = sign(text, mine) if mine else ""
        store.approve(
            held.id,
            Approved(0, reviewer.name, held.sha256, now, until, text, signature),
        )
        names, wrong = _counted(_item(store, item).held, reviewers, behind, now)
    for why in wrong:
        terminal.warn(f"an approval does not count: {why}")
    _tell_approved(held, reviewer, names, until, as_json=as_json)


@app.command()
def drop(
    item: Item,
    digest: Digest,
    because: Annotated[
        str, typer.Option("--because", help="Why, for the register. No values.")
    ],
    as_: As = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """End a held share without sharing it. One person is enough: nothing leaves."""
    from datetime import UTC, datetime

    from broker.cli.person import person
    from broker.settings import read_reviewers

    settings, store = opened()
    reviewers = read_reviewers(settings.reviewers_file)
    reviewer = acting.reviewer(settings, reviewers, as_)
    if reviewer.user != person():
        acting.private_key(reviewer, key)  # whoever acts under a name has its key
    with store:
        held = _chosen(store, item, digest, may_lack_draft=True).held
        why = terminal.plain(because)[:500]
        store.drop(held.id, held.sha256, reviewer.name, why, datetime.now(UTC))
    if as_json:
        terminal.print_json({"item": held.id, "dropped": True, "by": reviewer.name})
    else:
        terminal.stdout().print(f"{held.id} is dropped; nothing was shared.")


def opened() -> tuple[Settings, Store]:
    """Open the store that is there; a command that looks must not make one.

    Raises:
        SettingsError: there is none.
    """
    from broker.cli.oversight import must_have_store
    from broker.settings import read_settings
    from broker.store import open_store

    settings = read_settings()
    must_have_store(settings)
    return settings, open_store(settings.store_url)


def _item(store: Store, number: int) -> HeldDraft:
    found = store.held_item(number)
    if found is None:
        terminal.stop(ExitCode.NO, f"there is no held share {number}")
    return found


def _chosen(
    store: Store, number: int, digest: str, *, may_lack_draft: bool = False
) -> HeldDraft:
    """Return the share if it waits and its draft is the one that was looked at."""
    found = _item(store, number)
    held = found.held
    if held.ended:
        from broker.cli.held_view import state

        terminal.stop(ExitCode.NO, f"{number} does not wait any more: {state(held)}")
    if not held.sha256 and may_lack_draft and digest == "-":
        return found
    if len(digest) < _SHORTEST_DIGEST:
        terminal.wrong_usage(f"give at least {_SHORTEST_DIGEST} letters of the digest")
    if not held.sha256:
        terminal.stop(
            ExitCode.NO, f"{number} has no draft ({held.why}); drop it with -"
        )
    if not held.sha256.startswith(digest.lower()):
        terminal.stop(
            ExitCode.NO,
            f"{number} has another draft than {digest}: look at it again with "
            f"`besa held show {number}`",
        )
    return found


def _must_be_releasable(store: Store, held: Held, now: datetime) -> None:
    """Refuse to approve what the guard would hold again at once."""
    from broker.store import GUARD_FOUND

    status = store.status(now)
    if held.why.startswith(GUARD_FOUND) and held.rulebook == status.in_force:
        terminal.stop(
            ExitCode.NO,
            f"{held.why}: no approval can release that; change the policy or publish "
            "a corrected revision",
        )


def _counted(
    held: Held, reviewers: Reviewers, behind: Behind, now: datetime
) -> tuple[set[str], list[str]]:
    """Return whose approvals count as things are now, and why others do not.

    The consuming process asks the same, and is the one that decides.
    """
    from broker.review import objection

    names: set[str] = set()
    wrong = []
    for one in held.approvals:
        if why := objection(one, held, reviewers, behind, now):
            wrong.append(why)
        else:
            names.add(one.reviewer)
    return names, wrong


def _behind(settings: Settings, held: Held) -> Behind:
    from broker.cli.consuming import editor_of
    from broker.review import Behind

    return Behind(held.publisher, editor_of(settings, held.agreement))


def _editors(settings: Settings, agreements: set[str]) -> dict[str, str]:
    """Return who edited agreements last, for somebody who only looks.

    A file of reviewers that is spoilt must not hide what waits: then nobody is known.
    """
    from broker.cli.consuming import editor_of
    from broker.errors import BesaError

    found = dict.fromkeys(agreements, "")
    try:
        for agreement in sorted(agreements):
            found[agreement] = editor_of(settings, agreement)
    except BesaError as error:
        for line in str(error).splitlines():
            terminal.warn(line)
    return found


def _value(held: Held, editor: str) -> dict[str, Any]:
    value: dict[str, Any] = terminal.as_json(held)
    for approved in value["approvals"]:
        del approved["statement"], approved["sha256"]
        approved["signed"] = bool(approved.pop("signature"))
    return {**value, "editor": editor}


def _tell_approved(
    held: Held, reviewer: Reviewer, names: set[str], until: datetime, *, as_json: bool
) -> None:
    from broker.store import PEOPLE

    complete = len(names) >= PEOPLE
    if as_json:
        terminal.print_json(
            {
                "item": held.id,
                "digest": held.sha256,
                "by": reviewer.name,
                "until": terminal.as_json(until),
                "approvals": sorted(names),
                "complete": complete,
            }
        )
        return
    out = terminal.stdout()
    out.print(f"{reviewer.name} approves {held.id} for {held.recipient}.")
    if complete:
        out.print("Two people approve: `besa consume` releases it, or notes why not.")
    else:
        out.print(f"A second person must approve until {until:%Y-%m-%d %H:%M} UTC.")
