"""Files to files: buildings and roads that the water reaches."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rioxarray
import xarray as xr

from ..errors import InvalidInput
from .files import open_raster
from .grids import Notes, plane
from .stakes import buildings_reached, by_class, roads_cut

__all__ = ["ReachedSummary", "reached_file"]

#: Layers of BD TOPO where a file holds several, and what they are called.
_LAYERS = {"buildings": "batiment", "roads": "troncon_de_route"}


@dataclass
class ReachedSummary:
    """Counts by kind and class of height (value, low, high), and notes (fr, en)."""

    counts: dict[str, Any] = field(default_factory=dict)
    notes: Notes = field(default_factory=list)


def reached_file(
    depth: Path,
    output: Path,
    uncertainty: Path | None = None,
    buildings: Path | None = None,
    roads: Path | None = None,
) -> ReachedSummary:
    """Write buildings and roads that the water reaches (GeoPackage, a layer each).

    Parameters
    ----------
    depth, uncertainty : Path
        GeoTIFF, m, on one grid of a projected CRS; without uncertainty, bounds are those
        of a depth that is exact.
    output : Path
        ``.gpkg``; whole or not there.
    buildings, roads : Path
        Any vector file; BD TOPO's layer is found by its name where there are several.

    Raises
    ------
    InvalidInput
        If neither is given, a file cannot be read, or grids differ.
    """
    if buildings is None and roads is None:
        raise InvalidInput(
            "Donnez des bâtiments (--buildings), des routes (--roads), ou les deux.",
            "Give buildings (--buildings), roads (--roads), or both.",
        )
    if output.suffix.lower() != ".gpkg" or not output.parent.is_dir():
        raise InvalidInput(
            f"« {output} » doit être un .gpkg dans un dossier qui existe.",
            f"'{output}' must be a .gpkg in a folder that exists.",
        )
    water = _water(depth, uncertainty)
    found = ReachedSummary()
    layers: dict[str, gpd.GeoDataFrame] = {}
    if buildings is not None:
        layers["buildings"] = buildings_reached(_vector(buildings, "buildings", water), water)
        counts = by_class(layers["buildings"])
        found.counts["buildings"] = {k: asdict(v) for k, v in counts.items()}
        n = len(layers["buildings"])
        found.notes.append((f"{n} bâtiments atteints par l'eau.", f"{n} buildings reached."))
    if roads is not None:
        layers["roads"] = roads_cut(_vector(roads, "roads", water), water)
        lengths = by_class(layers["roads"], "wet_length")
        found.counts["roads_m"] = {k: asdict(v) for k, v in lengths.items()}
        found.counts["roads_cut"] = int(layers["roads"]["cut"].sum())
        cut, km = found.counts["roads_cut"], layers["roads"]["wet_length"].sum() / 1000
        found.notes.append(
            (
                f"{cut} tronçons de route coupés, {km:.1f} km sous l'eau.".replace(".", ",", 1),
                f"{cut} road segments cut, {km:.1f} km under water.",
            )
        )
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.stem}-") as folder:
        part = Path(folder) / output.name
        for name, rows in layers.items():
            rows.to_file(part, layer=name, driver="GPKG")
        part.replace(output)
    return found


def _water(depth: Path, uncertainty: Path | None) -> xr.Dataset:
    rasters = []
    for path in (depth, uncertainty):
        if path is None:
            continue
        open_raster(path).close()
        raster = rioxarray.open_rasterio(path, masked=True)
        assert isinstance(raster, xr.DataArray)
        rasters.append(plane(raster, ("La hauteur d'eau", "The depth")).load())
    if not rasters[0].rio.crs.is_projected:
        raise InvalidInput(
            f"« {depth} » est en degrés : reprojetez la hauteur d'eau (EPSG:2154, par exemple).",
            f"'{depth}' is in degrees: reproject the depth (EPSG:2154, for instance).",
        )
    if len(rasters) == 1:
        rasters.append(rasters[0].copy(data=np.zeros(rasters[0].shape, np.float32)))
    same = rasters[0].shape == rasters[1].shape and np.allclose(
        rasters[0].rio.transform(), rasters[1].rio.transform()
    )
    if not same:
        raise InvalidInput(
            f"« {uncertainty} » n'est pas sur la grille de « {depth} ».",
            f"'{uncertainty}' is not on the grid of '{depth}'.",
        )
    names = ("depth", "uncertainty")
    water = xr.Dataset({n: (("y", "x"), r.values) for n, r in zip(names, rasters, strict=True)})
    water = water.assign_coords(y=rasters[0].y.values, x=rasters[0].x.values)
    return water.rio.write_crs(rasters[0].rio.crs).rio.write_transform(rasters[0].rio.transform())


def _vector(path: Path, kind: str, water: xr.Dataset) -> gpd.GeoDataFrame:
    import pyogrio
    import shapely

    try:
        names = [str(n) for n, _ in pyogrio.list_layers(path)]
        layer = next((n for n in names if n.lower() == _LAYERS[kind]), names[0])
        info = pyogrio.read_info(path, layer=layer)
        box = None
        if info["crs"]:
            corner = gpd.GeoSeries([shapely.box(*water.rio.bounds())], crs=water.rio.crs)
            box = tuple(corner.segmentize(1000).to_crs(info["crs"]).total_bounds)
        return pyogrio.read_dataframe(path, layer=layer, bbox=box)
    except pyogrio.errors.DataSourceError as error:
        raise InvalidInput(
            f"« {path} » ne peut pas être lu : {error}.", f"'{path}' cannot be read: {error}."
        ) from error
