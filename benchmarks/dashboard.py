"""The page « Ma commune » beside a bare Voilà page, in one run, on this machine.

``python -m benchmarks.dashboard`` prints one Markdown table: from page load to the first map
and to all answers, from a pick to all answers, memory per session. The peer is what a person
gets with few lines: Voilà as it is, geopandas and ipyleaflet in each session, one map.

Times are wall-clock medians seen by a real Chromium on the same machine; memory is PSS
(shared pages divided among those who share them) of the server with all its children.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from eo_helpers import catalog, demo
from eo_helpers.doctor import browser_executable

from .serving_load import is_kernel

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
TOWN, OTHER = "Saint-Aubin-sur-Ervelle", "Mesnil-Brévant"

#: Beside it: what Voilà, ipyleaflet and geopandas give without more.
PEER = """
import geopandas, ipyleaflet, ipywidgets
from IPython.display import display
places = geopandas.read_file({table!r}).to_crs(4326).set_index("name")
chosen = ipywidgets.Dropdown(options=list(places.index), value={town!r}, description="Commune")
said = ipywidgets.HTML()
shown = ipyleaflet.Map(zoom=11)
def show(change=None):
    row = places.loc[[chosen.value]]
    west, south, east, north = row.total_bounds
    for old in shown.layers[1:]:
        shown.remove(old)
    shown.center = ((south + north) / 2, (west + east) / 2)
    shown.add(ipyleaflet.GeoJSON(data=row[["geometry"]].__geo_interface__))
    said.value = "<p class=said>" + chosen.value + "</p>"
chosen.observe(show, "value")
show()
display(ipywidgets.VBox([chosen, shown, said]))
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Contender:
    """One of the two pages: how it is started, and how one sees that it is ready."""

    def __init__(
        self,
        name: str,
        command: Callable[[int, int], list[str]],
        path: str,
        first: str,
        ready: str,
        pick: Callable[[Page, str], object],
        environment: dict[str, str],
    ) -> None:
        self.name, self.command, self.path = name, command, path
        self.first, self.ready, self.pick = first, ready, pick
        self.environment = environment

    @contextlib.contextmanager
    def serving(self, preheat: int) -> Iterator[tuple[str, psutil.Process]]:
        port = free_port()
        with tempfile.TemporaryFile() as log:
            child = subprocess.Popen(
                self.command(port, preheat),
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
            )
            url = f"http://127.0.0.1:{port}"
            try:
                until = time.monotonic() + 90
                while True:
                    with contextlib.suppress(OSError):
                        urllib.request.urlopen(f"{url}/voila/static/voila.js", timeout=2).close()
                        break
                    if child.poll() is not None or time.monotonic() > until:
                        log.seek(0)
                        sys.exit(f"{self.name}: {log.read().decode()[-2000:]}")
                    time.sleep(0.2)
                if preheat:
                    settle(psutil.Process(child.pid), preheat)
                yield url + self.path, psutil.Process(child.pid)
            finally:
                child.terminate()
                child.wait(30)

    def load(self, browser: Browser, url: str, name: str = TOWN) -> tuple[Page, float, float]:
        """Open a page of its own; seconds to the first map, and to all of its answers."""
        page = browser.new_context(viewport={"width": 1366, "height": 900}).new_page()
        start = time.perf_counter()
        page.goto(url, wait_until="commit")
        page.wait_for_function(self.first, arg=name, timeout=90_000)
        first = time.perf_counter() - start
        page.wait_for_function(self.ready, arg=name, timeout=90_000)
        return page, first, time.perf_counter() - start

    def picked(self, page: Page, name: str) -> float:
        """Seconds from a pick to its answer."""
        start = time.perf_counter()
        self.pick(page, name)
        page.wait_for_function(self.ready, arg=name, timeout=90_000)
        return time.perf_counter() - start


def kernels(server: psutil.Process) -> list[psutil.Process]:
    found = []
    for child in server.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if is_kernel(child):
                found.append(child)
    return found


def settle(server: psutil.Process, count: int) -> None:
    """Wait until so many kernels are there and idle."""
    until, quiet = time.monotonic() + 40, 0
    while time.monotonic() < until and quiet < 4:
        before = len(kernels(server))
        busy = sum(k.cpu_percent(0.25) for k in kernels(server))
        quiet = quiet + 1 if before >= count and busy < 15 else 0


