"""A whole route over TAXII: policies, guard, seal, outbox, dispatch, medallion."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from random import Random

import pytest

from broker.canonical import loads
from broker.deliver import Credential, Timeouts
from broker.dispatch import Dispatcher
from broker.model.intake import Position
from broker.model.sharing import NO_HISTORY, Outcome, State
from broker.rulebook import Rulebook, build
from broker.seal import VerifyingKey
from broker.store import open_store
from tests import world
from tests.contract.taxii_server import OURS, PASSWORD, USER, running

GUARDRAIL = world.ROOT / "tests" / "policies" / "stix-police.yaml"
RECIPIENT = """\
recipient: kp-misp
authority: Police
kind: taxii
url: {root}
collection: {collection}
credential: kp-misp
clearance: {{tlp: amber+strict, pap: red}}
"""


@cache
def rulebook(root: str = "http://127.0.0.1:9/csirt/") -> Rulebook:
    """Return the shipped rulebook, with the police taking STIX over TAXII."""
    files = dict(world.files())
    said = RECIPIENT.format(root=root, collection=OURS).encode()
    files["policies/recipients/kp-misp.yaml"] = said
    files["policies/guardrails/stix-police.yaml"] = GUARDRAIL.read_bytes()
    name = "policies/agreements/kp-cybercrime.yaml"
    files[name] = files[name].replace(b"misp-police", b"stix-police")
    return build(files)


def taken(book: Rulebook, **changes: object) -> Outcome:
    """Take an incident the whole way."""
    return world.disclose(world.incident(**changes), NO_HISTORY, book)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"suspects": None},
        {"observables": None},
        {"tlp": "green"},
        {"victims": None},
    ],
)
def test_a_bundle_passes_its_guardrail(changes: dict[str, object]) -> None:
    """What the path makes for the police is let through by a guardrail for bundles."""
    share = next(
        each
        for each in taken(rulebook(), **changes).shares
        if each.decision.recipient == "kp-misp"
    )

    assert () == share.breaches
    assert (State.QUEUED, "") == (share.state, share.failure)
    assert share.sealed is not None
    assert "bundle" == loads(share.sealed.body)["type"]


def test_an_incident_arrives_over_taxii(tmp_path: Path) -> None:
    """An incident goes all the way to a collection, and its receipt has no losses."""
    with running(tmp_path) as taxii:
        book = rulebook(taxii.root)
        outcome = taken(book)
        url = f"sqlite:///{tmp_path / 'store.db'}"
        signing = world.keys().signing
        with open_store(url) as store:
            place = Position("kafka", "csirt.incidents", 0, 1)
            store.commit([(place, outcome)], datetime.now(UTC), signing)
        to = next(
            route.recipient
            for route in book.routes
            if route.recipient.recipient == "kp-misp"
        )
        key = VerifyingKey.from_pem(signing.public_pem())
        totals = Dispatcher(
            url,
            [to],
            {"kp-misp": Credential("kp-misp", f"{USER}:{PASSWORD}")},
            {key.id: key},
            clock=lambda: datetime.now(UTC),
            timeouts=Timeouts(5.0, 10.0, 60.0),
            chance=Random(1),
        ).run(until_idle=True)

        assert (1, 0) == (totals.delivered, totals.failed)
        with open_store(url) as store:
            (receipt,) = store.unpublished_receipts()
            store.check_register({key.id: key})
        assert () == receipt.receipt.losses
        reports = taxii.objects(type="report")
        assert [receipt.receipt.remote_id] == [made["id"] for made in reports]
