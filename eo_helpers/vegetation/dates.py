"""Vegetation that came or went between two summers, with what cannot be told apart from noise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from numpy.typing import NDArray
from rasterio.features import geometry_mask
from scipy import ndimage
from scipy.special import ndtr

from .. import catalog
from ..errors import InvalidInput, NoData
from ..findings import Bars, Category, Indicator, Layer, Legend, remembered
from ..territory.commune import Commune
from ..text import Text, day, number, percent
from .data import IMAGE, Place, around, grid_over, inside_of, is_summer, resampled
from .indicators import Estimate
from .parts import Part
from .produce import read_index
from .strata import NDVI_LIMIT, NDVI_LIMIT_STD

__all__ = ["Change", "between", "earlier_image", "of", "parcels_on"]

#: Cells on which two images are compared, m: Sentinel-2's.
CELL = 10.0
#: Smallest change that is told, m²: four pixels.
LEAST = 400.0
#: Metres within which errors of an image are alike (its pixel, its blur).
_PATCH = 20.0
#: NDVI of ground that is bare, and of leaves that are dense, at both dates.
_BARE, _DENSE = 0.25, 0.65
#: Group of the RPG for permanent meadows: grass for five years at least.
_PERMANENT = "18"
#: Metres under which vegetation is taken for grass.
SHRUB_FROM = 1.5
_Z95 = 1.96


@dataclass(frozen=True)
class Change:
    """Vegetation that came and went, m² with 95 % intervals.

    ``map``: 1 come, -1 gone, 0 unchanged, NaN not compared; ``compared``: share of the commune;
    ``noise``: standard deviation of a difference of NDVI; ``mistaken``: shares of permanent
    meadow, which cannot have changed, that the same rule calls come and gone (NaN where no
    meadow tells); ``fields``: whether fields are among the cells.
    """

    gain: Estimate
    loss: Estimate
    balance: Estimate
    map: xr.DataArray
    compared: float
    noise: float
    mistaken: tuple[float, float]
    fields: bool


@remembered(size=3)
def earlier_image(
    commune: Commune, source: Any, *, than: str
) -> tuple[xr.DataArray, str, str] | None:
    """NDVI of the oldest summer image of an earlier year that shows the commune, day and file.

    None where there is none, or none whose reflectance compares.
    """
    try:
        holding = catalog.find(IMAGE, commune, source)
    except NoData:
        return None
    for item in sorted(holding.items, key=lambda i: i.datetime.isoformat() if i.datetime else ""):
        moment = item.datetime.isoformat() if item.datetime else ""
        if not is_summer(moment) or moment[:4] >= than[:4]:
            continue
        path = Path(item.assets["data"].href)
        index, scale = read_index(path, around(commune, 100.0), commune.crs)
        mask = inside_of(index["ndvi"], commune)
        seen = float(np.isfinite(index["ndvi"].values[mask]).mean()) if mask.any() else 0.0
        if scale.calibrated and seen >= 0.5:
            return index["ndvi"], moment[:10], path.name
    return None


def between(
    before: xr.DataArray,
    after: xr.DataArray,
    inside: NDArray[np.bool_],
    meadow: NDArray[np.bool_] | None = None,
    low: NDArray[np.bool_] | None = None,
    limit: float = NDVI_LIMIT,
    fields: bool = False,
) -> Change:
    """Vegetation that came and went between two summer images.

    Parameters
    ----------
    before, after : xarray.DataArray (y, x)
        NDVI on one projected grid, NaN where a date was not seen.
    inside : bool array
        Cells that count (farm parcels are left out: crops turn every year).
    meadow : bool array, optional
        Cells of permanent meadow: grass at both dates, that tells how often the rule is mistaken
        about grass, dry one year and green the other.
    low : bool array, optional
        Cells that are no tall vegetation: the grass to which these mistakes apply. All by
        default.
    limit : float
        NDVI from which ground is vegetated.
    fields : bool
        Whether fields are among the cells; for the record.

    Returns
    -------
    Change

    Raises
    ------
    InvalidInput
        If the grids differ, or no cell was seen at both dates.

    Notes
    -----
    The earlier image is brought to the level of the later one by a line through the median NDVI
    of cells that are bare, and of those that are dense, at both dates (pseudo-invariant features,
    Schott et al. 1988, Remote Sensing of Environment 26, 1-16). A cell has changed if it crosses
    ``limit`` by a difference that is 1.96 times the robust deviation of all differences, over
    at least 400 m² together. From each area is taken what the same rule finds in permanent
    meadows, over as much low vegetation; the interval adds in quadrature that correction itself,
    the doubt about the limit (0.05 lower, 0.05 higher, or both to be crossed), and the noise of
    the cells (patches of 20 m are one draw).
    """
    if before.shape != after.shape or not np.allclose(before["x"], after["x"]):
        raise InvalidInput(
            "Les deux dates doivent être sur la même grille.", "Both dates must be on one grid."
        )
    step = float(abs(after.rio.resolution()[0]))
    one, two = before.values.astype(float), after.values.astype(float)
    seen = np.isfinite(one) & np.isfinite(two)
    known = np.asarray(inside & seen)
    if not known.any():
        raise InvalidInput(
            "Aucune cellule n'a été vue aux deux dates.", "No cell was seen at both dates."
        )
    one = _levelled(one, two, known)
    apart = (two - one)[known]
    noise = float(max(1.4826 * np.median(np.abs(apart - np.median(apart))), 0.02))
    field = np.zeros(one.shape, bool) if meadow is None else meadow & seen

    def changed(at: float, band: float = 0.0) -> NDArray[np.int8]:
        return _flips(one, two, known | field, (at - band, at + band), _Z95 * noise, step)

    area = step**2
    found = changed(limit)
    # What crosses the whole band of doubt about the limit is sure; what is near to it may be.
    others = [changed(limit, NDVI_LIMIT_STD), *(changed(limit + s * NDVI_LIMIT_STD)
                                                for s in (-1, 1))]  # fmt: skip
    sigma = noise / np.sqrt(2)
    p1, p2 = ndtr((one - limit) / sigma), ndtr((two - limit) / sigma)
    grass = known & ((one >= limit) | (two >= limit))
    grass &= True if low is None else low
    told, rates = {}, []
    for name, sign, chance in (("gain", 1, (1 - p1) * p2), ("loss", -1, p1 * (1 - p2))):
        here = (found == sign) & known
        raw = float(here.sum()) * area
        spread = (chance[here] * (1 - chance[here])).sum() * (_PATCH / step) ** 2
        error = _Z95 * np.sqrt(spread) * area
        moves = [float(((s == sign) & known).sum()) * area - raw for s in others]
        rate = float((found[field] == sign).mean()) if field.sum() >= 1000 else float("nan")
        rates.append(rate)
        false = 0.0 if np.isnan(rate) else rate * float(grass.sum()) * area
        value = max(raw - false, 0.0)
        down = np.sqrt(error**2 + false**2 + max(0.0, -min(moves)) ** 2)
        up = np.sqrt(error**2 + false**2 + max(0.0, *moves) ** 2)
        told[name] = Estimate(value, float(max(value - down, 0.0)), float(value + up))
    gain, loss = told["gain"], told["loss"]
    value = gain.value - loss.value
    least = value - np.hypot(gain.value - gain.low, loss.high - loss.value)
    most = value + np.hypot(gain.high - gain.value, loss.value - loss.low)
    drawn = after.copy(data=np.where(known, found, np.nan).astype(np.float32))
    return Change(
        gain, loss, Estimate(value, float(least), float(most)), drawn, float("nan"), noise,
        (rates[0], rates[1]), fields,
    )  # fmt: skip


def _levelled(one: NDArray, two: NDArray, known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The first date on the second's scale, by what is bare and what is dense at both."""
    ends = []
    for mask in (
        known & (one < _BARE) & (two < _BARE) & (one > -0.1) & (two > -0.1),
        known & (one > _DENSE) & (two > _DENSE),
    ):
        if mask.sum() >= 200:
            ends.append((float(np.median(one[mask])), float(np.median(two[mask]))))
    if not ends:
        return one
    if len(ends) == 1:
        return one + (ends[0][1] - ends[0][0])
    (a, c), (b, d) = ends
    return np.asarray(c + (one - a) * (d - c) / (b - a))


