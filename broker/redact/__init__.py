"""Redact: an incident + a profile -> only what one recipient may see, and a ledger."""

from broker.redact.plan import Plan, compile_plan
from broker.redact.project import Fields, fields_of, project

__all__ = ["Fields", "Plan", "compile_plan", "fields_of", "project"]
