"""What becomes of two that read alike, and of what a method leaves nothing of."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from broker.errors import RedactionError, RulebookError
from broker.model.sharing import Redacted
from broker.redact import compile_plan, project
from broker.redact.plan import DECLARED
from tests.unit import given


def _project(rules: dict[str, Any], rest: str = "withhold", **fields: Any) -> Redacted:
    plan = compile_plan(
        given.profile(rules, rest=rest), given.kinds(), given.document()
    )
    return project(given.incident(**fields), plan, given.key())


CUT = {
    "observables[].value": [
        {"method": "truncate_ip", "only": {"kind": ["ipv4"]}},
        "withhold",
    ]
}


def _network(rest: dict[str, Any], *items: dict[str, Any]) -> dict[str, Any]:
    """Return the one observable that addresses of one network become, in any order."""
    addresses = [
        {"kind": "ipv4", "value": f"203.0.113.{number}", **item}
        for number, item in enumerate(items)
    ]
    views = [
        _project(CUT | rest, "keep", observables=order).view["observables"]
        for order in permutations(addresses)
    ]
    assert all(view == views[0] for view in views)
    [one] = views[0]
    return dict(one)


@pytest.mark.parametrize(
    ("roles", "whose"),
    [
        (("victim", "attacker"), "victim"),
        (("attacker", "infrastructure"), "infrastructure"),
        (("infrastructure", "unknown"), "unknown"),
        (("unknown", "victim", "attacker"), "victim"),
    ],
)
def test_what_is_also_a_victims_is_never_matched(
    roles: tuple[str, ...], whose: str
) -> None:
    """A network of a victim and an attacker is the victim's, and blocks nobody."""
    items = [{"role": role, "to_ids": True} for role in roles]

    one = _network({}, *items)

    assert (whose, False) == (one["role"], one["to_ids"])


def test_what_is_matched_on_both_sides_is_matched() -> None:
    """Two addresses of an attacker in one network leave it matched."""
    one = _network({}, *[{"role": "attacker", "to_ids": True}] * 2)

    assert ("attacker", True) == (one["role"], one["to_ids"])


def test_a_withheld_wish_to_match_is_not_made_up() -> None:
    """Where the recipient does not see whether to match, merging does not tell."""
    rest = {"observables[].to_ids": "withhold"}

    one = _network(rest, {"role": "victim"}, {"role": "attacker", "to_ids": True})

    assert "to_ids" not in one


def test_without_roles_one_of_two_stays() -> None:
    """Where the recipient does not see roles, order does not decide either."""
    rest = {"observables[].role": "withhold"}
    items = ({"role": "victim"}, {"role": "attacker", "to_ids": True})

    one = _network(rest, *items)

    assert "role" not in one
    assert one["to_ids"] is False


ONLY_IP = {"observables[].value": [
    {"method": "domain_only", "only": {"kind": ["url"]}}, "keep",
]}  # fmt: skip


def test_an_observable_of_which_its_method_leaves_nothing_vanishes() -> None:
    """A link to a bare address has no domain: kind, role and comment go with it."""
    made = _project(
        ONLY_IP,
        "keep",
        observables=[
            {"kind": "url", "value": "https://192.0.2.1/arta", "comment": "of Arta"}
        ],
    )

    assert "observables" not in made.view
    marks = {e.field: e.outcome for e in made.ledger()}
    assert {"withheld"} == {
        marks[f"observables[0].{name}"] for name in ("kind", "value", "comment")
    }


def test_an_observable_without_its_comment_stays() -> None:
    """Where a method leaves nothing of a comment, the value is still seen."""
    made = _project(
        {"observables[].comment": "age_band"},
        "keep",
        observables=[{"kind": "domain", "value": "a.example", "comment": "not an age"}],
    )

    [seen] = made.view["observables"]
    assert "a.example" == seen["value"]
    assert "comment" not in seen


