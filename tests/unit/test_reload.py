"""Changed policies come into force when they are right, and never before."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as datetime_time
from pathlib import Path

import pytest

from broker.errors import RulebookError, SettingsError
from broker.reload import LAPSE_ALARM, Reloading, checked, tell_refused
from broker.rulebook import Rulebook
from broker.settings import read_rulebook_files, recipients_digest
from broker.store import Store, open_store

ROOT = Path(__file__).parents[2]
EVERY = 0.02
AGREEMENT = "agreements/kp-cybercrime.yaml"


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """Return a folder of policies that a test may change: one agreement, few cases."""
    folder = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", folder)
    for name in ("fiu", "special-prosecution"):
        shutil.rmtree(folder / "cases" / name)
    for file in sorted((folder / "cases" / "kp-cybercrime").iterdir())[3:]:
        file.unlink()
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return an open, empty store."""
    with open_store(f"sqlite:///{tmp_path}/store.db") as opened:
        yield opened


class Watched:
    """A folder of policies that is reloaded, and the store that is told."""

    def __init__(self, policies: Path, store: Store) -> None:
        self.store = store
        self.prepared: list[str] = []
        self.reloading = Reloading(
            policies, ROOT / "mappings", _now, prepare=self._prepare, every=EVERY
        )
        self.reloading.tell(store)

    def _prepare(self, book: Rulebook) -> None:
        self.prepared.append(book.digest)

    @property
    def digest(self) -> str:
        """The rulebook in force."""
        return self.reloading.rulebook().digest

    def look(self, until: Callable[[], bool] = lambda: False, looks: int = 4) -> None:
        """Look at the files several times, or until something is so."""
        for _ in range(looks):
            time.sleep(EVERY * 1.5)
            self.reloading.look(self.store)
            if until():
                return

    def trouble(self) -> str:
        """What the status says about changed policies."""
        return self.store.status(_now()).rulebook_trouble


def _now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def watched(policies: Path, store: Store) -> Watched:
    """Return what watches the folder of policies."""
    return Watched(policies, store)


def change(policies: Path, old: str = "1825", new: str = "30") -> None:
    """Make a change that decides something."""
    path = policies / AGREEMENT
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_a_right_change_comes_into_force(policies: Path, watched: Watched) -> None:
    """A changed file is taken up, the store notes its digest, and all is calm."""
    before = watched.digest
    change(policies)
    watched.look()
    files = read_rulebook_files(policies, ROOT / "mappings")

    assert before != watched.digest == checked(files).digest
    assert watched.digest == watched.store.status(_now()).in_force
    assert [before, watched.digest] == watched.prepared
    assert recipients_digest(files) == watched.store.recipients_in_force()
    assert "" == watched.trouble()


def test_a_link_to_itself_changes_nothing(
    policies: Path, store: Store, tmp_path: Path
) -> None:
    """A folder whose link was turned onto itself is alarmed like one that is gone."""
    current = tmp_path / "current"
    current.symlink_to(policies)
    watched = Watched(current, store)
    before = watched.digest
    for target in (current, policies):
        (tmp_path / "next").symlink_to(target)
        (tmp_path / "next").replace(current)
        watched.look()
        if target == current:
            told = watched.trouble()

    assert before == watched.digest
    assert "current is a link that leads back to itself" in told
    assert "" == watched.trouble()


@pytest.mark.parametrize("how", ["link", "name", "added"])
def test_a_file_that_cannot_be_read_is_not_taken_for_one_that_is_gone(
    policies: Path, watched: Watched, how: str
) -> None:
    """A link that leads nowhere, or another ending, switches nothing off silently."""
    before = watched.digest
    path = policies / AGREEMENT
    other = path.with_suffix(".yaml.txt")
    if how == "added":
        other.write_text(path.read_text("utf-8"), "utf-8")
    else:
        path.rename(other if how == "name" else policies / "moved")
    if how == "link":
        path.symlink_to(policies / "nowhere")
    watched.look()

    assert before == watched.digest
    assert f"{(path if how == 'link' else other).name} is n" in watched.trouble()


