"""The feed adapter: what it writes, PyMISP reads, and a MISP takes."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pymisp import MISPEvent

from broker.canonical import loads
from broker.deliver.feed import FeedRecipient
from broker.errors import Refused, Unavailable
from broker.model.recipient import Organisation
from broker.model.sharing import Sealed
from tests.contract.misp_target import MispTarget
from tests.unit.deliver.events import (
    attribute,
    contents,
    event,
    later,
    person,
    report,
    sealed,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)
CSIRT = Organisation(name="KOS-CERT", uuid="0b8c5a52-6d3f-4c0e-9a57-2f7d1c9e4b10")


@pytest.fixture
def feed(tmp_path: Path) -> FeedRecipient:
    """Give a feed in an empty folder."""
    return FeedRecipient(tmp_path, CSIRT, clock=lambda: NOW)


def offered(folder: Path, made: dict[str, Any]) -> dict[str, Any]:
    """Return an event as the feed offers it."""
    found: dict[str, Any] = loads((folder / f"{made['uuid']}.json").read_bytes())
    return found["Event"]  # type: ignore[no-any-return]


def values(shown: dict[str, Any]) -> set[str]:
    """Return the values of attributes that are not deleted."""
    return {one["value"] for one in shown["Attribute"] if not one.get("deleted")}


def test_an_event_is_the_sealed_one_with_its_creator(
    feed: FeedRecipient, tmp_path: Path
) -> None:
    """The event's file says what was sealed, and who the CSIRT is."""
    made = event(attribute("203.0.113.7"), EventReport=[report("t")])

    receipt = feed.deliver(sealed(made))

    assert made | {"Orgc": CSIRT.model_dump()} == offered(tmp_path, made)
    assert ((), f"{made['uuid']}.json") == (receipt.losses, receipt.remote_id)


def test_pymisp_reads_the_same_manifest_and_hashes(
    feed: FeedRecipient, tmp_path: Path
) -> None:
    """PyMISP makes the same manifest and the same hashes of the event's file."""
    made = event(
        attribute("203.0.113.7"),
        attribute("203.0.113.8|443", "ip-dst|port"),
        Object=[person("X")],
    )
    feed.deliver(sealed(made))

    read = MISPEvent()
    read.load_file(tmp_path / f"{made['uuid']}.json")
    own = loads((tmp_path / "manifest.json").read_bytes())[made["uuid"]]
    theirs = read.manifest[made["uuid"]]
    lines = (tmp_path / "hashes.csv").read_text().splitlines()

    assert {f"{one},{made['uuid']}" for one in read.attributes_hashes("md5")} == set(
        lines
    )
    for name in ("info", "date", "Orgc"):
        assert theirs[name] == own[name]
    for name in ("analysis", "threat_level_id", "timestamp"):
        assert str(theirs[name]) == own[name]
    assert [tag["name"] for tag in theirs["Tag"]] == [tag["name"] for tag in own["Tag"]]


def test_a_correction_names_what_is_gone(feed: FeedRecipient, tmp_path: Path) -> None:
    """What an edition no longer has is offered as deleted, and its hash is gone."""
    keep, gone = attribute("203.0.113.7"), attribute("203.0.113.8")
    first = event(keep, gone)
    second = {**later(first), "Attribute": [later(keep)]}
    feed.deliver(sealed(first))

    receipt = feed.deliver(sealed(second, 2))

    shown = offered(tmp_path, first)
    assert {"203.0.113.7"} == values(shown)
    assert [gone["uuid"]] == [
        one["uuid"] for one in shown["Attribute"] if one.get("deleted")
    ]
    assert 1 == len((tmp_path / "hashes.csv").read_text().splitlines())
    assert () == receipt.losses


def test_what_is_gone_stays_named(feed: FeedRecipient, tmp_path: Path) -> None:
    """A deletion is offered for ever: a MISP may have missed the edition between."""
    gone = attribute("203.0.113.8")
    first = event(gone)
    second = {**later(first), "Attribute": []}
    third = {**later(second), "Attribute": [attribute("203.0.113.9")]}
    for number, made in enumerate((first, second, third), start=1):
        feed.deliver(sealed(made, number))

    shown = offered(tmp_path, first)
    assert {"203.0.113.9"} == values(shown)
    assert gone["uuid"] in [
        one["uuid"] for one in shown["Attribute"] if one.get("deleted")
    ]


