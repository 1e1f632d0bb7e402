"""Any bytes whatever give a rulebook or located problems: no traceback, no hang."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.errors import Problem, RulebookError
from broker.model.agreement import Agreement, Profile
from broker.policy import decide
from broker.rulebook import build
from broker.strict_yaml import Document, load, parse
from tests import world
from tests.strategies import facts

AGREEMENT = "policies/agreements/kp-cybercrime.yaml"
TEXT = world.files()[AGREEMENT].decode()
LINES = TEXT.splitlines(keepends=True)
_OTHERS = ("fiu", "special", "spo-", "financial", "prosecution", "/cases/")
FILES = {
    path: data
    for path, data in world.files().items()
    if not any(other in path for other in _OTHERS)
}
WORDS = [
    *("share", "withhold", "review", "red", "clear", "NO", "null", "true", "~", "0"),
    *(
        "*a",
        "&a b",
        "!!python/object:os.system x",
        "<<: *a",
        "? x",
        "- - - -",
        "{",
        "[",
    ),
    *("'", '"', "|", ">", "%YAML 9.9", "---", "...", "\t", "\ufeff", "\u202e", "\x00"),
    *("9" * 400, "-" * 200, "[" * 200, "{a: " * 100, "2026-99-99", "1e999", ": :"),
]


def problems_of(act: Callable[[], object]) -> tuple[Problem, ...] | None:
    """Return what is wrong according to the reader, or None when nothing is."""
    try:
        act()
    except RulebookError as error:
        return error.problems
    return None


def outcome(files: dict[str, bytes]) -> tuple[Problem, ...] | None:
    """Build a rulebook; return what is wrong, every problem of which has a place."""
    problems = problems_of(lambda: build(files))
    if problems is None:
        return None
    assert problems
    for problem in problems:
        assert problem.file in files or problem.message == "this file is missing"
        assert problem.line >= 0
        assert problem.message
    return problems


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_located(data: bytes) -> None:
    """The reader answers with a document, or with problems in that very file."""
    problems = problems_of(lambda: parse("x.yaml", data))

    assert problems is None or {"x.yaml"} == {problem.file for problem in problems}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from([*Agreement.model_fields, "when", "id", "from"])
                | st.text(max_size=8),
                inner,
                max_size=6,
            )
        ),
        max_leaves=30,
    ),
    st.sampled_from([Agreement, Profile]),
)
def test_any_values_are_loaded_or_located(value: Any, model: Any) -> None:
    """Whatever a well-formed file says, it is a model or has located problems."""
    document = Document("x.yaml", value, ((1, 1), (1, 1), None))
    problems = problems_of(lambda: load(document, model))

    assert problems is None or {1} == {problem.line for problem in problems}


@given(
    st.lists(
        st.tuples(
            st.integers(0, len(TEXT)), st.integers(0, 40), st.sampled_from(WORDS)
        ),
        min_size=1,
        max_size=3,
    )
)
@settings(max_examples=60)
def test_a_damaged_agreement_is_refused_or_understood(
    edits: list[tuple[int, int, str]],
) -> None:
    """Half a line, a stray sign or a bomb in a file never ends in a traceback."""
    text = TEXT
    for start, length, word in edits:
        text = text[:start] + word + text[start + length :]

    outcome({**FILES, AGREEMENT: text.encode("utf-8", "surrogatepass")})


@given(st.integers(0, len(TEXT.encode()) - 1), facts())
@settings(max_examples=60)
def test_half_a_file_has_no_clause_of_its_own(length: int, some: Any) -> None:
    """An agreement that was cut off is refused, or has the first of its clauses.

    What it would then share, a clause that is missing or cut short explains. No reader
    can know better; whoever reloads waits for the end, and runs the cases besides.
    """
    cut = {**FILES, AGREEMENT: TEXT.encode()[:length]}
    try:
        [route] = build(cut).routes
    except RulebookError:
        return
    whole = world.route("kp-misp")
    left = len(route.agreement.clauses)
    before, after = (
        decide(some, whole.rules, world.NOW),
        decide(some, route.rules, world.NOW),
    )

    names = [clause.id for clause in whole.agreement.clauses]
    assert names[:left] == [clause.id for clause in route.agreement.clauses]
    last = names[left - 1]
    if after.effect.rank < before.effect.rank and last not in after.clauses:
        assert set(before.clauses) & set(names[left:])


DEEP = 3_000
BOMBS = {
    "aliases": b"a: &a [x, x]\n"
    + b"".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n".encode()
        for n in range(20)
    ),
    "anchor": b"a: &x 1\nb: 2\n",
    "merge key": b"a: {<<: {b: 1}}\n",
    "duplicate key": b"agreement: a\nagreement: b\n",
    "tab": b"a:\n\t- b\n",
    "byte order mark": b"\xef\xbb\xbfagreement: a\n",
    "utf-16": "agreement: a\n".encode("utf-16"),
    "ten megabytes": b"a: " + b"x" * 10_000_000,
    "ten megabytes of lines": b"- x\n" * 2_500_000,
    "many keys": b"".join(f"k{n}: 1\n".encode() for n in range(100_000)),
    "deep lists": b"[" * DEEP + b"]" * DEEP,
    "deep mappings": b"{a: " * DEEP,
    "deep blocks": b"".join(b" " * n + b"a:\n" for n in range(500)),
    "python tag": b"!!python/object/apply:os.system ['true']\n",
    "two documents": b"a: 1\n---\nb: 2\n",
    "lone surrogate": b'a: "\\ud800"\n',
    "long number": b"a: " + b"9" * 5_000 + b"\n",
    "nothing": b"",
    "null bytes": b"\x00" * 1_000,
    "only comments": b"# a\n" * 1_000,
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_at_its_place(name: str) -> None:
    """What is built to hurt a reader is refused, in the file that it stands in."""
    problems = outcome({**FILES, AGREEMENT: BOMBS[name]})

    assert problems is not None
    assert AGREEMENT in {problem.file for problem in problems}


def test_norway_is_no_denial() -> None:
    """``NO`` is a country, and not false."""
    old = "urgency_in: [threat-to-life]"
    assert old in TEXT
    text = TEXT.replace(old, "victim_country_in: [NO, XK]")

    book = build({**FILES, AGREEMENT: text.encode()})

    wanted = [c.when.victim_country_in for c in book.routes[0].agreement.clauses]
    assert frozenset({"NO", "XK"}) in wanted


@pytest.mark.parametrize("path", sorted(FILES))
def test_no_file_can_be_emptied(path: str) -> None:
    """An empty file is a problem at its name, whatever it was for."""
    problems = outcome({**FILES, path: b""})

    assert problems is not None
    assert path in {problem.file for problem in problems}


@given(st.text(max_size=60), st.binary(max_size=60))
@settings(max_examples=60)
def test_a_file_of_any_name_is_known_or_refused(name: str, data: bytes) -> None:
    """A file that nobody expects is a problem, and never silently left out."""
    path = f"policies/{name}.yaml"
    problems = outcome({**FILES, path: data})

    assert path in FILES or path.startswith("policies/cases/") or problems
