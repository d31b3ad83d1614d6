"""Skypact: flight-safety deconfliction for parties that share a sky but not a commander."""

__version__ = "0.1.0"
