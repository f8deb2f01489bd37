"""Everything of a Finding in one archive: GeoPackage, GeoParquet, COG with QGIS styles, CSV,
JSON, and a STAC catalog of the layers.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...findings import Finding, Layer, Legend, Scale, theme
from ...qgis import raster_style
from ..sentences import finding_text
from ..words import colon, say, word
from .catalog import Described, write_catalog
from .geopackage import vector_layers, write_geopackage
from .tables import chart_csv, dictionary_csv, write_csv

__all__ = ["write_cog", "write_zip"]

#: End of the name of the file that holds the values behind a map of classes.
QUANTITY = {"fr": "valeurs", "en": "values"}


def write_zip(findings: Sequence[Finding], path: Path, lang: str) -> None:
    """Write the archive; ``LISEZMOI.txt`` says what each file is."""
    with tempfile.TemporaryDirectory(dir=path.parent) as place:
        folder = Path(place)
        told: list[tuple[str, str]] = []
        vectors = any(la.kind == "vector" for finding in findings for la in finding.layers)
        if vectors:
            write_geopackage(findings, folder / "couches.gpkg", lang)
            told.append(("couches.gpkg", word("export_layers", lang)))
        described = [_parquet(one, folder, lang) for one in vector_layers(findings)]
        write_csv(findings, folder / "indicateurs.csv", lang)
        told.append(("indicateurs.csv", word("figures", lang)))
        (folder / "dictionnaire.csv").write_text(
            dictionary_csv(lang), encoding="utf-8-sig", newline=""
        )
        told.append(("dictionnaire.csv", word("export_dictionary", lang)))
        for finding in findings:
            told += _one(finding, folder, lang, described)
        if described:
            told += [(one.name, one.title) for one in described if one.name.endswith(".parquet")]
            write_catalog(described, folder, lang)
            told.append(("catalog.json", word("export_catalog", lang)))
        (folder / "LISEZMOI.txt").write_text(_readme(findings, told, lang), encoding="utf-8")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(f for f in folder.rglob("*") if f.is_file()):
                # A fixed date: the same findings give the same archive.
                name = file.relative_to(folder).as_posix()
                info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                info.compress_type = zipfile.ZIP_DEFLATED
                info.external_attr = 0o644 << 16
                archive.writestr(info, file.read_bytes())


def _parquet(one: tuple[str, Layer, Finding, Any], folder: Path, lang: str) -> Described:
    """Write a vector layer as GeoParquet 1.1, with the box of each row."""
    name, layer, finding, frame = one
    frame.to_parquet(
        folder / f"{name}.parquet", index=False, compression="zstd", schema_version="1.1.0",
        write_covering_bbox=True,
    )  # fmt: skip
    west, south, east, north = (float(v) for v in frame.to_crs(4326).total_bounds)
    return Described(f"{name}.parquet", say(layer.title, lang), (west, south, east, north), finding)


def _bounds(data: Any) -> tuple[float, float, float, float]:
    """Box of a raster in degrees."""
    west, south, east, north = data.rio.transform_bounds("EPSG:4326")
    return float(west), float(south), float(east), float(north)


def _one(
    finding: Finding, folder: Path, lang: str, described: list[Described]
) -> list[tuple[str, str]]:
    told = []
    stem = finding.theme
    (folder / f"{stem}.json").write_text(finding.to_json(), encoding="utf-8")
    told.append((f"{stem}.json", say(finding.headline, lang)))
    for chart in finding.charts:
        name = f"{stem}_{chart.name}.csv"
        (folder / name).write_text(chart_csv(chart, lang), encoding="utf-8-sig", newline="")
        told.append((name, say(chart.title, lang)))
    for layer in finding.layers:
        if layer.kind == "raster":
            name = f"{stem}_{layer.name}.tif"
            write_cog(layer, folder / name, finding.demonstration, lang)
            (folder / name).with_suffix(".qml").write_text(
                raster_style(layer.legend, lang), encoding="utf-8"
            )
            if layer.quantity is not None:
                exact = f"{stem}_{layer.name}_{QUANTITY[lang]}.tif"
                title = _quantity(layer, folder / exact, finding, lang)
                told.append((exact, title))
                described.append(Described(exact, title, _bounds(layer.quantity), finding))
            unit = f" [{layer.legend.unit}]" if layer.legend.unit else ""
            told.append((name, f"{say(layer.title, lang)}{unit}"))
            described.append(Described(name, told[-1][1], _bounds(layer.data), finding))
    return told


def _quantity(layer: Layer, path: Path, finding: Finding, lang: str) -> str:
    """Write the quantity behind a layer's classes; returns what it is, with its unit."""
    unit = layer.quantity.attrs["units"]
    # Only the kind of scale matters for the file: it is a quantity.
    legend = Legend(layer.legend.title, unit, scale=Scale("viridis", 0.0, 1.0))
    write_cog(replace(layer, data=layer.quantity, legend=legend), path, finding.demonstration, lang)
    return f"{say(layer.title, lang)} [{unit}]"


def write_cog(layer: Layer, path: Path, demonstration: bool = False, lang: str = "fr") -> None:
    """A raster layer as a Cloud Optimized GeoTIFF, in its own grid and CRS.

    Categories are written as whole numbers (uint8, 255 for no value), quantities as float32
    with NaN; name and unit are those of the legend.
    """
    data: Any = layer.data.copy()
    data.attrs, data.encoding = {"long_name": say(layer.title, lang)}, {}
    if layer.legend.scale is None:
        codes = np.where(np.isfinite(data.values), data.values, 255).astype(np.uint8)
        data = data.copy(data=codes).rio.write_nodata(255)
    else:
        data = data.astype("float32").rio.write_nodata(np.nan)
    data = data.rio.write_crs(layer.data.rio.crs)
    tags = {"TIFFTAG_IMAGEDESCRIPTION": say(layer.title, lang), "UNITS": layer.legend.unit}
    if demonstration:
        tags["DEMONSTRATION"] = word("demonstration", lang)
    categories = layer.legend.scale is None
    resampling = "MODE" if categories else "AVERAGE"
    data.rio.to_raster(
        path, driver="COG", compress="DEFLATE", overview_resampling=resampling, tags=tags
    )


def _readme(findings: Sequence[Finding], told: list[tuple[str, str]], lang: str) -> str:
    first = findings[0]
    lines = [f"{first.commune.name} ({first.commune.insee})"]
    if any(finding.demonstration for finding in findings):
        lines.append(word("demonstration", lang).upper())
    lines += ["", *(f"{name}{colon(lang)}{about}" for name, about in told), ""]
    for finding in findings:
        title = say(theme(finding.theme).title, lang)
        lines += [title, "=" * len(title), finding_text(finding, lang), ""]
    return "\n".join(lines)
