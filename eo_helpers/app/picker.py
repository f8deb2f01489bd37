"""The commune picker: an accessible combobox (ARIA 1.2), as a widget."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from .words import N_, translator

__all__ = ["Picker"]

_HERE = Path(__file__).resolve().parent


#: What picker.js writes. ``{}`` stands for what it knows.
WORDS = {
    "label": N_("Choisissez votre commune"),
    "hint": N_("Tapez les premières lettres de son nom, son code postal ou son code INSEE."),
    "offered": N_("Communes proposées"),
    "lost": N_("La page a perdu le contact avec le serveur ; rien n'est perdu."),
    "reload": N_("Recharger la page"),
    "fictional": N_("Communes fictives à essayer :"),
    "examples": N_("Par exemple :"),
    "recent": N_("Vues récemment :"),
    "forget": N_("Oublier ces communes"),
    "here": N_("Utiliser ma position"),
    "looking": N_("Recherche de votre position…"),
    "nowhere": N_(
        "Votre position n'a pas été obtenue : le navigateur l'a refusée ou ne la connaît pas. "
        "Tapez le nom de la commune."
    ),
    "beside": N_("Comparer avec une autre commune"),
    "beside_label": N_("Commune à mettre à côté"),
    "beside_hint": N_("Ses chiffres s'affichent à côté, thème par thème."),
    "without": N_("Ne plus comparer"),
    "map": N_("Carte, {}"),
    "map_of": N_("Carte, {} : {}"),
}


def _style() -> str:
    """The views' sheet (charts, tables, legends), then the page's own."""
    sheets = (_HERE.parent / "views" / "style.css", _HERE / "style.css")
    return "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets if sheet.exists())


class Picker(anywidget.AnyWidget):
    """Asks for a commune, or for the one that is set beside it (``role="beside"``).

    The browser sends ``{"kind": "lang", "value"}`` first, then ``{"kind": "search", "id",
    "query"}``, ``{"kind": "pick", "insee", "settings"}`` and ``{"kind": "width", "value"}``;
    the shell answers a search with ``{"kind": "results", "id", "items", "message"}``. Ids
    grow, and the browser shows nothing but the answer to its last question. A person may
    also ask for the commune where they are: ``{"kind": "here", "lat", "lon"}``, answered
    with ``{"kind": "here", "item", "message"}``.
    """

    _esm = (_HERE / "picker.js").read_text(encoding="utf-8")
    _css = _style()

    #: ``"commune"`` or ``"beside"``.
    role = traitlets.Unicode("commune").tag(sync=True)
    #: Communes offered before anything is typed: ``{"insee", "name", "label"}``.
    examples = traitlets.List(traitlets.Dict()).tag(sync=True)
    #: True on fictional data.
    demonstration = traitlets.Bool(False).tag(sync=True)
    #: The commune that is shown: ``{"insee", "name"}``, or empty.
    shown = traitlets.Dict().tag(sync=True)
    #: The controls that were moved, by theme; the address bar carries them.
    settings = traitlets.Dict().tag(sync=True)
    #: Read aloud by screen readers when it changes.
    status = traitlets.Unicode("").tag(sync=True)

    #: The words of ``WORDS``, ``title`` and ``lang``.
    words = traitlets.Dict().tag(sync=True)

    def speak(self, lang: str, title: str) -> None:
        """Write in ``lang``, on a page with that title (French)."""
        _ = translator(lang)
        words = {key: _(text) for key, text in WORDS.items()}
        self.words = {**words, "title": _(title), "lang": lang}

    def found_here(self, item: dict[str, Any] | None, message: str = "") -> None:
        """Answer where a person is: the commune, or why there is none."""
        self.send({"kind": "here", "item": item, "message": message})

    def results(self, ask: int, items: list[dict[str, Any]], message: str = "") -> None:
        """Answer the search that had the id ``ask``."""
        self.send({"kind": "results", "id": ask, "items": items, "message": message})
