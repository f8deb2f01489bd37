"""The parent of the sessions' kernels: it imports everything once, then forks.

A kernel that starts by itself spends half a second of a core on imports, and holds a copy of
what it imported. One that is forked from here has both already. The same idea as
``multiprocessing.forkserver``, which would import the server's main program into each child and
unpickle what it is told; a Jupyter kernel needs neither.

Run by :class:`eo_helpers.app._provisioner.ForkServer`, with the numbers of two descriptors: a
socket that asks for forks, and a pipe that ends with the server. Nothing of a session is ever
read in this process: what a kernel has to know comes in a file of its own, opened by the child.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import threading
from pathlib import Path

__all__ = ["NAME", "main"]

#: Name of the forked processes, as ``ps`` and ``top`` show it (15 letters at most).
NAME = "eo-session"

#: What a kernel imports until it has shown a page, beside the page itself.
JUPYTER = (
    "IPython.core.completerlib",
    "IPython.extensions.storemagic",
    "concurrent.futures.thread",
    "encodings.idna",
    "ipykernel.debugger",
    "ipykernel.kernelapp",
    "psutil",
    "tornado.platform.asyncio",
    "unicodedata",
    "zmq.utils.garbage",
)


def _preload() -> None:
    """Import what every session needs; no thread, no socket and no loop may come of it."""
    # Its worker threads would not survive the fork.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ[name] = "1"
    gc.disable()  # what is freed and used again here is shared no longer
    # A page that strangers open needs no debugger; None is how Python is told so.
    sys.modules["debugpy"] = None  # type: ignore[assignment]
    for name in (*JUPYTER, "eo_helpers.app._session", "eo_helpers.app.shell"):
        importlib.import_module(name)
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        raise SystemExit("a thread was started by an import: its locks cannot be forked")
    gc.collect()
    gc.freeze()


class _Forks:
    """Children of this process, and whom to tell when one ends."""

    def __init__(self, control: socket.socket, alive: int) -> None:
        self.control, self.alive = control, alive
        self.selector = selectors.DefaultSelector()
        self.selector.register(control, selectors.EVENT_READ)
        self.selector.register(alive, selectors.EVENT_READ)

    def serve(self) -> int | None:
        """Fork on demand until the server is gone (None); in a child: what it has to do."""
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is self.control:
                    message, received, *_ = socket.recv_fds(self.control, 1, 1)
                    if not message:
                        return None
                    if self._fork(received[0]):
                        return received[0]
                elif key.fd == self.alive:
                    return None
                else:
                    self._bury(key.fd, *key.data)

    def _fork(self, order: int) -> bool:
        """Make a child and tell the server; True in the child."""
        opened, pid = [order], 0
        try:
            told, tell = os.pipe()
            opened += [told, tell]
            pid = os.fork()
            if pid == 0:
                return True
            # Opened before anybody could have waited for the child: no other process.
            opened.append(process := os.pidfd_open(pid))
            socket.send_fds(self.control, [str(pid).encode()], [told, process])
        except OSError as error:  # too many processes or files, or no memory
            if pid:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            with contextlib.suppress(OSError):  # a server that is gone is seen by ``serve``
                self.control.send(f"! {error.strerror}".encode())
        else:
            self.selector.register(process, selectors.EVENT_READ, (pid, tell))
            opened = [order, told]
        for one in opened:
            os.close(one)
        return False

    def _bury(self, process: int, pid: int, tell: int) -> None:
        """A child has ended: no zombie stays, and the server learns how."""
        self.selector.unregister(process)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with contextlib.suppress(BrokenPipeError):  # nobody asks any more
            os.write(tell, str(code).encode())
        os.close(tell)
        os.close(process)


def _end_with(alive: int) -> None:
    """End this kernel as soon as the server is gone, however it went."""
    os.read(alive, 1)  # nobody ever writes: it returns when the other end is closed
    os._exit(1)


def _kernel(order: int, alive: int) -> None:
    """A child becomes the kernel that ``order`` describes, with nothing of anybody else's."""
    before = 2
    for kept in (*sorted((order, alive)), os.sysconf("SC_OPEN_MAX")):
        os.closerange(before + 1, kept)
        before = kept
    with os.fdopen(order, encoding="utf-8") as file:
        told = json.load(file)
    os.setsid()  # signals for a session reach it and what it starts
    os.environ.clear()
    os.environ.update(told["env"])
    os.chdir(told["cwd"])
    sys.argv = told["argv"]
    with contextlib.suppress(OSError):  # the name is a help for people, no more
        Path("/proc/self/comm").write_text(NAME, encoding="ascii")
    threading.Thread(target=_end_with, args=(alive,), name="server", daemon=True).start()
    gc.enable()
    from ipykernel.kernelapp import IPKernelApp

    # Python's own random numbers are seeded again by the fork; numpy's are not.
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
    # ipywidgets tells the kernel about itself when it is imported, which was too early here.
    argv = [*told["argv"][1:], "--ext=ipywidgets"]
    # 1: there is a parent, but it is not the process to watch (see ``_end_with``).
    IPKernelApp.launch_instance(argv=argv, parent_handle=1)


def main() -> None:
    """Import, then fork until the server is gone."""
    control, alive = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
    # As ipykernel's own launcher: the folder in which the server was started holds no library.
    if sys.path and Path(sys.path[0]) == Path.cwd():
        del sys.path[0]
    _preload()
    order = _Forks(control, alive).serve()
    if order is not None:
        control.close()
        _kernel(order, alive)


if __name__ == "__main__":
    main()
