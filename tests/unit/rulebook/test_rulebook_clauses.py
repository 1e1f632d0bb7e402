"""What is said of clauses before any incident: never true, or never decisive."""

from __future__ import annotations

from functools import cache

import pytest

from broker.cli.sentences import _PRECONDITIONS
from broker.errors import Problem, RulebookError
from broker.model.decision import OWN_NAMES
from broker.recall import _WORDS
from broker.rulebook import build
from tests import world

AGREEMENT = "policies/agreements/kp-cybercrime.yaml"
SAFEGUARDS = "policies/safeguards.yaml"
HEAD = """\
agreement: kp-cybercrime
title: T
parties:
  - {name: C, role: csirt}
  - {name: P, role: police}
recipient: kp-misp
legal_basis:
  - {act: A, citation: c}
purpose: [criminal investigation]
valid: {from: 2026-01-01, until: 2028-12-31}
profile: investigation
guardrail: misp-police
retention_days: 30
"""


def files(clauses: str, head: str = HEAD, safeguards: str = "") -> dict[str, bytes]:
    """Return the shipped files with another agreement for the police."""
    text = f"{head}clauses:\n{clauses}"
    others = ("fiu", "special-prosecution", "financial", "prosecution", "spo-")
    found = {
        path: data
        for path, data in world.files().items()
        if not any(other in path for other in others)
    }
    found[AGREEMENT] = text.encode()
    if safeguards:
        found[SAFEGUARDS] = f"safeguards:\n{safeguards}".encode()
    return found


def clause(name: str, effect: str, when: str, more: str = "") -> str:
    """Return a clause of three lines and perhaps more."""
    return (
        f"  - id: {name}\n    cites: art. 1\n    effect: {effect}\n"
        f"    when: {when}\n{more}"
    )


@cache
def problem_of(clauses: str, head: str = HEAD) -> Problem:
    """Return the one problem of an agreement."""
    with pytest.raises(RulebookError) as caught:
        build(files(clauses, head))
    [problem] = caught.value.problems
    return problem


def warnings(clauses: str, head: str = HEAD, safeguards: str = "") -> list[Problem]:
    """Return the warnings about an agreement."""
    book = build(files(clauses, head, safeguards))
    return [each for each in book.warnings if each.file == AGREEMENT]


NEVER = [
    ("{urgency_in: []}", "urgency_in is empty"),
    ("{tlp_at_least: amber, tlp_at_most: green}", "tlp_at_least is above tlp_at_most"),
    ("{pap_at_least: red, pap_at_most: green}", "pap_at_least is above pap_at_most"),
    (
        "{confidence_at_least: 80, confidence_at_most: 79}",
        "confidence_at_least is above confidence_at_most",
    ),
    (
        "{age_days_at_least: 9, age_days_at_most: 8}",
        "age_days_at_least is above age_days_at_most",
    ),
    (
        "{classification_in: [fraud/phishing], category_in: [availability]}",
        "none of these types is of a category in category_in",
    ),
    (
        "{loss_at_least: {EUR: 9, ALL: 1}, loss_at_most: {EUR: 8}}",
        "loss_at_least and loss_at_most have no amount in common",
    ),
    ("{loss_at_most: {EUR: 8}, financial_loss: false}", "loss_at_most needs a loss"),
    (
        "{victim_kind_in: [person], victim_consent_in: [no-victim]}",
        "victim_kind_in needs victims[]",
    ),
    (
        "{victim_country_in: [XK], has_no_field_in: ['victims[]']}",
        "victim_country_in needs victims[]",
    ),
    (
        "{has_observable_kind_in: [iban], has_no_field_in: ['observables[]']}",
        "has_observable_kind_in needs observables[]",
    ),
    (
        "{confidence_at_least: 1, has_no_field_in: [confidence]}",
        "confidence_at_least needs confidence",
    ),
    (
        "{financial_loss: true, has_no_field_in: [financial_loss]}",
        "financial_loss needs financial_loss, which another line says is not there",
    ),
    (
        "{minor_involved: true, has_no_field_in: ['victims[]', 'suspects[]']}",
        "minor_involved needs victims[] or suspects[]",
    ),
    (
        "{victim_consent_in: [given, refused], has_no_field_in: ['victims[]']}",
        "victim_consent_in needs victims[], which another line says is not there",
    ),
    (
        "{victim_sector_in: [energy], has_no_field_in: ['victims[].sector']}",
        "victim_sector_in needs victims[].sector",
    ),
    (
        "{source_in: [person], has_no_field_in: [reporter.kind]}",
        "source_in needs reporter.kind",
    ),
    (
        "{source_in: [unknown, csirt], has_no_field_in: [reporter]}",
        "source_in needs reporter,",
    ),
    (
        "{source_in: [own, unknown], has_field_in: [reporter.kind]}",
        "another line says that none of these fields is there",
    ),
    (
        "{age_days_at_most: 3, has_no_field_in: [times.occurred_from, "
        "times.occurred_until, times.detected, times.reported]}",
        "age_days_at_most needs times.occurred_from or times.occurred_until or",
    ),
    (
        "{has_field_in: [reporter.name], source_in: [own]}",
        "another line says that none of these fields is there",
    ),
    ("{status_in: [withdrawn]}", "a withdrawn incident is never shared"),
    ("{tlp_at_least: red}", "never applies: from red on everything is withheld"),
]


