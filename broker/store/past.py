"""Which rulebook is in force, and what was decided before: for oversight and replay.

Rows of `meta`, `inbox` and `decisions` -> records, without a value of any incident.

Invariant: that another rulebook came into force is a link of the register, stored in
the transaction that notes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, select, update

from broker.model.sharing import State
from broker.store.alarms import end_alarm
from broker.store.connect import Database
from broker.store.records import Decided
from broker.store.register import Links, millis, moment
from broker.store.status import RULEBOOK_ALARM, meta_value
from broker.store.tables import decisions, inbox, meta

# The newest last, so that what is decided last about an incident stands last.
_DECIDED = (
    select(
        decisions.c.uid,
        decisions.c.revision,
        decisions.c.agreement,
        decisions.c.recipient,
        decisions.c.effect,
        inbox.c.facts,
        decisions.c.at,
    )
    .select_from(
        decisions.join(
            inbox,
            (inbox.c.uid == decisions.c.uid)
            & (inbox.c.revision == decisions.c.revision),
        )
    )
    # A revision that came too late was not decided on its merits.
    .where(decisions.c.state != State.STALE.value)
    .order_by(
        decisions.c.at, decisions.c.uid, decisions.c.revision, decisions.c.agreement
    )
)


def enforce(database: Database, digest: str, recipients: str, at: datetime) -> bool:
    """Note the rulebook that decides from now on; return whether it is another one.

    ``recipients`` is the digest of the recipients' files that go with it: the dispatch
    zone takes up no others. An alarm about policies that are not in force ends.

    Raises:
        StoreError: the store cannot be written.
    """
    with database.write() as connection:
        links = Links(connection, at)
        before = meta_value(connection, "in_force")
        end_alarm(connection, RULEBOOK_ALARM, "")
        if (before, meta_value(connection, "recipients")) == (digest, recipients):
            return False
        _note(connection, "in_force", digest)
        _note(connection, "recipients", recipients)
        if before != digest:
            _note(connection, "in_force_since", str(millis(at)))
            links.add("rulebook", {"rulebook": digest, "before": before})
            links.write()
    return before != digest


def recipients_in_force(database: Database) -> str:
    """Return the digest of the recipients' files in force; empty before the first run.

    Raises:
        StoreError: the store cannot be read.
    """
    with database.read() as connection:
        return meta_value(connection, "recipients")


def decided(database: Database, since: datetime | None = None) -> Iterator[Decided]:
    """Yield every decision since a moment, oldest first, without holding them all.

    Raises:
        StoreError: the store cannot be read.
    """
    query = _DECIDED
    if since is not None:
        query = query.where(decisions.c.at >= millis(since))
    with database.read() as connection:
        streaming = connection.execution_options(yield_per=500)
        for uid, revision, agreement, recipient, effect, facts, at in streaming.execute(
            query
        ):
            yield Decided(
                uid, revision, agreement, recipient, effect, facts, moment(at)
            )


def _note(connection: Connection, name: str, value: str) -> None:
    connection.execute(update(meta).where(meta.c.name == name).values(value=value))
