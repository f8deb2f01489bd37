"""All rates of 35,000 transects over 40 years, a loop of statsmodels beside; crossings.

python -m benchmarks.coastline_speed
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import shapely
import statsmodels.api as sm

from eo_helpers.coastline.positions import crossings
from eo_helpers.coastline.rates import rates

TRANSECTS, YEARS = 35_000, 40
LOOP = 500


def table(per_year: int, transects: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    step = pd.Timedelta(days=365.25 / per_year)
    dates = pd.date_range("1984-07-01", periods=YEARS * per_year, freq=step)
    years = np.asarray((dates - dates[0]).days) / 365.25
    place = 100 + rng.normal(-0.2, 0.5, (transects, 1)) * years
    place = place + rng.normal(0, 8, (transects, len(dates)))
    return pd.DataFrame(
        {
            "transect": np.repeat(np.arange(transects), len(dates)),
            "date": np.tile(dates, transects),
            "distance_m": place.ravel(),
        }
    ).sample(frac=0.93, random_state=1)


def main() -> None:
    rows = table(1, TRANSECTS)
    start = time.perf_counter()
    found = rates(rows)
    ours = time.perf_counter() - start
    print(f"{TRANSECTS} transects x {YEARS} years, {len(rows)} positions: {ours:.1f} s")

    some = rows[rows["transect"] < LOOP]
    start, worst = time.perf_counter(), 0.0
    by_name = found.set_index("transect")
    for name, part in some.groupby("transect"):
        part = part.sort_values("date")
        days = (part["date"] - part["date"].iloc[0]).dt.total_seconds() / 86_400
        fit = sm.OLS(part["distance_m"].to_numpy(), sm.add_constant(days / 365.25)).fit()
        low, high = fit.conf_int().to_numpy()[1]
        row = by_name.loc[name]
        worst = max(
            worst, abs(row["lrr"] - fit.params.iloc[1]), abs(row["lrr_ci_low"] - low),
            abs(row["lrr_ci_high"] - high),
        )  # fmt: skip
    loop = (time.perf_counter() - start) * TRANSECTS / LOOP
    print(
        f"a loop over statsmodels (LRR and its interval alone): {loop:.0f} s, from {LOOP} of them"
    )
    print(f"largest difference: {worst:.1e} m/yr")

    rows = table(12, 2_000)
    start = time.perf_counter()
    rates(rows)
    print(f"2000 transects x 12 images a year: {time.perf_counter() - start:.1f} s")

    rng = np.random.default_rng(0)
    x = np.arange(0, 20_000, 10.0)
    shores = np.array(
        [
            shapely.LineString(
                np.column_stack([x, rng.normal(0, 30) + np.cumsum(rng.normal(0, 1, x.size))])
            )
            for _ in range(1000)
        ]
    )
    across = shapely.linestrings([[(20.0 * k + 3, -300), (20.0 * k + 3, 300)] for k in range(1000)])
    for name, angle in (("upright", 0.0), ("slanting by 40 degrees", np.deg2rad(40))):
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        a, b = (shapely.transform(s, lambda xy, t=turn: xy @ t) for s in (shores, across))
        start = time.perf_counter()
        n = len(crossings(a, b))
        took = time.perf_counter() - start
        print(f"1000 shorelines (2000 vertices) x 1000 transects, {name}: {n} in {took:.1f} s")


if __name__ == "__main__":
    main()
