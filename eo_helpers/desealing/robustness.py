"""How much a ranking depends on the weights and on uncertain data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInput
from .mcda import Array, normalised_weights

__all__ = ["RankIntervals", "rank_intervals"]

Score = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class RankIntervals:
    """Ranks (1 is first) that hold 90 % of the draws, and the share of draws in the first ones."""

    low: NDArray[np.int32]
    high: NDArray[np.int32]
    among_first: Array


def rank_intervals(
    low: Array,
    high: Array,
    weights: Array,
    *,
    first: int = 10,
    draws: int = 1000,
    concentration: float = 50.0,
    seed: int = 0,
    score: Score | None = None,
) -> RankIntervals:
    """Ranks under weights drawn around the chosen ones and values drawn in their interval.

    Weights follow a Dirichlet law with mean at the chosen weights; a weight of zero stays zero.
    Each value is uniform between `low` and `high` (units by criteria, 0 to 1), independently.

    Parameters
    ----------
    low, high : ndarray (units, criteria)
    weights : ndarray (criteria,)
    first : int
        How many count as the first ones.
    draws : int
    concentration : float
        Of the Dirichlet law: with 50, a weight of 0.2 has a standard deviation of 0.056.
    seed : int
    score : callable, optional
        ``score(values, weights)``, larger is better; the weighted sum by default.

    Raises
    ------
    InvalidInput
        Bounds are not numbers, are reversed, or do not fit the weights.

    Notes
    -----
    Source: Butler, Jia and Dyer (1997), European Journal of Operational Research 103,
    531-546 (simulation over weights); Lahdelma and Salminen (2001), Operations Research 49,
    444-454 (rank acceptability, SMAA-2).
    """
    a, b = np.asarray(low, np.float32), np.asarray(high, np.float32)
    w = normalised_weights(weights)
    if a.shape != b.shape or a.ndim != 2 or a.shape[1] != w.size or not (a <= b).all():
        raise InvalidInput(
            fr="Les bornes des critères manquent, sont inversées ou ne vont pas avec les poids : "
            "donnez une borne basse et une borne haute par critère.",
            en="Bounds of criteria are missing, reversed or do not fit the weights: "
            "give a low and a high bound for each criterion.",
        )
    rng = np.random.default_rng(seed)
    used = w > 0
    a, b, w = a[:, used], b[:, used], w[used]
    certain = not (b > a).any()
    units = len(a)
    ranks = np.empty((draws, units), np.int32)
    places = np.arange(1, units + 1, dtype=np.int32)
    for i, drawn in enumerate(rng.dirichlet(concentration * w, size=draws).astype(np.float32)):
        v = a if certain else a + (b - a) * rng.random(a.shape, dtype=np.float32)
        total = v @ drawn if score is None else score(v.astype(float), drawn.astype(float))
        ranks[i, np.argsort(-total)] = places
    among = (ranks <= first).mean(axis=0)
    lowest, highest = int(0.05 * (draws - 1)), int(np.ceil(0.95 * (draws - 1)))
    ends = np.empty((2, units), np.int32)
    for start in range(0, units, 4096):  # pieces: a sorted copy of the whole would double memory
        part = slice(start, start + 4096)
        ends[:, part] = np.partition(ranks[:, part].T, (lowest, highest), axis=1)[
            :, [lowest, highest]
        ].T
    return RankIntervals(ends[0], ends[1], among)
