"""Shorelines from images: a known beach with tide, clouds and misplaced images."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from affine import Affine

from eo_helpers.cli import main
from eo_helpers.coastline.alignment import image_shift
from eo_helpers.coastline.bands import image_date, open_image
from eo_helpers.coastline.positions import correct_tide, shoreline_positions
from eo_helpers.coastline.shoreline import separate, shoreline, together
from eo_helpers.coastline.tides import levels_at, read_levels
from eo_helpers.coastline.transects import draw_transects
from eo_helpers.demo.coast import SLOPE, beach_of, write_beach
from eo_helpers.errors import InvalidInput


@pytest.fixture(scope="module")
def beach(tmp_path_factory):
    folder = tmp_path_factory.mktemp("beach")
    made = beach_of(1, (480_000.0, 5_450_000.0), images=11)
    return folder, write_beach(made, folder, 1), made


@pytest.fixture(scope="module")
def seen(beach):
    """Lines of all images, as they are and aligned, with the shifts that were found."""
    folder, truth, _ = beach
    reference = gpd.read_file(folder / "reference.geojson")
    onto = open_image(folder / truth.loc[truth["cloud_share"].idxmin(), "image"])
    plain, aligned, shifts = [], [], []
    for name in truth["image"]:
        image = open_image(folder / name)
        shift = image_shift(image, onto)
        shifts.append(shift)
        try:
            plain.append(shoreline(image, reference=reference))
            aligned.append(shoreline(image, reference=reference, shift=shift[:2]))
        except InvalidInput as error:
            assert "nuages" in error.fr
    return reference, together(plain), together(aligned), np.array(shifts)


def errors(lines, reference, beach, tide):
    folder, truth, _ = beach
    across = draw_transects(reference, spacing=50)
    got = shoreline_positions(lines.assign(date=pd.to_datetime(lines["date"], utc=True)), across)
    if tide:
        level = levels_at(got["date"], read_levels(folder / "tide.csv"))
        got = correct_tide(got, level, SLOPE)
    known = truth.assign(date=truth["date"].astype(got["date"].dtype))
    both = got.merge(known, on="date").merge(across[["transect", "landward_m"]], on="transect")
    assert len(both) == len(got)
    return both["distance_m"] - both["landward_m"] - both["moved_m"]


def test_tidal_correction_and_alignment_bring_the_shore_to_its_place(seen, beach):
    reference, plain, aligned, _ = seen
    before = errors(plain, reference, beach, tide=False)
    after = errors(plain, reference, beach, tide=True)
    best = errors(aligned, reference, beach, tide=True)

    def rmse(e):
        return float(np.sqrt((e**2).mean()))

    assert rmse(before) > 13
    assert rmse(best) < rmse(after) < rmse(before)
    # Less than a cell, although the short-wave infrared has cells of 20 m.
    assert rmse(best) < 10 and abs(best.mean()) < 8
    assert best.std() < 7


def test_shifts_are_found_on_land_to_a_metre(seen, beach):
    truth, shifts = beach[1], seen[3]
    known = np.isfinite(shifts[:, 2])
    assert known.sum() >= 6
    apart = (shifts[:, :2] + truth[["east_m", "north_m"]].to_numpy())[known]
    # Against one image that is misplaced itself: the common part is not told.
    assert (np.median(np.abs(apart - np.median(apart, axis=0)), axis=0) < 1.0).all()


def test_clouds_are_left_out_and_quality_says_so(seen, beach):
    truth, plain = beach[1], seen[1]
    assert len(plain) == len(truth) - 1  # one image is all clouds
    both = plain.merge(truth, on="image")
    assert np.corrcoef(both["hidden_share"], both["cloud_share"])[0, 1] > 0.8
    assert (both.loc[both["cloud_share"] == 0, "quality"] == "good").all()
    assert (both.loc[both["hidden_share"] > 0.4, "quality"] == "poor").all()


def write(path, bands, names, dtype="uint16", tags=None, crs=32630):
    with rasterio.open(
        path, "w", driver="GTiff", height=80, width=80, count=len(bands), dtype=dtype, crs=crs,
        transform=Affine(10, 0, 600_000, 0, -10, 5_000_000),
    ) as file:  # fmt: skip
        file.write(np.stack(bands).astype(dtype))
        file.update_tags(**(tags or {}))
        for k, name in enumerate(names, 1):
            file.set_band_description(k, name)


def half(land, sea, edge=40.0):
    """Sea to the west of column ``edge``, mixed in the cell that it cuts."""
    share = np.clip(edge - np.arange(80), 0, 1)
    return np.tile(sea * share + land * (1 - share), (80, 1))


LIGHT = {"green": (0.10, 0.05), "nir": (0.20, 0.02), "swir": (0.10, 0.02)}


@pytest.mark.parametrize(
    ("names", "factor", "offset", "tags", "sensor"),
    [
        (("B03", "B08", "B11"), 1e4, 0, {}, "sentinel2"),
        (("B03", "B08", "B11"), 1e4, 1000, {"BOA_ADD_OFFSET": "-1000"}, "sentinel2"),
        (("SR_B3", "SR_B5", "SR_B6"), 1 / 2.75e-5, 0.2 / 2.75e-5,
         {"SPACECRAFT_ID": "LANDSAT_8"}, "landsat8"),
        (("SR_B2", "SR_B4", "SR_B5"), 1 / 2.75e-5, 0.2 / 2.75e-5,
         {"SPACECRAFT_ID": "LANDSAT_5"}, "landsat5"),
    ],
)  # fmt: skip
def test_sentinel_and_landsat_are_read_as_reflectance(
    tmp_path, names, factor, offset, tags, sensor
):
    path = tmp_path / "image_20200714.tif"
    write(path, [half(*LIGHT[b]) * factor + offset for b in LIGHT], names, tags=tags)
    image = open_image(path)
    assert image.attrs["sensor"] == sensor and image.attrs["date"].startswith("2020-07-14")
    assert float(image["swir"][40, 70]) == pytest.approx(0.10, abs=2e-4)
    line = shoreline(image).geometry.iloc[0]
    west, _, east, _ = line.bounds
    # Sub-pixel: the shore is at column 40, the edge between two cells.
    assert abs(west - 600_400) < 6 and east - west < 1


def test_the_contour_moves_by_parts_of_a_cell(tmp_path):
    places = []
    for k, edge in enumerate((40.0, 40.25, 40.5, 40.75)):
        path = tmp_path / f"{k}.tif"
        write(path, [half(*LIGHT[b], edge=edge) * 1e4 for b in LIGHT], ("B3", "B8", "B11"))
        places.append(shoreline(open_image(path), threshold=0.1).geometry.iloc[0].bounds[0])
    assert np.diff(places).min() > 0.3 and places[-1] - places[0] < 10


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("no sea", "ne se distinguent pas"), ("picture", "réflectances"),
        ("bands", "introuvable"), ("crs", "système de coordonnées"), ("empty", "aucune mesure"),
    ],
)  # fmt: skip
def test_bad_images_are_one_sentence(tmp_path, change, word):
    path = tmp_path / "image.tif"
    rng = np.random.default_rng(0)
    bands = [half(*LIGHT[b]) * 1e4 for b in LIGHT]
    names, options = ("B3", "B8", "B11"), {}
    if change == "no sea":
        bands = [np.full((80, 80), 1000.0) + rng.normal(0, 20, (80, 80)) for _ in bands]
    elif change == "picture":
        bands, options = [b / 1e4 * 255 for b in bands], {"dtype": "uint8"}
    elif change == "bands":
        names = ("B3", "B8", "B4")
    elif change == "crs":
        options = {"crs": None}
    elif change == "empty":
        bands, options = [np.full((80, 80), np.nan)] * 3, {"dtype": "float32"}
    write(path, bands, names, **options)
    with pytest.raises(InvalidInput, match=word):
        shoreline(open_image(path))


def test_a_reference_elsewhere_is_told(tmp_path):
    path = tmp_path / "image.tif"
    write(path, [half(*LIGHT[b]) * 1e4 for b in LIGHT], ("B3", "B8", "B11"))
    far = gpd.GeoDataFrame(
        geometry=[shapely.LineString([(0, 5_000_000), (100, 5_000_000)])], crs=32630
    )
    with pytest.raises(InvalidInput, match="ne se trouve pas dans l'image"):
        shoreline(open_image(path), reference=far)


def test_dates_come_from_the_metadata_then_from_the_name():
    assert image_date({"DATE_ACQUIRED": "2019-02-03"}, "x_20200101.tif") == "2019-02-03T00:00:00Z"
    name = "S2A_MSIL2A_20180803T105019_N0208_R051.tif"
    assert image_date({}, name) == "2018-08-03T10:50:19Z"
    assert image_date({}, "image.tif") == ""


def test_otsu_parts_two_classes():
    rng = np.random.default_rng(0)
    got = separate(np.concatenate([rng.normal(-0.4, 0.1, 4000), rng.normal(0.5, 0.1, 1000)]))
    assert -0.15 < got.threshold < 0.25
    assert got.water == pytest.approx(0.2, abs=0.01) and got.explained > 0.8


def test_the_command_writes_dated_lines_and_leaves_clouds_out(beach, tmp_path, capsys):
    folder, truth, _ = beach
    cloudy = truth.loc[truth["cloud_share"] == 1, "image"].iloc[0]
    clear = truth.loc[truth["cloud_share"] == 0, "image"].iloc[0]
    args = ["coastline", "shoreline", "--reference", str(folder / "reference.geojson")]
    for name in (clear, cloudy):
        args += ["--image", str(folder / name)]
    with pytest.raises(SystemExit) as stop:
        main([*args, "-o", str(tmp_path / "line.gpkg")])
    told = capsys.readouterr().err
    assert stop.value.code == 0 and f"« {cloudy} »" in told
    got = gpd.read_file(tmp_path / "line.gpkg")
    assert len(got) == 1 and got.crs.is_projected
    assert (
        str(got["date"].iloc[0])[:10] == f"{truth.set_index('image').loc[clear, 'date']:%Y-%m-%d}"
    )
    with pytest.raises(SystemExit) as stop:
        main([*args[:4], "--image", str(folder / cloudy), "-o", str(tmp_path / "no.gpkg")])
    assert stop.value.code == 2 and not (tmp_path / "no.gpkg").exists()
