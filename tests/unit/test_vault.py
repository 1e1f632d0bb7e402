"""The vault gives back what was locked in it, to whoever has every key, and no else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as having
from hypothesis import strategies as st

from broker.errors import StoreError, VaultError
from broker.keys import RecipientKey, recipient_key
from broker.model.agreement import Reveal
from broker.model.reveal import Deposit, epoch_asked
from broker.model.sharing import Outcome, State
from broker.rulebook import Rulebook
from broker.store import Store
from broker.vault import Purge, Vault
from tests import world
from tests.unit.store import samples

SECRET = bytes(range(32))
NAMES = ("Вера Оштећена", "viktima-jone.example", "Teuta Mbledhësja", "FINANCA-03")


def allowing(*agreements: str) -> Rulebook:
    """Return the shipped rulebook with `reveal` in these agreements."""
    book = world.rulebook()
    routes = tuple(
        replace(
            route,
            agreement=route.agreement.model_copy(
                update={"reveal": Reveal(cites="MoU art. 9")}
            ),
        )
        if route.agreement.agreement in agreements
        else route
        for route in book.routes
    )
    return replace(book, routes=routes)


BOOK = allowing("kp-cybercrime")


def filled(
    book: Rulebook = BOOK, vault: Vault | None = None, **changes: Any
) -> tuple[Deposit, ...]:
    """Return what is locked away of an incident, for all recipients."""
    incident = world.incident(**changes)
    outcome = world.disclose(incident)
    made = (vault or Vault({1: SECRET})).filled(
        outcome, world.receive(incident).incident, book, world.keys()
    )
    return tuple(one for share in made.shares for one in share.deposits)


def key(recipient: str = "kp-misp") -> RecipientKey:
    """Return a recipient's key."""
    return world.keys().recipients[recipient]


def one() -> Deposit:
    """Return one deposit."""
    return filled()[0]


def test_what_was_queued_under_a_pseudonym_is_locked_away() -> None:
    """Each value behind a pseudonym has a deposit, and no other value has."""
    vault = Vault({1: SECRET})
    found = filled(vault=vault)

    assert set(NAMES) == {vault.unlock(each, key()) for each in found}
    assert {("kp-misp", "kp-cybercrime", 1, 1)} == {
        (each.recipient, each.agreement, each.epoch, each.number) for each in found
    }
    days = world.route().agreement.retention_days
    assert {timedelta(days=days)} == {each.kept_for for each in found}


def test_without_a_word_in_the_agreement_nothing_is() -> None:
    """As shipped, and for recipients without `reveal`, nothing is locked away."""
    assert () == filled(world.rulebook())
    assert {"fiu-misp"} == {each.recipient for each in filled(allowing("fiu"))}


@pytest.mark.parametrize("state", [s for s in State if s is not State.QUEUED])
def test_what_does_not_leave_is_not_locked_away(state: State) -> None:
    """Of a share that is held, withheld or unchanged there is no deposit."""
    incident = world.incident()
    outcome = world.disclose(incident)
    shares = tuple(replace(each, state=state) for each in outcome.shares)
    received = world.receive(incident).incident
    vault = Vault({1: SECRET})
    made = vault.filled(replace(outcome, shares=shares), received, BOOK, world.keys())

    assert [()] * 3 == [each.deposits for each in made.shares]


def test_what_is_not_in_the_bytes_is_not_locked_away() -> None:
    """A pseudonym that no byte of the sealed body has is none that anybody can hold."""
    incident = world.incident()
    outcome = world.disclose(incident)
    shares = tuple(
        replace(each, sealed=each.sealed and replace(each.sealed, body=b"{}"))
        for each in outcome.shares
    )
    bare: Outcome = replace(outcome, shares=shares)
    received = world.receive(incident).incident
    made = Vault({1: SECRET}).filled(bare, received, BOOK, world.keys())

    assert [()] * 3 == [each.deposits for each in made.shares]


