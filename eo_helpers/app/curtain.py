"""A curtain between two pictures of the same place: before on its left, after on its right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from .words import translator

__all__ = ["Curtain"]


class Curtain(anywidget.AnyWidget):
    """A native slider, and the line that follows it on the map of the same panel.

    The browser clips the upper of the map's two pictures: nothing is asked of the kernel
    while the hand moves. ``value`` is the share of the picture, from the left, that shows
    what was before.
    """

    _esm = (Path(__file__).resolve().parent / "curtain.js").read_text(encoding="utf-8")

    value = traitlets.Float(0.5).tag(sync=True)
    #: Changes whenever the pictures on the map do: the browser takes hold of the new ones.
    pictures = traitlets.Int(0).tag(sync=True)
    #: What is written on it.
    words = traitlets.Dict().tag(sync=True)

    def __init__(self, lang: str = "fr", **traits: Any) -> None:
        _ = translator(lang)
        words = {
            "label": _("Rideau entre avant et après"),
            "before": _("Avant"),
            "after": _("Après"),
            "value": _("Avant sur {} % de la carte, après sur le reste"),
        }
        super().__init__(words=words, **traits)
