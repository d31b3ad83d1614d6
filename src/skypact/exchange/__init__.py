"""Coordination with the others: pure rules and tables, no sockets."""
