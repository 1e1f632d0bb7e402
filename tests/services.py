"""What happens to a test whose real server is missing on this machine.

On somebody's own machine it is skipped, with the reason. Where ``CI=true`` it fails:
what nobody ran proves nothing.
"""

from __future__ import annotations

import os
from typing import Final, NoReturn

import pytest

CI: Final = os.environ.get("CI") == "true"


def absent(reason: str) -> NoReturn:
    """End a test whose server is missing."""
    if CI:
        pytest.fail(reason)
    pytest.skip(reason)
