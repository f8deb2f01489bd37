"""Draw the territory and write it all, in order."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from . import (
    basemap,
    blackmarble,
    canopy,
    climate,
    coast,
    earlier,
    farms,
    greenery,
    institutions,
    lamps,
    optical,
    people,
    radar,
    rasters,
    risks,
    topo,
    underground,
)
from .ground import Ground
from .island import island
from .mainland import mainland

__all__ = ["write_communes", "write_territory"]

_README = """# Vérité du territoire de démonstration

Territoire FICTIF : aucun de ces lieux, de ces chiffres et de ces dates n'existe.

- `lcz_blocks.gpkg` : îlots, indicateurs exacts et classe LCZ (règle de décision du Cerema) ;
  une couche par territoire (`ervelle`, `vermeil`). L'archive `lcz/` ne couvre pas l'île.
- `lighting.json` : par commune, la pratique d'éclairage et ses événements (`month` : premier mois
  au nouveau niveau ; `fraction` : part de l'éclairage public éteinte).
- `flood_extent.tif` (1 = terre inondée), `permanent_water.tif` (1 = eau permanente),
  `flood_depth.tif` (hauteur d'eau, m), `flood_surface.tif` (altitude de la surface de l'eau, m,
  NGF-IGN69), 5 m, EPSG:2154. Le radar ne voit pas l'eau sous les arbres ni dans les rues denses :
  là, les deux images ne montrent pas cette crue.
- `swot/` : le zéro des hauteurs y est 0,22 m plus haut que celui du terrain ; 8 % des mailles sont
  fausses et marquées comme telles.
