"""What a person takes away: a sheet, layers for QGIS, figures, a notebook that finds them again."""

from __future__ import annotations

import csv
import hashlib
import json
import sqlite3
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import pystac
import pytest
import rasterio
import shapely
from stac_schemas import valid_stac

import eo_helpers as eo
from eo_helpers.errors import InvalidInput, NoData
from eo_helpers.findings import Category, Legend, Scale
from eo_helpers.qgis import raster_style, vector_style
from eo_helpers.views.exports import export
from eo_helpers.views.exports.notebook import notebook_of
from eo_helpers.views.exports.tables import dictionary_csv


@pytest.fixture(scope="module")
def findings(demo_dir):
    """Two quick themes of one commune: vector layers, rasters, charts."""
    return [eo.analyse("lcz", "99003"), eo.analyse("lighting", "99003")]


def test_a_geopackage_opens_in_qgis_as_the_page_looks(findings, tmp_path):
    path = export(findings, tmp_path / "c.gpkg")
    layers = gpd.list_layers(path).set_index("name")["geometry_type"]
    assert {"lcz_lcz", "commune"} <= set(layers.index)
    blocks = gpd.read_file(path, layer="lcz_lcz")
    told = next(layer for layer in findings[0].layers if layer.name == "lcz")
    assert blocks.crs.to_epsg() == 2154 and len(blocks) == len(told.data)
    assert abs(blocks.area.sum() / told.data.to_crs(2154).area.sum() - 1) < 1e-9
    with sqlite3.connect(path) as base:
        contents = dict(base.execute("SELECT table_name, data_type FROM gpkg_contents"))
        styles = dict(base.execute("SELECT f_table_name, styleQML FROM layer_styles"))
        figures = base.execute("SELECT nom, valeur, unite FROM indicateurs").fetchall()
        origin = base.execute("SELECT dataset, licence, demonstration FROM sources").fetchall()
    assert contents["lcz_lcz"] == "features" and contents["layer_styles"] == "attributes"
    style = ElementTree.fromstring(styles["lcz_lcz"])
    colors = {c.get("value"): c.get("symbol") for c in style.iter("category")}
    assert set(blocks["lcz"]) <= set(colors)
    assert style.find("renderer-v2").get("attr") == "lcz"
    for finding in findings:
        for indicator in finding.indicators:
            value = next(v for name, v, _ in figures if name == indicator.name)
            plain = indicator.to_dict()["value"]
            assert value == (plain if isinstance(plain, str | None) else pytest.approx(plain))
    assert ("lcz-cerema", "Licence Ouverte 2.0", "1") in origin


def test_rasters_are_cogs_with_crs_unit_and_style(findings, tmp_path):
    path = export(findings, tmp_path / "c.zip")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path)
        names = set(archive.namelist())
    assert {"couches.gpkg", "indicateurs.csv", "dictionnaire.csv", "LISEZMOI.txt"} <= names
    told = next(layer for layer in findings[1].layers if layer.name == "radiance_before")
    with rasterio.open(tmp_path / "lighting_radiance_before.tif") as raster:
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert raster.crs == told.data.rio.crs and np.isnan(raster.nodata)
        assert raster.tags()["UNITS"] == told.legend.unit
        assert "démonstration" in raster.tags()["DEMONSTRATION"]
        np.testing.assert_allclose(raster.read(1), told.data.values, rtol=1e-6)
    style = ElementTree.fromstring((tmp_path / "lighting_radiance_before.qml").read_text())
    shader = style.find(".//colorrampshader")
    assert float(shader.get("maximumValue")) == told.legend.scale.vmax
    readme = (tmp_path / "LISEZMOI.txt").read_text(encoding="utf-8")
    assert "DONNÉES DE DÉMONSTRATION" in readme
    assert all(name in readme for name in names if name.endswith((".tif", ".csv")))
    kept = json.loads((tmp_path / "lighting.json").read_text(encoding="utf-8"))
    assert kept == json.loads(findings[1].to_json())
    chart = (tmp_path / "lighting_radiance.csv").read_text(encoding="utf-8-sig").splitlines()
    assert chart[0].startswith("date;") and told.legend.unit in chart[1]
    assert len(chart) == 2 + len(findings[1].charts[0].data)
    assert export(findings, tmp_path / "again.zip").stat().st_size > 0


