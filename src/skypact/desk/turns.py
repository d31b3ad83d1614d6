"""Taking turns: who works on one thing in this process waits for who was there before.

Law: this orders the tasks of one process, and only that; what other processes do is settled by the store. A
lock lives for as long as somebody holds it or waits for it, and no longer.
"""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

Name = TypeVar("Name", bytes, str)


class Turns(Generic[Name]):
    """A lock for each name that is worked on."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[Name, asyncio.Lock] = WeakValueDictionary()

    def __len__(self) -> int:
        """How many names are held or waited for."""
        return len(self._locks)

    def of(self, name: Name) -> asyncio.Lock:
        """The lock of this name."""
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = asyncio.Lock()
        return lock
