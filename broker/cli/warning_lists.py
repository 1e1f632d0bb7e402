"""MISP's warning lists as files for `mappings/known-good/`.

The lists that the package pymispwarninglists carries -> YAML. They become files because
what decides what a recipient gets must be in the rulebook, and its digest must say so.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from broker.errors import SettingsError
from broker.model.known_good import Digest, HostName, KnownGood, Network

_NO_NAME = re.compile(r"[^a-z0-9]+")
_KEYS: Mapping[str, TypeAdapter[Any]] = {
    "hashes": TypeAdapter(Digest),
    "networks": TypeAdapter(Network),
    "names": TypeAdapter(HostName),
}


def lists() -> dict[str, Any]:
    """Return all warning lists by their name.

    Raises:
        SettingsError: the extra is not installed.
    """
    try:
        carried = importlib.import_module("pymispwarninglists")
    except ImportError as error:
        raise SettingsError(
            "MISP's warning lists are not installed: "
            "pip install 'besa-broker[warninglists]'"
        ) from error
    return {each.name: each for each in carried.WarningLists().values()}


def written(found: Any) -> tuple[str, str, int]:
    """Return a warning list as a file, its name, and how many entries it leaves out."""
    entries: dict[str, dict[str, None]] = {key: {} for key in _KEYS}
    left_out = 0
    # MISP's lists of hosts are about all that is beneath them as well.
    beneath = "." if found.type == "hostname" else ""
    for text in found.list if found.type in ("cidr", "hostname", "string") else ():
        sort, value = _sorted(text.strip().lower(), beneath)
        if sort:
            entries[sort][value] = None
        else:
            left_out += 1
    if found.type not in ("cidr", "hostname", "string"):
        left_out = len(found.list)
    made = KnownGood.model_validate(
        {
            "list": f"misp-{_NO_NAME.sub('-', found.name.lower()).strip('-')}"[:64],
            "title": found.name[:120],
            "source": f"MISP warning lists, version {found.version}",
            **{key: tuple(values) for key, values in entries.items()},
        }
    )
    kept = made.model_dump(mode="json", exclude_defaults=True)
    text = yaml.safe_dump(kept, sort_keys=False, allow_unicode=True)
    return text, f"{made.list}.yaml", left_out


def _sorted(text: str, beneath: str) -> tuple[str, str]:
    """Return where an entry belongs, and how it is written there."""
    for key, form in _forms(text, beneath):
        try:
            return key, str(_KEYS[key].validate_python(form))
        except ValidationError:
            continue
    return "", ""


def _forms(text: str, beneath: str) -> Iterable[tuple[str, str]]:
    yield "hashes", text
    yield "networks", text
    # A name without a dot would be a whole top-level domain.
    if "." in text.strip("."):
        yield "names", f"{beneath}{text.lstrip('.')}" if beneath else text
