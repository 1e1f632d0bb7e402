"""What it takes to be let in by Kafka: from one file, never shown, never sent open.

The real thing, with real TLS and real passwords, is in contract/test_kafka_access.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.cli.consuming import source_of
from broker.errors import SettingsError
from broker.kafka_access import cluster_of, read_access
from broker.settings import Settings, Zone
from broker.source import SourceError
from broker.source.cluster import Access, Cluster, Mechanism
from broker.store import open_store

WHERE = "kafka.example:9093"


def written(folder: Path, text: str, name: str = "kafka.yaml") -> Path:
    """Write an access file as an operator should."""
    path = folder / name
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("kafka.yaml", "user: besa\npassword: hunter2\n"),
        ("kafka.json", '{"user": "besa", "password": "hunter2"}'),
    ],
)
def test_an_access_is_yaml_or_json(tmp_path: Path, name: str, text: str) -> None:
    """A user and a password are sent within TLS, as a proof, unless told otherwise."""
    access = read_access(written(tmp_path, text, name))

    assert Access(user="besa", password="hunter2") == access
    assert (True, Mechanism.SCRAM_SHA_512) == (access.tls, access.mechanism)
    assert "hunter2" not in repr(Cluster(WHERE, access))


def test_without_a_file_kafka_is_open(tmp_path: Path) -> None:
    """Nothing that is set, nothing that lies in the home: no TLS and no password."""
    cluster = cluster_of(Settings(home=tmp_path, kafka=WHERE))

    assert {
        "bootstrap_servers": [WHERE],
        "security_protocol": "PLAINTEXT",
    } == cluster.settings()
    assert cluster.is_in_the_clear


def test_the_file_in_the_home_counts(tmp_path: Path) -> None:
    """`kafka.yaml` in BESA_HOME is read without being named."""
    written(tmp_path, "user: besa\npassword: hunter2\n")
    cluster = cluster_of(Settings(home=tmp_path, kafka=WHERE))
    told = cluster.settings()

    assert ("SASL_SSL", "SCRAM-SHA-512") == (
        told["security_protocol"],
        told["sasl_mechanism"],
    )
    assert not cluster.is_in_the_clear


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    """Whoever asked for TLS is never spoken to in the clear because a file is lost."""
    lost = tmp_path / "lost.yaml"
    settings = Settings(home=tmp_path, kafka=WHERE, kafka_access=lost)

    with pytest.raises(SettingsError, match=f"{lost} is missing"):
        cluster_of(settings)


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """An access file with mode 0644 is not used, and the cure is named."""
    path = written(tmp_path, "user: besa\npassword: hunter2\n")
    path.chmod(0o644)

    with pytest.raises(SettingsError, match=f"chmod 600 {path}"):
        cluster_of(Settings(home=tmp_path, kafka=WHERE))


def test_the_dispatch_zone_gets_none(tmp_path: Path) -> None:
    """Whoever delivers cannot read incidents from Kafka."""
    settings = Settings(home=tmp_path, kafka=WHERE, zone=Zone.DISPATCH)

    with pytest.raises(SettingsError, match="dispatch zone"):
        cluster_of(settings)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is not strict YAML"),
        ("hunter2\n", "is not a list of names and texts"),
        ("user: besa\n", "has no `password`"),
        ("password: hunter2\n", "has no `user`"),
        ("user: besa\npassword: 7\n", "password is not a text"),
        ("tls: maybe\n", "tls is not true or false"),
        ("passwort: hunter2\n", "has passwort; known are only ca, certificate"),
        ("mechanism: GSSAPI\n", "mechanism is not one of SCRAM-SHA-512, SCRAM"),
        ("ca: /there/is/none.pem\n", "there is no file /there/is/none.pem"),
        ("tls: false\nca: {here}\n", "certificates, which need `tls: true`"),
        ("user: besa\nuser: hunter2\n", "is not strict YAML"),
        (
            "tls: false\nuser: besa\npassword: hunter2\nmechanism: PLAIN\n",
            "PLAIN without TLS would show the password",
        ),
    ],
)
def test_what_is_wrong_is_refused_and_not_quoted(
    tmp_path: Path, text: str, problem: str
) -> None:
    """The error says which file and what is wrong, and no password."""
    path = written(tmp_path, text.format(here=tmp_path))

    with pytest.raises(SettingsError) as raised:
        read_access(path)

    assert problem in str(raised.value)
    assert str(path) in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_a_proof_may_go_without_tls(tmp_path: Path) -> None:
    """SCRAM shows no password, so a Kafka without TLS can still ask for one."""
    text = "tls: false\nuser: besa\npassword: hunter2\n"
    told = Cluster(WHERE, read_access(written(tmp_path, text))).settings()

    assert "SASL_PLAINTEXT" == told["security_protocol"]


def test_what_is_no_certificate_is_named(tmp_path: Path) -> None:
    """A file of authorities that holds none is told by its name."""
    ca = tmp_path / "ca.pem"
    ca.write_text("no certificate")
    access = read_access(written(tmp_path, f"ca: {ca}\n"))

    with pytest.raises(SourceError, match=f"{ca} cannot be used as a file of certif"):
        Cluster(WHERE, access).settings()


def test_consume_warns_where_others_could_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Incidents that go to another machine without TLS are no silent habit."""
    for address in ("127.0.0.1:9092", "10.0.0.7:9092"):
        with open_store(f"sqlite:///{tmp_path}/besa.sqlite") as store:
            source_of(Settings(home=tmp_path, kafka=address), store).close()

    (warning,) = caplog.messages
    assert "Kafka at 10.0.0.7:9092 is spoken to without TLS" in warning


@pytest.mark.parametrize(
    ("address", "in_the_clear"),
    [
        ("localhost:9092", False),
        ("127.0.0.1:9092,[::1]:9092", False),
        ("127.0.0.1:9092,kafka.example:9092", True),
        ("10.0.0.7:9092", True),
    ],
)
def test_what_stays_on_this_machine_is_not_in_the_clear(
    address: str, in_the_clear: bool
) -> None:
    """Without TLS, others could read what goes to any other machine."""
    assert in_the_clear == Cluster(address).is_in_the_clear
