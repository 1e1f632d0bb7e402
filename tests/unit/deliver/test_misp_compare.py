"""What a server holds is compared as MISP would write it."""

from __future__ import annotations

from typing import Any

import pytest

from broker.deliver.misp_compare import Difference, compare, normal
from broker.model.sharing import Loss
from tests.unit.deliver.events import attribute, event, person, report


@pytest.mark.parametrize(
    ("kind", "sent", "stored"),
    [
        ("domain", "PHISH.example.", "phish.example"),
        ("domain", "münchen.example", "xn--mnchen-3ya.example"),
        ("domain", "phish[.]example", "phish.example"),
        ("url", "hxxp://A.example/Path", "http://A.example/Path"),
        ("url", "hxxps://A.example/Path", "https://A.example/Path"),
        ("ip-dst", "203.0.113.7/32", "203.0.113.7"),
        ("ip-dst", "2001:0DB8::0001", "2001:db8::1"),
        ("ip-src", "203.0.113.0/24", "203.0.113.0/24"),
        ("ip-dst|port", "203.0.113.7:443", "203.0.113.7|443"),
        ("domain|ip", "A.example|203.0.113.7", "a.example|203.0.113.7"),
        ("filename|md5", "Invoice.pdf|ABCDEF", "Invoice.pdf|abcdef"),
        ("md5", "ABCDEF", "abcdef"),
        ("sha256", "ABCDEF", "abcdef"),
        ("email-src", "A@B.example", "a@b.example"),
        ("mac-address", "AA:BB", "aa:bb"),
        ("AS", "as64500", "64500"),
        ("vulnerability", "cve-2026-1", "CVE-2026-1"),
        ("datetime", "2026-05-01T12:00:00+02:00", "2026-05-01T10:00:00.000000+0000"),
        ("text", "  Blanks ", "Blanks"),
    ],
)
def test_another_spelling_is_the_same_value(kind: str, sent: str, stored: str) -> None:
    """Each way in which MISP rewrites a value counts as the same value."""
    assert normal(kind, stored) == normal(kind, sent)


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("url", "http://a.example/Path", "http://a.example/path"),
        ("domain", "a.example", "b.example"),
        ("ip-dst", "203.0.113.7", "203.0.113.8"),
        ("ip-dst", "not an address", "nor this"),
        ("text", "A", "a"),
        ("filename", "A.exe", "a.exe"),
        ("domain", "a..example", "a.example"),
    ],
)
def test_another_value_is_another_value(kind: str, one: str, other: str) -> None:
    """What really differs is not taken for the same."""
    assert normal(kind, one) != normal(kind, other)


def test_the_same_is_no_difference() -> None:
    """An event compared with itself has no difference."""
    made = event(attribute("1.example", "domain"), Object=[person("X")])

    assert Difference() == compare(made, made)


def held(made: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return an event as a server would show it."""
    return {**made, **fields}


def test_each_difference_is_named() -> None:
    """Missing, altered, stray and left-over things are told apart, by their UUID."""
    missing, altered, stray, left = (attribute(f"203.0.113.{n}") for n in range(4))
    ours = event(missing, altered, left, tags=("a", "b"))
    theirs = event(
        {**altered, "value": "198.51.100.1"},
        stray,
        {**left, "first_seen": "2026-05-01"},
        {**missing, "deleted": True},
        tags=("B", "c"),
        uuid=ours["uuid"],
        published=False,
    )

    difference = compare(ours, theirs)

    assert (
        Difference(
            missing=(missing["uuid"],),
            altered=(Loss(altered["uuid"], "its value is stored otherwise"),),
            strays=(stray["uuid"],),
            leftovers=(left["uuid"],),
            stray_tags=("c",),
            missing_tags=("a",),
            unpublished=True,
        )
        == difference
    )
    assert difference.in_content
    assert difference.not_taken_back


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type", "ip-src"),
        ("category", "Other"),
        ("to_ids", False),
        ("comment", "other"),
        ("distribution", "0"),
        ("value", "203.0.113.2"),
    ],
)
def test_every_field_of_an_attribute_counts(field: str, value: Any) -> None:
    """An attribute with any field stored otherwise is a loss that names the field."""
    own = attribute("203.0.113.1")

    difference = compare(event(own), event({**own, field: value}))

    assert f"its {field} is stored otherwise" in {
        loss.what for loss in difference.altered
    }


def test_parts_of_objects_and_reports_count() -> None:
    """Differences inside objects and in reports are found as well."""
    thing, words = person("X"), report("t")
    other = person("Y", uuid=thing["uuid"])
    other["Attribute"][0]["uuid"] = thing["Attribute"][0]["uuid"]

    mine = event(Object=[thing], EventReport=[words])

    difference = compare(
        mine, held(mine, Object=[other], EventReport=[{**words, "content": "u"}])
    )

    assert (
        Loss(thing["Attribute"][0]["uuid"], "its value is stored otherwise"),
        Loss(words["uuid"], "its content is stored otherwise"),
    ) == difference.altered


@pytest.mark.parametrize(("content", "strays"), [("t", 1), ("", 0), (None, 0)])
def test_a_deleted_report_with_its_text_is_not_taken_back(
    content: str | None, strays: int
) -> None:
    """A MISP shows the text of a deleted report; it is gone only when it is empty."""
    mine = event()
    words = {**report("t", deleted=True), "content": content}

    difference = compare(mine, held(mine, EventReport=[words]))

    assert strays == len(difference.strays)
    assert difference.not_taken_back is bool(strays)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(True, "1"), (False, "0"), (True, 1), (False, 0), (False, None)],
)
def test_flags_are_compared_as_flags(ours: bool, theirs: Any) -> None:
    """A flag is the same however the server spells it."""
    own = attribute("203.0.113.1", to_ids=ours)
    mine = event(own)

    assert (
        () == compare(mine, held(mine, Attribute=[{**own, "to_ids": theirs}])).altered
    )


def test_times_are_compared_as_times() -> None:
    """A time is the same in another zone or with fractions."""
    own = attribute("203.0.113.1", first_seen="2026-05-01T12:00:00+02:00")
    shown = {**own, "first_seen": "2026-05-01T10:00:00.000000+00:00"}
    mine = event(own)

    assert () == compare(mine, held(mine, Attribute=[shown])).altered
