"""Every call that goes out: to peers, to the DSS, for keys."""
