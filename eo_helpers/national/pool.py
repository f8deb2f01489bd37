"""Where the tasks of a national run are done: Dask, or this machine's own processes."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

from ..errors import MissingTool

__all__ = ["results"]

#: Each task is one thread: many at once is what fills the machine.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def results(
    work: Callable[..., Any],
    tasks: Sequence[tuple[Any, ...]],
    *,
    scheduler: str | None = None,
    workers: int | None = None,
) -> Iterator[Any]:
    """Results of ``work(*task)``, as they are done.

    Parameters
    ----------
    work : callable
        A function of a module (it travels by name).
    tasks : sequence of tuple
    scheduler : str, optional
        Address of a Dask scheduler whose workers see the same files.
    workers : int, optional
        Processes of a local run; by default one a core. 0 does the tasks here, one by one.

    Raises
    ------
    MissingTool
        If an address is given and Dask is not installed.

    Notes
    -----
    A local run takes a Dask cluster where ``distributed`` is installed, else a pool of
    processes: the tasks and their results are the same.
    """
    if not tasks:
        return
    if workers == 0:
        for task in tasks:
            yield work(*task)
        return
    for name in _ONE_THREAD:
        os.environ.setdefault(name, "1")
    try:
        from distributed import Client, LocalCluster
        from distributed import as_completed as dask_completed
    except ImportError:
        if scheduler:
            raise MissingTool(
                "Un ordonnanceur Dask est demandé, mais Dask n'est pas installé : "
                "pip install distributed.",
                "A Dask scheduler is asked for, but Dask is not installed: "
                "pip install distributed.",
            ) from None
        yield from _processes(work, tasks, workers)
        return
    if scheduler:
        with Client(scheduler) as client:
            yield from _dask(client, dask_completed, work, tasks)
        return
    with (
        LocalCluster(
            n_workers=workers or os.cpu_count() or 1, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        yield from _dask(client, dask_completed, work, tasks)


def _dask(client: Any, completed: Any, work: Any, tasks: Sequence[Any]) -> Iterator[Any]:
    futures = [client.submit(work, *task, pure=False) for task in tasks]
    for future in completed(futures):
        yield future.result()
        future.release()


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
