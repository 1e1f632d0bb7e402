"""Sealed files: what is left in a folder, and what the receiver's check says."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from broker.canonical import dumps, loads
from broker.deliver.file_drop import FileDrop, check
from broker.deliver.folder import Turns
from broker.errors import Refused, Unavailable
from broker.seal import SigningKey, VerifyingKey
from tests.unit.deliver.events import attribute, contents, event, later, sealed
from tests.unit.store.samples import KEYS

NOW = datetime(2026, 6, 1, tzinfo=UTC)
FIRST = event(attribute("203.0.113.7"))
SECOND = later(FIRST)


@pytest.fixture
def drop(tmp_path: Path) -> FileDrop:
    """Give a drop into an empty folder."""
    return FileDrop(tmp_path, clock=lambda: NOW)


def lying(folder: Path) -> list[str]:
    """Return the endings of what lies in a folder."""
    names = (path.name for path in folder.iterdir())
    return sorted(name.partition(".")[2] for name in names if name[0] != ".")


def die_half_way(folder: Path, written: str) -> None:
    """Take a turn that ends with one file written, and half of another."""
    with Turns(folder).turn():
        (folder / written).write_bytes(b"{}")
        (folder / ".besa-draft-x").write_bytes(b"half")
        raise KeyboardInterrupt


def problems(folder: Path) -> list[str]:
    """Return what is wrong in a folder."""
    return [each.problem for each in check(folder, KEYS)]


def test_what_is_left_are_the_sealed_bytes(drop: FileDrop, tmp_path: Path) -> None:
    """The body's file is byte for byte what was sealed, and its seal holds."""
    made = sealed(FIRST)

    receipt = drop.deliver(made)

    assert made.body == (tmp_path / receipt.remote_id).read_bytes()
    assert ["000001.misp-event.json", "000001.seal.json"] == lying(tmp_path)
    (found,) = check(tmp_path, KEYS)
    assert ("", "kp-misp", made.share, 1) == (
        found.problem,
        found.recipient,
        found.share,
        found.edition,
    )


def test_a_newer_edition_takes_the_older_away(drop: FileDrop, tmp_path: Path) -> None:
    """Of a case only the newest edition lies there; of other cases all stays."""
    other = event()
    for made in (sealed(FIRST), sealed(other), sealed(SECOND, 2)):
        drop.deliver(made)

    assert sorted(
        [
            "000001.misp-event.json",
            "000001.seal.json",
            "000002.misp-event.json",
            "000002.seal.json",
        ]
    ) == lying(tmp_path)
    assert ["", ""] == problems(tmp_path)


def test_an_older_edition_is_refused(drop: FileDrop, tmp_path: Path) -> None:
    """Nothing older is left after something newer."""
    drop.deliver(sealed(SECOND, 2))

    with pytest.raises(Refused, match="newer edition"):
        drop.deliver(sealed(FIRST))
    assert ["000002.misp-event.json", "000002.seal.json"] == lying(tmp_path)


def test_what_another_process_left_is_seen(drop: FileDrop, tmp_path: Path) -> None:
    """Two that take turns at a folder each see what the other left meanwhile."""
    other = FileDrop(tmp_path, clock=lambda: NOW)
    drop.deliver(sealed(FIRST))
    other.deliver(sealed(SECOND, 2))

    with pytest.raises(Refused, match="newer edition"):
        drop.deliver(sealed(FIRST))
    drop.deliver(sealed(later(SECOND), 3))
    assert ["000003.misp-event.json", "000003.seal.json"] == lying(tmp_path)


def test_what_a_dead_process_left_is_seen(drop: FileDrop, tmp_path: Path) -> None:
    """A turn that never ended makes the next one look at what lies there."""
    drop.deliver(sealed(FIRST))
    with pytest.raises(KeyboardInterrupt):
        die_half_way(tmp_path, f"{FIRST['uuid']}.000002.seal.json")

    with pytest.raises(Refused, match="newer edition"):
        drop.deliver(sealed(FIRST))
    assert not list(tmp_path.glob(".besa-draft-*"))


def test_another_disk_in_the_same_place_is_seen(drop: FileDrop, tmp_path: Path) -> None:
    """A disk that is put in instead is listed anew, though as many turns were taken."""
    other = tmp_path.with_name(f"{tmp_path.name}-other")
    other.mkdir()
    drop.deliver(sealed(FIRST))
    FileDrop(other, clock=lambda: NOW).deliver(sealed(SECOND, 2))
    tmp_path.rename(tmp_path.with_name(f"{tmp_path.name}-first"))
    other.rename(tmp_path)

    with pytest.raises(Refused, match="newer edition"):
        drop.deliver(sealed(FIRST))
    assert ["000002.misp-event.json", "000002.seal.json"] == lying(tmp_path)


