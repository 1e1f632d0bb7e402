"""Which value a pseudonym stands for is read from the ledger, field by field."""

from __future__ import annotations

import json
from typing import Any

from broker.model.sharing import Redacted
from broker.redact import fields_of, project
from broker.redact.methods.pseudonym import Pseudonym
from broker.redact.pairs import Pair, pairs
from tests import profiles
from tests.unit import given

SUSPECTS = [
    {"kind": "person", "name": "Agim Shpikuri", "accounts": ["a-1", "a-2"]},
    {"kind": "person", "name": "Era Sajuari", "accounts": ["a-3"]},
]


def found(rules: dict[str, Any], **changes: Any) -> list[Pair]:
    """Return the pairs of an incident that was redacted by these rules."""
    incident = given.incident(**changes)
    plan = profiles.plan_of(given.profile(rules))
    redacted = project(incident, plan, given.key())
    result = list(pairs(redacted, fields_of(incident), given.key()))
    seen = json.dumps(redacted.view)
    assert [] == [one for one in result if f'"{one.pseudonym}"' not in seen]
    return result


def made(value: str) -> str:
    """Return the pseudonym that a value has."""
    return Pseudonym().apply(value, given.key())


def test_a_list_within_a_list_has_a_pair_for_each_value() -> None:
    """Each account of each suspect is paired with its own pseudonym."""
    rules = {"suspects[].accounts[]": "pseudonym"}

    assert [
        Pair("suspects[].accounts[]", made(value), value)
        for value in ("a-1", "a-2", "a-3")
    ] == found(rules, suspects=SUSPECTS)


def test_a_list_at_the_top_and_a_part_within_a_part() -> None:
    """Caveats and the reporter's mailbox are found where they stand."""
    rules = {"handling_caveats[]": "pseudonym", "reporter.contacts.email": "pseudonym"}
    mail = "arta@posta.example"

    assert {
        Pair("handling_caveats[]", made("T-1"), "T-1"),
        Pair("handling_caveats[]", made("T-2"), "T-2"),
        Pair("reporter.contacts.email", made(mail), mail),
    } == set(
        found(
            rules,
            handling_caveats=["T-1", "T-2"],
            reporter={"name": "Arta", "contacts": {"email": mail}},
        )
    )


def test_a_number_made_of_the_content_is_paired_too() -> None:
    """A uid that is a digest leaves as a pseudonym, and can be asked for like one."""
    uid = "n6:sha256:" + "ab" * 32

    assert [Pair("uid", made(uid), uid)] == found({"uid": "keep"}, uid=uid)


def test_other_methods_have_no_pairs() -> None:
    """What is kept, masked, cut or withheld is in no pair."""
    rules = {
        "suspects[].name": "mask",
        "title": "keep",
        "suspects[].accounts[]": "count_only",
    }

    assert [] == found(rules, suspects=SUSPECTS)


def test_a_value_that_its_method_leaves_nothing_of_has_no_pair() -> None:
    """No pseudonym, no pair: not even where the ledger claims one."""
    marks = ((-1, (("title", "pseudonym_ip", "p:1"),)),)
    claimed = Redacted({}, marks)

    assert [] == list(pairs(claimed, {"title": "no address"}, given.key()))
