"""The keys on disk: made once, readable by their owner only, public halves apart.

A folder of private keys (consume zone) and a folder of public keys (both zones) ->
`broker.keys.Keys` and `VerifyingKey`s.

Invariants: a public key is never deleted, because seals made with it must stay
verifiable. No secret stands in an error or in a ``repr``.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from broker.errors import SealError, SettingsError
from broker.keys import Keys, RecipientKey, recipient_key
from broker.seal import SigningKey, VerifyingKey
from broker.secret_files import read_secret, write_new

_SEAL: Final = "seal.pem"
_MASTER: Final = "master.secret"
_EPOCH: Final = re.compile(r"pseudonyms-([1-9][0-9]{0,5})\.secret")
_VAULT: Final = re.compile(r"vault-([1-9][0-9]{0,5})\.secret")


def create(private: Path, public: Path, *, rotate: bool = False) -> str:
    """Make the seal's key pair and the master secret; return the new key's id.

    With ``rotate`` only the seal's key is new: the old one is kept aside, and the
    master secret stays, because pseudonyms and ids at the recipients depend on it.

    Raises:
        SettingsError: there are keys already, or the folders cannot be written.
    """
    seal_file, master_file = private / _SEAL, private / _MASTER
    if seal_file.exists():
        _refuse_without_master(private)
    if seal_file.exists() and not rotate:
        raise SettingsError(
            f"{seal_file} exists already; --rotate makes a new seal key beside it"
        )
    if rotate and not seal_file.exists():
        raise SettingsError(f"{seal_file} is missing: there is no key to rotate")
    key = SigningKey.create()
    try:
        private.mkdir(mode=0o700, parents=True, exist_ok=True)
        public.mkdir(mode=0o755, parents=True, exist_ok=True)
        # The public half first: a seal that nobody can verify must not exist.
        write_new(public / f"{key.id}.pem", key.public_pem(), 0o644)
        if seal_file.exists():
            old = SigningKey.from_pem(_secret(seal_file)).id
            seal_file.rename(private / f"seal-{old}.pem")
        if not master_file.exists():
            write_new(master_file, secrets.token_hex(32).encode() + b"\n", 0o600)
        write_new(seal_file, key.to_pem(), 0o600)
    except OSError as error:
        raise SettingsError(f"the keys cannot be written: {error.strerror}") from error
    return key.id


def _refuse_without_master(private: Path) -> None:
    """Refuse to go on with another master secret than the one that was lost.

    Every case would arrive at its recipients a second time, under new ids.

    Raises:
        SettingsError: it is missing.
    """
    file = private / _MASTER
    if not file.exists():
        raise SettingsError(
            f"{file} is missing: bring its copy back from the safe. To start anew, "
            f"with other pseudonyms and ids for everything, move {private} away and "
            "make keys with `besa keys create`"
        )


def exist(private: Path) -> bool:
    """Say whether the folder has the keys that sharing needs."""
    return (private / _SEAL).exists() and (private / _MASTER).exists()


def are_closed(private: Path) -> bool:
    """Say whether there are keys, or may be, that this user has no right to read."""
    try:
        for name in (_SEAL, _MASTER):
            (private / name).open("rb").close()
    except FileNotFoundError:
        return False
    except PermissionError:
        return True
    return False


def rotate_pseudonyms(private: Path) -> int:
    """Begin a new epoch of pseudonyms; return its number.

    The secrets of earlier epochs stay, so that the pseudonyms that recipients hold can
    still be looked up; whoever deletes one of these files ends that for its epoch.

    Raises:
        SettingsError: there are no keys yet, or the folder cannot be written.
    """
    if not exist(private):
        raise SettingsError(f"{private} has no keys; make them with `besa keys create`")
    epoch = epochs(private)[-1] + 1
    try:
        write_new(
            private / f"pseudonyms-{epoch}.secret",
            secrets.token_hex(32).encode() + b"\n",
            0o600,
        )
    except OSError as error:
        raise SettingsError(f"the keys cannot be written: {error.strerror}") from error
    return epoch


def epochs(private: Path) -> list[int]:
    """Return the epochs whose pseudonyms can be looked up, the one in force last.

    The first has no secret of its own: its pseudonyms follow from the master secret.
    """
    named = (_EPOCH.fullmatch(path.name) for path in private.glob("pseudonyms-*"))
    return [1, *sorted(int(found[1]) for found in named if found)]


def read_epochs(private: Path, recipient: str) -> dict[int, RecipientKey]:
    """Return a recipient's key of every epoch, for looking up pseudonyms.

    Raises:
        SettingsError: a secret is missing, damaged or readable by others.
    """
    master = _read_hex(private / _MASTER)
    return {
        epoch: _key_of(private, master, recipient, epoch) for epoch in epochs(private)
    }


def read_keys(private: Path, recipients: Iterable[str]) -> Keys:
    """Read the keys of the consume zone, with the secrets of these recipients.

    Raises:
        SettingsError: a key is missing, damaged or readable by others.
    """
    signing = read_signing_key(private)
    _refuse_without_master(private)
    master = _read_hex(private / _MASTER)
    epoch = epochs(private)[-1]
    return Keys(
        signing, {name: _key_of(private, master, name, epoch) for name in recipients}
    )


def create_vault_key(folder: Path, *, rotate: bool = False) -> int:
    """Make the key of the vault; return its number.

    With ``rotate`` it is a further one, which locks from now on; those before still
    open what they locked.

    Raises:
        SettingsError: there is one already, or the folder cannot be written.
    """
    there = vault_key_numbers(folder)
    if there and not rotate:
        raise SettingsError(
            f"the vault has a key already ({folder}/vault-{there[-1]}.secret); "
            "--rotate makes a new one beside it"
        )
    number = there[-1] + 1 if there else 1
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        secret = secrets.token_hex(32).encode() + b"\n"
        write_new(folder / f"vault-{number}.secret", secret, 0o600)
    except OSError as error:
        raise SettingsError(f"the key cannot be written: {error.strerror}") from error
    return number


def vault_key_numbers(folder: Path) -> list[int]:
    """Return the numbers of the vault's keys that are there, the one in force last."""
    named = (_VAULT.fullmatch(path.name) for path in folder.glob("vault-*"))
    return sorted(int(found[1]) for found in named if found)


