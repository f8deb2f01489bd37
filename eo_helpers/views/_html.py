"""The one place where HTML is filled in: jinja2, always escaped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from .words import say, word

__all__ = ["fill", "safe_color"]

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
_ENVIRONMENT.filters["say"] = say
_ENVIRONMENT.filters["word"] = word


def fill(name: str, **values: Any) -> Markup:
    """Fill ``templates/<name>.html.j2``; every value is escaped unless it is ``Markup`` already."""
    return Markup(_ENVIRONMENT.get_template(f"{name}.html.j2").render(**values).strip())


def safe_color(color: Any) -> str:
    """Any colour that matplotlib knows as ``#rrggbb``: nothing else reaches a style attribute."""
    from matplotlib.colors import to_hex

    return to_hex(color)
