"""Facts about reading MISP events."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pytaxonomies import Taxonomies

from broker import strict_yaml
from broker.errors import IntakeError
from broker.intake import misp_tags
from broker.intake.misp_event import read
from broker.intake.misp_types import KNOWN
from broker.intake.parsed import MOST_NOTES, Parsed
from broker.model.incident import PartyKind, Role, Status
from broker.model.mapping import ObservableKind
from broker.model.marking import Pap, Severity, Tlp
from broker.model.rsit import RSIT_TYPES

ROOT = Path(__file__).parents[3]
UUID = "2603987b-4b19-58b3-893b-2c4feff8e5d4"


@cache
def _kinds() -> dict[str, ObservableKind]:
    data = (ROOT / "mappings" / "observables.yaml").read_bytes()
    rows = strict_yaml.parse("mappings/observables.yaml", data).value["observables"]
    return {row["kind"]: ObservableKind(**row) for row in rows}


def _event(**changes: Any) -> dict[str, Any]:
    event = {"uuid": UUID, "timestamp": "1772359364", "info": "Phishing, two banks"}
    return {**event, "Tag": _tags("tlp:amber"), **changes}


def _tags(*names: str) -> list[dict[str, str]]:
    return [{"name": name} for name in names]


def _attribute(kind: str, value: str, **changes: Any) -> dict[str, Any]:
    return {"type": kind, "category": "Network activity", "value": value, **changes}


def _read(event: Any) -> Parsed:
    return read(json.dumps({"Event": event}).encode(), _kinds())


def _found(*attributes: dict[str, Any], **changes: Any) -> list[tuple[str, str]]:
    incident = _read(_event(Attribute=list(attributes), **changes)).incident
    return [(seen.kind, seen.value) for seen in incident.observables]


def _left(**changes: Any) -> tuple[str, ...]:
    return _read(_event(**changes)).left_behind


def _refused(raw: bytes) -> tuple[str, str]:
    with pytest.raises(IntakeError) as refusal:
        read(raw, _kinds())
    return refusal.value.path, refusal.value.problem


def _said(raw: bytes) -> str:
    try:
        return read(raw, _kinds()).incident.title
    except IntakeError as refusal:
        return refusal.problem


def _person(role: str, **fields: str) -> dict[str, Any]:
    relations = {"role": role} | {
        name.replace("_", "-"): value for name, value in fields.items()
    }
    return {
        "name": "person",
        "Attribute": [
            {"type": "text", "object_relation": relation, "value": value}
            for relation, value in relations.items()
        ],
    }


class TestTheEvent:
    def test_identity_and_revision(self) -> None:
        """The uuid is the incident's uid, and the timestamp is its revision."""
        incident = _read(_event(uuid=UUID.upper())).incident

        assert incident.uid == UUID
        assert incident.revision == 1772359364
        assert incident.revised_at.isoformat() == "2026-03-01T10:02:44+00:00"
        assert incident.title == "Phishing, two banks"

    @pytest.mark.parametrize(
        "wrap",
        [
            lambda event: event,
            lambda event: {"Event": event},
            lambda event: [{"Event": event}],
            lambda event: {"response": [{"Event": event}]},
            lambda event: {"response": {"Event": event}},
        ],
    )
    def test_wrappings(self, wrap: Any) -> None:
        """An event is read in each of the wrappings that MISP puts around it."""
        raw = json.dumps(wrap(_event())).encode()

        assert read(raw, _kinds()).incident.uid == UUID

    def test_two_events(self) -> None:
        """Two events in one message are refused, because one would hide the other."""
        raw = json.dumps({"response": [{"Event": _event()}] * 2}).encode()

        assert _refused(raw) == ("", "it holds 2 events instead of one")

    @pytest.mark.parametrize(
        ("field", "value", "problem"),
        [
            ("uuid", None, "is missing"),
            ("uuid", "2603987b", "is not a UUID"),
            ("timestamp", "", "is missing"),
            ("timestamp", "yesterday", "is not a whole number"),
            ("timestamp", "17", "is not between the years 1980 and 2100"),
            ("timestamp", "9" * 18, "is not between the years 1980 and 2100"),
            ("timestamp", True, "is not a text"),
            ("date", "2026-02-30", "is not a date, year-month-day"),
            ("info", " ", "is empty or holds a NUL"),
            ("info", "a\0b", "is empty or holds a NUL"),
            ("info", ["a"], "is not a text"),
            ("Attribute", {"0": {}}, "is not a list"),
            ("Tag", "tlp:green", "is not a list"),
        ],
    )
    def test_wrong_fields(self, field: str, value: Any, problem: str) -> None:
        """A field that is wrong is named with what is wrong, never with its value."""
        raw = json.dumps({"Event": _event(**{field: value})}).encode()

        assert _refused(raw) == (f"Event.{field}", problem)

    def test_wrong_attribute(self) -> None:
        """An attribute that is not built like one is named by its number."""
        event = _event(Attribute=[_attribute("domain", "a.example"), 7])

        assert _refused(json.dumps(event).encode()) == (
            "Event.Attribute[1]",
            "is not an object",
        )

    @pytest.mark.parametrize(
        ("raw", "problem"),
        [
            (b"", "it is empty"),
            (b"\xff\xfe", "it begins with a byte-order mark"),
            (b"{", "it is not JSON: line 1, column 2"),
            (b"[" * 100_000, "it is nested too deeply: line 1, column 1026"),
            (b'"\\ud800"', "it is not JSON: line 1, column 2"),
            (b"NaN", "it is not JSON: line 1, column 1"),
        ],
    )
    def test_not_json(self, raw: bytes, problem: str) -> None:
        """What is not JSON is refused with its place, however deep it is nested."""
        assert _refused(raw) == ("", problem)

    @pytest.mark.parametrize("value", [7, [], {}, "Event", None, {"Event": None}])
    def test_not_an_event(self, value: Any) -> None:
        """JSON that is not an event is refused with no path."""
        assert _refused(json.dumps(value).encode())[0] == ""

    @pytest.mark.parametrize(
        ("level", "severity"),
        [
            ("1", Severity.HIGH),
            (2, Severity.MEDIUM),
            ("3", Severity.LOW),
            ("4", Severity.MEDIUM),
            (None, Severity.MEDIUM),
        ],
    )
    def test_severity(self, level: Any, severity: Severity) -> None:
        """The threat level becomes the severity; undefined is not the same as low."""
        assert severity is _read(_event(threat_level_id=level)).incident.severity

    def test_status(self) -> None:
        """A completed analysis closes an incident; a rejected event withdraws it."""
        rejected = _tags('workflow:state="rejected"')

        assert Status.OPEN is _read(_event(analysis="1")).incident.status
        assert Status.CLOSED is _read(_event(analysis="2")).incident.status
        assert Status.WITHDRAWN is _read(_event(Tag=rejected)).incident.status

    def test_long_title(self) -> None:
        """A title that is too long is cut, and stands whole in the description."""
        incident = _read(_event(info="ë" * 3000)).incident

        assert len(incident.title) == 2048
        assert incident.description == "ë" * 3000

    def test_texts(self) -> None:
        """Comments and texts of the event become the description, in their order."""
        parsed = _read(
            _event(
                Attribute=[
                    _attribute("comment", "first", category="Other"),
                    _attribute("text", "second", category="External analysis"),
                    _attribute("text", "ours", category="Internal reference"),
                ]
            )
        )

        assert parsed.incident.description == "first\n\nsecond"
        assert parsed.left_behind == ("Event.Attribute[2] (internal to the sender)",)

    def test_references(self) -> None:
        """A link to somebody's analysis is a reference, and not an observable."""
        link = _attribute("link", "https://a.example/1", category="External analysis")
        incident = _read(_event(Attribute=[link])).incident

        assert incident.references == ("https://a.example/1",)
        assert incident.observables == ()

    def test_extended_event(self) -> None:
        """An event that extends another one is related to it."""
        other = "57c06bb1-625c-4d34-9b9f-4066950d210f"

        assert [other] == [
            relation.uid
            for relation in _read(_event(extends_uuid=other)).incident.relations
        ]


