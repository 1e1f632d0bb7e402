"""Alarms about a silent source, a lane that is behind, and messages that never came."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from broker.health import Health
from broker.model.intake import Position
from broker.store import Store, open_store, operate
from broker.store.connect import open_database
from broker.store.health import Limits
from tests.unit.store import samples
from tests.unit.store.samples import START, at, letter, outcome, queued, receipt

KP = "kp-cybercrime"
HOUR = timedelta(hours=1)
LIMITS = Limits("kafka", ("csirt.incidents",), 6 * HOUR, 24 * HOUR)
SILENT = ("silent", "kafka:csirt.incidents")
BEHIND = ("behind", "kp-misp")


def alarms(store: Store, when: datetime, limits: Limits = LIMITS) -> dict[str, str]:
    """Look; return the alarms that `besa status` would then show, by kind."""
    store.look_at_health(limits, when)
    return {alarm.kind: alarm.text for alarm in store.status(when).alarms}


def test_a_source_is_silent_after_six_hours_and_well_again(store: Store) -> None:
    """Nothing for six hours is an alarm, and the next message ends it."""
    store.commit([(at(1), letter(at(1)))], START)
    assert {} == alarms(store, START + 5 * HOUR)

    said = alarms(store, START + 7 * HOUR)
    assert {"silent": "nothing from kafka:csirt.incidents for 7 hours"} == said

    store.commit([(at(2), letter(at(2)))], START + 8 * HOUR)
    assert {} == alarms(store, START + 8 * HOUR)


def test_a_source_that_never_gave_anything_is_silent_as_well(store: Store) -> None:
    """Silence counts from the moment at which Besa began to listen."""
    assert {} == alarms(store, START)
    store.enforce("a" * 64, "b" * 64, START)

    assert ["silent"] == list(alarms(store, START + 3 * 24 * HOUR))


def test_a_lane_is_behind_when_its_oldest_edition_waits(store: Store) -> None:
    """A day without a delivery is an alarm of that lane alone; a delivery ends it."""
    store.commit([(at(1), outcome("A", 1, queued("A", KP, 1)))], START)
    off = Limits("kafka", ("csirt.incidents",), timedelta(), 24 * HOUR)
    assert {} == alarms(store, START + 23 * HOUR, off)

    later = START + 49 * HOUR
    said = alarms(store, later, off)
    assert {"behind": "the lane of kp-misp is 2 days behind"} == said

    row = store.lease("kp-misp", "w", later, later + HOUR)
    assert row is not None
    store.finish(row, receipt(row, later))
    assert {} == alarms(store, later, off)


def test_what_an_operator_holds_back_is_not_behind(store: Store, url: str) -> None:
    """An edition that a person keeps back waits on purpose."""
    store.commit([(at(1), outcome("A", 1, queued("A", KP, 1)))], START)
    operate.hold(open_database(url), 1, "arta", "the unit moves", START)

    off = Limits("kafka", ("csirt.incidents",), timedelta(), 24 * HOUR)
    assert {} == alarms(store, START + 49 * HOUR, off)


def test_a_gap_is_an_alarm_when_it_stays(store: Store) -> None:
    """Numbers that stay out for a quarter of an hour are told, until they come."""
    off = Limits("kafka", ("csirt.incidents",), timedelta(), timedelta())
    batch = [(at(1), letter(at(1)))]
    store.commit(batch, START, None, [("a-1", "one", 1), ("a-1", "one", 4)])
    assert {} == alarms(store, START + timedelta(minutes=5), off)

    said = alarms(store, START + HOUR, off)
    assert {"gap": "messages 2..3 never came; later ones did"} == said

    store.commit(batch, START + HOUR, None, [("a-1", "one", 2), ("a-1", "one", 3)])
    assert {} == alarms(store, START + HOUR, off)


def test_a_gap_is_of_a_producer_and_a_topic(store: Store) -> None:
    """What came in another topic ends no alarm, and the alarm names the topic."""
    off = Limits("kafka", ("one", "two"), timedelta(), timedelta())
    batch = [(at(1), letter(at(1)))]
    came = [("a-1", "one", 1), ("a-1", "one", 3), ("a-1", "two", 1), ("a-1", "two", 2)]
    store.commit(batch, START, None, came)

    store.look_at_health(off, START + HOUR)
    places = [alarm.place for alarm in store.status(START).alarms]
    assert ["a-1 in one"] == places


def test_each_topic_is_silent_by_itself(store: Store) -> None:
    """A topic that still gives something hides no other that has gone silent."""
    two = Limits("kafka", ("csirt.incidents", "tickets"), 6 * HOUR, 24 * HOUR)
    tickets = Position("kafka", "tickets", 0, 1)
    store.commit([(at(1), letter(at(1))), (tickets, letter(tickets))], START)
    store.commit([(at(2), letter(at(2)))], START + 7 * HOUR)

    said = alarms(store, START + 8 * HOUR, two)
    assert {"silent": "nothing from kafka:tickets for 8 hours"} == said
    assert {} == alarms(store, START + 8 * HOUR)


def test_a_topic_that_is_added_is_not_silent_at_once(store: Store) -> None:
    """Of a new topic silence counts from when it was first listened to."""
    store.enforce("a" * 64, "b" * 64, START)
    store.commit([(at(1), letter(at(1)))], START)
    later = START + 100 * HOUR
    store.commit([(at(2), letter(at(2)))], later)
    two = Limits("kafka", ("csirt.incidents", "tickets"), 6 * HOUR, 24 * HOUR)
    assert {} == alarms(store, later, two)
    store.commit([(at(3), letter(at(3)))], later + 6 * HOUR)

    said = alarms(store, later + 6 * HOUR, two)
    assert {"silent": "nothing from kafka:tickets for 6 hours"} == said


def test_what_has_not_changed_is_not_written_again(store: Store) -> None:
    """However many processes look, an alarm counts once as long as it says the same."""
    store.commit([(at(1), letter(at(1)))], START)
    for minute in range(10):
        alarms(store, START + 7 * HOUR + timedelta(minutes=minute))

    (alarm,) = store.status(START).alarms
    assert (1, START + 7 * HOUR) == (alarm.times, alarm.last_at)


def test_a_limit_of_zero_is_no_limit(store: Store) -> None:
    """Who sets a limit to zero hears nothing of it."""
    store.commit([(at(1), outcome("A", 1, queued("A", KP, 1)))], START)
    never = Limits("kafka", ("csirt.incidents",), timedelta(), timedelta())

    assert {} == alarms(store, START + 1000 * HOUR, never)


def test_a_store_that_is_away_is_no_reason_to_stop(tmp_path: Path) -> None:
    """Whoever watches goes on when the store cannot be asked."""
    url = samples.url_of(tmp_path)
    store = open_store(url)
    database = open_database(url)
    with database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE alarms RENAME TO elsewhere")

    Health(LIMITS, lambda: START).look(store)

    with database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO alarms")
    assert () == store.status(START).alarms
    store.close()
