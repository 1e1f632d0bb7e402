"""Besa shares a CSIRT's incidents with law enforcement, exactly as far as agreed."""

__version__ = "0.1.0"
