"""Facts about what is left of an incident, and about the ledger of its fields."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest
from pydantic import BaseModel

from broker.errors import RedactionError
from broker.model.incident import Incident
from broker.model.sharing import Redacted
from broker.redact import compile_plan, project
from tests.unit import given

FULL: dict[str, Any] = {
    "description": "What happened.",
    "confidence": 70,
    "handling_caveats": ["First", "Second"],
    "embargo_until": "2026-11-01T00:00:00Z",
    "times": {"detected": "2026-11-19T06:07:08Z"},
    "reporter": {"name": "Shpresa", "contacts": {"email": "s@koop.example"}},
    "victims": [
        {
            "kind": "person",
            "name": "Vera",
            "contacts": {"email": "vera@posta.example", "phone": "+383 45 333 444"},
            "consent": "given",
        },
        {"kind": "organisation", "name": "Zyra", "consent": "unknown"},
    ],
    "suspects": [{"kind": "person", "accounts": ["A-1", "A-2"], "minor": True}],
    "observables": [
        {"kind": "ipv4", "value": "203.0.113.9", "role": "victim", "to_ids": True},
        {"kind": "email", "value": "x@mashtrim.example", "comment": "From the mail"},
    ],
    "evidence": [{"name": "disk.img", "sha256": "7c" * 32, "size": 5}],
    "financial_loss": {"amount": "10.50", "accounts": ["A-3"]},
    "affected_systems": [{"name": "FINANCA-03", "function": "salaries"}],
    "relations": [{"uid": "KOS-2026-0"}],
    "references": ["https://tiketat.example/1"],
    "case_reference": "PPN-1",
    "origin": {"format": "n6", "id": "7", "sha256": "3d" * 32},
}


def _project(rules: dict[str, Any], rest: str = "withhold", **fields: Any) -> Redacted:
    profile = given.profile(rules, rest=rest)
    plan = compile_plan(profile, given.kinds(), given.document())
    return project(given.incident(**fields), plan, given.key())


def _observables(rules: Any, *observables: dict[str, Any]) -> Any:
    made = _project({"observables[].value": rules}, "keep", observables=observables)
    return made.view.get("observables")


def _present(part: BaseModel, prefix: str = "") -> Iterator[str]:
    """Yield the path of every field that has a value, as the ledger writes it."""
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, BaseModel):
            yield from _present(value, f"{prefix}{name}.")
        elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            for number, item in enumerate(value):
                yield from _present(item, f"{prefix}{name}[{number}].")
        elif value not in (None, ()):
            yield f"{prefix}{name}" + ("[]" if isinstance(value, tuple) else "")


@pytest.mark.parametrize("rest", ["keep", "withhold"])
def test_ledger_is_complete(rest: str) -> None:
    """Every field that the incident has stands in the ledger exactly once."""
    incident = given.incident(**FULL)

    entries = [entry.field for entry in _project({}, rest, **FULL).ledger()]

    assert sorted(_present(incident)) == sorted(entries)


def test_withholding_all_leaves_the_markings() -> None:
    """A profile that withholds everything leaves TLP and PAP, and no empty part."""
    assert {"tlp": "green", "pap": "green"} == _project({}, **FULL).view


def test_keeping_all_leaves_all() -> None:
    """A profile that keeps everything leaves the incident as JSON values."""
    view = _project({}, "keep", **FULL).view

    assert "2026-11-19T06:07:08Z" == view["times"]["detected"]
    assert {"email": "s@koop.example"} == view["reporter"]["contacts"]
    assert ["First", "Second"] == view["handling_caveats"]
    assert ["A-1", "A-2"] == view["suspects"][0]["accounts"]
    assert "+383 45 333 444" == view["victims"][0]["contacts"]["phone"]


def test_ledger_counts() -> None:
    """The ledger counts what was kept, changed and withheld."""
    rules = {"title": "keep", "case_reference": "mask"}
    made = _project(rules, case_reference="PPN-1")

    counts = made.counts()

    assert (3, 1) == (counts["kept"], counts["changed"])
    assert len(made.ledger()) == sum(counts.values())


def test_ledger_names_method_and_line() -> None:
    """An entry of the ledger names the method and the line of the profile."""
    text = "profile: p\nfields:\n  uid: keep\n  title: mask\n"
    plan = compile_plan(
        given.profile({"title": "mask"}), given.kinds(), given.document(text=text)
    )

    ledger = project(given.incident(), plan, given.key()).ledger()

    [entry] = [entry for entry in ledger if entry.field == "title"]
    assert ("mask", "policies/profiles/p.yaml:4") == (entry.outcome, entry.where)


def test_ledger_numbers_items() -> None:
    """An entry of the ledger says which item of a list it is about."""
    rules = {
        "victims[].name": [
            {"method": "keep", "only": {"consent": ["given"]}},
            {"method": "pseudonym"},
        ]
    }
    ledger = {entry.field: entry.outcome for entry in _project(rules, **FULL).ledger()}

    assert "kept" == ledger["victims[0].name"]
    assert "pseudonym" == ledger["victims[1].name"]


def test_method_that_leaves_nothing_withholds() -> None:
    """A value that its method cannot redact is withheld, and the ledger says so."""
    made = _project(
        {"references[]": "domain_only"}, references=["https://192.0.2.1/arta"]
    )

    assert "references" not in made.view
    assert "withheld" in [e.outcome for e in made.ledger() if e.field == "references[]"]


def test_list_of_values_is_redacted_one_by_one() -> None:
    """Of a list of values each is redacted, and what is left of none disappears."""
    made = _project(
        {"references[]": "domain_only"},
        references=["https://a.example/x", "https://192.0.2.1/", "https://b.example"],
    )

    assert ["a.example", "b.example"] == made.view["references"]


def test_first_rule_that_fits_counts() -> None:
    """An item takes the first rule whose selector fits it, and no later one."""
    rules = [
        {"method": "withhold", "only": {"minor": True}},
        {"method": "keep", "only": {"consent": ["given"]}},
        {"method": "mask"},
    ]
    victims = [
        {"kind": "person", "name": "A", "consent": "given", "minor": True},
        {"kind": "person", "name": "B", "consent": "given"},
        {"kind": "person", "name": "C", "consent": "refused"},
    ]

    view = _project({"victims[].name": rules}, victims=victims).view

    assert [{"name": "B"}, {"name": "[withheld]"}] == view["victims"]


def test_selector_needs_all_that_it_says() -> None:
    """A rule for attackers' addresses is for neither victims' nor attackers' mail."""
    only = {"kind": ["ipv4"], "role": ["attacker"]}
    rules = [{"method": "keep", "only": only}, "withhold"]

    seen = _observables(
        rules,
        {"kind": "ipv4", "value": "192.0.2.1", "role": "attacker"},
        {"kind": "ipv4", "value": "192.0.2.2", "role": "victim"},
        {"kind": "email", "value": "a@b.example", "role": "attacker"},
    )

    assert ["192.0.2.1"] == [item["value"] for item in seen]