def read_vault_keys(folder: Path) -> dict[int, bytes]:
    """Return the vault's keys by number.

    Raises:
        SettingsError: there is none, or one is damaged or readable by others.
    """
    numbers = vault_key_numbers(folder)
    if not numbers:
        raise SettingsError(
            f"{folder} has no key of the vault; make one with `besa keys vault`, or "
            "bring vault-1.secret back from the safe"
        )
    return {number: _read_hex(folder / f"vault-{number}.secret") for number in numbers}


def _key_of(private: Path, master: bytes, recipient: str, epoch: int) -> RecipientKey:
    if epoch == 1:
        return recipient_key(master, recipient)
    own = _read_hex(private / f"pseudonyms-{epoch}.secret")
    return recipient_key(master, recipient, epoch=epoch, secret=own)


def _read_hex(path: Path) -> bytes:
    try:
        secret = bytes.fromhex(_secret(path).decode("ascii").strip())
    except ValueError:
        raise SettingsError(f"{path} is damaged") from None
    if len(secret) < 32:
        raise SettingsError(f"{path} is damaged")
    return secret


def read_signing_key(private: Path) -> SigningKey:
    """Read the seal's private key.

    Raises:
        SettingsError: it is missing, damaged or readable by others.
    """
    path = private / _SEAL
    try:
        return SigningKey.from_pem(_secret(path))
    except SealError as error:
        raise SettingsError(f"{path}: {error}") from None


def sample_keys(recipients: Iterable[str]) -> Keys:
    """Return keys for a preview where there are none: made now and forgotten after.

    Pseudonyms and ids made with them are not those that a recipient would get.
    """
    master = secrets.token_bytes(32)
    return Keys(
        SigningKey.create(), {name: recipient_key(master, name) for name in recipients}
    )


def read_public_keys(public: Path) -> dict[str, VerifyingKey]:
    """Read all public halves, by id; old ones too, for what they once sealed.

    Raises:
        SettingsError: there is none, or a file is not a public key.
    """
    found: dict[str, VerifyingKey] = {}
    for path in sorted(public.glob("*.pem")):
        try:
            key = VerifyingKey.from_pem(path.read_bytes())
        except SealError as error:
            raise SettingsError(f"{path}: {error}") from None
        except OSError as error:
            raise SettingsError(f"{path}: {error.strerror}") from None
        found[key.id] = key
    if not found:
        raise SettingsError(
            f"no public key of the seal in {public}; make keys with `besa keys create`"
        )
    return found


def _secret(path: Path) -> bytes:
    return read_secret(path, "make keys with `besa keys create`")
