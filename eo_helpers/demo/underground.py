"""What lies below and who owns it: permeability, ground hazards, parcels and their owners."""

from __future__ import annotations

import csv
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import rasterio.features
import shapely
from numpy.typing import NDArray
from scipy import ndimage

from .ground import Ground, fractal_noise, generator
from .institutions import car_parks, interest_areas

__all__ = ["write_ground"]

#: Kinds of ground, from what lies where: saturated conductivity, mm/h.
_KSAT = {"alluvions sableuses": 45.0, "limons": 8.0, "argiles à silex": 1.0, "craie": 22.0}
_COLUMNS = [
    "Département (Champ géographique)", "Code Direction (Champ géographique)",
    "Code Commune (Champ géographique)", "Nom Commune (Champ géographique)",
    "Préfixe (Références cadastrales)", "Section (Références cadastrales)",
    "N° plan (Références cadastrales)", "Contenance Suf (m²)",
    "Groupe personne (Propriétaire(s) parcelle)", "Forme juridique (Propriétaire(s) parcelle)",
    "Dénomination (Propriétaire(s) parcelle)",
]  # fmt: skip


def _outlines(codes: NDArray, ground: Ground, factor: int) -> tuple[NDArray, NDArray]:
    grid = ground.grid.coarse(factor)
    found = list(rasterio.features.shapes(codes.astype(np.int32), transform=grid.transform))
    shapes = np.array([shapely.geometry.shape(s) for s, _ in found], dtype=object)
    return shapely.make_valid(shapely.simplify(shapes, 25.0)), np.array([int(v) for _, v in found])


def _soils(ground: Ground, seed: int) -> gpd.GeoDataFrame:
    factor = 16
    rng = generator(seed, 74)
    grid = ground.grid.coarse(factor)
    heights = ground.terrain[::factor, ::factor][: grid.rows, : grid.cols]
    low = ndimage.percentile_filter(heights, 10, size=21)
    above = heights - low + 2.0 * fractal_noise(rng, grid.shape, grid.step, 1500, 3)
    patches = fractal_noise(rng, grid.shape, grid.step, 2200, 3)
    codes = np.select([above < 3.0, above < 12.0, patches > 0.5], [0, 3, 2], 1)
    codes = ndimage.median_filter(codes, 5)
    shapes, kinds = _outlines(codes, ground, factor)
    names = list(_KSAT)
    return gpd.GeoDataFrame(
        {"nature": [names[k] for k in kinds], "ksat_mm_h": [_KSAT[names[k]] for k in kinds]},
        geometry=shapes, crs=ground.crs,
    )  # fmt: skip


def _hazards(ground: Ground, seed: int, folder: Path) -> None:
    rng = generator(seed, 75)
    built = np.isin(ground.blocks["kind"].to_numpy(), ["business", "c19", "terrace", "suburb"])
    blocks = ground.blocks[built]
    polluted = blocks[blocks["kind"] == "business"].sample(4, random_state=7)
    sis = gpd.GeoDataFrame(
        {"id_sis": [f"99SIS{k:05d}" for k in range(1, 5)],
         "nom": ["Ancienne fonderie", "Dépôt d'hydrocarbures", "Tannerie", "Usine à gaz"]},
        geometry=shapely.buffer(polluted.geometry.values, -4.0), crs=ground.crs,
    )  # fmt: skip
    centres = shapely.centroid(blocks.sample(9, random_state=3).geometry.values)
    clay = gpd.GeoDataFrame(
        {"alea_rga": ["Fort", "Moyen", "Faible"] * 3},
        geometry=shapely.buffer(centres, rng.uniform(120, 420, 9)), crs=ground.crs,
    )  # fmt: skip
    holes = gpd.GeoDataFrame(
        {"id_cavite": [f"HNOAW{k:07d}" for k in range(1, 7)], "type": "marnière"},
        geometry=shapely.centroid(blocks.sample(6, random_state=11).geometry.values),
        crs=ground.crs,
    )
    path = folder / "georisques_ervelle.gpkg"
    for name, table in (("sis", sis), ("alea_argiles", clay), ("cavites", holes)):
        pyogrio.write_dataframe(table, path, layer=name, driver="GPKG", append=path.exists())


def _parcels(ground: Ground, seed: int, folder: Path) -> None:
    """Cadastre of the built blocks, and DGFiP's file of those that legal persons own."""
    public = interest_areas(ground, seed)
    parks = car_parks(ground)
    owned = np.concatenate([public.geometry.values, parks.geometry.values])
    group = np.concatenate([np.full(len(public), "4"), np.tile(["4", "0", "0", "9"], len(parks))
                            [: len(parks)]])  # fmt: skip
    built = ground.blocks[~ground.blocks["kind"].isin(["field", "wood", "river", "lake"])]
    taken = shapely.union_all(shapely.buffer(owned, 0.01))
    rest = shapely.difference(built.geometry.values, taken)
    rest = rest[shapely.area(rest) > 20]
    shapes = np.concatenate([owned, rest])
    group = np.concatenate([group, np.full(len(rest), "")])
    inner = shapely.point_on_surface(shapes)
    which = gpd.GeoSeries(inner, crs=ground.crs)
    joined = gpd.sjoin(which.to_frame("geometry"), ground.communes[["insee", "geometry"]])
    insee = joined[~joined.index.duplicated()]["insee"].reindex(range(len(shapes)))
    table = gpd.GeoDataFrame(
        {"commune": insee, "group": group}, geometry=shapes, crs=ground.crs
    ).dropna(subset="commune")
    table["numero"] = (table.groupby("commune").cumcount() % 9999 + 1).astype(str)
    table["section"] = np.where(table["group"] == "", "AB", "A")
    table["prefixe"] = "000"
    table["id"] = [
        f"{r.commune}{r.prefixe}{r.section.zfill(2)}{r.numero.zfill(4)}" for r in table.itertuples()
    ]
    columns = ["id", "commune", "prefixe", "section", "numero", "geometry"]
    parcels = table[columns].to_crs(4326)
    parcels["geometry"] = shapely.set_precision(parcels.geometry.values, 1e-7, mode="pointwise")
    kept = ~(parcels.geometry.is_empty | (shapely.get_type_id(parcels.geometry.values) == 7))
    pyogrio.write_dataframe(
        parcels[kept], folder / "cadastre-99-parcelles.geojson", driver="GeoJSON"
    )
    with (folder / "PM_24_B_990.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, delimiter=";")
        out.writerow(_COLUMNS)
        for row in table[table["group"] != ""].itertuples():
            owner = {"4": "COMMUNE", "9": "ETABLISSEMENT PUBLIC", "0": "SOCIETE"}[row.group]
            out.writerow(["99", "0", row.commune[2:], "", "", row.section, row.numero,
                          round(row.geometry.area), row.group, "", owner])  # fmt: skip


def write_ground(ground: Ground, folder: Path, seed: int) -> None:
    """Write permeability, hazards, cadastre and owners of the mainland."""
    folder.mkdir(parents=True, exist_ok=True)
    pyogrio.write_dataframe(
        _soils(ground, seed), folder / "permeabilite_ervelle.gpkg", layer="permeabilite",
        driver="GPKG", promote_to_multi=True,
    )  # fmt: skip
    _hazards(ground, seed, folder)
    _parcels(ground, seed, folder)
