"""What the desealing theme says, in plain French and English."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from ..findings import Indicator
from ..lcz.schema import CLASSES, SENSITIVITIES, sensitivity_of
from ..territory.commune import Commune
from ..text import Text, at_place, french, number, percent
from .criteria import CRITERIA, FEASIBILITY, NEED, VETOES
from .dethrone import deciding_criterion, smallest_change
from .priority import DRAWS, Priority
from .runoff import ASSUMPTIONS
from .sectors import SHARE, Gain

__all__ = [
    "LABELS",
    "REMEDY",
    "Seen",
    "VETO_LABELS",
    "caveats",
    "headline",
    "indicators",
    "nothing",
    "nowhere",
    "remedy",
    "sector_headline",
    "sector_indicators",
]

LABELS: dict[str, Text] = {c.name: c.label for c in CRITERIA}
VETO_LABELS: dict[str, Text] = {v.name: v.label for v in VETOES}
_LCZ = "lcz-cerema"
REMEDY: Text = {
    "fr": "Ajoutez à votre dossier la carte des zones climatiques locales du Cerema (ou produisez-"
    "la : eo-helpers lcz produce), puis, si possible, terrain, population et BD TOPO.",
    "en": "Add Cerema's map of Local Climate Zones to your folder (or make it: eo-helpers lcz "
    "produce), then, if you can, terrain, population and BD TOPO.",
}


@dataclass(frozen=True)
class Seen:
    """All that is told: sectors, their order, and what the first ones would gain."""

    commune: Commune
    names: list[Text]
    units: gpd.GeoDataFrame
    found: Priority
    first: pd.DataFrame
    won: list[Gain]
    options: dict[str, Any]
    #: When the ground of the blocks was seen.
    date: str | None = None


def nothing(commune: Commune, away: bool) -> Text:
    """Headline where there is no map of blocks."""
    if away:
        return {
            "fr": f"La carte des îlots disponible ici ne couvre pas {commune.name}.",
            "en": f"The map of blocks at hand does not cover {commune.name}.",
        }
    return {
        "fr": f"Pas encore de carte des îlots pour {commune.name}.",
        "en": f"No map of blocks yet for {commune.name}.",
    }


def nowhere(commune: Commune) -> Text:
    """Headline where no block has mineral ground to speak of."""
    return {
        "fr": f"{at_place(commune.name, True)}, aucun îlot n'a assez de sol minéral pour qu'on le "
        "désimperméabilise.",
        "en": f"In {commune.name} no block has enough mineral ground to deseal.",
    }


def headline(seen: Seen) -> Text:
    """How many sectors, the first by name, and how sure it is."""
    if seen.first.empty:
        return {
            "fr": f"{at_place(seen.commune.name, True)}, {len(seen.units)} îlots ont du sol "
            "minéral, mais aucun "
            "ne peut être désimperméabilisé sans lever un obstacle.",
            "en": f"In {seen.commune.name}, {len(seen.units)} blocks have mineral ground, but none "
            "can be desealed without lifting an obstacle.",
        }
    best = seen.first.iloc[0]
    row = int(seen.first.index[0])
    count = int(seen.found.table["candidate"].sum())
    out = {}
    for lang in ("fr", "en"):
        sure = percent(100 * best["among_first"], 0, lang)
        among = _among(seen.found.first, lang)
        total = number(count, 0, lang)
        name = seen.names[row][lang]
        if lang == "fr":
            out[lang] = (
                f"{at_place(seen.commune.name, True)}, sur {total} îlots où l'on peut retirer "
                "de l'asphalte, le premier à regarder est : "
                f"{name} ; {among} dans {sure} des tirages où l'on fait varier poids et données."
            )
        else:
            out[lang] = (
                f"In {seen.commune.name}, of {total} blocks where asphalt can go, the first to "
                f"look at is {name}; {among} in {sure} of the draws in which "
                "weights and data vary."
            )
    return {"fr": french(out["fr"]), "en": out["en"]}


def _among(first: int, lang: str) -> str:
    """« il est parmi les 10 premiers »."""
    if lang == "fr":
        return "il reste premier" if first == 1 else f"il reste parmi les {first} premiers"
    return "it stays first" if first == 1 else f"it stays among the first {first}"


def _rank_words(row: Any, lang: str) -> str:
    low, high = int(row["rank_low"]), int(row["rank_high"])
    if lang == "fr":
        return f"rang {int(row['rank'])}" + (f" (de {low} à {high})" if low != high else "")
    return f"rank {int(row['rank'])}" + (f" ({low} to {high})" if low != high else "")


def indicators(seen: Seen, weights: dict[str, float]) -> tuple[Indicator, ...]:
    """Figures: how much, the first three, and how robust."""
    table = seen.found.table
    out: list[Indicator] = []

    def add(
        name: str, fr: str, en: str, value: float | str | None, unit: str, group: str,
        low: float | None = None, high: float | None = None, digits: int = 0, source: str = _LCZ,
    ) -> None:  # fmt: skip
        label: Text = {"fr": french(fr), "en": en}
        out.append(Indicator(name, label, value, unit, low, high, seen.date, source, digits, group))

    candidate = table["candidate"].to_numpy(bool)
    mineral = seen.units["mineral_m2"].to_numpy(float) / 1e4
    sure = mineral * np.clip(1 - 5.0 / np.maximum(seen.units["ror"].to_numpy(float), 5.0), 0, 1)
    wide = mineral * (1 + 5.0 / np.maximum(seen.units["ror"].to_numpy(float), 5.0))
    # What one comes for first: where to start.
    ranked = [
        (place, int(row), seen.names[int(row)], gain)
        for place, (row, gain) in enumerate(zip(seen.first.index, seen.won, strict=False), 1)
    ][:3]
    for place, row, name, _ in ranked:
        need, low, high = (
            100 * float(seen.first[column].loc[row]) for column in ("need", "need_low", "need_high")
        )
        add(f"first_{place}", f"{place}. {name['fr']} : besoin, sur 100",
            f"{place}. {name['en']}: need, of 100", need, "", "first", low, high)  # fmt: skip
    rain = number(seen.options["rain"])
    for place, _, name, gain in ranked:
        add(f"first_{place}_runoff",
            f"{place}. {name['fr']} : eau retenue pour une pluie de {rain} mm, si la moitié du sol "
            "minéral est plantée", f"{place}. {name['en']}: water kept for {rain} mm of rain, if "
            "half of the mineral ground is planted",
            gain.volume, "m³", "first", gain.low, gain.high)  # fmt: skip
    add("sectors", "Îlots où l'on peut retirer de l'asphalte", "Blocks where asphalt can go",
        float(candidate.sum()), "", "sectors")  # fmt: skip
    add("mineral_area", "Sol minéral de ces îlots, hors bâtiments",
        "Mineral ground of these blocks, without buildings", float(mineral[candidate].sum()), "ha",
        "sectors", float(sure[candidate].sum()), float(wide[candidate].sum()))  # fmt: skip
    add("vetoed", "Îlots écartés par un obstacle qu'aucune note ne rachète",
        "Blocks set aside by an obstacle that no score buys back",
        float((table["vetoed"] != "").sum()), "", "sectors")  # fmt: skip
    if not seen.first.empty:
        certain = float((seen.found.table["among_first"] >= 0.9).sum())
        top = seen.found.first
        first_fr = "premiers" if top == 1 else f"parmi les {top} premiers"
        first_en = "first" if top == 1 else f"among the first {top}"
        add("surely_first", f"Îlots {first_fr} dans 90 % des tirages ou plus",
            f"Blocks {first_en} in 90% of the draws or more", certain, "",
            "robustness")  # fmt: skip
        _robustness(seen, weights, add)
    return tuple(out)


def _robustness(seen: Seen, weights: dict[str, float], add: Any) -> None:
    """What would dethrone the first, and which criterion decides."""
    rows = np.flatnonzero(seen.found.table["candidate"].to_numpy(bool))
    if len(rows) < 2:
        return
    values = seen.found.values[rows]
    w = np.array([weights[c.name] for c in NEED])
    change = smallest_change(values, w)
    if change is None:
        add("dethroned_by", "Le premier le reste quels que soient les poids",
            "The first stays first whatever the weights", "oui", "", "robustness")  # fmt: skip
    else:
        rival = seen.names[int(rows[change.rival])]
        add("weight_to_change",
            f"Part des poids à déplacer pour qu'un autre passe premier : {rival['fr']}",
            f"Share of the weights to move for another to come first: {rival['en']}",
            100 * change.moved, "%", "robustness", digits=1)  # fmt: skip
    which, changed = deciding_criterion(values, w, seen.found.first)
    if which >= 0:
        label = NEED[which].label
        add("deciding_criterion",
            f"Critère qui décide le plus : sans « {label['fr'].lower()} », cette part des "
            "premiers change", f"Criterion that decides most: without '{label['en'].lower()}' "
            "this share of the first changes", 100 * changed, "%", "robustness")  # fmt: skip


def caveats(seen: Seen, missing: tuple[str, ...], unchecked: tuple[str, ...]) -> tuple[Text, ...]:
    """What the order does not say."""
    out: list[Text] = [
        {
            "fr": "Le besoin fait l'ordre ; la faisabilité et les obstacles disent où c'est "
            "possible : ils ne se compensent pas. Une aide pour choisir où aller voir.",
            "en": "Need makes the order; feasibility and obstacles say where it can be done: they "
            "do not make up for one another. It helps to choose where to go and look.",
        },
        {
            "fr": f"L'ordre dépend des poids : il est refait {DRAWS} fois avec des poids tirés "
            "autour des vôtres et des données tirées dans leur incertitude.",
            "en": f"The order depends on the weights: it is made again {DRAWS} times with weights "
            "drawn around yours and data drawn within their uncertainty.",
        },
    ]
    unknown_heat = int(seen.units["heat"].isna().sum())
    if unknown_heat:
        out.append(
            {
                "fr": f"{unknown_heat} îlots ont une sensibilité à la chaleur « variable » : pour "
                "eux ce critère est inconnu, et leur note un intervalle.",
                "en": f"{unknown_heat} blocks have a 'variable' sensitivity to heat: for them this "
                "criterion is unknown, and their score an interval.",
            }
        )
    if missing:
        out.append(
            {
                "fr": "Sans données ici : " + ", ".join(LABELS[m]["fr"].lower() for m in missing)
                + ". Un critère absent n'est pas zéro : il élargit les notes.",
                "en": "No data here: " + ", ".join(LABELS[m]["en"].lower() for m in missing)
                + ". A missing criterion is not zero: it widens the scores.",
            }
        )  # fmt: skip
    if unchecked:
        out.append(
            {
                "fr": "Obstacles que rien ici ne permet de vérifier : "
                + ", ".join(VETO_LABELS[u]["fr"] for u in unchecked)
                + ". Réseaux enterrés : jamais.",
                "en": "Obstacles that nothing here can check: "
                + ", ".join(VETO_LABELS[u]["en"] for u in unchecked)
                + ". Buried networks: never.",
            }
        )  # fmt: skip
    return (*out, *ASSUMPTIONS)


#: Of the obstacles, the one that no national layer tells.
WATER_TABLE: Text = {
    "fr": "Il manque la profondeur de la nappe d'eau souterraine : si vous l'avez, ajoutez-la à "
    "vos données (couche avec une colonne nappe_m, en mètres).",
    "en": "The depth of the water table is missing: if you have it, add it to your data (a layer "
    "with a column nappe_m, in metres).",
}


def remedy(missing: tuple[str, ...], unchecked: tuple[str, ...]) -> Text:
    """What would make it complete."""
    from ..catalog import stac

    wanted = {c.dataset for c in CRITERIA if c.name in missing}
    wanted |= {v.dataset for v in VETOES if v.name in unchecked and v.name != "water_table"}
    asked = [stac.remedy(dataset) for dataset in sorted(wanted)]
    if "water_table" in unchecked and "ground-hazards" not in wanted:
        asked.append(WATER_TABLE)
    return {lang: " ".join(one[lang] for one in asked) for lang in ("fr", "en")}


def sector_headline(seen: Seen, row: int, gain: Gain) -> Text:
    """One sector: its rank, or what forbids it, and what it would bring."""
    name, table = seen.names[row], seen.found.table.loc[row]
    area = seen.units["mineral_m2"].iloc[row] * SHARE
    out = {}
    for lang in ("fr", "en"):
        if table["vetoed"]:
            why = ", ".join(VETO_LABELS[v][lang] for v in str(table["vetoed"]).split(", "))
            out[lang] = (
                f"{name[lang]} : écarté ({why})." if lang == "fr" else f"{name[lang]}: set aside "
                f"({why})."
            )  # fmt: skip
            continue
        place = (
            _rank_words(table, lang) if table["candidate"]
            else ("peu faisable" if lang == "fr" else "hardly feasible")
        )  # fmt: skip
        ground, water = number(area, 0, lang), number(gain.volume, 0, lang)
        rain = number(seen.options["rain"], 0, lang)
        if lang == "fr":
            out[lang] = (
                f"{name[lang]}, {place} {at_place(seen.commune.name)} : planter {ground} m² "
                "d'asphalte "
                f"retiendrait {water} m³ d'eau pour une pluie de {rain} mm."
            )
        else:
            out[lang] = (
                f"{name[lang]}, {place} in {seen.commune.name}: planting {ground} m² of asphalt "
                f"would keep {water} m³ of water for {rain} mm of rain."
            )
    return {"fr": french(out["fr"]), "en": out["en"]}


def sector_indicators(seen: Seen, row: int, gain: Gain) -> tuple[Indicator, ...]:
    """Every criterion of one sector in its own unit, scores, and gains."""
    unit, table = seen.units.iloc[row], dict(seen.found.table.iloc[row])
    out: list[Indicator] = []
    axes: dict[str, Text] = {
        "need": {"fr": "Besoin, sur 100", "en": "Need, of 100"},
        "feasibility": {"fr": "Faisabilité, sur 100", "en": "Feasibility, of 100"},
    }
    for axis, label in axes.items():
        one, low, high = (100 * float(table[f"{axis}{end}"]) for end in ("", "_low", "_high"))
        out.append(Indicator(axis, label, one, "", low, high, seen.date, _LCZ, 0, "first"))
    rain = number(seen.options["rain"])
    water: Text = {
        "fr": f"Eau retenue pour une pluie de {rain} mm, si la moitié est plantée (curve numbers)",
        "en": f"Water kept for {rain} mm of rain, if half is planted (curve numbers)",
    }
    other: Text = {"fr": "La même, méthode rationnelle", "en": "The same, rational method"}
    worst, best = sorted(gain.rational)
    out.append(
        Indicator("runoff_avoided", water, gain.volume, "m³", gain.low, gain.high, seen.date,
                  _LCZ, 0, "gain")
    )  # fmt: skip
    out.append(
        Indicator("runoff_avoided_rational", other, (worst + best) / 2, "m³", worst, best,
                  seen.date, _LCZ, 0, "gain")
    )  # fmt: skip
    if gain.before and gain.after:
        levels = sensitivity_of([gain.before, gain.after])
        for which, code, level in zip(("before", "after"), (gain.before, gain.after), levels,
                                      strict=True):  # fmt: skip
            today = which == "before"
            label = {
                "fr": f"Zone climatique locale {'de ce jour' if today else 'une fois planté'}",
                "en": f"Local Climate Zone {'today' if today else 'once planted'}",
            }
            heat = SENSITIVITIES[level].label["fr"].lower() if isinstance(level, str) else "?"
            words = f"{code}, {CLASSES[code].label['fr'].lower()} ; sensibilité {heat}"
            out.append(
                Indicator(f"lcz_{which}", label, words, "", None, None, seen.date, _LCZ, 0, "gain")
            )
    for criterion in (*NEED, *FEASIBILITY):
        value = unit.get(criterion.name, np.nan)
        low, high = (unit.get(f"{criterion.name}_{end}", np.nan) for end in ("low", "high"))
        said: float | str | None = None if pd.isna(value) else float(value)
        what = criterion.unit
        if criterion.name == "heat":
            level = unit.get("sensitivity")
            said = SENSITIVITIES[level].label["fr"] if isinstance(level, str) else None
            what = ""
        known = not pd.isna(low) and what != "" and low < high
        least, most = (float(low), float(high)) if known else (None, None)
        out.append(
            Indicator(criterion.name, criterion.label, said, what, least, most, seen.date,
                      criterion.dataset, 1, "criteria")
        )  # fmt: skip
    return tuple(out)
