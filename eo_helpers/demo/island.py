"""The overseas commune: a volcano, its ravines, a small port on the leeward coast."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from scipy import ndimage
from scipy.spatial import KDTree
from skimage.graph import MCP_Geometric

from .drainage import Channel, branches, normals, resample, valleys
from .fabric import boxes, clean_coverage, frame, split
from .ground import Cover, Grid, Ground, fractal_noise, generator
from .mainland import patchwork, street_lines, tree_heights
from .parcels import contours
from .town import STREET_HALF, raise_blocks

__all__ = ["ISLAND_CRS", "island"]

ISLAND_CRS = "EPSG:5490"
_CENTRE = (-60.528, 15.452)
_COMMUNE = ("97199", "Le Morne-Vermeil", 5870, "97199")


def _grid() -> Grid:
    x, y = Transformer.from_crs("EPSG:4326", ISLAND_CRS, always_xy=True).transform(*_CENTRE)
    x, y = round(x / 100) * 100, round(y / 100) * 100
    return Grid(x - 4600, y + 4600, 5.0, 1840, 1840)


def _relief(
    grid: Grid, rng: np.random.Generator
) -> tuple[NDArray, shapely.Polygon, list[Channel], NDArray]:
    """Heights (20 m), coast, ravines, uncut cone."""
    west, south, east, north = grid.bounds
    middle = np.array([(west + east) / 2, (south + north) / 2])
    coarse = grid.coarse(4)
    x, y = coarse.mesh()
    angle = np.linspace(0, 2 * np.pi, 721)[:-1]
    rough = np.fft.irfft(
        np.concatenate([[0], (rng.standard_normal(90) + 1j * rng.standard_normal(90))
                        / np.arange(1, 91) ** 1.25]), 720)  # fmt: skip
    rough = rough / rough.std()
    radius = 3050 * (1 + 0.075 * rough) * (1 + 0.16 * np.cos(2 * (angle - 1.2)))
    # The leeward bay where the port lies (due west).
    radius *= 1 - 0.11 * np.exp(-(((angle - np.pi) / 0.16) ** 2))
    ring = middle + np.column_stack([np.cos(angle), np.sin(angle)]) * radius[:, None]
    land = shapely.Polygon(ring)
    cone = middle + np.array([350.0, 250.0])
    d = np.hypot(x - cone[0], y - cone[1])
    around = np.arctan2(y - middle[1], x - middle[0]) % (2 * np.pi)
    edge = np.interp(around, np.append(angle, 2 * np.pi), np.append(radius, radius[0]))
    inland = 1 - np.hypot(x - middle[0], y - middle[1]) / edge
    top = 40 * np.clip(inland, 0, 1) ** 0.6 + 760 * np.exp(-d / 1150) * np.clip(inland * 2.2, 0, 1)
    crater = np.exp(-((np.hypot(x - cone[0] - 60, y - cone[1]) / 210) ** 4))
    top = top - 110 * crater
    second = np.hypot(x - cone[0] + 500, y - cone[1] - 1350)
    top += 190 * np.exp(-((second / 520) ** 2))
    top += 14 * fractal_noise(rng, coarse.shape, coarse.step, 900, 4) * np.clip(inland * 4, 0, 1)
    top = np.maximum(top, 1.5 + 60 * np.clip(inland, 0, 0.15))
    channels: list[Channel] = []
    for k in range(17):
        # From the rim down to the sea, never uphill.
        theta = (k + rng.uniform(-0.28, 0.28)) * 2 * np.pi / 17 + (np.pi - 8 * 2 * np.pi / 17)
        if k == 8:
            theta = np.pi - 0.03
        out = np.interp(theta % (2 * np.pi), angle, radius)
        end = middle + out * np.array([np.cos(theta), np.sin(theta)])
        lean = end - cone
        start = cone + lean / np.hypot(*lean) * rng.uniform(330, 520)
        line = resample(np.array([start, end]), 10.0)
        swing = ndimage.gaussian_filter1d(rng.standard_normal(len(line)), 14) * 460
        fade = np.sin(np.linspace(0, np.pi, len(line)))
        line = line + normals(line) * (swing * fade)[:, None]
        row, col = coarse.index(*line.T)
        uncut = top[row, col]
        t = np.linspace(0, 1, len(line))
        floor = np.minimum.accumulate(uncut - (12 + 55 * np.sin(np.pi * t) ** 0.8))
        floor = np.maximum(floor, 0.6 + 25 * (1 - t) ** 2)
        wide = 10 + (90 if k == 8 else 35) * np.clip((t - 0.75) / 0.25, 0, 1)
        channels.append(Channel(line, floor, wide, np.full(len(line), 150.0)))

    def plateau(px: float, py: float) -> float:
        r, c = coarse.index(np.array([px]), np.array([py]))
        return float(top[r[0], c[0]])

    dry = branches(channels, plateau, rng, 26, 190)
    height = valleys(x, y, top, [*channels, *dry], np.ones_like(x))
    height = ndimage.gaussian_filter(height, 1.1)
    height += (
        1.6 * fractal_noise(rng, coarse.shape, coarse.step, 260, 3) * np.clip(inland * 8, 0, 1)
    )
    return np.maximum(height, 0.8).astype(np.float32), land, channels, inland


def _road(grid: Grid, height: NDArray, land: shapely.Polygon, rng: np.random.Generator) -> NDArray:
    """The coast road all round, and one over the shoulder of the volcano."""
    coarse = grid.coarse(8)
    z = height[::2, ::2]
    gy, gx = np.gradient(z, coarse.step)
    cost = 1 + (np.hypot(gx, gy) / 0.09) ** 2
    cost *= np.exp(0.3 * fractal_noise(rng, cost.shape, coarse.step, 500, 3))
    ring = coarse.burn(shapely.buffer(land, -70), 1) == 1
    inner = coarse.burn(shapely.buffer(land, -520), 1) == 1
    cost = np.where(inner, cost * 2.0, cost)
    cost[~ring] = -1
    west, south, east, north = grid.bounds
    middle = np.array([(west + east) / 2, (south + north) / 2])
    spots = []
    for theta in np.deg2rad([180, 232, 285, 335, 20, 65, 110, 150]):
        ray = shapely.LineString([middle, middle + 6000 * np.array([np.cos(theta), np.sin(theta)])])
        cut = shapely.get_coordinates(shapely.intersection(ray, shapely.buffer(land, -190)))[-1]
        spots.append(cut)
    x, y = coarse.centres()
    lines = []
    for a, b in [*zip(spots, [*spots[1:], spots[0]], strict=True), (spots[0], spots[5])]:
        (r0,), (c0,) = coarse.index(*a[:, None])
        (r1,), (c1,) = coarse.index(*b[:, None])
        finder = MCP_Geometric(cost, sampling=(coarse.step, coarse.step))
        finder.find_costs([(r0, c0)], [(r1, c1)])
        path = np.array(finder.traceback((r1, c1)))
        xy = resample(np.column_stack([x[path[:, 1]], y[path[:, 0]]]), 20.0)
        lines.append(xy)
    # The ring is smoothed as a whole, so that it has no corner where two stretches meet.
    ring_xy = np.concatenate([xy[:-1] for xy in lines[:-1]])
    smooth = ndimage.gaussian_filter1d(ring_xy, 3.5, axis=0, mode="wrap")
    across = ndimage.gaussian_filter1d(lines[-1], 2.5, axis=0, mode="nearest")
    return np.array(
        [shapely.LineString([*smooth, smooth[0]]), shapely.LineString(across)], dtype=object
    )


def island(seed: int) -> Ground:
    """Draw the island (see :class:`~eo_helpers.demo.ground.Ground`)."""
    grid = _grid()
    rng = generator(seed, 70)
    height20, land, channels, _ = _relief(grid, rng)
    terrain = grid.coarse(4).refine(height20, 4)
    sea = grid.burn(land, 1, 0, "uint8") == 0
    inland = ndimage.distance_transform_edt(~sea).astype(np.float32) * grid.step
    shore = 0.3 + inland * 0.08
    terrain = np.where(inland < 50, np.minimum(terrain, shore + 0.25 * terrain), terrain)
    roads = _road(grid, height20, land, rng)

    ends = np.array([c.xy[-1] for c in channels])
    harbour = ends[8]
    centre = harbour + np.array([230.0, 40.0])
    x, y = grid.coarse(8).mesh()
    z = height20[::2, ::2]
    gy, gx = np.gradient(ndimage.gaussian_filter(z, 1), 40.0)
    slope = np.hypot(gx, gy)
    ragged = fractal_noise(rng, z.shape, 40.0, 600, 3)
    town = np.hypot(x - centre[0], (y - centre[1]) * 0.72) * (1 + 2.2 * slope) * (1 + 0.15 * ragged)
    urban = town < 620
    hamlets = [
        shapely.get_coordinates(shapely.line_interpolate_point(roads[0], at, normalized=True))[0]
        for at in (0.27, 0.55, 0.80)
    ]
    for spot in hamlets:
        urban |= np.hypot(x - spot[0], y - spot[1]) * (1 + 2 * slope) * (1 + 0.2 * ragged) < 190
    urban_soft = ndimage.gaussian_filter(urban.astype(float), 0.9)
    wild = (z > 185 + 45 * ragged) | (slope > 0.42)
    wood = ndimage.gaussian_filter((wild & ~urban).astype(float), 1.0)
    coarse = grid.coarse(8)
    lines = [shapely.boundary(land), *roads, *contours(urban_soft, coarse), *contours(wood, coarse)]
    network = shapely.union_all(np.array(lines, dtype=object), grid_size=0.05)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(network)))
    inner = shapely.get_coordinates(shapely.point_on_surface(faces))
    keep = (shapely.area(faces) > 60) & shapely.contains_xy(land, *inner.T)
    faces, inner = faces[keep], inner[keep]
    row, col = coarse.index(*inner.T)
    is_town, is_wood = urban_soft[row, col] > 0.5, wood[row, col] > 0.5
    blocks, _ = split(faces[is_town], 8200.0, rng, skew=0.06, uneven=0.14, stretch=2.3)
    goal = np.where(is_wood[~is_town], 150_000.0, 24_000.0)
    estates, of = split(faces[~is_town], 300_000.0, rng, skew=0.5, uneven=0.2, stretch=3.0)
    parcels, origin = split(estates, goal[of], rng, skew=0.05, uneven=0.18, stretch=2.8)
    origin = of[origin]
    at = shapely.get_coordinates(shapely.centroid(blocks))
    off = np.hypot(*(at - centre).T)
    kind = np.where(off < 170, "c19", np.where(off < 330, "terrace", "suburb")).astype(object)
    kind[KDTree(np.vstack(hamlets)).query(at)[0] < 210] = "village"
    rural = np.where(is_wood[~is_town][origin], "wood", "banana").astype(object)
    raw = np.concatenate([blocks, parcels])
    names = np.concatenate([kind, rural])
    cover_faces, which = clean_coverage(raw)
    sound = which >= 0
    table = gpd.GeoDataFrame(
        {"kind": names[which[sound]]}, geometry=cover_faces[sound], crs=ISLAND_CRS
    )
    table["insee"] = _COMMUNE[0]
    communes = gpd.GeoDataFrame(
        {"insee": [_COMMUNE[0]], "name": [_COMMUNE[1]], "departement": ["971"],
         "population": [_COMMUNE[2]], "postcodes": [_COMMUNE[3]], "epci": ["249900002"]},
        geometry=[shapely.coverage_union_all(table.geometry.values)], crs=ISLAND_CRS,
    )  # fmt: skip
    quay = shapely.Polygon(
        harbour + np.array([(-30, -20), (60, -20), (60, 230), (-30, 230)], float)
    )
    jetty = shapely.LineString(
        harbour + np.array([(30, 240), (-150, 250), (-270, 190), (-300, 110)], float)
    ).buffer(8)
    wharf = shapely.union(quay, jetty)
    return _furnish(grid, terrain, sea, table, communes, roads, centre, harbour, wharf, rng, seed)


def _furnish(
    grid: Grid,
    terrain: NDArray,
    sea: NDArray,
    table: gpd.GeoDataFrame,
    communes: gpd.GeoDataFrame,
    roads: NDArray,
    centre: NDArray,
    harbour: NDArray,
    wharf: shapely.Geometry,
    rng: np.random.Generator,
    seed: int,
) -> Ground:
    """Land cover, buildings and streets on the island's parcels."""
    import pandas as pd

    shapes = np.asarray(table.geometry.values)
    kinds = table["kind"].to_numpy()
    middle = shapely.get_coordinates(shapely.centroid(shapes))
    far = np.hypot(*(middle - centre).T)
    houses = raise_blocks(shapes, kinds, far + 700, rng)
    # Houses scattered in the fields, along the roads.
    near = shapely.distance(shapes, shapely.union_all(roads)) < 60
    spots = np.flatnonzero((kinds == "banana") & near)
    spots = spots[rng.random(len(spots)) < 0.4]
    c, axis, _, _ = frame(shapes[spots])
    huts = gpd.GeoDataFrame(
        {"height": np.round(rng.uniform(3, 6, len(spots)), 1), "use": "house", "dwellings": 1.0,
         "block": spots},
        geometry=boxes(c, axis, rng.uniform(9, 14, len(spots)), np.full(len(spots), 8.5)),
    )  # fmt: skip
    buildings = gpd.GeoDataFrame(pd.concat([houses, huts], ignore_index=True), geometry="geometry",
                                 crs=ISLAND_CRS)  # fmt: skip
    clear = shapely.intersects(wharf, np.asarray(buildings.geometry.values))
    buildings = buildings[~clear].reset_index(drop=True)
    block_id = grid.burn(shapes, np.arange(len(shapes)), -1, "int32")
    base = np.full(len(kinds), Cover.CROP, np.uint8)
    base[rng.random(len(kinds)) < 0.25] = Cover.GRASS
    base[(rng.random(len(kinds)) < 0.14)] = Cover.SHRUB
    base[kinds == "wood"] = Cover.TREE
    cover = np.where(block_id >= 0, base[block_id], Cover.SHRUB).astype(np.uint8)
    garden = patchwork(kinds, block_id, rng)
    cover = np.where(garden == 255, cover, garden)
    # Bare rock about the crater, black sand on the shore.
    bare = (terrain > 560) & (fractal_noise(rng, grid.coarse(4).shape, 20.0, 300, 3)
                              .repeat(4, 0).repeat(4, 1) + (terrain - 640) / 60 > 0)  # fmt: skip
    cover[bare] = Cover.BARE
    edge = ndimage.binary_dilation(sea, iterations=5) & ~sea & (terrain < 4)
    cover[edge] = Cover.BARE
    streets = street_lines(table, set(STREET_HALF))
    every = gpd.GeoDataFrame(
        {"kind": [*streets["kind"], *["main"] * len(roads)],
         "width": [*streets["width"], *[7.0] * len(roads)]},
        geometry=[*streets.geometry.values, *roads], crs=ISLAND_CRS,
    )  # fmt: skip
    paved = grid.burn(shapely.buffer(every.geometry.values, every["width"].to_numpy() / 2), 1) == 1
    cover[paved & ~sea] = Cover.MINERAL
    pier = grid.burn(wharf, 1) == 1
    terrain = terrain.astype(np.float32)
    cover[sea] = Cover.SEA
    terrain[sea] = 0
    cover[pier] = Cover.MINERAL
    terrain[pier] = np.maximum(terrain[pier], 2.2)
    height = tree_heights(cover, kinds[block_id] == "wood", rng)
    height[cover == Cover.CROP] = 2.8
    burnt = grid.burn(buildings.geometry.values, buildings["height"].to_numpy(), 0, "float32")
    house = (burnt > 0) & ~sea & ~pier
    cover[house], height[house] = Cover.BUILDING, burnt[house]
    places = {"centre": tuple(centre), "harbour": tuple(harbour)}
    return Ground("vermeil", ISLAND_CRS, grid, terrain, cover, height, table, block_id, buildings,
                  every, communes, places)  # fmt: skip
