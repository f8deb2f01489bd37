"""Rasters of a person's own: opened on one grid without being held, written whole or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import xarray as xr
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds

from ..errors import InvalidInput
from ..findings import Legend
from .optical import band_indices

__all__ = [
    "check_writable",
    "lazy",
    "on_one_grid",
    "open_raster",
    "same_orbit",
    "small_cache",
    "warped",
    "write_raster",
]

#: Share of the first image that another must cover.
LEAST_OVERLAP = 0.01
#: GDAL's block cache, MB: windows are read in order, what is behind is not read again.
CACHE_MB = 256


def small_cache() -> rasterio.Env:
    """GDAL's block cache held small: by default it may grow to a twentieth of the memory."""
    return rasterio.Env(GDAL_CACHEMAX=CACHE_MB)


def open_raster(path: Path, what: str = "") -> rasterio.DatasetReader:
    """A raster that says where it is.

    Raises
    ------
    InvalidInput
        If it is missing, cannot be read, has no CRS or no position.
    """
    try:
        file = rasterio.open(path)
    except rasterio.errors.RasterioIOError as error:
        raise InvalidInput(
            f"{what}« {path} » ne peut pas être lu : le fichier manque, est tronqué ou n'est pas "
            "une image géographique.",
            f"{what}'{path}' cannot be read: missing, cut short, or no geographic image.",
        ) from error
    if file.crs is None or file.transform.is_identity:
        file.close()
        raise InvalidInput(
            f"{what}« {path} » n'a pas de système de coordonnées : on ne sait pas où placer "
            "l'image ; redonnez-lui le sien (gdal_edit -a_srs …).",
            f"{what}'{path}' has no CRS: there is no telling where it lies; give it its own "
            "(gdal_edit -a_srs …).",
        )
    return file


def _tags(file: rasterio.DatasetReader) -> dict[str, str]:
    return {k.upper(): str(v).strip().upper() for k, v in file.tags().items()}


def same_orbit(a: rasterio.DatasetReader, b: rasterio.DatasetReader) -> None:
    """Refuse two scenes that say they were seen from different directions.

    Raises
    ------
    InvalidInput
        If relative orbits or directions are told and differ: slopes, walls and fields
        then look otherwise without any flood.
    """
    one, two = _tags(a), _tags(b)
    for key, fr in (("RELATIVE_ORBIT", "orbite"), ("ORBIT_DIRECTION", "sens de passage")):
        if one.get(key) and two.get(key) and one[key] != two[key]:
            raise InvalidInput(
                f"Les deux scènes radar n'ont pas la même géométrie ({fr} {one[key]} et "
                f"{two[key]}) : choisissez avant et après sur la même orbite.",
                f"The two radar scenes differ in geometry ({key.lower().replace('_', ' ')} "
                f"{one[key]} and {two[key]}): choose both on the same orbit.",
            )


def _overlap(file: rasterio.DatasetReader, grid: rasterio.DatasetReader, what: str) -> None:
    west, south, east, north = transform_bounds(file.crs, grid.crs, *file.bounds)
    box = grid.bounds
    width = min(east, box.right) - max(west, box.left)
    height = min(north, box.top) - max(south, box.bottom)
    whole = (box.right - box.left) * (box.top - box.bottom)
    if width <= 0 or height <= 0 or width * height < LEAST_OVERLAP * abs(whole):
        raise InvalidInput(
            f"{what} ne recouvre pas l'image de --after : donnez deux images du même lieu.",
            f"{what} does not overlap the image of --after: give images of the same place.",
        )


@contextmanager
def on_one_grid(
    after: Path, before: Path | None = None, optical: Path | None = None, dem: Path | None = None
) -> Iterator[dict[str, Any]]:
    """Lazy rasters on the grid of ``after``: values are read window by window.

    Parameters
    ----------
    after, before : Path
        Sentinel-1 scenes.
    optical : Path
        Sentinel-2 image.
    dem : Path
        Terrain, first band.

    Yields
    ------
    dict
        ``after, before, optical, dem``: arrays with NaN where nothing was measured, or None.

    Raises
    ------
    InvalidInput
        If a file cannot be read, lacks a CRS, does not overlap, or the orbits differ.
    """
    with ExitStack() as stack:
        stack.enter_context(small_cache())
        first = stack.enter_context(open_raster(after, "--after : "))
        out: dict[str, Any] = {"after": lazy(stack, first)}
        for name, path, how in (
            ("before", before, Resampling.bilinear),
            ("optical", optical, Resampling.bilinear),
            ("dem", dem, Resampling.average),
        ):
            out[name] = None
            if path is None:
                continue
            file = stack.enter_context(open_raster(path, f"--{name} : "))
            _overlap(file, first, f"--{name}")
            if name == "before":
                same_orbit(first, file)
            if name == "optical":
                # Names are lost in the warp: bands are chosen here.
                chosen = band_indices(file.descriptions, "--optical")
                raster = lazy(stack, warped(stack, file, first, how))
                raster = raster.isel(band=list(chosen.values()))
                out[name] = raster.assign_coords(band=list(chosen))
                continue
            raster = lazy(stack, warped(stack, file, first, how), file.descriptions)
            out[name] = raster.isel(band=0, drop=True) if name == "dem" else raster
        yield out


