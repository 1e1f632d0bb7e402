"""What was held leaves as it was approved, or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from broker import pipeline, seal
from broker.canonical import sha256_hex
from broker.model.decision import Effect
from broker.model.sharing import Breach, History, Share, State
from broker.release import again, approved, held_until
from tests.unit import given

UNDETERMINED = {"classification": "other/undetermined"}


def held(history: History | None = None, **changes: Any) -> Share:
    """Return the share for the police after it went the whole path once more."""
    made = given.received(**(UNDETERMINED | changes))
    before = history or History(made.incident.revision, made.sha256)
    share = again(
        made,
        given.KP,
        rulebook=given.shipped(),
        keys=given.keys(),
        history=before,
        now=given.NOW,
    )
    assert share is not None
    return share


def release(share: Share, sha256: str | None = None) -> Share:
    """Return the share after people approved a draft, its own if none is named."""
    own = sha256_hex(share.draft.body) if share.draft else ""
    return approved(
        share,
        "KOS-2026-1",
        sha256 or own,
        rulebook=given.shipped().digest,
        keys=given.keys(),
    )


def test_the_draft_is_the_same_each_time() -> None:
    """Held, read again and made anew, the draft has the bytes that people looked at."""
    first = given.share_of(given.disclose(**UNDETERMINED))

    assert first.state is State.HELD
    assert first.draft == held().draft


def test_what_was_approved_is_sealed_for_its_recipient() -> None:
    """The seal holds, on the very bytes, with the id that the case has there."""
    share = release(held())

    assert share.sealed is not None
    seal.verify(share.sealed, given.public())
    assert (State.QUEUED, "kp-misp") == (share.state, share.sealed.recipient)
    assert share.sealed.share.encode() in share.sealed.body
    assert given.shipped().digest == share.sealed.rulebook


def test_the_case_has_the_id_that_the_pipeline_gives_it() -> None:
    """What is released and what is shared later are one case at the recipient."""
    shared = given.share_of(given.disclose(classification="malicious-code/c2-server"))
    released = release(held())

    assert shared.sealed is not None
    assert released.sealed is not None
    assert shared.sealed.share == released.sealed.share


def test_other_bytes_stay_held() -> None:
    """An approval of another draft seals nothing."""
    share = held()

    assert share is release(share, "0" * 64)


@pytest.mark.parametrize(
    "wrong",
    [
        {"breaches": (Breach("withheld-value", "Event.info"),)},
        {"failure": "guard: GuardError"},
        {"draft": None},
        {"edition": None},
        {"state": State.WITHHELD},
    ],
)
def test_approval_lifts_no_breach_and_no_error(wrong: dict[str, Any]) -> None:
    """What the guard found something in, or what failed, is never sealed."""
    share = replace(held(), **wrong)
    digest = sha256_hex(held().draft.body) if held().draft else ""

    assert release(share, digest).sealed is None


def test_what_is_withheld_by_now_is_not_made() -> None:
    """Under rules that withhold it, going the path again makes no draft."""
    share = held(status="withdrawn")

    assert (State.WITHHELD, None) == (share.state, share.draft)


def test_an_agreement_that_is_gone_gives_nothing() -> None:
    """Without its agreement there is nothing to decide under."""
    made = given.received(**UNDETERMINED)
    book = replace(given.shipped(), routes=())

    assert None is again(
        made,
        given.KP,
        rulebook=book,
        keys=given.keys(),
        history=History(),
        now=given.NOW,
    )


def test_a_released_edition_follows_the_one_before() -> None:
    """The history of the incident numbers what is released, as in the pipeline."""
    first = given.disclose(classification="malicious-code/c2-server")
    history = pipeline.advance(History(), first)
    share = held(history, revision=2, revised_at="2026-11-20T10:30:00Z")

    assert share.edition is not None
    assert 2 == share.edition.number


def test_only_time_ends_by_itself() -> None:
    """An embargo has an end; a review, or an embargo beside a review, has none."""
    end = given.NOW + timedelta(days=2)
    book = given.shipped()
    found = {}
    for name, kind in (
        ("time", "malicious-code/c2-server"),
        ("both", "other/undetermined"),
    ):
        made = {"classification": kind, "embargo_until": end.isoformat()}
        share = given.share_of(given.disclose(**made))
        assert share.decision.effect is Effect.REVIEW
        found[name] = held_until(given.incident(**made), share, book)

    assert {"time": end, "both": None} == found
