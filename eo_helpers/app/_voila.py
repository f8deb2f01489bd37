"""Voilà, cut down to what a public page needs."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any

import tornado.web
from traitlets.config import Config
from voila.app import Voila
from voila.tornado.contentshandler import VoilaContentsHandler
from voila.tornado.handler import TornadoVoilaHandler

from ._downloads import ROUTE, Download
from ._entry import ROUTES
from .boards import BOARDS
from .words import both

__all__ = ["HOME", "Server", "settings"]

#: Seconds after which a session without a page is ended.
ABANDONED = 600

HOME = f"/{BOARDS[0].path}"

#: The only front-end extensions that the page needs.
EXTENSIONS = [
    "@jupyter-widgets/jupyterlab-manager",
    "@voila-dashboards/widgets-manager8",
    "anywidget",
    "jupyter-leaflet",
]


def settings(host: str, port: int, preheat: int, policy: str) -> Config:
    """Voilà's configuration."""
    config = Config()
    config.Voila.ip = host
    config.Voila.port = port
    config.Voila.port_retries = 0
    config.Voila.open_browser = False
    config.Voila.log_level = logging.ERROR
    config.Voila.config_file_paths = []
    config.Voila.tornado_settings = {
        "headers": {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"},
        "ws_ping_timeout": 30_000,
        "compress_response": host not in ("localhost", "127.0.0.1", "::1"),
    }
    config.VoilaExporter.filters = {"both": both}
    page = config.VoilaConfiguration
    page.template = "eo"
    page.allow_template_override = "NO"
    page.allow_theme_override = "NO"
    page.classic_tree = True
    page.strip_sources = True
    page.show_tracebacks = False
    page.file_allowlist = []
    page.extension_allowlist = EXTENSIONS
    page.extension_denylist = []
    page.preheat_kernel = preheat > 0
    page.default_pool_size = max(preheat, 0)
    # Ready sessions cost memory: they are kept for the page that everybody opens first.
    config.VoilaKernelManager.preheat_denylist = [
        rf"{board.name}\.ipynb" for board in BOARDS if board.path not in HOME
    ]
    if sys.platform != "win32":
        # Kernels listen on sockets of this user only, not on TCP.
        config.KernelManager.transport = "ipc"
    # A page gives its kernel back when it is closed; one that vanished (a phone that was
    # switched off) leaves it for a while, then it is taken back.
    config.MappingKernelManager.cull_idle_timeout = ABANDONED
    config.MappingKernelManager.cull_interval = max(ABANDONED // 5, 1)
    config.MappingKernelManager.cull_connected = False
    return config


class Page(TornadoVoilaHandler):
    """A dashboard, with the cookie that lets it give its kernel back when it is closed.

    Without it the request that the browser sends on leaving is refused, and every
    visit leaves a process behind.
    """

    async def get(self, path: str | None = None) -> None:
        """Set the cookie before the page is streamed."""
        self.xsrf_token  # noqa: B018 - tornado sets the cookie when it is read
        await super().get(path)


class Server(Voila):
    """Voilà that shows the dashboards and nothing else."""

    name = "voila"
    announce: Callable[[], None] | None = None

    def init_settings(self) -> dict[str, Any]:
        """Pages outside of dashboards speak both languages too."""
        settings: dict[str, Any] = super().init_settings()
        settings["voila_jinja2_env"].filters["both"] = both
        return settings

    def init_handlers(self) -> list[Any]:
        """Leave out the handler that lists folders as JSON; go straight to the page."""
        handlers: list[Any] = [
            (r"/?", tornado.web.RedirectHandler, {"url": HOME, "permanent": False}),
            (ROUTE, Download),
            *ROUTES,
        ]
        for route, handler, *options in super().init_handlers():
            if handler is not VoilaContentsHandler:
                page = Page if handler is TornadoVoilaHandler else handler
                handlers.append((route, page, *options))
        return handlers

    def listen(self) -> None:
        """Announce the page once requests can be answered."""
        import tornado.ioloop

        if self.announce is not None:
            tornado.ioloop.IOLoop.current().add_callback(self.announce)
        super().listen()
