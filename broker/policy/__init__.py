"""Decide: an incident's facts + an agreement's rules -> share, review, withhold."""

from broker.policy.decide import Rules, compile_rules, decide
from broker.policy.facts import Facts, Loss, facts_of

__all__ = ["Facts", "Loss", "Rules", "compile_rules", "decide", "facts_of"]
