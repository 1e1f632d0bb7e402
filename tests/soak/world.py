"""What the soak runs on: five recipients with agreements of their own, and incidents.

A folder -> policies, keys, credentials, stand-in MISPs and folders; a number -> an
incident. Who must get it is worked out here from its classification alone, without a
line of Besa's own code.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from broker import keyring
from broker.credentials import write_credential
from broker.deliver import Credential

ROOT: Final = Path(__file__).parents[2]
CSIRT: Final = {"name": "KOS-CERT", "uuid": "0b8c5a52-6d3f-4c0e-9a57-2f7d1c9e4b10"}
# Of a hundred incidents so many are of each type. Nobody gets the last one: half of all
# incidents are withheld from everyone, and must be decided and counted all the same.
SHARES: Final = {
    "malicious-code/c2-server": 5,
    "fraud/phishing": 5,
    "availability/ddos": 1,
    "intrusions/system-compromise": 39,
    "malicious-code/malware-distribution": 50,
}
UNITS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "unit-1": ("misp", ("malicious-code/c2-server",)),
    "unit-2": ("misp", ("fraud/phishing",)),
    "unit-3": ("feed", ("availability/ddos",)),
    "unit-4": ("file-drop", tuple(SHARES)[:-1]),
    "unit-5": ("file-drop", ("intrusions/system-compromise",)),
}
_KINDS: Final = [kind for kind, share in SHARES.items() for _ in range(share)]
# Every twentieth incident is revised.
REVISED: Final = 20


def kind_of(number: int) -> str:
    """Return the type of an incident; neighbours differ."""
    return _KINDS[number * 37 % len(_KINDS)]


def incident(number: int, revision: int = 1) -> dict[str, Any]:
    """Return an invented incident."""
    revised = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(seconds=number)
    return {
        "uid": f"SOAK-{number:07d}",
        "revision": revision,
        "revised_at": (revised + timedelta(hours=revision)).isoformat(),
        "title": f"Invented case {number}, revision {revision}",
        "classification": kind_of(number),
        "severity": "high",
        "confidence": 90,
        "tlp": "green",
        "pap": "green",
        "observables": [
            {
                "kind": "ipv4",
                "value": f"198.51.{number // 250 % 250}.{number % 250 + revision}",
                "role": "attacker",
                "to_ids": True,
            },
            {
                "kind": "domain",
                "value": f"c{number}-r{revision}.example",
                "role": "infrastructure",
                "to_ids": True,
            },
        ],
    }


def messages(count: int) -> list[tuple[int, int]]:
    """Return (number, revision) in publishing order."""
    made: list[tuple[int, int]] = []
    for number in range(count):
        made.append((number, 1))
        earlier = number - 30
        if earlier >= 0 and earlier % REVISED == 0:
            made.append((earlier, 2))
    return made


def expected(count: int) -> dict[str, int]:
    """Return how many cases each recipient must have in the end."""
    return {
        unit: sum(kind_of(number) in kinds for number in range(count))
        for unit, (_, kinds) in UNITS.items()
    }


@dataclass
class Site:
    """An installation in a folder, and the systems of its recipients."""

    home: Path
    misps: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def policies(self) -> Path:
        """The policies of the soak."""
        return self.home / "policies"

    def folder(self, unit: str) -> Path:
        """Return what stands for a recipient's system."""
        return self.home / "units" / unit

    def build(self) -> None:
        """Write policies and keys, and start what recipients have."""
        shutil.copytree(ROOT / "policies", self.policies)
        for name in ("agreements", "recipients", "cases", "examples"):
            shutil.rmtree(self.policies / name, ignore_errors=True)
        for name in ("agreements", "recipients"):
            (self.policies / name).mkdir()
        keyring.create(self.home / "keys", self.home / "public-keys")
        for unit, (kind, kinds) in UNITS.items():
            self.folder(unit).mkdir(parents=True)
            url = f"file://{self.folder(unit)}"
            if kind == "misp":
                url = self.start_misp(unit)
            self._write("agreements", unit, _agreement(unit, kinds))
            self._write("recipients", unit, _recipient(unit, kind, url))

    def _write(self, folder: str, unit: str, value: dict[str, Any]) -> None:
        file = self.policies / folder / f"{unit}.yaml"
        file.write_text(json.dumps(value, indent=1) + "\n", "utf-8")

    def start_misp(self, unit: str, port: int = 0) -> str:
        """Start a recipient's stand-in MISP; return where it answers."""
        home = self.folder(unit)
        ready = home / "ready.json"
        ready.unlink(missing_ok=True)
        with (home / "log").open("ab") as log:
            self.misps[unit] = subprocess.Popen(
                [
                    *(sys.executable, "-m", "broker.sandbox.misp"),
                    *("--home", str(home), "--port", str(port)),
                    *("--org", f"{CSIRT['name']}:{CSIRT['uuid']}:sync:csirt"),
                    *("--ready-file", str(ready), "--exit-with-parent"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        while not ready.exists():
            if time.monotonic() > deadline:
                raise RuntimeError((home / "log").read_text("utf-8", "replace"))
            time.sleep(0.05)
        told = json.loads(ready.read_bytes())
        credential = Credential(unit, told["keys"]["csirt"], told["url"])
        if not port:
            write_credential(self.home / "credentials", credential)
        return str(told["url"])

    def close(self) -> None:
        """End the stand-ins."""
        for process in self.misps.values():
            process.kill()
            process.wait()


def _agreement(unit: str, kinds: tuple[str, ...]) -> dict[str, Any]:
    return {
        "agreement": unit,
        "title": f"The soak and {unit}",
        "parties": [
            {"name": CSIRT["name"], "role": "csirt", "contact": "a@csirt.example"},
            {"name": unit, "role": "police", "contact": "a@police.example"},
        ],
        "recipient": unit,
        "legal_basis": [{"act": "An act", "citation": "all", "confirmed_by": ""}],
        "purpose": ["criminal investigation"],
        "valid": {"from": "2026-01-01", "until": "2099-12-31"},
        "profile": "investigation",
        "guardrail": "misp-police",
        "retention_days": 1825,
        "onward": "with-consent",
        "attribution": "hidden",
        "on_withdrawal": "retract",
        "clauses": [
            {
                "id": "its-types",
                "cites": "MoU art. 1",
                "effect": "share",
                "when": {
                    "classification_in": sorted(kinds),
                    "tlp_at_most": "amber",
                },
            }
        ],
    }


def _recipient(unit: str, kind: str, url: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "recipient": unit,
        "authority": unit,
        "kind": kind,
        "url": url,
        "distribution": 1,
        "clearance": {"tlp": "amber+strict", "pap": "red"},
    }
    if kind == "misp":
        made["credential"] = unit
    if kind == "feed":
        made["organisation"] = CSIRT
    return made
