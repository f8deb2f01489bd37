"""Maps on paper and in notebooks: static with matplotlib, interactive with ipyleaflet."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from html import escape
from typing import Any

from matplotlib.legend_handler import HandlerBase

from ..findings import Finding, Layer
from ..text import number
from .layers import indexed, label_points, projected, values_of, warped
from .legends import MISSING_COLOR, color_of, ink_on, present, ticks
from .words import say, unit_words, word

__all__ = ["PLAN_IGN", "draw_map", "interactive", "map_figure", "map_parts", "mapped"]

#: Plan IGN, of the Géoplateforme: free, without a key.
PLAN_IGN = (
    "https://data.geopf.fr/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&STYLE=normal"
    "&TILEMATRIXSET=PM&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}"
    "&LAYER=GEOGRAPHICALGRIDSYSTEMS.PLANIGNV2&FORMAT=image/png"
)

INK, SOFT, EDGE, GROUND = "#161616", "#595959", "#00000066", "#f3f4f5"

#: Free space kept around the commune, as a share of its size.
_MARGIN = 0.05


def mapped(finding: Finding, names: Sequence[str] | None = None) -> list[Layer]:
    """The layers of that name; by default the first shown one that is more than an outline."""
    if names is not None:
        known = {layer.name: layer for layer in finding.layers}
        return [known[name] for name in names]
    filled = [layer for layer in finding.layers if layer.kind == "raster" or layer.opacity > 0]
    shown = [layer for layer in filled if layer.shown] or filled or list(finding.layers)
    return shown[:1]


def map_figure(
    finding: Finding, width: float = 7.2, share: float = 0.64, foot: float = 0.6
) -> tuple[Any, Any]:
    """An empty figure ``width`` inches wide with axes in the commune's proportions.

    ``share`` is the map's part of the width, the legend has the rest; ``foot`` is the room
    below the map, inches.
    """
    from matplotlib.figure import Figure

    west, south, east, north = finding.commune.projected_boundary.bounds
    ratio = min(max((north - south) / (east - west), 0.5), 1.6)
    inside = width * share
    figure = Figure(figsize=(width, inside * ratio + foot + 0.32))
    # Axes are placed by hand: a layout engine of the session (rcParams) would warn and move them.
    figure.set_layout_engine("none")
    height = figure.get_size_inches()[1]
    ax = figure.add_axes((0.02, foot / height, inside / width, inside * ratio / height))
    return figure, ax


def draw_map(
    finding: Finding,
    ax: Any,
    lang: str = "fr",
    layers: Sequence[str] | None = None,
    origin: bool = True,
) -> None:
    """Draw a static map in the commune's official CRS on matplotlib axes.

    Parameters
    ----------
    finding : Finding
        Any theme's.
    ax : matplotlib.axes.Axes
        Where.
    lang : str
        Language of legend and marks.
    layers : sequence of str, optional
        Names of the layers to draw, lowest first; by default the first that is shown.
    origin : bool
        Write below the map where its data come from; a page that says it elsewhere need not.
    """
    from matplotlib.patheffects import withStroke

    commune = finding.commune
    west, south, east, north = commune.projected_boundary.bounds
    margin = _MARGIN * max(east - west, north - south)
    ax.set_facecolor(GROUND)
    chosen = mapped(finding, layers)
    for layer in chosen:
        if layer.kind == "raster":
            _draw_raster(layer, ax, commune.crs)
        else:
            _draw_vector(layer, ax, commune.crs)
    # A ribbon along the commune's own limit (its coast) would vanish under that line.
    _outline(commune, ax, below=any(layer.edge > 0 for layer in chosen))
    ax.set_aspect("equal", adjustable="box")
    ax.set_xlim(west - margin, east + margin)
    ax.set_ylim(south - margin, north + margin)
    ax.set(xticks=[], yticks=[], xlabel="", ylabel="")
    titles = " · ".join(say(layer.title, lang) for layer in chosen) or commune.name
    ax.set_title(
        textwrap.fill(titles, 64), loc="left", fontsize=10, fontweight="bold", color=INK, pad=8
    )
    for side in ax.spines.values():
        side.set_color("#bbbbbb")
    _scale_bar(ax, east - west, lang)
    _north(ax, lang)
    place = 1.0
    for layer in chosen:
        place = _legend(layer, ax, lang, place)
    if finding.demonstration:
        ax.text(
            0.5, 0.5, word("demonstration", lang), transform=ax.transAxes, ha="center",
            va="center", rotation=28, fontsize=min(22.0, 4.9 * _inches(ax)), fontweight="bold",
            color="#000000", alpha=0.3,
            path_effects=[withStroke(linewidth=2.5, foreground="#ffffff")], zorder=8,
        )  # fmt: skip
    if not origin:
        return
    said = "; ".join(dict.fromkeys(p.attribution for p in finding.provenance))
    if finding.demonstration:
        said = f"{word('demonstration', lang)}. {said}"
    ax.annotate(
        textwrap.fill(said, 110), xy=(0, 0), xycoords="axes fraction", xytext=(0, -6),
        textcoords="offset points", va="top", fontsize=7.5, color=SOFT,
    )  # fmt: skip


def _fitting(mark: str, fontsize: float) -> float:
    """Size at which a mark of up to four letters stays within its square of the legend."""
    return 0.9 * fontsize * min(1.0, 1.9 / max(len(mark), 1))


def _inches(ax: Any) -> float:
    """Width of the axes."""
    return float(ax.get_window_extent().width / ax.figure.dpi)


def _draw_raster(layer: Layer, ax: Any, crs: str) -> None:
    import numpy as np
    from matplotlib.colors import to_rgb

    drawn = warped(layer, crs)
    index, palette = indexed(drawn.values, layer.legend)
    table = np.zeros((len(palette) + 1, 4))
    table[1:, :3] = [to_rgb(c) if isinstance(c, str) else np.array(c) / 255 for c in palette]
    table[1:, 3] = 1.0  # on paper nothing lies below, and colours are those of the legend
    left, bottom, right, top = drawn.rio.bounds()
    ax.imshow(
        table[index], extent=(left, right, bottom, top), interpolation="nearest", origin="upper"
    )
    _write_marks(layer, ax, crs)


def _draw_vector(layer: Layer, ax: Any, crs: str) -> None:
    frame = projected(layer, crs)
    if frame.empty:
        return
    if layer.column:
        known = {v: color_of(layer.legend, v) for v in frame[layer.column].unique()}
        colors = [known.get(v, MISSING_COLOR) for v in frame[layer.column]]
    else:
        only = layer.legend.categories
        colors = [color_of(layer.legend, only[0].value) if only else MISSING_COLOR] * len(frame)
    areas = bool(frame.geom_type.str.endswith("Polygon").all())
    if areas and layer.opacity == 0:
        frame.boundary.plot(ax=ax, color=colors, linewidth=1.6, aspect=None)
        return
    style: dict[str, Any] = {"linewidth": 1.6}
    if areas:
        style = {"edgecolor": "#ffffff", "linewidth": 0.25}
    if areas and layer.edge:
        style = {"edgecolor": colors, "linewidth": layer.edge / 2}
    # On paper nothing lies below: full colours are easier to tell apart.
    frame.plot(ax=ax, color=colors, aspect=None, **style)
    _write_marks(layer, ax, crs)


def _write_marks(layer: Layer, ax: Any, crs: str) -> None:
    from matplotlib.patheffects import withStroke

    categories = layer.legend.categories
    for x, y, mark in label_points(layer, crs):
        # The mark brings its colour along: a small block's letter is not its neighbour's.
        color = color_of(layer.legend, next(v.value for v in categories if v.mark == mark))
        ax.text(
            x, y, mark, ha="center", va="center", fontsize=7.5, fontweight="bold",
            color=ink_on(color), path_effects=[withStroke(linewidth=2.5, foreground=color)],
            zorder=6, clip_on=True,
        )  # fmt: skip


def _outline(commune: Any, ax: Any, below: bool = False) -> None:
    import geopandas

    line = geopandas.GeoSeries([commune.projected_boundary]).boundary
    # A white edge under the dark line: seen on dark and on light.
    level = 0.5 if below else 7.0
    line.plot(ax=ax, color="#ffffff", linewidth=3, alpha=0.8, zorder=level, aspect=None)
    line.plot(ax=ax, color=INK, linewidth=1.3, zorder=level, aspect=None)


def _north(ax: Any, lang: str) -> None:
    from matplotlib.patheffects import withStroke

    halo = [withStroke(linewidth=3, foreground="#ffffff", alpha=0.8)]
    said = ax.annotate(
        word("north", lang), xy=(0.95, 0.97), xytext=(0.95, 0.86), xycoords="axes fraction",
        ha="center", va="center", fontsize=10, fontweight="bold", color=INK, path_effects=halo,
        arrowprops={
            "arrowstyle": "-|>", "color": INK, "lw": 1.4, "shrinkA": 0, "shrinkB": 0,
            "path_effects": halo,
        },
    )  # fmt: skip
    said.set_zorder(9)


def _scale_bar(ax: Any, width: float, lang: str) -> None:
    from matplotlib.font_manager import FontProperties
    from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

    size = _round_length(width / 4)
    text = f"{number(size / 1000)}\u00a0km" if size >= 1000 else f"{number(size, 0, lang)}\u00a0m"
    bar = AnchoredSizeBar(
        ax.transData, size, text, "lower right", pad=0.4, borderpad=0.5, sep=3, frameon=True,
        color=INK, size_vertical=width / 300, fontproperties=FontProperties(size=8),
    )  # fmt: skip
    bar.patch.set(facecolor="#ffffff", edgecolor="none", alpha=0.8)
    bar.set_zorder(9)
    ax.add_artist(bar)


def _round_length(target: float) -> float:
    """The largest of 1, 2, 5 × 10ⁿ metres that is not longer than ``target``."""
    power = 10 ** math.floor(math.log10(target))
    return max(m * power for m in (1, 2, 5) if m * power <= target)


class _Marked(HandlerBase):
    """A square with its mark, for matplotlib's legend."""

    def __init__(self, mark: str, color: str) -> None:
        super().__init__()
        self.mark, self.color = mark, color

    def create_artists(
        self, legend: Any, orig_handle: Any, xdescent: float, ydescent: float, width: float,
        height: float, fontsize: float, trans: Any,
    ) -> list[Any]:  # fmt: skip
        from matplotlib.patches import Rectangle
        from matplotlib.text import Text

        middle = (-xdescent + width / 2, -ydescent + height / 2)
        side = 1.35 * fontsize
        square = Rectangle(
            (middle[0] - side / 2, middle[1] - side / 2), side, side, facecolor=self.color,
            edgecolor=EDGE, linewidth=0.6, transform=trans,
        )  # fmt: skip
        mark = Text(
            *middle, self.mark, ha="center", va="center_baseline",
            fontsize=_fitting(self.mark, fontsize),
            fontweight="bold", color=ink_on(self.color), transform=trans,
        )  # fmt: skip
        return [square, mark]


