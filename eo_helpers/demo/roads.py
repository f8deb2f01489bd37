"""Roads: the way of least effort between places, over slopes, plain and bridges."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage
from skimage.graph import MCP_Geometric

from .ground import fractal_noise, generator
from .relief import Relief, to_world

__all__ = ["PLACES", "effort", "mainland_roads", "travel"]

#: Places of the mainland, kilometres from the south-west corner.
PLACES: dict[str, tuple[float, float]] = {
    "centre": (8.45, 5.75),
    "station": (8.75, 4.85),
    "towers": (10.55, 5.95),
    "suburb": (10.95, 7.75),
    "business": (12.1, 8.35),
    "port": (4.05, 9.3),
    "village-sud": (5.3, 2.3),
    "village-ouest": (2.3, 2.3),
    "hameau-bas": (4.75, 4.45),
    "hameau-haut": (8.6, 1.5),
    "cote": (6.6, 10.6),
    "forest": (13.15, 4.2),
    "clairiere": (14.3, 5.4),
    "nord": (9.2, 10.2),
    "faubourg": (8.95, 7.35),
    "rive": (9.95, 5.35),
    "moulin": (7.05, 6.7),
    "pont-bas": (5.95, 6.75),
    "pont-haut": (11.9, 2.75),
    "ouest-cote": (1.6, 6.9),
    "est": (14.7, 8.9),
}
_EXITS = {"E": (15.98, 8.2), "S": (9.4, 0.02), "N": (11.3, 12.98), "SE": (15.98, 2.9),
          "W": (0.02, 4.6), "SW": (3.0, 0.02), "NE": (15.98, 11.9)}  # fmt: skip
# Drawn in this order; a later road takes an earlier one where it can.
_ROADS = [
    ("E", "business", "national"), ("business", "suburb", "national"),
    ("suburb", "faubourg", "main"), ("faubourg", "centre", "main"),
    ("centre", "station", "main"), ("station", "S", "national"),
    ("suburb", "N", "national"), ("suburb", "port", "national"), ("centre", "port", "main"),
    ("towers", "rive", "main"), ("rive", "centre", "main"),
    ("towers", "suburb", "main"), ("towers", "station", "main"),
    ("station", "forest", "main"),
    ("forest", "SE", "main"), ("station", "hameau-bas", "main"), ("hameau-bas", "village-ouest",
    "main"), ("station", "village-sud", "main"), ("village-sud", "village-ouest", "main"),
    ("village-ouest", "SW", "main"), ("village-ouest", "W", "main"), ("hameau-haut", "S", "main"),
    ("hameau-haut", "village-sud", "main"), ("port", "cote", "main"), ("cote", "nord", "main"),
    ("nord", "suburb", "main"), ("port", "ouest-cote", "main"), ("ouest-cote", "W", "main"),
    ("forest", "clairiere", "main"), ("clairiere", "est", "main"), ("est", "business", "main"),
    ("est", "NE", "main"), ("hameau-bas", "ouest-cote", "main"), ("clairiere", "towers", "main"),
    ("hameau-haut", "forest", "main"), ("nord", "N", "main"), ("cote", "suburb", "main"),
    ("centre", "hameau-bas", "main"), ("centre", "moulin", "main"), ("moulin", "port", "main"),
    ("pont-bas", "hameau-bas", "main"), ("pont-bas", "moulin", "main"),
    ("hameau-haut", "pont-haut", "main"), ("pont-haut", "forest", "main"),
    ("faubourg", "port", "main"),
]  # fmt: skip


def effort(relief: Relief, factor: int = 8) -> NDArray[np.float64]:
    """Cost of walking one metre on the grid ``factor`` times coarser than the ground's."""
    f = factor
    z = ndimage.gaussian_filter(relief.terrain[::f, ::f], 1.0)
    gy, gx = np.gradient(z, relief.grid.step * f)
    slope = np.hypot(gx, gy)
    cost = 1 + (slope / 0.055) ** 2
    near_water = ndimage.maximum_filter(relief.water, f)[::f, ::f]
    plain = (relief.valley[:: f // 4, :: f // 4] < 2.4)[: z.shape[0], : z.shape[1]]
    cost = np.where(plain, cost * 1.7, cost)
    cost = np.where(near_water, np.maximum(cost, 1) * 3.5, cost)
    big = ndimage.binary_dilation(
        relief.grid.coarse(f).burn(relief.river_polygon, 1, all_touched=True) == 1
    )
    cost = np.where(big, 5.5, cost)
    sea = ndimage.binary_dilation(relief.sea[::f, ::f], iterations=3)
    cost[sea] = np.where(relief.valley[::f // 4, ::f // 4][: z.shape[0], : z.shape[1]][sea] < 3,
                         6.0, 60.0)  # fmt: skip
    cost[relief.sea[::f, ::f]] = -1
    return cost


def travel(relief: Relief, cost: NDArray[np.float64], start: tuple[float, float],
           factor: int = 8) -> NDArray[np.float64]:  # fmt: skip
    """Effort (m) from a place to everywhere."""
    row, col = relief.grid.coarse(factor).index(*to_world([start]).T)
    step = relief.grid.step * factor
    field, _ = MCP_Geometric(cost, sampling=(step, step)).find_costs([(row[0], col[0])])
    return field


def _smooth(xy: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    if len(xy) < 4:
        return xy
    even = shapely.LineString(xy)
    n = max(int(even.length / 20), 4)
    points = shapely.get_coordinates(
        shapely.line_interpolate_point(even, np.linspace(0, even.length, n + 1))
    )
    smooth = ndimage.gaussian_filter1d(points, sigma, axis=0, mode="nearest")
    w = np.clip(np.minimum(np.arange(n + 1), np.arange(n + 1)[::-1]) / (2 * sigma), 0, 1)[:, None]
    return points * (1 - w) + smooth * w


def mainland_roads(relief: Relief, seed: int) -> gpd.GeoDataFrame:
    """Draw the roads between the places: ``kind`` (national, main), ``width`` (m)."""
    factor = 8
    cost = effort(relief, factor)
    grid = relief.grid.coarse(factor)
    step = grid.step
    spots = {**PLACES, **_EXITS}
    rng = generator(seed, 2)
    bumps = np.exp(0.45 * fractal_noise(rng, cost.shape, grid.step, 700, 3))
    cost = np.where((cost > 0) & (cost < 60), cost * bumps, cost)
    taken = np.zeros(cost.shape, bool)
    lines, kinds = [], []
    for start, end, kind in _ROADS:
        now = np.where(taken & (cost > 0), np.minimum(cost, 3.0) * 0.5, cost)
        sr, sc = grid.index(*to_world([spots[start]]).T)
        er, ec = grid.index(*to_world([spots[end]]).T)
        path_finder = MCP_Geometric(now, sampling=(step, step))
        path_finder.find_costs([(sr[0], sc[0])], [(er[0], ec[0])])
        path = np.array(path_finder.traceback((er[0], ec[0])))
        fresh = ~taken[path[:, 0], path[:, 1]]
        x, y = grid.centres()
        xy = np.column_stack([x[path[:, 1]], y[path[:, 0]]])
        # Only the new stretches, tied to the road that they leave or meet.
        edges = np.flatnonzero(np.diff(np.concatenate([[0], fresh.astype(int), [0]])))
        for first, last in edges.reshape(-1, 2):
            stretch = xy[max(first - 1, 0) : min(last + 1, len(xy))]
            if len(stretch) > 2:
                lines.append(shapely.LineString(stretch))
                kinds.append(kind)
        taken[path[:, 0], path[:, 1]] = True
    # Smooth each stretch; its ends stay, so that junctions hold.
    smooth = [shapely.LineString(_smooth(shapely.get_coordinates(line), 4.5)) for line in lines]
    width = [11.0 if kind == "national" else 7.0 for kind in kinds]
    return gpd.GeoDataFrame({"kind": kinds, "width": width}, geometry=smooth, crs="EPSG:2154")
