"""The policy files, as typed models: what an operator writes down from an MoU.

YAML (already strict, see `broker.strict_yaml`) -> frozen models. Unknown keys are
errors. The set of conditions is closed: every one is a set or a bound over a finite
domain, so evaluation always ends and two rulebooks can be compared exactly.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from broker.model.decision import Effect
from broker.model.feedback import STRICT, ReturnPath
from broker.model.incident import (
    Consent,
    Country,
    Currency,
    Kind,
    PartyKind,
    Percent,
    Role,
    RsitType,
    Status,
    Urgency,
)
from broker.model.marking import DataClass, Pap, Severity, Tlp
from broker.model.presence import optional_field
from broker.model.purpose import Purpose
from broker.model.recipient import Clearance as Clearance
from broker.model.recipient import Limits as Limits
from broker.model.recipient import Name as Name
from broker.model.recipient import Organisation as Organisation
from broker.model.recipient import PolicyFile
from broker.model.recipient import Recipient as Recipient
from broker.model.recipient import RecipientKind as RecipientKind
from broker.model.recipient import Uuid as Uuid
from broker.model.rsit import RSIT_CATEGORIES


class ConsentFact(StrEnum):
    """The consent of all victims of an incident taken together, worst first."""

    REFUSED = "refused"
    UNKNOWN = "unknown"
    GIVEN = "given"
    NO_VICTIM = "no-victim"


class SourceFact(StrEnum):
    """Who told the CSIRT of an incident."""

    OWN = "own"  # nobody: it found it itself
    UNKNOWN = "unknown"  # somebody of whom it is not said what they are
    PERSON = "person"
    ORGANISATION = "organisation"
    CSIRT = "csirt"
    LAW_ENFORCEMENT = "law-enforcement"
    AUTHORITY = "authority"


def folded(word: str) -> str:
    """Return a free word, such as a sector, as two spellings of it are compared."""
    return word.strip().casefold()


Sector = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, strip_whitespace=True),
    AfterValidator(folded),
]
OptionalField = Annotated[str, AfterValidator(optional_field)]
FIRST_DAY: Final = date(2000, 1, 1)
LAST_DAY: Final = date(2099, 12, 31)
"""Between these days an agreement may be in force."""
Days = Annotated[int, Field(ge=0, le=36_500)]
# Whole units of a currency: nobody writes a threshold in cents.
Bounds = Annotated[
    dict[Currency, Annotated[int, Field(ge=0, lt=10**15)]], Field(min_length=1)
]


class When(PolicyFile):
    """The conditions of a clause; all that are written must hold."""

    classification_in: frozenset[RsitType] | None = None
    category_in: frozenset[str] | None = None
    severity_at_least: Severity | None = None
    confidence_at_least: Percent | None = None
    confidence_at_most: Percent | None = None
    tlp_at_most: Tlp | None = None
    tlp_at_least: Tlp | None = None
    pap_at_most: Pap | None = None
    pap_at_least: Pap | None = None
    urgency_in: frozenset[Urgency] | None = None
    status_in: frozenset[Status] | None = None
    source_in: frozenset[SourceFact] | None = None
    victim_consent_in: frozenset[ConsentFact] | None = None
    victim_kind_in: frozenset[PartyKind] | None = None
    victim_sector_in: frozenset[Sector] | None = None
    victim_country_in: frozenset[Country] | None = None
    minor_involved: bool | None = None
    financial_loss: bool | None = None
    loss_at_least: Bounds | None = None
    loss_at_most: Bounds | None = None
    has_observable_kind_in: frozenset[Kind] | None = None
    has_observable_role_in: frozenset[Role] | None = None
    has_field_in: frozenset[OptionalField] | None = None
    has_no_field_in: frozenset[OptionalField] | None = None
    age_days_at_least: Days | None = None
    age_days_at_most: Days | None = None

    @field_validator("category_in")
    @classmethod
    def _known(cls, value: frozenset[str] | None) -> frozenset[str] | None:
        if value and not value <= set(RSIT_CATEGORIES):
            raise ValueError("not an RSIT category")
        return value

    def written(self) -> list[tuple[str, Any]]:
        """Return the conditions that are written, in the order of the closed set.

        Those on the type of incident come first in it.
        """
        said = self.__dict__
        return [(name, said[name]) for name in _CLOSED_SET if said[name] is not None]


_CLOSED_SET: Final = tuple(When.model_fields)


class Items(PolicyFile):
    """Single items that a clause withholds from what it lets through.

    ``of`` is the list; all else that is written must hold for an item. Without anything
    else, all items of the list are withheld.
    """

    of: Literal["observables", "victims", "suspects"]
    kind: frozenset[Kind] | None = None  # observables: their kind
    data_class: frozenset[DataClass] | None = None  # observables
    role: frozenset[Role] | None = None  # observables
    listed: bool | None = None  # observables: on a list of `broker.model.known_good`
    party: frozenset[PartyKind] | None = None  # victims and suspects
    consent: frozenset[Consent] | None = None  # victims
    minor: bool | None = None  # victims and suspects


class Clause(PolicyFile):
    """One rule of an agreement, with the place in the MoU that it stands for.

    ``withhold_items`` stay here whichever clause shares the incident. ``fast_lane``:
    when somebody's life is in danger, a person is told instead of asked, under every
    agreement that has a fast lane.
    """

    id: Name
    cites: str
    effect: Effect
    when: When = When()
    withhold_items: tuple[Items, ...] = ()
    fast_lane: bool = False
    note: str = ""


class LegalBasis(PolicyFile):
    """An act and the articles of it on which sharing rests.

    Until a lawyer has confirmed it, ``confirmed_by`` is empty and every text that shows
    the citation says so.
    """

    act: str
    citation: str
    confirmed_by: str = ""
    confirmed_on: date | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if bool(self.confirmed_by) != bool(self.confirmed_on):
            raise ValueError("confirmed_by and confirmed_on need each other")
        return self


PartyRole = Literal["csirt", "police", "prosecutor", "fiu", "dpa", "isp", "ministry"]


class MouParty(PolicyFile):
    """A party to the memorandum and how its duty officer is reached."""

    name: str
    role: PartyRole
    contact: str = ""


class Validity(PolicyFile):
    """The days on which an agreement is in force, both included.

    Within the years that incidents are of: what has no end is written to the last day.
    """

    start: date = Field(alias="from", ge=FIRST_DAY, le=LAST_DAY)
    until: date = Field(ge=FIRST_DAY, le=LAST_DAY)


class OnWithdrawal(StrEnum):
    """What happens at the recipient when the CSIRT withdraws an incident."""

    RETRACT = "retract"  # the contents are taken back; an empty notice stays
    KEEP = "keep"  # the recipient keeps what it has


class OnExpiry(StrEnum):
    """What happens at the recipient once an agreement is no longer in force.

    Nothing new is sent in either case. It happens by itself on the day after the last,
    unless the recipient has another agreement that is in force.
    """

    RETRACT = "retract"  # what was sent is taken back
    KEEP = "keep"  # the recipient keeps what it has


class OnRetention(StrEnum):
    """What happens when a recipient has had something for ``retention_days``.

    The days count from the delivery of the incident's newest edition.
    """

    RETRACT = "retract"  # it is taken back
    KEEP = "keep"  # deleting it is up to the recipient


class Attribution(StrEnum):
    """Whether the recipient learns who reported, whatever the profile says.

    The stricter of the two counts: a profile may always withhold more.
    """

    NAMED = "named"  # as the profile says
    ALIASED = "aliased"  # a name that is always the same, and only at this recipient
    HIDDEN = "hidden"


class FastLane(PolicyFile):
    """What the MoU says of a threat to life: a person is told, and not asked.

    Only for reviews that allow it, in clauses and safeguards, by ``fast_lane: true``.
    """

    cites: str


class Embargo(PolicyFile):
    """How long a new incident waits for a person, beside its own embargo.

    An incident's own embargo is always honoured. ``hold_back_days`` counts from the
    time that the incident happened; one of which no time is stated waits.
    """

    cites: str
    hold_back_days: Annotated[int, Field(ge=1, le=3_650)]


class Reveal(PolicyFile):
    """What the MoU says of looking up whom a pseudonym stands for.

    Only with this is anything kept by which a pseudonym could be looked up.
    """

    cites: str


class Agreement(PolicyFile):
    """One MoU, as far as a machine can keep it."""

    agreement: Name
    title: str
    parties: tuple[MouParty, ...] = Field(min_length=2)
    recipient: Name
    legal_basis: tuple[LegalBasis, ...] = Field(min_length=1)
    purpose: tuple[Purpose, ...] = Field(min_length=1)
    valid: Validity
    profile: Name
    guardrail: Name
    retention_days: Annotated[int, Field(ge=1, le=36_500)]
    onward: Literal["forbidden", "with-consent", "allowed"] = "with-consent"
    attribution: Attribution = Attribution.HIDDEN
    on_withdrawal: OnWithdrawal = OnWithdrawal.RETRACT
    on_expiry: OnExpiry = OnExpiry.RETRACT
    on_retention: OnRetention = OnRetention.KEEP
    fast_lane: FastLane | None = None
    embargo: Embargo | None = None
    feedback: ReturnPath = STRICT
    reveal: Reveal | None = None
    clauses: tuple[Clause, ...] = Field(min_length=1)


class Csirt(PolicyFile):
    """The CSIRT that shares: the creator of everything that is sent."""

    name: str
    uuid: Uuid
    contact: str
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class Selector(PolicyFile):
    """Which items of a list a line of a profile is about; all that is written holds."""

    kind: frozenset[str] | None = None  # observables: their kind
    data_class: frozenset[str] | None = None  # observables: the class of their kind
    role: frozenset[Role] | None = None  # observables
    party: frozenset[PartyKind] | None = None  # victims and suspects
    consent: frozenset[Consent] | None = None  # victims
    minor: bool | None = None  # victims and suspects


class FieldRule(PolicyFile):
    """One line of a profile: a method, its options, and the items it is for."""

    method: Name | Literal["keep", "withhold"] | str
    only: Selector = Selector()
    options: dict[str, Any] = Field(default={})


class Profile(PolicyFile):
    """Every field of an incident, and what becomes of it.

    A field takes the first rule whose selector fits; its last rule fits everything. A
    field that is not named is an error, not a default.
    """

    profile: Name
    title: str
    fields: dict[str, tuple[FieldRule, ...]]


class Guardrail(PolicyFile):
    """What may leave, said once more and independently of the profile.

    ``paths`` lists every JSON path that a document may have, with the shape of the
    value there. Anything else is a breach.
    """

    guardrail: Name
    wire: Literal["stix-bundle", "stix-misp", "misp-event"]
    tlp_at_most: Tlp
    pap_at_most: Pap
    max_bytes: Annotated[int, Field(ge=1_000)]
    tripwires: frozenset[str] = frozenset()
    paths: dict[str, str]


class Only(Selector):
    """Which items of a list a statement of what never happens is about."""

    listed: bool | None = None  # observables: on a list of `broker.model.known_good`


class Never(PolicyFile):
    """A statement about every incident there can be, proved when policies are loaded.

    While ``when`` holds, ``fields`` (of the items that ``only`` selects) never reach
    ``recipients``, nor the recipient of an agreement with a party of ``roles``; without
    either, nobody. A field may end in ``*``; without fields, nothing of the incident
    reaches them. ``unless: review`` allows what a person has released; ``except_as``
    the redaction methods under which a field may go all the same.
    """

    id: Name
    cites: str
    recipients: frozenset[Name] = frozenset()
    roles: frozenset[PartyRole] = frozenset()
    fields: tuple[str, ...] = ()
    only: Only = Only()
    except_as: frozenset[str] = frozenset()
    when: When = When()
    unless: Literal["review"] | None = None
    note: str = ""


class Safeguards(PolicyFile):
    """What must never happen, whatever the agreements say.

    Each of ``safeguards`` is a clause with the effect ``withhold`` or ``review`` that
    counts for everybody; each of ``never`` is proved of the rulebook as a whole.
    """

    safeguards: tuple[Clause, ...]
    never: tuple[Never, ...] = ()
