"""Districts that need attention first in a heat wave, and why.

**The order**, plain enough to be argued with: only blocks whose class is of high or very
high sensitivity count; a district is what lies within a short walk (:data:`RADIUS_M`) of a
place; the first is the one where most people that heat harms first live in such blocks:
children under 11 and people of 65 and more. Its blocks are set aside, and the next is
looked for among the others. Poor households are told beside, not added: a household is
not a person.

A list of single blocks would be a list of chance: INSEE counts by cells of 200 m, so that
two blocks of one cell differ by their size only. A district spans several cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from scipy.spatial import KDTree

from .people import People
from .rule import INDICATORS
from .schema import CLASSES, CODES, SENSITIVITIES
from .shares import Certainty
from .what_if import Change, what_if

__all__ = ["FEWEST", "PLANTING", "RADIUS_M", "District", "districts"]

#: A district reaches so far around its middle, m: three minutes' walk, about five cells.
RADIUS_M = 250.0
#: Fewer children and elders than this are within the noise of the cells.
FEWEST = 10.0
#: What is tried in each district: a tenth of its ground from mineral to planted.
PLANTING = Change("ver", 10.0, "ror")
_SENSITIVE = tuple(s.name for s in SENSITIVITIES.values() if s.rank is not None and s.rank >= 3)
_WANTED = np.isin(CODES, [c.code for c in CLASSES.values() if c.sensitivity in _SENSITIVE])


@dataclass(frozen=True, eq=False)
class District:
    """Sensitive blocks within a short walk of one another, and who lives there.

    Attributes
    ----------
    rank : int
        1 first.
    rows : numpy.ndarray of int
        Positions of its blocks.
    area_m2, very_high : float
        Ground of its blocks, and the part of it (0-1) of very high sensitivity.
    classes : tuple of str
        Its classes, the most extensive first.
    people : dict of str to float
        Group → how many, spread evenly.
    vulnerable, low, high : float
        Children under 11 and people of 65 and more. ``low``: both ways to spread people,
        in blocks that are sensitive whatever becomes of unsure classes; ``high``: with the
        blocks around that could be. None where the map does not tell how sure it is.
    distance_m, bearing : float
        Where it is, from the middle of where people live: metres, and degrees clockwise
        from north.
    relieved : float or None
        Part of its ground (0-1) that Cerema's rule would no longer class as sensitive after
        :data:`PLANTING`; None where the map has no indicators.
    geometry : shapely geometry
        Its blocks, in the CRS of the map.
    """

    rank: int
    rows: np.ndarray
    area_m2: float
    very_high: float
    classes: tuple[str, ...]
    people: dict[str, float]
    vulnerable: float
    low: float | None
    high: float | None
    distance_m: float
    bearing: float
    relieved: float | None
    geometry: Any


def districts(
    blocks: gpd.GeoDataFrame,
    people: People,
    sure: Certainty,
    most: int = 10,
    radius_m: float = RADIUS_M,
) -> list[District]:
    """The districts to look at first.

    Parameters
    ----------
    blocks : geopandas.GeoDataFrame
        As :func:`eo_helpers.lcz.data.read` returns it (CRS in metres).
    people : People
        From :func:`eo_helpers.lcz.people.people_of_blocks`.
    sure : Certainty
        From :func:`eo_helpers.lcz.shares.certainty`.
    most : int
        How many at most.
    radius_m : float
        How far a district reaches, m.

    Returns
    -------
    list of District
        Best first; empty where no block is sensitive, nobody lives there, or ages are not
        known. Ties go to the first block in the order of identifiers.
    """
    known = people.vulnerable()
    if known is None:
        return []
    even, built = known
    spot = shapely.get_coordinates(shapely.centroid(blocks.geometry.to_numpy()))
    sensitive = blocks["sensitivity"].isin(_SENSITIVE).to_numpy()
    candidates = np.flatnonzero(sensitive & (even > 0))
    # Identifiers, not rows: the order of the file must leave no trace.
    names = blocks["block_id"].to_numpy(dtype=str)[candidates]
    candidates = candidates[np.argsort(names, kind="stable")]
    if not candidates.size:
        return []
    near = KDTree(spot[candidates]).query_ball_point(spot[candidates], radius_m)
    left = even[candidates].copy()
    found: list[np.ndarray] = []
    seeds: list[int] = []
    reach = np.array([left[n].sum() for n in near])
    while len(found) < most:
        seed = int(np.argmax(np.round(reach, 6)))
        if reach[seed] < FEWEST:
            break
        members = np.array([n for n in near[seed] if left[n] > 0])
        for n in members:
            reach[near[n]] -= left[n]
            left[n] = 0.0
        found.append(candidates[members])
        seeds.append(int(candidates[seed]))
    could = sure.possible[:, _WANTED].any(axis=1)
    taken = np.zeros(len(blocks), dtype=bool)
    out = []
    middle = _middle(spot, people.even["people"].people)
    for rank, (rows, seed) in enumerate(zip(found, seeds, strict=True), 1):
        low, high = _bounds(rows, spot, seed, radius_m, sure, could & ~taken, (even, built))
        taken[rows] = True
        out.append(_district(rank, rows, blocks, people, spot, middle, even, low, high))
    return out


def _bounds(
    rows: np.ndarray,
    spot: np.ndarray,
    seed: int,
    radius_m: float,
    sure: Certainty,
    could: np.ndarray,
    ways: tuple[np.ndarray, np.ndarray],
) -> tuple[float | None, float | None]:
    """Least and most children and elders; None where the map does not tell its sureness."""
    if not sure.told[_WANTED].any():
        return None, None
    stays = rows[~sure.possible[rows][:, ~_WANTED].any(axis=1)]
    around = could & (np.hypot(*(spot - spot[seed]).T) <= radius_m)
    around[rows] = True
    low = min(float(way[stays].sum()) for way in ways)
    high = max(float(way[around].sum()) for way in ways)
    return low, high


def _middle(spot: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Where people live on average."""
    return np.average(spot, axis=0, weights=people)


