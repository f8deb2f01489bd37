"""What satellites say of a commune's night lighting since 2014."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from .. import catalog
from ..catalog import tables
from ..errors import NoData, OutOfCoverage
from ..findings import (
    Chart,
    Event,
    Finding,
    Indicator,
    Layer,
    Legend,
    Line,
    Scale,
    Series,
    Status,
    outline,
)
from ..territory.commune import Commune
from ..text import Text, month, of_place
from . import communes_table, peers, sentences
from .changes import Assessment, assess
from .data import read
from .zonal import cell_weights, monthly_mean, monthly_received

__all__ = ["DATASET", "UNIT", "analyse", "finding_of"]

DATASET = "vnp46a3"
UNIT = "nW·cm⁻²·sr⁻¹"
#: Share of the months that must hold a measurement for a complete finding.
ENOUGH = 0.7
#: The map's colours: read alike by colour-blind people, dark where there is no light.
CMAP = "cividis"


def analyse(commune: Commune, source: Any, **parameters: Any) -> Finding:
    """Ten years of night lighting of a commune, with the date of a switch-off.

    Parameters
    ----------
    commune : Commune
    source : catalog.Source
    view : {"AllAngle", "NearNadir", "OffNadir"}, optional
        Composite of VNP46A3 that is read (default ``"AllAngle"``).
    broken : {"raise", "gap"}, optional
        What a file that cannot be read does (default ``"raise"``).
    least_share : float, optional
        Share of the commune's area that a month must have measured (default 0.5).

    Returns
    -------
    Finding
    """
    options = {"view": "AllAngle", "broken": "raise", "least_share": 0.5, **parameters}
    try:
        holding = catalog.find(DATASET, commune, source)
        data = read(holding, commune, view=options["view"], broken=options["broken"])
    except NoData as error:
        from_table = _from_table(commune, source, options)
        if from_table is not None:
            return from_table
        away = isinstance(error, OutOfCoverage)
        return Finding(
            "lighting",
            commune,
            "out_of_coverage" if away else "no_data",
            sentences.nothing(commune, away),
            parameters=options,
            remedy=sentences.REMEDY,
        )
    finding = finding_of(commune, data, options["least_share"])
    return _among_others(replace(finding, parameters=options), commune, source, holding)


def _from_table(commune: Commune, source: Any, options: dict[str, Any]) -> Finding | None:
    """What the national run found, where the monthly files are not at hand."""
    found = tables.row_of(peers.DATASET, commune, source, communes_table.not_a_table)
    if found is None:
        return None
    row, holding = found
    last = communes_table.last_month(Path(holding.paths[0]))
    finding = communes_table.finding_from(commune, row, last, options)
    return _among_others(finding, commune, source, None)


def _among_others(finding: Finding, commune: Commune, source: Any, holding: Any) -> Finding:
    """The Finding with its comparisons, where the source has the table of all communes."""
    among, table = peers.of(commune, source)
    # A table that says nothing of others may still be what the Finding itself was read from.
    if table is None and holding is None:
        table = catalog.find(peers.DATASET, commune, source)
    layers, caveats = finding.layers, finding.caveats
    if table is not None:
        path = Path(table.paths[0])
        layers += (communes_table.around(commune, path),)
        # From the table alone, both are of one time.
        seen = finding["practice"].date
        old = communes_table.older_than(path, seen) if holding is not None and seen else None
        caveats += (old,) if old else ()
    return replace(
        finding,
        indicators=finding.indicators + peers.told(among),
        layers=layers,
        caveats=caveats,
        charts=finding.charts + peers.charts(commune, among),
        provenance=tuple(h.provenance for h in (holding, table) if h is not None),
    )


def finding_of(commune: Commune, data: xr.Dataset, least_share: float = 0.5) -> Finding:
    """The Finding of a commune from its radiance (:func:`data.read`), without provenance."""
    weights = cell_weights(data, commune)
    table = monthly_mean(data, weights, least_share)
    found = assess(
        pd.DatetimeIndex(table.index),
        "month",
        table["radiance"].to_numpy()[None],
        table["std_error"].to_numpy()[None],
        outer=monthly_received(data, weights)[None],
    )[0]
    valid = int(table["radiance"].notna().sum())
    status: Status = "complete"
    if found.classification.practice == "indetermine" or valid < ENOUGH * len(table):
        status = "partial"
    pixels = float((weights > 0).sum() and weights.sum() / weights.max())
    return Finding(
        theme="lighting",
        commune=commune,
        status=status,
        headline=sentences.headline(commune, found, table),
        indicators=_indicators(found, table, data),
        layers=_layers(commune, found, data),
        charts=_charts(commune, found, table),
        caveats=sentences.caveats(found, table, data, pixels),
        remedy=sentences.MORE_MONTHS if valid < ENOUGH * len(table) else None,
    )


def _indicators(found: Assessment, table: pd.DataFrame, data: xr.Dataset) -> tuple[Indicator, ...]:
    last = str(table.index[-1].strftime("%Y-%m"))

    def one(
        name: str,
        fr: str,
        en: str,
        value: Any,
        unit: str,
        low: Any = None,
        high: Any = None,
        date: str | None = last,
        digits: int = 1,
        group: str = "lighting",
    ) -> Indicator:
        return Indicator(
            name, {"fr": fr, "en": en}, value, unit, low, high, date, DATASET, digits, group
        )  # fmt: skip

    out: list[Indicator] = [
        one(
            "practice", "Pratique d'éclairage reconnue", "Lighting practice",
            found.classification.practice, "",
        ),
        one(
            "practice_confidence", "Confiance dans ce diagnostic", "Confidence in this diagnosis",
            100 * found.classification.confidence, "%", digits=0,
        ),
    ]  # fmt: skip
    main = sentences.main_event(found)
    if main is not None:
        date = found.date(main.index)
        low, high = found.date(main.index_low), found.date(main.index_high)
        prefix = "switch_off" if main.change_percent < 0 else "switch_on"
        fr = "l'extinction" if main.change_percent < 0 else "la hausse"
        en = "the switch-off" if main.change_percent < 0 else "the rise"
        if found.classification.practice == "extinction_partielle_ou_renovation":
            fr, en = "la baisse", "the fall"
        out += [
            one(f"{prefix}_date", f"Premier mois après {fr}", f"First month after {en}",
                date, "", date=date),
            one(f"{prefix}_date_low", f"Premier mois après {fr}, au plus tôt",
                f"First month after {en}, at the earliest",
                found.date(main.index_low), "", date=date),
            one(f"{prefix}_date_high", f"Premier mois après {fr}, au plus tard",
                f"First month after {en}, at the latest",
                found.date(main.index_high), "", date=date),
            one(f"{prefix}_probability",
                f"Probabilité d'un changement net ({sentences.span(low, high)})",
                f"Probability of a sudden change ({sentences.span(low, high, 'en')})",
                100 * main.probability, "%", date=date, digits=0),
            one("change_percent", "Changement de radiance vers 1 h 30",
                "Change of radiance around 01:30", main.change_percent, "%",
                main.change_low, main.change_high, date, 0),
            one("radiance_before", "Radiance moyenne avant", "Mean radiance before",
                main.before, UNIT, date=date, digits=2),
            one("radiance_after", "Radiance moyenne après", "Mean radiance after",
                main.after, UNIT, date=date, digits=2),
        ]  # fmt: skip
    if found.classification.neighbours is not None:
        out.append(
            one("neighbours_share", "Part de la baisse venant de la lumière des voisines",
                "Share of the fall that comes from neighbours' light",
                100 * found.classification.neighbours, "%", digits=0)
        )  # fmt: skip
    recent = table["radiance"].dropna().tail(12)
    if len(recent):
        out.append(
            one("radiance_recent", f"Radiance moyenne des {len(recent)} derniers mois mesurés",
                f"Mean radiance of the last {len(recent)} months measured",
                float(recent.mean()), UNIT, digits=2)
        )  # fmt: skip
    if np.isfinite(found.trend.slope):
        out.append(
            one("trend", "Tendance, hors changements nets", "Trend, sudden changes apart",
                found.trend.slope, "%/an", found.trend.low, found.trend.high, digits=1)
        )  # fmt: skip
    valid = int(table["radiance"].notna().sum())
    filled = int((table["radiance"].isna() & (table["filled_share"] > 0.5)).sum())
    missing = len(data.attrs["missing"])
    rest = len(table) - valid - filled - missing
    quality = "measurement"
    out += [
        one("months_valid", "Mois mesurés", "Months measured", valid, "", digits=0, group=quality),
        one("months_gap_filled", "Mois reconstitués par la NASA, écartés",
            "Months filled by NASA, left out", filled, "", digits=0, group=quality),
        one("months_missing", "Mois absents des fichiers", "Months without a file", missing, "",
            digits=0, group=quality),
        one("months_empty", "Mois sans mesure suffisante", "Months with too little measured",
            rest, "", digits=0, group=quality),
        one("nights_per_month", "Nuits utiles par mois mesuré (médiane)",
            "Nights used per month (median)",
            float(table["nights"][table["radiance"].notna()].median()) if valid else None, "",
            digits=0, group=quality),
    ]  # fmt: skip
    return tuple(out)


def _layers(commune: Commune, found: Assessment, data: xr.Dataset) -> tuple[Layer, ...]:
    main = sentences.main_event(found)
    time = pd.DatetimeIndex(data["time"].to_numpy())
    has = np.isfinite(data["radiance"].to_numpy()).any((1, 2))
    stretches: list[tuple[str, np.ndarray]] = []
    if main is None:
        stretches.append(("recent", np.nonzero(has)[0][-12:]))
    else:
        index = np.arange(time.size)
        # Two years on either side at most: whole years, so that seasons cancel.
        stretches.append(("before", index[(index < main.index_low) & has][-24:]))
        stretches.append(("after", index[(index >= main.index_high) & has][:24]))
    means = [
        (name, months, data["radiance"].isel(time=months).mean("time", skipna=True))
        for name, months in stretches
        if months.size
    ]
    if not means:
        return (outline(commune),)
    top = max(float(np.nanpercentile(m, 98)) if np.isfinite(m).any() else 1.0 for *_, m in means)
    legend = Legend(
        {"fr": "Lumière vers 1 h 30", "en": "Light around 01:30"},
        UNIT,
        scale=Scale(CMAP, 0.0, max(1.0, float(np.ceil(top)))),
        note=sentences.RADIANCE,
    )
    layers = [outline(commune)]
    for name, months, mean in means:
        mean = mean.rio.write_crs(data.rio.crs)
        title = sentences.map_title(name, time[months[0]], time[months[-1]])
        inside = float(np.nanmean(mean)) if np.isfinite(mean).any() else float("nan")
        alt = sentences.map_alt(name, commune, inside)
        layers.append(
            Layer(
                f"radiance_{name}", title, alt, mean, legend, opacity=0.75, shown=name != "before"
            )
        )
    return tuple(layers)


def _charts(commune: Commune, found: Assessment, table: pd.DataFrame) -> tuple[Chart, ...]:
    frame = pd.DataFrame(
        {
            "date": [d.strftime("%Y-%m-%d") for d in table.index],
            "raw": table["radiance"].to_numpy(),
        }
    )
    raw = Line("raw", {"fr": "Mois mesurés", "en": "Months measured"}, "points")
    lines = [raw]
    if found.changes is not None:
        frame["adjusted"] = found.changes.adjusted
        frame["level"] = found.changes.level
        lines += [
            Line("adjusted", {"fr": "Sans l'effet des saisons", "en": "Seasons taken out"}),
            Line("level", {"fr": "Niveau retenu", "en": "Level"}, "step"),
        ]
    events = tuple(
        Event(
            f"{found.date(b.index)}-01",
            sentences.event_label(b),
            f"{found.date(b.index_low)}-01",
            f"{found.date(b.index_high)}-01",
        )
        for b in found.classification.events
    )
    first, last = month(frame["date"].iloc[0]), month(frame["date"].iloc[-1])
    title: Text = {
        "fr": "Lumière vue du ciel vers 1 h 30, mois par mois",
        "en": "Light seen from space around 01:30, month by month",
    }
    told = "; ".join(e.label["fr"] for e in events) or "aucun changement net"
    told_en = "; ".join(e.label["en"] for e in events) or "no sudden change"
    alt: Text = {
        "fr": f"Radiance moyenne {of_place(commune.name)} de {first} à {last} : {told}.",
        "en": f"Mean radiance of {commune.name}, {month(frame['date'].iloc[0], 'en')} to "
        f"{month(frame['date'].iloc[-1], 'en')}: {told_en}.",
    }
    return (Series("radiance", title, alt, frame, UNIT, tuple(lines), events),)
