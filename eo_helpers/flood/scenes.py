"""Radar scenes and optical images that give windows ready to be judged.

They may lie in memory or in a file that is read window by window.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import InvalidInput
from . import optical as opt
from . import radar, speckle

__all__ = [
    "TILE",
    "OpticalImage",
    "RadarScene",
    "band_names",
    "open_optical",
    "open_radar",
    "optical_bands",
    "radar_bands",
    "radar_unit",
    "tiles",
]

Floats = NDArray[np.float32]

#: Side of the tiles that a model is learnt from, pixels.
TILE = 128
#: Blue reflectance of clouds.
CLOUD = 0.25


def radar_bands(scene: xr.DataArray | xr.Dataset, where: str = "") -> dict[str, xr.DataArray]:
    """VV and VH of a scene, by name where bands have one, else first VV then VH.

    Raises
    ------
    InvalidInput
        If the bands are named otherwise (HH, HV …), or there is none.
    """
    if isinstance(scene, xr.Dataset):
        named = {str(n).upper(): a for n, a in scene.data_vars.items() if a.ndim == 2}
    elif scene.ndim == 2:
        named = {str(scene.attrs.get("long_name") or scene.name or "VV").upper(): scene}
    else:
        words = band_names(scene)
        named = {w.upper(): scene.isel(band=i) for i, w in enumerate(words) if w}
        if not named:
            named = {n: scene.isel(band=i) for i, n in zip(range(len(words)), ("VV", "VH"))}  # noqa: B905
    out = {}
    for wanted in ("VV", "VH"):
        match = [a for n, a in named.items() if wanted in n.replace("-", "_").split("_")]
        if match:
            out[wanted] = match[0]
    if not out and len(named) == 1 and not any(p in next(iter(named)) for p in ("HH", "HV")):
        out = {"VV": next(iter(named.values()))}
    if not out:
        name = f"{where} : " if where else ""
        told = ", ".join(named) or "aucune"
        raise InvalidInput(
            f"{name}ni bande VV ni bande VH (bandes : {told}) : il faut une image Sentinel-1 VV "
            "et VH.",
            f"{name}neither band VV nor VH (bands: {told}): a Sentinel-1 image is needed.",
        )
    return out


def band_names(raster: xr.DataArray) -> list[str]:
    """Names of the bands: text coordinates, else their descriptions, else empty."""
    values = raster["band"].values if "band" in raster.coords else np.arange(raster.shape[0])
    if values.dtype.kind in "UO":
        return [str(v) for v in values]
    told = raster.attrs.get("long_name")
    if isinstance(told, (tuple, list)) and len(told) == raster.shape[0]:
        return [str(t or "") for t in told]
    return [""] * raster.shape[0]


@dataclass
class RadarScene:
    """A scene that gives filtered windows, whatever it is held in (memory or file)."""

    bands: dict[str, xr.DataArray]
    unit: speckle.Unit
    scale: float = 1.0
    noise: tuple[float, ...] = ()
    #: Of the total variation (:func:`.speckle.total_variation`).
    weight: float = 4.0

    @property
    def shape(self) -> tuple[int, int]:
        first = next(iter(self.bands.values()))
        return first.shape[0], first.shape[1]

    def decibels(self, rows: slice, cols: slice) -> Floats:
        return np.stack([
            speckle.to_decibels(a.isel(y=rows, x=cols).values, self.unit)
            for a in self.bands.values()
        ])  # fmt: skip

    def filtered(self, rows: slice, cols: slice) -> Floats:
        raw = self.decibels(rows, cols)
        return np.stack([
            speckle.despeckle(b, self.scale, n) for b, n in zip(raw, self.noise, strict=True)
        ])  # fmt: skip

    def plain(self, raw: Floats) -> Floats:
        """Plain pieces of :meth:`decibels`: what pixels are judged by. Models are learnt on
        :meth:`filtered`, whose histograms stay bells.
        """
        return speckle.total_variation(raw, self.weight)


def _measured(
    scene: xr.DataArray | xr.Dataset, where: str
) -> tuple[RadarScene, list[tuple[slice, slice]]]:
    """A scene whose unit is known, and the tiles that told it."""
    bands = {name: a.transpose("y", "x") for name, a in radar_bands(scene, where).items()}
    opened = RadarScene(bands, "decibels")
    windows = list(tiles(opened.shape, 24))
    first = next(iter(bands.values()))
    sample = [first.isel(y=r, x=c).values.ravel()[::3] for r, c in windows]
    opened.unit = speckle.unit_of(np.concatenate(sample), where)
    return opened, windows


def radar_unit(scene: xr.DataArray | xr.Dataset, where: str = "") -> speckle.Unit:
    """Whether a scene is in decibels or linear power."""
    return _measured(scene, where)[0].unit


def open_radar(scene: xr.DataArray | xr.Dataset, where: str) -> RadarScene:
    """A scene whose unit, speckle and window are found out from an even choice of tiles."""
    opened, windows = _measured(scene, where)
    raw = [opened.decibels(r, c) for r, c in windows]

    def noise(scale: float) -> tuple[float, ...]:
        found = np.array([[speckle.residual_noise(b, scale) for b in x] for x in raw])
        found = found[np.isfinite(found).all(1)]
        return tuple(np.median(found, axis=0)) if len(found) else (1.0,) * len(opened.bands)

    for scale in speckle.SCALES:
        opened.scale = scale
        if max(noise(scale)) <= speckle.WANTED_NOISE:
            break
    opened.noise = noise(opened.scale / 2)
    raw_noise = float(np.mean(noise(0.25)))
    opened.weight = speckle.TV_WEIGHT * np.sqrt(len(opened.bands)) * raw_noise
    return opened


def tiles(shape: tuple[int, int], most: int, size: int = TILE) -> Iterator[tuple[slice, slice]]:
    """Tiles of one size that cover the scene, or an even choice of them."""

    def starts(n: int) -> NDArray[np.int64]:
        count = max(1, round(n / size))
        return np.linspace(0, max(n - size, 0), count).round().astype(int)

    every = [(r, c) for r in starts(shape[0]) for c in starts(shape[1])]
    chosen = np.unique(np.linspace(0, len(every) - 1, min(most, len(every))).round().astype(int))
    for k in chosen:
        r, c = every[int(k)]
        yield slice(r, min(r + size, shape[0])), slice(c, min(c + size, shape[1]))


@dataclass
class OpticalImage:
    """Clear-sky features of an optical image, and what was learnt of them."""

    bands: dict[str, xr.DataArray]
    scale: float
    offset: float
    word: str
    slope: float = 0.0
    constant: float = 0.0
    #: With one radar scene, and with two.
    line: opt.Fisher | None = None
    evidence: opt.Evidence | None = None

    def features(self, rows: slice, cols: slice) -> Floats:
        got = {
            k: (a.isel(y=rows, x=cols).values.astype(np.float32) + np.float32(self.offset))
            * np.float32(self.scale)
            for k, a in self.bands.items()
        }
        found = opt.indices(got["green"], got["nir"], got["swir"])
        if "blue" in got:
            found[:, got["blue"] > CLOUD] = np.nan
        return found

    def log_odds(self, features: Floats) -> Floats:
        odds = np.float32(self.slope) * features[0] + np.float32(self.constant)
        return np.clip(odds, -radar.CERTAIN, radar.CERTAIN)


def optical_bands(image: xr.DataArray) -> dict[str, xr.DataArray]:
    """The bands that indices and clouds need, by role."""
    where = opt.band_indices(band_names(image), "--optical")
    return {k: image.isel(band=i).transpose("y", "x") for k, i in where.items()}


def open_optical(image: xr.DataArray, shape: tuple[int, int]) -> OpticalImage:
    """An image whose bands and scale of reflectance are found out."""
    bands = optical_bands(image)
    parts = [
        np.stack([bands[k].isel(y=r, x=c).values.ravel()[::3] for k in opt.NEEDED])
        for r, c in tiles(shape, 24)
    ]
    sample = np.concatenate(parts, axis=1).astype(float)
    sample[:, (sample == 0).all(0)] = np.nan
    return OpticalImage(bands, *opt.reflectance(sample))
