"""From cells to a commune: coverage-weighted radiance per month."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from shapely import affinity

from ..territory.commune import Commune
from .neighbours import REACH, around, received
from .weights import cell_areas, weights_of

__all__ = [
    "CELL_CORRELATION",
    "COLUMNS",
    "LIT",
    "cell_weights",
    "monthly_mean",
    "monthly_received",
    "zone_values",
]

Floats = NDArray[np.float64]

#: Correlation between the errors of two cells of one month: air and moon are shared.
CELL_CORRELATION = 0.5
#: Radiance (nW·cm⁻²·sr⁻¹) from which a cell counts as lit: well above the background
#: of 0.1-0.3 and its noise in one month.
LIT = 0.5
#: What :func:`zone_values` gives.
COLUMNS = (
    "radiance",
    "std_error",
    "radiance_sum",
    "lit_km2",
    "valid_cells",
    "valid_share",
    "poor_share",
    "filled_share",
    "nights",
)


def cell_weights(data: xr.Dataset, commune: Commune) -> Floats:
    """Area of the commune in each cell, km².

    Parameters
    ----------
    data : xarray.Dataset
        With regular ``y`` (north to south) and ``x`` in degrees, as :func:`data.read` gives.
    commune : Commune

    Returns
    -------
    ndarray (y, x)
        Covered share of the cell (exact) times the cell's area on the sphere.
    """
    y, x = data["y"].to_numpy(), data["x"].to_numpy()
    cell = float((x[-1] - x[0]) / (x.size - 1))
    first_row, first_col = (90 - y[0]) / cell - 0.5, (x[0] + 180) / cell - 0.5
    # Some products (EOG) have a grid half a cell off: the commune is shifted instead.
    east, south = (first_col - round(first_col)) * cell, (first_row - round(first_row)) * cell
    boundary = commune.boundary
    if max(abs(east), abs(south)) > 1e-6 * cell:
        boundary = affinity.translate(boundary, -east, south)
    weights = weights_of([boundary], cell)
    row, col = weights.row - round(first_row), weights.col - round(first_col)
    inside = (row >= 0) & (row < y.size) & (col >= 0) & (col < x.size)
    out = np.zeros((y.size, x.size))
    out[row[inside], col[inside]] = weights.matrix.toarray()[0][inside]
    return out


def zone_values(
    matrix: Any,
    radiance: NDArray[Any],
    std: NDArray[Any],
    nights: NDArray[Any],
    quality: NDArray[Any],
    least_share: float = 0.5,
) -> dict[str, Floats]:
    """Figures of many zones in one month.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array (zones, cells)
        Area of each zone in each cell, km² (:attr:`weights.Weights.matrix`).
    radiance, std : ndarray (cells,)
        nW·cm⁻²·sr⁻¹, NaN where nothing was measured.
    nights, quality : ndarray (cells,)
        As :func:`data.read` gives them.
    least_share : float
        Share of the zone's area that must have been measured; a month below is a gap.

    Returns
    -------
    dict of ndarray (zones,)
        :data:`COLUMNS`: ``radiance`` (mean) and its ``std_error`` in nW·cm⁻²·sr⁻¹,
        ``radiance_sum`` (mean times area, nW·cm⁻²·sr⁻¹·km²), ``lit_km2`` (measured area
        of ``LIT`` or more, over the measured share), all NaN in a gap; ``valid_cells``,
        ``valid_share`` of the area, ``poor_share`` (few nights), ``filled_share``
        (gap-filled, not used), ``nights`` (weighted mean).

    Notes
    -----
    The standard error of a cell is ``std / sqrt(nights)``. Errors of cells of one
    month share the air and the moon: they are taken as correlated by
    ``CELL_CORRELATION``, so that a large commune is not thought exact.
    """
    r = np.asarray(radiance, float)
    ok = np.isfinite(r)
    n = np.where(ok, np.nan_to_num(np.asarray(nights, float)), 0.0)
    error = np.where(ok, np.nan_to_num(np.asarray(std, float)), 0.0) / np.sqrt(np.maximum(n, 1.0))
    inside = matrix.copy()
    inside.data = np.ones_like(inside.data)
    square = matrix.copy()
    square.data = square.data**2
    value = np.where(ok, r, 0.0)
    columns = [value, ok, error, n, quality == 1, quality == 2, ok & (value >= LIT)]
    sums = matrix @ np.stack([np.asarray(c, float) for c in columns], axis=1)
    total = np.asarray(matrix.sum(axis=1)).ravel()
    area = np.maximum(total, 1e-12)
    covered = sums[:, 1]
    measured = np.maximum(covered, 1e-12)
    share = covered / area
    own = square @ error**2
    variance = ((1 - CELL_CORRELATION) * own + CELL_CORRELATION * sums[:, 2] ** 2) / measured**2
    gap = ~(share >= least_share) | (total <= 0)
    mean = sums[:, 0] / measured
    return {
        "radiance": np.where(gap, np.nan, mean),
        "std_error": np.where(gap, np.nan, np.sqrt(variance)),
        "radiance_sum": np.where(gap, np.nan, mean * total),
        "lit_km2": np.where(gap, np.nan, sums[:, 6] / np.maximum(share, 1e-12)),
        "valid_cells": inside @ ok.astype(float),
        "valid_share": share,
        "poor_share": sums[:, 4] / area,
        "filled_share": sums[:, 5] / area,
        "nights": sums[:, 3] / measured,
    }


def monthly_mean(data: xr.Dataset, weights: NDArray[Any], least_share: float = 0.5) -> pd.DataFrame:
    """Figures of one commune, one row per month.

    Parameters
    ----------
    data : xarray.Dataset
        ``radiance``, ``std``, ``nights``, ``quality`` with dimensions (time, y, x).
    weights : ndarray (y, x)
        Area of the commune in each cell, km².
    least_share : float
        Share of the commune's area that must have been measured; a month below is a gap.

    Returns
    -------
    pandas.DataFrame
        Index ``date`` (first of the month), columns :data:`COLUMNS` of :func:`zone_values`.
    """
    from scipy.sparse import csr_array

    inside = weights > 0
    matrix = csr_array(weights[inside][None, :])
    names = ("radiance", "std", "nights", "quality")
    cells = [data[name].to_numpy()[:, inside] for name in names]
    rows = [
        {k: v.item() for k, v in zone_values(matrix, r, s, n, q, least_share).items()}
        for r, s, n, q in zip(*cells, strict=True)
    ]
    index = pd.DatetimeIndex(data["time"].to_numpy(), name="date")
    table = pd.DataFrame(rows, index=index, columns=list(COLUMNS))
    return table.astype({"valid_cells": int})


def monthly_received(data: xr.Dataset, weights: NDArray[Any]) -> Floats:
    """Part of the commune's mean radiance that comes from without (nW·cm⁻²·sr⁻¹), by month.

    Parameters
    ----------
    data, weights
        As in :func:`monthly_mean`.

    Returns
    -------
    ndarray (time,)
        See :func:`neighbours.received`; NaN without a cell of the commune.
    """
    y, x = data["y"].to_numpy(), data["x"].to_numpy()
    row, col = np.nonzero(weights > 0)
    if not row.size:
        return np.full(data.sizes["time"], np.nan)
    cell = float((x[-1] - x[0]) / (x.size - 1))
    top, left = int(row.min()), int(col.min())
    first = round((90 - y[0]) / cell - 0.5) + top
    first_col = round((x[0] + 180) / cell - 0.5) + left
    core = weights[top : int(row.max()) + 1, left : int(col.max()) + 1]
    share = core / cell_areas(first + np.arange(len(core)), cell)[:, None]
    weight = around(share, first, first_col, cell)
    # The window may hold more or less than what the weights reach.
    matrix = np.zeros((y.size, x.size))
    rows, cols = (
        np.arange(n) + at - REACH for n, at in zip(weight.shape, (top, left), strict=True)
    )
    r, c = (rows >= 0) & (rows < y.size), (cols >= 0) & (cols < x.size)
    matrix[np.ix_(rows[r], cols[c])] = weight[np.ix_(r, c)]
    seen = data["radiance"].to_numpy().reshape(data.sizes["time"], -1)
    return received(matrix.ravel()[None, :], seen.T)[0]
