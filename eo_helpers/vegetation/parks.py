"""The « 300 » of the 3-30-300 rule: homes within 300 m of a park, in a straight line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import rasterio.features
import shapely
import xarray as xr
from pyproj import Transformer
from scipy import ndimage

from .. import catalog
from ..catalog.provenance import Provenance
from ..errors import NoData
from ..findings import Category, Indicator, Layer, Legend, remembered
from ..territory import bdtopo
from ..territory.commune import Commune
from ..text import Text, number
from .indicators import PARK_AREA, PARK_METRES, PUBLIC_AREA
from .parts import Part, dated
from .strata import GREEN, HERB, SHRUB, TREE

__all__ = ["Parks", "green_areas", "near_parks", "of", "read_parks"]

OSM, PLACES = "public-parks", "bdtopo-places"
#: OpenStreetMap's parks; a pitch or a golf course is none.
_LEISURE = ("park", "garden", "nature_reserve", "recreation_ground", "common")
_CLOSED = ("private", "no", "customers", "permit")
#: BD TOPO's « Espace public » is a park or a square; a name that begins so is a paved one.
_PUBLIC, _PAVED = "espace public", r"^(?:place|placette|parvis|esplanade|quai|cours)\b"
#: Metres beyond the commune where a park still serves its homes.
_BEYOND = PARK_METRES


@dataclass(frozen=True)
class Parks:
    """Parks around a commune, and where they come from (None: green places of our own map)."""

    shapes: gpd.GeoDataFrame
    provenance: Provenance | None
    dataset: str
    date: str = ""


@remembered(size=3)
def read_parks(commune: Commune, source: Any) -> Parks | None:
    """Public parks that a source has: OpenStreetMap's, else BD TOPO's named ones; None without."""
    for dataset, read in ((OSM, _osm), (PLACES, _named)):
        try:
            holding = catalog.find(dataset, commune, source)
            table = read(holding, commune)
        except NoData:
            continue
        table = _together(table)
        if len(table):
            return Parks(table, holding.provenance, dataset, dated(holding))
    return None


def _osm(holding: Any, commune: Commune) -> gpd.GeoDataFrame:
    parts = []
    for path in holding.paths:
        for layer, kind in pyogrio.list_layers(path):
            info = pyogrio.read_info(path, layer=layer)
            if kind is None or "leisure" not in {str(f).lower() for f in info["fields"]}:
                continue
            to = Transformer.from_crs(commune.crs, info["crs"], always_xy=True)
            west, south, east, north = commune.projected_boundary.bounds
            box = to.transform_bounds(
                west - _BEYOND, south - _BEYOND, east + _BEYOND, north + _BEYOND
            )
            table = pyogrio.read_dataframe(path, layer=layer, bbox=box).to_crs(commune.crs)
            table = table.rename(columns={c: str(c).lower() for c in table.columns})
            open_ = ~table["access"].isin(_CLOSED) if "access" in table else True
            parts.append(table[table["leisure"].isin(_LEISURE) & open_])
    if not parts:
        return gpd.GeoDataFrame(geometry=[], crs=commune.crs)
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=commune.crs)


def _named(holding: Any, commune: Commune) -> gpd.GeoDataFrame:
    table = bdtopo.read(holding, commune)
    name = table["toponyme"].fillna("").astype(str).str.lower()
    public = table["nature"].astype(str).str.lower().eq(_PUBLIC)
    return table[public & ~name.str.contains(_PAVED)]


def _together(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Whole parks of 0.5 ha and more: pieces that touch are one."""
    polygons = table[table.geometry.geom_type.isin(["Polygon", "MultiPolygon"])]
    if polygons.empty:
        return gpd.GeoDataFrame(geometry=[], crs=table.crs)
    whole = shapely.get_parts(shapely.union_all(shapely.make_valid(polygons.geometry.values)))
    whole = whole[shapely.area(whole) >= PUBLIC_AREA]
    return gpd.GeoDataFrame(geometry=list(whole), crs=table.crs)


def green_areas(
    strata: xr.Dataset, fields: np.ndarray | None, least: float = PARK_AREA
) -> gpd.GeoDataFrame:
    """Green places of a least area in a map of strata, farm parcels left out.

    Parameters
    ----------
    strata : xarray.Dataset
        Of :func:`.strata.strata`.
    fields : bool array or None
        Cells of farm parcels.
    least : float
        m².

    Returns
    -------
    GeoDataFrame
        Polygons; whether anyone may enter them is not known. Bridges of vegetation narrower than
        three cells do not join two places.
    """
    like = strata["stratum"]
    green = np.isin(like.values, (HERB, SHRUB, TREE, GREEN))
    if fields is not None:
        green &= ~fields
    green = ndimage.binary_opening(green, np.ones((3, 3)))
    label, count = ndimage.label(green)
    step = float(abs(like.rio.resolution()[0]))
    large = np.bincount(label.ravel(), minlength=count + 1) * step**2 >= least
    large[0] = False
    mask = large[label]
    found = rasterio.features.shapes(
        mask.astype(np.uint8), mask=mask, connectivity=4, transform=like.rio.transform()
    )
    shapes = [shapely.geometry.shape(s) for s, _ in found]
    return gpd.GeoDataFrame(geometry=shapes, crs=like.rio.crs)


