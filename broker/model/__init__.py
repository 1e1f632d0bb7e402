"""The nouns: what an incident, an agreement, a decision and an edition are.

Where pydantic models are written, ``from __future__ import annotations`` is not: it
keeps every annotation as a text, which pydantic then compiles and evaluates one by one.
Of the three hundred fields that `besa check` imports this took a twentieth of all
importing.
"""
