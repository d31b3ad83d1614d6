"""The composition root: configuration, and what starts everything."""
