"""The shipped agreements do what their cases say, through the whole path."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from broker.cases import CaseResult, run_cases
from broker.model.incident import declarations
from broker.model.marking import Pap, Severity, Tlp
from broker.rulebook import build
from broker.rulebook.sources import read
from broker.settings import read_rulebook_files

ROOT = Path(__file__).parents[2]
FILES = read_rulebook_files(ROOT / "policies", ROOT / "mappings")
RULEBOOK = build(FILES)
RESULTS = run_cases(FILES, RULEBOOK)
AGREEMENTS = [route.agreement.agreement for route in RULEBOOK.routes]


@pytest.mark.parametrize("result", RESULTS, ids=lambda r: f"{r.agreement}/{r.case}")
def test_case_holds(result: CaseResult) -> None:
    """Every expectation of the case holds."""
    assert "" == "\n".join(str(problem) for problem in result.problems)


def test_nothing_is_odd_about_the_shipped_files() -> None:
    """No recipient, profile or guardrail is unused."""
    assert () == RULEBOOK.warnings


def test_the_three_partners_have_an_agreement() -> None:
    """Police, special prosecution and FIU each have one, with their own recipient."""
    assert ["fiu", "kp-cybercrime", "special-prosecution"] == AGREEMENTS
    assert 3 == len({route.recipient.recipient for route in RULEBOOK.routes})


def test_each_agreement_has_at_least_six_cases() -> None:
    """An agreement without cases is a text that nobody has tried."""
    counted = Counter(result.agreement for result in RESULTS)

    assert set(AGREEMENTS) == set(counted)
    assert 6 <= min(counted.values())


@pytest.mark.parametrize("agreement", AGREEMENTS)
def test_every_clause_decides_some_case(agreement: str) -> None:
    """No clause is there that no case has ever seen decide."""
    [route] = [r for r in RULEBOOK.routes if r.agreement.agreement == agreement]
    decided = {
        clause
        for result in RESULTS
        if result.agreement == agreement
        for clause in _expected_clauses(result.file)
    }

    assert set() == {clause.id for clause in route.agreement.clauses} - decided


def _expected_clauses(file: str) -> list[str]:
    from broker.cases import Case
    from broker.strict_yaml import load, parse

    expected = load(parse(file, FILES[file]), Case).expect.clauses
    return sorted(expected or ())


@pytest.mark.parametrize("name", sorted(read(FILES).folders["profile"]))
def test_profiles_name_every_field(name: str) -> None:
    """Each profile says what becomes of each of the fields, and of no other."""
    profile = read(FILES).folders["profile"][name].model

    assert set(declarations()) == set(profile.fields)


def test_no_citation_claims_to_be_confirmed() -> None:
    """No lawyer has confirmed a citation, and no file pretends otherwise."""
    confirmed = [
        basis.act
        for route in RULEBOOK.routes
        for basis in route.agreement.legal_basis
        if basis.confirmed_by or basis.confirmed_on
    ]

    assert [] == confirmed


def test_every_clause_cites_the_memorandum() -> None:
    """Each clause can be found in the text that it stands for."""
    assert all(
        clause.cites.startswith("MoU")
        for route in RULEBOOK.routes
        for clause in route.agreement.clauses
    )


@pytest.mark.parametrize("scale", [Tlp, Pap, Severity])
def test_each_scale_counts_from_zero(
    scale: type[Tlp | Pap | Severity],
) -> None:
    """A level's rank is its place on its own scale, not on that of a namesake."""
    assert list(range(len(scale))) == [level.rank for level in scale]


@pytest.mark.parametrize("route", RULEBOOK.routes, ids=lambda r: r.agreement.agreement)
def test_red_is_above_every_clearance(route) -> None:
    """No recipient is cleared for TLP:RED."""
    assert route.recipient.clearance.tlp.rank < Tlp.RED.rank


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(
            "    - {method: withhold}\n  observables[].role",
            "    - {method: keep}\n  observables[].role",
            id="technical detail",
        ),
        pytest.param(
            "evidence[].sha256: withhold", "evidence[].sha256: keep", id="evidence"
        ),
        pytest.param(
            "suspects[].contacts.phone: withhold",
            "suspects[].contacts.phone: keep",
            id="a telephone",
        ),
    ],
)
def test_the_guardrail_of_the_fiu_does_not_trust_its_profile(
    old: str, new: str
) -> None:
    """A mistake in the profile is caught by the guardrail, which allows only money."""
    path = "policies/profiles/financial.yaml"
    profile = FILES[path].decode()
    assert old in profile
    mistaken = {**FILES, path: profile.replace(old, new, 1).encode()}

    [result] = [
        result
        for result in run_cases(mistaken, build(mistaken))
        if (result.agreement, result.case) == ("fiu", "phishing")
    ]

    told = "\n".join(problem.message for problem in result.problems)
    assert "the guard finds wrong-shape at Event" in told
