"""HTTP for the stand-in MISP: connections in, answers out, and the faults in between.

Bytes on a socket -> :class:`Desk` -> bytes on the socket (HTTP/1.1, kept alive).

Invariants: an answer leaves in one piece, so that small ones are not held back by the
network stack. Closing the listener also ends every open connection. Nothing about a
request is logged.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import orjson

from broker.sandbox.misp.answering import ADDRESS
from broker.sandbox.misp.calls import Answer, DeathError, RefusalError, refused, view
from broker.sandbox.misp.desk import Desk, Request
from broker.sandbox.misp.faults import Knobs, Refusal
from broker.sandbox.misp.store import SandboxError

SERVER: Final = "Besa-stand-in-MISP"
_FAULTS: Final = "/sandbox/faults"
_RESET: Final = struct.pack("ii", 1, 0)
_POLL: Final = 0.1


class Listener(socketserver.ThreadingMixIn, HTTPServer):
    """Takes connections on one address and serves each in a thread of its own.

    Args:
        address: host and port; port 0 is any free one.
        desk: works on the requests.
        on_knobs: told when a client has set new fault knobs.
        on_death: told when the fault knob ``die_after`` struck.
    """

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        desk: Desk,
        on_knobs: Callable[[Knobs], None],
        on_death: Callable[[Listener], None],
    ) -> None:
        self.desk = desk
        self.on_knobs = on_knobs
        self.on_death = on_death
        self.closing = threading.Event()
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(address, Conversation)
        self._thread = threading.Thread(
            target=self.serve_forever, args=(_POLL,), daemon=True, name="stand-in MISP"
        )

    def server_bind(self) -> None:
        """Bind without asking a name server for the host's name."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.port

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Begin to take connections."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more connections and end those that are open."""
        self.closing.set()
        self.shutdown()
        self.server_close()
        with self._guard:
            left = list(self._open)
        for connection in left:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=5)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a new connection in a thread and remember it until it ends."""
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that has ended."""
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing when a client goes away in the middle."""


class Conversation(BaseHTTPRequestHandler):
    """One connection: requests one after the other, and their answers."""

    protocol_version = "HTTP/1.1"
    server_version = SERVER
    sys_version = ""
    disable_nagle_algorithm = True
    server: Listener

    def do_GET(self) -> None:
        """Answer a reading request, or a browser."""
        self._serve()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - as above

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing: a path can hold an incident's values."""

    def _serve(self) -> None:
        try:
            self._answer()
        except DeathError:
            self._hang_up()
            self.server.on_death(self.server)
        except SandboxError:
            self._hang_up()

    def _answer(self) -> None:
        faults = self.server.desk.faults
        control = urlsplit(self.path).path == _FAULTS
        if faults.knobs.refuse is not None and not control:
            self._hang_up()
            return
        body = self._body()
        if control:
            self._send(self._control(body))
            return
        if self.command == "POST" and self.path == ADDRESS:
            self._send(self._said(body))
            return
        if self._is_browser():
            url = urlsplit(self.path)
            self._send(self.server.desk.page(url.path, dict(parse_qsl(url.query))))
            return
        if self.server.closing.wait(faults.knobs.delay):
            self._hang_up()
            return
        answer = self.server.desk.work(self._request(body))
        self._send(answer, half=faults.halves())

    def _request(self, body: bytes) -> Request:
        headers = self.headers
        return Request(
            method=self.command,
            url=self.path,
            key=(
                headers.get("Authorization") or headers.get("X-MISP-AUTH") or ""
            ).strip(),
            body=body,
            gzipped="gzip" in (headers.get("Content-Encoding") or ""),
        )

    def _body(self) -> bytes:
        if "chunked" in (self.headers.get("Transfer-Encoding") or ""):
            return b"".join(iter(self._chunk, b""))
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline().split(b";")[0], 16)
        content = self.rfile.read(size)
        self.rfile.readline()
        return content

    def _is_browser(self) -> bool:
        accepted = self.headers.get("Accept") or ""
        return self.command == "GET" and "text/html" in accepted

    def _said(self, body: bytes) -> Answer:
        """Take a page's form, if it was a page of this server that sent it."""
        origin = urlsplit(self.headers.get("Origin") or "").netloc
        if origin != (self.headers.get("Host") or ""):
            foreign = RefusalError(403, "This form is for the server's own pages.")
            return refused(foreign, self.path)
        asked = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        return self.server.desk.say(dict(asked))

    def _control(self, body: bytes) -> Answer:
        """Read or set the fault knobs; only with the site administrator's key."""
        desk = self.server.desk
        if not desk.is_site_admin(self._request(body).key):
            needed = RefusalError(403, "The key of the site administrator is needed.")
            return refused(needed, self.path)
        if self.command == "POST":
            try:
                self.server.on_knobs(Knobs.read(orjson.loads(body or b"{}")))
            except orjson.JSONDecodeError:
                return refused(RefusalError(400, "faults: this is not JSON"), self.path)
            except SandboxError as error:
                return refused(RefusalError(400, str(error)), self.path)
        return view(desk.faults.knobs.shown())

    def _send(self, answer: Answer, *, half: bool = False) -> None:
        status = HTTPStatus(answer.status)
        lines = [
            f"HTTP/1.1 {status.value} {status.phrase}",
            f"Server: {SERVER}",
            f"Date: {self.date_time_string()}",
            f"Content-Type: {answer.content_type}",
            f"Content-Length: {len(answer.body)}",
        ]
        if answer.location:
            host = self.headers.get("Host") or f"127.0.0.1:{self.server.port}"
            lines.append(f"Location: http://{host}{answer.location}")
        if answer.content_type.startswith("text/html"):
            lines.append(
                "Content-Security-Policy: default-src 'none'; style-src"
                " 'unsafe-inline'; form-action 'self'; base-uri 'none'"
            )
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        body = b"" if self.command == "HEAD" else answer.body
        if half:
            self.wfile.write(head + body[: len(body) // 2])
            self._end()
            return
        self.wfile.write(head + body)

    def _end(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _hang_up(self) -> None:
        """Close the connection at once, without an answer."""
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._end()


def refuses_to_listen(knobs: Knobs) -> bool:
    """Whether the knobs say that nothing is listened on."""
    return knobs.refuse is Refusal.STOP
