"""A beach of known movement: position error before and after tidal correction, rate, coverage.

python -m benchmarks.coastline_beach [beaches]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from eo_helpers.coastline.alignment import image_shift
from eo_helpers.coastline.bands import open_image
from eo_helpers.coastline.positions import correct_tide, flag_outliers, shoreline_positions
from eo_helpers.coastline.rates import rates
from eo_helpers.coastline.shoreline import shoreline, together
from eo_helpers.coastline.tides import levels_at, read_levels
from eo_helpers.coastline.transects import draw_transects
from eo_helpers.demo.coast import SLOPE, beach_of, write_beach
from eo_helpers.errors import InvalidInput

KINDS = ("lrr", "ar1", "block")


def one(seed: int, folder: Path) -> tuple[pd.DataFrame, list[dict[str, float]]]:
    beach = beach_of(seed, (480_000.0, 5_450_000.0))
    truth = write_beach(beach, folder, seed)
    reference = gpd.read_file(folder / "reference.geojson")
    onto = open_image(folder / truth.loc[truth["cloud_share"].idxmin(), "image"])
    across = draw_transects(reference, spacing=50)
    found: dict[str, list[gpd.GeoDataFrame]] = {"as they are": [], "aligned": []}
    for name in truth["image"]:
        image = open_image(folder / name)
        try:
            found["as they are"].append(shoreline(image, reference=reference))
        except InvalidInput:
            continue
        shift = image_shift(image, onto)[:2]
        found["aligned"].append(shoreline(image, reference=reference, shift=shift))
    years = (truth["date"] - truth["date"].min()).dt.total_seconds() / 86_400 / 365.25
    real = float(np.polyfit(years, truth["moved_m"], 1)[0])
    errors, told = [], []
    for name, lines in found.items():
        layer = together(lines)
        layer["date"] = pd.to_datetime(layer["date"], utc=True)
        raw = shoreline_positions(layer, across)
        fixed = correct_tide(raw, levels_at(raw["date"], read_levels(folder / "tide.csv")), SLOPE)
        known = truth.assign(date=truth["date"].astype(raw["date"].dtype))
        for tide, table in (("raw", raw), ("tide-corrected", fixed)):
            both = table.merge(known, on="date").merge(across, on="transect")
            gap = both["distance_m"] - both["landward_m"] - both["moved_m"]
            errors.append(pd.DataFrame({"images": name, "tide": tide, "error": gap}))
            got = rates(table[~flag_outliers(table)] if tide != "raw" else table)
            row = {"images": name, "tide": tide, "error": (got["lrr"] - real).mean()}
            for kind in KINDS:
                low, high = got[f"{kind}_ci_low"], got[f"{kind}_ci_high"]
                row[f"{kind} holds the realised rate"] = ((low <= real) & (high >= real)).mean()
                row[f"{kind} holds the trend"] = (
                    (low <= beach.trend) & (high >= beach.trend)
                ).mean()
            told.append(row)
    return pd.concat(errors), told


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    errors, told = [], []
    for seed in range(1, number + 1):
        with tempfile.TemporaryDirectory() as folder:
            some, rows = one(seed, Path(folder))
        errors.append(some)
        told += rows
    every = pd.concat(errors)
    print(
        f"{number} beaches of 48 Sentinel-2 images over nine years, tide within 1.6 m, slope 0.06"
    )
    for (images, tide), part in every.groupby(["images", "tide"], sort=False):
        e = part["error"]
        print(f"{images:12s} {tide:15s} bias {e.mean():+5.1f} m, "
              f"RMSE {np.sqrt((e**2).mean()):5.1f}, spread {e.std():5.1f}, "
              f"{len(e)} positions")  # fmt: skip
    table = pd.DataFrame(told)
    rate = table.groupby(["images", "tide"], sort=False)["error"].agg(
        bias="mean", rmse=lambda v: float(np.sqrt((v**2).mean()))
    )
    print("\nrate, mean of a beach's transects, less the realised one (m/yr)")
    print(rate.round(2).to_string())
    print("\nshare of transects whose 95 % interval holds the truth")
    share = table.drop(columns="error").groupby(["images", "tide"], sort=False).mean()
    print(share.T.round(2).to_string())


if __name__ == "__main__":
    main()
