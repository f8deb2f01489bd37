"""Where the water stands: from radar, with a scene before, optical and terrain where given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import ndimage

from ..errors import InvalidInput
from . import optical as opt
from . import radar, speckle, terrain
from .calibration import calibrate
from .cleaning import hysteresis, unobservable
from .context import with_local_share
from .extent_notes import method_of, notes_on
from .scenes import (
    OpticalImage,
    RadarScene,
    open_optical,
    open_radar,
    optical_bands,
    radar_bands,
    tiles,
)

__all__ = ["DRY", "FLOODED", "UNKNOWN", "water_extent"]

Floats = NDArray[np.float32]
Bands = xr.DataArray | xr.Dataset
#: After, before, optical.
Wider = tuple[Bands, Bands | None, xr.DataArray | None]

FLOODED, DRY, UNKNOWN = 1, 0, 255
#: Tiles that a model is learnt from, at most.
MOST_TILES = 360
#: Pixels around a block that its result may depend on.
HALO = 64
#: Neighbours' say (log odds at most) and reach (pixels): water comes in sheets.
COUPLING, REACH, ROUNDS = 2.0, 2.0, 5


def _blocks(shape: tuple[int, int], size: int) -> Iterator[tuple[Any, Any, Any]]:
    """Where to write, where to read (with a halo), and the first inside the second."""
    for r in range(0, shape[0], size):
        for c in range(0, shape[1], size):
            r1, c1 = min(r + size, shape[0]), min(c + size, shape[1])
            r0, c0 = max(r - HALO, 0), max(c - HALO, 0)
            read = slice(r0, min(r1 + HALO, shape[0])), slice(c0, min(c1 + HALO, shape[1]))
            inner = slice(r - r0, r1 - r0), slice(c - c0, c1 - c0)
            yield (slice(r, r1), slice(c, c1)), read, inner


def water_extent(
    after: xr.DataArray | xr.Dataset,
    before: xr.DataArray | xr.Dataset | None = None,
    optical: xr.DataArray | None = None,
    dem: xr.DataArray | None = None,
    *,
    learn_from: Wider | None = None,
    block: int = 1024,
) -> xr.Dataset:
    """Flood extent and its probability from calibrated Sentinel-1 backscatter.

    Parameters
    ----------
    after : xarray.DataArray (band, y, x) or Dataset
        VV and VH during the flood, decibels or linear power (found out), NaN where there
        is no measurement. One band alone is taken, with less to tell water by.
    before : same, optional
        A scene of the same orbit without flood, on the same grid: permanent water and
        ground that is always dark are then told from flood.
    optical : xarray.DataArray (band, y, x), optional
        Sentinel-2 of the flood on the same grid: reflectance 0-1 or × 10,000, with or
        without the offset of -1000 (found out).
    dem : xarray.DataArray (y, x), optional
        Bare-earth heights on the same grid, metres: water does not stand on slopes or
        high above streams.
    learn_from : (after, before, optical), optional
        The same images over a wider place, None for those that are not given: what water
        and land look like is learnt there. A commune alone may hold too little of one.
    block : int
        Pixels of the side of the blocks that are computed at once. The result does not
        depend on it: models are learnt once for the scene, blocks overlap.

    Returns
    -------
    xarray.Dataset
        ``flood`` uint8: 1 flooded (all water without ``before``), 0 dry, 255 not
        observable (no measurement; trees and dense buildings near the flood, which hide
        water from radar). ``probability`` float32 0-1 of being flooded, NaN without
        measurement. ``permanent`` uint8: 1 water in both scenes (or dark in both).
        ``attrs``: ``unit``, ``thresholds``, ``looks``, ``method``, ``notes`` (list of
        sentences), ``flooded_share`` (of the observed area).

    Raises
    ------
    InvalidInput
        If a band is missing, nothing is valid, values are not calibrated, or shapes differ.

    Notes
    -----
    Method: speckle filter in the log domain; normal mixture of both polarisations learnt
    on truly bimodal tiles; three-state change model against the scene before;
    with an optical image, its evidence weighed by what radar found under each colour
    (two scenes), or Fisher's discriminant of radar and optical trained where both agree,
    and neighbours by mean field (one scene); seeds grown by hysteresis, small regions
    dropped; terrain as fuzzy mask.
    Sources: Martinis et al. (2015); Twele et al. (2016); Chini et al. (2017).
    """
    import rioxarray  # noqa: F401  (registers .rio)

    given = (after, before, optical)
    wider = given if learn_from is None else learn_from
    if [g is None for g in given] != [w is None for w in wider]:
        raise ValueError("learn_from must hold the same images as are given")
    opened = _open(*wider)
    model, change = _learn(*opened)
    scene, past, image = opened if learn_from is None else _narrowed(opened, given)
    shape = scene.shape
    hand = None
    if dem is not None:
        _same(shape, dem.shape, "--dem")
        hand = terrain.can_flood(dem)

    odds = np.full(shape, np.nan, np.float32)
    steady = np.zeros(shape, np.uint8)
    hides = np.zeros(shape, np.uint8)
    clear = 0
    for write, read, inner in _blocks(shape, block):
        found = _block(scene, past, image, model, change, read)
        if dem is not None and hand is not None:
            found[0] = _logit(_sigmoid(found[0]) * _stands(dem, hand, read))
        odds[write], steady[write], hides[write] = (a[inner] for a in found[:3])
        clear += int(found[3][inner].sum())
    fused = bool(image is not None and clear > 0.5 * np.isfinite(odds).sum())
    cell = float(np.prod(terrain.cell_size(_template(after))))
    # One scene and optical: neighbours were heard by mean field instead.
    single = fused and past is None
    if not single:
        share = model.water.share if change is None else change.shares[1]
        with_local_share(odds, share, float(np.sqrt(cell)), radar.CERTAIN)
    for top in range(0, shape[0], block):
        odds[top : top + block] = _sigmoid(odds[top : top + block])
    probability, flood = hysteresis(odds, cell, grow=not single)
    calibrate(probability, flood == FLOODED, past is not None, fused)
    flood[unobservable(flood, hides, cell)] = UNKNOWN
    observed = int((flood != UNKNOWN).sum())
    first = _template(after)
    out = xr.Dataset(
        {
            "flood": (("y", "x"), flood, {"long_name": "1 flooded, 0 dry, 255 not observable"}),
            "probability": (("y", "x"), probability, {"long_name": "probability of flood"}),
            "permanent": (("y", "x"), steady, {"long_name": "1 water in both scenes"}),
        },
        coords={"y": first["y"], "x": first["x"]},
        attrs={
            "unit": scene.unit,
            "thresholds": model.thresholds,
            "looks": round(speckle.looks(max(scene.noise)), 1),
            "scale": scene.scale,
            "method": method_of(past, image, dem),
            "notes": notes_on(scene, past, image, model),
            "flooded_share": float((flood == FLOODED).sum()) / max(observed, 1),
        },
    )
    if first.rio.crs is not None:
        out.rio.write_crs(first.rio.crs, inplace=True)
    out.rio.write_transform(first.rio.transform(), inplace=True)
    return out


def _open(
    after: Bands, before: Bands | None, optical: xr.DataArray | None
) -> tuple[RadarScene, RadarScene | None, OpticalImage | None]:
    """Scenes of one grid, with the polarisations that they have in common."""
    scene = open_radar(after, "--after")
    past = open_radar(before, "--before") if before is not None else None
    if past is not None:
        _same(scene.shape, past.shape, "--before")
        common = [b for b in scene.bands if b in past.bands]
        if not common:
            raise InvalidInput(
                "Les deux scènes n'ont aucune polarisation en commun (VV ou VH).",
                "The two scenes have no polarisation in common (VV or VH).",
            )
        for one in (scene, past):
            kept = [i for i, b in enumerate(one.bands) if b in common]
            one.noise = tuple(one.noise[i] for i in kept)
            one.bands = {b: one.bands[b] for b in common}
    image = None
    if optical is not None:
        _same(scene.shape, optical.shape[-2:], "--optical")
        image = open_optical(optical, scene.shape)
    return scene, past, image


def _narrowed(
    opened: tuple[RadarScene, RadarScene | None, OpticalImage | None], given: Wider
) -> tuple[RadarScene, RadarScene | None, OpticalImage | None]:
    """The images that were given, with what was found out on wider ones."""
    after, before, optical = given
    scene, past, image = opened

    def radar_of(wide: RadarScene, narrow: Bands) -> RadarScene:
        found = radar_bands(narrow)
        return replace(wide, bands={b: found[b].transpose("y", "x") for b in wide.bands})

    first = radar_of(scene, after)
    second = radar_of(past, before) if past is not None and before is not None else None
    if second is not None:
        _same(first.shape, second.shape, "--before")
    third = None
    if image is not None and optical is not None:
        _same(first.shape, optical.shape[-2:], "--optical")
        third = replace(image, bands=optical_bands(optical))
    return first, second, third


def _template(scene: xr.DataArray | xr.Dataset) -> xr.DataArray:
    return next(iter(radar_bands(scene).values())).transpose("y", "x")


def _same(shape: tuple[int, ...], other: tuple[int, ...], what: str) -> None:
    if tuple(shape) != tuple(other):
        raise InvalidInput(
            f"{what} n'est pas sur la grille de --after ({other[0]} × {other[1]} pixels au lieu "
            f"de {shape[0]} × {shape[1]}) : rééchantillonnez-la.",
            f"{what} is not on the grid of --after ({other[0]} × {other[1]} pixels, not "
            f"{shape[0]} × {shape[1]}): resample it.",
        )


def _learn(
    scene: RadarScene, past: RadarScene | None, image: OpticalImage | None
) -> tuple[radar.Scene, radar.Change | None]:
    bands = tuple(scene.bands)
    now: list[Floats] = []
    then: list[Floats] = []
    seen: list[Floats] = []
    for rows, cols in tiles(scene.shape, MOST_TILES):
        # Filtered with their surroundings, like the blocks.
        wide = tuple(slice(max(s.start - 12, 0), s.stop + 12) for s in (rows, cols))
        cut = np.s_[
            :,
            rows.start - wide[0].start : rows.stop - wide[0].start,
            cols.start - wide[1].start : cols.stop - wide[1].start,
        ]
        now.append(scene.filtered(*wide)[cut])
        if past is not None:
            then.append(past.filtered(*wide)[cut])
        if image is not None:
            seen.append(image.features(rows, cols))
    model = radar.learn(now, bands)
    change = None
    if past is not None:
        old = radar.reference(model, radar.learn(then, bands), then)
        pairs = zip(now, then, strict=True)
        moved = np.concatenate([(a - b)[:, ::3, ::3].reshape(len(bands), -1) for a, b in pairs], 1)
        change = radar.learn_change(model, old, moved)
    if image is not None:
        _learn_optical(image, seen, now, then, model, change)
    return model, change


def _learn_optical(
    image: OpticalImage,
    seen: list[Floats],
    now: list[Floats],
    then: list[Floats],
    model: radar.Scene,
    change: radar.Change | None,
) -> None:
    """What the optical image can say, by tiles of indices and of radar; kept in ``image``."""

    def joined(parts: list[Floats]) -> Floats:
        return np.concatenate([p.reshape(len(p), -1) for p in parts], axis=1)

    features = np.concatenate([joined(seen), joined(now), *([joined(then)] if then else [])])
    features = features[:, np.isfinite(features).all(0)]
    features = features[:, :: max(1, features.shape[1] // 200_000)]
    if features.shape[1] <= 500:
        return
    bands = len(now[0])
    indices, after, before = features[:2], features[2 : 2 + bands], features[2 + bands :]
    if change is not None:
        # With one scene radar is too poor a teacher: what it misses would count as land.
        water = np.add(*change.posterior(after, before))
        image.evidence = opt.weigh(indices, _logit(water))
        return
    # Between fields and woods Otsu finds a threshold too: water's index is not that low.
    cut_at = max(opt.otsu(features[0]), opt.LEAST_MNDWI)
    image.slope, image.constant = opt.logistic(features[0], cut_at)
    image.line = opt.agree(features, model.log_odds(after), image.log_odds(indices))


def _neighbours(odds: Floats) -> Floats:
    """Probability once each pixel has heard its neighbours (mean field of a Potts model)."""
    p = _sigmoid(odds)
    for _ in range(ROUNDS):
        around = ndimage.gaussian_filter(p, REACH, mode="nearest", truncate=3.0)
        p = _sigmoid(odds + np.float32(COUPLING) * (2 * around - 1))
    return p


def _sigmoid(odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-odds)), np.float32)


def _plus(odds: Floats, evidence: Floats) -> Floats:
    return np.clip(odds + evidence, -radar.CERTAIN, radar.CERTAIN)


def _logit(p: Floats) -> Floats:
    low = np.float32(np.exp(-radar.CERTAIN))
    p = np.clip(p, low, 1 - low)
    return np.log(p / (1 - p)).astype(np.float32)


def _block(
    scene: RadarScene,
    past: RadarScene | None,
    image: OpticalImage | None,
    model: radar.Scene,
    change: radar.Change | None,
    read: tuple[slice, slice],
) -> list[Any]:
    """Log odds of flood, permanent water, what hides water, and where the sky is clear."""
    raw = scene.decibels(*read)
    now = scene.plain(raw)
    valid = np.isfinite(now).all(0)
    now = np.where(valid, now, np.float32(0))
    water = model.log_odds(now)
    clear: NDArray[np.bool_] = np.zeros(valid.shape, bool)
    if image is not None:
        seen = image.features(*read)
        clear = np.asarray(np.isfinite(seen).all(0) & valid)
        safe = np.where(clear, seen, np.float32(0))
        if image.evidence is not None:
            both = _plus(water, image.evidence.log_odds(safe))
        elif image.line is not None:
            both = image.line.log_odds(np.concatenate([safe, now]))
        else:
            both = _plus(water, image.log_odds(safe))
        water = np.where(clear, both, water)
    steady = np.zeros(valid.shape, np.uint8)
    reference, known = now, model
    dense = model.dense(raw)
    if past is not None and change is not None:
        old = past.decibels(*read)
        then = past.plain(old)
        known_then = np.isfinite(then).all(0) & valid
        then = np.where(known_then, then, np.float32(0))
        flood, permanent = change.posterior(now, then)
        if image is not None and image.evidence is not None:
            part = flood / np.maximum(flood + permanent, np.float32(1e-9))
            both = _sigmoid(_plus(_logit(flood + permanent), image.evidence.log_odds(safe)))
            flood = np.where(clear, both * part, flood)
            permanent = np.where(clear, both * (1 - part), permanent)
        odds = np.where(known_then, _logit(flood), water)
        steady = ((permanent > 0.5) & known_then).astype(np.uint8)
        reference, known = then, change.before
        dense |= known.dense(old)
    else:
        odds = water
    odds = np.where(valid, odds, np.float32(-radar.CERTAIN))
    if image is not None and past is None:
        odds = _logit(_neighbours(odds))
    odds = np.where(valid, odds, np.float32(np.nan))
    steady[~valid] = UNKNOWN
    hides = (known.hides_water(reference, now) | dense) & valid
    return [odds, steady, hides.astype(np.uint8), clear]


def _stands(dem: xr.DataArray, hand: tuple[Any, Floats, int], read: tuple[slice, slice]) -> Floats:
    """How well water can stand, 0-1, by slope and by height above drainage."""
    rows, cols = read
    _, above, factor = hand
    z = dem.isel(y=rows, x=cols).values.astype(np.float32)
    # A lidar's noise over one radar pixel is not a slope.
    steep = terrain.slope(ndimage.gaussian_filter(z, 1.5, mode="nearest"), terrain.cell_size(dem))
    r = (np.arange(rows.start, rows.start + z.shape[0]) // factor).clip(0, above.shape[0] - 1)
    c = (np.arange(cols.start, cols.start + z.shape[1]) // factor).clip(0, above.shape[1] - 1)
    return terrain.membership(steep, terrain.SLOPE) * terrain.membership(
        above[np.ix_(r, c)], terrain.DRAINAGE
    )
