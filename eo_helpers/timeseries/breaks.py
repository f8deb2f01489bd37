"""Sudden level changes in series that have seasons, gaps, outliers and red noise.

Every series is compared with four explanations on the same footing: no change
(trend and season only), one sudden change, one slow fade, two or more sudden
changes. Each gets a posterior probability, and each break a posterior
distribution of its date: the intervals are read from it.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp
from scipy.stats import t as student

from . import _model
from .season import design

__all__ = ["ABRUPT", "KNEE", "Break", "Changes", "Fade", "detect_breaks"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Radiance (nW·cm⁻²·sr⁻¹) under which the transform goes from logarithm to linear:
#: the level where the floor noise of VIIRS (some 0.05-0.1 nW) equals a relative noise of 10-20 %.
KNEE = 0.5
#: A change that takes this many time steps or less is a break, a longer one a fade.
ABRUPT = 6
#: Prior probability of: no change, one sudden change, one slow fade, two sudden changes.
#: Each further change costs the same again.
PRIOR = (0.59, 0.30, 0.06, 0.05)
#: Probability that a change is needed before anything is reported.
NEEDED = 0.85
#: A deletion residual beyond this many standard deviations is an outlier.
OUTLIER = 3.5
_CHUNK = 128


def _quiet() -> warnings.catch_warnings:
    """All-gap windows are expected: their median is NaN, which is what is wanted."""
    return warnings.catch_warnings(action="ignore", category=RuntimeWarning)


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


@dataclass
class _Scan:
    """Posterior of one chunk, noise coefficients averaged out."""

    none: Floats
    one: Floats
    two: Floats
    phi: Floats


def _scan(y: Floats, mask: Bools, scale: Floats, x: Floats, allowed: Bools, gap: int) -> _Scan:
    n, length = y.shape
    none = np.full((n, len(_model.PHI)), -np.inf)
    one = np.full((n, len(_model.DURATIONS), length), -np.inf)
    two = np.full((n, length, length), -np.inf)
    for k, (phi, weight) in enumerate(zip(_model.PHI, _model.PHI_PRIOR, strict=True)):
        m = _model.grams(y, mask, scale, x, phi)
        variance = _pilot(y, mask, scale)
        a, b, c = _model.log_evidence(m, variance, allowed, gap)
        w = np.log(weight)
        none[:, k] = a + w
        np.logaddexp(one, b + w, out=one)
        np.logaddexp(two, c + w, out=two)
        best = np.maximum(a, np.maximum(b.max((1, 2)), c.max((1, 2))))
        if k == 0:
            top = np.empty((n, len(_model.PHI)))
        top[:, k] = best + w
    lengths = np.maximum(allowed.sum(1), 1)[:, None]
    one -= np.log(lengths)[:, :, None]
    abrupt = np.array([d <= ABRUPT for d in _model.DURATIONS])
    one[:, abrupt] += np.log(PRIOR[1] * _shares(abrupt))[None, :, None]
    one[:, ~abrupt] += np.log(PRIOR[2] / (~abrupt).sum())
    two += np.log(PRIOR[3] * 2) - 2 * np.log(lengths)[:, :, None]
    phi = np.array(_model.PHI)[top.argmax(1)]
    return _Scan(logsumexp(none, axis=1) + np.log(PRIOR[0]), one, two, phi)


def _shares(abrupt: Bools) -> Floats:
    """Most sudden changes take one step; the rest of them share a fifth."""
    count = int(abrupt.sum())
    return np.array([0.8] + [0.2 / (count - 1)] * (count - 1)) if count > 1 else np.ones(1)


def _pilot(y: Floats, mask: Bools, scale: Floats) -> Floats:
    """Noise variance from differences of neighbours: blind to levels and to trend."""
    z = np.where(mask, y / scale, np.nan)
    d = np.diff(z, axis=1)
    with np.errstate(all="ignore"):
        sd = 1.4826 * np.nanmedian(np.abs(d), axis=1) / np.sqrt(2)
    return np.maximum(np.nan_to_num(sd, nan=0.1), 0.02) ** 2


def _local_outliers(y: Floats, mask: Bools, half: int = 4) -> Bools:
    """Values far from the median of what comes before AND from that of what comes after.

    Asking for both keeps the first value of a new level from being taken for an outlier.
    """
    z = np.where(mask, y, np.nan)
    padded = np.pad(z, ((0, 0), (half, half)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, half + 1, axis=1)
    length = y.shape[1]
    with np.errstate(all="ignore"), _quiet():
        left = z - np.nanmedian(windows[:, :length], axis=2)
        right = z - np.nanmedian(windows[:, half : half + length], axis=2)
        d = np.fmin(np.abs(left), np.abs(right))
        d = np.where(np.sign(left) * np.sign(right) < 0, 0.0, d)
        sd = np.sqrt(_pilot(y, mask, np.ones_like(y)))[:, None]
    return mask & (np.nan_to_num(d) > 4.5 * sd)


def _columns(models: list[list[tuple[int, int]]], length: int, slots: int) -> Floats:
    """Regressors (n, T, slots) of lists of (start, duration); unused slots are zero."""
    t = np.arange(length)
    out = np.zeros((len(models), length, slots))
    for i, model in enumerate(models):
        for k, (a, d) in enumerate(model):
            out[i, :, k] = np.clip((t - a + 1) / d, 0, 1)
    return out


def _allowed(mask: Bools, margin: int) -> Bools:
    """Time steps with at least ``margin`` valid values on either side."""
    before = np.cumsum(mask, axis=1) - mask
    after = mask.sum(1, keepdims=True) - before
    return (before >= margin) & (after >= margin)


def _map_models(scan: _Scan) -> tuple[list[list[tuple[int, int]]], Floats]:
    """The most probable explanation of each series, and the probabilities of the four."""
    abrupt = np.array([d <= ABRUPT for d in _model.DURATIONS])
    scores = np.column_stack(
        [
            scan.none,
            logsumexp(scan.one[:, abrupt], axis=(1, 2)),
            logsumexp(scan.one[:, ~abrupt], axis=(1, 2)),
            logsumexp(scan.two, axis=(1, 2)),
        ]
    )
    probability = np.exp(scores - logsumexp(scores, axis=1, keepdims=True))
    models: list[list[tuple[int, int]]] = []
    for i, p in enumerate(probability):
        kind = decide(p)
        if kind == 0:
            models.append([])
        elif kind == 3:
            a, b = np.unravel_index(scan.two[i].argmax(), scan.two[i].shape)
            models.append([(int(a), 1), (int(b), 1)])
        else:
            family = np.nonzero(abrupt if kind == 1 else ~abrupt)[0]
            k, a = np.unravel_index(scan.one[i, family].argmax(), scan.one[i, family].shape)
            d = _model.DURATIONS[family[k]]
            models.append([(int(a), d)] if kind == 2 else [(_step_month(scan.one[i, family]), 1)])
    return models, probability


def _step_month(log_posterior: Floats) -> int:
    return int(_month_posterior(log_posterior).argmax())


def _month_posterior(log_posterior: Floats) -> Floats:
    """Posterior of the first month with the new level, from sudden changes (D, T)."""
    out = np.zeros(log_posterior.shape[1])
    weight = np.exp(log_posterior - log_posterior.max())
    for d, row in zip(_model.DURATIONS, weight, strict=False):
        shift = d // 2
        out[shift:] += row[: row.size - shift]
    return out / out.sum()


def decide(p: Floats) -> int:
    """Index of the explanation that is reported: 0 none, 1 step, 2 fade, 3 several."""
    if 1 - p[0] < NEEDED:
        return 0
    return int(np.argmax(p[1:])) + 1


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
        Least number of time steps between two breaks.
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
    prior. Outliers (deletion residuals over 3.5 standard deviations from the best
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
    keep = mask & ~_local_outliers(y, mask)
    for turn in range(2):
        scan = _scan(y, keep, scale, nuisance, _allowed(keep, margin), gap)
        models, probability = _map_models(scan)
        pilot = _pilot(y, keep, scale)
        z = np.concatenate([nuisance, _columns(models, length, max_breaks)], axis=2)
        fit = _model.gls_fit(y, keep, scale, z, max_breaks, scan.phi, pilot)
        if turn == 0:
            # Outliers are judged against the best explanation, not against no change.
            keep = keep & (np.abs(fit.deletion) < OUTLIER)
    more, posteriors = _refine(y, keep, scale, nuisance, scan, models, margin, gap, max_breaks)
    if more:
        z = np.concatenate([nuisance, _columns(models, length, max_breaks)], axis=2)
        fit = _model.gls_fit(y, keep, scale, z, max_breaks, scan.phi, pilot)
    return [
        _report(i, y, mask, keep, x, z, fit, models[i], posteriors[i], probability[i], scan.phi[i])
        for i in range(n)
    ]


def _refine(
    y: Floats,
    keep: Bools,
    scale: Floats,
    nuisance: Floats,
    scan: _Scan,
    models: list[list[tuple[int, int]]],
    margin: int,
    gap: int,
    max_breaks: int,
) -> tuple[bool, list[list[Floats]]]:
    """Posterior of each break's month; a further break where two do not explain enough.

    ``models`` is changed in place where a break is added.
    """
    abrupt = np.array([d <= ABRUPT for d in _model.DURATIONS])
    posteriors: list[list[Floats]] = []
    for i, model in enumerate(models):
        if len(model) == 1 and model[0][1] == 1:
            posteriors.append([_month_posterior(scan.one[i, abrupt])])
        elif len(model) == 2:
            weight = np.exp(scan.two[i] - scan.two[i].max())
            posteriors.append([weight.sum(1) / weight.sum(), weight.sum(0) / weight.sum()])
        else:
            posteriors.append([])
    several = np.array([i for i, model in enumerate(models) if len(model) == 2], int)
    if max_breaks < 3 or several.size == 0:
        return False, posteriors
    fixed = _columns([models[i] for i in several], y.shape[1], 2)
    z = np.concatenate([nuisance[several], fixed], axis=2)
    sub = (y[several], keep[several], scale[several])
    m = _model.grams(*sub, z, scan.phi[several])
    allowed = _allowed(keep[several], margin)
    for row, i in enumerate(several):
        for a, _ in models[i]:
            allowed[row, max(0, a - gap + 1) : a + gap] = False
    none, one, _ = _model.log_evidence(m, _pilot(*sub), allowed, gap)
    gain = one[:, 0] - none[:, None]
    odds = logsumexp(gain, axis=1) - np.log(np.maximum(allowed.sum(1), 1))
    added = False
    for row, i in enumerate(several):
        if odds[row] + np.log(PRIOR[3]) > np.log(NEEDED / (1 - NEEDED)):
            weight = np.exp(gain[row] - gain[row].max())
            pairs = [*zip(models[i], posteriors[i], strict=True)]
            pairs.append(((int(gain[row].argmax()), 1), weight / weight.sum()))
            pairs.sort(key=lambda pair: pair[0])
            models[i] = [pair[0] for pair in pairs]
            posteriors[i] = [pair[1] for pair in pairs]
            added = True
    return added, posteriors


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
    breaks: list[Break] = []
    fade = None
    for k, (a, d) in enumerate(model):
        change, low, high, before, after = _effect(
            coef, cov, z[i], x, p_regressors + k, a, fit.dof[i]
        )
        if d > 1:
            fade = Fade(a, min(a + d - 1, y.shape[1] - 1), change, float(p[2]))
            continue
        index, first, last = _dates(posteriors[k], a)
        near = posteriors[k][max(0, index - 3) : index + 4].sum()
        several = float(p[1] + p[3])
        breaks.append(
            Break(index, first, last, change, low, high, float(several * near), before, after)
        )
    return Changes(
        tuple(breaks),
        fade,
        *(float(v) for v in p),
        int(mask[i].sum()),
        np.nonzero(mask[i] & ~keep[i])[0],
        KNEE * np.sinh(fit.fitted[i]),
        KNEE * np.sinh(fit.fitted[i] - season),
        KNEE * np.sinh(transformed - season),
        float(np.sqrt(fit.variance[i])),
        float(phi),
    )


def _dates(posterior: Floats, start: int) -> tuple[int, int, int]:
    """Date and 95 % interval: the median of the mode's neighbourhood, central quantiles."""
    near = np.zeros_like(posterior)
    near[max(0, start - 3) : start + 4] = posterior[max(0, start - 3) : start + 4]
    # Missing months make neighbouring dates equally likely: the middle errs least.
    top = np.nonzero(near > 0.7 * near.max())[0]
    run = top[np.abs(top - near.argmax()) <= 3]
    index = int(run[(run.size - 1) // 2]) if near.max() > 0 else start
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
    rows[:, x.shape[1] :] = z[min(at + ABRUPT, length - 1), x.shape[1] :]
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
