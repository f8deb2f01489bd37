"""The words of the page: French in the code, the other languages in one gettext catalogue.

``locale/en/LC_MESSAGES/eo_helpers.po`` holds them; ``python tools/translations.py`` gathers
the French of the code into it and compiles it. What a Finding says is bilingual by itself.
"""

from __future__ import annotations

import gettext
from collections.abc import Callable
from functools import cache
from html import escape
from pathlib import Path

from markupsafe import Markup

from ..text import LANGUAGES, french

__all__ = ["N_", "both", "language", "translator"]

LOCALE = Path(__file__).resolve().parent / "locale"


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for it
    """Mark a text for the catalogue; it is translated where it is used."""
    return text


def language(asked: object) -> str:
    """The language that was asked for if the page speaks it, else French."""
    return str(asked) if asked in LANGUAGES else "fr"


@cache
def translator(lang: str) -> Callable[[str], str]:
    """The function that puts a French text into ``lang``; French gets its spaces."""
    if lang == "fr":
        return french
    return gettext.translation("eo_helpers", LOCALE, languages=[lang]).gettext


def both(text: str) -> Markup:
    """A text in every language as HTML, for pages made before anyone asked in a language.

    Voilà renders a page ahead of its visitor: the page's own script shows the right one.
    """
    said = ((lang, escape(translator(lang)(text), quote=False)) for lang in LANGUAGES)
    return Markup("").join(
        Markup(f'<span class="eo-both" lang="{lang}">{words}</span>') for lang, words in said
    )
