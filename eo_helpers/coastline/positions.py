"""Where dated shorelines cross transects: metres from the landward end of each."""

from __future__ import annotations

from typing import Any, Literal, get_args

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from ..errors import InvalidInput
from .crs import check_coordinates, measuring_crs

__all__ = [
    "MOST_CHANGE",
    "Rule",
    "correct_tide",
    "crossings",
    "flag_outliers",
    "shoreline_positions",
]

Floats = NDArray[np.float64]
#: Which crossing is the shore, where a line crosses a transect more than once.
Rule = Literal["seaward", "landward", "median", "drop"]
#: Change between neighbouring dates beyond which a position stands alone (CoastSat), metres.
MOST_CHANGE = 40.0
#: Segments of a shoreline that share one box in the index.
_PIECE = 8
#: Crossings tried at once: bounds the memory.
_CHUNK = 50_000


def _pieces(
    lines: NDArray[Any],
) -> tuple[Floats, NDArray[np.intp], NDArray[np.bool_], NDArray[np.bool_]]:
    """Runs of :data:`_PIECE` + 1 vertices, shape (n, 9, 2), their line, where it begins and ends.

    The last run of a part is filled with its last vertex.
    """
    parts, of = shapely.get_parts(lines, return_index=True)
    xy, part = shapely.get_coordinates(parts, return_index=True)
    size = np.bincount(part, minlength=len(parts))
    start = np.concatenate([[0], np.cumsum(size)[:-1]])
    runs = np.maximum(-(-(size - 1) // _PIECE), 0)
    owner = np.repeat(np.arange(len(parts)), runs)
    nth = np.arange(runs.sum()) - np.repeat(np.cumsum(runs) - runs, runs)
    first = start[owner] + nth * _PIECE
    last = start[owner] + size[owner] - 1
    index = np.minimum(first[:, None] + np.arange(_PIECE + 1), last[:, None])
    return (
        xy[index],
        np.asarray(of[owner]),
        index == start[owner][:, None],
        index == last[:, None],
    )


def _steps(transects: NDArray[Any], size: float) -> tuple[Floats, Floats, NDArray[np.intp], Floats]:
    """Ends of each segment, its transect, and the distance along the transect where it begins.

    Long segments are cut in steps of ``size``: the box of a slanting transect is mostly empty.
    """
    xy, owner = shapely.get_coordinates(transects, return_index=True)
    inner = owner[1:] == owner[:-1]
    a, b, which = xy[:-1][inner], xy[1:][inner], owner[1:][inner]
    length = np.hypot(*(b - a).T)
    a, b, which, length = a[length > 0], b[length > 0], which[length > 0], length[length > 0]
    if not len(a):
        return a, b, which, length
    start = np.cumsum(length) - length
    first = np.concatenate([[True], which[1:] != which[:-1]])
    start = start - start[first][np.cumsum(first) - 1]
    count = np.clip(np.ceil(length / max(size, 1e-9)), 1, 64).astype(int)
    of = np.repeat(np.arange(len(a)), count)
    nth = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count)
    share = (nth / count[of])[:, None], ((nth + 1) / count[of])[:, None]
    along = b[of] - a[of]
    return (
        a[of] + along * share[0],
        a[of] + along * share[1],
        which[of],
        start[of] + length[of] * share[0][:, 0],
    )


def crossings(shorelines: NDArray[Any], transects: NDArray[Any]) -> pd.DataFrame:
    """Every crossing of lines with transects.

    Parameters
    ----------
    shorelines, transects : array of LineString or MultiLineString
        In one CRS, in metres. Transects go from land to sea and may bend.

    Returns
    -------
    DataFrame
        ``line``, ``transect`` (positions in the inputs) and ``distance_m`` along the transect
        from its first vertex; by transect, line and distance. A shoreline that only touches a
        transect at an end crosses it; one that lies along it does not.

    Notes
    -----
    An STRtree over short runs of the shorelines finds what may cross; the crossing itself is
    plain algebra on arrays (the sign of the cross product on either side), so that a million
    crossings take seconds.
    """
    runs, of, begins, ends = _pieces(shorelines)
    empty = pd.DataFrame({"line": np.zeros(0, int), "transect": np.zeros(0, int),
                          "distance_m": np.zeros(0)})  # fmt: skip
    if not len(runs) or not len(transects):
        return empty
    low, high = runs.min(1), runs.max(1)
    a, b, which, before = _steps(transects, 2 * float(np.median(np.hypot(*(high - low).T))))
    if not len(a):
        return empty
    length = np.hypot(*(b - a).T)
    tree = shapely.STRtree(shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1]))
    # Boxes only: asking GEOS whether they truly meet costs more than the algebra below.
    segment, run = tree.query(shapely.box(*np.minimum(a, b).T, *np.maximum(a, b).T))
    found = []
    for at in range(0, len(run), _CHUNK):
        s, r = segment[at : at + _CHUNK], run[at : at + _CHUNK]
        unit = (b[s] - a[s]) / length[s, None]
        rel = runs[r] - a[s][:, None]
        across = unit[:, 0, None] * rel[..., 1] - unit[:, 1, None] * rel[..., 0]
        ahead = unit[:, 0, None] * rel[..., 0] + unit[:, 1, None] * rel[..., 1]
        # A vertex on the transect belongs to one side, so that it counts once; the two ends
        # of a line have no other segment that would count them.
        sea = across >= 0
        cut = sea[:, 1:] != sea[:, :-1]
        on = across == 0
        single = on[:, 1:] != on[:, :-1]
        cut |= single & ((begins[r] & on)[:, :-1] | (ends[r] & on)[:, 1:])
        k, j = np.nonzero(cut)
        c0, c1, d0, d1 = across[k, j], across[k, j + 1], ahead[k, j], ahead[k, j + 1]
        d = d0 + (d1 - d0) * (c0 / (c0 - c1))
        # A ten-thousandth of a millimetre: rounding at the ends of a transect.
        on = (d >= -1e-7) & (d <= length[s[k]] + 1e-7)
        k, d = k[on], d[on]
        found.append((of[r[k]], which[s[k]], before[s[k]] + d))
    if not found:
        return empty
    line, transect, distance = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((distance, line, transect))
    line, transect, distance = line[order], transect[order], distance[order]
    twice = np.zeros(len(line), bool)
    if len(line):
        twice[1:] = (
            (line[1:] == line[:-1])
            & (transect[1:] == transect[:-1])
            & (np.diff(distance) < 1e-6)
        )  # fmt: skip
    keep = ~twice
    return pd.DataFrame(
        {"line": line[keep], "transect": transect[keep], "distance_m": distance[keep]}
    )


