"""From criteria to an order: two axes, vetoes apart, and how sure each rank is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import InvalidInput
from . import mcda
from .criteria import FEASIBILITY, NEED, Criterion, values_of
from .mcda import Array
from .robustness import rank_intervals

__all__ = ["DRAWS", "FIRST", "METHODS", "Priority", "bounds_of", "prioritise"]

#: How a score comes of values and weights.
METHODS = {
    "weighted_sum": mcda.weighted_sum,
    "topsis": mcda.topsis,
    "promethee": mcda.promethee_ii,
}
#: The first ones, of which a person would go and look.
FIRST = 10
#: Monte Carlo draws: 300 give a share of draws to 3 points (one standard error, at most).
DRAWS = 300


@dataclass(frozen=True)
class Priority:
    """Sectors in order.

    Attributes
    ----------
    table : pandas.DataFrame
        One row a unit, in the order of the units: ``need``, ``need_low``, ``need_high``,
        ``feasibility`` and its bounds (0-1), ``vetoed`` (text, names of vetoes joined by a
        comma, empty for none), ``candidate`` (no veto, feasible enough), and for candidates
        ``rank`` (1 first), ``rank_low``, ``rank_high`` (90 % of the draws) and
        ``among_first`` (0-1).
    values : ndarray (units, need criteria)
        Middle of each value's interval.
    low, high : ndarray (units, need criteria)
    first : int
        How many count as the first ones: ten, or a third of the candidates where they are few.
    """

    table: pd.DataFrame
    values: Array
    low: Array
    high: Array
    first: int = FIRST


def bounds_of(units: pd.DataFrame, criteria: tuple[Criterion, ...]) -> tuple[Array, Array]:
    """Low and high values (units, criteria), 0 to 1: from 0 to 1 where nothing is known."""
    lows, highs = [], []
    for criterion in criteria:
        one, two = values_of(
            criterion,
            _column(units, f"{criterion.name}_low", criterion.name),
            _column(units, f"{criterion.name}_high", criterion.name),
        )
        lows.append(one)
        highs.append(two)
    return np.column_stack(lows), np.column_stack(highs)


def _column(units: pd.DataFrame, *names: str) -> Array:
    """The first of these columns that is there; NaN where none is."""
    for name in names:
        if name in units:
            return np.asarray(units[name].to_numpy(float), float)
    return np.full(len(units), np.nan)


def _weights(given: Mapping[str, float], criteria: tuple[Criterion, ...]) -> Array:
    unknown = set(given) - {c.name for c in (*NEED, *FEASIBILITY)}
    if unknown:
        raise InvalidInput(
            f"Poids d'un critère inconnu : {', '.join(sorted(unknown))} ; connus : "
            f"{', '.join(c.name for c in (*NEED, *FEASIBILITY))}.",
            f"Weight of an unknown criterion: {', '.join(sorted(unknown))}; known: "
            f"{', '.join(c.name for c in (*NEED, *FEASIBILITY))}.",
        )
    return np.array([float(given.get(c.name, 1.0)) for c in criteria])


def prioritise(
    units: pd.DataFrame,
    weights: Mapping[str, float] | None = None,
    *,
    method: str = "weighted_sum",
    least_feasibility: float = 0.5,
    draws: int = DRAWS,
    first: int = FIRST,
    seed: int = 0,
) -> Priority:
    """Put sectors in order of need, among those where nothing forbids it.

    Parameters
    ----------
    units : pandas.DataFrame
        One row a sector: a column for each criterion of :data:`.criteria.CRITERIA` that is
        known (with ``_low`` and ``_high`` where it is uncertain; NaN where missing), and
        boolean columns ``veto_<name>`` of :data:`.criteria.VETOES` (missing: not checked).
    weights : mapping, optional
        Criterion → weight, 0 or more; 1 for those that are not given.
    method : {"weighted_sum", "topsis", "promethee"}
    least_feasibility : float
        A sector whose feasibility cannot reach this (its high bound) is no candidate.
    draws : int
        Monte Carlo draws over weights and data; see :func:`.robustness.rank_intervals`.

    Returns
    -------
    Priority

    Raises
    ------
    InvalidInput
        If the method or a criterion is not known, or all weights are zero.
    """
    if method not in METHODS:
        raise InvalidInput(
            f"La méthode « {method} » n'existe pas ; connues : {', '.join(METHODS)}.",
            f"There is no method '{method}'; known: {', '.join(METHODS)}.",
        )
    given = dict(weights or {})
    need_weights, able_weights = _weights(given, NEED), _weights(given, FEASIBILITY)
    low, high = bounds_of(units, NEED)
    able_low, able_high = bounds_of(units, FEASIBILITY)
    middle = (low + high) / 2
    out = pd.DataFrame(index=units.index)
    out["need"] = mcda.weighted_sum(middle, need_weights)
    out["need_low"] = mcda.weighted_sum(low, need_weights)
    out["need_high"] = mcda.weighted_sum(high, need_weights)
    out["feasibility"] = mcda.weighted_sum((able_low + able_high) / 2, able_weights)
    out["feasibility_low"] = mcda.weighted_sum(able_low, able_weights)
    out["feasibility_high"] = mcda.weighted_sum(able_high, able_weights)
    out["vetoed"] = _vetoed(units)
    candidate = (out["vetoed"] == "") & (out["feasibility_high"] >= least_feasibility)
    out["candidate"] = candidate
    ranks = {c: np.full(len(out), np.nan) for c in ("rank", "rank_low", "rank_high", "among_first")}
    rows = np.flatnonzero(candidate.to_numpy())
    # Among the first ten of twelve says nothing: a third at most.
    first = max(1, min(first, rows.size // 3))
    if rows.size:
        score = METHODS[method](middle[rows], need_weights)
        order = rows[np.argsort(-score, kind="stable")]
        ranks["rank"][order] = np.arange(1, rows.size + 1)
        found = rank_intervals(
            low[rows], high[rows], need_weights, first=first, draws=draws, seed=seed,
            score=None if method == "weighted_sum" else METHODS[method],
        )  # fmt: skip
        ranks["rank_low"][rows], ranks["rank_high"][rows] = found.low, found.high
        ranks["among_first"][rows] = found.among_first
    out = out.assign(**ranks)
    return Priority(out, middle, low, high, first)


def _vetoed(units: pd.DataFrame) -> list[str]:
    """Names of the vetoes of each unit, joined."""
    columns = [str(c) for c in units.columns if str(c).startswith("veto_")]
    names = [c.removeprefix("veto_") for c in columns]
    flags = units[columns].fillna(False).to_numpy(bool) if columns else np.zeros((len(units), 0))
    return [", ".join(n for n, f in zip(names, row, strict=True) if f) for row in flags]
