"""Facts about the quick yes of the guard, against the exact check of every value."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from broker.guard.shapes import Check, compile_shapes, exact_shapes
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
        ["5", "text", "1777827983", "2026-11-20T09:30:00Z", "url", "Other"]
    ),
    st.uuids(version=4).map(str),
    st.uuids(version=4).map(lambda made: str(made).upper()),
    st.uuids(version=4).map(lambda made: str(made)[:-1] + "é"),
    st.lists(st.sampled_from(["uuid", "value", "a"]), max_size=2),
    st.dictionaries(st.sampled_from(["uuid", "value", "a"]), st.text(max_size=3)),
)


@cache
def _guardrails() -> tuple[tuple[Check, Check], ...]:
    """Return the check of each guardrail there is, for any wire, and the exact one."""
    files = world.files() | {
        f"policies/guardrails/{path.name}": path.read_bytes()
        for path in (
            *(world.ROOT / "policies/examples/guardrails").glob("*.yaml"),
            *(world.ROOT / "tests/policies").glob("stix-*.yaml"),
        )
    }
    found = read(files).all_of("guardrail", Guardrail).values()
    return tuple(
        (compile_shapes(one.model.paths), exact_shapes(one.model.paths))
        for one in found
    )


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


def _said(check: Check, document: Any) -> tuple[list[str], str]:
    texts: list[str] = []
    try:
        check(document, texts)
    except Exception as error:
        return [], f"{type(error).__name__} {vars(error)}"
    return texts, "accepted"


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return every object and list of a document, with each of its keys."""
    inner = list(value.items()) if isinstance(value, dict) else []
    inner = list(enumerate(value)) if isinstance(value, list) else inner
    return [place for key, one in inner for place in ((value, key), *_places(one))]


def test_whole_documents_are_read_alike() -> None:
    """What is accepted is accepted with the same texts in the same order."""
    accepted = 0
    for check, exact in _guardrails():
        for document in _documents():
            expected = _said(exact, document)
            accepted += expected[1] == "accepted"

            assert expected == _said(check, document)
            assert expected == _said(check, document)  # by what it has remembered
    assert accepted >= 9


@settings(max_examples=settings().max_examples * 5)
@given(st.data())
def test_changed_documents_are_read_alike(data: st.DataObject) -> None:
    """Whatever is changed in a document, both say the same to it."""
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
    for check, exact in _guardrails():
        expected = _said(exact, document)
        event(expected[1][:20])

        assert expected == _said(check, document)
