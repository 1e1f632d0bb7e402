"""``python -m broker.sandbox.misp``: the stand-in MISP as a process of its own.

Command line -> a running server; its address and keys as JSON on the first line of the
output, and in the ready file when one is named.

Invariants: SIGTERM and SIGINT stop it cleanly. With ``--exit-with-parent`` it never
outlives the process that started it. The knob ``die_after`` kills it for good (exit
code 70), leaving its state as it was at that moment.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NoReturn

import orjson

from broker.sandbox.misp.accounts import Account, named_organisation, write_private
from broker.sandbox.misp.faults import Knobs
from broker.sandbox.misp.roles import RoleName
from broker.sandbox.misp.sandbox import MispSandbox
from broker.sandbox.misp.store import SandboxError

DIED: Final = 70
_PARENT_POLL: Final = 0.25


def main() -> int:
    """Run the server until it is told to stop; answers the exit code."""
    try:
        serve(options_of(sys.argv[1:]))
    except SandboxError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def options_of(arguments: Sequence[str]) -> argparse.Namespace:
    """Read a command line; the ready file of an earlier start goes, in any case.

    Raises:
        SandboxError: an organisation or a fault makes no sense.
    """
    options = _parser().parse_args(arguments)
    _forget(options.ready_file)
    options.accounts = _accounts(options.org)
    options.knobs = _knobs(options.faults)
    return options


def serve(
    options: argparse.Namespace, announced: Callable[[], None] = lambda: None
) -> None:
    """Run the server until it is told to stop.

    Args:
        options: from `options_of`.
        announced: called once the server answers and its address is printed.

    Raises:
        SandboxError: the home is in use, or the port is.
    """
    sandbox = MispSandbox(
        options.home,
        options.port,
        host=options.host,
        accounts=options.accounts,
        faults=options.knobs,
        on_death=_die,
    )
    sandbox.start()
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    if options.exit_with_parent:
        watch = threading.Thread(target=_watch, args=(os.getppid(), done), daemon=True)
        watch.start()
    _announce(sandbox, options.ready_file)
    announced()
    done.wait()
    _forget(options.ready_file)
    sandbox.stop()


def _forget(ready_file: Path | None) -> None:
    """Remove the ready file: it must not tell of a server that is not there."""
    if ready_file is not None:
        ready_file.unlink(missing_ok=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m broker.sandbox.misp",
        description="A stand-in MISP for demonstrations, training and tests.",
    )
    add = parser.add_argument
    add("--home", type=Path, required=True, help="folder for its state and keys")
    add("--port", type=int, default=0, help="where to listen (default: any free port)")
    add("--host", default="127.0.0.1", help="address to listen on")
    add(
        "--org",
        action="append",
        default=[],
        metavar="NAME[:UUID[:ROLE[:ACCOUNT]]]",
        help="an organisation and its account; the first is the CSIRT (sync)",
    )
    add("--faults", default="{}", help="fault knobs as JSON")
    add("--ready-file", type=Path, help="written when the server answers")
    add("--exit-with-parent", action="store_true", help="stop when the starter is gone")
    return parser


def _accounts(given: Sequence[str]) -> tuple[Account, ...]:
    """The accounts of ``--org``: the first synchronises, the others publish."""
    accounts: list[Account] = []
    for text in given:
        name, uuid, role, account = (*text.split(":"), "", "", "")[:4]
        if text.count(":") > 3:
            raise SandboxError("--org: NAME[:UUID[:ROLE[:ACCOUNT]]] is needed")
        usual = RoleName.PUBLISHER if accounts else RoleName.SYNC
        if role and role not in list(RoleName):
            raise SandboxError(f"--org: the role must be one of {', '.join(RoleName)}")
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        usual_account = ("sync", "police", slug)[min(len(accounts), 2)]
        organisation = named_organisation(name, uuid)
        accounts.append(
            Account(account or usual_account, organisation, RoleName(role or usual))
        )
    return tuple(accounts)


def _knobs(text: str) -> Knobs:
    try:
        return Knobs.read(orjson.loads(text))
    except orjson.JSONDecodeError:
        raise SandboxError("--faults: this is not JSON") from None


def _announce(sandbox: MispSandbox, ready_file: Path | None) -> None:
    ready = {"url": sandbox.url, "keys": sandbox.keys, "pid": os.getpid()}
    if ready_file is not None:
        write_private(ready_file, ready)
    sys.stdout.write(orjson.dumps(ready).decode() + "\n")
    sys.stdout.flush()


def _watch(parent: int, done: threading.Event) -> None:
    while not done.wait(_PARENT_POLL):
        if os.getppid() != parent:
            done.set()


def _die() -> NoReturn:
    os._exit(DIED)


if __name__ == "__main__":
    sys.exit(main())
