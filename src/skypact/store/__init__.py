"""What is kept, and how surely: state, ledger and outgoing messages in one transaction, on either database.

The front door: :class:`Store` opens a database, :class:`Tx` is what a piece of work gets. ``schema.py`` has
the tables; the SQL of each role is in a module of its own, as functions that take a :class:`Tx`.
"""

from skypact.store.batch import Faults
from skypact.store.store import Store
from skypact.store.tx import LAST_INDEX, Tx

__all__ = ["LAST_INDEX", "Faults", "Store", "Tx"]
