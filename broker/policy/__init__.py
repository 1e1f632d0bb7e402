"""Decide: an incident's facts + an agreement's rules -> share, review, withhold."""

from broker.policy.decide import Hearing, Topic, decide
from broker.policy.facts import Facts, Loss, facts_of
from broker.policy.rules import Common, Rules, compile_rules, compile_safeguards

__all__ = [
    "Common",
    "Facts",
    "Hearing",
    "Loss",
    "Rules",
    "Topic",
    "compile_rules",
    "compile_safeguards",
    "decide",
    "facts_of",
]
