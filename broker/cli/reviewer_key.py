"""A reviewer's private key, as OpenSSH or OpenSSL writes it.

Invariant: the key is read when it is needed, and neither stored nor shown.
"""

from __future__ import annotations

import sys
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_ssh_private_key,
)

from broker.cli import terminal
from broker.errors import SettingsError

_OPENSSH = b"-----BEGIN OPENSSH PRIVATE KEY-----"


def read_private_key(file: Path) -> Ed25519PrivateKey:
    """Read a private key; asks for its passphrase if it has one.

    Raises:
        SettingsError: it is no Ed25519 key, or the passphrase is wrong.
    """
    data = terminal.read_input(file, most=100_000)
    load = load_ssh_private_key if data.startswith(_OPENSSH) else load_pem_private_key
    try:
        try:
            key = load(data, None)
        except TypeError:  # it has a passphrase
            key = load(data, _passphrase(file))
    except (ValueError, TypeError):
        raise SettingsError(
            f"{file} is no private key, or not with this passphrase"
        ) from None
    except UnsupportedAlgorithm:
        raise SettingsError(
            f"{file} is protected in a way that needs the package bcrypt; install it, "
            "or keep the key in PKCS 8 (ssh-keygen -p -m PKCS8)"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"{file} is no Ed25519 key (ssh-keygen -t ed25519)")
    return key


def _passphrase(file: Path) -> bytes:
    import getpass

    if str(file) == "-" or not sys.stdin.isatty():
        raise SettingsError("the key has a passphrase, and nobody is here to ask")
    return getpass.getpass(f"Passphrase of {file}: ").encode()