def _district(
    rank: int,
    rows: np.ndarray,
    blocks: gpd.GeoDataFrame,
    people: People,
    spot: np.ndarray,
    middle: np.ndarray,
    vulnerable: np.ndarray,
    low: float | None,
    high: float | None,
) -> District:
    part = blocks.iloc[rows]
    area = part["area_m2"].to_numpy()
    by_class = part.groupby("lcz")["area_m2"].sum().sort_values(ascending=False, kind="stable")
    east, north = np.average(spot[rows], axis=0, weights=vulnerable[rows]) - middle
    return District(
        rank=rank,
        rows=rows,
        area_m2=float(area.sum()),
        very_high=float(area[part["sensitivity"] == "very_high"].sum() / area.sum()),
        classes=tuple(str(c) for c in by_class.index),
        people={name: float(shared.people[rows].sum()) for name, shared in people.even.items()},
        vulnerable=float(vulnerable[rows].sum()),
        low=low,
        high=high,
        distance_m=float(np.hypot(east, north)),
        bearing=float(np.degrees(np.arctan2(east, north)) % 360),
        relieved=_relieved(part, area),
        geometry=shapely.union_all(part.geometry.to_numpy()),
    )


def _relieved(part: gpd.GeoDataFrame, area: np.ndarray) -> float | None:
    if not set(INDICATORS) <= set(part.columns):
        return None
    after = what_if(part[list(INDICATORS)], PLANTING)
    # What the rule does not class as sensitive before cannot be relieved by it.
    before = after["sensitivity_before"].isin(_SENSITIVE)
    freed = before & ~after["sensitivity_after"].isin(_SENSITIVE)
    return float(area[freed.to_numpy()].sum() / area.sum())
