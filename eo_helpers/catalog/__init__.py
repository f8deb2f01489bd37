"""WHAT was measured: data sets as STAC, three sources behind one ``find``, provenance.

Names are loaded when first used, so that importing the catalog costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .holdings import communes, find
    from .online_source import OnlineSource
    from .provenance import Provenance
    from .sources import FolderSource, Holding, Source, open_source
    from .stac import about, collection, datasets, remedy, title

_ROOMS = {
    "holdings": ("communes", "find"),
    "provenance": ("Provenance",),
    "online_source": ("OnlineSource",),
    "sources": ("FolderSource", "Holding", "Source", "open_source"),
    "stac": ("about", "collection", "datasets", "remedy", "title"),
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "FolderSource",
    "Holding",
    "OnlineSource",
    "Provenance",
    "Source",
    "about",
    "collection",
    "communes",
    "datasets",
    "find",
    "open_source",
    "remedy",
    "title",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
