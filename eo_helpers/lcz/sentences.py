"""The theme's words: headlines, caveats and tooltips, in French and in English."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from ..territory.commune import Commune
from ..territory.population import Shared
from ..text import Text, number, percent
from .schema import CLASSES, SENSITIVITIES, index_from_codes
from .shares import MIN_UNIQUENESS, Certainty, Share

__all__ = ["REMEDY", "REMEDY_PARTIAL", "caveats", "headline", "nothing", "tooltips"]

REMEDY: Text = {
    "fr": "Téléchargez sur data.gouv.fr l'archive LCZ de l'aire urbaine (Cerema, jeu "
    "« Cartographie des zones climatiques locales »), ou une carte GeoClimate de la commune, "
    "et indiquez son dossier.",
    "en": "Download the urban area's LCZ archive from data.gouv.fr (Cerema), or a GeoClimate map "
    "of the commune, and give its folder.",
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


def _text(fr: str, en: str) -> Text:
    return {"fr": _french(fr), "en": en}


def at(name: str) -> str:
    """« À Redon », « Au Havre », « Aux Herbiers »."""
    for article, contracted in (("Le ", "Au "), ("Les ", "Aux ")):
        if name.startswith(article):
            return contracted + name[len(article) :]
    return f"À {name}"


def nothing(commune: Commune, away: bool) -> Text:
    """Headline where there is no map."""
    if away:
        return _text(
            f"Les cartes de climat local disponibles ici ne couvrent pas {commune.name}.",
            f"The local climate maps at hand do not cover {commune.name}.",
        )
    return _text(
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
                f"{at(commune.name)}, aucun quartier n'est classé sensible ou très sensible à la "
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
                who = part(people.value, lang)
                lives = (
                    f", où vivent {who} des habitants,"
                    if french
                    else f", home to {who} of the people,"
                )
            text = (
                f"{at(commune.name)}, {value} de la surface{lives} est classée sensible ou très "
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
    return _text(out["fr"], out["en"])


def caveats(
    dataset: str, sure: Certainty, people: Shared | None, notes: list[dict[str, str]]
) -> tuple[Text, ...]:
    """What the reader must know, from the plainest to the finest."""
    out: list[tuple[str, str]] = [
        (
            "Une « zone climatique locale » (LCZ) est un morceau de ville ou de campagne d'un "
            "même genre (centre dense, pavillons, bois, eau …), décrit par ses bâtiments et son "
            "sol. Le genre dit si l'air y reste chaud en été ; ce n'est pas une température "
            "mesurée.",
            "A 'Local Climate Zone' (LCZ) is a piece of town or country of one kind (dense "
            "centre, houses, wood, water …), described by its buildings and ground. The kind "
            "says how heat builds up there; it is not a measured temperature.",
        ),
        (
            "C'est un pré-diagnostic : il dit où regarder en premier, pas ce qu'il fait dans une "
            "rue donnée, et il ne dit rien de la nuit.",
            "It is a pre-diagnosis: it says where to look first, not what a given street is like, "
            "and nothing about the night.",
        ),
        (
            "« Variable » n'est pas un degré de l'échelle : la chaleur y dépend du lieu (toitures, "
            "parkings, ombrage).",
            "'Variable' is not a step of the scale: heat there depends on the place (roofs, car "
            "parks, shade).",
        ),
    ]
    if dataset == "lcz-cerema":
        out.append(
            (
                "Les îlots sont ceux de 2018 et l'image de 2022 : ce qui a été construit ou "
                "planté depuis n'est pas vu.",
                "The blocks are those of 2018 and the image of 2022: what was built or planted "
                "since is not seen.",
            )
        )
        out.append(
            (
                "La règle de classement a des seuils nets, sur une hauteur et une emprise "
                "moyennes : un bloc proche d'un seuil peut basculer. Les fourchettes disent "
                "jusqu'où les parts iraient si tous ces blocs basculaient ensemble (à 5 points "
                "de couverture du sol, 2 m de hauteur, 100 m² d'emprise ou 10 points d'arbres "
                "près : hypothèse de travail, le Cerema ne publie pas de précision par bloc).",
                "The rule has hard thresholds on a mean height and a mean footprint: a block near "
                "one may tip over. The ranges tell how far the shares would go if all of these "
                "blocks did together (within 5 points of ground cover, 2 m, 100 m² or 10 points "
                "of trees: a working assumption, Cerema publishes no accuracy per block).",
            )
        )
        if sure.rule_agreement is not None and sure.rule_agreement < 0.9995:
            share = 100 * (1 - sure.rule_agreement)
            out.append(
                (
                    f"La règle ne redonne pas la classe publiée pour {percent(share, 1)} des "
                    "blocs ; la classe publiée est gardée, et ces blocs comptent comme incertains.",
                    f"The rule does not give the published class for {percent(share, 1, 'en')} of "
                    "the blocks; the published class is kept and they count as unsure.",
                )
            )
    elif dataset == "lcz-geoclimate":
        out.append(
            (
                "Cette carte vient de GeoClimate (bâtiments et occupation du sol) et non du "
                "Cerema : ses limites et ses seuils diffèrent. Sur Redon, deux cartes GeoClimate "
                "tirées de deux sources s'accordent sur 62 % de la surface.",
                "This map is GeoClimate's (buildings and land cover), not Cerema's: its blocks "
                "and thresholds differ. Over Redon, two GeoClimate maps from two sources agree "
                "on 62% of the area.",
            )
        )
        out.append(
            (
                "Les fourchettes disent jusqu'où les parts iraient si tous les blocs dont la "
                "deuxième classe est presque aussi proche que la première (moins du double de "
                "la distance) basculaient ensemble. Pour la végétation, l'eau et les sols, "
                "GeoClimate ne dit pas sa certitude : il n'y a pas de fourchette.",
                "The ranges tell how far the shares would go if all blocks whose second class is "
                "nearly as close as the first (less than twice as far) tipped over together. For "
                "vegetation, water and soils GeoClimate does not tell how sure it is: no range.",
            )
        )
    else:
        out.append(
            (
                "Cette carte au pas de 100 m vient d'images satellite (WUDAPT), exactes à 50-60 % "
                "d'après leurs auteurs ; elle ne dit pas où elle se trompe : il n'y a pas de "
                "fourchette.",
                "This 100 m map is drawn from satellite images (WUDAPT), 50-60% accurate by its "
                "authors; it does not tell where it errs: no range.",
            )
        )
    if people is None:
        out.append(
            (
                "Le nombre d'habitants de chaque zone n'est pas connu ici : ajoutez les carreaux "
                "de 200 m de l'INSEE (Filosofi) au dossier de données.",
                "How many people live in each zone is not known here: add INSEE's 200 m cells "
                "(Filosofi) to the data folder.",
            )
        )
    else:
        out.append(
            (
                "Les habitants des carreaux de 200 m (INSEE) sont répartis entre les zones selon "
                "leur surface, comme s'ils vivaient partout également ; l'autre borne les met "
                "tous dans les zones bâties.",
                "People of INSEE's 200 m cells are shared out among zones by area, as if they "
                "lived everywhere alike; the other bound puts them all in the built zones.",
            )
        )
    return (*(_text(fr, en) for fr, en in out), *({**note} for note in notes))


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
