"""What other producers' maps say of the strata: CoSIA, OCS GE, Green Urban Sat, Copernicus.

Beside our own map they are a comparison; where there is no image they answer in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from rasterio.features import rasterize

from .. import catalog
from ..catalog.provenance import Provenance
from ..errors import NoData, OutOfCoverage
from ..findings import Bars, Category, Finding, Indicator, Layer, Legend, Scale, outline, remembered
from ..territory.commune import Commune
from ..text import Text, at_place, day, french, number, percent
from .data import COARSE, grid_over, inside_of
from .gus import read_cosia, read_gus, read_ocsge, read_tree_cover
from .indicators import Estimate
from .parts import Part, dated
from .pictures import COLORS, MARKS
from .sentences import REMEDY, STRATA_LABELS
from .strata import HERB, SHRUB, TREE

__all__ = ["PRODUCERS", "Told", "answer", "compared", "read_others"]

#: Data set, its name in a sentence, and what its trees are; the first is asked first.
PRODUCERS: dict[str, tuple[str, Text]] = {
    "green-urban-sat": ("Green Urban Sat", {
        "fr": "arbres vus par satellite à très haute résolution",
        "en": "trees seen by very high resolution satellite"}),
    "cosia": ("CoSIA (IGN)", {
        "fr": "feuillus et conifères reconnus par une machine sur photographie aérienne ; vignes "
        "et broussailles comptées en arbustes",
        "en": "broadleaves and conifers told by a machine on aerial photographs; vines and scrub "
        "count as shrubs"}),
    "ocsge": ("OCS GE (IGN)", {
        "fr": "peuplements d'arbres de 500 m² et plus : les arbres isolés n'y sont pas",
        "en": "stands of trees of 500 m² and more: single trees are not in it"}),
    "tree-cover-density": ("Copernicus", {
        "fr": "densité du couvert arboré par cellules de 10 m ; petits groupes d'arbres souvent "
        "absents",
        "en": "tree cover density by 10 m cells; small groups of trees are often missing"}),
}  # fmt: skip
_READERS = {"green-urban-sat": read_gus, "cosia": read_cosia, "ocsge": read_ocsge}
_CODES = {"A": TREE, "Au": SHRUB, "H": HERB}
_STRATA = {"tree": "A", "shrub": "Au", "herb": "H"}
#: Share of the commune that a map must cover to speak for it.
_WHOLE = 0.9


@dataclass(frozen=True)
class Told:
    """One producer's shares (0-1) of the commune.

    ``covered``: share of the commune that the map covers (NaN where its layer holds vegetation
    only, which cannot tell); ``map``: its strata, or percent of trees, on a grid.
    """

    dataset: str
    shares: dict[str, float]
    covered: float
    date: str
    map: xr.DataArray
    provenance: Provenance


@remembered(size=3)
def read_others(commune: Commune, source: Any) -> tuple[Told, ...]:
    """What each producer's map that a source has says of a commune.

    Raises
    ------
    InvalidInput
        If a file is not what its data set promises.
    """
    out = []
    for dataset in PRODUCERS:
        try:
            holding = catalog.find(dataset, commune, source)
            if dataset == "tree-cover-density":
                one = _density(holding, commune)
            else:
                one = _polygons(dataset, _READERS[dataset](holding.paths, commune), commune)
        except NoData:
            continue
        shares, covered, drawn = one
        if covered < _WHOLE:
            continue
        out.append(Told(dataset, shares, covered, dated(holding), drawn, holding.provenance))
    return tuple(out)


def _polygons(
    dataset: str, table: gpd.GeoDataFrame, commune: Commune
) -> tuple[dict[str, float], float, xr.DataArray]:
    """Shares of the commune's area by stratum, exact; strata on a grid of 5 m."""
    boundary = commune.projected_boundary
    shapely.prepare(boundary)
    shapes = np.asarray(table.geometry.values)
    whole = shapely.contains_properly(boundary, shapes)
    area = shapely.area(shapes)
    cut = shapely.intersection(shapely.make_valid(shapes[~whole]), boundary)
    area[~whole] = shapely.area(cut)
    stratum = table["strate"].astype(str).to_numpy()
    by = pd.Series(area).groupby(stratum).sum() / boundary.area
    grid = grid_over(commune, COARSE)
    codes = np.array([_CODES.get(s, 0) for s in stratum])
    pairs = [(s, int(c)) for s, c in zip(shapes[codes > 0], codes[codes > 0], strict=True)]
    drawn = (
        rasterize(pairs, grid.shape, transform=grid.rio.transform(), dtype="uint8")
        if pairs else np.zeros(grid.shape, np.uint8)
    )  # fmt: skip
    values = np.where(inside_of(grid, commune) & (drawn > 0), drawn, np.nan).astype(np.float32)
    shares = {name: float(by.get(code, 0.0)) for name, code in _STRATA.items()}
    # Forms of vegetation leave the rest empty: what they cover tells nothing of where they end.
    covered = np.inf if dataset == "green-urban-sat" else float(area.sum() / boundary.area)
    return shares, covered, _with_crs(grid.copy(data=values), grid)


