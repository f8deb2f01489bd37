"""How much less water would run off: the curve-number method, and the rational one beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InvalidInput
from ..text import Text

__all__ = ["ASSUMPTIONS", "GROUPS", "Avoided", "avoided", "curve_number", "runoff_depth"]

Array = NDArray[np.float64]
#: Curve number of asphalt and roofs (USDA 1986, TR-55, table 2-2a).
CN_PAVED = 98.0
#: Open space in fair condition (grass on 50 to 75 % of it), by hydrologic soil group (ibid.).
CN_OPEN = {"A": 49.0, "B": 69.0, "C": 79.0, "D": 84.0}
#: Lowest saturated conductivity of each group, mm/h (NRCS 2009, NEH 630 chapter 7, table 7-1:
#: 1.42, 0.57 and 0.06 inches an hour).
GROUPS = {"A": 36.0, "B": 14.5, "C": 1.5, "D": 0.0}
#: Run-off coefficients of the rational method: asphalt, and planted ground (ASCE 1992 ranges).
C_PAVED, C_PLANTED = (0.70, 0.95), (0.10, 0.35)

ASSUMPTIONS: tuple[Text, ...] = (
    {
        "fr": "Ruissellement : méthode des curve numbers (SCS, TR-55), enrobé CN 98, espace planté "
        "moyen CN 49 à 84 selon le sol, pluie tombée en une fois sur sol moyennement humide, "
        "abattement initial de 0,2 S ; ni réseau ni stockage.",
        "en": "Run-off: curve numbers (SCS, TR-55), asphalt CN 98, open space in fair condition CN "
        "49 to 84 by soil, rain in one storm on average moisture, initial abstraction 0.2 S; "
        "neither pipes nor storage.",
    },
)


@dataclass(frozen=True)
class Avoided:
    """Run-off that does not happen, m³ for one storm.

    Attributes
    ----------
    volume, low, high : ndarray
        Curve-number method: middle of the soil's interval, and its ends.
    rational_low, rational_high : ndarray
        Rational method (run-off coefficients alone): what a second method answers.
    """

    volume: Array
    low: Array
    high: Array
    rational_low: Array
    rational_high: Array


def runoff_depth(rain: ArrayLike, number: ArrayLike) -> Array:
    """Run-off of one storm, mm.

    Parameters
    ----------
    rain : float or array
        Depth of the storm, mm, 0 or more.
    number : float or array
        Curve number, over 0 and up to 100.

    Notes
    -----
    ``S = 25400 / CN - 254`` (mm), ``Q = (P - 0.2 S)² / (P + 0.8 S)`` where P > 0.2 S, else 0.
    Source: USDA SCS (1986), Urban hydrology for small watersheds, TR-55, equations 2-3 and 2-4.

    Raises
    ------
    InvalidInput
        If the rain is negative or a curve number is out of range.

    Examples
    --------
    TR-55, table 2-1: 3.0 inches of rain on CN 80 give 1.25 inches of run-off.

    >>> round(float(runoff_depth(3.0 * 25.4, 80)) / 25.4, 2)
    1.25
    """
    p, cn = np.asarray(rain, float), np.asarray(number, float)
    if not np.isfinite(p).all() or (p < 0).any():
        raise InvalidInput(
            "La pluie est une hauteur en millimètres, zéro ou plus.",
            "Rain is a depth in millimetres, zero or more.",
        )
    if not ((cn > 0) & (cn <= 100)).all():
        raise InvalidInput(
            "Un curve number va de 0 (exclu) à 100.",
            "A curve number goes from 0 (excluded) to 100.",
        )
    storage = 25_400.0 / cn - 254.0
    excess = np.maximum(p - 0.2 * storage, 0.0)
    return np.asarray(excess**2 / np.where(excess > 0, p + 0.8 * storage, 1.0))


def curve_number(conductivity: ArrayLike) -> Array:
    """Curve number of planted ground from saturated conductivity (mm/h); NaN stays NaN."""
    k = np.asarray(conductivity, float)
    out = np.select(
        [k >= GROUPS["A"], k >= GROUPS["B"], k >= GROUPS["C"], k >= 0],
        [CN_OPEN["A"], CN_OPEN["B"], CN_OPEN["C"], CN_OPEN["D"]],
        np.nan,
    )
    return np.asarray(np.where(np.isfinite(k), out, np.nan))


def avoided(area: ArrayLike, rain: float, conductivity: ArrayLike) -> Avoided:
    """Run-off avoided by planting what is asphalt.

    Parameters
    ----------
    area : float or array
        Ground that is desealed, m².
    rain : float
        Depth of the storm, mm.
    conductivity : float or array
        Saturated conductivity of the ground below, mm/h; NaN where it is not known: the
        interval then goes over all four soil groups.
    """
    a = np.asarray(area, float)
    before = runoff_depth(rain, CN_PAVED)
    number = curve_number(conductivity)
    unknown = ~np.isfinite(number)
    best = np.where(unknown, CN_OPEN["A"], number)
    worst = np.where(unknown, CN_OPEN["D"], number)
    # One group either way: maps of soils do not know a street's ground.
    order = np.array(sorted(CN_OPEN.values()))
    place = np.searchsorted(order, np.where(unknown, order[0], number))
    best = np.where(unknown, best, order[np.maximum(place - 1, 0)])
    worst = np.where(unknown, worst, order[np.minimum(place + 1, 3)])
    litres = [a * (before - runoff_depth(rain, cn)) for cn in (best, worst)]
    known = a * (before - runoff_depth(rain, np.where(unknown, CN_OPEN["C"], number)))
    middle = np.where(unknown, (litres[0] + litres[1]) / 2, known)
    spread = [a * rain * (p - q) for p, q in zip(C_PAVED, C_PLANTED[::-1], strict=True)]
    return Avoided(middle / 1e3, litres[1] / 1e3, litres[0] / 1e3, spread[0] / 1e3, spread[1] / 1e3)
