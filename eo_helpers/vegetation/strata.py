"""Strata of vegetation by height: herbacée, arbustive, arborée, each cell with its probability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import ndtr
from skimage.filters import threshold_otsu
from skimage.morphology import disk

from ..errors import InvalidInput

__all__ = [
    "BARE",
    "GREEN",
    "HERB",
    "SHRUB",
    "TREE",
    "UNKNOWN",
    "Limits",
    "ndvi_threshold",
    "strata",
]

BARE, HERB, SHRUB, TREE, GREEN, UNKNOWN = 0, 1, 2, 3, 4, 255

#: NDVI from which calibrated reflectance is taken for green vegetation.
NDVI_LIMIT = 0.35
#: Doubt about that limit itself, 1 standard deviation.
NDVI_LIMIT_STD = 0.05


@dataclass(frozen=True)
class Limits:
    """What parts the strata; producers differ, so they are parameters and shown on the map.

    Attributes
    ----------
    shrub, tree : float
        Metres from which vegetation is arbustive, then arborée (0.5 and 1.5 for some, 1.5 and
        5 for others).
    ndvi : float
        NDVI from which ground is vegetated.
    height_std : float
        Standard deviation of a height, metres (LiDAR HD: about 0.2 in crowns).
    ndvi_std : float
        Doubt about ``ndvi``, added to each cell's own noise.
    crown_edge : float
        Metres about a tree within which lower vegetation is taken for the edge of its crown.
    """

    shrub: float = 1.5
    tree: float = 5.0
    ndvi: float = NDVI_LIMIT
    height_std: float = 0.3
    ndvi_std: float = NDVI_LIMIT_STD
    crown_edge: float = 1.5

    def __post_init__(self) -> None:
        if not 0 < self.shrub < self.tree:
            raise InvalidInput(
                f"Les hauteurs des strates doivent croître : arbustive {self.shrub} m, arborée "
                f"{self.tree} m.",
                f"Heights of strata must grow: shrub {self.shrub} m, tree {self.tree} m.",
            )
        if not -1 < self.ndvi < 1 or min(self.height_std, self.ndvi_std) <= 0:
            raise InvalidInput(
                "Le seuil de NDVI doit être entre -1 et 1, et les écarts types positifs.",
                "The NDVI threshold must lie between -1 and 1, standard deviations above 0.",
            )


def ndvi_threshold(ndvi: xr.DataArray) -> float:
    """NDVI that parts vegetation from the rest in an image that is not calibrated.

    Notes
    -----
    Source: Otsu (1979), IEEE Transactions on Systems, Man, and Cybernetics 9, 62-66. Holds
    where both are well represented, as in a town.
    """
    values = ndvi.values[np.isfinite(ndvi.values)]
    if values.size < 100 or np.ptp(values) < 0.1:
        raise InvalidInput(
            "L'image ne contient pas assez de sol et de végétation pour chercher un seuil : "
            "donnez-le (ndvi).",
            "The image does not hold enough ground and vegetation to seek a threshold: give it "
            "(ndvi).",
        )
    return float(threshold_otsu(values))


def strata(
    ndvi: xr.DataArray,
    height: xr.DataArray | None,
    limits: Limits = Limits(),
    ndvi_std: xr.DataArray | float = 0.03,
    buildings: xr.DataArray | None = None,
) -> xr.Dataset:
    """Stratum of each cell, from NDVI and height above ground.

    Parameters
    ----------
    ndvi : xarray.DataArray (y, x)
    height : xarray.DataArray (y, x) or None
        Metres above ground on the same grid, NaN where unknown. None: vegetation is found, its
        stratum is not.
    limits : Limits
    ndvi_std : xarray.DataArray or float
        Noise of the NDVI.
    buildings : xarray.DataArray of bool, optional
        Cells under a roof, which are no vegetation.

    Returns
    -------
    xarray.Dataset
        ``stratum`` uint8 (0 none, 1 herbacée, 2 arbustive, 3 arborée, 4 vegetation whose
        height is not known, 255 unknown); ``vegetation, herb, shrub, tree`` float32
        probabilities, the last three NaN where no height is known;
        ``confidence`` the probability of the class that was chosen, NaN where unknown.
        ``attrs``: the limits.

    Raises
    ------
    InvalidInput
        If the grids differ.

    Notes
    -----
    NDVI and height have independent Gaussian noise: P(vegetation) = Φ((NDVI - limit) / σ) and
    P(height > h) = Φ((height - h) / σ). What is lower beside a tree is the edge of its crown
    (``crown_edge``): its probability of tree is the tree's.
    """
    for other in (height, buildings):
        if other is not None and other.shape != ndvi.shape:
            raise InvalidInput(
                "L'indice, les hauteurs et les bâtiments doivent être sur la même grille.",
                "Index, heights and buildings must be on one grid.",
            )
    value = ndvi.values.astype(np.float32)
    std = np.sqrt(np.square(np.asarray(ndvi_std, np.float32)) + limits.ndvi_std**2)
    green = ndtr((value - limits.ndvi) / std).astype(np.float32)
    if buildings is not None:
        green[np.asarray(buildings.values, bool) & np.isfinite(green)] = 0.0
    if height is None:
        height = ndvi.copy(data=np.full(ndvi.shape, np.nan, np.float32))
    metres = height.values.astype(np.float32)
    above_shrub = ndtr((metres - limits.shrub) / limits.height_std).astype(np.float32)
    above_tree = ndtr((metres - limits.tree) / limits.height_std).astype(np.float32)
    above_tree = _crown_edges(above_shrub, above_tree, green, limits, _step(ndvi))
    herb = green * (1 - above_shrub)
    shrub = green * np.maximum(above_shrub - above_tree, 0)
    tree = green * np.minimum(above_tree, above_shrub)
    bare = 1 - green
    seen = np.isfinite(green)
    full = seen & np.isfinite(metres)
    # One after the other: half the memory, and less than half the time, of a stack of all four.
    best, first = bare.copy(), np.zeros(green.shape, np.uint8)
    for code, chance in ((HERB, herb), (SHRUB, shrub), (TREE, tree)):
        more = chance > best
        first[more] = code
        np.copyto(best, chance, where=more)
    with np.errstate(invalid="ignore"):
        plain = np.where(green >= 0.5, np.uint8(GREEN), np.uint8(BARE))
    stratum = np.where(full, first, np.where(seen, plain, np.uint8(UNKNOWN)))
    best = np.where(full, best, np.maximum(green, bare))
    confidence = np.where(seen, best, np.nan).astype(np.float32)
    return _dataset(
        ndvi, stratum.astype(np.uint8), confidence, limits, vegetation=green, herb=herb,
        shrub=shrub, tree=tree,
    )  # fmt: skip


def _step(raster: xr.DataArray) -> float:
    """Cell in metres; a raster without a grid has cells of 1 m."""
    if "x" not in raster.coords or raster.sizes["x"] < 2:
        return 1.0
    step = abs(float(raster["x"][1] - raster["x"][0]))
    crs = raster.rio.crs if hasattr(raster, "rio") else None
    if crs is not None and crs.is_geographic:
        return step * 111_320.0 * float(np.cos(np.radians(raster["y"].values.mean())))
    return step


def _crown_edges(
    above_shrub: NDArray, above_tree: NDArray, green: NDArray, limits: Limits, step: float
) -> NDArray[np.float32]:
    """P(tree) with the edges of crowns, where a crown slopes down to the ground."""
    radius = int(limits.crown_edge / step + 1e-6)
    if radius < 1:
        return above_tree
    sure = np.where(np.isfinite(above_tree), above_tree * (np.nan_to_num(green) > 0.5), 0)
    near = ndimage.grey_dilation(sure, footprint=disk(radius))
    # Only what is taller than lawn belongs to a crown.
    edge = near * np.nan_to_num(above_shrub)
    return np.where(np.isfinite(above_tree), np.maximum(above_tree, edge), np.nan).astype(
        np.float32
    )


def _dataset(
    like: xr.DataArray, stratum: NDArray, confidence: NDArray, limits: Limits, **chances: NDArray
) -> xr.Dataset:
    dims = like.dims
    coords = {k: v for k, v in like.coords.items() if set(v.dims) <= set(dims)}
    names = {
        "vegetation": "P(végétation)",
        "herb": "P(herbacée)",
        "shrub": "P(arbustive)",
        "tree": "P(arborée)",
    }
    out = xr.Dataset(
        {
            "stratum": (
                dims,
                stratum,
                {"long_name": "0 none, 1 herb, 2 shrub, 3 tree, 4 any, 255 ?"},
            ),
            "confidence": (dims, confidence, {"units": "1", "long_name": "P(class)"}),
            **{k: (dims, v, {"units": "1", "long_name": names[k]}) for k, v in chances.items()},
        },
        coords=coords,
    )
    out.attrs = {
        "shrub_from_m": limits.shrub,
        "tree_from_m": limits.tree,
        "ndvi_limit": limits.ndvi,
        "height_std_m": limits.height_std,
    }
    return out
