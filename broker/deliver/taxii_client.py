"""One collection of one TAXII 2.1 server, over HTTP.

A few verbs -> the server's resources, or the `DeliveryError` that an answer means.
The public clients for TAXII have no time-outs, do not split what is too large and give
up on 429, so this asks the server itself (TAXII 2.1, sections 3 to 5).

Invariants: every request has a time-out; no redirect is followed, because that could
carry a disclosure to another machine; nothing of a request or answer is ever logged or
quoted; no answer larger than ``LARGEST_ANSWER`` is read.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from broker.canonical import loads
from broker.deliver import Busy, Timeouts
from broker.errors import DeliveryError, Refused, Unavailable

MEDIA: Final = "application/taxii+json;version=2.1"
LARGEST_ANSWER: Final = 64 * 1024 * 1024
_IDS_AT_ONCE: Final = 20  # of about 50 characters: a URL must stay below 2,000
_PAGE: Final = "1000"
_MOST_PAGES: Final = 10_000
_SERVER_TAKES: Final = 1_000_000  # where a server does not say how much it takes
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


class TaxiiCollection:
    """The way to one collection. Asks the server what it takes when it is first used.

    Args:
        url: the API root.
        collection: the collection's id.
        key: ``user:password``, or a token.
        verify: whether and by which authorities to check its certificate.
        timeouts: how long to wait.
    """

    def __init__(
        self,
        url: str,
        collection: str,
        key: str,
        *,
        verify: bool | str,
        timeouts: Timeouts,
    ) -> None:
        self._root = url.rstrip("/") + "/"
        self._objects = f"{self._root}collections/{collection}/objects/"
        self._collection = f"{self._root}collections/{collection}/"
        self._timeouts = timeouts
        self._http = requests.Session()
        key = key.strip()
        user, colon, password = key.partition(":")
        # Set here, so that a ``.netrc`` cannot put another in its place.
        self._http.auth = HTTPBasicAuth(user, password) if colon else _Bearer(key)
        self._http.verify = verify
        self._deadline = 0.0
        self._most = 0
        self.can_read = True

    def start(self) -> None:
        """Begin a delivery: from now on it may take ``Timeouts.total``.

        Raises:
            DeliveryError: the server is not reachable, or the collection not ours.
        """
        self._deadline = time.monotonic() + self._timeouts.total
        if self._most:
            return
        try:
            root = self._ask("GET", self._root)
            collection = self._ask("GET", self._collection)
        except NotFound:
            raise Unavailable(
                "there is no such collection at this address", 404
            ) from None
        except NotAllowed:
            raise Refused("the collection is not open to us", 403) from None
        if collection.get("can_write") is not True:
            raise Refused("the collection cannot be written by us")
        self.can_read = collection.get("can_read") is True
        said = root.get("max_content_length")
        self._most = said if isinstance(said, int) and said > 0 else _SERVER_TAKES

    @property
    def most_bytes(self) -> int:
        """How many bytes the server takes in one request."""
        return self._most

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def add(self, envelope: bytes) -> str:
        """Post an envelope of objects; return the id of its status, if it is pending.

        Raises:
            TooLarge: it must be split.
            DeliveryError: the server did not take it.
        """
        try:
            status = self._ask("POST", self._objects, body=envelope)
        except NotFound:
            raise Unavailable("the collection is not there any more", 404) from None
        except NotAllowed:
            raise Refused("the collection cannot be written by us", 403) from None
        return "" if status.get("status") == "complete" else str(status.get("id", ""))

    def wait(self, status_id: str) -> None:
        """Wait until the server has finished with an envelope.

        Raises:
            Unavailable: it does not finish in the time that a delivery has.
        """
        pause = 0.1
        while True:
            try:
                status = self._ask("GET", f"{self._root}status/{status_id}/")
            except (NotFound, NotAllowed):
                return  # it forgot; what is there, the reading back tells
            if status.get("status") == "complete":
                return
            if time.monotonic() + pause > self._deadline:
                raise Unavailable("it says that it is still working on it")
            time.sleep(pause)
            pause = min(pause * 2, 5.0)

    def by_ids(self, ids: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield every version of the objects with these ids that the server holds."""
        for start in range(0, len(ids), _IDS_AT_ONCE):
            some = ids[start : start + _IDS_AT_ONCE]
            yield from self._pages(
                {"match[id]": ",".join(some), "match[version]": "all"}
            )

    def by_type(self, kind: str) -> Iterator[dict[str, Any]]:
        """Yield the newest version of every object of a type."""
        yield from self._pages({"match[type]": kind})

    def delete(self, made_id: str, version: str = "") -> None:
        """Delete an object, or one version of it; one that is not there is fine.

        Raises:
            NotAllowed: the server deletes nothing, or not for us.
        """
        which = {"match[version]": version or "all"}
        try:
            self._ask("DELETE", f"{self._objects}{made_id}/", params=which)
        except NotFound:
            return

    def _pages(self, params: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        # The limit is said always: medallion fails on a next page without it.
        asked = {**params, "limit": _PAGE}
        for _ in range(_MOST_PAGES):
            try:
                page = self._ask("GET", self._objects, params=asked)
            except NotFound:
                return  # some servers say so when nothing matches
            except NotAllowed:
                raise Refused("the collection cannot be read by us", 403) from None
            found = page.get("objects") or ()
            for made in found:
                if not isinstance(made, dict):
                    raise Unavailable("what answers there is not a TAXII server")
                yield made
            following = page.get("next")
            # Some give the same token for every page, so that only an empty one ends.
            if not (page.get("more") and following and found):
                return
            asked["next"] = following
        raise Unavailable("it never stops giving pages")

    def _ask(
        self,
        verb: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> dict[str, Any]:
        if time.monotonic() > self._deadline:
            raise Unavailable("it took too long")
        headers = {"Accept": MEDIA}
        if body is not None:
            headers["Content-Type"] = MEDIA
        try:
            with self._http.request(
                verb,
                url,
                params=params,
                data=body,
                headers=headers,
                timeout=(self._timeouts.connect, self._timeouts.answer),
                allow_redirects=False,
                stream=True,
            ) as answer:
                content = _content(answer, self._deadline)
                status, asked = answer.status_code, answer.headers.get("Retry-After")
        except requests.exceptions.SSLError:
            raise Unavailable("its certificate is not trusted") from None
        except requests.exceptions.Timeout:
            raise Unavailable("no answer in time") from None
        except (
            requests.exceptions.InvalidURL,
            requests.exceptions.InvalidSchema,
            requests.exceptions.MissingSchema,
            requests.exceptions.InvalidHeader,
        ):
            raise Refused("its address or key is not written correctly") from None
        except requests.exceptions.RequestException:
            raise Unavailable("not reachable") from None
        if not 200 <= status < 300:
            raise _meant(status, verb, asked or "")
        return _resource(content) if verb != "DELETE" else {}


def _content(answer: requests.Response, deadline: float) -> bytes:
    """Read an answer, as far as anybody sends one in good faith."""
    parts: list[bytes] = []
    size = 0
    for part in answer.iter_content(1 << 16):
        parts.append(part)
        size += len(part)
        if size > LARGEST_ANSWER or time.monotonic() > deadline:
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


def _meant(status: int, verb: str, retry_after: str) -> Exception:
    """Return what a status means (TAXII 2.1, section 3.6.1)."""
    if status == 413:
        return TooLarge()
    if status == 404:
        return NotFound()
    if status in (403, 405, 501):
        return NotAllowed()
    return _failure(status, verb, retry_after)


def _failure(status: int, verb: str, retry_after: str) -> DeliveryError:
    if status >= 500 or status in _LATER:
        phrase = "it asks for patience" if status in (429, 503) else "it has a fault"
        seconds = _seconds(retry_after)
        if seconds is not None:
            return Busy(phrase, status, seconds)
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


def _seconds(header: str) -> float | None:
    """Read the header Retry-After: seconds, or a date (RFC 9110, section 10.2.3)."""
    if header.strip().isdigit():
        return float(header)
    try:
        then = parsedate_to_datetime(header)
    except ValueError:
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return max(0.0, (then - datetime.now(UTC)).total_seconds())
