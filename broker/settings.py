"""Where everything is: folders, files and addresses, said by environment variables.

``BESA_*`` variables -> frozen `Settings`; folders of policy files -> the bytes that
`broker.rulebook` builds from.

Invariants: a secret is never a setting, only the folder that it lies in. A process of
one trust zone is refused the secrets of the other.
"""

import os
import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from broker.canonical import dumps, sha256_hex
from broker.errors import SettingsError
from broker.yaml_folder import yaml_files

if TYPE_CHECKING:
    # Imported by whoever reads such a file: to say where the files are comes first in
    # every command, and what is in them takes several times as long to import.
    from broker.model.agreement import Recipient
    from broker.model.feedback import AgreedTag
    from broker.model.reviewer import Reviewers

_PACKAGE: Final = Path(__file__).resolve().parent
_PREFIX: Final = "besa_"
_RECIPIENTS: Final = "policies/recipients/"
_FEEDBACK: Final = "mappings/feedback/"
# A rulebook of its own within the shipped policies; `besa check` reads it by its name.
_EXAMPLES: Final = "examples"
_LARGEST_POLICY_FILE: Final = 5_000_000
# What Kafka takes as the name of a topic; and ours, which would be read in circles.
_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
_OURS: Final = "besa."


class Zone(StrEnum):
    """Which half of Besa a process is, and so which secrets it may touch."""

    CONSUME = "consume"  # sees raw incidents, holds the keys, has no credentials
    DISPATCH = "dispatch"  # sees sealed bytes, holds the credentials, has no keys
    BOTH = "both"  # an operator at a terminal


