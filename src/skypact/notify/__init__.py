"""Filings and their life cycles: pure rules."""
