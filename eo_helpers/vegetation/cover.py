"""Share of the ground that vegetation covers in each cell, from NDVI."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..errors import InvalidInput

__all__ = ["Ends", "find_ends", "fractional_cover"]


@dataclass(frozen=True)
class Ends:
    """NDVI of bare ground and of full vegetation, each with a standard deviation."""

    bare: float = 0.12
    full: float = 0.80
    bare_std: float = 0.05
    full_std: float = 0.05


def find_ends(ndvi: xr.DataArray, low: float = 5.0, high: float = 98.0) -> Ends:
    """Ends of the mixture from an image's own percentiles, for images that are not calibrated.

    Parameters
    ----------
    ndvi : xarray.DataArray
        NDVI of land (water left out: it is below any ground).
    low, high : float
        Percentiles taken for bare and full.

    Raises
    ------
    InvalidInput
        If they lie closer than 0.2: the image holds bare ground only, or vegetation only.
    """
    values = ndvi.values[np.isfinite(ndvi.values)]
    values = values[values > -0.2]
    if values.size < 100:
        raise InvalidInput(
            "Trop peu de cellules pour chercher l'indice du sol nu et de la végétation dense.",
            "Too few cells to look for the index of bare ground and of dense vegetation.",
        )
    a, b = np.percentile(values, (low, high))
    if b - a < 0.2:
        raise InvalidInput(
            f"L'indice varie trop peu ({a:.2f} à {b:.2f}) pour y lire un taux de végétation : "
            "donnez les valeurs du sol nu et de la végétation dense, ou une image plus large.",
            f"The index varies too little ({a:.2f} to {b:.2f}) to read a cover from it: give the "
            "values of bare ground and dense vegetation, or a wider image.",
        )
    return Ends(float(a), float(b))


def fractional_cover(
    ndvi: xr.DataArray, std: xr.DataArray | float, ends: Ends = Ends()
) -> xr.Dataset:
    """Fraction of each cell under green vegetation, as a linear mixture of two ends.

    ``cover = (NDVI - bare) / (full - bare)``, held to 0-1.

    Parameters
    ----------
    ndvi : xarray.DataArray
    std : xarray.DataArray or float
        Standard deviation of the NDVI.
    ends : Ends
        NDVI of bare ground and of full vegetation.

    Returns
    -------
    xarray.Dataset
        ``cover`` (0-1) and ``std``: the noise of the cell and the doubt about both ends, which
        is the same over the whole image and does not average out.

    Notes
    -----
    Source: Gutman & Ignatov (1998), International Journal of Remote Sensing 19, 1533-1543.
    Carlson & Ripley (1997) square it; mixtures of lawns and streets are nearer to the line.
    """
    width = ends.full - ends.bare
    if width <= 0:
        raise InvalidInput(
            "L'indice du sol nu doit être inférieur à celui de la végétation dense.",
            "The index of bare ground must be below that of dense vegetation.",
        )
    raw = (ndvi - ends.bare) / width
    cover = raw.clip(0.0, 1.0).astype(np.float32)
    doubt = ((1 - cover) * ends.bare_std) ** 2 + (cover * ends.full_std) ** 2
    error = (np.sqrt(np.square(std) + doubt) / width).astype(np.float32).where(cover.notnull())
    out = xr.Dataset({"cover": cover, "std": error})
    out.attrs = {"bare": ends.bare, "full": ends.full}
    for one in out.values():
        one.attrs = {"units": "1"}
    return out
