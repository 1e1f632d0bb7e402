"""How well each detector does on the labelled corpus, and that no text breaks one."""

from __future__ import annotations

import random
import re
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.redact.scrub.detectors import DETECTORS
from broker.redact.scrub.reading import read
from tests.corpus import measure

NAMES = [detector.name for detector in DETECTORS]
# What each gets wrong in the corpus, and nothing else: how the sentence begins.
MISTAKES: dict[str, set[str]] = {
    "secret": {"The login is admin", "Let key = value; p"},
    "card number": {
        "Transferi nga XK03",
        "Order 400012341234",
        "kartela ime 4 shif",
        "card ending 1881",
        "Serial 4539 1488 0",
    },
    "personal number": {"SSN-like 103983147"},
    "device number": {"SN 356938035643809"},
    "wallet": {"wallet 0x529084000"},
    "IP address": {"::ffff:203.0.113.5", "From 10.11.12.13 t"},
    "phone number": {
        "Numrin ia dha me s",
        "IBAN-i i gabuar XK",
        "Reach him on 044 1",
        "My number's oh-fou",
    },
    "plate": {"The licence was 01"},
}


@cache
def scores() -> dict[str, dict[str, measure.Score]]:
    """Return what is measured, once for all tests."""
    return measure.measured()


@pytest.mark.parametrize("name", NAMES)
def test_detector_finds_exactly_what_is_labelled(name: str) -> None:
    """From its first letter to its last, but for the mistakes that are known."""
    detector = next(each for each in DETECTORS if each.name == name)
    wrong = {
        one.text[:18]
        for one in measure.corpus()
        if sorted(set(measure.found_by(detector, one.text))) != sorted(one.of(name))
    }

    assert MISTAKES.get(name, set()) == wrong


@pytest.mark.parametrize("name", NAMES)
def test_detector_misses_little(name: str) -> None:
    """Each detector finds most of what is labelled, over all languages."""
    whole = sum(scores()[name].values(), measure.Score())

    assert whole.labelled >= 7
    assert measure.RECALL_FLOOR <= whole.recall


@pytest.mark.parametrize("name", NAMES)
def test_detector_is_seldom_wrong(name: str) -> None:
    """Of what a detector finds, most is what it says."""
    whole = sum(scores()[name].values(), measure.Score())

    assert measure.PRECISION_FLOOR <= whole.precision


def test_the_corpus_is_in_all_languages() -> None:
    """Albanian, Serbian in both scripts and English each have their share."""
    sentences = measure.corpus()
    shares = {
        lang: sum(one.lang == lang for one in sentences) for lang in measure.LANGUAGES
    }

    assert len(sentences) == sum(shares.values())
    assert min(shares.values()) >= 50
    assert sum(not one.spans for one in sentences) >= 100


def test_labels_cover_what_they_say() -> None:
    """Each labelled place lies in its sentence and begins and ends with no blank."""
    for sentence in measure.corpus():
        for start, end, label in sentence.spans:
            part = sentence.text[start:end]

            assert label in NAMES
            assert part
            assert part == part.strip()


def test_the_documentation_shows_these_figures() -> None:
    """The table in the documentation is the one that is measured."""
    text = measure.DOCS.read_text("utf-8")
    shown = text.partition(measure.BEGIN)[2].partition(measure.END)[0]

    assert measure.table() == shown.strip()


@pytest.mark.parametrize("name", NAMES)
def test_detector_knows_its_place(name: str) -> None:
    """A place that a detector yields lies in the text, and has a length."""
    detector = next(each for each in DETECTORS if each.name == name)
    chance = random.Random(name)
    parts = [part for one in measure.corpus() for part in re.split(r"(\W)", one.text)]
    for _ in range(200):
        reading = read("".join(chance.choices(parts, k=40)))
        for start, end in detector.find(reading):
            first, last = reading.place(start, end)

            assert 0 <= first < last <= len(reading.source)


@given(st.text(st.characters(), max_size=80))
def test_no_text_breaks_a_detector(text: str) -> None:
    """Whatever a text holds, lone surrogates too, a detector only finds places."""
    reading = read(text)
    for detector in DETECTORS:
        for start, end in detector.find(reading):
            assert 0 <= start < end <= len(reading.text)


@given(st.text(st.characters(), max_size=80))
def test_every_letter_of_a_reading_knows_its_place(text: str) -> None:
    """A reading has as many places as letters, in the order of the text."""
    reading = read(text)

    assert len(reading.text) == len(reading.lower) == len(reading.starts)
    assert list(reading.starts) == sorted(reading.starts)
    assert all(
        start < end <= len(text)
        for start, end in zip(reading.starts, reading.ends, strict=True)
    )
