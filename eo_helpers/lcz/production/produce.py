"""From buildings and land cover to LCZ, one call."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from shapely import affinity

from ...errors import InvalidInput
from ...text import Text
from .. import rule
from . import stewart_oke
from .heights import estimate_heights, height_shares
from .indicators import (
    SEALED_SHARES,
    building_form,
    ground_sky_view,
    land_cover,
    street_geometry,
)
from .layers import (
    normalise_areas,
    normalise_buildings,
    normalise_roads,
    normalise_vegetation,
    normalise_water,
)
from .units import UnitKind, spatial_units

__all__ = ["REASONS", "classify_units", "produce", "summary"]

#: Why a unit has no class.
REASONS: dict[str, Text] = {
    **rule.UNCLASSED,
    "no_height": {
        "fr": "aucune hauteur de bâtiment connue",
        "en": "no building height is known",
    },
}
#: Buildings so far outside the zone still hide the sky over it, m.
_MARGIN_M = 100.0


def produce(
    buildings: gpd.GeoDataFrame,
    vegetation: gpd.GeoDataFrame | None,
    water: gpd.GeoDataFrame | None,
    zone: gpd.GeoDataFrame | gpd.GeoSeries,
    roads: gpd.GeoDataFrame | None = None,
    *,
    impervious: gpd.GeoDataFrame | None = None,
    bare: gpd.GeoDataFrame | None = None,
    crs: Any = None,
    units: UnitKind = "auto",
    cell_m: float = 100.0,
    min_area_m2: float = 2_500.0,
    max_area_m2: float = 250_000.0,
    exclude: Collection[str] = ("7", "10"),
) -> gpd.GeoDataFrame:
    """Local Climate Zones of a commune from its buildings, vegetation and water.

    Parameters
    ----------
    buildings, vegetation, water, roads : geopandas.GeoDataFrame
        As their producers deliver them (BD TOPO v3, GeoClimate's OSM layers) or normalised
        by :mod:`.layers`, in any CRS. ``None`` says that there is no such layer.
    zone : geopandas.GeoDataFrame or geopandas.GeoSeries
        The commune, polygons with a CRS.
    impervious : geopandas.GeoDataFrame, optional
        All sealed ground other than buildings. Without it part of the ground that no layer
        describes is taken as sealed (:data:`.indicators.SEALED_SHARES`).
    bare : geopandas.GeoDataFrame, optional
        Bare pervious soil. Without it none is found (class F cannot be given).
    crs : anything that pyproj understands, optional
        Projected CRS to work and answer in; by default that of ``zone``. Give the commune's
        official one (:attr:`Commune.crs`).
    units : {"auto", "blocks", "fabric", "grid"}
        See :func:`.units.spatial_units`.
    cell_m, min_area_m2, max_area_m2 : float
        See :func:`.units.spatial_units`.
    exclude : collection of str
        Classes that the ranges of Stewart & Oke may not give.

    Returns
    -------
    geopandas.GeoDataFrame
        One row a unit: ``unit_id, unit_kind``; Cerema's eight indicators; ``svf,
        aspect_ratio, frontal_area_index, roughness_length_m, height_geometric_m, buildings,
        height_known, estimated, shrub_share, ror_low, ror_high``; ``lcz_cerema`` (Cerema's
        rule) with ``lcz_cerema_low, lcz_cerema_high`` (the class if the estimated sealed
        ground were at its low or high bound), ``cerema_sure`` (all three agree) and
        ``cerema_reason``; ``lcz_so, lcz_so_alternative, so_distance, so_uniqueness,
        so_reason`` (Stewart & Oke's ranges); ``rules_agree`` (NA where either has no class).
        ``attrs["production"]`` tells sources of heights and what was assumed.

    Raises
    ------
    InvalidInput
        A layer that cannot be read as what it should be, a CRS that is not in metres, an
        empty zone, no building in the zone.

    Examples
    --------
    >>> lcz = produce(batiment, vegetation, eau, commune)  # doctest: +SKIP
    >>> summary(lcz)["disagreement_percent"]  # doctest: +SKIP
    """
    target, area = _zone(zone, crs)
    # A local origin keeps millimetres in double precision and makes the same layers give the
    # same classes wherever the CRS puts its origin.
    origin = np.floor(shapely.bounds(area)[:2])
    area = affinity.translate(area, *-origin)

    def place(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        frame = frame.to_crs(target)
        moved = shapely.transform(frame.geometry.to_numpy(), lambda p: p - origin)
        frame = frame.set_geometry(moved, crs=target)
        near = shapely.intersects(moved, shapely.buffer(shapely.box(*area.bounds), _MARGIN_M))
        return frame[near].reset_index(drop=True)

    notes: list[dict[str, str]] = []
    houses = normalise_buildings(buildings)
    green = _optional(vegetation, normalise_vegetation, target, kind="low", tree_share=0.0)
    blue = _optional(water, normalise_water, target)
    ways = normalise_roads(roads) if roads is not None else None
    sealed = normalise_areas(impervious, "impervious") if impervious is not None else None
    soil = normalise_areas(bare, "bare") if bare is not None else None
    for layer in (houses, green, blue, ways, sealed, soil):
        notes += layer.attrs.get("notes", []) if layer is not None else []
    houses, green, blue = place(houses), place(green), place(blue)
    ways = place(ways) if ways is not None else None
    sealed = place(sealed) if sealed is not None else None
    soil = place(soil) if soil is not None else None
    # Footprints in the CRS of the result, whatever the layer's own was.
    houses["footprint_m2"] = houses.area
    within = shapely.intersects(houses.geometry.to_numpy(), area)
    if not within.any():
        raise InvalidInput(
            "Aucun bâtiment de la couche ne tombe dans la commune : vérifiez que la couche et "
            "la commune vont ensemble, et leur système de coordonnées.",
            "No building of the layer lies in the commune: check that layer and commune go "
            "together, and their CRS.",
        )
    houses = estimate_heights(houses)
    notes += _overlap_notes(houses[within])

    parts = spatial_units(
        area,
        houses,
        green,
        blue,
        ways,
        units,
        cell_m=cell_m,
        min_area_m2=min_area_m2,
        max_area_m2=max_area_m2,
    ).reset_index(drop=True)
    table = land_cover(parts, houses, green, blue, ways, sealed, soil)
    table = table.join(building_form(parts, houses))
    table = table.join(street_geometry(parts, houses, table["bur"]))
    table = table.join(ground_sky_view(parts, houses))
    classes = classify_units(table, exclude)
    moved = shapely.transform(parts.geometry.to_numpy(), lambda p: p + origin)
    result = gpd.GeoDataFrame(
        pd.concat(
            [
                pd.DataFrame({"unit_id": range(1, len(parts) + 1)}),
                parts[["unit_kind"]],
                table.drop(columns=["ver_low", "ver_high", "vhr_low", "vhr_high"]),
                classes,
            ],
            axis=1,
        ),
        geometry=moved,
        crs=target,
    )
    known = "complete" if sealed is not None else "roads" if ways is not None else "none"
    result.attrs["production"] = {
        "crs": target.to_string(),
        "units": parts["unit_kind"].iloc[0],
        "heights_percent": height_shares(houses[within]),
        "sealed_ground": known,
        "sealed_shares": SEALED_SHARES[known],
        "notes": notes,
    }
    return result


def classify_units(table: pd.DataFrame, exclude: Collection[str] = ("7", "10")) -> pd.DataFrame:
    """Both rules on indicators, each in columns of its own.

    Parameters
    ----------
    table : pandas.DataFrame
        Indicators as :mod:`.indicators` gives them; ``ror_low`` … ``vhr_high`` included.
    exclude : collection of str
        Classes that Stewart & Oke's ranges may not give.

    Returns
    -------
    pandas.DataFrame
        The class columns of :func:`produce`.
    """
    result = pd.DataFrame(index=table.index)
    reason = pd.Series(None, index=table.index, dtype=object)
    for suffix in ("_low", "_high", ""):
        assumed = {name: table[f"{name}{suffix}"] for name in ("ror", "ver", "vhr")}
        ruled = rule.classify(table.assign(**assumed))
        result[f"lcz_cerema{suffix}"] = ruled["lcz"].astype(object)
        reason = ruled["unclassed"].astype(object)
    central = result["lcz_cerema"]
    result["cerema_sure"] = (
        central.notna()
        & central.eq(result["lcz_cerema_low"])
        & central.eq(result["lcz_cerema_high"])
    )
    no_height = central.isna() & table["hre"].isna() & (table["bur"] > 10)
    result["cerema_reason"] = reason.where(central.isna(), "").mask(no_height, "no_height")
    ranges = stewart_oke.classify(table, exclude)
    result = result.join(ranges)
    agree = central.eq(ranges["lcz_so"]).astype("boolean")
    result["rules_agree"] = agree.mask(central.isna() | ranges["lcz_so"].isna())
    return result


def summary(produced: gpd.GeoDataFrame) -> dict[str, Any]:
    """What a produced map says, in figures.

    Parameters
    ----------
    produced : geopandas.GeoDataFrame
        From :func:`produce`.

    Returns
    -------
    dict
        ``units``, ``area_ha``; ``cerema_percent`` and ``so_percent`` (share of the area by
        class); ``disagreement_percent`` (of the area that both rules class, where they give
        two classes) and ``disagreement_pairs`` (the five that weigh most, percent of the
        area); ``sure_percent`` (Cerema's class the same at both bounds of the sealed ground);
        ``estimated_percent`` (ground that no layer describes); ``unclassed`` (units by rule and
        reason); ``heights_percent`` and ``notes``.
    """
    area = produced.area
    total = float(area.sum())
    both = produced["rules_agree"].notna()
    apart = both & ~produced["rules_agree"].fillna(True).astype(bool)
    pairs = (
        area[apart]
        .groupby([produced["lcz_cerema"][apart], produced["lcz_so"][apart]])
        .sum()
        .sort_values(ascending=False)
        .head(5)
    )
    told = produced.attrs.get("production", {})
    return {
        "units": len(produced),
        "area_ha": total / 1e4,
        "cerema_percent": _shares(produced["lcz_cerema"], area),
        "so_percent": _shares(produced["lcz_so"], area),
        "disagreement_percent": 100 * float(area[apart].sum() / max(area[both].sum(), 1e-9)),
        "disagreement_pairs": {
            f"{cerema} / {so}": 100 * float(value) / total for (cerema, so), value in pairs.items()
        },
        "sure_percent": 100 * float(area[produced["cerema_sure"]].sum()) / total,
        "estimated_percent": float((area * produced["estimated"]).sum() / total),
        "unclassed": {
            column: produced.loc[produced[column] != "", column].value_counts().to_dict()
            for column in ("cerema_reason", "so_reason")
        },
        "heights_percent": told.get("heights_percent", {}),
        "notes": told.get("notes", []),
    }


def _shares(classes: pd.Series, area: pd.Series) -> dict[str, float]:
    shares = 100 * area.groupby(classes.fillna("")).sum() / area.sum()
    return {str(k): float(v) for k, v in shares.sort_values(ascending=False).items()}


def _zone(zone: gpd.GeoDataFrame | gpd.GeoSeries, crs: Any) -> tuple[CRS, shapely.Geometry]:
    """CRS to work in and the zone in it, mended and of polygons only."""
    if not isinstance(zone, gpd.GeoDataFrame | gpd.GeoSeries) or zone.crs is None:
        raise InvalidInput(
            "La commune ne dit pas son système de coordonnées : donnez une couche qui en a un.",
            "The commune does not state its CRS: give a layer that has one.",
        )
    target = CRS.from_user_input(crs if crs is not None else zone.crs)
    metres = target.is_projected and all(
        np.isclose(axis.unit_conversion_factor, 1.0) for axis in target.axis_info[:2]
    )
    if not metres:
        raise InvalidInput(
            f"Le système de coordonnées {target.to_string()} n'est pas en mètres : donnez le "
            "système officiel de la commune (EPSG:2154 en métropole).",
            f"The CRS {target.to_string()} is not in metres: give the commune's official one "
            "(EPSG:2154 on the mainland).",
        )
    shape = shapely.make_valid(shapely.force_2d(zone.to_crs(target).union_all()))
    parts = [p for p in shapely.get_parts(shape) if p.geom_type in ("Polygon", "MultiPolygon")]
    joined = shapely.union_all(parts)
    if joined.is_empty or joined.area < 1.0:
        raise InvalidInput(
            "La commune n'a pas de surface : donnez son contour.",
            "The commune has no area: give its boundary.",
        )
    return target, joined


def _optional(frame: gpd.GeoDataFrame | None, normalise: Any, crs: CRS, **columns: Any) -> Any:
    """A normalised layer; an empty one with the same columns where there is none."""
    if frame is not None and len(frame):
        return normalise(frame)
    empty = gpd.GeoDataFrame(
        {k: pd.Series([], dtype=object) for k in columns}, geometry=[], crs=crs
    )
    if "tree_share" in columns:
        empty["tree_share"] = empty["tree_share"].astype(float)
    return empty


def _overlap_notes(houses: gpd.GeoDataFrame) -> list[dict[str, str]]:
    """Say how much ground is drawn as building more than once."""
    drawn = float(houses.area.sum())
    twice = drawn - float(shapely.area(shapely.union_all(houses.geometry.to_numpy())))
    if twice <= 0.001 * drawn:
        return []
    share = 100 * twice / drawn
    return [
        {
            "fr": f"{share:.1f} % de la surface bâtie est dessinée plusieurs fois : elle n'est "
            "comptée qu'une.".replace(".", ",", 1),
            "en": f"{share:.1f}% of the built area is drawn more than once: it counts once.",
        }
    ]
