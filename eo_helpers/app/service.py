"""The analysis service: ONE process per server holds the heavy libraries.

Sessions ask it over a local socket, in JSON only. The address and the key are in a
file that only the user can read; its path is given to sessions in EO_HELPERS_SERVICE.

Run with ``python -m eo_helpers.app.service ADDRESS_FILE``; it ends when its standard
input closes, so that it never outlives the server that started it.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import secrets
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing import AuthenticationError
from multiprocessing.connection import (
    Connection,
    Listener,
    answer_challenge,
    deliver_challenge,
)
from pathlib import Path
from typing import Any

from ..errors import EoError, InvalidInput
from ._figures import AnswerFigures
from ._logs import event, start_logs
from .answers import Answers
from .everywhere import Everywhere
from .kept import cached
from .workers import Pool, reply_error, reply_ok

__all__ = ["Service", "main"]

log = logging.getLogger(__name__)

#: A question is short; anything longer is refused unread.
MAX_QUESTION = 16_384

#: Sessions that may be served at the same moment; more wait in the socket's backlog.
MAX_CONNECTIONS = 64

#: Seconds that a connection has to say who it is and what it asks.
HURRY = 10.0


#: Seconds between two looks at whether somebody asks.
PAUSE = 0.5


class Service:
    """Answers sessions until :meth:`close`.

    Parameters
    ----------
    make : callable
        Makes the answers; importable, because each process of the pool calls it.
    address_file : Path
        Where to write the address and the key (readable by the user only).
    processes : int
        Number of analyses that run at the same time.
    timeout : float
        Seconds after which an analysis is stopped.
    """

    def __init__(
        self,
        make: Callable[[], Answers],
        address_file: Path,
        processes: int = 2,
        timeout: float = 180.0,
    ) -> None:
        self.answers = make()
        self.address_file = address_file
        self.pool = Pool(make, processes, timeout)
        self._key = secrets.token_bytes(32)
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        # No authkey here: the handshake would block everyone; each thread does its own.
        if hasattr(socket, "AF_UNIX"):
            self._folder: Path | None = Path(tempfile.mkdtemp(prefix="eo-"))  # mode 0700
            self._listener = Listener(str(self._folder / "service"), "AF_UNIX", backlog=64)
        else:
            self._folder = None
            self._listener = Listener(("127.0.0.1", 0), "AF_INET", backlog=64)
        self._closing = False
        self.figures = AnswerFigures()

    def warm(self) -> None:
        """Open the source and the communes before anyone asks."""
        self.answers.about()

    def prepare(self) -> None:
        """Find the answers of the example communes while nobody asks, one at a time.

        A visitor who comes meanwhile has the other process, and waits for one answer at
        most where both are taken.
        """
        about = json.loads(self.answers.about())
        for example in about["examples"]:
            for theme in about["themes"]:
                params = {"theme": theme["name"], "insee": example["insee"]}
                key = self.answers.bundle_key(**params)
                while not self._closing and not self.pool.idle:
                    time.sleep(PAUSE)
                if self._closing:
                    return
                if cached(key) is None:
                    job = self.pool.join(key, {"method": "bundle", "params": params})
                    job.done.wait()
                    self.pool.leave(key, job)

    def publish(self) -> None:
        """Write the address file: from now on sessions find the service."""
        address = self._listener.address
        family = "AF_UNIX" if isinstance(address, str) else "AF_INET"
        about = {"address": address, "family": family, "key": self._key.hex()}
        part = self.address_file.with_suffix(".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(about, file)
        part.replace(self.address_file)

    def serve(self) -> None:
        """Accept connections until :meth:`close`; each has its own thread."""
        while True:
            self._slots.acquire()
            try:
                connection = self._listener.accept()
            except OSError:
                self._slots.release()
                if self._closing:
                    return
                log.exception("a connection could not be accepted")
                continue
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def close(self) -> None:
        """Stop accepting, end the processes, remove the address."""
        self._closing = True
        self._listener.close()
        self.pool.close()
        self.address_file.unlink(missing_ok=True)
        if self._folder is not None and self._folder.exists():
            (self._folder / "service").unlink(missing_ok=True)
            self._folder.rmdir()

    def _converse(self, connection: Connection) -> None:
        hurry = threading.Timer(HURRY, connection.close)
        hurry.daemon = True
        hurry.start()
        try:
            with connection:
                deliver_challenge(connection, self._key)
                answer_challenge(connection, self._key)
                question = connection.recv_bytes(MAX_QUESTION)
                hurry.cancel()
                connection.send_bytes(self._reply(question, connection))
        except (EOFError, OSError, AuthenticationError, TypeError) as error:
            # The session went away, or never was one of ours. (TypeError: read on a
            # connection that the timer has closed.)
            log.info("a connection ended early: %r", error)
        finally:
            hurry.cancel()
            self._slots.release()

    def _reply(self, raw: bytes, connection: Connection) -> bytes:
        began, method, theme = time.perf_counter(), "unknown", ""
        outcome, was_kept = "answer", False
        try:
            question = _parse(raw)
            method, params = question["method"], question["params"]
            if method == "figures":
                return reply_ok(json.dumps(self.figures.text()).encode())
            if method == "bundle":
                key = self.answers.bundle_key(**params)
                theme = self._theme(params)
                kept = cached(key)
                was_kept = kept is not None
                if kept is not None:
                    return reply_ok(kept)
                reply = self._work(key, question, connection)
            elif method == "layer":
                key = self.answers.layer_key(**params)
                theme = self._theme(params)
                kept = cached(key)
                if kept is not None:
                    return reply_ok(kept)
                reply = self._work(key, question, connection)
            elif method == "export":
                reply = self._work(self.answers.export_key(**params), question, connection)
            else:
                return reply_ok(self.answers.methods()[method](**params))
            if not reply.startswith(b'{"ok":true'):
                outcome = str(json.loads(reply)["error"]["kind"])
            return reply
        except Exception as error:  # noqa: BLE001 - whatever was asked, the service goes on
            outcome = type(error).__name__ if isinstance(error, EoError) else "Unexpected"
            return reply_error(error)
        finally:
            if method != "figures":
                seconds = time.perf_counter() - began
                self.figures.count(method, theme, outcome, was_kept, seconds)
                if method in ("bundle", "export"):
                    event(
                        log, "answer", method=method, theme=theme, kind=outcome,
                        kept=was_kept, seconds=round(seconds, 3),
                    )  # fmt: skip

    def _theme(self, params: dict[str, Any]) -> str:
        """Name of the theme, for figures: only names that exist."""
        from ..findings import THEMES

        return str(params["theme"]) if params.get("theme") in THEMES.names else "unknown"

    def _work(self, key: str, question: dict[str, Any], connection: Connection) -> bytes:
        """Ask a process; sessions with the same question wait for one and the same job."""
        job = self.pool.join(key, question)
        try:
            while not job.done.wait(0.1):
                if connection.poll(0):  # a session that waits says nothing: it has gone
                    raise EoError("La question a été abandonnée.", "The question was dropped.")
            return job.reply
        finally:
            self.pool.leave(key, job)


def _parse(raw: bytes) -> dict[str, Any]:
    """The question, checked: a known method and plain text or whole-number parameters."""
    allowed = {
        "about": {"lang"},
        "figures": set(),
        "search": {"query", "limit", "lang"},
        "commune": {"insee", "lang"},
        "at": {"lat", "lon", "lang"},
        "standing": {"insee", "lang"},
        "bundle": {"theme", "insee", "lang", "settings"},
        "layer": {"theme", "insee", "lang", "settings", "name"},
        "export": {"insee", "ending", "lang", "theme", "settings", "link"},
    }
    try:
        question = json.loads(raw)
        method, params = question["method"], question["params"]
        fine = set(params) <= allowed[method] and all(
            isinstance(v, str | int | float) for v in params.values()
        )
    except (ValueError, KeyError, TypeError):
        fine = False
    if not fine:
        raise InvalidInput(
            "La question posée au service d'analyse n'est pas comprise.",
            "The question to the analysis service is not understood.",
        )
    return question


def main(argv: Sequence[str] | None = None) -> None:
    """Run the service until standard input closes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address_file", type=Path)
    parser.add_argument("--source", default="demo")
    parser.add_argument("--everywhere", action="store_true")
    parser.add_argument("--data", type=Path, action="append")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--prepare", action="store_true")
    parser.add_argument("--timeout", type=float, default=180.0)
    parser.add_argument("--log")
    options = parser.parse_args(argv)
    start_logs(options.log)
    make: Callable[[], Answers] = partial(Answers, options.source, options.data)
    if options.everywhere:
        make = Everywhere
    service = Service(
        make,
        options.address_file,
        options.processes,
        options.timeout,
    )
    try:
        service.warm()
    except EoError as error:
        service.close()
        print(error.fr, file=sys.stderr)
        raise SystemExit(error.exit_code) from error
    threading.Thread(target=service.serve, daemon=True).start()
    service.publish()
    if options.prepare:
        threading.Thread(target=service.prepare, daemon=True).start()
    try:
        sys.stdin.buffer.read()
    except KeyboardInterrupt:
        log.info("interrupted")
    finally:
        service.close()


if __name__ == "__main__":
    main()
