"""Widgets without a look of their own: they share one layout and one style.

Each widget of ipywidgets makes two more, its layout and its style, and each of them costs a
session a message to the page. The page is styled by its sheet (CSS classes), so one of each
is enough for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipyleaflet
import ipywidgets

__all__ = ["Plain"]


class Plain:
    """Makes text and boxes of one page. Nothing may be set on the layout that they share."""

    def __init__(self) -> None:
        self.layout = ipywidgets.Layout()
        self._style = ipywidgets.HTML.style.klass()
        #: What ipyleaflet would make for each map: the pointer, at rest and while it drags.
        self.map_styles: dict[str, Any] = {
            "style": ipyleaflet.MapStyle(),
            "default_style": ipyleaflet.MapStyle(),
            "dragging_style": ipyleaflet.MapStyle(cursor="move"),
        }

    def html(self, css: str = "", value: str = "") -> ipywidgets.HTML:
        """Text as HTML, with a CSS class."""
        made = ipywidgets.HTML(value, layout=self.layout, style=self._style)
        if css:
            made.add_class(css)
        return made

    def box(self, css: str, children: Sequence[ipywidgets.Widget] = ()) -> ipywidgets.VBox:
        """Widgets one below the other, with a CSS class."""
        made = ipywidgets.VBox(children, layout=self.layout)
        made.add_class(css)
        return made
