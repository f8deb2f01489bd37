"""Vegetation: numbers recognised, indices, cover, adjusted areas, strata, shapes, indicators."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import rioxarray  # noqa: F401
import shapely
import xarray as xr

from eo_helpers.errors import InvalidInput
from eo_helpers.vegetation.cover import Ends, find_ends, fractional_cover
from eo_helpers.vegetation.forms import COLUMNS, FORMS, forms
from eo_helpers.vegetation.indicators import canopy_by_zone, change, shares, three_thirty
from eo_helpers.vegetation.indices import ndvi, ndwi, savi, summer_composite
from eo_helpers.vegetation.landscape import Context
from eo_helpers.vegetation.olofsson import adjusted_areas
from eo_helpers.vegetation.produce import as_raster
from eo_helpers.vegetation.reflectance import (
    band_positions,
    check_bands,
    check_heights,
    detect_scale,
    reflectance,
)
from eo_helpers.vegetation.shapes import TREES, aligned, length_width, shape_of
from eo_helpers.vegetation.strata import GREEN, UNKNOWN, Limits, ndvi_threshold, strata


def grid(values, step=1.0):
    from affine import Affine

    transform = Affine(step, 0, 480_000, 0, -step, 6_980_000)
    return as_raster(np.asarray(values, np.float32), transform, "EPSG:2154", "r")


def scene(rng, shape=(60, 60)):
    """Red and near infrared of leaves, streets and water."""
    kind = rng.integers(0, 3, shape)
    red = np.choose(kind, [0.04, 0.14, 0.03]) + rng.normal(0, 0.004, shape)
    nir = np.choose(kind, [0.40, 0.17, 0.02]) + rng.normal(0, 0.004, shape)
    return kind, np.clip(np.stack([red, nir]), 0.005, 1)


@pytest.mark.parametrize(
    ("make", "offset", "factor", "word"),
    [
        (lambda v: v.astype(np.float32), 0.0, 1.0, "0 à 1"),
        (lambda v: np.round(v * 10_000).astype(np.uint16), 0.0, 1e-4, "10 000"),
        (lambda v: np.round(v * 10_000 + 1000).astype(np.uint16), -1000.0, 1e-4, "-1000"),
    ],
)
def test_numbers_are_recognised_and_give_the_same_reflectance(make, offset, factor, word):
    _, values = scene(np.random.default_rng(1))
    image = xr.DataArray(make(values), dims=("band", "y", "x"))
    scale = detect_scale(image)
    assert (scale.offset, scale.factor) == (offset, factor)
    assert word in scale.word["fr"]
    assert np.allclose(reflectance(image, scale), values, atol=1e-4)


def test_the_files_own_word_on_the_offset_wins():
    _, values = scene(np.random.default_rng(2))
    image = xr.DataArray(np.round(values * 10_000 + 2000), dims=("band", "y", "x"))
    assert detect_scale(image, {"BOA_ADD_OFFSET": "0"}).offset == 0.0
    assert detect_scale(image, {"BOA_ADD_OFFSET": "-1000"}).offset == -1000.0
    assert detect_scale(image).sure is False


def test_a_photograph_is_told_and_nonsense_refused():
    _, values = scene(np.random.default_rng(3))
    picture = xr.DataArray((values * 500).clip(0, 255).astype(np.uint8), dims=("band", "y", "x"))
    assert detect_scale(picture).calibrated is False
    with pytest.raises(InvalidInput, match="réflectances"):
        detect_scale(picture.astype(float) * -7)
    with pytest.raises(InvalidInput, match="aucune mesure"):
        detect_scale(xr.DataArray(np.full((2, 3, 3), np.nan), dims=("band", "y", "x")))


def test_bands_are_found_by_name_or_order():
    assert band_positions(["B02", "B03", "B04", "B08"])["nir"] == 3
    assert band_positions([None] * 13) == {"blue": 1, "green": 2, "red": 3, "nir": 7}
    assert band_positions(["PIR", "Rouge", "Vert"]) == {"green": 2, "red": 1, "nir": 0}
    with pytest.raises(InvalidInput, match="infrarouge"):
        band_positions(["B02", "B03", "B04"])


@pytest.mark.parametrize("with_water", [True, False])
def test_swapped_bands_are_refused(with_water):
    kind, (red, nir) = scene(np.random.default_rng(4))
    red, nir, water = grid(red), grid(nir), grid(kind == 2).astype(bool)
    check_bands(red, nir, water if with_water else None)
    with pytest.raises(InvalidInput, match="inversés"):
        check_bands(nir, red, water if with_water else None)


def test_heights_in_centimetres_and_altitudes_are_refused():
    metres = np.where(np.random.default_rng(5).random((80, 80)) < 0.2, 9.0, 0.0)
    check_heights(grid(metres))
    with pytest.raises(InvalidInput, match="centimètres"):
        check_heights(grid(metres * 100))
    with pytest.raises(InvalidInput, match="centimètres"):
        check_heights(grid(metres).assign_attrs(units="cm"))
    with pytest.raises(InvalidInput, match="altitudes"):
        check_heights(grid(metres + 120))


def test_index_noise_is_what_repeated_draws_give():
    rng = np.random.default_rng(6)
    red, nir = (xr.DataArray(v + rng.normal(0, 0.01, 40_000), dims="k") for v in (0.06, 0.34))
    out = ndvi(red, nir, 0.01)
    assert abs(float(out["ndvi"].std()) / float(out["std"].median()) - 1) < 0.05
    assert float(ndwi(nir, red)["ndwi"].mean()) == pytest.approx(float(out["ndvi"].mean()))
    assert savi(red, nir).mean() == pytest.approx(1.5 * 0.28 / 0.9, abs=0.01)
    assert ndvi(xr.DataArray([0.0]), xr.DataArray([0.0]))["ndvi"].isnull().all()


def test_summer_composite_leaves_winter_and_clouds_out():
    time = np.array(["2022-01-10", "2022-06-20", "2022-07-20", "2022-08-20"], "datetime64[ns]")
    values = np.array([0.1, 0.7, np.nan, 0.8])[:, None, None]
    out = summer_composite(xr.DataArray(values, {"time": time}, ("time", "y", "x")))
    assert float(out["ndvi"].squeeze()) == pytest.approx(0.75)
    assert int(out["dates"].squeeze()) == 2 and out.attrs["first"] == "2022-06-20"
    with pytest.raises(InvalidInput, match="été"):
        summer_composite(xr.DataArray(values[:1], {"time": time[:1]}, ("time", "y", "x")))


def test_cover_of_a_mixture_is_its_share():
    share = np.linspace(0, 1, 11)
    # A linear mixture of NDVI, which is what the method says that it reads.
    index = grid((0.1 + share * 0.7)[None].repeat(3, 0))
    out = fractional_cover(index, 0.02, Ends(0.1, 0.8))
    assert np.allclose(out["cover"].values[0], share, atol=1e-6)
    assert float(out["std"].min()) > 0.02
    with pytest.raises(InvalidInput, match="varie trop peu"):
        find_ends(grid(np.full((20, 20), 0.3)))


def test_adjusted_areas_are_those_of_the_worked_example():
    """Olofsson et al. (2014), table 8 and section 5: hectares and their 95 % half widths."""
    counts = [[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]]
    mapped = np.array([200_000, 150_000, 3_200_000, 6_450_000]) * 0.09
    table = adjusted_areas(counts, mapped)
    assert table["area"].round().tolist() == [21_158, 11_686, 285_770, 581_386]
    half = (1.96 * table["std"]).round().tolist()
    assert half == [6_158, 3_756, 15_510, 16_282]
    assert table["users"].round(2).tolist() == [0.88, 0.73, 0.93, 0.96]
    assert table["users_ci"].round(2).tolist() == [0.07, 0.10, 0.04, 0.02]
    assert table["producers"].round(2).tolist() == [0.75, 0.85, 0.93, 0.96]
    assert round(table.attrs["overall"], 2) == 0.95
    with pytest.raises(InvalidInput, match="moins de deux"):
        adjusted_areas([[1, 0], [0, 5]], [10, 10])


def test_adjusted_intervals_hold_the_true_area():
    rng = np.random.default_rng(7)
    truth = rng.random(40_000) < 0.15
    mapped = np.where(rng.random(truth.size) < 0.12, ~truth, truth).astype(int)
    hits = 0
    for _ in range(200):
        counts = np.zeros((2, 2))
        for k in (0, 1):
            chosen = rng.choice(np.flatnonzero(mapped == k), 150, replace=False)
            counts[k] = np.bincount(truth[chosen].astype(int), minlength=2)
        row = adjusted_areas(counts, np.bincount(mapped)).loc[1]
        hits += row["low"] <= truth.sum() <= row["high"]
    assert hits >= 180


def test_strata_follow_their_limits_and_say_how_sure():
    index = grid([[0.8, 0.8, 0.8, 0.1, 0.8, np.nan]])
    height = grid([[0.0, 3.0, 12.0, 12.0, np.nan, 2.0]])
    out = strata(index, height, Limits(crown_edge=0.1))
    assert out["stratum"].values[0].tolist() == [1, 2, 3, 0, GREEN, UNKNOWN]
    low = strata(index, height, Limits(0.5, 1.5, crown_edge=0.1))
    assert low["stratum"].values[0, 1] == 3
    near = strata(grid([[0.8]]), grid([[4.9]]), Limits())
    assert near["confidence"].item() < 0.7 < out["confidence"].values[0, 2]
    with pytest.raises(InvalidInput, match="croître"):
        Limits(5.0, 1.5)
    with pytest.raises(InvalidInput, match="même grille"):
        strata(index, grid(np.zeros((3, 3))))


def test_strata_probabilities_are_reliable():
    """Of cells called trees with 70 %, seven in ten are."""
    rng = np.random.default_rng(8)
    true = rng.uniform(3, 7, (300, 300))
    seen = true + rng.normal(0, 0.5, true.shape)
    out = strata(grid(np.full(true.shape, 0.9)), grid(seen),
                 Limits(height_std=0.5, crown_edge=0.1))  # fmt: skip
    p = out["tree"].values
    for low in (0.2, 0.4, 0.6, 0.8):
        chosen = (p >= low) & (p < low + 0.2)
        assert abs(p[chosen].mean() - (true[chosen] > 5).mean()) < 0.05


def test_length_and_width_of_bent_hedges():
    bent = shapely.LineString([(0, 0), (60, 0), (60, 60)]).buffer(2, cap_style="flat")
    (length,), (width,) = length_width(np.array([bent]))
    assert length == pytest.approx(120, rel=0.05) and width == pytest.approx(4, rel=0.05)
    shapes = np.array([bent, shapely.Point(0, 0).buffer(4), shapely.box(0, 0, 50, 60)])
    kind, sure = shape_of(shapes, TREES)
    assert kind.tolist() == [1, 0, 2]
    assert (sure > 0.6).all()


def test_crowns_in_a_line_are_a_row_and_scattered_ones_are_not():
    line = np.column_stack([np.arange(6) * 8.0, np.zeros(6)])
    lone = np.array([[20.0, 60.0], [70.0, 90.0]])
    row = aligned(np.vstack([line, lone]), np.full(8, 30.0))
    assert (row[:6] == row[0]).all() and row[0] >= 0 and (row[6:] == -1).all()
    assert (aligned(line[:3], np.full(3, 30.0)) == -1).all()


def planted():
    """A lawn with a tree, a touching row, a row of six crowns, a wood and a hedge."""
    height = np.zeros((160, 200), np.float32)
    index = np.full(height.shape, 0.1, np.float32)
    index[20:150, 10:190] = 0.7
    y, x = np.mgrid[:160, :200]

    def crown(cx, cy, r, tall):
        inside = (x - cx) ** 2 + (y - cy) ** 2 <= r**2
        height[inside] = np.maximum(height[inside], tall)
        index[inside] = 0.85

    crown(30, 40, 4, 9)
    for k in range(6):
        crown(60 + 9 * k, 40, 3, 8)
    for k in range(12):
        crown(40 + 5 * k, 70, 3, 8)
    for cx in range(130, 175, 5):
        for cy in range(90, 140, 5):
            crown(cx, cy, 4, 12)
    height[120:122, 30:70], index[120:122, 30:70] = 2.2, 0.8
    crown(100, 120, 1.5, 2.5)
    return grid(index), grid(height)


def test_forms_are_those_that_were_planted():
    index, height = planted()
    made = strata(index, height).rio.write_crs("EPSG:2154")
    home = gpd.GeoDataFrame(geometry=[shapely.box(480_000, 6_979_995, 480_010, 6_980_000)],
                            crs="EPSG:2154")  # fmt: skip
    found = forms(made, height, Context(buildings=home))
    assert list(found.columns) == [*COLUMNS, "geometry"]
    count = found["fv"].value_counts().to_dict()
    assert count["AI"] == 1 and count["AA"] == 2 and count["BOA"] == 1
    assert count["AAu"] == 1 and count["AuI"] == 1
    assert count["PE"] >= 1 and count["PR"] >= 1  # within 60 m of the house, and beyond
    wood = found[found["fv"] == "BOA"].iloc[0]
    assert wood["h_moy"] == pytest.approx(12, abs=0.1) and wood["idc_h"] > 0.9
    for column in ("idc_surface", "idc_h", "idc_prescadu", "idc_coniffeuil", "idc_typesol"):
        assert found[column].between(0, 1).all()
    assert found["idc_prescadu"].eq(0).all() and found["perc_caduc"].isna().all()
    winter = index.copy(data=np.where(index["x"] > 480_100, 0.8, 0.1) * np.ones(index.shape))
    told = forms(made, height, winter_ndvi=winter)
    assert told.loc[told["fv"] == "BOA", "perc_persistant"].item() > 95
    assert told.loc[told["fv"] == "AI", "perc_caduc"].item() > 95
    # The surface of all forms is that of all vegetated cells, small tufts aside.
    green = int(made["stratum"].isin([1, 2, 3]).sum())
    assert found["surface"].sum() == pytest.approx(green, rel=0.01)
    assert set(found["fv"]) <= set(FORMS)


def test_forms_need_fine_projected_cells():
    index, height = planted()
    made = strata(index, height)
    wide = made.assign_coords(x=made["x"] * 5, y=made["y"] * 5).rio.write_crs("EPSG:2154")
    wide = wide.drop_vars("spatial_ref").rio.write_crs("EPSG:2154")
    with pytest.raises(InvalidInput, match="trop grandes"):
        forms(wide, height)
    with pytest.raises(InvalidInput, match="mètres"):
        forms(made.rio.write_crs("EPSG:4326"), height)


def test_shares_and_zones_add_up():
    index, height = planted()
    made = strata(index, height).rio.write_crs("EPSG:2154")
    whole = np.ones(index.shape, bool)
    found = shares(made, whole)
    assert found["tree"].low <= found["tree"].value <= found["tree"].high
    parts = sum(found[k].value for k in ("herb", "shrub", "tree"))
    assert parts == pytest.approx(found["vegetation"].value)
    zone = gpd.GeoDataFrame(geometry=[
        shapely.box(480_000, 6_979_840, 480_100, 6_980_000),
        shapely.box(480_100, 6_979_840, 480_200, 6_980_000),
        shapely.box(490_000, 6_979_840, 490_100, 6_980_000),
    ], crs="EPSG:2154")  # fmt: skip
    table = canopy_by_zone(made, zone)
    assert table["canopy"][:2].mean() == pytest.approx(found["tree"].value, abs=1e-4)
    assert np.isnan(table["canopy"][2]) and table["observed"][2] == 0


def test_three_thirty_three_hundred():
    homes = gpd.GeoDataFrame(
        {"n": [1.0, 3.0]},
        geometry=[shapely.box(0, 0, 10, 10), shapely.box(1000, 0, 1010, 10)], crs="EPSG:2154",
    )  # fmt: skip
    trees = gpd.GeoDataFrame(
        {"fv": ["AI"] * 3},
        geometry=[shapely.Point(20 + 5 * k, 5).buffer(2) for k in range(3)], crs="EPSG:2154",
    )  # fmt: skip
    parks = gpd.GeoDataFrame(geometry=[shapely.box(200, 0, 400, 100)], crs="EPSG:2154")
    zone = gpd.GeoDataFrame(
        {"canopy": [0.35, 0.1]},
        geometry=[shapely.box(-100, -100, 500, 200), shapely.box(500, -100, 1200, 200)],
        crs="EPSG:2154",
    )  # fmt: skip
    table, told = three_thirty(homes, trees, parks, zone, weight="n")
    assert table["trees"].tolist() == [3, 0]
    assert table["park"].round().tolist() == [190, 600]
    assert told == {"three": 0.25, "thirty": 0.25, "three_hundred": 0.25, "all": 0.25}
    _, unknown = three_thirty(homes, trees, parks.iloc[:0], zone)
    assert np.isnan(unknown["three_hundred"]) and np.isnan(unknown["all"])


def test_change_finds_the_felled_wood():
    index, height = planted()
    before = strata(index, height).rio.write_crs("EPSG:2154")
    wood = (index["x"] > 480_120) & (index["y"] < 6_979_915)
    after = strata(index, height.where(~wood, 0.0)).rio.write_crs("EPSG:2154")
    felled = int(((before["stratum"] == 3) & wood).sum())
    found = change(before, after, np.ones(index.shape, bool))
    assert found["loss"].low <= felled <= found["loss"].high
    assert found["loss"].value == pytest.approx(felled, rel=0.02) and found["gain"].value == 0
    same = change(before, before, np.ones(index.shape, bool))
    assert same["balance"].low <= 0 <= same["balance"].high


def test_a_threshold_is_found_in_a_picture():
    rng = np.random.default_rng(9)
    values = np.where(rng.random((100, 100)) < 0.4, 0.55, 0.05) + rng.normal(0, 0.05, (100, 100))
    assert 0.2 < ndvi_threshold(grid(values)) < 0.4
    with pytest.raises(InvalidInput, match="seuil"):
        ndvi_threshold(grid(np.full((20, 20), 0.5)))


def test_indices_of_the_list_are_ours_where_both_have_them():
    from eo_helpers.vegetation.spectral import spectral_index

    _, (red, nir) = scene(np.random.default_rng(10))
    bands = {"red": grid(red), "nir": grid(nir)}
    listed, ours = spectral_index("ndvi", bands), ndvi(bands["red"], bands["nir"])
    assert np.allclose(listed["index"], ours["ndvi"], atol=1e-5)
    assert np.allclose(listed["std"], ours["std"], rtol=0.01)
    half = spectral_index("SAVI", bands, constants={"L": 0.5})
    assert np.allclose(half["index"], savi(bands["red"], bands["nir"]), atol=1e-5)
    with pytest.raises(InvalidInput, match="S1"):
        spectral_index("NDMI", bands)
    with pytest.raises(InvalidInput, match="liste"):
        spectral_index("VERDURE", bands)
