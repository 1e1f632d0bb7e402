"""A recall over TAXII: what a real medallion holds of a case is gone afterwards."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from random import Random

from broker.deliver import Credential, Timeouts
from broker.dispatch import Dispatcher, Totals
from broker.model.intake import Position
from broker.recall import Recall
from broker.rulebook import Rulebook
from broker.seal import VerifyingKey
from broker.store import open_store
from broker.store.recall_orders import Kind
from tests import world
from tests.contract.taxii_server import PASSWORD, USER, running
from tests.contract.test_taxii_route import rulebook, taken


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def dispatch(url: str, book: Rulebook) -> Totals:
    """Deliver what waits for the police."""
    [to] = [r.recipient for r in book.routes if r.recipient.recipient == "kp-misp"]
    key = VerifyingKey.from_pem(world.keys().signing.public_pem())
    return Dispatcher(
        url,
        [to],
        {"kp-misp": Credential("kp-misp", f"{USER}:{PASSWORD}")},
        {key.id: key},
        clock=now,
        timeouts=Timeouts(5.0, 30.0, 120.0),
        chance=Random(1),
    ).run(until_idle=True)


def test_a_recall_empties_the_collection(tmp_path: Path) -> None:
    """The case is revoked, its contents are deleted, and the unit must confirm it."""
    with running(tmp_path) as taxii:
        book = rulebook(taxii.root)
        outcome = taken(book)
        url, keys = f"sqlite:///{tmp_path / 'store.db'}", world.keys()
        place = Position("kafka", "csirt.incidents", 0, 1)
        with open_store(url) as store:
            store.commit([(place, outcome)], now(), keys.signing)
        first = dispatch(url, book)
        before = {made["type"] for made in taxii.objects()}
        with open_store(url) as store:
            store.order_recall(
                Kind.RECALL, "arta", "why", now(), uid=outcome.uid, recipient="kp-misp"
            )
            Recall(store, lambda: book, keys, now, 7, lambda _: True)(now=True)
        second = dispatch(url, book)
        after = list(taxii.objects())
        with open_store(url) as store:
            [waits] = store.recalls()
            store.check_register(
                {keys.signing.id: VerifyingKey.from_pem(keys.signing.public_pem())}
            )

    assert (1, 1) == (first.delivered, second.delivered)
    assert {"indicator", "report"} <= before
    assert [True] == [one["revoked"] for one in after if one["type"] == "report"]
    assert not {"indicator", "observed-data"} & {one["type"] for one in after}
    assert waits.delivered_at is not None
