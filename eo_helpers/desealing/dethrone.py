"""What it takes to change the first: the smallest change of weights, and the deciding criterion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .mcda import Array, normalised_weights, weighted_sum

__all__ = ["Dethroned", "deciding_criterion", "smallest_change"]


@dataclass(frozen=True)
class Dethroned:
    """The nearest weights that put another unit first.

    Attributes
    ----------
    rival : int
        Row of the unit that would come first.
    weights : ndarray
        Those weights (sum 1).
    moved : float
        Share of the total weight that has to move from some criteria to others, 0 to 1.
    """

    rival: int
    weights: Array
    moved: float


def smallest_change(values: Array, weights: Array) -> Dethroned | None:
    """The least weight that must move so that the first is no longer first.

    Parameters
    ----------
    values : ndarray (units, criteria)
        0 to 1, larger is better.
    weights : ndarray (criteria,)

    Returns
    -------
    Dethroned or None
        None where no weights do it: the first is best, or equal, on every criterion.

    Notes
    -----
    For each rival a linear programme: least ``½ Σ |w' - w|`` with ``w' ≥ 0``, ``Σ w' = 1``
    and a score of the rival no lower than the first's. Source: Triantaphyllou and Sánchez
    (1997), Decision Sciences 28, 151-194, for the question (one weight there, all here).
    """
    from scipy.optimize import linprog

    v, w = np.asarray(values, float), normalised_weights(weights)
    scores = weighted_sum(v, w)
    first = int(np.argmax(scores))
    gap = v[first] - v
    # Only a rival that is better somewhere can win; the nearest first.
    rivals = np.flatnonzero((gap < 0).any(axis=1))
    rivals = rivals[np.argsort(-scores[rivals], kind="stable")]
    n = w.size
    best: Dethroned | None = None
    for rival in rivals:
        # The gap closes by at most (largest - smallest) for a unit of weight that moves.
        least = (scores[first] - scores[rival]) / (gap[rival].max() - gap[rival].min())
        if best is not None and least >= best.moved:
            continue
        # Variables: weight added and weight taken, each 0 or more.
        found = linprog(
            np.full(2 * n, 0.5),
            A_ub=[np.concatenate([gap[rival], -gap[rival]])],
            b_ub=[-(w @ gap[rival])],
            A_eq=[np.concatenate([np.ones(n), -np.ones(n)])],
            b_eq=[0.0],
            bounds=[(0, 1)] * n + [(0, float(x)) for x in w],
        )
        if found.status == 0 and (best is None or found.fun < best.moved):
            moved = w + found.x[:n] - found.x[n:]
            best = Dethroned(int(rival), np.maximum(moved, 0), float(found.fun))
    return best


def deciding_criterion(values: Array, weights: Array, first: int = 10) -> tuple[int, float]:
    """The criterion without which the first ones change most.

    Returns
    -------
    (criterion, changed)
        Its column, and the share (0 to 1) of the ``first`` units that leave when its weight
        is set to zero and the others keep their proportions. ``(-1, 0.0)`` where none
        changes anything, or only one has a weight.
    """
    v, w = np.asarray(values, float), normalised_weights(weights)
    count = min(first, len(v))
    top = set(np.argsort(-weighted_sum(v, w), kind="stable")[:count].tolist())
    best, most = -1, 0.0
    for j in np.flatnonzero(w > 0):
        without = w.copy()
        without[j] = 0
        if without.sum() == 0:
            continue
        other = set(np.argsort(-weighted_sum(v, without), kind="stable")[:count].tolist())
        changed = len(top - other) / count
        if changed > most:
            best, most = int(j), changed
    return best, most
