"""Opens and validates NASA Black Marble tiles for one commune.

Monthly (VNP46A3), yearly (VNP46A4) or daily (VNP46A2) tiles of any platform, one kind
at a time. Only the commune's window is read from each tile. After :func:`read`, radiance
is in nW·cm⁻²·sr⁻¹, what is not a measurement of its date is NaN, and dates that the
source lacks are there as gaps.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import InvalidInput, OutOfCoverage
from ..territory.commune import WGS84, Commune
from ._hdfeos import GAP_FILLED, POOR, VIEWS, Tile, open_tile

__all__ = ["GAP_FILLED", "POOR", "VIEWS", "Files", "read", "read_lazily", "read_paths"]

View = Literal["AllAngle", "NearNadir", "OffNadir"]


class Files(Protocol):
    """What :func:`read` needs of a ``catalog.Holding``."""

    @property
    def paths(self) -> list[Path]: ...


@dataclass(frozen=True)
class _Window:
    """Rows and columns on the world grid, counted from 180° W and 90° N."""

    row: int
    col: int
    height: int
    width: int
    cell: float

    @property
    def lat(self) -> NDArray[np.float64]:
        return np.asarray(90 - (self.row + np.arange(self.height) + 0.5) * self.cell)

    @property
    def lon(self) -> NDArray[np.float64]:
        return np.asarray(-180 + (self.col + np.arange(self.width) + 0.5) * self.cell)


def read(
    holding: Files,
    commune: Commune,
    *,
    view: View = "AllAngle",
    margin: int = 6,
    broken: Literal["raise", "gap"] = "raise",
) -> xr.Dataset:
    """Monthly radiance over a commune and its surroundings.

    Parameters
    ----------
    holding : catalog.Holding
        Black Marble files of one kind; more than one tile is put together.
    commune : Commune
    view : {"AllAngle", "NearNadir", "OffNadir"}
        Which composite, always snow-free.
    margin : int
        Cells around the commune that are read too, for the map.
    broken : {"raise", "gap"}
        Whether a file that cannot be read raises, or becomes a gap named in
        ``attrs["broken"]``.

    Returns
    -------
    xarray.Dataset
        Dimensions ``(time, y, x)``, EPSG:4326, cell centres in degrees; ``time`` is
        the first day of each month (year; each day) without holes. ``radiance`` and ``std`` in
        nW·cm⁻²·sr⁻¹ (NaN where nothing was measured), ``nights`` (number of
        observations), ``quality`` (0 good, 1 few observations, 2 gap-filled,
        255 none; radiance of 2 is NaN). ``attrs``: ``missing`` (dates without a
        file), ``empty`` (dates without a valid cell), ``broken``, ``product``, ``period``.

    Raises
    ------
    InvalidInput
        If a file is cut short, of another product, or lacks the grid, a field or
        an attribute.
    OutOfCoverage
        If no tile meets the commune.

    Notes
    -----
    Source: Román et al. (2018), Remote Sensing of Environment 210, 113-143; Black
    Marble User Guide (collection 2) for fields, quality flags and the tile grid.
    """
    return read_paths(holding.paths, commune, view=view, margin=margin, broken=broken)


def read_paths(
    paths: Iterable[Path],
    commune: Commune,
    *,
    view: View = "AllAngle",
    margin: int = 6,
    broken: Literal["raise", "gap"] = "raise",
) -> xr.Dataset:
    """:func:`read`, from a list of files."""
    _check_view(view)
    window: _Window | None = None
    period = ""
    months: dict[np.datetime64, dict[str, NDArray[Any]]] = {}
    rank: dict[tuple[np.datetime64, int, int], tuple[bool, str, str]] = {}
    failed: list[str] = []
    products: set[str] = set()
    for path in sorted(Path(p) for p in paths):
        try:
            with open_tile(path) as tile:
                window = window or _window(commune, tile.cell, margin)
                _check_grid(tile, window)
                if not _meets(tile, window):
                    continue
                period = period or tile.period
                _check_period(tile, period)
                products.add(tile.product)
                key = (tile.date, tile.row, tile.col)
                if key in rank and rank[key] > tile.rank:
                    continue
                rows, cols, part = _parts(tile, window)
                values = tile.cells(part, view)
        except InvalidInput as error:
            if broken == "raise":
                raise
            failed.append(f"{path.name} : {error.fr}")
            continue
        rank[key] = tile.rank
        month = months.setdefault(tile.date, _blank(window))
        for name, array in values.items():
            month[name][rows, cols] = array
    if window is None or not months:
        if failed:
            raise InvalidInput(
                f"Aucun fichier d'éclairage nocturne n'a pu être lu : {failed[0]}",
                f"No night-lighting file could be read: {failed[0]}",
            )
        raise _uncovered(commune)
    return _dataset(months, window, failed, "+".join(sorted(products)), view, period)


def read_lazily(
    paths: Iterable[Path], commune: Commune, *, view: View = "AllAngle", margin: int = 6
) -> xr.Dataset:
    """:func:`read`, as Dask arrays of one date a chunk: a tile's cells are read when asked for.

    Only the headers are opened here. A file that is broken behind its header raises when
    its date is computed, and ``attrs`` have no ``empty``: nobody has looked yet.

    Raises
    ------
    InvalidInput
        If a header is not that of a Black Marble tile, or products are mixed.
    OutOfCoverage
        If no tile meets the commune.
    """
    import dask
    import dask.array as da

    _check_view(view)
    window: _Window | None = None
    best: dict[tuple[np.datetime64, int, int], tuple[tuple[bool, str, str], Path]] = {}
    period, products = "", set()
    for path in sorted(Path(p) for p in paths):
        with open_tile(path) as tile:
            window = window or _window(commune, tile.cell, margin)
            _check_grid(tile, window)
            if not _meets(tile, window):
                continue
            period = period or tile.period
            _check_period(tile, period)
            products.add(tile.product)
            key = (tile.date, tile.row, tile.col)
            best[key] = max(best.get(key, (tile.rank, path)), (tile.rank, path))
    if window is None or not best:
        raise _uncovered(commune)
    tiles: dict[np.datetime64, list[Path]] = {}
    for (date, _, _), (_, path) in sorted(best.items()):
        tiles.setdefault(date, []).append(path)
    time = np.arange(min(tiles), max(tiles) + 1)
    months = [dask.delayed(_month)(tuple(tiles.get(date, ())), window, view) for date in time]
    stack = {
        name: da.stack([da.from_delayed(m[name], v.shape, v.dtype) for m in months])
        for name, v in _blank(window).items()
    }
    data = _described(stack, time, window, "+".join(sorted(products)), view, period)
    data.attrs["missing"] = [str(m) for m in time if m not in tiles]
    return data


def _month(paths: tuple[Path, ...], window: _Window, view: str) -> dict[str, NDArray[Any]]:
    """One date over the window, from the tiles that meet it."""
    month = _blank(window)
    for path in paths:
        with open_tile(path) as tile:
            rows, cols, part = _parts(tile, window)
            for name, array in tile.cells(part, view).items():
                month[name][rows, cols] = array
    return month


def _check_view(view: str) -> None:
    if view not in VIEWS:
        raise InvalidInput(
            f"La vue « {view} » n'existe pas ; vues connues : {', '.join(VIEWS)}.",
            f"There is no view '{view}'; known views: {', '.join(VIEWS)}.",
        )


def _uncovered(commune: Commune) -> OutOfCoverage:
    return OutOfCoverage(
        f"Aucune tuile Black Marble ne couvre {commune.name} ({commune.insee}).",
        f"No Black Marble tile covers {commune.name} ({commune.insee}).",
    )


def _window(commune: Commune, cell: float, margin: int) -> _Window:
    west, south, east, north = commune.bounds
    col = math.floor((west + 180) / cell + 1e-9) - margin
    row = math.floor((90 - north) / cell + 1e-9) - margin
    width = math.ceil((east + 180) / cell - 1e-9) + margin - col
    height = math.ceil((90 - south) / cell - 1e-9) + margin - row
    return _Window(row, col, height, width, cell)


def _check_grid(tile: Tile, window: _Window) -> None:
    if abs(tile.cell - window.cell) > 1e-9:
        raise InvalidInput(
            f"« {tile.path.name} » n'a pas la même taille de maille que les autres tuiles : "
            "ne gardez qu'un produit par dossier.",
            f"'{tile.path.name}' has another cell size than the other tiles: "
            "keep one product per folder.",
        )


def _meets(tile: Tile, window: _Window) -> bool:
    return (
        tile.row < window.row + window.height
        and window.row < tile.row + tile.shape[0]
        and tile.col < window.col + window.width
        and window.col < tile.col + tile.shape[1]
    )


def _blank(window: _Window) -> dict[str, NDArray[Any]]:
    shape = (window.height, window.width)
    return {
        "radiance": np.full(shape, np.nan, np.float32),
        "std": np.full(shape, np.nan, np.float32),
        "nights": np.zeros(shape, np.float32),
        "quality": np.full(shape, 255, np.uint8),
    }


def _check_period(tile: Tile, period: str) -> None:
    if tile.period != period:
        raise InvalidInput(
            f"« {tile.path.name} » n'est pas du même pas de temps que les autres tuiles (jour, "
            "mois ou année) : ne gardez qu'un produit par dossier.",
            f"'{tile.path.name}' is not of the same time step as the other tiles (day, month "
            "or year): keep one product per folder.",
        )


def _parts(tile: Tile, window: _Window) -> tuple[slice, slice, tuple[slice, slice]]:
    """Rows and columns of the window that the tile fills, and the part of the tile."""
    top, left = max(tile.row, window.row), max(tile.col, window.col)
    bottom = min(tile.row + tile.shape[0], window.row + window.height)
    right = min(tile.col + tile.shape[1], window.col + window.width)
    part = (slice(top - tile.row, bottom - tile.row), slice(left - tile.col, right - tile.col))
    rows = slice(top - window.row, bottom - window.row)
    cols = slice(left - window.col, right - window.col)
    return rows, cols, part


def _dataset(
    months: dict[np.datetime64, dict[str, NDArray[Any]]],
    window: _Window,
    failed: list[str],
    product: str,
    view: str,
    period: str,
) -> xr.Dataset:
    time = np.arange(min(months), max(months) + 1)
    blank = _blank(window)
    stack = {name: np.stack([months.get(m, blank)[name] for m in time]) for name in blank}
    valid = np.isfinite(stack["radiance"]).any((1, 2))
    data = _described(stack, time, window, product, view, period)
    data.attrs["missing"] = [str(m) for m in time if m not in months]
    data.attrs["empty"] = [
        str(m) for m, ok in zip(time, valid, strict=True) if m in months and not ok
    ]
    data.attrs["broken"] = failed
    return data


def _described(
    stack: dict[str, Any],
    time: NDArray[Any],
    window: _Window,
    product: str,
    view: str,
    period: str,
) -> xr.Dataset:
    """The arrays with dimensions, coordinates, units and CRS."""
    import rioxarray  # noqa: F401  (registers .rio)

    dims = ("time", "y", "x")
    unit = {"units": "nW·cm⁻²·sr⁻¹"}
    data = xr.Dataset(
        {
            "radiance": (dims, stack["radiance"], {**unit, "long_name": "night radiance"}),
            "std": (dims, stack["std"], {**unit, "long_name": "std over the month's nights"}),
            "nights": (dims, stack["nights"], {"long_name": "nights observed"}),
            "quality": (dims, stack["quality"], {"long_name": "0 good, 1 few nights, 2 filled"}),
        },
        coords={
            "time": time.astype("datetime64[ns]"),
            "y": ("y", window.lat, {"units": "degrees_north"}),
            "x": ("x", window.lon, {"units": "degrees_east"}),
        },
        attrs={"product": product, "view": view, "period": period},
    )
    return data.rio.write_crs(WGS84)
