"""The MISP that the contract tests talk to: the stand-in, and a live one when named."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from broker.sandbox.misp import MispSandbox
from tests.contract.misp_target import MispTarget, live_target

_TARGETS = ("stand-in", "live") if live_target() else ("stand-in",)


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MispSandbox]:
    """Give one stand-in MISP that all contract tests share."""
    with MispSandbox(tmp_path_factory.mktemp("misp")) as sandbox:
        yield sandbox


@pytest.fixture(params=_TARGETS)
def misp(request: pytest.FixtureRequest) -> Iterator[MispTarget]:
    """Give a server with a sync user's key; what a test adds is deleted after it."""
    live = live_target() if request.param == "live" else None
    if live is None:
        sandbox = request.getfixturevalue("stand_in")
        target = MispTarget(sandbox.url, sandbox.keys["sync"], live=False)
    else:
        target = live
    yield target
    target.clean()