def test_a_misp_that_pulls_takes_the_recall(
    feed: FeedRecipient, tmp_path: Path, misp: MispTarget
) -> None:
    """A MISP that took the first edition from the feed drops all of it on a recall."""
    first = event(attribute("203.0.113.7"), Object=[person("X")])
    feed.deliver(sealed(first))
    # A MISP marks what it pulls as locked: made elsewhere, and updated from there.
    misp.added_event({**offered(tmp_path, first), "locked": True})
    recall = {**later(first), "Attribute": [], "Object": [], "info": "[Taken back]"}
    feed.deliver(sealed(recall, 2))

    misp.edited_event(offered(tmp_path, first))

    shown = misp.view(first["uuid"])
    assert ([], [], "[Taken back]") == (
        shown["Attribute"],
        shown["Object"],
        shown["info"],
    )


def test_the_same_edition_again_changes_nothing(
    feed: FeedRecipient, tmp_path: Path
) -> None:
    """A second delivery leaves every byte as it is."""
    made = event(attribute("203.0.113.7"))
    feed.deliver(sealed(made))
    before = contents(tmp_path)

    feed.deliver(sealed(made))

    assert before == contents(tmp_path)


def test_an_older_edition_is_refused(feed: FeedRecipient, tmp_path: Path) -> None:
    """What a process that was stopped for a while still wants to write is refused."""
    first = event(attribute("203.0.113.7"))
    feed.deliver(sealed(later(first), 2))

    with pytest.raises(Refused, match="newer edition"):
        feed.deliver(sealed(first))
    assert stamp(later(first)) == stamp(offered(tmp_path, first))


def stamp(made: dict[str, Any]) -> str:
    """Return an event's timestamp."""
    return str(made["timestamp"])


def test_other_events_stay(feed: FeedRecipient, tmp_path: Path) -> None:
    """A new event leaves the manifest and hashes of others alone."""
    one, other = event(attribute("203.0.113.7")), event(attribute("203.0.113.7"))
    feed.deliver(sealed(one))
    feed.deliver(sealed(other))

    assert {one["uuid"], other["uuid"]} == set(
        loads((tmp_path / "manifest.json").read_bytes())
    )
    assert 2 == len((tmp_path / "hashes.csv").read_text().splitlines())


def test_a_folder_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    """Where a disk is not mounted nothing is made; the edition waits."""
    feed = FeedRecipient(tmp_path / "disk", CSIRT, clock=lambda: NOW)

    with pytest.raises(Unavailable, match="not there"):
        feed.deliver(sealed(event()))
    assert not (tmp_path / "disk").exists()


def test_somebody_elses_event_is_not_replaced(
    feed: FeedRecipient, tmp_path: Path
) -> None:
    """A file of that name that is not ours needs a person."""
    made = event()
    (tmp_path / f"{made['uuid']}.json").write_text('{"Event": {}}')

    with pytest.raises(Refused, match="not ours"):
        feed.deliver(sealed(made))


@pytest.mark.parametrize("writes", [0, 1, 2, 3])
def test_a_full_disk_half_way_is_mended_by_the_next_try(
    feed: FeedRecipient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    writes: int,
) -> None:
    """When the disk fills at any file, what is offered before stays whole."""
    first = event(attribute("203.0.113.7"))
    second = {**later(first), "Attribute": [attribute("203.0.113.8")]}
    feed.deliver(sealed(first))
    manifest = (tmp_path / "manifest.json").read_bytes()
    with monkeypatch.context() as patch:
        _fill_after(patch, writes)
        with pytest.raises(Unavailable, match="No space left"):
            feed.deliver(sealed(second, 2))

    assert manifest == (tmp_path / "manifest.json").read_bytes()
    assert offered(tmp_path, first)["uuid"] == first["uuid"]
    feed.deliver(sealed(second, 2))
    assert {"203.0.113.8"} == values(offered(tmp_path, first))
    assert not list(tmp_path.glob(".besa-draft-*"))


def _fill_after(patch: pytest.MonkeyPatch, writes: int) -> None:
    """Let the disk be full after some files."""
    real = os.fsync
    left = [writes * 2]  # each file is synced, and then its folder

    def full(handle: int) -> None:
        if left[0] == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left[0] -= 1
        real(handle)

    patch.setattr(os, "fsync", full)


def test_a_bundle_is_no_event(feed: FeedRecipient) -> None:
    """What is sealed as something else is not written."""
    made = sealed(event())
    other = Sealed(
        made.recipient,
        "00000000-0000-4000-8000-000000000000",
        1,
        made.wire,
        made.body,
        made.sha256,
        made.rulebook,
        made.key_id,
        made.signature,
    )
    with pytest.raises(Refused, match="the seal names"):
        feed.deliver(other)
