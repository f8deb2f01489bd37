"""Where the tasks of a national run are done: a Dask cluster of this machine, or any other."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ..errors import EoError, InvalidInput, NoData

__all__ = ["Outcome", "Pool"]

#: What the processes of a local run start with. Each task is one thread: many at once is
#: what fills the machine. Memory is kept for the next array: Dask asks the C library to
#: give back every freed block, which more than doubles the time of our array code.
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 28),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 28),
}
#: What Dask sets by itself.
_DASK = {"MALLOC_TRIM_THRESHOLD_": "65536"}
#: Seconds that a Dask scheduler has to answer.
TIMEOUT = 20
#: Seconds without any task done after which those in flight are taken for lost (a worker
#: ended in the middle of an answer, a disk that hangs): they are done again, once.
PATIENCE = 1800.0

#: How often a task that failed is done again: a network drive that was away for a moment.
RETRIES = 2


@dataclass(frozen=True)
class Outcome:
    """What became of one task: its ``result``, or the ``error`` of its last attempt."""

    task: tuple[Any, ...]
    result: Any = None
    error: BaseException | None = None

    @property
    def why(self) -> str:
        """The error in one French sentence."""
        if isinstance(self.error, EoError):
            return self.error.fr
        return f"{type(self.error).__name__} : {self.error}"


@dataclass(frozen=True)
class _Mend:
    """How long to wait, and what to do with workers that gave no answer."""

    patience: float
    renew: Callable[[], Any]


class Pool:
    """Does tasks on a Dask cluster, started when first needed.

    Parameters
    ----------
    scheduler : str, optional
        Address of a Dask scheduler whose workers see the same files; by default a cluster of
        this machine.
    workers : int, optional
        Processes of a local cluster; by default one a core. 0 does the tasks here, one by one.
    memory : str, optional
        Most that a process of a local cluster may hold (``"2GB"``); by default its part of the
        machine. One that goes beyond is ended and its task done again elsewhere.
    patience : float
        Seconds without any task done after which those in flight are done again, once, on
        processes started anew (on a scheduler of your own, its workers are left as they are).

    Notes
    -----
    Use it in a ``with``.
    """

    def __init__(
        self,
        scheduler: str | None = None,
        workers: int | None = None,
        memory: str | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._scheduler = scheduler
        self._workers = workers
        self._memory = _bytes(memory)
        self._patience = patience
        self._open = ExitStack()
        self._client: Any = None

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()
        self._client = None

    def results(self, work: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]) -> Iterator[Any]:
        """Results of ``work(*task)``, as they are done; the first that fails ends it.

        Raises
        ------
        NoData
            If no scheduler answers at the address.
        InvalidInput
            If workers keep dying on a task (mostly for lack of memory).
        """
        for outcome in self.outcomes(work, tasks):
            if outcome.error is not None:
                raise outcome.error
            yield outcome.result

    def outcomes(
        self, work: Callable[..., Any], tasks: Sequence[tuple[Any, ...]], retries: int = RETRIES
    ) -> Iterator[Outcome]:
        """What becomes of each task, as they are done; one that fails does not end the others.

        Parameters
        ----------
        work : callable
            A function of a module (it travels by name).
        tasks : sequence of tuple
        retries : int
            How often a task that fails is done again; errors of ours are final at once (the
            same file is as wrong the second time).
        """
        if not tasks:
            return
        if self._workers == 0 and not self._scheduler:
            for task in tasks:
                yield _attempt(work, task, retries)
            return
        import distributed

        if self._client is None:
            self._client = self._connect(distributed)
        mend = _Mend(self._patience, lambda: self._renew(distributed))
        yield from _dask(distributed, self._client, work, tasks, retries, mend)

    def _renew(self, distributed: Any) -> Any:
        """Another cluster of this machine: one whose worker hangs may not start it again."""
        if not self._scheduler:
            self._open.close()
            self._client = self._connect(distributed)
        return self._client

    def _connect(self, distributed: Any) -> Any:
        if self._scheduler:
            return self._open.enter_context(_client(distributed, self._scheduler))
        _set_environment()
        cluster = distributed.LocalCluster(
            n_workers=self._workers or os.cpu_count() or 1,
            threads_per_worker=1,
            memory_limit=self._memory or "auto",
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.ERROR,
        )
        self._open.enter_context(cluster)
        return self._open.enter_context(distributed.Client(cluster))


def _bytes(memory: str | None) -> int | None:
    if memory is None:
        return None
    from dask.utils import parse_bytes

    try:
        size = int(parse_bytes(memory))
    except ValueError:
        size = 0
    if size < 2**28:
        raise InvalidInput(
            f"« {memory} » : la mémoire d'un processus s'écrit « 2GB », au moins 256MiB.",
            f"'{memory}': the memory of a process is written '2GB', 256MiB at least.",
        )
    return size


def _attempt(work: Callable[..., Any], task: tuple[Any, ...], retries: int) -> Outcome:
    """One task, done again where it fails by what may pass."""
    for left in range(retries, -1, -1):
        try:
            return Outcome(task, work(*task))
        except EoError as error:
            return Outcome(task, error=error)
        except Exception as error:  # noqa: BLE001 - reported with the task that it ended
            if not left:
                return Outcome(task, error=error)
    raise AssertionError("unreachable")


def _set_environment() -> None:
    for name, value in _ENVIRONMENT.items():
        # An earlier cluster of this process leaves Dask's own choice behind: it is nobody's wish.
        if os.environ.get(name) in (None, _DASK.get(name)):
            os.environ[name] = value


def _client(distributed: Any, scheduler: str) -> Any:
    try:
        return distributed.Client(scheduler, timeout=TIMEOUT)
    except (OSError, ValueError) as error:
        raise NoData(
            f"Aucun ordonnanceur Dask ne répond à « {scheduler} » (adresse attendue : "
            "tcp://machine:8786).",
            f"No Dask scheduler answers at '{scheduler}' (an address is like tcp://host:8786).",
        ) from error


def _dask(
    distributed: Any, client: Any, work: Any, tasks: Sequence[Any], retries: int, mend: _Mend
) -> Iterator[Outcome]:
    """All tasks, a few a worker in flight: their arrays are not all sent at once."""
    waiting = iter(tasks)
    window = 3 * max(sum(client.nthreads().values()), 4)
    flying: dict[Any, tuple[Any, ...]] = {}
    again: set[int] = set()

    def submit(some: Iterable[Any]) -> None:
        for task in some:
            flying[client.submit(_attempt, work, task, retries, pure=False)] = task

    submit(islice(waiting, window))
    while flying:
        try:
            done = distributed.wait(
                list(flying), timeout=mend.patience, return_when="FIRST_COMPLETED"
            ).done
        except distributed.TimeoutError:
            lost = list(flying.values())
            client.cancel(list(flying), force=True)
            flying.clear()
            client = mend.renew()
            yield from (Outcome(t, error=_stalled(mend.patience)) for t in lost if id(t) in again)
            submit(t for t in lost if id(t) not in again)
            again.update(id(t) for t in lost)
            continue
        for future in done:
            task = flying.pop(future)
            outcome = _outcome(distributed, future, task)
            future.release()
            yield outcome
            submit(islice(waiting, 1))


def _outcome(distributed: Any, future: Any, task: tuple[Any, ...]) -> Outcome:
    try:
        return future.result()
    except distributed.KilledWorker:
        return Outcome(
            task,
            error=InvalidInput(
                "Des processus Dask s'arrêtent sur la même tâche, sans doute faute de mémoire "
                ": demandez moins de processus (--workers). Ce qui est fait reste.",
                "Dask workers keep dying on one task, probably for lack of memory: ask for "
                "fewer (--workers). What is done stays.",
            ),
        )


def _stalled(patience: float) -> InvalidInput:
    minutes = max(1, round(patience / 60))
    return InvalidInput(
        f"Aucune réponse en deux fois {minutes} min : un fichier qui ne se laisse pas lire, ou "
        "un paquet trop long (--patience, en minutes). Ce qui est fait reste.",
        f"No answer within twice {minutes} min: a file that cannot be read to its end, or too "
        "long a chunk (--patience, in minutes). What is done stays.",
    )
