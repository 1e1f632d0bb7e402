"""Facts about reading foreign formats: classes, markings, roles, what is left."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from broker import pipeline
from broker.errors import IntakeError
from broker.intake import format_of, read
from broker.intake.parsed import Parsed
from broker.model.incident import Incident, Role
from broker.model.intake import CONTENT_TYPES
from broker.model.marking import Pap, Tlp
from tests.formats import SAMPLES
from tests.unit import given

UNDETERMINED = "other/undetermined"
LEAK = "information-content-security/data-leak"


def _value(name: str, **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((SAMPLES / name).read_bytes())
    made |= changes
    return {key: value for key, value in made.items() if value is not None}


def _parsed(name: str, **changes: Any) -> Parsed:
    raw = json.dumps(_value(name, **changes)).encode()
    return read(raw, None, given.shipped().tables)[1]


def _incident(name: str, **changes: Any) -> Incident:
    return _parsed(name, **changes).incident


def _refused(raw: bytes) -> IntakeError:
    with pytest.raises(IntakeError) as caught:
        read(raw, None, given.shipped().tables)
    return caught.value


def _roles(incident: Incident) -> dict[str, Role]:
    return {each.value: each.role for each in incident.observables}


INTELMQ, N6, IDEA = (
    "intelmq_event_phishing.json",
    "n6_event_phish.json",
    "idea0_scanning.json",
)
XARF3, XARF4 = "xarf3_phishing.json", "xarf4_infected_host.json"
HIVE, RTIR, STIX = "thehive_alert.json", "rtir_rest2_ticket.json", "stix_report.json"
IODEF = "iodef_rfc8727_incident.json"


def _iodef(**changes: Any) -> dict[str, Any]:
    value = _value(IODEF)
    value["Incident"][0] |= changes
    return {"Incident": value["Incident"]}


class TestClasses:
    @pytest.mark.parametrize(
        ("said", "expected"),
        [
            ({"classification.type": "phishing"}, "fraud/phishing"),
            (
                {"classification.type": "unauthorized-use-of-resources"},
                "fraud/unauthorised-use-of-resources",
            ),
            (
                {"classification.type": "infected-system"},
                "malicious-code/infected-system",
            ),
            (
                {
                    "classification.type": "infected-system",
                    "malware.name": "x-ransomware",
                },
                "information-content-security/unauthorised-information-modification",
            ),
            ({"classification.type": "botnet drone"}, "malicious-code/infected-system"),
            ({"classification.type": "C&C"}, "malicious-code/c2-server"),
            ({"classification.type": "tor"}, UNDETERMINED),
            ({"classification.type": "vishing"}, UNDETERMINED),
            ({"classification.type": None}, UNDETERMINED),
            ({"classification.type": ["phishing", "spam"]}, UNDETERMINED),
            ({"classification.type": "test"}, "test/test"),
        ],
        ids=str,
    )
    def test_of_intelmq(self, said: dict[str, Any], expected: str) -> None:
        """A type of IntelMQ, old or new, is the RSIT type of its row, or nothing."""
        assert expected == _incident(INTELMQ, **said).classification

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            (["Recon.Scanning"], "information-gathering/scanner"),
            (["Recon.Scanning", "Attempt.Login"], UNDETERMINED),
            (["Recon.Scanning", "Recon.Unheard"], UNDETERMINED),
            (["Recon.Scanning", "Test"], "test/test"),
            (["Abusive.Child", "Abusive.Sexual"], "abusive-content/violence"),
            (["Malware"], UNDETERMINED),
            (["Intrusion.Botnet"], UNDETERMINED),
            ([], UNDETERMINED),
        ],
        ids=str,
    )
    def test_of_idea(self, words: list[str], expected: str) -> None:
        """Categories of IDEA must agree; a test is a test; ambiguous ones say none."""
        assert expected == _incident(IDEA, Category=words).classification

    @pytest.mark.parametrize(
        ("impacts", "business", "expected"),
        [
            (["takeover-system"], [], "intrusions/system-compromise"),
            (["availability-data"], [], UNDETERMINED),
            (
                ["availability-data"],
                ["extortion"],
                "information-content-security/unauthorised-information-modification",
            ),
            (["breach-privacy", "breach-credential"], [], LEAK),
            (["breach-privacy", "takeover-system"], [], UNDETERMINED),
            (["unknown"], [], UNDETERMINED),
        ],
        ids=str,
    )  # fmt: skip
    def test_of_iodef(
        self, impacts: list[str], business: list[str], expected: str
    ) -> None:
        """Impacts of IODEF must agree; what is away and extorted is ransomware."""
        assessment = {
            "SystemImpact": [{"type": word} for word in impacts],
            "BusinessImpact": [{"type": word} for word in business],
        }
        found = _incident(IODEF, **_iodef(Assessment=[assessment]))

        assert expected == found.classification

    def test_what_failed_is_no_impact(self) -> None:
        """An impact of IODEF that failed, or that is only possible, does not count."""
        failed = {"SystemImpact": [{"type": "takeover-system", "completion": "failed"}]}
        possible = {
            "occurrence": "potential",
            "SystemImpact": [{"type": "takeover-system"}],
        }
        for assessment in (failed, possible):
            found = _parsed(IODEF, **_iodef(Assessment=[assessment]))

            assert UNDETERMINED == found.incident.classification
            assert any("Assessment[0]" in note for note in found.left_behind)

    @pytest.mark.parametrize(
        ("name", "changes", "expected"),
        [
            (N6, {"category": "cnc"}, "malicious-code/c2-server"),
            (N6, {"category": "fraud"}, "fraud/masquerade"),
            (N6, {"category": "tor"}, UNDETERMINED),
            (
                XARF4,
                {"category": "content", "type": "csam"},
                "abusive-content/violence",
            ),
            (XARF4, {"type": "login-attack"}, "intrusion-attempts/brute-force"),
            (XARF4, {"type": "unheard"}, UNDETERMINED),
            (HIVE, {"tags": []}, UNDETERMINED),
            (
                HIVE,
                {"tags": ['rsit:fraud="phishing"', 'rsit:test="test"']},
                "test/test",
            ),
            (RTIR, {"CustomFields": []}, UNDETERMINED),
            (
                RTIR,
                {"CustomFields": [{"name": "Classification", "values": ["Piracy"]}]},
                "fraud/copyright",
            ),
            (RTIR, {"CF.{Classification}": ["Scan"]}, UNDETERMINED),
        ],
        ids=str,
    )
    def test_of_others(self, name: str, changes: dict[str, Any], expected: str) -> None:
        """Each format's word is looked up in its table; contradictions say nothing."""
        assert expected == _incident(name, **changes).classification

    def test_every_undetermined_class_is_noted(self) -> None:
        """That a word has no meaning here is said, with its place, not the word."""
        found = _parsed(INTELMQ, **{"classification.type": "vishing"})

        assert any(
            note.startswith("classification.type (") for note in found.left_behind
        )
        assert "vishing" not in str(found.left_behind)


