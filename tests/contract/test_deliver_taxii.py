"""The TAXII adapter against medallion, and against servers that misbehave."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from broker.canonical import dumps, loads
from broker.deliver import Busy, Timeouts
from broker.deliver.taxii import TaxiiRecipient, prove
from broker.deliver.taxii_connection import MEDIA
from broker.errors import Refused, Unavailable
from broker.model.sharing import (
    NO_HISTORY,
    History,
    ReceiptState,
    Sealed,
    Share,
    Wire,
)
from tests import world
from tests.contract.taxii_server import (
    NO_READ,
    NO_WRITE,
    OURS,
    PASSWORD,
    USER,
    Taxii,
    running,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)
KEY_THERE = f"{USER}:{PASSWORD}"


@pytest.fixture(scope="module")
def taxii(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taxii]:
    """Give one medallion that the tests of this file share."""
    with running(tmp_path_factory.mktemp("taxii")) as server:
        yield server


def to(root: str, collection: str = OURS, **more: Any) -> TaxiiRecipient:
    """Return the way to a collection."""
    settings: dict[str, Any] = {
        "timeouts": Timeouts(connect=2.0, answer=5.0, total=20.0),
        "clock": lambda: NOW,
        "key": KEY_THERE,
    }
    settings |= more
    key = settings.pop("key")
    return TaxiiRecipient(root, collection, key, **settings)


def case(history: History = NO_HISTORY, **changes: Any) -> Share:
    """Take an incident the whole way to a sealed STIX bundle."""
    made = world.incident(**changes)
    share = world.share(made, history=history, book=world.stix_rulebook())
    assert share.sealed is not None, share
    return share


def after(share: Share, revision: int) -> History:
    """Return what the store remembers after a share was delivered."""
    assert share.edition is not None
    return History(revision, "0" * 64, {share.decision.recipient: share.edition})


def sealed_of(share: Share) -> Sealed:
    """Return the sealed bytes of a share."""
    assert share.sealed is not None
    return share.sealed


def told(share: Share) -> list[dict[str, Any]]:
    """Return the objects of a sealed bundle that travel."""
    objects = loads(sealed_of(share).body)["objects"]
    return [made for made in objects if made["type"] != "extension-definition"]


def ids(objects: list[dict[str, Any]]) -> set[str]:
    """Return the ids of objects."""
    return {made["id"] for made in objects}


def test_a_case_arrives_whole(taxii: Taxii) -> None:
    """Every object of the sealed bundle is there afterwards, exactly as sealed."""
    share = case(uid="KOS-CERT-2026-1001")
    sealed = sealed_of(share)

    receipt = to(taxii.root).deliver(sealed)

    there = taxii.objects()
    assert all(made in there for made in told(share))
    assert (ReceiptState.DELIVERED, (), sealed.sha256) == (
        receipt.state,
        receipt.losses,
        receipt.sha256,
    )


def test_it_is_split_at_what_the_server_takes(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A case larger than `max_content_length` arrives in parts, and as a whole."""
    with running(tmp_path_factory.mktemp("small"), most=4_000) as small:
        share = case(uid="KOS-CERT-2026-1002")
        sealed = sealed_of(share)
        assert len(sealed.body) > 8_000

        receipt = to(small.root).deliver(sealed)

        assert () == receipt.losses
        assert ids(told(share)) == ids(small.objects())


def test_a_second_delivery_changes_nothing(taxii: Taxii) -> None:
    """The same edition again adds no object and no version."""
    sealed = sealed_of(case(uid="KOS-CERT-2026-1003"))
    to(taxii.root).deliver(sealed)
    before = taxii.objects()

    receipt = to(taxii.root).deliver(sealed)

    assert before == taxii.objects()
    assert () == receipt.losses