def _legend(layer: Layer, ax: Any, lang: str, place: float) -> float:
    """The legend of one layer, right of the map from ``place`` (axes fraction) downward."""
    legend = layer.legend
    unit = unit_words(legend.unit, lang)
    title = textwrap.fill(say(legend.title, lang) + (f" ({unit})" if unit else ""), 34)
    values, missing = values_of(layer)
    if legend.scale is not None:
        return _color_bar(layer, ax, lang, place, title)
    from matplotlib.legend import Legend as KeyBox
    from matplotlib.patches import Patch

    entries = [(c.color, c.mark, say(c.label, lang)) for c in present(legend, values)]
    if missing:
        entries.append((MISSING_COLOR, "", word("no_value", lang)))
    handles = [Patch() for _ in entries]
    drawn = KeyBox(
        ax, handles, [textwrap.fill(label, 30) for *_, label in entries], title=title,
        handler_map={h: _Marked(m, c) for h, (c, m, _) in zip(handles, entries, strict=True)},
        loc="upper left", bbox_to_anchor=(1.02, place), frameon=False, fontsize=8.5,
        labelspacing=0.75, handlelength=1.5, handletextpad=0.7, borderaxespad=0, alignment="left",
        title_fontproperties={"size": 9, "weight": "bold"},
    )  # fmt: skip
    # On the figure, where a second layer's legend neither replaces it nor is clipped.
    ax.figure.add_artist(drawn)
    ax.figure.canvas.draw()
    box = drawn.get_window_extent().transformed(ax.transAxes.inverted())
    return float(box.y0) - 0.05


