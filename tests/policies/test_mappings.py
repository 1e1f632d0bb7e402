"""The mapping tables say only what MISP, STIX and the taxonomies know."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import pymisp
import pytest
import stix2
import stix2patterns.validator
from misp_stix_converter.misp_stix_mapping import TLP2MarkingDefinitions
from pydantic import BaseModel
from pytaxonomies import Taxonomies

from broker.convert.ids import observable_id
from broker.convert.observables import observable, writers
from broker.model.incident import (
    AffectedSystem,
    EvidenceItem,
    FinancialLoss,
    Role,
    Shape,
    Suspect,
    Victim,
    declarations,
)
from broker.model.mapping import (
    CASE,
    CASE_FIELDS,
    ComposedObject,
    Markings,
    MispObject,
    ObjectLink,
    ObjectTemplate,
    ObservableKind,
    RsitRow,
)
from broker.model.marking import DataClass, Pap, Tlp
from broker.model.rsit import RSIT_TYPES
from broker.strict_yaml import load, parse
from tests.contract.oracle_incidents import VALUES

ROOT = Path(__file__).parents[2]
RECORDING = ROOT / "tests/contract/data/misp-2.5.1-exchanges.json"
TEMPLATES = Path(pymisp.__file__).parent / "data/misp-objects/objects"
RELATIONSHIPS = TEMPLATES.parent / "relationships/definition.json"


class _Observables(BaseModel):
    observables: tuple[ObservableKind, ...]


class _Rsit(BaseModel):
    rsit: tuple[RsitRow, ...]


class _Objects(BaseModel):
    objects: tuple[ObjectTemplate, ...]
    composed: tuple[ComposedObject, ...]
    links: tuple[ObjectLink, ...]


def table(path: str, model: type[Any]) -> Any:
    return load(parse(path, (ROOT / "mappings" / path).read_bytes()), model)


KINDS: tuple[ObservableKind, ...] = table("observables.yaml", _Observables).observables
ROWS: tuple[RsitRow, ...] = table("taxonomy/rsit.yaml", _Rsit).rsit
MARKINGS: Markings = table("markings.yaml", Markings)
OBJECT_TABLE: _Objects = table("objects.yaml", _Objects)
OBJECTS: tuple[ObjectTemplate, ...] = OBJECT_TABLE.objects

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
each_matched = pytest.mark.parametrize(
    "kind",
    [kind for kind in KINDS if kind.misp.to_ids],
    ids=lambda kind: kind.kind,
)
# Objects of STIX that stand for themselves: they are not seen on a network.
DOMAIN_OBJECTS = {"campaign", "indicator", "malware", "threat-actor", "vulnerability"}
# Where nothing that STIX lets contribute to an id is known, the secret gives the id.
WITHOUT_PRESCRIBED_ID = {"password", "email-message-id"}
each_derived = pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in KINDS
        if kind.stix.type not in DOMAIN_OBJECTS
        and kind.kind not in WITHOUT_PRESCRIBED_ID
    ],
    ids=lambda kind: kind.kind,
)
each_object = pytest.mark.parametrize(
    "template", OBJECTS, ids=lambda each: f"{each.part}-{each.party}-{each.name}"
)


@cache
def misp_types() -> dict[str, Any]:
    """Return what a real MISP 2.5.1 answered when asked for its attribute types."""
    exchanges = json.loads(RECORDING.read_bytes())["exchanges"]
    return next(
        exchange["response"]["body"]["result"]
        for exchange in exchanges
        if exchange["request"]["path"] == "/attributes/describeTypes"
    )


def sample(kind: ObservableKind) -> str:
    # TLSH and the like have a form that stix2 asks for; most kinds take any text.
    strict = kind.shape in {Shape.HASH, Shape.IP} or kind.stix.number
    strict = strict or kind.kind == "ssdeep"
    return VALUES[kind.kind] if strict else "a \\ value with 'quotes'"


class TestObservables:
    def test_the_kinds_that_csirts_report_are_there(self):
        """Every kind that an incident of the shipped formats may hold has a row."""
        wanted = (
            "ipv4 ipv6 domain hostname url onion email md5 sha1 sha256 sha512 "
            "filename iban bic bank-account payment-card phone btc xmr eth asn mac "
            "user-account social-account cve user-agent mutex registry-key imei imsi "
            "vehicle-plate person-name password jarm ja3-fingerprint port subject "
            "text pseudonym"
        )

        assert set(wanted.split()) <= {kind.kind for kind in KINDS}

    def test_no_kind_has_two_rows(self):
        """A kind means one thing."""
        assert {1} == set(Counter(kind.kind for kind in KINDS).values())

    @each_kind
    def test_misp_knows_the_type_in_its_category(self, kind):
        """MISP would drop an attribute whose type does not belong to its category."""
        known = misp_types()["category_type_mappings"]

        for target in (kind.misp, *kind.misp.by_role.values()):
            assert target.type in known[target.category]

    @each_kind
    def test_stix2_accepts_the_object(self, kind):
        """The object of each kind is standard STIX 2.1, without custom properties."""
        writer = writers({kind.kind: kind})[kind.kind]
        made = (
            {"type": kind.stix.type, **writer.properties(sample(kind))}
            if writer.is_domain_object
            else observable(writer, sample(kind))
        )
        if kind.stix.type == "indicator":
            made["valid_from"] = "2026-11-20T00:00:00.000Z"

        # Where no id follows from the value, convert gives one from the secret.
        made = (
            made
            if made.get("id", "x")
            else {**made, "id": f"{made['type']}--{uuid4()}"}
        )
        parsed = stix2.parse(made, allow_custom=False, version="2.1")

        assert kind.stix.type == parsed["type"]

    @each_matched
    def test_the_pattern_is_valid(self, kind):
        """The pattern of a kind that may be matched is a valid STIX pattern."""
        pattern = writers({kind.kind: kind})[kind.kind].pattern(sample(kind))

        assert [] == stix2patterns.validator.run_validator(pattern, stix_version="2.1")

    @each_derived
    def test_the_value_is_part_of_the_objects_id(self, kind):
        """Two values of a kind never get the same id, or one of them would be lost."""
        writer = writers({kind.kind: kind})[kind.kind]
        other = "64497" if kind.stix.number else "other"

        ids = {
            observable_id(kind.stix.type, writer.properties(value))
            for value in (sample(kind), other)
        }

        assert 2 == len(ids)

    def test_only_shared_standard_objects_have_two_kinds(self):
        """Kinds that are different things never become the same STIX object."""
        written = Counter(
            (
                kind.stix.type,
                kind.stix.property,
                json.dumps(kind.stix.fixed, sort_keys=True),
            )
            for kind in KINDS
        )

        # A domain, a host and an onion service are all domain names; a mailbox, that of
        # whoever registered a domain and of who runs its DNS; a file and an attachment;
        # two programs that say who they are.
        assert {
            ("domain-name", "value", "{}"): 3,
            ("email-addr", "value", "{}"): 3,
            ("file", "name", "{}"): 2,
            ("software", "name", "{}"): 2,
        } == {target: count for target, count in written.items() if count > 1}

    @pytest.mark.parametrize(
        "kind",
        [kind for kind in KINDS if kind.misp.object],
        ids=lambda kind: kind.kind,
    )
    def test_an_object_that_holds_a_value_follows_its_template(self, kind):
        """Template, relation and fixed values are those that MISP ships."""
        within = kind.misp.object
        expected = definition(within)
        relations = expected["attributes"]

        assert expected["uuid"] == within.template_uuid
        assert expected["version"] == within.template_version
        assert expected["meta-category"] == within.meta_category
        assert relations[within.relation]["misp-attribute"] == kind.misp.type
        assert within.relation in expected["requiredOneOf"]
        assert not kind.misp.by_role
        for relation, value in within.fixed.items():
            assert "text" == relations[relation]["misp-attribute"]
            assert value in relations[relation].get("values_list", [value])

    def test_credentials_and_money_are_never_matched_automatically(self):
        """No detection is fed with accounts, secrets, texts or identities."""
        guarded = set(DataClass) - {DataClass.TECHNICAL, DataClass.CONTACT}

        assert [] == [
            kind.kind
            for kind in KINDS
            if kind.misp.to_ids and kind.data_class in guarded
        ]

    def test_what_redaction_makes_of_a_value_has_a_row(self):
        """The kinds that methods turn values into can be written."""
        assert {"domain", "text", "pseudonym"} <= {kind.kind for kind in KINDS}

    def test_no_shape_depends_on_another_kind(self):
        """A kind says its own shape."""
        assert Shape.BY_KIND not in {kind.shape for kind in KINDS}

    def test_roles_are_only_told_apart_where_misp_does(self):
        """A row for a role differs from the row for all."""
        same = [
            (kind.kind, role)
            for kind in KINDS
            for role, target in kind.misp.by_role.items()
            if (target.type, target.category) == (kind.misp.type, kind.misp.category)
        ]

        assert [] == same
        assert set(Role) >= {role for kind in KINDS for role in kind.misp.by_role}


@cache
def known_tags() -> frozenset[str]:
    wanted = ("common-taxonomy", "europol-incident", "europol-event", "tlp", "PAP")
    taxonomies = Taxonomies()
    return frozenset(tag for name in wanted for tag in taxonomies[name].machinetags())


class TestRsit:
    def test_each_of_the_39_types_has_one_row(self):
        """No type is forgotten and none is there twice."""
        assert sorted(RSIT_TYPES) == sorted(row.rsit for row in ROWS)

    @pytest.mark.parametrize("row", ROWS, ids=lambda row: row.rsit)
    def test_every_tag_exists(self, row):
        """A tag that MISP's taxonomies do not know would be dropped or invented."""
        tags = {row.common_taxonomy, row.europol_incident, *row.europol_event} - {""}

        assert tags <= known_tags()

    def test_only_a_test_has_no_tags(self):
        """Every type but test says what it is in the police's taxonomies."""
        untagged = {row.rsit for row in ROWS if not row.common_taxonomy}

        assert {"test/test"} == untagged

    def test_the_label_is_the_one_of_rsit(self):
        """Labels agree with the taxonomy, so that ids-alert is what RSIT says it is."""
        entries = {
            f"{predicate.predicate}/{entry.value}": entry.expanded
            for predicate in Taxonomies()["rsit"].predicates.values()
            for entry in predicate.entries.values()
        }

        assert {name: label.lower() for name, label in entries.items()} == {
            row.rsit: row.label.lower() for row in ROWS
        }

    def test_no_article_is_confirmed(self):
        """No lawyer has read these articles yet, and no row pretends otherwise."""
        assert {""} == {
            offence.confirmed_by for row in ROWS for offence in row.offences
        }

    def test_an_attempt_is_not_tagged_as_a_success(self):
        """A new attack signature is an attempt in RSIT's words, and in the tag."""
        [row] = [row for row in ROWS if row.rsit == "intrusion-attempts/exploit"]

        assert ("europol-event:exploit-attempt",) == row.europol_event

    def test_no_offence_where_there_is_no_offender(self):
        """A weakness, an outage, a test and the unclassified name no offence."""
        innocent = {"never-by-default", "hold", "never"}

        assert [] == [
            row.rsit for row in ROWS if row.relevance in innocent and row.offences
        ]


