"""Series of many zones from EOG's monthly or annual composites: one date at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import shapely
from shapely import affinity

from ..errors import InvalidInput, OutOfCoverage
from .eog import Grid, read_date, sort_files
from .series import as_table
from .weights import Weights, weights_of
from .zonal import COLUMNS, zone_values

__all__ = ["eog_series_of"]

#: Cells that are read around the zones, so that their borders are whole.
MARGIN = 2
_MEASURED = ("radiance", "std_error", "radiance_sum", "lit_km2")


def eog_series_of(
    paths: Iterable[Path],
    geometries: Sequence[Any],
    names: Sequence[str],
    *,
    least_share: float = 0.5,
    broken: Literal["raise", "gap"] = "gap",
) -> tuple[pd.DataFrame, list[str]]:
    """Series of many zones: one row a zone and date, as :func:`.series.series_of` gives them.

    Parameters
    ----------
    paths : iterable of Path
        EOG composites of one kind (GeoTIFF), with or without their ``cf_cvg`` files.
    geometries : sequence of shapely geometries
        Zones in EPSG:4326.
    names : sequence of str
        One a zone.
    least_share, broken
        As for Black Marble tiles.

    Returns
    -------
    pandas.DataFrame
        ``id``, ``date``, then :data:`.zonal.COLUMNS`. ``nights`` are cloud-free nights;
        ``std_error`` is missing: EOG publishes no spread.
    list of str
        Files that were left out, each in a sentence.

    Raises
    ------
    InvalidInput
        If files are not EOG's, are mixed, or cannot be read (``broken="raise"``).
    OutOfCoverage
        If none of them covers the zones.

    Notes
    -----
    EOG's grid lies half a cell off Black Marble's: zones are shifted instead of cells, so that
    both share one way of weighing (Elvidge et al. 2017, 2021).
    """
    period, dates = sort_files(paths)
    bounds = tuple(float(v) for v in shapely.total_bounds(np.asarray(geometries, dtype=object)))
    failed: list[str] = []
    grid: Grid | None = None
    weights: Weights | None = None
    unit = {"month": "M", "year": "Y"}[period]
    axis = np.arange(min(dates), max(dates) + 1).astype(f"datetime64[{unit}]")
    # A date without a file has no radiance, and no cell nor night was used.
    table = {
        name: np.full((len(names), axis.size), np.nan if name in _MEASURED else 0.0)
        for name in COLUMNS
    }
    for k, date in enumerate(axis):
        try:
            found = read_date(dates.get(date, {}), bounds, MARGIN, grid)  # type: ignore[arg-type]
        except InvalidInput as error:
            if broken == "raise":
                raise
            failed.append(error.fr)
            continue
        if found is None:
            continue
        cells, grid = found
        if weights is None:
            weights, row, col = _weights(geometries, grid)
        seen = {name: values[row, col] for name, values in cells.items()}
        values = zone_values(weights.matrix, **seen, least_share=least_share)
        # Without a published spread the error is unknown, not zero.
        values["std_error"] = np.full(len(names), np.nan)
        for name in COLUMNS:
            table[name][:, k] = values[name]
    if grid is None:
        raise OutOfCoverage(
            "Aucun composite EOG lisible ne couvre ces zones.",
            "No readable EOG composite covers these zones.",
        )
    return as_table(table, axis, names), failed


def _weights(geometries: Sequence[Any], grid: Grid) -> tuple[Weights, Any, Any]:
    """Weights of the zones, and the position of each cell in the window that is read."""
    west, north, cell, height, width = grid
    first_row, first_col = (90 - north) / cell, (west + 180) / cell
    top, left = round(first_row), round(first_col)
    east, south = (first_col - left) * cell, (first_row - top) * cell
    shifted = [
        None if shape is None else affinity.translate(shape, -east, south) for shape in geometries
    ]
    weights = weights_of(shifted, cell)
    row, col = weights.row - top, weights.col - left
    inside = (row >= 0) & (row < height) & (col >= 0) & (col < width)
    if not inside.all():
        raise OutOfCoverage(
            "Les composites EOG ne couvrent qu'une partie de ces zones : prenez les tuiles "
            "voisines, ou moins de zones.",
            "The EOG composites cover a part of these zones only: take the tiles beside, or "
            "fewer zones.",
        )
    return weights, row, col
