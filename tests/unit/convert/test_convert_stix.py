"""Facts about the bundle that one recipient gets."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from broker.convert import (
    EXTENSION,
    Case,
    Frame,
    case_name,
    frame,
    to_retraction,
    to_stix,
)
from broker.convert.observables import writers
from broker.convert.withheld import withheld_lines
from broker.errors import ConversionError
from broker.model.agreement import LegalBasis
from broker.model.sharing import Bundle, Edition, Redacted
from tests.unit import given

CREATED = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
MODIFIED = datetime(2026, 11, 20, 10, 0, 1, tzinfo=UTC)
MARKED = {"tlp": "green", "pap": "green"}


def _frame(**changes: Any) -> Frame:
    book = given.shipped()
    agreement = given.route().agreement.model_copy(update=changes)
    return frame(agreement, book.csirt, book.tables, withheld_lines(given.profile()))


def _case(number: int = 2) -> Case:
    return Case("KOS-1", given.key().ids, Edition(number, CREATED, MODIFIED, "c"))


def _bundle(**view: Any) -> Bundle:
    return to_stix(Redacted({**MARKED, **view}, ()), _frame(), _case())


def _of(bundle: Bundle, kind: str) -> list[dict[str, Any]]:
    return [made for made in bundle.objects if made["type"] == kind]


def _report(bundle: Bundle) -> dict[str, Any]:
    [report] = _of(bundle, "report")
    return report


def _seen(kind: str, value: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "value": value, "role": "attacker", "exact": True, **more}


def _observed(bundle: Bundle) -> dict[str, Any]:
    [observed] = _of(bundle, "observed-data")
    return observed


def _summary(**view: Any) -> str:
    [note] = _of(_bundle(**view), "note")
    return str(note["content"])


# --- The whole


def test_bundle_is_one_report() -> None:
    """The report refers to every object that is not the frame: nothing rides along."""
    bundle = _bundle(
        title="T",
        observables=[_seen("ipv4", "192.0.2.1", to_ids=True)],
        victims=[{"name": "V"}],
        evidence=[{"sha256": "7c" * 32}],
        financial_loss={"amount": "1"},
        affected_systems=[{"name": "S"}],
    )

    frame_ids = {made["id"] for made in bundle.objects[:5]}
    others = {made["id"] for made in bundle.objects} - frame_ids
    refs = _report(bundle)["object_refs"]
    assert others - {_report(bundle)["id"]} == set(refs)
    assert sorted(refs) == refs
    assert len(bundle.objects) == len({made["id"] for made in bundle.objects})


@pytest.mark.parametrize(
    ("onward", "words"),
    [
        ("forbidden", "forbidden"),
        ("with-consent", "only with the consent of KOS-CERT"),
        ("allowed", "allowed"),
    ],
)
def test_onward_transfer_is_said_in_words(onward: str, words: str) -> None:
    """The marking of a bundle says like the summary whether it may be passed on."""
    case = Redacted(MARKED, ())
    bundle = to_stix(case, _frame(onward=onward), _case())
    [statement] = [
        made["definition"]["statement"]
        for made in _of(bundle, "marking-definition")
        if "definition" in made
    ]
    [summary] = _of(bundle, "note")

    assert statement.endswith(f" Onward transfer: {words}.")
    assert f"\n- Onward transfer: {words}\n" in summary["content"]


def test_every_object_is_marked() -> None:
    """Every object of the case carries TLP, PAP and the agreement's statement."""
    bundle = _bundle(observables=[_seen("cve", "CVE-2026-1"), _seen("md5", "a" * 32)])

    made = bundle.objects[5:]
    markings = {tuple(one["object_marking_refs"]) for one in made}

    tlp, pap = bundle.objects[3:5]
    assert {(tlp["id"], pap["id"], _frame().statement)} == markings
    assert ("TLP:GREEN", "PAP:GREEN") == (tlp["name"], pap["name"])


def test_times_of_the_edition() -> None:
    """Every object has the edition's times, with milliseconds."""
    report = _report(_bundle())

    expected = ("2026-11-20T09:30:00.000Z", "2026-11-20T10:00:01.000Z")
    assert expected == (report["created"], report["modified"])
    assert expected[0] == report["published"]


