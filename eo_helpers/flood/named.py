"""Public places and districts that the water reaches: by name, with depth and bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ..findings import Bars, Category, Indicator, Layer, Legend
from ..territory.commune import Commune
from ..text import Text, at_place, number, of_place
from .reached import CLASSES, POSSIBLE, SURE, people_per_cell, shape_numbers
from .sentences import CLASS_LABELS

__all__ = ["PLACES", "Numbered", "district_chart", "districts", "numbered", "place_indicators",
           "places_layer", "places_reached", "public_places"]  # fmt: skip

PLACES = "bdtopo-places"
#: Categories and natures of BD TOPO where the public goes, or sleeps, or is rescued from.
_CATEGORIES = {"Administratif ou militaire", "Culture et loisirs", "Religieux", "Santé",
               "Science et enseignement", "Sport"}  # fmt: skip
#: A place with less of its ground under water is not called reached.
LEAST_SHARE = 0.02
#: Normal law, 90 % on both sides.
Z90 = 1.645
#: Places told one by one among the figures; the others are on the map and in the files.
TOLD = 8


@dataclass(frozen=True, eq=False)
class Numbered:
    """Shapes, and the row of the one under each cell of a grid: worked out once for a grid.

    Attributes
    ----------
    shapes : geopandas.GeoDataFrame
    which : int array, shape of the grid
        -1 where there is none.
    """

    shapes: gpd.GeoDataFrame
    which: NDArray[np.int32]


def numbered(shapes: gpd.GeoDataFrame, grid: xr.DataArray) -> Numbered:
    """Which shape (public place, district) lies under each cell of a grid."""
    shapes = shapes.reset_index(drop=True)
    return Numbered(shapes, shape_numbers(shapes, grid))


def public_places(places: gpd.GeoDataFrame, grid: xr.DataArray) -> Numbered:
    """The places of BD TOPO where the public goes, on a grid."""
    return numbered(places[places["categorie"].isin(_CATEGORIES)], grid)


def places_reached(places: gpd.GeoDataFrame | Numbered, water: xr.Dataset) -> gpd.GeoDataFrame:
    """Public places with water on their ground, deepest first.

    Parameters
    ----------
    places : geopandas.GeoDataFrame
        Of BD TOPO (``zone_d_activite_ou_d_interet``): ``categorie``, ``nature``, ``toponyme``.
        Or their :func:`public_places`, for several states of the water on one grid.
    water : xarray.Dataset (y, x)
        ``flood`` (1 flooded), ``depth``, ``uncertainty`` (m), ``low_ground`` (bool).

    Returns
    -------
    geopandas.GeoDataFrame
        Rows with ``share`` (part of the ground under water, 0-1), ``depth`` (median of its wet
        cells, m), ``depth_low``, ``depth_high`` (90 %), ``depth_class`` and ``possible`` (True
        where only low ground joined to the water reaches it: its depth is NaN).
    """
    if not isinstance(places, Numbered):
        places = public_places(places, water["flood"])
    public, which = places.shapes, places.which
    here = which >= 0
    depth, sigma = water["depth"].values[here], water["uncertainty"].values[here]
    low = water["low_ground"].values[here] if "low_ground" in water else np.zeros(depth.size, bool)
    wet = (water["flood"].values[here] == 1) & (depth > 0)
    table = pd.DataFrame({"row": which[here], "wet": wet, "low": low | wet})
    table["depth"] = np.where(wet, depth, np.nan)
    table["sigma"] = np.where(wet, sigma, np.nan)
    found = table.groupby("row").agg(
        share=("wet", "mean"), low=("low", "mean"), depth=("depth", "median"),
        sigma=("sigma", "median"),
    )  # fmt: skip
    reached = found["share"] >= LEAST_SHARE
    found = found[reached | (found["low"] >= LEAST_SHARE)]
    out = public.loc[found.index].copy()
    out["share"] = found["share"]
    out["possible"] = ~reached.loc[found.index]
    out["depth"] = found["depth"].where(~out["possible"])
    spread = Z90 * found["sigma"].fillna(0)
    out["depth_low"] = (out["depth"] - spread).clip(lower=0)
    out["depth_high"] = out["depth"] + spread
    edges = [c.low for c in CLASSES[1:]]
    names = np.array([c.name for c in CLASSES])
    rank = np.digitize(out["depth"].fillna(0), edges)
    out["depth_class"] = np.where(out["possible"], "possible", names[rank])
    return out.sort_values("depth", ascending=False, na_position="last").reset_index(drop=True)


def _name(row: Any) -> str:
    name = getattr(row, "toponyme", None)
    return str(name) if isinstance(name, str) and name else str(row.nature)


def place_indicators(reached: gpd.GeoDataFrame, date: str | None) -> list[Indicator]:
    """How many public places, then the deepest by name."""
    sure = reached[~reached["possible"]]
    label: Text = {
        "fr": "Équipements publics atteints par l'eau (fourchette : sûrs à possibles)",
        "en": "Public places reached by water (range: sure to possible)",
    }
    low = float((sure["depth_low"] > 0).sum())
    rows = [
        Indicator("public_places_reached", label, float(len(sure)), "", low, float(len(reached)),
                  date, PLACES, 0, "places")
    ]  # fmt: skip
    for rank, row in enumerate(sure.head(TOLD).itertuples(), 1):
        told: Text = {"fr": f"{_name(row)} : hauteur d'eau médiane sur son terrain",
                      "en": f"{_name(row)}: median depth on its ground"}  # fmt: skip
        rows.append(
            Indicator(f"public_place_{rank}", told, row.depth, "m", row.depth_low,
                      row.depth_high, date, PLACES, 1, "places")
        )  # fmt: skip
    return rows


def places_layer(commune: Commune, reached: gpd.GeoDataFrame) -> Layer | None:
    """Map of the public places reached, by class of height."""
    if reached.empty:
        return None
    drawn = reached[["depth", "depth_class", "geometry"]].copy()
    rank = {c.name: str(i) for i, c in enumerate(CLASSES, 1)} | {"possible": "?"}
    drawn["class"] = drawn["depth_class"].map(rank)
    maybe = {"fr": "à vérifier : plus bas que l'eau voisine",
             "en": "to be checked: below the water beside it"}  # fmt: skip
    for lang in ("fr", "en"):
        colon = " : " if lang == "fr" else ": "
        drawn[f"told_{lang}"] = [
            f"{_name(r)}{colon}" + (maybe[lang] if r.possible else f"{number(r.depth, 1, lang)} m")
            for r in reached.itertuples()
        ]
    drawn["name"] = [_name(r) for r in reached.itertuples()]
    listed = ", ".join(drawn["name"].head(TOLD))
    categories = [
        Category(str(i), CLASS_LABELS[c.name], c.color, str(i)) for i, c in enumerate(CLASSES, 1)
    ]
    label: Text = {"fr": "à vérifier", "en": "to be checked"}
    categories.append(Category("?", label, "#d9d9d9", "?"))
    return Layer(
        "public_places",
        {"fr": "Équipements publics atteints", "en": "Public places reached"},
        {
            "fr": f"Carte des équipements publics {of_place(commune.name)} atteints par l'eau "
            f": {listed}.",
            "en": f"Map of the public places of {commune.name} reached by water: {listed}.",
        },
        drawn,
        Legend({"fr": "Hauteur d'eau sur leur terrain", "en": "Depth of water on their ground"},
               categories=tuple(categories)),
        column="class",
        tooltip="told",
        opacity=0.9,
        shown=False,
        edge=2.0,
    )  # fmt: skip


def districts(
    zones: gpd.GeoDataFrame | Numbered,
    water: xr.Dataset,
    cells: gpd.GeoDataFrame | NDArray[np.float64] | None,
) -> pd.DataFrame:
    """Flooded area and people reached by district, with bounds from sure to possible.

    Parameters
    ----------
    zones : geopandas.GeoDataFrame
        ``code``, ``name`` (:func:`eo_helpers.territory.districts.read`), or :func:`numbered`.
    water : xarray.Dataset
        As :func:`.reached.assess` takes it.
    cells : geopandas.GeoDataFrame or None
        Population cells with ``ind``, or their :func:`.reached.people_per_cell`.

    Returns
    -------
    pandas.DataFrame
        One row a district: ``code``, ``name``, ``area``, ``area_low``, ``area_high`` (ha) and,
        with cells, ``people``, ``people_low``, ``people_high``.
    """
    if not isinstance(zones, Numbered):
        zones = numbered(zones, water["flood"])
    table, which = zones.shapes, zones.which
    flood, chance = water["flood"].values, water["probability"].values
    hectare = abs(float(np.prod(water["flood"].rio.resolution()))) / 1e4
    wet = flood == 1
    joined = water["low_ground"].values if "low_ground" in water else np.zeros(wet.shape, bool)
    masks = {
        "": wet,
        "_low": wet & (chance >= SURE),
        "_high": wet | joined | (np.isfinite(chance) & (flood == 0) & (chance >= POSSIBLE)),
    }
    people = (
        people_per_cell(cells, water["flood"]) if isinstance(cells, gpd.GeoDataFrame) else cells
    )
    out = table[["code", "name"]].copy()
    for suffix, mask in masks.items():
        chosen = mask & (which >= 0)
        rows = which[chosen]
        out[f"area{suffix}"] = np.bincount(rows, minlength=len(table)) * hectare
        if people is not None:
            out[f"people{suffix}"] = np.bincount(rows, people[chosen], minlength=len(table))
    return pd.DataFrame(out)


def district_chart(commune: Commune, table: pd.DataFrame) -> Bars | None:
    """People reached (or hectares) by district; nothing for a commune that is not divided."""
    if len(table) < 2:
        return None
    what = "people" if "people" in table else "area"
    # Bars that would all be written « 0 » say nothing, and their whiskers fill the drawing.
    if not table[f"{what}_high"].ge(0.5 if what == "people" else 0.05).any():
        return None
    shown = table.sort_values(what, ascending=False)
    frame = pd.DataFrame(
        {
            "label_fr": shown["name"], "label_en": shown["name"], "value": shown[what],
            "low": shown[f"{what}_low"], "high": shown[f"{what}_high"], "color": "#2171b5",
        }
    )  # fmt: skip
    words: dict[str, Text] = {
        "people": {"fr": "Habitants atteints par quartier", "en": "People reached by district"},
        "area": {"fr": "Surface inondée par quartier", "en": "Flooded area by district"},
    }
    most = shown.iloc[0]
    unit = "habitants" if what == "people" else "ha"
    said = number(most[what], 0 if what == "people" else 1)
    return Bars(
        "districts",
        words[what],
        {
            "fr": f"{words[what]['fr']} {at_place(commune.name)} ; le plus touché : {most['name']} "
            f"({said} {unit}).",
            "en": f"{words[what]['en']} in {commune.name}; most in {most['name']} ({said}).",
        },
        frame,
        unit,
        0 if what == "people" else 1,
    )
