"""Vegetation indices with their uncertainty, and the composite of a summer."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ..errors import InvalidInput

__all__ = ["ndvi", "ndwi", "savi", "summer_composite"]

#: Months of full foliage in France.
SUMMER = (6, 7, 8, 9)


def _ratio(a: xr.DataArray, b: xr.DataArray, noise: float, name: str) -> xr.Dataset:
    """(a - b) / (a + b) and its standard deviation, by propagation of the bands' noise."""
    x, y = a.astype(np.float32), b.astype(np.float32)
    total = x + y
    known = total > 1e-4
    safe = total.where(known)
    value = ((x - y) / safe).clip(-1.0, 1.0)
    # d(ratio)/dx = 2y/total², d/dy = -2x/total², independent noise of both.
    std = (2 * np.float32(noise) * np.sqrt(x**2 + y**2) / safe**2).clip(max=1.0)
    out = xr.Dataset({name: value, "std": std})
    for one in out.values():
        one.attrs = {"units": "1"}
    return out


def ndvi(red: xr.DataArray, nir: xr.DataArray, noise: float = 0.01) -> xr.Dataset:
    """Normalised difference vegetation index, ``(nir - red) / (nir + red)``.

    Parameters
    ----------
    red, nir : xarray.DataArray
        Reflectance 0-1 on one grid.
    noise : float
        Standard deviation of a reflectance.

    Returns
    -------
    xarray.Dataset
        ``ndvi`` (-1 to 1) and its ``std``; NaN where nothing was measured or nothing is reflected.

    Notes
    -----
    Sources: Rouse et al. (1974), NASA SP-351, 309-317; Tucker (1979), Remote Sensing of
    Environment 8, 127-150.

    Examples
    --------
    >>> import xarray as xr
    >>> float(ndvi(xr.DataArray([0.05]), xr.DataArray([0.45])).ndvi[0].round(2))
    0.8
    """
    return _ratio(nir, red, noise, "ndvi")


def ndwi(green: xr.DataArray, nir: xr.DataArray, noise: float = 0.01) -> xr.Dataset:
    """Normalised difference water index, ``(green - nir) / (green + nir)``; positive on water.

    Notes
    -----
    Source: McFeeters (1996), International Journal of Remote Sensing 17, 1425-1432.
    """
    return _ratio(green, nir, noise, "ndwi")


def savi(red: xr.DataArray, nir: xr.DataArray, soil: float = 0.5) -> xr.DataArray:
    """Soil-adjusted vegetation index, ``(1 + L) (nir - red) / (nir + red + L)``.

    Parameters
    ----------
    red, nir : xarray.DataArray
        Reflectance 0-1.
    soil : float
        ``L``: 0.5 where vegetation is half dense.

    Notes
    -----
    Source: Huete (1988), Remote Sensing of Environment 25, 295-309.
    """
    x, y = nir.astype(np.float32), red.astype(np.float32)
    return ((1 + soil) * (x - y) / (x + y + soil)).rename("savi").assign_attrs(units="1")


def summer_composite(
    index: xr.DataArray, months: tuple[int, ...] = SUMMER, least: int = 1
) -> xr.Dataset:
    """Median of an index over the summer dates of a series.

    Parameters
    ----------
    index : xarray.DataArray (time, y, x)
        An index; NaN under clouds.
    months : tuple of int
        Months that are kept.
    least : int
        Dates that a cell must have been seen.

    Returns
    -------
    xarray.Dataset
        ``ndvi`` the median, ``std`` its standard error (1.2533 σ/√n of a median; NaN for one
        date), ``dates`` the number of dates of each cell; ``attrs["first"], attrs["last"]``.

    Raises
    ------
    InvalidInput
        If no date is in those months.
    """
    chosen = index.sel(time=index["time"].dt.month.isin(months))
    if chosen.sizes["time"] == 0:
        known = ", ".join(sorted({str(t)[:7] for t in index["time"].values}))
        raise InvalidInput(
            f"Aucune image d'été (mois {', '.join(map(str, months))}) : dates présentes {known}.",
            f"No summer image (months {', '.join(map(str, months))}): dates at hand {known}.",
        )
    count = chosen.notnull().sum("time")
    enough = count >= least
    median = chosen.median("time", skipna=True).where(enough)
    spread = chosen.std("time", skipna=True, ddof=1 if chosen.sizes["time"] > 1 else 0)
    error = (1.2533 * spread / np.sqrt(count.clip(min=1))).where(count > 1)
    out = xr.Dataset({"ndvi": median, "std": error, "dates": count})
    out.attrs.update(
        first=str(chosen["time"].values.min())[:10], last=str(chosen["time"].values.max())[:10]
    )
    return out
