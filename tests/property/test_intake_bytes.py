"""Whatever arrives is an incident or a clear refusal that repeats no value."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from broker import pipeline
from broker.errors import IntakeError
from broker.intake import FORMATS, MAX_BYTES
from broker.pipeline import Received
from tests import world
from tests.profiles import places, value_at
from tests.strategies import incidents

CONTENT_TYPES = [None, *(content_type for content_type, _ in FORMATS.values())]
CANARY = "Kanarina Zverdheshi"


def received(raw: bytes, content_type: str | None = None) -> Received | IntakeError:
    """Return what intake makes of bytes; anything but a refusal is let through."""
    try:
        return pipeline.receive(
            raw, content_type, rulebook=world.rulebook(), now=world.NOW
        )
    except IntakeError as refusal:
        return refusal


def refused(raw: bytes, content_type: str | None = None) -> IntakeError:
    """Return why intake refuses bytes."""
    found = received(raw, content_type)
    assert isinstance(found, IntakeError)
    return found


@given(st.binary(max_size=200), st.sampled_from(CONTENT_TYPES))
@example(b"", None)
@example(b"\xef\xbb\xbf{}", None)
@example(b"\xff\xfe{\0}\0", CONTENT_TYPES[1])
@example(b"{}" * 2, CONTENT_TYPES[1])
def test_any_bytes_are_refused_and_nothing_worse(
    raw: bytes, content_type: str | None
) -> None:
    """Bytes that are no incident are refused, and nothing else is raised."""
    assert isinstance(received(raw, content_type), IntakeError)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([CANARY, "2026-11-20T00:00:00Z", "fraud/phishing", "amber"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["uid", "tlp", "Event", "info", "victims", "times", "x"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@given(json_values, st.sampled_from(CONTENT_TYPES))
def test_any_json_is_read_or_refused(value: Any, content_type: str | None) -> None:
    """Any JSON at all is read or refused, and nothing else is raised."""
    raw = json.dumps(value).encode()

    assert isinstance(received(raw, content_type), Received | IntakeError)


# What a sender may put where something else belongs.
WRONG = st.sampled_from(
    [
        None, True, 0, -1, 3.5, 10**30, 10**400, "", " ", "\0", "\u202eevil", [], {},
        [[]], {"a": 1}, CANARY, [CANARY], {CANARY: CANARY}, CANARY * 5000,
        "9999-99-99T99:99:99Z", "2026-11-20T00:00:00+99:99", "AS" + "9" * 5000,
        "fe80::1%eth0", "1.2.3.4/33", "http://[", "xn--", "\ud7ff", "a@b@c", "[.]",
    ]
)  # fmt: skip


@given(incidents(), st.data())
def test_one_wrong_field_is_read_or_refused(
    incident: dict[str, Any], data: Any
) -> None:
    """An incident with something strange in one field is read or refused."""
    where = data.draw(st.sampled_from(list(places(incident))))
    changed = deepcopy(incident)
    value_at(changed, where.steps[:-1])[where.steps[-1]] = data.draw(WRONG)

    assert isinstance(received(json.dumps(changed).encode()), Received | IntakeError)


@pytest.mark.parametrize("path", [place.steps for place in places(world.FULL)], ids=str)
@pytest.mark.parametrize(
    "wrong",
    [CANARY, {CANARY: CANARY}, [CANARY], [{CANARY: 1}], CANARY * 5000, 10**30],
    ids=["text", "object", "list", "list of objects", "long", "number"],
)
def test_no_refusal_repeats_a_value(path: tuple[Any, ...], wrong: Any) -> None:
    """Whatever stands in the wrong place, the refusal does not say what it was."""
    changed = deepcopy(world.FULL)
    value_at(changed, path[:-1])[path[-1]] = wrong
    found = received(world.raw(changed))

    if isinstance(found, IntakeError):
        said = f"{found} {found.path} {found.problem} {found.advice} {found.args}"
        assert CANARY not in said
        assert str(10**30) not in said
        assert found.path
        assert found.__context__ is None or found.__suppress_context__


@pytest.mark.parametrize("key", [CANARY, "x" * 5000, "zana@posta.example", "Zana", "1"])
def test_a_key_that_may_be_a_value_is_not_repeated(key: str) -> None:
    """A key that looks like no field's name is not said back."""
    found = refused(world.raw({**world.FULL, key: 1}))

    assert "(unreadable name)" == found.path
    assert key not in found.problem


def test_a_misspelt_field_is_named() -> None:
    """A key that looks like a field's name is said, so that it can be corrected."""
    assert "serverity" == refused(world.raw({**world.FULL, "serverity": "x"})).path


