"""Reading Black Marble tiles: what is measured, what is not, and what is not a tile."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from lighting_tiles import Holding, N, box_commune, write_tile

from eo_helpers.errors import InvalidInput, OutOfCoverage
from eo_helpers.lighting.data import read, read_lazily
from eo_helpers.lighting.zonal import cell_weights, monthly_mean

STEP = 10 / N
COMMUNE = box_commune(2.0, 45.0, 2.5, 45.5)


def test_scale_fill_and_month_come_from_the_file(tmp_path):
    field = np.full((N, N), 3.4)
    field[:108] = np.nan
    path = write_tile(tmp_path, "2022-02", field, name="renamed.h5")
    data = read(Holding([path]), COMMUNE, margin=3)
    assert str(data.time.values[0])[:10] == "2022-02-01"
    assert float(data.radiance.max()) == pytest.approx(3.4, abs=1e-4)
    assert np.isnan(data.radiance.sel(y=45.6, method="nearest")).all()
    assert np.isfinite(data.radiance.sel(y=45.4, method="nearest")).all()


@pytest.mark.parametrize("position", ["struct", "arrays", "attributes", "name"])
@pytest.mark.parametrize("floating", [False, True])
def test_a_lit_cell_lies_where_it_is(tmp_path, position, floating):
    field = np.full((N, N), 0.2)
    row, col = int((50 - 45.25) / STEP), int((2.25 - 0) / STEP)
    field[row, col] = 9.0
    path = write_tile(tmp_path, "2022-02", field, position=position, floating=floating)
    data = read(Holding([path]), COMMUNE)
    brightest = data.radiance.isel(time=0).where(data.radiance.isel(time=0) > 5, drop=True)
    assert brightest.x.item() == pytest.approx(0 + (col + 0.5) * STEP)
    assert brightest.y.item() == pytest.approx(50 - (row + 0.5) * STEP)


def test_any_grid_name_and_date_from_the_file_name(tmp_path):
    path = write_tile(tmp_path, "2021-07", 1.0, grid="VNP_Grid_DNB", with_date=False)
    assert str(read(Holding([path]), COMMUNE).time.values[0])[:7] == "2021-07"


def test_gap_filled_is_no_measurement_and_poor_is(tmp_path):
    paths = [
        write_tile(tmp_path, f"2022-0{m + 1}", 2.0, quality=q) for m, q in enumerate((0, 1, 2))
    ]
    data = read(Holding(paths), COMMUNE)
    table = monthly_mean(data, cell_weights(data, COMMUNE))
    assert table.radiance.notna().tolist() == [True, True, False]
    assert table.poor_share.round(6).tolist() == [0, 1, 0]
    assert table.filled_share.round(6).tolist() == [0, 0, 1]
    assert data.attrs["empty"] == ["2022-03"]


def test_a_missing_month_and_an_empty_month_are_gaps(tmp_path):
    paths = [
        write_tile(tmp_path, "2022-01", 2.0),
        write_tile(tmp_path, "2022-02", np.nan),
        write_tile(tmp_path, "2022-04", 2.0),
    ]
    data = read(Holding(paths), COMMUNE)
    assert data.sizes["time"] == 4
    assert data.attrs["missing"] == ["2022-03"] and data.attrs["empty"] == ["2022-02"]
    table = monthly_mean(data, cell_weights(data, COMMUNE))
    assert table.radiance.notna().tolist() == [True, False, False, True]


def test_a_commune_over_a_tile_border_is_put_together(tmp_path):
    west = write_tile(tmp_path, "2022-01", 1.0, h=17)
    east = write_tile(tmp_path, "2022-01", 3.0, h=18)
    commune = box_commune(-0.25, 45.0, 0.75, 46.0)
    data = read(Holding([west, east]), commune)
    assert data.x.diff("x").values == pytest.approx(STEP)
    table = monthly_mean(data, cell_weights(data, commune))
    assert table.radiance.item() == pytest.approx(0.25 * 1 + 0.75 * 3, abs=1e-6)
    assert table.valid_share.item() == pytest.approx(1)
    half = monthly_mean(read(Holding([west]), commune), cell_weights(data, commune))
    assert half.valid_share.item() == pytest.approx(0.25)
    assert np.isnan(half.radiance.item())  # a quarter of the commune is no commune


def test_weights_are_the_commune_area_even_below_a_cell(tmp_path):
    path = write_tile(tmp_path, "2022-01", 1.5)
    tiny = box_commune(2.011, 45.011, 2.013, 45.013)
    for commune in (COMMUNE, tiny):
        data = read(Holding([path]), commune)
        weights = cell_weights(data, commune)
        assert weights.sum() == pytest.approx(commune.area_km2, rel=0.01)
        assert monthly_mean(data, weights).radiance.item() == pytest.approx(1.5, abs=1e-6)
    assert (weights > 0).sum() == 1


def test_the_latest_production_of_a_month_counts(tmp_path):
    new = write_tile(tmp_path, "2022-01", 5.0, made="2024200000000")
    old = write_tile(tmp_path, "2022-01", 1.0, made="2022100000000")
    for order in ([new, old], [old, new]):
        assert float(read(Holding(order), COMMUNE).radiance.mean()) == pytest.approx(5.0, abs=1e-4)


def test_a_commune_without_tile_is_out_of_coverage(tmp_path):
    path = write_tile(tmp_path, "2022-01", 1.0)
    with pytest.raises(OutOfCoverage, match="Saint-Aubin"):
        read(Holding([path]), box_commune(-60.6, 15.4, -60.4, 15.6))


def test_a_file_cut_short_is_said_or_becomes_a_counted_gap(tmp_path):
    whole = [write_tile(tmp_path, f"2022-0{m}", 2.0) for m in (1, 3)]
    cut = write_tile(tmp_path, "2022-02", 2.0)
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    with pytest.raises(InvalidInput, match=cut.name):
        read(Holding([*whole, cut]), COMMUNE)
    data = read(Holding([*whole, cut]), COMMUNE, broken="gap")
    assert data.sizes["time"] == 3 and data.attrs["missing"] == ["2022-02"]
    assert cut.name in data.attrs["broken"][0]


def test_other_files_are_named_for_what_they_are(tmp_path):
    other = write_tile(tmp_path, "2022-01", 1.0, product="VNP46A1")
    plain = tmp_path / "plain.h5"
    with h5py.File(plain, "w") as f:
        f["x"] = np.arange(3)
    text = tmp_path / "text.h5"
    text.write_text("not HDF5")
    lacking = write_tile(tmp_path, "2022-01", 1.0)
    with h5py.File(lacking, "a") as f:
        del f["HDFEOS/GRIDS/VIIRS_Grid_DNB_2d/Data Fields/AllAngle_Composite_Snow_Free_Num"]
    for path, word in (
        (other, "VNP46A1"),
        (plain, "grille"),
        (text, "tronqué"),
        (lacking, "_Num"),
    ):
        with pytest.raises(InvalidInput, match=word) as error:
            read(Holding([path]), COMMUNE)
        assert path.name in error.value.fr and path.name in error.value.en


def test_lazily_read_is_the_same_and_reads_only_what_is_asked(tmp_path):
    import xarray as xr

    paths = [
        write_tile(tmp_path, "2022-01", 1.0, h=17),
        write_tile(tmp_path, "2022-01", 3.0, h=18),
        write_tile(tmp_path, "2022-03", 2.0, h=18),
    ]
    commune = box_commune(-0.25, 45.0, 0.75, 46.0)
    lazy = read_lazily(paths, commune)
    assert all(lazy[name].chunks is not None for name in lazy.data_vars)
    now = read(Holding(paths), commune)
    xr.testing.assert_equal(lazy.compute(), now)
    assert lazy.attrs["missing"] == now.attrs["missing"] == ["2022-02"]
    assert lazy.rio.crs == now.rio.crs
    paths[2].unlink()  # gone after its header was read: the other months are still there
    assert float(lazy.radiance.isel(time=0).max().compute()) == 3.0
    with pytest.raises(InvalidInput, match="A2022060"):
        lazy.radiance.isel(time=2).compute()
    with pytest.raises(OutOfCoverage):
        read_lazily(paths[:1], box_commune(30, 10, 31, 11))
