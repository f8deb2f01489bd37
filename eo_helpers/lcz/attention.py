"""Blocks that need attention first in a heat wave, and why.

**The order**, plain enough to be argued with: only blocks whose class is of high or very
high sensitivity; among them, most people that heat harms first: children under 11 and
people of 65 and more. Very high goes before high where they are as many. Poor households
are told beside, not added: a household is not a person.

People come from INSEE's 200 m cells, shared out by area (see
:func:`eo_helpers.territory.population.share_out`): evenly over the ground (the figure),
or in the built blocks only (the other bound). A block of a few hundred m² therefore shows
its share of its neighbourhood, not a count of its own residents.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from ..territory import population
from .schema import BUILT, SENSITIVITIES

__all__ = ["GROUPS", "people_of_blocks", "rank"]

#: What is counted → the columns of Filosofi that add up to it.
GROUPS: dict[str, tuple[str, ...]] = {
    "people": ("ind",),
    "children": ("ind_0_3", "ind_4_5", "ind_6_10"),
    "over_65": ("ind_65_79", "ind_80p"),
    "over_80": ("ind_80p",),
    "households": ("men",),
    "poor_households": ("men_pauv",),
}


def people_of_blocks(blocks: gpd.GeoDataFrame, cells: gpd.GeoDataFrame, boundary: Any) -> Any:
    """People of each block, by group, under both ways to spread them.

    Parameters
    ----------
    blocks : geopandas.GeoDataFrame
        As :func:`eo_helpers.lcz.data.read` returns it.
    cells : geopandas.GeoDataFrame
        As :func:`eo_helpers.territory.population.read` returns it.
    boundary : shapely geometry
        The commune, in the CRS of ``cells``.

    Returns
    -------
    pandas.DataFrame
        Index of ``blocks``; for each of :data:`GROUPS` whose columns the vintage has, its
        name (spread evenly) and ``<name>_built`` (in built blocks only).
    """
    built = blocks["lcz"].isin(BUILT).to_numpy(dtype=float)
    out = pd.DataFrame(index=blocks.index)
    present = {g: c for g, c in GROUPS.items() if set(c) <= set(cells.columns)}
    counts = cells.copy()
    for name, columns in present.items():
        counts[name] = cells[list(columns)].astype(float).sum(axis=1)
        for suffix, weights in (("", None), ("_built", built)):
            shared = population.share_out(counts, blocks, boundary, weights, name)
            out[f"{name}{suffix}"] = shared.people
    return out


def rank(blocks: gpd.GeoDataFrame, people: pd.DataFrame, most: int = 10) -> pd.DataFrame:
    """The blocks to look at first.

    Parameters
    ----------
    blocks : geopandas.GeoDataFrame
    people : pandas.DataFrame
        From :func:`people_of_blocks`.
    most : int
        How many.

    Returns
    -------
    pandas.DataFrame
        Rows of ``blocks`` in order: ``rank`` (1 first), ``block_id``, ``lcz``,
        ``sensitivity``, ``area_m2``, ``vulnerable`` with ``vulnerable_low`` and
        ``vulnerable_high`` (both ways to spread people), and the columns of ``people``.
        Empty where no block is sensitive or ages are not known.
    """
    if not {"children", "over_65"} <= set(people.columns):
        return pd.DataFrame()
    table = blocks[["block_id", "lcz", "sensitivity", "area_m2"]].join(people)
    even = table["children"] + table["over_65"]
    built = table["children_built"] + table["over_65_built"]
    table["vulnerable"] = even
    table["vulnerable_low"] = np.minimum(even, built)
    table["vulnerable_high"] = np.maximum(even, built)
    step = table["sensitivity"].map({name: s.rank for name, s in SENSITIVITIES.items()})
    table["step"] = step.fillna(-1)
    # Fewer than one person is the share of a sliver, not somebody to look after.
    table = table[(table["step"] >= 3) & (table["vulnerable"] >= 1)]
    table["rounded"] = table["vulnerable"].round()
    table = table.sort_values(
        ["rounded", "step", "block_id"], ascending=[False, False, True], kind="stable"
    ).head(most)
    table.insert(0, "rank", range(1, len(table) + 1))
    return pd.DataFrame(table.drop(columns=["step", "rounded"]))
