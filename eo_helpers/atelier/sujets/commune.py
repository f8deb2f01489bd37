"""Discover one's commune: name, size, people, and how to read one figure."""

from __future__ import annotations

from typing import Any

from ..exercice import Exercice, Piege
from .sujet import Sujet

__all__ = ["SUJET"]


def _density(seance: Any) -> float:
    return seance.habitants / seance.commune.area_km2


def _exposed(seance: Any, bound: str = "value") -> float:
    return float(getattr(seance.analyse("lcz")["share_population_sensitive"], bound))


def _exposed_by_area(seance: Any) -> float:
    return seance.habitants * float(seance.analyse("lcz")["share_area_sensitive"].value) / 100


def _territory(seance: Any) -> Any:
    return seance.garder(type(seance).territoire)


def _largest(seance: Any, by: Any) -> str:
    table = _territory(seance).dropna(subset=["population"])
    return str(by(table).idxmax())


def _names(seance: Any) -> list[str]:
    table = _territory(seance)
    return list(table.index[table["epci"] == seance.commune.epci])


SUJET = Sujet(
    "commune",
    "Découvrir sa commune",
    "atelier_decouvrir_sa_commune.ipynb",
    (
        Exercice(
            "code_insee",
            "Le code de la commune",
            lambda s: s.commune.insee,
            indices=(
                "Une cellule qui contient seulement commune affiche sa carte d'identité.",
                "Le code est commune.insee ; c'est un texte.",
            ),
            explication="C'est un texte : le zéro de « 01004 » et le A de « 2A004 » comptent.",
            pieges=(
                Piege(
                    lambda s: (s.commune.postcodes or ("",))[0],
                    "c'est le code postal : plusieurs communes peuvent le partager.",
                ),
                Piege(
                    lambda s: s.commune.name,
                    "c'est le nom : d'autres communes peuvent le porter. On cherche le code.",
                ),
            ),
            voisines=True,
        ),
        Exercice(
            "surface_km2",
            "La surface",
            lambda s: s.commune.area_km2,
            "km²",
            0.05,
            indices=(
                "Tapez commune. puis la touche Tabulation : elle montre ce qu'elle sait.",
                "commune.area_km2 est la surface sur l'ellipsoïde, en km².",
            ),
            explication="Une centaine d'hectares font un km² : à dire avant de parler d'hectares.",
            voisines=True,
        ),
        Exercice(
            "densite",
            "La densité",
            _density,
            "hab/km²",
            1.0,
            indices=(
                "Une densité est un nombre d'habitants divisé par une surface.",
                "commune.population / commune.area_km2",
            ),
            explication="La moyenne d'une commune : personne n'habite ses champs.",
            pieges=(
                Piege(lambda s: s.habitants, "c'est le nombre d'habitants, sans surface."),
                Piege(
                    lambda s: s.commune.area_km2 / s.habitants,
                    "le rapport est à l'envers : habitants divisés par surface.",
                ),
            ),
            voisines=True,
        ),
        Exercice(
            "habitants_exposes",
            "Les habitants en zone sensible à la chaleur",
            lambda s: s.habitants * _exposed(s) / 100,
            "habitants",
            5.0,
            indices=(
                'resultat["share_population_sensitive"].value est un pourcentage des habitants.',
                "Un pourcentage d'un nombre : le nombre, fois le pourcentage, divisé par 100.",
                'commune.population * resultat["share_population_sensitive"].value / 100',
            ),
            explication="Un pourcentage se dit mieux en personnes, avec ses bornes.",
            pieges=(
                Piege(
                    _exposed_by_area,
                    "vous avez pris la part de la surface ; on compte des habitants, et ils ne "
                    "vivent pas partout.",
                ),
                Piege(_exposed, "c'est le pourcentage ; on attend un nombre d'habitants."),
                Piege(
                    lambda s: s.habitants * (100 - _exposed(s)) / 100,
                    "ce sont les autres habitants, hors des zones sensibles.",
                ),
            ),
        ),
        Exercice(
            "largeur",
            "La largeur d'un intervalle",
            lambda s: _exposed(s, "high") - _exposed(s, "low"),
            "points",
            0.1,
            indices=(
                "Un indicateur a une valeur (.value) et deux bornes (.low et .high).",
                "La largeur est la borne haute moins la borne basse.",
            ),
            explication="Large : beaucoup d'îlots hésitent entre deux classes. Donnez les bornes.",
            pieges=(
                Piege(
                    lambda s: (_exposed(s, "high") - _exposed(s, "low")) / 2,
                    "c'est la demi-largeur (le « plus ou moins ») ; on attend la largeur entière.",
                ),
                Piege(
                    lambda s: _exposed(s, "high") - _exposed(s),
                    "c'est de la valeur à la borne haute ; on attend d'une borne à l'autre.",
                ),
            ),
        ),
        Exercice(
            "la_plus_dense",
            "La commune la plus dense",
            lambda s: _largest(s, lambda t: t["population"] / t["km2"]),
            indices=(
                "Calculez la densité de chaque commune de la table, puis cherchez la plus grande.",
                'table["densite"] = table["population"] / table["km2"]',
                'table["densite"].idxmax() donne le nom de la ligne.',
            ),
            explication="Comparer deux communes, c'est d'abord choisir par quoi l'on divise.",
            pieges=(
                Piege(
                    lambda s: _largest(s, lambda t: t["km2"]),
                    "c'est la plus étendue ; on cherche la plus dense.",
                ),
                Piege(
                    lambda s: _largest(s, lambda t: t["population"]),
                    "c'est la plus peuplée ; divisez par la surface.",
                ),
            ),
        ),
        Exercice(
            "meme_epci",
            "Les communes de l'intercommunalité",
            _names,
            indices=(
                "La colonne epci de la table est le code de l'intercommunalité.",
                'Gardez les lignes où table["epci"] == commune.epci, puis leurs noms (.index).',
            ),
            explication="Ce sont celles auxquelles un élu se compare d'abord.",
            pieges=(
                Piege(
                    lambda s: [n for n in _names(s) if n != s.commune.name],
                    "il manque la commune elle-même : elle en est membre.",
                ),
                Piege(
                    lambda s: list(_territory(s).index),
                    "toutes les communes de la table n'ont pas le même code epci.",
                ),
            ),
        ),
    ),
)