class TestMarkings:
    def test_every_level_has_a_row(self):
        """All of TLP 2.0 and PAP can be written."""
        assert set(Tlp) == set(MARKINGS.tlp)
        assert set(Pap) == set(MARKINGS.pap)

    def test_a_row_says_its_own_level(self):
        """The level, the name and the tag of a row are the same level."""
        for scale, rows in (("TLP", MARKINGS.tlp), ("PAP", MARKINGS.pap)):
            for level, row in rows.items():
                assert (level.value, f"{scale}:{level.upper()}") == (
                    row.level,
                    row.name,
                )
                assert row.name.casefold() == row.tag.casefold()

    def test_the_tags_exist(self):
        """MISP's taxonomies know each tag as it is written here."""
        rows = (*MARKINGS.tlp.values(), *MARKINGS.pap.values())

        assert {row.tag for row in rows} <= known_tags()

    @pytest.mark.parametrize("level", Tlp)
    def test_tlp_is_the_published_constant(self, level):
        """Id, date and extension of TLP 2.0 are those that misp-stix knows."""
        row = MARKINGS.tlp[level]

        published = TLP2MarkingDefinitions.by_uuid(row.stix_id)

        assert published is not None
        assert published["name"] == row.name
        assert published["created"] == datetime.fromisoformat(row.created)
        assert [MARKINGS.tlp_extension] == list(published["extensions"])
        extension = published["extensions"][MARKINGS.tlp_extension]
        assert extension["tlp_2_0"] == row.level

    def test_every_id_is_a_marking_definition_of_its_own(self):
        """No two levels share an id."""
        rows = (*MARKINGS.tlp.values(), *MARKINGS.pap.values())
        ids = {row.stix_id for row in rows}

        assert 9 == len(ids)
        assert all(
            re.fullmatch(r"marking-definition--[0-9a-f-]{36}", each) for each in ids
        )


