"""THE path: bytes of an incident in, sealed bytes per recipient out.

`receive` reads a message; `disclose` takes it through every stage, once per agreement::

    decide -> project -> to_stix -> render -> inspect -> seal

Pure: no clock, no randomness, no input or output. The same message, rulebook, keys,
history and time give the same bytes.

Invariants (each with a property test):
  - nothing is converted before it is redacted, nothing sealed before it is inspected;
  - an error in any stage gives that recipient nothing, and leaves the others alone;
  - a new edition is made only when what the recipient sees has changed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final

from broker import convert, policy, redact, render
from broker.abreast import Way, side_by_side, to_its_end
from broker.canonical import dumps, sha256_hex
from broker.intake import read, refuse_future
from broker.keys import Keys, RecipientKey
from broker.leaving import Made, failed, inspected
from broker.model.agreement import OnExpiry, OnWithdrawal
from broker.model.decision import OUT_OF_DATES, Decision, Effect
from broker.model.incident import Incident, Status
from broker.model.marking import Pap, Tlp
from broker.model.sharing import (
    NO_HISTORY,
    Before,
    Bundle,
    Draft,
    Edition,
    History,
    Outcome,
    Redacted,
    Share,
    State,
    Wire,
    all_withheld,
)
from broker.policy import Facts, facts_of
from broker.rulebook import Route, Rulebook

# What the recipient sees is compared without these: they change with every revision.
_NOT_CONTENT: Final = frozenset({"revision", "revised_at", "origin"})
_RETRACTED: Final = sha256_hex(b"besa: taken back")
# So many recipients go abreast; with a large incident each goes alone, because the
# bundles of all that go abreast are in memory together.
_ABREAST: Final = 8
_SMALL: Final = 256  # observables


@dataclass(frozen=True, slots=True)
class Received:
    """An incident as it was read, with what identifies its content."""

    incident: Incident
    sha256: str  # of the incident in its canonical form
    format: str
    left_behind: tuple[str, ...] = ()


def receive(
    raw: bytes,
    content_type: str | None = None,
    *,
    rulebook: Rulebook,
    now: datetime | None = None,
    topic: str | None = None,
) -> Received:
    """Read a message as an incident; the topic may tell its format.

    Raises:
        IntakeError: it is none; names the field path and what to do.
    """
    name, parsed = read(raw, content_type, rulebook.tables, topic)
    incident = parsed.incident
    if now is not None:
        refuse_future(incident, now)
    # The same incident is the same however its message was spelled.
    content = incident.model_dump_json(exclude={"origin"}).encode()
    return Received(incident, sha256_hex(content), name, parsed.left_behind)


def process(
    raw: bytes,
    *,
    rulebook: Rulebook,
    keys: Keys,
    history: History,
    now: datetime,
    content_type: str | None = None,
) -> Outcome:
    """Take one message the whole way: `receive`, then `disclose`.

    Raises:
        IntakeError: the message is no incident.
    """
    received = receive(raw, content_type, rulebook=rulebook, now=now)
    return disclose(received, rulebook=rulebook, keys=keys, history=history, now=now)


def disclose(
    received: Received,
    *,
    rulebook: Rulebook,
    keys: Keys,
    history: History,
    now: datetime,
) -> Outcome:
    """Decide, redact, convert, render, inspect and seal for every agreement.

    ``history`` is what was shared of this incident before, ``now`` the time in UTC.
    """
    return to_its_end(disclosing(received, rulebook, keys, history, now))


def disclosing(
    received: Received,
    rulebook: Rulebook,
    keys: Keys,
    history: History,
    now: datetime,
) -> Way[Outcome]:
    """Return the way of `disclose`, to be taken beside those of other incidents."""
    incident = received.incident
    outcome = partial(
        Outcome, incident.uid, incident.revision, received.sha256, rulebook.digest
    )
    if incident.revision == history.revision:
        same = received.sha256 == history.incident_sha256
        return outcome((), duplicate=same, conflict=not same)
    facts = facts_of(incident, now)
    hearing = policy.Hearing(facts, now)
    fields = redact.fields_of(incident)
    stale = incident.revision < history.revision
    given = _Given(incident, facts, hearing, fields, convert.Known(), rulebook)
    yield
    begun = [
        share
        if share and not stale and route.recipient.recipient not in history.editions
        else _begun(given, route, keys, history, now, stale=stale)
        for route, share in zip(
            rulebook.routes, rulebook.silence.about(hearing), strict=True
        )
    ]
    ways = {n: each for n, each in enumerate(begun) if not isinstance(each, Share)}
    width = _ABREAST if len(incident.observables) <= _SMALL else 1
    made = yield from side_by_side(ways, width)
    ended = [
        each if isinstance(each, Share) else made[n] for n, each in enumerate(begun)
    ]
    shares = yield from inspected(ended, incident, rulebook, keys)
    return outcome(tuple(shares))


def advance(history: History, outcome: Outcome) -> History:
    """Return the history once an outcome has been stored."""
    return history.after(outcome)


@dataclass(frozen=True, slots=True)
class _Given:
    """One incident, with what is the same for all its recipients."""

    incident: Incident
    facts: Facts
    hearing: policy.Hearing
    fields: redact.Fields
    known: convert.Known
    book: Rulebook


def _begun(
    given: _Given,
    route: Route,
    keys: Keys,
    history: History,
    now: datetime,
    *,
    stale: bool,
) -> Share | Way[Share | Made]:
    """Decide on one recipient; where nothing is to be made, that is all there is."""
    agreement, name = route.agreement.agreement, route.recipient.recipient
    try:
        decision = policy.decide(given.facts, route.rules, now, given.hearing)
        if stale:
            return Share(decision, State.STALE)
        if not given.book.has_a_say(route, now):
            return Share(decision, State.WITHHELD, aside=True)
        if history.recalled:
            decision = history.kept_back(decision)
    except Exception as error:
        unknown = Decision(agreement, name, Effect.WITHHOLD, ())
        return failed(unknown, error, "decide")
    before = history.before(name, agreement)
    if decision.effect is Effect.WITHHOLD and before.edition is None:
        return Share(decision, State.WITHHELD)
    return _way(given, route, keys, decision, before)


def _way(
    given: _Given,
    route: Route,
    keys: Keys,
    decision: Decision,
    before: Before,
) -> Way[Share | Made]:
    """Find out what one recipient gets; whatever goes wrong, it is not too much."""
    try:
        previous = before.edition
        if decision.effect is Effect.WITHHOLD and previous is not None:
            if previous.retracts or _keeps(given, route, decision, before.under):
                return Share(decision, State.WITHHELD)
            return _withheld(given.incident, route, keys, decision, before)
        key = keys.recipients[route.recipient.recipient]
        yield
        return (yield from _shared(given, route, key, decision, before))
    except Exception as error:
        return failed(decision, error, "disclose")


def _shared(
    given: _Given,
    route: Route,
    key: RecipientKey,
    decision: Decision,
    before: Before,
) -> Way[Share | Made]:
    """Take an incident that may be shared, or only after review, to its draft."""
    incident = given.incident
    redacted = redact.project(
        incident, route.plan, key, given.fields, decision.withheld_items
    )
    content, previous = _content(redacted), before.edition
    if previous and previous.content == content and not previous.retracts:
        return Share(decision, State.UNCHANGED, redacted)
    edition = before.next(incident.revised_at, content)
    case = convert.Case(incident.uid, key.ids, edition)
    yield
    bundle = convert.to_stix(redacted, route.frame, case, given.known)
    yield
    return _made(decision, redacted, edition, bundle, route)


def _keeps(given: _Given, route: Route, decision: Decision, under: str) -> bool:
    """Say whether the recipient may keep what is not shared with it any more.

    What may no longer be shared is taken back always; the agreement has a say only when
    the CSIRT withdraws the incident as such, or when nothing speaks against it but that
    the agreement has ended. Then the one that it was shared under has a say, too.
    """
    if decision.clauses == (OUT_OF_DATES,):
        routes = given.book.agreements_with(route.recipient.recipient)
        asked = [
            r.agreement for r in routes if r is route or r.agreement.agreement == under
        ]
        return all(each.on_expiry is OnExpiry.KEEP for each in asked)
    withdrawn = given.incident.status is Status.WITHDRAWN
    return withdrawn and route.agreement.on_withdrawal is OnWithdrawal.KEEP


def withheld(
    incident: Incident,
    route: Route,
    rulebook: Rulebook,
    keys: Keys,
    decision: Decision,
    previous: Edition,
) -> Share:
    """Share nothing, and take back what was shared before.

    Of the incident, what takes back holds the time, the marking and an id made of its
    uid; the guard looks for everything else in it.
    """
    made = _withheld(incident, route, keys, decision, Before(previous))
    [share] = to_its_end(inspected([made], incident, rulebook, keys))
    return share


def _withheld(
    incident: Incident,
    route: Route,
    keys: Keys,
    decision: Decision,
    before: Before,
) -> Made:
    withdrawn = incident.status is Status.WITHDRAWN
    key = keys.recipients[decision.recipient]
    edition = replace(before.next(incident.revised_at, _RETRACTED), retracts=True)
    case = convert.Case(incident.uid, key.ids, edition)
    reason = convert.WITHDRAWN if withdrawn else convert.NO_LONGER
    ceiling = route.recipient.clearance
    marking: tuple[Tlp, Pap] = (
        min(incident.tlp, ceiling.tlp, key=lambda level: level.rank),
        min(incident.pap, ceiling.pap, key=lambda level: level.rank),
    )
    bundle = convert.to_retraction(route.frame, case, marking, reason)
    return _made(decision, None, edition, bundle, route)


def _made(
    decision: Decision,
    redacted: Redacted | None,
    edition: Edition,
    bundle: Bundle,
    route: Route,
) -> Made:
    """Render a bundle as it would leave."""
    body = _rendered(bundle, route, route.wire)
    draft = Draft(decision.recipient, route.wire, body)
    return Made(decision, redacted, edition, route, _share_id(bundle), draft)


def _content(redacted: Redacted) -> str:
    """Return the digest of what a recipient sees, whichever revision it comes from."""
    view = redacted.view
    return sha256_hex(
        dumps({name: view[name] for name in view if name not in _NOT_CONTENT})
    )


def _rendered(bundle: Bundle, route: Route, wire: Wire) -> bytes:
    if wire is Wire.MISP_EVENT:
        return render.misp_event(bundle, route.event_frame)
    if wire is Wire.STIX_MISP:
        return render.stix_misp(bundle, route.event_frame)
    return render.stix_bundle(bundle)


def _share_id(bundle: Bundle) -> str:
    """Return the case's id at the recipient: the report's, and the event's, UUID."""
    return str(bundle.report["id"]).removeprefix("report--")


