"""One collection of one TAXII 2.1 server, asked by taxii2-client over our connection.

A few verbs -> the server's resources, or the `DeliveryError` that an answer means
(TAXII 2.1, sections 3 to 5). The library does not split what is too large and checks
what servers get wrong without harm, such as a status whose counts do not add up.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

from taxii2client.exceptions import ValidationError
from taxii2client.v21 import Collection, Status

from broker.deliver import Timeouts
from broker.deliver.taxii_connection import NotAllowed, NotFound, TaxiiConnection
from broker.errors import Refused, Unavailable

_IDS_AT_ONCE: Final = 20  # of about 50 characters: a URL must stay below 2,000
_PAGE: Final = 1000
_MOST_PAGES: Final = 10_000
_SERVER_TAKES: Final = 1_000_000  # where a server does not say how much it takes


class TaxiiCollection:
    """The way to one collection. Asks the server what it takes when it is first used.

    Args:
        url: the API root.
        collection: the collection's id.
        key: ``user:password``, or a token.
        verify: whether and by which authorities to check its certificate.
        certificate: a PEM file of our own certificate and key, or nothing.
        timeouts: how long to wait.
    """

    def __init__(
        self,
        url: str,
        collection: str,
        key: str,
        *,
        verify: bool | str,
        certificate: str | None,
        timeouts: Timeouts,
    ) -> None:
        self._root = url.rstrip("/") + "/"
        self._url = f"{self._root}collections/{collection}/"
        self._id = collection
        self._connection = TaxiiConnection(
            key, verify=verify, certificate=certificate, timeouts=timeouts
        )
        self._known: Collection | None = None
        self._most = 0

    def start(self) -> None:
        """Begin a delivery: from now on it may take ``Timeouts.total``.

        Raises:
            DeliveryError: the server is not reachable, or the collection not ours.
        """
        self._connection.start()
        if self._known is not None:
            return
        try:
            root = self._connection.get(self._root)
            said = self._connection.get(self._url)
        except NotFound:
            raise Unavailable(
                "there is no such collection at this address", 404
            ) from None
        except NotAllowed:
            raise Refused("the collection is not open to us", 403) from None
        if said.get("can_write") is not True:
            raise Refused("the collection cannot be written by us")
        rights = {name: said.get(name) is True for name in ("can_read", "can_write")}
        # Its id is as we know it, and its title is nothing to fail for.
        about = {"id": self._id, "title": self._id, **rights}
        self._known = Collection(
            self._url, conn=self._connection, collection_info=about
        )
        most = root.get("max_content_length")
        self._most = most if isinstance(most, int) and most > 0 else _SERVER_TAKES

    @property
    def can_read(self) -> bool:
        """Whether we may read back what we sent."""
        return bool(self._collection.can_read)

    @property
    def most_bytes(self) -> int:
        """How many bytes the server takes in one request."""
        return self._most

    @property
    def _collection(self) -> Collection:
        if self._known is None:
            raise Unavailable("no delivery has begun")
        return self._known

    def close(self) -> None:
        """Close all connections."""
        self._connection.close()

    def add(self, envelope: bytes) -> str:
        """Post an envelope of objects; return the id of its status, if it is pending.

        Raises:
            TooLarge: it must be split.
            DeliveryError: the server did not take it.
        """
        try:
            status = self._collection.add_objects(envelope, wait_for_completion=False)
        except NotFound:
            raise Unavailable("the collection is not there any more", 404) from None
        except NotAllowed:
            raise Refused("the collection cannot be written by us", 403) from None
        except (ValidationError, KeyError):
            return ""  # no status to ask for; what is there, the reading back tells
        return "" if status else str(status.id)

    def wait(self, status_id: str) -> None:
        """Wait until the server has finished with an envelope.

        Raises:
            Unavailable: it does not finish in the time that a delivery has.
        """
        url = f"{self._root}status/{status_id}/"
        pause = 0.1
        while True:
            try:
                if Status(url, conn=self._connection):
                    return
            except (NotFound, NotAllowed, ValidationError):
                return  # it forgot; what is there, the reading back tells
            if not self._connection.has_time_for(pause):
                raise Unavailable("it says that it is still working on it")
            time.sleep(pause)
            pause = min(pause * 2, 5.0)

    def by_ids(self, ids: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield every version of the objects with these ids that the server holds."""
        for start in range(0, len(ids), _IDS_AT_ONCE):
            some = ids[start : start + _IDS_AT_ONCE]
            yield from self._pages(id=some, version="all")

    def by_type(self, kind: str) -> Iterator[dict[str, Any]]:
        """Yield the newest version of every object of a type."""
        yield from self._pages(type=kind)

    def delete(self, made_id: str, version: str = "") -> None:
        """Delete an object, or one version of it; one that is not there is fine.

        Raises:
            NotAllowed: the server deletes nothing, or not for us.
        """
        try:
            self._collection.delete_object(made_id, version=version or "all")
        except NotFound:
            return

    def _pages(self, **wanted: Any) -> Iterator[dict[str, Any]]:
        # The limit is said always: medallion fails on a next page without it. Not the
        # library's own pages: they never end when a server repeats one.
        for _ in range(_MOST_PAGES):
            try:
                page = self._collection.get_objects(limit=_PAGE, **wanted)
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
            wanted["next"] = following
        raise Unavailable("it never stops giving pages")
