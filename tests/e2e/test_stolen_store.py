"""Whoever steals the database file reads nobody behind a pseudonym in it."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from broker import keyring
from broker.model.reveal import Deposit
from broker.vault import Vault
from tests.e2e.office import ROOT, Office
from tests.e2e.test_reveal import allow, case
from tests.encodings import ENCODINGS

AGREEMENTS: Final = ("kp-cybercrime", "fiu", "special-prosecution")
DEMO: Final = ROOT / "broker" / "demo" / "incidents"
VICTIMS: Final = (
    ("Vjosa Kallëzuesja", "viktima-jone.example"),
    ("Вера Оштећена", "tisina.example"),
    ("Agim Shpikuri", "agimi-i-ri.example"),
    ("Žarko Đurđević", "ćilim.example"),
    ("Era O'Brien-Çela", "zyra-e-eres.example"),
    ("Li", "kafe-7.example"),
)
# Fewer bytes than these stand somewhere in any file of this size by chance.
_TELLING: Final = 6


@pytest.fixture
def office(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> Office:
    """Give an installation that consumed the demo's incidents and more, vault on."""
    made = Office(tmp_path / "home", monkeypatch, capsysbinary)
    for agreement in AGREEMENTS:
        allow(made, agreement)
    assert 0 == made.besa("keys", "vault").code
    assert "19 published" in made.besa("publish", DEMO).err  # three are no incidents
    for number, (name, domain) in enumerate(VICTIMS):
        victim = {"kind": "person", "name": name, "consent": "unknown"}
        machine = {"name": f"Llogaritë-{number}7", "function": "salaries"}
        seen = {"kind": "domain", "value": domain, "role": "victim"}
        made.publish(
            case(
                f"CASE-{number}",
                victims=[victim],
                affected_systems=[machine],
                observables=[seen],
            )
        )
    made.consume()
    return made


def stolen(home: Path) -> list[bytes]:
    """Return what a thief has: each file of the database, and each cell in it."""
    files = [path.read_bytes() for path in home.glob("besa.sqlite*")]
    return [*files, *cells(home / "besa.sqlite")]


def cells(file: Path) -> Iterator[bytes]:
    """Yield each cell of each table: a long one is cut into pages in the file."""
    with sqlite3.connect(file) as store:
        store.text_factory = bytes
        tables = store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (name,) in tables.fetchall():
            for row in store.execute(f'SELECT * FROM "{name.decode()}"'):  # noqa: S608
                yield from (each for each in row if isinstance(each, bytes))


def deposits(office: Office) -> list[Deposit]:
    """Return the vault's rows, still encrypted."""
    rows = office.rows(
        'SELECT recipient, epoch, "index", number, field, agreement, box FROM vault'
    )
    return [
        Deposit(recipient, epoch, index, number, field, agreement, timedelta(1), box)
        for recipient, epoch, index, number, field, agreement, box in rows
    ]


def behind(office: Office) -> dict[str, str]:
    """Return every value in the vault with its field, as who has the keys reads it."""
    keys = office.home / "keys"
    vault = Vault(keyring.read_vault_keys(keys))
    return {
        vault.unlock(one, keyring.read_epochs(keys, one.recipient)[one.epoch]): (
            one.field
        )
        for one in deposits(office)
    }


def sent_in_clear(office: Office) -> bytes:
    """Return all that some recipient was sent, which the outbox holds as it left."""
    rows = office.rows("SELECT body FROM outbox UNION ALL SELECT body FROM held")
    return b"\n".join(body for (body,) in rows)


def written(value: str) -> dict[str, bytes]:
    """Return a value in every notation that is long enough to mean something."""
    found = {name: write(value).encode() for name, write in ENCODINGS.items()}
    found["UTF-16, little end"] = value.encode("utf-16-le")
    found["UTF-16, big end"] = value.encode("utf-16-be")
    found["backwards"] = value[::-1].encode()
    return {name: data for name, data in found.items() if len(data) >= _TELLING}


def test_no_value_behind_a_pseudonym_is_readable_in_the_file(office: Office) -> None:
    """No pseudonymised value stands in any byte of it, in no notation."""
    clear = sent_in_clear(office)
    # What one recipient gets as it is stands in that one's sealed bytes.
    secret = {
        value: field
        for value, field in behind(office).items()
        if value.encode() not in clear
    }
    haystacks = stolen(office.home)
    found = [
        (field, notation)
        for value, field in secret.items()
        for notation, data in written(value).items()
        for haystack in haystacks
        if data in haystack
    ]

    assert len(secret) >= 10
    assert {"victims[].name", "observables[].value"} <= set(secret.values())
    assert [] == found


def test_the_search_would_find_them(office: Office) -> None:
    """The same search finds each value if a single row is not encrypted."""
    values = list(behind(office))
    with sqlite3.connect(office.home / "besa.sqlite") as store:
        for value in values:
            store.execute(
                "INSERT INTO alarms VALUES ('test', ?, 0, 0, 1, ?)", (value, "")
            )
    haystacks = stolen(office.home)

    assert values == [v for v in values if any(v.encode() in h for h in haystacks)]


def test_no_key_is_in_the_file(office: Office) -> None:
    """No secret stands in it, neither raw nor in hex nor in base64."""
    keys = office.home / "keys"
    secrets = [
        bytes.fromhex(path.read_text("ascii").strip())
        for path in sorted(keys.glob("*.secret"))
    ]
    for number in keyring.epochs(keys):
        for recipient in ("kp-misp", "fiu-misp", "spo-misp"):
            key = keyring.read_epochs(keys, recipient)[number]
            secrets += [key.pseudonyms, key.ids]
    forms = [
        form
        for one in secrets
        for form in (one, one.hex().encode(), one.hex().upper().encode())
    ] + [base64.b64encode(one).rstrip(b"=") for one in secrets]
    haystacks = stolen(office.home)

    assert len(secrets) >= 8
    assert [] == [form for form in forms for h in haystacks if form in h]


def test_lengths_and_repetition_tell_nothing(office: Office) -> None:
    """What is encrypted has the lengths of whole blocks, and no two rows are alike."""
    rows: list[tuple[Any, ...]] = office.rows('SELECT box, "index" FROM vault')

    assert {0} == {(len(box) - 12 - 16) % 64 for box, _ in rows}
    assert len(rows) == len({box for box, _ in rows}) == len({i for _, i in rows})
    assert len(rows) == len({box[:12] for box, _ in rows})
