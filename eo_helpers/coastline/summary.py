"""What the profiles of a coast add up to: lengths with their denominators, mean rate."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np

from .inec import SIGMA_OLD, SIGMA_RECENT, classify, interval, lengths

__all__ = ["Summary", "rated", "summarise"]


@dataclass(frozen=True)
class Summary:
    """Figures of a coast.

    ``metres``: see :func:`.inec.lengths`. ``retreat_low``, ``retreat_high``: metres in retreat
    whose interval leaves no doubt, and all with a negative rate. ``mean``, ``mean_low``,
    ``mean_high``, ``fastest``: metres a year, weighted by length (NaN without a rate).
    """

    metres: dict[str, float]
    retreat_low: float
    retreat_high: float
    mean: float
    mean_low: float
    mean_high: float
    fastest: float


def rated(profiles: gpd.GeoDataFrame, sigma_old: float = SIGMA_OLD) -> gpd.GeoDataFrame:
    """Profiles (:func:`.data.read`) with ``low``, ``high`` (m/yr) and ``inec_class``."""
    low, high = interval(profiles["rate"], profiles["years"], sigma_old, SIGMA_RECENT)
    name = classify(profiles["rate"], (high - low) / 2)
    return profiles.assign(low=low, high=high, inec_class=name)


def summarise(profiles: gpd.GeoDataFrame) -> Summary:
    """Add up profiles of :func:`rated`."""
    half = (profiles["high"] - profiles["low"]).to_numpy(float) / 2
    metres = lengths(profiles["rate"], profiles["length_m"], half, profiles["structure"])
    rate, size = profiles["rate"].to_numpy(float), profiles["length_m"].to_numpy(float)
    mean = low = high = fastest = float("nan")
    if metres["measured"] > 0:
        known = profiles[profiles["rate"].notna()]
        weight = known["length_m"].to_numpy(float)
        mean, low, high = (
            float(np.average(known[c].fillna(known["rate"]), weights=weight))
            for c in ("rate", "low", "high")
        )
        fastest = min(float(known["rate"].min()), 0.0)
    return Summary(metres, metres["retreat"], float(size[rate < 0].sum()), mean, low, high, fastest)
