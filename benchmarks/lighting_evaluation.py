"""Night-lighting change detection against its peers, on simulated series, in one run.

    python -m benchmarks.lighting_evaluation [--n 1000] [--peers 300] [--seed 9001]

Development used seeds 1-400; those from 9000 on are for this evaluation. Peers see the
first ``--peers`` series of each case. ``ruptures`` is no dependency of the project:
``pip install ruptures`` adds its row, and its absence is said.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd

from benchmarks.lighting_peers import annual_t_test, before_after, f_scan, pelt
from benchmarks.lighting_simulation import CASES, score, simulate_full
from eo_helpers.lighting.changes import Assessment, assess

MONTHS = 132
DATES = pd.date_range("2014-01-01", periods=MONTHS, freq="MS")
#: Set on development seeds: no more than 1 % of unchanged series.
F_THRESHOLD = {"easy": 26.0, "hard": 22.0}
#: What the task's own scan reached, and what is to be beaten (hard level).
YARDSTICK = {
    "unchanged": 0.99,
    "fall_40_75": 0.985,
    "fall_20_35": 0.72,
    "relit": 0.92,
    "fade": 0.70,
}
NOISES = ((0, 0.10), (0.10, 0.13), (0.13, 0.16), (0.16, 1))
SPANS = ((0, 2), (2, 3), (3, 4), (4, 6), (6, 9), (9, 99))


def ours(r: np.ndarray) -> tuple[list[list[tuple[float, float]]], list[Assessment]]:
    found = assess(DATES, "month", r)
    events = [
        [(b.index, np.log1p(b.change_percent / 100)) for b in a.classification.events]
        for a in found
    ]
    return events, found


def peers(level: str) -> dict:
    out = {"F scan": lambda r: f_scan(r, level == "hard", F_THRESHOLD[level])}
    try:
        import ruptures  # noqa: F401

        out["PELT (ruptures)"] = pelt
    except ImportError:
        print("ruptures is not installed: no PELT row.")
    out["before/after"] = before_after
    out["annual t-test"] = annual_t_test
    return out


def by_noise(truth, ratio, found) -> None:
    """Detection, date error by the ratio of the fall to the noise."""
    print("\nFall over noise: series, found within 3 months, within 1, median error of those found")
    best = np.array(
        [
            min((abs(b[0] - t[0]) for b in f if b[1] < 0), default=np.inf)
            for t, f in zip(truth, found, strict=True)
        ]
    )
    for low, high in SPANS:
        inside = (ratio >= low) & (ratio < high)
        if inside.sum() < 10:
            continue
        errors = best[inside]
        near = errors[np.isfinite(errors)]
        print(
            f"  {low}-{high}: {inside.sum():5d}  {np.mean(errors <= 3):.3f}  "
            f"{np.mean(errors <= 1):.3f}  {np.median(near) if near.size else np.nan:.0f}"
        )


def confusion(classes: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Share of each class, by case and by the noise of a month."""
    names = {
        "pas_de_changement": "none",
        "extinction_partielle_ou_renovation": "partial",
        "extinction_totale": "total",
        "rallumage": "relit",
        "indetermine": "undecided",
    }
    print("\nClasses (%), by the relative noise of a month")
    print(
        f"{'case':14s}{'noise':>12s}{'series':>8s}" + "".join(f"{v:>11s}" for v in names.values())
    )
    for case, (found, noise) in classes.items():
        assert set(found) <= set(names), set(found) - set(names)
        for low, high in NOISES:
            some = found[(noise >= low) & (noise < high)]
            if some.size >= 10:
                shares = "".join(f"{100 * np.mean(some == k):11.1f}" for k in names)
                print(f"{case:14s}{f'{low}-{high}':>12s}{some.size:8d}{shares}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--peers", type=int, default=300)
    parser.add_argument("--seed", type=int, default=9001)
    args = parser.parse_args()
    for level in ("easy", "hard"):
        cases = CASES[:2] if level == "easy" else CASES
        rows: dict[str, list[str]] = {}
        classes: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        falls: list = []
        cpu = 0.0
        for case in cases:
            r, truth, ratio, noise = simulate_full(case, args.n, args.seed, level, MONTHS)
            start = time.process_time()
            found, assessed = ours(r)
            cpu += time.process_time() - start
            right, near = score(case, truth, found)
            rows.setdefault("ours", []).append(f"{right:.4f} ({near:.3f})")
            classes[case] = np.array([a.classification.practice for a in assessed]), noise
            if case.startswith("fall"):
                falls.append((truth, ratio, found))
            for name, method in peers(level).items():
                k = args.peers
                right, near = score(case, truth[:k], method(r[:k]))
                rows.setdefault(name, []).append(f"{right:.4f} ({near:.3f})")
        print(
            f"\n{level}: share right (dated within a month); ours n = {args.n}, peers {args.peers}"
        )
        print(f"{'':18s}" + "".join(f"{c:>18s}" for c in cases))
        for name, values in rows.items():
            print(f"{name:18s}" + "".join(f"{v:>18s}" for v in values))
        if level == "hard":
            print(f"{'to beat':18s}" + "".join(f"{YARDSTICK[c]:>18}" for c in cases))
        print(f"CPU of ours: {1000 * cpu / args.n / len(cases):.2f} ms a series (trend included)")
        confusion(classes)
        truths, ratios, lists = zip(*falls, strict=True)
        by_noise(np.concatenate(truths), np.concatenate(ratios), [f for one in lists for f in one])


if __name__ == "__main__":
    main()
