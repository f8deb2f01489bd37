"""Where vegetation stands: in town, along a road, by the water, in the fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray
from rasterio.features import rasterize
from scipy import ndimage

from ..errors import InvalidInput

__all__ = ["PAYSAGES", "Context", "Zones", "roofs", "zones"]

#: Codes of Green Urban Sat's column ``paysage``.
PAYSAGES = {
    1: "urbain",
    2: "bord de voirie",
    3: "bord d'eau",
    4: "agricole et forestier",
    5: "autre milieu naturel",
}
#: Metres beyond the roadway, the bank, and the buildings that belong to them.
ROADSIDE, BANK = 5.0, 10.0
#: In town: metres from a building, where parcels tell the fields, and where nothing does.
TOWN_WITH_PARCELS, TOWN = 200.0, 60.0
#: Half width of a road that does not tell its own, metres.
HALF_ROAD = 3.0
#: Groups of crops of the RPG that are grass: prairies permanentes, temporaires, estives.
GRASS_GROUPS = {"17", "18", "19"}


@dataclass(frozen=True)
class Context:
    """Layers about the vegetation, each optional, any projected CRS.

    ``buildings`` polygons; ``roads`` lines (``largeur_de_chaussee`` where known); ``water``
    polygons; ``parcels`` farm parcels of the RPG (``code_group``).
    """

    buildings: gpd.GeoDataFrame | None = None
    roads: gpd.GeoDataFrame | None = None
    water: gpd.GeoDataFrame | None = None
    parcels: gpd.GeoDataFrame | None = None


@dataclass(frozen=True)
class Zones:
    """Cells of a grid: ``paysage`` (1-5), ``field`` (0 none, 1 crop, 2 grass), ``town``, ``built``.

    ``told`` names the layers that were at hand.
    """

    paysage: NDArray[np.uint8]
    field: NDArray[np.uint8]
    town: NDArray[np.bool_]
    built: NDArray[np.bool_]
    told: tuple[str, ...]


def zones(like: xr.DataArray, context: Context) -> Zones:
    """Draw the layers on a grid.

    Parameters
    ----------
    like : xarray.DataArray (y, x)
        Projected, metres.
    context : Context

    Returns
    -------
    Zones
        Roadside comes before bank, fields, town. Without buildings everything out of the
        other layers is town: what is asked for is a town's vegetation.

    Raises
    ------
    InvalidInput
        If the grid is in degrees.
    """
    crs = like.rio.crs
    if crs is None or not crs.is_projected:
        raise InvalidInput(
            "Les formes se mesurent en mètres : reprojetez l'image (EPSG:2154 en métropole).",
            "Forms are measured in metres: reproject the image (EPSG:2154 on the mainland).",
        )
    shape = like.shape
    step = abs(like.rio.resolution()[0])
    told: list[str] = []

    def drawn(table: gpd.GeoDataFrame | None, name: str, grow: Any = 0.0) -> NDArray[np.bool_]:
        if table is None:
            return np.zeros(shape, bool)
        told.append(name)
        geometry = table.to_crs(crs).geometry.values
        return _burn(np.asarray(geometry), like, grow)

    built = drawn(context.buildings, "buildings")
    half: Any = HALF_ROAD
    if context.roads is not None and "largeur_de_chaussee" in context.roads:
        half = context.roads["largeur_de_chaussee"].fillna(2 * HALF_ROAD).to_numpy(float) / 2
    road = drawn(context.roads, "roads", half + ROADSIDE)
    bank = drawn(context.water, "water", BANK)
    field = np.zeros(shape, np.uint8)
    if context.parcels is not None:
        told.append("parcels")
        table = context.parcels.to_crs(crs)
        code = table["code_group"].astype(str).str.strip().to_numpy()
        shapes = np.asarray(table.geometry.values)
        grass = np.isin(code, sorted(GRASS_GROUPS))
        field[_burn(shapes[~grass], like, 0.0)] = 1
        field[_burn(shapes[grass], like, 0.0)] = 2
    if context.buildings is None:
        town = field == 0
    else:
        reach = TOWN if context.parcels is None else TOWN_WITH_PARCELS
        town = (field == 0) & _within(built, reach, step)
    paysage = np.select([road & (field == 0), bank, field > 0, town], [2, 3, 4, 1], 5)
    return Zones(paysage.astype(np.uint8), field, town, built, tuple(told))


def _within(mask: NDArray[np.bool_], metres: float, step: float) -> NDArray[np.bool_]:
    """Cells within so many metres of a mask, to a twentieth: distances on coarser cells."""
    rows, cols = mask.shape
    k = max(int(metres / 20 / step), 1)
    wide = np.pad(mask, ((0, -rows % k), (0, -cols % k)))
    blocks = wide.reshape(wide.shape[0] // k, k, wide.shape[1] // k, k).any((1, 3))
    if not blocks.any():
        return np.zeros(mask.shape, bool)
    near = ndimage.distance_transform_edt(~blocks) * k * step <= metres
    return np.asarray(near.repeat(k, 0).repeat(k, 1)[:rows, :cols])


def roofs(like: xr.DataArray, buildings: gpd.GeoDataFrame | None) -> xr.DataArray | None:
    """True in the cells under a roof, None without buildings."""
    if buildings is None or not len(buildings):
        return None
    shapes = np.asarray(buildings.to_crs(like.rio.crs).geometry.values)
    return like.copy(data=_burn(shapes, like, 0.0))


def _burn(shapes: NDArray, like: xr.DataArray, grow: Any) -> NDArray[np.bool_]:
    grow = np.broadcast_to(np.asarray(grow, float), shapes.shape)
    reach = float(grow.max()) if len(shapes) else 0.0
    window = shapely.buffer(shapely.box(*like.rio.bounds()), reach, join_style="mitre")
    near = shapely.intersects(shapes, window) & ~shapely.is_empty(shapes)
    shapes, grow = shapes[near], grow[near]
    if reach > 0:
        shapes = shapely.buffer(shapes, grow, quad_segs=4)
    if not len(shapes):
        return np.zeros(like.shape, bool)
    return np.asarray(
        rasterize([_outlines_of(shapes)], like.shape, transform=like.rio.transform(), dtype="uint8")
    ).astype(bool)


def _outlines_of(shapes: NDArray) -> dict[str, Any]:
    """Polygons as one GeoJSON geometry: one by one, shapely takes longer than the drawing."""
    parts = shapely.get_parts(shapes)
    rings, of = shapely.get_rings(parts[shapely.get_type_id(parts) == 3], return_index=True)
    points = shapely.get_coordinates(rings)
    lists = np.split(points, np.cumsum(shapely.get_num_coordinates(rings))[:-1])
    starts = np.flatnonzero(np.diff(of, prepend=-1))
    coordinates = [r.tolist() for r in lists]
    ends = [*starts[1:].tolist(), len(coordinates)]
    return {
        "type": "MultiPolygon",
        "coordinates": [coordinates[a:b] for a, b in zip(starts.tolist(), ends, strict=True)],
    }