@pytest.mark.parametrize(
    "raw",
    [
        b"\0" * (50 * 2**20),
        b"{" * (50 * 2**20),
        b'"' + b"a" * (50 * 2**20) + b'"',
        b"[" * (MAX_BYTES - 1),
        b'{"a":' * (MAX_BYTES // 6),
        b"9" * (MAX_BYTES - 1),
        b'{"uid":"' + b"a" * (MAX_BYTES - 100) + b'"}',
        b'{"title":' + b"[" * 1000 + b"]" * 1000 + b"}",
    ],
    ids=lambda raw: f"{raw[:12]!r} {len(raw)}",
)
@pytest.mark.parametrize("content_type", CONTENT_TYPES)
@pytest.mark.timeout(20)
def test_large_garbage_is_refused(raw: bytes, content_type: str | None) -> None:
    """Fifty megabytes of garbage, or a deep pile of brackets, are refused at once."""
    found = refused(raw, content_type)

    assert len(str(found)) < 500


@pytest.mark.parametrize(
    ("field", "number"),
    [("revision", 10**400), ("confidence", -(10**400)), ("revision", 2**31 + 1)],
)
def test_huge_numbers_are_refused(field: str, number: int) -> None:
    """A number that no field can hold is refused, and the field is named."""
    raw = world.raw({**world.FULL, field: number})

    assert refused(raw).path in ("", field)
    assert field == refused(raw, CONTENT_TYPES[1]).path


@pytest.mark.parametrize(("size", "fits"), [(2**53 - 1, True), (2**53, False)])
def test_a_size_that_parsers_read_differently_is_refused(size: int, fits: bool) -> None:
    """A whole number is only taken where every JSON parser reads the same."""
    evidence = [{**world.FULL["evidence"][0], "size": size}]
    found = received(world.raw(world.incident(evidence=evidence)))

    assert fits is isinstance(found, Received)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"01"])
def test_what_is_no_number_is_refused(number: bytes) -> None:
    """NaN and infinities are no JSON, and an exponent is no whole number."""
    raw = world.raw({**world.FULL, "confidence": 71}).replace(b"71", number)

    assert isinstance(received(raw), IntakeError)


@pytest.mark.parametrize(
    "text", [rb"a\u0000b", rb"\ud800", rb"\udc00x", b"\xed\xa0\x80", b"\xff", b"\x01"]
)
def test_texts_that_others_read_differently_are_refused(text: bytes) -> None:
    """NUL, half a surrogate pair, bytes that are no UTF-8: refused, wherever it is."""
    raw = world.raw({**world.FULL, "title": "TITLE"}).replace(b"TITLE", text)

    assert isinstance(received(raw), IntakeError)


@pytest.mark.parametrize("mark", ["\u202e", "\u200f", "\u2066", "\ufeff", "\u2028"])
def test_marks_that_turn_text_around_do_not_hide_a_value(mark: str) -> None:
    """A text with marks of direction is read, and the guard reads it without them."""
    hidden = mark.join("Shpresa Kallëzuesja")
    share = world.share(world.incident(title=f"As {hidden} said"))

    assert ["reporter.name"] == [breach.about for breach in share.breaches]


@pytest.mark.parametrize("steps", [(), ("victims", 0), ("times",), ("observables", 0)])
def test_what_is_said_twice_is_refused(steps: tuple[Any, ...]) -> None:
    """A key that stands twice in one object is refused, whatever its two values."""
    inner = value_at(world.FULL, steps)
    name, value = next(iter(inner.items()))
    once = json.dumps({name: value}, ensure_ascii=False)[1:-1].encode()
    raw = world.raw(world.FULL).replace(once, once + b", " + once, 1)

    found = refused(raw)

    assert (name, "it is there twice") == (found.path, found.problem)


@given(incidents())
def test_an_incident_is_read_however_it_is_spelled(incident: dict[str, Any]) -> None:
    """Escapes, blanks and the order of keys change nothing in what is read."""
    plain = received(world.raw(incident))
    spelled = json.dumps(dict(reversed(incident.items())), indent=2).encode()

    assert isinstance(plain, Received)
    assert plain == received(spelled)


@given(incidents())
def test_an_incident_survives_the_way_out_and_in(incident: dict[str, Any]) -> None:
    """What was read, written out and read again is the same incident."""
    first = world.receive(incident)
    again = received(first.incident.model_dump_json(exclude_none=True).encode())

    assert isinstance(again, Received)
    assert first.incident == again.incident
    assert first.sha256 == again.sha256
