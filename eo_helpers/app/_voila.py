"""Voilà, cut down to what a public page needs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import tornado.web
from traitlets.config import Config
from voila.app import Voila
from voila.tornado.contentshandler import VoilaContentsHandler

__all__ = ["Server", "settings"]

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
    config.Voila.log_level = logging.WARNING
    config.Voila.config_file_paths = []
    config.Voila.tornado_settings = {
        "headers": {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"},
        "compress_response": host not in ("localhost", "127.0.0.1", "::1"),
    }
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
    # A page that was closed gives its kernel back.
    config.MappingKernelManager.cull_idle_timeout = 3600
    config.MappingKernelManager.cull_interval = 120
    config.MappingKernelManager.cull_connected = False
    return config


class Server(Voila):
    """Voilà that shows the dashboards and nothing else."""

    name = "voila"
    announce: Callable[[], None] | None = None

    def init_handlers(self) -> list[Any]:
        """Leave out the handler that lists folders as JSON; go straight to the page."""
        handlers = [h for h in super().init_handlers() if h[1] is not VoilaContentsHandler]
        home = (
            r"/?",
            tornado.web.RedirectHandler,
            {"url": "/voila/render/ma_commune.ipynb", "permanent": False},
        )
        return [home, *handlers]

    def listen(self) -> None:
        """Announce the page once requests can be answered."""
        import tornado.ioloop

        if self.announce is not None:
            tornado.ioloop.IOLoop.current().add_callback(self.announce)
        super().listen()
