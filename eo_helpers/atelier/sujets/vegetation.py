"""Vegetation: an index, area a head, height, forms, confidence, people."""

from __future__ import annotations

from typing import Any

from ..exercice import Exercice, Piege
from .sujet import Sujet

__all__ = ["SUJET"]


def _index(seance: Any) -> float:
    red, infrared = seance.parametres["rouge"], seance.parametres["infrarouge"]
    return (infrared - red) / (infrared + red)


def _without_brackets(seance: Any) -> float:
    red, infrared = seance.parametres["rouge"], seance.parametres["infrarouge"]
    return infrared - red / infrared + red


def _canopy(seance: Any, **settings: str) -> float:
    return float(seance.analyse("vegetation", **settings)["canopy_share"].value)


def _a_head(seance: Any) -> float:
    return _canopy(seance) / 100 * seance.commune.area_km2 * 1e6 / seance.habitants


def _forms(seance: Any) -> Any:
    return seance.couche("vegetation", "forms")


def _bare(seance: Any) -> float:
    return 100 * float((_cells(seance) < 10).mean())


def _cells(seance: Any) -> Any:
    return seance.couche("vegetation", "canopy_cells")["canopy_percent"]


def _tall(seance: Any) -> Any:
    return _forms(seance)["h_moy"] > 8


def _alone(seance: Any) -> Any:
    return _forms(seance)["fv"] == "AI"


SUJET = Sujet(
    "vegetation",
    "Compter les arbres",
    "atelier_vegetation.ipynb",
    (
        Exercice(
            "indice",
            "Un indice",
            _index,
            "",
            0.005,
            indices=(
                "Une différence divisée par une somme.",
                "Les parenthèses comptent : (a - b) / (a + b).",
                "(INFRAROUGE - ROUGE) / (INFRAROUGE + ROUGE)",
            ),
            explication="Une rue est près de 0,1 et l'eau en dessous de 0 : la feuille ne s'y "
            "confond pas.",
            pieges=(
                Piege(_without_brackets, "il manque des parenthèses : la division passe d'abord."),
                Piege(
                    lambda s: -_index(s),
                    "les deux bandes sont échangées : infrarouge moins rouge.",
                ),
                Piege(
                    lambda s: s.parametres["infrarouge"] / s.parametres["rouge"],
                    "c'est un rapport de bandes ; l'indice est une différence sur une somme.",
                ),
            ),
        ),
        Exercice(
            "par_habitant",
            "Une surface par habitant",
            _a_head,
            "m²",
            3,
            indices=(
                "D'abord la surface d'arbres en m², puis on la partage entre les habitants.",
                "Un km² fait 1 000 000 m² ; un pourcent, un centième.",
                "part / 100 × surface en km² × 1 000 000 / habitants",
            ),
            explication="Une commune peu peuplée en a toujours beaucoup : ce chiffre ne classe pas "
            "les communes.",
            pieges=(
                Piege(
                    lambda s: s.commune.area_km2 * 1e6 / s.habitants,
                    "c'est toute la commune par habitant ; gardez la part des arbres.",
                ),
                Piege(
                    lambda s: s.analyse("vegetation")["green_per_inhabitant"].value,
                    "c'est toute la verdure, herbe comprise ; on demande les arbres.",
                ),
            ),
        ),
        Exercice(
            "points",
            "La hauteur",
            lambda s: _canopy(s, heights="0.5-1.5") - _canopy(s),
            "points",
            0.05,
            indices=(
                'eo.analyse("vegetation", commune, source, heights="0.5-1.5") refait l\'analyse.',
                "La différence de deux canopy_share, la nouvelle moins l'ancienne.",
            ),
            explication="Les mêmes plantes, un autre mot : la hauteur s'écrit à côté du chiffre.",
            pieges=(
                Piege(
                    lambda s: 100 * (_canopy(s, heights="0.5-1.5") / _canopy(s) - 1),
                    "c'est une augmentation relative, en % ; on demande des points : une "
                    "soustraction.",
                ),
                Piege(
                    lambda s: _canopy(s, heights="0.5-1.5"),
                    "c'est la nouvelle part ; ôtez l'ancienne.",
                ),
            ),
        ),
        Exercice(
            "grands",
            "Les formes",
            lambda s: int((_alone(s) & _tall(s)).sum()),
            "arbres",
            0,
            indices=(
                "Deux conditions reliées par &, chacune entre parenthèses.",
                "(formes['fv'] == 'AI') et (formes['h_moy'] > 8)",
            ),
            explication="Un inventaire que personne n'a eu à marcher ; à vérifier sur place.",
            pieges=(
                Piege(
                    lambda s: int(_tall(s).sum()),
                    "toutes les formes hautes y sont ; gardez les arbres isolés (AI).",
                ),
                Piege(
                    lambda s: int(_alone(s).sum()),
                    "tous les arbres isolés y sont ; gardez ceux de plus de 8 m.",
                ),
                Piege(
                    lambda s: int(((_forms(s)["fv"] == "AA") & _tall(s)).sum()),
                    "ce sont les alignements (AA) ; on demande les arbres isolés (AI).",
                ),
            ),
        ),
        Exercice(
            "douteux",
            "La confiance",
            lambda s: int((_forms(s)["idc_surface"] < 0.8).sum()),
            "polygones",
            0,
            indices=(
                "Une condition sur la colonne idc_surface, puis .sum().",
                "(formes['idc_surface'] < 0.8).sum()",
            ),
            explication="Une carte qui dit où elle doute fait gagner des journées de terrain.",
            pieges=(
                Piege(
                    lambda s: int((_forms(s)["idc_surface"] >= 0.8).sum()),
                    "ce sont les polygones sûrs : l'inégalité est à l'envers.",
                ),
                Piege(
                    lambda s: float((_forms(s)["idc_surface"] < 0.8).mean()),
                    "c'est une part ; on demande un nombre de polygones : .sum().",
                ),
            ),
        ),
        Exercice(
            "part_sans_arbres",
            "Les habitants",
            _bare,
            "%",
            0.5,
            indices=(
                "La moyenne d'une condition est la part des vrais.",
                '100 * (carreaux["canopy_percent"] < 10).mean()',
            ),
            explication="La moyenne de la commune vient de ses bois ; on n'habite pas dans les "
            "bois.",
            pieges=(
                Piege(
                    lambda s: int((_cells(s) < 10).sum()),
                    "c'est un nombre de carreaux ; on demande leur part, en %.",
                ),
                Piege(
                    lambda s: float(_cells(s).mean()),
                    "c'est la part moyenne d'arbres ; on demande combien de carreaux en ont peu.",
                ),
            ),
        ),
    ),
    {"rouge": 0.05, "infrarouge": 0.45},
)
