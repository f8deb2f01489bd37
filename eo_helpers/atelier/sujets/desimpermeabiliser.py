"""Where to take asphalt away: criteria, weights, vetoes, robustness, rain."""

from __future__ import annotations

from typing import Any

from ..exercice import Exercice, Piege
from .sujet import Sujet

__all__ = ["SUJET"]


def _blocks(seance: Any) -> Any:
    return seance.couche("desealing", "priority")


def _ten(seance: Any, **weights: float) -> set[Any]:
    return set(seance.couche("desealing", "first", **weights)["number"])


def _stay(seance: Any) -> int:
    return len(_ten(seance) & _ten(seance, w_runoff=3.0))


def _three(seance: Any, column: str = "rank", ascending: bool = True) -> list[int]:
    ranked = _blocks(seance).dropna(subset=["rank"])
    return [int(n) for n in ranked.sort_values(column, ascending=ascending)["number"].head(3)]


def _needy(seance: Any) -> Any:
    return _blocks(seance)["need"] > 0.5


def _vetoed(seance: Any) -> Any:
    return _blocks(seance)["vetoed"] != ""


def _volume(seance: Any) -> float:
    return 1000 * seance.parametres["pluie_mm"] / 1000


SUJET = Sujet(
    "desimpermeabiliser",
    "Choisir où retirer de l'asphalte",
    "atelier_desimpermeabiliser.ipynb",
    (
        Exercice(
            "peu_arbores",
            "Un critère",
            lambda s: int((_blocks(s)["canopy"] < 10).sum()),
            "îlots",
            0,
            indices=(
                "Une condition sur la colonne canopy, en %, puis .sum().",
                "(ilots['canopy'] < 10).sum() compte les vrais.",
            ),
            explication="Presque tout le centre : un critère seul ne choisit pas.",
            pieges=(
                Piege(
                    lambda s: int((_blocks(s)["canopy"] < 30).sum()),
                    "c'est sous 30 %, le seuil de la règle ; on demande sous 10 %.",
                ),
                Piege(
                    lambda s: int((_blocks(s)["canopy"] < 0.1).sum()),
                    "canopy est en % : le seuil est 10, pas 0,1.",
                ),
                Piege(
                    lambda s: int((_blocks(s)["canopy"] >= 10).sum()),
                    "ce sont les autres îlots : l'inégalité est à l'envers.",
                ),
                Piege(
                    lambda s: float((_blocks(s)["canopy"] < 10).mean()),
                    "c'est une part ; on demande un nombre d'îlots : .sum().",
                ),
            ),
        ),
        Exercice(
            "trois_premiers",
            "Les trois premiers",
            _three,
            indices=(
                "La colonne rank donne l'ordre : 1 est le premier.",
                "ilots.sort_values('rank').head(3) garde les trois premières lignes.",
                "Leurs numéros : ['number'].tolist()",
            ),
            explication="Une liste courte : c'est elle que l'on va voir sur place.",
            pieges=(
                Piege(
                    lambda s: _three(s, ascending=False),
                    "ce sont les trois derniers : le rang 1 est le premier.",
                ),
                Piege(
                    lambda s: _three(s, "need", ascending=False),
                    "ce sont ceux qui en ont le plus besoin ; le rang tient compte aussi de ce "
                    "qui est faisable.",
                ),
            ),
        ),
        Exercice(
            "restent",
            "Changer les poids",
            _stay,
            "îlots",
            0,
            indices=(
                'Refaites l\'analyse : eo.analyse("desealing", commune, source, w_runoff=3.0).',
                "La couche « first » donne les dix premiers ; comparez leurs numéros (number).",
                "Deux ensembles : set(a) & set(b) garde ce qu'ils ont en commun.",
            ),
            explication="Un classement qui dépend des poids doit être montré comme tel.",
            pieges=(
                Piege(
                    lambda s: len(_ten(s)) - _stay(s),
                    "ce sont ceux qui sortent ; on demande ceux qui restent.",
                ),
                Piege(
                    lambda s: len(_ten(s) | _ten(s, w_runoff=3.0)),
                    "| réunit les deux listes ; & garde ce qu'elles ont en commun.",
                ),
            ),
        ),
        Exercice(
            "ecartes",
            "Ce qu'aucune note ne rachète",
            lambda s: int((_needy(s) & _vetoed(s)).sum()),
            "îlots",
            0,
            indices=(
                "Deux conditions reliées par &, chacune entre parenthèses.",
                "(ilots['need'] > 0.5) et (ilots['vetoed'] != '')",
            ),
            explication="Le besoin y est fort, mais on n'y fait pas entrer d'eau : plantez "
            "autrement.",
            pieges=(
                Piege(
                    lambda s: int(_vetoed(s).sum()),
                    "ce sont tous les îlots écartés ; gardez ceux dont le besoin passe 0,5.",
                ),
                Piege(
                    lambda s: int(_needy(s).sum()),
                    "ce sont tous les îlots de fort besoin ; gardez ceux qui sont écartés.",
                ),
                Piege(
                    lambda s: int((_needy(s) & ~_vetoed(s)).sum()),
                    "ce sont ceux que rien n'écarte : la condition sur vetoed est à l'envers.",
                ),
            ),
        ),
        Exercice(
            "solides",
            "La solidité",
            lambda s: int((_blocks(s)["among_first"] >= 0.9).sum()),
            "îlots",
            0,
            indices=(
                "among_first va de 0 à 1 : 90 % s'écrit 0.9.",
                "(ilots['among_first'] >= 0.9).sum()",
            ),
            explication="Ceux-là se défendent devant n'importe qui ; les autres se discutent.",
            pieges=(
                Piege(
                    lambda s: int((_blocks(s)["among_first"] >= 90).sum()),
                    "among_first va de 0 à 1 : comparez à 0,9, pas à 90.",
                ),
                Piege(
                    lambda s: int((_blocks(s)["among_first"] > 0.5).sum()),
                    "c'est plus d'une fois sur deux ; on demande neuf fois sur dix.",
                ),
            ),
        ),
        Exercice(
            "volume_m3",
            "La pluie",
            _volume,
            "m³",
            0.1,
            indices=(
                "Un millimètre sur un mètre carré fait un litre.",
                "1 000 m² × millimètres = litres ; 1 000 litres font un m³.",
            ),
            explication="La méthode des curve numbers en retire ce que le sol planté garde.",
        ),
    ),
    {"pluie_mm": 30.0},
)