@pytest.mark.parametrize("missing", ["tlp", "pap"])
def test_missing_marking_is_an_error(missing: str) -> None:
    """A view without TLP or PAP is not written at all."""
    view = {name: level for name, level in MARKED.items() if name != missing}

    with pytest.raises(ConversionError, match=r"^TLP or PAP is missing"):
        to_stix(Redacted(view, ()), _frame(), _case())


def test_unknown_kind_is_an_error() -> None:
    """An observable of a kind without a row is an error, and not left out."""
    with pytest.raises(ConversionError, match=r"^an observable is of a kind without"):
        _bundle(observables=[_seen("shoe", "43")])


def test_editions_of_a_case_keep_their_ids() -> None:
    """Two editions have the same objects in two bundles."""
    first, second = (
        to_stix(Redacted(MARKED, ()), _frame(), _case(number)) for number in (1, 2)
    )

    ids = [[made["id"] for made in bundle.objects] for bundle in (first, second)]
    assert ids[0] == ids[1]
    assert first.id != second.id


def test_withheld_title_says_the_sort() -> None:
    """Without a title the case is called by its sort and number, if they are seen."""
    made = _frame()
    phishing = {"classification": "fraud/phishing", "uid": "KOS-1"}

    assert "T" == case_name({"title": "T", **phishing}, made)
    assert "Phishing: KOS-CERT case KOS-1" == case_name(phishing, made)
    assert "Incident: KOS-CERT case" == case_name({}, made)


def test_report_carries_what_is_seen() -> None:
    """References, language and confidence of the case stand in the report."""
    report = _report(
        _bundle(
            uid="KOS-1",
            case_reference="PPN-1",
            references=["https://a.example/1"],
            language="sq",
            confidence=0,
        )
    )

    assert [
        {"source_name": "reference", "url": "https://a.example/1"},
        {"source_name": "KOS-CERT", "external_id": "KOS-1"},
        {"source_name": "case", "external_id": "PPN-1"},
    ] == report["external_references"]
    assert ("sq", 0) == (report["lang"], report["confidence"])


def test_report_of_nothing_has_no_empty_parts() -> None:
    """What is withheld leaves no empty property behind."""
    report = _report(_bundle())

    assert set() == {"external_references", "lang", "labels"} & set(report)


def test_labels_are_machine_tags() -> None:
    """A classification becomes the tags of RSIT and of Europol."""
    labels = _report(_bundle(classification="abusive-content/spam"))["labels"]

    assert 'rsit:abusive-content="spam"' == labels[0]
    assert "europol-event:spam" in labels
    assert "europol-event:email-flooding" not in labels


# --- Observables


def test_observable_is_seen_and_matched() -> None:
    """An exact observable that may be matched becomes four objects."""
    bundle = _bundle(observables=[_seen("ipv4", "192.0.2.1", to_ids=True)])

    [indicator] = _of(bundle, "indicator")
    [relation] = _of(bundle, "relationship")
    observed = _observed(bundle)
    assert "[ipv4-addr:value = '192.0.2.1']" == indicator["pattern"]
    assert ("based-on", indicator["id"], observed["id"]) == (
        relation["relationship_type"],
        relation["source_ref"],
        relation["target_ref"],
    )
    assert [_of(bundle, "ipv4-addr")[0]["id"]] == observed["object_refs"]
    assert observed["extensions"][EXTENSION]["to_ids"] is True


