"""What stands around the water of a commune, read once: people, buildings, places, memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import catalog
from ..catalog.provenance import Provenance
from ..errors import NoData
from ..territory import bdtopo, districts, population
from ..territory.commune import Commune
from .named import PLACES, Numbered, numbered, public_places
from .reached import people_per_cell
from .stakes import Doorsteps, RoadPoints, doorsteps, road_points
from .stakes_told import BUILDINGS, ROADS
from .water import Water

__all__ = ["POPULATION", "Around", "read_around"]

POPULATION = "filosofi-200m"


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
    provenance : tuple of Provenance
    """

    cells: NDArray[np.float64] | None = None
    buildings: Doorsteps | None = None
    roads: RoadPoints | None = None
    places: Numbered | None = None
    zones: Numbered | None = None
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
    return Around(**found, provenance=tuple(provenance))
