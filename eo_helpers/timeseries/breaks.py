"""Sudden level changes in series that have seasons, gaps, outliers and red noise.

Every series is compared with four explanations on the same footing: no change
(trend and season only), one sudden change, one slow fade, two or more sudden
changes. Each gets a posterior probability, and each break a posterior
distribution of its date: the intervals are read from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

from . import _model, _search
from .season import design

__all__ = ["KNEE", "Break", "Changes", "Fade", "detect_breaks"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Radiance (nW·cm⁻²·sr⁻¹) under which the transform goes from logarithm to linear:
#: the level where the floor noise of VIIRS (some 0.05-0.1 nW) equals a relative noise of 10-20 %.
KNEE = 0.5
#: Dates within this many valid values of each other are the same event.
NEAR = 3
_CHUNK = 256
#: The first look tries each so many time steps for pairs of breaks.
_COARSE = 3


class _Look(NamedTuple):
    """A scan, the explanation chosen for each series, the probabilities of the four."""

    scan: _search.Scan
    models: list[list[tuple[int, int]]]
    probability: Floats


@dataclass(frozen=True)
class Break:
    """One sudden change: dates as positions on the time axis, 95 % intervals.

    ``index`` is the first time step with the new level. ``change_percent`` compares
    the level with what it would have been without the change.
    """

    index: int
    index_low: int
    index_high: int
    change_percent: float
    change_low: float
    change_high: float
    probability: float
    before: float
    after: float


@dataclass(frozen=True)
class Fade:
    """A slow change from ``start`` to ``end`` (positions on the time axis)."""

    start: int
    end: int
    change_percent: float
    probability: float


@dataclass(frozen=True, eq=False)
class Changes:
    """What one series says. Probabilities sum to one over the four explanations."""

    breaks: tuple[Break, ...]
    fade: Fade | None
    p_none: float
    p_step: float
    p_fade: float
    p_several: float
    valid: int
    outliers: NDArray[np.int_]
    #: Fitted radiance, its level without season, and the raw values without season.
    fitted: Floats = field(repr=False)
    level: Floats = field(repr=False)
    adjusted: Floats = field(repr=False)
    noise: float = 0.0
    phi: float = 0.0


def detect_breaks(
    values: ArrayLike,
    years: ArrayLike,
    *,
    error: ArrayLike | None = None,
    order: int | None = None,
    margin: int = 6,
    gap: int = 6,
    max_breaks: int = 3,
) -> list[Changes | None]:
    """Sudden changes and slow fades in many radiance series that share a time axis.

    Parameters
    ----------
    values : array_like (n, T) or (T,)
        Radiance, nW·cm⁻²·sr⁻¹, on a regular time axis; NaN is a gap.
    years : array_like (T,)
        Time in years (for the season and the trend).
    error : array_like, optional
        Standard error of each value, same shape and unit; uneven errors weigh.
    order : int, optional
        Harmonics of the year; by default as many as the length allows.
    margin : int
        Least number of valid values before the first and after the last break.
    gap : int
        Least number of valid values between two breaks.
    max_breaks : int
        A third break is searched for only where two were found.

    Returns
    -------
    list of Changes or None
        None where there are fewer than ``2 * margin + p + 4`` valid values
        (``p`` parameters of trend and season): nothing can be concluded.

    Notes
    -----
    Values are transformed by ``asinh(r / KNEE)``: a logarithm for bright places,
    linear in the noise of dark ones. Noise is AR(1) with exact gaps; its coefficient
    is averaged over a grid, its variance integrated out, amplitudes have a normal
    prior. Outliers (deletion residuals over 2.5 standard deviations from the best
    explanation) are set aside and counted. Sources: Bai & Perron (2003) for several
    breaks; Ruggieri (2013), International Journal of Climatology 33, 520-528, for
    Bayesian change points with trend; Zhao et al. (2019), Remote Sensing of
    Environment 232, 111181 (BEAST), for averaging over explanations.
    """
    r = np.atleast_2d(np.asarray(values, float))
    t = np.asarray(years, float)
    x = design(t, order)
    y = np.arcsinh(r / KNEE)
    mask = np.isfinite(y)
    scale = _scale(r, error)
    out: list[Changes | None] = [None] * len(r)
    enough = np.nonzero(mask.sum(1) >= 2 * margin + x.shape[1] + 4)[0]
    size = max(1, min(_CHUNK, int(4e6 / t.size**2)))
    for start in range(0, enough.size, size):
        rows = enough[start : start + size]
        for row, change in zip(
            rows,
            _detect(y[rows], mask[rows], scale[rows], x, margin, gap, max_breaks),
            strict=True,
        ):
            out[row] = change
    return out


def _scale(r: Floats, error: ArrayLike | None) -> Floats:
    """Relative size of each value's noise: the error on top of a common relative noise."""
    if error is None:
        return np.ones_like(r)
    e = np.broadcast_to(np.asarray(error, float), r.shape)
    slope = np.sqrt(np.square(np.nan_to_num(r)) + KNEE**2)
    return np.sqrt(1 + np.square(np.nan_to_num(np.maximum(e, 0.0)) / slope / _model.NOISE_SD))


