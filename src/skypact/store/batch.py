"""Many writes, one transaction: the same synchronous function for both databases.

Law: a write is answered only after the commit that holds it; a write that fails takes nothing of another with
it; what of the region's counters a failed write drew is given back. The order is always the same: lock the
region's row, run each work, write leaves and counters, commit. What a failed work changed is undone: several
works are first run without savepoints, as most change nothing before they fail; if one did, all of them are
run again, each behind a savepoint.

How it can end, for the caller of :func:`transact`:

=====================  ====================================================================================
returns                committed (or there was nothing to commit); a value or an error for each work
raises Retry           nothing is committed and running it again may help: serialization failure, deadlock,
                       lock not had in time, connection lost before COMMIT
raises Uncertain       COMMIT was sent and no answer came: it may hold or not, and nobody here can know
raises anything else   nothing is committed, and it is not known whose fault it is; run each work alone
=====================  ====================================================================================
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from skypact.errors import SkypactError
from skypact.store.schema import region
from skypact.store.tx import CHANGED, Counters, Draft, Tx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection, RootTransaction

    from skypact.store.alive import Alive

    Work = Callable[[Tx], Any]


class Faults(Protocol):
    """A seam for crash tests: told at each point of a transaction; may raise there, or end the process.

    The points, in order: ``begun`` (the region is locked), ``ran`` (every work has run), ``flushed`` (leaves
    and counters are written), ``commit`` (the next thing is COMMIT), ``committed`` (COMMIT was answered, the
    callers were not). What is raised up to ``flushed`` is a failure before COMMIT; at ``commit``, one that
    did not persist; at ``committed``, one that did. An :class:`OSError` counts as a lost connection.
    """

    def at(self, point: str) -> None:
        """The transaction is at this point."""


class Retry(Exception):  # noqa: N818 -- an instruction, not a fault
    """Nothing was committed; the same again may succeed."""


class Uncertain(Exception):  # noqa: N818 -- a state of knowledge
    """COMMIT was sent and not answered."""

    def __init__(self, cause: BaseException) -> None:
        self.cause = cause
        super().__init__(str(cause))


class Failed:
    """The error that a work raised, as its result."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error


_SELECT_REGION = select(region).where(region.c.one == 1)
_LOCK_REGION = _SELECT_REGION.with_for_update()

_TRANSIENT_STATES: Final = frozenset(
    {
        "40001",  # serialization_failure
        "40P01",  # deadlock_detected
        "55P03",  # lock_not_available
        "57P01",  # admin_shutdown
        "57P02",  # crash_shutdown
        "57P03",  # cannot_connect_now
        "25P03",  # idle_in_transaction_session_timeout
    }
)
_TRANSIENT_CLASSES: Final = frozenset({"08", "53", "58"})
"""Of SQLSTATE: connection exceptions, insufficient resources, system errors."""
_TRANSIENT_CODES: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)
_PASSING = (Retry, OSError, TimeoutError, EOFError)


def transient(error: BaseException) -> bool:
    """Whether the same again, on a fresh connection, may succeed."""
    if isinstance(error, _PASSING):
        return True
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        if error.orig is None:
            return False
        return transient(error.orig) or (error.orig.__cause__ is not None and transient(error.orig.__cause__))
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", None)
        return code is not None and code & 0xFF in _TRANSIENT_CODES
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        return state in _TRANSIENT_STATES or state[:2] in _TRANSIENT_CLASSES
    if not type(error).__module__.startswith("asyncpg"):
        return False
    # the driver's own state after the server has ended a session in the middle of a statement
    return "connection" in str(error) or "cannot switch to state" in str(error)


def counters(connection: Connection, *, lock: bool = False) -> Counters:
    """The region's row; ``lock`` makes this transaction the one writer until it ends."""
    row = connection.execute(_LOCK_REGION if lock else _SELECT_REGION).one()
    return Counters(row.id, row.seq, row.leaves, row.messages, row.notifications, row.stamp)


def reading(connection: Connection, work: Work, alive: Alive) -> Any:
    """Run one work on a consistent view that cannot be written to."""
    began_s = time.monotonic()  # before the first statement, with which the view begins
    return work(Tx(connection, counters(connection), None, alive, began_s=began_s))


def transact(connection: Connection, works: Sequence[Work], faults: Faults | None, alive: Alive) -> list[Any]:
    """Run works in one transaction and commit; a result, or :class:`Failed`, for each in order."""
    if len(works) > 1:
        with contextlib.suppress(_Spoilt):
            return _transact(connection, works, faults, alive, guarded=False)
    return _transact(connection, works, faults, alive, guarded=len(works) > 1)


class _Spoilt(Exception):  # noqa: N818 -- an instruction, not a fault
    """A work failed after it had changed something, and there is no savepoint."""


