"""The mainland cut into blocks, fields and woods, and shared between communes."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import find_contours

from .fabric import clean_coverage, split
from .ground import Grid, fractal_noise, generator
from .relief import MAINLAND_CRS, Relief, to_world
from .roads import PLACES, effort, travel

__all__ = ["COMMUNES", "Parcels", "contours", "mainland_parcels"]

#: insee → name, population, postcode, seats (places) from which the commune grew
COMMUNES: dict[str, tuple[str, int, str, tuple[str, ...], float]] = {
    "99001": ("Saint-Aubin-sur-Ervelle", 24130, "99100", ("centre", "station", "towers"), 0.0),
    "99002": ("Mesnil-Brévant", 7860, "99110", ("suburb", "business", "est"), 150.0),
    "99003": ("Courvelles-le-Bocage", 2140, "99120", ("village-sud", "village-ouest"), 0.0),
    "99004": ("Portervelle-sur-Mer", 4620, "99130", ("port", "cote", "ouest-cote"), 0.0),
    "99005": ("Valmoret-la-Futaie", 1310, "99140", ("forest", "clairiere"), 0.0),
}

#: urban reach (m of effort) of each place, and the kind of its core
_REACH: dict[str, float] = {
    "centre": 2050, "station": 1150, "towers": 1000, "suburb": 1080,
    "faubourg": 620, "rive": 520, "moulin": 300, "business": 620, "port": 1050,
    "village-sud": 330, "village-ouest": 300, "hameau-bas": 200, "hameau-haut": 180,
    "cote": 210, "forest": 330, "clairiere": 220, "nord": 190, "ouest-cote": 220, "est": 240,
}  # fmt: skip


@dataclass
class Parcels:
    """Blocks and parcels that tile the land, and the grids that decided on them."""

    table: gpd.GeoDataFrame
    communes: gpd.GeoDataFrame
    reach: NDArray[np.float64]
    grid: Grid


def contours(mask: NDArray, grid: Grid, tolerance: float = 12.0) -> NDArray:
    """Outlines of a smooth field at 0.5, as lines in the grid's CRS."""
    lines = []
    padded = np.pad(np.asarray(mask, float), 1)
    for path in find_contours(padded, 0.5):
        xy = np.column_stack(
            [
                grid.west + (path[:, 1] - 0.5) * grid.step,
                grid.north - (path[:, 0] - 0.5) * grid.step,
            ]
        )
        if len(xy) > 8:
            lines.append(shapely.simplify(shapely.LineString(xy), tolerance))
    return np.array(lines, dtype=object)


def _kinds(points: NDArray, harbour: shapely.Point, rng: np.random.Generator) -> NDArray:
    """Kind of each urban face, from where it lies."""
    x, y = points.T

    def off(place: str) -> NDArray:
        cx, cy = to_world([PLACES[place]])[0]
        return np.hypot(x - cx, y - cy) * np.exp(rng.normal(0, 0.05, len(x)))

    kind = np.full(len(x), "suburb", dtype=object)
    kind[off("centre") < 1020] = "terrace"
    kind[off("centre") < 690] = "c19"
    kind[off("centre") < 340] = "old"
    kind[off("station") < 300] = "c19"
    kind[(off("faubourg") < 260) | (off("rive") < 230)] = "terrace"
    kind[off("suburb") < 190] = "village"
    kind[off("towers") < 330] = "towers"
    kind[off("business") < 820] = "business"
    kind[off("port") < 560] = "terrace"
    kind[off("port") < 300] = "c19"
    x0, y0 = shapely.get_coordinates(harbour)[0]
    kind[np.hypot(x - x0, y - y0) < 330] = "c19"
    for place in ("village-sud", "village-ouest", "hameau-bas", "hameau-haut", "cote", "forest",
                  "clairiere", "moulin", "nord", "ouest-cote", "est"):  # fmt: skip
        kind[off(place) < 140] = "village"
    return kind


_BLOCK = {"old": 4200, "c19": 8500, "terrace": 9500, "suburb": 17000, "towers": 26000,
          "business": 30000, "village": 8000}  # fmt: skip


