"""The list of dashboards: a page of its own, that needs no kernel and no script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tornado.web

from .boards import BOARDS, ENTRY, Board, address
from .words import language, translator

__all__ = ["ROUTES", "Entry"]

#: One picture for each dashboard, made by tools/pictures.py on the demonstration.
PICTURES = Path(__file__).resolve().parent / "pictures"


class Entry(tornado.web.RequestHandler):
    """``/tableaux``, with the commune that the visitor was looking at, if any."""

    def set_default_headers(self) -> None:
        """The same protections as the dashboards."""
        for name, value in self.settings.get("headers", {}).items():
            self.set_header(name, value)

    def get(self) -> None:
        """Write the page."""
        lang = language(self.get_argument("lang", "fr"))
        asked = self.get_argument("commune", "")
        insee = asked if len(asked) == 5 and asked.isalnum() else ""
        _ = translator(lang)
        base = self.settings.get("base_url", "/")
        other = "fr" if lang == "en" else "en"

        def card(board: Board) -> dict[str, Any]:
            return {
                "url": base + address(board.path, lang, insee),
                "title": _(board.title),
                "sentence": _(board.sentence),
                "picture": f"{base}{ENTRY}/images/{board.name}.webp",
            }

        page = self.settings["voila_jinja2_env"].get_template("entry.html")
        self.finish(
            page.render(
                _=_,
                lang=lang,
                other=other,
                base_url=base,
                cards=[card(board) for board in BOARDS],
                there=base + address(ENTRY, other, insee),
                here=base + address(ENTRY, lang, insee),
            )
        )


#: What the server adds to Voilà's own, below its base address.
ROUTES: list[Any] = [
    (rf"/{ENTRY}/?", Entry),
    (rf"/{ENTRY}/images/([a-z_]+\.webp)", tornado.web.StaticFileHandler, {"path": str(PICTURES)}),
]