def test_data_class_is_that_of_the_kind() -> None:
    """A rule for a data-protection class is for every kind of that class."""
    rules = [{"method": "keep", "only": {"data_class": ["financial"]}}, "withhold"]

    seen = _observables(
        rules,
        {"kind": "iban", "value": "XK051212012345678906"},
        {"kind": "btc", "value": "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"},
        {"kind": "password", "value": "hunter2"},
    )

    assert ["btc", "iban"] == [item["kind"] for item in seen]


def test_observable_without_its_value_vanishes() -> None:
    """Where the value is withheld, kind, role and comment go with it."""
    made = _project({"observables[].value": "withhold"}, "keep", **FULL)

    assert "observables" not in made.view
    outcomes = {e.outcome for e in made.ledger() if e.field.startswith("observables")}
    assert {"withheld"} == outcomes


def test_item_of_which_nothing_is_left_vanishes() -> None:
    """An item whose fields are all withheld leaves no trace of its number."""
    made = _project({"victims[].name": "keep"}, victims=[{"kind": "person"}])

    assert "victims" not in made.view


def test_redacted_observable_is_not_exact() -> None:
    """An observable says whether its value is the one that was seen."""
    rules = [{"method": "pseudonym", "only": {"kind": ["email"]}}, "keep"]

    seen = _observables(
        rules,
        {"kind": "email", "value": "a@b.example"},
        {"kind": "ipv4", "value": "192.0.2.1"},
    )

    exact = [("ipv4", True), ("pseudonym", False)]
    assert exact == [(item["kind"], item["exact"]) for item in seen]


OBSERVED = (
    {"kind": "ipv4", "value": "203.0.113.9", "role": "victim", "comment": "b"},
    {"kind": "ipv4", "value": "203.0.113.77", "role": "attacker", "comment": "a"},
    {"kind": "ipv4", "value": "198.51.100.1", "role": "victim"},
)


def test_order_of_observables_is_that_of_what_is_seen() -> None:
    """In whatever order the CSIRT wrote observables down, the same is seen."""
    cut = [{"method": "truncate_ip", "only": {"kind": ["ipv4"]}}, "withhold"]

    views = [_observables(cut, *order) for order in permutations(OBSERVED)]

    assert [views[0]] * 6 == views


def test_observables_that_read_alike_are_one() -> None:
    """Two addresses of one network are one observable: the number is withheld too."""
    cut = [{"method": "truncate_ip", "only": {"kind": ["ipv4"]}}, "withhold"]

    seen = _observables(cut, *OBSERVED)

    networks = ["198.51.100.0/24", "203.0.113.0/24"]
    assert networks == [item["value"] for item in seen]


def test_unknown_kind_is_an_error() -> None:
    """An observable of a kind that the plan does not know stops the redaction."""
    plan = compile_plan(given.profile(), {}, given.document())
    incident = given.incident(observables=[{"kind": "ipv4", "value": "192.0.2.1"}])

    with pytest.raises(RedactionError, match=r"^observables\[0\] is of an unknown"):
        project(incident, plan, given.key())


def test_incident_is_left_as_it_was() -> None:
    """Redaction changes a copy: the incident stays as it was read."""
    incident: Incident = given.incident(**FULL)
    before = incident.model_dump_json()
    plan = compile_plan(given.profile(rest="keep"), given.kinds(), given.document())

    project(incident, plan, given.key())

    assert before == incident.model_dump_json()


@pytest.mark.parametrize("rest", ["keep", "withhold"])
def test_uid_made_of_content_is_a_pseudonym(rest: str) -> None:
    """A uid that is a digest of a message leaves under another name, or not at all."""
    uid = f"intelmq:sha256:{'5f' * 32}"
    made = _project({"uid": rest}, uid=uid)
    ledger = {entry.field: entry.outcome for entry in made.ledger()}

    if rest == "withhold":
        assert ("withheld", None) == (ledger["uid"], made.view.get("uid"))
    else:
        assert "pseudonym" == ledger["uid"]
        assert made.view["uid"].startswith("p-")
        assert uid not in str(made.view)
