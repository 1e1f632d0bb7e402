"""The vault: whom each pseudonym stands for, locked away for a legal order.

Shares that are queued + the incident that they were made from -> `Deposit`s, which the
store keeps in the transaction that queues the share; and back, for one pseudonym.

Each value is encrypted with AES-256-GCM (NIST SP 800-38D) under a key of its own
recipient and epoch: HKDF-SHA-256 (RFC 5869) of the vault's key, with the recipient's
pseudonym key of that epoch as the salt. So whoever deletes an epoch's secret, or the
vault's key, has made unreadable what was locked with it. A value is found by an HMAC of
its pseudonym, so that the store alone does not tell which value belongs to which.

Invariants: recipient, epoch and index are authenticated with the value, so that no row
can be moved to another place; a value is padded, so that its length does not show; no
key and no value stands in a row, an error or a ``repr``. Nothing is locked away of what
did not leave, nor under an agreement that does not say so.
"""

from __future__ import annotations

import hmac
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from broker.canonical import dumps
from broker.errors import StoreError, VaultError
from broker.keys import Keys, RecipientKey
from broker.model.incident import Incident
from broker.model.reveal import Deposit
from broker.model.sharing import Outcome, Share, State
from broker.redact import fields_of
from broker.redact.pairs import pairs
from broker.rulebook import Route, Rulebook
from broker.store import Store

_LOG: Final = logging.getLogger("besa.vault")
_PURGE_SECONDS: Final = 3600.0
_NONCE: Final = 12
_PADDED_TO: Final = 64
_LENGTH: Final = 4


class Vault:
    """Locks values away, and unlocks one.

    Args:
        secrets: the vault's keys by number; the highest locks, all unlock. Whoever
            made the vault may add to them.
    """

    def __init__(self, secrets: Mapping[int, bytes]) -> None:
        self._secrets = secrets
        self._book: Rulebook | None = None
        self._routes: dict[str, Route] = {}

    def filled(
        self, outcome: Outcome, incident: Incident, book: Rulebook, keys: Keys
    ) -> Outcome:
        """Return an outcome with what is to be locked away of each queued share."""
        routes = self._agreed(book)
        if not routes:
            return outcome
        shares = tuple(
            self._share(share, incident, routes.get(share.decision.agreement), keys)
            for share in outcome.shares
        )
        return replace(outcome, shares=shares)

    def filled_share(
        self, share: Share, incident: Incident, book: Rulebook, keys: Keys
    ) -> Share:
        """Return one share with what is to be locked away of it."""
        route = self._agreed(book).get(share.decision.agreement)
        return self._share(share, incident, route, keys)

    def _agreed(self, book: Rulebook) -> dict[str, Route]:
        """Return the agreements that let pseudonyms be looked up, once per rulebook."""
        if book is not self._book:
            self._routes = {
                route.agreement.agreement: route
                for route in book.routes
                if route.agreement.reveal is not None
            }
            self._book = book
        return self._routes

    def _share(
        self, share: Share, incident: Incident, route: Route | None, keys: Keys
    ) -> Share:
        if route is None:
            return share
        sealed, redacted = share.sealed, share.redacted
        if share.state is not State.QUEUED or sealed is None or redacted is None:
            return share
        recipient, agreement = sealed.recipient, route.agreement
        key = keys.recipients[recipient]
        found: dict[str, Deposit] = {}
        for field, pseudonym, value in pairs(redacted, fields_of(incident), key):
            # What is not in the bytes that leave, nobody can ask about.
            if pseudonym in found or pseudonym.encode() not in sealed.body:
                continue
            number = max(self._secrets, default=0)
            index = self._index(number, recipient, key, pseudonym)
            found[pseudonym] = Deposit(
                recipient,
                key.epoch,
                index,
                number,
                field,
                agreement.agreement,
                timedelta(days=agreement.retention_days),
                self._locked(number, recipient, key, index, value),
            )
        return replace(share, deposits=tuple(found.values()))

    def indexes(
        self, recipient: str, key: RecipientKey, pseudonym: str
    ) -> tuple[str, ...]:
        """Return where a pseudonym's value may lie: one place for each of our keys."""
        return tuple(
            self._index(number, recipient, key, pseudonym)
            for number in sorted(self._secrets, reverse=True)
        )

    def unlock(self, deposit: Deposit, key: RecipientKey) -> str:
        """Return the value of one deposit.

        Raises:
            VaultError: it was altered or moved, or its key is not here any more.
        """
        locking, _ = self._keys(deposit.number, deposit.recipient, key)
        about = _about(deposit.recipient, key.epoch, deposit.index)
        nonce, locked = deposit.box[:_NONCE], deposit.box[_NONCE:]
        try:
            padded = AESGCM(locking).decrypt(nonce, locked, about)
        except (InvalidTag, ValueError):
            raise VaultError(
                "what the vault holds there was altered, or locked with other keys"
            ) from None
        length = int.from_bytes(padded[:_LENGTH], "big")
        return padded[_LENGTH : _LENGTH + length].decode("utf-8", "surrogatepass")

    def _locked(
        self, number: int, recipient: str, key: RecipientKey, index: str, value: str
    ) -> bytes:
        locking, _ = self._keys(number, recipient, key)
        plain = value.encode("utf-8", "surrogatepass")
        whole = len(plain).to_bytes(_LENGTH, "big") + plain
        padded = whole + bytes(-len(whole) % _PADDED_TO)
        # Random: one key locks far fewer than the 2^32 values that SP 800-38D allows.
        nonce = os.urandom(_NONCE)
        about = _about(recipient, key.epoch, index)
        return nonce + AESGCM(locking).encrypt(nonce, padded, about)

    def _index(
        self, number: int, recipient: str, key: RecipientKey, pseudonym: str
    ) -> str:
        _, finding = self._keys(number, recipient, key)
        return hmac.digest(finding, pseudonym.encode(), "sha256").hex()

    def _keys(
        self, number: int, recipient: str, key: RecipientKey
    ) -> tuple[bytes, bytes]:
        secret = self._secrets.get(number)
        if not self._secrets:
            raise VaultError("the vault has no key; make one with `besa keys vault`")
        if secret is None:
            raise VaultError(
                f"the vault's key {number} is not here: bring vault-{number}.secret "
                "back from the safe"
            )
        return _derived(secret, recipient, key.epoch, key.pseudonyms)


class Purge:
    """Deletes what is past its time; called by the consume loop between its batches.

    Args:
        store: where the vault's rows are.
        clock: returns the time in UTC.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._next = 0.0

    def __call__(self, *, now: bool = False) -> None:
        """Delete what is due; at most once an hour, unless it must be ``now``."""
        if not now and time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _PURGE_SECONDS
        try:
            gone = self._store.purge_vault(self._clock())
        except StoreError as error:
            _LOG.warning("the vault was not purged: %s", error)
            return
        if gone:
            _LOG.info("%d values are past their time and left the vault", gone)


@lru_cache(maxsize=256)
def _derived(
    secret: bytes, recipient: str, epoch: int, salt: bytes
) -> tuple[bytes, bytes]:
    """Return the key that locks values, and the one that finds them."""
    info = f"besa/vault/{epoch}/{recipient}".encode()
    made = HKDF(SHA256(), 64, salt=salt, info=info).derive(secret)
    return made[:32], made[32:]


def _about(recipient: str, epoch: int, index: str) -> bytes:
    return dumps(["besa vault 1", recipient, epoch, index])
