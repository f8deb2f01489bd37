"""The ground: what is truly there, from which every file of the territory derives."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import geopandas as gpd
import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize
from scipy import ndimage

__all__ = ["Cover", "Grid", "Ground", "fractal_noise", "generator"]


class Cover(IntEnum):
    """Land cover of a ground cell (the internal truth, 5 m)."""

    SEA = 0
    WATER = 1
    BUILDING = 2
    MINERAL = 3
    BARE = 4
    GRASS = 5
    CROP = 6
    SHRUB = 7
    TREE = 8


def generator(seed: int, *keys: int) -> np.random.Generator:
    """Return a random generator of its own for one part of the territory.

    Parts draw from separate streams, so that deepening one of them does not
    move the others.
    """
    return np.random.default_rng([seed, *keys])


@dataclass(frozen=True)
class Grid:
    """A north-up grid of square cells.

    Parameters
    ----------
    west, north : float
        Upper-left corner, in the units of the CRS.
    step : float
        Cell size.
    rows, cols : int
        Size.
    """

    west: float
    north: float
    step: float
    rows: int
    cols: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows, self.cols

    @property
    def transform(self) -> Affine:
        return Affine(self.step, 0, self.west, 0, -self.step, self.north)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(west, south, east, north)."""
        return (
            self.west,
            self.north - self.rows * self.step,
            self.west + self.cols * self.step,
            self.north,
        )

    def coarse(self, factor: int) -> Grid:
        """Return the grid of cells ``factor`` times larger over the same rectangle."""
        return Grid(
            self.west, self.north, self.step * factor, self.rows // factor, self.cols // factor
        )

    def centres(self) -> tuple[NDArray, NDArray]:
        """Coordinates of the cell centres: ``x`` (cols,) and ``y`` (rows,)."""
        x = self.west + (np.arange(self.cols) + 0.5) * self.step
        y = self.north - (np.arange(self.rows) + 0.5) * self.step
        return x, y

    def mesh(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Coordinates of the cell centres as two (rows, cols) arrays."""
        x, y = self.centres()
        mesh = np.meshgrid(x, y)
        return mesh[0], mesh[1]

    def index(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Row and column of points, held within the grid."""
        col = np.clip(((np.asarray(x) - self.west) / self.step).astype(np.intp), 0, self.cols - 1)
        row = np.clip(((self.north - np.asarray(y)) / self.step).astype(np.intp), 0, self.rows - 1)
        return row, col

    def inside(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether points fall in the grid."""
        west, south, east, north = self.bounds
        return (x >= west) & (x < east) & (y > south) & (y <= north)

    def burn(
        self,
        geometries: object,
        values: object = 1,
        fill: float = 0,
        dtype: str = "int32",
        all_touched: bool = False,
    ) -> NDArray:
        """Rasterise geometries (an array or one geometry) with one value or one each."""
        shapes = np.atleast_1d(np.asarray(geometries, dtype=object))
        numbers = np.broadcast_to(np.asarray(values), shapes.shape)
        keep = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
        pairs = list(zip(shapes[keep], numbers[keep].tolist(), strict=True))
        if not pairs:
            return np.full(self.shape, fill, dtype=dtype)
        return rasterize(
            pairs,
            out_shape=self.shape,
            transform=self.transform,
            fill=fill,
            dtype=dtype,
            all_touched=all_touched,
        )

    def refine(self, values: NDArray, factor: int) -> NDArray[np.float32]:
        """Bilinear values on the grid ``factor`` times finer (self is the coarse grid)."""
        rows = (np.arange(self.rows * factor) + 0.5) / factor - 0.5
        cols = (np.arange(self.cols * factor) + 0.5) / factor - 0.5
        return _along(_along(values.astype(np.float32), rows, 0), cols, 1)


def _along(values: NDArray, where: NDArray, axis: int) -> NDArray[np.float32]:
    """Linear interpolation of rows or columns at fractional indices."""
    size = values.shape[axis]
    low = np.clip(np.floor(where).astype(int), 0, size - 2)
    share = np.clip(where - low, 0, 1).astype(np.float32)
    share = share[:, None] if axis == 0 else share[None, :]
    return values.take(low, axis) * (1 - share) + values.take(low + 1, axis) * share


@dataclass
class Ground:
    """One piece of territory: terrain, land cover, objects, communes.

    Parameters
    ----------
    area : str
        ``"ervelle"`` (mainland) or ``"vermeil"`` (island).
    crs : str
        Projected CRS.
    grid : Grid
        Grid of the rasters below (5 m).
    terrain : float32 (rows, cols)
        Bare-earth height, m; water bodies at the level of their surface, sea 0.
    cover : uint8 (rows, cols)
        :class:`Cover`.
    height : float32 (rows, cols)
        Height of buildings and trees above the ground, m.
    blocks : GeoDataFrame
        Blocks and parcels that tile the communes: ``kind``, ``insee``.
    block_id : int32 (rows, cols)
        Row of ``blocks`` in each cell, -1 outside.
    buildings : GeoDataFrame
        Footprints: ``height`` (m), ``use``, ``dwellings``, ``block``.
    streets : GeoDataFrame
        Centre lines: ``kind`` (``national``, ``main``, ``street``), ``width`` (m).
    communes : GeoDataFrame
        ``insee, name, departement, population, postcodes, epci``.
    places : dict
        Named points (x, y) in metres: centres, harbour …
    river : shapely.LineString or None
        Centre line of the main river, from upstream to the sea.
    river_level : float64 (n,) or None
        Height of its ordinary water surface at each vertex, m.
    """

    area: str
    crs: str
    grid: Grid
    terrain: NDArray[np.float32]
    cover: NDArray[np.uint8]
    height: NDArray[np.float32]
    blocks: gpd.GeoDataFrame
    block_id: NDArray[np.int32]
    buildings: gpd.GeoDataFrame
    streets: gpd.GeoDataFrame
    communes: gpd.GeoDataFrame
    places: dict[str, tuple[float, float]] = field(default_factory=dict)
    river: shapely.LineString | None = None
    river_level: NDArray[np.float64] | None = None


def fractal_noise(
    rng: np.random.Generator, shape: tuple[int, int], step: float, longest: float, octaves: int = 5
) -> NDArray[np.float32]:
    """Smooth noise of unit variance whose largest features measure ``longest`` metres."""
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        wave = max(longest / 2**octave / step, 1.0)
        small = rng.standard_normal((int(shape[0] / wave) + 4, int(shape[1] / wave) + 4))
        offset = rng.random(2)
        rows = np.arange(shape[0]) / wave + 1 + offset[0]
        cols = np.arange(shape[1]) / wave + 1 + offset[1]
        small = ndimage.spline_filter(small, 3)
        if wave < 4:
            part = ndimage.map_coordinates(
                small, np.meshgrid(rows, cols, indexing="ij"), order=3, prefilter=False
            )
        else:
            part = _spline(_spline(small, rows, 0), cols, 1)
        total += (part * 0.5**octave).astype(np.float32)
    return (total - total.mean()) / total.std()


def _spline(values: NDArray, where: NDArray, axis: int) -> NDArray:
    """Cubic B-spline of spline coefficients along one axis (separable, so quick)."""
    low = np.floor(where).astype(int)
    t = where - low
    weights = (
        (1 - t) ** 3 / 6,
        (3 * t**3 - 6 * t**2 + 4) / 6,
        (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
        t**3 / 6,
    )
    total = 0
    for shift, weight in zip((-1, 0, 1, 2), weights, strict=True):
        index = np.clip(low + shift, 0, values.shape[axis] - 1)
        share = weight[:, None] if axis == 0 else weight[None, :]
        total = total + values.take(index, axis) * share
    return np.asarray(total)