def _transact(
    connection: Connection, works: Sequence[Work], faults: Faults | None, alive: Alive, *, guarded: bool
) -> list[Any]:
    transaction = connection.begin()
    connection.info[_COMMITTING] = False
    try:
        draft = Draft(connection, counters(connection, lock=True), alive, guarded=guarded)
        _tell(faults, "begun")
        results = _run(connection, draft, works)
        _tell(faults, "ran")
        if all(isinstance(result, Failed) for result in results):
            transaction.rollback()
            return results
        try:
            draft.flush()
        except Exception as error:
            if transient(error):
                raise
            raise DBAPIError("what a transaction leaves to its end", None, error) from error
        _tell(faults, "flushed")
    except BaseException as error:
        _undo(connection)
        if transient(error):
            raise Retry(str(error)) from error
        raise
    connection.info[_COMMITTING] = True
    try:
        _tell(faults, "commit")
        transaction.commit()
        _tell(faults, "committed")
    except Exception as error:
        _undo(connection)
        if _surely_not_committed(error):
            raise Retry(str(error)) from error
        raise Uncertain(error) from error
    finally:
        connection.info[_COMMITTING] = False
    alive.committed(draft.before, draft.counters.stand, draft.anchor, draft.drafted)
    return results


def refuse_foreign_commit(connection: Connection) -> None:
    """For SQLAlchemy's ``commit`` event: only :func:`transact` commits.

    Raises
    ------
    RuntimeError
        A work tried to.
    """
    if not connection.info.get(_COMMITTING, False):
        raise RuntimeError("work must not commit: the store commits once for all that wait")


def note_change(
    connection: Connection, _cursor: object, statement: str, _values: object, _context: object, _many: object
) -> None:
    """For SQLAlchemy's ``before_cursor_execute`` event: what is no SELECT may change something."""
    if not statement.startswith("SELECT"):
        connection.info[CHANGED] = True


@contextlib.contextmanager
def allow_commit(connection: Connection) -> Iterator[None]:
    """Within, the connection may commit: for those who make the tables, not for works."""
    connection.info[_COMMITTING] = True
    try:
        yield
    finally:
        connection.info[_COMMITTING] = False


_COMMITTING: Final = "skypact-committing"


def _run(connection: Connection, draft: Draft, works: Sequence[Work]) -> list[Any]:
    transaction = connection.get_transaction()
    savepoint = _Savepoint(draft) if draft.guarded else None
    results: list[Any] = []
    for work in works:
        if savepoint is not None:
            savepoint.set()
        mark = draft.mark()
        draft.counters.seq += 1
        try:
            results.append(work(Tx(connection, draft.counters, draft, draft.alive)))
        except Exception as error:
            if transient(error):
                raise
            if savepoint is not None:
                savepoint.back()
            elif len(works) > 1 and not (isinstance(error, SkypactError) and draft.untouched):
                _demand_inside(connection, transaction)
                raise _Spoilt from error
            draft.back(mark)
            results.append(Failed(error))
        _demand_inside(connection, transaction)
    return results


def _demand_inside(connection: Connection, transaction: RootTransaction | None) -> None:
    """Refuse to go on after a work that ended the transaction, or left a savepoint of its own."""
    now = connection.get_transaction()
    if now is None or now is not transaction or not now.is_active or connection.in_nested_transaction():
        raise RuntimeError("work left the transaction, or a savepoint of its own, behind")


class _Savepoint:
    """One savepoint, moved along; on PostgreSQL each move is one round trip."""

    def __init__(self, draft: Draft) -> None:
        self._dbapi = draft.driver
        self._remote = draft.remote
        self._is_set = False
        self._is_fresh = False

    def set(self) -> None:
        """From here on, :meth:`back` comes back to here."""
        if self._is_fresh:  # it was just gone back to; nothing has happened since
            self._is_fresh = False
            return
        if self._is_set:
            self._execute("RELEASE SAVEPOINT work", "SAVEPOINT work")
        else:
            self._execute("SAVEPOINT work")
            self._is_set = True

    def back(self) -> None:
        """Undo what came after :meth:`set`."""
        self._execute("ROLLBACK TO SAVEPOINT work")
        self._is_fresh = True

    def _execute(self, *statements: str) -> None:
        if self._remote:
            text = "; ".join(statements)
            self._dbapi.run_async(lambda driver: driver.execute(text))
        else:
            for statement in statements:
                self._dbapi.execute(statement)


def _tell(faults: Faults | None, point: str) -> None:
    if faults is not None:
        faults.at(point)


def _undo(connection: Connection) -> None:
    """Roll back; a connection that cannot even do that is not used again."""
    try:
        connection.rollback()
    except Exception:  # noqa: BLE001 -- the first error is the one that is told
        connection.invalidate()


def _surely_not_committed(error: BaseException) -> bool:
    """Whether the database itself answered COMMIT with a failure that may pass."""
    inner = error.orig if isinstance(error, DBAPIError) else error
    inner = getattr(inner, "__cause__", None) or inner
    state = getattr(inner, "sqlstate", None)
    if isinstance(state, str):
        return state.startswith("40") and state != "40003"
    code = getattr(inner, "sqlite_errorcode", None)
    # a full disk is met when the log is written, before its last frame, the one that commits
    return code is not None and code & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL}
