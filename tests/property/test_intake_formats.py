"""Whatever arrives in a foreign format is an incident or a refusal that says where."""

from __future__ import annotations

import json
import string
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker import pipeline
from broker.errors import IntakeError
from broker.model.intake import CONTENT_TYPES
from broker.pipeline import Received
from tests import world
from tests.formats import samples

CANARY = "Kanarina Zverdheshi"
FOREIGN = [name for name in CONTENT_TYPES if name not in ("native", "misp-event")]
JSON = [path for path in samples() if path.suffix == ".json"]
ALL = samples()
# Of each sample; BESA_HYPOTHESIS=deep looks at ten times as many.
FEW = settings().max_examples // 3


def received(raw: bytes, content_type: str | None = None) -> Received | IntakeError:
    """Return what intake makes of bytes; anything but a refusal is let through."""
    try:
        return pipeline.receive(raw, content_type, rulebook=world.rulebook())
    except IntakeError as refusal:
        return refusal


def read(raw: bytes) -> Received:
    """Return the incident that intake makes of bytes."""
    found = received(raw)
    assert isinstance(found, Received), found
    return found


def said(found: Received | IntakeError) -> str:
    """Return everything that is said about a message, besides the incident itself."""
    if isinstance(found, IntakeError):
        return f"{found} {found.path} {found.problem} {found.advice} {found.args}"
    return "\n".join(found.left_behind)


@cache
def value_of(path: Path) -> Any:
    """Return a sample as a JSON value."""
    return json.loads(path.read_bytes())


