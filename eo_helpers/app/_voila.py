"""Voilà, cut down to what a public page needs."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tornado.ioloop
import tornado.web
from jupyter_server.auth.identity import IdentityProvider, User
from jupyter_server.services.kernels.handlers import KernelHandler
from traitlets.config import Config
from voila.app import Voila
from voila.request_info_handler import RequestInfoSocketHandler
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.static_file_handler import TemplateStaticFileHandler
from voila.tornado.contentshandler import VoilaContentsHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import (
    VoilaKernelWebsocketHandler,
    read_header_from_binary_message,
)

from ._downloads import ROUTE, Download
from ._entry import ROUTES
from ._figures import PageFigures
from ._headers import Protected, behind_proxy
from ._kernels import MESSAGES, PAGE, ROUND, Kernels
from ._waiting import waiting_page
from ._watch import Health, Metrics, counted
from .boards import BOARDS, ENTRY
from .words import both

__all__ = ["HOME", "Site", "Server", "settings"]

log = logging.getLogger(__name__)

HOME = BOARDS[0].path

#: The only front-end extensions that the page needs.
EXTENSIONS = [
    "@jupyter-widgets/jupyterlab-manager",
    "@voila-dashboards/widgets-manager8",
    "anywidget",
    "jupyter-leaflet",
]

#: A page sends clicks and letters; a longer message is none of ours, bytes.
LONGEST_MESSAGE = 1 << 20

#: What a session may say that no page needs: its prints, errors and sources.
HUSHED = ("stream", "error", "execute_input", "execute_result", "display_data")

#: Nothing is uploaded; bytes of a request.
LONGEST_REQUEST = 1 << 16


class Nobody(IdentityProvider):
    """Everybody is the same visitor: no account, and no cookie that knows anyone again."""

    def get_user(self, handler: tornado.web.RequestHandler) -> User:
        """The one visitor."""
        return User(username="visiteur")


@dataclass(frozen=True)
class Site:
    """Where the page is served, to how many, at what cost.

    ``sessions``: at the same time; ``memory``: megabytes of each, 0 for no limit;
    ``preheat``: kept ready in advance; ``base_url``: path under which a reverse proxy
    passes requests on; ``proxy``: believe its ``X-Forwarded-*`` headers.
    """

    host: str = "localhost"
    port: int = 8866
    preheat: int = 2
    sessions: int = 40
    memory: int = 0
    base_url: str = "/"
    proxy: bool = False


def settings(site: Site) -> Config:
    """Voilà's configuration."""
    config = Config()
    config.Voila.ip = site.host
    config.Voila.port = site.port
    config.Voila.port_retries = 0
    config.Voila.base_url = site.base_url
    config.Voila.open_browser = False
    config.Voila.identity_provider_class = Nobody
    config.Voila.log_level = logging.ERROR
    config.Voila.config_file_paths = []
    config.Voila.tornado_settings = {
        # Three pings: with one, a server that is busy for a moment takes its own delay for
        # a page that vanished, and closes it.
        "ws_ping_timeout": 90_000,
        "websocket_max_message_size": LONGEST_MESSAGE,
        "compress_response": site.host not in ("localhost", "127.0.0.1", "::1"),
    }
    config.VoilaExporter.filters = {"both": both}
    page = config.VoilaConfiguration
    page.template = "eo"
    page.allow_template_override = "NO"
    page.allow_theme_override = "NO"
    page.classic_tree = True
    page.strip_sources = True
    page.show_tracebacks = False
    # Our notebooks name a kernel that is there: no search of the disk at each page.
    page.attempt_fix_notebook = False
    page.file_allowlist = []
    page.extension_allowlist = EXTENSIONS
    page.extension_denylist = []
    page.preheat_kernel = site.preheat > 0
    page.default_pool_size = max(site.preheat, 0)
    page.multi_kernel_manager_class = Kernels
    config.Kernels.session_memory = site.memory
    config.Kernels.most_sessions = site.sessions
    # Ready sessions cost memory: they are kept for the page that everybody opens first.
    config.VoilaKernelManager.preheat_denylist = [
        f"{board.name}.ipynb" for board in BOARDS if board.path not in HOME
    ]
    if sys.platform != "win32":
        # Kernels listen on sockets of this user only, not on TCP.
        config.KernelManager.transport = "ipc"
    # One that died would come back empty, and its page could not tell.
    config.KernelManager.autorestart = False
    # Beyond a rate Jupyter drops messages without a word: a map would be missing. What a
    # session says is ours, and short.
    config.ZMQChannelsWebsocketConnection.limit_rate = False
    # An error in a session never travels to the page with lines of code.
    config.MappingKernelManager.allow_tracebacks = False
    return config


