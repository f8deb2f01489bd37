"""Topographic layers as IGN delivers them: a BD TOPO v3 GeoPackage, with its gaps.

What a topographic base does not say is left out here too: gardens, yards and trees that
stand alone are not drawn, one height in nine is missing, the newest buildings are not
there yet. What is made of these layers can be held against the truth.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import rasterio.features
import shapely
from numpy.typing import NDArray
from scipy import ndimage

from .ground import Cover, Ground, generator
from .institutions import car_parks, interest_areas

__all__ = ["LAYERS", "topographic_layers", "write_topo"]

LAYERS = (
    *("batiment", "zone_de_vegetation", "surface_hydrographique", "troncon_de_route"),
    *("zone_d_activite_ou_d_interet", "equipement_de_transport"),
)
#: Use of a building here → usage_1 of BD TOPO.
_USES = {"home": "Résidentiel", "house": "Résidentiel", "flats": "Résidentiel",
         "work": "Commercial et services", "farm": "Agricole", "church": "Religieux",
         "annex": "Annexe"}  # fmt: skip
#: Objects are drawn so far beyond the communes, m.
_BEYOND = 200.0
_NO_HEIGHT, _TOO_NEW = 0.11, 0.015


def topographic_layers(ground: Ground, seed: int) -> dict[str, gpd.GeoDataFrame]:
    """The layers of :data:`LAYERS`, columns as in BD TOPO v3, in the ground's CRS.

    Heights have an error of 0.6 m and positions one of 0.5 m (standard deviations); 11 %
    of heights and 1.5 % of buildings are missing; woods under 500 m² are not drawn.
    """
    rng = generator(seed, 70, int(ground.crs[5:]))
    zone = shapely.buffer(ground.communes.union_all(), _BEYOND)
    shapely.prepare(zone)
    layers = {
        "batiment": _buildings(ground, rng),
        "zone_de_vegetation": _vegetation(ground),
        "surface_hydrographique": _water(ground),
        "troncon_de_route": _roads(ground),
        "zone_d_activite_ou_d_interet": interest_areas(ground, seed),
        "equipement_de_transport": car_parks(ground),
    }
    for name, table in layers.items():
        near = shapely.intersects(zone, table.geometry.values)
        table = table[near].reset_index(drop=True)
        stem = name.replace("_de_", "").replace("_", "")[:8].upper()
        table.insert(0, "cleabs", [f"{stem}{k:016d}" for k in range(1, len(table) + 1)])
        layers[name] = table
    return layers


def _buildings(ground: Ground, rng: np.random.Generator) -> gpd.GeoDataFrame:
    table = ground.buildings
    n = len(table)
    shift = rng.normal(0, 0.5, (n, 2))
    points, of = shapely.get_coordinates(table.geometry.values, return_index=True)
    shapes = shapely.set_coordinates(
        np.array(table.geometry.values, dtype=object), np.round(points + shift[of], 1)
    )
    use = table["use"].to_numpy()
    height = np.round(table["height"].to_numpy() + rng.normal(0, 0.6, n), 1)
    height[rng.random(n) < np.where(use == "annex", 3, 1) * _NO_HEIGHT * 0.8] = np.nan
    storeys = np.maximum(np.round(table["height"].to_numpy() / 3.0 - 0.4), 1)
    homes = table["dwellings"].to_numpy()
    out = gpd.GeoDataFrame(
        {
            "nature": np.where(use == "church", "Eglise", "Indifférenciée"),
            "usage_1": [_USES[u] for u in use],
            "construction_legere": False,
            "etat_de_l_objet": "En service",
            "nombre_de_logements": np.where(homes > 0, np.maximum(np.round(homes), 1), np.nan),
            "nombre_d_etages": np.where((homes > 0) & (rng.random(n) < 0.6), storeys, np.nan),
            "hauteur": np.where(height < 2, np.nan, height),
        },
        geometry=shapes,
        crs=ground.crs,
    )
    out = out[rng.random(n) > _TOO_NEW]
    return out[shapely.is_valid(out.geometry.values)]


def _patches(
    mask: NDArray[np.bool_], ground: Ground, smallest: float, smooth: float
) -> NDArray[np.object_]:
    """Outlines of the patches of a mask, without their stairs."""
    found = rasterio.features.shapes(
        mask.astype(np.uint8), mask=mask, connectivity=4, transform=ground.grid.transform
    )
    shapes = np.array([shapely.geometry.shape(s) for s, _ in found], dtype=object)
    shapes = shapes[shapely.area(shapes) >= smallest]
    shapes = shapely.make_valid(shapely.simplify(shapes, smooth))
    parts = shapely.get_parts(shapes)
    return parts[(shapely.get_type_id(parts) == 3) & (shapely.area(parts) >= smallest)]


def _vegetation(ground: Ground) -> gpd.GeoDataFrame:
    tree = ground.cover == Cover.TREE
    # A wood is at least 15 m wide; what is narrower and long is a hedge.
    core = ndimage.binary_opening(tree, np.ones((3, 3)))
    wood = _patches(core, ground, 500.0, 4.0)
    hedge = _patches(tree & ~core, ground, 150.0, 4.0)
    slim = shapely.length(hedge) ** 2 / shapely.area(hedge) > 40
    shrub = _patches(
        ndimage.binary_opening(ground.cover == Cover.SHRUB, np.ones((3, 3))), ground, 500.0, 4.0
    )
    large = np.where(shapely.area(wood) > 50_000, "Forêt fermée de feuillus", "Bois")
    hedge = hedge[slim]
    nature = [*large, *["Haie"] * len(hedge), *["Lande ligneuse"] * len(shrub)]
    return gpd.GeoDataFrame(
        {"nature": nature}, geometry=np.concatenate([wood, hedge, shrub]), crs=ground.crs
    )


def _water(ground: Ground) -> gpd.GeoDataFrame:
    shapes = _patches(ground.cover == Cover.WATER, ground, 400.0, 3.0)
    round_ = shapely.length(shapes) ** 2 / shapely.area(shapes) < 60
    return gpd.GeoDataFrame(
        {
            "nature": np.where(round_, "Réservoir-bassin", "Ecoulement naturel"),
            "position_par_rapport_au_sol": "0",
            "etat_de_l_objet": "En service",
            "persistance": "Permanent",
        },
        geometry=shapes,
        crs=ground.crs,
    )


def _roads(ground: Ground) -> gpd.GeoDataFrame:
    table = ground.streets
    kind = table["kind"].to_numpy()
    return gpd.GeoDataFrame(
        {
            "nature": "Route à 1 chaussée",
            "importance": np.select([kind == "national", kind == "main"], ["2", "4"], "5"),
            "position_par_rapport_au_sol": "0",
            "etat_de_l_objet": "En service",
            "nombre_de_voies": 2,
            "largeur_de_chaussee": np.round(2 * table["width"].to_numpy()) / 2,
        },
        geometry=shapely.set_precision(
            np.array(table.geometry.values, dtype=object), 0.1, mode="pointwise"
        ),
        crs=ground.crs,
    )


def write_topo(ground: Ground, path: Path, seed: int) -> None:
    """Write the layers of an area into one GeoPackage."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for name, table in topographic_layers(ground, seed).items():
        kind = "LineString" if name == "troncon_de_route" else "Polygon"
        pyogrio.write_dataframe(
            table, path, layer=name, driver="GPKG", append=path.exists(), geometry_type=kind
        )
