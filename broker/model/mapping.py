"""The mapping tables, as typed models: what each thing is called in other systems.

YAML rows -> frozen models. A row is data: adding an observable kind is adding one row.
"""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
)

from broker.model.agreement import Uuid
from broker.model.feedback import AgreedTag
from broker.model.foreign import CsvTable, FormatTable, Sides
from broker.model.incident import Kind, Percent, Role, RsitType, Shape, Status
from broker.model.known_good import KnownGood
from broker.model.marking import DataClass, Pap, Tlp


class _Row(BaseModel):
    # A row is made ready with the table that it stands in, and not twice.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


# STIX 2.1, 9.7: an object type, a colon and the path within the object.
_PATTERN_PATH: Final = r"^([a-z0-9-]+:[A-Za-z0-9_.-]+)?$"
# What a template says of the incident as a whole, and the fields that it may take.
CASE: Final = "case"
CASE_FIELDS: Final = ("name", "uid", "severity", "status", "event[]")
# The part of an incident that a MISP object is for, and the object's name.
_LINKED: Final = r"^[a-z_]+/[a-z0-9-]+$"


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return text


class StixTarget(_Row):
    """Where an observable's value stands in STIX 2.1.

    ``property`` is the path within the object: ``value``, ``hashes.SHA-256``. ``fixed``
    are properties that every object of this kind has. With ``number`` the value is
    written as a whole number. ``match`` is where a pattern looks for the value, such as
    ``file:hashes.IMPHASH``, when that is not where it stands.
    """

    type: str
    property: str
    fixed: dict[str, Any] = {}
    number: bool = False
    match: Annotated[str, StringConstraints(pattern=_PATTERN_PATH)] = ""


class MispType(_Row):
    """A MISP attribute type with its category."""

    type: str
    category: str


class MispObject(_Row):
    """A MISP object that holds one observable, where its type alone says too little.

    ``relation`` takes the value; ``fixed`` are further relations of type text, always
    with the same value.
    """

    name: str
    meta_category: str
    template_uuid: Uuid
    template_version: Annotated[int, Field(ge=1)]
    relation: str
    fixed: dict[str, str] = {}


class MispTarget(MispType):
    """How an observable is written as a MISP attribute; may differ by its role.

    ``fits`` is a regular expression for the values that MISP takes for the type. It
    silently drops any other, so those are written as ``text`` in the same category.
    """

    to_ids: bool = False
    fits: Annotated[str, AfterValidator(_expression)] = ".+"
    object: MispObject | None = None
    by_role: dict[Role, MispType] = {}


class ObservableKind(_Row):
    """One kind of observable: what it is, and what it is called elsewhere."""

    kind: Kind
    data_class: DataClass
    shape: Shape
    stix: StixTarget
    misp: MispTarget


class Offence(_Row):
    """Articles of an act that a type of incident may touch."""

    act: str
    articles: str
    confirmed_by: str = ""


class RsitRow(_Row):
    """What one RSIT type means for law enforcement."""

    rsit: RsitType
    label: str
    common_taxonomy: str = ""  # the whole MISP machine tag
    europol_incident: str = ""
    europol_event: tuple[str, ...] = ()
    offences: tuple[Offence, ...] = ()
    relevance: Literal[
        "always", "default", "conditional", "never-by-default", "hold", "never"
    ]
    note: str = ""


class MarkingRow(_Row):
    """One TLP or PAP level: its STIX marking-definition and its MISP tag."""

    level: str
    stix_id: str
    created: str
    name: str
    tag: str


class Assessment(_Row):
    """The MISP tags of a confidence of at least so many percent."""

    at_least: Percent
    tags: tuple[str, ...] = ()


class RetentionRow(_Row):
    """The MISP tag of a period for which an agreement lets a case be kept."""

    days: Annotated[int, Field(ge=1)]
    tag: str


