"""What libraries log, as JSON lines of our form. Their messages are made of data (an exception's text, a statement's parameters), so
a message is shown only where it stands word for word in the source that logged it; else its place alone."""

from __future__ import annotations

import linecache
import logging
import os
import sys
import threading
from types import TracebackType

import structlog

from service.logs import place

LIBRARIES = ("uvicorn", "uvicorn.error", "uvicorn.access", "alembic", "sqlalchemy", "asyncio", "concurrent.futures", "py.warnings")
"""Loggers of which some bring handlers of their own; all are handed to the root's one handler."""
CHATTY = ("httpx", "httpcore", "uvicorn", "uvicorn.error", "alembic.runtime.migration")
"""Loggers that say a line a request, a start or a look at the schema at INFO."""
SHORTEST = 8
"""A shorter message may stand in the source by chance."""


def own_words(record: logging.LogRecord) -> str | None:
    """The record's message before anything was put into it, where it is a text of the library's source; None where it is not."""
    template = record.msg
    if not isinstance(template, str) or len(template) < SHORTEST or "\n" in template:
        return None
    source = "".join(linecache.getlines(record.pathname))
    return template if any(f"{quote}{template}{quote}" in source for quote in "\"'") else None


class JsonLines(logging.Handler):
    """Writes a record of a library as a structured line: logger, level, place, own words, an exception's type and place."""

    def __init__(self) -> None:
        super().__init__()
        self._log = structlog.get_logger()

    def emit(self, record: logging.LogRecord) -> None:
        fields = {"logger": record.name, "place": f"{os.path.basename(record.pathname)}:{record.lineno}"}
        if record.exc_info and record.exc_info[1] is not None:
            fields["error"] = place(record.exc_info[1])
        workflow = getattr(record, "operationUUID", None)
        if isinstance(workflow, str):  # DBOS puts the workflow's id on its records
            fields["workflow_id"] = workflow
        level = next(n for n in (logging.CRITICAL, logging.ERROR, logging.WARNING, logging.INFO, 0) if record.levelno >= n) or logging.DEBUG
        self._log.log(level, own_words(record) or "library message", **fields)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, the base class would print the record's arguments
        sys.stderr.write('{"event": "a log line could not be written", "level": "error"}\n')


def take_over(level: str) -> None:
    """Route every library's records and every uncaught exception through one JSON handler."""
    root = logging.getLogger()
    root.handlers = [JsonLines()]
    root.setLevel(max(logging.getLevelNamesMapping().get(level.upper(), logging.INFO), logging.INFO))  # DEBUG of libraries is their data
    for name in LIBRARIES:
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = name != "uvicorn.access"  # a request has its line already, without its query
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    dbos = logging.getLogger("dbos")  # it puts up a console handler of its own unless it finds one
    dbos.handlers, dbos.propagate = [JsonLines()], False
    logging.captureWarnings(True)
    threading.excepthook = lambda failed: _uncaught(failed.exc_value, f"thread {failed.thread.name if failed.thread else '?'}")
    sys.unraisablehook = lambda failed: _uncaught(failed.exc_value, "unraisable")
    sys.excepthook = _died


def _died(_: type[BaseException], error: BaseException, __: TracebackType | None) -> None:
    if not isinstance(error, KeyboardInterrupt):
        _uncaught(error, "main")


def _uncaught(error: BaseException | None, where: str) -> None:
    structlog.get_logger().error("uncaught exception", where=where, error=place(error) if error else "unknown")
