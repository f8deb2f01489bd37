"""The mainland put together: relief, roads, parcels, buildings, land cover."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import ndtr

from .ground import Cover, Ground, fractal_noise, generator
from .parcels import mainland_parcels
from .relief import MAINLAND_CRS, Relief, mainland_relief, to_world
from .roads import PLACES, mainland_roads
from .town import STREET_HALF, mainland_buildings

__all__ = ["GARDENS", "mainland", "patchwork", "street_lines", "tree_heights"]

#: Ground between the buildings: shares of mineral, bare soil, grass, trees.
GARDENS: dict[str, tuple[float, float, float, float]] = {
    "old": (0.80, 0.03, 0.09, 0.08), "c19": (0.50, 0.03, 0.29, 0.18),
    "terrace": (0.32, 0.03, 0.47, 0.18), "suburb": (0.18, 0.02, 0.58, 0.22),
    "towers": (0.36, 0.02, 0.42, 0.20), "business": (0.58, 0.05, 0.33, 0.04),
    "village": (0.22, 0.04, 0.50, 0.24), "park": (0.08, 0.01, 0.50, 0.41),
    "sports": (0.10, 0.05, 0.80, 0.05), "yard": (0.92, 0.05, 0.03, 0.0),
    "quarry": (0.03, 0.91, 0.05, 0.01), "quay": (0.9, 0.05, 0.05, 0.0),
}  # fmt: skip

# Parcels with a use of their own, by the place (km) where they lie.
_SPECIAL = [
    ("park", 8.05, 6.2), ("park", 8.85, 5.3), ("park", 10.3, 6.4), ("sports", 9.05, 5.2),
    ("sports", 10.75, 7.35), ("park", 8.55, 5.05), ("yard", 8.95, 4.75), ("yard", 11.8, 8.6),
    ("quarry", 12.7, 9.6), ("quarry", 12.9, 9.7), ("lake", 6.1, 5.9), ("lake", 6.3, 5.75),
    ("lake", 11.2, 3.85), ("sports", 4.25, 9.0), ("quarry", 6.0, 1.2),
]  # fmt: skip


def patchwork(
    kinds: NDArray, block_id: NDArray[np.int32], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Yards and gardens: patches a few cells wide, in each block's own proportions.

    Returns 255 where the kind of block says nothing.
    """
    n = len(kinds)
    shares = np.zeros((n, 4), np.float32)
    for kind, share in GARDENS.items():
        shares[kinds == kind] = share
    told = shares.sum(1) > 0
    shares *= np.exp(rng.normal(0, 0.28, shares.shape)).astype(np.float32)
    shares /= np.maximum(shares.sum(1, keepdims=True), 1e-6)
    limits = np.cumsum(shares, axis=1)
    noise = ndimage.gaussian_filter(rng.standard_normal(block_id.shape, dtype=np.float32), 1.0)
    value = ndtr(noise / noise.std())
    cover = np.full(block_id.shape, 255, np.uint8)
    mask = (block_id >= 0) & told[block_id]
    ids, u = block_id[mask], value[mask]
    step = (u[:, None] > limits[ids, :3]).sum(1)
    classes = np.array([Cover.MINERAL, Cover.BARE, Cover.GRASS, Cover.TREE], np.uint8)
    cover[mask] = classes[step]
    return cover


def street_lines(blocks: gpd.GeoDataFrame, kinds: set[str]) -> gpd.GeoDataFrame:
    """Streets: the middle lines between blocks, each once."""
    chosen = blocks[blocks["kind"].isin(kinds)]
    width = chosen["kind"].map(STREET_HALF).fillna(4.0) * 2
    edges = shapely.get_parts(shapely.union_all(shapely.boundary(chosen.geometry.values)))
    middle = shapely.line_interpolate_point(edges, 0.5, normalized=True)
    _, near = chosen.sindex.nearest(middle, return_all=False)
    return gpd.GeoDataFrame(
        {"kind": "street", "width": width.to_numpy()[near]}, geometry=edges, crs=blocks.crs
    )