def shoreline_positions(
    shorelines: gpd.GeoDataFrame, transects: gpd.GeoDataFrame, *, rule: Rule = "seaward"
) -> pd.DataFrame:
    """Position of each dated shoreline on each transect.

    Parameters
    ----------
    shorelines : GeoDataFrame
        Lines with ``date`` (datetime), any CRS; other columns but the geometry are carried.
    transects : GeoDataFrame
        Lines from land to sea with ``transect`` (text, unique), any CRS.
    rule : {"seaward", "landward", "median", "drop"}
        Which crossing counts where a line crosses a transect more than once (a lagoon behind
        the beach, a bar before it): the outermost, the innermost, the middle one (of an even
        number, the mean of the two), or none.

    Returns
    -------
    DataFrame
        ``transect, date, distance_m`` (metres from the transect's landward end), ``crossings``
        (how many there were), ``spread_m`` (between the first and the last), and what the
        lines carried; in the transects' order, then by date.

    Raises
    ------
    InvalidInput
        If coordinates are not of their CRS, or no line crosses any transect.

    Notes
    -----
    Distances are measured in the shorelines' own CRS where its lengths are true, else in the
    transects', else in the territory's official one.
    """
    if rule not in get_args(Rule):
        raise InvalidInput(
            f"La règle « {rule} » n'existe pas ; règles connues : {', '.join(get_args(Rule))}.",
            f"There is no rule '{rule}'; known rules: {', '.join(get_args(Rule))}.",
        )
    check_coordinates(shorelines, "Traits de côte")
    check_coordinates(transects, "Transects")
    crs = measuring_crs(shorelines, transects)
    lines = shorelines.to_crs(crs)
    across = transects.to_crs(crs)
    for frame, what in ((lines, "Traits de côte"), (across, "Transects")):
        kinds = set(frame.geom_type.dropna()) - {"LineString", "MultiLineString", "LinearRing"}
        if kinds:
            raise InvalidInput(
                f"{what} : il faut des lignes, le fichier contient {', '.join(sorted(kinds))}.",
                f"{what}: lines are needed, the file holds {', '.join(sorted(kinds))}.",
            )
    every = crossings(np.asarray(lines.geometry.values), np.asarray(across.geometry.values))
    if every.empty:
        raise InvalidInput(
            "Aucun trait de côte ne croise un transect : vérifiez que les deux fichiers sont du "
            "même endroit et que les transects atteignent la mer.",
            "No shoreline crosses a transect: check that both files are of one place and that "
            "transects reach the sea.",
        )
    grouped = every.groupby(["transect", "line"], sort=True)["distance_m"]
    table = grouped.agg(["min", "max", "median", "size"]).reset_index()
    how = {"seaward": "max", "landward": "min", "median": "median", "drop": "median"}[rule]
    carried = pd.DataFrame(lines.drop(columns=lines.geometry.name)).reset_index(drop=True)
    out = pd.DataFrame(
        {
            "transect": across["transect"].to_numpy()[table["transect"]],
            "date": carried["date"].to_numpy()[table["line"]],
            "distance_m": table[how],
            "crossings": table["size"],
            "spread_m": table["max"] - table["min"],
        }
    )
    out["date"] = pd.to_datetime(out["date"], utc=True)
    for name in carried.columns.difference(["date", *out.columns], sort=False):
        out[name] = carried[name].to_numpy()[table["line"]]
    out["_order"] = table["transect"]
    if rule == "drop":
        out = out[out["crossings"] == 1]
    return out.sort_values(["_order", "date"], kind="stable").drop(columns="_order", ).reset_index(
        drop=True
    )  # fmt: skip


