"""How likely water is about here: a prior that the scene itself gives, place by place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

__all__ = ["with_local_share"]

Floats = NDArray[np.float32]

#: How far water tells of more water (standard deviation), metres.
REACH = 200.0
#: Part of the scene's own share in the share of a place, and the most that a place may have.
GLOBAL, MOST = 0.3, 0.9
ROUNDS = 3
#: Side of the cells that shares are worked out on, pixels, and rows taken at once.
COARSE, CHUNK = 8, 1024


def with_local_share(odds: Floats, share: float, cell: float, limit: float) -> None:
    """Replace the scene's share of water in log odds by that of each place, in place.

    A dark field amid a flood is more likely flooded than one ten kilometres away. The
    share of a place is the mean probability around it, which is worked out again with
    the share that was found.

    Parameters
    ----------
    odds : numpy.ndarray of float32, shape (rows, cols)
        Log odds that took ``share`` for the prior; NaN without measurement. Overwritten.
    share : float
        Prior probability that they hold, 0-1.
    cell : float
        Side of a cell, metres.
    limit : float
        Odds of -``limit`` are certain for other reasons, and left alone.

    Notes
    -----
    A mixture whose proportions vary in space, by expectation-maximisation. Source:
    Sanjay-Gopal & Hebert (1998), IEEE TIP 7, 1014-1028 (their spatially variant mixture).
    """
    cols = odds.shape[1]
    sigma = max(REACH / cell / COARSE, 0.5)
    across = _interpolation(-(-cols // COARSE), cols)
    shift: Floats | None = None
    for _ in range(ROUNDS):
        sums, counts = [], []
        for top, part in _chunks(odds):
            p = _probability(part, shift, top, limit)
            known = np.isfinite(p)
            sums.append(_blocks(np.where(known, p, np.float32(0))))
            counts.append(_blocks(known.astype(np.float32)))
        total, count = np.concatenate(sums), np.concatenate(counts)
        near = ndimage.gaussian_filter(count, sigma, mode="nearest")
        mean = ndimage.gaussian_filter(total, sigma, mode="nearest") / np.maximum(near, 1e-6)
        local = np.clip((1 - GLOBAL) * mean + GLOBAL * share, 1e-6, MOST)
        log_odds = np.log(local / (1 - local)) - np.log(share / (1 - share))
        shift = np.asarray(across @ log_odds.T.astype(np.float32)).T
    for top, part in _chunks(odds):
        part[:] = _shifted(part, shift, top, limit)


def _chunks(odds: Floats) -> list[tuple[int, Floats]]:
    return [(top, odds[top : top + CHUNK]) for top in range(0, odds.shape[0], CHUNK)]


def _shifted(part: Floats, shift: Floats | None, top: int, limit: float) -> Floats:
    if shift is None:
        return part
    y = (np.arange(top, top + len(part)) + 0.5) / COARSE - 0.5
    low = np.clip(np.floor(y).astype(int), 0, max(len(shift) - 2, 0))
    high = np.minimum(low + 1, len(shift) - 1)
    w = np.clip(y - low, 0, 1).astype(np.float32)[:, None]
    moved = part + shift[low] * (1 - w) + shift[high] * w
    return np.where(part <= -limit, part, np.clip(moved, -limit, limit))


def _probability(part: Floats, shift: Floats | None, top: int, limit: float) -> Floats:
    return np.asarray(1 / (1 + np.exp(-_shifted(part, shift, top, limit))), np.float32)


def _blocks(values: Floats) -> Floats:
    """Sums over squares of :data:`COARSE` pixels, the last ones cut by the border."""
    rows = np.add.reduceat(values, np.arange(0, values.shape[0], COARSE), axis=0)
    return np.add.reduceat(rows, np.arange(0, values.shape[1], COARSE), axis=1)


def _interpolation(coarse: int, fine: int) -> sparse.csr_matrix:
    """Linear interpolation from the centres of coarse cells to those of fine ones."""
    x = (np.arange(fine) + 0.5) / COARSE - 0.5
    low = np.clip(np.floor(x).astype(int), 0, max(coarse - 2, 0))
    high = np.minimum(low + 1, coarse - 1)
    w = np.clip(x - low, 0, 1).astype(np.float32)
    at = np.arange(fine)
    return sparse.csr_matrix(
        (np.r_[1 - w, w], (np.r_[at, at], np.r_[low, high])), shape=(fine, coarse)
    )
