"""Time and peak memory of each notebook on the demonstration.

``python -m benchmarks.notebooks notebooks/ateliers`` runs every notebook under a folder (or
one file) from a fresh kernel and prints a table for ``docs/benchmarks.md``. Memory is the
largest PSS (RSS where the system has none) of the kernel and its children, sampled every
50 ms: what one person needs on a laptop, the JupyterLab server not included.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent


def memory_of(process: psutil.Process) -> int:
    """Bytes of a process and its children."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            full = one.memory_full_info()
        except psutil.Error:  # gone since it was listed
            continue
        total += getattr(full, "pss", full.rss)
    return total


def run(path: Path) -> tuple[float, int, float]:
    """Seconds, peak bytes, and seconds of the slowest cell of one notebook."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}
    )
    peak, stop, cells = 0, threading.Event(), [0.0]
    started = time.perf_counter()
    with client.setup_kernel():
        kernel = psutil.Process(client.km.provisioner.pid)

        def watch() -> None:
            nonlocal peak
            while not stop.wait(0.05):
                peak = max(peak, memory_of(kernel))

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            for number, cell in enumerate(notebook.cells):
                began = time.perf_counter()
                client.execute_cell(cell, number)
                cells.append(time.perf_counter() - began)
        finally:
            stop.set()
            watching.join()
    return time.perf_counter() - started, peak, max(cells)


def main() -> None:
    print("| notebook | time (s) | slowest cell (s) | peak memory (MB) |\n|---|--:|--:|--:|")
    for name in sys.argv[1:] or ["notebooks"]:
        folder = Path(name).resolve()
        paths = [folder] if folder.is_file() else sorted(folder.rglob("*.ipynb"))
        for path in paths:
            if ".ipynb_checkpoints" in path.parts:
                continue
            seconds, peak, slowest = run(path)
            print(
                f"| `{path.relative_to(ROOT / 'notebooks')}` | {seconds:.0f} | {slowest:.0f} "
                f"| {peak / 1e6:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
