"""Sealed files for a recipient without any network: written here, carried over by hand.

`Sealed` -> two files in a folder, and back: `check` is what the receiver runs on them,
with the CSIRT's public key and nothing else. ::

    SHARE.EDITION.misp-event.json   the sealed bytes
    SHARE.EDITION.seal.json         the statement that the seal stands on, and the seal

Invariants: a body without its seal is not finished; the seal is written last. Of a case
only the newest edition lies in the folder, so that nothing older is carried over later,
and a recall takes away what it takes back.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from broker.canonical import dumps, loads
from broker.deliver import folder as files
from broker.errors import Refused, SealError, Unavailable
from broker.model.sharing import Receipt, ReceiptState, Sealed, Wire
from broker.seal import VerifyingKey, verify

_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_WIRES: Final = "|".join(wire.value for wire in Wire)
_NAME: Final = re.compile(rf"({_UUID})\.([0-9]{{6,9}})\.({_WIRES}|seal)\.json")
_FORMAT: Final = 1


class FileDrop:
    """One folder that sealed files are left in.

    Args:
        folder: must be there already.
        clock: tells the time in UTC.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._turns = files.Turns(folder)
        self._lying = _Lying(folder)
        self._clock = clock

    def close(self) -> None:
        """Do nothing: no file stays open."""

    def deliver(self, sealed: Sealed) -> Receipt:
        """Leave an edition in the folder, and take older ones of the case away.

        Raises:
            Unavailable: the folder is not there, full, or cannot be written.
            Refused: a newer edition lies there already.
        """
        body, seal = (_name(sealed, kind) for kind in (sealed.wire.value, "seal"))
        with self._turns.turn() as alone:
            lying = self._lying.of(sealed.share, remembered=alone)
            if any(_edition(name) > sealed.edition for name in lying):
                raise Refused("a newer edition is there")
            older = {name for name in lying if _edition(name) < sealed.edition}
            files.write(self._folder, body, sealed.body)
            files.write(self._folder, seal, statement(sealed))
            # The older seal first: without it, what is left is not finished.
            for name in sorted(older, key=lambda one: ".seal." not in one):
                (self._folder / name).unlink(missing_ok=True)
            files.sync(self._folder)
            if (self._folder / body).read_bytes() != sealed.body or (
                self._folder / seal
            ).read_bytes() != statement(sealed):
                raise Unavailable("what lies there is not what was written")
            self._lying.put(sealed.share, (lying - older) | {body, seal})
        return Receipt(
            sealed.recipient,
            sealed.share,
            sealed.edition,
            ReceiptState.DELIVERED,
            self._clock(),
            sealed.sha256,
            body,
        )


def statement(sealed: Sealed) -> bytes:
    """Return what stands in a seal's file: all that the signature says, and itself."""
    return dumps(
        {
            "besa_seal": _FORMAT,
            "recipient": sealed.recipient,
            "share": sealed.share,
            "edition": sealed.edition,
            "wire": sealed.wire.value,
            "sha256": sealed.sha256,
            "rulebook": sealed.rulebook,
            "retracts": sealed.retracts,
            "key_id": sealed.key_id,
            "signature": sealed.signature.hex(),
        }
    )


@dataclass(frozen=True, slots=True)
class Checked:
    """One sealed file, and what is wrong with it; nothing, when it may be trusted."""

    file: str
    problem: str
    recipient: str = ""
    share: str = ""
    edition: int = 0
    wire: str = ""
    retracts: bool = False


def check(path: Path, keys: Mapping[str, VerifyingKey]) -> tuple[Checked, ...]:
    """Check a sealed file, or every one in a folder.

    Args:
        path: a folder, a body or a seal.
        keys: the CSIRT's public keys, by id.

    Raises:
        OSError: it cannot be read.
    """
    if path.is_dir():
        return tuple(_check_folder(path, keys))
    name = _NAME.fullmatch(path.name)
    if name is None:
        return (Checked(path.name, "it is not called as a sealed file is"),)
    seal = path.with_name(f"{name[1]}.{name[2]}.seal.json")
    if not seal.exists():
        return (Checked(path.name, "its seal is missing"),)
    return (_check(seal, keys),)


def _check_folder(folder: Path, keys: Mapping[str, VerifyingKey]) -> Iterator[Checked]:
    """Check every seal, and name what has none."""
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    covered: set[str] = set()
    for name in sorted(names):
        matched = _NAME.fullmatch(name)
        if matched and matched[3] == "seal":
            found = _check(folder / name, keys)
            covered |= {name, f"{matched[1]}.{matched[2]}.{found.wire}.json"}
            yield found
    for name in sorted(names - covered):
        known = _NAME.fullmatch(name)
        why = "its seal is missing" if known else "it is not called as a sealed file is"
        yield Checked(name, why)


def _check(seal: Path, keys: Mapping[str, VerifyingKey]) -> Checked:
    try:
        sealed = _read(seal)
    except (ValueError, KeyError, TypeError):
        return Checked(seal.name, "its seal cannot be read")
    told: dict[str, Any] = {
        "recipient": sealed.recipient,
        "share": sealed.share,
        "edition": sealed.edition,
        "wire": sealed.wire.value,
        "retracts": sealed.retracts,
    }
    name = _name(sealed, sealed.wire.value)
    problem = ""
    if seal.name != _name(sealed, "seal"):
        problem = "its seal is that of another file"
    else:
        body = files.read(seal.with_name(name))
        if body is None:
            problem = "the sealed file is missing"
        else:
            try:
                verify(_with(sealed, body), keys)
            except SealError as error:
                problem = str(error)
    return Checked(name, problem, **told)


def _read(seal: Path) -> Sealed:
    """Read a seal's file; its body is not there yet."""
    told: Any = loads(seal.read_bytes())
    if told["besa_seal"] != _FORMAT or not re.fullmatch(_UUID, told["share"]):
        raise ValueError
    return Sealed(
        _text(told["recipient"]),
        told["share"],
        _number(told["edition"]),
        Wire(told["wire"]),
        b"",
        _text(told["sha256"]),
        _text(told["rulebook"]),
        _text(told["key_id"]),
        bytes.fromhex(told["signature"]),
        told["retracts"] is True,
    )


def _with(sealed: Sealed, body: bytes) -> Sealed:
    return Sealed(
        sealed.recipient,
        sealed.share,
        sealed.edition,
        sealed.wire,
        body,
        sealed.sha256,
        sealed.rulebook,
        sealed.key_id,
        sealed.signature,
        sealed.retracts,
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    return value


def _name(sealed: Sealed, kind: str) -> str:
    return f"{sealed.share}.{sealed.edition:06d}.{kind}.json"


def _edition(name: str) -> int:
    """Return the edition that a sealed file's name tells."""
    return int(name.split(".")[1])


class _Lying:
    """What lies in a folder, listed once and remembered while nobody else writes.

    What a courier took away meanwhile is still remembered: it must not be followed by
    anything older either. The folder is listed again after so many changes, so that
    not all that was ever carried away is remembered.
    """

    _CHANGES: Final = 10_000

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: dict[str, set[str]] = {}
        self._left = 0

    def of(self, share: str, *, remembered: bool) -> set[str]:
        """Return the names of a case's files; from memory, where that is right."""
        if not remembered or self._left <= 0:
            self._names = {}
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    if name := _NAME.fullmatch(entry.name):
                        self._names.setdefault(name[1], set()).add(entry.name)
            self._left = self._CHANGES
        return self._names.get(share, set())

    def put(self, share: str, names: set[str]) -> None:
        """Remember that of a case exactly these files lie there now."""
        self._names[share] = names
        self._left -= 1
