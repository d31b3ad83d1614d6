"""How kernels are compiled: one decorator, one way to use two cores.

Law: every numba kernel of Skypact is made by :func:`kernel`, so that all of them release the interpreter
lock (``nogil``), are cached on disk and are safe from two threads: a kernel writes only into arrays that
its caller gave it for its own part of the work. numba's own parallel loops are not used, because their
default threading layer ends the process when two threads enter it at once.

numba's cache on disk looks at the source file of a kernel alone, and would go on using machine code whose
*called* functions in other files have changed. Cached code is therefore stamped with the text of all sources
that kernels live in (:data:`SOURCES`); any edit makes it anew.

The first compile takes seconds. :func:`on_compile` lets a front end say so while it happens.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

_UNUSED: Final = tuple(name for name in ("cffi", "coverage") if name not in sys.modules)
"""What numba imports where it is there, and Skypact has no use for: a tenth of a second of every command."""
for _name in _UNUSED:
    sys.modules[_name] = cast("ModuleType", None)  # an import of it fails, which numba expects
try:
    import numba
    import numba.core.typing.cffi_utils
finally:
    for _name in _UNUSED:
        del sys.modules[_name]

if TYPE_CHECKING:
    from types import ModuleType

Function = TypeVar("Function", bound=Callable[..., Any])

_listeners: list[Callable[[str], None]] = []

THREADS: Final = max(
    1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
)
"""How many threads kernels are spread over: the processors this process may use."""


def _stamp() -> str:
    text = hashlib.blake2b(digest_size=16)
    package = Path(__file__).parent.parent
    for folder in ("airspace", "check"):
        for path in sorted((package / folder).glob("*.py")):
            text.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return text.hexdigest()


SOURCES: Final = _stamp()
"""A digest of all sources that kernels live in: a few milliseconds, and no stale verdict."""


def _stamped(dispatcher: Any) -> Any:
    """The compiled function, its cache bound to all sources; as it is where numba compiles nothing."""
    cache = getattr(dispatcher, "_cache", None)
    if cache is not None:
        cache._cache_file._source_stamp = SOURCES  # noqa: SLF001 -- numba has no public way to say so
    return dispatcher


def kernel(function: Function) -> Function:
    """Compile ``function`` with numba: nopython, ``nogil``, cached on disk, IEEE arithmetic (no fastmath).

    Fast-math is off because it lets the compiler assume that no value is NaN or infinite, and here NaN
    means *not known*.
    """
    return cast("Function", _stamped(numba.njit(cache=True, nogil=True, error_model="numpy")(function)))


def inlined(function: Function) -> Function:
    """Compile a small function that kernels call in their inner loop; inlined by LLVM."""
    compiled = numba.njit(cache=True, nogil=True, error_model="numpy", inline="never")(function)
    return cast("Function", _stamped(compiled))


def on_compile(listener: Callable[[str], None]) -> None:
    """Call ``listener(name)`` when a kernel is about to be compiled because no cached machine code fits."""
    if not _listeners:
        register: Any = numba.core.event.register
        register("numba:compile", _Listener())
    _listeners.append(listener)


class _Listener(numba.core.event.Listener):
    """Passes numba's own compile events on; numba raises them only when the disk cache has no match."""

    def on_start(self, event: Any) -> None:
        """A compile begins."""
        name = event.data["dispatcher"].py_func.__name__
        for listener in _listeners:
            listener(name)

    def on_end(self, event: Any) -> None:
        """A compile ended: nothing to say."""


def spread(task: Callable[[int, int], Any], n: int, *, least: int = 1) -> list[Any]:
    """Run ``task(first, last)`` over ``range(n)`` cut into one run of at least ``least`` for each thread.

    Returns the tasks' results in order. Works only for tasks that spend their time in kernels, and do not
    spread themselves.
    """
    parts = max(1, min(THREADS, n // max(1, least)))
    if parts == 1:
        return [task(0, n)]
    edges = [n * k // parts for k in range(parts + 1)]
    others = [_helpers().submit(task, edges[k], edges[k + 1]) for k in range(1, parts)]
    try:
        mine = task(0, edges[1])
    finally:
        wait(others)  # a task may not outlive the arrays it writes into
    return [mine, *(other.result() for other in others)]


@cache
def _helpers() -> ThreadPoolExecutor:
    """The threads beside the caller's; made once, since making them costs as much as a small join."""
    return ThreadPoolExecutor(max(1, THREADS - 1), "kernel")


if hasattr(os, "register_at_fork"):  # a forked child has none of its parent's threads
    os.register_at_fork(after_in_child=_helpers.cache_clear)
