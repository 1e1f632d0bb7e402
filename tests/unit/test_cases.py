"""Policy cases fail where, and only where, an expectation does not hold."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from broker.cases import CaseResult, run_cases
from broker.rulebook import Rulebook, build
from broker.settings import read_rulebook_files

ROOT = Path(__file__).parents[2]
PATH = "policies/cases/kp-cybercrime/one.yaml"
CASE = """case: one
why: A case for the tests of cases.
at: 2026-06-15T12:00:00Z
incident:
  uid: KOS-CERT-2026-1
  revision: 1
  revised_at: 2026-06-14T09:00:00Z
  title: Command server
  description: what the analyst wrote
  classification: malicious-code/c2-server
  tlp: green
  victims: [{kind: person, name: Petar Primerović}]
  observables:
    - {kind: ipv4, value: 203.0.113.5, role: attacker}
    - {kind: ipv4, value: 192.0.2.9, role: victim}
expect:
  effect: share
  clauses: [cybercrime]
  shared: [title, "observables[0].value"]
  withheld: [description]
  changed: {"observables[1].value": truncate_ip}
  present: [192.0.2.0/24]
  absent: [Petar]
"""


@cache
def rulebook() -> tuple[dict[str, bytes], Rulebook]:
    files = read_rulebook_files(ROOT / "policies", ROOT / "mappings")
    kept = {name: data for name, data in files.items() if "/cases/" not in name}
    return kept, build(kept)


def run(text: str, path: str = PATH, **more: str) -> CaseResult:
    files, made = rulebook()
    incidents = {
        f"policies/cases/incidents/{name}.yaml": data.encode()
        for name, data in more.items()
    }
    [result] = run_cases({**files, path: text.encode(), **incidents}, made)
    return result


def failures(old: str, new: str) -> list[str]:
    """Return what fails when one text of the case is replaced."""
    assert old in CASE
    return [str(problem) for problem in run(CASE.replace(old, new, 1)).problems]


def test_a_case_that_holds_has_no_problem() -> None:
    """All expectations of the case above hold."""
    result = run(CASE)

    assert () == result.problems
    assert result.holds
    assert ("kp-cybercrime", "one") == (result.agreement, result.case)


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("effect: share", "effect: withhold", 17, "the verdict is share (cybercrime)"),
        ("[cybercrime]", "[sabotage]", 18, "decided by cybercrime"),
        ("shared: [title", "shared: [description", 19, "description is withheld, by"),
        ("withheld: [description]", "withheld: [title]", 20, "title is kept, by "),
        (": truncate_ip", ": pseudonym", 21, "observables[1].value is truncate_ip, by"),
        ("[192.0.2.0/24]", "[192.0.2.9]", 22, "this is not in what would leave"),
        ("[Petar]", "[203.0.113.5]", 23, "this is in what would leave"),
        ("withheld: [description]", "withheld: [urgnecy]", 20, "nothing was decided"),
        ("expect:\n", "expect:\n  retracts: true\n", 17, "is not taken back"),
        ("expect:\n", "expect:\n  breaches: [tlp]\n", 17, "the guard finds nothing"),
        (
            "title: Command server",
            "title: Petar Primerović",
            16,
            "the guard finds with",
        ),
        ("case: one", "case: two", 1, "the case is not called one"),
        ("tlp: green", "tlp: grey", 11, ""),
        ("expect:\n", "expct:\n", 16, "there is no key `expct`"),
    ],
)
def test_a_failure_is_at_the_line_of_its_expectation(
    old: str, new: str, line: int, told: str
) -> None:
    """What does not hold is reported where it is written, and says what came out."""
    found = failures(old, new)

    assert [] != [each for each in found if f"{PATH}:{line}:" in each and told in each]


def test_a_failure_says_what_was_expected() -> None:
    """Beside what came out stands what the case expects."""
    for old, new, expected in (
        ("effect: share", "effect: review", "and review is expected"),
        ("[cybercrime]", "[]", "decided by cybercrime, and no clause is expected"),
        ("[cybercrime]", "[b, a]", "and a, b is expected"),
        ("shared: [title", "shared: [description", "and kept is expected"),
    ):
        assert expected in "\n".join(failures(old, new))


def test_a_wrong_verdict_is_one_failure() -> None:
    """Where nothing leaves, the fields that would have left are not told one by one."""
    [found] = failures("2026-06-15T", "2029-06-15T")

    assert "withhold (validity: not in force at that time), and share" in found


def test_a_failure_never_shows_a_value() -> None:
    """Results may be printed: they hold no value of the incident."""
    found = "\n".join(
        [
            *failures("title: Command server", "title: Petar Primerović"),
            *failures("[Petar]", "[203.0.113.5]"),
            *failures("tlp: green", "tlp: Sekret"),
        ]
    )

    assert found
    assert not [value for value in ("Petar", "203.0.113", "Sekret") if value in found]


def test_a_folder_must_be_an_agreement() -> None:
    """Cases of an agreement that does not exist do not pass unseen."""
    result = run(CASE, "policies/cases/kp-cybercrme/one.yaml")

    assert "did you mean kp-cybercrime?" in str(result.problems[0])


def test_an_incident_may_stand_in_a_file_of_its_own() -> None:
    """Several agreements can be tried on one incident."""
    before, _, rest = CASE.partition("incident:\n")
    incident, _, expect = rest.partition("expect:\n")
    text = f"{before}incident_file: shared\nexpect:\n{expect}"

    assert run(text, shared=incident.replace("\n  ", "\n").removeprefix("  ")).holds


def test_a_missing_incident_file_is_reported() -> None:
    """A reference to nothing is a case that does not hold."""
    before, _, rest = CASE.partition("incident:\n")
    _, _, expect = rest.partition("expect:\n")

    result = run(f"{before}incident_file: shared\nexpect:\n{expect}")

    assert "there is no policies/cases/incidents/shared.yaml" in str(result.problems[0])


def test_a_mistake_in_an_incident_file_is_reported_there() -> None:
    """The place is that of the incident's own file."""
    before, _, rest = CASE.partition("incident:\n")
    incident, _, expect = rest.partition("expect:\n")
    text = f"{before}incident_file: shared\nexpect:\n{expect}"
    wrong = incident.replace("\n  ", "\n").removeprefix("  ").replace("green", "grey")

    result = run(text, shared=wrong)

    assert "policies/cases/incidents/shared.yaml:7" in str(result.problems[0])


