"""The adapter to a MISP: add, read back, and repair until it holds the edition.

`Sealed` (a MISP event) -> `Receipt`. The first thing sent is the sealed bytes as they
are; only an event that exists already gets an update, which `misp_update.prove` has
compared with the sealed bytes. What a MISP does to a pushed event, and so why each step
is there, is told in ``docs/delivery.md``.

Invariants: only an event of our own organisation is ever changed; what an edition took
back and the server would not delete is never reported as delivered.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from broker.canonical import dumps, loads
from broker.deliver import Timeouts
from broker.deliver.misp_answers import Answer, NotMisp, refusal_of
from broker.deliver.misp_client import MispClient
from broker.deliver.misp_compare import (
    Difference,
    compare,
    stamp_of,
    uuid_of,
)
from broker.deliver.misp_group import make_sure
from broker.deliver.misp_update import compose, prove
from broker.deliver.network import named_failures
from broker.deliver.sealed_event import as_text, event_of
from broker.errors import DeliveryError, Refused, Unavailable
from broker.model.recipient import SharingGroup
from broker.model.sharing import Receipt, ReceiptState, Sealed

_REPAIRS: Final = 2
_REMEMBERED: Final = 10_000
# MISP's tables hold three-byte UTF-8: a longer character makes it answer 500 for ever.
_TOO_WIDE: Final = re.compile("[\U00010000-\U0010ffff]")


class MispRecipient:
    """One MISP that takes events. Connects when the first one is delivered."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        verify: bool | str = True,
        certificate: str | None = None,
        group: SharingGroup | None = None,
        timeouts: Timeouts,
        clock: Callable[[], datetime],
    ) -> None:
        self._url = url
        self._key = key
        self._verify = verify
        self._certificate = certificate
        self._group = group
        self._timeouts = timeouts
        self._clock = clock
        self._connected: MispClient | None = None
        self._deadline = 0.0
        # The newest edition sent of each event; of the last few, to stay small.
        self._sent: OrderedDict[str, int] = OrderedDict()

    def close(self) -> None:
        """Give up the connection."""
        if self._connected is not None:
            self._connected.close()
            self._connected = None

    def deliver(self, sealed: Sealed) -> Receipt:
        """Bring the MISP to hold exactly this edition, and say what it holds.

        Raises:
            Unavailable: not now; try again later. `Busy` says when.
            Refused: not ever: no right, blocklisted, not ours, an older edition.
        """
        event = event_of(sealed)
        if sealed.edition < self._sent.get(sealed.share, 0):
            raise Refused("a newer edition was sent before")
        self._deadline = time.monotonic() + self._timeouts.total
        self._demand_group(event)
        added = sealed.edition == 1 and self._add(sealed)
        held = self._look(sealed.share)
        if held is None and not added:
            if sealed.edition == 1:
                raise Refused("an event with this UUID is there, and hidden from us")
            # The recipient lost it, or never had the editions before.
            added = self._add(sealed)
            held = self._look(sealed.share)
        if held is None:
            raise Unavailable("the event is not there after it was added")
        self._remember(sealed)
        return self._settle(sealed, event, held, added=added)

    def look(self, share: str) -> dict[str, Any] | None:
        """Return an event as the server holds it, deleted things included.

        Raises:
            Unavailable: the server cannot be asked now.
            Refused: it does not let us look.
        """
        self._deadline = time.monotonic() + self._timeouts.total
        return self._look(share)

    def ask(self, question: Callable[[MispClient], Any]) -> Any:
        """Ask the server something that changes nothing there.

        Raises:
            Unavailable: the server cannot be asked now.
            Refused: it does not answer that.
        """
        self._deadline = time.monotonic() + self._timeouts.total
        try:
            return self._call(question)
        except Answer as answer:
            raise refusal_of(answer) from None

    def _remember(self, sealed: Sealed) -> None:
        self._sent[sealed.share] = sealed.edition
        self._sent.move_to_end(sealed.share)
        if len(self._sent) > _REMEMBERED:
            self._sent.popitem(last=False)

    def _settle(
        self,
        sealed: Sealed,
        event: dict[str, Any],
        held: dict[str, Any],
        *,
        added: bool,
    ) -> Receipt:
        """Update and repair until the server holds the edition, or will not."""
        updates = _REPAIRS if added else _REPAIRS + 1
        difference = compare(event, held)
        older = stamp_of(held) < stamp_of(event)
        if not added:
            self._demand_ours(event, held)
        for number in range(updates):
            if not (difference.in_content or older):
                break
            self._update(sealed, held, difference)
            held = self._look(sealed.share) or {}
            before, difference = difference, compare(event, held)
            older = stamp_of(held) < stamp_of(event)
            # What a repair did not change, another will not either.
            if difference == before and (added or number > 0):
                break
        if difference.not_taken_back:
            raise Unavailable("the server keeps something that was taken back")
        if older:
            raise Unavailable("the server did not take the update")
        return Receipt(
            sealed.recipient,
            sealed.share,
            sealed.edition,
            ReceiptState.DELIVERED,
            self._clock(),
            sealed.sha256,
            str(held.get("id", "")),
            (*difference.losses(sealed.share), *as_text(event)),
        )

    def _add(self, sealed: Sealed) -> bool:
        """Send the sealed bytes; False if there is an event with this UUID already."""
        try:
            self._call(lambda misp: misp.add(sealed.body))
        except Answer as answer:
            if answer.status == 404 and "already exists" in answer.words:
                return False
            raise self._explained(answer, sealed) from None
        return True

    def _look(self, share: str) -> dict[str, Any] | None:
        """Return the event as the server holds it, deleted things included."""
        try:
            found = self._call(lambda misp: misp.view(share))
        except Answer as answer:
            if answer.status == 404:
                return None
            raise refusal_of(answer) from None
        event = found.get("Event") if isinstance(found, dict) else None
        if not isinstance(event, dict) or uuid_of(event) != share:
            raise Unavailable("the server answered with another event")
        return event

    def _update(
        self, sealed: Sealed, held: dict[str, Any], difference: Difference
    ) -> None:
        """Send what the server lacks; see `misp_update` for what an update may be."""
        for uuid in difference.leftovers:
            held = self._clear(uuid, sealed.share) or held
        update = compose(event_of(sealed), held)
        prove(event_of(sealed), update, held)
        body = dumps({"Event": update})
        try:
            self._call(lambda misp: misp.edit(sealed.share, body))
        except Answer as answer:
            # Somebody was faster and the event is newer now: look again and repeat.
            if answer.status == 403 and "not newer" in answer.words:
                return
            raise self._explained(answer, sealed) from None

    def _clear(self, uuid: str, share: str) -> dict[str, Any] | None:
        """Delete an attribute for good, so that the update makes it anew and clean."""
        try:
            self._call(lambda misp: misp.direct_call(f"attributes/delete/{uuid}/1", {}))
        except Answer as answer:
            raise refusal_of(answer) from None
        return self._look(share)

    def _demand_group(self, event: dict[str, Any]) -> None:
        """See that only the agreed organisations will see the event."""
        named = uuid_of(event.get("SharingGroup") or {})
        group = self._group
        if named != (group.uuid if group else ""):
            raise Refused("it was sealed for another sharing group")
        if group is None:
            return
        try:
            self._call(lambda misp: make_sure(misp, group))
        except Answer as answer:
            raise refusal_of(answer) from None

    def _demand_ours(self, event: dict[str, Any], held: dict[str, Any]) -> None:
        creator = uuid_of(held.get("Orgc") or {})
        ours = {
            uuid_of(event.get("Orgc") or {}),
            self._call(lambda misp: misp.organisation).lower(),
        }
        if not creator or creator not in ours:
            raise Refused("the event there belongs to another organisation")

    def _call(self, ask: Callable[[MispClient], Any]) -> Any:
        """Ask the server something, with every failure but a status explained."""
        if time.monotonic() > self._deadline:
            raise Unavailable("it took too long")
        with _mapped():
            return ask(self._client())

    def _client(self) -> MispClient:
        if self._connected is None:
            try:
                self._connected = MispClient(
                    self._url,
                    self._key,
                    verify=self._verify,
                    certificate=self._certificate,
                    timeout=(self._timeouts.connect, self._timeouts.answer),
                )
            except Answer as answer:
                raise refusal_of(answer) from None
        return self._connected

    def _explained(self, answer: Answer, sealed: Sealed) -> DeliveryError:
        if answer.status == 500 and _TOO_WIDE.search(
            dumps(loads(sealed.body)).decode()
        ):
            return Refused("it holds a character that MISP cannot store", 500)
        return refusal_of(answer)


@contextmanager
def _mapped() -> Iterator[None]:
    """Turn every error of the network into a `DeliveryError`, without its text."""
    try:
        with named_failures():
            yield
    except NotMisp:
        raise Unavailable("what answers there is not a MISP") from None