class TestClassification:
    @pytest.mark.parametrize(
        ("tags", "expected"),
        [
            (['rsit:fraud="phishing"'], "fraud/phishing"),
            (['RSIT:Fraud="Phishing"'], "fraud/phishing"),
            ([], "other/undetermined"),
            (['rsit:fraud="phishng"'], "other/undetermined"),
            (
                ['rsit:fraud="phishing"', 'rsit:availability="dos"'],
                "other/undetermined",
            ),
            (['rsit:fraud="phishing"', 'ecsirt:test="test"'], "test/test"),
            (['rsit:fraud="phishing"', 'circl:topic="ict"'], "fraud/phishing"),
            (['common-taxonomy:availability="dos-ddos"'], "availability/dos"),
            (
                [
                    'common-taxonomy:availability="dos-ddos"',
                    "europol-event:packet-flood",
                ],
                "availability/dos",
            ),
            (
                ['ecsirt:availability="ddos"', "europol-event:packet-flood"],
                "availability/ddos",
            ),
            (
                ['ecsirt:fraud="phishing"', 'ecsirt:availability="ddos"'],
                "other/undetermined",
            ),
            (
                ['common-taxonomy:abusive-content="cse-racism-violence-incitement"'],
                "other/undetermined",
            ),
            (
                [
                    'common-taxonomy:abusive-content="cse-racism-violence-incitement"',
                    'ecsirt:abusive-content="violence"',
                ],
                "abusive-content/violence",
            ),
        ],
    )
    def test_tags(self, tags: list[str], expected: str) -> None:
        """Tags that agree give a type; tags that contradict one another do not."""
        assert expected == _read(_event(Tag=_tags(*tags))).incident.classification

    def test_every_row_is_real(self) -> None:
        """Every tag of the table is in MISP's taxonomies, and every type in RSIT."""
        names = ("ecsirt", "common-taxonomy", "europol-incident", "europol-event")
        taxonomies = Taxonomies()
        real = {
            tag.lower()
            for name in (*names, "circl")
            for tag in taxonomies[name].machinetags()
        }

        assert set() == misp_tags.CLASSIFICATIONS.keys() - real
        assert set(RSIT_TYPES) >= {
            name for row in misp_tags.CLASSIFICATIONS.values() for name in row
        }

    @pytest.mark.parametrize("name", RSIT_TYPES)
    def test_every_rsit_type(self, name: str) -> None:
        """Each of the 39 RSIT types is read from its own tag."""
        category, kind = name.split("/")

        assert name == misp_tags.classification([f'rsit:{category}="{kind}"'])