def mainland_parcels(relief: Relief, roads: gpd.GeoDataFrame, seed: int) -> Parcels:
    """Cut the mainland into blocks, fields and woods that tile it, commune by commune."""
    rng = generator(seed, 3)
    grid = relief.grid.coarse(8)
    cost = effort(relief)
    reach = np.full(grid.shape, np.inf)
    fields = {}
    for place, size in _REACH.items():
        fields[place] = travel(relief, cost, PLACES[place])
        reach = np.minimum(reach, fields[place] / size)
    near_road = ndimage.distance_transform_edt(
        grid.burn(roads.geometry.values, 1, all_touched=True) == 0
    )
    ragged = fractal_noise(rng, grid.shape, grid.step, 900, 4)
    reach = reach * (1 + 0.16 * ragged) * (0.82 + 0.18 * np.clip(near_road * grid.step / 150, 0, 1))
    urban = ndimage.gaussian_filter((reach < 1).astype(float), 1.0)
    dry = relief.valley[::2, ::2][: grid.rows, : grid.cols] > 1.2
    urban *= np.where(dry | (reach < 0.72), 1.0, 0.0)

    # The port stands about its basin, whatever the plain.
    quays = ndimage.distance_transform_edt(grid.burn(relief.basin, 1, all_touched=True) == 0)
    urban = np.maximum(urban, np.clip(1.5 - quays * grid.step / 420, 0, 1))
    urban[grid.burn(shapely.buffer(relief.coast, 35), 1) == 1] = 0

    # Woods: steep sides, the great forest, and copses on the plateau.
    slope = ndimage.gaussian_filter(relief.slope, 2)[::2, ::2][: grid.rows, : grid.cols]
    x, y = grid.mesh()
    forest_x, forest_y = to_world([(13.3, 4.75)])[0]
    massif = 1.25 - np.hypot((x - forest_x) / 2600, (y - forest_y) / 1250)
    south_x, south_y = to_world([(13.6, 1.1)])[0]
    massif = np.maximum(massif, 1.1 - np.hypot((x - south_x) / 1900, (y - south_y) / 900))
    patches = fractal_noise(rng, grid.shape, grid.step, 1100, 4)
    score = np.maximum(slope / 0.115, massif + 0.28 * patches)
    score = np.maximum(score, 0.42 * patches + 0.10)
    shore = ndimage.distance_transform_edt(~relief.sea[::8, ::8])[: grid.rows, : grid.cols]
    score = np.where(shore * grid.step < 330, 0.0, score)
    plain = relief.valley[::2, ::2][: grid.rows, : grid.cols] < 3.0
    score = np.where(plain, score - 0.25, score)
    clearing = np.clip((reach - 1.0) / 0.25, 0, 1)
    wood = ndimage.gaussian_filter(((score > 1.0) & ~(urban > 0.5)).astype(float) * clearing, 1.1)

    land_lines = [
        shapely.boundary(relief.land),
        shapely.boundary(relief.river_polygon),
        *roads.geometry.values,
        *contours(urban, grid),
        *contours(wood, grid),
    ]
    network = shapely.union_all(np.array(land_lines, dtype=object), grid_size=0.05)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(network)))
    faces = faces[shapely.area(faces) > 60]
    inner = shapely.get_coordinates(shapely.point_on_surface(faces))
    row, col = grid.index(*inner.T)
    is_land = shapely.contains_xy(relief.land, *inner.T)
    is_river = shapely.contains_xy(relief.river_polygon, *inner.T)
    faces, inner, row, col = faces[is_land], inner[is_land], row[is_land], col[is_land]
    is_river = is_river[is_land]
    kind = np.full(len(faces), "field", dtype=object)
    kind[wood[row, col] > 0.5] = "wood"
    kind[urban[row, col] > 0.5] = "urban"
    kind[is_river] = "river"

    # First into large pieces, so that a kind can be given to each; then to size.
    is_urban = kind == "urban"
    large, _ = split(faces[is_urban], 32_000.0, rng, skew=0.12)
    at = shapely.get_coordinates(shapely.point_on_surface(large))
    what = _kinds(at, shapely.centroid(relief.basin), rng)
    sizes = np.array([_BLOCK[w] for w in what], float)
    blocks, origin = split(large, sizes, rng, skew=0.07, uneven=0.14, stretch=2.3)
    block_kind = what[origin]
    bocage = np.hypot(*(inner - to_world([(4.2, 2.9)])[0]).T) < 4200
    goal = np.where(kind == "wood", 120_000.0, np.where(bocage, 26_000.0, 62_000.0))
    rural = (kind == "field") | (kind == "wood")
    # Lanes and old estates first, at any angle; then fields along them.
    estates, of = split(faces[rural], 900_000.0, rng, skew=0.5, uneven=0.2, stretch=3.0)
    parcels, origin = split(estates, goal[rural][of], rng, skew=0.06, uneven=0.2, stretch=2.8)
    parcel_kind = kind[rural][of][origin]
    reaches, _ = split(faces[is_river], 30_000.0, rng, skew=0.02)
    raw = np.concatenate([blocks, parcels, reaches])
    raw_kind = np.concatenate([block_kind, parcel_kind, np.full(len(reaches), "river")])
    cover, origin = clean_coverage(raw)
    keep = origin >= 0
    table = gpd.GeoDataFrame(
        {"kind": raw_kind[origin[keep]]}, geometry=cover[keep], crs=MAINLAND_CRS
    )

    # Whose land: the commune whose seats are reached with least effort; the river
    # and the ridges take effort to cross, so boundaries follow them.
    heavy = cost * np.where(relief.grid.coarse(8).burn(relief.river_polygon, 1) == 1, 8, 1)
    heavy = np.where(cost < 0, 40.0, heavy)
    owners = []
    for _name, _people, _post, seats, penalty in COMMUNES.values():
        owners.append(np.min([travel(relief, heavy, PLACES[s]) for s in seats], axis=0) + penalty)
    stack = np.array([ndimage.gaussian_filter(o, 3) for o in owners])
    west, south, east, north = grid.bounds
    edge = np.minimum.reduce([x - west, east - x, y - south, north - y])
    outside = edge + 300 * fractal_noise(rng, grid.shape, grid.step, 2600, 4) < 620
    owner = np.where(outside, -1, stack.argmin(0))
    inner = shapely.get_coordinates(shapely.point_on_surface(table.geometry.values))
    table["insee"] = np.array([*COMMUNES, ""], dtype=object)[owner[grid.index(*inner.T)]]
    communes = _dissolve(table)
    return Parcels(table, communes, reach, grid)


