"""The coastline: a denominator, an error, the tide, a regression, a period."""

from __future__ import annotations

from typing import Any

from ..exercice import Exercice, Piege
from .sujet import Sujet

__all__ = ["SUJET"]

#: The figures that the notebook gives: standard errors (m), years between, metres lost.
OLD, RECENT, YEARS = 5.0, 2.0, 65.0


def _km(seance: Any, name: str) -> float:
    return float(seance.analyse("coastline")[name].value)


def _rates(seance: Any) -> Any:
    return seance.couche("coastline", "inec")["rate"]


def _beach(seance: Any) -> tuple[Any, Any]:
    """The invented beach's waterline, as the notebook builds it, and its tide (m)."""
    import pandas as pd

    from ...demo.coast import SLOPE, beach_of

    beach = beach_of(seance.parametres["graine"], (480_000.0, 5_450_000.0))
    seen = pd.DataFrame(
        {
            "transect": "plage",
            "date": beach.dates,
            "distance_m": beach.moved - beach.tide / SLOPE,
        }
    )
    return seen, beach.tide


def _slope(seance: Any) -> float:
    from ...demo.coast import SLOPE

    return SLOPE


def _corrected(seance: Any, sign: float = 1.0) -> Any:
    from ...coastline.positions import correct_tide

    seen, tide = seance.garder(_beach)
    return correct_tide(seen, sign * tide, _slope(seance))


def _rate(positions: Any, years: tuple[int, int] | None = None) -> float:
    from ...coastline.rates import rates

    if years:
        positions = positions[positions["date"].dt.year.between(*years)]
    return float(rates(positions)["lrr"].iloc[0])


def _half_width(old: float = OLD, recent: float = RECENT, times: float = 1.96) -> float:
    import numpy as np

    return times * float(np.hypot(old, recent)) / YEARS


SUJET = Sujet(
    "cote",
    "Lire un recul",
    "atelier_trait_de_cote.ipynb",
    (
        Exercice(
            "part_en_recul",
            "Le dénominateur",
            lambda s: 100 * _km(s, "retreat_km") / _km(s, "measured_km"),
            "%",
            0.5,
            indices=(
                "Un rapport de deux longueurs, fois 100.",
                'resultat["retreat_km"].value divisé par resultat["measured_km"].value',
            ),
            explication="Rapportée à toute la côte, la part est plus petite : les ouvrages et les "
            "trous de mesure sont au dénominateur. Dites toujours lequel.",
            pieges=(
                Piege(
                    lambda s: _km(s, "retreat_share_all"),
                    "vous avez divisé par toute la côte ; on demande la part de la côte mesurée.",
                ),
                Piege(
                    lambda s: _km(s, "retreat_km"),
                    "c'est une longueur en km ; divisez-la par la longueur mesurée.",
                ),
            ),
        ),
        Exercice(
            "sans_vitesse",
            "Ce qui n'est pas mesuré",
            lambda s: int(_rates(s).isna().sum()),
            "profils",
            0,
            indices=(
                "isna() dit où il manque une valeur ; sum() compte les vrais.",
                'profils["rate"].isna().sum()',
            ),
            explication="Ouvrages, ports, ou photographies sans repère : « pas de donnée » n'est "
            "pas « stable ».",
            pieges=(
                Piege(
                    lambda s: int(_rates(s).notna().sum()),
                    "ce sont les profils qui ont une vitesse ; on compte les autres.",
                ),
                Piege(lambda s: len(_rates(s)), "ce sont tous les profils."),
                Piege(
                    lambda s: int((_rates(s) == 0).sum()),
                    "une vitesse nulle est une mesure ; une vitesse absente n'en est pas une.",
                ),
            ),
        ),
        Exercice(
            "demi_largeur",
            "Une vitesse et son erreur",
            lambda s: _half_width(),
            "m/an",
            0.005,
            indices=(
                "Deux erreurs indépendantes s'ajoutent par leurs carrés.",
                "np.hypot(5, 2) fait la racine de la somme des carrés.",
                "1.96 * np.hypot(5, 2) / 65",
            ),
            explication="La vitesse est de 0,20 m/an vers la terre : plus que cette demi-largeur, "
            "donc un recul perceptible, de peu.",
            pieges=(
                Piege(
                    lambda s: 1.96 * (OLD + RECENT) / YEARS,
                    "vous avez additionné les erreurs ; ce sont leurs carrés qui s'ajoutent.",
                ),
                Piege(
                    lambda s: _half_width(times=1.0),
                    "c'est l'erreur type ; un intervalle à 95 % la multiplie par 1,96.",
                ),
                Piege(
                    lambda s: 2 * _half_width(),
                    "c'est la largeur entière ; on demande la moitié, le « plus ou moins ».",
                ),
                Piege(
                    lambda s: _half_width() * YEARS,
                    "c'est l'erreur sur le déplacement, en mètres ; divisez par les 65 années.",
                ),
                Piege(
                    lambda s: 1.96 * (OLD**2 + RECENT**2) / YEARS,
                    "il manque la racine carrée.",
                ),
            ),
        ),
        Exercice(
            "metres_par_metre",
            "La marée",
            lambda s: 1 / _slope(s),
            "m",
            0.2,
            indices=(
                "La pente est une hauteur divisée par une distance.",
                "La distance est donc la hauteur (1 m) divisée par la pente.",
            ),
            explication="Un recul d'un mètre par an se perd facilement là-dedans : il faut "
            "corriger.",
            pieges=(
                Piege(_slope, "c'est la pente elle-même : divisez un mètre par elle."),
                Piege(
                    lambda s: 100 * _slope(s),
                    "c'est la pente en % ; on demande une distance.",
                ),
            ),
        ),
        Exercice(
            "vitesse",
            "La régression",
            lambda s: _rate(_corrected(s)),
            "m/an",
            0.02,
            indices=(
                "D'abord corrigee = correct_tide(ligne_d_eau, plage.tide, SLOPE).",
                "rates(corrigee) est un tableau d'une ligne : ['lrr'].iloc[0].",
            ),
            explication="Ce n'est pas la tendance inventée : les tempêtes de ces neuf ans ont fait "
            "le reste.",
            pieges=(
                Piege(
                    lambda s: _rate(s.garder(_beach)[0]),
                    "la marée n'est pas corrigée : passez d'abord par correct_tide.",
                ),
                Piege(
                    lambda s: _rate(_corrected(s, -1.0)),
                    "la correction est à l'envers : la marée haute cache de la plage.",
                ),
            ),
        ),
        Exercice(
            "sens",
            "La période",
            lambda s: "avance" if _rate(_corrected(s), (2016, 2018)) > 0 else "recule",
            indices=(
                "corrigee['date'].dt.year.between(2016, 2018) choisit les lignes.",
                'Une vitesse positive va vers la mer : "avance" ou "recule".',
            ),
            explication="Et sur neuf ans ? Une vitesse ne se cite jamais sans ses deux dates.",
            pieges=(
                Piege(
                    lambda s: "avance" if _rate(_corrected(s)) > 0 else "recule",
                    "c'est ce que dit la période entière ; gardez 2016 à 2018.",
                ),
            ),
        ),
    ),
    {"graine": 5},
)
