"""Strata from files: image and heights on one grid, numbers recognised, what was done told."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
import xarray as xr
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds
from rasterio.windows import Window, from_bounds

from ..errors import InvalidInput, OutOfCoverage
from ..text import Text, number
from .indices import ndvi
from .landscape import roofs
from .reflectance import (
    Scale,
    band_positions,
    check_bands,
    check_heights,
    detect_scale,
    reflectance,
)
from .strata import Limits, ndvi_threshold, strata

__all__ = [
    "Made",
    "as_raster",
    "cut",
    "open_raster",
    "read_bands",
    "read_heights",
    "read_index",
    "strata_of_files",
]

#: Share of the image that heights must cover.
_LEAST_OVERLAP = 0.01
#: Noise of a height of a 1 m lidar model, and of surface minus terrain of coarser cells.
LIDAR_STD, COARSE_STD = 0.3, 1.0


@dataclass
class Made:
    """Strata with all that they were made of, on one grid."""

    strata: xr.Dataset
    index: xr.Dataset
    height: xr.DataArray
    scale: Scale
    limits: Limits
    notes: list[Text] = field(default_factory=list)


def open_raster(stack: ExitStack, path: Path, what: str) -> rasterio.DatasetReader:
    """An image that says where it is.

    Raises
    ------
    InvalidInput
        If it is missing, cut short, or has no CRS.
    """
    try:
        file = stack.enter_context(rasterio.open(path))
    except rasterio.errors.RasterioIOError as error:
        raise InvalidInput(
            f"{what} « {path} » ne peut pas être lu : le fichier manque, est tronqué ou n'est pas "
            "une image géographique.",
            f"{what} '{path}' cannot be read: missing, cut short, or no geographic image.",
        ) from error
    if file.crs is None or file.transform.is_identity:
        raise InvalidInput(
            f"{what} « {path} » n'a pas de système de coordonnées : redonnez-lui le sien "
            "(gdal_edit -a_srs …).",
            f"{what} '{path}' has no CRS: give it its own (gdal_edit -a_srs …).",
        )
    return file


def as_raster(
    values: np.ndarray, transform: Any, crs: Any, name: str, attrs: dict[str, Any] | None = None
) -> xr.DataArray:
    """An array of cells with its place: dims ``(y, x)`` or ``(band, y, x)``."""
    import rioxarray  # noqa: F401  (registers .rio)

    rows, cols = values.shape[-2:]
    x = transform.c + (np.arange(cols) + 0.5) * transform.a
    y = transform.f + (np.arange(rows) + 0.5) * transform.e
    dims = ("y", "x") if values.ndim == 2 else ("band", "y", "x")
    out = xr.DataArray(values, {"y": y, "x": x}, dims, name, attrs)
    return out.rio.write_crs(crs).rio.write_transform(transform)


def read_bands(
    path: Path, bounds: tuple[float, float, float, float] | None = None, crs: Any = None,
    more: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[xr.DataArray, list[str], Scale, dict[str, str]]:  # fmt: skip
    """Reflectance of an image's bands, their roles, what its numbers were, the file's tags.

    As for :func:`read_index`; ``more`` as for :func:`.reflectance.band_positions`.
    """
    with ExitStack() as stack:
        file = open_raster(stack, path, "L'image")
        part = _window(file, bounds, crs)
        at = band_positions(file.descriptions, path.name, more)
        roles = list(at)
        values = file.read([at[r] + 1 for r in roles], window=part)
        masks = file.read_masks([at[r] + 1 for r in roles], window=part)
        tags = file.tags()
        transform, where = file.window_transform(part), file.crs
    # Counts that no file declares missing, but where every band is nought, were not measured.
    empty = (masks == 0).any(0) | (values == 0).all(0)
    # What the numbers are is told by two million cells as well as by all.
    known = values.reshape(len(roles), -1)[:, ~empty.ravel()]
    known = known[:, :: max(1, known.shape[1] // 2_000_000)]
    known = known if known.dtype == np.uint8 else known.astype(np.float32)
    scale = detect_scale(xr.DataArray(known, dims=("band", "cell")), tags)
    raw = as_raster(values.astype(np.float32), transform, where, "image")
    image = reflectance(raw.where(~empty), scale)
    return image.rio.write_crs(where).rio.write_transform(transform), roles, scale, tags


def read_index(
    path: Path, bounds: tuple[float, float, float, float] | None = None, crs: Any = None
) -> tuple[xr.Dataset, Scale]:
    """NDVI of an image, with its noise, on its own grid.

    Parameters
    ----------
    path : Path
        Image with red and near infrared.
    bounds, crs
        The part to read, and the CRS of these bounds; all of it by default.

    Returns
    -------
    (xarray.Dataset, Scale)
        ``ndvi, std`` of :func:`.indices.ndvi`; ``attrs["date"]`` where the file tells it.

    Raises
    ------
    InvalidInput
        If bands are missing or swapped, or numbers are not what an index needs.
    """
    image, roles, scale, tags = read_bands(path, bounds, crs)
    where, transform = image.rio.crs, image.rio.transform()
    red, nir = image[roles.index("red")], image[roles.index("nir")]
    check_bands(red, nir)
    index = ndvi(red, nir, scale.noise)
    index = index.rio.write_crs(where).rio.write_transform(transform)
    for key in ("ACQUISITION_DATETIME", "ACQUISITION_DATE", "TIFFTAG_DATETIME"):
        if key in tags:
            index.attrs["date"] = str(tags[key])[:10].replace(":", "-")
            break
    return index, scale


def _window(
    file: rasterio.DatasetReader, bounds: tuple[float, float, float, float] | None, crs: Any
) -> Window:
    whole = Window(0, 0, file.width, file.height)
    if bounds is None:
        return whole
    box = transform_bounds(crs, file.crs, *bounds)
    wanted = from_bounds(*box, transform=file.transform).round_offsets().round_lengths()
    try:
        return wanted.intersection(whole)
    except rasterio.errors.WindowError as error:
        raise OutOfCoverage(
            "L'image ne couvre pas la zone demandée.", "The image does not cover the area."
        ) from error


def read_heights(
    path: Path, like: xr.DataArray, minus: Path | None = None, check: bool = True
) -> xr.DataArray:
    """Heights above ground on a grid, metres.

    Parameters
    ----------
    path : Path
        Heights above ground (MNH), or the surface if ``minus`` is the terrain.
    like : xarray.DataArray (y, x)
    minus : Path, optional
        Bare-earth terrain, subtracted cell by cell.
    check : bool
        False for a surface whose terrain is subtracted later: altitudes are then let through.

    Raises
    ------
    OutOfCoverage
        If the file lies elsewhere.
    InvalidInput
        If heights are in centimetres, or altitudes.
    """
    grid = {
        "crs": like.rio.crs, "transform": like.rio.transform(),
        "width": like.sizes["x"], "height": like.sizes["y"],
    }  # fmt: skip
    with ExitStack() as stack:
        file = open_raster(stack, path, "Le modèle de hauteur")
        unit = (file.units or (None,))[0] or file.tags().get("UNITS", "")
        fine = abs(file.transform.a) < abs(like.rio.resolution()[0]) * 0.99
        how = Resampling.average if fine else Resampling.bilinear
        values = _warped(stack, file, grid, how)
        if minus is not None:
            values = values - _warped(
                stack, open_raster(stack, minus, "Le modèle de terrain"), grid, how
            )
    out = as_raster(values, like.rio.transform(), like.rio.crs, "height", {"units": unit or "m"})
    if np.isfinite(values).mean() < _LEAST_OVERLAP:
        raise OutOfCoverage(
            f"« {path.name} » ne recouvre pas l'image : donnez deux fichiers du même lieu.",
            f"'{path.name}' does not overlap the image: give files of the same place.",
        )
    if not check:
        return out
    check_heights(out, path.name)
    return out.clip(min=0.0).assign_attrs(units="m")


def _warped(stack: ExitStack, file: Any, grid: dict[str, Any], how: Resampling) -> np.ndarray:
    nodata = file.nodata if file.nodata is not None else -9999.0
    vrt = stack.enter_context(
        WarpedVRT(file, resampling=how, src_nodata=nodata, nodata=nodata, dtype="float32", **grid)
    )
    values = vrt.read(1).astype(np.float32)
    return np.where((values == np.float32(nodata)) | ~np.isfinite(values), np.nan, values)


def strata_of_files(
    image: Path,
    height: Path | None,
    limits: Limits | None = None,
    *,
    terrain: Path | None = None,
    seek_ndvi: bool = True,
    buildings: gpd.GeoDataFrame | None = None,
    bounds: tuple[float, float, float, float] | None = None,
    crs: Any = None,
) -> Made:
    """Strata from an image and heights, on the image's grid.

    Parameters
    ----------
    image : Path
        Red and near infrared: Sentinel-2, BD ORTHO IRC, Pléiades …
    height : Path or None
        Heights above ground; with ``terrain``, the surface.
    limits : Limits, optional
        By default 1.5 and 5 m, and an NDVI of 0.35.
    terrain : Path, optional
    seek_ndvi : bool
        Whether an image that is not calibrated has its own NDVI limit sought (Otsu).
    buildings : GeoDataFrame, optional
        Roofs, which are no vegetation.
    bounds, crs : optional
        The part to work on.

    Returns
    -------
    Made
    """
    index, scale = read_index(image, bounds, crs)
    values = index["ndvi"]
    notes: list[Text] = [
        {"fr": f"{image.name} : {scale.word['fr']}.", "en": f"{image.name}: {scale.word['en']}."}
    ]
    told = limits or Limits()
    if not scale.calibrated and seek_ndvi:
        told = replace(told, ndvi=ndvi_threshold(values))
        notes.append(
            {
                "fr": f"Seuil de l'indice de végétation trouvé dans l'image : "
                f"{number(told.ndvi, 2)}.",
                "en": f"Threshold of the vegetation index found in the image: {told.ndvi:.2f}.",
            }
        )
    metres: xr.DataArray | None = None
    if height is not None:
        metres = read_heights(height, values, terrain)
        if limits is None and terrain is not None:
            told = replace(told, height_std=COARSE_STD)
    roof = roofs(values, buildings)
    made = strata(values, metres, told, index["std"], roof)
    made = made.rio.write_crs(values.rio.crs).rio.write_transform(values.rio.transform())
    made.attrs["date"] = index.attrs.get("date", "")
    if metres is None:
        metres = values.copy(data=np.full(values.shape, np.nan, np.float32))
    return Made(made, index, metres, scale, told, notes)


def cut(file: rasterio.DatasetReader, commune: Any, margin: float = 0.0) -> xr.DataArray | None:
    """First band around a commune on the file's own grid, None where they do not meet."""
    west, south, east, north = commune.projected_boundary.bounds
    box = west - margin, south - margin, east + margin, north + margin
    wanted = from_bounds(*transform_bounds(commune.crs, file.crs, *box), transform=file.transform)
    try:
        part = (
            wanted.round_offsets()
            .round_lengths()
            .intersection(Window(0, 0, file.width, file.height))
        )
    except rasterio.errors.WindowError:
        return None
    if part.width < 1 or part.height < 1:
        return None
    return as_raster(file.read(1, window=part), file.window_transform(part), file.crs, "raster")