def test_a_file_that_is_being_written_is_left_alone(
    policies: Path, watched: Watched
) -> None:
    """While a file changes at every look, nothing is read and nobody is alarmed."""
    before = watched.digest
    path = policies / AGREEMENT
    whole = path.read_bytes()
    for end in range(1000, 5000, 1000):
        path.write_bytes(whole[:end])
        watched.look(looks=1)

    assert (before, "") == (watched.digest, watched.trouble())


def test_a_half_written_file_is_refused(policies: Path, watched: Watched) -> None:
    """A file that was cut off in a line stays out, although it may be a policy."""
    before = watched.digest
    path = policies / AGREEMENT
    whole = path.read_bytes()
    path.write_bytes(whole.rstrip(b"\n"))
    watched.look()
    told = watched.trouble()
    path.write_bytes(whole)
    watched.look()

    assert before == watched.digest
    assert "the last line has no end" in told
    assert AGREEMENT in told
    assert "" == watched.trouble()


def test_a_mistake_leaves_the_last_good_rulebook(
    policies: Path, watched: Watched
) -> None:
    """A mistake is alarmed with its file and line, once, and the old rules stay."""
    before = watched.digest
    change(policies, "effect: share", "effect: shore")
    watched.look(looks=8)
    alarm = watched.store.status(_now()).alarms[0]

    assert before == watched.digest == watched.store.status(_now()).in_force
    assert f"{AGREEMENT}:" in watched.trouble()
    assert ("rulebook", 1) == (alarm.kind, alarm.times)


def test_a_case_that_does_not_hold_refuses_the_change(
    policies: Path, watched: Watched
) -> None:
    """Cases are run before the swap: what breaks one does not come into force."""
    before = watched.digest
    change(policies, "effect: share", "effect: withhold")
    watched.look()

    assert before == watched.digest
    assert "cases/kp-cybercrime" in watched.trouble()


def test_a_safeguard_that_is_broken_refuses_the_change(
    policies: Path, watched: Watched
) -> None:
    """What must never happen is proved before the swap."""
    before = watched.digest
    safeguards = policies / "safeguards.yaml"
    text = safeguards.read_text("utf-8")
    addition = (
        '  - id: nothing-at-all\n    cites: "a test"\n    recipients: [kp-misp]\n'
    )
    assert "\nnever:\n" in text
    safeguards.write_text(text.replace("\nnever:\n", f"\nnever:\n{addition}", 1))
    watched.look()

    assert before == watched.digest
    assert "safeguards.yaml" in watched.trouble()


def test_a_replaced_file_is_seen(policies: Path, watched: Watched) -> None:
    """A file that was moved over the old one is seen, even with its size and time."""
    before = watched.digest
    path = policies / AGREEMENT
    state = path.stat()
    draft = policies.parent / "draft.yaml"
    draft.write_bytes(path.read_bytes().replace(b"1825", b"1824", 1))
    os.utime(draft, ns=(state.st_atime_ns, state.st_mtime_ns))
    draft.replace(path)
    watched.look()

    assert before != watched.digest
    assert state.st_mtime_ns == path.stat().st_mtime_ns


def test_a_swapped_symlink_is_seen(
    policies: Path, store: Store, tmp_path: Path
) -> None:
    """When the folder is a link, swapping it changes all files at one moment."""
    releases = tmp_path / "releases"
    shutil.copytree(policies, releases / "1")
    shutil.copytree(policies, releases / "2")
    change(releases / "2")
    current = tmp_path / "current"
    current.symlink_to(releases / "1")
    watched = Watched(current, store)
    before = watched.digest
    (tmp_path / "next").symlink_to(releases / "2")
    (tmp_path / "next").replace(current)
    watched.look()

    assert before != watched.digest
    assert "" == watched.trouble()


def test_a_folder_that_the_system_refuses_is_named(
    policies: Path, store: Store, tmp_path: Path
) -> None:
    """What is wrong with the way to the folder is said as the system says it."""
    current = tmp_path / "current"
    current.symlink_to(policies)
    watched = Watched(current, store)
    before = watched.digest
    (tmp_path / "next").symlink_to("x" * 300)
    (tmp_path / "next").replace(current)
    watched.look()
    told = watched.trouble()
    (tmp_path / "next").symlink_to(policies)
    (tmp_path / "next").replace(current)
    watched.look()

    assert before == watched.digest
    assert "cannot be read: File name too long" in told
    assert "" == watched.trouble()


