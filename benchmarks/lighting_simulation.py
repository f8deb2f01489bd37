"""Night-lighting change detection judged on simulated series whose truth is known.

Generator (one series is one commune, ``months`` monthly composites)
    radiance = level · exp(trend + season + red noise) · (1 + change) · outlier + floor noise

Easy
    level 1.2-15 nW (log-uniform), trend ±2 %/yr, one harmonic of 5-20 %, white noise
    of 6-14 %, no gap, no outlier; one fall of 40-75 % at least 18 months from the ends.
Hard
    level 0.4-10 nW (log-uniform), trend ±2 %/yr, two harmonics (10-30 % and 3-12 %),
    AR(1) noise (coefficient 0.3-0.6) of 8-16 %, 3 % of outliers (a factor 1.5-3 up or
    down), 8 % of months missing at random, background noise of 0.08 nW.
    Cases: unchanged; fall of 40-75 %; fall of 20-35 %; fall of 40-75 % lit again 18 to
    24 months later; fade of 30 % over 30 months.

Not simulated: light from neighbours, change of sensor, misregistration. Noise and nights
enter as one relative noise and a floor (0.08 nW), not as ``_Std`` and ``_Num`` of cells.

"Right" means: unchanged and fade, no break is reported; fall, one break or more of
which the largest fall lies within 3 months of the truth, and no rise; lit again, a
fall and a later rise, each within 3 months. "Within a month" is the share of all
series of the case whose fall is dated within one month.
"""

from __future__ import annotations

import numpy as np

CASES = ("unchanged", "fall_40_75", "fall_20_35", "relit", "fade")


def simulate(case: str, n: int, seed: int, level: str = "hard", months: int = 132):
    """Simulated radiance (n, months), NaN where missing, and the true months (n, 2)."""
    return simulate_with_noise(case, n, seed, level, months)[:2]


def simulate_with_noise(case: str, n: int, seed: int, level: str = "hard", months: int = 132):
    """:func:`simulate`, and the ratio of the fall (of the logarithm) to the noise (n,)."""
    return simulate_full(case, n, seed, level, months)[:3]


def simulate_full(case: str, n: int, seed: int, level: str = "hard", months: int = 132):
    """:func:`simulate_with_noise`, and the relative noise of a month, floor included (n,)."""
    rng = np.random.default_rng([seed, CASES.index(case), months])
    t = np.arange(months)
    hard = level == "hard"
    low, high = (0.4, 10.0) if hard else (1.2, 15.0)
    base = np.exp(rng.uniform(np.log(low), np.log(high), (n, 1)))
    trend = rng.uniform(-0.02, 0.02, (n, 1)) * (t - months / 2) / 12
    season = np.zeros((n, months))
    amplitudes = ((0.10, 0.30), (0.03, 0.12)) if hard else ((0.05, 0.20),)
    for k, (a, b) in enumerate(amplitudes, 1):
        phase = rng.uniform(0, 2 * np.pi, (n, 1))
        season += rng.uniform(a, b, (n, 1)) * np.cos(2 * np.pi * k * t / 12 + phase)
    white = rng.standard_normal((n, months))
    if hard:
        phi = rng.uniform(0.3, 0.6, n)
        noise = np.empty_like(white)
        noise[:, 0] = white[:, 0]
        for m in range(1, months):
            noise[:, m] = phi * noise[:, m - 1] + np.sqrt(1 - phi**2) * white[:, m]
        spread = rng.uniform(0.08, 0.16, (n, 1))
        noise *= spread
    else:
        spread = rng.uniform(0.06, 0.14, (n, 1))
        noise = white * spread
    factor = np.ones((n, months))
    truth = np.full((n, 2), -1)
    first = rng.integers(18, months - 18, n)
    if case in ("fall_40_75", "relit"):
        size = rng.uniform(0.40, 0.75, n)
    elif case == "fall_20_35":
        size = rng.uniform(0.20, 0.35, n)
    else:
        size = np.zeros(n)
    if case == "relit":
        length = rng.integers(18, 25, n)
        first = rng.integers(18, months - 18 - length)
        truth[:, 1] = first + length
        lit = t >= truth[:, 1:]
    else:
        lit = np.zeros((n, months), bool)
    if case == "fade":
        start = rng.integers(18, months - 18 - 30, n)
        factor = 1 - 0.30 * np.clip((t - start[:, None]) / 30, 0, 1)
    elif case != "unchanged":
        truth[:, 0] = first
        factor = np.where((t >= first[:, None]) & ~lit, 1 - size[:, None], 1.0)
    r = base * np.exp(trend + season + noise) * factor
    total = np.hypot(spread[:, 0], 0.08 / base[:, 0]) if hard else spread[:, 0]
    ratio = -np.log1p(-size) / total
    if hard:
        out = rng.random((n, months)) < 0.03
        size = np.exp(rng.choice([-1, 1], (n, months)) * np.log(rng.uniform(1.5, 3, (n, months))))
        r = np.where(out, r * size, r) + 0.08 * rng.standard_normal((n, months))
        r[rng.random((n, months)) < 0.08] = np.nan
    return r, truth, ratio, total


def score(case: str, truth: np.ndarray, found: list[list[tuple[float, float]]]):
    """Share right and share within a month; ``found`` lists (month, log change) per series."""
    right, near = [], []
    for want, breaks in zip(truth, found, strict=True):
        if want[0] < 0:
            right.append(not breaks)
            continue
        falls = [b for b in breaks if b[1] < 0]
        rises = [b for b in breaks if b[1] > 0]
        best = min(falls, key=lambda b: b[1])[0] if falls else np.inf
        ok = abs(best - want[0]) <= 3
        if want[1] >= 0:
            ok = ok and any(abs(b[0] - want[1]) <= 3 for b in rises)
        else:
            ok = ok and not rises
        right.append(ok)
        near.append(abs(best - want[0]) <= 1)
    return float(np.mean(right)), float(np.mean(near)) if near else float("nan")
