"""HTTP in: a table of operations, and the gate that every request passes."""
