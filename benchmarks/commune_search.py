"""How long a search takes among the real communes, and what the index weighs.

``python -m benchmarks.commune_search [communes.parquet]``. Each query is asked ``--rounds``
times after one warm-up; its time is the median of them, so that the machine's other work
counts little; the worst single call is printed too. Memory is the growth of the process's
peak over what the imports took.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import statistics
import time
from pathlib import Path

QUERIES = """
redon|st etienne|ste-marie|lhay les roses|L'Abergement-Clémenciat|Rennse|Bordaux|97411|75112
13001|35|2a0|Saint-Aubin|Saint-Denis 93|Saint-Denis (974)|35600 Redon|le havre|st etiene rouvray
villeneuve ascq|chalons s/ saone|montsaintmichel|s|sa|sai|saint|saint-|saint-m|ste|le|la|l|a|d
marseile|borddeaux|la rochelle|chateau chinon|paris 12e|boulogne bilancour|clermon ferrand
qwzx|xyzxyzxyzxyzxyzxyz|une commune qui n'existe nulle part en france||ajacio|ile de re
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    folder = Path(os.environ.get("EO_SHARED_DATA", "../shared/data"))
    parser.add_argument(
        "table", nargs="?", type=Path, default=folder / "territory/communes_2018.parquet"
    )
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()

    import numpy  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import shapely  # noqa: F401

    from eo_helpers.territory.index import CommuneIndex

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    index = CommuneIndex.from_files([args.table])
    loaded = time.perf_counter() - start
    weight = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{len(index)} communes read in {loaded:.2f} s; peak memory +{weight:.0f} MB")

    queries = [q for line in QUERIES.strip().splitlines() for q in line.split("|")]
    medians, slowest = {}, (0.0, "")
    for query in queries:
        index.search(query)
        times = []
        for _ in range(args.rounds):
            start = time.perf_counter()
            index.search(query)
            times.append(1e3 * (time.perf_counter() - start))
        medians[query] = statistics.median(times)
        slowest = max(slowest, (max(times), query))
    worst = max(medians, key=medians.__getitem__)
    print(
        f"search, {len(queries)} queries: median {statistics.median(medians.values()):.1f} ms, "
        f"worst query {medians[worst]:.1f} ms ({worst!r}), worst single call {slowest[0]:.1f} ms "
        f"({slowest[1]!r})"
    )
    codes = [m.insee for m in index]
    times = []
    for code in random.Random(1).sample(codes, min(20, len(codes))):
        start = time.perf_counter()
        index.get(code)
        times.append(1e3 * (time.perf_counter() - start))
    print(f"one boundary: median {statistics.median(times):.0f} ms, worst {max(times):.0f} ms")
    weight = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"peak memory after reading boundaries +{weight:.0f} MB")


if __name__ == "__main__":
    main()