def _density(holding: Any, commune: Commune) -> tuple[dict[str, float], float, xr.DataArray]:
    parts = []
    for path in holding.paths:
        try:
            parts.append(read_tree_cover(path, commune))
        except OutOfCoverage:
            continue
    if not parts:
        raise OutOfCoverage(
            f"La densité de couvert arboré ne couvre pas {commune.name}.",
            f"Tree cover density does not cover {commune.name}.",
        )
    # The commune lies in one tile of 100 km, but for those astride two: the widest serves.
    raster = max(parts, key=lambda r: float(np.isfinite(r.values[inside_of(r, commune)]).sum()))
    inside = inside_of(raster, commune)
    value = raster.values[inside]
    known = np.isfinite(value)
    size = float(np.prod(np.abs(raster.rio.resolution())))
    covered = float(known.sum()) * size / commune.projected_boundary.area
    share = float(value[known].mean()) / 100 if known.any() else float("nan")
    # EPSG:3035 keeps areas: cells count alike.
    drawn = raster.copy(data=np.where(inside & (raster.values > 0), raster.values, np.nan))
    return {"tree": share}, covered, _with_crs(drawn, raster)


def _with_crs(out: xr.DataArray, like: xr.DataArray) -> xr.DataArray:
    return out.rio.write_crs(like.rio.crs).rio.write_transform(like.rio.transform())


def _figure(one: Told, name: str, label: Text) -> Indicator:
    return Indicator(
        f"{name}_share_{one.dataset.replace('-', '_')}",
        {"fr": f"{label['fr']} selon {PRODUCERS[one.dataset][0]}",
         "en": f"{label['en']} by {PRODUCERS[one.dataset][0]}"},
        # A producer's map stands for a year, whatever day its file bears.
        100 * one.shares[name], "%", date=one.date[:4] or None, source=one.dataset, digits=1,
        group="producers",
    )  # fmt: skip


_TREES: Text = {"fr": "Part sous les arbres", "en": "Share under trees"}


def compared(commune: Commune, told: Sequence[Told], canopy: Estimate | None) -> Part:
    """Others' share of trees beside ours."""
    if not told:
        return Part()
    rows: list[dict[str, Any]] = [] if canopy is None else [
        {"label_fr": "Cette analyse", "label_en": "This analysis", "value": 100 * canopy.value,
         "low": 100 * canopy.low, "high": 100 * canopy.high, "color": COLORS["tree"]}
    ]  # fmt: skip
    for one in told:
        name, _ = PRODUCERS[one.dataset]
        fr, en = (f"{name}, {one.date[:4]}" if one.date else name for _ in range(2))
        rows.append({"label_fr": fr, "label_en": en, "value": 100 * one.shares["tree"],
                     "low": np.nan, "high": np.nan, "color": "#8c96a0"})  # fmt: skip
    frame = pd.DataFrame(rows)
    alt: Text = {
        lang: ", ".join(f"{r[f'label_{lang}']} {percent(r['value'], 1, lang)}" for r in rows)
        for lang in ("fr", "en")
    }
    title: Text = {
        "fr": f"Part d'arbres {at_place(commune.name)}, selon chaque carte",
        "en": f"Share of trees in {commune.name}, by each map",
    }
    words = {
        lang: (" ; " if lang == "fr" else "; ").join(
            f"{PRODUCERS[t.dataset][0]}{' : ' if lang == 'fr' else ': '}"
            f"{PRODUCERS[t.dataset][1][lang]}"
            for t in told
        )
        for lang in ("fr", "en")
    }  # fmt: skip
    caveat: Text = {
        "fr": french(f"Les cartes n'appellent pas toutes la même chose un arbre ({words['fr']})."),
        "en": f"Maps do not all call the same thing a tree ({words['en']}).",
    }
    return Part(
        tuple(_figure(one, "tree", _TREES) for one in told),
        charts=(Bars("producers", title, alt, frame, "%", 1),),
        caveats=(caveat,),
        provenance=tuple(one.provenance for one in told),
    )


