"""Words and figures as people read them: French first, English beside it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from functools import lru_cache

from babel.dates import format_date
from babel.numbers import format_decimal

__all__ = ["LANGUAGES", "Text", "day", "french", "month", "number", "percent"]

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
