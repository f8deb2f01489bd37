"""Dated shorelines that a person has (seen by satellite) on a commune's coast, told with INEC."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from .. import catalog
from ..errors import InvalidInput, NoData
from ..findings import (
    Category,
    Chart,
    Control,
    Indicator,
    Layer,
    Legend,
    Line,
    Scale,
    Series,
    remembered,
)
from ..territory.commune import Commune
from ..text import Text, at_place, french, month, number, of_place
from .files import read_shorelines
from .inec import CLASSES, classify
from .positions import flag_outliers, shoreline_positions
from .rates import rates
from .swipe import shores
from .transects import SPACING, draw_transects

__all__ = ["DATASET", "MEAN", "Seen", "seen", "told"]

DATASET = "shorelines"
#: No transect in particular.
MEAN = "mean"
#: Metres around the commune within which a shoreline is its own.
_AROUND = 500.0


@dataclass(frozen=True, eq=False)
class Seen:
    """Transects with their rates, the lines, and the mean shore through time.

    ``mean`` has ``date`` and ``distance_m`` (metres, seaward, about its mean); ``rate`` is the
    row of :func:`.rates.rates` of that series; ``positions`` has ``transect, date,
    distance_m`` without outliers.
    """

    transects: gpd.GeoDataFrame
    lines: gpd.GeoDataFrame
    mean: pd.DataFrame
    rate: pd.Series
    positions: pd.DataFrame


@dataclass(frozen=True)
class Told:
    """What a Finding takes of it."""

    headline: Text
    indicators: tuple[Indicator, ...]
    layers: tuple[Layer, ...]
    charts: tuple[Chart, ...]
    caveats: tuple[Text, ...]
    provenance: tuple[Any, ...] = field(default=())
    controls: tuple[Control, ...] = ()


def seen(lines: gpd.GeoDataFrame, commune: Commune, spacing: float = SPACING) -> Seen | None:
    """Rates on transects drawn on a commune's coast.

    Parameters
    ----------
    lines : GeoDataFrame
        Dated lines (``date``), any CRS.
    commune : Commune
    spacing : float
        Metres between transects.

    Returns
    -------
    Seen or None
        None where no line is near the commune, or a single date is.

    Notes
    -----
    The longest line is the reference; its sea is on the side that is not the commune. The mean
    shore is, date by date, the mean of the transects' positions about each one's own mean:
    what moves all of them alike (tide, storms) is then not counted once a transect.
    """
    zone = commune.projected_boundary.buffer(_AROUND)
    near = lines.to_crs(commune.crs)
    near = near[near.intersects(zone)].reset_index(drop=True)
    if near["date"].nunique() < 2:
        return None
    near = near.set_geometry(shapely.intersection(np.asarray(near.geometry.values), zone))
    reference = near.iloc[[int(near.length.argmax())]]
    drawn = draw_transects(reference, spacing=min(spacing, float(reference.length.iloc[0]) / 3))
    inside = [
        shapely.contains(commune.projected_boundary, shapely.get_point(drawn.geometry.values, end))
        for end in (0, -1)
    ]
    if inside[0].sum() < inside[1].sum():
        drawn = draw_transects(
            reference, spacing=min(spacing, float(reference.length.iloc[0]) / 3), sea="left"
        )
    table = shoreline_positions(near, drawn)
    table = table[~flag_outliers(table)]
    found = rates(table)
    mean_of = table.groupby("transect")["distance_m"].transform("mean")
    about = table.assign(distance_m=table["distance_m"] - mean_of)
    mean = about.groupby("date")[["distance_m"]].mean().reset_index()
    if mean["date"].nunique() < 3:
        return None
    whole = rates(mean.assign(transect="mean")).iloc[0]
    return Seen(drawn.merge(found, on="transect"), near, mean, whole, table)


def told(commune: Commune, source: Any, picked: str = MEAN) -> Told | None:
    """What the source's shorelines say of a commune, or None where it has none.

    ``picked`` is the transect whose positions are drawn; :data:`MEAN` for none.
    """
    try:
        holding = catalog.find(DATASET, commune, source)
    except NoData:
        return None
    found = _seen(commune, source)
    if found is None or not np.isfinite(found.rate["lrr"]):
        return None
    return _words(commune, found, holding.provenance, picked)


@remembered(size=2)
def _seen(commune: Commune, source: Any) -> Seen | None:
    """Read once: another transect costs its chart only."""
    holding = catalog.find(DATASET, commune, source)
    parts = [read_shorelines(Path(path)).to_crs("EPSG:4326") for path in holding.paths]
    frame = pd.concat([p[["date", "geometry"]] for p in parts], ignore_index=True)
    try:
        return seen(gpd.GeoDataFrame(frame, crs="EPSG:4326"), commune)
    except InvalidInput:
        # Lines too short to draw transects on say nothing of a commune.
        return None


def _control(rated: gpd.GeoDataFrame, picked: str) -> Control:
    """Which transect's positions are drawn."""
    choices: list[tuple[str, Text]] = [
        (MEAN, {"fr": "Moyenne de la côte", "en": "Mean of the coast"})
    ]
    periods = [f"{a:%Y}-{b:%Y}" for a, b in zip(rated["first"], rated["last"], strict=True)]
    names = rated["transect"].astype(str)
    for name, rate, period in zip(names, rated["lrr"], periods, strict=True):
        choices.append(
            (
                name,
                {
                    "fr": f"Transect {name} ({number(rate, 1)} m/an, {period})",
                    "en": f"Transect {name} ({number(rate, 1, 'en')} m/yr, {period})",
                },
            )
        )
    return Control(
        "transect",
        {"fr": "Transect dont on trace les positions", "en": "Transect whose positions are drawn"},
        picked,
        choices=tuple(choices),
        help={
            "fr": "Le nom d'un transect est dans l'infobulle de la carte.",
            "en": "A transect's name is in the map's tooltip.",
        },
    )


