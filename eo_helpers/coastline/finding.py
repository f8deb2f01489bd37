"""What the national indicator says of a commune's coast."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from .. import catalog
from ..errors import InvalidInput, NoData, OutOfCoverage
from ..findings import (
    Bars,
    Category,
    Control,
    Finding,
    Layer,
    Legend,
    Status,
    outline,
)
from ..territory.commune import Commune
from ..text import Text, at_place, number, of_place
from . import communes_table, sentences
from .ahead import HORIZON, Ahead, strip
from .data import covers_territory, read
from .figures import indicators
from .in_strip import in_strip
from .inec import CLASSES, SIGMA_OLD
from .satellite import MEAN, Told, told
from .summary import rated, summarise

__all__ = ["CONTROLS", "DATASET", "analyse", "finding_of"]

DATASET = "inec"
#: What a visitor may move.
CONTROLS = ("sigma_old", "horizon", "transect")
#: Share of the coast that must be measured for a complete finding.
ENOUGH = 0.5
_NO_RATE = (
    Category(
        "ouvrage", {"fr": "Ouvrage, pas de vitesse", "en": "Structure, no rate"}, "#5e4fa2", "="
    ),
    Category("non_mesure", {"fr": "Non mesuré", "en": "Not measured"}, "#ffffff", "?"),
)


def analyse(commune: Commune, source: Any, **parameters: Any) -> Finding:
    """How a commune's coast has moved, from the national indicator of coastal erosion.

    Parameters
    ----------
    commune : Commune
    source : catalog.Source
    sigma_old : float, optional
        Standard error of the old line, metres (default 5).
    horizon : int, optional
        Year of the extrapolation (default 2050).
    transect : str, optional
        Transect whose positions are drawn, where the source has dated shorelines.

    Returns
    -------
    Finding
    """
    options = {"sigma_old": SIGMA_OLD, "horizon": HORIZON, "transect": MEAN, **parameters}
    unknown = ", ".join(sorted(set(options) - {"sigma_old", "horizon", "transect"}))
    if unknown:
        raise InvalidInput(
            f"Paramètre inconnu du thème coastline : {unknown} ; connus : sigma_old, horizon, "
            "transect.",
            f"Unknown parameter of theme coastline: {unknown}; known: sigma_old, horizon, "
            "transect.",
        )
    picked = options["transect"]
    # An address tells a number where a transect's name is one.
    name = f"{picked:g}" if isinstance(picked, float) else str(picked)
    options |= {
        "sigma_old": float(options["sigma_old"]),
        "horizon": round(options["horizon"]),
        "transect": name,
    }
    from_indicator = communes_table.among(_from_indicator(commune, source, options), source)
    return _with_satellite(from_indicator, told(commune, source, name))


def _with_satellite(finding: Finding, also: Told | None) -> Finding:
    """The Finding with what the source's own shorelines say, beside and never in one rate."""
    if also is None:
        return finding
    alone = finding.status in ("no_data", "out_of_coverage") or not finding.indicators
    both = {
        lang: also.headline[lang] if alone else f"{finding.headline[lang]} {also.headline[lang]}"
        for lang in ("fr", "en")
    }
    return replace(
        finding,
        status="partial" if alone else finding.status,
        headline=both,
        indicators=finding.indicators + also.indicators,
        layers=(finding.layers or (outline(finding.commune),)) + also.layers,
        charts=finding.charts + also.charts,
        caveats=finding.caveats + also.caveats,
        provenance=finding.provenance + also.provenance,
        controls=finding.controls + also.controls,
    )


def _from_indicator(commune: Commune, source: Any, options: dict[str, Any]) -> Finding:
    """What the national indicator says, if the source has it."""
    try:
        holding = catalog.find(DATASET, commune, source)
        profiles = read(holding, commune)
    except NoData as error:
        known = communes_table.finding_from(commune, source, options)
        if known is not None:
            return known
        away = isinstance(error, OutOfCoverage)
        if away and covers_territory(source.items(DATASET), commune):
            return _inland(commune, options)
        return Finding(
            "coastline",
            commune,
            "out_of_coverage" if away else "no_data",
            sentences.nothing(commune, away),
            parameters=options,
            remedy=sentences.REMEDY,
        )
    if not len(profiles):
        return replace(_inland(commune, options), provenance=(holding.provenance,))
    finding, ahead = _told(commune, profiles, options["sigma_old"], options["horizon"])
    date = finding["measured_km"].date
    figures, origins = in_strip(commune, source, ahead, options["horizon"], date)
    return replace(
        finding,
        indicators=finding.indicators + figures,
        provenance=(holding.provenance, *origins),
    )


def _inland(commune: Commune, options: dict[str, Any]) -> Finding:
    return Finding(
        "coastline", commune, "complete", sentences.inland(commune), parameters=options,
        layers=(outline(commune),),
    )  # fmt: skip


def finding_of(
    commune: Commune,
    profiles: gpd.GeoDataFrame,
    sigma_old: float = SIGMA_OLD,
    horizon: int = HORIZON,
) -> Finding:
    """The Finding of a commune from its profiles (:func:`.data.read`), without provenance."""
    return _told(commune, profiles, sigma_old, horizon)[0]


