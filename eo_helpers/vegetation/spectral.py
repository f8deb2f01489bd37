"""Any index of the Awesome Spectral Indices list, with the noise that the bands leave in it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from ..errors import InvalidInput

__all__ = ["BANDS", "spectral_index"]

#: Roles of bands here → symbols of the list.
BANDS = {"blue": "B", "green": "G", "red": "R", "nir": "N", "swir16": "S1", "swir22": "S2"}
#: Step of the numerical derivative, reflectance.
_STEP = 1e-3


def spectral_index(
    name: str, bands: Mapping[str, xr.DataArray], noise: float = 0.01,
    constants: Mapping[str, float] | None = None,
) -> xr.Dataset:  # fmt: skip
    """An index by its short name (« EVI », « SAVI », « NDMI » …), and its standard deviation.

    Parameters
    ----------
    name : str
        Short name of the list, any case.
    bands : mapping
        Reflectance 0-1 by role (:data:`BANDS`), on one grid.
    noise : float
        Standard deviation of a reflectance, independent between bands.
    constants : mapping, optional
        Constants of the formula by symbol (``{"L": 0.5}``); the list's own by default.

    Returns
    -------
    xarray.Dataset
        ``index`` and ``std`` (unit 1), NaN where the formula has no value; ``attrs``: ``name``,
        ``long_name``, ``formula``, ``reference`` as the list has them, ``constants`` as used.

    Raises
    ------
    InvalidInput
        If the index is not known, is no index of optical bands, or a band is missing.

    Notes
    -----
    Formulas and constants: Montero et al. (2023), Scientific Data 10, 197, by the library
    spyndex. The noise goes through the formula by its numerical derivative in each band.

    Examples
    --------
    >>> import xarray as xr
    >>> grass = {"red": xr.DataArray([0.05]), "nir": xr.DataArray([0.45])}
    >>> float(spectral_index("ndvi", grass)["index"][0].round(2))
    0.8
    """
    import spyndex

    known = {k.lower(): k for k in spyndex.indices}
    key = known.get(name.strip().lower())
    if key is None:
        close = [k for k in spyndex.indices if name.strip().lower()[:3] in k.lower()][:8]
        fr = f" ; proches : {', '.join(close)}" if close else ""
        en = f"; close to it: {', '.join(close)}" if close else ""
        raise InvalidInput(
            f"L'indice « {name} » n'est pas dans la liste Awesome Spectral Indices{fr}.",
            f"Index '{name}' is not in the Awesome Spectral Indices list{en}.",
        )
    about = spyndex.indices[key]
    roles = {symbol: role for role, symbol in BANDS.items()}
    given: dict[str, np.ndarray] = {}
    numbers: dict[str, float] = {}
    missing = []
    for symbol in about.bands:
        constant = spyndex.constants.get(symbol)
        if symbol in (constants or {}):
            numbers[symbol] = float((constants or {})[symbol])
            continue
        if symbol in roles and roles[symbol] in bands:
            given[symbol] = bands[roles[symbol]].values.astype(np.float64)
        elif constant is not None and constant.default is not None:
            numbers[symbol] = float(constant.default)
        else:
            missing.append(symbol)
    if missing or not given:
        raise InvalidInput(
            f"L'indice {key} demande ce que l'image n'a pas : {', '.join(missing) or 'des bandes'} "
            f"(formule {about.formula}).",
            f"Index {key} needs what the image has not: {', '.join(missing) or 'bands'} "
            f"(formula {about.formula}).",
        )

    def made(values: Mapping[str, np.ndarray]) -> np.ndarray:
        with np.errstate(all="ignore"):
            out = np.asarray(spyndex.computeIndex(key, {**values, **numbers}), float)
        return np.where(np.isfinite(out), out, np.nan)

    value = made(given)
    variance = np.zeros_like(value)
    for symbol, one in given.items():
        slope = made({**given, symbol: one + _STEP}) - made({**given, symbol: one - _STEP})
        variance += (slope / (2 * _STEP) * noise) ** 2
    like = next(bands[roles[s]] for s in given)
    dims = like.dims
    out = xr.Dataset(
        {"index": (dims, value.astype(np.float32), {"units": "1", "long_name": about.long_name}),
         "std": (dims, np.sqrt(variance).astype(np.float32), {"units": "1"})},
        coords={k: v for k, v in like.coords.items() if set(v.dims) <= set(dims)},
    )  # fmt: skip
    out.attrs = {
        "name": key, "long_name": about.long_name, "formula": about.formula,
        "reference": about.reference, "constants": str(numbers) if numbers else "",
    }  # fmt: skip
    return out
