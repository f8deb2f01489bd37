"""Areas corrected by points that a person looked at (Olofsson et al. 2014)."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from .. import catalog
from ..catalog.provenance import Provenance
from ..errors import InvalidInput, NoData, OutOfCoverage
from ..findings import Indicator, remembered
from ..territory.commune import Commune
from ..text import Text, number, percent
from .gus import read_layers
from .olofsson import adjusted_areas
from .parts import Part, dated
from .strata import BARE, HERB, SHRUB, TREE

__all__ = ["DATASET", "error_matrix", "of", "read_points"]

DATASET = "vegetation-reference"
#: Words of the column ``strate_ref`` and the stratum of each.
CODES = {"N": BARE, "H": HERB, "AU": SHRUB, "A": TREE}
_NAMES = ("N", "H", "Au", "A")
#: Fewer points tell nothing of a commune.
FEWEST = 50


@remembered(size=3)
def read_points(commune: Commune, source: Any) -> tuple[gpd.GeoDataFrame, Provenance, str] | None:
    """Points in a commune with ``stratum`` (0 none, 1 herb, 2 shrub, 3 tree), source, date.

    Raises
    ------
    InvalidInput
        If a stratum is not A, Au, H or N.
    """
    try:
        holding = catalog.find(DATASET, commune, source)
    except NoData:
        return None
    parts = []
    for path in holding.paths:
        try:
            parts.append(read_layers([path], commune, ("strate_ref",), "une couche de points"))
        except OutOfCoverage:
            continue
    if not parts:
        return None
    table = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=commune.crs)
    table = table[table.within(commune.projected_boundary)]
    code = table["strate_ref"].astype(str).str.strip().str.upper()
    bad = sorted(set(code) - set(CODES))
    if bad:
        raise InvalidInput(
            f"Points de référence : strate « {bad[0]} » inconnue ; strate_ref vaut A (arbre), Au "
            "(arbuste), H (herbe) ou N (autre).",
            f"Reference points: unknown stratum '{bad[0]}'; strate_ref is A (tree), Au (shrub), "
            "H (herb) or N (other).",
        )
    table = table.assign(stratum=code.map(CODES).astype(int)).reset_index(drop=True)
    if table.empty:
        return None
    own = next((c for c in ("date_photo", "date") if c in table), None)
    day = str(table[own].dropna().astype(str).max())[:10] if own else dated(holding)
    return table, holding.provenance, day


def error_matrix(stratum: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Counts (4, 4): map strata in rows, reference in columns; what the map did not tell is out."""
    known = stratum <= TREE
    out = np.zeros((4, 4))
    np.add.at(out, (stratum[known].astype(int), reference[known].astype(int)), 1)
    return out


def of(
    strata: xr.Dataset, inside: np.ndarray, points: gpd.GeoDataFrame,
    provenance: Provenance, date: str,
) -> Part:  # fmt: skip
    """Adjusted shares of the strata, with their interval, where there are enough points.

    Points drawn at random over the commune, or within the classes of its map, serve alike. A
    class that fewer than two points met is merged with the herbs; were it the trees, nothing
    is said.
    """
    like = strata["stratum"]
    here = points.to_crs(like.rio.crs)
    west, _, _, north = like.rio.bounds()
    step = float(abs(like.rio.resolution()[0]))
    col = ((here.geometry.x.to_numpy() - west) / step).astype(int)
    row = ((north - here.geometry.y.to_numpy()) / step).astype(int)
    fits = (row >= 0) & (col >= 0) & (row < like.shape[0]) & (col < like.shape[1])
    row, col = row[fits], col[fits]
    counts = error_matrix(like.values[row, col], here["stratum"].to_numpy()[fits])
    value = like.values[inside]
    value = value[value <= TREE]
    mapped = np.bincount(value, minlength=4).astype(float)
    total = int(counts.sum())
    if total < FEWEST or not mapped.sum():
        return Part(caveats=(_few(total),))
    names = list(_NAMES)
    if mapped[SHRUB] > 0 and counts[SHRUB].sum() < 2:
        counts[HERB] += counts[SHRUB]
        counts[:, HERB] += counts[:, SHRUB]
        mapped[HERB] += mapped[SHRUB]
        keep = [BARE, HERB, TREE]
        counts, mapped = counts[np.ix_(keep, keep)], mapped[keep]
        names = [names[k] for k in keep]
    try:
        table = adjusted_areas(counts, 100 * mapped / mapped.sum(), names)
    except InvalidInput:
        return Part(caveats=(_few(total),))
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.to_numpy(float).tolist()]
    n = number(total)
    out = []
    for code, name, fr, en in (
        ("A", "canopy_adjusted", "Part sous les arbres, corrigée par les points de référence",
         "Share under trees, adjusted by the reference points"),
        ("H", "herb_adjusted", "Part d'herbe et de cultures, corrigée par les points de référence",
         "Share of grass and crops, adjusted by the reference points"),
    ):  # fmt: skip
        one = rows[names.index(code)]
        out.append(
            Indicator(name, {"fr": fr, "en": en}, one["area"], "%", one["low"],
                      min(one["high"], 100.0), date or None, DATASET, 1, "reference")
        )  # fmt: skip
    overall, half = 100 * table.attrs["overall"], 100 * table.attrs["overall_ci"]
    out.append(
        Indicator("map_accuracy",
                  {"fr": f"Surface bien classée par la carte, d'après {n} points",
                   "en": f"Area that the map has right, by {n} points"},
                  overall, "%", max(overall - half, 0.0), min(overall + half, 100.0),
                  date or None, DATASET, 0, "reference")
    )  # fmt: skip
    tree = rows[names.index("A")]
    value, low, high = (percent(tree[k], 1) for k in ("area", "low", "high"))
    caveat: Text = {
        "fr": f"Corrigée par {n} points vus sur photographie, la part sous les arbres est de "
        f"{value} (entre {low} et {high}) ; la carte en donne {percent(tree['mapped'], 1)}. Un "
        "champ moissonné compte pour de l'herbe dans ces points (Olofsson et al. 2014).",
        "en": f"Adjusted by {total} points seen on a photograph the share under trees is "
        f"{percent(tree['area'], 1, 'en')} (between {number(tree['low'], 1, 'en')} and "
        f"{percent(tree['high'], 1, 'en')}); the map gives {percent(tree['mapped'], 1, 'en')}. A "
        "harvested field counts as grass in these points (Olofsson et al. 2014).",
    }
    return Part(tuple(out), caveats=(caveat,), provenance=(provenance,))


def _few(total: int) -> Text:
    return {
        "fr": f"{total} points de référence seulement sur la commune : trop peu pour corriger les "
        f"surfaces ; il en faut {FEWEST}, dont deux au moins dans chaque strate de la carte.",
        "en": f"Only {total} reference points in the commune: too few to adjust areas; "
        f"{FEWEST} are needed, two at least in each stratum of the map.",
    }
