"""From cells to a commune: coverage-weighted mean radiance per month."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ..territory.commune import Commune

__all__ = ["cell_weights", "monthly_mean"]

#: Correlation between the errors of two cells of one month: air and moon are shared.
CELL_CORRELATION = 0.5


def cell_weights(data: xr.Dataset, commune: Commune) -> NDArray[np.float64]:
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
    from exactextract import exact_extract
    from exactextract.raster import NumPyRasterSource

    y, x = data["y"].to_numpy(), data["x"].to_numpy()
    step = float(x[1] - x[0])
    raster = NumPyRasterSource(
        np.zeros((y.size, x.size)),
        xmin=x[0] - step / 2,
        ymin=y[-1] - step / 2,
        xmax=x[-1] + step / 2,
        ymax=y[0] + step / 2,
        srs_wkt=data.rio.crs.to_wkt(),
    )
    cells = exact_extract(
        raster, commune.to_geodataframe(), ["cell_id", "coverage"], output="pandas"
    )
    weights = np.zeros(y.size * x.size)
    weights[np.asarray(cells["cell_id"][0], int)] = np.asarray(cells["coverage"][0], float)
    height = np.radians(step) * 6371.0
    area = height**2 * np.cos(np.radians(y))
    return weights.reshape(y.size, x.size) * area[:, None]


def monthly_mean(data: xr.Dataset, weights: NDArray[Any], least_share: float = 0.5) -> pd.DataFrame:
    """Mean radiance of the commune, one row per month.

    Parameters
    ----------
    data : xarray.Dataset
        ``radiance``, ``std``, ``nights``, ``quality`` with dimensions (time, y, x).
    weights : ndarray (y, x)
        Area of the commune in each cell.
    least_share : float
        Share of the commune's area that must have been measured; a month below is a gap.

    Returns
    -------
    pandas.DataFrame
        Index ``date`` (first of the month); ``radiance`` and ``std_error`` in
        nW·cm⁻²·sr⁻¹ (NaN in a gap), ``valid_cells``, ``valid_share`` of the area,
        ``poor_share`` (few nights), ``filled_share`` (gap-filled, not used),
        ``nights`` (weighted mean).

    Notes
    -----
    The standard error of a cell is ``std / sqrt(nights)``. Errors of cells of one
    month share the air and the moon: they are taken as correlated by
    ``CELL_CORRELATION``, so that a large commune is not thought exact.
    """
    inside = weights > 0
    w = weights[inside]
    r = data["radiance"].to_numpy()[:, inside].astype(float)
    ok = np.isfinite(r)
    quality = data["quality"].to_numpy()[:, inside]
    nights = data["nights"].to_numpy()[:, inside].astype(float)
    total = w.sum()
    covered = (ok * w).sum(1)
    share = covered / total
    part = np.where(ok, w, 0.0) / np.maximum(covered, 1e-12)[:, None]
    mean = np.einsum("tc,tc->t", part, np.where(ok, r, 0.0))
    std = np.nan_to_num(data["std"].to_numpy()[:, inside].astype(float))
    error = part * std / np.sqrt(np.maximum(nights, 1.0))
    variance = (1 - CELL_CORRELATION) * (error**2).sum(1) + CELL_CORRELATION * error.sum(1) ** 2
    gap = share < least_share
    return pd.DataFrame(
        {
            "radiance": np.where(gap, np.nan, mean),
            "std_error": np.where(gap, np.nan, np.sqrt(variance)),
            "valid_cells": ok.sum(1),
            "valid_share": share,
            "poor_share": ((quality == 1) * w).sum(1) / total,
            "filled_share": ((quality == 2) * w).sum(1) / total,
            "nights": (part * nights).sum(1),
        },
        index=pd.DatetimeIndex(data["time"].to_numpy(), name="date"),
    )
