"""What a Finding looks like: escaped, described in words, in numbers that people read."""

from __future__ import annotations

import base64
import datetime as dt
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import geopandas
import numpy as np
import pandas as pd
import pytest
import rioxarray  # noqa: F401
import shapely
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from eo_helpers.catalog.provenance import Provenance
from eo_helpers.errors import InvalidInput
from eo_helpers.findings import (
    Bars,
    Category,
    Event,
    Finding,
    Indicator,
    Layer,
    Legend,
    Line,
    Scale,
    Series,
)
from eo_helpers.territory.commune import Commune
from eo_helpers.text import at_place, of_place
from eo_helpers.views.bundle import bundle
from eo_helpers.views.charts import chart_html
from eo_helpers.views.layers import features, label_points, picture
from eo_helpers.views.legends import color_of, ink_on, legend_html
from eo_helpers.views.sentences import finding_html, finding_text
from eo_helpers.views.tables import caveats_html, rows
from eo_helpers.views.words import date_words, generic, interval, quantity, span

EVIL = '<script>alert("x")</script><img src=x onerror=alert(1)>'
CLASSES = (
    Category("2", {"fr": f"Ensemble compact {EVIL}", "en": "Compact"}, "#d10000", "2"),
    Category("101", {"fr": "Espace arboré", "en": "Trees"}, "#006a00", "A"),
    Category("107", {"fr": "Eau", "en": "Water"}, "#6a6aff", "G"),
)


@pytest.fixture(scope="module")
def commune() -> Commune:
    square = shapely.box(2.0, 48.0, 2.05, 48.04)
    return Commune("99001", f"Bourg {EVIL}", "99", square, 1200, demonstration=True)


@pytest.fixture(scope="module")
def blocks() -> geopandas.GeoDataFrame:
    """A chessboard of two classes that tiles the ground, in Lambert-93."""
    x, y = 650_000.0, 6_760_000.0
    cells = [
        shapely.box(x + 500 * i, y + 500 * j, x + 500 * i + 500, y + 500 * j + 500)
        for i in range(4)
        for j in range(4)
    ]
    codes = ["2" if (i + j) % 2 else "101" for i in range(4) for j in range(4)]
    return geopandas.GeoDataFrame(
        {"lcz": codes, "tip_fr": [f"Bloc {EVIL}"] * 16, "tip_en": ["Block"] * 16},
        geometry=cells,
        crs="EPSG:2154",
    )


@pytest.fixture(scope="module")
def depth() -> xr.DataArray:
    values = np.full((40, 50), np.nan)
    values[10:30, 10:40] = 1.5
    array = xr.DataArray(
        values,
        dims=("y", "x"),
        coords={"y": 6_762_000.0 - 50 * np.arange(40), "x": 650_000.0 + 50 * np.arange(50)},
    )
    return array.rio.write_crs("EPSG:2154")


@pytest.fixture(scope="module")
def finding(commune, blocks, depth) -> Finding:
    title = {"fr": f"Carte {EVIL}", "en": "Map"}
    classes = Legend(title, categories=CLASSES)
    bars = pd.DataFrame(
        {
            "label_fr": [f"Arbres {EVIL}", "Maisons"],
            "label_en": ["Trees", "Houses"],
            "value": [62.5, np.nan],
            "color": ["#006a00", "#d10000"],
            "low": [60.0, np.nan],
            "high": [65.0, np.nan],
        }
    )
    dates = pd.date_range("2021-01-01", periods=24, freq="MS").strftime("%Y-%m-%d")
    level = np.where(np.arange(24) < 12, 2.0, 0.5)
    series = pd.DataFrame({"date": dates, "raw": level})
    series.loc[3, "raw"] = np.nan
    return Finding(
        theme="lcz",
        commune=commune,
        status="partial",
        headline={"fr": f"Une phrase {EVIL}", "en": "A sentence"},
        indicators=(
            Indicator(
                "share", {"fr": f"Part {EVIL}", "en": "Share"}, 12.345, "%", 11, 14, "2022-11", "d"
            ),
            Indicator("people", {"fr": "Habitants", "en": "People"}, 12450.0, "people", digits=0),
            Indicator("none", {"fr": "Absent", "en": "Missing"}, None, "ha"),
        ),
        layers=(
            Layer("outline", title, title, blocks[["geometry"]], Legend(title), opacity=0.0),
            Layer("classes", title, title, blocks, classes, column="lcz", tooltip="tip"),
            Layer("depth", title, title, depth, Legend(title, "m", scale=Scale("viridis", 0, 3))),
        ),
        charts=(
            Bars("b", title, title, bars, "%"),
            Series(
                "s",
                title,
                title,
                series,
                "nW/cm2/sr",
                lines=(Line("raw", {"fr": f"Mesures {EVIL}", "en": "Measured"}),),
                events=(
                    Event("2022-01-01", {"fr": f"Extinction {EVIL}", "en": "Off"}, "2021-12-01"),
                ),
            ),
        ),
        caveats=({"fr": f"Réserve {EVIL}", "en": "Caveat"},),
        provenance=(
            Provenance(
                "d", {"fr": f"Jeu {EVIL}", "en": "Set"}, EVIL, EVIL, EVIL, "demo",
                "2026-01-05T10:00:00Z", True,
            ),
        ),
        remedy={"fr": f"Remède {EVIL}", "en": "Remedy"},
    )  # fmt: skip


