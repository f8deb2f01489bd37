"""Where terrain lets water stand: slope, and height above the nearest drainage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

__all__ = ["Drainage", "can_flood", "drainage", "height_above_drainage", "slope"]

Floats = NDArray[np.float32]

#: Water may stand under the first value, cannot above the second: degrees, metres.
SLOPE = (5.0, 15.0)
DRAINAGE = (12.0, 25.0)
#: Ground that feeds a stream, km².
CATCHMENT = 1.0
#: Cells that drainage is worked out on; a larger terrain is made coarser first.
MOST_CELLS = 600_000


def cell_size(raster: xr.DataArray) -> tuple[float, float]:
    """Width and height of a cell in metres (at the raster's middle, in degrees or metres)."""
    dx, dy = (abs(float(v)) for v in raster.rio.resolution())
    crs = raster.rio.crs
    if crs is not None and crs.is_geographic:
        _, south, _, north = raster.rio.bounds()
        middle = np.radians((south + north) / 2)
        return dx * 111_320 * max(float(np.cos(middle)), 1e-6), dy * 110_574
    unit = crs.linear_units_factor[1] if crs is not None and crs.is_projected else 1.0
    return dx * unit, dy * unit


def slope(heights: NDArray, cell: tuple[float, float]) -> Floats:
    """Slope in degrees by Horn's differences; NaN next to a void.

    Parameters
    ----------
    heights : numpy.ndarray, shape (rows, cols), metres
    cell : (width, height), metres

    Notes
    -----
    Source: Horn (1981), Proc. IEEE 69, 14-47.
    """
    from scipy import ndimage

    z = np.asarray(heights, np.float32)
    east = ndimage.sobel(z, axis=1, mode="nearest") / np.float32(8 * cell[0])
    north = ndimage.sobel(z, axis=0, mode="nearest") / np.float32(8 * cell[1])
    return np.degrees(np.arctan(np.hypot(east, north))).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Drainage:
    """Where water goes from each cell of a terrain.

    Attributes
    ----------
    shape : (rows, cols)
    cells : int array
        Flat index of the cells, upstream before downstream.
    down : int array
        For each of ``cells``, the position in ``cells`` of the next one down, -1 at an outlet.
    """

    shape: tuple[int, int]
    cells: NDArray[np.int64]
    down: NDArray[np.int64]

    def accumulated(self, weights: NDArray) -> NDArray[np.float64]:
        """Sum of ``weights`` (rows, cols) over each cell and all that drains to it; NaN outside."""
        from scipy import sparse
        from scipy.sparse.linalg import spsolve_triangular

        size = self.cells.size
        kept = self.down >= 0
        hand_on = sparse.csr_matrix(
            (-np.ones(int(kept.sum())), (self.down[kept], np.flatnonzero(kept))),
            shape=(size, size),
        )
        own = np.asarray(weights, float).ravel()[self.cells]
        # Row i: its own weight plus that of all cells before it that drain to it.
        fed = spsolve_triangular(
            (sparse.eye(size, format="csr") + hand_on).tocsr(), own, lower=True
        )
        out = np.full(self.shape[0] * self.shape[1], np.nan)
        out[self.cells] = fed
        return out.reshape(self.shape)


def drainage(heights: NDArray) -> Drainage:
    """The drainage tree of a terrain: the spanning tree of least sills.

    Parameters
    ----------
    heights : numpy.ndarray, shape (rows, cols), metres
        NaN is outside. Water leaves by the border and by voids; pits are passed over at
        their lowest sill.

    Notes
    -----
    Source: Barnes, Lehman & Mulla (2014), Computers & Geosciences 62, 117-127 (priority
    flood, of which the tree of least sills is the same result).
    """
    from scipy import sparse
    from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

    z = np.asarray(heights, float)
    inside = np.isfinite(z)
    n = z.size
    rows, cols = z.shape
    if not inside.any():
        none = np.zeros(0, np.int64)
        return Drainage((rows, cols), none, none)
    # Ranks instead of heights: no two alike, so that sills and their order are exact.
    flat = np.where(inside, z, np.inf).ravel()
    order = np.argsort(flat, kind="stable")
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(1, n + 1)
    ids = np.arange(n).reshape(z.shape)
    pairs = []
    for a, b in (
        (np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:]),
        (np.s_[:-1, :-1], np.s_[1:, 1:]), (np.s_[:-1, 1:], np.s_[1:, :-1]),
    ):  # fmt: skip
        both = inside[a] & inside[b]
        pairs.append(np.stack([ids[a][both], ids[b][both]]))
    start, end = np.concatenate(pairs, axis=1)
    from scipy.ndimage import binary_erosion

    outlets = ids[inside & ~binary_erosion(inside, np.ones((3, 3)))]
    sea = n  # one more node: outside
    start = np.r_[start, outlets]
    end = np.r_[end, np.full(outlets.size, sea)]
    full = np.r_[rank, 0]
    high, low = np.maximum(full[start], full[end]), np.minimum(full[start], full[end])
    weight = high.astype(float) * (n + 2) + low
    graph = sparse.csr_matrix((weight, (start, end)), shape=(n + 1, n + 1))
    tree = minimum_spanning_tree(graph)
    reached, downstream = breadth_first_order(tree, sea, directed=False)
    # From the leaves to the outlets: each cell hands its area on.
    depth_order = reached[1:][::-1]
    position = np.full(n + 1, -1)
    position[depth_order] = np.arange(depth_order.size)
    down = downstream[depth_order]
    below = np.where(down != sea, position[down], -1)
    return Drainage((rows, cols), depth_order.astype(np.int64), below.astype(np.int64))


