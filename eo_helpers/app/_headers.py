"""Headers of every answer, and what a reverse proxy says of the visitor's side."""

from __future__ import annotations

import re
from typing import Any

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import Application, OutputTransform

__all__ = ["BASEMAP", "Protected", "behind_proxy", "from_proxy", "policy"]

#: The only foreign host that a page may ask, for the background of its maps.
BASEMAP = "https://data.geopf.fr"

_HOST = re.compile(r"[A-Za-z0-9.\-]+(:\d{1,5})?|\[[0-9A-Fa-f:]+\](:\d{1,5})?")

#: Where a visitor is may be asked by our page alone (« Utiliser ma position »); the rest is
#: nothing that a page about a commune needs.
PERMISSIONS = "geolocation=(self), " + ", ".join(
    f"{name}=()"
    for name in (
        "accelerometer", "camera", "display-capture", "gyroscope", "magnetometer",
        "microphone", "midi", "payment", "publickey-credentials-get", "serial", "usb",
    )
)  # fmt: skip


def policy(host: str = "") -> str:
    """Content policy: this server and the basemap, nobody else.

    Parameters
    ----------
    host : str
        As the browser wrote it: older browsers do not take websockets of the same host
        for ``'self'``.
    """
    sockets = f" ws://{host} wss://{host}" if host and _HOST.fullmatch(host) else ""
    return (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
        f"style-src 'self' 'unsafe-inline' blob:; img-src 'self' data: blob: {BASEMAP}; "
        f"font-src 'self' data:; connect-src 'self'{sockets} blob: data:; object-src 'none'; "
        "frame-ancestors 'self'; form-action 'none'; base-uri 'self'"
    )


class Protected(OutputTransform):
    """Adds the headers to whatever a handler answers, files and errors included.

    ``Strict-Transport-Security`` is the proxy's: only it knows whether there is TLS.
    """

    def __init__(self, request: HTTPServerRequest) -> None:
        self._host = request.headers.get("Host", "")

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Set them."""
        headers["Content-Security-Policy"] = policy(self._host)
        headers["X-Content-Type-Options"] = "nosniff"
        # For browsers that do not know frame-ancestors; the two say the same.
        headers["X-Frame-Options"] = "SAMEORIGIN"
        # A link out of the page does not tell which commune was looked at.
        headers["Referrer-Policy"] = "same-origin"
        headers["Permissions-Policy"] = PERMISSIONS
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers.pop("Server", None)
        headers.pop("X-Voila-Version", None)
        return status_code, headers, chunk


def from_proxy(request: HTTPServerRequest) -> bool:
    """True if the request has come through a proxy that says so."""
    names = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Real-Ip")
    return any(name in request.headers for name in names)


def behind_proxy(app: Application) -> None:
    """Take the host that the visitor asked for from ``X-Forwarded-Host``.

    Only for a server that nobody reaches but through the proxy. The scheme
    (``X-Forwarded-Proto``) is Tornado's own affair (``xheaders``).
    """
    find: Any = app.find_handler

    def find_handler(request: HTTPServerRequest, **kwargs: Any) -> Any:
        told = request.headers.get("X-Forwarded-Host", "").split(",")[0].strip()
        if told and _HOST.fullmatch(told):
            request.headers["Host"] = told
            request.host = told
        return find(request, **kwargs)

    app.find_handler = find_handler  # type: ignore[method-assign]
