"""A commune, a source or a holding in a notebook: a card that says what it is."""

from __future__ import annotations

from html import escape
from typing import Any

from ..catalog import stac
from ..catalog.sources import FolderSource, Holding
from ..territory.commune import Commune
from ..text import number
from .words import say, word

__all__ = ["commune_html", "holding_html", "source_html"]

#: Side of the outline's drawing, pixels.
_SIDE = 120
#: Files that a card names; the others are counted.
_NAMED = 8

_LABELS = {
    "insee": {"fr": "Code INSEE", "en": "INSEE code"},
    "departement": {"fr": "Département", "en": "Département"},
    "population": {"fr": "Population", "en": "Population"},
    "area": {"fr": "Surface", "en": "Area"},
    "postcodes": {"fr": "Codes postaux", "en": "Postcodes"},
    "crs": {"fr": "Coordonnées officielles", "en": "Official coordinates"},
    "dataset": {"fr": "Jeu de données", "en": "Data set"},
    "edition": {"fr": "Édition", "en": "Edition"},
    "licence": {"fr": "Licence", "en": "Licence"},
    "attribution": {"fr": "Attribution", "en": "Attribution"},
    "source": {"fr": "Source", "en": "Source"},
    "files": {"fr": "Fichiers", "en": "Files"},
    "left_out": {"fr": "Autres cartes du même lieu", "en": "Other maps of the same ground"},
    "count": {"fr": "Ce que la source contient", "en": "What the source holds"},
    "more": {"fr": "et {n} autres", "en": "and {n} others"},
}


def commune_html(commune: Commune, lang: str = "fr") -> str:
    """A commune as an HTML fragment: outline, codes, people, area.

    Parameters
    ----------
    commune : Commune
    lang : {"fr", "en"}
    """
    people = commune.population
    rows = {
        "insee": commune.insee,
        "departement": commune.departement,
        "population": "" if people is None else number(people, 0, lang),
        "area": f"{number(commune.area_km2, 1, lang)} km²",
        "postcodes": ", ".join(commune.postcodes),
        "crs": commune.crs,
    }
    return _card(commune.name, rows, commune.demonstration, lang, _outline(commune))


def holding_html(holding: Holding, lang: str = "fr") -> str:
    """What a source has of a data set, as an HTML fragment: edition, licence, files, dates.

    Parameters
    ----------
    holding : Holding
    lang : {"fr", "en"}
    """
    about = holding.provenance
    named = []
    for item in holding.items[:_NAMED]:
        name = item.assets["data"].href.replace("\\", "/").rsplit("/", 1)[-1]
        named.append(f"{name} ({item.datetime:%Y-%m-%d})" if item.datetime else name)
    more = len(holding.items) - len(named)
    if more > 0:
        named.append(say(_LABELS["more"], lang).format(n=more))
    rows = {
        "dataset": holding.dataset,
        "edition": about.edition,
        "licence": about.licence,
        "attribution": about.attribution,
        "source": word(f"source_{about.source}", lang),
        "files": "\n".join(named),
        "left_out": str(len(holding.left_out)) if holding.left_out else "",
    }
    return _card(say(about.title, lang), rows, holding.demonstration, lang)


def source_html(source: FolderSource, lang: str = "fr") -> str:
    """A source as an HTML fragment: its data sets, by the name to open them, and their files.

    Parameters
    ----------
    source : FolderSource
    lang : {"fr", "en"}
    """
    told = []
    for dataset in stac.datasets():
        if count := len(source.items(dataset)):
            files = ("fichier" if lang == "fr" else "file") + ("s" if count > 1 else "")
            title = say(stac.title(dataset), lang)
            told.append(f"{dataset}\u00a0: {title}, {number(count, 0, lang)} {files}")
    if lang == "en":
        told = [line.replace("\u00a0: ", ": ", 1) for line in told]
    title = word(f"source_{source.name}", lang)
    return _card(title[:1].upper() + title[1:], {"count": "\n".join(told)},
                 source.demonstration, lang)  # fmt: skip


def _card(
    title: str, rows: dict[str, str], demonstration: bool, lang: str, picture: str = ""
) -> str:
    told = "".join(
        f'<tr><th scope="row" style="text-align:left;font-weight:600;padding:2px 12px 2px 0;'
        f'vertical-align:top">{escape(say(_LABELS[key], lang))}</th>'
        f'<td style="text-align:left;padding:2px 0">{escape(value).replace(chr(10), "<br>")}</td>'
        "</tr>"
        for key, value in rows.items()
        if value
    )
    mark = (
        f'<p style="margin:4px 0;color:#5c4d33"><strong>{escape(word("demonstration", lang))}'
        "</strong></p>"
        if demonstration
        else ""
    )
    return (
        f'<div class="eo-card" lang="{lang}" style="display:flex;gap:16px;align-items:flex-start;'
        f'color:#161616;background:#fff;padding:8px 12px">{picture}<div>'
        f'<p style="margin:0;font-size:16px;font-weight:700">{escape(title)}</p>{mark}'
        f"<table>{told}</table></div></div>"
    )


def _outline(commune: Commune) -> str:
    """The boundary as a small SVG, north up, in the commune's own projection."""
    import shapely

    shape: Any = commune.projected_boundary
    west, south, east, north = shape.bounds
    scale = (_SIDE - 4) / max(east - west, north - south)
    # Finer than a pixel is not seen.
    shape = shapely.simplify(shape, 0.5 / scale)
    rings = [
        ring
        for part in shapely.get_parts(shape)
        for ring in (part.exterior, *part.interiors)
        if not ring.is_empty
    ]
    path = "".join(
        "M" + "L".join(f"{2 + (x - west) * scale:.1f} {2 + (north - y) * scale:.1f}"
                       for x, y in shapely.get_coordinates(ring)) + "Z"
        for ring in rings
    )  # fmt: skip
    return (
        f'<svg width="{_SIDE}" height="{_SIDE}" role="img" aria-label="{escape(commune.name)}">'
        f'<path d="{path}" fill="#e8f1f3" stroke="#0f6073" stroke-width="1.5" '
        'fill-rule="evenodd"/></svg>'
    )
