"""What a patch of vegetation looks like from above: alone, in a row, or a wood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree
from scipy.special import expit

__all__ = ["SHRUBS", "TREES", "Rules", "aligned", "length_width", "shape_of"]

ISOLATED, ROW, WOOD = 0, 1, 2


@dataclass(frozen=True)
class Rules:
    """Limits between isolated, row and wood, for one stratum.

    Attributes
    ----------
    isolated : float
        m²: a patch up to this size is one crown (110 m² is a crown of 12 m).
    row_width : float
        m: mean width up to which a long patch is a row.
    row_stretch : float
        Times its width that a row is long at least.
    row_length : float
        m: length of a row at least.
    bent : float
        How much longer still, against its width, a row that is not straight must be.
    spacing : float
        m: distance between the middles of two crowns of one row at most.
    least : int
        Crowns that make a row.
    smallest : float
        m²: what is smaller is left out.
    """

    isolated: float = 110.0
    row_width: float = 15.0
    row_stretch: float = 3.0
    row_length: float = 18.0
    bent: float = 4.0
    spacing: float = 13.0
    least: int = 4
    smallest: float = 6.0


TREES = Rules()
SHRUBS = Rules(isolated=20.0, row_width=4.0, row_length=8.0, spacing=4.0, smallest=2.0)


def length_width(polygons: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Length and width (m) of the rectangle with a polygon's area and perimeter.

    Follows a curved or bent hedge, which an oriented envelope does not. Where no rectangle has
    so short a perimeter (a disc), the square of that area.

    Parameters
    ----------
    polygons : array of shapely.Polygon or MultiPolygon
        Projected, metres.

    Notes
    -----
    The measure of :func:`momepy.elongation`, on the shape itself instead of its envelope.
    Source: Gil et al. (2012), Urban Morphology 16, 27-40, for the measure.

    Examples
    --------
    >>> import numpy as np, shapely
    >>> length_width(np.array([shapely.box(0, 0, 40, 5)]))
    (array([40.]), array([5.]))
    """
    area, half = shapely.area(polygons), shapely.length(polygons) / 2
    length = (half + np.sqrt(np.maximum(half**2 - 4 * area, 0))) / 2
    length = np.where(half**2 < 4 * area, np.sqrt(area), length)
    return length, area / np.maximum(length, 1e-9)


def _envelope(polygons: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Length and width of the oriented envelopes."""
    box = shapely.oriented_envelope(polygons)
    corners = np.full((len(box), 5, 2), 0.0)
    whole = shapely.get_type_id(box) == 3
    corners[whole] = shapely.get_coordinates(box[whole]).reshape(-1, 5, 2)
    a = np.hypot(*(corners[:, 1] - corners[:, 0]).T)
    b = np.hypot(*(corners[:, 2] - corners[:, 1]).T)
    return np.maximum(a, b), np.minimum(a, b)


def shape_of(
    polygons: NDArray, rules: Rules = TREES, cell: float = 0.0
) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Isolated (0), row (1) or wood (2), each with a confidence.

    Parameters
    ----------
    polygons : array of shapely.Polygon
        Projected, metres.
    rules : Rules
    cell : float
        Cell of the raster that they were drawn from: its stairs are smoothed before the
        perimeter is measured.

    Returns
    -------
    kind : int8 array
    confidence : float array
        0.5 on a limit, towards 1 away from it: a logistic function of the distance to the
        nearest limit that decides, 1 = a fifth of the limit.
    """
    smooth = polygons
    if cell:
        # Gaps between crowns and the stairs of the raster are no outline of a wood.
        gap = rules.row_width / 6
        smooth = shapely.simplify(polygons, 0.75 * cell)
        smooth = shapely.buffer(shapely.buffer(smooth, gap, quad_segs=2), -gap, quad_segs=2)
        # A patch as thin as a cell may lose all by it.
        smooth = np.where(shapely.is_empty(smooth), polygons, smooth)
    area = shapely.area(polygons)
    length, width = length_width(smooth)
    stretch = length / np.maximum(width, 1e-9)
    box_length, box_width = _envelope(smooth)
    straight = box_length / np.maximum(box_width, 1e-9)
    # A straight row is long in its envelope; a bent one has to be much longer than wide.
    long_enough = np.maximum(
        np.minimum(straight / rules.row_stretch, stretch / rules.row_stretch),
        stretch / (rules.bent * rules.row_stretch),
    )
    # How far beyond each limit, in fifths of it; a row passes all three.
    row = 5 * np.minimum.reduce(
        [long_enough - 1, 1 - width / rules.row_width, length / rules.row_length - 1]
    )
    small = 5 * (1 - area / rules.isolated)
    kind = np.where(row >= 0, ROW, np.where(small >= 0, ISOLATED, WOOD)).astype(np.int8)
    margin = np.where(row >= 0, row, np.minimum(np.abs(row), np.abs(small)))
    return kind, expit(np.minimum(np.abs(margin), 5.0))


def aligned(
    centres: NDArray[np.float64], sizes: NDArray[np.float64], rules: Rules = TREES,
    straight: float = 157.0,
) -> NDArray[np.intp]:  # fmt: skip
    """Crowns that stand in a row without touching.

    Parameters
    ----------
    centres : float array (n, 2)
        Middles of the crowns, metres.
    sizes : float array (n,)
        Their areas, m².
    rules : Rules
    straight : float
        Least angle (degrees) at a crown between its two neighbours in the row.

    Returns
    -------
    intp array (n,)
        Number of the row of each crown, -1 for none. A crown belongs to a row if two
        neighbours lie on both sides of it in a straight line, at like distances (up to 1.7
        times) and of like sizes (up to 3 times), and the row has ``rules.least`` crowns.
    """
    n = len(centres)
    row = np.full(n, -1, np.intp)
    if n < rules.least:
        return row
    pairs = KDTree(centres).query_pairs(rules.spacing, output_type="ndarray")
    if not len(pairs):
        return row
    i = np.concatenate([pairs[:, 0], pairs[:, 1]])
    j = np.concatenate([pairs[:, 1], pairs[:, 0]])
    like = np.maximum(sizes[i], sizes[j]) <= 3 * np.minimum(sizes[i], sizes[j])
    i, j = i[like], j[like]
    order = np.argsort(i, kind="stable")
    i, j = i[order], j[order]
    start = np.searchsorted(i, np.arange(n + 1))
    limit = np.cos(np.radians(straight))
    one, two = [], []
    for k in range(n):
        near = j[start[k] : start[k + 1]]
        if len(near) < 2:
            continue
        step = centres[near] - centres[k]
        far = np.hypot(*step.T)
        unit = step / far[:, None]
        opposite = np.triu(unit @ unit.T <= limit, 1)
        ratio = np.maximum.outer(far, far) / np.minimum.outer(far, far)
        a, b = np.nonzero(opposite & (ratio <= 1.7))
        one += [k] * (2 * len(a))
        two += [*near[a], *near[b]]
    if not one:
        return row
    links = coo_matrix((np.ones(len(one)), (one, two)), (n, n))
    _, group = connected_components(links, directed=False)
    count = np.bincount(group)
    large = np.flatnonzero(count >= rules.least)
    found = np.isin(group, large)
    row[found] = np.searchsorted(large, group[found])
    return row
