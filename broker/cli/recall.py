"""`besa recall`: take back what was shared, and see who has confirmed it.

The terminal has no key and makes nothing that leaves: it writes a person's word into
the store, and the consuming process follows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.cli import terminal
from broker.cli.listing import Listing
from broker.cli.terminal import AsJson, ExitCode

if TYPE_CHECKING:
    from broker.store import Store
    from broker.store.recall_orders import Order
    from broker.store.standing import Standing

_FIRST = "take-back"


class _ByUid(Listing):
    """A group whose first word may be an incident: then its first command is meant."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the first command's name before everything that names none."""
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = [_FIRST, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_ByUid,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Take back what was shared: besa recall UID --because TEXT.",
    epilog="Without a command, take-back is meant: its options are in "
    "besa recall take-back --help.",
)

Recipient = Annotated[
    str, typer.Option("--recipient", "-r", help="From this recipient only.")
]
Agreement = Annotated[
    str, typer.Option("--agreement", "-a", help="Under this agreement only.")
]
Because = Annotated[
    str,
    typer.Option(
        "--because",
        help="Why, for the CSIRT's own people; recipients and the register never get "
        "these words.",
    ),
]


_NOTHING_WAITS = "No recall waits for a confirmation."


@app.callback()
def _recall() -> None:
    """Take back what was shared: besa recall UID --because TEXT."""


