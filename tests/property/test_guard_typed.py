"""Facts about reading a document at once, against the exact check of every value."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from functools import cache
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from broker.canonical import dumps
from broker.guard.paths import CLOSED
from broker.guard.shapes import Shapes
from broker.guard.typed import plain
from broker.model.agreement import Guardrail
from broker.pipeline import preview
from broker.rulebook.sources import read
from tests import world

# What a value is changed into: other texts, closed words, and what is no text at all.
_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 10**10),
    st.floats(allow_nan=False),
    st.text(max_size=40),
    st.sampled_from(
        [
            "5", "text", "1777827983", "177782798", "2026-11-20T09:30:00Z",
            "2026-11-20T09:30:00.123Z", "2026-11-20", "2026-11-20\n", "url", "Other",
            "https://one.example/?q=\"é\"", "line\none\\", "tlp:red", [], {}, "",
        ]
    ),
    st.from_regex(CLOSED["uuid"], fullmatch=True),
    st.from_regex(CLOSED["stix-id"], fullmatch=True),
    st.from_regex(CLOSED["timestamp"], fullmatch=True),
    st.uuids().map(str),
    st.uuids(version=4).map(lambda made: str(made).upper()),
    st.uuids(version=4).map(lambda made: str(made)[:-1] + "é"),
    st.lists(st.sampled_from(["uuid", "value", "a"]), max_size=2),
    st.dictionaries(st.sampled_from(["uuid", "value", "a"]), st.text(max_size=3)),
)  # fmt: skip


@cache
def _guardrails() -> tuple[Shapes, ...]:
    """Return the shapes of each guardrail there is, for any wire."""
    files = world.files() | {
        f"policies/guardrails/{path.name}": path.read_bytes()
        for path in (
            *(world.ROOT / "policies/examples/guardrails").glob("*.yaml"),
            *(world.ROOT / "tests/policies").glob("stix-*.yaml"),
        )
    }
    found = read(files).all_of("guardrail", Guardrail).values()
    return tuple(Shapes(one.model.paths) for one in found)


@cache
def _documents() -> tuple[Any, ...]:
    """Return the full incident as every recipient would get it in every wire."""
    seen = preview(
        world.receive(world.FULL),
        rulebook=world.rulebook(),
        keys=world.keys(),
        now=world.NOW,
    )
    return tuple(json.loads(body) for one in seen for body in one.wires.values())


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return every object and list of a document, with each of its keys."""
    inner = list(value.items()) if isinstance(value, dict) else []
    inner = list(enumerate(value)) if isinstance(value, list) else inner
    return [place for key, one in inner for place in ((value, key), *_places(one))]


def _read_alike(shapes: Shapes, body: bytes) -> str:
    """Hold one look against the other, and say what both find."""
    exact = shapes.read_exactly(body)

    found = shapes.read(body)

    assert exact.breaches == found.breaches
    assert exact.texts == found.texts
    assert exact.document == plain(found.document)
    return exact.breaches[0].rule if exact.breaches else "read"


def test_whole_documents_are_read_alike() -> None:
    """What is read at once is the same document with the same texts in order."""
    said = [
        _read_alike(shapes, dumps(document))
        for shapes in _guardrails()
        for document in _documents()
    ]

    assert said.count("read") >= 9


@settings(max_examples=settings().max_examples * 5)
@given(st.data())
def test_changed_documents_are_read_alike(data: st.DataObject) -> None:
    """Whatever is changed in a document, both looks say the same to it."""
    document = deepcopy(data.draw(st.sampled_from(_documents())))
    for _ in range(data.draw(st.integers(1, 3))):
        holder, key = data.draw(st.sampled_from(_places(document)))
        match data.draw(st.sampled_from(["change", "remove", "add"])):
            case "change":
                holder[key] = data.draw(_VALUES)
            case "remove":
                holder.pop(key)
            case "add" if isinstance(holder, dict):
                named = st.sampled_from(["uuid", "value", "comment", "to_ids", "new"])
                holder[data.draw(named)] = data.draw(_VALUES)
        if not document:
            break
    body = dumps(document)
    for shapes in _guardrails():
        event(_read_alike(shapes, body))