class TestMarkings:
    @pytest.mark.parametrize(
        ("tags", "expected"),
        [
            ([], Tlp.RED),
            (["tlp:white"], Tlp.CLEAR),
            (["TLP:GREEN"], Tlp.GREEN),
            (["tlp:amber+strict"], Tlp.AMBER_STRICT),
            (["tlp:green", "tlp:amber"], Tlp.AMBER),
            (["tlp:green", "tlp:unclear"], Tlp.RED),
            (["tlp:ex:chr"], Tlp.RED),
            (["tlp:green", "misp:should-not-sync"], Tlp.RED),
        ],
    )
    def test_tlp(self, tags: list[str], expected: Tlp) -> None:
        """The strictest TLP counts, and none or an unclear one counts as red."""
        assert expected is _read(_event(Tag=_tags(*tags))).incident.tlp

    @pytest.mark.parametrize(
        ("tags", "expected"),
        [
            ([], Pap.AMBER),
            (["PAP:WHITE"], Pap.CLEAR),
            (["PAP:GREEN", "PAP:RED"], Pap.RED),
            (["pap:purple"], Pap.RED),
        ],
    )
    def test_pap(self, tags: list[str], expected: Pap) -> None:
        """The strictest PAP counts, and without one it is amber."""
        assert expected is _read(_event(Tag=_tags(*tags))).incident.pap

    def test_stricter_attribute(self) -> None:
        """An attribute marked more strictly than its event stays behind."""
        open_one = _attribute("domain", "a.example", Tag=_tags("tlp:green"))
        closed_one = _attribute("domain", "b.example", Tag=_tags("tlp:red"))
        untold = _attribute("domain", "c.example", Tag=_tags("PAP:RED"))
        parsed = _read(_event(Attribute=[open_one, closed_one, untold]))

        assert [seen.value for seen in parsed.incident.observables] == ["a.example"]
        assert parsed.left_behind == (
            "Event.Attribute[1] (marked more strictly than the event)",
            "Event.Attribute[2] (marked more strictly than the event)",
        )

    @pytest.mark.parametrize(
        ("event", "part", "taken"),
        [
            ("0", "5", True),
            ("0", "0", True),
            ("1", "0", False),
            ("3", "1", False),
            ("1", "3", True),
            ("3", "4", False),
            ("4", "0", False),
            ("4", "1", True),
            (None, "1", False),
            (None, "5", True),
            ("3", "9", False),
        ],
    )
    def test_distribution(self, event: str | None, part: str, taken: bool) -> None:
        """A part that MISP distributes more narrowly than the event stays behind."""
        attribute = _attribute("domain", "a.example", distribution=part)

        assert taken is bool(_found(attribute, distribution=event))

    def test_sharing_groups(self) -> None:
        """A part for another sharing group than the event's stays behind."""
        groups = ["7", "8"]
        attributes = [
            _attribute(
                "domain", f"g{group}.example", distribution="4", sharing_group_id=group
            )
            for group in groups
        ]
        found = _found(*attributes, distribution="4", sharing_group_id="7")

        assert found == [("domain", "g7.example")]

    def test_object_marks_its_attributes(self) -> None:
        """What an object's marking or distribution forbids, its parts cannot do."""
        inside = [_attribute("domain", "a.example")]
        red = {"name": "domain-ip", "Tag": _tags("tlp:red"), "Attribute": inside}
        ours = {"name": "domain-ip", "distribution": "0", "Attribute": inside}
        incident = _read(_event(Object=[red, ours], distribution="1")).incident

        assert incident.observables == ()


