"""Area of every zone in every cell of the Black Marble grid, computed once, kept sparse."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..territory.commune import WGS84

__all__ = ["CELL", "TILE_DEGREES", "Weights", "cell_areas", "weights_of"]

#: Cell of Black Marble, degrees (15 arc-seconds).
CELL = 1 / 240
#: Tiles are squares of this many degrees.
TILE_DEGREES = 10
#: Radius of the sphere on which cells have their areas, km.
RADIUS = 6371.0


@dataclass(frozen=True)
class Weights:
    """Area (km²) of zones in cells of the world grid.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array (zones, cells)
        Only cells that some zone touches have a column.
    row, col : ndarray (cells,)
        Position of each cell, counted from 90° N and 180° W.
    cell : float
        Size of a cell, degrees.
    outer : scipy.sparse.csr_array (zones, cells), optional
        Weights of what each zone receives from without (:func:`neighbours.with_outer`).
    """

    matrix: Any
    row: NDArray[np.int64]
    col: NDArray[np.int64]
    cell: float = CELL
    outer: Any = None

    @property
    def area(self) -> NDArray[np.float64]:
        """Area of each zone, km²."""
        return np.asarray(self.matrix.sum(axis=1)).ravel()

    @cached_property
    def tiles(self) -> dict[tuple[int, int], NDArray[np.int64]]:
        """Cells (positions in ``row``) that lie in each tile, by its first row and column."""
        size = round(TILE_DEGREES / self.cell)
        first = np.stack([self.row // size * size, self.col // size * size], axis=1)
        keys, which = np.unique(first, axis=0, return_inverse=True)
        which = which.ravel()
        return {
            (int(r), int(c)): np.nonzero(which == k)[0].astype(np.int64)
            for k, (r, c) in enumerate(keys)
        }

    def zones(self, rows: NDArray[Any]) -> Weights:
        """Some of the zones, with the cells that they need (``outer`` is left out)."""
        part = self.matrix[rows]
        used = np.unique(part.indices)
        return Weights(part[:, used], self.row[used], self.col[used], self.cell)


def cell_areas(row: NDArray[Any], cell: float = CELL) -> NDArray[np.float64]:
    """Area of cells on the sphere, km², from their rows counted from 90° N."""
    latitude = np.radians(90 - (np.asarray(row) + 0.5) * cell)
    return np.asarray((math.radians(cell) * RADIUS) ** 2 * np.cos(latitude))


def weights_of(geometries: Sequence[Any], cell: float = CELL) -> Weights:
    """Exact area of each zone in each cell that it touches.

    Parameters
    ----------
    geometries : sequence of shapely geometries
        Polygons in EPSG:4326. A zone may lie anywhere; one over the border of two
        tiles gets its cells from both.
    cell : float
        Size of a cell, degrees.

    Returns
    -------
    Weights
        Covered share of each cell (exact, by ``exactextract``) times its area. An empty
        or missing geometry has no cell.

    Notes
    -----
    ``exactextract`` now and then loses a whole cell of a polygon whose vertices lie on
    cell borders. A zone whose shares do not sum to its area is computed again with shapely.
    """
    import shapely
    from scipy.sparse import csr_array

    shapes = np.asarray(geometries, dtype=object)
    bounds = shapely.bounds(shapes)
    zone, row, col, share = [], [], [], []
    for indices, top, left, height, width in _blocks(bounds, cell):
        z, cells, covered = _coverage(shapes[indices], top, left, height, width, cell)
        zone.append(indices[z])
        row.append(top + cells // width)
        col.append(left + cells % width)
        share.append(covered)
    if not zone:
        empty = np.zeros(0, np.int64)
        return Weights(csr_array((len(shapes), 0)), empty, empty, cell)
    zones, rows, cols, shares = _mended(
        shapes, cell, np.concatenate(zone), np.concatenate(row), np.concatenate(col),
        np.concatenate(share),
    )  # fmt: skip
    world = round(360 / cell)
    unique, place = np.unique(rows * world + cols, return_inverse=True)
    area = shares * cell_areas(rows, cell)
    entry = (zones, place.ravel())
    matrix = csr_array((area, entry), shape=(len(shapes), unique.size))
    matrix.sort_indices()
    return Weights(matrix, unique // world, unique % world, cell)


def _mended(
    shapes: NDArray[Any],
    cell: float,
    zone: NDArray[np.int64],
    row: NDArray[np.int64],
    col: NDArray[np.int64],
    share: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """The same entries, those of a zone with a wrong sum by intersections cell by cell."""
    import shapely

    expected = shapely.area(shapes) / cell**2
    found = np.bincount(zone, share, len(shapes))
    wrong = np.nonzero(np.abs(found - expected) > 1e-5 * (1 + expected))[0]
    parts = [(zone, row, col, share)]
    if wrong.size:
        kept = ~np.isin(zone, wrong)
        parts = [(zone[kept], row[kept], col[kept], share[kept])]
    for k in wrong:
        west, south, east, north = shapely.bounds(shapes[k])
        rows = np.arange(math.floor((90 - north) / cell), math.ceil((90 - south) / cell) + 1)
        cols = np.arange(math.floor((west + 180) / cell), math.ceil((east + 180) / cell) + 1)
        r, c = (v.ravel() for v in np.meshgrid(rows, cols, indexing="ij"))
        left, top = c * cell - 180, 90 - r * cell
        boxes = shapely.box(left, top - cell, left + cell, top)
        part = shapely.area(shapely.intersection(shapes[k], boxes)) / cell**2
        inside = part > 0
        number = np.full(int(inside.sum()), k, np.int64)
        parts.append((number, r[inside], c[inside], part[inside]))
    zones, rows_, cols_, shares = (np.concatenate(v) for v in zip(*parts, strict=True))
    return zones, rows_, cols_, shares


def _blocks(
    bounds: NDArray[np.float64], cell: float
) -> Iterator[tuple[NDArray[np.int64], int, int, int, int]]:
    """Zones by the tile they meet, and the window of the tile that these need."""
    size = round(TILE_DEGREES / cell)
    known = np.nonzero(np.isfinite(bounds).all(1))[0]
    west, south, east, north = bounds[known].T
    edges = np.stack(
        [
            np.floor((90 - north) / cell + 1e-9),
            np.floor((west + 180) / cell + 1e-9),
            np.ceil((90 - south) / cell - 1e-9),
            np.ceil((east + 180) / cell - 1e-9),
        ],
        axis=1,
    ).astype(np.int64)
    # A zone without extent still lies in a cell.
    edges[:, 2:] = np.maximum(edges[:, 2:], edges[:, :2] + 1)
    by_tile: dict[tuple[int, int], list[int]] = {}
    for k, (top, left, bottom, right) in enumerate(edges):
        for v in range(top // size, (bottom - 1) // size + 1):
            for h in range(left // size, (right - 1) // size + 1):
                by_tile.setdefault((v, h), []).append(k)
    for (v, h), members in sorted(by_tile.items()):
        here = edges[members]
        top, left = (np.maximum(here[:, :2].min(0), (v * size, h * size))).tolist()
        bottom, right = np.minimum(here[:, 2:].max(0), ((v + 1) * size, (h + 1) * size)).tolist()
        yield known[members].astype(np.int64), top, left, bottom - top, right - left


def _coverage(
    shapes: NDArray[Any], top: int, left: int, height: int, width: int, cell: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Zone, cell of the window and covered share, for every pair that meets."""
    import geopandas as gpd
    from exactextract import exact_extract
    from exactextract.raster import NumPyRasterSource
    from pyproj import CRS

    raster = NumPyRasterSource(
        np.zeros((height, width), np.uint8),
        xmin=-180 + left * cell,
        ymin=90 - (top + height) * cell,
        xmax=-180 + (left + width) * cell,
        ymax=90 - top * cell,
        srs_wkt=CRS.from_user_input(WGS84).to_wkt(),
    )
    frame = gpd.GeoDataFrame({"zone": np.arange(len(shapes))}, geometry=list(shapes), crs=WGS84)
    found = exact_extract(
        raster, frame, ["cell_id", "coverage"], include_cols=["zone"], output="pandas"
    )
    sizes = found["cell_id"].map(len).to_numpy()
    zone = np.repeat(found["zone"].to_numpy(), sizes).astype(np.int64)
    cells = np.concatenate(found["cell_id"].to_list()).astype(np.int64)
    share = np.concatenate(found["coverage"].to_list()).astype(np.float64)
    kept = share > 0
    return zone[kept], cells[kept], share[kept]
