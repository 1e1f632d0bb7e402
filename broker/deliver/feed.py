"""A MISP feed: a folder of events that a recipient's MISP subscribes to.

`Sealed` (a MISP event) -> three files, as MISP and PyMISP read them: ``UUID.json`` (the
event), ``hashes.csv`` (MD5 of each value, with the event's UUID) and ``manifest.json``
(what there is, and since when). Whoever serves the folder over HTTPS decides who reads.

A MISP that pulls a feed keeps what an update leaves out, just as when it is pushed to.
So an event's file names what earlier editions had, with ``deleted: true``: composed and
proved by `misp_update`, with the event file that lies there as what the reader holds.
It is always whole: a reader may come for the first time.

Invariants: the manifest is written last, so that it never names what is not there; all
files are replaced as a whole. An event's file is the sealed event with the CSIRT's name
as its creator, and the changes that `misp_update.prove` allows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from broker.canonical import dumps, loads
from broker.deliver import folder as files
from broker.deliver.misp_compare import (
    LISTS,
    Thing,
    by_uuid,
    compare,
    is_deleted,
    stamp_of,
    uuid_of,
)
from broker.deliver.misp_update import compose, prove
from broker.deliver.sealed_event import event_of
from broker.errors import Refused, Unavailable
from broker.model.recipient import Organisation
from broker.model.sharing import Receipt, ReceiptState, Sealed

_MANIFEST: Final = "manifest.json"
_HASHES: Final = "hashes.csv"
_MANIFEST_FIELDS: Final = ("info", "date", "analysis", "threat_level_id", "timestamp")


class FeedRecipient:
    """One feed folder.

    Args:
        folder: must be there already.
        organisation: the CSIRT, as the creator of every event.
        clock: tells the time in UTC.
    """

    def __init__(
        self,
        folder: Path,
        organisation: Organisation | None,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._folder = folder
        self._turns = files.Turns(folder)
        self._creator = organisation.model_dump() if organisation else {}
        self._clock = clock

    def close(self) -> None:
        """Do nothing: no file stays open."""

    def deliver(self, sealed: Sealed) -> Receipt:
        """Bring the feed to offer exactly this edition.

        Raises:
            Unavailable: the folder is not there, full, or cannot be written.
            Refused: a newer edition is there, or what lies there is not ours.
        """
        event = event_of(sealed)
        with self._turns.turn():
            self._demand_newest(sealed)
            manifest = self._manifest()
            made = self._composed(sealed, self._held(sealed.share))
            self._write(sealed, made, manifest)
            held = self._held(sealed.share)
            if held != made or self._manifest() != manifest:
                raise Unavailable("what lies there is not what was written")
        difference = compare(event, made)
        return Receipt(
            sealed.recipient,
            sealed.share,
            sealed.edition,
            ReceiptState.DELIVERED,
            self._clock(),
            sealed.sha256,
            f"{sealed.share}.json",
            difference.losses(sealed.share),
        )

    def _write(
        self, sealed: Sealed, made: dict[str, Any], manifest: dict[str, Any]
    ) -> None:
        """Write the edition's number, the event, the hashes, and last the manifest."""
        share = sealed.share
        files.write(self._folder, _mark(share), str(sealed.edition).encode())
        files.write(self._folder, f"{share}.json", dumps({"Event": made}))
        files.write(self._folder, _HASHES, self._hashes(share, made))
        manifest[share] = _entry(made)
        files.write(self._folder, _MANIFEST, dumps(manifest))

    def _demand_newest(self, sealed: Sealed) -> None:
        """Refuse to go back, whatever happened to the process that wrote last."""
        mark = files.read(self._folder / _mark(sealed.share))
        if mark and mark.isdigit() and int(mark) > sealed.edition:
            raise Refused("a newer edition is there")

    def _held(self, share: str) -> dict[str, Any] | None:
        data = files.read(self._folder / f"{share}.json")
        if data is None:
            return None
        try:
            event = loads(data)["Event"]
            ours = uuid_of(event) == share and event.get("Orgc") == self._creator
        except (ValueError, KeyError, TypeError, AttributeError):
            ours = False
        if not ours:
            raise Refused("the event that lies there is not ours")
        return dict(event)

    def _composed(self, sealed: Sealed, held: dict[str, Any] | None) -> dict[str, Any]:
        """Return the event as it is offered; see `misp_update` for what may differ."""
        event = event_of(sealed)
        if held is None:
            made = event
        elif not _differ(event, held):
            return held
        else:
            made = compose(event, held, whole=True)
            _carry_on(made, held)
            prove(event_of(sealed), made, held, whole=True)
        made["Orgc"] = dict(self._creator)
        return made

    def _manifest(self) -> dict[str, Any]:
        data = files.read(self._folder / _MANIFEST)
        if data is None:
            return {}
        try:
            found = loads(data)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Refused("the manifest that lies there cannot be read")
        return found

    def _hashes(self, share: str, made: Thing) -> bytes:
        """Return the table of hashes, with this event's renewed and the rest kept."""
        there = files.read(self._folder / _HASHES) or b""
        ending = f",{share}".encode()
        kept = [line for line in there.splitlines() if not line.endswith(ending)]
        ours = dict.fromkeys(_hashes_of(made))
        kept += [f"{digest},{share}".encode() for digest in ours]
        return b"".join(line + b"\n" for line in kept)


def _differ(event: Thing, held: Thing) -> bool:
    difference = compare(event, held)
    return (
        difference.in_content
        or stamp_of(held) < stamp_of(event)
        or event.get("published") != held.get("published")
    )


def _carry_on(made: dict[str, Any], held: Thing) -> None:
    """Keep naming what is deleted already: somebody may have pulled before that."""
    for kind in LISTS:
        ours = {uuid_of(one) for one in made.get(kind, ())}
        gone = [
            one
            for uuid, one in by_uuid(held, kind).items()
            if is_deleted(one) and uuid not in ours
        ]
        if gone:
            made.setdefault(kind, []).extend(gone)


def _entry(made: Thing) -> dict[str, Any]:
    """Return what the manifest says of an event."""
    tags = [{"name": tag["name"]} for tag in made.get("Tag") or () if _stays(tag)]
    return {
        "Orgc": made["Orgc"],
        "Tag": tags,
        **{name: made[name] for name in _MANIFEST_FIELDS},
    }


def _stays(tag: Thing) -> bool:
    return not tag.get("deleted")


def _hashes_of(made: Thing) -> Iterator[str]:
    """Yield the MD5 of each value; of a pair, of each half."""
    for part in (made, *(made.get("Object") or ())):
        for attribute in part.get("Attribute") or ():
            if is_deleted(attribute):
                continue
            value = str(attribute["value"])
            pair = "|" in attribute["type"]
            for one in value.split("|") if pair else (value,):
                yield hashlib.md5(one.encode(), usedforsecurity=False).hexdigest()


def _mark(share: str) -> str:
    return f".besa-{share}"