class TestObservables:
    @pytest.mark.parametrize(
        ("kind", "value", "expected"),
        [
            ("ip-src", "203.0.113.4", [("ipv4", "203.0.113.4")]),
            ("ip-dst", "2001:db8::1", [("ipv6", "2001:db8::1")]),
            ("hostname", "w.a.example", [("hostname", "w.a.example")]),
            ("link", "https://a.example/", []),
            ("email-dst", "a@b.example", [("email", "a@b.example")]),
            ("iban", "XK321501000000000125", [("iban", "XK321501000000000125")]),
            ("domain|ip", "a.example|::1", [("domain", "a.example"), ("ipv6", "::1")]),
            ("ip-dst|port", "192.0.2.1|80", [("ipv4", "192.0.2.1"), ("port", "80")]),
            (
                "filename|sha1",
                "a|b.exe|" + "0" * 40,
                [("filename", "a|b.exe"), ("sha1", "0" * 40)],
            ),
            ("regkey|value", r"HKLM\Run|x|y", [("registry-key", r"HKLM\Run")]),
            ("filename|sha1", "no separator", []),
        ],
    )
    def test_types(self, kind: str, value: str, expected: list[Any]) -> None:
        """A type leads back to its kind; a composite to the kinds of its parts."""
        assert expected == _found(_attribute(kind, value))

    @pytest.mark.parametrize("kind", ["text", "other", "anonymised", "uuid", "hex"])
    def test_types_that_say_nothing(self, kind: str) -> None:
        """A type that can hold anything is no observable, though some kinds use it."""
        assert _found(_attribute(kind, "1100000012")) == []

    def test_wrong_value(self) -> None:
        """A value that is not of its kind stays behind, and the rest goes on."""
        parsed = _read(
            _event(
                Attribute=[
                    _attribute("ip-dst", "Agim Shembulli"),
                    _attribute("domain", "A[.]example"),
                    _attribute("AS", "9" * 5000),
                ]
            )
        )

        assert [seen.value for seen in parsed.incident.observables] == ["a.example"]
        assert parsed.left_behind == (
            "Event.Attribute[0] (its value is not of the kind ipv4)",
            "Event.Attribute[2] (its value is not of the kind asn)",
        )

    def test_role(self) -> None:
        """Whose thing it is is known of a target only, and never guessed."""
        targets = [
            _attribute("email", "a@b.example", category="Targeting data"),
            _attribute("target-email", "c@d.example"),
            _attribute("ip-src", "192.0.2.1"),
        ]
        incident = _read(_event(Attribute=targets)).incident

        assert [seen.role for seen in incident.observables] == [
            Role.VICTIM,
            Role.VICTIM,
            Role.UNKNOWN,
        ]

    def test_details(self) -> None:
        """First and last sight, comment and the detection flag come along."""
        attribute = _attribute(
            "domain",
            " a.example ",
            to_ids="1",
            comment="sinkhole",
            first_seen="2026-03-01T10:00:00.123456+01:00",
            last_seen="2026-03-02T10:00:00",
        )
        seen = _read(_event(Attribute=[attribute])).incident.observables[0]

        assert (seen.value, seen.to_ids, seen.comment) == (
            "a.example",
            True,
            "sinkhole",
        )
        assert seen.first_seen is not None
        assert seen.first_seen.isoformat() == "2026-03-01T09:00:00+00:00"

    def test_impossible_times(self) -> None:
        """Times that cannot be are left out, and the observable stays."""
        backwards = _attribute(
            "domain", "a.example", first_seen="2026-03-02", last_seen="2026-03-01"
        )
        nonsense = _attribute("domain", "b.example", first_seen="yesterday")
        parsed = _read(_event(Attribute=[backwards, nonsense]))

        assert [one.first_seen for one in parsed.incident.observables] == [None, None]
        assert parsed.left_behind == (
            "Event.Attribute[0].last_seen (before first_seen: neither is taken)",
            "Event.Attribute[1].first_seen (not a possible time)",
        )

    def test_targets(self) -> None:
        """A targeted machine is an affected system, a targeted firm is a victim."""
        attributes = [
            _attribute("target-machine", "mail-1"),
            _attribute("target-org", "Banka Shembull"),
        ]
        incident = _read(_event(Attribute=attributes)).incident

        assert [system.name for system in incident.affected_systems] == ["mail-1"]
        assert [victim.name for victim in incident.victims] == ["Banka Shembull"]

    def test_object_attributes(self) -> None:
        """Attributes of objects are observables too, with the object's comment."""
        parts = {
            "name": "file",
            "comment": "dropper",
            "Attribute": [
                _attribute("filename", "a.exe"),
                _attribute("sha1", "1" * 40, comment="second stage"),
                _attribute("text", "Malicious"),
            ],
        }
        parsed = _read(_event(Object=[parts]))

        assert [(seen.kind, seen.comment) for seen in parsed.incident.observables] == [
            ("filename", "dropper"),
            ("sha1", "second stage"),
        ]
        assert parsed.left_behind == ("Event.Object[0].Attribute[2] (type text)",)

    def test_said_twice(self) -> None:
        """The very same attribute twice is one observable."""
        once = _attribute("domain", "a.example")

        assert _found(once, once) == [("domain", "a.example")]


