"""The providers' own services, one a file; :func:`providers` lists them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .provider import Provider

__all__ = ["providers"]

#: Modules of this room that have a ``PROVIDER``, in the order in which they are asked:
#: small answers first.
_NAMES = (
    "georisques", "hubeau", "inec", "ign", "ems", "copernicus_dem", "sentinel2", "sentinel1",
    "filosofi", "lcz_cerema",
)  # fmt: skip


def providers() -> list[Provider]:
    """Every provider that brings a data set of one commune."""
    return [importlib.import_module(f".{name}", __name__).PROVIDER for name in _NAMES]
