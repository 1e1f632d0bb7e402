"""Policy and mapping files as typed models, before anything is made of them.

Bytes by file name -> `Sources`. Problems are collected and not raised, so that one run
shows everything that is wrong in any file.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from broker.errors import Problem, RulebookError
from broker.model.agreement import (
    Agreement,
    Csirt,
    Guardrail,
    Profile,
    Recipient,
    Safeguards,
)
from broker.model.feedback import AgreedTags
from broker.model.foreign import CsvTable, FormatTable, RoleRow
from broker.model.known_good import KnownGood
from broker.model.mapping import (
    ComposedObject,
    Markings,
    ObjectLink,
    ObjectTemplate,
    ObservableKind,
    RsitRow,
)
from broker.strict_yaml import Document, Parse, load, nearest, parse

M = TypeVar("M", bound=BaseModel)
CASES: Final = "policies/cases/"


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class ObservableTable(_Table):
    """``mappings/observables.yaml``."""

    observables: tuple[ObservableKind, ...]


class RsitTable(_Table):
    """``mappings/taxonomy/rsit.yaml``."""

    rsit: tuple[RsitRow, ...]


class RoleTable(_Table):
    """``mappings/taxonomy/roles.yaml``."""

    roles: tuple[RoleRow, ...]


class ObjectTable(_Table):
    """``mappings/objects.yaml``."""

    objects: tuple[ObjectTemplate, ...]
    composed: tuple[ComposedObject, ...] = ()
    links: tuple[ObjectLink, ...] = ()


@dataclass(frozen=True, slots=True)
class Source(Generic[M]):
    """One file: what it says, and where it says it."""

    model: M
    document: Document


# Files that there is one of, and folders with one file per thing; in the latter the
# file has the name that the thing calls itself by the given key.
_SINGLE: Final[dict[str, type[BaseModel]]] = {
    "policies/csirt.yaml": Csirt,
    "policies/safeguards.yaml": Safeguards,
    "mappings/observables.yaml": ObservableTable,
    "mappings/taxonomy/rsit.yaml": RsitTable,
    "mappings/taxonomy/roles.yaml": RoleTable,
    "mappings/markings.yaml": Markings,
    "mappings/objects.yaml": ObjectTable,
}
_FOLDERS: Final[dict[str, tuple[str, type[BaseModel]]]] = {
    "policies/agreements": ("agreement", Agreement),
    "policies/recipients": ("recipient", Recipient),
    "policies/profiles": ("profile", Profile),
    "policies/guardrails": ("guardrail", Guardrail),
    "mappings/taxonomy": ("format", FormatTable),
    "mappings/csv": ("csv", CsvTable),
    "mappings/known-good": ("list", KnownGood),
    "mappings/feedback": ("feedback", AgreedTags),
}


@dataclass(slots=True)
class Sources:
    """Every file that could be read, and every problem with the others."""

    single: dict[str, Source[Any]] = field(default_factory=dict)
    folders: dict[str, dict[str, Source[Any]]] = field(
        default_factory=lambda: {key: {} for key, _ in _FOLDERS.values()}
    )
    # Names of things whose file exists but is wrong: they are not missing as well.
    broken: set[tuple[str, str]] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def all_of(self, key: str, model: type[M]) -> dict[str, Source[M]]:
        """Return the things of a sort, such as ``profile``, by their name."""
        del model  # says the type to the reader and the type checker
        return self.folders[key]

    def every(self) -> Iterator[Source[Any]]:
        """Yield every file that is right."""
        yield from self.single.values()
        for of_folder in self.folders.values():
            yield from of_folder.values()

    def one(self, path: str, model: type[M]) -> Source[M] | None:
        """Return the file of that name, when it is there and right."""
        del model
        return self.single.get(path)


def read(files: Mapping[str, bytes], parse: Parse = parse) -> Sources:
    """Read all files; ``files`` has names such as ``policies/csirt.yaml``.

    ``parse`` reads one file, or knows what it says.
    """
    sources = Sources()
    for path in _SINGLE:
        if path not in files:
            sources.problems.append(Problem(path, 0, 0, "this file is missing"))
    for path in sorted(files):
        if not path.startswith(CASES):
            _take(sources, path, files[path], parse)
    return sources


def _take(sources: Sources, path: str, data: bytes, parse: Parse) -> None:
    folder, _, name = path.removesuffix(".yaml").rpartition("/")
    if path in _SINGLE:
        source = _source(sources, path, data, _SINGLE[path], parse)
        if source is not None:
            sources.single[path] = source
    elif folder in _FOLDERS and path.endswith(".yaml"):
        key, model = _FOLDERS[folder]
        source = _source(sources, path, data, model, parse)
        if source is None:
            sources.broken.add((key, name))
            return
        sources.folders[key][name] = source
        if getattr(source.model, key) != name:
            message = f"the {key} is not called {name}, as its file is"
            sources.problems.append(source.document.problem((key,), message))
    else:
        stem = name.removesuffix(".yml")
        expected = [*_SINGLE, *(f"{known}/{stem}.yaml" for known in _FOLDERS)]
        advice = nearest(path, expected) or "see docs/policies.md"
        sources.problems.append(Problem(path, 0, 0, "no such file is known", advice))


def _source(
    sources: Sources, path: str, data: bytes, model: type[M], parse: Parse
) -> Source[M] | None:
    try:
        document = parse(path, data)
        if model is Profile:
            document = written_out(document)
        return Source(load(document, model), document)
    except RulebookError as error:
        sources.problems += error.problems
        return None


def written_out(document: Document) -> Document:
    """Write out the short forms of a profile's fields.

    ``keep`` stands for ``[{method: keep}]``, and one mapping for a list of one.
    """
    value = document.value
    if not isinstance(value, dict) or not isinstance(value.get("fields"), dict):
        return document
    fields = {path: _rules(rules) for path, rules in value["fields"].items()}
    return replace(document, value={**value, "fields": fields})


def _rules(written: Any) -> Any:
    rules = written if isinstance(written, list) else [written]
    return [{"method": rule} if isinstance(rule, str) else rule for rule in rules]