class TestParties:
    def test_victim(self) -> None:
        """A person in the role of a victim is a victim; their consent is not known."""
        victim = _read(
            _event(
                Object=[
                    _person(
                        "Victim",
                        full_name="Agim Shembulli",
                        identity_card_number="1100000012",
                        e_mail="agim@example.org",
                        date_of_birth="2012-05-01",
                    )
                ]
            )
        ).incident.victims[0]

        assert (victim.kind, victim.name) == (PartyKind.PERSON, "Agim Shembulli")
        assert victim.personal_number == "1100000012"
        assert victim.contacts.email == "agim@example.org"
        assert victim.consent == "unknown"
        assert victim.minor

    @pytest.mark.parametrize(
        ("born", "minor"), [("2008-03-03", True), ("2008-02-01", False), ("", False)]
    )
    def test_minor(self, born: str, minor: bool) -> None:
        """Whoever is not yet eighteen when the event was revised is a minor."""
        person = _person("Victim", full_name="A", date_of_birth=born)

        assert minor is _read(_event(Object=[person])).incident.victims[0].minor

    def test_suspect(self) -> None:
        """A person with the role of a culprit is a suspect, with their accounts."""
        person = _person("Culprit", first_name="B", last_name="C", handle="bc99")
        suspect = _read(_event(Object=[person])).incident.suspects[0]

        assert (suspect.name, suspect.accounts) == ("B C", ("bc99",))

    @pytest.mark.parametrize("role", ["Witness", "", "Informant"])
    def test_bystander(self, role: str) -> None:
        """A person who is neither victim nor suspect is left behind whole."""
        parsed = _read(_event(Object=[_person(role, full_name="Dafina")]))

        assert (parsed.incident.victims, parsed.incident.suspects) == ((), ())
        assert any("not said to be" in note for note in parsed.left_behind)

    def test_both_roles(self) -> None:
        """Somebody said to be both victim and suspect is left behind."""
        person = _person("Victim", full_name="E")
        person["Attribute"].append(
            {"type": "text", "object_relation": "role", "value": "Suspect"}
        )

        assert _left(Object=[person]) == (
            "Event.Object[0] (person: not said to be a victim or a suspect)",
        )

    def test_victim_object(self) -> None:
        """A victim object is a victim, and nothing of it becomes an observable."""
        organisation = {
            "name": "victim",
            "Attribute": [
                {
                    "type": "target-org",
                    "object_relation": "name",
                    "value": "Banka Shembull",
                },
                {
                    "type": "text",
                    "object_relation": "classification",
                    "value": "organization",
                },
                {
                    "type": "text",
                    "object_relation": "sectors",
                    "value": "financial services",
                },
                {
                    "type": "ip-dst",
                    "object_relation": "ip-address",
                    "value": "192.0.2.9",
                },
            ],
        }
        incident = _read(_event(Object=[organisation])).incident

        assert [
            (victim.kind, victim.name, victim.sector) for victim in incident.victims
        ] == [(PartyKind.ORGANISATION, "Banka Shembull", "financial services")]
        assert incident.observables == ()


