"""Who lives where: INSEE's Filosofi cells of 200 m, 2019 edition."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from .ground import Ground, generator

__all__ = ["COLUMNS", "cells", "write_cells"]

_AGES = ["ind_0_3", "ind_4_5", "ind_6_10", "ind_11_17", "ind_18_24", "ind_25_39", "ind_40_54",
         "ind_55_64", "ind_65_79", "ind_80p", "ind_inc"]  # fmt: skip
COLUMNS = ["idcar_200m", "ind", "men", "men_pauv", "men_1ind", "men_5ind", "men_prop", "men_fmp",
           "ind_snv", "men_surf", "men_coll", "men_mais", "log_av45", "log_45_70", "log_70_90",
           "log_ap90", "log_inc", "log_soc", *_AGES]  # fmt: skip
_SHARES = np.array([0.042, 0.022, 0.058, 0.083, 0.082, 0.172, 0.192, 0.128, 0.152, 0.064, 0.005])
#: persons a household, poor, owners, flats, social housing, built before 1945, income
_QUARTERS = {
    "old": (1.75, 0.22, 0.33, 0.85, 0.10, 0.75, 20500),
    "c19": (1.85, 0.18, 0.42, 0.75, 0.12, 0.6, 22000),
    "terrace": (2.15, 0.14, 0.6, 0.3, 0.10, 0.35, 22500),
    "suburb": (2.45, 0.06, 0.85, 0.03, 0.03, 0.04, 26500),
    "towers": (2.35, 0.42, 0.10, 1.0, 0.85, 0.0, 14800),
    "village": (2.3, 0.09, 0.8, 0.04, 0.02, 0.6, 23800),
}  # fmt: skip


def _whole(weights: NDArray[np.float64], total: int) -> NDArray[np.int64]:
    """Share ``total`` out in whole numbers, by largest remainder."""
    exact = weights / weights.sum() * total
    low = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - low), kind="stable")[: total - int(low.sum())]
    low[order] += 1
    return low


def cells(ground: Ground, seed: int, crs: str = "EPSG:3035") -> gpd.GeoDataFrame:
    """Population cells, with every column of the 2019 edition.

    People are shared out among the homes of each commune, in whole numbers: the
    cells' sum is the communes' population.
    """
    rng = generator(seed, 60, int(crs[5:]))
    homes = ground.buildings
    kinds = ground.blocks["kind"].to_numpy()[homes["block"].to_numpy()]
    owner = ground.blocks["insee"].to_numpy()[homes["block"].to_numpy()]
    lived = homes["dwellings"].to_numpy() > 0
    quarter = np.array([k if k in _QUARTERS else "village" for k in kinds], dtype=object)
    figures = np.array([_QUARTERS[q] for q in quarter])
    weight = homes["dwellings"].to_numpy() * figures[:, 0] * lived
    people = np.zeros(len(homes), np.int64)
    for insee, total in zip(ground.communes["insee"], ground.communes["population"], strict=True):
        mine = (owner == insee) & lived
        people[mine] = _whole(weight[mine], int(total))
    spot = shapely.get_coordinates(shapely.centroid(homes.geometry.values))
    x, y = Transformer.from_crs(ground.crs, crs, always_xy=True).transform(*spot.T)
    east, north = (np.floor(v / 200).astype(int) * 200 for v in (x, y))
    table = pd.DataFrame({"e": east, "n": north, "ind": people})
    for k, name in enumerate(("size", "poor", "own", "flat", "social", "old", "income")):
        table[name] = figures[:, k] * people
    table["men"] = people / figures[:, 0]
    table = table[table["ind"] > 0].groupby(["n", "e"], as_index=False, sort=True).sum()
    part = {c: table[c] / table["ind"] for c in ("poor", "own", "flat", "social", "old", "income")}
    jitter = np.exp(rng.normal(0, 0.12, (len(table), 4)))
    men = table["men"].round(1)
    out = pd.DataFrame(
        {
            "idcar_200m": [
                f"CRS{crs[5:]}RES200mN{n}E{e}" for n, e in zip(table["n"], table["e"], strict=True)
            ]
        }
    )
    out["ind"] = table["ind"].astype(float)
    out["men"] = men
    out["men_pauv"] = np.minimum((men * part["poor"] * jitter[:, 0]).round(1), men)
    single = np.clip(0.62 - 0.14 * (table["ind"] / table["men"]), 0.1, 0.6)
    out["men_1ind"] = (men * single).round(1)
    out["men_5ind"] = (men * 0.055 * jitter[:, 1]).round(1)
    out["men_prop"] = np.minimum((men * part["own"] * jitter[:, 2]).round(1), men)
    out["men_fmp"] = (men * (0.06 + 0.25 * part["poor"])).round(1)
    out["ind_snv"] = (out["ind"] * part["income"] * jitter[:, 3]).round(0)
    out["men_surf"] = (men * (58 + 55 * (1 - part["flat"]))).round(0)
    out["men_coll"] = (men * part["flat"]).round(1)
    out["men_mais"] = (men - out["men_coll"]).round(1)
    dwellings = men * 1.08
    out["log_av45"] = (dwellings * part["old"]).round(1)
    rest = dwellings - out["log_av45"]
    out["log_45_70"] = (rest * (0.25 + 0.4 * part["social"])).round(1)
    out["log_70_90"] = (rest * 0.3).round(1)
    out["log_ap90"] = (rest - out["log_45_70"] - out["log_70_90"]).clip(lower=0).round(1)
    out["log_inc"] = 0.0
    out["log_soc"] = (dwellings * part["social"]).round(1)
    shares = _SHARES * np.exp(rng.normal(0, 0.16, (len(table), len(_AGES))))
    # More students and elders in the centre, more children in the estate and the suburbs.
    shares[:, 4] *= 1 + 0.8 * part["flat"]
    shares[:, :4] *= (1 + 0.7 * part["social"] + 0.3 * part["own"]).to_numpy()[:, None]
    ages = np.array([_whole(s, int(t)) for s, t in zip(shares, table["ind"], strict=True)])
    for k, name in enumerate(_AGES):
        out[name] = ages[:, k].astype(float)
    e, n = table["e"].to_numpy(), table["n"].to_numpy()
    squares = shapely.box(e, n, e + 200, n + 200)
    return gpd.GeoDataFrame(out[COLUMNS], geometry=squares, crs=crs)


def write_cells(table: gpd.GeoDataFrame, path: Path) -> None:
    """Write the cells as INSEE does: one GeoPackage."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pyogrio.write_dataframe(table, path, layer=path.stem, driver="GPKG")