def _color_bar(layer: Layer, ax: Any, lang: str, place: float, title: str) -> float:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    scale = layer.legend.scale
    assert scale is not None
    rows = title.count("\n") + 1
    top = place - 0.05 * rows
    inset = ax.inset_axes((1.03, top - 0.04, 0.42, 0.035))
    bar = ax.figure.colorbar(
        ScalarMappable(Normalize(scale.vmin, scale.vmax), scale.cmap), cax=inset,
        orientation="horizontal",
    )  # fmt: skip
    marks = ticks(scale.vmin, scale.vmax, lang)
    bar.set_ticks([v for v, _ in marks], labels=[text for _, text in marks])
    bar.outline.set_linewidth(0.5)
    inset.tick_params(labelsize=8.5, length=3, color=SOFT)
    inset.set_title(title, fontsize=9, fontweight="bold", loc="left", pad=5)
    return top - 0.2


# -- in a notebook ------------------------------------------------------------------------------


def interactive(finding: Finding, lang: str = "fr", basemap: bool = True, height: int = 480) -> Any:
    """An ipyleaflet map of the Finding: layers to choose, legend, tooltips.

    Parameters
    ----------
    finding : Finding
        Any theme's.
    lang : str
        Language of titles and legends.
    basemap : bool
        Plan IGN below, where a network is there; never under a fictional territory.
    height : int
        Pixels.

    Returns
    -------
    ipyleaflet.Map
    """
    import ipyleaflet

    drawn, choice, legend = map_parts(finding, lang, basemap, height)
    legend.layout.max_width, legend.layout.margin = "300px", "4px 8px"
    # Below the choice, whatever the number of classes: it scrolls.
    legend.layout.max_height, legend.layout.overflow = f"{height - 110}px", "auto"
    choice.layout.width = "320px"
    if len(choice.options) > 1:
        drawn.add(ipyleaflet.WidgetControl(widget=choice, position="topright"))
    if choice.options:
        drawn.add(ipyleaflet.WidgetControl(widget=legend, position="bottomright"))
    return drawn


