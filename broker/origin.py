"""Which field of an incident a thing at a recipient was made of.

The incident as it was read again + an agreement -> UUIDs at the recipient, each with a
path such as ``observables[2]``.

What a recipient gets has ids that only the recipient's secret namespace, the incident
and the redacted value determine. So nothing needs to be remembered: each item is
redacted once more, alone, and its id computed. Pure.

Invariant: a path holds names and numbers, never a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from broker import redact
from broker.convert.ids import Ids
from broker.keys import Keys
from broker.model.sharing import NO_HISTORY
from broker.pipeline import Received
from broker.release import again
from broker.rulebook import Rulebook

# The last twelve digits of a UUID count what belongs to one thing: an object, its
# attributes (see `broker.render.misp_object`).
_HEAD: Final = 24
_NUMBERED: Final = ("victims", "suspects", "affected_systems", "evidence")
_OBSERVABLES: Final = "observables"
_LOSS: Final = "financial_loss"
_WHOLE: Final = ("report", "incident", "summary")


@dataclass(frozen=True, slots=True)
class Origins:
    """Where in the incident everything at one recipient comes from."""

    paths: Mapping[str, str]

    def of(self, about: str) -> str | None:
        """Return the path of a thing; empty for the whole case, None if unknown."""
        return self.paths.get(about[:_HEAD])


def origins(
    received: Received,
    agreement: str,
    *,
    rulebook: Rulebook,
    keys: Keys,
    now: datetime,
) -> Origins | None:
    """Return where everything comes from that an agreement's recipient may have.

    Returns nothing when the rulebook has no such agreement any more.

    Raises:
        RedactionError: the incident has something that the profile does not know.
    """
    route = next(
        (one for one in rulebook.routes if one.agreement.agreement == agreement), None
    )
    share = again(
        received, agreement, rulebook=rulebook, keys=keys, history=NO_HISTORY, now=now
    )
    if route is None or share is None:
        return None
    incident, key = received.incident, keys.recipients[route.recipient.recipient]
    withheld = share.decision.withheld_items
    fields = redact.fields_of(incident)
    ids = Ids(key.ids, incident.uid)
    paths = {ids.uuid(role)[:_HEAD]: "" for role in _WHOLE}
    paths[ids.uuid(_LOSS)[:_HEAD]] = _LOSS
    for name in (_OBSERVABLES, *_NUMBERED):
        number = 0
        for index, item in enumerate(fields.get(name) or ()):
            alone = {**fields, name: [item]}
            view = redact.project(incident, route.plan, key, alone, withheld).view
            for seen in view.get(name, ()):
                number += 1
                role = f"{name}/{number}"
                if name == _OBSERVABLES:
                    role = f"{seen['kind']}/{seen['value']}"
                head, path = ids.uuid(role)[:_HEAD], f"{name}[{index}]"
                # Two values that read alike when redacted are one thing there.
                known = paths.get(head)
                paths[head] = f"{known}, {path}" if known else path
    return Origins(paths)
