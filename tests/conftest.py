"""What all tests share: the shipped rulebook, keys, a moment and incidents."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from broker.keys import Keys
from broker.rulebook import Rulebook
from tests import world

# Always the same examples, so that a change that breaks a law breaks the build and not
# some later one. BESA_HYPOTHESIS=deep looks at new ones, and many more.
_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile(
    "ci", derandomize=True, deadline=None, max_examples=60, suppress_health_check=_SLOW
)
settings.register_profile(
    "deep", deadline=None, max_examples=600, suppress_health_check=_SLOW
)
settings.load_profile(os.environ.get("BESA_HYPOTHESIS", "ci"))

# A shell lets what it starts in the background ignore Ctrl-C, and so would all that
# tests start and then interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def rulebook() -> Rulebook:
    """Give the shipped rulebook."""
    return world.rulebook()


@pytest.fixture(scope="session")
def keys() -> Keys:
    """Give keys for all shipped recipients."""
    return world.keys()


@pytest.fixture(scope="session")
def now() -> datetime:
    """Give the moment at which the tests happen."""
    return world.NOW


@pytest.fixture(scope="session")
def incident() -> Callable[..., dict[str, Any]]:
    """Give the factory of a full incident; keyword arguments change its fields."""
    return world.incident
