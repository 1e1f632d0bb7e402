"""A small soak: some incidents, some kills, and the count at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.kafka_fixtures import needs_kafka
from tests.soak.__main__ import report
from tests.soak.run import soak


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(900)
@needs_kafka
def test_nothing_is_lost_in_a_small_soak(tmp_path: Path) -> None:
    """After random kills all is where it must be: `reconcile` and the register agree.

    The large one is `python -m tests.soak`.
    """
    found = soak(100, 0.2, seed=11, home=tmp_path / "soak", patience=600)

    assert [] == found.problems, report(found, 11)
    assert found.wanted == found.delivered
    assert found.kills > 0
