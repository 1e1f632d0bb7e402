"""The guard: the last look at the exact bytes, by code that trusts none before it."""

from broker.guard.inspect import Guard, Known, compile_guard, inspect

__all__ = ["Guard", "Known", "compile_guard", "inspect"]
