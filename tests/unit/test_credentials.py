"""Credentials of recipients' systems: refused where others can read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.credentials import read_credential
from broker.errors import SettingsError


def credential(folder: Path, text: str, name: str = "kp.yaml") -> Path:
    """Write a credential file as an operator should."""
    path = folder / name
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    return folder


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("kp.yaml", "key: abc\nurl: https://misp.example\n"),
        ("kp.json", '{"key": "abc", "url": "https://misp.example"}'),
    ],
)
def test_a_credential_is_yaml_or_json(tmp_path: Path, name: str, text: str) -> None:
    """A credential file holds a key and may hold the recipient's address."""
    found = read_credential(credential(tmp_path, text, name), "kp")

    assert ("abc", "https://misp.example") == (found.key, found.url)


def test_a_credential_does_not_show_its_key(tmp_path: Path) -> None:
    """The key is not part of what a credential prints as."""
    found = read_credential(credential(tmp_path, "key: hunter2\n"), "kp")

    assert "hunter2" not in repr(found)


def test_a_credential_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """A credential with mode 0644 is not used, and the cure is named."""
    credential(tmp_path, "key: abc\n")
    (tmp_path / "kp.yaml").chmod(0o644)

    with pytest.raises(SettingsError, match="chmod 600"):
        read_credential(tmp_path, "kp")


def test_a_missing_credential_says_which_file_to_write(tmp_path: Path) -> None:
    """The error names the very file that an operator has to make."""
    with pytest.raises(SettingsError, match=str(tmp_path / "kp.yaml")):
        read_credential(tmp_path, "kp")


def test_a_credential_names_files_that_are_there(tmp_path: Path) -> None:
    """An authority that is missing, and our private key open to all, are refused."""
    ca, ours = tmp_path / "ca.pem", tmp_path / "us.pem"
    text = f"key: abc\nca: {ca}\ncertificate: {ours}\n"
    credential(tmp_path, text)

    with pytest.raises(SettingsError, match=f"there is no file {ca}"):
        read_credential(tmp_path, "kp")
    ca.touch()
    with pytest.raises(SettingsError, match=f"{ours} is missing"):
        read_credential(tmp_path, "kp")
    ours.touch(mode=0o644)
    with pytest.raises(SettingsError, match=f"chmod 600 {ours}"):
        read_credential(tmp_path, "kp")
    ours.chmod(0o600)
    found = read_credential(tmp_path, "kp")
    assert (str(ca), str(ours)) == (found.ca_bundle, found.certificate)


@pytest.mark.parametrize(
    "text",
    [
        "key: hunter2\nkey: hunter2\n",  # twice
        "key: hunter2\npassword: x\n",  # a word that is not known
        "key: {hunter2: 1}\n",  # not a text
        "hunter2\n",  # no mapping
        "key: 'hunter2\n",  # not closed
        "url: hunter2\n",  # no key
    ],
)
def test_a_wrong_credential_is_refused_and_not_quoted(
    tmp_path: Path, text: str
) -> None:
    """Whatever is wrong in a credential file, no error shows what stands in it."""
    with pytest.raises(SettingsError) as raised:
        read_credential(credential(tmp_path, text), "kp")

    assert "hunter2" not in str(raised.value)