def _detect(
    y: Floats, mask: Bools, scale: Floats, x: Floats, margin: int, gap: int, max_breaks: int
) -> list[Changes]:
    n, length = y.shape
    nuisance = np.broadcast_to(x, (n, *x.shape))
    keep = mask & ~_search.local_outliers(y, mask)

    def look(hyper: Sequence[_model.Hyper], rows: NDArray[np.int_], stride: int) -> _Look:
        allowed = _search.allowed_months(keep, margin)
        args = y, keep, scale, nuisance, allowed, margin, gap, hyper, rows, stride
        scan = _search.scan_chunk(*args)
        models, probability = _search.map_models(scan)
        return _Look(scan, models, probability)

    def fit_of(seen: _Look) -> tuple[Floats, _model.Fit]:
        z = np.concatenate([nuisance, _search.columns(seen.models, length, max_breaks)], axis=2)
        pilot = _search.pilot(y, keep, scale)
        phi, trend = seen.scan.phi, seen.scan.trend
        return z, _model.gls_fit(y, keep, scale, z, max_breaks, phi, trend, pilot)

    first = look(_model.FIRST_LOOK, np.arange(n), _COARSE)
    # Outliers are judged against the best explanation, not against no change.
    _, fit = fit_of(first)
    far = np.abs(fit.deletion) > _search.OUTLIER
    keep = keep & ~(far & ~_search.about_pairs(first.models, length, _COARSE))
    several = np.nonzero(first.scan.chance_of_pairs() > _search.CHANCE)[0]
    seen = look(_model.HYPER, several, 1)
    scan, models, probability = seen.scan, seen.models, seen.probability
    posteriors = _search.refine(y, keep, scale, nuisance, scan, models, margin, gap, max_breaks)
    z, fit = fit_of(seen)
    return [
        _report(i, y, mask, keep, x, z, fit, models[i], posteriors[i], probability[i], scan.phi[i])
        for i in range(n)
    ]


def _report(
    i: int,
    y: Floats,
    mask: Bools,
    keep: Bools,
    x: Floats,
    z: Floats,
    fit: _model.Fit,
    model: list[tuple[int, int]],
    posteriors: list[Floats],
    p: Floats,
    phi: float,
) -> Changes:
    p_regressors = x.shape[1]
    coef, cov = fit.coef[i], fit.cov[i]
    season = x[:, 2:] @ coef[2:p_regressors]
    transformed = np.where(mask[i], y[i], np.nan)
    number = _search.counts(keep[i : i + 1])[0]
    breaks: list[Break] = []
    fade = None
    for k, (a, d) in enumerate(model):
        change, low, high, before, after = _effect(
            coef, cov, z[i], x, p_regressors + k, a, fit.dof[i]
        )
        if d > 1:
            fade = Fade(a, min(a + d - 1, y.shape[1] - 1), change, float(p[2]))
            continue
        index, first, last = _dates(posteriors[k], a, number)
        near = posteriors[k][np.abs(number - number[index]) <= NEAR].sum()
        sure = min(float((p[1] + p[3]) * near), 1.0)
        if sure >= _search.DATED:
            breaks.append(Break(index, first, last, change, low, high, sure, before, after))
    return Changes(
        tuple(breaks),
        fade,
        p_none=float(p[0]),
        p_step=float(p[1]),
        p_fade=float(p[2]),
        p_several=float(p[3]),
        valid=int(mask[i].sum()),
        outliers=np.nonzero(mask[i] & ~keep[i])[0],
        fitted=KNEE * np.sinh(fit.fitted[i]),
        level=KNEE * np.sinh(fit.fitted[i] - season),
        adjusted=KNEE * np.sinh(transformed - season),
        noise=float(np.sqrt(fit.variance[i])),
        phi=float(phi),
    )


def _dates(posterior: Floats, start: int, number: NDArray[np.int_]) -> tuple[int, int, int]:
    """Date and 95 % interval: the middle of equally likely dates, central quantiles.

    ``number`` counts the valid values before each time step: across a gap it does not
    move, so that the dates of a gap are neighbours however long the gap is.
    """
    near = np.where(np.abs(number - number[start]) <= NEAR, posterior, 0.0)
    if near.max() > 0:
        # Missing months make neighbouring dates equally likely: the middle errs least.
        same = (number == number[near.argmax()]) & (near > 0.7 * near.max())
        run = np.nonzero(same)[0]
        start = int(run[(run.size - 1) // 2])
    index = start
    cumulated = np.cumsum(posterior) / posterior.sum()
    first = int(np.searchsorted(cumulated, 0.025))
    last = int(np.searchsorted(cumulated, 0.975))
    return index, min(first, index), max(min(last, posterior.size - 1), index)


def _effect(
    coef: Floats, cov: Floats, z: Floats, x: Floats, column: int, at: int, dof: float
) -> tuple[float, float, float, float, float]:
    """Change in percent with its 95 % interval, and the levels before and after (radiance).

    Levels are means over the year at the date of the change, with every season in
    them; the interval follows the covariance of all coefficients (delta method).
    """
    length = x.shape[0]
    first = max(0, min(at - 6, length - 12))
    rows = z[first : first + 12].copy()
    rows[:, 1] = z[at, 1]
    rows[:, x.shape[1] :] = z[min(at + _model.ABRUPT, length - 1), x.shape[1] :]
    for other in range(x.shape[1], z.shape[1]):
        if other != column:
            rows[:, other] = z[at, other]
    rows[:, column] = 1.0
    without = rows.copy()
    without[:, column] = 0.0
    eta_after, eta_before = rows @ coef, without @ coef
    least = 0.01
    after = max(float(KNEE * np.sinh(eta_after).mean()), least)
    before = max(float(KNEE * np.sinh(eta_before).mean()), least)
    gradient = KNEE * (
        (np.cosh(eta_after)[:, None] * rows).mean(0) / after
        - (np.cosh(eta_before)[:, None] * without).mean(0) / before
    )
    spread = student.ppf(0.975, dof) * np.sqrt(max(gradient @ cov @ gradient, 0.0))
    ratio = np.log(after / before)
    change, low, high = (100 * float(np.expm1(v)) for v in (ratio, ratio - spread, ratio + spread))
    return change, low, high, before, after
