"""QGIS styles (QML) from a legend: what is exported looks in QGIS as on the page.

Written after the QGIS 3 style format: ``renderer-v2`` of a vector layer, ``rasterrenderer`` in a
``pipe`` of a raster. A layer's own colours, labels and classes; nothing else of a project.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement, tostring

from .findings import Legend
from .text import Text, french

__all__ = ["raster_style", "vector_style"]

VERSION = "3.28.0"
_DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"

#: Classes of a quantity on a vector layer; colours of a ramp on a raster.
CLASSES, RAMP = 5, 11

_KINDS = {"point": ("marker", "SimpleMarker"), "line": ("line", "SimpleLine")}
_GEOMETRY = {"point": "0", "line": "1", "polygon": "2"}


def vector_style(
    legend: Legend,
    column: str,
    geometry: str = "polygon",
    lang: str = "fr",
    opacity: float = 1.0,
    aliases: Mapping[str, str] | None = None,
) -> str:
    """The QML of a vector layer.

    Parameters
    ----------
    legend : Legend
        Categories, or a scale that is cut into five equal classes.
    column : str
        The attribute that is drawn; empty for one symbol.
    geometry : {"polygon", "line", "point"}
    lang : {"fr", "en"}
        Language of the labels.
    opacity : float
        0 draws outlines only.
    aliases : mapping, optional
        How a table of attributes calls its columns.

    Returns
    -------
    str
    """
    root = _root()
    if legend.scale is not None and column:
        renderer = SubElement(root, "renderer-v2", type="graduatedSymbol", attr=column)
        renderer.set("graduatedMethod", "GraduatedColor")
        ranges = SubElement(renderer, "ranges")
        low, high = legend.scale.vmin, legend.scale.vmax
        step = (high - low) / CLASSES
        colors = []
        for n in range(CLASSES):
            start, end = low + n * step, low + (n + 1) * step
            # Nothing falls out of the ends of a scale that the page saturates there too.
            lower = "-1e+20" if n == 0 else repr(start)
            upper = "1e+20" if n == CLASSES - 1 else repr(end)
            SubElement(
                ranges, "range", lower=lower, upper=upper, symbol=str(n), render="true",
                label=f"{start:g} – {end:g} {legend.unit}".strip(),
            )  # fmt: skip
            colors.append(_of_scale(legend, (n + 0.5) / CLASSES))
    elif column and legend.categories:
        renderer = SubElement(root, "renderer-v2", type="categorizedSymbol", attr=column)
        found = SubElement(renderer, "categories")
        colors = []
        for n, category in enumerate(legend.categories):
            SubElement(
                found, "category", value=category.value, symbol=str(n), render="true",
                label=_label(category.mark, category.label, lang),
            )  # fmt: skip
            colors.append(category.color)
    else:
        renderer = SubElement(root, "renderer-v2", type="singleSymbol")
        colors = [legend.categories[0].color if legend.categories else "#595959"]
    symbols = SubElement(renderer, "symbols")
    for n, color in enumerate(colors):
        _symbol(symbols, str(n), color, geometry, opacity)
    SubElement(root, "layerGeometryType").text = _GEOMETRY[geometry]
    named = SubElement(root, "aliases") if aliases else None
    for n, (field, words) in enumerate((aliases or {}).items()):
        assert named is not None
        SubElement(named, "alias", field=field, index=str(n), name=words)
    return _written(root)


def raster_style(legend: Legend, lang: str = "fr", band: int = 1) -> str:
    """The QML of a one-band raster: a palette of categories, or a ramp between two values."""
    root = _root()
    pipe = SubElement(root, "pipe")
    common = {"band": str(band), "alphaBand": "-1", "opacity": "1", "nodataColor": ""}
    if legend.scale is None:
        renderer = SubElement(pipe, "rasterrenderer", {"type": "paletted", **common})
        palette = SubElement(renderer, "colorPalette")
        for category in legend.categories:
            SubElement(
                palette, "paletteEntry", value=category.value, color=category.color, alpha="255",
                label=_label(category.mark, category.label, lang),
            )  # fmt: skip
        return _written(root)
    low, high = legend.scale.vmin, legend.scale.vmax
    renderer = SubElement(
        pipe,
        "rasterrenderer",
        {
            "type": "singlebandpseudocolor",
            "classificationMin": repr(low),
            "classificationMax": repr(high),
            **common,
        },
    )
    shader = SubElement(
        SubElement(renderer, "rastershader"), "colorrampshader", colorRampType="INTERPOLATED",
        classificationMode="2", clip="0", minimumValue=repr(low), maximumValue=repr(high),
    )  # fmt: skip
    for n in range(RAMP):
        share = n / (RAMP - 1)
        value = low + share * (high - low)
        SubElement(
            shader, "item", value=repr(value), color=_of_scale(legend, share), alpha="255",
            label=f"{value:g} {legend.unit}".strip(),
        )  # fmt: skip
    return _written(root)


def _root() -> Element:
    return Element("qgis", version=VERSION, styleCategories="Symbology|Fields")


def _written(root: Element) -> str:
    return _DOCTYPE + tostring(root, encoding="unicode")


def _label(mark: str, label: Text, lang: str) -> str:
    words = french(label["fr"]) if lang == "fr" else label.get(lang, label["fr"])
    return f"{mark} – {words}" if mark else words


def _symbol(symbols: Element, name: str, color: str, geometry: str, opacity: float) -> None:
    kind, layer_class = _KINDS.get(geometry, ("fill", "SimpleFill"))
    symbol = SubElement(
        symbols, "symbol", name=name, type=kind, alpha="1", clip_to_extent="1", force_rhr="0"
    )
    layer = SubElement(symbol, "layer", {"class": layer_class}, enabled="1", locked="0")
    if geometry == "line":
        told = {"line_color": _rgba(color), "line_width": "0.7", "line_width_unit": "MM"}
    elif geometry == "point":
        told = {"color": _rgba(color), "outline_color": "255,255,255,255", "size": "2.4"}
    elif opacity == 0:
        told = {"style": "no", "outline_color": _rgba(color), "outline_width": "0.6"}
    else:
        alpha = round(255 * opacity)
        told = {
            "color": _rgba(color, alpha),
            "style": "solid",
            "outline_color": "255,255,255,255",
            "outline_width": "0.1",
        }
    options = SubElement(layer, "Option", type="Map")
    for key, value in told.items():
        SubElement(options, "Option", name=key, type="QString", value=value)
        SubElement(layer, "prop", k=key, v=value)  # read by QGIS before 3.26


def _rgba(color: str, alpha: int = 255) -> str:
    from matplotlib.colors import to_rgb

    return ",".join([*(str(round(255 * part)) for part in to_rgb(color)), str(alpha)])


def _of_scale(legend: Legend, share: float) -> str:
    import matplotlib
    from matplotlib.colors import to_hex

    name = legend.scale.cmap if legend.scale else "viridis"
    return str(to_hex(matplotlib.colormaps[name](share)))
