"""Kernels forked from one parent that has imported everything (Linux), or started as ever.

Jupyter's own place for this is a kernel provisioner; ours is known to this server only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

__all__ = ["Forked", "ForkProvisioner", "ForkServer", "can_fork", "use_forks"]

log = logging.getLogger(__name__)

#: The parent imports for a second or two; on a busy machine longer, seconds.
PATIENCE = 60.0

#: After two parents that were of no use, none is tried for this long, seconds.
REST = 60.0

#: How a kernel that can be forked is started: anything else is not ours.
LAUNCHER = ["-m", "ipykernel_launcher"]


def can_fork() -> bool:
    """True where kernels can be forked: on Linux, unless a container forbids what it takes."""
    if not (sys.platform.startswith("linux") and hasattr(os, "pidfd_open")):
        return False
    try:
        for one in (os.pidfd_open(os.getpid()), os.memfd_create("probe")):
            os.close(one)
    except (OSError, AttributeError):
        return False
    return True


class Forked:
    """A forked kernel, with the methods of ``subprocess.Popen`` that Jupyter uses.

    Parameters
    ----------
    pid : int
        Of the kernel, whose parent is not this process.
    told : int
        Pipe on which the parent writes how the kernel ended.
    process : int
        Descriptor of the process (pidfd): true even when the parent is gone.
    """

    stdin = stdout = stderr = None

    def __init__(self, pid: int, told: int, process: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._told, self._process = told, process
        os.set_blocking(told, False)

    def poll(self) -> int | None:
        """Exit code; None while the kernel runs."""
        if self.returncode is None:
            try:
                said = os.read(self._told, 16)
            except BlockingIOError:
                return None
            if said:
                self._end(int(said))
            # The parent died before its child: how the kernel ends, nobody will know.
            elif select.select([self._process], [], [], 0)[0]:
                self._end(255)
        return self.returncode

    def _end(self, code: int) -> None:
        self.returncode = code
        os.close(self._told)
        os.close(self._process)

    def wait(self, timeout: float | None = None) -> int:
        """Exit code, as soon as there is one.

        Raises
        ------
        subprocess.TimeoutExpired
            If the kernel runs longer.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired("kernel", timeout or 0)
            select.select([self._process], [], [], 0.1)
            time.sleep(0.005)  # its parent buries it, then says so
        return code

    def send_signal(self, signum: int) -> None:
        """Send a signal to this process, and to no other that would have its number."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._process, signum)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def __del__(self) -> None:
        # A start that was given up on the way: nobody else would ever end this kernel.
        if self.returncode is None:
            self.kill()
        if self.returncode is None:
            self._end(255)


class ForkServer:
    """The parent process, and the one that replaces it (see :mod:`._forkserver`)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parent: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._rest = 0.0
        # Held by this process only: when it is gone, the parent and all kernels see the end.
        self._reader, self._alive = os.pipe()

    @property
    def pid(self) -> int | None:
        """Of the parent that was started last."""
        return self._parent.pid if self._parent is not None else None

    def start(self) -> None:
        """Start the parent, unless there is one. It imports meanwhile."""
        with self._lock:
            self._ensure()

    def _ensure(self) -> socket.socket:
        if self._control is not None and self._parent is not None and self._parent.poll() is None:
            return self._control
        if self._parent is not None:
            log.error("the parent of sessions stopped and is started again")
            self._drop()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            ours.settimeout(PATIENCE)
            numbers = [theirs.fileno(), self._reader]
            self._parent = subprocess.Popen(
                [sys.executable, "-m", "eo_helpers.app._forkserver", *map(str, numbers)],
                stdin=subprocess.DEVNULL,
                pass_fds=numbers,
                start_new_session=True,
            )
        self._control = ours
        return ours

    def _drop(self) -> None:
        """End what is left of a parent that is of no use."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._parent is not None:
            self._parent.kill()
            self._parent.wait()
            self._parent = None

    def fork(self, argv: list[str], env: dict[str, str], cwd: str) -> Forked:
        """A new kernel.

        Parameters
        ----------
        argv : list of str
            Command line of ``ipykernel_launcher``.
        env : dict
            Its whole environment.
        cwd : str
            Its working folder.

        Raises
        ------
        OSError
            If none can be made, not even by a new parent.
        """
        if time.monotonic() < self._rest:
            raise OSError("its parent could not be started a moment ago")
        order = os.memfd_create("kernel")
        try:
            with os.fdopen(order, "w", encoding="utf-8", closefd=False) as file:
                json.dump({"argv": argv, "env": env, "cwd": cwd}, file)
            os.lseek(order, 0, os.SEEK_SET)
            with self._lock:
                try:
                    return self._ask(order)
                except OSError:  # it died, perhaps just now: once more with another one
                    self._drop()
                try:
                    return self._ask(order)
                except OSError:
                    self._drop()
                    self._rest = time.monotonic() + REST
                    raise
        finally:
            os.close(order)

    def _ask(self, order: int) -> Forked:
        control = self._ensure()
        socket.send_fds(control, [b"+"], [order])
        said, received, *_ = socket.recv_fds(control, 256, 2)
        if len(received) != 2:
            for one in received:
                os.close(one)
            raise OSError(said.decode(errors="replace") or "the parent of sessions is gone")
        return Forked(int(said), *received)

    def close(self) -> None:
        """End the parent. Kernels that still run end with it."""
        with self._lock:
            self._drop()
            for one in (self._alive, self._reader):
                with contextlib.suppress(OSError):
                    os.close(one)


class ForkProvisioner(LocalProvisioner):
    """Forks the kernel where that can be done, starts it as ever where it cannot."""

    #: Jupyter makes provisioners without a word of ours: one parent for all of them.
    forks: ForkServer | None = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start the kernel."""
        forks = self.forks
        if forks is not None and cmd[0] == sys.executable and cmd[1:3] == LAUNCHER:
            cwd = str(kwargs.get("cwd") or Path.cwd())
            try:
                forked = await asyncio.to_thread(forks.fork, cmd[2:], kwargs["env"], cwd)
            except OSError as error:
                log.warning("a session is started instead of forked: %s", error)
            else:
                self.process = forked  # type: ignore[assignment]
                self.pid = self.pgid = forked.pid  # it leads a group of its own
                self.cwd = cwd
                return self.connection_info
        return await super().launch_kernel(cmd, **kwargs)

    async def send_signal(self, signum: int) -> None:
        """To the kernel's group; to nobody once it has ended (its number may be another's)."""
        if await self.poll() is None:
            await super().send_signal(signum)


def use_forks(config: Any, forks: ForkServer) -> None:
    """Have the kernels of this server made by :class:`ForkProvisioner`.

    Not an entry point of the package: other Jupyter servers of this machine go on as before.
    """
    name = "eo-fork"
    ForkProvisioner.forks = forks
    KernelProvisionerFactory.provisioners[name] = EntryPoint(
        name, f"{__name__}:{ForkProvisioner.__name__}", KernelProvisionerFactory.GROUP_NAME
    )
    config.KernelProvisionerFactory.default_provisioner_name = name
