"""Simulated radar scenes whose water is known, for choosing and calibrating extent methods.

Parcels (Voronoi cells, stretched one way) with backscatter of their own, hedges between
them, lone buildings; water in parcels that lie together, two thirds of them open and dark,
one third with stalks or wind; three dry parcels in a hundred are dark too. Speckle of four
looks, correlated as much as asked. No real scene and no demonstration was looked at.

``python -m benchmarks.flood_scenes`` fits ``eo_helpers.flood.calibration.TABLES``.
Development seeds are under 1000; the benchmarks evaluate on seeds from 1000.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import xarray as xr
from scipy import ndimage
from scipy.spatial import cKDTree
from sklearn.isotonic import IsotonicRegression

from eo_helpers.flood import calibration
from eo_helpers.flood.extent import water_extent

CORRELATIONS = (0.6, 1.4)
SIZE = 256


def _parcels(rng: np.random.Generator, n: int) -> np.ndarray:
    y, x = np.mgrid[:n, :n]
    turn, stretch = rng.uniform(0, np.pi), rng.uniform(1, 3)
    u = x * np.cos(turn) + y * np.sin(turn)
    v = -x * np.sin(turn) + y * np.cos(turn)
    count = int(9 * n * n / rng.uniform(250, 600))
    seeds = rng.uniform(-n, 2 * n, (count, 2)) * [1 / stretch, 1]
    return cKDTree(seeds).query(np.c_[u.ravel() / stretch, v.ravel()])[1].reshape(n, n)


def speckled(mean: np.ndarray, rng: np.random.Generator, correlation: float) -> np.ndarray:
    """Decibels with speckle of four looks; ``correlation`` is the sensor's blur, pixels."""
    out = []
    for band in mean:
        looks = np.zeros(band.shape)
        for _ in range(4):
            field = [ndimage.gaussian_filter(rng.standard_normal(band.shape), correlation)
                     for _ in range(2)]  # fmt: skip
            power = field[0] ** 2 + field[1] ** 2
            looks += power / power.mean() / 4
        out.append(band + 10 * np.log10(looks + 1e-6))
    return np.stack(out).astype("f4")


@dataclass
class Ground:
    """Parcels of one scene: their backscatter (dB), what is wet, hedges and buildings."""

    label: np.ndarray
    wet: np.ndarray
    rough: np.ndarray
    after: np.ndarray
    before: np.ndarray
    hedge: np.ndarray
    buildings: np.ndarray
    rng: np.random.Generator


