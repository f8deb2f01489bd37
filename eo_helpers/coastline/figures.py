"""The figures that the profiles of a coast add up to."""

from __future__ import annotations

import pandas as pd

from ..findings import Indicator
from ..text import french
from . import sentences
from .ahead import HORIZON, Ahead
from .summary import Summary

__all__ = ["indicators"]


def indicators(
    profiles: pd.DataFrame,
    summary: Summary,
    dataset: str,
    ahead: Ahead | None = None,
    horizon: int = HORIZON,
) -> tuple[Indicator, ...]:
    """Figures of a coast, with the period beside every rate.

    Parameters
    ----------
    profiles : pandas.DataFrame
        ``rate, old, recent, years``: what the period is read from.
    summary : Summary
    dataset : str
        What they come from.
    ahead : Ahead, optional
        The strip of the extrapolation; no figure of it without one.
    horizon : int
        Its year.
    """
    metres = summary.metres
    recent = profiles["recent"].dropna()
    date = f"{int(recent.max())}" if len(recent) else None
    out: list[Indicator] = []

    def one(
        name: str, fr: str, en: str, value: float, unit: str, low: float | None = None,
        high: float | None = None, digits: int = 1, group: str = "coast",
    ) -> None:  # fmt: skip
        label = {"fr": french(fr), "en": en}
        out.append(Indicator(name, label, value, unit, low, high, date, dataset, digits, group))

    when, when_en = sentences.period(profiles), sentences.period(profiles, "en")
    km = {key: value / 1000 for key, value in metres.items()}
    if metres["measured"]:
        sure, maybe = summary.retreat_low / 1000, summary.retreat_high / 1000
        one("retreat_km", f"Côte en recul perceptible ({when})",
            f"Coast perceptibly in retreat ({when_en})", km["retreat"], "km",
            sure, maybe)  # fmt: skip
        one("stable_km", f"Évolution non perceptible ({when})",
            f"No perceptible change ({when_en})",
            km["not_perceptible"], "km")  # fmt: skip
        one("advance_km", f"Côte qui avance ({when})", f"Coast advancing ({when_en})",
            km["advance"], "km")  # fmt: skip
        for name, fr, en, whole in (
            ("retreat_share_measured", f"Part en recul, de la côte mesurée ({when})",
             f"Share in retreat, of the coast measured ({when_en})", km["measured"]),
            ("retreat_share_all", f"Part en recul, de toute la côte de l'indicateur ({when})",
             f"Share in retreat, of all the indicator's coast ({when_en})", km["total"]),
        ):  # fmt: skip
            one(name, fr, en, 100 * km["retreat"] / whole, "%", 100 * sure / whole,
                100 * maybe / whole, 0)  # fmt: skip
        one("mean_rate", f"Vitesse moyenne ({when}), négative en recul",
            f"Mean rate ({when_en}), negative in retreat", summary.mean, "m/an",
            summary.mean_low, summary.mean_high, 2)  # fmt: skip
        one("fastest_retreat", f"Recul le plus rapide ({when})", f"Fastest retreat ({when_en})",
            summary.fastest, "m/an", digits=2)  # fmt: skip
        if ahead is not None:
            one(f"lost_ha_{horizon}",
                f"Terre perdue d'ici {horizon} si la vitesse passée ({when}) continuait "
                "(extrapolation)",
                f"Land lost by {horizon} if the past rate ({when_en}) went on (extrapolation)",
                ahead.hectares, "ha", ahead.low, ahead.high, group="ahead")  # fmt: skip
    one("measured_km", "Côte mesurée", "Coast measured", km["measured"], "km", group="measurement")
    one("structure_km", "Côte tenue par un ouvrage, sans vitesse",
        "Coast held by a structure, without a rate", km["structure"], "km",
        group="measurement")  # fmt: skip
    one("not_measured_km", "Côte sans donnée ou suivie par un autre repère",
        "Coast without data or with another marker", km["no_data"], "km",
        group="measurement")  # fmt: skip
    return tuple(out)
