"""Other ways to date changes of night lighting, to compare with."""

from __future__ import annotations

import itertools

import numpy as np
from scipy import stats

Found = list[list[tuple[float, float]]]


def harmonic_columns(months: int, orders=(1, 2)) -> np.ndarray:
    t = np.arange(months)
    return np.column_stack([f(2 * np.pi * k * t / 12) for k in orders for f in (np.cos, np.sin)])


def f_scan(r: np.ndarray, robust: bool, threshold: float) -> list[list[tuple[float, float]]]:
    """The yardstick: F scan for a step in log radiance with trend and harmonics."""
    months = r.shape[1]
    t = np.arange(months)
    orders = (1, 2) if robust else (1,)
    waves = [f(2 * np.pi * k * t / 12) for k in orders for f in (np.cos, np.sin)]
    x0 = np.column_stack([np.ones(months), (t - months / 2) / 120, *waves])
    found = []
    for row in r:
        ok = np.isfinite(row)
        y = np.log(np.maximum(row, 0.05))
        breaks: list[int] = []
        coef = None
        for _ in range(3 if robust else 1):
            x = np.column_stack([x0, *[(t >= b) * 1.0 for b in breaks]])
            best = (0.0, -1)
            keep = ok
            if robust:
                for _ in range(3):
                    beta, *_ = np.linalg.lstsq(x[keep], y[keep], rcond=None)
                    e = y - x @ beta
                    local = np.array(
                        [
                            np.nanmedian(np.where(ok, e, np.nan)[max(0, i - 4) : i + 5])
                            for i in range(months)
                        ]
                    )
                    d = e - local
                    sd = 1.4826 * np.median(np.abs(d[keep]))
                    keep = ok & (np.abs(d) < 3.5 * sd)
            q, _ = np.linalg.qr(x[keep])
            e = y[keep] - q @ (q.T @ y[keep])
            rss = e @ e
            for b in range(6, months - 6):
                if any(abs(b - c) < 6 for c in breaks):
                    continue
                s = (t[keep] >= b) * 1.0
                s = s - q @ (q.T @ s)
                gain = (s @ e) ** 2 / max(s @ s, 1e-9)
                f = gain / ((rss - gain) / (keep.sum() - x.shape[1] - 1))
                if f > best[0]:
                    rest = e - s * (s @ e) / max(s @ s, 1e-9)
                    best = (f, b)
            rho = np.clip(np.corrcoef(rest[:-1], rest[1:])[0, 1], 0, 0.9) if robust else 0.0
            best = (best[0] * (1 - rho) / (1 + rho), best[1])
            if best[0] < threshold:
                break
            breaks.append(best[1])
        if breaks:
            x = np.column_stack([x0, *[(t >= b) * 1.0 for b in breaks]])
            coef, *_ = np.linalg.lstsq(x[keep], y[keep], rcond=None)
            found.append([(b, c) for b, c in zip(breaks, coef[-len(breaks) :], strict=True)])
        else:
            found.append([])
    return found


def _deseasoned(row: np.ndarray) -> np.ndarray:
    """Logarithm without harmonics, gaps interpolated."""
    y = np.log(np.maximum(row, 0.05))
    ok = np.isfinite(y)
    t = np.arange(row.size)
    y = np.interp(t, t[ok], y[ok])
    x = np.column_stack([np.ones(row.size), harmonic_columns(row.size)])
    beta, *_ = np.linalg.lstsq(x, y, rcond=None)
    return y - x[:, 1:] @ beta[1:]


def pelt(r: np.ndarray) -> Found:
    """PELT of ``ruptures`` (cost l2), penalty 3 log(n) times the variance of differences."""
    import ruptures

    found: Found = []
    for row in r:
        z = _deseasoned(row)
        sd = 1.4826 * np.median(np.abs(np.diff(z))) / np.sqrt(2)
        # Red noise: the usual penalty, times the inflation of an AR(1) of 0.3.
        ends = ruptures.Pelt(model="l2", min_size=6, jump=1).fit_predict(
            z[:, None], pen=3 * np.log(z.size) * sd**2 * 1.3 / 0.7
        )
        cuts = [0, *ends]
        means = [z[a:b].mean() for a, b in itertools.pairwise(cuts)]
        steps = zip(ends[:-1], np.diff(means), strict=True)
        found.append([(b, d) for b, d in steps if abs(d) > 0.16])
    return found


def before_after(r: np.ndarray) -> Found:
    """Largest difference between the 12 months after and the 12 before, if over 20 %."""
    found: Found = []
    for row in r:
        y = np.log(np.maximum(row, 0.05))
        best = (0.0, -1)
        for b in range(12, row.size - 12):
            d = np.nanmean(y[b : b + 12]) - np.nanmean(y[b - 12 : b])
            if abs(d) > abs(best[0]):
                best = (d, b)
        found.append([(best[1], best[0])] if abs(best[0]) > -np.log(0.8) else [])
    return found


def annual_t_test(r: np.ndarray) -> Found:
    """Welch's test of all months before each January against all after, 1 % over all years."""
    found: Found = []
    for row in r:
        y = np.log(np.maximum(row, 0.05))
        years = range(12, row.size - 12 + 1, 12)
        best = (1.0, -1, 0.0)
        for b in years:
            one, two = y[:b][np.isfinite(y[:b])], y[b:][np.isfinite(y[b:])]
            p = stats.ttest_ind(one, two, equal_var=False).pvalue
            if p < best[0]:
                best = (p, b, two.mean() - one.mean())
        found.append([best[1:]] if best[0] < 0.01 / len(years) else [])
    return found