def steps_in(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to everything within a JSON value."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    found = [before] if before else []
    for step, each in inner:
        found += steps_in(each, (*before, step))
    return found


def at(value: Any, steps: tuple[Any, ...]) -> Any:
    """Return what lies at the end of a way."""
    for step in steps:
        value = value[step]
    return value


WRONG = st.sampled_from(
    [
        None, True, False, 0, -1, 3.5, 1e308, 10**17, 10**30, "", " ", "\0", "0", [],
        {}, [[]], [[[]]], {"a": 1}, CANARY, [CANARY, CANARY], {CANARY: CANARY},
        [{CANARY: CANARY}], CANARY * 5000, "9999-99-99T99:99:99Z",
        "0001-01-01T00:00:00Z", "2026-11-20T00:00:00+99:99",
        "2099-12-31T23:59:59-23:59", "AS" + "9" * 5000,
        "fe80::1%eth0", "1.2.3.4/33", "1.2.3.4-9.9.9.9", "http://[", "xn--", "a@b@c",
        "[.]", "sha256:zz", "red", "3", ["red"], "test", "TLP:AMBER", "-", "::",
        "NaN", "1e999", "Infinity",
        "\ud7ff",
    ]
)  # fmt: skip


@given(st.binary(max_size=300), st.sampled_from(FOREIGN))
def test_any_bytes_are_refused(raw: bytes, name: str) -> None:
    """Bytes that are no message are refused, and nothing else is raised."""
    assert isinstance(received(raw, CONTENT_TYPES[name]), IntakeError)


@pytest.mark.parametrize("path", JSON, ids=lambda path: path.stem)
@settings(max_examples=FEW)
@given(data=st.data())
def test_wrong_fields_are_read_or_refused(path: Path, data: Any) -> None:
    """A message with strange fields is read or refused, and no value is repeated."""
    changed = deepcopy(value_of(path))
    for _ in range(data.draw(st.integers(1, 3))):
        steps = data.draw(st.sampled_from(steps_in(changed)))
        at(changed, steps[:-1])[steps[-1]] = deepcopy(data.draw(WRONG))
    found = received(json.dumps(changed).encode())

    assert CANARY not in said(found)
    assert str(10**30) not in said(found)


@pytest.mark.parametrize("path", JSON, ids=lambda path: path.stem)
@settings(max_examples=FEW)
@given(data=st.data())
def test_missing_parts_are_read_or_refused(path: Path, data: Any) -> None:
    """A message without one of its parts is read or refused, and says which."""
    changed = deepcopy(value_of(path))
    steps = data.draw(st.sampled_from(steps_in(changed)))
    del at(changed, steps[:-1])[steps[-1]]
    found = received(json.dumps(changed).encode())

    if isinstance(found, IntakeError):
        assert found.path or found.problem


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
@settings(max_examples=FEW)
@given(data=st.data())
def test_damaged_bytes_are_read_or_refused(path: Path, data: Any) -> None:
    """A message that was cut short, or in which bytes have changed, raises nothing."""
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))

    assert isinstance(received(bytes(raw[:cut])), Received | IntakeError)


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_half_a_message_is_refused(path: Path) -> None:
    """A message that was cut in the middle is refused."""
    raw = path.read_bytes()
    kind = CONTENT_TYPES[read(raw).format]

    assert isinstance(received(raw[: len(raw) // 2], kind), IntakeError)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16", "utf-32", "latin-1"])
@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_another_encoding_is_refused_or_read_the_same(
    path: Path, encoding: str
) -> None:
    """Text in another encoding is refused, or read exactly as in UTF-8."""
    text = path.read_text("utf-8").replace("UTF-8", encoding).replace("—", "-")
    if encoding == "latin-1" and text.isascii():
        text = text.replace("Shembulli", "Shembulli ë").replace("2026-", "2026-", 1)
    found = received(
        text.encode(encoding), CONTENT_TYPES[read(path.read_bytes()).format]
    )

    if isinstance(found, Received):
        ours, theirs = read(path.read_bytes()).incident, found.incident
        assert ours.observables == theirs.observables


@pytest.mark.parametrize("path", JSON, ids=lambda path: path.stem)
@pytest.mark.parametrize("depth", [500, 1500])
def test_deep_nesting_is_read_or_refused(path: Path, depth: int) -> None:
    """Brackets a thousand deep are refused or left behind, and raise nothing."""
    inner = json.dumps(value_of(path))[:-1]
    brackets = "[" * depth + "]" * depth
    braces = '{"a":' * depth + "1" + "}" * depth
    deep, objects = (
        f'{inner}, "zzz": {pile}}}'.encode() for pile in (brackets, braces)
    )

    for raw in (deep, objects):
        assert isinstance(received(raw), Received | IntakeError)


@pytest.mark.parametrize("path", JSON, ids=lambda path: path.stem)
def test_what_is_said_twice_is_refused(path: Path) -> None:
    """A key that stands twice in one object is refused: which of the two is meant?"""
    inner = path.read_text("utf-8").strip()
    key = next(iter(value_of(path)))
    found = received(f'{{"{key}": 1, {inner[1:]}'.encode())

    assert isinstance(found, IntakeError)
    assert "it is there twice" == found.problem


@pytest.mark.parametrize("path", JSON, ids=lambda path: path.stem)
@given(
    key=st.sampled_from(
        [CANARY, "zana@posta.example", "viktima.example", "1", "x" * 99]
    )
)
def test_a_key_that_may_be_a_value_is_not_repeated(path: Path, key: str) -> None:
    """A key that looks like no field's name is noted, and not said back."""
    if "misp" in path.stem:
        value = {"Event": {**value_of(path)["Event"], key: 1}}
    else:
        value = {**value_of(path), key: 1}
    found = received(json.dumps(value).encode())

    assert isinstance(found, Received)
    assert not any(note.startswith(f"{key} ") for note in found.left_behind)
    assert any("field not known" in note for note in found.left_behind)


BOMB = """<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<IODEF-Document version="2.00" xmlns="urn:ietf:params:xml:ns:iodef-2.0">
&b;</IODEF-Document>"""
OUTSIDE = """<?xml version="1.0"?>
<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]>
<IODEF-Document xmlns="urn:ietf:params:xml:ns:iodef-2.0">&f;</IODEF-Document>"""
LOADED = """<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><IODEF-Document/>"""


@pytest.mark.parametrize(
    "text", [BOMB, OUTSIDE, LOADED], ids=["bomb", "file", "network"]
)
def test_entities_are_refused(text: str) -> None:
    """XML that declares an entity or a document type is refused before it is read."""
    found = received(text.encode())

    assert isinstance(found, IntakeError)
    assert "it declares a document type or an entity" == found.problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<a>" * 100_000, "elements lie more than 40 deep"),
        ("<a>" + "<b/>" * 1_000_001 + "</a>", "it has more than 1000000 elements"),
        ("<html/>", "it is not an IODEF document"),
        ("<a", "it is not XML: line 1, column 0"),
        ("<?xml version='1.0' encoding='klingon'?><a/>", "it is not XML"),
        ("<IODEF-Document/>", "it holds 0 incidents instead of one"),
    ],
    ids=["deep", "wide", "html", "cut", "encoding", "empty"],
)
def test_xml_that_is_no_document_is_refused(text: str, problem: str) -> None:
    """XML that is too deep, too wide or something else is refused, and says so."""
    found = received(text.encode())

    assert isinstance(found, IntakeError)
    assert found.problem.startswith(problem)


def test_notes_are_bounded() -> None:
    """Of many thousand unknown fields, a thousand are named and the rest counted."""
    unknown = {f"x_{n:05}".translate(str.maketrans(string.digits, "abcdefghij")): 1
               for n in range(100_000)}  # fmt: skip
    path = next(path for path in JSON if path.stem == "n6_event_phish")
    found = read(json.dumps({**value_of(path), **unknown}).encode())

    assert 1001 == len(found.left_behind)
    assert found.left_behind[-1].startswith("and ")


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_what_was_read_can_be_published_as_our_own(path: Path) -> None:
    """The incident of a foreign message, written in our format, is the same one."""
    first = read(path.read_bytes())
    again = read(first.incident.model_dump_json(exclude_none=True).encode())

    assert "native" == again.format
    assert first.incident == again.incident
    assert first.sha256 == again.sha256