def map_parts(finding: Finding, lang: str, basemap: bool, height: int) -> tuple[Any, Any, Any]:
    """The map, the choice of its layer and the legend that follows, for whoever lays them out."""
    import ipyleaflet
    import ipywidgets
    from shapely.geometry import mapping

    from .bundle import bundle
    from .style import style

    shown = bundle(finding, lang)
    below = []
    if basemap and not finding.demonstration:
        below.append(
            ipyleaflet.TileLayer(url=PLAN_IGN, attribution="© IGN", max_zoom=19, name="Plan IGN")
        )
    tip = ipywidgets.HTML()
    layers = [layer for layer in shown["layers"] if not layer.get("outline")]
    outline = ipyleaflet.GeoJSON(
        data={"type": "Feature", "properties": {}, "geometry": mapping(finding.commune.boundary)},
        style={"color": INK, "weight": 2.5, "fill": False, "opacity": 0.9},
        name=finding.commune.name,
    )
    (south, west), (north, east) = shown["bounds"]
    drawn = ipyleaflet.Map(
        center=((south + north) / 2, (west + east) / 2),
        zoom=_zoom(shown["bounds"], height),
        layers=(*below, outline),
        prefer_canvas=True,
        scroll_wheel_zoom=True,
        layout=ipywidgets.Layout(height=f"{height}px"),
    )
    said = f'<p class="eo-demo">{word("demonstration", lang)}</p>' if finding.demonstration else ""
    legend = ipywidgets.HTML()
    choice = ipywidgets.Dropdown(options=[(layer["title"], n) for n, layer in enumerate(layers)])
    leaves: dict[int, Any] = {}

    def choose(_: Any = None) -> None:
        # One layer and its own legend: two fills over one another would be read wrong.
        at = choice.value
        if at not in leaves:
            leaves[at] = _leaf(layers[at], tip)
        tip.value = ""
        drawn.layers = (*below, leaves[at], outline)
        # The choice above the map says the title already, where there is one.
        title = f'<p class="eo-legend-title">{escape(layers[at]["title"])}</p>'
        title = title if len(layers) == 1 else ""
        legend.value = f"<style>{style()}</style>{said}{title}{layers[at]['legend']}"

    if layers:
        choice.value = next((n for n, layer in enumerate(layers) if layer["shown"]), 0)
        choose()
        choice.observe(choose, names="value")
        drawn.add(ipyleaflet.WidgetControl(widget=tip, position="bottomleft"))
    return drawn, choice, legend


def _leaf(layer: dict[str, Any], tip: Any) -> Any:
    import ipyleaflet

    if layer["kind"] == "raster":
        return ipyleaflet.ImageOverlay(
            url=layer["png"], bounds=layer["bounds"], opacity=layer["opacity"], name=layer["title"]
        )
    drawn = ipyleaflet.GeoJSON(data=layer["geojson"], hover_style={"weight": 3})

    def point(feature: dict[str, Any], **_: Any) -> None:
        tip.value = escape(feature["properties"]["tooltip"])

    drawn.on_hover(point)
    marks = [
        ipyleaflet.Marker(
            location=(lat, lon),
            draggable=False,
            keyboard=False,
            icon=ipyleaflet.DivIcon(html=escape(mark), bg_pos=(0, 0), icon_size=(12, 14)),
        )
        for lat, lon, mark in layer["labels"]
    ]
    return ipyleaflet.LayerGroup(layers=(drawn, *marks), name=layer["title"])


def _zoom(bounds: list[list[float]], height: int) -> int:
    """Whole zoom level at which the bounds fit a map of that height (and of usual width)."""
    (south, west), (north, east) = bounds
    stretch = 1 / math.cos(math.radians((south + north) / 2))
    extent = max((north - south) * stretch / height, (east - west) / (1.4 * height))
    return max(1, min(17, math.floor(math.log2(360 / (256 * extent)))))
