"""The indicators that both rules read, for each spatial unit.

Cerema's eight columns (``hre, are, bur, ror, bsr, war, ver, vhr``: metres, square
metres, percent; ``bur + ror + bsr + war + ver = 100``) and what Stewart & Oke's ranges
ask for beside them: sky view factor, aspect ratio, roughness length, geometric mean
height.
"""

from __future__ import annotations

import geopandas as gpd
import momepy
import numpy as np
import pandas as pd
import rasterio.features
import shapely
from numpy.typing import NDArray

from .skyview import height_grid, sky_view_factor
from .units import built_envelope

__all__ = [
    "SEALED_SHARES",
    "building_form",
    "ground_sky_view",
    "land_cover",
    "street_geometry",
]

#: Share of the ground that no layer describes which is taken as sealed: low, central and
#: high, inside and outside the built envelope, by what the layers say of sealed ground.
#: In France 44 % of artificialised land is sealed, buildings included (Agreste, Teruti
#: 2017-2019; SDES, Chiffres clés du logement 2022): with buildings set apart about a third
#: of the rest. The bounds are wide because a housing estate and a car park differ that
#: much; those outside the envelope, and those with roads known, are an assumption.
SEALED_SHARES: dict[str, dict[str, tuple[float, float, float]]] = {
    "none": {"inside": (0.10, 0.35, 0.90), "outside": (0.0, 0.03, 0.10)},
    "roads": {"inside": (0.05, 0.20, 0.70), "outside": (0.0, 0.0, 0.05)},
    "complete": {"inside": (0.0, 0.0, 0.0), "outside": (0.0, 0.0, 0.0)},
}


def land_cover(
    units: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    vegetation: gpd.GeoDataFrame,
    water: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame | None = None,
    impervious: gpd.GeoDataFrame | None = None,
    bare: gpd.GeoDataFrame | None = None,
) -> pd.DataFrame:
    """What covers the ground of each unit, seen from above, percent.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        Polygons, CRS in metres.
    buildings, vegetation, water, roads : geopandas.GeoDataFrame
        Normalised layers (:mod:`.layers`) in the same CRS. Where they overlap the
        ground counts once, in this order: building, water, tree crown, sealed road, other
        sealed ground, open trees, shrub, bare soil, low plants.
    impervious : geopandas.GeoDataFrame, optional
        All other sealed ground (OCS GE, CoSIA …). With it nothing is estimated.
    bare : geopandas.GeoDataFrame, optional
        Bare pervious soil; without it ``bsr`` is 0.

    Returns
    -------
    pandas.DataFrame
        Index of ``units``; ``bur, ror, bsr, war, ver`` (sum 100), ``vhr`` (trees in the
        vegetation), ``shrub_share`` (shrubs in the vegetation), ``ror_low, ror_high,
        vhr_low, vhr_high`` (with the bounds of :data:`SEALED_SHARES`; ``vhr_low`` goes with
        ``ror_low``) and ``estimated`` (share of the unit that no layer describes: part
        sealed, the rest low plants).
    """
    shapes = units.geometry.to_numpy()
    area = shapely.area(shapes)
    trees = vegetation["kind"] == "tree"
    dense = trees & (vegetation["tree_share"] >= 0.99)
    empty = np.array([], dtype=object)
    order: list[tuple[str, float, NDArray[np.object_]]] = [
        ("building", 0.0, buildings.geometry.to_numpy()),
        ("water", 0.0, water.geometry.to_numpy()),
        ("vegetation", 1.0, vegetation.geometry[dense].to_numpy()),
        ("sealed", 0.0, _road_surfaces(roads) if roads is not None else empty),
        ("sealed", 0.0, impervious.geometry.to_numpy() if impervious is not None else empty),
        *(
            ("vegetation", float(share), group.geometry.to_numpy())
            for share, group in vegetation[trees & ~dense].groupby("tree_share")
        ),
        ("shrub", 0.0, vegetation.geometry[vegetation["kind"] == "shrub"].to_numpy()),
        ("bare", 0.0, bare.geometry.to_numpy() if bare is not None else empty),
        ("vegetation", 0.0, vegetation.geometry[vegetation["kind"] == "low"].to_numpy()),
    ]
    cover = {
        k: np.zeros(len(units))
        for k in ("building", "water", "sealed", "bare", "shrub", "vegetation")
    }
    crowns = np.zeros(len(units))
    covered = np.full(len(units), shapely.Polygon(), dtype=object)
    before = np.zeros(len(units))
    for kind, tree_share, polygons in order:
        covered = _cover(shapes, covered, polygons)
        after = shapely.area(covered)
        gained = np.maximum(after - before, 0.0)
        cover[kind] += gained
        crowns += tree_share * gained
        before = np.maximum(after, before)

    unmapped = shapely.difference(shapes, covered)
    left = np.maximum(area - sum(cover.values()), 0.0)
    envelope = _polygon_parts(built_envelope(buildings))
    nothing = np.full(len(units), shapely.Polygon(), dtype=object)
    inside = np.minimum(shapely.area(_cover(unmapped, nothing, envelope)), left)
    known = "complete" if impervious is not None else "roads" if roads is not None else "none"
    shares = SEALED_SHARES[known]

    result = pd.DataFrame(index=units.index)
    green = cover["vegetation"] + cover["shrub"]
    for position, suffix in ((0, "_low"), (2, "_high"), (1, "")):
        sealed = shares["inside"][position] * inside + shares["outside"][position] * (left - inside)
        vegetated = green + left - sealed
        result[f"ror{suffix}"] = 100 * (cover["sealed"] + sealed) / area
        result[f"ver{suffix}"] = 100 * vegetated / area
        with np.errstate(invalid="ignore", divide="ignore"):
            result[f"vhr{suffix}"] = np.where(vegetated > 0, 100 * crowns / vegetated, 0.0)
            result["shrub_share"] = np.where(vegetated > 0, 100 * cover["shrub"] / vegetated, 0.0)
    result["bur"] = 100 * cover["building"] / area
    result["bsr"] = 100 * cover["bare"] / area
    result["war"] = 100 * cover["water"] / area
    result["estimated"] = 100 * left / area
    # Rounding makes a class independent of where on Earth the coordinates put the commune.
    result = result.round(6).clip(0, 100)
    result["ver"] = 100 - result[["bur", "ror", "bsr", "war"]].sum(axis=1)
    for suffix in ("_low", "_high"):
        result[f"ver{suffix}"] = 100 - result[["bur", f"ror{suffix}", "bsr", "war"]].sum(axis=1)
    return result