def test_of_an_older_edition_nothing_stays(taxii: Taxii) -> None:
    """A correction leaves neither what it no longer has nor an older version."""
    first = case(uid="KOS-CERT-2026-1004")
    to(taxii.root).deliver(sealed_of(first))
    fewer = world.incident()["observables"][:2]
    second = case(
        after(first, 3), uid="KOS-CERT-2026-1004", revision=4, observables=fewer
    )

    receipt = to(taxii.root).deliver(sealed_of(second))

    ours = {made["id"]: made for made in told(second)}
    old = {made["id"]: made for made in told(first)}
    there = taxii.objects()
    assert () == receipt.losses
    assert all(made in there for made in ours.values())
    versions = [made for made in there if made["id"] in ours]
    assert all(made == ours[made["id"]] for made in versions)
    own = {made_id for made_id in old.keys() - ours.keys() if is_own(old[made_id])}
    assert own
    assert own.isdisjoint(ids(there))


def is_own(made: dict[str, Any]) -> bool:
    """Say whether an object belongs to one case only: it has versions."""
    return "modified" in made


def test_a_recall_leaves_the_notice_only(taxii: Taxii) -> None:
    """After a recall the report is revoked, and nothing that it told is there."""
    first = case(uid="KOS-CERT-2026-1005")
    to(taxii.root).deliver(sealed_of(first))
    recall = case(
        after(first, 3), uid="KOS-CERT-2026-1005", revision=4, status="withdrawn"
    )
    assert sealed_of(recall).retracts

    receipt = to(taxii.root).deliver(sealed_of(recall))

    (report,) = taxii.objects(id=f"report--{sealed_of(recall).share}")
    before = ids(told(first))
    kept = ids(told(recall))
    own = {
        made["id"]
        for made in told(first)
        if is_own(made) and made["id"] in before - kept
    }
    assert report["revoked"]
    assert () == receipt.losses
    assert own
    assert own.isdisjoint(ids(taxii.objects()))


def test_what_another_case_uses_stays(taxii: Taxii) -> None:
    """An observable that two cases share outlives the recall of one of them."""
    one, other = (case(uid=f"KOS-CERT-2026-100{n}") for n in (6, 7))
    for share in (one, other):
        to(taxii.root).deliver(sealed_of(share))
    recall = case(
        after(one, 3), uid="KOS-CERT-2026-1006", revision=4, status="withdrawn"
    )

    to(taxii.root).deliver(sealed_of(recall))

    there = taxii.objects()
    assert all(made["id"] in ids(there) for made in told(other))


def test_an_older_edition_is_refused(taxii: Taxii) -> None:
    """Where a newer edition is, an older one is refused and changes nothing."""
    first = case(uid="KOS-CERT-2026-1008")
    second = case(
        after(first, 3), uid="KOS-CERT-2026-1008", revision=4, title="Another title"
    )
    to(taxii.root).deliver(sealed_of(second))
    before = taxii.objects()

    with pytest.raises(Refused, match="newer edition"):
        to(taxii.root).deliver(sealed_of(first))
    assert before == taxii.objects()


def test_a_collection_that_nobody_may_write_is_refused(taxii: Taxii) -> None:
    """A collection that is not open for us to write is an error of its own."""
    with pytest.raises(Refused, match="cannot be written"):
        to(taxii.root, NO_WRITE).deliver(sealed_of(case()))


def test_what_cannot_be_read_back_must_be_said_so(taxii: Taxii) -> None:
    """Without the right to read, the operator must accept that recalls stay."""
    with pytest.raises(Refused, match="deletes: false"):
        to(taxii.root, NO_READ).deliver(sealed_of(case()))
    receipt = to(taxii.root, NO_READ, deletes=False).deliver(sealed_of(case()))
    assert ["sent, and not read back"] == [loss.what for loss in receipt.losses]


def test_without_deletion_the_receipt_says_what_stays(taxii: Taxii) -> None:
    """Where nothing is deleted, a recall is delivered and names what is still there."""
    first = case(uid="KOS-CERT-2026-1009")
    recall = case(
        after(first, 3), uid="KOS-CERT-2026-1009", revision=4, status="withdrawn"
    )
    to(taxii.root, deletes=False).deliver(sealed_of(first))

    receipt = to(taxii.root, deletes=False).deliver(sealed_of(recall))

    assert any("keeps it" in loss.what for loss in receipt.losses)


