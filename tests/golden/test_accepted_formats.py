"""What Besa makes of known messages is what was accepted, and what the manual says."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.errors import IntakeError
from broker.model.intake import CONTENT_TYPES
from broker.pipeline import Received
from tests.formats import samples
from tests.formats.shown import EXPECTED, PAGE, accepted_of, page, public, received


@pytest.mark.parametrize("path", samples(), ids=lambda path: path.name)
def test_a_message_becomes_what_was_accepted(path: Path) -> None:
    """The incident, and all that was left behind, are the accepted ones."""
    accepted = (EXPECTED / f"{path.name}.json").read_text("utf-8")

    assert accepted.splitlines() == accepted_of(path).splitlines()


def test_every_format_has_a_message() -> None:
    """Each format that is read has a message of ours, except our own format."""
    found = {
        made.format
        for path in samples()
        for _, made in received(path)
        if isinstance(made, Received)
    }

    assert set(CONTENT_TYPES) - {"native"} == found


def test_the_manual_says_what_happens() -> None:
    """The tables of docs/formats.md are true; `python -m tests.formats` writes them."""
    text = PAGE.read_text("utf-8")

    assert text == page(text)


@pytest.mark.skipif(
    not public(), reason="the public samples are not beside the project"
)
def test_every_public_sample_is_read_or_refused_with_advice() -> None:
    """Of the public samples each is read, or the refusal says what can be done."""
    found = [(path, made) for path in public() for _, made in received(path)]
    refused = [(path, why) for path, why in found if isinstance(why, IntakeError)]

    assert len(found) > 50
    assert [] == [path for path, why in refused if not (why.problem and why.advice)]
    assert {"misp", "stix", "oasis_markings"} == {
        path.parent.name for path, _ in refused
    }
