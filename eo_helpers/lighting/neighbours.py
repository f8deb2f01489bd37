"""Light of the surroundings that a commune's figures hold, and what of a fall it explains.

The sensor spreads the light of a place over the cells about it. Of a small dark commune
beside a town, much of the light is the town's, and so is a fall of it. What a commune
receives is estimated from the cells about it, the point spread undone; what falls at the date
of an event is then told apart into the commune's own light and that of others.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..timeseries.breaks import Changes
from ..timeseries.season import design
from .practice import Classification
from .weights import CELL, RADIUS, TILE_DEGREES, Weights, cell_areas

__all__ = ["REACH", "around", "judged", "received", "with_outer"]

Floats = NDArray[np.float64]

#: Standard deviation of the point-spread function of a monthly composite, km (about 1.1 km
#: of full width at half maximum). An assumption: the footprint of 742 m (Miller et al. 2013,
#: Remote Sensing 5, 6717-6766), put on cells of 0.3 to 0.46 km, with errors of position of
#: 0.27 km at nadir and more aside (Wolfe et al. 2013, J. Geophys. Res. Atmos. 118, 11508)
#: in the mean of many nights. ``benchmarks.lighting_neighbours`` draws 0.35-0.7 km.
SPREAD = 0.45
#: Cells on either side that may give light: the margin of :func:`data.read`.
REACH = 6
#: Steps by which the point spread is undone.
SHARPENING = 8
#: Weights below this are left out.
NEGLIGIBLE = 1e-5
#: Share of the surroundings' weight that a month must have measured.
LEAST_SEEN = 0.5
#: Where this share of a fall or more comes from without, it may be none of the commune's, …
MUCH = 1 / 3
#: … unless the commune's own light fell by at least this part of what is seen (percent over
#: percent): both may have put out their lights at once. Chosen with ``MUCH`` and ``SPREAD``
#: on the scenes of development of ``benchmarks.lighting_neighbours``.
AS_MUCH = 0.8
#: Least share of a commune's light that must be its own for that to be told.
OWN = 0.1
_FALLEN = ("extinction_totale", "extinction_partielle_ou_renovation", "rallumage")


def around(inside: Floats, row: int, col: int, cell: float = CELL) -> Floats:
    """Weights that give, from the cells in and about a zone, the light that it receives.

    Parameters
    ----------
    inside : ndarray (h, w)
        Share of each cell that the zone covers (0-1).
    row, col : int
        Position of its first cell, counted from 90° N and 180° W.
    cell : float
        Size of a cell, degrees.

    Returns
    -------
    ndarray (h + 2 * REACH, w + 2 * REACH)
        Times the radiance that is seen, the part of the zone's mean that comes from
        without. Some weights are negative: they take back what the zone itself sheds. Cells
        of tiles that the zone does not meet count for nothing: its own analysis does not read
        them.

    Notes
    -----
    Light ``e`` is seen as ``d = K e``, with the point spread ``K``. Of the zone's mean, what
    is emitted without has weights ``t`` on ``e``; looked for are ``w`` with ``K w = t``, so
    that ``w · d = t · e``. ``SHARPENING`` steps of Van Cittert's iteration are made: more
    would follow the noise and the shape that is assumed of ``K``.
    """
    height, width = inside.shape
    along = math.radians(cell) * RADIUS
    across = along * math.cos(math.radians(90 - (row + height / 2) * cell))
    down, right = _spread(height, along), _spread(width, across)
    padded = np.pad(inside, REACH)
    target = down @ (padded / max(float(inside.sum()), 1e-12)) @ right * (1 - padded)
    out = target
    for _ in range(SHARPENING):
        out = out + target - down @ out @ right
    met = [_met(row, height, cell), _met(col, width, cell)]
    return np.asarray(out * np.outer(*met))


def _met(first: int, size: int, cell: float) -> NDArray[np.bool_]:
    """Which lines about ``size`` ones from ``first`` on lie in the same tiles as these."""
    tile = round(TILE_DEGREES / cell)
    of = (first - REACH + np.arange(size + 2 * REACH)) // tile
    return np.asarray((of >= first // tile) & (of <= (first + size - 1) // tile))


def _spread(size: int, step: float) -> Floats:
    """Point spread along one axis, between the cells of a window (symmetric)."""
    index = np.arange(size + 2 * REACH)
    distance = np.abs(index[:, None] - index[None, :])
    value = np.exp(-0.5 * (distance * step / SPREAD) ** 2)
    return np.asarray(value / value[index.size // 2].sum())


def with_outer(weights: Weights) -> Weights:
    """The same zones, with ``outer`` and the cells that it needs (empty columns of ``matrix``)."""
    from scipy.sparse import csr_array

    world = round(360 / weights.cell)
    share = cell_areas(weights.row, weights.cell)
    m = weights.matrix
    n = m.shape[0]
    places: list[NDArray[np.int64]] = []
    values: list[Floats] = []
    pointer = np.zeros(n + 1, np.int64)
    for k in range(n):
        at = m.indices[m.indptr[k] : m.indptr[k + 1]]
        pointer[k + 1] = pointer[k]
        if at.size == 0:
            continue
        row, col = weights.row[at], weights.col[at]
        top, left = int(row.min()), int(col.min())
        inside = np.zeros((int(row.max()) - top + 1, int(col.max()) - left + 1))
        inside[row - top, col - left] = m.data[m.indptr[k] : m.indptr[k + 1]] / share[at]
        weight = around(inside, top, left, weights.cell)
        r, c = np.nonzero(np.abs(weight) > NEGLIGIBLE)
        places.append((r + top - REACH) * world + c + left - REACH)
        values.append(weight[r, c])
        pointer[k + 1] += r.size
    known = weights.row * world + weights.col
    place = np.concatenate(places) if places else np.zeros(0, np.int64)
    cells = np.union1d(known, place)
    old = np.searchsorted(cells, known)
    shape = (n, cells.size)
    wider = csr_array((m.data, old[m.indices], m.indptr), shape=shape)
    matrix = csr_array(
        (
            np.concatenate(values) if values else np.zeros(0),
            np.searchsorted(cells, place).astype(np.int32),
            pointer,
        ),
        shape=shape,
    )
    return Weights(wider, cells // world, cells % world, weights.cell, matrix)


def received(matrix: Any, radiance: NDArray[Any]) -> Floats:
    """Part of zones' mean radiance that comes from without, nW·cm⁻²·sr⁻¹.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array (zones, cells) or ndarray
        :attr:`weights.Weights.outer`, or :func:`around` as a row.
    radiance : ndarray (cells,) or (cells, dates)
        NaN where nothing was measured; what is missing counts as the mean of the rest.

    Returns
    -------
    ndarray (zones,) or (zones, dates)
        NaN where less than ``LEAST_SEEN`` of the weight was measured.
    """
    r = np.asarray(radiance, float)
    ok = np.isfinite(r)
    size = abs(matrix)
    total = np.asarray(matrix @ np.ones_like(r))
    seen = np.asarray(matrix @ ok.astype(float))
    enough = np.asarray(size @ ok.astype(float)) >= LEAST_SEEN * np.asarray(size @ np.ones_like(r))
    # Weights have both signs: what is left of them must still be near their sum.
    enough &= seen >= np.maximum(LEAST_SEEN * total, 1e-9)
    with np.errstate(invalid="ignore", divide="ignore"):
        out = np.asarray(matrix @ np.where(ok, r, 0.0)) / seen * total
    return np.where(enough, out, np.nan)


def judged(
    found: Classification,
    change: Changes | None,
    radiance: Floats,
    outer: Floats,
    years: Floats,
) -> Classification:
    """The class, once what light from without explains of its falls is known.

    Parameters
    ----------
    found : Classification
    change : Changes or None
    radiance, outer : ndarray (T,)
        The commune's mean and, of it, what comes from without (:func:`received`),
        nW·cm⁻²·sr⁻¹, NaN in a gap.
    years : ndarray (T,)

    Returns
    -------
    Classification
        With ``neighbours``, the share of the fall that comes from without (None where it
        cannot be told). *Indéterminé* (reason ``neighbours``) where that is much of it
        and the commune's own light fell clearly less than what is seen.

    Notes
    -----
    Both series are regressed on level, trend, season and a step at each event, without the
    outliers.
    """
    falls = [b for b in found.events if b.change_percent < 0]
    if change is None or found.practice not in _FALLEN or not falls:
        return found
    ok = np.isfinite(radiance) & np.isfinite(outer)
    ok[change.outliers] = False
    t = np.arange(radiance.size)
    x = np.column_stack([design(years), *[(t >= b.index) * 1.0 for b in found.events]])
    if ok.sum() < x.shape[1] + 6 or np.linalg.matrix_rank(x[ok]) < x.shape[1]:
        return found
    coef = np.linalg.lstsq(x[ok], np.column_stack([radiance, outer])[ok], rcond=None)[0]
    first = x.shape[1] - len(found.events)
    # Lit again: what fell; else what is left in the end, as the class has it.
    counted = [
        first + k
        for k, b in enumerate(found.events)
        if b in falls or (found.practice != "rallumage" and b.index > falls[0].index)
    ]
    at = falls[0].index
    level, level_outer = coef[0] + coef[1] * x[at, 1]
    fall, fall_outer = coef[counted].sum(0)
    if fall >= 0:
        return found
    share = fall_outer / fall
    own = max(level - level_outer, 0.0)
    # Where next to nothing is the commune's own, nothing of it can be seen to fall.
    own_fall = (fall_outer - fall) / own if own > OWN * level else 0.0
    out = replace(found, neighbours=float(np.clip(share, 0.0, 1.0)))
    if share < MUCH or own_fall >= AS_MUCH * -fall / level:
        return out
    sure = min(b.probability for b in falls) * float(np.clip(share, 0.0, 1.0))
    return replace(out, practice="indetermine", reason="neighbours", confidence=sure)
