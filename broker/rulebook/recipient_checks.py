"""Doubts about a recipient's file: is it reached in a way that nobody can listen to?

Recipients -> warnings, each at the line that would have to change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from broker.errors import Problem
from broker.model.agreement import Recipient
from broker.rulebook.sources import Source


def warnings(recipients: Iterable[Source[Recipient]]) -> Iterator[Problem]:
    """Yield every address that incidents would travel to without encryption.

    A program on this machine, as in a training, is nobody's network.
    """
    for source in recipients:
        address = urlsplit(source.model.url)
        if address.scheme == "http" and not _is_here(address.hostname or ""):
            yield source.document.problem(
                ("url",),
                "what is sent, and the key to that system, could be read on the way",
                "write https://",
            )


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
