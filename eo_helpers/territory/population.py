"""Who lives where: INSEE's 200 m cells, shared out among polygons."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyproj import CRS

from ..errors import InvalidInput, OutOfCoverage
from ..text import of_place
from .commune import Commune

__all__ = [
    "FILOSOFI_COLUMNS",
    "Shared",
    "Spread",
    "cells_from_ids",
    "read",
    "share_out",
    "spread",
]

#: Name of the cell identifier, by vintage: 2019, 2017, 2015 (compared in lower case).
_ID_NAMES = ("idcar_200m", "idinspire")
#: What the theme keeps where it is there; ``ind`` (people) is needed.
FILOSOFI_COLUMNS = (
    *("ind", "men", "men_pauv", "ind_0_3", "ind_4_5", "ind_6_10", "ind_11_17", "ind_18_24"),
    *("ind_25_39", "ind_40_54", "ind_55_64", "ind_65_79", "ind_80p", "ind_inc"),
)
_CELL_ID = re.compile(r"^CRS(\d{4,5})RES(\d+)mN(-?\d+)E(-?\d+)$", re.IGNORECASE)


@dataclass(frozen=True)
class Shared:
    """People of the commune, shared out among polygons.

    Attributes
    ----------
    people : numpy.ndarray, shape (n polygons,)
        People in each polygon.
    outside : float
        People of the commune in no polygon.
    total : float
        People of the commune: ``people.sum() + outside``.
    """

    people: np.ndarray
    outside: float
    total: float


def cells_from_ids(ids: pd.Series, where: str = "") -> tuple[np.ndarray, np.ndarray]:
    """Exact squares of INSEE cell identifiers, and the EPSG code of each.

    Parameters
    ----------
    ids : pandas.Series of str
        ``CRS3035RES200mN2029800E4254200``: CRS, side in metres, northing and easting of
        the lower-left corner.
    where : str
        File name, for the message.

    Returns
    -------
    (numpy.ndarray of shapely.Polygon, numpy.ndarray of int), shape (n,)

    Raises
    ------
    InvalidInput
        If an identifier is not of that form.
    """
    parts = ids.astype(str).str.extract(_CELL_ID)
    bad = parts[0].isna()
    if bad.any():
        raise InvalidInput(
            f"{where} : « {ids[bad].iloc[0]} » n'est pas un identifiant de carreau de l'INSEE "
            "(attendu : CRS3035RES200mN2029800E4254200).",
            f"{where}: '{ids[bad].iloc[0]}' is not an INSEE cell identifier "
            "(expected: CRS3035RES200mN2029800E4254200).",
        )
    epsg, side, north, east = (parts[i].astype(np.int64).to_numpy() for i in range(4))
    return shapely.box(east, north, east + side, north + side), epsg


def read(holding: Any, commune: Commune) -> gpd.GeoDataFrame:
    """Population cells that meet a commune (Filosofi 200 m, any vintage).

    Parameters
    ----------
    holding : eo_helpers.catalog.Holding
        Files of data set ``filosofi-200m`` (GeoPackage, shapefile or CSV).
    commune : Commune

    Returns
    -------
    geopandas.GeoDataFrame
        Whole square cells in the CRS of their identifiers: ``cell_id`` and those of
        :data:`FILOSOFI_COLUMNS` that the vintage has, lower case, people or households.

    Raises
    ------
    InvalidInput
        If the identifier or ``ind`` is missing or is not what it should be.
    OutOfCoverage
        If no cell meets the commune.

    Notes
    -----
    Source: INSEE, Filosofi, données carroyées à 200 m. INSEE imputes the composition of
    cells with few households: a single cell is an estimate.
    """
    parts = []
    for path in holding.paths:
        for part in _cells(Path(path), commune):
            parts.append(part)
    if not parts:
        names = ", ".join(Path(p).name for p in holding.paths)
        raise OutOfCoverage(
            f"{names} : aucun carreau de population sur la commune {of_place(commune.name)}.",
            f"{names}: no population cell over the commune of {commune.name}.",
        )
    cells = pd.concat(parts, ignore_index=True)
    return cells.drop_duplicates("cell_id").reset_index(drop=True)


def _cells(path: Path, commune: Commune) -> list[gpd.GeoDataFrame]:
    table = _table(path, commune)
    by_name = {str(c).lower(): c for c in table.columns}
    identifier = next((by_name[n] for n in _ID_NAMES if n in by_name), None)
    missing = [] if identifier else ["idcar_200m"]
    missing += [] if "ind" in by_name else ["ind"]
    if missing:
        raise InvalidInput(
            f"{path.name} : colonne(s) {', '.join(missing)} absente(s) ; il faut les carreaux "
            "de 200 m de Filosofi (INSEE).",
            f"{path.name}: column(s) {', '.join(missing)} missing; INSEE's Filosofi 200 m "
            "cells are needed.",
        )
    if table.empty:
        return []
    geometry, epsg = cells_from_ids(table[identifier], path.name)
    kept = [c for c in FILOSOFI_COLUMNS if c in by_name]
    values = table[[by_name[c] for c in kept]].set_axis(kept, axis=1)
    people = pd.to_numeric(values["ind"], errors="coerce")
    if not (people >= 0).all():
        raise InvalidInput(
            f"{path.name} : la colonne « ind » (habitants) contient {int((~(people >= 0)).sum())} "
            "valeur(s) négative(s) ou illisible(s).",
            f"{path.name}: column 'ind' (people) holds {int((~(people >= 0)).sum())} negative "
            "or unreadable value(s).",
        )
    out = []
    for code in np.unique(epsg):
        rows = epsg == code
        boundary = commune.boundary_in(CRS.from_epsg(int(code)))
        if not np.isfinite(boundary.bounds).all():
            # The commune lies where this projection has no meaning: another territory's cells.
            continue
        shapely.prepare(boundary)
        rows[rows] = shapely.intersects(boundary, geometry[rows])
        if rows.any():
            out.append(
                gpd.GeoDataFrame(
                    values[rows].assign(cell_id=table.loc[rows, identifier].astype(str)),
                    geometry=geometry[rows],
                    crs=CRS.from_epsg(int(code)),
                )
            )
    return out


def _table(path: Path, commune: Commune) -> pd.DataFrame:
    """Rows of the file, near the commune where the file has geometries to tell."""
    suffix = path.suffix.lower()
    try:
        if suffix in (".csv", ".txt"):
            with path.open(encoding="utf-8") as file:
                first = file.readline().strip()
            separator = ";" if ";" in first else ","
            names = [name.strip('"') for name in first.split(separator)]
            wanted = [n for n in names if n.lower() in (*_ID_NAMES, *FILOSOFI_COLUMNS)]
            return pd.read_csv(path, usecols=wanted, sep=separator)
        if suffix in (".parquet", ".geoparquet"):
            return pd.read_parquet(path)
        info = pyogrio.read_info(path)
        bounds = commune.boundary_in(info["crs"]).bounds if info["crs"] else None
        return pd.DataFrame(
            pyogrio.read_dataframe(path, bbox=bounds, read_geometry=False, use_arrow=False)
        )
    except (pyogrio.errors.DataSourceError, pd.errors.ParserError, ValueError) as error:
        raise InvalidInput(
            f"{path.name} ne se lit pas : {error}.",
            f"{path.name} cannot be read: {error}.",
        ) from error


@dataclass(frozen=True)
class Spread:
    """How the people of cells go to polygons, whatever is counted.

    Attributes
    ----------
    shares : scipy.sparse.csr_array, shape (n polygons, n cells)
        Part of each cell's people that is in each polygon.
    inside : numpy.ndarray, shape (n cells,)
        Part of each cell that is in the commune.
    """

    shares: Any
    inside: np.ndarray

    def of(self, counts: Any) -> Shared:
        """Share out one count (people, households …), one value a cell."""
        values = np.asarray(counts, dtype=float)
        shared = self.shares @ values
        total = float((self.inside * values).sum())
        return Shared(shared, max(total - float(shared.sum()), 0.0), total)


def spread(
    cells: gpd.GeoDataFrame,
    polygons: gpd.GeoDataFrame,
    boundary: Any = None,
    weights: Sequence[np.ndarray | None] = (None,),
) -> tuple[Spread, ...]:
    """How the people of cells spread over polygons, for each way to weigh the ground.

    Parameters
    ----------
    cells, polygons, boundary
        As for :func:`share_out`.
    weights : sequence
        For each answer, the ``weights`` of :func:`share_out`; the overlay is done once.

    Returns
    -------
    tuple of Spread, one for each of ``weights``
    """
    from scipy.sparse import csr_array

    squares = cells.geometry.to_numpy()
    whole = shapely.area(squares)
    if boundary is not None:
        shapely.prepare(boundary)
        cut = np.flatnonzero(~shapely.contains(boundary, squares))
        squares = squares.copy()
        squares[cut] = shapely.intersection(squares[cut], boundary)
    inside = shapely.area(squares)

    shapes = polygons.geometry.to_crs(cells.crs).to_numpy()
    cell, polygon = shapely.STRtree(shapes).query(squares, predicate="intersects")
    area = shapely.area(shapely.intersection(squares[cell], shapes[polygon]))
    covered = np.bincount(cell, weights=area, minlength=len(squares))
    # Rounding of the overlay may cover a cell by a hair more than its area.
    ground = np.maximum(inside, covered)
    plain = np.divide(area, ground[cell], out=np.zeros_like(area), where=ground[cell] > 0)
    out = []
    for each in weights:
        fraction = plain
        if each is not None:
            weighted = area * np.asarray(each, dtype=float)[polygon]
            per_cell = np.bincount(cell, weights=weighted, minlength=len(squares))[cell]
            fraction = np.where(per_cell > 0, weighted / np.where(per_cell > 0, per_cell, 1), plain)
        part = fraction * (inside / whole)[cell]
        shares = csr_array((part, (polygon, cell)), shape=(len(shapes), len(squares)))
        out.append(Spread(shares, inside / whole))
    return tuple(out)


def share_out(
    cells: gpd.GeoDataFrame,
    polygons: gpd.GeoDataFrame,
    boundary: Any = None,
    weights: np.ndarray | None = None,
    column: str = "ind",
) -> Shared:
    """Share the people of cells out among polygons, by area.

    **Assumption**: people are spread evenly over each cell (areal weighting). With
    ``weights``, ground counts in proportion to its polygon's weight instead: 1 for built
    classes and 0 for natural ones puts everybody in the built part of the cell, where
    there is any. The truth lies between the two; what separates them is an uncertainty.

    Parameters
    ----------
    cells : geopandas.GeoDataFrame
        Squares with ``column`` people each; areas are taken in its CRS.
    polygons : geopandas.GeoDataFrame
        Polygons that do not overlap (any CRS).
    boundary : shapely geometry, optional
        The commune, in the CRS of ``cells``: a cell that straddles it gives the commune
        its part by area. None takes the cells whole.
    weights : numpy.ndarray, shape (n polygons,), optional
        Weight of each polygon's ground, ≥ 0 (default 1 everywhere). The ground outside
        all polygons counts like that of a polygon of weight 1 without weights, 0 with.

    Returns
    -------
    Shared
        The total is conserved: what the cells hold inside the boundary.

    Notes
    -----
    Source: Goodchild, M. F. & Lam, N. S.-N. (1980), Areal interpolation, Geo-Processing
    1, 297-312.
    """
    return spread(cells, polygons, boundary, (weights,))[0].of(cells[column])
