"""Files to files: the height of water of rasters too large to be held whole.

Codes and bodies of the extent stay in memory (5 bytes a cell); the terrain is read, and
the results written, window by window.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rioxarray
import xarray as xr
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.features import geometry_mask, rasterize
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window as RasterWindow

from ..errors import InvalidInput
from .depth import METHODS, check_method, levels_note, notes_on, water_depth
from .edges import FLOODED, HIDDEN, PERMANENT, Window, windows
from .files import as_cog, small_cache
from .grids import (
    EMPTY,
    OUTSIDE,
    OUTSIDE_CODE,
    Notes,
    cell_size,
    coded,
    codes_of,
    declared,
    filled,
    metres,
    plane,
    vertical_note,
)
from .ready_made import observed_event
from .rise import raise_water
from .surface import evaluate, fit
from .swot import levels_on, read_levels

__all__ = ["DepthSummary", "depth_file", "extent_codes", "open_terrain"]

_Parts = Iterator[tuple[Window, tuple[NDArray[np.float32], ...]]]
_VECTORS = {".gpkg", ".geojson", ".json", ".shp", ".parquet", ".fgb", ".kml", ".zip"}


@dataclass
class DepthSummary:
    """What was written, in short: shares, depths (m) and what the reader should know."""

    wet_cells: int
    area_km2: float
    median: float
    p95: float
    method: str
    notes: Notes = field(default_factory=list)


def depth_file(
    extent: Path,
    dem: Path,
    output: Path,
    method: str = "fwdet",
    *,
    uncertainty: Path | None = None,
    surface: Path | None = None,
    permanent_water: Path | None = None,
    rise: float | None = None,
    extend: bool = False,
    swot: Path | None = None,
    datum_offset: float = 0.0,
    side: int = 2048,
    **options: Any,
) -> DepthSummary:
    """Write the height of water (GeoTIFF, float32 m, 0 dry, NaN unknown) of an extent.

    Parameters
    ----------
    extent, permanent_water : Path
        A raster (1 flooded, 0 or no data dry, 255 not observable) or polygons.
    dem : Path
        The terrain, m; the results are on its grid.
    output, uncertainty, surface : Path
        Written beside, then moved: they are whole or not there.
    rise : float, optional
        Metres by which the surface is raised (:func:`.rise.raise_water`); this and
        ``extend`` hold the rasters whole in memory.
    swot : Path, optional
        SWOT file (L2_HR_Raster or L2_HR_RiverSP) whose levels hold the surface.
    datum_offset : float
        Added to SWOT's heights, m.
    side : int
        Of the windows, in cells; changes nothing in the result.

    Raises
    ------
    InvalidInput
        As :func:`.depth.water_depth`; or a file that cannot be read.
    """
    check_method(method)
    notes: Notes = []
    with small_cache(), open_terrain(dem) as (file, grid):
        declared(grid)
        cell = cell_size(grid, notes)
        datum = vertical_note(grid, notes)
        codes = extent_codes(extent, file)
        water = None if permanent_water is None else extent_codes(permanent_water, file)
        codes = codes_of(codes, water)
        if swot is not None:
            measured = read_levels(swot)
            options["levels"] = levels_on(measured, codes, file.crs, file.transform, datum_offset)
            notes.append(levels_note(len(options["levels"][0]), datum_offset))
        wanted = {"depth": output, "surface": surface, "uncertainty": uncertainty}
        targets = {name: path for name, path in wanted.items() if path is not None}
        tags = {"METHOD": METHODS[method], "UNITS": "m", "VERTICAL_DATUM": datum}
        with _outputs(targets, file, tags) as writers:
            if extend or rise is not None:
                arrays = _in_memory(grid, codes, method, notes, extend, rise, options)
                parts: _Parts = (
                    (w, tuple(a[w] for a in arrays)) for w in windows(codes.shape, side)
                )
            else:
                parts = _windowed(file, codes, cell, method, notes, side, options)
            return _write(parts, writers, cell, method, notes)


def _heights(file: rasterio.DatasetReader, window: Window) -> tuple[NDArray[np.float32], int]:
    values = file.read(1, window=RasterWindow.from_slices(*window))
    return metres(values, file.nodata)


def _windowed(
    file: rasterio.DatasetReader,
    codes: NDArray[np.uint8],
    cell: float,
    method: str,
    notes: Notes,
    side: int,
    options: dict[str, Any],
) -> _Parts:
    """Depth, surface and uncertainty, window by window."""
    blind = fill = known = 0
    for window in windows(codes.shape, side):
        heights, low = _heights(file, window)
        good = np.isfinite(heights)
        fill, known = fill + low, known + int(good.sum())
        blind += int(((codes[window] == FLOODED) & ~good).sum())
    if not known:
        raise InvalidInput(*EMPTY)
    if fill:
        notes.append(filled(fill))
    fitted = None
    if notes_on(codes, blind, notes):
        fitted = fit(codes, lambda w: _heights(file, w)[0], cell, method, **options)
    for window in windows(codes.shape, side):
        heights, _ = _heights(file, window)
        part = codes[window]
        if fitted is None or not (part == FLOODED).any():
            seen = (part != HIDDEN) & np.isfinite(heights)
            nothing = np.full(part.shape, np.nan, np.float32)
            yield window, (np.where(seen, np.float32(0), np.float32(np.nan)), nothing, nothing)
        else:
            yield window, evaluate(fitted, window, part, heights)


def _in_memory(
    grid: xr.DataArray,
    codes: NDArray[np.uint8],
    method: str,
    notes: Notes,
    extend: bool,
    rise: float | None,
    options: dict[str, Any],
) -> tuple[NDArray[np.float32], ...]:
    dem = grid.load()
    coded_extent = dem.copy(data=codes)
    coded_extent = coded_extent.drop_attrs().rio.write_crs(dem.rio.crs)
    coded_extent = coded_extent.rio.write_transform(dem.rio.transform())
    permanent = None
    if (codes == PERMANENT).any():
        permanent = coded_extent.copy(data=codes == PERMANENT)
        options = {**options, "permanent_water": permanent}
        coded_extent = coded_extent.copy(
            data=np.where(codes == PERMANENT, 0, codes).astype(np.uint8)
        )
    found = water_depth(coded_extent, dem, method, extend=extend, **options)
    if rise is not None:
        found = raise_water(found, dem, rise, permanent_water=permanent)
    known = {fr for fr, _ in notes}
    for fr, en in zip(
        found.attrs["notes_fr"].splitlines(), found.attrs["notes_en"].splitlines(), strict=True
    ):
        if fr not in known:
            notes.append((fr, en))
    return tuple(found[name].values for name in ("depth", "surface", "uncertainty"))


def _write(
    parts: _Parts,
    writers: dict[str, rasterio.io.DatasetWriter],
    cell: float,
    method: str,
    notes: Notes,
) -> DepthSummary:
    """Write windows as they come; depths are counted by the centimetre for the summary."""
    counts = np.zeros(10_001, np.int64)
    for window, arrays in parts:
        named = dict(zip(("depth", "surface", "uncertainty"), arrays, strict=True))
        for name, writer in writers.items():
            writer.write(named[name], 1, window=RasterWindow.from_slices(*window))
        wet = named["depth"][np.isfinite(named["surface"]) & np.isfinite(named["depth"])]
        counts += np.bincount((wet * 100).clip(0, 10_000).astype(int), minlength=10_001)
    total = int(counts.sum())
    below = np.cumsum(counts) / max(total, 1)

    def quantile(q: float) -> float:
        return (float(np.searchsorted(below, q)) + 0.5) / 100 if total else 0.0

    return DepthSummary(
        wet_cells=total,
        area_km2=total * cell**2 / 1e6,
        median=quantile(0.5),
        p95=quantile(0.95),
        method=method,
        notes=notes,
    )


@contextlib.contextmanager
def open_terrain(path: Path) -> Iterator[tuple[rasterio.DatasetReader, xr.DataArray]]:
    """The DEM, as an open file and as a lazy array."""
    what = ("Le relief", "The terrain")
    with _opened(path, what) as file:
        lazy = rioxarray.open_rasterio(path)
        if not isinstance(lazy, xr.DataArray):
            raise InvalidInput(
                f"Le relief « {path} » contient plusieurs images : donnez-en une seule.",
                f"The terrain '{path}' holds several rasters: give a single one.",
            )
        try:
            yield file, plane(lazy.isel(band=0, drop=True), what)
        finally:
            lazy.close()


@contextlib.contextmanager
def _opened(path: Path, what: tuple[str, str]) -> Iterator[rasterio.DatasetReader]:
    try:
        file = rasterio.open(path)
    except rasterio.errors.RasterioIOError as error:
        raise InvalidInput(
            f"{what[0]} ne se lit pas comme une image : « {path} » manque ou n'en est pas une.",
            f"{what[1]} cannot be read as a raster: '{path}' is missing or is none.",
        ) from error
    with file:
        yield file


def extent_codes(path: Path, dem: rasterio.DatasetReader) -> NDArray[np.uint8]:
    """An extent (raster or polygons) as codes on the DEM's grid."""
    what = ("L'étendue d'eau", "The extent")
    if path.suffix.lower() in _VECTORS:
        return _polygons(path, dem)
    with _opened(path, what) as file:
        if file.crs is None:
            raise InvalidInput(
                f"L'étendue d'eau « {path} » n'a pas de système de coordonnées : donnez-lui le "
                "sien (gdal_edit -a_srs EPSG:2154, par exemple).",
                f"The extent '{path}' has no coordinate reference system: give it its own "
                "(gdal_edit -a_srs EPSG:2154, for instance).",
            )
        out = np.empty(dem.shape, np.uint8)
        same = file.shape == dem.shape and file.crs == dem.crs
        if same and file.transform.almost_equals(dem.transform, 1e-6):
            for window in windows(dem.shape):
                values = file.read(1, window=RasterWindow.from_slices(*window))
                out[window] = coded(values, file.nodata, file.nodata)
            return out
        # No data of the file means dry; beyond the file is unknown: only alpha tells them apart.
        with WarpedVRT(
            file,
            crs=dem.crs,
            transform=dem.transform,
            width=dem.width,
            height=dem.height,
            resampling=Resampling.nearest,
            src_nodata=None,
            add_alpha=True,
        ) as vrt:
            for window in windows(dem.shape):
                frame = RasterWindow.from_slices(*window)
                inside = vrt.read(vrt.count, window=frame) > 0
                values = vrt.read(1, window=frame)
                part = np.full(values.shape, OUTSIDE_CODE, np.uint8)
                part[inside] = coded(values[inside], file.nodata, file.nodata)
                out[window] = part
        if not (out == FLOODED).any() and _any_flooded(file):
            raise InvalidInput(*OUTSIDE)
    return out