def _words(commune: Commune, found: Seen, origin: Any, picked: str) -> Told:
    row = found.rate
    low = float(np.nanmin([row["lrr_ci_low"], row["ar1_ci_low"], row["block_ci_low"]]))
    high = float(np.nanmax([row["lrr_ci_high"], row["ar1_ci_high"], row["block_ci_high"]]))
    rate, sure = float(row["lrr"]), low > 0 or high < 0
    first, last = f"{row['first']:%Y-%m-%d}", f"{row['last']:%Y-%m-%d}"
    text = {}
    for lang in ("fr", "en"):
        fr = lang == "fr"
        a, b = month(first, lang), month(last, lang)
        size = f"{number(abs(rate), 1, lang)} m/{'an' if fr else 'yr'}"
        span = (number(low, 1, lang), number(high, 1, lang))
        if fr:
            what = ("recule" if rate < 0 else "avance") + f" de {size}"
            text[lang] = (
                f"Vue par satellite de {a} à {b}, la ligne d'eau {of_place(commune.name)} "
                + (
                    f"{what} (entre {span[0]} et {span[1]})."
                    if sure
                    else f"n'a pas d'évolution perceptible : {number(rate, 1)} m/an, "
                    f"entre {span[0]} et {span[1]}."
                )
            )
        else:
            what = ("retreats" if rate < 0 else "advances") + f" by {size}"
            text[lang] = f"Seen by satellite from {a} to {b}, the waterline of {commune.name} " + (
                f"{what} (between {span[0]} and {span[1]})."
                if sure
                else f"shows no perceptible change: {number(rate, 1, lang)} m/yr, between "
                f"{span[0]} and {span[1]}."
            )
    when = f"{month(first)} – {month(last)}"
    when_en = f"{month(first, 'en')} – {month(last, 'en')}"

    def one(name: str, fr: str, en: str, value: float, unit: str, lo: Any = None, hi: Any = None,
            digits: int = 2) -> Indicator:  # fmt: skip
        label = {"fr": french(fr), "en": en}
        return Indicator(name, label, value, unit, lo, hi, last, DATASET, digits, "satellite")

    rated = found.transects[found.transects["lrr"].notna()]
    if picked != MEAN and picked not in set(rated["transect"].astype(str)):
        raise InvalidInput(
            f"Le transect « {picked} » n'a pas de vitesse {at_place(commune.name)} ; ses "
            "transects vont de "
            f"{rated['transect'].iloc[0]} à {rated['transect'].iloc[-1]}.",
            f"Transect '{picked}' has no rate in {commune.name}; its transects go from "
            f"{rated['transect'].iloc[0]} to {rated['transect'].iloc[-1]}.",
        )
    charts: tuple[Chart, ...] = (_chart(commune, found, when, when_en),)
    if picked != MEAN:
        charts = (_picked(found, picked, when, when_en), *charts)
    indicators = (
        one("satellite_rate", f"Vitesse moyenne de la ligne d'eau ({when})",
            f"Mean rate of the waterline ({when_en})", rate, "m/an", low, high),
        one("satellite_detectable", f"Plus petite vitesse que l'on aurait pu voir ({when})",
            f"Smallest rate that could have been seen ({when_en})",
            float(row["smallest_detectable"]), "m/an"),
        one("satellite_dates", "Dates", "Dates", float(len(found.mean)), "", digits=0),
        one("satellite_transects", "Transects", "Transects", float(len(rated)), "", digits=0),
        one("satellite_transects_perceptible", f"… dont l'évolution est perceptible ({when})",
            f"… with a perceptible change ({when_en})", float((rated["perceptible"] == True).sum()),  # noqa: E712
            "", digits=0),
    )  # fmt: skip
    return Told(
        {"fr": french(text["fr"]), "en": text["en"]},
        indicators,
        _layers(found, when, when_en),
        charts,
        (
            {
                "fr": french(
                    "La ligne d'eau vue par satellite dépend de la marée et de la période : sur "
                    "une autre, la vitesse peut changer de signe. Sans hauteurs d'eau, la marée "
                    "n'est pas corrigée ici (eo-helpers coastline positions --tide le fait)."
                ),
                "en": "The waterline seen by satellite depends on tide and period: over another "
                "the rate may change its sign. Without water levels the tide is not corrected "
                "here (eo-helpers coastline positions --tide does it).",
            },
        ),
        (origin,),
        (_control(rated, picked),),
    )


