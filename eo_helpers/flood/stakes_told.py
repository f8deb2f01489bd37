"""Buildings and roads that a flood reaches in a commune: figures and a map of the Finding."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import xarray as xr

from ..findings import Category, Indicator, Layer, Legend
from ..territory.commune import Commune
from ..text import Text, at_place, number
from .reached import CLASSES, Count
from .sentences import CLASS_LABELS
from .stakes import (
    CUT,
    Doorsteps,
    RoadPoints,
    buildings_reached,
    by_class,
    doorsteps,
    road_points,
    roads_cut,
)

__all__ = ["BUILDINGS", "ROADS", "Stakes", "indicators", "layer", "stakes"]

BUILDINGS, ROADS = "bdtopo-buildings", "bdtopo-roads"


@dataclass(frozen=True)
class Stakes:
    """What the water reaches.

    Attributes
    ----------
    buildings : geopandas.GeoDataFrame or None
        Those reached, with ``depth`` (m) and ``depth_class``.
    count, dwellings : Count or None
        Buildings and dwellings reached; from those whose walls stand in water even if all
        depths are too high, to those on low ground joined to the water.
    classes : dict of Count, or None
        Buildings by class of height.
    roads_km : Count or None
        Kilometres of road under water where it is 30 cm deep or more on the way; bounds
        as for buildings.
    """

    buildings: gpd.GeoDataFrame | None = None
    count: Count | None = None
    dwellings: Count | None = None
    classes: dict[str, Count] | None = None
    roads_km: Count | None = None


def stakes(
    water: xr.Dataset,
    buildings: gpd.GeoDataFrame | Doorsteps | None,
    roads: gpd.GeoDataFrame | RoadPoints | None,
) -> Stakes:
    """Count what is reached.

    Parameters
    ----------
    water : xarray.Dataset (y, x)
        ``depth``, ``uncertainty`` (m), ``low_ground`` (bool), projected CRS.
    buildings, roads : geopandas.GeoDataFrame or None
        Of BD TOPO (:func:`eo_helpers.territory.bdtopo.read`), or where they stand on the grid
        (:func:`.stakes.doorsteps`, :func:`.stakes.road_points`).
    """
    if isinstance(buildings, gpd.GeoDataFrame):
        buildings = doorsteps(buildings, water["depth"])
    if isinstance(roads, gpd.GeoDataFrame):
        roads = road_points(roads, water["depth"])
    hidden = water["low_ground"] & ~(water["depth"] > 0)
    wider = xr.Dataset(
        {
            # Its depth there is not known: enough to count as possible, for roads too.
            "depth": water["depth"].where(~hidden, np.float32(CUT)),
            "uncertainty": water["uncertainty"].fillna(0.0),
        }
    )
    wider.rio.write_crs(water.rio.crs, inplace=True)
    out: dict[str, object] = {}
    if buildings is not None:
        found = buildings_reached(buildings, water)
        most = buildings.wet(wider["depth"].values)
        sure = found["depth_low"] > 0
        out["buildings"] = found
        out["count"] = Count(float(len(found)), float(sure.sum()), float(len(most)))
        out["classes"] = by_class(found)
        if "nombre_de_logements" in found:
            possible = buildings.standing.iloc[most]
            homes = [
                f["nombre_de_logements"].fillna(0).sum() for f in (found, found[sure], possible)
            ]
            out["dwellings"] = Count(*(float(h) for h in homes))
    if roads is not None:
        cut, most = roads_cut(roads, water), roads_cut(roads, wider)
        metres = (
            cut["wet_length"][cut["cut"]],
            cut["wet_length"][cut["surely_cut"]],
            most["wet_length"][most["depth_high"] >= CUT],
        )
        out["roads_km"] = Count(*(float(m.sum()) / 1000 for m in metres))
    return Stakes(**out)  # type: ignore[arg-type]


def indicators(found: Stakes, date: str | None) -> list[Indicator]:
    """Figures of the group « Ce que l'eau atteint »."""
    rows: list[Indicator] = []

    def add(name: str, label: Text, c: Count, unit: str, source: str, digits: int = 0) -> None:
        rows.append(
            Indicator(name, label, c.value, unit, c.low, c.high, date, source, digits, "stakes")
        )

    if found.count is not None:
        label: Text = {
            "fr": "Bâtiments au pied desquels il y a de l'eau",
            "en": "Buildings with water at their walls",
        }
        add("buildings_reached", label, found.count, "", BUILDINGS)
    if found.dwellings is not None:
        label = {"fr": "Logements de ces bâtiments", "en": "Dwellings in them"}
        add("dwellings_reached", label, found.dwellings, "", BUILDINGS)
    for name, count in (found.classes or {}).items() if found.count and found.count.value else ():
        words = CLASS_LABELS[name]
        label = {
            "fr": f"Bâtiments où il y a {words['fr']} d'eau",
            "en": f"Buildings with {words['en']} of water",
        }
        add(f"buildings_reached_{name}", label, count, "", BUILDINGS)
    if found.roads_km is not None:
        label = {
            "fr": "Routes sous 30 cm d'eau ou plus (ponts non comptés)",
            "en": "Roads under 30 cm of water or more (bridges not counted)",
        }
        add("roads_cut_km", label, found.roads_km, "km", ROADS, 1)
    return rows


def layer(commune: Commune, found: Stakes) -> Layer | None:
    """Map of the buildings reached, by class of height."""
    if found.buildings is None or found.buildings.empty:
        return None
    drawn = found.buildings[["depth", "depth_class", "geometry"]].copy()
    rank = {c.name: str(i) for i, c in enumerate(CLASSES, 1)}
    drawn["class"] = drawn["depth_class"].map(rank)
    metres = drawn["depth"].round(1)
    for lang, words in (("fr", "m d'eau au pied des murs"), ("en", "m of water at the walls")):
        # A few dozen depths to the decimetre for thousands of buildings.
        told = {d: f"{number(d, 1, lang)} {words}" for d in metres.unique()}
        drawn[f"told_{lang}"] = metres.map(told)
    title: Text = {"fr": "Bâtiments atteints", "en": "Buildings reached"}
    count = len(drawn)
    deep = float(np.median(drawn["depth"]))
    return Layer(
        "buildings",
        title,
        {
            "fr": f"Carte de {number(count)} bâtiments atteints {at_place(commune.name)}, avec "
            f"{number(deep, 1)} m d'eau en médiane.",
            "en": f"Map of {number(count, 0, 'en')} buildings reached in {commune.name}, with "
            f"{number(deep, 1, 'en')} m of water in the median.",
        },
        drawn,
        Legend(
            {"fr": "Hauteur d'eau au pied des murs", "en": "Depth of water at the walls"},
            categories=tuple(
                Category(str(i), CLASS_LABELS[c.name], c.color) for i, c in enumerate(CLASSES, 1)
            ),
        ),
        column="class",
        tooltip="told",
        opacity=0.9,
        shown=False,
        edge=2.0,  # a house is less than a pixel on the map of a commune
    )
