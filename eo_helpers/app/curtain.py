"""A curtain between two pictures of the same place: before on its left, after on its right."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets

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
