"""The adapter to a TAXII 2.1 collection: add, read back, take back, read back again.

`Sealed` (a STIX bundle) -> `Receipt`. TAXII knows no bundles, so the sealed bundle's
objects travel in envelopes; `prove` compares each envelope with the sealed bytes. Of
an older edition nothing stays where the server deletes: neither objects that the new
one lacks nor older versions. What those are is asked of the server itself, whose older
reports list them.

Invariants: a collection belongs to one recipient; the report, which makes a case out of
the objects, is posted last; an object that another case there uses is never deleted;
what is taken back and stays is a loss in the receipt, or, unless the recipient's file
expects that, an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from broker.canonical import dumps, loads
from broker.deliver import Timeouts
from broker.deliver.taxii_client import TaxiiCollection
from broker.deliver.taxii_connection import NotAllowed, TooLarge
from broker.errors import Refused, Unavailable
from broker.model.sharing import Loss, Receipt, ReceiptState, Sealed, Wire

_FRAME: Final = len(b'{"objects":[]}')
# Its property ``version`` makes medallion unable to read the whole collection, and
# nobody needs it to read our properties.
_UNSENT: Final = "extension-definition"
_STAYS: Final = "was taken back, and the server keeps it"

Thing = dict[str, Any]


class TaxiiRecipient:
    """One TAXII collection that takes cases. Connects when the first is delivered."""

    def __init__(
        self,
        url: str,
        collection: str,
        key: str,
        *,
        deletes: bool = True,
        verify: bool | str = True,
        certificate: str | None = None,
        timeouts: Timeouts,
        clock: Callable[[], datetime],
    ) -> None:
        self._server = TaxiiCollection(
            url,
            collection,
            key,
            verify=verify,
            certificate=certificate,
            timeouts=timeouts,
        )
        self._deletes = deletes
        self._clock = clock

    def close(self) -> None:
        """Give up all connections."""
        self._server.close()

    def deliver(self, sealed: Sealed) -> Receipt:
        """Bring the collection to hold exactly this edition of the case.

        Raises:
            Unavailable: not now; try again later. `Busy` says when.
            Refused: not ever: no right, not valid, an older edition.
        """
        objects = _objects_of(sealed)
        report = f"report--{sealed.share}"
        self._server.start()
        if not self._server.can_read:
            return self._blindly(sealed, objects)
        ours = {made["id"]: made for made in objects}
        held = list(self._server.by_ids(list(ours)))
        older = _older_ids(held, report, ours[report])
        there = _by_id(held)
        self._clear(objects, there, report)
        missing = [made for made in objects if made not in there.get(made["id"], ())]
        self._post(missing, report, objects)
        held = list(self._server.by_ids([*ours, *older]))
        there = _by_id(held)
        if ours[report] not in there.get(report, ()):
            raise Unavailable("the server did not take the report")
        losses = list(_losses(objects, there))
        losses += self._take_back(ours, held, report)
        return self._receipt(sealed, losses)

    def opened(self) -> TaxiiCollection:
        """Return the collection, ready to be asked for what it holds.

        Raises:
            Unavailable: the server cannot be asked now.
            Refused: the collection is not ours.
        """
        self._server.start()
        return self._server

    def _blindly(self, sealed: Sealed, objects: list[Thing]) -> Receipt:
        """Post to a collection that nobody lets us read."""
        if self._deletes:
            raise Refused(
                "the collection cannot be read by us, so nothing can be taken back "
                "there; with `deletes: false` it is used all the same"
            )
        self._post(objects, f"report--{sealed.share}", objects)
        return self._receipt(sealed, [Loss(sealed.share, "sent, and not read back")])

    def _receipt(self, sealed: Sealed, losses: Iterable[Loss]) -> Receipt:
        return Receipt(
            sealed.recipient,
            sealed.share,
            sealed.edition,
            ReceiptState.DELIVERED,
            self._clock(),
            sealed.sha256,
            f"report--{sealed.share}",
            tuple(losses),
        )

    def _post(self, objects: list[Thing], report: str, sealed: list[Thing]) -> None:
        """Post objects in as few envelopes as the server takes, the report alone last.

        Whoever polls meanwhile never sees a report of objects that are not there yet.
        """
        for group in (
            [made for made in objects if made["id"] != report],
            [made for made in objects if made["id"] == report],
        ):
            for part in _split(group, self._server.most_bytes):
                self._post_part(part, sealed)

    def _post_part(self, part: list[Thing], sealed: list[Thing]) -> None:
        envelope = dumps({"objects": part})
        prove(sealed, envelope)
        try:
            pending = self._server.add(envelope)
        except TooLarge:
            if len(part) == 1:
                raise Refused("an object is too large for the server", 413) from None
            half = len(part) // 2
            self._post_part(part[:half], sealed)
            self._post_part(part[half:], sealed)
            return
        if pending:
            self._server.wait(pending)

    def _clear(
        self, objects: list[Thing], there: dict[str, list[Thing]], report: str
    ) -> None:
        """Delete what has no versions and is stored otherwise, to post it anew.

        An observable of an older edition may hold more than this edition discloses.
        """
        stale = [
            made["id"]
            for made in objects
            if not ("modified" in made or made["type"] == "marking-definition")
            and there.get(made["id"])
            and made not in there[made["id"]]
        ]
        if not (stale and self._deletes):
            return
        shared = self._used_elsewhere(report)
        for made_id in stale:
            if made_id not in shared:
                self._delete(made_id)

    def _delete(self, made_id: str, version: str = "") -> None:
        try:
            self._server.delete(made_id, version)
        except NotAllowed:
            raise Refused(
                "the server does not delete what was taken back; `deletes: false` in "
                "the recipient's file accepts that",
                403,
            ) from None

    def _take_back(
        self, ours: dict[str, Thing], held: list[Thing], report: str
    ) -> list[Loss]:
        """Delete what only older editions of the case have; return what stays.

        The older reports go last: they say what there is to delete, should this end
        half-way.
        """
        strays = {made["id"] for made in held} - ours.keys()
        old = [
            made
            for made in held
            if made["id"] in ours and made != ours[made["id"]] and "modified" in made
        ]
        if not (strays or old):
            return []
        if not self._deletes:
            kept = [Loss(made_id, _STAYS) for made_id in sorted(strays)]
            return kept + ([Loss(report, "older versions stay there")] if old else [])
        shared = self._used_elsewhere(report) if strays else set()
        for made_id in sorted(strays - shared):
            self._delete(made_id)
        reports = [made for made in old if made["id"] == report]
        for made in [each for each in old if each["id"] != report] + reports:
            self._delete(made["id"], made["modified"])
        self._demand_gone(strays - shared, old)
        return []

    def _demand_gone(self, strays: set[str], old: list[Thing]) -> None:
        asked = sorted(strays | {made["id"] for made in old})
        left = list(self._server.by_ids(asked))
        if any(made["id"] in strays or made in old for made in left):
            raise Unavailable("the server keeps something that was taken back")

    def _used_elsewhere(self, report: str) -> set[str]:
        """Return what the other cases in this collection are made of."""
        return {
            ref
            for made in self._server.by_type("report")
            if made.get("id") != report and not made.get("revoked")
            for ref in made.get("object_refs") or ()
        }


def prove(sealed: list[Thing], envelope: bytes) -> None:
    """Check that an envelope holds objects of the sealed bundle and nothing else.

    Raises:
        Refused: it does not; nothing may be sent.
    """
    said = loads(envelope)
    ours = {dumps(made) for made in sealed}
    if said.keys() != {"objects"} or any(
        dumps(made) not in ours for made in said["objects"]
    ):
        raise Refused("the envelope would tell more than was sealed; not sent")


def _split(objects: list[Thing], most: int) -> Iterator[list[Thing]]:
    """Yield runs of objects whose envelopes have at most so many bytes each."""
    part: list[Thing] = []
    size = _FRAME
    for made in objects:
        length = len(dumps(made)) + 1
        if part and size + length > most:
            yield part
            part, size = [], _FRAME
        part.append(made)
        size += length
    if part:
        yield part


def _objects_of(sealed: Sealed) -> list[Thing]:
    """Parse the sealed bytes anew; return all that is sent of them.

    Raises:
        Refused: they are no STIX bundle, or not of the case that the seal names.
    """
    if sealed.wire not in (Wire.STIX_BUNDLE, Wire.STIX_MISP):
        raise Refused("a TAXII collection takes STIX bundles only")
    try:
        document = loads(sealed.body)
        objects = [made for made in document["objects"] if made["type"] != _UNSENT]
        named = [made["id"] for made in objects]
        same = document["type"] == "bundle" and f"report--{sealed.share}" in named
    except (ValueError, KeyError, TypeError):
        same = False
    if not same:
        raise Refused("the body is not the case that the seal names")
    return objects


def _older_ids(held: list[Thing], report: str, ours: Thing) -> list[str]:
    """Return what earlier reports of the case list.

    Raises:
        Refused: the server has a newer report than ours.
    """
    found: dict[str, None] = {}
    for made in held:
        if made.get("id") == report and made != ours:
            if str(made.get("modified", "")) > ours["modified"]:
                raise Refused("a newer edition is there")
            found |= dict.fromkeys(map(str, made.get("object_refs") or ()))
    return [made_id for made_id in found if made_id != report]


def _by_id(held: list[Thing]) -> dict[str, list[Thing]]:
    """Return all versions of what a server holds, by id."""
    found: dict[str, list[Thing]] = {}
    for made in held:
        found.setdefault(str(made.get("id")), []).append(made)
    return found


def _losses(objects: list[Thing], there: dict[str, list[Thing]]) -> Iterator[Loss]:
    for made in objects:
        versions = there.get(made["id"], ())
        if made not in versions:
            what = "is stored otherwise" if versions else "was dropped"
            yield Loss(made["id"], f"{what} by the server")
