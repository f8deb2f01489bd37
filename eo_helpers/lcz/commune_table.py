"""The sensitive ground and people of every commune that a map covers, in one pass.

What comparisons are made of. Made once for a national map (``eo-helpers data import lcz …
--communes FILE``), kept beside it; for a map of a few communes, made when first asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import shapely
from pyproj import CRS

from ..errors import OutOfCoverage
from ..territory import population
from ..territory.commune import Commune
from ..territory.read import read_table
from .data import whole_map
from .files import write_beside
from .schema import CODES, SENSITIVITIES, index_from_codes, sensitivity_of

__all__ = [
    "CATEGORIES",
    "beside",
    "commune_table",
    "holding_of",
    "load",
    "pieces_of",
    "read_communes",
    "save",
]

Progress = Callable[[str, float], None]

#: Columns of a table: area (m²) and people of each, ``unclassed`` last.
CATEGORIES = (*SENSITIVITIES, "unclassed")
#: Category of each class, without one last (where position -1 looks).
_KIND = np.array([CATEGORIES.index(s) for s in (*sensitivity_of(CODES), "unclassed")])
#: Blocks worked on at a time.
_ROWS = 40_000
#: Equal-area, metres: for maps in degrees.
_EQUAL_AREA = CRS.from_epsg(6933)


def read_communes(paths: Sequence[Path]) -> gpd.GeoDataFrame:
    """Communes with their boundaries: ``insee, name, departement, epci, population``, EPSG:4326.

    Raises
    ------
    InvalidInput
        See :func:`eo_helpers.territory.read.read_table`.
    """
    parts = []
    for path in paths:
        table = read_table(path)
        if path.suffix.lower() in (".parquet", ".geoparquet"):
            # All at once: the table itself gives one boundary at a time.
            shapes = gpd.read_parquet(path).geometry.to_crs("EPSG:4326").to_numpy()
        else:
            shapes = np.array([table.boundary(i) for i in range(len(table.insee))], dtype=object)
        columns = {n: getattr(table, n) for n in ("insee", "name", "departement", "epci")}
        columns["population"] = [np.nan if p is None else float(p) for p in table.population]
        parts.append(gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4326"))
    return pd.concat(parts, ignore_index=True)


def commune_table(
    paths: Sequence[Path],
    dataset: str,
    communes: gpd.GeoDataFrame,
    cells: Any = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Area and people by sensitivity category, for every commune that the map meets.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        The map: one national GeoParquet, or files small enough to be read whole.
    dataset : str
        One of :data:`eo_helpers.lcz.data.DATASETS`.
    communes : geopandas.GeoDataFrame
        From :func:`read_communes`.
    cells : eo_helpers.catalog.Holding, optional
        Files of data set ``filosofi-200m``; people are spread evenly over the ground.
    progress : callable (step, fraction), optional

    Returns
    -------
    pandas.DataFrame
        ``insee, name, departement, epci, population, commune_m2``, ``area_<category>`` (m²)
        for each of :data:`CATEGORIES`, and with ``cells`` ``people_<category>``.
    """
    shape = (len(communes), len(CATEGORIES))
    area, people = np.zeros(shape), np.zeros(shape)
    borders: dict[str, np.ndarray] = {}
    for blocks, done in _stretches(paths, dataset):
        if progress:
            progress("Parts de chaque commune", done)
        if not blocks.crs.is_projected:
            blocks = blocks.to_crs(_EQUAL_AREA)
        key = blocks.crs.to_string()
        if key not in borders:
            borders[key] = shapely.make_valid(communes.to_crs(blocks.crs).geometry.to_numpy())
            shapely.prepare(borders[key])
        commune, index, pieces = pieces_of(blocks, borders[key])
        kind = _KIND[index]
        np.add.at(area, (commune, kind), shapely.area(pieces))
        if cells is not None and len(pieces):
            found = _people(gpd.GeoSeries(pieces, crs=blocks.crs), cells)
            np.add.at(people, (commune, kind), found)
    out = communes[["insee", "name", "departement", "epci", "population"]].copy()
    # Measured as the blocks are (a map has one CRS): a share is of the same metres.
    out["commune_m2"] = shapely.area(next(iter(borders.values())))
    for n, name in enumerate(CATEGORIES):
        out[f"area_{name}"] = area[:, n]
        if cells is not None:
            out[f"people_{name}"] = people[:, n]
    return pd.DataFrame(out[area.sum(axis=1) > 0]).reset_index(drop=True)


