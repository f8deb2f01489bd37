"""Names of the flood theme's figures, maps and chart, in French and English."""

from __future__ import annotations

from ..territory.commune import Commune
from ..text import Text, at_place, day, french, of_place
from .reached import Assessment
from .sentences import CLASS_LABELS, area

__all__ = [
    "DEEP",
    "DEPTH_TITLE",
    "EXTENT_TITLE",
    "HIDDEN",
    "LOW",
    "MEDIAN",
    "OBSERVED",
    "PEOPLE",
    "PROBABILITY_ALT",
    "PROBABILITY_TITLE",
    "SHARE",
    "UNKNOWN_DEPTH",
    "USUAL",
    "WET",
    "class_label",
    "depth_alt",
    "depth_chart",
    "extent_alt",
    "radar_title",
]

#: Flooded area, by whether usual water is known and told apart.
WET: dict[bool, Text] = {
    True: {
        "fr": "Surface inondée (fourchette : de l'eau sûre à l'eau possible)",
        "en": "Flooded area (range: from sure to possible water)",
    },
    False: {
        "fr": "Surface en eau, eau permanente comprise (fourchette : de l'eau sûre à l'eau "
        "possible)",
        "en": "Area under water, permanent water included (range: from sure to possible water)",
    },
}
SHARE: Text = {"fr": "Part inondée de la commune", "en": "Flooded part of the commune"}
USUAL: Text = {"fr": "Eau en temps normal", "en": "Usual water"}
HIDDEN: Text = {
    "fr": "Près de la crue, non observable au radar",
    "en": "Near the flood, not observable by radar",
}
LOW: Text = {
    "fr": "Sec en apparence, mais plus bas que l'eau voisine : à vérifier",
    "en": "Dry as it seems, but below the water beside it: to be checked",
}
MEDIAN: Text = {"fr": "Hauteur d'eau médiane", "en": "Median depth of water"}
DEEP: Text = {
    "fr": "Hauteur dépassée sur 5 % de la surface inondée",
    "en": "Depth exceeded on 5% of the flooded area",
}
UNKNOWN_DEPTH: Text = {
    "fr": "Surface inondée de hauteur inconnue",
    "en": "Flooded area of unknown depth",
}
PEOPLE: Text = {
    "fr": "Habitants dans la zone inondée (estimation)",
    "en": "People living in the flooded area (estimate)",
}
OBSERVED: Text = {
    "fr": "Part de la commune que l'image a mesurée",
    "en": "Part of the commune that the image measured",
}
EXTENT_TITLE: Text = {"fr": "Étendue de l'eau", "en": "Extent of the water"}
DEPTH_TITLE: Text = {"fr": "Hauteur d'eau", "en": "Depth of the water"}
PROBABILITY_TITLE: Text = {"fr": "Probabilité d'être inondé", "en": "Probability of flood"}
PROBABILITY_ALT: Text = {
    "fr": "Carte de la probabilité d'inondation, de 5 à 100\u202f%, d'après le radar.",
    "en": "Map of the probability of flood, 5 to 100%, from radar.",
}


def class_label(fr: str, en: str, name: str) -> Text:
    """« Surface où il y a 50 cm à 1 m d'eau »."""
    words = CLASS_LABELS[name]
    return {"fr": f"{fr} où il y a {words['fr']} d'eau", "en": f"{en} with {words['en']} of water"}


def radar_title(which: str, date: str, commune: Commune) -> tuple[Text, Text]:
    """Title and text alternative of a radar image: ``which`` is "before" or "after"."""
    fr = "Radar avant la crue" if which == "before" else "Radar pendant la crue"
    en = "Radar before the flood" if which == "before" else "Radar during the flood"
    title = {
        "fr": fr + (f" ({day(date)})" if date else ""),
        "en": en + (f" ({day(date, 'en')})" if date else ""),
    }
    alt = {
        "fr": f"Image radar {of_place(commune.name)} : l'eau calme y est noire.",
        "en": f"Radar image of {commune.name}: calm water is black in it.",
    }
    return title, {"fr": french(alt["fr"]), "en": alt["en"]}


def extent_alt(commune: Commune, found: Assessment) -> Text:
    """What a person who does not see the map of the extent should know of it."""
    return {
        "fr": f"Carte de l'eau {at_place(commune.name)}, inondée sur "
        f"{area(found.flooded.value, 'fr')}.",
        "en": f"Map of the water in {commune.name}, flooded on {area(found.flooded.value, 'en')}.",
    }


def _classes(values: dict[str, float], lang: str) -> str:
    told = [
        f"{CLASS_LABELS[name][lang]}, {area(value, lang)}"
        for name, value in values.items()
        if value >= 0.05
    ]
    if not told:
        return "pas d'eau de crue" if lang == "fr" else "no flood water"
    return " ; ".join(told) if lang == "fr" else "; ".join(told)


def depth_alt(commune: Commune, found: Assessment) -> Text:
    """What a person who does not see the map of depths should know of it."""
    values = {name: count.value for name, count in (found.classes or {}).items()}
    return {
        "fr": french(
            f"Carte de la hauteur d'eau {at_place(commune.name)} : {_classes(values, 'fr')}."
        ),
        "en": f"Map of the depth of water in {commune.name}: {_classes(values, 'en')}.",
    }


def depth_chart(commune: Commune, values: dict[str, float], date: str) -> tuple[Text, Text]:
    """Title and text alternative of the bars of hectares by class of height."""
    when = {lang: f" ({day(date, lang)})" if date else "" for lang in ("fr", "en")}
    title = {
        "fr": f"Surface inondée par hauteur d'eau{when['fr']}",
        "en": f"Flooded area by depth of water{when['en']}",
    }
    alt = {
        "fr": french(f"{commune.name} : {_classes(values, 'fr')}."),
        "en": f"{commune.name}: {_classes(values, 'en')}.",
    }
    return title, alt
