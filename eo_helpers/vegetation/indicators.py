"""What communes count with vegetation: canopy, green area per inhabitant, 3-30-300, change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from numpy.typing import NDArray
from rasterio.features import rasterize

from ..errors import InvalidInput
from .strata import GREEN, HERB, SHRUB, TREE, UNKNOWN, Limits, strata

__all__ = ["Estimate", "canopy_by_zone", "change", "per_inhabitant", "shares", "three_thirty",
           "widened"]  # fmt: skip

#: 3-30-300: trees in sight, percent of canopy in the district, metres to a park.
TREES_SEEN, CANOPY_PERCENT, PARK_METRES = 3, 30.0, 300.0
#: A park counts from this area, m² (1 ha in the rule's paper).
PARK_AREA = 10_000.0
#: A park known to be public counts from here, m²: the least of « 0.5-1 ha within 300 m » (WHO
#: Regional Office for Europe 2016, Urban green spaces and health).
PUBLIC_AREA = 5_000.0
#: Metres from a home within which a tree is taken for seen; no line of sight is computed.
SIGHT = 30.0
_Z95 = 1.96
_CODES = {"herb": HERB, "shrub": SHRUB, "tree": TREE}


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float


def _share(chance: NDArray, found: NDArray[np.bool_], cell: float, patch: float) -> Estimate:
    """Share of cells, and what the probabilities of the cells make of it.

    Errors of neighbours are alike: a patch of ``patch`` metres counts as one draw. The expected
    share (mean probability) bounds the interval too, since it differs from the share of the map
    where a threshold cuts through the doubt.
    """
    n = found.size
    if n == 0:
        return Estimate(np.nan, np.nan, np.nan)
    value, mean = float(found.mean()), float(chance.mean())
    draws = max(n * (cell / patch) ** 2, 1.0)
    error = _Z95 * np.sqrt(float((chance * (1 - chance)).mean()) / draws)
    low, high = min(value, mean) - error, max(value, mean) + error
    return Estimate(value, max(low, 0.0), min(high, 1.0))


def shares(
    strata: xr.Dataset, inside: NDArray[np.bool_], patch: float = 20.0
) -> dict[str, Estimate]:
    """Share of the observed cells under herbs, shrubs, trees, and any vegetation.

    Parameters
    ----------
    strata : xarray.Dataset
        Of :func:`.strata.strata`.
    inside : bool array (y, x)
        Cells that count.
    patch : float
        Metres within which errors are taken to be the same.

    Returns
    -------
    dict
        ``herb, shrub, tree, vegetation`` as shares 0-1 with a 95 % interval, and ``observed``,
        the share of the cells that could be told.
    """
    value = strata["stratum"].values
    known = inside & (value != UNKNOWN)
    told = known & np.isfinite(strata["tree"].values)
    cell = float(abs(strata["stratum"].rio.resolution()[0]))
    out = {}
    for name, code in _CODES.items():
        out[name] = _share(strata[name].values[told], value[told] == code, cell, patch)
    found = np.isin(value[known], (HERB, SHRUB, TREE, GREEN))
    out["vegetation"] = _share(strata["vegetation"].values[known], found, cell, patch)
    seen = float(known.sum() / max(inside.sum(), 1))
    out["observed"] = Estimate(seen, seen, seen)
    return out


def widened(
    found: dict[str, Estimate],
    ndvi: xr.DataArray,
    height: xr.DataArray,
    limits: Limits,
    inside: NDArray[np.bool_],
    ndvi_std: xr.DataArray | float = 0.03,
    bias: float = 0.15,
    buildings: xr.DataArray | None = None,
    edge: float = 0.0,
) -> dict[str, Estimate]:
    """The same shares with intervals that mind what does not average out.

    An error of the NDVI limit, or of all heights, shifts a whole map. Strata are made again
    with the NDVI limit 1.96 ``limits.ndvi_std`` lower and higher and with heights 1.96
    ``bias`` lower and higher; each share moves by so much at its ends, and both moves are
    added in quadrature.

    Parameters
    ----------
    found : dict
        Of :func:`shares`.
    ndvi, height, limits, ndvi_std, buildings
        As for :func:`.strata.strata`.
    inside : bool array
    bias : float
        Standard deviation of an error that all heights share, metres.
    edge : float
        Standard deviation of where the image places edges, metres, all towards one side: a
        blurred edge between crowns and streets is lost to the crowns. Costs the length of the
        stratum's edges times ``edge``.
    """
    every = (slice(None, None, 2), slice(None, None, 2))  # moves of shares need no more cells

    def part(one: Any) -> Any:
        return one[every] if isinstance(one, xr.DataArray) else one

    mask = inside[every]
    x, h, std, roof = part(ndvi), part(height), part(ndvi_std), part(buildings)

    def made(green: float, metres: float) -> dict[str, float]:
        shifted = strata(x, h + metres, replace(limits, ndvi=limits.ndvi + green), std, roof)
        value = shifted["stratum"].values[mask]
        value = value[(value != UNKNOWN) & (value != GREEN)]
        share = {n: float((value == k).mean()) for n, k in _CODES.items()}
        return {**share, "vegetation": sum(share.values())}

    base = made(0.0, 0.0)
    moves = [
        [made(sign * _Z95 * limits.ndvi_std, 0.0) for sign in (-1, 1)],
        [made(0.0, sign * _Z95 * bias) for sign in (-1, 1)],
    ]
    out = dict(found)
    step = float(abs(x.rio.resolution()[0]))
    value = strata(x, h, limits, std, roof)["stratum"].values
    for name in base:
        one = found[name]
        here = np.isin(value, list(_CODES.values()) if name == "vegetation" else [_CODES[name]])
        sides = (here[1:] != here[:-1])[:, :-1] | (here[:, 1:] != here[:, :-1])[:-1]
        blur = _Z95 * edge / step * float((sides & mask[1:, 1:]).sum() / max(mask.sum(), 1))
        down = (one.value - one.low) ** 2 + blur**2
        up = (one.high - one.value) ** 2 + blur**2
        for pair in moves:
            steps = [m[name] - base[name] for m in pair]
            down += max(0.0, -min(steps)) ** 2
            up += max(0.0, *steps) ** 2
        low, high = one.value - np.sqrt(down), one.value + np.sqrt(up)
        out[name] = Estimate(one.value, float(max(low, 0.0)), float(min(high, 1.0)))
    return out


def canopy_by_zone(
    strata: xr.Dataset, districts: gpd.GeoDataFrame, patch: float = 20.0, least: float = 0.5
) -> gpd.GeoDataFrame:
    """Canopy and vegetation share of each district, with intervals.

    Parameters
    ----------
    strata : xarray.Dataset
    districts : GeoDataFrame
        Polygons that do not overlap (school yards, blocks, IRIS).
    patch : float
        Metres within which errors are taken to be the same.
    least : float
        Share of a district that must have been observed; below it figures are missing.

    Returns
    -------
    GeoDataFrame
        ``districts`` with ``canopy, canopy_low, canopy_high, vegetation`` (shares 0-1) and
        ``observed``.
    """
    like = strata["stratum"]
    table = districts.to_crs(like.rio.crs)
    if table.empty:
        raise InvalidInput("Aucun quartier n'est donné.", "No district is given.")
    pairs = [(g, k + 1) for k, g in enumerate(table.geometry.values) if not g.is_empty]
    zone = rasterize(pairs, like.shape, transform=like.rio.transform(), dtype="int32")
    known = (zone > 0) & ~np.isin(like.values, (GREEN, UNKNOWN))
    size = len(table) + 1
    of = zone[known]
    count = np.bincount(of, minlength=size)[1:].astype(float)
    chance = np.nan_to_num(strata["tree"].values[known]).astype(np.float64)
    step = float(abs(like.rio.resolution()[0]))
    value = like.values[known]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.bincount(of, value == TREE, size)[1:] / count
        mean = np.bincount(of, chance, size)[1:] / count
        spread = np.bincount(of, chance * (1 - chance), size)[1:] / count
        error = _Z95 * np.sqrt(spread / np.maximum(count * (step / patch) ** 2, 1))
        green = np.bincount(of, np.isin(value, (HERB, SHRUB, TREE)), size)[1:] / count
    observed = np.minimum(count * step**2 / np.maximum(table.area.to_numpy(), 1e-9), 1.0)
    bad = observed < least
    out = districts.copy()
    for name, column in (
        ("canopy", share),
        ("canopy_low", np.maximum(np.minimum(share, mean) - error, 0)),
        ("canopy_high", np.minimum(np.maximum(share, mean) + error, 1)),
        ("vegetation", green),
    ):
        out[name] = np.where(bad, np.nan, column)
    out["observed"] = observed
    return out


def per_inhabitant(area: Estimate, population: float | None) -> Estimate | None:
    """Green area per inhabitant, m² (``area`` in m²); None where the population is not known."""
    if not population or population <= 0:
        return None
    return Estimate(area.value / population, area.low / population, area.high / population)


def three_thirty(
    homes: gpd.GeoDataFrame,
    trees: gpd.GeoDataFrame,
    parks: gpd.GeoDataFrame,
    districts: gpd.GeoDataFrame,
    weight: str | None = None,
    sight: float = SIGHT,
) -> tuple[pd.DataFrame, dict[str, float]]:
    """The 3-30-300 rule for each home, in a straight line.

    Parameters
    ----------
    homes : GeoDataFrame
        Homes (buildings), projected, metres.
    trees : GeoDataFrame
        Forms of trees: an isolated tree counts for one, of a row or a wood the number of
        crowns of 60 m² that lie within ``sight``.
    parks : GeoDataFrame
        Parks of 1 ha and more that anyone may enter.
    districts : GeoDataFrame
        With the column ``canopy`` (share 0-1) of :func:`canopy_by_zone`.
    weight : str, optional
        Column of ``homes`` to weigh shares with (dwellings, people).
    sight : float
        Metres within which a tree is taken for seen from a home.

    Returns
    -------
    table : pandas.DataFrame
        For each home ``trees`` (number within sight), ``canopy`` (share of its district),
        ``park`` (metres in a straight line), ``three, thirty, three_hundred`` (bool, or NA
        where nothing is known).
    shares : dict
        Weighted share (0-1) of homes for each part and for ``all``; NaN where nothing is known.

    Notes
    -----
    Source: Konijnendijk (2023), Journal of Forestry Research 34, 821-830. Distances are straight
    lines: a walk is longer, commonly by a quarter. Sight is a distance: a wall may stand between.
    """
    crs = homes.crs
    where = homes.geometry.values
    out = pd.DataFrame(index=homes.index)
    near = shapely.buffer(shapely.centroid(where), sight, quad_segs=8)
    seen: NDArray[Any] = np.zeros(len(homes))
    if len(trees):
        shapes, of = _pieces(np.asarray(trees.to_crs(crs).geometry.values), 2 * sight)
        i, k = shapely.STRtree(shapes).query(near, predicate="intersects")
        part = shapely.area(shapes[k])
        shapely.prepare(near)
        cut = ~shapely.contains_properly(near[i], shapes[k])
        part[cut] = shapely.area(shapely.intersection(shapes[k[cut]], near[i[cut]]))
        pair, place = np.unique(np.column_stack([i, of[k]]), axis=0, return_inverse=True)
        part = np.bincount(place.ravel(), part, len(pair))
        single = (trees["fv"] == "AI").to_numpy()[pair[:, 1]]
        count = np.where(single, 1.0, np.maximum(part / 60.0, 0.2))
        seen = np.bincount(pair[:, 0], count, len(homes))
    out["trees"] = np.floor(seen + 1e-9).astype(int)
    zone = gpd.sjoin(
        gpd.GeoDataFrame(geometry=shapely.point_on_surface(where), index=homes.index, crs=crs),
        districts.to_crs(crs)[["canopy", "geometry"]],
        how="left",
        predicate="within",
    )
    out["canopy"] = zone["canopy"][~zone.index.duplicated()].reindex(homes.index)
    out["park"] = np.nan
    if len(parks):
        tree = shapely.STRtree(parks.to_crs(crs).geometry.values)
        which, far = tree.query_nearest(where, return_distance=True, all_matches=False)
        out.loc[homes.index[which[0]], "park"] = far
    out["three"] = out["trees"] >= TREES_SEEN
    out["thirty"] = (out["canopy"] >= CANOPY_PERCENT / 100).where(out["canopy"].notna())
    out["three_hundred"] = (
        (out["park"] <= PARK_METRES).where(out["park"].notna()) if len(parks) else pd.NA
    )
    w = homes[weight].fillna(0).to_numpy(float) if weight else np.ones(len(homes))
    told: dict[str, float] = {}
    for name in ("three", "thirty", "three_hundred"):
        told[name] = _weighted(out[[name]], w)
    told["all"] = _weighted(out[["three", "thirty", "three_hundred"]], w)
    return out, told


def _pieces(shapes: NDArray, side: float) -> tuple[NDArray, NDArray[np.intp]]:
    """Shapes cut along a grid, and whose piece each is: woods are cut once, not by each home."""
    west, south, east, north = shapely.bounds(shapes).T
    large = np.flatnonzero((east - west > 2 * side) | (north - south > 2 * side))
    small = np.setdiff1d(np.arange(len(shapes)), large)
    pieces, owners = [shapes[small]], [small]
    for k in large:
        x, y = (np.arange(np.floor(a[k] / side), np.ceil(b[k] / side)) * side
                for a, b in ((west, east), (south, north)))  # fmt: skip
        cut = [shapely.clip_by_rect(shapes[k], a, b, a + side, b + side) for a in x for b in y]
        kept = np.array([c for c in cut if not c.is_empty], object)
        pieces.append(kept)
        owners.append(np.full(len(kept), k))
    return np.concatenate(pieces), np.concatenate(owners)


def _weighted(parts: pd.DataFrame, weight: NDArray[Any]) -> float:
    """Weighted share of rows where every part holds, among those where every part is known."""
    known = np.asarray(parts.notna().all(axis=1))
    good = np.asarray(parts.eq(True).all(axis=1))
    total = float(weight[known].sum())
    return float(weight[good & known].sum()) / total if total else float("nan")


def change(
    before: xr.Dataset, after: xr.Dataset, inside: NDArray[np.bool_], name: str = "tree",
    patch: float = 20.0, mistaken: float = 0.0,
) -> dict[str, Estimate]:  # fmt: skip
    """Gain, loss and balance of a stratum between two dates, m² with 95 % intervals.

    Parameters
    ----------
    before, after : xarray.Dataset
        Strata of two dates on one grid.
    inside : bool array
        Cells that count; those unknown at either date are left out.
    name : {"herb", "shrub", "tree"}
    patch : float
        Metres within which errors are taken to be the same.
    mistaken : float
        Share of unchanged cells that two dates class otherwise for reasons that no
        probability tells (shadow, position, season); it widens gain and loss downwards.

    Returns
    -------
    dict
        ``gain, loss, balance`` in m², ``observed`` share. Gain of a cell has the probability
        ``(1 - p₁) p₂``, taken independent between dates; the balance ``p₂ - p₁``.

    Raises
    ------
    InvalidInput
        If the grids differ.
    """
    if before["stratum"].shape != after["stratum"].shape or not np.allclose(
        before["x"], after["x"]
    ):
        raise InvalidInput(
            "Les deux dates doivent être sur la même grille.", "Both dates must be on one grid."
        )
    known = inside.copy()
    for one in (before, after):
        known &= ~np.isin(one["stratum"].values, (GREEN, UNKNOWN))
    cell = float(abs(before["stratum"].rio.resolution()[0]))
    p1 = np.nan_to_num(before[name].values[known]).astype(np.float64)
    p2 = np.nan_to_num(after[name].values[known]).astype(np.float64)
    was = before["stratum"].values[known] == _CODES[name]
    now = after["stratum"].values[known] == _CODES[name]
    area = cell**2
    scale = patch / cell

    def told(chance: NDArray, found: NDArray, extra: float) -> Estimate:
        value, mean = found.sum() * area, chance.sum() * area
        error = _Z95 * np.sqrt((chance * (1 - chance)).sum()) * area * scale
        low = min(value, mean) - error - extra * area * known.sum()
        return Estimate(float(value), float(max(low, 0)), float(max(value, mean) + error))

    gain = told((1 - p1) * p2, ~was & now, mistaken)
    loss = told(p1 * (1 - p2), was & ~now, mistaken)
    value, mean = gain.value - loss.value, float((p2 - p1).sum() * area)
    error = _Z95 * np.sqrt((p1 * (1 - p1) + p2 * (1 - p2)).sum()) * area * scale
    balance = Estimate(value, min(value, mean) - float(error), max(value, mean) + float(error))
    seen = float(known.sum() / max(inside.sum(), 1))
    return {"gain": gain, "loss": loss, "balance": balance,
            "observed": Estimate(seen, seen, seen)}  # fmt: skip