def height_above_drainage(
    heights: NDArray, cell: tuple[float, float], catchment: float = CATCHMENT
) -> Floats:
    """Height of each cell above the stream that it drains to (HAND), metres.

    Water leaves by the border and by voids. Pits are passed over at their lowest sill:
    the drainage tree is the spanning tree of least sills.

    Parameters
    ----------
    heights : numpy.ndarray, shape (rows, cols), metres
        NaN is outside.
    cell : (width, height), metres
    catchment : float
        Area that feeds a stream, km².

    Returns
    -------
    numpy.ndarray of float32, 0 on streams, NaN outside

    Notes
    -----
    Sources: Rennó et al. (2008), Remote Sensing of Environment 112, 3469-3481; Barnes,
    Lehman & Mulla (2014), Computers & Geosciences 62, 117-127 (priority flood, of which
    the tree of least sills is the same result).
    """
    z = np.asarray(heights, float)
    tree = drainage(z)
    out = np.full(z.size, np.nan, np.float32)
    if not tree.cells.size:
        return out.reshape(z.shape)
    fed = tree.accumulated(np.ones(z.shape)).ravel()[tree.cells]
    stream = fed * cell[0] * cell[1] >= catchment * 1e6
    # Each cell points down until a stream or an outlet: doubling the step finds it fast.
    target = np.arange(tree.cells.size)
    go = (tree.down >= 0) & ~stream
    target[go] = tree.down[go]
    for _ in range(64):
        further = target[target]
        if np.array_equal(further, target):
            break
        target = further
    own = z.ravel()[tree.cells]
    out[tree.cells] = np.maximum(own - own[target], 0)
    return out.reshape(z.shape)


def can_flood(dem: xr.DataArray) -> tuple[xr.DataArray, Floats, int]:
    """Height above drainage of a terrain, on a grid coarse enough to be worked out.

    Returns
    -------
    (coarse, hand, factor)
        The coarse terrain, its heights above drainage, and how many cells became one.
    """
    factor = max(1, int(np.ceil(np.sqrt(dem.size / MOST_CELLS))))
    coarse = dem
    if factor > 1:
        coarse = dem.coarsen(y=factor, x=factor, boundary="pad").mean()
    width, height = cell_size(dem)
    hand = height_above_drainage(coarse.values, (width * factor, height * factor))
    return coarse, hand, factor


def membership(values: NDArray, limits: tuple[float, float]) -> Floats:
    """1 up to the first limit, 0 from the second, a line between; 1 where unknown."""
    low, high = limits
    share = np.clip((high - np.asarray(values, np.float32)) / (high - low), 0, 1)
    return np.where(np.isfinite(share), share, np.float32(1)).astype(np.float32)