@pytest.mark.parametrize(
    "seen",
    [
        _seen("ipv4", "192.0.2.0/24", to_ids=True, exact=False),
        _seen("ipv4", "192.0.2.1", to_ids=False),
        _seen("ipv4", "192.0.2.1"),
        _seen("person-name", "Arta", to_ids=True),
        _seen("iban", "XK051212012345678906", to_ids=True),
        _seen("pseudonym", "p-aaaaaaaaaaaaaaaa", to_ids=True),
        _seen("text", "[withheld]", to_ids=True),
    ],
    ids=lambda seen: f"{seen['kind']}-{seen['exact']}-{seen.get('to_ids')}",
)
def test_what_must_not_be_matched_has_no_pattern(seen: dict[str, Any]) -> None:
    """A redacted value, a person or an account is never matched, whoever asks."""
    bundle = _bundle(observables=[seen])

    assert [] == _of(bundle, "indicator")
    assert _observed(bundle)["extensions"][EXTENSION]["to_ids"] is False


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({"first_seen": "2026-11-18T01:00:00Z"}, ("18T01:00:00", "18T01:00:00")),
        ({"last_seen": "2026-11-19T02:00:00Z"}, ("19T02:00:00", "19T02:00:00")),
        (
            {
                "first_seen": "2026-11-18T01:00:00Z",
                "last_seen": "2026-11-19T02:00:00Z",
            },
            ("18T01:00:00", "19T02:00:00"),
        ),
        (
            {
                "first_seen": "2026-11-18T01:00:00Z",
                "last_seen": "2026-11-18T00:00:00Z",
            },
            ("18T01:00:00", "18T01:00:00"),
        ),
        ({}, ("20T09:30:00", "20T09:30:00")),
    ],
    ids=["first", "last", "both", "last-is-cut", "nothing"],
)
def test_observed_times(seen: dict[str, str], expected: tuple[str, str]) -> None:
    """Observation has a beginning and an end, and never ends before it begins."""
    observed = _observed(_bundle(observables=[_seen("port", "443", **seen)]))

    times = observed["first_observed"], observed["last_observed"]
    assert expected == tuple(time[8:-5] for time in times)
    about = observed["extensions"][EXTENSION]
    assert about.get("last_seen", "~") >= about.get("first_seen", "")


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({"detected": "2026-11-19T06:07:08Z", "occurred_from": "x"}, "19T06:07:08"),
        ({"occurred_from": "2026-11-18T00:00:00Z"}, "18T00:00:00"),
    ],
)
def test_unknown_observation_is_when_it_was_detected(
    times: dict[str, str], expected: str
) -> None:
    """An observable without times was seen when the incident was."""
    bundle = _bundle(observables=[_seen("port", "443")], times=times)

    assert expected == _observed(bundle)["first_observed"][8:-5]


def test_same_object_stands_once() -> None:
    """A domain that is a host too is one object that was observed twice."""
    bundle = _bundle(
        observables=[_seen("domain", "a.example"), _seen("hostname", "a.example")]
    )

    assert (1, 2) == (
        len(_of(bundle, "domain-name")),
        len(_of(bundle, "observed-data")),
    )


def test_vulnerability_is_named() -> None:
    """A weakness is a domain object with its CVE number, and has no pattern."""
    bundle = _bundle(observables=[_seen("cve", "CVE-2026-1234", to_ids=True)])

    [made] = _of(bundle, "vulnerability")
    assert "CVE-2026-1234" == made["name"]
    assert [{"source_name": "cve", "external_id": "CVE-2026-1234"}] == made[
        "external_references"
    ]
    assert [] == _of(bundle, "indicator")


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("filename", "it's", r"[file:name = 'it\'s']"),
        ("filename", "C:\\a", r"[file:name = 'C:\\a']"),
        ("filename", "\\'", r"[file:name = '\\\'']"),
        ("sha256", "ab" * 32, f"[file:hashes.'SHA-256' = '{'ab' * 32}']"),
        ("asn", "64496", "[autonomous-system:number = 64496]"),
        (
            "subject",
            "S'",
            r"[email-message:subject = 'S\'' AND email-message:is_multipart = false]",
        ),
        (
            "iban",
            "XK05",
            "[user-account:user_id = 'XK05' AND user-account:account_type = 'iban']",
        ),
    ],
)
def test_patterns(kind: str, value: str, expected: str) -> None:
    """A pattern quotes names with a hyphen, and escapes quotes and backslashes."""
    assert expected == writers(given.kinds())[kind].pattern(value)


# --- Parts


