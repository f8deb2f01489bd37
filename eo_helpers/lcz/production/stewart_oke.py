"""A second opinion: the ranges of Stewart & Oke (2012), by fuzzy distance.

Each class is a box in the space of seven properties; a unit is given the class whose
box is nearest, after each property was divided by the spread of the ranges' bounds
(Bernard et al. 2024, Geoscientific Model Development 17, 2077-2116, GeoClimate). Unlike
Cerema's rule nothing is all or nothing: the distance to the nearest and to the second
nearest class say how sure the class is.

These heights (10 and 25 m) are not Cerema's (9 and 30 m): the two results stand in columns
of their own and are never mixed in one map.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import InvalidInput

__all__ = ["CLASSES", "PROPERTIES", "RANGES", "classify", "distances", "midpoints"]

_INF = np.inf

#: Sky view factor, aspect ratio, built, impervious and pervious fraction, height of
#: roughness elements (m), roughness length (m).
PROPERTIES = ("svf", "aspect_ratio", "built", "impervious", "pervious", "height_m", "roughness_m")

#: (low, high) of each property, by class. First six: Stewart & Oke (2012), Bulletin of the
#: American Meteorological Society 93, 1879-1900, table 3. The last: the Davenport class of
#: their table (Davenport et al. 2000), its bounds half-way between neighbouring classes.
RANGES: dict[str, tuple[tuple[float, float], ...]] = {
    "1": ((0.2, 0.4), (2, _INF), (0.4, 0.6), (0.4, 0.6), (0, 0.1), (25, _INF), (1.5, _INF)),
    "2": ((0.3, 0.6), (0.75, 2), (0.4, 0.7), (0.3, 0.5), (0, 0.2), (10, 25), (0.375, 1.5)),
    "3": ((0.2, 0.6), (0.75, 1.5), (0.4, 0.7), (0.2, 0.5), (0, 0.3), (3, 10), (0.375, 0.75)),
    "4": ((0.5, 0.7), (0.75, 1.25), (0.2, 0.4), (0.3, 0.4), (0.3, 0.4), (25, _INF), (0.75, _INF)),
    "5": ((0.5, 0.8), (0.3, 0.75), (0.2, 0.4), (0.3, 0.5), (0.2, 0.4), (10, 25), (0.175, 0.75)),
    "6": ((0.6, 0.9), (0.3, 0.75), (0.2, 0.4), (0.2, 0.5), (0.3, 0.6), (3, 10), (0.175, 0.75)),
    "7": ((0.2, 0.5), (1, 2), (0.6, 0.9), (0, 0.2), (0, 0.3), (2, 4), (0.065, 0.375)),
    "8": ((0.7, 1), (0.1, 0.3), (0.3, 0.5), (0.4, 0.5), (0, 0.2), (3, 10), (0.175, 0.375)),
    "9": ((0.8, 1), (0.1, 0.25), (0.1, 0.2), (0, 0.2), (0.6, 0.8), (3, 10), (0.175, 0.75)),
    "10": ((0.6, 0.9), (0.2, 0.5), (0.2, 0.3), (0.2, 0.4), (0.4, 0.5), (5, 15), (0.175, 0.75)),
    "A": ((0, 0.4), (1, _INF), (0, 0.1), (0, 0.1), (0.9, 1), (3, 30), (1.5, _INF)),
    "B": ((0.5, 0.8), (0.25, 0.75), (0, 0.1), (0, 0.1), (0.9, 1), (3, 15), (0.175, 0.75)),
    "C": ((0.7, 0.9), (0.25, 1), (0, 0.1), (0, 0.1), (0.9, 1), (0, 2), (0.065, 0.375)),
    "D": ((0.9, 1), (0, 0.1), (0, 0.1), (0, 0.1), (0.9, 1), (0, 1), (0.0175, 0.175)),
    "E": ((0.9, 1), (0, 0.1), (0, 0.1), (0.9, 1), (0, 0.1), (0, 0.25), (0, 0.0175)),
    "F": ((0.9, 1), (0, 0.1), (0, 0.1), (0, 0.1), (0.9, 1), (0, 0.25), (0, 0.0175)),
    "G": ((0.9, 1), (0, 0.1), (0, 0.1), (0, 0.1), (0.9, 1), (0, 0), (0, 0.0026)),
}
CLASSES = tuple(RANGES)
_BUILT = tuple(c for c in CLASSES if c.isdigit())
_NATURAL = tuple(c for c in CLASSES if not c.isdigit())

_LOW = np.array([[low for low, _ in RANGES[c]] for c in CLASSES], float)
_HIGH = np.array([[high for _, high in RANGES[c]] for c in CLASSES], float)


def _spread() -> NDArray[np.float64]:
    """Spread of the bounds of each property over all classes (population std)."""
    bounds = np.vstack([_LOW, _HIGH])
    return np.array([np.std(column[np.isfinite(column)]) for column in bounds.T])


_SPREAD = _spread()


def midpoints() -> pd.DataFrame:
    """Middle of each range, by class; an open range ends at the spread's own distance."""
    high = np.where(np.isfinite(_HIGH), _HIGH, _LOW + 2 * _SPREAD)
    return pd.DataFrame((_LOW + high) / 2, index=list(CLASSES), columns=list(PROPERTIES))


