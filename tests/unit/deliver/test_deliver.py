"""Credentials stay secret, and a recipient is opened by its kind."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from broker.deliver import Busy, Credential, Timeouts, open_recipient
from broker.errors import SettingsError, Unavailable
from broker.model.agreement import Clearance, Recipient
from broker.model.marking import Pap, Tlp


def recipient(url: str = "https://misp.example") -> Recipient:
    """Return a recipient."""
    return Recipient(
        recipient="kp-misp",
        authority="Kosovo Police",
        kind="misp",
        url=url,
        credential="kp-key",
        clearance=Clearance(tlp=Tlp.AMBER, pap=Pap.AMBER),
    )


def test_a_credential_is_not_shown() -> None:
    """Printing a credential shows its name and not its key."""
    shown = repr(Credential("kp-key", "s3cret", "https://misp.example"))

    assert "kp-key" in shown
    assert "s3cret" not in shown


def test_opening_a_recipient_does_not_connect() -> None:
    """A recipient that is away can be opened; only delivering needs it."""
    opened = open_recipient(
        recipient("https://127.0.0.1:1"),
        Credential("kp-key", "k"),
        clock=lambda: datetime(2026, 6, 1, tzinfo=UTC),
    )

    assert callable(opened.deliver)
    opened.close()


@pytest.mark.parametrize("url", ["ftp://misp.example", "misp.example", ""])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    """An address without http or https is a mistake in the recipient's file."""
    with pytest.raises(ValidationError, match="a misp begins with https://"):
        recipient(url)


@pytest.mark.parametrize("url", ["gopher://misp.example", "misp.example"])
def test_a_credential_may_name_another_address(url: str) -> None:
    """An address in the credential counts, and not the one in the recipient's file."""
    with pytest.raises(SettingsError, match="kp-misp must begin with https://"):
        open_recipient(
            recipient(),
            Credential("kp-key", "k", url),
            clock=lambda: datetime.now(UTC),
        )


def test_busy_is_unavailable_with_a_time() -> None:
    """A recipient that says when to come back is one that may take it later."""
    busy = Busy("it asks for patience", 429, 17.0)

    assert isinstance(busy, Unavailable)
    assert ("it asks for patience (HTTP 429)", 17.0) == (str(busy), busy.retry_after)


def test_time_outs_are_never_endless() -> None:
    """Every time-out has an end by default."""
    waits = Timeouts()

    assert 0 < waits.connect <= waits.answer <= waits.total < 600


def test_pymisp_is_loaded_only_to_deliver() -> None:
    """Importing the adapters' front does not load PyMISP, which takes half a second."""
    code = "import sys, broker.deliver; print('pymisp' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60
    )

    assert "False\n" == done.stdout


def test_pymisp_is_loaded_without_what_nobody_uses() -> None:
    """The adapter loads no grammar compiler, and hides nothing from others later."""
    code = (
        "import sys, broker.deliver.misp\n"
        "print('pytaxonomies' in sys.modules, 'jsonschema' in sys.modules)\n"
        "import pytaxonomies\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60
    )

    assert ("False False\n", "") == (done.stdout, done.stderr)
