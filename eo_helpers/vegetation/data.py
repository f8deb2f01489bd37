"""Opens and validates what the vegetation theme needs for one commune."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import rasterio
import xarray as xr
from pyproj import Transformer
from rasterio.enums import Resampling
from rasterio.features import geometry_mask

from .. import catalog
from ..catalog.provenance import Provenance
from ..errors import NoData, OutOfCoverage
from ..territory import population
from ..territory.commune import Commune
from ..text import Text
from .gus import read_parcels
from .landscape import Context
from .produce import COARSE_STD, LIDAR_STD, as_raster, read_heights, read_index
from .reflectance import Scale, check_heights

__all__ = ["COARSE", "FINE", "IMAGE", "Place", "around", "grid_over", "inside_of", "is_summer",
           "read", "resampled"]  # fmt: skip

IMAGE, FINE_IMAGE = "sentinel-2", "ortho-irc"
HEIGHTS, SURFACE, TERRAIN = "mnh", "dsm", "dem"
BUILDINGS, ROADS, WATER, PARCELS = "bdtopo-buildings", "bdtopo-roads", "bdtopo-water", "rpg"
POPULATION = "filosofi-200m"
#: Cells of the map of the whole commune and of the detailed one, metres.
COARSE, FINE = 5.0, 1.0
#: Cells of the detailed map at most: 20 km² at 1 m.
MOST_CELLS = 20_000_000


@dataclass
class Place:
    """What the theme reads of a commune.

    Attributes
    ----------
    index : xarray.Dataset
        NDVI and its noise on the grid of ``height``, around the commune, in its CRS.
    height : xarray.DataArray or None
        Metres above ground.
    height_std : float
        Standard deviation of a height, metres.
    fine : tuple or None
        The same of the part of the commune that has heights of 2 m at most and an infrared
        photograph: ``(index, height, scale)``.
    context : Context
    cells : GeoDataFrame or None
        Population by 200 m cell.
    """

    index: xr.Dataset
    scale: Scale
    height: xr.DataArray | None
    height_std: float
    height_source: str
    context: Context
    date: str = ""
    fine: tuple[xr.Dataset, xr.DataArray, Scale, str] | None = None
    cells: gpd.GeoDataFrame | None = None
    provenance: tuple[Provenance, ...] = ()
    notes: list[Text] = field(default_factory=list)


def inside_of(raster: xr.DataArray, commune: Commune) -> np.ndarray:
    """True where a cell's centre lies in the commune."""
    outline = commune.boundary_in(raster.rio.crs)
    return np.asarray(
        geometry_mask([outline], raster.shape[-2:], raster.rio.transform(), invert=True)
    )


def _holding(dataset: str, commune: Commune, source: Any) -> Any:
    try:
        return catalog.find(dataset, commune, source)
    except NoData:
        return None


def read(commune: Commune, source: Any) -> Place:
    """Images, heights, buildings, roads, parcels and people of a commune.

    Parameters
    ----------
    commune : Commune
    source : catalog.Source

    Returns
    -------
    Place

    Raises
    ------
    NoData, OutOfCoverage
        If there is no Sentinel-2 image of the commune.
    InvalidInput
        If a file is not what its data set promises: bands swapped, heights in centimetres …
    """
    image = catalog.find(IMAGE, commune, source)
    used = [image]
    index, scale, date, chosen = _summer_image(image, commune)
    grid = grid_over(commune, COARSE)
    index = _on(index, grid)
    mnh, dsm, dem = (_holding(d, commune, source) for d in (HEIGHTS, SURFACE, TERRAIN))
    height, std, told = None, COARSE_STD, ""
    if dsm is not None and dem is not None:
        height = _mosaic(dsm.paths, grid, dem.paths)
        told = SURFACE
        used += [dsm, dem]
    if mnh is not None:
        lidar = _mosaic(mnh.paths, grid)
        whole = float(np.isfinite(lidar.values)[inside_of(grid, commune)].mean()) > 0.98
        if whole or height is None:
            height, std, told = lidar, LIDAR_STD, HEIGHTS
        used.append(mnh)
    buildings, roads, water, parcels = (
        _holding(d, commune, source) for d in (BUILDINGS, ROADS, WATER, PARCELS)
    )
    context = Context(
        buildings=_topo(buildings, commune, {"hauteur"}),
        roads=_topo(roads, commune, {"importance"}),
        water=_topo(water, commune, {"position_par_rapport_au_sol", "persistance"}),
        parcels=_parcels(parcels, commune),
    )
    used += [h for h in (buildings, roads, water, parcels) if h is not None]
    place = Place(index, scale, height, std, told, context, date)
    place.notes.append(
        {"fr": f"{chosen} : {scale.word['fr']}.", "en": f"{chosen}: {scale.word['en']}."}
    )
    ortho = _holding(FINE_IMAGE, commune, source)
    if ortho is not None and mnh is not None:
        place.fine = _fine(ortho, mnh, commune)
        if place.fine is not None:
            used.append(ortho)
    people = _holding(POPULATION, commune, source)
    if people is not None:
        try:
            place.cells = population.read(people, commune)
            used.append(people)
        except OutOfCoverage:
            place.cells = None
    place.provenance = tuple(h.provenance for h in used)
    return place


