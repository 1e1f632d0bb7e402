"""What it takes to be let in by the recipients' systems, on disk.

A folder of credentials (dispatch zone), a file for each -> `broker.deliver.Credential`.

Invariant: no secret stands in an error or in a ``repr``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from broker.deliver import Credential
from broker.errors import SettingsError
from broker.secret_files import read_said, read_secret, refuse_missing, write_new

_SAYS: Final = frozenset({"key", "url", "ca", "certificate"})


def read_credential(folder: Path, name: str) -> Credential:
    """Read the credential of this name: a YAML or JSON file with ``key`` in it.

    Raises:
        SettingsError: it is missing, readable by others, or has the wrong content.
    """
    candidates = [folder / f"{name}{ending}" for ending in (".yaml", ".yml", ".json")]
    path = next((path for path in candidates if path.exists()), None)
    if path is None:
        raise SettingsError(
            f"the credential {name} is missing: write {candidates[0]} with a line "
            "`key: ...` and mode 0600"
        )
    said = read_said(path, _SAYS, "write it again")
    if not said.get("key"):
        raise SettingsError(f"{path} has no `key`")
    refuse_missing(path, said, "ca")
    certificate = said.get("certificate")
    if certificate:
        read_secret(Path(certificate), "get it from whoever runs the server")
    return Credential(name, said["key"], said.get("url"), said.get("ca"), certificate)


def write_credential(folder: Path, credential: Credential) -> Path:
    """Write a credential as `read_credential` reads it; return its file.

    Raises:
        FileExistsError: there is one of this name already.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    said = {
        "key": credential.key,
        "url": credential.url,
        "ca": credential.ca_bundle,
        "certificate": credential.certificate,
    }
    content = {name: value for name, value in said.items() if value}
    path = folder / f"{credential.name}.json"
    write_new(path, json.dumps(content).encode() + b"\n", 0o600)
    return path