# What bytes are changed into: another writing of the same, or what is no JSON.
_WRITINGS = [
    (rb'"(\w+)":', rb'"\1": '),
    (rb'"(\w+)":', rb'"\1":"5","\1":'),
    (rb'"(\w+)":', rb'"\\u0041\1":'),
    (rb'("\w+":"[^"\\]*"),("\w+":"[^"\\]*")', rb"\2,\1"),
    (rb'("\w+":"[^"\\]*")', rb"\1,\1"),
    (rb":true|:false", rb":NaN"),
    (rb":true|:false", rb":1e999"),
    (rb":true|:false", rb":-0"),
    (rb":true|:false", rb":1.0"),
    (rb":true|:false", rb":" + b"9" * 400),
    (rb":true|:false", rb":null"),
    (rb':"(.)', rb':"\\u00e9\1'),
    (rb':"(.)', rb':"\\ud83d\1'),
    (rb':"(.)', rb':"\\ude00\\ud83d\1'),
    (rb':"(.)', rb':"\\/\1'),
    (rb':"(.)', rb':"\\u0000\1'),
    (rb':"(.)', rb':"\\n\1'),
    (rb':"(.)', b':"\n\\1'),
    (rb':"(.)', b':"\xed\xa0\xbd\\1'),
    (rb':"(.)', b':"\xff\\1'),
    (rb':"(.)', b':"\xc0\x80\\1'),
    (rb':"(.)', b':"\x7f\xc2\x85\xe2\x80\xa8\xf0\x9f\x98\x80\\1'),
    (rb"\[", rb"[["),
    (rb"\[", rb"[" * 3_000),
    (rb"\]", rb",]"),
    (rb"\{", rb'{"":"",'),
    (rb"\}\Z", rb"} "),
    (rb"\}\Z", rb"}{}"),
    (rb"\}\Z", rb""),
    (rb"\A\{", b"\xef\xbb\xbf{"),
    (rb"\A\{", rb" {"),
]


@settings(max_examples=settings().max_examples * 5)
@given(st.data())
def test_other_bytes_are_read_alike(data: st.DataObject) -> None:
    """However a document is written, both looks say the same to it."""
    body = dumps(data.draw(st.sampled_from(_documents())))
    for _ in range(data.draw(st.integers(1, 2))):
        pattern, other = data.draw(st.sampled_from(_WRITINGS))
        places = list(re.finditer(pattern, body))
        if places:
            at = data.draw(st.sampled_from(places))
            body = body[: at.start()] + at.expand(other) + body[at.end() :]
    for shapes in _guardrails():
        event(_read_alike(shapes, body))


_KEYS = st.sampled_from(
    ["a", "b", "A", "type", "meta-category", "_x", "class", "ë", "*"]
)
_SHAPES = st.sampled_from(
    [*CLOSED, "text", "epoch", "number", "flag", "value", "const:a", "one-of:a|b|"]
)
_STEPS = st.lists(
    st.tuples(_KEYS, st.sampled_from(["", "", "[]", "[a]", "[b]"])),
    min_size=1,
    max_size=3,
)
_PATHS = st.dictionaries(
    _STEPS.map(lambda steps: ".".join(key + bracket for key, bracket in steps)),
    _SHAPES,
    min_size=1,
    max_size=6,
)


def _of_shape(data: st.DataObject, shape: str) -> Any:
    """Return a value of a shape, mostly."""
    if shape in CLOSED:
        return data.draw(
            st.one_of(st.from_regex(CLOSED[shape], fullmatch=True), _VALUES)
        )
    fitting = {
        "text": st.text(max_size=5),
        "epoch": st.sampled_from(["1777827983", "177782798", "1"]),
        "number": st.integers(-1, 1_000_000),
        "flag": st.booleans(),
        "value": st.one_of(st.text(max_size=3), st.lists(st.text(max_size=3)), _VALUES),
    }
    return data.draw(fitting.get(shape, st.sampled_from(["a", "b", "", "c"])))


def _made(data: st.DataObject, paths: dict[str, str]) -> Any:
    """Return a document that has some of the paths, as far as they go together."""
    document: dict[str, Any] = {}
    for path, shape in paths.items():
        place: Any = document
        *steps, last = re.findall(r"([^.\[]+)(\[\w?\])?", path)
        for key, bracket in (*steps, last):
            key = data.draw(st.sampled_from("ab_")) if key == "*" else key
            if not isinstance(place, dict):
                break
            final = (key, bracket) == last
            if bracket:
                items = place.setdefault(key, [])
                if not isinstance(items, list):
                    break
                kind = bracket[1:-1]
                item: Any = {"type": kind} if kind else {}
                items.append(_of_shape(data, shape) if final and not kind else item)
                place = items[-1]
            elif final:
                place[key] = _of_shape(data, shape)
            else:
                place = place.setdefault(key, {})
    return document


@settings(max_examples=settings().max_examples * 2)
@given(st.data())
def test_any_guardrail_is_read_alike(data: st.DataObject) -> None:
    """Whatever paths a guardrail names, both looks say the same."""
    paths = data.draw(_PATHS)
    shapes = Shapes(paths)
    for _ in range(3):
        event(_read_alike(shapes, dumps(_made(data, paths))))


def test_every_letter_is_written_alike() -> None:
    """A text of any letters is canonical to both looks, and read whole."""
    letters = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x110000))))

    assert "read" == _read_alike(Shapes({"a": "text"}), dumps({"a": letters}))
