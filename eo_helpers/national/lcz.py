"""Local climate zones of every commune: the share of each class and of each sensitivity."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from ..errors import reading
from ..lcz.commune_table import pieces_of
from ..lcz.data import DATASETS, blocks_in
from ..lcz.schema import CODES, SENSITIVITIES, sensitivity_of
from .chunks import Theme

__all__ = ["THEME", "rows"]

#: Equal-area, metres: for maps in degrees.
_EQUAL_AREA = CRS.from_epsg(6933)
_SHARES = {
    **{f"lcz_{c.lower()}": f"class {c}, % of the commune's area on the map" for c in CODES},
    "unclassed": "on the map without a class, % of the same area",
    **{f"sensitivity_{s}": f"sensitivity {s}, % of the same area" for s in SENSITIVITIES},
}
COLUMNS = {
    **_SHARES,
    "dominant": "class with the largest area",
    "mapped_percent": "area on the map, % of the commune",
    "area_km2": "area of the commune as the map measures it, km²",
    "blocks": "number of blocks that meet the commune",
}


def rows(communes: Any, paths: list[Path], dataset: str, options: dict[str, Any]) -> pd.DataFrame:
    """One row a commune that the map meets."""
    area = np.zeros((len(communes), len(CODES) + 1))
    blocks = np.zeros(len(communes), int)
    whole = np.zeros(len(communes))
    west, south, east, north = communes.total_bounds
    # Straight sides in degrees are bent in metres: the box is made of many short ones.
    box = shapely.segmentize(shapely.box(west, south, east, north), 0.1)
    with reading(paths):
        ground = blocks_in(paths, dataset, gpd.GeoSeries([box], crs=communes.crs))
    if ground is not None and len(ground):
        if not ground.crs.is_projected:
            ground = ground.to_crs(_EQUAL_AREA)
        borders = shapely.make_valid(communes.to_crs(ground.crs).geometry.to_numpy())
        shapely.prepare(borders)
        commune, index, pieces = pieces_of(ground, borders)
        np.add.at(area, (commune, index), shapely.area(pieces))
        np.add.at(blocks, commune, 1)
        whole = shapely.area(borders)
    there = np.flatnonzero(area.sum(1) > 0)
    out = [_row(communes["insee"].iloc[k], area[k], whole[k], int(blocks[k])) for k in there]
    return pd.DataFrame(out, columns=["insee", *COLUMNS])


def _row(insee: str, area: Any, whole: float, blocks: int) -> dict[str, Any]:
    mapped = area.sum()
    percent = np.round(100 * area / mapped, 4)
    of_class = sensitivity_of(CODES)
    sensitive = {
        f"sensitivity_{s}": round(float(percent[:-1][[c == s for c in of_class]].sum()), 4)
        for s in SENSITIVITIES
    }
    return {
        "insee": insee,
        **{f"lcz_{c.lower()}": float(percent[n]) for n, c in enumerate(CODES)},
        "unclassed": float(percent[-1]),
        **sensitive,
        "dominant": CODES[int(area[:-1].argmax())] if area[:-1].any() else None,
        "mapped_percent": round(100 * float(mapped / whole), 3),
        "area_km2": round(float(whole) / 1e6, 4),
        "blocks": blocks,
    }


def _country(paths: list[Any], dataset: str, options: dict[str, Any], table: Any) -> dict[str, Any]:
    """Area of each class over all communes of the table, km²."""
    km2 = table["area_km2"] * table["mapped_percent"] / 100
    areas = {name: round(float((km2 * table[name] / 100).sum()), 3) for name in _SHARES}
    return {"more": {"country_km2": areas, "mapped_km2": round(float(km2.sum()), 3)}}


THEME = Theme(
    name="lcz",
    dataset="lcz-communes",
    reads=DATASETS,
    title="Zones climatiques locales des communes",
    columns=COLUMNS,
    rows=rows,
    told=_country,
)
