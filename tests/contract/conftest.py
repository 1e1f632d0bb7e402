"""What contract tests share: stores on each database, and a MISP.

The MISP is the stand-in, and a live one too when the environment names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.sandbox.misp import MispSandbox
from broker.store import Store, open_store
from tests.contract.misp_target import MispTarget, live_target
from tests.unit.store import samples

_TARGETS = ("stand-in", "live") if live_target() else ("stand-in",)


@pytest.fixture(params=samples.DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of an empty store, on each database."""
    return samples.empty(request.param, tmp_path)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """Give an open, empty store, on each database."""
    with open_store(url) as opened:
        yield opened


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MispSandbox]:
    """Give one stand-in MISP that all contract tests share."""
    with MispSandbox(tmp_path_factory.mktemp("misp")) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def live_server() -> None:
    """End the run with a sentence when the live server cannot be tested against."""
    target = live_target()
    problem = target.problem() if target else ""
    if problem:
        pytest.exit(f"{problem}; see docs/delivery.md", returncode=4)


@pytest.fixture(params=_TARGETS)
def misp(request: pytest.FixtureRequest) -> Iterator[MispTarget]:
    """Give a server with a sync user's key; what a test adds is deleted after it."""
    live = live_target() if request.param == "live" else None
    if live is None:
        sandbox = request.getfixturevalue("stand_in")
        target = MispTarget(sandbox.url, sandbox.keys["sync"], live=False)
    else:
        request.getfixturevalue("live_server")
        target = live
    yield target
    target.clean()
