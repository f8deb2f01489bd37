"""Marginal likelihoods of level changes in many gapped series at once (numpy only).

One change is a ramp that starts in month ``a`` and lasts ``d`` months (``d = 1``
is a step). Trend, season and noise are shared by every model, so that "nothing",
"a step", "a slow fade" and "two steps" are compared on the same footing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["DURATIONS", "PHI", "Fit", "Grams", "gls_fit", "grams", "log_evidence", "precision"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Durations of a single change, in time steps; a posteriori those up to
#: ``breaks.ABRUPT`` are a break, the longer ones a fade.
DURATIONS = (1, 3, 6, 12, 18, 24, 30, 36, 48, 60)
#: AR(1) coefficients of the noise, averaged over with the weights ``PHI_PRIOR``.
PHI = (0.0, 0.2, 0.4, 0.6, 0.8)
PHI_PRIOR = (0.2, 0.25, 0.25, 0.2, 0.1)
#: Prior standard deviation of one change, in units of the transformed series
#: (0.5 is a fall of about 40 % or a rise of about 65 % in log radiance).
AMPLITUDE = 0.5
#: In noisier series only greater changes can be seen: the prior is at least this many
#: standard deviations of the noise wide.
AMPLITUDE_NOISE = 2.0
#: Prior standard deviation of the trend, per decade of transformed units (5 % a year).
#: It only matters in series of a year or two, where a trend could hide a change.
TREND = 0.5
#: Weak prior on the noise variance: worth ``NOISE_WEIGHT`` observations of ``NOISE_SD``.
NOISE_WEIGHT = 4.0
NOISE_SD = 0.1


@dataclass(frozen=True)
class Grams:
    """Inner products of the step regressors under one noise model, nuisances projected out.

    ``g`` (n, T, T) between steps, ``b`` (n, T) of steps with the data, ``rss`` (n)
    without any step, ``const`` (n) the parts of the log likelihood common to all models.
    """

    g: Floats
    b: Floats
    rss: Floats
    const: Floats
    dof: Floats


def precision(mask: Bools, scale: Floats, phi: Floats | float) -> tuple[Floats, Floats]:
    """Precision matrices (n, T, T) of AR(1) noise of unit variance seen at ``mask``.

    Gaps are exact: two neighbours ``k`` steps apart correlate as ``phi ** k``.
    ``scale`` (n, T) multiplies the noise of each value. Also returns log det (n).
    """
    n, length = mask.shape
    index = np.arange(length)
    last = np.maximum.accumulate(np.where(mask, index, -1), axis=1)
    before = np.concatenate([np.full((n, 1), -1), last[:, :-1]], axis=1)
    linked = mask & (before >= 0)
    coefficient = np.broadcast_to(np.asarray(phi, float), (n,))[:, None]
    rho = np.where(linked, coefficient ** np.where(linked, index - before, 1).astype(float), 0.0)
    weight = 1.0 / (1.0 - rho**2)
    p = np.zeros((n, length, length))
    p[:, index, index] = np.where(mask, weight, 0.0)
    row, col = np.nonzero(linked)
    prev = before[row, col]
    link = rho[row, col]
    np.add.at(p, (row, prev, prev), link**2 * weight[row, col])
    p[row, col, prev] = p[row, prev, col] = -link * weight[row, col]
    inverse = np.where(mask, 1.0 / scale, 0.0)
    p *= inverse[:, :, None] * inverse[:, None, :]
    logdet = np.sum(np.where(mask, np.log(weight) - 2 * np.log(scale), 0.0), axis=1)
    return p, logdet


def _suffix(a: Floats, axis: int) -> Floats:
    flipped = np.flip(a, axis)
    return np.flip(np.cumsum(flipped, axis), axis)


def grams(
    y: Floats, mask: Bools, scale: Floats, nuisance: Floats, phi: Floats | float, variance: Floats
) -> Grams:
    """Inner products of all steps ``1[t >= a]``, after GLS projection on ``nuisance`` (n, T, p)."""
    p, logdet = precision(mask, scale, phi)
    z = np.where(mask, y, 0.0)
    px = p @ nuisance
    py = np.einsum("nts,ns->nt", p, z)
    a = np.swapaxes(nuisance, 1, 2) @ px
    a[:, 1, 1] += variance / TREND**2
    # A step is a suffix: its inner products are suffix sums of the precision matrix.
    c = _suffix(px, 1)
    b = _suffix(py, 1)
    g = _suffix(_suffix(p, 1), 2)
    xy = np.einsum("ntp,nt->np", nuisance, py)
    solved = np.linalg.solve(a, np.concatenate([np.swapaxes(c, 1, 2), xy[:, :, None]], axis=2))
    g -= c @ solved[:, :, :-1]
    b = b - np.einsum("ntp,np->nt", c, solved[:, :, -1])
    rss = np.einsum("nt,nt->n", z, py) - np.einsum("np,np->n", xy, solved[:, :, -1])
    _, logdet_a = np.linalg.slogdet(a)
    dof = mask.sum(1) - nuisance.shape[2] + NOISE_WEIGHT
    return Grams(g, b, np.maximum(rss, 1e-12), 0.5 * (logdet - logdet_a), dof)


def log_evidence(
    m: Grams, variance: Floats, allowed: Bools, count: NDArray[np.int_], gap: int
) -> tuple[Floats, ...]:
    """Log marginal likelihood of no change, one change and two steps.

    Parameters
    ----------
    m : Grams
    variance : ndarray (n,)
        Pilot noise variance; it only scales the prior of the amplitudes.
    allowed : ndarray (n, T)
        Months at which a change may start or end.
    count : ndarray of int (n, T)
        Number of valid values before each time step.
    gap : int
        Least number of valid values between two breaks.

    Returns
    -------
    none (n,), one (n, D, T), two (n, T, T)
        ``-inf`` where a change is not allowed.
    """
    n, length = m.b.shape
    lam = _ridge(variance)[:, None]
    half = 0.5 * m.dof
    prior = NOISE_WEIGHT * NOISE_SD**2
    none = m.const - half * np.log(m.rss + prior)

    one = np.full((n, len(DURATIONS), length), -np.inf)
    table = np.zeros((n, length + 1, length + 1))
    np.cumsum(np.cumsum(m.g, 1), 2, out=table[:, 1:, 1:])
    sums = np.concatenate([np.zeros((n, 1)), np.cumsum(m.b, 1)], axis=1)
    for k, d in enumerate(DURATIONS):
        if d >= length:
            continue
        start = np.arange(length - d + 1)
        end = start + d
        # A ramp is the mean of d steps, hence block sums of their inner products.
        gd = (
            table[:, end, end]
            - table[:, start, end]
            - table[:, end, start]
            + table[:, start, start]
        ) / d**2
        bd = (sums[:, end] - sums[:, start]) / d
        value = _one(gd, bd, lam, m.rss[:, None], half[:, None], prior)
        ok = allowed[:, start] & allowed[:, end - 1]
        one[:, k, : length - d + 1] = np.where(ok, m.const[:, None] + value, -np.inf)

    diag = np.einsum("ntt->nt", m.g) + lam
    i, j = np.triu_indices(length, gap)
    gi, gj, gij = diag[:, i], diag[:, j], m.g[:, i, j]
    bi, bj = m.b[:, i], m.b[:, j]
    det = gi * gj - gij**2
    ok = allowed[:, i] & allowed[:, j] & (count[:, j] - count[:, i] >= gap) & (det > 1e-9)
    det = np.where(ok, det, 1.0)
    left = m.rss[:, None] - (bi**2 * gj - 2 * bi * bj * gij + bj**2 * gi) / det
    value = -0.5 * np.log(det / lam**2) - half[:, None] * np.log(np.maximum(left, 0) + prior)
    two = np.full((n, length, length), -np.inf)
    two[:, i, j] = np.where(ok, m.const[:, None] + value, -np.inf)
    return none, one, two


def _ridge(variance: Floats) -> Floats:
    """Noise variance over the prior variance of a change."""
    return variance / np.maximum(AMPLITUDE**2, AMPLITUDE_NOISE**2 * variance)


def _one(g: Floats, b: Floats, lam: Floats, rss: Floats, half: Floats, prior: float) -> Floats:
    g = np.maximum(g, 0.0)
    left = np.maximum(rss - b**2 / (g + lam), 0.0)
    return -0.5 * np.log1p(g / lam) - half * np.log(left + prior)


@dataclass(frozen=True)
class Fit:
    """GLS fit with a normal prior on the changes: ``cov`` holds the noise variance."""

    coef: Floats
    cov: Floats
    variance: Floats
    dof: Floats
    fitted: Floats
    deletion: Floats


def gls_fit(
    y: Floats, mask: Bools, scale: Floats, x: Floats, changes: int, phi: Floats, pilot: Floats
) -> Fit:
    """Fit ``x`` (n, T, p), whose last ``changes`` columns are changes (zero columns allowed).

    ``deletion`` (n, T) is each value's residual from what all the others predict,
    in standard deviations: what an outlier is judged by.
    """
    p, _ = precision(mask, scale, phi)
    z = np.where(mask, y, 0.0)
    px = p @ x
    a = np.swapaxes(x, 1, 2) @ px
    k = x.shape[2] - changes
    # A zero column (no such change) keeps its prior: coefficient 0.
    last = np.arange(k, x.shape[2])
    a[:, last, last] += _ridge(pilot)[:, None]
    a[:, 1, 1] += pilot / TREND**2
    inverse = np.linalg.inv(a)
    coef = np.einsum("npq,nq->np", inverse, np.einsum("ntp,nt->np", px, z))
    fitted = np.einsum("ntp,np->nt", x, coef)
    e = np.where(mask, y - fitted, 0.0)
    pe = np.einsum("nts,ns->nt", p, e)
    rss = np.einsum("nt,nt->n", e, pe) + (coef[:, k:] ** 2).sum(1) * _ridge(pilot)
    dof = mask.sum(1) - k + NOISE_WEIGHT
    variance = (rss + NOISE_WEIGHT * NOISE_SD**2) / dof
    diagonal = np.einsum("ntt->nt", p)
    with np.errstate(divide="ignore", invalid="ignore"):
        deletion = np.where(mask, pe / np.sqrt(diagonal) / np.sqrt(variance)[:, None], 0.0)
    return Fit(coef, inverse * variance[:, None, None], variance, dof, fitted, deletion)
