"""The ledger: salted leaves; pure rules."""
