"""A new epoch of pseudonyms loses nothing: old ones can still be looked up."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from broker import keyring
from broker.errors import SettingsError
from broker.redact.methods.pseudonym import Pseudonym, stands_for


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """Return a folder with fresh private keys."""
    keyring.create(tmp_path / "keys", tmp_path / "public")
    return tmp_path / "keys"


def pseudonym(private: Path, value: str, recipient: str = "kp") -> str:
    """Return the pseudonym that a recipient would get now."""
    key = keyring.read_keys(private, [recipient]).recipients[recipient]
    return Pseudonym().apply(value, key)


def test_epochs_count_up(private: Path) -> None:
    """Each rotation begins the next epoch, and the last one is in force."""
    assert [1] == keyring.epochs(private)
    assert 2 == keyring.rotate_pseudonyms(private)
    assert 3 == keyring.rotate_pseudonyms(private)
    assert [1, 2, 3] == keyring.epochs(private)
    assert 3 == keyring.read_keys(private, ["kp"]).recipients["kp"].epoch


def test_an_epochs_secret_is_for_its_owner_only(private: Path) -> None:
    """The secret of an epoch is kept like every other one."""
    keyring.rotate_pseudonyms(private)
    path = private / "pseudonyms-2.secret"
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)

    path.chmod(0o640)
    with pytest.raises(SettingsError, match="chmod 600"):
        keyring.read_keys(private, ["kp"])


def test_rotation_changes_pseudonyms_and_no_id(private: Path) -> None:
    """In a new epoch a value has another pseudonym, and an event the id it had."""
    before = keyring.read_keys(private, ["kp"]).recipients["kp"]
    old = pseudonym(private, "Arta Gashi")
    keyring.rotate_pseudonyms(private)

    assert old != pseudonym(private, "Arta Gashi")
    assert before.ids == keyring.read_keys(private, ["kp"]).recipients["kp"].ids


def test_pseudonyms_of_every_epoch_are_looked_up(private: Path) -> None:
    """What a recipient got in any epoch can be compared with a value."""
    given = [pseudonym(private, "Arta Gashi")]
    for _ in range(3):
        keyring.rotate_pseudonyms(private)
        given.append(pseudonym(private, "Arta Gashi"))
    keys = keyring.read_epochs(private, "kp")

    assert 4 == len(set(given))
    assert all(stands_for(each, "Arta Gashi", keys) for each in given)
    assert not any(stands_for(each, "Arta Gash", keys) for each in given)
    others = keyring.read_epochs(private, "fiu")
    assert not any(stands_for(each, "Arta Gashi", others) for each in given)


def test_without_its_secret_an_epoch_cannot_be_looked_up(private: Path) -> None:
    """Whoever deletes an epoch's file ends its look-up, and no other's."""
    keyring.rotate_pseudonyms(private)
    second = pseudonym(private, "Arta Gashi")
    keyring.rotate_pseudonyms(private)
    third = pseudonym(private, "Arta Gashi")
    (private / "pseudonyms-2.secret").unlink()
    keys = keyring.read_epochs(private, "kp")

    assert [1, 3] == sorted(keys)
    assert not stands_for(second, "Arta Gashi", keys)
    assert stands_for(third, "Arta Gashi", keys)


def test_there_is_no_epoch_without_keys(tmp_path: Path) -> None:
    """Rotating where no keys are would hide a wrong folder, so it is refused."""
    with pytest.raises(SettingsError, match="besa keys create"):
        keyring.rotate_pseudonyms(tmp_path)


@pytest.mark.parametrize("content", ["zz", "", "ab", "ë"])
def test_a_damaged_secret_of_an_epoch_is_not_shown(private: Path, content: str) -> None:
    """A damaged secret is named by its file, and not used."""
    keyring.rotate_pseudonyms(private)
    (private / "pseudonyms-2.secret").write_text(content, "utf-8")

    with pytest.raises(SettingsError, match=r"pseudonyms-2.secret is damaged"):
        keyring.read_keys(private, ["kp"])
