"""« Et si l'eau montait ? »: the same flood with its surface higher or lower.

The water reaches a cell when the raised surface stands above its ground and a way of such
cells joins it to the present water: a hollow behind a dyke stays dry until the dyke is
overtopped. No flow, no volume, no time: a map of what such a level would touch.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import ndimage

from ..errors import InvalidInput
from .edges import FLOODED
from .grids import Notes, align, cell_size, check_heights, plane

__all__ = ["Rising", "low_ground", "raise_water", "rise_needed"]

#: A surface is not carried level far from where it was seen: it falls by a metre a
#: kilometre, the slope of an ordinary lowland river.
FALL = 1e-3


def carried(
    surface: NDArray[np.float32], cell: float, fall: float = FALL
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """A surface (m, NaN without water) carried outward from the nearest water.

    Returns the carried surface, lower by ``fall`` metres for each metre of distance, and
    the flat index of the nearest water.
    """
    dry = ~np.isfinite(surface)
    index = np.empty((2, *surface.shape), np.int32)
    distance = ndimage.distance_transform_edt(dry, return_indices=True, indices=index)
    nearest = index[0].astype(np.int64) * surface.shape[1] + index[1]
    level = surface.ravel()[nearest] - np.float32(fall * cell) * distance.astype(np.float32)
    return level, nearest


def reached(below: NDArray[np.bool_], water: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Cells of ``below`` joined to ``water`` by cells of either (by sides, not corners)."""
    labels, count = ndimage.label(below | water)
    touched = np.zeros(count + 1, bool)
    touched[labels[water]] = True
    # What is neither has label 0.
    touched[0] = False
    return touched[labels]


def _inputs(
    water: xr.Dataset, dem: xr.DataArray
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], float]:
    """Heights, surface and depth on one grid, and the side of a cell (m)."""
    notes: Notes = []
    dem = plane(dem, ("Le relief", "The terrain"))
    if dem.shape != water["depth"].shape or not np.allclose(
        dem.rio.transform(), water.rio.transform(), rtol=0, atol=1e-6
    ):
        raise InvalidInput(
            "Le relief et la hauteur d'eau ne sont pas sur la même grille : donnez le relief "
            "avec lequel la hauteur a été calculée.",
            "The terrain and the water depth are not on one grid: give the terrain that the "
            "depth was worked out with.",
        )
    heights = check_heights(dem, notes)
    return heights, water["surface"].values, water["depth"].values, cell_size(dem, notes)


def _permanent(water: xr.DataArray | None, dem: xr.DataArray) -> NDArray[np.bool_]:
    if water is None:
        return np.zeros(dem.shape[-2:], bool)
    return align(water, plane(dem, ("Le relief", "The terrain"))) == FLOODED


def raise_water(
    water: xr.Dataset,
    dem: xr.DataArray,
    rise: float,
    *,
    permanent_water: xr.DataArray | None = None,
    fall: float = FALL,
) -> xr.Dataset:
    """A flood with its surface ``rise`` metres higher (lower where negative).

    Parameters
    ----------
    water : xr.Dataset
        From :func:`.depth.water_depth`.
    dem : xr.DataArray (y, x)
        The terrain it was worked out with, m.
    rise : float
        Metres.
    permanent_water : xr.DataArray, optional
        1 on rivers, lakes and sea: the water passes over them, but they have no depth.
    fall : float
        How much the surface falls with the distance from the present water, m/m.

    Returns
    -------
    xr.Dataset
        As ``water``: ``depth``, ``surface``, ``uncertainty``. Never less water than with
        a smaller rise. Any positive rise also fills the dry patches that lie lower than
        the surface around them: the sensor may have missed them. Water that falls leaves
        its pools.
    """
    return Rising(water, dem, permanent_water=permanent_water, fall=fall).to(rise)


