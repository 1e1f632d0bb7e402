"""What other formats' words mean, as typed models: classes, markings, roles, columns.

YAML tables under ``mappings/taxonomy`` and ``mappings/csv`` -> frozen models. The
readers in `broker.intake` look words up here and never guess: a word without a row is
``other/undetermined``, which a person must look at.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from broker.model.incident import Kind, Role, RsitType
from broker.model.marking import Pap, Severity, Tlp


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Sides(_Row):
    """Whose things the source and the target of an incident of some class are.

    The address that an infected machine was seen with is its victim's; the one that a
    machine was attacked from, its attacker's.
    """

    source: Role
    target: Role


class RoleRow(Sides):
    """The sides of one RSIT type, in formats that say nothing else."""

    rsit: RsitType


class FormatTable(_Row):
    """What the words of one foreign format mean.

    Args:
        format: the name of the file.
        title: what people call the format.
        unmarked: the TLP of a message that carries none. Red, unless the CSIRT knows
            what its senders mean by silence.
        pap: the PAP of a message that carries none.
        topics: Kafka topics whose messages are of this format, if they do not say so.
        classification: the format's own word, in lower case -> RSIT type.
        tlp: the format's word for a marking, in lower case -> TLP 2.0.
        severity: the format's word -> severity.
        roles: RSIT type -> sides, where the format's source means something else than
            ``mappings/taxonomy/roles.yaml`` says.
    """

    format: str
    title: str
    unmarked: Tlp = Tlp.RED
    pap: Pap = Pap.AMBER
    topics: tuple[str, ...] = ()
    classification: dict[str, RsitType] = {}
    tlp: dict[str, Tlp] = {}
    severity: dict[str, Severity] = {}
    roles: dict[RsitType, Sides] = {}

    @model_validator(mode="after")
    def _small(self) -> Self:
        for words in (self.classification, self.tlp, self.severity):
            for word in words:
                if word != word.lower():
                    raise ValueError("words are compared in lower case: write them so")
        return self


FieldName = Literal[
    "uid", "revised_at", "title", "description", "classification", "severity",
    "tlp", "pap", "status", "confidence", "language", "case_reference",
    "times.occurred_from", "times.occurred_until", "times.detected",
    "times.reported", "reporter.name", "reporter.organisation",
    "reporter.contacts.email", "reporter.contacts.phone", "victim.name",
    "victim.contacts.email", "victim.contacts.phone", "victim.personal_number",
    "financial_loss.amount", "financial_loss.currency", "references",
]  # fmt: skip


class Column(_Row):
    """What stands in one column of a CSV table.

    Either ``field`` names a field of the incident, or ``observable`` a kind with the
    role that its values have. ``many`` says what separates several values in one cell.
    """

    field: FieldName | None = None
    observable: Kind | None = None
    role: Role = Role.UNKNOWN
    to_ids: bool = False
    many: str = ""
    ignore: bool = False

    @model_validator(mode="after")
    def _one_meaning(self) -> Self:
        said = [self.field is not None, self.observable is not None, self.ignore]
        if sum(said) != 1:
            raise ValueError("say one of: field, observable, ignore")
        return self


class CsvTable(_Row):
    """How to read the rows of one sort of CSV table: one row is one incident.

    Args:
        csv: the name of the file.
        columns: the header's names -> what stands below them.
        defaults: fields that every row has alike, such as ``tlp: amber``.
        classification: words in the column of the class -> RSIT type.
        victim: whether the victim is a person or an organisation.
        delimiter: what separates the cells.
        time_format: how times are written, as for Python's ``strptime``; without it,
            ISO 8601.
    """

    csv: str
    title: str
    columns: Annotated[dict[str, Column], Field(min_length=2)]
    defaults: dict[FieldName, str] = {}
    classification: dict[str, RsitType] = {}
    victim: Literal["person", "organisation"] = "person"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    time_format: str = ""

    @model_validator(mode="after")
    def _enough(self) -> Self:
        fields = {column.field for column in self.columns.values()} | {*self.defaults}
        for needed in ("uid", "revised_at", "title"):
            if needed not in fields:
                raise ValueError(f"no column is the {needed}")
        return self
