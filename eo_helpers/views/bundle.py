"""A Finding as JSON: everything a page shows, so that the page needs no geospatial library."""

from __future__ import annotations

from typing import Any

from ..findings import Control, Finding, Layer, theme
from .charts import chart_html
from .layers import features, label_points, picture, values_of
from .legends import legend_html
from .sentences import headline, status
from .tables import caveats_html, figures_html, provenance_html, rows
from .words import say, unit_words

__all__ = ["bundle", "first_shown"]


def bundle(finding: Finding, lang: str = "fr") -> dict[str, Any]:
    """What a page shows of a Finding, ready for ``json.dumps``.

    Parameters
    ----------
    finding : Finding
        Any theme's.
    lang : str
        ``"fr"`` or ``"en"``.

    Returns
    -------
    dict
        ``theme, title, status, state, headline, demonstration, commune, bounds, layers, charts,
        controls, indicators, figures, more_figures, caveats, provenance, remedy``. Texts are
        plain text (``indicators`` too: each in words, to be set beside another commune's);
        ``figures`` (the first group), ``more_figures`` (the others), ``caveats``,
        ``provenance``, each ``legend`` and each chart's ``html`` are HTML with every value
        escaped. ``bounds`` are ``[[south, west], [north, east]]`` in degrees; vector layers
        are GeoJSON in EPSG:4326, rasters PNG data URIs in EPSG:3857, both with ``labels``
        (``[[lat, lon, mark], …]``). Layers that only draw an outline come last.
    """
    west, south, east, north = finding.commune.bounds
    layers = sorted(finding.layers, key=_outline_only)
    return {
        "theme": finding.theme,
        "title": say(theme(finding.theme).title, lang),
        "status": finding.status,
        "state": status(finding, lang),
        "headline": headline(finding, lang),
        "demonstration": finding.demonstration,
        "commune": finding.commune.to_dict(),
        "bounds": [[round(south, 6), round(west, 6)], [round(north, 6), round(east, 6)]],
        "layers": [_layer(layer, finding.commune.crs, lang) for layer in layers],
        "charts": [
            {"name": c.name, "title": say(c.title, lang), "html": chart_html(c, lang)}
            for c in finding.charts
        ],
        "controls": [_control(control, lang) for control in finding.controls],
        "indicators": rows(finding, lang),
        "figures": figures_html(finding, lang, slice(1)),
        "more_figures": figures_html(finding, lang, slice(1, None)),
        "caveats": caveats_html(finding, lang),
        "provenance": provenance_html(finding.provenance, lang),
        "remedy": say(finding.remedy, lang) if finding.remedy else None,
    }


def first_shown(layers: list[dict[str, Any]]) -> set[str]:
    """Names of the layers that a page draws at once: the first that is shown, and its pair.

    Parameters
    ----------
    layers : list of dict
        ``layers`` of a bundle.
    """
    # What only draws an outline is on every map by itself.
    maps = [layer for layer in layers if not layer.get("outline")]
    first = next((layer for layer in maps if layer["shown"]), maps[0] if maps else None)
    if first is None:
        return {layer["name"] for layer in layers}
    stem = first["name"].removesuffix("_before").removesuffix("_after")
    pair = {f"{stem}_before", f"{stem}_after"} if stem != first["name"] else set()
    outlines = {layer["name"] for layer in layers if layer.get("outline")}
    return {first["name"], *pair, *outlines}


def _control(control: Control, lang: str) -> dict[str, Any]:
    return {
        **control.to_dict(),
        "label": say(control.label, lang),
        "unit": unit_words(control.unit, lang),
        "choices": [[value, say(label, lang)] for value, label in control.choices],
        "help": say(control.help, lang) if control.help else "",
    }


def _outline_only(layer: Layer) -> bool:
    return layer.kind == "vector" and layer.opacity == 0


def _layer(layer: Layer, crs: str, lang: str) -> dict[str, Any]:
    from pyproj import Transformer

    values, missing = values_of(layer)
    out: dict[str, Any] = {
        "name": layer.name,
        "title": say(layer.title, lang),
        "alt": say(layer.alt, lang),
        "kind": layer.kind,
        "legend": legend_html(layer.legend, lang, values, missing),
        "shown": layer.shown,
        "opacity": layer.opacity,
    }
    to_degrees = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    labels = []
    for x, y, mark in label_points(layer, crs):
        lon, lat = to_degrees.transform(x, y)
        labels.append([round(lat, 6), round(lon, 6), mark])
    if layer.kind == "raster":
        drawn = picture(layer)
        return {**out, "png": drawn.png, "bounds": drawn.bounds, "labels": labels}
    return {
        **out,
        "geojson": features(layer, crs, lang),
        "labels": labels,
        "outline": _outline_only(layer),
        "ribbon": layer.edge > 0,
    }
