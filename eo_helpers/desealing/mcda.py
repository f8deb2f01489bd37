"""Weighted sum, TOPSIS and PROMETHEE II over a table of units by criteria.

Every criterion is a value from 0 (no reason to act) to 1 (strongest reason), larger is better.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eo_helpers.errors import InvalidInput

Array = NDArray[np.float64]


def normalised_weights(weights: Array) -> Array:
    """Weights that sum to 1.

    Raises
    ------
    InvalidInput
        A weight is negative or not a number, or all are zero.
    """
    w = np.asarray(weights, dtype=float)
    if w.ndim != 1 or not np.isfinite(w).all() or (w < 0).any() or w.sum() == 0:
        raise InvalidInput(
            fr="Les poids doivent être positifs ou nuls, et l'un au moins supérieur à zéro : "
            "relevez au moins un curseur.",
            en="Weights must be zero or more, and at least one above zero: raise a slider.",
        )
    return np.asarray(w / w.sum(), dtype=float)


def _checked(values: Array, weights: Array) -> tuple[Array, Array]:
    v, w = np.asarray(values, dtype=float), normalised_weights(weights)
    if v.ndim != 2 or v.shape[1] != w.size:
        raise InvalidInput(
            fr=f"Il faut un poids par critère : {w.size} poids reçus, tableau de forme {v.shape}.",
            en=f"One weight a criterion is needed: {w.size} weights, table of shape {v.shape}.",
        )
    if not np.isfinite(v).all():
        raise InvalidInput(
            fr="Une valeur manque dans le tableau : donnez les deux bornes de l'intervalle.",
            en="A value is missing in the table: give both ends of its interval.",
        )
    return v, w


def weighted_sum(values: Array, weights: Array) -> Array:
    """Weighted mean of values, 0 to 1."""
    v, w = _checked(values, weights)
    return np.asarray(v @ w, dtype=float)


def weighted_interval(values: Array, weights: Array) -> tuple[Array, Array]:
    """Lowest and highest weighted mean where NaN may be any value from 0 to 1."""
    v = np.asarray(values, dtype=float)
    missing = np.isnan(v)
    return (
        weighted_sum(np.where(missing, 0.0, v), weights),
        weighted_sum(np.where(missing, 1.0, v), weights),
    )


def topsis(values: Array, weights: Array) -> Array:
    """Closeness to the ideal unit, 0 to 1 (Hwang and Yoon 1981).

    The ideal is fixed at 1 and the anti-ideal at 0 on each criterion, not at the best and
    worst unit of the table: two communes compare, and criteria all equal still give a score.
    """
    v, w = _checked(values, weights)
    far = np.sqrt(((1 - v) ** 2) @ w**2)
    near = np.sqrt((v**2) @ w**2)
    return np.asarray(near / (near + far), dtype=float)


def promethee_ii(values: Array, weights: Array) -> Array:
    """Net flow, -1 to 1, with the usual preference function (Brans and Vincke 1985).

    The usual function only counts who is above and who is below: ranks give it in n log n.
    """
    v, w = _checked(values, weights)
    n = len(v)
    if n < 2:
        return np.zeros(n)
    flow = np.zeros(n)
    for j, weight in enumerate(w):
        ordered = np.sort(v[:, j])
        below = np.searchsorted(ordered, v[:, j], "left")
        above = n - np.searchsorted(ordered, v[:, j], "right")
        flow += weight * (below - above) / (n - 1)
    return flow
