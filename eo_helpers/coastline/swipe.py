"""Land and sea at both ends of a series of shorelines: two pictures to draw a curtain between."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio.transform
import rioxarray  # noqa: F401  (registers .rio)
import shapely
import xarray as xr
from numpy.typing import NDArray
from rasterio.features import rasterize

from ..findings import Category, Layer, Legend
from ..text import Text

__all__ = ["shores"]

#: Metres of land and of sea that are drawn on each side of the shore.
STRIP = 150.0
#: Pixels along the longer side at most, and the finest pixel, m.
MOST, FINEST = 1500, 2.0
_LAND, _SEA = 1, 2


def shores(transects: gpd.GeoDataFrame, positions: pd.DataFrame) -> tuple[Layer, ...]:
    """Land and sea in the first and in the last year, as two rasters on one grid.

    Parameters
    ----------
    transects : geopandas.GeoDataFrame
        ``transect`` and lines from land to sea, in their order along the shore, metres.
    positions : pandas.DataFrame
        ``transect, date, distance_m``.

    Returns
    -------
    tuple of Layer
        ``shore_before`` and ``shore_after``, which the page shows with a curtain; empty where
        both years have no two neighbouring transects, or are one.

    Notes
    -----
    The shore of a year is the **mean** of its dates on each transect (single dates hold tide
    and storms), straight between transects. Transects without a position in either year are
    left out of both, so that the two pictures differ by the shore alone.
    """
    years = positions["date"].dt.year
    first, last = int(years.min()), int(years.max())
    if first == last:
        return ()
    shore = {
        year: positions[years == year].groupby("transect")["distance_m"].mean()
        for year in (first, last)
    }
    lines = transects.set_index("transect").geometry
    both = pd.concat(shore, axis=1).reindex(lines.index)
    known = both.notna().all(axis=1).to_numpy()
    joined = np.flatnonzero(known[:-1] & known[1:])
    if not joined.size:
        return ()
    ribbons = {
        year: _ribbons(
            lines.to_numpy(), both[year].to_numpy(), both.mean(axis=1).to_numpy(), joined
        )
        for year in shore
    }
    west, south, east, north = shapely.total_bounds(
        np.concatenate([r for pair in ribbons.values() for r in pair])
    )
    cell = max(FINEST, max(east - west, north - south) / MOST)
    shape = int(np.ceil((north - south) / cell)), int(np.ceil((east - west) / cell))
    transform = rasterio.transform.from_origin(west, north, cell, cell)
    out = []
    for name, year in (("before", first), ("after", last)):
        land, sea = ribbons[year]
        burnt = rasterize(
            [(s, _SEA) for s in sea] + [(s, _LAND) for s in land],
            shape, transform=transform, dtype="float32", fill=np.nan,
        )  # fmt: skip
        out.append(_layer(name, year, (first, last), burnt, transform, transects.crs))
    return tuple(out)


def _ribbons(
    lines: NDArray, at: NDArray, middle: NDArray, joined: NDArray[np.int64]
) -> tuple[NDArray, NDArray]:
    """Land and sea between neighbouring transects, :data:`STRIP` on each side of ``middle``."""
    length = shapely.length(lines)

    def points(distance: NDArray) -> NDArray[np.float64]:
        safe = np.clip(np.nan_to_num(distance), 0, length)
        return shapely.get_coordinates(shapely.line_interpolate_point(lines, safe))

    inner, shore, outer = points(middle - STRIP), points(at), points(middle + STRIP)

    def between(a: NDArray, b: NDArray) -> NDArray:
        rings = np.stack([a[joined], a[joined + 1], b[joined + 1], b[joined]], axis=1)
        return np.asarray(shapely.make_valid(shapely.polygons(rings)))

    return between(inner, shore), between(shore, outer)


def _layer(
    name: str, year: int, ends: tuple[int, int], burnt: NDArray, transform: object, crs: object
) -> Layer:
    rows, cols = np.arange(burnt.shape[0]), np.arange(burnt.shape[1])
    x, y = transform * (cols + 0.5, np.zeros(cols.size) + 0.5)  # type: ignore[operator]
    _, y = transform * (np.zeros(rows.size) + 0.5, rows + 0.5)  # type: ignore[operator]
    data = xr.DataArray(burnt, {"y": y, "x": x}, ("y", "x"))
    data.rio.write_crs(crs, inplace=True)
    title: Text = {"fr": f"Terre et mer en {year}", "en": f"Land and sea in {year}"}
    when = {"before": "première", "after": "dernière"}[name]
    when_en = {"before": "first", "after": "last"}[name]
    return Layer(
        f"shore_{name}", title,
        {"fr": f"Terre et mer de part et d'autre du rivage moyen de {year}, {when} année de la "
               f"période {ends[0]}-{ends[1]} ; le rideau compare les deux.",
         "en": f"Land and sea on both sides of the mean shore of {year}, {when_en} year of "
               f"{ends[0]}-{ends[1]}; the curtain compares both."},
        data,
        Legend(
            {"fr": f"Rivage moyen de l'année {year}", "en": f"Mean shore of {year}"},
            categories=(Category(str(_LAND), {"fr": "Terre", "en": "Land"}, "#dfc27d"),
                        Category(str(_SEA), {"fr": "Mer", "en": "Sea"}, "#2171b5")),
        ),
        opacity=1.0, shown=False,
    )  # fmt: skip
