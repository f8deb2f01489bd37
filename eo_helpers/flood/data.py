"""Opens and validates what the flood theme needs for one commune: radar, terrain, extents."""

from __future__ import annotations

import datetime as dt
import re
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import rasterio
import xarray as xr
from rasterio.enums import Resampling
from rasterio.warp import transform_bounds
from rasterio.windows import Window, from_bounds

from ..errors import InvalidInput, OutOfCoverage
from ..territory.commune import Commune
from ..text import Text
from .files import lazy, open_raster, same_orbit, warped
from .optical import band_indices

__all__ = ["MARGIN", "Radar", "read_extent", "read_radar", "read_terrain"]

#: Ground around the commune that is read too, metres: edges of the flood, drainage, the map.
MARGIN = 2000.0
#: Share of the commune that a scene must have measured to be taken.
LEAST_COVER = 0.5
#: Days that an optical image may lie from the radar's flood.
CLOSE_DAYS = 2.0
#: Cells of the terrain at most (5 m over 20 × 20 km); finer files are averaged.
MOST_CELLS = 16_000_000
#: Finest terrain that is of use beside radar pixels of 10 m, metres.
FINEST = 2.0


class Files(Protocol):
    """What the readers need of a ``catalog.Holding``."""

    @property
    def items(self) -> tuple[Any, ...]: ...

    @property
    def paths(self) -> list[Path]: ...


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
    notes : list of Text
        What the reader noticed.
    """

    after: xr.DataArray
    before: xr.DataArray | None
    after_date: str
    before_date: str = ""
    optical: xr.DataArray | None = None
    notes: list[Text] = field(default_factory=list)


@dataclass(frozen=True)
class _Grid:
    crs: Any
    transform: Any
    width: int
    height: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.height, self.width


def _moment(item: Any) -> str:
    return item.datetime.isoformat() if item.datetime is not None else ""


def _box(commune: Commune, crs: Any, margin: float) -> tuple[float, float, float, float]:
    """Bounds of the commune and its surroundings in ``crs``."""
    west, south, east, north = commune.projected_boundary.bounds
    box = west - margin, south - margin, east + margin, north + margin
    return tuple(transform_bounds(commune.crs, crs, *box))


def _grid_of(file: rasterio.DatasetReader, commune: Commune, margin: float) -> _Grid | None:
    """The file's own grid around the commune, or None where they do not meet."""
    whole = Window(0, 0, file.width, file.height)
    wanted = from_bounds(*_box(commune, file.crs, margin), transform=file.transform)
    wanted = wanted.round_offsets().round_lengths()
    try:
        part = wanted.intersection(whole)
    except rasterio.errors.WindowError:
        return None
    if part.width < 2 or part.height < 2:
        return None
    return _Grid(file.crs, file.window_transform(part), int(part.width), int(part.height))


def _cover(raster: xr.DataArray, commune: Commune) -> float:
    """Share of the commune that has values."""
    inside = inside_of(raster, commune)
    if not inside.any():
        return 0.0
    values = raster.values
    measured = np.isfinite(values).all(0) if values.ndim == 3 else np.isfinite(values)
    # Ground beyond the raster counts too: its cells are not in the mask.
    here = commune.boundary_in(raster.rio.crs).area
    cell = abs(float(np.prod(raster.rio.resolution())))
    return float((measured & inside).sum() * cell / here)


def inside_of(raster: xr.DataArray, commune: Commune) -> np.ndarray:
    """True where a cell's centre lies in the commune."""
    from rasterio.features import geometry_mask

    return np.asarray(
        geometry_mask(
            [commune.boundary_in(raster.rio.crs)],
            raster.shape[-2:],
            raster.rio.transform(),
            invert=True,
        )
    )


