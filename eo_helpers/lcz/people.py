"""Who lives in each block: everybody, children, elders, poor households.

People come from INSEE's 200 m cells, shared out by area (see
:func:`eo_helpers.territory.population.spread`): evenly over the ground (the figure), or in
the built blocks only (the other bound). A block of a few hundred m² therefore shows its
share of its neighbourhood, not a count of its own residents.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np

from ..territory import population
from ..territory.population import Shared
from ..text import Text
from .schema import BUILT
from .shares import Certainty, Share, share

__all__ = ["GROUPS", "Group", "People", "Weights", "people_of_blocks"]


@dataclass(frozen=True)
class Group:
    """Somebody who is counted: columns of Filosofi that add up to it, and its name."""

    name: str
    columns: tuple[str, ...]
    label: Text
    unit: str = "habitants"


def _group(name: str, columns: tuple[str, ...], fr: str, en: str, unit: str = "habitants") -> Group:
    return Group(name, columns, {"fr": fr, "en": en}, unit)


GROUPS: dict[str, Group] = {
    g.name: g
    for g in (
        _group("people", ("ind",), "Habitants", "People"),
        _group(
            "children",
            ("ind_0_3", "ind_4_5", "ind_6_10"),
            "Enfants de moins de 11\u00a0ans",
            "Children under 11",
        ),
        _group(
            "over_65",
            ("ind_65_79", "ind_80p"),
            "Personnes de 65\u00a0ans et plus",
            "People of 65 and more",
        ),
        _group(
            "over_80", ("ind_80p",), "Personnes de 80\u00a0ans et plus", "People of 80 and more"
        ),
        _group("households", ("men",), "Ménages", "Households", "ménages"),
        _group("poor_households", ("men_pauv",), "Ménages pauvres", "Poor households", "ménages"),
    )
}


@dataclass(frozen=True)
class People:
    """People of each block by group, under both ways to spread them.

    Attributes
    ----------
    even, built : dict of str to Shared
        Group → people, spread evenly over the ground, or in built blocks only. Groups whose
        columns the vintage does not have are absent.
    """

    even: dict[str, Shared]
    built: dict[str, Shared]

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(self.even)

    def vulnerable(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Children and elders of each block (even, built); None where ages are unknown."""
        if not {"children", "over_65"} <= set(self.even):
            return None
        even, built = (
            side["children"].people + side["over_65"].people for side in (self.even, self.built)
        )
        return even, built


def people_of_blocks(blocks: gpd.GeoDataFrame, cells: gpd.GeoDataFrame, boundary: Any) -> People:
    """People of each block, by group, under both ways to spread them.

    Parameters
    ----------
    blocks : geopandas.GeoDataFrame
        As :func:`eo_helpers.lcz.data.read` returns it.
    cells : geopandas.GeoDataFrame
        As :func:`eo_helpers.territory.population.read` returns it.
    boundary : shapely geometry
        The commune, in the CRS of ``cells``.
    """
    dense = blocks["lcz"].isin(BUILT).to_numpy(dtype=float)
    ways = population.spread(cells, blocks, boundary, (None, dense))
    counts = {
        name: cells[list(group.columns)].astype(float).sum(axis=1).to_numpy()
        for name, group in GROUPS.items()
        if set(group.columns) <= set(cells.columns)
    }
    even, built = ({name: way.of(values) for name, values in counts.items()} for way in ways)
    return People(even, built)


@dataclass(frozen=True)
class Weights:
    """What shares are counted in: ground, or people under two ways to spread them."""

    lcz: np.ndarray
    sure: Certainty
    area: np.ndarray
    commune_area: float
    people: People | None

    @property
    def peopled(self) -> bool:
        """True if somebody lives in the commune, and it is known where."""
        return self.people is not None and self.people.even["people"].total > 0

    def of_area(self, classes: Collection[str]) -> Share:
        """Share of the commune's ground in some classes."""
        return share(self.area, self.commune_area, self.lcz, self.sure, classes)

    def of_people(self, classes: Collection[str], group: str = "people") -> Share | None:
        """Share of a group in some classes; None where it is not known.

        Value: people spread evenly; bounds: both ways to spread them, and the classes'.
        """
        if self.people is None or group not in self.people.even:
            return None
        ways = (self.people.even[group], self.people.built[group])
        if ways[0].total <= 0:
            return None
        both = [share(p.people, p.total, self.lcz, self.sure, classes) for p in ways]
        if any(s.low is None or s.high is None for s in both):
            return Share(both[0].value)
        return Share(
            both[0].value,
            min(s.low for s in both if s.low is not None),
            max(s.high for s in both if s.high is not None),
        )
