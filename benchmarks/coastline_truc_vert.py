"""Truc Vert: real shorelines on real transects, two series compared, the period and the sign.

EO_SHARED_DATA=… python -m benchmarks.coastline_truc_vert
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from eo_helpers.coastline.positions import correct_tide, flag_outliers, shoreline_positions
from eo_helpers.coastline.rates import rates
from eo_helpers.coastline.transects import angles_between, crossing_pairs, draw_transects

__all__ = ["main"]


def told(name: str, table: pd.DataFrame) -> pd.DataFrame:
    found = rates(table)
    half = {k: (found[f"{k}_ci_high"] - found[f"{k}_ci_low"]).median() / 2
            for k in ("lrr", "ar1", "block")}  # fmt: skip
    sure = int((found["perceptible"] == True).sum())  # noqa: E712 (None is not False)
    plain = int(((found["lrr_ci_low"] > 0) | (found["lrr_ci_high"] < 0)).sum())
    print(
        f"{name:34s} {found['first'].min():%Y-%m}..{found['last'].max():%Y-%m}"
        f"  n {len(table):6d}  LRR {found['lrr'].median():+.2f}"
        f"  Theil-Sen {found['theil_sen'].median():+.2f}"
        f"  half width: plain {half['lrr']:.2f}, AR(1) {half['ar1']:.2f}, "
        f"blocks {half['block']:.2f}"
        f"  detectable {found['smallest_detectable'].median():.2f} m/yr"
        f"  differ from 0: plain {plain}, all three {sure} of {len(found)}"
    )
    return found


def main() -> None:
    folder = Path(os.environ.get("EO_SHARED_DATA", "../shared/data")) / "coastline" / "truc_vert"
    if not folder.exists():
        sys.exit(f"no real data at {folder}: set EO_SHARED_DATA")
    lines = gpd.read_parquet(folder / "shorelines_shorex.parquet")
    across = gpd.read_file(folder / "TRUCVERT_transects.geojson")
    across = across.rename(columns={"name": "transect"})
    shorex = shoreline_positions(lines.rename(columns={"datetime_utc": "date"}), across)
    several = int((shorex["crossings"] > 1).sum())
    print(f"{len(lines)} lines x {len(across)} transects: {len(shorex)} positions, {several} chosen"
          " among several crossings")  # fmt: skip
    theirs = pd.read_parquet(folder / "shoreline_positions_coastsat.parquet")
    raw = theirs[theirs["series"] == "raw"]
    tide = theirs[theirs["series"] == "tide_corrected_msl"]
    pairs = shorex.assign(day=shorex["date"].dt.floor("D")).merge(
        raw.assign(day=raw["date"].dt.floor("D")), on=["transect", "day"]
    )
    apart = pairs["distance_m_x"] - pairs["distance_m_y"]
    print(f"same day: {len(pairs)} pairs, SHOREX less CoastSat {apart.mean():+.1f} m, RMSE "
          f"{np.sqrt((apart**2).mean()):.1f}, spread {apart.std():.1f}\n")  # fmt: skip

    ours = told("SHOREX lines", shorex)
    told("SHOREX, outliers over 40 m out", shorex[~flag_outliers(shorex)])
    told("CoastSat raw", raw)
    told("CoastSat tide-corrected", tide)
    inside = raw["date"].between(shorex["date"].min(), shorex["date"].max())
    same = told("CoastSat raw, SHOREX's period", raw[inside])
    inside = tide["date"].between(shorex["date"].min(), shorex["date"].max())
    told("CoastSat corrected, that period", tide[inside])
    both = ours.merge(same, on="transect", suffixes=("", "_theirs"))
    gap = both["lrr"] - both["lrr_theirs"]
    overlap = (both["block_ci_low"] <= both["block_ci_high_theirs"]) & (
        both["block_ci_high"] >= both["block_ci_low_theirs"]
    )
    plain = (both["lrr_ci_low"] <= both["lrr_ci_high_theirs"]) & (
        both["lrr_ci_high"] >= both["lrr_ci_low_theirs"]
    )
    print(f"\ntransect by transect over that period: {len(both)}, bias {gap.mean():+.2f} m/yr, "
          f"RMSE {np.sqrt((gap**2).mean()):.2f}; intervals that meet: plain {plain.mean():.0%}, "
          f"blocks {overlap.mean():.0%}")  # fmt: skip

    reference = gpd.read_file(folder / "TRUCVERT_reference_shoreline.geojson")
    for spacing in (20.0, 200.0):
        drawn = draw_transects(reference, spacing=spacing)
        middle = drawn.geometry.interpolate(drawn["landward_m"])
        step = np.hypot(*np.diff(np.column_stack([middle.x, middle.y]), axis=0).T)
        known = across.to_crs(drawn.crs)
        near = known.sindex.nearest(middle.values, return_all=False)[1]
        angle = angles_between(drawn.geometry.values, known.geometry.values[near])
        print(f"drawn every {spacing:g} m: {len(drawn)}, crossings "
              f"{len(crossing_pairs(drawn.geometry.values))}, spacing {step.min():.2f}-"
              f"{step.max():.2f} m, angle to the given ones: median {np.median(angle):.1f}, "
              f"largest {angle.max():.1f} degrees")  # fmt: skip
    moved = correct_tide(pd.DataFrame({"distance_m": [0.0]}), [1.0], 0.05)
    print(f"a metre of tide on the beach's slope of 0.05: {moved['distance_m'].iloc[0]:.0f} m")


if __name__ == "__main__":
    main()
