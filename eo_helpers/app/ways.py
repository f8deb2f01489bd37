"""The ways out of a dashboard: to the others, to the other language, to files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from .boards import BOARDS, ENTRY, Board, address, board_of
from .words import N_, translator

__all__ = ["Ways"]

#: Ending, words and target of each file that a person may take away.
TAKE_AWAY = (
    ("pdf", N_("Imprimer la fiche (PDF)"), ' target="_blank" rel="noopener"'),
    ("gpkg", N_("Couches pour QGIS (GeoPackage)"), " download"),
    ("csv", N_("Chiffres (CSV)"), " download"),
    ("zip", N_("Tout, avec les rasters (ZIP)"), " download"),
    ("ipynb", N_("Ouvrir dans un carnet (Jupyter)"), " download"),
)

#: The other language, in its own words.
OTHER = {"fr": ("en", "English"), "en": ("fr", "Français")}

#: From the page of a dashboard back to the server's root.
ROOT = "../../"


@dataclass(frozen=True)
class Ways:
    """Links as HTML, that carry language, commune and settings of what is shown.

    Where no server is around the page (a notebook in JupyterLab) there are none.
    """

    board: Board
    lang: str
    insee: str = ""
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: INSEE code of the commune set beside it; links to dashboards keep it.
    beside: str = ""

    @property
    def served(self) -> bool:
        """Is there a server around this page, with files and other dashboards?"""
        return bool(os.environ.get("EO_HELPERS_SERVICE"))

    def header(self) -> str:
        """Navigation, title and what the page is about."""
        _ = translator(self.lang)
        title, sentence = escape(_(self.board.title), False), escape(_(self.board.sentence), False)
        return f'<div class="eo-header">{self._navigation()}<h1>{title}</h1><p>{sentence}</p></div>'

    def _navigation(self) -> str:
        if not self.served:
            return ""
        _ = translator(self.lang)
        away = [(ENTRY, _("Tous les tableaux de bord"))]
        if self.board.theme:
            away.append((BOARDS[0].path, _("Tous les thèmes de la commune")))
        with_it = {"avec": self.beside} if self.beside else {}
        links = "".join(
            f'<a href="{escape(ROOT + address(path, self.lang, self.insee, more=with_it))}">'
            f"{escape(text)}</a>"
            for path, text in away
        )
        other, its_name = OTHER[self.lang]
        there = escape(ROOT + address(self.board.path, other, self.insee, self.settings, with_it))
        label = escape(_("Tableaux de bord"))
        return (
            f'<nav class="eo-nav" aria-label="{label}">{links}'
            f'<a href="{there}" lang="{other}" hreflang="{other}">{its_name}</a></nav>'
        )

    def alone(self, theme: str) -> str:
        """Address of the dashboard of one theme, with the settings of that theme."""
        board = board_of(theme)
        if board is None or not self.served:
            return ""
        mine = {theme: self.settings[theme]} if theme in self.settings else {}
        with_it = {"avec": self.beside} if self.beside else {}
        return ROOT + address(board.path, self.lang, self.insee, mine, with_it)

    def files(self) -> str:
        """The same as files."""
        if not self.served:
            return ""
        _ = translator(self.lang)
        only = {"theme": self.board.theme} if self.board.theme else {}
        links = ""
        for ending, text, target in TAKE_AWAY:
            where = f"{ROOT}telecharger/{self.insee}.{ending}"
            where = escape(address(where, self.lang, "", self.settings, only))
            links += f'<li><a href="{where}"{target}>{escape(_(text))}</a></li> '
        label = escape(_("Emporter"))
        return f'<ul class="eo-files" aria-label="{label}">{links}</ul>'
