"""Trends: Theil-Sen and Mann-Kendall, against the peers and their own promises."""

from __future__ import annotations

import numpy as np
import pymannkendall as mk
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eo_helpers.timeseries.trend import mann_kendall_variance_ratio, theil_sen


def red_noise(n, phi, rng):
    e = rng.standard_normal(n)
    for k in range(1, n):
        e[k] = phi * e[k - 1] + np.sqrt(1 - phi**2) * e[k]
    return e


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(12, 150), st.floats(-2, 2))
def test_on_white_noise_it_is_scipy_theilslopes_and_kendall(seed, n, slope):
    rng = np.random.default_rng(seed)
    t = np.arange(n) / 12
    y = slope * t + rng.standard_normal(n)
    mine = theil_sen(y, t)
    ratio = mann_kendall_variance_ratio(y - mine.slope * t)
    peer = stats.theilslopes(y, t)
    assert mine.slope == pytest.approx(peer.slope, abs=1e-12)
    assert mine.pairs == n * (n - 1) // 2
    if ratio == 1.0:
        assert (mine.low, mine.high) == pytest.approx((peer.low_slope, peer.high_slope), abs=1e-12)
        # Mann-Kendall with continuity correction, from Kendall's tau.
        s = stats.kendalltau(t, y, method="asymptotic").statistic * mine.pairs
        z = (s - np.sign(s)) / np.sqrt(n * (n - 1) * (2 * n + 5) / 18)
        assert mine.p_value == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-9)
    else:
        assert mine.high - mine.low >= peer.high_slope - peer.low_slope


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 100), st.floats(-50, 50), st.floats(0.1, 10))
def test_units_of_value_and_time_only_change_units(seed, scale, shift, stretch):
    rng = np.random.default_rng(seed)
    y, t = rng.standard_normal(60), np.arange(60.0)
    a, b = theil_sen(y, t), theil_sen(scale * y + shift, stretch * t + 3)
    factor = scale / stretch
    assert (b.slope, b.low, b.high) == pytest.approx(
        (a.slope * factor, a.low * factor, a.high * factor), rel=1e-6, abs=1e-9
    )
    assert b.p_value == pytest.approx(a.p_value, rel=1e-6)
    down = theil_sen(-y, t)
    assert down.slope == pytest.approx(-a.slope)
    assert down.p_value == pytest.approx(a.p_value)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 79), max_size=40))
def test_a_gap_is_the_same_as_no_value(seed, gaps):
    rng = np.random.default_rng(seed)
    t = np.arange(80.0)
    y = 0.1 * t + rng.standard_normal(80)
    y[gaps] = np.nan
    ok = np.isfinite(y)
    assert theil_sen(y, t).slope == pytest.approx(stats.theilslopes(y[ok], t[ok]).slope)


def test_steps_between_segments_are_not_a_trend():
    rng = np.random.default_rng(5)
    t = np.arange(120) / 12
    segment = (np.arange(120) >= 60).astype(int)
    y = 0.2 * t - 5.0 * segment + 0.1 * rng.standard_normal(120)
    assert theil_sen(y, t).slope < -0.2
    apart = theil_sen(y, t, segment)
    assert apart.low < 0.2 < apart.high and apart.high - apart.low < 0.1
    assert apart.pairs == 2 * 60 * 59 // 2


def test_red_noise_does_not_make_trends():
    """Mann-Kendall on red noise without trend: the plain test errs far too often."""
    rng = np.random.default_rng(11)
    t = np.arange(120) / 12
    plain = modified = covered = 0
    runs = 300
    for _ in range(runs):
        y = red_noise(120, 0.6, rng)
        found = theil_sen(y, t)
        modified += found.p_value < 0.05
        covered += found.low <= 0 <= found.high
        plain += stats.kendalltau(t, y).pvalue < 0.05
    assert plain / runs > 0.25
    assert modified / runs < 0.16
    assert covered / runs > 0.84


def test_too_little_says_nothing():
    y = np.full(50, np.nan)
    y[:4] = 1, 2, 3, 4
    for values in (y, np.full(50, np.nan), np.ones(50)):
        found = theil_sen(values, np.arange(50.0))
        assert np.isnan(found.slope) and np.isnan(found.p_value)
    assert mann_kendall_variance_ratio(np.ones(50)) == 1.0
    assert mann_kendall_variance_ratio(np.arange(5.0)) == 1.0


def test_mann_kendall_agrees_with_pymannkendall():
    rng = np.random.default_rng(77)
    time = np.arange(120.0)
    ratios, theirs = [], []
    plain = 0
    for k in range(60):
        noise = rng.standard_normal(120)
        if k % 2:  # red
            for m in range(1, 120):
                noise[m] = 0.6 * noise[m - 1] + 0.8 * noise[m]
        y = 0.01 * time * (k % 3) + noise
        mine, peer = theil_sen(y, time), mk.original_test(y)
        assert mine.slope == pytest.approx(peer.slope, rel=1e-12)
        ratio = mann_kendall_variance_ratio(y - mine.slope * time)
        if ratio == 1:
            assert mine.p_value == pytest.approx(peer.p, rel=1e-9)
            plain += 1
        modified = mk.hamed_rao_modification_test(y, lag=24)
        ratios.append(ratio)
        theirs.append(max(1.0, modified.var_s / peer.var_s))
    assert plain >= 10
    # Theirs divides each autocovariance by all values, ours by the pairs of its lag.
    difference = np.abs(np.log(np.array(ratios) / np.array(theirs)))
    assert np.median(difference) < 0.03 and np.corrcoef(ratios, theirs)[0, 1] > 0.9
