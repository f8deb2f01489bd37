"""The third place that data sets are read from: the providers, and the copies they gave."""

from __future__ import annotations

import hashlib
import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import EoError, NoData, Offline, Unreachable
from . import stac
from .sources import FolderSource, Progress
from .standing import underway

if TYPE_CHECKING:
    from ..territory.commune import Commune

__all__ = ["OnlineSource"]

#: Seconds for which a service that did not answer is left alone: a page of three themes,
#: or a pack of thirty communes, waits for it once.
AWAY = 120.0
_away: dict[str, tuple[float, EoError]] = {}


class OnlineSource:
    """The providers' own services, and the copies that they already gave.

    :func:`eo_helpers.catalog.find` brings what a data set's provider has of a commune
    (:meth:`prepare`); what no provider gives is told with what a person does to bring it.
    """

    name = "online"
    demonstration = False

    def __init__(self, progress: Progress | None = None) -> None:
        self.progress = progress
        self.rejected: list[tuple[Path, EoError]] = []
        #: Why there are no communes, where there are none: what needs them says it; a theme
        #: that only compares with neighbours does without.
        self.without_communes: NoData | None = None
        self._asked_communes = -AWAY

    @cached_property
    def _communes(self) -> FolderSource:
        from .online.communes import contours

        return FolderSource(self.name, [contours(self.progress)])

    @cached_property
    def _copies(self) -> FolderSource:
        from .store import Store

        store = Store()
        kept = {store.path(k).resolve(): k.edition for k in store.all() if k.dataset != "communes"}
        return FolderSource(self.name, list(kept), self.progress, kept)

    def prepare(self, dataset: str, commune: Commune) -> None:
        """Bring what covers a commune, where its provider is asked without a person's word.

        Raises
        ------
        EoError
            If it cannot be had and no copy is here: the provider's sentence.
        """
        from .online import providers
        from .store import Store

        for provider in providers():
            if provider.dataset != dataset or not provider.by_itself or provider.missing():
                continue
            since, told = _away.get(provider.name, (-AWAY, None))
            if told is not None and time.monotonic() - since < AWAY:
                raise told
            try:
                with underway(dataset, commune.insee, self.progress) as tell:
                    provider.fetch(commune, Store(), tell)
            except Offline:
                raise  # it was not asked
            except Unreachable as error:
                _away[provider.name] = time.monotonic(), error
                raise
            finally:
                self.__dict__.pop("_copies", None)

    def items(self, dataset: str) -> list[Any]:
        """Items of a data set that are here; communes are fetched when first asked for."""
        stac.about(dataset)
        if dataset != "communes":
            return self._copies.items(dataset)
        if time.monotonic() - self._asked_communes < AWAY and self.without_communes is not None:
            return []
        try:
            items = self._communes.items(dataset)
            self.without_communes = None
        except NoData as error:
            self.without_communes, self._asked_communes = error, time.monotonic()
            return []
        return items

    def fingerprint(self) -> str:
        """Changes when a copy changes; nothing is fetched for it."""
        from .online.communes import copy_here

        here = copy_here()
        stamp = f"{here.name} {here.stat().st_mtime_ns}" if here else ""
        return hashlib.sha256((stamp + self._copies.fingerprint()).encode()).hexdigest()
