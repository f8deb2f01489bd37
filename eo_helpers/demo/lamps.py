"""Night lights: lamps on the ground, seen by VIIRS, written as NASA's VNP46A3 tiles."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from scipy import ndimage

from .ground import Ground, generator

__all__ = ["EVENTS", "MONTHS", "Sky", "lamp_layers", "public_share", "radiance"]

MONTHS = [dt.date(2014 + k // 12, k % 12 + 1, 1) for k in range(132)]
CELL = 1 / 240
#: What each commune did with its public lighting. ``fraction``: share of the
#: public lighting that goes out.
EVENTS: dict[str, dict] = {
    "99001": {"practice": "extinction_partielle_ou_renovation",
              "events": [{"month": "2019-10", "kind": "renovation", "fraction": 0.42}]},
    "99002": {"practice": "pas_de_changement",
              "events": [],
              "fade": {"from": "2016-01", "to": "2020-12", "fraction": 0.30,
                       "kind": "led_fade"}},
    "99003": {"practice": "extinction_totale",
              "events": [{"month": "2022-11", "kind": "switch_off", "fraction": 0.90}]},
    "99004": {"practice": "pas_de_changement", "events": []},
    "99005": {"practice": "rallumage",
              "events": [{"month": "2018-03", "kind": "switch_off", "fraction": 0.90},
                         {"month": "2020-09", "kind": "relighting", "fraction": 0.0}]},
    "97199": {"practice": "extinction_totale",
              "events": [{"month": "2021-06", "kind": "switch_off", "fraction": 0.85}]},
}  # fmt: skip
#: Months without a file, months under snow, months almost without clear night.
MISSING = {"ervelle": ["2015-08"], "vermeil": ["2017-09"]}
SNOW = {"ervelle": ["2018-02"], "vermeil": []}
CLOUDY = {
    "ervelle": ["2014-01", "2014-02", "2016-01", "2017-12", "2019-12", "2021-01", "2023-11"],
    "vermeil": ["2014-11", "2018-10", "2020-11", "2022-09"],
}
FILLED = {
    "ervelle": ["2015-06", "2020-06", "2024-01"],
    "vermeil": ["2017-10", "2019-08"],
}
_POWER = {"old": 1.0, "c19": 0.9, "terrace": 0.7, "suburb": 0.45, "towers": 0.9, "business": 0.8,
          "village": 0.75, "quay": 1.0, "park": 0.3, "yard": 1.2, "sports": 0.3}  # fmt: skip


@dataclass
class Sky:
    """What the satellite gives over a window of its grid, for every month.

    ``radiance``, ``std`` in nW·cm⁻²·sr⁻¹, NaN where missing; ``nights`` and
    ``quality`` integers; ``snow`` tells the months whose values belong to the
    snow-covered composite; all (months, rows, cols). ``row``, ``col`` is the
    window's upper-left cell on the global 15 arc-second grid.
    """

    row: int
    col: int
    radiance: NDArray[np.float32]
    std: NDArray[np.float32]
    nights: NDArray[np.uint16]
    quality: NDArray[np.uint8]
    snow: NDArray[np.bool_]
    written: NDArray[np.bool_]
    land: NDArray[np.bool_]


def public_share(insee: str) -> NDArray[np.float64]:
    """Share of a commune's public lighting that burns at 01:30, each month."""
    share = np.ones(len(MONTHS))
    names = [m.strftime("%Y-%m") for m in MONTHS]
    told = EVENTS[insee]
    for event in told["events"]:
        share[names.index(event["month"]) :] = 1 - event["fraction"]
    if "fade" in told:
        first, last = names.index(told["fade"]["from"]), names.index(told["fade"]["to"])
        along = np.clip((np.arange(len(share)) - first) / (last - first), 0, 1)
        share *= 1 - told["fade"]["fraction"] * along
    return share


