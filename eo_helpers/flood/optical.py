"""Water in Sentinel-2 where the sky is clear, and radar and optical images taken together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..errors import InvalidInput
from .threshold import otsu

__all__ = [
    "NEEDED",
    "SEN1FLOODS11",
    "Evidence",
    "Fisher",
    "agree",
    "band_indices",
    "indices",
    "reflectance",
    "weigh",
]

Floats = NDArray[np.float32]

#: Bands of a 13-band image, in the order of Sen1Floods11 and of Level-1C.
SEN1FLOODS11 = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
#: What the indices need, and the other names that providers give.
NEEDED = {
    "green": ("b3", "b03", "green", "vert"),
    "nir": ("b8", "b08", "nir", "nir08", "b8a", "pir"),
    "swir": ("b11", "swir16", "swir1", "swir"),
}
#: MNDWI under which nothing is open water (Xu 2006 takes 0).
LEAST_MNDWI = -0.1
#: Bins of each index, from -1 to 1; their blur (bins); pixels that a bin is taken to hold of the
#: whole's mixture; rounds of expectation-maximisation.
BINS, BLUR, PRIOR_PIXELS, ROUNDS = 64, 1.5, 1.0, 5
#: Bands that tell clouds from the rest, where they are there.
_BLUE = ("b2", "b02", "blue", "bleu")


def band_indices(names: Sequence[str | None], where: str = "") -> dict[str, int]:
    """Positions of green, near infrared, short-wave infrared (and blue) among the bands.

    Raises
    ------
    InvalidInput
        If a band is missing.
    """
    known = [str(n or "").strip().lower() for n in names]
    if not any(known) and len(known) == len(SEN1FLOODS11):
        known = [n.lower() for n in SEN1FLOODS11]
    out = {}
    for role, words in {**NEEDED, "blue": _BLUE}.items():
        at = next((known.index(w) for w in words if w in known), None)
        if at is not None:
            out[role] = at
    missing = [role for role in NEEDED if role not in out]
    if missing:
        name = f"{where} : " if where else ""
        raise InvalidInput(
            f"{name}bande(s) {', '.join(missing)} introuvable(s) dans l'image optique ; nommez les "
            "bandes (B3, B8, B11) ou donnez les 13 bandes de Sentinel-2 dans l'ordre.",
            f"{name}band(s) {', '.join(missing)} not found in the optical image; name the bands "
            "(B3, B8, B11) or give Sentinel-2's 13 bands in order.",
        )
    return out


def reflectance(sample: NDArray, where: str = "") -> tuple[float, float, str]:
    """Scale and offset that make reflectance (0-1) of the image's numbers.

    Parameters
    ----------
    sample : numpy.ndarray, shape (bands, n)
        Numbers of green, near and short-wave infrared; NaN where there are none.

    Returns
    -------
    (scale, offset, word)
        Reflectance is ``(value + offset) * scale``.

    Raises
    ------
    InvalidInput
        If they are no reflectances (8-bit pictures, negative numbers).

    Notes
    -----
    Since processing baseline 04.00 (2022) numbers carry 1000 more than reflectance ×
    10,000: no dark surface is then under 1000.
    """
    valid = sample[np.isfinite(sample)]
    name = f"{where} : " if where else ""
    if valid.size == 0:
        raise InvalidInput(
            f"{name}l'image optique ne contient aucune mesure sur la zone.",
            f"{name}the optical image holds no measurement over the area.",
        )
    low, middle, high = np.percentile(valid, (0.5, 50, 99.5))
    if low > -0.2 and middle > 0.005 and high < 2.0:
        return 1.0, 0.0, "reflectance 0-1"
    if middle > 256 and high > 500 and low > -500 and high < 30_000:
        shifted = float(np.percentile(sample[-1][np.isfinite(sample[-1])], 0.5)) >= 990
        if shifted and low >= 990:
            return 1e-4, -1000.0, "reflectance x 10,000, offset -1000"
        return 1e-4, 0.0, "reflectance x 10,000"
    raise InvalidInput(
        f"{name}les valeurs (médiane {middle:.3g}) ne sont pas des réflectances : il faut 0-1 ou "
        "0-10 000, pas une image pour l'œil.",
        f"{name}values (median {middle:.3g}) are no reflectances: 0-1 or 0-10,000 is needed, not "
        "a picture.",
    )


def indices(green: Floats, nir: Floats, swir: Floats) -> Floats:
    """MNDWI and NDWI, shape (2, …), each -1 to 1.

    Notes
    -----
    Sources: Xu (2006), IJRS 27, 3025-3033; McFeeters (1996), IJRS 17, 1425-1432.
    """

    def ratio(a: Floats, b: Floats) -> Floats:
        total = a + b
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(total > 1e-4, np.clip((a - b) / total, -1, 1), np.nan)

    return np.stack([ratio(green, swir), ratio(green, nir)]).astype(np.float32)


def logistic(values: NDArray, cut: float) -> tuple[float, float]:
    """Slope and offset of log odds that are 0 at ``cut``, from two classes of one spread."""
    high, low = values[values > cut], values[values <= cut]
    if high.size < 10 or low.size < 10:
        return 1.0, -cut
    spread = (high.var() * high.size + low.var() * low.size) / (high.size + low.size)
    slope = float((high.mean() - low.mean()) / max(spread, 1e-12))
    return slope, -slope * cut


@dataclass(frozen=True)
class Fisher:
    """A line between water and land through several features (Fisher's discriminant).

    ``log_odds = weights · features + offset``, kept within ±``most``.
    """

    weights: NDArray[np.float64]
    offset: float
    most: float = 8.0

    def log_odds(self, features: Floats) -> Floats:
        """``features`` has shape (n, …); NaN where one is missing."""
        out = np.full(features.shape[1:], np.float32(self.offset))
        for w, f in zip(self.weights, features, strict=True):
            out = out + np.float32(w) * f
        return np.clip(out, -self.most, self.most).astype(np.float32)


def agree(
    features: NDArray, radar: NDArray, optical: NDArray, sure: float = 0.9, rounds: int = 3
) -> Fisher | None:
    """Learn to tell water from what radar and optical agree on.

    Pixels that both call water, and those that both call land, train a linear
    discriminant of all features; its own two classes, parted by Otsu's threshold, train
    it again, so that what only one sensor sees is weighed too.

    Parameters
    ----------
    features : numpy.ndarray, shape (k, n)
        Features of all pixels (indices, backscatter), finite.
    radar, optical : numpy.ndarray, shape (n,)
        Log odds of water of each sensor alone.
    sure : float
        Probability from which a sensor is taken to be sure.
    rounds : int
        Times that the discriminant is trained.

    Returns
    -------
    Fisher or None
        None if there is too little that both agree on.

    Notes
    -----
    Co-training: Blum & Mitchell (1998), COLT, 92-100. Covariance shrunk after Ledoit &
    Wolf (2004). No label is used.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    limit = np.log(sure / (1 - sure))
    water = (radar > limit) & (optical > limit)
    land = (radar < -limit) & (optical < -limit)
    if water.sum() < 50 or land.sum() < 50:
        return None
    centre, spread = features.mean(1), np.maximum(features.std(1), 1e-6)
    x = ((features - centre[:, None]) / spread[:, None]).T
    chosen, is_water = water | land, water
    line = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    score, cut = radar, 0.0
    for _ in range(rounds):
        score = line.fit(x[chosen], is_water[chosen]).decision_function(x)
        cut = otsu(score)
        chosen, is_water = np.ones(len(x), bool), score > cut
        if min(is_water.sum(), (~is_water).sum()) < 50:
            return None
    slope, offset = logistic(score, cut)
    weights = slope * line.coef_[0] / spread
    constant = slope * float(line.intercept_[0]) + offset - float(weights @ centre)
    return Fisher(weights, constant)


@dataclass(frozen=True)
class Evidence:
    """What an optical image says of water, in log odds by bin of MNDWI and NDWI.

    Attributes
    ----------
    log_ratio : numpy.ndarray, shape (BINS, BINS)
        Log of the likelihood of a bin's indices with water over that without.
    """

    log_ratio: Floats

    def log_odds(self, features: Floats) -> Floats:
        """``features`` are MNDWI and NDWI, shape (2, …), finite."""
        return np.asarray(self.log_ratio[_bin(features[0]), _bin(features[1])], np.float32)


def _bin(index: NDArray) -> NDArray[np.intp]:
    return np.clip((index + 1) * (BINS / 2), 0, BINS - 1).astype(np.intp)


def weigh(features: NDArray, radar: NDArray) -> Evidence:
    """Learn from what radar says of each pixel how much the optical image can say there.

    Plants that stand in water look dry from above: radar finds water under some pixels of
    their colour, so that this colour speaks against water hardly at all. Bare soil, under
    which radar finds none, speaks against it clearly.

    Parameters
    ----------
    features : numpy.ndarray, shape (2, n)
        MNDWI and NDWI, finite.
    radar : numpy.ndarray, shape (n,)
        Log odds of water by radar alone, from two scenes.

    Notes
    -----
    Both sensors are taken to err independently of each other, given the ground. Densities
    of the indices with and without water are then those of a mixture of two classes, found
    by expectation-maximisation (Dempster, Laird & Rubin 1977, JRSS B 39, 1-38) as blurred
    histograms, starting from radar. No label is used.
    """
    at = _bin(features[0]) * BINS + _bin(features[1])

    def histogram(weights: NDArray | None = None) -> NDArray[np.float64]:
        count = np.bincount(at, weights, BINS * BINS).reshape(BINS, BINS).astype(float)
        return np.asarray(ndimage.gaussian_filter(count, BLUR, mode="nearest"))

    every = histogram()
    ratio = np.zeros((BINS, BINS))
    for _ in range(ROUNDS):
        p = 1 / (1 + np.exp(-(radar + ratio.ravel()[at])))
        whole = float(np.clip(p.mean(), 1e-4, 1 - 1e-4))
        share = (histogram(p) + PRIOR_PIXELS * whole) / (every + PRIOR_PIXELS)
        share = np.clip(share, 1e-4, 1 - 1e-4)
        ratio = np.log(share / (1 - share)) - np.log(whole / (1 - whole))
        # No open water: such a colour may hide water, it does not speak for it.
        ratio[: _bin(np.array(LEAST_MNDWI))] = np.minimum(ratio[: _bin(np.array(LEAST_MNDWI))], 0)
    return Evidence(ratio.astype(np.float32))
