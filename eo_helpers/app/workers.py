"""Processes that run one analysis at a time, and can be lost without harm.

A file that crashes a native library, or an analysis that never ends, costs its own
answer only: the process is replaced and everyone else's session goes on.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import sys
import threading
from collections import deque
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from ..errors import EoError
from .answers import Answers, dumps, failure

__all__ = ["Job", "Pool"]

log = logging.getLogger(__name__)

#: Places whose slow steps a process is supposed to have at hand.
REMEMBERED = 4

#: A process is replaced after this many analyses, so that leaks of native code end.
ANALYSES_PER_PROCESS = 100

TOO_LONG = {
    "fr": "L'analyse a pris trop de temps et a été arrêtée. Les autres thèmes restent "
    "disponibles\u00a0; vous pouvez réessayer.",
    "en": "The analysis took too long and was stopped. The other themes remain available; "
    "you can try again.",
}
DIED = {
    "fr": "L'analyse s'est arrêtée brusquement, sans doute à cause d'un fichier abîmé ou d'un "
    "manque de mémoire. Le reste de la page fonctionne\u00a0; vous pouvez réessayer.",
    "en": "The analysis stopped abruptly, probably because of a damaged file or a lack of "
    "memory. The rest of the page works; you can try again.",
}


def reply_ok(result: bytes) -> bytes:
    """The reply that carries an answer."""
    return b'{"ok":true,"result":' + result + b"}"


def reply_error(error: Exception) -> bytes:
    """The reply that carries an error."""
    return dumps({"ok": False, "error": failure(error)})


def _work(connection: Connection, make: Callable[[], Answers]) -> None:
    """Body of a process: a question in, a reply out, until the parent is gone."""
    answers = make()
    while True:
        try:
            question = json.loads(connection.recv_bytes())
        except (EOFError, OSError, KeyboardInterrupt):
            return
        try:
            reply = reply_ok(answers.methods()[question["method"]](**question["params"]))
        except Exception as error:  # noqa: BLE001 - one bad file must not end the process
            reply = reply_error(error)
        connection.send_bytes(reply)


def _context() -> multiprocessing.context.BaseContext:
    """Where processes can be forked from a small parent, they start in milliseconds."""
    if sys.platform.startswith("linux"):
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["eo_helpers.app.preload"])
        return context
    return multiprocessing.get_context("spawn")


class Job:
    """One question, and everybody who waits for its answer."""

    def __init__(self, question: dict[str, Any]) -> None:
        self.question = question
        params = question["params"]
        #: What a process remembers the slow steps of (see ``findings.remembered``).
        self.about = (params.get("theme"), params.get("insee"))
        self.done = threading.Event()
        self.reply = b""
        self.waiting = 0


def _facts(job: Job) -> dict[str, Any]:
    """Which file to look at; who asked is not known here."""
    theme, insee = job.about
    return {"theme": theme, "insee": insee}


class Pool:
    """A few processes behind one queue.

    Parameters
    ----------
    make : callable
        Makes the :class:`~eo_helpers.app.answers.Answers` of a process; importable.
    size : int
        Number of processes.
    timeout : float
        Seconds after which an analysis is stopped.
    """

    def __init__(self, make: Callable[[], Answers], size: int = 2, timeout: float = 180.0) -> None:
        self.make = make
        self.timeout = timeout
        self._context = _context()
        self._queue: deque[Job] = deque()
        self._jobs: dict[str, Job] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._processes: set[Any] = set()
        #: What each process analysed last, and which of them wait for work.
        self._recent: list[deque[Any]] = [deque(maxlen=REMEMBERED) for _ in range(size)]
        self._waiting: set[int] = set()
        self._threads = [
            threading.Thread(target=self._serve, args=(n,), name=f"analysis-{n}", daemon=True)
            for n in range(size)
        ]
        for thread in self._threads:
            thread.start()

    def join(self, key: str, question: dict[str, Any]) -> Job:
        """Ask; two sessions with the same question wait for one and the same job."""
        with self._changed:
            job = self._jobs.get(key)
            if job is None:
                job = self._jobs[key] = Job(question)
                self._queue.append(job)
                self._changed.notify_all()
            job.waiting += 1
            return job

    def leave(self, key: str, job: Job) -> None:
        """Stop waiting; a job that nobody waits for is dropped if it has not begun."""
        with self._changed:
            job.waiting -= 1
            if job.waiting == 0 and job in self._queue:
                self._queue.remove(job)
                self._jobs.pop(key, None)

    @property
    def idle(self) -> bool:
        """True while nothing is asked."""
        with self._changed:
            return not self._jobs

    def close(self) -> None:
        """End every process."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            processes = list(self._processes)
        for process in processes:
            process.kill()
            process.join(5)

    def _next(self, me: int) -> Job | None:
        """The job for process ``me``: one it knows the place of, else one that no idle one does.

        A slider that moves asks the same theme of the same commune again: the process that
        answered last has read the data already.
        """
        for job in self._queue:
            if job.about in self._recent[me]:
                return job
        others = [self._recent[n] for n in self._waiting if n != me]
        for job in self._queue:
            if not any(job.about in recent for recent in others):
                return job
        return None

    def _serve(self, me: int) -> None:
        """Body of a thread: it owns one process and replaces it when needed."""
        process: tuple[Any, Connection] | None = self._start()
        count = 0
        while True:
            with self._changed:
                self._waiting.add(me)
                while (job := self._next(me)) is None and not self._closed:
                    self._changed.wait()
                self._waiting.discard(me)
                if job is None or self._closed:
                    return
                self._queue.remove(job)
                self._recent[me].append(job.about)
                # Whoever left this job to us may take another one now.
                self._changed.notify_all()
            if process is None or not process[0].is_alive() or count >= ANALYSES_PER_PROCESS:
                self._end(process)
                process, count = self._start(), 0
            pipe = process[1]
            count += 1
            try:
                pipe.send_bytes(dumps(job.question))
                if not pipe.poll(self.timeout):
                    raise TimeoutError
                job.reply = pipe.recv_bytes()
            except TimeoutError:
                log.error("an analysis was stopped after %s s", self.timeout, extra=_facts(job))
                self._end(process)
                process = None
                job.reply = reply_error(EoError(TOO_LONG["fr"], TOO_LONG["en"]))
            except (EOFError, OSError) as error:
                lost = type(error).__name__
                log.error("the process of an analysis was lost (%s)", lost, extra=_facts(job))
                self._end(process)
                process = None
                job.reply = reply_error(EoError(DIED["fr"], DIED["en"]))
            with self._changed:
                self._jobs = {key: other for key, other in self._jobs.items() if other is not job}
            job.done.set()

    def _start(self) -> tuple[Any, Connection]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, self.make), daemon=True)  # type: ignore[attr-defined]
        process.start()
        theirs.close()
        with self._changed:
            self._processes.add(process)
        return process, ours

    def _end(self, process: tuple[Any, Connection] | None) -> None:
        if process is None:
            return
        process[1].close()
        process[0].kill()
        process[0].join(5)
        with self._changed:
            self._processes.discard(process[0])
