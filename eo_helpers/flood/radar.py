"""What radar says of each pixel: water, or not; flooded since the scene before, or not.

The model of a scene is learnt from its own tiles, where water and land truly part, and
used everywhere. Nothing is fitted to labels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .threshold import Separation, separate

__all__ = ["Change", "Scene", "learn", "learn_change", "reference"]

Floats = NDArray[np.float32]
Wide = NDArray[np.float64]

#: Mean backscatter (VV+VH)/2 or VV alone above which a dark class is no open water, dB.
#: Open water at C band, 30-45°: VV under about -13, VH under about -19.
DARKEST_LAND = {2: -16.0, 1: -13.0}
#: Open water where a scene has none to learn from: mean and standard deviation, dB.
TYPICAL_WATER = {"VV": (-18.5, 2.5), "VH": (-26.0, 2.5)}
#: Share of water that is assumed where no tile shows any.
RARE = 0.002
#: Log odds are not believed beyond this: a model may be wrong.
CERTAIN = 8.0
#: Walls (VV) and trees (VH): dB above fields, and the bounds of that limit.
BRIGHT = {"VV": (5.0, -6.0, -4.0), "VH": (3.0, -14.5, -13.0)}
#: Echo of a wall above fields, dB (a field's speckle of 4 looks reaches it once in a thousand
#: pixels); window, pixels, and share of such echoes in it that make a dense quarter. One
#: building is 3 x 3 pixels by the sensor's resolution, 0.07 of the window.
WALL, DENSE_WINDOW, DENSE = 5.0, 11, 0.12
#: Side of the smallest quarter, pixels.
QUARTER = 15
_SAMPLE = 60_000


@dataclass(frozen=True)
class Normal:
    """A normal law of the bands, and its share."""

    mean: Wide
    covariance: Wide
    share: float

    def log_density(self, x: Floats, widen: float = 1.0) -> Floats:
        """``x`` has shape (bands, …)."""
        inverse = np.linalg.inv(self.covariance * widen)
        d = x - self.mean.astype(np.float32).reshape((-1,) + (1,) * (x.ndim - 1))
        quad = sum(
            np.float32(inverse[i, j]) * d[i] * d[j] for i in range(len(d)) for j in range(len(d))
        )
        norm = np.log(np.linalg.det(2 * np.pi * self.covariance * widen))
        return np.asarray(-0.5 * (quad + np.float32(norm)), np.float32)


@dataclass(frozen=True)
class Scene:
    """Water and land of one radar scene.

    Attributes
    ----------
    bands : tuple of str
        ``("VV", "VH")`` or one of them.
    water : Normal
    land : tuple of Normal
    separations : tuple of Separation
        Tiles that told water from land (empty: none did, typical water is assumed).
    """

    bands: tuple[str, ...]
    water: Normal
    land: tuple[Normal, ...]
    separations: tuple[Separation, ...] = ()

    @property
    def thresholds(self) -> dict[str, float]:
        """Backscatter at which water is as likely as land, per band, dB (for the reader)."""
        line = np.linspace(0, 1, 400, dtype=np.float32)
        land = max(self.land, key=lambda n: n.share).mean
        x = (self.water.mean[:, None] + (land - self.water.mean)[:, None] * line).astype(np.float32)
        odds = self.log_odds(x)
        k = int(np.argmax(odds <= 0)) if (odds <= 0).any() else -1
        return {b: round(float(x[i, k]), 2) for i, b in enumerate(self.bands)}

    def log_water(self, x: Floats) -> Floats:
        # Nothing on land is darker than water: the far side of the bell is water too.
        mean = self.water.mean.astype(np.float32).reshape((-1,) + (1,) * (x.ndim - 1))
        return self.water.log_density(np.maximum(x, mean))

    def log_land(self, x: Floats) -> Floats:
        """Log density of land, its classes by their shares within land."""
        whole = sum(n.share for n in self.land)
        mean = self.water.mean.astype(np.float32).reshape((-1,) + (1,) * (x.ndim - 1))
        x = np.maximum(x, mean)
        parts = [n.log_density(x) + np.float32(np.log(n.share / whole)) for n in self.land]
        return np.logaddexp.reduce(parts)

    def log_odds(self, x: Floats) -> Floats:
        """Log odds of water against land; ``x`` is filtered backscatter (bands, …), dB."""
        prior = np.log(self.water.share / (1 - self.water.share))
        odds = self.log_water(x) - self.log_land(x) + np.float32(prior)
        # Brighter than fields in every band is not water, however wide water's bell.
        field = max(self.land, key=lambda n: n.share).mean.astype(np.float32)
        bright = (x >= field.reshape((-1,) + (1,) * (x.ndim - 1))).all(0)
        odds = np.where(bright, np.float32(-CERTAIN), odds)
        return np.clip(odds, -CERTAIN, CERTAIN).astype(np.float32)

    def hides_water(self, reference: Floats, now: Floats) -> NDArray[np.bool_]:
        """Ground as bright as trees (VH) or walls (VV): radar does not see water there.

        Parameters
        ----------
        reference : numpy.ndarray, shape (bands, …)
            Filtered backscatter without flood where there is such a scene, dB.
        now : numpy.ndarray, shape (bands, …)
            During the flood: water between walls or trunks makes them brighter still.
        """
        field = max(self.land, key=lambda n: n.share).mean
        out = np.zeros(reference.shape[1:], bool)
        for i, band in enumerate(self.bands):
            over, low, high = BRIGHT[band]
            limit = np.float32(np.clip(field[i] + over, low, high))
            out |= np.maximum(reference[i], now[i]) >= limit
        return out

    def dense(self, raw: Floats) -> NDArray[np.bool_]:
        """Quarters where walls stand close: streets between them hide water.

        Streets themselves are not bright, so that a filtered image does not tell them;
        echoes of walls are, and so much that speckle alone does not reach them. Where they
        are many within a window, the whole of it is built; a lone farm or pylon is not.

        Parameters
        ----------
        raw : numpy.ndarray, shape (bands, …)
            Backscatter with its speckle, dB; NaN where there is none.
        """
        first = raw[0]
        field = max(self.land, key=lambda n: n.share).mean[0]
        valid = np.isfinite(first)
        echo = (np.where(valid, first, np.float32(-99)) > field + WALL).astype(np.float32)
        share = ndimage.uniform_filter(echo, DENSE_WINDOW, mode="nearest")
        many = (share >= DENSE).astype(np.uint8)
        # The window makes a disc of its own size of one farm: a quarter is wider.
        core = ndimage.minimum_filter(many, QUARTER, mode="nearest")
        return np.asarray((ndimage.maximum_filter(core, QUARTER, mode="nearest") == 1) & valid)


def learn(tiles: Iterable[Floats], bands: tuple[str, ...]) -> Scene:
    """Learn water and land of a scene from its tiles.

    A tile counts where its histogram truly has two modes (Ashman's D, share of the
    smaller one, likeness of the fit) and the lower one is dark as water is; elsewhere
    the model is borrowed from those tiles. Where no tile counts, typical water is
    assumed, and taken for rare.

    Parameters
    ----------
    tiles : iterable of numpy.ndarray, shape (bands, rows, cols)
        Filtered backscatter, dB.
    bands : tuple of str

    Returns
    -------
    Scene

    Notes
    -----
    Sources: Martinis, Kersten & Twele (2015), ISPRS J. 104, 203-212 (tiles); Chini et al.
    (2017), IEEE TGRS 55, 6975-6988 (bimodality); Twele et al. (2016), IJRS 37, 2990-3004
    (both polarisations).
    """
    kept: list[Floats] = []
    others: list[Floats] = []
    found: list[Separation] = []
    for tile in tiles:
        x = tile.reshape(len(bands), -1)
        x = x[:, np.isfinite(x).all(0)]
        if x.shape[1] < 500:
            continue
        one = separate(x.mean(0))
        if one.bimodal and one.means[0] <= DARKEST_LAND[len(bands)]:
            kept.append(x)
            found.append(one)
        else:
            others.append(x[:, ::7])
    if not kept:
        return _without_water(others, bands)
    sample = np.concatenate(kept, axis=1)
    thinned: Wide = sample[:, :: max(1, sample.shape[1] // _SAMPLE)].astype(np.float64)
    cut = float(np.median([s.threshold for s in found]))
    return Scene(bands, *_mixture(thinned, cut), tuple(found))


def _mixture(sample: Wide, cut: float) -> tuple[Normal, tuple[Normal, ...]]:
    """Water, fields and bright ground by expectation-maximisation from the threshold."""
    from sklearn.mixture import GaussianMixture

    level = sample.mean(0)
    middle = float(np.median(level[level > cut]))
    groups = [sample[:, level <= cut], sample[:, (level > cut) & (level <= middle)],
              sample[:, level > middle]]  # fmt: skip
    means = np.stack([
        groups[0].mean(1), np.median(sample[:, level > cut], axis=1),
        np.percentile(groups[2], 90, axis=1),
    ])  # fmt: skip
    weights = np.array([(level <= cut).mean(), 0.8 * (level > cut).mean(), 0])
    weights[2] = 1 - weights[:2].sum()
    fit = GaussianMixture(
        3, means_init=means, weights_init=weights, reg_covar=0.05, random_state=0, max_iter=300
    ).fit(sample.T)
    order = np.argsort(fit.means_.sum(1))
    laws = [Normal(fit.means_[k], fit.covariances_[k], float(fit.weights_[k])) for k in order]
    return laws[0], tuple(laws[1:])


def _without_water(others: list[Floats], bands: tuple[str, ...]) -> Scene:
    mean, sd = np.array([TYPICAL_WATER[b] for b in bands]).T
    water = Normal(mean, np.diag(sd**2), RARE)
    if others:
        sample = np.concatenate(others, axis=1).astype(float)
        centre = np.median(sample, axis=1)
        spread = np.atleast_2d(np.cov(sample)) + 0.05 * np.eye(len(bands))
    else:
        centre, spread = mean + 8, np.eye(len(bands)) * 4
    return Scene(bands, water, (Normal(centre, spread, 1 - RARE),))


@dataclass(frozen=True)
class Change:
    """What two scenes of one place say together.

    ``drift`` is how dry ground changed between the two (mean and covariance, robust).
    """

    after: Scene
    before: Scene
    drift: Normal

    #: Part of dry ground that changed for other reasons (harvest, ploughing), and how much wider.
    OTHER, WIDER = 0.05, 9.0

    @property
    def shares(self) -> tuple[float, float]:
        """Prior shares of permanent water and of flood."""
        permanent = float(np.clip(self.before.water.share, RARE, 0.5))
        return permanent, float(np.clip(self.after.water.share - permanent, 0.02, 0.5))

    def posterior(self, after: Floats, before: Floats) -> tuple[Floats, Floats]:
        """Probability of flood (water now, not before) and of water in both scenes.

        Parameters
        ----------
        after, before : numpy.ndarray, shape (bands, …)
            Filtered backscatter, dB.

        Notes
        -----
        Three states. Dry: the scene before, plus the drift of dry ground, explains the
        scene after. Flood: land before, water after. Permanent: water in both. Each
        pixel is thus held against its own past, not against land at large.
        """
        change = after - before
        usual = self.drift.log_density(change) + np.float32(np.log(1 - self.OTHER))
        other = self.drift.log_density(change, self.WIDER) + np.float32(np.log(self.OTHER))
        steady = np.logaddexp(usual, other)
        was_land, was_water = self.before.log_land(before), self.before.log_water(before)
        is_water = self.after.log_water(after)
        field = max(self.after.land, key=lambda n: n.share).mean.astype(np.float32)
        bright = (after >= field.reshape((-1,) + (1,) * (after.ndim - 1))).all(0)
        is_water = np.where(bright, np.float32(-60), is_water)
        permanent_share, flood_share = self.shares
        dry = was_land + steady + np.float32(np.log(1 - permanent_share - flood_share * 0.9))
        flood = was_land + is_water + np.float32(np.log(flood_share))
        permanent = was_water + is_water + np.float32(np.log(permanent_share))
        # Water before that is land now: the flood has no part in it.
        left = was_water + self.after.log_land(after) + np.float32(np.log(RARE))
        total = np.logaddexp.reduce([dry, flood, permanent, left])
        return np.exp(flood - total), np.exp(permanent - total)


def reference(after: Scene, before: Scene, tiles: Iterable[Floats]) -> Scene:
    """The scene before, whose water must look like water to the flood's scene too.

    A scene without water may part dark fields from others, and take them for water: all
    that floods then counts as permanent. Where the flood's model calls that class land,
    it becomes one more class of land, and the flood's water is looked for instead.

    Parameters
    ----------
    after, before : Scene
        Of one orbit, hence of one angle and calibration.
    tiles : iterable of numpy.ndarray, shape (bands, rows, cols)
        Filtered backscatter of the scene before, dB: the share of water is told by them.
    """
    if not after.separations or not before.separations:
        return before
    if after.log_odds(before.water.mean.astype(np.float32)[:, None])[0] >= 0:
        return before
    land = (*before.land, before.water)
    sample = np.concatenate([t[:, ::3, ::3].reshape(len(t), -1) for t in tiles], axis=1)
    sample = sample[:, np.isfinite(sample).all(0)]
    share = RARE
    for _ in range(10):
        found = Scene(before.bands, replace(after.water, share=share), land, before.separations)
        p = 1 / (1 + np.exp(-found.log_odds(sample)))
        share = float(np.clip(p.mean(), RARE, 0.5))
    return Scene(before.bands, replace(after.water, share=share), land, before.separations)


def learn_change(after: Scene, before: Scene, differences: Floats) -> Change:
    """Learn how dry ground changed between two scenes.

    Parameters
    ----------
    after, before : Scene
    differences : numpy.ndarray, shape (bands, n)
        After minus before, dB, over the whole ground: most of it must not be flooded.
    """
    x = differences[:, np.isfinite(differences).all(0)].astype(float)
    if x.shape[1] < 100:
        return Change(after, before, Normal(np.zeros(len(x)), np.eye(len(x)), 1.0))
    centre = np.median(x, axis=1)
    for _ in range(3):
        # A scene held against itself does not change at all.
        spread = np.maximum(1.4826 * np.median(np.abs(x - centre[:, None]), axis=1), 0.05)
        near = (np.abs(x - centre[:, None]) < 3 * spread[:, None]).all(0)
        centre = np.median(x[:, near], axis=1)
    covariance = np.atleast_2d(np.cov(x[:, near])) + 0.02 * np.eye(len(x))
    return Change(after, before, Normal(centre, covariance, 1.0))