def _picked(found: Seen, picked: str, when: str, when_en: str) -> Series:
    """Positions of one transect, with its trend and what the trend may be."""
    own = found.positions[found.positions["transect"].astype(str) == picked].sort_values("date")
    row = found.transects[found.transects["transect"].astype(str) == picked].iloc[0]
    years = (own["date"] - own["date"].mean()).dt.total_seconds() / 86_400 / 365.25
    middle = own["distance_m"].mean()
    half = max(float(row[f"{k}_ci_high"] - row["lrr"]) for k in ("lrr", "ar1", "block"))
    table = pd.DataFrame(
        {
            "date": own["date"].dt.strftime("%Y-%m-%d"),
            "position": own["distance_m"],
            "trend": middle + float(row["lrr"]) * years,
            "low": middle + float(row["lrr"]) * years - half * years.abs(),
            "high": middle + float(row["lrr"]) * years + half * years.abs(),
        }
    ).drop_duplicates("date")
    rate = {
        lang: f"{number(float(row['lrr']), 2, lang)} ± {number(half, 2, lang)}"
        for lang in ("fr", "en")
    }
    return Series(
        "transect_position",
        {"fr": f"Transect {picked} : position de la ligne d'eau, {when}",
         "en": f"Transect {picked}: position of the waterline, {when_en}"},
        {"fr": f"Transect {picked}, {len(table)} dates ; tendance {rate['fr']} m/an sur "
               f"{when}.",
         "en": f"Transect {picked}, {len(table)} dates; trend {rate['en']} m/yr over "
               f"{when_en}."},
        table,
        "m",
        (
            Line("trend", {"fr": "Ce que la tendance peut être", "en": "What the trend may be"},
                 "band", "low", "high"),
            Line("position", {"fr": "Images", "en": "Images"}, "points"),
            Line("trend", {"fr": "Tendance de cette période", "en": "Trend of this period"}),
        ),
        digits=1,
    )  # fmt: skip


def _years(lines: gpd.GeoDataFrame) -> Layer | None:
    """One shoreline a year at most, a dozen in all, coloured by its year."""
    yearly = lines.sort_values("date").assign(year=lambda t: t["date"].dt.year.astype(float))
    yearly = yearly.drop_duplicates("year")
    if len(yearly) < 3:
        return None
    chosen = yearly.iloc[np.unique(np.linspace(0, len(yearly) - 1, 12).round().astype(int))]
    first, last = chosen["year"].iloc[0], chosen["year"].iloc[-1]
    told_fr = [f"Trait du {d:%d/%m/%Y}" for d in chosen["date"]]
    told_en = [f"Line of {d:%Y-%m-%d}" for d in chosen["date"]]
    drawn = chosen[["year", "geometry"]].assign(told_fr=told_fr, told_en=told_en)
    title: Text = {"fr": "Traits de côte, année par année", "en": "Shorelines, year by year"}
    return Layer(
        "shorelines_years", title,
        {"fr": f"{len(drawn)} traits de côte de {first:.0f} à {last:.0f}, du violet (ancien) au "
         "jaune (récent).",
         "en": f"{len(drawn)} shorelines from {first:.0f} to {last:.0f}, from violet (old) to "
         "yellow (recent)."},
        drawn,
        Legend({"fr": "Année", "en": "Year"}, scale=Scale("viridis", first, last)),
        "year", "told", shown=False,
    )  # fmt: skip


