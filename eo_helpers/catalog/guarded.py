"""A first look at HDF5 files from a process of its own.

The HDF5 library can be sent round in circles by a damaged file (a heap whose free space has
size nought), in native code that nothing in Python can stop: found by fuzzing. The look is
therefore done by another process, which is ended when it takes too long. One process looks at
all files of a scan; it costs a second, once. What stood the look is remembered by its path,
size and time of change: a theme's reader asks :func:`once` before it opens a file itself.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from ..errors import EoError, InvalidInput
from .cache import read_json, write_json

__all__ = ["Defeated", "Guard", "look", "once"]

#: Seconds for one file: a sound one takes some milliseconds, on a slow network drive some more.
PATIENCE = 30.0


class Defeated(InvalidInput):
    """A file that hangs or ends the library that reads it."""


class Guard:
    """A process that looks, and is replaced when it has to be ended.

    Parameters
    ----------
    patience : float
        Seconds for one file.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience = patience
        self._child: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str] = queue.Queue()
        self._lock = threading.Lock()

    def look(self, path: Path) -> Any:
        """What :func:`hdf.look_into_hdf` says of a file.

        Raises
        ------
        Defeated
            If it takes too long or ends the process that looks.
        InvalidInput
            If it cannot be read.
        """
        with self._lock:
            child = self._alive()
            try:
                assert child.stdin is not None
                child.stdin.write(json.dumps(str(path.resolve())) + "\n")
                child.stdin.flush()
                line = self._lines.get(timeout=self.patience + self._starting)
            except (queue.Empty, OSError):
                line = ""
            self._starting = 0.0
            if not line:
                self._end()
                raise Defeated(
                    f"« {path.name} » met la bibliothèque HDF5 en échec (fichier abîmé) : "
                    "téléchargez-le à nouveau.",
                    f"'{path.name}' defeats the HDF5 library (damaged file): download it again.",
                )
        told = json.loads(line)
        if "error" in told:
            raise InvalidInput(*told["error"])
        return told["found"]

    #: The first file also waits for the process to start.
    _starting = 60.0

    def _alive(self) -> subprocess.Popen[str]:
        if self._child is None or self._child.poll() is not None:
            self._end()
            root = str(Path(__file__).resolve().parents[2])
            paths = [root, os.environ.get("PYTHONPATH", "")]
            self._starting = 60.0
            self._lines = queue.Queue()
            self._child = subprocess.Popen(
                [sys.executable, "-m", "eo_helpers.catalog.guarded"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in paths if p)},
            )
            reader = threading.Thread(target=_forward, args=(self._child, self._lines), daemon=True)
            reader.start()
            atexit.register(self._end)
        return self._child

    def _end(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            for pipe in (self._child.stdin, self._child.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
            self._child = None
            atexit.unregister(self._end)


def _forward(child: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    assert child.stdout is not None
    with contextlib.suppress(ValueError):  # closed by the one who ended it
        for line in child.stdout:
            lines.put(line)
    lines.put("")


_guard = Guard()
#: Changes with what the look touches: files that stood an earlier one are looked at again.
_LOOK = 1


#: What this process knows of files: None for one that stood the look.
_known: dict[str, Defeated | None] = {}


def look(path: Path) -> Any:
    """:meth:`Guard.look` of the process that all scans share; what stood it is remembered."""
    key = _fingerprint(path)
    found = _guard.look(path)
    _remember(key)
    return found


def once(path: Path) -> None:
    """Have a file looked at in a process of its own, unless it was and has not changed since.

    Other errors than a defeat are left to the reader, which has its own words for them.

    Raises
    ------
    Defeated
        If the file hangs or ends the library.
    """
    key = _fingerprint(path)
    if key is None:
        return
    if key not in _known:
        if read_json("looked", key):
            _known[key] = None
            return
        try:
            _guard.look(path)
        except Defeated as error:
            # Not on disk: a network drive that was slow once may be quick tomorrow.
            _known[key] = error
        except InvalidInput:
            _known[key] = None
        else:
            _remember(key)
    defeat = _known.get(key)
    if defeat is not None:
        raise Defeated(defeat.fr, defeat.en)


def _fingerprint(path: Path) -> str | None:
    """What a file is known by; None where there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return json.dumps([_LOOK, str(path.resolve()), stat.st_size, stat.st_mtime_ns])


def _remember(key: str | None) -> None:
    if key is not None:
        _known[key] = None
        write_json("looked", key, True)


def main() -> None:
    """A path a line in, what was found a line out."""
    from .hdf import look_into_hdf

    for line in sys.stdin:
        path = Path(json.loads(line))
        try:
            told: dict[str, Any] = {"found": look_into_hdf(path)}
        except EoError as error:
            told = {"error": [error.fr, error.en]}
        except Exception as error:  # noqa: BLE001 - one odd file must not end the look at others
            kind = type(error).__name__
            told = {
                "error": [
                    f"« {path.name} » ne peut pas être lu ({kind}) : téléchargez-le à nouveau.",
                    f"'{path.name}' cannot be read ({kind}): download it again.",
                ]
            }
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
