"""Coarsen a place: to the municipality or region of Kosovo that it names, or a grid.

What is returned is a word of a closed list or two rounded numbers, never a part of what
was written. A place that is not recognised is withheld.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, ClassVar, Final, NamedTuple, Self

from broker.keys import RecipientKey
from broker.model.incident import Shape
from broker.redact.methods.method import Method, OptionError, no_options

# The seven districts, their municipalities, and under which names these are known (Law
# 03/L-041 on administrative municipal boundaries; to be confirmed), as `fold` writes.
_REGIONS: Final = {
    "Prishtina": (
        "Prishtina prishtine pristina", "Drenas gllogoc glogovac", "Fushe Kosove"
        " fushe_kosova kosovo_polje", "Gracanica gracanice", "Lipjan lipljan",
        "Obiliq obilic kastriot", "Podujeva podujeve podujevo",
    ),
    "Mitrovica": (
        "Mitrovica mitrovice kosovska_mitrovica", "Leposaviq leposavic", "Skenderaj"
        " srbica", "Vushtrri vucitrn", "Zubin Potok zubin_potoku", "Zvecan",
    ),
    "Peja": ("Peja peje pec", "Istog istok", "Klina kline"),
    "Gjakova": (
        "Gjakova gjakove dakovica", "Decan decani", "Junik", "Rahovec orahovac",
    ),
    "Prizren": (
        "Prizren prizreni", "Dragash dragas", "Mamusha mamushe mamusa", "Malisheva"
        " malisheve malisevo", "Suhareka suhareke suva_reka theranda",
    ),
    "Ferizaj": (
        "Ferizaj urosevac", "Hani i Elezit hani_elezit elez_han", "Kacanik",
        "Shterpce strpce", "Shtime stimlje",
    ),
    "Gjilan": (
        "Gjilan gnjilane", "Kamenica kamenice dardana", "Kllokot klokot", "Novoberda"
        " novoberde novo_brdo", "Partesh partes", "Ranillug ranilug", "Viti vitina",
    ),
}  # fmt: skip
_LEVELS: Final = ("municipality", "region")
_GRID: Final = re.compile(
    r"\s*([+-]?\d{1,2})(?:\.(\d)\d*)?\s*[,; ]\s*([+-]?\d{1,3})(?:\.(\d)\d*)?\s*",
    re.ASCII,
)


class _Gazetteer(NamedTuple):
    """The places that are known, and how a text is searched for them."""

    fold: Callable[[str], str]
    named: re.Pattern[str]
    places: Mapping[str, tuple[str, str]]  # municipality and region


@cache
def _gazetteer() -> _Gazetteer:
    # Few profiles ask for places, and reading texts takes much to import.
    from broker.redact.scrub.reading import fold

    places = _places(fold)
    # The longest first, so that Kosovska Mitrovica is not only Mitrovica.
    named = r"\b(?:" + "|".join(sorted(places, key=len, reverse=True)) + r")\b"
    return _Gazetteer(fold, re.compile(named), places)


def _places(fold: Callable[[str], str]) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for region, municipalities in _REGIONS.items():
        for entry in municipalities:
            words = entry.split()
            capitals = [w for w in words if w[0].isupper() or w == "i"]
            name = " ".join(capitals)
            for known in (fold(name), *(w.replace("_", " ") for w in words)):
                found[known if known == fold(known) else fold(known)] = (name, region)
    # Of a name of several words, one alone is none.
    for part in ("fushe", "hani", "i", "elezit", "zubin", "potok", "kosove"):
        found.pop(part, None)
    return found


class CoarsenPlace(Method):
    """The recipient learns in which municipality or region, and not where in it."""

    name: ClassVar = "coarsen_place"
    accepts: ClassVar = frozenset({Shape.TEXT})
    returns: ClassVar = Shape.TEXT

    def __init__(self, to: str) -> None:
        self._to = _LEVELS.index(to)

    @classmethod
    def of(cls, options: dict[str, Any]) -> Self:
        """Make it; option ``to``: municipality (usual) or region."""
        to = options.pop("to", _LEVELS[0])
        no_options(cls.name, options)
        if to not in _LEVELS:
            raise OptionError(f"to: must be one of {', '.join(_LEVELS)}")
        _gazetteer()  # read with the profile, and not with the first incident
        return cls(to)

    def apply(self, value: Any, key: RecipientKey) -> str | None:  # noqa: ARG002
        """Return the last municipality that is named, or a grid of about 10 km."""
        grid = _GRID.fullmatch(str(value))
        if grid:
            north, tenth_north, east, tenth_east = grid.groups(default="0")
            return f"{int(north)}.{tenth_north}, {int(east)}.{tenth_east}"
        # Streets are called after towns; the town itself comes after its street.
        known = _gazetteer()
        named = known.named.findall(known.fold(str(value)))
        return known.places[named[-1]][self._to] if named else None

    def kind_after(self, kind: str, shape: Shape) -> str:  # noqa: ARG002
        """What is left of an observable is a plain text."""
        return "text"
