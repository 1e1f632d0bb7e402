"""Facts about reading Besa's own format, and about refusing what is not of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from broker import pipeline
from broker.errors import IntakeError
from broker.intake import MAX_BYTES, format_of, read
from broker.intake.parsed import MOST_NOTES, LeftBehind
from broker.model.intake import LARGEST_MESSAGE, MOST_ITEMS
from broker.model.sharing import NO_HISTORY
from tests.unit import given
from tests.unit.given import NOW

SECRET = "Shpresa-Kallëzuesja"
PERSON = {"kind": "person"}


def _read(raw: bytes, content_type: str | None = None) -> Any:
    return read(raw, content_type, given.shipped().tables)[1].incident


def _refused(raw: bytes, content_type: str | None = None) -> IntakeError:
    with pytest.raises(IntakeError) as caught:
        read(raw, content_type, given.shipped().tables)
    return caught.value


def test_smallest_incident() -> None:
    """What nobody says has the cautious value."""
    fields = {name: said for name, said in given.fields().items() if name != "pap"}

    incident = _read(json.dumps(fields).encode())

    assert ("amber", "open", "normal") == (
        incident.pap,
        incident.status,
        incident.urgency,
    )
    assert (None, (), ()) == (
        incident.confidence,
        incident.victims,
        incident.observables,
    )
    assert "unknown" == _read(given.raw(victims=[PERSON])).victims[0].consent


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"uid": None}, "uid"),
        ({"uid": "a b"}, "uid"),
        ({"uid": "ab"}, "uid"),
        ({"uid": "a" * 129}, "uid"),
        ({"revision": 0}, "revision"),
        ({"revision": 2**31 + 1}, "revision"),
        ({"revision": "3"}, "revision"),
        ({"revision": 3.0}, "revision"),
        ({"revision": True}, "revision"),
        ({"revised_at": "2026-11-20T09:30:00"}, "revised_at"),
        ({"revised_at": "2026-11-20"}, "revised_at"),
        ({"revised_at": 1764000000}, "revised_at"),
        ({"revised_at": "1979-12-31T23:59:59Z"}, "revised_at"),
        ({"revised_at": "2101-01-01T00:00:00Z"}, "revised_at"),
        # In UTC they lie outside of all years.
        ({"revised_at": "0001-01-01T00:00:00+05:00"}, "revised_at"),
        ({"revised_at": "9999-12-31T23:59:59-05:00"}, "revised_at"),
        ({"title": ""}, "title"),
        ({"title": "a\0b"}, "title"),
        ({"title": "a" * 2049}, "title"),
        ({"description": "a" * 65_536}, "description"),
        ({"language": "Albanian"}, "language"),
        ({"classification": "phishing"}, "classification"),
        ({"confidence": 101}, "confidence"),
        ({"confidence": "80"}, "confidence"),
        ({"severity": "High"}, "severity"),
        ({"tlp": "white"}, "tlp"),
        ({"tlp": None}, "tlp"),
        ({"pap": "white"}, "pap"),
        ({"shoe_size": 43}, "shoe_size"),
        ({"victims": {}}, "victims"),
        ({"victims": [PERSON, {"kind": "child"}]}, "victims[1].kind"),
        ({"victims": [PERSON | {"minor": "no"}]}, "victims[0].minor"),
        ({"victims": [PERSON | {"minor": 0}]}, "victims[0].minor"),
        ({"victims": [PERSON | {"accounts": []}]}, "victims[0].accounts"),
        ({"victims": [PERSON | {"country": "Kosovo"}]}, "victims[0].country"),
        (
            {"victims": [PERSON | {"contacts": {"fax": "1"}}]},
            "victims[0].contacts.fax",
        ),
        ({"suspects": [PERSON | {"accounts": ["a", ""]}]}, "suspects[0].accounts[1]"),
        ({"handling_caveats": ["a", 3]}, "handling_caveats[1]"),
        ({"evidence": [{"name": "a", "sha256": "7C" * 32}]}, "evidence[0].sha256"),
        (
            {"evidence": [{"name": "a", "sha256": "7c" * 32, "size": -1}]},
            "evidence[0].size",
        ),
        ({"financial_loss": {"amount": 18750.4}}, "financial_loss.amount"),
        ({"financial_loss": {"amount": "1,50"}}, "financial_loss.amount"),
        ({"financial_loss": {"amount": "1.505"}}, "financial_loss.amount"),
        ({"relations": [{"uid": "KOS-1", "kind": "A"}]}, "relations[0].kind"),
        (
            {
                "times": {
                    "occurred_from": "2026-11-02T00:00:00Z",
                    "occurred_until": "2026-11-01T00:00:00Z",
                }
            },
            "times",
        ),
    ],
    ids=str,
)
def test_wrong_field_is_named(changes: dict[str, Any], path: str) -> None:
    """A message is refused with the path of the field that is wrong, and advice."""
    refused = _refused(given.raw(**changes))

    what = "mappings show taxonomy" if path == "classification" else "schema"
    assert path == refused.path
    assert refused.advice.startswith(f"'besa {what}' ")


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "a" * 2048},
        {"uid": "a/b:c.d-1"},
        {"uid": "a" * 128},
        {"revision": 2**31},
        {"revised_at": "1980-01-01T00:00:00Z"},
        {"confidence": 0},
        {"confidence": 100},
        {"language": "sr-Cyrl"},
        {"financial_loss": {"amount": "0"}},
        {"financial_loss": {"amount": "999999999999999.99"}},
        {"description": "a\nb\t\U0001f600"},
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_border_is_taken(changes: dict[str, Any]) -> None:
    """What stands at the border of a rule is taken."""
    [(name, _)] = changes.items()

    assert getattr(_read(given.raw(**changes)), name) is not None


@pytest.mark.parametrize(
    ("given_as", "expected"),
    [
        ("2026-11-20T10:30:00+01:00", "2026-11-20T09:30:00+00:00"),
        ("2026-11-20T09:30:00.999Z", "2026-11-20T09:30:00+00:00"),
    ],
)
def test_times_are_utc_and_whole(given_as: str, expected: str) -> None:
    """A time is kept in UTC, without what is less than a second."""
    assert expected == _read(given.raw(revised_at=given_as)).revised_at.isoformat()


@pytest.mark.parametrize(
    "changes",
    [
        {"tlp": SECRET},
        {"classification": SECRET},
        {"revision": SECRET},
        {"revised_at": SECRET},
        {"uid": SECRET + " "},
        {"language": SECRET},
        {"victims": [SECRET]},
        {"victims": [PERSON | {"country": SECRET}]},
        {"victims": [PERSON | {"minor": SECRET}]},
        {"observables": [{"kind": "ipv4", "value": SECRET}]},
        {"observables": [{"kind": "shpresa-kallezuesja", "value": "x"}]},
        {"financial_loss": {"amount": SECRET}},
        {SECRET: 1},
        {"reporter": {SECRET: "x"}},
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_error_holds_no_value(changes: dict[str, Any]) -> None:
    """No part of an error holds what stood in the message."""
    refused = _refused(given.raw(**changes))

    said = f"{refused} {refused.path} {refused.problem} {refused.advice}".lower()
    assert "shpresa" not in said


def test_more_problems_are_counted() -> None:
    """The first problem is told, and which other fields are wrong."""
    refused = _refused(given.raw(tlp="white", pap="white", severity="x"))

    assert "severity" == refused.path
    assert refused.problem.endswith("; also wrong: tlp, pap")


@pytest.mark.parametrize(
    ("observable", "path", "problem"),
    [
        (
            {"kind": "shoe", "value": "43"},
            "observables[1].kind",
            "there is no such kind of observable",
        ),
        (
            {"kind": "ipv4", "value": "300.1.1.1"},
            "observables[1].value",
            "it is not a value of the kind ipv4",
        ),
    ],
)
def test_observable_that_is_not_of_its_kind(
    observable: dict[str, str], path: str, problem: str
) -> None:
    """An observable of an unknown kind, or with another kind's value, is refused."""
    good = {"kind": "domain", "value": "a.example"}

    refused = _refused(given.raw(observables=[good, observable]))

    assert (path, problem) == (refused.path, refused.problem)


