"""What the columns of layers hold, in words: aliases in QGIS, lines of the dictionary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...text import Text
from ..words import say

__all__ = ["FIELDS", "field_words"]


def _text(fr: str, en: str) -> Text:
    return {"fr": fr, "en": en}


#: Columns of our own layers; those of a producer's file keep the producer's dictionary.
FIELDS: Mapping[str, Text] = {
    "among_first": _text("Part des tirages où l'îlot est parmi les premiers (0 à 1)",
                         "Share of draws in which the block is among the first (0 to 1)"),
    "area_m2": _text("Surface (m²)", "Area (m²)"),
    "axes": _text("Case besoin et faisabilité", "Class of need and feasibility"),
    "block_id": _text("Identifiant de l'îlot", "Identifier of the block"),
    "candidate": _text("Îlot classé (1) ou non (0)", "Ranked block (1) or not (0)"),
    "canopy": _text("Part d'arbres (%)", "Share of trees (%)"),
    "canopy_percent": _text("Part d'arbres (%)", "Share of trees (%)"),
    "class": _text("Classe de hauteur d'eau", "Class of water depth"),
    "depth": _text("Hauteur d'eau (m)", "Depth of water (m)"),
    "depth_class": _text("Nom de la classe de hauteur", "Name of the class of depth"),
    "feasibility": _text("Faisabilité (0 à 1)", "Feasibility (0 to 1)"),
    "feasibility_high": _text("Faisabilité, borne haute", "Feasibility, upper bound"),
    "feasibility_low": _text("Faisabilité, borne basse", "Feasibility, lower bound"),
    "heat": _text("Sensibilité à la chaleur (rang)", "Sensitivity to heat (rank)"),
    "impervious": _text("Sol minéral (%)", "Mineral ground (%)"),
    "kind": _text("Nature du lieu", "Kind of place"),
    "lcz": _text("Zone climatique locale (LCZ)", "Local Climate Zone (LCZ)"),
    "mark": _text("Rang", "Rank"),
    "mineral_m2": _text("Sol minéral hors bâtiments (m²)", "Mineral ground, no buildings (m²)"),
    "name": _text("Nom", "Name"),
    "need": _text("Besoin (0 à 1)", "Need (0 to 1)"),
    "need_high": _text("Besoin, borne haute", "Need, upper bound"),
    "need_low": _text("Besoin, borne basse", "Need, lower bound"),
    "number": _text("Numéro de l'îlot", "Number of the block"),
    "outline": _text("Contour", "Outline"),
    "people": _text("Habitants exposés (hab/ha)", "People exposed (a hectare)"),
    "permeability": _text("Perméabilité du sol (mm/h)", "Permeability of the ground (mm/h)"),
    "priority": _text("Certitude d'être parmi les premiers", "How surely among the first"),
    "public_owner": _text("Terrain de personnes publiques (%)", "Publicly owned ground (%)"),
    "public_place": _text("Cour d'école, parking, équipement (%)",
                          "Yard, car park, public place (%)"),
    "rank": _text("Rang", "Rank"),
    "rank_high": _text("Rang, au plus", "Rank, at most"),
    "rank_low": _text("Rang, au moins", "Rank, at least"),
    "rate": _text("Vitesse du trait de côte (m/an, négative en recul)",
                  "Rate of the coastline (m/yr, negative in retreat)"),
    "runoff": _text("Terrain en amont qui ruisselle ici (ha)",
                    "Ground upslope that drains here (ha)"),
    "sensitivity": _text("Catégorie de sensibilité à la chaleur", "Class of sensitivity to heat"),
    "slope": _text("Pente (%)", "Slope (%)"),
    "state": _text("Classe d'évolution du trait de côte", "Class of coastal change"),
    "strip": _text("Bande perdue si la vitesse passée continuait",
                   "Strip lost if the past rate went on"),
    "told_en": _text("Ce que dit la carte (anglais)", "What the map says (English)"),
    "told_fr": _text("Ce que dit la carte", "What the map says (French)"),
    "tooltip_en": _text("Ce que dit la carte (anglais)", "What the map says (English)"),
    "tooltip_fr": _text("Ce que dit la carte", "What the map says (French)"),
    "vetoed": _text("Obstacles qui l'écartent", "Obstacles that set it aside"),
}  # fmt: skip


def field_words(columns: Iterable[str], lang: str) -> dict[str, str]:
    """The words of those columns that have some, in the order given."""
    return {str(c): say(FIELDS[c], lang) for c in columns if c in FIELDS}
