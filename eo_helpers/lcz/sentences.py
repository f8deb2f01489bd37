"""The theme's words: headlines and tooltips, in French and in English."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from ..territory.commune import Commune
from ..text import Text, at_place, number, percent
from .schema import CLASSES, SENSITIVITIES, index_from_codes
from .shares import MIN_UNIQUENESS, Share

__all__ = [
    "REMEDY",
    "REMEDY_PARTIAL",
    "headline",
    "nothing",
    "part",
    "sentence",
    "tooltips",
]

REMEDY: Text = {
    "fr": "Téléchargez sur data.gouv.fr l'archive LCZ de l'aire urbaine (Cerema, jeu "
    "« Cartographie des zones climatiques locales »), ou une carte GeoClimate de la commune ; "
    "hors des aires couvertes et outre-mer, produisez-la à partir de la BD TOPO "
    "(eo-helpers lcz produce). Puis indiquez son dossier.",
    "en": "Download the urban area's LCZ archive from data.gouv.fr (Cerema), or a GeoClimate map "
    "of the commune; outside the areas covered, and overseas, make it from BD TOPO (eo-helpers "
    "lcz produce). Then give its folder.",
}
REMEDY_PARTIAL: Text = {
    "fr": "Ajoutez au dossier l'archive LCZ de l'aire urbaine voisine si elle existe : une partie "
    "de la commune n'est pas cartographiée.",
    "en": "Add the LCZ archive of the neighbouring urban area if there is one: part of the "
    "commune is not mapped.",
}


def _french(text: str) -> str:
    """Narrow no-break spaces where French typography wants them."""
    for sign in ";!?":
        text = text.replace(f" {sign}", f"\u202f{sign}")
    return text.replace(" :", "\u00a0:").replace("« ", "«\u00a0").replace(" »", "\u00a0»")


def sentence(fr: str, en: str) -> Text:
    """A sentence in both languages, the French one with its no-break spaces."""
    return {"fr": _french(fr), "en": en}


def nothing(commune: Commune, away: bool) -> Text:
    """Headline where there is no map."""
    if away:
        return sentence(
            f"Les cartes de climat local disponibles ici ne couvrent pas {commune.name}.",
            f"The local climate maps at hand do not cover {commune.name}.",
        )
    return sentence(
        f"Pas encore de carte de climat local pour {commune.name}.",
        f"No local climate map yet for {commune.name}.",
    )


def part(value: float, lang: str) -> str:
    """A share (0-1) as people say it: « 31 % », « moins de 1 % »."""
    if 0 < value < 0.01:
        return ("moins de " if lang == "fr" else "less than ") + percent(1, 0, lang)
    return percent(100 * value, 0, lang)


def _between(share: Share, lang: str) -> str:
    """« (entre 28 et 35 %) », empty where no bounds are known or they round to the value."""
    if share.low is None or share.high is None:
        return ""
    low, high = number(100 * share.low, 0, lang), percent(100 * share.high, 0, lang)
    if percent(100 * share.low, 0, lang) == high:
        return ""
    return f" (entre {low} et {high})" if lang == "fr" else f" (between {low} and {high})"


def headline(
    commune: Commune,
    area: Share,
    people: Share | None,
    unclassed: float,
    variable: float,
) -> Text:
    """One plain sentence.

    Parameters
    ----------
    area, people : Share
        Part of the commune's surface, and of its people where known, of high or very
        high sensitivity.
    unclassed : float
        Part of the surface without a class (0-1).
    variable : float
        Part of the surface whose sensitivity depends on the place (0-1).
    """
    out = {}
    for lang in ("fr", "en"):
        french = lang == "fr"
        value = part(area.value, lang) + _between(area, lang)
        if round(100 * area.value, 3) == 0:
            text = (
                f"{at_place(commune.name, True)}, aucun quartier n'est classé sensible ou très "
                "sensible à la "
                "chaleur en période de canicule"
                if french
                else f"In {commune.name}, no district is classed as sensitive or very sensitive "
                "to heat waves"
            )
            if area.high and area.high >= 0.005:
                most = percent(100 * area.high, 0, lang)
                text += (
                    f" (au plus {most} de la surface)"
                    if french
                    else f" (at most {most} of the area)"
                )
        else:
            lives = ""
            if people is not None:
                who = part(people.value, lang) + _between(people, lang)
                lives = (
                    f", où vivent {who} des habitants,"
                    if french
                    else f", home to {who} of the people,"
                )
            text = (
                f"{at_place(commune.name, True)}, {value} de la surface{lives} est classée "
                "sensible ou très "
                "sensible à la chaleur en période de canicule"
                if french
                else f"In {commune.name}, {value} of the area{lives} is classed as sensitive or "
                "very sensitive to heat waves"
            )
        rest = []
        if variable >= 0.05:
            v = percent(100 * variable, 0, lang)
            rest.append(
                f"{v} (zones d'activités, sols minéraux) sont à voir au cas par cas"
                if french
                else f"{v} (business parks, paved ground) must be looked at case by case"
            )
        if unclassed >= 0.02:
            u = percent(100 * unclassed, 0, lang)
            rest.append(f"{u} n'est pas classé" if french else f"{u} is not classed")
        out[lang] = text + (" ; " if french else "; ") * bool(rest)
        out[lang] += (" et " if french else " and ").join(rest) + "."
    return sentence(out["fr"], out["en"])


_UNITS: dict[str, tuple[str, str, str, str]] = {
    "hre": ("hauteur moyenne", "mean height", "m", "m"),
    "are": ("emprise moyenne des bâtiments", "mean building footprint", "m²", "m²"),
    "vhr": ("part d'arbres dans la végétation", "share of trees in vegetation", "points", "points"),
}


def _number(value: float, lang: str) -> str:
    # Thousands of tooltips: the locale library would take seconds.
    text = f"{value:,.0f}" if abs(value) >= 20 else f"{value:.1f}"
    if lang == "en":
        return text
    return text.replace(",", "\u202f").replace(".", ",")


def _change(threshold: str, change: float, lang: str) -> str:
    group = threshold.partition("=")[0]
    french = lang == "fr"
    if group in _UNITS:
        fr, en, unit_fr, unit_en = _UNITS[group]
        size = _number(abs(change), lang)
        if french:
            return f"{fr} {'supérieure' if change >= 0 else 'inférieure'} de {size} {unit_fr}"
        return f"{en} {size} {unit_en} {'higher' if change >= 0 else 'lower'}"
    size = _number(abs(change), lang)
    if french:
        return f"autre couverture du sol sur {size} % du bloc"
    return f"other ground cover on {size}% of the block"


def tooltips(blocks: gpd.GeoDataFrame, near: pd.DataFrame | None) -> pd.DataFrame:
    """Plain words per block: class, sensitivity, area, and how sure.

    Parameters
    ----------
    blocks : geopandas.GeoDataFrame
        As :func:`eo_helpers.lcz.data.read` returns it.
    near : pandas.DataFrame or None
        From :func:`eo_helpers.lcz.thresholds.threshold_distance`, for Cerema's maps.

    Returns
    -------
    pandas.DataFrame
        ``tooltip_fr``, ``tooltip_en``.
    """
    hints: list[tuple[str, str]] = [("", "")] * len(blocks)
    alternative: Any = None
    if near is not None:
        same = near["lcz"].to_numpy(dtype=object) == blocks["lcz"].to_numpy(dtype=object)
        unsure = np.flatnonzero(same & (near["threshold_distance"].to_numpy() < 1))
        alternative = near["lcz_alternative"].to_numpy(dtype=object)
        names, changes = (
            near["threshold"].to_numpy(dtype=object),
            near["threshold_change"].to_numpy(),
        )
        for i in unsure:
            fr, en = (_change(names[i], changes[i], lang) for lang in ("fr", "en"))
            hints[i] = (
                f" · serait LCZ {alternative[i]} avec une {fr}",
                f" · would be LCZ {alternative[i]} with {en}",
            )
    elif "uniqueness" in blocks:
        alternative = blocks["lcz_alternative"].to_numpy(dtype=object)
        unsure = blocks["uniqueness"].to_numpy(dtype=float) < MIN_UNIQUENESS
        for i in np.flatnonzero(unsure & (index_from_codes(alternative) >= 0)):
            hints[i] = (
                f" · classe peu sûre, LCZ {alternative[i]} est presque aussi proche",
                f" · not sure: LCZ {alternative[i]} is nearly as close",
            )
    rows = []
    for code, area, hint in zip(
        blocks["lcz"].to_numpy(dtype=object), blocks["area_m2"].to_numpy(), hints, strict=True
    ):
        lcz = CLASSES.get(code) if isinstance(code, str) else None
        if lcz is None:
            fr, en = "Zone non classée", "Not classed"
        else:
            level = SENSITIVITIES[lcz.sensitivity].label
            fr = f"LCZ {code}, {lcz.label['fr']} · sensibilité {level['fr'].lower()}"
            en = f"LCZ {code}, {lcz.label['en']} · {level['en'].lower()} sensitivity"
        size, unit = (area / 1e4, "ha") if area >= 1000 else (area, "m²")
        rows.append(
            (
                f"{fr} · {_number(size, 'fr')}\u00a0{unit}{hint[0]}",
                f"{en} · {_number(size, 'en')}\u00a0{unit}{hint[1]}",
            )
        )
    return pd.DataFrame(rows, columns=["tooltip_fr", "tooltip_en"], index=blocks.index)
