"""The real server and a real Chromium; never skipped."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from served import kernels_of

from eo_helpers.doctor import browser_executable

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

#: Allowed to be asked for tiles; refused here, because tests work without network.
BASEMAP_HOSTS = ("data.geopf.fr",)


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=browser_executable(), args=FLAGS)
        except Error as error:
            pytest.fail(
                "Browser tests need a Chromium that starts: run 'make browser', or set "
                f"EO_HELPERS_BROWSER. {str(error).splitlines()[0]}",
                pytrace=False,
            )
        yield chromium
        chromium.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Site(str):
    """The address of a server, which also knows its process."""

    def __new__(cls, url: str, pid: int):
        site = super().__new__(cls, url)
        site.pid = pid
        return site

    def sessions(self) -> int:
        """How many kernels it runs."""
        return len(kernels_of(self.pid))


@contextlib.contextmanager
def served(environment: dict[str, str], *options: str):
    """``eo-helpers serve`` as a person starts it; yields its address."""
    port = free_port()
    command = [sys.executable, "-m", "eo_helpers.cli", "serve", "--no-browser"]
    command += ["--port", str(port), *options]
    child = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environment}, stderr=subprocess.PIPE, text=True
    )
    url = f"http://127.0.0.1:{port}/"
    try:
        for line in child.stderr:  # ends when the page is announced, or with the process
            if url in line:
                break
        else:
            raise RuntimeError(f"the server stopped: exit code {child.wait()}")
        yield Site(url, child.pid)
    finally:
        child.terminate()
        child.wait(20)
        child.stderr.close()


@pytest.fixture(scope="session")
def serving():
    """Start a server: ``with serving(environment, *options) as url``."""
    return served


@pytest.fixture(scope="session")
def fake_server(tmp_path_factory):
    """The real server in front of hand-made answers: delays and crashes at will."""
    address = tmp_path_factory.mktemp("fake") / "service.json"
    service = subprocess.Popen(
        [sys.executable, str(HERE / "fake_answers.py"), str(address)], stdin=subprocess.PIPE
    )
    try:
        until = time.monotonic() + 60
        while not address.exists():
            assert service.poll() is None and time.monotonic() < until
            time.sleep(0.05)
        with served({"EO_HELPERS_SERVICE": str(address)}) as url:
            yield url
    finally:
        service.stdin.close()
        service.wait(20)


@pytest.fixture(scope="session")
def demo_server(demo_dir):
    """The page on the demonstration territory, as ``make dashboards`` serves it."""
    with served({}, "--source", "demo") as url:
        yield url


class Visitor:
    """A page, and everything that must not happen on it."""

    def __init__(self, context, url: str) -> None:
        self.context = context
        self.url = url
        self.page = context.new_page()
        self.page.set_default_timeout(15_000)
        self.troubles: list[str] = []
        self.asked: list[str] = []
        context.route("**/*", self._route)
        self.page.on("pageerror", lambda error: self.troubles.append(f"page error: {error}"))
        self.page.on("console", self._console)

    def _route(self, route) -> None:
        request = route.request
        host = request.url.split("/")[2] if "//" in request.url else ""
        if request.url.startswith(("data:", "blob:")) or host.split(":")[0] in (
            "127.0.0.1",
            "localhost",
        ):
            route.continue_()
            return
        if host not in BASEMAP_HOSTS:
            self.troubles.append(f"foreign request: {request.url}")
        self.asked.append(host)
        route.abort()

    def _console(self, message) -> None:
        about = f"{message.text} {message.location.get('url', '')}"
        if message.type == "error" and not any(host in about for host in BASEMAP_HOSTS):
            self.troubles.append(f"console: {message.text}")

    def open(self, query: str = "", board: str = "ma_commune") -> None:
        self.page.goto(f"{self.url}voila/render/{board}.ipynb{query}", wait_until="commit")
        self.field.wait_for(timeout=60_000)

    @property
    def field(self):
        return self.page.get_by_role("combobox").first

    def type(self, text: str) -> None:
        self.field.fill("")
        self.field.press_sequentially(text, delay=30)

    def options(self) -> list[str]:
        self.page.get_by_role("option").first.wait_for()
        return self.page.get_by_role("option").all_inner_texts()

    def wait_answer(self, name: str = "", words: str = "Réponse prête : ") -> None:
        self.page.wait_for_function(
            "start => (document.querySelector('.eo-announce')?.textContent ?? '')"
            ".replaceAll('\\u00a0', ' ').startsWith(start)",
            arg=words + name,
            timeout=240_000,
        )

    def panels(self):
        return self.page.locator(".eo-theme")

    def panel(self, title: str):
        """The section of one theme."""
        return self.page.locator(".eo-theme", has=self.page.get_by_role("heading", name=title))

    def text(self) -> str:
        return self.page.locator("body").inner_text()


@pytest.fixture
def visit(browser):
    """Open pages; at the end nothing unwanted has happened on any of them."""
    visitors: list[Visitor] = []

    def open_page(url: str, width: int = 1280, height: int = 900, **options) -> Visitor:
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale="fr-FR", **options
        )
        visitor = Visitor(context, url)
        visitors.append(visitor)
        return visitor

    yield open_page
    for visitor in visitors:
        text = visitor.text()
        visitor.context.close()
        assert visitor.troubles == []
        assert "Traceback" not in text and "Error" not in text
