"""The demonstration, and with network every real commune beside it."""

from __future__ import annotations

import json
import logging
import threading
import time
from typing import Any

from ..errors import EoError, NoData
from .answers import Answers, dumps

__all__ = ["Everywhere"]

log = logging.getLogger(__name__)

#: Seconds before a list of communes that could not be had is asked for again.
AGAIN = 120.0


class Everywhere(Answers):
    """Answers about the demonstration at once, about real communes once their list is here.

    The list (one file of the whole country, kept in the cache) comes in the background:
    nobody waits for a network that is not there.
    """

    def __init__(self) -> None:
        super().__init__("demo")
        self.real = Answers("online")
        self._listed = threading.Event()
        self._asked = -AGAIN
        self._lock = threading.Lock()

    def _gather(self) -> None:
        """Have the list of real communes fetched, unless that is done or under way."""
        with self._lock:
            if self._listed.is_set() or time.monotonic() - self._asked < AGAIN:
                return
            self._asked = time.monotonic()
        threading.Thread(target=self._list, name="communes", daemon=True).start()

    def _list(self) -> None:
        try:
            _ = self.real.index
        except EoError as error:
            log.info("no real communes: %s", error.en)
            return
        self._listed.set()

    def _of(self, insee: str) -> Answers | None:
        """Who answers about a real commune; None for one of the demonstration."""
        return None if insee in self.index else self.real

    def about(self, lang: str = "fr") -> bytes:
        self._gather()
        return dumps({**json.loads(super().about(lang)), "online": True})

    def search(self, query: str, limit: int = 8, lang: str = "fr") -> bytes:
        found: list[Any] = json.loads(super().search(query, limit, lang))
        self._gather()
        if self._listed.is_set():
            real = json.loads(self.real.search(query, limit, lang)) if query.strip() else []
            # Two fictional ones stay in sight: whoever tries the demonstration types their names.
            least = found[:2]
            return dumps([*real[: int(limit) - len(least)], *least])
        if not found:
            raise NoData(
                "La liste des communes de France se télécharge : réessayez dans un instant. Sans "
                "réseau, seules les communes fictives sont là.",
                "The list of the communes of France is being fetched: try again in a moment. "
                "Without network only the fictional communes are here.",
            )
        return dumps(found)

    # Each question about a commune goes to the source that has it.

    def commune(self, insee: str, lang: str = "fr") -> bytes:
        real = self._of(insee)
        return real.commune(insee, lang) if real else super().commune(insee, lang)

    def at(self, lat: float, lon: float, lang: str = "fr") -> bytes:
        found = super().at(lat, lon, lang)
        if self._listed.is_set() and json.loads(found)["item"] is None:
            return self.real.at(lat, lon, lang)
        return found

    def standing(self, insee: str, lang: str = "fr") -> bytes:
        real = self._of(insee)
        return real.standing(insee, lang) if real else super().standing(insee, lang)

    def bundle(self, theme: str, insee: str, lang: str = "fr", settings: str = "") -> bytes:
        real, asked = self._of(insee), (theme, insee, lang, settings)
        return real.bundle(*asked) if real else super().bundle(*asked)

    def bundle_key(self, theme: str, insee: str, lang: str = "fr", settings: str = "") -> str:
        real, asked = self._of(insee), (theme, insee, lang, settings)
        return real.bundle_key(*asked) if real else super().bundle_key(*asked)

    def finding(self, theme: str, insee: str, settings: str = "") -> Any:
        real, asked = self._of(insee), (theme, insee, settings)
        return real.finding(*asked) if real else super().finding(*asked)

    def export(self, insee: str, *asked: str, **named: str) -> bytes:
        real = self._of(insee)
        return (
            real.export(insee, *asked, **named) if real else super().export(insee, *asked, **named)
        )

    def export_key(self, insee: str, *asked: str, **named: str) -> str:
        real = self._of(insee)
        return (
            real.export_key(insee, *asked, **named)
            if real
            else super().export_key(insee, *asked, **named)
        )
