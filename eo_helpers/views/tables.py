"""Figures, provenance and caveats as HTML tables and lists; every text is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..catalog.provenance import Provenance
from ..findings import Finding, Indicator, theme
from ..text import Text
from ._html import fill
from .words import colon, date_words, generic, interval, quantity_or_word, say, word

__all__ = ["caveats_html", "figures_html", "provenance_html", "remedy_html", "rows"]

#: What a group of indicators is called on screen.
_GROUPS = {
    "": {"fr": "Les chiffres", "en": "The figures"},
    "surface": {"fr": "Surface", "en": "Area"},
    "depth": {"fr": "Hauteur d'eau", "en": "Depth of water"},
    "population": {"fr": "Habitants", "en": "People"},
    "stakes": {"fr": "Ce que l'eau atteint", "en": "What the water reaches"},
    "sectors": {"fr": "Combien d'îlots", "en": "How many blocks"},
    "first": {"fr": "Par où commencer", "en": "Where to start"},
    "robustness": {"fr": "Ce classement est-il solide ?", "en": "How firm is this order?"},
    "criteria": {"fr": "Ce qui parle pour ce secteur", "en": "What speaks for this sector"},
    "gain": {"fr": "Ce que cela changerait", "en": "What it would change"},
    "cover": {"fr": "Ce qui couvre le sol", "en": "What covers the ground"},
    "people": {"fr": "Pour les habitants", "en": "For the inhabitants"},
    "forms": {"fr": "Les formes végétales", "en": "Forms of vegetation"},
    "change": {"fr": "Ce qui a changé", "en": "What has changed"},
    "reference": {
        "fr": "Corrigé par des points de référence",
        "en": "Adjusted by reference points",
    },
    "producers": {"fr": "Selon d'autres cartes", "en": "By other maps"},
    "coast": {"fr": "La côte", "en": "The coast"},
    "ahead": {"fr": "Si cela continuait (extrapolation)", "en": "If it went on (extrapolated)"},
    "what_if": {"fr": "Si l'on plantait (supposition)", "en": "If trees were planted (supposed)"},
    "places": {"fr": "Équipements publics", "en": "Public places"},
    "memory": {"fr": "La mémoire des crues", "en": "The memory of floods"},
    "attention": {"fr": "Où regarder d'abord", "en": "Where to look first"},
    "comparison": {"fr": "Par rapport à d'autres communes", "en": "Against other communes"},
    "measurement": {"fr": "Ce que vaut la mesure", "en": "How good the measurement is"},
}

#: Tables of more than ``_LONG`` rows show ``_SHOWN`` of them.
_LONG, _SHOWN = 6, 4


def rows(finding: Finding, lang: str = "fr") -> list[dict[str, str]]:
    """Each indicator in words: name, group, label, value, interval, date, source."""
    titles = {p.dataset: say(p.title, lang) for p in finding.provenance}
    return [_row(indicator, titles, lang) for indicator in finding.indicators]


def _row(indicator: Indicator, titles: dict[str, str], lang: str) -> dict[str, str]:
    bounds = interval(indicator.low, indicator.high, indicator.unit, indicator.digits, lang)
    value = quantity_or_word(indicator.value, indicator.unit, indicator.digits, lang)
    date = date_words(indicator.date, lang) if indicator.date else ""
    return {
        "name": indicator.name,
        "group": indicator.group,
        "label": say(indicator.label, lang),
        "value": value,
        "interval": bounds,
        "date": "" if date == value else date,  # a date that is itself the figure
        "source": titles.get(indicator.source, indicator.source),
    }


def figures_html(finding: Finding, lang: str = "fr", part: slice = slice(None)) -> str:
    """One table per group of indicators; empty if the Finding has none.

    ``part`` takes some of the groups: ``slice(1)`` the first, ``slice(1, None)`` the others.
    """
    groups = []
    gathered: dict[str, list[dict[str, str]]] = {}
    for row in rows(finding, lang):
        gathered.setdefault(row["group"], []).append(row)
    for name, members in list(gathered.items())[part]:
        sources = {row["source"] for row in members}
        groups.append(
            {
                "caption": _caption("" if name == finding.theme else name, lang),
                # What is the same for every row is said once.
                "source": sources.pop() if len(sources) == 1 else "",
                # A long table would bury what comes after it: its tail is folded away.
                "rows": members if len(members) <= _LONG else members[:_SHOWN],
                "rest": members[_SHOWN:] if len(members) > _LONG else [],
            }
        )
    if not groups:
        return ""
    return str(fill("figures", groups=groups, lang=lang, colon=colon(lang)))


def _caption(group: str, lang: str) -> str:
    if group in _GROUPS:
        return say(_GROUPS[group], lang)
    name = group.replace("_", " ")
    return name[:1].upper() + name[1:]


def provenance_html(provenance: Iterable[Provenance], lang: str = "fr") -> str:
    """Where the figures come from: edition, licence, mention, when the copy was read."""
    sources: list[dict[str, Any]] = []
    for p in provenance:
        read = date_words(p.read_at, lang)
        place = word(f"source_{p.source}", lang)
        # The badge beside it says in every language that it is fictional.
        edition = p.edition.removesuffix(" (démonstration)") if p.demonstration else p.edition
        words = {"edition": edition, "licence": p.licence, "attribution": p.attribution}
        words = {key: generic(text, lang) for key, text in words.items()}
        sources.append({**p.to_dict(), **words, "read": f"{read} ({place})"})
    return str(fill("provenance", sources=sources, lang=lang)) if sources else ""


def caveats_html(finding: Finding, lang: str = "fr") -> str:
    """What the data do not say, as a list."""
    caveats = [*finding.caveats, *_alone(finding)]
    return str(fill("caveats", caveats=caveats, lang=lang)) if caveats else ""


#: Why a commune is not set among those of its EPCI or of its size.
_NO_TABLE = {
    "fr": "Pas de comparaison avec l'intercommunalité ou des communes de même taille : aucune "
    "table nationale de ce thème n'est encore tenue. Sur la page, « Comparer avec une "
    "autre commune » en met une à côté.",
    "en": "No comparison with the inter-municipal body or communes of the same size: no national "
    "table of this theme is kept yet. On the page, 'Compare with another commune' sets one "
    "beside it.",
}
_TABLE_ABSENT = {
    "fr": "Pas de comparaison avec l'intercommunalité ou des communes de même taille : il faudrait "
    "la table nationale de ce thème (commande eo-helpers national), absente de ces données, ou "
    "assez de communes. Sur la page, « Comparer avec une autre commune » en met une à côté.",
    "en": "No comparison with the inter-municipal body or communes of the same size: it takes the "
    "national table of this theme (command eo-helpers national), which these data lack, or enough "
    "communes. On the page, 'Compare with another commune' sets one beside it.",
}


def _alone(finding: Finding) -> list[Text]:
    """That the commune is set among no others, and why."""
    answered = finding.status in ("complete", "partial")
    if not answered or any(one.group == "comparison" for one in finding.indicators):
        return []
    return [_TABLE_ABSENT if theme(finding.theme).compared else _NO_TABLE]


def remedy_html(finding: Finding, lang: str = "fr") -> str:
    """What would bring the data."""
    return str(fill("remedy", remedy=finding.remedy, lang=lang)) if finding.remedy else ""
