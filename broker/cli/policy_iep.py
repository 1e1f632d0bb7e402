"""Agreements as FIRST IEP 2.0 policies, and such policies as lines of an agreement.

An IEP file -> what is to be written into the files of an agreement, as YAML, and what
has no counterpart. `broker.model.iep` says what becomes of what.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from broker.canonical import loads
from broker.cli import terminal
from broker.cli.terminal import ExitCode
from broker.model.iep import FromIep, IepError, from_iep

_LARGEST = 1_000_000


def read(file: Path) -> list[FromIep]:
    """Read the policies of an IEP file: one alone, or a list named ``policies``.

    Ends the command when the file holds none, or something else.
    """
    raw = terminal.read_input(file, most=_LARGEST + 1)
    if len(raw) > _LARGEST:
        terminal.stop(ExitCode.NO, f"{file}: it has more than {_LARGEST} bytes")
    try:
        said = loads(raw)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        terminal.stop(ExitCode.NO, f"{file}:{line}: it is not JSON")
    policies = said.get("policies", [said]) if isinstance(said, dict) else None
    if not isinstance(policies, list) or not policies:
        terminal.stop(ExitCode.NO, f"{file}: it holds no IEP policy")
    return [_understood(file, number, one) for number, one in enumerate(policies)]


def _understood(file: Path, number: int, policy: Any) -> FromIep:
    if not isinstance(policy, Mapping):
        terminal.stop(ExitCode.NO, f"{file}: policies[{number}] is not an object")
    try:
        return from_iep(policy)
    except IepError as error:
        terminal.stop(ExitCode.NO, f"{file}: policies[{number}].{error}")


def lines(found: FromIep) -> Iterator[str]:
    """Yield what is to be written into the files of an agreement and a recipient."""
    yield "# policies/agreements/NAME.yaml"
    yield from _yaml(found.agreement)
    if found.missing:
        yield f"# An agreement needs besides: {', '.join(found.missing)}"
    yield ""
    yield "# policies/recipients/NAME.yaml"
    yield from _yaml({"clearance": found.clearance})
    if found.unmapped:
        yield ""
        yield "# Said by the policy, and not by an agreement:"
    for name, why in found.unmapped.items():
        yield f"#   {terminal.plain(name)}: {why}"


def _yaml(said: Mapping[str, Any]) -> Iterator[str]:
    for name, value in said.items():
        if isinstance(value, Mapping):
            inner = ", ".join(f"{key}: {_scalar(one)}" for key, one in value.items())
            yield f"{name}: {{{inner}}}"
        else:
            yield f"{name}: {_scalar(value)}"


def _scalar(value: Any) -> str:
    # Every JSON text is a YAML text, and cannot be taken for anything else.
    return json.dumps(value, ensure_ascii=False)


def as_json(found: FromIep) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "agreement": found.agreement,
        "recipient": {"clearance": found.clearance},
        "unmapped": found.unmapped,
        "missing": list(found.missing),
    }