def test_a_turned_configmap_is_seen(
    policies: Path, tmp_path: Path, store: Store
) -> None:
    """Where each folder is a link, turning the one link beneath comes into force."""
    mount = tmp_path / "mount"
    mount.mkdir()
    for version in ("1", "2"):
        shutil.copytree(policies, mount / f"..{version}")
    change(mount / "..2")
    (mount / "..data").symlink_to("..1")
    for entry in policies.iterdir():
        (mount / entry.name).symlink_to(f"..data/{entry.name}")
    watched = Watched(mount, store)
    before = watched.digest

    (mount / "..next").symlink_to("..2")
    (mount / "..next").rename(mount / "..data")
    watched.look(lambda: watched.digest != before)

    assert before != watched.digest
    assert "" == watched.trouble()


def test_a_deleted_folder_changes_nothing(policies: Path, watched: Watched) -> None:
    """Without its folder the last good rulebook stays, and an alarm says so."""
    before = watched.digest
    away = policies.with_name("away")
    policies.rename(away)
    watched.look()
    told = watched.trouble()
    away.rename(policies)
    watched.look()

    assert before == watched.digest
    assert "is not a folder" in told
    assert "" == watched.trouble()


def test_the_trouble_says_what_is_wrong_now(policies: Path, watched: Watched) -> None:
    """A folder that comes back empty is told of as that, not as one that is gone."""
    away = policies.with_name("away")
    policies.rename(away)
    watched.look()
    gone = watched.trouble()
    policies.mkdir()
    watched.look()
    empty = watched.trouble()
    policies.rmdir()
    away.rename(policies)
    watched.look()

    assert "is not a folder" in gone
    assert "holds no YAML file" in empty
    assert "" == watched.trouble()


def test_what_the_files_are_not_to_blame_for_is_tried_again(
    policies: Path, store: Store
) -> None:
    """A key that was missing and is there by now needs no other change of a file."""
    missing = [False]

    class Unready(Watched):
        def _prepare(self, book: Rulebook) -> None:
            super()._prepare(book)
            if missing[0]:
                raise SettingsError("the key of the vault is missing")

    watched = Unready(policies, store)
    before = watched.digest
    missing[0] = True
    change(policies)
    watched.look(lambda: bool(watched.trouble()), looks=20)
    watched.look(lambda: len(watched.prepared) > 2, looks=200)
    tries, alarm = len(watched.prepared), store.status(_now()).alarms[0]
    refused = watched.digest
    missing[0] = False
    watched.look(lambda: watched.digest != before, looks=200)

    assert tries > 2
    assert (before, 1) == (refused, alarm.times)
    assert before != watched.digest
    assert "" == watched.trouble()


def test_a_mistake_is_not_read_again_and_again(
    policies: Path, watched: Watched
) -> None:
    """What only a change of the files can mend costs nothing until they change."""
    change(policies, "effect: share", "effect: withhold")
    watched.look(lambda: bool(watched.trouble()), looks=20)
    alarm = watched.store.status(_now()).alarms[0]
    watched.look(looks=60)

    assert "cases/kp-cybercrime" in watched.trouble()
    assert alarm == watched.store.status(_now()).alarms[0]


def test_nothing_begins_with_a_half_written_file(policies: Path) -> None:
    """A process that starts just while somebody writes is as careful as one that runs.

    Without its last clause the file is a policy, too: one that withholds less.
    """
    path = policies / AGREEMENT
    text = path.read_text("utf-8")
    path.write_text(text.rstrip("\n"), "utf-8")

    with pytest.raises(RulebookError, match="the last line has no end"):
        Reloading(policies, ROOT / "mappings", _now)


def test_files_that_are_being_written_are_waited_for_at_the_beginning(
    policies: Path,
) -> None:
    """What changed while it was read is read anew before anything is decided by it."""
    path = policies / AGREEMENT
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"clauses:")])

    class Writing(Reloading):
        looks = 0

        def _look(self) -> tuple[tuple[str, int, int, int, int], ...]:
            self.looks += 1
            if self.looks == 2:
                path.write_bytes(whole)
            return super()._look()

    reloading = Writing(policies, ROOT / "mappings", _now, every=EVERY)
    files = read_rulebook_files(policies, ROOT / "mappings")

    assert checked(files).digest == reloading.rulebook().digest


