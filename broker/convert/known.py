"""What stands in every document under one agreement, whatever the incident.

`Frame` -> lines and names that the guard need not look in or for: they come from policy
files and tables alone, and never from an incident.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from broker.convert.frame import Frame
from broker.convert.summary import REASONS, retraction_summary, summary
from broker.model.incident import Status, Urgency
from broker.model.marking import Severity
from broker.model.sharing import Edition

_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
_FIRST: Final = Edition(1, _START, _START, content="")


def known_lines(
    frame: Frame, of_tables: frozenset[str] | None = None
) -> frozenset[str]:
    """Return the lines that an incident can choose among, and not write.

    ``of_tables`` is what `lines_of_tables` said of this frame, or of another one that
    was made of the same tables.
    """
    found: set[str] = {*frame.kept_for, *frame.ending.split("\n")}
    for reason in REASONS:
        found.update(retraction_summary(frame, reason).split("\n"))
    return (of_tables or lines_of_tables(frame)).union(found)


def lines_of_tables(frame: Frame) -> frozenset[str]:
    """Return those of the known lines that are the same under every agreement."""
    found: set[str] = set()
    closed = (("severity", Severity), ("status", Status), ("urgency", Urgency))
    views = [{"classification": name} for name in frame.rsit]
    views += [{field: value.value} for field, values in closed for value in values]
    headed = replace(frame, offences={}, ending="")
    for view in views:
        found.update(summary(view, headed, _FIRST).split("\n"))
    for offences in frame.offences.values():
        found.update(offences.split("\n"))
    found.update(*frame.labels.values(), *frame.states.values(), *frame.assessed)
    return frozenset(found)


def known_names(frame: Frame) -> frozenset[str]:
    """Return the name of the CSIRT and how it is reached: it signs every document."""
    return frozenset({frame.csirt.name, *frame.csirt.contact.split(", ")})
