"""What an agreement never shares, in words: which fields, and never of which incident.

A profile -> lines for the case summary. They follow from the profile alone, so they are
the same in every event under an agreement and tell nothing about any incident.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from broker.model.agreement import Profile

_WITHHELD: Final = "withhold"
_KEPT: Final = "keep"
# How the CSIRT numbers and reads messages is no part of a case.
_ITS_OWN: Final = ("origin", "revision", "revised_at", "embargo_until")


def withheld_lines(profile: Profile) -> list[str]:
    """Return which fields are never shared, and which only in part or changed."""
    never: list[str] = []
    partly: list[str] = []
    for path, rules in profile.fields.items():
        if path.partition(".")[0] in _ITS_OWN:
            continue
        methods = {rule.method for rule in rules}
        if methods == {_WITHHELD}:
            never.append(path)
        elif methods != {_KEPT}:
            partly.append(path)
    return [
        f"- {label}: {_named(paths, profile.fields)}"
        for label, paths in (
            ("Never shared under the agreement", never),
            ("Shared in part, or in another form", partly),
        )
        if paths
    ]


def _named(paths: Iterable[str], every: Iterable[str]) -> str:
    """Return paths in words, those of one owner together: victims (name, sector)."""
    wanted = _owned(paths)
    whole = _owned(every)
    return "; ".join(
        owner if inner == whole[owner] else f"{owner} ({', '.join(inner)})"
        for owner, inner in wanted.items()
    )


def _owned(paths: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in paths:
        owner, inner = _in_words(path)
        found.setdefault(owner, []).append(inner)
    return found


@lru_cache(maxsize=1024)
def _in_words(path: str) -> tuple[str, str]:
    """Return whose field it is, and which."""
    owner, _, inner = path.replace("[]", "").replace("_", " ").partition(".")
    return owner, inner.replace(".", " ")
