"""Words that every view shares: quantities with their unit, intervals, dates, labels."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping

from ..text import Text, day, french, month, number

__all__ = [
    "colon",
    "date_words",
    "generic",
    "interval",
    "quantity",
    "quantity_or_word",
    "say",
    "small_or",
    "span",
    "unit_words",
    "word",
]

#: Before « % » a narrow no-break space, before other units a no-break space.
_NARROW, _NO_BREAK = "\u202f", "\u00a0"

_WORDS: Mapping[str, Text] = {
    "as_table": {"fr": "Voir les données du graphique", "en": "See the data of this chart"},
    "attribution": {"fr": "Mention", "en": "Attribution"},
    "caveats": {"fr": "Ce que ces données ne disent pas", "en": "What these data do not say"},
    "others": {"fr": "Voir les {} autres chiffres", "en": "See the other {} figures"},
    "category": {"fr": "Catégorie", "en": "Category"},
    "complete": {"fr": "Données complètes", "en": "Complete data"},
    "date": {"fr": "Date", "en": "Date"},
    "demo_short": {"fr": "données de démonstration", "en": "demonstration data"},
    "demonstration": {"fr": "Données de démonstration", "en": "Demonstration data"},
    "edition": {"fr": "Édition", "en": "Edition"},
    "event": {"fr": "Évènement", "en": "Event"},
    "export_catalog": {
        "fr": "Catalogue STAC des couches : lieu, dates, sources, empreintes",
        "en": "STAC catalog of the layers: place, dates, sources, checksums",
    },
    "export_dictionary": {
        "fr": "Ce que contient chaque colonne",
        "en": "What each column holds",
    },
    "export_layers": {
        "fr": "Couches pour QGIS, avec leurs styles (GeoPackage)",
        "en": "Layers for QGIS, with their styles (GeoPackage)",
    },
    "figure": {"fr": "Chiffre", "en": "Figure"},
    "figures": {"fr": "Les chiffres", "en": "The figures"},
    "high": {"fr": "au plus", "en": "at most"},
    "interval": {"fr": "Intervalle", "en": "Interval"},
    "licence": {"fr": "Licence", "en": "Licence"},
    "low": {"fr": "au moins", "en": "at least"},
    "map": {"fr": "Carte\u00a0:", "en": "Map:"},
    "missing": {"fr": "non disponible", "en": "not available"},
    "no_data": {"fr": "Pas de données", "en": "No data"},
    "no_value": {"fr": "Sans valeur", "en": "No value"},
    "north": {"fr": "N", "en": "N"},
    "nothing_drawn": {
        "fr": "Il n'y a rien à montrer ici : la série ne contient aucune mesure.",
        "en": "There is nothing to show here: the series holds no measurement.",
    },
    "out_of_coverage": {"fr": "Commune hors couverture", "en": "Commune out of coverage"},
    "partial": {"fr": "Données partielles", "en": "Partial data"},
    "provenance": {"fr": "D'où viennent ces données", "en": "Where these data come from"},
    "read_at": {"fr": "Copie lue", "en": "Copy read"},
    "remedy": {"fr": "Pour aller plus loin", "en": "To go further"},
    "scale_from_to": {"fr": "de {low} à {high}", "en": "from {low} to {high}"},
    "sheet": {"fr": "Ce que disent les satellites", "en": "What satellites say"},
    "sheet_link": {"fr": "La même page en ligne", "en": "The same page online"},
    "sheet_made": {"fr": "Fiche du {}", "en": "Sheet of {}"},
    "source": {"fr": "Source", "en": "Source"},
    "source_demo": {"fr": "territoire de démonstration", "en": "demonstration territory"},
    "source_files": {"fr": "vos fichiers", "en": "your files"},
    "source_online": {
        "fr": "service en ligne du producteur",
        "en": "the provider's online service",
    },
    "value": {"fr": "Valeur", "en": "Value"},
    "when": {"fr": "Date et source", "en": "Date and source"},
}

#: Unit identifiers that are words of one language: how each language writes them.
_SINGULAR = re.compile(r"\b(habitant|ménage|nuit|cellule|inhabitant|household|night|month)s$")

_UNITS: Mapping[str, Text] = {
    "people": {"fr": "habitants", "en": "people"},
    "persons": {"fr": "habitants", "en": "people"},
    "inhabitants": {"fr": "habitants", "en": "inhabitants"},
    "habitants": {"fr": "habitants", "en": "inhabitants"},
    "ménages": {"fr": "ménages", "en": "households"},
    "months": {"fr": "mois", "en": "months"},
    "mois": {"fr": "mois", "en": "months"},
    "years": {"fr": "ans", "en": "years"},
    "nights": {"fr": "nuits", "en": "nights"},
    "cells": {"fr": "cellules", "en": "cells"},
    "%/year": {"fr": "% par an", "en": "% a year"},
    "%/an": {"fr": "% par an", "en": "% a year"},
    "percent": {"fr": "%", "en": "%"},
    "m2": {"fr": "m²", "en": "m²"},
    "m3": {"fr": "m³", "en": "m³"},
    "km2": {"fr": "km²", "en": "km²"},
    "nW/cm2/sr": {"fr": "nW·cm⁻²·sr⁻¹", "en": "nW·cm⁻²·sr⁻¹"},
    "nW/cm²/sr": {"fr": "nW·cm⁻²·sr⁻¹", "en": "nW·cm⁻²·sr⁻¹"},
    "m/an": {"fr": "m/an", "en": "m/yr"},
    "1": {"fr": "", "en": ""},
}

#: Editions and licences that are words, not names: French where they are kept.
_GENERIC: Mapping[str, str] = {
    "au jour de la lecture": "as of the day it was read",
    "calcul GeoClimate": "computed with GeoClimate",
    "calcul eo-helpers": "computed with eo-helpers",
    "carreaux de 200 m": "200 m cells",
    "carte WUDAPT": "WUDAPT map",
    "celle de l'étude": "that of the study",
    "celle de la source": "that of the source",
    "celle de leur auteur": "that of their author",
    "celle de vos fichiers": "that of your files",
    "extrait OpenStreetMap": "OpenStreetMap extract",
    "juin 2018": "June 2018",
    "lignes datées": "dated lines",
    "millésime du fichier": "year of the file",
    "points de référence": "reference points",
    "selon la source": "as the source says",
    "selon les données utilisées": "as the data used say",
    "édition du fichier": "edition of the file",
    "étude locale": "local study",
    "événement observé": "observed event",
}
_FICTIONAL = "Données de démonstration, au format de\u00a0: "


def generic(text: str, lang: str) -> str:
    """An edition, a licence or a mention in ``lang``; a name stays as it is."""
    if lang == "fr":
        return text
    told = text.replace(_FICTIONAL, "Demonstration data, in the format of: ")
    return _GENERIC.get(told, told)


def say(text: Text, lang: str) -> str:
    """``text`` in ``lang``, in French where that language lacks."""
    chosen = text[lang] if lang in text else text["fr"]
    return french(chosen) if lang == "fr" or lang not in text else chosen


def word(key: str, lang: str) -> str:
    """A word of the page (« Valeur », « Source » …)."""
    return say(_WORDS[key], lang)


def colon(lang: str) -> str:
    """The colon of ``lang``, with the spaces that go with it."""
    return f"{_NO_BREAK}: " if lang == "fr" else ": "


def unit_words(unit: str, lang: str = "fr") -> str:
    """How ``lang`` writes a unit (« habitants » for ``people``); symbols stay as they are."""
    return say(_UNITS[unit], lang) if unit in _UNITS else unit


def _with_unit(text: str, unit: str, lang: str) -> str:
    unit = unit_words(unit, lang)
    if not unit:
        return text
    if unit.startswith("%"):
        return text + (_NARROW if lang == "fr" else "") + unit.replace(" ", _NO_BREAK)
    return text + _NO_BREAK + unit


def quantity(value: float, unit: str, digits: int = 1, lang: str = "fr") -> str:
    """A number with its unit: « 12 450 ha », « 68 % »."""
    text = _with_unit(_signless_zero(value, digits, lang), unit, lang)
    # « 1 habitant »: French counts as one whatever is below two, English only one.
    one = abs(round(value, digits)) < 2 if lang == "fr" else round(value, digits) == 1
    return _SINGULAR.sub(r"\1", text) if one else text


def small_or(value: float, unit: str, digits: int = 1, lang: str = "fr") -> str:
    """:func:`quantity`, but « < 0,1 % » for something that rounding would call nothing."""
    if value > 0 and round(value, digits) == 0:
        return f"<{_NO_BREAK}{quantity(10.0**-digits, unit, digits, lang)}"
    return quantity(value, unit, digits, lang)


def _signless_zero(value: float, digits: int, lang: str) -> str:
    text = number(0.0 if round(value, digits) == 0 else value, digits, lang)
    return text.replace("-", "\u2212")  # a minus sign, that no line is broken after


def interval(
    low: float | None, high: float | None, unit: str, digits: int = 1, lang: str = "fr"
) -> str:
    """« entre 61 et 74 % »; « au moins … », « au plus … » for one bound; empty for none.

    Bounds that are written the same say how near they are instead: « à 1 % près », never
    « entre 38 et 38 % ». Where they are equal, or both written zero, there is nothing to say
    that the value does not (« 5 écoles », « < 0,1 % »).
    """
    if low is None and high is None:
        return ""
    if low is None or high is None:
        bound, key = (high, "high") if low is None else (low, "low")
        assert bound is not None
        return f"{word(key, lang)} {quantity(bound, unit, digits, lang)}"
    if low == high or round(low, digits) == round(high, digits) == 0:
        return ""
    if _signless_zero(low, digits, lang) == _signless_zero(high, digits, lang):
        near = "à {} près" if lang == "fr" else "to within {}"
        return near.format(quantity(10.0**-digits, unit, digits, lang))
    joint = "entre {} et {}" if lang == "fr" else "between {} and {}"
    return joint.format(_signless_zero(low, digits, lang), quantity(high, unit, digits, lang))


def quantity_or_word(
    value: float | str | None, unit: str, digits: int = 1, lang: str = "fr"
) -> str:
    """What a cell of a table says of a value that may be text, a date or missing."""
    if value is None:
        return word("missing", lang)
    if isinstance(value, str):
        if value in _CODES:
            return say(_CODES[value], lang)
        if _CODE.fullmatch(value):  # a code that this list does not know yet: readable at least
            return value.replace("_", " ").capitalize()
        return date_words(value, lang)
    return word("missing", lang) if value != value else small_or(value, unit, digits, lang)


#: Stable codes that a value may be, as people say them.
_CODES: Mapping[str, Text] = {
    "extinction_totale": {"fr": "Extinction totale", "en": "Total switch-off"},
    "extinction_partielle_ou_renovation": {
        "fr": "Extinction partielle ou rénovation d'ampleur",
        "en": "Partial switch-off or large renovation",
    },
    "pas_de_changement": {"fr": "Pas de changement", "en": "No change"},
    "rallumage": {"fr": "Rallumage", "en": "Lit again"},
    "indetermine": {"fr": "Indéterminée", "en": "Undetermined"},
}

_CODE = re.compile(r"[a-z0-9]+(_[a-z0-9]+)+")
_YEAR, _MONTH = re.compile(r"\d{4}"), re.compile(r"\d{4}-\d{2}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(T.*)?")


def date_words(text: str, lang: str = "fr") -> str:
    """« novembre 2022 » for ``2022-11``, « de … à … » for ``a/b``; other text as it is."""
    if "/" in text:
        first, _, last = text.partition("/")
        if _is_date(first) and _is_date(last):
            joint = "de {} à {}" if lang == "fr" else "{} to {}"
            return joint.format(date_words(first, lang), date_words(last, lang))
    try:
        if _MONTH.fullmatch(text):
            return month(text, lang)
        if _DAY.fullmatch(text):
            return day(text, lang)
    except ValueError:  # looks like a date and is none: it is somebody's text
        return text
    return text


def _is_date(text: str) -> bool:
    return any(pattern.fullmatch(text) for pattern in (_YEAR, _MONTH, _DAY))


def span(low: dt.date, high: dt.date, monthly: bool, lang: str = "fr") -> str:
    """« entre octobre et décembre 2022 », « entre le 25 et le 28 décembre 1999 ».

    Month and year are said once where they are the same.
    """
    write = month if monthly else day
    first, last = write(low, lang), write(high, lang)
    if first == last:
        return first
    if low.year == high.year:
        first = first.removesuffix(f" {low.year}")
        if not monthly and low.month == high.month:
            first = first.partition(" ")[0]
    if lang == "fr":
        return f"entre {first} et {last}" if monthly else f"entre le {first} et le {last}"
    return f"between {first} and {last}"
