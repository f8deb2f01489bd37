"""Opens and validates EOG's VIIRS night-light composites (GeoTIFF), monthly or annual.

Files as the Earth Observation Group (Colorado School of Mines) names them:
``SVDNB_npp_20220101-20220131_75N060W_vcmslcfg_v10_c….avg_rade9h.tif`` with its number of
cloud-free nights ``….cf_cvg.tif``, and ``VNL_v21_npp_2020_global_….average_masked.dat.tif``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import InvalidInput, OutOfCoverage
from ..territory.commune import WGS84, Commune

__all__ = ["FEW_NIGHTS", "Grid", "read_date", "read_eog", "sort_files"]

#: West, north, cell (degrees), height, width (cells).
Grid = tuple[float, float, float, int, int]

#: A month of so few cloud-free nights is kept and counted as poor.
FEW_NIGHTS = 2
_KIND = re.compile(
    r"\.(avg_rade9h(?:\.masked)?|average(?:_masked)?|median(?:_masked)?|cf_cvg|cvg)(?:\.dat)?\.tiff?$",
    re.IGNORECASE,
)
_PREFERRED = (
    "avg_rade9h.masked",
    "average_masked",
    "avg_rade9h",
    "average",
    "median_masked",
    "median",
)
_MONTH = re.compile(r"_(\d{4})(\d{2})\d{2}-\d{8}_")
_YEAR = re.compile(r"_(\d{4})(?:\d{2}-\d{6})?_global_")


def read_eog(paths: Iterable[Path], commune: Commune, *, margin: int = 6) -> xr.Dataset:
    """Radiance over a commune and its surroundings, from EOG composites.

    Parameters
    ----------
    paths : iterable of Path
        Composites of one kind (all monthly or all annual), with or without their
        ``cf_cvg`` files. Where several radiances of one date are there, a masked average
        goes before an average, and that before a median.
    commune : Commune
    margin : int
        Cells around the commune that are read too.

    Returns
    -------
    xarray.Dataset
        As :func:`data.read` gives it: ``radiance`` (nW·cm⁻²·sr⁻¹), ``std`` (NaN: these
        files have none), ``nights`` (cloud-free nights, 1 where unknown), ``quality``
        (0 good, 1 at most ``FEW_NIGHTS`` nights, 255 none). EOG's grid is half a cell off
        Black Marble's.

    Raises
    ------
    InvalidInput
        If no file is named as EOG names them, or one is no GeoTIFF in EPSG:4326.
    OutOfCoverage
        If none of them covers the commune.

    Notes
    -----
    Sources: Elvidge et al. (2017), International Journal of Remote Sensing 38, 5860-5879;
    Elvidge et al. (2021), Remote Sensing 13, 922 (annual VNL V2).
    """
    period, dates = sort_files(paths)
    grid: Grid | None = None
    parts: dict[np.datetime64, dict[str, NDArray[Any]]] = {}
    for date, kinds in sorted(dates.items()):
        found = read_date(kinds, commune.bounds, margin, grid)
        if found is not None:
            parts[date], grid = found
    if grid is None:
        raise OutOfCoverage(
            f"Aucun composite EOG ne couvre {commune.name} ({commune.insee}).",
            f"No EOG composite covers {commune.name} ({commune.insee}).",
        )
    return _dataset(parts, grid, period)


def read_date(
    kinds: dict[str, Path],
    bounds: tuple[float, float, float, float],
    margin: int,
    grid: Grid | None,
) -> tuple[dict[str, NDArray[Any]], Grid] | None:
    """Cells of one date over ``bounds`` (degrees) and their grid; None where it has none.

    Parameters
    ----------
    kinds : dict
        The date's files by what they hold (:func:`sort_files`).
    bounds : tuple
        West, south, east, north.
    margin : int
        Cells around them.
    grid : tuple, optional
        What the cells must lie on.

    Returns
    -------
    dict of ndarray (y, x)
        ``radiance``, ``std`` (NaN), ``nights``, ``quality``, as :func:`read_eog` has them.
    """
    best = next((kinds[k] for k in _PREFERRED if k in kinds), None)
    found = None if best is None else _window(best, bounds, margin)
    if best is None or found is None:
        return None
    radiance, here = found
    grid = grid or here
    _check_grid(best, here, grid)
    nights = np.ones_like(radiance)
    if "cf_cvg" in kinds:
        counted = _window(kinds["cf_cvg"], bounds, margin)
        if counted is not None:
            _check_grid(kinds["cf_cvg"], counted[1], grid)
            nights = np.nan_to_num(counted[0])
    measured = np.isfinite(radiance) & (nights > 0)
    few = (nights <= FEW_NIGHTS) & ("cf_cvg" in kinds)
    cells: dict[str, NDArray[Any]] = {
        "radiance": np.where(measured, radiance, np.nan).astype(np.float32),
        "std": np.full(radiance.shape, np.nan, np.float32),
        "nights": np.where(measured, nights, 0).astype(np.float32),
        "quality": np.where(measured, np.where(few, 1, 0), 255).astype(np.uint8),
    }
    return cells, grid


def sort_files(paths: Iterable[Path]) -> tuple[str, dict[np.datetime64, dict[str, Path]]]:
    """Period, and the files of each date by what they hold."""
    dates: dict[np.datetime64, dict[str, Path]] = {}
    periods: set[str] = set()
    for path in sorted(Path(p) for p in paths):
        kind, month, year = (r.search(path.name) for r in (_KIND, _MONTH, _YEAR))
        if kind is None or not (month or year):
            continue
        if month:
            date = np.datetime64(f"{month.group(1)}-{month.group(2)}", "M")
        else:
            assert year is not None
            date = np.datetime64(year.group(1), "Y")
        periods.add("month" if month else "year")
        dates.setdefault(date, {})[kind.group(1).lower()] = path
    if len(periods) != 1:
        raise InvalidInput(
            "Des composites EOG mensuels et annuels sont mêlés : ne gardez qu'une sorte par "
            "dossier."
            if periods
            else "Aucun fichier n'a un nom de composite EOG (« …avg_rade9h.tif » ou "
            "« …average_masked.dat.tif »).",
            "Monthly and annual EOG composites are mixed: keep one kind per folder."
            if periods
            else "No file is named as an EOG composite ('…avg_rade9h.tif' or "
            "'…average_masked.dat.tif').",
        )
    return periods.pop(), dates


def _window(
    path: Path, bounds: tuple[float, float, float, float], margin: int
) -> tuple[NDArray[np.float64], Grid] | None:
    """Values within the bounds, and their grid."""
    import rasterio
    from rasterio.errors import RasterioError, RasterioIOError
    from rasterio.windows import Window, from_bounds

    try:
        with rasterio.open(path) as file:
            if file.crs is None or file.crs.to_epsg() != 4326 or file.transform.e >= 0:
                raise InvalidInput(
                    f"« {path.name} » n'est pas en EPSG:4326 : ce n'est pas un composite EOG.",
                    f"'{path.name}' is not in EPSG:4326: it is no EOG composite.",
                )
            window = from_bounds(*bounds, transform=file.transform)
            left, top = int(np.floor(window.col_off)), int(np.floor(window.row_off))
            right = int(np.ceil(window.col_off + window.width))
            bottom = int(np.ceil(window.row_off + window.height))
            left, top = max(left - margin, 0), max(top - margin, 0)
            right, bottom = min(right + margin, file.width), min(bottom + margin, file.height)
            if right <= left or bottom <= top:
                return None
            part = Window(left, top, right - left, bottom - top)
            value = file.read(1, window=part, masked=True).astype(float).filled(np.nan)
            west, north = file.transform @ (left, top)
            return value, (west, north, float(file.transform.a), bottom - top, right - left)
    except (RasterioIOError, RasterioError) as error:
        raise InvalidInput(
            f"« {path.name} » ne peut pas être lu : GeoTIFF tronqué. Téléchargez-le à nouveau.",
            f"'{path.name}' cannot be read: a GeoTIFF cut short. Download it again.",
        ) from error


def _check_grid(path: Path, here: tuple[Any, ...], grid: tuple[Any, ...]) -> None:
    if here[3:] != grid[3:] or not np.allclose(here[:3], grid[:3], rtol=0, atol=1e-6):
        raise InvalidInput(
            f"« {path.name} » n'est pas sur la même grille que les autres composites.",
            f"'{path.name}' is not on the grid of the other composites.",
        )


def _dataset(
    parts: dict[np.datetime64, dict[str, NDArray[Any]]],
    grid: Grid,
    period: str,
) -> xr.Dataset:
    import rioxarray  # noqa: F401  (registers .rio)

    west, north, cell, height, width = grid
    time = np.arange(min(parts), max(parts) + 1)
    shape = (time.size, height, width)
    stack: dict[str, NDArray[Any]] = {
        "radiance": np.full(shape, np.nan, np.float32),
        "std": np.full(shape, np.nan, np.float32),
        "nights": np.zeros(shape, np.float32),
        "quality": np.full(shape, 255, np.uint8),
    }
    for k, date in enumerate(time):
        for name, values in parts.get(date, {}).items():
            stack[name][k] = values
    empty = [str(d) for d in parts if not np.isfinite(parts[d]["radiance"]).any()]
    dims = ("time", "y", "x")
    data = xr.Dataset(
        {name: (dims, values) for name, values in stack.items()},
        coords={
            "time": time.astype("datetime64[ns]"),
            "y": ("y", north - (np.arange(height) + 0.5) * cell, {"units": "degrees_north"}),
            "x": ("x", west + (np.arange(width) + 0.5) * cell, {"units": "degrees_east"}),
        },
        attrs={
            "product": "EOG VNL",
            "view": "AllAngle",
            "period": period,
            "missing": [str(d) for d in time if d not in parts],
            "empty": empty,
            "broken": [],
        },
    )
    for name in ("radiance", "std"):
        data[name].attrs["units"] = "nW·cm⁻²·sr⁻¹"
    return data.rio.write_crs(WGS84)
