"""How quickly a million blocks are classed, with and without distances.

Run: ``python benchmarks/lcz_rule.py [--json]``. Limits: 1 s for the classes, 5 s with the
distance to the nearest threshold and the class on its other side.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
import pandas as pd

from eo_helpers.lcz.rule import RATES, classify
from eo_helpers.lcz.thresholds import threshold_distance
from eo_helpers.lcz.what_if import Change, what_if

BLOCKS = 1_000_000


def blocks(n: int, seed: int = 1) -> pd.DataFrame:
    """Random blocks of every kind, rates that sum to 100."""
    rng = np.random.default_rng(seed)
    rates = rng.dirichlet(np.full(5, 0.8), n) * 100
    return pd.DataFrame(
        {
            "hre": rng.gamma(2.0, 4.0, n),
            "are": rng.gamma(1.2, 300.0, n),
            **dict(zip(RATES, rates.T, strict=True)),
            "vhr": rng.uniform(0, 100, n),
        }
    )


def best(function, *args, times: int = 3) -> float:
    """Shortest of a few runs, s."""
    runs = []
    for _ in range(times):
        start = time.perf_counter()
        function(*args)
        runs.append(time.perf_counter() - start)
    return min(runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--blocks", type=int, default=BLOCKS)
    asked = parser.parse_args()
    table = blocks(asked.blocks)
    out = {
        "blocks": asked.blocks,
        "classes_s": round(best(classify, table), 3),
        "distances_and_alternatives_s": round(best(threshold_distance, table), 3),
        "what_if_s": round(best(what_if, table, Change("ver", 10)), 3),
    }
    print(json.dumps(out) if asked.json else "\n".join(f"{k}: {v}" for k, v in out.items()))


if __name__ == "__main__":
    main()
