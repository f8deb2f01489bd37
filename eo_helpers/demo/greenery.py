"""What others say of the vegetation: Copernicus' tree cover, public parks, a person's points."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import shapely
from pyproj import Transformer
from scipy import ndimage

from .canopy import Canopy
from .ground import Cover, Grid, Ground, generator
from .rasters import write_tiff

__all__ = ["public_parks", "reference_points", "tree_cover", "write_greenery"]

#: Points that a person looked at, by commune: as many as an afternoon allows.
_POINTS = {"99001": 400}
_OTHERS = 200
#: Stratum told of each cover.
_TOLD = {Cover.TREE: "A", Cover.SHRUB: "Au", Cover.GRASS: "H", Cover.CROP: "H"}
_NAMES = ("Parc de la Roseraie", "Jardin public", "Square du Mail", "Parc des Deux-Rives")


def tree_cover(ground: Ground, seed: int) -> tuple[np.ndarray, Grid]:
    """Tree cover density of Copernicus: percent of each 10 m cell, EPSG:3035.

    As the real one, it misses what is small (under three cells of trees) and is off by some ten
    points where trees are.
    """
    rng = generator(seed, 92)
    there = Transformer.from_crs(ground.crs, "EPSG:3035", always_xy=True)
    west, south, east, north = there.transform_bounds(*ground.communes.total_bounds)
    west, north = np.floor(west / 10) * 10, np.ceil(north / 10) * 10
    grid = Grid(west, north, 10.0, int((north - south) // 10), int((east - west) // 10))
    tree = ndimage.binary_opening(ground.cover == Cover.TREE, np.ones((3, 3)))
    share = ndimage.uniform_filter(tree.astype(np.float32), 2, mode="nearest")
    back = Transformer.from_crs("EPSG:3035", ground.crs, always_xy=True)
    x, y = grid.mesh()
    x, y = back.transform(x.ravel(), y.ravel())
    row, col = ground.grid.index(x, y)
    seen = 100 * share[row, col].reshape(grid.shape)
    noise = rng.normal(0, 10, grid.shape)
    percent = np.where(seen > 0, np.clip(np.round((seen + noise) / 5) * 5, 0, 100), 0)
    inside = ground.grid.inside(x, y).reshape(grid.shape)
    return np.where(inside, percent, 255).astype(np.uint8), grid


def public_parks(ground: Ground) -> gpd.GeoDataFrame:
    """Parks that anyone may enter, as an extract of OpenStreetMap has them."""
    parks = ground.blocks[ground.blocks["kind"] == "park"].reset_index(drop=True)
    shapes = shapely.buffer(parks.geometry.values, -2.0, join_style="mitre")
    table = gpd.GeoDataFrame(
        {
            "osm_id": [f"way/{990_000_000 + k}" for k in range(len(parks))],
            "leisure": "park",
            "name": [_NAMES[k % len(_NAMES)] for k in range(len(parks))],
            "access": "yes",
        },
        geometry=shapes,
        crs=ground.crs,
    )
    table = table[~shapely.is_empty(shapes)].to_crs("EPSG:4326")
    table["geometry"] = shapely.set_precision(table.geometry.values, 1e-7)
    return table


def reference_points(ground: Ground, made: Canopy | None, seed: int) -> gpd.GeoDataFrame:
    """Points drawn at random in each commune, with what a person saw there.

    One in fifty is told wrong, as people do.
    """
    rng = generator(seed, 93)
    rows = []
    for commune in ground.communes.sort_values("insee").itertuples():
        west, south, east, north = commune.geometry.bounds
        wanted = _POINTS.get(commune.insee, _OTHERS)
        spots = rng.uniform((west, south), (east, north), (20 * wanted, 2))
        spots = spots[shapely.contains_xy(commune.geometry, *spots.T)][:wanted]
        told = _seen(ground, made, spots)
        wrong = rng.random(len(told)) < 0.02
        told[wrong] = rng.choice(["A", "Au", "H", "N"], int(wrong.sum()))
        rows += [(commune.insee, t, shapely.Point(np.round(p, 1)))
                 for t, p in zip(told, spots, strict=True)]  # fmt: skip
    table = gpd.GeoDataFrame(rows, columns=["insee", "strate_ref", "geometry"], crs=ground.crs)
    table.insert(1, "date_photo", "2022-07-12")
    return table


def _seen(ground: Ground, made: Canopy | None, spots: np.ndarray) -> np.ndarray:
    """Stratum at points: one crown at a time where they were planted, else the 5 m ground."""
    row, col = ground.grid.index(*spots.T)
    told = np.array([_TOLD.get(Cover(int(k)), "N") for k in ground.cover[row, col]], object)
    if made is not None:
        fine = made.grid.inside(*spots.T)
        row, col = made.grid.index(*spots[fine].T)
        told[fine] = np.array(["N", "H", "Au", "A"], object)[made.stratum[row, col]]
    return told


def write_greenery(ground: Ground, made: Canopy | None, folder: Path, seed: int) -> None:
    """Write the three into ``folder``."""
    density, grid = tree_cover(ground, seed)
    write_tiff(
        folder / "TCD_2018_010m_ERVELLE.tif", density, grid, "EPSG:3035", 255,
        ("Tree Cover Density, %",), {"DEMONSTRATION": "true", "ACQUISITION_DATE": "2018-07-01"},
        driver="GTiff",
    )  # fmt: skip
    pyogrio.write_dataframe(public_parks(ground), folder / "osm_parcs_ervelle.geojson",
                            driver="GeoJSON")  # fmt: skip
    pyogrio.write_dataframe(reference_points(ground, made, seed),
                            folder / "points_de_reference.gpkg", driver="GPKG",
                            layer="points_de_reference")  # fmt: skip
