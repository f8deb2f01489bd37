"""A matplotlib figure as an SVG that can live in a page: text as text, ids of its own, a voice."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

__all__ = ["FONT", "RC", "Hit", "inline_svg"]

#: What the browser writes with; matplotlib measures with its own DejaVu, which is wider.
FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans',Arial,sans-serif"

#: Settings under which charts are drawn and saved.
RC: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "eo-helpers",
    "font.family": "DejaVu Sans",
    "font.size": 13,
    "axes.unicode_minus": True,
    "path.simplify": True,
}

_SVG = "http://www.w3.org/2000/svg"
_HREF = "{http://www.w3.org/1999/xlink}href"


@dataclass(frozen=True)
class Hit:
    """A part of the chart that answers to the pointer: x, y, width, height in pixels."""

    x: float
    y: float
    width: float
    height: float
    text: str


def inline_svg(figure: Any, title: str, alt: str, hits: Sequence[Hit] = ()) -> str:
    """Save a figure (at 72 dpi) as an inline SVG element.

    Text stays text, in the page's font; every id is prefixed by a hash of the drawing, so that
    two charts on a page never share a clip path; nothing in it depends on the clock.
    """
    stream = io.StringIO()
    figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    return _mended(stream.getvalue(), title, alt, hits)


def _mended(source: str, title: str, alt: str, hits: Sequence[Hit]) -> str:
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    seed = "\n".join([source, title, alt, *(h.text for h in hits)])
    prefix = "eo" + hashlib.sha256(seed.encode()).hexdigest()[:10] + "-"
    root = ElementTree.fromstring(source)
    # A <style> of an inline SVG would rule the whole page; metadata serve nobody here.
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.endswith(("}metadata", "}style")):
                parent.remove(child)
    for element in root.iter():
        _own_names(element, prefix)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.attrib |= {
        "width": "100%",
        "role": "img",
        "aria-labelledby": f"{prefix}title {prefix}desc",
        "stroke-linejoin": "round",
        "stroke-linecap": "butt",
        "font-family": FONT,
    }
    for place, (tag, text) in enumerate((("title", title), ("desc", alt))):
        said = ElementTree.Element(f"{{{_SVG}}}{tag}", {"id": prefix + tag})
        said.text = text
        root.insert(place, said)
    root.append(_hit_group(hits))
    return re.sub(r">\s+<", "><", ElementTree.tostring(root, encoding="unicode"))


def _own_names(element: ElementTree.Element, prefix: str) -> None:
    for name, value in list(element.attrib.items()):
        if name == "id":
            element.attrib[name] = prefix + value
        elif name == _HREF and value.startswith("#"):
            element.attrib[name] = "#" + prefix + value[1:]
        elif "url(#" in value:
            element.attrib[name] = value.replace("url(#", f"url(#{prefix}")
        elif name == "style" and "'DejaVu Sans'" in value:
            element.attrib[name] = re.sub(r"'DejaVu Sans'[^;]*", FONT, value)


def _hit_group(hits: Sequence[Hit]) -> ElementTree.Element:
    group = ElementTree.Element(f"{{{_SVG}}}g", {"class": "eo-hits"})
    for hit in hits:
        rect = ElementTree.SubElement(
            group,
            f"{{{_SVG}}}rect",
            {
                "class": "eo-hit",
                "x": f"{hit.x:.1f}",
                "y": f"{hit.y:.1f}",
                "width": f"{hit.width:.1f}",
                "height": f"{hit.height:.1f}",
                "fill": "transparent",
            },
        )
        ElementTree.SubElement(rect, f"{{{_SVG}}}title").text = hit.text
    return group