def correct_tide(
    positions: pd.DataFrame, tide_m: Any, slope: Any, reference_m: float = 0.0
) -> pd.DataFrame:
    """Positions moved to where the shore would be at one water level.

    Parameters
    ----------
    positions : DataFrame
        ``distance_m``, from land to sea.
    tide_m : array_like
        Water level when each position was seen, metres.
    slope : float or array_like
        Tangent of the beach's angle (0.02 flat, 0.2 steep).
    reference_m : float
        Level that positions are brought to, in the datum of ``tide_m``.

    Returns
    -------
    DataFrame
        With ``distance_m`` corrected and ``distance_raw_m`` as it was.

    Raises
    ------
    InvalidInput
        If a slope is not positive.

    Notes
    -----
    ``x + (tide - reference) / slope``: high water stands landward of the shore. Source: Vos et
    al. (2019), Coastal Engineering 150, 160-174. Run-up and surge are not in it.
    """
    steep = np.asarray(slope, float)
    if not (np.isfinite(steep) & (steep > 0)).all():
        raise InvalidInput(
            "La pente de la plage doit être positive : 0,02 (plate) à 0,2 (raide).",
            "The beach slope must be positive: 0.02 (flat) to 0.2 (steep).",
        )
    out = positions.copy()
    out["distance_raw_m"] = out["distance_m"]
    level = np.asarray(tide_m, float) - reference_m
    out["distance_m"] = out["distance_m"].to_numpy() + level / steep
    return out


def flag_outliers(positions: pd.DataFrame, most_change: float = MOST_CHANGE) -> NDArray[np.bool_]:
    """Positions that stand apart from both neighbours in time.

    Parameters
    ----------
    positions : DataFrame
        ``transect, date, distance_m``.
    most_change : float
        Metres from the date before and from the date after, on the same side of both, beyond
        which a position is an outlier; the first and the last date have one neighbour.

    Returns
    -------
    bool array
        In the rows' order.

    Notes
    -----
    The rule of CoastSat (``SDS_transects.identify_outliers``, Vos et al. 2019), whose result
    depends on where one begins: here the farthest of each transect is taken first, and
    neighbours are looked up again, so that a good date beside a bad one stays.
    """
    code, _ = pd.factorize(positions["transect"])
    when = pd.DatetimeIndex(positions["date"]).asi8
    order = np.lexsort((when, code))
    group, value = code[order], positions["distance_m"].to_numpy(float)[order]
    out = np.zeros(len(value), bool)
    left = np.flatnonzero(np.isfinite(value))
    while len(left) > 1:
        g, v = group[left], value[left]
        same = g[1:] == g[:-1]
        step = np.where(same, np.diff(v), np.nan)
        back = np.concatenate([[np.nan], step])
        ahead = np.concatenate([-step, [np.nan]])
        alone = np.isnan(back) & np.isnan(ahead)
        apart = np.fmin(np.abs(back), np.abs(ahead))
        opposite = np.sign(back) * np.sign(ahead) < 0
        apart = np.where(alone | opposite, 0.0, np.nan_to_num(apart))
        bad = apart > most_change
        if not bad.any():
            break
        worst = np.zeros(group.max() + 1)
        np.maximum.at(worst, g, apart)
        drop = bad & (apart == worst[g])
        # Of two that are as far, one goes: the other may be near its new neighbours.
        drop &= ~np.concatenate([[False], drop[:-1] & (g[1:] == g[:-1])])
        out[left[drop]] = True
        left = left[~drop]
    flags = np.zeros(len(value), bool)
    flags[order] = out
    return flags