- `vegetation_forms.gpkg` (formes de Green Urban Sat, un objet par ligne, tel qu'il a été planté) et
  `vegetation_strata.tif` (0 aucune, 1 herbacée, 2 arbustive, 3 arborée), 1 m, sur la ville seule.
  Les arbres des avenues et les haies des jardins n'existent que là : l'image Sentinel-2 les ignore.
- `vegetation_change.tif` (1 = végétation apparue depuis juillet 2017, -1 = disparue), 5 m : des
  lotissements bâtis sur des prés, des cours et des parcs plantés.

Fictional territory: none of these places, figures and dates exists.
"""


def write_communes(grounds: list[Ground], path: Path) -> gpd.GeoDataFrame:
    """Write the communes as GeoParquet 1.1 (zstd, bbox covering), EPSG:4326."""
    table = pd.concat([g.communes.to_crs("EPSG:4326") for g in grounds], ignore_index=True)
    table = gpd.GeoDataFrame(table, geometry="geometry", crs="EPSG:4326")
    table["geometry"] = shapely.orient_polygons(
        shapely.set_precision(table.geometry.values, 1e-8, mode="pointwise")
    )
    columns = ["insee", "name", "departement", "population", "postcodes", "epci", "geometry"]
    table = table[columns]
    table.to_parquet(
        path, index=False, compression="zstd", schema_version="1.1.0", write_covering_bbox=True
    )
    return table


def write_territory(
    folder: Path, seed: int, version: str, progress: Callable[[str, float], None] | None = None
) -> None:
    """Draw everything from one seed and write every file into an empty folder."""

    def say(step: str, fraction: float) -> None:
        if progress:
            progress(step, fraction)

    say("Relief, rivière et communes", 0.0)
    main = mainland(seed)
    say("Île", 0.32)
    isle = island(seed)
    grounds = [main, isle]
    write_communes(grounds, folder / "communes.parquet")

    say("Zones climatiques locales", 0.42)
    blocks = {ground.area: climate.lcz_blocks(ground, seed) for ground in grounds}
    climate.write_archive(blocks[main.area], folder / "lcz")
    climate.write_truth(blocks, folder / "truth" / "lcz_blocks.gpkg")

    say("Crue et images radar", 0.47)
    flood = radar.flood_truth(main)
    radar.write_flood(main, flood, folder / "truth")
    radar.write_scenes(main, flood, folder / "flood", seed)

    risks.write_memory(main, folder / "risks", seed)
    risks.write_swot(main, flood, folder / "swot", seed)
    underground.write_ground(main, folder / "ground", seed)

    say("Image Sentinel-2", 0.56)
    optical.write_scene(main, folder / "optical", seed)
    optical.write_training(blocks[main.area], folder / "optical" / "lcz_training_areas.gpkg", seed)
    say("Bâtiments, routes et végétation", 0.59)
    topo.write_topo(main, folder / "topo" / "BDT_3-5_GPKG_LAMB93_ERVELLE.gpkg", seed)
    topo.write_topo(isle, folder / "topo" / "BDT_3-5_GPKG_RGAF09UTM20_VERMEIL.gpkg", seed)

    say("Arbres, haies et pelouses de la ville", 0.61)
    made = canopy.write_canopy(main, folder, seed)
    greenery.write_greenery(main, made, folder / "vegetation", seed)
    earlier.write_earlier(main, folder, seed)
    farms.write_parcels(main, folder / "vegetation" / "RPG_2-2_GPKG_LAMB93_ERVELLE_2022.gpkg")

    say("Relief lidar", 0.62)
    rasters.write_terrain(main, folder / "terrain", seed, "NGF-IGN69 (EPSG:5720)")
    rasters.write_terrain(
        isle, folder / "terrain", seed, "IGN 1988 Guadeloupe (EPSG:5757)", suffix="_97199"
    )
    say("Trait de côte", 0.69)
    for ground in grounds:
        coast.write_inec(ground, folder / "coastline", seed)
    say("Population", 0.70)
    people.write_cells(people.cells(main, seed), folder / "population" / "filosofi_200m.gpkg")
    people.write_cells(
        people.cells(isle, seed, "EPSG:5490"), folder / "population" / "filosofi_200m_97199.gpkg"
    )
    institutions.write_districts(grounds, folder / "districts")
    say("Fond de carte", 0.73)
    for ground in grounds:
        basemap.write_basemap(ground, folder)

    say("Lumières nocturnes", 0.80)
    for k, ground in enumerate(grounds):
        sky = lamps.radiance(ground, seed)
        start = 0.82 + 0.11 * k
        blackmarble.write_tiles(
            sky, folder / "lighting", seed,
            lambda f, start=start: say("Lumières nocturnes", start + 0.10 * f),  # type: ignore[misc]
        )  # fmt: skip
    _write_notes(folder, seed, version, grounds, flood)
    say("Prêt", 1.0)


def _write_notes(
    folder: Path, seed: int, version: str, grounds: list[Ground], flood: radar.Flood
) -> None:
    """Truth of the lighting, README, and the mark that says that the folder is whole."""
    (folder / "truth").mkdir(exist_ok=True)
    lighting = {
        insee: {**told, "missing_months": lamps.MISSING[area], "snow_months": lamps.SNOW[area],
                "cloudy_months": lamps.CLOUDY[area], "gap_filled_months": lamps.FILLED[area]}
        for insee, told in lamps.EVENTS.items()
        for area in ["vermeil" if insee.startswith("97") else "ervelle"]
    }  # fmt: skip
    _json(folder / "truth" / "lighting.json", lighting)
    (folder / "truth" / "README.md").write_text(_README, encoding="utf-8")
    _json(
        folder / "territory.json",
        {
            "name": "Pays d'Ervelle",
            "fictional": True,
            "demonstration": True,
            "label": {"fr": "Données de démonstration", "en": "Demonstration data"},
            "seed": seed,
            "version": version,
            "communes": {c.insee: c.name for g in grounds for c in g.communes.itertuples()},
            "places": {
                g.area: {n: [round(float(v), 1) for v in xy] for n, xy in g.places.items()}
                for g in grounds
            },
            "crs": {g.area: g.crs for g in grounds},
            "flood": {"before": radar.BEFORE, "after": radar.AFTER, "looks": radar.ENL,
                      "flooded_ha": round(float(np.sum(flood.extent)) * 0.0025, 1)},
        },
    )  # fmt: skip


def _json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
