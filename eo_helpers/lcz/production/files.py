"""Open what production needs from a person's own files, strictly and once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr

from ...errors import InvalidInput
from ..files import read_layer

__all__ = ["LAYERS", "open_image", "open_layers", "write_classes", "zone_around"]

#: Layer → (what its name begins with in a file of several layers, what it is in French).
LAYERS: dict[str, tuple[tuple[str, ...], str]] = {
    "buildings": (("batiment", "building"), "une couche de bâtiments"),
    "vegetation": (("zone_de_vegetation", "veget"), "une couche de végétation"),
    "water": (("surface_hydrographique", "hydro", "water"), "une couche d'eau"),
    "roads": (("troncon_de_route", "road"), "une couche de routes"),
    "impervious": (("impervious", "impermeab"), "une couche de sols imperméables"),
    "bare": (("bare", "sol_nu"), "une couche de sols nus"),
}
#: Layers that one BD TOPO GeoPackage brings together.
_TOPO = ("buildings", "vegetation", "water", "roads")


def open_layers(
    paths: Mapping[str, Path | None], topo: Path | None = None
) -> dict[str, gpd.GeoDataFrame | None]:
    """The layers that :func:`.produce.produce` takes.

    Parameters
    ----------
    paths : mapping
        Layer (a key of :data:`LAYERS`) → file, or None where there is none.
    topo : pathlib.Path, optional
        A BD TOPO GeoPackage with buildings, vegetation, water and roads; a file in
        ``paths`` goes before it.

    Raises
    ------
    InvalidInput
        If a file cannot be read (:func:`eo_helpers.lcz.files.read_layer`), or there are
        no buildings.
    """
    out: dict[str, gpd.GeoDataFrame | None] = dict.fromkeys(LAYERS)
    for name, (names, what) in LAYERS.items():
        path = paths.get(name)
        if path is not None:
            out[name] = read_layer(path, names, what)
        elif topo is not None and name in _TOPO:
            out[name] = read_layer(topo, names, f"{what} (BD TOPO)")
    if out["buildings"] is None:
        raise InvalidInput(
            "Il faut une couche de bâtiments (BD TOPO BATIMENT ou OpenStreetMap).",
            "A building layer is needed (BD TOPO BATIMENT or OpenStreetMap).",
        )
    return out


def zone_around(buildings: gpd.GeoDataFrame, margin_m: float = 50.0) -> gpd.GeoSeries:
    """Where no boundary is given: the convex hull of the buildings and 50 m around."""
    place = buildings
    if not (place.crs.is_projected and place.crs.axis_info[0].unit_name == "metre"):
        place = place.to_crs(place.estimate_utm_crs())
    hull = shapely.convex_hull(shapely.union_all(shapely.centroid(place.geometry.to_numpy())))
    return gpd.GeoSeries([shapely.buffer(hull, margin_m)], crs=place.crs)


def open_image(path: Path) -> xr.DataArray:
    """A multispectral image with its bands named.

    Parameters
    ----------
    path : pathlib.Path
        GeoTIFF; bands named by their descriptions (``B02`` …, ``red``, ``nir``), else by
        their number.

    Returns
    -------
    xarray.DataArray, dims (band, y, x), float32
        NaN where there is no data; with CRS and transform.

    Raises
    ------
    InvalidInput
        If it cannot be read, has no CRS, or has a single band.
    """
    import rasterio
    import rioxarray

    if not path.exists():
        raise InvalidInput(f"Le fichier {path} n'existe pas.", f"File {path} does not exist.")
    try:
        opened = rioxarray.open_rasterio(path)
    except rasterio.errors.RasterioError as error:
        detail = str(error).splitlines()[0]
        raise InvalidInput(
            f"{path.name} ne se lit pas comme une image : {detail}.",
            f"{path.name} cannot be read as an image: {detail}.",
        ) from error
    if not isinstance(opened, xr.DataArray):
        raise InvalidInput(
            f"{path.name} contient plusieurs jeux de données : il faut un GeoTIFF simple.",
            f"{path.name} holds several data sets: a plain GeoTIFF is needed.",
        )
    with opened:
        image = opened.load()
    if image.rio.crs is None:
        raise InvalidInput(
            f"{path.name} ne dit pas son système de coordonnées : donnez un GeoTIFF géoréférencé.",
            f"{path.name} does not tell its CRS: give a georeferenced GeoTIFF.",
        )
    if image.sizes["band"] < 2:
        raise InvalidInput(
            f"{path.name} n'a qu'une bande : il faut une image multispectrale.",
            f"{path.name} has one band only: a multispectral image is needed.",
        )
    names = image.attrs.get("long_name")
    if isinstance(names, (tuple, list)) and all(names) and len(set(names)) == len(names):
        labels = [str(n) for n in names]
    else:
        labels = [f"bande_{n}" for n in image["band"].values]
    nodata = image.rio.nodata
    values = image.to_numpy().astype(np.float32)
    if nodata is not None and np.isfinite(nodata):
        values[values == np.float32(nodata)] = np.nan
    clean = xr.DataArray(
        values,
        dims=("band", "y", "x"),
        coords={"band": labels, "y": image["y"], "x": image["x"]},
    )
    return clean.rio.write_crs(image.rio.crs).rio.write_transform(image.rio.transform())


def write_classes(prediction: Any, path: Path) -> None:
    """Write classes (WUDAPT codes, 0 = none) and confidence (%) as one GeoTIFF of two bands.

    uint8, deflate; confidence is the share of the trees' votes, 255 where there is no class.
    """
    import rasterio

    from ..files import write_beside

    code = prediction["lcz"].to_numpy()
    share = prediction["confidence"].to_numpy()
    percent = np.where(code > 0, np.round(100 * np.nan_to_num(share)), 255).astype(np.uint8)

    def write(part: Path) -> None:
        with rasterio.open(
            part,
            "w",
            driver="GTiff",
            width=code.shape[1],
            height=code.shape[0],
            count=2,
            dtype="uint8",
            crs=prediction.rio.crs,
            transform=prediction.rio.transform(),
            compress="deflate",
        ) as file:
            file.write(np.stack([code.astype(np.uint8), percent]))
            file.set_band_description(1, "lcz (WUDAPT 1-17, 0 = none)")
            file.set_band_description(2, "confidence (%, 255 = none)")

    write_beside(path, write)
