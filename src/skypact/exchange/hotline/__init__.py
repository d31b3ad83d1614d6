"""The hotline: messages, the table that allows them, the thread that they make, and what is due.

Law: pure rules. A thread is derived from its messages alone; what is due is derived from the thread, the pact
and the instant. So a restart loses nothing, and an incident replays exactly. Acknowledged is not agreed, not
permission, not a guarantee; not listed is not unprotected.

``messages`` has what is said, ``table`` who may say what in answer to what, ``thread`` what follows from it,
``readback`` how far apart two positions are, ``timers`` what is due and whom to call, ``clocks`` how far two
clocks are apart, ``calls`` the two records of one call, ``numbers`` what of a sender's messages is missing.

Known limits: storage and delivery are the business of the floors above; whoever holds a key can sign with an
instant of the past, which only the record shows.
"""
