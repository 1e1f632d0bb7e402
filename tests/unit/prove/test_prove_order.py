"""The order of disclosure: which outcome of redaction shows no more than another."""

from __future__ import annotations

from itertools import permutations, product
from typing import Any, Final

import pytest

from broker.cli import policy_compare
from broker.model.sharing import KEPT, WITHHELD
from broker.prove.compare import compare
from broker.prove.order import shows_more, unordered
from broker.prove.outcome import USUAL, Outcome
from broker.redact.methods import METHODS, method_of
from tests.edited import side
from tests.unit import given

PROFILE: Final = "policies/profiles/investigation.yaml"
VALUES: Final[dict[str, tuple[str, ...]]] = {
    "text": (
        *("31", "17 years", "18", "64", "a", "x 1", "Prishtina", "rruga Peja, Pejë"),
        *("Gllogoc", "Podujevo", "42.66, 21.16", "42.6, 21.1", "Ana", "ana", ""),
    ),
    "amount": ("0", "999.99", "1000", "25000", "75000.50", "750000", "99999999"),
    "time": tuple(
        f"2026-{month}-{day}T{hour}:15:07Z"
        for month, day, hour in product(("01", "02"), ("01", "28"), ("00", "23"))
    ),
    "ip": ("192.0.2.1", "192.0.2.200", "192.0.3.1", "198.51.100.7", "2001:db8::1"),
    "url": ("http://a.example/x", "https://a.example:1/y", "http://b.example", "x"),
    "email": ("ana@a.example", "b@a.example", "b@b.example", "x"),
}
OPTIONS: Final[dict[str, tuple[dict[str, Any], ...]]] = {
    "age_band": ({}, {"bounds": [18]}, {"bounds": [18, 65]}, {"bounds": [20, 40]}),
    "amount_band": ({}, {"bounds": [1000]}, {"bounds": [500, 1000, 10_000]}),
    "coarsen_place": ({}, {"to": "region"}),
    "coarsen_time": ({}, {"to": "hour"}, {"to": "month"}),
    "truncate_ip": ({}, {"v4": 16}, {"v4": 28, "v6": 32}, {"v6": 64}),
}


def outcome(method: str, **options: Any) -> Outcome:
    written = {**USUAL.get(method, {}), **options}
    frozen = {n: tuple(v) if isinstance(v, list) else v for n, v in written.items()}
    return Outcome(method, tuple(sorted(frozen.items())))


def every() -> list[tuple[str, dict[str, Any]]]:
    return [
        (name, options)
        for name in METHODS
        if name not in ("keep", "drop")
        for options in OPTIONS.get(name, ({},))
    ]


@pytest.mark.parametrize("name", sorted(METHODS))
def test_options_that_are_left_out_are_the_usual_ones(name: str) -> None:
    """A method whose options nobody wrote is the one with the options stated here."""
    written = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in USUAL.get(name, {}).items()
    }

    assert vars(method_of(name, {})) == vars(method_of(name, written))


def left(name: str, options: dict[str, Any], value: Any) -> Any:
    method = method_of(name, options)
    if isinstance(value, tuple) and not method.whole_list:
        return tuple(method.apply(each, given.key()) for each in value)
    found = method.apply(
        list(value) if isinstance(value, tuple) else value, given.key()
    )
    return tuple(found) if isinstance(found, list) else found


