"""What one step adds to the theme's Finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..catalog.provenance import Provenance
from ..findings import Bars, Indicator, Layer
from ..text import Text

__all__ = ["Part", "dated"]


@dataclass(frozen=True)
class Part:
    """Figures, maps and words of one step, each possibly empty."""

    indicators: tuple[Indicator, ...] = ()
    layers: tuple[Layer, ...] = ()
    charts: tuple[Bars, ...] = ()
    caveats: tuple[Text, ...] = ()
    provenance: tuple[Provenance, ...] = ()
    notes: tuple[Text, ...] = ()


def dated(holding: Any) -> str:
    """Day of the newest file of a holding, empty where none tells it."""
    days = [i.datetime.isoformat()[:10] for i in holding.items if i.datetime is not None]
    return max(days, default="")