def test_either_incident_or_its_file() -> None:
    """Two incidents in one case could not both be meant."""
    found = failures("expect:\n", "incident_file: shared\nexpect:\n")

    assert ["write either incident or incident_file"] == [
        line.rpartition(": ")[2] for line in found
    ]


def test_earlier_revisions_come_first() -> None:
    """A case can show what happens to something that was shared before."""
    incident = CASE.partition("incident:\n")[2].partition("expect:\n")[0]
    first = "before:\n  - " + incident.removeprefix("  ").replace("\n  ", "\n    ")
    later = incident.replace("revision: 1", "revision: 2").replace(
        "  tlp: green", "  status: withdrawn\n  tlp: green"
    )
    text = (
        CASE.partition("incident:\n")[0]
        + first.rstrip(" ")
        + f"incident:\n{later}"
        + "expect: {effect: withhold, clauses: [withdrawn], retracts: true}\n"
    )

    assert () == run(text).problems


def test_the_same_incident_twice_is_no_case() -> None:
    """A revision that was processed before leads to no share that could be judged."""
    incident = CASE.partition("incident:\n")[2].partition("expect:\n")[0]
    first = "before:\n  - " + incident.removeprefix("  ").replace("\n  ", "\n    ")
    text = CASE.replace("incident:\n", first.rstrip(" ") + "incident:\n", 1)

    assert "is the one before it again" in str(run(text).problems[0])
