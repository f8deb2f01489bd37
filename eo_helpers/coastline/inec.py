"""The national indicator of coastal erosion (INEC): rate, nine classes, denominators."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ..text import Text

__all__ = [
    "CLASSES",
    "NOT_PERCEPTIBLE",
    "SIGMA_OLD",
    "SIGMA_RECENT",
    "InecClass",
    "classify",
    "indicator",
    "interval",
    "lengths",
]

Floats = NDArray[np.float64]

#: Standard errors of the two digitised lines, metres. The indicator publishes none: these are
#: assumptions, that a person may change. The old one holds the georeferencing of photographs of
#: the 1920s-1950s and the choice of the marker.
SIGMA_OLD = 5.0
SIGMA_RECENT = 2.0
_Z = 1.959963984540054


@dataclass(frozen=True)
class InecClass:
    """One class: the rates (m a year) from ``low`` to ``high`` that it holds."""

    name: str
    label: Text
    low: float
    high: float
    color: str
    mark: str


def _class(
    name: str, fr: str, en: str, low: float, high: float, color: str, mark: str
) -> InecClass:
    return InecClass(name, {"fr": fr, "en": en}, low, high, color, mark)


_INF = float("inf")
#: From retreat to advance; ColorBrewer RdBu, told apart by colour-blind people. Limits belong
#: to the class that is farther from zero.
CLASSES: tuple[InecClass, ...] = (
    _class("recul_fort", "Recul de plus de 3 m/an", "Retreat over 3 m/yr",
           -_INF, -3.0, "#b2182b", "−4"),
    _class("recul_marque", "Recul de 1,5 à 3 m/an", "Retreat of 1.5 to 3 m/yr",
           -3.0, -1.5, "#d6604d", "−3"),
    _class("recul_modere", "Recul de 0,5 à 1,5 m/an", "Retreat of 0.5 to 1.5 m/yr",
           -1.5, -0.5, "#f4a582", "−2"),
    _class("recul_faible", "Recul de moins de 0,5 m/an", "Retreat under 0.5 m/yr",
           -0.5, 0.0, "#fddbc7", "−1"),
    _class("non_perceptible", "Évolution non perceptible", "No perceptible change",
           0.0, 0.0, "#bdbdbd", "0"),
    _class("avancee_faible", "Avancée de moins de 0,5 m/an", "Advance under 0.5 m/yr",
           0.0, 0.5, "#d1e5f0", "+1"),
    _class("avancee_moderee", "Avancée de 0,5 à 1,5 m/an", "Advance of 0.5 to 1.5 m/yr",
           0.5, 1.5, "#92c5de", "+2"),
    _class("avancee_marquee", "Avancée de 1,5 à 3 m/an", "Advance of 1.5 to 3 m/yr",
           1.5, 3.0, "#4393c3", "+3"),
    _class("avancee_forte", "Avancée de plus de 3 m/an", "Advance over 3 m/yr",
           3.0, _INF, "#2166ac", "+4"),
)  # fmt: skip
NOT_PERCEPTIBLE = "non_perceptible"


def classify(rate: ArrayLike, half_width: ArrayLike | None = None) -> NDArray[np.object_]:
    """The indicator's class of each rate.

    Parameters
    ----------
    rate : array_like (m,)
        Metres a year, negative in retreat; NaN is no rate.
    half_width : array_like (m,), optional
        Half width of the rate's interval: a rate within it is ``non_perceptible``. NaN or
        none: only a rate of 0 is.

    Returns
    -------
    object array (m,)
        Names of :data:`CLASSES`, empty where there is no rate.

    Notes
    -----
    Limits as Cerema's map draws them: ≤ -3; (-3, -1.5]; (-1.5, -0.5]; (-0.5, 0); 0; (0, 0.5);
    [0.5, 1.5); [1.5, 3); ≥ 3.
    """
    r = np.asarray(rate, float)
    half = np.zeros_like(r) if half_width is None else np.nan_to_num(np.asarray(half_width, float))
    size = np.searchsorted([0.5, 1.5, 3.0], np.abs(np.nan_to_num(r)), side="right") + 1
    step = np.where(r < 0, -size, size)
    step = np.where((r == 0) | (np.abs(r) < half), 0, step)
    names = np.array([c.name for c in CLASSES], dtype=object)
    return np.where(np.isnan(r), "", names[step + 4])


def interval(
    rate: ArrayLike,
    years: ArrayLike,
    sigma_old: float = SIGMA_OLD,
    sigma_recent: float = SIGMA_RECENT,
) -> tuple[Floats, Floats]:
    """95 % interval of a rate between two digitised lines.

    Parameters
    ----------
    rate : array_like (m,)
        Metres a year.
    years : array_like (m,)
        Between the two lines.
    sigma_old, sigma_recent : float
        Standard errors of the lines, metres (georeferencing and digitising).

    Returns
    -------
    (low, high)
        Metres a year; NaN without rate or years.

    Notes
    -----
    σ = √(σ₁² + σ₂²) / Δt. A coast that moved back and forth between the two dates is not in it.
    """
    r, dt = np.asarray(rate, float), np.asarray(years, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        half = np.where(dt > 0, _Z * np.hypot(sigma_old, sigma_recent) / dt, np.nan)
    return r - half, r + half


def indicator(
    positions: pd.DataFrame, sigma_old: float = SIGMA_OLD, sigma_recent: float = SIGMA_RECENT
) -> pd.DataFrame:
    """The indicator's own method on one's own positions: the first and the last line only.

    Parameters
    ----------
    positions : DataFrame
        ``transect, date, distance_m``, positive seaward.
    sigma_old, sigma_recent : float
        As :func:`interval`.

    Returns
    -------
    DataFrame
        ``transect, first, last, duration_years, rate, rate_low, rate_high, inec_class``.

    Notes
    -----
    Source: Cerema, Indicateur national de l'érosion côtière (2018): the recent marker less the
    old one, over the years between.
    """
    table = positions.dropna(subset=["distance_m"]).sort_values("date", kind="stable")
    ends = table.groupby("transect", sort=False).agg(
        first=("date", "first"), last=("date", "last"),
        old=("distance_m", "first"), recent=("distance_m", "last"),
    )  # fmt: skip
    years = (ends["last"] - ends["first"]).dt.total_seconds() / 86_400 / 365.25
    rate = ((ends["recent"] - ends["old"]) / years.where(years > 0)).to_numpy()
    low, high = interval(rate, years, sigma_old, sigma_recent)
    return pd.DataFrame(
        {
            "transect": ends.index,
            "first": ends["first"].to_numpy(),
            "last": ends["last"].to_numpy(),
            "duration_years": years.to_numpy(),
            "rate": rate,
            "rate_low": low,
            "rate_high": high,
            "inec_class": classify(rate, (high - low) / 2),
        }
    )


def lengths(
    rate: ArrayLike, length_m: ArrayLike, half_width: ArrayLike, structure: ArrayLike
) -> dict[str, float]:
    """Metres of coast in retreat, advancing, not perceptible, and not measured.

    Parameters
    ----------
    rate, length_m, half_width : array_like (m,)
        Metres a year (NaN: none), metres of coast that the profile stands for, half width of
        the rate's interval.
    structure : array_like of bool (m,)
        A structure holds the shore.

    Returns
    -------
    dict
        ``total, measured, retreat, advance, not_perceptible, structure, no_data`` in metres;
        the last two, without a rate, and the three before make up the total.
    """
    r, size = np.asarray(rate, float), np.asarray(length_m, float)
    name = classify(r, half_width)
    built = np.asarray(structure, bool)
    known = ~np.isnan(r)
    stable = name == NOT_PERCEPTIBLE
    parts = {
        "total": np.ones(len(r), bool),
        "measured": known,
        "retreat": known & ~stable & (r < 0),
        "advance": known & ~stable & (r > 0),
        "not_perceptible": known & stable,
        "structure": ~known & built,
        "no_data": ~known & ~built,
    }
    return {key: float(size[which].sum()) for key, which in parts.items()}
