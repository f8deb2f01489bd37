"""Trend, breaks and practice of 35,000 monthly series, on two processes.

    python -m benchmarks.lighting_speed [--n 35000] [--months 144] [--workers 2]

Series are simulated (hard level): 60 % unchanged, 25 % falls, 5 % lit again, 10 % fades.
"""

from __future__ import annotations

import argparse
import os
import resource
import time

import numpy as np
import pandas as pd
import psutil

from benchmarks.lighting_simulation import simulate
from eo_helpers.lighting.changes import assess
from eo_helpers.national.pool import Pool

SHARES = (
    ("unchanged", 0.60),
    ("fall_40_75", 0.15),
    ("fall_20_35", 0.10),
    ("relit", 0.05),
    ("fade", 0.10),
)


def work(values: np.ndarray) -> tuple[int, float]:
    """Number of series with an event, and CPU seconds."""
    start = time.process_time()
    dates = pd.date_range("2014-01-01", periods=values.shape[1], freq="MS")
    found = assess(dates, "month", values)
    return sum(bool(f.classification.events) for f in found), time.process_time() - start


def busy_seconds() -> float:
    """CPU seconds that all processes of the machine have used since it started."""
    t = psutil.cpu_times()
    return t.user + t.system + getattr(t, "nice", 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=35_000)
    parser.add_argument("--months", type=int, default=144)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    parts = [simulate(c, round(s * args.n), 9100, "hard", args.months)[0] for c, s in SHARES]
    values = np.concatenate(parts)
    values = values[np.random.default_rng(0).permutation(len(values))]
    tasks = [(part,) for part in np.array_split(values, max(1, len(values) // 1000))]
    busy = busy_seconds()
    start = time.perf_counter()
    with Pool(workers=args.workers) as pool:
        done = list(pool.results(work, tasks))
    wall = time.perf_counter() - start
    cpu = sum(c for _, c in done)
    others = (busy_seconds() - busy) - cpu
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(
        f"{len(values)} series × {args.months}: {wall:.0f} s with {args.workers} processes, CPU "
        f"{cpu:.0f} s ({1000 * cpu / len(values):.2f} ms a series), {sum(n for n, _ in done)} "
        f"with events, {memory:.0f} MB a process; meanwhile the machine spent {others:.0f} s of "
        f"CPU on the rest (starting the processes, and whatever else ran) on {os.cpu_count()} cores"
    )


if __name__ == "__main__":
    main()