def _flips(
    one: NDArray, two: NDArray, known: NDArray[np.bool_], band: tuple[float, float], least: float,
    step: float,
) -> NDArray[np.int8]:  # fmt: skip
    """1 where vegetation came, -1 where it went: across a band, beyond noise, large enough."""
    apart = np.where(known, two - one, 0.0)
    under, over = band
    out = np.zeros(one.shape, np.int8)
    for sign, mask in (
        (1, (one < under) & (two > over) & (apart > least)),
        (-1, (one > over) & (two < under) & (apart < -least)),
    ):
        label, count = ndimage.label(mask & known)
        large = np.bincount(label.ravel(), minlength=count + 1) * step**2 >= LEAST
        large[0] = False
        out[large[label]] = sign
    return out


def of(commune: Commune, source: Any, place: Place) -> Part:
    """What the Finding says of a change, where the source has two summers."""
    if not place.date or not place.scale.calibrated:
        return Part()
    found = earlier_image(commune, source, than=place.date)
    if found is None:
        return Part()
    old, since, name = found
    grid = grid_over(commune, CELL)
    before = resampled(old, grid)
    after = resampled(place.index["ndvi"], grid)
    inside = inside_of(grid, commune)
    total = float(inside.sum())
    parcels, meadow = place.context.parcels, None
    if parcels is not None and len(parcels):
        farmed, meadow = parcels_on(parcels, grid)
        meadow &= inside
        inside &= ~farmed
    low = None
    if place.height is not None:
        low = ~(resampled(place.height, grid).values > SHRUB_FROM)
    told = between(before, after, inside, meadow, low, fields=parcels is None)
    told = replace(told, compared=float(np.isfinite(told.map.values).sum()) / max(total, 1))
    return _part(commune, told, since, place.date, name)


