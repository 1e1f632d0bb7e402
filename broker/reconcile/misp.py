"""What a MISP holds: read back by UUID, deleted things included, and changed by nobody.

`Sealed` (a MISP event) against the server's event -> `Difference`s, in MISP's normal
form (see `broker.deliver.misp_compare`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial
from typing import Any, Final

from broker.deliver import Delivery, Timeouts
from broker.deliver.misp import MispRecipient
from broker.deliver.misp_client import MispClient
from broker.deliver.misp_compare import compare, is_deleted, pairs, stamp_of, uuid_of
from broker.deliver.sealed_event import event_of
from broker.errors import Unavailable
from broker.model.sharing import TAKEN_BACK, Loss, Sealed
from broker.reconcile.findings import UNKNOWN_RECALL, Difference, Finding

_PAGE: Final = 500
_MOST_PAGES: Final = 10_000
_MOST_BYTES: Final = 1 << 20


class MispHoldings:
    """One MISP, asked for the events that are ours there."""

    def __init__(self, way: Delivery, timeouts: Timeouts) -> None:
        if not isinstance(way, MispRecipient):
            raise TypeError("a MISP is asked through its own adapter")
        self._way = way
        self._timeouts = timeouts
        self._seen: dict[str, dict[str, Any]] = {}

    def close(self) -> None:
        """Give up the connection."""
        self._way.close()

    def expect(self, editions: Collection[Sealed]) -> None:
        """Fetch the events of some editions, many with one question.

        A search shows nothing of what was deleted. So it only ever tells that an event
        is as it should be; all others are looked at one by one.
        """
        self._seen = {}
        for part in _parts(editions):
            question = {"returnFormat": "json", "uuid": part, "limit": len(part)}
            found = self._way.ask(partial(_search, question))
            self._seen |= {uuid_of(event): event for event in map(_event, found)}

    def holds(self, share: str) -> bool:
        """Say whether the event is there."""
        return self._way.look(share) is not None

    def differences(
        self, sealed: Sealed, losses: Collection[Loss]
    ) -> tuple[Difference, ...]:
        """Compare an edition with the server's event."""
        event = event_of(sealed)
        held = self._seen.pop(sealed.share, None)
        if held is not None and not any(event_differences(event, held, losses)):
            return ()
        held = self._way.look(sealed.share)
        if held is None:
            if sealed.retracts:
                return ()  # nothing is there of what was taken back
            what = "the event is not there, or hidden from us"
            return (Difference(Finding.MISSING, sealed.share, what),)
        return tuple(event_differences(event, held, losses))

    def strangers(self, known: Collection[str]) -> Iterator[Difference]:
        """Yield events of our organisation that belong to no case."""
        ours = self._way.ask(lambda misp: misp.organisation).lower()
        for page in range(1, _MOST_PAGES):
            question = {
                "returnFormat": "json",
                "metadata": True,
                "org": ours,
                "limit": _PAGE,
                "page": page,
            }
            found = self._way.ask(partial(_search, question))
            events = [_event(one) for one in found]
            for event in events:
                share = uuid_of(event)
                if uuid_of(event.get("Orgc") or {}) == ours and share not in known:
                    yield Difference(
                        Finding.EXTRA, share, "an event of ours that Besa never sent"
                    )
            if len(events) < _PAGE:
                return


def _parts(editions: Collection[Sealed]) -> Iterator[list[str]]:
    """Yield UUIDs of which the events together are not too much for one answer."""
    part: list[str] = []
    size = 0
    for sealed in editions:
        if part and size + len(sealed.body) > _MOST_BYTES:
            yield part
            part, size = [], 0
        part.append(sealed.share)
        size += len(sealed.body)
    if part:
        yield part


def _search(question: dict[str, Any], misp: MispClient) -> Any:
    return misp.direct_call("events/restSearch", question)


def _event(answer: Any) -> dict[str, Any]:
    event = answer.get("Event") if isinstance(answer, dict) else None
    if not isinstance(event, dict):
        raise Unavailable("what answers there is not a MISP")
    return event


def event_differences(
    event: dict[str, Any], held: dict[str, Any], losses: Collection[Loss]
) -> Iterator[Difference]:
    """Yield how an event that somebody holds differs from the edition's.

    What the receipt told as lost is no difference. An older event is one difference,
    not as many as it has parts.
    """
    share = uuid_of(event)
    if stamp_of(held) < stamp_of(event):
        yield Difference(Finding.OLDER, share, "an older edition is there")
        return
    if _takes_back(held) and not _takes_back(event):
        yield Difference(Finding.RECALLED, share, UNKNOWN_RECALL)
        return
    found = compare(event, held)
    known = {(loss.id, loss.what) for loss in losses}
    gone = _deleted(event, held)
    for uuid in found.missing:
        if uuid in gone:
            yield Difference(Finding.DELETED, uuid, "was deleted there")
        elif (uuid, "dropped by the server") not in known:
            yield Difference(Finding.MISSING, uuid, "is not there")
    for loss in found.altered:
        if (loss.id, loss.what) not in known:
            yield Difference(Finding.ALTERED, loss.id, loss.what)
    for uuid in found.strays:
        yield Difference(Finding.EXTRA, uuid, "is there, and not in the edition")
    for uuid in found.leftovers:
        yield Difference(Finding.ALTERED, uuid, "has a field that the edition lacks")
    if found.stray_tags and (share, "a tag was not removed") not in known:
        yield Difference(Finding.EXTRA, share, f"{len(found.stray_tags)} tags more")
    if found.missing_tags and (share, "a tag was not kept") not in known:
        yield Difference(Finding.MISSING, share, f"{len(found.missing_tags)} tags less")
    if found.unpublished and (share, "stored, and not published") not in known:
        yield Difference(Finding.ALTERED, share, "is not published any more")


def _takes_back(event: dict[str, Any]) -> bool:
    return str(event.get("info", "")).startswith(TAKEN_BACK)


def _deleted(event: dict[str, Any], held: dict[str, Any]) -> set[str]:
    """Return what of the edition the server still knows, as deleted."""
    return {
        uuid_of(own)
        for _, own, there in pairs(event, held)
        if own is not None and there is not None and is_deleted(there)
    }
