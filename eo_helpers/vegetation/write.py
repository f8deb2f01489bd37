"""Results as files: written beside, then moved, whole or not at all."""

from __future__ import annotations

import tempfile
from pathlib import Path

import geopandas as gpd
import pyogrio
import rasterio
import xarray as xr

from ..errors import InvalidInput

__all__ = ["check_output", "write_layer", "write_raster"]


def check_output(path: Path, suffixes: tuple[str, ...]) -> None:
    """Say before the work that the result could not be written.

    Raises
    ------
    InvalidInput
        If the folder does not exist, or the name has another ending.
    """
    if path.suffix.lower() not in suffixes:
        raise InvalidInput(
            f"« {path} » doit finir par {suffixes[0]}.", f"'{path}' must end in {suffixes[0]}."
        )
    if not path.parent.is_dir():
        raise InvalidInput(
            f"Le dossier de « {path} » n'existe pas : créez-le d'abord.",
            f"The folder of '{path}' does not exist: create it first.",
        )


def write_raster(
    path: Path, raster: xr.DataArray, nodata: float, tags: dict[str, str] | None = None
) -> None:
    """Write one band as a tiled, compressed GeoTIFF."""
    values = raster.values
    profile = {
        "driver": "GTiff", "dtype": values.dtype.name, "count": 1, "height": values.shape[0],
        "width": values.shape[1], "crs": raster.rio.crs, "transform": raster.rio.transform(),
        "nodata": nodata, "tiled": True, "compress": "deflate", "BIGTIFF": "IF_SAFER",
        "predictor": 3 if values.dtype.kind == "f" else 1,
    }  # fmt: skip
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}-") as folder:
        part = Path(folder) / path.name
        with rasterio.open(part, "w", **profile) as file:
            file.write(values, 1)
            file.set_band_description(1, str(raster.attrs.get("long_name", raster.name or "")))
            file.update_tags(**(tags or {}))
        part.replace(path)


def write_layer(path: Path, table: gpd.GeoDataFrame, layer: str) -> None:
    """Write polygons as a GeoPackage; ``fid`` stays the object's number."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}-") as folder:
        part = Path(folder) / path.name
        pyogrio.write_dataframe(
            table.drop(columns="fid").set_index(table["fid"].to_numpy()), part, driver="GPKG",
            layer=layer, promote_to_multi=True,
        )  # fmt: skip
        part.replace(path)