def test_a_part_of_which_a_method_leaves_little_stays() -> None:
    """A mailbox that is none is withheld, and the telephone beside it is seen."""
    contacts = {"email": "not a mailbox", "phone": "+383 45 333 444"}
    made = _project(
        {"victims[].contacts.email": "domain_only"},
        "keep",
        victims=[{"kind": "person", "name": "Vera", "contacts": contacts}],
    )

    assert {"phone": "+383 45 333 444"} == made.view["victims"][0]["contacts"]
    marks = {e.field: e.outcome for e in made.ledger()}
    assert "withheld" == marks["victims[0].contacts.email"]
    assert "kept" == marks["victims[0].contacts.phone"]


def test_an_empty_list_is_no_field() -> None:
    """What an incident has none of stands neither in the view nor in the ledger."""
    made = _project({}, "keep")

    assert "references" not in made.view
    assert "references[]" not in [entry.field for entry in made.ledger()]


def test_an_unknown_kind_stops_a_scrubbing_too() -> None:
    """A text is not scrubbed of what nobody knows how to redact."""
    profile = given.profile({"description": "scrub_text"})
    plan = compile_plan(profile, {}, given.document())
    seen = [{"kind": "ipv4", "value": "203.0.113.9"}]

    with pytest.raises(RedactionError, match="unknown kind"):
        project(given.incident(observables=seen), plan, given.key())


def _scrubbed(text: str, **fields: Any) -> Any:
    made = _project({"description": "scrub_text"}, description=text, **fields)
    return made.view["description"]


def test_each_value_of_a_withheld_list_is_cut_out() -> None:
    """A list is not one value: each account in it is looked for by itself."""
    suspects = [{"kind": "person", "accounts": ["J51224099K", "arta_99"]}]

    seen = _scrubbed("nga arta_99 te J51224099K.", suspects=suspects)

    assert "nga [account removed] te [account removed]." == seen


@pytest.mark.parametrize(
    "fields",
    [
        {"victims": [{"kind": "organisation", "name": "Çmimi i Drejtë"}]},
        {"reporter": {"organisation": "Çmimi i Drejtë"}},
    ],
    ids=str,
)
def test_an_organisations_words_are_no_persons(fields: dict[str, Any]) -> None:
    """Words of every day that an organisation is called by stay, written small."""
    text = "çmimi i naftës te Çmimi i Drejtë"

    assert "çmimi i naftës te [name removed]" == _scrubbed(text, **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"victims": [{"kind": "person", "name": "Arta Krasniqi"}]},
        {"reporter": {"name": "Arta Krasniqi"}},
    ],
    ids=str,
)
def test_a_persons_surname_goes_however_it_is_written(fields: dict[str, Any]) -> None:
    """One part of a person's name, written small, is that person's."""
    assert "te [name removed] dje" == _scrubbed("te krasniqi dje", **fields)


def test_a_rule_for_organisations_is_about_them_alone() -> None:
    """What is kept of organisations is not kept of persons."""
    rule = {"method": "keep", "only": {"party": ["organisation"]}}
    victims = [
        {"kind": "person", "name": "Vera"},
        {"kind": "organisation", "name": "Zyra"},
    ]

    view = _project({"victims[].name": [rule, "withhold"]}, victims=victims).view

    assert [{"name": "Zyra"}] == view["victims"]


def test_a_value_does_not_travel_without_its_kind() -> None:
    """A profile that withholds kinds and shows values is refused."""
    kinds, where = given.kinds(), given.document()
    without: dict[str, Any] = {"observables[].kind": "withhold"}

    with pytest.raises(RulebookError) as caught:
        compile_plan(given.profile(without, rest="keep"), kinds, where)
    compile_plan(given.profile(without), kinds, where)

    [problem] = caught.value.problems
    assert "the kind of an observable must travel with its value" == problem.message


def test_a_plan_names_every_field_of_an_incident_once() -> None:
    """The fields of a plan, of its lists and of their parts are those declared."""
    plan = compile_plan(given.profile(), given.kinds(), given.document())

    def paths(item: Any) -> set[str]:
        own = {leaf.mark[0] for leaf in item.choices._leaves}
        return own.union(*(paths(part) for _, part in item.parts))

    lists = [each.items.get(next(iter(each.items))) for each in plan.lists.values()]

    assert set(DECLARED) == paths(plan.top).union(*map(paths, lists))
