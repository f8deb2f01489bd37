"""How a map of Local Climate Zones is shown: its layers and its charts."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from ..findings import Bars, Chart, Layer
from ..territory.commune import Commune
from ..text import Text, at_place, of_place, percent
from . import sentences
from .figures import SENSITIVE, classes_of
from .people import Weights
from .schema import CLASSES, CODES, SENSITIVITIES, lcz_legend, sensitivity_legend
from .shares import Share

__all__ = ["charts", "layers"]


def layers(
    commune: Commune,
    blocks: gpd.GeoDataFrame,
    near: pd.DataFrame | None,
    weights: Weights,
) -> tuple[Layer, ...]:
    """Classes in their official colours (or the map's own), and sensitivity to heat."""
    colors = blocks.attrs.get("colors", {})
    drawn = blocks[["block_id", "lcz", "sensitivity", "area_m2", "geometry"]].copy()
    drawn = drawn.join(sentences.tooltips(blocks, near))
    # Large blocks first: small ones stay on top, under the pointer.
    drawn = drawn.sort_values("area_m2", ascending=False, kind="stable").reset_index(drop=True)
    drawn.attrs = {}
    present = set(drawn["lcz"].dropna())
    levels = set(drawn["sensitivity"].dropna())
    top = sorted(present, key=lambda c: -weights.of_area((c,)).value)[:3]
    told = {
        lang: ", ".join(
            f"{CLASSES[c].label[lang].lower() if lang == 'fr' else CLASSES[c].label[lang]} "
            f"{percent(100 * weights.of_area((c,)).value, 0, lang)}"
            for c in top
        )
        for lang in ("fr", "en")
    }
    high = {
        lang: sentences.part(weights.of_area(classes_of(SENSITIVE)).value, lang)
        for lang in ("fr", "en")
    }
    return (
        Layer(
            "lcz",
            {"fr": "Zones climatiques locales", "en": "Local Climate Zones"},
            {
                "fr": f"Carte {of_place(commune.name)} en {len(drawn)} blocs colorés selon "
                "leur classe ; "
                f"les plus étendues : {told['fr']}.",
                "en": f"Map of {commune.name} in {len(drawn)} blocks coloured by class; the most "
                f"extensive: {told['en']}.",
            },
            drawn,
            lcz_legend(present, colors),
            column="lcz",
            tooltip="tooltip",
            opacity=0.75,
        ),
        Layer(
            "sensitivity",
            {"fr": "Sensibilité à la chaleur", "en": "Sensitivity to heat"},
            {
                "fr": f"Carte de la sensibilité à la chaleur {of_place(commune.name)} ; "
                "sensible ou très "
                f"sensible : {high['fr']} de la surface.",
                "en": f"Map of sensitivity to heat of {commune.name}; sensitive or very "
                f"sensitive: {high['en']} of the area.",
            },
            _zones(drawn, weights),
            sensitivity_legend(levels),
            column="sensitivity",
            tooltip="tooltip",
            opacity=0.75,
            shown=False,
        ),
    )


def _zones(drawn: gpd.GeoDataFrame, weights: Weights) -> gpd.GeoDataFrame:
    """One shape per sensitivity category: a map of a large town stays light."""
    zones = drawn[["sensitivity", "geometry"]].dissolve("sensitivity", as_index=False)
    texts: dict[str, list[str]] = {"fr": [], "en": []}
    for name in zones["sensitivity"]:
        level = SENSITIVITIES[name].label
        value = weights.of_area(classes_of((name,))).value
        texts["fr"].append(
            f"Sensibilité {level['fr'].lower()} · {sentences.part(value, 'fr')} de la commune"
        )
        texts["en"].append(
            f"{level['en']} sensitivity · {sentences.part(value, 'en')} of the commune"
        )
    return zones.assign(tooltip_fr=texts["fr"], tooltip_en=texts["en"])


def _bar(
    fr: str, en: str, found: Share, color: str, mark: str, ranged: bool = True
) -> dict[str, Any]:
    low, high = (np.nan if v is None or not ranged else 100 * v for v in (found.low, found.high))
    return {
        "label_fr": fr,
        "label_en": en,
        "value": 100 * found.value,
        "color": color,
        "mark": mark,
        "low": low,
        "high": high,
    }


def charts(commune: Commune, weights: Weights) -> tuple[Chart, ...]:
    """Sensitivity by ground and by people, and ground by class."""
    classes = []
    for code in CODES:
        found = weights.of_area((code,))
        if (weights.lcz == code).any():
            label = CLASSES[code].label
            classes.append(_bar(label["fr"], label["en"], found, CLASSES[code].color, code))
    levels = []
    for level in SENSITIVITIES.values():
        members = classes_of((level.name,))
        people = weights.of_people(members)
        of_area = weights.of_area(members)
        fr, en = level.label["fr"], level.label["en"]
        if people is None:
            levels.append(_bar(fr, en, of_area, level.color, level.mark))
            continue
        levels.append(_bar(f"{fr}, surface", f"{en}, area", of_area, level.color, level.mark))
        levels.append(_bar(f"{fr}, habitants", f"{en}, people", people, level.color, level.mark))
    largest = max(classes, key=lambda row: row["value"]) if classes else None
    with_people = weights.of_people(CODES) is not None
    area: Text = {
        "fr": "Part de la surface de la commune par classe",
        "en": "Share of the commune's area by class",
    }
    heat: Text = {
        "fr": "Sensibilité à la chaleur : part de la surface et des habitants"
        if with_people
        else "Sensibilité à la chaleur : part de la surface",
        "en": "Sensitivity to heat: share of the area and of the people"
        if with_people
        else "Sensitivity to heat: share of the area",
    }
    first = ""
    first_en = ""
    if largest is not None:
        first = f" La plus étendue : {largest['label_fr']}, {percent(largest['value'])}."
        first_en = f" Largest: {largest['label_en']}, {percent(largest['value'], 0, 'en')}."
    summary = {
        lang: "; ".join(
            f"{row[f'label_{lang}']} {percent(row['value'], 0, lang)}" for row in levels
        )
        for lang in ("fr", "en")
    }
    return (
        Bars(
            "sensitivity",
            heat,
            {
                "fr": f"Barres par catégorie de sensibilité pour {commune.name} : "
                f"{summary['fr'].replace('; ', ' ; ')}.",
                "en": f"Bars by sensitivity category for {commune.name}: {summary['en']}.",
            },
            pd.DataFrame(levels),
            "%",
        ),
        Bars(
            "area_by_class",
            area,
            {
                "fr": f"Barres des classes présentes {at_place(commune.name)}.{first}",
                "en": f"Bars of the classes found in {commune.name}.{first_en}",
            },
            pd.DataFrame(classes),
            "%",
        ),
    )