def _told(
    commune: Commune, profiles: gpd.GeoDataFrame, sigma_old: float, horizon: int
) -> tuple[Finding, Ahead]:
    """The Finding, and the strip that its extrapolation draws."""
    profiles_rated = rated(profiles, sigma_old)
    summary = summarise(profiles_rated)
    metres = summary.metres
    measured = metres["measured"] > 0
    status: Status = "complete" if metres["measured"] >= ENOUGH * metres["total"] else "partial"
    ahead = strip(profiles_rated, commune.projected_boundary, horizon)
    head = (
        sentences.headline(commune, profiles_rated, metres, summary.retreat_high)
        if measured
        else sentences.structures_only(commune, metres)
    )
    finding = Finding(
        theme="coastline",
        commune=commune,
        status=status,
        headline=head,
        indicators=indicators(profiles_rated, summary, DATASET, ahead, horizon),
        layers=_layers(commune, profiles_rated, ahead, horizon),
        charts=(_chart(commune, profiles_rated),) if measured else (),
        caveats=sentences.caveats(profiles_rated, sigma_old, horizon),
        parameters={"sigma_old": sigma_old, "horizon": horizon},
        controls=_controls(sigma_old, horizon) if measured else (),
        remedy=None if status == "complete" else sentences.REMEDY,
    )
    return finding, ahead


def _layers(
    commune: Commune, profiles: gpd.GeoDataFrame, ahead: Ahead, horizon: int
) -> tuple[Layer, ...]:
    texts = sentences.tooltips(profiles)
    state = np.where(
        profiles["rate"].notna(),
        profiles["inec_class"],
        np.where(profiles["structure"], "ouvrage", "non_mesure"),
    )
    drawn = profiles[["rate", "geometry"]].assign(
        state=state, tooltip_fr=texts["fr"], tooltip_en=texts["en"]
    )
    categories = tuple(Category(c.name, c.label, c.color, c.mark) for c in CLASSES) + _NO_RATE
    when, when_en = sentences.period(profiles), sentences.period(profiles, "en")
    title: Text = {
        "fr": f"Évolution du trait de côte, {when}",
        "en": f"Movement of the coast, {when_en}",
    }
    retreat = int((profiles["rate"] < 0).sum())
    alt: Text = {
        "fr": f"{len(profiles)} profils de l'indicateur national sur la côte "
        f"{of_place(commune.name)}, "
        f"dont {retreat} en recul.",
        "en": f"{len(profiles)} profiles of the national indicator on the coast of "
        f"{commune.name}, {retreat} of them in retreat.",
    }
    layers = [
        outline(commune),
        Layer("inec", title, alt, drawn, Legend(title, "m/an", categories=categories), "state",
              "tooltip", 0.85, edge=5.0),
    ]  # fmt: skip
    if not ahead.area.is_empty:
        label: Text = {
            "fr": f"Recul d'ici {horizon}, extrapolé de la vitesse {when}",
            "en": f"Retreat by {horizon}, extrapolated from the rate {when_en}",
        }
        frame = gpd.GeoDataFrame({"strip": ["recul"]}, geometry=[ahead.area], crs=profiles.crs)
        layers.append(
            Layer(
                "ahead",
                label,
                {
                    "fr": f"Bande de {number(ahead.hectares, 1)} ha que la vitesse passée "
                    f"({when}) prendrait d'ici {horizon} : extrapolation, pas prévision.",
                    "en": f"Strip of {number(ahead.hectares, 1, 'en')} ha that the past rate "
                    f"({when_en}) would take by {horizon}: an extrapolation, no forecast.",
                },
                frame,
                Legend(label, categories=(Category("recul", label, "#7b3294", "E"),)),
                column="strip",
                shown=False,
            )
        )
    return tuple(layers)


def _chart(commune: Commune, profiles: gpd.GeoDataFrame) -> Bars:
    """Kilometres of coast in each class."""
    rows = []
    for c in CLASSES:
        size = profiles.loc[profiles["inec_class"] == c.name, "length_m"].sum() / 1000
        rows.append((c.label["fr"], c.label["en"], float(size), c.color, c.mark))
    table = pd.DataFrame(rows, columns=["label_fr", "label_en", "value", "color", "mark"])
    most = table.iloc[int(table["value"].argmax())]
    when, when_en = sentences.period(profiles), sentences.period(profiles, "en")
    return Bars(
        "classes",
        {"fr": f"Kilomètres de côte par classe de vitesse, {when}",
         "en": f"Kilometres of coast by class of rate, {when_en}"},
        {"fr": f"{at_place(commune.name, True)}, la classe la plus longue est « "
        f"{most['label_fr']} » : "
               f"{number(most['value'], 1)} km.",
         "en": f"At {commune.name} the longest class is '{most['label_en']}': "
               f"{number(most['value'], 1, 'en')} km."},
        table,
        "km",
    )  # fmt: skip


def _controls(sigma_old: float, horizon: int) -> tuple[Control, ...]:
    return (
        Control(
            "sigma_old",
            {"fr": "Erreur de la ligne ancienne", "en": "Error of the old line"},
            sigma_old, 1.0, 20.0, 1.0, "m", 0,
            help={
                "fr": "Erreur type du trait lu sur les photographies anciennes ; plus elle est "
                "grande, moins de côtes ont une évolution perceptible.",
                "en": "Standard error of the line read on old photographs; the larger, the fewer "
                "coasts with a perceptible change.",
            },
        ),
        Control(
            "horizon",
            {"fr": "Année de l'extrapolation", "en": "Year of the extrapolation"},
            horizon, 2030, 2100, 10, "", 0,
            help={
                "fr": "Jusqu'où prolonger la vitesse passée ; ce n'est pas une prévision.",
                "en": "How far the past rate is carried on; it is no forecast.",
            },
        ),
    )  # fmt: skip
