"""What is in an HDF5 file: Black Marble of NASA, a water map of SWOT, or none of ours."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from .columns import Described, described
from .signatures import degrees, moment_of, unreadable

__all__ = ["look_into_hdf"]


def look_into_hdf(path: Path) -> list[Described]:
    """What an HDF5 file holds; called where a hang can be ended (:mod:`guarded`)."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            grids = file.get("HDFEOS/GRIDS")
            attrs = {k: _text(v) for k, v in file.attrs.items()}
            if grids is None or not len(grids):
                return _swot(file, attrs)
            fields = grids[next(iter(grids))].get("Data Fields")
            names = set(fields) if fields is not None else set()
            _touch(file, grids[next(iter(grids))], fields)
    except (OSError, RuntimeError, KeyError) as error:
        raise unreadable(path, error) from error
    product = attrs.get("ShortName", "").upper()
    monthly = "AllAngle_Composite_Snow_Free" in names and not product.endswith("A4")
    if not monthly:
        return []
    return [described("vnp46a3", _tile_box(attrs, path), _month(attrs, path), 0, product)]


def _touch(file: Any, grid: Any, fields: Any) -> None:
    """Read what the theme will read, a cell of each: damage shows here, where it can be ended."""
    dict(grid.attrs)
    told = file.get("HDFEOS/ADDITIONAL/FILE_ATTRIBUTES")
    if told is not None:
        dict(told.attrs)
    for words in (file.get("HDFEOS INFORMATION") or {}).values():
        if hasattr(words, "shape"):
            words[()]
    for field in (fields or {}).values():
        if hasattr(field, "shape"):
            dict(field.attrs)
            if field.size:
                field[(0,) * field.ndim]


def _swot(file: Any, attrs: dict[str, str]) -> list[Described]:
    """A SWOT L2_HR_Raster file: heights of water with their quality, on a grid of its own."""
    if not {"wse", "wse_qual", "x", "y"} <= set(file):
        return []
    x, y = file["x"], file["y"]
    crs = _text(file["crs"].attrs.get("crs_wkt", "")) if "crs" in file else ""
    west, east = sorted((float(x[0]), float(x[-1])))
    south, north = sorted((float(y[0]), float(y[-1])))
    moment = moment_of({"datetime": attrs.get("time_granule_start", "")})
    box = degrees([west, south, east, north], crs)
    return [described("swot-raster", box, moment, len(x) * len(y), "SWOT L2_HR_Raster")]


def _text(value: Any) -> str:
    import numpy as np

    array = np.asarray(value).ravel()
    if array.size == 0:
        return ""
    first = array[0]
    return first.decode("latin-1") if isinstance(first, bytes) else str(first)


def _tile_box(attrs: dict[str, str], path: Path) -> list[float] | None:
    tile = re.search(r"\.h(\d{2})v(\d{2})\.", path.name)
    h = attrs.get("HorizontalTileNumber") or (tile.group(1) if tile else None)
    v = attrs.get("VerticalTileNumber") or (tile.group(2) if tile else None)
    if h is None or v is None:
        return None
    west, north = -180 + 10 * int(h), 90 - 10 * int(v)
    return [west, north - 10, west + 10, north]


def _month(attrs: dict[str, str], path: Path) -> str | None:
    match = re.match(r"(\d{4}-\d{2})", attrs.get("RangeBeginningDate", ""))
    if match:
        return f"{match.group(1)}-01T00:00:00Z"
    named = re.search(r"\.A(\d{4})(\d{3})\.", path.name)
    if named is None:
        return None
    import datetime as dt

    day = dt.date(int(named.group(1)), 1, 1) + dt.timedelta(int(named.group(2)) - 1)
    return f"{day:%Y-%m}-01T00:00:00Z"
