"""The national indicator of coastal erosion, added up for each commune by the coast."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd

from ..coastline.data import read_all, read_many
from ..coastline.inec import SIGMA_OLD
from ..coastline.summary import rated, summarise
from ..territory.commune import Commune
from .chunks import Theme

__all__ = ["PUBLISHED", "THEME", "country", "rows"]

#: What Cerema says of its indicator (2018): share of the coast with a negative rate, percent.
PUBLISHED = {"negative_percent_all": 19.0}

_KM = {
    "coast_km": ("total", "coast that the indicator has profiles on (200 m each), km"),
    "measured_km": ("measured", "coast with a rate, km"),
    "retreat_km": ("retreat", "coast perceptibly in retreat, km"),
    "stable_km": ("not_perceptible", "coast whose movement is within the error of its lines, km"),
    "advance_km": ("advance", "coast perceptibly advancing, km"),
    "structure_km": ("structure", "coast held by a structure, without a rate, km"),
    "not_measured_km": ("no_data", "coast without data or with another marker, km"),
}
COLUMNS = {
    **{name: text for name, (_, text) in _KM.items()},
    "retreat_km_high": "coast with a negative rate, perceptible or not, km",
    "retreat_percent_measured": "coast perceptibly in retreat, % of the coast with a rate",
    "retreat_percent_all": "the same, % of all the coast of the indicator",
    "negative_percent_all": "coast with a negative rate, % of all the coast of the indicator",
    "mean_rate": "mean rate, m/year, negative in retreat, weighted by length",
    "mean_rate_low": "95 % interval, m/year",
    "mean_rate_high": "95 % interval, m/year",
    "fastest_retreat": "rate of the profile that retreats fastest, m/year (0: none)",
    "year_old": "oldest year of the old lines, of profiles with a rate where there are any",
    "year_old_last": "latest year of the same lines",
    "year_recent_first": "earliest year of the recent lines, of the same profiles",
    "year_recent": "latest year of the same lines",
    "profiles": "number of profiles",
}


def rows(communes: Any, paths: list[Path], dataset: str, options: dict[str, Any]) -> pd.DataFrame:
    """One row a commune that has a profile; the figures of its own Finding."""
    some = [
        Commune(c.insee, c.name, c.departement, c.geometry)
        for c in communes.itertuples(index=False)
    ]
    out = []
    for commune, profiles in zip(some, read_many(paths, some), strict=True):
        if len(profiles):
            out.append({"insee": commune.insee, **_figures(profiles, options["sigma_old"])})
    return pd.DataFrame(out, columns=["insee", *COLUMNS])


def _figures(profiles: Any, sigma_old: float) -> dict[str, Any]:
    found = summarise(rated(profiles, sigma_old))
    km = {name: round(found.metres[key] / 1000, 3) for name, (key, _) in _KM.items()}
    measured, total = found.metres["measured"], found.metres["total"]
    rated_ones = profiles[profiles["rate"].notna()]
    dated = rated_ones if len(rated_ones) else profiles
    return {
        **km,
        "retreat_km_high": round(found.retreat_high / 1000, 3),
        "retreat_percent_measured": (
            round(100 * found.metres["retreat"] / measured, 2) if measured else float("nan")
        ),
        "retreat_percent_all": round(100 * found.metres["retreat"] / total, 2),
        "negative_percent_all": round(100 * found.retreat_high / total, 2),
        "mean_rate": round(found.mean, 4),
        "mean_rate_low": round(found.mean_low, 4),
        "mean_rate_high": round(found.mean_high, 4),
        "fastest_retreat": round(found.fastest, 3),
        "year_old": float(dated["old"].min()),
        "year_old_last": float(dated["old"].max()),
        "year_recent_first": float(dated["recent"].min()),
        "year_recent": float(dated["recent"].max()),
        "profiles": len(profiles),
    }


def country(
    paths: list[Path] | list[str], dataset: str, options: dict[str, Any], table: Any
) -> dict[str, Any]:
    """Lengths of the whole indicator, each profile once.

    Communes do not add up to it: a profile on the border of two counts in both, and one that
    lies in no commune of the table in none.
    """
    profiles = read_all(map(Path, paths))
    found = _figures(profiles, options["sigma_old"])
    whole = {name: value for name, value in found.items() if value == value}
    in_communes = float(table["coast_km"].sum())
    years = profiles[["old", "recent"]].to_numpy(float)
    first, last = (
        (int(f(years[years == years])) if (years == years).any() else None) for f in (min, max)
    )
    return {
        "start": None if first is None else dt.datetime(first, 1, 1, tzinfo=dt.UTC),
        "end": None if last is None else dt.datetime(last, 12, 31, tzinfo=dt.UTC),
        "more": {
            "country": whole,
            "communes_km": round(in_communes, 3),
            "published": PUBLISHED,
        },
    }


THEME = Theme(
    name="coastline",
    dataset="coastline-communes",
    reads=("inec",),
    title="Trait de côte des communes",
    columns=COLUMNS,
    rows=rows,
    told=country,
)
DEFAULTS: dict[str, Any] = {"sigma_old": SIGMA_OLD}
