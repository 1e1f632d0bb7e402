"""Files of agreed tags are checked like all others."""

from __future__ import annotations

import pytest

from broker.errors import RulebookError
from broker.rulebook import build
from tests import world

FILE = "mappings/feedback/besa.yaml"
OTHER = b"""feedback: other
title: Another list
tags:
  - {word: case-opened, tag: TAG}
"""


def problems(files: dict[str, bytes]) -> list[str]:
    """Return what is wrong with a rulebook."""
    with pytest.raises(RulebookError) as raised:
        build(files)
    return [str(problem) for problem in raised.value.problems]


def test_the_tags_are_part_of_the_rulebook() -> None:
    """Shipped tags are in the tables, and another tag is another rulebook."""
    book = world.rulebook()
    files = {**world.files(), FILE: world.files()[FILE] + b"\n# changed\n"}

    assert {"case-opened", "case-number", "keep-secret-until"} <= {
        row.word for row in book.tables.feedback
    }
    assert book.digest != build(files).digest


@pytest.mark.parametrize(
    ("tag", "why"),
    [
        ("'besa:feedback=\"CASE-OPENED\"'", "says already what this tag means"),
        ("tlp:amber", "the CSIRT sends this tag itself"),
        ("'rsit:fraud=\"phishing\"'", "the CSIRT sends this tag itself"),
        ('""', "visible ASCII characters"),
    ],
)
def test_a_tag_that_cannot_be_an_answer_is_refused(tag: str, why: str) -> None:
    """A tag that two files claim, or that goes out with cases, is named by its line."""
    name = "mappings/feedback/other.yaml"
    found = problems({**world.files(), name: OTHER.replace(b"TAG", tag.encode())})

    assert 1 == len(found)
    assert found[0].startswith(f"{name}:4:")
    assert why in found[0]


def test_without_any_list_no_tag_counts() -> None:
    """An installation that agreed on no tags has a rulebook all the same."""
    files = {name: data for name, data in world.files().items() if name != FILE}

    assert () == build(files).tables.feedback
