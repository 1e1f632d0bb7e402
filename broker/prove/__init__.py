"""Prove what a rulebook can disclose, over every incident there can be.

Rulebooks -> what differs between two of them (`compare`), whether a statement of what
never happens is broken (`never`), and who gets what (`matrix`). Pure; nothing is
sampled.

Each is imported by itself: whoever proves has no use for what compares.
"""
