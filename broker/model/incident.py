"""The incident as the CSIRT knows it: typed, checked and frozen.

JSON or keyword arguments -> `Incident`. Nothing here decides who may see what; each
field only declares, once, its data-protection class and its shape. Profiles, guardrails
and mappings are checked against these declarations, so a new field cannot be forgotten.

Invariants: unknown fields are refused; texts hold no NUL and no lone surrogate; times
are UTC with whole seconds (MISP knows no finer); nothing ends before it begins.
"""

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from broker.model.declared import Declared as Declared
from broker.model.declared import Shape as Shape
from broker.model.declared import declared as _is
from broker.model.marking import Pap, Severity, Tlp
from broker.model.rsit import rsit_type

# A NUL ends strings in other systems, so it would let a value look different to the
# guard than to the recipient. Lone surrogates are refused by the JSON parser already.
_NO_NUL = r"^[^\x00]*$"


_WRITTEN_OUT: Final = "write the time out, such as 2026-05-01T12:00:00Z"
# MISP and STIX 2.1 carry four-digit years; the epoch of MISP starts in 1970.
_YEARS: Final = range(1980, 2101)
_OF_NO_YEAR: Final = "not between the years 1980 and 2100"


def _whole_second_utc(value: Any) -> datetime:
    """Return a time that is written out as the whole second of UTC that it is."""
    # A number in quotes would be taken for a time as well: of seconds, or, where it is
    # large, of milliseconds.
    if isinstance(value, str) and value[4:5] == "-":
        try:
            moment = datetime.fromisoformat(value.upper())
        except ValueError:
            raise ValueError(_WRITTEN_OUT) from None
    elif isinstance(value, datetime):
        moment = value
    else:
        raise ValueError(_WRITTEN_OUT)
    # Most times come as they are kept. One without a time zone is refused after this.
    if moment.tzinfo is not UTC or moment.microsecond:
        if moment.utcoffset() is None:
            return moment
        try:
            moment = moment.astimezone(UTC).replace(microsecond=0)
        except OverflowError:  # within hours of the first or the last year of all
            raise ValueError(_OF_NO_YEAR) from None
    if moment.year not in _YEARS:
        raise ValueError(_OF_NO_YEAR)
    return moment


