"""How a session asks: the analysis service if there is one, this process otherwise."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

from ..errors import EoError

__all__ = ["LocalClient", "ServiceClient", "ServiceError", "open_client"]

#: A session waits at most this long for one answer, in seconds.
PATIENCE = 240.0
#: Questions of a session that may be under way at once; each is a thread that only waits.
QUESTIONS = 24

LOST = {
    "fr": "Le service d'analyse ne répond pas. Réessayez dans un instant\u00a0; si cela dure, "
    "prévenez la personne qui a démarré cette page.",
    "en": "The analysis service does not answer. Try again in a moment; if it lasts, "
    "tell the person who started this page.",
}


class ServiceError(EoError):
    """An error that the service reports, or its silence.

    ``kind`` is the name of the original error class; ``suggestions`` the nearest names.
    """

    def __init__(self, fr: str, en: str, kind: str, suggestions: tuple[str, ...] = ()) -> None:
        super().__init__(fr, en)
        self.kind = kind
        self.suggestions = suggestions

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.fr, self.en, self.kind, self.suggestions)


def _lost() -> ServiceError:
    return ServiceError(LOST["fr"], LOST["en"], "Unavailable")


class ServiceClient:
    """Asks the analysis service over its local socket; JSON both ways.

    Parameters
    ----------
    address_file : Path
        File written by the service: its address and key.
    """

    def __init__(self, address_file: Path) -> None:
        self.address_file = address_file
        # asyncio's own threads are six on two cores: a page that waits for its six themes
        # could not even search meanwhile.
        self._threads = ThreadPoolExecutor(QUESTIONS, "eo-question")

    async def call(self, method: str, **params: Any) -> Any:
        """The answer to one question.

        If the task is cancelled, the connection is closed and the service drops
        what it has not begun.

        Raises
        ------
        ServiceError
            Whatever went wrong, in one sentence.
        """
        given_up = threading.Event()
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self.ask, method, params, given_up)
        finally:
            given_up.set()

    def ask(self, method: str, params: dict[str, Any], given_up: threading.Event) -> Any:
        """:meth:`call`, blocking."""
        try:
            with self._connect() as connection:
                connection.send_bytes(json.dumps({"method": method, "params": params}).encode())
                waited = 0.0
                while not connection.poll(0.2):
                    waited += 0.2
                    if given_up.is_set() or waited > PATIENCE:
                        raise _lost()
                reply = json.loads(connection.recv_bytes())
        except (OSError, EOFError, ValueError, AuthenticationError) as error:
            # Gone, restarted with another key, or an answer that was half sent.
            raise _lost() from error
        if reply["ok"]:
            return reply["result"]
        told = reply["error"]
        raise ServiceError(told["fr"], told["en"], told["kind"], tuple(told["suggestions"]))

    def _connect(self) -> Connection:
        about = json.loads(self.address_file.read_text(encoding="utf-8"))
        address = about["address"]
        if about["family"] == "AF_INET":
            address = tuple(address)
        connection = Client(address, about["family"], authkey=bytes.fromhex(about["key"]))
        return connection


class LocalClient:
    """Answers in this process, one question at a time: a notebook without a service."""

    def __init__(self, answers: Any) -> None:
        self.answers = answers
        self._lock = threading.Lock()

    async def call(self, method: str, **params: Any) -> Any:
        """The answer to one question, computed in a thread."""
        return await asyncio.to_thread(self._ask, method, params)

    def _ask(self, method: str, params: dict[str, Any]) -> Any:
        from .answers import failure

        try:
            with self._lock:
                return json.loads(self.answers.methods()[method](**params))
        except Exception as error:
            told = failure(error)
            raise ServiceError(
                told["fr"], told["en"], told["kind"], tuple(told["suggestions"])
            ) from error


def open_client(
    source: str | None = None, data: str | Path | None = None
) -> ServiceClient | LocalClient:
    """The service that EO_HELPERS_SERVICE names, unless a source is asked for here."""
    address = os.environ.get("EO_HELPERS_SERVICE")
    if address and source is None and data is None:
        return ServiceClient(Path(address))
    from .answers import Answers, from_environment

    if source is None and data is None:
        return LocalClient(from_environment())
    return LocalClient(Answers(source or "files", [Path(data)] if data else None))
