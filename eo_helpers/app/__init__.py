"""What a person sees: the commune picker and the shell that shows any Finding.

Importing this package costs little: nothing here loads geopandas, matplotlib or
rasterio into the session of a person. They live in the analysis service.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .shell import ma_commune, un_theme

__all__ = ["ma_commune", "un_theme"]


def __getattr__(name: str) -> Any:
    # Lazy: the service and the server live in this package and need no widget.
    if name in __all__:
        from . import shell

        return getattr(shell, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
