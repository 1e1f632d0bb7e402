"""Parties, systems, evidence and losses: the parts of a case that are not observables.

A redacted view + the ids of its case -> `Part`s. Each has its fields by their path in
the incident, so that MISP objects can be made from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from broker.convert.ids import Ids
from broker.model.sharing import Part

_MANY: Final = ("victims", "suspects", "affected_systems", "evidence")
_LOSS: Final = "financial_loss"


def parts(view: Mapping[str, Any], ids: Ids) -> list[Part]:
    """Return every part of a redacted view, with its id."""
    found = [
        Part(name, number, ids.uuid(f"{name}/{number}"), part, flat(part))
        for name in _MANY
        if name in view
        for number, part in enumerate(view[name], 1)
        # STIX 2.1, 6.7: a file needs a hash or a name.
        if name != "evidence" or "sha256" in part or "name" in part
    ]
    if _LOSS in view:
        loss = view[_LOSS]
        found.append(Part(_LOSS, 1, ids.uuid(_LOSS), loss, flat(loss)))
    return found


def flat(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a part by their paths, such as ``contacts.email``."""
    found: dict[str, Any] = {}
    for name, value in part.items():
        if type(value) is str:  # as most are
            found[name] = value
        elif isinstance(value, dict):
            for path, inner in flat(value).items():
                found[f"{name}.{path}"] = inner
        elif isinstance(value, list):
            found[f"{name}[]"] = value
        else:
            found[name] = value
    return found
