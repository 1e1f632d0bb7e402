"""An update tells a server nothing that was not sealed, whatever the server holds."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.deliver.misp_compare import compare
from broker.deliver.misp_update import compose, prove
from broker.errors import Refused
from tests.unit.deliver.events import attribute, event, later, person, report, sealed

STAMPS = st.integers(1_780_000_000, 1_780_000_030).map(str)
TEXTS = st.sampled_from(["203.0.113.1", "203.0.113.2", "old", "new"])
IDS = st.integers(0, 5).map(lambda n: f"d9a93670-b55d-563e-977e-d4558740{n:04x}")
OBJECT_IDS = st.integers(6, 9).map(lambda n: f"d9a93670-b55d-563e-977e-d4558740{n:04x}")
REPORT_IDS = st.integers(10, 12).map(
    lambda n: f"d9a93670-b55d-563e-977e-d4558740{n:04x}"
)
TAGS = st.sets(st.sampled_from(["tlp:amber", "TLP:GREEN", "a:b", "c:d"]))


def unique(things: st.SearchStrategy[Any], most: int = 4) -> st.SearchStrategy[Any]:
    """Return lists of things of which no two have the same UUID."""
    return st.lists(things, max_size=most, unique_by=lambda thing: thing["uuid"])


def attributes(*, held: bool) -> st.SearchStrategy[dict[str, Any]]:
    """Return attributes, as in an edition or as on a server."""
    fields: dict[str, Any] = {"uuid": IDS, "timestamp": STAMPS}
    if held:
        fields["deleted"] = st.booleans()
    return st.builds(lambda v, **k: attribute(v, **k), TEXTS, **fields)


def objects(*, held: bool) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects, as in an edition or as on a server."""
    fields: dict[str, Any] = {"uuid": OBJECT_IDS, "timestamp": STAMPS}
    if held:
        fields["deleted"] = st.booleans()
    fields["Attribute"] = unique(attributes(held=held), 3)
    return st.builds(lambda **k: person("X", **k), **fields)


def reports(*, held: bool) -> st.SearchStrategy[dict[str, Any]]:
    """Return reports, as in an edition or as on a server."""
    fields: dict[str, Any] = {"uuid": REPORT_IDS, "timestamp": STAMPS}
    if held:
        fields["deleted"] = st.booleans()
    return st.builds(lambda t, **k: report(t, **k), TEXTS, **fields)


def events(*, held: bool) -> st.SearchStrategy[dict[str, Any]]:
    """Return events, as in an edition or as on a server."""
    return st.builds(
        lambda a, o, r, t, s: event(
            *a, Object=o, EventReport=r, tags=tuple(sorted(t)), timestamp=s
        ),
        unique(attributes(held=held)),
        unique(objects(held=held), 2),
        unique(reports(held=held), 2),
        TAGS,
        STAMPS,
    )


@settings(max_examples=100, deadline=None)
@given(events(held=False), events(held=True))
def test_every_update_is_proven(edition: dict[str, Any], held: dict[str, Any]) -> None:
    """Whatever an edition and a server hold, the update passes its proof."""
    update = compose(copy.deepcopy(edition), held)

    prove(edition, update, held)

    assert int(update["timestamp"]) > int(held["timestamp"])


class Server:
    """What MISP 2.5.1 does with an update, as far as timestamps and deletions go."""

    def __init__(self, held: dict[str, Any]) -> None:
        self.event = held

    def take(self, update: dict[str, Any]) -> None:
        """Apply an update."""
        assert int(update["timestamp"]) > int(self.event["timestamp"])
        names = {tag["name"].casefold(): tag for tag in self.event["Tag"]}
        for tag in update["Tag"]:
            names.pop(tag["name"].casefold(), None)
            if not tag.get("deleted"):
                names[tag["name"].casefold()] = tag
        self.event |= {
            k: v for k, v in update.items() if not isinstance(v, list) and k != "uuid"
        }
        self.event["Tag"] = list(names.values())
        for kind in ("Attribute", "Object", "EventReport"):
            self._take_list(self.event, update, kind)

    def _take_list(
        self, held: dict[str, Any], update: dict[str, Any], kind: str
    ) -> None:
        there = {part["uuid"]: part for part in held[kind]}
        for part in update.get(kind, []):
            own = there.get(part["uuid"])
            if own is None:
                new = copy.deepcopy(part)
                held[kind].append({"deleted": False, **new})
                continue
            if int(part["timestamp"]) <= int(own["timestamp"]):
                continue  # ignored, with everything inside
            if kind == "Object":
                if part.get("deleted"):
                    part = {
                        **part,
                        "Attribute": [
                            {**inner, "deleted": True} for inner in part["Attribute"]
                        ],
                    }
                self._take_list(own, part, "Attribute")
            own |= {k: v for k, v in part.items() if k != "Attribute"}