class Page(TornadoVoilaHandler):
    """A dashboard, where there is a place left; else the page that waits for one.

    The cookie lets the page give its kernel back when it is closed: without it the request
    that the browser sends on leaving is refused, and every visit leaves a process behind.
    """

    @tornado.web.authenticated
    async def get(self, path: str | None = None) -> None:
        """Stream the page."""
        if path not in self.settings["eo_dashboards"]:
            raise tornado.web.HTTPError(404)
        kernels: Kernels = self.kernel_manager
        if kernels.full:
            await kernels.take_back()
        if kernels.full:
            self._wait(kernels)
            return
        self.xsrf_token  # noqa: B018 - tornado sets the cookie when it is read
        kernels.arriving += 1
        arrived = False
        page: list[str] = []
        PAGE.set(page)
        ready = getattr(kernels, "get_pool_size", lambda path: 0)(path) > 0
        try:
            async with contextlib.nullcontext() if ready else kernels.starting:
                async for html in self.get_generator(path=path):
                    if not arrived:  # from the first piece on its kernel is counted
                        kernels.arriving -= 1
                        arrived = True
                    self.write(html)
                    self.flush()
        finally:
            if not arrived:
                kernels.arriving -= 1
            kernels.sent(page)
            # Voilà keeps the query of each request for a socket that this page does not open.
            RequestInfoSocketHandler._cache.clear()

    def _wait(self, kernels: Kernels) -> None:
        kernels.turned_away += 1
        lang = "en" if self.get_argument("lang", "fr") == "en" else "fr"
        page, seconds = waiting_page(lang)
        self.set_status(503)
        self.set_header("Retry-After", str(seconds))
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(page)


class Channel(VoilaKernelWebsocketHandler):
    """What a page and its session say to each other; a page cannot have code run.

    The kernel manager ignores what is not in :data:`MESSAGES` as well; here whoever tries is
    counted and cut off.
    """

    def on_message(self, ws_message: str | bytes) -> None:
        """Pass a message on, if it is of a kind that a widget needs."""
        kind = _kind(ws_message)
        if kind in MESSAGES:
            super().on_message(ws_message)
            return
        known = kind if kind in ("execute_request", "input_reply", "shutdown_request") else "other"
        self.settings["eo_figures"].refused.labels(known).inc()
        log.warning("a message of a page was refused", extra={"refused": known})
        self.close(1008, "refused")

    def write_message(self, message: Any, binary: bool = False) -> Any:
        """Pass a message of the session on; what it prints, tracebacks with it, stays here."""
        if _kind(message) in HUSHED:
            return None
        return super().write_message(message, binary)

    def on_close(self) -> None:
        """A page that was refused before it was connected has nothing to close."""
        if getattr(self, "connection", None) is not None:
            super().on_close()


def _kind(message: Any) -> str:
    """Kind of a message of either protocol; empty where it cannot be told."""
    try:
        if isinstance(message, dict):
            header = message["header"]
        elif isinstance(message, bytes) and message[:8].rstrip(b"\0") and len(message) > 24:
            header = read_header_from_binary_message(message)
        else:
            header = json.loads(message)["header"]
        kind = header["msg_type"]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return ""
    return kind if isinstance(kind, str) else ""


