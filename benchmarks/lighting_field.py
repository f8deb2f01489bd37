"""Practices recognised on communes simulated cell by cell: nights, retrofits, neighbours.

    python -m benchmarks.lighting_field [--n 400] [--seed 9101]

Development uses seeds under 1000; those from 9100 on are for this evaluation. Nothing in
the method was chosen on it.

Generator (one series is one commune, 132 months; a third level beside "easy" and "hard")
    cells        1 to 60 (log-uniform), each with its own light (log-normal, 0.7), mean of the
                 commune 0.4-10 nW (log-uniform)
    light        public 55-80 %, the rest private; half of the neighbour's halo (below)
    season       two harmonics (5-20 % and 2-8 %), trend ±2 % a year, monthly air AR(1) 0.35
                 with 4 % for all cells together
    nights       3-20 a month, fewest in winter; 4 % of months hold one or two; 5 % are missing
    ``_Std``     of one night: 20 % of the light and 0.12 nW; a cell's error is that divided by
                 the root of ``_Num``; half of it is shared by the cells of a month
    std_error    what ``zonal.zone_values`` gives from ``_Std`` and ``_Num``
    background   0.2 nW
Cases
    unchanged; switched off (all public light from one month on); partial (35-55 % of the public
    light); LED (20-40 % of the public light less, street after street over 4 to 10 months); LED,
    then switched off two to four years later; lit again after 18-30 months; neighbour (nothing
    changes here, a bright neighbour whose halo is 25-50 % of the light is switched off).

What one would call right: no change; total; partial or retrofit; the same; total; lit again; and
for the neighbour "no change" or "undecided": everything else blames the commune.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from eo_helpers.lighting.changes import assess
from eo_helpers.lighting.zonal import zone_values

MONTHS = 132
DATES = pd.date_range("2014-01-01", periods=MONTHS, freq="MS")
CASES = ("unchanged", "off", "partial", "led", "led_then_off", "relit", "neighbour")
RIGHT = {
    "unchanged": ("pas_de_changement",),
    "off": ("extinction_totale",),
    "partial": ("extinction_partielle_ou_renovation",),
    "led": ("extinction_partielle_ou_renovation",),
    "led_then_off": ("extinction_totale",),
    "relit": ("rallumage",),
    "neighbour": ("pas_de_changement", "indetermine"),
}
PRACTICES = (
    "pas_de_changement",
    "extinction_partielle_ou_renovation",
    "extinction_totale",
    "rallumage",
    "indetermine",
)


def commune(case: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Monthly radiance and its error, number of cells, month of the (main) change or -1."""
    t = np.arange(MONTHS)
    cells = round(np.exp(rng.uniform(0, np.log(60))))
    level = np.exp(rng.uniform(np.log(0.4), np.log(10)))
    spread = rng.lognormal(0, 0.7, cells)
    spread /= spread.mean()
    public = rng.uniform(0.55, 0.80)
    halo = rng.uniform(0.25, 0.50) if case == "neighbour" else 0.0
    ours, first = np.ones(MONTHS), -1
    if case in ("off", "partial", "relit"):
        first = int(rng.integers(18, MONTHS - 54))
        share = rng.uniform(0.35, 0.55) if case == "partial" else 1.0
        ours = np.where(t >= first, 1 - public * share, 1.0)
        if case == "relit":
            ours = np.where(t >= first + rng.integers(18, 31), 1.0, ours)
    elif case in ("led", "led_then_off"):
        start = int(rng.integers(18, 48))
        saved = public * rng.uniform(0.20, 0.40)
        ours = 1 - saved * np.clip((t - start) / rng.integers(4, 11), 0, 1)
        if case == "led_then_off":
            first = start + int(rng.integers(24, 49))
            ours = np.where(t >= first, 1 - public, ours)
    theirs = np.ones(MONTHS)
    if case == "neighbour":
        theirs = np.where(t >= rng.integers(18, MONTHS - 18), 0.3, 1.0)
    season = sum(
        rng.uniform(a, b) * np.cos(2 * np.pi * k * t / 12 + rng.uniform(0, 2 * np.pi))
        for k, a, b in ((1, 0.05, 0.20), (2, 0.02, 0.08))
    )
    air = np.empty(MONTHS)
    white = rng.standard_normal(MONTHS)
    air[0] = white[0]
    for m in range(1, MONTHS):
        air[m] = 0.35 * air[m - 1] + np.sqrt(1 - 0.35**2) * white[m]
    factor = np.exp(season + rng.uniform(-0.02, 0.02) * t / 12 + 0.04 * air)
    mean = level * factor * ((1 - halo) * ours + halo * theirs)
    light = mean[:, None] * spread + 0.2
    nights = np.maximum(rng.poisson(11 + 6 * np.cos(2 * np.pi * (t - 6) / 12), MONTHS), 3).astype(
        float
    )
    nights[rng.random(MONTHS) < 0.04] = rng.integers(1, 3)
    std = 0.20 * light + 0.12
    shared = rng.standard_normal((MONTHS, 1))
    own = rng.standard_normal((MONTHS, cells))
    error = np.sqrt(0.5) * shared + np.sqrt(0.5) * own
    seen = light + error * std / np.sqrt(nights)[:, None]
    matrix = csr_array(np.full((1, cells), 0.2))
    radiance, std_error = np.full(MONTHS, np.nan), np.full(MONTHS, np.nan)
    for m in range(MONTHS):
        if rng.random() < 0.05:
            continue
        found = zone_values(
            matrix, seen[m], std[m], np.full(cells, nights[m]), np.zeros(cells), 0.5
        )
        radiance[m], std_error[m] = found["radiance"][0], found["std_error"][0]
    return radiance, std_error, cells, first


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=400)
    parser.add_argument("--seed", type=int, default=9101)
    args = parser.parse_args()
    print("| truth | " + " | ".join(PRACTICES) + " | right | right, 1-4 cells | within a month |")
    for case in CASES:
        rng = np.random.default_rng([args.seed, CASES.index(case)])
        drawn = [commune(case, rng) for _ in range(args.n)]
        found = assess(
            DATES, "month", np.array([d[0] for d in drawn]), np.array([d[1] for d in drawn])
        )
        said = np.array([a.classification.practice for a in found])
        ok = np.isin(said, RIGHT[case])
        small = np.array([d[2] < 5 for d in drawn])
        shares = [100 * np.mean(said == practice) for practice in PRACTICES]
        near = "–"
        if drawn[0][3] >= 0:
            hit = [
                any(abs(b.index - d[3]) <= 1 and b.change_percent < 0
                    for b in a.classification.events)
                for a, d in zip(found, drawn, strict=True)
            ]  # fmt: skip
            near = f"{100 * np.mean(hit):.1f}"
        print(
            f"| {case} | " + " | ".join(f"{share:.1f}" for share in shares)
            + f" | {100 * ok.mean():.1f} | {100 * ok[small].mean():.1f} | {near} |"
        )  # fmt: skip


if __name__ == "__main__":
    main()
