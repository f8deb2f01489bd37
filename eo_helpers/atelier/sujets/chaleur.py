"""Local climate zones: shares, the rule by hand, doubt, planting."""

from __future__ import annotations

from typing import Any

from ..exercice import Exercice, Piege
from .sujet import Sujet

__all__ = ["SUJET"]


def _blocks(seance: Any) -> Any:
    return seance.ouvrir("lcz-cerema")


def _shares(seance: Any) -> Any:
    """Share of the blocks' area by class, %."""
    blocks = _blocks(seance)
    return blocks.groupby("lcz")["area_m2"].sum() / blocks["area_m2"].sum() * 100


def _houses(seance: Any) -> float:
    return float(_shares(seance).get("6", 0.0))


def _houses_by_count(seance: Any) -> float:
    return 100 * float((_blocks(seance)["lcz"] == "6").mean())


def _mystery(seance: Any) -> Any:
    """The block in the middle of the built ones sorted by area, as the notebook picks it."""
    blocks = _blocks(seance)
    built = blocks[(blocks["bur"] > 10) & blocks["lcz"].notna()]
    return built.sort_values("area_m2", ascending=False).iloc[len(built) // 2]


def _class_of_mystery(seance: Any, **changed: float) -> str:
    from ...lcz.rule import classify

    row = _mystery(seance).copy()
    for name, value in changed.items():
        row[name] = value
    return str(classify(row.to_frame().T.infer_objects())["lcz"].iloc[0])


def _distances(seance: Any) -> Any:
    from ...lcz.thresholds import threshold_distance

    return threshold_distance(_blocks(seance))["threshold_distance"]


def _changed(seance: Any, column: str, points: float = 10) -> int:
    from ...lcz.what_if import Change, what_if

    return int(what_if(_blocks(seance), Change("ver", points))[column].sum())


def _hesitant(seance: Any) -> int:
    near = seance.garder(_distances) < 1
    return int((near & (_blocks(seance)["bur"] > 10)).sum())


SUJET = Sujet(
    "chaleur",
    "Le climat local de ma commune",
    "atelier_climat_local.ipynb",
    (
        Exercice(
            "classe_dominante",
            "La classe qui couvre le plus",
            lambda s: str(_shares(s).idxmax()),
            indices=(
                "Additionnez les surfaces de chaque classe, puis cherchez la plus grande.",
                'ilots.groupby("lcz")["area_m2"].sum() donne une surface par classe.',
                "Au bout de cette ligne, .idxmax() donne la classe.",
            ),
            explication="À la campagne, un champ pèse plus que toute une rue.",
            pieges=(
                Piege(
                    lambda s: str(_blocks(s)["lcz"].value_counts().idxmax()),
                    "c'est la classe qui a le plus d'îlots ; on cherche celle qui couvre le plus "
                    "de surface.",
                ),
            ),
        ),
        Exercice(
            "part_des_maisons",
            "La part des maisons",
            _houses,
            "%",
            0.1,
            indices=(
                'Filtrez d\'abord : maisons = ilots[ilots["lcz"] == "6"].',
                'Divisez deux sommes de la colonne "area_m2".',
                '100 * maisons["area_m2"].sum() / ilots["area_m2"].sum()',
            ),
            explication="Compter les îlots ne suffit pas : un îlot de ville est cent fois plus "
            "petit qu'un champ.",
            pieges=(
                Piege(
                    _houses_by_count,
                    "vous avez compté les îlots ; chacun doit peser sa surface.",
                ),
                Piege(
                    lambda s: _houses_by_count(s) / 100,
                    "vous avez compté les îlots, et c'est une part, pas un pourcentage.",
                ),
                Piege(
                    lambda s: _houses(s) * _blocks(s)["area_m2"].sum() / s.commune.area_km2 / 1e6,
                    "vous avez divisé par la surface de la commune ; on demande la part de la "
                    "surface des îlots.",
                ),
            ),
            voisines=True,
        ),
        Exercice(
            "classe",
            "La règle à la main",
            _class_of_mystery,
            indices=(
                'Commencez par bur > 10, puis descendez la liste. La réponse est un texte : "6".',
                "La première ligne qui convient l'emporte, même si une autre conviendrait aussi.",
                "Ni 8 ni 9 ? Compact ou espacé, puis la hauteur : 9 m et 30 m.",
            ),
            explication="La classe publiée sort d'une règle que vous pouvez refaire à la main.",
            pieges=(
                Piege(
                    lambda s: _class_of_mystery(s, are=0.0),
                    "vous avez sauté la ligne des grandes emprises (8) : regardez are.",
                ),
                Piege(
                    lambda s: _class_of_mystery(s, hre=9.5 if _mystery(s)["hre"] <= 9 else 8.5),
                    "la densité est juste, la hauteur non : le seuil est à 9 m.",
                ),
            ),
        ),
        Exercice(
            "hesitants",
            "Les îlots hésitants",
            _hesitant,
            "îlots",
            0.5,
            indices=(
                "Deux conditions reliées par &, chacune entre parenthèses, puis .sum().",
                '(distances["threshold_distance"] < 1) est la première condition.',
                '(ilots["bur"] > 10) est la seconde.',
            ),
            explication="C'est pour cela que chaque part est donnée « entre … et … ».",
            pieges=(
                Piege(
                    lambda s: int((s.garder(_distances) < 1).sum()),
                    "vous avez compté tous les îlots hésitants ; gardez les îlots bâtis.",
                ),
                Piege(
                    lambda s: int((_blocks(s)["bur"] > 10).sum()),
                    "vous avez compté tous les îlots bâtis ; gardez les hésitants.",
                ),
                Piege(
                    lambda s: int((_blocks(s)["bur"] > 10).sum()) - _hesitant(s),
                    "ce sont les îlots bâtis dont la classe est sûre : l'inégalité est à l'envers.",
                ),
            ),
        ),
        Exercice(
            "ilots_qui_changent",
            "Et si l'on plantait ?",
            lambda s: _changed(s, "category_changed"),
            "îlots",
            0.5,
            indices=(
                'what_if(ilots, Change("ver", 10)) rend une table, une ligne par îlot.',
                'Additionnez sa colonne "category_changed".',
            ),
            explication="La règle ne réagit qu'à ses seuils. Planter rafraîchit même quand la "
            "classe ne change pas.",
            pieges=(
                Piege(
                    lambda s: _changed(s, "class_changed"),
                    "vous avez compté les changements de classe ; on demande la catégorie de "
                    "sensibilité (category_changed).",
                ),
                Piege(
                    lambda s: _changed(s, "category_changed", 20),
                    "c'est la réponse pour 20 points de végétation ; on en demande 10.",
                ),
                Piege(
                    lambda s: len(_blocks(s)), "c'est le nombre d'îlots : additionnez, sans len."
                ),
            ),
        ),
    ),
)