class Settings(BaseModel):
    """How this installation of Besa is set up.

    Every value that is not given is an environment variable with the prefix ``BESA_``.
    Folders that are not set lie in ``BESA_HOME``.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", validate_default=True)

    home: Path = Field(Path("var"), description="the folder that everything lies in")
    policies: Path | None = Field(None, description="agreements, recipients, profiles")
    mappings: Path | None = Field(None, description="mapping tables")
    store: str = Field("", description="the store's URL, or an SQLite file")
    keys: Path | None = Field(None, description="private keys: consume zone only")
    vault_keys: Path | None = Field(None, description="keys of the vault: consume zone")
    public_keys: Path | None = Field(None, description="public halves of the seal keys")
    credentials: Path | None = Field(None, description="keys of the recipients' MISPs")
    kafka: str = Field("", description="Kafka's address, such as kafka.example:9092")
    kafka_access: Path | None = Field(
        None, description="the file of what it takes to be let in by Kafka"
    )
    topic: str = Field(
        "csirt.incidents",
        description="the Kafka topic of incidents, or several with commas",
    )
    group: str = Field("besa", description="the Kafka consumer group")
    member: str = Field("", description="a lasting name within the group")
    reviewers: Path | None = Field(None, description="who may release what is held")
    spool: Path | None = Field(None, description="the folder used where Kafka is not")
    spool_keep_days: float = Field(
        0.0, ge=0, le=36_500, description="how long a spool keeps what was processed"
    )
    feedback_every: float = Field(
        300.0, ge=0, description="seconds between two rounds of asking; 0 asks nobody"
    )
    recall_tag: str = Field(
        'besa:recall="acknowledged"',
        description="the tag by which a unit confirms that it erased what was recalled",
    )
    recall_days: int = Field(
        7, ge=1, description="alarm when a recall is not confirmed for so many days"
    )
    silent_hours: float = Field(
        6.0, ge=0, description="alarm when nothing came for so long; 0 for never"
    )
    behind_hours: float = Field(
        24.0, ge=0, description="alarm when an edition waits for so long; 0 for never"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="how much consume and dispatch say on standard error"
    )
    zone: Zone = Field(Zone.BOTH, description="set by `besa run` for its two processes")

    # pydantic-settings would do it, and takes longer to import than files to read: it
    # brings asyncio, argparse and all that it can read settings from.
    @model_validator(mode="before")
    @classmethod
    def _from_environment(cls, given: dict[str, Any]) -> dict[str, Any]:
        found = {
            name.lower().removeprefix(_PREFIX): value
            for name, value in os.environ.items()
            if name.lower().startswith(_PREFIX) and value
        }
        return {**found, **given}

    @field_validator("topic")
    @classmethod
    def _are_topics(cls, value: str) -> str:
        names = [name.strip() for name in value.split(",")]
        for name in names:
            if not _TOPIC.fullmatch(name) or set(name) == {"."}:
                raise ValueError("must be a Kafka topic, or several with commas")
            if name.startswith(_OURS):
                raise ValueError(f"{name} is a topic that Besa writes to")
        if len(set(names)) < len(names):
            raise ValueError("names a topic twice")
        return ",".join(names)

    @property
    def topics(self) -> tuple[str, ...]:
        """The Kafka topics of incidents; `besa publish` writes to the first."""
        return tuple(self.topic.split(","))

    @cached_property
    def policies_folder(self) -> Path:
        """The folder of policy files: set, in the source tree, or in the package."""
        return self.policies or _packaged("policies")

    @cached_property
    def mappings_folder(self) -> Path:
        """The folder of mapping tables: set, in the source tree, or in the package."""
        return self.mappings or _packaged("mappings")

    @property
    def store_url(self) -> str:
        """The URL of the store, which holds decisions, register and outbox."""
        if "://" in self.store:
            return self.store
        file = Path(self.store) if self.store else self.home / "besa.sqlite"
        return f"sqlite:///{file.absolute()}"

    @property
    def keys_folder(self) -> Path:
        """The folder of private keys.

        Raises:
            SettingsError: this process delivers, and has no business with them.
        """
        if self.zone is Zone.DISPATCH:
            raise SettingsError("the dispatch zone does not get the private keys")
        return self.keys or self.home / "keys"

    @property
    def vault_keys_folder(self) -> Path:
        """The folder of the vault's keys: set, or that of private keys.

        Raises:
            SettingsError: this process delivers, and has no business with them.
        """
        private = self.keys_folder
        return self.vault_keys or private

    @property
    def public_keys_folder(self) -> Path:
        """The folder of public keys, which both zones may read."""
        return self.public_keys or self.home / "public-keys"

    @property
    def credentials_folder(self) -> Path:
        """The folder of credentials for the recipients' systems.

        Raises:
            SettingsError: this process decides, and has no business with them.
        """
        if self.zone is Zone.CONSUME:
            raise SettingsError("the consume zone does not get recipients' credentials")
        return self.credentials or self.home / "credentials"

    @property
    def kafka_access_file(self) -> Path:
        """The file of what it takes to be let in by Kafka.

        Raises:
            SettingsError: this process delivers, and has no business with it.
        """
        if self.zone is Zone.DISPATCH:
            raise SettingsError("the dispatch zone does not get the access to Kafka")
        return self.kafka_access or self.home / "kafka.yaml"

    @property
    def reviewers_file(self) -> Path:
        """The file of those who may release what is held."""
        return self.reviewers or self.home / "reviewers.yaml"

    @property
    def spool_folder(self) -> Path:
        """The folder that incidents are published to where there is no Kafka."""
        return self.spool or self.home / "spool"


def read_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingsError: a variable cannot be understood; names each.
    """
    try:
        return Settings()
    except ValidationError as error:
        complaints = "; ".join(
            f"BESA_{'_'.join(str(part) for part in problem['loc']).upper()}: "
            f"{problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors(include_input=False, include_url=False)
        )
        raise SettingsError(f"an environment variable is wrong: {complaints}") from None


def read_rulebook_files(policies: Path, mappings: Path) -> dict[str, bytes]:
    """Return policy and mapping files by name, as `broker.rulebook.build` takes them.

    Names start with ``policies/`` or ``mappings/``. Hidden files are left out.

    Raises:
        SettingsError: a folder is missing, empty or not readable.
    """
    return _read_folder("policies", policies) | _read_folder("mappings", mappings)


