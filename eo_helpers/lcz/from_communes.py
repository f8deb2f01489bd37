"""A commune from the table of ``eo-helpers national lcz``, where no map of it is at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..catalog import tables
from ..findings import Bars, Finding, Indicator, outline
from ..territory.commune import Commune
from ..text import Text, at_place
from . import peers, sentences
from .figures import SENSITIVE
from .peers import DATASET, not_a_table
from .schema import CLASSES, CODES, SENSITIVITIES
from .shares import Share

__all__ = ["finding"]


def finding(commune: Commune, source: Any, options: dict[str, Any]) -> Finding | None:
    """The commune's Finding from its row alone; None where there is no such row.

    The shares of ground are those of the national run; blocks, people and districts need the
    map.

    Raises
    ------
    InvalidInput
        If the table cannot be read.
    """
    found = tables.row_of(DATASET, commune, source, not_a_table)
    if found is None:
        return None
    row, holding = found
    mapped = min(row["mapped_percent"] / 100, 1.0)
    level = {s: mapped * row[f"sensitivity_{s}"] / 100 for s in SENSITIVITIES}
    shares = {c: mapped * row[f"lcz_{c.lower()}"] / 100 for c in CODES}
    sensitive = sum(level[s] for s in SENSITIVE)
    unclassed = 1 - mapped * (1 - row["unclassed"] / 100)
    among, _, charts, caveats = peers.told(commune, _others(commune, source))
    return Finding(
        "lcz",
        commune,
        "partial",
        sentences.headline(commune, Share(sensitive), None, unclassed, level["variable"]),
        indicators=(
            *_indicators(
                sensitive, level, shares, unclassed, mapped, tables.end_of(Path(holding.paths[0]))
            ),
            *among,
        ),
        layers=(outline(commune),),
        charts=(_bars(commune, shares), *charts),
        caveats=(_CAVEAT, *caveats),
        provenance=(holding.provenance,),
        parameters=options,
        remedy=sentences.REMEDY,
    )


_CAVEAT: Text = sentences.sentence(
    "Ce résultat vient du calcul national ; la carte des quartiers, les habitants concernés et "
    "l'incertitude des classes demandent la carte de climat local elle-même.",
    "This comes from the national run; the map of districts, the people concerned and how sure "
    "the classes are need the local climate map itself.",
)


def _others(commune: Commune, source: Any) -> list[peers.Peers]:
    table = peers.all_communes(source, commune)
    return [] if table is None else peers.compare(commune.insee, table)


def _indicators(
    sensitive: float,
    level: dict[str, float],
    shares: dict[str, float],
    unclassed: float,
    mapped: float,
    end: str | None,
) -> list[Indicator]:
    date = end[:10] if end else None

    def one(name: str, label: Text, value: float) -> Indicator:
        return Indicator(name, label, 100 * value, "%", date=date, source=DATASET, group="surface")

    return [
        one(
            "share_area_sensitive",
            {
                "fr": "Surface sensible ou très sensible à la chaleur",
                "en": "Area sensitive or very sensitive to heat",
            },
            sensitive,
        ),
        *(
            one(
                f"share_area_sensitivity_{s}",
                {
                    "fr": f"Surface de sensibilité {SENSITIVITIES[s].label['fr'].lower()}",
                    "en": f"Area of sensitivity {SENSITIVITIES[s].label['en'].lower()}",
                },
                value,
            )
            for s, value in level.items()
        ),
        *(
            one(
                f"share_area_lcz_{c.lower()}",
                {
                    "fr": f"LCZ {c}\u00a0: {CLASSES[c].label['fr']}",
                    "en": f"LCZ {c}: {CLASSES[c].label['en']}",
                },
                value,
            )
            for c, value in shares.items()
            if value > 0
        ),
        one(
            "share_area_classed",
            {"fr": "Surface de la commune qui a une classe", "en": "Area that has a class"},
            1 - unclassed,
        ),
        one(
            "share_area_uncovered",
            {"fr": "Surface hors de la carte", "en": "Area outside the map"},
            1 - mapped,
        ),
    ]


def _bars(commune: Commune, shares: dict[str, float]) -> Bars:
    present = [c for c in CODES if shares[c] > 0]
    largest = max(present, key=lambda c: shares[c], default=None)
    data = pd.DataFrame(
        {
            "label_fr": [CLASSES[c].label["fr"] for c in present],
            "label_en": [CLASSES[c].label["en"] for c in present],
            "value": [100 * shares[c] for c in present],
            "color": [CLASSES[c].color for c in present],
            "mark": present,
            "low": np.nan,
            "high": np.nan,
        }
    )
    alt = {"fr": "", "en": ""}
    if largest is not None:
        label, share = CLASSES[largest].label, shares[largest]
        alt = {
            "fr": f" La plus étendue\u00a0: {label['fr']}, {sentences.part(share, 'fr')}.",
            "en": f" Largest: {label['en']}, {sentences.part(share, 'en')}.",
        }
    return Bars(
        "area_by_class",
        {
            "fr": "Part de la surface de la commune par classe",
            "en": "Share of the commune's area by class",
        },
        {
            "fr": f"Barres des classes présentes {at_place(commune.name)}.{alt['fr']}",
            "en": f"Bars of the classes found in {commune.name}.{alt['en']}",
        },
        data,
        "%",
    )