def _layers(found: Seen, when: str, when_en: str) -> tuple[Layer, ...]:
    rated = found.transects[found.transects["lrr"].notna()]
    half = rated[["lrr_ci_high", "ar1_ci_high", "block_ci_high"]].max(axis=1) - rated["lrr"]
    labels = {c.name: c.label for c in CLASSES}
    state = classify(rated["lrr"], half)
    texts: dict[str, list[str]] = {"fr": [], "en": []}
    for row, name, wide in zip(rated.itertuples(), state, half, strict=True):
        for lang, unit in (("fr", "m/an"), ("en", "m/yr")):
            span = f"{number(row.lrr, 2, lang)} ± {number(wide, 2, lang)} {unit}"
            texts[lang].append(
                f"Transect {row.transect} : {labels[name][lang]}, {span}, "
                f"{row.first:%Y}-{row.last:%Y}"
            )
    drawn = rated[["transect", "lrr", "geometry"]].assign(
        state=state, tooltip_fr=texts["fr"], tooltip_en=texts["en"]
    )
    title: Text = {
        "fr": f"Ligne d'eau, transects ({when})",
        "en": f"Waterline, transects ({when_en})",
    }
    classes = tuple(Category(c.name, c.label, c.color, c.mark) for c in CLASSES)
    ends = found.lines.sort_values("date").iloc[[0, -1]][["date", "geometry"]]
    ends = ends.assign(which=["ancien", "recent"])
    pair = (
        Category("ancien", {"fr": f"Trait du {ends['date'].iloc[0]:%d/%m/%Y}",
                            "en": f"Line of {ends['date'].iloc[0]:%Y-%m-%d}"}, "#8c510a", "1"),
        Category("recent", {"fr": f"Trait du {ends['date'].iloc[1]:%d/%m/%Y}",
                            "en": f"Line of {ends['date'].iloc[1]:%Y-%m-%d}"}, "#01665e", "2"),
    )  # fmt: skip
    yearly = _years(found.lines)
    lines: Text = {"fr": "Premier et dernier trait de côte", "en": "First and last shoreline"}
    return (
        Layer(
            "transects", title,
            {"fr": f"{len(drawn)} transects colorés par leur vitesse, {when}.",
             "en": f"{len(drawn)} transects coloured by their rate, {when_en}."},
            drawn, Legend(title, "m/an", categories=classes), "state", "tooltip", 0.9,
        ),
        Layer(
            "shorelines", lines,
            {"fr": "Deux lignes : la plus ancienne et la plus récente.",
             "en": "Two lines: the oldest and the latest."},
            ends[["which", "geometry"]], Legend(lines, categories=pair), "which", shown=False,
        ),
        *((yearly,) if yearly is not None else ()),
        *shores(found.transects, found.positions),
    )  # fmt: skip


def _chart(commune: Commune, found: Seen, when: str, when_en: str) -> Series:
    row, mean = found.rate, found.mean
    years = (mean["date"] - mean["date"].mean()).dt.total_seconds() / 86_400 / 365.25
    table = pd.DataFrame(
        {
            "date": mean["date"].dt.strftime("%Y-%m-%d"),
            "position": mean["distance_m"],
            "trend": mean["distance_m"].mean() + float(row["lrr"]) * years,
        }
    ).drop_duplicates("date")
    return Series(
        "shore_position",
        {"fr": f"Position moyenne de la ligne d'eau, {when} (vers la mer : positif)",
         "en": f"Mean position of the waterline, {when_en} (seaward: positive)"},
        {"fr": f"Position moyenne du rivage {of_place(commune.name)} à {len(table)} dates, et sa "
               f"tendance : {number(float(row['lrr']), 2)} m/an sur {when}.",
         "en": f"Mean position of the shore of {commune.name} on {len(table)} dates, and its "
               f"trend: {number(float(row['lrr']), 2, 'en')} m/yr over {when_en}."},
        table,
        "m",
        (
            Line("position", {"fr": "Images", "en": "Images"}, "points"),
            Line("trend", {"fr": "Tendance de cette période", "en": "Trend of this period"}),
        ),
        digits=1,
    )  # fmt: skip