def read_radar(
    holding: Files,
    commune: Commune,
    *,
    optical: Files | None = None,
    after: str | None = None,
    before: str | None = None,
    margin: float = MARGIN,
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
    dated = sorted(((_moment(i), Path(i.assets["data"].href)) for i in holding.items), reverse=True)
    with ExitStack() as stack:
        chosen = None
        for moment, path in _of_day(dated, after):
            file = stack.enter_context(open_raster(path))
            grid = _grid_of(file, commune, margin)
            if grid is None:
                continue
            flood = _read(stack, file, grid, Resampling.nearest)
            if _cover(flood, commune) >= LEAST_COVER:
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
            if _grid_of(file, commune, margin) is None:
                continue
            past = _read(stack, file, grid, Resampling.bilinear)
            if _cover(past, commune) >= LEAST_COVER:
                out.before, out.before_date = past, moment
                break
        for item in optical.items if optical is not None else ():
            if _days(_moment(item), chosen[0]) > CLOSE_DAYS:
                continue
            file = stack.enter_context(open_raster(Path(item.assets["data"].href)))
            if _grid_of(file, commune, margin) is None:
                continue
            bands = band_indices(file.descriptions, Path(item.assets["data"].href).name)
            image = _read(stack, file, grid, Resampling.bilinear)
            out.optical = image.isel(band=list(bands.values())).assign_coords(band=list(bands))
            break
    return out


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


def _read(
    stack: ExitStack, file: rasterio.DatasetReader, grid: _Grid, how: Resampling
) -> xr.DataArray:
    raster = lazy(stack, warped(stack, file, grid, how), file.descriptions)
    return raster.load()


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
        files = [f for f in files if _grid_of(f, commune, margin) is not None]
        steps = [_step(f, commune) for f in files]
        heights: xr.DataArray | None = None
        if files:
            grid = _terrain_grid(files[int(np.argmin(steps))], commune, margin, finest, min(steps))
            for k in np.argsort(steps, kind="stable"):
                how = (
                    Resampling.average if steps[k] < abs(grid.transform.a) else Resampling.bilinear
                )
                part = _read(stack, files[k], grid, how).isel(band=0, drop=True)
                part = part.astype(np.float32)
                datum = files[k].tags().get("VERTICAL_DATUM")
                if heights is None:
                    heights = part
                    heights.attrs = {"units": "m", **({"VERTICAL_DATUM": datum} if datum else {})}
                elif datum == heights.attrs.get("VERTICAL_DATUM"):
                    heights = heights.fillna(part).assign_attrs(heights.attrs)
    if heights is None or _cover(heights, commune) < LEAST_COVER:
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
) -> _Grid:
    """A grid in the commune's CRS; the file's own cells where they are in that CRS."""
    west, south, east, north = _box(commune, commune.crs, margin)
    least = np.sqrt((east - west) * (north - south) / MOST_CELLS)
    factor = max(1, int(np.ceil(max(finest, least) / step - 1e-9)))
    step = step * factor
    x0, y0 = (file.transform.c, file.transform.f) if file.crs == commune.crs else (0.0, 0.0)
    west = x0 + np.floor((west - x0) / step) * step
    north = y0 + np.ceil((north - y0) / step) * step
    transform = rasterio.transform.from_origin(west, north, step, step)
    width, height = int(np.ceil((east - west) / step)), int(np.ceil((north - south) / step))
    return _Grid(rasterio.crs.CRS.from_user_input(commune.crs), transform, width, height)


def read_extent(
    holding: Files, commune: Commune, *, step: float = 5.0, margin: float = MARGIN
) -> tuple[xr.DataArray, str]:
    """A ready-made flood extent around a commune, and its date.

    Parameters
    ----------
    holding : catalog.Holding
        Files of data set ``flood-extent``: Copernicus EMS archives, polygons, masks.
        The last that meets the commune is taken.
    commune : Commune
    step : float
        Cell of the result, metres.
    margin : float
        Metres around the commune.

    Returns
    -------
    (xarray.DataArray, str)
        uint8 (y, x) in ``commune.crs``: 1 flooded, 0 dry, 255 outside what was observed.
        The date is ISO, empty where nothing tells it.

    Raises
    ------
    InvalidInput
        If an archive holds no observed event, or a file no CRS.
    OutOfCoverage
        If no extent meets the commune and its surroundings.
    """
    west, south, east, north = _box(commune, commune.crs, margin)
    transform = rasterio.transform.from_origin(west, north, step, step)
    shape = int(np.ceil((north - south) / step)), int(np.ceil((east - west) / step))
    grid = _Grid(rasterio.crs.CRS.from_user_input(commune.crs), transform, shape[1], shape[0])
    for item in reversed(holding.items):
        path = Path(item.assets["data"].href)
        if path.suffix.lower() in (".tif", ".tiff"):
            codes: np.ndarray | None = _mask(path, grid)
            moment = _moment(item)
        else:
            codes = _polygons(path, grid, commune)
            moment = _moment(item) or _named_date(path)
        if codes is not None and (codes != 255).any():
            x = west + (np.arange(shape[1]) + 0.5) * step
            y = north - (np.arange(shape[0]) + 0.5) * step
            out = xr.DataArray(codes, {"y": y, "x": x}, ("y", "x"))
            return out.rio.write_crs(commune.crs).rio.write_transform(transform), moment
    raise OutOfCoverage(
        f"Aucune des étendues de crue présentes ne touche {commune.name}.",
        f"None of the flood extents at hand meets {commune.name}.",
    )


