"""Buildings: fronts along the streets, yards and gardens behind."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from .fabric import boxes, frame, split
from .ground import generator

__all__ = ["STREET_HALF", "mainland_buildings", "raise_blocks"]

#: Half width (m) of the streets round a block, by kind of block.
STREET_HALF = {"old": 3.0, "c19": 5.0, "terrace": 4.5, "suburb": 4.5, "towers": 6.0,
               "business": 6.5, "village": 4.0, "quay": 5.0}  # fmt: skip
_PLOT = {"old": 150.0, "c19": 230.0, "terrace": 240.0, "village": 520.0, "suburb": 600.0,
         "towers": 6200.0, "business": 8500.0}  # fmt: skip
_DEPTH = {"old": 12.5, "c19": 12.0, "terrace": 10.0, "village": 10.0}
_EMPTY = {"old": 0.04, "c19": 0.07, "terrace": 0.12, "village": 0.3, "suburb": 0.07,
          "towers": 0.12, "business": 0.18}  # fmt: skip
_STOREY = 3.0


def _turn(axis: NDArray, quarter: NDArray) -> NDArray:
    """Turn directions by 90° where asked."""
    across = np.column_stack([-axis[:, 1], axis[:, 0]])
    return np.where(quarter[:, None], across, axis)


def _heights(kind: str, far: NDArray, rng: np.random.Generator) -> NDArray:
    """Building heights (m): they fall with the distance (m) from the town's centre."""
    n = len(far)
    fade = np.exp(-np.clip(far, 0, 4000) / 1100)
    if kind == "old":
        return np.clip(rng.normal(11.8, 1.8, n), 6.5, 17)
    if kind == "c19":
        return np.clip(rng.normal(8.6 + 6.2 * fade, 2.2, n), 5, 19)
    if kind == "terrace":
        return np.clip(rng.normal(6.6 + 2.5 * fade, 1.2, n), 4, 12)
    if kind == "village":
        return np.clip(rng.normal(6.4, 1.1, n), 3.5, 10)
    if kind == "suburb":
        return np.clip(rng.normal(4.9 + 2.0 * fade, 0.9, n), 3, 9)
    return np.clip(rng.normal(8.2, 1.9, n), 4.5, 14)


def raise_blocks(
    shapes: NDArray, kinds: NDArray, far: NDArray, rng: np.random.Generator
) -> gpd.GeoDataFrame:
    """Build every block in the manner of its kind.

    Parameters
    ----------
    shapes : array of Polygon
        Blocks, out to the middle of their streets, m.
    kinds : array of str
        ``old``, ``c19``, ``terrace``, ``village``, ``suburb``, ``towers`` or ``business``.
    far : array of float
        Distance to the town's centre, m.
    rng : numpy.random.Generator

    Returns
    -------
    GeoDataFrame
        ``height`` (m), ``use``, ``dwellings``, ``block`` (position in ``shapes``), no CRS.
    """
    made: list[gpd.GeoDataFrame] = []

    def add(footprints: NDArray, height: NDArray, use: str, block: NDArray) -> None:
        parts, of = shapely.get_parts(footprints, return_index=True)
        keep = (shapely.get_type_id(parts) == 3) & (shapely.area(parts) >= 25)
        parts, of = parts[keep], of[keep]
        levels = np.maximum(np.round(height[of] / _STOREY - 0.4), 1)
        per = {"home": 105.0, "house": 75.0, "flats": 82.0}.get(use)
        homes = shapely.area(parts) * levels / per if per else np.zeros(len(parts))
        if use == "house":
            homes = np.ones(len(parts))
        made.append(
            gpd.GeoDataFrame(
                {
                    "height": np.round(height[of], 1),
                    "use": use,
                    "dwellings": homes,
                    "block": block[of],
                },
                geometry=parts,
            )
        )

    for kind in ("old", "c19", "terrace", "village", "suburb", "towers", "business"):
        here = np.flatnonzero(kinds == kind)
        if not len(here):
            continue
        inner = shapely.buffer(shapes[here], -STREET_HALF[kind], join_style="mitre")
        inner, of = shapely.get_parts(inner, return_index=True)
        sound = shapely.area(inner) > 30
        inner, here = inner[sound], here[of[sound]]
        size = _PLOT[kind] * rng.choice([0.72, 1.0, 1.25], len(inner), p=[0.4, 0.35, 0.25])
        plots, block = split(inner, size, rng, skew=0.03, uneven=0.1, stretch=2.9)
        full = rng.random(len(plots)) > _EMPTY[kind]
        plots, block = plots[full], block[full]
        height = _heights(kind, far[here[block]], rng)
        centre, axis, length, width = frame(plots)
        n = len(plots)
        if kind in _DEPTH:
            back = shapely.buffer(inner, -_DEPTH[kind] * 1.0, join_style="mitre")
            front = shapely.difference(plots, back[block])
            if kind == "village":
                # Old farmsteads: only part of the front is built.
                slim = boxes(centre, axis, np.maximum(length * 0.9, 8), rng.uniform(7, 30, n))
                front = shapely.intersection(front, slim)
            add(front, height, "home", here[block])
            if kind in ("old", "c19"):
                yard = shapely.intersection(plots, back[block])
                share = 0.75 if kind == "old" else 0.3
                some = (rng.random(n) < share) & (shapely.area(yard) > 60)
                c, a, ln, wd = frame(np.where(some, yard, shapely.box(0, 0, 1, 1)))
                sheds = shapely.intersection(boxes(c, a, ln * 0.7, wd * 0.6), yard)
                add(sheds[some], rng.uniform(3, 7.5, some.sum()), "annex", here[block][some])
        elif kind == "suburb":
            edge = shapely.boundary(inner)[block]
            nearest = shapely.get_coordinates(
                shapely.get_point(shapely.shortest_line(shapely.points(centre), edge), 1)
            )
            pull = np.clip(np.hypot(*(nearest - centre).T) - rng.uniform(10, 13, n), 0, 14)
            toward = nearest - centre
            toward /= np.maximum(np.hypot(*toward.T), 1e-6)[:, None]
            spot = centre + toward * pull[:, None]
            turned = _turn(axis, rng.random(n) < 0.5)
            house = boxes(spot, turned, rng.uniform(9.5, 14, n), rng.uniform(8, 10, n))
            add(shapely.intersection(house, plots), height, "house", here[block])
        elif kind == "towers":
            tower = rng.random(n) < 0.28
            long = np.where(tower, 24, np.minimum(length * 0.75, rng.uniform(48, 85, n)))
            deep = np.where(tower, 22, 13.5)
            tall = np.where(tower, rng.uniform(33, 46, n), rng.choice([13.5, 16.5, 19.5], n))
            block_shape = shapely.intersection(boxes(centre, axis, long, deep), plots)
            add(block_shape, tall, "flats", here[block])
        else:
            shed = boxes(centre, axis, length * rng.uniform(0.45, 0.72, n),
                         width * rng.uniform(0.45, 0.66, n))  # fmt: skip
            add(shapely.intersection(shed, plots), height, "work", here[block])
    import pandas as pd

    return gpd.GeoDataFrame(pd.concat(made, ignore_index=True), geometry="geometry")


