"""A provider of our own on this machine, which behaves and fails as the real ones do."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from eo_helpers.catalog.net import Policy

#: As the real one, but nobody waits.
QUICK = Policy(attempts=4, first_wait=0.01, longest_wait=0.02, connect=2, read=2, drip_window=0.3)


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes = b""

    @property
    def range(self) -> str | None:
        return self.headers.get("range")


@dataclass
class Answer:
    """What is answered, and how it goes wrong.

    ``cut``: bytes after which the connection breaks. ``drip``: seconds between
    pieces of ``piece`` bytes. ``validator``: send an ETag. ``ranges``: know Range requests.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    drip: float | None = None
    piece: int = 1
    validator: bool = True
    ranges: bool = True
    chunked: bool = False


@lru_cache(maxsize=64)
def _mark(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]


class _Server(ThreadingHTTPServer):
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        return  # a client that was killed


class LocalServer:
    """Routes by path; a route is an Answer, a list of them (the last stays) or a function."""

    def __init__(self) -> None:
        self.routes: dict[str, Any] = {}
        self.asked: list[Asked] = []
        self.sent: Counter[str] = Counter()
        self._turn: Counter[str] = Counter()
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: Any) -> None:
                return

            def do_GET(self) -> None:
                outer._answer(self)

            do_POST = do_HEAD = do_GET  # noqa: N815 - http.server's names

        self._http = _Server(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.block_on_close = False
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def count(self, path: str) -> int:
        return sum(a.path == path for a in self.asked)

    def _route(self, asked: Asked) -> Answer:
        route = self.routes.get(asked.path)
        if route is None:
            return Answer(b"nothing here", 404)
        if isinstance(route, list):
            with self._lock:
                turn = self._turn[asked.path]
                self._turn[asked.path] += 1
            route = route[min(turn, len(route) - 1)]
        return route(asked) if isinstance(route, Callable) else route  # type: ignore[arg-type]

    def _answer(self, http: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(http.path)
        length = int(http.headers.get("Content-Length") or 0)
        asked = Asked(
            http.command, parts.path, parse_qs(parts.query),
            {k.lower(): v for k, v in http.headers.items()}, http.rfile.read(length),
        )  # fmt: skip
        with self._lock:
            self.asked.append(asked)
        answer = self._route(asked)
        body, status, headers = answer.body, answer.status, dict(answer.headers)
        etag = f'"{_mark(answer.body)}"'
        if status == 200 and answer.validator:
            headers.setdefault("ETag", etag)
        wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", asked.range or "")
        same = asked.headers.get("if-range") in (None, headers.get("ETag"))
        if status == 200 and answer.ranges and wanted and same:
            first = int(wanted[1]) if wanted[1] else len(body) - int(wanted[2])
            last = int(wanted[2]) if wanted[1] and wanted[2] else len(body) - 1
            last = min(last, len(body) - 1)
            if first > last:
                status, body = 416, b""
            else:
                headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
                status, body = 206, body[first : last + 1]
        http.send_response(status)
        for name, value in headers.items():
            http.send_header(name, value)
        if answer.chunked:
            http.send_header("Transfer-Encoding", "chunked")
            body = b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
        elif "Content-Length" not in headers:
            http.send_header("Content-Length", str(len(body)))
        http.end_headers()
        if http.command == "HEAD":
            return
        try:
            if answer.drip is not None:
                for start in range(0, len(body), answer.piece):
                    http.wfile.write(body[start : start + answer.piece])
                    http.wfile.flush()
                    time.sleep(answer.drip)
            elif answer.cut is not None and answer.cut < len(body):
                http.wfile.write(body[: answer.cut])
                http.close_connection = True
            else:
                http.wfile.write(body)
        except OSError:
            http.close_connection = True  # the client has left
        with self._lock:
            self.sent[asked.path] += len(body) if answer.cut is None else answer.cut