class Leaving(VoilaShutdownKernelHandler):
    """A page that is closed gives its kernel back; one that is gone already is no error."""

    async def post(self, kernel_id: str) -> None:
        """End the session."""
        if kernel_id not in self.kernel_manager:
            self.set_status(204)
            self.finish()
            return
        await super().post(kernel_id)


#: Of Voilà's own handlers, the ones that the page does without.
LEFT_OUT = (VoilaContentsHandler, RequestInfoSocketHandler, TemplateStaticFileHandler)


class Server(Voila):
    """Voilà that shows the dashboards and nothing else."""

    name = "voila"
    announce: Callable[[], None] | None = None
    site = Site()

    def init_settings(self) -> dict[str, Any]:
        """Count what is asked; tell the kernels which of them have a visitor."""
        out: dict[str, Any] = super().init_settings()
        kernels = self.kernel_manager
        kernels.allowed_message_types = MESSAGES
        take = getattr(kernels, "get_rendered_notebook", None)
        if take is not None:  # only where kernels are heated

            async def claimed(*args: Any, **kwargs: Any) -> Any:
                found = await take(*args, **kwargs)
                kernels.claim(found[2])
                return found

            kernels.get_rendered_notebook = claimed
        # Pages outside of dashboards speak both languages too.
        out["voila_jinja2_env"].filters["both"] = both
        self.figures = PageFigures()
        out["eo_figures"] = self.figures
        out["log_function"] = functools.partial(counted, self.figures)
        folder = self.contents_manager.root_dir if not self.root_dir else self.root_dir
        out["eo_dashboards"] = dashboards_in(folder)
        return out

    def init_handlers(self) -> list[Any]:
        """Leave out what lists folders or logs people in; go straight to the page."""
        at = self.server_url.rstrip("/")
        handlers: list[Any] = [
            (f"{at}/?", tornado.web.RedirectHandler, {"url": f"{at}/{HOME}", "permanent": False}),
            (at + ROUTE, Download),
            (f"{at}/sante", Health),
            (f"{at}/metrics", Metrics),
            *((at + route, *rest) for route, *rest in ROUTES),
            # The list of files that Voilà offers leads to the list of dashboards.
            (
                f"{at}/voila/tree.*",
                tornado.web.RedirectHandler,
                {"url": f"{at}/{ENTRY}", "permanent": False},
            ),
        ]
        ours = {
            TornadoVoilaHandler: Page,
            VoilaKernelWebsocketHandler: Channel,
            VoilaShutdownKernelHandler: Leaving,
        }
        for route, handler, *options in super().init_handlers():
            login = handler.__module__.startswith("jupyter_server.auth") or "Log" in (
                handler.__name__
            )
            if handler in LEFT_OUT or login:
                continue
            chosen = ours.get(handler, handler)
            if handler is KernelHandler:
                chosen = ReadOnlyKernel
            handlers.append((route, chosen, *options))
        return handlers

    def listen(self) -> None:
        """Announce the page once requests can be answered."""
        self.app.add_transform(Protected)
        if self.site.proxy:
            behind_proxy(self.app)
        self.app.listen = functools.partial(
            self.app.listen, xheaders=self.site.proxy, max_body_size=LONGEST_REQUEST
        )
        rounds = tornado.ioloop.PeriodicCallback(self.kernel_manager.take_back, ROUND * 1000)
        rounds.start()
        if self.announce is not None:
            tornado.ioloop.IOLoop.current().add_callback(self.announce)
        super().listen()


class ReadOnlyKernel(KernelHandler):
    """What a page asks of its own session: whether it is there, nothing else."""

    async def delete(self, kernel_id: str) -> None:
        """Ended by :class:`Leaving` only."""
        raise tornado.web.HTTPError(405)


def dashboards_in(folder: str) -> frozenset[str]:
    """Names of the dashboards: the only notebooks that are ever opened."""
    from pathlib import Path

    return frozenset(path.name for path in Path(folder).glob("*.ipynb"))
