"""Trees, hedges and lawns of the town one by one: what a lidar and an infrared photograph see.

The 5 m ground says where there are trees, shrubs and grass; here they get crowns, at 1 m. Every
crown belongs to an object whose form is known because it was planted as such, street trees and
garden hedges included (which the 5 m ground does not hold).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import rasterio.features
import shapely
from numpy.typing import NDArray
from scipy import ndimage

from .canopy_image import infrared
from .ground import Cover, Grid, Ground, generator
from .rasters import write_tiff
from .town import STREET_HALF

__all__ = ["Canopy", "canopy", "write_canopy"]

#: Size of the piece of town, m, and where its south-west corner lies from the centre.
_SIZE, _CORNER = (2200.0, 1600.0), (-700.0, -900.0)
STEP = 1.0
#: Grass under this area (m²) is no object of its own.
_TUFT = 25.0
#: Forms of Green Urban Sat, by code of the truth.
FORMS = ("", "AI", "AA", "BOA", "AuI", "AAu", "BOAu", "PR", "C", "PE")
_GARDENS = ("old", "c19", "terrace", "suburb", "towers", "village", "park", "business")


@dataclass
class Canopy:
    """The piece of town at 1 m.

    Attributes
    ----------
    grid : Grid
    height : float32
        Height above ground of vegetation and buildings, m, without noise.
    stratum : uint8
        0 none, 1 herbacée, 2 arbustive, 3 arborée.
    owner : int32
        Object of each cell, 0 for none; ``form[owner]`` is its place in :data:`FORMS`.
    form : uint8 array
    cover : uint8
        Cover of the ground below, from the 5 m ground and exact footprints.
    """

    grid: Grid
    height: NDArray[np.float32]
    stratum: NDArray[np.uint8]
    owner: NDArray[np.int32]
    form: NDArray[np.uint8]
    cover: NDArray[np.uint8]


class _Planter:
    """Remembers crowns, then paints them all; the tallest wins."""

    def __init__(self, grid: Grid, free: NDArray[np.bool_]) -> None:
        self.grid, self.free = grid, free
        self.form = [0]
        self.crowns: list[tuple[float, float, float, float, int]] = []

    def new(self, form: str) -> int:
        self.form.append(FORMS.index(form))
        return len(self.form) - 1

    def crown(self, x: float, y: float, radius: float, tall: float, owner: int) -> None:
        """A crown whose edge is at two thirds of its height."""
        self.crowns.append((x, y, radius, tall, owner))

    def paint(self) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """Height and owner of every cell."""
        g = self.grid
        x, y, radius, tall, owner = np.array(self.crowns).T
        reach = int(np.ceil(radius.max() / g.step))
        col, row = ((x - g.west) / g.step).astype(int), ((g.north - y) / g.step).astype(int)
        dr, dc = (d.ravel() for d in np.mgrid[-reach : reach + 1, -reach : reach + 1])
        height, own = np.zeros(g.shape, np.float32), np.zeros(g.shape, np.int32)
        cells, tops, owners = [], [], []
        for down, right in zip(dr, dc, strict=True):
            r, c = row + down, col + right
            far = (g.north - (r + 0.5) * g.step - y) ** 2 + (g.west + (c + 0.5) * g.step - x) ** 2
            far = far / radius**2
            keep = (far <= 1) & (r >= 0) & (c >= 0) & (r < g.rows) & (c < g.cols)
            cells.append(r[keep] * g.cols + c[keep])
            tops.append((tall * (1 - 0.35 * far))[keep])
            owners.append(owner[keep])
        top = np.concatenate(tops)
        order = np.argsort(top, kind="stable")
        cell = np.concatenate(cells)[order]
        height.ravel()[cell] = top[order]
        own.ravel()[cell] = np.concatenate(owners)[order]
        height[~self.free], own[~self.free] = 0, 0
        return height, own


def canopy(ground: Ground, seed: int) -> Canopy:
    """Plant the town (see :class:`Canopy`)."""
    rng = generator(seed, 90)
    x0, y0 = ground.places["centre"]
    west, south = x0 + _CORNER[0], y0 + _CORNER[1]
    cell = ground.grid.step
    col, row = round((west - ground.grid.west) / cell), round((ground.grid.north - south) / cell)
    rows, cols = round(_SIZE[1] / cell), round(_SIZE[0] / cell)
    box = (slice(row - rows, row), slice(col, col + cols))
    factor = round(cell / STEP)
    grid = Grid(
        ground.grid.west + col * cell, ground.grid.north - (row - rows) * cell, STEP,
        rows * factor, cols * factor,
    )  # fmt: skip
    cover5, block5 = ground.cover[box], ground.block_id[box]
    kinds = np.append(ground.blocks["kind"].to_numpy(), "")[block5]
    cover = cover5.repeat(factor, 0).repeat(factor, 1)
    # Footprints are drawn exactly; what the 5 m cells had of them becomes yard.
    houses = _near(ground.buildings, grid)
    built = grid.burn(houses.geometry.values, houses["height"].to_numpy(), 0, "float32")
    cover[(cover == Cover.BUILDING) & (built == 0)] = Cover.MINERAL
    cover[built > 0] = Cover.BUILDING
    free = (built == 0) & ~np.isin(cover, [Cover.WATER, Cover.SEA])
    plant = _Planter(grid, free)

    grass5 = cover5 == Cover.GRASS
    _shrubs(plant, rng, ground, grid, cell, cover5, grass5 & np.isin(kinds, _GARDENS))
    _groves(plant, rng, grid, cell, cover5 == Cover.TREE, kinds)
    _avenues(plant, rng, ground, grid, ndimage.binary_dilation(cover5 == Cover.TREE), built, cell)

    # What was trees on the coarse ground and has no crown is lawn below them.
    lawn = (cover == Cover.TREE) | (cover == Cover.SHRUB)
    cover[lawn] = Cover.GRASS
    crowns, planted = plant.paint()
    woody = planted > 0
    tall = np.isin(np.array(plant.form, np.uint8)[planted], (1, 2, 3))
    stratum = np.where(woody, np.where(tall, 3, 2), 0).astype(np.uint8)
    green = ~woody & free & np.isin(cover, [Cover.GRASS, Cover.CROP])
    form_of = kinds.repeat(factor, 0).repeat(factor, 1)
    owner, form = _meadows(planted, plant.form, green, cover, form_of)
    stratum[green] = 1
    height = np.where(built > 0, built, crowns).astype(np.float32)
    for name, tall_grass in (("PR", 0.35), ("C", 0.6), ("PE", 0.05)):
        height[green & (form[owner] == FORMS.index(name))] = tall_grass
    return Canopy(grid, height, stratum, owner, form, cover)


def _near(table: gpd.GeoDataFrame, grid: Grid) -> gpd.GeoDataFrame:
    return table.iloc[table.sindex.query(shapely.box(*grid.bounds), predicate="intersects")]


def _spots(grid: Grid, cell: float, mask: NDArray[np.bool_]) -> tuple[NDArray, NDArray]:
    """Centres of the coarse cells of a mask."""
    r, c = np.nonzero(mask)
    return np.asarray(grid.west + (c + 0.5) * cell), np.asarray(grid.north - (r + 0.5) * cell)


def _groves(
    plant: _Planter, rng: np.random.Generator, grid: Grid, cell: float, tree: NDArray[np.bool_],
    kinds: NDArray,
) -> None:  # fmt: skip
    """Trees of gardens, parks and woods; hedgerows of the fields."""
    # As in the topographic base: a wood is 15 m wide at least, what is narrower is a hedge.
    hedge = tree & (kinds == "field") & ~ndimage.binary_opening(tree, np.ones((3, 3)))
    grove = tree & ~hedge
    labels, count = ndimage.label(grove)
    size = np.bincount(labels.ravel(), minlength=count + 1)
    x, y = _spots(grid, cell, grove)
    which = labels[grove]
    wood = kinds[grove] == "wood"
    owners: dict[int, int] = {}
    done: set[int] = set()
    for xi, yi, k, is_wood in zip(x, y, which, wood, strict=True):
        if size[k] <= 2:
            if k in done:
                continue
            done.add(k)
            owner = plant.new("AI")
            radius, tall = rng.uniform(2.2, 4.2), rng.uniform(6.5, 13)
            plant.crown(xi + rng.normal(0, 0.8), yi + rng.normal(0, 0.8), radius, tall, owner)
            continue
        if k not in owners:
            owners[k] = plant.new("BOA")
        tall = rng.uniform(12, 22) if is_wood else rng.uniform(6.5, 14)
        spot = rng.normal(0, 1.0, 2)
        plant.crown(xi + spot[0], yi + spot[1], rng.uniform(3.0, 4.4), tall, owners[k])
    labels, _ = ndimage.label(hedge, np.ones((3, 3)))
    x, y = _spots(grid, cell, hedge)
    rows: dict[int, int] = {}
    for xi, yi, k in zip(x, y, labels[hedge], strict=True):
        if k not in rows:
            rows[k] = plant.new("AA")
        tall = rng.uniform(6.5, 12)
        plant.crown(xi, yi, rng.uniform(2.6, 3.6), tall, rows[k])


def _shrubs(
    plant: _Planter, rng: np.random.Generator, ground: Ground, grid: Grid, cell: float,
    cover5: NDArray[np.uint8], garden: NDArray[np.bool_],
) -> None:  # fmt: skip
    """Bushes on lawns, hedges between gardens and streets, thickets."""
    x, y = _spots(grid, cell, garden & (rng.random(garden.shape) < 0.035))
    for xi, yi in zip(x, y, strict=True):
        plant.crown(xi, yi, rng.uniform(1.0, 2.0), rng.uniform(2.2, 4.0), plant.new("AuI"))
    thicket = cover5 == Cover.SHRUB
    labels, count = ndimage.label(thicket)
    first = [plant.new("BOAu") for _ in range(count)]
    x, y = _spots(grid, cell, thicket)
    for xi, yi, k in zip(x, y, labels[thicket], strict=True):
        plant.crown(xi, yi, rng.uniform(2.8, 3.6), rng.uniform(2.2, 4.2), first[k - 1])
    homes = _near(ground.blocks[ground.blocks["kind"].isin(["suburb", "terrace", "village"])], grid)
    half = homes["kind"].map(STREET_HALF).to_numpy() + 1.2
    edge = shapely.boundary(shapely.buffer(homes.geometry.values, -half, join_style="mitre"))
    for line in shapely.get_parts(edge):
        at = 0.0
        while at < line.length - 12:
            length = rng.uniform(12, 34)
            if rng.random() < 0.35:
                piece = shapely.get_coordinates(
                    shapely.line_interpolate_point(line, np.arange(at, at + length, 0.7))
                )
                r, c = grid.coarse(5).index(*piece.T)
                if garden[r, c].mean() > 0.6:
                    owner, tall = plant.new("AAu"), rng.uniform(2.0, 3.2)
                    for xi, yi in piece[garden[r, c]]:
                        plant.crown(xi, yi, 1.15, tall, owner)
            at += length + rng.uniform(3, 20)


def _avenues(
    plant: _Planter, rng: np.random.Generator, ground: Ground, grid: Grid,
    taken5: NDArray[np.bool_], built: NDArray[np.float32], cell: float,
) -> None:  # fmt: skip
    """Rows of trees on both sides of wide streets, where no front or grove is in the way."""
    wide = _near(ground.streets[ground.streets["width"] >= 9.5], grid)
    wide = wide[(wide.length > 60) & (rng.random(len(wide)) < 0.55)]
    far = ndimage.distance_transform_edt(built == 0) * STEP
    for line, width in zip(wide.geometry.values, wide["width"].to_numpy(), strict=True):
        for side in (-1, 1):
            path = shapely.offset_curve(line, side * (width / 2 - 1.8))
            gap, radius = rng.uniform(6.5, 9.0), rng.uniform(2.4, 3.4)
            spots = shapely.get_coordinates(
                shapely.line_interpolate_point(path, np.arange(5, path.length - 5, gap))
            )
            inside = grid.inside(*spots.T)
            spots = spots[inside]
            r, c = grid.index(*spots.T)
            r5, c5 = grid.coarse(round(cell / STEP)).index(*spots.T)
            good = (far[r, c] > 2.0) & ~taken5[r5, c5]
            # A row is what follows without a hole; shorter runs were never planted.
            runs, count = ndimage.label(good)
            for k in range(1, count + 1):
                chosen = spots[runs == k]
                if len(chosen) < 4:
                    continue
                owner = plant.new("AA")
                for xi, yi in chosen:
                    tall = rng.uniform(6.5, 11)
                    plant.crown(xi, yi, radius * rng.uniform(0.9, 1.1), tall, owner)


def _meadows(
    planted: NDArray[np.int32], forms: list[int], green: NDArray[np.bool_],
    cover: NDArray[np.uint8], kinds: NDArray,
) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:  # fmt: skip
    """Lawns, meadows and crops: the connected pieces of grass between everything else.

    A few tufts between crowns are grass, but no object.
    """
    owner = planted.copy()
    form = list(forms)
    rural = (kinds == "field") | (kinds == "wood") | (kinds == "river") | (kinds == "lake")
    for name, mask in (
        ("C", green & (cover == Cover.CROP)),
        ("PR", green & (cover == Cover.GRASS) & rural),
        ("PE", green & (cover == Cover.GRASS) & ~rural),
    ):
        labels, count = ndimage.label(mask)
        large = np.bincount(labels.ravel(), minlength=count + 1) * STEP**2 >= _TUFT
        large[0] = False
        number = np.where(large, np.cumsum(large) + len(form) - 1, 0)
        owner[mask] = number[labels[mask]]
        form += [FORMS.index(name)] * int(large.sum())
    return owner, np.array(form, np.uint8)


def _truth(made: Canopy, crs: str) -> gpd.GeoDataFrame:
    """One row an object: form, stratum, mean height; crowns of a row together."""
    found = rasterio.features.shapes(
        made.owner, mask=made.owner > 0, connectivity=8, transform=made.grid.transform
    )
    shapes, owners = zip(*((shapely.geometry.shape(s), int(v)) for s, v in found), strict=True)
    table = gpd.GeoDataFrame({"object": owners}, geometry=list(shapes), crs=crs)
    table["geometry"] = shapely.make_valid(table.geometry.values)
    count = np.bincount(made.owner.ravel())
    mean = np.bincount(made.owner.ravel(), made.height.ravel()) / np.maximum(count, 1)
    several = table["object"].duplicated(keep=False)
    if several.any():
        joined = table[several].dissolve("object", as_index=False)
        import pandas as pd

        table = gpd.GeoDataFrame(
            pd.concat([table[~several], joined]), geometry="geometry", crs=crs
        ).sort_values("object")
    number = table["object"].to_numpy()
    table["fv"] = np.array(FORMS)[made.form[number]]
    table["strate"] = ["A" if f in ("AI", "AA", "BOA") else "Au" if "u" in f else "H"
                       for f in table["fv"]]  # fmt: skip
    table["h_moy"] = np.round(mean[number], 2)
    return table.reset_index(drop=True)


def write_canopy(ground: Ground, folder: Path, seed: int) -> Canopy:
    """Write the height model, the infrared orthophoto and the truth.

    ``vegetation/``: height above ground (LiDAR HD MNH, float32, 1 m; noise of 0.12 m on the
    ground and 0.4 m in crowns, where one beam in fifty goes through to the ground) and BD ORTHO
    IRC (near infrared, red, green in 8 bits, 1 m). ``truth/``: forms and strata.
    """
    made = canopy(ground, seed)
    rng = generator(seed, 91)
    grid, crs = made.grid, ground.crs
    noise = rng.standard_normal(grid.shape, dtype=np.float32)
    woody = made.stratum >= 2
    seen = made.height + noise * np.where(woody, np.float32(0.4), np.float32(0.12))
    through = woody & (rng.random(grid.shape, dtype=np.float32) < 0.02)
    seen[through] = np.abs(noise[through]) * 0.1
    # To a decimetre: finer than the noise, and half the size on disk.
    seen = np.round(np.maximum(seen, 0), 1).astype(np.float32)
    corner = f"{int(grid.west // 1000):04d}_{int(-(-grid.north // 1000)):04d}"
    tags = {"DEMONSTRATION": "true", "UNITS": "m"}
    write_tiff(
        folder / "vegetation" / f"LHD_FXX_{corner}_MNH_O_1M00_LAMB93_IGN69.tif", seen, grid, crs,
        -9999.0, ("MNH, hauteur au-dessus du sol, m",), {**tags, "ACQUISITION_DATE": "2022-07-05"},
        driver="GTiff",
    )  # fmt: skip
    write_tiff(
        folder / "vegetation" / f"ORTHO_IRC_1M00_LAMB93_{corner}.tif",
        infrared(made.cover, made.stratum, made.height, rng), grid, crs, None,
        ("PIR", "Rouge", "Vert"),
        {"DEMONSTRATION": "true", "ACQUISITION_DATE": "2022-07-12"}, driver="GTiff",
    )  # fmt: skip
    truth = folder / "truth"
    write_tiff(truth / "vegetation_strata.tif", made.stratum, grid, crs, 255, ("strata",),
               {"DEMONSTRATION": "true"}, driver="GTiff")  # fmt: skip
    pyogrio.write_dataframe(
        _truth(made, crs), truth / "vegetation_forms.gpkg", driver="GPKG", layer="forms",
        promote_to_multi=True,
    )  # fmt: skip
    return made