class TestLeftBehind:
    def test_deleted(self) -> None:
        """Deleted attributes and objects are skipped and counted."""
        gone = _attribute("domain", "a.example", deleted=True)

        assert _left(Attribute=[gone], Object=[{"name": "file", "deleted": "1"}]) == (
            "Event (2 deleted attributes or objects)",
        )

    @pytest.mark.parametrize("kind", ["attachment", "malware-sample"])
    def test_files(self, kind: str) -> None:
        """The contents of files are never taken."""
        sample = _attribute(kind, "a.exe|" + "0" * 32, data="TVqQAAM=")

        assert (f"Event.Attribute[0] (type {kind}: files are never taken)",) == _left(
            Attribute=[sample]
        )

    def test_unknown_type(self) -> None:
        """A type without a kind is named if it is a word of MISP, and else not."""
        odd = _attribute("pattern-in-file", "x"), _attribute("Agim Shembulli", "x")

        assert _left(Attribute=odd) == (
            "Event.Attribute[0] (type pattern-in-file)",
            "Event.Attribute[1] (type not known)",
        )

    def test_proposals_and_the_rest(self) -> None:
        """Proposals, reports, galaxies and unknown fields are noted by their names."""
        notes = _left(
            ShadowAttribute=[{"value": "x"}],
            EventReport=[{"content": "x"}],
            Galaxy=[{"name": "x"}],
            RelatedEvent=[],
            brand_new="x",
            **{"Agim Shembulli": "x"},
        )

        assert notes == (
            "Event.Galaxy[0] (without a cluster)",
            "Event.ShadowAttribute (proposals are not facts)",
            "Event.EventReport (reports are not taken)",
            "Event.brand_new (field not known)",
            "Event.? (field not known)",
        )

    def test_many(self) -> None:
        """Of very many notes the first are kept and the others counted."""
        notes = _left(Attribute=[_attribute("bro", "x")] * (MOST_NOTES + 5))

        assert len(notes) == MOST_NOTES + 1
        assert notes[-1] == "and 5 more"

    def test_known_types(self) -> None:
        """Every MISP type that the observables table is written as has a known name."""
        written = {kind.misp.type for kind in _kinds().values()}

        assert set() == written - KNOWN


