"""One theme on the page: its sentence, its map, its chart, its figures, its detail.

It shows a view bundle (see ``views.bundle``) and knows no theme by name.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import ipyleaflet
import ipywidgets

from .beside import beside_html
from .controls import Controls
from .curtain import Curtain
from .framing import MAP_HEIGHT, WIDE_MAP_HEIGHT, center_zoom
from .marks import marks
from .plain import Plain
from .words import translator

__all__ = ["Ground", "Panel", "badge"]

#: Plan IGN, of the Géoplateforme: free, without a key.
PLAN_IGN = (
    "https://data.geopf.fr/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&STYLE=normal"
    "&TILEMATRIXSET=PM&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}"
    "&LAYER=GEOGRAPHICALGRIDSYSTEMS.PLANIGNV2&FORMAT=image/png"
)

#: A white edge under the dark line: seen on dark and on light.
_OUTLINES = (
    {"color": "#ffffff", "weight": 5, "fill": False, "opacity": 0.8},
    {"color": "#161616", "weight": 2.5, "fill": False, "opacity": 0.9},
)

#: Charts that are seen at once; the others are folded away with the rest of the figures.
CHARTS = 1


def badge(lang: str) -> str:
    """The mark of what is fictional, as HTML."""
    _ = translator(lang)
    words = _("Données de démonstration")
    return f'<p class="eo-badge">{words}</p>'


class Ground:
    """What lies under the themes of one commune, shared by their maps.

    Parameters
    ----------
    commune : dict
        The answer of the service: ``bounds``, ``outline``, ``ground``.
    online : bool
        May tiles be asked of the IGN?
    lang : str
        Language of the word about the basemap.
    here : tuple, optional
        Where the visitor is (latitude, longitude), if they asked for it.
    """

    def __init__(
        self,
        commune: dict[str, Any],
        online: bool,
        lang: str = "fr",
        here: tuple[float, float] | None = None,
    ) -> None:
        _ = translator(lang)
        self.bounds = commune["bounds"]
        self.demonstration = bool(commune["demonstration"])
        self.below: tuple[ipyleaflet.Layer, ...] = ()
        self.word = _("Fond de carte en ligne désactivé : la commune est dessinée sur un fond uni.")
        drawn = commune.get("ground")
        if drawn:
            self.below = (ipyleaflet.ImageOverlay(url=drawn["png"], bounds=drawn["bounds"]),)
            self.word = _("Fond de carte dessiné pour le territoire fictif.")
        elif online and not commune["demonstration"]:
            self.below = (ipyleaflet.TileLayer(url=PLAN_IGN, attribution="© IGN", max_zoom=19),)
            self.word = _("Fond de carte : Plan IGN, © IGN.")
        self.here: tuple[ipyleaflet.Layer, ...] = ()
        if here is not None:
            mark = {"radius": 8, "color": "#ffffff", "weight": 3, "fill_color": "#000091"}
            self.here = (ipyleaflet.CircleMarker(location=here, fill_opacity=1.0, **mark),)
        self.outline = ipyleaflet.GeoJSON(
            data={
                "type": "FeatureCollection",
                "features": [
                    {
                        "type": "Feature",
                        "properties": {"style": style},
                        "geometry": commune["outline"],
                    }
                    for style in _OUTLINES
                ],
            }
        )

    def close(self) -> None:
        """Free the layers, here and in the browser."""
        for layer in (*self.below, self.outline, *self.here):
            layer.close()


class Panel:
    """The section of one theme.

    Parameters
    ----------
    title : str
        Name of the theme, as a person reads it.
    moved : callable (settings), optional
        Told the controls that a person moved: the theme is to be asked again.
    lang : str
        Language of the words around the answer.
    alone : bool
        The theme has the page to itself: a larger map, all charts in sight.
    fetch : callable (name), optional
        Asks for a layer that the answer only announces; :meth:`receive` brings it.
    plain : Plain, optional
        What makes the page's plain widgets.
    """

    def __init__(
        self,
        title: str,
        moved: Callable[[dict[str, Any]], None] = lambda settings: None,
        lang: str = "fr",
        alone: bool = False,
        fetch: Callable[[str], None] = lambda name: None,
        plain: Plain | None = None,
    ) -> None:
        self._plain = plain = plain or Plain()
        self.title = title
        self._fetch = fetch
        #: Address of the theme's own dashboard, if there is one to go to.
        self.link = ""
        self._ = translator(lang)
        self._lang = lang
        self._alone = alone
        self._height = WIDE_MAP_HEIGHT if alone else MAP_HEIGHT
        self._head = plain.html("eo-head")
        self._choice = ipywidgets.Dropdown(
            description=self._("Carte :"), options=[], layout=plain.layout
        )
        self._choice.add_class("eo-choice")
        self._choice.observe(self._choose, names="value")
        self._curtain: Curtain | None = None
        self.controls = Controls(moved, lang, plain)
        self._place = plain.box("eo-place")
        self._legend = plain.html("eo-under")
        self._beside = plain.html()
        self._bundle: dict[str, Any] | None = None
        self._body = plain.html("eo-body")
        self._tip = plain.html("eo-tip")
        self._map: ipyleaflet.Map | None = None
        self._width = 390
        self._demonstration = False
        self._said: tuple[str, str, str] = ("", "eo-wait", "")
        self._ground: Ground | None = None
        self._layers: list[dict[str, Any]] = []
        self._drawn: tuple[ipyleaflet.Layer, ...] = ()
        self.widget = plain.box(
            "eo-theme", [self._head, self.controls.widget, self._place, self._beside, self._body]
        )

    # -- what a person sees -------------------------------------------------------------

    def wait(self) -> None:
        """A commune was picked: say that the answer is being computed."""
        self._forget()
        self._say(self._("Calcul en cours…"), "eo-wait")

    def await_data(self, sentence: str) -> None:
        """While the answer is awaited, say which data are on their way; empty for none."""
        if self._said[1] == "eo-wait":
            self._say(sentence or self._("Calcul en cours…"), "eo-wait")

    def ground(self, ground: Ground, width: int) -> None:
        """Frame the map on the commune; the theme comes later."""
        self._ground = ground
        self._width = width
        self._demonstration = ground.demonstration
        self._say(*self._said)
        self._frame()
        self._draw(None)

    def resize(self, width: int) -> None:
        """The page has another width: frame the commune again."""
        if self._ground is not None and width != self._width:
            self._width = width
            self._frame()

    def show(self, bundle: dict[str, Any], settings: dict[str, Any] | None = None) -> None:
        """Show the answer, computed with the controls where ``settings`` say."""
        self._demonstration = bundle["demonstration"]
        remedy = f'<p class="eo-remedy">{escape(bundle["remedy"])}</p>' if bundle["remedy"] else ""
        kind = "eo-headline" if bundle["status"] in ("complete", "partial") else "eo-calm"
        self._say(bundle["headline"], kind, remedy)
        # The commune's outline is on every map already: not a map of its own.
        wanted = self._chosen_name()
        self._layers = [layer for layer in bundle["layers"] if not layer.get("outline")]
        self.controls.show(bundle["controls"], settings or {})
        self._choice.unobserve(self._choose, names="value")
        self._choice.options = [(layer["title"], n) for n, layer in enumerate(self._layers)]
        shown = [n for n, layer in enumerate(self._layers) if layer["shown"]]
        # The same commune asked again: the map that the person chose stays.
        shown = [n for n, one in enumerate(self._layers) if one["name"] == wanted] + shown
        self._choice.value = shown[0] if shown else (0 if self._layers else None)
        self._choice.observe(self._choose, names="value")
        self._choose()
        self._body.value = self._answer(bundle)
        self._bundle = bundle

    def compare(self, other: dict[str, Any] | None) -> None:
        """Set the answer for another commune beside the one that is shown; none takes it away."""
        shown = self._bundle
        self._beside.value = beside_html(shown, other, self._lang) if shown and other else ""

    def compare_in_words(self, sentence: str) -> None:
        """Say why there is nothing to set beside, or that it is being computed."""
        self._beside.value = (
            f'<section class="eo-beside"><p class="eo-calm">{escape(sentence)}</p></section>'
        )

    def fail(self, sentence: str) -> None:
        """Say calmly that there is no answer."""
        self._forget()
        words = self._("Réessayer")
        retry = f'<p><button type="button" class="eo-link eo-retry">{words}</button></p>'
        self._say(sentence, "eo-calm", retry)

    def close(self) -> None:
        """Forget the commune."""
        self._forget()
        self._ground = None

    # -- how ----------------------------------------------------------------------------

    def _say(self, sentence: str, kind: str, after: str = "") -> None:
        self._said = (sentence, kind, after)
        link = ""
        if self.link:
            alone, name = escape(self._("Voir en grand")), escape(self.title)
            link = (
                f'<p class="eo-alone"><a href="{escape(self.link)}">{alone}'
                f'<span class="eo-hidden"> ({name})</span></a></p>'
            )
        self._head.value = (
            f'<div class="eo-title"><h2>{escape(self.title)}</h2>{link}'
            f"{badge(self._lang) if self._demonstration else ''}</div>"
            f'<p class="{kind}">{escape(sentence)}</p>{after}'
        )

    def _chosen_name(self) -> str | None:
        """Name of the layer that is drawn."""
        if not self._layers or self._choice.value is None:
            return None
        return str(self._layers[self._choice.value]["name"])

    def _forget(self) -> None:
        self._layers = []
        self.controls.forget()
        self._bundle = None
        self._beside.value = ""
        self._body.value = ""
        self._legend.value = ""
        self._draw(None)
        self._arrange()

    def _arrange(self) -> None:
        """Map, with a choice above it where there is something to choose."""
        if self._map is None:
            self._place.children = ()
            return
        choice = [self._choice] if len(self._layers) > 1 else []
        curtain = [self._curtain] if self._curtain is not None and self._pair() else []
        self._place.children = (*choice, self._map, *curtain, self._legend)

    def _pair(self) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The pictures before and after, where the chosen map is one of them."""
        chosen = self._choice.value
        if not self._layers or chosen is None:
            return None
        name = self._layers[chosen]["name"]
        stem = name.removesuffix("_before").removesuffix("_after")
        pictures = {one["name"]: one for one in self._layers if one["kind"] == "raster"}
        before, after = pictures.get(f"{stem}_before"), pictures.get(f"{stem}_after")
        if stem == name or before is None or after is None:
            return None
        return before, after

    def _frame(self) -> None:
        if self._ground is None:
            return
        # Not taller than wide: on a phone, what stands below the map must be within reach.
        height = min(self._height, max(self._width, MAP_HEIGHT))
        center, zoom = center_zoom(self._ground.bounds, self._width, height)
        if self._map is None:
            self._map = ipyleaflet.Map(
                center=center,
                zoom=zoom,
                layers=(),
                zoom_snap=0.25,
                prefer_canvas=True,
                zoom_control=False,
                attribution_control=False,
                # One finger must scroll the page, not the map, on a phone.
                dragging=self._width > 360,
                layout=ipywidgets.Layout(height=f"{height}px", width="100%"),
                **self._plain.map_styles,
            )
            self._map.add(
                ipyleaflet.ZoomControl(
                    zoom_in_title=self._("Agrandir"), zoom_out_title=self._("Réduire")
                )
            )
            self._map.add(ipyleaflet.AttributionControl(position="bottomright", prefix=""))
            self._map.add(ipyleaflet.WidgetControl(widget=self._tip, position="bottomleft"))
            self._arrange()
        else:
            self._map.layout.height = f"{height}px"
            with self._map.hold_sync():
                self._map.center, self._map.zoom = center, zoom

    def _choose(self, change: Any = None) -> None:
        """Draw the layer that is chosen."""
        chosen = self._choice.value
        layer = self._layers[chosen] if self._layers and chosen is not None else None
        self._draw(layer)
        self._arrange()
        for awaited in self._awaited(layer):
            self._fetch(awaited)
        word = self._ground.word if self._ground else ""
        lost = self._(
            "Il n'est pas joignable pour l'instant : la commune est dessinée sur un fond uni."
        )
        ground = (
            f'<p class="eo-ground">{escape(word)}'
            f'<span class="eo-ground-lost"> {escape(lost)}</span></p>'
        )
        if layer is None:
            self._legend.value = ground
            return
        self._legend.value = (
            f'<p class="eo-hidden eo-alt">{escape(layer["alt"])}</p>'
            f'<p class="eo-caption">{escape(layer["title"])}</p>{layer["legend"]}{ground}'
        )

    def receive(self, layer: dict[str, Any]) -> None:
        """A layer that had only been announced is here: draw it if it is still wanted."""
        self._layers = [
            {**one, **layer, "later": False} if one["name"] == layer["name"] else one
            for one in self._layers
        ]
        chosen = self._choice.value
        wanted = self._layers[chosen] if self._layers and chosen is not None else None
        if wanted is not None and not self._awaited(wanted):
            self._choose()

    def say_of_the_map(self, sentence: str) -> None:
        """Why the chosen map is not drawn, where its legend would be."""
        self._legend.value = f'<p class="eo-calm">{escape(sentence)}</p>'

    def _awaited(self, layer: dict[str, Any] | None) -> list[str]:
        """Names of the layers that must come before this one can be drawn."""
        shown = self._pair() or ((layer,) if layer else ())
        return [one["name"] for one in shown if one.get("later")]

    def _draw(self, layer: dict[str, Any] | None) -> None:
        old, self._drawn = self._drawn, ()
        self._tip.value = ""
        if self._map is not None:
            if layer is not None and not self._awaited(layer):
                self._drawn = self._leaflet(layer)
            ground = self._ground
            below = ground.below if ground else ()
            here = ground.here if ground else ()
            line = (ground.outline,) if ground else ()
            # A ribbon along the commune's own limit (its coast) would vanish under that line.
            order = (*line, *self._drawn) if (layer or {}).get("ribbon") else (*self._drawn, *line)
            self._map.layers = (*below, *order, *here)
        for gone in old:
            gone.close()

    def _leaflet(self, layer: dict[str, Any]) -> tuple[ipyleaflet.Layer, ...]:
        pair = self._pair()
        if pair is not None:
            if self._curtain is None:
                self._curtain = Curtain(self._lang)
            self._curtain.pictures += 1
            # Opaque, before and after in this order: the curtain clips the upper one.
            return tuple(
                ipyleaflet.ImageOverlay(url=one["png"], bounds=one["bounds"]) for one in pair
            )
        drawn: ipyleaflet.Layer
        if layer["kind"] == "raster":
            drawn = ipyleaflet.ImageOverlay(
                url=layer["png"], bounds=layer["bounds"], opacity=layer.get("opacity", 1.0)
            )
        else:
            drawn = ipyleaflet.GeoJSON(data=layer["geojson"], hover_style={"weight": 3})
            drawn.on_hover(self._point)
            drawn.on_click(self._point)
        written = marks(layer.get("labels", ()))
        if written is None:
            return (drawn,)
        # In the pane of the markers: above the canvas on which the blocks are drawn.
        picture, bounds = written
        return drawn, ipyleaflet.ImageOverlay(url=picture, bounds=bounds, pane="markerPane")

    def _point(self, feature: dict[str, Any] | None = None, **_: Any) -> None:
        """What the pointer is on."""
        properties = (feature or {}).get("properties") or {}
        self._tip.value = escape(str(properties.get("tooltip") or ""))

    def _answer(self, bundle: dict[str, Any]) -> str:
        """Chart, figures, then the detail, folded away."""
        charts = [f'<div class="eo-chart">{chart["html"]}</div>' for chart in bundle["charts"]]
        seen = len(charts) if self._alone else CHARTS
        parts = []
        if charts:
            parts.append(f'<div class="eo-charts">{"".join(charts[:seen])}</div>')
        if bundle["figures"]:
            parts.append(f'<div class="eo-figures">{bundle["figures"]}</div>')
        more = "".join(charts[seen:]) + bundle.get("more_figures", "")
        folded = (
            (self._("Tous les chiffres et graphiques"), more, " eo-more"),
            (self._("Ce que ces données ne disent pas"), bundle["caveats"], ""),
            (self._("D'où viennent ces données"), bundle["provenance"], ""),
        )
        parts += [
            f'<details class="eo-detail{kind}"><summary>{escape(title, quote=False)}</summary>'
            f"{html}</details>"
            for title, html, kind in folded
            if html
        ]
        return "".join(parts)