def test_a_released_share_is_filled_like_any_other() -> None:
    """One share alone has the same deposits, by place, as within its outcome."""
    incident = world.incident()
    share = world.share(incident)
    vault = Vault({1: SECRET})
    received = world.receive(incident).incident
    made = vault.filled_share(share, received, BOOK, world.keys())

    assert {each.index for each in filled()} == {each.index for each in made.deposits}
    assert share == vault.filled_share(share, received, world.rulebook(), world.keys())


def test_a_pseudonym_leads_to_its_place() -> None:
    """The place of a pseudonym is the same each time, and another for each key."""
    vault = Vault({1: SECRET})
    deposits = {vault.unlock(each, key()): each for each in filled(vault=vault)}
    pseudonym = world.share(world.incident()).redacted
    assert pseudonym is not None
    name = pseudonym.view["victims"][0]["name"]

    assert (deposits[NAMES[0]].index,) == vault.indexes("kp-misp", key(), name)
    others = {
        *vault.indexes("fiu-misp", key(), name),
        *vault.indexes("kp-misp", key("fiu-misp"), name),
        *vault.indexes("kp-misp", replace(key(), epoch=2), name),
        *Vault({1: SECRET[::-1]}).indexes("kp-misp", key(), name),
    }
    assert 4 == len(others - {deposits[NAMES[0]].index})


@pytest.mark.parametrize(
    "changed",
    [
        {"recipient": "fiu-misp"},
        {"index": "ab" * 32},
        {"box": b""},
        {"box": b"short"},
        {"box": bytes(92)},
    ],
)
def test_a_row_that_was_altered_or_moved_does_not_open(changed: dict[str, Any]) -> None:
    """Recipient, index and bytes are authenticated, and the error has no value."""
    with pytest.raises(VaultError, match="was altered") as refused:
        Vault({1: SECRET}).unlock(replace(one(), **changed), key())

    assert "Вера" not in str(refused.value)


def test_each_bit_of_a_row_counts() -> None:
    """Whichever byte is changed, the row does not open."""
    deposit = one()
    vault = Vault({1: SECRET})
    for place in range(len(deposit.box)):
        bent = bytearray(deposit.box)
        bent[place] ^= 1
        with pytest.raises(VaultError):
            vault.unlock(replace(deposit, box=bytes(bent)), key())


@pytest.mark.parametrize(
    "other",
    [
        key("fiu-misp"),
        replace(key(), epoch=2),
        replace(key(), pseudonyms=bytes(32)),
    ],
)
def test_another_recipient_or_epoch_does_not_open_it(other: RecipientKey) -> None:
    """The vault's key alone opens nothing: the pseudonyms' key belongs to it."""
    with pytest.raises(VaultError, match="locked with other keys"):
        Vault({1: SECRET}).unlock(one(), other)


def test_keys_of_the_vault_rotate() -> None:
    """The newest key locks, all that are there open, one that is gone is named."""
    old = one()
    both = Vault({1: SECRET, 2: SECRET[::-1]})
    new = filled(vault=both)[0]

    assert NAMES[0] == both.unlock(old, key()) == both.unlock(new, key())
    assert (1, 2) == (old.number, new.number)
    assert [new.index, old.index] == list(
        both.indexes("kp-misp", key(), pseudonym_of(NAMES[0]))
    )
    with pytest.raises(VaultError, match=r"vault-1\.secret"):
        Vault({2: SECRET[::-1]}).unlock(old, key())


def pseudonym_of(value: str) -> str:
    """Return the pseudonym of a value at the police."""
    from broker.redact.methods.pseudonym import Pseudonym

    return Pseudonym().apply(value, key())


def test_without_any_key_nothing_is_queued_unnoticed() -> None:
    """Where an agreement asks for the vault and there is no key, filling it fails."""
    with pytest.raises(VaultError, match="besa keys vault"):
        filled(vault=Vault({}))