def distances(properties: pd.DataFrame) -> pd.DataFrame:
    """Distance of each unit to the box of each class (0 inside it).

    Parameters
    ----------
    properties : pandas.DataFrame
        Columns :data:`PROPERTIES`; fractions 0-1, metres. NaN is left out of the distance.

    Returns
    -------
    pandas.DataFrame
        One column a class. For each property the distance to the range, divided by the
        spread of all bounds of that property; root mean square over the properties that are
        known, so that units with fewer known properties compare. Of the natural classes only
        the three fractions count: their heights, sky view and roughness are those of plants,
        which building layers do not tell.
    """
    values = properties[list(PROPERTIES)].to_numpy(float)[:, None, :]
    outside = np.maximum(np.maximum(_LOW - values, values - _HIGH), 0.0) / _SPREAD
    natural = np.array([c in _NATURAL for c in CLASSES])
    plants = np.array([p not in ("built", "impervious", "pervious") for p in PROPERTIES])
    outside[:, natural[:, None] & plants[None, :]] = np.nan
    known = ~np.isnan(outside)
    count = known.sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = np.sqrt(np.where(known, outside**2, 0.0).sum(axis=2) / count)
    return pd.DataFrame(distance, index=properties.index, columns=list(CLASSES))


def classify(
    indicators: pd.DataFrame,
    exclude: Collection[str] = ("7", "10"),
    tree_shares: tuple[float, float] = (5.0, 75.0),
) -> pd.DataFrame:
    """Nearest class of each unit by the ranges of Stewart & Oke.

    Parameters
    ----------
    indicators : pandas.DataFrame
        ``svf, aspect_ratio, height_geometric_m, roughness_length_m`` (NaN where unknown),
        ``bur, ror, bsr, war, ver, vhr, shrub_share`` (percent).
    exclude : collection of str
        Classes that are not given. 10 (heavy industry) and 7 (lightweight, which the
        ranges confuse with dense old centres) are named for a use or a material that geometry
        does not show.
    tree_shares : tuple of float
        Share of trees in the vegetation, percent, above which natural ground is B (scattered
        trees) and A (dense trees); GeoClimate's bounds.

    Returns
    -------
    pandas.DataFrame
        ``lcz_so`` (None where unclassed), ``lcz_so_alternative``, ``so_distance`` (0 in the
        class's own box), ``so_uniqueness`` 0-1: (d2 - d1) / (d2 + d1), 0 where two classes are
        as near, and ``so_reason`` (why unclassed, else "").

    Raises
    ------
    InvalidInput
        An unknown class in ``exclude``, or nothing left to choose from.

    Notes
    -----
    A-D, F and G have the same fractions: which of them may compete is read from what covers
    most of the ground (vegetation, sealed, bare, water), and A-D from trees and shrubs.
    """
    unknown = sorted(set(exclude) - set(CLASSES))
    if unknown:
        raise InvalidInput(
            f"« {unknown[0]} » n'est pas une classe LCZ : 1 à 10 ou A à G.",
            f"'{unknown[0]}' is not an LCZ class: 1 to 10 or A to G.",
        )
    properties = pd.DataFrame(
        {
            "svf": indicators["svf"],
            "aspect_ratio": indicators["aspect_ratio"],
            "built": indicators["bur"] / 100,
            "impervious": indicators["ror"] / 100,
            "pervious": (indicators["ver"] + indicators["bsr"] + indicators["war"]) / 100,
            "height_m": indicators["height_geometric_m"],
            "roughness_m": indicators["roughness_length_m"],
        }
    )
    distance = distances(properties)
    natural = _natural_class(indicators, tree_shares)
    for one in _NATURAL:
        distance.loc[natural != one, one] = np.inf
    distance[list(exclude)] = np.inf
    unknown_height = (indicators["buildings"] > 0) & indicators["height_geometric_m"].isna()
    values = distance.to_numpy()
    order = np.argsort(values, axis=1, kind="stable")
    rows = np.arange(len(values))
    first, second = values[rows, order[:, 0]], values[rows, order[:, 1]]
    names = np.array(CLASSES, dtype=object)
    with np.errstate(invalid="ignore", divide="ignore"):
        uniqueness = np.where(first + second > 0, (second - first) / (second + first), 0.0)
    # A natural unit without buildings has no height to miss.
    void = (unknown_height & (indicators["bur"] >= 10)).to_numpy() | ~np.isfinite(first)
    best, next_best = names[order[:, 0]], names[order[:, 1]]
    best[void] = next_best[void | ~np.isfinite(second)] = None
    index = indicators.index
    return pd.DataFrame(
        {
            # Classes stay objects: None, not NaN, is « no class ».
            "lcz_so": pd.Series(best, index=index, dtype=object),
            "lcz_so_alternative": pd.Series(next_best, index=index, dtype=object),
            "so_distance": np.where(void, np.nan, first),
            "so_uniqueness": np.where(void, np.nan, uniqueness),
            "so_reason": np.where(void, "no_height", ""),
        },
        index=index,
    )


def _natural_class(
    indicators: pd.DataFrame, tree_shares: tuple[float, float]
) -> NDArray[np.object_]:
    """The natural class that the cover of each unit allows."""
    cover = indicators[["ver", "ror", "bsr", "war"]].to_numpy(float)
    largest = np.argmax(cover, axis=1)
    trees = indicators["vhr"].to_numpy(float)
    shrubs = indicators["shrub_share"].to_numpy(float)
    some, dense = tree_shares
    plants = np.select(
        [trees >= dense, trees >= some, shrubs > 50], ["A", "B", "C"], default="D"
    ).astype(object)
    return np.select(
        [largest == 0, largest == 1, largest == 2], [plants, "E", "F"], default="G"
    ).astype(object)