def test_what_a_courier_took_is_not_followed_by_anything_older(
    drop: FileDrop, tmp_path: Path
) -> None:
    """What was carried away is newer than what comes too late, and stays so."""
    drop.deliver(sealed(SECOND, 2))
    for path in tmp_path.glob("*.json"):
        path.unlink()

    with pytest.raises(Refused, match="newer edition"):
        drop.deliver(sealed(FIRST))
    assert [] == lying(tmp_path)


def test_the_same_edition_again_changes_nothing(drop: FileDrop, tmp_path: Path) -> None:
    """A second delivery leaves the same two files."""
    drop.deliver(sealed(FIRST))
    before = contents(tmp_path)

    drop.deliver(sealed(FIRST))

    assert before == contents(tmp_path)


def test_altered_bytes_are_found(drop: FileDrop, tmp_path: Path) -> None:
    """One changed letter in the body, and the file must not be trusted."""
    receipt = drop.deliver(sealed(FIRST))
    body = tmp_path / receipt.remote_id
    body.write_bytes(body.read_bytes().replace(b"203.0.113.7", b"203.0.113.8"))

    assert ["the body is not the one that was sealed"] == problems(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("recipient", "fiu-misp"),
        ("edition", 1_000_000_000),
        ("wire", "stix-bundle"),
        ("rulebook", "c" * 64),
        ("retracts", True),
        ("key_id", "0" * 16),
        ("signature", "00" * 64),
        ("sha256", "0" * 64),
        ("share", "../../etc/passwd"),
        ("besa_seal", 2),
        ("edition", "1"),
    ],
)
def test_an_altered_seal_is_found(
    drop: FileDrop, tmp_path: Path, name: str, value: object
) -> None:
    """Whatever is changed in a seal, its file must not be trusted."""
    drop.deliver(sealed(FIRST))
    (seal,) = tmp_path.glob("*.seal.json")
    seal.write_bytes(dumps({**loads(seal.read_bytes()), name: value}))

    assert all(problems(tmp_path))


def test_another_key_does_not_fit(drop: FileDrop, tmp_path: Path) -> None:
    """With the key of somebody else no file is trusted."""
    drop.deliver(sealed(FIRST))
    made = SigningKey.create()
    other = VerifyingKey.from_pem(made.public_pem())
    (own,) = KEYS

    (unknown,) = check(tmp_path, {other.id: other})
    (wrong,) = check(tmp_path, {own: replace(other, id=own)})

    assert "sealed with a key that is not known here" == unknown.problem
    assert "the seal does not fit recipient, edition or body" == wrong.problem


def test_what_has_no_seal_is_named(drop: FileDrop, tmp_path: Path) -> None:
    """A body without a seal, a seal without a body and a stranger are all named."""
    for made in (FIRST, event(), event()):
        drop.deliver(sealed(made))
    seals, bodies = (
        sorted(tmp_path.glob(f"*.{k}.json")) for k in ("seal", "misp-event")
    )
    seals[0].unlink()
    bodies[1].unlink()
    (tmp_path / "readme.txt").write_text("x")

    assert sorted(
        [
            "",
            "its seal is missing",
            "the sealed file is missing",
            "it is not called as a sealed file is",
        ]
    ) == sorted(problems(tmp_path))


def test_one_file_is_checked_with_its_seal(drop: FileDrop, tmp_path: Path) -> None:
    """A body or a seal alone is checked together with the other."""
    receipt = drop.deliver(sealed(FIRST))
    (seal,) = tmp_path.glob("*.seal.json")

    assert ("",) == tuple(e.problem for e in check(tmp_path / receipt.remote_id, KEYS))
    assert ("",) == tuple(e.problem for e in check(seal, KEYS))


def test_a_folder_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    """Where the stick is not plugged in, nothing is written; the edition waits."""
    drop = FileDrop(tmp_path / "stick", clock=lambda: NOW)

    with pytest.raises(Unavailable, match="not there"):
        drop.deliver(sealed(FIRST))
    assert not (tmp_path / "stick").exists()


@pytest.mark.parametrize("syncs", range(4))
def test_a_full_disk_leaves_nothing_that_looks_whole(
    drop: FileDrop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, syncs: int
) -> None:
    """When the disk fills half-way, the older edition stays, and a retry mends it."""
    drop.deliver(sealed(FIRST))
    real, left = os.fsync, [syncs]

    def full(handle: int) -> None:
        if left[0] == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left[0] -= 1
        real(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(Unavailable, match="No space left"):
            drop.deliver(sealed(SECOND, 2))

    assert {"000001.misp-event.json", "000001.seal.json"} <= set(lying(tmp_path))
    drop.deliver(sealed(SECOND, 2))
    assert [""] == problems(tmp_path)
