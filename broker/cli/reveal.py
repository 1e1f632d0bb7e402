"""`besa reveal`: whom a pseudonym stands for, on a legal order and by two people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from broker.cli import acting, terminal
from broker.cli.held import As, Key, opened
from broker.cli.listing import Listing
from broker.cli.terminal import AsJson, ExitCode

if TYPE_CHECKING:
    from datetime import datetime

    from broker.keys import RecipientKey
    from broker.model.reveal import Deposit
    from broker.model.reviewer import Reviewers
    from broker.settings import Settings
    from broker.store import Request, Store
    from broker.vault import Vault

app = typer.Typer(
    cls=Listing,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Look up whom a pseudonym stands for, on a legal order.",
)

Number = Annotated[
    int, typer.Argument(metavar="REQUEST", help="Its number in `besa reveal list`.")
]
_LONGEST_NAME = 200
_LONGEST_REASON = 500


@app.callback()
def _reveal() -> None:
    """Look up whom a pseudonym stands for, on a legal order."""


@app.command()
def request(
    recipient: Annotated[
        str, typer.Argument(metavar="RECIPIENT", help="Who received the pseudonym.")
    ],
    pseudonym: Annotated[
        str,
        typer.Argument(metavar="PSEUDONYM", help="The whole of it, such as p-...."),
    ],
    case: Annotated[
        str, typer.Option("--case", help="The case number of those who ask.")
    ],
    order: Annotated[
        str, typer.Option("--order", help="The legal order, by number and court.")
    ],
    because: Annotated[str, typer.Option("--because", help="What it is needed for.")],
    as_: As = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Ask whom a pseudonym stands for. Two other people must then approve.

    Nothing is shown yet: the request, with case and order, goes into the register.
    """
    from datetime import UTC, datetime

    from broker.model.reveal import epoch_asked
    from broker.settings import read_reviewers
    from broker.store import Asking

    whole = pseudonym.strip().lower()
    if epoch_asked(whole) is None:
        # Not repeated: somebody may have typed a name here.
        terminal.wrong_usage("PSEUDONYM is no pseudonym; give all of it, as received")
    case_number = _said("--case", case, _LONGEST_NAME)
    legal_order = _said("--order", order, _LONGEST_NAME)
    reason = _said("--because", because, _LONGEST_REASON)
    settings, store = opened()
    with store:
        _must_be_agreed(settings, recipient)
        reviewers = read_reviewers(settings.reviewers_file)
        me, user = acting.anybody(settings, reviewers, as_, key)
        now = datetime.now(UTC).replace(microsecond=0)
        _locked_away(settings, store, recipient, whole, now)
        asking = Asking(
            recipient, whole, case_number, legal_order, reason, me, user, now
        )
        number = store.ask_reveal(asking)
    if as_json:
        terminal.print_json(
            {"request": number, "recipient": recipient, "pseudonym": whole, "by": me}
        )
        return
    out = terminal.stdout()
    out.print(f"Request {number} is filed, by {terminal.plain(me)}.")
    out.print(f"Two other people must approve it: besa reveal approve {number}")


