"""Ready-made flood extents: Copernicus EMS archives, polygons, masks."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import rasterio
import rioxarray  # noqa: F401 - the .rio of what is given back
import shapely
import xarray as xr
from rasterio.enums import Resampling
from rasterio.features import geometry_mask
from rasterio.warp import transform_geom

from ..catalog.ems_archive import activation, named_date
from ..errors import InvalidInput, OutOfCoverage
from ..territory.commune import Commune
from .files import open_raster
from .places import Files, Grid, box_of, moment_of, read_on

__all__ = ["observed_event", "read_extent"]


def read_extent(
    holding: Files, commune: Commune, *, step: float = 5.0, margin: float = 2000.0
) -> tuple[xr.DataArray, str]:
    """A ready-made flood extent around a commune, and its date.

    Parameters
    ----------
    holding : catalog.Holding
        Files of data set ``flood-extent``: Copernicus EMS archives, polygons, masks.
        The last that meets the commune is taken; of one Copernicus activation, which maps the
        same flood several times, the archive with most water here.
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
    west, south, east, north = box_of(commune, commune.crs, margin)
    transform = rasterio.transform.from_origin(west, north, step, step)
    shape = int(np.ceil((north - south) / step)), int(np.ceil((east - west) / step))
    grid = Grid(rasterio.crs.CRS.from_user_input(commune.crs), transform, shape[1], shape[0])
    best: tuple[np.ndarray, str, str] | None = None
    for item in reversed(holding.items):
        path = Path(item.assets["data"].href)
        code = activation(path)
        if best is not None and (not code or code != best[2]):
            continue
        if path.suffix.lower() in (".tif", ".tiff"):
            codes = _mask(path, grid)
            moment = moment_of(item)
        else:
            codes = _polygons(path, grid, commune)
            moment = moment_of(item) or named_date(path)
        if codes is None or (codes == 255).all():
            continue
        if best is None or (codes == 1).sum() > (best[0] == 1).sum():
            best = codes, moment, code
    if best is None:
        raise OutOfCoverage(
            f"Aucune des étendues de crue présentes ne touche {commune.name}.",
            f"None of the flood extents at hand meets {commune.name}.",
        )
    x = west + (np.arange(shape[1]) + 0.5) * step
    y = north - (np.arange(shape[0]) + 0.5) * step
    out = xr.DataArray(best[0], {"y": y, "x": x}, ("y", "x"))
    return out.rio.write_crs(commune.crs).rio.write_transform(transform), best[1]


def _mask(path: Path, grid: Grid) -> np.ndarray | None:
    with ExitStack() as stack:
        file = stack.enter_context(open_raster(path))
        frame = shapely.box(*file.bounds).segmentize(
            max(file.width, file.height) * file.res[0] / 16
        )
        shape = transform_geom(file.crs, grid.crs, shapely.geometry.mapping(frame))
        covered = ~geometry_mask([shape], grid.shape, grid.transform)
        if not covered.any():
            return None
        raster = read_on(stack, file, grid, Resampling.nearest).isel(band=0)
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
        # Written with 0 as nodata: what is not flooded is dry within the file, unknown beyond.
        out[~np.isfinite(values) & covered] = 0
    return out


def observed_event(path: Path) -> tuple[str, str | None]:
    """GDAL addresses of the flood and of the area of interest (or None) in an archive.

    Raises
    ------
    InvalidInput
        If the archive holds no observed event, nor one layer alone.
    """
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
    return events[-1], next((a for a in layers if re.search(r"area_?of_?interest", a, re.I)), None)


def _polygons(path: Path, grid: Grid, commune: Commune) -> np.ndarray | None:
    """Observed event on the grid; unknown outside the area of interest where it is there."""
    import pyogrio
    from rasterio.features import rasterize

    flood: str = str(path)
    area: str | None = None
    if path.suffix.lower() == ".zip":
        flood, area = observed_event(path)

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
