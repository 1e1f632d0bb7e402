"""Facts about guardrails that are refused, and about the language of shapes."""

from __future__ import annotations

from typing import Any

import pytest

from broker.errors import Problem, RulebookError
from broker.guard import compile_guard
from broker.guard.paths import UnknownShapeError
from broker.guard.shapes import Shapes
from broker.model.agreement import Guardrail
from tests.unit import given

TEXT = "guardrail: g\ntripwires: [a]\npaths:\n  Event.info: prose\n"


def _guardrail(**changes: Any) -> Guardrail:
    return Guardrail.model_validate(
        {
            "guardrail": "g",
            "wire": "misp-event",
            "tlp_at_most": "amber",
            "pap_at_most": "amber",
            "max_bytes": 1_000,
            "paths": {"Event.info": "text"},
            **changes,
        }
    )


def _problems(guardrail: Guardrail) -> tuple[Problem, ...]:
    doc = given.document("policies/guardrails/g.yaml", TEXT)
    with pytest.raises(RulebookError) as caught:
        compile_guard(guardrail, given.profile(), given.kinds(), doc)
    return caught.value.problems


def test_unknown_shape_is_refused_at_its_line() -> None:
    """A shape that does not exist is refused at the line of its path."""
    [problem] = _problems(_guardrail(paths={"Event.info": "prose"}))

    assert "Event.info has an unknown shape 'prose'" == problem.message
    assert ("policies/guardrails/g.yaml", 4) == (problem.file, problem.line)
    assert problem.advice.startswith("shapes are uuid, ")


def test_unknown_tripwire_is_refused() -> None:
    """A tripwire that does not exist is refused, with those that do."""
    [problem] = _problems(_guardrail(tripwires=["passport"]))

    assert "no tripwire 'passport'" == problem.message
    expected = "there are payment-card, private-key, password, personal-number, iban"
    assert expected == problem.advice


@pytest.mark.parametrize(
    "path", ["a..b", "a[", "[]", "a]b", ".a", "a[]b", 'a"b', "a\\b", "a\nb"]
)
def test_unreadable_path_is_refused(path: str) -> None:
    """A path that cannot be read is refused."""
    with pytest.raises(UnknownShapeError):
        Shapes({path: "text"})


@pytest.mark.parametrize(
    ("shape", "good", "bad"),
    [
        ("text", '"any"', "1"),
        ("flag", "true", "1"),
        ("number", "999999", "1000000"),
        ("number", "0", "-1"),
        ("number", "1", "true"),
        ("number", "1", "1.5"),
        ("digit", '"4"', '"44"'),
        ("digit", '"4"', '"٤"'),
        ("day", '"2026-11-20"', '"2026-11-20 "'),
        ("epoch", '"1700000000"', '"17000000000"'),
        ("const:0", '"0"', '"1"'),
        ("const:a|b", '"a"', '"a|b"'),
        ("one-of:a|b", '"b"', '"c"'),
        ("timestamp", '"2026-11-20T09:30:00Z"', '"2026-11-20T09:30:00"'),
        ("timestamp", '"2026-11-20T09:30:00.123Z"', '"2026-11-20T09:30:00.1234567Z"'),
        (
            "uuid",
            '"12592121-be4c-5a93-a813-5a5af16e50db"',
            '"12592121-be4c-9a93-a813-5a5af16e50db"',
        ),
        (
            "stix-id",
            '"ipv4-addr--12592121-be4c-5a93-a813-5a5af16e50db"',
            '"12592121-be4c-5a93-a813-5a5af16e50db"',
        ),
    ],
    ids=str,
)
def test_shape(shape: str, good: str, bad: str) -> None:
    """A shape takes what it is for, and refuses the nearest that it is not for."""
    check = Shapes({"a": shape})

    assert () == check.read(f'{{"a":{good}}}'.encode()).breaches
    [breach] = check.read(f'{{"a":{bad}}}'.encode()).breaches
    assert ("wrong-shape", "a") == (breach.rule, breach.path)


@pytest.mark.parametrize("good", ['"x"', '["x","y"]', "7", "true"])
def test_a_value_is_any_plain_field(good: str) -> None:
    """A field of an incident may be a text, a list of texts, a number or a flag."""
    assert (
        () == Shapes({"a.*": "value"}).read(f'{{"a":{{"b":{good}}}}}'.encode()).breaches
    )


@pytest.mark.parametrize("bad", ["null", "[1]", '{"c": "x"}', "1000000", "-1", "0.5"])
def test_nothing_hides_in_a_value(bad: str) -> None:
    """What could hold a value that nobody searches is refused."""
    [breach] = Shapes({"a.*": "value"}).read(f'{{"a":{{"b":{bad}}}}}'.encode()).breaches
    assert "wrong-shape" == breach.rule


def test_texts_of_a_value_are_searched() -> None:
    """Every text of such a field is collected, with its key."""
    body = b'{"a":{"b":["x","y"],"c":"z"}}'
    assert ["b", "x", "y", "c", "z"] == Shapes({"a.*": "value"}).read(body).texts


def test_items_are_told_apart_by_type() -> None:
    """In a list of objects each has the keys of its own type, and no other type is."""
    check = Shapes({"o[a].x": "text", "o[b].y": "text"})

    good = b'{"o":[{"type":"a","x":"1"},{"type":"b","y":"2"}]}'
    assert () == check.read(good).breaches
    for bad in (b'{"o":[{"type":"a","y":"1"}]}', b'{"o":[{"type":"c"}]}', b'{"o":[1]}'):
        assert ["not-allowed"] == [breach.rule for breach in check.read(bad).breaches]


def test_texts_are_collected() -> None:
    """Every text and every free key is collected for the search; closed shapes not."""
    paths = {"a": "text", "b": "digit", "c.*": "text", "d": "epoch", "e[]": "text"}
    body = b'{"a":"A","b":"1","c":{"key":"C"},"d":"1700000000","e":["E","F"]}'

    texts = Shapes(paths).read(body).texts

    assert ["A", "key", "C", "1700000000", "E", "F"] == texts


@pytest.mark.parametrize("key", ["A", "a b", "é", "a" * 81, ""])
def test_free_keys_are_plain(key: str) -> None:
    """A key that may be anything is still of small letters and signs only."""
    body = f'{{"c":{{"{key}":"x"}}}}'.encode()

    [breach] = Shapes({"c.*": "text"}).read(body).breaches

    assert ("not-allowed", "c") == (breach.rule, breach.path)
