"""What taxii2-client asks through, in place of its own, which waits and reads for ever.

The library asks for resources -> what the server said, or the error that its answer
means (TAXII 2.1, section 3.6.1).

Invariants: every request has a time-out, and all of a delivery have one together; no
redirect is followed, because that could carry a disclosure to another machine; nothing
of a request or answer is ever logged or quoted; no answer larger than
``LARGEST_ANSWER`` is read.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from broker.canonical import loads
from broker.deliver import Busy, Timeouts
from broker.deliver.network import named_failures, retry_after
from broker.errors import DeliveryError, Refused, Unavailable

MEDIA: Final = "application/taxii+json;version=2.1"
_ASKS: Final = MappingProxyType({"Accept": MEDIA})
LARGEST_ANSWER: Final = 64 * 1024 * 1024
_LATER: Final = frozenset({408, 425, 429})


class TooLarge(Exception):  # noqa: N818 - an answer, which asks for less at once
    """The server does not take so much in one request (413)."""


class NotFound(Exception):  # noqa: N818 - an answer, and often a good one
    """What was asked for is not there (404)."""


class NotAllowed(Exception):  # noqa: N818 - an answer about one verb
    """The server does not do this, or not for us (403, 405, 501)."""


class _Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class TaxiiConnection:
    """One connection to one TAXII 2.1 server, with the library's verbs.

    Args:
        key: ``user:password``, or a token.
        verify: whether and by which authorities to check its certificate.
        certificate: a PEM file of our own certificate and key, or nothing.
        timeouts: how long to wait.
    """

    def __init__(
        self,
        key: str,
        *,
        verify: bool | str,
        certificate: str | None,
        timeouts: Timeouts,
    ) -> None:
        key = key.strip()
        user, colon, password = key.partition(":")
        self._http = requests.Session()
        # Set here, so that a ``.netrc`` cannot put another in its place.
        self._http.auth = HTTPBasicAuth(user, password) if colon else _Bearer(key)
        self._http.verify = verify
        self._http.cert = certificate
        self._timeouts = timeouts
        self._deadline = 0.0

    def start(self) -> None:
        """Begin a delivery: from now on it may take ``Timeouts.total``."""
        self._deadline = time.monotonic() + self._timeouts.total

    def has_time_for(self, seconds: float) -> bool:
        """Say whether the delivery may go on for so long."""
        return time.monotonic() + seconds <= self._deadline

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def get(
        self,
        url: str,
        headers: Mapping[str, str] = _ASKS,
        params: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Ask for a resource.

        Raises:
            NotFound, NotAllowed, DeliveryError: as the answer says.
        """
        return _resource(self._ask("GET", url, headers, params))

    def post(
        self,
        url: str,
        headers: Mapping[str, str] = _ASKS,
        params: Mapping[str, Any] | None = None,
        *,
        data: bytes,
    ) -> dict[str, Any]:
        """Send an envelope of objects.

        Raises:
            TooLarge, NotFound, NotAllowed, DeliveryError: as the answer says.
        """
        return _resource(self._ask("POST", url, headers, params, data))

    def delete(
        self,
        url: str,
        headers: Mapping[str, str] = _ASKS,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        """Delete an object.

        Raises:
            NotFound, NotAllowed, DeliveryError: as the answer says.
        """
        self._ask("DELETE", url, headers, params)

    def _ask(
        self,
        verb: str,
        url: str,
        headers: Mapping[str, str],
        params: Mapping[str, Any] | None,
        body: bytes | None = None,
    ) -> bytes:
        if not self.has_time_for(0):
            raise Unavailable("it took too long")
        with (
            named_failures(),
            self._http.request(
                verb,
                url,
                params=params,
                data=body,
                headers=headers,
                timeout=(self._timeouts.connect, self._timeouts.answer),
                # Or an environment's bundle would replace the recipient's own.
                verify=self._http.verify,
                allow_redirects=False,
                stream=True,
            ) as answer,
        ):
            content = self._content(answer)
        if not 200 <= answer.status_code < 300:
            wanted = retry_after(answer.headers.get("Retry-After", ""))
            raise _meant(answer.status_code, verb, wanted)
        return content

    def _content(self, answer: requests.Response) -> bytes:
        """Read an answer, as far as anybody sends one in good faith."""
        parts: list[bytes] = []
        size = 0
        for part in answer.iter_content(1 << 16):
            parts.append(part)
            size += len(part)
            if size > LARGEST_ANSWER or not self.has_time_for(0):
                raise Unavailable("its answer does not end")
        return b"".join(parts)


def _resource(content: bytes) -> dict[str, Any]:
    try:
        found = loads(content)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Unavailable("what answers there is not a TAXII server")
    return found


def _meant(status: int, verb: str, wanted: float | None) -> Exception:
    """Return what a status means."""
    if status == 413:
        return TooLarge()
    if status == 404:
        return NotFound()
    if status in (403, 405, 501):
        return NotAllowed()
    return _failure(status, verb, wanted)


def _failure(status: int, verb: str, wanted: float | None) -> DeliveryError:
    if status >= 500 or status in _LATER:
        phrase = "it asks for patience" if status in (429, 503) else "it has a fault"
        if wanted is not None:
            return Busy(phrase, status, wanted)
        return Unavailable(phrase, status)
    if 300 <= status < 400:
        phrase = "it points to another address, which is not followed"
        return Unavailable(phrase, status)
    if status == 401:
        return Refused("the key is not accepted", status)
    if status in (406, 415):
        return Refused("it does not speak TAXII 2.1", status)
    if verb == "POST":
        return Refused("it does not accept the objects as valid", status)
    return Refused("it does not accept the request", status)
