"""What each recipient gets of known incidents is what was reviewed and accepted.

After a change that is meant, run ``python -m tests.golden.record`` and review the
difference before it is committed.
"""

from __future__ import annotations

import pytest

from tests.golden.record import EXPECTED, golden

FOUND = golden()


@pytest.mark.parametrize("path", sorted(FOUND))
def test_a_recipient_gets_what_was_accepted(path: str) -> None:
    """Decision, ledger and both wires are the accepted ones, to the letter."""
    accepted = (EXPECTED / path).read_text(encoding="utf-8")

    assert accepted.splitlines() == FOUND[path].splitlines()


def test_no_golden_file_is_left_over() -> None:
    """Every golden file belongs to an incident and recipient that are compared."""
    files = {str(file.relative_to(EXPECTED)) for file in EXPECTED.rglob("*.json")}

    assert set(FOUND) == files


def test_the_golden_files_show_every_end() -> None:
    """Among them is what was shared, held for review, withheld and taken back."""
    texts = "".join(FOUND.values())

    for effect in ("share", "review", "withhold"):
        assert f'"effect": "{effect}"' in texts
    assert "# Taken back" in texts