@settings(max_examples=100, deadline=None)
@given(events(held=False), events(held=True))
def test_one_update_is_enough(edition: dict[str, Any], held: dict[str, Any]) -> None:
    """After its update, a server that does as MISP does holds exactly the edition."""
    held["uuid"] = edition["uuid"]
    server = Server(copy.deepcopy(held))

    server.take(compose(copy.deepcopy(edition), held))

    difference = compare(edition, server.event)
    assert not difference.in_content, difference


def changed_value(update: dict[str, Any]) -> None:
    """Change a value."""
    update["Attribute"][0]["value"] = "198.51.100.1"


def changed_info(update: dict[str, Any]) -> None:
    """Change the title."""
    update["info"] = "more than was sealed"


def extra_field(update: dict[str, Any]) -> None:
    """Add a field to an attribute."""
    update["Attribute"][0]["comment2"] = "x"


def extra_event_field(update: dict[str, Any]) -> None:
    """Add a field to the event."""
    update["extends_uuid"] = "x"


def missing_field(update: dict[str, Any]) -> None:
    """Leave a field out."""
    del update["Attribute"][0]["to_ids"]


def extra_attribute(update: dict[str, Any]) -> None:
    """Add an attribute that was not sealed."""
    update["Attribute"].append(attribute("198.51.100.1"))


def extra_attribute_as_removal(update: dict[str, Any]) -> None:
    """Add an attribute that claims to be a removal."""
    update["Attribute"].append({**attribute("198.51.100.1"), "deleted": True})


def removal_that_tells(update: dict[str, Any]) -> None:
    """Let a removal say something that the server does not know."""
    update["Attribute"][-1]["value"] = "198.51.100.1"


def removal_of_our_own(update: dict[str, Any]) -> None:
    """Remove something that the edition has."""
    update["Attribute"].append({**update["Attribute"][0], "deleted": True})


def deleted_own(update: dict[str, Any]) -> None:
    """Mark something of the edition as deleted."""
    update["Attribute"][0]["deleted"] = True


def undeleted_for_nothing(update: dict[str, Any]) -> None:
    """Undelete what is not deleted."""
    update["Attribute"][0]["deleted"] = False


def deleted_event(update: dict[str, Any]) -> None:
    """Mark the event itself as deleted."""
    update["deleted"] = False


def older(update: dict[str, Any]) -> None:
    """Lower a timestamp."""
    update["Attribute"][0]["timestamp"] = "1"


def fewer(update: dict[str, Any]) -> None:
    """Leave an attribute out that the server holds otherwise."""
    del update["Attribute"][0]


def fewer_new(update: dict[str, Any]) -> None:
    """Leave an object out that the server does not hold."""
    update["Object"] = []


def fewer_inside(update: dict[str, Any]) -> None:
    """Leave an attribute out of an object."""
    update["Object"][0]["Attribute"] = []


def twice(update: dict[str, Any]) -> None:
    """Say something two times."""
    update["Attribute"].insert(0, update["Attribute"][0])


def extra_tag(update: dict[str, Any]) -> None:
    """Add a tag."""
    update["Tag"].append({"name": "tlp:clear"})


def tag_removal_that_tells(update: dict[str, Any]) -> None:
    """Remove a tag that the server does not have."""
    update["Tag"].append({"name": "secret:tag", "deleted": True})


def own_tag_removed(update: dict[str, Any]) -> None:
    """Remove a tag that the edition has."""
    update["Tag"].append({"name": "tlp:amber", "deleted": True})


def changed_inside_object(update: dict[str, Any]) -> None:
    """Change a value inside an object."""
    update["Object"][0]["Attribute"][0]["value"] = "Y"


def number_for_text(update: dict[str, Any]) -> None:
    """Write a text as a number."""
    update["distribution"] = 0


