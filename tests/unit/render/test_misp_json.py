"""What is put together as text is the canonical JSON of what it says."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.canonical import around, dumps, quoted
from broker.render.misp_json import (
    Attribute,
    FieldForm,
    Made,
    ObjectForm,
    Relation,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
UUID = "00000000-0000-5000-8000-000000000001"
OTHER = "00000000-0000-5000-8000-000000000002"
STAMP = '"1790000000"'
TEMPLATE = {
    "name": "x-100%s",
    "meta-category": "misc",
    "template_uuid": OTHER,
    "template_version": "3",
}


def is_canonical(text: str) -> bool:
    return dumps(json.loads(text)) == text.encode()


@given(text=TEXTS)
def test_a_text_is_quoted_as_the_whole_document_would(text: str) -> None:
    """A part that is written by itself reads as if it were written with the rest."""
    assert dumps(text).decode() == quoted(text)


@pytest.mark.parametrize("code", [*range(0x20), 0x22, 0x5C, 0x7F, 0x2028, 0xFFFF])
def test_what_json_escapes_is_escaped_alike(code: int) -> None:
    """Control characters, quotes and backslashes are spelled in one way only."""
    assert dumps(chr(code)).decode() == quoted(chr(code))


@given(
    constant=st.dictionaries(TEXTS, TEXTS | st.booleans() | st.integers(0, 9)),
    value=TEXTS,
)
def test_pieces_and_values_are_the_object(
    constant: dict[str, str | bool | int], value: str
) -> None:
    """Keys are in order wherever the values that are yet to come belong."""
    constant = {f"k{name}": said for name, said in constant.items()}
    first, second, third = around(constant, "A", "m")

    filled = first + quoted(value) + second + "[]" + third

    assert dumps({**constant, "A": value, "m": []}) == filled.encode()


@given(
    value=TEXTS,
    comment=TEXTS,
    seen=st.tuples(st.none() | TEXTS, st.none() | TEXTS),
    to_ids=st.booleans(),
    relation=TEXTS,
)
def test_an_attribute_says_what_it_has(
    value: str,
    comment: str,
    seen: tuple[str | None, str | None],
    to_ids: bool,
    relation: str,
) -> None:
    """What an attribute does not have is not there, and all else is as it was given."""
    made = Attribute(UUID, "t", "c", value, to_ids, comment, *seen, relation)

    written = made.written(STAMP)

    optional = {
        "first_seen": seen[0],
        "last_seen": seen[1],
        "object_relation": relation,
    }
    assert is_canonical(written)
    assert {
        "uuid": UUID,
        "type": "t",
        "category": "c",
        "value": value,
        "to_ids": to_ids,
        "comment": comment,
        "distribution": "5",
        "timestamp": "1790000000",
    } | {name: said for name, said in optional.items() if said} == json.loads(written)


def test_an_object_refers_only_if_it_does() -> None:
    """An object without references has no list of them."""
    made = Made(ObjectForm.of("affected_systems", TEMPLATE), UUID, ["{}"])
    alone = made.written(STAMP)
    made.references.append(Relation.of("related-to").written(OTHER, UUID, STAMP))
    referring = made.written(STAMP)

    assert is_canonical(alone)
    assert is_canonical(referring)
    assert "ObjectReference" not in json.loads(alone)
    assert {
        **json.loads(alone),
        "ObjectReference": [
            {
                "uuid": OTHER,
                "referenced_uuid": UUID,
                "relationship_type": "related-to",
                "timestamp": "1790000000",
            }
        ],
    } == json.loads(referring)
    assert "x-100%s (affected systems)" == json.loads(alone)["description"]


def test_a_field_is_canonical() -> None:
    """What a field becomes is canonical by itself."""
    field = FieldForm("text", "Other", "a%").written(STAMP, UUID, 'v"')

    assert is_canonical(field)