class TestMarkings:
    @pytest.mark.parametrize(
        ("name", "changes", "expected"),
        [
            (INTELMQ, {"tlp": "WHITE"}, Tlp.CLEAR),
            (INTELMQ, {"tlp": "AMBER"}, Tlp.AMBER_STRICT),
            (INTELMQ, {"tlp": None}, Tlp.RED),
            (INTELMQ, {"tlp": "PURPLE"}, Tlp.RED),
            (INTELMQ, {"tlp": 2}, Tlp.RED),
            (N6, {"restriction": "public"}, Tlp.GREEN),
            (N6, {"restriction": "internal"}, Tlp.RED),
            (IDEA, {"TLP": "TLP:GREEN"}, Tlp.GREEN),
            (IDEA, {"TLP": None}, Tlp.RED),
            (HIVE, {"tlp": 0, "tlpLabel": None, "tags": []}, Tlp.CLEAR),
            (HIVE, {"tlp": 3, "tlpLabel": None, "tags": []}, Tlp.RED),
            (HIVE, {"tlp": 3, "tlpLabel": "AMBER_STRICT", "tags": []}, Tlp.RED),
            (
                HIVE,
                {"tlp": 3, "tlpLabel": "AMBER+STRICT", "tags": []},
                Tlp.AMBER_STRICT,
            ),
            (HIVE, {"tlp": 4, "tlpLabel": "GREEN", "tags": []}, Tlp.RED),
            (HIVE, {"tlp": 1, "tlpLabel": "GREEN", "tags": ["tlp:red"]}, Tlp.RED),
            (RTIR, {}, Tlp.RED),
            (XARF4, {}, Tlp.RED),
        ],
        ids=str,
    )
    def test_tlp(self, name: str, changes: dict[str, Any], expected: Tlp) -> None:
        """TLP 1 is read as the stricter TLP 2; silence and the unknown are red."""
        assert expected is _incident(name, **changes).tlp

    @pytest.mark.parametrize(
        ("word", "expected"),
        [
            ("white", Tlp.CLEAR), ("public", Tlp.CLEAR), ("green", Tlp.GREEN),
            ("need-to-know", Tlp.AMBER_STRICT), ("partner", Tlp.AMBER_STRICT),
            ("private", Tlp.RED), ("default", Tlp.RED), ("ext-value", Tlp.RED),
        ],
    )  # fmt: skip
    def test_restriction_of_iodef(self, word: str, expected: Tlp) -> None:
        """A restriction of IODEF is TLP 1 or one of its own words, taken strictly."""
        assert expected is _incident(IODEF, **_iodef(restriction=word)).tlp

    def test_stix_keeps_tlp_2(self) -> None:
        """A marking of TLP 2.0 in STIX is that level; PAP and statements are kept."""
        found = _incident(STIX)

        assert (Tlp.AMBER, Pap.GREEN) == (found.tlp, found.pap)
        assert ("Only for the case against unknown",) == found.handling_caveats

    @pytest.mark.parametrize(
        ("marking", "expected"),
        [
            (
                "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
                Tlp.AMBER_STRICT,
            ),
            ("marking-definition--99999999-9999-4999-8999-999999999999", Tlp.RED),
        ],
    )
    def test_other_markings_of_stix(self, marking: str, expected: Tlp) -> None:
        """TLP 1 in STIX is read strictly; a marking that is not there counts as red."""
        value = _value(STIX)
        value["objects"][5]["object_marking_refs"] = [marking]

        assert expected is _incident(STIX, objects=value["objects"]).tlp

    def test_stricter_parts_stay_behind(self) -> None:
        """What is marked more strictly than the whole is left behind, and noted."""
        hive = _value(HIVE)["observables"]
        hive[0] |= {"tlp": 3, "tlpLabel": "RED"}
        contact = {"role": "victim", "restriction": "private", "ContactName": ["X"]}
        for found, place in (
            (_parsed(HIVE, observables=hive), "observables[0]"),
            (_parsed(IODEF, **_iodef(Contact=[contact])), "Incident[0].Contact[0]"),
            (_parsed(STIX), "objects[2]"),
        ):
            noted = [
                note for note in found.left_behind if note.startswith(f"{place} (")
            ]

            assert 1 == len(noted)
            assert "more strictly" in noted[0]
        assert () == _incident(IODEF, **_iodef(Contact=[contact])).victims


