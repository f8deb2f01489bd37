"""Areas of a map's classes, corrected by a reference sample, with their interval."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ..errors import InvalidInput

__all__ = ["adjusted_areas"]

#: Standard normal quantile of a 95 % interval, as the paper writes it.
_Z95 = 1.96


def adjusted_areas(
    counts: ArrayLike, mapped: ArrayLike, labels: list[str] | None = None
) -> pd.DataFrame:
    """Error-adjusted area of each class, with user's and producer's accuracy.

    Parameters
    ----------
    counts : array (k, k)
        Sample counts, map classes in rows and reference in columns; the sample is random
        within each map class (or over the whole map).
    mapped : array (k,)
        Area of each class in the map, any unit.
    labels : list of str, optional
        Names of the classes.

    Returns
    -------
    pandas.DataFrame
        One row a class: ``mapped``, ``area`` (adjusted), ``low``, ``high`` (95 %), ``std``,
        ``users``, ``users_ci``, ``producers``, ``producers_ci`` (half widths, 95 %).
        ``attrs["overall"]``, ``attrs["overall_ci"]``.

    Raises
    ------
    InvalidInput
        If the matrix is not square, holds negative counts, or a class that is mapped was
        sampled fewer than twice.

    Notes
    -----
    Source: Olofsson et al. (2014), Remote Sensing of Environment 148, 42-57, equations 1-11;
    variances of producer's accuracy equation 7. The worked example of their section 5 is in
    the tests.
    """
    n = np.asarray(counts, float)
    area = np.asarray(mapped, float)
    if n.ndim != 2 or n.shape[0] != n.shape[1] or area.shape != n.shape[:1] or (n < 0).any():
        raise InvalidInput(
            "La matrice d'erreur doit être carrée, sans nombre négatif, avec une surface par "
            "classe : lignes = carte, colonnes = référence.",
            "The error matrix must be square, without negative counts, with one area per class: "
            "rows = map, columns = reference.",
        )
    rows = n.sum(1)
    poor = (area > 0) & (rows < 2)
    if poor.any() or area.sum() <= 0:
        raise InvalidInput(
            "Une classe de la carte a moins de deux points de référence : sa surface ne peut "
            "pas être corrigée ; ajoutez des points, ou regroupez des classes.",
            "A map class has fewer than two reference points: its area cannot be adjusted; add "
            "points, or merge classes.",
        )
    total = area.sum()
    weight = area / total
    safe = np.maximum(rows, 2)
    share = n / safe[:, None]
    p = weight[:, None] * share
    column = p.sum(0)
    # Equation 10: standard error of the proportion of each reference class.
    std = np.sqrt((weight[:, None] ** 2 * share * (1 - share) / (safe[:, None] - 1)).sum(0))
    users = np.diag(share)
    users_var = users * (1 - users) / (safe - 1)
    overall = float(np.trace(p))
    overall_var = float((weight**2 * users_var).sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        producers = np.diag(p) / column
        # Equation 7, with areas: N̂.j is the adjusted area of the reference class.
        hat = column * total
        off = share * (1 - share) / (safe[:, None] - 1)
        np.fill_diagonal(off, 0)
        other = (producers**2) * (area[:, None] ** 2 * off).sum(0)
        own = area**2 * (1 - producers) ** 2 * users_var
        producers_var = (own + other) / hat**2
    table = pd.DataFrame(
        {
            "mapped": area,
            "area": column * total,
            "low": np.maximum(column - _Z95 * std, 0) * total,
            "high": (column + _Z95 * std) * total,
            "std": std * total,
            "users": np.where(rows > 0, users, np.nan),
            "users_ci": _Z95 * np.sqrt(users_var),
            "producers": producers,
            "producers_ci": _Z95 * np.sqrt(producers_var),
        },
        index=labels if labels is not None else range(len(area)),
    )
    table.attrs = {"overall": overall, "overall_ci": _Z95 * np.sqrt(overall_var)}
    return table