PARTS: dict[str, type[BaseModel]] = {
    "victims": Victim,
    "suspects": Suspect,
    "evidence": EvidenceItem,
    "financial_loss": FinancialLoss,
    "affected_systems": AffectedSystem,
}

# Fields without a relation that says the same; they are in the STIX bundle.
NOT_IN_MISP = {
    "victims": {"kind", "minor", "consent"},
    "suspects": {"kind", "minor", "sector"},
}


def definition(
    template: ObjectTemplate | MispObject | ComposedObject,
) -> dict[str, Any]:
    path = TEMPLATES / template.name / "definition.json"
    loaded: dict[str, Any] = json.loads(path.read_bytes())
    return loaded


class TestObjects:
    @each_object
    def test_the_template_is_the_one_that_misp_ships(self, template):
        """UUID, version and category are those of the template of that name."""
        expected = definition(template)

        assert expected["uuid"] == template.template_uuid
        assert expected["version"] == template.template_version
        assert expected["meta-category"] == template.meta_category

    @each_object
    def test_every_relation_exists_with_its_type(self, template):
        """An attribute stands in a relation of its template, with its type."""
        relations = definition(template)["attributes"]
        rows = [*template.attributes, *(row for row, _ in template.fixed)]

        for row in rows:
            relation = relations[row.relation]
            assert relation["misp-attribute"] == row.type
            assert row.category in relation.get("categories", [row.category])
            assert row.type in misp_types()["category_type_mappings"][row.category]

    @each_object
    def test_what_the_template_requires_can_be_there(self, template):
        """What is required is fixed or can be filled, and so is one choice."""
        expected, needs = definition(template), template.needs
        fixed = {row.relation for row, _ in template.fixed}
        filled = fixed | {row.relation for row in template.attributes}

        needed = {row.relation for row in template.attributes if row.field in needs}

        assert set(expected.get("required", ())) <= fixed | needed
        assert not expected.get("requiredOneOf") or filled & set(
            expected["requiredOneOf"]
        )

    @each_object
    def test_a_fixed_value_is_one_that_the_template_offers(self, template):
        """Where the template lists values, the fixed one is among them."""
        relations = definition(template)["attributes"]

        for row, value in template.fixed:
            offered = relations[row.relation].get("values_list") or relations[
                row.relation
            ].get("sane_default", [value])
            assert value in offered

    @each_object
    def test_every_field_exists(self, template):
        """A row names a field that this part of an incident has."""
        fields = (
            set(CASE_FIELDS)
            if template.part == CASE
            else {*declarations(PARTS[template.part]), f"{CASE}.uid"}
        )

        assert {row.field for row in template.attributes} <= fields
        assert set(template.needs) <= fields

    def test_every_field_has_a_place_or_is_known_not_to(self):
        """No field of a part is lost on the way to MISP without this list saying so."""
        for part, model in PARTS.items():
            parties = {each.party for each in OBJECTS if each.part == part}
            for party in parties:
                placed = {
                    row.field
                    for each in OBJECTS
                    if (each.part, each.party) == (part, party)
                    for row in each.attributes
                }
                missing = set(declarations(model)) - placed

                assert missing <= NOT_IN_MISP.get(part, set())


