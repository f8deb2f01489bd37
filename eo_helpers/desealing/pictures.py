"""Maps, charts and sliders of the desealing theme."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from ..findings import Bars, Category, Chart, Control, Layer, Legend, outline
from ..text import Text, number, of_place, percent
from .criteria import CRITERIA, FEASIBILITY, NEED
from .sentences import VETO_LABELS, Seen

__all__ = ["charts", "controls", "layers", "sector_charts"]

#: How sure a place among the first ten is; ColorBrewer YlOrBr, dark where sure.
CERTAINTY = (
    ("A", 0.9, "#8c2d04", {"fr": "dans 90 % des tirages ou plus", "en": "in 90% of draws or more"}),
    ("B", 0.5, "#d95f0e", {"fr": "dans 50 à 90 %", "en": "in 50 to 90%"}),
    ("C", 0.1, "#fe9929", {"fr": "dans 10 à 50 %", "en": "in 10 to 50%"}),
    ("D", 0.0, "#fed98e", {"fr": "dans moins de 10 %", "en": "in less than 10%"}),
)  # fmt: skip
_HARD = Category("-", {"fr": "peu faisable", "en": "hardly feasible"}, "#bdbdbd", "-")
_VETO = Category("X", {"fr": "écarté par un obstacle", "en": "set aside"}, "#525252", "X")
#: Need × feasibility, both told by halves: two axes side by side.
_AXES = (
    Category("1", {"fr": "besoin fort, faisable", "en": "strong need, feasible"}, "#006d2c", "1"),
    Category("2", {"fr": "besoin fort, difficile", "en": "strong need, difficult"}, "#c51b8a", "2"),
    Category("3", {"fr": "besoin faible, faisable", "en": "weak need, feasible"}, "#a1d99b", "3"),
    Category("4", {"fr": "besoin faible, difficile", "en": "weak need, difficult"}, "#d9d9d9", "4"),
)
_METHOD: dict[str, Text] = {
    "weighted_sum": {"fr": "Moyenne pondérée", "en": "Weighted mean"},
    "topsis": {"fr": "TOPSIS (distance à l'idéal)", "en": "TOPSIS (distance to the ideal)"},
    "promethee": {"fr": "PROMETHEE (duels)", "en": "PROMETHEE (duels)"},
}


def controls(options: dict[str, Any], heaviest: float) -> tuple[Control, ...]:
    """A slider for the weight of each need, and the method."""
    out = []
    for k, criterion in enumerate(NEED):
        name = criterion.label
        out.append(
            Control(
                f"w_{criterion.name}",
                {"fr": f"Poids : {name['fr'].lower()}", "en": f"Weight: {name['en'].lower()}"},
                options[f"w_{criterion.name}"],
                0.0,
                heaviest,
                0.5,
                digits=1,
                help={
                    "fr": "Le poids que vous donnez à chaque besoin ; 0 l'ignore. Un lien envoyé "
                    "garde vos poids.",
                    "en": "The weight that you give to each need; 0 ignores it. A link that you "
                    "send keeps your weights.",
                }
                if k == 0
                else None,
            )
        )
    out.append(
        Control(
            "method",
            {"fr": "Comment les besoins s'additionnent", "en": "How needs add up"},
            options["method"],
            choices=tuple(_METHOD.items()),
        )
    )
    return tuple(out)


def _drawn(seen: Seen) -> gpd.GeoDataFrame:
    units, table = seen.units, seen.found.table
    out = units[["block_id", "lcz", "mineral_m2", "geometry"]].copy()
    out["number"] = np.arange(1, len(out) + 1)
    out["name"] = [n["fr"] for n in seen.names]
    for column in table.columns:
        out[column] = table[column]
    for criterion in CRITERIA:
        if criterion.name in units:
            out[criterion.name] = units[criterion.name]
    among = table["among_first"].fillna(-1).to_numpy(float)
    code = np.select([among >= c[1] for c in CERTAINTY], [c[0] for c in CERTAINTY], "-")
    out["priority"] = np.where(table["vetoed"] != "", "X", code)
    strong, able = table["need"] >= 0.5, table["feasibility"] >= 0.5
    axes = np.select([strong & able, strong, able], ["1", "2", "3"], "4")
    out["axes"] = np.where(table["vetoed"] != "", "X", axes)
    rows = [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]
    for lang in ("fr", "en"):
        out[f"told_{lang}"] = [_told(seen, k, row, lang) for k, row in enumerate(rows)]
    return out


def _told(seen: Seen, k: int, row: dict[str, Any], lang: str) -> str:
    name = seen.names[k][lang]
    colon = " : " if lang == "fr" else ": "
    if row["vetoed"]:
        why = ", ".join(VETO_LABELS[v][lang] for v in str(row["vetoed"]).split(", "))
        return f"{name}{colon}{'écarté' if lang == 'fr' else 'set aside'} ({why})"
    need, able = (number(round(100 * row[axis]), 0, lang) for axis in ("need", "feasibility"))
    scores = (
        f"besoin {need}, faisabilité {able} sur 100" if lang == "fr"
        else f"need {need}, feasibility {able} of 100"
    )  # fmt: skip
    if not row["candidate"]:
        return f"{name}{colon}{scores}"
    low, high = number(row["rank_low"], 0, lang), number(row["rank_high"], 0, lang)
    rank = number(row["rank"], 0, lang)
    word = f"rang {rank} (de {low} à {high})" if lang == "fr" else f"rank {rank} ({low} to {high})"
    return f"{name}{colon}{word}, {scores}"


def layers(seen: Seen, only: int | None = None) -> tuple[Layer, ...]:
    """Priority with its certainty, the two axes, and the first ten (or one sector)."""
    drawn = _drawn(seen)
    commune = seen.commune.name
    present = set(drawn["priority"])
    sure = tuple(
        Category(code, label, color, code) for code, _, color, label in CERTAINTY if code in present
    )
    apart = tuple(c for c in (_HARD, _VETO) if c.value in present)
    listed = "; ".join(seen.names[int(k)]["fr"] for k in seen.first.index[:3])
    out = [
        outline(seen.commune),
        Layer(
            "priority",
            {"fr": "Où commencer, et avec quelle certitude", "en": "Where to start, how surely"},
            {
                "fr": f"Carte des îlots {of_place(commune)} par certitude d'être parmi les "
                "premiers à "
                f"désimperméabiliser ; en tête : {listed}.",
                "en": f"Map of the blocks of {commune} by how surely they are among the first "
                f"to deseal; first: {listed}.",
            },
            drawn,
            Legend(
                {"fr": "Premier", "en": "First"}
                if seen.found.first == 1
                else {
                    "fr": f"Parmi les {seen.found.first} premiers",
                    "en": f"Among the first {seen.found.first}",
                },
                categories=(*sure, *apart),
            ),
            column="priority",
            tooltip="told",
            opacity=0.8,
        ),
        Layer(
            "axes",
            {"fr": "Besoin et faisabilité, côte à côte", "en": "Need and feasibility side by side"},
            {
                "fr": f"Carte des îlots {of_place(commune)} par besoin (plus ou moins de 50 "
                "sur 100) et "
                "par faisabilité.",
                "en": f"Map of the blocks of {commune} by need (over or under 50 of 100) and by "
                "feasibility.",
            },
            drawn,
            Legend(
                {"fr": "Besoin et faisabilité", "en": "Need and feasibility"},
                categories=tuple(c for c in (*_AXES, _VETO) if c.value in set(drawn["axes"])),
            ),
            column="axes",
            tooltip="told",
            opacity=0.8,
            shown=False,
        ),
    ]
    rows = list(seen.first.index) if only is None else [only]
    if rows:
        top = drawn.loc[rows].copy()
        top["mark"] = [str(rank) for rank in range(1, len(rows) + 1)]
        label: Text = (
            {"fr": "Les premiers îlots", "en": "The first blocks"}
            if only is None
            else {"fr": "Le secteur", "en": "The sector"}
        )
        out.append(
            Layer(
                "first",
                label,
                {"fr": f"{label['fr']} : {listed}.", "en": f"{label['en']}: {listed}."},
                top,
                Legend(
                    label,
                    categories=tuple(
                        Category(rank, seen.names[int(row)], "#000091", rank)
                        for rank, row in zip(top["mark"], rows, strict=True)
                    ),
                ),
                column="mark",
                tooltip="told",
                opacity=0.6,
                edge=2.0,
            )
        )
    return tuple(out)


def charts(seen: Seen) -> tuple[Chart, ...]:
    """Need of the first ten with its bounds, and how often each is among them."""
    if seen.first.empty:
        return ()
    first = seen.first
    places = first.index.to_numpy(int).tolist()
    names = {
        lang: [f"{rank}. {seen.names[k][lang]}" for rank, k in enumerate(places, 1)]
        for lang in ("fr", "en")
    }
    need = pd.DataFrame(
        {
            "label_fr": names["fr"], "label_en": names["en"], "value": 100 * first["need"],
            "low": 100 * first["need_low"], "high": 100 * first["need_high"], "color": "#d95f0e",
        }
    )  # fmt: skip
    often = pd.DataFrame(
        {
            "label_fr": names["fr"], "label_en": names["en"],
            "value": 100 * first["among_first"], "color": "#8c2d04",
        }
    )  # fmt: skip
    best = seen.names[int(first.index[0])]
    share = 100 * first["among_first"].iloc[0]
    return (
        Bars(
            "certainty",
            {"fr": "Les premiers : dans quelle part des tirages ils le restent",
             "en": "The first: in what share of the draws they stay so"},
            {"fr": f"En tête, {best['fr']} : {percent(share)} des tirages.",
             "en": f"First, {best['en']}: {percent(share, 0, 'en')} of the draws."},
            often.reset_index(drop=True), "%", 0,
        ),
        Bars(
            "need",
            {"fr": "Les premiers : besoin, sur 100", "en": "The first: need, of 100"},
            {"fr": f"Besoin des premiers îlots {of_place(seen.commune.name)}, avec ce que les "
             "données laissent ouvert.",
             "en": f"Need of the first blocks of {seen.commune.name}, with what the data "
             "leave open."},
            need.reset_index(drop=True), "", 0,
        ),
    )  # fmt: skip


def sector_charts(seen: Seen, row: int) -> tuple[Chart, ...]:
    """Value of each criterion of one sector, 0 to 100, with its bounds."""
    from .priority import bounds_of

    low, high = (np.concatenate(ends) for ends in zip(
        *(tuple(b[row] for b in bounds_of(seen.units, axis)) for axis in (NEED, FEASIBILITY)),
        strict=True,
    ))  # fmt: skip
    criteria = (*NEED, *FEASIBILITY)
    frame = pd.DataFrame(
        {
            "label_fr": [c.label["fr"] for c in criteria],
            "label_en": [c.label["en"] for c in criteria],
            "value": 50 * (low + high), "low": 100 * low, "high": 100 * high,
            "color": ["#d95f0e" if c.axis == "need" else "#006d2c" for c in criteria],
        }
    )  # fmt: skip
    name = seen.names[row]
    return (
        Bars(
            "criteria",
            {"fr": "Ce qui parle pour ce secteur, sur 100", "en": "What speaks for it, of 100"},
            {"fr": f"Valeur de chaque critère pour {name['fr']} ; de 0 à 100 : inconnu.",
             "en": f"Value of each criterion for {name['en']}; from 0 to 100: unknown."},
            frame, "", 0,
        ),
    )  # fmt: skip
