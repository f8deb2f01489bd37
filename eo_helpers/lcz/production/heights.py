"""Estimate the building heights that a layer lacks, and say how."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.spatial import KDTree

__all__ = ["HEIGHT_SOURCES", "estimate_heights", "height_shares"]

#: How a height was had, from the surest to the least sure.
HEIGHT_SOURCES = ("measured", "storeys", "default", "neighbours", "layer", "missing")


def estimate_heights(
    buildings: gpd.GeoDataFrame, radius_m: float = 100.0, size_ratio: float = 2.0
) -> gpd.GeoDataFrame:
    """Fill missing heights from like neighbours, then from like buildings of the layer.

    Parameters
    ----------
    buildings : geopandas.GeoDataFrame
        As :func:`.layers.normalise_buildings` returns them, in a CRS of metres.
    radius_m : float
        How far a neighbour may be, m, between centroids.
    size_ratio : float
        Footprints are alike when neither is more than this many times the other.

    Returns
    -------
    geopandas.GeoDataFrame
        A copy with ``height_m`` filled and ``height_source`` ``neighbours`` (median of
        at least one like building within ``radius_m`` whose height is measured or from
        storeys) or ``layer`` (median of the like buildings of the layer, else of all). Where
        no building of the layer has a height, ``missing`` stays.

    Notes
    -----
    Garages stand beside houses: the restriction to like footprints is what keeps a
    shed from being given the height of the house it serves.
    """
    filled = buildings.copy()
    heights = filled["height_m"].to_numpy(float, copy=True)
    sources = filled["height_source"].to_numpy(object, copy=True)
    footprints = filled["footprint_m2"].to_numpy(float)
    missing = np.flatnonzero(np.isnan(heights))
    # Estimates are not estimated from: only what a source states.
    known = np.flatnonzero(~np.isnan(heights) & (sources != "default"))
    if not len(known):
        known = np.flatnonzero(~np.isnan(heights))
    if len(missing) and len(known):
        centroids = filled.centroid
        points = np.column_stack([centroids.x, centroids.y])
        tree = KDTree(points[known])
        stated = heights[known].copy()
        for row, near in zip(
            missing, tree.query_ball_point(points[missing], radius_m), strict=True
        ):
            ratio = footprints[known] / max(footprints[row], 1e-9)
            alike = (ratio <= size_ratio) & (ratio >= 1 / size_ratio)
            close = np.asarray(near, dtype=int)
            close = close[alike[close]]
            if len(close):
                heights[row], sources[row] = np.median(stated[close]), "neighbours"
            else:
                heights[row] = np.median(stated[alike]) if alike.any() else np.median(stated)
                sources[row] = "layer"
    filled["height_m"] = heights
    filled["height_source"] = pd.Series(sources, index=filled.index, dtype=object)
    return filled


def height_shares(buildings: gpd.GeoDataFrame) -> dict[str, float]:
    """Share of buildings, %, by how their height was had."""
    counts = buildings["height_source"].value_counts(normalize=True) * 100
    return {source: float(counts.get(source, 0.0)) for source in HEIGHT_SOURCES}