def test_observables_are_normal() -> None:
    """Observables are kept in their order, each in its normal form."""
    observables = [
        {"kind": "url", "value": "hxxps://a[.]example/"},
        {"kind": "ipv4", "value": "192.0.2.1"},
        {"kind": "email", "value": "Arta@Posta.example"},
    ]

    read_back = _read(given.raw(observables=observables)).observables

    expected = ["https://a.example/", "192.0.2.1", "arta@posta.example"]
    assert expected == [observable.value for observable in read_back]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"{'uid': 1}",
        b"\xff\xfe",
        b'{"uid": "\xff"}',
        b'{"title": "\\ud800"}',
        b"NaN",
        b"[" * 100_000,
    ],
    ids=lambda raw: str(raw[:20]),
)
@pytest.mark.parametrize("content_type", [None, "application/vnd.besa.incident+json"])
def test_what_is_no_json_object_is_refused(
    raw: bytes, content_type: str | None
) -> None:
    """Bytes that are not one JSON object are refused, whatever they say they are."""
    assert "" == _refused(raw, content_type).path


def test_lone_surrogate_is_refused() -> None:
    """Half a character is refused: it would look different elsewhere."""
    raw = given.raw(title="X").replace(b'"X"', b'"a\\ud83db"')

    assert "" == _refused(raw, "application/vnd.besa.incident+json").path


