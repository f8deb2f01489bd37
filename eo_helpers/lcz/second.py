"""Other maps of the same commune, held against the one that is shown.

Two maps made by two ways differ by what neither knows. Where they disagree the class is
uncertain, and the reader sees it: how much, where, and between which classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from .. import catalog
from ..errors import EoError, NoData
from ..findings import Bars, Category, Indicator, Layer, Legend
from ..text import Text, number
from . import sentences
from .compare import blocked_interval, disagreement, overlay
from .data import DATASETS, read
from .figures import SENSITIVE
from .schema import CLASSES, sensitivity_of
from .shares import Share

__all__ = ["MOST", "SecondMap", "others", "told"]

#: Other maps that are looked at, at most: each takes a second.
MOST = 2
#: Other maps that get a layer and a chart of their own; the rest only figures.
DRAWN = 1
_GROUP = "measurement"
_PAIRS = 6
_STATES: dict[str, tuple[Text, str, str]] = {
    "same": ({"fr": "Même classe", "en": "Same class"}, "#E0E0E0", "="),
    "near": (
        {"fr": "Autre classe, même sensibilité", "en": "Other class, same sensitivity"},
        "#FDB863",
        "~",
    ),
    "apart": ({"fr": "Autre sensibilité", "en": "Other sensitivity"}, "#5E3C99", "≠"),
}


@dataclass(frozen=True, eq=False)
class SecondMap:
    """Another map of the commune against the one shown (A: shown, B: the other).

    ``agreement`` and ``same_sensitivity`` are shares of the ground that both class, the
    first with its 95 % interval (bootstrap of 1 km squares); ``sensitive`` the share of the
    commune that the other map puts in high or very high sensitivity.
    """

    name: str
    title: Text
    dataset: str
    pieces: gpd.GeoDataFrame
    agreement: Share
    same_sensitivity: float
    sensitive: float


def others(
    commune: Any, blocks: gpd.GeoDataFrame, holding: Any, source: Any
) -> tuple[list[SecondMap], list[Text]]:
    """Other maps of the commune in a source, best data set first, and what went wrong.

    A second map that cannot be read says why in a note: the first does not suffer from it.
    """
    found: list[SecondMap] = []
    notes: list[Text] = []
    for other in _candidates(commune, holding, source):
        if len(found) == MOST:
            break
        try:
            found.append(_against(commune, blocks, other))
        except NoData:
            continue
        except EoError as error:
            notes.append(
                {
                    "fr": f"Une autre carte n'a pas pu servir de comparaison : {error.fr}",
                    "en": f"Another map could not be compared: {error.en}",
                }
            )
    return found, notes


def _candidates(commune: Any, holding: Any, source: Any) -> Iterator[Any]:
    for item in getattr(holding, "left_out", ()):
        yield catalog.Holding(holding.dataset, (item,), source)
    for dataset in DATASETS:
        if dataset != holding.dataset:
            try:
                yield catalog.find(dataset, commune, source)
            except NoData:
                continue


def _against(commune: Any, blocks: gpd.GeoDataFrame, holding: Any) -> SecondMap:
    other = read(holding, commune)
    pieces = overlay(blocks, other, commune.crs)
    interval = blocked_interval(pieces)
    value, low, high = (float(interval[c].to_numpy()[0]) for c in ("value", "low", "high"))
    area = pieces["area_ha"].to_numpy()
    one, two = sensitivity_of(pieces["lcz_a"]), sensitivity_of(pieces["lcz_b"])
    pieces["state"] = np.where(pieces["agree"], "same", np.where(one == two, "near", "apart"))
    sensitive = other["sensitivity"].isin(SENSITIVE)
    return SecondMap(
        name=Path(holding.paths[0]).name,
        title=catalog.title(holding.dataset),
        dataset=holding.dataset,
        pieces=pieces,
        agreement=Share(value, low, high),
        same_sensitivity=float(area[one == two].sum() / area.sum()),
        sensitive=float(other.loc[sensitive, "area_m2"].sum() / commune.projected_boundary.area),
    )


def told(
    found: list[SecondMap], shown: Share
) -> tuple[tuple[Indicator, ...], tuple[Layer, ...], tuple[Bars, ...], tuple[Text, ...]]:
    """Figures, layers, charts and sentences on the other maps.

    Parameters
    ----------
    found : list of SecondMap
    shown : Share
        Part of the commune's ground that the map shown puts in high or very high sensitivity.
    """
    figures: list[Indicator] = []
    for n, other in enumerate(found, 1):
        figures += _figures(n, other)
    return (
        tuple(figures),
        tuple(_layer(n, other) for n, other in enumerate(found[:DRAWN], 1)),
        tuple(_chart(n, other) for n, other in enumerate(found[:DRAWN], 1)),
        tuple(_sentence(other, shown) for other in found),
    )


def _figures(n: int, other: SecondMap) -> list[Indicator]:
    rows: list[tuple[str, Text, Share]] = [
        (
            f"agreement_{n}",
            {
                "fr": f"Même classe sur une autre carte ({other.name})",
                "en": f"Same class on another map ({other.name})",
            },
            other.agreement,
        ),
        (
            f"same_sensitivity_{n}",
            {
                "fr": f"Même sensibilité sur une autre carte ({other.name})",
                "en": f"Same sensitivity on another map ({other.name})",
            },
            Share(other.same_sensitivity),
        ),
        (
            f"share_area_sensitive_{n}",
            {
                "fr": f"Surface sensible ou très sensible d'après elle ({other.name})",
                "en": f"Sensitive or very sensitive area by that map ({other.name})",
            },
            Share(other.sensitive),
        ),
    ]
    return [
        Indicator(
            name,
            label,
            100 * found.value,
            "%",
            None if found.low is None else 100 * found.low,
            None if found.high is None else 100 * found.high,
            None,
            other.dataset,
            1,
            _GROUP,
        )
        for name, label, found in rows
    ]


def _sentence(other: SecondMap, shown: Share) -> Text:
    out = {}
    for lang in ("fr", "en"):
        same, alike = (
            sentences.part(v, lang) for v in (other.agreement.value, other.same_sensitivity)
        )
        theirs, ours = sentences.part(other.sensitive, lang), sentences.part(shown.value, lang)
        out[lang] = (
            f"Une autre carte de la commune ({other.title['fr']}, {other.name}) donne la même "
            f"classe sur {same} de la surface et la même sensibilité sur {alike}\u00a0; selon "
            f"elle, {theirs} de la surface est sensible ou très sensible, contre {ours} ici. Là "
            "où les deux se contredisent, la classe est à vérifier sur place."
            if lang == "fr"
            else f"Another map of the commune ({other.title['en']}, {other.name}) gives the same "
            f"class on {same} of the area and the same sensitivity on {alike}; by it {theirs} of "
            f"the area is sensitive or very sensitive, against {ours} here. Where the two "
            "contradict each other, go and look."
        )
    return out


def _layer(n: int, other: SecondMap) -> Layer:
    by_pair = other.pieces.dissolve(
        ["state", "lcz_a", "lcz_b"], aggfunc={"area_ha": "sum"}, as_index=False
    )
    texts: dict[str, list[str]] = {"fr": [], "en": []}
    for a, b, area in zip(by_pair["lcz_a"], by_pair["lcz_b"], by_pair["area_ha"], strict=True):
        for lang in ("fr", "en"):
            one, two = (f"LCZ {c}, {CLASSES[c].label[lang]}" for c in (a, b))
            here, there = ("Ici", "autre carte") if lang == "fr" else ("Here", "other map")
            size = number(area, 1, lang)
            texts[lang].append(f"{here} {one} · {there} {two} · {size}\u00a0ha")
    drawn = by_pair[["state", "geometry"]].assign(tooltip_fr=texts["fr"], tooltip_en=texts["en"])
    title: Text = {
        "fr": f"Accord avec une autre carte ({other.name})",
        "en": f"Agreement with another map ({other.name})",
    }
    present = set(drawn["state"])
    value = {lang: sentences.part(other.agreement.value, lang) for lang in ("fr", "en")}
    return Layer(
        f"comparison_{n}",
        title,
        {
            "fr": f"Carte de l'accord avec {other.name} : même classe sur {value['fr']} de la "
            "surface.",
            "en": f"Map of the agreement with {other.name}: same class on {value['en']} of the "
            "area.",
        },
        drawn,
        Legend(
            title,
            categories=tuple(
                Category(name, label, color, mark)
                for name, (label, color, mark) in _STATES.items()
                if name in present
            ),
        ),
        column="state",
        tooltip="tooltip",
        opacity=0.75,
        shown=False,
    )


def _chart(n: int, other: SecondMap) -> Bars:
    pairs = disagreement(other.pieces).head(_PAIRS)
    rows = []
    for a, b, area in zip(pairs["lcz_a"], pairs["lcz_b"], pairs["area_ha"], strict=True):
        names = {lang: (_short(a, lang), _short(b, lang)) for lang in ("fr", "en")}
        rows.append(
            {
                "label_fr": f"{names['fr'][0]} / {names['fr'][1].lower()}",
                "label_en": f"{names['en'][0]} / {names['en'][1].lower()}",
                "value": float(area),
                "color": CLASSES[a].color,
                "mark": f"{a}/{b}",
            }
        )
    columns = ("label_fr", "label_en", "value", "color", "mark")
    data = pd.DataFrame(rows, columns=list(columns))
    first = {
        lang: f" {data[f'label_{lang}'].iloc[0]}, {number(data['value'].iloc[0], 0, lang)} ha."
        if len(data)
        else ""
        for lang in ("fr", "en")
    }
    return Bars(
        f"comparison_{n}",
        {
            "fr": f"Ce qui diffère le plus\u00a0: ici / sur une autre carte ({other.name})",
            "en": f"What differs most: here / on another map ({other.name})",
        },
        {
            "fr": f"Barres des désaccords les plus étendus avec {other.name}.{first['fr']}",
            "en": f"Bars of the most extensive disagreements with {other.name}.{first['en']}",
        },
        data,
        "ha",
        0,
    )


def _short(code: str, lang: str) -> str:
    """A class's name that leaves room for another: « Maisons espacées »."""
    name = CLASSES[code].label[lang]
    for start in ("Ensemble de ", "Ensemble d'"):
        if name.startswith(start):
            rest = name.removeprefix(start)
            return rest[:1].upper() + rest[1:]
    return name
