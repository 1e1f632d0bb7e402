"""The consume loop: messages in, decisions into the store, positions confirmed.

Source -> `pipeline` -> store, a batch at a time, in the numbered steps of `Step`.

Invariants: a message is confirmed to the source only after the store has what became
of it, so that a crash between any two steps makes it come again, and be recognised. A
message that cannot be read, or on which the path fails, becomes a dead letter, and the
rest go on. Nothing here delivers, and no log line holds anything of an incident.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import IntEnum
from threading import Event
from typing import Final, Protocol

from broker import pipeline
from broker.abreast import uncollected
from broker.batch import disclose_each
from broker.canonical import dumps, sha256_hex
from broker.errors import IntakeError, StoreError, StoreUnavailable
from broker.keys import Keys
from broker.model.intake import DeadLetter, Message
from broker.model.sharing import NO_HISTORY
from broker.pipeline import Received
from broker.replay import noted
from broker.rulebook import Rulebook
from broker.source import Source, SourceError
from broker.store import Committed, Processed, Store, receipt_json
from broker.vault import Vault

_LOG: Final = logging.getLogger("besa.consume")

_POLL_SECONDS: Final = 0.5
_HASTY_POLL_SECONDS: Final = 0.1
_IDLE_SECONDS: Final = 0.5
_CHECKPOINT_SECONDS: Final = 60.0
_RECEIPT_SECONDS: Final = 1.0
_RECEIPTS_AT_ONCE: Final = 200
_REFUSED_PAUSE_SECONDS: Final = 30.0
_LONGEST_WAIT: Final = 10.0
# After so many refusals of one message by a store that takes other things, it is the
# message.
_MOST_REFUSALS: Final = 5


class Between(Protocol):
    """Something to do while no batch is under way; it raises nothing."""

    def __call__(self, *, now: bool) -> None:
        """Do what is due, or all of it ``now``."""


class Step(IntEnum):
    """The steps of a batch; a crash after any of them loses and repeats nothing."""

    POLLED = 1  # messages are in memory
    READ = 2  # each is an incident or a dead letter, and histories are known
    DECIDED = 3  # every outcome is sealed, in memory
    STORED = 4  # the store's transaction is through
    FORWARDED = 5  # dead letters are where their senders find them
    CONFIRMED = 6  # the source will not hand these messages out again


@dataclass(slots=True)
class Totals:
    """What a run did, in counts."""

    messages: int = 0
    stored: dict[str, int] = field(default_factory=dict)

    def add(self, messages: int, committed: Committed) -> None:
        """Add a batch."""
        self.messages += messages
        for name, count in asdict(committed).items():
            self.stored[name] = self.stored.get(name, 0) + count


class _Stopped(Exception):  # noqa: N818 - not an error: somebody asked
    """The process was told to stop while it waited."""


class Consumer:
    """Reads one source into one store.

    Args:
        source: where messages come from.
        store: where decisions go.
        rulebook: returns the rulebook in force; asked once per batch.
        keys: the signing key and the recipients' secrets.
        clock: returns the time in UTC.
        batch: how many messages are stored in one transaction, at most.
        watch: called after each step; tests crash there.
        vault: locks away whom pseudonyms stand for, where agreements say so.
        between: called between batches, and with ``now=True`` before the run ends
            because nothing waits; see `broker.sweep`.
    """

    def __init__(
        self,
        source: Source,
        store: Store,
        rulebook: Callable[[], Rulebook],
        keys: Keys,
        clock: Callable[[], datetime],
        *,
        batch: int = 50,
        watch: Callable[[Step], None] = lambda _: None,
        vault: Vault | None = None,
        between: Between | None = None,
    ) -> None:
        self._source = source
        self._store = store
        self._rulebook = rulebook
        self._keys = keys
        self._clock = clock
        self._batch = batch
        self._watch = watch
        self._vault = vault
        self._between = between
        self._stop = Event()
        self._trouble = ""
        self._checkpoint_at = 0.0
        self._receipts_at = 0.0
        self._forward_at = 0.0
        self.totals = Totals()

    def run(self, *, until_idle: bool = False, stop: Event | None = None) -> Totals:
        """Consume until told to stop or, with ``until_idle``, until nothing waits.

        Raises:
            SourceError: the source can never be read like this.
        """
        self._stop = stop or self._stop
        idle_since: float | None = None
        patience = _HASTY_POLL_SECONDS if until_idle else _POLL_SECONDS
        try:
            while not self._stop.is_set():
                messages = self._source.poll(self._batch, patience)
                self._tell_trouble()
                if messages:
                    self._process(messages)
                    idle_since = None
                elif until_idle:
                    now = time.monotonic()
                    over = idle_since is not None and now - idle_since >= _IDLE_SECONDS
                    # Kafka is asked when a silence begins, and when it is over.
                    if idle_since is None or over:
                        idle_since = now if self._source.lag() == 0 else None
                        if over and idle_since is not None:
                            self._pause(now=True)
                            break
                self._pause(now=False)
                self._publish_receipts()
        except _Stopped:
            _LOG.info("told to stop; what was not stored comes again")
        return self.totals

    def _pause(self, *, now: bool) -> None:
        if self._between is not None:
            self._between(now=now)

    def _process(self, messages: Sequence[Message]) -> None:
        """Take messages through all steps: together or, if need be, one by one."""
        self._watch(Step.POLLED)
        if self._refused(messages):
            for message in messages:
                self._insist(message)

    def _insist(self, message: Message) -> None:
        """Try one message until the store takes it, or refuses it and nothing else."""
        refusals, pause = 0, 0.1
        while refusal := self._refused([message]):
            # INVARIANT: a full disk, which may still take an alarm, gives nothing up.
            if not isinstance(refusal, StoreUnavailable):
                refusals += self._store_takes_alarms(message)
            if refusals >= _MOST_REFUSALS and self._gave_up(message):
                return
            pause = min(_LONGEST_WAIT, pause * 2)
            self._wait(pause)

    def _refused(self, messages: Sequence[Message]) -> StoreError | None:
        """Take messages; return why the store did not, if so."""
        try:
            self._take(messages)
        except StoreError as error:
            _LOG.warning("%d message(s) not stored: %s", len(messages), error)
            return error
        return None

    @uncollected()
    def _take(self, messages: Sequence[Message]) -> None:
        started = time.monotonic()
        processed, alarms, left_behind = self._decide(messages)
        self._watch(Step.DECIDED)
        committed = self._commit(messages, processed)
        self._watch(Step.STORED)
        for place, text in alarms:
            self._store.alarm("internal-error", place, text, self._clock())
        self._finish(messages, processed)
        self.totals.add(len(messages), committed)
        line = {name: n for name, n in asdict(committed).items() if n} | {
            "messages": len(messages),
            "left_behind": left_behind,
            "seconds": f"{time.monotonic() - started:.3f}",
        }
        _LOG.info("batch %s", dumps(line).decode())

    def _decide(
        self, messages: Sequence[Message]
    ) -> tuple[list[Processed], list[tuple[str, str]], int]:
        """Return what became of each message, errors of our own, and a count.

        The count is of places in the messages that their readers left behind.
        """
        now, rulebook = self._clock(), self._rulebook()
        alarms: list[tuple[str, str]] = []
        read = [self._read(message, rulebook, now, alarms) for message in messages]
        incidents = [one for one in read if isinstance(one, Received)]
        uids = Counter([one.incident.uid for one in incidents])
        histories = self._store.histories(uids) if uids else {}
        self._watch(Step.READ)
        processed: list[Processed] = []
        outcomes = disclose_each(
            incidents, histories, rulebook=rulebook, keys=self._keys, now=now
        )
        for message, one in zip(messages, read, strict=True):
            if isinstance(one, DeadLetter):
                processed.append((message.position, one))
                continue
            uid = one.incident.uid
            try:
                outcome = next(outcomes)
                if isinstance(outcome, Exception):
                    raise outcome
                if self._vault is not None:
                    outcome = self._vault.filled(
                        outcome, one.incident, rulebook, self._keys
                    )
                outcome = noted(outcome, one, rulebook, message.publisher, now)
                if uids[uid] > 1:  # what comes next of it rests on this
                    history = histories.get(uid, NO_HISTORY)
                    histories[uid] = pipeline.advance(history, outcome)
            except Exception as error:
                # INVARIANT: an error never shares. The pipeline turns errors of its
                # stages into held shares; this is one of the pipeline itself.
                letter = _internal(message, "disclose", error, alarms)
                processed.append((message.position, letter))
            else:
                processed.append((message.position, outcome))
        left = sum(len(one.left_behind) for one in incidents)
        return processed, alarms, left

    def _read(
        self,
        message: Message,
        rulebook: Rulebook,
        now: datetime,
        alarms: list[tuple[str, str]],
    ) -> Received | DeadLetter:
        refusal = message.refusal
        if refusal is not None:
            content = (refusal.sha256, refusal.size)
            why = (refusal.problem, refusal.advice)
            return DeadLetter(message.position, "", *why, *content)
        try:
            return pipeline.receive(
                message.body,
                message.content_type,
                rulebook=rulebook,
                now=now,
                topic=message.position.topic,
            )
        except IntakeError as error:
            return _letter(message, error.path, error.problem, error.advice)
        except Exception as error:
            return _internal(message, "receive", error, alarms)

    def _commit(
        self, messages: Sequence[Message], processed: Sequence[Processed]
    ) -> Committed:
        now = time.monotonic()
        due = now >= self._checkpoint_at
        key = self._keys.signing if due else None
        numbers = [
            (one.producer, one.position.topic, one.sequence)
            for one in messages
            if one.producer
        ]
        committed = self._store.commit(processed, self._clock(), key, numbers)
        if due:
            self._checkpoint_at = now + _CHECKPOINT_SECONDS
        return committed

    def _finish(
        self, messages: Sequence[Message], processed: Sequence[Processed]
    ) -> None:
        """Forward dead letters, then confirm whatever is where it goes."""
        done = [
            message
            for message, (_, result) in zip(messages, processed, strict=True)
            if not isinstance(result, DeadLetter) or self._forwarded(message, result)
        ]
        self._watch(Step.FORWARDED)
        self._source.commit(done)
        self._watch(Step.CONFIRMED)
        if not done:
            self._wait(_POLL_SECONDS)

    def _forwarded(self, message: Message, letter: DeadLetter) -> bool:
        # The store has the letter. A topic that is missing must not stop incidents, nor
        # slow them down by a time-out for each.
        if time.monotonic() < self._forward_at:
            return False
        try:
            self._source.forward_dead_letter(message, letter)
        except SourceError as error:
            _LOG.warning("a dead letter was not forwarded: %s", error)
            self._forward_at = time.monotonic() + _REFUSED_PAUSE_SECONDS
            place = letter.position.topic
            self._store.alarm("not-forwarded", place, str(error), self._clock())
            return False
        return True

    def _store_takes_alarms(self, message: Message) -> bool:
        place, text = str(message.position), "the store refuses this message"
        try:
            self._store.alarm("refused", place, text, self._clock())
        except StoreError:
            return False
        return True

    def _gave_up(self, message: Message) -> bool:
        """Make a dead letter of a message that only the store refuses."""
        letter = _letter(message, "", "the store refuses it", "tell the operator")
        processed: list[Processed] = [(message.position, letter)]
        try:
            committed = self._commit([message], processed)
            self._finish([message], processed)
        except StoreError:
            return False
        self.totals.add(1, committed)
        return True

    def _publish_receipts(self) -> None:
        if time.monotonic() < self._receipts_at:
            return
        self._receipts_at = time.monotonic() + _RECEIPT_SECONDS
        try:
            rows = self._store.unpublished_receipts(_RECEIPTS_AT_ONCE)
            if rows:
                self._source.publish_receipts(
                    [(row.uid, receipt_json(row)) for row in rows]
                )
                self._store.mark_published(row.id for row in rows)
        except (SourceError, StoreError) as error:
            _LOG.warning("receipts were not published: %s", error)
            self._receipts_at = time.monotonic() + _REFUSED_PAUSE_SECONDS

    def _tell_trouble(self) -> None:
        trouble = self._source.trouble()
        if trouble != self._trouble:
            self._trouble = trouble
            if trouble:
                _LOG.warning("%s; trying again", trouble)
            else:
                _LOG.info("messages can be read again")
        for gap in self._source.gaps():
            _LOG.error("%s", gap)
            try:
                self._store.alarm("lost-in-source", "", gap, self._clock())
            except StoreError as error:
                _LOG.warning("the alarm was not stored: %s", error)

    def _wait(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise _Stopped


def _letter(message: Message, path: str, problem: str, advice: str) -> DeadLetter:
    body = message.body
    return DeadLetter(
        message.position, path, problem, advice, sha256_hex(body), len(body)
    )


def _internal(
    message: Message, stage: str, error: Exception, alarms: list[tuple[str, str]]
) -> DeadLetter:
    # Only the sort of error: its message could hold what it stumbled over.
    problem = f"internal error in {stage} ({type(error).__name__})"
    alarms.append((str(message.position), problem))
    return _letter(message, "", problem, "report it to the makers of Besa")
