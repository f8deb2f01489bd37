"""The mainland's relief: a chalk plateau, a river in its valley, cliffs, the sea."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from .drainage import Channel, branches, meandering, normals, smooth_curve, valleys
from .ground import Grid, fractal_noise, generator

__all__ = ["MAINLAND_CRS", "MAINLAND_GRID", "Relief", "mainland_relief", "to_world"]

MAINLAND_CRS = "EPSG:2154"
_ORIGIN = (476_400.0, 6_977_700.0)
MAINLAND_GRID = Grid(_ORIGIN[0], _ORIGIN[1] + 13_000, 5.0, 2600, 3200)

# The axis of the main valley, kilometres from the south-west corner: from the
# south-eastern heights, round the spur of the old town, to the sea.
_TRUNK = [
    (16.6, 1.5), (14.9, 2.5), (13.3, 2.9), (11.9, 3.3), (10.6, 3.9), (9.75, 4.75),
    (9.5, 5.65), (9.1, 6.4), (8.4, 6.7), (7.72, 6.35), (7.35, 5.6), (6.85, 5.15),
    (6.2, 5.3), (5.65, 6.0), (5.15, 6.95), (4.6, 7.85), (3.95, 8.65), (3.35, 9.45), (2.5, 10.5),
]  # fmt: skip
# Heads first; the last point lies on the valley that it joins (or in the sea).
_TRIBUTARIES = {
    "Aubrette": [(15.6, 6.9), (13.9, 6.4), (12.3, 5.75), (10.9, 5.1), (9.7, 4.85)],
    "Sorlon": [(12.9, 10.7), (11.6, 9.6), (10.4, 8.6), (9.4, 7.6), (8.7, 6.62)],
    "Vaudelle": [(7.5, 10.7), (6.85, 9.4), (6.0, 8.4), (4.95, 7.3)],
    "Morvaine": [(7.4, 0.9), (7.4, 2.3), (7.05, 3.7), (6.85, 5.15)],
    "Lisonne": [(1.4, 3.5), (2.8, 4.3), (4.2, 4.9), (5.75, 5.85)],
    "Fontgrise": [(11.8, 0.1), (11.7, 1.4), (11.5, 2.5), (11.75, 3.35)],
    "Grandval": [(15.9, 9.9), (14.9, 8.4), (14.1, 7.3), (13.5, 6.25)],
    "Ru des Aulnes": [(3.6, 1.1), (3.75, 2.7), (3.5, 3.9), (4.0, 4.82)],
    "Combe Noire": [(14.7, 0.3), (14.35, 1.5), (14.1, 2.65)],
    "Valleuse d'Oudre": [(2.3, 5.2), (1.3, 6.3), (0.6, 7.3)],
    "Valleuse du Gal": [(10.7, 11.2), (9.5, 11.7), (8.0, 13.0)],
}
_DRY = {"Combe Noire", "Valleuse d'Oudre", "Valleuse du Gal", "Ru des Aulnes"}
_COAST = [
    (-1.0, 5.4), (0.0, 6.35), (0.95, 7.05), (1.9, 8.05), (2.75, 9.1), (3.45, 9.72),
    (4.3, 10.1), (5.4, 10.75), (6.9, 11.8), (8.5, 12.55), (9.4, 13.4), (10.2, 14.5),
]  # fmt: skip
SPUR = (8.45, 5.55)


def to_world(points: object) -> NDArray[np.float64]:
    """Kilometres from the south-west corner to EPSG:2154."""
    return np.asarray(points, float) * 1000 + np.asarray(_ORIGIN)


@dataclass
class Relief:
    """The land before people: heights, water, sea."""

    grid: Grid
    terrain: NDArray[np.float32]
    sea: NDArray[np.bool_]
    water: NDArray[np.bool_]
    land: shapely.Polygon
    river_polygon: shapely.Polygon
    river: shapely.LineString
    river_level: NDArray[np.float64]
    streams: dict[str, Channel]
    coast: shapely.LineString
    jetties: shapely.MultiPolygon
    basin: shapely.Polygon
    valley: NDArray[np.float32]
    slope: NDArray[np.float32]


def mainland_relief(seed: int) -> Relief:
    """Draw the mainland's relief (see :class:`Relief`), EPSG:2154, 5 m."""
    grid = MAINLAND_GRID
    coarse = grid.coarse(4)
    rng = generator(seed, 1)
    x, y = coarse.mesh()
    u, v = (x - _ORIGIN[0]) / 1000, (y - _ORIGIN[1]) / 1000

    coast_xy = smooth_curve(to_world(_COAST), 20.0)
    wiggle = ndimage.gaussian_filter1d(rng.standard_normal(len(coast_xy)), 6) * 190
    mouth = to_world([(3.35, 9.45)])[0]
    wiggle *= np.clip(np.hypot(*(coast_xy - mouth).T) / 900, 0.05, 1)
    coast_xy = coast_xy + normals(coast_xy) * wiggle[:, None]
    coast = shapely.LineString(coast_xy)
    west, south, east, north = grid.bounds
    land = shapely.Polygon([*coast_xy, (east + 3e3, north + 3e3), (east + 3e3, south - 3e3),
                            (west - 3e3, south - 3e3)])  # fmt: skip
    land = shapely.intersection(shapely.make_valid(land), shapely.box(*grid.bounds))
    land = max(shapely.get_parts(land), key=shapely.area)

    top = 74 + 3.6 * u - 2.2 * v + 10 * fractal_noise(rng, coarse.shape, coarse.step, 3200, 4)
    top += 22 / (1 + np.exp(-(u - 11.5 - 0.4 * (v - 6)) * 1.3))

    def plateau(px: float, py: float) -> float:
        row, col = coarse.index(np.array([px]), np.array([py]))
        return float(top[row[0], col[0]])

    axis = smooth_curve(to_world(_TRUNK), 10.0)
    s = np.linspace(0, 1, len(axis))
    level_axis = 18.0 * (1 - s) ** 1.25 + 0.15 * (1 - s)
    spur = to_world([SPUR])[0]
    near_spur = np.exp(-((np.hypot(*(axis - spur).T) / 1500) ** 4))
    widening = np.clip((s - 0.6) / 0.4, 0, 1)
    flat = 270 + 110 * np.sin(s * 19) * (1 - near_spur) - 110 * near_spur + 110 * widening
    trunk = Channel(axis, level_axis + 0.9, flat, 430 + 150 * widening - 60 * near_spur)

    streams: dict[str, Channel] = {}
    for name, points in _TRIBUTARIES.items():
        xy = smooth_curve(to_world(points), 10.0)
        swing = ndimage.gaussian_filter1d(rng.standard_normal(len(xy)), 22) * 760
        xy = xy + normals(xy) * (swing * np.sin(np.linspace(0, np.pi, len(xy))) ** 0.5)[:, None]
        t = np.linspace(1, 0, len(xy))
        joined = streams["Aubrette"] if name == "Grandval" else trunk
        joined = streams["Lisonne"] if name == "Ru des Aulnes" else joined
        if name.startswith("Valleuse"):
            low = 5.0
        else:
            low = float(joined.floor[KDTree(joined.xy).query(xy[-1])[1]])
        high = max(plateau(*xy[0]) - 10, low + 20)
        bottom = low + (high - low) * t**1.55
        streams[name] = Channel(
            xy, bottom, 22 + 60 * (1 - t) ** 2, 250 + 120 * (1 - t), 0.0 if name in _DRY else 5.0
        )
    dry = branches([*streams.values(), trunk], plateau, rng, 46, 330)

    off = np.hypot(x - spur[0], y - spur[1])
    calm = 0.17 + 0.83 * np.clip((off - 850) / 900, 0, 1) ** 1.2
    calm = np.where(v > 5.0, calm, np.maximum(calm, np.clip((5.0 - v) / 1.5, 0, 1)))
    land_height = valleys(x, y, top, [trunk, *streams.values(), *dry], calm)
    land_height = ndimage.gaussian_filter(land_height, 1.6).astype(np.float32)
    rough = fractal_noise(rng, coarse.shape, coarse.step, 500, 4)
    # The plain stays flat: small relief grows with height above the river.
    river_height = axis_level(x, y, axis, level_axis)
    above = np.clip((land_height - river_height - 1.2) / 25, 0, 1)
    land_height += (2.2 * above + 0.22) * rough
    land_height = np.maximum(land_height, river_height + 0.45)

    terrain = coarse.refine(land_height, 4)
    sea = grid.burn(land, 1, 0, "uint8") == 0
    inland = ndimage.distance_transform_edt(~sea).astype(np.float32) * grid.step
    offshore = ndimage.distance_transform_edt(inland[::2, ::2] == 0) * grid.step * 2
    del offshore
    # A cliff is undercut at its foot: 6 m of beach, then up within some 30 m.
    foot = np.minimum(terrain, 0.3 + inland * 0.11)
    cliff = np.clip((inland - 22) / 30, 0, 1)
    terrain = np.where(inland < 60, foot + np.maximum(terrain - foot, 0) * cliff, terrain)
    terrain[sea] = 0

    amplitude = np.minimum(0.42 * flat, 150) * (1 - 0.75 * near_spur) * (1 - 0.8 * widening**2)
    amplitude *= np.clip((1 - s) / 0.06, 0, 1)
    river_xy = meandering(axis, amplitude, 1050, rng)
    level = axis_level(river_xy[:, 0], river_xy[:, 1], axis, level_axis)
    level = np.minimum.accumulate(level - np.linspace(0, 0.02, len(level)))
    level = np.maximum(level, 0.0)
    t = np.linspace(0, 1, len(river_xy))
    half = 10 + 9 * t + 34 * np.clip((t - 0.86) / 0.14, 0, 1) ** 1.5
    n = normals(river_xy)
    river_polygon = shapely.make_valid(
        shapely.Polygon(
            np.vstack([river_xy + n * half[:, None], (river_xy - n * half[:, None])[::-1]])
        )
    )
    river_polygon = shapely.buffer(river_polygon, 0).intersection(land)
    if river_polygon.geom_type != "Polygon":
        river_polygon = max(shapely.get_parts(river_polygon), key=shapely.area)
    basin, jetties = _harbour(river_xy, half, land)
    river_polygon = shapely.union(river_polygon, shapely.intersection(basin, land), grid_size=0.01)
    wet = grid.burn(river_polygon, 1, 0, "uint8") == 1
    near = ndimage.distance_transform_edt(~wet).astype(np.float32) * grid.step
    surface = coarse.refine(axis_level(x, y, river_xy, level).astype(np.float32), 4)
    bank = np.clip(near / 14, 0, 1)
    # Banks, with a low levee that the river has built.
    levee = 0.35 * np.exp(-(((near - 30) / 25) ** 2))
    banked = surface + 0.1 + np.maximum(terrain + levee - surface - 0.1, 0.25) * bank
    terrain = np.where(near < 90, np.where(sea, 0, banked), terrain).astype(np.float32)
    terrain[wet] = surface[wet]
    river = shapely.LineString(river_xy)

    water = wet.copy()
    for channel in streams.values():
        if channel.stream:
            body = channel.xy[int(0.22 * len(channel.xy)) :]
            course = shapely.LineString(
                body
                + normals(body)
                * (ndimage.gaussian_filter1d(rng.standard_normal(len(body)), 6) * 55)[:, None]
            )
            bed = grid.burn(shapely.buffer(course, channel.stream / 2 + 1), 1, 0, "uint8") == 1
            bed &= ~wet & ~sea
            water |= bed
            local = ndimage.minimum_filter(terrain, 5)
            terrain[bed] = local[bed] - 0.4
    pier = grid.burn(jetties, 1, 0, "uint8") == 1
    pier &= ~wet
    terrain[pier] = 4.2
    sea &= ~pier
    gy, gx = np.gradient(terrain[::4, ::4], 20.0)
    slope = np.hypot(gx, gy).astype(np.float32)
    valley = (land_height - river_height).astype(np.float32)
    return Relief(grid, terrain, sea, water, land, river_polygon, river, level, streams, coast,
                  jetties, basin, valley, slope)  # fmt: skip


