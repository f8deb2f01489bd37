"""Falls that are a neighbour's: scenes of cells, told with and without the surroundings.

    python -m benchmarks.lighting_neighbours [--n 300] [--seed 9401]

Development used seeds 701-709; those from 9401 on are for this evaluation.

Generator (one scene is 132 months of cells of 0.46 × 0.32 km, up to 60 of them the commune's)
    commune      1 to 60 cells (log-uniform), grown at random; light log-normal (0.7) from cell
                 to cell, 0.4-10 nW in the mean
    town         a disc of 2 to 5 cells' radius, 0 to 3 cells away, as bright as it takes for the
                 wanted share of the commune's light to be the town's
    elsewhere    0.2 nW, and hamlets of 0.5-3 nW in 4 % of the cells
    spread       of the sensor: Gaussian of 0.35-0.70 km (the method assumes 0.5), and 0-15 % of
                 the light in a second one of 1.5 km, which the method does not know
    time         the season, trend, air, nights, ``_Std`` and gaps of ``benchmarks.lighting_field``
Cases
    unchanged; own (55-80 % of the commune's light put out, the town gives 10-50 % and stays);
    alone (the same, no town); partial (35-55 % of the public light, town as in "own"); neighbour
    (nothing changes here, a town that gives 25-50 % of the light falls to 30 %); both (commune
    and town in one month); neighbour later (the commune is put out, the town 12-36 months later).
What one would call right
    no change; total or partial (the halo that stays makes a total one look partial); for the
    neighbour "no change" or "undecided".
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter
from scipy.sparse import csr_array

from eo_helpers.lighting.changes import assess
from eo_helpers.lighting.neighbours import REACH, around, received
from eo_helpers.lighting.weights import CELL
from eo_helpers.lighting.zonal import zone_values

MONTHS = 132
DATES = pd.date_range("2014-01-01", periods=MONTHS, freq="MS")
CASES = ("unchanged", "own", "alone", "partial", "neighbour", "both", "neighbour later")
FALL = ("extinction_totale", "extinction_partielle_ou_renovation")
STILL = ("pas_de_changement", "indetermine")
RIGHT = {
    "unchanged": ("pas_de_changement",),
    "own": FALL,
    "alone": FALL,
    "partial": FALL,
    "neighbour": STILL,
    "both": FALL,
    "neighbour later": FALL,
}
PRACTICES = ("pas_de_changement", FALL[1], FALL[0], "rallumage", "indetermine")
SIDE = 52
#: Cells of 46.5° N, km.
STEP = 0.4633, 0.3189
ROW, COL = round((90 - 46.5) / CELL), round((180 + 3.0) / CELL)


def grown(cells: int, rng: np.random.Generator) -> np.ndarray:
    """A connected patch of cells about the middle."""
    inside = np.zeros((SIDE, SIDE), bool)
    inside[SIDE // 2, SIDE // 2] = True
    while inside.sum() < cells:
        edge = np.zeros_like(inside)
        edge[1:] |= inside[:-1]
        edge[:-1] |= inside[1:]
        edge[:, 1:] |= inside[:, :-1]
        edge[:, :-1] |= inside[:, 1:]
        edge &= ~inside
        spot = rng.choice(np.flatnonzero(edge))
        inside.flat[spot] = True
    return inside


def town_of(inside: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A disc beside the patch."""
    y, x = np.nonzero(inside)
    angle = rng.uniform(0, 2 * np.pi)
    radius, apart = rng.uniform(2, 5), rng.uniform(0, 3)
    reach = ((y - SIDE // 2) * np.sin(angle) + (x - SIDE // 2) * np.cos(angle)).max()
    far = reach + apart + radius + 0.5
    cy, cx = SIDE // 2 + far * np.sin(angle), SIDE // 2 + far * np.cos(angle)
    yy, xx = np.mgrid[:SIDE, :SIDE]
    return ((yy - cy) ** 2 + (xx - cx) ** 2 <= radius**2) & ~inside


def scene(case: str, rng: np.random.Generator):
    """Radiance, its error, what comes from without (MONTHS); cells; month or -1."""
    t = np.arange(MONTHS)
    inside = grown(round(np.exp(rng.uniform(0, np.log(60)))), rng)
    cells = int(inside.sum())
    level = np.exp(rng.uniform(np.log(0.4), np.log(10)))
    sigma, tail = rng.uniform(0.35, 0.70), rng.uniform(0, 0.15)

    def seen_of(light: np.ndarray) -> np.ndarray:
        narrow = gaussian_filter(light, (sigma / STEP[0], sigma / STEP[1]), mode="nearest")
        wide = gaussian_filter(light, (1.5 / STEP[0], 1.5 / STEP[1]), mode="nearest")
        return (1 - tail) * narrow + tail * wide

    own = np.where(inside, rng.lognormal(0, 0.7, (SIDE, SIDE)), 0.0)
    own = seen_of(own)
    town = seen_of(np.where(town_of(inside, rng), rng.lognormal(0, 0.5, (SIDE, SIDE)), 0.0))
    halo = rng.uniform(0.25, 0.50) if case in ("neighbour", "both") else rng.uniform(0.10, 0.50)
    if case == "alone":
        halo = 0.0
    own *= (1 - halo) * level / own[inside].mean()
    town *= halo * level / max(town[inside].mean(), 1e-9)
    hamlets = (rng.random((SIDE, SIDE)) < 0.04) & ~inside
    rest = seen_of(0.2 + np.where(hamlets, rng.uniform(0.5, 3, (SIDE, SIDE)), 0.0))
    public = rng.uniform(0.55, 0.80)
    first, month = -1, int(rng.integers(18, MONTHS - 54))
    ours, theirs = np.ones(MONTHS), np.ones(MONTHS)
    if case in ("own", "alone", "partial", "both", "neighbour later"):
        first = month
        share = rng.uniform(0.35, 0.55) if case == "partial" else 1.0
        ours = np.where(t >= month, 1 - public * share, 1.0)
    if case in ("neighbour", "both"):
        theirs = np.where(t >= month, 0.3, 1.0)
    elif case == "neighbour later":
        theirs = np.where(t >= month + rng.integers(12, 37), 0.3, 1.0)
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
    y, x = np.nonzero(inside)
    box = (slice(y.min() - REACH, y.max() + REACH + 1), slice(x.min() - REACH, x.max() + REACH + 1))
    part = inside[y.min() : y.max() + 1, x.min() : x.max() + 1].astype(float)
    weight = around(part, ROW, COL)
    a, b, c = (v[box].ravel() for v in (own, town, rest))
    light = (
        factor[:, None] * (ours[:, None] * a + theirs[:, None] * b) + c
    )  # what is dark stays so in every season
    nights = np.maximum(rng.poisson(11 + 6 * np.cos(2 * np.pi * (t - 6) / 12), MONTHS), 3.0)
    nights[rng.random(MONTHS) < 0.04] = rng.integers(1, 3)
    std = 0.20 * light + 0.12
    error = np.sqrt(0.5) * rng.standard_normal((MONTHS, 1))
    error = error + np.sqrt(0.5) * rng.standard_normal(light.shape)
    measured = light + error * std / np.sqrt(nights)[:, None]
    measured[rng.random(MONTHS) < 0.05] = np.nan
    matrix = csr_array(inside[box].ravel().astype(float)[None, :])
    zone = [
        zone_values(matrix, measured[m], std[m], np.full(a.size, nights[m]), np.zeros(a.size), 0.5)
        for m in range(MONTHS)
    ]
    radiance, std_error = (np.array([z[k][0] for z in zone]) for k in ("radiance", "std_error"))
    outer = received(weight.ravel()[None, :], measured.T)[0]
    return radiance, std_error, outer, cells, first


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=300)
    parser.add_argument("--seed", type=int, default=9401)
    args = parser.parse_args()
    for known in (False, True):
        print("\nwith the surroundings" if known else "the series alone")
        print("| truth | " + " | ".join(PRACTICES) + " | right | 1-4 cells | 5-15 | over 15 |")
        for case in CASES:
            rng = np.random.default_rng([args.seed, CASES.index(case)])
            drawn = [scene(case, rng) for _ in range(args.n)]
            radiance, error, outer = (np.array([d[k] for d in drawn]) for k in range(3))
            found = assess(DATES, "month", radiance, error, outer=outer if known else None)
            said = np.array([a.classification.practice for a in found])
            ok = np.isin(said, RIGHT[case])
            cells = np.array([d[3] for d in drawn])
            shares = [100 * np.mean(said == practice) for practice in PRACTICES]
            sizes = [ok[(cells >= a) & (cells <= b)] for a, b in ((1, 4), (5, 15), (16, 60))]
            print(
                f"| {case} | " + " | ".join(f"{share:.1f}" for share in shares)
                + f" | {100 * ok.mean():.1f} | "
                + " | ".join(f"{100 * s.mean():.1f}" for s in sizes) + " |", flush=True
            )  # fmt: skip


if __name__ == "__main__":
    main()