@pytest.mark.parametrize("old", every(), ids=str)
def test_what_shows_no_more_follows_from_what_was_shown(
    old: tuple[str, dict[str, Any]],
) -> None:
    """Values that look the same under the one still look the same under the other."""
    for new in every():
        if new == old or shows_more(
            outcome(old[0], **old[1]), outcome(new[0], **new[1])
        ):
            continue
        shapes = METHODS[old[0]].accepts & METHODS[new[0]].accepts
        assert shapes
        for shape in {str(each) for each in shapes} & {*VALUES}:
            values: list[Any] = list(VALUES[shape])
            values += [tuple(pair) for pair in permutations(VALUES[shape][:3], 2)]
            seen: dict[Any, Any] = {}
            for value in values:
                was, now = left(*old, value), left(*new, value)
                assert now == seen.setdefault(was, now), (new, shape, value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (outcome(KEPT), outcome("pseudonym")),
        (outcome(KEPT), outcome(WITHHELD)),
        (outcome(KEPT), outcome("scrub_text")),
        (outcome("pseudonym"), outcome("mask")),
        (outcome("pseudonym"), outcome("count_only")),
        (outcome("scrub_text"), outcome("mask")),
        (outcome("mask"), outcome(WITHHELD)),
        (outcome("age_band"), outcome("age_band", bounds=[18, 65])),
        (outcome("amount_band"), outcome("amount_band", bounds=[10_000])),
        (outcome("coarsen_place"), outcome("coarsen_place", to="region")),
        (outcome("coarsen_time", to="hour"), outcome("coarsen_time")),
        (outcome("coarsen_time"), outcome("coarsen_time", to="month")),
        (outcome("truncate_ip"), outcome("truncate_ip", v4=16)),
    ],
    ids=str,
)
def test_less_is_less_and_more_is_more(old: Outcome, new: Outcome) -> None:
    """What shows less does not widen, and the way back does."""
    assert shows_more(old, new) is False
    assert shows_more(new, old) is True
    assert shows_more(old, old) is False
    assert not unordered(old, new)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (outcome("domain_only"), outcome("pseudonym")),
        (outcome("domain_only"), outcome("url_origin")),
        (outcome("domain_only"), outcome("mask")),
        (outcome("url_origin"), outcome("scrub_text")),
        (outcome("coarsen_place"), outcome("mask")),
        (outcome("age_band"), outcome("count_only")),
        (outcome("pseudonym_ip"), outcome("truncate_ip")),
        (outcome("age_band"), outcome("age_band", bounds=[20, 40])),
        (outcome("truncate_ip", v4=16, v6=64), outcome("truncate_ip")),
        (outcome("keep_half"), outcome("keep_more")),
        (outcome("new_method", level=1), outcome("new_method")),
    ],
    ids=str,
)
def test_what_cannot_be_ordered_is_more_in_both_directions(
    one: Outcome, other: Outcome
) -> None:
    """Each shows something that the other does not, so either change may widen."""
    assert unordered(one, other)
    assert shows_more(one, other) is True
    assert shows_more(other, one) is True


def test_a_mask_and_a_count_tell_the_same() -> None:
    """Both say how many values there are, and nothing else."""
    assert not shows_more(outcome("mask"), outcome("count_only"))
    assert not shows_more(outcome("count_only"), outcome("mask"))


@pytest.mark.parametrize(
    ("was", "now", "widens", "ordered"),
    [
        ("{method: amount_band}", "{method: amount_band, options: {bounds: [10000]}}",
         False, True),
        ("{method: amount_band, options: {bounds: [10000]}}", "{method: amount_band}",
         True, True),
        ("{method: amount_band}", "{method: amount_band, options: {bounds: [7]}}",
         True, False),
    ],
)  # fmt: skip
def test_a_profile_with_bands_is_compared(
    was: str, now: str, widens: bool, ordered: bool
) -> None:
    """Bands that are put together do not widen; others differ, and may widen."""
    line = next(
        line
        for line in given.ROOT.joinpath(PROFILE).read_text("utf-8").splitlines()
        if line.strip().startswith("financial_loss.amount:")
    )
    old, new = (
        side((PROFILE, line, f"  financial_loss.amount: {each}")) for each in (was, now)
    )

    found = compare(old, new)

    [change] = found.fields
    assert (widens, widens) == (found.widens, change.widens)
    data = policy_compare.as_json(found, "", "")["fields"][0]
    assert (widens, not ordered) == (data["widens"], data["unordered"])
