"""The theme's words: headlines, caveats and labels, in French and in English."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from ..territory.commune import Commune
from ..text import Text, at_place, month, number, of_place, percent
from ..timeseries.breaks import Break
from .changes import Assessment

__all__ = [
    "MORE_MONTHS",
    "REMEDY",
    "caveats",
    "event_label",
    "headline",
    "main_event",
    "map_alt",
    "map_title",
    "nothing",
    "span",
]

#: Under this probability of the class's size, the sentence does not choose between classes.
NEAR_LIMIT = 0.75

#: From this share of a fall on, what comes from the neighbours is told.
TOLD_SHARE = 0.2

REMEDY: Text = {
    "fr": "Téléchargez les fichiers mensuels VNP46A3 (NASA Black Marble, collection 002) des "
    "tuiles de la commune, et indiquez leur dossier.",
    "en": "Download the monthly files VNP46A3 (NASA Black Marble, collection 002) of the "
    "commune's tiles, and give their folder.",
}
MORE_MONTHS: Text = {
    "fr": "Trop de mois manquent : complétez le dossier avec les fichiers VNP46A3 absents.",
    "en": "Too many months are missing: add the VNP46A3 files that the folder lacks.",
}


def french(text: str) -> str:
    """Narrow no-break spaces where French typography wants them."""
    out = text.replace("1 h 30", "1\u00a0h\u00a030").replace(" :", "\u00a0:")
    return out.replace(" ;", "\u202f;")


def _text(fr: str, en: str) -> Text:
    return {"fr": french(fr), "en": en}


def nothing(commune: Commune, away: bool) -> Text:
    """Headline where there is no data."""
    if away:
        return {
            "fr": f"Les données d'éclairage nocturne disponibles ici ne couvrent pas "
            f"{commune.name}.",
            "en": f"The night-lighting data at hand do not cover {commune.name}.",
        }
    return {
        "fr": f"Pas encore de données d'éclairage nocturne pour {commune.name}.",
        "en": f"No night-lighting data yet for {commune.name}.",
    }


def main_event(found: Assessment) -> Break | None:
    """The event that the headline tells: the last switch-off, or the only rise.

    Of a commune lit again it is the fall; its return is told beside it.
    """
    events = found.classification.events
    falls = [b for b in events if b.change_percent < 0]
    if falls:
        return min(falls, key=lambda b: b.change_percent)
    return events[-1] if events else None


def _precision(found: Assessment, b: Break, lang: str) -> str:
    """How well the date is known, in words."""
    months = max(b.index - b.index_low, b.index_high - b.index)
    if months <= 1:
        return "à un mois près" if lang == "fr" else "within a month"
    if months <= 4:
        words = {2: ("deux", "two"), 3: ("trois", "three"), 4: ("quatre", "four")}[months]
        return f"à {words[0]} mois près" if lang == "fr" else f"within {words[1]} months"
    low, high = (month(found.date(i), lang) for i in (b.index_low, b.index_high))
    return f"entre {low} et {high}" if lang == "fr" else f"between {low} and {high}"


def span(low: str, high: str, lang: str = "fr") -> str:
    """« octobre 2019 », or « entre octobre 2019 et janvier 2020 »."""
    first, last = month(low, lang), month(high, lang)
    if first == last:
        return first
    return f"entre {first} et {last}" if lang == "fr" else f"between {first} and {last}"


def _size(b: Break, lang: str) -> tuple[str, str]:
    """« 68 % » and « entre 61 et 74 % »."""
    value = percent(abs(b.change_percent), 0, lang)
    low, high = sorted((abs(b.change_low), abs(b.change_high)))
    if b.change_low * b.change_high < 0:
        low = 0.0
    lo, hi = number(low, 0, lang), percent(high, 0, lang)
    return value, f"entre {lo} et {hi}" if lang == "fr" else f"between {lo} and {hi}"


def headline(commune: Commune, found: Assessment, table: pd.DataFrame) -> Text:
    """One plain sentence, with its uncertainty."""
    return _text(*(_headline(commune.name, found, table, lang) for lang in ("fr", "en")))


def _headline(name: str, found: Assessment, table: pd.DataFrame, lang: str) -> str:
    fr = lang == "fr"
    main = main_event(found)
    practice = found.classification.practice
    since = table.index[0].year
    if practice == "indetermine":
        return _undetermined(name, found, lang)
    if main is None:
        return _unchanged(name, found, since, lang)
    when = month(found.date(main.index), lang)
    near = _precision(found, main, lang)
    size, interval = _size(main, lang)
    if practice == "pas_de_changement":
        return (
            f"Depuis {when} ({near}), {name} émet {size} de lumière en plus vers 1 h 30 du "
            f"matin ({interval}) ; aucune extinction n'apparaît depuis {since}."
            if fr
            else f"Since {when} ({near}), {name} is {size} brighter around 1.30 a.m. "
            f"({interval}); no switch-off is seen since {since}."
        )
    if practice == "rallumage":
        back = next(b for b in reversed(found.classification.events) if b.change_percent > 0)
        again = month(found.date(back.index), lang)
        return (
            f"La lumière {of_place(name)} vers 1 h 30 du matin a baissé de {size} en {when} "
            f"({near}), puis est revenue en {again} ({_precision(found, back, lang)})."
            if fr
            else f"{name} grew {size} darker around 1.30 a.m. in {when} ({near}), and was lit "
            f"again in {again} ({_precision(found, back, lang)})."
        )
    doubtful = found.classification.size_sure < NEAR_LIMIT
    if doubtful:
        end = (
            "l'éclairage public semble éteint en cœur de nuit, en tout ou en partie, ou rénové"
            if fr
            else "street lights seem to be off in the middle of the night, all or part of them, "
            "or renewed"
        )
    elif practice == "extinction_totale":
        end = (
            "l'éclairage public semble éteint en cœur de nuit"
            if fr
            else "street lights seem to be off in the middle of the night"
        )
    else:
        end = (
            "une partie de l'éclairage public semble éteinte ou rénovée"
            if fr
            else "part of the street lights seem to be off, or renewed"
        )
    return (
        f"Depuis {when} ({near}), {name} émet {size} de lumière en moins vers 1 h 30 du "
        f"matin ({interval}) : {end}."
        if fr
        else f"Since {when} ({near}), {name} is {size} less bright around 1.30 a.m. "
        f"({interval}): {end}."
    )


def _unchanged(name: str, found: Assessment, since: int, lang: str) -> str:
    fade = found.changes.fade if found.changes else None
    if fade is not None:
        start, end = (month(found.date(i), lang) for i in (fade.start, fade.end))
        size = percent(abs(fade.change_percent), 0, lang)
        if lang == "fr":
            word = "baissé" if fade.change_percent < 0 else "augmenté"
            return (
                f"La lumière nocturne {of_place(name)} a {word} peu à peu, d'environ {size} entre "
                f"{start} et {end}, sans extinction nette."
            )
        word = "fallen" if fade.change_percent < 0 else "risen"
        return (
            f"Night light in {name} has {word} little by little, by about {size} between "
            f"{start} and {end}, without a clear switch-off."
        )
    if lang == "fr":
        return f"Aucun changement net de l'éclairage nocturne {of_place(name)} depuis {since}."
    return f"No clear change of night lighting in {name} since {since}."


def _undetermined(name: str, found: Assessment, lang: str) -> str:
    reason = found.classification.reason
    if reason == "neighbours":
        return _of_the_neighbours(name, found, lang)
    fr = {
        "few_values": "trop peu de mois ont pu être mesurés",
        "dark": "presque aucune lumière n'y est mesurée",
        "noisy": "les mesures varient trop d'un mois à l'autre",
    }
    en = {
        "few_values": "too few months could be measured",
        "dark": "almost no light is measured there",
        "noisy": "measurements vary too much from month to month",
    }
    if lang == "fr":
        return f"On ne peut pas conclure pour {name} : {fr.get(reason, fr['noisy'])}."
    return f"Nothing can be concluded for {name}: {en.get(reason, en['noisy'])}."


def _of_the_neighbours(name: str, found: Assessment, lang: str) -> str:
    """A fall that is seen here, of which much comes from elsewhere."""
    main = main_event(found)
    if main is None:
        raise ValueError("only a fall can be the neighbours'")
    when, near = month(found.date(main.index), lang), _precision(found, main, lang)
    size, _ = _size(main, lang)
    if lang == "fr":
        return (
            f"On ne peut pas conclure pour {name} : la lumière qu'on y voit vers 1 h 30 du matin "
            f"a baissé de {size} en {when} ({near}), mais cette lumière vient en bonne partie des "
            "communes voisines, qui ont pu s'éteindre à sa place."
        )
    return (
        f"Nothing can be concluded for {name}: the light seen there around 1.30 a.m. fell by "
        f"{size} in {when} ({near}), but much of it comes from neighbours, which may have switched "
        "off instead."
    )


def event_label(b: Break) -> Text:
    """« −68 % »; the event carries its date."""
    out = {}
    for lang in ("fr", "en"):
        sign = "\u2212" if b.change_percent < 0 else "+"
        out[lang] = sign + percent(abs(b.change_percent), 0, lang)
    return out


#: What the unit of the maps and charts is, in everyday words.
RADIANCE: Text = {
    "fr": "Radiance : la lumière qui part vers le ciel, en nanowatts (nW) par centimètre carré de "
    "sol et par unité d'angle (stéradian, sr).",
    "en": "Radiance: the light that leaves towards the sky, in nanowatts (nW) for a square "
    "centimetre of ground and a unit of angle (steradian, sr).",
}


def map_title(name: str, first: pd.Timestamp, last: pd.Timestamp) -> Text:
    """Title of a map of mean radiance."""
    words = {
        "before": ("avant", "before"),
        "after": ("après", "after"),
        "recent": ("récente", "recent"),
    }[name]
    return {
        "fr": f"Lumière moyenne {words[0]} ({month(first.date())} – {month(last.date())})",
        "en": f"Mean light {words[1]} ({month(first.date(), 'en')} – {month(last.date(), 'en')})",
    }


def map_alt(name: str, commune: Commune, mean: float) -> Text:
    """Text alternative of a map of mean radiance."""
    if not np.isfinite(mean):
        return {"fr": "Aucune mesure.", "en": "No measurement."}
    return {
        "fr": f"Carte de la radiance moyenne {at_place(commune.name)} et autour : "
        f"{number(mean, 1)} nW·cm⁻²·sr⁻¹ en moyenne sur la carte.",
        "en": f"Map of mean radiance in and around {commune.name}: "
        f"{number(mean, 1, 'en')} nW·cm⁻²·sr⁻¹ on average over the map.",
    }


def caveats(
    found: Assessment, table: pd.DataFrame, data: xr.Dataset, pixels: float
) -> tuple[Text, ...]:
    """What a reader must know before using the figures."""
    out: list[Text] = [
        {
            "fr": "Le satellite passe vers 1 h 30 : une extinction qui finit avant, ou une "
            "baisse d'intensité en soirée, ne se voit pas.",
            "en": "The satellite passes around 01:30: a switch-off that ends before, or dimming "
            "in the evening, is not seen.",
        },
        {
            "fr": "Le capteur ne voit pas le bleu (sous 500 nm) : un passage aux LED blanches "
            "peut ressembler à une baisse.",
            "en": "The sensor is blind to blue (below 500 nm): a change to white LED can look "
            "like a fall.",
        },
        {
            "fr": "Un pixel fait environ 500 m et reçoit la lumière des communes voisines, des "
            "commerces et des particuliers. Ce n'est pas une mesure d'énergie.",
            "en": "A pixel is some 500 m wide and receives light of neighbour communes, shops "
            "and homes. It is no measure of energy.",
        },
    ]
    if pixels < 1:
        out.insert(
            0,
            {
                "fr": "La commune est plus petite qu'un pixel : la lumière des voisines compte "
                "dans ses chiffres.",
                "en": "The commune is smaller than a pixel: light of its neighbours counts in "
                "its figures.",
            },
        )
    elif pixels < 6:
        out.insert(
            0,
            {
                "fr": f"La commune ne couvre qu'environ {number(pixels, 0)} pixels : la lumière "
                "des voisines pèse sur ses chiffres.",
                "en": f"The commune covers only about {number(pixels, 0, 'en')} pixels: light of "
                "its neighbours weighs on its figures.",
            },
        )
    share = found.classification.neighbours
    if share is not None and share >= TOLD_SHARE:
        out.insert(
            0,
            {
                "fr": f"Environ {percent(100 * share, 0)} de la baisse mesurée semble venir de la "
                "lumière des communes voisines, que le capteur étale sur celle-ci.",
                "en": f"About {percent(100 * share, 0, 'en')} of the fall seems to come from the "
                "light of neighbour communes, which the sensor spreads over this one.",
            },
        )
    gaps = int(table["radiance"].isna().sum())
    if gaps:
        out.append(
            {
                "fr": f"{gaps} mois sur {len(table)} sans mesure utilisable (nuages, neige, nuits "
                "d'été trop claires ou fichiers absents) : ils sont laissés vides.",
                "en": f"{gaps} months out of {len(table)} without a usable measurement (cloud, "
                "snow, bright summer nights or missing files): they are left empty.",
            }
        )
    for broken in data.attrs.get("broken", ()):
        out.append({"fr": f"Fichier écarté : {broken}", "en": f"File left out: {broken}"})
    if found.changes is not None and found.changes.outliers.size:
        n = int(found.changes.outliers.size)
        out.append(
            {
                "fr": f"{n} mois aberrants, visibles sur le graphique, sont écartés du calcul."
                if n > 1
                else "1 mois aberrant, visible sur le graphique, est écarté du calcul.",
                "en": f"{n} outlying month{'s' if n > 1 else ''}, shown in the chart, left out "
                "of the computation.",
            }
        )
    return tuple(_text(c["fr"], c["en"]) for c in out)
