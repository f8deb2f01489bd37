"""Opens and validates what the flood theme needs for one commune: radar, terrain, extents."""

from __future__ import annotations

import datetime as dt
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import rasterio
import xarray as xr
from rasterio.enums import Resampling

from ..errors import InvalidInput, OutOfCoverage
from ..territory.commune import Commune
from ..text import Text
from .files import open_raster, same_orbit
from .optical import band_indices
from .places import Files, Grid, box_of, cover, grid_of, inside_of, moment_of, read_on
from .ready_made import read_extent

__all__ = [
    "MARGIN",
    "WIDE",
    "Radar",
    "inside_of",
    "read_extent",
    "read_radar",
    "read_terrain",
]

#: Ground around the commune that is read too, metres: edges of the flood, drainage, the map.
MARGIN = 2000.0
#: Ground around the commune where the looks of water and land are learnt, metres: a commune
#: alone may hold too little of one or the other.
WIDE = 10_000.0
#: Share of the commune that a scene must have measured to be taken.
LEAST_COVER = 0.5
#: Days that an optical image may lie from the radar's flood.
CLOSE_DAYS = 2.0
#: Cells of the terrain at most (5 m over 20 × 20 km); finer files are averaged.
MOST_CELLS = 16_000_000
#: Finest terrain that is of use beside radar pixels of 10 m, metres.
FINEST = 2.0


@dataclass
class Radar:
    """Scenes of one place on one grid.

    Attributes
    ----------
    after : xarray.DataArray (band, y, x)
        The scene of the flood, on its own grid, cut to the commune and its surroundings.
    before : same or None
        The scene before it, of the same orbit.
    after_date, before_date : str
        ISO instants, empty where the file does not tell.
    optical : xarray.DataArray or None
        A Sentinel-2 image of the same days.
    learn_from : (after, before, optical) or None
        The same images over a wider place, for ``water_extent(..., learn_from=...)``.
    notes : list of Text
        What the reader noticed.
    """

    after: xr.DataArray
    before: xr.DataArray | None
    after_date: str
    before_date: str = ""
    optical: xr.DataArray | None = None
    learn_from: tuple[xr.DataArray, xr.DataArray | None, xr.DataArray | None] | None = None
    notes: list[Text] = field(default_factory=list)


def read_radar(
    holding: Files,
    commune: Commune,
    *,
    optical: Files | None = None,
    after: str | None = None,
    before: str | None = None,
    margin: float = MARGIN,
    wide: float = WIDE,
) -> Radar:
    """The scene of the flood and the one before it, around a commune.

    Parameters
    ----------
    holding : catalog.Holding
        Files of data set ``sentinel-1``, dated by their items.
    commune : Commune
    optical : catalog.Holding, optional
        Files of data set ``sentinel-2``: one within two days of the flood is used.
    after, before : str, optional
        Dates (``YYYY-MM-DD``) of the scenes to take. By default the last scene that
        covers the commune is the flood, the last one of its orbit before it the reference.
    margin : float
        Metres around the commune.
    wide : float
        Metres around the commune that ``learn_from`` reaches; not above ``margin``: none.

    Returns
    -------
    Radar
        On the grid of the flood's scene, whose speckle is thus untouched.

    Raises
    ------
    InvalidInput
        If a scene has no CRS, no VV and VH, or a date that is asked for is not there.
    OutOfCoverage
        If no scene has measured the commune.
    """
    dated = sorted(
        ((moment_of(i), Path(i.assets["data"].href)) for i in holding.items), reverse=True
    )
    with ExitStack() as stack:
        chosen = None
        for moment, path in _of_day(dated, after):
            file = stack.enter_context(open_raster(path))
            grid = grid_of(file, commune, max(margin, wide))
            if grid is None:
                continue
            flood = read_on(stack, file, grid, Resampling.nearest)
            if cover(flood, commune) >= LEAST_COVER:
                chosen = moment, path, file
                break
        if chosen is None or grid is None:
            raise OutOfCoverage(
                f"Aucune image Sentinel-1 n'a mesuré {commune.name} : les fichiers présents sont "
                "vides ou ailleurs à cet endroit.",
                f"No Sentinel-1 image has measured {commune.name}: the files at hand are empty or "
                "elsewhere.",
            )
        out = Radar(flood, None, chosen[0])
        earlier = [(m, p) for m, p in dated if p != chosen[1] and (m < chosen[0] or not m)]
        for moment, path in _of_day(earlier, before) if before else earlier:
            file = stack.enter_context(open_raster(path))
            try:
                same_orbit(chosen[2], file)
            except InvalidInput as error:
                if before:
                    raise
                out.notes.append({"fr": f"{path.name} écartée : {error.fr}",
                                  "en": f"{path.name} left out: {error.en}"})  # fmt: skip
                continue
            if grid_of(file, commune, 0) is None:
                continue
            past = read_on(stack, file, grid, Resampling.bilinear)
            if cover(past, commune) >= LEAST_COVER:
                out.before, out.before_date = past, moment
                break
        for item in optical.items if optical is not None else ():
            if _days(moment_of(item), chosen[0]) > CLOSE_DAYS:
                continue
            file = stack.enter_context(open_raster(Path(item.assets["data"].href)))
            if grid_of(file, commune, 0) is None:
                continue
            bands = band_indices(file.descriptions, Path(item.assets["data"].href).name)
            image = read_on(stack, file, grid, Resampling.bilinear)
            out.optical = image.isel(band=list(bands.values())).assign_coords(band=list(bands))
            break
        near = grid_of(chosen[2], commune, margin)
    if wide > margin and near is not None:
        out.learn_from = out.after, out.before, out.optical
        out.after = _cut(out.after, grid, near)
        out.before = None if out.before is None else _cut(out.before, grid, near)
        out.optical = None if out.optical is None else _cut(out.optical, grid, near)
    return out


