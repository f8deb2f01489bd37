"""Breaks in series: what must hold for any series, and what must be found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eo_helpers.timeseries import _model
from eo_helpers.timeseries.breaks import KNEE, detect_breaks
from eo_helpers.timeseries.season import design, harmonics

T = 132
YEARS = 2014 + np.arange(T) / 12


def series(seed, n=1, level=5.0, noise=0.1, phi=0.3, season=0.15):
    """Unchanged radiance (n, T)."""
    rng = np.random.default_rng(seed)
    e = rng.standard_normal((n, T))
    for k in range(1, T):
        e[:, k] = phi * e[:, k - 1] + np.sqrt(1 - phi**2) * e[:, k]
    wave = season * np.cos(2 * np.pi * (YEARS + rng.random((n, 1))))
    return level * np.exp(wave + noise * e)


def step(at, change, until=T):
    out = np.ones(T)
    out[at:until] += change
    return out


def one(values, **options):
    return detect_breaks(values, YEARS, **options)[0]


def test_noise_has_no_break():
    found = detect_breaks(series(1, 200), YEARS)
    assert sum(abs(b.change_percent) >= 15 for c in found for b in c.breaks) <= 2
    assert np.mean([c.p_none for c in found]) > 0.8


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(18, T - 18), st.floats(0.4, 0.75))
def test_a_fall_is_found_dated_and_sized(seed, at, fall):
    found = one(series(seed) * step(at, -fall))
    assert len(found.breaks) == 1
    b = found.breaks[0]
    assert abs(b.index - at) <= 2
    assert b.index_low <= b.index <= b.index_high
    assert b.change_low <= b.change_percent <= b.change_high
    assert b.change_percent == pytest.approx(-100 * fall, abs=14)
    assert b.probability > 0.8
    assert b.after == pytest.approx(b.before * (1 + b.change_percent / 100), rel=1e-6)


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(3)
    n = 150
    at, fall = rng.integers(18, T - 18, n), rng.uniform(0.25, 0.6, n)
    values = series(4, n, noise=0.12)
    for k in range(n):
        values[k] *= step(at[k], -fall[k])
    date, size = [], []
    for k, c in enumerate(detect_breaks(values, YEARS)):
        for b in c.breaks[:1]:
            date.append(b.index_low <= at[k] <= b.index_high)
            size.append(b.change_low <= -100 * fall[k] <= b.change_high)
    assert len(date) > 0.9 * n
    assert np.mean(date) > 0.9
    assert np.mean(size) > 0.88


def test_off_and_on_again_are_two_breaks():
    found = one(series(8) * step(40, -0.55, 64))
    assert [abs(b.index - t) <= 1 for b, t in zip(found.breaks, (40, 64), strict=True)] == [
        True
    ] * 2
    assert found.breaks[0].change_percent < -40 and found.breaks[1].change_percent > 60
    assert found.p_several > 0.95


def test_a_renewal_then_a_switch_off_are_two_falls():
    found = one(series(9, noise=0.07) * step(35, -0.3) * step(90, -0.5))
    assert [b.change_percent < 0 for b in found.breaks] == [True, True]
    assert abs(found.breaks[0].index - 35) <= 2 and abs(found.breaks[1].index - 90) <= 1


def test_three_breaks_and_the_limit_to_them():
    shape = step(30, -0.5, 60) * step(95, -0.6)
    values = series(10, noise=0.06) * shape
    assert [abs(b.index - t) <= 1 for b, t in zip(one(values).breaks, (30, 60, 95), strict=True)]
    assert len(one(values, max_breaks=2).breaks) == 2


def test_a_slow_fade_is_no_break():
    fade = 1 - 0.45 * np.clip((np.arange(T) - 40) / 40, 0, 1)
    found = detect_breaks(series(12, 30, noise=0.06) * fade, YEARS)
    assert sum(bool(c.breaks) for c in found) <= 3
    slow = [c.fade for c in found if c.fade]
    assert len(slow) >= 27
    assert np.median([f.change_percent for f in slow]) == pytest.approx(-45, abs=12)
    assert np.median([f.start for f in slow]) == pytest.approx(40, abs=8)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.floats(2, 50))
def test_far_above_the_knee_only_ratios_count(seed, factor):
    values = series(seed, level=60) * step(70, -0.4)
    a, b = one(values), one(values * factor)
    assert [x.index for x in a.breaks] == [x.index for x in b.breaks]
    assert a.breaks[0].change_percent == pytest.approx(b.breaks[0].change_percent, abs=0.5)
    assert b.breaks[0].before == pytest.approx(a.breaks[0].before * factor, rel=0.01)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.data())
def test_what_is_in_a_gap_does_not_count_and_gaps_do_not_hide_a_fall(seed, data):
    values = series(seed) * step(66, -0.6)
    gaps = data.draw(st.lists(st.integers(0, T - 1), max_size=30))
    values[0, gaps] = np.nan
    found = one(values)
    assert len(found.breaks) == 1 and found.valid == np.isfinite(values).sum()
    b = found.breaks[0]
    # Within a gap every date is as likely: the interval holds the truth.
    assert b.index_low - 1 <= 66 <= b.index_high + 1
    assert np.isfinite(found.level).all()


def test_a_year_without_data_is_in_the_interval():
    values = series(20) * step(66, -0.6)
    values[0, 60:73] = np.nan
    b = one(values).breaks[0]
    assert b.index_low <= 61 and b.index_high >= 72 and b.index_low <= 66 <= b.index_high


def test_outliers_are_set_aside_and_named():
    values = series(21, noise=0.05)
    values[0, [20, 77, 101]] *= [3, 0.3, 2.5]
    found = one(values)
    assert not found.breaks
    assert {20, 77, 101} <= set(found.outliers.tolist())


def test_one_series_does_not_depend_on_its_neighbours():
    values = np.concatenate(
        [series(30, 5), series(31, 4) * step(50, -0.5), series(32, 3, level=0.2)]
    )
    together = detect_breaks(values, YEARS)
    for k in (0, 5, 8, 11):
        alone = detect_breaks(values[k], YEARS)[0]
        assert alone.p_none == pytest.approx(together[k].p_none, abs=1e-4)
        assert [b.index for b in alone.breaks] == [b.index for b in together[k].breaks]


def test_few_values_give_no_answer_and_probabilities_sum_to_one():
    values = series(40, 3)
    values[1, 15:] = np.nan
    values[2] = np.nan
    a, b, c = detect_breaks(values, YEARS)
    assert b is None and c is None
    assert a.p_none + a.p_step + a.p_fade + a.p_several == pytest.approx(1)


def test_a_noisier_month_weighs_less():
    values = series(41, noise=0.05)
    values[0, 60:64] *= 0.5
    error = np.full(T, 0.05)
    error[60:64] = 20.0
    assert one(values, error=error).noise <= one(values).noise * 1.5
    assert not one(values, error=error).breaks


def test_whitening_is_the_precision_of_gapped_red_noise():
    """Against the dense inverse of the covariance of the valid values."""
    rng = np.random.default_rng(7)
    mask = rng.random((4, 40)) > 0.3
    scale = rng.uniform(0.5, 2, (4, 40))
    link = _model.chain(mask, scale, 0.6)
    v = rng.standard_normal((4, 40))
    white = link.whiten(np.where(mask, v, 0.0))
    index = np.arange(40)
    for k in range(4):
        ok = mask[k]
        lag = np.abs(index[ok][:, None] - index[ok][None])
        cov = 0.6**lag * scale[k, ok][:, None] * scale[k, ok][None]
        inverse = np.linalg.inv(cov)
        assert white[k] @ white[k] == pytest.approx(v[k, ok] @ inverse @ v[k, ok])
        assert link.logdet[k] == pytest.approx(-np.linalg.slogdet(cov)[1])
        assert link.diagonal[k, ok] == pytest.approx(np.diag(inverse))
        assert link.transpose(white)[k, ok] == pytest.approx(inverse @ v[k, ok])


def dense(y, mask, scale, x, columns, variance, amplitude=_model.AMPLITUDE):
    """Log evidence (but for what all models share) and changes of one series, written out."""
    link = _model.chain(mask[None], scale[None], 0.4)
    z = np.column_stack([x, *columns])
    w = link.whiten(z[None])[0]
    target = link.whiten(np.where(mask, y, 0)[None])[0]
    ridge = variance / max(amplitude**2, _model.AMPLITUDE_NOISE**2 * variance)
    prior = np.zeros(z.shape[1])
    prior[1] = variance / 0.3**2
    prior[x.shape[1] :] = ridge
    a = w.T @ w + np.diag(prior)
    coef = np.linalg.solve(a, w.T @ target)
    rss = target @ target - coef @ w.T @ target
    dof = mask.sum() - x.shape[1] + 1 + _model.NOISE_WEIGHT
    value = -0.5 * np.linalg.slogdet(a)[1] + 0.5 * len(columns) * np.log(ridge)
    value -= 0.5 * dof * np.log(rss + _model.NOISE_WEIGHT * _model.NOISE_SD**2)
    return value, coef[x.shape[1] :]


def test_evidences_are_those_of_the_dense_model():
    """Ramps and pairs from cumulated sums, against the regression written out."""
    rng = np.random.default_rng(8)
    n, length = 2, 48
    x = design(np.arange(length) / 12, 1)
    y = rng.standard_normal((n, length)) * 0.1
    y[:, 20:] -= 0.4
    mask = rng.random((n, length)) > 0.15
    scale = rng.uniform(0.8, 1.5, (n, length))
    nuisance = np.broadcast_to(x, (n, *x.shape))
    m = _model.steps(_model.whitened(y, mask, scale, nuisance, 0.4), np.full(n, 0.01), 0.3)
    allowed = np.ones((n, length), bool)
    none, single = _model.one_evidence(m, allowed)
    count = np.cumsum(mask, 1) - mask
    pairs = _model.two_evidence([m], [1.0], allowed, count, 6)
    t = np.arange(length)
    for i in range(n):
        series_i = (y[i], mask[i], scale[i], x)
        base, _ = dense(*series_i, [], 0.01)
        for k, d, start in ((0, 1, 20), (1, 3, 12), (3, 12, 9)):
            assert _model.DURATIONS[k] == d
            amplitude = _model.AMPLITUDE if d <= _model.ABRUPT else _model.AMPLITUDE_FADE
            ramp = np.clip((t - start + 1) / d, 0, 1)
            value, coef = dense(*series_i, [ramp], 0.01, amplitude)
            got = single[i, k, start] - none[i]
            # The sign of the change has its own prior: 2 (1 - RISES) for a sure fall.
            low = value - base + np.log(2 * _model.RISES)
            high = value - base + np.log(2 * (1 - _model.RISES))
            assert low - 0.01 <= got <= high + 0.01
            if coef[0] < -0.3:
                assert got == pytest.approx(high, abs=0.02)
        value, coef = dense(*series_i, [(t >= 12) * 1.0, (t >= 30) * 1.0], 0.01)
        signs = _model.PAIRS[2 * int(coef[0] > 0) + int(coef[1] > 0)]
        expected = value - base + np.log(4 * signs)
        assert pairs[i, 12, 30] - none[i] == pytest.approx(expected, abs=0.02)
        assert pairs[i, 30, 12] == -np.inf and pairs[i, 12, 13] == -np.inf


def test_season_columns():
    assert harmonics(YEARS, 2).shape == (T, 4)
    assert np.abs(harmonics(YEARS, 2).mean(0)).max() < 1e-12
    assert [design(YEARS[:n]).shape[1] for n in (12, 30, 132)] == [2, 4, 6]
    assert np.arcsinh(1) * KNEE < KNEE
