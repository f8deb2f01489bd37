"""The memory of a commune: decrees, gauge and image on one time line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from .. import catalog
from ..catalog.provenance import Provenance
from ..errors import NoData
from ..findings import Event, Indicator, Line, Series, remembered
from ..territory.commune import Commune
from ..text import Text, day, number, of_place
from . import catnat, gauges

__all__ = ["Memory", "caveats", "chart", "indicators", "remember", "sentence"]


@dataclass(frozen=True)
class Memory:
    """What is known of past floods.

    Attributes
    ----------
    decrees : pandas.DataFrame or None
        Flood decrees (:func:`.catnat.read`); None where the source has no table of them.
    station : dict, or None
    levels : pandas.Series or None
        Highest level of each month, m above the gauge's zero (:func:`.gauges.read`).
    provenance : tuple of Provenance
    """

    decrees: pd.DataFrame | None = None
    station: dict[str, Any] | None = None
    levels: pd.Series | None = None
    provenance: tuple[Provenance, ...] = field(default=())

    def __bool__(self) -> bool:
        return self.decrees is not None or self.levels is not None


@remembered(size=3)
def remember(commune: Commune, source: Any) -> Memory:
    """What the source knows of the commune's past floods."""
    decrees = station = levels = None
    provenance: list[Provenance] = []
    try:
        holding = catalog.find(catnat.DATASET, commune, source)
        decrees = catnat.floods(catnat.read(holding, commune))
        provenance.append(holding.provenance)
    except NoData:
        decrees = None
    try:
        holding = catalog.find(gauges.DATASET, commune, source)
        station, levels = gauges.read(holding, commune)
        provenance.append(holding.provenance)
    except NoData:
        levels = None
    return Memory(decrees, station, levels, tuple(provenance))


def sentence(memory: Memory, lang: str) -> str:
    """« 6 arrêtés … depuis 1983, le dernier pour janvier 2024 », empty without decrees."""
    if memory.decrees is None or memory.decrees.empty:
        return ""
    count, first, last = _span(memory.decrees)
    many = "s" if count > 1 else ""
    if lang == "fr":
        return (
            f"{count} arrêté{many} de catastrophe naturelle pour inondation depuis "
            f"{first.year}, le dernier pour l'événement du {day(last.date(), 'fr')}"
        )
    return (
        f"{count} natural-disaster decree{many} for floods since {first.year}, the last for the "
        f"event of {day(last.date(), 'en')}"
    )


def _span(decrees: pd.DataFrame) -> tuple[int, pd.Timestamp, pd.Timestamp]:
    return len(decrees), decrees["start"].min(), decrees["start"].max()


def indicators(memory: Memory, date: str) -> list[Indicator]:
    """Figures of the group « La mémoire des crues ». ``date`` is that of the image, ISO."""
    out: list[Indicator] = []
    if memory.decrees is not None:
        label: Text = {
            "fr": "Arrêtés de catastrophe naturelle pour inondation",
            "en": "Natural-disaster decrees for floods",
        }
        last = None
        if len(memory.decrees):
            last = memory.decrees["start"].max().date().isoformat()
        out.append(
            Indicator("flood_decrees", label, len(memory.decrees), "", None, None, last,
                      catnat.DATASET, 0, "memory")
        )  # fmt: skip
    if memory.levels is None or memory.station is None:
        return out
    levels, name = memory.levels.dropna(), memory.station["name"]
    peak = pd.Timestamp(str(levels.idxmax()))
    label = {
        "fr": f"Plus haut niveau, station « {name} »",
        "en": f"Highest level, gauge '{name}'",
    }
    out.append(
        Indicator("gauge_highest", label, float(levels.max()), "m", None, None,
                  f"{peak:%Y-%m}", gauges.DATASET, 2, "memory")
    )  # fmt: skip
    month = pd.Timestamp(date[:10]).to_period("M").to_timestamp() if date else None
    if month is not None and month in levels.index:
        label = {
            "fr": f"Plus haut niveau du mois de l'image, station « {name} »",
            "en": f"Highest level in the month of the image, gauge '{name}'",
        }
        out.append(
            Indicator("gauge_at_image", label, float(levels[month]), "m", None, None,
                      f"{month:%Y-%m}", gauges.DATASET, 2, "memory")
        )  # fmt: skip
        yearly = levels.resample("YS").max()
        label = {
            "fr": f"Années sur {len(yearly)} dont le plus haut niveau atteint celui-ci",
            "en": f"Years of {len(yearly)} whose highest level reaches this one",
        }
        out.append(
            Indicator("years_as_high", label, int((yearly >= levels[month] - 1e-9).sum()), "",
                      None, None, None, gauges.DATASET, 0, "memory")
        )  # fmt: skip
    return out