def building_form(units: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame) -> pd.DataFrame:
    """Height and footprint of the buildings of each unit.

    Parameters
    ----------
    units, buildings : geopandas.GeoDataFrame
        In one CRS of metres; ``buildings`` with ``height_m``, ``height_source``,
        ``footprint_m2``.

    Returns
    -------
    pandas.DataFrame
        ``hre`` mean height, m, and ``are`` mean footprint area, m², both unweighted as
        Cerema's (0 without buildings, ``hre`` NaN where no height is known);
        ``height_geometric_m`` geometric mean height weighted by footprint (Stewart & Oke
        2012); ``buildings`` their number; ``height_known`` share of the footprint whose
        height is measured or from storeys, percent (100 without buildings).

    Notes
    -----
    A building counts, with its whole footprint, in each unit that holds a quarter of
    it or of which it covers a hundredth; where none does, all that reach into the unit count.
    """
    shapes = units.geometry.to_numpy()
    first, second = units.sindex.query(buildings.geometry, predicate="intersects")
    pairs = pd.DataFrame({"building": first, "unit": second})
    footprints = buildings.geometry.to_numpy()
    pairs["area"] = shapely.area(
        shapely.intersection(footprints[pairs["building"]], shapes[pairs["unit"]])
    )
    pairs = pairs[pairs["area"] > 0.01]
    pairs["footprint"] = buildings["footprint_m2"].to_numpy()[pairs["building"]]
    pairs["height"] = buildings["height_m"].to_numpy()[pairs["building"]]
    counts = (pairs["area"] >= 0.25 * pairs["footprint"]) | (
        pairs["area"] >= 0.01 * shapely.area(shapes)[pairs["unit"]]
    )
    some = counts.groupby(pairs["unit"]).transform("any")
    pairs = pairs[counts | ~some]

    known = buildings["height_source"].isin(["measured", "storeys"]).to_numpy()
    pairs["known"] = pairs["area"] * known[pairs["building"]]
    pairs["log"] = pairs["area"] * np.log(pairs["height"])
    pairs["weighed"] = pairs["area"].where(pairs["height"].notna(), 0.0)
    grouped = pairs.groupby("unit")
    form = pd.DataFrame(
        {
            "hre": grouped["height"].mean(),
            "are": grouped["footprint"].mean(),
            "height_geometric_m": np.exp(
                grouped["log"].sum() / grouped["weighed"].sum().replace(0.0, np.nan)
            ),
            "buildings": grouped.size(),
            "height_known": 100 * grouped["known"].sum() / grouped["area"].sum(),
        }
    ).reindex(range(len(units)))
    bare = form["buildings"].isna()
    form.loc[bare, ["hre", "are", "height_geometric_m", "buildings"]] = 0.0
    form.loc[bare, "height_known"] = 100.0
    form["buildings"] = form["buildings"].astype(int)
    form.index = units.index
    return form.round(6)


