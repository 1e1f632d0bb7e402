"""Who may approve a held share, and by what they are known.

The file of reviewers -> frozen models.

Invariant: two entries never have the same name, user, address or key, so that one
person does not count as two.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from broker.model.agreement import Name

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Reviewer(BaseModel):
    """A person who may approve, and by what they are known.

    ``user`` is their account on the machine, ``emails`` what they sign commits with,
    ``key`` the public half of an Ed25519 key as OpenSSH writes it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: Name
    user: str = ""
    emails: tuple[str, ...] = ()
    key: str = ""

    @field_validator("key")
    @classmethod
    def _a_key(cls, text: str) -> str:
        if text:
            public_key(text)
        return text

    @model_validator(mode="after")
    def _known(self) -> Self:
        if not self.user and not self.key:
            raise ValueError("write a user or a key: something must tell who it is")
        return self

    def is_called(self, who: str) -> bool:
        """Say whether a name, account or address is this person's."""
        names = {self.name, self.user, *self.emails} - {""}
        return who.casefold() in {name.casefold() for name in names}


class Reviewers(BaseModel):
    """Who may approve, for how long an approval counts, and who edits outside git."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    reviewers: tuple[Reviewer, ...] = ()
    approval_hours: Annotated[int, Field(ge=1, le=720)] = 24
    editors: Mapping[str, str] = {}  # agreement -> who edited it last, where git cannot
    leads: tuple[str, ...] = ()  # who of them may read what units wrote

    @model_validator(mode="after")
    def _different(self) -> Self:
        everybody = self.reviewers
        for what, said in (
            ("name", [one.name for one in everybody]),
            ("user", [one.user for one in everybody if one.user]),
            ("email", [mail.casefold() for one in everybody for mail in one.emails]),
            # Without the comment behind it, which anybody may change.
            ("key", [one.key.split()[1] for one in everybody if one.key]),
        ):
            if len(set(said)) != len(said):
                raise ValueError(f"two reviewers have the same {what}")
        return self

    @model_validator(mode="after")
    def _known_leads(self) -> Self:
        for name in self.leads:
            if (one := self.named(name)) is None or not one.user:
                raise ValueError(f"a lead must be a reviewer with a user: {name}")
        return self

    def is_lead(self, user: str) -> bool:
        """Say whether an account is that of a lead of the CSIRT."""
        people = [one for one in self.reviewers if one.name in self.leads]
        return bool(user) and any(one.user == user for one in people)

    def named(self, name: str) -> Reviewer | None:
        """Return the reviewer of this name."""
        return next((one for one in self.reviewers if one.name == name), None)

    @property
    def lifetime(self) -> timedelta:
        """How long an approval counts."""
        return timedelta(hours=self.approval_hours)


def public_key(text: str) -> Ed25519PublicKey:
    """Read a public key as OpenSSH writes it: ``ssh-ed25519 AAAA... comment``.

    Raises:
        ValueError: it is not one.
    """
    # Every command reads the settings, and few of them a key.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key

    try:
        key = load_ssh_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("not a public key as OpenSSH writes it") from None
    if not isinstance(key, Ed25519PublicKey):
        # Not a TypeError: pydantic reports only ValueError as a mistake in the file.
        raise ValueError(  # noqa: TRY004
            "not an Ed25519 key (make one with ssh-keygen -t ed25519)"
        )
    return key