def warped(stack: ExitStack, file: rasterio.DatasetReader, grid: Any, how: Resampling) -> Any:
    """The file on a grid (``crs, transform, width, height, shape``), itself where it is on it."""
    same = file.crs == grid.crs and file.shape == grid.shape
    if same and file.transform.almost_equals(grid.transform, 1e-6 * abs(grid.transform.a)):
        return file
    nodata = file.nodata if file.nodata is not None else None
    floating = file.dtypes[0].startswith("float")
    return stack.enter_context(
        WarpedVRT(
            file, crs=grid.crs, transform=grid.transform, width=grid.width, height=grid.height,
            resampling=how, src_nodata=nodata,
            nodata=nodata if nodata is not None else (np.nan if floating else 0),
        )
    )  # fmt: skip


def lazy(stack: ExitStack, file: Any, names: Any = None) -> xr.DataArray:
    """Bands that are read when asked for, named where all have a description; NaN for no data."""
    import rioxarray

    raster = rioxarray.open_rasterio(file, masked=True, cache=False)
    if not isinstance(raster, xr.DataArray):
        raise InvalidInput(
            "Ce fichier contient plusieurs images : donnez-en une seule.",
            "This file holds several rasters: give a single one.",
        )
    words = [str(n or "") for n in (names or file.descriptions)]
    return raster.assign_coords(band=words) if all(words) else raster


def check_writable(path: Path) -> None:
    """Say before the work that the result could not be written.

    Raises
    ------
    InvalidInput
        If the folder does not exist or the name is not that of a GeoTIFF.
    """
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise InvalidInput(
            f"« {path} » doit finir par .tif : le résultat est un GeoTIFF.",
            f"'{path}' must end in .tif: the result is a GeoTIFF.",
        )
    if not path.parent.is_dir():
        raise InvalidInput(
            f"Le dossier de « {path} » n'existe pas : créez-le d'abord.",
            f"The folder of '{path}' does not exist: create it first.",
        )


def write_raster(
    path: Path, raster: xr.DataArray, nodata: float, tags: dict[str, str] | None = None
) -> None:
    """Write one band as a cloud-optimised GeoTIFF (COG); beside, then moved."""
    values = raster.values
    profile = {
        "driver": "GTiff", "dtype": values.dtype.name, "count": 1, "height": values.shape[0],
        "width": values.shape[1], "crs": raster.rio.crs, "transform": raster.rio.transform(),
        "nodata": nodata, "tiled": True, "blockxsize": 512, "blockysize": 512,
        "compress": "deflate", "predictor": 3 if values.dtype.kind == "f" else 1,
        "num_threads": 2, "BIGTIFF": "IF_SAFER",
    }  # fmt: skip
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}-") as folder:
        part = Path(folder) / path.name
        with rasterio.open(part, "w", **profile) as file:
            file.write(values, 1)
            file.set_band_description(1, str(raster.attrs.get("long_name", raster.name or "")))
            file.update_tags(**(tags or {}))
        as_cog(part, path)


def as_cog(part: Path, path: Path) -> None:
    """Put a whole GeoTIFF in its place as a COG: tiles, and overviews for maps."""
    import rasterio.shutil

    beside = part.with_name(f"{part.stem}.cog.tif")
    with small_cache(), rasterio.open(part) as file:
        smooth = file.dtypes[0].startswith("float")
        rasterio.shutil.copy(
            file, beside, driver="COG", compress="deflate", level=6,
            predictor="floating_point" if smooth else "standard",
            overview_resampling="average" if smooth else "mode", bigtiff="if_safer",
        )  # fmt: skip
    part.unlink()
    beside.replace(path)


def write_style(path: Path, legend: Legend) -> None:
    """Write the QGIS style of a raster beside it: QGIS opens both together."""
    from ..qgis import raster_style

    part = path.with_name(f".{path.stem}.qml.part")
    part.write_text(raster_style(legend), encoding="utf-8")
    part.replace(path.with_suffix(".qml"))
