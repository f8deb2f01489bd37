"""Trees where people live and learn: by district, and in the grounds of schools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from .. import catalog
from ..catalog.provenance import Provenance
from ..errors import NoData
from ..findings import Bars, Indicator, remembered
from ..territory import bdtopo, districts
from ..territory.commune import Commune
from ..text import Text, percent
from .indicators import canopy_by_zone

__all__ = ["Named", "charts", "indicators", "read_named", "schools_of"]

PLACES = "bdtopo-places"
#: Natures of BD TOPO with a yard where children play.
_SCHOOLS = ("enseignement primaire", "collège", "lycée")
#: The 3-30-300 rule: trees over 30 % of each district.
GOAL = 30.0
#: A yard with fewer trees than this has hardly any shade.
BARE = 10.0


@dataclass(frozen=True)
class Named:
    """Districts and school grounds of a commune; None where the source has none."""

    zones: gpd.GeoDataFrame | None = None
    schools: gpd.GeoDataFrame | None = None
    provenance: tuple[Provenance, ...] = ()


@remembered(size=3)
def read_named(commune: Commune, source: Any) -> Named:
    """What has a name in the commune."""
    found: dict[str, Any] = {}
    provenance: list[Provenance] = []
    for name, dataset, read in (
        ("zones", districts.DATASET, districts.read),
        ("schools", PLACES, bdtopo.read),
    ):
        try:
            holding = catalog.find(dataset, commune, source)
            found[name] = read(holding, commune)
        except NoData:
            continue
        provenance.append(holding.provenance)
    if "schools" in found:
        nature = found["schools"]["nature"].astype(str).str.lower()
        schools = found["schools"][nature.isin(_SCHOOLS)]
        found["schools"] = schools if len(schools) else None
    return Named(**found, provenance=tuple(provenance))


def _canopy(strata: xr.Dataset, zones: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    table = canopy_by_zone(strata, zones)
    return table[table["canopy"].notna()]


def schools_of(
    named: Named, strata: xr.Dataset, fine: xr.Dataset | None
) -> gpd.GeoDataFrame | None:
    """School grounds with their canopy, by the detailed map where it holds the whole yard."""
    if named.schools is None:
        return None
    coarse = canopy_by_zone(strata, named.schools)
    if fine is not None:
        detailed = canopy_by_zone(fine, named.schools, least=0.9)
        known = detailed["canopy"].notna()
        for column in ("canopy", "canopy_low", "canopy_high"):
            coarse.loc[known, column] = detailed.loc[known, column]
    return coarse[coarse["canopy"].notna()]


def charts(
    commune: Commune, named: Named, strata: xr.Dataset, schools: gpd.GeoDataFrame | None
) -> list[Bars]:
    """Canopy by district, and by school from the barest."""
    out = []
    if named.zones is not None and len(named.zones) > 1:
        table = _canopy(strata, named.zones)
        if len(table) > 1:
            title: Text = {
                "fr": "Arbres par quartier (objectif de la règle 3-30-300 : 30 %)",
                "en": "Trees by district (goal of the 3-30-300 rule: 30%)",
            }
            out.append(_bars("districts", title, table.sort_values("canopy"), "name", commune))
    if schools is not None and len(schools):
        title = {"fr": "Arbres dans les cours et terrains scolaires",
                 "en": "Trees in school grounds"}  # fmt: skip
        table = schools.sort_values("canopy").head(12)
        if len(schools) > len(table):
            title = {"fr": f"{title['fr']} : les {len(table)} qui en ont le moins",
                     "en": f"{title['en']}: the {len(table)} with fewest"}  # fmt: skip
        names = table["toponyme"].where(table["toponyme"].notna(), table["nature"])
        names = _told_apart(names, table, named.zones)
        out.append(_bars("schools", title, table.assign(name=names), "name", commune))
    return out


def _told_apart(
    names: pd.Series, places: gpd.GeoDataFrame, zones: gpd.GeoDataFrame | None
) -> pd.Series:
    """The district after the name of places that are called the same, and a number after that."""
    twice = names.duplicated(keep=False)
    if zones is None or not twice.any():
        return names
    points = gpd.GeoDataFrame(geometry=places.representative_point()[twice], crs=places.crs)
    where = points.sjoin(zones[["name", "geometry"]].to_crs(places.crs))["name"]
    where = where[~where.index.duplicated()].reindex(names.index)
    told = names.where(where.isna(), names + " (" + where.astype(str) + ")")
    rank = told.groupby(told).cumcount() + 1
    return told.where(~told.duplicated(keep=False), told + " n° " + rank.astype(str))


def _bars(name: str, title: Text, table: pd.DataFrame, label: str, commune: Commune) -> Bars:
    frame = pd.DataFrame(
        {
            "label_fr": table[label], "label_en": table[label], "value": 100 * table["canopy"],
            "low": 100 * table["canopy_low"], "high": 100 * table["canopy_high"],
            "color": np.where(100 * table["canopy"] >= GOAL, "#1b7837", "#7fbf7b"),
        }
    ).reset_index(drop=True)  # fmt: skip
    least, most = frame.iloc[0], frame.iloc[-1]
    alt: Text = {
        "fr": f"{title['fr']}, {commune.name} : de {percent(least['value'])} "
        f"({least['label_fr']}) à {percent(most['value'])} ({most['label_fr']}).",
        "en": f"{title['en']}, {commune.name}: from {percent(least['value'], 0, 'en')} "
        f"({least['label_en']}) to {percent(most['value'], 0, 'en')} ({most['label_en']}).",
    }
    return Bars(name, title, alt, frame, "%", 0)


def indicators(
    named: Named, strata: xr.Dataset, schools: gpd.GeoDataFrame | None, date: str | None
) -> list[Indicator]:
    """How many districts reach 30 %, how many school grounds have hardly any tree."""
    out = []
    if named.zones is not None and len(named.zones) > 1:
        table = _canopy(strata, named.zones)
        at = [
            float((100 * table[c] >= GOAL).sum()) for c in ("canopy", "canopy_low", "canopy_high")
        ]
        label: Text = {
            "fr": f"Quartiers, sur {len(table)}, qui ont 30 % d'arbres",
            "en": f"Districts, of {len(table)}, with 30% of trees",
        }
        out.append(
            Indicator("districts_with_30_percent", label, at[0], "", at[1], at[2], date,
                      districts.DATASET, 0, "people")
        )  # fmt: skip
    if schools is not None and len(schools):
        at = [float((100 * schools[c] < BARE).sum())
              for c in ("canopy", "canopy_high", "canopy_low")]  # fmt: skip
        label = {
            "fr": f"Terrains scolaires, sur {len(schools)}, qui ont moins de 10 % d'arbres",
            "en": f"School grounds, of {len(schools)}, with under 10% of trees",
        }
        out.append(
            Indicator("bare_school_grounds", label, at[0], "", at[1], at[2], date, PLACES, 0,
                      "people")
        )  # fmt: skip
    return out
