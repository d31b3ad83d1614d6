"""The log: one JSON object a line, on standard error.

Law: a line has ``at``, ``level``, ``logger``, ``message``, and ``correlation`` where it is about a request;
further members are what the code that wrote it named. **No secret is in it**: what looks like a signed
token, a secret key or the password of a URL is cut out of every text of a line, whoever put it there,
tracebacks included.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Any, Final

import msgspec

from skypact.instants import format_instant
from skypact.server.operation import CORRELATION

if TYPE_CHECKING:
    from typing import TextIO

_SECRET: Final = re.compile(
    r"eyJ[\w-]{4,}\.[\w-]+(?:\.[\w-]*)?"  # a JSON Web Token
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?<=://)[^/\s:@]*:[^/\s@]*(?=@)"  # user:password@
    r"|(?i:(?<=bearer )|(?<=basic ))[\w.~+/=-]{8,}",
    re.ASCII | re.DOTALL,
)
_MARKS: Final = ("eyj", "private key", "://", "bearer ", "basic ")
"""Without any of these there is nothing to cut out, and looking for them costs a tenth."""
_OWN: Final = frozenset(
    (
        *logging.LogRecord("", 0, "", 0, "", None, None).__dict__,
        "message",
        "asctime",
        "taskName",
        "color_message",
    )
)
_LEVELS: Final = {
    "WARNING": "warning",
    "INFO": "info",
    "ERROR": "error",
    "DEBUG": "debug",
    "CRITICAL": "critical",
}


def redacted(text: str) -> str:
    """The text without what must stay secret."""
    small = text.lower()
    if any(mark in small for mark in _MARKS):
        return _SECRET.sub("[secret]", text)
    return text


class JsonLines(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, Any] = {
            "at": format_instant(int(record.created * 1_000_000)),
            "level": _LEVELS.get(record.levelname, record.levelname),
            "logger": record.name,
            "message": record.getMessage(),
        }
        correlation = CORRELATION.get()
        if correlation:
            line["correlation"] = correlation
        line.update((name, value) for name, value in record.__dict__.items() if name not in _OWN)
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        try:
            text = msgspec.json.encode(line, enc_hook=str).decode()
        except (TypeError, ValueError, UnicodeEncodeError, RecursionError):
            plain = {name: ascii(value) for name, value in line.items()}
            text = msgspec.json.encode(plain).decode()
        return redacted(text)


def set_up(level: str, stream: TextIO | None = None) -> None:
    """Send everything that is logged in this process to one stream, from this level on."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    # what libraries say of their everyday work, URLs with queries among it, is not the node's log
    for name in ("httpcore", "httpx", "asyncio", "numba", "alembic", "sqlalchemy", "uvicorn"):
        logging.getLogger(name).setLevel(logging.WARNING)
