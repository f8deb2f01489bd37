"""For those who run the server: « sante » (is it well?) and « metrics » (Prometheus)."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from pathlib import Path
from typing import Any

import tornado.web

from ._figures import PageFigures
from ._headers import from_proxy
from ._logs import event
from .client import ServiceClient, ServiceError

__all__ = ["Health", "Metrics", "counted"]

log = logging.getLogger(__name__)

#: The service says that it is there within this time, seconds.
PATIENCE = 5.0

#: Names of routes in logs and figures, by handler: a path may hold a commune.
ROUTES = {
    "Page": "page",
    "Download": "download",
    "Channel": "session",
    "Leaving": "leave",
    "Health": "health",
    "Metrics": "metrics",
    "RedirectHandler": "home",
}


def counted(figures: PageFigures, handler: tornado.web.RequestHandler) -> None:
    """Tornado's ``log_function``: count a request, and say so without who or what."""
    route = ROUTES.get(type(handler).__name__, "file")
    status, seconds = handler.get_status(), handler.request.request_time()
    figures.requests.labels(route, str(status)).inc()
    figures.seconds.labels(route).observe(seconds)
    if route not in ("file", "health", "metrics") or status >= 400:
        method = str(handler.request.method)
        event(log, "request", route=route, method=method, status=status, seconds=round(seconds, 3))


async def _service(method: str) -> Any:
    """An answer of the service, or None where it is silent."""
    address = os.environ.get("EO_HELPERS_SERVICE")
    if not address:
        return None
    try:
        return await asyncio.wait_for(ServiceClient(Path(address)).call(method), PATIENCE)
    except ServiceError as error:
        return None if error.kind == "Unavailable" else ""  # an error is a sign of life too
    except TimeoutError:
        return None


class Health(tornado.web.RequestHandler):
    """200 while pages can be answered, 503 otherwise; how full it is, in figures."""

    async def get(self) -> None:
        """JSON, for a load balancer or a container."""
        kernels = self.settings["kernel_manager"]
        well = await _service("figures") is not None
        self.set_status(200 if well else 503)
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        told = {
            "etat": "bien" if well else "service d'analyse muet",
            "sessions": kernels.sessions,
            "sessions_max": kernels.most_sessions,
            "complet": kernels.full,
        }
        self.finish(json.dumps(told, ensure_ascii=False))


class Metrics(tornado.web.RequestHandler):
    """Prometheus' text; only for those who reach the server itself, not through the proxy."""

    async def get(self) -> None:
        """The figures of this process and of the service."""
        if from_proxy(self.request):
            raise tornado.web.HTTPError(404)
        kernels, figures = self.settings["kernel_manager"], self.settings["eo_figures"]
        told = await _service("figures")
        figures.service.set(told is not None)
        figures.sessions.set(kernels.sessions)
        figures.most.set(kernels.most_sessions)
        figures.heated.set(len(kernels.heated))
        figures.turned_away.set(kernels.turned_away)
        figures.taken_back.set(kernels.taken_back)
        figures.died.set(kernels.died)
        self.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(figures.text() + (told or ""))