def lamp_layers(
    ground: Ground, step: float = 50.0
) -> tuple[list[str], NDArray[np.float32], NDArray[np.float32]]:
    """Light of the lamps by commune: public and private, on a ``step`` grid.

    Returns
    -------
    codes : list of str
    public, private : float32 (communes, rows, cols)
        Metres of lit street, and its equivalent for business parks and quays.
    """
    factor = int(step / ground.grid.step)
    grid = ground.grid.coarse(factor)
    lines = ground.streets.geometry.values
    count = np.maximum((shapely.length(lines) / 20).astype(int), 1)
    which = np.repeat(np.arange(len(lines)), count)
    rank = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    spots = shapely.line_interpolate_point(
        lines[which], (rank + 0.5) / count[which], normalized=True
    )
    xy = shapely.get_coordinates(spots)
    kinds = ground.blocks["kind"].to_numpy()
    row, col = ground.grid.index(*xy.T)
    power = np.zeros(len(xy))
    # A lamp's kind is that of the blocks about it (the street itself lies between two).
    for dr, dc in ((0, 0), (3, 0), (-3, 0), (0, 3), (0, -3)):
        r = np.clip(row + dr, 0, ground.grid.rows - 1)
        c = np.clip(col + dc, 0, ground.grid.cols - 1)
        block = ground.block_id[r, c]
        here = np.array([_POWER.get(k, 0.0) for k in kinds[block]]) * (block >= 0)
        power = np.maximum(power, here)
    lengths = (shapely.length(lines) / count)[which] * power
    wide = np.where(ground.streets["kind"].to_numpy()[which] == "street", 1.0, 1.5)
    insee = ground.blocks["insee"].to_numpy()[ground.block_id[row, col]]
    codes = list(ground.communes["insee"])
    r, c = grid.index(*xy.T)
    public = np.zeros((len(codes), *grid.shape), np.float32)
    private = np.zeros_like(public)
    work = ground.buildings["use"].to_numpy() == "work"
    shops = shapely.get_coordinates(shapely.centroid(ground.buildings.geometry.values[work]))
    wr, wc = grid.index(*shops.T)
    size = ground.buildings.geometry.area.to_numpy()[work]
    owner = ground.blocks["insee"].to_numpy()[ground.buildings["block"].to_numpy()[work]]
    for k, code in enumerate(codes):
        mine = insee == code
        np.add.at(public[k], (r[mine], c[mine]), (lengths * wide)[mine])
        mine = owner == code
        np.add.at(private[k], (wr[mine], wc[mine]), 0.035 * size[mine])
        private[k] += 0.06 * public[k]
    return codes, public, private


def _seen(
    layers: NDArray[np.float32], ground: Ground, step: float, lon: NDArray, lat: NDArray
) -> NDArray[np.float32]:
    """What the sensor gathers: a 750 m footprint, and a halo that the air scatters."""
    grid = ground.grid.coarse(int(step / ground.grid.step))
    transformer = Transformer.from_crs("EPSG:4326", ground.crs, always_xy=True)
    x, y = transformer.transform(*np.meshgrid(lon, lat))
    at = np.array([(grid.north - y) / step - 0.5, (x - grid.west) / step - 0.5])
    out = np.zeros((len(layers), *x.shape), np.float32)
    pad = int(4500 / step)
    for k, layer in enumerate(layers):
        wide = np.pad(layer, pad)
        sharp = ndimage.gaussian_filter(wide, 318 / step)
        halo = ndimage.gaussian_filter(wide, 1500 / step, truncate=3)
        mixed = 0.93 * sharp + 0.07 * halo
        out[k] = ndimage.map_coordinates(mixed, at + pad, order=1, cval=0.0)
    return out


