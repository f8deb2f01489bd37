"""How far two LCZ maps agree: area confusion matrix, agreement, kappa."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from pyproj import CRS, Transformer

from ..errors import InvalidInput
from .schema import CODES, codes_from_index, index_from_codes

__all__ = [
    "OFFICIAL",
    "Comparison",
    "blocked_interval",
    "compare",
    "compare_maps",
    "compare_pixels",
    "disagreement",
    "kappa",
    "measuring_crs",
    "overlay",
]

OFFICIAL = tuple(CRS.from_epsg(code) for code in (2154, 5490, 2972, 2975, 4471, 4467))


@dataclass(frozen=True)
class Comparison:
    """Two maps crossed on the ground that both class.

    Attributes
    ----------
    matrix : pandas.DataFrame
        Rows: classes of map A; columns: of map B; values in hectares.
    crs : str
        CRS in which areas were measured.
    method : {"overlay", "pixels"}
        Polygon overlay, or the classes at the centres of a raster's cells.
    n : int
        Pieces of the overlay, or pixels.
    """

    matrix: pd.DataFrame
    crs: str
    method: str
    n: int

    @property
    def area_ha(self) -> float:
        """Common area, ha."""
        return float(self.matrix.to_numpy().sum())

    @property
    def agreement(self) -> float:
        """Share of the common area to which both maps give the same class (0-1)."""
        return float(np.trace(self.matrix.to_numpy()) / self.area_ha)

    @property
    def kappa(self) -> float:
        """Cohen's kappa of the area matrix."""
        return kappa(self.matrix.to_numpy())

    def by_class(self) -> pd.DataFrame:
        """Per class: area in A and in B (ha), common area, intersection over union."""
        values = self.matrix.to_numpy()
        a, b, both = values.sum(axis=1), values.sum(axis=0), np.diag(values)
        return pd.DataFrame(
            {"area_a_ha": a, "area_b_ha": b, "both_ha": both, "iou": both / (a + b - both)},
            index=self.matrix.index,
        )

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON; ``matrix`` is ``{class of A: {class of B: hectares}}``."""
        return {
            "agreement": self.agreement,
            "kappa": None if np.isnan(self.kappa) else self.kappa,
            "area_ha": self.area_ha,
            "matrix": {
                str(a): {str(b): float(v) for b, v in row.items()}
                for a, row in self.matrix.iterrows()
            },
            "classes": list(self.matrix.index),
            "crs": self.crs,
            "method": self.method,
            "n": self.n,
        }


def kappa(matrix: np.ndarray) -> float:
    """Cohen's kappa of a square confusion matrix (counts or areas).

    κ = (p₀ - pₑ) / (1 - pₑ), with p₀ the observed agreement and pₑ the one expected of two
    maps that keep their class areas but ignore each other. NaN where pₑ = 1.

    Notes
    -----
    Source: Cohen, J. (1960), A coefficient of agreement for nominal scales, Educational
    and Psychological Measurement 20, 37-46.
    """
    total = matrix.sum()
    observed = np.trace(matrix) / total
    expected = float((matrix.sum(axis=0) * matrix.sum(axis=1)).sum() / total**2)
    return float((observed - expected) / (1 - expected)) if expected < 1 else float("nan")


def _matrix(a: np.ndarray, b: np.ndarray, weight: np.ndarray) -> pd.DataFrame:
    """Square matrix over the classes that occur, in the order of the schema."""
    size = len(CODES)
    flat = np.bincount(a.astype(int) * size + b.astype(int), weights=weight, minlength=size**2)
    full = flat.reshape(size, size)
    used = np.flatnonzero(full.sum(axis=0) + full.sum(axis=1))
    names = [CODES[i] for i in used]
    return pd.DataFrame(full[np.ix_(used, used)], index=names, columns=names)


def measuring_crs(a: gpd.GeoDataFrame, b: gpd.GeoDataFrame) -> CRS:
    """CRS in which two maps are overlaid: an official French one, else a projected one."""
    for official in OFFICIAL:
        if any(frame.crs.equals(official, ignore_axis_order=True) for frame in (a, b)):
            return official
    for frame in (a, b):
        if frame.crs.is_projected:
            return frame.crs
    return a.estimate_utm_crs()


def overlay(a: gpd.GeoDataFrame, b: gpd.GeoDataFrame, crs: Any = None) -> gpd.GeoDataFrame:
    """Pieces that two maps have in common, with the class of each.

    Parameters
    ----------
    a, b : geopandas.GeoDataFrame
        Polygons with ``lcz`` (schema codes); unclassed polygons are left out.
    crs : optional
        Where to overlay; see :func:`measuring_crs`.

    Returns
    -------
    geopandas.GeoDataFrame
        ``lcz_a``, ``lcz_b``, ``agree``, ``area_ha``; surfaces only.

    Raises
    ------
    InvalidInput
        If the maps have no ground in common.
    """
    target = CRS.from_user_input(crs) if crs is not None else measuring_crs(a, b)
    a, b = (f[f["lcz"].notna()].to_crs(target) for f in (a, b))
    left, right = a.geometry.to_numpy(), b.geometry.to_numpy()
    i, j = shapely.STRtree(right).query(left, predicate="intersects")
    pieces = shapely.intersection(left[i], right[j])
    area = shapely.area(pieces)
    keep = area > 0
    if not keep.any():
        raise InvalidInput(
            "Les deux cartes n'ont aucun terrain classé en commun.",
            "The two maps have no classed ground in common.",
        )
    i, j = i[keep], j[keep]
    codes_a, codes_b = a["lcz"].to_numpy(dtype=object)[i], b["lcz"].to_numpy(dtype=object)[j]
    return gpd.GeoDataFrame(
        {
            "lcz_a": codes_a,
            "lcz_b": codes_b,
            "agree": codes_a == codes_b,
            "area_ha": area[keep] / 1e4,
        },
        geometry=pieces[keep],
        crs=target,
    )


def compare(a: gpd.GeoDataFrame, b: gpd.GeoDataFrame, crs: Any = None) -> Comparison:
    """Area confusion matrix of two polygon maps, by overlay.

    Parameters
    ----------
    a, b : geopandas.GeoDataFrame
        Polygons with ``lcz`` (schema codes).
    crs : optional
        Where to measure; by default the official French CRS that one of them has, else a
        projected CRS of theirs, else the UTM zone.

    Returns
    -------
    Comparison
    """
    pieces = overlay(a, b, crs)
    matrix = _matrix(
        index_from_codes(pieces["lcz_a"]),
        index_from_codes(pieces["lcz_b"]),
        pieces["area_ha"].to_numpy(),
    )
    return Comparison(matrix, pieces.crs.to_string(), "overlay", len(pieces))


def compare_maps(
    a: gpd.GeoDataFrame | xr.DataArray, b: gpd.GeoDataFrame | xr.DataArray, crs: Any = None
) -> Comparison:
    """Compare two maps of any kind: by overlay, or at pixel centres where one is a raster.

    Parameters
    ----------
    a, b : geopandas.GeoDataFrame or xarray.DataArray
        As :func:`eo_helpers.lcz.data.open_map` returns them.
    crs : optional
        Where to overlay two polygon maps; see :func:`compare`.

    Returns
    -------
    Comparison
        Rows are always map A, whichever of the two is the raster.
    """
    if isinstance(b, xr.DataArray):
        return compare_pixels(a, b)
    if isinstance(a, xr.DataArray):
        turned = compare_pixels(b, a)
        return replace(turned, matrix=turned.matrix.T)
    return compare(a, b, crs)


def compare_pixels(a: gpd.GeoDataFrame | xr.DataArray, raster: xr.DataArray) -> Comparison:
    """Classes of a map at the centres of a raster's classed cells, against the raster's.

    Parameters
    ----------
    a : geopandas.GeoDataFrame or xarray.DataArray
        Polygons with ``lcz``, or another raster (nearest cell).
    raster : xarray.DataArray
        Positions in ``schema.CODES`` (NaN = none), dims (y, x), ``rio.crs`` projected.

    Returns
    -------
    Comparison
        Each pixel counts with its nominal area; ``n`` is the number of pixels.

    Raises
    ------
    InvalidInput
        If no classed cell has its centre on classed ground of ``a``.
    """
    crs = CRS.from_user_input(raster.rio.crs.to_wkt())
    values = raster.to_numpy()
    row, col = np.nonzero(np.isfinite(values))
    x, y = raster["x"].to_numpy()[col], raster["y"].to_numpy()[row]
    there = values[row, col].astype(int)
    here = _classes_at(a, x, y, crs)
    both = here >= 0
    if not both.any():
        raise InvalidInput(
            "Aucun centre de pixel ne tombe sur du terrain classé par l'autre carte.",
            "No pixel centre falls on ground that the other map classes.",
        )
    dx, dy = raster.rio.resolution()
    if crs.is_projected:
        cell = np.full(int(both.sum()), abs(dx * dy) / 1e4)
    else:
        # Degrees: a cell shrinks towards the pole.
        cell = abs(dx * dy) * (111_320.0**2) * np.cos(np.radians(y[both])) / 1e4
    matrix = _matrix(here[both], there[both], cell)
    return Comparison(matrix, crs.to_string(), "pixels", int(both.sum()))


def _classes_at(
    a: gpd.GeoDataFrame | xr.DataArray, x: np.ndarray, y: np.ndarray, crs: CRS
) -> np.ndarray:
    """Class positions of a map at points given in ``crs`` (-1 = none)."""
    if isinstance(a, xr.DataArray):
        there = CRS.from_user_input(a.rio.crs.to_wkt())
        px, py = Transformer.from_crs(crs, there, always_xy=True).transform(x, y)
        col, row = ~a.rio.transform() * (px, py)
        col, row = np.floor(col).astype(int), np.floor(row).astype(int)
        inside = (row >= 0) & (row < a.sizes["y"]) & (col >= 0) & (col < a.sizes["x"])
        out = np.full(x.size, -1)
        out[inside] = np.nan_to_num(a.to_numpy()[row[inside], col[inside]], nan=-1).astype(int)
        return out
    px, py = Transformer.from_crs(crs, a.crs, always_xy=True).transform(x, y)
    point, polygon = shapely.STRtree(a.geometry.to_numpy()).query(
        shapely.points(px, py), predicate="intersects"
    )
    out = np.full(x.size, -1)
    # A centre on a common border takes the first of its polygons, the same at every run.
    order = np.lexsort((polygon, point))[::-1]
    out[point[order]] = index_from_codes(a["lcz"])[polygon[order]]
    return out


def disagreement(pieces: gpd.GeoDataFrame) -> pd.DataFrame:
    """The pairs of classes that two maps disagree on, largest area first.

    Parameters
    ----------
    pieces : geopandas.GeoDataFrame
        From :func:`overlay`.

    Returns
    -------
    pandas.DataFrame
        ``lcz_a``, ``lcz_b``, ``area_ha``, ``share`` of the common area.
    """
    differing = pieces[~pieces["agree"]]
    index = index_from_codes(differing["lcz_a"]).astype(int) * len(CODES) + index_from_codes(
        differing["lcz_b"]
    )
    area = np.bincount(index, weights=differing["area_ha"], minlength=len(CODES) ** 2)
    order = np.argsort(-area, kind="stable")
    order = order[area[order] > 0]
    return pd.DataFrame(
        {
            "lcz_a": codes_from_index(order // len(CODES)),
            "lcz_b": codes_from_index(order % len(CODES)),
            "area_ha": area[order],
            "share": area[order] / pieces["area_ha"].sum(),
        }
    )


def blocked_interval(
    pieces: gpd.GeoDataFrame, block_m: float = 1000.0, resamples: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Agreement and kappa with 95 % intervals that mind that neighbours err together.

    The pieces are gathered in squares of ``block_m`` metres, and whole squares are drawn
    again with replacement (spatial block bootstrap): drawing single pieces would take one
    mistake over a whole quarter for hundreds of independent ones.

    Parameters
    ----------
    pieces : geopandas.GeoDataFrame
        From :func:`overlay`.
    block_m : float
        Side of the squares, m.
    resamples, seed : int

    Returns
    -------
    pandas.DataFrame
        Rows ``agreement``, ``kappa``; columns ``value, low, high``; ``attrs["blocks"]``
        the number of squares.

    Notes
    -----
    Source: Lahiri, S. N. (2003), Resampling Methods for Dependent Data, ch. 12.
    """
    if not block_m > 0:
        raise InvalidInput(
            "Le côté d'un carré de rééchantillonnage est un nombre de mètres positif.",
            "The side of a resampling square is a positive number of metres.",
        )
    size = len(CODES)
    spot = shapely.get_coordinates(shapely.centroid(pieces.geometry.to_numpy()))
    square = np.floor((spot - spot.min(axis=0)) / block_m).astype(int)
    _, square_id = np.unique(square, axis=0, return_inverse=True)
    square_id = square_id.ravel()
    n = int(square_id.max()) + 1
    a = index_from_codes(pieces["lcz_a"]).astype(int)
    b = index_from_codes(pieces["lcz_b"]).astype(int)
    cells = np.bincount(
        (square_id * size + a) * size + b,
        weights=pieces["area_ha"].to_numpy(),
        minlength=n * size * size,
    ).reshape(n, -1)
    times = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)
    matrices = np.concatenate([cells.sum(axis=0)[None], times @ cells]).reshape(-1, size, size)
    total = matrices.sum(axis=(1, 2))
    matrices, total = matrices[total > 0], total[total > 0]
    observed = np.trace(matrices, axis1=1, axis2=2) / total
    expected = (matrices.sum(axis=1) * matrices.sum(axis=2)).sum(axis=1) / total**2
    with np.errstate(invalid="ignore", divide="ignore"):
        kappas = np.where(expected < 1, (observed - expected) / (1 - expected), np.nan)
    rows = {}
    for name, values in (("agreement", observed), ("kappa", kappas)):
        low, high = np.nanpercentile(values[1:], [2.5, 97.5])
        rows[name] = {"value": values[0], "low": low, "high": high}
    out = pd.DataFrame(rows).T
    out.attrs["blocks"] = n
    return out
