"""Sessions of the server: how many there may be, and when one is taken back."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import time
from typing import Any

from jupyter_server._tz import utcnow
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets import Integer

from ._session import startup_arguments

__all__ = ["ABANDONED", "Kernels", "MESSAGES", "PAGE"]

log = logging.getLogger(__name__)

#: Seconds after which a session whose page went away is ended.
ABANDONED = 600

#: A page that was asked for and never connected (a robot, a tab closed at once), seconds.
NEVER_CLAIMED = 60

#: When nobody else can come in, a session without a page is kept no longer than this, seconds.
PRESSED = 30

#: Kernels of the page that is being sent; their wait for a visitor begins when it is there.
PAGE: contextvars.ContextVar[list[str] | None] = contextvars.ContextVar("page", default=None)

#: Seconds between two looks at sessions without a page.
ROUND = 5.0

#: What a page may say to its session. Nothing here runs code.
MESSAGES = ["comm_open", "comm_msg", "comm_close", "comm_info_request", "kernel_info_request"]


class Kernels(AsyncMappingKernelManager):
    """Kernels of which the ones without a visitor are told from the others.

    Voilà makes its own class of this one; kernels that it heats in advance are not
    sessions until a page takes them (:meth:`claim`).
    """

    session_memory = Integer(0, help="Megabytes of a session; 0 for no limit.", config=True)
    most_sessions = Integer(40, help="Sessions at the same time.", config=True)

    def __init__(self, **kwargs: Any) -> None:
        self.heated: set[str] = set()
        #: Requests of a page whose kernel is not there yet.
        self.arriving = 0
        self.turned_away = 0
        self.taken_back = 0
        self.died = 0
        #: Since when a session has no page, and which ones have had one.
        self._alone: dict[str, float] = {}
        self._seen: set[str] = set()
        self._ending: set[str] = set()
        #: Pages that start a kernel, by arrival: more at once would only slow each other,
        #: and everybody who is there already.
        self.starting = asyncio.Semaphore(max(2, os.cpu_count() or 2))
        super().__init__(**kwargs)

    # -- counting ---------------------------------------------------------------------------

    @property
    def sessions(self) -> int:
        """Kernels that visitors have or are about to have."""
        return sum(1 for kernel in self.list_kernel_ids() if kernel not in self.heated)

    @property
    def full(self) -> bool:
        """True when the next visitor has to wait."""
        return self.sessions + self.arriving >= self.most_sessions

    def claim(self, kernel_id: str) -> None:
        """A heated kernel becomes the session of a page."""
        self.heated.discard(kernel_id)
        self._await(kernel_id)

    def _await(self, kernel_id: str) -> None:
        """A session waits for its visitor: from now on, or from when its page is sent."""
        page = PAGE.get()
        if page is None:
            self._alone[kernel_id] = time.monotonic()
        else:
            page.append(kernel_id)

    def sent(self, page: list[str]) -> None:
        """The page of these sessions has been sent, or was dropped on the way."""
        for kernel_id in page:
            if kernel_id in self and kernel_id not in self._seen:
                self._alone[kernel_id] = time.monotonic()

    # -- what Jupyter calls -----------------------------------------------------------------

    async def start_kernel(self, **kwargs: Any) -> str:  # type: ignore[override]
        """Start one with the memory limit; it is a session unless Voilà heats it."""
        kwargs.setdefault("kernel_id", self.new_kernel_id(**kwargs))
        kernel_id: str = kwargs["kernel_id"]
        arguments = list(kwargs.get("extra_arguments") or [])
        kwargs["extra_arguments"] = arguments + startup_arguments(self.session_memory)
        if (kwargs.get("env") or {}).get("VOILA_PREHEAT") == "True":
            self.heated.add(kernel_id)
        else:
            self._await(kernel_id)
        try:
            return str(await super().start_kernel(**kwargs))
        except BaseException:
            self._forget(kernel_id)
            raise

    def start_watching_activity(self, kernel_id: str) -> None:
        """Nothing is watched: a session is taken back by its page, not by what it says.

        Jupyter would read every message of every session once more to learn when it was last
        busy.
        """
        kernel: Any = self._kernels[kernel_id]
        kernel.reason, kernel.last_activity = "", utcnow()
        # A page that connects would wait for another state than « starting ».
        kernel.execution_state = "idle"

    def notify_connect(self, kernel_id: str) -> None:
        """A page is there."""
        super().notify_connect(kernel_id)
        self._seen.add(kernel_id)
        self._alone.pop(kernel_id, None)

    def notify_disconnect(self, kernel_id: str) -> None:
        """The page went away, perhaps to come back."""
        super().notify_disconnect(kernel_id)
        if kernel_id in self and self._kernel_connections.get(kernel_id, 0) <= 0:
            self._alone[kernel_id] = time.monotonic()

    async def shutdown_kernel(self, kernel_id: str, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        """End one; meanwhile it is dead without having died."""
        self._ending.add(kernel_id)
        try:
            return await super().shutdown_kernel(kernel_id, *args, **kwargs)
        finally:
            self._ending.discard(kernel_id)

    def remove_kernel(self, kernel_id: str) -> Any:
        """The last thing that is done with a kernel, however it ended."""
        self._forget(kernel_id)
        return super().remove_kernel(kernel_id)

    def _forget(self, kernel_id: str) -> None:
        self.heated.discard(kernel_id)
        self._seen.discard(kernel_id)
        self._alone.pop(kernel_id, None)

    # -- taking back ------------------------------------------------------------------------

    def abandoned(self, now: float) -> list[str]:
        """Sessions without a page that have waited long enough, longest first."""
        out = []
        for kernel_id, since in sorted(self._alone.items(), key=lambda item: item[1]):
            patience = ABANDONED if kernel_id in self._seen else NEVER_CLAIMED
            if now - since > (min(PRESSED, patience) if self.full else patience):
                out.append(kernel_id)
        return out

    async def take_back(self) -> None:
        """End what :meth:`abandoned` names, and forget what died by itself."""
        await self._bury()
        for kernel_id in self.abandoned(time.monotonic()):
            self._alone.pop(kernel_id, None)
            if kernel_id in self:
                self.taken_back += 1
                await self._stop(kernel_id)

    async def _bury(self) -> None:
        """A dead session is not started again: it would be empty. Its page says so itself."""
        refill = False
        for kernel_id in self.list_kernel_ids():
            try:
                kernel: Any = self.get_kernel(kernel_id)
                alive = await kernel.is_alive()
            except KeyError:  # gone meanwhile
                continue
            # One that is starting has no process yet.
            started = kernel_id in self._kernel_connections
            if started and not alive and kernel_id not in self._ending:
                refill |= kernel_id in self.heated
                self.died += 1
                log.warning("a session died")
                await self._stop(kernel_id)
        if refill:
            voila: Any = self  # whose class of kernels that are heated is made of this one
            for notebook in list(voila._pools):
                voila.fill_if_needed(delay=0, notebook_name=notebook)

    async def _stop(self, kernel_id: str) -> None:
        try:
            await asyncio.wait_for(self.shutdown_kernel(kernel_id, now=True), 20)
        except (RuntimeError, KeyError, TimeoutError) as error:
            log.warning("a session could not be ended: %s", type(error).__name__)
