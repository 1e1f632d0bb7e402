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