def test_layers_are_geoparquet_and_a_stac_catalog_that_validates(findings, tmp_path):
    for layer in findings[0].layers:
        layer.data.attrs["limits"] = object()  # a theme's own note is no column
    path = export(findings, tmp_path / "c.zip")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "out")
    folder = tmp_path / "out"
    blocks = gpd.read_parquet(folder / "lcz_lcz.parquet")
    assert blocks.attrs == {}
    told = next(layer for layer in findings[0].layers if layer.name == "lcz")
    assert blocks.crs.to_epsg() == 2154 and len(blocks) == len(told.data)
    tree = pystac.Catalog.from_file(str(folder / "catalog.json"))
    items = {item.id: item for item in tree.get_items()}
    files = [p for p in folder.iterdir() if p.suffix in (".tif", ".parquet")]
    assert set(items) == {p.stem for p in files} and "lighting_radiance_before" in items
    for where in (folder / "catalog.json", *(folder / "items").iterdir()):
        valid_stac(json.loads(where.read_text(encoding="utf-8")))
    for item in items.values():
        data = item.assets["data"]
        there = Path(data.get_absolute_href())
        digest = hashlib.sha256(there.read_bytes()).hexdigest()
        assert data.extra_fields["file:checksum"] == f"1220{digest}"
        here = shapely.box(*findings[0].commune.bounds)
        assert shapely.box(*item.bbox).intersects(here) and shapely.box(*item.bbox).area < 1
        assert item.properties["eo_helpers:provenance"] and item.properties["start_datetime"]
    assert "style" in items["lighting_radiance_before"].assets


def test_the_quantity_behind_classes_is_taken_away_too(findings, tmp_path):
    from dataclasses import replace

    drawn = next(layer for layer in findings[1].layers if layer.name == "radiance_before")
    metres = drawn.data.copy()
    metres.attrs["units"] = "m"
    two = tuple(Category(v, {"fr": v, "en": v}, c) for v, c in (("1", "#ff0000"), ("2", "#00ff00")))
    classes = drawn.data.copy(data=np.where(drawn.data.values > 1, 2.0, 1.0))
    layer = replace(
        drawn, data=classes, legend=Legend(drawn.legend.title, categories=two), quantity=metres
    )
    path = export([replace(findings[1], layers=(layer,))], tmp_path / "c.zip")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path)
    with rasterio.open(tmp_path / "lighting_radiance_before.tif") as raster:
        assert raster.dtypes == ("uint8",) and raster.nodata == 255
        assert set(np.unique(raster.read(1))) == {1, 2}
    with rasterio.open(tmp_path / "lighting_radiance_before_valeurs.tif") as raster:
        assert raster.dtypes == ("float32",) and raster.tags()["UNITS"] == "m"
        np.testing.assert_allclose(raster.read(1), metres.values, rtol=1e-6)


