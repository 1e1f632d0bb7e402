"""Keys on disk are made once, kept secret and never lost."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from broker import keyring
from broker.errors import SettingsError
from broker.model.sharing import Draft, Edition, Sealed, Wire
from broker.seal import SigningKey, seal, verify


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """Return a folder with fresh private keys; the public ones lie beside it."""
    keyring.create(tmp_path / "keys", tmp_path / "public")
    return tmp_path / "keys"


@pytest.fixture
def public(private: Path) -> Path:
    """Return the folder of public keys."""
    return private.parent / "public"


def mode(path: Path) -> int:
    """Return the permission bits of a file or folder."""
    return stat.S_IMODE(path.stat().st_mode)


def sealed_with(key: SigningKey) -> Sealed:
    """Return something sealed with this key."""
    moment = datetime(2026, 11, 21, tzinfo=UTC)
    edition = Edition(1, moment, moment, "0" * 64)
    draft = Draft("kp", Wire.MISP_EVENT, b"{}")
    return seal(draft, share="s", edition=edition, rulebook="r", key=key)


def credential(folder: Path, text: str, name: str = "kp.yaml") -> Path:
    """Write a credential file as an operator should."""
    path = folder / name
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    return folder


def test_private_files_are_for_their_owner_only(private: Path) -> None:
    """Everything private has mode 0600 in a folder of mode 0700."""
    assert 0o700 == mode(private)
    assert {0o600} == {mode(path) for path in private.iterdir()}


def test_keys_that_others_can_read_are_refused(private: Path) -> None:
    """A secret that the group can read is not used, and the cure is named."""
    (private / "master.secret").chmod(0o640)

    with pytest.raises(SettingsError, match=r"mode 0640\); chmod 600"):
        keyring.read_keys(private, ["kp"])


def test_keys_are_not_made_twice(private: Path, public: Path) -> None:
    """A second call would end all pseudonyms, so it is refused."""
    with pytest.raises(SettingsError, match="--rotate"):
        keyring.create(private, public)


def test_there_is_nothing_to_rotate_without_a_key(tmp_path: Path) -> None:
    """A rotation where no key is would hide a wrong folder, so it is refused."""
    with pytest.raises(SettingsError, match="no key to rotate"):
        keyring.create(tmp_path / "k", tmp_path / "p", rotate=True)


def test_rotation_keeps_pseudonyms_and_ids(private: Path, public: Path) -> None:
    """After a rotation the seal's key is new and the recipients' secrets are not."""
    before = keyring.read_keys(private, ["kp"])
    made = keyring.create(private, public, rotate=True)
    after = keyring.read_keys(private, ["kp"])

    assert made == after.signing.id != before.signing.id
    assert before.recipients == after.recipients


def test_old_seals_stay_verifiable_after_rotation(private: Path, public: Path) -> None:
    """What was sealed with the old key can still be verified."""
    old = sealed_with(keyring.read_signing_key(private))
    keyring.create(private, public, rotate=True)
    new = sealed_with(keyring.read_signing_key(private))

    keys = keyring.read_public_keys(public)

    verify(old, keys)
    verify(new, keys)
    assert {old.key_id, new.key_id} == set(keys)


def test_missing_keys_say_how_to_make_them(tmp_path: Path) -> None:
    """Without keys the error names the command that makes them."""
    with pytest.raises(SettingsError, match="besa keys create"):
        keyring.read_keys(tmp_path, ["kp"])
    with pytest.raises(SettingsError, match="besa keys create"):
        keyring.read_public_keys(tmp_path)


@pytest.mark.parametrize("rotate", [False, True])
def test_a_lost_master_secret_is_not_made_anew(
    private: Path, public: Path, rotate: bool
) -> None:
    """Nothing makes another one by the way: every case would arrive a second time."""
    (private / "master.secret").unlink()

    for attempt in (
        lambda: keyring.create(private, public, rotate=rotate),
        lambda: keyring.read_keys(private, ["kp-misp"]),
    ):
        with pytest.raises(SettingsError, match="bring its copy back from the safe"):
            attempt()
    assert not (private / "master.secret").exists()


def test_a_damaged_master_secret_is_not_shown(private: Path) -> None:
    """A master secret that is not hexadecimal is refused without being quoted."""
    (private / "master.secret").write_text("correct horse")

    with pytest.raises(SettingsError, match="damaged") as raised:
        keyring.read_keys(private, ["kp"])

    assert "horse" not in str(raised.value)


def test_sample_keys_differ_every_time() -> None:
    """Keys for a preview are made anew, so nobody can take them for real ones."""
    first, second = keyring.sample_keys(["kp"]), keyring.sample_keys(["kp"])

    assert first.recipients["kp"] != second.recipients["kp"]
    assert first.signing.id != second.signing.id


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("kp.yaml", "key: abc\nurl: https://misp.example\n"),
        ("kp.json", '{"key": "abc", "url": "https://misp.example"}'),
    ],
)
def test_a_credential_is_yaml_or_json(tmp_path: Path, name: str, text: str) -> None:
    """A credential file holds a key and may hold the recipient's address."""
    found = keyring.read_credential(credential(tmp_path, text, name), "kp")

    assert ("abc", "https://misp.example") == (found.key, found.url)


def test_a_credential_does_not_show_its_key(tmp_path: Path) -> None:
    """The key is not part of what a credential prints as."""
    found = keyring.read_credential(credential(tmp_path, "key: hunter2\n"), "kp")

    assert "hunter2" not in repr(found)


def test_a_credential_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """A credential with mode 0644 is not used, and the cure is named."""
    credential(tmp_path, "key: abc\n")
    (tmp_path / "kp.yaml").chmod(0o644)

    with pytest.raises(SettingsError, match="chmod 600"):
        keyring.read_credential(tmp_path, "kp")


def test_a_missing_credential_says_which_file_to_write(tmp_path: Path) -> None:
    """The error names the very file that an operator has to make."""
    with pytest.raises(SettingsError, match=str(tmp_path / "kp.yaml")):
        keyring.read_credential(tmp_path, "kp")


def test_a_credential_names_files_that_are_there(tmp_path: Path) -> None:
    """An authority that is missing, and our private key open to all, are refused."""
    ca, ours = tmp_path / "ca.pem", tmp_path / "us.pem"
    text = f"key: abc\nca: {ca}\ncertificate: {ours}\n"
    credential(tmp_path, text)

    with pytest.raises(SettingsError, match=f"there is no file {ca}"):
        keyring.read_credential(tmp_path, "kp")
    ca.touch()
    with pytest.raises(SettingsError, match=f"{ours} is missing"):
        keyring.read_credential(tmp_path, "kp")
    ours.touch(mode=0o644)
    with pytest.raises(SettingsError, match=f"chmod 600 {ours}"):
        keyring.read_credential(tmp_path, "kp")
    ours.chmod(0o600)
    found = keyring.read_credential(tmp_path, "kp")
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
        keyring.read_credential(credential(tmp_path, text), "kp")

    assert "hunter2" not in str(raised.value)
