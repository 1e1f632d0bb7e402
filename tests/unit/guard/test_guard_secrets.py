"""Which values are secrets under methods that leave a value as it is now and then."""

from __future__ import annotations

from typing import Any

import pytest

from broker.guard.ids import id_breaches
from broker.guard.search import Wanted, searched
from broker.guard.secrets import Secrets
from tests.unit import given

NAME = "Shpresa Kallëzuesja"


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
