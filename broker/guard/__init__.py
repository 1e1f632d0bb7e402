"""The guard: the last look at the exact bytes, by code that trusts none before it."""

from broker.guard.inspect import (
    Found,
    Guard,
    Known,
    Look,
    compile_guard,
    inspect,
    inspect_all,
    inspecting,
)

__all__ = [
    "Found",
    "Guard",
    "Known",
    "Look",
    "compile_guard",
    "inspect",
    "inspect_all",
    "inspecting",
]
