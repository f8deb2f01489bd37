"""How the districts that need attention first are shown: figures, a layer, a chart."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from ..findings import Bars, Category, Indicator, Layer, Legend
from ..text import Text, number, percent
from .attention import FEWEST, PLANTING, RADIUS_M, District
from .schema import CLASSES, SENSITIVITIES

__all__ = ["CAVEAT", "GROUP", "PLANTING_CAVEAT", "place", "priorities", "why"]

GROUP = "attention"
_COLOR = "#BD0026"

CAVEAT: Text = {
    "fr": "Où regarder d'abord\u00a0: un secteur réunit les îlots de sensibilité forte ou très "
    f"forte à moins de {RADIUS_M:.0f}\u00a0m d'un même point. Le premier est celui où vivent le "
    "plus d'enfants de moins de 11\u00a0ans et de personnes de 65\u00a0ans et plus. C'est une aide "
    "pour choisir où aller voir, pas un comptage\u00a0: l'INSEE compte par carreaux de "
    f"200\u00a0m, et les secteurs de moins de {FEWEST:.0f} de ces personnes ne sont pas montrés. "
    "Le centre est le point moyen où vivent les habitants.",
    "en": "Where to look first: a district gathers blocks of high or very high sensitivity within "
    f"{RADIUS_M:.0f} m of one point. The first is where most children under 11 and people of 65 "
    "and more live. It helps to choose where to go and look; it is no count: INSEE counts by "
    f"200 m cells, and districts with fewer than {FEWEST:.0f} such people are not shown. The "
    "centre is the average place where people live.",
}
PLANTING_CAVEAT: Text = {
    "fr": f"« Si {PLANTING.points:.0f}\u00a0% du sol passait du minéral au planté »\u00a0: c'est "
    "la réponse de la règle de classement, pas celle du thermomètre. Planter rafraîchit aussi "
    "là où la classe ne change pas.",
    "en": f"'If {PLANTING.points:.0f}% of the ground went from mineral to planted': this is the "
    "rule's answer, not the thermometer's. Planting cools where no class changes too.",
}

#: Eight winds, clockwise from north.
_WINDS = (
    ("au nord", "north"),
    ("au nord-est", "north-east"),
    ("à l'est", "east"),
    ("au sud-est", "south-east"),
    ("au sud", "south"),
    ("au sud-ouest", "south-west"),
    ("à l'ouest", "west"),
    ("au nord-ouest", "north-west"),
)


def place(district: District) -> Text:
    """Where a district is, from where people live on average: « à 700 m au nord du centre »."""
    if district.distance_m < RADIUS_M:
        return {"fr": "au centre", "en": "at the centre"}
    fr, en = _WINDS[int(((district.bearing + 22.5) % 360) // 45)]
    far = round(district.distance_m / 100) / 10
    if far < 1:
        size_fr, size_en = f"{1000 * far:.0f}\u00a0m", f"{1000 * far:.0f} m"
    else:
        size_fr, size_en = f"{number(far, 1)}\u00a0km", f"{number(far, 1, 'en')} km"
    return {"fr": f"à {size_fr} {fr} du centre", "en": f"{size_en} {en} of the centre"}


def why(district: District) -> Text:
    """Why a district is in the list: where, what ground, who lives there, what would help."""
    out = {}
    for lang in ("fr", "en"):
        french = lang == "fr"
        people = {k: number(round(v), 0, lang) for k, v in district.people.items()}
        kinds = ", ".join(
            f"{CLASSES[c].label[lang].lower() if french else CLASSES[c].label[lang]} (LCZ {c})"
            for c in district.classes[:2]
        )
        level = SENSITIVITIES["very_high" if district.very_high >= 0.5 else "high"].label[lang]
        area = number(district.area_m2 / 1e4, 0 if district.area_m2 > 5e4 else 1, lang)
        if french:
            text = (
                f"N°\u00a0{district.rank}, {place(district)['fr']} · {area}\u00a0ha de sensibilité "
                f"{level.lower()}, {kinds} · {people['people']} habitants, dont "
                f"{people['children']} enfants de moins de 11\u00a0ans et {people['over_65']} "
                f"personnes de 65\u00a0ans et plus ({people['over_80']} de 80\u00a0ans et plus)"
            )
            if "poor_households" in people:
                text += f" · {people['poor_households']} ménages pauvres"
        else:
            text = (
                f"No. {district.rank}, {place(district)['en']} · {area} ha of {level.lower()} "
                f"sensitivity, {kinds} · {people['people']} people, of whom {people['children']} "
                f"children under 11 and {people['over_65']} of 65 and more ({people['over_80']} "
                "of 80 and more)"
            )
            if "poor_households" in people:
                text += f" · {people['poor_households']} poor households"
        out[lang] = text + _relief(district, lang)
    return out


def _relief(district: District, lang: str) -> str:
    """What a tenth of mineral ground planted would change, by the rule."""
    if district.relieved is None:
        return ""
    share, points = percent(100 * district.relieved, 0, lang), f"{PLANTING.points:.0f}"
    if district.relieved < 0.01:
        if lang == "fr":
            return f" · planter {points}\u00a0% de son sol ne suffirait pas à changer sa catégorie"
        return f" · planting {points}% of its ground would not be enough to change its category"
    if lang == "fr":
        return (
            f" · si {points}\u00a0% du sol passait du minéral au planté, {share} du secteur ne "
            "serait plus classé sensible"
        )
    return (
        f" · if {points}% of the ground went from mineral to planted, {share} of it would no "
        "longer be classed as sensitive"
    )


def priorities(
    found: list[District], crs: Any, source: str
) -> tuple[tuple[Indicator, ...], tuple[Layer, ...], tuple[Bars, ...]]:
    """Indicators, layer and chart of the districts to look at first; empty without any.

    Parameters
    ----------
    found : list of District
        From :func:`eo_helpers.lcz.attention.districts`.
    crs : anything that pyproj understands
        That of their geometries.
    source : str
        Data set that the counts are from.
    """
    if not found:
        return (), (), ()
    texts = [why(district) for district in found]
    figures = tuple(
        Indicator(
            f"attention_{d.rank}",
            # The figure that follows the label is of both together.
            {
                "fr": f"{text['fr']} · enfants et personnes âgées ensemble",
                "en": f"{text['en']} · children and elders together",
            },
            d.vulnerable,
            "habitants",
            d.low,
            d.high,
            None,
            source,
            0,
            GROUP,
        )
        for d, text in zip(found, texts, strict=True)
    )
    return figures, (_layer(found, texts, crs),), (_chart(found),)


def _layer(found: list[District], texts: list[Text], crs: Any) -> Layer:
    drawn = gpd.GeoDataFrame(
        {
            "rank": [str(d.rank) for d in found],
            "tooltip_fr": [t["fr"] for t in texts],
            "tooltip_en": [t["en"] for t in texts],
        },
        geometry=[d.geometry for d in found],
        crs=crs,
    )
    title: Text = {"fr": "Secteurs à regarder d'abord", "en": "Districts to look at first"}
    legend = Legend(
        title,
        categories=tuple(
            Category(
                str(d.rank),
                {
                    "fr": f"N°\u00a0{d.rank}, {place(d)['fr']}",
                    "en": f"No. {d.rank}, {place(d)['en']}",
                },
                _COLOR,
                str(d.rank),
            )
            for d in found
        ),
    )
    many = len(found) > 1
    return Layer(
        "attention",
        title,
        {
            "fr": (f"Carte des {len(found)} secteurs" if many else "Carte du secteur")
            + f" à regarder d'abord. {texts[0]['fr']}.",
            "en": (f"Map of the {len(found)} districts" if many else "Map of the district")
            + f" to look at first. {texts[0]['en']}.",
        },
        drawn,
        legend,
        column="rank",
        tooltip="tooltip",
        opacity=0.8,
        shown=False,
    )


def _chart(found: list[District]) -> Bars:
    levels = [SENSITIVITIES["very_high" if d.very_high >= 0.5 else "high"] for d in found]
    data = pd.DataFrame(
        {
            "label_fr": [f"N°\u00a0{d.rank}, {place(d)['fr']}" for d in found],
            "label_en": [f"No. {d.rank}, {place(d)['en']}" for d in found],
            "value": [d.vulnerable for d in found],
            "color": [level.color for level in levels],
            "mark": [level.mark for level in levels],
            "low": [np.nan if d.low is None else d.low for d in found],
            "high": [np.nan if d.high is None else d.high for d in found],
        }
    )
    most, least = (round(float(v)) for v in (data["value"].max(), data["value"].min()))
    return Bars(
        "attention",
        {
            "fr": "Où regarder d'abord\u00a0: enfants et personnes âgées des secteurs sensibles",
            "en": "Where to look first: children and elders of sensitive districts",
        },
        {
            "fr": f"Barres des secteurs sensibles ({len(data)}) où vivent le plus d'enfants de "
            f"moins de 11\u00a0ans et de personnes de 65\u00a0ans et plus, de {number(most)} à "
            f"{number(least)} habitants.",
            "en": f"Bars of the sensitive districts ({len(data)}) where most children under 11 and "
            f"people of 65 and more live, from {number(most, 0, 'en')} to "
            f"{number(least, 0, 'en')} people.",
        },
        data,
        "habitants",
        0,
    )