def caveats(memory: Memory) -> list[Text]:
    """What decrees and gauges are not."""
    out: list[Text] = []
    if memory.decrees is not None:
        out.append(
            {
                "fr": "Un arrêté de catastrophe naturelle ouvre droit à l'assurance : il dit que "
                "la commune a été touchée, ni où ni jusqu'à quelle hauteur. Rien avant 1982.",
                "en": "A natural-disaster decree opens a right to insurance: it says that the "
                "commune was struck, neither where nor how high. Nothing before 1982.",
            }
        )
    if memory.levels is not None and memory.station is not None:
        far = memory.station["distance_m"]
        where = "dans la commune" if far == 0 else f"à {number(far)} m de la commune"
        place = "in the commune" if far == 0 else f"{number(far, 0, 'en')} m from the commune"
        out.append(
            {
                "fr": f"La station « {memory.station['name']} » ({where}) mesure au-dessus de son "
                "zéro, pas au-dessus de la mer : ses hauteurs ne se comparent qu'entre elles.",
                "en": f"The gauge {memory.station['name']} ({place}) measures above its own zero, "
                "not above the sea: its levels compare with one another only.",
            }
        )
    return out


def chart(memory: Memory, commune: Commune, date: str) -> Series | None:
    """One time line: level at the gauge (or the number of decrees), decrees, and the image."""
    if not memory:
        return None
    events = _events(memory, date)
    if memory.levels is not None and memory.station is not None:
        # A year is what one compares; a month of twenty years would be a hedge of needles.
        # It stands at its own month, where the decree for that flood stands too.
        levels = memory.levels.dropna()
        yearly = levels.loc[levels.groupby(pd.DatetimeIndex(levels.index).year).idxmax()]
        data = pd.DataFrame(
            {
                "date": pd.DatetimeIndex(yearly.index).strftime("%Y-%m-%d"),
                "level": yearly.to_numpy(),
            }
        )
        name = memory.station["name"]
        label: Text = {
            "fr": f"Plus haut niveau de l'année, station « {name} »",
            "en": f"Highest level of the year, gauge '{name}'",
        }
        unit, digits = "m", 2
    else:
        data = _cumulated(memory.decrees, date)
        if data.empty:
            return None
        label = {"fr": "Arrêtés, cumulés", "en": "Decrees, cumulated"}
        unit, digits = "", 0
    alt = {
        lang: " ".join(f"{part}." for part in (start, label[lang], sentence(memory, lang)) if part)
        for lang, start in (
            ("fr", f"Frise du temps {of_place(commune.name)}"),
            ("en", f"Time line of {commune.name}"),
        )
    }
    return Series(
        "memory",
        {
            "fr": f"Les crues {of_place(commune.name)} dans le temps",
            "en": f"The floods of {commune.name} in time",
        },
        alt,
        data,
        unit,
        (Line("level", label, "stairs" if unit == "" else "points"),),
        tuple(events),
        digits,
    )


def _cumulated(decrees: pd.DataFrame | None, date: str) -> pd.DataFrame:
    if decrees is None or decrees.empty:
        return pd.DataFrame({"date": [], "level": []})
    dates = [*decrees["start"].dt.strftime("%Y-%m-%d")]
    rank = [float(k) for k in range(1, len(dates) + 1)]
    if date and date[:10] > dates[-1]:
        dates, rank = [*dates, date[:10]], [*rank, rank[-1]]
    return pd.DataFrame({"date": dates, "level": np.asarray(rank)})


def _events(memory: Memory, date: str) -> list[Event]:
    out = []
    if memory.decrees is not None:
        label: Text = {"fr": "arrêté pour inondation", "en": "decree for a flood"}
        days = memory.decrees[["start", "end"]].apply(lambda c: c.dt.strftime("%Y-%m-%d"))
        for start, end in zip(days["start"], days["end"], strict=True):
            within = (start, end) if start != end else (None, None)
            out.append(Event(start, label, *within))
    if date:
        image: Text = {"fr": "image satellite", "en": "satellite image"}
        out.append(Event(date[:10], image))
    return sorted(out, key=lambda e: e.date)
