"""Besa under random kills for a long time, and the proof that nothing was lost."""