each_composed = pytest.mark.parametrize(
    "row", OBJECT_TABLE.composed, ids=lambda each: each.name
)


class TestComposedObjects:
    @each_composed
    def test_the_template_is_the_one_that_misp_ships(self, row):
        """UUID, version and category are those of the template of that name."""
        expected = definition(row)

        assert expected["uuid"] == row.template_uuid
        assert expected["version"] == row.template_version
        assert expected["meta-category"] == row.meta_category

    @each_composed
    def test_every_relation_takes_what_it_is_given(self, row):
        """A kind, in each of its roles, has the type and category of the relation."""
        relations = definition(row)["attributes"]
        kinds = {kind.kind: kind for kind in KINDS}

        for each in row.relations:
            relation = relations[each.relation]
            assert each.many <= bool(relation.get("multiple"))
            for kind in each.kinds:
                misp = kinds[kind].misp
                for role in each.roles:
                    alone = misp.by_role.get(role, misp)
                    category = each.category or alone.category
                    type_ = each.type or alone.type
                    assert relation["misp-attribute"] == type_
                    assert category in relation.get("categories", [category])
                    assert type_ in misp_types()["category_type_mappings"][category]

    @each_composed
    def test_no_kind_that_has_an_object_of_its_own_is_composed(self, row):
        """A value stands in one object only."""
        held = {kind.kind for kind in KINDS if kind.misp.object}

        assert set() == held & {kind for each in row.relations for kind in each.kinds}

    @each_composed
    def test_what_the_template_requires_is_asked_for(self, row):
        """An object is made only where one of the relations is there that it needs."""
        expected = definition(row)

        assert not expected.get("required")
        assert any(set(asked) <= set(expected["requiredOneOf"]) for asked in row.asks)

    def test_misp_knows_every_relationship(self):
        """The words for how objects relate are those of MISP's list."""
        known = {
            each["name"] for each in json.loads(RELATIONSHIPS.read_bytes())["values"]
        }

        assert {link.relationship for link in OBJECT_TABLE.links} <= known
        assert "related-to" in known
