"""Redact: an incident + a profile -> only what one recipient may see, and a ledger."""

from broker.redact.plan import Plan, compile_plan
from broker.redact.project import project

__all__ = ["Plan", "compile_plan", "project"]