@pytest.mark.parametrize("name", sorted(OWN_NAMES))
def test_a_clause_cannot_pass_for_a_finding_of_besa(name: str) -> None:
    """What a clause called `validity` withholds would stay under `on_expiry: keep`."""
    problem = problem_of(clause(name, "withhold", "{status_in: [open]}"))

    assert f"{name} is what Besa calls a finding of its own" == problem.message
    assert (AGREEMENT, 15, 9) == (problem.file, problem.line, problem.column)


def test_every_finding_that_no_clause_makes_has_a_name_of_its_own() -> None:
    """Whatever the code calls a finding that it makes itself, no clause is called."""
    rules = world.route("kp-misp").rules
    made = [rules.out_of_dates, rules.above_clearance, rules.withdrawn]
    made += [rules.embargoed, rules.held_back, rules.notified]

    assert {each.clause for each in made} <= OWN_NAMES
    assert set(_PRECONDITIONS) <= OWN_NAMES
    assert {clause for clause, _ in _WORDS.values()} <= OWN_NAMES


@pytest.mark.parametrize(("when", "expected"), NEVER, ids=[e for _, e in NEVER])
def test_a_condition_that_can_never_hold(when: str, expected: str) -> None:
    """A clause that can never apply is a problem at the line of the condition."""
    problem = problem_of(clause("never", "share", when))

    assert problem.message.startswith(expected)
    assert (AGREEMENT, 18) == (problem.file, problem.line)
    assert problem.column > 1


@pytest.mark.parametrize(
    "when",
    [
        "{tlp_at_least: amber, tlp_at_most: amber}",
        "{classification_in: [fraud/phishing], category_in: [fraud]}",
        "{loss_at_least: {EUR: 9}, loss_at_most: {EUR: 9}}",
        "{victim_kind_in: [person], victim_consent_in: [no-victim, given]}",
        "{has_field_in: [reporter.name, description], source_in: [own]}",
        "{minor_involved: false, has_no_field_in: ['victims[]', 'suspects[]']}",
        "{confidence_at_most: 1, has_no_field_in: [confidence]}",
        "{status_in: [withdrawn, open]}",
        "{source_in: [unknown], has_no_field_in: [reporter.kind]}",
        "{source_in: [own, person], has_no_field_in: [reporter]}",
        "{age_days_at_most: 3, has_no_field_in: [times.detected, times.reported]}",
    ],
)
def test_what_may_hold_is_no_problem(when: str) -> None:
    """A bound that leaves one value, and a list that leaves one word, can hold."""
    assert [] == warnings(clause("some", "share", when))


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ("{of: observables, kind: [ip4]}", "there is no kind of observable ip4"),
        ("{of: victims, role: [victim]}", "victims cannot be told apart by role"),
        (
            "{of: suspects, consent: [given]}",
            "suspects cannot be told apart by consent",
        ),
        ("{of: victims, consent: []}", "consent is empty, so it is about no item"),
        ("{of: victim}", "`victim` is not known here"),
        ("{of: victims, listed: true}", "victims cannot be told apart by listed"),
        (
            "{of: observables, listed: true, kind: [iban, email]}",
            "no value of these kinds is ever on a list",
        ),
        (
            "{of: observables, listed: true, data_class: [financial]}",
            "no value of these kinds is ever on a list",
        ),
    ],
)
def test_items_that_cannot_be(items: str, expected: str) -> None:
    """Items are told apart by what they have, in words that exist."""
    more = f"    withhold_items:\n      - {items}\n"

    problem = problem_of(clause("some", "share", "{}", more))

    assert expected == problem.message
    assert 20 == problem.line


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("kind: [ipv4, domian]", (21, 22)),
        ("kind:\n          - ipv4\n          - domian", (23, 13)),
    ],
)
def test_an_unknown_kind_is_located_where_it_stands(
    written: str, place: tuple[int, int]
) -> None:
    """Of a list of kinds the wrong one is pointed at, and not the list."""
    more = f"    withhold_items:\n      - of: observables\n        {written}\n"

    problem = problem_of(clause("some", "share", "{}", more))

    assert place == (problem.line, problem.column)
    assert "did you mean domain?" == problem.advice