def test_17_megabytes_are_refused() -> None:
    """A message larger than 16 MiB is refused before anybody reads it."""
    refused = _refused(b" " * (17 * 1024 * 1024))

    assert "the message has 17825792 bytes" == refused.problem
    assert MAX_BYTES == LARGEST_MESSAGE


def test_16_megabytes_are_read() -> None:
    """A message of exactly 16 MiB is read."""
    raw = given.raw()

    assert "KOS-2026-1" == _read(raw + b" " * (MAX_BYTES - len(raw))).uid


@pytest.mark.parametrize(
    ("content_type", "raw", "expected"),
    [
        ("application/vnd.besa.incident+json", b"?", "native"),
        ("Application/VND.misp.event+json; charset=utf-8", b"?", "misp-event"),
        ("application/json", b'{"Event": {}}', "misp-event"),
        ("application/octet-stream", b'{"uid": 1}', "native"),
        ("", b'{"response": []}', "misp-event"),
        (None, b'{"info": 1, "uuid": 2}', "misp-event"),
        (None, b'{"title": 1}', "native"),
    ],
    ids=str,
)
def test_format_is_told_or_seen(
    content_type: str | None, raw: bytes, expected: str
) -> None:
    """The content type says the format; without one the message shows it."""
    assert expected == format_of(raw, content_type)


def test_unknown_content_type_is_refused() -> None:
    """A content type that nobody knows is refused, with those that are known."""
    refused = _refused(given.raw(), "text/rtf")

    assert "the content type is unknown" == refused.problem
    assert "application/vnd.besa.incident+json" in refused.advice


@pytest.mark.parametrize(("hours", "taken"), [(24, True), (25, False)])
def test_future_is_refused(hours: int, taken: bool) -> None:
    """A revision from more than a day in the future is refused: a clock is wrong."""
    raw = given.raw(revised_at=(NOW + timedelta(hours=hours)).isoformat())
    book = given.shipped()
    if taken:
        received = pipeline.receive(raw, rulebook=book, now=NOW)
        assert NOW + timedelta(hours=hours) == received.incident.revised_at
        return

    with pytest.raises(IntakeError, match=r"^revised_at: it lies in the future"):
        pipeline.process(
            raw, rulebook=book, keys=given.keys(), history=NO_HISTORY, now=NOW
        )


def test_same_content_has_the_same_digest() -> None:
    """Order, blanks and spelling of a message do not change what identifies it."""
    other = json.dumps(
        dict(reversed(given.fields(tlp="green").items())), indent=2
    ).encode()

    digests = {
        pipeline.receive(raw, rulebook=given.shipped()).sha256
        for raw in (given.raw(), other)
    }

    assert 1 == len(digests)
    assert given.received(title="Other").sha256 not in digests


def test_now_is_not_needed() -> None:
    """Without a clock a revision from the future is read."""
    late = datetime(2090, 1, 1, tzinfo=UTC)

    raw = given.raw(revised_at=late.isoformat())
    received = pipeline.receive(raw, rulebook=given.shipped())

    assert late == received.incident.revised_at


@pytest.mark.parametrize(("more", "last"), [(0, "p999 (w)"), (3, "and 3 more")])
def test_notes_end_after_a_thousand(more: int, last: str) -> None:
    """Of what was left behind a thousand places are named, and the rest counted."""
    left = LeftBehind()
    for number in range(MOST_NOTES + more):
        left.note(f"p{number}", "w")

    assert last == left.notes()[-1]
    assert MOST_NOTES + bool(more) == len(left.notes())


@pytest.mark.parametrize(
    "twice",
    [
        b'{"tlp":"red","tlp":"clear",',
        b'{"times":{"detected":null,"detected":null},',
    ],
)
def test_what_is_said_twice_is_refused(twice: bytes) -> None:
    """A message that says one thing twice is refused: nobody knows which is meant."""
    rest = b',"uid":"KOS-1","revision":1,"revised_at":"2026-01-01T00:00:00Z"'
    rest += b',"title":"t","classification":"fraud/phishing"'
    tlp = b'"pap":"red"' if b"tlp" in twice else b'"tlp":"red"'

    refusal = _refused(twice + tlp + rest + b"}")

    assert "it is there twice" == refusal.problem


def test_too_many_items_are_refused_before_each_is_looked_at() -> None:
    """Millions of empty items in a small message are refused, and fill no memory."""
    said = json.dumps(given.fields() | {"observables": [{}] * (MOST_ITEMS + 1)})

    refusal = _refused(said.encode())

    assert "observables" == refusal.path
    assert f"it holds {MOST_ITEMS + 1} items" == refusal.problem
    assert f"at most {MOST_ITEMS} are taken" == refusal.advice


def test_very_many_mistakes_are_counted_and_not_listed() -> None:
    """Of many thousand mistakes the number is told: a list of them fills the memory."""
    said = json.dumps(given.fields() | {"observables": [{}] * 6_000})

    assert "12000 fields are wrong" == _refused(said.encode()).problem