def _mask(path: Path, grid: _Grid) -> np.ndarray:
    with ExitStack() as stack:
        file = stack.enter_context(open_raster(path))
        raster = _read(stack, file, grid, Resampling.nearest).isel(band=0)
        values = raster.values.astype(float)
        ones_only = file.nodata == 0
    known = np.unique(values[np.isfinite(values)])
    if not set(known.tolist()) <= {-1.0, 0.0, 1.0, 255.0}:
        raise InvalidInput(
            f"{path.name} : ce masque contient {known[~np.isin(known, (-1, 0, 1, 255))][0]:g} ; "
            "une étendue de crue vaut 1 (inondé), 0 (sec) ou 255 (non observé).",
            f"{path.name}: this mask holds {known[~np.isin(known, (-1, 0, 1, 255))][0]:g}; an "
            "extent is 1 (flooded), 0 (dry) or 255 (not observed).",
        )
    out = np.full(values.shape, 255, np.uint8)
    out[values == 1] = 1
    out[values == 0] = 0
    if ones_only:
        # Written with 0 as nodata: what is not flooded is dry, not unknown.
        out[~np.isfinite(values)] = 0
    return out


def _polygons(path: Path, grid: _Grid, commune: Commune) -> np.ndarray | None:
    """Observed event on the grid; unknown outside the area of interest where it is there."""
    import pyogrio
    from rasterio.features import rasterize

    flood, area = str(path), None
    if path.suffix.lower() == ".zip":
        from ..catalog.archive import shapefiles_in

        layers = shapefiles_in(path)
        events = [a for a in layers if re.search(r"observed_?event", a, re.IGNORECASE)]
        if not events and len(layers) == 1:
            events = layers
        if not events:
            raise InvalidInput(
                f"« {path.name} » ne contient pas d'événement observé (observedEvent) : "
                "téléchargez le produit de délimitation (DEL) de Copernicus EMS.",
                f"'{path.name}' holds no observed event (observedEvent): download the "
                "delineation product (DEL) of Copernicus EMS.",
            )
        flood = events[-1]
        area = next((a for a in layers if re.search(r"area_?of_?interest", a, re.I)), None)

    def burn(address: str) -> np.ndarray | None:
        frame = pyogrio.read_dataframe(address)
        if frame.crs is None:
            raise InvalidInput(
                f"« {path.name} » n'a pas de système de coordonnées (.prj absent) : ajoutez-le.",
                f"'{path.name}' has no CRS (.prj missing): add it.",
            )
        shapes = frame.geometry.to_crs(commune.crs)
        shapes = shapes[~(shapes.isna() | shapes.is_empty)]
        if shapes.empty:
            return None
        return np.asarray(rasterize(shapes, grid.shape, transform=grid.transform, dtype="uint8"))

    try:
        wet = burn(flood)
        seen = burn(area) if area else None
    except pyogrio.errors.DataSourceError as error:
        raise InvalidInput(
            f"« {path.name} » ne peut pas être lu : {error}.",
            f"'{path.name}' cannot be read: {error}.",
        ) from error
    if wet is None or (seen is None and not wet.any()):
        return None
    if seen is not None:
        wet = np.where((seen == 1) | (wet == 1), wet, np.uint8(255))
    return wet


def _named_date(path: Path) -> str:
    found = re.search(r"(20\d{2})-?(\d{2})-?(\d{2})", path.stem)
    return "-".join(found.groups()) if found else ""
