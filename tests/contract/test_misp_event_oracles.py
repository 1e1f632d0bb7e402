"""Every MISP event is judged by what MISP and its ecosystem know of events.

The oracles: PyMISP and the object templates that it carries, the attribute types that a
real MISP 2.5.1 described, the taxonomies that pytaxonomies carries, and the stand-in
MISP, which drops and rewrites what a real one was seen to drop and rewrite.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, Final

import pymisp
import pytaxonomies
import pytest
import requests

from broker.model.sharing import Wire
from broker.sandbox.misp import MispSandbox
from tests.contract.oracle_incidents import ROOT, VALUES, Sample, rulebook, samples

RECORDED: Final = ROOT / "tests/contract/data/misp-2.5.1-exchanges.json"
TEMPLATES: Final = Path(pymisp.__file__).parent / "data/misp-objects/objects"
TIMEOUT: Final = 30

# A template asks for one of these relations; an account that is neither an IBAN nor
# digits fits no other than `text`. MISP keeps such an object, and the value with it.
WITHOUT_REQUIRED: Final = {("bank-account", frozenset({"text"}))}
# MISP lower-cases e-mail addresses. Besa sends them as the incident has them.
LOWERED: Final = {"email-src"}

every_sample = pytest.mark.parametrize("sample", samples(), ids=lambda each: each.name)


def attributes(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield all attributes of an event, those of its objects too."""
    yield from event.get("Attribute", ())
    for made in event.get("Object", ()):
        yield from made["Attribute"]