def _any_flooded(file: rasterio.DatasetReader) -> bool:
    return any(
        bool((file.read(1, window=RasterWindow.from_slices(*window)) == FLOODED).any())
        for window in windows(file.shape)
    )


def _polygons(path: Path, dem: rasterio.DatasetReader) -> NDArray[np.uint8]:
    """Polygons burnt on the DEM's grid: what lies outside of them is dry.

    Outside the area of interest of a Copernicus EMS archive nothing is known.
    """
    import geopandas

    address: str | Path = path
    area: str | None = None
    if path.suffix.lower() == ".zip":
        address, area = observed_event(path)
    try:
        read = geopandas.read_parquet if path.suffix.lower() == ".parquet" else geopandas.read_file
        shapes = read(address)
        seen = None if area is None else geopandas.read_file(area)
    except Exception as error:  # each driver has errors of its own
        raise InvalidInput(
            f"L'étendue d'eau « {path} » ne se lit pas : {_first_line(error)}.",
            f"The extent '{path}' cannot be read: {_first_line(error)}.",
        ) from error
    if shapes.crs is None:
        raise InvalidInput(
            f"Les polygones de « {path} » n'ont pas de système de coordonnées : donnez-leur le "
            "leur (fichier .prj).",
            f"The polygons of '{path}' have no coordinate reference system: give them their own "
            "(.prj file).",
        )
    shapes = shapes.to_crs(dem.crs)
    areas = shapes.geometry[shapes.geom_type.isin(["Polygon", "MultiPolygon"])]
    if len(shapes) and not len(areas):
        raise InvalidInput(
            f"« {path} » ne contient aucun polygone : l'étendue d'eau est une surface.",
            f"'{path}' holds no polygon: an extent is an area.",
        )
    if not len(areas):
        return np.zeros(dem.shape, np.uint8)
    out = rasterize(areas, out_shape=dem.shape, transform=dem.transform, dtype="uint8")
    if not out.any():
        raise InvalidInput(*OUTSIDE)
    if seen is not None and seen.crs is not None and len(seen):
        beyond = geometry_mask(seen.to_crs(dem.crs).geometry, dem.shape, dem.transform)
        out[beyond & (out == 0)] = OUTSIDE_CODE
    return out


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


