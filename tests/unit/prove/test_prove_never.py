"""What is stated never to happen is proved when policies are loaded."""

from __future__ import annotations

import pytest

from broker.canonical import dumps
from broker.errors import RulebookError
from broker.model.decision import Effect
from broker.prove.never import problems_of, proved, refuted
from broker.prove.side import tried
from tests.edited import edited, side

GUARDS = "policies/safeguards.yaml"
KP = "policies/agreements/kp-cybercrime.yaml"
FINANCIAL = "policies/profiles/financial.yaml"


def test_the_shipped_statements_hold() -> None:
    """The rulebook that is shipped breaks none of its statements, and has some."""
    shipped = side()

    assert 5 <= len(shipped.safeguards.model.never)
    assert () == refuted(shipped)
    assert [] == list(problems_of(shipped))


NUMBER = ("  victims[].personal_number: withhold", "  victims[].personal_number: keep")


def test_a_field_that_must_never_reach_somebody() -> None:
    """A personal number that a profile lets through is found, with an incident."""
    broken = side((FINANCIAL, *NUMBER))
    [found] = [
        each
        for each in refuted(broken)
        if each.statement == "victims-numbers-never-reach-the-fiu"
    ]

    assert ("fiu", "fiu-misp") == (found.agreement, found.recipient)
    assert "victims[].personal_number" == found.field
    trial = tried(broken, found.witness, "fiu-misp")
    assert ("victims[0].personal_number", "kept") in trial.outcomes


def test_the_refusal_names_lines_and_an_example() -> None:
    """A rulebook that breaks a statement is refused, with file, line and witness."""
    with pytest.raises(RulebookError) as refused:
        proved(edited((FINANCIAL, *NUMBER)))
    text = str(refused.value)

    line = (
        edited()[GUARDS]
        .decode()
        .splitlines()
        .index("  - id: victims-numbers-never-reach-the-fiu")
    )
    assert f"{GUARDS}:{line + 1}:" in text
    assert "policies/profiles/financial.yaml:" in text
    assert '"personal_number"' in text


@pytest.mark.parametrize(
    ("safeguard", "statement", "effect"),
    [
        (
            "effect: review\n    when: {minor_involved: true}",
            "minors-never-without-a-person",
            Effect.SHARE,
        ),
    ],
)
def test_a_safeguard_that_is_deleted_is_missed(
    safeguard: str, statement: str, effect: Effect
) -> None:
    """A statement notices that the safeguard which kept it is gone."""
    gone = safeguard.replace("minor_involved: true", "category_in: [test]")
    broken = side((GUARDS, safeguard, gone))
    found = [each for each in refuted(broken) if each.statement == statement]

    assert {"fiu", "kp-cybercrime", "special-prosecution"} == {
        each.agreement for each in found
    }
    for each in found:
        assert effect is tried(broken, each.witness, each.recipient).effect


def test_a_statement_may_rest_on_the_default() -> None:
    """Exercises stay here because no clause shares them, safeguard or not."""
    without = ("    when: {category_in: [test]}\n    note", "    when: {}\n    note")
    assert () == refuted(side((GUARDS, *without)))


def stated(*lines: str) -> tuple[str, str, str]:
    """Return the change that adds a statement with these lines."""
    text = "".join(f"    {line}\n" for line in lines)
    return GUARDS, "never:\n", f'never:\n  - id: mine\n    cites: "art. 1"\n{text}'


@pytest.mark.parametrize(
    ("lines", "broken_by"),
    [
        # No clause of the agreement is about such incidents; no safeguard is, either.
        (["recipients: [fiu-misp]"], set()),
        (["recipients: [kp-misp]"], {"kp-cybercrime"}),
        (["recipients: [fiu-misp, kp-misp]"], {"kp-cybercrime"}),
        (["roles: [fiu]"], set()),
        (["roles: [police]"], {"kp-cybercrime"}),
        (["roles: [fiu]", "recipients: [kp-misp]"], {"kp-cybercrime"}),
        (["recipients: [fiu-misp]", "fields: [title]"], set()),
        (["recipients: [kp-misp]", "fields: [title]"], {"kp-cybercrime"}),
        (["recipients: [kp-misp]", "fields: [description]"], set()),
        (["recipients: [kp-misp]", "fields: [title]", "unless: review"],
         {"kp-cybercrime"}),
        (["recipients: [kp-misp]", 'fields: ["victims[].name"]'], {"kp-cybercrime"}),
        (["recipients: [kp-misp]", 'fields: ["victims[].name"]',
          "only: {consent: [unknown], minor: false}", "except_as: [pseudonym]"], set()),
        (["recipients: [kp-misp]", 'fields: ["victims[].name"]',
          "only: {consent: [unknown], minor: false}", "except_as: [mask]"],
         {"kp-cybercrime"}),
    ],
    ids=str,
)  # fmt: skip
def test_a_statement_is_about_whom_and_what_it_names(
    lines: list[str], broken_by: set[str]
) -> None:
    """It is broken by agreements with those recipients or roles, and those fields."""
    when = "when: {classification_in: [availability/sabotage]}"
    found = [
        each for each in refuted(side(stated(when, *lines))) if each.statement == "mine"
    ]

    assert broken_by == {each.agreement for each in found}
    for each in found:
        assert each.problem.line
        assert "availability/sabotage" == each.witness.incident["classification"]