def things(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield everything in an event that has a UUID, and the event itself."""
    yield event
    yield from attributes(event)
    yield from event.get("Object", ())
    yield from event["EventReport"]
    yield from references(event)


def references(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every reference between the objects of an event."""
    for made in event.get("Object", ()):
        yield from made.get("ObjectReference", ())


@cache
def described() -> dict[str, list[str]]:
    """Return the types that each category takes, as a real MISP describes them."""
    exchanges = json.loads(RECORDED.read_bytes())["exchanges"]
    (found,) = (each for each in exchanges if each.get("name") == "attribute types")
    mappings: dict[str, list[str]]
    mappings = found["response"]["body"]["result"]["category_type_mappings"]
    return mappings


@cache
def templates() -> dict[str, dict[str, Any]]:
    """Return the object templates that PyMISP carries, by their UUID."""
    found = [json.loads(path.read_bytes()) for path in TEMPLATES.glob("*/*.json")]
    return {each["uuid"]: each for each in found if "uuid" in each}


@cache
def relationships() -> frozenset[str]:
    """Return MISP's words for how objects relate, as PyMISP carries them."""
    path = TEMPLATES.parent / "relationships/definition.json"
    found = json.loads(path.read_bytes())["values"]
    return frozenset(each["name"] for each in found)


@cache
def known_tags() -> frozenset[str]:
    """Return every machine tag of every published taxonomy."""
    return frozenset(
        tag
        for taxonomy in pytaxonomies.Taxonomies().values()
        for tag in taxonomy.machinetags()
    )


def tags(sample: Sample, namespace: str) -> list[str]:
    """Return an event's tags of one taxonomy."""
    names = [tag["name"] for tag in sample.event["Tag"]]
    return [name for name in names if name.partition(":")[0] == namespace]


def test_every_kind_is_looked_at() -> None:
    """No kind of observable or object escapes the oracles."""
    tables = rulebook().tables
    made = {each["name"] for sample in samples() for each in sample.event["Object"]}

    assert set(tables.kinds) == set(VALUES)
    within = {row.misp.object.name for row in tables.kinds.values() if row.misp.object}
    templates_ = (*tables.objects, *tables.composed)
    assert within | {template.name for template in templates_} == made


@every_sample
def test_pymisp_reads_and_writes_the_same(sample: Sample) -> None:
    """PyMISP reads an event, and keeps every UUID, value, relation and tag."""
    event = pymisp.MISPEvent()
    event.from_dict(**deepcopy(sample.event))
    written = json.loads(event.to_json())

    def held(of: dict[str, Any]) -> list[tuple[Any, ...]]:
        names = ("uuid", "type", "category", "value", "object_relation", "content")
        return [tuple(each.get(name) for name in names) for each in things(of)]

    assert held(sample.event) == held(written)
    assert sample.event["Tag"] == [{"name": tag["name"]} for tag in written["Tag"]]


@every_sample
def test_every_thing_has_a_uuid_of_its_own(sample: Sample) -> None:
    """No UUID is used twice in an event: MISP would drop the second thing."""
    uuids = Counter(each["uuid"] for each in things(sample.event))

    assert [] == [uuid for uuid, times in uuids.items() if times > 1]


@every_sample
def test_every_type_stands_in_its_category(sample: Sample) -> None:
    """A real MISP knows each pair of category and type."""
    wrong = [
        (each["category"], each["type"])
        for each in attributes(sample.event)
        if each["type"] not in described().get(each["category"], ())
    ]

    assert [] == wrong


@every_sample
def test_every_object_follows_its_template(sample: Sample) -> None:
    """Name, version, relations, types and values are those of the template."""
    for made in sample.event["Object"]:
        template = templates()[made["template_uuid"]]
        relations = template["attributes"]
        used = Counter(each["object_relation"] for each in made["Attribute"])
        required = set(template.get("required", ()))
        one_of = set(template.get("requiredOneOf", ())) or set(used)

        assert template["name"] == made["name"]
        assert template["meta-category"] == made["meta-category"]
        assert str(template["version"]) == made["template_version"]
        assert set(used) <= set(relations)
        assert required <= set(used)
        assert one_of & set(used) or (made["name"], frozenset(used)) in WITHOUT_REQUIRED
        for each in made["Attribute"]:
            relation = relations[each["object_relation"]]
            assert relation["misp-attribute"] == each["type"]
            assert each["value"] in relation.get("values_list", [each["value"]])
            assert each["category"] in relation.get("categories", [each["category"]])
            assert relation.get("multiple") or used[each["object_relation"]] == 1


@every_sample
def test_every_reference_leads_somewhere(sample: Sample) -> None:
    """A reference leads to another thing of the event, by MISP's words."""
    there = {each["uuid"] for each in sample.event.get("Object", ())}
    there |= {each["uuid"] for each in attributes(sample.event)}

    for made in sample.event.get("Object", ()):
        for each in made.get("ObjectReference", ()):
            assert each["referenced_uuid"] in there - {made["uuid"]}
            assert each["relationship_type"] in relationships()


def test_every_link_is_looked_at() -> None:
    """Each row of the table of links is used by some sample."""
    used = {
        each["relationship_type"]
        for sample in samples()
        for each in references(sample.event)
    }

    assert {link.relationship for link in rulebook().tables.links} <= used


@every_sample
def test_every_tag_is_published(sample: Sample) -> None:
    """Each tag stands, letter by letter, in a published taxonomy."""
    names = {tag["name"] for tag in sample.event["Tag"]}

    assert set() == names - known_tags()
    assert len(sample.event["Tag"]) == len(names)


@every_sample
def test_an_event_is_marked_once(sample: Sample) -> None:
    """An event has one TLP tag and one PAP tag."""
    assert (1, 1) == (len(tags(sample, "tlp")), len(tags(sample, "PAP")))


@every_sample
def test_an_event_says_what_it_is(sample: Sample) -> None:
    """The classification's tags are there whenever it has them, and no others."""
    if not sample.classification:
        beside = {tag["name"].partition(":")[0] for tag in sample.event["Tag"]}
        assert {"tlp", "PAP"} == beside - {"retention"}  # which the agreement sets
        return
    category, _, kind = sample.classification.partition("/")
    row = rulebook().tables.rsit[sample.classification]

    assert [f'rsit:{category}="{kind}"'] == tags(sample, "rsit")
    assert [row.common_taxonomy] * bool(row.common_taxonomy) == tags(
        sample, "common-taxonomy"
    )
    assert list(row.europol_event[:1]) == tags(sample, "europol-event")
    assert [row.europol_incident] * bool(row.europol_incident) == tags(
        sample, "europol-incident"
    )


@every_sample
def test_no_character_is_lost_in_the_database(sample: Sample) -> None:
    """MISP's database has no place for characters outside the basic plane."""
    text = sample.wires[Wire.MISP_EVENT].decode()

    assert "\\u" not in text
    assert None is re.search("[\U00010000-\U0010ffff]", text)


def as_kept(thing: dict[str, Any]) -> dict[str, Any]:
    """Return a thing as MISP spells it, without the lists of other things in it."""
    kept = {name: each for name, each in thing.items() if not isinstance(each, list)}
    for name in ("first_seen", "last_seen"):
        if name in kept:
            kept[name] = kept[name].removesuffix("Z") + ".000000+00:00"
    if thing.get("type") in LOWERED:
        kept["value"] = thing["value"].lower()
    return kept


def newest() -> list[Sample]:
    """Return the samples, the last where several are revisions of one event."""
    return list({sample.event["uuid"]: sample for sample in samples()}.values())


@pytest.fixture(scope="module")
def session(stand_in: MispSandbox) -> Iterator[requests.Session]:
    """Give a session of the user who pushes."""
    with requests.Session() as opened:
        opened.headers["Authorization"] = stand_in.keys["sync"]
        opened.headers["Accept"] = "application/json"
        opened.headers["Content-Type"] = "application/json"
        yield opened


@pytest.mark.parametrize("sample", newest(), ids=lambda each: each.name)
def test_misp_keeps_every_thing_as_it_was_sent(
    sample: Sample, stand_in: MispSandbox, session: requests.Session
) -> None:
    """What a MISP holds after a push is what was pushed: all of it, and no more."""
    event = sample.event
    body = sample.wires[Wire.MISP_EVENT]
    added = session.post(f"{stand_in.url}/events/add", data=body, timeout=TIMEOUT)
    assert added.status_code == 200

    where = f"{stand_in.url}/events/view/{event['uuid']}"
    held = session.get(where, timeout=TIMEOUT).json()["Event"]
    there = {each["uuid"]: each for each in things(held)}
    sent = {each["uuid"]: each for each in things(event)}

    assert set(sent) == set(there)
    for uuid, own in sent.items():
        kept = as_kept(own)
        assert kept == {name: there[uuid].get(name) for name in kept}
    for made in event["Object"]:
        inner = {each["uuid"] for each in made["Attribute"]}
        assert inner == {each["uuid"] for each in there[made["uuid"]]["Attribute"]}
    names = {tag["name"] for tag in event["Tag"]}
    assert names == {tag["name"] for tag in held["Tag"]}