class TestAnything:
    def test_large_event(self) -> None:
        """An event with twenty thousand attributes is read whole."""
        attributes = [
            _attribute("ip-dst", f"198.51.{number >> 8}.{number & 255}")
            for number in range(20_000)
        ]

        assert len(_found(*attributes)) == 20_000

    @given(st.binary(max_size=200))
    @example(b'{"Event":{"timestamp":1e999}}')
    def test_any_bytes(self, raw: bytes) -> None:
        """Any bytes give an incident or an `IntakeError`, and nothing else."""
        assert _said(raw)

    @settings(max_examples=100, deadline=None)
    @given(st.data())
    def test_any_event(self, data: st.DataObject) -> None:
        """Any JSON in any place of an event gives an incident or an `IntakeError`."""
        event = _event()
        for name in data.draw(st.lists(st.sampled_from(_PLACES), max_size=4)):
            event[name] = data.draw(_anything())
        part = data.draw(st.dictionaries(st.sampled_from(_PARTS), _anything()))
        target = data.draw(st.sampled_from(["Attribute", "Object"]))
        event[target] = [{"name": "person", "Attribute": [part], **part}]
        assert _said(json.dumps({"Event": event}).encode())


_PLACES = [
    *("uuid", "timestamp", "info", "date", "threat_level_id", "analysis", "Tag"),
    *("distribution", "sharing_group_id", "extends_uuid", "ShadowAttribute", "Galaxy"),
]
_PARTS = [
    *("type", "category", "value", "comment", "to_ids", "first_seen", "last_seen"),
    *("deleted", "distribution", "sharing_group_id", "Tag", "object_relation", "name"),
    *("ShadowAttribute", "Attribute"),
]


def _anything() -> st.SearchStrategy[Any]:
    words = ["ip-src", "domain|ip", "text", "full-name", "role", "person", "victim"]
    plain = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
        | st.sampled_from([*words, "2026-03-01T10:00:00Z", "1772359364", "5", "\0"])
    )
    return st.recursive(
        plain,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["name", "value", "type"]), inner)
        ),
        max_leaves=5,
    )


class TestGalaxies:
    """Clusters name who is said to be behind it, and the malware."""

    @staticmethod
    def _read(**cluster: Any) -> Any:
        galaxy = {"name": "any", "GalaxyCluster": [cluster]}
        tag = {"name": f'misp-galaxy:{cluster["type"]}="{cluster["value"]}"'}
        return _read(_event(Galaxy=[galaxy], Tag=[tag]))

    @pytest.mark.parametrize(
        ("type_", "value", "kind", "name"),
        [
            ("threat-actor", "Sofacy", "threat-actor", "Sofacy"),
            ("mitre-malware", "Emotet - S0367", "malware-family", "Emotet"),
            ("ransomware", "LockBit", "malware-family", "LockBit"),
        ],
    )
    def test_actors_and_malware_are_taken(
        self, type_: str, value: str, kind: str, name: str
    ) -> None:
        """A cluster becomes an observable of the attacker, without MITRE's number."""
        found = self._read(type=type_, value=value, distribution="3")
        (seen,) = found.incident.observables

        assert (kind, name, Role.ATTACKER) == (seen.kind, seen.value, seen.role)
        assert [] == [note for note in found.left_behind if "alax" in note]

    @pytest.mark.parametrize(
        ("more", "why"),
        [
            ({"type": "country", "value": "x"}, "names neither an actor nor malware"),
            ({"type": "ransomware", "value": ""}, "not of the kind malware-family"),
            (
                {"type": "ransomware", "value": "x", "distribution": "0"},
                "distributed more narrowly",
            ),
            (
                {"type": "ransomware", "value": "x", "local": True},
                "local to the sender",
            ),
        ],
    )
    def test_what_is_not_taken_is_noted(self, more: dict[str, Any], why: str) -> None:
        """What stays with the sender, or names nobody, is left behind with its path."""
        found = self._read(**more)

        assert () == found.incident.observables
        assert any(
            "Event.Galaxy[0].GalaxyCluster[0]" in note and why in note
            for note in found.left_behind
        )
