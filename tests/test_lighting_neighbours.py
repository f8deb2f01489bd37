"""A fall that is a neighbour's is not blamed on the commune."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lighting_tiles import Holding, N, box_commune, write_tile
from scipy.ndimage import gaussian_filter

from eo_helpers.errors import InvalidInput
from eo_helpers.lighting import sentences
from eo_helpers.lighting.changes import assess
from eo_helpers.lighting.data import read
from eo_helpers.lighting.neighbours import SPREAD, around, received, with_outer
from eo_helpers.lighting.series import date_values, index_tiles
from eo_helpers.lighting.table import assess_table, read_table
from eo_helpers.lighting.weights import CELL, weights_of
from eo_helpers.lighting.zonal import cell_weights, monthly_mean, monthly_received

DATES = pd.date_range("2014-01-01", periods=132, freq="MS")
#: Cells of 46° N, km, and a place there away from the borders of tiles.
STEPS = np.array([0.4633, 0.4633 * np.cos(np.radians(46))])
ROW, COL = round(44 / CELL), round(183 / CELL)


def scene(ours: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of a commune of 3 × 3 cells, and what comes from without: own light and a town's."""
    own, town = np.zeros((15, 15)), np.zeros((15, 15))
    own[6:9, 6:9] = 2.0
    town[5:10, 9:14] = 12.0
    rng = np.random.default_rng(6)
    seen = [gaussian_filter(v, SPREAD / STEPS, mode="constant") for v in (own, town)]
    light = ours[:, None, None] * seen[0] + theirs[:, None, None] * seen[1] + 0.2
    light = light * np.exp(0.05 * rng.standard_normal((132, 1, 1)))
    light += 0.03 * rng.standard_normal(light.shape)
    weight = around(np.ones((3, 3)), ROW, COL)
    outer = received(weight.ravel()[None, :], light.reshape(132, -1).T)[0]
    return light[:, 6:9, 6:9].mean((1, 2)), outer


def told(ours: np.ndarray, theirs: np.ndarray, known: bool = True):
    radiance, outer = scene(ours, theirs)
    return assess(DATES, "month", radiance, outer=outer if known else None)[0]


def test_a_neighbours_switch_off_is_told_from_ones_own():
    lit, out = np.ones(132), np.where(np.arange(132) < 70, 1.0, 0.25)
    # Without the surroundings nobody could know.
    assert told(lit, out, known=False).classification.practice.startswith("extinction")
    theirs = told(lit, out)
    assert theirs.classification.practice == "indetermine"
    assert theirs.classification.reason == "neighbours"
    assert theirs.classification.neighbours > 0.6
    commune = box_commune(3, 46, 3.01, 46.01)
    line = sentences.headline(commune, theirs, pd.DataFrame(index=DATES))
    assert "voisines" in line["fr"] and "novembre 2019" in line["fr"]
    assert "neighbours" in line["en"]
    # One's own, beside a town that stays lit, alone, and at the same time as the town.
    for ours, town in ((out, lit), (out, 0 * lit), (out, out)):
        own = told(ours, town)
        assert own.classification.practice.startswith("extinction"), town.mean()
    assert told(out, 0 * lit).classification.neighbours < 0.4


def test_ones_own_table_may_tell_the_light_from_without(tmp_path):
    """`lighting detect` reads `outer` and `std_error` as `lighting series` writes them."""
    radiance, outer = scene(np.ones(132), np.where(np.arange(132) < 70, 1.0, 0.25))
    table = pd.DataFrame({"id": "35001", "date": DATES, "radiance": radiance, "std_error": 0.05})
    table.to_parquet(tmp_path / "alone.parquet")
    table.assign(outer=outer).to_parquet(tmp_path / "both.parquet")
    alone, both = (
        assess_table(read_table(tmp_path / f"{name}.parquet"))["35001"].to_dict()
        for name in ("alone", "both")
    )
    assert alone["practice"].startswith("extinction") and alone["neighbours_share"] is None
    assert (both["practice"], both["reason"]) == ("indetermine", "neighbours")
    assert both["neighbours_share"] > 0.6 and both["events"] == alone["events"]
    # A year that is said to be measured badly counts for less: the interval is wider.
    year = slice(66, 78)
    worse = table.copy()
    worse.loc[year, "std_error"] = 2.0
    worse.to_parquet(tmp_path / "worse.parquet")
    less = assess_table(read_table(tmp_path / "worse.parquet"))["35001"].to_dict()
    sure = [event["probability"] for told in (less, alone) for event in told["events"]]
    assert less["events"] != alone["events"] and sure[0] <= sure[1]
    (tmp_path / "not.parquet").write_bytes(b"PAR1 no table")
    with pytest.raises(InvalidInput, match="Parquet"):
        read_table(tmp_path / "not.parquet")


def test_what_is_not_known_changes_nothing():
    out = np.where(np.arange(132) < 70, 1.0, 0.25)
    radiance, outer = scene(np.ones(132), out)
    alone = assess(DATES, "month", radiance)[0].classification
    assert assess(DATES, "month", radiance, outer=0 * outer + np.nan)[0].classification == alone
    assert alone.neighbours is None
    nothing = assess(DATES, "month", 0 * radiance + np.nan, outer=outer)[0]
    assert nothing.classification.reason == "few_values"


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.floats(0.1, 30))
def test_under_one_light_everywhere_part_of_it_comes_from_without(height, width, light):
    weight = around(np.ones((height, width)), ROW, COL)
    got = received(weight.ravel()[None, :], np.full(weight.size, light))[0]
    assert 0 < got < light
    # The larger, the less.
    larger = around(np.ones((height + 4, width + 4)), ROW, COL)
    assert received(larger.ravel()[None, :], np.full(larger.size, light))[0] < got


def test_many_communes_and_one_have_the_same_figures(tmp_path):
    """Also beside the border of a tile that only one of them meets, and with gaps."""
    rng = np.random.default_rng(8)
    paths = []
    for month in ("2022-01", "2022-02"):
        for h in (17, 18):
            field = rng.gamma(2.0, 2.0, (N, N))
            field[rng.random((N, N)) < 0.1] = np.nan
            paths.append(write_tile(tmp_path, month, field, h=h))
    zones = [
        box_commune(0.05, 45.02, 0.17, 45.21),
        box_commune(-0.11, 45.0, 0.13, 45.2),
        box_commune(4.02, 44.97, 4.48, 45.41),
    ]
    dates, failed = index_tiles(paths, "raise")
    cell = next(iter(dates.values()))[0].cell
    weights = with_outer(weights_of([z.boundary for z in zones], cell))
    many = [date_values(tiles, weights)[0] for tiles in dates.values()]
    assert not failed
    for k, zone in enumerate(zones):
        met = paths if k == 1 else [p for p in paths if "h18" in p.name]
        data = read(Holding(met), zone)
        own = cell_weights(data, zone)
        one = monthly_mean(data, own)["radiance"].to_numpy()
        assert [m["radiance"][k] for m in many] == pytest.approx(one, rel=1e-12)
        got = monthly_received(data, own)
        assert [m["outer"][k] for m in many] == pytest.approx(got, rel=1e-3), k
        assert (got > 0).all() and (got < one.max()).all()
    assert np.isnan(monthly_received(data, 0 * own)).all()


def test_a_month_without_its_surroundings_is_not_guessed():
    weight = around(np.ones((2, 2)), ROW, COL)
    seen = np.full((weight.size, 2), 3.0)
    seen[: weight.size * 3 // 5, 1] = np.nan
    got = received(weight.ravel()[None, :], seen)[0]
    assert np.isfinite(got[0]) and np.isnan(got[1])