class TestRoles:
    @pytest.mark.parametrize(
        ("kind", "source", "target"),
        [
            ("infected-system", Role.VICTIM, Role.UNKNOWN),
            ("scanner", Role.ATTACKER, Role.VICTIM),
            ("ddos", Role.VICTIM, Role.VICTIM),
            ("phishing", Role.INFRASTRUCTURE, Role.VICTIM),
            ("vulnerable-system", Role.VICTIM, Role.VICTIM),
            ("vishing", Role.UNKNOWN, Role.UNKNOWN),
        ],
    )
    def test_of_sides(self, kind: str, source: Role, target: Role) -> None:
        """Whose source and destination are depends on the class."""
        changes = {"classification.type": kind, "destination.ip": "192.0.2.7"}
        roles = _roles(_incident(INTELMQ, **changes))

        assert (source, target) == (roles["203.0.113.45"], roles["192.0.2.7"])

    def test_of_an_intrusion_in_iodef(self) -> None:
        """In IODEF the source of a break-in is the attacker, the target the victim."""
        roles = _roles(_incident(IODEF))

        assert Role.ATTACKER is roles["198.51.100.23"]
        assert Role.VICTIM is roles["192.0.2.44"]

    def test_of_spoofed_and_sensing_systems(self) -> None:
        """A spoofed address is nobody's, a sensor only looked on: neither is taken."""
        address = {"category": "ipv4-addr", "value": "192.0.2.1"}
        systems = [
            {"category": "sensor", "Node": {"Address": [address]}},
            {"category": "source", "spoofed": "yes", "Node": {"Address": [address]}},
        ]
        found = _parsed(IODEF, **_iodef(EventData=[{"System": systems}]))

        assert () == found.incident.observables
        assert 2 == sum("EventData[0].System[" in note for note in found.left_behind)

    def test_of_anonymised_idea_parties(self) -> None:
        """What IDEA calls anonymised or spoofed is not taken."""
        assert "192.0.2.99" not in _roles(_incident(IDEA))

    def test_of_people_in_n6(self) -> None:
        """What leaked was its owner's; of other accounts n6 does not say whose."""
        leak, phish = (_roles(_incident(N6, category=c)) for c in ("leak", "phish"))

        assert Role.VICTIM is leak["klient@example.org"]
        assert Role.UNKNOWN is phish["klient@example.org"]

    def test_of_identities_in_stix(self) -> None:
        """An identity is a victim only when a relationship says it was aimed at."""
        objects = _value(STIX)["objects"]
        without = [each for each in objects if each["type"] != "relationship"]

        assert ["Banka Shembull sh.a."] == [v.name for v in _incident(STIX).victims]
        assert () == _incident(STIX, objects=without).victims

    def test_of_indicators_in_stix(self) -> None:
        """An observable that an indicator calls malicious is the attacker's."""
        roles = _roles(_incident(STIX))

        assert Role.ATTACKER is roles["http://secure-login.example.com/bank/index.php"]
        assert Role.UNKNOWN is roles["fatura.exe"]


