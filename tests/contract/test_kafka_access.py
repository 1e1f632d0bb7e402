"""Kafka that lets in only whom it knows: real TLS, real passwords, real rights.

The users have the rights that docs/sources.md lists, and no others.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from broker import keyring
from broker.kafka_access import cluster_of
from broker.settings import Settings
from broker.source import SourceError
from broker.source.cluster import Cluster
from broker.source.kafka import KafkaSource
from broker.source.kafka_writer import KafkaWriter
from tests.contract.authority import Authority
from tests.contract.guarded_kafka import (
    INCIDENTS,
    PASSWORDS,
    GuardedKafka,
    access_file,
)

pytest_plugins = ["tests.contract.guarded_kafka"]
pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "broker/demo/incidents"
MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")


def cluster(folder: Path, door: str, file: Path) -> Cluster:
    """Return the Kafka behind a door, as the settings name it."""
    return cluster_of(Settings(home=folder, kafka=door, kafka_access=file))


def trouble_of(found: Cluster) -> str:
    """Return what the consumer says of a Kafka that it cannot read."""
    with closing(KafkaSource(found)) as source:
        assert [] == source.poll(10, 1.0)
        return source.trouble()


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_password_lets_in(
    guarded: GuardedKafka, tmp_path: Path, mechanism: str
) -> None:
    """Each way of asking for a password works, within TLS."""
    said = {"user": "consumer", "password": PASSWORDS["consumer"]}
    file = access_file(tmp_path, guarded, mechanism=mechanism, **said)
    found = cluster(tmp_path, guarded.passwords, file)

    with closing(KafkaWriter(found)) as writer:
        writer.write("besa.receipts", b"{}", None)

        assert 1 == len(writer.settle())


def test_a_certificate_lets_in(guarded: GuardedKafka, tmp_path: Path) -> None:
    """A Kafka that asks for our certificate gets it, and needs no password."""
    ours = guarded.authority.certificate("besa")
    ours.chmod(0o600)
    file = access_file(tmp_path, guarded, certificate=str(ours))
    found = cluster(tmp_path, guarded.certificates, file)

    with closing(KafkaWriter(found)) as writer:
        writer.write(INCIDENTS, b"{}", None)

        assert 1 == len(writer.settle())


def test_a_wrong_password_is_told(guarded: GuardedKafka, tmp_path: Path) -> None:
    """The trouble names user and mechanism, and never the password."""
    said = {"user": "consumer", "password": "hunter2"}
    found = cluster(tmp_path, guarded.passwords, access_file(tmp_path, guarded, **said))
    told = trouble_of(found)

    assert "does not let the user consumer in" in told
    assert "(SCRAM-SHA-512)" in told
    assert "hunter2" not in told
    with pytest.raises(SourceError, match="does not let the user consumer in"):
        KafkaWriter(found).write(INCIDENTS, b"{}", None)


def test_an_authority_that_is_not_ours_is_not_trusted(
    guarded: GuardedKafka, tmp_path: Path
) -> None:
    """Nothing is said to a Kafka whose certificate another authority made."""
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")
    file = access_file(tmp_path, guarded, ca=str(other.file))
    told = trouble_of(cluster(tmp_path, guarded.certificates, file))

    assert f"Kafka at {guarded.certificates} is not trusted: " in told


def test_a_missing_certificate_of_ours_is_told(
    guarded: GuardedKafka, tmp_path: Path
) -> None:
    """A Kafka that asks for a certificate is told apart from one that is away."""
    found = cluster(tmp_path, guarded.certificates, access_file(tmp_path, guarded))

    assert "does not accept our certificate, or asks for one" in trouble_of(found)


def test_our_certificate_of_another_authority_is_told(
    guarded: GuardedKafka, tmp_path: Path
) -> None:
    """So is one that does not trust ours."""
    (tmp_path / "other").mkdir()
    ours = Authority(tmp_path / "other").certificate("besa")
    ours.chmod(0o600)
    file = access_file(tmp_path, guarded, certificate=str(ours))
    found = cluster(tmp_path, guarded.certificates, file)

    assert "does not accept our certificate, or asks for one" in trouble_of(found)


def test_tls_where_there_is_none_is_told(guarded: GuardedKafka, tmp_path: Path) -> None:
    """With TLS asked for, nothing goes to a door in the clear."""
    found = cluster(tmp_path, guarded.open, access_file(tmp_path, guarded))

    assert "does not seem to speak TLS at this port" in trouble_of(found)


def test_no_tls_where_it_is_asked_for_is_told(guarded: GuardedKafka) -> None:
    """Who has no access file is told where to write one."""
    assert "BESA_KAFKA_ACCESS" in trouble_of(Cluster(guarded.passwords))


class Office:
    """Commands of two people, each with the rights of their own."""

    def __init__(self, home: Path, guarded: GuardedKafka) -> None:
        self.home, self._guarded = home, guarded
        keyring.create(home / "keys", home / "public-keys")

    def besa(self, user: str, *said: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command as this user of Kafka."""
        folder = self.home / user
        folder.mkdir(exist_ok=True)
        password = PASSWORDS[user]
        file = access_file(folder, self._guarded, user=user, password=password)
        where = {"BESA_HOME": str(self.home), "BESA_KAFKA_ACCESS": str(file)}
        done = subprocess.run(
            [sys.executable, "-m", "broker.cli", *map(str, said)],
            env={**os.environ, **where, "BESA_KAFKA": self._guarded.passwords},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert password not in done.stdout + done.stderr
        return done


def test_besa_works_with_the_rights_that_it_needs(
    guarded: GuardedKafka, tmp_path: Path
) -> None:
    """Published, decided, told, looked at: nobody needs a right that is not listed."""
    office = Office(tmp_path, guarded)
    (tmp_path / "bad.json").write_text("{}")
    published = office.besa("analyst", "publish", DEMO / "03-c2-server.json")
    broken = office.besa("analyst", "publish", "--unchecked", tmp_path / "bad.json")
    consumed = office.besa("consumer", "consume", "--until-idle", "--json")
    status = json.loads(office.besa("consumer", "status", "--json").stdout)
    shown = office.besa("consumer", "dead-letters", "show", "1", "--json")
    replayed = office.besa("replayer", "dead-letters", "replay", "1")

    done = (published, broken, consumed, shown, replayed)
    assert [0] * 5 == [one.returncode for one in done], [one.stderr for one in done]
    assert (0, "") == (status["lag"]["messages"], status["lag"]["problem"])
    assert status["dead_letters"]


def test_who_may_not_is_told(guarded: GuardedKafka, tmp_path: Path) -> None:
    """A user without the right to write or to read gets an error that says so."""
    office = Office(tmp_path, guarded)
    publishing = office.besa("nobody", "publish", DEMO / "03-c2-server.json")
    reading = office.besa("analyst", "consume", "--until-idle")

    assert (3, 3) == (publishing.returncode, reading.returncode)
    assert f"does not let us write to {INCIDENTS}" in publishing.stderr
    assert f"does not let us read {INCIDENTS}" in reading.stderr
