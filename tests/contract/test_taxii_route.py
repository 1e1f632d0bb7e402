"""A whole route over TAXII: policies, guard, seal, outbox, dispatch, medallion."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from random import Random

import pytest

from broker import pipeline
from broker.canonical import dumps, loads
from broker.deliver import Credential, Timeouts
from broker.dispatch import Dispatcher
from broker.guard import inspect
from broker.model.intake import Position
from broker.model.sharing import NO_HISTORY, Draft, Outcome, State
from broker.rulebook import Rulebook, build
from broker.seal import VerifyingKey
from broker.store import open_store
from tests import world
from tests.contract.taxii_server import OURS, PASSWORD, USER, running

GUARDRAILS = world.ROOT / "tests" / "policies"
# The two dialects in which a bundle can be: see docs/mappings.md.
DIALECTS = ("stix-police", "stix-misp-police")
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
def rulebook(
    root: str = "http://127.0.0.1:9/csirt/", guardrail: str = "stix-police"
) -> Rulebook:
    """Return the shipped rulebook, with the police taking STIX over TAXII."""
    files = dict(world.files())
    said = RECIPIENT.format(root=root, collection=OURS).encode()
    files["policies/recipients/kp-misp.yaml"] = said
    file = f"{guardrail}.yaml"
    files[f"policies/guardrails/{file}"] = (GUARDRAILS / file).read_bytes()
    name = "policies/agreements/kp-cybercrime.yaml"
    files[name] = files[name].replace(b"misp-police", guardrail.encode())
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
@pytest.mark.parametrize("guardrail", DIALECTS)
def test_a_bundle_passes_its_guardrail(
    changes: dict[str, object], guardrail: str
) -> None:
    """What the path makes for the police is let through by a guardrail for bundles."""
    share = next(
        each
        for each in taken(rulebook(guardrail=guardrail), **changes).shares
        if each.decision.recipient == "kp-misp"
    )

    assert () == share.breaches
    assert (State.QUEUED, "") == (share.state, share.failure)
    assert share.sealed is not None
    assert "bundle" == loads(share.sealed.body)["type"]


@pytest.mark.parametrize("guardrail", DIALECTS)
def test_an_incident_arrives_over_taxii(tmp_path: Path, guardrail: str) -> None:
    """An incident goes all the way to a collection, and its receipt has no losses."""
    with running(tmp_path) as taxii:
        book = rulebook(taxii.root, guardrail)
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


def test_a_withheld_value_in_misps_dialect_is_found() -> None:
    """The guard looks into the custom objects: a value that is withheld is a breach."""
    book = rulebook(guardrail="stix-misp-police")
    route = next(each for each in book.routes if each.recipient.recipient == "kp-misp")
    raw = dumps(world.incident())
    incident = pipeline.receive(raw, rulebook=book).incident
    sealed = next(
        each.sealed
        for each in taken(book).shares
        if each.decision.recipient == "kp-misp"
    )
    assert sealed is not None
    document = loads(sealed.body)
    withheld = next(each.name for each in incident.victims if each.name)
    made = next(
        each for each in document["objects"] if each["type"] == "x-misp-attribute"
    )

    def breaches() -> list[str]:
        draft = Draft("kp-misp", sealed.wire, dumps(document))
        return [each.rule for each in inspect(draft, incident, route.guard)]

    before = breaches()
    made["x_misp_value"] = withheld
    after = breaches()

    assert [] == before
    assert ["withheld-value"] == after
