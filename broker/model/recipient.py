"""Where an authority is reached, and how: the recipients' policy files.

YAML (already strict, see `broker.strict_yaml`) -> frozen models. Unknown keys are
errors.

Invariant: no secret stands here, only the name of the credential that is one.
"""

from enum import StrEnum
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from broker.model.marking import Pap, Tlp

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Uuid = Annotated[
    str,
    StringConstraints(
        pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
    ),
]


class PolicyFile(BaseModel):
    """What every part of a policy file has: unknown keys are errors."""

    # A part of a file is made ready with the file that it is part of, and not twice.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Clearance(PolicyFile):
    """The strictest markings that a recipient may be sent."""

    tlp: Tlp
    pap: Pap


class Limits(PolicyFile):
    """How much a recipient takes, and how fast."""

    max_bytes: Annotated[int, Field(ge=1_000)] = 5_000_000
    per_minute: Annotated[int, Field(ge=0, le=100_000)] = 0  # 0: as fast as it answers


class RecipientKind(StrEnum):
    """A way in which a recipient is reached."""

    MISP = "misp"  # its own MISP takes events
    TAXII = "taxii"  # a TAXII 2.1 server, one collection for this recipient alone
    FEED = "feed"  # a folder that its MISP subscribes to
    FILE_DROP = "file-drop"  # a folder of sealed files, carried over by hand


class Organisation(PolicyFile):
    """An organisation as MISP knows it."""

    name: str
    uuid: Uuid


class SharingGroup(PolicyFile):
    """Who sees a case on a MISP that several organisations use: these and the CSIRT.

    Whoever else has an account there sees nothing of it. The group is made when it is
    not there; one that holds anybody else gets nothing.
    """

    uuid: Uuid
    name: Annotated[str, Field(min_length=1, max_length=255)]
    organisations: Annotated[tuple[Organisation, ...], Field(min_length=1)]


class Recipient(PolicyFile):
    """A technical endpoint of an authority.

    ``url``: a MISP, a TAXII API root, or ``file:///folder`` for the kinds that are a
    folder; these need no credential. ``collection`` is for TAXII; ``deletes: false``
    for a TAXII server that deletes nothing: what is taken back is revoked there, and
    the receipt says what stayed. ``organisation`` is the CSIRT, for feeds.
    ``sharing_group`` is for a MISP that others use, too; it takes the place of
    ``distribution``.
    """

    recipient: Name
    authority: str
    kind: RecipientKind
    url: str
    credential: Name = ""
    distribution: Annotated[int, Field(ge=0, le=3)] = 0
    sharing_group: SharingGroup | None = None
    publish: bool = True
    collection: str = ""
    deletes: bool = True
    organisation: Organisation | None = None
    clearance: Clearance
    limits: Limits = Limits()
    suspended: bool = False

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            of_host = parts.scheme in ("http", "https")
            # A port that is none is an error only when it is asked for.
            usable = bool(parts.hostname) and parts.port != 0 and url.split() == [url]
        except ValueError:
            of_host, usable = True, False
        if of_host and not usable:
            raise ValueError("an address such as https://misp.example is needed here")
        if "@" in parts.netloc:
            raise ValueError("no secret stands in an address: see `credential`")
        return url

    @property
    def is_folder(self) -> bool:
        """Whether it is reached by writing files, without any credential."""
        return self.kind in (RecipientKind.FEED, RecipientKind.FILE_DROP)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.is_folder and not self.credential:
            raise ValueError(f"a recipient of kind {self.kind} needs a credential")
        if self.is_folder and not self.url.startswith("file:///"):
            raise ValueError(f"the url of a {self.kind} is a folder: file:///...")
        if not self.is_folder and not self.url.startswith(("https://", "http://")):
            raise ValueError(f"the url of a {self.kind} begins with https://")
        if self.kind is RecipientKind.TAXII and not self.collection:
            raise ValueError("a recipient of kind taxii needs a collection")
        if self.kind is RecipientKind.FEED and self.organisation is None:
            raise ValueError("a recipient of kind feed needs an organisation")
        if self.sharing_group and self.kind is not RecipientKind.MISP:
            raise ValueError("only a recipient of kind misp has a sharing_group")
        if self.sharing_group and self.distribution:
            raise ValueError("with a sharing_group there is no other distribution")
        return self
