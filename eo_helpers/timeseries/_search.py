"""The search for the most probable explanation of each series (numpy only)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logsumexp

from . import _model

__all__ = [
    "CHANCE",
    "DATED",
    "OUTLIER",
    "Scan",
    "about_pairs",
    "allowed_months",
    "columns",
    "decide",
    "local_outliers",
    "map_models",
    "pilot",
    "refine",
    "scan_chunk",
]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Prior probability of: no change, one sudden change, one slow fade, two sudden changes.
#: Each further change costs the same again.
PRIOR = (0.56, 0.29, 0.11, 0.04)
#: Probability that a change is needed before anything is reported.
NEEDED = 0.65
#: How much likelier than a slow fade a sudden change must be.
SUDDEN_ODDS = 1.2
#: Prior probability of a date near either end of the series, over that of any other: a level
#: seen for less than twice the margin (a year of months) is easily a season or a bad winter.
EDGE = 0.2
#: How much likelier two breaks must be than one.
SEVERAL_ODDS = 3.0
#: Probability within three valid values of its date that a break needs to be reported:
#: a change that cannot be dated is no break.
DATED = 0.3
#: Pairs of breaks are weighed with care where a first look gives them this probability.
CHANCE = 0.03
#: A deletion residual beyond this many standard deviations is an outlier.
OUTLIER = 2.5


def _quiet() -> warnings.catch_warnings:
    """All-gap windows are expected: their median is NaN, which is what is wanted."""
    return warnings.catch_warnings(action="ignore", category=RuntimeWarning)


@dataclass
class Scan:
    """Posterior of one chunk, noise and trend averaged over.

    ``none`` (n) and ``one`` (n, D, T) are logarithms with the priors in them; so is
    ``two`` (m, T, T), of the series ``rows`` (m) and each ``stride``-th time step only.
    ``phi`` and ``trend`` (n) are those of the most probable explanation.
    """

    none: Floats
    one: Floats
    two: NDArray[np.float32]
    rows: NDArray[np.int_]
    phi: Floats
    trend: Floats
    stride: int = 1

    def chance_of_pairs(self) -> Floats:
        """Probability of two breaks rather than one or none (all series were tried).

        Single breaks are taken at the same time steps as pairs: a coarse grid misses the
        exact dates of both alike.
        """
        stride = self.stride
        with np.errstate(divide="ignore"):
            two = logsumexp(self.two, axis=(1, 2)) + 2 * np.log(stride)
            one = logsumexp(self.one[:, 0, ::stride], axis=1) + np.log(stride)
        return np.asarray(expit(two - np.logaddexp(self.none, one)))


def scan_chunk(
    y: Floats,
    mask: Bools,
    scale: Floats,
    x: Floats,
    allowed: Bools,
    margin: int,
    gap: int,
    hyper: Sequence[_model.Hyper],
    rows: NDArray[np.int_],
    stride: int = 1,
) -> Scan:
    """Posterior of every explanation of every series (n, T) with nuisances ``x`` (n, T, p).

    Pairs of steps are tried for the series ``rows``, at each ``stride``-th time step.
    """
    variance = pilot(y, mask, scale)
    count = counts(mask)
    # Priors last: evidences are comparable as they are.
    where = _where(mask, allowed, margin)
    prior_one = _prior_one()[None, :, None] + where[:, None, :]
    none, one, best, models = [], [], [], []
    known: dict[float, _model.Whitened] = {}
    for h in hyper:
        if h.phi not in known:
            known[h.phi] = _model.whitened(y, mask, scale, x, h.phi)
        m = _model.steps(known[h.phi], variance, h.trend)
        a, b = _model.one_evidence(m, allowed)
        a += np.log(PRIOR[0]) + np.log(h.weight)
        b += prior_one + np.log(h.weight)
        none.append(a)
        one.append(b)
        models.append(m.take(rows))
        best.append(np.maximum(a, b.max((1, 2))))
    weights = [h.weight for h in hyper]
    two = _model.two_evidence(models, weights, allowed[rows], count[rows], gap, stride)
    # Each pair once, of half as many pairs as there are of two dates.
    dates = where[rows, ::stride].astype(np.float32)
    two += np.float32(np.log(2 * PRIOR[3])) + dates[:, :, None] + dates[:, None, :]
    which = np.argmax(best, axis=0)
    phi = np.array([h.phi for h in hyper])[which]
    trend = np.array([h.trend for h in hyper])[which]
    return Scan(np.logaddexp.reduce(none), _average(one), two, rows, phi, trend, stride)


def _where(mask: Bools, allowed: Bools, margin: int) -> Floats:
    """Logarithm of the prior of each date (n, T); they sum to one over the allowed ones."""
    weight = np.where(allowed_months(mask, 2 * margin), 1.0, EDGE)
    total = np.maximum((weight * allowed).sum(1, keepdims=True), EDGE)
    return np.asarray(np.log(weight / total))


def _prior_one() -> Floats:
    """Logarithm of the prior of one change, by its duration."""
    shares = np.array(_model.SHARES)
    return np.asarray(np.log(shares) + np.log(np.where(_abrupt(), PRIOR[1], PRIOR[2])))


def _abrupt() -> Bools:
    return np.array([d <= _model.ABRUPT for d in _model.DURATIONS])


def _average(values: list[Floats]) -> Floats:
    """``log(sum(exp(values)))``, element by element."""
    top = np.maximum.reduce(values)
    safe = np.where(np.isfinite(top), top, 0.0)
    total = np.zeros(top.shape, np.float32)
    for v in values:
        total += np.exp((v - safe).astype(np.float32))
    with np.errstate(divide="ignore"):
        return np.asarray(safe + np.log(total))


def pilot(y: Floats, mask: Bools, scale: Floats) -> Floats:
    """Noise variance from differences of neighbours: blind to levels and to trend."""
    z = np.where(mask, y / scale, np.nan)
    d = np.diff(z, axis=1)
    with np.errstate(all="ignore"):
        sd = 1.4826 * np.nanmedian(np.abs(d), axis=1) / np.sqrt(2)
    return np.maximum(np.nan_to_num(sd, nan=0.1), 0.02) ** 2


def local_outliers(y: Floats, mask: Bools, half: int = 4) -> Bools:
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
        sd = np.sqrt(pilot(y, mask, np.ones_like(y)))[:, None]
    return mask & (np.nan_to_num(d) > 4.5 * sd)


def columns(models: list[list[tuple[int, int]]], length: int, slots: int) -> Floats:
    """Regressors (n, T, slots) of lists of (start, duration); unused slots are zero."""
    t = np.arange(length)
    out = np.zeros((len(models), length, slots))
    for i, model in enumerate(models):
        for k, (a, d) in enumerate(model):
            out[i, :, k] = np.clip((t - a + 1) / d, 0, 1)
    return out


def counts(mask: Bools) -> NDArray[np.int_]:
    """Number of valid values before each time step."""
    total: NDArray[np.int_] = np.cumsum(mask, axis=1)
    return total - mask.astype(int)


def about_pairs(models: list[list[tuple[int, int]]], length: int, reach: int) -> Bools:
    """Time steps next to one of several breaks, which a coarse look has not dated exactly."""
    out = np.zeros((len(models), length), bool)
    for i, model in enumerate(models):
        for a, _ in model if len(model) > 1 else ():
            out[i, max(0, a - reach) : a + reach] = True
    return out


def allowed_months(mask: Bools, margin: int) -> Bools:
    """Time steps with at least ``margin`` valid values on either side."""
    before = counts(mask)
    after = mask.sum(1, keepdims=True) - before
    return (before >= margin) & (after >= margin)


def map_models(scan: Scan) -> tuple[list[list[tuple[int, int]]], Floats]:
    """The most probable explanation of each series, and the probabilities of the four."""
    abrupt = _abrupt()
    scores = np.column_stack(
        [
            scan.none,
            logsumexp(scan.one[:, abrupt], axis=(1, 2)),
            logsumexp(scan.one[:, ~abrupt], axis=(1, 2)),
            np.full(scan.none.size, -np.inf),
        ]
    )
    if scan.rows.size:
        flat = scan.two.reshape(scan.rows.size, -1)
        top = flat.max(1)
        safe = np.where(np.isfinite(top), top, 0)[:, None]
        with np.errstate(divide="ignore"):
            scores[scan.rows, 3] = safe[:, 0] + np.log(np.exp(flat - safe).sum(1))
    probability = np.exp(scores - logsumexp(scores, axis=1, keepdims=True))
    probability /= probability.sum(1, keepdims=True)
    place = {int(row): k for k, row in enumerate(scan.rows)}
    models: list[list[tuple[int, int]]] = []
    for i, p in enumerate(probability):
        kind = decide(p)
        if kind == 0:
            models.append([])
        elif kind == 3:
            two = scan.two[place[i]]
            a, b = np.unravel_index(two.argmax(), two.shape)
            models.append([(int(a) * scan.stride, 1), (int(b) * scan.stride, 1)])
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
    """Index of the explanation that is reported: 0 none, 1 step, 2 fade, 3 several.

    Several breaks must be clearly likelier than one: they can follow any outlier.
    """
    if 1 - p[0] < NEEDED:
        return 0
    if p[3] > p[2] and p[3] > SEVERAL_ODDS * p[1]:
        return 3
    return 1 if p[1] > SUDDEN_ODDS * p[2] else 2


def refine(
    y: Floats,
    keep: Bools,
    scale: Floats,
    nuisance: Floats,
    scan: Scan,
    models: list[list[tuple[int, int]]],
    margin: int,
    gap: int,
    max_breaks: int,
) -> list[list[Floats]]:
    """Posterior of each break's month; a further break where two do not explain enough.

    ``models`` is changed in place where a break is added.
    """
    abrupt = _abrupt()
    place = {int(row): k for k, row in enumerate(scan.rows)}
    posteriors: list[list[Floats]] = []
    for i, model in enumerate(models):
        if len(model) == 1 and model[0][1] == 1:
            posteriors.append([_month_posterior(scan.one[i, abrupt])])
        elif len(model) == 2:
            two = scan.two[place[i]]
            weight = np.exp(two - two.max())
            posteriors.append([weight.sum(1) / weight.sum(), weight.sum(0) / weight.sum()])
        else:
            posteriors.append([])
    several = np.array([i for i, model in enumerate(models) if len(model) == 2], int)
    if max_breaks < 3 or several.size == 0:
        return posteriors
    fixed = columns([models[i] for i in several], y.shape[1], 2)
    z = np.concatenate([nuisance[several], fixed], axis=2)
    sub = (y[several], keep[several], scale[several])
    allowed = allowed_months(keep[several], margin)
    number = counts(keep[several])
    for row, i in enumerate(several):
        for a, _ in models[i]:
            allowed[row] &= np.abs(number[row] - number[row, a]) >= gap
    gain = np.empty(allowed.shape)
    for phi, trend in {*zip(scan.phi[several], scan.trend[several], strict=True)}:
        rows = (scan.phi[several] == phi) & (scan.trend[several] == trend)
        values, kept, noise = (v[rows] for v in sub)
        variance = pilot(values, kept, noise)
        m = _model.steps(_model.whitened(values, kept, noise, z[rows], phi), variance, trend)
        none, one = _model.one_evidence(m, allowed[rows])
        gain[rows] = one[:, 0] - none[:, None]
    odds = logsumexp(gain, axis=1) - np.log(np.maximum(allowed.sum(1), 1))
    for row, i in enumerate(several):
        if odds[row] + np.log(PRIOR[3]) > np.log(NEEDED / (1 - NEEDED)):
            weight = np.exp(gain[row] - gain[row].max())
            pairs = [*zip(models[i], posteriors[i], strict=True)]
            pairs.append(((int(gain[row].argmax()), 1), weight / weight.sum()))
            pairs.sort(key=lambda pair: pair[0])
            models[i] = [pair[0] for pair in pairs]
            posteriors[i] = [pair[1] for pair in pairs]
    return posteriors