@contextlib.contextmanager
def _outputs(
    targets: dict[str, Path], dem: rasterio.DatasetReader, tags: dict[str, str]
) -> Iterator[dict[str, rasterio.io.DatasetWriter]]:
    """GeoTIFF files written beside their place, moved there together at the end."""
    for path in targets.values():
        if not path.parent.is_dir():
            raise InvalidInput(
                f"Le dossier « {path.parent} » n'existe pas : créez-le, ou écrivez ailleurs.",
                f"The folder '{path.parent}' does not exist: create it, or write elsewhere.",
            )
    profile = {
        "driver": "GTiff", "dtype": "float32", "count": 1, "nodata": float("nan"),
        "height": dem.height, "width": dem.width, "crs": dem.crs, "transform": dem.transform,
        "tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate",
        "zlevel": 1, "predictor": 3, "bigtiff": "if_safer",
    }  # fmt: skip
    beside = {n: p.with_name(f".{p.stem}-{uuid.uuid4().hex[:8]}.tif") for n, p in targets.items()}
    try:
        with contextlib.ExitStack() as stack:
            writers = {}
            for name, path in beside.items():
                writers[name] = stack.enter_context(rasterio.open(path, "w", **profile))
                writers[name].set_band_description(1, name)
                writers[name].update_tags(**tags)
            yield writers
        for name, path in targets.items():
            as_cog(beside[name], path)
    finally:
        for path in beside.values():
            path.unlink(missing_ok=True)