def test_party_without_a_name() -> None:
    """A party whose name is withheld says so, and is told apart by its number."""
    bundle = _bundle(victims=[{"kind": "person"}, {"sector": "health"}])

    named = [
        (made["name"], made["identity_class"]) for made in _of(bundle, "identity")[1:]
    ]
    assert [
        ("Victim 1 (name withheld)", "individual"),
        ("Victim 2 (name withheld)", "unknown"),
    ] == named


def test_party_carries_its_fields() -> None:
    """A party's fields stand under their paths in the incident."""
    contacts = {"email": "v@a.example", "phone": "+383"}
    suspect = {"name": "S", "contacts": contacts, "accounts": ["a", "b"]}

    made = _of(_bundle(suspects=[suspect]), "identity")[1]

    assert {
        "name": "S",
        "contacts.email": "v@a.example",
        "contacts.phone": "+383",
        "accounts[]": ["a", "b"],
    } == made["extensions"][EXTENSION]["fields"]
    assert ("v@a.example; +383", ["suspect"]) == (
        made["contact_information"],
        made["roles"],
    )


@pytest.mark.parametrize(
    ("item", "count"),
    [({"sha256": "7c" * 32}, 1), ({"name": "a"}, 1), ({"size": 5}, 0)],
    ids=str,
)
def test_evidence_needs_hash_or_name(item: dict[str, Any], count: int) -> None:
    """A piece of evidence of which neither hash nor name is seen is not written."""
    bundle = _bundle(evidence=[item])

    assert [count] * 2 == [len(_of(bundle, kind)) for kind in ("file", "observed-data")]


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (
            {"amount": "18750.40", "currency": "EUR", "accounts": ["A", "B"]},
            "Financial loss: 18750.40 EUR; Accounts: A, B",
        ),
        ({"accounts": ["A"]}, "Accounts: A"),
        ({"currency": "EUR"}, "Financial loss: EUR"),
    ],
    ids=str,
)
def test_loss_is_said(loss: dict[str, Any], expected: str) -> None:
    """A loss is a note that says what of it is seen."""
    notes = _of(_bundle(financial_loss=loss), "note")

    assert [expected] == [n["content"] for n in notes if "extensions" in n]


# --- Summary


def test_summary_says_what_is_seen() -> None:
    """The summary names sort, number, times and offences, and how to ask."""
    text = _summary(
        classification="fraud/phishing",
        uid="KOS-1",
        severity="high",
        times={"detected": "2026-11-19T06:07:08Z", "reported": "2026-11-19T00:00:00Z"},
        handling_caveats=["Answer before Friday"],
        relations=[{"uid": "KOS-0"}],
        description="What happened.",
    )

    for line in (
        "- What: Phishing",
        "- Case number at the CSIRT: KOS-1",
        "- Detected: 2026-11-19T06:07:08Z",
        "- Reported to the CSIRT: 2026-11-19",
        "- Handling: Answer before Friday",
        "- Related cases: KOS-0",
        "What happened.",
        "## Offences that this may touch",
        "- Edition 2 of this case",
    ):
        assert line in text.split("\n")


WITHHELD: dict[str, Any] = {
    "uid": "KOS-2026-77",
    "title": "A title that nobody sees",
    "description": "A description that nobody sees",
    "classification": "fraud/masquerade",
    "severity": "critical",
    "urgency": "threat-to-life",
    "case_reference": "PPN-77",
    "handling_caveats": ["A caveat"],
    "relations": [{"uid": "KOS-2026-76"}],
    "times": {"detected": "2026-11-19T06:07:08Z"},
    "reporter": {"name": "Shpresa"},
    "victims": [{"name": "Vera"}],
}


@pytest.mark.parametrize("field", WITHHELD)
def test_summary_never_mentions_what_is_withheld(field: str) -> None:
    """A field that is withheld does not change one letter of the summary."""
    rest = {name: value for name, value in WITHHELD.items() if name != field}
    changed = _summary(**WITHHELD) != _summary(**rest)

    assert changed is (field not in {"title", "victims"})
    assert "Vera" not in _summary(**WITHHELD)


