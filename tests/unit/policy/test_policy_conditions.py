"""Facts about the conditions that a clause may set."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from broker.model.agreement import Clause, When
from broker.model.decision import Effect
from broker.model.marking import Pap, Tlp
from broker.policy import Facts, Rules, conditions, decide
from broker.policy.conditions import CONDITIONS
from tests.unit.given import NOW

PERSON = {"kind": "person"}
COMPANY = {"kind": "organisation"}
ADDRESS = {"kind": "ipv4", "value": "192.0.2.1", "role": "victim"}
LOSS = {"amount": "10"}
LOST = {"financial_loss": LOSS}
NAMED = {"reporter": {"name": "N"}}


def _ago(days: int, hours: int = 0) -> dict[str, Any]:
    """Give the field of an incident that was detected so long before now."""
    detected = NOW - timedelta(days=days, hours=hours)
    return {"times": {"detected": detected.isoformat()}}


# A condition, its bound, fields with which it holds, and fields with which it does not.
CASES: list[tuple[str, Any, dict[str, Any], dict[str, Any]]] = [
    (
        "classification_in",
        {"fraud/phishing", "availability/ddos"},
        {"classification": "availability/ddos"},
        {"classification": "fraud/masquerade"},
    ),
    ("category_in", {"fraud"}, {}, {"classification": "test/test"}),
    ("severity_at_least", "high", {"severity": "high"}, {"severity": "medium"}),
    ("severity_at_least", "critical", {"severity": "critical"}, {}),
    ("confidence_at_least", 80, {"confidence": 80}, {"confidence": 79}),
    ("confidence_at_least", 0, {"confidence": 0}, {"confidence": None}),
    ("confidence_at_most", 30, {"confidence": 30}, {"confidence": 31}),
    ("confidence_at_most", 30, {"confidence": None}, {"confidence": 100}),
    ("tlp_at_most", "amber", {"tlp": "amber"}, {"tlp": "amber+strict"}),
    ("tlp_at_least", "amber", {"tlp": "amber+strict"}, {"tlp": "green"}),
    ("pap_at_most", "amber", {"pap": "amber"}, {"pap": "red"}),
    ("pap_at_least", "amber", {"pap": "red"}, {"pap": "green"}),
    ("urgency_in", {"threat-to-life"}, {"urgency": "threat-to-life"}, {}),
    ("status_in", {"closed"}, {"status": "closed"}, {"status": "open"}),
    ("source_in", {"own"}, {"reporter": None}, {"reporter": {}}),
    ("source_in", {"unknown"}, {"reporter": {}}, {"reporter": {"kind": "csirt"}}),
    ("source_in", {"csirt"}, {"reporter": {"kind": "csirt"}}, {"reporter": {}}),
    (
        "victim_consent_in",
        {"refused"},
        {"victims": [PERSON | {"consent": "given"}, PERSON | {"consent": "refused"}]},
        {"victims": [PERSON | {"consent": "given"}]},
    ),
    ("victim_consent_in", {"no-victim"}, {"victims": []}, {"victims": [PERSON]}),
    ("victim_kind_in", {"person"}, {"victims": [COMPANY, PERSON]}, {"victims": []}),
    ("victim_kind_in", {"person"}, {"victims": [PERSON]}, {"suspects": [PERSON]}),
    (
        "victim_sector_in",
        {"Energy"},
        {"victims": [COMPANY, COMPANY | {"sector": " eNERGY"}]},
        {"victims": [COMPANY | {"sector": "energy trading"}]},
    ),
    (
        "victim_country_in",
        {"AL", "XK"},
        {"victims": [PERSON | {"country": "DE"}, PERSON | {"country": "XK"}]},
        {"victims": [PERSON], "suspects": [PERSON | {"country": "XK"}]},
    ),
    ("minor_involved", True, {"victims": [PERSON | {"minor": True}]}, {}),
    ("minor_involved", True, {"suspects": [PERSON | {"minor": True}]}, {}),
    ("minor_involved", False, {}, {"suspects": [PERSON | {"minor": True}]}),
    ("financial_loss", True, {"financial_loss": LOSS}, {}),
    ("financial_loss", False, {}, {"financial_loss": LOSS}),
    ("loss_at_least", {"EUR": 10}, {"financial_loss": LOSS}, {}),
    ("loss_at_least", {"EUR": 11}, {"financial_loss": {"amount": "11.0"}}, LOST),
    ("loss_at_least", {"ALL": 1}, {"financial_loss": LOSS | {"currency": "ALL"}}, LOST),
    ("loss_at_most", {"EUR": 10}, LOST, {"financial_loss": {"amount": "10.01"}}),
    ("loss_at_most", {"EUR": 10}, {"financial_loss": {"amount": "9.9"}}, {}),
    ("loss_at_most", {"ALL": 10}, {"financial_loss": LOSS | {"currency": "ALL"}}, LOST),
    ("has_observable_kind_in", {"ipv4"}, {"observables": [ADDRESS]}, {}),
    ("has_observable_role_in", {"victim"}, {"observables": [ADDRESS]}, {}),
    ("has_field_in", {"victims[]", "description"}, {"victims": [PERSON]}, {}),
    (
        "has_field_in",
        {"victims[].contacts.email"},
        {"victims": [PERSON, PERSON | {"contacts": {"email": "a@b.example"}}]},
        {"victims": [PERSON | {"contacts": {"phone": "1"}}]},
    ),
    ("has_field_in", {"references[]"}, {"references": ["https://a.example"]}, {}),
    ("has_no_field_in", {"victims[]", "suspects[]"}, {}, {"suspects": [PERSON]}),
    ("has_no_field_in", {"reporter.name"}, {"reporter": {"organisation": "O"}}, NAMED),
    ("age_days_at_least", 30, _ago(30), _ago(29, 23)),
    ("age_days_at_least", 0, _ago(0), {}),
    ("age_days_at_most", 30, _ago(30, 23), _ago(31)),
    ("age_days_at_most", 30, _ago(-1), {}),
    (
        "age_days_at_most",
        0,
        {
            "times": {
                "occurred_from": "2020-01-01T00:00:00Z",
                "occurred_until": NOW.isoformat(),
            }
        },
        _ago(1),
    ),
]


def _named(case: Any) -> str:
    return case if isinstance(case, str) else ""


def test_conditions_are_complete() -> None:
    """Every line that a clause may write has a condition, and no condition is extra."""
    assert list(CONDITIONS) == list(When.model_fields)


def test_cases_are_complete() -> None:
    """Every condition has a case in this file."""
    assert set(CONDITIONS) == {case[0] for case in CASES}


@pytest.mark.parametrize(("name", "bound", "holds", "fails"), CASES, ids=_named)
def test_condition_holds(
    name: str,
    bound: Any,
    holds: dict[str, Any],
    fails: dict[str, Any],
    facts: Callable[..., Facts],
    rules: Callable[..., Rules],
    clause: Callable[..., Clause],
) -> None:
    """A condition shares the incident for which it holds, and only that one."""
    made = rules(clause("one", "share", **{name: bound}))

    assert Effect.SHARE is decide(facts(**holds), made, NOW).effect
    assert Effect.WITHHOLD is decide(facts(**fails), made, NOW).effect


@pytest.mark.parametrize(("name", "bound", "holds", "fails"), CASES, ids=_named)
def test_condition_that_fails_is_named(
    name: str,
    bound: Any,
    holds: dict[str, Any],
    fails: dict[str, Any],
    facts: Callable[..., Facts],
    rules: Callable[..., Rules],
    clause: Callable[..., Clause],
) -> None:
    """The trace names the condition that failed, and that all of them held."""
    made = rules(clause("one", "share", **{name: bound}))

    [failed] = decide(facts(**fails), made, NOW).findings
    [held] = decide(facts(**holds), made, NOW).findings

    assert (False, f"{name} does not hold") == (failed.matched, failed.because)
    assert (True, "all its conditions hold") == (held.matched, held.because)


@pytest.mark.parametrize("first", ["tlp", "pap"])
def test_levels_of_one_name_stand_on_their_own_scales(
    first: str, facts: Callable[..., Facts]
) -> None:
    """TLP:AMBER and PAP:AMBER are different bounds, whichever is asked for first."""
    # As in a new process: another test may have asked for either.
    conditions._from.cache_clear()
    conditions._up_to.cache_clear()
    bounds = {"tlp": Tlp.AMBER, "pap": Pap.AMBER}
    names = sorted(bounds, reverse=first == "tlp")
    least = {name: CONDITIONS[f"{name}_at_least"](bounds[name]) for name in names}
    most = {name: CONDITIONS[f"{name}_at_most"](bounds[name]) for name in names}
    reds = {"tlp": Tlp.RED, "pap": Pap.RED}
    all_ = {name: CONDITIONS[f"{name}_at_most"](reds[name]) for name in names}

    assert least["tlp"](facts(tlp=Tlp.AMBER_STRICT))
    assert not most["tlp"](facts(tlp=Tlp.AMBER_STRICT))
    assert most["tlp"](facts(tlp=Tlp.CLEAR))
    assert all_["tlp"](facts(tlp=Tlp.AMBER_STRICT))
    assert least["pap"](facts(pap=Pap.RED))
    assert most["pap"](facts(pap=Pap.CLEAR))


def test_all_conditions_of_a_clause_must_hold(
    facts: Callable[..., Facts],
    rules: Callable[..., Rules],
    clause: Callable[..., Clause],
) -> None:
    """A clause of two conditions does not match when one of them fails."""
    both = {"category_in": {"fraud"}, "tlp_at_most": "green"}
    made = rules(clause("both", "share", **both))

    assert Effect.SHARE is decide(facts(tlp="green"), made, NOW).effect
    assert Effect.WITHHOLD is decide(facts(tlp="amber"), made, NOW).effect


def test_empty_set_matches_nothing(
    facts: Callable[..., Facts],
    rules: Callable[..., Rules],
    clause: Callable[..., Clause],
) -> None:
    """A condition that allows none of the values never holds."""
    made = rules(clause("none", "share", classification_in=set()))

    assert Effect.WITHHOLD is decide(facts(), made, NOW).effect


@pytest.mark.parametrize(
    "when",
    [
        {"category_in": {"fraude"}},
        {"classification_in": {"phishing"}},
        {"confidence_at_least": 101},
        {"tlp_at_most": "white"},
        {"severity": "high"},
        {"source_in": {"police"}},
        {"victim_country_in": {"Kosovo"}},
        {"loss_at_least": {"Euro": 1}},
        {"loss_at_most": {}},
        {"has_field_in": {"title"}},
        {"has_no_field_in": {"victims.name"}},
        {"age_days_at_least": -1},
    ],
    ids=lambda when: next(iter(when)),
)
def test_unknown_words_are_refused(when: dict[str, Any]) -> None:
    """A condition takes only the words and bounds of its vocabulary."""
    with pytest.raises(ValidationError):
        When(**when)