def _harbour(
    river_xy: NDArray[np.float64], half: NDArray[np.float64], land: shapely.Polygon
) -> tuple[shapely.Polygon, shapely.MultiPolygon]:
    """Basin on the right bank at the river's mouth, and two jetties into the sea."""
    on_land = shapely.contains_xy(land, *river_xy.T)
    end = int(np.flatnonzero(on_land)[-1])
    mouth = river_xy[end]
    out = river_xy[end] - river_xy[end - 20]
    out /= np.hypot(*out)
    right = np.array([out[1], -out[0]])
    w = half[end]
    a = mouth - out * 90 + right * (w * 0.6)
    corners = [a, a + right * 260, a + right * 260 - out * 130, a - out * 130]
    basin = shapely.Polygon(corners)
    jetties = []
    for side, length in ((-1, 260), (1, 330)):
        start = mouth + right * side * (w + 8) - out * 40
        bend = start + out * length * 0.6
        tip = bend + out * length * 0.4 - right * side * 22
        jetties.append(shapely.LineString([start, bend, tip]).buffer(6.5))
    return basin, shapely.MultiPolygon(jetties)


def axis_level(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    axis: NDArray[np.float64],
    level: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Water level (m) at the nearest point of a line of known level."""
    points = np.column_stack([np.ravel(x), np.ravel(y)])
    return level[KDTree(axis).query(points)[1]].reshape(np.shape(x))
