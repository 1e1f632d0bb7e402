"""Galaxies of a MISP event: who is said to be behind it, and with which malware.

MISP's galaxy clusters -> names of threat actors and of families of malware.

Invariants: a cluster that stays at the sender, by being local or by its distribution,
is left behind; of what is no actor and no malware (techniques, countries, sectors),
nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from broker.intake import misp_fields as fields
from broker.intake.draft import too_many
from broker.intake.misp_fields import Json
from broker.intake.misp_parts import LONGEST_LINE, Frame, Reading
from broker.intake.values import normal
from broker.model.incident import Observable, Role
from broker.model.intake import MOST_ITEMS
from broker.model.mapping import ObservableKind

# The tags that say the same as the galaxies, which say more.
GALAXY: Final = "misp-galaxy:"
# Types of galaxies in misp-galaxy, and the kind of observable that their clusters name.
_ACTORS: Final = (
    "threat-actor microsoft-activity-group mitre-intrusion-set "
    "mitre-enterprise-attack-intrusion-set 360net-threat-actor malpedia-actor"
)
_MALWARE: Final = (
    "ransomware banker botnet rat stealer backdoor malpedia mitre-malware "
    "mitre-enterprise-attack-malware mitre-mobile-attack-malware cryptominers "
    "exploit-kit android"
)
KINDS: Final = {
    **dict.fromkeys(_ACTORS.split(), "threat-actor"),
    **dict.fromkeys(_MALWARE.split(), "malware-family"),
}
# MITRE's clusters end in their number: "Emotet - S0367".
_NUMBER: Final = re.compile(r" - [GS][0-9]{4}$")


def take_galaxies(
    reading: Reading,
    event: Json,
    path: str,
    frame: Frame,
    kinds: Mapping[str, ObservableKind],
) -> None:
    """Take the clusters of an event as observables of whoever attacked.

    Raises:
        IntakeError: they are not built as MISP builds them, or are too many.
    """
    seen = set(reading.observables)
    for number, galaxy in enumerate(fields.items(event, "Galaxy", path)):
        place = f"{path}.Galaxy[{number}]"
        clusters = fields.items(galaxy, "GalaxyCluster", place)
        if not clusters:
            reading.left.note(place, "without a cluster")
        for at, cluster in enumerate(clusters):
            where = f"{place}.GalaxyCluster[{at}]"
            made = _observable(reading, cluster, where, frame, kinds)
            if made is not None and made not in seen:
                seen.add(made)
                if len(seen) > MOST_ITEMS:
                    raise too_many(where)
                reading.observables.append(made)


def _observable(
    reading: Reading,
    cluster: Json,
    path: str,
    frame: Frame,
    kinds: Mapping[str, ObservableKind],
) -> Observable | None:
    """Return what a cluster names, or note why it is not taken."""
    kind = KINDS.get(fields.text(cluster, "type", path), "")
    row = kinds.get(kind)
    if row is None:
        reading.left.note(path, "names neither an actor nor malware")
        return None
    inner = frame.within(cluster, path)
    if isinstance(inner, str) or fields.flag(cluster, "local"):
        why = inner if isinstance(inner, str) else "local to the sender"
        reading.left.note(path, why)
        return None
    name = _NUMBER.sub("", fields.text(cluster, "value", path))
    value = normal(name, row) if 0 < len(name) <= LONGEST_LINE else None
    if value is None or "\0" in value:
        reading.left.note(path, f"its value is not of the kind {kind}")
        return None
    return Observable(kind=kind, value=value, role=Role.ATTACKER)