class Markings(_Row):
    """All levels of TLP 2.0 and PAP, and the extensions that define them in STIX.

    ``confidence`` goes from the highest to 0; ``states`` is by the incident's status.
    """

    tlp_extension: str
    pap_extension: str
    tlp: dict[Tlp, MarkingRow]
    pap: dict[Pap, MarkingRow]
    confidence: tuple[Assessment, ...]
    retention: tuple[RetentionRow, ...]
    states: dict[Status, str]

    @field_validator("confidence")
    @classmethod
    def _complete(cls, rows: tuple[Assessment, ...]) -> tuple[Assessment, ...]:
        bounds = [row.at_least for row in rows]
        if bounds != sorted(set(bounds), reverse=True) or 0 not in bounds:
            raise ValueError("the rows must go from the highest confidence to 0")
        return rows


class ObjectAttribute(_Row):
    """A field of a part of the incident, as an attribute of a MISP object."""

    field: str  # path within the part, such as ``contacts.email`` or ``accounts[]``
    relation: str
    type: str
    category: str
    # Only values that look like this: MISP drops what does not fit the type.
    only: Literal["iban", "number", "neither", ""] = ""
    # What the template calls each value; one that is not here is left out.
    values: dict[str, str] = {}


class ObjectTemplate(_Row):
    """Which MISP object a part of the incident becomes.

    ``part`` is ``victims``, ``suspects``, ``evidence``, ``financial_loss``,
    ``affected_systems`` or ``case``, which is the incident as a whole; ``party``
    narrows it to persons or organisations. ``fixed`` are attributes with the same value
    always (a person's role: Victim). Without all fields of ``needs`` there is no
    object.
    """

    part: str
    party: Literal["person", "organisation", ""] = ""
    name: str
    meta_category: str
    template_uuid: Uuid
    template_version: Annotated[int, Field(ge=1)]
    each: str = ""  # a list field: one object for every value of it
    needs: tuple[str, ...] = ()
    fixed: tuple[tuple[ObjectAttribute, str], ...] = ()
    attributes: tuple[ObjectAttribute, ...]


class ComposedRelation(_Row):
    """A relation of a composed object, and the kinds of observables that it takes.

    ``roles`` narrows it. Where ``type`` and ``category`` are given, they are the
    attribute's within the object; else it has those that it has alone.
    """

    relation: str
    kinds: tuple[Kind, ...]
    roles: tuple[Role, ...] = tuple(Role)
    type: str = ""
    category: str = ""
    many: bool = False  # whether the template takes it more than once


class ComposedObject(_Row):
    """A MISP object made of observables of which the incident says: they are one thing.

    ``asks`` are groups of relations: of each, one at least must be there.
    """

    name: str
    meta_category: str
    template_uuid: Uuid
    template_version: Annotated[int, Field(ge=1)]
    asks: tuple[tuple[str, ...], ...]
    relations: tuple[ComposedRelation, ...]


class ObjectLink(_Row):
    """A reference from one MISP object to another, by MISP's name for how they relate.

    ``source`` and ``target`` are written ``victims/person``: the part that the object
    is made for, and the object. Two of one part refer to one another within one item
    of it only: a person to their own account. ``observables/email`` is a composed one.
    """

    source: Annotated[str, StringConstraints(pattern=_LINKED)]
    relationship: str
    target: Annotated[str, StringConstraints(pattern=_LINKED)]


class Tables(_Row):
    """All mapping tables together."""

    kinds: dict[str, ObservableKind]
    rsit: dict[str, RsitRow]
    markings: Markings
    objects: tuple[ObjectTemplate, ...]
    composed: tuple[ComposedObject, ...] = ()
    links: tuple[ObjectLink, ...] = ()
    formats: dict[str, FormatTable] = {}
    sides: dict[str, Sides] = {}
    csv: dict[str, CsvTable] = {}
    known_good: tuple[KnownGood, ...] = ()
    feedback: tuple[AgreedTag, ...] = ()
