"""Serve the dashboards: the analysis service, then Voilà with the template « eo ».

Everything stops together: the service ends when the pipe from this process closes,
kernels are shut down by Voilà.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import webbrowser
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import EoError, InvalidInput, MissingTool
from ._logs import start_logs

if TYPE_CHECKING:
    from ._provisioner import ForkServer
    from ._voila import Site

__all__ = ["EVERYWHERE", "dashboards_folder", "running_service", "serve"]

log = logging.getLogger(__name__)

_HERE = Path(__file__).resolve().parent

#: Jupyter data folder that holds the template.
JUPYTER = _HERE / "jupyter"

#: The demonstration and, with network, real communes beside it.
EVERYWHERE = "everywhere"

#: How many ports are tried when the first one is taken.
PORTS = 20

#: A session needs this much before anybody asks anything, megabytes.
LEAST_MEMORY = 256

#: The demonstration is built on first use; a slow machine may need a while.
SERVICE_PATIENCE = 300.0

#: A service that stopped is started again after this long, and not more often, seconds.
RESTART = 1.0


def dashboards_folder() -> Path:
    """``dashboards/`` of the checkout, or the copy that an installed package carries.

    Raises
    ------
    MissingTool
        If neither is there.
    """
    for folder in (_HERE.parent.parent / "dashboards", _HERE / "dashboards"):
        if (folder / "ma_commune.ipynb").exists():
            return folder
    raise MissingTool(
        "Le tableau de bord ma_commune.ipynb est introuvable : réinstallez eo-helpers.",
        "The dashboard ma_commune.ipynb is nowhere to be found: reinstall eo-helpers.",
    )


@contextlib.contextmanager
def running_service(
    source: str = "demo",
    data: Sequence[Path] | None = None,
    processes: int = 2,
    patience: float = SERVICE_PATIENCE,
    prepare: bool = False,
    logs: str | None = None,
) -> Iterator[Path]:
    """The analysis service as a child process; yields its address file.

    If it dies it is started again under the same address file: sessions that were waiting
    are told, the next question is answered.

    Raises
    ------
    InvalidInput
        If the service cannot open its source: the sentence it gave.
    """
    with tempfile.TemporaryDirectory(prefix="eo-serve-") as folder:
        address = Path(folder) / "service.json"
        command = [sys.executable, "-m", "eo_helpers.app.service", str(address)]
        known = ["--everywhere"] if source == EVERYWHERE else ["--source", source]
        command += [*known, "--processes", str(processes)]
        if prepare:
            command.append("--prepare")
        if logs:
            command += ["--log", logs]
        for part in data or ():
            command += ["--data", str(part)]
        keeper = _Keeper(command)
        try:
            _wait_for(address, keeper.child, patience)
            keeper.watch()
            yield address
        finally:
            keeper.end()


class _Keeper:
    """The service's process, and the one that replaces it."""

    def __init__(self, command: list[str]) -> None:
        self.command = command
        self._ending = threading.Event()
        self.child = self._start()
        self._thread: threading.Thread | None = None

    def _start(self) -> subprocess.Popen[bytes]:
        # Its own session: Ctrl-C reaches this process only, which then ends the service.
        return subprocess.Popen(self.command, stdin=subprocess.PIPE, start_new_session=True)

    def watch(self) -> None:
        """From now on it is started again when it stops."""
        self._thread = threading.Thread(target=self._watch, name="service", daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._ending.is_set():
            self.child.wait()
            if self._ending.wait(RESTART):
                return
            log.error("the analysis service stopped (%s) and is started again", self.child.poll())
            if self.child.stdin is not None:
                self.child.stdin.close()
            self.child = self._start()

    def end(self) -> None:
        """Ask it to stop, then make it."""
        self._ending.set()
        if self.child.stdin is not None:
            self.child.stdin.close()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        if self._thread is not None:
            self._thread.join(5)


def _wait_for(address: Path, child: subprocess.Popen[bytes], patience: float) -> None:
    until = time.monotonic() + patience
    while not address.exists():
        if child.poll() is not None:
            raise InvalidInput(
                "Le service d'analyse n'a pas démarré ; la raison est écrite ci-dessus.",
                "The analysis service did not start; the reason is written above.",
            )
        if time.monotonic() > until:
            raise EoError(
                f"Le service d'analyse n'est pas prêt après {patience:.0f} secondes.",
                f"The analysis service is not ready after {patience:.0f} seconds.",
            )
        time.sleep(0.05)


def _free_port(host: str, port: int) -> int:
    """``port``, or the first free one after it."""
    for candidate in range(port, port + PORTS):
        with socket.socket() as probe:
            if sys.platform != "win32":  # where it would let two programs share a port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
                raise InvalidInput(
                    f"Impossible d'écouter sur {host}, port {candidate} ({error.strerror}) : "
                    "choisissez une autre adresse ou un autre port.",
                    f"Cannot listen on {host}, port {candidate} ({error.strerror}): "
                    "choose another address or port.",
                ) from error
            return candidate
    raise InvalidInput(
        f"Les ports {port} à {port + PORTS - 1} sont tous utilisés : choisissez-en un autre "
        "avec --port.",
        f"Ports {port} to {port + PORTS - 1} are all in use: choose another one with --port.",
    )


def serve(
    host: str = "localhost",
    port: int = 8866,
    source: str = "demo",
    data: Sequence[Path] | None = None,
    open_browser: bool = True,
    preheat: int = 2,
    prepare: bool = False,
    sessions: int = 40,
    memory: int = 1024,
    base_url: str = "/",
    proxy: bool = False,
    logs: str | None = None,
    fork: bool = True,
) -> None:
    """Serve the dashboards until Ctrl-C.

    Parameters
    ----------
    host, port : str, int
        Where to listen; the next free port if this one is taken. Only this machine,
        unless another host is given.
    source : str
        ``"demo"``, ``"files"``, ``"online"``, or ``EVERYWHERE``: the demonstration, and
        every real commune as soon as the network gives the list of them.
    data : sequence of Path, optional
        The user's folders.
    open_browser : bool
        Show the page when it is ready.
    preheat : int
        How many sessions are kept ready in advance; 0 for none.
    prepare : bool
        Find the answers of the example communes in advance, while nobody asks.
    sessions : int
        How many visitors at the same time; the next ones see a page that waits.
    memory : int
        Megabytes that a session may take; 0 for no limit.
    base_url : str
        Path under which a reverse proxy passes requests on, such as ``/eo/``.
    proxy : bool
        Believe ``X-Forwarded-Host`` and ``X-Forwarded-Proto``: only where nobody reaches
        this server but through the proxy.
    logs : str, optional
        JSON lines to this file, or to standard error for ``"-"``.
    fork : bool
        Fork sessions from one parent that has imported everything, where the system can
        (Linux); otherwise each starts by itself.

    Raises
    ------
    InvalidInput
        If nothing can be listened on, or the data cannot be opened.
    """
    if sessions < 1 or preheat < 0 or (memory and memory < LEAST_MEMORY):
        raise InvalidInput(
            "Il faut au moins une place, et au moins "
            f"{LEAST_MEMORY} Mo de mémoire par session (0 : sans limite).",
            f"At least one session, and at least {LEAST_MEMORY} MB of memory each (0: no limit).",
        )
    start_logs(logs)
    port = _free_port(host, port)
    folder = dashboards_folder()
    print("Préparation des données et du service d'analyse…", file=sys.stderr, flush=True)
    with contextlib.ExitStack() as stack:
        if not os.environ.get("EO_HELPERS_SERVICE"):
            running = running_service(source, data, prepare=prepare, logs=logs)
            address = stack.enter_context(running)
            os.environ["EO_HELPERS_SERVICE"] = str(address)
            stack.callback(os.environ.pop, "EO_HELPERS_SERVICE", None)
        # Before Voilà is imported: it reads the path of templates from the environment.
        paths = [str(JUPYTER), os.environ.get("JUPYTER_PATH", "")]
        os.environ["JUPYTER_PATH"] = os.pathsep.join(p for p in paths if p)
        forks = stack.enter_context(forking(fork))
        from ._voila import Site

        # More heated than there are places would never be taken.
        site = Site(
            host, port, min(preheat, sessions), sessions, memory, base_path(base_url), proxy
        )
        _voila(site, folder, open_browser, forks)
    print("Arrêté.", file=sys.stderr)


def base_path(text: str) -> str:
    """``/a/b/`` from what a person may write.

    Raises
    ------
    InvalidInput
        If it is no plain path.
    """
    path = "/" + text.strip().strip("/")
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*/?", path) or ".." in path:
        raise InvalidInput(
            f"« {text} » n'est pas un chemin : écrivez par exemple /eo/.",
            f"'{text}' is no path: write /eo/ for instance.",
        )
    return path if path.endswith("/") else path + "/"


@contextlib.contextmanager
def forking(wanted: bool = True) -> Iterator[ForkServer | None]:
    """The parent of sessions, importing while Voilà is imported; None where there is none."""
    from ._provisioner import ForkServer, can_fork

    if not (wanted and can_fork()):
        yield None
        return
    forks = ForkServer()
    try:
        forks.start()
        yield forks
    finally:
        forks.close()


def _voila(site: Site, folder: Path, open_browser: bool, forks: ForkServer | None) -> None:
    from ._voila import HOME, Server, settings

    url = f"http://{site.host}:{site.port}{site.base_url}{HOME}"

    def announce() -> None:
        print(f"La page est prête : {url}", file=sys.stderr)
        print("Pour arrêter : Ctrl-C dans cette fenêtre.", file=sys.stderr, flush=True)
        if open_browser:
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()

    config = settings(site)
    if forks is not None:
        from ._provisioner import use_forks

        use_forks(config, forks)
    server: Any = Server(config=config)
    server.announce, server.site = announce, site
    server.initialize([str(folder)])
    server.start()
