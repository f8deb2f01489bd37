"""LCZ rasters as polygons of equal class: WUDAPT's, and Cerema's raster variant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from ..errors import InvalidInput
from .schema import Scheme, normalise_codes

__all__ = ["RASTERS", "Box", "no_crs", "raster_address", "read_error", "read_raster"]

#: West, south, east, north in the file's CRS, given that CRS.
Box = Callable[[CRS], tuple[float, float, float, float]]
#: Endings of raster files.
RASTERS = (".tif", ".tiff")


def read_error(path: Path, error: Exception) -> InvalidInput:
    """The sentence for a file that cannot be opened."""
    detail = str(error).splitlines()[0] if str(error) else type(error).__name__
    return InvalidInput(
        f"{path.name} ne se lit pas : {detail}. Le fichier est peut-être incomplet ; "
        "téléchargez-le de nouveau.",
        f"{path.name} cannot be read: {detail}. The file may be incomplete; download it again.",
    )


def no_crs(path: Path) -> InvalidInput:
    """The sentence for a file that does not say where it is."""
    return InvalidInput(
        f"{path.name} ne dit pas son système de coordonnées (fichier .prj manquant ?) : "
        "ajoutez-le à côté, puis recommencez.",
        f"{path.name} does not tell its coordinate system (missing .prj?): add it beside "
        "the file, then try again.",
    )


def raster_address(path: Path) -> str | None:
    """GDAL's address of the raster that a file is, or that an archive without map holds.

    None for vectors, and for archives that hold a shapefile.
    """
    if path.suffix.lower() in RASTERS:
        return str(path)
    if path.suffix.lower() != ".zip":
        return None
    from ..catalog import archive

    if archive.shapefiles_in(path):
        return None
    found = archive.rasters_in(path)
    return found[0] if len(found) == 1 else None


def read_raster(
    path: Path, box: Box | None = None, address: str | None = None, scheme: Scheme = "wudapt"
) -> gpd.GeoDataFrame:
    """An LCZ raster (WUDAPT 1-17, or Cerema's raster variant) as polygons of equal class.

    Only the window that meets the box is read (of ``address``, where GDAL knows the file by
    another name). Cells of one class that touch by a side
    make one polygon; 0, NaN and nodata are no class.

    Raises
    ------
    InvalidInput
        If the raster cannot be read, has no CRS, or holds an unknown code.
    """
    import rasterio
    from rasterio.features import shapes
    from rasterio.windows import Window, from_bounds

    try:
        with rasterio.open(address or path) as raster:
            if raster.crs is None:
                raise no_crs(path)
            crs = CRS.from_user_input(raster.crs.to_wkt())
            window = Window(0, 0, raster.width, raster.height)
            if box:
                asked = from_bounds(*box(crs), transform=raster.transform)
                # One cell more on every side: the box may cut through cells.
                left, top = int(np.floor(asked.col_off)) - 1, int(np.floor(asked.row_off)) - 1
                right = int(np.ceil(asked.col_off + asked.width)) + 1
                bottom = int(np.ceil(asked.row_off + asked.height)) + 1
                left, top = max(left, 0), max(top, 0)
                right, bottom = min(right, raster.width), min(bottom, raster.height)
                if right <= left or bottom <= top:
                    return _empty(crs)
                window = Window(left, top, right - left, bottom - top)
            data = raster.read(1, window=window, masked=True)
            transform = raster.window_transform(window)
    except rasterio.errors.RasterioIOError as error:
        raise read_error(path, error) from error
    values = np.ma.masked_invalid(data).filled(0)
    codes = np.unique(values[values != 0])
    # Refuses codes that are not classes before anything is drawn.
    normalise_codes(codes, scheme, path.name)
    found = list(
        shapes(values.astype(np.int16), mask=values != 0, connectivity=4, transform=transform)
    )
    if not found:
        return _empty(crs)
    out = gpd.GeoDataFrame(
        {
            "block_id": [str(i) for i in range(len(found))],
            "lcz": normalise_codes([int(value) for _, value in found], scheme, path.name),
        },
        geometry=[shapely.geometry.shape(shape) for shape, _ in found],
        crs=crs,
    )
    out.attrs["notes"] = []
    return out


def _empty(crs: CRS) -> gpd.GeoDataFrame:
    out = gpd.GeoDataFrame(
        {"block_id": pd.Series(dtype=object), "lcz": pd.Series(dtype=object)}, geometry=[], crs=crs
    )
    out.attrs["notes"] = []
    return out