@pytest.mark.parametrize(
    "items",
    [
        "{of: observables, listed: true, kind: [iban, ipv4]}",
        "{of: observables, listed: false, kind: [iban]}",
    ],
)
def test_items_that_some_list_can_hold(items: str) -> None:
    """One kind that can be listed is enough; what is on no list may be anything."""
    more = f"    withhold_items:\n      - {items}\n"

    assert [] == warnings(clause("some", "share", "{}", more))


def test_items_of_a_withheld_incident_are_a_problem() -> None:
    """A clause that withholds everything cannot withhold some of it."""
    more = "    withhold_items: [{of: victims}]\n"

    problem = problem_of(clause("all", "withhold", "{}", more))

    assert (
        "the clause withholds the whole incident, so also its items" == problem.message
    )


def test_pap_above_the_clearance() -> None:
    """A clause shares no PAP that the recipient is not cleared for."""
    path = "policies/recipients/kp-misp.yaml"
    guard = "policies/guardrails/misp-police.yaml"
    lower = {
        path: world.files()[path].replace(b"pap: red", b"pap: amber"),
        guard: world.files()[guard].replace(b"pap_at_most: red", b"pap_at_most: amber"),
    }
    with pytest.raises(RulebookError) as caught:
        build({**files(clause("some", "share", "{pap_at_most: red}")), **lower})

    [problem] = caught.value.problems
    expected = "shares up to red, but kp-misp is cleared to amber only"
    assert (expected, 18) == (problem.message, problem.line)


SHADOWED = [
    ("{category_in: [fraud]}", "{category_in: [fraud, availability]}"),
    ("{classification_in: [fraud/phishing]}", "{category_in: [fraud]}"),
    ("{severity_at_least: high}", "{severity_at_least: medium}"),
    ("{tlp_at_most: green}", "{tlp_at_most: amber}"),
    ("{tlp_at_most: green, victim_country_in: [XK]}", "{victim_country_in: [XK, AL]}"),
    ("{loss_at_least: {EUR: 9}}", "{loss_at_least: {EUR: 8, ALL: 9}}"),
    ("{loss_at_most: {EUR: 9}}", "{financial_loss: true}"),
    (
        "{has_no_field_in: ['victims[]', description]}",
        "{has_no_field_in: [description]}",
    ),
    ("{age_days_at_most: 5}", "{age_days_at_most: 6}"),
]


@pytest.mark.parametrize(("narrow", "wide"), SHADOWED)
def test_a_clause_that_a_stricter_one_always_overrules(narrow: str, wide: str) -> None:
    """It is told, with the line of the other; the other way around, nothing is."""
    text = clause("narrow", "share", narrow) + clause("wide", "withhold", wide)
    other = clause("narrow", "withhold", narrow) + clause("wide", "share", wide)

    [warning] = warnings(text)

    expected = (
        "narrow never decides: for every incident that it is about, wide says withhold"
    )
    assert (expected, 15) == (warning.message, warning.line)
    assert f"see {AGREEMENT}:19" == warning.advice
    assert [] == warnings(other)