def parcels_on(
    parcels: gpd.GeoDataFrame, grid: xr.DataArray
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Cells of farm parcels, and of the inside of permanent meadows."""
    grass = parcels["code_group"].astype(str).str.strip() == _PERMANENT
    return _drawn(parcels, grid, 0.0), _drawn(parcels[grass], grid, -CELL)


def _drawn(table: gpd.GeoDataFrame, grid: xr.DataArray, grow: float) -> NDArray[np.bool_]:
    """Cells of parcels; of their inside alone with a negative ``grow``."""
    shapes = shapely.buffer(table.to_crs(grid.rio.crs).geometry.values, grow)
    shapes = shapes[~shapely.is_empty(shapes)]
    if not len(shapes):
        return np.zeros(grid.shape, bool)
    return np.asarray(
        geometry_mask(
            shapes, grid.shape, grid.rio.transform(), invert=True, all_touched=grow >= 0
        )
    )  # fmt: skip


def _part(commune: Commune, told: Change, since: str, until: str, name: str) -> Part:
    years = {lang: (day(since, lang), day(until, lang)) for lang in ("fr", "en")}
    out = []
    for key, one, fr, en in (
        ("vegetation_lost", told.loss, "Végétation disparue", "Vegetation lost"),
        ("vegetation_gained", told.gain, "Végétation apparue", "Vegetation gained"),
        ("vegetation_balance", told.balance, "Bilan de la végétation", "Balance of vegetation"),
    ):
        label: Text = {
            "fr": f"{fr} entre {since[:4]} et {until[:4]}",
            "en": f"{en} between {since[:4]} and {until[:4]}",
        }
        low, high = one.low / 1e4, one.high / 1e4
        out.append(Indicator(key, label, one.value / 1e4, "ha", low, high, until, IMAGE, 1,
                             "change"))  # fmt: skip
    where: Text = (
        {"fr": "champs compris, faute de parcelles agricoles : une récolte y passe pour une "
         "disparition", "en": "fields included, for want of farm parcels: a harvest passes for a "
         "loss"}
        if told.fields else
        {"fr": "hors parcelles agricoles", "en": "farm parcels left out"}
    )  # fmt: skip
    sure = {"fr": "", "en": ""}
    if np.isfinite(told.mistaken).all():
        come, gone = (100 * m for m in told.mistaken)
        sure = {
            "fr": f" La même règle voit disparaître {percent(gone, 1)} et apparaître "
            f"{percent(come, 1)} des prairies permanentes, qui n'ont pas changé : autant en est "
            "retiré de la végétation basse.",
            "en": f" The same rule sees {percent(gone, 1, 'en')} of permanent meadows go and "
            f"{percent(come, 1, 'en')} come, which have not changed: as much is taken from low "
            "vegetation.",
        }
    caveat: Text = {
        "fr": f"Changement entre deux étés ({years['fr'][0]} et {years['fr'][1]}), {where['fr']} : "
        "surfaces de 400 m² et plus qui passent de vert à non vert, ou l'inverse. Une pelouse "
        f"sèche une année peut passer pour du sol construit.{sure['fr']}",
        "en": f"Change between two summers ({years['en'][0]} and {years['en'][1]}), {where['en']}: "
        "places of 400 m² and more that turn from green to not green, or back. A lawn that is dry "
        f"one year may pass for built ground.{sure['en']}",
    }
    if told.balance.low <= 0 <= told.balance.high:
        caveat = {
            "fr": f"{caveat['fr']} Le bilan peut être nul : il n'est pas distinct de zéro.",
            "en": f"{caveat['en']} The balance may be nought: it does not differ from zero.",
        }
    note: Text = {
        "fr": f"Image comparée : {name} ; écart type d'une différence de NDVI "
        f"{number(told.noise, 3)}.",
        "en": f"Image compared: {name}; standard deviation of a difference of NDVI "
        f"{number(told.noise, 3, 'en')}.",
    }
    words = (("Disparue", "Lost", "#a63603"), ("Apparue", "Gained", "#1b7837"))
    rows = [
        {"label_fr": fr, "label_en": en, "value": o.value, "low": o.low, "high": o.high, "color": c}
        for o, (fr, en, c) in zip(out, words, strict=False)
    ]
    title: Text = {
        "fr": f"Végétation disparue et apparue, {since[:4]}-{until[:4]}",
        "en": f"Vegetation lost and gained, {since[:4]}-{until[:4]}",
    }
    alt: Text = {
        lang: (" ; " if lang == "fr" else "; ").join(
            f"{r[f'label_{lang}']} {number(r['value'], 1, lang)} ha" for r in rows
        )
        for lang in ("fr", "en")
    }
    chart = Bars("change", title, alt, pd.DataFrame(rows), "ha", 1)
    return Part(tuple(out), (_layer(told, title, alt),), (chart,), (caveat,), notes=(note,))


def _layer(told: Change, title: Text, alt: Text) -> Layer:
    value = told.map.values
    data = told.map.copy(data=np.select([value > 0, value < 0], [1.0, 2.0], np.nan))
    data = data.rio.write_crs(told.map.rio.crs)
    legend = Legend(
        {"fr": "Végétation", "en": "Vegetation"},
        categories=(
            Category("1", {"fr": "apparue", "en": "gained"}, "#1b7837", "+"),
            Category("2", {"fr": "disparue", "en": "lost"}, "#a63603", "−"),
        ),
    )
    return Layer("change", title, alt, data, legend, opacity=0.9, shown=False)
