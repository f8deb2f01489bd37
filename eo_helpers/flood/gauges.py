"""River gauges near a commune and their highest levels, from Hub'Eau (hydrométrie).

Answers of ``https://hubeau.eaufrance.fr/api/v2/hydrometrie/`` kept as JSON: ``referentiel/
stations`` and ``obs_elab`` (elaborated observations: ``HIXM`` and ``HIXnJ`` are the highest
instantaneous level of a month and of a day, in millimetres above the gauge's zero).
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import pandas as pd

from ..errors import InvalidInput, NoData, OutOfCoverage, reading
from ..territory.commune import WGS84, Commune
from ..text import of_place
from .catnat import rows_of

__all__ = ["DATASET", "read"]

DATASET = "hydrometry"
#: Gauges so near the commune speak of its river, m.
NEAR = 2_000.0
_LEVELS = ("HIXM", "HIXnJ")
#: ``code_qualification`` of an observation that its producer calls doubtful or wrong.
_DOUBTFUL = {4, 12}


def read(holding: Any, commune: Commune) -> tuple[dict[str, Any], pd.Series]:
    """The gauge of a commune with the longest record, and its highest level of each month.

    Parameters
    ----------
    holding : catalog.Holding
        Files of data set ``hydrometry``.
    commune : Commune

    Returns
    -------
    station : dict
        ``code``, ``name``, ``river``, ``distance_m`` (to the commune, 0 inside).
    levels : pandas.Series
        Metres above the gauge's zero, by month (first day); months without an
        observation, or with doubtful ones only, are NaN.

    Raises
    ------
    InvalidInput
        If a column is missing.
    OutOfCoverage
        If no gauge is within 2 km of the commune.
    NoData
        If the gauges there have no level.
    """
    stations: list[tuple[Any, dict[str, Any]]] = []
    observed: list[tuple[Any, dict[str, Any]]] = []
    for path in holding.paths:
        with reading(path):
            rows = rows_of(path)
        for row in rows:
            if "grandeur_hydro_elab" in row:
                observed.append((path, row))
            elif "date_obs" not in row:  # the last month's observations are of no use here
                stations.append((path, row))
    with reading(holding.paths):
        near = _near(stations, commune)
    if near.empty:
        raise OutOfCoverage(
            f"Aucune station Hub'Eau présente n'est à moins de 2 km {of_place(commune.name)}.",
            f"No Hub'Eau gauge at hand is within 2 km of {commune.name}.",
        )
    with reading(holding.paths):
        series = {code: _monthly(observed, code) for code in near["code"]}
    series = {code: s for code, s in series.items() if s.notna().any()}
    if not series:
        raise NoData(
            f"Les stations Hub'Eau {of_place(commune.name)} n'ont pas de hauteur (HIXM, HIXnJ).",
            f"The Hub'Eau gauges of {commune.name} have no level (HIXM, HIXnJ).",
        )
    best = max(series, key=lambda code: int(series[code].notna().sum()))
    station = near[near["code"] == best].iloc[0].drop("geometry").to_dict()
    return station, series[best]


def _near(stations: list[tuple[Any, dict[str, Any]]], commune: Commune) -> gpd.GeoDataFrame:
    rows = []
    for path, row in stations:
        try:
            rows.append(
                {
                    "code": str(row["code_station"]),
                    "name": str(row.get("libelle_station") or row["code_station"]),
                    "river": str(row.get("libelle_cours_eau") or ""),
                    "x": float(row["longitude_station"]),
                    "y": float(row["latitude_station"]),
                }
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(
                f"« {path.name} » : station sans {error} ; attendu une réponse "
                "« referentiel/stations » de Hub'Eau.",
                f"'{path.name}': a station without {error}; an answer of Hub'Eau's "
                "'referentiel/stations' is expected.",
            ) from error
    table = pd.DataFrame(rows, columns=["code", "name", "river", "x", "y"])
    points = gpd.points_from_xy(table["x"], table["y"], crs=WGS84).to_crs(commune.crs)
    out = gpd.GeoDataFrame(table[["code", "name", "river"]], geometry=points)
    out["distance_m"] = out.geometry.distance(commune.projected_boundary).round()
    return out[out["distance_m"] <= NEAR].drop_duplicates("code")


def _monthly(observed: list[tuple[Any, dict[str, Any]]], code: str) -> pd.Series:
    """Highest level of each month, metres: daily maxima where the monthly one is missing."""
    rows = []
    for path, row in observed:
        if str(row.get("code_station")) != code or row["grandeur_hydro_elab"] not in _LEVELS:
            continue
        try:
            doubtful = int(row.get("code_qualification") or 0) in _DOUBTFUL
            value = row["resultat_obs_elab"]
            level = float("nan") if value is None or doubtful else float(value) / 1000
            rows.append((pd.Timestamp(str(row["date_obs_elab"])[:10]), level))
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(
                f"« {path.name} » : observation illisible ({error}) ; attendu une réponse "
                "« obs_elab » de Hub'Eau.",
                f"'{path.name}': an observation cannot be read ({error}); an answer of Hub'Eau's "
                "'obs_elab' is expected.",
            ) from error
    if not rows:
        return pd.Series(dtype=float)
    dates, values = zip(*rows, strict=True)
    return pd.Series(values, index=pd.DatetimeIndex(dates)).resample("MS").max()
