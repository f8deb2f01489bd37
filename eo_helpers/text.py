"""Words and figures as people read them: French first, English beside it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from functools import lru_cache

from babel.dates import format_date
from babel.numbers import format_decimal

__all__ = [
    "LANGUAGES",
    "Text",
    "at_place",
    "day",
    "french",
    "month",
    "number",
    "of_place",
    "percent",
]

LANGUAGES = ("fr", "en")

#: A sentence in every language of the house: ``{"fr": …, "en": …}``.
Text = Mapping[str, str]

_LOCALES = {"fr": "fr_FR", "en": "en_GB"}


@lru_cache(maxsize=8192)
def number(value: float, digits: int = 0, lang: str = "fr") -> str:
    """Write ``value`` with ``digits`` decimals the way ``lang`` does (« 12 450,5 »)."""
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(value, format=pattern, locale=_LOCALES[lang])


def percent(value: float, digits: int = 0, lang: str = "fr") -> str:
    """Write ``value``, already in percent, with its sign (« 68 % »)."""
    return number(value, digits, lang) + ("\u202f%" if lang == "fr" else "%")


def month(date: dt.date | str, lang: str = "fr") -> str:
    """« novembre 2022 », from a date or ``YYYY-MM[-DD]``."""
    if isinstance(date, str):
        date = dt.date.fromisoformat(date if len(date) > 7 else date + "-01")
    return format_date(date, "MMMM y", locale=_LOCALES[lang])


def day(date: dt.date | str, lang: str = "fr") -> str:
    """« 14 novembre 2022 », from a date or ``YYYY-MM-DD``."""
    if isinstance(date, str):
        date = dt.date.fromisoformat(date[:10])
    said = format_date(date, "d MMMM y", locale=_LOCALES[lang])
    return said.replace("1 ", "1er ", 1) if lang == "fr" and date.day == 1 else said


def french(text: str) -> str:
    """French spacing: no line is broken before « ; : ? ! % » » or after « « ».

    A narrow space before ; ? ! %, a full one before : and inside quotation marks, as the
    Imprimerie nationale sets them.
    """
    text = re.sub(r" ([;?!%])", "\u202f\\1", text)
    return re.sub(r" ([:»])", "\u00a0\\1", text).replace("« ", "«\u00a0")


def _contracted(name: str, le: str, les: str) -> str:
    """``name`` behind what « Le » and « Les » become; empty where it begins with neither."""
    for article, together in (("Le ", le), ("Les ", les)):
        if name.startswith(article):
            return together + name[len(article) :]
    return ""


def at_place(name: str, capital: bool = False) -> str:
    """« à Redon », « au Havre », « aux Herbiers »; ``capital`` for the head of a sentence."""
    said = _contracted(name, "au ", "aux ") or f"à {name}"
    return said[0].upper() + said[1:] if capital else said


def of_place(name: str) -> str:
    """« de Redon », « du Havre », « des Herbiers », « d'Arles ».

    Before H, whose elision only the ear knows (« d'Hyères » but « de Hoerdt »), « de ».
    """
    elided = re.match(r"[AEIOUÀÂÉÈÊËÎÏÔÙÛŒÆ]|Y[^aeiou]", name)
    return _contracted(name, "du ", "des ") or (f"d'{name}" if elided else f"de {name}")
