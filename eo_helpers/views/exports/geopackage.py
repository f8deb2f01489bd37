"""A GeoPackage that opens in QGIS as the page looks: layers, styles, figures and sources."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ...errors import NoData
from ...findings import Finding, Layer
from ...qgis import vector_style
from ..layers import projected
from ..words import say
from .fields import field_words
from .tables import COLUMNS, indicator_rows

__all__ = ["vector_layers", "write_geopackage"]

#: QGIS looks for its styles in a table of this shape (QgsOgrProvider::createOgrStyleTable).
_STYLES = """
CREATE TABLE layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256),
  f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256),
  styleName TEXT(30), styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT,
  owner TEXT(30), ui TEXT(30), update_time DATETIME)
"""

_SOURCES = ("dataset", "edition", "licence", "attribution", "source", "read_at", "demonstration")


def write_geopackage(findings: Sequence[Finding], path: Path, lang: str) -> None:
    """Write the vector layers of the findings in the commune's own CRS.

    Tables: one a layer, named ``<theme>_<layer>``; ``indicateurs`` and ``sources`` without
    geometry; ``layer_styles``.

    Raises
    ------
    NoData
        If no finding has a vector layer.
    """
    written: list[tuple[str, Layer, dict[str, str]]] = []
    for name, layer, _, frame in vector_layers(findings):
        frame.drop(columns="fid", errors="ignore").rename_geometry("geom").to_file(
            path, layer=name, driver="GPKG", engine="pyogrio", geometry_name="geom"
        )
        written.append((name, layer, field_words(frame.columns, lang)))
    if not written:
        who = findings[0].commune.name
        raise NoData(
            f"Il n'y a pas de couche vectorielle à écrire pour {who} ; l'archive .zip contient "
            "aussi les rasters.",
            f"There is no vector layer to write for {who}; the .zip archive holds rasters too.",
        )
    with contextlib.closing(sqlite3.connect(path)) as base, base:
        base.execute(_STYLES)
        _register(base, "layer_styles")
        base.executemany(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, "
            "f_geometry_column, styleName, styleQML, styleSLD, useAsDefault, description, owner, "
            "update_time) VALUES ('', '', ?, 'geom', ?, ?, '', 1, ?, 'eo_helpers', "
            "strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))",
            [
                (
                    name,
                    name[:30],
                    vector_style(
                        layer.legend, layer.column, _kind(layer), lang, layer.opacity, aliases
                    ),
                    say(layer.title, lang),
                )
                for name, layer, aliases in written
            ],
        )
        _table(base, "indicateurs", list(COLUMNS), indicator_rows(findings, lang))
        told = {p.dataset: p.to_dict() for finding in findings for p in finding.provenance}
        rows = [[one[name] for name in _SOURCES] for one in told.values()]
        _table(base, "sources", list(_SOURCES), rows)


def vector_layers(findings: Sequence[Finding]) -> Iterator[tuple[str, Layer, Finding, Any]]:
    """Vector layers that hold something: file name, layer, its Finding, table in its CRS.

    The outline of the commune, which every theme has, comes once; columns are of plain types.
    """
    seen: set[str] = set()
    for finding in findings:
        for layer in finding.layers:
            name = layer.name if layer.name == "commune" else f"{finding.theme}_{layer.name}"
            if layer.kind != "vector" or name in seen:
                continue
            frame = projected(layer, finding.commune.crs)
            if frame.empty:
                continue
            frame.attrs = {}  # what a theme notes for itself; GeoParquet would write it
            for column in frame.columns.difference([frame.geometry.name]):
                if pd.api.types.is_object_dtype(frame[column]):
                    frame[column] = frame[column].map(lambda v: v if v is None else str(v))
            seen.add(name)
            yield name, layer, finding, frame


def _kind(layer: Layer) -> str:
    first = str(layer.data.geom_type.iloc[0])
    if first.endswith("Point"):
        return "point"
    return "line" if first.endswith("LineString") else "polygon"


def _register(base: sqlite3.Connection, name: str) -> None:
    base.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change) "
        "VALUES (?, 'attributes', ?, '', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))",
        (name, name),
    )


def _table(
    base: sqlite3.Connection, name: str, columns: list[str], rows: Iterable[Sequence[Any]]
) -> None:
    """A table without geometry; columns are ours, values are bound."""
    numbers = {"valeur", "borne_basse", "borne_haute"}
    told = ", ".join(f'"{c}" {"REAL" if c in numbers else "TEXT"}' for c in columns)
    base.execute(f'CREATE TABLE "{name}" (fid INTEGER PRIMARY KEY AUTOINCREMENT, {told})')
    _register(base, name)
    names = ", ".join(f'"{c}"' for c in columns)
    marks = ", ".join("?" * len(columns))
    base.executemany(f'INSERT INTO "{name}" ({names}) VALUES ({marks})', rows)
