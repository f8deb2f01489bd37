"""How the blocks that need attention first are shown: figures, a layer, a chart."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import pandas as pd

from ..findings import Bars, Category, Indicator, Layer, Legend
from ..text import Text, number
from .attention import people_of_blocks, rank
from .schema import CLASSES, SENSITIVITIES

__all__ = ["CAVEAT", "GROUP", "priorities"]

GROUP = "attention"
_COLOR = "#BD0026"

CAVEAT: Text = {
    "fr": "L'ordre des îlots à regarder d'abord\u00a0: zones de sensibilité forte ou très forte, "
    "là où vivent le plus d'enfants de moins de 11\u00a0ans et de personnes de 65\u00a0ans "
    "et plus. "
    "C'est une aide pour choisir où aller voir, pas un comptage\u00a0: l'INSEE compte par carreaux "
    "de 200\u00a0m.",
    "en": "The order of the blocks to look at first: zones of high or very high sensitivity, where "
    "most children under 11 and people of 65 and more live. It helps to choose where to go and "
    "look; it is no count: INSEE counts by 200 m cells.",
}


def priorities(
    blocks: gpd.GeoDataFrame, cells: gpd.GeoDataFrame, boundary: Any, source: str
) -> tuple[tuple[Indicator, ...], tuple[Layer, ...], tuple[Bars, ...]]:
    """Indicators, layer and chart of the blocks to look at first; empty where there are none.

    Parameters
    ----------
    blocks, cells
        As the theme's readers return them.
    boundary : shapely geometry
        The commune, in the CRS of ``cells``.
    source : str
        Data set that the counts are from.
    """
    table = rank(blocks, people_of_blocks(blocks, cells, boundary))
    if table.empty:
        return (), (), ()
    figures = tuple(_indicator(row, source) for row in table.to_dict(orient="records"))
    texts = [_why(row) for row in table.to_dict(orient="records")]
    drawn = gpd.GeoDataFrame(
        {
            "rank": table["rank"].astype(str).to_numpy(),
            "tooltip_fr": [t["fr"] for t in texts],
            "tooltip_en": [t["en"] for t in texts],
        },
        geometry=blocks.geometry.loc[table.index].to_numpy(),
        crs=blocks.crs,
    )
    title: Text = {"fr": "Îlots à regarder d'abord", "en": "Blocks to look at first"}
    legend = Legend(
        title,
        categories=tuple(
            Category(str(n), {"fr": f"N°\u00a0{n}", "en": f"No. {n}"}, _COLOR, str(n))
            for n in table["rank"]
        ),
    )
    layer = Layer(
        "attention",
        title,
        {
            "fr": f"Carte des {len(table)} îlots à regarder d'abord. Le premier\u00a0: "
            f"{texts[0]['fr']}.",
            "en": f"Map of the {len(table)} blocks to look at first. The first: {texts[0]['en']}.",
        },
        drawn,
        legend,
        column="rank",
        tooltip="tooltip",
        opacity=0.8,
        shown=False,
    )
    return figures, (layer,), (_chart(table),)


def _whole(value: float, lang: str) -> str:
    return number(round(value), 0, lang)


def _why(row: dict[Any, Any]) -> Text:
    """Why a block is in the list, in one line."""
    lcz, level = CLASSES[row["lcz"]], SENSITIVITIES[row["sensitivity"]].label
    parts_fr = [
        f"{_whole(row['children'], 'fr')} enfants de moins de 11\u00a0ans",
        f"{_whole(row['over_65'], 'fr')} personnes de 65\u00a0ans et plus "
        f"(dont {_whole(row['over_80'], 'fr')} de 80\u00a0ans et plus)",
    ]
    parts_en = [
        f"{_whole(row['children'], 'en')} children under 11",
        f"{_whole(row['over_65'], 'en')} people of 65 and more "
        f"({_whole(row['over_80'], 'en')} of 80 and more)",
    ]
    if "poor_households" in row:
        parts_fr.append(f"{_whole(row['poor_households'], 'fr')} ménages pauvres")
        parts_en.append(f"{_whole(row['poor_households'], 'en')} poor households")
    return {
        "fr": f"N°\u00a0{row['rank']} · {lcz.label['fr']}, sensibilité {level['fr'].lower()} · "
        f"{_whole(row['people'], 'fr')} habitants, dont {', '.join(parts_fr)}",
        "en": f"No. {row['rank']} · {lcz.label['en']}, {level['en'].lower()} sensitivity · "
        f"{_whole(row['people'], 'en')} people, of whom {', '.join(parts_en)}",
    }


def _indicator(row: dict[Any, Any], source: str) -> Indicator:
    return Indicator(
        f"attention_{row['rank']}",
        _why(row),
        float(row["vulnerable"]),
        "habitants",
        float(row["vulnerable_low"]),
        float(row["vulnerable_high"]),
        None,
        source,
        0,
        GROUP,
    )


def _chart(table: pd.DataFrame) -> Bars:
    levels = [SENSITIVITIES[name] for name in table["sensitivity"]]
    names = list(zip(table["rank"], table["lcz"], strict=True))
    data = pd.DataFrame(
        {
            "label_fr": [f"Îlot n°\u00a0{n} (LCZ {c})" for n, c in names],
            "label_en": [f"Block no. {n} (LCZ {c})" for n, c in names],
            "value": table["vulnerable"].to_numpy(),
            "color": [level.color for level in levels],
            "mark": [level.mark for level in levels],
            "low": table["vulnerable_low"].to_numpy(),
            "high": table["vulnerable_high"].to_numpy(),
        }
    )
    return Bars(
        "attention",
        {
            "fr": "Où regarder d'abord\u00a0: enfants et personnes âgées des îlots sensibles",
            "en": "Where to look first: children and elders of sensitive blocks",
        },
        {
            "fr": f"Barres des {len(data)} îlots sensibles où vivent le plus d'enfants de moins de "
            "11\u00a0ans et de personnes de 65\u00a0ans et plus, de "
            f"{_whole(data['value'].max(), 'fr')} à {_whole(data['value'].min(), 'fr')} habitants.",
            "en": f"Bars of the {len(data)} sensitive blocks where most children under 11 and "
            f"people of 65 and more live, from {_whole(data['value'].max(), 'en')} to "
            f"{_whole(data['value'].min(), 'en')} people.",
        },
        data,
        "habitants",
        0,
    )
