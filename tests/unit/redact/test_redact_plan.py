"""Facts about profiles that are refused, and where the problem is said to be."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from broker.errors import Problem, RulebookError
from broker.model.agreement import Profile
from broker.model.incident import Declared, Incident, Shape, declarations
from broker.model.marking import DataClass
from broker.redact import compile_plan, plan
from broker.rulebook.sources import read
from broker.settings import read_rulebook_files
from tests.unit import given

ONLY_VICTIMS = {"method": "keep", "only": {"role": ["victim"]}}


def _problems(profile: Profile, text: str = "a: b\n") -> tuple[Problem, ...]:
    with pytest.raises(RulebookError) as caught:
        compile_plan(profile, given.kinds(), given.document(text=text))
    return caught.value.problems


def _without(profile: Profile, path: str) -> Profile:
    fields = {name: rules for name, rules in profile.fields.items() if name != path}
    return profile.model_copy(update={"fields": fields})


@pytest.mark.parametrize("path", declarations())
def test_forgotten_field_is_refused(path: str) -> None:
    """A profile that forgets a field, whichever it is, is refused."""
    problems = _problems(_without(given.profile(), path))

    assert f"the profile forgets the field {path}" == problems[0].message
    assert f"add a line such as '{path}: withhold'" == problems[0].advice


class _Tomorrow(Incident):
    """An incident with a field that no profile has thought of yet."""

    shoe_size: Annotated[str | None, Declared(DataClass.IDENTITY, Shape.TEXT)] = None


def test_a_new_field_is_missed_in_every_shipped_profile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once an incident has a new field, each profile that forgets it is refused."""
    mappings = given.ROOT / "mappings"
    profiles = [
        source
        for folder in ("policies", "policies/examples")
        for source in read(read_rulebook_files(given.ROOT / folder, mappings))
        .all_of("profile", Profile)
        .values()
    ]
    kinds = given.kinds()
    monkeypatch.setattr(plan, "DECLARED", declarations(_Tomorrow))
    for source in profiles:
        with pytest.raises(RulebookError) as caught:
            compile_plan(source.model, kinds, source.document)

        assert ["the profile forgets the field shoe_size"] == [
            problem.message for problem in caught.value.problems
        ]
    assert len(profiles) > 3


def test_what_a_method_makes_must_be_a_kind() -> None:
    """A mapping without the kind that a method makes, or of another shape, is wrong."""
    only = {"role": ["victim"], "kind": ["email"]}
    rules: dict[str, Any] = {
        "observables[].value": [{"method": "pseudonym", "only": only}, "withhold"]
    }
    without = {name: k for name, k in given.kinds().items() if name != "pseudonym"}
    text = without["text"].model_copy(update={"kind": "pseudonym"})
    for kinds in (without, without | {"pseudonym": text}):
        with pytest.raises(RulebookError) as caught:
            compile_plan(given.profile(rules), kinds, given.document())

        [problem] = caught.value.problems
        assert "pseudonym makes pseudonym, of shape name" in problem.message
        assert "mappings/observables.yaml" in problem.advice


def test_unknown_field_is_refused() -> None:
    """A profile that names a field which no incident has is refused."""
    [problem] = _problems(given.profile({"victims[].shoe_size": "withhold"}))

    assert "an incident has no field victims[].shoe_size" == problem.message


@pytest.mark.parametrize("marking", ["tlp", "pap"])
@pytest.mark.parametrize("method", ["withhold", "mask"])
def test_marking_must_be_kept(marking: str, method: str) -> None:
    """TLP and PAP travel with what they mark: no profile can withhold them."""
    problems = _problems(given.profile({marking: method}))

    expected = f"the marking {marking} must travel with what it marks"
    assert expected == problems[0].message


def test_method_must_accept_the_shape() -> None:
    """A method for addresses is refused for a name."""
    [problem] = _problems(given.profile({"victims[].name": "truncate_ip"}))

    expected = "truncate_ip does not accept victims[].name, which is of shape name"
    assert expected == problem.message
    assert "it accepts ip" == problem.advice