def pss(server: psutil.Process) -> float:
    """Memory of a server and all its children, MB."""
    total = 0
    for process in (server, *server.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().pss
    return total / 1e6


def measure(one: Contender, browser: Browser, runs: int, sessions: int) -> dict[str, list[float]]:
    """Every figure of one contender."""
    seen: dict[str, list[float]] = {}

    def note(key: str, value: float) -> None:
        seen.setdefault(key, []).append(value)

    with one.serving(preheat=0) as (url, server):
        for turn in range(max(2, runs // 2)):
            page, first, every = one.load(browser, url)
            # The first visit computes what the next ones find on disk.
            note("never asked" if turn == 0 else "cold, first map", first if turn else every)
            if turn:
                note("cold, all", every)
            note("themes", page.locator(".eo-theme .eo-headline").count())
            page.context.close()
    with one.serving(preheat=2) as (url, server):
        for _ in range(runs):
            settle(server, 2)
            page, first, every = one.load(browser, url)
            note("ready, first map", first)
            note("ready, all", every)
            for name in (OTHER, TOWN, OTHER):
                note("pick", one.picked(page, name))
            page.context.close()
    with one.serving(preheat=0) as (url, server):
        pages, used = [], []
        note("server", pss(server))
        for _ in range(sessions):
            pages.append(one.load(browser, url)[0])
            one.picked(pages[-1], OTHER)
            settle(server, len(pages))
            used.append(pss(server))
        note("divided", used[-1] / sessions)
        note("marginal", (used[-1] - used[0]) / (sessions - 1))
        for page in pages:
            page.context.close()
    return seen


def contenders(folder: Path) -> tuple[Contender, Contender]:
    """The two pages; answers are kept in ``folder``, so that the first one is really the first."""
    territory = demo.ensure()
    cache = folder / "cache"
    cache.mkdir()
    (cache / demo.location().name).symlink_to(territory, target_is_directory=True)
    index = catalog.communes(catalog.open_source("demo"))
    insee = {match.name: match.insee for match in index.search("")}
    table = folder / "communes.gpkg"
    import pandas

    frames = [index.get(code).to_geodataframe() for code in insee.values()]
    pandas.concat(frames).to_file(table)
    cells = [
        {"cell_type": "code", "source": PEER.format(table=str(table), town=TOWN), "metadata": {},
         "outputs": [], "execution_count": None, "id": "peer"}
    ]  # fmt: skip
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = folder / "peer.ipynb"
    notebook.write_text(
        json.dumps(
            {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
        )
    )

    def ours(port: int, preheat: int) -> list[str]:
        code = f"from eo_helpers.app.serve import serve; serve('127.0.0.1', {port}, 'demo', "
        return [sys.executable, "-c", code + f"open_browser=False, preheat={preheat})"]

    def theirs(port: int, preheat: int) -> list[str]:
        command = [sys.executable, "-m", "voila", str(folder), "--no-browser", f"--port={port}"]
        command += ["--Voila.ip=127.0.0.1"]
        if preheat:
            command += ["--preheat_kernel=True", f"--pool_size={preheat}"]
        return command

    def pick_ours(page: Page, name: str) -> object:
        return page.get_by_role("button", name=name, exact=True).last.click()

    def pick_theirs(page: Page, name: str) -> object:
        return page.locator("select").select_option(name)

    drawn = "document.querySelector('.leaflet-container .leaflet-overlay-pane')"
    return (
        Contender(
            "eo_helpers, « Ma commune »",
            ours,
            f"/voila/render/ma_commune.ipynb?commune={insee[TOWN]}",
            f"() => {drawn}?.querySelector('canvas') && document.querySelector('.eo-caption')",
            # every panel has its sentence; those with data also name the commune and their map
            "name => { const all = [...document.querySelectorAll('.eo-theme')];"
            " return all.length && all.every(t => t.querySelector('.eo-calm') || ("
            "(t.querySelector('.eo-headline')?.textContent ?? '').includes(name)"
            " && t.querySelector('.eo-ground')))"
            " && document.querySelector('.eo-announce').textContent.includes(name) }",
            pick_ours,
            {"EO_HELPERS_CACHE": str(cache)},
        ),
        Contender(
            "bare Voilà, ipyleaflet, geopandas",
            theirs,
            "/voila/render/peer.ipynb",
            f"() => {drawn}?.querySelector('path, canvas')",
            "name => document.querySelector('.said')?.textContent === name "
            f"&& {drawn}?.querySelector('path, canvas')",
            pick_theirs,
            {},
        ),
    )


ROWS = (
    ("cold, first map", "Page load to first map, no kernel ready (s)", 2),
    ("cold, all", "Page load to everything, no kernel ready (s)", 2),
    ("ready, first map", "Page load to first map, kernel ready (s)", 2),
    ("ready, all", "Page load to everything, kernel ready (s)", 2),
    ("never asked", "Page load to everything, never asked before, no kernel ready (s)", 2),
    ("pick", "Pick to everything (s)", 2),
    ("server", "Server without a session (MB)", 0),
    ("divided", "Whole server divided by its sessions (MB)", 0),
    ("marginal", "One more session (MB)", 0),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="page loads for each figure")
    parser.add_argument("--sessions", type=int, default=4, help="pages open at once")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_executable(), args=FLAGS)
        both = contenders(Path(folder))
        seen = [measure(one, browser, options.runs, options.sessions) for one in both]
        browser.close()
    print(f"| | {' | '.join(one.name for one in both)} |")
    print("|---|--:|--:|")
    for key, label, digits in ROWS:
        cells = [f"{statistics.median(s[key]):.{digits}f}" for s in seen]
        print(f"| {label} | {' | '.join(cells)} |")
    cold = max(2, options.runs // 2) - 1
    print(
        f"\nThemes with an answer: {seen[0]['themes'][-1]:.0f}. Medians of {options.runs} loads "
        f"(cold: {cold}) and {3 * options.runs} picks; memory with {options.sessions} sessions "
        f"open; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}."
    )


if __name__ == "__main__":
    main()