def _cut(wide: xr.DataArray, grid: Grid, near: Grid) -> xr.DataArray:
    """The part of a raster that another grid of the same pixels covers."""
    col, row = ~grid.transform * (near.transform.c, near.transform.f)
    top, left = round(row), round(col)
    part = wide.isel(y=slice(top, top + near.height), x=slice(left, left + near.width))
    return part.rio.write_transform(near.transform)


def _of_day(dated: list[tuple[str, Path]], day: str | None) -> list[tuple[str, Path]]:
    if day is None:
        return dated
    found = [(m, p) for m, p in dated if m.startswith(str(day)[:10])]
    if not found:
        known = ", ".join(sorted({m[:10] for m, _ in dated if m})) or "aucune date"
        raise InvalidInput(
            f"Aucune image radar du {day} ; dates présentes : {known}.",
            f"No radar image of {day}; dates at hand: {known}.",
        )
    return found


def _days(a: str, b: str) -> float:
    if not a or not b:
        return float("inf")
    one, two = dt.datetime.fromisoformat(a), dt.datetime.fromisoformat(b)
    return abs((one - two).total_seconds()) / 86_400


def read_terrain(
    holding: Files, commune: Commune, *, margin: float = MARGIN, finest: float = FINEST
) -> xr.DataArray:
    """Bare-earth heights around a commune, in its official CRS.

    Parameters
    ----------
    holding : catalog.Holding
        Files of data set ``dem``; several are put together, the finest on top.
    commune : Commune
    margin : float
        Metres around the commune.
    finest : float
        Finest cell, metres.

    Returns
    -------
    xarray.DataArray (y, x)
        float32, metres, NaN in voids; ``attrs["VERTICAL_DATUM"]`` where a file tells it.

    Raises
    ------
    InvalidInput
        If a file has no CRS, or cannot be read.
    OutOfCoverage
        If no file has a height in the commune.
    """
    import rioxarray  # noqa: F401  (registers .rio)

    with ExitStack() as stack:
        files = [stack.enter_context(open_raster(p)) for p in holding.paths]
        files = [f for f in files if grid_of(f, commune, margin) is not None]
        steps = [_step(f, commune) for f in files]
        heights: xr.DataArray | None = None
        if files:
            grid = _terrain_grid(files[int(np.argmin(steps))], commune, margin, finest, min(steps))
            for k in np.argsort(steps, kind="stable"):
                how = (
                    Resampling.average if steps[k] < abs(grid.transform.a) else Resampling.bilinear
                )
                part = read_on(stack, files[k], grid, how).isel(band=0, drop=True)
                part = part.astype(np.float32)
                datum = files[k].tags().get("VERTICAL_DATUM")
                if heights is None:
                    heights = part
                    heights.attrs = {"units": "m", **({"VERTICAL_DATUM": datum} if datum else {})}
                elif datum == heights.attrs.get("VERTICAL_DATUM"):
                    heights = heights.fillna(part).assign_attrs(heights.attrs)
    if heights is None or cover(heights, commune) < LEAST_COVER:
        raise OutOfCoverage(
            f"Le modèle de terrain présent ne couvre pas {commune.name}.",
            f"The terrain model at hand does not cover {commune.name}.",
        )
    return heights


def _step(file: rasterio.DatasetReader, commune: Commune) -> float:
    """Cell of a file in metres."""
    x, y = abs(file.transform.a), abs(file.transform.e)
    if file.crs.is_geographic:
        middle = np.radians((commune.bounds[1] + commune.bounds[3]) / 2)
        return float(np.sqrt(x * y * np.cos(middle)) * 111_000)
    return float(np.sqrt(x * y))


def _terrain_grid(
    file: rasterio.DatasetReader, commune: Commune, margin: float, finest: float, step: float
) -> Grid:
    """A grid in the commune's CRS; the file's own cells where they are in that CRS."""
    west, south, east, north = box_of(commune, commune.crs, margin)
    least = np.sqrt((east - west) * (north - south) / MOST_CELLS)
    factor = max(1, int(np.ceil(max(finest, least) / step - 1e-9)))
    step = step * factor
    x0, y0 = (file.transform.c, file.transform.f) if file.crs == commune.crs else (0.0, 0.0)
    west = x0 + np.floor((west - x0) / step) * step
    north = y0 + np.ceil((north - y0) / step) * step
    transform = rasterio.transform.from_origin(west, north, step, step)
    width, height = int(np.ceil((east - west) / step)), int(np.ceil((north - south) / step))
    return Grid(rasterio.crs.CRS.from_user_input(commune.crs), transform, width, height)
