"""Private authorities and our own certificate, over real TLS before a stand-in MISP."""

from __future__ import annotations

import selectors
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broker.deliver import Timeouts
from broker.deliver.misp import MispRecipient
from broker.deliver.taxii_client import TaxiiCollection
from broker.errors import DeliveryError, Unavailable
from broker.model.sharing import ReceiptState
from broker.sandbox.misp import MispSandbox
from broker.sandbox.misp.accounts import CSIRT, Account
from broker.sandbox.misp.roles import RoleName
from tests.contract.authority import Authority
from tests.unit.deliver.events import attribute, event, sealed

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WAITS = Timeouts(5.0, 20.0, 60.0)


def pump(client: socket.socket, server: socket.socket) -> None:
    """Carry bytes both ways until one side ends."""
    with client, server, selectors.DefaultSelector() as ready, suppress(OSError):
        ready.register(client, selectors.EVENT_READ, server)
        ready.register(server, selectors.EVENT_READ, client)
        while True:
            for key, _ in ready.select():
                source = key.fileobj
                assert isinstance(source, socket.socket)
                part = source.recv(1 << 16)
                # What TLS has read already is not seen by the selector.
                while isinstance(source, ssl.SSLSocket) and source.pending():
                    part += source.recv(source.pending())
                if not part:
                    return
                key.data.sendall(part)


@contextmanager
def behind_tls(port: int, certificate: Path, clients: Path | None) -> Iterator[str]:
    """Put TLS before a server; with ``clients``, only their certificates get in."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients)

    def accept() -> None:
        with suppress(OSError):
            while True:
                raw, _ = door.accept()
                threading.Thread(target=serve, args=(raw,), daemon=True).start()

    def serve(raw: socket.socket) -> None:
        with raw, suppress(OSError):
            client = context.wrap_socket(raw, server_side=True)
            pump(client, socket.create_connection(("127.0.0.1", port)))

    with ExitStack() as stack:
        door = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        threading.Thread(target=accept, daemon=True).start()
        yield f"https://127.0.0.1:{door.getsockname()[1]}"
        door.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def misp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MispSandbox]:
    """Give a stand-in MISP."""
    accounts = (Account("sync", CSIRT, RoleName.SYNC),)
    with MispSandbox(tmp_path_factory.mktemp("misp"), accounts=accounts) as sandbox:
        yield sandbox


@pytest.fixture
def police(tmp_path: Path) -> Authority:
    """Give the private authority of a police."""
    folder = tmp_path / "police"
    folder.mkdir()
    return Authority(folder)


def to(
    misp: MispSandbox, url: str, ca: Path | None, certificate: Path | None = None
) -> MispRecipient:
    """Return the way to the MISP behind TLS."""
    return MispRecipient(
        url,
        misp.keys["sync"],
        verify=str(ca) if ca else True,
        certificate=str(certificate) if certificate else None,
        timeouts=WAITS,
        clock=lambda: NOW,
    )


def port_of(misp: MispSandbox) -> int:
    """Return where the stand-in listens."""
    return int(misp.url.rpartition(":")[2].strip("/"))


def test_a_private_authority_is_enough(misp: MispSandbox, police: Authority) -> None:
    """A certificate of the authority that the credential names is trusted."""
    made = event(attribute("198.51.100.7"))
    with behind_tls(port_of(misp), police.certificate("misp"), None) as url:
        receipt = to(misp, url, police.file).deliver(sealed(made))

    assert ReceiptState.DELIVERED == receipt.state


def test_our_own_certificate_lets_us_in(misp: MispSandbox, police: Authority) -> None:
    """A server that asks for our certificate gets it, and takes the edition."""
    ours = police.certificate("kos-cert")
    made = event(attribute("198.51.100.8"))
    with behind_tls(port_of(misp), police.certificate("misp"), police.file) as url:
        receipt = to(misp, url, police.file, ours).deliver(sealed(made))

    assert ReceiptState.DELIVERED == receipt.state


def test_without_our_certificate_the_edition_waits(
    misp: MispSandbox, police: Authority
) -> None:
    """A server that asks for a certificate and gets none lets nobody in."""
    made = event(attribute("198.51.100.9"))
    with (
        behind_tls(port_of(misp), police.certificate("misp"), police.file) as url,
        pytest.raises(Unavailable, match=r"our certificate|not reachable"),
    ):
        to(misp, url, police.file).deliver(sealed(made))


def test_an_unknown_authority_is_not_trusted(
    misp: MispSandbox, police: Authority
) -> None:
    """Without the private authority nothing is sent, and the reason says why."""
    made = event(attribute("198.51.100.10"))
    with (
        behind_tls(port_of(misp), police.certificate("misp"), None) as url,
        pytest.raises(Unavailable, match="its certificate is not trusted"),
    ):
        to(misp, url, None).deliver(sealed(made))


def test_an_expired_certificate_is_called_expired(
    misp: MispSandbox, police: Authority
) -> None:
    """The operator reads that the certificate has expired, and the edition waits."""
    old = police.certificate("misp", ends=-DAY)
    made = event(attribute("198.51.100.11"))
    with (
        behind_tls(port_of(misp), old, None) as url,
        pytest.raises(Unavailable, match="its certificate has expired"),
    ):
        to(misp, url, police.file).deliver(sealed(made))


def test_an_environment_does_not_replace_the_authority(
    misp: MispSandbox,
    police: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The credential's authority counts, whatever the machine trusts otherwise."""
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(Authority(tmp_path / "other").file))
    made = event(attribute("198.51.100.12"))
    with behind_tls(port_of(misp), police.certificate("misp"), None) as url:
        receipt = to(misp, url, police.file).deliver(sealed(made))

    assert ReceiptState.DELIVERED == receipt.state


def test_a_taxii_server_gets_our_certificate_too(
    misp: MispSandbox, police: Authority
) -> None:
    """It lets us in; that no TAXII server stands behind the door, only then shows."""
    ours = str(police.certificate("kos-cert"))
    with behind_tls(port_of(misp), police.certificate("misp"), police.file) as url:
        for certificate, words in (
            (ours, "not open to us"),
            (None, "our certificate|not reachable"),
        ):
            way = TaxiiCollection(
                url,
                "cases",
                "key",
                verify=str(police.file),
                certificate=certificate,
                timeouts=WAITS,
            )
            with pytest.raises(DeliveryError, match=words):
                way.start()
