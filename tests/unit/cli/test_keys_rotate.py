"""`besa keys rotate` from the terminal."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

Besa = Callable[..., Any]


def test_a_new_epoch_begins(besa: Besa, home: Path) -> None:
    """The command makes the next epoch's secret and says which it is."""
    assert 0 == besa("keys", "create").code

    first, second = besa("keys", "rotate", "--json"), besa("keys", "rotate")

    assert {"epoch": 2, "private": str(home / "keys")} == first.json
    assert "Epoch 3" in second.text
    assert "p3-" in second.text
    path = home / "keys" / "pseudonyms-3.secret"
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_without_keys_there_is_nothing_to_rotate(besa: Besa) -> None:
    """Where there are no keys, it is a fault that names the command to run."""
    ended = besa("keys", "rotate")

    assert 3 == ended.code
    assert "besa keys create" in ended.err


def test_the_preview_shows_pseudonyms_of_the_new_epoch(
    besa: Besa, incident: Path
) -> None:
    """After a rotation every pseudonym is of the new epoch."""
    besa("keys", "create")
    before = besa("preview", incident, "--json").text
    besa("keys", "rotate")
    after = besa("preview", incident, "--json").text

    assert '"p-' in before
    assert '"p-' not in after
    assert '"p2-' in after