def _stretches(paths: Sequence[Path], dataset: str) -> Iterator[tuple[gpd.GeoDataFrame, float]]:
    """The map a stretch at a time, with how far we are (0-1)."""
    national = len(paths) == 1 and Path(paths[0]).suffix.lower() in (".parquet", ".geoparquet")
    if not national:
        yield whole_map(paths, dataset), 0.0
        return
    with pq.ParquetFile(paths[0]) as file:
        crs = gpd.read_parquet(paths[0], columns=["geometry"], bbox=(0, 0, 0, 0)).crs
        total, done = max(file.metadata.num_rows, 1), 0
        for batch in file.iter_batches(_ROWS, columns=["lcz", "geometry"]):
            shapes = shapely.from_wkb(batch.column("geometry").to_numpy(zero_copy_only=False))
            codes = batch.column("lcz").to_numpy(zero_copy_only=False)
            yield gpd.GeoDataFrame({"lcz": codes}, geometry=shapes, crs=crs), done / total
            done += len(batch)


def pieces_of(
    blocks: gpd.GeoDataFrame, borders: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Blocks cut along communes.

    Parameters
    ----------
    blocks : geopandas.GeoDataFrame
        ``lcz``, in a projected CRS.
    borders : numpy.ndarray of shapely geometries
        Communes in the same CRS, valid.

    Returns
    -------
    commune, index, pieces : numpy.ndarray
        Position of the commune, of the class (``schema.CODES``; -1 without one), and ground.
    """
    shapes = blocks.geometry.to_numpy()
    invalid = ~shapely.is_valid(shapes)
    shapes[invalid] = shapely.make_valid(shapes[invalid])
    commune, block = shapely.STRtree(shapes).query(borders, predicate="intersects")
    pieces = shapes[block]
    cut = np.flatnonzero(~shapely.contains(borders[commune], pieces))
    pieces[cut] = shapely.intersection(pieces[cut], borders[commune[cut]])
    index = index_from_codes(blocks["lcz"])[block]
    there = shapely.area(pieces) > 0
    return commune[there], index[there], pieces[there]


def _people(pieces: gpd.GeoSeries, cells: Any) -> np.ndarray:
    """People of each piece of ground, spread evenly over the cells."""
    out = np.zeros(len(pieces))
    box = shapely.box(*pieces.to_crs("EPSG:4326").total_bounds)
    # The reader of cells asks for a commune: the box of the stretch stands in for one.
    try:
        near = population.read(cells, Commune("00000", "", "00", shapely.segmentize(box, 0.05)))
    except OutOfCoverage:
        return out
    ground = pieces.to_crs(near.crs).to_numpy()
    squares = near.geometry.to_numpy()
    piece, cell = shapely.STRtree(squares).query(ground, predicate="intersects")
    part = shapely.area(shapely.intersection(ground[piece], squares[cell]))
    people = near["ind"].to_numpy(dtype=float)[cell] * part / shapely.area(squares[cell])
    np.add.at(out, piece, people)
    return out


def beside(national: Path) -> Path:
    """Where the table of a national map is kept."""
    return national.with_name(f"{national.stem}_communes.parquet")


def save(table: pd.DataFrame, national: Path) -> Path:
    """Keep a table beside its map, marked with what the map was."""
    path = beside(national)
    marked = table.copy()
    marked.attrs = {"map": _mark(national)}
    write_beside(path, marked.to_parquet)
    return path


def load(national: Path) -> pd.DataFrame | None:
    """The table beside a map; None if there is none, or the map has changed since."""
    path = beside(national)
    if not path.is_file():
        return None
    table = pd.read_parquet(path)
    return table if table.attrs.get("map") == _mark(national) else None


def _mark(national: Path) -> str:
    return f"{national.stat().st_size} {pq.read_metadata(national).num_rows}"


def holding_of(path: Path) -> Any:
    """A file of population cells as the readers take it."""
    return SimpleNamespace(dataset="filosofi-200m", paths=[path], items=())