def test_a_clause_that_a_safeguard_always_overrules() -> None:
    """What must never happen for anybody cannot be agreed with one."""
    [warning] = warnings(clause("tests", "share", "{classification_in: [test/test]}"))

    assert "the safeguard test-never says withhold" in warning.message
    assert f"see {SAFEGUARDS}:7" == warning.advice


def test_a_clause_that_says_nothing_new() -> None:
    """Of two clauses that say the same, the later is told of."""
    same = clause("one", "share", "{tlp_at_most: green}")
    again = clause("two", "share", "{tlp_at_most: green}")

    [warning] = warnings(same + again)

    assert ("two says nothing that one does not say", 19) == (
        warning.message,
        warning.line,
    )


def test_a_clause_that_withholds_items_says_something() -> None:
    """A clause within another narrows it item by item."""
    more = "    withhold_items: [{of: victims}]\n"
    text = clause("wide", "share", "{}")
    text += clause("narrow", "share", "{tlp_at_least: green}", more)

    assert [] == warnings(text)


def test_a_mark_for_a_fast_lane_that_there_is_not() -> None:
    """The memorandum has a fast lane, or a clause cannot use it."""
    more = "    fast_lane: true\n"

    [warning] = warnings(clause("look", "review", "{}", more))

    assert (
        "the agreement has no fast_lane, so this is without effect" == warning.message
    )
    assert 19 == warning.line


def test_a_fast_lane_that_nobody_uses() -> None:
    """A fast lane without a review that it replaces does nothing."""
    head = f"{HEAD}fast_lane: {{cites: art. 7}}\n"

    [warning] = warnings(clause("look", "review", "{}"), head)

    assert warning.message.startswith("no clause and no safeguard lets the fast lane")


@pytest.mark.parametrize("effect", ["share", "withhold"])
def test_a_fast_lane_is_about_reviews(effect: str) -> None:
    """Only a review can be replaced by a notification."""
    problem = problem_of(clause("look", effect, "{}", "    fast_lane: true\n"))

    expected = f"fast_lane is about a review, and this clause is a {effect}"
    assert (expected, 19) == (problem.message, problem.line)


def test_a_reporter_whom_the_profile_withholds() -> None:
    """An agreement that names the reporter needs a profile that does."""
    head = f"{HEAD}attribution: named\n"

    [warning] = warnings(clause("all", "share", "{}"), head)

    expected = (
        "attribution is named, but the profile investigation withholds who reported"
    )
    assert (expected, 14) == (warning.message, warning.line)


def test_a_purpose_that_is_nobodys_duty() -> None:
    """Duties are segregated: the police do not free proceeds of money laundering."""
    head = HEAD.replace("[criminal investigation]", "[discovery, freezing of proceeds]")

    [warning] = warnings(clause("all", "share", "{}"), head)

    assert "freezing of proceeds is not a duty of: police" == warning.message
    assert (9, 22) == (warning.line, warning.column)


def test_a_purpose_that_is_not_a_word_of_the_list() -> None:
    """A misspelt purpose is a problem, with the nearest one."""
    head = HEAD.replace("criminal investigation", "criminal investigations")

    problem = problem_of(clause("all", "share", "{}"), head)

    assert "`criminal investigations` is not known here" == problem.message
    assert "did you mean criminal investigation?" == problem.advice


@pytest.mark.parametrize(
    "written",
    ["confirmed_by: A. Lawyer", "confirmed_by: ''\n    confirmed_on: 2026-01-01"],
)
def test_a_confirmation_is_whole(written: str) -> None:
    """Who confirmed a legal basis, and on which day, need each other."""
    basis = f"  - act: A\n    citation: c\n    {written}"
    head = HEAD.replace("  - {act: A, citation: c}", basis)

    problem = problem_of(clause("all", "share", "{}"), head)

    assert "confirmed_by and confirmed_on need each other" == problem.message


def test_a_citation_that_ends_at_a_comment_is_told_of() -> None:
    """Of `cites: art. 4 #2` only `art. 4` is left, and whoever checks is told."""
    text = clause("some", "share", "{status_in: [open]}").replace("art. 1", "art. 4 #2")
    [warning] = warnings(text)

    assert (16, 19) == (warning.line, warning.column)
    assert "a comment" in warning.message