class Tags(HTMLParser):
    """Elements and attributes of a fragment; entities become text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data):
        self.text += data


def texts_of_html(shown: dict) -> list[str]:
    parts = [shown["figures"], shown["caveats"], shown["provenance"]]
    parts += [layer["legend"] for layer in shown["layers"]]
    return parts + [chart["html"] for chart in shown["charts"]]


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_a_bundle_is_json_and_nothing_in_it_can_run(finding, lang):
    shown = json.loads(json.dumps(bundle(finding, lang), allow_nan=False))
    for html in texts_of_html(shown):
        parsed = Tags(html)
        assert "script" not in parsed.tags and "img" not in parsed.tags
        assert not [name for name in parsed.attributes if name.startswith("on")]
    assert EVIL in Tags(shown["caveats"]).text or lang == "en"  # seen as text, nothing is lost


def test_a_whole_finding_in_a_notebook_is_escaped_too(finding):
    parsed = Tags(finding_html(finding))
    assert "script" not in parsed.tags
    assert parsed.tags.count("img") == 1  # the map, and not the one that was smuggled in
    assert not [name for name in parsed.attributes if name.startswith("on")]


def test_order_of_layers_and_their_words(finding):
    shown = bundle(finding)
    assert [layer["name"] for layer in shown["layers"]] == ["classes", "depth", "outline"]
    assert [layer["outline"] for layer in shown["layers"] if layer["kind"] == "vector"] == [
        False,
        True,
    ]
    assert all(layer["alt"] and layer["title"] for layer in shown["layers"])
    assert shown["demonstration"] is True
    assert shown["bounds"] == [[48.0, 2.0], [48.04, 2.05]]
    legend = Tags(shown["layers"][0]["legend"]).text
    assert "Espace arboré" in legend and "Eau" not in legend  # only what is on this map


def test_vectors_are_degrees_and_still_tile_the_ground(finding, commune):
    drawn = features(finding.layers[1], commune.crs, "fr")
    shapes = [shapely.geometry.shape(f["geometry"]) for f in drawn["features"]]
    west, south, east, north = shapely.total_bounds(shapes)
    assert 2.2 < west < east < 2.4 and 47.8 < south < north < 48.1
    assert shapely.union_all(shapes).area == pytest.approx(sum(s.area for s in shapes), rel=1e-6)
    assert {f["properties"]["style"]["fillColor"] for f in drawn["features"]} == {
        "#d10000",
        "#006a00",
    }


def test_each_class_on_the_map_bears_its_mark(finding, commune, blocks):
    found = label_points(finding.layers[1], commune.crs)
    assert {mark for *_, mark in found} == {"2", "A"}
    for x, y, mark in found:
        inside = blocks[blocks.contains(shapely.Point(x, y))]
        assert CLASSES[0 if mark == "2" else 1].value in set(inside["lcz"])


def test_a_classified_raster_bears_its_marks_inside_each_class(commune):
    values = np.full((90, 120), np.nan)
    values[5:60, 5:70] = 1
    values[20:28, 30:38] = 2  # a small class within a large one
    values[70:72, :] = 2  # too thin for a letter
    values[62:69, 90:118] = 3
    array = xr.DataArray(
        values,
        dims=("y", "x"),
        coords={"y": 6_762_000.0 - 20 * np.arange(90), "x": 650_000.0 + 20 * np.arange(120)},
    ).rio.write_crs("EPSG:2154")
    legend = Legend(
        {"fr": "Strates", "en": "Strata"},
        categories=tuple(
            Category(str(n), {"fr": m, "en": m}, "#006a00", m) for n, m in enumerate("HBA", 1)
        ),
    )
    layer = Layer("strata", legend.title, legend.title, array, legend)
    found = label_points(layer, commune.crs)
    assert {mark for *_, mark in found} == {"H", "B", "A"}
    for x, y, mark in found:
        inside = array.sel(x=x, y=y, method="nearest").item()
        assert inside == "HBA".index(mark) + 1
    assert [mark for *_, mark in found].count("B") == 1
    assert label_points(replace(layer, legend=Legend(legend.title)), commune.crs) == []


def test_a_raster_becomes_a_picture_where_it_is(finding):
    from PIL import Image

    drawn = picture(finding.layers[2])
    (south, west), (north, east) = drawn.bounds
    assert 47.8 < south < north < 48.1 and 2.2 < west < east < 2.4
    image = Image.open(io.BytesIO(base64.b64decode(drawn.png.split(",")[1]))).convert("RGBA")
    opaque = np.asarray(image)[..., 3] > 0
    assert 0.2 < opaque.mean() < 0.4  # 600 of 2000 cells have a value


def test_a_layer_without_crs_is_refused_in_one_sentence(finding, depth, commune):
    lost = depth.drop_vars("spatial_ref")
    lost.attrs.pop("grid_mapping", None)
    lost.encoding.pop("grid_mapping", None)
    with pytest.raises(InvalidInput, match="système de coordonnées"):
        picture(replace(finding.layers[2], data=lost))
    bare = finding.layers[1].data.set_crs(None, allow_override=True)
    with pytest.raises(InvalidInput, match="système de coordonnées"):
        features(replace(finding.layers[1], data=bare), commune.crs, "fr")


def test_figures_are_written_as_the_french_do(finding):
    share, people, missing = rows(finding)
    assert share["value"] == "12,3\u202f%" and share["interval"] == "entre 11,0 et 14,0\u202f%"
    assert share["date"] == "novembre 2022"
    assert people["value"] == "12\u202f450\u00a0habitants"
    assert missing["value"] == "non disponible"
    assert rows(finding, "en")[1]["value"] == "12,450\u00a0people"


def test_a_chart_speaks_and_hands_over_its_data(finding):
    for chart in finding.charts:
        html = chart_html(chart)
        assert html.count('role="img"') == 2  # one for pages, one for phones
        for svg in re.findall(r"<svg.*?</svg>", html, re.S):
            title, desc = re.search(r'aria-labelledby="(\S+) (\S+)"', svg).groups()
            assert f'<title id="{title}">' in svg and f'<desc id="{desc}">' in svg
        ids = re.findall(r'\sid="([^"]+)"', html)
        assert len(ids) == len(set(ids))
        assert "<details" in html and "<table" in html
    bars = Tags(chart_html(finding.charts[0])).text
    assert "62,5\u202f%" in bars and "non disponible" in bars
    series = Tags(chart_html(finding.charts[1])).text
    assert "janvier 2021" in series and "décembre 2022" in series and "Extinction" in series


def test_the_same_chart_is_drawn_the_same(finding):
    assert chart_html(finding.charts[1]) == chart_html(finding.charts[1])


def test_for_a_terminal(finding):
    text = finding_text(finding)
    assert "[Données de démonstration]" in text and "[Données partielles]" in text
    assert "entre 11,0 et 14,0" in text and "Remède" in text


def test_a_finding_without_data_says_what_would_bring_them(commune):
    shown = bundle(
        Finding(
            "flood",
            commune,
            "no_data",
            {"fr": "Pas encore de données.", "en": "No data yet."},
            remedy={"fr": "Déposez deux images.", "en": "Bring two images."},
        )
    )
    assert shown["layers"] == [] and shown["charts"] == [] and shown["figures"] == ""
    assert shown["remedy"] == "Déposez deux images." and shown["status"] == "no_data"


def test_ink_on_every_lcz_colour_can_be_read():
    from eo_helpers.lcz.schema import CLASSES as SCHEMA

    def luminance(color: str) -> float:
        parts = [int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    assert len(SCHEMA) == 17
    for one in SCHEMA.values():
        light, dark = sorted([luminance(one.color), luminance(ink_on(one.color))], reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, one


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9))
@settings(max_examples=60, deadline=None)
def test_every_value_of_a_scale_has_a_colour(value):
    legend = Legend({"fr": "x"}, scale=Scale("viridis", 0, 5))
    assert re.fullmatch("#[0-9a-f]{6}", color_of(legend, value))


def test_words_of_dates_and_intervals():
    assert date_words("2022-11-14") == "14 novembre 2022"
    assert date_words("2014-01/2024-12") == "de janvier 2014 à décembre 2024"
    assert date_words("2022-13") == "2022-13"
    assert interval(None, 4.0, "m", 1) == "au plus 4,0\u00a0m"
    assert quantity(-0.04, "%", 1) == "0,0\u202f%"


@pytest.mark.parametrize("letters", ["A", "Au", "AuI", "BOAu"])
def test_marks_of_a_legend_stay_within_their_square(letters):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from eo_helpers.views.maps import _fitting

    figure = Figure(figsize=(2, 2), dpi=72)  # a point is a pixel
    canvas = FigureCanvasAgg(figure)
    text = figure.text(0.5, 0.5, letters, fontweight="bold", fontsize=_fitting(letters, 10))
    assert text.get_window_extent(canvas.get_renderer()).width <= 1.45 * 10


@pytest.mark.parametrize(
    ("name", "at", "of"),
    [
        ("Redon", "à Redon", "de Redon"),
        ("Le Havre", "au Havre", "du Havre"),
        ("Les Herbiers", "aux Herbiers", "des Herbiers"),
        ("La Rochelle", "à La Rochelle", "de La Rochelle"),
        ("L'Haÿ-les-Roses", "à L'Haÿ-les-Roses", "de L'Haÿ-les-Roses"),
        ("Arles", "à Arles", "d'Arles"),
        ("Étretat", "à Étretat", "d'Étretat"),
        ("Yvetot", "à Yvetot", "d'Yvetot"),
        ("Lens", "à Lens", "de Lens"),
    ],
)
def test_a_name_has_its_article(name, at, of):
    assert (at_place(name), of_place(name)) == (at, of)
    assert at_place(name, True) == at[0].upper() + at[1:]


def test_an_interval_says_no_more_than_it_knows():
    assert interval(5.0, 5.0, "", 0) == ""  # five schools, surely
    assert interval(0.0, 0.04, "%", 1) == ""  # beside « < 0,1 % » or « 0,0 % »
    assert interval(37.8, 38.3, "%", 0) == "à 1\u202f% près"


def test_days_within_a_month_are_said_once():
    low, high = dt.date(1999, 12, 25), dt.date(1999, 12, 28)
    assert span(low, high, False) == "entre le 25 et le 28 décembre 1999"
    assert span(low, high, False, "en") == "between 25 and 28 December 1999"
    assert span(dt.date(2016, 5, 30), dt.date(2016, 6, 4), False) == (
        "entre le 30 mai et le 4 juin 2016"
    )


def test_a_legend_explains_its_word_and_escapes_it():
    note = {"fr": f"Un mot rare {EVIL}", "en": "A rare word"}
    html = legend_html(Legend({"fr": "Mot", "en": "Word"}, categories=CLASSES, note=note))
    assert "Un mot rare" in html and "<script>" not in html
    assert "A rare word" in legend_html(
        Legend({"fr": "Mot", "en": "Word"}, scale=Scale("viridis", 0, 1), note=note), "en"
    )


def test_a_commune_among_no_others_is_told_why(commune):
    def told(theme: str, *indicators: Indicator) -> str:
        return caveats_html(
            Finding(theme, commune, "complete", {"fr": "Oui.", "en": "Yes."}, indicators, ()), "fr"
        )

    assert "aucune table nationale" in told("vegetation")
    # Each theme that ``eo-helpers national`` makes a table of says what would bring it.
    for theme in ("lighting", "lcz", "coastline"):
        assert "eo-helpers national" in told(theme)
    peers = Indicator("peers", {"fr": "x", "en": "x"}, 1.0, "%", group="comparison")
    assert told("lighting", peers) == ""


def test_generic_words_of_a_source_are_in_the_language_of_the_page():
    assert generic("carreaux de 200 m", "en") == "200 m cells"
    assert generic("BD TOPO v3", "en") == "BD TOPO v3"
    assert generic("carreaux de 200 m", "fr") == "carreaux de 200 m"


def test_a_count_rises_on_its_day_and_has_a_key():
    from matplotlib.figure import Figure

    from eo_helpers.views._draw import draw_series, keyed

    data = pd.DataFrame({"date": ["2000-01-01", "2010-01-01"], "level": [1.0, 2.0]})
    label = {"fr": "Arrêtés, cumulés", "en": "Decrees"}
    one = Series("m", label, label, data, "", (Line("level", label, "stairs"),))
    ax = Figure().add_subplot()
    draw_series(one, ax, "fr")
    assert keyed(one) and ax.lines[0].get_drawstyle() == "steps-post"