def radiance(ground: Ground, seed: int, brightness: float = 0.26) -> Sky:
    """Monthly radiance about a piece of territory, as VNP46A3 would hold it."""
    island = ground.area != "ervelle"
    rng = generator(seed, 30, int(island))
    transformer = Transformer.from_crs(ground.crs, "EPSG:4326", always_xy=True)
    west, south, east, north = transformer.transform_bounds(*ground.grid.bounds)
    margin = 8
    col = int((west + 180) / CELL) - margin
    row = max(int((90 - north) / CELL) - margin, 0)
    if not island:
        # North of 50° N lies another row of tiles, which nothing of the territory reaches.
        row = max(row, 40 * 240)
    cols = int((east + 180) / CELL) + margin - col
    rows = int((90 - south) / CELL) + margin - row
    lon = -180 + (col + np.arange(cols) + 0.5) * CELL
    lat = 90 - (row + np.arange(rows) + 0.5) * CELL
    step = 50.0
    codes, public, private = lamp_layers(ground, step)
    scale = brightness * (50 / step) ** 2
    seen_public = _seen(public, ground, step, lon, lat) * scale
    seen_private = _seen(private, ground, step, lon, lat) * scale

    n, shape = len(MONTHS), (rows, cols)
    month = np.array([m.month for m in MONTHS])
    names = np.array([m.strftime("%Y-%m") for m in MONTHS])
    season = 1 + (0.03 if island else 0.09) * np.cos(2 * np.pi * (month - 1.5) / 12)
    season += 0.025 * np.cos(4 * np.pi * (month - 3) / 12)
    air = np.zeros(n)
    for k in range(1, n):
        air[k] = 0.35 * air[k - 1] + rng.normal(0, 0.022)
    share = np.stack([public_share(code) for code in codes])
    lit = np.einsum("cm,cij->mij", share, seen_public) + seen_private.sum(0)
    texture = ndimage.gaussian_filter(rng.standard_normal(shape), 2)
    dark = 0.19 + 0.05 * texture / texture.std()
    dark = np.clip(dark[None] + 0.05 * np.cos(2 * np.pi * (month - 6) / 12)[:, None, None], 0.05, 1)
    truth = lit * (season * np.exp(air))[:, None, None] + dark

    # Clear nights: few in the winters of the Channel and in its bright June nights.
    mean = (9.5 + 1.8 * np.cos(2 * np.pi * (month - 3) / 12) if island
            else 7.5 + 2.2 * np.cos(2 * np.pi * (month - 4) / 6) - 1.5 * (month == 12))  # fmt: skip
    cloud = ndimage.gaussian_filter(rng.standard_normal((n, *shape)), (0, 3, 3))
    nights = rng.poisson(mean)[:, None, None] + np.round(1.2 * cloud / cloud.std())
    nights = np.clip(nights, 3, 20)
    poor = np.isin(names, CLOUDY[ground.area])
    nights[poor] = 1 + (cloud[poor] > 0.02)
    noise = rng.standard_normal((n, *shape))
    sigma = np.hypot(0.20 * truth, 0.12)
    value = truth + noise * sigma / np.sqrt(nights)
    bright = rng.random((n, *shape)) < 0.006
    value[bright] *= rng.uniform(1.4, 3.2, bright.sum())
    quality = np.where(nights <= 2, 1, 0).astype(np.uint8)
    std = sigma * rng.gamma(12, 1 / 12, (n, *shape)) + 0.03

    snow = np.isin(names, SNOW[ground.area])
    value[snow] *= 1.45
    lost = ndimage.gaussian_filter(rng.standard_normal((n, *shape)), (0, 1.3, 1.3))
    lost = (lost > 3.3 * lost.std()) | (poor[:, None, None] & (lost > 1.4 * lost.std()))
    value[lost] = np.nan
    # Gap-filled months repeat what was measured a year before, whatever has happened since.
    for k in (int(i) for i in np.flatnonzero(np.isin(names, FILLED[ground.area]))):
        value[k] = np.nanmean(value[max(k - 14, 0) : max(k - 2, 1)], axis=0)
        quality[k], nights[k] = 2, 0
    nights[np.isnan(value)] = 0
    x, y = Transformer.from_crs("EPSG:4326", ground.crs, always_xy=True).transform(
        *np.meshgrid(lon, lat)
    )
    inside = ground.grid.inside(x, y)
    land = np.zeros(shape, bool)
    land[inside] = ground.cover[ground.grid.index(x[inside], y[inside])] != 0
    return Sky(row, col, np.maximum(value, 0).astype(np.float32), std.astype(np.float32),
               nights.astype(np.uint16), quality, snow,
               ~np.isin(names, MISSING[ground.area]), land)  # fmt: skip
