"""Logs as JSON lines, without anything about a person.

A line never holds an address, a cookie, a path or a query. Of other libraries, whose
messages may hold any of these, only the place in the code and the kind of the error are
written.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
import traceback
from pathlib import Path

__all__ = ["JsonLines", "event", "start_logs"]

OWN = "eo_helpers"

#: Facts of an event: names that may be written.
FACTS = (
    "route", "method", "status", "seconds", "theme", "insee", "kind", "kept", "sessions", "refused",
)  # fmt: skip


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        own = record.name.split(".")[0] == OWN
        moment = dt.datetime.fromtimestamp(record.created, dt.UTC)
        line: dict[str, object] = {
            "time": moment.isoformat("T", "milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage() if own else f"{record.module}:{record.lineno}",
        }
        for name in FACTS:
            if hasattr(record, name):
                line[name] = getattr(record, name)
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            # Places in the code only: the message of an exception may quote what was asked.
            line["where"] = [
                f"{Path(f.filename).name}:{f.lineno} {f.name}"
                for f in traceback.extract_tb(record.exc_info[2])[-8:]
            ]
        return json.dumps(line, ensure_ascii=False, default=str)


def start_logs(where: str | None) -> None:
    """Send logs there: ``"-"`` for standard error, a file, or None for plain warnings.

    Lines of several processes may share a file: each is appended in one write.
    """
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    if where is None:
        logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
        return
    handler: logging.Handler
    if where == "-":
        handler = logging.StreamHandler(sys.stderr)
    else:
        handler = logging.FileHandler(where, mode="a", encoding="utf-8", delay=True)
    handler.setFormatter(JsonLines())
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger(OWN).setLevel(logging.INFO)


def event(log: logging.Logger, name: str, **facts: object) -> None:
    """One event with its facts (of :data:`FACTS`)."""
    log.info(name, extra=facts)
