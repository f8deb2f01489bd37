"""Where the tasks of a national run are done: Dask, or this machine's own processes."""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from itertools import islice
from typing import Any

from ..errors import InvalidInput, MissingTool, NoData

__all__ = ["Pool"]

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


class Pool:
    """Does tasks on a Dask cluster or on this machine; started when first needed.

    Parameters
    ----------
    scheduler : str, optional
        Address of a Dask scheduler whose workers see the same files.
    workers : int, optional
        Processes of a local run; by default one a core. 0 does the tasks here, one by one.

    Notes
    -----
    A local run takes a Dask cluster where ``distributed`` is installed, else a pool of
    processes: the tasks and their results are the same. Use it in a ``with``.
    """

    def __init__(self, scheduler: str | None = None, workers: int | None = None) -> None:
        self._scheduler = scheduler
        self._workers = workers
        self._open = ExitStack()
        self._client: Any = None

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()
        self._client = None

    def results(self, work: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]) -> Iterator[Any]:
        """Results of ``work(*task)``, as they are done.

        Parameters
        ----------
        work : callable
            A function of a module (it travels by name).
        tasks : sequence of tuple

        Raises
        ------
        MissingTool
            If an address is given and Dask is not installed.
        NoData
            If no scheduler answers at the address.
        InvalidInput
            If workers keep dying on a task (mostly for lack of memory).
        """
        if not tasks:
            return
        if self._workers == 0 and not self._scheduler:
            for task in tasks:
                yield work(*task)
            return
        try:
            import distributed
        except ImportError:
            if self._scheduler:
                raise MissingTool(
                    "Un ordonnanceur Dask est demandé, mais Dask n'est pas installé : "
                    "pip install distributed.",
                    "A Dask scheduler is asked for, but Dask is not installed: "
                    "pip install distributed.",
                ) from None
            _set_environment()
            yield from _processes(work, tasks, self._workers)
            return
        if self._client is None:
            self._client = self._connect(distributed)
        yield from _dask(distributed, self._client, work, tasks)

    def _connect(self, distributed: Any) -> Any:
        if self._scheduler:
            return self._open.enter_context(_client(distributed, self._scheduler))
        _set_environment()
        cluster = distributed.LocalCluster(
            n_workers=self._workers or os.cpu_count() or 1,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.ERROR,
        )
        self._open.enter_context(cluster)
        return self._open.enter_context(distributed.Client(cluster))


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


def _dask(distributed: Any, client: Any, work: Any, tasks: Sequence[Any]) -> Iterator[Any]:
    """Results of all tasks, a few a worker in flight: their arrays are not all sent at once."""
    waiting = iter(tasks)
    window = 3 * max(sum(client.nthreads().values()), 4)

    def submit(some: Any) -> list[Any]:
        return [client.submit(work, *task, pure=False) for task in some]

    completed = distributed.as_completed(submit(islice(waiting, window)))
    for future in completed:
        try:
            yield future.result()
        except distributed.KilledWorker as error:
            raise InvalidInput(
                "Des processus Dask s'arrêtent sur la même tâche, sans doute faute de mémoire : "
                "demandez moins de processus (--workers). Ce qui est fait reste.",
                "Dask workers keep dying on one task, probably for lack of memory: ask for fewer "
                "(--workers). What is done stays.",
            ) from error
        future.release()
        for new in submit(islice(waiting, 1)):
            completed.add(new)


def _processes(work: Any, tasks: Sequence[Any], workers: int | None) -> Iterator[Any]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers or os.cpu_count() or 1, mp_context=context) as pool:
        futures = [pool.submit(work, *task) for task in tasks]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
