"""The table of ``eo-helpers national lighting``, read in place: a commune, and those around it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from ..catalog import tables
from ..errors import InvalidInput
from ..findings import Category, Finding, Indicator, Layer, Legend, Status, outline
from ..territory.commune import Commune
from ..text import Text, month, of_place, percent
from . import sentences
from .practice import COLORS, LABELS, MARKS

__all__ = [
    "DATASET",
    "PRACTICES",
    "around",
    "finding_from",
    "last_month",
    "not_a_table",
    "older_than",
]

DATASET = "lighting-communes"
UNIT = "nW·cm⁻²·sr⁻¹"
#: How far around the commune others are drawn, degrees of latitude (some 30 km).
AROUND = 0.27

#: The classes as a legend, in the order in which people read them.
PRACTICES = Legend(
    {"fr": "Pratique d'éclairage reconnue", "en": "Lighting practice"},
    categories=tuple(
        Category(
            practice,
            {lang: text[:1].upper() + text[1:] for lang, text in label.items()},
            COLORS[practice],
            MARKS[practice],
        )
        for practice, label in LABELS.items()
    ),
)
#: What is read of the communes around.
_COLUMNS = ["insee", "name", "practice", "date", "change_percent", "geometry"]


def not_a_table(path: Path) -> InvalidInput:
    """The error where a file is not what ``eo-helpers national lighting`` writes."""
    return InvalidInput(
        f"« {path.name} » n'est pas une table de « eo-helpers national lighting » : "
        "calculez-la à nouveau.",
        f"'{path.name}' is no table of 'eo-helpers national lighting': make it again.",
    )


def around(commune: Commune, path: Path) -> Layer:
    """The commune and its neighbours with their practices; only their rows are read.

    Parameters
    ----------
    commune : Commune
    path : Path
        GeoParquet of ``eo-helpers national lighting``.

    Raises
    ------
    InvalidInput
        If it is no such file.
    """
    west, south, east, north = commune.bounds
    wide = AROUND / math.cos(math.radians((south + north) / 2))
    bbox = (west - wide, south - AROUND, east + wide, north + AROUND)
    table = tables.read(path, bbox=bbox, columns=_COLUMNS, error=not_a_table)
    tips = [_tooltip(row) for row in table.to_dict("records")]
    table["tooltip_fr"] = [tip["fr"] for tip in tips]
    table["tooltip_en"] = [tip["en"] for tip in tips]
    others = table[table["insee"] != commune.insee]
    out = int((others["practice"] == "extinction_totale").sum())
    return Layer(
        "practices",
        {"fr": "Pratiques des communes alentour", "en": "Practices of the communes around"},
        {
            "fr": f"{len(others)} communes autour {of_place(commune.name)}, dont {out} en "
            "extinction "
            "totale en cœur de nuit.",
            "en": f"{len(others)} communes around {commune.name}; {out} of them put all lights "
            "out in the middle of the night.",
        },
        table,
        PRACTICES,
        column="practice",
        tooltip="tooltip",
        shown=False,
    )


def _tooltip(row: dict[str, Any]) -> Text:
    label = LABELS.get(str(row["practice"]), LABELS["indetermine"])
    out = {lang: f"{row['name']}{':' if lang == 'en' else ' :'} {label[lang]}" for lang in label}
    if row["date"] and row["practice"] not in ("pas_de_changement", "indetermine"):
        sign = "−" if row["change_percent"] < 0 else "+"
        for lang in out:
            size = percent(abs(row["change_percent"]), 0, lang)
            out[lang] += f", {month(row['date'], lang)} ({sign}{size})"
    return out


def finding_from(
    commune: Commune, row: dict[str, Any], last: str | None, parameters: dict[str, Any]
) -> Finding:
    """The commune's Finding from its row alone, where no monthly file is at hand.

    Sentence, practice, dates and figures are those that the national run found; the series
    and the maps of light need the files.
    """

    def one(
        name: str, label: Text, value: Any, unit: str = "", low: Any = None, high: Any = None,
        date: str | None = last, digits: int = 1, group: str = "lighting",
    ) -> Indicator:  # fmt: skip
        missing = value is None or value != value
        low, high = (None if b is None or b != b else b for b in (low, high))
        return Indicator(
            name, label, None if missing else value, unit, low, high, date, DATASET, digits, group
        )

    out = [
        one("practice", {"fr": "Pratique d'éclairage reconnue", "en": "Lighting practice"},
            row["practice"]),
        one("practice_confidence",
            {"fr": "Confiance dans ce diagnostic", "en": "Confidence in this diagnosis"},
            100 * row["confidence"], "%", digits=0),
    ]  # fmt: skip
    date = row["date"] if isinstance(row["date"], str) else None
    if date:
        prefix = "switch_off" if row["change_percent"] < 0 else "switch_on"
        for name, label in (
            (
                "date",
                {"fr": "Premier mois du nouveau niveau", "en": "First month at the new level"},
            ),
            ("date_low", {"fr": "Ce mois, au plus tôt", "en": "That month, at the earliest"}),
            ("date_high", {"fr": "Ce mois, au plus tard", "en": "That month, at the latest"}),
        ):
            out.append(one(f"{prefix}_{name}", label, row[name], date=date))
        out.append(
            one("change_percent", {"fr": "Changement de radiance vers 1 h 30",
                "en": "Change of radiance around 01:30"}, row["change_percent"], "%",
                row["change_low"], row["change_high"], date, 0)
        )  # fmt: skip
    share = row.get("neighbours_share")
    if share is not None and share == share:
        out.append(
            one("neighbours_share", {"fr": "Part de la baisse venant de la lumière des voisines",
                "en": "Share of the fall that comes from neighbours' light"}, 100 * share, "%",
                digits=0)
        )  # fmt: skip
    out += [
        one("radiance_recent", {"fr": "Radiance moyenne des derniers mois mesurés",
            "en": "Mean radiance of the last months measured"}, row["radiance_recent"], UNIT,
            digits=2),
        one("trend", {"fr": "Tendance, hors changements nets", "en": "Trend, sudden changes apart"},
            row["trend_percent_per_year"], "%/an", row["trend_low"], row["trend_high"]),
        one("months_valid", {"fr": "Mois mesurés", "en": "Months measured"},
            int(row["months_valid"]), digits=0, group="measurement"),
    ]  # fmt: skip
    status: Status = "partial"  # without the series nobody can look behind the sentence
    caveat: Text = {
        "fr": "Ce résultat vient du calcul national ; la courbe mois par mois et les cartes de "
        "lumière demandent les tuiles VNP46A3.",
        "en": "This comes from the national run; the monthly curve and the maps of light need "
        "the VNP46A3 tiles.",
    }
    headline = {"fr": row["headline"], "en": row.get("headline_en") or row["headline"]}
    return Finding(
        "lighting",
        commune,
        status,
        headline,
        indicators=tuple(out),
        layers=(outline(commune),),
        caveats=(caveat,),
        parameters=parameters,
        remedy=sentences.REMEDY,
    )


def last_month(path: Path) -> str | None:
    """Last month that the table was made of, from the STAC beside it."""
    end = tables.end_of(path)
    return end[:7] if end else None


def older_than(path: Path, month_: str) -> Text | None:
    """What to say where the table stops before ``month_`` (``YYYY-MM``); None where it does not.

    Neighbours and comparisons may then contradict what the files show of the commune.
    """
    last = last_month(path)
    if last is None or last >= month_:
        return None
    return {
        "fr": f"Les autres communes viennent d'un calcul national arrêté en {month(last)}, plus "
        f"ancien que les mesures de la commune ({month(month_)}) : relancez-le pour comparer au "
        "même moment.",
        "en": f"Other communes come from a national run that stops in {month(last, 'en')}, before "
        f"the measurements of the commune ({month(month_, 'en')}): run it again to compare the "
        "same time.",
    }