def _ground(seed: int, n: int = SIZE) -> Ground:
    rng = np.random.default_rng([seed, 99])
    label = _parcels(rng, n)
    m = label.max() + 1
    land = np.stack([vv := rng.normal(-10, 1.5, m), vv - 6.5 + rng.normal(0, 1.3, m)])
    dark = rng.uniform(size=m) < 0.03
    land[:, dark] = np.array([[-15.0], [-21.5]]) + rng.normal(0, 1, dark.sum())
    low = ndimage.gaussian_filter(rng.standard_normal((n, n)), 30)
    with np.errstate(invalid="ignore"):  # numbers that no pixel has
        low = np.nan_to_num(ndimage.mean(low / low.std(), label, np.arange(m)), nan=-9)
    wet = rng.uniform(size=m) < 1 / (1 + np.exp(-(low - 1.0) * 5))
    rough = rng.uniform(size=m) < 0.35
    water = np.where(rough, rng.normal(-14, 1.5, m), rng.normal(-18.5, 1.5, m))
    water = np.stack([water, water - 6.5 + rng.normal(0, 1.2, m)])
    # Between two dates dry ground changes too: rain, and work in some fields.
    drift = rng.normal(0.5, 0.7, m) + (rng.uniform(size=m) < 0.04) * rng.normal(0, 3, m)
    after = np.where(wet, water, land + drift)
    hedge = ((label != np.roll(label, 1, 0)) | (label != np.roll(label, 1, 1))) & (label % 3 == 0)
    buildings = np.array([rng.integers(0, n, 2) for _ in range(n * n // 1600)])
    return Ground(label, wet, rough, after, land, hedge, buildings, rng)


def simulate(seed: int, correlation: float, n: int = SIZE) -> tuple[np.ndarray, ...]:
    """After and before (bands, rows, cols), dB, and the flood between them."""
    ground = _ground(seed, n)
    label, rng = ground.label, ground.rng
    after, before, truth = ground.after[:, label], ground.before[:, label], ground.wet[label]
    for scene in (after, before):
        scene[:, ground.hedge] += np.array([[2.0], [3.0]])
        for y, x in ground.buildings:
            scene[:, y : y + 2, x : x + 2] = np.array([0.0, -8.0])[:, None, None]
    for y, x in ground.buildings:
        truth[y : y + 2, x : x + 2] = False
    return speckled(after, rng, correlation), speckled(before, rng, correlation), truth


#: Reflectance of green, near and short-wave infrared: mean and spread. Crops and grass, bare dry
#: soil, wet soil, clear and muddy water; orders of size of spectral libraries, of no scene.
SURFACES = {
    "green crops": ((0.07, 0.38, 0.18), (0.015, 0.08, 0.04)),
    "bare soil": ((0.12, 0.25, 0.30), (0.03, 0.05, 0.06)),
    "wet soil": ((0.08, 0.15, 0.13), (0.02, 0.03, 0.04)),
    "clear water": ((0.06, 0.025, 0.012), (0.015, 0.01, 0.006)),
    "muddy water": ((0.12, 0.10, 0.03), (0.025, 0.04, 0.012)),
}


def optical(seed: int, n: int = SIZE) -> np.ndarray:
    """Green, near and short-wave infrared (bands, rows, cols), 0-1, of :func:`simulate`'s ground.

    Where radar meets stalks, plants stand above the water (10 to 70 % of the pixel); a third of
    the dry parcels is bare, a tenth wet: the first is easy, the second looks like water. The
    short-wave infrared has 20 m pixels.
    """
    ground = _ground(seed, n)
    rng = np.random.default_rng([seed, 55])
    m = len(ground.wet)

    def of(name: str) -> np.ndarray:
        mean, spread = np.array(SURFACES[name])
        return np.clip(rng.normal(mean[:, None], spread[:, None], (3, m)), 0.005, 0.6)

    kind = rng.uniform(size=m)
    land = np.where(kind < 0.1, of("wet soil"), np.where(kind < 0.4, of("bare soil"),
                    of("green crops")))  # fmt: skip
    water = np.where(rng.uniform(size=m) < 0.6, of("muddy water"), of("clear water"))
    stalks = np.where(ground.rough, rng.uniform(0.1, 0.7, m), 0)
    water = water * (1 - stalks) + of("green crops") * stalks
    out = np.where(ground.wet, water, land)[:, ground.label]
    out[:, ground.hedge] = np.array(SURFACES["green crops"][0])[:, None]
    for y, x in ground.buildings:
        out[:, y : y + 2, x : x + 2] = 0.2
    out *= 1 + 0.05 * ndimage.gaussian_filter(rng.standard_normal((n, n)), 2) / 0.14
    out[:2] = ndimage.gaussian_filter(out[:2], (0, 0.5, 0.5))
    out[2] = ndimage.gaussian_filter(out[2], 1.0)
    return np.clip(out + 0.004 * rng.standard_normal(out.shape), 0.001, 1).astype("f4")


def hard_optical(seed: int, n: int = SIZE) -> np.ndarray:
    """:func:`optical` as a flood's day gives it: haze, shadows, mud, islets, and a shift.

    Drawn for each scene: haze that lightens short wavelengths most; shadows of clouds, where
    haze is most of what is left; silt that lightens some water; ground that stands out of up to
    half a pixel in a third of the wet parcels, puddles of up to 40 % of a pixel in a tenth of
    the dry ones; blur, and a registration error of up to 1.5 pixels.
    """
    ground = _ground(seed, n)
    rng = np.random.default_rng([seed, 77])
    m = len(ground.wet)
    out = optical(seed, n).astype(float)
    mud = rng.uniform(0, 0.1) * np.where(rng.uniform(size=m) < 0.5, rng.uniform(size=m), 0)
    out += (ground.wet * mud)[ground.label] * np.array([0.8, 1.0, 0.3])[:, None, None]
    fine = ndimage.gaussian_filter(rng.standard_normal((n, n)), 1.5)
    some = np.clip(0.5 + 0.5 * fine / fine.std(), 0, 1)
    dry = np.array(SURFACES["wet soil"][0])[:, None, None]
    wet = np.array(SURFACES["muddy water"][0])[:, None, None]
    islets = ground.wet * (rng.uniform(size=m) < 0.33) * rng.uniform(0, 0.5, m)
    puddles = ~ground.wet * (rng.uniform(size=m) < 0.1) * rng.uniform(0, 0.4, m)
    for share, other in ((islets, dry), (puddles, wet)):
        part = share[ground.label] * some
        out = out * (1 - part) + other * part
    field = ndimage.gaussian_filter(rng.standard_normal((n, n)), 12)
    shadow = ndimage.gaussian_filter((field > 1.5 * field.std()).astype(float), 2)
    out *= 1 - rng.uniform(0.3, 0.7) * shadow
    haze = rng.uniform(0, 0.06) * (1 + 0.3 * ndimage.gaussian_filter(
        rng.standard_normal((n, n)), 40) * 40)  # fmt: skip
    out = out * (1 - haze) + np.array([1.0, 0.5, 0.12])[:, None, None] * np.clip(haze, 0, None)
    shift = rng.uniform(-1.5, 1.5, 2)
    out = ndimage.shift(out, (0, *shift), order=1, mode="nearest")
    out = ndimage.gaussian_filter(out, (0, (blur := rng.uniform(0, 0.8)), blur))
    return np.clip(out, 0.001, 1).astype("f4")


def raster(bands: np.ndarray, names: Sequence[str] = ("VV", "VH")) -> xr.DataArray:
    """Bands as a scene of 10 m pixels."""
    import rioxarray  # noqa: F401  (registers .rio)

    n = bands.shape[1]
    at = {"band": list(names), "y": 5e6 - 10.0 * np.arange(n), "x": 5e5 + 10.0 * np.arange(n)}
    return xr.DataArray(bands, at, ("band", "y", "x")).rio.write_crs(32631)


def results(
    seeds: Iterable[int], with_before: bool, image: Callable[[int], np.ndarray] | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probability, mask and truth of all observable pixels of some scenes.

    ``image``: :func:`optical` or :func:`hard_optical`, or None for radar alone.
    """
    kept = []
    for correlation in CORRELATIONS:
        for seed in seeds:
            after, before, truth = simulate(seed, correlation)
            seen_from_above = raster(image(seed), ("green", "nir", "swir")) if image else None
            past = raster(before) if with_before else None
            found = water_extent(raster(after), past, seen_from_above)
            seen = found.flood.values != 255
            kept.append([a[seen] for a in (found.probability.values, found.flood.values, truth)])
    p, mask, truth = (np.concatenate(a) for a in zip(*kept, strict=True))
    return p, mask == 1, truth == 1


def table(odds: np.ndarray, truth: np.ndarray) -> tuple[float, ...]:
    """Frequency of water at the knots of :mod:`eo_helpers.flood.calibration`.

    Isotonic regression, averaged about each knot over the pixels that are interpolated with it.
    """
    found = IsotonicRegression(out_of_bounds="clip").fit(odds, truth).predict(odds)
    knots = np.array(calibration.KNOTS)
    out = []
    for k in range(len(knots)):
        near = np.interp(odds, knots, np.eye(len(knots))[k])
        # The extent's border parts the two sides: neither speaks for the other.
        near *= np.sign(odds) == np.sign(knots[k])
        out.append(np.average(found, weights=near) if near.sum() > 50 else np.nan)
    known = np.isfinite(out)
    return tuple(np.round(np.interp(knots, knots[known], np.array(out)[known]), 4).tolist())


def log_loss(p: np.ndarray, truth: np.ndarray) -> float:
    p = np.clip(p, 1e-4, 1 - 1e-4)
    return float(-np.where(truth, np.log(p), np.log(1 - p)).mean())


def main() -> None:
    """Fit :data:`eo_helpers.flood.calibration.TABLES`; score each on folds that it did not see."""
    knots = calibration.KNOTS
    plain = tuple((1 / (1 + np.exp(-np.array(knots)))).tolist())
    for with_before, image in product((False, True), (None, hard_optical)):
        key = with_before, image is not None
        calibration.TABLES[key] = plain
        folds = [results(range(k, 40, 5), with_before, image) for k in range(5)]
        odds = [np.log(np.clip(p, 3e-4, 1 - 3e-4) / (1 - np.clip(p, 3e-4, 1 - 3e-4)))
                for p, _, _ in folds]  # fmt: skip
        raw, ours = [], []
        for k, (p, mask, truth) in enumerate(folds):
            others = [j for j in range(5) if j != k]
            fitted = table(*(np.concatenate([a[j] for j in others])
                             for a in (odds, [t for _, _, t in folds])))  # fmt: skip
            calibration.TABLES[key] = fitted
            moved = p[None].copy()
            calibration.calibrate(moved, mask[None], *key)
            raw.append(log_loss(p, truth))
            ours.append(log_loss(moved[0], truth))
        print(f"{'with' if with_before else 'without'} a scene before, "
              f"{'with' if image else 'without'} an optical image: log loss on folds not seen "
              f"{np.mean(ours):.3f} (as is: {np.mean(raw):.3f})")  # fmt: skip
        print(f"    {key}: {table(np.concatenate(odds), np.concatenate([t for _, _, t in folds]))}")


if __name__ == "__main__":
    main()