def tree_heights(
    cover: NDArray[np.uint8], wood: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Height (m) of the vegetation above the ground."""
    bumps = rng.standard_normal(cover.shape, dtype=np.float32)
    height = np.zeros(cover.shape, np.float32)
    tree = cover == Cover.TREE
    height[tree] = np.clip(7.5 + 2.2 * bumps[tree], 3, 14)
    height[tree & wood] = np.clip(16 + 3.0 * bumps[tree & wood], 7, 27)
    shrub = cover == Cover.SHRUB
    height[shrub] = np.clip(1.8 + 0.6 * bumps[shrub], 0.6, 4)
    return height


def _ponds(parcels: object) -> NDArray:
    """Open water inside a parcel, with soft corners."""
    return shapely.buffer(shapely.buffer(np.asarray(parcels), -32), 20)


def _specials(blocks: gpd.GeoDataFrame) -> None:
    """Give parks, sports grounds, a station yard, quarries and ponds their parcels."""
    for kind, u, v in _SPECIAL:
        where = shapely.points(*to_world([(u, v)])[0])
        rural = kind in ("quarry", "lake")
        fits = (
            (blocks["kind"] == "field")
            if rural
            else ~blocks["kind"].isin(["field", "river", "wood"])
        )
        if kind == "sports":
            fits |= blocks["kind"] == "field"
        candidates = blocks.index[fits & (blocks.area > 4000)]
        distance = shapely.distance(blocks.geometry.values[candidates], where)
        blocks.loc[candidates[int(np.argmin(distance))], "kind"] = kind


def mainland(seed: int) -> Ground:
    """Draw the mainland (see :class:`~eo_helpers.demo.ground.Ground`)."""
    relief = mainland_relief(seed)
    roads = mainland_roads(relief, seed)
    parcels = mainland_parcels(relief, roads, seed)
    blocks = parcels.table
    _specials(blocks)
    grid = relief.grid
    rng = generator(seed, 5)
    lakes = blocks.geometry.values[(blocks["kind"] == "lake").to_numpy()]
    wet = shapely.union_all([relief.river_polygon, *_ponds(lakes)])
    centre = to_world([PLACES["centre"]])[0]
    parishes = ["centre", "suburb", "port", "village-sud", "village-ouest", "forest", "cote",
                "nord", "est", "clairiere"]  # fmt: skip
    churches = to_world([PLACES[p] for p in parishes]) + np.array([30.0, 34.0])
    buildings = mainland_buildings(blocks, tuple(centre), churches, wet, seed)

    block_id = grid.burn(blocks.geometry.values, np.arange(len(blocks)), -1, "int32")
    kinds = blocks["kind"].to_numpy()
    cover = _cover(relief, blocks, block_id, kinds, rng)
    streets = street_lines(blocks, set(STREET_HALF))
    every = gpd.GeoDataFrame(
        {
            "kind": np.concatenate([streets["kind"], roads["kind"]]),
            "width": np.concatenate([streets["width"], roads["width"]]),
        },
        geometry=np.concatenate([streets.geometry.values, roads.geometry.values]),
        crs=MAINLAND_CRS,
    )
    paved = shapely.buffer(every.geometry.values, every["width"].to_numpy() / 2)
    on_road = grid.burn(paved, 1, 0, "uint8") == 1
    cover[on_road & ~relief.sea] = Cover.MINERAL
    pond = grid.burn(_ponds(lakes), 1, 0, "uint8") == 1
    cover[pond] = Cover.WATER
    quay = grid.burn(shapely.union(relief.jetties, shapely.buffer(relief.basin, 28)), 1) == 1
    # A bridge carries the road over; elsewhere water stays water.
    cover[quay & ~relief.sea & ~relief.water] = Cover.MINERAL
    cover[relief.water & ~on_road] = Cover.WATER
    cover[relief.sea] = Cover.SEA
    height = tree_heights(cover, kinds[block_id] == "wood", rng)
    burnt = grid.burn(buildings.geometry.values, buildings["height"].to_numpy(), 0, "float32")
    house = (burnt > 0) & ~relief.water & ~relief.sea & ~pond
    cover[house] = Cover.BUILDING
    height[house] = burnt[house]
    height[cover == Cover.MINERAL] = 0
    terrain = relief.terrain
    for lake in lakes:
        hole = grid.burn(_ponds(lake), 1, 0, "uint8") == 1
        if hole.any():
            terrain[hole] = np.percentile(terrain[hole], 5) - 0.9
    blocks["insee"] = blocks["insee"].astype(str)
    places = {name: tuple(to_world([spot])[0]) for name, spot in PLACES.items()}
    places["harbour"] = tuple(shapely.get_coordinates(relief.basin.centroid)[0])
    return Ground("ervelle", MAINLAND_CRS, grid, terrain, cover, height, blocks, block_id,
                  buildings, every, parcels.communes, places, relief.river,
                  relief.river_level)  # fmt: skip


def _cover(
    relief: Relief,
    blocks: gpd.GeoDataFrame,
    block_id: NDArray[np.int32],
    kinds: NDArray,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Land cover before roads and buildings."""
    grid = relief.grid
    middle = shapely.get_coordinates(shapely.point_on_surface(blocks.geometry.values))
    row, col = grid.coarse(4).index(*middle.T)
    low, steep = relief.valley[row, col] < 2.6, relief.slope[row, col] > 0.07
    bocage = np.hypot(*(middle - to_world([(4.2, 2.9)])[0]).T) < 4300
    meadow = low | (rng.random(len(kinds)) < np.where(steep, 0.75, np.where(bocage, 0.45, 0.14)))
    base = np.full(len(kinds), Cover.CROP, np.uint8)
    base[meadow] = Cover.GRASS
    clifftop = shapely.distance(blocks.geometry.values, relief.coast) < 60
    base[clifftop & (kinds == "field")] = Cover.GRASS
    base[kinds == "wood"] = Cover.TREE
    base[kinds == "river"] = Cover.WATER
    base[kinds == "lake"] = Cover.GRASS
    cover = np.where(block_id >= 0, base[block_id], Cover.GRASS).astype(np.uint8)
    garden = patchwork(kinds, block_id, rng)
    cover = np.where(garden == 255, cover, garden)
    # Clearings and glades in the woods; scattered trees along the streams.
    holes = fractal_noise(rng, grid.coarse(2).shape, 10.0, 260, 3)
    holes = holes.repeat(2, 0).repeat(2, 1)
    glade = (cover == Cover.TREE) & (kinds[block_id] == "wood") & (holes > 1.45)
    cover[glade] = Cover.SHRUB
    bank = ndimage.binary_dilation(relief.water, iterations=3) & ~relief.water
    cover[bank & np.isin(cover, [Cover.GRASS, Cover.CROP]) & (holes > -0.2)] = Cover.TREE
    # Hedges round the meadows and all over the bocage.
    shapes = np.asarray(blocks.geometry.values)
    hedged = (kinds == "field") & (bocage | (meadow & (rng.random(len(kinds)) < 0.5)))
    edges = shapely.boundary(shapes[hedged])
    line = grid.burn(edges, 1, 0, "uint8") == 1
    whole = fractal_noise(rng, grid.coarse(4).shape, 20.0, 300, 2).repeat(4, 0).repeat(4, 1) > -0.5
    cover[line & whole & np.isin(cover, [Cover.GRASS, Cover.CROP])] = Cover.TREE
    # Heath on the cliffs and their edge.
    cliff = ndimage.binary_dilation(relief.sea[::4, ::4], iterations=6).repeat(4, 0).repeat(4, 1)
    heath = cliff & (holes > 0.1) & (cover == Cover.GRASS)
    cover[heath] = Cover.SHRUB
    # Shingle at the foot of the cliffs, sand where the valley meets the sea.
    shore = ndimage.binary_dilation(relief.sea[::2, ::2], iterations=6)
    shore = shore.repeat(2, 0).repeat(2, 1) & (relief.terrain < 5.5) & ~relief.sea
    cover[shore] = Cover.BARE
    return cover
