"""The theme's words: headlines, caveats and labels, in French and in English."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np

from ..territory.commune import Commune
from ..text import Text, at_place, french, number, percent
from .inec import CLASSES, SIGMA_RECENT

__all__ = [
    "NATIONAL",
    "REMEDY",
    "caveats",
    "headline",
    "inland",
    "nothing",
    "period",
    "structures_only",
    "tooltips",
]

REMEDY: Text = {
    "fr": "Téléchargez l'indicateur national de l'érosion côtière de votre façade (Cerema, "
    "Géolittoral : n_evolution_trait_cote_s), et indiquez son dossier.",
    "en": "Download the national indicator of coastal erosion of your seaboard (Cerema, "
    "Géolittoral: n_evolution_trait_cote_s), and give its folder.",
}
#: What Cerema published for the country: shares of the coast.
NATIONAL: Text = {
    "fr": french(
        "Pour comparer : en France, environ 19 % du trait de côte naturel recule, et 37 % des "
        "côtes basses sableuses (Cerema, 2018)."
    ),
    "en": "To compare: in France about 19% of the natural coast is in retreat, and 37% of low "
    "sandy coasts (Cerema, 2018).",
}


def _text(fr: str, en: str) -> Text:
    return {"fr": french(fr), "en": en}


def nothing(commune: Commune, away: bool) -> Text:
    """Headline where there is no data."""
    if away:
        return _text(
            f"Les données sur le trait de côte disponibles ici ne couvrent pas {commune.name}.",
            f"The coastline data at hand do not cover {commune.name}.",
        )
    return _text(
        f"Pas encore de données sur le trait de côte pour {commune.name}.",
        f"No coastline data yet for {commune.name}.",
    )


def inland(commune: Commune) -> Text:
    """Headline of a commune without a coast."""
    return _text(
        f"{commune.name} n'est pas au bord de la mer : l'indicateur national de l'érosion côtière "
        "n'y a aucun profil, il n'y a rien à mesurer.",
        f"{commune.name} is not by the sea: the national indicator of coastal erosion has no "
        "profile there, there is nothing to measure.",
    )


def period(profiles: gpd.GeoDataFrame, lang: str = "fr", told: bool = False) -> str:
    """« entre 1934-1977 et 2012 »: years of the lines of what was measured.

    ``told``: as a sentence says it, « entre les années 1934 à 1977, selon l'endroit, et 2012 ».
    """
    known = profiles[profiles["rate"].notna()]
    old, recent = known["old"].dropna(), known["recent"].dropna()
    if old.empty or recent.empty:
        years = known["years"].dropna()
        if years.empty:
            return "période inconnue" if lang == "fr" else "period not told"
        low, high = number(years.min()), number(years.max())
        span = low if low == high else (f"{low} à {high}" if lang == "fr" else f"{low} to {high}")
        return f"sur {span} ans" if lang == "fr" else f"over {span} years"

    def between(values: object) -> str:
        low, high = int(np.min(values)), int(np.max(values))  # type: ignore[call-overload]
        if low == high:
            return str(low)
        if not told:
            return f"{low}-{high}"
        if lang == "fr":
            return f"les années {low} à {high}, selon l'endroit,"
        return f"the years {low} to {high}, by place,"

    first, last = between(old), between(recent)
    return f"entre {first} et {last}" if lang == "fr" else f"between {first} and {last}"


def _km(metres: float, lang: str) -> str:
    return f"{number(metres / 1000, 1, lang)} km"


def headline(
    commune: Commune, profiles: gpd.GeoDataFrame, metres: Mapping[str, float], possible: float
) -> Text:
    """Kilometres in retreat, of how many measured, with the period.

    ``possible``: metres of all profiles whose rate is negative, perceptible or not.
    """
    out = {}
    for lang in ("fr", "en"):
        told, all_ = _km(metres["retreat"], lang), _km(metres["measured"], lang)
        share = percent(100 * metres["retreat"] / metres["measured"], 0, lang)
        when = period(profiles, lang, told=True).removesuffix(",")
        most = _km(possible, lang)
        rest = metres["total"] - metres["measured"]
        more = possible - metres["retreat"] >= 50
        if lang == "fr":
            out[lang] = (
                f"{when[0].upper()}{when[1:]}, {told} de côte sur {all_} mesurés ont reculé de "
                f"façon perceptible {at_place(commune.name)}, soit {share}"
                + (f" ({most} en comptant les reculs trop petits pour être sûrs)" if more else "")
                + (f" ; {_km(rest, lang)} n'ont pas été mesurés." if rest >= 50 else ".")
            )
        else:
            out[lang] = (
                f"{when[0].upper()}{when[1:]}, {told} of the {all_} of coast measured at "
                f"{commune.name} retreated perceptibly, {share}"
                + (f" ({most} with retreats too small to be sure of)" if more else "")
                + (f"; {_km(rest, lang)} were not measured." if rest >= 50 else ".")
            )
    return _text(out["fr"], out["en"])


def structures_only(commune: Commune, metres: Mapping[str, float]) -> Text:
    """Headline where the indicator has profiles but no rate."""
    built, total = metres["structure"], metres["total"]
    return _text(
        f"L'indicateur national ne donne aucune vitesse {at_place(commune.name)} : sur "
        f"{_km(total, 'fr')} "
        f"de côte, {_km(built, 'fr')} sont tenus par des ouvrages et le reste n'a pas été mesuré.",
        f"The national indicator gives no rate at {commune.name}: of {_km(total, 'en')} of coast, "
        f"{_km(built, 'en')} are held by structures and the rest was not measured.",
    )


def caveats(profiles: gpd.GeoDataFrame, sigma_old: float, horizon: int) -> tuple[Text, ...]:
    """What any reader should know."""
    years = profiles.loc[profiles["rate"].notna(), "years"].dropna()
    out = [
        _text(
            "L'indicateur suit un repère visible sur les photographies (limite de végétation, "
            "falaise), pas la ligne d'eau : ses vitesses ne se mélangent pas à celles d'un trait "
            "de côte vu par satellite.",
            "The indicator follows a marker seen on photographs (edge of vegetation, cliff), not "
            "the waterline: its rates are not to be mixed with those of satellite shorelines.",
        ),
        _text(
            "Une vitesse est celle de sa période : la même côte peut reculer sur quinze ans et "
            "avancer sur quarante.",
            "A rate is one of its period: the same coast may retreat over fifteen years and "
            "advance over forty.",
        ),
        _text(
            "L'indicateur ne publie pas d'erreur par profil : les intervalles supposent "
            f"{number(sigma_old, 1)} m sur la ligne ancienne et {number(SIGMA_RECENT, 1)} m sur la "
            "récente (erreurs types) ; une évolution plus petite est dite non perceptible.",
            "The indicator publishes no error for a profile: intervals assume "
            f"{number(sigma_old, 1, 'en')} m on the old line and "
            f"{number(SIGMA_RECENT, 1, 'en')} m on the recent one (standard errors); a smaller "
            "change is called not perceptible.",
        ),
        NATIONAL,
        _text(
            f"La position en {horizon} est une extrapolation de la vitesse passée, pas une "
            "prévision : ni la montée de la mer, ni les tempêtes, ni les ouvrages n'y sont.",
            f"The position in {horizon} is an extrapolation of the past rate, no forecast: "
            "neither sea-level rise, nor storms, nor structures are in it.",
        ),
    ]
    if len(years) and years.max() - years.min() > 10:
        out.insert(
            2,
            _text(
                f"Les durées vont de {number(years.min())} à {number(years.max())} ans selon le "
                "profil : des vitesses égales ne sont pas également sûres.",
                f"Durations go from {number(years.min())} to {number(years.max())} years: equal "
                "rates are not equally sure.",
            ),
        )
    return tuple(out)


def tooltips(profiles: gpd.GeoDataFrame) -> dict[str, list[str]]:
    """One sentence a profile: rate, interval, years."""
    labels = {c.name: c.label for c in CLASSES}
    out: dict[str, list[str]] = {"fr": [], "en": []}
    for row in profiles.itertuples():
        for lang, told in out.items():
            fr = lang == "fr"
            if not np.isfinite(row.rate):
                none = ("Ouvrage : pas de vitesse", "Structure: no rate")
                if not row.structure:
                    none = ("Non mesuré, ou autre repère", "Not measured, or another marker")
                told.append(none[0] if fr else none[1])
                continue
            text = (
                f"{labels[row.inec_class][lang]} : " if fr else f"{labels[row.inec_class][lang]}: "
            )
            text += f"{number(row.rate, 2, lang)} m/{'an' if fr else 'yr'}"
            if np.isfinite(row.low):
                low, high = number(row.low, 2, lang), number(row.high, 2, lang)
                text += f" (entre {low} et {high})" if fr else f" (between {low} and {high})"
            if np.isfinite(row.old) and np.isfinite(row.recent):
                text += f", {row.old:.0f}-{row.recent:.0f}"
            elif np.isfinite(row.years):
                text += f", sur {row.years:.0f} ans" if fr else f", over {row.years:.0f} years"
            told.append(french(text) if fr else text)
    return out
