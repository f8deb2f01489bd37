"""What desealing a sector would do: run-off avoided, class of the block, in words."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..lcz.rule import INDICATORS
from ..lcz.what_if import Change, what_if
from ..text import Text
from .runoff import avoided

__all__ = ["RAIN", "SHARE", "Gain", "gains", "names_of"]

#: Storm that gains are told for, mm: an ordinary strong summer shower (stated on screen).
RAIN = 30.0
#: Part of the mineral ground that is planted: streets and access stay.
SHARE = 0.5


@dataclass(frozen=True)
class Gain:
    """What planting part of one sector's mineral ground would do.

    Attributes
    ----------
    area : float
        Ground that is desealed, m².
    volume, low, high : float
        Run-off avoided for the stated rain, m³ (curve numbers).
    rational : (float, float)
        The same by the rational method, m³.
    before, after : str or None
        Class of the block by Cerema's rule.
    """

    area: float
    volume: float
    low: float
    high: float
    rational: tuple[float, float]
    before: str | None
    after: str | None


def gains(units: pd.DataFrame, rain: float = RAIN, part: float = SHARE) -> list[Gain]:
    """What planting ``part`` of the mineral ground would do in each sector.

    Parameters
    ----------
    units : pandas.DataFrame
        ``mineral_m2``, Cerema's indicators and, where it is known, ``permeability`` (mm/h).
    rain : float
        One storm, mm.
    part : float
        0 to 1.

    Returns
    -------
    list of Gain, one a row
    """
    area = units["mineral_m2"].to_numpy(float) * part
    ksat = units.get("permeability", pd.Series(np.nan, units.index)).to_numpy(float)
    water = avoided(area, rain, ksat)
    out = []
    known = set(INDICATORS) <= set(units.columns)
    for k in range(len(units)):
        before = after = None
        points = part * float(units["ror"].iloc[k]) if known else 0.0
        if points > 0:
            changed = what_if(units.iloc[[k]], Change("ver", points)).iloc[0]
            before, after = changed["lcz_before"], changed["lcz_after"]
        out.append(
            Gain(
                float(area[k]), float(water.volume[k]), float(water.low[k]), float(water.high[k]),
                (float(water.rational_low[k]), float(water.rational_high[k])), before, after,
            )
        )  # fmt: skip
    return out


def names_of(
    units: gpd.GeoDataFrame, places: gpd.GeoDataFrame | None, zones: gpd.GeoDataFrame | None
) -> list[Text]:
    """A name that a person of the town knows: a public place in it, else its number and where."""
    inner = shapely.point_on_surface(units.geometry.to_numpy())
    place = np.full(len(units), "", dtype=object)
    if places is not None and len(places):
        named = places[places["toponyme"].notna()]
        shapes = named.geometry.to_numpy()
        unit, at = shapely.STRtree(shapes).query(units.geometry.to_numpy(), predicate="intersects")
        common = shapely.area(shapely.intersection(units.geometry.to_numpy()[unit], shapes[at]))
        for k in np.argsort(common, kind="stable"):  # the largest is written last
            if common[k] > 50:
                place[unit[k]] = str(named["toponyme"].iloc[at[k]])
    zone = np.full(len(units), "", dtype=object)
    if zones is not None and len(zones) > 1:
        at, unit = shapely.STRtree(inner).query(zones.geometry.to_numpy(), predicate="contains")
        zone[unit] = zones["name"].to_numpy()[at]
    out: list[Text] = []
    for k in range(len(units)):
        # The number is on the map and in the exports.
        what = {"fr": f"Îlot n° {k + 1}", "en": f"Block {k + 1}"}
        one = {lang: str(place[k]) or what[lang] for lang in ("fr", "en")}
        where = {"fr": f" (quartier {zone[k]})", "en": f" ({zone[k]} district)"}
        out.append({lang: one[lang] + (where[lang] if zone[k] else "") for lang in ("fr", "en")})
    return out
