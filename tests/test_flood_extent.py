"""Extent of water: what a user would notice, on scenes whose water is known, and on a real one."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
import rioxarray
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from benchmarks import flood_scenes
from eo_helpers.errors import InvalidInput
from eo_helpers.flood import files, optical, radar, speckle, terrain
from eo_helpers.flood.calibration import calibrate
from eo_helpers.flood.cleaning import hysteresis
from eo_helpers.flood.context import with_local_share
from eo_helpers.flood.extent import water_extent
from eo_helpers.flood.threshold import kittler_illingworth, otsu, separate

LOOKS = 4.4


def scene(mean_db, seed=0, bands=("VV", "VH"), crs="EPSG:32631", cell=10.0):
    """Linear power with gamma speckle; ``mean_db`` has shape (bands, rows, cols)."""
    rng = np.random.default_rng([seed, 11])
    mean = 10 ** (np.asarray(mean_db) / 10)
    power = mean * rng.gamma(LOOKS, 1 / LOOKS, mean.shape)
    rows, cols = mean.shape[1:]
    out = xr.DataArray(
        power.astype("f4"),
        {
            "band": list(bands),
            "y": 5_000_000 - cell * (np.arange(rows) + 0.5),
            "x": 500_000 + cell * (np.arange(cols) + 0.5),
        },
        ("band", "y", "x"),
    )
    out = out.rio.write_crs(crs)
    return out.rio.write_transform(rasterio.transform.from_origin(500_000, 5_000_000, cell, cell))


def in_decibels(power):
    return xr.apply_ufunc(lambda v: 10 * np.log10(v), power, keep_attrs=True)


def country(n=256, seed=0, water=None):
    """Mean backscatter (VV, VH) of fields, with water where told."""
    rng = np.random.default_rng([seed, 12])
    fields = rng.normal(0, 0.8, (n // 16, n // 16)).repeat(16, 0).repeat(16, 1)
    mean = np.stack([-10 + fields, -17 + fields])
    if water is not None:
        mean[:, water] = np.array([[-18.5], [-26.0]])
    return mean


def lake(n=256, radius=0.3, centre=(0.5, 0.5)):
    y, x = np.mgrid[:n, :n] / n
    return np.hypot(y - centre[0], x - centre[1]) < radius


def iou(found, truth):
    return float((found & truth).sum() / max((found | truth).sum(), 1))


# --- Thresholds ------------------------------------------------------------------------------

classes = {
    "low": st.floats(-26, -16),
    "gap": st.floats(6, 12),
    "share": st.floats(0.2, 0.8),
    "seed": st.integers(0, 10_000),
}


def two_classes(low, gap, share, seed, n=12_000):
    rng = np.random.default_rng(seed)
    k = int(share * n)
    return np.r_[rng.normal(low, 1.3, k), rng.normal(low + gap, 1.5, n - k)]


@settings(max_examples=40, deadline=None)
@given(**classes)
def test_two_classes_are_parted_between_their_means(low, gap, share, seed):
    values = two_classes(low, gap, share, seed)
    found = separate(values)
    assert found.bimodal
    assert abs(found.share - share) < 0.05
    assert abs(found.means[0] - low) < 0.4
    assert abs(found.means[1] - low - gap) < 0.4
    for threshold in (found.threshold, otsu(values), kittler_illingworth(values)):
        assert low + 0.5 < threshold < low + gap - 0.5


@settings(max_examples=30, deadline=None)
@given(mean=st.floats(-25, -5), spread=st.floats(0.5, 4), seed=st.integers(0, 10_000))
def test_one_class_is_not_called_two(mean, spread, seed):
    values = np.random.default_rng(seed).normal(mean, spread, 12_000)
    assert not separate(values).bimodal


@settings(max_examples=25, deadline=None)
@given(shift=st.floats(-8, 8), **classes)
def test_calibration_moves_a_threshold_by_as_much(shift, low, gap, share, seed):
    values = two_classes(low, gap, share, seed)
    for method in (otsu, kittler_illingworth, lambda v: separate(v).threshold):
        assert method(values + shift) == pytest.approx(method(values) + shift, abs=0.25)


def test_a_constant_image_has_a_threshold_and_no_two_sides():
    flat = np.full(1000, -12.0)
    assert otsu(flat) == pytest.approx(-12, abs=1e-3)
    assert not separate(flat).bimodal


# --- Speckle and units -----------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(looks=st.floats(1, 60), seed=st.integers(0, 1000))
def test_looks_are_those_of_the_speckle(looks, seed):
    draw = np.random.default_rng(seed).gamma(looks, 1 / looks, 60_000)
    assert speckle.looks(float(np.std(10 * np.log10(draw)))) == pytest.approx(looks, rel=0.06)


def test_the_filter_lowers_noise_and_keeps_an_edge():
    mean = country(128)
    mean[:, :, 64:] -= 9
    mean[:, :, :] = np.where(np.arange(128) < 64, -10, -19)
    raw = speckle.to_decibels(scene(mean, 3).values[0], "linear power")
    noise = speckle.residual_noise(raw, 0.75)
    out = speckle.despeckle(raw, 1.5, noise)
    assert out[:, 5:55].std() < 0.45 * raw[:, 5:55].std()
    # Two pixels from the edge each side has nearly its own mean.
    left, right = out[:, 61].mean(), out[:, 66].mean()
    assert left - right > 7.5
    hole = raw.copy()
    hole[10:20, 10:20] = np.nan
    again = speckle.despeckle(hole, 1.5, noise)
    assert np.isnan(again[10:20, 10:20]).all()
    assert np.isfinite(np.delete(again, np.s_[10:20], axis=0)).all()


def test_plain_pieces_keep_edges_and_match_another_implementation():
    from skimage.restoration import denoise_tv_chambolle

    mean = country(96, water=lake(96))
    raw = speckle.to_decibels(scene(mean, 5).values, "linear power")
    one = speckle.total_variation(raw[:1], 3.0, steps=300)[0]
    known = denoise_tv_chambolle(raw[0], weight=3.0, eps=1e-9, max_num_iter=3000)

    def cost(u):
        across = np.diff(u, axis=1, append=u[:, -1:])
        along = np.diff(u, axis=0, append=u[-1:])
        return 0.5 * ((u - raw[0]) ** 2).sum() + 3.0 * np.hypot(across, along).sum()

    assert np.abs(one - known).mean() < 0.1
    assert cost(one) < 1.001 * cost(known)
    both = speckle.total_variation(raw, 4.0)
    error = both - mean - np.median(both - mean, axis=(1, 2), keepdims=True)
    assert np.sqrt((error**2).mean()) < 0.4 * np.sqrt(((raw - mean) ** 2).mean())
    hole = raw.copy()
    hole[:, 40:50, 40:50] = np.nan
    again = speckle.total_variation(hole, 4.0)
    assert np.isnan(again[:, 40:50, 40:50]).all()
    assert np.abs(again - both)[:, :30].max() < 0.2


def test_the_share_of_water_is_that_of_the_place():
    """The same doubtful ground is water amid a flood, and land far from it."""
    odds = np.full((400, 400), -4.0, np.float32)
    odds[:150, :150] = 4.0
    odds[70:80, 70:80] = odds[300:310, 300:310] = -0.5
    odds[390:] = np.nan
    odds[200:210, 200:210] = -8.0
    before = odds.copy()
    with_local_share(odds, 0.15, 10.0, 8.0)
    assert (odds[70:80, 70:80] > 0.5).all()
    assert (odds[300:310, 300:310] < -1.5).all()
    assert (odds[200:210, 200:210] == -8).all()  # certain for another reason
    assert (np.isnan(odds) == np.isnan(before)).all()
    # Everywhere the same share: nothing to move.
    even = np.tile(np.float32([[3, -3], [-3, 3]]), (100, 100))
    moved = even.copy()
    with_local_share(moved, 0.5, 10.0, 8.0)
    assert np.abs(moved - even).max() < 0.05


def test_units_are_found_out_and_said():
    power = scene(country(water=lake()))
    decibels = in_decibels(power)
    a, b = water_extent(power), water_extent(decibels)
    assert a.attrs["unit"] == "linear power" and b.attrs["unit"] == "decibels"
    assert (a.flood.values == b.flood.values).mean() > 0.999
    assert "puissance linéaire" in a.attrs["notes"][0]["fr"]
    assert "décibels" in b.attrs["notes"][0]["fr"]
    mixed = water_extent(power, decibels)
    assert any("scène d'avant est lue" in n["fr"] for n in mixed.attrs["notes"])
    # Measured ground is the same in both units: nothing was flooded.
    assert (mixed.flood == 1).mean() < 0.002


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda s: s * 5000, "ni des décibels"),
        (lambda s: s * np.nan, "aucune mesure"),
        (lambda s: s.assign_coords(band=["HH", "HV"]), "ni bande VV"),
    ],
    ids=["digital-numbers", "empty", "other-polarisations"],
)
def test_what_is_no_backscatter_is_refused(spoil, words):
    with pytest.raises(InvalidInput, match=words) as caught:
        water_extent(spoil(scene(country(64))))
    assert caught.value.en


# --- Extent ----------------------------------------------------------------------------------


def test_a_flood_is_found_beside_permanent_water():
    permanent, flood = lake(radius=0.15, centre=(0.25, 0.25)), lake(radius=0.25, centre=(0.65, 0.6))
    after = scene(country(water=permanent | flood), 1)
    before = scene(country(water=permanent), 2)
    found = water_extent(after, before)
    wet = found.flood.values == 1
    assert iou(wet, flood & ~permanent) > 0.9
    assert iou(found.permanent.values == 1, permanent) > 0.85
    alone = water_extent(after)
    assert iou(alone.flood.values == 1, permanent | flood) > 0.9
    assert "eau permanente" in alone.attrs["notes"][-1]["fr"]
    assert found.rio.crs == after.rio.crs
    assert found.flood.rio.transform() == after.rio.transform()
    p = found.probability.values
    assert p.dtype == np.float32 and ((p >= 0) & (p <= 1)).all()
    assert ((p >= 0.5) == wet)[found.flood.values != 255].all()


@pytest.mark.parametrize("band", ["VV", "VH"])
def test_one_polarisation_is_taken_and_said(band):
    water = lake()
    whole = scene(country(water=water))
    found = water_extent(whole.sel(band=[band]))
    assert iou(found.flood.values == 1, water) > 0.85
    assert any(
        "Une seule polarisation" in n["fr"] and band in n["fr"] for n in found.attrs["notes"]
    )
    other = "VH" if band == "VV" else "VV"
    with pytest.raises(InvalidInput, match="aucune polarisation en commun"):
        water_extent(whole.sel(band=[band]), whole.sel(band=[other]))


@pytest.mark.parametrize("seed", range(3))
def test_no_water_no_flood(seed):
    dry, before = scene(country(seed=seed), seed), scene(country(seed=seed), seed + 50)
    for found in (water_extent(dry), water_extent(dry, before)):
        assert (found.flood == 0).all()
        assert found.attrs["flooded_share"] == 0
        assert float(found.probability.max()) < 0.5
    assert any("Aucune étendue d'eau nette" in n["fr"] for n in found.attrs["notes"])


def test_wetter_soil_everywhere_is_no_flood():
    """Two scenes of one dry country, the second brighter by moisture and rougher by tillage."""
    before = scene(country(seed=4), 4)
    after = scene(country(seed=4) + 0.8, 5)
    assert (water_extent(after, before).flood == 1).mean() < 0.001


def test_without_measurement_nothing_is_said():
    water = lake()
    after = scene(country(water=water))
    after.values[:, :40] = np.nan
    after.values[1, 100:110, 100:110] = -32768
    found = water_extent(after)
    unmeasured = np.zeros(water.shape, bool)
    unmeasured[:40] = unmeasured[100:110, 100:110] = True
    assert np.isnan(found.probability.values[unmeasured]).all()
    assert (found.flood.values[unmeasured] == 255).all()
    assert (found.permanent.values[unmeasured] == 255).all()
    assert np.isfinite(found.probability.values[~unmeasured]).all()
    assert iou((found.flood.values == 1)[~unmeasured], water[~unmeasured]) > 0.9


def test_blocks_do_not_change_the_result():
    water = lake(300)
    y, x = np.mgrid[-1:1:300j, -1:1:300j]
    dem = xr.DataArray(20 + 6 * np.hypot(x, y), dims=("y", "x"))
    after = scene(country(304, water=None)[:, :300, :300], 7)
    after.values[:] = scene(
        np.where(water, np.array([-18.5, -26.0])[:, None, None], country(304)[:, :300, :300]), 7
    ).values
    before = scene(country(304)[:, :300, :300], 8)
    dem = dem.assign_coords(y=after.y, x=after.x).rio.write_crs(after.rio.crs)
    dem = dem.rio.write_transform(after.rio.transform())
    whole = water_extent(after, before, dem=dem, block=1024)
    parts = water_extent(after, before, dem=dem, block=100)
    assert (whole.flood.values == parts.flood.values).all()
    assert np.nanmax(np.abs(whole.probability.values - parts.probability.values)) < 2e-3
    assert (whole.permanent.values == parts.permanent.values).all()


def test_trees_beside_the_flood_are_not_called_dry():
    water, wood = lake(), np.zeros((256, 256), bool)
    wood[100:160, 150:200] = True
    far = np.zeros_like(wood)
    far[:30, :30] = True
    before = country()
    before[:, wood | far] = np.array([[-7.6], [-11.5]])
    after = before.copy()
    after[:, water & ~wood] = np.array([[-18.5], [-26.0]])
    found = water_extent(scene(after, 1), scene(before, 2)).flood.values
    inside = ndimage.binary_erosion(wood, iterations=3)
    assert (found[inside] == 255).mean() > 0.95
    assert (found[ndimage.binary_erosion(far, iterations=3)] == 0).all()  # no flood there


def test_streets_of_a_dense_quarter_are_not_called_dry_but_a_lone_farm_hides_nothing():
    water = lake(radius=0.25, centre=(0.5, 0.3))
    town = np.zeros((256, 256), bool)
    town[90:170, 130:200] = True
    before = country()
    wall = town & (np.indices((256, 256)).sum(0) % 5 < 2) & (np.indices((256, 256))[0] % 4 < 3)
    farm = np.zeros_like(town)
    farm[60:63, 150:153] = True
    before[:, town] = np.array([[-12.0], [-20.0]])
    before[:, wall | farm] = np.array([[-2.0], [-10.0]])
    after = before.copy()
    after[:, water & ~town] = np.array([[-18.5], [-26.0]])
    found = water_extent(scene(after, 1), scene(before, 2)).flood.values
    near = np.arange(256)[None, :] < 160  # 200 m from the flood at most
    inside = ndimage.binary_erosion(town, iterations=6) & near
    assert (found[inside] == 255).mean() > 0.95
    assert (found[50:75, 140:165] == 0).mean() > 0.95


def test_a_scene_teaches_its_part_what_water_looks_like():
    """A commune all of land but for a strip: alone, it has too little water to learn from."""
    water = lake(512, radius=0.2, centre=(0.75, 0.75))
    water[20:60, 20:26] = True
    # Rough with wind: not as dark as usual water.
    mean = country(512)
    mean[:, water] = np.array([[-15.0], [-22.5]])
    wide, past = scene(mean, 1), scene(country(512), 2)
    part = {"y": slice(0, 128), "x": slice(0, 128)}
    cut = [s.isel(part).rio.write_transform(s.rio.transform()) for s in (wide, past)]
    alone = water_extent(*cut)
    taught = water_extent(*cut, learn_from=(wide, past, None))
    whole = water_extent(wide, past)
    assert not any("bimodale" in n["fr"] for n in alone.attrs["notes"])
    assert taught.attrs["thresholds"] == whole.attrs["thresholds"]
    assert iou(taught.flood.values == 1, water[:128, :128]) > 0.7
    inner = np.s_[:100, :100]
    assert (taught.flood.values[inner] == whole.flood.values[inner]).mean() > 0.998
    with pytest.raises(ValueError, match="same images"):
        water_extent(*cut, learn_from=(wide, None, None))


def test_water_does_not_stand_on_a_slope():
    """Two dark sheets, one of them on a hillside: radar shadow looks like water."""
    valley, shadow = lake(radius=0.15, centre=(0.5, 0.25)), lake(radius=0.12, centre=(0.5, 0.8))
    after = scene(country(water=valley | shadow), 1)
    height = np.where(np.arange(256) > 128, (np.arange(256) - 128) * 10 * 0.45, 0.0)
    dem = xr.DataArray(
        np.broadcast_to(50 + height + 0.0, (256, 256)).astype("f4"),
        {"y": after.y, "x": after.x}, ("y", "x"),
    )  # fmt: skip
    dem = dem.rio.write_crs(after.rio.crs).rio.write_transform(after.rio.transform())
    wet = water_extent(after, dem=dem).flood.values == 1
    assert wet[valley].mean() > 0.9
    assert wet[shadow].mean() < 0.02
    with pytest.raises(InvalidInput, match="grille"):
        water_extent(after, dem=dem[:-1])


def test_height_above_drainage_of_a_valley():
    y, x = np.mgrid[:120, :120]
    z = np.abs(x - 60) * 0.5 + (119 - y) * 0.05
    hand = terrain.height_above_drainage(z, (30.0, 30.0), 0.2)
    assert np.allclose(hand[60:110, 60], 0, atol=1e-6)
    # Water takes the diagonal, the steepest way: 0.50 m across and 0.05 m along a cell.
    assert np.allclose(hand[50, 61:85], np.arange(1, 25) * 0.55, atol=1e-3)
    pit = z.copy()
    pit[50, 80] = -5  # a pit drains over its sill, and does not become a stream
    again = terrain.height_above_drainage(pit, (30.0, 30.0), 0.2)
    assert again[50, 82] == pytest.approx(hand[50, 82], abs=0.6)


def test_specks_are_dropped_and_shallow_rims_followed():
    p = np.full((80, 80), 0.02, np.float32)
    p[20:40, 20:40] = 0.99
    p[40:46, 20:40] = 0.4  # touches sure water
    p[60:64, 60:64] = 0.99  # 1,600 m²: a speck
    p[5:9, 5:30] = 0.4  # touches nothing sure
    p[28:31, 28:31] = 0.1  # a hole of 900 m²
    p[70:, :5] = np.nan
    out, extent = hysteresis(p, 100.0)
    expected = np.zeros(p.shape, np.uint8)
    expected[20:46, 20:40] = 1
    expected[70:, :5] = 255
    assert (extent == expected).all()
    known = extent != 255
    assert ((out >= 0.5) == (extent == 1))[known].all()
    assert np.isnan(out[~known]).all()


# --- Optical ---------------------------------------------------------------------------------


def sentinel_2(water, like, seed=0):
    rng = np.random.default_rng([seed, 13])
    land, wet = np.array([0.08, 0.30, 0.22]), np.array([0.07, 0.04, 0.02])
    mean = np.where(water, wet[:, None, None], land[:, None, None])
    values = np.maximum(mean + rng.normal(0, 0.008, mean.shape), 0.005)
    out = xr.DataArray(values.astype("f4"), {"band": ["B3", "B8", "B11"], "y": like.y, "x": like.x},
                       ("band", "y", "x"))  # fmt: skip
    return out.rio.write_crs(like.rio.crs).rio.write_transform(like.rio.transform())


def test_optical_sees_what_radar_misses():
    """Half of the flood is rough with wind: as bright as fields for radar."""
    water = lake()
    mean = country(water=water)
    rough = water & (np.arange(256)[None, :] > 128)
    mean[:, rough] = country()[:, rough] - 1.5
    after = scene(mean, 1)
    image = sentinel_2(water, after)
    alone, both = water_extent(after), water_extent(after, optical=image)
    assert iou(both.flood.values == 1, water) > 0.95
    assert iou(both.flood.values == 1, water) > iou(alone.flood.values == 1, water) + 0.2
    for other in (image * 10_000, image * 10_000 + 1000):
        other = other.rio.write_crs(image.rio.crs)
        again = water_extent(after, optical=other)
        assert (again.flood.values == both.flood.values).mean() > 0.999
    assert any("offset -1000" in n["fr"] for n in again.attrs["notes"])


def test_stalks_above_water_do_not_make_it_dry_where_radar_saw_the_change():
    """A third of the flood stands in crops: from above it has the colour of dry fields."""
    water = lake()
    stalks = water & (np.arange(256)[None, :] > 150)
    after, before = scene(country(water=water), 1), scene(country(), 2)
    image = sentinel_2(water & ~stalks, after)
    radar_alone = water_extent(after, before).flood.values == 1
    both = water_extent(after, before, image).flood.values == 1
    assert both[stalks].mean() > 0.95
    assert iou(both, water) > 0.97 and iou(both, water) >= iou(radar_alone, water) - 0.005


def test_bare_ground_from_above_tells_dark_fields_from_a_flood():
    """Radar sees these fields go as dark as water; from above no water has their colour."""
    water = lake(radius=0.25, centre=(0.35, 0.35))
    smooth = lake(radius=0.15, centre=(0.8, 0.8))
    mean = country(water=water)
    mean[:, smooth] = np.array([[-15.5], [-22.5]])
    after, before = scene(mean, 1), scene(country(), 2)
    image = sentinel_2(water, after)
    soil = np.array([0.12, 0.25, 0.30])[:, None, None]
    image.values[:] = np.where(smooth, soil + 0.01 * np.sin(np.arange(256)), image.values)
    alone, both = water_extent(after, before), water_extent(after, before, image)
    assert float(both.probability.values[smooth].mean()) <= float(
        alone.probability.values[smooth].mean()
    )
    assert iou(both.flood.values == 1, water) >= iou(alone.flood.values == 1, water)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.02, 0.6), st.floats(0.0, 0.9), st.integers(0, 99))
def test_a_colour_says_as_much_as_radar_found_under_it(share, hidden, seed):
    """``hidden``: part of the water that has the colour of plants."""
    rng = np.random.default_rng(seed)
    wet = rng.uniform(size=20_000) < share
    open_water = wet & (rng.uniform(size=wet.size) > hidden)
    colour = np.where(open_water, 0.6, -0.45), np.where(open_water, 0.5, -0.65)
    found = optical.weigh(np.stack(colour), np.where(wet, 6.0, -6.0))
    plants, clear = found.log_odds(np.array([[-0.45, 0.6], [-0.65, 0.5]]))
    prior = np.log(wet.mean() / (1 - wet.mean()))
    truth = wet[~open_water].mean()
    if 0.05 < truth < 0.95:
        assert plants == pytest.approx(np.log(truth / (1 - truth)) - prior, abs=0.3)
    assert plants < 0.05 and (clear > 0.3 or open_water.sum() < 50)


def test_dark_fields_of_the_scene_before_are_no_permanent_water():
    """No water before, and fields of which some are darker: they had passed for all of it."""
    after, before, flood = flood_scenes.simulate(5, 1.4)
    found = water_extent(flood_scenes.raster(after), flood_scenes.raster(before))
    assert iou(found.flood.values == 1, flood) > 0.7
    assert (found.permanent.values == 1).mean() < 0.02


@settings(max_examples=30, deadline=None)
@given(st.booleans(), st.booleans(), st.integers(0, 99))
def test_calibrated_probabilities_keep_their_order_and_the_extent(before, with_optical, seed):
    rng = np.random.default_rng(seed)
    p = rng.uniform(size=(7, 300)).astype("f4") ** 2
    p[0, :5] = np.nan
    wet = p >= 0.5
    was = p.copy()
    calibrate(p, wet, before, with_optical)
    known = np.isfinite(was)
    assert np.array_equal(known, np.isfinite(p))
    assert ((p >= 0.5) == wet)[known].all() and (p[known] > 0).all() and (p[known] < 1).all()
    order = np.argsort(was[known])
    assert (np.diff(p[known][order]) >= 0).all()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda i: (i * 255).round(), "réflectances"),
        (lambda i: i * np.nan, "aucune mesure"),
        (lambda i: i.isel(band=[0, 1]), "swir"),
        (lambda i: i[:, :-3], "grille"),
    ],
    ids=["picture", "empty", "no-swir", "other-grid"],
)
def test_an_optical_image_that_does_not_serve_is_named(spoil, words):
    after = scene(country(64, water=lake(64)))
    with pytest.raises(InvalidInput, match=words):
        water_extent(after, optical=spoil(sentinel_2(lake(64), after)))


def test_bands_are_found_by_name_or_order():
    assert optical.band_indices(("Red", "GREEN", "NIR08", "swir16")) == {
        "green": 1, "nir": 2, "swir": 3,
    }  # fmt: skip
    thirteen = optical.band_indices([None] * 13)
    assert thirteen == {"green": 2, "nir": 7, "swir": 11, "blue": 1}


# --- Files and the command -------------------------------------------------------------------


def write(path, raster, tags=None, crs="EPSG:32631", dtype="float32"):
    profile = {
        "driver": "GTiff", "count": raster.shape[0], "height": raster.shape[1], "dtype": dtype,
        "width": raster.shape[2], "crs": crs, "nodata": float("nan"),
        "transform": raster.rio.transform(recalc=True) if crs else rasterio.Affine.identity(),
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(raster.values.astype(dtype))
        file.descriptions = tuple(str(b) for b in raster.band.values)
        file.update_tags(**(tags or {}))
    return path


def run(*arguments):
    from eo_helpers.cli import main

    with pytest.raises(SystemExit) as stop:
        main(["flood", "extent", *map(str, arguments)])
    return stop.value.code


def test_the_command_writes_a_mask_and_says_what_it_took(tmp_path, capsys):
    water = lake()
    after = write(tmp_path / "a.tif", scene(country(water=water), 1), {"RELATIVE_ORBIT": "30"})
    before = write(tmp_path / "b.tif", in_decibels(scene(country(), 2)), {"RELATIVE_ORBIT": "30"})
    out, prob = tmp_path / "m.tif", tmp_path / "p.tif"
    assert run("--after", after, "--before", before, "-o", out, "--probability", prob) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "puissance linéaire" in captured.err and "décibels" in captured.err
    with rasterio.open(out) as file, rasterio.open(prob) as p:
        mask = file.read(1)
        assert file.dtypes == ("uint8",) and file.nodata == 255 and p.dtypes == ("float32",)
        assert iou(mask == 1, water) > 0.9
        assert file.tags()["UNITS_READ"] == "linear power"
        assert ((p.read(1) >= 0.5) == (mask == 1))[mask != 255].all()
    assert sorted(x.name for x in tmp_path.iterdir()) == [
        "a.tif",
        "b.tif",
        "m.qml",
        "m.tif",
        "p.qml",
        "p.tif",
    ]


def test_scenes_that_do_not_go_together_are_refused(tmp_path, capsys):
    here = scene(country(64, water=lake(64)))
    after = write(
        tmp_path / "a.tif", here, {"RELATIVE_ORBIT": "30", "ORBIT_DIRECTION": "ASCENDING"}
    )
    orbit = write(tmp_path / "o.tif", here, {"RELATIVE_ORBIT": "8"})
    way = write(tmp_path / "w.tif", here, {"ORBIT_DIRECTION": "descending"})
    lost = write(tmp_path / "l.tif", here, crs=None)
    away = write(tmp_path / "e.tif", here.assign_coords(x=here.x + 300_000))
    (tmp_path / "t.tif").write_bytes(after.read_bytes()[:200])
    for other, words in (
        (orbit, "orbite 30 et 8"), (way, "sens de passage"), (lost, "système de coordonnées"),
        (away, "ne recouvre pas"), (tmp_path / "t.tif", "ne peut pas être lu"),
        (tmp_path / "none.tif", "ne peut pas être lu"),
    ):  # fmt: skip
        assert run("--after", after, "--before", other, "-o", tmp_path / "m.tif") == 2
        assert words in capsys.readouterr().err
    assert run("--after", after, "-o", tmp_path / "no" / "m.tif") == 2
    assert run("--after", after, "-o", tmp_path / "m.png") == 2
    assert not (tmp_path / "m.tif").exists()


def test_a_scene_before_on_another_grid_is_brought_to_the_first(tmp_path):
    water = lake()
    after = write(tmp_path / "a.tif", scene(country(water=water), 1))
    before = scene(country(), 2).rio.reproject("EPSG:2154", resolution=10.0, nodata=np.nan)
    before = write(tmp_path / "b.tif", before, crs="EPSG:2154")
    with files.on_one_grid(after, before) as inputs:
        assert inputs["before"].shape == inputs["after"].shape
        found = water_extent(inputs["after"], inputs["before"])
    assert iou(found.flood.values == 1, water) > 0.88


# --- Real and demonstration scenes -----------------------------------------------------------


@pytest.fixture(scope="module")
def spain(shared_data):
    folder = shared_data / "flood" / "sen1floods11_spain"
    s1 = rioxarray.open_rasterio(folder / "S1Hand.tif", masked=True)
    s2 = rioxarray.open_rasterio(folder / "S2Hand.tif", masked=True)
    label = rioxarray.open_rasterio(folder / "LabelHand.tif")[0].values
    return s1, s2, label


def against(label, water):
    known = label >= 0
    return iou(water[known], (label == 1)[known])


def test_a_real_flood_by_radar_and_with_an_optical_image(spain):
    s1, s2, label = spain
    vv, vh = s1.values
    both = vv + vh
    smooth = ndimage.gaussian_filter(both, 1.5)
    plain = {
        "VH": against(label, (m := ndimage.median_filter(vh, 5)) < otsu(m)),
        "VV": against(label, (m := ndimage.median_filter(vv, 5)) < otsu(m)),
        "VV+VH": against(label, smooth < otsu(smooth)),
    }
    alone = against(label, water_extent(s1).flood.values == 1)
    fused = against(label, water_extent(s1, optical=s2).flood.values == 1)
    i = s2.values.astype(float)
    mndwi = (i[2] - i[11]) / np.maximum(i[2] + i[11], 1)
    water_index = against(label, mndwi > otsu(mndwi))
    # 0.518 is what the best single threshold on VV+VH would reach, were labels known.
    assert alone > 0.518 and alone > max(plain.values()), (alone, plain)
    assert fused >= 0.675 and fused > water_index > 0.6


def test_the_demonstration_flood_is_found(demo_dir):
    # The whole valley; north and south of it nothing is wet.
    before, after = (
        rioxarray.open_rasterio(p, masked=True).isel(y=slice(250, 1200))
        for p in sorted((demo_dir / "flood").glob("*.tif"))
    )
    found = water_extent(after, before)
    truth = rioxarray.open_rasterio(demo_dir / "truth" / "flood_extent.tif")[0]
    wet = truth.rio.reproject_match(found.flood).values == 1
    seen = found.flood.values != 255
    assert iou((found.flood.values == 1)[seen], wet[seen]) > 0.88
    assert iou(found.flood.values == 1, wet) > 0.78
    permanent = rioxarray.open_rasterio(demo_dir / "truth" / "permanent_water.tif")[0]
    always = permanent.rio.reproject_match(found.flood).values == 1
    assert ((found.flood.values == 1) & always).sum() < 0.02 * wet.sum()


def test_a_model_of_a_scene_without_water_takes_water_for_rare():
    dry = speckle.to_decibels(scene(country()).values, "linear power")
    model = radar.learn([dry[:, :128, :128], dry[:, 128:, 128:]], ("VV", "VH"))
    assert model.separations == ()
    assert model.water.share < 0.01
    assert (model.log_odds(np.array([[-10.0], [-17.0]], np.float32)) < -5).all()
    assert (model.log_odds(np.array([[-19.0], [-26.5]], np.float32)) > 0).all()


def test_the_mask_is_a_cog_with_its_style(tmp_path):
    import rasterio
    import xarray as xr
    from affine import Affine

    from eo_helpers.flood import files
    from eo_helpers.flood.sentences import MASK_LEGEND

    rng = np.random.default_rng(2)
    codes = xr.DataArray(rng.choice([0, 1, 255], (1200, 1300)).astype(np.uint8), dims=("y", "x"))
    codes = codes.rio.write_crs(2154).rio.write_transform(Affine(5, 0, 7e5, 0, -5, 6.6e6))
    path = tmp_path / "eau.tif"
    files.write_raster(path, codes, 255, {"METHOD": "x"})
    files.write_style(path, MASK_LEGEND)
    with rasterio.open(path) as file:
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG" and file.overviews(1)
        assert file.tags()["METHOD"] == "x" and file.nodata == 255
        assert (file.read(1) == codes.values).all()
        levels = {int(v) for v in np.unique(file.read(1, out_shape=(300, 325)))}
        assert levels <= {0, 1, 255}  # an overview invents no code
    assert 'value="255"' in path.with_suffix(".qml").read_text(encoding="utf-8")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["eau.qml", "eau.tif"]
