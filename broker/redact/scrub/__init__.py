"""Scrub free text: what is withheld elsewhere, and what looks like personal data."""

from broker.redact.scrub.scrubber import Scrubber, placeholder
from broker.redact.scrub.withheld import Hidden

__all__ = ["Hidden", "Scrubber", "placeholder"]