@app.command()
def approve(
    number: Number,
    as_: As = None,
    key: Key = None,
    vouch: Annotated[
        bool,
        typer.Option(
            "--vouch", help="Say that it was not you who asked, if Besa cannot know."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Approve that the value is shown to the person who asked, and to nobody else.

    What you approve is the request as `besa reveal list` shows it. Once two people
    have, it may be shown until the first of their approvals expires.
    """
    from datetime import UTC, datetime

    from broker.reveal import involved, statement, unknown
    from broker.review import sign
    from broker.settings import read_reviewers
    from broker.store import Approved

    settings, store = opened()
    reviewers = read_reviewers(settings.reviewers_file)
    reviewer = acting.reviewer(settings, reviewers, as_)
    now = datetime.now(UTC).replace(microsecond=0)
    with store:
        found = _undenied(store, number)
        if found.until is not None:
            terminal.stop(ExitCode.NO, f"two people have approved {number} already")
        if why := involved(reviewer, found):
            terminal.stop(ExitCode.NO, f"{why}: another person must approve")
        if (missing := unknown(reviewer, found, reviewers)) and not vouch:
            terminal.stop(ExitCode.NO, f"{missing}; if you did not, say so: --vouch")
        until = now + reviewers.lifetime
        text = statement(found, reviewer.name, now, until, vouches=vouch)
        mine = acting.private_key(reviewer, key) if reviewer.key else None
        signature = sign(text, mine) if mine else ""
        approved = Approved(0, reviewer.name, "", now, until, text, signature)
        shown_until = store.approve_reveal(number, approved)
    if as_json:
        terminal.print_json(
            {
                "request": number,
                "by": reviewer.name,
                "until": terminal.as_json(until),
                "complete": shown_until is not None,
            }
        )
        return
    out = terminal.stdout()
    out.print(f"{reviewer.name} approves request {number}.")
    if shown_until is None:
        out.print(f"A second person must approve until {until:%Y-%m-%d %H:%M} UTC.")
    else:
        who = terminal.plain(found.asking.requester)
        out.print(f"{who} may see it until {shown_until:%Y-%m-%d %H:%M} UTC.")


@app.command()
def deny(
    number: Number,
    because: Annotated[str, typer.Option("--because", help="Why nobody may see it.")],
    as_: As = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Refuse a request for good, also one that others have approved.

    One reviewer is enough, who is not the one who asked. From then on nothing is shown;
    whoever still needs the value files a new request.
    """
    from datetime import UTC, datetime

    from broker.cli.person import person
    from broker.reveal import involved
    from broker.settings import read_reviewers
    from broker.store import Denial

    reason = _said("--because", because, _LONGEST_REASON)
    settings, store = opened()
    reviewers = read_reviewers(settings.reviewers_file)
    reviewer = acting.reviewer(settings, reviewers, as_)
    user = person()
    if reviewer.key and reviewer.user != user:
        acting.private_key(reviewer, key)  # whoever acts under a name has its key
    with store:
        found = _undenied(store, number)
        if why := involved(reviewer, found):
            terminal.stop(ExitCode.NO, f"{why}: another person must deny it")
        now = datetime.now(UTC).replace(microsecond=0)
        store.deny_reveal(number, Denial(reviewer.name, now, reason), user)
    if as_json:
        terminal.print_json(
            {"request": number, "by": reviewer.name, "shown": found.shown}
        )
        return
    out = terminal.stdout()
    out.print(f"{reviewer.name} denies request {number}: it is never shown again.")
    if found.shown:
        from broker.cli.reveal_view import often

        out.print(f"It was shown {often(found.shown)} before.")


@app.command()
def show(
    number: Number,
    as_: As = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Show the one value that was asked for, to the person who asked.

    Every show is in the register before the value is on the screen, and so is every
    refusal. After the approvals expire, it takes a new request.
    """
    from datetime import UTC, datetime

    from broker.errors import BesaError
    from broker.settings import read_reviewers

    settings, store = opened()
    reviewers = read_reviewers(settings.reviewers_file)
    me, user = acting.anybody(settings, reviewers, as_, key)
    now = datetime.now(UTC)
    with store:
        found = _found(store, number)
        asking = found.asking
        names, why = _may_see(found, me, reviewers, now)
        if why:
            store.reveal_refused(number, me, user, why, now)
            terminal.stop(ExitCode.NO, f"request {number}: {why}")
        try:
            _must_be_agreed(settings, asking.recipient)
            vault, locking, deposit = _locked_away(
                settings, store, asking.recipient, asking.pseudonym, now
            )
            value = vault.unlock(deposit, locking)
        except (BesaError, typer.Exit):
            store.reveal_refused(number, me, user, "the vault gave nothing", now)
            raise
        times = store.reveal_shown(number, me, user, names, now)
    if as_json:
        terminal.print_json(
            {
                "request": number,
                "recipient": asking.recipient,
                "pseudonym": asking.pseudonym,
                "field": deposit.field,
                "value": value,
                "until": terminal.as_json(found.until),
                "times": times,
            }
        )
        return
    from broker.cli.reveal_view import show_value

    show_value(found, deposit.field, value, times)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List who asked whom a pseudonym stands for, newest first; never the value."""
    from datetime import UTC, datetime

    from broker.cli.reveal_view import as_value, show_list

    _, store = opened()
    with store:
        found = store.reveals()
    now = datetime.now(UTC)
    if as_json:
        terminal.print_json([as_value(one, now) for one in found])
    else:
        show_list(found, now)


@app.command()
def purge(as_json: AsJson = False) -> None:
    """Delete from the vault what its agreement's retention does not keep any longer.

    `besa consume` does the same every hour.
    """
    from datetime import UTC, datetime

    _, store = opened()
    with store:
        gone = store.purge_vault(datetime.now(UTC))
    if as_json:
        terminal.print_json({"purged": gone})
    else:
        terminal.stdout().print(f"{terminal.counted(gone, 'value')} left the vault.")


def _said(option: str, text: str, most: int) -> str:
    """Return what a person wrote, in one line; ends the command if it says nothing."""
    said = " ".join(terminal.plain(text).split())
    if not said:
        terminal.wrong_usage(f"{option} says nothing")
    if len(said) > most:
        terminal.wrong_usage(f"{option} is longer than {most} letters")
    return said


def _found(store: Store, number: int) -> Request:
    found = store.reveal(number)
    if found is None:
        terminal.stop(ExitCode.NO, f"there is no request {number}")
    return found


def _undenied(store: Store, number: int) -> Request:
    found = _found(store, number)
    if found.denial is not None:
        who = found.denial.reviewer
        terminal.stop(ExitCode.NO, f"{who} has denied request {number} already")
    return found


def _may_see(
    found: Request, me: str, reviewers: Reviewers, now: datetime
) -> tuple[tuple[str, ...], str]:
    """Return who approved, and why the value may not be shown, if so."""
    from broker.reveal import counting

    if me != found.asking.requester:
        return (), f"only {terminal.plain(found.asking.requester)}, who asked, sees it"
    return counting(found, reviewers, now)


def _must_be_agreed(settings: Settings, recipient: str) -> None:
    """End the command unless the policies let this recipient ask."""
    from broker.rulebook import build
    from broker.settings import read_rulebook_files

    files = read_rulebook_files(settings.policies_folder, settings.mappings_folder)
    for route in build(files).routes:
        agreed = route.agreement.reveal is not None
        if agreed and route.recipient.recipient == recipient:
            return
    terminal.stop(
        ExitCode.NO,
        f"no agreement lets {terminal.plain(recipient)} ask whom a pseudonym stands "
        "for (`reveal` in the agreement's file)",
    )


def _locked_away(
    settings: Settings, store: Store, recipient: str, pseudonym: str, now: datetime
) -> tuple[Vault, RecipientKey, Deposit]:
    """Return the vault, the recipient's key, and what lies there, still encrypted."""
    from broker import keyring
    from broker.model.reveal import epoch_asked
    from broker.vault import Vault

    epoch = epoch_asked(pseudonym) or 0
    vault = Vault(keyring.read_vault_keys(settings.vault_keys_folder))
    key = keyring.read_epochs(settings.keys_folder, recipient).get(epoch)
    if key is None:
        terminal.stop(
            ExitCode.NO,
            f"the secret of epoch {epoch} is not kept here: nobody can look this up",
        )
    places = vault.indexes(recipient, key, pseudonym)
    deposit = store.locked_away(recipient, epoch, places, now)
    if deposit is None:
        terminal.stop(
            ExitCode.NO,
            f"the vault has nothing for this pseudonym at {terminal.plain(recipient)}: "
            "it was never sent there, its retention is over, or it was locked away "
            "with a key of the vault that is not here",
        )
    return vault, key, deposit
