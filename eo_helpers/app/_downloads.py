"""Files about a commune, written by the analysis service and sent by the server."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import tornado.web

from .boards import BOARDS, address, board_of
from .client import ServiceClient, ServiceError
from .words import language, translator

__all__ = ["Download", "ROUTE"]

#: « telecharger/99001.pdf?flood.rise=0.5 »; the format is checked by the export itself.
ROUTE = r"/telecharger/([0-9AB]{5})\.([a-z]{3,5})"

KINDS = {
    "pdf": "application/pdf",
    "gpkg": "application/geopackage+sqlite3",
    "csv": "text/csv; charset=utf-8",
    "zip": "application/zip",
    "ipynb": "application/x-ipynb+json",
}

#: Bytes that are sent at a time.
PIECE = 1 << 20


class Download(tornado.web.RequestHandler):
    """One file; an error is a calm page, never a traceback."""

    async def get(self, insee: str, ending: str) -> None:
        """Have the file written, then send it."""
        moved: dict[str, dict[str, Any]] = {}
        for key in self.request.arguments:
            theme, dot, name = key.partition(".")
            if dot:
                moved.setdefault(theme, {})[name] = _value(self.get_argument(key))
        theme = self.get_argument("theme", "")
        lang = language(self.get_argument("lang", "fr"))
        client = ServiceClient(Path(os.environ["EO_HELPERS_SERVICE"]))
        try:
            told = await client.call(
                "export",
                insee=insee,
                ending=ending,
                lang=lang,
                theme=theme,
                settings=json.dumps(moved, sort_keys=True) if moved else "",
                link=self._link(insee),
            )
        except ServiceError as error:
            self.set_status(503 if error.kind in ("Unavailable", "Unexpected") else 404)
            self.finish(_page(error.en if lang == "en" else error.fr, lang))
            return
        self.set_header("Content-Type", KINDS[ending])
        name = quote(told["name"])
        # A sheet is read in the browser; everything else is kept.
        shown = "inline" if ending == "pdf" else "attachment"
        self.set_header("Content-Disposition", f"{shown}; filename*=UTF-8''{name}")
        self.set_header("Content-Length", str(Path(told["path"]).stat().st_size))
        with Path(told["path"]).open("rb") as file:
            while piece := file.read(PIECE):
                self.write(piece)
                await self.flush()

    def _link(self, insee: str) -> str:
        """Address of the page with the same commune and settings."""
        asked = {key: self.get_argument(key) for key in sorted(self.request.arguments)}
        moved = {key: value for key, value in asked.items() if "." in key}
        board = board_of(asked.get("theme", "")) or BOARDS[0]
        lang = language(asked.get("lang", "fr"))
        base = self.settings.get("base_url", "/")
        where = f"{self.request.protocol}://{self.request.host}{base}"
        return (where + address(board.path, lang, insee, more=moved))[:500]

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """What went wrong stays in the log."""
        lang = language(self.get_argument("lang", "fr"))
        _ = translator(lang)
        said = _("Le fichier n'a pas pu être préparé. Réessayez dans un instant.")
        self.finish(_page(said, lang))


def _value(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _page(sentence: str, lang: str) -> str:
    from html import escape

    _ = translator(lang)
    back = _("Revenez à la page précédente.")
    return (
        f'<!DOCTYPE html><html lang="{lang}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(sentence[:60])}</title><body style='font:16px/1.5 system-ui,sans-serif;"
        f"max-width:720px;margin:24px auto;padding:0 16px'><p>{escape(sentence)}</p>"
        f"<p>{back}</p></body></html>"
    )
