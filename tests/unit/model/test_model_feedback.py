"""The tags that were agreed on, and what they say."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from broker.model.feedback import (
    AgreedTag,
    FeedbackWord,
    ReturnPath,
    Vocabulary,
    opinion_word,
)

TAGS = (
    AgreedTag(word=FeedbackWord.CASE_OPENED, tag='besa:feedback="case-opened"'),
    AgreedTag(word=FeedbackWord.CASE_NUMBER, tag="besa:case-number", value="text"),
    AgreedTag(
        word=FeedbackWord.KEEP_SECRET_UNTIL,
        tag="besa:keep-secret-until",
        value="date",
    ),
)
WORDS = Vocabulary(TAGS, 'besa:recall="acknowledged"')


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ('besa:feedback="case-opened"', (FeedbackWord.CASE_OPENED, "", None)),
        ('BESA:Feedback="Case-Opened"', (FeedbackWord.CASE_OPENED, "", None)),
        ('besa:case-number="PK-1"', (FeedbackWord.CASE_NUMBER, "PK-1", None)),
        ("besa:case-number=PK-1", (FeedbackWord.CASE_NUMBER, "PK-1", None)),
        ('besa:case-number="a=b"', (FeedbackWord.CASE_NUMBER, "a=b", None)),
        (
            'besa:keep-secret-until="2027-03-01"',
            (FeedbackWord.KEEP_SECRET_UNTIL, "", date(2027, 3, 1)),
        ),
        (
            'besa:recall="acknowledged"',
            (FeedbackWord.RECALL_ACKNOWLEDGED, "", None),
        ),
    ],
)
def test_an_agreed_tag_says_something(tag: str, said: Any) -> None:
    """A tag is read in any case of letters, with or without quotes."""
    assert said == WORDS.read(tag)


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "tlp:amber",
        "kp:surveillance-running",
        "besa:feedback",
        'besa:feedback="case-opened"x',
        "besa:case-number",
        'besa:case-number=""',
        "besa:case-number= ",
        'besa:keep-secret-until="soon"',
        'besa:keep-secret-until="2027-13-01"',
    ],
)
def test_any_other_tag_says_nothing(tag: str) -> None:
    """What was not agreed on, has no value or names no day, is not read."""
    assert WORDS.read(tag) is None


@pytest.mark.parametrize(
    "row",
    [
        {"word": "case-number", "tag": "besa:case-number"},
        {"word": "case-opened", "tag": "besa:x", "value": "text"},
        {"word": "keep-secret-until", "tag": "besa:x", "value": "text"},
        {"word": "case-number", "tag": 'besa:n="1"', "value": "text"},
        {"word": "recall-acknowledged", "tag": "besa:x"},
        {"word": "seen", "tag": "besa:x"},
        {"word": "case-opened", "tag": ""},
        {"word": "case-opened", "tag": " x"},
        {"word": "case-opened", "tag": "ë"},
        {"word": "case-opened", "tag": "x", "also": 1},
    ],
)
def test_a_tag_that_fits_its_word_is_asked_for(row: dict[str, Any]) -> None:
    """A number needs a text, a day a date, others nothing; only some can be tags."""
    with pytest.raises(ValidationError):
        AgreedTag.model_validate(row)


def test_an_opinion_is_one_of_three() -> None:
    """0 to 39 disagrees, 40 to 60 is neutral, 61 to 100 agrees."""
    said = [opinion_word(score) for score in (0, 39, 40, 60, 61, 100)]

    assert [*["disagree"] * 2, *["neutral"] * 2, *["agree"] * 2] == said


def test_a_memorandum_that_says_nothing_is_strict() -> None:
    """Without a word of the agreement only the lead reads what a unit wrote."""
    assert ("lead", "amber+strict") == (ReturnPath().words, ReturnPath().tlp)
