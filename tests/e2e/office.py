"""An installation of Besa in a folder, worked by people through its commands."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from broker.cli import terminal
from broker.cli.app import app_for
from broker.settings import Settings

ROOT = Path(__file__).parents[2]
NAMES = ("arta", "besnik", "cufe")


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    out: bytes
    err: str

    @property
    def json(self) -> Any:
        """Its result as JSON."""
        return json.loads(self.out)


@dataclass
class Office:
    """A home with keys, policies of its own, and three reviewers with keys."""

    home: Path
    monkeypatch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[bytes]
    policies: Path = field(init=False)

    def __post_init__(self) -> None:
        for name in Settings.model_fields:
            self.monkeypatch.delenv(f"BESA_{name.upper()}", raising=False)
        self.home.mkdir(exist_ok=True)
        self.policies = self.home / "policies"
        shutil.copytree(ROOT / "policies", self.policies)
        self.monkeypatch.setenv("BESA_HOME", str(self.home))
        self.monkeypatch.setenv("BESA_POLICIES", str(self.policies))
        lines = ["reviewers:"]
        for name in NAMES:
            lines += [
                f"  - name: {name}",
                f"    user: u-{name}",
                f'    emails: ["{name}@csirt.example"]',
                f"    key: {make_key(self.home / f'{name}.key')}",
            ]
        lines += ["editors:", "  kp-cybercrime: dea@csirt.example"]
        lines += ["  special-prosecution: dea@csirt.example"]
        (self.home / "reviewers.yaml").write_text("\n".join(lines) + "\n")
        assert self.besa("keys", "create").code == 0

    def besa(self, *arguments: str | Path) -> Ended:
        """Run a command."""
        self.monkeypatch.setattr(sys, "argv", ["besa", *map(str, arguments)])
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
        self.capture.readouterr()
        code = terminal.run(app_for(str(next(iter(arguments), ""))))
        said = self.capture.readouterr()
        return Ended(code, said.out, said.err.decode())

    def publish(self, incident: dict[str, Any], who: str = "u-erza") -> None:
        """Publish an incident as a user of the system."""
        file = self.home / "incident.json"
        file.write_text(json.dumps(incident))
        self.monkeypatch.setattr("broker.cli.person.person", lambda: who)
        assert self.besa("publish", file).code == 0

    def consume(self) -> Ended:
        """Read what was published, and release what was approved."""
        ended = self.besa("consume", "--until-idle", "--json")
        assert ended.code == 0, ended.err
        return ended

    def held(self, recipient: str = "kp-misp") -> dict[str, Any]:
        """Return the newest share that is held, or was, for a recipient."""
        found = self.besa("held", "list", "--all", "--json").json
        return next(one for one in found if one["recipient"] == recipient)

    def approve(self, name: str, *more: str, recipient: str = "kp-misp") -> Ended:
        """Approve the held share as somebody with their key."""
        held = self.held(recipient)
        who = ("--as", name, "--key", str(self.home / f"{name}.key"))
        item = (str(held["id"]), held["sha256"][:16])
        return self.besa("held", "release", *item, *who, "--json", *more)

    def drop(self, name: str, recipient: str = "kp-misp") -> Ended:
        """Drop the held share as somebody with their key."""
        held = self.held(recipient)
        who = ("--as", name, "--key", str(self.home / f"{name}.key"))
        why = ("--because", "not for them")
        return self.besa("held", "drop", str(held["id"]), held["sha256"], *why, *who)

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        """Ask the database directly."""
        with sqlite3.connect(self.home / "besa.sqlite") as store:
            return store.execute(question).fetchall()

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text in a policy file."""
        path = self.policies / file
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")

    def under_git(self, author: str) -> None:
        """Put the policies under git, all edited by one person."""
        git = ("git", "-C", str(self.policies), "-c", "user.name=x")
        mail = ("-c", f"user.email={author}")
        subprocess.run([*git, "init", "-q"], check=True)
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, *mail, "commit", "-q", "-m", "policies"], check=True)


def make_key(file: Path) -> str:
    """Make a key as ssh-keygen does; return its public half."""
    key = Ed25519PrivateKey.generate()
    file.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    )
    file.chmod(0o600)
    return (
        key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    )


def incident(uid: str = "CASE-1", revision: int = 1, **changes: Any) -> dict[str, Any]:
    """Return an incident that the police's agreement holds for review."""
    now = datetime.now(UTC).replace(microsecond=0)
    made = {
        "uid": uid,
        "revision": revision,
        "revised_at": (now - timedelta(days=1) + timedelta(hours=revision)).isoformat(),
        "title": f"Something that nobody classified, take {revision}",
        "classification": "other/undetermined",
        "severity": "high",
        "tlp": "green",
        "pap": "green",
        "observables": [
            {"kind": "ipv4", "value": f"198.51.100.{revision}", "role": "attacker"}
        ],
    }
    return made | changes