def mainland_buildings(
    blocks: gpd.GeoDataFrame, centre: tuple[float, float], churches: NDArray, wet: shapely.Geometry,
    seed: int,
) -> gpd.GeoDataFrame:  # fmt: skip
    """Every building of the mainland: blocks, farmsteads, churches.

    Parameters
    ----------
    blocks : GeoDataFrame
        Blocks and parcels (``kind``), projected.
    centre : (x, y)
        The town's centre.
    churches : float array (n, 2)
        Where the churches stand.
    wet : shapely geometry
        Water, where nothing is built.
    seed : int
    """
    import pandas as pd

    rng = generator(seed, 4)
    shapes = blocks.geometry.values
    kinds = blocks["kind"].to_numpy()
    middle = shapely.get_coordinates(shapely.centroid(np.asarray(shapes)))
    far = np.hypot(*(middle - np.asarray(centre)).T)
    built = raise_blocks(np.asarray(shapes), kinds, far, rng)

    # Farmsteads: in one parcel out of forty, a yard with three barns and a house.
    farms = np.flatnonzero((kinds == "field") & (shapely.area(np.asarray(shapes)) > 9000))
    farms = farms[rng.random(len(farms)) < 0.026]
    c, axis, _, _ = frame(np.asarray(shapes)[farms])
    across = np.column_stack([-axis[:, 1], axis[:, 0]])
    parts = []
    for shift, side, size, deep, use in (
        (0, 17, 38, 13, "farm"), (24, -5, 30, 11, "farm"), (-26, 0, 15, 9, "house"),
    ):  # fmt: skip
        where = c + axis * shift + across * side
        direction = axis if shift == 0 else across
        grow = rng.uniform(0.8, 1.2, len(farms))
        parts.append(
            gpd.GeoDataFrame(
                {"height": np.round(rng.uniform(5, 8.5, len(farms)), 1), "use": use,
                 "dwellings": 1.0 if use == "house" else 0.0, "block": farms},
                geometry=boxes(where, direction, size * grow, np.full(len(farms), deep)),
            )
        )  # fmt: skip
    # A church: nave and transept.
    ones = np.ones(len(churches))
    nave_axis, cross_axis = (
        np.tile([a], (len(churches), 1)) for a in ((0.97, 0.24), (-0.24, 0.97))
    )
    nave = boxes(churches, nave_axis, 42.0 * ones, 15.0 * ones)
    cross = boxes(churches + np.array([9.0, 2.2]), cross_axis, 28.0 * ones, 11.0 * ones)
    place = shapely.buffer(shapely.points(churches), 34)
    free = ~shapely.intersects(np.asarray(built.geometry.values)[:, None], place[None]).any(1)
    built = built[free]
    block_of = blocks.sindex.query(shapely.points(churches), predicate="within")
    owner = np.zeros(len(churches), int)
    owner[block_of[0]] = block_of[1]
    parts.append(
        gpd.GeoDataFrame(
            {"height": 17.0, "use": "church", "dwellings": 0.0, "block": owner},
            geometry=shapely.union(nave, cross),
        )
    )
    every = gpd.GeoDataFrame(pd.concat([built, *parts], ignore_index=True), geometry="geometry")
    shapely.prepare(wet)
    every = every[~shapely.intersects(wet, np.asarray(every.geometry.values))]
    return gpd.GeoDataFrame(every.reset_index(drop=True), geometry="geometry", crs=blocks.crs)