class TestNotTaken:
    @pytest.mark.parametrize(
        ("name", "secret"),
        [
            (INTELMQ, "Agim Shembulli"), (INTELMQ, "MjAyNi0w"), (XARF3, "sekret"),
            (XARF3, "<html>"), (XARF4, "U2VjcmV0"), (XARF4, "Teuta"),
            (STIX, "info@banka"), (HIVE, "thehive.local"), (RTIR, "Banka Shembull"),
            (IDEA, "Kippo"),
        ],
    )  # fmt: skip
    def test_what_could_be_anything(self, name: str, secret: str) -> None:
        """Extra data, raw lines, payloads, passwords and colleagues are not taken."""
        assert secret in (SAMPLES / name).read_text("utf-8")
        assert secret not in _incident(name).model_dump_json()

    @pytest.mark.parametrize(
        ("name", "note"),
        [
            (INTELMQ, "extra (3 fields: what they mean is not fixed)"),
            (N6, "address[0].cc (about the network)"),
            (IDEA, "Target[1] (anonymised: nobody's address)"),
            (XARF3, "Report.SourceUrl (a name or password within the address)"),
            (XARF4, "_internal (internal to the sender)"),
            (IODEF, "Incident[0].Contact[2] (neither a victim nor who reported it)"),
            (HIVE, "observables[0].tags (tags without a meaning here)"),
            (RTIR, "CustomFields[5].values (on which side a customer is, is not said)"),
            (STIX, "objects[0].contact_information (may be anybody's)"),
        ],
    )
    def test_is_noted_with_its_path(self, name: str, note: str) -> None:
        """What is left behind is noted, with its path and the reason."""
        assert note in _parsed(name).left_behind

    @pytest.mark.parametrize("name", [INTELMQ, N6, IDEA, XARF4, HIVE, RTIR])
    def test_unknown_fields_are_noted(self, name: str) -> None:
        """A field that no reader knows is named among what was left behind."""
        found = _parsed(name, unheard_of="value")

        assert "unheard_of (field not known)" in found.left_behind


