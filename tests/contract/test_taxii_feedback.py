"""What a unit puts into its TAXII collection is heard: against medallion."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import requests

from broker.canonical import loads
from broker.deliver import Timeouts
from broker.deliver.taxii import TaxiiRecipient
from broker.deliver.taxii_connection import MEDIA
from broker.deliver.taxii_listening import TaxiiListening, said_about
from broker.model.feedback import AgreedTag, FeedbackWord, Said, Vocabulary
from tests import world
from tests.contract.taxii_server import OURS, PASSWORD, USER, Taxii, running

NOW = datetime(2026, 11, 22, tzinfo=UTC)
THEM = "identity--5d1c9e4b-6d3f-4c0e-9a57-2f7d1c9e4b10"
WORDS = Vocabulary(
    (
        AgreedTag(word=FeedbackWord.CASE_NUMBER, tag="besa:number", value="text"),
        AgreedTag(word=FeedbackWord.KEEP_SECRET_UNTIL, tag="besa:day", value="date"),
    )
)


@pytest.fixture(scope="module")
def taxii(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taxii]:
    """Give one medallion that the tests of this file share."""
    with running(tmp_path_factory.mktemp("taxii")) as server:
        yield server


def delivered(taxii: Taxii, uid: str) -> tuple[str, list[dict[str, Any]]]:
    """Deliver a case to the collection; return its id there and its objects."""
    share = world.share(world.incident(uid=uid), book=world.stix_rulebook())
    assert share.sealed is not None
    to(taxii).deliver(share.sealed)
    return share.sealed.share, loads(share.sealed.body)["objects"]


def to(taxii: Taxii) -> TaxiiRecipient:
    """Return the way to the collection."""
    return TaxiiRecipient(
        taxii.root,
        OURS,
        f"{USER}:{PASSWORD}",
        timeouts=Timeouts(connect=5.0, answer=20.0, total=60.0),
        clock=lambda: NOW,
    )


def answer(kind: str, number: int, **fields: Any) -> dict[str, Any]:
    """Return something that the unit created."""
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": f"{kind}--00000000-0000-4000-8000-{number:012d}",
        "created_by_ref": THEM,
        "created": "2026-11-21T10:00:00.000Z",
        "modified": "2026-11-21T10:00:00.000Z",
        **fields,
    }


def post(taxii: Taxii, *objects: dict[str, Any]) -> None:
    """Put objects into the collection, as the unit does."""
    answered = requests.post(
        f"{taxii.root.rstrip('/')}/collections/{OURS}/objects/",
        data=json.dumps({"objects": objects}),
        headers={"Content-Type": MEDIA, "Accept": MEDIA},
        auth=(USER, PASSWORD),
        timeout=20,
    )
    assert answered.status_code in (200, 202), answered.text


def heard(taxii: Taxii, share: str) -> tuple[Said, ...]:
    """Ask what was said about a case."""
    listening = TaxiiListening(to(taxii), WORDS)
    assert frozenset() == listening.begin(NOW, NOW)
    return listening.said(share)


def test_sightings_opinions_and_notes_are_heard(taxii: Taxii) -> None:
    """What the unit created about the case or its parts is heard, and our note not."""
    share, objects = delivered(taxii, "KOS-CERT-2026-8001")
    seen = next(made["id"] for made in objects if made["type"] == "observed-data")
    post(
        taxii,
        answer("sighting", 1, sighting_of_ref=seen, description="Prizren"),
        answer("opinion", 2, opinion="disagree", object_refs=[seen]),
        answer(
            "note",
            3,
            content="ours now",
            object_refs=[f"report--{share}"],
            labels=['besa:number="PK-1"', "theirs"],
        ),
    )

    found = {(one.kind, one.word): one for one in heard(taxii, share)}

    assert {
        ("sighting", "seen"): seen.rpartition("--")[2],
        ("opinion", "disagree"): seen.rpartition("--")[2],
        ("note", "remark"): share,
        ("tag", "case-number"): share,
    } == {what: one.about for what, one in found.items()}
    assert {"description": "Prizren"} == found["sighting", "seen"].words
    assert {"value": "PK-1"} == found["tag", "case-number"].words
    assert {THEM.rpartition("--")[2]} == {one.organisation for one in found.values()}


def test_what_is_about_another_case_is_not_heard(taxii: Taxii) -> None:
    """Answers to one case are no answers to the other."""
    first, _ = delivered(taxii, "KOS-CERT-2026-8002")
    second, _ = delivered(taxii, "KOS-CERT-2026-8003")
    post(taxii, answer("note", 9, content="x", object_refs=[f"report--{first}"]))

    assert 1 == len(heard(taxii, first))
    assert () == heard(taxii, second)
    assert () == heard(taxii, "11111111-1111-4111-8111-111111111111")


def test_every_sort_of_object_is_read_or_left_out() -> None:
    """Counts of 0, unknown opinions and odd objects say nothing; days are read."""
    report = {"id": "report--a", "created_by_ref": "us", "object_refs": ["x--b", 7]}
    odd: list[dict[str, Any]] = [
        {},
        answer("sighting", 1, sighting_of_ref="x--b", count=0),
        answer("sighting", 2, sighting_of_ref=["x--b"]),
        answer("opinion", 3, opinion="perhaps", object_refs=["x--b"]),
        answer("note", 4, content="no refs"),
        answer("note", 5, content="x", object_refs="x--b"),
        {**answer("note", 6, object_refs=["x--b"]), "created_by_ref": "us"},
        answer(
            "sighting",
            7,
            sighting_of_ref="x--b",
            count=0,
            labels=['besa:day="2027-03-01"'],
        ),
    ]

    (only,) = said_about(report, odd, WORDS)

    assert ("b", date(2027, 3, 1)) == (only.about, only.until)
