"""Schools, town halls, car parks and districts: what has a name in a town."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import rasterio.features
import shapely
from scipy import ndimage

from .fabric import boxes, frame
from .ground import Cover, Ground, generator

__all__ = ["car_parks", "districts", "interest_areas", "write_districts"]

_BUILT = ("old", "c19", "terrace", "suburb", "towers", "village")
_PEOPLE = ["Jean-Moulin", "Louise-Michel", "Jules-Ferry", "Marie-Curie", "Victor-Hugo", "Prévert",
           "Germaine-Tillion", "Pasteur", "George-Sand", "Aimé-Césaire", "Les Tilleuls",
           "La Fontaine"]  # fmt: skip
#: nature, category, from how many inhabitants, one for how many, largest ground (m²), word
_KINDS = (
    ("Mairie", "Administratif ou militaire", 0, 0, 2500, "Mairie"),
    ("Enseignement primaire", "Science et enseignement", 600, 2600, 6000, "École"),
    ("Collège", "Science et enseignement", 4000, 14000, 9000, "Collège"),
    ("Lycée", "Science et enseignement", 15000, 30000, 14000, "Lycée"),
    ("Hôpital", "Santé", 15000, 0, 16000, "Centre hospitalier"),
    ("Maison de retraite", "Santé", 2000, 9000, 5000, "Résidence"),
    ("Caserne de pompiers", "Administratif ou militaire", 3000, 0, 4000, "Centre de secours"),
    ("Complexe sportif couvert", "Sport", 2000, 9000, 7000, "Gymnase"),
)
#: Districts of communes that have more than one, by the place they grew from.
_DISTRICTS = {
    "centre": "Centre ancien", "station": "Gare", "towers": "Les Hauts-Champs", "rive": "Rive Est",
    "faubourg": "Faubourg Nord", "suburb": "Le Mesnil", "business": "Zone d'activités",
    "est": "Hameaux de l'Est",
}  # fmt: skip
#: A commune is divided into districts from so many inhabitants on (INSEE: 5,000 in part).
_DIVIDED = 5_000


def interest_areas(ground: Ground, seed: int) -> gpd.GeoDataFrame:
    """Layer ``zone_d_activite_ou_d_interet`` of BD TOPO v3: public places with their names."""
    rng = generator(seed, 71, int(ground.crs[5:]))
    kinds = ground.blocks["kind"].to_numpy()
    shapes = np.asarray(ground.blocks.geometry.values)
    owner = ground.blocks["insee"].to_numpy()
    middle = shapely.get_coordinates(shapely.centroid(shapes))
    taken = np.zeros(len(shapes), bool)
    rows = []
    names = list(_PEOPLE)
    for commune in ground.communes.sort_values("insee").itertuples():
        mine = (owner == commune.insee) & np.isin(kinds, _BUILT) & (shapely.area(shapes) > 2500)
        spots = np.array(list(ground.places.values()))
        inside = spots[shapely.contains_xy(commune.geometry, *spots.T)]
        seat = inside[0] if len(inside) else middle[mine].mean(0)
        far = np.hypot(*(middle - seat).T)
        for nature, category, least, each, size, word in _KINDS:
            if commune.population < least:
                continue
            for rank in range(1 + (commune.population // each if each else 0)):
                free = np.flatnonzero(mine & ~taken)
                if not len(free):
                    break
                # The town hall in the middle; the rest wherever people live.
                near = far[free].argmin() if nature == "Mairie" else rng.integers(len(free))
                block = free[near]
                taken[block] = True
                ground_of = _inner(shapes[block], size)
                name = word if nature == "Mairie" else f"{word} {names[(rank + block) % 12]}"
                rows.append((category, nature, name, ground_of))
    table = gpd.GeoDataFrame(
        rows, columns=["categorie", "nature", "toponyme", "geometry"], crs=ground.crs
    )
    table.insert(2, "nature_detaillee", None)
    table["fictif"], table["etat_de_l_objet"] = False, "En service"
    return table


def _inner(block: shapely.Geometry, size: float) -> shapely.Geometry:
    """A plot inside a block, away from its streets, no larger than ``size`` m²."""
    inner = shapely.buffer(block, -5.0, join_style="mitre")
    inner = max(shapely.get_parts(inner), key=shapely.area, default=block)
    share = min(size / shapely.area(inner), 1.0) ** 0.5
    centre, axis, length, width = frame(np.array([inner], dtype=object))
    plot = boxes(centre, axis, length * share, width * share)[0]
    cut = shapely.intersection(plot, inner)
    return shapely.set_precision(max(shapely.get_parts(cut), key=shapely.area), 0.1)


def car_parks(ground: Ground) -> gpd.GeoDataFrame:
    """Layer ``equipement_de_transport`` of BD TOPO v3: the large car parks."""
    yards = np.isin(ground.blocks["kind"].to_numpy(), ["business", "towers", "quay", "c19"])
    here = np.where(ground.block_id >= 0, yards[ground.block_id], False)
    paved = here & (ground.cover == Cover.MINERAL)
    open_ = ndimage.binary_opening(paved, np.ones((5, 5)))
    found = rasterio.features.shapes(
        open_.astype(np.uint8), mask=open_, connectivity=4, transform=ground.grid.transform
    )
    shapes = np.array([shapely.geometry.shape(s) for s, _ in found], dtype=object)
    shapes = shapely.make_valid(shapely.simplify(shapes, 3.0))
    shapes = shapes[(shapely.area(shapes) >= 800) & (shapely.get_type_id(shapes) == 3)]
    return gpd.GeoDataFrame(
        {"nature": ["Parking"] * len(shapes), "nature_detaillee": None, "toponyme": None,
         "etat_de_l_objet": "En service"},
        geometry=shapes, crs=ground.crs,
    )  # fmt: skip


def districts(ground: Ground) -> gpd.GeoDataFrame:
    """IRIS of an area's communes, columns of « Contours… IRIS » (IGN, INSEE)."""
    rows = []
    for commune in ground.communes.sort_values("insee").itertuples():
        seats = {
            name: xy
            for name, xy in ground.places.items()
            if name in _DISTRICTS and shapely.contains_xy(commune.geometry, *xy)
        }
        if commune.population < _DIVIDED or len(seats) < 2:
            rows.append((commune.insee, commune.name, "0000", commune.name, "Z", commune.geometry))
            continue
        points = shapely.multipoints(np.array(list(seats.values())))
        cells = shapely.get_parts(shapely.voronoi_polygons(points, extend_to=commune.geometry))
        for rank, (name, xy) in enumerate(sorted(seats.items()), 1):
            cell = cells[shapely.contains_xy(cells, *xy)][0]
            part = shapely.intersection(cell, commune.geometry)
            kind = "A" if name == "business" else "H"
            rows.append(
                (commune.insee, commune.name, f"01{rank:02d}", _DISTRICTS[name], kind, part)
            )
    columns = ["code_insee", "nom_commune", "iris", "nom_iris", "type_iris", "geometry"]
    table = gpd.GeoDataFrame(rows, columns=columns, crs=ground.crs)
    table.insert(3, "code_iris", table["code_insee"] + table["iris"])
    return table


def write_districts(grounds: list[Ground], folder: Path) -> None:
    """Write the IRIS of each area as a GeoPackage in its own CRS."""
    folder.mkdir(parents=True, exist_ok=True)
    for ground in grounds:
        table = districts(ground)
        table["geometry"] = shapely.set_precision(table.geometry.values, 0.1, mode="pointwise")
        multi = pd.Series(shapely.get_type_id(table.geometry.values)).eq(6).any()
        pyogrio.write_dataframe(
            table, folder / f"contours_iris_{ground.area}.gpkg", layer="contours_iris",
            driver="GPKG", geometry_type="MultiPolygon" if multi else "Polygon",
            promote_to_multi=bool(multi),
        )  # fmt: skip
