"""The page: a header, the picker, and one panel per registered theme."""

from __future__ import annotations

import asyncio
import json
import logging
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets

from ..catalog.net import offline
from .boards import BOARDS, board_of
from .client import LocalClient, ServiceClient, ServiceError, open_client
from .framing import map_width
from .panel import Ground, Panel, badge
from .picker import Picker
from .plain import Plain
from .standing import standing_html, waiting_for
from .ways import Ways
from .words import N_, language, translator

__all__ = ["Shell", "ma_commune", "un_theme"]

log = logging.getLogger(__name__)

#: Seconds between two looks at how the data of a commune stand.
LOOK = 2.0

UNEXPECTED = N_(
    "La réponse n'a pas pu être affichée. Le reste de la page fonctionne : réessayez, "
    "ou choisissez une autre commune."
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
        Language to begin with; the address of the page may ask for another one.
    theme : str
        The one theme of the page; none for all of them.
    """

    def __init__(
        self, client: ServiceClient | LocalClient, lang: str = "fr", theme: str = ""
    ) -> None:
        self.client = client
        self.lang = lang
        self.theme = theme
        self.board = board_of(theme) or BOARDS[0]
        self._ = translator(lang)
        self.generation = 0
        self.panels: dict[str, Panel] = {}
        self.picker = Picker()
        self.other = Picker(role="beside")
        self.other.layout.display = "none"  # until there is a commune to set another one beside
        self._beside = ""
        self._comparing: asyncio.Task[None] | None = None
        #: Themes whose comparison has not been answered yet.
        self._uncompared: set[str] = set()
        self._here: tuple[float, float] | None = None
        self._viewport = 1280
        self._ground: Ground | None = None
        self._task: asyncio.Task[None] | None = None
        self._again: dict[str, asyncio.Task[None]] = {}
        self._settings: dict[str, dict[str, Any]] = {}
        self._insee = ""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._search: asyncio.Task[Any] | None = None
        self._plain = Plain()
        self._commune = self._plain.html("eo-commune")
        self._files = self._plain.html("eo-take-away")
        self._data = self._plain.html("eo-data")
        self._online = False
        self._grid = ipywidgets.Box([], layout=self._plain.layout)
        self._grid.add_class("eo-grid")
        self._grid.add_class("eo-empty")
        self._title = self._plain.html("eo-top")
        self.widget = self._plain.box(
            "eo-page",
            [
                self._title,
                self.picker,
                self._commune,
                self._files,
                self._data,
                self.other,
                self._grid,
            ],
        )
        if theme:
            self.widget.add_class("eo-one")
        self.picker.on_msg(self._hear)
        self.other.on_msg(self._hear_other)
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
        elif kind == "here":
            self._start(self._locate(content["lat"], content["lon"]))
        elif kind == "width":
            self._viewport = int(content["value"])
            for panel in self.panels.values():
                panel.resize(self._map_width())
        elif kind == "lang":
            self._speak(language(content["value"]))

    def _hear_other(self, _: Any, content: dict[str, Any], buffers: Any) -> None:
        kind = content.get("kind")
        if kind == "search":
            if self._search is not None:
                self._search.cancel()
            found = self._find(int(content["id"]), str(content["query"]), self.other)
            self._search = self._start(found)
        elif kind == "pick":
            self.set_beside(str(content["insee"]))

    def _speak(self, lang: str) -> None:
        """The address asked for another language; it says so before it picks a commune."""
        if lang != self.lang:
            self.lang, self._ = lang, translator(lang)
            before = self._ready
            before.cancel()
            self._ready = self._start(self._begin())

    def _map_width(self) -> int:
        return map_width(self._viewport, 1 if self.theme else 3)

    async def _begin(self) -> None:
        """Learn which themes there are, and offer a few communes."""
        _, lang = self._, self.lang
        self._title.value = self._ways().header()
        self.picker.speak(lang, self.board.title)
        self.other.speak(lang, self.board.title)
        try:
            about = await self.client.call("about", lang=lang)
        except ServiceError as error:
            self._notice(self._say(error))
            return
        self.panels = {
            theme["name"]: Panel(
                theme["title"][lang],
                partial(self.move, theme["name"]),
                lang,
                bool(self.theme),
                partial(self._want, theme["name"]),
                self._plain,
            )
            for theme in about["themes"]
            if self.theme in ("", theme["name"])
        }
        self._online = bool(about.get("online"))
        self.picker.demonstration = self.other.demonstration = about["demonstration"]
        self.picker.examples = about["examples"]
        self._grid.children = [panel.widget for panel in self.panels.values()]
        fiction = promise = ""
        if about["demonstration"]:
            words = _(
                "Vous voyez un territoire fictif, qui sert à découvrir l'outil : "
                "aucune de ces communes n'existe."
            )
            if self._online:
                words = _(
                    "Les communes proposées ici sont fictives et servent à découvrir l'outil. "
                    "Avec le réseau, tapez le nom de la vôtre : ses données viennent des "
                    "producteurs."
                )
            fiction = f"{badge(lang)}<p>{escape(words, quote=False)}</p>"
        if not self.theme:
            titles = "".join(f"<li>{escape(panel.title)}</li>" for panel in self.panels.values())
            words = _("Une fois la commune choisie, vous verrez :")
            promise = f'<div class="eo-promise"><p>{words}</p><ul>{titles}</ul></div>'
        self._commune.value = fiction + promise

    def _say(self, error: ServiceError) -> str:
        return error.en if self.lang == "en" else error.fr

    def _ways(self) -> Ways:
        return Ways(self.board, self.lang, self._insee, self._settings, self._beside)

    async def _find(self, ask: int, query: str, picker: Picker | None = None) -> None:
        _, picker = self._, picker or self.picker
        try:
            found = await self.client.call("search", query=query, lang=self.lang)
        except ServiceError as error:
            picker.results(ask, [], self._say(error))
            return
        if len(found) > 1:
            picker.results(ask, found, _("{} communes proposées.").format(len(found)))
        elif found:
            picker.results(ask, found, _("1 commune proposée."))
        else:
            words = _(
                "Aucune commune ne ressemble à « {} ». Vérifiez l'orthographe, "
                "ou essayez le code postal."
            )
            picker.results(ask, [], words.format(query))

    async def _locate(self, lat: Any, lon: Any) -> None:
        """Find the commune where a person is; the position stays in this session."""
        try:
            told = await self.client.call("at", lat=float(lat), lon=float(lon), lang=self.lang)
        except ServiceError as error:
            self.picker.found_here(None, self._say(error))
            return
        words = self._("Aucune commune de ces données ne contient votre position.")
        self._here = (float(lat), float(lon)) if told["item"] else None
        self.picker.found_here(told["item"], "" if told["item"] else words)

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
        self.picker.status = self._("Calcul en cours…")
        try:
            await self._fill(name, self._start(self._ask(name)), generation, self._insee)
            self.picker.status = self._("Réponse prête : {}.").format(panel.title)
            if self._beside:
                self._compare(name)
        finally:
            # A later move has its own busy sign.
            if self._settings.get(name) == settings:
                panel.widget.remove_class("eo-busy")

    def _want(self, theme: str, name: str) -> None:
        """A map was chosen that the answer only announced."""
        self._start(self._bring(theme, name, self.generation))

    async def _bring(self, theme: str, name: str, generation: int) -> None:
        panel, question = self.panels[theme], self._question(theme)
        panel.widget.add_class("eo-busy")
        try:
            layer = await self.client.call("layer", name=name, **question)
            if generation == self.generation and question == self._question(theme):
                panel.receive(layer)
        except ServiceError as error:
            if generation == self.generation:
                self.picker.status = self._say(error)
                panel.say_of_the_map(self._say(error))
        finally:
            panel.widget.remove_class("eo-busy")

    async def _ask(self, name: str, insee: str = "") -> dict[str, Any]:
        """The answer of a theme; for another commune with the same controls."""
        answer: dict[str, Any] = await self.client.call("bundle", **self._question(name, insee))
        return answer

    def _question(self, name: str, insee: str = "") -> dict[str, str]:
        question = {"theme": name, "insee": insee or self._insee, "lang": self.lang}
        moved = self._settings.get(name)
        if moved:
            question["settings"] = json.dumps(moved, sort_keys=True)
        return question

    # -- another commune beside it ---------------------------------------------------------

    def set_beside(self, insee: str) -> None:
        """Set another commune beside the one that is shown; an empty code takes it away."""
        self._beside = insee
        self._take_away()
        self._compare()

    def _compare(self, only: str = "") -> None:
        """Compare every theme again, or one of them."""
        if self._comparing is not None:
            self._comparing.cancel()
        # What an earlier comparison had not yet answered is asked with it.
        self._uncompared |= {only} if only else set(self.panels)
        self._comparing = self._start(self._set_beside(self._beside, self.generation))

    async def _set_beside(self, insee: str, generation: int) -> None:
        await self._ready
        if insee:
            self.other.status = self._("Calcul en cours…")
        # An address is told before the themes are known.
        names = [name for name in self.panels if name in self._uncompared] or list(self.panels)
        if self._task is not None:
            await asyncio.wait([self._task])  # first what was asked first
        if generation != self.generation or not self._insee:
            return
        if not insee or insee == self._insee:
            for panel in self.panels.values():
                panel.compare(None)
            self.other.shown = {}
            same = self._("C'est la commune déjà affichée : choisissez-en une autre.")
            self.other.status = same if insee else self._("Comparaison retirée.")
            return
        try:
            commune = await self.client.call("commune", insee=insee, lang=self.lang)
        except ServiceError as error:
            self.other.status = self._say(error)
            for panel in self.panels.values():
                panel.compare(None)
            return
        self.other.shown = {"insee": insee, "name": commune["name"]}
        await asyncio.gather(*(self._compare_theme(name, commune) for name in names))
        self.other.status = self._("Comparaison prête : {}.").format(commune["name"])

    async def _compare_theme(self, name: str, commune: dict[str, Any]) -> None:
        panel = self.panels[name]
        panel.compare_in_words(self._("Calcul pour {}…").format(commune["name"]))
        try:
            panel.compare(await self._ask(name, commune["insee"]))
        except ServiceError as error:
            panel.compare_in_words(f"{commune['name']} : {self._say(error)}")
        self._uncompared.discard(name)

    # -- one commune ------------------------------------------------------------------------

    async def _show(self, insee: str, generation: int) -> None:
        await self._ready
        if not self.panels:
            return
        self._grid.remove_class("eo-empty")
        self.picker.status = self._("Calcul en cours…")
        self._data.value = ""
        for panel in self.panels.values():
            panel.wait()
        answers: dict[str, asyncio.Task[dict[str, Any]]] = {}
        try:
            commune = await self.client.call("commune", insee=insee, lang=self.lang)
            if generation != self.generation:
                return
            self._present(commune)
            for name in self.panels:
                answers[name] = self._start(self._ask(name))
            if self._online:
                self._start(self._watch(insee, generation, list(answers.values())))
            await asyncio.gather(
                *(self._fill(name, answer, generation, insee) for name, answer in answers.items())
            )
            if generation == self.generation:
                words = self._("Réponse prête : {}, {} thèmes.")
                if self.theme:
                    words = self._("Réponse prête : {}.")
                self.picker.status = words.format(commune["name"], len(answers))
                if self._beside:
                    self._compare()
        except ServiceError as error:
            if generation == self.generation:
                self._refuse(error)
        finally:
            for answer in answers.values():
                answer.cancel()

    async def _watch(
        self, insee: str, generation: int, answers: list[asyncio.Task[dict[str, Any]]]
    ) -> None:
        """Say how the data stand while answers are awaited, and once after."""
        titles = {name: panel.title for name, panel in self.panels.items()}
        ready = False
        while not ready:
            ready = all(answer.done() for answer in answers)
            try:
                rows = await self.client.call("standing", insee=insee, lang=self.lang)
            except ServiceError:
                return  # the themes say what is wrong
            if generation != self.generation:
                return
            told = standing_html(rows, titles, self.lang)
            if told != self._data.value:  # what a person has unfolded stays so
                self._data.value = told
            for name, panel in self.panels.items():
                panel.await_data(waiting_for(rows, name, self.lang))
            if not ready:
                await asyncio.wait(answers, timeout=LOOK)

    def _take_away(self) -> None:
        """Links that carry what is shown now: other dashboards, the other language, files."""
        ways = self._ways()
        self._title.value, self._files.value = ways.header(), ways.files()

    def _present(self, commune: dict[str, Any]) -> None:
        """Name the commune and frame every map on it."""
        old, self._ground = self._ground, Ground(commune, not offline(), self.lang, self._here)
        self._commune.value = (
            f'<p class="eo-name"><strong>{escape(commune["name"])}</strong> '
            f"<span>{escape(commune['label'])}</span></p>"
        )
        self._take_away()
        self.other.layout.display = None
        self.picker.settings = self._settings
        self.picker.shown = {"insee": commune["insee"], "name": commune["name"]}
        for name, panel in self.panels.items():
            panel.link = "" if self.theme else self._ways().alone(name)
            panel.ground(self._ground, self._map_width())
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
                panel.fail(self._say(error))
        except Exception:  # one panel that cannot be drawn must not take the page with it
            log.exception("the panel of %s cannot be shown", name)
            panel.fail(self._(UNEXPECTED))

    def _refuse(self, error: ServiceError) -> None:
        """The commune itself cannot be had."""
        near = ", ".join(error.suggestions)
        said = self._say(error)
        if near:
            words = self._("Communes proches : {}.")
            said = f"{said} {words.format(near)}"
        self._notice(said)
        for panel in self.panels.values():
            panel.close()
        self._grid.add_class("eo-empty")

    def _notice(self, sentence: str) -> None:
        self._files.value = self._data.value = ""
        self.other.layout.display = "none"
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


def un_theme(
    theme: str, source: str | None = None, data: str | Path | None = None
) -> ipywidgets.Widget:
    """The page of one theme: a wide map, then its charts and figures.

    Parameters
    ----------
    theme : str
        Name of a registered theme: ``"lcz"``, ``"lighting"``, ``"flood"`` …
    source, data
        As for :func:`ma_commune`.

    Returns
    -------
    ipywidgets.Widget
        To be displayed in a notebook or by Voilà.
    """
    return Shell(open_client(source, data), theme=theme).widget
