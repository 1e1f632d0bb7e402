"""A real Kafka that lets in only whom it knows, within TLS, and only as far as allowed.

Three doors: one in the clear for the tests' own administrator; one with passwords; one
with certificates. PYTEST_DONT_REWRITE (imported before pytest takes it for a plug-in)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ResourcePattern,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from broker.sandbox import kafka_process
from broker.sandbox.kafka import KafkaSandbox, available
from tests.contract.authority import Authority
from tests.services import absent

INCIDENTS: Final = "csirt.incidents"
OURS: Final = ("besa.dead-letters", "besa.receipts", "besa.feedback")
PASSWORDS: Final = {
    "consumer": "c-secret",
    "analyst": "a-secret",
    "replayer": "r-secret",
    "nobody": "n-secret",
}

READ, WRITE = ACLOperation.READ, ACLOperation.WRITE
TOPIC, GROUP = ResourceType.TOPIC, ResourceType.GROUP
RIGHTS: Final[Mapping[str, tuple[tuple[ACLOperation, ResourceType, str], ...]]] = {
    "consumer": (
        (READ, TOPIC, INCIDENTS),
        (READ, GROUP, "besa"),
        *((WRITE, TOPIC, name) for name in OURS),
    ),
    "analyst": ((WRITE, TOPIC, INCIDENTS),),
    "replayer": (
        (READ, TOPIC, INCIDENTS),
        (READ, TOPIC, OURS[0]),
        (WRITE, TOPIC, INCIDENTS),
    ),
}
"""What docs/sources.md says that Besa needs, and nothing more."""

_CLASS: Final = "org.apache.kafka.common.security"
_PLAIN: Final = (
    f'{_CLASS}.plain.PlainLoginModule required user_consumer="{PASSWORDS["consumer"]}";'
)
_SCRAM: Final = f"{_CLASS}.scram.ScramLoginModule required;"
_SETTINGS: Final = f"""
listeners=PLAINTEXT://127.0.0.1:{{open}},CONTROLLER://127.0.0.1:{{controller}},\
PASSWORDS://127.0.0.1:{{passwords}},CERTIFICATES://127.0.0.1:{{certificates}}
advertised.listeners=PLAINTEXT://127.0.0.1:{{open}},\
PASSWORDS://127.0.0.1:{{passwords}},CERTIFICATES://127.0.0.1:{{certificates}}
controller.quorum.voters=1@127.0.0.1:{{controller}}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,\
PASSWORDS:SASL_SSL,CERTIFICATES:SSL
ssl.keystore.type=PEM
ssl.keystore.location={{server}}
ssl.truststore.type=PEM
ssl.truststore.location={{authority}}
listener.name.certificates.ssl.client.auth=required
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.passwords.plain.sasl.jaas.config={_PLAIN}
listener.name.passwords.scram-sha-256.sasl.jaas.config={_SCRAM}
listener.name.passwords.scram-sha-512.sasl.jaas.config={_SCRAM}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:CN=besa
"""


@dataclass(frozen=True)
class GuardedKafka:
    """Its doors, and the authority that it trusts and is trusted by."""

    passwords: str
    certificates: str
    open: str
    authority: Authority


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedKafka]:
    """Give a Kafka that asks who comes."""
    if reason := available():
        absent(reason)
    folder = tmp_path_factory.mktemp("guarded")
    authority = Authority(folder)
    doors = ("open", "controller", "passwords", "certificates")
    ports = {door: kafka_process.free_port() for door in doors}
    files = {"server": authority.certificate("server"), "authority": authority.file}
    extra = _SETTINGS.format(**ports, **files)
    with KafkaSandbox(folder / "kafka", port=ports["open"], extra=extra) as sandbox:
        sandbox.create_topics((INCIDENTS, *OURS))
        _let_in(sandbox.address)
        there = {door: f"127.0.0.1:{port}" for door, port in ports.items()}
        yield GuardedKafka(
            there["passwords"], there["certificates"], there["open"], authority
        )


def access_file(folder: Path, guarded: GuardedKafka, **said: str) -> Path:
    """Write what it takes to be let in; return the file."""
    path = folder / "kafka.yaml"
    lines = {"ca": str(guarded.authority.file), **said}
    path.write_text("".join(f"{name}: {value}\n" for name, value in lines.items()))
    path.chmod(0o600)
    return path


def _let_in(address: str) -> None:
    with closing(KafkaAdminClient(bootstrap_servers=address)) as admin:
        # One mechanism at a time: Kafka refuses two of one user in one request.
        for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
            refused = admin.alter_user_scram_credentials(
                [
                    UserScramCredentialUpsertion(user, mechanism, password)
                    for user, password in PASSWORDS.items()
                ]
            )
            assert not any(refused.values()), refused
        told = admin.create_acls(
            [
                ACL(
                    f"User:{user}",
                    "*",
                    operation,
                    ACLPermissionType.ALLOW,
                    ResourcePattern(kind, name),
                )
                for user, rights in RIGHTS.items()
                for operation, kind, name in rights
            ]
        )
        assert not told["failed"], told
