"""Haiyan, 8 November 2013: a real switch-off in daily VNP46A2, measured and gap-filled.

EO_SHARED_DATA=… python -m benchmarks.lighting_haiyan
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pandas as pd

from eo_helpers.lighting.table import assess_table


def main() -> None:
    folder = Path(os.environ.get("EO_SHARED_DATA", "../shared/data"))
    path = folder / "lighting" / "haiyan_2013" / "vnp46a2_poi_daily_2013.csv"
    if not path.exists():
        sys.exit(f"no real data at {path}: set EO_SHARED_DATA")
    table = pd.read_csv(path, parse_dates=["date"])
    table["id"] = table["location"] + " " + table["extent"]
    for column, words in (("DNB_mean", "measured"), ("Gap_mean", "gap-filled: no measurement")):
        print(f"\n{column} ({words})")
        part = table.rename(columns={column: "radiance"})[["id", "date", "radiance"]]
        for name, found in assess_table(part).items():
            told = "; ".join(
                f"{e['date']} [{e['date_low']}, {e['date_high']}] {e['change_percent']:+.0f} %"
                f" p={e['probability']:.2f}"
                for e in found.to_dict()["events"]
            )
            valid = found.changes.valid if found.changes else 0
            practice = found.classification.practice
            print(f"{name:26s} {valid:4d} days  {practice:20s} {told or '–'}")


if __name__ == "__main__":
    main()