Text = Annotated[
    str, StringConstraints(min_length=1, max_length=65_535, pattern=_NO_NUL)
]
Line = Annotated[
    str, StringConstraints(min_length=1, max_length=2_048, pattern=_NO_NUL)
]
Uid = Annotated[
    str,
    StringConstraints(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]*$", min_length=3, max_length=128
    ),
]
Time = Annotated[AwareDatetime, BeforeValidator(_whole_second_utc)]
"""A moment with its time zone (RFC 3339, 5.6), kept as a whole second of UTC."""
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Language = Annotated[
    str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Kind = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
# Money is a decimal number in a string: binary fractions would change an amount.
Amount = Annotated[str, StringConstraints(pattern=r"^(0|[1-9]\d{0,14})(\.\d{1,2})?$")]
RsitType = Annotated[str, AfterValidator(rsit_type)]
# RFC 8785, 3.2.2.3: larger whole numbers are not the same in every parser.
Whole = Field(ge=0, le=2**53 - 1)
Percent = Annotated[int, Field(ge=0, le=100)]


class Status(StrEnum):
    """Where the incident stands."""

    OPEN = "open"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class Urgency(StrEnum):
    """Whether somebody's life is in danger.

    Source: CETS 224, Art. 3(2)(c), "emergency" (to be confirmed by a lawyer).
    """

    NORMAL = "normal"
    THREAT_TO_LIFE = "threat-to-life"


class Consent(StrEnum):
    """Whether a victim agreed that law enforcement is told who they are."""

    GIVEN = "given"
    UNKNOWN = "unknown"
    REFUSED = "refused"


class PartyKind(StrEnum):
    """A natural person or an organisation."""

    PERSON = "person"
    ORGANISATION = "organisation"


class ReporterKind(StrEnum):
    """What sort of body told the CSIRT."""

    PERSON = "person"
    ORGANISATION = "organisation"
    CSIRT = "csirt"
    LAW_ENFORCEMENT = "law-enforcement"
    AUTHORITY = "authority"


class Role(StrEnum):
    """Whose thing an observable is."""

    ATTACKER = "attacker"
    VICTIM = "victim"
    INFRASTRUCTURE = "infrastructure"
    UNKNOWN = "unknown"


class _Part(BaseModel):
    # The schema of a part is made with the incident's, and by itself only if asked for.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Times(_Part):
    """When it happened, was seen and was reported."""

    occurred_from: Annotated[Time | None, _is("technical", "time")] = None
    occurred_until: Annotated[Time | None, _is("technical", "time")] = None
    detected: Annotated[Time | None, _is("technical", "time")] = None
    reported: Annotated[Time | None, _is("technical", "time")] = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        start, end = self.occurred_from, self.occurred_until
        if start and end and end < start:
            raise ValueError("occurred_until is before occurred_from")
        if start and self.detected and self.detected < start:
            raise ValueError("detected is before occurred_from")
        return self


class Contacts(_Part):
    """How somebody can be reached."""

    email: Annotated[Line | None, _is("contact", "email")] = None
    phone: Annotated[Line | None, _is("contact", "phone")] = None
    address: Annotated[Line | None, _is("contact", "text")] = None


class Reporter(_Part):
    """Who told the CSIRT."""

    kind: Annotated[ReporterKind | None, _is("technical", "code")] = None
    name: Annotated[Line | None, _is("identity", "name")] = None
    organisation: Annotated[Line | None, _is("identity", "name")] = None
    contacts: Contacts = Contacts()


class Party(_Part):
    """A person or an organisation that the incident is about."""

    kind: Annotated[PartyKind, _is("technical", "code")]
    name: Annotated[Line | None, _is("identity", "name")] = None
    sector: Annotated[Line | None, _is("technical", "text")] = None
    country: Annotated[Country | None, _is("technical", "code")] = None
    contacts: Contacts = Contacts()
    personal_number: Annotated[Line | None, _is("identity", "account")] = None
    minor: Annotated[bool, _is("technical", "flag")] = False


class Victim(Party):
    """Somebody who was harmed. Their identity needs their consent."""

    consent: Annotated[Consent, _is("technical", "code")] = Consent.UNKNOWN


class Suspect(Party):
    """Somebody who may have done it."""

    accounts: Annotated[tuple[Line, ...], _is("identity", "account")] = ()


class Observable(_Part):
    """Something seen on a network, a machine or an account.

    The kinds are rows of ``mappings/observables.yaml``, which also say the kind's own
    data-protection class and shape. Those with the same ``group`` are about one thing:
    a name and its address, the parts of a mail, the hashes of a file. Only they are put
    together in a recipient's system.
    """

    kind: Annotated[Kind, _is("technical", "code")]
    value: Annotated[Text, _is("technical", "by-kind")]
    role: Annotated[Role, _is("technical", "code")] = Role.UNKNOWN
    # A small number, in which no value can hide.
    group: Annotated[
        int | None, Field(ge=1, le=100_000), _is("technical", "number")
    ] = None
    first_seen: Annotated[Time | None, _is("technical", "time")] = None
    last_seen: Annotated[Time | None, _is("technical", "time")] = None
    to_ids: Annotated[bool, _is("technical", "flag")] = False
    comment: Annotated[Text | None, _is("content", "text")] = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.first_seen and self.last_seen and self.last_seen < self.first_seen:
            raise ValueError("last_seen is before first_seen")
        return self


class EvidenceItem(_Part):
    """A piece of evidence, described and never carried.

    Source of the fields: ISO/IEC 27037, documentation of collection and custody.
    """

    name: Annotated[Line, _is("content", "text")]
    sha256: Annotated[Sha256, _is("technical", "hash")]
    size: Annotated[int | None, Whole, _is("technical", "number")] = None
    media_type: Annotated[Line | None, _is("technical", "text")] = None
    collected_at: Annotated[Time | None, _is("technical", "time")] = None
    collected_by: Annotated[Line | None, _is("identity", "name")] = None
    kept_at: Annotated[Line | None, _is("content", "text")] = None


class FinancialLoss(_Part):
    """Money lost, and the accounts that it went through."""

    amount: Annotated[Amount, _is("financial", "amount")]
    currency: Annotated[Currency, _is("technical", "code")] = "EUR"
    accounts: Annotated[tuple[Line, ...], _is("financial", "account")] = ()


class AffectedSystem(_Part):
    """A system that the incident touched."""

    name: Annotated[Line, _is("technical", "text")]
    function: Annotated[Line | None, _is("technical", "text")] = None
    address: Annotated[Line | None, _is("technical", "text")] = None


class Relation(_Part):
    """A link to another incident of the same CSIRT."""

    uid: Annotated[Uid, _is("technical", "text")]
    kind: Annotated[Kind, _is("technical", "code")] = "related-to"


class Origin(_Part):
    """What the incident was read from, so that the very message can be found again.

    ``id`` is the sender's own, to the letter; ``sha256`` is of the bytes as they came.
    None of it is a word about the incident, so none of it is searched for by the guard
    except the digest.
    """

    format: Annotated[Kind, _is("technical", "code")]
    id: Annotated[Line | None, _is("technical", "code")] = None
    sha256: Annotated[Sha256, _is("technical", "hash")]


class Incident(_Part):
    """One revision of one incident."""

    uid: Annotated[Uid, _is("technical", "text")]
    revision: Annotated[int, Field(ge=1, le=2**31), _is("technical", "number")]
    revised_at: Annotated[Time, _is("technical", "time")]
    status: Annotated[Status, _is("technical", "code")] = Status.OPEN
    title: Annotated[Line, _is("content", "text")]
    description: Annotated[Text | None, _is("content", "text")] = None
    language: Annotated[Language, _is("technical", "code")] = "en"
    classification: Annotated[RsitType, _is("technical", "code")]
    confidence: Annotated[Percent | None, _is("technical", "number")] = None
    severity: Annotated[Severity, _is("technical", "code")] = Severity.MEDIUM
    tlp: Annotated[Tlp, _is("technical", "code")]
    pap: Annotated[Pap, _is("technical", "code")] = Pap.AMBER
    handling_caveats: Annotated[tuple[Line, ...], _is("content", "text")] = ()
    urgency: Annotated[Urgency, _is("technical", "code")] = Urgency.NORMAL
    embargo_until: Annotated[Time | None, _is("technical", "time")] = None
    times: Times = Times()
    reporter: Reporter | None = None
    victims: tuple[Victim, ...] = ()
    suspects: tuple[Suspect, ...] = ()
    observables: tuple[Observable, ...] = ()
    evidence: tuple[EvidenceItem, ...] = ()
    financial_loss: FinancialLoss | None = None
    affected_systems: tuple[AffectedSystem, ...] = ()
    relations: tuple[Relation, ...] = ()
    references: Annotated[tuple[Line, ...], _is("content", "url")] = ()
    case_reference: Annotated[Line | None, _is("technical", "text")] = None
    origin: Origin | None = None


_CONTENT_UID: Final = re.compile(r"[a-z0-9-]{1,30}:sha256:[0-9a-f]{64}")


def named_by_content(uid: str) -> bool:
    """Say whether a uid was computed from what the message says.

    Some formats number nothing. Such a uid is a digest that anybody can compute, so
    that it would give away what is withheld to whoever can guess it.
    """
    return _CONTENT_UID.fullmatch(uid) is not None


def declarations(model: type[BaseModel] = Incident) -> dict[str, Declared]:
    """Return every field path of an incident with its declaration.

    A path is written as in a profile: ``victims[].contacts.email``. A list of plain
    values is one path, ``references[]``.

    Raises:
        TypeError: a field has no declaration; the programmer forgot it.
    """
    found: dict[str, Declared] = {}
    for name, info in model.model_fields.items():
        part = _part_of(info.annotation)
        many = _is_tuple(info.annotation)
        path = f"{name}[]" if many else name
        if part is not None:
            inner = declarations(part)
            found.update({f"{path}.{leaf}": entry for leaf, entry in inner.items()})
            continue
        declared = [entry for entry in info.metadata if isinstance(entry, Declared)]
        if len(declared) != 1:
            raise TypeError(f"{model.__name__}.{name} has no data-protection class")
        found[path] = declared[0]
    return found


def parts_of(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """Return the fields of a model that are objects or lists of objects."""
    return {
        name: part
        for name, info in model.model_fields.items()
        if (part := _part_of(info.annotation)) is not None
    }


def _is_tuple(annotation: Any) -> bool:
    return getattr(annotation, "__origin__", None) is tuple


def _part_of(annotation: Any) -> type[BaseModel] | None:
    """Return the nested model of ``X``, ``X | None`` or ``tuple[X, ...]``, if any."""
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
