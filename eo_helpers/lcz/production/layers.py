"""Normalise building, vegetation, water and road layers, whoever drew them.

BD TOPO v3 (IGN) and GeoClimate's OpenStreetMap layers go in; one schema comes
out, so that nothing after this module knows where a layer is from:

- buildings: ``height_m``, ``height_source`` (``measured``, ``storeys``,
  ``default`` or ``missing``), ``storeys``, ``footprint_m2``;
- vegetation: ``kind`` (``tree``, ``shrub``, ``low``), ``tree_share`` (0-1);
- water: geometry only;
- roads: ``width_m``, ``width_source``, ``sealed``.

Geometries come out valid, two-dimensional, of one part and in the layer's own
CRS. What was left out, mended or assumed is told in ``frame.attrs["notes"]``, a list
of sentences ``{"fr": …, "en": …}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ...errors import InvalidInput

__all__ = [
    "MAX_HEIGHT_M",
    "STOREY_M",
    "VEGETATION_KINDS",
    "normalise_areas",
    "normalise_buildings",
    "normalise_roads",
    "normalise_vegetation",
    "normalise_water",
]

#: Height of a storey, m (GeoClimate uses the same where only storeys are known).
STOREY_M = 3.0
#: No building of France is higher (Eiffel tower, 330 m): beyond, it is a fill value.
MAX_HEIGHT_M = 350.0

#: NATURE of BD TOPO v3 and type of GeoClimate's OSM layers → (kind, tree cover 0-1).
#: IGN draws a « forêt fermée » above 40 % of crown cover, a « forêt ouverte » between 10
#: and 40 % (BD Forêt v2): the mapped outline of the first is taken as canopy.
VEGETATION_KINDS: dict[str, tuple[str, float]] = {
    "bois": ("tree", 1.0),
    "forêt fermée de conifères": ("tree", 1.0),
    "forêt fermée de feuillus": ("tree", 1.0),
    "forêt fermée mixte": ("tree", 1.0),
    "forêt fermée sans couvert arboré": ("shrub", 0.0),
    "forêt ouverte": ("tree", 0.25),
    "haie": ("tree", 1.0),
    "lande herbacée": ("low", 0.0),
    "lande ligneuse": ("shrub", 0.0),
    "mangrove": ("tree", 1.0),
    "peupleraie": ("tree", 1.0),
    "verger": ("tree", 0.5),
    "vigne": ("shrub", 0.0),
    "bananeraie": ("shrub", 0.0),
    "canne à sucre": ("low", 0.0),
    "zone arborée": ("tree", 1.0),
    # OpenStreetMap, as GeoClimate names it.
    "forest": ("tree", 1.0),
    "wood": ("tree", 1.0),
    "tree": ("tree", 1.0),
    "tree_row": ("tree", 1.0),
    "hedge": ("tree", 1.0),
    "orchard": ("tree", 0.5),
    "scrub": ("shrub", 0.0),
    "heath": ("shrub", 0.0),
    "vineyard": ("shrub", 0.0),
    "vineyards": ("shrub", 0.0),
    "sugar_cane": ("low", 0.0),
    "banana_plants": ("shrub", 0.0),
    "grassland": ("low", 0.0),
    "grass": ("low", 0.0),
    "meadow": ("low", 0.0),
    "farmland": ("low", 0.0),
    "village_green": ("low", 0.0),
    "park": ("low", 0.0),
    "garden": ("low", 0.0),
    "wetland": ("low", 0.0),
}
_KINDS = ("tree", "shrub", "low")

#: Carriageway and verge by NATURE (BD TOPO) or type (OSM), m, where a width is missing.
_ROAD_WIDTHS_M = {
    "type autoroutier": 14.0,
    "route à 2 chaussées": 14.0,
    "bretelle": 5.0,
    "rond-point": 7.0,
    "route à 1 chaussée": 5.0,
    "motorway": 14.0,
    "trunk": 10.0,
    "primary": 8.0,
    "secondary": 7.0,
    "tertiary": 6.0,
    "residential": 5.0,
}
_DEFAULT_ROAD_WIDTH_M = 5.0
_UNSEALED = ("sentier", "chemin", "route empierrée", "path", "track", "footway", "bridleway")
#: Columns of BD TOPO's GeoPackages → their names in its shapefiles.
_GEOPACKAGE_NAMES = {
    "etat_de_l_objet": "etat",
    "nombre_d_etages": "nb_etages",
    "nombre_de_voies": "nb_voies",
    "position_par_rapport_au_sol": "pos_sol",
    "persistance": "persistanc",
    "largeur_de_chaussee": "largeur",
}
_NOT_STANDING = ("en projet", "en ruine", "détruit")


def normalise_buildings(frame: gpd.GeoDataFrame, name: str = "buildings") -> gpd.GeoDataFrame:
    """Buildings with a height where one is known.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        BD TOPO ``BATIMENT`` (``HAUTEUR``, ``NB_ETAGES``, ``ETAT``), GeoClimate
        ``BUILDING`` (``HEIGHT_WALL``, ``HEIGHT_ROOF``, ``NB_LEV``, ``ZINDEX``) or a layer
        that has ``height_m`` already; columns are matched without regard to case.
    name : str
        What the layer is called in sentences (a file name).

    Returns
    -------
    geopandas.GeoDataFrame
        ``height_m`` (NaN where missing), ``height_source``, ``storeys`` (NaN where
        missing), ``footprint_m2``, ``geometry``.

    Raises
    ------
    InvalidInput
        No CRS, no polygon, no height column, a negative height or one above
        :data:`MAX_HEIGHT_M` (9,999 is a fill value, not a height).

    Notes
    -----
    A height of exactly 0 is read as missing: BD TOPO writes it where the roof was not
    measured. GeoClimate gives a building without tags one storey of 3 m; such a pair
    is kept but marked ``default``, as it cannot be told from a real single storey.
    """
    frame, columns, notes = _open(frame, name, ("Polygon", "MultiPolygon"), "polygones")
    if frame.empty:
        raise InvalidInput(
            f"La couche de bâtiments « {name} » est vide : donnez celle de la commune.",
            f"The building layer '{name}' is empty: give the commune's own.",
        )
    if state := columns.get("etat"):
        gone = frame[state].astype(str).str.strip().str.lower().isin(_NOT_STANDING)
        frame = _leave_out(frame, gone, notes, "en projet ou en ruine", "planned or in ruins")
    storeys_column = columns.get("nb_etages") or columns.get("nb_lev") or columns.get("storeys")
    storeys = _numbers(frame, storeys_column, name)
    storeys = storeys.where(storeys > 0)

    osm = "height_wall" in columns or "height_roof" in columns
    if osm:
        walls = _numbers(frame, columns.get("height_wall"), name)
        roofs = _numbers(frame, columns.get("height_roof"), name)
        heights = pd.concat([walls, roofs], axis=1).mean(axis=1)
    else:
        column = columns.get("height_m") or columns.get("hauteur") or columns.get("height")
        if column is None:
            raise InvalidInput(
                f"La couche de bâtiments « {name} » n'a pas de colonne de hauteur : "
                "HAUTEUR (BD TOPO), HEIGHT_WALL (GeoClimate) ou height_m est attendue.",
                f"The building layer '{name}' has no height column: HAUTEUR (BD TOPO), "
                "HEIGHT_WALL (GeoClimate) or height_m is expected.",
            )
        heights = _numbers(frame, column, name)
    _check_heights(heights, name)

    source = pd.Series("measured", index=frame.index, dtype=object)
    if osm:
        default = (heights == STOREY_M) & (storeys.isna() | (storeys == 1))
        source[~default & np.isclose(heights, storeys * STOREY_M)] = "storeys"
        source[default] = "default"
    heights = heights.where(heights > 0)
    from_storeys = heights.isna() & storeys.notna()
    heights = heights.where(~from_storeys, storeys * STOREY_M)
    source[from_storeys] = "storeys"
    source[heights.isna()] = "missing"
    if known := columns.get("height_source"):
        source = frame[known].astype(object).where(heights.notna(), "missing")

    normalised = gpd.GeoDataFrame(
        {"height_m": heights, "height_source": source, "storeys": storeys},
        geometry=frame.geometry,
        crs=frame.crs,
    )
    normalised = _single_parts(normalised)
    normalised.insert(3, "footprint_m2", normalised.area)
    normalised.attrs["notes"] = notes
    return normalised


def normalise_vegetation(
    frame: gpd.GeoDataFrame,
    name: str = "vegetation",
    kinds: Mapping[str, tuple[str, float]] | None = None,
) -> gpd.GeoDataFrame:
    """Vegetation by kind, with the share of its ground under tree crowns.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        BD TOPO ``ZONE_DE_VEGETATION`` (``NATURE``), GeoClimate ``VEGET`` (``type``,
        ``height_class``), or a layer that has ``kind`` (and ``tree_share``) already.
    name : str
        What the layer is called in sentences.
    kinds : mapping, optional
        More natures: ``{"nature": (kind, tree_share)}``, added to
        :data:`VEGETATION_KINDS`.

    Returns
    -------
    geopandas.GeoDataFrame
        ``kind`` (``tree``, ``shrub``, ``low``), ``tree_share`` (0-1), ``geometry``.

    Raises
    ------
    InvalidInput
        No CRS, no polygon, no column of nature, or a nature that is not known.
    """
    frame, columns, notes = _open(frame, name, ("Polygon", "MultiPolygon"), "polygones")
    table = {**VEGETATION_KINDS, **{k.lower(): v for k, v in (kinds or {}).items()}}
    if given := columns.get("kind"):
        kind = frame[given].astype(str)
        shares_column = columns.get("tree_share")
        share = (
            _numbers(frame, shares_column, name)
            if shares_column
            else (kind == "tree").astype(float)
        )
        bad = sorted(set(kind[~kind.isin(_KINDS)]))
    else:
        column = columns.get("nature") or columns.get("type")
        if column is None:
            raise InvalidInput(
                f"La couche de végétation « {name} » n'a ni NATURE (BD TOPO), ni type (OSM), "
                "ni kind.",
                f"The vegetation layer '{name}' has neither NATURE (BD TOPO), type (OSM) nor kind.",
            )
        nature = frame[column].astype(str).str.strip().str.lower()
        high = (
            frame[columns["height_class"]].astype(str).str.lower().eq("high")
            if "height_class" in columns
            else pd.Series(False, index=frame.index)
        )
        unnamed = nature.isin(["null", "none", "nan", ""])
        if unnamed.any():
            notes.append(
                {
                    "fr": f"{int(unnamed.sum())} zone(s) de végétation sans nature dans « {name} » "
                    "sont comptées comme végétation basse, ou arborée si leur hauteur le dit.",
                    "en": f"{int(unnamed.sum())} vegetation area(s) without a kind in '{name}' "
                    "count as low plants, or as trees where their height says so.",
                }
            )
        nature = nature.where(~unnamed, pd.Series(np.where(high, "wood", "grass"), frame.index))
        bad = sorted(set(nature[~nature.isin(table)]))
        kind = nature.map(lambda n: table.get(n, ("", 0.0))[0])
        share = nature.map(lambda n: table.get(n, ("", 0.0))[1])
    if bad:
        raise InvalidInput(
            f"La couche de végétation « {name} » porte une nature inconnue : « {bad[0]} ». "
            "Dites ce qu'elle est avec kinds={…: (« tree », « shrub » ou « low », part arborée)}.",
            f"The vegetation layer '{name}' has an unknown kind: '{bad[0]}'. Say what it is "
            "with kinds={…: ('tree', 'shrub' or 'low', tree share)}.",
        )
    normalised = gpd.GeoDataFrame(
        {"kind": kind.astype(object), "tree_share": share.astype(float).clip(0, 1)},
        geometry=frame.geometry,
        crs=frame.crs,
    )
    normalised = _single_parts(normalised)
    normalised.attrs["notes"] = notes
    return normalised


def normalise_water(
    frame: gpd.GeoDataFrame, name: str = "water", intermittent: bool = True
) -> gpd.GeoDataFrame:
    """Water surfaces that lie in the open.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        BD TOPO ``SURFACE_HYDROGRAPHIQUE`` (``POS_SOL``, ``ETAT``, ``PERSISTANC``) or
        GeoClimate ``HYDRO`` (``zindex``, ``intermittent``); any other polygons are taken
        as water.
    name : str
        What the layer is called in sentences.
    intermittent : bool
        Keep water that runs dry (BD TOPO calls most storm basins so).

    Returns
    -------
    geopandas.GeoDataFrame
        ``geometry``.

    Raises
    ------
    InvalidInput
        No CRS, or no polygon.
    """
    frame, columns, notes = _open(frame, name, ("Polygon", "MultiPolygon"), "polygones")
    frame = _above_ground(frame, columns, notes)
    if state := columns.get("etat"):
        gone = frame[state].astype(str).str.strip().str.lower().isin(_NOT_STANDING)
        frame = _leave_out(frame, gone, notes, "en projet", "planned")
    dry_column = columns.get("persistanc")
    if not intermittent and (dry_column or "intermittent" in columns):
        dry = (
            frame[dry_column].astype(str).str.lower().str.startswith("intermittent")
            if dry_column
            else frame[columns["intermittent"]].astype(bool)
        )
        frame = _leave_out(frame, dry, notes, "intermittents", "intermittent")
    normalised = _single_parts(gpd.GeoDataFrame(geometry=frame.geometry.to_numpy(), crs=frame.crs))
    normalised.attrs["notes"] = notes
    return normalised


def normalise_areas(frame: gpd.GeoDataFrame, name: str) -> gpd.GeoDataFrame:
    """Any polygons, mended and single (sealed ground, bare ground).

    Raises
    ------
    InvalidInput
        No CRS, or no polygon.
    """
    frame, _, notes = _open(frame, name, ("Polygon", "MultiPolygon"), "polygones")
    normalised = _single_parts(gpd.GeoDataFrame(geometry=frame.geometry.to_numpy(), crs=frame.crs))
    normalised.attrs["notes"] = notes
    return normalised


def normalise_roads(frame: gpd.GeoDataFrame, name: str = "roads") -> gpd.GeoDataFrame:
    """Roads at ground level, with a width.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        BD TOPO ``TRONCON_DE_ROUTE`` (``NATURE``, ``LARGEUR``, ``NB_VOIES``, ``POS_SOL``),
        GeoClimate ``ROAD`` (``WIDTH``, ``TYPE``, ``ZINDEX``) or lines with ``width_m``.
    name : str
        What the layer is called in sentences.

    Returns
    -------
    geopandas.GeoDataFrame
        ``width_m``, ``width_source`` (``measured``, ``lanes``, ``nature``), ``sealed``,
        ``geometry``.

    Raises
    ------
    InvalidInput
        No CRS, or no line.
    """
    frame, columns, notes = _open(frame, name, ("LineString", "MultiLineString"), "lignes")
    frame = _above_ground(frame, columns, notes)
    nature_column = columns.get("nature") or columns.get("type")
    nature = (
        frame[nature_column].astype(str).str.strip().str.lower()
        if nature_column
        else pd.Series("", index=frame.index)
    )
    width_column = next(
        (columns[c] for c in ("width_m", "largeur", "width") if c in columns),
        None,
    )
    width = _numbers(frame, width_column, name)
    width = width.where((width > 0) & (width <= 60))
    source = pd.Series("measured", index=frame.index, dtype=object)
    lanes = _numbers(frame, columns.get("nb_voies"), name) * 3.5
    source[width.isna()] = "lanes"
    width = width.fillna(lanes.where(lanes > 0))
    source[width.isna()] = "nature"
    width = width.fillna(nature.map(_ROAD_WIDTHS_M)).fillna(_DEFAULT_ROAD_WIDTH_M)
    sealed = (
        frame[columns["sealed"]].astype(bool) if "sealed" in columns else ~nature.isin(_UNSEALED)
    )
    normalised = gpd.GeoDataFrame(
        {"width_m": width, "width_source": source, "sealed": sealed},
        geometry=frame.geometry,
        crs=frame.crs,
    )
    normalised = normalised.explode(ignore_index=True)
    normalised.attrs["notes"] = notes
    return normalised


def _open(
    frame: gpd.GeoDataFrame, name: str, types: tuple[str, ...], what: str
) -> tuple[gpd.GeoDataFrame, dict[str, str], list[dict[str, str]]]:
    """Check CRS and geometry type; mend geometries; map lower-case names to columns."""
    if frame.crs is None:
        raise InvalidInput(
            f"La couche « {name} » ne dit pas son système de coordonnées : "
            "ajoutez-le (fichier .prj, ou couche GeoPackage).",
            f"The layer '{name}' does not state its CRS: add it (.prj file or GeoPackage).",
        )
    notes: list[dict[str, str]] = []
    frame = frame[frame.geometry.notna() & ~frame.geometry.is_empty].copy()
    frame = frame.set_geometry(shapely.force_2d(frame.geometry.to_numpy()), crs=frame.crs)
    broken = ~frame.geometry.is_valid
    if broken.any():
        # « structure » keeps areas as drawn and drops the lines that a fold leaves behind.
        frame.loc[broken, frame.geometry.name] = shapely.make_valid(
            frame.geometry[broken].to_numpy(), method="structure", keep_collapsed=False
        )
        frame = frame[~frame.geometry.is_empty]
        notes.append(
            {
                "fr": f"{int(broken.sum())} géométrie(s) invalides de « {name} » ont été réparées.",
                "en": f"{int(broken.sum())} invalid geometries of '{name}' were mended.",
            }
        )
    if len(frame) and not frame.geom_type.isin(types).any():
        english = {"polygones": "polygons", "lignes": "lines"}[what]
        raise InvalidInput(
            f"La couche « {name} » contient des {frame.geom_type.iloc[0]} : "
            f"des {what} sont attendus.",
            f"The layer '{name}' holds {frame.geom_type.iloc[0]}: {english} are expected.",
        )
    frame = frame[frame.geom_type.isin(types)]
    plain = [str(c) for c in frame.columns if c != frame.geometry.name]
    columns = {_GEOPACKAGE_NAMES.get(c.lower(), c.lower()): c for c in plain}
    return frame, columns, notes


def _numbers(frame: gpd.GeoDataFrame, column: str | None, name: str) -> pd.Series:
    """A column as float64, NaN where empty; a column of NaN where there is none."""
    if column is None:
        return pd.Series(np.nan, index=frame.index)
    try:
        return pd.to_numeric(frame[column]).astype(float)
    except (TypeError, ValueError):
        raise InvalidInput(
            f"La colonne {column} de « {name} » contient autre chose que des nombres.",
            f"Column {column} of '{name}' holds something other than numbers.",
        ) from None


def _check_heights(heights: pd.Series, name: str) -> None:
    for bad, fr, en in (
        (heights > MAX_HEIGHT_M, f"plus de {MAX_HEIGHT_M:.0f} m", f"above {MAX_HEIGHT_M:.0f} m"),
        (heights < 0, "négative", "below zero"),
    ):
        if bad.any():
            worst = heights[bad].iloc[0]
            raise InvalidInput(
                f"{int(bad.sum())} bâtiment(s) de « {name} » ont une hauteur de {fr} "
                f"({worst:g} m pour le premier, ligne {heights[bad].index[0]}) : une hauteur "
                "inconnue doit rester vide.",
                f"{int(bad.sum())} building(s) of '{name}' have a height {en} ({worst:g} m for "
                f"the first, row {heights[bad].index[0]}): leave an unknown height empty.",
            )


def _above_ground(
    frame: gpd.GeoDataFrame, columns: dict[str, str], notes: list[dict[str, str]]
) -> gpd.GeoDataFrame:
    column = columns.get("pos_sol") or columns.get("zindex")
    if column is None:
        return frame
    # BD TOPO writes « Gué ou radier » for a ford: a level that is not a number is the ground.
    level = pd.to_numeric(frame[column], errors="coerce").fillna(0)
    return _leave_out(frame, level < 0, notes, "souterrains", "underground")


def _leave_out(
    frame: gpd.GeoDataFrame, out: Any, notes: list[dict[str, str]], fr: str, en: str
) -> gpd.GeoDataFrame:
    if out.any():
        notes.append(
            {
                "fr": f"{int(out.sum())} objet(s) {fr} sont laissés de côté.",
                "en": f"{int(out.sum())} object(s) {en} are left out.",
            }
        )
    return frame[~out]


def _single_parts(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    frame = frame.explode(ignore_index=True)
    return frame[frame.geom_type == "Polygon"].reset_index(drop=True)