def test_an_unknown_collection_is_tried_again(taxii: Taxii) -> None:
    """A collection that is not there yet may come: the edition waits."""
    with pytest.raises(Unavailable, match="no such collection"):
        to(taxii.root, "nothing").deliver(sealed_of(case()))


def test_a_wrong_key_is_refused(taxii: Taxii) -> None:
    """A key that the server does not know needs a person."""
    with pytest.raises(Refused, match="the key is not accepted"):
        to(taxii.root, key="besa:wrong").deliver(sealed_of(case()))


def test_an_envelope_with_more_than_was_sealed_is_not_sent() -> None:
    """`prove` refuses an envelope with a changed or an added object."""
    objects = told(case())
    changed = [{**objects[0], "name": "x"}]

    prove(objects, dumps({"objects": objects[:2]}))
    for wrong in ({"objects": changed}, {"objects": [], "more": True}):
        with pytest.raises(Refused, match="more than was sealed"):
            prove(objects, dumps(wrong))


def test_another_wire_or_case_is_refused(taxii: Taxii) -> None:
    """What is no bundle, or that of another case, is not sent."""
    sealed = sealed_of(case())
    other = replace(sealed, share="00000000-0000-4000-8000-000000000000")
    event = replace(sealed, wire=Wire.MISP_EVENT)

    with pytest.raises(Refused, match="the case that the seal names"):
        to(taxii.root).deliver(other)
    with pytest.raises(Refused, match="STIX bundles only"):
        to(taxii.root).deliver(event)


# --- servers that misbehave ---

Answers = Callable[[str, str], tuple[int, dict[str, str], Any]]