def near_parks(
    homes: gpd.GeoDataFrame, parks: gpd.GeoDataFrame, weight: str | None = None
) -> tuple[np.ndarray, float]:
    """Metres from each home to a park, infinite beyond 300 m; weighted share within (0-1)."""
    where = shapely.centroid(homes.geometry.values)
    far = np.full(len(homes), np.inf)
    if len(parks):
        tree = shapely.STRtree(parks.to_crs(homes.crs).geometry.values)
        which, metres = tree.query_nearest(
            where, max_distance=PARK_METRES, return_distance=True, all_matches=False
        )
        far[which[0]] = metres
    w = homes[weight].fillna(0).to_numpy(float) if weight else np.ones(len(homes))
    return far, float(w[far <= PARK_METRES].sum() / w.sum()) if w.sum() > 0 else float("nan")


def of(
    commune: Commune, parks: Parks, homes: gpd.GeoDataFrame | None, date: str, image: str
) -> Part:
    """What the Finding says of parks."""
    known = parks.provenance is not None
    if homes is None or "nombre_de_logements" not in homes:
        return Part()
    inside = shapely.contains_xy(
        commune.projected_boundary,
        *shapely.get_coordinates(shapely.centroid(homes.geometry.values)).T,
    )
    homes = homes[inside & (homes["nombre_de_logements"].fillna(0) > 0).to_numpy()]
    if homes.empty:
        return Part()
    _, share = near_parks(homes, parks.shapes, "nombre_de_logements")
    metres = number(PARK_METRES)
    label: Text = (
        {"fr": f"Logements à moins de {metres} m d'un parc public d'un demi-hectare, en ligne "
         "droite",
         "en": f"Homes within {metres} m of a public park of half a hectare, in a straight line"}
        if known else
        {"fr": f"Logements à moins de {metres} m d'un espace vert d'un hectare, en ligne droite "
         "(ouvert au public ou non)",
         "en": f"Homes within {metres} m of a green place of one hectare, in a straight line "
         "(open to the public or not)"}
    )  # fmt: skip
    indicator = Indicator(
        "homes_near_park", label, 100 * share, "%", date=(parks.date if known else date) or None,
        source=parks.dataset if known else image, digits=0, group="people",
    )  # fmt: skip
    caveat: Text = (
        {"fr": "Parc à 300 mètres : à vol d'oiseau depuis le bâtiment ; à pied, il faut souvent "
         "un quart de plus. Les parcs de moins d'un demi-hectare ne comptent pas (OMS 2016).",
         "en": "Park within 300 metres: as the crow flies from the building; a walk is commonly a "
         "quarter longer. Parks under half a hectare do not count (WHO 2016)."}
        if known else
        {"fr": "Aucune couche de parcs publics ici : sont comptés les espaces verts d'un hectare "
         "et plus, hors parcelles agricoles, qu'ils soient ouverts au public ou non. La distance "
         "est à vol d'oiseau.",
         "en": "No layer of public parks here: green places of one hectare and more out of farm "
         "parcels are counted, open to the public or not. Distance is as the crow flies."}
    )  # fmt: skip
    provenance = (parks.provenance,) if parks.provenance is not None else ()
    return Part((indicator,), (_layer(parks, known),), caveats=(caveat,), provenance=provenance)


def _layer(parks: Parks, known: bool) -> Layer:
    title: Text = (
        {"fr": "Parcs publics d'un demi-hectare et plus",
         "en": "Public parks of half a hectare and more"}
        if known
        else {"fr": "Espaces verts d'un hectare et plus, hors parcelles agricoles",
              "en": "Green places of one hectare and more, out of farm parcels"}
    )  # fmt: skip
    table = parks.shapes.copy()
    table["kind"] = "park"
    hectares = shapely.area(table.geometry.values) / 10_000
    table["tooltip_fr"] = [f"{number(a, 1)} ha" for a in hectares]
    table["tooltip_en"] = [f"{number(a, 1, 'en')} ha" for a in hectares]
    legend = Legend(title, categories=(Category("park", title, "#41ab5d", "P"),))
    alt: Text = {
        "fr": f"{len(table)} lieux, {number(hectares.sum())} hectares.",
        "en": f"{len(table)} places, {number(hectares.sum(), 0, 'en')} hectares.",
    }
    return Layer("parks", title, alt, table, legend, column="kind", tooltip="tooltip", shown=False)
