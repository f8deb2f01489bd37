"""Readers of the flood theme: what they take of a folder for a commune, and what they refuse."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
import xarray as xr
from pyproj import Transformer
from rasterio.transform import from_origin

from eo_helpers import catalog
from eo_helpers.errors import InvalidInput, OutOfCoverage
from eo_helpers.flood.data import inside_of, read_extent, read_radar, read_terrain
from eo_helpers.flood.extent import water_extent
from eo_helpers.flood.swot import compare, read_raster, read_river
from eo_helpers.territory.commune import Commune

X0, Y0 = 480_000.0, 6_690_000.0


def commune(size: float = 1000.0, x0: float = X0, y0: float = Y0) -> Commune:
    """A square commune of ``size`` metres in EPSG:2154."""
    to_degrees = Transformer.from_crs("EPSG:2154", "EPSG:4326", always_xy=True)
    square = shapely.segmentize(shapely.box(x0, y0, x0 + size, y0 + size), 50)
    boundary = shapely.transform(square, to_degrees.transform, interleaved=False)
    return Commune("99001", "Épreuve", "99", boundary)


def holding(*entries):
    """Files as a catalogue gives them: (path, ISO instant or None)."""
    items = tuple(
        SimpleNamespace(
            datetime=dt.datetime.fromisoformat(moment) if moment else None,
            assets={"data": SimpleNamespace(href=str(path))},
        )
        for path, moment in entries
    )
    return SimpleNamespace(items=items, paths=[Path(p) for p, _ in entries])


def write(path, values, *, x0=X0 - 3000, y0=Y0 + 4000, step=20.0, crs="EPSG:2154", nodata=np.nan,
          names=None, tags=None):  # fmt: skip
    values = np.asarray(values)
    values = values[None] if values.ndim == 2 else values
    transform = from_origin(x0, y0, step, step) if crs else rasterio.Affine.identity()
    with rasterio.open(path, "w", driver="GTiff", count=len(values), height=values.shape[1],
                       width=values.shape[2], dtype=values.dtype, crs=crs, transform=transform,
                       nodata=nodata) as file:  # fmt: skip
        file.write(values)
        file.update_tags(**(tags or {}))
        if names:
            file.descriptions = names
    return path


def scene(path, level=0.1, n=350, **more):
    rng = np.random.default_rng(round(level * 1e4))
    values = level * rng.gamma(4.4, 1 / 4.4, (2, n, n)).astype("f4")
    values[1] /= 5
    return write(path, values, names=("VV", "VH"), **more)


# --- Radar -----------------------------------------------------------------------------------


def test_the_last_scene_is_the_flood_and_the_one_before_its_reference(tmp_path):
    files = [
        (scene(tmp_path / "a.tif", 0.11), "2024-01-03T06:00:00+00:00"),
        (scene(tmp_path / "b.tif", 0.12), "2024-01-15T06:00:00+00:00"),
        (scene(tmp_path / "c.tif", 0.13), "2024-01-27T06:00:00+00:00"),
    ]
    found = read_radar(holding(*files), commune(), wide=0)
    assert found.after_date.startswith("2024-01-27")
    assert found.before_date.startswith("2024-01-15")
    assert found.before is not None and found.before.shape == found.after.shape
    assert list(found.after.band.values) == ["VV", "VH"]
    # Pixels are the file's own, none was made from two: speckle is untouched.
    with rasterio.open(files[2][0]) as file:
        col, row = ~file.transform * (float(found.after.x[0]), float(found.after.y[0]))
        own = file.read()[:, int(row) :, int(col) :]
    n, m = found.after.shape[1:]
    assert (own[:, :n, :m] == found.after.values).all()
    # Two kilometres around the commune are there, and it is inside.
    assert n * 20 == pytest.approx(5000, abs=100)
    assert inside_of(found.after, commune()).sum() * 400 == pytest.approx(1e6, rel=0.05)
    chosen = read_radar(holding(*files), commune(), after="2024-01-15", before="2024-01-03")
    assert chosen.after_date[:10] == "2024-01-15" and chosen.before_date[:10] == "2024-01-03"


def test_what_is_learnt_from_is_wider_than_what_is_given(tmp_path):
    files = [
        (scene(tmp_path / "a.tif", 0.11), "2024-01-03"),
        (scene(tmp_path / "b.tif", 0.12), "2024-01-15"),
    ]
    found = read_radar(holding(*files), commune(), margin=500, wide=2500)
    assert found.learn_from is not None and found.before is not None
    for near, far in zip((found.after, found.before), found.learn_from, strict=False):
        assert far is not None
        assert near.shape[1] * 20 == pytest.approx(2000, abs=60)
        assert far.shape[1] * 20 == pytest.approx(6000, abs=60)
        same = far.sel(x=near.x, y=near.y)
        assert (same.values == near.values).all()
        assert near.rio.transform().c == pytest.approx(float(near.x[0]) - 10)
    water = water_extent(found.after, found.before, learn_from=found.learn_from)
    assert water.flood.shape == found.after.shape[1:]
    assert read_radar(holding(*files), commune(), margin=500, wide=0).learn_from is None


def test_another_orbit_is_left_out_and_said(tmp_path):
    flood = scene(tmp_path / "c.tif", tags={"RELATIVE_ORBIT": "30"})
    other = scene(tmp_path / "b.tif", 0.2, tags={"RELATIVE_ORBIT": "8"})
    same = scene(tmp_path / "a.tif", 0.3, tags={"RELATIVE_ORBIT": "30"})
    files = holding((same, "2024-01-03"), (other, "2024-01-10"), (flood, "2024-01-15"))
    found = read_radar(files, commune())
    assert found.before_date[:10] == "2024-01-03"
    assert "b.tif" in found.notes[0]["fr"] and "orbite" in found.notes[0]["fr"]
    with pytest.raises(InvalidInput, match="orbite"):
        read_radar(files, commune(), before="2024-01-10")
    alone = read_radar(holding((other, "2024-01-10"), (flood, "2024-01-15")), commune())
    assert alone.before is None and alone.before_date == ""


def test_a_scene_that_has_not_measured_the_commune_is_passed_over(tmp_path):
    good = scene(tmp_path / "a.tif")
    empty = write(tmp_path / "b.tif", np.full((2, 350, 350), np.nan, "f4"), names=("VV", "VH"))
    away = scene(tmp_path / "c.tif", x0=X0 + 400_000)
    files = [(good, "2024-01-03"), (empty, "2024-01-15"), (away, "2024-01-20")]
    assert read_radar(holding(*files), commune()).after_date[:10] == "2024-01-03"
    with pytest.raises(OutOfCoverage, match="Épreuve"):
        read_radar(holding(*files[1:]), commune())
    with pytest.raises(InvalidInput, match=r"dates présentes : 2024-01-03, 2024-01-15"):
        read_radar(holding(*files), commune(), after="2023-05-05")


def test_a_scene_without_place_or_whole_is_refused(tmp_path):
    lost = scene(tmp_path / "a.tif", crs=None)
    with pytest.raises(InvalidInput, match="système de coordonnées"):
        read_radar(holding((lost, "2024-01-03")), commune())
    (tmp_path / "b.tif").write_bytes(scene(tmp_path / "c.tif").read_bytes()[:300])
    with pytest.raises(InvalidInput, match="ne peut pas être lu"):
        read_radar(holding((tmp_path / "b.tif", "2024-01-03")), commune())


def test_a_reference_on_another_grid_is_brought_to_the_flood(tmp_path):
    flood = scene(tmp_path / "b.tif")
    old = scene(tmp_path / "a.tif", 0.2, step=25.0, x0=X0 - 3007, n=300)
    found = read_radar(holding((old, "2024-01-03"), (flood, "2024-01-15")), commune())
    assert found.before is not None
    assert (found.before.x == found.after.x).all() and (found.before.y == found.after.y).all()


def test_an_optical_image_of_the_same_days_is_taken(tmp_path):
    names = ("B2", "B3", "B4", "B8", "B11")
    values = np.full((5, 200, 200), 900, "u2") * np.arange(1, 6)[:, None, None].astype("u2")
    image = write(tmp_path / "o.tif", values, step=40.0, names=names, nodata=0)
    radar = holding((scene(tmp_path / "a.tif"), "2024-01-15T06:00:00"))
    near = holding((image, "2024-01-16T11:00:00"))
    found = read_radar(radar, commune(), optical=near)
    assert found.optical is not None
    assert list(found.optical.band.values) == ["green", "nir", "swir", "blue"]
    assert found.optical.shape[1:] == found.after.shape[1:]
    assert float(found.optical.sel(band="swir").median()) == 4500
    late = holding((image, "2024-01-25T11:00:00"))
    assert read_radar(radar, commune(), optical=late).optical is None


# --- Terrain ---------------------------------------------------------------------------------


def test_terrain_is_put_together_finest_on_top(tmp_path):
    coarse = write(tmp_path / "c.tif", np.full((500, 500), 10, "f4"), step=50.0, x0=X0 - 10_000,
                   y0=Y0 + 12_000, tags={"VERTICAL_DATUM": "NGF-IGN69"})  # fmt: skip
    fine = np.full((350, 350), 12.0, "f4")
    fine[100:120] = -9999
    fine = write(tmp_path / "f.tif", fine, step=5.0, x0=X0 - 500, y0=Y0 + 1200, nodata=-9999,
                 tags={"VERTICAL_DATUM": "NGF-IGN69"})  # fmt: skip
    found = read_terrain(holding((coarse, None), (fine, None)), commune())
    assert found.rio.crs == commune().crs and found.dtype == np.float32
    assert found.rio.resolution() == (5.0, -5.0)
    assert found.attrs["VERTICAL_DATUM"] == "NGF-IGN69"
    inside = found.values[inside_of(found, commune())]
    assert set(np.unique(inside)) == {10.0, 12.0}  # the void is filled by the coarse one
    assert (inside == 12).mean() > 0.85
    assert np.isfinite(found.values).all()


def test_heights_of_two_datums_are_not_mixed(tmp_path):
    low = write(tmp_path / "a.tif", np.full((350, 350), 10, "f4"), tags={"VERTICAL_DATUM": "A"})
    fine = np.full((700, 700), np.nan, "f4")
    fine[200:500, 200:500] = 12
    fine = write(tmp_path / "b.tif", fine, step=10.0, tags={"VERTICAL_DATUM": "B"})
    found = read_terrain(holding((low, None), (fine, None)), commune())
    assert found.attrs["VERTICAL_DATUM"] == "B"
    assert set(np.unique(found.values[np.isfinite(found.values)])) == {12.0}


def test_terrain_elsewhere_or_lost_is_said(tmp_path):
    away = write(tmp_path / "a.tif", np.zeros((50, 50), "f4"), x0=X0 + 90_000)
    with pytest.raises(OutOfCoverage, match="Épreuve"):
        read_terrain(holding((away, None)), commune())
    lost = write(tmp_path / "b.tif", np.zeros((50, 50), "f4"), crs=None)
    with pytest.raises(InvalidInput, match="système de coordonnées"):
        read_terrain(holding((lost, None)), commune())


def test_terrain_in_degrees_comes_out_in_metres(tmp_path):
    west, south, east, north = commune().bounds
    values = np.full((400, 400), 33, "f4")
    step = 2.0 * (east - west) / 200
    file = write(tmp_path / "d.tif", values, x0=west - (east - west), y0=north + (north - south),
                 step=step, crs="EPSG:4326")  # fmt: skip
    found = read_terrain(holding((file, None)), commune(), margin=100)
    assert found.rio.crs == commune().crs
    assert 5 < abs(found.rio.resolution()[0]) < 20
    assert np.nanmedian(found.values) == 33


# --- Ready-made extents ----------------------------------------------------------------------


def shapefile(folder, name, shapes, crs="EPSG:4326", **columns):
    frame = gpd.GeoDataFrame(columns or {"id": range(len(shapes))}, geometry=shapes, crs=2154)
    frame = frame.to_crs(crs)
    frame.to_file(folder / f"{name}.shp")
    return [p for p in folder.iterdir() if p.stem == name]


def ems(tmp_path, name, *, event=True, area=True, prj=True):
    """A Copernicus EMS archive: 60 ha flooded in the west of the commune, 2 km² observed."""
    folder = tmp_path / f"parts_{name}"
    folder.mkdir()
    parts = []
    code = f"{name}_AOI01_DEL_PRODUCT"
    if event:
        wet = shapely.box(X0, Y0, X0 + 600, Y0 + 1000)
        parts += shapefile(folder, f"{code}_observedEventA_v1", [wet], event_type=["5-Flood"],
                           obj_desc=["Riverine flood"], det_method=["Semi-automatic"],
                           notation=["Flooded area"])  # fmt: skip
    if area:
        seen = shapely.box(X0 - 500, Y0 - 500, X0 + 800, Y0 + 1500)
        parts += shapefile(folder, f"{code}_areaOfInterestA_v1", [seen])
    parts += shapefile(folder, f"{code}_hydrographyA_v1", [shapely.box(X0, Y0, X0 + 9, Y0 + 9)])
    path = tmp_path / f"{name}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for part in parts:
            if prj or part.suffix != ".prj":
                archive.write(part, f"{name}/{part.name}")
    return path


def area_ha(extent, code, where=None):
    inside = inside_of(extent, commune())
    step = abs(extent.rio.resolution()[0])
    return float(((extent.values == code) & inside).sum()) * step**2 / 1e4


def test_an_ems_archive_tells_flooded_dry_and_not_observed(tmp_path):
    path = ems(tmp_path, "EMSR123")
    extent, date = read_extent(holding((path, "2024-01-15T18:00:00")), commune())
    assert extent.rio.crs == commune().crs and extent.dtype == np.uint8
    assert area_ha(extent, 1) == pytest.approx(60, rel=0.03)
    assert area_ha(extent, 0) == pytest.approx(20, rel=0.05)
    assert area_ha(extent, 255) == pytest.approx(20, rel=0.05)  # beyond the area of interest
    assert date.startswith("2024-01-15")
    found = catalog.open_source("files", [tmp_path]).items("flood-extent")
    assert path in [Path(i.assets["data"].href) for i in found]


def test_an_archive_without_observed_event_is_named(tmp_path):
    path = ems(tmp_path, "EMSR124", event=False)
    with pytest.raises(InvalidInput, match="observedEvent") as caught:
        read_extent(holding((path, None)), commune())
    assert "EMSR124.zip" in caught.value.fr and "DEL" in caught.value.fr


def test_an_archive_without_coordinates_or_cut_short_is_named(tmp_path):
    with pytest.raises(InvalidInput, match="prj"):
        read_extent(holding((ems(tmp_path, "EMSR125", prj=False), None)), commune())
    whole = ems(tmp_path, "EMSR126").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InvalidInput, match="zip"):
        read_extent(holding((tmp_path / "cut.zip", None)), commune())


def test_the_last_extent_that_meets_the_commune_is_taken(tmp_path):
    here = ems(tmp_path, "EMSR127")
    away = gpd.GeoDataFrame(geometry=[shapely.box(X0 + 9e4, Y0, X0 + 9.1e4, Y0 + 900)], crs=2154)
    away.to_file(tmp_path / "2025-02-03_crue.gpkg")
    files = holding((here, "2024-01-15"), (tmp_path / "2025-02-03_crue.gpkg", None))
    _, date = read_extent(files, commune())
    assert date.startswith("2024-01-15")
    with pytest.raises(OutOfCoverage, match="Épreuve"):
        read_extent(holding((tmp_path / "2025-02-03_crue.gpkg", None)), commune())


def test_polygons_alone_say_that_the_rest_is_dry(tmp_path):
    frame = gpd.GeoDataFrame(geometry=[shapely.box(X0, Y0, X0 + 300, Y0 + 1000)], crs=2154)
    path = tmp_path / "crue_20240115.gpkg"
    frame.to_crs(32631).to_file(path)
    extent, date = read_extent(holding((path, None)), commune())
    assert date == "2024-01-15"
    assert area_ha(extent, 1) == pytest.approx(30, rel=0.03)
    assert not (extent == 255).any()


@pytest.mark.parametrize(
    ("dtype", "nodata", "hidden"),
    [("u1", 255, 255), ("i2", -1, -1), ("f4", np.nan, np.nan), ("u1", None, 255)],
)
def test_masks_of_all_kinds_are_read(tmp_path, dtype, nodata, hidden):
    values = np.zeros((400, 400))
    values[:, :200] = 1
    values[:100] = hidden
    path = write(tmp_path / "m.tif", values.astype(dtype), step=20.0, nodata=nodata)
    extent, _ = read_extent(holding((path, "2024-01-15")), commune())
    inside = inside_of(extent, commune())
    west = extent.x.values[None, :] < X0 - 3000 + 4000
    assert (extent.values[inside & west] == 1).all()
    assert (extent.values[inside & ~west] == 0).all()
    assert (extent.values[extent.y.values > Y0 + 4000 - 1990] == 255).all()


def test_a_mask_whose_void_is_zero_has_dry_ground(tmp_path):
    values = np.zeros((400, 400), "u1")
    values[:, :170] = 1
    path = write(tmp_path / "m.tif", values, step=20.0, nodata=0)
    extent, _ = read_extent(holding((path, None)), commune())
    assert area_ha(extent, 1) == pytest.approx(40, rel=0.03)
    assert area_ha(extent, 0) == pytest.approx(60, rel=0.03)


@pytest.mark.parametrize("nodata", [0, 255, None])
def test_beyond_a_mask_nothing_is_known_and_a_mask_elsewhere_is_none(tmp_path, nodata):
    ones = np.ones((20, 20), "u1")
    away = write(tmp_path / "away.tif", ones, step=20.0, x0=X0 + 90_000, nodata=nodata)
    with pytest.raises(OutOfCoverage, match="Épreuve"):
        read_extent(holding((away, "2024-02-01")), commune())
    # The west of the commune alone: the last file meets it, what it does not reach is unknown.
    part = write(tmp_path / "part.tif", np.zeros((200, 100), "u1") + (nodata != 0), step=20.0,
                 x0=X0 - 1500, y0=Y0 + 2500, nodata=nodata)  # fmt: skip
    extent, date = read_extent(holding((part, "2024-01-15"), (away, "2024-02-01")), commune())
    assert date.startswith("2024-01-15")
    assert (extent.values[:, extent.x.values > X0 + 510] == 255).all()
    inside = inside_of(extent, commune()) & (extent.x.values[None, :] < X0 + 490)
    assert (extent.values[inside] == (nodata != 0)).all()


@pytest.mark.parametrize("odd", [2, 7, 128])
def test_a_mask_with_other_values_is_refused(tmp_path, odd):
    values = np.zeros((400, 400), "u1")
    values[:, :170] = odd
    path = write(tmp_path / "m.tif", values, step=20.0, nodata=255)
    with pytest.raises(InvalidInput, match=f"contient {odd}"):
        read_extent(holding((path, None)), commune())


# --- The demonstration -----------------------------------------------------------------------


def test_the_demonstration_is_read_like_any_folder(demo_source):
    town = catalog.communes(demo_source).get("99001")
    radar = read_radar(catalog.find("sentinel-1", town, demo_source), town, margin=500, wide=2000)
    assert radar.after_date[:10] == "2024-01-15" and radar.before_date[:10] == "2024-01-03"
    assert radar.learn_from is not None
    dem = read_terrain(catalog.find("dem", town, demo_source), town, margin=500)
    assert dem.attrs["VERTICAL_DATUM"].startswith("NGF-IGN69")
    assert np.isfinite(dem.values).mean() > 0.99


# --- SWOT ------------------------------------------------------------------------------------


def swot_raster(path, *, level=42.0, quality=None, crs=True, missing=()):
    """An L2_HR_Raster file of 20 × 30 cells of 100 m, as its product description says."""
    import h5py
    from pyproj import CRS

    shape = 20, 30
    wse = np.full(shape, level, "f4")
    wse[0, 0] = 9.96921e36
    quality = np.zeros(shape, "u1") if quality is None else quality
    with h5py.File(path, "w") as file:
        file.attrs["time_granule_start"] = "2024-01-15T12:00:00Z"
        layers = {
            "x": 500_050.0 + 100 * np.arange(30),
            "y": 5_000_050.0 + 100 * np.arange(20),  # from south to north, as SWOT writes
            "wse": wse, "wse_qual": quality, "wse_uncert": np.full(shape, 0.1, "f4"),
            "water_frac": np.full(shape, 0.8, "f4"),
        }  # fmt: skip
        for name, values in layers.items():
            if name not in missing:
                file[name] = values
        for name in ("wse", "wse_uncert", "water_frac"):
            if name in file:
                file[name].attrs["_FillValue"] = np.float32(9.96921e36)
        if crs:
            file["crs"] = b"1"
            file["crs"].attrs["crs_wkt"] = CRS.from_epsg(32631).to_wkt()
    return path


def test_swot_rasters_are_read_with_their_flags(tmp_path):
    quality = np.zeros((20, 30), "u1")
    quality[:, 10:20], quality[:, 20:] = 1, 3
    found = read_raster(swot_raster(tmp_path / "s.nc", quality=quality))
    assert found.rio.crs.to_epsg() == 32631 and found.attrs["time"].startswith("2024-01-15")
    assert float(found.y[0]) > float(found.y[-1])
    assert np.isnan(found.wse.values[:, 20:]).all()
    assert np.isnan(found.wse.values[-1, 0])  # the fill value, now in the south
    assert float(found.wse.median()) == 42
    assert (found.attrs["kept"], found.attrs["flagged"]) == (399, 200)
    good = read_raster(tmp_path / "s.nc", worst=0)
    assert np.isnan(good.wse.values[:, 10:]).all() and good.attrs["kept"] == 199
    with pytest.raises(OutOfCoverage, match="qualité 1"):
        read_raster(swot_raster(tmp_path / "b.nc", quality=np.full((20, 30), 3, "u1")))


@pytest.mark.parametrize(
    ("options", "words"),
    [({"missing": ("wse_qual",)}, "wse_qual"), ({"crs": False}, "système de coordonnées")],
)
def test_a_file_that_is_no_swot_raster_is_named(tmp_path, options, words):
    with pytest.raises(InvalidInput, match=words):
        read_raster(swot_raster(tmp_path / "s.nc", **options))
    (tmp_path / "t.nc").write_bytes((tmp_path / "s.nc").read_bytes()[:500])
    with pytest.raises(InvalidInput, match="tronqué"):
        read_raster(tmp_path / "t.nc")


def river(tmp_path, **columns):
    frame = gpd.GeoDataFrame(
        {
            "node_id": ["1", "2", "3", "4"],
            "time_str": ["2024-01-15T12:00:00Z"] * 4,
            "wse": [41.0, 42.0, -999999999999.0, 43.0],
            "wse_u": [0.1, -999999999999.0, 0.1, 0.1],
            "width": [80.0, 90.0, 100.0, 110.0],
            "node_q": [0, 1, 0, 3],
            **columns,
        },
        geometry=gpd.points_from_xy(X0 + 50 + 100 * np.arange(4), [Y0 + 50] * 4),
        crs=2154,
    ).to_crs(4326)
    path = tmp_path / "SWOT_L2_HR_RiverSP_Node_001.shp"
    frame.to_file(path)
    return path


def test_swot_rivers_are_read_with_their_flags(tmp_path):
    found = read_river(river(tmp_path))
    assert list(found["wse"]) == [41.0, 42.0]  # a fill value and a bad one are gone
    assert found["uncertainty"].isna().to_list() == [False, True]
    assert list(read_river(tmp_path / "SWOT_L2_HR_RiverSP_Node_001.shp", 3)["wse"])[-1] == 43
    with pytest.raises(OutOfCoverage, match="qualité"):
        read_river(river(tmp_path, node_q=[3, 3, 3, 3]))
    other = gpd.GeoDataFrame({"level": [1]}, geometry=[shapely.Point(2, 47)], crs=4326)
    other.to_file(tmp_path / "o.shp")
    with pytest.raises(InvalidInput, match="wse, node_q"):
        read_river(tmp_path / "o.shp")


def test_levels_are_held_against_swot(tmp_path):
    n = 100
    x, y = X0 + 5 * (np.arange(n) + 0.5), Y0 + 500 - 5 * (np.arange(n) + 0.5)
    surface = xr.DataArray(np.full((n, n), 41.8, "f4"), {"y": y, "x": x}, ("y", "x"))
    water = xr.Dataset({"surface": surface, "uncertainty": surface * 0 + 0.1}).rio.write_crs(2154)
    nodes = read_river(river(tmp_path, wse=[41.9, 42.1, 42.0, 42.0], node_q=[0, 0, 0, 0]))
    found = compare(water, nodes)
    assert found.points == 4 and found.median == pytest.approx(-0.2, abs=1e-3)
    assert found.spread < 0.1 and found.expected == pytest.approx(0.141, abs=0.01)
    assert "−0,20 m" in found.note["fr"] and "zéros" in found.note["fr"]
    assert compare(water, nodes, offset=-0.2).median == pytest.approx(0, abs=1e-3)
    with pytest.raises(OutOfCoverage, match="SWOT"):
        compare(water, nodes.set_geometry(nodes.translate(5)))
    cells = read_raster(swot_raster(tmp_path / "s.nc"))
    inside = cells.wse.rio.reproject(2154).rio.bounds()
    there = surface.assign_coords(x=x - x[50] + (inside[0] + inside[2]) / 2,
                                  y=y - y[50] + (inside[1] + inside[3]) / 2)  # fmt: skip
    lake = xr.Dataset({"surface": there, "uncertainty": there * 0 + 0.1}).rio.write_crs(2154)
    assert compare(lake, cells).median == pytest.approx(-0.2, abs=1e-3)
    assert compare(lake, cells).points > 15
