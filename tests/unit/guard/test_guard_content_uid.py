"""A uid that is a digest of the message is looked for, whatever a profile says."""

from __future__ import annotations

import pytest

from broker.guard.secrets import Secrets
from broker.guard.telling import Telling
from tests.unit import given

DIGEST = "5f" * 32


@pytest.mark.parametrize("rule", ["keep", "withhold"])
def test_digest_is_a_secret(rule: str) -> None:
    """The digest in such a uid must not be found, also where the uid is kept."""
    secrets = Secrets(given.profile({"uid": rule}, rest="keep"), given.kinds())
    incident = given.incident(uid=f"intelmq:sha256:{DIGEST}")
    found = secrets.of(incident)

    assert DIGEST in {secret.value for secret in found}
    assert DIGEST in secrets.values(Telling(incident), incident)
    assert DIGEST in {secret.value for secret in secrets.unkept(found, incident)}


@pytest.mark.parametrize(
    ("value", "kind", "shared"),
    [(DIGEST, "sha256", True), (f"https://koop.example/{DIGEST}", "url", False)],
)
def test_digest_that_is_shared_elsewhere(value: str, kind: str, shared: bool) -> None:
    """One that is itself a hash that is shared is no secret; within a URL it is."""
    secrets = Secrets(given.profile(rest="keep"), given.kinds())
    incident = given.incident(
        uid=f"intelmq:sha256:{DIGEST}",
        observables=[{"kind": kind, "value": value, "role": "attacker"}],
    )
    found = secrets.unkept(secrets.of(incident), incident)

    assert ([] if shared else [DIGEST]) == [secret.value for secret in found]


def test_a_number_that_somebody_gave_is_none() -> None:
    """A uid that the sender gave is no secret where the profile keeps it."""
    secrets = Secrets(given.profile({"uid": "keep"}, rest="keep"), given.kinds())

    assert [] == secrets.of(given.incident(uid="n6:0123456789abcdef0123456789abcdef"))


def test_a_digest_that_gets_through_is_a_breach() -> None:
    """A title that holds the digest is held, though the profile keeps titles."""
    uid = f"intelmq:sha256:{DIGEST}"
    share = given.share_of(given.disclose(uid=uid, title=f"Event {DIGEST}"))

    assert "held" == share.state
    assert {"uid"} == {breach.about for breach in share.breaches}
