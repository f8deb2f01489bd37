"""Rank intervals of 100,000 blocks, the cost of a slider, beside pymcdm in the same run.

    python -m benchmarks.desealing_robustness [--units 100000] [--criteria 8] [--draws 1000]

pymcdm has no rank intervals: its weighted sum is asked once a draw, on fewer draws.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import pandas as pd
from pymcdm.methods import WSM

from eo_helpers.desealing.criteria import CRITERIA
from eo_helpers.desealing.priority import prioritise
from eo_helpers.desealing.robustness import rank_intervals


def covered(cases: int = 100, units: int = 60, criteria: int = 6, seed: int = 9301) -> float:
    """Share of simulated cases in which nine ranks of ten under the true weights are held.

    True weights and true values are drawn from the laws that the intervals assume, with
    seeds not used in development.
    """
    rng = np.random.default_rng(seed)
    held = []
    for case in range(cases):
        low = rng.random((units, criteria)) * 0.8
        high = low + rng.random((units, criteria)) * 0.2
        chosen = rng.dirichlet(np.ones(criteria) * 4)
        found = rank_intervals(low, high, chosen, draws=1000, seed=case)
        weights = rng.dirichlet(50 * chosen)
        values = rng.uniform(low, high)
        rank = np.empty(units, int)
        rank[np.argsort(-(values @ weights))] = np.arange(1, units + 1)
        held.append(np.mean((rank >= found.low) & (rank <= found.high)))
    return float(np.mean(held))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=100_000)
    parser.add_argument("--criteria", type=int, default=8)
    parser.add_argument("--draws", type=int, default=1000)
    args = parser.parse_args()
    rng = np.random.default_rng(1)
    low = rng.random((args.units, args.criteria)) * 0.8
    high = low + 0.1
    weights = np.full(args.criteria, 1 / args.criteria)
    start = time.perf_counter()
    rank_intervals(low, high, weights, draws=args.draws)
    ours = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    draws = 20
    start = time.perf_counter()
    for drawn in rng.dirichlet(50 * weights, draws):
        score = WSM()(low + (high - low) * rng.random(low.shape), drawn, np.ones(args.criteria))
        np.argsort(-score)
    theirs = (time.perf_counter() - start) / draws * args.draws
    print(f"{args.units} x {args.criteria} x {args.draws} draws: {ours:.1f} s, {peak:.2f} GB")
    print(f"pymcdm, a weighted sum and a sort a draw ({draws} draws, scaled): {theirs:.1f} s")
    table = pd.DataFrame(
        {c.name: rng.uniform(min(c.none, c.full), max(c.none, c.full), 5000) for c in CRITERIA}
    )
    for method in ("weighted_sum", "topsis", "promethee"):
        start = time.perf_counter()
        prioritise(table, {"heat": 2.0}, method=method)
        print(f"one move of a slider, 5,000 blocks, {method}: {time.perf_counter() - start:.2f} s")
    print(f"ranks under the true weights held by the 90 % interval: {100 * covered():.1f} %")


if __name__ == "__main__":
    main()
