"""What the flood theme says of a commune: figures beside the truth, and each honest silence."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio.features
import rioxarray
import shapely

from eo_helpers import catalog
from eo_helpers.errors import InvalidInput
from eo_helpers.findings import Finding
from eo_helpers.flood import finding as flood
from eo_helpers.flood.finding import analyse

TOWN, COUNTRY, ISLAND = "99001", "99003", "97199"


@pytest.fixture(scope="module")
def index(demo_source):
    return catalog.communes(demo_source)


@pytest.fixture(scope="module")
def flooded(demo_source, index) -> Finding:
    return analyse(index.get(TOWN), demo_source)


@pytest.fixture(scope="module")
def truth(demo_dir, index) -> tuple[float, np.ndarray]:
    """True flooded hectares and true depths (m) of the town."""
    town = index.get(TOWN)
    extent = rioxarray.open_rasterio(demo_dir / "truth" / "flood_extent.tif").squeeze()
    depth = rioxarray.open_rasterio(demo_dir / "truth" / "flood_depth.tif").squeeze()
    ground = town.boundary_in(extent.rio.crs)
    extent, depth = (r.rio.clip_box(*ground.bounds) for r in (extent, depth))
    wet = extent.rio.clip([ground], drop=False).values == 1
    cell = abs(float(np.prod(extent.rio.resolution()))) / 1e4
    return wet.sum() * cell, depth.values[wet]


def folder_of(demo_dir: Path, tmp_path: Path, *names: str) -> catalog.Source:
    """A user's folder with some of the demonstration's files."""
    for name in names:
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(demo_dir / name)
    return catalog.open_source("files", [tmp_path])


def scene(demo_dir: Path, day: str) -> str:
    (found,) = (demo_dir / "flood").glob(f"S1A_IW_GRDH_*{day}*.tif")
    return f"flood/{found.name}"


def test_the_sentence_tells_date_area_and_range(flooded):
    fr = flooded.headline["fr"]
    assert fr.startswith("Le 15 janvier 2024, l'eau de la crue couvrait ")
    assert "Saint-Aubin-sur-Ervelle (entre" in fr
    assert "hauteur médiane" in fr
    assert flooded.headline["en"].startswith("On 15 January 2024, flood water covered ")
    assert flooded.status == "complete"
    assert flooded.demonstration


def test_the_range_holds_the_true_area(flooded, truth):
    area = flooded["flooded_area"]
    assert area.low <= area.value <= area.high
    assert area.low <= truth[0] <= 1.05 * area.high
    # Radar sees at least two thirds of it, and invents little.
    assert 0.67 * truth[0] < area.value < 1.05 * truth[0]


def test_depths_are_those_of_the_truth_within_their_range(flooded, truth):
    median, deep = flooded["depth_median"], flooded["depth_p95"]
    assert median.low <= np.median(truth[1]) <= median.high
    assert deep.low <= np.percentile(truth[1], 95) <= deep.high
    classes = [i for i in flooded.indicators if i.name.startswith("flooded_area_")]
    assert sum(i.value for i in classes) == pytest.approx(flooded["flooded_area"].value, rel=0.01)


def test_people_are_counted_with_a_range(flooded):
    people = flooded["people_reached"]
    assert 0 < people.low < people.value < people.high < 24_130
    assert people.unit == "habitants"
    assert people.source == "filosofi-200m"


def test_buildings_and_roads_reached_are_within_their_range(flooded, demo_dir, index):
    town = index.get(TOWN)
    (topo,) = (demo_dir / "topo").glob("*LAMB93*.gpkg")
    extent = rioxarray.open_rasterio(demo_dir / "truth" / "flood_extent.tif").squeeze()
    ground = town.boundary_in(extent.rio.crs)
    wet = gpd.GeoDataFrame(
        geometry=[
            shapely.geometry.shape(s)
            for s, v in rasterio.features.shapes(
                (extent.values == 1).astype("u1"), transform=extent.rio.transform()
            )
            if v == 1
        ],
        crs=extent.rio.crs,
    )
    reached = {}
    for layer in ("batiment", "troncon_de_route"):
        frame = gpd.read_file(topo, layer=layer).to_crs(extent.rio.crs)
        frame = frame[frame.intersects(ground) & (frame["etat_de_l_objet"] == "En service")]
        reached[layer] = frame.iloc[frame.sindex.query(wet.geometry, "intersects")[1]]
    # Walls stand where the raster has no water: a building counts once it touches some.
    true = reached["batiment"]["cleabs"].nunique()
    buildings = flooded["buildings_reached"]
    assert buildings.low <= buildings.value <= buildings.high
    assert buildings.low < true < 1.1 * buildings.high
    roads = flooded["roads_cut_km"]
    assert 0 < roads.low <= roads.value <= roads.high < reached["troncon_de_route"].length.sum()
    (drawn,) = (layer for layer in flooded.layers if layer.name == "buildings")
    assert len(drawn.data) == buildings.value
    assert not drawn.shown


def test_maps_and_chart_say_what_they_are(flooded):
    layers = {layer.name: layer for layer in flooded.layers}
    assert list(layers) == [
        "commune", "radar_before", "radar_after", "extent", "probability", "depth", "buildings",
        "public_places",
    ]  # fmt: skip
    assert [n for n, layer in layers.items() if layer.shown and n != "commune"] == ["depth"]
    assert layers["radar_before"].title["fr"] == "Radar avant la crue (3 janvier 2024)"
    before, after = (layers[f"radar_{w}"].data.values for w in ("before", "after"))
    assert np.nanpercentile(before, 2) > np.nanpercentile(after, 2)  # water is dark
    depths = layers["depth"].data.values
    assert set(np.unique(depths[np.isfinite(depths)])) <= {1.0, 2.0, 3.0, 4.0}
    for layer in layers.values():
        assert layer.alt["fr"]
        assert layer.alt["en"]
    assert [c.name for c in flooded.charts] == ["depth_classes", "districts", "memory"]
    chart = flooded.charts[0]
    assert list(chart.data["label_fr"]) == [
        "moins de 50 cm", "50 cm à 1 m", "1 à 2 m", "plus de 2 m",
    ]  # fmt: skip


def test_every_figure_has_date_and_a_known_source(flooded):
    known = {p.dataset for p in flooded.provenance}
    assert known == {
        "sentinel-1", "dem", "filosofi-200m", "bdtopo-buildings", "bdtopo-roads",
        "bdtopo-places", "iris", "catnat", "hydrometry", "swot-raster",
    }  # fmt: skip
    for indicator in flooded.indicators:
        assert indicator.group == "memory" or indicator.date == "2024-01-15"
        assert indicator.source in known
    assert json.loads(flooded.to_json())["commune"] == {
        "insee": TOWN, "name": "Saint-Aubin-sur-Ervelle",
    }  # fmt: skip


def test_two_runs_give_the_same(flooded, demo_source, index):
    flood._read.cache.clear()  # what was read is forgotten: it is read and computed again
    assert analyse(index.get(TOWN), demo_source).to_json() == flooded.to_json()


def test_its_parameters_find_the_same_again(flooded, demo_source, index):
    again = analyse(index.get(TOWN), demo_source, **flooded.parameters)
    assert again.to_json() == flooded.to_json()
    assert flooded.processing  # what was found on the way is told, beside


def test_a_dry_commune_would_stay_dry(demo_source, index):
    finding = analyse(index.get(COUNTRY), demo_source, rise=1.0)
    assert finding.headline["fr"].endswith("resterait au sec.")
    assert finding["flooded_area"].value == 0


def test_what_if_the_water_rose_or_fell(flooded, demo_source, index, monkeypatch):
    read = []
    monkeypatch.setattr(flood, "water_depth", lambda *a, **k: read.append(a))
    town = index.get(TOWN)
    (slider,) = flooded.controls
    assert slider.name in flood.CONTROLS and slider.value == 0.0 and slider.help
    heights = {0.0: flooded}
    for rise in (-0.5, 0.5, 1.25):
        heights[rise] = analyse(town, demo_source, rise=rise)
    assert read == []  # nothing but the surface moves: no image is read, no depth worked out
    areas = [heights[rise]["flooded_area"].value for rise in sorted(heights)]
    people = [heights[rise]["people_reached"].value for rise in sorted(heights)]
    depths = [heights[rise]["depth_median"].value for rise in sorted(heights)]
    for values in (areas, people, depths):
        assert values == sorted(values) and values[0] < values[-1]
    higher = heights[1.25]
    sentence = higher.headline["fr"].replace("\u202f", " ").replace("\u00a0", " ")
    assert sentence.startswith("Si l'eau montait de 1,25 m par rapport au 15 janvier 2024, elle ")
    assert heights[-0.5].headline["fr"].startswith("Si l'eau baissait de 50")
    assert higher.headline["en"].startswith("If the water rose by 1.25")
    area = higher["flooded_area"]
    assert area.low < area.value < area.high
    for indicator in higher.indicators:
        assert "si l'eau montait" in indicator.label["fr"] or indicator.group == "measurement"
    for layer in higher.layers:
        assert "si l'eau montait" in layer.title["fr"] or layer.name == "commune"
    assert "supposition" in higher.caveats[0]["fr"]
    assert higher.parameters["rise"] == 1.25 and higher.controls[0].value == 1.25
    # what was read is shared: moving the slider has not changed today's answer
    assert analyse(town, demo_source).to_json() == flooded.to_json()


@pytest.mark.parametrize("rise", [3, -1.5, "haut", True, float("nan")])
def test_a_rise_out_of_reach_is_refused(demo_source, index, rise):
    with pytest.raises(InvalidInput, match="entre -1 et 2"):
        analyse(index.get(TOWN), demo_source, rise=rise)


def test_the_depth_is_taken_away_in_metres(flooded):
    depth = next(layer for layer in flooded.layers if layer.name == "depth")
    metres = depth.quantity
    assert metres.attrs["units"] == "m" and metres.rio.crs == depth.data.rio.crs
    assert (np.isfinite(metres.values) == np.isfinite(depth.data.values)).all()
    assert float(np.nanmax(metres)) > 2


def test_a_dry_commune_is_told_dry(demo_source, index):
    finding = analyse(index.get(COUNTRY), demo_source)
    assert "aucune eau de crue n'était visible à Courvelles-le-Bocage" in finding.headline["fr"]
    assert finding["flooded_area"].value < 1
    assert [c.name for c in finding.charts] == ["memory"]


def test_beyond_the_images_the_finding_says_what_would_help(demo_source, index):
    finding = analyse(index.get(ISLAND), demo_source)
    assert finding.status == "out_of_coverage"
    assert "ne couvrent pas Le Morne-Vermeil" in finding.headline["fr"]
    assert "Sentinel-1" in finding.remedy["fr"]
    assert finding.indicators == ()


def test_without_any_image_there_is_no_data(demo_dir, tmp_path):
    source = folder_of(demo_dir, tmp_path, "communes.parquet")
    finding = analyse(catalog.communes(source).get(TOWN), source)
    assert finding.status == "no_data"
    assert finding.headline["fr"] == "Pas encore d'image de crue pour Saint-Aubin-sur-Ervelle."


def test_without_terrain_it_is_partial_and_has_no_depth(demo_dir, tmp_path):
    names = scene(demo_dir, "20240103"), scene(demo_dir, "20240115")
    source = folder_of(demo_dir, tmp_path, "communes.parquet", *names)
    finding = analyse(catalog.communes(source).get(TOWN), source)
    assert finding.status == "partial"
    assert "modèle de terrain" in finding.remedy["fr"]
    assert "hauteur" not in finding.headline["fr"]
    assert not any(i.name.startswith("depth") for i in finding.indicators)
    assert finding["flooded_area"].value > 300
    assert finding.controls == ()
    with pytest.raises(InvalidInput, match="modèle de terrain"):
        analyse(catalog.communes(source).get(TOWN), source, rise=0.5)


def test_one_scene_alone_cannot_tell_the_river_from_the_flood(demo_dir, tmp_path, flooded):
    source = folder_of(demo_dir, tmp_path, "communes.parquet", scene(demo_dir, "20240115"))
    finding = analyse(catalog.communes(source).get(TOWN), source)
    assert "permanente comprise" in finding.headline["fr"]
    assert finding.status == "partial"
    assert any("avant la crue" in c["fr"] for c in finding.caveats)
    assert "permanent_area" not in [i.name for i in finding.indicators]


def write_ems(folder: Path, boundary) -> None:
    """An archive as Copernicus EMS delivers it: half of the commune flooded."""
    west, south, east, north = boundary.bounds
    half = shapely.intersection(boundary, shapely.box(west, south, (west + east) / 2, north))
    event = {"event_type": ["5-Flood"], "obj_type": ["98-Not Applicable"], "det_method": ["x"]}
    gpd.GeoDataFrame(event, geometry=[half], crs=4326).to_file(
        folder / "EMSR711_AOI01_DEL_PRODUCT_observedEventA_v1.shp"
    )
    area = gpd.GeoDataFrame({"name": ["AOI"]}, geometry=[boundary.envelope], crs=4326)
    area.to_file(folder / "EMSR711_AOI01_DEL_PRODUCT_areaOfInterestA_v1.shp")
    with zipfile.ZipFile(folder / "EMSR711_AOI01_DEL_PRODUCT_v1.zip", "w") as archive:
        for part in sorted(folder.glob("EMSR711*")):
            if part.suffix != ".zip":
                archive.write(part, part.name)
                part.unlink()


def test_a_ready_made_extent_is_enough(demo_dir, tmp_path, index):
    town = index.get(TOWN)
    source = folder_of(demo_dir, tmp_path, "communes.parquet")
    write_ems(tmp_path, town.boundary)
    source = catalog.open_source("files", [tmp_path])
    finding = analyse(town, source)
    assert finding["flooded_share"].value == pytest.approx(
        100 * shapely.intersection(
            town.boundary,
            shapely.box(*town.boundary.bounds[:2], np.mean(town.boundary.bounds[::2]), 90),
        ).area / town.boundary.area,
        abs=1,
    )  # fmt: skip
    # It comes without a probability: no range is made up.
    assert "(entre" not in finding.headline["fr"]
    assert finding["flooded_area"].low is None
    assert [p.dataset for p in finding.provenance] == ["flood-extent"]


def test_an_unknown_parameter_or_method_is_refused(demo_source, index):
    town = index.get(TOWN)
    with pytest.raises(InvalidInput, match="Paramètre inconnu du thème flood : methode"):
        analyse(town, demo_source, methode="x")
    with pytest.raises(InvalidInput, match="méthodes connues"):
        analyse(town, demo_source, method="hand")
    with pytest.raises(InvalidInput, match="dates présentes : 2024-01-03, 2024-01-15"):
        analyse(town, demo_source, after="2020-01-01")
