"""When an approval counts, and when it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import ValidationError

from broker.model.reviewer import Reviewer, Reviewers
from broker.review import Behind, involved, objection, sign, statement, unknown
from broker.store import Approved, Held

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ARTA = Reviewer(
    name="arta",
    user="u-arta",
    emails=("arta@csirt.example",),
    key=KEY.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode(),
)
BESNIK = Reviewer(name="besnik", user="u-besnik")
PEOPLE = Reviewers(reviewers=(ARTA, BESNIK))
OTHERS = Behind("u-erza", "dea@csirt.example")
HELD = Held(1, "CASE-1", 2, "kp", "kp-misp", "review", "a" * 64, NOW)


def approved(
    held: Held = HELD, key: Ed25519PrivateKey = KEY, *, vouches: bool = False
) -> Approved:
    """Return Arta's approval, signed."""
    until = NOW + timedelta(hours=24)
    text = statement(held, "arta", NOW, until, vouches=vouches)
    return Approved(1, "arta", held.sha256, NOW, until, text, sign(text, key))


def why(
    given: Approved,
    held: Held = HELD,
    behind: Behind = OTHERS,
    after: timedelta = timedelta(hours=1),
    people: Reviewers = PEOPLE,
) -> str:
    """Return what speaks against an approval."""
    return objection(given, held, people, behind, NOW + after)


def test_a_signed_approval_counts() -> None:
    """An approval by a listed person, for this draft, in time, counts."""
    assert "" == why(approved())


@pytest.mark.parametrize(
    "changed",
    [
        {"uid": "CASE-2"},
        {"revision": 3},
        {"agreement": "fiu"},
        {"recipient": "fiu-misp"},
    ],
)
def test_an_approval_is_of_one_share(changed: dict[str, str]) -> None:
    """A statement about another incident, revision or recipient counts for nothing."""
    assert "is not about this" in why(approved(), replace(HELD, **changed))


def test_another_draft_needs_another_approval() -> None:
    """When the draft's bytes have changed, the approval does not count."""
    assert "another draft" in why(approved(), replace(HELD, sha256="b" * 64))


def test_a_signature_of_another_key_does_not_count() -> None:
    """Who has not the reviewer's key cannot approve in their name."""
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))

    assert "does not hold" in why(approved(key=other))
    assert "does not hold" in why(replace(approved(), signature=""))
    assert "does not hold" in why(replace(approved(), signature="not hex"))


def test_an_approval_ends() -> None:
    """After its time an approval is worth nothing, and no longer than is allowed."""
    short = Reviewers(reviewers=(ARTA,), approval_hours=1)

    assert "expired" in why(approved(), after=timedelta(hours=25))
    assert "expired" in why(approved(), people=short)


def test_an_approval_from_the_future_does_not_count() -> None:
    """What was approved while a clock was ahead would count for longer than it may."""
    assert "" == why(approved(), after=-timedelta(minutes=10))
    assert "in the future" in why(approved(), after=-timedelta(minutes=11))
    assert "in the future" in why(approved(), after=-timedelta(days=400))


def test_who_is_not_listed_any_more_does_not_count() -> None:
    """A reviewer who was taken off the list has approved nothing."""
    assert "arta is no reviewer" == why(approved(), people=Reviewers())


@pytest.mark.parametrize(
    ("behind", "said"),
    [
        (Behind("u-arta", "dea@csirt.example"), "arta published the incident"),
        (Behind("U-Arta", "dea@csirt.example"), "arta published the incident"),
        (Behind("u-erza", "ARTA@csirt.example"), "the last to edit the agreement"),
        (Behind("u-erza", "arta"), "the last to edit the agreement"),
    ],
)
def test_who_is_behind_it_does_not_approve_it(behind: Behind, said: str) -> None:
    """Publisher and last editor are recognised by name, user or address."""
    assert said in involved(ARTA, behind)
    assert said in why(approved(vouches=True), behind=behind)


def test_what_is_not_known_must_be_vouched_for() -> None:
    """An unknown publisher or editor counts only against the reviewer's own word."""
    nobody = Behind("", "")

    assert 2 == len(unknown(ARTA, nobody))
    assert "did not vouch" in why(approved(), behind=nobody)
    assert "" == why(approved(vouches=True), behind=nobody)


def test_a_reviewer_without_addresses_cannot_be_told_from_the_editor() -> None:
    """Whose addresses are not listed must vouch, although the editor is known."""
    assert 1 == len(unknown(BESNIK, OTHERS))
    assert [] == unknown(ARTA, OTHERS)


@pytest.mark.parametrize(
    ("second", "what"),
    [
        (ARTA.model_copy(update={"user": "u", "emails": (), "key": ""}), "name"),
        (ARTA.model_copy(update={"name": "b", "emails": (), "key": ""}), "user"),
        (ARTA.model_copy(update={"name": "b", "user": "u", "key": ""}), "email"),
        (
            ARTA.model_copy(
                update={
                    "name": "b",
                    "user": "u",
                    "emails": (),
                    "key": f"{ARTA.key} another comment",
                }
            ),
            "key",
        ),
    ],
)
def test_one_person_is_not_two(second: Reviewer, what: str) -> None:
    """A list in which two entries share anything that tells people apart is refused."""
    with pytest.raises(ValidationError, match=f"the same {what}"):
        Reviewers(reviewers=(ARTA, second))


@pytest.mark.parametrize("key", ["ssh-rsa AAAA", "nonsense", "ssh-ed25519 AAAA x"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    """Only Ed25519 keys as OpenSSH writes them are taken."""
    with pytest.raises(ValidationError, match="key"):
        Reviewer(name="x", key=key)


def test_a_reviewer_without_anything_is_refused() -> None:
    """Somebody who cannot be recognised cannot be a reviewer."""
    with pytest.raises(ValidationError, match="a user or a key"):
        Reviewer(name="x")
