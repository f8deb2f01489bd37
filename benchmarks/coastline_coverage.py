"""How often 95 % intervals hold a known rate, and how often a change of rate is told.

python -m benchmarks.coastline_coverage
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from eo_helpers.coastline.rates import rates

TREND = -0.3


def positions(
    years: int, per_year: int, noise: float, slow: float, rho: float, bend: float = 0.0,
    transects: int = 1000,
) -> pd.DataFrame:  # fmt: skip
    rng = np.random.default_rng(0)
    dates = pd.date_range("1985-01-15", periods=years * per_year,
                          freq=pd.Timedelta(days=365.25 / per_year))  # fmt: skip
    t = np.asarray((dates - dates[0]).days) / 365.25
    level = np.empty((transects, years))
    level[:, 0] = rng.normal(0, slow, transects)
    for k in range(1, years):
        level[:, k] = rho * level[:, k - 1] + rng.normal(0, slow * np.sqrt(1 - rho**2), transects)
    where = np.minimum((t + 0.04).astype(int), years - 1)
    y = TREND * t + level[:, where] + rng.normal(0, noise, (transects, len(t)))
    y = y + (5 * np.sin(2 * np.pi * t) if per_year > 1 else 0) + bend * np.maximum(t - years / 2, 0)
    return pd.DataFrame(
        {"transect": np.repeat(np.arange(transects), len(t)), "date": np.tile(dates, transects),
         "distance_m": y.ravel()}
    ).sample(frac=0.8, random_state=2)  # fmt: skip


CASES = {
    "40 years, 1 image a year, independent": (40, 1, 8, 0, 0.0),
    "30 years, 6 a year, independent": (30, 6, 10, 0, 0.0),
    "30 years, 6 a year, years alike (0.5)": (30, 6, 8, 6, 0.5),
    "30 years, 6 a year, years alike (0.8)": (30, 6, 8, 6, 0.8),
    "15 years, 6 a year, years alike (0.5)": (15, 6, 8, 6, 0.5),
    "8 years, 10 a year, years alike (0.3)": (8, 10, 8, 6, 0.3),
}


def main() -> None:
    for name, case in CASES.items():
        got = rates(positions(*case))
        held = {
            k: ((got[f"{k}_ci_low"] <= TREND) & (got[f"{k}_ci_high"] >= TREND)).mean()
            for k in ("lrr", "ar1", "block")
        }
        false = (got["break_date"] != "").mean()
        print(f"{name:40s} plain {held['lrr']:.2f}  AR(1) {held['ar1']:.2f}  blocks "
              f"{held['block']:.2f}  false change of rate {false:.3f}")  # fmt: skip
    for rho in (0.0, 0.5):
        for bend in (-1.0, -2.0, -3.0):
            got = rates(positions(36, 6, 8, 6, rho, bend, 300))
            told = got[got["break_date"] != ""]
            off = (told["break_date"].astype(int) - 2003).abs().median()
            print(f"rate changed by {bend:+.0f} m/yr after 18 years, years alike {rho}: told "
                  f"{len(told) / len(got):.2f}, off by {off:.0f} years (median)")  # fmt: skip


if __name__ == "__main__":
    main()
