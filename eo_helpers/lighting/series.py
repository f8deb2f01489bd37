"""From tiles to the monthly series of many zones at once: one date at a time, little memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import InvalidInput, NoData
from ._hdfeos import VIEWS, Tile, open_tile
from .neighbours import received, with_outer
from .weights import Weights, weights_of
from .zonal import COLUMNS, zone_values

__all__ = [
    "SUFFIXES",
    "TileFile",
    "as_table",
    "date_values",
    "index_tiles",
    "read_zones",
    "series_of",
]

SUFFIXES = (".h5", ".hdf5", ".he5", ".hdf")
Broken = Literal["raise", "gap"]


@dataclass(frozen=True)
class TileFile:
    """What a tile says of itself, without its data."""

    path: Path
    product: str
    period: str
    date: str
    rank: tuple[bool, str, str]
    row: int
    col: int
    size: int
    cell: float


def index_tiles(
    paths: Iterable[Path], broken: Broken = "raise"
) -> tuple[dict[str, list[TileFile]], list[str]]:
    """Tiles by their date, the best of each place only, and the files left out.

    Parameters
    ----------
    paths : iterable of Path
        Black Marble files of one time step.
    broken : {"raise", "gap"}
        Whether a file that cannot be read raises, or is left out and named.

    Returns
    -------
    dict of list of TileFile
        By ISO date (``2022-11`` for months), in order.
    list of str
        One sentence a file that was left out.

    Raises
    ------
    InvalidInput
        If a file cannot be read (``broken="raise"``), or time steps or cell sizes differ.
    NoData
        If there is no readable tile.
    """
    best: dict[tuple[str, int, int], TileFile] = {}
    failed: list[str] = []
    first: TileFile | None = None
    for path in sorted(Path(p) for p in paths):
        try:
            with open_tile(path) as tile:
                about = _about(tile)
        except InvalidInput as error:
            if broken == "raise":
                raise
            failed.append(f"{path.name} : {error.fr}")
            continue
        first = first or about
        if about.period != first.period or abs(about.cell - first.cell) > 1e-9:
            raise InvalidInput(
                f"« {path.name} » et « {first.path.name} » n'ont pas le même pas de temps ou la "
                "même maille : ne gardez qu'un produit par dossier.",
                f"'{path.name}' and '{first.path.name}' differ in time step or cell size: keep "
                "one product per folder.",
            )
        key = (about.date, about.row, about.col)
        if key not in best or about.rank > best[key].rank:
            best[key] = about
    if not best:
        told = f" ({failed[0]})" if failed else ""
        raise NoData(
            f"Aucune tuile Black Marble lisible{told}.", f"No readable Black Marble tile{told}."
        )
    dates: dict[str, list[TileFile]] = {}
    for key in sorted(best):
        dates.setdefault(key[0], []).append(best[key])
    return dates, failed


def _about(tile: Tile) -> TileFile:
    return TileFile(
        tile.path, tile.product, tile.period, str(tile.date), tile.rank, tile.row, tile.col,
        tile.shape[0], tile.cell,
    )  # fmt: skip


def date_values(
    tiles: Sequence[TileFile],
    weights: Weights,
    *,
    view: str = "AllAngle",
    least_share: float = 0.5,
    broken: Broken = "raise",
) -> tuple[dict[str, NDArray[np.float64]], list[str]]:
    """Figures of every zone at one date.

    Parameters
    ----------
    tiles : sequence of TileFile
        The files of the date (:func:`index_tiles`).
    weights : Weights
    view, least_share, broken
        As in :func:`data.read` and :func:`zonal.zone_values`.

    Returns
    -------
    dict of ndarray (zones,)
        :data:`zonal.COLUMNS`; and ``outer`` (:func:`neighbours.received`) if the weights
        have it.
    list of str
        Files that could not be read, each in a sentence.
    """
    size = weights.row.size
    cells: dict[str, NDArray[Any]] = {
        "radiance": np.full(size, np.nan, np.float32),
        "std": np.full(size, np.nan, np.float32),
        "nights": np.zeros(size, np.float32),
        "quality": np.full(size, 255, np.uint8),
    }
    failed: list[str] = []
    for about in tiles:
        inside = weights.tiles.get((about.row, about.col))
        if inside is None:
            continue
        row, col = weights.row[inside] - about.row, weights.col[inside] - about.col
        top, left = int(row.min()), int(col.min())
        part = (slice(top, int(row.max()) + 1), slice(left, int(col.max()) + 1))
        try:
            with open_tile(about.path) as tile:
                values = tile.cells(part, view)
        except InvalidInput as error:
            if broken == "raise":
                raise
            failed.append(f"{about.path.name} : {error.fr}")
            continue
        for name, array in values.items():
            cells[name][inside] = array[row - top, col - left]
    found = zone_values(
        weights.matrix, cells["radiance"], cells["std"], cells["nights"], cells["quality"],
        least_share,
    )  # fmt: skip
    if weights.outer is not None:
        found["outer"] = received(weights.outer, cells["radiance"])
    return found, failed


def series_of(
    paths: Iterable[Path],
    geometries: Sequence[Any],
    names: Sequence[str],
    *,
    view: str = "AllAngle",
    least_share: float = 0.5,
    broken: Broken = "gap",
) -> tuple[pd.DataFrame, list[str]]:
    """Series of many zones: one row a zone and date, without holes in time.

    Parameters
    ----------
    paths : iterable of Path
        Black Marble files of one time step, any tiles.
    geometries : sequence of shapely geometries
        Zones in EPSG:4326.
    names : sequence of str
        One a zone.

    Returns
    -------
    pandas.DataFrame
        ``id``, ``date`` (datetime64), then :data:`zonal.COLUMNS` and ``outer`` (the part of
        ``radiance`` that comes from without, :func:`neighbours.received`); a date without a
        file is a gap. In order of zone, then date.
    list of str
        Files that were left out, each in a sentence.
    """
    if view not in VIEWS:
        raise InvalidInput(
            f"La vue « {view} » n'existe pas ; vues connues : {', '.join(VIEWS)}.",
            f"There is no view '{view}'; known views: {', '.join(VIEWS)}.",
        )
    dates, failed = index_tiles(paths, broken)
    about = next(iter(dates.values()))[0]
    weights = with_outer(weights_of(geometries, about.cell))
    unit = {"month": "M", "year": "Y", "day": "D"}[about.period]
    known = np.array(list(dates), f"datetime64[{unit}]")
    axis = np.arange(known.min(), known.max() + 1)
    columns = (*COLUMNS, "outer")
    table = {name: np.full((len(names), axis.size), np.nan) for name in columns}
    for k, date in enumerate(axis):
        found, broken_files = date_values(
            dates.get(str(date), ()), weights, view=view, least_share=least_share, broken=broken
        )
        failed += broken_files
        for name in columns:
            table[name][:, k] = found[name]
    return as_table(table, axis, names), failed


def as_table(
    table: dict[str, NDArray[np.float64]], axis: NDArray[Any], names: Sequence[str]
) -> pd.DataFrame:
    """Figures of zones × dates as rows: ``id``, ``date``, then the columns of ``table``."""
    frame = pd.DataFrame({name: values.ravel() for name, values in table.items()})
    frame["valid_cells"] = frame["valid_cells"].fillna(0).astype("int32")
    frame.insert(0, "date", np.tile(axis.astype("datetime64[ns]"), len(names)))
    frame.insert(0, "id", np.repeat(np.asarray(names, dtype=object), axis.size))
    return frame


def read_zones(path: Path, column: str | None = None) -> tuple[list[Any], list[str]]:
    """Zones in EPSG:4326 and their names, from any vector file.

    Parameters
    ----------
    path : Path
        GeoPackage, shapefile, GeoJSON or GeoParquet, with a CRS.
    column : str, optional
        Column of the names; by default ``id``, ``insee``, ``code`` or ``name``, whichever
        is there first, else the number of the row.

    Raises
    ------
    InvalidInput
        If the file cannot be read, has no CRS, no polygon, or names given twice.
    """
    import geopandas as gpd

    try:
        if path.suffix.lower() in (".parquet", ".geoparquet"):
            frame = gpd.read_parquet(path)
        else:
            frame = gpd.read_file(path)
    except Exception as error:
        raise InvalidInput(
            f"« {path} » n'est pas un fichier de zones lisible (GeoPackage, GeoJSON, …).",
            f"'{path}' is no readable file of zones (GeoPackage, GeoJSON, …).",
        ) from error
    if getattr(frame, "crs", None) is None:
        raise InvalidInput(
            f"« {path.name} » ne dit pas son système de coordonnées (CRS).",
            f"'{path.name}' does not say its coordinate reference system (CRS).",
        )
    polygons = frame.geom_type.isin(["Polygon", "MultiPolygon"])
    if frame.empty or not polygons.all():
        raise InvalidInput(
            f"« {path.name} » doit ne contenir que des polygones, un par zone.",
            f"'{path.name}' must hold polygons only, one a zone.",
        )
    columns = {str(c).lower(): c for c in frame.columns}
    known = ("id", "insee", "code_insee", "code", "name", "nom")
    chosen = column if column is not None else next((columns[c] for c in known if c in columns), "")
    if chosen and chosen not in frame.columns:
        raise InvalidInput(
            f"« {path.name} » n'a pas de colonne « {chosen} ».",
            f"'{path.name}' has no column '{chosen}'.",
        )
    names = [str(v) for v in (frame[chosen] if chosen else range(len(frame)))]
    if len(set(names)) != len(names):
        raise InvalidInput(
            f"« {path.name} » : la colonne « {chosen} » nomme deux zones pareillement ; "
            "choisissez-en une autre avec --id.",
            f"'{path.name}': column '{chosen}' names two zones alike; choose another with --id.",
        )
    return list(frame.geometry.to_crs("EPSG:4326")), names
