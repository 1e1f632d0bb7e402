"""Which values are secrets under methods that leave a value as it is now and then."""

from __future__ import annotations

from typing import Any

import pytest

from broker.guard.ids import id_breaches
from broker.guard.search import Wanted, searched
from broker.guard.secrets import Secrets
from broker.guard.telling import Telling
from broker.model.decision import BY_LISTING, ItemKey
from broker.model.known_good import KnownGood, Listed
from tests.unit import given

NAME = "Shpresa Kallëzuesja"


CASE = given.incident(
    title="Pages of a bank",
    reporter={"name": NAME},
    observables=[
        {"kind": "ipv4", "value": "8.8.8.8", "role": "victim", "comment": "a server"},
        {"kind": "ipv4", "value": "8.8.9.9", "role": "victim"},
        {"kind": "domain", "value": "koop.example", "role": "attacker"},
    ],
)
VICTIM = ("observables", ("ipv4", "victim"))
LISTS = Listed([KnownGood(list="a", title="A", networks=("8.8.8.8",))])
WITHHELD: list[set[ItemKey]] = [
    set(),
    {VICTIM},
    {("observables", ("domain", "attacker")), VICTIM},
    {BY_LISTING, ("observables", ("ipv4", "victim", True))},
    {BY_LISTING, ("observables", ("ipv4", "victim", False))},
]


@pytest.mark.parametrize("withheld", WITHHELD)
@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"title": "keep", "reporter.name": "keep", "observables[].value": "keep"},
        {"observables[].comment": "keep", "title": "scrub_text"},
        {"observables[].value": [{"method": "keep", "only": {"role": ["victim"]}}]},
    ],
)
@pytest.mark.parametrize("rest", ["keep", "withhold"])
def test_values_are_those_that_a_field_can_be_named_of(
    rules: dict[str, Any], withheld: set[ItemKey], rest: str
) -> None:
    """Read once for all recipients, what is looked for is what would be a secret."""
    path = "observables[].value"
    if isinstance(rules.get(path), list):
        rules = rules | {path: [*rules[path], rest]}
    secrets = Secrets(given.profile(rules, rest=rest), given.kinds(), LISTS)
    expected = {secret.value for secret in secrets.of(CASE, withheld)}

    for _ in range(2):
        assert expected == secrets.values(Telling(CASE), CASE, withheld)


@pytest.mark.parametrize(
    ("withheld", "values"),
    list(
        zip(
            WITHHELD,
            [
                {NAME},
                {NAME, "8.8.8.8", "8.8.9.9", "a server"},
                {NAME, "8.8.8.8", "8.8.9.9", "a server", "koop.example"},
                {NAME, "8.8.8.8", "a server"},
                {NAME, "8.8.9.9"},
            ],
            strict=True,
        )
    ),
)
def test_values_that_are_looked_for(withheld: set[ItemKey], values: set[str]) -> None:
    """What a rule withholds, and all of the items that the agreement keeps back."""
    profile = given.profile({"reporter.name": "withhold"}, rest="keep")
    secrets = Secrets(profile, given.kinds(), LISTS)

    assert values == secrets.values(Telling(CASE), CASE, withheld)


def test_a_field_that_the_profile_does_not_know_is_no_secret() -> None:
    """Of a field without a rule nothing is said, also in an item that is withheld."""
    profile = given.profile({"reporter.name": "withhold"}, rest="keep")
    known = {"reporter.name", "observables[].value", "observables[].kind"}
    few = {path: rules for path, rules in profile.fields.items() if path in known}
    for fields, values in (
        (few, {NAME, "8.8.8.8", "8.8.9.9"}),
        ({"reporter.name": profile.fields["reporter.name"]}, {NAME}),
    ):
        secrets = Secrets(profile.model_copy(update={"fields": fields}), given.kinds())

        assert values == secrets.values(Telling(CASE), CASE, {VICTIM})
        assert values == {secret.value for secret in secrets.of(CASE, {VICTIM})}