@having(st.text(st.characters(exclude_categories=()), max_size=300))
def test_any_text_comes_back_and_tells_its_length_roughly(text: str) -> None:
    """Every text is given back as it was; its length shows in steps of 64 bytes."""
    vault = Vault({1: SECRET})
    box = vault._locked(1, "kp-misp", key(), "ab", text)
    deposit = Deposit("kp-misp", 1, "ab", 1, "title", "kp", timedelta(1), box)

    assert text == vault.unlock(deposit, key())
    assert 0 == (len(box) - 12 - 16) % 64


def test_nothing_shows_a_value_or_a_key() -> None:
    """Neither a deposit nor a vault tells anything when somebody prints it."""
    deposit = one()
    said = repr(deposit) + str(Vault({1: SECRET})) + repr(filled())

    assert "Вера" not in said
    assert repr(deposit.box) not in said
    assert SECRET.hex() not in said


def test_two_recipients_have_nothing_in_common() -> None:
    """The same pseudonym at two recipients lies at two places."""
    vault = Vault({1: SECRET})
    places = [
        vault.indexes(name, recipient_key(bytes(32), name), "p-x") for name in "ab"
    ]

    assert places[0] != places[1]


@pytest.mark.parametrize(
    ("said", "epoch"),
    [
        ("p-6xsvfsryhshf4i6w", 1),
        ("p2-6xsvfsryhshf4i6w", 2),
        ("p-ip4-cb-00-71-4d", 1),
        ("p12-ip4-cb-00-71-00/24", 12),
        ("p-ip6-" + "-".join(["00ff"] * 8), 1),
        ("p-ip6-" + "-".join(["00ff"] * 8) + "/64", 1),
        ("p0-6xsvfsryhshf4i6w", None),
        ("p-6xsvfsryhshf4i6", None),
        ("p-6xsvfsryhshf4i6w x", None),
        ("P-6XSVFSRYHSHF4I6W", None),
        ("p-arta@posta.example", None),
        ("p-ip4-cb-00-71", None),
        ("Arta Gashi", None),
        ("", None),
    ],
)
def test_only_a_whole_pseudonym_is_one(said: str, epoch: int | None) -> None:
    """What a person types is taken only if it is a pseudonym from end to end."""
    assert epoch == epoch_asked(said)


def test_purging_happens_at_once_and_then_hourly(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The consume loop deletes what is due when it begins, and when it ends."""
    caplog.set_level("INFO", "besa.vault")
    now = datetime(2026, 11, 21, tzinfo=UTC)
    with samples.opened(tmp_path) as store:
        lock_away(store, now - timedelta(days=2))
        purge = Purge(store, lambda: now)
        purge()
        first = store.check_register(samples.KEYS).entries
        lock_away(store, now - timedelta(days=2), offset=2)
        purge()
        between = store.check_register(samples.KEYS).entries
        purge(now=True)
        purge(now=True)
        last = store.check_register(samples.KEYS).entries

    assert (3, 5, 6) == (first, between, last)
    assert 2 == caplog.text.count("1 values are past their time")
    assert 2 == len(caplog.records)


def test_a_store_that_fails_does_not_stop_consuming(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """When the store refuses, the purge is told in a log line and comes later."""
    store = samples.opened(tmp_path)
    store.close()
    (tmp_path / "store.db").unlink()
    (tmp_path / "store.db").mkdir()
    Purge(store, lambda: datetime(2026, 11, 21, tzinfo=UTC))(now=True)
    with pytest.raises(StoreError):
        store.purge_vault(datetime(2026, 11, 21, tzinfo=UTC))

    assert "the vault was not purged" in caplog.text


def lock_away(store: Store, now: datetime, offset: int = 1) -> None:
    """Store something that is past its time a day later."""
    index = f"{offset:064d}"
    agreement, field = "kp-cybercrime", "title"
    deposit = Deposit(
        "kp-misp", 1, index, 1, field, agreement, timedelta(days=1), b"box"
    )
    share = replace(samples.queued(f"u{offset}", agreement, 1), deposits=(deposit,))
    made = samples.outcome(f"u{offset}", 1, share)
    store.commit([(samples.at(offset), made)], now, samples.KEY)
