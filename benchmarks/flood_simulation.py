"""Simulated floods whose water surface is known, for judging depth methods.

Ground of 5 m cells, 600 × 600. Each scene draws rolling ground (Gaussian fields with
wavelengths of 20 to 250 cells), a river and a water surface; water is where the surface
stands above the ground and is connected to the river. The DEM adds 0.1 m of noise.

plain    a wide flood plain, surface falling 0.1 m a kilometre
valley   a meandering valley, surface falling 1 to 3 m a kilometre
islands  the plain with mounds and dykes that stand out of the water, steep-sided
border   a valley that leaves the image on three sides
torrent  a steep river (8 to 15 m a kilometre) whose surface itself is uneven by 0.15 m

The extent is given exactly, one pixel too small, one too large, with 10 % of the wet
area missed in patches, or with groves: discs of 2 to 15 cells, 10 % of the area, on
which the sensor sees no water. Ragged: the edge strays to where the true depth is
anything within 0.3 m (standard deviation) of zero, on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

SCENES = ("plain", "valley", "islands", "border", "torrent")
EXTENTS = ("exact", "smaller", "larger", "missed", "groves", "ragged")
CELL = 5.0


@dataclass
class Scene:
    dem: np.ndarray
    ground: np.ndarray
    surface: np.ndarray
    wet: np.ndarray


def field(rng: np.random.Generator, n: int, scale: float) -> np.ndarray:
    """A smooth Gaussian field, mean 0 and standard deviation 1."""
    f = np.hypot(np.fft.fftfreq(n)[:, None], np.fft.rfftfreq(n)[None])
    spectrum = np.fft.rfft2(rng.standard_normal((n, n))) * np.exp(-((f * scale) ** 2) * 6)
    out = np.fft.irfft2(spectrum, (n, n))
    return (out - out.mean()) / out.std()


def simulate(scene: str, seed: int, n: int = 600, noise: float = 0.1) -> Scene:
    rng = np.random.default_rng([seed, SCENES.index(scene)])
    y, x = np.mgrid[0:n, 0:n].astype(float)
    bend = (
        n
        * rng.uniform(0.03, 0.10)
        * np.sin(2 * np.pi * y / n * rng.uniform(0.8, 2.0) + rng.uniform(0, 6))
    )
    across = x - n / 2 - bend
    if scene in ("plain", "islands"):
        fall, half = 1e-4, n * rng.uniform(0.25, 0.35)
        shape = 2.2 * np.abs(across / half) ** rng.uniform(2.0, 3.0)
    elif scene == "valley":
        fall, half = rng.uniform(1e-3, 3e-3), n * rng.uniform(0.12, 0.2)
        shape = 2.2 * np.abs(across / half) ** rng.uniform(1.5, 2.5)
    elif scene == "torrent":
        fall, half = rng.uniform(8e-3, 15e-3), n * rng.uniform(0.12, 0.2)
        shape = 2.2 * np.abs(across / half) ** rng.uniform(1.5, 2.5)
    else:
        fall, half = rng.uniform(5e-4, 2e-3), n * rng.uniform(0.3, 0.4)
        shape = 2.2 * np.abs((across + n * rng.uniform(0.1, 0.3)) / half) ** 2
    along = (n - y) * CELL * fall
    ground = 20 + along + np.minimum(shape, 60)
    for scale, size in ((250, 0.35), (70, 0.25), (20, 0.08)):
        ground += size * rng.uniform(0.6, 1.3) * field(rng, n, scale)
    ground -= 2.0 * np.exp(-((across / 5) ** 2))
    if scene == "islands":
        for _ in range(25):
            cy, cx = rng.uniform(0, n), n / 2 + rng.uniform(-1, 1) * half
            r = rng.uniform(4, 25)
            height = rng.uniform(2, 5)
            d = np.hypot(y - cy, (x - cx) * rng.uniform(0.6, 1.6))
            ground += height * np.clip(1.5 - d / r, 0, 1)
        for _ in range(2):
            at = rng.uniform(-0.7, 0.7) * half
            ground = np.maximum(
                ground,
                np.where(np.abs(across - at) < 3, 24.0 + along, -99)
                * (np.sin(y / n * 7 + rng.uniform(0, 6)) > -0.3),
            )
    level = rng.uniform(1.7, 2.2)
    surface = 20 + along + level + 0.05 * field(rng, n, 300)
    if scene == "torrent":
        surface += 0.15 * field(rng, n, 60)
    below = ground < surface
    labels, _ = ndimage.label(below)
    river = np.unique(labels[np.abs(across) < 3])
    wet = np.isin(labels, river[river > 0])
    dem = ground + noise * rng.standard_normal((n, n))
    return Scene(dem.astype("f4"), ground, surface, wet)


def perturb(scene: Scene, how: str, seed: int) -> np.ndarray:
    wet = scene.wet
    rng = np.random.default_rng([seed, 7])
    if how == "smaller":
        return ndimage.binary_erosion(wet, border_value=1)
    if how == "larger":
        return ndimage.binary_dilation(wet)
    if how == "ragged":
        depth = scene.surface - scene.ground + 0.3 * field(rng, len(wet), 10)
        return (depth > 0) & ndimage.binary_dilation(wet, iterations=6)
    if how == "missed":
        patches = field(rng, len(wet), 15)
        return wet & (patches < np.quantile(patches[wet], 0.9))
    if how == "groves":
        out = wet.copy()
        y, x = np.mgrid[0 : len(wet), 0 : len(wet)]
        cells = np.argwhere(wet)
        while out.sum() > 0.9 * wet.sum():
            cy, cx = cells[rng.integers(len(cells))]
            out &= np.hypot(y - cy, x - cx) > rng.uniform(2, 15)
        return out
    return wet.copy()


def plain_fwdet(wet: np.ndarray, dem: np.ndarray) -> np.ndarray:
    """A straightforward FwDET: nearest inner edge cell, three 3 × 3 smoothings of the depth."""
    inner = wet & ~ndimage.binary_erosion(wet, border_value=1)
    rows, cols = ndimage.distance_transform_edt(~inner, return_distances=False, return_indices=True)
    surface = dem[rows, cols]
    for _ in range(3):
        surface = ndimage.uniform_filter(surface, 3)
    return np.where(wet, np.maximum(surface - dem, 0), 0)