def test_a_text_without_anything_to_cut_out_is_no_secret() -> None:
    """A title that is scrubbed may stand there; a name that is withheld may not."""
    profile = given.profile({"title": "scrub_text", "reporter.name": "withhold"})
    incident = given.incident(title="Pages of a bank", reporter={"name": NAME})
    found = {secret.value for secret in Secrets(profile, given.kinds()).of(incident)}

    assert NAME in found
    assert "Pages of a bank" not in found


def test_scrubbed_comment_of_an_item_that_a_clause_withholds_is_a_secret() -> None:
    """Where a clause keeps an observable back, its comment is no longer just cut."""
    profile = given.profile({"observables[].comment": "scrub_text"}, rest="keep")
    secrets = Secrets(profile, given.kinds())
    incident = given.incident(
        observables=[
            {
                "kind": "domain",
                "value": "login.example",
                "role": "victim",
                "comment": "of the town hall",
            }
        ]
    )
    withheld = {("observables", ("domain", "victim"))}

    assert [] == secrets.of(incident)
    assert {"login.example", "of the town hall"} <= {
        secret.value for secret in secrets.of(incident, withheld)
    }


def test_url_that_is_only_an_origin_is_no_leak() -> None:
    """Where origins may be seen, a URL without a path is; one with a path is not."""
    profile = given.profile({"references[]": "url_origin"}, rest="keep")
    secrets = Secrets(profile, given.kinds())
    origin, page = "https://news.example/", "https://news.example/agim?id=7"
    user = "https://agim@news.example/"
    incident = given.incident(references=[origin, page, user])
    found = secrets.unkept(secrets.of(incident), incident)

    assert [page, user] == [secret.value for secret in found]


def test_quoted_printable_after_a_name_is_read() -> None:
    """The sign after a name does not hide the first byte of what follows it."""
    written = "https://page.example/?q=233=20Rruga=20e=20Dibres"
    text = searched([written], [written], frozenset())

    assert {"233 Rruga e Dibres"} == text.holding(Wanted(["233 Rruga e Dibres"]))


def test_base64_in_lines_as_a_form_sends_it_is_read() -> None:
    """Lines of base64 that stand in a URL, joined by plus signs, are one piece."""
    written = "https://page.example/?q=aXQgd2FzIHRvbGQgYnkgc2tp+a2liZWtlIGhpbXNlbGY="
    text = searched([written], [written], frozenset())

    assert {"skikibeke"} == text.holding(Wanted(["skikibeke"]))


@pytest.mark.parametrize(
    "written",
    [
        "2001:db8:b188:0:0:8af8::74",
        "2001:db8:b188::8af8:0:74",
        "2001:db8:b188:0::8af8:0:74",
        "2001:db8:b188:0:0:8af8:0:74",
        "2001:0db8:b188:0000:0000:8af8:0000:0074",
    ],
)
def test_ipv6_address_is_found_whichever_zeros_are_left_out(written: str) -> None:
    """A writer may leave out any one run of zero groups, or none."""
    value = "2001:db8:b188::8af8:0:74"

    text = searched([written], [written], frozenset())

    assert {value} == text.holding(Wanted([value]))


def test_id_of_nothing_is_let_through_and_of_something_is_recomputed() -> None:
    """An id of version 4 stands where nothing contributes to it, and nowhere else."""
    random, made = (
        "8a6f3c1e-52c4-4d1b-9f6e-0b7d1c2a3e4f",
        "8a6f3c1e-52c4-5d1b-9f6e-0b7d1c2a3e4f",
    )
    objects: list[dict[str, Any]] = [
        {
            "type": "email-message",
            "id": f"email-message--{random}",
            "is_multipart": False,
        },
        {
            "type": "email-message",
            "id": f"email-message--{made}",
            "is_multipart": False,
        },
        {"type": "email-message", "id": f"email-message--{random}", "subject": "s"},
    ]

    assert [0, 1, 1] == [len(list(id_breaches([one]))) for one in objects]
