"""The rulebook as the pipeline uses it: one route per agreement, and the tables."""

from __future__ import annotations

from dataclasses import dataclass

from broker.convert import Frame
from broker.errors import Problem
from broker.guard import Guard
from broker.model.agreement import Agreement, Csirt, Recipient
from broker.model.mapping import Tables
from broker.model.sharing import Wire
from broker.policy import Rules
from broker.redact import Plan
from broker.render import EventFrame
from broker.strict_yaml import Document


@dataclass(frozen=True, slots=True)
class Route:
    """One agreement, prepared for every stage of the path."""

    agreement: Agreement
    recipient: Recipient
    rules: Rules
    plan: Plan
    guard: Guard
    wire: Wire
    frame: Frame
    event_frame: EventFrame
    document: Document  # the agreement's file, for its places


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All agreements and tables at one moment.

    ``digest`` is the SHA-256, in hex, over the name and content of every policy and
    mapping file; it stands in each decision, seal and register entry. ``warnings`` are
    oddities that do no harm.
    """

    digest: str
    csirt: Csirt
    routes: tuple[Route, ...]  # in the order of the agreements' names
    tables: Tables
    warnings: tuple[Problem, ...] = ()