@dataclass(frozen=True, slots=True)
class Previewed:
    """What one recipient would get, in every wire, and what the guard says to it."""

    route: Route
    share: Share
    redacted: Redacted
    wires: dict[Wire, bytes]


def preview(
    received: Received, *, rulebook: Rulebook, keys: Keys, now: datetime
) -> tuple[Previewed, ...]:
    """Show what every recipient would get of an incident that was never shared before.

    The bytes are the ones that `disclose` would seal at that time.
    """
    outcome = disclose(
        received, rulebook=rulebook, keys=keys, history=NO_HISTORY, now=now
    )
    return tuple(
        _previewed(received.incident, route, share, keys)
        for route, share in zip(rulebook.routes, outcome.shares, strict=True)
    )


def _previewed(incident: Incident, route: Route, share: Share, keys: Keys) -> Previewed:
    if share.failure:
        # What failed there would fail here again, and hide the other recipients.
        return Previewed(route, share, Redacted({}, ()), {})
    key = keys.recipients[route.recipient.recipient]
    redacted = share.redacted
    if redacted is None or share.edition is None:
        projected = redact.project(incident, route.plan, key)
        marks = tuple((index, all_withheld(said)) for index, said in projected.marks)
        return Previewed(route, share, Redacted({}, marks), {})
    case = convert.Case(incident.uid, key.ids, share.edition)
    bundle = convert.to_stix(redacted, route.frame, case)
    wires = {wire: _rendered(bundle, route, wire) for wire in Wire}
    return Previewed(route, share, redacted, wires)
