"""FLEXTH: the water surface as a distance-weighted mean of the flood's edges.

Source: Betterle and Salamon (2024), Nat. Hazards Earth Syst. Sci. 24, 2817 (method A):
border cells that are steep are left out, heights are averaged along the border, and a
cell takes the mean of the N nearest border cells of its own body weighted by 1 / distance.
What is ours: each border cell also weighs by the trust that the waterline gives it.

:func:`extend_hidden` is the paper's second part: the water reaches what was hidden.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .edges import FLOODED, HIDDEN, Sketch
from .rise import carried, reached
from .waterline import Waterline

__all__ = ["LEAST_REACH", "extend_hidden", "flexth_surface"]

#: The least distance at which a surface has sunk to the ground under what is hidden, m:
#: twice as far as an extent marks ground as hidden around the flood (``cleaning.NEAR``),
#: where a lowland river falls by half a metre at most.
LEAST_REACH = 600.0


def flexth_surface(
    s: Sketch,
    line: Waterline,
    neighbours: int = 24,
    exponent: float = 1.0,
    steepest: float = 0.1,
) -> NDArray[np.float64]:
    """Water surface (m) at ``line.wet``, weighted mean of the nearest edges of the body.

    Parameters
    ----------
    s, line
        The flood's sketch and its waterline.
    neighbours : int
        Entries of the sketch that vote; each stands for about four border cells, so that
        24 are the hundred of the paper.
    exponent : float
        Of the inverse distance.
    steepest : float
        Border steeper than this (m/m) does not vote, unless the body has no other.
    """
    body = s.body.ravel()
    vote = line.trust >= 0.05
    gentle = vote & (s.slope <= steepest)
    has = np.unique(body[s.at[gentle]])
    vote = gentle | (vote & ~np.isin(body[s.at], has))
    if not vote.any():
        return line.regional.copy()
    points = np.column_stack(np.divmod(s.at[vote], s.shape[1])).astype(np.float32)
    weight, residual = line.trust[vote].astype(np.float32), line.residual[vote]
    owner = body[s.at[vote]]
    tree = cKDTree(points)
    k = min(neighbours, len(points))
    out = line.regional.copy()
    for part in np.array_split(np.arange(len(line.wet)), max(1, len(line.wet) // 100_000)):
        cells = line.wet[part]
        where = np.column_stack(np.divmod(cells, s.shape[1]))
        distance, index = tree.query(where, k=list(range(1, k + 1)))
        pull = weight[index] / np.maximum(distance, 0.5) ** exponent
        pull *= owner[index] == body[cells][:, None]
        total = pull.sum(axis=1)
        mean = np.divide(
            (pull * residual[index]).sum(axis=1), total, out=np.zeros(len(part)), where=total > 0
        )
        out[part] += mean
    return out


def extend_hidden(
    codes: NDArray[np.uint8],
    labels: NDArray[np.int32],
    heights: NDArray[np.float32],
    surface: NDArray[np.float32],
    cell: float,
    farthest: float = 10_000.0,
    half_area: float = 10e6,
    least: float = LEAST_REACH,
) -> tuple[NDArray[np.bool_], NDArray[np.float32], NDArray[np.int64]]:
    """Hidden cells that the water reaches from the flood that was seen.

    A hidden cell (forest, city: the sensor cannot tell) is flooded if the water beside it
    stands higher than its ground and a way of hidden or flooded cells leads there. The
    surface sinks towards the ground with the distance d: S - (S - z) d / D, where
    D = ``farthest`` (1 - 2^(-A / ``half_area``)) grows with the area A of the body (m²), and
    is ``least`` metres or more: the paper's rule is made for floods of square kilometres,
    and lets a body of 5 ha reach 36 m only, less than the wood that it stands in.
    Distances are as the crow flies, where the paper follows the way.

    Returns the cells, the surface on them (m), and the flat index of the nearest water.
    """
    level, nearest = carried(surface, cell, fall=0.0)
    rows, cols = np.divmod(nearest, codes.shape[1])
    y, x = np.ogrid[: codes.shape[0], : codes.shape[1]]
    distance = np.hypot(rows - y, cols - x).astype(np.float32) * np.float32(cell)
    area = np.bincount(labels.ravel()) * cell**2
    reach = np.maximum(farthest * (1 - 2.0 ** (-area / half_area)), least)
    share = distance / reach[labels.ravel()[nearest]]
    hidden = (codes == HIDDEN) & (level > heights) & (share < 1)
    wet = reached(hidden, codes == FLOODED) & hidden
    return wet, (level - (level - heights) * share).astype(np.float32), nearest
