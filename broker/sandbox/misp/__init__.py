"""A stand-in MISP: a small real server that behaves as a recorded MISP 2.5.1 does.

Home folder and accounts -> an HTTP server for demonstrations, training and tests, with
a page for people at ``/`` and faults on demand at ``/sandbox/faults``.

Invariants: it answers every recorded exchange of a real MISP as that server did (proven
by replaying them); what it does beyond the recording follows what was observed of, or
read in, the same version. It holds what clients send, so it is as confidential as that.
See ``README.md`` beside this file for what it covers and what it does not.
"""

from __future__ import annotations

from broker.sandbox.misp.accounts import (
    CSIRT,
    POLICE,
    Account,
    Organisation,
    default_accounts,
    named_organisation,
)
from broker.sandbox.misp.faults import Knobs, Refusal, When
from broker.sandbox.misp.roles import RoleName
from broker.sandbox.misp.sandbox import MispSandbox
from broker.sandbox.misp.store import SandboxError

__all__ = [
    "CSIRT",
    "POLICE",
    "Account",
    "Knobs",
    "MispSandbox",
    "Organisation",
    "Refusal",
    "RoleName",
    "SandboxError",
    "When",
    "default_accounts",
    "named_organisation",
]
