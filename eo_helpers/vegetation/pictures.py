"""Maps and charts of the vegetation's Finding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from ..findings import Bars, Category, Layer, Legend, Scale
from ..text import Text, number, percent
from . import sentences
from .indicators import Estimate
from .strata import BARE, GREEN, Limits

__all__ = ["COLORS", "MARKS", "cell_layer", "forms_chart", "forms_layer", "strata_chart",
           "strata_layer"]  # fmt: skip

#: Told apart by colour-blind people: light to dark with height, a letter on top.
COLORS = {"herb": "#d9f0a3", "shrub": "#f0a830", "tree": "#006d2c"}
MARKS = {"herb": "H", "shrub": "Au", "tree": "A"}
_FORM_COLORS = {
    "AI": "#1b9e77", "AA": "#d95f02", "BOA": "#00441b", "AuI": "#fdae61", "AAu": "#8856a7",
    "BOAu": "#a6761d", "PR": "#c7e9b4", "C": "#ffe28a", "PE": "#9bd18b",
}  # fmt: skip


def strata_layer(
    name: str, strata: xr.Dataset, limits: Limits, shown: bool, found: Mapping[str, Estimate]
) -> Layer:
    """Map of strata; the limits of height are in its title."""
    value = strata["stratum"].values
    codes = np.where((value == BARE) | (value >= GREEN), np.nan, value).astype(np.float32)
    data = strata["stratum"].copy(data=codes).rio.write_crs(strata.rio.crs)
    cell = float(abs(strata["stratum"].rio.resolution()[0]))
    title = sentences.strata_title(limits, cell)
    legend = Legend(
        {"fr": "Strate", "en": "Stratum"},
        categories=tuple(
            Category(str(k), sentences.STRATA_LABELS[n], COLORS[n], MARKS[n])
            for k, n in enumerate(("herb", "shrub", "tree"), start=1)
        ),
    )
    alt: Text = {
        lang: (" ; " if lang == "fr" else "; ").join(
            f"{sentences.STRATA_LABELS[n][lang]} {percent(100 * found[n].value, 0, lang)}"
            for n in ("tree", "shrub", "herb")
        )
        for lang in ("fr", "en")
    }
    return Layer(name, title, alt, data, legend, opacity=0.85, shown=shown)


def forms_layer(forms: gpd.GeoDataFrame) -> Layer:
    """Forms as polygons; a tooltip says form, height, area and confidence."""
    table = forms.copy()
    table["geometry"] = table.geometry.simplify(0.5)
    # Thousands of words: figures are rounded at once, not one by one by the locale.
    area = table["surface"].round().astype(int).astype(str)
    tall = table["h_moy"].fillna(0).map("{:.1f}".format)
    sure = (100 * table["idc_surface"]).round().astype(int).astype(str)
    for lang, words in (("fr", ("hauteur", "confiance")), ("en", ("height", "confidence"))):
        names = table["fv"].map({f: sentences.FORM_LABELS[f][lang] for f in _FORM_COLORS})
        comma = tall.str.replace(".", ",", regex=False) if lang == "fr" else tall
        colon, unit = ("\u00a0: ", "\u202f%") if lang == "fr" else (": ", "%")
        table[f"tooltip_{lang}"] = (
            names + colon + area + " m², " + words[0] + " " + comma + " m, "
            + words[1] + " " + sure + unit
        )  # fmt: skip
    legend = Legend(
        {"fr": "Forme végétale (Green Urban Sat)", "en": "Form of vegetation (Green Urban Sat)"},
        categories=tuple(
            Category(f, sentences.FORM_LABELS[f], c, f) for f, c in _FORM_COLORS.items()
        ),
    )
    count = table["fv"].value_counts()
    alt: Text = {
        lang: ", ".join(
            f"{number(n, 0, lang)} {sentences.FORM_LABELS[f][lang].lower()}"
            for f, n in count.items()
        )
        for lang in ("fr", "en")
    }
    title: Text = {
        "fr": "Formes de végétation de la partie détaillée",
        "en": "Forms of vegetation of the detailed part",
    }
    return Layer("forms", title, alt, table, legend, column="fv", tooltip="tooltip",
                 opacity=0.8, shown=False)  # fmt: skip


def cell_layer(cells: gpd.GeoDataFrame) -> Layer:
    """Canopy share of each inhabited cell of 200 m."""
    table = cells[cells["canopy"].notna()].copy()
    table["canopy_percent"] = 100 * table["canopy"]
    for lang in ("fr", "en"):
        word = "de canopée, entre" if lang == "fr" else "of canopy, between"
        table[f"tooltip_{lang}"] = [
            f"{percent(100 * v, 0, lang)} {word} {number(100 * a, 0, lang)} "
            f"{'et' if lang == 'fr' else 'and'} {percent(100 * b, 0, lang)}"
            for v, a, b in zip(
                table["canopy"], table["canopy_low"], table["canopy_high"], strict=True
            )
        ]
    title: Text = {
        "fr": "Part d'arbres par carreau habité de 200 m",
        "en": "Share of trees by inhabited 200 m cell",
    }
    alt: Text = {
        lang: percent(float(table["canopy_percent"].median()), 0, lang)
        + (" en médiane." if lang == "fr" else " at the median.")
        for lang in ("fr", "en")
    }
    legend = Legend(title, "%", scale=Scale("YlGn", 0.0, 50.0))
    columns = ["canopy_percent", "tooltip_fr", "tooltip_en", "geometry"]
    return Layer("canopy_cells", title, alt, table[columns], legend, column="canopy_percent",
                 tooltip="tooltip", shown=False)  # fmt: skip


def strata_chart(found: Mapping[str, Estimate], area: float) -> Bars:
    """Hectares of each stratum, with its range."""
    rows: list[dict[str, Any]] = []
    for name in ("tree", "shrub", "herb"):
        one = found[name]
        label = sentences.STRATA_LABELS[name]
        rows.append(
            {"label_fr": label["fr"], "label_en": label["en"], "value": one.value * area,
             "low": one.low * area, "high": one.high * area, "color": COLORS[name],
             "mark": MARKS[name]}
        )  # fmt: skip
    title: Text = {"fr": "Surface de chaque strate", "en": "Area of each stratum"}
    alt: Text = {
        lang: (" ; " if lang == "fr" else "; ").join(
            f"{r[f'label_{lang}']} {number(r['value'], 0, lang)} ha" for r in rows
        )
        for lang in ("fr", "en")
    }
    return Bars("strata", title, alt, pd.DataFrame(rows), "ha", 0)


def forms_chart(forms: gpd.GeoDataFrame) -> Bars:
    """Hectares of each form of the detailed part."""
    area = forms.groupby("fv")["surface"].sum() / 10_000
    rows: list[dict[str, Any]] = [
        {"label_fr": sentences.FORM_LABELS[f]["fr"], "label_en": sentences.FORM_LABELS[f]["en"],
         "value": float(area[f]), "color": c, "mark": f}
        for f, c in _FORM_COLORS.items() if f in area
    ]  # fmt: skip
    title: Text = {
        "fr": "Surface de chaque forme, partie détaillée",
        "en": "Area of each form, detailed part",
    }
    alt: Text = {
        lang: (" ; " if lang == "fr" else "; ").join(
            f"{r[f'label_{lang}']} {number(r['value'], 1, lang)} ha" for r in rows
        )
        for lang in ("fr", "en")
    }
    return Bars("forms", title, alt, pd.DataFrame(rows), "ha", 1)
