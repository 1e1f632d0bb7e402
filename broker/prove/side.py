"""One rulebook as the proofs see it, and the real path through it.

Policy and mapping files -> `Side`: the rulebook that would run, and the models that it
was built from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker import pipeline
from broker.canonical import dumps
from broker.errors import IntakeError
from broker.keys import Keys, recipient_key
from broker.model.agreement import Guardrail, Profile, Safeguards
from broker.model.decision import Effect
from broker.model.known_good import Listed, listed_in
from broker.model.mapping import ObservableKind
from broker.model.sharing import NO_HISTORY, Share
from broker.prove.outcome import Outcomes, outcomes
from broker.prove.verdict import Party
from broker.prove.witness import Witness
from broker.rulebook import Route, Rulebook, build
from broker.rulebook.attribution import attributed
from broker.rulebook.sources import Source, read
from broker.seal import SigningKey
from broker.strict_yaml import Parse, parse

# What a rulebook does not keep in the form in which it was written.
_READ_AGAIN: Final = (
    "policies/safeguards.yaml",
    "policies/profiles/",
    "policies/guardrails/",
)
_CONSTANT: Final = b"besa proofs: keys that protect nothing"


@dataclass(frozen=True, slots=True)
class Side:
    """A rulebook, and what the proofs read of its files."""

    rulebook: Rulebook
    safeguards: Source[Safeguards]
    profiles: Mapping[str, Source[Profile]]
    guardrails: Mapping[str, Guardrail]

    @property
    def kinds(self) -> Mapping[str, ObservableKind]:
        """The kinds of observables."""
        return self.rulebook.tables.kinds

    @property
    def listed(self) -> Listed:
        """The lists of what is probably nobody's crime."""
        return listed_in(self.rulebook.tables.known_good)

    @property
    def routes(self) -> tuple[Route, ...]:
        """One route per agreement."""
        return self.rulebook.routes

    def party(self, route: Route) -> Party:
        """Return an agreement with all that its verdict depends on."""
        clauses = self.safeguards.model.safeguards
        return Party(route.agreement, route.recipient, clauses)

    def outcomes(self, route: Route) -> Outcomes:
        """Return what becomes of every field under an agreement."""
        document = self.profiles[route.agreement.profile].document
        return outcomes(self.profile_of(route), self.kinds, document)

    def profile_of(self, route: Route) -> Profile:
        """Return the profile of an agreement, as its attribution narrows it."""
        profile = self.profiles[route.agreement.profile].model
        return attributed(profile, route.agreement.attribution)

    def to(self, recipient: str) -> tuple[Route, ...]:
        """Return the routes to one recipient."""
        return tuple(r for r in self.routes if r.recipient.recipient == recipient)


def side_of(
    files: Mapping[str, bytes], rulebook: Rulebook | None = None, parse: Parse = parse
) -> Side:
    """Read a rulebook for the proofs.

    Args:
        files: content by name, as `broker.rulebook.build` takes them.
        rulebook: what was built from them, when that has been done already.
        parse: reads one file, or knows what it says.

    Raises:
        RulebookError: something is wrong with the files.
    """
    book = rulebook or build(files, parse)
    sources = read(
        {name: files[name] for name in files if name.startswith(_READ_AGAIN)}, parse
    )
    safeguards = sources.one("policies/safeguards.yaml", Safeguards)
    assert safeguards is not None  # noqa: S101 - without it nothing was built
    return Side(
        book,
        safeguards,
        sources.all_of("profile", Profile),
        {n: each.model for n, each in sources.all_of("guardrail", Guardrail).items()},
    )


@dataclass(frozen=True, slots=True)
class Tried:
    """What the real path made of a witness, for one recipient."""

    effect: Effect
    clauses: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    breaches: tuple[str, ...] = ()
    outcomes: frozenset[tuple[str, str]] = (
        frozenset()
    )  # field path and what became of it
    failure: str = ""


def tried(side: Side, shown: Witness, recipient: str) -> Tried:
    """Take a witness the whole way to one recipient, under the agreement in force."""
    try:
        received = pipeline.receive(dumps(shown.incident), rulebook=side.rulebook)
    except IntakeError as error:
        return Tried(Effect.WITHHOLD, failure=str(error))
    names = tuple(sorted({r.recipient.recipient for r in side.routes}))
    outcome = pipeline.disclose(
        received,
        rulebook=side.rulebook,
        keys=_keys(names),
        history=NO_HISTORY,
        now=shown.at,
    )
    found = Tried(Effect.WITHHOLD)
    for route, share in zip(side.routes, outcome.shares, strict=True):
        valid = route.agreement.valid
        in_force = valid.start <= shown.at.date() <= valid.until
        if route.recipient.recipient == recipient and in_force:
            found = _tried(share)
    return found


def _tried(share: Share) -> Tried:
    decision = share.decision
    ledger = share.redacted.ledger() if share.redacted else ()
    return Tried(
        decision.effect,
        decision.clauses,
        tuple(
            finding.where
            for finding in decision.findings
            if finding.matched and finding.effect is decision.effect
        ),
        tuple(str(breach) for breach in share.breaches),
        frozenset((entry.field, entry.outcome) for entry in ledger),
        share.failure,
    )


@cache
def _keys(recipients: tuple[str, ...]) -> Keys:
    secret = sha256(_CONSTANT).digest()
    return Keys(
        SigningKey.of(Ed25519PrivateKey.from_private_bytes(secret)),
        {name: recipient_key(secret, name) for name in recipients},
    )