class TestIdentity:
    @pytest.mark.parametrize(
        ("name", "uid"),
        [
            (N6, "n6:0123456789abcdef0123456789abcdef"),
            (IDEA, "idea0:f3c1d2a4-8c1b-4b3c-9d58-6f5f2b6b8a10"),
            (XARF4, "xarf4:5b0e7b1a-2f7c-4e0c-9a52-0a1d52b3c6f1"),
            (IODEF, "iodef:kos-cert.example/2026-0001"),
            (HIVE, "thehive:alert/external/KOS-CERT/2026-0001"),
            (RTIR, "rtir:20260001"),
            (STIX, "stix:report--66666666-6666-4666-8666-666666666666"),
        ],
    )
    def test_uid(self, name: str, uid: str) -> None:
        """The uid is the format's name and the sender's own id."""
        assert uid == _incident(name).uid

    def test_uids_of_strange_ids_differ(self) -> None:
        """Two ids that differ have two uids, whatever signs they are made of."""
        ids = ["a b", "a_b", "a:b", "a:20b", "a~b", "ë", "a%20b"]

        assert len(ids) == len({_incident(N6, id=each).uid for each in ids})

    def test_origin(self) -> None:
        """The incident keeps the format, the id to the letter, the message's digest."""
        value = _value(XARF4)
        raw = json.dumps(value).encode()
        origin = read(raw, None, given.shipped().tables)[1].incident.origin

        assert origin is not None
        assert ("xarf4", value["report_id"]) == (origin.format, origin.id)
        assert sha256(raw).hexdigest() == origin.sha256

    def test_the_same_event_spelled_differently_is_the_same(self) -> None:
        """Blanks and the order of keys make no other incident of an event."""
        value = _value(INTELMQ)
        first, again = (
            pipeline.receive(raw, rulebook=given.shipped())
            for raw in (
                json.dumps(value).encode(),
                json.dumps(dict(reversed(value.items())), indent=2).encode(),
            )
        )

        assert (first.incident.uid, first.sha256) == (again.incident.uid, again.sha256)

    def test_a_uid_of_content_reaches_nobody(self) -> None:
        """The digest that numbers an event stands in no document for any recipient."""
        raw = json.dumps(_value(INTELMQ, tlp="WHITE")).encode()
        received = pipeline.receive(raw, rulebook=given.shipped())
        digest = received.incident.uid.rpartition(":")[2]
        previews = pipeline.preview(
            received, rulebook=given.shipped(), keys=given.keys(), now=given.NOW
        )
        documents = [body for shown in previews for body in shown.wires.values()]

        assert documents
        assert not any(digest.encode() in body for body in documents)

    @pytest.mark.parametrize(
        ("name", "path", "changes"),
        [
            (
                INTELMQ, "time.observation",
                {"time.observation": None, "time.source": None},
            ),
            (N6, "id", {"id": None}),
            (N6, "time", {"time": "yesterday", "modified": None}),
            (IDEA, "ID", {"ID": ""}),
            (XARF3, "Report.Date", {"Report": {"ReportType": "Spam"}}),
            (XARF4, "timestamp", {"timestamp": None}),
            (HIVE, "title", {"title": ["x", "y"]}),
            (RTIR, "Subject", {"Subject": " "}),
            (STIX, "objects", {"objects": []}),
            (IODEF, "Incident", {"Incident": []}),
        ],
        ids=str,
    )  # fmt: skip
    def test_what_is_needed(
        self, name: str, path: str, changes: dict[str, Any]
    ) -> None:
        """Without an id or a time a message is refused, and the place is named."""
        assert path == _refused(json.dumps(_value(name, **changes)).encode()).path

    def test_times_that_contradict(self) -> None:
        """A time before the beginning is left behind instead of refusing it all."""
        found = _parsed(IDEA, CeaseTime="2020-01-01T00:00:00Z")

        assert found.incident.times.occurred_until is None
        assert "CeaseTime (before the incident began)" in found.left_behind

    def test_a_revision_is_the_time_of_change(self) -> None:
        """A later change of the same message is a later revision of one incident."""
        old, new = (
            _incident(N6, modified=f"2026-03-0{day}T00:00:00Z") for day in (1, 2)
        )

        assert old.uid == new.uid
        assert old.revision < new.revision
        assert datetime(2026, 3, 2, tzinfo=UTC) == new.revised_at