def _dissolve(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Communes in one piece each: strays go to the neighbour that they touch most."""
    for _ in range(3):
        strays = []
        for insee in COMMUNES:
            mine = table.index[table["insee"] == insee]
            whole = shapely.coverage_union_all(table.geometry.values[mine])
            parts = shapely.get_parts(whole)
            if len(parts) > 1:
                main = parts[np.argmax(shapely.area(parts))]
                inner = shapely.point_on_surface(table.geometry.values[mine])
                shapely.prepare(main)
                strays.extend(mine[~shapely.covers(main, inner)])
        holes = _enclosed(table)
        if not strays and not len(holes):
            break
        for index in [*strays, *holes]:
            shape = table.geometry.values[index]
            near = table.sindex.query(shape, predicate="intersects")
            near = near[(near != index) & ~np.isin(near, strays)]
            shared = shapely.length(shapely.intersection(table.geometry.values[near], shape))
            names = table["insee"].to_numpy()[near]
            best = {n: shared[names == n].sum() for n in set(names)}
            if best:
                table.loc[index, "insee"] = max(sorted(best), key=best.__getitem__)
    rows = []
    for insee, (name, people, postcode, _seats, _penalty) in COMMUNES.items():
        shapes = table.geometry.values[(table["insee"] == insee).to_numpy()]
        rows.append(
            {"insee": insee, "name": name, "departement": insee[:2], "population": people,
             "postcodes": postcode, "epci": "249900001",
             "geometry": shapely.coverage_union_all(shapes)}
        )  # fmt: skip
    return gpd.GeoDataFrame(rows, crs=table.crs)


def _enclosed(table: gpd.GeoDataFrame) -> NDArray[np.intp]:
    """Parcels of no commune that communes enclose."""
    ours = shapely.coverage_union_all(table.geometry.values[(table["insee"] != "").to_numpy()])
    shells = shapely.polygons(shapely.get_exterior_ring(shapely.get_parts(ours)))
    filled = shapely.union_all(shells)
    none = np.flatnonzero((table["insee"] == "").to_numpy())
    shapely.prepare(filled)
    inner = shapely.point_on_surface(table.geometry.values[none])
    return none[shapely.covers(filled, inner)]
