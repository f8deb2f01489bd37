"""Rates against statsmodels and scipy, on truth, and on Truc Vert; intervals that mind time."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import scipy.stats
import statsmodels.api as sm

from eo_helpers.coastline.inec import CLASSES, classify, indicator, interval, lengths
from eo_helpers.coastline.positions import shoreline_positions
from eo_helpers.coastline.rates import COLUMNS, rates
from eo_helpers.errors import InvalidInput

YEAR = 365.25


def series(n=60, transects=5, seed=0, sigma=False):
    rng = np.random.default_rng(seed)
    rows = []
    for k in range(transects):
        days = np.sort(rng.uniform(0, 12_000, n - 3 * k))
        part = pd.DataFrame(
            {
                "transect": f"t{k}",
                "date": pd.Timestamp("1984-05-01", tz="UTC") + pd.to_timedelta(days, unit="D"),
                "distance_m": 120 + (k - 2) * days / YEAR + rng.normal(0, 9, len(days)),
            }
        )
        if sigma:
            part["sigma_m"] = rng.uniform(2, 15, len(days))
        rows.append(part)
    return pd.concat(rows).sample(frac=1, random_state=seed, ignore_index=True)


def years(part):
    part = part.sort_values("date")
    return (part["date"] - part["date"].iloc[0]).dt.total_seconds() / 86_400 / YEAR, part


def test_lrr_wlr_and_their_intervals_equal_statsmodels():
    table = series(sigma=True)
    got = rates(table).set_index("transect")
    for name, part in table.groupby("transect"):
        t, part = years(part)
        design = sm.add_constant(t.to_numpy())
        plain = sm.OLS(part["distance_m"].to_numpy(), design).fit()
        heavy = sm.WLS(
            part["distance_m"].to_numpy(), design, weights=part["sigma_m"].to_numpy() ** -2.0
        ).fit()
        row = got.loc[name]
        assert row["lrr"] == pytest.approx(plain.params[1], abs=1e-9)
        assert row["lrr_error"] == pytest.approx(plain.bse[1], abs=1e-9)
        assert row["lrr_r2"] == pytest.approx(plain.rsquared, abs=1e-9)
        assert [row["lrr_ci_low"], row["lrr_ci_high"]] == pytest.approx(
            plain.conf_int()[1], abs=1e-9
        )
        assert row["wlr"] == pytest.approx(heavy.params[1], abs=1e-9)
        assert [row["wlr_ci_low"], row["wlr_ci_high"]] == pytest.approx(
            heavy.conf_int()[1], abs=1e-9
        )
        sen = scipy.stats.theilslopes(part["distance_m"].to_numpy(), t.to_numpy())
        assert row["theil_sen"] == pytest.approx(sen[0], abs=1e-9)
        assert [row["theil_sen_ci_low"], row["theil_sen_ci_high"]] == pytest.approx(
            sen[2:4], abs=1e-9
        )


def test_end_points_by_hand_and_the_columns_in_their_order():
    table = pd.DataFrame(
        {
            "transect": "a",
            "date": pd.to_datetime(["2004-01-01", "2000-01-01", "2002-01-01"], utc=True),
            "distance_m": [90.0, 100.0, 120.0],
        }
    )
    got = rates(table, sigma=3.0)
    assert tuple(got.columns[: len(COLUMNS)]) == COLUMNS
    row = got.iloc[0]
    assert (row["n"], row["nsm"], row["sce"]) == (3, -10, 30)
    assert row["epr"] == pytest.approx(-10 / (1461 / YEAR))
    assert row["epr_ci"] == pytest.approx(1.959964 * np.hypot(3, 3) / 4, rel=1e-6)
    assert f"{row['first']:%Y-%m-%d} {row['last']:%Y-%m-%d}" == "2000-01-01 2004-01-01"
    # 2.5 m/yr of retreat, known within 2.08: perceptible to the indicator.
    assert row["inec_class"] == "recul_marque"
    # Errors not told: all dates weigh the same.
    assert row["wlr"] == pytest.approx(row["lrr"], abs=1e-12)


def test_too_few_or_too_near_dates_have_no_rate_and_say_why():
    day = pd.to_datetime(["2000-01-01", "2000-06-01", "2000-01-01", "2003-01-01", "2001-01-01"],
                         utc=True)  # fmt: skip
    table = pd.DataFrame(
        {"transect": ["a", "a", "b", "b", "c"], "date": day, "distance_m": [0.0, 9, 0, 6, 1]}
    )
    got = rates(table).set_index("transect")
    assert got.loc["a", "note"] == "less than 1 years" and np.isnan(got.loc["a", "lrr"])
    assert got.loc["c", "note"] == "one date" and np.isnan(got.loc["c", "epr"])
    assert got.loc["b", "lrr"] == pytest.approx(got.loc["b", "epr"]) == pytest.approx(2, rel=1e-3)
    assert np.isnan(got.loc["b", "lrr_ci_low"]) and got.loc["b", "perceptible"] is None
    assert rates(table, least_dates=3)["lrr"].isna().all()
    with pytest.raises(InvalidInput, match="une date"):
        rates(table[table["transect"] == "c"])


def test_empty_distances_and_equal_dates_do_no_harm():
    table = series()
    holes = pd.concat([table, table.assign(distance_m=np.nan)], ignore_index=True)
    pd.testing.assert_frame_equal(rates(holes), rates(table))
    same = pd.DataFrame(
        {"transect": "a", "date": pd.to_datetime(["2000-01-01"] * 2 + ["2010-01-01"] * 2, utc=True),
         "distance_m": [0.0, 2.0, 11.0, 11.0]}
    )  # fmt: skip
    assert rates(same).loc[0, "theil_sen"] == pytest.approx(1.0, rel=0.01)


def red_years(transects, phi, seed=0, trend=-0.3):
    """Six images a year for 30 years; a year resembles the next one."""
    rng = np.random.default_rng(seed)
    days = np.arange(0, 30 * YEAR, YEAR / 6)
    date = pd.Timestamp("1990-01-10", tz="UTC") + pd.to_timedelta(days, unit="D")
    level = np.empty((transects, 31))
    level[:, 0] = rng.normal(0, 6, transects)
    for k in range(1, 31):
        level[:, k] = phi * level[:, k - 1] + rng.normal(0, 6 * np.sqrt(1 - phi**2), transects)
    place = level[:, date.year - 1990] + trend * days / YEAR
    place = place + rng.normal(0, 8, place.shape)
    return pd.DataFrame(
        {
            "transect": np.repeat(np.arange(transects), len(days)),
            "date": np.tile(date, transects),
            "distance_m": place.ravel(),
        }
    )


def holds(table, kind, truth=-0.3):
    return ((table[f"{kind}_ci_low"] <= truth) & (table[f"{kind}_ci_high"] >= truth)).mean()


def test_intervals_that_mind_autocorrelation_hold_the_truth_where_the_plain_one_does_not():
    white = rates(red_years(300, 0.0))
    red = rates(red_years(300, 0.5))
    assert holds(red, "lrr") < 0.75
    for kind in ("ar1", "block"):
        assert holds(white, kind) > 0.92
        # Thirty years are few: 0.95 is not quite reached, and the documentation says so.
        assert holds(red, kind) > 0.87
    # Perceptible although nothing moves: rare, where the plain interval says so often.
    still = rates(red_years(300, 0.5, trend=0.0))
    assert (still["perceptible"] == True).mean() < 0.13  # noqa: E712
    assert 1 - holds(still, "lrr", 0.0) > 0.25
    # The smallest detectable change is worth its name, within what so few years allow.
    smallest = red["smallest_detectable"].median()
    moved = rates(red_years(300, 0.5, seed=3, trend=-smallest))
    found = (moved["ar1_ci_high"] < 0).mean()
    assert 0.7 < found < 0.95


def test_the_same_seed_gives_the_same_interval():
    table = red_years(20, 0.5)
    pd.testing.assert_frame_equal(rates(table), rates(table))


def test_a_change_of_rate_is_found_and_none_is_not_invented():
    steady = rates(red_years(300, 0.0, trend=-1.0))
    assert (steady["break_date"] != "").mean() < 0.03
    table = red_years(100, 0.0, trend=0.5)
    t = (table["date"] - table["date"].min()).dt.total_seconds() / 86_400 / YEAR
    bent = rates(table.assign(distance_m=table["distance_m"] - 3 * np.maximum(t - 15, 0)))
    assert (bent["break_date"] != "").mean() > 0.75
    told = bent[bent["break_date"] != ""]
    assert (told["break_date"].astype(int) - 2005).abs().median() <= 2
    assert told["rate_before"].median() == pytest.approx(0.5, abs=0.3)
    assert told["rate_after"].median() == pytest.approx(-2.5, abs=0.3)


def test_nine_classes_and_their_limits():
    rate = [-4, -3, -2.9, -1.5, -1.4, -0.5, -0.4, 0, 0.4, 0.5, 1.4, 1.5, 2.9, 3, np.nan]
    names = [c.name for c in CLASSES]
    expected = [0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 6, 7, 7, 8]
    assert list(classify(rate)) == [names[k] for k in expected] + [""]
    assert classify([-0.2, -0.2, 0.4], [0.3, np.nan, 0.3]).tolist() == [
        "non_perceptible", "recul_faible", "avancee_faible",
    ]  # fmt: skip


def test_inecs_method_uses_two_lines_only():
    table = pd.DataFrame(
        {"transect": "a", "date": pd.to_datetime(["1950-07-01", "1980-07-01", "2010-07-01"],
                                                 utc=True), "distance_m": [50.0, 500.0, 20.0]}
    )  # fmt: skip
    row = indicator(table).iloc[0]
    assert row["rate"] == pytest.approx(-0.5, rel=1e-3)
    assert row["rate_high"] - row["rate"] == pytest.approx(1.96 * np.hypot(5, 2) / 60, rel=1e-3)
    low, high = interval([-0.5, np.nan], [60, 0])
    assert low[0] < -0.5 < high[0] and np.isnan([low[1], high[1]]).all()


def test_lengths_name_what_was_not_measured():
    got = lengths(
        [-1, 2, 0.01, np.nan, np.nan], [200] * 5, [0.1, 0.1, 0.1, np.nan, np.nan],
        [False, False, False, True, False],
    )  # fmt: skip
    assert got == {
        "total": 1000, "measured": 600, "retreat": 200, "advance": 200, "not_perceptible": 200,
        "structure": 200, "no_data": 200,
    }  # fmt: skip


@pytest.fixture(scope="module")
def truc_vert(shared_data):
    folder = shared_data / "coastline" / "truc_vert"
    lines = gpd.read_parquet(folder / "shorelines_shorex.parquet")
    across = gpd.read_file(folder / "TRUCVERT_transects.geojson")
    shorex = shoreline_positions(
        lines.rename(columns={"datetime_utc": "date"}), across.rename(columns={"name": "transect"})
    )
    return shorex, pd.read_parquet(folder / "shoreline_positions_coastsat.parquet")


def test_truc_vert_the_period_decides_the_sign(truc_vert):
    shorex, coastsat = truc_vert
    raw = coastsat[coastsat["series"] == "raw"]
    tide = coastsat[coastsat["series"] == "tide_corrected_msl"]
    inside = raw[raw["date"].between(shorex["date"].min(), shorex["date"].max())]
    got = {
        "lines": rates(shorex), "raw": rates(raw), "tide": rates(tide), "inside": rates(inside),
    }  # fmt: skip
    median = {name: table["lrr"].median() for name, table in got.items()}
    assert median == pytest.approx(
        {"lines": -0.12, "raw": 0.43, "tide": 0.34, "inside": -0.56}, abs=0.005
    )
    for table in got.values():
        assert len(table) == 176 and table["lrr_ci_low"].notna().all()
    # Neither series tells most transects from 0 once years may resemble their neighbours.
    assert (got["raw"]["perceptible"] == True).mean() < 0.2  # noqa: E712
    both = got["lines"].merge(got["inside"], on="transect", suffixes=("", "_theirs"))
    bias = (both["lrr"] - both["lrr_theirs"]).mean()
    assert len(both) == 176 and bias == pytest.approx(0.244, abs=0.005)


def test_truc_vert_equals_statsmodels(truc_vert):
    raw = truc_vert[1][truc_vert[1]["series"] == "raw"]
    got = rates(raw).set_index("transect")
    for name, part in raw.groupby("transect"):
        t, part = years(part)
        fit = sm.OLS(part["distance_m"].to_numpy(), sm.add_constant(t.to_numpy())).fit()
        low, high = fit.conf_int()[1]
        row = got.loc[name]
        assert abs(row["lrr"] - fit.params[1]) < 1e-9
        assert abs(row["lrr_ci_low"] - low) < 1e-9 and abs(row["lrr_ci_high"] - high) < 1e-9