def test_xml_and_json_of_iodef_say_the_same() -> None:
    """The same document in XML and in JSON is the same incident."""
    value = {
        "version": "2.0",
        "Incident": [
            {
                "restriction": "green",
                "IncidentID": {"id": "7", "name": "kos-cert.example"},
                "GenerationTime": "2026-03-01T10:05:00Z",
                "Description": ["Hyrje e paautorizuar"],
                "Assessment": [{"SystemImpact": [{"type": "takeover-system"}]}],
                "EventData": [
                    {"System": [{"category": "source", "Node": {"Address": [
                        {"category": "ipv4-addr", "value": "198.51.100.23"}]}}]}
                ],
            }
        ],
    }  # fmt: skip
    xml = """<?xml version="1.0" encoding="UTF-8"?>
      <iodef:IODEF-Document version="2.00"
          xmlns:iodef="urn:ietf:params:xml:ns:iodef-2.0">
      <iodef:Incident restriction="green">
      <iodef:IncidentID name="kos-cert.example">7</iodef:IncidentID>
      <iodef:GenerationTime>2026-03-01T10:05:00Z</iodef:GenerationTime>
      <iodef:Description xml:lang="sq">Hyrje e paautorizuar</iodef:Description>
      <iodef:Assessment><iodef:SystemImpact type="takeover-system"/></iodef:Assessment>
      <iodef:EventData><iodef:Flow><iodef:System category="source"><iodef:Node>
      <iodef:Address category="ipv4-addr">198.51.100.23</iodef:Address>
      </iodef:Node></iodef:System></iodef:Flow></iodef:EventData>
      </iodef:Incident></iodef:IODEF-Document>"""
    made = [
        read(raw, None, given.shipped().tables)[1].incident.model_copy(
            update={"origin": None}
        )
        for raw in (json.dumps(value).encode(), xml.encode())
    ]

    assert made[0] == made[1]
    assert {"198.51.100.23": Role.ATTACKER} == _roles(made[0])


@pytest.mark.parametrize(
    ("digest", "taken"),
    [
        ("a" * 64, True),
        ("qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo=", True),
        ("zz", False),
    ],
)
def test_digests_of_iodef(digest: str, taken: bool) -> None:
    """A digest may be in hex, or in base64 as XML Signature writes it."""
    one = {
        "DigestMethod": "http://www.w3.org/2001/04/xmlenc#sha256",
        "DigestValue": digest,
    }
    data = [{"RecordData": [{"FileData": [{"File": [{"HashData": {"Hash": [one]}}]}]}]}]
    found = _incident(IODEF, **_iodef(EventData=data))

    assert taken is any(each.kind == "sha256" for each in found.observables)


def test_withdrawn_and_closed() -> None:
    """A revoked report, a false positive and a rejected ticket are withdrawn."""
    objects = deepcopy(_value(STIX)["objects"])
    objects[5]["revoked"] = True
    status = [
        _incident(STIX, objects=objects).status,
        _incident(HIVE, status="FalsePositive").status,
        _incident(RTIR, Status="rejected").status,
        _incident(RTIR, Status="resolved").status,
        _incident(N6, type="bl-delist").status,
    ]

    assert ["withdrawn", "withdrawn", "withdrawn", "closed", "closed"] == status


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.iterdir()))
def test_a_format_is_recognised(name: str) -> None:
    """Each message is recognised by looking, as what its content type would say."""
    raw = (SAMPLES / name).read_bytes()
    tables = given.shipped().tables
    found = format_of(raw, None, tables)

    assert found == format_of(raw, CONTENT_TYPES[found], tables)
    assert found == format_of(raw, "application/octet-stream", tables)


