"""Farm parcels as the land register of the common agricultural policy tells them (RPG)."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import shapely

from .ground import Cover, Ground, generator

__all__ = ["farm_parcels", "write_parcels"]

#: Codes of crops (culture, group) and how often they are sown.
_CROPS = (("BTH", "1", 0.4), ("MIS", "2", 0.25), ("CZH", "5", 0.15), ("ORH", "3", 0.2))
_MEADOW = ("PPH", "18")


def farm_parcels(ground: Ground) -> gpd.GeoDataFrame:
    """Parcels of fields, columns of the RPG (version 2), in the ground's CRS.

    A parcel is what most of its ground is; hedges and roads belong to none (3 m are left out).
    """
    rng = generator(20, int(ground.crs[5:]))
    blocks = ground.blocks
    n = len(blocks)
    inside = ground.block_id >= 0
    of, cover = ground.block_id[inside], ground.cover[inside]
    crop = np.bincount(of, cover == Cover.CROP, n)
    grass = np.bincount(of, cover == Cover.GRASS, n)
    field = (blocks["kind"] == "field").to_numpy() & (crop + grass > 40)
    shapes = shapely.buffer(np.asarray(blocks.geometry.values)[field], -3.0)
    kinds = rng.choice(len(_CROPS), len(shapes), p=[c[2] for c in _CROPS])
    meadow = (grass >= crop)[field]
    table = gpd.GeoDataFrame(
        {
            "id_parcel": np.arange(1, len(shapes) + 1).astype(str),
            "surf_parc": np.round(shapely.area(shapes) / 10_000, 2),
            "code_cultu": np.where(meadow, _MEADOW[0], np.array([c[0] for c in _CROPS])[kinds]),
            "code_group": np.where(meadow, _MEADOW[1], np.array([c[1] for c in _CROPS])[kinds]),
            "culture_d1": None,
            "culture_d2": None,
        },
        geometry=shapes,
        crs=ground.crs,
    )
    return table[~shapely.is_empty(shapes)].reset_index(drop=True)


def write_parcels(ground: Ground, path: Path) -> None:
    """Write :func:`farm_parcels` as the RPG's GeoPackage."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pyogrio.write_dataframe(
        farm_parcels(ground), path, layer="rpg_parcelles", driver="GPKG", promote_to_multi=True
    )
