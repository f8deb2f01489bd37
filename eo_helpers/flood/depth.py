"""Height of water above the ground, from a flood's extent and the terrain.

Two methods behind one function: ``fwdet`` (FwDET 2.1, Cohen et al. 2022) and ``flexth``
(FLEXTH, Betterle and Salamon 2024). Both take the level at which the ground stands along
the flood's edge and bring it inward; both here believe only the edges that agree on one
surface (:mod:`.waterline`), because the edge of what a satellite saw is not always the
edge of the water.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import InvalidInput
from .edges import FLOODED, HIDDEN, windows
from .flexth import extend_hidden
from .grids import Notes, align, cell_size, check_heights, codes_of, plane, vertical_note
from .surface import evaluate, fit
from .swot import levels_on

__all__ = ["METHODS", "water_depth"]

METHODS: dict[str, str] = {
    "fwdet": "FwDET 2.1 (Cohen et al. 2022, doi:10.3390/rs14215313)",
    "flexth": "FLEXTH (Betterle & Salamon 2024, doi:10.5194/nhess-24-2817-2024)",
}


Arrays = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def check_method(method: str) -> None:
    """Raise one sentence about a method that does not exist."""
    if method not in METHODS:
        known = ", ".join(METHODS)
        raise InvalidInput(
            f"La méthode de hauteur d'eau « {method} » n'existe pas ; méthodes connues : {known}.",
            f"There is no depth method '{method}'; known methods: {known}.",
        )


def water_depth(
    extent: xr.DataArray,
    dem: xr.DataArray,
    method: str = "fwdet",
    *,
    permanent_water: xr.DataArray | None = None,
    dem_noise: float | None = None,
    extend: bool = False,
    swot: Any = None,
    datum_offset: float = 0.0,
    **options: Any,
) -> xr.Dataset:
    """Height of the water above the ground, its surface and their uncertainty.

    Parameters
    ----------
    extent : xr.DataArray (y, x)
        1 flooded, 0 or no data dry, 255 (or -1) not observable; any grid and CRS, brought
        to the DEM's grid by nearest neighbour. What it does not cover is unknown.
    dem : xr.DataArray (y, x)
        Bare ground, m above any one datum; NaN where unknown. Its CRS may be projected
        or in degrees.
    method : {"fwdet", "flexth"}
    permanent_water : xr.DataArray, optional
        1 on rivers, lakes and sea as they are without flood: their banks are not edges.
    dem_noise : float, optional
        Standard deviation of the DEM, m. Measured on the flooded ground if not given.
    extend : bool
        Let the water reach cells that were not observable (255), where they lie lower
        than the surface and are joined to the flood (:func:`.flexth.extend_hidden`).
        Without it their depth is unknown.
    swot : from :func:`.swot.read_raster` or :func:`.swot.read_river`, optional
        Measured levels of this water: they vote for its surface as a true shore does.
    datum_offset : float
        Added to SWOT's heights (geoid EGM2008) to bring them to the terrain's datum, m.
    **options
        Of the method: see :func:`.fwdet.fwdet_surface` and :func:`.flexth.flexth_surface`.

    Returns
    -------
    xr.Dataset on the DEM's grid and CRS, float32
        ``depth`` m above ground, 0 where dry, NaN where unknown; ``surface`` m in the
        DEM's datum, NaN without water; ``uncertainty`` m, one standard deviation of the
        depth of wet cells. ``depth ± 1.645 uncertainty`` is meant to hold the truth in
        90 % of cells: noise of the DEM, disagreement and position of the edges that
        voted, distance to them, difference between methods. It says nothing of edges
        that all err together. Attributes ``notes_fr`` and ``notes_en`` hold what the
        reader should know, one sentence a line.

    Raises
    ------
    InvalidInput
        The DEM has no CRS, is not in metres, or does not meet the extent; the extent
        holds other values or has no dry side.
    """
    check_method(method)
    notes: Notes = []
    dem = plane(dem, ("Le relief", "The terrain"))
    heights = check_heights(dem, notes)
    cell = cell_size(dem, notes)
    datum = vertical_note(dem, notes)
    water = None if permanent_water is None else align(permanent_water, dem)
    codes = codes_of(align(extent, dem), water)
    if swot is not None:
        options["levels"] = levels_on(swot, codes, dem.rio.crs, dem.rio.transform(), datum_offset)
        notes.append(levels_note(len(options["levels"][0]), datum_offset))
    arrays = _whole(codes, heights, cell, method, notes, extend, dem_noise=dem_noise, **options)
    return dataset(dem, arrays, method, datum, notes)


def levels_note(count: int, offset: float) -> tuple[str, str]:
    """What is said of levels that were measured."""
    shown = f"{offset:+.2f}".replace(".", ",")
    return (
        f"{count} cotes mesurées par SWOT tiennent la surface de l'eau (décalage de zéro "
        f"appliqué : {shown} m).",
        f"{count} levels measured by SWOT hold the water surface (datum offset applied: "
        f"{offset:+.2f} m).",
    )


def notes_on(codes: NDArray[np.uint8], blind: int, notes: Notes) -> bool:
    """Say what an extent lacks; False if it shows no water at all."""
    if (codes == HIDDEN).all():
        notes.append(
            (
                "L'étendue n'a rien observé ici (que des 255) : la hauteur est inconnue partout.",
                "The extent observed nothing here (all 255): depth is unknown everywhere.",
            )
        )
        return False
    if not (codes == FLOODED).any():
        notes.append(
            (
                "L'étendue ne montre pas d'eau : la hauteur est nulle partout où l'on a vu le sol.",
                "The extent shows no water: depth is zero wherever the ground was seen.",
            )
        )
        return False
    if blind:
        notes.append(
            (
                f"{blind} cellules inondées tombent dans un vide du relief : hauteur inconnue.",
                f"{blind} flooded cells fall in a void of the terrain: their depth is unknown.",
            )
        )
    return True


def _whole(
    codes: NDArray[np.uint8],
    heights: NDArray[np.float32],
    cell: float,
    method: str,
    notes: Notes,
    extend: bool = False,
    **options: Any,
) -> Arrays:
    """Depth, surface and uncertainty of checked arrays, in memory."""
    level = np.full(codes.shape, np.nan, np.float32)
    sigma = np.full(codes.shape, np.nan, np.float32)
    blind = int(((codes == FLOODED) & ~np.isfinite(heights)).sum())
    if not notes_on(codes, blind, notes):
        seen = (codes != HIDDEN) & np.isfinite(heights)
        return np.where(seen, np.float32(0), np.float32(np.nan)), level, sigma
    fitted = fit(codes, heights.__getitem__, cell, method, **options)
    depth = np.empty(codes.shape, np.float32)
    for window in windows(codes.shape):
        depth[window], level[window], sigma[window] = evaluate(
            fitted, window, codes[window], heights[window]
        )
    if extend and (codes == HIDDEN).any():
        wet, carried, nearest = extend_hidden(codes, fitted.labels, heights, level, cell)
        dry = (codes == HIDDEN) & ~wet & np.isfinite(heights)
        # The surface is known less and less well away from the water that was seen.
        sunk = np.maximum(level.ravel()[nearest] - carried, 0)[wet]
        sigma[wet] = np.hypot(sigma.ravel()[nearest[wet]], sunk)
        depth[dry] = 0
        depth[wet] = np.maximum(carried - heights, 0)[wet]
        level[wet] = carried[wet]
        notes.append(
            (
                f"L'eau a été prolongée sur {int(wet.sum())} cellules que l'image ne montre pas.",
                f"The water was extended over {int(wet.sum())} cells that the image hides.",
            )
        )
    return depth, level, sigma


def dataset(
    dem: xr.DataArray,
    arrays: Arrays,
    method: str,
    datum: str,
    notes: Notes,
) -> xr.Dataset:
    """Three arrays on the DEM's grid, with their words."""
    names = (
        ("depth", "hauteur d'eau au-dessus du sol", "water depth above ground"),
        ("surface", "cote de la surface de l'eau", "water surface elevation"),
        ("uncertainty", "écart-type de la hauteur d'eau", "standard deviation of the depth"),
    )
    out = xr.Dataset(attrs={"method": METHODS[method], "vertical_datum": datum})
    for (name, french, english), values in zip(names, arrays, strict=True):
        layer = xr.DataArray(
            values,
            dims=dem.dims,
            coords={d: dem[d] for d in dem.dims if d in dem.coords},
            attrs={"units": "m", "long_name_fr": french, "long_name": english},
        )
        # In place: rioxarray would copy the whole raster each time.
        layer.rio.write_nodata(np.nan, inplace=True)
        out[name] = layer
    out.rio.set_spatial_dims(dem.rio.x_dim, dem.rio.y_dim, inplace=True)
    out.rio.write_crs(dem.rio.crs, inplace=True)
    out.rio.write_transform(dem.rio.transform(), inplace=True)
    out.attrs["notes_fr"] = "\n".join(fr for fr, _ in notes)
    out.attrs["notes_en"] = "\n".join(en for _, en in notes)
    return out
