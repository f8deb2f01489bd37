"""The national map of lighting practices, and its counts beside the published ones."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from ..catalog import tables
from ..lighting.communes_table import PRACTICES, not_a_table
from ..lighting.practice import LABELS
from ..text import number

__all__ = ["PUBLISHED", "counts", "draw", "read"]

#: Cartographie nationale des pratiques d'éclairage nocturne, 2014-2024 (Cerema): of 19,262
#: communes that could be studied. Shares in percent; lit again: 131 communes.
PUBLISHED = {
    "extinction_totale": 100 * 11_980 / 19_262,
    "extinction_partielle_ou_renovation": 100 * 3_547 / 19_262,
    "rallumage": 100 * 131 / 19_262,
}

#: Vertices closer than this (metres) cannot be told apart on a map of the country.
TOLERANCE = 400.0

#: Overseas départements: official CRS, and the place of their inset (axes fractions).
OVERSEAS = {
    "971": ("EPSG:5490", "Guadeloupe"),
    "972": ("EPSG:5490", "Martinique"),
    "973": ("EPSG:2972", "Guyane"),
    "974": ("EPSG:2975", "La Réunion"),
    "976": ("EPSG:4471", "Mayotte"),
}


def read(path: Path) -> gpd.GeoDataFrame:
    """The table of ``eo-helpers national lighting``, checked.

    Raises
    ------
    InvalidInput
        If it is no such file.
    """
    columns = ["insee", "departement", "practice", "demonstration", "geometry"]
    return tables.read(path, columns=columns, error=not_a_table)


def counts(table: pd.DataFrame, by: str | None = None) -> pd.DataFrame:
    """Communes and shares (%) of each practice; « indéterminé » is not counted as studied.

    Parameters
    ----------
    table : pandas.DataFrame
        ``practice``, and the column ``by``.
    by : str, optional
        For instance ``"departement"``: a row each value and practice.

    Returns
    -------
    pandas.DataFrame
        ``practice, communes, share`` (of studied communes; NaN for undetermined), with the
        column ``by`` in front; without it also ``published`` (Cerema, 2014-2024).
    """
    groups = [("", table)] if by is None else list(table.groupby(by, sort=True))
    rows = []
    for name, part in groups:
        found = part["practice"].value_counts()
        studied = int(found.drop("indetermine", errors="ignore").sum())
        for practice in LABELS:
            n = int(found.get(practice, 0))
            known = practice != "indetermine" and studied
            row = {"practice": practice, "communes": n}
            row["share"] = 100 * n / studied if known else float("nan")
            rows.append(row if by is None else {by: name, **row})
    out = pd.DataFrame(rows)
    if by is None:
        out["published"] = out["practice"].map(PUBLISHED)
    return out


def draw(table: gpd.GeoDataFrame, path: Path, lang: str = "fr") -> None:
    """Draw the map: mainland and Corsica, overseas départements beside, legend with counts."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    colors = {category.value: category.color for category in PRACTICES.categories}
    figure = Figure(figsize=(9.2, 8.4))
    main = figure.add_axes((0.02, 0.04, 0.72, 0.86))
    away = table["departement"].isin(list(OVERSEAS))
    _fill(main, table[~away], "EPSG:2154", colors)
    there = [code for code in OVERSEAS if (table["departement"] == code).any()]
    for n, code in enumerate(there):
        crs, name = OVERSEAS[code]
        inset = figure.add_axes((0.76 + 0.12 * (n % 2), 0.36 - 0.15 * (n // 2), 0.11, 0.12))
        _fill(inset, table[table["departement"] == code], crs, colors)
        inset.set_title(name, fontsize=8, loc="left")
    told = {row["practice"]: row for row in counts(table).to_dict("records")}
    handles, labels = [], []
    for category in PRACTICES.categories:
        n, share = told[category.value]["communes"], told[category.value]["share"]
        said = f"{number(n, 0, lang)} communes"
        said += f", {number(share, 0, lang)} %" if share == share else ""
        handles.append(Patch(facecolor=category.color, edgecolor="#00000066"))
        labels.append(textwrap.fill(category.label[lang], 28) + f"\n{said}")
    figure.legend(
        handles, labels, loc="upper left", bbox_to_anchor=(0.735, 0.9), frameon=False,
        fontsize=8.5, labelspacing=1.1, title=PRACTICES.title[lang],
        title_fontproperties={"size": 9.5, "weight": "bold"}, alignment="left",
    )  # fmt: skip
    titles = {
        "fr": "Éclairage nocturne : ce que font les communes",
        "en": "Night lighting: what communes do",
    }
    figure.text(0.02, 0.95, titles[lang], fontsize=14, fontweight="bold")
    origin = "calcul eo-helpers, d'après NASA Black Marble (VIIRS), vers 1 h 30"
    if bool(table["demonstration"].any()):
        origin = f"Données de démonstration – {origin}"
    figure.text(0.02, 0.015, origin, fontsize=8, color="#595959")
    figure.savefig(path, dpi=170)


def _fill(ax: Any, part: gpd.GeoDataFrame, crs: str, colors: dict[str, str]) -> None:
    ax.set_axis_off()
    if part.empty:
        return
    shapes = part.geometry.to_crs(crs)
    west, south, east, north = shapes.total_bounds
    # A small territory keeps its shape.
    tolerance = min(TOLERANCE, max(east - west, north - south) / 1000)
    shapes = shapes.simplify(tolerance)
    tints = part["practice"].map(colors).fillna("#b8b8b8")
    shapes.plot(ax=ax, color=tints.to_list(), edgecolor="#ffffff", linewidth=0.08, aspect=None)
    ax.set_aspect("equal")