@contextmanager
def answering(answers: Answers) -> Iterator[str]:
    """Run a server that answers as told; give its API root."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self.rfile.read(length)
            status, headers, body = answers(self.command, self.path)
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Type": MEDIA, **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - the library's names

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/api/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


COUNTS = {"total_count": 1, "success_count": 0, "failure_count": 0, "pending_count": 0}
COMPLETE = {"id": "s", "status": "complete", **COUNTS, "success_count": 1}
PENDING = {"id": "s", "status": "pending", **COUNTS, "pending_count": 1}


def well(verb: str, path: str) -> tuple[int, dict[str, str], Any]:
    """Answer as an empty collection does that takes everything and keeps nothing."""
    if path.endswith("/api/"):
        return 200, {}, {"max_content_length": 5_000_000}
    if "/objects/" not in path and "/collections/" in path:
        return 200, {}, {"can_read": True, "can_write": True}
    if verb == "POST":
        return 202, {}, COMPLETE
    return 200, {}, {}


def on_post(status: int, headers: dict[str, str], body: Any) -> Answers:
    """Answer well, but for objects that are posted."""

    def answer(verb: str, path: str) -> tuple[int, dict[str, str], Any]:
        return (status, headers, body) if verb == "POST" else well(verb, path)

    return answer


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (406, Refused, "does not speak TAXII 2.1"),
        (415, Refused, "does not speak TAXII 2.1"),
        (422, Refused, "as valid"),
        (413, Refused, "too large"),
        (403, Refused, "cannot be written"),
        (500, Unavailable, "a fault"),
        (502, Unavailable, "a fault"),
        (307, Unavailable, "not followed"),
    ],
)
def test_what_a_status_means(status: int, error: type[Exception], words: str) -> None:
    """Each status of a post leads to waiting or to a person, with a fixed phrase."""
    answers = on_post(status, {"Location": "http://127.0.0.1:9/"}, {"title": "no"})
    with answering(answers) as root, pytest.raises(error, match=words):
        to(root).deliver(sealed_of(case()))


def test_429_says_when_to_come_back() -> None:
    """The time that the server asks for is the time that the lane rests."""
    with (
        answering(on_post(429, {"Retry-After": "77"}, {})) as root,
        pytest.raises(Busy) as raised,
    ):
        to(root).deliver(sealed_of(case()))
    assert 77.0 == raised.value.retry_after


def test_a_status_that_stays_pending_ends() -> None:
    """A server that says pending for ever is left after the time of a delivery."""
    answers = on_post(202, {}, PENDING)

    def pending(verb: str, path: str) -> tuple[int, dict[str, str], Any]:
        if "/status/" in path:
            return 200, {}, PENDING
        return answers(verb, path)

    with answering(pending) as root, pytest.raises(Unavailable, match="still working"):
        to(root, timeouts=Timeouts(2.0, 2.0, 1.5)).deliver(sealed_of(case()))


@pytest.mark.parametrize(
    "status",
    [{}, {"id": "s", "status": "pending"}, {**PENDING, "total_count": 9}],
    ids=["empty", "no counts", "counts that do not add up"],
)
def test_a_status_that_is_none_is_not_asked_for(status: dict[str, Any]) -> None:
    """What the server then holds, the reading back tells."""
    asked: list[str] = []

    def answer(verb: str, path: str) -> tuple[int, dict[str, str], Any]:
        asked.append(path)
        return (202, {}, status) if verb == "POST" else well(verb, path)

    with answering(answer) as root, pytest.raises(Unavailable, match="did not take"):
        to(root).deliver(sealed_of(case()))
    assert not [path for path in asked if "/status/" in path]


def test_a_server_that_keeps_nothing_is_found_out() -> None:
    """A server that says yes and holds nothing gets no receipt."""
    with answering(well) as root, pytest.raises(Unavailable, match="did not take"):
        to(root).deliver(sealed_of(case()))


def test_413_is_answered_with_less_at_once() -> None:
    """A server that refuses a large envelope gets smaller ones, down to one object."""
    sizes: list[int] = []

    def answer(verb: str, path: str) -> tuple[int, dict[str, str], Any]:
        if verb == "POST":
            sizes.append(1)
            return (413, {}, {}) if len(sizes) == 1 else well(verb, path)
        return well(verb, path)

    with answering(answer) as root, pytest.raises(Unavailable, match="did not take"):
        to(root).deliver(sealed_of(case()))
    assert len(sizes) == 4


def test_pages_without_end_end() -> None:
    """A server that gives the same next page again and again is not asked for ever."""

    def answer(verb: str, path: str) -> tuple[int, dict[str, str], Any]:
        if verb == "GET" and "/objects/" in path:
            return 200, {}, {"more": True, "next": "same", "objects": []}
        return well(verb, path)

    with answering(answer) as root, pytest.raises(Unavailable, match="did not take"):
        to(root).deliver(sealed_of(case()))


def test_what_is_no_taxii_server_is_waited_for() -> None:
    """A page of another kind at the address is no TAXII server."""
    with (
        answering(lambda *_: (200, {}, b"<html>")) as root,
        pytest.raises(Unavailable, match="not a TAXII server"),
    ):
        to(root).deliver(sealed_of(case()))


def test_nobody_there_is_waited_for() -> None:
    """A refused connection makes the edition wait."""
    with pytest.raises(Unavailable, match="not reachable"):
        to("http://127.0.0.1:9/api/").deliver(sealed_of(case()))


def test_a_slow_server_is_left() -> None:
    """A server that does not answer in time makes the edition wait."""
    stop = threading.Event()

    def slow(verb: str, path: str) -> tuple[int, dict[str, str], Any]:
        stop.wait(5)
        return well(verb, path)

    with answering(slow) as root:
        with pytest.raises(Unavailable, match="no answer in time"):
            to(root, timeouts=Timeouts(1.0, 0.3, 5.0)).deliver(sealed_of(case()))
        stop.set()


def test_a_server_without_deletion_needs_a_person() -> None:
    """When a server does not delete what was taken back, that is not called done."""
    first = case(uid="KOS-CERT-2026-1010")
    second = case(
        after(first, 3), uid="KOS-CERT-2026-1010", revision=4, status="withdrawn"
    )
    objects = [
        *told(first),
        *told(second),
    ]

    def answer(verb: str, path: str) -> tuple[int, dict[str, str], Any]:
        if verb == "DELETE":
            return 405, {}, {}
        if verb == "GET" and "/objects/" in path:
            return 200, {}, {"objects": objects}
        return well(verb, path)

    with answering(answer) as root, pytest.raises(Refused, match="does not delete"):
        to(root).deliver(sealed_of(second))