def answer(commune: Commune, told: Sequence[Told], options: dict[str, Any]) -> Finding:
    """The Finding where there is no image: what the first producer says, the others beside it."""
    first = told[0]
    name, what = PRODUCERS[first.dataset]
    labels: dict[str, Text] = {
        "tree": _TREES,
        "shrub": {"fr": "Part sous les arbustes", "en": "Share under shrubs"},
        "herb": {"fr": "Part d'herbe, cultures comprises", "en": "Share of grass, crops included"},
    }
    beside = compared(commune, told, None)
    out = [_figure(first, n, labels[n]) for n in ("shrub", "herb") if n in first.shares]
    area = first.shares["tree"] * commune.projected_boundary.area
    crowns = {"fr": "", "en": ""}
    if commune.population:
        each = area / commune.population
        out.append(
            Indicator("canopy_per_inhabitant",
                      {"fr": "Couronnes d'arbres par habitant", "en": "Tree crowns per inhabitant"},
                      each, "m²", date=first.date or None, source=first.dataset, digits=0,
                      group="people")
        )  # fmt: skip
        crowns = {
            "fr": f", soit {number(each)} m² par habitant",
            "en": f", or {number(each, 0, 'en')} m² per inhabitant",
        }
    share = first.shares["tree"]
    when = {lang: f" ({day(first.date, lang)})" if first.date else "" for lang in ("fr", "en")}
    headline: Text = {
        "fr": french(f"D'après {name}{when['fr']}, les arbres couvrent {percent(100 * share)} de "
                     f"{commune.name}{crowns['fr']}."),
        "en": f"By {name}{when['en']} trees cover {percent(100 * share, 0, 'en')} of "
              f"{commune.name}{crowns['en']}.",
    }  # fmt: skip
    plain: Text = {
        "fr": f"Sans image ici, c'est la carte d'un autre producteur qui répond ({what['fr']}) : "
        "il n'en donne pas l'incertitude pour une commune.",
        "en": f"Without an image here another producer's map answers ({what['en']}): it gives no "
        "uncertainty for a commune.",
    }
    return Finding(
        "vegetation", commune, "partial", headline, (*beside.indicators, *out),
        (outline(commune), _layer(first)), beside.charts if len(told) > 1 else (),
        (plain, *(beside.caveats if len(told) > 1 else ())), beside.provenance,
        parameters=options, remedy=REMEDY,
    )  # fmt: skip


def _layer(one: Told) -> Layer:
    name, _ = PRODUCERS[one.dataset]
    if one.dataset == "tree-cover-density":
        title: Text = {"fr": f"Couvert arboré ({name})", "en": f"Tree cover ({name})"}
        legend = Legend(title, "%", scale=Scale("YlGn", 0.0, 100.0))
    else:
        title = {"fr": f"Strates de végétation ({name})", "en": f"Strata of vegetation ({name})"}
        legend = Legend(
            {"fr": "Strate", "en": "Stratum"},
            categories=tuple(Category(str(_CODES[_STRATA[n]]), STRATA_LABELS[n], COLORS[n],
                                      MARKS[n]) for n in ("herb", "shrub", "tree")),
        )  # fmt: skip
    alt: Text = {
        lang: f"{_TREES[lang]} {percent(100 * one.shares['tree'], 1, lang)}."
        for lang in ("fr", "en")
    }
    return Layer("producer", title, alt, one.map, legend, opacity=0.85)
