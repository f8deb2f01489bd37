"""Marginal likelihoods of level changes in many gapped series at once (numpy and scipy only).

One change is a ramp that starts in month ``a`` and lasts ``d`` months (``d = 1``
is a step). Trend, season and noise are shared by every model, so that "nothing",
"a step", "a slow fade" and "two steps" are compared on the same footing.

AR(1) noise is whitened along the chain of valid values. A whitened step is one
large value where it starts and the same small ones after it, so that the inner
products of all steps follow from cumulated sums, without any T × T matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

__all__ = [
    "ABRUPT",
    "DURATIONS",
    "HYPER",
    "Chain",
    "Fit",
    "Hyper",
    "Steps",
    "Whitened",
    "chain",
    "gls_fit",
    "one_evidence",
    "steps",
    "two_evidence",
    "whitened",
]

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int_]

#: Durations of a single change, in time steps; those up to ``ABRUPT`` are a break, the
#: longer ones a fade.
DURATIONS = (1, 3, 6, 12, 18, 24, 30, 36, 48, 60)
ABRUPT = 6
#: Weights of the durations, of breaks and of fades apart: most sudden changes take one
#: step; a programme of renewal takes years rather than one.
SHARES = (0.8, 0.1, 0.1, 0.03, 0.10, 0.20, 0.20, 0.20, 0.15, 0.12)


class Hyper(NamedTuple):
    """Noise and trend of one explanation: AR(1) coefficient, trend prior, weight."""

    phi: float
    trend: float
    weight: float


#: Prior standard deviation of the trend, per decade of transformed units: most communes
#: change by one or two percent a year, some by far more.
TRENDS = ((0.12, 0.9), (0.4, 0.1))
#: AR(1) coefficients of the noise that are averaged over, and their weights.
PHIS = ((0.2, 0.34), (0.4, 0.38), (0.6, 0.23), (0.8, 0.05))
#: Together, but for what is too unlikely to be worth its time.
HYPER = tuple(Hyper(p, t, wp * wt) for t, wt in TRENDS for p, wp in PHIS if wp * wt > 0.01)
#: A few of them, for a first look that finds outliers.
FIRST_LOOK = (Hyper(0.2, 0.3, 0.6), Hyper(0.6, 0.3, 0.4))
#: Prior standard deviation of one change, in units of the transformed series
#: (0.5 is a fall of about 40 % or a rise of about 65 % in log radiance).
AMPLITUDE = 0.5
#: The same of a fade: renewed lamps give less light, they are not put out.
AMPLITUDE_FADE = 0.3
#: In noisier series only greater changes can be seen: the prior is at least this many
#: standard deviations of the noise wide.
AMPLITUDE_NOISE = 2.0
#: A lone change is a rise once in ten times: lamps go out or are renewed all at once,
#: what is built lights up little by little.
RISES = 0.1
#: Of two changes: (down, down), (down, up), (up, down), (up, up).
PAIRS = (0.30, 0.55, 0.10, 0.05)
#: Weak prior on the noise variance: worth ``NOISE_WEIGHT`` observations of ``NOISE_SD``.
NOISE_WEIGHT = 4.0
NOISE_SD = 0.1


@dataclass(frozen=True)
class Chain:
    """AR(1) noise of unit variance along the valid values of each series.

    ``own`` (n, T) multiplies a valid value, ``prev`` the valid value before it (at
    ``before``), so that ``own · v - prev · v[before]`` is white. Zero where nothing is
    valid. Gaps are exact: two neighbours ``k`` steps apart correlate as ``phi ** k``.
    ``logdet`` (n) is the log determinant of the precision.
    """

    own: Floats
    prev: Floats
    before: Ints
    first: Ints
    run: Ints
    rest: Ints
    logdet: Floats

    def whiten(self, v: Floats) -> Floats:
        """``v`` (n, T) or (n, T, p), whitened."""
        if v.ndim == 2:
            return self.own * v - self.prev * np.take_along_axis(v, self.before, 1)
        shifted = np.take_along_axis(v, self.before[:, :, None], 1)
        return self.own[:, :, None] * v - self.prev[:, :, None] * shifted

    def transpose(self, e: Floats) -> Floats:
        """Transposed whitening of ``e`` (n, T): with :meth:`whiten`, the precision."""
        out = self.own * e
        row, col = np.nonzero(self.prev)
        out[row, self.before[row, col]] -= self.prev[row, col] * e[row, col]
        return out

    @property
    def diagonal(self) -> Floats:
        """Diagonal of the precision (n, T)."""
        out = self.own**2
        row, col = np.nonzero(self.prev)
        out[row, self.before[row, col]] += self.prev[row, col] ** 2
        return out


def chain(mask: Bools, scale: Floats, phi: Floats | float) -> Chain:
    """The whitening of AR(1) noise seen at ``mask`` (n, T).

    ``scale`` (n, T) multiplies the noise of each value; ``phi`` is one coefficient or
    one per series.
    """
    n, length = mask.shape
    index = np.arange(length)
    last = np.maximum.accumulate(np.where(mask, index, -1), axis=1)
    before = np.concatenate([np.full((n, 1), -1), last[:, :-1]], axis=1)
    linked = mask & (before >= 0)
    coefficient = np.broadcast_to(np.asarray(phi, float), (n,))[:, None]
    rho = np.where(linked, coefficient ** np.where(linked, index - before, 1).astype(float), 0.0)
    before = np.maximum(before, 0)
    root = 1.0 / np.sqrt(1.0 - rho**2)
    inverse = np.where(mask, 1.0 / scale, 0.0)
    own = root * inverse
    prev = np.where(linked, root * rho * np.take_along_axis(inverse, before, 1), 0.0)
    logdet = 2 * np.sum(np.log(np.where(mask, own, 1.0)), axis=1)
    # The first valid value at or after each time step; its own step stands for theirs.
    first = np.minimum.accumulate(np.where(mask, index, length)[:, ::-1], axis=1)[:, ::-1]
    # Time steps since the valid value before (all share one step), and until the next.
    run = index - np.concatenate([np.full((n, 1), -1), last[:, :-1]], axis=1)
    rest = np.where(first < length, first, length - 1) - index + 1
    return Chain(own, prev, before, first, run, rest, logdet)


@dataclass(frozen=True)
class Steps:
    """Inner products of all steps ``1[t >= a]``, nuisances projected out.

    Between the steps of ``a < b`` (with a valid value between them) it is
    ``apart[b] - c[a] · c[b]``, of a step with itself ``alone[a] - c[a] · c[a]``; ``b``
    are those with the data, ``rss`` (n) the residual without a step, ``const`` (n) the
    parts of the log likelihood that all models share.
    """

    link: Chain
    apart: Floats
    alone: Floats
    c: Floats
    b: Floats
    rss: Floats
    const: Floats
    dof: Floats
    ridge: Floats
    ridge_fade: Floats

    def take(self, rows: Ints) -> Steps:
        """Some of the series (what :func:`two_evidence` needs of them)."""
        parts = (self.apart, self.alone, self.c, self.b, self.rss, self.const, self.dof)
        priors = (self.ridge, self.ridge_fade)
        return Steps(self.link, *(v[rows] for v in (*parts, *priors)))


@dataclass(frozen=True)
class Whitened:
    """Nuisances, data and all steps under one AR(1) coefficient; shared by trend priors."""

    link: Chain
    wx: Floats
    wy: Floats
    tail: Floats
    apart: Floats
    alone: Floats


def whitened(y: Floats, mask: Bools, scale: Floats, nuisance: Floats, phi: float) -> Whitened:
    """Whiten data (n, T), nuisances (n, T, p) and every step by noise of coefficient ``phi``."""
    link = chain(mask, scale, phi)
    length = mask.shape[1]
    wx, wy = link.whiten(nuisance), link.whiten(np.where(mask, y, 0.0))
    small = link.own - link.prev  # what whitening leaves of a step, but for its first value
    both = np.concatenate([wx, wy[:, :, None]], axis=2)
    tail = _after(small[:, :, None] * both) + link.own[:, :, None] * both
    square = _after(small**2)
    alone = square + link.own**2
    apart = square + small * link.own
    # A step in a gap is the step at the next valid value.
    at = np.minimum(link.first, length - 1)
    none = link.first >= length
    tail = np.where(none[:, :, None], 0.0, np.take_along_axis(tail, at[:, :, None], 1))
    alone = np.where(none, 0.0, np.take_along_axis(alone, at, 1))
    apart = np.where(none, 0.0, np.take_along_axis(apart, at, 1))
    return Whitened(link, wx, wy, tail, apart, alone)


def steps(w: Whitened, variance: Floats, trend: float) -> Steps:
    """Inner products of all steps, GLS projection on the nuisances done.

    ``variance`` (n) is a pilot of the noise variance; it only scales priors. ``trend`` is
    the prior standard deviation of the trend.
    """
    a = np.swapaxes(w.wx, 1, 2) @ w.wx
    a[:, 1, 1] += variance / trend**2
    root = np.linalg.cholesky(a)
    xy = np.einsum("ntp,nt->np", w.wx, w.wy)
    right = np.concatenate([np.swapaxes(w.tail[:, :, :-1], 1, 2), xy[:, :, None]], axis=2)
    solved = np.linalg.solve(root, right)
    c, u = np.swapaxes(solved[:, :, :-1], 1, 2), solved[:, :, -1]
    b = w.tail[:, :, -1] - np.einsum("ntp,np->nt", c, u)
    rss = np.maximum(np.einsum("nt,nt->n", w.wy, w.wy) - (u**2).sum(1), 1e-12)
    logdet_a = 2 * np.log(np.einsum("npp->np", root)).sum(1)
    const = 0.5 * (w.link.logdet - logdet_a + np.log(variance / trend**2))
    dof = (w.link.own > 0).sum(1) - w.wx.shape[2] + 1 + NOISE_WEIGHT
    ridges = _ridge(variance, AMPLITUDE), _ridge(variance, AMPLITUDE_FADE)
    return Steps(w.link, w.apart, w.alone, c, b, rss, const, dof, *ridges)


def _after(v: Floats) -> Floats:
    """Sum over all later time steps."""
    total = np.cumsum(v[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(total - v)


def one_evidence(m: Steps, allowed: Bools) -> tuple[Floats, Floats]:
    """Log marginal likelihood of no change (n,) and of one change (n, D, T).

    ``allowed`` (n, T) tells where a change may start or end; elsewhere ``-inf``.
    """
    n, length = m.b.shape
    half = 0.5 * m.dof
    prior = NOISE_WEIGHT * NOISE_SD**2
    none = m.const - half * np.log(m.rss + prior)
    half32 = half[:, None].astype(np.float32)
    one = np.full((n, len(DURATIONS), length), -np.inf)
    index = np.arange(length)
    extra = m.alone - m.apart
    shift = m.link.run - 1
    # Products of a step with the earlier ones: `apart`, or `alone` within one gap.
    linear = _upto(m.apart)
    moment = _upto(index * m.apart + shift * extra)
    single = _upto(m.alone)
    sum_b = _upto(m.b)
    sums = [_upto(m.c[:, :, k]).astype(np.float32) for k in range(m.c.shape[2])]
    rss = m.rss[:, None]
    for k, d in enumerate(DURATIONS):
        if d >= length:
            continue
        ridge = (m.ridge if d <= ABRUPT else m.ridge_fade)[:, None]
        start, end = slice(0, length - d + 1), slice(d, length + 1)
        # A ramp is the mean of d steps, hence block sums of their inner products.
        cross = (
            moment[:, end] - moment[:, start] - index[start] * (linear[:, end] - linear[:, start])
        )
        cross -= shift[:, start] * np.minimum(d, m.link.rest[:, start]) * extra[:, start]
        g = 2 * cross + single[:, end] - single[:, start]
        for v in sums:
            block = v[:, end] - v[:, start]
            block *= block
            g -= block
        g = np.maximum(g, 0.0) / d**2 + ridge
        b = (sum_b[:, end] - sum_b[:, start]) / d
        left = np.maximum(rss - b * b / g, 0.0) + prior
        # Logarithms are what takes time, and they need no more than single precision.
        spread = np.sqrt(g * left / m.dof[:, None])
        value = -0.5 * np.log((g / ridge).astype(np.float32))
        value -= half32 * np.log(left.astype(np.float32))
        # What share of the amplitude's posterior is a rise, and how likely rises are.
        up = ndtr((b / spread).astype(np.float32))
        value += np.log(np.float32(2 * (1 - RISES)) + np.float32(4 * RISES - 2) * up)
        ok = allowed[:, start] & allowed[:, d - 1 : length]
        one[:, k, start] = np.where(ok, m.const[:, None] + value, -np.inf)
    return none, one


def _upto(v: Floats) -> Floats:
    """Sums of all earlier time steps, with one more at the end: (n, T + 1, …)."""
    shape = list(v.shape)
    shape[1] += 1
    out = np.zeros(shape)
    np.cumsum(v, axis=1, out=out[:, 1:])
    return out


def two_evidence(
    models: Sequence[Steps],
    weights: Sequence[float],
    allowed: Bools,
    count: Ints,
    gap: int,
    stride: int = 1,
) -> Singles:
    """Log marginal likelihood of two steps (n, T, T), ``-inf`` where not allowed.

    Averaged over ``models`` (noise and trend) with their ``weights``. ``count`` (n, T)
    is the number of valid values before each time step, ``gap`` the least number of
    them between the two. With a ``stride`` only each so many time steps are tried, and
    the result has only those.
    """
    single = np.float32
    allowed, count = allowed[:, ::stride], count[:, ::stride]
    n, length = allowed.shape
    c = [m.c[:, ::stride].astype(single) for m in models]
    cross = np.stack([v @ np.swapaxes(v, 1, 2) for v in c])

    def stack(values: list[Floats]) -> Singles:
        return np.stack(values).astype(single)

    apart, b = (
        stack([m.apart[:, ::stride] for m in models]),
        stack([m.b[:, ::stride] for m in models]),
    )
    ridge = stack([m.ridge[:, None] for m in models])
    diagonal = stack([(m.alone - (m.c**2).sum(2))[:, ::stride] for m in models]) + ridge
    half = stack([0.5 * m.dof[:, None] for m in models])
    floor = single(NOISE_WEIGHT * NOISE_SD**2)
    rss = stack([m.rss[:, None] for m in models]) + floor
    const = stack(
        [
            (m.const + np.log(m.ridge) + np.log(w))[:, None]
            for m, w in zip(models, weights, strict=True)
        ]
    )
    signs = np.log(4 * np.array(PAIRS)).astype(single)
    out = np.full((n, length, length), -np.inf, single)
    least = -(-gap // stride)
    for i in range(length - least):
        if not allowed[:, i].any():
            continue
        later = slice(i + least, length)
        gi, bi = diagonal[:, :, i, None], b[:, :, i, None]
        gj, bj = diagonal[:, :, later], b[:, :, later]
        gij = apart[:, :, later] - cross[:, :, i, later]
        det = gi * gj - gij * gij
        det = np.where(det > 1e-6 * gi * gj, det, np.inf)
        # The numerators of the estimates of both amplitudes: their signs, and what they explain.
        ni, nj = bi * gj - bj * gij, bj * gi - bi * gij
        left = rss - (bi * ni + bj * nj) / det
        value = const - 0.5 * np.log(det) - half * np.log(np.maximum(left, floor))
        value += signs[2 * (ni > 0) + (nj > 0)]
        top = value.max(0)
        with np.errstate(invalid="ignore"):
            total = top + np.log(np.exp(value - top).sum(0))
        ok = allowed[:, i, None] & allowed[:, later] & np.isfinite(top)
        ok &= count[:, later] - count[:, i, None] >= gap
        out[:, i, later] = np.where(ok, total, -np.inf)
    return out


def _ridge(variance: Floats, amplitude: float) -> Floats:
    """Noise variance over the prior variance of a change."""
    return np.asarray(variance / np.maximum(amplitude**2, AMPLITUDE_NOISE**2 * variance))


@dataclass(frozen=True)
class Fit:
    """GLS fit with a normal prior on the changes: ``cov`` holds the noise variance.

    ``deletion`` (n, T) is each value's residual from what all the others predict, in
    standard deviations: what an outlier is judged by.
    """

    coef: Floats
    cov: Floats
    variance: Floats
    dof: Floats
    fitted: Floats
    deletion: Floats


def gls_fit(
    y: Floats,
    mask: Bools,
    scale: Floats,
    x: Floats,
    changes: int,
    phi: Floats,
    trend: Floats,
    pilot: Floats,
) -> Fit:
    """Fit ``x`` (n, T, p), whose last ``changes`` columns are changes (zero columns allowed).

    ``phi`` and ``trend`` (n): AR(1) coefficient and trend prior of each series.
    """
    link = chain(mask, scale, phi)
    z = np.where(mask, y, 0.0)
    wx, wy = link.whiten(x), link.whiten(z)
    a = np.swapaxes(wx, 1, 2) @ wx
    k = x.shape[2] - changes
    # A zero column (no such change) keeps its prior: coefficient 0.
    last = np.arange(k, x.shape[2])
    a[:, last, last] += _ridge(pilot, AMPLITUDE)[:, None]
    a[:, 1, 1] += pilot / trend**2
    inverse = np.linalg.inv(a)
    coef = np.einsum("npq,nq->np", inverse, np.einsum("ntp,nt->np", wx, wy))
    fitted = np.einsum("ntp,np->nt", x, coef)
    e = link.whiten(np.where(mask, y - fitted, 0.0))
    rss = np.einsum("nt,nt->n", e, e) + (coef[:, k:] ** 2).sum(1) * _ridge(pilot, AMPLITUDE)
    dof = mask.sum(1) - k + NOISE_WEIGHT
    variance = (rss + NOISE_WEIGHT * NOISE_SD**2) / dof
    spread = np.sqrt(np.where(mask, link.diagonal, 1.0)) * np.sqrt(variance)[:, None]
    deletion = np.where(mask, link.transpose(e) / spread, 0.0)
    return Fit(coef, inverse * variance[:, None, None], variance, dof, fitted, deletion)