def _summer_image(image: Any, commune: Commune) -> tuple[xr.Dataset, Scale, str, str]:
    """The last image of June to September, else the last one; cut to the commune."""
    dated = sorted(
        ((i.datetime.isoformat() if i.datetime else "", Path(i.assets["data"].href))
         for i in image.items),
        key=lambda d: (is_summer(d[0]), d[0]),
        reverse=True,
    )  # fmt: skip
    bounds = around(commune, 100.0)
    inside = 0.0
    for moment, path in dated:
        index, scale = read_index(path, bounds, commune.crs)
        mask = inside_of(index["ndvi"], commune)
        inside = float(np.isfinite(index["ndvi"].values[mask]).mean()) if mask.any() else 0.0
        if inside >= 0.5:
            return index, scale, moment[:10] or index.attrs.get("date", ""), path.name
    raise OutOfCoverage(
        f"Aucune image Sentinel-2 n'a mesuré {commune.name} : nuages, ou images d'ailleurs.",
        f"No Sentinel-2 image has measured {commune.name}: clouds, or images of elsewhere.",
    )


def is_summer(moment: str) -> bool:
    """Whether an ISO date lies in June to September, when leaves are full."""
    return moment[5:7] in ("06", "07", "08", "09")


def around(commune: Commune, margin: float) -> tuple[float, float, float, float]:
    """Bounds of a commune in its CRS, metres wider."""
    west, south, east, north = commune.projected_boundary.bounds
    return west - margin, south - margin, east + margin, north + margin


def grid_over(commune: Commune, step: float) -> xr.DataArray:
    """An empty grid over the commune, in its CRS."""
    west, south, east, north = around(commune, 50.0)
    west, north = np.floor(west / step) * step, np.ceil(north / step) * step
    cols, rows = int(np.ceil((east - west) / step)), int(np.ceil((north - south) / step))
    transform = rasterio.transform.from_origin(west, north, step, step)
    return as_raster(np.zeros((rows, cols), np.uint8), transform, commune.crs, "grid")


def resampled(one: xr.DataArray, grid: xr.DataArray) -> xr.DataArray:
    """A raster on another grid, bilinear."""
    out = one.rio.write_nodata(np.nan).rio.reproject_match(grid, resampling=Resampling.bilinear)
    return out.assign_coords(x=grid["x"], y=grid["y"])


def _on(index: xr.Dataset, grid: xr.DataArray) -> xr.Dataset:
    out = index.map(lambda one: resampled(one, grid))
    out.attrs = dict(index.attrs)
    return out.rio.write_crs(grid.rio.crs).rio.write_transform(grid.rio.transform())


def _mosaic(paths: list[Path], grid: xr.DataArray, minus: list[Path] | None = None) -> xr.DataArray:
    """Heights of several files on one grid; files elsewhere are passed over."""
    surface = _first(paths, grid)
    if minus is not None:
        surface = surface - _first(minus, grid)
    check_heights(surface, paths[0].name)
    out = surface.clip(min=0.0).astype(np.float32).assign_attrs(units="m")
    return out.rio.write_crs(grid.rio.crs).rio.write_transform(grid.rio.transform())


def _first(paths: list[Path], grid: xr.DataArray) -> xr.DataArray:
    out: xr.DataArray | None = None
    for path in paths:
        try:
            part = read_heights(path, grid, check=False)
        except OutOfCoverage:
            continue
        out = part if out is None else out.fillna(part)
    if out is None:
        raise OutOfCoverage(
            f"« {paths[0].name} » ne couvre pas la commune.",
            f"'{paths[0].name}' does not cover the commune.",
        )
    return out


def _fine(ortho: Any, mnh: Any, commune: Commune) -> Any:
    """Photograph and lidar heights where both lie, or None."""
    bounds = around(commune, 0.0)
    best = None
    for path in ortho.paths:
        with rasterio.open(path) as file:
            if file.res[0] > 2.0 or not file.crs.is_projected:
                continue
            if file.width * file.height > MOST_CELLS:
                continue
        try:
            index, scale = read_index(path, bounds, commune.crs)
        except OutOfCoverage:
            continue
        if not inside_of(index["ndvi"], commune).any():
            continue
        try:
            height = _mosaic(mnh.paths, index["ndvi"])
        except OutOfCoverage:
            continue
        if best is None or index["ndvi"].size > best[0]["ndvi"].size:
            best = index, height, scale, path.name
    return best


def _topo(holding: Any, commune: Commune, known: set[str]) -> gpd.GeoDataFrame | None:
    """Objects of BD TOPO around a commune, in its CRS, names in lower case."""
    if holding is None:
        return None
    parts = []
    for path in holding.paths:
        for layer, kind in pyogrio.list_layers(path):
            info = pyogrio.read_info(path, layer=layer)
            if kind is None or not known <= {str(f).lower() for f in info["fields"]}:
                continue
            to = Transformer.from_crs("EPSG:4326", info["crs"], always_xy=True)
            part = pyogrio.read_dataframe(
                path, layer=layer, bbox=to.transform_bounds(*commune.bounds)
            )
            part = part.rename(columns={c: c.lower() for c in part.columns})
            if len(part):
                parts.append(part.to_crs(commune.crs))
    if not parts:
        return None
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=commune.crs)


def _parcels(holding: Any, commune: Commune) -> gpd.GeoDataFrame | None:
    if holding is None:
        return None
    try:
        return read_parcels(holding.paths, commune)
    except OutOfCoverage:
        return None