@app.command(_FIRST)
def take_back(
    uid: Annotated[
        str, typer.Argument(metavar="UID", help="The incident's own number.")
    ] = "",
    because: Because = "",
    recipient: Recipient = "",
    agreement: Agreement = "",
    lift: Annotated[
        bool,
        typer.Option(
            "--lift", help="End a recall: newer revisions follow the rules again."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take an incident back from whoever has it, and keep newer revisions back.

    What is not sent yet is stopped at once. For whoever may have something the
    consuming process makes the edition that takes back; it does not need the incident
    for it. Newer revisions are held until two people release one, or somebody lifts the
    recall.
    """
    from datetime import UTC, datetime

    from broker.cli.held import opened
    from broker.cli.person import person
    from broker.store.recall_orders import Kind

    if not uid:
        terminal.wrong_usage("say which incident: besa recall UID --because TEXT")
    if not because.strip():
        terminal.wrong_usage("--because must say why")
    _, store = opened()
    with store:
        _must_be_known(store, uid, recipient, agreement)
        if lift:
            _must_be_recalled(store, uid, recipient, agreement)
        before = _standing(store, uid, recipient, agreement)
        order, new = store.order_recall(
            Kind.LIFT if lift else Kind.RECALL,
            person() or "unknown",
            terminal.plain(because),
            datetime.now(UTC),
            uid=uid,
            recipient=recipient,
            agreement=agreement,
        )
        found = [] if lift else _standing(store, uid, recipient, agreement)
    if as_json:
        value = _order_value(order)
        has = [_standing_value(one) for one in found]
        terminal.print_json({**value, "new": new, "has": has})
    elif lift:
        _tell_lifted(uid)
    else:
        to = recipient or agreement
        _tell_ordered(uid, before, found, to=terminal.plain(to), new=new)


@app.command("list")
def list_(
    uid: Annotated[str, typer.Argument(metavar="UID", help="Of this one only.")] = "",
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Only what waits for too long.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what is confirmed or needs nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List what was taken back and who has not confirmed it yet, oldest first.

    Orders that the consuming process has not followed yet come first.
    """
    from datetime import UTC, datetime

    from broker.cli.held import opened

    settings, store = opened()
    now, days = datetime.now(UTC), settings.recall_days
    with store:
        orders = [one for one in store.open_orders() if not uid or one.uid == uid]
        found = store.recalls(uid=uid, everything=everything)
        known, back = _recalled_from(store, uid) if uid else (True, [])
    if overdue:
        orders = []
        found = tuple(one for one in found if one.overdue(now, days))
    if as_json:
        terminal.print_json(
            {
                "orders": [_order_value(one) for one in orders],
                "recalls": [
                    {**terminal.as_json(one), "overdue": one.overdue(now, days)}
                    for one in found
                ],
            }
        )
        return
    from broker.cli.recall_view import show_list

    if not known:
        terminal.note("no incident of that number was ever received")
    nothing = "Nothing was taken back." if everything else _NOTHING_WAITS
    show_list(orders, found, now, days, "No recall is overdue." if overdue else nothing)
    if back:
        terminal.stdout().print(
            f"{terminal.plain(uid)} is recalled from {', '.join(back)}: newer "
            "revisions of it are held there.",
            soft_wrap=True,
        )


@app.command()
def acknowledge(
    uid: Annotated[
        str, typer.Argument(metavar="UID", help="The incident's own number.")
    ],
    recipient: Annotated[
        str, typer.Option("--recipient", "-r", help="Who has confirmed it.")
    ],
    by: Annotated[str, typer.Option("--by", help="The person there who confirmed it.")],
    as_json: AsJson = False,
) -> None:
    """Note by hand that a unit has confirmed a recall.

    For recipients whose confirmation nobody can read: a folder, a feed, a letter.
    """
    from datetime import UTC, datetime

    from broker.cli.held import opened
    from broker.cli.person import person

    name = terminal.plain(by).strip()[:100]
    if not name:
        terminal.wrong_usage("--by must name a person")
    _, store = opened()
    with store:
        waiting = [one for one in store.recalls(uid=uid) if one.recipient == recipient]
        if not waiting:
            terminal.stop(
                ExitCode.NO, f"no recall of this incident waits for {recipient}"
            )
        if not any(one.delivered_at for one in waiting):
            terminal.stop(
                ExitCode.NO, f"the recall has not reached {recipient} yet; see the list"
            )
        how = f"by hand: {name}, noted by {person() or 'unknown'}"
        now = datetime.now(UTC)
        done = [
            one
            for one in waiting
            if store.acknowledge_recall(uid, one.agreement, one.edition, now, how)
        ]
    if as_json:
        terminal.print_json(
            [{"agreement": one.agreement, "edition": one.edition} for one in done]
        )
        return
    for one in done:
        terminal.stdout().print(
            f"Edition {one.edition} for {recipient} is confirmed by {name}."
        )


@app.command()
def tightened(
    because: Because = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be taken back.")
    ] = False,
    recipient: Recipient = "",
    agreement: Agreement = "",
    as_json: AsJson = False,
) -> None:
    """Take back what the policies in force do not share, or share less of.

    The consuming process reads again what was shared under earlier policies. Whoever
    would get nothing now has it taken back; whoever would get less gets what the
    policies share now. What would only add waits for the next revision.
    """
    from datetime import UTC, datetime

    from broker.cli.held import opened
    from broker.cli.person import person
    from broker.store.recall_orders import Kind

    if not dry_run and not because.strip():
        terminal.wrong_usage("--because must say why; or look first, with --dry-run")
    _, store = opened()
    with store:
        order, _ = store.order_recall(
            Kind.LOOK if dry_run else Kind.TIGHTENED,
            person() or "unknown",
            terminal.plain(because),
            datetime.now(UTC),
            recipient=recipient,
            agreement=agreement,
        )
    if as_json:
        terminal.print_json(_order_value(order))
        return
    terminal.stdout().print(
        f"Order {order.id} is with the consuming process; besa recall findings "
        f"{order.id} says what it finds.",
        soft_wrap=True,
    )


@app.command()
def findings(
    order: Annotated[
        int, typer.Argument(metavar="ORDER", help="The number of an order to look.")
    ],
    as_json: AsJson = False,
) -> None:
    """Say what a look for narrower policies has found, and how far it is.

    Exit code 1: something needs a person.
    """
    from broker.cli.held import opened
    from broker.store import recall_orders

    _, store = opened()
    with store:
        known = {one.id: one for one in recall_orders.listed(store.database)}
        found = recall_orders.findings(store.database, order)
    asked = known.get(order)
    if asked is None or asked.uid:
        terminal.stop(ExitCode.NO, f"order {order} was not an order to look")
    if as_json:
        value = [terminal.as_json(one) for one in found]
        terminal.print_json({**_order_value(asked), "findings": value})
    else:
        from broker.cli.recall_view import show_findings

        show_findings(asked, found)
    if any(one.what == recall_orders.NEEDS_A_PERSON for one in found):
        terminal.stop(ExitCode.NO)


def _must_be_known(store: Store, uid: str, recipient: str, agreement: str) -> None:
    from broker.store.about import decided_for

    decided = decided_for(store.database, uid)
    if not decided:
        terminal.stop(ExitCode.NO, "no incident of that number was ever received")
    if not any(recipient in ("", r) and agreement in ("", a) for r, a in decided):
        known = ", ".join(f"{r} ({a})" for r, a in sorted(decided))
        terminal.stop(
            ExitCode.NO, f"nothing was decided for them; for this incident: {known}"
        )


def _must_be_recalled(store: Store, uid: str, recipient: str, agreement: str) -> None:
    """Refuse to lift what nobody has recalled, or what is lifted already."""
    from broker.store.about import concerned, decided_for

    whose = concerned(store.database, uid, recipient, agreement)
    history = store.histories([uid])[uid]
    if not any(
        history.recalled_from(to, name)
        for to, name in decided_for(store.database, uid)
        if whose is None or to in whose
    ):
        terminal.stop(ExitCode.NO, "no recall of this incident is in force there")


def _recalled_from(store: Store, uid: str) -> tuple[bool, list[str]]:
    """Return whether an incident was ever received, and from whom it is recalled."""
    from broker.store.about import decided_for

    decided = decided_for(store.database, uid)
    if not decided:
        return False, []
    history = store.histories([uid])[uid]
    back = {to for to, name in decided if history.recalled_from(to, name)}
    return True, sorted(back)


def _standing(store: Store, uid: str, recipient: str, agreement: str) -> list[Standing]:
    """Return what is to be taken back; ends the command when a name fits nothing."""
    from broker.store.about import concerned
    from broker.store.standing import standing

    whose = concerned(store.database, uid, recipient, agreement)
    found, _ = standing(store.database, uid=uid)
    return [one for one in found if whose is None or one.recipient in whose]


def _order_value(order: Order) -> dict[str, Any]:
    value: dict[str, Any] = terminal.as_json(order)
    return value


def _standing_value(one: Standing) -> dict[str, Any]:
    return {
        "agreement": one.agreement,
        "recipient": one.recipient,
        "edition": one.edition.number,
        "state": one.state,
    }


def _tell_lifted(uid: str) -> None:
    terminal.stdout().print(
        f"The recall of {terminal.plain(uid)} is lifted: newer revisions follow the "
        "rules again. What is held for it still needs two people."
    )


def _tell_ordered(
    uid: str, before: list[Standing], found: list[Standing], *, to: str, new: bool
) -> None:
    out = terminal.stdout()
    name = terminal.plain(uid)
    if not new:
        out.print(f"{name} is recalled already; nothing is taken back twice.")
    for one in found:
        has = "has" if one.state == "delivered" else "may get or have"
        out.print(
            f"{one.recipient} {has} edition {one.edition.number}: to be taken back."
        )
    still = {one.agreement for one in found}
    for one in before:
        if one.agreement not in still:
            out.print(f"Edition {one.edition.number} for {one.recipient} is stopped.")
    if new and not before:
        out.print(f"{to or 'No recipient'} has {'no' if to else 'any'}thing of {name}.")
    whose = f" for {to}" if to else ""
    out.print(f"Newer revisions of it are held{whose}. `besa consume` does the rest;")
    out.print(f"besa recall list {name} shows how far it is.", soft_wrap=True)