def test_method_must_accept_every_kind_it_may_meet() -> None:
    """A rule for all observables is refused for each kind that it cannot redact."""
    problems = _problems(given.profile({"observables[].value": "truncate_ip"}))

    refused = {problem.message for problem in problems}
    assert len(given.kinds()) - 2 == len(refused)
    assert (
        "truncate_ip does not accept the kind email, which is of shape email" in refused
    )


def test_method_for_the_right_kinds_is_accepted() -> None:
    """A rule that is only for addresses may cut addresses."""
    only = {"kind": ["ipv4", "ipv6"]}
    rules: list[Any] = [{"method": "truncate_ip", "only": only}, "withhold"]

    plan = compile_plan(
        given.profile({"observables[].value": rules}),
        given.kinds(),
        given.document(),
    )

    assert "p" == plan.profile


def test_unknown_method_is_refused() -> None:
    """A method that does not exist is refused, with those that do."""
    [problem] = _problems(given.profile({"title": "encrypt"}))

    assert "there is no such redaction method" == problem.message
    assert problem.advice.startswith("there are withhold, keep, ")


def test_misspelt_method_is_answered_with_the_nearest() -> None:
    """A method that seems misspelt is answered with the one that was meant."""
    [problem] = _problems(given.profile({"title": "pseudonim"}))

    assert "there is no such redaction method" == problem.message
    assert "did you mean pseudonym?" == problem.advice


def test_wrong_option_is_refused() -> None:
    """An option out of its range is refused when the profile is loaded."""
    rule = {"method": "coarsen_time", "options": {"to": "decade"}}

    [problem] = _problems(given.profile({"times.detected": rule}))

    assert "to: must be one of hour, day, month" == problem.message


@pytest.mark.parametrize("rules", [[ONLY_VICTIMS], []], ids=["selected", "none"])
def test_last_rule_must_fit_everything(rules: list[Any]) -> None:
    """A field whose last rule is for some items only, or that has none, is refused."""
    [problem] = _problems(given.profile({"observables[].value": rules}))

    expected = "the last rule of observables[].value does not fit everything"
    assert expected == problem.message


@pytest.mark.parametrize(
    ("path", "only"),
    [
        ("title", {"role": ["victim"]}),
        ("victims[].name", {"kind": ["ipv4"]}),
        ("victims[].name", {"data_class": ["identity"]}),
        ("suspects[].name", {"consent": ["given"]}),
        ("observables[].value", {"minor": True}),
        ("evidence[].name", {"party": ["person"]}),
    ],
    ids=str,
)
def test_selector_without_sense_is_refused(path: str, only: dict[str, Any]) -> None:
    """Items cannot be told apart by what they do not have."""
    rules: list[Any] = [{"method": "keep", "only": only}, "withhold"]

    [problem] = _problems(given.profile({path: rules}))

    assert f"{path} cannot be told apart by {next(iter(only))}" == problem.message


def test_problem_stands_at_its_line() -> None:
    """A problem names the file, line and column of the rule."""
    text = "profile: p\nfields:\n  uid: keep\n  title: encrypt\n"

    [problem] = _problems(given.profile({"title": "encrypt"}), text)

    place = (problem.file, problem.line)
    assert ("policies/profiles/p.yaml", 4) == place


def test_all_problems_are_reported_at_once() -> None:
    """A profile with three mistakes is refused with three problems."""
    wrong = {"title": "encrypt", "victims[].name": "truncate_ip", "shoe": "keep"}

    assert 3 == len(_problems(given.profile(wrong)))


def test_shipped_profiles_name_every_field() -> None:
    """The shipped plans have a place for every list of the incident."""
    lists = {"victims", "suspects", "observables", "evidence"}
    lists |= {"affected_systems", "relations"}

    assert [lists] * 3 == [set(route.plan.lists) for route in given.shipped().routes]
