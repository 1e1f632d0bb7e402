"""The stand-in MISP as one thing to start, use and stop.

A home folder, a port and accounts -> a running server with its address and keys.

Invariants: state and keys survive a stop, a crash and a restart with the same home.
The server listens on this machine only, unless told otherwise. Fault knobs are not
kept: a restarted server is well again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from broker.sandbox.misp.accounts import (
    KEYS_FILE,
    Account,
    default_accounts,
    open_accounts,
    write_private,
)
from broker.sandbox.misp.desk import Desk
from broker.sandbox.misp.faults import Faults, Knobs
from broker.sandbox.misp.server import Listener, refuses_to_listen
from broker.sandbox.misp.store import SandboxError, Store


class MispSandbox:
    """A stand-in MISP server that runs in a thread of this process.

    Use it as a context manager, or call :meth:`start` and :meth:`stop`::

        with MispSandbox(tmp_path) as misp:
            requests.get(misp.url + "/servers/getVersion",
                         headers={"Authorization": misp.keys["sync"]}, timeout=5)

    Args:
        home: folder for its state and keys; made when missing.
        port: where to listen; 0 is any free port, kept until :meth:`stop`.
        host: the address to listen on.
        accounts: who has a key; by default :func:`default_accounts`.
        faults: what shall go wrong from the start.
        clock: tells the time in seconds since 1970.
        on_death: what to do when the knob ``die_after`` strikes; by default the server
            ends all connections and listens no more, as if its process had died.

    Raises:
        SandboxError: the home is in use, or the port is.
    """

    def __init__(
        self,
        home: Path,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        accounts: Sequence[Account] = (),
        faults: Knobs | None = None,
        clock: Callable[[], float] = time.time,
        on_death: Callable[[], None] | None = None,
    ) -> None:
        self.home = home
        self.keys: dict[str, str] = {}
        self.dead = False
        self._host = host
        self._port = port
        self._accounts = tuple(accounts) or default_accounts()
        self._faults = Faults(faults)
        self._clock = clock
        self._on_death = on_death or self._play_dead
        self._guard = threading.RLock()
        self._store: Store | None = None
        self._listener: Listener | None = None
        self._reopen: threading.Timer | None = None

    @property
    def url(self) -> str:
        """Where the server answers, without a slash at the end."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def faults(self) -> Knobs:
        """What goes wrong at the moment; assign new knobs to change it."""
        return self._faults.knobs

    @faults.setter
    def faults(self, knobs: Knobs) -> None:
        self._set(knobs)

    def start(self) -> Self:
        """Open the state, make missing accounts and begin to listen."""
        with self._guard:
            if self._store is not None:
                return self
            self._store = Store(self.home, self._clock)
            self.dead = False
            try:
                self.keys = open_accounts(self._store, self._accounts)
                write_private(self.home / KEYS_FILE, self.keys)
                self._listen()
            except BaseException:
                self._store.close()
                self._store = None
                raise
            if refuses_to_listen(self._faults.knobs):
                self._set(self._faults.knobs)
        return self

    def stop(self) -> None:
        """End all connections and close the state; a stopped server can start again."""
        with self._guard:
            self._deafen()
            self._faults.clear()
            if self._store is not None:
                self._store.close()
                self._store = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _listen(self) -> None:
        if self._listener is not None or self._store is None:
            return
        desk = Desk(self._store, self._faults)
        address = (self._host, self._port)
        try:
            listener = Listener(address, desk, self._set_later, self._die)
        except OSError as error:
            reason = error.strerror or "not possible"
            message = f"cannot listen on {self._host} port {self._port}: {reason}"
            raise SandboxError(message) from None
        self._port = listener.port
        self._listener = listener
        listener.start()

    def _deafen(self) -> None:
        with self._guard:
            if self._reopen is not None:
                self._reopen.cancel()
                self._reopen = None
            listener, self._listener = self._listener, None
        if listener is not None:
            listener.stop()

    def _set(self, knobs: Knobs) -> None:
        self._faults.set(knobs)
        with self._guard:
            if refuses_to_listen(knobs):
                self._deafen()
                if knobs.refuse_for:
                    self._reopen = threading.Timer(knobs.refuse_for, self._hear_again)
                    self._reopen.daemon = True
                    self._reopen.start()
            else:
                self._listen()

    def _hear_again(self) -> None:
        self._set(Knobs())

    def _set_later(self, knobs: Knobs) -> None:
        """Set knobs that a client asked for, after it has got its answer."""
        if not refuses_to_listen(knobs):
            self._faults.set(knobs)
            return
        later = threading.Timer(0.05, self._set, (knobs,))
        later.daemon = True
        later.start()

    def _die(self, listener: Listener) -> None:
        with self._guard:
            # A server that was stopped and started meanwhile is another one.
            if listener is not self._listener:
                return
            self.dead = True
            self._on_death()

    def _play_dead(self) -> None:
        self._faults.clear()
        self._deafen()
