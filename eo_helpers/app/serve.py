"""Serve the dashboards: the analysis service, then Voilà with the template « eo ».

Everything stops together: the service ends when the pipe from this process closes,
kernels are shut down by Voilà.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import webbrowser
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import EoError, InvalidInput, MissingTool

__all__ = ["dashboards_folder", "running_service", "serve"]

log = logging.getLogger(__name__)

_HERE = Path(__file__).resolve().parent

#: Jupyter data folder that holds the template.
JUPYTER = _HERE / "jupyter"

#: How many ports are tried when the first one is taken.
PORTS = 20

#: The demonstration is built on first use; a slow machine may need a while.
SERVICE_PATIENCE = 300.0

#: Browsers enforce it: this page can ask nobody but this server and the basemap.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline' blob:; img-src 'self' data: blob: https://data.geopf.fr; "
    "font-src 'self' data:; connect-src 'self' ws: wss: blob: data:; frame-ancestors 'self'; "
    "form-action 'none'; base-uri 'self'"
)


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
) -> Iterator[Path]:
    """The analysis service as a child process; yields its address file.

    Raises
    ------
    InvalidInput
        If the service cannot open its source: the sentence it gave.
    """
    with tempfile.TemporaryDirectory(prefix="eo-serve-") as folder:
        address = Path(folder) / "service.json"
        command = [sys.executable, "-m", "eo_helpers.app.service", str(address)]
        command += ["--source", source, "--processes", str(processes)]
        if prepare:
            command.append("--prepare")
        for part in data or ():
            command += ["--data", str(part)]
        # Its own session: Ctrl-C reaches this process only, which then ends the service.
        child = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
        try:
            _wait_for(address, child, patience)
            yield address
        finally:
            if child.stdin is not None:
                child.stdin.close()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


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
) -> None:
    """Serve the dashboards until Ctrl-C.

    Parameters
    ----------
    host, port : str, int
        Where to listen; the next free port if this one is taken. Only this machine,
        unless another host is given.
    source : str
        ``"demo"``, ``"files"`` or ``"online"``.
    data : sequence of Path, optional
        The user's folders.
    open_browser : bool
        Show the page when it is ready.
    preheat : int
        How many sessions are kept ready in advance; 0 for none.
    prepare : bool
        Find the answers of the example communes in advance, while nobody asks.

    Raises
    ------
    InvalidInput
        If nothing can be listened on, or the data cannot be opened.
    """
    port = _free_port(host, port)
    folder = dashboards_folder()
    print("Préparation des données et du service d'analyse…", file=sys.stderr, flush=True)
    with contextlib.ExitStack() as stack:
        if not os.environ.get("EO_HELPERS_SERVICE"):
            address = stack.enter_context(running_service(source, data, prepare=prepare))
            os.environ["EO_HELPERS_SERVICE"] = str(address)
            stack.callback(os.environ.pop, "EO_HELPERS_SERVICE", None)
        _voila(host, port, folder, open_browser, preheat)
    print("Arrêté.", file=sys.stderr)


def _voila(host: str, port: int, folder: Path, open_browser: bool, preheat: int) -> None:
    # Before Voilà is imported: it reads the path of templates from the environment.
    paths = [str(JUPYTER), os.environ.get("JUPYTER_PATH", "")]
    os.environ["JUPYTER_PATH"] = os.pathsep.join(p for p in paths if p)

    from ._voila import HOME, Server, settings

    url = f"http://{host}:{port}{HOME}"

    def announce() -> None:
        print(f"La page est prête : {url}", file=sys.stderr)
        print("Pour arrêter : Ctrl-C dans cette fenêtre.", file=sys.stderr, flush=True)
        if open_browser:
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()

    server: Any = Server(config=settings(host, port, preheat, POLICY))
    server.announce = announce
    server.initialize([str(folder)])
    server.start()