class Rising:
    """:func:`raise_water` for many rises of one flood: what they share is worked out once.

    Parameters are those of :func:`raise_water`.
    """

    def __init__(
        self,
        water: xr.Dataset,
        dem: xr.DataArray,
        *,
        permanent_water: xr.DataArray | None = None,
        fall: float = FALL,
    ) -> None:
        self._water = water
        self._heights, self._surface, self._depth, self._cell = _inputs(water, dem)
        self._always = _permanent(permanent_water, dem)
        self._present = np.isfinite(self._surface) & np.isfinite(self._depth)
        self._fall = fall

    @cached_property
    def _carried(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        seen = np.where(self._present, self._surface, np.float32(np.nan))
        return carried(seen, self._cell, self._fall)

    @cached_property
    def _above(self) -> NDArray[np.float32]:
        """Ground above the carried surface, m; NaN without a height."""
        return self._heights - self._carried[0]

    def wet(self, rise: float) -> NDArray[np.bool_]:
        """Where the water stands, or would stand, permanent water included.

        Raises
        ------
        InvalidInput
            If the rise is no number.
        """
        if not np.isfinite(rise):
            raise InvalidInput(
                "La montée de l'eau doit être un nombre de mètres.",
                "The rise of the water must be a number of metres.",
            )
        if not self._present.any():
            return self._present
        if rise <= 0:
            level = self._surface + np.float32(rise)
            return self._present & (level > self._heights) if rise < 0 else self._present
        # NaN compares false: no height, no water.
        wet = reached(self._above < np.float32(rise), self._present)
        wet &= self._present | ~self._always
        return wet

    def to(self, rise: float) -> xr.Dataset:
        """The flood with its surface ``rise`` metres higher, as :func:`raise_water` gives it."""
        wet = self.wet(rise)
        out = self._water.copy()
        out.attrs["rise_m"] = float(rise)
        if rise == 0 or not self._present.any():
            return out
        sigma = self._water["uncertainty"].values
        level = self._surface + np.float32(rise)
        if rise > 0:
            level, nearest = self._carried[0] + np.float32(rise), self._carried[1]
            # What is carried is known less and less well.
            apart = np.maximum(self._surface.ravel()[nearest] + np.float32(rise) - level, 0)
            sigma = np.hypot(sigma.ravel()[nearest], apart)
        new = np.where(wet, np.maximum(level - self._heights, 0), np.float32(0))
        new[~np.isfinite(self._heights) | (np.isnan(self._depth) & ~wet)] = np.nan
        for name, values in (
            ("depth", new),
            ("surface", np.where(wet, level, np.float32(np.nan))),
            ("uncertainty", np.where(wet, sigma, np.float32(np.nan))),
        ):
            out[name] = self._water[name].copy(data=values.astype(np.float32, copy=False))
        return out


def low_ground(
    water: xr.Dataset,
    dem: xr.DataArray,
    *,
    permanent_water: xr.DataArray | None = None,
    fall: float = FALL,
) -> xr.DataArray:
    """Ground lower than the water beside it and joined to it, though no water was seen there.

    What bounds a flood from above: a sensor that does not see water between walls, under
    trees or in grass misses it there. It is where :func:`rise_needed` is 0, without the
    flood itself and without permanent water.

    Parameters
    ----------
    water, dem, permanent_water, fall
        As for :func:`raise_water`.

    Returns
    -------
    xr.DataArray of bool (y, x)
    """
    heights, surface, depth, cell = _inputs(water, dem)
    present = np.isfinite(surface) & np.isfinite(depth)
    out = water["depth"].copy(data=np.zeros(depth.shape, bool))
    out.name = "low_ground"
    out.attrs = {"long_name": "ground below the water beside it", "units": "1"}
    if present.any():
        level, _ = carried(np.where(present, surface, np.float32(np.nan)), cell, fall)
        below = np.isfinite(heights) & (heights < level)
        joined = reached(below, present) & ~present
        out.values[:] = joined & ~_permanent(permanent_water, dem)
    return out


def rise_needed(
    water: xr.Dataset,
    dem: xr.DataArray,
    *,
    permanent_water: xr.DataArray | None = None,
    fall: float = FALL,
) -> xr.DataArray:
    """The least rise (m) at which the water reaches each cell; 0 where it stands now.

    What a slider needs: worked out once, ``rise_needed < rise`` is the extent of
    :func:`raise_water` for every positive rise. NaN where it never comes.

    A cell is reached when every cell on some way to it is overtopped, so this is the
    lowest pass on the way: a morphological reconstruction by erosion of the height above
    the carried surface (Vincent 1993).
    """
    from skimage.morphology import reconstruction

    heights, surface, depth, cell = _inputs(water, dem)
    present = np.isfinite(surface) & np.isfinite(depth)
    out = water["depth"].copy(data=np.full(depth.shape, np.nan, np.float32))
    out.name = "rise_needed"
    out.attrs.update(
        long_name="least rise that reaches the cell", long_name_fr="montée qui atteint la cellule"
    )
    if not present.any():
        return out
    level, _ = carried(np.where(present, surface, np.float32(np.nan)), cell, fall)
    never = np.float32(1e6)
    above = np.where(np.isfinite(heights), np.maximum(heights - level, 0), never)
    above[present] = 0
    seed = np.full_like(above, never)
    seed[present] = 0
    needed = reconstruction(
        seed, above, method="erosion", footprint=ndimage.generate_binary_structure(2, 1)
    )
    needed[_permanent(permanent_water, dem) & ~present] = never
    out.values[:] = np.where(needed < never, needed, np.nan).astype(np.float32)
    return out