def test_figures_have_units_and_a_dictionary(findings, tmp_path):
    path = export(findings, tmp_path / "c.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    practice = next(row for row in rows if row["nom"] == "practice")
    assert practice["valeur"] == "extinction_totale" and practice["insee"] == "99003"
    change = next(row for row in rows if row["unite"] == "%" and row["borne_basse"])
    # As a French spreadsheet writes them: it would read « 5.8 » as a day of August.
    assert "," in change["valeur"] and "." not in change["valeur"]
    low, value, high = (
        float(change[k].replace(",", ".")) for k in ("borne_basse", "valeur", "borne_haute")
    )
    assert low <= value <= high
    english = export(findings, tmp_path / "en.csv", lang="en").read_text(encoding="utf-8-sig")
    assert f"{value!r};" in english
    # Three decimals more than the page shows, not the fifteen of the computer.
    assert all(len(row["valeur"].partition(",")[2]) <= 5 for row in rows if row["unite"] == "%")
    assert "mineral_m2;Sol minéral" in dictionary_csv("fr")
    assert all(row["source"] and row["demonstration"] == "1" for row in rows)


def test_a_sheet_says_the_sentence_the_sources_and_that_it_is_fictional(findings, tmp_path):
    from dataclasses import replace

    import pypdf

    link = "http://localhost:8866/voila/render/ma_commune.ipynb?commune=99003"
    # A theme without data has its place all the same.
    remedy = {"fr": "Déposez une image radar.", "en": "Add a radar image."}
    silent = {"theme": "flood", "headline": {"fr": "Aucune crue n'est connue ici.", "en": "None."}}
    empty = {"layers": (), "indicators": (), "charts": (), "provenance": ()}
    away = replace(findings[0], status="no_data", remedy=remedy, **silent, **empty)
    path = export([*findings, away], tmp_path / "c.pdf", link=link)
    sheet = pypdf.PdfReader(path)
    assert len(sheet.pages) <= 2
    assert sheet.metadata.title.startswith("Courvelles-le-Bocage")
    assert sheet.trailer["/Root"]["/Lang"] == "fr"
    words = " ".join(" ".join(page.extract_text().split()) for page in sheet.pages)
    flat = words.replace("\u202f", " ").replace("\u00a0", " ").replace(" ", "")
    for finding in (*findings, away):
        sentence = finding.headline["fr"].replace("\u202f", "").replace("\u00a0", "")
        assert sentence.replace(" ", "") in flat
        for p in finding.provenance:
            assert p.licence.replace(" ", "") in flat
    assert flat.count("Donnéesdedémonstration") >= len(sheet.pages)
    assert link in flat
    pictures = sum(len(page.images) for page in sheet.pages)
    assert pictures >= 2 * len(findings) + 1  # maps, charts, the QR code


def test_the_notebook_finds_the_same_figures(findings, tmp_path):
    import nbclient
    import nbformat

    path = export(findings[1:], tmp_path / "c.ipynb")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[1].metadata.tags == ["parameters"]
    notebook.cells.append(
        nbformat.v4.new_code_cell("import json; print(json.dumps(resultat.to_dict()))")
    )
    nbclient.NotebookClient(notebook, timeout=120).execute()
    again = json.loads(notebook.cells[-1].outputs[0].text)
    assert again == json.loads(findings[1].to_json())


def test_every_theme_takes_its_parameters_back(findings):
    for finding in findings:
        again = eo.analyse(finding.theme, "99003", **finding.parameters)
        assert again.to_json() == finding.to_json()


def test_a_notebook_of_ones_own_files_names_their_folder(findings):
    from dataclasses import replace

    mine = replace(
        findings[1],
        provenance=tuple(replace(p, source="files") for p in findings[1].provenance),
    )
    told = notebook_of([mine], data=["crues/2024"])["cells"][1]["source"]
    assert "SOURCE, DOSSIERS = 'files', ['crues/2024']" in told
    assert "mes_donnees" in notebook_of([mine])["cells"][1]["source"]


def test_what_cannot_be_written_is_said_and_nothing_is_lost(findings, tmp_path, monkeypatch):
    from dataclasses import replace

    with pytest.raises(InvalidInput, match=r"\.pdf, \.gpkg"):
        export(findings, tmp_path / "c.docx")
    with pytest.raises(InvalidInput, match="n'existe pas"):
        export(findings, tmp_path / "nowhere" / "c.csv")
    with pytest.raises(InvalidInput, match="une commune"):
        export([], tmp_path / "c.csv")
    path = tmp_path / "c.gpkg"
    path.write_text("what was there")
    with pytest.raises(NoData, match="couche"):
        export([replace(findings[0], layers=())], path)
    assert path.read_text() == "what was there"
    assert [p.name for p in tmp_path.iterdir()] == ["c.gpkg"]


def test_styles_are_those_of_the_legend():
    legend = Legend(
        {"fr": "Classes", "en": "Classes"},
        categories=(
            Category("1", {"fr": "Un", "en": "One"}, "#ff0000", "A"),
            Category("2", {"fr": "Deux : « été »", "en": "Two"}, "#00ff00"),
        ),
    )
    for geometry, kind in (("polygon", "fill"), ("line", "line"), ("point", "marker")):
        style = ElementTree.fromstring(vector_style(legend, "c", geometry))
        assert [s.get("type") for s in style.iter("symbol")] == [kind, kind]
        assert "255,0,0,255" in {o.get("value") for o in style.iter("Option")}
        labels = [c.get("label") for c in style.iter("category")]
        assert labels[0] == "A – Un" and "été" in labels[1]
    named = ElementTree.fromstring(vector_style(legend, "c", aliases={"c": "Classe"}))
    assert [(a.get("field"), a.get("name")) for a in named.iter("alias")] == [("c", "Classe")]
    palette = ElementTree.fromstring(raster_style(legend, "en"))
    assert [(e.get("value"), e.get("color")) for e in palette.iter("paletteEntry")] == [
        ("1", "#ff0000"),
        ("2", "#00ff00"),
    ]
    scale = Legend({"fr": "t", "en": "t"}, "m", scale=Scale("viridis", 0.0, 2.0))
    ranges = list(ElementTree.fromstring(vector_style(scale, "t")).iter("range"))
    uppers = [float(r.get("upper")) for r in ranges]
    assert float(ranges[0].get("lower")) < -1e10 and uppers[-1] > 1e10
    assert uppers[:-1] == pytest.approx([0.4, 0.8, 1.2, 1.6])
