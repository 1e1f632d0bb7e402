"""Whatever Besa reads as a value of a kind, MISP stores as it was sent."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from broker.convert.observables import writers
from broker.intake.values import normal
from broker.model.incident import Role
from broker.model.mapping import Tables
from broker.render.misp_event import Target
from broker.rulebook import tables
from broker.sandbox.misp.checks import problem
from broker.sandbox.misp.values import normalise
from broker.settings import read_mapping_files

ROOT = Path(__file__).parents[3]
ASTRAL = re.compile("[\U00010000-\U0010ffff]")
# MISP lets no line break into most values; it also trims what it takes for blanks.
LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXTS = st.text(LETTERS, min_size=1, max_size=40)
SHAPED = st.from_regex(
    r"\A[A-Za-z0-9]{1,64}([@./:|-][A-Za-z0-9ëç]{1,10}){0,3}\Z"
) | st.from_regex(r"\A[0-9+() -]{3,24}\Z")


@cache
def known() -> Tables:
    return tables(read_mapping_files(ROOT / "mappings"))


@pytest.mark.parametrize("kind", sorted(known().kinds))
@settings(max_examples=10)
@given(value=TEXTS | SHAPED)
@example(value="root@localhost")
@example(value="faqe-e-rreme-ë.example")
@example(value="bitcoincash:qexample")
@example(value="170-0000-12")
@example(value="abc.onion")
@example(value="a line\nand another")
@example(value="+3834400+0900")
@example(value="a.b")
def test_misp_stores_what_was_read(kind: str, value: str) -> None:
    """MISP refuses no value that Besa accepts, and changes nothing in it."""
    row = known().kinds[kind]
    read = normal(value, row)
    if read is None or ASTRAL.search(read):
        return
    spelled = writers({kind: row})[kind].spelled
    in_stix = spelled(read) if spelled else read
    for role in Role:
        target = Target.of(row, role)
        written = target.spelled(in_stix)
        of_type = target.type if target.fits(written) else "text"
        stored = normalise(of_type, written)

        assert None is problem(of_type, stored)
        assert written == stored