def test_the_store_learns_that_nothing_could_begin(
    policies: Path, store: Store
) -> None:
    """Where no process decides, the status does not say that a rulebook is in force."""
    Watched(policies, store)
    change(policies, "effect: share", "effect: shore")
    with pytest.raises(RulebookError) as refusal:
        Reloading(policies, ROOT / "mappings", _now)
    for _ in range(2):
        tell_refused(store, refusal.value, _now())
    told, alarm = store.status(_now()).rulebook_trouble, store.status(_now()).alarms[0]
    change(policies, "effect: shore", "effect: share")
    watched = Watched(policies, store)

    assert "nothing is read or decided" in told
    assert f"{AGREEMENT}:" in told
    assert ("rulebook", 1) == (alarm.kind, alarm.times)
    assert "" == watched.trouble()


def test_a_change_of_nothing_is_nothing(policies: Path, watched: Watched) -> None:
    """A file that is only touched makes no other rulebook and no link."""
    register = watched.store.status(_now()).audit_entries
    (policies / AGREEMENT).touch()
    watched.look()

    assert register == watched.store.status(_now()).audit_entries


def test_what_cannot_be_prepared_is_refused(policies: Path, store: Store) -> None:
    """A rulebook whose recipients have no secrets does not come into force."""

    class Unready(Watched):
        def _prepare(self, book: Rulebook) -> None:
            super()._prepare(book)
            if len(self.prepared) > 1:
                raise SettingsError("master.secret is missing")

    watched = Unready(policies, store)
    before = watched.digest
    change(policies)
    watched.look()

    assert before == watched.digest
    assert "master.secret is missing" in watched.trouble()


def test_without_a_good_rulebook_nothing_starts(policies: Path) -> None:
    """At the start there is no last good one: a mistake is raised with its place."""
    change(policies, "effect: share", "effect: shore")
    with pytest.raises(RulebookError, match=AGREEMENT):
        Reloading(policies, ROOT / "mappings", _now)


def test_an_agreement_that_ends_raises_an_alarm_on_its_days(
    policies: Path, store: Store
) -> None:
    """60, 30 and 7 days before the end, and after it, an alarm names the agreement."""
    until = date(2028, 12, 31)
    day = [until - timedelta(days=61)]

    def clock() -> datetime:
        return datetime.combine(day[0], datetime_time(12), UTC)

    reloading = Reloading(policies, ROOT / "mappings", clock, every=EVERY)

    def said(days: int) -> tuple[int, str]:
        day[0] = until - timedelta(days=days)
        time.sleep(EVERY * 1.5)
        reloading.look(store)
        found = [
            (alarm.times, alarm.text)
            for alarm in store.status(clock()).alarms
            if (alarm.kind, alarm.place) == (LAPSE_ALARM, "fiu")
        ]
        return found[0] if found else (0, "")

    assert (0, "") == said(61)
    assert (1, "ends on 2028-12-31: 60 days are left") == said(60)
    assert 1 == said(59)[0]
    assert (2, "ends on 2028-12-31: 30 days are left") == said(30)
    assert (3, "ends on 2028-12-31: 7 days are left") == said(7)
    assert 3 == said(0)[0]
    assert (4, "not in force since 2028-12-31: nothing more is shared") == said(-1)


def test_an_agreement_that_is_prolonged_is_calm_again(
    policies: Path, store: Store
) -> None:
    """Once its end is moved, nothing is said of an agreement any more."""

    def clock() -> datetime:
        return datetime(2028, 12, 30, 12, tzinfo=UTC)

    # A case says what comes after the end as it was.
    (policies / "cases/kp-cybercrime/after-the-agreement.yaml").unlink()

    def alarms() -> set[str]:
        found = store.status(clock()).alarms
        return {each.place for each in found if each.kind == LAPSE_ALARM}

    reloading = Reloading(policies, ROOT / "mappings", clock, every=EVERY)
    time.sleep(EVERY * 1.5)
    reloading.look(store)
    assert {"fiu", "kp-cybercrime", "special-prosecution"} == alarms()

    change(policies, "2028-12-31", "2031-12-31")
    for _ in range(6):
        time.sleep(EVERY * 1.5)
        reloading.look(store)
    assert {"fiu", "special-prosecution"} == alarms()
