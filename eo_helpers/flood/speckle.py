"""Radar backscatter in decibels, with its speckle brought down and measured."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..errors import InvalidInput

__all__ = [
    "SCALES",
    "Unit",
    "despeckle",
    "looks",
    "residual_noise",
    "to_decibels",
    "total_variation",
    "unit_of",
]

Unit = Literal["decibels", "linear power"]
Floats = NDArray[np.float32]

#: Scales (standard deviation of the window, pixels) that are tried, finest first.
SCALES = (1.0, 1.5, 2.0, 2.5, 3.0)
#: Speckle that may be left, decibels: a seventh of what parts still water from fields.
WANTED_NOISE = 1.3
#: Weight of the total variation, in standard deviations of speckle (for one band): the
#: least error on simulated fields with speckle of 4 looks, correlated and not.
TV_WEIGHT = 1.3
_DB = 10 / np.log(10)


def unit_of(sample: NDArray, where: str = "") -> Unit:
    """Whether calibrated backscatter is in decibels or linear power.

    Parameters
    ----------
    sample : numpy.ndarray
        Values of the scene, NaN where there is none.
    where : str
        File name, for the message.

    Raises
    ------
    InvalidInput
        If nothing is valid, or the values are neither (digital numbers, amplitudes).

    Notes
    -----
    Land has 10^-2.5 to 1 in linear power, -25 to 0 in decibels: only decibels are
    mostly negative, and linear power has next to no value under zero.
    """
    valid = sample[np.isfinite(sample)]
    name = f"{where} : " if where else ""
    if valid.size == 0:
        raise InvalidInput(
            f"{name}l'image radar ne contient aucune mesure (que du « nodata ») : choisissez "
            "une scène qui couvre la zone.",
            f"{name}the radar image holds no measurement (all nodata): choose a scene that "
            "covers the area.",
        )
    low, middle = np.percentile(valid, (10, 50))
    if middle < 0 and low > -70:
        return "decibels"
    if low >= 0 and middle < 3:
        return "linear power"
    raise InvalidInput(
        f"{name}la moitié des valeurs sont au-dessus de {middle:.3g} : ce ne sont ni des décibels "
        "ni une puissance calibrée (sigma0 ou gamma0) ; calibrez d'abord l'image.",
        f"{name}half of the values are above {middle:.3g}: neither decibels nor calibrated power "
        "(sigma0 or gamma0); calibrate the image first.",
    )


def to_decibels(values: NDArray, unit: Unit) -> Floats:
    """Backscatter in decibels, float32; NaN where it was not measured.

    Parameters
    ----------
    values : numpy.ndarray
        Linear power (a power of 0 or less is no measurement) or decibels.
    unit : {"decibels", "linear power"}
    """
    values = np.asarray(values, np.float32)
    if unit == "decibels":
        return np.where(np.isfinite(values), values, np.float32(np.nan))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(values > 0, np.float32(10) * np.log10(values), np.float32(np.nan))


def _smooth(values: Floats, weight: Floats | None, total: Floats | float, scale: float) -> Floats:
    """Gaussian mean of what is valid (normalised convolution); no weight: everything is."""
    if weight is None:
        return np.asarray(_gaussian(values, scale), np.float32)
    return np.asarray(_gaussian(values * weight, scale) / total, np.float32)


def _gaussian(values: Floats, scale: float) -> Floats:
    return np.asarray(ndimage.gaussian_filter(values, scale, mode="nearest", truncate=3.0))


def _weight(valid: NDArray[np.bool_]) -> Floats | None:
    """What is valid, or None where all is: its means are then 1, and need not be worked out."""
    return None if valid.all() else valid.astype(np.float32)


def despeckle(decibels: Floats, scale: float, noise: float) -> Floats:
    """Mean backscatter with less speckle, whose edges stay where they are.

    A local-statistics (Lee) filter in the logarithmic domain, where speckle is additive
    and of one variance: where the window varies no more than speckle does, its mean;
    where it holds an edge, a finer mean.

    Parameters
    ----------
    decibels : numpy.ndarray, shape (rows, cols)
        NaN where there is no measurement.
    scale : float
        Standard deviation of the window, pixels; edges are seen at half of it.
    noise : float
        Standard deviation of speckle at the finer scale, dB (:func:`residual_noise`).

    Returns
    -------
    numpy.ndarray of float32, dB; NaN where the input is.

    Notes
    -----
    Source: Lee, J.-S. (1980), IEEE TPAMI 2, 165-168; in the log domain, Arsenault &
    Levesque (1984), Applied Optics 23, 845-850.
    """
    valid = np.isfinite(decibels)
    weight = _weight(valid)
    filled = np.where(valid, decibels, np.float32(0))

    def total(s: float) -> Floats | float:
        return 1.0 if weight is None else np.maximum(_gaussian(weight, s), np.float32(1e-6))

    fine = _smooth(filled, weight, total(scale / 2), scale / 2)
    around = total(scale)
    mean = _smooth(fine, weight, around, scale)
    variance = _smooth(fine * fine, weight, around, scale) - mean * mean
    # Twice the variance: the sample variance of a few looks strays that far by itself.
    excess = np.maximum(variance - np.float32(2 * noise**2), 0)
    gain = excess / np.maximum(variance, np.float32(1e-6))
    out = mean + gain * (fine - mean)
    return np.where(valid, out, np.float32(np.nan)).astype(np.float32)


def total_variation(decibels: Floats, weight: float, steps: int = 30) -> Floats:
    """Backscatter made of plain pieces with sharp edges, the same edges in all bands.

    The image that is nearest to the measured one among those of little total variation:
    ``½ ‖u - x‖² + weight · Σ |∇u|``, the norm taken over the bands together. Fields and
    sheets of water are such pieces; edges that one band alone shows weakly are kept
    where another shows them well.

    Parameters
    ----------
    decibels : numpy.ndarray, shape (bands, rows, cols)
        NaN where there is no measurement.
    weight : float
        In dB: :data:`TV_WEIGHT` × √bands × standard deviation of speckle.
    steps : int
        Always done whole, so that a window gives what the whole scene gives.

    Returns
    -------
    numpy.ndarray of float32, dB; NaN where the input is.

    Notes
    -----
    Sources: Rudin, Osher & Fatemi (1992), Physica D 60, 259-268; fast gradient projection
    of Beck & Teboulle (2009), IEEE TIP 18, 2419-2434; bands coupled after Blomgren & Chan
    (1998), IEEE TIP 7, 304-309.
    """
    valid = np.isfinite(decibels)
    x = np.where(valid, decibels, np.float32(0))
    if not valid.all():
        # A void takes the mean of what is around it: it neither pulls nor pushes.
        share = ndimage.gaussian_filter(valid.astype(np.float32), (0, 4, 4))
        around = ndimage.gaussian_filter(x, (0, 4, 4)) / np.maximum(share, np.float32(1e-3))
        x = np.where(valid, x, around)
    w = np.float32(max(weight, 1e-3))
    dual = np.zeros((2, *x.shape), np.float32)
    ahead, new, slope = dual.copy(), np.empty_like(dual), np.zeros_like(dual)
    momentum = 1.0
    u, flow = np.empty_like(x), np.empty_like(x)
    scale = np.float32(1 / 8) / w
    for _ in range(steps):
        _primal(x, ahead, w, u, flow)
        np.subtract(u[:, 1:], u[:, :-1], out=slope[0, :, :-1])
        np.subtract(u[:, :, 1:], u[:, :, :-1], out=slope[1, :, :, :-1])
        np.multiply(slope, scale, out=new)
        new += ahead
        norm = np.einsum("dbij,dbij->ij", new, new)
        np.sqrt(norm, out=norm)
        new /= np.maximum(norm, np.float32(1), out=norm)
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        np.subtract(new, dual, out=ahead)
        ahead *= np.float32((momentum - 1) / following)
        ahead += new
        dual, new = new, dual
        momentum = following
    _primal(x, dual, w, u, flow)
    return np.where(valid, u, np.float32(np.nan)).astype(np.float32)


def _primal(x: Floats, dual: Floats, weight: np.float32, out: Floats, flow: Floats) -> None:
    """``x + weight · div(dual)`` into ``out``; ``flow`` is room to work in."""
    out[:] = x
    for axis, before, after in (
        (0, np.s_[:, :-1], np.s_[:, 1:]),
        (1, np.s_[:, :, :-1], np.s_[:, :, 1:]),
    ):
        np.multiply(dual[axis], weight, out=flow)
        out[before] += flow[before]
        out[after] -= flow[before]


def residual_noise(decibels: Floats, scale: float) -> float:
    """Standard deviation of speckle after a Gaussian mean, dB, from the image itself.

    The local standard deviation in the plainest quarter of the image: it holds where
    speckle of neighbour pixels is correlated (most products are oversampled), as the
    formula of the number of looks does not.
    """
    valid = np.isfinite(decibels)
    if valid.sum() < 100:
        return float("nan")
    weight = _weight(valid)
    filled = np.where(valid, decibels, np.float32(0))
    wide = 3 * scale + 1
    one: Floats | float = 1.0
    around: Floats | float = 1.0
    if weight is not None:
        one = np.maximum(ndimage.gaussian_filter(weight, scale), np.float32(1e-6))
        around = np.maximum(ndimage.gaussian_filter(weight, wide), np.float32(1e-6))
    fine = _smooth(filled, weight, one, scale)
    mean = _smooth(fine, weight, around, wide)
    variance = _smooth((fine - mean) ** 2, weight, around, wide)
    inner = valid & (np.asarray(around) > 0.8)
    chosen = variance[inner if inner.any() else valid]
    return float(np.sqrt(np.percentile(chosen, 25)))


def looks(noise: float) -> float:
    """Equivalent number of looks whose log intensity has this standard deviation (dB).

    The variance of the logarithm of a gamma variate of shape L is trigamma(L).

    Notes
    -----
    Source: Oliver & Quegan (2004), Understanding Synthetic Aperture Radar Images, ch. 4.
    """
    from scipy.optimize import brentq
    from scipy.special import polygamma

    target = (max(noise, 1e-3) / _DB) ** 2
    if not np.isfinite(target):
        return float("nan")
    return float(brentq(lambda n: polygamma(1, n) - target, 1e-2, 1e9))