def read_mapping_files(mappings: Path) -> dict[str, bytes]:
    """Return mapping files by name, as `broker.rulebook.tables` takes them.

    Raises:
        SettingsError: the folder is missing, empty or not readable.
    """
    return _read_folder("mappings", mappings)


def read_recipients(policies: Path) -> "tuple[Recipient, ...]":
    """Return the recipients, for the dispatch zone, which needs no other policy.

    Raises:
        RulebookError: a file is wrong.
        SettingsError: the folder is missing.
    """
    return recipients_of(read_recipient_files(policies))


def recipients_digest(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 over the files of recipients, by their names.

    By it the dispatch zone, which knows no rulebook, sees whether the recipients on
    disk are those of the rulebook in force.
    """
    return sha256_hex(
        dumps(
            [
                [name, sha256_hex(data)]
                for name, data in sorted(files.items())
                if name.startswith(_RECIPIENTS)
            ]
        )
    )


def read_recipient_files(policies: Path) -> dict[str, bytes]:
    """Return the files of recipients by name.

    Raises:
        SettingsError: the folder is missing.
    """
    files = _read_folder("policies", policies)
    return {name: data for name, data in files.items() if name.startswith(_RECIPIENTS)}


def recipients_of(files: Mapping[str, bytes]) -> "tuple[Recipient, ...]":
    """Return the recipients that files of theirs say.

    Raises:
        RulebookError: a file is wrong.
    """
    from broker.model.agreement import Recipient
    from broker.strict_yaml import load, parse

    return tuple(load(parse(name, data), Recipient) for name, data in files.items())


def read_agreed_tags(mappings: Path) -> "tuple[AgreedTag, ...]":
    """Return the tags by which units answer, for the dispatch zone.

    Raises:
        RulebookError: a file is wrong.
        SettingsError: the folder is missing.
    """
    from broker.model.feedback import AgreedTags
    from broker.strict_yaml import load, parse

    files = read_mapping_files(mappings).items()
    return tuple(
        tag
        for name, data in files
        if name.startswith(_FEEDBACK)
        for tag in load(parse(name, data), AgreedTags).tags
    )


def read_reviewers(file: Path) -> "Reviewers":
    """Return who may release what is held; nobody, when there is no such file.

    Raises:
        RulebookError: the file is wrong; names line and column.
        SettingsError: the file cannot be read, or others may change it.
    """
    from broker.model.reviewer import Reviewers
    from broker.strict_yaml import load, parse

    try:
        mode = file.stat().st_mode
        data = file.read_bytes()
    except FileNotFoundError:
        return Reviewers()
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}") from None
    if mode & 0o022:
        raise SettingsError(
            f"{file} can be changed by others; chmod go-w {file}: whoever changes it "
            "decides who may release"
        )
    return load(parse(str(file), data), Reviewers)


def _read_folder(name: str, folder: Path) -> dict[str, bytes]:
    variable = f"BESA_{name.upper()}"
    if not folder.is_dir():
        raise SettingsError(f"{folder} is not a folder; set {variable} to your {name}")
    found: dict[str, bytes] = {}
    for path in yaml_files(folder):
        inside = path.relative_to(folder)
        if inside.parts[0] != _EXAMPLES:
            found[f"{name}/{inside.as_posix()}"] = _read_policy_file(path)
    if not found:
        raise SettingsError(f"{folder} holds no YAML file; set {variable}")
    return found


def _read_policy_file(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST_POLICY_FILE:
            raise SettingsError(f"{path} is larger than 5 MB: not a policy file")
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error


def _packaged(name: str) -> Path:
    checkout = _PACKAGE.parent / name
    # Only a source tree has its project file beside the package; an installed package
    # must not pick up a stranger's folder that happens to be called "policies".
    if (_PACKAGE.parent / "pyproject.toml").is_file() and checkout.is_dir():
        return checkout
    return _PACKAGE / "_data" / name
