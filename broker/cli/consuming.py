"""The consume zone put together: source, rulebook, keys, reviewers, and the loop.

`Settings` + an open store -> a `Consumer` that reloads its rulebook and releases what
was approved between its batches.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from broker import keyring
from broker.cli.watching import health_of
from broker.consume import Consumer
from broker.editor import last_editor
from broker.errors import RulebookError, SettingsError
from broker.feedback import Tracing
from broker.kafka_access import cluster_of
from broker.keys import Keys, RecipientKey
from broker.model.intake import Message, Position
from broker.recall import Recall
from broker.reload import Reloading, tell_refused
from broker.rulebook import Rulebook
from broker.seal import SigningKey
from broker.settings import Settings, Zone, read_reviewers
from broker.source import Gone, Source
from broker.source.telling import KafkaTelling, SpoolTelling, Tell
from broker.store import Store
from broker.store.status import status_positions
from broker.sweep import Sweep
from broker.tightened import Tightened
from broker.vault import Purge, Vault

_LOG: Final = logging.getLogger("besa.consume")


def source_of(settings: Settings, store: Store) -> Source:
    """Return the source that the settings name.

    Raises:
        SettingsError: what it takes to be let in by Kafka is wrong.
        SourceError: it can never be read like this.
    """
    if settings.kafka:
        return _kafka(settings, store)
    from broker.source.spool import SpoolSource

    wanted = partial(store.held_positions, "spool")
    keep = timedelta(days=settings.spool_keep_days)
    return SpoolSource(settings.spool_folder, keep=keep, wanted=wanted)


def _kafka(settings: Settings, store: Store) -> Source:
    from broker.source.kafka import KafkaSource

    cluster = cluster_of(settings)
    if cluster.is_in_the_clear:
        _LOG.warning(
            "Kafka at %s is spoken to without TLS: whoever is on the way can read "
            "incidents (docs/sources.md, Being let in by Kafka)",
            cluster,
        )
    return KafkaSource(
        cluster,
        settings.topics,
        settings.group,
        member=settings.member,
        reached=partial(status_positions, store.database),
    )


def set_back(settings: Settings, store: Store) -> int:
    """Let Kafka begin again where the store ends; return how many messages come again.

    Raises:
        SettingsError: there is no Kafka, or what it takes to be let in is wrong.
        SourceError: Kafka does not answer, or somebody else reads in the group.
    """
    from broker.source import kafka_ahead

    if not settings.kafka:
        raise SettingsError(
            "BESA_KAFKA is not set; a folder is read once, file by file"
        )
    reached = partial(status_positions, store.database)
    cluster = cluster_of(settings)
    return kafka_ahead.set_back(cluster, settings.topics, settings.group, reached)


def telling_of(settings: Settings) -> Tell:
    """Return the way by which listeners learn of what units said.

    Raises:
        SettingsError: what it takes to be let in by Kafka is wrong.
        SourceError: Kafka's address is not an address.
    """
    if settings.kafka:
        return KafkaTelling(cluster_of(settings))
    return SpoolTelling(settings.spool_folder)


def read_again(settings: Settings, position: Position) -> Message:
    """Return the message at a position, from wherever it was read.

    Raises:
        Gone: the source does not have it any more, or is not set up any more.
        SourceError: the source does not answer.
    """
    if position.source == "spool":
        from broker.source.spool import read_again as from_spool

        return from_spool(settings.spool_folder, position)
    if not settings.kafka:
        raise Gone(f"{position} is in Kafka, and BESA_KAFKA is not set")
    from broker.source.again import from_kafka

    return from_kafka(cluster_of(settings), position)


def _reloading(
    settings: Settings, store: Store, prepare: Callable[[Rulebook], None]
) -> Reloading:
    folders = settings.policies_folder, settings.mappings_folder
    try:
        reloading = Reloading(*folders, _now, prepare=prepare)
    except (RulebookError, SettingsError) as error:
        # A person at a terminal sees it; of a process that started again nobody does.
        if settings.zone is Zone.CONSUME:
            tell_refused(store, error, _now())
        raise
    reloading.tell(store)
    return reloading


def consumer_of(
    settings: Settings, source: Source, store: Store, signing: SigningKey
) -> Consumer:
    """Return the consume loop of this installation.

    Raises:
        RulebookError: the rulebook has mistakes.
        SettingsError: a folder or key is missing.
    """
    secrets: dict[str, RecipientKey] = {}
    keys = Keys(signing, secrets)
    vault_secrets: dict[int, bytes] = {}
    vault = Vault(vault_secrets)
    prepare = partial(_add_secrets, settings, secrets, vault_secrets)
    reloading = _reloading(settings, store, prepare)
    sweep = Sweep(
        store,
        partial(read_again, settings),
        reloading.rulebook,
        keys,
        _now,
        partial(read_reviewers, settings.reviewers_file),
        partial(editor_of, settings),
        vault,
    )
    purge = Purge(store, _now)

    health = health_of(settings)

    reread = partial(read_again, settings)
    look = Tightened(store, reread, reloading.rulebook, keys, _now).follow
    days = settings.recall_days
    recall = Recall(store, reloading.rulebook, keys, _now, days, look)

    tracing = Tracing(
        store,
        partial(read_again, settings),
        reloading.rulebook,
        keys,
        _now,
        telling_of(settings),
    )

    def between(*, now: bool) -> None:
        reloading.look(store)
        health.look(store)
        recall(now=now)
        sweep(now=now)
        tracing(now=now)
        purge(now=now)

    return Consumer(
        source, store, reloading.rulebook, keys, _now, vault=vault, between=between
    )


def editor_of(settings: Settings, agreement: str) -> str:
    """Return who edited an agreement last: by git, else by the file of reviewers.

    Raises:
        RulebookError: git does not know, and the file of reviewers is wrong.
        SettingsError: the same, and that file cannot be read.
    """
    try:
        found = last_editor(settings.policies_folder, agreement)
    except (OSError, RuntimeError):
        found = ""  # the folder cannot be reached just now, so git cannot know
    return found or read_reviewers(settings.reviewers_file).editors.get(agreement, "")


def _add_secrets(
    settings: Settings,
    secrets: dict[str, RecipientKey],
    vault_secrets: dict[int, bytes],
    book: Rulebook,
) -> None:
    """Derive the secrets of recipients that are new in a rulebook.

    None is taken away: a share may be under way with the rulebook before. An agreement
    that lets pseudonyms be looked up needs the vault's key: without it, the rulebook is
    refused.
    """
    if any(route.agreement.reveal for route in book.routes):
        vault_secrets.update(keyring.read_vault_keys(settings.vault_keys_folder))
    names = {route.recipient.recipient for route in book.routes}
    secrets.update(keyring.read_keys(settings.keys_folder, names).recipients)


def _now() -> datetime:
    return datetime.now(UTC)