def test_a_topic_tells_the_format() -> None:
    """A topic that a table names tells the format of a message that does not."""
    tables = given.shipped().tables
    n6 = tables.formats["n6"].model_copy(update={"topics": ("sensors.n6",)})
    tables = tables.model_copy(update={"formats": {**tables.formats, "n6": n6}})

    assert "n6" == format_of(b"{}", None, tables, "sensors.n6")
    assert "native" == format_of(b'{"uid": 1}', None, tables, "csirt.incidents")
    assert "stix" == format_of(b"{}", "application/stix+json", tables, "sensors.n6")


def test_what_looks_like_nothing_is_refused() -> None:
    """JSON that looks like no format is refused, with the formats that there are."""
    refused = _refused(b'{"hello": "world"}')

    assert "it looks like no format that is read" == refused.problem
    assert "intelmq" in refused.advice


def test_hierarchical_intelmq_is_the_same() -> None:
    """An IntelMQ event with objects instead of dotted keys says the same."""
    flat = _value(INTELMQ)
    nested: dict[str, Any] = {}
    for key, value in flat.items():
        *groups, name = key.split(".")
        inner = nested
        for group in groups:
            inner = inner.setdefault(group, {})
        inner[name] = value
    made = [
        read(json.dumps(value).encode(), None, given.shipped().tables)
        for value in (flat, nested)
    ]
    same = {"origin": None, "uid": "x:1"}

    assert ["intelmq", "intelmq"] == [name for name, _ in made]
    first, second = (parsed.incident.model_copy(update=same) for _, parsed in made)
    assert first == second
    assert sorted(made[0][1].left_behind) == sorted(made[1][1].left_behind)


class TestTicketsOfRt:
    @pytest.mark.parametrize("key", ["CF.IP", "CF.{IP}", "CustomField.{IP}"])
    def test_custom_fields_as_keys(self, key: str) -> None:
        """Older versions of REST2 write a custom field as a key of the ticket."""
        found = _incident(RTIR, CustomFields=[], **{key: ["203.0.113.9"]})

        assert ["203.0.113.9"] == [one.value for one in found.observables]

    def test_an_address_range(self) -> None:
        """RT writes a network as a range: it is read as networks, not as a name."""
        values = [
            "203.0.113.0-203.0.113.255",
            "203.0.113.1-203.0.113.254",
            "x-y.example",
        ]
        found = _incident(RTIR, CustomFields=[{"name": "IP", "values": values}])
        told = [(one.kind, one.value) for one in found.observables]

        assert ("ipv4", "203.0.113.0/24") == told[0]
        assert ("domain", "x-y.example") == told[-1]
        assert {"ipv4"} == {kind for kind, _ in told[:-1]}

    def test_a_range_of_too_many_networks_is_noted(self) -> None:
        """A range that no few networks make up is noted, and is no host's name."""
        values = ["10.0.0.1-10.255.255.254", "2001:db8::1-2001:db8::ffff:ffff:ffff:1"]
        found = _parsed(RTIR, CustomFields=[{"name": "IP", "values": values}])

        assert () == found.incident.observables
        assert {
            "CustomFields[0].values (its value is not of the kind ipv4)",
            "CustomFields[0].values (its value is not of the kind ipv6)",
        } <= set(found.left_behind)

    def test_vulnerabilities(self) -> None:
        """RTIR's field of vulnerabilities is read."""
        fields = [{"name": "CVE ID", "values": ["CVE-2026-1234"]}]
        found = _incident(RTIR, CustomFields=fields)

        assert [("cve", "CVE-2026-1234")] == [
            (o.kind, o.value) for o in found.observables
        ]

    def test_a_group_that_asked(self) -> None:
        """A group among the requestors is no person, and its number no name."""
        people = [{"id": "42", "type": "group"}, {"id": "a@b.example", "type": "user"}]
        found = _parsed(RTIR, Requestor=people)

        assert found.incident.reporter is not None
        assert "a@b.example" == found.incident.reporter.contacts.email
        assert "Requestor[0] (a group, not a person)" in found.left_behind

    def test_a_date_that_nobody_set(self) -> None:
        """RT writes 1970 where nobody has set a date: that is nothing, and no loss."""
        found = _parsed(RTIR, Starts="1970-01-01T00:00:00Z")

        assert found.incident.times.occurred_from is None
        assert not any(note.startswith("Starts") for note in found.left_behind)
