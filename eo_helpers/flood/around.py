"""What stands around the water of a commune, read once: people, buildings, places, memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .. import catalog
from ..catalog.provenance import Provenance
from ..errors import NoData
from ..territory import bdtopo, districts, population
from ..territory.commune import Commune
from . import swot as levels_from_space
from .named import PLACES, Numbered, numbered, public_places
from .reached import people_per_cell
from .stakes import Doorsteps, RoadPoints, doorsteps, road_points
from .stakes_told import BUILDINGS, ROADS
from .water import Water

__all__ = ["POPULATION", "SWOT", "Around", "read_around"]

POPULATION = "filosofi-200m"
SWOT = ("swot-raster", "swot-river")


@dataclass(frozen=True)
class Around:
    """Each is None where the source has nothing of it.

    Attributes
    ----------
    cells : float array of the water's grid, or None
        People in each cell (:func:`.reached.people_per_cell`).
    buildings, roads, places : Doorsteps, RoadPoints, Numbered, or None
        Of BD TOPO, where they stand on the water's grid; only read where the depth is known.
    zones : Numbered or None
        Districts (IRIS).
    agreement : levels_from_space.Agreement or None
        The surface found here against SWOT's.
    swot : str
        Data set of SWOT that ``agreement`` is from.
    provenance : tuple of Provenance
    """

    cells: NDArray[np.float64] | None = None
    buildings: Doorsteps | None = None
    roads: RoadPoints | None = None
    places: Numbered | None = None
    zones: Numbered | None = None
    agreement: levels_from_space.Agreement | None = None
    swot: str = ""
    provenance: tuple[Provenance, ...] = ()


def read_around(commune: Commune, source: Any, water: Water) -> Around:
    """All that the source has around a commune's water.

    Raises
    ------
    InvalidInput
        If a file is not what its data set promises.
    """
    provenance: list[Provenance] = []
    found: dict[str, Any] = {}

    def take(name: str, dataset: str, read: Any) -> None:
        try:
            holding = catalog.find(dataset, commune, source)
            found[name] = read(holding, commune)
        except NoData:
            return
        provenance.append(holding.provenance)

    grid = water.grid["flood"]
    take("cells", POPULATION, lambda h, c: people_per_cell(population.read(h, c), grid))
    take("zones", districts.DATASET, lambda h, c: numbered(districts.read(h, c), grid))
    if "depth" in water.grid:
        take("buildings", BUILDINGS, lambda h, c: doorsteps(bdtopo.read(h, c), grid))
        take("roads", ROADS, lambda h, c: road_points(bdtopo.read(h, c), grid))
        take("places", PLACES, lambda h, c: public_places(bdtopo.read(h, c), grid))
        for dataset in SWOT:
            if "agreement" not in found:
                take("agreement", dataset, lambda holding, _: _agreement(holding, water))
                found |= {"swot": dataset} if "agreement" in found else {}
    return Around(**found, provenance=tuple(provenance))


def _agreement(holding: Any, water: Water) -> levels_from_space.Agreement:
    """Of the files of the image's day, the first that measured this water."""
    same = [
        path
        for path, item in zip(holding.paths, holding.items, strict=True)
        if item.datetime is None
        or not water.date
        or item.datetime.date().isoformat() == water.date[:10]
    ]
    surface: xr.Dataset | None = water.surface
    for path in same:
        if surface is None:
            break
        try:
            return levels_from_space.compare(surface, levels_from_space.read_levels(path))
        except NoData:
            continue
    raise NoData(
        "SWOT n'a pas mesuré cette crue le jour de l'image.",
        "SWOT did not measure this flood on the day of the image.",
    )
