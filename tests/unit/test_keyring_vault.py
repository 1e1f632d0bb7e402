"""The keys of the vault on disk: numbered, private, and never made over each other."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from broker import keyring
from broker.errors import SettingsError
from broker.settings import Settings, Zone


def test_the_first_key_has_number_one_and_rotation_adds(tmp_path: Path) -> None:
    """Each key is made beside those before, which stay as they are."""
    folder = tmp_path / "vault"
    first = keyring.create_vault_key(folder)
    kept = keyring.read_vault_keys(folder)[1]
    second = keyring.create_vault_key(folder, rotate=True)
    keys = keyring.read_vault_keys(folder)

    assert (1, 2, [1, 2]) == (first, second, keyring.vault_key_numbers(folder))
    assert kept == keys[1] != keys[2]
    assert {32} == {len(key) for key in keys.values()}
    assert 0o600 == stat.S_IMODE((folder / "vault-2.secret").stat().st_mode)
    assert 0o700 == stat.S_IMODE(folder.stat().st_mode)


def test_a_second_key_must_be_meant(tmp_path: Path) -> None:
    """Without ``rotate`` nothing is made where there is a key already."""
    keyring.create_vault_key(tmp_path)
    with pytest.raises(SettingsError, match=r"has a key already .*--rotate"):
        keyring.create_vault_key(tmp_path)

    assert [1] == keyring.vault_key_numbers(tmp_path)


def test_after_the_first_was_deleted_its_number_is_not_used_again(
    tmp_path: Path,
) -> None:
    """Numbers go up, so that what an old key locked is never tried with a new one."""
    keyring.create_vault_key(tmp_path)
    keyring.create_vault_key(tmp_path, rotate=True)
    (tmp_path / "vault-1.secret").unlink()

    assert 3 == keyring.create_vault_key(tmp_path, rotate=True)


def test_where_there_is_none_the_remedy_is_named(tmp_path: Path) -> None:
    """A missing key is a fault that says how to make it, or where to look."""
    with pytest.raises(SettingsError, match=r"besa keys vault.*safe"):
        keyring.read_vault_keys(tmp_path)


@pytest.mark.parametrize("content", ["zz", "", "ab", "ë"])
def test_a_damaged_key_is_named_and_not_shown(tmp_path: Path, content: str) -> None:
    """A key that cannot be one is refused by its file's name."""
    keyring.create_vault_key(tmp_path)
    (tmp_path / "vault-1.secret").write_text(content, "utf-8")

    with pytest.raises(SettingsError, match=r"vault-1\.secret is damaged"):
        keyring.read_vault_keys(tmp_path)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """The key of the vault is kept like every other secret."""
    keyring.create_vault_key(tmp_path)
    (tmp_path / "vault-1.secret").chmod(0o640)

    with pytest.raises(SettingsError, match="chmod 600"):
        keyring.read_vault_keys(tmp_path)


def test_the_dispatching_process_is_refused_the_folder(tmp_path: Path) -> None:
    """Whoever delivers has no business with the vault, wherever its keys lie."""
    elsewhere = Settings(home=tmp_path, vault_keys=tmp_path / "v", zone=Zone.DISPATCH)
    with pytest.raises(SettingsError, match="dispatch zone"):
        _ = elsewhere.vault_keys_folder

    consuming = elsewhere.model_copy(update={"zone": Zone.CONSUME})
    assert tmp_path / "v" == consuming.vault_keys_folder
    assert tmp_path / "keys" == Settings(home=tmp_path).vault_keys_folder
