"""Real servers for tests: hand-made answers behind, and visitors without a browser."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import websocket

from eo_helpers.app._forkserver import NAME

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url: str, headers: dict[str, str] | None = None, timeout: float = 90.0):
    """Status, headers and text of an answer, whatever it is; redirects are not followed."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), Stay)
    try:
        with opener.open(urllib.request.Request(url, headers=headers or {}), timeout=timeout) as a:
            return a.status, a.headers, a.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read().decode()


@contextlib.contextmanager
def fake_service(address: Path):
    """The service in front of hand-made answers (``tests/browser/fake_answers.py``)."""
    script = ROOT / "tests" / "browser" / "fake_answers.py"
    command = [sys.executable, str(script), str(address)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT)
    try:
        until = time.monotonic() + 60
        while not address.exists():
            assert child.poll() is None and time.monotonic() < until
            time.sleep(0.05)
        yield child
    finally:
        child.stdin.close()
        child.wait(20)


@contextlib.contextmanager
def served(environment: dict[str, str], *options: str, base: str = "/"):
    """``eo-helpers serve`` as a person starts it; yields its address and its process."""
    port = free_port()
    command = [sys.executable, "-m", "eo_helpers.cli", "serve", "--no-browser"]
    command += ["--port", str(port), *options]
    child = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stderr=subprocess.PIPE,
        text=True,
    )
    url = f"http://127.0.0.1:{port}{base}"
    try:
        for line in child.stderr:  # ends when the page is announced, or with the process
            if url in line:
                break
        else:
            raise RuntimeError(f"the server stopped: exit code {child.wait()}")
        yield url, child
    finally:
        child.terminate()
        child.wait(30)
        child.stderr.close()


class Visit:
    """A page that was loaded, its session, and the socket between the two."""

    def __init__(self, url: str, query: str = "", headers: dict[str, str] | None = None) -> None:
        page = url + "voila/render/ma_commune.ipynb" + query
        self.status, self.headers, self.text = get(page, headers)
        found = re.search(r'"kernelId": "([^"]+)"', self.text)
        self.kernel = found.group(1) if found else ""
        cookies = "; ".join(c.split(";")[0] for c in self.headers.get_all("Set-Cookie", []))
        self.cookies = cookies
        self.url = url

    def connect(self, origin: str | None = None, **options) -> websocket.WebSocket:
        """The socket, as Voilà's own JavaScript opens it (JSON protocol)."""
        host = self.url.split("/")[2]
        address = f"ws://{host}/{self.url.split('/', 3)[3]}api/kernels/{self.kernel}/channels"
        return websocket.create_connection(
            # Each connection its own session: the server closes the older of two of one name.
            f"{address}?session_id={os.urandom(8).hex()}",
            origin=origin or f"http://{host}",
            timeout=60,
            cookie=self.cookies,
            http_no_proxy=["*"],
            **options,
        )

    def leave(self) -> int:
        """What the page sends when it is closed."""
        token = re.search(r"_xsrf=([^;]+)", self.cookies)
        form = f"_xsrf={token.group(1) if token else ''}".encode()
        request = urllib.request.Request(
            f"{self.url}voila/api/shutdown/{self.kernel}", data=form,
            headers={"Cookie": self.cookies},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status


def kernels_of(pid: int) -> list[psutil.Process]:
    """Kernels of a server that run: forked ones are known by their name."""
    found = []
    for process in psutil.Process(pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it ends while we look
            if process.name() == NAME or "ipykernel_launcher" in str(process.cmdline()):
                found.append(process)
    return found


def kernel_of(pid: int, kernel: str) -> psutil.Process:
    """The process of a session, by the sockets that bear its name."""
    for process in kernels_of(pid):
        with contextlib.suppress(psutil.Error):
            if any(kernel in str(one.laddr) for one in process.net_connections("unix")):
                return process
    raise AssertionError(f"no process of {kernel}")


def message(kind: str, content: dict | None = None, channel: str = "shell") -> str:
    """A message of Jupyter's protocol, as JSON."""
    header = {
        "msg_id": os.urandom(8).hex(), "username": "", "session": "test", "msg_type": kind,
        "version": "5.3",
    }  # fmt: skip
    return json.dumps(
        {
            "header": header, "parent_header": {}, "metadata": {}, "content": content or {},
            "channel": channel, "buffers": [],
        }
    )  # fmt: skip


def wait_kind(channel: websocket.WebSocket, kind: str, seconds: float = 40.0) -> dict:
    """The next message of that kind."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        told = json.loads(channel.recv())
        if told["header"]["msg_type"] == kind:
            return told
    raise AssertionError(f"no {kind} within {seconds} s")


def figures(url: str) -> dict[str, float]:
    """What /metrics tells: one entry a line."""
    lines = [x for x in get(url + "metrics")[2].splitlines() if x and not x.startswith("#")]
    return {name: float(value) for name, value in (x.rsplit(" ", 1) for x in lines)}
