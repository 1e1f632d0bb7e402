"""When an approval of a look into the vault counts, and when it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from broker.model.reviewer import Reviewer, Reviewers
from broker.reveal import counting, involved, objection, statement, unknown
from broker.review import sign
from broker.store import Approved, Asking, Denial, Request

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
ARTA = Reviewer(name="arta", user="u-arta", key=PUBLIC)
BESNIK = Reviewer(name="besnik", user="u-besnik", emails=("b@csirt.example",))
CUFE = Reviewer(name="cufe", user="u-cufe")
PEOPLE = Reviewers(reviewers=(ARTA, BESNIK, CUFE))
ASKING = Asking(
    "kp-misp", "p-" + "a" * 16, "PPN-1", "PPR 1", "why", "u-erza", "u-erza", NOW
)
ASKED = Request(7, ASKING, None, 0)


def approved(
    reviewer: Reviewer = ARTA, request: Request = ASKED, *, vouches: bool = False
) -> Approved:
    """Return a person's approval, signed if they have a key."""
    until = NOW + 24 * HOUR
    text = statement(request, reviewer.name, NOW, until, vouches=vouches)
    signature = sign(text, KEY) if reviewer.key else ""
    return Approved(0, reviewer.name, "", NOW, until, text, signature)


def asked(**changes: Any) -> Request:
    """Return the request with something else in it."""
    return replace(ASKED, asking=replace(ASKING, **changes))


def test_an_approval_of_exactly_this_counts() -> None:
    """Signed where there is a key, unsigned where there is only an account."""
    assert "" == objection(approved(), ASKED, PEOPLE, NOW + HOUR)
    assert "" == objection(approved(BESNIK), ASKED, PEOPLE, NOW + 24 * HOUR)


@pytest.mark.parametrize(
    "changed",
    [
        {"recipient": "fiu-misp"},
        {"pseudonym": "p-" + "b" * 16},
        {"case_number": "PPN-2"},
        {"legal_order": "PPR 2"},
        {"reason": "another"},
        {"salt": "another"},
        {"requester": "u-mallory"},
        {"user": "u-mallory"},
        {"at": NOW + HOUR},
    ],
)
def test_nothing_that_was_asked_can_be_exchanged(changed: dict[str, Any]) -> None:
    """Whatever of the request is changed afterwards, the approval is not about it."""
    why = objection(approved(), asked(**changed), PEOPLE, NOW)

    assert "the statement of arta is not about this" == why
    other = replace(ASKED, id=8)
    assert "not about this" in objection(approved(), other, PEOPLE, NOW)


def test_it_expires_and_cannot_be_made_to_last() -> None:
    """After its time, or with a longer time than the list allows, it does not count."""
    long = replace(approved(), until=NOW + 25 * HOUR)

    for given, at in ((approved(), NOW + 25 * HOUR), (long, NOW)):
        assert "the approval of arta has expired" == objection(given, ASKED, PEOPLE, at)


def test_a_signature_of_somebody_else_does_not_count() -> None:
    """A statement that is right, with a signature that is not, is refused."""
    forged = replace(approved(), signature="00" * 64)
    broken = replace(approved(), signature="no hex")

    for given in (forged, broken):
        why = objection(given, ASKED, PEOPLE, NOW)
        assert "the signature of arta does not hold" == why


def test_a_stranger_does_not_count() -> None:
    """Who is not, or no longer, in the list of reviewers is nobody."""
    why = objection(approved(), ASKED, Reviewers(reviewers=(BESNIK,)), NOW)

    assert "arta is no reviewer" == why


@pytest.mark.parametrize(
    "who",
    [
        {"requester": "besnik", "user": "shared"},
        {"requester": "u-besnik", "user": "u-besnik"},
        {"requester": "somebody", "user": "u-besnik"},
        {"requester": "B@CSIRT.example", "user": ""},
    ],
)
def test_who_asked_does_not_count(who: dict[str, str]) -> None:
    """By name, account or address: nobody approves what they asked for."""
    request = asked(**who)

    assert "besnik asked for this" == involved(BESNIK, request)
    given = approved(BESNIK, request)
    assert "besnik asked for this" == objection(given, request, PEOPLE, NOW)
    assert "" == involved(CUFE, request)


def test_who_may_be_the_one_who_asked_must_say_no() -> None:
    """A reviewer whose account nobody knows vouches, unless a reviewer asked."""
    nobody = Reviewer(name="dea", key=PUBLIC)
    people = Reviewers(reviewers=(nobody, BESNIK))
    by_besnik = asked(requester="besnik")
    silent, sure = approved(nobody), approved(nobody, vouches=True)

    assert "nobody knows which user dea is" in unknown(nobody, ASKED, people)
    assert "" == unknown(nobody, by_besnik, people)
    assert "did not vouch" in objection(silent, ASKED, people, NOW)
    assert "" == objection(sure, ASKED, people, NOW)


def given_by(*reviewers: Reviewer, until: datetime | None = NOW + HOUR) -> Request:
    """Return the request with approvals."""
    return replace(
        ASKED, approvals=tuple(approved(one) for one in reviewers), until=until
    )


def test_two_people_are_enough_and_one_is_not() -> None:
    """Two different people open it; one person twice is one."""
    assert (("arta", "besnik"), "") == counting(given_by(ARTA, BESNIK), PEOPLE, NOW)
    names, why = counting(given_by(ARTA, ARTA), PEOPLE, NOW)

    assert ("arta",) == names
    assert "1 of 2 people approve it" == why


def test_what_speaks_against_an_approval_is_said() -> None:
    """Where one of two does not count, the reason stands beside the number."""
    request = given_by(ARTA, BESNIK)
    names, why = counting(request, Reviewers(reviewers=(BESNIK, CUFE)), NOW)

    assert (("besnik",), "1 of 2 people approve it: arta is no reviewer") == (
        names,
        why,
    )


def test_one_denial_outweighs_two_approvals() -> None:
    """What somebody denied is not shown; why they did is not repeated."""
    denied = Denial("cufe", NOW, "it is about Vjosa")
    request = replace(given_by(ARTA, BESNIK), denial=denied)

    assert (("arta", "besnik"), "cufe denied it") == counting(request, PEOPLE, NOW)
    request = replace(ASKED, denial=denied)
    assert ((), "cufe denied it") == counting(request, PEOPLE, NOW)


def test_it_ends_with_its_time_even_if_approvals_would_last() -> None:
    """What was opened until a moment is closed after it."""
    request = given_by(ARTA, BESNIK, until=NOW)

    assert "" == counting(request, PEOPLE, NOW)[1]
    assert "has expired" in counting(request, PEOPLE, NOW + HOUR)[1]