@pytest.mark.parametrize(
    "tamper",
    [
        changed_value,
        changed_info,
        extra_field,
        extra_event_field,
        missing_field,
        extra_attribute,
        extra_attribute_as_removal,
        removal_that_tells,
        removal_of_our_own,
        deleted_own,
        undeleted_for_nothing,
        deleted_event,
        older,
        fewer,
        fewer_new,
        fewer_inside,
        twice,
        extra_tag,
        tag_removal_that_tells,
        own_tag_removed,
        changed_inside_object,
        number_for_text,
    ],
)
def test_anything_else_is_refused(tamper: Callable[[dict[str, Any]], None]) -> None:
    """An update with any other change than the four allowed ones is not sent."""
    changed, kept = attribute("203.0.113.1"), attribute("203.0.113.3")
    edition = event(changed, kept, Object=[person("X")])
    before = {**changed, "value": "203.0.113.4"}
    stray = attribute("203.0.113.2")
    held = copy.deepcopy(event(before, kept, stray, tags=("tlp:amber", "o")))
    update = compose(copy.deepcopy(edition), held)
    prove(edition, update, held)
    tamper(update)

    with pytest.raises(Refused, match="more than was sealed"):
        prove(edition, update, held)


def test_what_the_server_holds_already_is_not_sent() -> None:
    """What is as it was is left out, whatever its timestamp; what changed is newer."""
    kept, changed = attribute("203.0.113.1"), attribute("203.0.113.2")
    whose, text = person("X"), report("t")
    held = later(event(kept, changed, Object=[whose], EventReport=[text]), 30)
    edition = later(
        event(
            kept,
            {**changed, "value": "203.0.113.3"},
            Object=[whose],
            EventReport=[text],
        ),
        60,
    )
    update = compose(copy.deepcopy(edition), held)
    prove(edition, update, held)

    assert [changed["uuid"]] == [each["uuid"] for each in update["Attribute"]]
    assert ([], []) == (update["Object"], update["EventReport"])
    stamps = [int(of["Attribute"][-1]["timestamp"]) for of in (update, held)]
    assert stamps[0] > stamps[1]


def test_what_must_be_whole_is_whole() -> None:
    """For a reader who may have seen nothing yet, what is the same is said again."""
    kept = attribute("203.0.113.1")
    edition, held = event(kept, attribute("203.0.113.2")), event(kept)
    update = compose(copy.deepcopy(edition), held, whole=True)
    prove(edition, update, held, whole=True)
    assert edition["Attribute"] == update["Attribute"]

    del update["Attribute"][0]
    with pytest.raises(Refused, match="more than was sealed"):
        prove(edition, update, held, whole=True)


@pytest.mark.parametrize(
    "other",
    [
        {"deleted": True},
        {"comment": "an older edition's"},
        {"value": "203.0.113.9"},
        {"to_ids": False},
    ],
)
def test_what_the_server_holds_otherwise_is_sent(other: dict[str, Any]) -> None:
    """Deleted, altered, or with a field left over: then it is not left out."""
    made = attribute("203.0.113.1")
    del made["comment"]
    update = compose(event(made), event({**made, **other}))

    assert [made["uuid"]] == [each["uuid"] for each in update["Attribute"]]


def test_an_object_with_a_stray_inside_is_sent() -> None:
    """An object is left out only when nothing more stands in it on the server."""
    made = person("X")
    more = {**made, "Attribute": [*made["Attribute"], attribute("203.0.113.1")]}
    update = compose(event(Object=[copy.deepcopy(made)]), event(Object=[more]))

    (sent,) = update["Object"]
    assert [None, True] == [each.get("deleted") for each in sent["Attribute"]]


@pytest.mark.parametrize("deleted", [True, False])
def test_a_report_is_taken_back_with_an_empty_text(deleted: bool) -> None:
    """A report that is not in the edition is named without its text, deleted or not."""
    text = report("who reported it", deleted=deleted)
    edition, held = event(), event(EventReport=[text])
    update = compose(copy.deepcopy(edition), held)
    prove(edition, update, held)

    (removal,) = update["EventReport"]
    assert ("", True, text["name"]) == tuple(
        removal[name] for name in ("content", "deleted", "name")
    )
    emptied = event(EventReport=[{**text, "deleted": True, "content": ""}])
    assert [] == compose(copy.deepcopy(edition), emptied)["EventReport"]


def test_a_local_tag_is_left_alone() -> None:
    """A tag that the recipient put on for itself is not removed."""
    held = event(tags=())
    held["Tag"] = [{"name": "our:case", "local": True}, {"name": "old", "local": False}]

    update = compose(event(), held)

    assert [{"name": "tlp:amber"}, {"name": "old", "deleted": True}] == update["Tag"]


def test_the_sealed_sample_is_sealed() -> None:
    """The events of these tests are sealed as the pipeline seals them."""
    made = event(attribute("203.0.113.1"))

    assert made["uuid"] == sealed(made).share
