"""Accounts and keys of the stand-in MISP."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from broker.sandbox.misp import (
    Account,
    MispSandbox,
    RoleName,
    SandboxError,
    default_accounts,
    named_organisation,
)
from broker.sandbox.misp.roles import PERMISSIONS, role
from tests.unit.sandbox.misp.conftest import ACCOUNTS, Client

RECORDING = (
    Path(__file__).parents[3] / "contract" / "data" / "misp-2.5.1-exchanges.json"
)


def test_keys_are_long_different_and_private(tmp_path: Path) -> None:
    """Each account has a key of 40 letters and digits, in a file for its owner only."""
    home = tmp_path / "misp"
    with MispSandbox(home) as server:
        keys = server.keys

    assert {"admin", "sync", "police"} == set(keys)
    assert 3 == len(set(keys.values()))
    assert all(len(key) == 40 and key.isalnum() for key in keys.values())
    assert keys == json.loads((home / "keys.json").read_text())
    assert 0o600 == stat.S_IMODE((home / "keys.json").stat().st_mode)
    assert 0o700 == stat.S_IMODE(home.stat().st_mode)


def test_keys_differ_between_homes(tmp_path: Path) -> None:
    """No two servers share a key."""
    with MispSandbox(tmp_path / "a") as one, MispSandbox(tmp_path / "b") as other:
        assert not set(one.keys.values()) & set(other.keys.values())


def test_accounts_can_be_added_later(tmp_path: Path) -> None:
    """Known accounts keep their keys when the list grows."""
    home = tmp_path / "misp"
    with MispSandbox(home) as server:
        before = dict(server.keys)
    more = Account("reader", named_organisation("Court"), RoleName.READONLY)

    with MispSandbox(home, accounts=[*default_accounts(), more]) as server:
        after = dict(server.keys)

    assert before == {name: after[name] for name in before}
    assert {"reader"} == set(after) - set(before)


def test_two_accounts_of_one_name_are_refused(tmp_path: Path) -> None:
    """The name of an account tells which key is meant, so it is unique."""
    twice = [ACCOUNTS[0], ACCOUNTS[0]]

    with pytest.raises(SandboxError, match="the same name"):
        MispSandbox(tmp_path / "misp", accounts=twice).start()


def test_organisation_without_uuid_always_gets_the_same() -> None:
    """The uuid follows from the name, so every machine of a demo agrees on it."""
    assert named_organisation("KOS-CERT") == named_organisation("KOS-CERT")
    assert named_organisation("KOS-CERT") != named_organisation("Police")


def test_no_answer_holds_a_key(client: Client) -> None:
    """Neither the account nor any other answer shows a key."""
    keys = client.server.keys
    for path in ("/users/view/me", "/organisations/index", "/servers/getVersion"):
        text = client.send("admin", "GET", path).text

        assert not any(key in text for key in keys.values())


def test_recorded_role_is_ours() -> None:
    """The sync role has exactly the permissions of the recorded server's."""
    exchanges = json.loads(RECORDING.read_text())["exchanges"]
    recorded = exchanges[2]["response"]["body"]["Role"]
    permissions = {name for name in recorded if name.startswith("perm_")}

    assert permissions == set(PERMISSIONS)
    assert {name for name in permissions if recorded[name]} == role("sync").permissions


@pytest.mark.parametrize(
    ("name", "level"),
    [("admin", "3"), ("publisher", "3"), ("user", "2"), ("readonly", "0")],
)
def test_role_is_summed_up_in_a_level(name: str, level: str) -> None:
    """A role's rights are summed up from 0 (read) to 3 (publish)."""
    assert level == role(name).shown("")["permission"]


def test_other_accounts_are_for_the_administrator(client: Client) -> None:
    """Only the site administrator looks at other accounts."""
    assert 404 == client.send("sync", "GET", "/users/view/1").status_code
    assert 200 == client.send("admin", "GET", "/users/view/2").status_code


def test_stopped_server_starts_again(tmp_path: Path) -> None:
    """Stopping twice or starting twice does no harm, and the address stays."""
    server = MispSandbox(tmp_path / "misp").start()
    first = server.start().url
    server.stop()
    server.stop()
    second = server.start().url
    server.stop()

    assert first == second
