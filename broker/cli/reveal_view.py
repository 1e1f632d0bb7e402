"""`besa reveal` for a person: what was asked, who approved, and the one value.

`broker.store.Request` -> text on standard output, or a JSON value.

Invariant: no character of a value can move the cursor or turn the reading direction
around; only `show_value` is ever given one.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from rich.padding import Padding
from rich.text import Text

from broker.cli import terminal
from broker.cli.status_view import ago

if TYPE_CHECKING:
    from broker.store import Request

_INDENT: Final = (0, 0, 0, 7)


def state(request: Request, now: datetime) -> str:
    """Return where it stands: ``waiting``, ``open``, ``expired`` or ``denied``."""
    if request.denial is not None:
        return "denied"
    if request.until is None:
        return "waiting"
    return "open" if now <= request.until else "expired"


def as_value(request: Request, now: datetime) -> dict[str, Any]:
    """Return a request as JSON: everything but the value."""
    asking = request.asking
    value: dict[str, Any] = terminal.as_json(
        {
            "request": request.id,
            "recipient": asking.recipient,
            "pseudonym": asking.pseudonym,
            "case_number": asking.case_number,
            "legal_order": asking.legal_order,
            "reason": asking.reason,
            "requester": asking.requester,
            "at": asking.at,
            "state": state(request, now),
            "until": request.until,
            "shown": request.shown,
            "denial": _denial(request),
            "approvals": [
                {
                    "reviewer": one.reviewer,
                    "at": one.at,
                    "until": one.until,
                    "signed": bool(one.signature),
                }
                for one in request.approvals
            ],
        }
    )
    return value


def _denial(request: Request) -> dict[str, Any] | None:
    denial = request.denial
    if denial is None:
        return None
    return {"reviewer": denial.reviewer, "at": denial.at, "reason": denial.reason}


def show_list(found: tuple[Request, ...], now: datetime) -> None:
    """Print who asked for what, and below it on which order and by whose leave."""
    out = terminal.stdout()
    if not found:
        out.print("Nobody has asked whom a pseudonym stands for.")
        return
    for request in found:
        asking = request.asking
        line = f"{request.id:>5}  {asking.pseudonym} of {asking.recipient}"
        line += f", by {asking.requester}, {ago(asking.at, now)}"
        out.print(Text(terminal.plain(line), style="bold"), soft_wrap=True)
        for said in _about(request, now):
            out.print(Padding(Text(terminal.plain(said)), _INDENT))


def _about(request: Request, now: datetime) -> list[str]:
    asking = request.asking
    said = [
        f"case {asking.case_number}, order {asking.legal_order}",
        f"because: {asking.reason}",
    ]
    names = ", ".join(one.reviewer for one in request.approvals)
    by = f", approved by {names}" if names else ""
    denial = request.denial
    if denial is not None:
        said.append(f"denied by {denial.reviewer}, {ago(denial.at, now)}{by}")
        said.append(f"because: {denial.reason}")
        return [*said, *_how_often(request)]
    match state(request, now):
        case "waiting":
            said.append(f"waits for approval{by}")
        case "open":
            said.append(f"may be shown until {request.until:%Y-%m-%d %H:%M} UTC{by}")
        case _:
            said.append(f"expired {request.until:%Y-%m-%d %H:%M} UTC{by}")
    return [*said, *_how_often(request)]


def _how_often(request: Request) -> list[str]:
    return [f"shown {often(request.shown)}"] if request.shown else []


def often(count: int) -> str:
    """Return how often something was done, in words."""
    return "once" if count == 1 else f"{count} times"


def show_value(request: Request, field: str, value: str, times: int) -> None:
    """Print the one value that was asked for."""
    out, asking = terminal.stdout(), request.asking
    out.print(Text(terminal.plain(value), style="bold"), soft_wrap=True)
    out.print(
        Text(
            terminal.plain(
                f"is what {asking.pseudonym} of {asking.recipient} stands for ({field})"
            )
        ),
        soft_wrap=True,
    )
    out.print(
        f"Shown {often(times)}; until {request.until:%Y-%m-%d %H:%M} UTC. "
        "Every show is in the register."
    )
