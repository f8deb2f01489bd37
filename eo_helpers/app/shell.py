"""The page: a header, the picker, and one panel per registered theme."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from functools import partial
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import ipywidgets

from ..catalog.net import offline
from .client import LocalClient, ServiceClient, ServiceError, open_client
from .framing import map_width
from .panel import DEMONSTRATION, Ground, Panel
from .picker import Picker

__all__ = ["Shell", "ma_commune"]

log = logging.getLogger(__name__)

UNEXPECTED = (
    "La réponse n'a pas pu être affichée. Le reste de la page fonctionne\u00a0: réessayez, "
    "ou choisissez une autre commune."
)

#: Ending, words and target of each file that a person may take away.
TAKE_AWAY = (
    ("pdf", "Imprimer la fiche (PDF)", ' target="_blank" rel="noopener"'),
    ("gpkg", "Couches pour QGIS (GeoPackage)", " download"),
    ("csv", "Chiffres (CSV)", " download"),
    ("zip", "Tout, avec les rasters (ZIP)", " download"),
    ("ipynb", "Ouvrir dans un carnet (Jupyter)", " download"),
)

FICTION = (
    f"{DEMONSTRATION}<p>Vous voyez un territoire fictif, qui sert à découvrir "
    "l'outil\u00a0: aucune de ces communes n'existe.</p>"
)

_TITLE = (
    '<header class="eo-header"><h1>Ma commune vue par satellite</h1>'
    "<p>Ce que les satellites disent de votre commune, thème par thème."
    "</p></header>"
)


class Shell:
    """The state of one person's page.

    Every pick starts a new generation; what belongs to an older one is cancelled, and
    is never shown even if it arrives.

    Parameters
    ----------
    client : ServiceClient or LocalClient
        Whom to ask.
    lang : str
        Language of the answers.
    """

    def __init__(self, client: ServiceClient | LocalClient, lang: str = "fr") -> None:
        self.client = client
        self.lang = lang
        self.generation = 0
        self.panels: dict[str, Panel] = {}
        self.picker = Picker()
        self._viewport = 1280
        self._ground: Ground | None = None
        self._task: asyncio.Task[None] | None = None
        self._again: dict[str, asyncio.Task[None]] = {}
        self._settings: dict[str, dict[str, Any]] = {}
        self._insee = ""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._search: asyncio.Task[Any] | None = None
        self._commune = ipywidgets.HTML()
        self._commune.add_class("eo-commune")
        self._files = ipywidgets.HTML()
        self._files.add_class("eo-take-away")
        self._grid = ipywidgets.Box([])
        self._grid.add_class("eo-grid")
        self._grid.add_class("eo-empty")
        title = ipywidgets.HTML(_TITLE)
        title.add_class("eo-top")
        self.widget = ipywidgets.VBox([title, self.picker, self._commune, self._files, self._grid])
        self.widget.add_class("eo-page")
        self.picker.on_msg(self._hear)
        self._ready = self._start(self._begin())

    # -- the conversation with the browser ------------------------------------------------

    def _start(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)  # the loop keeps weak references only
        task.add_done_callback(self._tasks.discard)
        return task

    def _hear(self, _: Any, content: dict[str, Any], buffers: Any) -> None:
        kind = content.get("kind")
        if kind == "search":
            if self._search is not None:
                self._search.cancel()
            self._search = self._start(self._find(int(content["id"]), str(content["query"])))
        elif kind == "pick":
            self.pick(str(content["insee"]), _told_settings(content.get("settings")))
        elif kind == "width":
            self._viewport = int(content["value"])
            for panel in self.panels.values():
                panel.resize(map_width(self._viewport))

    async def _begin(self) -> None:
        """Learn which themes there are, and offer a few communes."""
        try:
            about = await self.client.call("about")
        except ServiceError as error:
            self._notice(error.fr)
            return
        self.panels = {
            theme["name"]: Panel(theme["title"][self.lang], partial(self.move, theme["name"]))
            for theme in about["themes"]
        }
        self.picker.demonstration = about["demonstration"]
        self.picker.examples = about["examples"]
        self._grid.children = [panel.widget for panel in self.panels.values()]
        titles = "".join(f"<li>{escape(panel.title)}</li>" for panel in self.panels.values())
        self._commune.value = (
            (FICTION if about["demonstration"] else "")
            + f'<div class="eo-promise"><p>Une fois la commune choisie, vous verrez\u00a0:</p>'
            f"<ul>{titles}</ul></div>"
        )

    async def _find(self, ask: int, query: str) -> None:
        try:
            found = await self.client.call("search", query=query)
        except ServiceError as error:
            self.picker.results(ask, [], error.fr)
            return
        if found:
            many = f"{len(found)} communes proposées." if len(found) > 1 else "1 commune proposée."
            self.picker.results(ask, found, many)
        else:
            self.picker.results(
                ask,
                [],
                f"Aucune commune ne ressemble à «\u00a0{query}\u00a0». Vérifiez l'orthographe, "
                "ou essayez le code postal.",
            )

    def pick(
        self, insee: str, settings: dict[str, dict[str, Any]] | None = None
    ) -> asyncio.Task[None]:
        """Show a commune; whatever was under way for another one is dropped.

        ``settings`` are controls by theme, as an address that somebody sent holds them.
        """
        self.generation += 1
        if self._task is not None:
            self._task.cancel()
        for again in self._again.values():
            again.cancel()
        self._again = {}
        self._insee = insee
        self._settings = settings or {}
        self._task = self._start(self._show(insee, self.generation))
        return self._task

    def move(self, name: str, settings: dict[str, Any]) -> None:
        """A control was moved: ask that theme again, of the same commune."""
        if name in self._again:
            self._again[name].cancel()
        self._settings = {**self._settings, name: settings}
        self.picker.settings = {theme: moved for theme, moved in self._settings.items() if moved}
        self._take_away()
        self._again[name] = self._start(self._ask_again(name, settings, self.generation))

    async def _ask_again(self, name: str, settings: dict[str, Any], generation: int) -> None:
        panel = self.panels[name]
        panel.widget.add_class("eo-busy")
        self.picker.status = "Calcul en cours…"
        try:
            await self._fill(name, self._start(self._ask(name)), generation, self._insee)
            self.picker.status = f"Réponse prête\u00a0: {panel.title}."
        finally:
            # A later move has its own busy sign.
            if self._settings.get(name) == settings:
                panel.widget.remove_class("eo-busy")

    async def _ask(self, name: str) -> dict[str, Any]:
        question = {"theme": name, "insee": self._insee, "lang": self.lang}
        moved = self._settings.get(name)
        if moved:
            question["settings"] = json.dumps(moved, sort_keys=True)
        answer: dict[str, Any] = await self.client.call("bundle", **question)
        return answer

    # -- one commune ------------------------------------------------------------------------

    async def _show(self, insee: str, generation: int) -> None:
        await self._ready
        if not self.panels:
            return
        self._grid.remove_class("eo-empty")
        self.picker.status = "Calcul en cours…"
        for panel in self.panels.values():
            panel.wait()
        answers: dict[str, asyncio.Task[dict[str, Any]]] = {}
        try:
            commune = await self.client.call("commune", insee=insee)
            if generation != self.generation:
                return
            self._present(commune)
            for name in self.panels:
                answers[name] = self._start(self._ask(name))
            await asyncio.gather(
                *(self._fill(name, answer, generation, insee) for name, answer in answers.items())
            )
            if generation == self.generation:
                self.picker.status = (
                    f"Réponse prête\u00a0: {commune['name']}, {len(answers)} thèmes."
                )
        except ServiceError as error:
            if generation == self.generation:
                self._refuse(error)
        finally:
            for answer in answers.values():
                answer.cancel()

    def _take_away(self) -> None:
        """The same as files: where a server is there to make them."""
        if not os.environ.get("EO_HELPERS_SERVICE"):
            return
        asked = {
            f"{theme}.{name}": value
            for theme, moved in self._settings.items()
            for name, value in moved.items()
        }
        query = f"?{urlencode(asked)}" if asked else ""
        links = " ".join(
            f'<li><a href="../../telecharger/{escape(self._insee)}.{ending}{escape(query)}"'
            f"{target}>{text}</a></li>"
            for ending, text, target in TAKE_AWAY
        )
        self._files.value = f'<ul class="eo-files" aria-label="Emporter">{links}</ul>'

    def _present(self, commune: dict[str, Any]) -> None:
        """Name the commune and frame every map on it."""
        old, self._ground = self._ground, Ground(commune, online=not offline())
        self._commune.value = (
            f'<p class="eo-name"><strong>{escape(commune["name"])}</strong> '
            f"<span>{escape(commune['label'])}</span></p>"
        )
        self._take_away()
        self.picker.settings = self._settings
        self.picker.shown = {"insee": commune["insee"], "name": commune["name"]}
        for panel in self.panels.values():
            panel.ground(self._ground, map_width(self._viewport))
        if old is not None:
            old.close()

    async def _fill(
        self, name: str, answer: asyncio.Task[dict[str, Any]], generation: int, insee: str
    ) -> None:
        panel = self.panels[name]
        try:
            bundle = await answer
            if generation != self.generation:
                return
            if bundle["commune"]["insee"] != insee:
                raise ValueError(f"asked for {insee}, got {bundle['commune']}")
            panel.show(bundle, self._settings.get(name))
        except ServiceError as error:
            if generation == self.generation:
                panel.fail(error.fr)
        except Exception:  # one panel that cannot be drawn must not take the page with it
            log.exception("the panel of %s cannot be shown", name)
            panel.fail(UNEXPECTED)

    def _refuse(self, error: ServiceError) -> None:
        """The commune itself cannot be had."""
        near = ", ".join(error.suggestions)
        self._notice(f"{error.fr} Communes proches\u00a0: {near}." if near else error.fr)
        for panel in self.panels.values():
            panel.close()
        self._grid.add_class("eo-empty")

    def _notice(self, sentence: str) -> None:
        self._files.value = ""
        self._commune.value = f'<p class="eo-notice">{escape(sentence)}</p>'
        self.picker.status = sentence


def _told_settings(told: Any) -> dict[str, dict[str, Any]]:
    """Settings of an address, by theme; what is a number there is one here."""
    out: dict[str, dict[str, Any]] = {}
    for theme, moved in told.items() if isinstance(told, dict) else ():
        for name, text in moved.items() if isinstance(moved, dict) else ():
            try:
                value: Any = float(text)
            except ValueError:
                value = str(text)
            out.setdefault(str(theme), {})[str(name)] = value
    return out


def ma_commune(source: str | None = None, data: str | Path | None = None) -> ipywidgets.Widget:
    """The page « Ma commune vue par satellite ».

    Parameters
    ----------
    source : str, optional
        ``"demo"``, ``"files"`` or ``"online"``; by default what the server was started
        with, else the demonstration.
    data : path, optional
        Folder of one's own files.

    Returns
    -------
    ipywidgets.Widget
        To be displayed in a notebook or by Voilà.
    """
    return Shell(open_client(source, data)).widget