@pytest.mark.parametrize(
    ("reporter", "line"),
    [
        ({"name": "Shpresa", "organisation": "Koop", "kind": "csirt"},
         "- Reported by: Shpresa, Koop (csirt)"),
        ({"organisation": "p-1f", "contacts": {"email": "a@b.example"}},
         "- Reported by: p-1f, a@b.example"),
        ({"kind": "authority"}, "- Reported by: authority"),
    ],
)  # fmt: skip
def test_summary_names_a_reporter_who_may_be_known(
    reporter: dict[str, Any], line: str
) -> None:
    """What the agreement leaves of the reporter is told; without it, no line is."""
    assert line in _summary(reporter=reporter).splitlines()
    assert "Reported by" not in _summary()


def test_unconfirmed_law_is_said_to_be() -> None:
    """A citation that no lawyer confirmed says so; a confirmed one names who did."""
    confirmed = {"confirmed_by": "B. Juristi", "confirmed_on": date(2026, 10, 1)}
    basis = (
        LegalBasis(act="Act 1", citation="art. 1"),
        LegalBasis(act="Act 2", citation="art. 2", **confirmed),
    )

    ending = _frame(legal_basis=basis).ending

    assert "Act 1, art. 1 (to be confirmed by a lawyer)" in ending
    assert "Act 2, art. 2 (confirmed by B. Juristi)" in ending


# --- Taking back


def test_retraction_holds_a_notice_and_nothing_else() -> None:
    """A retraction is a revoked report with one note that says why."""
    bundle = to_retraction(_frame(), _case(), ("amber", "red"), "it was withdrawn")

    report = _report(bundle)
    [note] = _of(bundle, "note")
    assert report["revoked"] is True
    assert "[Taken back by KOS-CERT]" == report["name"]
    assert [note["id"]] == report["object_refs"]
    assert "has taken this case back: it was withdrawn." in note["content"]
    assert ["TLP:AMBER", "PAP:RED"] == [made["name"] for made in bundle.objects[3:5]]
    assert 7 == len(bundle.objects)


def test_retraction_is_of_the_same_report() -> None:
    """The report that is taken back is the one that was shared."""
    taken_back = to_retraction(_frame(), _case(3), ("green", "green"), "x")

    assert _report(_bundle())["id"] == _report(taken_back)["id"]
    assert _report(_bundle())["created"] == _report(taken_back)["created"]


@pytest.mark.parametrize(
    ("confidence", "credibility", "judgment"),
    [(100, "1", "high"), (79, "2", "high"), (69, "2", "moderate"), (5, "5", "low")],
)
def test_confidence_is_tagged(confidence: int, credibility: str, judgment: str) -> None:
    """A confidence is said in the words of STIX's two scales (2.1, appendix A)."""
    labels = _report(_bundle(confidence=confidence))["labels"]

    assert f'admiralty-scale:information-credibility="{credibility}"' in labels
    assert f'estimative-language:confidence-in-analytic-judgment="{judgment}"' in labels


def test_a_confidence_of_nothing_is_no_judgement() -> None:
    """Zero means that nothing is known, and not that it is improbable."""
    labels = _report(_bundle(confidence=0))["labels"]

    assert ['admiralty-scale:information-credibility="6"'] == labels


def test_only_a_period_that_the_taxonomy_knows_is_tagged() -> None:
    """Ten years have a tag; five have none, because a wrong one would mislead."""
    assert ("retention:10y",) == _frame(retention_days=3650).kept_for
    assert () == _frame(retention_days=1825).kept_for


def test_the_summary_says_what_is_never_shared() -> None:
    """Which fields an agreement keeps back follows from its profile alone."""
    ending = _frame().ending

    assert "- Never shared under the agreement: " in ending
    assert "reporter" in ending
    assert "reported back as sightings" in ending


def test_fields_kept_back_are_named_by_their_owner() -> None:
    """An owner with nothing left is named whole, others with their fields."""
    lines = withheld_lines(
        given.profile(
            {
                "victims[].sector": "keep",
                "observables[].value": {"method": "pseudonym"},
            }
        )
    )

    (never, partly) = lines
    assert "; suspects; " in never
    assert "victims (kind, name, country" in never
    assert "- Shared in part, or in another form: observables (value)" == partly