def test_a_refusal_names_the_clause_that_lets_it_through() -> None:
    """Who has to change something reads which clause it is, and its line."""
    when = "when: {classification_in: [availability/sabotage]}"
    changes = (stated(when, "recipients: [kp-misp]"),)
    [problem] = _refused(edited(*changes))

    lines = edited()[KP].decode().splitlines()
    where = f"{KP}:{lines.index('  - id: sabotage') + 1}"
    assert f"verdict share by sabotage ({where})" in problem.message


def test_a_name_with_a_star_is_refused_once() -> None:
    """Of several fields of which items are not told apart so, the line is told once."""
    change = stated('fields: ["suspects[].*"]', "only: {consent: [refused]}")
    [problem] = _refused(edited(change))

    assert "are not told apart by consent" in problem.message


def test_review_is_enough_only_where_the_statement_says_so() -> None:
    """Without ``unless: review``, not even what a person has released may go."""
    strict = side((GUARDS, "    when: {minor_involved: true}\n    unless: review\n",
                   "    when: {minor_involved: true}\n"))  # fmt: skip

    assert {"minors-never-without-a-person"} == {e.statement for e in refuted(strict)}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("roles: [fiu]", "recipients: [fiu-mips]", "did you mean fiu-misp?"),
        ('victims[].personal_number"]', 'victims[].personal_numbr"]', "no field"),
        ("except_as: [pseudonym]", "except_as: [pseudonim]", "did you mean pseudonym?"),
        ("only: {consent: [refused]}", "only: {role: [victim]}", "told apart by role"),
        ("- id: tlp-red-never-leaves", "- id: test-never-leaves", "again"),
        ("roles: [fiu]", "roles: [fio]", "did you mean fiu?"),
        *(
            ("    roles: [fiu]\n", f"    when: {when}\n", said)
            for when, said in (
                ("{has_observable_kind_in: [ivp4]}", "did you mean ipv4?"),
                ("{classification_in: []}", "classification_in is empty"),
                ("{tlp_at_least: amber, tlp_at_most: clear}", "is above tlp_at_most"),
                (
                    "{victim_kind_in: [person], has_no_field_in: ['victims[]']}",
                    "victim_kind_in needs victims[]",
                ),
            )
        ),
        *(
            (
                '    fields: ["victims[].personal_number"]',
                f"    fields: {fields}\n    only: {only}",
                said,
            )
            for fields, only, said in (
                ('["observables[].value"]', "{kind: [ivp4]}", "did you mean ipv4?"),
                ('["observables[].*"]', "{data_class: [finance]}", "mean financial?"),
                ('["observables[].value"]', "{kind: []}", "selects no item of obs"),
                (
                    '["observables[].value"]',
                    "{kind: [ipv4], data_class: [financial]}",
                    "only selects no item of observables[].value, so nothing is proved",
                ),
                (
                    '["observables[].value"]',
                    "{kind: [iban], listed: true}",
                    "only selects no item of observables[].value",
                ),
                (
                    '["victims[].name", "suspects[].name"]',
                    "{consent: [refused]}",
                    "items of suspects[].name are not told apart by consent",
                ),
                (
                    '["victims[].name", title]',
                    "{party: [person]}",
                    "items of title are not told apart by party",
                ),
                ("[]", "{consent: [refused]}", "no fields are named"),
            )
        ),
        ("except_as: [pseudonym]", "except_as: [keep]", "a field goes as it is"),
        ("    unless: review", "    except_as: [mask]", "no fields are named"),
    ],
)
def test_a_statement_about_nothing_is_refused(old: str, new: str, said: str) -> None:
    """A misspelt name in a statement is an error with its line, not an empty proof."""
    with pytest.raises(RulebookError) as refused:
        proved(edited((GUARDS, old, new)))

    assert said in str(refused.value)
    assert all(problem.line for problem in refused.value.problems)


def test_a_witness_can_be_read_as_an_incident() -> None:
    """The example of a refutation is complete: it can be previewed as it stands."""
    [first, *_] = refuted(side((FINANCIAL, *NUMBER)))

    assert dumps(first.witness.incident)
    assert "WITNESS-1" == first.witness.incident["uid"]


def test_a_new_agreement_with_the_same_role_is_covered() -> None:
    """A statement about a role counts for an agreement that nobody had in mind."""
    files = edited((FINANCIAL, *NUMBER), (KP, "role: police", "role: fiu"))
    broken = [p.message for p in _refused(files) if "fiu lets" in p.message]

    assert broken


def _refused(files: dict[str, bytes]) -> tuple:
    with pytest.raises(RulebookError) as refused:
        proved(files)
    return refused.value.problems
