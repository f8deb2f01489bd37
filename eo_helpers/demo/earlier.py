"""What was there five years before: housing not yet built, gardens that were still asphalt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .ground import Cover, Ground, generator
from .optical import write_scene
from .rasters import write_tiff

__all__ = ["EARLIER", "earlier", "write_earlier"]

EARLIER = "2017-07-16T10:56:19"
#: Share of the blocks of each kind that were meadow, then were built.
_BUILT_SINCE = {"suburb": 0.06, "business": 0.25}
#: Share of the blocks of each kind whose green was mineral.
_GREENED_SINCE = {"park": 0.5, "terrace": 0.06, "towers": 0.1}
_GREEN = (Cover.GRASS, Cover.CROP, Cover.SHRUB, Cover.TREE)


def earlier(ground: Ground, seed: int) -> tuple[Ground, NDArray[np.int8]]:
    """The ground of :data:`EARLIER`, and what became of it.

    Returns
    -------
    Ground
        With the cover and the heights of then.
    int8 array
        1 where vegetation has come since, -1 where it has gone, 0 elsewhere.
    """
    rng = generator(seed, 84)
    kinds = ground.blocks["kind"].to_numpy()
    draw = rng.random(len(kinds))
    built = draw < np.array([_BUILT_SINCE.get(k, 0.0) for k in kinds])
    greened = draw < np.array([_GREENED_SINCE.get(k, 0.0) for k in kinds])
    inside = ground.block_id >= 0
    cover, height = ground.cover.copy(), ground.height.copy()
    was_meadow = inside & built[ground.block_id] & ~np.isin(cover, [Cover.WATER, Cover.SEA])
    cover[was_meadow], height[was_meadow] = Cover.GRASS, 0.0
    was_paved = inside & greened[ground.block_id] & np.isin(cover, _GREEN)
    cover[was_paved], height[was_paved] = Cover.MINERAL, 0.0
    before, after = np.isin(cover, _GREEN), np.isin(ground.cover, _GREEN)
    change = after.astype(np.int8) - before.astype(np.int8)
    return replace(ground, cover=cover, height=height), change


def write_earlier(ground: Ground, folder: Path, seed: int) -> None:
    """Write the earlier scene (``vegetation/``, four bands) and the change (``truth/``)."""
    then, change = earlier(ground, seed)
    write_scene(then, folder / "vegetation", seed, when=EARLIER, bands=4)
    write_tiff(
        folder / "truth" / "vegetation_change.tif", change, ground.grid, ground.crs, None,
        ("1 vegetation come, -1 gone",), {"DEMONSTRATION": "true", "SINCE": EARLIER[:10]},
        driver="GTiff",
    )  # fmt: skip
