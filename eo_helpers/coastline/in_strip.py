"""What lies in the strip that the past rate would take: buildings, roads, people."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from .. import catalog
from ..errors import NoData
from ..findings import Indicator
from ..territory import bdtopo, population
from ..territory.commune import Commune
from ..text import french
from .ahead import Ahead

__all__ = ["BUILDINGS", "PEOPLE", "ROADS", "count", "in_strip"]

BUILDINGS, ROADS, PEOPLE = "bdtopo-buildings", "bdtopo-roads", "filosofi-200m"


def count(objects: gpd.GeoDataFrame, area: Any, lengths: bool = False) -> float:
    """Objects that touch an area, or kilometres of them within it.

    Parameters
    ----------
    objects : GeoDataFrame
        Polygons, or lines, in the CRS of ``area`` (metres).
    area : Polygon or MultiPolygon
    lengths : bool
        Kilometres within the area instead of a number.
    """
    shapes = np.asarray(objects.geometry.values)
    if area.is_empty or not len(shapes):
        return 0.0
    shapely.prepare(area)
    met = shapes[shapely.intersects(shapes, area)]
    if not lengths:
        return float(len(met))
    return float(shapely.length(shapely.intersection(met, area)).sum() / 1000)


def _people(cells: gpd.GeoDataFrame, area: Any, commune: Commune) -> float:
    """People of the cells' part within the area, spread evenly over the land of each cell."""
    if area.is_empty:
        return 0.0
    zone = gpd.GeoDataFrame(geometry=[area], crs=commune.crs).to_crs(cells.crs)
    shared = population.share_out(cells, zone, commune.boundary_in(cells.crs))
    return float(shared.people.sum())


def in_strip(
    commune: Commune, source: Any, ahead: Ahead, horizon: int, date: str | None
) -> tuple[tuple[Indicator, ...], tuple[Any, ...]]:
    """Figures of what lies in the strip, as far as the source has the data, and provenances.

    Bounds are what lies in the narrower and in the wider strip. People are spread evenly over
    the land of their 200 m cell, which is crude for a strip of some metres: an order of size.
    """
    figures: list[Indicator] = []
    origins: list[Any] = []
    areas = (ahead.area, ahead.area_low, ahead.area_high)
    if ahead.area_high.is_empty:
        return (), ()
    for dataset, name, fr, en, unit, digits in (
        (BUILDINGS, "buildings", "Bâtiments dans la bande", "Buildings in the strip", "", 0),
        (ROADS, "roads_km", "Routes dans la bande", "Roads in the strip", "km", 2),
        (PEOPLE, "people", "Habitants dans la bande (ordre de grandeur)",
         "Residents in the strip (order of size)", "", 0),
    ):  # fmt: skip
        try:
            holding = catalog.find(dataset, commune, source)
            if dataset == PEOPLE:
                cells = population.read(holding, commune)
                value, low, high = (_people(cells, a, commune) for a in areas)
            else:
                objects = bdtopo.read(holding, commune)
                value, low, high = (count(objects, a, dataset == ROADS) for a in areas)
        except NoData:
            continue
        label = {
            "fr": french(f"{fr} d'ici {horizon} (extrapolation)"),
            "en": f"{en} by {horizon} (extrapolation)",
        }
        figures.append(
            Indicator(f"{name}_{horizon}", label, value, unit, low, high, date, dataset, digits,
                      "ahead")
        )  # fmt: skip
        origins.append(holding.provenance)
    return tuple(figures), tuple(origins)
