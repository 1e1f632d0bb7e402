"""What lies in a recipient's folder: a MISP feed, or files that are carried over.

`Sealed` against the files -> `Difference`s. Nothing is locked: a file is replaced as a
whole, so what is read is either the older or the newer one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from broker.canonical import loads
from broker.deliver import folder as files
from broker.deliver.file_drop import statement
from broker.deliver.misp_compare import uuid_of
from broker.deliver.sealed_event import event_of
from broker.errors import Unavailable
from broker.model.sharing import Loss, Sealed
from broker.reconcile.findings import Difference, Finding
from broker.reconcile.misp import event_differences

_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_EVENT: Final = re.compile(rf"({_UUID})\.json")
_DROPPED: Final = re.compile(rf"({_UUID})\.([0-9]{{6,9}})\.[a-z-]+\.json")


class FeedHoldings:
    """One feed's folder: events, and the manifest that offers them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._manifest: tuple[tuple[int, ...], dict[str, Any]] = ((), {})

    def close(self) -> None:
        """Do nothing: no file stays open."""

    def expect(self, editions: Collection[Sealed]) -> None:
        """Do nothing: a file is at hand."""

    def holds(self, share: str) -> bool:
        """Say whether the event's file lies there."""
        _demand(self._folder)
        return (self._folder / f"{share}.json").exists()

    def differences(
        self, sealed: Sealed, losses: Collection[Loss]
    ) -> tuple[Difference, ...]:
        """Compare an edition with the event's file and the manifest."""
        _demand(self._folder)
        share = sealed.share
        held = self._read(f"{share}.json")
        if held is None:
            return (Difference(Finding.MISSING, share, "its file is not there"),)
        event = held.get("Event")
        if not isinstance(event, dict) or uuid_of(event) != share:
            return (Difference(Finding.ALTERED, share, "its file cannot be read"),)
        found = list(event_differences(event_of(sealed), event, losses))
        entry = self._offered().get(share)
        if not isinstance(entry, dict):
            missing = Difference(
                Finding.MISSING, share, "the manifest does not offer it"
            )
            found.append(missing)
        elif str(entry.get("timestamp")) != str(event.get("timestamp")):
            older = "the manifest offers another edition than lies there"
            found.append(Difference(Finding.ALTERED, share, older))
        return tuple(found)

    def strangers(self, known: Collection[str]) -> Iterator[Difference]:
        """Yield events that belong to no case."""
        _demand(self._folder)
        listed = set(self._offered())
        lying = {
            name[1]
            for path in self._folder.iterdir()
            if (name := _EVENT.fullmatch(path.name))
        }
        for share in sorted((listed | lying) - set(known)):
            yield Difference(Finding.EXTRA, share, "an event that Besa never wrote")

    def _offered(self) -> dict[str, Any]:
        """Return the manifest, which is long; read again when it was replaced."""
        try:
            state = (self._folder / "manifest.json").stat()
        except OSError:
            return self._read("manifest.json") or {}
        version = (state.st_ino, state.st_mtime_ns, state.st_size)
        if version != self._manifest[0]:
            self._manifest = (version, self._read("manifest.json") or {})
        return self._manifest[1]

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            data = files.read(self._folder / name)
            found = None if data is None else loads(data)
        except OSError as error:
            raise Unavailable(f"its folder refuses: {error.strerror}") from None
        except ValueError:
            return {}
        return found if isinstance(found, dict) or found is None else {}


class DropHoldings:
    """One folder of sealed files, until somebody carries them over."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listed: dict[str, dict[str, int]] | None = None

    def close(self) -> None:
        """Do nothing: no file stays open."""

    def expect(self, editions: Collection[Sealed]) -> None:
        """Do nothing: a file is at hand."""

    def holds(self, share: str) -> bool:
        """Say whether any file of the case lies there."""
        return bool(self._of(share))

    def differences(
        self,
        sealed: Sealed,
        losses: Collection[Loss],  # noqa: ARG002 - a file is kept whole, or not at all
    ) -> tuple[Difference, ...] | None:
        """Compare an edition with its two files; nothing when both were taken away.

        Taking them away is what the folder is for.
        """
        if self._listed is None:
            self._listed = self._all()
        found = self._compared(sealed, self._listed.get(sealed.share, {}))
        # The list may be older than what a delivery or a courier did since.
        return self._compared(sealed, self._of(sealed.share)) if found else found

    def _compared(
        self, sealed: Sealed, lying: Mapping[str, int]
    ) -> tuple[Difference, ...] | None:
        stem = f"{sealed.share}.{sealed.edition:06d}"
        body, seal = f"{stem}.{sealed.wire.value}.json", f"{stem}.seal.json"
        if not lying:
            return None
        found = [
            Difference(Finding.OLDER, name, "an older edition lies there")
            for name, number in lying.items()
            if number < sealed.edition
        ]
        found += [
            Difference(Finding.EXTRA, name, "an edition that never arrived lies there")
            for name, number in lying.items()
            if number > sealed.edition
        ]
        for name, wanted in ((body, sealed.body), (seal, statement(sealed))):
            data = files.read(self._folder / name)
            if data is None:
                found.append(Difference(Finding.MISSING, name, "is not there"))
            elif data != wanted:
                found.append(Difference(Finding.ALTERED, name, "was changed"))
        return tuple(found)

    def _all(self) -> dict[str, dict[str, int]]:
        """Return the files of all cases: one look at a folder that may be large."""
        _demand(self._folder)
        found: dict[str, dict[str, int]] = {}
        for path in self._folder.iterdir():
            if name := _DROPPED.fullmatch(path.name):
                found.setdefault(name[1], {})[path.name] = int(name[2])
        return found

    def strangers(self, known: Collection[str]) -> Iterator[Difference]:
        """Yield files that belong to no case."""
        _demand(self._folder)
        for path in sorted(self._folder.iterdir()):
            name = _DROPPED.fullmatch(path.name)
            if name and name[1] not in known:
                what = "a file that Besa never wrote"
                yield Difference(Finding.EXTRA, path.name, what)

    def _of(self, share: str) -> dict[str, int]:
        """Return the files of a case, with the editions that their names say."""
        _demand(self._folder)
        return {
            path.name: int(name[2])
            for path in self._folder.glob(f"{share}.*")
            if (name := _DROPPED.fullmatch(path.name))
        }


def _demand(folder: Path) -> None:
    if not folder.is_dir():
        raise Unavailable("its folder is not there")
