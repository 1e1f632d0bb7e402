"""The units of deploy/systemd keep the two trust zones apart, and say nothing wrong."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

from broker.settings import Settings, Zone

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "deploy/systemd"
OTHERS = {
    Zone.CONSUME: {"BESA_CREDENTIALS"},
    Zone.DISPATCH: {"BESA_KEYS", "BESA_KAFKA_ACCESS", "BESA_REVIEWERS"},
}


def settings() -> dict[str, str]:
    """Return what the file of settings says, what is commented out as well."""
    lines = (UNITS / "besa.env").read_text("utf-8").splitlines()
    said = (line.lstrip("#") for line in lines if line.lstrip("#").startswith("BESA_"))
    return dict(line.split("=", 1) for line in said)


def service(zone: Zone) -> dict[str, str]:
    """Return a zone's section of service."""
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNITS / f"besa-{zone.value}.service", "utf-8")
    return dict(unit["Service"])


def test_every_setting_is_known() -> None:
    """A misspelt setting would leave keys in a place that nobody meant."""
    known = {f"BESA_{name.upper()}" for name in Settings.model_fields}

    assert settings().keys() <= known


@pytest.mark.parametrize("zone", OTHERS)
def test_a_unit_hides_the_other_zone(zone: Zone) -> None:
    """Neither process can read the other's secrets, though one user runs both."""
    told = service(zone)
    hidden = {path.removeprefix("-") for path in told["InaccessiblePaths"].split()}

    assert {settings()[name] for name in OTHERS[zone]} <= hidden
    assert f"BESA_ZONE={zone.value}" in told["Environment"].split()
    assert f"/opt/besa/bin/besa {zone.value}" == told["ExecStart"]


def test_units_are_walled_in_alike() -> None:
    """What keeps one process in keeps in the other."""
    apart = {"Environment", "ExecStart", "InaccessiblePaths", "TimeoutStopSec"}
    one, other = (service(zone).items() for zone in OTHERS)

    assert apart == {name for name, _ in one ^ other}


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="this machine has no systemd"
)
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    """No line is unknown to systemd or ignored by it."""
    program = tmp_path / "besa"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for unit in UNITS.glob("*.service"):
        text = unit.read_text("utf-8").replace("/opt/besa/bin/besa", str(program))
        (tmp_path / unit.name).write_text(text, "utf-8")

    done = subprocess.run(
        [
            str(shutil.which("systemd-analyze")),
            "verify",
            *map(str, tmp_path.glob("*.service")),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (0, "") == (done.returncode, done.stderr)
