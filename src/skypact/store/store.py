"""The store: what is written holds, in one order, for everybody.

Law: ``write`` returns when the disk has it. Writes of the whole region, of whatever process, are in one total
order, and each sees all that were committed before it; ``read`` sees one consistent state, at least as new as
every write that was answered before it began, and neither waits for writers nor makes them wait.

How it works. Writes queue; one transaction runs all that wait (at most :data:`BATCH`), each undone alone if
it fails, and one commit answers them all, so that many clients share one ``fsync``. While it runs, the next
ones gather. ``docs/decisions/0008`` and ``0009`` say why; ``docs/store.md`` says what it costs.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from sqlalchemy.exc import DBAPIError

from skypact.errors import InputError, Reason, Refused
from skypact.store import upgrade as upgrades
from skypact.store.alive import Alive
from skypact.store.batch import Failed, Uncertain, reading, transact, transient
from skypact.store.databases import NotDurable, connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from skypact.store.batch import Faults
    from skypact.store.databases import Database
    from skypact.store.tx import Tx

T = TypeVar("T")

BATCH: Final = 64
"""The most writes that share a commit; more would make those in other processes wait."""
PATIENCE_S: Final = 5.0
"""For how long after its first failure a transaction that may succeed is begun again."""
_PAUSE_S: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64)
"""Before each try again; the last one from then on."""


@dataclass(slots=True)
class Figures:
    """What the store has done since it was opened."""

    writes: int = 0
    """Works that were run to an answer."""
    commits: int = 0
    """Transactions that were committed."""
    retries: int = 0
    """Transactions that were run again."""
    reads: int = 0


@dataclass(slots=True, eq=False)
class _Job:
    work: Callable[[Tx], Any]
    answer: asyncio.Future[Any]


class Store:
    """A database, opened. It belongs to the event loop that opened it."""

    def __init__(self, database: Database, faults: Faults | None) -> None:
        self._database = database
        self._faults = faults
        self._alive = Alive()
        self._waiting: deque[_Job] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._reads = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._closed = False
        self._fault = ""
        self.figures = Figures()

    @classmethod
    async def open(cls, url: str, *, upgrade: bool = False, faults: Faults | None = None) -> Store:
        """Open the database at ``sqlite:////absolute/path.db`` or ``postgresql://user:password@host/database``.

        Parameters
        ----------
        upgrade
            Make the tables of a new database, and bring an older one up to this version.
        faults
            For crash tests only.

        Raises
        ------
        InputError
            The URL is not one, a setting of the database would lose what was answered, or its tables are not
            of this version; the text says what to mend.
        Refused
            UNAVAILABLE: the database cannot be reached now.
        """
        database = await connect(url, create=upgrade)
        try:
            if upgrade:
                await database.write(upgrades.upgrade)
            await database.read(partial(upgrades.demand, name=database.name))
        except DBAPIError as error:
            await database.close()
            if transient(error):
                raise _unavailable(error) from error
            raise InputError(
                "the database cannot be used", where="store.url", found=_clause(error)
            ) from error
        except BaseException:
            await database.close()
            raise
        return cls(database, faults)

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._database.name

    @property
    def waiting(self) -> int:
        """How many writes wait for their turn."""
        return len(self._waiting)

    @property
    def fault(self) -> str:
        """Why nothing is written any more, in one clause; empty while all is well."""
        return self._fault

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Run ``work`` and commit; returns what it returned, once that is durable.

        An exception of ``work`` is raised here, and of what it did nothing stays. ``work`` may be run more
        than once before it is committed once; it must have no effect but through its ``Tx``. A caller that is
        cancelled does not know whether its write was done.

        Raises
        ------
        Refused
            UNAVAILABLE: it was not done (the database is busy, unreachable, or the store is closed); or, when
            the text says that it may hold, the answer to COMMIT was lost.
        """
        if self._closed or self._fault:
            raise Refused(Reason.UNAVAILABLE, self._fault or "the store is closed")
        job = _Job(work, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all(), name="skypact-store-writer")
        return cast("T", await job.answer)

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Run ``work`` on one consistent state; nothing can be written.

        Raises
        ------
        Refused
            UNAVAILABLE: the database cannot be read now, or the store is closed.
        """
        if self._closed:
            raise Refused(Reason.UNAVAILABLE, "the store is closed")
        self._reads += 1
        self._quiet.clear()
        try:
            patience = _Patience()
            while True:
                try:
                    result = await self._database.read(partial(reading, work=work, alive=self._alive))
                except NotDurable as error:
                    raise Refused(Reason.UNAVAILABLE, str(error)) from error
                except Exception as error:
                    if not transient(error):
                        raise
                    if not await patience.left():
                        raise _unavailable(error) from error
                else:
                    self.figures.reads += 1
                    return cast("T", result)
        finally:
            self._reads -= 1
            if not self._reads:
                self._quiet.set()

    async def close(self) -> None:
        """Take nothing new, finish what waits and runs, and let go of the database. May be called twice."""
        self._closed = True
        while self._writer is not None:
            await asyncio.wait([self._writer])
        await self._quiet.wait()
        await self._database.close()

    async def _write_all(self) -> None:
        jobs: list[_Job] = []
        try:
            while self._waiting:
                jobs = []
                while self._waiting and len(jobs) < BATCH:
                    job = self._waiting.popleft()
                    if not job.answer.done():  # its caller has not been cancelled meanwhile
                        jobs.append(job)
                if jobs:
                    await self._commit(jobs)
        except BaseException as error:
            # only the end of the event loop or a fault of ours comes here; nobody is left to wait forever
            for job in (*jobs, *self._waiting):
                _fail(job, _unavailable(error))
            self._waiting.clear()
            raise
        finally:
            self._writer = None

    async def _commit(self, jobs: list[_Job]) -> None:
        """Answer these jobs; together if that is possible, else one by one."""
        if self._fault:
            self._refuse(jobs, Refused(Reason.UNAVAILABLE, self._fault))
            return
        works = [job.work for job in jobs]
        patience = _Patience()
        while True:
            try:
                results = await self._database.write(
                    lambda connection: transact(connection, works, self._faults, self._alive)
                )
            except Exception as error:  # noqa: BLE001 -- each is told to the callers
                if transient(error) and await patience.left():
                    self.figures.retries += 1
                    continue
                if (
                    len(jobs) > 1
                    and not isinstance(error, Uncertain | Refused | NotDurable)
                    and not transient(error)
                ):
                    for job in jobs:  # somebody in here breaks the others; alone, each gets its own answer
                        await self._commit([job])
                    return
                self._refuse(jobs, error)
                return
            self.figures.writes += len(jobs)
            self.figures.commits += 1
            for job, result in zip(jobs, results, strict=True):
                if isinstance(result, Failed):
                    _fail(job, result.error)
                elif not job.answer.done():
                    job.answer.set_result(result)
            return

    def _refuse(self, jobs: list[_Job], error: Exception) -> None:
        answer: Exception = error
        if isinstance(error, Uncertain):
            answer = Refused(
                Reason.UNAVAILABLE,
                "the answer to COMMIT was lost: the write may hold; ask before doing it again",
                found=_clause(error.cause),
            )
            if self.dialect == "sqlite":
                # the kernel may have dropped pages that it could not write: what this process sees is no
                # longer what the disk has, until the log is read anew
                self._fault = f"the disk failed at a commit ({_clause(error.cause)}); restart to recover"
        elif isinstance(error, NotDurable):
            answer = Refused(Reason.UNAVAILABLE, str(error))
        elif transient(error):
            answer = _unavailable(error)
        for job in jobs:
            _fail(job, answer)


def _fail(job: _Job, error: Exception) -> None:
    if job.answer.done():
        return
    if isinstance(error, StopIteration):  # a future cannot carry it
        error = RuntimeError("work raised StopIteration")
    job.answer.set_exception(error)


def _unavailable(error: BaseException) -> Refused:
    return Refused(
        Reason.UNAVAILABLE, "the database cannot be used now; nothing was done", found=_clause(error)
    )


def _clause(error: BaseException) -> str:
    if isinstance(error, DBAPIError) and error.orig is not None:
        return str(error.orig)
    return str(error) or type(error).__name__


class _Patience:
    """Pauses between tries, longer and longer, and never in step with another process."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._pauses = 0

    async def left(self) -> bool:
        """Pause; False, at once, when this long has gone since the first failure."""
        now_s = asyncio.get_running_loop().time()
        if self._began is None:  # a first try may have run for long before it failed
            self._began = now_s
        if now_s - self._began > PATIENCE_S:
            return False
        pause = _PAUSE_S[min(self._pauses, len(_PAUSE_S) - 1)]
        self._pauses += 1
        await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311 -- no secret
        return True