def street_geometry(
    units: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, built_percent: pd.Series
) -> pd.DataFrame:
    """Aspect ratio and roughness of each unit, from its façades.

    Parameters
    ----------
    units, buildings : geopandas.GeoDataFrame
        In one CRS of metres; ``buildings`` with ``height_m``.
    built_percent : pandas.Series
        ``bur`` of each unit.

    Returns
    -------
    pandas.DataFrame
        ``aspect_ratio`` H/W = façade area / (2 × open ground) (Bocher et al. 2018,
        Environmental Modelling & Software 99, 57-70); ``frontal_area_index`` λf = façade area /
        (π × unit area), the mean over wind directions by Cauchy's formula;
        ``roughness_length_m`` z0 = λf·H below λf = 0.15, else 0.15·H (Hanna & Britter
        2002), H the mean height weighted by footprint.

    Notes
    -----
    Façades exclude walls shared with a neighbour (momepy's ``shared_walls``); where
    neighbours differ in height the step between them is not counted.
    """
    footprints = buildings.geometry.to_numpy()
    shared = np.minimum(
        momepy.shared_walls(buildings.geometry).fillna(0.0).to_numpy(), shapely.length(footprints)
    )
    height = buildings["height_m"].fillna(0.0).to_numpy()
    facade = (shapely.length(footprints) - shared) * height
    shapes = units.geometry.to_numpy()
    first, second = units.sindex.query(buildings.geometry, predicate="intersects")
    inside = shapely.area(shapely.intersection(footprints[first], shapes[second]))
    share = inside / np.maximum(shapely.area(footprints)[first], 1e-9)
    walls = np.bincount(second, facade[first] * share, len(units))
    volume = np.bincount(second, inside * height[first], len(units))
    ground = np.bincount(second, inside, len(units))
    area = shapely.area(shapes)
    open_ground = area * (1 - np.clip(built_percent.to_numpy() / 100, 0, 0.99))
    mean_height = np.divide(volume, ground, out=np.zeros(len(units)), where=ground > 0)
    frontal = walls / (np.pi * area)
    return pd.DataFrame(
        {
            "aspect_ratio": 0.5 * walls / open_ground,
            "frontal_area_index": frontal,
            "roughness_length_m": np.minimum(frontal, 0.15) * mean_height,
        },
        index=units.index,
    ).round(6)


def ground_sky_view(
    units: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    resolution_m: float = 3.0,
    radius_m: float = 100.0,
) -> pd.Series:
    """Mean sky view factor of the open ground of each unit (``svf``, 0-1).

    Buildings within ``radius_m`` outside the units count. NaN where a unit has no cell of
    open ground. See :func:`.skyview.sky_view_factor`.
    """
    west, south, east, north = units.total_bounds
    bounds = (west - radius_m, south - radius_m, east + radius_m, north + radius_m)
    heights, transform = height_grid(buildings, bounds, resolution_m)
    view = sky_view_factor(heights, resolution_m, radius_m=radius_m)
    where = rasterio.features.rasterize(
        zip(units.geometry, range(1, len(units) + 1), strict=True),
        out_shape=heights.shape,
        transform=transform,
        dtype="int32",
    )
    seen = (where > 0) & ~np.isnan(view)
    total = np.bincount(where[seen], view[seen], len(units) + 1)[1:]
    cells = np.bincount(where[seen], minlength=len(units) + 1)[1:]
    mean = np.divide(total, cells, out=np.full(len(units), np.nan), where=cells > 0)
    return pd.Series(mean, index=units.index, name="svf").round(6)


def _road_surfaces(roads: gpd.GeoDataFrame) -> NDArray[np.object_]:
    sealed = roads[roads["sealed"]]
    return shapely.buffer(
        sealed.geometry.to_numpy(), sealed["width_m"].to_numpy() / 2, quad_segs=2, cap_style="flat"
    )


def _cover(
    shapes: NDArray[np.object_], covered: NDArray[np.object_], polygons: NDArray[np.object_]
) -> NDArray[np.object_]:
    """``covered`` of each shape, with what ``polygons`` cover of it added."""
    if not len(polygons):
        return covered
    covered = covered.copy()
    unit, polygon = shapely.STRtree(polygons).query(shapes, predicate="intersects")
    clipped = shapely.intersection(shapes[unit], polygons[polygon])
    order = np.argsort(unit, kind="stable")
    present, starts = np.unique(unit[order], return_index=True)
    for one, pieces in zip(present, np.split(clipped[order], starts[1:]), strict=True):
        pieces = pieces[shapely.get_dimensions(pieces) == 2]
        if len(pieces):
            covered[one] = shapely.union_all([covered[one], *pieces])
    return covered


def _polygon_parts(geometry: shapely.Geometry) -> NDArray[np.object_]:
    parts = shapely.get_parts(geometry)
    return parts[shapely.get_type_id(parts) == 3]
