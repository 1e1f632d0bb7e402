"""Facts about the lines that stand in every document under an agreement."""

from __future__ import annotations

from datetime import UTC, datetime

from broker.convert import Frame, known_lines, lines_of_tables
from broker.convert.summary import REASONS, retraction_summary, summary
from broker.model.incident import Status, Urgency
from broker.model.marking import Severity
from broker.model.sharing import Edition
from tests.unit import given

START = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = Edition(1, START, START, content="")


def _written(frame: Frame) -> set[str]:
    """Return the lines of every notice, and of the summaries of single choices."""
    views = [{"classification": name} for name in frame.rsit]
    views += [{"severity": each.value} for each in Severity]
    views += [{"status": each.value} for each in Status]
    views += [{"urgency": each.value} for each in Urgency]
    texts = [summary(view, frame, FIRST) for view in views]
    texts += [retraction_summary(frame, reason) for reason in REASONS]
    return {line for text in texts for line in text.split("\n")}


def test_all_that_an_incident_only_chooses_is_known() -> None:
    """Known are the lines of every summary of one choice, and all tags; no others."""
    for route in given.shipped().routes:
        frame = route.frame
        tags = {
            tag
            for some in (*frame.labels.values(), *frame.states.values())
            for tag in some
        }
        tags.update(frame.kept_for, *frame.assessed)

        assert _written(frame) | tags == known_lines(frame)


def test_what_the_tables_say_is_the_same_under_every_agreement() -> None:
    """The lines that follow from the tables need not be found for each agreement."""
    first, *others = [route.frame for route in given.shipped().routes]

    for other in others:
        assert lines_of_tables(first) == lines_of_tables(other)
        assert known_lines(other) == known_lines(other, lines_of_tables(first))
        assert known_lines(first) != known_lines(other)
