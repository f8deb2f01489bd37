"""Colours of a QGIS style file: those that the map's maker gave the classes."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from ..errors import InvalidInput
from .schema import normalise_codes

__all__ = ["colors_of_qml", "style_colors"]

#: A style is a few kilobytes; beyond this it is something else.
_MOST_BYTES = 2_000_000


def style_colors(path: Path) -> dict[str, str]:
    """Class code → ``#RRGGBB`` of the ``.qml`` beside a map, or in its archive.

    Empty where there is none, or none that tells the colours of classes: a style is an
    ornament, a map without one is whole.
    """
    if path.suffix.lower() == ".zip":
        text = _in_archive(path)
    else:
        beside = path.with_suffix(".qml")
        text = beside.read_bytes() if _fit(beside) else b""
    return colors_of_qml(text) if text else {}


def _fit(path: Path) -> bool:
    return path.is_file() and path.stat().st_size < _MOST_BYTES


def _in_archive(path: Path) -> bytes:
    import zipfile

    from ..catalog import archive

    names = [n for n in archive.members(path) if n.lower().endswith(".qml")]
    with zipfile.ZipFile(path) as opened:
        fit = [n for n in names if opened.getinfo(n).file_size < _MOST_BYTES]
        return opened.read(fit[0]) if fit else b""


def colors_of_qml(text: bytes) -> dict[str, str]:
    """Colours of the classes in a QGIS style: categories of a vector, or a paletted raster.

    Parameters
    ----------
    text : bytes
        The file.

    Returns
    -------
    dict
        Schema code → colour; empty if the file is no style of LCZ classes.
    """
    # Entities are how a small XML file becomes a large one: no style needs them.
    if b"<!ENTITY" in text:
        return {}
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return {}
    symbols = {s.get("name"): _color(s) for s in root.iter("symbol")}
    pairs = [(c.get("value"), symbols.get(c.get("symbol"))) for c in root.iter("category")]
    pairs += [(e.get("value"), e.get("color")) for e in root.iter("paletteEntry")]
    out: dict[str, str] = {}
    for value, color in pairs:
        try:
            (code,) = normalise_codes([value], "any")
        except InvalidInput:  # « toutes les autres valeurs », or another map's classes
            continue
        if code is not None and color is not None and re.fullmatch(r"#[0-9A-Fa-f]{6}", color):
            out[code] = color.upper()
    return out


def _color(symbol: ElementTree.Element) -> str | None:
    """Fill of a symbol: ``<prop k="color" v="r,g,b,a">``, since QGIS 3.26 an ``<Option>``."""
    for tag, key, value in (("prop", "k", "v"), ("Option", "name", "value")):
        for found in symbol.iter(tag):
            if found.get(key) == "color":
                parts = re.match(r"(\d{1,3}),(\d{1,3}),(\d{1,3})", found.get(value) or "")
                if parts:
                    return "#" + "".join(f"{min(int(p), 255):02X}" for p in parts.groups())
    return None
