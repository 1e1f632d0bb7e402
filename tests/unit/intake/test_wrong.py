"""Facts about the words in which a message that is no incident is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from broker.errors import IntakeError
from broker.intake import read
from broker.model.intake import CONTENT_TYPES
from broker.model.rsit import RSIT_TYPES
from tests.unit import given

WHOLE = json.dumps(given.fields(), indent=1).encode()
MARK = "it begins with a byte-order mark"
AS_UTF8 = "save it as UTF-8 without a byte-order mark"


def _refused(raw: bytes, format_name: str | None = None) -> IntakeError:
    said = CONTENT_TYPES[format_name] if format_name else None
    with pytest.raises(IntakeError) as caught:
        read(raw, said, given.shipped().tables)
    return caught.value


@pytest.mark.parametrize("format_name", [None, "native", "n6", "misp-event"])
@pytest.mark.parametrize(
    ("raw", "problem", "advice"),
    [
        (b"", "it is empty", "send one JSON object"),
        (b" \r\n", "it is empty", "send one JSON object"),
        (b"\xef\xbb\xbf" + WHOLE, MARK, AS_UTF8),
        (WHOLE.decode().encode("utf-16"), MARK, AS_UTF8),
        (b'{\n"uid": "\xeb"}', "it is not UTF-8: line 2", AS_UTF8),
        (b'{\n"uid" 1}', "it is not JSON: line 2, column 7", "send one JSON object"),
        (b"\x00\x00", "it is not JSON: line 1, column 1", "send one JSON object"),
    ],
)
def test_what_is_no_json_is_refused_with_its_place(
    raw: bytes, problem: str, advice: str, format_name: str | None
) -> None:
    """Of whatever format: what is wrong with the bytes, where, and what to do."""
    refused = _refused(raw, format_name)

    assert ("", problem, advice) == (refused.path, refused.problem, refused.advice)


@pytest.mark.parametrize("format_name", [None, "native"])
def test_lines_of_json_are_not_called_broken(format_name: str | None) -> None:
    """A file of several incidents is told from one that is no JSON."""
    line = json.dumps(given.fields()).encode()
    refused = _refused(line + b"\n\n" + line, format_name)

    assert "a second object begins at line 3, column 1" == refused.problem
    assert "'besa publish' and 'besa convert' take a list apart" in refused.advice


def test_what_is_nested_too_deeply_is_not_called_broken() -> None:
    """Lists within lists without end are JSON, and no incident."""
    deep = b'{"uid": ' + b"[" * 2_000 + b"]" * 2_000 + b"}"

    assert "it is nested too deeply: line 1, column " in _refused(deep).problem


def test_a_list_is_told_from_an_object() -> None:
    """A list of incidents is no incident, and the error says what takes it apart."""
    refused = _refused(json.dumps([given.fields()] * 3).encode())

    assert "it is a list of 3" == refused.problem
    assert "'besa publish' and 'besa convert' take a list apart" in refused.advice


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"uid": None}, "uid: is not a text"),
        ({"uid": "ab"}, "uid: has fewer than 3 characters"),
        ({"uid": "a" * 129}, "uid: has more than 128 characters"),
        ({"title": ""}, "title: is empty"),
        ({"revision": "1"}, "revision: is not a whole number"),
        ({"revision": 0}, "revision: is less than 1"),
        ({"confidence": 101}, "confidence: is more than 100"),
        ({"victims": {}}, "victims: is not a list"),
        ({"victims": [7]}, "victims[0]: is not an object"),
        ({"tlp": "white"}, "tlp: is not one of clear, green, amber, amber+strict, red"),
        ({"revised_at": "2026-11-20T09:30:00"}, "revised_at: has no time zone"),
        ({"language": "Albanian"}, "language: is not written as it must be: ^[a-z]"),
    ],
)
def test_a_wrong_value_is_named_in_plain_words(
    changes: dict[str, Any], problem: str
) -> None:
    """The error says what is wrong with a field, in no programmer's words."""
    assert str(_refused(given.raw(**changes))).startswith(problem)


def test_every_field_that_is_missing_is_named() -> None:
    """The first field that is wrong is named, then up to three others."""
    fields = given.fields()
    for gone in ("uid", "title", "revised_at", "classification", "tlp"):
        del fields[gone]
    refused = _refused(json.dumps(fields).encode(), "native")
    names = [refused.path, *refused.problem.partition(": ")[2].split(", ")]

    assert refused.problem.startswith("is missing; also wrong: ")
    assert refused.problem.endswith(" and 1 more")
    assert 4 == len(names)


@pytest.mark.parametrize(
    ("changes", "path", "meant"),
    [
        ({"titel": "x"}, "titel", "title"),
        ({"victims": [{"kind": "person", "nam": "x"}]}, "victims[0].nam", "name"),
        (
            {"victims": [{"kind": "person", "contacts": {"emial": "x"}}]},
            "victims[0].contacts.emial",
            "email",
        ),
        ({"reference": ["x"]}, "reference", "references"),
    ],
)
def test_a_misspelt_field_is_answered_with_the_nearest(
    changes: dict[str, Any], path: str, meant: str
) -> None:
    """Which field was meant is said, also within a part of the incident."""
    refused = _refused(given.raw(**changes))

    assert (path, "there is no such field") == (refused.path, refused.problem)
    assert f"did you mean {meant}?" == refused.advice


def test_no_suggestion_is_made_for_a_value() -> None:
    """A misspelt type is sent to the list of types: the nearest would give it away."""
    refused = _refused(given.raw(classification="fraud/phising"))

    assert "'besa mappings show taxonomy' lists them" == refused.advice
    assert not any(kind in str(refused) for kind in RSIT_TYPES)
