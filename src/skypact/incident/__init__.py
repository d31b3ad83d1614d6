"""Incidents: what each party says happened, claim beside claim, and what a record can say of it. Pure rules.

``values`` is what a claim can say, ``claims`` how two of them lie to each other, ``entries`` and ``case`` an
incident as it is written and never rewritten, ``sides`` the parties side by side, ``logbook`` a claim beside
what a record holds. Nothing here says who is right.
"""
